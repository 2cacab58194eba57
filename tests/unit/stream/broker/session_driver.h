/* A session without a socket, for tests: requests in as text, answers out as bytes. */
#ifndef TARN_TESTS_SESSION_DRIVER_H
#define TARN_TESTS_SESSION_DRIVER_H

#include <stdio.h>
#include <stdlib.h>

#include "cmocka_tarn.h"
#include "stream/broker/session.h"

static struct tarn_broker broker;
static struct tarn_loop loop;
static char said[2048]; /* the last line of the broker's log */

static void do_nothing(struct tarn_loop *unused)
{
	(void)unused;
}

static void no_turn(struct tarn_session *session)
{
	(void)session;
}

static void hear(void *context, const char *line)
{
	(void)context;
	snprintf(said, sizeof(said), "%s", line);
}

static int setup(void **state)
{
	(void)state;
	tarn_broker_init(&broker, NULL);
	broker.say = hear;
	tarn_loop_init(&loop, do_nothing);
	*said = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tarn_broker_release(&broker);
	tarn_loop_release(&loop);
	return 0;
}

static void start(struct tarn_session *session)
{
	tarn_session_init(session, &broker, &loop, no_turn);
	snprintf(session->peer, sizeof(session->peer), "192.0.2.7:4711");
}

static void take(struct tarn_session *session, const void *bytes, size_t len)
{
	uint8_t *frame = tarn_malloc(len ? len : 1);
	memcpy(frame, bytes, len);
	tarn_session_take(session, frame, len);
}

#define TAKE(session, text) take(session, text, sizeof(text) - 1)

/* The answer's bytes, whose length is checked; 0 where none is ready. */
static size_t next_answer(struct tarn_session *session, uint8_t *bytes, size_t size)
{
	struct tarn_call_inside *answer = tarn_session_next_answer(session);
	if (!answer)
		return 0;
	struct iovec iov[8];
	size_t n = tarn_answer_iov(answer, 0, iov, 8), len = 0;
	for (size_t i = 0; i < n; i++) {
		assert_true(len + iov[i].iov_len <= size);
		memcpy(bytes + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	tarn_answer_free(answer);
	assert_true(len >= 4);
	assert_int_equal((size_t)bytes[2] << 8 | bytes[3], len - 4);
	return len;
}

#endif
