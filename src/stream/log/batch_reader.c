#include <stdlib.h>

#include "base/alloc.h"
#include "stream/log/batch_layout.h"

struct tarn_batch_reader {
	struct tarn_compressor *compressor;
	struct tarn_buf unpacked;
	struct tarn_batch batch;
	struct tarn_cursor cursor;
	int32_t done;
	int32_t last_delta; /* of the message before */
};

struct tarn_batch_reader *tarn_batch_reader_new(void)
{
	struct tarn_batch_reader *reader = tarn_calloc(1, sizeof(*reader));
	tarn_buf_init(&reader->unpacked, SIZE_MAX / 2);
	return reader;
}

void tarn_batch_reader_free(struct tarn_batch_reader *reader)
{
	if (!reader)
		return;
	tarn_compressor_free(reader->compressor);
	tarn_buf_release(&reader->unpacked);
	free(reader);
}

enum tarn_rc tarn_batch_reader_open(struct tarn_batch_reader *reader, const struct tarn_batch *batch, size_t max_size,
				    struct tarn_err *err)
{
	struct tarn_slice records =
		tarn_slice_of(batch->bytes.data + TARN_BATCH_HEADER_SIZE, batch->bytes.len - TARN_BATCH_HEADER_SIZE);
	if (batch->codec != TARN_BATCH_NONE && batch->count) {
		if (!reader->compressor)
			reader->compressor = tarn_compressor_new();
		tarn_buf_clear(&reader->unpacked);
		enum tarn_rc rc = tarn_batch_decompress(reader->compressor, batch->codec, records, max_size,
							&reader->unpacked, err);
		if (rc)
			return rc;
		records = tarn_buf_slice(&reader->unpacked);
	} else if (records.len > max_size) {
		return tarn_fail(err, TARN_ELIMIT, "a batch of %zu bytes is larger than the limit of %zu", records.len,
				 max_size);
	}
	reader->batch = *batch;
	reader->cursor = tarn_cursor_of(records);
	reader->done = 0;
	reader->last_delta = -1;
	return TARN_OK;
}

static inline bool signed_varint(struct tarn_cursor *cursor, int64_t *value)
{
	uint64_t raw;
	if (cursor->at < cursor->end && *cursor->at < 0x80)
		raw = *cursor->at++;
	else if (!tarn_cursor_varint(cursor, &raw))
		return false;
	*value = tarn_unzigzag(raw);
	return true;
}

/* Bytes behind their length; -1 is null. */
static inline bool optional_bytes(struct tarn_cursor *cursor, struct tarn_slice *bytes)
{
	int64_t len;
	if (!signed_varint(cursor, &len) || len < -1)
		return false;
	if (len >= 0)
		return (uint64_t)len <= tarn_cursor_left(cursor) && tarn_cursor_take(cursor, (size_t)len, bytes);
	*bytes = tarn_slice_of(NULL, 0);
	return true;
}

static bool read_header(struct tarn_cursor *cursor, struct tarn_header *header)
{
	return optional_bytes(cursor, &header->key) && header->key.data && optional_bytes(cursor, &header->value);
}

static bool read_headers(struct tarn_cursor *cursor, struct tarn_message *message)
{
	int64_t count;
	if (!signed_varint(cursor, &count) || count < 0 || (uint64_t)count > tarn_cursor_left(cursor) / 2)
		return false;
	message->n_headers = (size_t)count;
	message->headers = tarn_slice_of(cursor->at, tarn_cursor_left(cursor));
	for (int64_t i = 0; i < count; i++) {
		struct tarn_header header;
		if (!read_header(cursor, &header))
			return false;
	}
	return !tarn_cursor_left(cursor);
}

static bool read_message(struct tarn_batch_reader *reader, struct tarn_cursor *cursor, struct tarn_message *message)
{
	struct tarn_slice attributes;
	int64_t timestamp_delta, offset_delta;
	if (!tarn_cursor_take(cursor, 1, &attributes) || !signed_varint(cursor, &timestamp_delta) ||
	    !signed_varint(cursor, &offset_delta))
		return false;
	if (offset_delta <= reader->last_delta || offset_delta > reader->batch.last_offset_delta)
		return false;
	reader->last_delta = (int32_t)offset_delta;
	message->offset = reader->batch.base_offset + offset_delta;
	message->timestamp = reader->batch.log_append_time
				     ? reader->batch.max_timestamp
				     : (int64_t)((uint64_t)reader->batch.base_timestamp + (uint64_t)timestamp_delta);
	return optional_bytes(cursor, &message->key) && optional_bytes(cursor, &message->value) &&
	       read_headers(cursor, message);
}

enum tarn_rc tarn_batch_reader_next(struct tarn_batch_reader *reader, struct tarn_message *message,
				    struct tarn_err *err)
{
	struct tarn_cursor *cursor = &reader->cursor;
	int64_t position = tarn_cursor_position(cursor), len;
	if (reader->done == reader->batch.count) {
		if (tarn_cursor_left(cursor))
			return tarn_fail_at(err, TARN_EINVALID, position, "%zu bytes behind the last record of a batch",
					    tarn_cursor_left(cursor));
		return tarn_fail(err, TARN_ENOTFOUND, "no more records");
	}
	struct tarn_slice body;
	struct tarn_message found;
	if (!signed_varint(cursor, &len) || len < 0 || (uint64_t)len > tarn_cursor_left(cursor) ||
	    !tarn_cursor_take(cursor, (size_t)len, &body))
		return tarn_fail_at(err, TARN_EINVALID, position, "record %d of %d is cut", reader->done,
				    reader->batch.count);
	struct tarn_cursor inner = tarn_cursor_of(body);
	if (!read_message(reader, &inner, &found))
		return tarn_fail_at(err, TARN_EINVALID, position, "record %d of %d is damaged", reader->done,
				    reader->batch.count);
	reader->done++;
	*message = found;
	return TARN_OK;
}

bool tarn_message_header_next(struct tarn_message *message, struct tarn_header *header)
{
	struct tarn_cursor cursor = tarn_cursor_of(message->headers);
	if (!message->n_headers || !read_header(&cursor, header))
		return false;
	message->n_headers--;
	message->headers = tarn_slice_of(cursor.at, tarn_cursor_left(&cursor));
	return true;
}
