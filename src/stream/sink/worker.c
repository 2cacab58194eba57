#include "stream/sink/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Room of this size is kept for the next call. */
#define KEPT_ROOM ((size_t)2 << 20)

struct call {
	tarn_worker_call function;
	void *context;
	struct tarn_buf bytes;
};

struct tarn_worker {
	pthread_mutex_t lock; /* of everything below but the call under way */
	pthread_cond_t changed;
	struct call calls[TARN_WORKER_CALLS]; /* call number i in place i % TARN_WORKER_CALLS */
	int64_t n_given, n_done;
	size_t bytes; /* of calls that are not done */
	struct tarn_err failure;
	pthread_t thread;
	bool started, ending;
};

static void make_call(struct tarn_worker *worker, struct call *call)
{
	struct tarn_err err = { 0 };
	bool failed = worker->failure.code;
	pthread_mutex_unlock(&worker->lock);
	enum tarn_rc rc = failed ? TARN_OK : call->function(call->context, tarn_buf_slice(&call->bytes), &err);
	pthread_mutex_lock(&worker->lock);
	if (rc) {
		worker->failure = err;
		worker->failure.code = rc;
	}
	worker->bytes -= call->bytes.len;
	tarn_buf_clear(&call->bytes);
	if (call->bytes.cap > KEPT_ROOM)
		tarn_buf_release(&call->bytes);
	worker->n_done++;
	pthread_cond_broadcast(&worker->changed);
}

static void *run(void *context)
{
	struct tarn_worker *worker = context;
	pthread_mutex_lock(&worker->lock);
	for (;;) {
		while (worker->n_done == worker->n_given && !worker->ending)
			pthread_cond_wait(&worker->changed, &worker->lock);
		if (worker->n_done == worker->n_given)
			break;
		make_call(worker, &worker->calls[worker->n_done % TARN_WORKER_CALLS]);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

struct tarn_worker *tarn_worker_new(void)
{
	struct tarn_worker *worker = tarn_calloc(1, sizeof(*worker));
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->changed, NULL);
	for (size_t i = 0; i < TARN_WORKER_CALLS; i++)
		tarn_buf_init(&worker->calls[i].bytes, TARN_BUF_DEFAULT_MAX);
	return worker;
}

void tarn_worker_free(struct tarn_worker *worker)
{
	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->ending = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	if (worker->started)
		pthread_join(worker->thread, NULL);
	for (size_t i = 0; i < TARN_WORKER_CALLS; i++)
		tarn_buf_release(&worker->calls[i].bytes);
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

static enum tarn_rc failure_of(const struct tarn_worker *worker, struct tarn_err *err)
{
	if (worker->failure.code && err)
		*err = worker->failure;
	return worker->failure.code;
}

static bool is_full(const struct tarn_worker *worker, size_t more)
{
	int64_t waiting = worker->n_given - worker->n_done;
	return waiting == TARN_WORKER_CALLS || (waiting && worker->bytes + more > TARN_WORKER_BYTES);
}

static void swap(struct tarn_buf *a, struct tarn_buf *b)
{
	struct tarn_buf held = *a;
	*a = *b;
	*b = held;
}

enum tarn_rc tarn_worker_hand_over(struct tarn_worker *worker, tarn_worker_call function, void *context,
				   struct tarn_buf *bytes, struct tarn_err *err)
{
	pthread_mutex_lock(&worker->lock);
	while (is_full(worker, bytes ? bytes->len : 0))
		pthread_cond_wait(&worker->changed, &worker->lock);
	struct call *call = &worker->calls[worker->n_given % TARN_WORKER_CALLS];
	call->function = function;
	call->context = context;
	if (bytes)
		swap(&call->bytes, bytes);
	worker->bytes += call->bytes.len;
	worker->n_given++;
	if (!worker->started)
		worker->started = !pthread_create(&worker->thread, NULL, run, worker);
	if (worker->started)
		pthread_cond_broadcast(&worker->changed);
	else
		make_call(worker, call);
	enum tarn_rc rc = failure_of(worker, err);
	pthread_mutex_unlock(&worker->lock);
	return rc;
}

int64_t tarn_worker_given(const struct tarn_worker *worker)
{
	return worker->n_given;
}

bool tarn_worker_is_done(struct tarn_worker *worker, int64_t n)
{
	pthread_mutex_lock(&worker->lock);
	bool done = worker->n_done >= n;
	pthread_mutex_unlock(&worker->lock);
	return done;
}

enum tarn_rc tarn_worker_wait(struct tarn_worker *worker, int64_t n, struct tarn_err *err)
{
	pthread_mutex_lock(&worker->lock);
	while (worker->n_done < n)
		pthread_cond_wait(&worker->changed, &worker->lock);
	enum tarn_rc rc = failure_of(worker, err);
	pthread_mutex_unlock(&worker->lock);
	return rc;
}

void tarn_worker_settle(struct tarn_worker *worker)
{
	struct tarn_err unused;
	enum tarn_rc rc = tarn_worker_wait(worker, worker->n_given, &unused);
	(void)rc;
}
