#include "stream/broker/broker.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "stream/broker/metrics.h"
#include "stream/broker/threads.h"

/* The deepest thing that runs on these threads is a decompressor. */
enum { STACK_SIZE = 512 << 10 };
#define MAX_HELD ((size_t)1 << 30)

void tarn_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(thread, &attributes, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (rc) {
		fputs("tarn: the system gives no more threads\n", stderr);
		abort();
	}
}

struct tarn_complaints {
	pthread_mutex_t lock;
	int64_t second; /* of the monotonic clock */
	size_t said, left_out;
};

/* A GiB at most: what is more waits in the sockets just as well. */
static size_t a_quarter_of_memory(void)
{
	size_t quarter = (size_t)sysconf(_SC_PHYS_PAGES) / 4 * (size_t)sysconf(_SC_PAGESIZE);
	return quarter < MAX_HELD ? quarter : MAX_HELD;
}

static int64_t wall_clock_ms(void)
{
	return tarn_now_us() / 1000;
}

void tarn_broker_init(struct tarn_broker *broker, struct tarn_log *log)
{
	*broker = (struct tarn_broker){
		.log = log,
		.node_id = 1,
		.host = "localhost",
		.port = 9092,
		.auto_create_topics = true,
		.default_partitions = 1,
		.now_ms = wall_clock_ms,
		.max_held_bytes = a_quarter_of_memory(),
		.metrics = tarn_metrics_new(),
		.complaints = tarn_calloc(1, sizeof(struct tarn_complaints)),
		.timers = tarn_timers_new(),
		.workers = tarn_workers_new(),
	};
	pthread_mutex_init(&broker->complaints->lock, NULL);
}

void tarn_broker_release(struct tarn_broker *broker)
{
	tarn_workers_free(broker->workers);
	tarn_timers_free(broker->timers);
	pthread_mutex_destroy(&broker->complaints->lock);
	free(broker->complaints);
	tarn_metrics_free(broker->metrics);
	broker->complaints = NULL;
	broker->metrics = NULL;
	broker->workers = NULL;
	broker->timers = NULL;
}

static void say(const struct tarn_broker *broker, const char *fmt, va_list args)
{
	char line[1024];
	vsnprintf(line, sizeof(line), fmt, args);
	broker->say(broker->say_context, line);
}

void tarn_broker_say(const struct tarn_broker *broker, const char *fmt, ...)
{
	if (!broker->say)
		return;
	va_list args;
	va_start(args, fmt);
	say(broker, fmt, args);
	va_end(args);
}

/* Whether one more may be said in this second; *left_out is what was not said before it. */
static bool may_complain(struct tarn_complaints *complaints, size_t *left_out)
{
	int64_t second = tarn_monotonic_ns() / 1000000000;
	pthread_mutex_lock(&complaints->lock);
	if (complaints->second != second) {
		complaints->second = second;
		complaints->said = 0;
	}
	bool may = complaints->said < TARN_COMPLAINTS;
	*left_out = may ? complaints->left_out : 0;
	complaints->said += may;
	complaints->left_out = may ? 0 : complaints->left_out + 1;
	pthread_mutex_unlock(&complaints->lock);
	return may;
}

void tarn_broker_complain(struct tarn_broker *broker, const char *fmt, ...)
{
	size_t left_out;
	if (!broker->say || !may_complain(broker->complaints, &left_out))
		return;
	if (left_out)
		tarn_broker_say(broker, "%zu more like this were left out", left_out);
	va_list args;
	va_start(args, fmt);
	say(broker, fmt, args);
	va_end(args);
}
