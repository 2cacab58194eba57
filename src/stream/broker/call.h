/* A call: one request on its way to its one answer. What a handler gets, and how it answers.
 *
 * A handler is called on the loop thread of the call's connection, and must not block there; a handler whose row says
 * `waits` is called on a worker thread and may. It answers with exactly one of tarn_call_answer,
 * tarn_call_answer_nothing and tarn_call_hang_up, from within or later, from any thread. After that the call is gone.
 *
 * A handler that answers later has three ways to go on:
 *
 *   resume   set call->resume before returning. It is then called on the loop thread, never before the handler has
 * returned, once for any number of tarn_call_wake (any thread), when the time of tarn_call_set_timer is up, and when
 * the connection has ended: `why` tells, and several reasons may come together. A fetch is written with this alone: it
 *            registers a watcher that wakes, and in `resume` looks again, unregisters and answers.
 *   finish   answer from another thread, when durable for example. Whoever does both must see to it that nobody wakes a
 * call that was answered; tarn_call_claim helps: of all who ask, one gets true, and answers. work tarn_call_work(call,
 * function): the function is called on a worker thread, where it may block.
 *
 * When the connection ends the answer is not sent, but the call must be answered all the same: that frees it. */
#ifndef TARN_STREAM_BROKER_CALL_H
#define TARN_STREAM_BROKER_CALL_H

#include "stream/broker/broker.h"
#include "stream/broker/codec.h"
#include "stream/broker/errors.h"

struct tarn_session; /* session.h: what is known of the connection: who it is, how far SASL is */
struct tarn_handler;

enum tarn_wake {
	TARN_WAKE_ASKED = 1, /* tarn_call_wake */
	TARN_WAKE_TIMER = 2,
	TARN_WAKE_ENDED = 4, /* nobody is there to read the answer */
};

struct tarn_call {
	struct tarn_broker *broker;
	struct tarn_session *session;
	const struct tarn_handler *handler;
	int16_t api_key, api_version;
	int32_t correlation_id;
	const char *client_id;	 /* "" where none was given */
	const char *principal;	 /* "User:alice", "User:ANONYMOUS" */
	const char *host;	 /* the client's address, without port */
	struct tarn_arena arena; /* freed when the call has been answered */
	void *request;	/* the decoded struct of the API; its bytes and records are in the request's own buffer, which
			 * lives as  long as the call and may be changed: tarn_call_writable */
	void *response; /* the struct of the API, every field at its default: fill it and answer */
	void (*resume)(struct tarn_call *call, unsigned why);
	void *state; /* the handler's own, for resume */
	struct tarn_call_inside *inside;
};

/* Encodes call->response. What it points to must live until this returns; records must live until the answer was sent:
 * in the call's arena, static, or given with tarn_call_keep. */
void tarn_call_answer(struct tarn_call *call);
/* For acks=0: the client waits for nothing. */
void tarn_call_answer_nothing(struct tarn_call *call);
/* Ends the connection; `reason` goes into the error log with who sent what. */
void tarn_call_hang_up(struct tarn_call *call, const char *reason);

void tarn_call_wake(struct tarn_call *call);
/* One timer a call; a new one replaces it. Any thread. */
void tarn_call_set_timer(struct tarn_call *call, int64_t ms);
void tarn_call_work(struct tarn_call *call, void (*function)(struct tarn_call *call));
bool tarn_call_claim(struct tarn_call *call);
/* The buffer's memory becomes the call's and lives until the answer was sent; *buf is empty then. */
void tarn_call_keep(struct tarn_call *call, struct tarn_buf *buf);

static inline uint8_t *tarn_call_writable(struct tarn_slice part_of_request)
{
	return (uint8_t *)(uintptr_t)part_of_request.data;
}

/* Structs with their defaults, from the call's arena: tarn_call_new(call, fetch_response_topic, n). */
#define tarn_call_new(call, x, n) tarn_message_new(&(call)->arena, x, (n))

/* Whether the caller of `call` may do this; the broker's authorizer decides, everything is allowed where there is none.
 */
bool tarn_call_allowed(const struct tarn_call *call, enum tarn_acl_operation operation, enum tarn_resource_type type,
		       const char *name);

#endif
