#include "cli/value.h"

#include "cmocka_tarn.h"

/* Checks value i of a vector as JSON and as text. */
static void assert_value(const struct tarn_vector *vector, size_t i, const char *json, const char *text)
{
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 12);
	tarn_value_json(&out, vector, i);
	tarn_buf_add_byte(&out, 0);
	assert_string_equal((const char *)out.data, json);
	tarn_buf_clear(&out);
	tarn_value_text(&out, vector, i);
	tarn_buf_add_byte(&out, 0);
	assert_string_equal((const char *)out.data, text);
	tarn_buf_release(&out);
}

static void scalars_are_spelt(void **state)
{
	(void)state;
	static const struct {
		enum tarn_type_kind kind;
		int32_t length, scale;
		union {
			uint8_t bytes[16];
			int32_t number;
			int64_t longs[2];
			float single;
			double real;
		} value;
		const char *json, *text;
	} cases[] = {
		{ TARN_TYPE_BOOLEAN, 0, 0, { .bytes = { 1 } }, "true", "true" },
		{ TARN_TYPE_INT, 0, 0, { .number = -7 }, "-7", "-7" },
		{ TARN_TYPE_LONG, 0, 0, { .longs = { INT64_MIN } }, "-9223372036854775808", "-9223372036854775808" },
		{ TARN_TYPE_FLOAT, 0, 0, { .single = 0.1F }, "0.1", "0.1" },
		{ TARN_TYPE_FLOAT, 0, 0, { .single = 16777216.0F }, "16777216.0", "16777216.0" },
		{ TARN_TYPE_DOUBLE,
		  0,
		  0,
		  { .real = -1.1373060357533995 },
		  "-1.1373060357533995",
		  "-1.1373060357533995" },
		{ TARN_TYPE_DATE, 0, 0, { .number = 20455 }, "\"2026-01-02\"", "2026-01-02" },
		{ TARN_TYPE_TIME, 0, 0, { .longs = { 3723000004 } }, "\"01:02:03.000004\"", "01:02:03.000004" },
		{ TARN_TYPE_TIMESTAMP,
		  0,
		  0,
		  { .longs = { 1500000 } },
		  "\"1970-01-01T00:00:01.500000\"",
		  "1970-01-01T00:00:01.500000" },
		{ TARN_TYPE_TIMESTAMPTZ,
		  0,
		  0,
		  { .longs = { -1 } },
		  "\"1969-12-31T23:59:59.999999Z\"",
		  "1969-12-31T23:59:59.999999Z" },
		{ TARN_TYPE_UUID,
		  0,
		  0,
		  { .bytes = { 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0, 1, 2, 3, 4, 5, 6, 7 } },
		  "\"12345678-9abc-def0-0001-020304050607\"",
		  "12345678-9abc-def0-0001-020304050607" },
		{ TARN_TYPE_FIXED, 2, 0, { .bytes = { 0xab, 0x01 } }, "\"ab01\"", "ab01" },
		{ TARN_TYPE_DECIMAL, 0, 2, { .longs = { 12345, 0 } }, "\"123.45\"", "123.45" },
		{ TARN_TYPE_DECIMAL, 0, 2, { .longs = { -5, -1 } }, "\"-0.05\"", "-0.05" },
		{ TARN_TYPE_DECIMAL, 0, 0, { .longs = { 0, 0 } }, "\"0\"", "0" },
		{ TARN_TYPE_DECIMAL,
		  0,
		  38,
		  { .longs = { -1, INT64_MAX } },
		  "\"1.70141183460469231731687303715884105727\"",
		  "1.70141183460469231731687303715884105727" },
		{ TARN_TYPE_DECIMAL,
		  0,
		  0,
		  { .longs = { 0, INT64_MIN } },
		  "\"-170141183460469231731687303715884105728\"",
		  "-170141183460469231731687303715884105728" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct tarn_field field = { .kind = cases[i].kind,
						  .length = cases[i].length,
						  .scale = cases[i].scale };
		uint8_t valid = 1;
		struct tarn_vector vector = {
			.field = &field, .length = 1, .valid = &valid, .values = (void *)&cases[i].value
		};
		assert_value(&vector, 0, cases[i].json, cases[i].text);
		valid = 0;
		assert_value(&vector, 0, "null", "null");
	}
}

static void strings_and_bytes_are_quoted_for_machines(void **state)
{
	(void)state;
	const struct tarn_field text = { .kind = TARN_TYPE_STRING }, binary = { .kind = TARN_TYPE_BINARY };
	int64_t offsets[] = { 0, 3, 3 };
	uint8_t data[] = { 'a', '"', '\n' };
	struct tarn_vector vector = { .field = &text, .length = 2, .offsets = offsets, .data = data };
	assert_value(&vector, 0, "\"a\\\"\\n\"", "a\"\n");
	assert_value(&vector, 1, "\"\"", "");
	vector.field = &binary;
	assert_value(&vector, 0, "\"61220a\"", "61220a");
}

static void nested_values_are_json(void **state)
{
	(void)state;
	const struct tarn_field number = { .kind = TARN_TYPE_INT, .name = "n" };
	const struct tarn_field list = { .kind = TARN_TYPE_LIST, .name = "l", .fields = &number, .n_fields = 1 };
	const struct tarn_field parts[] = { list, number };
	const struct tarn_field both = { .kind = TARN_TYPE_STRUCT, .fields = parts, .n_fields = 2 };
	const struct tarn_field pairs[] = { number, number };
	const struct tarn_field map = { .kind = TARN_TYPE_MAP, .fields = pairs, .n_fields = 2 };
	int32_t numbers[] = { 1, 2, 3 };
	uint8_t valid[] = { 1, 0, 1 };
	int64_t offsets[] = { 0, 3, 3 };
	struct tarn_vector numbers_vector = { .field = &number, .length = 3, .valid = valid, .values = numbers };
	struct tarn_vector list_vector = {
		.field = &list, .length = 2, .offsets = offsets, .children = &numbers_vector
	};
	struct tarn_vector children[] = { list_vector, numbers_vector };
	struct tarn_vector struct_vector = { .field = &both, .length = 2, .children = children };
	struct tarn_vector sides[] = { numbers_vector, numbers_vector };
	struct tarn_vector map_vector = { .field = &map, .length = 2, .offsets = offsets, .children = sides };
	assert_value(&list_vector, 0, "[1,null,3]", "[1,null,3]");
	assert_value(&list_vector, 1, "[]", "[]");
	assert_value(&struct_vector, 0, "{\"l\":[1,null,3],\"n\":1}", "{\"l\":[1,null,3],\"n\":1}");
	assert_value(&struct_vector, 1, "{\"l\":[],\"n\":null}", "{\"l\":[],\"n\":null}");
	assert_value(&map_vector, 0, "[{\"key\":1,\"value\":1},{\"key\":null,\"value\":null},{\"key\":3,\"value\":3}]",
		     "[{\"key\":1,\"value\":1},{\"key\":null,\"value\":null},{\"key\":3,\"value\":3}]");
}

static void types_are_named_as_iceberg_does(void **state)
{
	(void)state;
	const struct tarn_field real = { .kind = TARN_TYPE_DOUBLE, .name = "x" };
	const struct tarn_field row = { .kind = TARN_TYPE_LIST, .fields = &real, .n_fields = 1 };
	const struct tarn_field parts[] = { real, { .kind = TARN_TYPE_TIMESTAMPTZ, .name = "t" } };
	const struct {
		struct tarn_field field;
		const char *text;
	} cases[] = {
		{ { .kind = TARN_TYPE_LONG }, "long" },
		{ { .kind = TARN_TYPE_FIXED, .length = 16 }, "fixed[16]" },
		{ { .kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2 }, "decimal(9,2)" },
		{ { .kind = TARN_TYPE_LIST, .fields = &row, .n_fields = 1 }, "list<list<double>>" },
		{ { .kind = TARN_TYPE_STRUCT, .fields = parts, .n_fields = 2 }, "struct<x: double, t: timestamptz>" },
		{ { .kind = TARN_TYPE_MAP, .fields = parts, .n_fields = 2 }, "map<double, timestamptz>" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_buf out;
		tarn_buf_init(&out, 256);
		tarn_type_text(&out, &cases[i].field);
		tarn_buf_add_byte(&out, 0);
		assert_string_equal((const char *)out.data, cases[i].text);
		tarn_buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_spelt),
		cmocka_unit_test(strings_and_bytes_are_quoted_for_machines),
		cmocka_unit_test(nested_values_are_json),
		cmocka_unit_test(types_are_named_as_iceberg_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
