#include "stream/broker/broker.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "stream/broker/threads.h"

/* The deepest thing that runs on these threads is a decompressor. */
enum { STACK_SIZE = 512 << 10 };

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
		.timers = tarn_timers_new(),
		.workers = tarn_workers_new(),
	};
}

void tarn_broker_release(struct tarn_broker *broker)
{
	tarn_workers_free(broker->workers);
	tarn_timers_free(broker->timers);
	broker->workers = NULL;
	broker->timers = NULL;
}

void tarn_broker_say(const struct tarn_broker *broker, const char *fmt, ...)
{
	if (!broker->say)
		return;
	char line[1024];
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	broker->say(broker->say_context, line);
}
