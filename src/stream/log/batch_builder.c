#include <stdlib.h>

#include "base/alloc.h"
#include "base/big_endian.h"
#include "stream/log/batch_layout.h"

enum { LARGEST_BATCH = 1 << 30 };

struct tarn_batch_builder {
	struct tarn_compressor *compressor;
	enum tarn_batch_codec codec;
	struct tarn_buf records, headers, batch;
	int32_t count;
	int64_t base_timestamp, max_timestamp;
};

struct tarn_batch_builder *tarn_batch_builder_new(enum tarn_batch_codec codec)
{
	struct tarn_batch_builder *builder = tarn_calloc(1, sizeof(*builder));
	builder->codec = codec;
	builder->compressor = tarn_compressor_new();
	tarn_buf_init(&builder->records, LARGEST_BATCH);
	tarn_buf_init(&builder->headers, LARGEST_BATCH);
	tarn_buf_init(&builder->batch, LARGEST_BATCH);
	return builder;
}

void tarn_batch_builder_free(struct tarn_batch_builder *builder)
{
	if (!builder)
		return;
	tarn_compressor_free(builder->compressor);
	tarn_buf_release(&builder->records);
	tarn_buf_release(&builder->headers);
	tarn_buf_release(&builder->batch);
	free(builder);
}

void tarn_batch_builder_clear(struct tarn_batch_builder *builder)
{
	tarn_buf_clear(&builder->records);
	builder->count = 0;
}

static void add_signed(struct tarn_buf *out, int64_t value)
{
	tarn_buf_add_varint(out, tarn_zigzag(value));
}

static void add_optional(struct tarn_buf *out, struct tarn_slice bytes)
{
	add_signed(out, bytes.data ? (int64_t)bytes.len : -1);
	if (bytes.data)
		tarn_buf_add_slice(out, bytes);
}

static size_t signed_size(int64_t value)
{
	uint64_t raw = tarn_zigzag(value);
	size_t size = 1;
	for (; raw >= 0x80; raw >>= 7)
		size++;
	return size;
}

static size_t optional_size(struct tarn_slice bytes)
{
	return bytes.data ? signed_size((int64_t)bytes.len) + bytes.len : 1;
}

void tarn_message_put(struct tarn_buf *out, int64_t timestamp_delta, int32_t offset_delta, struct tarn_slice key,
		      struct tarn_slice value, struct tarn_slice encoded_headers, size_t n_headers)
{
	size_t size = 1 + signed_size(timestamp_delta) + signed_size(offset_delta) + optional_size(key) +
		      optional_size(value) + signed_size((int64_t)n_headers) + encoded_headers.len;
	add_signed(out, (int64_t)size);
	tarn_buf_add_byte(out, 0);
	add_signed(out, timestamp_delta);
	add_signed(out, offset_delta);
	add_optional(out, key);
	add_optional(out, value);
	add_signed(out, (int64_t)n_headers);
	tarn_buf_add_slice(out, encoded_headers);
}

void tarn_batch_builder_add(struct tarn_batch_builder *builder, int64_t timestamp, struct tarn_slice key,
			    struct tarn_slice value, const struct tarn_header *headers, size_t n_headers)
{
	if (!builder->count)
		builder->base_timestamp = builder->max_timestamp = timestamp;
	if (timestamp > builder->max_timestamp)
		builder->max_timestamp = timestamp;
	tarn_buf_clear(&builder->headers);
	for (size_t i = 0; i < n_headers; i++) {
		add_optional(&builder->headers, headers[i].key);
		add_optional(&builder->headers, headers[i].value);
	}
	if (builder->headers.overflow)
		builder->records.overflow = true;
	tarn_message_put(&builder->records, timestamp - builder->base_timestamp, builder->count, key, value,
			 tarn_buf_slice(&builder->headers), n_headers);
	builder->count++;
}

size_t tarn_batch_builder_count(const struct tarn_batch_builder *builder)
{
	return (size_t)builder->count;
}

static uint16_t attributes_of(const struct tarn_batch *header)
{
	return (uint16_t)(header->codec | (header->log_append_time ? ATTRIBUTE_APPEND_TIME : 0) |
			  (header->transactional ? ATTRIBUTE_TRANSACTIONAL : 0) |
			  (header->control ? ATTRIBUTE_CONTROL : 0) | (header->delete_horizon ? ATTRIBUTE_HORIZON : 0));
}

enum tarn_rc tarn_batch_write(const struct tarn_batch *header, struct tarn_slice records,
			      struct tarn_compressor *compressor, struct tarn_buf *out, struct tarn_err *err)
{
	size_t start = out->len;
	uint8_t *at = tarn_buf_room(out, TARN_BATCH_HEADER_SIZE);
	if (!at)
		return tarn_fail(err, TARN_ELIMIT, "a batch is larger than the limit of %zu bytes", out->max);
	tarn_batch_place(at, header->base_offset, header->leader_epoch);
	at[AT_MAGIC] = BATCH_MAGIC;
	tarn_put_be16(at + AT_ATTRIBUTES, attributes_of(header));
	tarn_put_be32(at + AT_LAST_DELTA, (uint32_t)header->last_offset_delta);
	tarn_put_be64(at + AT_BASE_TIME, (uint64_t)header->base_timestamp);
	tarn_put_be64(at + AT_MAX_TIME, (uint64_t)header->max_timestamp);
	tarn_put_be64(at + AT_PRODUCER_ID, (uint64_t)header->producer_id);
	tarn_put_be16(at + AT_PRODUCER_EPOCH, (uint16_t)header->producer_epoch);
	tarn_put_be32(at + AT_SEQUENCE, (uint32_t)header->base_sequence);
	tarn_put_be32(at + AT_COUNT, (uint32_t)header->count);
	out->len += TARN_BATCH_HEADER_SIZE;
	if (records.len) {
		enum tarn_rc rc = tarn_batch_compress(compressor, header->codec, records, out, err);
		if (rc) {
			out->len = start;
			return rc;
		}
	}
	if (out->overflow)
		return tarn_fail(err, TARN_ELIMIT, "a batch is larger than the limit of %zu bytes", out->max);
	tarn_batch_seal(out->data + start, out->len - start);
	return TARN_OK;
}

enum tarn_rc tarn_batch_builder_finish(struct tarn_batch_builder *builder, const struct tarn_batch_producer *producer,
				       struct tarn_slice *batch, struct tarn_err *err)
{
	if (!builder->count)
		return tarn_fail(err, TARN_EINVALID, "a batch without records");
	if (builder->records.overflow)
		return tarn_fail(err, TARN_ELIMIT, "a batch is larger than the limit of %d bytes", LARGEST_BATCH);
	const struct tarn_batch header = {
		.codec = builder->codec,
		.transactional = producer && producer->transactional,
		.last_offset_delta = builder->count - 1,
		.base_timestamp = builder->base_timestamp,
		.max_timestamp = builder->max_timestamp,
		.producer_id = producer ? producer->id : -1,
		.producer_epoch = producer ? producer->epoch : -1,
		.base_sequence = producer ? producer->sequence : -1,
		.count = builder->count,
	};
	tarn_buf_clear(&builder->batch);
	enum tarn_rc rc =
		tarn_batch_write(&header, tarn_buf_slice(&builder->records), builder->compressor, &builder->batch, err);
	if (!rc)
		*batch = tarn_buf_slice(&builder->batch);
	return rc;
}
