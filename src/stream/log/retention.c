/* Moving the start of a partition: because somebody asked for it, or because of its age or size. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/point.h"
#include "stream/log/log_parts.h"

void partition_drop_below_start(struct tarn_partition *partition)
{
	size_t gone = 0;
	while (gone + 1 < partition->n_segments && partition->segments[gone + 1]->base <= partition->start)
		gone++;
	for (size_t i = 0; i < gone; i++) {
		partition->bytes -= (int64_t)partition->segments[i]->size;
		enum tarn_rc rc = segment_retire(partition->segments[i], NULL);
		(void)rc; /* then who reads what is gone fails */
		segment_remove_files(partition->segments[i]);
		segment_unref(partition->segments[i]);
		tarn_point("retention.removed");
	}
	partition->n_segments -= gone;
	memmove(partition->segments, partition->segments + gone, partition->n_segments * sizeof(*partition->segments));
	producers_started(&partition->producers, partition->start);
}

enum tarn_rc partition_move_start(struct tarn_partition *partition, int64_t to, struct tarn_err *err)
{
	pthread_mutex_lock(&partition->lock);
	int64_t old = partition->start;
	if (to > old)
		partition->start = to;
	pthread_mutex_unlock(&partition->lock);
	if (to <= old)
		return TARN_OK;
	enum tarn_rc rc = sync_checkpoint(partition, err);
	tarn_point("retention.decided");
	pthread_mutex_lock(&partition->lock);
	if (rc)
		partition->start = old;
	else
		partition_drop_below_start(partition);
	pthread_mutex_unlock(&partition->lock);
	return rc;
}

enum tarn_rc tarn_partition_delete_before(struct tarn_partition *partition, int64_t before, int64_t *start,
					  struct tarn_err *err)
{
	pthread_mutex_lock(&partition->clean_lock);
	bool usable = partition_lock(partition);
	int64_t to = before == -1 ? partition->high_watermark : before;
	enum tarn_rc rc = TARN_OK;
	if (!usable || partition->failed || atomic_load(&partition->topic->deleted))
		rc = tarn_fail(err, TARN_EIO, "partition \"%s-%d\" is out of use", partition->topic->name,
			       partition->number);
	else if (to < 0 || to > partition->high_watermark)
		rc = tarn_fail(err, TARN_ENOTFOUND, "offset %lld of \"%s-%d\": expected at most %lld", (long long)to,
			       partition->topic->name, partition->number, (long long)partition->high_watermark);
	pthread_mutex_unlock(&partition->lock);
	if (!rc)
		rc = partition_move_start(partition, to, err);
	if (!rc) {
		pthread_mutex_lock(&partition->lock);
		*start = partition->start;
		pthread_mutex_unlock(&partition->lock);
	}
	pthread_mutex_unlock(&partition->clean_lock);
	return rc;
}

/* ---- by age and size ---- */

/* A segment as it was when it was looked at. */
struct aged {
	struct segment *segment; /* with a reference */
	uint64_t size;
	int64_t next; /* where the one behind it begins */
	int64_t max_time, written_ms;
	bool in_memory;
};

/* All segments that lie below the high watermark as a whole, oldest first; the caller's. */
static struct aged *take_aged(const struct tarn_partition *partition, size_t *count)
{
	struct aged *aged = tarn_calloc(partition->n_segments, sizeof(*aged));
	*count = 0;
	for (size_t i = 0; i < partition->n_segments; i++) {
		struct segment *segment = partition->segments[i];
		int64_t next = i + 1 < partition->n_segments ? partition->segments[i + 1]->base : partition->end;
		if (next > partition->high_watermark || !segment->size)
			break;
		aged[(*count)++] = (struct aged){ segment_ref(segment), segment->size,	     next,
						  segment->max_time,	segment->written_ms, segment->in_memory };
	}
	return aged;
}

/* Where a segment has no timestamps, its last write counts. */
static bool too_old(struct aged *aged, const struct tarn_topic_config *config, int64_t now)
{
	int64_t offset, most = config->number[TARN_TOPIC_RETENTION_MS];
	int64_t interval = config->number[TARN_TOPIC_INDEX_INTERVAL_BYTES];
	if (most < 0)
		return false;
	if (!aged->in_memory && segment_max_time(aged->segment, aged->size, interval, &aged->max_time, &offset, NULL))
		return false;
	return now - (aged->max_time >= 0 ? aged->max_time : aged->written_ms) > most;
}

/* The new start, or -1. */
static int64_t first_kept(struct aged *aged, size_t count, uint64_t bytes, const struct tarn_topic_config *config,
			  int64_t now)
{
	int64_t most = config->number[TARN_TOPIC_RETENTION_BYTES], to = -1;
	for (size_t i = 0; i < count; i++) {
		bool too_many = most >= 0 && bytes >= aged[i].size && bytes - aged[i].size >= (uint64_t)most;
		if (!too_many && !too_old(&aged[i], config, now))
			break;
		to = aged[i].next;
		bytes -= aged[i].size;
	}
	return to;
}

enum tarn_rc partition_retain(struct tarn_partition *partition, struct tarn_err *err)
{
	const struct tarn_topic_config *config = topic_config(partition->topic);
	int64_t now = log_now_ms();
	struct aged *aged = NULL;
	size_t count = 0;
	uint64_t bytes = 0;
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&partition->clean_lock);
	if (partition_lock(partition) && !partition->failed && !atomic_load(&partition->topic->deleted)) {
		aged = take_aged(partition, &count);
		bytes = (uint64_t)partition->bytes;
	}
	pthread_mutex_unlock(&partition->lock);
	int64_t to = first_kept(aged, count, bytes, config, now);
	if (to >= 0) {
		pthread_mutex_lock(&partition->lock);
		if (to == partition->end && active_segment(partition)->size) /* all of it is to go */
			partition_roll(partition);
		pthread_mutex_unlock(&partition->lock);
		rc = partition_move_start(partition, to, err);
	}
	for (size_t i = 0; i < count; i++)
		segment_unref(aged[i].segment);
	free(aged);
	pthread_mutex_unlock(&partition->clean_lock);
	return rc;
}
