#include "session_driver.h"

static void versions_are_told(void **state)
{
	(void)state;
	struct tarn_session session;
	uint8_t bytes[4096];
	start(&session);
	TAKE(&session, "\0\x12\0\0"
		       "\0\0\0\5"
		       "\0\1x");
	size_t len = next_answer(&session, bytes, sizeof(bytes));
	assert_memory_equal(bytes + 4,
			    "\0\0\0\5"
			    "\0\0",
			    6); /* correlation id, no error */
	assert_int_equal((len - 14) % 6, 0);
	/* Version 3 is flexible, but its header is the old one. */
	TAKE(&session, "\0\x12\0\3"
		       "\0\0\0\6"
		       "\0\1x"
		       "\0"
		       "\4abc"
		       "\4"
		       "1.0"
		       "\0");
	assert_true(next_answer(&session, bytes, sizeof(bytes)) > 0);
	assert_memory_equal(bytes + 4,
			    "\0\0\0\6"
			    "\0\0",
			    6);
	TAKE(&session, "\0\x12\0\3"
		       "\0\0\0\7"
		       "\0\1x"
		       "\0"
		       "\4-bc"
		       "\4"
		       "1.0"
		       "\0");
	assert_true(next_answer(&session, bytes, sizeof(bytes)) > 0);
	assert_memory_equal(bytes + 4,
			    "\0\0\0\7"
			    "\0\x2a",
			    6); /* INVALID_REQUEST */
	assert_int_equal(session.n_calls, 0);
	assert_int_equal(session.held_bytes, 0);
	tarn_session_release(&session);
}

static void an_unknown_version_of_api_versions_is_answered_in_version_0(void **state)
{
	(void)state;
	struct tarn_session session;
	uint8_t bytes[4096];
	start(&session);
	TAKE(&session, "\0\x12\0\x63"
		       "\0\0\0\5"
		       "\0\1x"
		       "what nobody knows yet");
	size_t len = next_answer(&session, bytes, sizeof(bytes));
	assert_memory_equal(bytes + 4,
			    "\0\0\0\5"
			    "\0\x23",
			    6); /* UNSUPPORTED_VERSION */
	assert_true(len > 14);
	assert_int_equal((len - 14) % 6, 0); /* and the list */
	assert_true(tarn_session_ready(&session));
	tarn_session_release(&session);
}

static void what_is_not_served_ends_the_connection(void **state)
{
	(void)state;
	static const struct {
		const char *frame;
		size_t len;
		const char *complaint;
	} cases[] = {
		{ "\0\x12\0", 3, "too short" },
		{ "", 0, "too short" },
		{ "\0\x12\0\0"
		  "\0\0\0\1"
		  "\0\7x",
		  11, "client id is cut" },
		{ "\3\xe7\0\0"
		  "\0\0\0\1"
		  "\0\1x",
		  11, "not served" },
		{ "\0\x12\xff\xff"
		  "\0\0\0\1"
		  "\0\1x",
		  11, "not served" },
		{ "\0\x12\0\3"
		  "\0\0\0\1"
		  "\0\1x"
		  "\0"
		  "\x7f"
		  "abc",
		  16, "past the end" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_session session;
		start(&session);
		take(&session, cases[i].frame, cases[i].len);
		assert_null(tarn_session_next_answer(&session));
		assert_true(session.hang_up);
		assert_false(tarn_session_ready(&session));
		assert_int_equal(session.n_calls, 0);
		if (!strstr(said, cases[i].complaint) || !strstr(said, "192.0.2.7:4711"))
			fail_msg("case %zu: \"%s\"", i, said);
		tarn_session_release(&session);
	}
}

/* ---- calls that answer later ---- */

static struct tarn_call *late;
static unsigned reasons;

static void remember(struct tarn_call *call, unsigned why)
{
	(void)call;
	reasons |= why;
}

static void answer_later(struct tarn_call *call)
{
	call->resume = remember;
	late = call;
}

static const struct tarn_handler slow = { TARN_API_HEARTBEAT, 0, 4, 0, answer_later };
static const struct tarn_handler overlapping = { TARN_API_HEARTBEAT, 0, 4, TARN_HANDLER_OVERLAPS, answer_later };

static struct tarn_call *begin(struct tarn_session *session, const struct tarn_handler *handler)
{
	static const uint8_t bytes[] = "\0\x0c\0\0"
				       "\0\0\0\5"
				       "\0\1x"
				       "\0\1g"
				       "\0\0\0\1"
				       "\0\1m";
	uint8_t *frame = tarn_malloc(sizeof(bytes) - 1);
	memcpy(frame, bytes, sizeof(bytes) - 1);
	tarn_session_take_with(session, handler, frame, sizeof(bytes) - 1);
	assert_string_equal(((struct tarn_heartbeat_request *)late->request)->group_id, "g");
	return late;
}

static void answers_keep_the_order_of_requests(void **state)
{
	(void)state;
	struct tarn_session session;
	uint8_t bytes[64];
	start(&session);
	struct tarn_call *first = begin(&session, &overlapping), *second = begin(&session, &overlapping);
	first->correlation_id = 1;
	second->correlation_id = 2;
	assert_true(tarn_session_ready(&session));
	tarn_call_answer(second);
	assert_int_equal(next_answer(&session, bytes, sizeof(bytes)), 0);
	tarn_call_answer(first);
	assert_int_equal(next_answer(&session, bytes, sizeof(bytes)), 10);
	assert_int_equal(bytes[7], 1);
	assert_int_equal(next_answer(&session, bytes, sizeof(bytes)), 10);
	assert_int_equal(bytes[7], 2);
	tarn_session_release(&session);
}

static void a_call_that_does_not_overlap_holds_back_the_next(void **state)
{
	(void)state;
	struct tarn_session session;
	start(&session);
	struct tarn_call *call = begin(&session, &slow);
	assert_false(tarn_session_ready(&session));
	tarn_call_answer_nothing(call);
	assert_true(tarn_session_ready(&session));
	assert_null(tarn_session_next_answer(&session));
	assert_int_equal(session.n_calls, 0);
	tarn_session_release(&session);
}

static void *wake_and_answer(void *arg)
{
	struct tarn_call *call = arg;
	for (int i = 0; i < 1000; i++)
		tarn_call_wake(call);
	tarn_call_answer(call);
	return NULL;
}

static void other_threads_wake_and_answer(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct tarn_session session;
		uint8_t bytes[64];
		start(&session);
		struct tarn_call *call = begin(&session, &slow);
		pthread_t thread;
		pthread_create(&thread, NULL, wake_and_answer, call);
		while (!next_answer(&session, bytes, sizeof(bytes)))
			tarn_loop_run(&loop);
		pthread_join(thread, NULL);
		assert_int_equal(session.n_calls, 0);
		tarn_session_release(&session);
	}
}

static void the_end_wakes_what_waits(void **state)
{
	(void)state;
	struct tarn_session session;
	start(&session);
	struct tarn_call *call = begin(&session, &slow);
	reasons = 0;
	tarn_session_end(&session);
	tarn_loop_run(&loop);
	assert_int_equal(reasons, TARN_WAKE_ENDED);
	tarn_call_answer(call);
	assert_null(tarn_session_next_answer(&session)); /* nobody is there to read it */
	assert_int_equal(session.n_calls, 0);
	assert_int_equal(session.held_bytes, 0);
	tarn_session_release(&session);
}

static void a_timer_resumes(void **state)
{
	(void)state;
	struct tarn_session session;
	start(&session);
	struct tarn_call *call = begin(&session, &slow);
	reasons = 0;
	tarn_call_set_timer(call, 1);
	while (!reasons)
		tarn_loop_run(&loop);
	assert_int_equal(reasons, TARN_WAKE_TIMER);
	tarn_call_set_timer(call, 3600000);
	tarn_call_answer(call); /* takes the timer with it */
	tarn_session_end(&session);
	assert_null(tarn_session_next_answer(&session));
	tarn_session_release(&session);
}

static void answer_at_work(struct tarn_call *call)
{
	tarn_call_wake(call); /* not to be resumed before this returns */
	tarn_call_answer(call);
}

static void workers_answer(void **state)
{
	(void)state;
	static const struct tarn_handler waits = { TARN_API_HEARTBEAT, 0, 4, TARN_HANDLER_WAITS, answer_at_work };
	static const uint8_t request[] = "\0\x0c\0\0"
					 "\0\0\0\5"
					 "\0\1x"
					 "\0\1g"
					 "\0\0\0\1"
					 "\0\1m";
	for (int round = 0; round < 200; round++) {
		struct tarn_session session;
		uint8_t bytes[64];
		start(&session);
		uint8_t *frame = tarn_malloc(sizeof(request) - 1);
		memcpy(frame, request, sizeof(request) - 1);
		tarn_session_take_with(&session, &waits, frame, sizeof(request) - 1);
		while (!next_answer(&session, bytes, sizeof(bytes)))
			tarn_loop_run(&loop);
		assert_int_equal(session.n_calls, 0);
		tarn_session_release(&session);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(versions_are_told),
		CASE(an_unknown_version_of_api_versions_is_answered_in_version_0),
		CASE(what_is_not_served_ends_the_connection),
		CASE(answers_keep_the_order_of_requests),
		CASE(a_call_that_does_not_overlap_holds_back_the_next),
		CASE(other_threads_wake_and_answer),
		CASE(the_end_wakes_what_waits),
		CASE(a_timer_resumes),
		CASE(workers_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
