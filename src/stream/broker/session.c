#include "stream/broker/session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "stream/broker/fetch_session.h"
#include "stream/broker/handlers.h"
#include "stream/broker/metrics.h"
#include "stream/broker/sasl.h"

enum {
	MAX_CALLS = 128,       /* unanswered, of one connection */
	MAX_HELD = 16 << 20,   /* bytes of their requests and answers; one more is taken up while below it */
	MAX_FRAME = 100 << 20, /* as Kafka's socket.request.max.bytes */
	MAX_FRAME_BEFORE_LOGIN = 512 << 10, /* as Kafka's sasl.server.max.receive.size */
	DECODING_SLACK = 1 << 20,
	DECODING_FACTOR = 8, /* a decoded request takes no more than this many times its own bytes */
};

/* What may have happened to a call, as bits that other threads set. The low three are enum tarn_wake. */
enum { EVENT_ANSWERED = 8, EVENT_WORKED = 16 };

struct tarn_call_inside {
	struct tarn_call call;
	struct tarn_call_inside *next_in_session, *next_in_loop;
	atomic_uint events;
	atomic_bool claimed, has_timer;
	/* Of the loop's thread. */
	bool has_answer, done;
	bool working;	   /* a worker has the call */
	unsigned deferred; /* reasons to resume that came meanwhile */
	size_t held;	   /* bytes counted in the session */
	int64_t began_ns;
	/* Of whoever answers. */
	bool silent;
	const char *hang_up;
	struct tarn_encoded answer;
	struct tarn_buf *kept;
	size_t n_kept, kept_cap;

	uint8_t *frame;
	size_t frame_len;
	struct tarn_timer timer;
	struct tarn_job job;
	void (*work)(struct tarn_call *call);
};

/* ---- events ---- */

void tarn_loop_init(struct tarn_loop *loop, void (*signal)(struct tarn_loop *loop))
{
	*loop = (struct tarn_loop){ .thread = pthread_self(), .signal = signal };
	pthread_mutex_init(&loop->lock, NULL);
	loop->end = &loop->first;
}

void tarn_loop_release(struct tarn_loop *loop)
{
	pthread_mutex_destroy(&loop->lock);
}

static void enqueue(struct tarn_call_inside *inside)
{
	struct tarn_loop *loop = inside->call.session->loop;
	inside->next_in_loop = NULL;
	pthread_mutex_lock(&loop->lock);
	bool was_empty = !loop->first;
	*loop->end = inside;
	loop->end = &inside->next_in_loop;
	/* Within the lock: once the loop has the call, the session and the loop itself may go. */
	if (was_empty)
		loop->signal(loop);
	pthread_mutex_unlock(&loop->lock);
}

/* Whoever sets the first bit puts the call into the loop's queue; it is there until its bits are taken. */
static void post(struct tarn_call_inside *inside, unsigned event)
{
	if (!atomic_fetch_or(&inside->events, event))
		enqueue(inside);
}

/* Adds to what is held; less, where `change` is a negative number. */
static void hold(struct tarn_session *session, size_t change)
{
	session->held_bytes += change;
	atomic_fetch_add(&session->broker->held_bytes, change);
}

static void finish(struct tarn_call_inside *inside)
{
	struct tarn_session *session = inside->call.session;
	inside->done = true;
	if (session->blocking == inside)
		session->blocking = NULL;
	if (inside->hang_up && !session->ended) {
		tarn_session_complain(session, &inside->call, inside->hang_up);
		session->hang_up = true;
	}
	size_t answer = inside->silent ? 0 : tarn_encoded_size(&inside->answer), held = inside->frame_len + answer;
	tarn_metrics_count(session->broker->metrics, inside->call.api_key, tarn_monotonic_ns() - inside->began_ns,
			   inside->frame_len, answer, inside->hang_up != NULL);
	hold(session, held - inside->held);
	inside->held = held;
	session->turn(session);
}

static void take_events(struct tarn_call_inside *inside, unsigned events)
{
	if (events & EVENT_WORKED)
		inside->working = false;
	if (events & EVENT_ANSWERED)
		inside->has_answer = true;
	inside->deferred |= events & (TARN_WAKE_ASKED | TARN_WAKE_TIMER | TARN_WAKE_ENDED);
	if (inside->working)
		return;
	if (inside->has_answer) {
		finish(inside);
		return;
	}
	unsigned why = inside->deferred;
	inside->deferred = 0;
	if (why && inside->call.resume)
		inside->call.resume(&inside->call, why);
}

void tarn_loop_run(struct tarn_loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	struct tarn_call_inside *inside = loop->first;
	loop->first = NULL;
	loop->end = &loop->first;
	pthread_mutex_unlock(&loop->lock);
	while (inside) {
		struct tarn_call_inside *next = inside->next_in_loop;
		take_events(inside, atomic_exchange(&inside->events, 0));
		inside = next;
	}
}

/* ---- what a handler may do ---- */

static void answered(struct tarn_call_inside *inside)
{
	if (atomic_load(&inside->has_timer))
		tarn_timer_cancel(inside->call.broker, &inside->timer);
	struct tarn_loop *loop = inside->call.session->loop;
	if (atomic_fetch_or(&inside->events, EVENT_ANSWERED))
		return;
	if (!pthread_equal(loop->thread, pthread_self())) {
		enqueue(inside);
		return;
	}
	atomic_store(&inside->events, 0);
	take_events(inside, EVENT_ANSWERED);
}

void tarn_call_answer(struct tarn_call *call)
{
	struct tarn_call_inside *inside = call->inside;
	struct tarn_encoded *out = &inside->answer;
	const struct tarn_api *api = tarn_api_find(call->api_key);
	bool flexible = call->api_version >= api->flexible;
	tarn_buf_add_be32(&out->bytes, 0);
	tarn_buf_add_be32(&out->bytes, (uint32_t)call->correlation_id);
	/* A client that asks for versions knows none yet, so that this answer's header never has tags (KIP-511). */
	if (flexible && call->api_key != TARN_API_API_VERSIONS)
		tarn_buf_add_byte(&out->bytes, 0);
	tarn_message_encode(out, api->response(), call->api_version, flexible, call->response);
	size_t size = tarn_encoded_size(out);
	if (out->bytes.overflow || size > INT32_MAX) {
		inside->hang_up = "the answer would be too large";
		tarn_encoded_release(out);
	} else {
		for (int i = 0; i < 4; i++)
			out->bytes.data[i] = (uint8_t)((size - 4) >> (24 - 8 * i));
	}
	answered(inside);
}

void tarn_call_answer_raw(struct tarn_call *call, struct tarn_slice bytes)
{
	tarn_buf_add_be32(&call->inside->answer.bytes, (uint32_t)bytes.len);
	tarn_buf_add_slice(&call->inside->answer.bytes, bytes);
	answered(call->inside);
}

void tarn_call_answer_nothing(struct tarn_call *call)
{
	call->inside->silent = true;
	answered(call->inside);
}

void tarn_call_hang_up(struct tarn_call *call, const char *reason)
{
	call->inside->hang_up = reason;
	answered(call->inside);
}

void tarn_call_wake(struct tarn_call *call)
{
	post(call->inside, TARN_WAKE_ASKED);
}

static void timer_fires(struct tarn_timer *timer)
{
	post((struct tarn_call_inside *)(void *)((char *)timer - offsetof(struct tarn_call_inside, timer)),
	     TARN_WAKE_TIMER);
}

void tarn_call_set_timer(struct tarn_call *call, int64_t ms)
{
	atomic_store(&call->inside->has_timer, true);
	tarn_timer_set(call->broker, &call->inside->timer, ms);
}

static void work(struct tarn_job *job)
{
	struct tarn_call_inside *inside =
		(struct tarn_call_inside *)(void *)((char *)job - offsetof(struct tarn_call_inside, job));
	inside->work(&inside->call);
	post(inside, EVENT_WORKED);
}

void tarn_call_work(struct tarn_call *call, void (*function)(struct tarn_call *call))
{
	struct tarn_call_inside *inside = call->inside;
	inside->working = true;
	inside->work = function;
	inside->job.run = work;
	tarn_broker_run(call->broker, &inside->job);
}

bool tarn_call_claim(struct tarn_call *call)
{
	return !atomic_exchange(&call->inside->claimed, true);
}

void tarn_call_keep(struct tarn_call *call, struct tarn_buf *buf)
{
	struct tarn_call_inside *inside = call->inside;
	inside->kept = tarn_grow(inside->kept, &inside->kept_cap, inside->n_kept + 1, sizeof(*inside->kept));
	inside->kept[inside->n_kept++] = *buf;
	tarn_buf_init(buf, buf->max);
}

bool tarn_call_allowed(const struct tarn_call *call, enum tarn_acl_operation operation, enum tarn_resource_type type,
		       const char *name)
{
	const struct tarn_broker *broker = call->broker;
	return !broker->authorize || broker->authorize(broker, call->principal, call->host, operation, type, name);
}

/* ---- requests ---- */

void tarn_session_init(struct tarn_session *session, struct tarn_broker *broker, struct tarn_loop *loop,
		       void (*turn)(struct tarn_session *session))
{
	*session = (struct tarn_session){ .broker = broker, .loop = loop, .turn = turn };
	session->end = &session->first;
	session->must_authenticate = broker->authenticates;
	snprintf(session->principal, sizeof(session->principal), "User:ANONYMOUS");
}

void tarn_session_release(struct tarn_session *session)
{
	tarn_sasl_free(session->sasl);
	session->sasl = NULL;
	tarn_fetch_session_free(session->broker, session->fetches);
	session->fetches = NULL;
}

bool tarn_session_ready(const struct tarn_session *session)
{
	return !session->blocking && !session->ended && !session->hang_up && session->n_calls < MAX_CALLS &&
	       session->held_bytes < MAX_HELD;
}

bool tarn_session_yields(const struct tarn_session *session)
{
	const struct tarn_call_inside *blocking = session->blocking;
	return blocking && blocking->call.handler && blocking->call.handler->flags & TARN_HANDLER_YIELDS;
}

void tarn_session_yield(struct tarn_session *session, int16_t api_key)
{
	if (tarn_session_yields(session) && session->blocking->call.api_key != api_key)
		post(session->blocking, TARN_WAKE_TIMER);
}

size_t tarn_session_max_frame(const struct tarn_session *session)
{
	return session->must_authenticate && !session->authenticated ? MAX_FRAME_BEFORE_LOGIN : MAX_FRAME;
}

void tarn_session_complain(const struct tarn_session *session, const struct tarn_call *call, const char *reason)
{
	const struct tarn_api *api = call ? tarn_api_find(call->api_key) : NULL;
	if (!call)
		tarn_broker_complain(session->broker, "client %s (%s): %s", session->peer, session->principal, reason);
	else
		tarn_broker_complain(session->broker, "client %s (%s, client id \"%.64s\"): %s (%d) version %d: %s",
				     session->peer, session->principal, call->client_id,
				     api ? api->name : "unknown API", call->api_key, call->api_version, reason);
}

static struct tarn_call_inside *new_call(struct tarn_session *session, uint8_t *frame, size_t len)
{
	struct tarn_call_inside *inside = tarn_calloc(1, sizeof(*inside));
	struct tarn_call *call = &inside->call;
	call->inside = inside;
	call->broker = session->broker;
	call->session = session;
	call->client_id = "";
	call->principal = session->principal;
	call->host = session->host;
	tarn_arena_init(&call->arena);
	tarn_encoded_init(&inside->answer);
	inside->timer.fire = timer_fires;
	inside->frame = frame;
	inside->frame_len = len;
	inside->held = len;
	inside->began_ns = tarn_monotonic_ns();
	*session->end = inside;
	session->end = &inside->next_in_session;
	session->n_calls++;
	hold(session, len);
	return inside;
}

static enum tarn_rc decode_header(struct tarn_call *call, struct tarn_cursor *in, struct tarn_err *err)
{
	uint32_t api, correlation;
	if (!tarn_cursor_be32(in, &api) || !tarn_cursor_be32(in, &correlation))
		return tarn_fail(err, TARN_EINVALID, "a request of %zu bytes, too short for its header",
				 call->inside->frame_len);
	call->api_key = (int16_t)(api >> 16);
	call->api_version = (int16_t)api;
	call->correlation_id = (int32_t)correlation;
	struct tarn_slice length, text;
	if (!tarn_cursor_take(in, 2, &length))
		return tarn_fail(err, TARN_EINVALID, "the client id is cut");
	int16_t n = (int16_t)(length.data[0] << 8 | length.data[1]);
	if (n >= 0) {
		if (!tarn_cursor_take(in, (size_t)n, &text) || (n && memchr(text.data, 0, text.len)))
			return tarn_fail(err, TARN_EINVALID, "the client id is cut, or holds a zero byte");
		call->client_id = tarn_arena_strndup(&call->arena, (const char *)text.data, text.len);
	}
	return TARN_OK;
}

static enum tarn_rc decode_request(struct tarn_call *call, struct tarn_cursor *in, struct tarn_err *err)
{
	const struct tarn_api *api = tarn_api_find(call->api_key);
	struct tarn_decoding how = { .version = call->api_version,
				     .flexible = call->api_version >= api->flexible,
				     .memory = DECODING_SLACK + DECODING_FACTOR * call->inside->frame_len };
	call->response = tarn_layout_new(&call->arena, api->response(), 1);
	call->request = tarn_layout_new(&call->arena, api->request(), 1);
	if (call->api_key == TARN_API_API_VERSIONS && call->api_version > call->handler->max)
		return TARN_OK; /* of a layout that nobody here knows; the handler answers in version 0 */
	if (how.flexible && !tarn_tags_skip(in))
		return tarn_fail(err, TARN_EINVALID, "tagged fields of the header are cut");
	return tarn_message_decode(in, api->request(), &how, &call->arena, call->request, err);
}

/* The call's handler, or NULL where the request is not to be answered: *reason tells. */
static const struct tarn_handler *find_handler(const struct tarn_call *call, const char **reason)
{
	const struct tarn_handler *handler = tarn_handler_find(call->api_key);
	const struct tarn_session *session = call->session;
	if (!handler)
		*reason = "this API is not served";
	else if (session->must_authenticate && !session->authenticated &&
		 !(handler->flags & TARN_HANDLER_UNAUTHENTICATED))
		*reason = "the client has not authenticated";
	else if (call->api_version < handler->min ||
		 (call->api_version > handler->max && call->api_key != TARN_API_API_VERSIONS))
		*reason = "this version is not served";
	else
		return handler;
	return NULL;
}

static void call_handler(struct tarn_call *call)
{
	const struct tarn_handler *handler = call->handler;
	call->session->seeks |= (handler->flags & TARN_HANDLER_SEEKS) != 0;
	if (!(handler->flags & TARN_HANDLER_OVERLAPS))
		call->session->blocking = call->inside;
	if (handler->flags & TARN_HANDLER_WAITS)
		tarn_call_work(call, handler->handle);
	else
		handler->handle(call);
}

void tarn_session_take_with(struct tarn_session *session, const struct tarn_handler *handler, uint8_t *frame,
			    size_t len)
{
	struct tarn_call *call = &new_call(session, frame, len)->call;
	if (session->raw_sasl) {
		session->blocking = call->inside;
		tarn_sasl_take_raw(call, tarn_slice_of(frame, len));
		return;
	}
	struct tarn_cursor in = tarn_cursor_of(tarn_slice_of(frame, len));
	struct tarn_err err;
	enum tarn_rc rc = decode_header(call, &in, &err);
	const char *reason = NULL;
	if (!rc) {
		call->handler = handler ? handler : find_handler(call, &reason);
		if (call->handler)
			rc = decode_request(call, &in, &err);
	}
	if (rc)
		reason = err.position < 0 ? tarn_arena_strdup(&call->arena, err.message)
					  : tarn_arena_printf(&call->arena, "%s (at byte %lld of %zu)", err.message,
							      (long long)err.position, len);
	if (reason)
		tarn_call_hang_up(call, reason);
	else
		call_handler(call);
}

void tarn_session_take(struct tarn_session *session, uint8_t *frame, size_t len)
{
	tarn_session_take_with(session, NULL, frame, len);
}

/* ---- answers ---- */

const struct tarn_encoded *tarn_answer_bytes(const struct tarn_call_inside *answer)
{
	return &answer->answer;
}

struct tarn_call_inside *tarn_answer_next(const struct tarn_call_inside *answer)
{
	return answer->next_in_session;
}

struct tarn_call_inside **tarn_answer_next_place(struct tarn_call_inside *answer)
{
	return &answer->next_in_session;
}

/* Adds what is left of `data` when `*skip` bytes of the whole are passed over. */
static size_t add_iov(struct tarn_slice data, size_t *skip, struct iovec *iov, size_t max)
{
	if (*skip >= data.len || !max) {
		*skip -= *skip >= data.len ? data.len : 0;
		return 0;
	}
	*iov = (struct iovec){ (void *)(uintptr_t)(data.data + *skip), data.len - *skip };
	*skip = 0;
	return 1;
}

size_t tarn_answer_iov(const struct tarn_call_inside *answer, size_t skip, struct iovec *iov, size_t max)
{
	const struct tarn_encoded *encoded = &answer->answer;
	size_t n = 0, from = 0;
	for (size_t i = 0; i < encoded->n_pieces; i++) {
		const struct tarn_piece *piece = &encoded->pieces[i];
		n += add_iov(tarn_slice_of(encoded->bytes.data + from, piece->at - from), &skip, iov + n, max - n);
		n += add_iov(piece->data, &skip, iov + n, max - n);
		from = piece->at;
	}
	return n +
	       add_iov(tarn_slice_of(encoded->bytes.data + from, encoded->bytes.len - from), &skip, iov + n, max - n);
}

void tarn_answer_free(struct tarn_call_inside *answer)
{
	struct tarn_session *session = answer->call.session;
	session->n_calls--;
	hold(session, -answer->held);
	for (size_t i = 0; i < answer->n_kept; i++)
		tarn_buf_release(&answer->kept[i]);
	free(answer->kept);
	tarn_encoded_release(&answer->answer);
	tarn_arena_release(&answer->call.arena);
	free(answer->frame);
	free(answer);
}

static void unlink_first(struct tarn_session *session)
{
	session->first = session->first->next_in_session;
	if (!session->first)
		session->end = &session->first;
}

struct tarn_call_inside *tarn_session_next_answer(struct tarn_session *session)
{
	while (session->first && session->first->done) {
		struct tarn_call_inside *inside = session->first;
		unlink_first(session);
		inside->next_in_session = NULL;
		if (!inside->hang_up && !inside->silent && !session->ended)
			return inside;
		tarn_answer_free(inside);
	}
	return NULL;
}

void tarn_session_hurry(struct tarn_session *session)
{
	for (struct tarn_call_inside *inside = session->first; inside; inside = inside->next_in_session)
		if (!inside->done)
			post(inside, TARN_WAKE_ENDED);
}

void tarn_session_end(struct tarn_session *session)
{
	session->ended = true;
	tarn_session_hurry(session);
}
