/* Tables of an Iceberg REST catalog: opening, listing, loading, making. The commit is in rest_commit.c. */
#include "store/catalog/rest_catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/curl_handle.h"
#include "base/point.h"
#include "store/catalog/rest_text.h"

enum { REQUEST_MAX = 64 << 20, MOST_PAGES = 10000 };

const char *rest_tables_url(const struct rest_catalog *rest, struct tarn_arena *arena)
{
	return tarn_arena_printf(arena, "%s/namespaces/" TARN_NAMESPACE "/tables", rest->place);
}

const char *rest_table_url(const struct rest_catalog *rest, struct tarn_arena *arena, const char *name)
{
	char *escaped = tarn_curl_escape(name);
	const char *url = tarn_arena_printf(arena, "%s/%s", rest_tables_url(rest, arena), escaped);
	free(escaped);
	return url;
}

/* ---- listing ---- */

static int by_name(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static enum tarn_rc list_page(struct rest_catalog *rest, struct tarn_arena *arena, struct rest_names *names,
			      struct tarn_err *err)
{
	struct rest_answer answer;
	const char *url = rest_tables_url(rest, arena);
	if (names->next_page && *names->next_page) {
		char *token = tarn_curl_escape(names->next_page);
		url = tarn_arena_printf(arena, "%s?pageToken=%s", url, token);
		free(token);
	}
	enum tarn_rc rc = rest_ask(rest, "GET", url, NULL, &answer, err);
	if (!rc)
		rc = rest_read_names(tarn_buf_slice(&answer.body), arena, names, err);
	rest_answer_release(&answer);
	return rc;
}

static enum tarn_rc list_pages(struct rest_catalog *rest, struct tarn_arena *arena, struct rest_names *names,
			       struct tarn_err *err)
{
	enum tarn_rc rc = list_page(rest, arena, names, err);
	/* No namespace: nothing was committed yet. */
	if (rc == TARN_ENOTFOUND)
		return TARN_OK;
	for (int page = 1; !rc && *names->next_page; page++)
		rc = page < MOST_PAGES ? list_page(rest, arena, names, err)
				       : tarn_fail(err, TARN_ELIMIT, "the catalog's listing has no end");
	return rc;
}

static enum tarn_rc list_names(struct tarn_catalog *catalog, char ***names, size_t *n, struct tarn_err *err)
{
	struct rest_names found = { 0 };
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	enum tarn_rc rc = list_pages(catalog->rest, &arena, &found, err);
	if (!rc) {
		char **list = tarn_calloc(found.n, sizeof(*list));
		if (found.n)
			qsort(found.items, found.n, sizeof(*found.items), by_name);
		for (size_t i = 0; i < found.n; i++)
			list[i] = tarn_strdup(found.items[i]);
		*names = list;
		*n = found.n;
	}
	free(found.items);
	tarn_arena_release(&arena);
	return rc;
}

/* ---- loading ---- */

static void forget_ahead(struct rest_catalog *rest)
{
	for (size_t i = 0; i < rest->n_ahead; i++)
		rest_answer_release(&rest->ahead[i].answer);
	free(rest->ahead);
	rest->ahead = NULL;
	rest->n_ahead = 0;
}

/* All at once; what did not go well is asked for again by the load. */
static void expect_tables(struct tarn_catalog *catalog, const char *const *names, size_t n)
{
	struct rest_catalog *rest = catalog->rest;
	struct rest_request *requests = tarn_calloc(n, sizeof(*requests));
	struct rest_answer *answers = tarn_calloc(n, sizeof(*answers));
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	forget_ahead(rest);
	for (size_t i = 0; i < n; i++)
		requests[i] = (struct rest_request){ .method = "GET", .url = rest_table_url(rest, &arena, names[i]) };
	rest_ask_all(rest, requests, answers, n);
	rest->ahead = tarn_calloc(n, sizeof(*rest->ahead));
	for (size_t i = 0; i < n; i++) {
		if (rest_is_good(&answers[i]) || answers[i].status == 404)
			rest->ahead[rest->n_ahead++] =
				(struct rest_ahead){ tarn_arena_strdup(&rest->arena, names[i]), answers[i] };
		else
			rest_answer_release(&answers[i]);
	}
	free(requests);
	free(answers);
	tarn_arena_release(&arena);
}

static bool take_ahead(struct rest_catalog *rest, const char *name, struct rest_answer *answer)
{
	for (size_t i = 0; i < rest->n_ahead; i++) {
		if (strcmp(rest->ahead[i].name, name))
			continue;
		*answer = rest->ahead[i].answer;
		rest->ahead[i] = rest->ahead[--rest->n_ahead];
		return true;
	}
	return false;
}

static enum tarn_rc check_place(struct tarn_catalog *catalog, const struct tarn_table *table, struct tarn_err *err)
{
	const char *location = tarn_table_location(table), *lake = tarn_store_url(catalog->store);
	if (tarn_store_key(catalog->store, location))
		return TARN_OK;
	tarn_fail(err, TARN_EINVALID, "the catalog has it at \"%s\", outside of the lake \"%s\"", location, lake);
	tarn_err_hint(err, "--lake names the place that the catalog's tables are in");
	return TARN_EINVALID;
}

static enum tarn_rc read_answer(struct tarn_catalog *catalog, const struct rest_answer *answer,
				struct tarn_table **table, char **location, struct tarn_err *err)
{
	struct tarn_table *read;
	char *found = NULL;
	enum tarn_rc rc = rest_read_table(tarn_buf_slice(&answer->body), &read, &found, err);
	if (rc)
		return rc;
	rc = check_place(catalog, read, err);
	if (rc || !location)
		free(found);
	if (rc) {
		tarn_table_free(read);
		return rc;
	}
	*table = read;
	if (location)
		*location = found ? found : tarn_strdup("");
	return TARN_OK;
}

static enum tarn_rc load(struct tarn_catalog *catalog, const char *name, struct tarn_table **table, char **location,
			 struct tarn_err *err)
{
	struct rest_catalog *rest = catalog->rest;
	struct rest_answer answer;
	struct tarn_arena arena;
	enum tarn_rc rc;
	tarn_arena_init(&arena);
	const char *url = rest_table_url(rest, &arena, name);
	if (take_ahead(rest, name, &answer))
		rc = rest_is_good(&answer) ? TARN_OK : rest_refuse("GET", url, &answer, err);
	else
		rc = rest_ask(rest, "GET", url, NULL, &answer, err);
	if (!rc)
		rc = read_answer(catalog, &answer, table, location, err);
	if (rc == TARN_ENOTFOUND)
		tarn_fail(err, rc, "there is no table \"%s\" in the catalog \"%s\"", name, rest->place);
	else if (rc)
		rc = tarn_err_within(err, rc, "table \"%s\"", name);
	rest_answer_release(&answer);
	tarn_arena_release(&arena);
	return rc;
}

/* ---- making ---- */

static enum tarn_rc make_namespace(struct rest_catalog *rest, struct tarn_err *err)
{
	struct rest_answer answer;
	struct tarn_buf body;
	char *url = tarn_asprintf("%s/namespaces", rest->place);
	tarn_buf_init(&body, REQUEST_MAX);
	rest_put_namespace(&body);
	enum tarn_rc rc = rest_ask(rest, "POST", url, &body, &answer, err);
	rest_answer_release(&answer);
	tarn_buf_release(&body);
	free(url);
	return rc == TARN_ECONFLICT ? TARN_OK : rc;
}

/* A server that has no such namespace says so by "not found". */
static enum tarn_rc post_table(struct rest_catalog *rest, const char *name, const struct tarn_buf *body,
			       struct rest_answer *answer, struct tarn_err *err)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	const char *url = rest_table_url(rest, &arena, name);
	enum tarn_rc rc = rest_ask(rest, "POST", url, body, answer, err);
	if (rc == TARN_ENOTFOUND)
		rc = make_namespace(rest, err);
	if (!rc && !rest_is_good(answer)) {
		rest_answer_release(answer);
		rc = rest_ask(rest, "POST", url, body, answer, err);
	}
	tarn_arena_release(&arena);
	return rc;
}

/* What a table is after a request that changes it. Asked twice (the first answer got lost), or beside somebody else who
 * asks for the same, it is so already. */
static enum tarn_rc change_table(struct tarn_catalog *catalog, const char *name, const struct tarn_buf *body,
				 struct tarn_table **table, char **location, struct tarn_err *err)
{
	struct rest_answer answer;
	enum tarn_rc rc = post_table(catalog->rest, name, body, &answer, err);
	if (!rc)
		rc = read_answer(catalog, &answer, table, location, err);
	else if (rc == TARN_ECONFLICT)
		rc = load(catalog, name, table, location, err);
	rest_answer_release(&answer);
	return rc;
}

static bool has_ids(const struct tarn_field *found, size_t n_found, const struct tarn_field *wanted, size_t n_wanted)
{
	for (size_t i = 0; i < n_found && i < n_wanted; i++)
		if (found[i].id != wanted[i].id ||
		    !has_ids(found[i].fields, found[i].n_fields, wanted[i].fields, wanted[i].n_fields))
			return false;
	return n_found == n_wanted;
}

static bool is_numbered_alike(const struct tarn_table *made, const struct tarn_table *table)
{
	size_t n_found, n_wanted;
	const struct tarn_field *found = tarn_table_fields(made, &n_found);
	const struct tarn_field *wanted = tarn_table_fields(table, &n_wanted);
	return has_ids(found, n_found, wanted, n_wanted);
}

/* Nessie numbers the fields of a new table whatever ids are given; a second schema keeps its own. */
static enum tarn_rc number_fields(struct tarn_catalog *catalog, const char *name, const struct tarn_table *table,
				  struct tarn_table **made, char **location, struct tarn_err *err)
{
	struct tarn_table *numbered;
	char *numbered_location;
	struct tarn_buf body;
	if (is_numbered_alike(*made, table) || tarn_table_current(*made))
		return TARN_OK;
	tarn_buf_init(&body, REQUEST_MAX);
	rest_put_numbering(&body, name, *made, table);
	enum tarn_rc rc = change_table(catalog, name, &body, &numbered, &numbered_location, err);
	tarn_buf_release(&body);
	if (rc)
		return rc;
	tarn_table_free(*made);
	free(*location);
	*made = numbered;
	*location = numbered_location;
	return TARN_OK;
}

static enum tarn_rc make(struct tarn_catalog *catalog, const char *name, struct tarn_table **table, char **location,
			 struct tarn_err *err)
{
	struct tarn_table *made = NULL;
	char *made_location = NULL;
	struct tarn_buf body;
	tarn_buf_init(&body, REQUEST_MAX);
	rest_put_creation(&body, name, *table);
	enum tarn_rc rc = change_table(catalog, name, &body, &made, &made_location, err);
	tarn_buf_release(&body);
	if (!rc) {
		tarn_point("catalog.made_some");
		rc = number_fields(catalog, name, *table, &made, &made_location, err);
	}
	if (rc) {
		tarn_table_free(made);
		free(made_location);
		return tarn_err_within(err, rc, "making it");
	}
	tarn_table_free(*table);
	*table = made;
	*location = made_location;
	return TARN_OK;
}

/* ---- the kind ---- */

static void close_rest(struct tarn_catalog *catalog)
{
	rest_close(catalog->rest);
}

static const struct tarn_catalog_ops rest_ops = {
	.list = list_names,
	.expect = expect_tables,
	.load = load,
	.make = make,
	.commit = rest_commit,
	.close = close_rest,
};

static enum tarn_rc check_commits(const struct tarn_catalog *catalog, struct tarn_err *err)
{
	if (catalog->mode == TARN_CATALOG_READ || catalog->rest->commits_many)
		return TARN_OK;
	tarn_fail(
		err, TARN_EUNSUPPORTED,
		"the catalog \"%s\" commits one table at a time (no POST .../transactions/commit among its endpoints)",
		catalog->rest->base);
	tarn_err_hint(err,
		      "a run changes all of its tables or none, so it needs a catalog that commits several at once; "
		      "reading works");
	return TARN_EUNSUPPORTED;
}

enum tarn_rc tarn_rest_catalog_open(struct tarn_catalog *catalog, const char *url, struct tarn_err *err)
{
	enum tarn_rc rc = rest_open(url, &catalog->rest, err);
	if (rc)
		return rc;
	catalog->ops = &rest_ops;
	catalog->identity = tarn_arena_printf(&catalog->arena, "%s?warehouse=%s", catalog->rest->base,
					      catalog->rest->warehouse ? catalog->rest->warehouse : "");
	return check_commits(catalog, err);
}
