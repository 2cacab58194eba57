/* One segment of a partition: a file of record batches and its two indexes, laid out as Kafka's.
 *
 *   <base>.log        batches back to back; behind the last one of the segment that is appended to there may be zeros
 *                     (preallocate.c), which are not counted in `size`
 *   <base>.index      per entry: offset - base uint32, position uint32: the batch at `position` ends with that offset
 *   <base>.timeindex  per entry: timestamp int64, offset - base uint32: nothing up to that offset has a later timestamp
 *
 * An entry is written for every index.interval.bytes of log. Big-endian; entries rise. The indexes of the segment that
 * is appended to lie in memory, and in files only up to the last checkpoint; those of the others are read from their
 * files, which are made anew where they are missing or not true.
 *
 * Fields marked [p] are guarded by the partition's lock. */
#ifndef TARN_STREAM_LOG_SEGMENT_H
#define TARN_STREAM_LOG_SEGMENT_H

#include <stdatomic.h>

#include "stream/log/batch.h"
#include "stream/log/open_files.h"

enum { INDEX_ENTRY_SIZE = 8, TIME_ENTRY_SIZE = 12 };

struct index_entry {
	uint32_t offset; /* less the base */
	uint32_t position;
};
struct time_entry {
	int64_t timestamp;
	uint32_t offset; /* less the base */
};

struct segment {
	struct open_files *files;
	int64_t base;
	uint64_t serial; /* of this object: a segment that was compacted is another */
	atomic_int refs;
	atomic_bool retired;  /* segment_retire: `log` stays in use for good */
	atomic_bool no_index; /* the index files of its name are not its own any more */
	struct open_file log, index_file, time_file;

	uint64_t size;	    /* [p] of all batches */
	uint64_t zeros_end; /* [p] how far the file goes on with zeros; at most `size`: it does not */
	uint64_t changes;   /* [p] of the file, so far */
	int64_t next;	    /* [p] offset behind the last batch; known of the active one only, else -1 */
	int64_t first_time; /* [p] largest timestamp of the first batch, -1: none yet */
	int64_t written_ms; /* [p] wall clock of the last write */
	bool dirty;	    /* [p] not all is on disk; `log` is in use as long */
	bool in_memory;	    /* [p] the indexes below; as long as it is appended to, and until the files have them */

	struct index_entry *index;	       /* [p] */
	size_t n_index, cap_index, kept_index; /* kept: of them, how many the file has */
	struct time_entry *times;	       /* [p] */
	size_t n_times, cap_times, kept_times;
	uint64_t indexed;		   /* [p] where the batch of the newest entry lies */
	int64_t max_time, max_time_offset; /* [p] of all batches; -1: none, or not looked for yet */
};

/* `folder` is copied. Nothing is opened. One reference. */
struct segment *segment_new(struct open_files *files, const char *folder, int64_t base);
struct segment *segment_ref(struct segment *segment);
void segment_unref(struct segment *segment);

/* Before other files take its place, or none: who reads it goes on with the open one, and its index files go, as nobody
 * looks at them any more. TARN_EIO where it could not be opened; then whoever reads it now fails. */
enum tarn_rc segment_retire(struct segment *segment, struct tarn_err *err) TARN_MUST_CHECK;
/* Its files go. Nobody reads it. */
void segment_remove_files(struct segment *segment);

/* `log` was changed, which is to be synced. `log` is in use by the caller, who leaves that to the next sync: it must
 * see the errors of writing. */
void segment_mark_dirty(struct segment *segment);
/* Puts zeros behind the batches, up to `end`; what fails is undone as far as it can be. */
enum tarn_rc segment_preallocate(struct segment *segment, uint64_t end, struct tarn_err *err) TARN_MUST_CHECK;
/* Takes them away again. */
enum tarn_rc segment_trim(struct segment *segment, struct tarn_err *err) TARN_MUST_CHECK;

/* What an append or a recovery does to the indexes in memory: a batch now lies at `position`. */
void segment_note(struct segment *segment, const struct tarn_batch *batch, uint64_t position, int64_t interval);
/* The entry in memory from which on `offset` is found. */
uint64_t segment_floor(const struct segment *segment, int64_t offset);
/* What the index files lack, taken under the lock and written (durably) without it. `last`: with an entry for the
 * largest timestamp of all, as a segment has that is not appended to any more. */
struct index_tail {
	struct tarn_buf index, times;
	uint64_t index_at, times_at;
};
void index_tail_take(struct index_tail *tail, struct segment *segment, bool last);
void index_tail_release(struct index_tail *tail);
enum tarn_rc segment_write_index(struct segment *segment, const struct index_tail *tail,
				 struct tarn_err *err) TARN_MUST_CHECK;
void segment_drop_index(struct segment *segment);

/* The first entries of the files, into memory; false where they are not there or cannot be true. */
bool segment_load_index(struct segment *segment, size_t n_index, size_t n_times);

/* Of a segment whose index is not in memory: where to start to look for an offset, or for a timestamp. Makes the index
 * files anew if needed. */
enum tarn_rc segment_find(struct segment *segment, uint64_t size, int64_t offset, int64_t interval, uint64_t *position,
			  struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc segment_find_time(struct segment *segment, uint64_t size, int64_t timestamp, int64_t interval,
			       uint64_t *position, struct tarn_err *err) TARN_MUST_CHECK;
/* The largest timestamp and the last offset of its batch. */
enum tarn_rc segment_max_time(struct segment *segment, uint64_t size, int64_t interval, int64_t *timestamp,
			      int64_t *offset, struct tarn_err *err) TARN_MUST_CHECK;

/* Walks the batches of a file. */
struct segment_scan {
	int fd;
	const char *path;
	uint64_t position, end; /* of the next batch; of what may be read */
	bool whole; /* batch.bytes is the whole batch, and its checksum was looked at; else only the header counts */
	struct tarn_buf buf;
	uint64_t buf_at; /* position of buf.data */
};
void segment_scan_init(struct segment_scan *scan, int fd, const char *path, uint64_t from, uint64_t end, bool whole);
void segment_scan_release(struct segment_scan *scan);
/* TARN_ENOTFOUND at the end; TARN_EINVALID where no whole, unharmed batch lies at scan->position. The batch is valid
 * until the next call; scan->position is behind it. */
enum tarn_rc segment_scan_next(struct segment_scan *scan, struct tarn_batch *batch,
			       struct tarn_err *err) TARN_MUST_CHECK;

#endif
