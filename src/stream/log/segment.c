#include "stream/log/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stream/log/batch_layout.h"

enum { SCAN_STEP = 256 << 10, ZEROS_STEP = 64 << 10 };

struct segment *segment_new(struct open_files *files, const char *folder, int64_t base)
{
	static atomic_uint_fast64_t serials;
	struct segment *segment = tarn_calloc(1, sizeof(*segment));
	segment->files = files;
	segment->base = base;
	segment->serial = atomic_fetch_add(&serials, 1);
	atomic_init(&segment->refs, 1);
	open_file_init(&segment->log, tarn_asprintf("%s/%020lld.log", folder, (long long)base));
	open_file_init(&segment->index_file, tarn_asprintf("%s/%020lld.index", folder, (long long)base));
	open_file_init(&segment->time_file, tarn_asprintf("%s/%020lld.timeindex", folder, (long long)base));
	segment->next = segment->first_time = segment->max_time = segment->max_time_offset = -1;
	return segment;
}

struct segment *segment_ref(struct segment *segment)
{
	atomic_fetch_add(&segment->refs, 1);
	return segment;
}

void segment_unref(struct segment *segment)
{
	if (!segment || atomic_fetch_sub(&segment->refs, 1) != 1)
		return;
	if (segment->dirty)
		open_file_done(segment->files, &segment->log);
	if (atomic_load(&segment->retired))
		open_file_done(segment->files, &segment->log);
	open_file_release(segment->files, &segment->log);
	open_file_release(segment->files, &segment->index_file);
	open_file_release(segment->files, &segment->time_file);
	segment_drop_index(segment);
	free(segment);
}

enum tarn_rc segment_retire(struct segment *segment, struct tarn_err *err)
{
	int fd;
	if (atomic_load(&segment->retired))
		return TARN_OK;
	enum tarn_rc rc = open_file_use(segment->files, &segment->log, false, &fd, err);
	if (rc)
		return rc;
	atomic_store(&segment->retired, true);
	atomic_store(&segment->no_index, true);
	const char *const paths[] = { segment->index_file.path, segment->time_file.path };
	for (size_t i = 0; i < 2 && !rc; i++)
		if (unlink(paths[i]) && errno != ENOENT)
			rc = tarn_fail_errno(err, "\"%s\"", paths[i]);
	return rc;
}

void segment_remove_files(struct segment *segment)
{
	unlink(segment->index_file.path);
	unlink(segment->time_file.path);
	unlink(segment->log.path);
}

/* ---- room ahead ---- */

void segment_mark_dirty(struct segment *segment)
{
	if (segment->dirty)
		open_file_done(segment->files, &segment->log);
	segment->dirty = true;
	segment->changes++;
}

static enum tarn_rc cut_zeros(struct segment *segment, int fd, struct tarn_err *err)
{
	if (ftruncate(fd, (off_t)segment->size))
		return tarn_fail_errno(err, "\"%s\"", segment->log.path);
	segment->zeros_end = 0;
	return TARN_OK;
}

enum tarn_rc segment_preallocate(struct segment *segment, uint64_t end, struct tarn_err *err)
{
	static const uint8_t zeros[ZEROS_STEP];
	uint64_t at = segment->zeros_end > segment->size ? segment->zeros_end : segment->size;
	int fd;
	enum tarn_rc rc = open_file_use(segment->files, &segment->log, false, &fd, err);
	if (rc)
		return rc;
	segment->zeros_end = end;
	for (; at < end && !rc; at += ZEROS_STEP) {
		size_t len = end - at < ZEROS_STEP ? (size_t)(end - at) : ZEROS_STEP;
		rc = write_at(fd, zeros, len, at, segment->log.path, err);
	}
	if (rc) {
		enum tarn_rc undone = cut_zeros(segment, fd, NULL);
		(void)undone; /* then they stay, and whoever trims the segment tries again */
	}
	segment_mark_dirty(segment);
	return rc;
}

enum tarn_rc segment_trim(struct segment *segment, struct tarn_err *err)
{
	int fd;
	if (segment->zeros_end <= segment->size)
		return TARN_OK;
	enum tarn_rc rc = open_file_use(segment->files, &segment->log, false, &fd, err);
	if (rc)
		return rc;
	rc = cut_zeros(segment, fd, err);
	segment_mark_dirty(segment);
	return rc;
}

/* ---- walking ---- */

void segment_scan_init(struct segment_scan *scan, int fd, const char *path, uint64_t from, uint64_t end, bool whole)
{
	*scan = (struct segment_scan){ .fd = fd, .path = path, .position = from, .end = end, .whole = whole };
	tarn_buf_init(&scan->buf, SIZE_MAX / 2);
}

void segment_scan_release(struct segment_scan *scan)
{
	tarn_buf_release(&scan->buf);
}

/* At least `len` bytes from scan->position on; the caller knows that so many are before the end. */
static enum tarn_rc fill(struct segment_scan *scan, size_t len, struct tarn_err *err)
{
	uint64_t have_to = scan->buf_at + scan->buf.len;
	if (scan->position >= scan->buf_at && scan->position + len <= have_to)
		return TARN_OK;
	uint64_t left = scan->end - scan->position;
	size_t wanted = len > SCAN_STEP ? len : SCAN_STEP;
	if (wanted > left)
		wanted = (size_t)left;
	tarn_buf_clear(&scan->buf);
	scan->buf_at = scan->position;
	uint8_t *room = tarn_buf_room(&scan->buf, wanted);
	enum tarn_rc rc = read_at(scan->fd, room, wanted, scan->position, scan->path, err);
	if (!rc)
		scan->buf.len = wanted;
	return rc;
}

static const uint8_t *scan_data(const struct segment_scan *scan)
{
	return scan->buf.data + (scan->position - scan->buf_at);
}

enum tarn_rc segment_scan_next(struct segment_scan *scan, struct tarn_batch *batch, struct tarn_err *err)
{
	uint64_t left = scan->end - scan->position;
	if (!left)
		return tarn_fail(err, TARN_ENOTFOUND, "no more batches");
	if (left < TARN_BATCH_HEADER_SIZE)
		return tarn_fail_at(err, TARN_EINVALID, (int64_t)scan->position, "\"%s\": a batch is cut", scan->path);
	enum tarn_rc rc = fill(scan, TARN_BATCH_HEADER_SIZE, err);
	if (rc)
		return rc;
	uint64_t len = tarn_batch_length(scan_data(scan));
	if (len < TARN_BATCH_HEADER_SIZE || len > left)
		return tarn_fail_at(err, TARN_EINVALID, (int64_t)scan->position, "\"%s\": a batch is cut", scan->path);
	if (scan->whole && (rc = fill(scan, (size_t)len, err)))
		return rc;
	rc = tarn_batch_parse_header(scan_data(scan), (size_t)len, batch, err);
	if (!rc && scan->whole && !tarn_batch_crc_ok(batch))
		rc = tarn_fail(err, TARN_EINVALID, "a batch fails its checksum");
	if (rc) {
		if (err)
			err->position = (int64_t)scan->position;
		return tarn_err_within(err, rc, "\"%s\"", scan->path);
	}
	scan->position += len;
	return TARN_OK;
}
