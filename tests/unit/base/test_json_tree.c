#include "base/json_tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "cmocka_tarn.h"

/* The tree as text again; strings and keys with their lengths. */
static void put(struct tarn_buf *out, const struct tarn_json_value *value)
{
	switch (value->kind) {
	case TARN_JSON_OBJECT:
		tarn_buf_add_byte(out, '{');
		for (size_t i = 0; i < value->n; i++) {
			tarn_buf_printf(out, "%s%u'%s':", i ? "," : "", value->members[i].key_len,
					value->members[i].key);
			put(out, &value->members[i].value);
			assert_ptr_equal(tarn_json_get(value, value->members[i].key), &value->members[i].value);
		}
		tarn_buf_add_byte(out, '}');
		return;
	case TARN_JSON_ARRAY:
		tarn_buf_add_byte(out, '[');
		for (size_t i = 0; i < value->n; i++) {
			if (i)
				tarn_buf_add_byte(out, ',');
			put(out, &value->items[i]);
		}
		tarn_buf_add_byte(out, ']');
		return;
	case TARN_JSON_STRING: tarn_buf_printf(out, "%u'%s'", value->n, value->text); return;
	case TARN_JSON_INTEGER: tarn_json_put_int(out, value->integer); return;
	case TARN_JSON_REAL: tarn_buf_printf(out, "~%g", value->real); return;
	case TARN_JSON_TRUE: tarn_buf_add_str(out, "true"); return;
	case TARN_JSON_FALSE: tarn_buf_add_str(out, "false"); return;
	case TARN_JSON_NULL: tarn_buf_add_str(out, "null"); return;
	}
}

static void trees_of_documents(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ " {\"a\" : [1, -2.5, true],\n\"b\":{\"c\":null}} ", "{1'a':[1,~-2.5,true],1'b':{1'c':null}}" },
		{ "[]", "[]" },
		{ "{}", "{}" },
		{ "\"x\"", "1'x'" },
		{ "7", "7" },
		{ "-0", "0" },
		{ "[9223372036854775807,-9223372036854775808]", "[9223372036854775807,-9223372036854775808]" },
		{ "[1e2,0.5E-1,1.0,1e-400]", "[~100,~0.05,~1,~0]" },
		{ "[\"\\\"\\\\\\u00e9\\n\",\"\"]", "[5'\"\\\xc3\xa9\n',0'']" },
		{ "\"a\\u0000b\"", "3'a'" },
		{ "{\"\\u0061\\u0062\":1}", "{2'ab':1}" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "{1'a':3,1'b':2}" },
		{ "{\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":4,\"f\":5,\"g\":6,\"h\":7,\"i\":8,\"a\":9}",
		  "{1'a':9,1'b':1,1'c':2,1'd':3,1'e':4,1'f':5,1'g':6,1'h':7,1'i':8}" },
		{ "{\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":4,\"f\":5,\"g\":6,\"h\":7,\"a\":8}",
		  "{1'a':8,1'b':1,1'c':2,1'd':3,1'e':4,1'f':5,1'g':6,1'h':7}" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_arena arena;
		struct tarn_buf out;
		struct tarn_err err;
		const struct tarn_json_value *value;
		tarn_arena_init(&arena);
		tarn_buf_init(&out, 1 << 20);
		if (tarn_json_parse(tarn_slice_str(cases[i].text), 0, &arena, &value, &err))
			fail_msg("%s: %s", cases[i].text, err.message);
		put(&out, value);
		tarn_buf_add_byte(&out, 0);
		assert_string_equal(out.data, cases[i].expected);
		tarn_buf_release(&out);
		tarn_arena_release(&arena);
	}
}

static enum tarn_rc parse(struct tarn_slice text, unsigned rules, struct tarn_err *err)
{
	const struct tarn_json_value *value;
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	enum tarn_rc rc = tarn_json_parse(text, rules, &arena, &value, err);
	tarn_arena_release(&arena);
	return rc;
}

static void what_is_no_tree_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned rules;
		int position;
		const char *message;
	} cases[] = {
		{ "", 0, 0, "JSON value expected" },
		{ "[1,]", 0, 3, "JSON value expected" },
		{ "{\"a\":1} x", 0, 8, "goes on behind its end" },
		{ "[\"\xff\"]", 0, 2, "0xff, which is no UTF-8" },
		{ "{\"a\\u0000\":1}", 0, 9, "escape" },
		{ "\"\\ud800\"", 0, 7, "escape" },
		{ "9223372036854775808", 0, 19, "too large: 9223372036854775808" },
		{ "[-1e999]", 0, 7, "too large: -1e999" },
		{ "[\"a\\u0000\"]", TARN_JSON_NO_ZEROS, 10, "a zero inside a string" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", TARN_JSON_NO_KEY_TWICE, 19, "the key \"a\" twice" },
		{ "{\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":4,\"f\":5,\"g\":6,\"h\":7,\"i\":8,\"i\":9}",
		  TARN_JSON_NO_KEY_TWICE, 61, "the key \"i\" twice" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_err err;
		assert_int_equal(parse(tarn_slice_str(cases[i].text), cases[i].rules, &err), TARN_EINVALID);
		if (!strstr(err.message, cases[i].message) || err.position != cases[i].position)
			fail_msg("%s: byte %d, %s", cases[i].text, (int)err.position, err.message);
	}
}

static void every_prefix_fails(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":[1.5e3,true,{\"b\":\"c\\u00e9\"}],\"d\":null}";
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		uint8_t *copy = tarn_malloc(len);
		memcpy(copy, text, len);
		assert_int_equal(parse(tarn_slice_of(copy, len), TARN_JSON_NO_KEY_TWICE, NULL), TARN_EINVALID);
		free(copy);
	}
	assert_int_equal(parse(tarn_slice_str(text), TARN_JSON_NO_KEY_TWICE, NULL), TARN_OK);
}

static void nesting_is_limited(void **state)
{
	(void)state;
	enum { DEPTH = TARN_JSON_TREE_MAX_DEPTH };
	static char text[2 * DEPTH + 2];
	memset(text, '[', DEPTH);
	memset(text + DEPTH, ']', DEPTH);
	assert_int_equal(parse(tarn_slice_of(text, 2 * DEPTH), 0, NULL), TARN_OK);
	memset(text, '[', DEPTH + 1);
	assert_int_equal(parse(tarn_slice_of(text, sizeof(text)), 0, NULL), TARN_ELIMIT);
}

static void large_objects_are_searched(void **state)
{
	(void)state;
	enum { MEMBERS = 5000 };
	struct tarn_arena arena;
	struct tarn_buf text;
	const struct tarn_json_value *value;
	tarn_arena_init(&arena);
	tarn_buf_init(&text, 1 << 20);
	for (int i = 0; i < MEMBERS; i++)
		tarn_buf_printf(&text, "%c\"key %d\":%d", i ? ',' : '{', i, i);
	tarn_buf_add_byte(&text, '}');
	assert_int_equal(tarn_json_parse(tarn_buf_slice(&text), TARN_JSON_NO_KEY_TWICE, &arena, &value, NULL), TARN_OK);
	for (int i = 0; i < MEMBERS; i++) {
		char key[32];
		snprintf(key, sizeof(key), "key %d", i);
		assert_int_equal(tarn_json_get(value, key)->integer, i);
	}
	assert_null(tarn_json_get(value, "key"));
	tarn_buf_release(&text);
	tarn_arena_release(&arena);
}

static void what_is_missing_is_nothing(void **state)
{
	(void)state;
	const struct tarn_json_value text = { .kind = TARN_JSON_STRING, .n = 1, .text = "x" };
	assert_null(tarn_json_get(NULL, "a"));
	assert_null(tarn_json_get(&text, "a"));
	assert_null(tarn_json_get_text(&text, "a"));
	assert_string_equal(tarn_json_text(&text), "x");
	assert_false(tarn_json_is_kind(NULL, TARN_JSON_OBJECT));
}

static void values_are_written(void **state)
{
	(void)state;
	static const char *const texts[] = { "{\"b\":[1,-2.5,true,false,null,\"x\\n\\\"\"],\"a\":{}}", "[]", "1.0",
					     "7" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct tarn_arena arena;
		struct tarn_buf out;
		const struct tarn_json_value *value;
		tarn_arena_init(&arena);
		tarn_buf_init(&out, 1 << 20);
		assert_int_equal(tarn_json_parse(tarn_slice_str(texts[i]), 0, &arena, &value, NULL), TARN_OK);
		tarn_json_put_value(&out, value);
		tarn_buf_add_byte(&out, 0);
		assert_string_equal(out.data, texts[i]);
		tarn_buf_release(&out);
		tarn_arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_of_documents),	      cmocka_unit_test(what_is_no_tree_is_refused),
		cmocka_unit_test(every_prefix_fails),	      cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(large_objects_are_searched), cmocka_unit_test(what_is_missing_is_nothing),
		cmocka_unit_test(values_are_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
