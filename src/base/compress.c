#include "base/compress.h"

#include <dlfcn.h>
#include <limits.h>
#include <lz4.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"

enum { ZSTD_DEFAULT_LEVEL = 1, GZIP_WINDOW = 15 + 16, RAW_WINDOW = -15 };
enum { SMALLEST_WINDOW_LOG = 23, LARGEST_WINDOW_LOG = 30 }; /* zstd's own bounds; every decoder takes 8 MiB */
enum { SMALLEST_STEP = 1 << 16, LARGEST_STEP = 1 << 26, STEP_PER_INPUT = 16 };

struct tarn_compressor {
	ZSTD_CCtx *zstd_out;
	ZSTD_DCtx *zstd_in;
};

struct tarn_compressor *tarn_compressor_new(void)
{
	return tarn_calloc(1, sizeof(struct tarn_compressor));
}

void tarn_compressor_free(struct tarn_compressor *compressor)
{
	if (!compressor)
		return;
	ZSTD_freeCCtx(compressor->zstd_out);
	ZSTD_freeDCtx(compressor->zstd_in);
	free(compressor);
}

static const char *codec_name(enum tarn_codec codec)
{
	static const char *const names[] = { "none", "deflate", "gzip", "snappy", "zstd", "lz4_raw" };
	return names[codec];
}

static enum tarn_rc too_large(enum tarn_codec codec, size_t max, struct tarn_err *err)
{
	return tarn_fail(err, TARN_ELIMIT, "%s output is larger than the limit of %zu bytes", codec_name(codec), max);
}

static enum tarn_rc damaged(enum tarn_codec codec, const char *why, struct tarn_err *err)
{
	return tarn_fail(err, TARN_EINVALID, "damaged %s data: %s", codec_name(codec), why);
}

/* ---- snappy, loaded when it is first needed ---- */

/* It brings the C++ library along, which a run that meets no such block need not load. */
static struct {
	__typeof__(&snappy_max_compressed_length) bound;
	__typeof__(&snappy_compress) compress;
	__typeof__(&snappy_validate_compressed_buffer) validate;
	__typeof__(&snappy_uncompressed_length) length;
	__typeof__(&snappy_uncompress) uncompress;
	char problem[256]; /* empty where all is well */
} snappy;

static void load_snappy(void)
{
	static const struct {
		const char *name;
		void *place;
	} functions[] = {
		{ "snappy_max_compressed_length", &snappy.bound },
		{ "snappy_compress", &snappy.compress },
		{ "snappy_validate_compressed_buffer", &snappy.validate },
		{ "snappy_uncompressed_length", &snappy.length },
		{ "snappy_uncompress", &snappy.uncompress },
	};
	void *library = dlopen("libsnappy.so.1", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *function = library ? dlsym(library, functions[i].name) : NULL;
		if (!function) {
			snprintf(snappy.problem, sizeof(snappy.problem), "%s", dlerror());
			return;
		}
		memcpy(functions[i].place, &function, sizeof(function));
	}
}

static enum tarn_rc need_snappy(struct tarn_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load_snappy);
	return *snappy.problem ? tarn_fail(err, TARN_ENOTFOUND, "snappy cannot be loaded: %s", snappy.problem)
			       : TARN_OK;
}

/* ---- compressing ---- */

static enum tarn_rc deflate_into(int window, int level, struct tarn_slice in, struct tarn_buf *out,
				 struct tarn_err *err)
{
	z_stream stream = { 0 };
	if (in.len > UINT_MAX)
		return too_large(TARN_CODEC_DEFLATE, UINT_MAX, err);
	if (deflateInit2(&stream, level ? level : Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return tarn_fail(err, TARN_EIO, "zlib could not start");
	size_t bound = deflateBound(&stream, (uLong)in.len);
	uint8_t *room = tarn_buf_room(out, bound);
	if (!room) {
		deflateEnd(&stream);
		return too_large(TARN_CODEC_DEFLATE, out->max, err);
	}
	stream.next_in = (Bytef *)(uintptr_t)in.data;
	stream.avail_in = (uInt)in.len;
	stream.next_out = room;
	stream.avail_out = (uInt)bound;
	int status = deflate(&stream, Z_FINISH);
	out->len += stream.total_out;
	deflateEnd(&stream);
	return status == Z_STREAM_END ? TARN_OK : tarn_fail(err, TARN_EIO, "zlib stopped with status %d", status);
}

static enum tarn_rc snappy_into(struct tarn_slice in, struct tarn_buf *out, struct tarn_err *err)
{
	enum tarn_rc rc = need_snappy(err);
	if (rc)
		return rc;
	size_t size = snappy.bound(in.len);
	uint8_t *room = tarn_buf_room(out, size);
	if (!room)
		return too_large(TARN_CODEC_SNAPPY, out->max, err);
	if (snappy.compress((const char *)in.data, in.len, (char *)room, &size) != SNAPPY_OK)
		return tarn_fail(err, TARN_EIO, "snappy could not compress %zu bytes", in.len);
	out->len += size;
	return TARN_OK;
}

static enum tarn_rc zstd_into(struct tarn_compressor *compressor, int level, struct tarn_slice in, struct tarn_buf *out,
			      struct tarn_err *err)
{
	if (!compressor->zstd_out)
		compressor->zstd_out = ZSTD_createCCtx();
	size_t bound = ZSTD_compressBound(in.len);
	uint8_t *room = tarn_buf_room(out, bound);
	if (!room)
		return too_large(TARN_CODEC_ZSTD, out->max, err);
	size_t size = ZSTD_compressCCtx(compressor->zstd_out, room, bound, in.data, in.len,
					level ? level : ZSTD_DEFAULT_LEVEL);
	if (ZSTD_isError(size))
		return tarn_fail(err, TARN_EIO, "zstd: %s", ZSTD_getErrorName(size));
	out->len += size;
	return TARN_OK;
}

static enum tarn_rc lz4_into(struct tarn_slice in, struct tarn_buf *out, struct tarn_err *err)
{
	if (in.len > LZ4_MAX_INPUT_SIZE)
		return too_large(TARN_CODEC_LZ4_RAW, LZ4_MAX_INPUT_SIZE, err);
	int bound = LZ4_compressBound((int)in.len);
	uint8_t *room = tarn_buf_room(out, (size_t)bound);
	if (!room)
		return too_large(TARN_CODEC_LZ4_RAW, out->max, err);
	out->len += (size_t)LZ4_compress_default((const char *)in.data, (char *)room, (int)in.len, bound);
	return TARN_OK;
}

static enum tarn_rc copy_into(struct tarn_slice in, struct tarn_buf *out, struct tarn_err *err)
{
	tarn_buf_add_slice(out, in);
	return out->overflow ? too_large(TARN_CODEC_NONE, out->max, err) : TARN_OK;
}

enum tarn_rc tarn_compress(struct tarn_compressor *compressor, enum tarn_codec codec, int level, struct tarn_slice in,
			   struct tarn_buf *out, struct tarn_err *err)
{
	switch (codec) {
	case TARN_CODEC_NONE: return copy_into(in, out, err);
	case TARN_CODEC_DEFLATE: return deflate_into(RAW_WINDOW, level, in, out, err);
	case TARN_CODEC_GZIP: return deflate_into(GZIP_WINDOW, level, in, out, err);
	case TARN_CODEC_SNAPPY: return snappy_into(in, out, err);
	case TARN_CODEC_ZSTD: return zstd_into(compressor, level, in, out, err);
	case TARN_CODEC_LZ4_RAW: return lz4_into(in, out, err);
	}
	return tarn_fail(err, TARN_EUNSUPPORTED, "no codec %d", codec);
}

/* ---- decompressing ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Output grows by steps in proportion to the input at hand, so that the input's word about its size is never believed.
 * NULL where the limit is reached. */
static uint8_t *next_step(struct tarn_buf *out, size_t start, size_t max_size, size_t input, size_t *step)
{
	size_t left = least(max_size - (out->len - start), out->max - out->len);
	size_t wanted = input < LARGEST_STEP / STEP_PER_INPUT ? input * STEP_PER_INPUT : LARGEST_STEP;
	*step = least(left, wanted > SMALLEST_STEP ? wanted : SMALLEST_STEP);
	return *step ? tarn_buf_room(out, *step) : NULL;
}

static enum tarn_rc inflate_steps(z_stream *stream, enum tarn_codec codec, size_t max_size, struct tarn_buf *out,
				  struct tarn_err *err)
{
	size_t start = out->len;
	for (;;) {
		size_t step;
		uint8_t probe;
		uint8_t *room = next_step(out, start, max_size, stream->avail_in, &step);
		if (!room) { /* full: only the end of the stream may follow */
			room = &probe;
			step = 1;
		}
		stream->next_out = room;
		stream->avail_out = (uInt)step;
		int status = inflate(stream, Z_NO_FLUSH);
		size_t made = step - stream->avail_out;
		if (room == &probe && made)
			return too_large(codec, max_size, err);
		if (room != &probe)
			out->len += made;
		/* fastavro leaves the tail of zlib's checksum behind raw deflate data. */
		if (status == Z_STREAM_END && codec == TARN_CODEC_DEFLATE)
			return TARN_OK;
		if (status == Z_STREAM_END)
			return stream->avail_in ? damaged(codec, "bytes behind its end", err) : TARN_OK;
		if (status == Z_BUF_ERROR || (status == Z_OK && !made && !stream->avail_in))
			return damaged(codec, "it ends too early", err);
		if (status != Z_OK)
			return damaged(codec, stream->msg ? stream->msg : "unknown error", err);
	}
}

static enum tarn_rc inflate_into(int window, enum tarn_codec codec, struct tarn_slice in, size_t max_size,
				 struct tarn_buf *out, struct tarn_err *err)
{
	z_stream stream = { 0 };
	if (in.len > UINT_MAX)
		return too_large(codec, UINT_MAX, err);
	if (inflateInit2(&stream, window) != Z_OK)
		return tarn_fail(err, TARN_EIO, "zlib could not start");
	stream.next_in = (Bytef *)(uintptr_t)in.data;
	stream.avail_in = (uInt)in.len;
	enum tarn_rc rc = inflate_steps(&stream, codec, max_size, out, err);
	inflateEnd(&stream);
	return rc;
}

static enum tarn_rc unsnappy_into(struct tarn_slice in, size_t max_size, struct tarn_buf *out, struct tarn_err *err)
{
	size_t size;
	enum tarn_rc rc = need_snappy(err);
	if (rc)
		return rc;
	if (snappy.validate((const char *)in.data, in.len) != SNAPPY_OK ||
	    snappy.length((const char *)in.data, in.len, &size) != SNAPPY_OK)
		return damaged(TARN_CODEC_SNAPPY, "not a snappy block", err);
	if (size > max_size)
		return too_large(TARN_CODEC_SNAPPY, max_size, err);
	uint8_t *room = tarn_buf_room(out, size);
	if (!room)
		return too_large(TARN_CODEC_SNAPPY, out->max, err);
	if (snappy.uncompress((const char *)in.data, in.len, (char *)room, &size) != SNAPPY_OK)
		return damaged(TARN_CODEC_SNAPPY, "not a snappy block", err);
	out->len += size;
	return TARN_OK;
}

/* The window is memory that a frame's header asks for. */
static int window_log_for(size_t max_size)
{
	int log = SMALLEST_WINDOW_LOG;
	while (log < LARGEST_WINDOW_LOG && (size_t)1 << log < max_size)
		log++;
	return log;
}

static enum tarn_rc zstd_refused(size_t code, size_t max_size, struct tarn_err *err)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
		return too_large(TARN_CODEC_ZSTD, max_size, err);
	return damaged(TARN_CODEC_ZSTD, ZSTD_getErrorName(code), err);
}

static enum tarn_rc unzstd_into(struct tarn_compressor *compressor, struct tarn_slice in, size_t max_size,
				struct tarn_buf *out, struct tarn_err *err)
{
	if (!compressor->zstd_in)
		compressor->zstd_in = ZSTD_createDCtx();
	ZSTD_DCtx_reset(compressor->zstd_in, ZSTD_reset_session_only);
	ZSTD_DCtx_setParameter(compressor->zstd_in, ZSTD_d_windowLogMax, window_log_for(max_size));
	ZSTD_inBuffer source = { in.data, in.len, 0 };
	size_t start = out->len;
	for (;;) {
		size_t step;
		uint8_t probe;
		uint8_t *room = next_step(out, start, max_size, in.len, &step);
		ZSTD_outBuffer target = { room ? room : &probe, room ? step : 1, 0 };
		size_t left = ZSTD_decompressStream(compressor->zstd_in, &target, &source);
		if (ZSTD_isError(left))
			return zstd_refused(left, max_size, err);
		if (room)
			out->len += target.pos;
		else if (target.pos)
			return too_large(TARN_CODEC_ZSTD, max_size, err);
		bool input_done = source.pos == source.size;
		if (left == 0 && input_done)
			return TARN_OK;
		if (input_done && target.pos < target.size)
			return damaged(TARN_CODEC_ZSTD, "it ends too early", err);
	}
}

/* LZ4 blocks do not tell their size; Parquet does, so max_size is the size. */
static enum tarn_rc unlz4_into(struct tarn_slice in, size_t max_size, struct tarn_buf *out, struct tarn_err *err)
{
	if (in.len > INT_MAX || max_size > INT_MAX)
		return too_large(TARN_CODEC_LZ4_RAW, INT_MAX, err);
	size_t largest = in.len * 255 + 64; /* what LZ4 can make of this input */
	size_t size = max_size < largest ? max_size : largest;
	uint8_t *room = tarn_buf_room(out, size);
	if (!room)
		return too_large(TARN_CODEC_LZ4_RAW, out->max, err);
	int made = LZ4_decompress_safe((const char *)in.data, (char *)room, (int)in.len, (int)size);
	if (made < 0)
		return damaged(TARN_CODEC_LZ4_RAW, "not an LZ4 block of the stated size", err);
	out->len += (size_t)made;
	return TARN_OK;
}

static enum tarn_rc decompress(struct tarn_compressor *compressor, enum tarn_codec codec, struct tarn_slice in,
			       size_t max_size, struct tarn_buf *out, struct tarn_err *err)
{
	switch (codec) {
	case TARN_CODEC_NONE: return in.len > max_size ? too_large(codec, max_size, err) : copy_into(in, out, err);
	case TARN_CODEC_DEFLATE: return inflate_into(RAW_WINDOW, codec, in, max_size, out, err);
	case TARN_CODEC_GZIP: return inflate_into(GZIP_WINDOW, codec, in, max_size, out, err);
	case TARN_CODEC_SNAPPY: return unsnappy_into(in, max_size, out, err);
	case TARN_CODEC_ZSTD: return unzstd_into(compressor, in, max_size, out, err);
	case TARN_CODEC_LZ4_RAW: return unlz4_into(in, max_size, out, err);
	}
	return tarn_fail(err, TARN_EUNSUPPORTED, "no codec %d", codec);
}

enum tarn_rc tarn_decompress(struct tarn_compressor *compressor, enum tarn_codec codec, struct tarn_slice in,
			     size_t max_size, struct tarn_buf *out, struct tarn_err *err)
{
	size_t before = out->len;
	enum tarn_rc rc = decompress(compressor, codec, in, max_size, out, err);
	if (rc)
		out->len = before;
	return rc;
}
