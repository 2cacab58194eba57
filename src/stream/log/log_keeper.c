/* The log's housekeeping thread. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "stream/log/log_parts.h"

static void flush_due(struct tarn_log *log, int64_t now)
{
	struct tarn_topic **topics;
	size_t count = tarn_log_topics(log, &topics);
	int64_t next = 0;
	for (size_t i = 0; i < count; i++) {
		const struct topic_shape *shape = atomic_load(&topics[i]->shape);
		for (int32_t k = 0; k < shape->n_partitions; k++) {
			struct tarn_partition *partition = shape->partitions[k];
			if (!atomic_load(&partition->loaded))
				continue;
			pthread_mutex_lock(&partition->lock);
			int64_t at = partition->flush_at_ms;
			pthread_mutex_unlock(&partition->lock);
			if (at && at <= now)
				sync_ask(partition, false);
			else if (at && (!next || at < next))
				next = at;
		}
		tarn_topic_unref(topics[i]);
	}
	free(topics);
	if (next)
		keeper_wake(log, next);
}

void keeper_wake(struct tarn_log *log, int64_t flush_at_ms)
{
	pthread_mutex_lock(&log->timer_lock);
	if (flush_at_ms && (!log->flush_ms || flush_at_ms < log->flush_ms))
		log->flush_ms = flush_at_ms;
	log->wake |= !flush_at_ms;
	pthread_cond_signal(&log->timer);
	pthread_mutex_unlock(&log->timer_lock);
}

static void *keep(void *argument)
{
	struct tarn_log *log = argument;
	pthread_mutex_lock(&log->timer_lock);
	while (!log->stop) {
		int64_t now = log_now_ms();
		if (log->flush_ms && log->flush_ms <= now) {
			log->flush_ms = 0;
			pthread_mutex_unlock(&log->timer_lock);
			flush_due(log, now);
			pthread_mutex_lock(&log->timer_lock);
		} else if (log->wake) {
			log->wake = false;
			pthread_mutex_unlock(&log->timer_lock);
			topics_bury(log);
			pthread_mutex_lock(&log->timer_lock);
		} else if (log->flush_ms) {
			const struct timespec until = { log->flush_ms / 1000, log->flush_ms % 1000 * 1000000 };
			pthread_cond_timedwait(&log->timer, &log->timer_lock, &until);
		} else {
			pthread_cond_wait(&log->timer, &log->timer_lock);
		}
	}
	pthread_mutex_unlock(&log->timer_lock);
	return NULL;
}

enum tarn_rc keeper_start(struct tarn_log *log, struct tarn_err *err)
{
	pthread_mutex_init(&log->timer_lock, NULL);
	pthread_cond_init(&log->timer, NULL);
	if (pthread_create(&log->keeper, NULL, keep, log))
		return tarn_fail(err, TARN_EIO, "no thread to keep the log");
	log->has_keeper = true;
	return TARN_OK;
}

void keeper_stop(struct tarn_log *log)
{
	pthread_mutex_lock(&log->timer_lock);
	log->stop = true;
	pthread_cond_signal(&log->timer);
	pthread_mutex_unlock(&log->timer_lock);
	if (log->has_keeper)
		pthread_join(log->keeper, NULL);
	log->has_keeper = false;
}
