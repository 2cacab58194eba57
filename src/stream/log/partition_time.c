/* Offsets by time. */
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/log/log_parts.h"

enum { LARGEST_UNPACKED = 1 << 30 };

/* A segment to look through without the lock. */
struct look {
	struct segment *segment; /* with a reference */
	uint64_t size, position;
	int64_t max_time, max_time_offset; /* in memory: as known; else -1 */
	bool in_memory;
};

static void take_look(const struct tarn_partition *partition, size_t i, struct look *look)
{
	struct segment *segment = partition->segments[i];
	*look = (struct look){ .segment = segment_ref(segment),
			       .size = segment->size,
			       .max_time = segment->max_time,
			       .max_time_offset = segment->max_time_offset,
			       .in_memory = segment->in_memory };
}

/* All segments, oldest first; the caller's. */
static struct look *take_looks(const struct tarn_partition *partition, size_t *count)
{
	struct look *looks = tarn_calloc(partition->n_segments, sizeof(*looks));
	*count = 0;
	for (size_t i = 0; i < partition->n_segments; i++)
		if (partition->segments[i]->size)
			take_look(partition, i, &looks[(*count)++]);
	return looks;
}

static void release_looks(struct look *looks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		segment_unref(looks[i].segment);
	free(looks);
}

static enum tarn_rc know_max_time(struct look *look, int64_t interval, struct tarn_err *err)
{
	if (look->in_memory)
		return TARN_OK;
	return segment_max_time(look->segment, look->size, interval, &look->max_time, &look->max_time_offset, err);
}

/* The first message of the batch, from `from` on, with a timestamp of at least `timestamp`. */
static enum tarn_rc find_in_batch(const struct tarn_batch *batch, int64_t from, int64_t timestamp, int64_t *offset,
				  int64_t *found_timestamp, struct tarn_err *err)
{
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	struct tarn_message message;
	enum tarn_rc rc = tarn_batch_reader_open(reader, batch, LARGEST_UNPACKED, err);
	while (!rc && !(rc = tarn_batch_reader_next(reader, &message, err))) {
		if (message.timestamp < timestamp || message.offset < from)
			continue;
		*offset = message.offset;
		*found_timestamp = message.timestamp;
		break;
	}
	tarn_batch_reader_free(reader);
	return rc;
}

/* What is looked for: the first message at or behind `from`, below `limit`, that is not older than `timestamp`. */
struct wanted {
	int64_t from, limit, timestamp;
};

static enum tarn_rc find_in_segment(struct look *look, const struct wanted *wanted, int64_t *offset, int64_t *timestamp,
				    struct tarn_err *err)
{
	struct segment *segment = look->segment;
	struct segment_scan heads, whole;
	struct tarn_batch batch;
	int fd;
	enum tarn_rc rc = open_file_use(segment->files, &segment->log, false, &fd, err);
	if (rc)
		return rc;
	segment_scan_init(&heads, fd, segment->log.path, look->position, look->size, false);
	while (!rc) {
		uint64_t position = heads.position;
		rc = segment_scan_next(&heads, &batch, err);
		if (!rc && batch.base_offset >= wanted->limit)
			rc = TARN_ENOTFOUND;
		if (rc || batch.max_timestamp < wanted->timestamp || batch.control ||
		    batch.base_offset + batch.last_offset_delta < wanted->from)
			continue;
		segment_scan_init(&whole, fd, segment->log.path, position, heads.position, true);
		rc = segment_scan_next(&whole, &batch, err);
		if (!rc)
			rc = find_in_batch(&batch, wanted->from, wanted->timestamp, offset, timestamp, err);
		segment_scan_release(&whole);
		if (!rc)
			break;
		if (rc == TARN_ENOTFOUND) /* the header promised what compaction took, or the producer never sent */
			rc = TARN_OK;
	}
	segment_scan_release(&heads);
	open_file_done(segment->files, &segment->log);
	return rc == TARN_EINVALID ? tarn_err_within(err, TARN_EIO, "damaged") : rc;
}

static size_t time_floor(const struct segment *segment, int64_t timestamp)
{
	size_t low = 0, high = segment->n_times;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (segment->times[middle].timestamp < timestamp)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void place_look(struct tarn_partition *partition, struct look *look, int64_t timestamp)
{
	pthread_mutex_lock(&partition->lock);
	const struct segment *segment = look->segment;
	size_t before = time_floor(segment, timestamp);
	look->position = before ? segment_floor(segment, segment->base + segment->times[before - 1].offset) : 0;
	pthread_mutex_unlock(&partition->lock);
}

enum tarn_rc tarn_partition_find_time(struct tarn_partition *partition, int64_t timestamp, int64_t *offset,
				      int64_t *found_timestamp, struct tarn_err *err)
{
	int64_t interval = topic_config(partition->topic)->number[TARN_TOPIC_INDEX_INTERVAL_BYTES];
	size_t count = 0;
	struct look *looks = NULL;
	bool usable = partition_lock(partition);
	const struct wanted wanted = { partition->start, partition->high_watermark, timestamp };
	if (usable)
		looks = take_looks(partition, &count);
	pthread_mutex_unlock(&partition->lock);
	enum tarn_rc rc = usable ? TARN_ENOTFOUND
				 : tarn_fail(err, TARN_EIO, "partition \"%s-%d\" could not be opened",
					     partition->topic->name, partition->number);
	for (size_t i = 0; i < count && rc == TARN_ENOTFOUND; i++) {
		struct look *look = &looks[i];
		rc = know_max_time(look, interval, err);
		if (rc)
			break;
		rc = TARN_ENOTFOUND;
		if (look->max_time < timestamp)
			continue;
		if (look->in_memory)
			place_look(partition, look, timestamp);
		else if (segment_find_time(look->segment, look->size, timestamp, interval, &look->position, err))
			look->position = 0;
		rc = find_in_segment(look, &wanted, offset, found_timestamp, err);
	}
	release_looks(looks, count);
	if (rc == TARN_ENOTFOUND)
		return tarn_fail(err, rc, "no record of time %lld or later", (long long)timestamp);
	return rc;
}

enum tarn_rc tarn_partition_max_time(struct tarn_partition *partition, int64_t *offset, int64_t *timestamp,
				     struct tarn_err *err)
{
	int64_t interval = topic_config(partition->topic)->number[TARN_TOPIC_INDEX_INTERVAL_BYTES];
	size_t count = 0;
	struct look *looks = NULL;
	bool usable = partition_lock(partition);
	if (usable)
		looks = take_looks(partition, &count);
	pthread_mutex_unlock(&partition->lock);
	enum tarn_rc rc = usable ? TARN_OK
				 : tarn_fail(err, TARN_EIO, "partition \"%s-%d\" could not be opened",
					     partition->topic->name, partition->number);
	int64_t latest = -1;
	for (size_t i = 0; i < count && !rc; i++) {
		rc = know_max_time(&looks[i], interval, err);
		if (!rc && looks[i].max_time > latest)
			latest = looks[i].max_time;
	}
	release_looks(looks, count);
	if (!rc && latest < 0)
		rc = tarn_fail(err, TARN_ENOTFOUND, "no records");
	return rc ? rc : tarn_partition_find_time(partition, latest, offset, timestamp, err);
}
