#include "base/compress.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cmocka_tarn.h"

enum { LARGEST = 3000000 };

static const enum tarn_codec codecs[] = { TARN_CODEC_NONE,   TARN_CODEC_DEFLATE, TARN_CODEC_GZIP,
					  TARN_CODEC_SNAPPY, TARN_CODEC_ZSTD,    TARN_CODEC_LZ4_RAW };
enum { N_CODECS = sizeof(codecs) / sizeof(*codecs) };

struct bench {
	struct tarn_compressor *compressor;
	uint8_t *bytes; /* LARGEST of them, compressible but not constant */
	struct tarn_buf packed, unpacked;
	struct tarn_err err;
};

static int make_bench(void **state)
{
	struct bench *bench = tarn_calloc(1, sizeof(*bench));
	bench->compressor = tarn_compressor_new();
	bench->bytes = tarn_malloc(LARGEST);
	uint32_t seed = 1;
	for (size_t i = 0; i < LARGEST; i++) {
		seed = seed * 1664525 + 1013904223;
		bench->bytes[i] = i % 7 ? (uint8_t)(i / 100) : (uint8_t)(seed >> 24);
	}
	tarn_buf_init(&bench->packed, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&bench->unpacked, TARN_BUF_DEFAULT_MAX);
	*state = bench;
	return 0;
}

static int drop_bench(void **state)
{
	struct bench *bench = *state;
	tarn_compressor_free(bench->compressor);
	tarn_buf_release(&bench->packed);
	tarn_buf_release(&bench->unpacked);
	free(bench->bytes);
	free(bench);
	return 0;
}

static void pack(struct bench *bench, enum tarn_codec codec, int level, struct tarn_slice in)
{
	tarn_buf_clear(&bench->packed);
	assert_int_equal(tarn_compress(bench->compressor, codec, level, in, &bench->packed, &bench->err), TARN_OK);
}

static enum tarn_rc unpack(struct bench *bench, enum tarn_codec codec, size_t len, size_t max_size)
{
	struct tarn_slice in = tarn_slice_of(bench->packed.data, len);
	return tarn_decompress(bench->compressor, codec, in, max_size, &bench->unpacked, &bench->err);
}

static void what_was_packed_reads_back(void **state)
{
	struct bench *bench = *state;
	static const size_t sizes[] = { 0, 1, 2, 100, 65535, 65536, 65537, 131072, 1000000, LARGEST };
	for (size_t c = 0; c < N_CODECS; c++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			struct tarn_slice in = tarn_slice_of(bench->bytes, sizes[i]);
			pack(bench, codecs[c], i % 2 ? 3 : 0, in);
			tarn_buf_clear(&bench->unpacked);
			tarn_buf_add_str(&bench->unpacked, "before");
			assert_int_equal(unpack(bench, codecs[c], bench->packed.len, in.len), TARN_OK);
			assert_int_equal(bench->unpacked.len, 6 + in.len);
			assert_memory_equal(bench->unpacked.data, "before", 6);
			assert_memory_equal(bench->unpacked.data + 6, in.data, in.len);
		}
}

static void nothing_at_a_null_pointer_is_fine(void **state)
{
	struct bench *bench = *state;
	for (size_t c = 0; c < N_CODECS; c++) {
		pack(bench, codecs[c], 0, (struct tarn_slice){ NULL, 0 });
		tarn_buf_clear(&bench->unpacked);
		assert_int_equal(unpack(bench, codecs[c], bench->packed.len, 0), TARN_OK);
		assert_int_equal(bench->unpacked.len, 0);
	}
	/* But for raw deflate: fastavro leaves the tail of a checksum there. */
	pack(bench, TARN_CODEC_DEFLATE, 0, tarn_slice_of(bench->bytes, 1000));
	tarn_buf_add_str(&bench->packed, "more");
	assert_int_equal(unpack(bench, TARN_CODEC_DEFLATE, bench->packed.len, 2000), TARN_OK);
	assert_int_equal(bench->unpacked.len, 1000);
}

/* LZ4 blocks and plain bytes have no end mark: a prefix may read as something shorter, never as the whole. */
static bool knows_its_end(enum tarn_codec codec)
{
	return codec != TARN_CODEC_NONE && codec != TARN_CODEC_LZ4_RAW;
}

static void every_strict_prefix_is_damaged(void **state)
{
	struct bench *bench = *state;
	enum { SIZE = 5000 };
	for (size_t c = 0; c < N_CODECS; c++) {
		pack(bench, codecs[c], 0, tarn_slice_of(bench->bytes, SIZE));
		tarn_buf_clear(&bench->unpacked);
		tarn_buf_add_str(&bench->unpacked, "before");
		for (size_t len = 0; len < bench->packed.len; len++) {
			enum tarn_rc rc = unpack(bench, codecs[c], len, SIZE);
			if (knows_its_end(codecs[c]))
				assert_int_equal(rc, TARN_EINVALID);
			if (rc)
				assert_int_equal(bench->unpacked.len, 6);
			assert_true(bench->unpacked.len < 6 + SIZE);
			bench->unpacked.len = 6;
		}
	}
}

static void bytes_behind_the_end_are_damage(void **state)
{
	struct bench *bench = *state;
	static const enum tarn_codec ended[] = { TARN_CODEC_GZIP, TARN_CODEC_SNAPPY, TARN_CODEC_ZSTD };
	for (size_t c = 0; c < sizeof(ended) / sizeof(*ended); c++) {
		pack(bench, ended[c], 0, tarn_slice_of(bench->bytes, 1000));
		tarn_buf_add_str(&bench->packed, "more");
		assert_int_equal(unpack(bench, ended[c], bench->packed.len, 2000), TARN_EINVALID);
		assert_int_equal(bench->unpacked.len, 0);
	}
}

static void a_flipped_bit_is_survived(void **state)
{
	struct bench *bench = *state;
	enum { SIZE = 700 };
	for (size_t c = 0; c < N_CODECS; c++) {
		pack(bench, codecs[c], 0, tarn_slice_of(bench->bytes, SIZE));
		for (size_t bit = 0; bit < bench->packed.len * 8; bit++) {
			uint8_t *byte = bench->packed.data + bit / 8;
			*byte ^= (uint8_t)(1 << bit % 8);
			enum tarn_rc rc = unpack(bench, codecs[c], bench->packed.len, SIZE);
			assert_true(rc == TARN_OK || rc == TARN_EINVALID || rc == TARN_ELIMIT);
			assert_true(bench->unpacked.len <= SIZE);
			tarn_buf_clear(&bench->unpacked);
			*byte ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* Two megabytes of zeros in a few hundred bytes, for somebody who allows a hundred: refused, and no room was made for them. */
static void a_bomb_is_refused_before_it_takes_memory(void **state)
{
	struct bench *bench = *state;
	enum { BOMB = 2000000, ALLOWED = 100 };
	memset(bench->bytes, 0, BOMB);
	for (size_t c = 0; c < N_CODECS; c++) {
		if (codecs[c] == TARN_CODEC_LZ4_RAW)
			continue;
		pack(bench, codecs[c], 0, tarn_slice_of(bench->bytes, BOMB));
		tarn_buf_release(&bench->unpacked);
		assert_int_equal(unpack(bench, codecs[c], bench->packed.len, ALLOWED), TARN_ELIMIT);
		assert_int_equal(bench->unpacked.len, 0);
		assert_true(bench->unpacked.cap <= 2 * ALLOWED);
		assert_int_equal(unpack(bench, codecs[c], bench->packed.len, BOMB - 1), TARN_ELIMIT);
		assert_int_equal(unpack(bench, codecs[c], bench->packed.len, BOMB), TARN_OK);
	}
	/* An LZ4 block does not tell its size, so a too small limit and damage look alike. */
	pack(bench, TARN_CODEC_LZ4_RAW, 0, tarn_slice_of(bench->bytes, BOMB));
	tarn_buf_release(&bench->unpacked);
	assert_int_equal(unpack(bench, TARN_CODEC_LZ4_RAW, bench->packed.len, ALLOWED), TARN_EINVALID);
	assert_true(bench->unpacked.cap <= 2 * ALLOWED);
}

/* Headers that promise far more than they hold. */
static void a_promise_is_not_believed(void **state)
{
	struct bench *bench = *state;
	static const struct {
		enum tarn_codec codec;
		uint8_t bytes[16];
		size_t len;
	} cases[] = {
		/* snappy: a length of 2^32 - 1 */
		{ TARN_CODEC_SNAPPY, { 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x41 }, 7 },
		/* zstd: single segment, content size 2^31, then nothing */
		{ TARN_CODEC_ZSTD, { 0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00, 0x00, 0x00, 0x80 }, 9 },
		/* zstd: a window of 2^31 bytes, then an empty last block */
		{ TARN_CODEC_ZSTD, { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00 }, 9 },
		/* zstd: a window of 128 MiB, then an empty last block */
		{ TARN_CODEC_ZSTD, { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00 }, 9 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		tarn_buf_release(&bench->unpacked);
		enum tarn_rc rc = tarn_decompress(bench->compressor, cases[i].codec,
						  tarn_slice_of(cases[i].bytes, cases[i].len), 1 << 20,
						  &bench->unpacked, &bench->err);
		assert_true(rc == TARN_EINVALID || rc == TARN_ELIMIT);
		assert_true(bench->unpacked.cap <= 1 << 17);
	}
}

static void the_output_limit_holds_both_ways(void **state)
{
	struct bench *bench = *state;
	enum { SIZE = 100000 };
	for (size_t c = 0; c < N_CODECS; c++) {
		struct tarn_buf out;
		tarn_buf_init(&out, 50);
		assert_int_equal(tarn_compress(bench->compressor, codecs[c], 0, tarn_slice_of(bench->bytes, SIZE), &out,
					       &bench->err),
				 TARN_ELIMIT);
		assert_int_equal(out.len, 0);
		tarn_buf_release(&out);

		pack(bench, codecs[c], 0, tarn_slice_of(bench->bytes, SIZE));
		tarn_buf_init(&out, SIZE);
		struct tarn_slice in = tarn_buf_slice(&bench->packed);
		assert_int_equal(tarn_decompress(bench->compressor, codecs[c], in, SIZE, &out, &bench->err), TARN_OK);
		assert_int_equal(out.len, SIZE);
		assert_false(out.overflow);
		tarn_buf_release(&out);
		tarn_buf_init(&out, SIZE - 1);
		assert_int_not_equal(tarn_decompress(bench->compressor, codecs[c], in, SIZE, &out, &bench->err), TARN_OK);
		assert_int_equal(out.len, 0);
		tarn_buf_release(&out);
	}
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, make_bench, drop_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(what_was_packed_reads_back),
		ON_BENCH(nothing_at_a_null_pointer_is_fine),
		ON_BENCH(every_strict_prefix_is_damaged),
		ON_BENCH(bytes_behind_the_end_are_damage),
		ON_BENCH(a_flipped_bit_is_survived),
		ON_BENCH(a_bomb_is_refused_before_it_takes_memory),
		ON_BENCH(a_promise_is_not_believed),
		ON_BENCH(the_output_limit_holds_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
