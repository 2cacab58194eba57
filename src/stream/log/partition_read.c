#include <stdlib.h>

#include "base/alloc.h"
#include "stream/log/batch_layout.h"
#include "stream/log/log_parts.h"

/* Where reading goes on, taken under the lock. */
struct place {
	struct segment *segment; /* with a reference; NULL: nothing left */
	uint64_t size;		 /* of it, as far as whole batches go */
	uint64_t position;
	bool within;  /* not even the first batch may be longer than asked for */
	bool exact;   /* the wanted batch is at `position`; else there or behind it */
	bool look_up; /* position is not known yet */
};

static int64_t readable_end(const struct tarn_partition *partition, enum tarn_isolation isolation)
{
	switch (isolation) {
	case TARN_READ_ALL: return partition->end;
	case TARN_READ_UNCOMMITTED: return partition->high_watermark;
	case TARN_READ_COMMITTED: return producers_last_stable(&partition->producers, partition->high_watermark);
	}
	return partition->start;
}

static bool take_hint(const struct tarn_partition *partition, int64_t offset, struct place *place)
{
	for (int i = 0; i < READ_HINTS; i++) {
		const struct read_hint *hint = &partition->hints[i];
		if (hint->serial != place->segment->serial || hint->offset != offset || hint->position >= place->size)
			continue;
		place->position = hint->position;
		return true;
	}
	return false;
}

static void keep_hint(struct tarn_partition *partition, int64_t offset, const struct segment *segment,
		      uint64_t position)
{
	partition->hints[partition->next_hint++ % READ_HINTS] = (struct read_hint){ offset, segment->serial, position };
}

static void find_place(const struct tarn_partition *partition, int64_t offset, struct place *place)
{
	size_t i = partition_segment_of(partition, offset);
	while (i < partition->n_segments && !partition->segments[i]->size) /* emptied by compaction */
		i++;
	*place = (struct place){ 0 };
	if (i == partition->n_segments)
		return;
	place->segment = segment_ref(partition->segments[i]);
	place->size = place->segment->size;
	place->exact = offset <= place->segment->base || take_hint(partition, offset, place);
	if (place->exact)
		return;
	if (place->segment->in_memory)
		place->position = segment_floor(place->segment, offset);
	else
		place->look_up = true;
}

/* Goes from place->position on to the first batch that ends at `offset` or behind it. TARN_ENOTFOUND: none in this
 * segment. */
static enum tarn_rc walk_to(struct place *place, int fd, int64_t offset, struct tarn_err *err)
{
	struct segment_scan scan;
	struct tarn_batch batch;
	enum tarn_rc rc;
	segment_scan_init(&scan, fd, place->segment->log.path, place->position, place->size, false);
	while (!(rc = segment_scan_next(&scan, &batch, err))) {
		if (batch.base_offset + batch.last_offset_delta >= offset)
			break;
		place->position = scan.position;
	}
	segment_scan_release(&scan);
	return rc;
}

/* Whole batches at the front of `bytes` that begin below `limit`, at most `max` bytes but one in any case. *next moves
 * behind them. *wanted is set where the first one is longer than `bytes`. */
static enum tarn_rc take_batches(struct tarn_slice bytes, int64_t limit, size_t max, const char *path,
				 uint64_t position, size_t *taken, size_t *wanted, int64_t *next, struct tarn_err *err)
{
	*taken = *wanted = 0;
	while (bytes.len - *taken >= TARN_BATCH_HEADER_SIZE) {
		const uint8_t *at = bytes.data + *taken;
		uint64_t len = tarn_batch_length(at);
		struct tarn_batch batch;
		if (len < TARN_BATCH_HEADER_SIZE || len > INT32_MAX)
			return tarn_fail_at(err, TARN_EIO, (int64_t)(position + *taken), "\"%s\" is damaged", path);
		if ((int64_t)tarn_get_be64(at) >= limit || (*taken && *taken + len > max))
			break;
		if (len > bytes.len - *taken) {
			*wanted = *taken ? 0 : (size_t)len;
			break;
		}
		if (tarn_batch_parse(tarn_slice_of(at, (size_t)len), &batch, NULL) || !tarn_batch_crc_ok(&batch))
			return tarn_fail_at(err, TARN_EIO, (int64_t)(position + *taken),
					    "\"%s\" is damaged: a batch fails its checksum", path);
		*taken += (size_t)len;
		*next = batch.base_offset + batch.last_offset_delta + 1;
	}
	return TARN_OK;
}

static enum tarn_rc read_batches(struct place *place, int fd, int64_t limit, size_t max, struct tarn_buf *out,
				 int64_t *next, struct tarn_err *err)
{
	const char *path = place->segment->log.path;
	size_t len = max > TARN_BATCH_HEADER_SIZE ? max : TARN_BATCH_HEADER_SIZE, taken = 0, wanted = 0;
	do {
		uint64_t left = place->size - place->position;
		len = wanted ? wanted : len;
		if (len > left)
			len = (size_t)left;
		uint8_t *room = tarn_buf_room(out, len);
		if (!room)
			return tarn_fail(err, TARN_ELIMIT, "a batch of %zu bytes does not fit its buffer", len);
		enum tarn_rc rc = read_at(fd, room, len, place->position, path, err);
		if (rc)
			return rc == TARN_EINVALID ? tarn_err_within(err, TARN_EIO, "cut behind our back") : rc;
		bool again = wanted, cut = len < left;
		rc = take_batches(tarn_slice_of(room, len), limit, max, path, place->position, &taken, &wanted, next,
				  err);
		if (rc)
			return rc;
		if (wanted && cut && place->within)
			break;
		if ((wanted && (again || wanted > left)) || (len < TARN_BATCH_HEADER_SIZE && len))
			return tarn_fail_at(err, TARN_EIO, (int64_t)place->position,
					    "\"%s\" is damaged: a batch is cut", path);
	} while (wanted);
	out->len += taken;
	place->position += taken;
	return TARN_OK;
}

/* From one segment. Where it has nothing more for `offset`, *next stays as it is. */
static enum tarn_rc read_place(struct tarn_partition *partition, struct place *place, int64_t offset, int64_t limit,
			       size_t max, struct tarn_buf *out, int64_t *next, struct tarn_err *err)
{
	int64_t interval = topic_config(partition->topic)->number[TARN_TOPIC_INDEX_INTERVAL_BYTES];
	struct segment *segment = place->segment;
	enum tarn_rc rc = TARN_OK;
	int fd;
	if (place->look_up)
		rc = segment_find(segment, place->size, offset, interval, &place->position, err);
	if (!rc)
		rc = open_file_use(segment->files, &segment->log, false, &fd, err);
	if (rc)
		return rc == TARN_EINVALID ? TARN_EIO : rc;
	if (!place->exact)
		rc = walk_to(place, fd, offset, err);
	if (!rc)
		rc = read_batches(place, fd, limit, max, out, next, err);
	open_file_done(segment->files, &segment->log);
	if (rc == TARN_EINVALID)
		rc = tarn_err_within(err, TARN_EIO, "damaged");
	return rc;
}

static enum tarn_rc check_range(struct tarn_partition *partition, bool usable, int64_t offset, struct tarn_err *err)
{
	if (atomic_load(&partition->topic->deleted))
		return tarn_fail(err, TARN_ENOTFOUND, "topic \"%s\" is deleted", partition->topic->name);
	if (!usable)
		return tarn_fail(err, TARN_EIO, "partition \"%s-%d\" could not be opened", partition->topic->name,
				 partition->number);
	if (offset < partition->start || offset > partition->end)
		return tarn_fail(err, TARN_ENOTFOUND, "offset %lld of \"%s-%d\": expected %lld to %lld",
				 (long long)offset, partition->topic->name, partition->number,
				 (long long)partition->start, (long long)partition->end);
	return TARN_OK;
}

static enum tarn_rc read_from(struct tarn_partition *partition, int64_t offset, size_t max_bytes, bool within,
			      enum tarn_isolation isolation, struct tarn_buf *out, int64_t *next, struct tarn_err *err)
{
	bool usable = partition_lock(partition);
	enum tarn_rc rc = check_range(partition, usable, offset, err);
	int64_t limit = rc ? 0 : readable_end(partition, isolation), at = offset, sought = offset;
	size_t first = out->len;
	while (!rc && sought < limit) {
		struct place place;
		find_place(partition, sought, &place);
		if (!place.segment)
			break;
		place.within = within;
		pthread_mutex_unlock(&partition->lock);
		size_t before = out->len, left = out->len - first < max_bytes ? max_bytes - (out->len - first) : 0;
		int64_t reached = at;
		/* A batch that is there already is the one that may be larger than asked for. */
		if (before == first || left > TARN_BATCH_HEADER_SIZE)
			rc = read_place(partition, &place, sought, limit, left, out, &reached, err);
		bool whole = before > first && out->len - first > max_bytes;
		if (whole)
			out->len = before; /* of another segment, and too much */
		pthread_mutex_lock(&partition->lock);
		if (rc == TARN_ENOTFOUND) { /* compaction took the end of this segment */
			size_t i = partition_segment_of(partition, place.segment->base) + 1;
			sought = i < partition->n_segments ? partition->segments[i]->base : limit;
			rc = TARN_OK;
		} else if (!rc && out->len > before) {
			at = sought = reached;
			if (place.position < place.size || place.segment == active_segment(partition))
				keep_hint(partition, at, place.segment, place.position);
			if (place.position < place.size)
				limit = at; /* max_bytes is reached, or the end of what may be read */
		} else {
			limit = sought;
		}
		segment_unref(place.segment);
	}
	pthread_mutex_unlock(&partition->lock);
	if (rc && out->len > first) /* what was read before the damage is fine */
		rc = TARN_OK;
	if (!rc)
		*next = at;
	return rc;
}

enum tarn_rc tarn_partition_read(struct tarn_partition *partition, int64_t offset, size_t max_bytes,
				 enum tarn_isolation isolation, struct tarn_buf *out, int64_t *next,
				 struct tarn_err *err)
{
	return read_from(partition, offset, max_bytes, false, isolation, out, next, err);
}

enum tarn_rc tarn_partition_read_within(struct tarn_partition *partition, int64_t offset, size_t max_bytes,
					enum tarn_isolation isolation, struct tarn_buf *out, int64_t *next,
					struct tarn_err *err)
{
	return read_from(partition, offset, max_bytes, true, isolation, out, next, err);
}
