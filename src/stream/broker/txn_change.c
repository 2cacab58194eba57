/* Changes of a transactional id. Each marks it busy, moves it in memory, appends its state, and waits for the disk
 * without the lock; who comes meanwhile is told CONCURRENT_TRANSACTIONS. After a failed write its partition of the
 * state topic takes no more writes until the log is opened anew, so that what memory has beyond the disk reaches
 * nobody. */
#include <stdlib.h>
#include <string.h>

#include "base/point.h"
#include "stream/broker/group_coordinator.h"
#include "stream/broker/topic_names.h"
#include "stream/broker/txn_inside.h"
#include "stream/broker/txn_log.h"

enum {
	LONGEST_TIMEOUT_MS = 15 * 60 * 1000, /* Kafka's transaction.max.timeout.ms */
	LAST_EPOCH = INT16_MAX - 1,	     /* behind it a new producer id is given out */
	COORDINATOR_EPOCH = 0,
};

/* ---- on disk ---- */

/* Appends the state as it is; under the lock. */
static enum tarn_rc append_state(struct tarn_transactions *all, struct tarn_txn *txn, int64_t *end,
				 struct tarn_err *err)
{
	const struct tarn_txn_facts facts = {
		.state = txn->state,
		.producer_id = txn->producer_id,
		.epoch = txn->epoch,
		.timeout_ms = txn->timeout_ms,
		.started_ms = txn->started_ms,
		.parts = txn->parts,
		.n_parts = txn->n_parts,
	};
	txn->updated_ms = all->broker->now_ms();
	return tarn_txn_log_append(all->topic, txn->id, &facts, txn->updated_ms, end, err);
}

/* Appends the state and waits until it is durable; called with the lock, which is open while it waits. */
static enum tarn_rc save_state(struct tarn_transactions *all, struct tarn_txn *txn, struct tarn_err *err)
{
	int64_t end;
	enum tarn_rc rc = append_state(all, txn, &end, err);
	pthread_mutex_unlock(&all->lock);
	if (!rc)
		rc = tarn_txn_log_wait(all->topic, end, err);
	pthread_mutex_lock(&all->lock);
	return rc;
}

/* ---- carrying out a decision ---- */

struct marked {
	struct tarn_topic *topic; /* with a reference; NULL: deleted */
	int64_t end;
};

static enum tarn_rc write_marker(struct tarn_transactions *all, const struct tarn_txn *txn,
				 const struct tarn_txn_part *part, struct marked *marked, struct tarn_err *err)
{
	struct tarn_append append;
	struct tarn_topic *topic = tarn_log_find_topic(all->broker->log, part->topic);
	struct tarn_partition *partition = topic ? tarn_topic_partition(topic, part->partition) : NULL;
	marked->topic = topic;
	marked->end = 0;
	if (!partition)
		return TARN_OK; /* the topic is gone, and what was written to it */
	tarn_partition_append_marker(partition, txn->producer_id, txn->epoch, txn->state == TARN_TXN_PREPARE_COMMIT,
				     COORDINATOR_EPOCH, &append);
	if (append.status == TARN_APPEND_DONE)
		marked->end = append.last_offset + 1;
	else if (append.status != TARN_APPEND_DELETED)
		return tarn_fail(err, TARN_EIO, "the end of a transaction cannot be written to %s-%d (status %d)",
				 part->topic, part->partition, append.status);
	return TARN_OK;
}

/* All markers first, then one wait for each: partitions sync side by side. */
static enum tarn_rc write_markers(struct tarn_transactions *all, const struct tarn_txn *txn, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	struct marked *marked = tarn_calloc(txn->n_parts + 1, sizeof(*marked));
	size_t n = 0;
	for (; !rc && n < txn->n_parts; n++)
		rc = write_marker(all, txn, &txn->parts[n], &marked[n], err);
	for (size_t i = 0; i < n; i++) {
		if (!rc && marked[i].end)
			rc = tarn_partition_wait_durable(tarn_topic_partition(marked[i].topic, txn->parts[i].partition),
							 marked[i].end, err);
		if (marked[i].topic)
			tarn_topic_unref(marked[i].topic);
	}
	free(marked);
	return rc;
}

static bool has_offsets(const struct tarn_txn *txn)
{
	for (size_t i = 0; i < txn->n_parts; i++)
		if (!strcmp(txn->parts[i].topic, TARN_OFFSETS_TOPIC))
			return true;
	return false;
}

/* The end itself needs no wait: were it lost, the decision before it would be carried out again, to the same effect,
 * and any later change of the same id is behind it in the same log. */
enum tarn_rc tarn_txn_complete(struct tarn_transactions *all, struct tarn_txn *txn, struct tarn_err *err)
{
	bool commit = txn->state == TARN_TXN_PREPARE_COMMIT;
	int64_t end;
	tarn_point("txn.decided");
	enum tarn_rc rc = write_markers(all, txn, err);
	if (rc)
		return rc;
	tarn_point("txn.marked");
	if (has_offsets(txn) && all->broker->groups)
		tarn_group_coordinator_txn_ended(all->broker->groups, txn->producer_id, commit);
	pthread_mutex_lock(&all->lock);
	tarn_txn_clear_parts(txn);
	txn->started_ms = -1;
	txn->state = commit ? TARN_TXN_COMPLETE_COMMIT : TARN_TXN_COMPLETE_ABORT;
	rc = append_state(all, txn, &end, err);
	pthread_mutex_unlock(&all->lock);
	return rc;
}

/* Decides and carries out; called with the lock, which is open while it waits. */
static enum tarn_rc finish(struct tarn_transactions *all, struct tarn_txn *txn, bool commit, struct tarn_err *err)
{
	txn->state = commit ? TARN_TXN_PREPARE_COMMIT : TARN_TXN_PREPARE_ABORT;
	while (txn->writing)
		pthread_cond_wait(&all->changed, &all->lock);
	enum tarn_rc rc = save_state(all, txn, err);
	if (rc)
		return rc;
	pthread_mutex_unlock(&all->lock);
	rc = tarn_txn_complete(all, txn, err);
	pthread_mutex_lock(&all->lock);
	return rc;
}

static enum tarn_rc fence(struct tarn_transactions *all, struct tarn_txn *txn, struct tarn_err *err)
{
	/* The last epoch is kept for this: a marker of a fenced producer. */
	txn->last_epoch = txn->epoch;
	if (txn->epoch < INT16_MAX)
		txn->epoch++;
	return finish(all, txn, false, err);
}

enum tarn_rc tarn_txn_fence(struct tarn_transactions *all, struct tarn_txn *txn, struct tarn_err *err)
{
	pthread_mutex_lock(&all->lock);
	enum tarn_rc rc = fence(all, txn, err);
	pthread_mutex_unlock(&all->lock);
	return rc;
}

/* ---- requests ---- */

static int16_t report(struct tarn_transactions *all, const struct tarn_txn *txn, const struct tarn_err *err)
{
	tarn_broker_say(all->broker, "transactional id \"%s\": %s", txn->id, err->message);
	return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
}

/* An id whose first producer id could not be given out has none, and nobody may pass for it by saying "none". */
static bool is_of(const struct tarn_txn *txn, const struct tarn_txn_producer *producer)
{
	return txn && producer->id >= 0 && txn->producer_id == producer->id;
}

/* Finds the id for a producer that may change it now; under the lock. */
static int16_t find_for(struct tarn_transactions *all, const struct tarn_txn_producer *producer,
			struct tarn_txn **found)
{
	struct tarn_txn *txn = tarn_txn_find(all, producer->transactional_id);
	if (!is_of(txn, producer))
		return TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING;
	if (txn->epoch != producer->epoch)
		return TARN_KAFKA_INVALID_PRODUCER_EPOCH;
	if (txn->busy)
		return TARN_KAFKA_CONCURRENT_TRANSACTIONS;
	*found = txn;
	return TARN_KAFKA_NONE;
}

static bool is_ending(const struct tarn_txn *txn)
{
	return txn->state == TARN_TXN_PREPARE_COMMIT || txn->state == TARN_TXN_PREPARE_ABORT;
}

/* What a request to begin anew says of the producer's past. *again: it is the retry of one that was answered. */
static int16_t check_past(const struct tarn_txn *txn, const struct tarn_txn_producer *producer, bool *again)
{
	*again = false;
	if (producer->id < 0)
		return TARN_KAFKA_NONE;
	if (txn->producer_id < 0)
		return TARN_KAFKA_NONE; /* the id was forgotten meanwhile */
	if (producer->id != txn->producer_id)
		return TARN_KAFKA_INVALID_PRODUCER_EPOCH;
	if (producer->epoch == txn->epoch)
		return TARN_KAFKA_NONE;
	*again = producer->epoch == txn->last_epoch && txn->state != TARN_TXN_ONGOING && !is_ending(txn);
	return *again ? TARN_KAFKA_NONE : TARN_KAFKA_INVALID_PRODUCER_EPOCH;
}

/* The next epoch, or a new producer id where there is none left; called with the lock, which may be open meanwhile. */
static enum tarn_rc renew(struct tarn_transactions *all, struct tarn_txn *txn, bool same_producer, struct tarn_err *err)
{
	if (txn->producer_id >= 0 && txn->epoch < LAST_EPOCH) {
		txn->last_epoch = same_producer ? txn->epoch : -1;
		txn->epoch++;
		return TARN_OK;
	}
	int64_t id;
	pthread_mutex_unlock(&all->lock);
	enum tarn_rc rc = tarn_log_new_producer_id(all->broker->log, &id, err);
	pthread_mutex_lock(&all->lock);
	if (rc)
		return rc;
	txn->producer_id = id;
	txn->epoch = 0;
	txn->last_epoch = -1;
	return TARN_OK;
}

static enum tarn_rc begin_anew(struct tarn_transactions *all, struct tarn_txn *txn, bool same_producer,
			       int32_t timeout_ms, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	if (txn->state == TARN_TXN_ONGOING)
		rc = fence(all, txn, err);
	else if (is_ending(txn)) {
		pthread_mutex_unlock(&all->lock);
		rc = tarn_txn_complete(all, txn, err);
		pthread_mutex_lock(&all->lock);
	}
	if (!rc)
		rc = renew(all, txn, same_producer, err);
	if (rc)
		return rc;
	txn->state = TARN_TXN_EMPTY;
	txn->timeout_ms = timeout_ms;
	txn->started_ms = -1;
	return save_state(all, txn, err);
}

int16_t tarn_transaction_init(struct tarn_transactions *all, struct tarn_txn_producer *producer, int32_t timeout_ms)
{
	struct tarn_err err;
	bool again;
	if (!*producer->transactional_id)
		return TARN_KAFKA_INVALID_REQUEST;
	if (timeout_ms <= 0 || timeout_ms > LONGEST_TIMEOUT_MS)
		return TARN_KAFKA_INVALID_TRANSACTION_TIMEOUT;
	pthread_mutex_lock(&all->lock);
	struct tarn_txn *txn = tarn_txn_find(all, producer->transactional_id);
	if (!txn)
		txn = tarn_txn_add(all, producer->transactional_id);
	int16_t error = txn->busy ? TARN_KAFKA_CONCURRENT_TRANSACTIONS : check_past(txn, producer, &again);
	if (!error && !again) {
		txn->busy = true;
		if (begin_anew(all, txn, producer->id >= 0, timeout_ms, &err))
			error = report(all, txn, &err);
		txn->busy = false;
	}
	if (!error) {
		producer->id = txn->producer_id;
		producer->epoch = txn->epoch;
	}
	pthread_mutex_unlock(&all->lock);
	return error;
}

static int16_t add_parts(struct tarn_transactions *all, struct tarn_txn *txn, const struct tarn_txn_part *parts,
			 size_t n)
{
	struct tarn_err err;
	int16_t error = TARN_KAFKA_NONE;
	bool is_new = txn->state != TARN_TXN_ONGOING;
	if (is_ending(txn))
		return TARN_KAFKA_CONCURRENT_TRANSACTIONS;
	bool changes = is_new;
	for (size_t i = 0; i < n; i++)
		changes |= tarn_txn_add_part(txn, &parts[i]);
	if (!changes)
		return TARN_KAFKA_NONE;
	if (is_new)
		txn->started_ms = all->broker->now_ms();
	txn->state = TARN_TXN_ONGOING;
	txn->busy = true;
	if (save_state(all, txn, &err))
		error = report(all, txn, &err);
	txn->busy = false;
	if (is_new)
		tarn_txn_watch_soon(all);
	return error;
}

int16_t tarn_transaction_add(struct tarn_transactions *all, const struct tarn_txn_producer *producer,
			     const struct tarn_txn_part *parts, size_t n)
{
	struct tarn_txn *txn;
	pthread_mutex_lock(&all->lock);
	int16_t error = find_for(all, producer, &txn);
	if (!error)
		error = add_parts(all, txn, parts, n);
	pthread_mutex_unlock(&all->lock);
	return error;
}

/* An end that was answered may be asked for again: the answer is the same. */
static int16_t check_end(const struct tarn_txn *txn, bool commit)
{
	switch (txn->state) {
	case TARN_TXN_ONGOING: return TARN_KAFKA_NONE;
	case TARN_TXN_PREPARE_COMMIT:
	case TARN_TXN_COMPLETE_COMMIT: return commit ? TARN_KAFKA_NONE : TARN_KAFKA_INVALID_TXN_STATE;
	case TARN_TXN_PREPARE_ABORT:
	case TARN_TXN_COMPLETE_ABORT: return commit ? TARN_KAFKA_INVALID_TXN_STATE : TARN_KAFKA_NONE;
	default: return TARN_KAFKA_INVALID_TXN_STATE;
	}
}

static int16_t end(struct tarn_transactions *all, struct tarn_txn *txn, bool commit)
{
	struct tarn_err err;
	enum tarn_rc rc = TARN_OK;
	int16_t error = check_end(txn, commit);
	if (error || txn->state == TARN_TXN_COMPLETE_COMMIT || txn->state == TARN_TXN_COMPLETE_ABORT)
		return error;
	txn->busy = true;
	if (txn->state == TARN_TXN_ONGOING)
		rc = finish(all, txn, commit, &err);
	else { /* decided before, and not carried out as the disk refused */
		pthread_mutex_unlock(&all->lock);
		rc = tarn_txn_complete(all, txn, &err);
		pthread_mutex_lock(&all->lock);
	}
	if (rc)
		error = report(all, txn, &err);
	txn->busy = false;
	return error;
}

int16_t tarn_transaction_end(struct tarn_transactions *all, const struct tarn_txn_producer *producer, bool commit)
{
	struct tarn_txn *txn;
	pthread_mutex_lock(&all->lock);
	int16_t error = find_for(all, producer, &txn);
	if (!error)
		error = end(all, txn, commit);
	pthread_mutex_unlock(&all->lock);
	return error;
}

/* ---- batches on their way ---- */

int16_t tarn_transaction_may_write(struct tarn_transactions *all, const struct tarn_txn_producer *producer,
				   const struct tarn_txn_part *part)
{
	int16_t error = TARN_KAFKA_NONE;
	pthread_mutex_lock(&all->lock);
	struct tarn_txn *txn = tarn_txn_find(all, producer->transactional_id);
	if (!is_of(txn, producer))
		error = TARN_KAFKA_INVALID_PRODUCER_ID_MAPPING;
	else if (txn->epoch != producer->epoch)
		error = TARN_KAFKA_INVALID_PRODUCER_EPOCH;
	else if (txn->state != TARN_TXN_ONGOING || !tarn_txn_has_part(txn, part))
		error = TARN_KAFKA_INVALID_TXN_STATE;
	else
		txn->writing++;
	pthread_mutex_unlock(&all->lock);
	return error;
}

void tarn_transaction_wrote(struct tarn_transactions *all, const char *transactional_id)
{
	pthread_mutex_lock(&all->lock);
	struct tarn_txn *txn = tarn_txn_find(all, transactional_id);
	if (txn && !--txn->writing)
		pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock);
}
