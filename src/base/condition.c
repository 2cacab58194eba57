#include "base/condition.h"

#include <errno.h>
#include <time.h>

enum { NS_PER_SECOND = 1000000000 };

void tarn_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

bool tarn_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ns)
{
	if (until_ns < 0)
		until_ns = 0;
	const struct timespec until = { until_ns / NS_PER_SECOND, until_ns % NS_PER_SECOND };
	return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}
