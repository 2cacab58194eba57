#include "stream/broker/txn.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/point.h"
#include "stream/broker/txn_inside.h"
#include "stream/broker/txn_log.h"

const char *tarn_txn_state_name(enum tarn_txn_state state)
{
	static const char *const names[] = { "Empty",	     "Ongoing",	       "PrepareCommit",
					     "PrepareAbort", "CompleteCommit", "CompleteAbort" };
	return (size_t)state < sizeof(names) / sizeof(*names) ? names[state] : "Unknown";
}

/* ---- the table of transactional ids; under the lock ---- */

static struct tarn_txn **bucket_of(struct tarn_transactions *all, const char *id)
{
	return &all->buckets[tarn_hash64(tarn_slice_str(id)) & (all->n_buckets - 1)];
}

struct tarn_txn *tarn_txn_find(struct tarn_transactions *all, const char *id)
{
	struct tarn_txn *txn = *bucket_of(all, id);
	while (txn && strcmp(txn->id, id))
		txn = txn->next;
	return txn;
}

static void grow(struct tarn_transactions *all)
{
	struct tarn_txn **old = all->buckets;
	size_t n = all->n_buckets;
	all->n_buckets = n ? 2 * n : 64;
	all->buckets = tarn_calloc(all->n_buckets, sizeof(*all->buckets));
	for (size_t i = 0; i < n; i++)
		for (struct tarn_txn *txn = old[i], *next; txn; txn = next) {
			struct tarn_txn **bucket = bucket_of(all, txn->id);
			next = txn->next;
			txn->next = *bucket;
			*bucket = txn;
		}
	free(old);
}

struct tarn_txn *tarn_txn_add(struct tarn_transactions *all, const char *id)
{
	if (all->n_txns >= all->n_buckets)
		grow(all);
	struct tarn_txn **bucket = bucket_of(all, id);
	struct tarn_txn *txn = tarn_calloc(1, sizeof(*txn));
	txn->id = tarn_strdup(id);
	txn->producer_id = -1;
	txn->epoch = txn->last_epoch = -1;
	txn->started_ms = -1;
	txn->next = *bucket;
	*bucket = txn;
	all->n_txns++;
	return txn;
}

void tarn_txn_clear_parts(struct tarn_txn *txn)
{
	for (size_t i = 0; i < txn->n_parts; i++)
		free((char *)(uintptr_t)txn->parts[i].topic);
	txn->n_parts = 0;
}

void tarn_txn_remove(struct tarn_transactions *all, struct tarn_txn *txn)
{
	struct tarn_txn **at = bucket_of(all, txn->id);
	while (*at != txn)
		at = &(*at)->next;
	*at = txn->next;
	all->n_txns--;
	tarn_txn_clear_parts(txn);
	free(txn->parts);
	free(txn->id);
	free(txn);
}

/* ---- the partitions of a transaction, sorted ---- */

static int compare_parts(const struct tarn_txn_part *a, const struct tarn_txn_part *b)
{
	int order = strcmp(a->topic, b->topic);
	return order ? order : (a->partition > b->partition) - (a->partition < b->partition);
}

/* Where the part is, or where it would have to be. */
static size_t place_of(const struct tarn_txn *txn, const struct tarn_txn_part *part)
{
	size_t low = 0, high = txn->n_parts;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (compare_parts(&txn->parts[middle], part) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool tarn_txn_has_part(const struct tarn_txn *txn, const struct tarn_txn_part *part)
{
	size_t place = place_of(txn, part);
	return place < txn->n_parts && !compare_parts(&txn->parts[place], part);
}

bool tarn_txn_add_part(struct tarn_txn *txn, const struct tarn_txn_part *part)
{
	size_t place = place_of(txn, part);
	if (place < txn->n_parts && !compare_parts(&txn->parts[place], part))
		return false;
	txn->parts = tarn_grow(txn->parts, &txn->parts_cap, txn->n_parts + 1, sizeof(*txn->parts));
	memmove(&txn->parts[place + 1], &txn->parts[place], (txn->n_parts - place) * sizeof(*txn->parts));
	txn->parts[place] = (struct tarn_txn_part){ tarn_strdup(part->topic), part->partition };
	txn->n_parts++;
	return true;
}

/* ---- what others may know ---- */

static void copy_facts(const struct tarn_txn *txn, struct tarn_arena *arena, struct tarn_txn_facts *facts)
{
	*facts = (struct tarn_txn_facts){
		.transactional_id = tarn_arena_strdup(arena, txn->id),
		.state = txn->state,
		.producer_id = txn->producer_id,
		.epoch = txn->epoch,
		.timeout_ms = txn->timeout_ms,
		.started_ms = txn->started_ms,
		.parts = tarn_arena_alloc(arena, (txn->n_parts + 1) * sizeof(*facts->parts)),
		.n_parts = txn->n_parts,
	};
	for (size_t i = 0; i < txn->n_parts; i++)
		facts->parts[i] = (struct tarn_txn_part){ tarn_arena_strdup(arena, txn->parts[i].topic),
							  txn->parts[i].partition };
}

struct tarn_txn_facts *tarn_transaction_find(struct tarn_transactions *all, const char *transactional_id,
					     struct tarn_arena *arena)
{
	struct tarn_txn_facts *facts = NULL;
	pthread_mutex_lock(&all->lock);
	struct tarn_txn *txn = tarn_txn_find(all, transactional_id);
	if (txn) {
		facts = tarn_arena_alloc(arena, sizeof(*facts));
		copy_facts(txn, arena, facts);
	}
	pthread_mutex_unlock(&all->lock);
	return facts;
}

size_t tarn_transaction_list(struct tarn_transactions *all, struct tarn_arena *arena, struct tarn_txn_facts **facts)
{
	size_t n = 0;
	pthread_mutex_lock(&all->lock);
	*facts = tarn_arena_alloc(arena, (all->n_txns + 1) * sizeof(**facts));
	for (size_t i = 0; i < all->n_buckets; i++)
		for (struct tarn_txn *txn = all->buckets[i]; txn; txn = txn->next)
			copy_facts(txn, arena, &(*facts)[n++]);
	pthread_mutex_unlock(&all->lock);
	return n;
}

/* ---- opening and closing ---- */

static void take_record(void *context, const char *id, const struct tarn_txn_facts *facts, int64_t updated_ms)
{
	struct tarn_transactions *all = context;
	struct tarn_txn *txn = tarn_txn_find(all, id);
	if (!facts) {
		if (txn)
			tarn_txn_remove(all, txn);
		return;
	}
	if (!txn)
		txn = tarn_txn_add(all, id);
	txn->state = facts->state;
	txn->producer_id = facts->producer_id;
	txn->epoch = facts->epoch;
	txn->timeout_ms = facts->timeout_ms;
	txn->started_ms = facts->started_ms;
	txn->updated_ms = updated_ms;
	tarn_txn_clear_parts(txn);
	for (size_t i = 0; i < facts->n_parts; i++)
		tarn_txn_add_part(txn, &facts->parts[i]);
}

/* What was decided before the end of the last process is carried out before anybody can ask. */
static enum tarn_rc carry_out(struct tarn_transactions *all, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < all->n_buckets; i++)
		for (struct tarn_txn *txn = all->buckets[i]; !rc && txn; txn = txn->next)
			if (txn->state == TARN_TXN_PREPARE_COMMIT || txn->state == TARN_TXN_PREPARE_ABORT)
				rc = tarn_txn_complete(all, txn, err);
	return rc;
}

enum tarn_rc tarn_transactions_open(struct tarn_broker *broker, struct tarn_transactions **transactions,
				    struct tarn_err *err)
{
	struct tarn_transactions *all = tarn_calloc(1, sizeof(*all));
	all->broker = broker;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->changed, NULL);
	grow(all);
	enum tarn_rc rc = tarn_txn_log_open(broker->log, &all->topic, err);
	if (!rc)
		rc = tarn_txn_log_read(all->topic, take_record, all, err);
	if (!rc)
		rc = carry_out(all, err);
	if (rc) {
		tarn_transactions_close(all);
		return tarn_err_within(err, rc, "transactions");
	}
	tarn_txn_watch_time(all);
	*transactions = all;
	return TARN_OK;
}

void tarn_transactions_close(struct tarn_transactions *all)
{
	if (!all)
		return;
	tarn_txn_unwatch_time(all);
	for (size_t i = 0; i < all->n_buckets; i++)
		while (all->buckets[i])
			tarn_txn_remove(all, all->buckets[i]);
	free(all->buckets);
	if (all->topic)
		tarn_topic_unref(all->topic);
	pthread_cond_destroy(&all->changed);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
