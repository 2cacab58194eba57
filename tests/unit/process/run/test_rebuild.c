/* The ledger is deleted and made anew from the tables: it is what it was. */
#include "lake_files.h"

#include "store/catalog/catalog.h"

static struct place place;

static int setup(void **state)
{
	(void)state;
	place_make(&place);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

static struct tarn_rebuild_report rebuild(const char *raw)
{
	struct tarn_run_options options = place_options(&place);
	struct tarn_rebuild_report report;
	struct tarn_err err;

	options.raw = raw;
	if (tarn_run_rebuild(&options, &report, &err))
		fail_msg("%s", err.message);
	return report;
}

static int add_row(void *context, int n, char **values, char **names)
{
	(void)names;
	for (int i = 0; i < n; i++)
		tarn_buf_printf(context, "%s|", values[i] ? values[i] : "null");
	tarn_buf_add_byte(context, '\n');
	return SQLITE_OK;
}

/* All that a run looks at, by the names of areas and runs. */
static char *dump(void)
{
	static const char *const queries[] = {
		"SELECT name, topic, partition, first, \"end\" FROM tarn_offsets JOIN tarn_sources ON source = id "
		"ORDER BY "
		"1, 2, 3, 4",
		"SELECT name, topic, partition, object, first, size FROM tarn_tails JOIN tarn_sources ON source = id "
		"ORDER BY "
		"1, 2, 3",
		"SELECT s.name, folder, o.name, watched, CASE WHEN watched THEN size END FROM tarn_objects o JOIN "
		"tarn_sources "
		"s ON source = id ORDER BY 1, 2, 3",
		"SELECT hex(experiment_id), hex(result), object, record, run_id FROM tarn_experiments JOIN tarn_runs "
		"ON run = "
		"id ORDER BY 1",
		"SELECT run_id, source, outcome, experiments, repeats_different, dead_letters FROM tarn_runs WHERE "
		"outcome = "
		"'committed' ORDER BY 1",
	};
	struct tarn_catalog *catalog;
	struct tarn_buf text;

	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(tarn_catalog_open(place.lake, TARN_CATALOG_READ, 0, &catalog, NULL), TARN_OK);
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++)
		assert_int_equal(sqlite3_exec(tarn_catalog_db(catalog), queries[i], add_row, &text, NULL), SQLITE_OK);
	tarn_catalog_close(catalog);
	tarn_buf_add_byte(&text, '\0');
	return (char *)text.data;
}

static void forget(const char *sql)
{
	struct tarn_catalog *catalog;

	assert_int_equal(tarn_catalog_open(place.lake, TARN_CATALOG_WRITE, 0, &catalog, NULL), TARN_OK);
	assert_int_equal(sqlite3_exec(tarn_catalog_db(catalog), sql, NULL, NULL, NULL), SQLITE_OK);
	tarn_catalog_close(catalog);
}

static void forget_all(void)
{
	forget("DROP TABLE tarn_sources; DROP TABLE tarn_offsets; DROP TABLE tarn_tails; DROP TABLE tarn_objects;"
	       "DROP TABLE tarn_folders; DROP TABLE tarn_experiments; DROP TABLE tarn_runs;");
}

/* Two runs over offsets with a gap, an object known by name, repeats of both kinds, letters, an object that cannot be
 * read. */
static void make_lake(void)
{
	place_copy_v2(&place, 0, 0);
	place_copy_v2(&place, 0, 1);
	place_copy_v2(&place, 0, 12);
	place_copy(&place, "v2json/experiments/" V2_TOPIC "/11-1767225612345678910.json", "experiments/a/3-5.json");
	place_run(&place);
	place_copy_all_v2(&place);
	place_put(&place, "experiments/" V2_TOPIC "/partition=3/" V2_TOPIC "+3+0000000007.avro",
		  tarn_slice_str("no container"));
	place_put(&place, "experiments/k/9-9.json", tarn_slice_str("{"));
	assert_true(place_run(&place).counts.dead_letters >= 2);
}

static void test_the_ledger_comes_back(void **state)
{
	char *before, *after;
	int64_t letters;

	(void)state;
	make_lake();
	before = dump();
	letters = place_rows(&place, "dead_letters", NULL);
	forget_all();
	assert_int_equal(rebuild(place.raw).runs, 2);
	after = dump();
	assert_string_equal(after, before);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	assert_int_equal(place_rows(&place, "dead_letters", NULL), letters);
	free(before);
	free(after);
}

/* What is whole stays as it is, the history with all that it knows. */
static void test_a_whole_ledger_stays(void **state)
{
	char *before, *after;

	(void)state;
	make_lake();
	before = dump();
	assert_int_equal(rebuild(place.raw).runs, 0);
	after = dump();
	assert_string_equal(after, before);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	free(before);
	free(after);
}

/* Without its index the lake would take an experiment twice; what changed since is still seen. */
static void test_what_is_new_is_found_afterwards(void **state)
{
	struct tarn_run_report report;

	(void)state;
	place_copy_v2(&place, 0, 0);
	place_run(&place);
	forget_all();
	rebuild(place.raw);
	place_copy_v2(&place, 1, 1);
	place_copy(&place, "v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro",
		   "experiments/other/partition=0/other+0+0000000000.avro");
	report = place_run(&place);
	assert_int_equal(report.counts.experiments, 1);
	assert_int_equal(report.counts.repeats_identical, 1);
}

/* An object of which no table knows is read again, and changes no table. */
static void test_mere_repeats_are_read_again(void **state)
{
	struct tarn_run_report report;

	(void)state;
	place_copy_v2(&place, 0, 0);
	place_run(&place);
	place_copy(&place, "v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro",
		   "experiments/again.avro");
	assert_int_equal(place_run(&place).counts.repeats_identical, 1);
	forget_all();
	rebuild(place.raw);
	report = place_run(&place);
	assert_int_equal(report.counts.repeats_identical, 1);
	assert_int_equal(report.counts.experiments, 0);
	assert_int_equal(place_rows(&place, "vqe_results", NULL), 1);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
}

static void test_each_area_has_its_own(void **state)
{
	struct tarn_run_options options;
	struct place second;
	char *before, *after;

	(void)state;
	place_make(&second);
	place_copy_v2(&place, 0, 0);
	place_copy(&second, "v2/experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000001.avro",
		   "experiments/" V2_TOPIC "/partition=0/" V2_TOPIC "+0+0000000000.avro");
	place_run(&place);
	options = place_options(&place);
	options.raw = second.raw;
	run_with(&options);
	before = dump();
	forget_all();
	rebuild(place.raw);
	rebuild(second.raw);
	after = dump();
	assert_string_equal(after, before);
	assert_int_equal(place_run(&place).outcome, TARN_RUN_NOTHING_NEW);
	assert_int_equal(run_with(&options).outcome, TARN_RUN_NOTHING_NEW);
	place_remove(&second);
	free(before);
	free(after);
}

static void test_an_empty_lake(void **state)
{
	struct tarn_rebuild_report report;

	(void)state;
	report = rebuild(place.raw);
	assert_int_equal(report.experiments + report.runs + report.partitions + report.objects, 0);
	place_copy_v2(&place, 0, 0);
	assert_int_equal(place_run(&place).counts.experiments, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_ledger_comes_back),
		TEST(test_a_whole_ledger_stays),
		TEST(test_what_is_new_is_found_afterwards),
		TEST(test_each_area_has_its_own),
		TEST(test_an_empty_lake),
		TEST(test_mere_repeats_are_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
