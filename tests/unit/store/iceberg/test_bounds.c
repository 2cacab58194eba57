#include "store/iceberg/manifest.h"

#include "cmocka_tarn.h"

#define BYTES(literal)                                                                                                 \
	{                                                                                                              \
		(const uint8_t *)(literal), sizeof(literal) - 1                                                        \
	}

static void bounds_are_cut_as_java_does(void **state)
{
	(void)state;
	static const struct {
		enum tarn_type_kind kind;
		struct tarn_slice full, lower, upper; /* data NULL: no bound */
	} cases[] = {
		{ TARN_TYPE_STRING, BYTES(""), BYTES(""), BYTES("") },
		{ TARN_TYPE_STRING, BYTES("sto3g"), BYTES("sto3g"), BYTES("sto3g") },
		{ TARN_TYPE_STRING, BYTES("0123456789abcdef"), BYTES("0123456789abcdef"), BYTES("0123456789abcdef") },
		{ TARN_TYPE_STRING, BYTES("quantum_base_processing"), BYTES("quantum_base_pro"),
		  BYTES("quantum_base_prp") },
		/* code points count, not bytes */
		{ TARN_TYPE_STRING,
		  BYTES("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9z!"),
		  BYTES("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9z"),
		  BYTES("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
			"{") },
		/* U+D7FF is followed by U+E000, a code point may get longer */
		{ TARN_TYPE_STRING, BYTES("123456789012345\uD7FF!"), BYTES("123456789012345\uD7FF"),
		  BYTES("123456789012345\uE000") },
		{ TARN_TYPE_STRING, BYTES("123456789012345\x7f!"), BYTES("123456789012345\x7f"),
		  BYTES("123456789012345\xc2\x80") },
		{ TARN_TYPE_STRING, BYTES("123456789012345\uFFFF!"), BYTES("123456789012345\uFFFF"),
		  BYTES("123456789012345\U00010000") },
		/* U+10FFFF cannot be incremented, the one before is */
		{ TARN_TYPE_STRING, BYTES("12345678901234a\U0010FFFF!"), BYTES("12345678901234a\U0010FFFF"),
		  BYTES("12345678901234b") },
		{ TARN_TYPE_STRING, BYTES("a\xff"), { NULL, 0 }, { NULL, 0 } },
		{ TARN_TYPE_STRING, BYTES("\xed\xa0\x80"), { NULL, 0 }, { NULL, 0 } },
		{ TARN_TYPE_STRING, BYTES("\xc0\x80"), { NULL, 0 }, { NULL, 0 } },
		{ TARN_TYPE_STRING, BYTES("\xe2\x82"), { NULL, 0 }, { NULL, 0 } },
		{ TARN_TYPE_STRING, BYTES("\xf4\x90\x80\x80"), { NULL, 0 }, { NULL, 0 } },
		{ TARN_TYPE_BINARY, BYTES("0123456789abcde\xfe!"), BYTES("0123456789abcde\xfe"),
		  BYTES("0123456789abcde\xff") },
		{ TARN_TYPE_BINARY, BYTES("0123456789abcd\x01\xff!"), BYTES("0123456789abcd\x01\xff"),
		  BYTES("0123456789abcd\x02") },
		{ TARN_TYPE_BINARY,
		  BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		  BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		  { NULL, 0 } },
		{ TARN_TYPE_UUID, BYTES("0123456789abcdef"), BYTES("0123456789abcdef"), BYTES("0123456789abcdef") },
		{ TARN_TYPE_FIXED, BYTES("0123456789abcdefgh"), BYTES("0123456789abcdefgh"),
		  BYTES("0123456789abcdefgh") },
	};
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_slice bound;
		bool has = tarn_bound_lower(cases[i].kind, cases[i].full, &bound);
		assert_int_equal(has, cases[i].lower.data != NULL);
		assert_true(!has || tarn_slice_eq(bound, cases[i].lower));
		has = tarn_bound_upper(cases[i].kind, cases[i].full, &arena, &bound);
		assert_int_equal(has, cases[i].upper.data != NULL);
		assert_true(!has || tarn_slice_eq(bound, cases[i].upper));
	}
	tarn_arena_release(&arena);
}

static void all_largest_code_points_have_no_upper_bound(void **state)
{
	(void)state;
	struct tarn_buf text;
	struct tarn_slice bound;
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	tarn_buf_init(&text, 100);
	for (int i = 0; i < 17; i++)
		tarn_buf_add_str(&text, "\U0010FFFF");
	assert_false(tarn_bound_upper(TARN_TYPE_STRING, tarn_buf_slice(&text), &arena, &bound));
	tarn_buf_release(&text);
	tarn_arena_release(&arena);
}

/* Specification, appendix D. */
static void values_are_serialized(void **state)
{
	(void)state;
	static const struct {
		enum tarn_type_kind kind;
		struct tarn_partition_value value;
		struct tarn_slice expected;
	} cases[] = {
		{ TARN_TYPE_BOOLEAN, { .number = 1 }, BYTES("\x01") },
		{ TARN_TYPE_INT, { .number = -2 }, BYTES("\xfe\xff\xff\xff") },
		{ TARN_TYPE_DATE, { .number = 20779 }, BYTES("+Q\0\0") },
		{ TARN_TYPE_LONG, { .number = 34 }, BYTES("\x22\0\0\0\0\0\0\0") },
		{ TARN_TYPE_TIMESTAMPTZ, { .number = -1 }, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff") },
		{ TARN_TYPE_STRING, { .text = BYTES("iceberg") }, BYTES("iceberg") },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_buf out;
		tarn_buf_init(&out, 64);
		tarn_bound_put_value(cases[i].kind, &cases[i].value, &out);
		assert_true(tarn_slice_eq(tarn_buf_slice(&out), cases[i].expected));
		tarn_buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_cut_as_java_does),
		cmocka_unit_test(all_largest_code_points_have_no_upper_bound),
		cmocka_unit_test(values_are_serialized),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
