#include "store/parquet/value_bounds.h"

#include "cmocka_tarn.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOP4 "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf"
#define TOP16 TOP4 TOP4 TOP4 TOP4

static struct tarn_parquet_leaf leaf_of(struct tarn_parquet_node *node, const struct tarn_field *field)
{
	struct tarn_parquet_leaf leaf = { .node = node };
	*node = (struct tarn_parquet_node){ .field = field, .kind = field->kind };
	leaf.physical = tarn_parquet_physical(field, &leaf.width);
	return leaf;
}

static void assert_end(const struct tarn_bounds *bounds, const struct tarn_parquet_leaf *leaf, bool upper,
		       const char *wanted, bool wanted_exact)
{
	uint8_t out[TARN_BOUND_TEXT_SIZE];
	bool exact;
	int len = tarn_bounds_serialize(bounds, leaf, upper, TARN_BOUND_ICEBERG, out, &exact);
	if (!wanted) {
		assert_int_equal(len, -1);
		return;
	}
	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(out, wanted, (size_t)len);
	assert_int_equal(exact, wanted_exact);
}

static void text_is_cut_between_characters(void **state)
{
	(void)state;
	static const struct tarn_field field = { .kind = TARN_TYPE_STRING };
	static const struct {
		const char *value, *lower, *upper;
		bool exact;
	} cases[] = {
		{ "", "", "", true },
		{ "abc", "abc", "abc", true },
		{ A63 "b", A63 "b", A63 "b", true },
		{ A63 "bc", A63 "b", A63 "c", false },
		{ A63 "\xc3\xa9x", A63, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false },
		{ A63 "\x7f.", A63 "\x7f", A63 "\xc2\x80", false }, /* one byte more */
		{ A63 "\x7f\x7f", A63 "\x7f", A63 "\xc2\x80", false },
		{ "a" TOP16, "a" TOP4 TOP4 TOP4 "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", "b", false },
		{ TOP16 "a", TOP16, NULL, false }, /* nothing is larger than this */
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xed\x9f\xbf!",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xed\x9f\xbf",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xee\x80\x80",
		  false }, /* over the surrogates */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_parquet_node node;
		struct tarn_parquet_leaf leaf = leaf_of(&node, &field);
		struct tarn_bounds bounds = { 0 };
		tarn_bounds_add_bytes(&bounds, tarn_slice_str(cases[i].value));
		assert_end(&bounds, &leaf, false, cases[i].lower, cases[i].exact);
		assert_end(&bounds, &leaf, true, cases[i].upper, cases[i].exact);
	}
}

static void bytes_are_rounded_up(void **state)
{
	(void)state;
	static const struct tarn_field field = { .kind = TARN_TYPE_BINARY };
	struct tarn_parquet_node node;
	struct tarn_parquet_leaf leaf = leaf_of(&node, &field);
	struct tarn_bounds bounds = { 0 };
	uint8_t value[70], out[TARN_BOUND_TEXT_SIZE];
	bool exact;
	memset(value, 0xff, sizeof(value));
	value[2] = 7;
	tarn_bounds_add_bytes(&bounds, tarn_slice_of(value, sizeof(value)));
	assert_int_equal(tarn_bounds_serialize(&bounds, &leaf, true, TARN_BOUND_PARQUET, out, &exact), 3);
	assert_int_equal(out[2], 8);
	assert_false(exact);
	value[0] = value[1] = value[2] = 0xff;
	tarn_bounds_add_bytes(&bounds, tarn_slice_of(value, sizeof(value)));
	assert_int_equal(tarn_bounds_serialize(&bounds, &leaf, true, TARN_BOUND_PARQUET, out, &exact), -1);
}

/* A value and one that goes on behind its first 64 bytes differ only there. */
static void cut_values_order_behind_whole_ones(void **state)
{
	(void)state;
	static const struct tarn_field field = { .kind = TARN_TYPE_STRING };
	struct tarn_parquet_node node;
	struct tarn_parquet_leaf leaf = leaf_of(&node, &field);
	static const char *const values[] = { A63 "bc", A63 "b" };
	for (size_t first = 0; first < 2; first++) {
		struct tarn_bounds one = { 0 }, two = { 0 };
		tarn_bounds_add_bytes(&one, tarn_slice_str(values[first]));
		tarn_bounds_add_bytes(&one, tarn_slice_str(values[1 - first]));
		assert_end(&one, &leaf, false, A63 "b", true);
		assert_end(&one, &leaf, true, A63 "c", false);
		tarn_bounds_add_bytes(&two, tarn_slice_str(values[first]));
		struct tarn_bounds merged = { 0 };
		tarn_bounds_merge(&merged, &two);
		tarn_bounds_merge(&merged, &one);
		assert_end(&merged, &leaf, false, A63 "b", true);
		assert_end(&merged, &leaf, true, A63 "c", false);
	}
}

static void decimals_take_the_least_bytes(void **state)
{
	(void)state;
	static const struct tarn_field field = { .kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2 };
	static const struct {
		int64_t value;
		const char *bytes;
		int len;
	} cases[] = {
		{ 0, "\0", 1 },		 { 127, "\x7f", 1 },
		{ 128, "\0\x80", 2 },	 { -128, "\x80", 1 },
		{ -129, "\xff\x7f", 2 }, { 256, "\x01\0", 2 },
		{ -1, "\xff", 1 },	 { 999999999, "\x3b\x9a\xc9\xff", 4 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_parquet_node node;
		struct tarn_parquet_leaf leaf = leaf_of(&node, &field);
		struct tarn_bounds bounds = { 0 };
		uint8_t out[TARN_BOUND_TEXT_SIZE];
		bool exact;
		tarn_bounds_add_keys(&bounds, cases[i].value, cases[i].value);
		assert_int_equal(tarn_bounds_serialize(&bounds, &leaf, true, TARN_BOUND_ICEBERG, out, &exact),
				 cases[i].len);
		assert_memory_equal(out, cases[i].bytes, (size_t)cases[i].len);
	}
}

static void doubles_are_in_total_order(void **state)
{
	(void)state;
	static const double ascending[] = { -1e308 * 10, -1e308, -1, -5e-324, -0.0, 0.0, 5e-324, 1, 1e308, 1e308 * 10 };
	for (size_t i = 0; i < sizeof(ascending) / sizeof(*ascending); i++) {
		double back = tarn_double_of_key(tarn_key_of_double(ascending[i]));
		assert_memory_equal(&back, &ascending[i], sizeof(back));
		if (i)
			assert_true(tarn_key_of_double(ascending[i - 1]) < tarn_key_of_double(ascending[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_between_characters),     cmocka_unit_test(bytes_are_rounded_up),
		cmocka_unit_test(cut_values_order_behind_whole_ones), cmocka_unit_test(decimals_take_the_least_bytes),
		cmocka_unit_test(doubles_are_in_total_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
