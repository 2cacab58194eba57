#include "base/json_reader.h"

#include <stdlib.h>

#include "cmocka_tarn.h"

static enum tarn_rc skip_all(struct tarn_slice text, struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_json json;
	tarn_arena_init(&arena);
	tarn_json_init(&json, text, text, &arena, err);
	tarn_json_skip(&json);
	enum tarn_rc rc = tarn_json_finish(&json);
	tarn_arena_release(&arena);
	return rc;
}

static void valid_json_is_passed_over(void **state)
{
	(void)state;
	static const char *const texts[] = { "1",      "-0.5e+3", "\"a\\\"b\"",
					     "[]",     "{}",	  " [ 1 , [ ] , { } ] ",
					     "true",   "null",	  "{\"a\":[1,{}],\"\":null}",
					     "[[],[]]" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(skip_all(tarn_slice_str(texts[i]), NULL), TARN_OK);
}

static void errors_tell_the_byte(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int position;
	} cases[] = {
		{ "", 0 },	 { "[1,]", 3 }, { "{\"a\" 1}", 5 },  { "[1 2]", 3 }, { "{1:2}", 1 },
		{ "tru", 0 },	 { "01", 1 },	{ "1.", 2 },	     { "-", 1 },     { "\"a\x01\"", 2 },
		{ "\"abc", 4 },	 { "[1}", 2 },	{ "{\"a\":1]", 6 },  { "1 1", 2 },   { "nulL", 0 },
		{ "[1,,2]", 3 }, { "{,}", 1 },	{ "{\"a\":1,}", 7 }, { "\"\\", 2 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_err err;
		assert_int_equal(skip_all(tarn_slice_str(cases[i].text), &err), TARN_EINVALID);
		assert_int_equal(err.position, cases[i].position);
	}
}

static void every_prefix_fails(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":[1.5e3,true,{\"b\":\"c\\u00e9\"}],\"d\":null}";
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		uint8_t *copy = tarn_malloc(len);
		memcpy(copy, text, len);
		assert_int_equal(skip_all(tarn_slice_of(copy, len), NULL), TARN_EINVALID);
		free(copy);
	}
	assert_int_equal(skip_all(tarn_slice_str(text), NULL), TARN_OK);
}

static void nesting_is_limited(void **state)
{
	(void)state;
	char text[2 * TARN_JSON_MAX_DEPTH + 3];
	memset(text, '[', TARN_JSON_MAX_DEPTH);
	memset(text + TARN_JSON_MAX_DEPTH, ']', TARN_JSON_MAX_DEPTH);
	assert_int_equal(skip_all(tarn_slice_of(text, 2 * TARN_JSON_MAX_DEPTH), NULL), TARN_OK);
	memset(text, '[', sizeof(text));
	assert_int_equal(skip_all(tarn_slice_of(text, sizeof(text)), NULL), TARN_ELIMIT);
}

static void strings_are_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected; /* expected NULL: refused */
	} cases[] = {
		{ "\"plain\"", "plain" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac" },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" },
		{ "\"\\ud83d\"", NULL },
		{ "\"\\ude00\"", NULL },
		{ "\"\\ud83dx\"", NULL },
		{ "\"\\u0000\"", NULL },
		{ "\"\\u12g4\"", NULL },
		{ "\"\\u12\"", NULL },
		{ "\"\\x\"", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_arena arena;
		struct tarn_json json;
		struct tarn_slice text = tarn_slice_str(cases[i].text);
		tarn_arena_init(&arena);
		tarn_json_init(&json, text, text, &arena, NULL);
		const char *found = tarn_json_string(&json);
		assert_int_equal(tarn_json_finish(&json), cases[i].expected ? TARN_OK : TARN_EINVALID);
		assert_string_equal(found, cases[i].expected ? cases[i].expected : "");
		tarn_arena_release(&arena);
	}
}

static void numbers_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t min, max, expected;
		enum tarn_rc rc;
	} cases[] = {
		{ "0", 0, 10, 0, TARN_OK },
		{ " -7 ", -10, 10, -7, TARN_OK },
		{ "9223372036854775807", 0, INT64_MAX, INT64_MAX, TARN_OK },
		{ "9223372036854775808", 0, INT64_MAX, 0, TARN_EINVALID },
		{ "99999999999999999999999", 0, INT64_MAX, 0, TARN_EINVALID },
		{ "11", 0, 10, 0, TARN_EINVALID },
		{ "-1", 0, 10, 0, TARN_EINVALID },
		{ "1.0", 0, 10, 0, TARN_EINVALID },
		{ "1e0", 0, 10, 0, TARN_EINVALID },
		{ "\"1\"", 0, 10, 0, TARN_EINVALID },
		{ "null", 0, 10, 0, TARN_EINVALID },
		{ "", 0, 10, 0, TARN_EINVALID },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_json json;
		struct tarn_slice text = tarn_slice_str(cases[i].text);
		tarn_json_init(&json, text, text, NULL, NULL);
		assert_int_equal(tarn_json_integer(&json, cases[i].min, cases[i].max), cases[i].expected);
		assert_int_equal(tarn_json_finish(&json), cases[i].rc);
	}
}

static void written_strings_read_back(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "plain", "\"\\/\b\f\n\r\t\x01\x1f", "\xc3\xa9" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct tarn_arena arena;
		struct tarn_json json;
		struct tarn_buf out;
		tarn_buf_init(&out, 100);
		tarn_json_put_str(&out, texts[i]);
		tarn_arena_init(&arena);
		tarn_json_init(&json, tarn_buf_slice(&out), tarn_buf_slice(&out), &arena, NULL);
		assert_string_equal(tarn_json_string(&json), texts[i]);
		assert_int_equal(tarn_json_finish(&json), TARN_OK);
		tarn_arena_release(&arena);
		tarn_buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_json_is_passed_over), cmocka_unit_test(errors_tell_the_byte),
		cmocka_unit_test(every_prefix_fails),	     cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(strings_are_decoded),	     cmocka_unit_test(numbers_are_checked),
		cmocka_unit_test(written_strings_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
