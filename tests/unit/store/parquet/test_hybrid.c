#include "store/parquet/hybrid.h"

#include <stdlib.h>

#include "store/parquet/encodings.h"

#include "cmocka_tarn.h"

static void encode(const struct tarn_runs *runs, unsigned width, struct tarn_buf *out)
{
	struct tarn_buf packed;
	tarn_buf_init(&packed, TARN_BUF_DEFAULT_MAX);
	tarn_runs_encode(runs, width, &packed, out);
	tarn_buf_release(&packed);
}

static void known_forms(void **state)
{
	(void)state;
	static const struct {
		struct tarn_run runs[4];
		size_t n;
		unsigned width;
		uint8_t bytes[8];
		size_t len;
	} cases[] = {
		{ { { 1, 1, 100 } }, 1, 1, { 0xc8, 0x01, 0x01 }, 3 },	  /* one run */
		{ { { 0, 8, 8 } }, 1, 3, { 0x03, 0x88, 0xc6, 0xfa }, 4 }, /* Encodings.md's example: 0 to 7 */
		{ { { 1, 1, 3 }, { 0, 1, 13 } },
		  2,
		  1,
		  { 0x03, 0x07, 0x10, 0x00 },
		  4 }, /* the run fills the open group */
		{ { { 300, 1, 8 } }, 1, 9, { 0x10, 0x2c, 0x01 }, 3 },
		{ { { 1, 1, 2 } }, 1, 1, { 0x03, 0x03 }, 2 }, /* padded */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_runs runs = { 0 };
		struct tarn_buf out;
		tarn_buf_init(&out, 1 << 20);
		for (size_t j = 0; j < cases[i].n; j++)
			tarn_runs_add_cycle(&runs, cases[i].runs[j].value, cases[i].runs[j].period,
					    cases[i].runs[j].count);
		encode(&runs, cases[i].width, &out);
		assert_int_equal(out.len, cases[i].len);
		assert_memory_equal(out.data, cases[i].bytes, cases[i].len);
		tarn_buf_release(&out);
		tarn_runs_release(&runs);
	}
}

/* Random runs and cycles at every width come back, and no strict prefix of them does. */
static void reads_back(void **state)
{
	(void)state;
	unsigned seed = 1;
	for (unsigned width = 1; width <= 32; width++) {
		struct tarn_runs runs = { 0 };
		struct tarn_buf out;
		uint32_t wanted[3000], got[3000], mask = width < 32 ? (1U << width) - 1 : UINT32_MAX;
		size_t n = 0;
		tarn_buf_init(&out, 1 << 20);
		for (size_t i = 0; i < 60; i++) {
			uint32_t count = (uint32_t)rand_r(&seed) % 40 + 1, period = (uint32_t)rand_r(&seed) % 3 + 1;
			uint32_t value = ((uint32_t)rand_r(&seed) * 2654435761U & mask) / 2;
			if (value + period - 1 > mask)
				period = 1;
			tarn_runs_add_cycle(&runs, value, period, count);
			for (uint32_t j = 0; j < count; j++)
				wanted[n++] = value + j % period;
		}
		assert_int_equal(runs.total, n);
		encode(&runs, width, &out);
		size_t len = out.len;
		tarn_buf_room(&out, TARN_DECODE_SLACK);
		assert_true(tarn_decode_hybrid(tarn_slice_of(out.data, len), width, n, got));
		assert_memory_equal(got, wanted, n * sizeof(*got));
		for (size_t prefix = 0; prefix + width <= len; prefix++)
			assert_false(tarn_decode_hybrid(tarn_slice_of(out.data, prefix), width, n, got));
		tarn_buf_release(&out);
		tarn_runs_release(&runs);
	}
}

static void weight_does_not_depend_on_batches(void **state)
{
	(void)state;
	struct tarn_runs one = { 0 }, many = { 0 };
	for (uint32_t value = 0; value < 50; value++) {
		tarn_runs_add(&one, value, value);
		for (uint32_t i = 0; i < value; i++)
			tarn_runs_add(&many, value, 1);
	}
	assert_int_equal(one.weight, many.weight);
	assert_int_equal(one.n, many.n);
	tarn_runs_release(&one);
	tarn_runs_release(&many);
}

static void bits_are_packed_low_first(void **state)
{
	(void)state;
	struct tarn_runs runs = { 0 };
	struct tarn_buf out;
	static const uint8_t wanted[] = { 0xf8, 0xff, 0x0f, 0x02 };
	tarn_buf_init(&out, 64);
	tarn_runs_add(&runs, 0, 3);
	tarn_runs_add(&runs, 1, 17);
	tarn_runs_add(&runs, 0, 5);
	tarn_runs_add(&runs, 1, 1);
	tarn_runs_encode_bits(&runs, &out);
	assert_int_equal(out.len, sizeof(wanted));
	assert_memory_equal(out.data, wanted, sizeof(wanted));
	tarn_buf_release(&out);
	tarn_runs_release(&runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_forms),
		cmocka_unit_test(reads_back),
		cmocka_unit_test(weight_does_not_depend_on_batches),
		cmocka_unit_test(bits_are_packed_low_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
