/* One task of a connector: a thread that runs a sink task again and again until it is stopped. */
#ifndef TARN_STREAM_SINK_CONNECTOR_TASK_H
#define TARN_STREAM_SINK_CONNECTOR_TASK_H

#include <pthread.h>

#include "base/clock.h"
#include "stream/sink/connectors.h"
#include "stream/sink/dead_letter.h"

struct tarn_connector_task {
	/* Set before the start; borrowed. */
	struct tarn_dead_letter_desk desk;
	struct tarn_offset_file *offsets;
	const char *group;
	int32_t n_tasks;

	pthread_t thread;
	bool started;
	_Atomic bool stop;
	_Atomic bool failed; /* waits before it starts again */
	struct tarn_task_numbers numbers;
	pthread_mutex_t lock; /* of the three below */
	pthread_cond_t wake;
	struct tarn_source *source;	       /* while one is open */
	char trace[TARN_TIMESTAMP_SIZE + 560]; /* of the last failure */
	int64_t failures;
};

void tarn_connector_task_init(struct tarn_connector_task *task);
void tarn_connector_task_start(struct tarn_connector_task *task);
/* Waits for the thread; the task may be started again. */
void tarn_connector_task_stop(struct tarn_connector_task *task);
void tarn_connector_task_release(struct tarn_connector_task *task);
/* A copy of the last failure's text. */
void tarn_connector_task_trace(struct tarn_connector_task *task, char *text, size_t size);

#endif
