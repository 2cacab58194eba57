/* A partition's first use: its segments are found, and what lies behind the last checkpoint is recovered. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "stream/log/log_parts.h"

enum { COPY_STEP = 1 << 20 };

/* ---- what is there ---- */

static bool base_of(const char *name, int64_t *base)
{
	char *end;
	if (strlen(name) != 24 || strspn(name, "0123456789") != 20)
		return false;
	*base = strtoll(name, &end, 10);
	return !strcmp(end, ".log");
}

static int by_base(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

/* Bases of all segments, ascending; the caller's. */
static enum tarn_rc list_bases(const char *folder, int64_t **bases, size_t *count, struct tarn_err *err)
{
	DIR *dir = opendir(folder);
	size_t capacity = 0;
	*bases = NULL;
	*count = 0;
	if (!dir)
		return errno == ENOENT ? TARN_OK : tarn_fail_errno(err, "\"%s\"", folder);
	for (struct dirent *entry; (entry = readdir(dir));) {
		int64_t base;
		if (!base_of(entry->d_name, &base))
			continue;
		*bases = tarn_grow(*bases, &capacity, *count + 1, sizeof(**bases));
		(*bases)[(*count)++] = base;
	}
	closedir(dir);
	if (*count)
		qsort(*bases, *count, sizeof(**bases), by_base);
	return TARN_OK;
}

/* Compaction had decided (compaction.c): what it replaced goes, if it is still there. */
static enum tarn_rc finish_swap(const char *folder, const char *name, struct tarn_err *err)
{
	long long base, end;
	int len = 0;
	if (sscanf(name, "%20lld-%20lld.swap%n", &base, &end, &len) != 2 || (size_t)len != strlen(name))
		return TARN_OK;
	int64_t *bases;
	size_t count;
	enum tarn_rc rc = list_bases(folder, &bases, &count, err);
	for (size_t i = 0; i < count && !rc; i++) {
		static const char *const suffixes[] = { "index", "timeindex", "log" };
		for (size_t k = 0; k < 3 && !rc && bases[i] >= base && bases[i] < end; k++) {
			char *path = tarn_asprintf("%s/%020lld.%s", folder, (long long)bases[i], suffixes[k]);
			if (unlink(path) && errno != ENOENT)
				rc = tarn_fail_errno(err, "\"%s\"", path);
			free(path);
		}
	}
	free(bases);
	if (!rc)
		rc = tarn_fsync_path(folder, err);
	char *from = tarn_asprintf("%s/%s", folder, name), *to = tarn_asprintf("%s/%020lld.log", folder, base);
	if (!rc && rename(from, to))
		rc = tarn_fail_errno(err, "\"%s\"", to);
	free(from);
	free(to);
	return rc ? rc : tarn_fsync_path(folder, err);
}

/* What an interrupted rewriting left behind is finished, or goes. */
static enum tarn_rc clear_up(const char *folder, struct tarn_err *err)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return errno == ENOENT ? TARN_OK : tarn_fail_errno(err, "\"%s\"", folder);
	enum tarn_rc rc = TARN_OK;
	for (struct dirent *entry; !rc && (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name);
		const char *suffix = len > 5 ? entry->d_name + len - 5 : "";
		if (!strcmp(suffix, ".swap"))
			rc = finish_swap(folder, entry->d_name, err);
		else if (*suffix && (!strcmp(suffix + 1, ".tmp") || !strcmp(suffix + 1, ".new")))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return rc;
}

static enum tarn_rc find_segments(struct tarn_partition *partition, struct tarn_err *err)
{
	int64_t *bases;
	size_t count;
	enum tarn_rc rc = clear_up(partition->folder, err);
	if (!rc)
		rc = list_bases(partition->folder, &bases, &count, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < count && !rc; i++) {
		struct segment *segment = partition_add_segment(partition, bases[i]);
		struct stat status;
		if (stat(segment->log.path, &status)) {
			rc = tarn_fail_errno(err, "\"%s\"", segment->log.path);
		} else {
			segment->size = (uint64_t)status.st_size;
			segment->written_ms = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
		}
	}
	free(bases);
	return rc;
}

/* ---- recovery ---- */

/* The end of what is not zeros behind `from`; `from` where there is nothing else. */
static uint64_t end_of_bytes(int fd, const struct segment *segment, uint64_t from)
{
	uint8_t block[4096];
	uint64_t end = from;
	for (uint64_t at = from; at < segment->size; at += sizeof(block)) {
		size_t len = segment->size - at < sizeof(block) ? (size_t)(segment->size - at) : sizeof(block);
		if (read_at(fd, block, len, at, segment->log.path, NULL))
			return segment->size;
		for (size_t i = 0; i < len; i++)
			if (block[i])
				end = at + i + 1;
	}
	return end;
}

static void forget_segments(struct tarn_partition *partition, size_t from)
{
	for (size_t i = from; i < partition->n_segments; i++) {
		segment_remove_files(partition->segments[i]);
		segment_unref(partition->segments[i]);
	}
	partition->n_segments = from;
}

/* Nothing of segment i from `position` on can be used, nor what follows. Zeros are no damage: they are room that was
 * made ahead, and what follows them goes on where the segment ended. */
static enum tarn_rc cut(struct tarn_partition *partition, size_t i, int fd, uint64_t position, const char *why,
			struct tarn_err *err)
{
	struct segment *segment = partition->segments[i];
	uint64_t end = end_of_bytes(fd, segment, position);
	bool last = i + 1 == partition->n_segments;
	bool goes_on = end == position && !last && partition->segments[i + 1]->base == partition->end;
	if (end > position || !(last || goes_on))
		log_warn(partition->topic->log,
			 "cut \"%s\" at byte %llu of %llu (offset %lld), %zu later segments are gone: %s",
			 segment->log.path, (unsigned long long)position, (unsigned long long)end,
			 (long long)partition->end, partition->n_segments - i - 1, why);
	if (ftruncate(fd, (off_t)position) || fdatasync(fd))
		return tarn_fail_errno(err, "\"%s\"", segment->log.path);
	segment->size = position;
	if (!goes_on)
		forget_segments(partition, i + 1);
	return TARN_OK;
}

/* A failed sync may have left in memory what never reached the disk, without a sign of it: so what was recovered is
 * written again. */
static enum tarn_rc make_durable(struct segment *segment, int fd, uint64_t from, struct tarn_err *err)
{
	uint8_t *block = tarn_malloc(COPY_STEP);
	enum tarn_rc rc = TARN_OK;
	for (uint64_t at = from; at < segment->size && !rc; at += COPY_STEP) {
		size_t len = segment->size - at < COPY_STEP ? (size_t)(segment->size - at) : COPY_STEP;
		rc = read_at(fd, block, len, at, segment->log.path, err);
		if (!rc)
			rc = write_at(fd, block, len, at, segment->log.path, err);
	}
	free(block);
	if (!rc && fdatasync(fd))
		rc = tarn_fail_errno(err, "\"%s\"", segment->log.path);
	return rc;
}

/* All batches of a segment from `from` on, into indexes and producer states; it ends where they end. */
static enum tarn_rc replay(struct tarn_partition *partition, size_t i, int fd, uint64_t from, struct tarn_err *err)
{
	struct segment *segment = partition->segments[i];
	int64_t interval = topic_config(partition->topic)->number[TARN_TOPIC_INDEX_INTERVAL_BYTES];
	struct segment_scan scan;
	struct tarn_batch batch;
	struct tarn_err why;
	enum tarn_rc rc;
	uint64_t position = from;
	int64_t now = log_now_ms();
	segment_scan_init(&scan, fd, segment->log.path, from, segment->size, true);
	while (!(rc = segment_scan_next(&scan, &batch, &why))) {
		if (batch.base_offset < partition->end) {
			rc = tarn_fail(&why, TARN_EINVALID, "offset %lld comes again", (long long)batch.base_offset);
			break;
		}
		segment_note(segment, &batch, position, interval);
		producers_apply(&partition->producers, &batch, now);
		partition->end = batch.base_offset + batch.last_offset_delta + 1;
		position = scan.position;
	}
	segment_scan_release(&scan);
	if (rc == TARN_ENOTFOUND)
		return TARN_OK;
	if (rc == TARN_EINVALID)
		return cut(partition, i, fd, position, why.message, err);
	return tarn_fail(err, rc, "%s", why.message);
}

static enum tarn_rc write_whole_index(struct segment *segment, struct tarn_err *err)
{
	struct index_tail tail;
	index_tail_take(&tail, segment, true);
	enum tarn_rc rc = segment_write_index(segment, &tail, err);
	index_tail_release(&tail);
	segment_drop_index(segment);
	return rc;
}

/* The index of the part before `position` that needs no look at its checksums. */
static enum tarn_rc restore_index(struct tarn_partition *partition, struct segment *segment, int fd,
				  const struct partition_state *state, struct tarn_err *err)
{
	segment->first_time = state->first_time;
	segment->max_time = state->max_time;
	segment->max_time_offset = state->max_time_offset;
	if (segment_load_index(segment, (size_t)state->n_index, (size_t)state->n_times)) {
		segment->indexed = state->indexed;
		return TARN_OK;
	}
	int64_t interval = topic_config(partition->topic)->number[TARN_TOPIC_INDEX_INTERVAL_BYTES];
	struct segment_scan scan;
	struct tarn_batch batch;
	enum tarn_rc rc;
	uint64_t position = 0;
	segment->indexed = 0;
	segment->max_time = segment->max_time_offset = -1;
	segment_scan_init(&scan, fd, segment->log.path, 0, state->position, false);
	while (!(rc = segment_scan_next(&scan, &batch, err))) {
		segment_note(segment, &batch, position, interval);
		position = scan.position;
	}
	segment_scan_release(&scan);
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

static enum tarn_rc recover_segment(struct tarn_partition *partition, size_t i, const struct partition_state *state,
				    struct tarn_err *err)
{
	struct segment *segment = partition->segments[i];
	int fd;
	enum tarn_rc rc = open_file_use(segment->files, &segment->log, false, &fd, err);
	if (rc)
		return rc;
	uint64_t from = state ? state->position : 0;
	segment->in_memory = true;
	if (state)
		rc = restore_index(partition, segment, fd, state, err);
	if (!rc)
		rc = replay(partition, i, fd, from, err);
	if (!rc && segment->size > from) {
		rc = make_durable(segment, fd, from, err);
		partition->since_checkpoint += segment->size - from;
	}
	open_file_done(segment->files, &segment->log);
	segment->next = partition->end;
	if (!rc && i + 1 < partition->n_segments)
		rc = write_whole_index(segment, err);
	return rc;
}

/* The segment where the state's offset lies, as long as it is as long as it was. */
static bool find_place(const struct tarn_partition *partition, const struct partition_state *state, size_t *i)
{
	*i = 0;
	while (*i < partition->n_segments && partition->segments[*i]->base < state->segment)
		++*i;
	return *i < partition->n_segments && partition->segments[*i]->base == state->segment &&
	       partition->segments[*i]->size >= state->position;
}

/* A power cut may take the end of a segment and leave the next one, which had not been synced either: nobody was told
 * of what it holds. Behind the checkpoint compaction leaves no gaps; without one there may be, but not before an empty
 * segment. */
static bool tail_is_lost(struct tarn_partition *partition, size_t i, bool behind_checkpoint)
{
	const struct segment *segment = partition->segments[i];
	if (segment->base == partition->end || !(behind_checkpoint || !segment->size))
		return false;
	if (segment->size)
		log_warn(partition->topic->log, "\"%s\" does not follow offset %lld: it and later segments are gone",
			 segment->log.path, (long long)partition->end);
	forget_segments(partition, i);
	return true;
}

static enum tarn_rc recover(struct tarn_partition *partition, const struct partition_state *state, bool has_state,
			    struct tarn_err *err)
{
	size_t from;
	bool placed = find_place(partition, state, &from) && has_state;
	if (!has_state)
		from = 0;
	partition->end = placed ? state->offset : partition->segments[from < partition->n_segments ? from : 0]->base;
	if (has_state && !placed && from < partition->n_segments && partition->segments[from]->base == state->segment)
		log_warn(partition->topic->log, "\"%s\" is shorter than it was: it is looked through from its start",
			 partition->segments[from]->log.path);
	if (from == partition->n_segments) /* all that is left lies before the checkpoint */
		partition->end = state->offset;
	for (size_t i = from; i < partition->n_segments; i++) {
		bool here = placed && i == from;
		if (i > from && tail_is_lost(partition, i, placed))
			break;
		if (partition->end < partition->segments[i]->base)
			partition->end = partition->segments[i]->base;
		enum tarn_rc rc = recover_segment(partition, i, here ? state : NULL, err);
		if (rc)
			return rc;
	}
	return TARN_OK;
}

/* There is always a segment to append to, and the log never ends before it starts. */
static void complete(struct tarn_partition *partition, int64_t start)
{
	if (partition->end < start) {
		forget_segments(partition, 0);
		partition->end = start;
	}
	if (!partition->n_segments || !active_segment(partition)->in_memory) {
		struct segment *segment = partition_add_segment(partition, partition->end);
		segment->in_memory = true;
		segment->next = partition->end;
	}
	partition->start = partition->segments[0]->base > start ? partition->segments[0]->base : start;
	partition->high_watermark = partition->end;
	for (size_t i = 0; i < partition->n_segments; i++)
		partition->bytes += (int64_t)partition->segments[i]->size;
	producers_durable(&partition->producers, partition->end);
	producers_started(&partition->producers, partition->start);
}

enum tarn_rc partition_load(struct tarn_partition *partition, struct tarn_err *err)
{
	struct partition_state state = { 0 };
	enum tarn_rc rc = find_segments(partition, err);
	if (rc)
		return rc;
	struct tarn_err why;
	enum tarn_rc known = state_read(partition, &state, &why);
	if (known && known != TARN_ENOTFOUND && known != TARN_EINVALID)
		return tarn_fail(err, known, "%s", why.message);
	if (known == TARN_EINVALID)
		log_warn(partition->topic->log, "%s: \"%s-%d\" is looked through from its start", why.message,
			 partition->topic->name, partition->number);
	if (known)
		state = (struct partition_state){ 0 };
	if (partition->n_segments)
		rc = recover(partition, &state, !known, err);
	else
		partition->end = state.offset > state.start ? state.offset : state.start;
	if (rc)
		return rc;
	partition->cleaned = state.cleaned;
	complete(partition, state.start);
	return TARN_OK;
}
