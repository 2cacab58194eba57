#include "stream/log/producers.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/big_endian.h"
#include "stream/log/batch_layout.h"

enum { FIRST_BUCKETS = 16 };
enum { MARKER_ABORT = 0, MARKER_COMMIT = 1 };

void producers_init(struct producers *producers)
{
	*producers = (struct producers){ 0 };
}

void producers_clear(struct producers *producers)
{
	for (size_t i = 0; i < producers->n_buckets; i++) {
		while (producers->buckets[i]) {
			struct producer *producer = producers->buckets[i];
			producers->buckets[i] = producer->next;
			free(producer);
		}
	}
	producers->count = producers->n_open = producers->n_aborted = producers->n_ended = 0;
}

void producers_release(struct producers *producers)
{
	producers_clear(producers);
	free(producers->buckets);
	free(producers->aborted);
	free(producers->ended);
	producers_init(producers);
}

static struct producer **bucket_of(const struct producers *producers, int64_t id)
{
	return &producers->buckets[((uint64_t)id * 0x9e3779b97f4a7c15u >> 32) & (producers->n_buckets - 1)];
}

struct producer *producers_find(const struct producers *producers, int64_t id)
{
	if (!producers->n_buckets)
		return NULL;
	struct producer *producer = *bucket_of(producers, id);
	while (producer && producer->id != id)
		producer = producer->next;
	return producer;
}

static void grow(struct producers *producers)
{
	struct producers larger = { .n_buckets = producers->n_buckets ? 2 * producers->n_buckets : FIRST_BUCKETS };
	larger.buckets = tarn_calloc(larger.n_buckets, sizeof(struct producer *));
	for (size_t i = 0; i < producers->n_buckets; i++) {
		while (producers->buckets[i]) {
			struct producer *producer = producers->buckets[i];
			producers->buckets[i] = producer->next;
			struct producer **bucket = bucket_of(&larger, producer->id);
			producer->next = *bucket;
			*bucket = producer;
		}
	}
	free(producers->buckets);
	producers->buckets = larger.buckets;
	producers->n_buckets = larger.n_buckets;
}

static struct producer *find_or_add(struct producers *producers, int64_t id, int16_t epoch)
{
	struct producer *producer = producers_find(producers, id);
	if (producer)
		return producer;
	if (producers->count >= producers->n_buckets)
		grow(producers);
	producer = tarn_calloc(1, sizeof(*producer));
	*producer = (struct producer){ .id = id, .epoch = epoch, .coordinator_epoch = -1, .transaction_start = -1 };
	struct producer **bucket = bucket_of(producers, id);
	producer->next = *bucket;
	*bucket = producer;
	producers->count++;
	return producer;
}

/* Sequences count to the largest int32 and go on at 0. */
static int32_t sequence_plus(int32_t sequence, int32_t more)
{
	return (int32_t)(((uint32_t)sequence + (uint32_t)more) & INT32_MAX);
}

enum tarn_append_status producers_check(const struct producers *producers, const struct tarn_batch *batch,
					struct producer_batch *first)
{
	const struct producer *producer = producers_find(producers, batch->producer_id);
	if (!producer)
		return TARN_APPEND_DONE;
	if (batch->producer_epoch < producer->epoch)
		return TARN_APPEND_PRODUCER_FENCED;
	bool same_epoch = batch->producer_epoch == producer->epoch;
	int32_t last_sequence = sequence_plus(batch->base_sequence, batch->last_offset_delta);
	for (int32_t i = 0; same_epoch && batch->base_sequence >= 0 && i < producer->n_batches; i++) {
		const struct producer_batch *known = &producer->batches[i];
		if (known->first_sequence == batch->base_sequence && known->last_sequence == last_sequence) {
			*first = *known;
			return TARN_APPEND_DUPLICATE;
		}
	}
	if (producer->transaction_start >= 0 && !batch->transactional)
		return TARN_APPEND_TXN_STATE;
	if (batch->base_sequence < 0)
		return TARN_APPEND_DONE;
	if (!same_epoch)
		return batch->base_sequence ? TARN_APPEND_OUT_OF_ORDER : TARN_APPEND_DONE;
	if (!producer->n_batches)
		return TARN_APPEND_DONE;
	int32_t expected = sequence_plus(producer->batches[producer->n_batches - 1].last_sequence, 1);
	return batch->base_sequence == expected ? TARN_APPEND_DONE : TARN_APPEND_OUT_OF_ORDER;
}

bool tarn_batch_marker(const struct tarn_batch *batch, bool *commit, int32_t *coordinator_epoch)
{
	struct tarn_message message;
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	bool found = batch->control && !tarn_batch_reader_open(reader, batch, 1 << 16, NULL) &&
		     !tarn_batch_reader_next(reader, &message, NULL) && message.key.len >= 4;
	int type = found ? tarn_get_be16(message.key.data + 2) : -1;
	found = type == MARKER_ABORT || type == MARKER_COMMIT;
	if (found) {
		*commit = type == MARKER_COMMIT;
		*coordinator_epoch = message.value.len >= 6 ? (int32_t)tarn_get_be32(message.value.data + 2) : 0;
	}
	tarn_batch_reader_free(reader);
	return found;
}

static void apply_marker(struct producers *producers, const struct tarn_batch *batch, int64_t now)
{
	bool commit;
	int32_t coordinator_epoch;
	if (!tarn_batch_marker(batch, &commit, &coordinator_epoch))
		return;
	struct producer *producer = find_or_add(producers, batch->producer_id, batch->producer_epoch);
	if (batch->producer_epoch > producer->epoch) {
		producer->epoch = batch->producer_epoch;
		producer->n_batches = 0;
	}
	producer->coordinator_epoch = coordinator_epoch;
	producer->last_timestamp = now;
	if (producer->transaction_start < 0)
		return;
	producers->ended =
		tarn_grow(producers->ended, &producers->cap_ended, producers->n_ended + 1, sizeof(*producers->ended));
	producers->ended[producers->n_ended++] =
		(struct ended_transaction){ producer->transaction_start, batch->base_offset };
	if (!commit) {
		producers->aborted = tarn_grow(producers->aborted, &producers->cap_aborted, producers->n_aborted + 1,
					       sizeof(*producers->aborted));
		producers->aborted[producers->n_aborted++] =
			(struct aborted_transaction){ producer->id, producer->transaction_start, batch->base_offset };
	}
	producer->transaction_start = -1;
	producers->n_open--;
}

static void remember_batch(struct producer *producer, const struct tarn_batch *batch)
{
	if (producer->n_batches == PRODUCER_BATCHES)
		memmove(producer->batches, producer->batches + 1, --producer->n_batches * sizeof(*producer->batches));
	producer->batches[producer->n_batches++] = (struct producer_batch){
		.first_sequence = batch->base_sequence,
		.last_sequence = sequence_plus(batch->base_sequence, batch->last_offset_delta),
		.base_offset = batch->base_offset,
		.last_offset = batch->base_offset + batch->last_offset_delta,
		.timestamp = batch->max_timestamp,
	};
}

void producers_apply(struct producers *producers, const struct tarn_batch *batch, int64_t now)
{
	if (batch->producer_id < 0)
		return;
	if (batch->control) {
		apply_marker(producers, batch, now);
		return;
	}
	struct producer *producer = find_or_add(producers, batch->producer_id, batch->producer_epoch);
	if (batch->producer_epoch != producer->epoch)
		producer->n_batches = 0;
	producer->epoch = batch->producer_epoch;
	if (batch->base_sequence >= 0)
		remember_batch(producer, batch);
	producer->last_timestamp = now;
	if (batch->transactional && producer->transaction_start < 0) {
		producer->transaction_start = batch->base_offset;
		producers->n_open++;
	}
}

int64_t producers_last_stable(const struct producers *producers, int64_t high_watermark)
{
	int64_t stable = high_watermark;
	for (size_t i = 0; producers->n_open && i < producers->n_buckets; i++)
		for (const struct producer *at = producers->buckets[i]; at; at = at->next)
			if (at->transaction_start >= 0 && at->transaction_start < stable)
				stable = at->transaction_start;
	for (size_t i = 0; i < producers->n_ended; i++)
		if (producers->ended[i].marker_offset >= high_watermark && producers->ended[i].first_offset < stable)
			stable = producers->ended[i].first_offset;
	return stable;
}

void producers_durable(struct producers *producers, int64_t high_watermark)
{
	size_t kept = 0;
	for (size_t i = 0; i < producers->n_ended; i++)
		if (producers->ended[i].marker_offset >= high_watermark)
			producers->ended[kept++] = producers->ended[i];
	producers->n_ended = kept;
}

void producers_started(struct producers *producers, int64_t start)
{
	size_t gone = 0;
	while (gone < producers->n_aborted && producers->aborted[gone].marker_offset < start)
		gone++;
	if (!gone)
		return;
	producers->n_aborted -= gone;
	memmove(producers->aborted, producers->aborted + gone, producers->n_aborted * sizeof(*producers->aborted));
}

void producers_expire(struct producers *producers, int64_t timestamp)
{
	for (size_t i = 0; i < producers->n_buckets; i++) {
		for (struct producer **at = &producers->buckets[i]; *at;) {
			struct producer *producer = *at;
			if (producer->transaction_start >= 0 || producer->last_timestamp >= timestamp) {
				at = &producer->next;
				continue;
			}
			*at = producer->next;
			free(producer);
			producers->count--;
		}
	}
}

/* ---- kept on disk ---- */

static void put_batch(struct tarn_buf *out, const struct producer_batch *batch)
{
	tarn_buf_add_le32(out, (uint32_t)batch->first_sequence);
	tarn_buf_add_le32(out, (uint32_t)batch->last_sequence);
	tarn_buf_add_le64(out, (uint64_t)batch->base_offset);
	tarn_buf_add_le64(out, (uint64_t)batch->last_offset);
	tarn_buf_add_le64(out, (uint64_t)batch->timestamp);
}

static bool get_i32(struct tarn_cursor *cursor, int32_t *value)
{
	uint32_t raw;
	bool got = tarn_cursor_le32(cursor, &raw);
	if (got)
		*value = (int32_t)raw;
	return got;
}

static bool get_i64(struct tarn_cursor *cursor, int64_t *value)
{
	uint64_t raw;
	bool got = tarn_cursor_le64(cursor, &raw);
	if (got)
		*value = (int64_t)raw;
	return got;
}

static bool get_batch(struct tarn_cursor *cursor, struct producer_batch *batch)
{
	return get_i32(cursor, &batch->first_sequence) && get_i32(cursor, &batch->last_sequence) &&
	       get_i64(cursor, &batch->base_offset) && get_i64(cursor, &batch->last_offset) &&
	       get_i64(cursor, &batch->timestamp);
}

void producers_save(const struct producers *producers, struct tarn_buf *out)
{
	tarn_buf_add_le32(out, (uint32_t)producers->count);
	for (size_t i = 0; i < producers->n_buckets; i++) {
		for (const struct producer *at = producers->buckets[i]; at; at = at->next) {
			tarn_buf_add_le64(out, (uint64_t)at->id);
			tarn_buf_add_le32(out, (uint32_t)at->epoch);
			tarn_buf_add_le32(out, (uint32_t)at->coordinator_epoch);
			tarn_buf_add_le64(out, (uint64_t)at->transaction_start);
			tarn_buf_add_le64(out, (uint64_t)at->last_timestamp);
			tarn_buf_add_le32(out, (uint32_t)at->n_batches);
			for (int32_t k = 0; k < at->n_batches; k++)
				put_batch(out, &at->batches[k]);
		}
	}
	tarn_buf_add_le32(out, (uint32_t)producers->n_aborted);
	for (size_t i = 0; i < producers->n_aborted; i++) {
		tarn_buf_add_le64(out, (uint64_t)producers->aborted[i].producer_id);
		tarn_buf_add_le64(out, (uint64_t)producers->aborted[i].first_offset);
		tarn_buf_add_le64(out, (uint64_t)producers->aborted[i].marker_offset);
	}
}

static bool load_producer(struct producers *producers, struct tarn_cursor *cursor)
{
	struct producer found;
	int32_t epoch;
	if (!get_i64(cursor, &found.id) || !get_i32(cursor, &epoch) || !get_i32(cursor, &found.coordinator_epoch) ||
	    !get_i64(cursor, &found.transaction_start) || !get_i64(cursor, &found.last_timestamp) ||
	    !get_i32(cursor, &found.n_batches) || found.n_batches < 0 || found.n_batches > PRODUCER_BATCHES)
		return false;
	struct producer *producer = find_or_add(producers, found.id, (int16_t)epoch);
	producer->coordinator_epoch = found.coordinator_epoch;
	producer->transaction_start = found.transaction_start;
	producers->n_open += found.transaction_start >= 0;
	producer->last_timestamp = found.last_timestamp;
	producer->n_batches = found.n_batches;
	for (int32_t i = 0; i < found.n_batches; i++)
		if (!get_batch(cursor, &producer->batches[i]))
			return false;
	return true;
}

bool producers_load(struct producers *producers, struct tarn_cursor *cursor)
{
	uint32_t count;
	if (!tarn_cursor_le32(cursor, &count))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!load_producer(producers, cursor))
			return false;
	if (!tarn_cursor_le32(cursor, &count) || count > tarn_cursor_left(cursor) / 24)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct aborted_transaction gone;
		if (!get_i64(cursor, &gone.producer_id) || !get_i64(cursor, &gone.first_offset) ||
		    !get_i64(cursor, &gone.marker_offset))
			return false;
		producers->aborted = tarn_grow(producers->aborted, &producers->cap_aborted, producers->n_aborted + 1,
					       sizeof(*producers->aborted));
		producers->aborted[producers->n_aborted++] = gone;
	}
	return true;
}
