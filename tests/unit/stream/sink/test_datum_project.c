#include "stream/sink/datum_project.h"

#include "cmocka_tarn.h"
#include "serialize/avro/json.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define ENUM(symbols) "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "]}"

static const struct {
	const char *from, *to, *value, *projected; /* JSON; projected NULL: refused */
} cases[] = {
	{ "\"int\"", "\"long\"", "7", "7" },
	{ "\"int\"", "\"double\"", "7", "7.0" },
	{ "\"float\"", "\"double\"", "1.5", "1.5" },
	{ "\"long\"", "\"int\"", "7", NULL },
	{ "\"string\"", "\"bytes\"", "\"a\"", NULL },
	{ "\"int\"", "[\"null\",\"long\"]", "7", "7" },
	{ "[\"null\",\"int\"]", "[\"long\",\"null\"]", "null", "null" },
	{ "[\"null\",\"int\"]", "\"long\"", "7", "7" },
	{ "[\"null\",\"int\"]", "\"long\"", "null", NULL },
	/* Fields: another order, one left out, one with a default, one that is optional, one that is missing. */
	{ RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"string\"")),
	  RECORD(FIELD("b", "\"string\"") "," FIELD("a", "\"long\"")), "{\"a\":1,\"b\":\"x\"}",
	  "{\"b\":\"x\",\"a\":1}" },
	{ RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"string\"")), RECORD(FIELD("b", "\"string\"")),
	  "{\"a\":1,\"b\":\"x\"}", "{\"b\":\"x\"}" },
	{ RECORD(FIELD("a", "\"int\"")),
	  RECORD(FIELD("a", "\"int\"") ",{\"name\":\"b\",\"type\":\"string\",\"default\":\"y\"}"), "{\"a\":1}",
	  "{\"a\":1,\"b\":\"y\"}" },
	{ RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "[\"int\",\"null\"]")),
	  "{\"a\":1}", "{\"a\":1,\"b\":null}" },
	{ RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")), "{\"a\":1}", NULL },
	{ "{\"type\":\"array\",\"items\":\"int\"}", "{\"type\":\"array\",\"items\":\"double\"}", "[1,2]", "[1.0,2.0]" },
	{ "{\"type\":\"map\",\"values\":\"int\"}", "{\"type\":\"map\",\"values\":[\"null\",\"int\"]}", "{\"k\":1}",
	  "{\"k\":1}" },
	{ ENUM("\"A\",\"B\""), ENUM("\"B\",\"A\""), "\"B\"", "\"B\"" },
	{ ENUM("\"A\",\"B\""), ENUM("\"A\""), "\"B\"", NULL },
	{ "{\"type\":\"fixed\",\"name\":\"F\",\"size\":1}", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\"a\"",
	  NULL },
};

static void values_go_into_the_other_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_avro_schema *from, *to;
		struct tarn_datum_plan *from_plan, *to_plan;
		struct tarn_buf datum, out, json;
		struct tarn_err err = { 0 };
		tarn_buf_init(&datum, 1 << 20);
		tarn_buf_init(&out, 1 << 20);
		tarn_buf_init(&json, 1 << 20);
		assert_int_equal(tarn_avro_schema_parse(tarn_slice_str(cases[i].from), &from, NULL), TARN_OK);
		assert_int_equal(tarn_avro_schema_parse(tarn_slice_str(cases[i].to), &to, NULL), TARN_OK);
		assert_int_equal(tarn_datum_plan_new(from, from, &from_plan, NULL), TARN_OK);
		assert_int_equal(tarn_datum_plan_new(to, to, &to_plan, NULL), TARN_OK);
		assert_int_equal(
			tarn_avro_json_read(from, tarn_slice_str(cases[i].value), TARN_AVRO_JSON_NATIVE, &datum, NULL),
			TARN_OK);
		enum tarn_rc rc = tarn_datum_project(from_plan, to_plan, tarn_buf_slice(&datum), &out, &err);
		if (cases[i].projected) {
			if (rc)
				fail_msg("%s into %s: %s", cases[i].from, cases[i].to, err.message);
			struct tarn_cursor cursor = tarn_cursor_of(tarn_buf_slice(&out));
			assert_int_equal(tarn_avro_json_write(to, &cursor, TARN_AVRO_JSON_NATIVE, &json, NULL),
					 TARN_OK);
			assert_int_equal(tarn_cursor_left(&cursor), 0);
			tarn_buf_add_byte(&json, '\0');
			assert_string_equal((const char *)json.data, cases[i].projected);
		} else {
			assert_int_equal(rc, TARN_EINVALID);
			assert_true(strlen(err.message) > 0);
			assert_int_equal(out.len, 0);
		}
		tarn_datum_plan_free(from_plan);
		tarn_datum_plan_free(to_plan);
		tarn_avro_schema_free(from);
		tarn_avro_schema_free(to);
		tarn_buf_release(&datum);
		tarn_buf_release(&out);
		tarn_buf_release(&json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(values_go_into_the_other_version) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
