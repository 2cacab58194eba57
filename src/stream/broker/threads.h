/* The broker's own threads, for broker.c. */
#ifndef TARN_STREAM_BROKER_THREADS_H
#define TARN_STREAM_BROKER_THREADS_H

#include <pthread.h>

struct tarn_timers;
struct tarn_workers;

struct tarn_timers *tarn_timers_new(void);
void tarn_timers_free(struct tarn_timers *timers);
struct tarn_workers *tarn_workers_new(void);
/* Runs what is queued first. */
void tarn_workers_free(struct tarn_workers *workers);

/* Starts a thread with a small stack and all signals blocked (they are the main thread's); aborts where the system has
 * no thread left, as for memory. */
void tarn_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
