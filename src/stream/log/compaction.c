/* Compaction: of the records of each key only the newest stays (and of those that delete a key, for
 * delete.retention.ms, one).
 *
 * A pass reads what is new since the last one (from `cleaned` on) into a map of keys, then rewrites all segments below
 * the pass's end, small neighbours into one. Offsets stay: a batch keeps base and last offset, producer and sequence,
 * whatever is left in it. The segment that is appended to, and what is not stable yet, stay as they are.
 *
 * A rewritten segment is made as <base>.log.new and synced; renamed to <base>-<end>.swap it counts: from then on, the
 * segments it replaces are those whose bases lie in [base, end), and opening the partition finishes what was begun. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/point.h"
#include "stream/log/batch_layout.h"
#include "stream/log/key_map.h"
#include "stream/log/log_parts.h"

enum { MOST_MAP_BYTES = 48 << 20, LARGEST_UNPACKED = 1 << 30, WRITE_STEP = 1 << 20 };

/* A transaction that the pass has come across: has anything of it been kept? */
struct seen_transaction {
	int64_t producer_id;
	bool kept;
};

struct pass {
	struct tarn_partition *partition;
	const struct tarn_topic_config *config;
	int64_t now;
	struct segment **segments; /* with references: all that may be rewritten */
	uint64_t *sizes;
	size_t n_segments;
	int64_t from, end;		     /* what the map knows */
	struct aborted_transaction *aborted; /* by marker; the partition's, copied */
	size_t n_aborted;
	struct key_map keys;
	struct tarn_batch_reader *reader;
	struct tarn_compressor *compressor;
	struct seen_transaction *seen;
	size_t n_seen, cap_seen;
};

/* ---- what a pass works on ---- */

static bool old_enough(const struct pass *pass, size_t i)
{
	int64_t lag = pass->config->number[TARN_TOPIC_MIN_COMPACTION_LAG_MS], timestamp, offset;
	int64_t interval = pass->config->number[TARN_TOPIC_INDEX_INTERVAL_BYTES];
	if (!lag || !pass->sizes[i])
		return true;
	return !segment_max_time(pass->segments[i], pass->sizes[i], interval, &timestamp, &offset, NULL) &&
	       timestamp <= pass->now - lag;
}

/* The segments that may be rewritten, with references; with the lock held. */
static void take_segments(struct pass *pass)
{
	struct tarn_partition *partition = pass->partition;
	int64_t limit = producers_last_stable(&partition->producers, partition->high_watermark);
	pass->segments = tarn_calloc(partition->n_segments, sizeof(*pass->segments));
	pass->sizes = tarn_calloc(partition->n_segments, sizeof(*pass->sizes));
	for (size_t i = 0; i + 1 < partition->n_segments; i++) {
		struct segment *segment = partition->segments[i];
		if (segment->in_memory || segment->dirty || partition->segments[i + 1]->base > limit)
			break;
		pass->sizes[pass->n_segments] = segment->size;
		pass->segments[pass->n_segments++] = segment_ref(segment);
	}
	pass->end = partition->segments[pass->n_segments]->base;
	pass->n_aborted = partition->producers.n_aborted;
	pass->aborted = tarn_malloc((pass->n_aborted + 1) * sizeof(*pass->aborted));
	if (pass->n_aborted)
		memcpy(pass->aborted, partition->producers.aborted, pass->n_aborted * sizeof(*pass->aborted));
}

static void drop_last_segment(struct pass *pass)
{
	pass->end = pass->segments[--pass->n_segments]->base;
	segment_unref(pass->segments[pass->n_segments]);
}

static void drop_the_young(struct pass *pass)
{
	size_t i = 0;
	while (i < pass->n_segments && (pass->segments[i]->base < pass->from || old_enough(pass, i)))
		i++;
	while (pass->n_segments > i)
		drop_last_segment(pass);
}

/* Is enough of it new? */
static bool worth_it(struct pass *pass)
{
	uint64_t dirty = 0, all = 0;
	int64_t oldest = INT64_MAX;
	for (size_t i = 0; i < pass->n_segments; i++) {
		all += pass->sizes[i];
		if (pass->segments[i]->base < pass->from)
			continue;
		dirty += pass->sizes[i];
		if (pass->segments[i]->written_ms < oldest)
			oldest = pass->segments[i]->written_ms;
	}
	int64_t most_lag = pass->config->number[TARN_TOPIC_MAX_COMPACTION_LAG_MS];
	bool overdue = oldest != INT64_MAX && pass->now - oldest > most_lag;
	return dirty && (overdue || (double)dirty >= pass->config->min_cleanable_ratio * (double)all);
}

static bool is_aborted(const struct pass *pass, const struct tarn_batch *batch)
{
	for (size_t i = 0; batch->transactional && !batch->control && i < pass->n_aborted; i++) {
		const struct aborted_transaction *gone = &pass->aborted[i];
		if (gone->producer_id == batch->producer_id && gone->first_offset <= batch->base_offset &&
		    batch->base_offset < gone->marker_offset)
			return true;
	}
	return false;
}

/* ---- reading keys ---- */

/* TARN_ELIMIT: the map is full, and the batch is not in it as a whole. */
static enum tarn_rc map_batch(struct pass *pass, const struct tarn_batch *batch, struct tarn_err *err)
{
	struct tarn_message message;
	if (batch->control || is_aborted(pass, batch))
		return TARN_OK;
	enum tarn_rc rc = tarn_batch_reader_open(pass->reader, batch, LARGEST_UNPACKED, err);
	while (!rc && !(rc = tarn_batch_reader_next(pass->reader, &message, err)))
		if (message.key.data && !key_map_put(&pass->keys, message.key, message.offset))
			return tarn_fail(err, TARN_ELIMIT, "too many keys at once");
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

typedef enum tarn_rc (*batch_work)(struct pass *pass, const struct tarn_batch *batch, void *context,
				   struct tarn_err *err);

static enum tarn_rc for_batches(struct pass *pass, size_t i, batch_work work, void *context, struct tarn_err *err)
{
	struct segment *segment = pass->segments[i];
	struct segment_scan scan;
	struct tarn_batch batch;
	int fd;
	enum tarn_rc rc = open_file_use(segment->files, &segment->log, false, &fd, err);
	if (rc)
		return rc;
	segment_scan_init(&scan, fd, segment->log.path, 0, pass->sizes[i], true);
	while (!rc && !(rc = segment_scan_next(&scan, &batch, err)))
		rc = work(pass, &batch, context, err);
	segment_scan_release(&scan);
	open_file_done(segment->files, &segment->log);
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

static enum tarn_rc map_work(struct pass *pass, const struct tarn_batch *batch, void *context, struct tarn_err *err)
{
	int64_t *reached = context;
	if (batch->base_offset < pass->from)
		return TARN_OK;
	enum tarn_rc rc = map_batch(pass, batch, err);
	if (!rc)
		*reached = batch->base_offset + batch->last_offset_delta + 1;
	return rc;
}

/* The map of all keys from `from` on; a full map ends the pass at the segment where it got full. */
static enum tarn_rc read_keys(struct pass *pass, struct tarn_err *err)
{
	for (size_t i = 0; i < pass->n_segments; i++) {
		int64_t reached = pass->from;
		int64_t behind = i + 1 < pass->n_segments ? pass->segments[i + 1]->base : pass->end;
		if (behind <= pass->from)
			continue;
		enum tarn_rc rc = for_batches(pass, i, map_work, &reached, err);
		if (rc == TARN_ELIMIT) {
			while (pass->n_segments > i + 1)
				drop_last_segment(pass);
			pass->end = reached;
			return reached > pass->from ? TARN_OK : rc;
		}
		if (rc)
			return rc;
	}
	return TARN_OK;
}

/* ---- rewriting ---- */

/* A segment in the making. */
struct output {
	int fd;
	char *path;
	int64_t base;
	struct tarn_buf buf;
	uint64_t written;
	struct tarn_buf records; /* of the batch at hand */
};

static enum tarn_rc output_flush(struct output *output, struct tarn_err *err)
{
	enum tarn_rc rc = write_at(output->fd, output->buf.data, output->buf.len, output->written, output->path, err);
	if (!rc)
		output->written += output->buf.len;
	tarn_buf_clear(&output->buf);
	return rc;
}

static struct seen_transaction *seen_of(struct pass *pass, int64_t producer_id)
{
	for (size_t i = 0; i < pass->n_seen; i++)
		if (pass->seen[i].producer_id == producer_id)
			return &pass->seen[i];
	pass->seen = tarn_grow(pass->seen, &pass->cap_seen, pass->n_seen + 1, sizeof(*pass->seen));
	pass->seen[pass->n_seen] = (struct seen_transaction){ producer_id, false };
	return &pass->seen[pass->n_seen++];
}

/* The batch that holds a producer's last sequence stays, if need be without records: a recovery reads it there. */
static bool last_of_producer(const struct pass *pass, const struct tarn_batch *batch)
{
	struct tarn_partition *partition = pass->partition;
	if (batch->producer_id < 0)
		return false;
	pthread_mutex_lock(&partition->lock);
	const struct producer *producer = producers_find(&partition->producers, batch->producer_id);
	bool last = producer && producer->n_batches &&
		    producer->batches[producer->n_batches - 1].base_offset == batch->base_offset;
	pthread_mutex_unlock(&partition->lock);
	return last;
}

/* Has a record of this batch that deletes something been here long enough? The horizon is written at the first pass. */
static bool past_horizon(const struct pass *pass, const struct tarn_batch *batch)
{
	return batch->delete_horizon && batch->base_timestamp <= pass->now;
}

static bool keeps(const struct pass *pass, const struct tarn_batch *batch, const struct tarn_message *message)
{
	if (!message->key.data)
		return false;
	if (message->offset < pass->end && key_map_get(&pass->keys, message->key) > message->offset)
		return false;
	return message->value.data || !past_horizon(pass, batch);
}

/* Re-encodes what stays of a batch. With a horizon to be set, baseTimestamp becomes the horizon and the deltas count
 * from there. */
static enum tarn_rc write_kept(struct pass *pass, struct tarn_batch header, const struct tarn_batch *batch,
			       struct output *output, struct tarn_err *err)
{
	struct tarn_message message;
	tarn_buf_clear(&output->records);
	header.count = 0;
	if (!batch->log_append_time)
		header.max_timestamp = -1;
	enum tarn_rc rc = tarn_batch_reader_open(pass->reader, batch, LARGEST_UNPACKED, err);
	while (!rc && !(rc = tarn_batch_reader_next(pass->reader, &message, err))) {
		if (!batch->control && !keeps(pass, batch, &message))
			continue;
		if (message.timestamp > header.max_timestamp)
			header.max_timestamp = message.timestamp;
		tarn_message_put(&output->records, message.timestamp - header.base_timestamp,
				 (int32_t)(message.offset - batch->base_offset), message.key, message.value,
				 message.headers, message.n_headers);
		header.count++;
	}
	if (rc != TARN_ENOTFOUND)
		return rc;
	if (!header.count)
		header.max_timestamp = batch->max_timestamp;
	return tarn_batch_write(&header, tarn_buf_slice(&output->records), pass->compressor, &output->buf, err);
}

/* What becomes of a batch. */
struct verdict {
	int32_t kept, deletes; /* records that stay; of them, how many delete a key */
	bool horizon;	       /* is to be set */
};

static enum tarn_rc judge_data(struct pass *pass, const struct tarn_batch *batch, struct verdict *verdict,
			       struct tarn_err *err)
{
	struct tarn_message message;
	if (is_aborted(pass, batch))
		return TARN_OK;
	enum tarn_rc rc = tarn_batch_reader_open(pass->reader, batch, LARGEST_UNPACKED, err);
	while (!rc && !(rc = tarn_batch_reader_next(pass->reader, &message, err))) {
		if (!keeps(pass, batch, &message))
			continue;
		verdict->kept++;
		verdict->deletes += !message.value.data;
	}
	verdict->horizon = verdict->deletes && !batch->delete_horizon;
	if (batch->transactional && verdict->kept)
		seen_of(pass, batch->producer_id)->kept = true;
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

/* A marker goes when nothing of its transaction is left, after a while in which readers may still need it. */
static void judge_marker(struct pass *pass, const struct tarn_batch *batch, struct verdict *verdict)
{
	struct seen_transaction *seen = seen_of(pass, batch->producer_id);
	verdict->kept = seen->kept || !past_horizon(pass, batch);
	verdict->horizon = !seen->kept && !batch->delete_horizon;
	seen->kept = false;
}

static enum tarn_rc rewrite_work(struct pass *pass, const struct tarn_batch *batch, void *context, struct tarn_err *err)
{
	struct output *output = context;
	struct verdict verdict = { 0 };
	enum tarn_rc rc = TARN_OK;
	if (batch->base_offset >= pass->end) /* the map does not know of it */
		verdict.kept = batch->count;
	else if (batch->control)
		judge_marker(pass, batch, &verdict);
	else
		rc = judge_data(pass, batch, &verdict, err);
	if (rc)
		return rc;
	struct tarn_batch header = *batch;
	if (verdict.horizon) {
		header.delete_horizon = true;
		header.base_timestamp = pass->now + pass->config->number[TARN_TOPIC_DELETE_RETENTION_MS];
	}
	if (verdict.kept == batch->count && !verdict.horizon && batch->count)
		tarn_buf_add_slice(&output->buf, batch->bytes);
	else if (verdict.kept)
		rc = write_kept(pass, header, batch, output, err);
	else if (last_of_producer(pass, batch)) {
		header.count = 0;
		rc = tarn_batch_write(&header, tarn_slice_of(NULL, 0), NULL, &output->buf, err);
	}
	return rc || output->buf.len < WRITE_STEP ? rc : output_flush(output, err);
}

static enum tarn_rc output_open(struct output *output, const struct tarn_partition *partition, int64_t base,
				struct tarn_err *err)
{
	*output = (struct output){ .base = base };
	output->path = tarn_asprintf("%s/%020" PRId64 ".log.new", partition->folder, base);
	tarn_buf_init(&output->buf, SIZE_MAX / 2);
	tarn_buf_init(&output->records, LARGEST_UNPACKED);
	output->fd = open(output->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return output->fd < 0 ? tarn_fail_errno(err, "\"%s\"", output->path) : TARN_OK;
}

static void output_release(struct output *output)
{
	if (output->fd >= 0)
		close(output->fd);
	free(output->path);
	tarn_buf_release(&output->buf);
	tarn_buf_release(&output->records);
}

/* ---- putting it in place ---- */

static void put_in_place(struct pass *pass, size_t from, size_t to, const struct output *output)
{
	struct tarn_partition *partition = pass->partition;
	struct segment *fresh = segment_new(&partition->topic->log->files, partition->folder, output->base);
	fresh->size = output->written;
	fresh->written_ms = pass->segments[to - 1]->written_ms;
	pthread_mutex_lock(&partition->lock);
	size_t at = 0;
	while (partition->segments[at] != pass->segments[from])
		at++;
	partition->bytes += (int64_t)output->written;
	for (size_t i = from; i < to; i++) {
		partition->bytes -= (int64_t)pass->sizes[i];
		segment_unref(pass->segments[i]);
	}
	size_t gone = to - from - 1;
	partition->segments[at] = fresh;
	partition->n_segments -= gone;
	memmove(partition->segments + at + 1, partition->segments + at + 1 + gone,
		(partition->n_segments - at - 1) * sizeof(*partition->segments));
	pthread_mutex_unlock(&partition->lock);
}

static enum tarn_rc swap(struct pass *pass, size_t from, size_t to, struct output *output, struct tarn_err *err)
{
	const char *folder = pass->partition->folder;
	int64_t end = to < pass->n_segments ? pass->segments[to]->base : pass->end;
	if (pass->segments[to - 1]->base >= end) /* the map ended within the last one */
		end = pass->segments[to - 1]->base + 1;
	char *swap_path = tarn_asprintf("%s/%020" PRId64 "-%020" PRId64 ".swap", folder, output->base, end);
	enum tarn_rc rc = fsync(output->fd) ? tarn_fail_errno(err, "\"%s\"", output->path) : TARN_OK;
	for (size_t i = from; i < to && !rc; i++)
		rc = segment_retire(pass->segments[i], err);
	tarn_point("compaction.written");
	if (!rc && rename(output->path, swap_path))
		rc = tarn_fail_errno(err, "\"%s\"", swap_path);
	if (!rc)
		rc = tarn_fsync_path(folder, err);
	tarn_point("compaction.decided");
	for (size_t i = from + 1; i < to && !rc; i++)
		if (unlink(pass->segments[i]->log.path) && errno != ENOENT)
			rc = tarn_fail_errno(err, "\"%s\"", pass->segments[i]->log.path);
	if (!rc && to > from + 1)
		rc = tarn_fsync_path(folder, err); /* they must not come back once the swap is forgotten */
	tarn_point("compaction.removed");
	if (!rc && rename(swap_path, pass->segments[from]->log.path))
		rc = tarn_fail_errno(err, "\"%s\"", swap_path);
	tarn_point("compaction.swapped");
	if (!rc)
		put_in_place(pass, from, to, output);
	free(swap_path);
	return rc;
}

/* How many segments from `from` on become one. */
static size_t group_end(const struct pass *pass, size_t from)
{
	uint64_t bytes = pass->sizes[from];
	size_t to = from + 1;
	while (to < pass->n_segments &&
	       bytes + pass->sizes[to] <= (uint64_t)pass->config->number[TARN_TOPIC_SEGMENT_BYTES] &&
	       (to + 1 < pass->n_segments ? pass->segments[to + 1]->base : pass->end) - pass->segments[from]->base <
		       INT32_MAX)
		bytes += pass->sizes[to++];
	return to;
}

static enum tarn_rc rewrite_group(struct pass *pass, size_t from, size_t to, struct tarn_err *err)
{
	struct output output;
	enum tarn_rc rc = output_open(&output, pass->partition, pass->segments[from]->base, err);
	for (size_t i = from; i < to && !rc; i++)
		rc = for_batches(pass, i, rewrite_work, &output, err);
	if (!rc)
		rc = output_flush(&output, err);
	if (!rc)
		rc = swap(pass, from, to, &output, err);
	if (rc)
		unlink(output.path);
	output_release(&output);
	return rc;
}

/* ---- a pass ---- */

static enum tarn_rc run_pass(struct pass *pass, struct tarn_err *err)
{
	enum tarn_rc rc = read_keys(pass, err);
	for (size_t from = 0, to; from < pass->n_segments && !rc; from = to) {
		to = group_end(pass, from);
		if (atomic_load(&pass->partition->topic->deleted))
			return TARN_OK;
		rc = rewrite_group(pass, from, to, err);
	}
	if (rc)
		return rc;
	pthread_mutex_lock(&pass->partition->lock);
	pass->partition->cleaned = pass->end;
	pthread_mutex_unlock(&pass->partition->lock);
	return sync_checkpoint(pass->partition, err);
}

static void release_pass(struct pass *pass)
{
	for (size_t i = 0; i < pass->n_segments; i++)
		segment_unref(pass->segments[i]);
	free(pass->segments);
	free(pass->sizes);
	free(pass->aborted);
	free(pass->seen);
	key_map_release(&pass->keys);
	tarn_batch_reader_free(pass->reader);
	tarn_compressor_free(pass->compressor);
}

/* A segment that is appended to is not compacted; one that has been for longer than max.compaction.lag.ms is closed. */
static void roll_overdue(struct tarn_partition *partition, const struct tarn_topic_config *config, int64_t now)
{
	const struct segment *active = active_segment(partition);
	int64_t most_lag = config->number[TARN_TOPIC_MAX_COMPACTION_LAG_MS];
	if (active->size && active->first_time >= 0 && now - active->first_time > most_lag)
		partition_roll(partition);
}

enum tarn_rc partition_compact(struct tarn_partition *partition, struct tarn_err *err)
{
	struct pass pass = { .partition = partition, .config = topic_config(partition->topic), .now = log_now_ms() };
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&partition->clean_lock);
	bool usable = partition_lock(partition) && !partition->failed && !atomic_load(&partition->topic->deleted);
	if (usable) {
		roll_overdue(partition, pass.config, pass.now);
		take_segments(&pass);
		pass.from = partition->cleaned;
	}
	pthread_mutex_unlock(&partition->lock);
	if (usable) {
		drop_the_young(&pass);
		key_map_init(&pass.keys, MOST_MAP_BYTES);
		pass.reader = tarn_batch_reader_new();
		pass.compressor = tarn_compressor_new();
		if (pass.end > pass.from && worth_it(&pass))
			rc = run_pass(&pass, err);
		release_pass(&pass);
	}
	pthread_mutex_unlock(&partition->clean_lock);
	return rc;
}
