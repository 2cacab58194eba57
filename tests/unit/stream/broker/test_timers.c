#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cmocka_tarn.h"
#include "stream/broker/broker.h"

enum { N = 200 };

struct fired {
	struct tarn_timer timer; /* first */
	int number;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static int order[N], n_fired;

static void note(struct tarn_timer *timer)
{
	pthread_mutex_lock(&lock);
	order[n_fired++] = ((struct fired *)timer)->number;
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
}

static void wait_for(int n)
{
	pthread_mutex_lock(&lock);
	while (n_fired < n)
		pthread_cond_wait(&more, &lock);
	pthread_mutex_unlock(&lock);
}

static void timers_fire_in_order_of_their_time(void **state)
{
	(void)state;
	struct tarn_broker broker;
	tarn_broker_init(&broker, NULL);
	struct fired timers[N] = { 0 };
	/* Far away first, then to where they belong; every third is taken away. */
	for (int i = 0; i < N; i++) {
		timers[i].number = i;
		timers[i].timer.fire = note;
		tarn_timer_set(&broker, &timers[i].timer, 3600000 + i * 7919 % N);
	}
	n_fired = 0;
	int left = 0;
	for (int i = 0; i < N; i++) {
		if (i % 3 == 0)
			tarn_timer_cancel(&broker, &timers[i].timer);
		else
			tarn_timer_set(&broker, &timers[i].timer, 50 + i), left++;
	}
	wait_for(left);
	for (int i = 1; i < left; i++)
		assert_true(order[i - 1] < order[i]);
	for (int i = 0; i < left; i++)
		assert_int_not_equal(order[i] % 3, 0);
	tarn_broker_release(&broker);
}

static void a_cancelled_timer_is_over(void **state)
{
	(void)state;
	struct tarn_broker broker;
	tarn_broker_init(&broker, NULL);
	for (int i = 0; i < 300; i++) {
		struct fired *timer = tarn_calloc(1, sizeof(*timer));
		timer->timer.fire = note;
		n_fired = 0;
		tarn_timer_set(&broker, &timer->timer, 0);
		tarn_timer_cancel(&broker, &timer->timer);
		assert_in_range(n_fired, 0, 1);
		free(timer); /* the clock must not look at it again */
	}
	tarn_broker_release(&broker);
}

struct counted {
	struct tarn_job job; /* first */
	atomic_int *count;
};

static void count(struct tarn_job *job)
{
	atomic_fetch_add(((struct counted *)job)->count, 1);
	free(job);
}

static void jobs_are_all_run_before_the_end(void **state)
{
	(void)state;
	struct tarn_broker broker;
	tarn_broker_init(&broker, NULL);
	atomic_int n = 0;
	for (int i = 0; i < 1000; i++) {
		struct counted *job = tarn_calloc(1, sizeof(*job));
		job->job.run = count;
		job->count = &n;
		tarn_broker_run(&broker, &job->job);
	}
	tarn_broker_release(&broker);
	assert_int_equal(n, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_of_their_time),
		cmocka_unit_test(a_cancelled_timer_is_over),
		cmocka_unit_test(jobs_are_all_run_before_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
