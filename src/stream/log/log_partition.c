#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stream/log/log_parts.h"

struct tarn_partition *partition_new(struct tarn_topic *topic, int32_t number)
{
	struct tarn_partition *partition = tarn_calloc(1, sizeof(*partition));
	partition->topic = topic;
	partition->number = number;
	partition->folder = tarn_asprintf("%s/%s-%d", topic->log->root, topic->name, number);
	partition->waiters_end = &partition->waiters;
	pthread_mutex_init(&partition->lock, NULL);
	pthread_mutex_init(&partition->clean_lock, NULL);
	pthread_mutexattr_t recursive;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&partition->watch_lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	return partition;
}

void partition_free(struct tarn_partition *partition)
{
	if (!partition)
		return;
	for (size_t i = 0; i < partition->n_segments; i++)
		segment_unref(partition->segments[i]);
	free(partition->segments);
	producers_release(&partition->producers);
	pthread_mutex_destroy(&partition->lock);
	pthread_mutex_destroy(&partition->clean_lock);
	pthread_mutex_destroy(&partition->watch_lock);
	free(partition->folder);
	free(partition);
}

bool partition_lock(struct tarn_partition *partition)
{
	pthread_mutex_lock(&partition->lock);
	if (!atomic_load(&partition->loaded)) {
		struct tarn_err err;
		if (atomic_load(&partition->topic->deleted)) {
			partition->broken = true;
		} else if (partition_load(partition, &err)) {
			log_warn(partition->topic->log, "partition \"%s-%d\" is out of use: %s", partition->topic->name,
				 partition->number, err.message);
			partition->broken = true;
		}
		atomic_store(&partition->loaded, true);
	}
	return !partition->broken;
}

struct tarn_topic *tarn_partition_topic(const struct tarn_partition *partition)
{
	return partition->topic;
}

int32_t tarn_partition_number(const struct tarn_partition *partition)
{
	return partition->number;
}

void tarn_partition_offsets(struct tarn_partition *partition, struct tarn_offsets *offsets)
{
	*offsets = (struct tarn_offsets){ -1, -1, -1, -1, 0, 0, 0, 0 };
	if (partition_lock(partition)) {
		*offsets = (struct tarn_offsets){
			.start = partition->start,
			.high_watermark = partition->high_watermark,
			.last_stable = producers_last_stable(&partition->producers, partition->high_watermark),
			.end = partition->end,
			.bytes = partition->bytes,
			.appended_ms = partition->appended_ms,
			.bytes_in = partition->bytes_in,
			.bytes_out = partition->bytes_out,
		};
	}
	pthread_mutex_unlock(&partition->lock);
}

void tarn_partition_count_out(struct tarn_partition *partition, size_t bytes)
{
	atomic_fetch_add_explicit(&partition->bytes_out, (int64_t)bytes, memory_order_relaxed);
}

/* ---- segments ---- */

size_t partition_segment_of(const struct tarn_partition *partition, int64_t offset)
{
	size_t low = 0, high = partition->n_segments;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (partition->segments[middle]->base <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : 0;
}

struct segment *partition_add_segment(struct tarn_partition *partition, int64_t base)
{
	struct segment *segment = segment_new(&partition->topic->log->files, partition->folder, base);
	partition->segments = tarn_grow(partition->segments, &partition->cap_segments, partition->n_segments + 1,
					sizeof(*partition->segments));
	partition->segments[partition->n_segments++] = segment;
	return segment;
}

void partition_roll(struct tarn_partition *partition)
{
	active_segment(partition)->next = partition->end;
	partition->failed |= segment_trim(active_segment(partition), NULL) != TARN_OK;
	struct segment *segment = partition_add_segment(partition, partition->end);
	segment->in_memory = true;
	segment->next = partition->end;
	sync_ask(partition, false);
}

/* ---- who waits ---- */

struct tarn_durable_waiter *partition_take_waiters(struct tarn_partition *partition, int64_t up_to)
{
	struct tarn_durable_waiter *taken = NULL, **end = &taken;
	for (struct tarn_durable_waiter **at = &partition->waiters; *at;) {
		struct tarn_durable_waiter *waiter = *at;
		if (waiter->offset > up_to) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		waiter->next = NULL;
		*end = waiter;
		end = &waiter->next;
	}
	partition->waiters_end = &partition->waiters;
	while (*partition->waiters_end)
		partition->waiters_end = &(*partition->waiters_end)->next;
	return taken;
}

void waiters_tell(struct tarn_durable_waiter *waiters, bool ok)
{
	while (waiters) {
		struct tarn_durable_waiter *next = waiters->next; /* once told it is no longer ours */
		waiters->tell(waiters, ok);
		waiters = next;
	}
}

void tarn_partition_when_durable(struct tarn_partition *partition, int64_t offset, struct tarn_durable_waiter *waiter)
{
	waiter->offset = offset;
	waiter->next = NULL;
	bool usable = partition_lock(partition);
	bool ok = usable && offset <= partition->high_watermark;
	bool decided = ok || !usable || partition->failed || atomic_load(&partition->topic->deleted);
	if (!decided) {
		*partition->waiters_end = waiter;
		partition->waiters_end = &waiter->next;
	}
	pthread_mutex_unlock(&partition->lock);
	if (decided)
		waiter->tell(waiter, ok);
}

struct sleeper {
	struct tarn_durable_waiter waiter;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done, ok;
};

static void wake_sleeper(struct tarn_durable_waiter *waiter, bool ok)
{
	struct sleeper *sleeper = (struct sleeper *)waiter;
	pthread_mutex_lock(&sleeper->lock);
	sleeper->done = true;
	sleeper->ok = ok;
	pthread_cond_signal(&sleeper->told);
	pthread_mutex_unlock(&sleeper->lock);
}

enum tarn_rc tarn_partition_wait_durable(struct tarn_partition *partition, int64_t offset, struct tarn_err *err)
{
	struct sleeper sleeper = { .waiter = { .tell = wake_sleeper },
				   .lock = PTHREAD_MUTEX_INITIALIZER,
				   .told = PTHREAD_COND_INITIALIZER };
	tarn_partition_when_durable(partition, offset, &sleeper.waiter);
	pthread_mutex_lock(&sleeper.lock);
	while (!sleeper.done)
		pthread_cond_wait(&sleeper.told, &sleeper.lock);
	pthread_mutex_unlock(&sleeper.lock);
	pthread_cond_destroy(&sleeper.told);
	pthread_mutex_destroy(&sleeper.lock);
	if (sleeper.ok)
		return TARN_OK;
	return tarn_fail(err, TARN_EIO, "\"%s-%d\" could not be made durable", partition->topic->name,
			 partition->number);
}

void partition_quiesce(struct tarn_partition *partition)
{
	pthread_mutex_lock(&partition->clean_lock);
	pthread_mutex_lock(&partition->lock);
	for (size_t i = 0; i < partition->n_segments; i++)
		atomic_store(&partition->segments[i]->no_index, true);
	pthread_mutex_unlock(&partition->lock);
	pthread_mutex_unlock(&partition->clean_lock);
	sync_quiesce(partition);
}

void partition_end(struct tarn_partition *partition)
{
	pthread_mutex_lock(&partition->lock);
	struct tarn_durable_waiter *waiters = partition_take_waiters(partition, INT64_MAX);
	pthread_mutex_unlock(&partition->lock);
	waiters_tell(waiters, false);
	sync_ask(partition, true);
}

/* ---- who watches ---- */

void tarn_partition_watch(struct tarn_partition *partition, struct tarn_partition_watcher *watcher)
{
	pthread_mutex_lock(&partition->watch_lock);
	watcher->next = partition->watchers;
	partition->watchers = watcher;
	pthread_mutex_unlock(&partition->watch_lock);
}

void tarn_partition_unwatch(struct tarn_partition *partition, struct tarn_partition_watcher *watcher)
{
	pthread_mutex_lock(&partition->watch_lock);
	for (struct tarn_partition_watcher **at = &partition->watchers; *at; at = &(*at)->next) {
		if (*at != watcher)
			continue;
		*at = watcher->next;
		if (partition->next_told == watcher)
			partition->next_told = watcher->next;
		break;
	}
	pthread_mutex_unlock(&partition->watch_lock);
}

void partition_tell(struct tarn_partition *partition)
{
	pthread_mutex_lock(&partition->watch_lock);
	for (struct tarn_partition_watcher *at = partition->watchers; at; at = partition->next_told) {
		partition->next_told = at->next;
		at->changed(at, partition);
	}
	pthread_mutex_unlock(&partition->watch_lock);
}

/* ---- producers ---- */

size_t tarn_partition_aborted(struct tarn_partition *partition, int64_t from, int64_t to, struct tarn_aborted **aborted)
{
	size_t count = 0, capacity = 0;
	struct tarn_aborted *found = NULL;
	if (partition_lock(partition)) {
		const struct producers *producers = &partition->producers;
		for (size_t i = 0; i < producers->n_aborted; i++) {
			const struct aborted_transaction *gone = &producers->aborted[i];
			if (gone->marker_offset < from || gone->first_offset >= to)
				continue;
			found = tarn_grow(found, &capacity, count + 1, sizeof(*found));
			found[count++] = (struct tarn_aborted){ gone->producer_id, gone->first_offset };
		}
	}
	pthread_mutex_unlock(&partition->lock);
	*aborted = found;
	return count;
}

size_t tarn_partition_producers(struct tarn_partition *partition, struct tarn_producer_state **states)
{
	size_t count = 0;
	struct tarn_producer_state *found = NULL;
	if (partition_lock(partition) && partition->producers.count) {
		found = tarn_calloc(partition->producers.count, sizeof(*found));
		for (size_t i = 0; i < partition->producers.n_buckets; i++)
			for (const struct producer *at = partition->producers.buckets[i]; at; at = at->next)
				found[count++] = (struct tarn_producer_state){
					.id = at->id,
					.epoch = at->epoch,
					.last_sequence =
						at->n_batches ? at->batches[at->n_batches - 1].last_sequence : -1,
					.last_timestamp = at->last_timestamp,
					.transaction_start = at->transaction_start,
				};
	}
	pthread_mutex_unlock(&partition->lock);
	*states = found;
	return count;
}
