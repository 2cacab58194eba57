/* Kafka's record batches, format v2 (KIP-98; kafka.apache.org/documentation, "Record Batch"): reading, checking, building.
 *
 *   baseOffset int64, batchLength int32, partitionLeaderEpoch int32, magic int8 (2), crc uint32, attributes int16,
 *   lastOffsetDelta int32, baseTimestamp int64, maxTimestamp int64, producerId int64, producerEpoch int16,
 *   baseSequence int32, count int32, records
 *
 * All big-endian. crc is CRC-32C from attributes to the end; baseOffset and leader epoch lie outside it, so that a broker
 * may set them without touching the rest. */
#ifndef TARN_STREAM_LOG_BATCH_H
#define TARN_STREAM_LOG_BATCH_H

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"

#define TARN_BATCH_HEADER_SIZE 61
#define TARN_BATCH_PREFIX_SIZE 12 /* what batchLength does not count */

enum tarn_batch_codec {
	TARN_BATCH_NONE,
	TARN_BATCH_GZIP,
	TARN_BATCH_SNAPPY, /* raw, or in xerial's framing as Java writes it; both are read */
	TARN_BATCH_LZ4,	   /* LZ4 frames */
	TARN_BATCH_ZSTD,
};

/* The header, in host order. `bytes` is the whole batch, borrowed. */
struct tarn_batch {
	struct tarn_slice bytes;
	int64_t base_offset;
	int32_t leader_epoch;
	uint32_t crc;
	enum tarn_batch_codec codec;
	bool log_append_time, transactional, control;
	bool delete_horizon; /* compaction: baseTimestamp is when tombstones may go (KIP-534) */
	int32_t last_offset_delta;
	int64_t base_timestamp, max_timestamp; /* milliseconds since 1970 */
	int64_t producer_id; /* -1: none */
	int16_t producer_epoch;
	int32_t base_sequence; /* -1: none */
	int32_t count;
};

/* Reads the batch at the start of `bytes`, which may go on behind it. TARN_EINVALID where it is cut, not of magic 2, or
 * its lengths, codec or counts contradict each other. The checksum is not looked at. */
enum tarn_rc tarn_batch_parse(struct tarn_slice bytes, struct tarn_batch *batch, struct tarn_err *err) TARN_MUST_CHECK;
bool tarn_batch_crc_ok(const struct tarn_batch *batch);
/* Overwrites fields of a whole batch in place: the two outside the checksum; or the timestamp type, whose checksum is
 * made anew. */
void tarn_batch_place(uint8_t *bytes, int64_t base_offset, int32_t leader_epoch);
void tarn_batch_set_append_time(uint8_t *bytes, size_t len, int64_t timestamp);

struct tarn_header {
	struct tarn_slice key, value; /* value.data == NULL: null */
};
/* One message. Slices point into the batch, or into the reader's buffer where it was compressed. (A VQE result is
 * tarn_record, of another room.) */
struct tarn_message {
	int64_t offset, timestamp;
	struct tarn_slice key, value; /* data == NULL: null */
	size_t n_headers;
	struct tarn_slice headers; /* still encoded: tarn_message_header_next */
};

/* Reads the messages of a batch one by one. A reader may be used for any number of batches, one after the other. */
struct tarn_batch_reader;
struct tarn_batch_reader *tarn_batch_reader_new(void);
void tarn_batch_reader_free(struct tarn_batch_reader *reader);
/* Decompresses (at most `max_size` bytes, TARN_ELIMIT beyond). The batch must outlive the reading. */
enum tarn_rc tarn_batch_reader_open(struct tarn_batch_reader *reader, const struct tarn_batch *batch, size_t max_size,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* TARN_ENOTFOUND after the last one. A batch that ends early, or goes on after its last message, is TARN_EINVALID. */
enum tarn_rc tarn_batch_reader_next(struct tarn_batch_reader *reader, struct tarn_message *message,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* Takes the next header from the front of message->headers; false where none is left. */
bool tarn_message_header_next(struct tarn_message *message, struct tarn_header *header);

/* Builds one batch; offsets are deltas from 0 until a log places it. */
struct tarn_batch_builder;
struct tarn_batch_builder *tarn_batch_builder_new(enum tarn_batch_codec codec);
void tarn_batch_builder_free(struct tarn_batch_builder *builder);
void tarn_batch_builder_clear(struct tarn_batch_builder *builder);
void tarn_batch_builder_add(struct tarn_batch_builder *builder, int64_t timestamp, struct tarn_slice key,
			    struct tarn_slice value, const struct tarn_header *headers, size_t n_headers);
size_t tarn_batch_builder_count(const struct tarn_batch_builder *builder);
/* The finished batch, valid until the next call; producer -1: none. TARN_ELIMIT past 1 GiB. */
struct tarn_batch_producer {
	int64_t id;
	int16_t epoch;
	int32_t sequence;
	bool transactional;
};
enum tarn_rc tarn_batch_builder_finish(struct tarn_batch_builder *builder, const struct tarn_batch_producer *producer,
				       struct tarn_slice *batch, struct tarn_err *err) TARN_MUST_CHECK;

#endif
