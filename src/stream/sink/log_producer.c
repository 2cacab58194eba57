#include "stream/sink/log_producer.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"

/* A topic that was sent to since the last flush. */
struct pending {
	struct tarn_topic *topic;
	int64_t end;
};

struct tarn_log_producer {
	struct tarn_log *log;
	pthread_mutex_t lock;
	struct pending *pending;
	size_t n, cap;
	struct tarn_batch_builder *builder;
};

struct tarn_log_producer *tarn_log_producer_new(struct tarn_log *log)
{
	struct tarn_log_producer *producer = tarn_calloc(1, sizeof(*producer));
	producer->log = log;
	producer->builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	pthread_mutex_init(&producer->lock, NULL);
	return producer;
}

static void forget(struct tarn_log_producer *producer)
{
	for (size_t i = 0; i < producer->n; i++)
		tarn_topic_unref(producer->pending[i].topic);
	producer->n = 0;
}

void tarn_log_producer_free(struct tarn_log_producer *producer)
{
	if (!producer)
		return;
	forget(producer);
	free(producer->pending);
	tarn_batch_builder_free(producer->builder);
	pthread_mutex_destroy(&producer->lock);
	free(producer);
}

static enum tarn_rc find_topic(struct tarn_log_producer *producer, const char *name, struct pending **found,
			       struct tarn_err *err)
{
	for (size_t i = 0; i < producer->n; i++)
		if (!strcmp(tarn_topic_name(producer->pending[i].topic), name)) {
			*found = &producer->pending[i];
			return TARN_OK;
		}
	/* What was a message of any topic must fit. */
	static const struct tarn_topic_setting large = { "max.message.bytes", "1073741824" };
	struct tarn_topic *topic = tarn_log_find_topic(producer->log, name);
	enum tarn_rc rc = topic ? TARN_OK : tarn_log_create_topic(producer->log, name, 1, &large, 1, &topic, err);
	if (rc == TARN_EEXISTS) { /* somebody else was faster */
		topic = tarn_log_find_topic(producer->log, name);
		rc = topic ? TARN_OK : rc;
	}
	if (rc)
		return rc;
	producer->pending = tarn_grow(producer->pending, &producer->cap, producer->n + 1, sizeof(*producer->pending));
	*found = &producer->pending[producer->n++];
	**found = (struct pending){ topic, 0 };
	return TARN_OK;
}

static enum tarn_rc append(struct tarn_log_producer *producer, struct pending *pending, struct tarn_err *err)
{
	static const struct tarn_batch_producer nobody = { -1, -1, -1, false };
	struct tarn_append result;
	struct tarn_slice batch;
	struct tarn_partition *partition = tarn_topic_partition(pending->topic, 0);
	enum tarn_rc rc = tarn_batch_builder_finish(producer->builder, &nobody, &batch, err);
	if (rc)
		return rc;
	tarn_partition_append(partition, (uint8_t *)batch.data, batch.len, &result);
	if (result.status != TARN_APPEND_DONE)
		return tarn_fail(err, result.status == TARN_APPEND_DELETED ? TARN_ENOTFOUND : TARN_EIO,
				 "topic \"%s\" does not take a message (%d)", tarn_topic_name(pending->topic),
				 result.status);
	pending->end = result.last_offset + 1;
	return TARN_OK;
}

enum tarn_rc tarn_log_producer_send(struct tarn_log_producer *producer, const char *topic,
				    const struct tarn_message *message, const struct tarn_header *headers,
				    size_t n_headers, struct tarn_err *err)
{
	struct pending *pending;
	pthread_mutex_lock(&producer->lock);
	enum tarn_rc rc = find_topic(producer, topic, &pending, err);
	if (!rc) {
		tarn_batch_builder_clear(producer->builder);
		tarn_batch_builder_add(producer->builder, message->timestamp, message->key, message->value, headers,
				       n_headers);
		rc = append(producer, pending, err);
	}
	pthread_mutex_unlock(&producer->lock);
	return rc;
}

enum tarn_rc tarn_log_producer_flush(struct tarn_log_producer *producer, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&producer->lock);
	for (size_t i = 0; !rc && i < producer->n; i++)
		rc = tarn_partition_wait_durable(tarn_topic_partition(producer->pending[i].topic, 0),
						 producer->pending[i].end, err);
	if (!rc)
		forget(producer);
	pthread_mutex_unlock(&producer->lock);
	return rc;
}

/* ---- reading ---- */

enum { READ_SIZE = 1 << 20 };
#define MAX_BATCH ((size_t)1 << 30)

static enum tarn_rc visit_batches(struct tarn_batch_reader *reader, struct tarn_slice bytes, tarn_message_visit visit,
				  void *context, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	while (!rc && bytes.len) {
		struct tarn_batch batch;
		struct tarn_message message;
		rc = tarn_batch_parse(bytes, &batch, err);
		if (rc)
			return rc;
		bytes = tarn_slice_of(bytes.data + batch.bytes.len, bytes.len - batch.bytes.len);
		if (batch.control)
			continue;
		rc = tarn_batch_reader_open(reader, &batch, MAX_BATCH, err);
		while (!rc && !(rc = tarn_batch_reader_next(reader, &message, err)))
			visit(context, &message);
		if (rc == TARN_ENOTFOUND)
			rc = TARN_OK;
	}
	return rc;
}

static enum tarn_rc read_partition(struct tarn_partition *partition, int64_t *next, tarn_message_visit visit,
				   void *context, struct tarn_err *err)
{
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	struct tarn_offsets offsets;
	struct tarn_buf bytes;
	enum tarn_rc rc = TARN_OK;
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	tarn_partition_offsets(partition, &offsets);
	if (*next < offsets.start || *next > offsets.end)
		*next = offsets.start;
	do {
		tarn_buf_clear(&bytes);
		rc = tarn_partition_read(partition, *next, READ_SIZE, TARN_READ_COMMITTED, &bytes, next, err);
		if (!rc)
			rc = visit_batches(reader, tarn_buf_slice(&bytes), visit, context, err);
	} while (!rc && bytes.len);
	tarn_buf_release(&bytes);
	tarn_batch_reader_free(reader);
	return rc;
}

enum tarn_rc tarn_log_producer_read(struct tarn_log_producer *producer, const char *topic,
				    struct tarn_topic_place *place, tarn_message_visit visit, void *context,
				    struct tarn_err *err)
{
	struct tarn_topic *found = tarn_log_find_topic(producer->log, topic);
	size_t n = found ? (size_t)tarn_topic_partitions(found) : 0;
	enum tarn_rc rc = TARN_OK;
	tarn_topic_place_fit(place, n);
	for (size_t i = 0; !rc && i < n; i++)
		rc = read_partition(tarn_topic_partition(found, (int32_t)i), &place->next[i], visit, context, err);
	tarn_topic_unref(found);
	return rc;
}
