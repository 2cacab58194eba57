/* The registry's topic in a log of this process. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/point.h"
#include "stream/log/log.h"
#include "stream/registry/registry_core.h"

enum { READ_BYTES = 4 << 20, LARGEST_BATCH = 64 << 20 };

struct log_store {
	struct tarn_topic *topic;
	struct tarn_partition *partition;
	struct tarn_batch_builder *builder;
	struct tarn_buf batch;
};

typedef enum tarn_rc (*each_record)(void *context, struct tarn_slice key, struct tarn_slice value,
				    struct tarn_err *err);

static enum tarn_rc read_batch(struct tarn_batch_reader *reader, const struct tarn_batch *batch, each_record each,
			       void *context, struct tarn_err *err)
{
	struct tarn_message message;
	enum tarn_rc rc = tarn_batch_reader_open(reader, batch, LARGEST_BATCH, err);
	while (!rc) {
		rc = tarn_batch_reader_next(reader, &message, err);
		if (!rc && message.key.data)
			rc = each(context, message.key, message.value, err);
	}
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

static enum tarn_rc read_batches(struct tarn_batch_reader *reader, struct tarn_slice bytes, each_record each,
				 void *context, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	while (!rc && bytes.len) {
		struct tarn_batch batch;
		rc = tarn_batch_parse(bytes, &batch, err);
		if (rc)
			break;
		if (!batch.control)
			rc = read_batch(reader, &batch, each, context, err);
		bytes = tarn_slice_of(bytes.data + batch.bytes.len, bytes.len - batch.bytes.len);
	}
	return rc;
}

static enum tarn_rc load(void *state, each_record each, void *context, struct tarn_err *err)
{
	struct log_store *store = state;
	struct tarn_offsets offsets;
	struct tarn_buf bytes;
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	tarn_partition_offsets(store->partition, &offsets);
	tarn_buf_init(&bytes, LARGEST_BATCH);
	enum tarn_rc rc = tarn_partition_wait_durable(store->partition, offsets.end, err);
	for (int64_t next = offsets.start; !rc && next < offsets.end;) {
		int64_t from = next;
		tarn_buf_clear(&bytes);
		rc = tarn_partition_read(store->partition, from, READ_BYTES, TARN_READ_ALL, &bytes, &next, err);
		if (!rc && next == from)
			break;
		if (!rc)
			rc = read_batches(reader, tarn_buf_slice(&bytes), each, context, err);
	}
	tarn_buf_release(&bytes);
	tarn_batch_reader_free(reader);
	return rc ? tarn_err_within(err, rc, "topic %s", TARN_REGISTRY_TOPIC) : TARN_OK;
}

static enum tarn_rc append(void *state, const struct tarn_registry_record *records, size_t n, int64_t *position,
			   struct tarn_err *err)
{
	struct log_store *store = state;
	struct tarn_slice batch;
	struct tarn_append result;
	tarn_batch_builder_clear(store->builder);
	for (size_t i = 0; i < n; i++)
		tarn_batch_builder_add(store->builder, tarn_now_us() / 1000, records[i].key, records[i].value, NULL, 0);
	enum tarn_rc rc = tarn_batch_builder_finish(store->builder, NULL, &batch, err);
	if (rc)
		return rc;
	tarn_buf_clear(&store->batch); /* the log writes offsets into it */
	tarn_buf_add_slice(&store->batch, batch);
	tarn_point("registry.append");
	tarn_partition_append(store->partition, store->batch.data, store->batch.len, &result);
	if (result.status == TARN_APPEND_TOO_LARGE)
		return tarn_fail(err, TARN_ELIMIT, "%zu bytes at once are more than the topic's max.message.bytes",
				 store->batch.len);
	if (result.status != TARN_APPEND_DONE)
		return tarn_fail(err, TARN_EIO, "the log does not take the records (%d)", (int)result.status);
	tarn_point("registry.appended");
	*position = result.last_offset;
	return TARN_OK;
}

static void when_durable(void *state, int64_t position, struct tarn_durable_waiter *waiter)
{
	struct log_store *store = state;
	tarn_partition_when_durable(store->partition, position + 1, waiter);
}

static void leave(void *state)
{
	struct log_store *store = state;
	tarn_batch_builder_free(store->builder);
	tarn_buf_release(&store->batch);
	tarn_topic_unref(store->topic);
	free(store);
}

static enum tarn_rc open_topic(struct tarn_log *log, struct tarn_topic **topic, struct tarn_err *err)
{
	static const struct tarn_topic_setting settings[] = {
		{ "cleanup.policy", "compact" },
		{ "max.message.bytes", "8388608" }, /* a subject of many versions goes as one batch */
		{ "flush.messages", "1" },	    /* durable, whatever the broker's default becomes */
	};
	*topic = tarn_log_find_topic(log, TARN_REGISTRY_TOPIC);
	if (*topic)
		return TARN_OK;
	return tarn_log_create_topic(log, TARN_REGISTRY_TOPIC, 1, settings, sizeof(settings) / sizeof(*settings), topic,
				     err);
}

enum tarn_rc tarn_registry_open_log(const struct tarn_registry_options *options, struct tarn_log *log,
				    struct tarn_registry **registry, struct tarn_err *err)
{
	static const struct tarn_registry_store calls = { load, append, when_durable, leave };
	struct tarn_topic *topic;
	enum tarn_rc rc = open_topic(log, &topic, err);
	if (rc)
		return rc;
	struct log_store *store = tarn_calloc(1, sizeof(*store));
	store->topic = topic;
	store->partition = tarn_topic_partition(topic, 0);
	store->builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	tarn_buf_init(&store->batch, LARGEST_BATCH);
	rc = tarn_registry_open(options, &calls, store, registry, err);
	if (!rc)
		snprintf((*registry)->cluster, sizeof((*registry)->cluster), "%s", tarn_log_cluster_id(log));
	return rc;
}
