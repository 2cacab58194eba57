/* A connection without its socket: takes whole requests, calls their handlers, and gives the answers back in order.
 * What owns the socket (connections.c; tests have their own) drives it, on one thread: the loop's. */
#ifndef TARN_STREAM_BROKER_SESSION_H
#define TARN_STREAM_BROKER_SESSION_H

#include <pthread.h>
#include <sys/uio.h>

#include "stream/broker/handlers.h"

/* Calls that were woken or answered from other threads, waiting for the loop's. */
struct tarn_loop {
	pthread_mutex_t lock;
	struct tarn_call_inside *first, **end;
	pthread_t thread;
	void (*signal)(
		struct tarn_loop *loop); /* any thread: see that tarn_loop_run is called soon on the loop's thread */
};
void tarn_loop_init(struct tarn_loop *loop, void (*signal)(struct tarn_loop *loop));
void tarn_loop_release(struct tarn_loop *loop);
void tarn_loop_run(struct tarn_loop *loop);

struct tarn_session {
	struct tarn_broker *broker;
	struct tarn_loop *loop;
	char host[64], peer[80]; /* "127.0.0.1", "127.0.0.1:51234" */
	char principal[264];	 /* "User:ANONYMOUS" */
	bool must_authenticate, authenticated;
	bool encrypted;			    /* TLS: passwords may be sent as they are */
	struct tarn_sasl *sasl;		    /* an exchange under way */
	struct tarn_fetch_session *fetches; /* fetch_session.h; NULL: none */
	bool raw_sasl;			    /* frames are SASL tokens without header (SaslHandshake v0) */
	bool ended;			    /* tarn_session_end was called */
	bool hang_up;			    /* the connection is to be closed once the answers before have been sent */

	/* Calls in the order of their requests, up to those whose answers were taken away. */
	struct tarn_call_inside *first, **end;
	struct tarn_call_inside *blocking; /* no request may be taken up while this one is unanswered */
	size_t n_calls;
	size_t held_bytes; /* requests and answers in memory */
	bool seeks;	   /* its client has asked where to fetch from, and not fetched since (TARN_HANDLER_SEEKS) */

	/* Told on the loop's thread when an answer is ready, or the next request may be taken up. It may not free the
	 * session and must not call its functions from within: note it and return. */
	void (*turn)(struct tarn_session *session);
};

void tarn_session_init(struct tarn_session *session, struct tarn_broker *broker, struct tarn_loop *loop,
		       void (*turn)(struct tarn_session *session));
/* No call may be left. */
void tarn_session_release(struct tarn_session *session);

/* Whether the next request may be taken up now. If not, it waits outside, and reading stops. */
bool tarn_session_ready(const struct tarn_session *session);
/* If not: whether the call that keeps it from being taken up ends its wait for one of another API. */
bool tarn_session_yields(const struct tarn_session *session);
/* A request of that API is there, and waits. */
void tarn_session_yield(struct tarn_session *session, int16_t api_key);
/* The largest request that the session would take now. */
size_t tarn_session_max_frame(const struct tarn_session *session);
/* Takes up one request: `frame` (from malloc, now the session's) holds it without its length. */
void tarn_session_take(struct tarn_session *session, uint8_t *frame, size_t len);
/* The same, with this handler in place of the table's: for tests. */
void tarn_session_take_with(struct tarn_session *session, const struct tarn_handler *handler, uint8_t *frame,
			    size_t len);

/* Bytes that are no answer of an API (SASL without frames), with their length before them. */
void tarn_call_answer_raw(struct tarn_call *call, struct tarn_slice bytes);

/* The next answer in order, or NULL where it is not ready. It is the caller's until tarn_answer_free. Answers without
 * bytes (acks=0) are passed over. */
struct tarn_call_inside *tarn_session_next_answer(struct tarn_session *session);
const struct tarn_encoded *tarn_answer_bytes(const struct tarn_call_inside *answer);
/* Fills at most `max` pieces of memory with what follows the first `skip` bytes, in order; returns how many. */
size_t tarn_answer_iov(const struct tarn_call_inside *answer, size_t skip, struct iovec *iov, size_t max);
void tarn_answer_free(struct tarn_call_inside *answer);
/* Whoever holds answers may chain them. */
struct tarn_call_inside *tarn_answer_next(const struct tarn_call_inside *answer);
struct tarn_call_inside **tarn_answer_next_place(struct tarn_call_inside *answer);

/* Nobody may be there to read the answers any more: wakes what waits (TARN_WAKE_ENDED). */
void tarn_session_hurry(struct tarn_session *session);
/* The connection has ended: wakes what waits and drops answers. The session may be released when n_calls is 0; `turn`
 * tells. */
void tarn_session_end(struct tarn_session *session);
/* Writes a line to the broker's log about this client; `call` may be NULL. */
void tarn_session_complain(const struct tarn_session *session, const struct tarn_call *call, const char *reason);

#endif
