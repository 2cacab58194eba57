#include "cmocka_tarn.h"

#include <stdlib.h>

#include "process/run/ranges.h"

static void test_intervals_merge(void **state)
{
	static const struct {
		struct tarn_range added[6];
		size_t n_added;
		struct tarn_range expected[4];
		size_t n_expected;
	} cases[] = {
		{ { { 0, 1 }, { 1, 2 }, { 2, 5 } }, 3, { { 0, 5 } }, 1 },
		{ { { 4, 6 }, { 0, 2 } }, 2, { { 0, 2 }, { 4, 6 } }, 2 },
		{ { { 4, 6 }, { 0, 2 }, { 2, 4 } }, 3, { { 0, 6 } }, 1 },
		{ { { 0, 1 }, { 2, 3 }, { 4, 5 }, { 6, 7 }, { 1, 6 } }, 5, { { 0, 7 } }, 1 },
		{ { { 3, 9 }, { 4, 5 } }, 2, { { 3, 9 } }, 1 },
		{ { { 3, 3 }, { 9, 2 } }, 2, { { 0, 0 } }, 0 },
		{ { { 5, 6 }, { 9, 12 }, { 0, 10 } }, 3, { { 0, 12 } }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_ranges ranges = { 0 };

		for (size_t j = 0; j < cases[i].n_added; j++)
			tarn_ranges_add(&ranges, cases[i].added[j].first, cases[i].added[j].end);
		assert_int_equal(ranges.n, cases[i].n_expected);
		for (size_t j = 0; j < ranges.n; j++) {
			assert_int_equal(ranges.items[j].first, cases[i].expected[j].first);
			assert_int_equal(ranges.items[j].end, cases[i].expected[j].end);
		}
		tarn_ranges_release(&ranges);
	}
}

/* Against a bitmap, in an order that depends on a small generator alone. */
static void test_ranges_equal_a_bitmap(void **state)
{
	bool bits[200] = { false };
	struct tarn_ranges ranges = { 0 };
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 60; round++) {
		int64_t first, end;

		seed = seed * 1103515245 + 12345;
		first = (seed >> 16) % 190;
		end = first + 1 + (seed >> 8) % 6;
		tarn_ranges_add(&ranges, first, end);
		memset(bits + first, true, (size_t)(end - first));
		for (int64_t i = 0; i < 200; i++)
			assert_int_equal(tarn_ranges_contain(&ranges, i), bits[i]);
		for (int64_t i = 0; i < 199; i++)
			assert_int_equal(tarn_ranges_overlap(&ranges, i, i + 2), bits[i] || bits[i + 1]);
	}
	tarn_ranges_release(&ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intervals_merge),
		cmocka_unit_test(test_ranges_equal_a_bitmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
