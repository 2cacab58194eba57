/* Transactions (KIP-98): the coordinator of all transactional ids of the broker.
 *
 * A producer with a transactional id gets a producer id and an epoch; an older epoch is fenced. A transaction is begun
 * by the first partition that is added, and ends in three durable steps: the decision (PrepareCommit, PrepareAbort) is
 * written to the topic __transaction_state, then a marker to every partition that took part, then the end
 * (CompleteCommit, CompleteAbort). A decision that is on disk is carried out also after a crash, when the coordinator
 * is opened again.
 *
 * Threads: any. Functions marked "waits" wait for the disk. */
#ifndef TARN_STREAM_BROKER_TXN_H
#define TARN_STREAM_BROKER_TXN_H

#include "stream/broker/call.h"
#include "stream/log/batch.h"

enum tarn_txn_state { /* numbers of Kafka's TransactionLogValue */
		      TARN_TXN_EMPTY = 0,
		      TARN_TXN_ONGOING = 1,
		      TARN_TXN_PREPARE_COMMIT = 2,
		      TARN_TXN_PREPARE_ABORT = 3,
		      TARN_TXN_COMPLETE_COMMIT = 4,
		      TARN_TXN_COMPLETE_ABORT = 5,
};
/* "Empty", "Ongoing", "PrepareCommit" and so on; "Unknown". */
const char *tarn_txn_state_name(enum tarn_txn_state state);

/* Reads the state topic, carries out what was decided, and watches timeouts. Called when broker->groups is there,
 * before clients are. Waits. */
enum tarn_rc tarn_transactions_open(struct tarn_broker *broker, struct tarn_transactions **transactions,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* No call may be under way, and the broker's workers may hold nothing of ours. NULL is fine. */
void tarn_transactions_close(struct tarn_transactions *transactions);

/* Who calls, as it says. */
struct tarn_txn_producer {
	const char *transactional_id;
	int64_t id;
	int16_t epoch;
};
struct tarn_txn_part {
	const char *topic;
	int32_t partition;
};

/* All of these return a Kafka error; INVALID_PRODUCER_EPOCH stands for every fenced epoch, and CONCURRENT_TRANSACTIONS
 * for "ask again". All wait. */

/* A new epoch; a transaction of the one before is aborted. producer->id is -1 or, with the epoch, the producer's own
 * (KIP-360); the new ones replace both. */
int16_t tarn_transaction_init(struct tarn_transactions *transactions, struct tarn_txn_producer *producer,
			      int32_t timeout_ms);
int16_t tarn_transaction_add(struct tarn_transactions *transactions, const struct tarn_txn_producer *producer,
			     const struct tarn_txn_part *parts, size_t n);
int16_t tarn_transaction_end(struct tarn_transactions *transactions, const struct tarn_txn_producer *producer,
			     bool commit);

/* Whether the producer may write to the partition in its open transaction. Where it may, the transaction does not end
 * before tarn_transaction_wrote is called: a batch that comes late can not slip in behind the marker. They do not wait.
 */
int16_t tarn_transaction_may_write(struct tarn_transactions *transactions, const struct tarn_txn_producer *producer,
				   const struct tarn_txn_part *part);
void tarn_transaction_wrote(struct tarn_transactions *transactions, const char *transactional_id);

/* What is known of a transactional id, for DescribeTransactions and ListTransactions. */
struct tarn_txn_facts {
	const char *transactional_id;
	enum tarn_txn_state state;
	int64_t producer_id;
	int16_t epoch;
	int32_t timeout_ms;
	int64_t started_ms;	     /* -1: no transaction is open */
	struct tarn_txn_part *parts; /* by topic and partition */
	size_t n_parts;
};
/* Everything from the arena. NULL where there is no such id. */
struct tarn_txn_facts *tarn_transaction_find(struct tarn_transactions *transactions, const char *transactional_id,
					     struct tarn_arena *arena);
size_t tarn_transaction_list(struct tarn_transactions *transactions, struct tarn_arena *arena,
			     struct tarn_txn_facts **facts);

#endif
