#include "cmocka_tarn.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "process/run/ledger.h"

static sqlite3 *db;

static int setup(void **state)
{
	(void)state;
	return sqlite3_open(":memory:", &db);
}

static int teardown(void **state)
{
	(void)state;
	return sqlite3_close(db);
}

static const struct tarn_run_row run_row = { .run_id = "run-1",
					     .source = "file:///raw",
					     .outcome = TARN_RUN_COMMITTED };

static void apply(struct tarn_ledger_change change)
{
	struct tarn_err err = { 0 };

	change.source = change.source ? change.source : "file:///raw";
	if (!change.run)
		change.run = &run_row;
	if (tarn_ledger_apply(db, &change, &err))
		fail_msg("%s", err.message);
}

static struct tarn_ledger *open_ledger(const char *source)
{
	struct tarn_err err = { 0 };
	struct tarn_ledger *ledger;

	if (tarn_ledger_open(db, source, &ledger, &err))
		fail_msg("%s", err.message);
	return ledger;
}

static void add_offsets(const char *source, int64_t first, int64_t end)
{
	struct tarn_ledger_partition partition = { .topic = tarn_slice_str("t"), .partition = 2 };

	tarn_ranges_add(&partition.ranges, first, end);
	apply((struct tarn_ledger_change){ .source = source, .partitions = &partition, .n_partitions = 1 });
	tarn_ranges_release(&partition.ranges);
}

static void check_ranges(const char *source, const struct tarn_range *expected, size_t n)
{
	struct tarn_ledger *ledger = open_ledger(source);
	const struct tarn_ranges *ranges;

	assert_int_equal(tarn_ledger_ranges(ledger, tarn_slice_str("t"), 2, &ranges, NULL), TARN_OK);
	assert_int_equal(ranges->n, n);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(&ranges->items[i], &expected[i], sizeof(*expected));
	tarn_ledger_close(ledger);
}

static void test_offsets_merge_in_the_table(void **state)
{
	(void)state;
	check_ranges(NULL, NULL, 0);
	add_offsets(NULL, 0, 5);
	add_offsets(NULL, 9, 12);
	check_ranges("file:///raw", (struct tarn_range[]){ { 0, 5 }, { 9, 12 } }, 2);
	add_offsets(NULL, 5, 7);
	check_ranges("file:///raw", (struct tarn_range[]){ { 0, 7 }, { 9, 12 } }, 2);
	add_offsets(NULL, 7, 9);
	check_ranges("file:///raw", (struct tarn_range[]){ { 0, 12 } }, 1);
	add_offsets(NULL, 3, 4);
	check_ranges("file:///raw", (struct tarn_range[]){ { 0, 12 } }, 1);
}

static void test_areas_are_apart(void **state)
{
	(void)state;
	add_offsets("file:///other", 0, 3);
	check_ranges("file:///other", (struct tarn_range[]){ { 0, 3 } }, 1);
	check_ranges("file:///third", NULL, 0);
}

static void test_named_objects(void **state)
{
	const struct tarn_ledger_named named[] = {
		{ .key = "a/b/1.json", .size = 5 },
		{ .key = "a/b/3.json", .size = 7, .watched = true },
		{ .key = "a/b/4.json", .size = 9 },
		{ .key = "a/c/2.json", .size = 1 },
	};
	const struct tarn_ledger_named forget = { .key = "a/b/4.json", .forget = true };
	static const struct {
		const char *name;
		struct tarn_ledger_object object;
	} cases[] = { { "1.json", { true, false, 5 } },
		      { "2.json", { 0 } },
		      { "3.json", { true, true, 7 } },
		      { "4.json", { 0 } },
		      { "5.json", { 0 } } };

	(void)state;
	apply((struct tarn_ledger_change){ .objects = named, .n_objects = 4 });
	apply((struct tarn_ledger_change){ .objects = &forget, .n_objects = 1 });
	for (size_t from = 0; from < 5; from++) {
		struct tarn_ledger *ledger = open_ledger("file:///raw");

		assert_int_equal(tarn_ledger_objects_begin(ledger, "a/b", NULL), TARN_OK);
		for (size_t i = from; i < 5; i++) {
			struct tarn_ledger_object object;

			assert_int_equal(tarn_ledger_objects_find(ledger, cases[i].name, &object, NULL), TARN_OK);
			assert_int_equal(object.known, cases[i].object.known);
			assert_int_equal(object.watched, cases[i].object.watched);
			assert_int_equal(object.size, cases[i].object.size);
		}
		tarn_ledger_close(ledger);
	}
}

static enum tarn_rc count_folder(void *context, const char *key, int64_t size, struct tarn_err *err)
{
	(void)size;
	(void)err;
	assert_string_equal(key, *(int *)context == 0 ? "a/b" : "a/c");
	++*(int *)context;
	return TARN_OK;
}

static void test_folders(void **state)
{
	const struct tarn_ledger_folder folders[] = {
		{ "", "r" }, { "a", "1" }, { "a/b", "2" }, { "a/c", "3" }, { "a/b/d", "4" }
	};
	char token[TARN_STORE_TOKEN_SIZE];
	struct tarn_ledger *ledger;
	int n = 0;

	(void)state;
	apply((struct tarn_ledger_change){ .folders = folders, .n_folders = 5 });
	ledger = open_ledger("file:///raw");
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(tarn_ledger_folder_token(ledger, folders[i].folder, token, NULL), TARN_OK);
		assert_string_equal(token, folders[i].token);
	}
	assert_int_equal(tarn_ledger_folder_token(ledger, "x", token, NULL), TARN_OK);
	assert_string_equal(token, "");
	assert_int_equal(tarn_ledger_subfolders(ledger, "a", count_folder, &n, NULL), TARN_OK);
	assert_int_equal(n, 2);
	tarn_ledger_close(ledger);
}

static void test_an_experiment_is_in_once(void **state)
{
	const struct tarn_ledger_experiment experiment = { { 1, 2 }, { 3 }, "t/o.avro", 4 };
	struct tarn_ledger_change change = {
		.source = "file:///raw", .run = &run_row, .experiments = &experiment, .n_experiments = 1
	};
	struct tarn_ledger_first first;
	struct tarn_ledger *ledger;
	bool found = true;

	(void)state;
	ledger = open_ledger("file:///raw");
	assert_int_equal(tarn_ledger_experiment(ledger, experiment.id, &found, &first, NULL), TARN_OK);
	assert_false(found);
	tarn_ledger_close(ledger);
	apply(change);
	assert_int_equal(tarn_ledger_apply(db, &change, NULL), TARN_ECONFLICT);
	ledger = open_ledger("file:///raw");
	assert_int_equal(tarn_ledger_experiment(ledger, experiment.id, &found, &first, NULL), TARN_OK);
	assert_true(found);
	assert_memory_equal(first.result, experiment.result, sizeof(first.result));
	assert_string_equal(first.object, "t/o.avro");
	assert_int_equal(first.record, 4);
	assert_string_equal(first.run_id, "run-1");
	tarn_ledger_close(ledger);
}

static void test_state_holds_the_change(void **state)
{
	struct tarn_ledger_partition more[2] = { { .topic = tarn_slice_str("t"), .partition = 2 },
						 { .topic = tarn_slice_str("n\"ew"), .partition = 0 } };
	const struct tarn_ledger_change change = { .source = "file:///raw", .partitions = more, .n_partitions = 2 };
	struct tarn_ledger *ledger;
	struct tarn_buf json;

	(void)state;
	add_offsets(NULL, 0, 5);
	tarn_ranges_add(&more[0].ranges, 5, 6);
	tarn_ranges_add(&more[0].ranges, 8, 9);
	tarn_ranges_add(&more[1].ranges, 3, 4);
	tarn_buf_init(&json, 1000);
	ledger = open_ledger("file:///raw");
	assert_int_equal(tarn_ledger_state_json(ledger, &change, &json, NULL), TARN_OK);
	tarn_buf_add_byte(&json, 0);
	assert_string_equal((char *)json.data, "{\"file:///raw\":{\"n\\\"ew/0\":[[3,4]],\"t/2\":[[0,6],[8,9]]}}");
	tarn_ledger_close(ledger);
	tarn_buf_release(&json);
	tarn_ranges_release(&more[0].ranges);
	tarn_ranges_release(&more[1].ranges);
}

static enum tarn_rc check_run(void *context, const struct tarn_run_row *run, struct tarn_err *err)
{
	(void)err;
	++*(int *)context;
	assert_string_equal(run->run_id, "r2");
	assert_string_equal(run->error, "no space");
	assert_null(run->tables_json);
	assert_int_equal(run->outcome, TARN_RUN_FAILED);
	assert_int_equal(run->counts.objects, 1);
	assert_int_equal(run->counts.dead_letters, 7);
	return TARN_OK;
}

static void test_runs(void **state)
{
	const struct tarn_run_row row = { .run_id = "r2",
					  .source = "s",
					  .error = "no space",
					  .started_us = 5,
					  .ended_us = 9,
					  .outcome = TARN_RUN_FAILED,
					  .counts = { 1, 2, 3, 4, 5, 6, 7 } };
	int n = 0;

	(void)state;
	assert_int_equal(tarn_runs_list(db, check_run, &n, NULL), TARN_OK);
	assert_int_equal(tarn_runs_check_id(db, "r2", NULL), TARN_OK);
	apply((struct tarn_ledger_change){ .source = "s", .run = &row });
	assert_int_equal(tarn_runs_list(db, check_run, &n, NULL), TARN_OK);
	assert_int_equal(n, 1);
	assert_int_equal(tarn_runs_check_id(db, "r2", NULL), TARN_OK);
	apply((struct tarn_ledger_change){ 0 });
	assert_int_equal(tarn_runs_check_id(db, "run-1", NULL), TARN_EEXISTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_offsets_merge_in_the_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_areas_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_named_objects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_experiment_is_in_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state_holds_the_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_runs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
