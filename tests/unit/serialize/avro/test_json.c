#include "serialize/avro/json.h"

#include "avro_files.h"
#include "serialize/avro/container.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define BYTES(text) text, sizeof(text) - 1

#define ARRAY_OF(items) "{\"type\":\"array\",\"items\":" items "}"
#define MAP_OF(values) "{\"type\":\"map\",\"values\":" values "}"
#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":[" fields "]}"
#define FIXED(size) "{\"type\":\"fixed\",\"name\":\"F\",\"size\":" size "}"
#define ENUM "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}"

struct form {
	const char *schema, *bytes;
	size_t len;
	const char *json;
};

static void check_form(const struct form *form, enum tarn_avro_json_form kind)
{
	struct tarn_avro_schema *schema = parse_schema(form->schema);
	struct tarn_buf json, bytes;
	struct tarn_err err;
	tarn_buf_init(&json, 1 << 20);
	tarn_buf_init(&bytes, 1 << 20);
	struct tarn_cursor cursor = tarn_cursor_of(tarn_slice_of(form->bytes, form->len));
	if (tarn_avro_json_write(schema, &cursor, kind, &json, &err))
		fail_msg("%s: %s", form->json, err.message);
	assert_int_equal(tarn_cursor_left(&cursor), 0);
	if (!tarn_slice_eq(tarn_buf_slice(&json), tarn_slice_str(form->json)))
		fail_msg("\"%.*s\" is not \"%s\"", (int)json.len, (const char *)json.data, form->json);
	if (tarn_avro_json_read(schema, tarn_slice_str(form->json), kind, &bytes, &err))
		fail_msg("%s: %s", form->json, err.message);
	assert_int_equal(bytes.len, form->len);
	if (form->len)
		assert_memory_equal(bytes.data, form->bytes, form->len);
	tarn_buf_release(&json);
	tarn_buf_release(&bytes);
	tarn_avro_schema_free(schema);
}

static void both_forms_go_there_and_back(void **state)
{
	(void)state;
	static const struct form cases[] = {
		{ "\"null\"", BYTES(""), "null" },
		{ "\"boolean\"", BYTES("\1"), "true" },
		{ "\"int\"", BYTES("\xff\xff\xff\xff\x0f"), "-2147483648" },
		{ "\"long\"", BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1"), "9223372036854775807" },
		{ "\"float\"", BYTES("\xcd\xcc\xcc\x3d"), "0.1" },
		{ "\"float\"", BYTES("\0\0\xc0\x7f"), "\"NaN\"" },
		{ "\"float\"", BYTES("\xff\xff\x7f\x7f"), "3.4028235e+38" },
		{ "\"double\"", BYTES("\x9a\x99\x99\x99\x99\x99\xb9\x3f"), "0.1" },
		{ "\"double\"", BYTES("\0\0\0\0\0\0\xf0\x7f"), "\"Infinity\"" },
		{ "\"double\"", BYTES("\0\0\0\0\0\0\xf0\xff"), "\"-Infinity\"" },
		{ "\"double\"", BYTES("\0\0\0\0\0\0\0\x80"), "-0.0" },
		{ "\"string\"", BYTES("\x10\xc3\xa9\"\\\n\1/z"), "\"\xc3\xa9\\\"\\\\\\n\\u0001/z\"" },
		{ "\"bytes\"", BYTES("\x08\0a\x80\xff"), "\"\\u0000a\xc2\x80\xc3\xbf\"" },
		{ FIXED("2"), BYTES("\xe9z"), "\"\xc3\xa9z\"" },
		{ ENUM, BYTES("\2"), "\"B\"" },
		{ ARRAY_OF("\"int\""), BYTES("\4\2\4\0"), "[1,2]" },
		{ ARRAY_OF("\"int\""), BYTES("\0"), "[]" },
		{ MAP_OF("\"int\""), BYTES("\4\2a\2\2b\4\0"), "{\"a\":1,\"b\":2}" },
		{ RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"string\"}"), BYTES("\2\2x"),
		  "{\"a\":1,\"b\":\"x\"}" },
		{ "[\"null\",\"int\"]", BYTES("\0"), "null" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		check_form(&cases[i], TARN_AVRO_JSON_TAGGED);
		check_form(&cases[i], TARN_AVRO_JSON_NATIVE);
	}
}

static void unions_are_tagged_or_plain(void **state)
{
	(void)state;
	static const char list[] =
		RECORD("{\"name\":\"v\",\"type\":\"int\"},{\"name\":\"next\",\"type\":[\"null\",\"R\"]}");
	static const struct form tagged[] = {
		{ "[\"null\",\"int\"]", BYTES("\2\2"), "{\"int\":1}" },
		{ "[\"int\",\"string\"]", BYTES("\2\2a"), "{\"string\":\"a\"}" },
		{ "[\"null\"," ARRAY_OF("\"int\"") "]", BYTES("\2\2\2\0"), "{\"array\":[1]}" },
		{ "[\"null\"," MAP_OF("\"int\"") "]", BYTES("\2\0"), "{\"map\":{}}" },
		{ "[" FIXED("1") "," ENUM "]", BYTES("\2\0"), "{\"E\":\"A\"}" },
		{ list, BYTES("\2\2\4\0"), "{\"v\":1,\"next\":{\"n.R\":{\"v\":2,\"next\":null}}}" },
	};
	static const struct form native[] = {
		{ "[\"null\",\"int\"]", BYTES("\2\2"), "1" },
		{ "[\"int\",\"string\"]", BYTES("\2\2a"), "\"a\"" },
		{ "[\"boolean\",\"null\"," ARRAY_OF("[\"null\",\"int\"]") "]", BYTES("\4\4\0\2\2\0"), "[null,1]" },
		{ "[\"int\",\"double\"]", BYTES("\2\0\0\0\0\0\0\xf8\x3f"), "1.5" },
		{ list, BYTES("\2\2\4\0"), "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}" },
	};
	for (size_t i = 0; i < N(tagged); i++)
		check_form(&tagged[i], TARN_AVRO_JSON_TAGGED);
	for (size_t i = 0; i < N(native); i++)
		check_form(&native[i], TARN_AVRO_JSON_NATIVE);
}

static void read_json(const char *schema_json, const char *json, enum tarn_avro_json_form form, struct tarn_buf *bytes,
		      struct tarn_err *err, enum tarn_rc expected)
{
	struct tarn_avro_schema *schema = parse_schema(schema_json);
	tarn_buf_init(bytes, 1 << 20);
	if (tarn_avro_json_read(schema, tarn_slice_str(json), form, bytes, err) != expected)
		fail_msg("%s: %s", json, err->message);
	tarn_avro_schema_free(schema);
}

static void other_spellings_are_read(void **state)
{
	(void)state;
	static const struct form cases[] = {
		{ "\"double\"", BYTES("\0\0\0\0\0\0\xf0\x3f"), "1" },
		{ "\"string\"", BYTES("\4\xc3\xa9"), " \"\\u00e9\" " },
		{ RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":[\"null\",\"int\"],\"default\":"
			 "null},"
			 "{\"name\":\"c\",\"type\":[\"int\",\"null\"],\"default\":3}"),
		  BYTES("\2\0\0\6"), "{\"a\":1}" },
		{ RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"int\"}"), BYTES("\2\4"),
		  "{\"b\":2,\"a\":1}" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_buf bytes;
		struct tarn_err err;
		read_json(cases[i].schema, cases[i].json, TARN_AVRO_JSON_TAGGED, &bytes, &err, TARN_OK);
		assert_int_equal(bytes.len, cases[i].len);
		assert_memory_equal(bytes.data, cases[i].bytes, bytes.len);
		tarn_buf_release(&bytes);
	}
}

static void values_that_do_not_fit_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *json, *message;
	} cases[] = {
		{ "\"int\"", "", "avro JSON" },
		{ "\"int\"", "[1", "avro JSON" },
		{ "\"int\"", "1.5", "at $: a value for type \"int\" was expected, there is a number" },
		{ "\"int\"", "2147483648", "2147483648 is no int" },
		{ "\"null\"", "0", "type \"null\"" },
		{ "\"boolean\"", "0", "type \"boolean\"" },
		{ "\"float\"", "1e39", "is no float" },
		{ "\"float\"", "\"Inf\"", "type \"float\"" },
		{ "\"string\"", "1", "there is an integer" },
		{ "\"bytes\"", "\"\\u0100\"", "a character above U+00FF" },
		{ FIXED("2"), "\"a\"", "1 bytes, \"F\" has 2" },
		{ ENUM, "\"C\"", "\"C\" is no symbol of \"E\"" },
		{ ARRAY_OF("\"int\""), "[1,null]", "at $[1]: a value for type \"int\" was expected, there is null" },
		{ MAP_OF("\"int\""), "{\"k\":true}", "at $.k:" },
		{ MAP_OF("\"int\""), "[]", "type \"map\"" },
		{ RECORD("{\"name\":\"a\",\"type\":\"int\"}"), "{}", "at $.a: the field is missing" },
		{ RECORD(""), "{\"x\":1}", "record \"n.R\" has no field \"x\"" },
		{ "[\"null\",\"int\"]", "1", "null or an object whose one key names a type" },
		{ "[\"null\",\"int\"]", "{\"long\":1}", "the union has no type \"long\"" },
		{ "[\"null\",\"int\"]", "{\"null\":null}", "the union has no type \"null\"" },
		{ "[\"int\",\"string\"]", "null", "the union has no type \"null\"" },
		{ "[\"null\",\"int\"]", "{\"int\":\"x\"}", "at $.int: a value for type \"int\"" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_buf bytes;
		struct tarn_err err;
		read_json(cases[i].schema, cases[i].json, TARN_AVRO_JSON_TAGGED, &bytes, &err, TARN_EINVALID);
		if (!strstr(err.message, cases[i].message))
			fail_msg("\"%s\" does not hold \"%s\"", err.message, cases[i].message);
		assert_int_equal(bytes.len, 0);
		tarn_buf_release(&bytes);
	}
}

/* Each level has two ways to go wrong: 2^60 attempts, if nobody counted. */
static void trying_branches_is_limited(void **state)
{
	(void)state;
	struct tarn_buf schema, json, bytes;
	struct tarn_err err;
	tarn_buf_init(&schema, 1 << 20);
	tarn_buf_init(&json, 1 << 20);
	tarn_buf_add_str(
		&schema,
		"[{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"x\",\"type\":[\"A\","
		"{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"x\",\"type\":[\"A\",\"B\",\"null\"]}]},"
		"\"null\"]}]}]");
	for (int i = 0; i < 60; i++)
		tarn_buf_add_str(&json, "{\"x\":");
	tarn_buf_add_str(&json, "1");
	for (int i = 0; i < 60; i++)
		tarn_buf_add_str(&json, "}");
	tarn_buf_add_byte(&schema, 0);
	tarn_buf_add_byte(&json, 0);
	read_json((const char *)schema.data, (const char *)json.data, TARN_AVRO_JSON_NATIVE, &bytes, &err, TARN_ELIMIT);
	tarn_buf_release(&schema);
	tarn_buf_release(&json);
	tarn_buf_release(&bytes);
}

static void text_that_is_no_utf8_is_replaced(void **state)
{
	(void)state;
	static const struct form cases[] = {
		{ "\"string\"", BYTES("\2\xff"), "\"\xef\xbf\xbd\"" },
		{ "\"string\"",
		  BYTES("\4"
			"a\xc3"),
		  "\"a\xef\xbf\xbd\"" },
		{ "\"string\"", BYTES("\6\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\"string\"", BYTES("\4\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\"string\"", BYTES("\x08\xf0\x9f\x90\x9f"), "\"\xf0\x9f\x90\x9f\"" },
	};
	for (size_t i = 0; i < N(cases); i++) {
		struct tarn_avro_schema *schema = parse_schema(cases[i].schema);
		struct tarn_cursor cursor = tarn_cursor_of(tarn_slice_of(cases[i].bytes, cases[i].len));
		struct tarn_buf json;
		tarn_buf_init(&json, 1 << 10);
		assert_int_equal(tarn_avro_json_write(schema, &cursor, TARN_AVRO_JSON_NATIVE, &json, NULL), TARN_OK);
		assert_true(tarn_slice_eq(tarn_buf_slice(&json), tarn_slice_str(cases[i].json)));
		tarn_buf_release(&json);
		tarn_avro_schema_free(schema);
	}
}

/* A real message: every prefix is refused, and the whole one's JSON is the same message again. */
static void a_real_message_goes_there_and_back(void **state)
{
	(void)state;
	struct tarn_buf file = read_test_file("vqe-v2.bin"), text = read_test_file("vqe-v2.avsc"), json, bytes;
	struct tarn_slice datum = tarn_slice_of(file.data + 5, file.len - 5);
	struct tarn_avro_schema *schema;
	struct tarn_err err;
	assert_int_equal(tarn_avro_schema_parse(tarn_buf_slice(&text), &schema, NULL), TARN_OK);
	for (int form = TARN_AVRO_JSON_TAGGED; form <= TARN_AVRO_JSON_NATIVE; form++) {
		tarn_buf_init(&json, 1 << 24);
		tarn_buf_init(&bytes, 1 << 24);
		for (size_t len = 0; len < datum.len; len += 7) {
			struct tarn_slice prefix = exact_copy(tarn_slice_of(datum.data, len));
			struct tarn_cursor cursor = tarn_cursor_of(prefix);
			assert_int_equal(tarn_avro_json_write(schema, &cursor, form, &json, &err), TARN_EINVALID);
			assert_true(err.position >= 0 && err.position <= (int64_t)len);
			assert_int_equal(json.len, 0);
			free_copy(prefix);
		}
		struct tarn_cursor cursor = tarn_cursor_of(datum);
		assert_int_equal(tarn_avro_json_write(schema, &cursor, form, &json, &err), TARN_OK);
		assert_int_equal(tarn_cursor_left(&cursor), 0);
		if (tarn_avro_json_read(schema, tarn_buf_slice(&json), form, &bytes, &err))
			fail_msg("%s", err.message);
		assert_true(tarn_slice_eq(tarn_buf_slice(&bytes), datum));
		tarn_buf_release(&json);
		tarn_buf_release(&bytes);
	}
	tarn_avro_schema_free(schema);
	tarn_buf_release(&file);
	tarn_buf_release(&text);
}

static void output_and_depth_are_limited(void **state)
{
	(void)state;
	static const struct form cases[] = {
		{ ARRAY_OF("\"null\""), BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\x7f\0"), NULL },
		{ RECORD("{\"name\":\"r\",\"type\":[\"R\"]}"), BYTES(""), NULL },
	};
	for (size_t i = 0; i < N(cases); i++) {
		static uint8_t zeros[1000];
		struct tarn_avro_schema *schema = parse_schema(cases[i].schema);
		struct tarn_slice data = cases[i].len ? tarn_slice_of(cases[i].bytes, cases[i].len)
						      : tarn_slice_of(zeros, sizeof(zeros));
		struct tarn_cursor cursor = tarn_cursor_of(data);
		struct tarn_buf json;
		tarn_buf_init(&json, 1 << 16);
		assert_int_equal(tarn_avro_json_write(schema, &cursor, TARN_AVRO_JSON_NATIVE, &json, NULL),
				 TARN_ELIMIT);
		tarn_buf_release(&json);
		tarn_avro_schema_free(schema);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_go_there_and_back),
		cmocka_unit_test(unions_are_tagged_or_plain),
		cmocka_unit_test(other_spellings_are_read),
		cmocka_unit_test(values_that_do_not_fit_are_named),
		cmocka_unit_test(trying_branches_is_limited),
		cmocka_unit_test(text_that_is_no_utf8_is_replaced),
		cmocka_unit_test(a_real_message_goes_there_and_back),
		cmocka_unit_test(output_and_depth_are_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
