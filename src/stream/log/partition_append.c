#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/big_endian.h"
#include "base/file.h"
#include "stream/log/batch_layout.h"
#include "stream/log/log_parts.h"

enum { LARGEST_UNPACKED = 1 << 30 };

/* What is known of a batch before the lock is taken. */
struct checked {
	struct tarn_batch batch;
	uint8_t *bytes;
	size_t len;
	struct tarn_buf remade; /* where the topic's codec is another */
};

static bool refuse(struct tarn_append *result, enum tarn_append_status status, const char *reason)
{
	result->status = status;
	result->reason = reason;
	return false;
}

static bool bad_record(struct tarn_append *result, int32_t position, const char *reason)
{
	if (result->n_bad_records < sizeof(result->bad_records) / sizeof(*result->bad_records))
		result->bad_records[result->n_bad_records++] = position;
	return refuse(result, TARN_APPEND_INVALID_RECORD, reason);
}

static bool check_header(const struct tarn_batch *batch, struct tarn_append *result)
{
	if (batch->control)
		return refuse(result, TARN_APPEND_INVALID_RECORD, "clients may not write control records");
	if (batch->base_offset)
		return refuse(result, TARN_APPEND_INVALID_RECORD, "the base offset of a batch must be 0");
	if (batch->count <= 0 || batch->last_offset_delta != batch->count - 1)
		return refuse(result, TARN_APPEND_INVALID_RECORD, "the count of a batch does not fit its offsets");
	if (batch->producer_id >= 0 && (batch->producer_epoch < 0 || batch->base_sequence < -1))
		return refuse(result, TARN_APPEND_INVALID_RECORD, "a producer without epoch or sequence");
	if (batch->transactional && batch->producer_id < 0)
		return refuse(result, TARN_APPEND_INVALID_RECORD, "a transaction without a producer id");
	return true;
}

static bool time_in_range(const struct tarn_topic_config *config, int64_t timestamp, int64_t now)
{
	return timestamp < 0 ||
	       ((timestamp <= now || timestamp - now <= config->number[TARN_TOPIC_TIMESTAMP_AFTER_MAX_MS]) &&
		(timestamp >= now || now - timestamp <= config->number[TARN_TOPIC_TIMESTAMP_BEFORE_MAX_MS]));
}

/* Looks at each record. *max_timestamp is theirs. */
static bool check_records(const struct tarn_batch *batch, const struct tarn_topic_config *config, int64_t now,
			  int64_t *max_timestamp, struct tarn_append *result)
{
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	struct tarn_message message;
	enum tarn_rc rc = tarn_batch_reader_open(reader, batch, LARGEST_UNPACKED, NULL);
	int32_t position = 0;
	*max_timestamp = -1;
	while (!rc && !(rc = tarn_batch_reader_next(reader, &message, NULL))) {
		if (message.offset != batch->base_offset + position)
			bad_record(result, position, "the offsets of a batch must be dense");
		else if (config->compact && !message.key.data)
			bad_record(result, position, "a record of a compacted topic must have a key");
		else if (!config->append_time && !time_in_range(config, message.timestamp, now))
			refuse(result, TARN_APPEND_BAD_TIMESTAMP, "a record's timestamp is too far from now");
		if (message.timestamp > *max_timestamp)
			*max_timestamp = message.timestamp;
		position++;
	}
	tarn_batch_reader_free(reader);
	if (rc != TARN_ENOTFOUND)
		return refuse(result, TARN_APPEND_CORRUPT, "the records of a batch are damaged");
	return result->status == TARN_APPEND_DONE;
}

/* The batch with the topic's own codec. */
static bool recompress(struct checked *checked, enum tarn_batch_codec codec, struct tarn_append *result)
{
	struct tarn_compressor *compressor = tarn_compressor_new();
	struct tarn_buf records;
	struct tarn_batch header = checked->batch;
	tarn_buf_init(&records, LARGEST_UNPACKED);
	tarn_buf_init(&checked->remade, LARGEST_UNPACKED);
	struct tarn_slice packed =
		tarn_slice_of(header.bytes.data + TARN_BATCH_HEADER_SIZE, header.bytes.len - TARN_BATCH_HEADER_SIZE);
	enum tarn_rc rc = tarn_batch_decompress(compressor, header.codec, packed, LARGEST_UNPACKED, &records, NULL);
	header.codec = codec;
	if (!rc)
		rc = tarn_batch_write(&header, tarn_buf_slice(&records), compressor, &checked->remade, NULL);
	if (!rc)
		rc = tarn_batch_parse(tarn_buf_slice(&checked->remade), &checked->batch, NULL);
	tarn_buf_release(&records);
	tarn_compressor_free(compressor);
	if (rc)
		return refuse(result, TARN_APPEND_CORRUPT, "the records of a batch are damaged");
	checked->bytes = checked->remade.data;
	checked->len = checked->remade.len;
	return true;
}

static void set_max_timestamp(struct checked *checked, int64_t timestamp)
{
	tarn_put_be64(checked->bytes + AT_MAX_TIME, (uint64_t)timestamp);
	tarn_batch_seal(checked->bytes, checked->len);
	checked->batch.max_timestamp = timestamp;
}

/* All that can be checked of a batch alone. */
static bool check_batch(const struct tarn_topic_config *config, struct checked *checked, struct tarn_append *result)
{
	struct tarn_batch *batch = &checked->batch;
	if (checked->len > (size_t)config->number[TARN_TOPIC_MAX_MESSAGE_BYTES])
		return refuse(result, TARN_APPEND_TOO_LARGE, "a batch is larger than max.message.bytes");
	if (tarn_batch_parse(tarn_slice_of(checked->bytes, checked->len), batch, NULL) ||
	    batch->bytes.len != checked->len || !tarn_batch_crc_ok(batch))
		return refuse(result, TARN_APPEND_CORRUPT, "a batch fails its checksum or its lengths");
	if (!check_header(batch, result))
		return false;
	int64_t now = log_now_ms(), max_timestamp = batch->max_timestamp;
	int compression = config->compression;
	if (batch->codec == TARN_BATCH_NONE || config->compact) {
		if (!check_records(batch, config, now, &max_timestamp, result))
			return false;
	} else if (!config->append_time && !time_in_range(config, batch->max_timestamp, now)) {
		return refuse(result, TARN_APPEND_BAD_TIMESTAMP, "a batch's timestamp is too far from now");
	}
	if (compression >= 0 && compression != (int)batch->codec &&
	    !recompress(checked, (enum tarn_batch_codec)compression, result))
		return false;
	if (config->append_time) {
		tarn_batch_set_append_time(checked->bytes, checked->len, now);
		batch->max_timestamp = result->append_time = now;
	} else if (batch->log_append_time || max_timestamp != batch->max_timestamp) {
		uint16_t attributes = tarn_get_be16(checked->bytes + AT_ATTRIBUTES);
		tarn_put_be16(checked->bytes + AT_ATTRIBUTES, attributes & (uint16_t)~ATTRIBUTE_APPEND_TIME);
		set_max_timestamp(checked, max_timestamp);
	}
	return true;
}

/* ---- under the lock ---- */

static bool wants_new_segment(const struct tarn_partition *partition, const struct tarn_topic_config *config,
			      const struct tarn_batch *batch, size_t len)
{
	const struct segment *active = active_segment(partition);
	if (!active->size)
		return false;
	int64_t age =
		active->first_time >= 0 && batch->max_timestamp >= 0 ? batch->max_timestamp - active->first_time : 0;
	return active->size + len > (uint64_t)config->number[TARN_TOPIC_SEGMENT_BYTES] ||
	       age > config->number[TARN_TOPIC_SEGMENT_MS] ||
	       partition->end + batch->last_offset_delta - active->base > INT32_MAX;
}

static enum tarn_rc make_folder(struct tarn_partition *partition, struct tarn_err *err)
{
	if (!mkdir(partition->folder, 0777)) {
		partition->new_folder = true;
		return TARN_OK;
	}
	return errno == EEXIST ? TARN_OK : tarn_fail_errno(err, "\"%s\"", partition->folder);
}

static enum tarn_rc write_to(struct tarn_partition *partition, struct segment *segment, const uint8_t *bytes,
			     size_t len, struct tarn_err *err)
{
	int fd;
	enum tarn_rc rc = TARN_OK;
	if (!segment->size) {
		rc = make_folder(partition, err);
		partition->new_entries = true;
	}
	if (!rc)
		rc = open_file_use(segment->files, &segment->log, true, &fd, err);
	if (rc)
		return rc;
	rc = write_at(fd, bytes, len, segment->size, segment->log.path, err);
	/* What a failed write left must not lie behind a shorter batch: a recovery would look at it. */
	if (rc && ftruncate(fd, (off_t)segment->size)) {
		partition->failed = true;
		sync_ask(partition, false); /* who waits is told */
	} else if (rc) {
		segment->zeros_end = 0;
	}
	segment_mark_dirty(segment);
	return rc;
}

/* Puts what was checked at the end of the log. */
static void put(struct tarn_partition *partition, struct checked *checked, struct tarn_append *result)
{
	const struct tarn_topic_config *config = topic_config(partition->topic);
	struct tarn_batch *batch = &checked->batch;
	if (wants_new_segment(partition, config, batch, checked->len))
		partition_roll(partition);
	struct segment *active = active_segment(partition);
	tarn_batch_place(checked->bytes, partition->end, 0);
	batch->base_offset = partition->end;
	struct tarn_err err;
	if (partition->failed) {
		refuse(result, TARN_APPEND_STORAGE, "the disk has refused before");
		return;
	}
	if (write_to(partition, active, checked->bytes, checked->len, &err)) {
		log_warn(partition->topic->log, "append to \"%s-%d\" failed: %s", partition->topic->name,
			 partition->number, err.message);
		refuse(result, TARN_APPEND_STORAGE, "the disk refused");
		return;
	}
	segment_note(active, batch, active->size, config->number[TARN_TOPIC_INDEX_INTERVAL_BYTES]);
	partition->appended_ms = active->written_ms = log_now_ms();
	producers_apply(&partition->producers, batch, partition->appended_ms);
	result->base_offset = partition->end;
	result->last_offset = partition->end + batch->last_offset_delta;
	active->size += checked->len;
	partition->end = active->next = result->last_offset + 1;
	partition->bytes += (int64_t)checked->len;
	partition->bytes_in += (int64_t)checked->len;
	partition->unsynced_bytes += (int64_t)checked->len;
	partition->since_checkpoint += checked->len;
}

/* Whether the log is to be synced now; else flush.messages and flush.ms say when, and the mark has moved already. */
static bool wants_sync(struct tarn_partition *partition, int32_t count)
{
	const struct tarn_topic_config *config = topic_config(partition->topic);
	partition->unsynced += count;
	bool relaxed = config->number[TARN_TOPIC_FLUSH_MESSAGES] > 1;
	if (!relaxed)
		return true;
	partition->high_watermark = partition->end;
	producers_durable(&partition->producers, partition->end);
	bool due = partition->unsynced >= config->number[TARN_TOPIC_FLUSH_MESSAGES];
	int64_t delay = config->number[TARN_TOPIC_FLUSH_MS];
	if (!due && delay < INT64_MAX / 2 && !partition->flush_at_ms) {
		partition->flush_at_ms = log_now_ms() + delay;
		keeper_wake(partition->topic->log, partition->flush_at_ms);
	}
	return due;
}

/* Ends what began with partition_lock. The sync is asked for without the lock, as the thread that wakes wants it. */
static void unlock_and_sync(struct tarn_partition *partition, int32_t count, const struct tarn_append *result)
{
	bool appended = result->status == TARN_APPEND_DONE && result->base_offset >= 0;
	bool sync = appended && wants_sync(partition, count);
	pthread_mutex_unlock(&partition->lock);
	if (appended)
		sync_ask(partition, !sync);
}

static bool usable(struct tarn_partition *partition, bool loaded, struct tarn_append *result)
{
	if (atomic_load(&partition->topic->deleted))
		return refuse(result, TARN_APPEND_DELETED, "the topic is deleted");
	if (!loaded || partition->failed)
		return refuse(result, TARN_APPEND_STORAGE, "the disk has refused before");
	return true;
}

static void start_result(struct tarn_append *result)
{
	*result = (struct tarn_append){ .base_offset = -1, .last_offset = -1, .append_time = -1, .start_offset = -1 };
}

void tarn_partition_append(struct tarn_partition *partition, uint8_t *batch, size_t len, struct tarn_append *result)
{
	struct checked checked = { .bytes = batch, .len = len };
	start_result(result);
	bool good = check_batch(topic_config(partition->topic), &checked, result);
	bool loaded = partition_lock(partition);
	result->start_offset = partition->start;
	if (good && usable(partition, loaded, result)) {
		struct producer_batch first;
		result->status = checked.batch.producer_id < 0
					 ? TARN_APPEND_DONE
					 : producers_check(&partition->producers, &checked.batch, &first);
		if (result->status == TARN_APPEND_DONE) {
			put(partition, &checked, result);
		} else if (result->status == TARN_APPEND_DUPLICATE) {
			result->base_offset = first.base_offset;
			result->last_offset = first.last_offset;
		}
	}
	unlock_and_sync(partition, checked.batch.count, result);
	tarn_buf_release(&checked.remade);
}

/* KIP-98: key int16 version, int16 type (0 abort, 1 commit); value int16 version, int32 coordinator epoch. */
static void make_marker(struct tarn_buf *out, int64_t producer_id, int16_t producer_epoch, bool commit,
			int32_t coordinator_epoch)
{
	uint8_t key[4] = { 0, 0, 0, commit }, value[6] = { 0 };
	struct tarn_buf records;
	struct tarn_compressor *compressor = tarn_compressor_new();
	int64_t now = log_now_ms();
	tarn_put_be32(value + 2, (uint32_t)coordinator_epoch);
	tarn_buf_init(&records, 1 << 10);
	tarn_message_put(&records, 0, 0, tarn_slice_of(key, sizeof(key)), tarn_slice_of(value, sizeof(value)),
			 tarn_slice_of(NULL, 0), 0);
	const struct tarn_batch header = { .transactional = true,
					   .control = true,
					   .base_timestamp = now,
					   .max_timestamp = now,
					   .producer_id = producer_id,
					   .producer_epoch = producer_epoch,
					   .base_sequence = -1,
					   .count = 1 };
	enum tarn_rc rc = tarn_batch_write(&header, tarn_buf_slice(&records), compressor, out, NULL);
	(void)rc; /* without a codec nothing can fail but the limit, which is far */
	tarn_compressor_free(compressor);
	tarn_buf_release(&records);
}

void tarn_partition_append_marker(struct tarn_partition *partition, int64_t producer_id, int16_t producer_epoch,
				  bool commit, int32_t coordinator_epoch, struct tarn_append *result)
{
	struct checked checked = { 0 };
	start_result(result);
	tarn_buf_init(&checked.remade, 1 << 10);
	make_marker(&checked.remade, producer_id, producer_epoch, commit, coordinator_epoch);
	checked.bytes = checked.remade.data;
	checked.len = checked.remade.len;
	bool loaded = partition_lock(partition);
	result->start_offset = partition->start;
	if (!tarn_batch_parse(tarn_buf_slice(&checked.remade), &checked.batch, NULL) &&
	    usable(partition, loaded, result)) {
		const struct producer *producer = producers_find(&partition->producers, producer_id);
		if (producer && (producer_epoch < producer->epoch || coordinator_epoch < producer->coordinator_epoch))
			refuse(result, TARN_APPEND_PRODUCER_FENCED, "an older producer or coordinator");
		else
			put(partition, &checked, result);
	}
	unlock_and_sync(partition, 1, result);
	tarn_buf_release(&checked.remade);
}
