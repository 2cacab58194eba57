#include "stream/sink/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "cmocka_tarn.h"

/* What the calls saw, in order. */
struct diary {
	char text[64];
	size_t n;
	int64_t sum;
	size_t n_empty;
};

static enum tarn_rc note(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	struct diary *diary = context;
	if (diary->n + bytes.len >= sizeof(diary->text))
		return tarn_fail(err, TARN_ELIMIT, "the diary is full");
	memcpy(diary->text + diary->n, bytes.data, bytes.len);
	diary->n += bytes.len;
	return TARN_OK;
}

static enum tarn_rc hand_text(struct tarn_worker *worker, struct diary *diary, const char *text, struct tarn_err *err)
{
	struct tarn_buf bytes;
	tarn_buf_init(&bytes, 100);
	tarn_buf_add_str(&bytes, text);
	enum tarn_rc rc = tarn_worker_hand_over(worker, note, diary, &bytes, err);
	assert_int_equal(bytes.len, 0);
	tarn_buf_release(&bytes);
	return rc;
}

static void calls_are_made_in_order(void **state)
{
	(void)state;
	struct diary diary = { 0 };
	struct tarn_worker *worker = tarn_worker_new();
	assert_true(tarn_worker_is_done(worker, tarn_worker_given(worker)));
	assert_int_equal(hand_text(worker, &diary, "one ", NULL), TARN_OK);
	assert_int_equal(hand_text(worker, &diary, "two ", NULL), TARN_OK);
	assert_int_equal(hand_text(worker, &diary, "three", NULL), TARN_OK);
	assert_int_equal(tarn_worker_given(worker), 3);
	assert_int_equal(tarn_worker_wait(worker, 3, NULL), TARN_OK);
	assert_true(tarn_worker_is_done(worker, 3));
	assert_false(tarn_worker_is_done(worker, 4));
	assert_string_equal(diary.text, "one two three");
	tarn_worker_free(worker);
}

static void what_waits_is_done_before_the_end(void **state)
{
	(void)state;
	struct diary diary = { 0 };
	struct tarn_worker *worker = tarn_worker_new();
	assert_int_equal(hand_text(worker, &diary, "first ", NULL), TARN_OK);
	assert_int_equal(hand_text(worker, &diary, "last", NULL), TARN_OK);
	tarn_worker_free(worker);
	assert_string_equal(diary.text, "first last");
	tarn_worker_free(tarn_worker_new());
	tarn_worker_free(NULL);
}

static enum tarn_rc add_up(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	struct diary *diary = context;
	(void)err;
	for (size_t i = 0; i < bytes.len; i++)
		diary->sum += bytes.data[i];
	diary->n_empty += !bytes.len;
	return TARN_OK;
}

/* More than may wait: none is lost or made twice, whoever is faster. */
static void many_calls_of_any_size(void **state)
{
	(void)state;
	enum { CALLS = 3000 };
	struct diary diary = { 0 };
	struct tarn_worker *worker = tarn_worker_new();
	struct tarn_buf bytes;
	int64_t expected = 0;
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	for (int i = 0; i < CALLS; i++) {
		size_t len = i == CALLS / 2 ? TARN_WORKER_BYTES + 1 : (size_t)(i % 7) * 1000;
		memset(tarn_buf_room(&bytes, len + 1), i % 100, len);
		bytes.len = len;
		expected += (int64_t)len * (i % 100);
		assert_int_equal(tarn_worker_hand_over(worker, add_up, &diary, &bytes, NULL), TARN_OK);
		assert_int_equal(bytes.len, 0);
	}
	assert_int_equal(tarn_worker_hand_over(worker, add_up, &diary, NULL, NULL), TARN_OK);
	tarn_worker_settle(worker);
	assert_int_equal(diary.sum, expected);
	assert_int_equal(diary.n_empty, (CALLS + 6) / 7 + 1);
	tarn_worker_free(worker);
	tarn_buf_release(&bytes);
}

static enum tarn_rc refuse(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	(void)context;
	(void)bytes;
	return tarn_fail(err, TARN_ECONFLICT, "no such luck");
}

static void after_a_failure_nothing_is_called(void **state)
{
	(void)state;
	struct diary diary = { 0 };
	struct tarn_err err = { 0 };
	struct tarn_worker *worker = tarn_worker_new();
	assert_int_equal(hand_text(worker, &diary, "before", NULL), TARN_OK);
	enum tarn_rc rc = tarn_worker_hand_over(worker, refuse, NULL, NULL, NULL);
	assert_true(rc == TARN_OK || rc == TARN_ECONFLICT);
	assert_int_equal(tarn_worker_wait(worker, 2, &err), TARN_ECONFLICT);
	assert_string_equal(err.message, "no such luck");
	assert_int_equal(hand_text(worker, &diary, " behind", &err), TARN_ECONFLICT);
	assert_int_equal(tarn_worker_wait(worker, 3, NULL), TARN_ECONFLICT);
	tarn_worker_settle(worker);
	tarn_worker_free(worker);
	assert_string_equal(diary.text, "before");
}

/* A call that lasts until somebody opens the gate. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool open;
};

static enum tarn_rc pass(void *context, struct tarn_slice bytes, struct tarn_err *err)
{
	struct gate *gate = context;
	(void)bytes;
	(void)err;
	pthread_mutex_lock(&gate->lock);
	while (!gate->open)
		pthread_cond_wait(&gate->opened, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
	return TARN_OK;
}

static void open_gate(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->open = true;
	pthread_cond_signal(&gate->opened);
	pthread_mutex_unlock(&gate->lock);
}

/* Whoever waits for a call does not wait for those behind it. */
static void others_go_on_while_a_call_lasts(void **state)
{
	(void)state;
	struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
	struct diary diary = { 0 };
	struct tarn_worker *worker = tarn_worker_new();
	assert_int_equal(hand_text(worker, &diary, "through", NULL), TARN_OK);
	assert_int_equal(tarn_worker_hand_over(worker, pass, &gate, NULL, NULL), TARN_OK);
	assert_int_equal(tarn_worker_wait(worker, 1, NULL), TARN_OK);
	assert_false(tarn_worker_is_done(worker, 2));
	open_gate(&gate);
	assert_int_equal(tarn_worker_wait(worker, 2, NULL), TARN_OK);
	assert_string_equal(diary.text, "through");
	tarn_worker_free(worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_made_in_order),	   cmocka_unit_test(what_waits_is_done_before_the_end),
		cmocka_unit_test(many_calls_of_any_size),	   cmocka_unit_test(after_a_failure_nothing_is_called),
		cmocka_unit_test(others_go_on_while_a_call_lasts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
