#include "stream/sink/source_kafka.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Messages of one partition that are given out at a time. */
enum { PORTION = 1000, MAX_SETTINGS = 32 };

struct event {
	struct event *next;
	enum tarn_source_event_kind kind;
	char *topic, *metadata;
	int32_t partition;
	int64_t offset;
};

struct kafka_source {
	struct tarn_source base;
	rd_kafka_t *client;
	struct event *first, **last; /* of partitions that came and went, in order */
	struct event *given;	     /* freed with the next call */
	rd_kafka_message_t *held[PORTION];
	struct tarn_message messages[PORTION];
	size_t n;
	rd_kafka_message_t *ahead; /* of another partition than the portion's */
	struct tarn_buf headers;   /* of the portion, as a batch has them */
	struct tarn_err failure;   /* of a rebalance */
};

/* ---- partitions ---- */

static void add_event(struct kafka_source *source, enum tarn_source_event_kind kind,
		      const rd_kafka_topic_partition_t *partition)
{
	struct event *event = tarn_calloc(1, sizeof(*event));
	event->kind = kind;
	event->topic = tarn_strdup(partition->topic);
	event->partition = partition->partition;
	event->offset = partition->offset;
	event->metadata = tarn_malloc(partition->metadata_size + 1);
	if (partition->metadata_size)
		memcpy(event->metadata, partition->metadata, partition->metadata_size);
	event->metadata[partition->metadata_size] = '\0';
	*source->last = event;
	source->last = &event->next;
}

static void event_free(struct event *event)
{
	if (!event)
		return;
	free(event->topic);
	free(event->metadata);
	free(event);
}

/* Puts the group's offsets into the list; where there are none, the start of the log. */
static rd_kafka_resp_err_t find_offsets(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions)
{
	rd_kafka_resp_err_t error = rd_kafka_committed(client, partitions, TARN_KAFKA_TIMEOUT_MS);
	for (int i = 0; !error && i < partitions->cnt; i++) {
		rd_kafka_topic_partition_t *one = &partitions->elems[i];
		int64_t low, high;
		error = rd_kafka_query_watermark_offsets(client, one->topic, one->partition, &low, &high,
							 TARN_KAFKA_TIMEOUT_MS);
		if (error || (one->offset >= low && one->offset <= high))
			continue;
		one->offset = low;
		one->metadata_size = 0; /* librdkafka frees what it points to */
	}
	return error;
}

static void rebalanced(rd_kafka_t *client, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *partitions,
		       void *context)
{
	struct kafka_source *source = context;
	if (what != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		for (int i = 0; i < partitions->cnt; i++)
			add_event(source, TARN_SOURCE_REVOKED, &partitions->elems[i]);
		rd_kafka_assign(client, NULL);
		return;
	}
	rd_kafka_resp_err_t error = find_offsets(client, partitions);
	if (error)
		tarn_kafka_fail(&source->failure, error, NULL);
	for (int i = 0; !error && i < partitions->cnt; i++)
		add_event(source, TARN_SOURCE_ASSIGNED, &partitions->elems[i]);
	rd_kafka_assign(client, error ? NULL : partitions);
}

/* ---- messages ---- */

static void put_headers(struct kafka_source *source, rd_kafka_message_t *from, struct tarn_message *to)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t size, start = source->headers.len;
	if (rd_kafka_message_headers(from, &headers))
		return;
	for (; !rd_kafka_header_get_all(headers, to->n_headers, &name, &value, &size); to->n_headers++) {
		tarn_buf_add_varint(&source->headers, tarn_zigzag((int64_t)strlen(name)));
		tarn_buf_add_str(&source->headers, name);
		tarn_buf_add_varint(&source->headers, tarn_zigzag(value ? (int64_t)size : -1));
		if (value)
			tarn_buf_add(&source->headers, value, size);
	}
	to->headers = tarn_slice_of(NULL, source->headers.len - start); /* placed when the buffer has stopped moving */
}

static struct tarn_slice bytes_of(const void *data, size_t len)
{
	return tarn_slice_of(data, len);
}

static void hold(struct kafka_source *source, rd_kafka_message_t *message)
{
	struct tarn_message *to = &source->messages[source->n];
	*to = (struct tarn_message){ .offset = message->offset,
				     .timestamp = rd_kafka_message_timestamp(message, NULL) };
	to->value = bytes_of(message->payload, message->len);
	to->key = bytes_of(message->key, message->key_len);
	put_headers(source, message, to);
	source->held[source->n++] = message;
}

static void place_headers(struct kafka_source *source)
{
	const uint8_t *at = source->headers.data;
	for (size_t i = 0; i < source->n; i++) {
		source->messages[i].headers.data = at;
		at += source->messages[i].headers.len;
	}
}

static void let_go(struct kafka_source *source)
{
	for (size_t i = 0; i < source->n; i++)
		rd_kafka_message_destroy(source->held[i]);
	source->n = 0;
	tarn_buf_clear(&source->headers);
	event_free(source->given);
	source->given = NULL;
}

/* One message of the queue, or NULL. An error that librdkafka goes on after is none. */
static enum tarn_rc take(struct kafka_source *source, int timeout_ms, rd_kafka_message_t **message,
			 struct tarn_err *err)
{
	*message = source->ahead ? source->ahead : rd_kafka_consumer_poll(source->client, timeout_ms);
	source->ahead = NULL;
	if (source->failure.code) {
		*err = source->failure;
		return source->failure.code;
	}
	if (!*message || !(*message)->err)
		return TARN_OK;
	rd_kafka_resp_err_t error = (*message)->err;
	const char *text = rd_kafka_message_errstr(*message);
	enum tarn_rc rc = TARN_OK;
	if (error == RD_KAFKA_RESP_ERR__FATAL || error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	    error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED || error == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED)
		rc = tarn_kafka_fail(err, error, text);
	rd_kafka_message_destroy(*message);
	*message = NULL;
	return rc;
}

static bool same_partition(const rd_kafka_message_t *a, const rd_kafka_message_t *b)
{
	return a->rkt == b->rkt && a->partition == b->partition;
}

/* Gives out an event of a partition that came or went. */
static void give_event(struct kafka_source *source, struct tarn_source_event *event)
{
	struct event *first = source->first;
	source->first = first->next;
	if (!source->first)
		source->last = &source->first;
	source->given = first;
	*event = (struct tarn_source_event){
		.kind = first->kind,
		.topic = first->topic,
		.partition = first->partition,
		.offset = first->offset,
		.metadata = first->metadata,
	};
}

static enum tarn_rc source_poll(struct tarn_source *base, int64_t timeout_ms, struct tarn_source_event *event,
				struct tarn_err *err)
{
	struct kafka_source *source = (struct kafka_source *)base;
	rd_kafka_message_t *message = NULL;
	enum tarn_rc rc = TARN_OK;
	*event = (struct tarn_source_event){ .kind = TARN_SOURCE_NOTHING };
	let_go(source);
	/* Messages that were taken before a partition came or went are given out before its event. */
	while (!rc && !source->first && source->n < PORTION) {
		rc = take(source, source->n ? 0 : (int)timeout_ms, &message, err);
		/* Where partitions came or went meanwhile, the message comes behind their events. */
		if (!message || source->first || (source->n && !same_partition(source->held[0], message)))
			break;
		hold(source, message);
	}
	if (message && (!source->n || source->held[source->n - 1] != message))
		source->ahead = message;
	if (rc)
		return rc;
	if (source->n) {
		place_headers(source);
		*event = (struct tarn_source_event){
			.kind = TARN_SOURCE_MESSAGES,
			.topic = rd_kafka_topic_name(source->held[0]->rkt),
			.partition = source->held[0]->partition,
			.messages = source->messages,
			.n = source->n,
			.next = source->messages[source->n - 1].offset + 1,
		};
	} else if (source->first) {
		give_event(source, event);
	}
	return TARN_OK;
}

/* ---- commits ---- */

static bool is_fenced(rd_kafka_resp_err_t error)
{
	switch (error) {
	case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
	case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
	case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST: return true;
	default: return false;
	}
}

static enum tarn_rc source_commit(struct tarn_source *base, const struct tarn_source_commit *commits, size_t n,
				  struct tarn_err *err)
{
	struct kafka_source *source = (struct kafka_source *)base;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
	for (size_t i = 0; i < n; i++) {
		rd_kafka_topic_partition_t *one =
			rd_kafka_topic_partition_list_add(list, commits[i].topic, commits[i].partition);
		size_t len = strlen(commits[i].metadata);
		one->offset = commits[i].offset;
		if (len) {
			one->metadata = malloc(len); /* librdkafka frees it */
			one->metadata_size = one->metadata ? len : 0;
			if (one->metadata)
				memcpy(one->metadata, commits[i].metadata, len);
		}
	}
	rd_kafka_resp_err_t error = rd_kafka_commit(source->client, list, 0);
	for (int i = 0; !error && i < list->cnt; i++)
		error = list->elems[i].err;
	rd_kafka_topic_partition_list_destroy(list);
	if (is_fenced(error))
		return tarn_fail(err, TARN_ECONFLICT, "the partitions are somebody else's now: %s",
				 rd_kafka_err2str(error));
	return error ? tarn_kafka_fail(err, error, NULL) : TARN_OK;
}

/* ---- life ---- */

static void source_wake(struct tarn_source *base)
{
	(void)base; /* a poll lasts a second at most */
}

static void source_free(struct tarn_source *base)
{
	struct kafka_source *source = (struct kafka_source *)base;
	let_go(source);
	if (source->ahead)
		rd_kafka_message_destroy(source->ahead);
	if (source->client) {
		rd_kafka_consumer_close(source->client);
		rd_kafka_destroy(source->client);
	}
	for (struct event *event = source->first, *next; event; event = next) {
		next = event->next;
		event_free(event);
	}
	tarn_buf_release(&source->headers);
	free(source);
}

/* Kafka's own consumers leave internal topics out of expressions; here "^" makes librdkafka take a name for one. */
static enum tarn_rc subscribe(struct kafka_source *source, const struct tarn_source_options *options,
			      struct tarn_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)options->n_topics + 1);
	for (size_t i = 0; i < options->n_topics; i++)
		rd_kafka_topic_partition_list_add(list, options->topics[i], RD_KAFKA_PARTITION_UA);
	if (options->topics_regex) {
		char *whole = tarn_asprintf("^(%s)$", options->topics_regex);
		rd_kafka_topic_partition_list_add(list, whole, RD_KAFKA_PARTITION_UA);
		free(whole);
	}
	rd_kafka_resp_err_t error = rd_kafka_subscribe(source->client, list);
	rd_kafka_topic_partition_list_destroy(list);
	return error ? tarn_kafka_fail(err, error, NULL) : TARN_OK;
}

enum tarn_rc tarn_source_kafka_open(const struct tarn_kafka_options *kafka, const struct tarn_kafka_setting *settings,
				    size_t n_settings, const struct tarn_source_options *options,
				    struct tarn_source **source, struct tarn_err *err)
{
	static const struct tarn_source_ops ops = { source_poll, source_commit, source_wake, source_free };
	struct tarn_kafka_setting all[MAX_SETTINGS] = {
		{ "group.id", options->group },
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "earliest" },
		{ "isolation.level", "read_committed" },
		{ "topic.metadata.refresh.interval.ms", "3000" },
		{ "partition.assignment.strategy", "range,roundrobin" },
		{ "queued.max.messages.kbytes", "16384" },
		{ "fetch.wait.max.ms", "100" },
	};
	size_t n = 9;
	if (n_settings > MAX_SETTINGS - n)
		return tarn_fail(err, TARN_ELIMIT, "more than %zu settings of a consumer", MAX_SETTINGS - n);
	memcpy(all + n, settings, n_settings * sizeof(*settings));
	struct kafka_source *made = tarn_calloc(1, sizeof(*made));
	made->base.ops = &ops;
	made->last = &made->first;
	tarn_buf_init(&made->headers, TARN_BUF_DEFAULT_MAX);
	enum tarn_rc rc = tarn_kafka_consumer_open(kafka, all, n + n_settings, rebalanced, made, &made->client, err);
	if (!rc)
		rc = subscribe(made, options, err);
	if (rc)
		source_free(&made->base);
	else
		*source = &made->base;
	return rc;
}
