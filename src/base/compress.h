/* One interface over the compression libraries. A context holds their working memory; one per thread. */
#ifndef TARN_BASE_COMPRESS_H
#define TARN_BASE_COMPRESS_H

#include "base/buf.h"
#include "base/err.h"

enum tarn_codec {
	TARN_CODEC_NONE,
	TARN_CODEC_DEFLATE, /* raw deflate (RFC 1951), as Avro's `deflate`; bytes behind its end are ignored */
	TARN_CODEC_GZIP,    /* RFC 1952, as Parquet's GZIP */
	TARN_CODEC_SNAPPY,  /* raw snappy block, no framing, no checksum */
	TARN_CODEC_ZSTD,
	TARN_CODEC_LZ4_RAW, /* one LZ4 block, as Parquet's LZ4_RAW */
};

struct tarn_compressor;

struct tarn_compressor *tarn_compressor_new(void);
void tarn_compressor_free(struct tarn_compressor *compressor);

/* Appends the compressed form of `in` to `out`. level 0 is the codec's default. TARN_ELIMIT where out->max is passed. */
enum tarn_rc tarn_compress(struct tarn_compressor *compressor, enum tarn_codec codec, int level, struct tarn_slice in,
			   struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;
/* Appends the original bytes to `out`, at most `max_size` of them (TARN_ELIMIT beyond; nothing is allocated on the
 * input's word alone). Damaged input is TARN_EINVALID and leaves out->len as it was. */
enum tarn_rc tarn_decompress(struct tarn_compressor *compressor, enum tarn_codec codec, struct tarn_slice in,
			     size_t max_size, struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;

#endif
