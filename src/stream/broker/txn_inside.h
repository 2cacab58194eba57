/* The inside of the transaction coordinator, shared by txn*.c. */
#ifndef TARN_STREAM_BROKER_TXN_INSIDE_H
#define TARN_STREAM_BROKER_TXN_INSIDE_H

#include <pthread.h>

#include "stream/broker/txn.h"

/* One transactional id. */
struct tarn_txn {
	struct tarn_txn *next; /* of its bucket */
	char *id;
	enum tarn_txn_state state;
	int64_t producer_id; /* -1: not given out yet */
	int16_t epoch;
	int16_t last_epoch; /* of the same producer before its last bump, which it may not have heard of; -1: none */
	int32_t timeout_ms;
	int64_t started_ms, updated_ms;
	struct tarn_txn_part *parts; /* sorted; their names are owned */
	size_t n_parts, parts_cap;
	bool busy;	/* a change is on its way to the disk: nobody else may change it */
	size_t writing; /* batches on their way into its partitions */
};

/* Lock order: `lock`, then the log's own. The lock is not held while the disk is waited for. */
struct tarn_transactions {
	struct tarn_broker *broker;
	struct tarn_topic *topic;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* `writing` became 0, or the watch over time has ended */
	struct tarn_txn **buckets;
	size_t n_buckets, n_txns; /* a power of two */
	struct tarn_timer timer;
	struct tarn_job job;
	bool job_runs, closing;
};

/* The table; under the lock. Parts: true where it was not there before. */
struct tarn_txn *tarn_txn_find(struct tarn_transactions *all, const char *id);
struct tarn_txn *tarn_txn_add(struct tarn_transactions *all, const char *id);
void tarn_txn_remove(struct tarn_transactions *all, struct tarn_txn *txn);
bool tarn_txn_has_part(const struct tarn_txn *txn, const struct tarn_txn_part *part);
bool tarn_txn_add_part(struct tarn_txn *txn, const struct tarn_txn_part *part);
void tarn_txn_clear_parts(struct tarn_txn *txn);

/* Carries out a decision that is on disk: markers, committed offsets, the end. The transaction is the caller's (busy),
 * or nobody else is there yet; the lock is not held. Waits. */
enum tarn_rc tarn_txn_complete(struct tarn_transactions *all, struct tarn_txn *txn,
			       struct tarn_err *err) TARN_MUST_CHECK;
/* Aborts a transaction and fences its producer. The transaction is the caller's (busy), and open. Waits. */
enum tarn_rc tarn_txn_fence(struct tarn_transactions *all, struct tarn_txn *txn, struct tarn_err *err) TARN_MUST_CHECK;

/* Transactions that take longer than they may are aborted; ids that nobody used for a week are forgotten. */
void tarn_txn_watch_time(struct tarn_transactions *all);
void tarn_txn_unwatch_time(struct tarn_transactions *all);
/* A transaction was begun: its time is to be watched. */
void tarn_txn_watch_soon(struct tarn_transactions *all);

#endif
