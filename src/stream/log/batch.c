#include "stream/log/batch.h"

#include "base/big_endian.h"
#include "base/hash.h"
#include "stream/log/batch_layout.h"

static enum tarn_rc broken(const char *what, int64_t value, struct tarn_err *err)
{
	return tarn_fail(err, TARN_EINVALID, "not a record batch: %s \"%lld\"", what, (long long)value);
}

static enum tarn_rc check_counts(const struct tarn_batch *batch, struct tarn_err *err)
{
	if (batch->count < 0)
		return broken("count", batch->count, err);
	if (batch->last_offset_delta < 0 || batch->last_offset_delta < batch->count - 1)
		return broken("last offset delta", batch->last_offset_delta, err);
	/* No record is shorter than this, where the records are as they are. */
	if (batch->codec == TARN_BATCH_NONE && (size_t)batch->count > batch->bytes.len / LEAST_MESSAGE_SIZE)
		return broken("count", batch->count, err);
	return TARN_OK;
}

enum tarn_rc tarn_batch_parse(struct tarn_slice bytes, struct tarn_batch *batch, struct tarn_err *err)
{
	if (bytes.len < TARN_BATCH_HEADER_SIZE)
		return broken("bytes", (int64_t)bytes.len, err);
	uint64_t len = tarn_batch_length(bytes.data);
	if (len > bytes.len)
		return broken("length", (int64_t)len, err);
	return tarn_batch_parse_header(bytes.data, (size_t)len, batch, err);
}

enum tarn_rc tarn_batch_parse_header(const uint8_t *at, size_t len, struct tarn_batch *batch, struct tarn_err *err)
{
	if (at[AT_MAGIC] != BATCH_MAGIC)
		return broken("magic", (int8_t)at[AT_MAGIC], err);
	if (len < TARN_BATCH_HEADER_SIZE || len > INT32_MAX || len != tarn_batch_length(at))
		return broken("length", (int64_t)len, err);
	uint16_t attributes = tarn_get_be16(at + AT_ATTRIBUTES);
	if ((attributes & ATTRIBUTE_CODEC) > TARN_BATCH_ZSTD)
		return broken("codec", attributes & ATTRIBUTE_CODEC, err);
	struct tarn_batch found = {
		.bytes = tarn_slice_of(at, len),
		.base_offset = (int64_t)tarn_get_be64(at),
		.leader_epoch = (int32_t)tarn_get_be32(at + AT_LEADER_EPOCH),
		.crc = tarn_get_be32(at + AT_CRC),
		.codec = (enum tarn_batch_codec)(attributes & ATTRIBUTE_CODEC),
		.log_append_time = attributes & ATTRIBUTE_APPEND_TIME,
		.transactional = attributes & ATTRIBUTE_TRANSACTIONAL,
		.control = attributes & ATTRIBUTE_CONTROL,
		.delete_horizon = attributes & ATTRIBUTE_HORIZON,
		.last_offset_delta = (int32_t)tarn_get_be32(at + AT_LAST_DELTA),
		.base_timestamp = (int64_t)tarn_get_be64(at + AT_BASE_TIME),
		.max_timestamp = (int64_t)tarn_get_be64(at + AT_MAX_TIME),
		.producer_id = (int64_t)tarn_get_be64(at + AT_PRODUCER_ID),
		.producer_epoch = (int16_t)tarn_get_be16(at + AT_PRODUCER_EPOCH),
		.base_sequence = (int32_t)tarn_get_be32(at + AT_SEQUENCE),
		.count = (int32_t)tarn_get_be32(at + AT_COUNT),
	};
	enum tarn_rc rc = check_counts(&found, err);
	if (!rc)
		*batch = found;
	return rc;
}

static struct tarn_slice summed_part(const uint8_t *bytes, size_t len)
{
	return tarn_slice_of(bytes + AT_ATTRIBUTES, len - AT_ATTRIBUTES);
}

bool tarn_batch_crc_ok(const struct tarn_batch *batch)
{
	return tarn_crc32c(summed_part(batch->bytes.data, batch->bytes.len)) == batch->crc;
}

void tarn_batch_seal(uint8_t *bytes, size_t len)
{
	tarn_put_be32(bytes + AT_LENGTH, (uint32_t)(len - TARN_BATCH_PREFIX_SIZE));
	tarn_put_be32(bytes + AT_CRC, tarn_crc32c(summed_part(bytes, len)));
}

void tarn_batch_place(uint8_t *bytes, int64_t base_offset, int32_t leader_epoch)
{
	tarn_put_be64(bytes, (uint64_t)base_offset);
	tarn_put_be32(bytes + AT_LEADER_EPOCH, (uint32_t)leader_epoch);
}

void tarn_batch_set_append_time(uint8_t *bytes, size_t len, int64_t timestamp)
{
	tarn_put_be16(bytes + AT_ATTRIBUTES, tarn_get_be16(bytes + AT_ATTRIBUTES) | ATTRIBUTE_APPEND_TIME);
	tarn_put_be64(bytes + AT_MAX_TIME, (uint64_t)timestamp);
	tarn_batch_seal(bytes, len);
}
