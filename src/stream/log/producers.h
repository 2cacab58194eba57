/* What a partition remembers of its producers: sequences (idempotence), open transactions, aborted ones. All under the
 * partition's lock. (KIP-98) */
#ifndef TARN_STREAM_LOG_PRODUCERS_H
#define TARN_STREAM_LOG_PRODUCERS_H

#include "stream/log/batch.h"
#include "stream/log/log.h"

enum { PRODUCER_BATCHES = 5 }; /* clients may have so many requests under way */

struct producer_batch {
	int32_t first_sequence, last_sequence;
	int64_t base_offset, last_offset, timestamp;
};

struct producer {
	int64_t id;
	int16_t epoch;
	int32_t coordinator_epoch;
	int64_t transaction_start; /* -1: none is open */
	int64_t last_timestamp; /* wall clock, not that of its records: these may be old */
	int32_t n_batches; /* the newest last */
	struct producer_batch batches[PRODUCER_BATCHES];
	struct producer *next; /* of the same bucket */
};

struct aborted_transaction {
	int64_t producer_id, first_offset, marker_offset;
};

/* A transaction that has ended, but whose marker is not durable yet. */
struct ended_transaction {
	int64_t first_offset, marker_offset;
};

struct producers {
	struct producer **buckets;
	size_t n_buckets, count;
	size_t n_open;			     /* transactions */
	struct aborted_transaction *aborted; /* by rising marker */
	size_t n_aborted, cap_aborted;
	struct ended_transaction *ended;
	size_t n_ended, cap_ended;
};

void producers_init(struct producers *producers);
void producers_release(struct producers *producers);
void producers_clear(struct producers *producers);
struct producer *producers_find(const struct producers *producers, int64_t id);

/* May this batch be appended? TARN_APPEND_DONE: yes. TARN_APPEND_DUPLICATE: *first is where it was the first time. */
enum tarn_append_status producers_check(const struct producers *producers, const struct tarn_batch *batch,
					struct producer_batch *first);
/* A batch, marker or not, that is in the log at batch->base_offset. A marker's key says how its transaction ended. `now`: the
 * wall clock. */
void producers_apply(struct producers *producers, const struct tarn_batch *batch, int64_t now);
/* The type in the key of a control batch: false where it is none that ends a transaction. */
bool tarn_batch_marker(const struct tarn_batch *batch, bool *commit, int32_t *coordinator_epoch);

/* The first offset of a transaction that is open, or whose end lies at `high_watermark` or above; else high_watermark.
 */
int64_t producers_last_stable(const struct producers *producers, int64_t high_watermark);
/* Forgets ended transactions whose markers are below. */
void producers_durable(struct producers *producers, int64_t high_watermark);
/* Forgets aborted transactions that ended before `start`. */
void producers_started(struct producers *producers, int64_t start);
/* Forgets producers that were last heard of before `timestamp`, unless a transaction of theirs is open. */
void producers_expire(struct producers *producers, int64_t timestamp);

/* Appends all of it, or reads it back into an empty one (false: cut). */
void producers_save(const struct producers *producers, struct tarn_buf *out);
bool producers_load(struct producers *producers, struct tarn_cursor *cursor);

#endif
