/* Group commit. Partitions that were appended to stand in a queue; a few threads take one at a time, sync what was
 * written until then, and move the high watermark. What comes while a partition is being synced waits for its next
 * turn, which answers all of it at once. */
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/point.h"
#include "stream/log/log_parts.h"

enum { CHECKPOINT_BYTES = 64 << 20 }; /* at most so much is recovered after a crash */

/* A segment as it was when the sync began. */
struct sync_part {
	struct segment *segment; /* with a reference */
	uint64_t changes;
	bool dirty, sealed; /* sealed: its index goes to its files */
	struct index_tail tail;
	size_t n_index, n_times;
};

struct sync_work {
	struct sync_part *parts;
	size_t n_parts, cap_parts;
	int64_t end;
	int64_t messages, bytes;
	bool entries, folder;
	bool wants_room; /* ahead of what comes next */
	bool checkpoint;
	uint64_t checkpointed;
	struct tarn_buf state;
};

static void add_part(struct sync_work *work, struct segment *segment, bool active)
{
	work->parts = tarn_grow(work->parts, &work->cap_parts, work->n_parts + 1, sizeof(*work->parts));
	struct sync_part *part = &work->parts[work->n_parts++];
	*part = (struct sync_part){ .segment = segment_ref(segment),
				    .changes = segment->changes,
				    .dirty = segment->dirty,
				    .sealed = !active && segment->in_memory };
	work->checkpoint |= part->sealed;
}

static void take_checkpoint(struct tarn_partition *partition, struct sync_work *work)
{
	const struct segment *active = active_segment(partition);
	for (size_t i = 0; i < work->n_parts; i++) {
		struct sync_part *part = &work->parts[i];
		index_tail_take(&part->tail, part->segment, part->sealed);
		part->n_index = part->segment->n_index;
		part->n_times = part->segment->n_times;
	}
	const struct partition_state state = {
		.start = partition->start,
		.cleaned = partition->cleaned,
		.offset = partition->end,
		.segment = active->base,
		.position = active->size,
		.n_index = active->n_index,
		.n_times = active->n_times,
		.indexed = active->indexed,
		.first_time = active->first_time,
		.max_time = active->max_time,
		.max_time_offset = active->max_time_offset,
	};
	tarn_buf_init(&work->state, (size_t)1 << 30);
	state_take(partition, &state, &work->state);
	work->checkpointed = partition->since_checkpoint;
}

static void take_work(struct tarn_partition *partition, struct sync_work *work, bool checkpoint)
{
	*work = (struct sync_work){ .end = partition->end,
				    .messages = partition->unsynced,
				    .bytes = partition->unsynced_bytes,
				    .entries = partition->new_entries,
				    .folder = partition->new_folder };
	work->checkpoint = checkpoint || partition->since_checkpoint >= CHECKPOINT_BYTES;
	partition->new_entries = partition->new_folder = false;
	partition->flush_at_ms = 0;
	size_t i = partition->n_segments; /* the others are done with, and may be many */
	while (i && (partition->segments[i - 1]->dirty || partition->segments[i - 1]->in_memory))
		i--;
	for (; i < partition->n_segments; i++)
		add_part(work, partition->segments[i], i + 1 == partition->n_segments);
	if (work->checkpoint)
		take_checkpoint(partition, work);
}

static void release_work(struct sync_work *work)
{
	for (size_t i = 0; i < work->n_parts; i++) {
		if (work->checkpoint)
			index_tail_release(&work->parts[i].tail);
		segment_unref(work->parts[i].segment);
	}
	if (work->checkpoint)
		tarn_buf_release(&work->state);
	free(work->parts);
}

static enum tarn_rc sync_files(struct tarn_partition *partition, const struct sync_work *work, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < work->n_parts && !rc; i++) {
		struct segment *segment = work->parts[i].segment;
		if (work->parts[i].dirty && fdatasync(segment->log.fd)) /* open as long as it is dirty */
			rc = tarn_fail_errno(err, "\"%s\"", segment->log.path);
	}
	if (!rc && work->entries)
		rc = tarn_fsync_path(partition->folder, err);
	if (!rc && work->folder)
		rc = tarn_fsync_path(partition->topic->log->root, err);
	return rc;
}

/* The outcome; true where there is already more to sync. */
static bool settle(struct tarn_partition *partition, struct sync_work *work, bool ok, struct tarn_durable_waiter **told)
{
	for (size_t i = 0; i < work->n_parts && ok; i++) {
		struct segment *segment = work->parts[i].segment;
		if (!work->parts[i].dirty || segment->changes != work->parts[i].changes)
			continue;
		segment->dirty = false;
		open_file_done(segment->files, &segment->log);
	}
	if (ok) {
		partition->unsynced -= work->messages;
		partition->unsynced_bytes -= work->bytes;
		work->wants_room = preallocation_note_sync(partition, work->bytes);
	} else {
		partition->failed = true;
	}
	if (ok && work->end > partition->high_watermark) {
		partition->high_watermark = work->end;
		producers_durable(&partition->producers, work->end);
	}
	*told = partition_take_waiters(partition, ok ? partition->high_watermark : INT64_MAX);
	return ok && partition->end > partition->high_watermark;
}

static enum tarn_rc write_checkpoint(struct tarn_partition *partition, struct sync_work *work, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < work->n_parts && !rc; i++) {
		const struct sync_part *part = &work->parts[i];
		if (part->sealed || part->tail.index.len || part->tail.times.len)
			rc = segment_write_index(part->segment, &part->tail, err);
	}
	tarn_point("checkpoint.index");
	if (!rc)
		rc = state_write(partition, &work->state, err);
	if (rc)
		return rc;
	tarn_point("checkpoint.state");
	pthread_mutex_lock(&partition->lock);
	for (size_t i = 0; i < work->n_parts; i++) {
		struct sync_part *part = &work->parts[i];
		part->segment->kept_index = part->n_index;
		part->segment->kept_times = part->n_times;
		if (part->sealed)
			segment_drop_index(part->segment);
	}
	partition->since_checkpoint -= work->checkpointed;
	pthread_mutex_unlock(&partition->lock);
	return TARN_OK;
}

static bool has_work(const struct tarn_partition *partition)
{
	return atomic_load(&partition->loaded) && !partition->broken && !partition->failed &&
	       !atomic_load(&partition->topic->deleted);
}

/* *more: there is already more to sync. With a checkpoint asked for, its failure is the caller's; else it is a warning,
 * as the log is durable without it. */
static enum tarn_rc sync_partition(struct tarn_partition *partition, bool checkpoint, bool *more, struct tarn_err *err)
{
	struct sync_work work;
	struct tarn_durable_waiter *told;
	*more = false;
	pthread_mutex_lock(&partition->lock);
	if (!has_work(partition)) { /* nothing will ever be durable here again */
		told = partition_take_waiters(partition, INT64_MAX);
		pthread_mutex_unlock(&partition->lock);
		waiters_tell(told, false);
		partition_tell(partition);
		return tarn_fail(err, TARN_EIO, "the partition is out of use");
	}
	struct tarn_err why;
	bool final = atomic_load(&partition->topic->log->queue.final);
	enum tarn_rc rc = final ? segment_trim(active_segment(partition), NULL) : TARN_OK;
	take_work(partition, &work, checkpoint); /* also where zeros stay: the next opening takes them away */
	pthread_mutex_unlock(&partition->lock);
	rc = sync_files(partition, &work, &why);
	tarn_point("sync.data");
	bool deleted = atomic_load(&partition->topic->deleted);
	if (rc && !deleted)
		log_warn(partition->topic->log, "sync of \"%s-%d\" failed, it takes no more records: %s",
			 partition->topic->name, partition->number, why.message);
	pthread_mutex_lock(&partition->lock);
	*more = settle(partition, &work, !rc, &told);
	pthread_mutex_unlock(&partition->lock);
	waiters_tell(told, !rc);
	partition_tell(partition);
	tarn_point("sync.told");
	if (!rc && work.checkpoint) {
		rc = write_checkpoint(partition, &work, &why);
		if (rc)
			log_warn(partition->topic->log, "checkpoint of \"%s-%d\" failed: %s", partition->topic->name,
				 partition->number, why.message);
	}
	if (!rc && work.wants_room && !final)
		partition_preallocate(partition);
	release_work(&work);
	return rc ? tarn_fail(err, rc, "%s", why.message) : TARN_OK;
}

/* ---- the queue ---- */

/* True where it was not there; then a thread is to be woken, best without the lock, which it wants first. */
static bool enqueue(struct sync_queue *queue, struct tarn_partition *partition)
{
	if (partition->in_row)
		return false;
	partition->in_row = true;
	partition->next_queued = NULL;
	*queue->end = partition;
	queue->end = &partition->next_queued;
	return true;
}

void sync_quiesce(struct tarn_partition *partition)
{
	struct sync_queue *queue = &partition->topic->log->queue;
	pthread_mutex_lock(&queue->lock);
	while (partition->syncing)
		pthread_cond_wait(&queue->idle, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
}

void sync_ask(struct tarn_partition *partition, bool tell_only)
{
	struct sync_queue *queue = &partition->topic->log->queue;
	bool wake = false;
	pthread_mutex_lock(&queue->lock);
	if (partition->queued) {
		partition->tell_only &= tell_only;
	} else {
		partition->queued = true;
		partition->tell_only = tell_only;
		tarn_topic_ref(partition->topic);
		wake = !partition->syncing && enqueue(queue, partition);
	}
	pthread_mutex_unlock(&queue->lock);
	if (wake)
		pthread_cond_signal(&queue->work);
}

static void sync_turn(struct tarn_partition *partition)
{
	bool more;
	struct tarn_err err;
	enum tarn_rc rc = sync_partition(partition, atomic_load(&partition->topic->log->queue.final), &more, &err);
	(void)rc; /* who waits was told, and what went wrong was warned of */
	if (more)
		sync_ask(partition, false);
}

/* With the queue's lock held: what was asked for meanwhile is now on its way. True where it waits for a thread. */
static bool end_turn(struct sync_queue *queue, struct tarn_partition *partition)
{
	partition->syncing = false;
	pthread_cond_broadcast(&queue->idle);
	return partition->queued && enqueue(queue, partition);
}

/* With the queue's lock held, and again at the end. */
static void serve(struct sync_queue *queue, struct tarn_partition *partition)
{
	bool tell_only = partition->tell_only;
	partition->queued = false;
	partition->syncing = true;
	pthread_mutex_unlock(&queue->lock);
	if (tell_only)
		partition_tell(partition);
	else
		sync_turn(partition);
	pthread_mutex_lock(&queue->lock);
	(void)end_turn(queue, partition); /* this thread looks at the queue next */
}

enum tarn_rc sync_checkpoint(struct tarn_partition *partition, struct tarn_err *err)
{
	struct sync_queue *queue = &partition->topic->log->queue;
	pthread_mutex_lock(&queue->lock);
	while (partition->syncing)
		pthread_cond_wait(&queue->idle, &queue->lock);
	partition->syncing = true;
	pthread_mutex_unlock(&queue->lock);
	bool more;
	enum tarn_rc rc = sync_partition(partition, true, &more, err);
	if (more)
		sync_ask(partition, false);
	pthread_mutex_lock(&queue->lock);
	if (end_turn(queue, partition))
		pthread_cond_signal(&queue->work);
	pthread_mutex_unlock(&queue->lock);
	return rc;
}

static void *sync_thread(void *argument)
{
	struct tarn_log *log = argument;
	struct sync_queue *queue = &log->queue;
	pthread_mutex_lock(&queue->lock);
	for (;;) {
		struct tarn_partition *partition = queue->first;
		if (!partition && queue->stop)
			break;
		if (!partition) {
			pthread_cond_wait(&queue->work, &queue->lock);
			continue;
		}
		queue->first = partition->next_queued;
		if (!queue->first)
			queue->end = &queue->first;
		partition->in_row = false;
		if (partition->syncing) /* by somebody else, who puts it back when done */
			continue;
		struct tarn_topic *topic = partition->topic;
		serve(queue, partition);
		pthread_mutex_unlock(&queue->lock);
		tarn_topic_unref(topic);
		pthread_mutex_lock(&queue->lock);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

enum tarn_rc sync_start(struct tarn_log *log, struct tarn_err *err)
{
	struct sync_queue *queue = &log->queue;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->work, NULL);
	pthread_cond_init(&queue->idle, NULL);
	queue->end = &queue->first;
	for (int i = 0; i < SYNC_THREADS; i++) {
		if (pthread_create(&queue->threads[i], NULL, sync_thread, log)) {
			sync_stop(log);
			return tarn_fail(err, TARN_EIO, "no thread to sync the log");
		}
		queue->n_threads++;
	}
	return TARN_OK;
}

static bool needs_checkpoint(struct tarn_partition *partition)
{
	if (!atomic_load(&partition->loaded))
		return false;
	pthread_mutex_lock(&partition->lock);
	bool needs = has_work(partition) && (partition->since_checkpoint || partition->unsynced ||
					     partition->end > partition->high_watermark ||
					     active_segment(partition)->zeros_end > active_segment(partition)->size);
	pthread_mutex_unlock(&partition->lock);
	return needs;
}

void sync_finish(struct tarn_log *log)
{
	atomic_store(&log->queue.final, true);
	for (size_t i = 0; i < log->n_topics; i++) {
		const struct topic_shape *shape = atomic_load(&log->topics[i]->shape);
		for (int32_t k = 0; k < shape->n_partitions; k++)
			if (needs_checkpoint(shape->partitions[k]))
				sync_ask(shape->partitions[k], false);
	}
	sync_stop(log);
}

void sync_stop(struct tarn_log *log)
{
	struct sync_queue *queue = &log->queue;
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_broadcast(&queue->work);
	pthread_mutex_unlock(&queue->lock);
	for (int i = 0; i < queue->n_threads; i++)
		pthread_join(queue->threads[i], NULL);
	queue->n_threads = 0;
}
