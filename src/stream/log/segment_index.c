#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/big_endian.h"
#include "stream/log/batch_layout.h"
#include "stream/log/segment.h"

/* ---- in memory ---- */

static void add_time(struct segment *segment)
{
	if (segment->max_time < 0 ||
	    (segment->n_times && segment->times[segment->n_times - 1].timestamp >= segment->max_time))
		return;
	segment->times = tarn_grow(segment->times, &segment->cap_times, segment->n_times + 1, sizeof(*segment->times));
	segment->times[segment->n_times++] =
		(struct time_entry){ segment->max_time, (uint32_t)(segment->max_time_offset - segment->base) };
}

void segment_note(struct segment *segment, const struct tarn_batch *batch, uint64_t position, int64_t interval)
{
	int64_t last = batch->base_offset + batch->last_offset_delta;
	if (!position)
		segment->first_time = batch->max_timestamp;
	if (batch->max_timestamp > segment->max_time) {
		segment->max_time = batch->max_timestamp;
		segment->max_time_offset = last;
	}
	if (position < segment->indexed + (uint64_t)interval || !position)
		return;
	segment->index = tarn_grow(segment->index, &segment->cap_index, segment->n_index + 1, sizeof(*segment->index));
	segment->index[segment->n_index++] =
		(struct index_entry){ (uint32_t)(last - segment->base), (uint32_t)position };
	segment->indexed = position;
	add_time(segment);
}

uint64_t segment_floor(const struct segment *segment, int64_t offset)
{
	size_t low = 0, high = segment->n_index;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (segment->base + segment->index[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? segment->index[low - 1].position : 0;
}

void segment_drop_index(struct segment *segment)
{
	free(segment->index);
	free(segment->times);
	segment->index = NULL;
	segment->times = NULL;
	segment->n_index = segment->cap_index = segment->n_times = segment->cap_times = 0;
	segment->kept_index = segment->kept_times = 0;
	segment->in_memory = false;
}

/* ---- to files ---- */

void index_tail_take(struct index_tail *tail, struct segment *segment, bool last)
{
	if (last)
		add_time(segment);
	tarn_buf_init(&tail->index, SIZE_MAX / 2);
	tarn_buf_init(&tail->times, SIZE_MAX / 2);
	tail->index_at = segment->kept_index * INDEX_ENTRY_SIZE;
	tail->times_at = segment->kept_times * TIME_ENTRY_SIZE;
	for (size_t i = segment->kept_index; i < segment->n_index; i++) {
		tarn_buf_add_be32(&tail->index, segment->index[i].offset);
		tarn_buf_add_be32(&tail->index, segment->index[i].position);
	}
	for (size_t i = segment->kept_times; i < segment->n_times; i++) {
		uint8_t entry[TIME_ENTRY_SIZE];
		tarn_put_be64(entry, (uint64_t)segment->times[i].timestamp);
		tarn_put_be32(entry + 8, segment->times[i].offset);
		tarn_buf_add(&tail->times, entry, sizeof(entry));
	}
}

void index_tail_release(struct index_tail *tail)
{
	tarn_buf_release(&tail->index);
	tarn_buf_release(&tail->times);
}

static enum tarn_rc write_tail(struct open_files *files, struct open_file *file, const struct tarn_buf *data,
			       uint64_t at, struct tarn_err *err)
{
	int fd;
	enum tarn_rc rc = open_file_use(files, file, true, &fd, err);
	if (rc)
		return rc;
	rc = write_at(fd, data->data, data->len, at, file->path, err);
	if (!rc && (ftruncate(fd, (off_t)(at + data->len)) || fdatasync(fd)))
		rc = tarn_fail_errno(err, "\"%s\"", file->path);
	open_file_done(files, file);
	return rc;
}

enum tarn_rc segment_write_index(struct segment *segment, const struct index_tail *tail, struct tarn_err *err)
{
	enum tarn_rc rc = write_tail(segment->files, &segment->index_file, &tail->index, tail->index_at, err);
	return rc ? rc : write_tail(segment->files, &segment->time_file, &tail->times, tail->times_at, err);
}

/* A segment's whole index, from its batches. */
static enum tarn_rc index_batches(struct segment *segment, uint64_t size, int64_t interval, struct segment *scratch,
				  struct tarn_err *err)
{
	*scratch = (struct segment){ .base = segment->base, .max_time = -1, .max_time_offset = -1 };
	struct segment_scan scan;
	struct tarn_batch batch;
	int fd;
	enum tarn_rc rc = open_file_use(segment->files, &segment->log, false, &fd, err);
	if (rc)
		return rc;
	segment_scan_init(&scan, fd, segment->log.path, 0, size, false);
	for (;;) {
		uint64_t position = scan.position;
		rc = segment_scan_next(&scan, &batch, err);
		if (rc)
			break;
		segment_note(scratch, &batch, position, interval);
	}
	segment_scan_release(&scan);
	open_file_done(segment->files, &segment->log);
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

static enum tarn_rc make_anew(struct segment *segment, uint64_t size, int64_t interval, struct tarn_err *err)
{
	struct segment scratch;
	enum tarn_rc rc = index_batches(segment, size, interval, &scratch, err);
	if (!rc) {
		struct index_tail tail;
		index_tail_take(&tail, &scratch, true);
		rc = segment_write_index(segment, &tail, err);
		index_tail_release(&tail);
	}
	segment_drop_index(&scratch);
	return rc;
}

/* ---- from files ---- */

/* An index file in use. */
struct entries {
	int fd;
	const char *path;
	size_t count, size;
};

static bool read_entry(const struct entries *entries, size_t i, uint8_t *entry)
{
	return !read_at(entries->fd, entry, entries->size, i * entries->size, entries->path, NULL);
}

static bool entries_of(struct open_files *files, struct open_file *file, size_t size, struct entries *entries)
{
	struct stat status;
	if (open_file_use(files, file, false, &entries->fd, NULL))
		return false;
	if (fstat(entries->fd, &status) || (size_t)status.st_size % size) {
		open_file_done(files, file);
		return false;
	}
	entries->path = file->path;
	entries->count = (size_t)status.st_size / size;
	entries->size = size;
	return true;
}

/* How many entries at the front have a key of at most `most`; keys rise. The key is the entry's first 4 or 8 bytes. */
static bool count_up_to(const struct entries *entries, int64_t most, size_t *count)
{
	size_t low = 0, high = entries->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint8_t entry[TIME_ENTRY_SIZE];
		if (!read_entry(entries, middle, entry))
			return false;
		int64_t key = entries->size == TIME_ENTRY_SIZE ? (int64_t)tarn_get_be64(entry) : tarn_get_be32(entry);
		if (key <= most)
			low = middle + 1;
		else
			high = middle;
	}
	*count = low;
	return true;
}

/* The batch at `position`, its header alone. */
static bool header_at(struct segment *segment, uint64_t size, uint64_t position, struct tarn_batch *batch)
{
	uint8_t header[TARN_BATCH_HEADER_SIZE];
	int fd;
	if (position > size || size - position < sizeof(header) ||
	    open_file_use(segment->files, &segment->log, false, &fd, NULL))
		return false;
	bool found = !read_at(fd, header, sizeof(header), position, segment->log.path, NULL);
	open_file_done(segment->files, &segment->log);
	uint64_t len = tarn_batch_length(header);
	return found && len <= size - position && !tarn_batch_parse_header(header, (size_t)len, batch, NULL);
}

/* False where the index is not there or says what is not so. */
static bool look_up(struct segment *segment, uint64_t size, int64_t offset, uint64_t *position)
{
	struct entries entries;
	size_t count;
	uint8_t entry[INDEX_ENTRY_SIZE];
	if (!entries_of(segment->files, &segment->index_file, INDEX_ENTRY_SIZE, &entries))
		return false;
	bool good = count_up_to(&entries, offset - segment->base, &count) &&
		    (!count || read_entry(&entries, count - 1, entry));
	open_file_done(segment->files, &segment->index_file);
	if (!good || !count) {
		*position = 0;
		return good;
	}
	struct tarn_batch batch;
	*position = tarn_get_be32(entry + 4);
	return header_at(segment, size, *position, &batch) &&
	       batch.base_offset + batch.last_offset_delta == segment->base + tarn_get_be32(entry);
}

enum tarn_rc segment_find(struct segment *segment, uint64_t size, int64_t offset, int64_t interval, uint64_t *position,
			  struct tarn_err *err)
{
	*position = 0;
	if (atomic_load(&segment->no_index) || look_up(segment, size, offset, position))
		return TARN_OK;
	enum tarn_rc rc = make_anew(segment, size, interval, err);
	if (!rc && !look_up(segment, size, offset, position))
		*position = 0;
	return rc;
}

/* The last entry with a timestamp of at most `most`: its timestamp and offset, and where to look for that; a timestamp
 * of -1 where there is none. False as above. */
static bool look_up_time(struct segment *segment, uint64_t size, int64_t most, int64_t *timestamp, int64_t *offset,
			 uint64_t *position)
{
	struct entries entries;
	size_t count;
	uint8_t entry[TIME_ENTRY_SIZE];
	if (!entries_of(segment->files, &segment->time_file, TIME_ENTRY_SIZE, &entries))
		return false;
	bool good = count_up_to(&entries, most, &count) && (!count || read_entry(&entries, count - 1, entry));
	open_file_done(segment->files, &segment->time_file);
	*timestamp = *offset = -1;
	*position = 0;
	if (!good || !count)
		return good;
	*timestamp = (int64_t)tarn_get_be64(entry);
	*offset = segment->base + tarn_get_be32(entry + 8);
	if (!look_up(segment, size, *offset, position))
		return false;
	struct tarn_batch batch;
	for (uint64_t at = *position;; at += batch.bytes.len) {
		if (!header_at(segment, size, at, &batch))
			return false;
		if (batch.base_offset + batch.last_offset_delta >= *offset)
			return batch.base_offset + batch.last_offset_delta == *offset &&
			       batch.max_timestamp == *timestamp;
	}
}

static enum tarn_rc sure_look_up_time(struct segment *segment, uint64_t size, int64_t most, int64_t interval,
				      int64_t *timestamp, int64_t *offset, uint64_t *position, struct tarn_err *err)
{
	if (look_up_time(segment, size, most, timestamp, offset, position))
		return TARN_OK;
	enum tarn_rc rc = make_anew(segment, size, interval, err);
	if (!rc && !look_up_time(segment, size, most, timestamp, offset, position))
		rc = tarn_fail(err, TARN_EIO, "\"%s\" does not keep what is written to it", segment->time_file.path);
	return rc;
}

enum tarn_rc segment_find_time(struct segment *segment, uint64_t size, int64_t timestamp, int64_t interval,
			       uint64_t *position, struct tarn_err *err)
{
	int64_t before, offset;
	*position = 0;
	if (atomic_load(&segment->no_index))
		return TARN_OK;
	return sure_look_up_time(segment, size, timestamp - 1, interval, &before, &offset, position, err);
}

enum tarn_rc segment_max_time(struct segment *segment, uint64_t size, int64_t interval, int64_t *timestamp,
			      int64_t *offset, struct tarn_err *err)
{
	uint64_t position;
	if (atomic_load(&segment->no_index)) {
		struct segment scratch;
		enum tarn_rc rc = index_batches(segment, size, interval, &scratch, err);
		if (!rc) {
			*timestamp = scratch.max_time;
			*offset = scratch.max_time_offset;
		}
		segment_drop_index(&scratch);
		return rc;
	}
	return sure_look_up_time(segment, size, INT64_MAX, interval, timestamp, offset, &position, err);
}

static bool load_entries(struct open_files *files, struct open_file *file, size_t size, size_t count,
			 struct tarn_buf *out)
{
	struct entries entries;
	if (!entries_of(files, file, size, &entries))
		return !count;
	uint8_t *room = count ? tarn_buf_room(out, count * size) : NULL;
	bool good =
		!count || (count <= entries.count && !read_at(entries.fd, room, count * size, 0, entries.path, NULL));
	open_file_done(files, file);
	return good;
}

static void parse_index(struct segment *segment, const uint8_t *at, size_t count)
{
	segment->index = tarn_grow(segment->index, &segment->cap_index, count, sizeof(*segment->index));
	for (size_t i = 0; i < count; i++, at += INDEX_ENTRY_SIZE)
		segment->index[i] = (struct index_entry){ tarn_get_be32(at), tarn_get_be32(at + 4) };
	segment->n_index = segment->kept_index = count;
	segment->indexed = segment->index[count - 1].position;
}

static void parse_times(struct segment *segment, const uint8_t *at, size_t count)
{
	segment->times = tarn_grow(segment->times, &segment->cap_times, count, sizeof(*segment->times));
	for (size_t i = 0; i < count; i++, at += TIME_ENTRY_SIZE)
		segment->times[i] = (struct time_entry){ (int64_t)tarn_get_be64(at), tarn_get_be32(at + 8) };
	segment->n_times = segment->kept_times = count;
}

static bool rising(const struct segment *segment)
{
	for (size_t i = 1; i < segment->n_index; i++)
		if (segment->index[i].offset <= segment->index[i - 1].offset ||
		    segment->index[i].position <= segment->index[i - 1].position)
			return false;
	for (size_t i = 1; i < segment->n_times; i++)
		if (segment->times[i].timestamp <= segment->times[i - 1].timestamp)
			return false;
	return true;
}

bool segment_load_index(struct segment *segment, size_t n_index, size_t n_times)
{
	struct tarn_buf index, times;
	tarn_buf_init(&index, SIZE_MAX / 2);
	tarn_buf_init(&times, SIZE_MAX / 2);
	bool good = load_entries(segment->files, &segment->index_file, INDEX_ENTRY_SIZE, n_index, &index) &&
		    load_entries(segment->files, &segment->time_file, TIME_ENTRY_SIZE, n_times, &times);
	if (good && n_index)
		parse_index(segment, index.data, n_index);
	if (good && n_times)
		parse_times(segment, times.data, n_times);
	tarn_buf_release(&index);
	tarn_buf_release(&times);
	good = good && rising(segment);
	if (!good)
		segment_drop_index(segment);
	return good;
}
