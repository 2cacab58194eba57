/* A REST catalog that answers as servers and networks do when they are at their worst. */
#include "fake_server.h"

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/catalog/state.h"

enum { MOST_ANSWERS = 8 };

struct fixture {
	char folder[64];
	struct fake_server server;
	struct tarn_catalog *catalog;
	struct tarn_table *table; /* with a snapshot that is to be committed */
	char *before, *after;	  /* LoadTableResults without it and with it */
	/* What the server does. */
	const char *config;
	struct fake_reply commits[MOST_ANSWERS], look; /* the last of `commits` is repeated */
	const char *shown;			       /* of what a GET of the table tells; NULL: `look` */
	atomic_int n_commits, n_looks;
};

static const struct tarn_field fields[] = { { .id = 1, .name = "experiment_id", .kind = TARN_TYPE_STRING } };
static const struct tarn_table_definition definition = { .name = "molecules", .fields = fields, .n_fields = 1 };

static struct fake_reply answer(void *context, const char *method, const char *path, const char *body)
{
	struct fixture *f = context;
	(void)body;
	if (!strcmp(path, "/v1/config"))
		return (struct fake_reply){ .status = 200, .body = f->config ? f->config : "{}" };
	if (!strcmp(method, "POST") && !strcmp(path, "/v1/transactions/commit")) {
		int n = atomic_fetch_add(&f->n_commits, 1);
		while (n && !f->commits[n].status && !f->commits[n].body)
			n--;
		return f->commits[n];
	}
	atomic_fetch_add(&f->n_looks, 1);
	return f->shown ? (struct fake_reply){ .status = 200, .body = f->shown } : f->look;
}

static char *load_result(const struct tarn_table *table)
{
	struct tarn_buf json;
	tarn_buf_init(&json, 1 << 20);
	assert_int_equal(tarn_table_write(table, &json, NULL), TARN_OK);
	char *text = tarn_asprintf("{\"metadata-location\":\"file:///m\",\"metadata\":%.*s}", (int)json.len,
				   (const char *)json.data);
	tarn_buf_release(&json);
	return text;
}

/* As tarn_catalog_open_at does, without loading the module. */
static enum tarn_rc open_catalog(struct fixture *f, enum tarn_catalog_mode mode, struct tarn_err *err)
{
	struct tarn_catalog *catalog = tarn_calloc(1, sizeof(*catalog));
	catalog->mode = mode;
	catalog->lock = -1;
	tarn_arena_init(&catalog->arena);
	assert_int_equal(tarn_store_open(f->folder, true, &catalog->store, NULL), TARN_OK);
	enum tarn_rc rc = tarn_rest_catalog_open(catalog, f->server.url, err);
	if (!rc)
		rc = tarn_ledger_file_open(catalog, 0, err);
	if (rc)
		tarn_catalog_close(catalog);
	else
		f->catalog = catalog;
	return rc;
}

static void open_to_write(struct fixture *f)
{
	struct tarn_err err;
	if (open_catalog(f, TARN_CATALOG_WRITE, &err))
		fail_msg("%s", err.message);
}

static int setup(void **state)
{
	struct fixture *f = tarn_calloc(1, sizeof(*f));
	struct tarn_store *store;
	strcpy(f->folder, "/tmp/tarn-rest-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	setenv("XDG_STATE_HOME", f->folder, 1);
	setenv("TARN_CATALOG_ATTEMPTS", "3", 1);
	char *location = tarn_asprintf("file://%s/" TARN_NAMESPACE "/molecules", f->folder);
	f->table = tarn_table_new(&definition, location, NULL, 1000000);
	f->before = load_result(f->table);
	assert_int_equal(tarn_store_open(f->folder, true, &store, NULL), TARN_OK);
	const struct tarn_append append = { .snapshot_id = 42, .now_us = 2000000, .tag = "v_1", .attempt_uuid = "a" };
	assert_int_equal(tarn_table_append(f->table, store, NULL, 0, &append, NULL, NULL), TARN_OK);
	f->after = load_result(f->table);
	tarn_store_close(store);
	free(location);
	f->server = (struct fake_server){ .answer = answer, .context = f };
	fake_server_start(&f->server);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *command = tarn_asprintf("rm -rf '%s'", f->folder);
	tarn_catalog_close(f->catalog);
	fake_server_stop(&f->server);
	assert_int_equal(system(command), 0);
	free(command);
	tarn_table_free(f->table);
	free(f->before);
	free(f->after);
	free(f);
	return 0;
}

static enum tarn_rc note(void *context, sqlite3 *db, struct tarn_err *err)
{
	(void)context;
	return tarn_sql_run(db, "CREATE TABLE noted(n); INSERT INTO noted VALUES (1)", "noting", err);
}

static bool is_noted(struct tarn_catalog *catalog)
{
	return sqlite3_table_column_metadata(catalog->db, NULL, "noted", "n", NULL, NULL, NULL, NULL, NULL) ==
	       SQLITE_OK;
}

static enum tarn_rc commit(struct fixture *f, struct tarn_err *err)
{
	const struct tarn_catalog_change change = { "molecules", f->table, "file:///m" };
	return tarn_catalog_commit(f->catalog, &change, 1, note, NULL, err);
}

/* ---- commits ---- */

#define CONFLICT "{\"error\":{\"message\":\"branch main has changed\",\"type\":\"CommitFailedException\",\"code\":409}}"

static void check_commit(void **state, const struct fake_reply *commits, const char *shown, struct fake_reply look,
			 enum tarn_rc expected, int n_commits, const char *says)
{
	struct fixture *f = *state;
	struct tarn_err err = { 0 };
	memcpy(f->commits, commits, 2 * sizeof(*commits));
	f->shown = shown;
	f->look = look;
	open_to_write(f);
	enum tarn_rc rc = commit(f, &err);
	if (rc != expected)
		fail_msg("%s: %s", tarn_rc_name(rc), err.message);
	assert_int_equal(atomic_load(&f->n_commits), n_commits);
	assert_int_equal(is_noted(f->catalog), expected == TARN_OK);
	if (says && !strstr(err.message, says))
		fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

#define REPLIES(...)                                                                                                   \
	(const struct fake_reply[2])                                                                                   \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}
#define F ((struct fixture *)*state)
static const struct fake_reply no_look = { 0 };

static void a_commit_is_one_request(void **state)
{
	check_commit(state, REPLIES({ .status = 204 }), F->before, no_look, TARN_OK, 1, NULL);
	assert_int_equal(atomic_load(&F->n_looks), 0);
}

static void a_lost_answer_is_looked_up(void **state)
{
	check_commit(state, REPLIES({ 0 }), F->after, no_look, TARN_OK, 1, NULL);
}

static void half_an_answer_is_looked_up(void **state)
{
	check_commit(state, REPLIES({ .status = 500, .body = CONFLICT, .half = true }), F->after, no_look, TARN_OK, 1,
		     NULL);
}

static void a_busy_server_is_asked_again(void **state)
{
	check_commit(state, REPLIES({ .status = 503 }, { .status = 204 }), F->before, no_look, TARN_OK, 2, NULL);
}

static void a_conflict_changes_nothing(void **state)
{
	check_commit(state, REPLIES({ .status = 409, .body = CONFLICT }), F->before, no_look, TARN_ECONFLICT, 1,
		     "409 CommitFailedException: branch main has changed");
}

static void a_conflict_with_oneself_is_a_success(void **state)
{
	check_commit(state, REPLIES({ .status = 503 }, { .status = 409, .body = CONFLICT }), F->after, no_look, TARN_OK,
		     1, NULL);
}

static void a_server_that_stays_busy_has_not_committed(void **state)
{
	check_commit(state, REPLIES({ .status = 503 }), F->before, no_look, TARN_EIO, 3, "503");
}

static void a_server_that_cannot_be_asked_leaves_it_open(void **state)
{
	check_commit(state, REPLIES({ 0 }), NULL, (struct fake_reply){ .status = 500 }, TARN_EIO, 1,
		     "it is not known whether the commit stands");
}

static void a_bad_request_is_not_repeated(void **state)
{
	check_commit(state, REPLIES({ .status = 400, .body = "<html>" }), F->before, no_look, TARN_EINVALID, 1, "400");
	assert_int_equal(atomic_load(&F->n_looks), 0);
}

static void who_may_not_is_told(void **state)
{
	check_commit(state, REPLIES({ .status = 403, .body = "{\"error\":\"no\",\"error_description\":\"not you\"}" }),
		     F->before, no_look, TARN_EIO, 1, "not you");
}

static void a_failed_note_asks_nobody(void **state)
{
	open_to_write(F);
	assert_int_equal(sqlite3_exec(F->catalog->db, "CREATE TABLE noted(n)", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(commit(F, NULL), TARN_OK);
	assert_int_equal(atomic_load(&F->n_commits), 0);
}

/* ---- reading ---- */

static void check_load(void **state, struct fake_reply look, enum tarn_rc expected, const char *says)
{
	struct tarn_table *table;
	struct tarn_err err;
	F->look = look;
	if (!F->catalog)
		open_to_write(F);
	assert_int_equal(tarn_catalog_load(F->catalog, "molecules", &table, NULL, &err), expected);
	if (!strstr(err.message, says))
		fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

static void answers_that_are_no_table(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{ "", "molecules" },
		{ "<html>", "molecules" },
		{ "null", "molecules" },
		{ "{}", "no member \"metadata\"" },
		{ "{\"metadata\":[]}", "molecules" },
		{ "{\"metadata\":{\"format-version\":2}}", "molecules" },
		{ "{\"metadata-location\":7,\"metadata\":{}}", "molecules" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_load(state, (struct fake_reply){ .status = 200, .body = cases[i].body }, TARN_EINVALID,
			   cases[i].says);
	check_load(state, (struct fake_reply){ .status = 404 }, TARN_ENOTFOUND, "there is no table \"molecules\"");
	check_load(state, (struct fake_reply){ .status = 418, .body = "teapot" }, TARN_EIO, "418");
}

static void an_answer_without_end_is_refused(void **state)
{
	check_load(state, (struct fake_reply){ .status = 200, .body = "{", .padding = (size_t)1 << 28 }, TARN_ELIMIT,
		   "larger than 268435456 bytes");
}

static void configurations(void **state)
{
	static const struct {
		const char *config;
		enum tarn_rc read, write;
	} cases[] = {
		{ "{}", TARN_OK, TARN_OK },
		{ "{\"endpoints\":[]}", TARN_OK, TARN_OK },
		{ "{\"endpoints\":[\"POST /v1/{prefix}/transactions/commit\"]}", TARN_OK, TARN_OK },
		{ "{\"endpoints\":[\"GET /v1/{prefix}/namespaces\"]}", TARN_OK, TARN_EUNSUPPORTED },
		{ "[]", TARN_EINVALID, TARN_EINVALID },
		{ "<html>", TARN_EINVALID, TARN_EINVALID },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		F->config = cases[i].config;
		assert_int_equal(open_catalog(F, TARN_CATALOG_READ, NULL), cases[i].read);
		tarn_catalog_close(F->catalog);
		F->catalog = NULL;
		assert_int_equal(open_catalog(F, TARN_CATALOG_WRITE, NULL), cases[i].write);
		tarn_catalog_close(F->catalog);
		F->catalog = NULL;
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_commit_is_one_request),
		CASE(a_lost_answer_is_looked_up),
		CASE(half_an_answer_is_looked_up),
		CASE(a_busy_server_is_asked_again),
		CASE(a_conflict_changes_nothing),
		CASE(a_conflict_with_oneself_is_a_success),
		CASE(a_server_that_stays_busy_has_not_committed),
		CASE(a_server_that_cannot_be_asked_leaves_it_open),
		CASE(a_bad_request_is_not_repeated),
		CASE(who_may_not_is_told),
		CASE(a_failed_note_asks_nobody),
		CASE(answers_that_are_no_table),
		CASE(an_answer_without_end_is_refused),
		CASE(configurations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
