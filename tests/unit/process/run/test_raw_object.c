#include "cmocka_tarn.h"

#include <stdlib.h>

#include "process/run/raw_object.h"

static void test_names(void **state)
{
	static const struct {
		const char *key;
		enum tarn_raw_naming naming;
		bool is_json;
		const char *topic;
		int32_t partition;
		int64_t offset;
		uint64_t counter, nanos;
	} cases[] = {
		{ "experiments/t/partition=1/t+1+0000000012.avro", TARN_RAW_OFFSET, false, "t", 1, 12, 0, 0 },
		{ "a.b-c_d/year=2026/month=11/a.b-c_d+0+12345678901.avro", TARN_RAW_OFFSET, false, "a.b-c_d", 0,
		  12345678901, 0, 0 },
		{ "t+3+0.json", TARN_RAW_OFFSET, true, "t", 3, 0, 0, 0 },
		{ "experiments/experiment.vqe/12-1767225613580246801.json", TARN_RAW_COUNTER, true, "experiment.vqe", 0,
		  0, 12, 1767225613580246801 },
		{ "t/12-17.avro", TARN_RAW_OTHER, false, "t", 0, 0, 0, 0 },
		{ "t/hour=3/12-17.json", TARN_RAW_COUNTER, true, "t", 0, 0, 12, 17 },
		{ "molecule.avro", TARN_RAW_OTHER, false, "molecule", 0, 0, 0, 0 },
		{ "x=1/molecule.json", TARN_RAW_OTHER, true, "molecule", 0, 0, 0, 0 },
		{ "t/t+1+.avro", TARN_RAW_OTHER, false, "t", 0, 0, 0, 0 },
		{ "t/t+1+-5.avro", TARN_RAW_OTHER, false, "t", 0, 0, 0, 0 },
		{ "t/+1+5.avro", TARN_RAW_OTHER, false, "t", 0, 0, 0, 0 },
		{ "t/t+4294967296+5.avro", TARN_RAW_OTHER, false, "t", 0, 0, 0, 0 },
		{ "t/t+1+99999999999999999999.avro", TARN_RAW_OTHER, false, "t", 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_raw_object object;

		assert_true(tarn_raw_object_parse(cases[i].key, &object));
		assert_int_equal(object.naming, cases[i].naming);
		assert_int_equal(object.is_json, cases[i].is_json);
		assert_true(tarn_slice_eq(object.topic, tarn_slice_str(cases[i].topic)));
		assert_int_equal(object.partition, cases[i].partition);
		assert_int_equal(object.offset, cases[i].offset);
		if (object.naming == TARN_RAW_COUNTER) {
			assert_int_equal(object.counter, cases[i].counter);
			assert_int_equal(object.nanos, cases[i].nanos);
		}
	}
}

static void test_other_names_are_none(void **state)
{
	static const char *const keys[] = { "t/readme.txt",
					    "t/.hidden.avro",
					    "_spool/_x.avro",
					    ".avro",
					    "avro",
					    "t/a.avro.tmp",
					    "t/t+0+0000000001.keys.avro",
					    "t/a.headers.avro" };
	struct tarn_raw_object object;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_false(tarn_raw_object_parse(keys[i], &object));
}

static void test_order(void **state)
{
	static const char *const sorted[] = {
		"z/a/a+0+0000000009.avro",
		"z/a/a+0+0000000010.avro",
		"b/a/a+1+0000000000.avro",
		"a/2-500.json",
		"a/10-3.json",
		"a/10-20.json",
		"a/x.avro",
		"z/aa/aa+0+0.avro",
		"b/1-1.json",
	};
	enum { N = sizeof(sorted) / sizeof(*sorted) };
	struct tarn_raw_object objects[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_true(tarn_raw_object_parse(sorted[(i * 4 + 3) % N], &objects[i]));
	qsort(objects, N, sizeof(*objects), tarn_raw_object_compare);
	for (size_t i = 0; i < N; i++)
		assert_string_equal(objects[i].key, sorted[i]);
}

static void test_offsets_with_gaps(void **state)
{
	static const struct {
		const char *text;
		int64_t offsets[6]; /* of records 0 to 5; the object is named after offset 10 */
	} cases[] = {
		{ "10-13,15", { 10, 11, 12, 13, 15, -1 } },
		{ "10,12,14", { 10, 12, 14, -1, -1, -1 } },
		{ "10-15", { 10, 11, 12, 13, 14, 15 } },
		/* What cannot be understood says nothing. */
		{ "", { 10, 11, 12, 13, 14, 15 } },
		{ "10,10", { 10, 11, 12, 13, 14, 15 } },
		{ "10-9", { 10, 11, 12, 13, 14, 15 } },
		{ "10,", { 10, 11, 12, 13, 14, 15 } },
		{ "10-12;14", { 10, 11, 12, 13, 14, 15 } },
		{ "99999999999999999999", { 10, 11, 12, 13, 14, 15 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_raw_object object;
		struct tarn_raw_offsets offsets;

		assert_true(tarn_raw_object_parse("t/partition=0/t+0+0000000010.avro", &object));
		tarn_raw_offsets_read(tarn_slice_str(cases[i].text), &offsets);
		for (int64_t record = 0; record < 6; record++)
			assert_int_equal(tarn_raw_offset_of(&object, &offsets, record), cases[i].offsets[record]);
		assert_int_equal(tarn_raw_offset_of(&object, &offsets, -1), -1);
		free(offsets.ranges);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_other_names_are_none),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_offsets_with_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
