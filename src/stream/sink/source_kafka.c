#include "stream/sink/source_kafka.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Messages of one partition that are given out at a time. */
enum { PORTION = 1000, MAX_SETTINGS = 32 };

/* What librdkafka fetches ahead, all partitions together; with so many bytes it stops fetching. */
#define AHEAD_KB "16384"
#define MUCH ((size_t)8 << 20)
/* Since this version it can be told how soon it goes on then. */
#define KNOWS_QUEUE_BACKOFF 0x02020000

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
	rd_kafka_queue_t *queue;		   /* of its messages */
	struct event *first, **last;		   /* of partitions that came and went, in order */
	struct event *given;			   /* freed with the next call */
	rd_kafka_topic_partition_list_t *assigned; /* to be read as soon as what was taken before is gone */
	bool rebalanced;			   /* while messages were taken */
	rd_kafka_message_t *held[PORTION];
	size_t n_held, at; /* those before `at` were given out */
	size_t taken;	   /* bytes since there was nothing to take */
	struct tarn_message messages[PORTION];
	struct tarn_buf headers; /* of the messages given out, as a batch has them */
	struct tarn_err failure; /* of a rebalance */
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

/* Called from within taking messages. What was taken by then may be of partitions that are gone, or come back at
 * another offset; it is dropped, and what is assigned is read from its committed offset once that is done (see
 * take_all). */
static void rebalanced(rd_kafka_t *client, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *partitions,
		       void *context)
{
	struct kafka_source *source = context;
	source->rebalanced = true;
	if (source->assigned)
		rd_kafka_topic_partition_list_destroy(source->assigned);
	source->assigned = NULL;
	if (what != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		for (int i = 0; i < partitions->cnt; i++)
			add_event(source, TARN_SOURCE_REVOKED, &partitions->elems[i]);
		rd_kafka_assign(client, NULL);
		return;
	}
	rd_kafka_resp_err_t error = find_offsets(client, partitions);
	if (error) {
		tarn_kafka_fail(&source->failure, error, NULL);
		return;
	}
	for (int i = 0; i < partitions->cnt; i++)
		add_event(source, TARN_SOURCE_ASSIGNED, &partitions->elems[i]);
	source->assigned = rd_kafka_topic_partition_list_copy(partitions);
}

/* ---- messages ---- */

void tarn_kafka_put_headers(const rd_kafka_message_t *from, struct tarn_buf *out, struct tarn_message *to)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t size, start = out->len;
	if (rd_kafka_message_headers(from, &headers))
		return;
	for (; !rd_kafka_header_get_all(headers, to->n_headers, &name, &value, &size); to->n_headers++) {
		tarn_buf_add_varint(out, tarn_zigzag((int64_t)strlen(name)));
		tarn_buf_add_str(out, name);
		tarn_buf_add_varint(out, tarn_zigzag(value ? (int64_t)size : -1));
		if (value)
			tarn_buf_add(out, value, size);
	}
	to->headers = tarn_slice_of(NULL, out->len - start); /* placed when the buffer has stopped moving */
}

static struct tarn_slice bytes_of(const void *data, size_t len)
{
	return tarn_slice_of(data, len);
}

static void fill(struct kafka_source *source, rd_kafka_message_t *message, struct tarn_message *to)
{
	*to = (struct tarn_message){ .offset = message->offset,
				     .timestamp = rd_kafka_message_timestamp(message, NULL) };
	to->value = bytes_of(message->payload, message->len);
	to->key = bytes_of(message->key, message->key_len);
	tarn_kafka_put_headers(message, &source->headers, to);
}

static void place_headers(struct kafka_source *source, size_t n)
{
	const uint8_t *at = source->headers.data;
	for (size_t i = 0; i < n; i++) {
		source->messages[i].headers.data = at;
		at += source->messages[i].headers.len;
	}
}

static void let_go(struct kafka_source *source)
{
	for (size_t i = 0; i < source->n_held; i++)
		rd_kafka_message_destroy(source->held[i]);
	source->n_held = source->at = 0;
}

/* An error that librdkafka goes on after is none. */
static enum tarn_rc look_at_error(const rd_kafka_message_t *message, struct tarn_err *err)
{
	switch (message->err) {
	case RD_KAFKA_RESP_ERR__FATAL:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
		return tarn_kafka_fail(err, message->err, rd_kafka_message_errstr(message));
	default: return TARN_OK;
	}
}

/* A client that stopped fetching as it had enough looks again when something happens, or after a second. What happens
 * here is a question that goes the same way as fetching. */
static void wake_fetching(struct kafka_source *source, const rd_kafka_message_t *last)
{
	int64_t low, high;
	rd_kafka_query_watermark_offsets(source->client, rd_kafka_topic_name(last->rkt), last->partition, &low, &high,
					 TARN_KAFKA_TIMEOUT_MS);
}

static void count_taken(struct kafka_source *source)
{
	for (size_t i = 0; i < source->n_held; i++)
		source->taken += source->held[i]->len;
	if (source->n_held == PORTION)
		return; /* there is more */
	if (source->n_held && source->taken >= MUCH && !source->held[source->n_held - 1]->err)
		wake_fetching(source, source->held[source->n_held - 1]);
	source->taken = 0;
}

/* Takes what is there, and waits for a first message where nothing is. */
static enum tarn_rc take_all(struct kafka_source *source, int64_t timeout_ms, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	source->rebalanced = false;
	source->held[0] = rd_kafka_consumer_poll(source->client, (int)timeout_ms);
	source->n_held = source->held[0] != NULL;
	if (source->n_held && !source->rebalanced) {
		ssize_t more = rd_kafka_consume_batch_queue(source->queue, 0, source->held + 1, PORTION - 1);
		source->n_held += more > 0 ? (size_t)more : 0;
	}
	if (source->rebalanced)
		let_go(source);
	count_taken(source);
	if (source->assigned) {
		rd_kafka_assign(source->client, source->assigned);
		rd_kafka_topic_partition_list_destroy(source->assigned);
		source->assigned = NULL;
	}
	if (source->failure.code) {
		*err = source->failure;
		rc = source->failure.code;
	}
	size_t kept = 0;
	for (size_t i = 0; i < source->n_held; i++) {
		if (!rc)
			rc = look_at_error(source->held[i], err);
		if (source->held[i]->err)
			rd_kafka_message_destroy(source->held[i]);
		else
			source->held[kept++] = source->held[i];
	}
	source->n_held = kept;
	return rc;
}

static bool same_partition(const rd_kafka_message_t *a, const rd_kafka_message_t *b)
{
	return a->rkt == b->rkt && a->partition == b->partition;
}

/* Gives out the next messages of one partition. */
static void give_messages(struct kafka_source *source, struct tarn_source_event *event)
{
	rd_kafka_message_t *const *first = &source->held[source->at];
	size_t n = 0;
	tarn_buf_clear(&source->headers);
	while (source->at < source->n_held && same_partition(*first, source->held[source->at]))
		fill(source, source->held[source->at++], &source->messages[n++]);
	place_headers(source, n);
	*event = (struct tarn_source_event){
		.kind = TARN_SOURCE_MESSAGES,
		.topic = rd_kafka_topic_name((*first)->rkt),
		.partition = (*first)->partition,
		.messages = source->messages,
		.n = n,
		.next = source->messages[n - 1].offset + 1,
	};
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
	enum tarn_rc rc = TARN_OK;
	*event = (struct tarn_source_event){ .kind = TARN_SOURCE_NOTHING };
	event_free(source->given);
	source->given = NULL;
	if (source->at == source->n_held && !source->first) {
		let_go(source);
		rc = take_all(source, timeout_ms, err);
	}
	if (rc)
		return rc;
	if (source->at < source->n_held)
		give_messages(source, event);
	else if (source->first)
		give_event(source, event);
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
	event_free(source->given);
	if (source->assigned)
		rd_kafka_topic_partition_list_destroy(source->assigned);
	if (source->client) {
		if (source->queue)
			rd_kafka_queue_destroy(source->queue);
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
		{ "queued.max.messages.kbytes", AHEAD_KB },
		{ "fetch.wait.max.ms", "100" },
		{ "fetch.queue.backoff.ms", "5" }, /* the last: see below */
	};
	size_t n = rd_kafka_version() < KNOWS_QUEUE_BACKOFF ? 9 : 10;
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
	if (!rc)
		made->queue = rd_kafka_queue_get_consumer(made->client);
	if (rc)
		source_free(&made->base);
	else
		*source = &made->base;
	return rc;
}
