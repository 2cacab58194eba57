#include "store/object/s3_work.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/object/s3_ahead.h"

enum { HELD_MAX = 16 << 20, QUEUE_MAX = 256, THREAD_STACK = 512 << 10 };

struct pending {
	char *key;
	uint64_t number; /* in the order of beginning */
};

struct s3_work {
	pthread_mutex_t lock; /* covers all below; nothing is taken while it is held */
	pthread_cond_t queued, changed;
	struct s3_job *first, **last;
	size_t n_queued, n_idle;
	pthread_t *threads;
	size_t n_threads, cap_threads;
	bool ending;
	struct pending *pending;
	size_t n_pending, cap_pending;
	uint64_t n_begun;
	size_t held;
	bool failed;
	struct tarn_err failure;
};

struct s3_work *s3_work_new(void)
{
	struct s3_work *work = tarn_calloc(1, sizeof(*work));
	pthread_mutex_init(&work->lock, NULL);
	pthread_cond_init(&work->queued, NULL);
	pthread_cond_init(&work->changed, NULL);
	work->last = &work->first;
	return work;
}

/* ---- jobs ---- */

static struct s3_job *take_job(struct s3_work *work)
{
	pthread_mutex_lock(&work->lock);
	work->n_idle++;
	while (!work->first && !work->ending)
		pthread_cond_wait(&work->queued, &work->lock);
	work->n_idle--;
	struct s3_job *job = work->first;
	if (job) {
		work->first = job->next;
		if (!work->first)
			work->last = &work->first;
		work->n_queued--;
		pthread_cond_broadcast(&work->changed);
	}
	pthread_mutex_unlock(&work->lock);
	return job;
}

static void *work_on(void *context)
{
	struct s3_store *store = context;
	for (struct s3_job *job; (job = take_job(store->work));)
		job->run(store, job);
	return NULL;
}

/* Curl and TLS need less than the usual eight megabytes of stack. */
static bool start_thread(struct s3_store *store)
{
	struct s3_work *work = store->work;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	work->threads = tarn_grow(work->threads, &work->cap_threads, work->n_threads + 1, sizeof(*work->threads));
	bool failed = pthread_create(&work->threads[work->n_threads], &attributes, work_on, store);
	pthread_attr_destroy(&attributes);
	work->n_threads += !failed;
	return !failed;
}

void s3_work_submit(struct s3_store *store, struct s3_job *job)
{
	struct s3_work *work = store->work;
	bool alone;
	job->next = NULL;
	pthread_mutex_lock(&work->lock);
	while (work->n_queued >= QUEUE_MAX)
		pthread_cond_wait(&work->changed, &work->lock);
	if (work->n_idle <= work->n_queued && work->n_threads < (size_t)store->config.parallel)
		start_thread(store);
	alone = !work->n_threads;
	if (!alone) {
		*work->last = job;
		work->last = &job->next;
		work->n_queued++;
		pthread_cond_signal(&work->queued);
	}
	pthread_mutex_unlock(&work->lock);
	/* A system that gives no thread gets the work done all the same. */
	if (alone)
		job->run(store, job);
}

/* ---- pending keys ---- */

static size_t find_pending(const struct s3_work *work, const char *key)
{
	size_t i = 0;
	while (i < work->n_pending && strcmp(work->pending[i].key, key))
		i++;
	return i;
}

static bool is_pending(const struct s3_work *work, const char *key)
{
	return find_pending(work, key) < work->n_pending;
}

static bool has_older(const struct s3_work *work, uint64_t number)
{
	for (size_t i = 0; i < work->n_pending; i++)
		if (work->pending[i].number < number)
			return true;
	return false;
}

void s3_work_begin(struct s3_store *store, const char *key)
{
	struct s3_work *work = store->work;
	s3_ahead_forget(store, key);
	pthread_mutex_lock(&work->lock);
	while (is_pending(work, key))
		pthread_cond_wait(&work->changed, &work->lock);
	work->pending = tarn_grow(work->pending, &work->cap_pending, work->n_pending + 1, sizeof(*work->pending));
	work->pending[work->n_pending++] = (struct pending){ tarn_strdup(key), work->n_begun++ };
	pthread_mutex_unlock(&work->lock);
}

void s3_work_end(struct s3_store *store, const char *key, const struct tarn_err *failure)
{
	struct s3_work *work = store->work;
	pthread_mutex_lock(&work->lock);
	size_t i = find_pending(work, key);
	free(work->pending[i].key);
	work->pending[i] = work->pending[--work->n_pending];
	if (failure && !work->failed) {
		work->failed = true;
		work->failure = *failure;
	}
	pthread_cond_broadcast(&work->changed);
	pthread_mutex_unlock(&work->lock);
}

void s3_work_settle(struct s3_store *store, const char *key)
{
	struct s3_work *work = store->work;
	pthread_mutex_lock(&work->lock);
	uint64_t now = work->n_begun;
	while (key ? is_pending(work, key) : has_older(work, now))
		pthread_cond_wait(&work->changed, &work->lock);
	pthread_mutex_unlock(&work->lock);
}

enum tarn_rc s3_work_failure(struct s3_store *store, struct tarn_err *err)
{
	struct s3_work *work = store->work;
	pthread_mutex_lock(&work->lock);
	enum tarn_rc rc = work->failed ? work->failure.code : TARN_OK;
	if (rc && err)
		*err = work->failure;
	pthread_mutex_unlock(&work->lock);
	return rc;
}

/* ---- memory ---- */

void s3_work_hold(struct s3_store *store, size_t bytes)
{
	struct s3_work *work = store->work;
	pthread_mutex_lock(&work->lock);
	while (work->held && work->held + bytes > HELD_MAX)
		pthread_cond_wait(&work->changed, &work->lock);
	work->held += bytes;
	pthread_mutex_unlock(&work->lock);
}

void s3_work_let_go(struct s3_store *store, size_t bytes)
{
	struct s3_work *work = store->work;
	pthread_mutex_lock(&work->lock);
	work->held -= bytes;
	pthread_cond_broadcast(&work->changed);
	pthread_mutex_unlock(&work->lock);
}

void s3_work_free(struct s3_store *store)
{
	struct s3_work *work = store->work;
	pthread_mutex_lock(&work->lock);
	work->ending = true;
	pthread_cond_broadcast(&work->queued);
	pthread_mutex_unlock(&work->lock);
	for (size_t i = 0; i < work->n_threads; i++)
		pthread_join(work->threads[i], NULL);
	free(work->threads);
	free(work->pending);
	pthread_cond_destroy(&work->queued);
	pthread_cond_destroy(&work->changed);
	pthread_mutex_destroy(&work->lock);
	free(work);
	store->work = NULL;
}
