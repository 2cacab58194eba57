/* Timers: a binary heap by due time, and one thread that sleeps until the first of them is due. */
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/condition.h"
#include "stream/broker/broker.h"
#include "stream/broker/threads.h"

struct tarn_timers {
	pthread_mutex_t lock;
	pthread_cond_t changed;	 /* the first timer, or `ending` */
	pthread_cond_t finished; /* a callback */
	pthread_t thread;
	struct tarn_timer **heap; /* heap[0] is due first; a timer's `place` is its index + 1, 0 where it is not set */
	size_t n, cap;
	struct tarn_timer *running;
	bool ending;
};

static void put(struct tarn_timers *timers, size_t i, struct tarn_timer *timer)
{
	timers->heap[i] = timer;
	timer->place = i + 1;
}

static void sift_up(struct tarn_timers *timers, size_t i, struct tarn_timer *timer)
{
	for (; i && timers->heap[(i - 1) / 2]->due_ns > timer->due_ns; i = (i - 1) / 2)
		put(timers, i, timers->heap[(i - 1) / 2]);
	put(timers, i, timer);
}

static void sift_down(struct tarn_timers *timers, size_t i, struct tarn_timer *timer)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child + 1 < timers->n && timers->heap[child + 1]->due_ns < timers->heap[child]->due_ns)
			child++;
		if (child >= timers->n || timers->heap[child]->due_ns >= timer->due_ns)
			break;
		put(timers, i, timers->heap[child]);
		i = child;
	}
	put(timers, i, timer);
}

static void take_out(struct tarn_timers *timers, struct tarn_timer *timer)
{
	if (!timer->place)
		return;
	size_t i = timer->place - 1;
	struct tarn_timer *last = timers->heap[--timers->n];
	timer->place = 0;
	if (last == timer)
		return;
	if (i && timers->heap[(i - 1) / 2]->due_ns > last->due_ns)
		sift_up(timers, i, last);
	else
		sift_down(timers, i, last);
}

static void *run(void *arg)
{
	struct tarn_timers *timers = arg;
	pthread_mutex_lock(&timers->lock);
	while (!timers->ending) {
		if (!timers->n) {
			pthread_cond_wait(&timers->changed, &timers->lock);
			continue;
		}
		struct tarn_timer *first = timers->heap[0];
		if (first->due_ns > tarn_monotonic_ns()) {
			tarn_cond_wait_until(&timers->changed, &timers->lock, first->due_ns);
			continue;
		}
		take_out(timers, first);
		timers->running = first;
		pthread_mutex_unlock(&timers->lock);
		first->fire(first);
		pthread_mutex_lock(&timers->lock);
		timers->running = NULL;
		pthread_cond_broadcast(&timers->finished);
	}
	pthread_mutex_unlock(&timers->lock);
	return NULL;
}

struct tarn_timers *tarn_timers_new(void)
{
	struct tarn_timers *timers = tarn_calloc(1, sizeof(*timers));
	pthread_mutex_init(&timers->lock, NULL);
	tarn_cond_init(&timers->changed);
	pthread_cond_init(&timers->finished, NULL);
	tarn_thread_start(&timers->thread, run, timers);
	return timers;
}

void tarn_timers_free(struct tarn_timers *timers)
{
	if (!timers)
		return;
	pthread_mutex_lock(&timers->lock);
	timers->ending = true;
	pthread_cond_signal(&timers->changed);
	pthread_mutex_unlock(&timers->lock);
	pthread_join(timers->thread, NULL);
	pthread_mutex_destroy(&timers->lock);
	pthread_cond_destroy(&timers->changed);
	pthread_cond_destroy(&timers->finished);
	free(timers->heap);
	free(timers);
}

void tarn_timer_set(struct tarn_broker *broker, struct tarn_timer *timer, int64_t delay_ms)
{
	struct tarn_timers *timers = broker->timers;
	int64_t most = INT64_C(1000) * 60 * 60 * 24 * 365;
	delay_ms = delay_ms < 0 ? 0 : delay_ms > most ? most : delay_ms;
	pthread_mutex_lock(&timers->lock);
	take_out(timers, timer);
	timer->due_ns = tarn_monotonic_ns() + delay_ms * 1000000;
	timers->heap = tarn_grow(timers->heap, &timers->cap, timers->n + 1, sizeof(struct tarn_timer *));
	sift_up(timers, timers->n++, timer);
	if (timers->heap[0] == timer)
		pthread_cond_signal(&timers->changed);
	pthread_mutex_unlock(&timers->lock);
}

void tarn_timer_cancel(struct tarn_broker *broker, struct tarn_timer *timer)
{
	struct tarn_timers *timers = broker->timers;
	pthread_mutex_lock(&timers->lock);
	take_out(timers, timer);
	while (timers->running == timer && !pthread_equal(timers->thread, pthread_self())) {
		pthread_cond_wait(&timers->finished, &timers->lock);
		take_out(timers, timer);
	}
	pthread_mutex_unlock(&timers->lock);
}
