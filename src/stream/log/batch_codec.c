#include <lz4frame.h>

#include "base/big_endian.h"
#include "stream/log/batch_layout.h"

/* How Java's clients frame snappy (org.xerial.snappy): this, two int32 of versions, then blocks behind their int32
 * length. */
static const uint8_t xerial_magic[8] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0 };
enum { XERIAL_HEADER = 16, XERIAL_BLOCK = 32 << 10 };

enum { LZ4_SMALLEST_STEP = 64 << 10, LZ4_LARGEST_STEP = 4 << 20 };

static enum tarn_rc xerial_into(struct tarn_compressor *compressor, struct tarn_slice in, struct tarn_buf *out,
				struct tarn_err *err)
{
	static const uint8_t versions[8] = { 0, 0, 0, 1, 0, 0, 0, 1 };
	tarn_buf_add(out, xerial_magic, sizeof(xerial_magic));
	tarn_buf_add(out, versions, sizeof(versions));
	for (size_t at = 0; at < in.len; at += XERIAL_BLOCK) {
		size_t len = in.len - at < XERIAL_BLOCK ? in.len - at : XERIAL_BLOCK, length_at = out->len;
		tarn_buf_add_be32(out, 0);
		enum tarn_rc rc =
			tarn_compress(compressor, TARN_CODEC_SNAPPY, 0, tarn_slice_of(in.data + at, len), out, err);
		if (rc)
			return rc;
		tarn_put_be32(out->data + length_at, (uint32_t)(out->len - length_at - 4));
	}
	return TARN_OK;
}

static enum tarn_rc unsnappy(struct tarn_compressor *compressor, struct tarn_slice in, size_t max_size,
			     struct tarn_buf *out, struct tarn_err *err)
{
	if (in.len < XERIAL_HEADER || memcmp(in.data, xerial_magic, sizeof(xerial_magic)) != 0)
		return tarn_decompress(compressor, TARN_CODEC_SNAPPY, in, max_size, out, err);
	struct tarn_cursor cursor = tarn_cursor_of(tarn_slice_of(in.data + XERIAL_HEADER, in.len - XERIAL_HEADER));
	size_t start = out->len;
	while (tarn_cursor_left(&cursor)) {
		uint32_t len;
		struct tarn_slice block;
		if (!tarn_cursor_be32(&cursor, &len) || !tarn_cursor_take(&cursor, len, &block)) {
			out->len = start;
			return tarn_fail(err, TARN_EINVALID, "damaged snappy data: a block is cut");
		}
		enum tarn_rc rc =
			tarn_decompress(compressor, TARN_CODEC_SNAPPY, block, max_size - (out->len - start), out, err);
		if (rc) {
			out->len = start;
			return rc;
		}
	}
	return TARN_OK;
}

static enum tarn_rc lz4_into(struct tarn_slice in, struct tarn_buf *out, struct tarn_err *err)
{
	const LZ4F_preferences_t preferences = { .frameInfo = { .blockMode = LZ4F_blockIndependent } };
	size_t bound = LZ4F_compressFrameBound(in.len, &preferences);
	uint8_t *room = tarn_buf_room(out, bound);
	if (!room)
		return tarn_fail(err, TARN_ELIMIT, "lz4 output is larger than the limit of %zu bytes", out->max);
	size_t size = LZ4F_compressFrame(room, bound, in.data, in.len, &preferences);
	if (LZ4F_isError(size))
		return tarn_fail(err, TARN_EIO, "lz4: %s", LZ4F_getErrorName(size));
	out->len += size;
	return TARN_OK;
}

/* Grows by steps in proportion to the input, whose own word about its size is not believed. */
static uint8_t *lz4_room(struct tarn_buf *out, size_t left, size_t input, size_t *step)
{
	size_t wanted = input < LZ4_LARGEST_STEP / 8 ? 8 * input : LZ4_LARGEST_STEP;
	if (wanted < LZ4_SMALLEST_STEP)
		wanted = LZ4_SMALLEST_STEP;
	*step = wanted < left ? wanted : left;
	return *step ? tarn_buf_room(out, *step) : NULL;
}

static enum tarn_rc unlz4_steps(LZ4F_dctx *context, struct tarn_slice in, size_t max_size, struct tarn_buf *out,
				struct tarn_err *err)
{
	size_t start = out->len;
	for (;;) {
		size_t step, taken = in.len;
		uint8_t probe;
		uint8_t *room = lz4_room(out, max_size - (out->len - start), in.len, &step);
		size_t made = room ? step : 1;
		size_t hint = LZ4F_decompress(context, room ? room : &probe, &made, in.data, &taken, NULL);
		if (LZ4F_isError(hint))
			return tarn_fail(err, TARN_EINVALID, "damaged lz4 data: %s", LZ4F_getErrorName(hint));
		if (!room && made)
			return tarn_fail(err, TARN_ELIMIT, "lz4 output is larger than the limit of %zu bytes",
					 max_size);
		out->len += room ? made : 0;
		in.data += taken;
		in.len -= taken;
		if (!hint && !in.len)
			return TARN_OK;
		if (!taken && !made)
			return tarn_fail(err, TARN_EINVALID, "damaged lz4 data: it ends too early");
	}
}

static enum tarn_rc unlz4(struct tarn_slice in, size_t max_size, struct tarn_buf *out, struct tarn_err *err)
{
	LZ4F_dctx *context;
	if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
		return tarn_fail(err, TARN_EIO, "lz4 could not start");
	size_t start = out->len;
	enum tarn_rc rc = unlz4_steps(context, in, max_size, out, err);
	if (rc)
		out->len = start;
	LZ4F_freeDecompressionContext(context);
	return rc;
}

enum tarn_rc tarn_batch_compress(struct tarn_compressor *compressor, enum tarn_batch_codec codec, struct tarn_slice in,
				 struct tarn_buf *out, struct tarn_err *err)
{
	switch (codec) {
	case TARN_BATCH_NONE: return tarn_compress(compressor, TARN_CODEC_NONE, 0, in, out, err);
	case TARN_BATCH_GZIP: return tarn_compress(compressor, TARN_CODEC_GZIP, 0, in, out, err);
	case TARN_BATCH_SNAPPY: return xerial_into(compressor, in, out, err);
	case TARN_BATCH_LZ4: return lz4_into(in, out, err);
	case TARN_BATCH_ZSTD: return tarn_compress(compressor, TARN_CODEC_ZSTD, 0, in, out, err);
	}
	return tarn_fail(err, TARN_EUNSUPPORTED, "no codec %d", codec);
}

enum tarn_rc tarn_batch_decompress(struct tarn_compressor *compressor, enum tarn_batch_codec codec,
				   struct tarn_slice in, size_t max_size, struct tarn_buf *out, struct tarn_err *err)
{
	switch (codec) {
	case TARN_BATCH_NONE: return tarn_decompress(compressor, TARN_CODEC_NONE, in, max_size, out, err);
	case TARN_BATCH_GZIP: return tarn_decompress(compressor, TARN_CODEC_GZIP, in, max_size, out, err);
	case TARN_BATCH_SNAPPY: return unsnappy(compressor, in, max_size, out, err);
	case TARN_BATCH_LZ4: return unlz4(in, max_size, out, err);
	case TARN_BATCH_ZSTD: return tarn_decompress(compressor, TARN_CODEC_ZSTD, in, max_size, out, err);
	}
	return tarn_fail(err, TARN_EUNSUPPORTED, "no codec %d", codec);
}
