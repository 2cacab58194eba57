#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { MOST_THREADS = 64 };

struct loop {
	size_t n;
	atomic_size_t next;
	void (*body)(void *context, size_t i);
	void *context;
};

static void *take_turns(void *context)
{
	struct loop *loop = context;
	for (size_t i; (i = atomic_fetch_add(&loop->next, 1)) < loop->n;)
		loop->body(loop->context, i);
	return NULL;
}

static size_t cores(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (size_t)CPU_COUNT(&set);
}

void tarn_parallel(size_t n, size_t threads, void (*body)(void *context, size_t i), void *context)
{
	struct loop loop = { .n = n, .body = body, .context = context };
	pthread_t others[MOST_THREADS];
	size_t most = threads ? threads : cores(), started = 0;
	most = most < n ? most : n;
	most = most < MOST_THREADS ? most : MOST_THREADS;
	while (started + 1 < most && !pthread_create(&others[started], NULL, take_turns, &loop))
		started++;
	take_turns(&loop);
	for (size_t i = 0; i < started; i++)
		pthread_join(others[i], NULL);
}
