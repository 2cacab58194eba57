#include "base/condition.h"

#include "base/clock.h"
#include "cmocka_tarn.h"

struct meeting {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool told;
};

static void *tell(void *context)
{
	struct meeting *meeting = context;
	pthread_mutex_lock(&meeting->lock);
	meeting->told = true;
	pthread_cond_signal(&meeting->cond);
	pthread_mutex_unlock(&meeting->lock);
	return NULL;
}

static struct meeting new_meeting(void)
{
	struct meeting meeting = { .lock = PTHREAD_MUTEX_INITIALIZER };
	tarn_cond_init(&meeting.cond);
	return meeting;
}

static void who_is_told_stops_waiting(void **state)
{
	(void)state;
	struct meeting meeting = new_meeting();
	pthread_t teller;
	pthread_mutex_lock(&meeting.lock);
	assert_int_equal(pthread_create(&teller, NULL, tell, &meeting), 0);
	while (!meeting.told)
		assert_true(tarn_cond_wait_until(&meeting.cond, &meeting.lock, tarn_monotonic_ns_in(INT64_MAX)));
	pthread_mutex_unlock(&meeting.lock);
	pthread_join(teller, NULL);
	pthread_cond_destroy(&meeting.cond);
}

static void who_is_not_told_waits_until_then(void **state)
{
	(void)state;
	struct meeting meeting = new_meeting();
	int64_t until = tarn_monotonic_ns_in(20);
	pthread_mutex_lock(&meeting.lock);
	while (tarn_cond_wait_until(&meeting.cond, &meeting.lock, until))
		continue; /* a wake-up that nobody asked for */
	assert_true(tarn_monotonic_ns() >= until);
	pthread_mutex_unlock(&meeting.lock);
	pthread_cond_destroy(&meeting.cond);
}

static void a_time_that_has_passed_is_not_waited_for(void **state)
{
	(void)state;
	struct meeting meeting = new_meeting();
	pthread_mutex_lock(&meeting.lock);
	assert_false(tarn_cond_wait_until(&meeting.cond, &meeting.lock, 0));
	assert_false(tarn_cond_wait_until(&meeting.cond, &meeting.lock, -1));
	pthread_mutex_unlock(&meeting.lock);
	pthread_cond_destroy(&meeting.cond);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_told_stops_waiting),
		cmocka_unit_test(who_is_not_told_waits_until_then),
		cmocka_unit_test(a_time_that_has_passed_is_not_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
