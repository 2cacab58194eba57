/* Object container files (specification, "Object Container Files"), codecs null, deflate, snappy, zstandard. */
#ifndef TARN_SERIALIZE_AVRO_CONTAINER_H
#define TARN_SERIALIZE_AVRO_CONTAINER_H

#include "base/compress.h"
#include "serialize/avro/schema.h"

/* A header parsed from the first bytes of a file. Slices point into the caller's bytes. */
struct tarn_avro_header {
	struct tarn_slice schema_json;
	enum tarn_codec codec;
	uint8_t sync[16];
	size_t size; /* bytes of the header: the first block begins here */
};

struct tarn_avro_block {
	uint64_t count;		  /* data in it */
	struct tarn_slice stored; /* as in the file, still compressed */
	size_t position;	  /* of the block in the file */
};

/* Errors carry byte positions in the file. Limits: header 16 MiB, block 256 MiB stored and 1 GiB decompressed. */
enum tarn_rc tarn_avro_header_read(struct tarn_slice file, struct tarn_avro_header *header,
				   struct tarn_err *err) TARN_MUST_CHECK;
/* The value of a metadata key, or false. */
bool tarn_avro_header_get(struct tarn_slice file, const char *key, struct tarn_slice *value);
/* Reads the block at *position and moves *position behind it. TARN_ENOTFOUND at the clean end of the file. */
enum tarn_rc tarn_avro_block_next(struct tarn_slice file, const struct tarn_avro_header *header, size_t *position,
				  struct tarn_avro_block *block, struct tarn_err *err) TARN_MUST_CHECK;
/* After damage: *position moves to just behind the next sync marker, or false. */
bool tarn_avro_resync(struct tarn_slice file, const struct tarn_avro_header *header, size_t *position);
/* The data of the block; points into `scratch` (cleared first), or into the file for codec null. */
enum tarn_rc tarn_avro_block_open(const struct tarn_avro_header *header, const struct tarn_avro_block *block,
				  struct tarn_compressor *compressor, struct tarn_buf *scratch, struct tarn_slice *data,
				  struct tarn_err *err) TARN_MUST_CHECK;

/* Writing: data go in already encoded (encode.h); blocks are closed at about `block_size` bytes. */
struct tarn_avro_writer;
struct tarn_avro_metadata {
	const char *key;
	struct tarn_slice value;
};
/* Writes the header to `out`, which the writer borrows until it is freed. The 16 sync bytes are the caller's choice, so
 * that the same input can give the same file. */
struct tarn_avro_writer *tarn_avro_writer_new(struct tarn_buf *out, struct tarn_slice schema_json,
					      enum tarn_codec codec, const struct tarn_avro_metadata *metadata,
					      size_t n_metadata, const uint8_t sync[16], size_t block_size);
enum tarn_rc tarn_avro_writer_add(struct tarn_avro_writer *writer, struct tarn_slice datum,
				  struct tarn_err *err) TARN_MUST_CHECK;
/* For who writes blocks by hand, behind a header that a writer made: what stands in front of the stored bytes. The sync
 * marker stands behind them. */
void tarn_avro_put_block_head(struct tarn_buf *out, uint64_t count, size_t stored);
/* Closes the last block. out->overflow tells whether everything fitted. */
enum tarn_rc tarn_avro_writer_finish(struct tarn_avro_writer *writer, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_avro_writer_free(struct tarn_avro_writer *writer);

#endif
