#include "store/catalog/catalog.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/compress.h"
#include "base/file.h"
#include "cmocka_tarn.h"

struct fixture {
	char lake[64];
};

static const struct tarn_field fields[] = {
	{ .id = 1, .name = "experiment_id", .kind = TARN_TYPE_STRING },
	{ .id = 2, .name = "processing_date", .kind = TARN_TYPE_DATE },
};
static const char *const partition_by[] = { "processing_date" };
static const struct tarn_table_definition definition = {
	.name = "molecules",
	.fields = fields,
	.n_fields = 2,
	.partition_by = partition_by,
	.n_partition_by = 1,
};

static int setup(void **state)
{
	struct fixture *f = tarn_calloc(1, sizeof(*f));
	strcpy(f->lake, "/tmp/tarn-catalog-XXXXXX");
	assert_non_null(mkdtemp(f->lake));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *command = tarn_asprintf("rm -rf '%s' '%s-moved'", f->lake, f->lake);
	assert_int_equal(system(command), 0);
	free(command);
	free(f);
	return 0;
}

static struct tarn_catalog *open_catalog(const char *lake, enum tarn_catalog_mode mode)
{
	struct tarn_catalog *catalog;
	struct tarn_err err = { 0 };
	if (tarn_catalog_open(lake, mode, 0, &catalog, &err))
		fail_msg("%s", err.message);
	return catalog;
}

static enum tarn_rc create(struct tarn_catalog *catalog, const char *name, struct tarn_err *err)
{
	const char *location = tarn_catalog_table_location(catalog, name);
	struct tarn_table *table = tarn_table_new(&definition, location, NULL, tarn_now_us());
	struct tarn_catalog_change change = { name, table, NULL };
	enum tarn_rc rc = tarn_catalog_commit(catalog, &change, 1, NULL, NULL, err);
	tarn_table_free(table);
	return rc;
}

/* Commits both tables as they are, once more; a stale location for the second where given. */
static enum tarn_rc commit_both(struct tarn_catalog *catalog, const char *stale, tarn_catalog_also also,
				struct tarn_err *err)
{
	struct tarn_table *a, *b;
	char *a_location, *b_location;
	assert_int_equal(tarn_catalog_load(catalog, "a", &a, &a_location, NULL), TARN_OK);
	assert_int_equal(tarn_catalog_load(catalog, "b", &b, &b_location, NULL), TARN_OK);
	struct tarn_catalog_change changes[] = { { "a", a, a_location }, { "b", b, stale ? stale : b_location } };
	enum tarn_rc rc = tarn_catalog_commit(catalog, changes, 2, also, NULL, err);
	tarn_table_free(a);
	tarn_table_free(b);
	free(a_location);
	free(b_location);
	return rc;
}

static void make_two_tables(const char *lake)
{
	struct tarn_catalog *catalog = open_catalog(lake, TARN_CATALOG_WRITE);
	assert_int_equal(create(catalog, "b", NULL), TARN_OK);
	assert_int_equal(create(catalog, "a", NULL), TARN_OK);
	tarn_catalog_close(catalog);
}

/* Number in the name of a table's metadata file. */
static int version_of(struct tarn_catalog *catalog, const char *name)
{
	struct tarn_table *table;
	char *location;
	assert_int_equal(tarn_catalog_load(catalog, name, &table, &location, NULL), TARN_OK);
	int version = atoi(strrchr(location, '/') + 1);
	tarn_table_free(table);
	free(location);
	return version;
}

static void assert_file(const char *lake, const char *name, const char *expected)
{
	char *path = tarn_asprintf("%s/%s", lake, name);
	struct tarn_buf text;
	tarn_buf_init(&text, 1 << 20);
	assert_int_equal(tarn_file_read(path, &text, NULL), TARN_OK);
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.data, expected, text.len);
	tarn_buf_release(&text);
	free(path);
}

static void write_file(const char *lake, const char *name, struct tarn_slice bytes)
{
	char *path = tarn_asprintf("%s/%s", lake, name);
	assert_int_equal(tarn_file_replace(path, bytes, NULL), TARN_OK);
	free(path);
}

static bool has_file(const char *lake, const char *name)
{
	char *path = tarn_asprintf("%s/%s", lake, name);
	bool has = tarn_file_exists(path);
	free(path);
	return has;
}

static bool count_entry(void *context, const struct tarn_store_entry *entry)
{
	*(int *)context += strstr(entry->name, ".metadata.json") && *entry->name != 'v';
	return true;
}

static int metadata_files(struct tarn_catalog *catalog, const char *name)
{
	char *prefix = tarn_asprintf(TARN_NAMESPACE "/%s/metadata", name);
	int n = 0;
	assert_int_equal(tarn_store_list(tarn_catalog_store(catalog), prefix, NULL, count_entry, &n, NULL), TARN_OK);
	free(prefix);
	return n;
}

static void run_sql(const char *lake, const char *sql)
{
	char *path = tarn_asprintf("%s/catalog.db", lake);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(path);
}

/* ---- what is committed is read ---- */

static void tables_are_listed_and_loaded(void **state)
{
	struct fixture *f = *state;
	char **names, *location, *expected = tarn_asprintf("file://%s/" TARN_NAMESPACE "/a", f->lake);
	struct tarn_table *table;
	size_t n;
	make_two_tables(f->lake);
	struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_READ);
	assert_int_equal(tarn_catalog_list(catalog, &names, &n, NULL), TARN_OK);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "b");
	tarn_catalog_names_free(names, n);
	assert_int_equal(tarn_catalog_load(catalog, "a", &table, &location, NULL), TARN_OK);
	assert_string_equal(tarn_table_location(table), expected);
	assert_memory_equal(location, expected, strlen(expected));
	assert_non_null(strstr(location, "/metadata/00000-"));
	free(location);
	tarn_table_free(table);
	assert_int_equal(tarn_catalog_load(catalog, "c", &table, NULL, NULL), TARN_ENOTFOUND);
	tarn_catalog_close(catalog);
	free(expected);
}

static void path_readers_get_a_link_and_a_hint(void **state)
{
	struct fixture *f = *state;
	make_two_tables(f->lake);
	assert_file(f->lake, TARN_NAMESPACE "/a/metadata/version-hint.text", "2");
	assert_true(has_file(f->lake, TARN_NAMESPACE "/a/metadata/v2.metadata.json"));
	write_file(f->lake, TARN_NAMESPACE "/a/metadata/.version-hint.text.crc", tarn_slice_str("x"));
	struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_WRITE);
	assert_int_equal(commit_both(catalog, NULL, NULL, NULL), TARN_OK);
	assert_int_equal(version_of(catalog, "a"), 1);
	tarn_catalog_close(catalog);
	assert_file(f->lake, TARN_NAMESPACE "/a/metadata/version-hint.text", "3");
	assert_true(has_file(f->lake, TARN_NAMESPACE "/a/metadata/v3.metadata.json"));
	assert_false(has_file(f->lake, TARN_NAMESPACE "/a/metadata/.version-hint.text.crc"));
}

static void a_missing_catalog_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct tarn_catalog *catalog;
	assert_int_equal(tarn_catalog_open(f->lake, TARN_CATALOG_READ, 0, &catalog, NULL), TARN_ENOTFOUND);
	assert_int_equal(tarn_catalog_open("/no/such/lake", TARN_CATALOG_READ, 0, &catalog, NULL), TARN_ENOTFOUND);
	run_sql(f->lake, "CREATE TABLE other(a)");
	assert_int_equal(tarn_catalog_open(f->lake, TARN_CATALOG_READ, 0, &catalog, NULL), TARN_ENOTFOUND);
	write_file(f->lake, "catalog.db", tarn_slice_str("this is no database, whatever it is called, not at all"));
	assert_int_equal(tarn_catalog_open(f->lake, TARN_CATALOG_READ, 0, &catalog, NULL), TARN_EINVALID);
	assert_int_equal(tarn_catalog_open(f->lake, TARN_CATALOG_WRITE, 0, &catalog, NULL), TARN_EINVALID);
}

static void a_moved_lake_is_explained(void **state)
{
	struct fixture *f = *state;
	char *moved = tarn_asprintf("%s-moved", f->lake);
	struct tarn_table *table;
	struct tarn_err err;
	make_two_tables(f->lake);
	assert_int_equal(rename(f->lake, moved), 0);
	struct tarn_catalog *catalog = open_catalog(moved, TARN_CATALOG_READ);
	assert_int_equal(tarn_catalog_load(catalog, "a", &table, NULL, &err), TARN_EINVALID);
	assert_non_null(strstr(err.message, f->lake));
	assert_non_null(strstr(err.hint, "moved"));
	tarn_catalog_close(catalog);
	free(moved);
}

static void a_lost_metadata_file_is_damage(void **state)
{
	struct fixture *f = *state;
	struct tarn_table *table;
	struct tarn_err err;
	make_two_tables(f->lake);
	run_sql(f->lake, "UPDATE iceberg_tables SET metadata_location = "
			 "replace(metadata_location, '00000-', '00001-') WHERE table_name = 'a'");
	struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_READ);
	assert_int_equal(tarn_catalog_load(catalog, "a", &table, NULL, &err), TARN_EINVALID);
	assert_non_null(strstr(err.message, "table \"a\""));
	assert_int_equal(tarn_catalog_load(catalog, "b", &table, NULL, &err), TARN_OK);
	tarn_table_free(table);
	tarn_catalog_close(catalog);
}

static void packed_metadata_is_read(void **state)
{
	struct fixture *f = *state;
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_table *table;
	struct tarn_buf json, packed;
	make_two_tables(f->lake);
	struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_READ);
	assert_int_equal(tarn_catalog_load(catalog, "a", &table, NULL, NULL), TARN_OK);
	tarn_buf_init(&json, 1 << 20);
	tarn_buf_init(&packed, 1 << 20);
	assert_int_equal(tarn_table_write(table, &json, NULL), TARN_OK);
	assert_int_equal(tarn_compress(compressor, TARN_CODEC_GZIP, 0, tarn_buf_slice(&json), &packed, NULL), TARN_OK);
	write_file(f->lake, TARN_NAMESPACE "/a/metadata/00007-x.gz.metadata.json", tarn_buf_slice(&packed));
	run_sql(f->lake, "UPDATE iceberg_tables SET metadata_location = substr(metadata_location, 1, "
			 "instr(metadata_location, '00000-') - 1) || '00007-x.gz.metadata.json' "
			 "WHERE table_name = 'a'");
	assert_int_equal(version_of(catalog, "a"), 7);
	tarn_table_free(table);
	tarn_catalog_close(catalog);
	tarn_compressor_free(compressor);
	tarn_buf_release(&json);
	tarn_buf_release(&packed);
}

/* ---- all or nothing ---- */

static enum tarn_rc note(void *context, sqlite3 *db, struct tarn_err *err)
{
	(void)context;
	static const char sql[] = "CREATE TABLE IF NOT EXISTS ledger(n INTEGER); INSERT INTO ledger VALUES (1)";
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? TARN_OK : tarn_fail(err, TARN_EIO, "ledger");
}

static enum tarn_rc note_and_fail(void *context, sqlite3 *db, struct tarn_err *err)
{
	enum tarn_rc rc = note(context, db, err);
	return rc ? rc : tarn_fail(err, TARN_EINVALID, "on purpose");
}

static int ledger_rows(struct tarn_catalog *catalog)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(tarn_catalog_db(catalog), "SELECT count(*) FROM ledger", -1, &statement, NULL) !=
	    SQLITE_OK)
		return 0;
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int n = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return n;
}

static void assert_nothing_changed(struct tarn_catalog *catalog)
{
	assert_int_equal(version_of(catalog, "a"), 0);
	assert_int_equal(version_of(catalog, "b"), 0);
	assert_int_equal(metadata_files(catalog, "a"), 1);
	assert_int_equal(metadata_files(catalog, "b"), 1);
	assert_int_equal(ledger_rows(catalog), 0);
}

static void a_moved_pointer_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	struct tarn_err err;
	make_two_tables(f->lake);
	struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_WRITE);
	assert_int_equal(commit_both(catalog, "file:///stale/00000-x.metadata.json", note, &err), TARN_ECONFLICT);
	assert_non_null(strstr(err.message, "\"b\""));
	assert_nothing_changed(catalog);
	assert_int_equal(create(catalog, "a", &err), TARN_ECONFLICT);
	assert_nothing_changed(catalog);
	tarn_catalog_close(catalog);
}

static void a_failed_addition_rolls_everything_back(void **state)
{
	struct fixture *f = *state;
	struct tarn_err err;
	make_two_tables(f->lake);
	struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_WRITE);
	assert_int_equal(commit_both(catalog, NULL, note_and_fail, &err), TARN_EINVALID);
	assert_string_equal(err.message, "on purpose");
	assert_nothing_changed(catalog);
	assert_int_equal(commit_both(catalog, NULL, note, &err), TARN_OK);
	assert_int_equal(ledger_rows(catalog), 1);
	assert_int_equal(tarn_catalog_commit(catalog, NULL, 0, note, NULL, &err), TARN_OK);
	assert_int_equal(ledger_rows(catalog), 2);
	assert_int_equal(version_of(catalog, "b"), 1);
	tarn_catalog_close(catalog);
}

static void a_reader_sees_commits_as_they_come(void **state)
{
	struct fixture *f = *state;
	make_two_tables(f->lake);
	struct tarn_catalog *reader = open_catalog(f->lake, TARN_CATALOG_READ);
	struct tarn_catalog *writer = open_catalog(f->lake, TARN_CATALOG_WRITE);
	assert_int_equal(version_of(reader, "a"), 0);
	assert_int_equal(commit_both(writer, NULL, NULL, NULL), TARN_OK);
	assert_int_equal(version_of(reader, "a"), 1);
	assert_int_equal(sqlite3_exec(tarn_catalog_db(reader), "DELETE FROM iceberg_tables", NULL, NULL, NULL),
			 SQLITE_READONLY);
	tarn_catalog_close(writer);
	tarn_catalog_close(reader);
}

/* ---- one writer ---- */

static void a_second_writer_is_told_who_holds_the_lake(void **state)
{
	struct fixture *f = *state;
	struct tarn_catalog *first = open_catalog(f->lake, TARN_CATALOG_WRITE), *second;
	struct tarn_err err;
	char pid[32];
	assert_int_equal(tarn_catalog_open(f->lake, TARN_CATALOG_WRITE, 60, &second, &err), TARN_EBUSY);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_non_null(strstr(err.message, pid));
	tarn_catalog_close(first);
	tarn_catalog_close(open_catalog(f->lake, TARN_CATALOG_WRITE));
}

/* The database in a folder of its own, which is made; its lock stands beside it. */
static void a_catalog_may_lie_elsewhere(void **state)
{
	struct fixture *f = *state;
	struct tarn_catalog *catalog, *second;
	struct tarn_err err;
	char *forms[] = { tarn_asprintf("sqlite:///%s/place/of/its.own", f->lake),
			  tarn_asprintf("%s/place/of/its.own", f->lake) };
	char *lake = tarn_asprintf("%s/lake", f->lake), *database = tarn_asprintf("%s/catalog.db", lake);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(tarn_catalog_open_at(lake, forms[i], TARN_CATALOG_WRITE, 0, &catalog, NULL), TARN_OK);
		assert_int_equal(create(catalog, i ? "b" : "a", NULL), TARN_OK);
		assert_int_equal(tarn_catalog_open_at(lake, forms[1 - i], TARN_CATALOG_WRITE, 0, &second, &err),
				 TARN_EBUSY);
		assert_non_null(strstr(err.message, lake));
		tarn_catalog_close(catalog);
	}
	assert_false(tarn_file_exists(database));
	assert_int_equal(tarn_catalog_open(lake, TARN_CATALOG_READ, 0, &catalog, NULL), TARN_ENOTFOUND);
	assert_int_equal(setenv("TARN_CATALOG", forms[0], 1), 0);
	catalog = open_catalog(lake, TARN_CATALOG_READ);
	unsetenv("TARN_CATALOG");
	assert_int_equal(version_of(catalog, "a"), 0);
	assert_int_equal(version_of(catalog, "b"), 0);
	tarn_catalog_close(catalog);
	for (size_t i = 0; i < 2; i++)
		free(forms[i]);
	free(database);
	free(lake);
}

static void other_kinds_of_catalogs_are_refused(void **state)
{
	struct fixture *f = *state;
	struct tarn_catalog *catalog;
	static const char *const cases[] = { "postgresql://host/db", "http://host/", "sqlite:", "sqlite:///" };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(tarn_catalog_open_at(f->lake, cases[i], TARN_CATALOG_WRITE, 0, &catalog, NULL),
				 TARN_EUNSUPPORTED);
}

static void *close_later(void *catalog)
{
	usleep(60000);
	tarn_catalog_close(catalog);
	return NULL;
}

static void a_second_writer_may_wait(void **state)
{
	struct fixture *f = *state;
	static const int waits[] = { 10000, -1 };
	for (int i = 0; i < 2; i++) {
		struct tarn_catalog *first = open_catalog(f->lake, TARN_CATALOG_WRITE), *second;
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, close_later, first), 0);
		assert_int_equal(tarn_catalog_open(f->lake, TARN_CATALOG_WRITE, waits[i], &second, NULL), TARN_OK);
		pthread_join(thread, NULL);
		tarn_catalog_close(second);
	}
}

/* ---- made by others ---- */

static void a_catalog_of_schema_v0_works(void **state)
{
	struct fixture *f = *state;
	run_sql(f->lake,
		"CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT "
		"NULL, "
		"table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), "
		"previous_metadata_location VARCHAR(1000), PRIMARY KEY (catalog_name, table_namespace, table_name));"
		"CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, "
		"namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000), "
		"PRIMARY KEY (catalog_name, namespace, property_key))");
	make_two_tables(f->lake);
	struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_WRITE);
	assert_int_equal(commit_both(catalog, NULL, NULL, NULL), TARN_OK);
	assert_int_equal(version_of(catalog, "a"), 1);
	tarn_catalog_close(catalog);
}

static void views_and_other_namespaces_are_not_ours(void **state)
{
	struct fixture *f = *state;
	char **names;
	struct tarn_table *table;
	size_t n;
	make_two_tables(f->lake);
	run_sql(f->lake,
		"INSERT INTO iceberg_tables SELECT 'quantum_catalog', 'quantum_features', 'view', metadata_location, "
		"NULL, 'VIEW' FROM iceberg_tables WHERE table_name = 'a';"
		"INSERT INTO iceberg_tables SELECT 'quantum_catalog', 'other', 'c', metadata_location, NULL, 'TABLE' "
		"FROM iceberg_tables WHERE table_name = 'a';"
		"UPDATE iceberg_tables SET iceberg_type = NULL WHERE table_name = 'b'");
	struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_READ);
	assert_int_equal(tarn_catalog_list(catalog, &names, &n, NULL), TARN_OK);
	assert_int_equal(n, 2);
	tarn_catalog_names_free(names, n);
	assert_int_equal(tarn_catalog_load(catalog, "view", &table, NULL, NULL), TARN_ENOTFOUND);
	assert_int_equal(tarn_catalog_load(catalog, "c", &table, NULL, NULL), TARN_ENOTFOUND);
	assert_int_equal(version_of(catalog, "b"), 0);
	tarn_catalog_close(catalog);
}

/* ---- crashes ---- */

/* Runs this program again with TARN_KILL_AT, so that the point is armed before any is passed. */
static void die_in_a_commit(const char *lake, const char *point)
{
	int status;
	pid_t child = fork();
	if (!child) {
		setenv("TARN_KILL_AT", point, 1);
		execl("/proc/self/exe", "test_catalog", "commit", lake, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void assert_published(const char *lake, const char *table, int version)
{
	char *hint = tarn_asprintf(TARN_NAMESPACE "/%s/metadata/version-hint.text", table);
	char *link = tarn_asprintf(TARN_NAMESPACE "/%s/metadata/v%d.metadata.json", table, version);
	char *digits = tarn_asprintf("%d", version);
	assert_file(lake, hint, digits);
	assert_true(has_file(lake, link));
	free(digits);
	free(link);
	free(hint);
}

static void a_crash_leaves_the_old_or_the_new(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *point;
		int version; /* of both tables afterwards */
	} cases[] = {
		{ "catalog.metadata_written", 0 },   { "catalog.metadata_written:2", 0 },
		{ "catalog.before_transaction", 0 }, { "catalog.in_transaction", 0 },
		{ "catalog.committed", 1 },	     { "catalog.linked", 2 },
		{ "catalog.published_some", 3 },     { "catalog.published_some:2", 4 },
	};
	make_two_tables(f->lake);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		die_in_a_commit(f->lake, cases[i].point);
		struct tarn_catalog *catalog = open_catalog(f->lake, TARN_CATALOG_READ);
		assert_int_equal(version_of(catalog, "a"), cases[i].version);
		assert_int_equal(version_of(catalog, "b"), cases[i].version);
		assert_int_equal(ledger_rows(catalog), cases[i].version);
		tarn_catalog_close(catalog);
		tarn_catalog_close(open_catalog(f->lake, TARN_CATALOG_WRITE));
		assert_published(f->lake, "a", cases[i].version + 2);
		assert_published(f->lake, "b", cases[i].version + 2);
	}
}

static void a_damaged_hint_is_mended(void **state)
{
	struct fixture *f = *state;
	static const char *const damages[] = { "", "1", "2\n", "22", "x" };
	make_two_tables(f->lake);
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		write_file(f->lake, TARN_NAMESPACE "/a/metadata/version-hint.text", tarn_slice_str(damages[i]));
		tarn_catalog_close(open_catalog(f->lake, TARN_CATALOG_WRITE));
		assert_file(f->lake, TARN_NAMESPACE "/a/metadata/version-hint.text", "2");
	}
}

static int commit_once(const char *lake)
{
	struct tarn_catalog *catalog = open_catalog(lake, TARN_CATALOG_WRITE);
	return commit_both(catalog, NULL, note, NULL);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return commit_once(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tables_are_listed_and_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(path_readers_get_a_link_and_a_hint, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_catalog_is_not_found, setup, teardown),
		cmocka_unit_test_setup_teardown(a_moved_lake_is_explained, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lost_metadata_file_is_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(packed_metadata_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(a_moved_pointer_is_a_conflict, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_addition_rolls_everything_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reader_sees_commits_as_they_come, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_writer_is_told_who_holds_the_lake, setup, teardown),
		cmocka_unit_test_setup_teardown(a_catalog_may_lie_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(other_kinds_of_catalogs_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_writer_may_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(a_catalog_of_schema_v0_works, setup, teardown),
		cmocka_unit_test_setup_teardown(views_and_other_namespaces_are_not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(a_crash_leaves_the_old_or_the_new, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_hint_is_mended, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
