#include "stream/sink/connector_task.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/condition.h"

/* The longest pause before a failed task starts again; a task that ran this long begins with the shortest. */
#define LONGEST_PAUSE INT64_C(300000)

static enum tarn_rc send_letter(void *context, const struct tarn_dead_letter *letter, struct tarn_err *err)
{
	struct tarn_connector_task *task = context;
	return tarn_dead_letter_send(&task->desk, letter, err);
}

static enum tarn_rc flush_letters(void *context, struct tarn_err *err)
{
	struct tarn_connector_task *task = context;
	return task->desk.platform->flush(task->desk.platform->context, err);
}

static enum tarn_rc find_schema(void *context, const char *topic, uint32_t id, struct tarn_buf *json, int32_t *version,
				struct tarn_err *err)
{
	const struct tarn_dead_letter_desk *desk = &((struct tarn_connector_task *)context)->desk;
	return desk->platform->find_schema(desk->platform->context, desk->config, topic, id, json, version, err);
}

static void set_source(struct tarn_connector_task *task, struct tarn_source *source)
{
	pthread_mutex_lock(&task->lock);
	task->source = source;
	pthread_mutex_unlock(&task->lock);
}

/* From opening source and store to their end. */
static enum tarn_rc run_source(struct tarn_connector_task *task, struct tarn_err *err)
{
	const struct tarn_sink_platform *platform = task->desk.platform;
	const struct tarn_connector_config *config = task->desk.config;
	struct tarn_source_options options = {
		.group = task->group,
		.topics = config->topics.names,
		.n_topics = config->topics.n,
		.topics_regex = config->topics_regex,
		.task = task->desk.task,
		.n_tasks = task->n_tasks,
	};
	struct tarn_sink_task run = {
		.config = config,
		.lookup = { find_schema, task },
		.dead_letter = send_letter,
		.flush_dead_letters = flush_letters,
		.context = task,
		.memory_limit = TARN_SINK_MEMORY / (size_t)task->n_tasks,
		.stop = &task->stop,
		.numbers = &task->numbers,
	};
	enum tarn_rc rc = platform->open_store(platform->context, config, &run.store, err);
	if (rc)
		return rc;
	rc = platform->open_source(platform->context, config, &options, task->offsets, &run.source, err);
	if (!rc) {
		set_source(task, run.source);
		rc = tarn_sink_task_run(&run, err);
		set_source(task, NULL);
		tarn_source_free(run.source);
	}
	tarn_store_close(run.store);
	return rc;
}

static enum tarn_rc run_once(struct tarn_connector_task *task, struct tarn_err *err)
{
	task->desk.sent = tarn_sent_letters_new();
	enum tarn_rc rc = run_source(task, err);
	tarn_sent_letters_free(task->desk.sent);
	task->desk.sent = NULL;
	return rc;
}

static void note_failure(struct tarn_connector_task *task, const struct tarn_err *err, int64_t pause)
{
	char time[TARN_TIMESTAMP_SIZE], line[sizeof(task->trace) + 120];
	tarn_format_timestamp(tarn_now_us(), time);
	pthread_mutex_lock(&task->lock);
	task->failures++;
	snprintf(task->trace, sizeof(task->trace), "%s: %s (starts again after %lld ms)", time, err->message,
		 (long long)pause);
	pthread_mutex_unlock(&task->lock);
	snprintf(line, sizeof(line), "%s, task %d failed: %s; starts again after %lld ms", task->desk.connector,
		 task->desk.task, err->message, (long long)pause);
	task->desk.platform->say(task->desk.platform->context, line);
}

static void rest(struct tarn_connector_task *task, int64_t pause)
{
	int64_t until = tarn_monotonic_ns_in(pause);
	pthread_mutex_lock(&task->lock);
	while (!task->stop && tarn_cond_wait_until(&task->wake, &task->lock, until))
		;
	pthread_mutex_unlock(&task->lock);
}

static void *run_thread(void *context)
{
	struct tarn_connector_task *task = context;
	int64_t shortest = task->desk.config->retry_backoff > 0 ? task->desk.config->retry_backoff : 1,
		pause = shortest;
	while (!task->stop) {
		struct tarn_err err = { 0 };
		int64_t start = tarn_monotonic_ns();
		if (!run_once(task, &err) || task->stop)
			break;
		if (tarn_monotonic_ns() - start > LONGEST_PAUSE * 1000000)
			pause = shortest;
		note_failure(task, &err, pause);
		task->failed = true;
		rest(task, pause);
		task->failed = false;
		pause = pause * 2 > LONGEST_PAUSE ? LONGEST_PAUSE : pause * 2;
	}
	return NULL;
}

void tarn_connector_task_init(struct tarn_connector_task *task)
{
	pthread_mutex_init(&task->lock, NULL);
	tarn_cond_init(&task->wake);
}

void tarn_connector_task_start(struct tarn_connector_task *task)
{
	task->stop = false;
	task->started = !pthread_create(&task->thread, NULL, run_thread, task);
	task->failed = !task->started;
}

void tarn_connector_task_stop(struct tarn_connector_task *task)
{
	if (!task->started)
		return;
	task->stop = true;
	pthread_mutex_lock(&task->lock);
	if (task->source)
		tarn_source_wake(task->source);
	pthread_cond_signal(&task->wake);
	pthread_mutex_unlock(&task->lock);
	pthread_join(task->thread, NULL);
	task->started = false;
	task->failed = false;
}

void tarn_connector_task_release(struct tarn_connector_task *task)
{
	pthread_mutex_destroy(&task->lock);
	pthread_cond_destroy(&task->wake);
}

void tarn_connector_task_trace(struct tarn_connector_task *task, char *text, size_t size)
{
	pthread_mutex_lock(&task->lock);
	snprintf(text, size, "%s", task->trace);
	pthread_mutex_unlock(&task->lock);
}
