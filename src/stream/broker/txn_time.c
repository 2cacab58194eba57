#include <stdlib.h>

#include "stream/broker/txn_inside.h"
#include "stream/broker/txn_log.h"

enum { LOOK_MS = 1000, LOOK_SELDOM_MS = 3600 * 1000 };
static const int64_t forget_ms = INT64_C(7) * 24 * 3600 * 1000; /* Kafka's transactional.id.expiration.ms */

static bool is_late(const struct tarn_txn *txn, int64_t now)
{
	return txn->state == TARN_TXN_ONGOING && !txn->busy && now - txn->started_ms > txn->timeout_ms;
}

static bool is_forgotten(const struct tarn_txn *txn, int64_t now)
{
	bool is_idle = txn->state == TARN_TXN_EMPTY || txn->state == TARN_TXN_COMPLETE_COMMIT ||
		       txn->state == TARN_TXN_COMPLETE_ABORT;
	return is_idle && !txn->busy && !txn->writing && now - txn->updated_ms > forget_ms;
}

typedef bool (*txn_test)(const struct tarn_txn *txn, int64_t now);

/* Under the lock. */
static struct tarn_txn *find_first(struct tarn_transactions *all, txn_test test, int64_t now)
{
	for (size_t i = 0; i < all->n_buckets; i++)
		for (struct tarn_txn *txn = all->buckets[i]; txn; txn = txn->next)
			if (test(txn, now))
				return txn;
	return NULL;
}

static bool abort_late(struct tarn_transactions *all, struct tarn_txn *txn)
{
	struct tarn_err err;
	txn->busy = true;
	pthread_mutex_unlock(&all->lock);
	tarn_broker_say(all->broker, "transactional id \"%s\": aborted, as it took longer than %d ms", txn->id,
			txn->timeout_ms);
	enum tarn_rc rc = tarn_txn_fence(all, txn, &err);
	if (rc)
		tarn_broker_say(all->broker, "transactional id \"%s\": %s", txn->id, err.message);
	pthread_mutex_lock(&all->lock);
	txn->busy = false;
	return !rc;
}

static bool forget(struct tarn_transactions *all, struct tarn_txn *txn, int64_t now)
{
	struct tarn_err err;
	int64_t end;
	if (tarn_txn_log_append(all->topic, txn->id, NULL, now, &end, &err))
		return false;
	tarn_txn_remove(all, txn);
	return true;
}

static bool is_open(const struct tarn_txn *txn, int64_t now)
{
	(void)now;
	return txn->state == TARN_TXN_ONGOING;
}

/* On a worker. What fails is tried again at the next look. */
static void look(struct tarn_job *job)
{
	struct tarn_transactions *all =
		(struct tarn_transactions *)((char *)job - offsetof(struct tarn_transactions, job));
	struct tarn_txn *txn;
	int64_t now = all->broker->now_ms();
	pthread_mutex_lock(&all->lock);
	while (!all->closing && (txn = find_first(all, is_late, now)) && abort_late(all, txn))
		;
	while (!all->closing && (txn = find_first(all, is_forgotten, now)) && forget(all, txn, now))
		;
	all->job_runs = false;
	if (!all->closing)
		tarn_timer_set(all->broker, &all->timer, find_first(all, is_open, now) ? LOOK_MS : LOOK_SELDOM_MS);
	pthread_cond_broadcast(&all->changed);
	pthread_mutex_unlock(&all->lock);
}

static void fire(struct tarn_timer *timer)
{
	struct tarn_transactions *all =
		(struct tarn_transactions *)((char *)timer - offsetof(struct tarn_transactions, timer));
	pthread_mutex_lock(&all->lock);
	bool run = !all->job_runs && !all->closing;
	if (run)
		all->job_runs = true;
	pthread_mutex_unlock(&all->lock);
	if (run)
		tarn_broker_run(all->broker, &all->job);
}

void tarn_txn_watch_soon(struct tarn_transactions *all)
{
	if (!all->job_runs) /* which looks itself when the next one is due */
		tarn_timer_set(all->broker, &all->timer, LOOK_MS);
}

void tarn_txn_watch_time(struct tarn_transactions *all)
{
	all->timer.fire = fire;
	all->job.run = look;
	tarn_timer_set(all->broker, &all->timer, LOOK_MS);
}

void tarn_txn_unwatch_time(struct tarn_transactions *all)
{
	pthread_mutex_lock(&all->lock);
	all->closing = true;
	while (all->job_runs)
		pthread_cond_wait(&all->changed, &all->lock);
	pthread_mutex_unlock(&all->lock);
	if (all->timer.fire)
		tarn_timer_cancel(all->broker, &all->timer);
}
