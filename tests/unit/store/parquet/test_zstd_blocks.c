/* What libzstd makes of our frames. */
#include "store/parquet/zstd_blocks.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/compress.h"
#include "store/parquet/series.h"

#include "cmocka_tarn.h"

static void assert_decodes(const struct tarn_buf *frame, const struct tarn_buf *wanted)
{
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_buf out;
	struct tarn_err err;
	tarn_buf_init(&out, TARN_BUF_DEFAULT_MAX);
	assert_false(frame->overflow);
	assert_int_equal(tarn_decompress(compressor, TARN_CODEC_ZSTD, tarn_buf_slice(frame), wanted->len, &out, &err),
			 TARN_OK);
	assert_true(tarn_slice_eq(tarn_buf_slice(&out), tarn_buf_slice(wanted)));
	tarn_buf_release(&out);
	tarn_compressor_free(compressor);
}

/* A text in the making, and the same steps for the frame. */
struct twin {
	struct tarn_buf text;
	struct {
		bool copy;
		uint32_t from, len, offset, times;
	} steps[400];
	size_t n;
};

static void grow_by(struct twin *twin, unsigned *seed)
{
	uint32_t literals = (uint32_t)rand_r(seed) % (rand_r(seed) % 50 ? 20 : 200000) + 1;
	uint32_t at = (uint32_t)twin->text.len;
	bool same = rand_r(seed) % 2;
	for (uint32_t i = 0; i < literals; i++)
		tarn_buf_add_byte(&twin->text, same ? 'x' : (uint8_t)rand_r(seed));
	twin->steps[twin->n].copy = false;
	twin->steps[twin->n].from = at;
	twin->steps[twin->n++].len = literals;
}

/* `times` times `literals` bytes and a copy. */
static void copy_by(struct twin *twin, unsigned *seed)
{
	static const uint32_t longest[] = { 10, 40, 100, 5000, 60000 };
	uint32_t len = 3 + (uint32_t)rand_r(seed) % longest[rand_r(seed) % 5];
	uint32_t offset = 1 + (uint32_t)rand_r(seed) % (uint32_t)twin->text.len;
	if (twin->n > 1 && rand_r(seed) % 2)
		offset = twin->steps[twin->n - 2].copy ? twin->steps[twin->n - 2].offset : offset;
	twin->steps[twin->n].copy = true;
	twin->steps[twin->n].len = len;
	twin->steps[twin->n++].offset = offset;
	for (uint32_t i = 0; i < len; i++)
		tarn_buf_add_byte(&twin->text, twin->text.data[twin->text.len - offset]);
}

static void write_frame(const struct twin *twin, struct tarn_buf *frame)
{
	struct tarn_zstd_blocks *blocks = tarn_malloc(sizeof(*blocks));
	tarn_zstd_begin(blocks, (uint32_t)twin->text.len, frame);
	for (size_t i = 0; i < twin->n; i++) {
		if (twin->steps[i].copy)
			tarn_zstd_copy(blocks, twin->steps[i].len, twin->steps[i].offset);
		else
			tarn_zstd_literals(blocks,
					   tarn_slice_of(twin->text.data + twin->steps[i].from, twin->steps[i].len));
	}
	tarn_zstd_end(blocks);
	free(blocks);
}

static void random_texts(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		unsigned seed = round * 977 + 1;
		struct twin twin = { .n = 0 };
		struct tarn_buf frame;
		tarn_buf_init(&twin.text, TARN_BUF_DEFAULT_MAX);
		tarn_buf_init(&frame, TARN_BUF_DEFAULT_MAX);
		size_t steps = (size_t)rand_r(&seed) % 390;
		grow_by(&twin, &seed);
		while (twin.n < steps) {
			if (rand_r(&seed) % 2)
				grow_by(&twin, &seed);
			else
				copy_by(&twin, &seed);
		}
		write_frame(&twin, &frame);
		assert_decodes(&frame, &twin.text);
		tarn_buf_release(&frame);
		tarn_buf_release(&twin.text);
	}
}

static void repeats(void **state)
{
	(void)state;
	static const struct {
		const char *literals;
		uint32_t match;
		size_t times;
	} cases[] = { { "a", 3, 1 },   { "a", 90, 20 },	   { "b", 90, 20 },   { "zz", 90, 500 },  { "12", 34, 5000 },
		      { "q", 35, 70 }, { "q", 1000, 999 }, { "r", 65536, 3 }, { "r", 9, 100000 }, { "t", 3, 100000 } };
	struct tarn_buf frame, text;
	struct tarn_zstd_blocks *blocks = tarn_malloc(sizeof(*blocks));
	tarn_buf_init(&frame, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add_str(&text, "the text that is copied from: ");
	uint32_t offset = (uint32_t)text.len;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (size_t j = 0; j < cases[i].times; j++) {
			tarn_buf_add_str(&text, cases[i].literals);
			for (uint32_t k = 0; k < cases[i].match; k++)
				tarn_buf_add_byte(&text, text.data[text.len - offset]);
		}
	}
	tarn_zstd_begin(blocks, (uint32_t)text.len, &frame);
	tarn_zstd_literals(blocks, tarn_slice_of(text.data, offset));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		tarn_zstd_repeat(blocks, tarn_slice_str(cases[i].literals), cases[i].match, offset, cases[i].times);
	tarn_zstd_end(blocks);
	assert_decodes(&frame, &text);
	free(blocks);
	tarn_buf_release(&frame);
	tarn_buf_release(&text);
}

/* Series of all kinds: the frame is what the written rows are, and smaller. */
static void random_series(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		unsigned seed = round * 31 + 7;
		struct tarn_series series;
		struct tarn_buf frame, wanted;
		char prefix[160];
		size_t len = (size_t)rand_r(&seed) % 100, pieces = (size_t)rand_r(&seed) % 60 + 1;
		int64_t first = rand_r(&seed) % 3 ? 0 : rand_r(&seed) % 2000;
		size_t count = (size_t)rand_r(&seed) % (rand_r(&seed) % 4 ? 40 : 3000) + 1;
		tarn_series_init(&series);
		tarn_buf_init(&frame, TARN_BUF_DEFAULT_MAX);
		tarn_buf_init(&wanted, TARN_BUF_DEFAULT_MAX);
		memset(prefix, 'p', sizeof(prefix));
		tarn_buf_add_str(&wanted, "head");
		for (size_t i = 0; i < pieces; i++) {
			if (rand_r(&seed) % 10 == 0)
				len = (size_t)rand_r(&seed) % 100;
			for (int j = 0; len && j < rand_r(&seed) % 3; j++)
				prefix[(size_t)rand_r(&seed) % len] = (char)('0' + rand_r(&seed) % 10);
			if (rand_r(&seed) % 10 == 0)
				count = (size_t)rand_r(&seed) % 40 + 1;
			tarn_series_add(&series, tarn_slice_of(prefix, len), first, count);
		}
		tarn_series_write(&series, &wanted);
		tarn_series_compress(&series, tarn_slice_str("head"), wanted.len - 4, &frame);
		assert_decodes(&frame, &wanted);
		if (wanted.len > 20000 && pieces > 1)
			assert_true(frame.len < wanted.len / 2);
		tarn_buf_release(&frame);
		tarn_buf_release(&wanted);
		tarn_series_release(&series);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_texts),
		cmocka_unit_test(repeats),
		cmocka_unit_test(random_series),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
