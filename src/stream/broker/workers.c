/* Workers: a few threads that run what may block, in the order it came. */
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/broker.h"
#include "stream/broker/threads.h"

/* What blocks is the disk and now and then the creation of a topic; more threads would only queue there. */
enum { N_WORKERS = 3 };

struct tarn_workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	pthread_t threads[N_WORKERS];
	struct tarn_job *first, **end;
	bool ending;
};

static void *run(void *arg)
{
	struct tarn_workers *workers = arg;
	pthread_mutex_lock(&workers->lock);
	for (;;) {
		struct tarn_job *job = workers->first;
		if (!job) {
			if (workers->ending)
				break;
			pthread_cond_wait(&workers->more, &workers->lock);
			continue;
		}
		workers->first = job->next;
		if (!workers->first)
			workers->end = &workers->first;
		pthread_mutex_unlock(&workers->lock);
		job->run(job);
		pthread_mutex_lock(&workers->lock);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

struct tarn_workers *tarn_workers_new(void)
{
	struct tarn_workers *workers = tarn_calloc(1, sizeof(*workers));
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->more, NULL);
	workers->end = &workers->first;
	for (size_t i = 0; i < N_WORKERS; i++)
		tarn_thread_start(&workers->threads[i], run, workers);
	return workers;
}

void tarn_workers_free(struct tarn_workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->ending = true;
	pthread_cond_broadcast(&workers->more);
	pthread_mutex_unlock(&workers->lock);
	for (size_t i = 0; i < N_WORKERS; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_mutex_destroy(&workers->lock);
	pthread_cond_destroy(&workers->more);
	free(workers);
}

void tarn_broker_run(struct tarn_broker *broker, struct tarn_job *job)
{
	struct tarn_workers *workers = broker->workers;
	job->next = NULL;
	pthread_mutex_lock(&workers->lock);
	*workers->end = job;
	workers->end = &job->next;
	pthread_cond_signal(&workers->more);
	pthread_mutex_unlock(&workers->lock);
}
