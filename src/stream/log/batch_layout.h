/* Where the fields of a batch's header lie, and the coding of its records: shared by what reads and what builds. */
#ifndef TARN_STREAM_LOG_BATCH_LAYOUT_H
#define TARN_STREAM_LOG_BATCH_LAYOUT_H

#include "base/big_endian.h"
#include "stream/log/batch.h"

enum {
	AT_LENGTH = 8,
	AT_LEADER_EPOCH = 12,
	AT_MAGIC = 16,
	AT_CRC = 17,
	AT_ATTRIBUTES = 21,
	AT_LAST_DELTA = 23,
	AT_BASE_TIME = 27,
	AT_MAX_TIME = 35,
	AT_PRODUCER_ID = 43,
	AT_PRODUCER_EPOCH = 51,
	AT_SEQUENCE = 53,
	AT_COUNT = 57,
};

enum { BATCH_MAGIC = 2 };

enum {
	ATTRIBUTE_CODEC = 7,
	ATTRIBUTE_APPEND_TIME = 1 << 3,
	ATTRIBUTE_TRANSACTIONAL = 1 << 4,
	ATTRIBUTE_CONTROL = 1 << 5,
	ATTRIBUTE_HORIZON = 1 << 6,
};

/* Length, attributes, two deltas, length of key and of value, number of headers: a byte each. */
enum { LEAST_MESSAGE_SIZE = 7 };

/* How long the batch is that begins here, by its own word. */
static inline uint64_t tarn_batch_length(const uint8_t *bytes)
{
	return TARN_BATCH_PREFIX_SIZE + (uint64_t)tarn_get_be32(bytes + AT_LENGTH);
}

/* tarn_batch_parse where only the header is at hand; `len` is how long the batch is, which batchLength must agree with.
 */
enum tarn_rc tarn_batch_parse_header(const uint8_t *header, size_t len, struct tarn_batch *batch,
				     struct tarn_err *err) TARN_MUST_CHECK;

/* Fills in batchLength and the checksum of a batch whose other fields are final. */
void tarn_batch_seal(uint8_t *bytes, size_t len);

/* Appends one record as batches hold it. */
void tarn_message_put(struct tarn_buf *out, int64_t timestamp_delta, int32_t offset_delta, struct tarn_slice key,
		      struct tarn_slice value, struct tarn_slice encoded_headers, size_t n_headers);

/* A header with everything but length and checksum; `records` are already encoded, and are compressed here with the
 * batch's codec. Appends the whole batch to `out`, sealed. Looks at no field that says how long the batch is. */
enum tarn_rc tarn_batch_write(const struct tarn_batch *header, struct tarn_slice records,
			      struct tarn_compressor *compressor, struct tarn_buf *out,
			      struct tarn_err *err) TARN_MUST_CHECK;

/* The records of a batch as its codec makes them, and back (at most max_size bytes). */
enum tarn_rc tarn_batch_compress(struct tarn_compressor *compressor, enum tarn_batch_codec codec, struct tarn_slice in,
				 struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_batch_decompress(struct tarn_compressor *compressor, enum tarn_batch_codec codec,
				   struct tarn_slice in, size_t max_size, struct tarn_buf *out,
				   struct tarn_err *err) TARN_MUST_CHECK;

#endif
