/* The log's housekeeping thread. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/condition.h"
#include "stream/log/log_parts.h"

typedef void (*partition_work)(struct tarn_partition *partition, void *context);

static void for_partitions(struct tarn_log *log, partition_work work, void *context)
{
	struct tarn_topic **topics;
	size_t count = tarn_log_topics(log, &topics);
	for (size_t i = 0; i < count; i++) {
		const struct topic_shape *shape = atomic_load(&topics[i]->shape);
		for (int32_t k = 0; k < shape->n_partitions && !atomic_load(&log->stopping); k++)
			work(shape->partitions[k], context);
		tarn_topic_unref(topics[i]);
	}
	free(topics);
}

/* ---- flush.ms ---- */

struct flush {
	int64_t now, next; /* next: the earliest time that has not come; 0: none */
};

static void flush_partition(struct tarn_partition *partition, void *context)
{
	struct flush *flush = context;
	if (!atomic_load(&partition->loaded))
		return;
	pthread_mutex_lock(&partition->lock);
	int64_t at = partition->flush_at_ms;
	pthread_mutex_unlock(&partition->lock);
	if (at && at <= flush->now)
		sync_ask(partition, false);
	else if (at && (!flush->next || at < flush->next))
		flush->next = at;
}

static void flush_due(struct tarn_log *log, int64_t now)
{
	struct flush flush = { .now = now };
	for_partitions(log, flush_partition, &flush);
	if (flush.next)
		keeper_wake(log, flush.next);
}

/* ---- retention and compaction ---- */

static void warn_of(struct tarn_partition *partition, const char *what, const struct tarn_err *err)
{
	if (!atomic_load(&partition->topic->deleted))
		log_warn(partition->topic->log, "%s of \"%s-%d\" failed: %s", what, partition->topic->name,
			 partition->number, err->message);
}

/* Those that were silent since before `oldest`. */
static void expire_producers(struct tarn_partition *partition, int64_t oldest)
{
	if (partition_lock(partition))
		producers_expire(&partition->producers, oldest);
	pthread_mutex_unlock(&partition->lock);
}

/* What is too old, in wall clock: producers, and appends for which room is kept. */
struct horizons {
	int64_t producer, append;
};

static void retain_partition(struct tarn_partition *partition, void *context)
{
	struct tarn_err err;
	const struct horizons *horizons = context;
	if (topic_config(partition->topic)->delete &&partition_retain(partition, &err))
		warn_of(partition, "retention", &err);
	expire_producers(partition, horizons->producer);
	partition_trim_idle(partition, horizons->append);
}

static void compact_partition(struct tarn_partition *partition, void *context)
{
	struct tarn_err err;
	(void)context;
	if (topic_config(partition->topic)->compact && partition_compact(partition, &err))
		warn_of(partition, "compaction", &err);
}

/* ---- the thread ---- */

void keeper_wake(struct tarn_log *log, int64_t flush_at_ms)
{
	pthread_mutex_lock(&log->timer_lock);
	if (flush_at_ms && (!log->flush_ms || flush_at_ms < log->flush_ms))
		log->flush_ms = flush_at_ms;
	log->wake |= !flush_at_ms;
	pthread_cond_signal(&log->timer);
	pthread_mutex_unlock(&log->timer_lock);
}

/* What the keeper does and when; times are of the monotonic clock, so that setting the clock delays nothing. */
struct chores {
	int64_t retain_at, clean_at;
};

static int64_t monotonic_ms(void)
{
	return tarn_monotonic_ns() / 1000000;
}

/* Does what is due; false where nothing was. Called and left with timer_lock held. */
static bool do_chores(struct tarn_log *log, struct chores *chores)
{
	int64_t now = log_now_ms(), tick = monotonic_ms();
	bool flush = log->flush_ms && log->flush_ms <= now, bury = log->wake;
	bool retain = tick >= chores->retain_at, clean = tick >= chores->clean_at;
	if (!flush && !bury && !retain && !clean)
		return false;
	log->wake = false;
	if (flush)
		log->flush_ms = 0;
	pthread_mutex_unlock(&log->timer_lock);
	if (flush)
		flush_due(log, now);
	if (bury)
		topics_bury(log);
	if (retain) {
		now = log_now_ms();
		struct horizons horizons = { now - settings_producer_expiry_ms(log),
					     now - log->options.retention_check_ms };
		for_partitions(log, retain_partition, &horizons);
		chores->retain_at = monotonic_ms() + log->options.retention_check_ms;
	}
	if (clean) {
		for_partitions(log, compact_partition, NULL);
		chores->clean_at = monotonic_ms() + log->options.clean_check_ms;
	}
	pthread_mutex_lock(&log->timer_lock);
	return true;
}

static void wait_for_chores(struct tarn_log *log, const struct chores *chores)
{
	int64_t at = chores->retain_at < chores->clean_at ? chores->retain_at : chores->clean_at;
	if (log->flush_ms) {
		int64_t flush_at = monotonic_ms() + log->flush_ms - log_now_ms();
		at = flush_at < at ? flush_at : at;
	}
	tarn_cond_wait_until(&log->timer, &log->timer_lock, at * 1000000);
}

static void *keep(void *argument)
{
	struct tarn_log *log = argument;
	struct chores chores = { monotonic_ms() + log->options.retention_check_ms,
				 monotonic_ms() + log->options.clean_check_ms };
	pthread_mutex_lock(&log->timer_lock);
	while (!atomic_load(&log->stopping))
		if (!do_chores(log, &chores))
			wait_for_chores(log, &chores);
	pthread_mutex_unlock(&log->timer_lock);
	return NULL;
}

enum tarn_rc keeper_start(struct tarn_log *log, struct tarn_err *err)
{
	pthread_mutex_init(&log->timer_lock, NULL);
	tarn_cond_init(&log->timer);
	if (pthread_create(&log->keeper, NULL, keep, log))
		return tarn_fail(err, TARN_EIO, "no thread to keep the log");
	log->has_keeper = true;
	return TARN_OK;
}

void keeper_stop(struct tarn_log *log)
{
	pthread_mutex_lock(&log->timer_lock);
	atomic_store(&log->stopping, true);
	pthread_cond_signal(&log->timer);
	pthread_mutex_unlock(&log->timer_lock);
	if (log->has_keeper)
		pthread_join(log->keeper, NULL);
	log->has_keeper = false;
}
