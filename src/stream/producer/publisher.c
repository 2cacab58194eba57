#include "stream/producer/publisher.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/point.h"
#include "serialize/schema/wire.h"

enum {
	DEFAULT_TIMEOUT_MS = 15000,
	REACH_MS = 5000, /* after which a broker counts as out of reach */
	POLL_MS = 100,
	TRANSACTION_BYTES = 32 << 20, /* of batches that go together */
	REQUEST_BYTES = 1000000,      /* of messages that go to a partition at once */
	LINGER_MS = 10000,
	LARGEST_COPY = 1024,	      /* message that goes into a request by copy */
	LARGEST_MESSAGE = 1000000000, /* for the client; the broker has its own limit */
};

/* Up to which number a topic's records were sent. */
struct mark {
	char *topic;
	int64_t sent; /* the first that was not */
	size_t partitions;
};

struct tarn_publisher {
	struct tarn_kafka_options kafka;
	struct tarn_registry_client *registry;
	struct tarn_spool *spool;
	int timeout_ms;
	/* Of one tarn_publisher_send. */
	rd_kafka_t *producer;
	struct mark *marks;
	size_t n_marks, marks_capacity;
	struct tarn_spooled_batch *batches; /* of the transaction, whose messages are sent from their memory */
	size_t n_batches, batches_capacity;
	size_t on_the_way; /* bytes of messages that were handed to the client and not told of */
	/* The first message of a transaction that the broker would not have. */
	rd_kafka_resp_err_t rejected;
};

enum tarn_rc tarn_publisher_open(const struct tarn_publisher_options *options, struct tarn_publisher **publisher,
				 struct tarn_err *err)
{
	struct tarn_publisher *opened = tarn_calloc(1, sizeof(*opened));
	opened->kafka = options->kafka;
	opened->registry = options->registry;
	opened->timeout_ms = options->timeout_ms ? (int)options->timeout_ms : DEFAULT_TIMEOUT_MS;
	enum tarn_rc rc = tarn_spool_open(options->spool, &opened->spool, err);
	if (rc)
		tarn_publisher_close(opened);
	else
		*publisher = opened;
	return rc;
}

static void free_batches(struct tarn_publisher *publisher)
{
	for (size_t i = 0; i < publisher->batches_capacity; i++)
		tarn_spooled_batch_release(&publisher->batches[i]);
	free(publisher->batches);
	publisher->batches = NULL;
	publisher->n_batches = publisher->batches_capacity = 0;
}

static void forget_marks(struct tarn_publisher *publisher)
{
	for (size_t i = 0; i < publisher->n_marks; i++)
		free(publisher->marks[i].topic);
	publisher->n_marks = 0;
}

void tarn_publisher_close(struct tarn_publisher *publisher)
{
	if (!publisher)
		return;
	if (publisher->producer)
		rd_kafka_destroy(publisher->producer);
	forget_marks(publisher);
	free(publisher->marks);
	free_batches(publisher);
	tarn_spool_close(publisher->spool);
	free(publisher);
}

/* ---- taking ---- */

static enum tarn_rc find_id(struct tarn_publisher *publisher, const struct tarn_outgoing *records, uint32_t *id,
			    struct tarn_err *err)
{
	const struct tarn_schema_text schema = { .type = TARN_SCHEMA_AVRO, .text = records->schema };
	char *subject = tarn_asprintf("%s-value", records->topic);
	enum tarn_rc rc = tarn_registry_register(publisher->registry, subject, &schema, id, err);
	if (rc)
		rc = tarn_err_within(err, rc, "subject \"%s\"", subject);
	free(subject);
	return rc;
}

enum tarn_rc tarn_publisher_add(struct tarn_publisher *publisher, const struct tarn_outgoing *records, char **refused,
				struct tarn_err *err)
{
	struct tarn_err why;
	uint32_t id;
	enum tarn_rc rc = records->schema.len ? find_id(publisher, records, &id, &why) : TARN_OK;
	if (rc != TARN_EINVALID)
		return tarn_spool_add(publisher->spool, records, NULL, NULL, err);
	rc = tarn_spool_add(publisher->spool, records, why.message, refused, err);
	if (rc)
		return rc;
	if (err)
		*err = why;
	return TARN_EINVALID;
}

/* ---- the client ---- */

static void told(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
	(void)producer;
	struct tarn_publisher *publisher = context;
	publisher->on_the_way -= message->len;
	bool purged =
		message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
	if (message->err && !purged && !publisher->rejected)
		publisher->rejected = message->err;
}

static enum tarn_rc fail(struct tarn_err *err, rd_kafka_error_t *error)
{
	rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	bool late = code == RD_KAFKA_RESP_ERR__TIMED_OUT;
	enum tarn_rc rc = tarn_kafka_fail(err, code, late ? NULL : rd_kafka_error_string(error));
	if (rd_kafka_error_is_retriable(error) && err)
		err->code = rc = TARN_EIO;
	rd_kafka_error_destroy(error);
	return rc;
}

/* With it, what a process before had begun under the spool's name is ended: sent or not, no longer in doubt. */
static enum tarn_rc open_producer(struct tarn_publisher *publisher, struct tarn_err *err)
{
	char largest[16], copied[16], request[16], linger[16];
	if (publisher->producer)
		return TARN_OK;
	snprintf(largest, sizeof(largest), "%d", LARGEST_MESSAGE);
	snprintf(copied, sizeof(copied), "%d", LARGEST_COPY);
	snprintf(request, sizeof(request), "%d", REQUEST_BYTES);
	snprintf(linger, sizeof(linger), "%d", LINGER_MS);
	const struct tarn_kafka_setting settings[] = {
		{ "transactional.id", tarn_spool_name(publisher->spool) },
		{ "message.max.bytes", largest },
		{ "message.copy.max.bytes", copied },
		{ "batch.size", request },
		{ "linger.ms", linger }, /* see drain */
	};
	rd_kafka_t *producer;
	enum tarn_rc rc = tarn_kafka_producer_open(&publisher->kafka, settings, sizeof(settings) / sizeof(*settings),
						   told, publisher, &producer, err);
	if (rc)
		return rc;
	rd_kafka_error_t *error = rd_kafka_init_transactions(producer, REACH_MS);
	if (!error) {
		forget_marks(publisher);
		publisher->producer = producer;
		publisher->on_the_way = 0;
		return TARN_OK;
	}
	rc = fail(err, error);
	rd_kafka_destroy(producer);
	return rc;
}

/* After a failure that the client cannot get over. */
static void drop_producer(struct tarn_publisher *publisher)
{
	if (publisher->producer) {
		rd_kafka_purge(publisher->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_destroy(publisher->producer);
	}
	publisher->producer = NULL;
	forget_marks(publisher);
}

/* ---- what was sent before ---- */

static enum tarn_rc ask_mark(struct tarn_publisher *publisher, const char *topic, int64_t *sent, struct tarn_err *err)
{
	const struct tarn_kafka_setting settings[] = {
		{ "group.id", tarn_spool_name(publisher->spool) },
		{ "isolation.level", "read_committed" },
		{ "enable.auto.commit", "false" },
	};
	rd_kafka_t *consumer;
	enum tarn_rc rc = tarn_kafka_client_open(&publisher->kafka, RD_KAFKA_CONSUMER, settings,
						 sizeof(settings) / sizeof(*settings), &consumer, err);
	if (rc)
		return rc;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, 0);
	rd_kafka_resp_err_t code = rd_kafka_committed(consumer, list, publisher->timeout_ms);
	if (!code)
		code = list->elems[0].err;
	if (code && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		rc = tarn_kafka_fail(err, code, NULL);
	else
		*sent = list->elems[0].offset < 0 ? 0 : list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(consumer);
	return rc;
}

/* Makes the topic where it is missing. Who may not make one leaves it to the broker, or to its refusal. librdkafka
 * would look for a new topic at its next tick, up to a second later. */
static enum tarn_rc look_up_topic(struct tarn_publisher *publisher, const char *name, size_t *partitions,
				  struct tarn_err *err)
{
	const struct rd_kafka_metadata *facts;
	enum tarn_rc made = tarn_kafka_make_topic(publisher->producer, name, -1, TARN_KAFKA_MAX_MESSAGE_KEY,
						  TARN_KAFKA_MAX_MESSAGE, err);
	if (made == TARN_EIO)
		return made;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(publisher->producer, name, NULL);
	if (!topic)
		return tarn_fail(err, TARN_EINVALID, "topic \"%s\": %s", name, rd_kafka_err2str(rd_kafka_last_error()));
	rd_kafka_resp_err_t code = rd_kafka_metadata(publisher->producer, 0, topic, &facts, publisher->timeout_ms);
	if (!code) {
		*partitions = facts->topic_cnt ? (size_t)facts->topics[0].partition_cnt : 0;
		rd_kafka_metadata_destroy(facts);
	}
	rd_kafka_topic_destroy(topic);
	return code ? tarn_kafka_fail(err, code, NULL) : TARN_OK;
}

static enum tarn_rc find_mark(struct tarn_publisher *publisher, const char *topic, struct mark **mark,
			      struct tarn_err *err)
{
	int64_t sent = 0;
	size_t partitions = 0;
	for (size_t i = 0; i < publisher->n_marks; i++) {
		*mark = &publisher->marks[i];
		if (!strcmp((*mark)->topic, topic))
			return TARN_OK;
	}
	enum tarn_rc rc = ask_mark(publisher, topic, &sent, err);
	if (!rc)
		rc = look_up_topic(publisher, topic, &partitions, err);
	if (rc)
		return rc;
	publisher->marks = tarn_grow(publisher->marks, &publisher->marks_capacity, publisher->n_marks + 1,
				     sizeof(*publisher->marks));
	*mark = &publisher->marks[publisher->n_marks++];
	**mark = (struct mark){ tarn_strdup(topic), sent, partitions ? partitions : 1 };
	return TARN_OK;
}

/* ---- a transaction ---- */

/* `value` stays where it is until the client has told of it. */
static enum tarn_rc produce(struct tarn_publisher *publisher, const char *topic, struct tarn_slice value,
			    struct tarn_err *err)
{
	for (;;) {
		rd_kafka_resp_err_t code =
			rd_kafka_producev(publisher->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(0),
					  RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.len), RD_KAFKA_V_END);
		if (!code) {
			publisher->on_the_way += value.len;
			return TARN_OK;
		}
		if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			publisher->rejected = code;
			return tarn_kafka_fail(err, code, NULL);
		}
		rd_kafka_poll(publisher->producer, POLL_MS);
	}
}

/* The message of a spooled datum, put together where it is. */
static struct tarn_slice frame(struct tarn_slice datum, uint32_t id)
{
	uint8_t *message = (uint8_t *)(uintptr_t)datum.data - TARN_WIRE_HEADER_SIZE;
	tarn_wire_write_header(message, id);
	return tarn_slice_of(message, TARN_WIRE_HEADER_SIZE + datum.len);
}

static enum tarn_rc produce_batch(struct tarn_publisher *publisher, const struct tarn_outgoing *records,
				  struct tarn_err *err)
{
	uint32_t id = 0;
	enum tarn_rc rc = records->schema.len ? find_id(publisher, records, &id, err) : TARN_OK;
	for (size_t i = 0; i < records->n && !rc; i++) {
		struct tarn_slice datum = records->data[i];
		rc = produce(publisher, records->topic, records->schema.len ? frame(datum, id) : datum, err);
		rd_kafka_poll(publisher->producer, 0);
	}
	return rc;
}

/* Waits until no whole request need be left; false where nothing moves any more. librdkafka asks its socket without
 * pause, a core's worth, while messages that are due wait for others to be confirmed. As long as they may linger they
 * are not due, and go in whole requests whenever there is room for one; the rest is for rd_kafka_flush. */
static bool drain(struct tarn_publisher *publisher, size_t partitions)
{
	size_t before = SIZE_MAX;
	int64_t deadline = 0;
	while (publisher->on_the_way >= REQUEST_BYTES * partitions && !publisher->rejected) {
		int64_t now = tarn_monotonic_ns();
		if (publisher->on_the_way < before)
			deadline = now + (int64_t)publisher->timeout_ms * 1000000;
		if (now > deadline)
			return false;
		before = publisher->on_the_way;
		rd_kafka_poll(publisher->producer, POLL_MS);
	}
	return true;
}

static rd_kafka_error_t *confirm(struct tarn_publisher *publisher, const struct mark *marks, size_t n)
{
	size_t partitions = 0;
	for (size_t i = 0; i < n; i++)
		partitions += marks[i].partitions;
	if (drain(publisher, partitions) && !rd_kafka_flush(publisher->producer, publisher->timeout_ms))
		return NULL;
	return rd_kafka_error_new(RD_KAFKA_RESP_ERR__TIMED_OUT, "not confirmed in time");
}

/* The number behind the last batch of each topic becomes the topic's mark, with the records. */
static enum tarn_rc commit(struct tarn_publisher *publisher, const struct mark *marks, size_t n, struct tarn_err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, marks[i].topic, 0)->offset = marks[i].sent;
	rd_kafka_consumer_group_metadata_t *group =
		rd_kafka_consumer_group_metadata_new(tarn_spool_name(publisher->spool));
	rd_kafka_error_t *error = confirm(publisher, marks, n);
	if (!error && !publisher->rejected)
		error = rd_kafka_send_offsets_to_transaction(publisher->producer, list, group, publisher->timeout_ms);
	rd_kafka_consumer_group_metadata_destroy(group);
	rd_kafka_topic_partition_list_destroy(list);
	tarn_point("publish.sent");
	if (!error && !publisher->rejected)
		error = rd_kafka_commit_transaction(publisher->producer, publisher->timeout_ms);
	tarn_point("publish.committed");
	if (publisher->rejected) {
		if (error)
			rd_kafka_error_destroy(error);
		return tarn_kafka_fail(err, publisher->rejected, NULL);
	}
	return error ? fail(err, error) : TARN_OK;
}

/* Whether the broker would say the same of the message for ever. */
static bool is_refusal(rd_kafka_resp_err_t code)
{
	static const rd_kafka_resp_err_t refusals[] = {
		RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD,	  RD_KAFKA_RESP_ERR_INVALID_MSG,
		RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,    RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
	};
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (code == refusals[i])
			return true;
	return false;
}

/* ---- sending ---- */

/* What goes into one transaction: `n` batches from the head of the row. */
struct sending {
	struct tarn_publisher *publisher;
	struct tarn_spooled *batches;
	size_t n_batches, n;
	struct mark *marks; /* topics point into the publisher's */
	size_t n_marks, marks_capacity;
	int64_t records;
	bool refused; /* the last of them is why it failed */
};

static void move_mark(struct sending *sending, const struct mark *mark, int64_t sent)
{
	size_t i = 0;
	while (i < sending->n_marks && sending->marks[i].topic != mark->topic)
		i++;
	if (i == sending->n_marks) {
		sending->marks = tarn_grow(sending->marks, &sending->marks_capacity, i + 1, sizeof(*sending->marks));
		sending->n_marks++;
	}
	sending->marks[i] = (struct mark){ mark->topic, sent, mark->partitions };
}

/* Memory for one more batch of the transaction; what the batches before it hold stays where it is. */
static struct tarn_spooled_batch *next_batch(struct tarn_publisher *publisher)
{
	size_t before = publisher->batches_capacity;
	publisher->batches = tarn_grow(publisher->batches, &publisher->batches_capacity, publisher->n_batches + 1,
				       sizeof(*publisher->batches));
	for (size_t i = before; i < publisher->batches_capacity; i++)
		publisher->batches[i] = (struct tarn_spooled_batch){ 0 };
	return &publisher->batches[publisher->n_batches++];
}

static enum tarn_rc send_batch(struct sending *sending, const struct tarn_spooled *spooled, struct tarn_err *err)
{
	struct tarn_publisher *publisher = sending->publisher;
	struct tarn_spooled_batch *batch = next_batch(publisher);
	struct mark *mark;
	enum tarn_rc rc = tarn_spool_read(spooled, batch, err);
	if (!rc)
		rc = find_mark(publisher, batch->topic, &mark, err);
	if (!rc && mark->sent < spooled->first + spooled->count) {
		rc = produce_batch(publisher, &batch->records, err);
		/* The registry's answer; the broker's come later. */
		sending->refused = rc == TARN_EINVALID;
		sending->records += spooled->count;
		move_mark(sending, mark, spooled->first + spooled->count);
	}
	return rc;
}

static enum tarn_rc send_batches(struct sending *sending, bool careful, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	int64_t bytes = 0;
	while (!rc && sending->n < sending->n_batches && bytes < TRANSACTION_BYTES && !(careful && sending->n)) {
		bytes += sending->batches[sending->n].bytes;
		rc = send_batch(sending, &sending->batches[sending->n++], err);
	}
	return rc;
}

static enum tarn_rc transact(struct sending *sending, bool careful, struct tarn_err *err)
{
	struct tarn_publisher *publisher = sending->publisher;
	publisher->rejected = RD_KAFKA_RESP_ERR_NO_ERROR;
	publisher->n_batches = 0;
	rd_kafka_error_t *error = rd_kafka_begin_transaction(publisher->producer);
	if (error)
		return fail(err, error);
	enum tarn_rc rc = send_batches(sending, careful, err);
	if (!rc && sending->n_marks)
		rc = commit(publisher, sending->marks, sending->n_marks, err);
	if (!rc && sending->n_marks)
		return TARN_OK;
	error = rd_kafka_abort_transaction(publisher->producer, publisher->timeout_ms);
	if (!error)
		return rc;
	rd_kafka_error_destroy(error);
	drop_producer(publisher);
	return rc;
}

static enum tarn_rc take_away(struct sending *sending, struct tarn_err *err)
{
	struct tarn_publisher *publisher = sending->publisher;
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < sending->n_marks; i++) {
		struct mark *mark;
		/* Known already, so nobody is asked. */
		rc = find_mark(publisher, sending->marks[i].topic, &mark, err);
		if (!rc)
			mark->sent = sending->marks[i].sent;
	}
	for (size_t i = 0; i < sending->n && !rc; i++)
		rc = tarn_spool_remove(publisher->spool, &sending->batches[i], err);
	return rc ? rc : tarn_spool_sync(publisher->spool, err);
}

enum progress { GO_ON, GO_ON_CAREFULLY, WAIT };

/* What follows from a failure: the batch at fault is refused, or all of it waits. */
static enum tarn_rc blame(struct sending *sending, struct tarn_publisher_sent *sent, enum progress *next,
			  const struct tarn_err *why, struct tarn_err *err)
{
	bool refused = sending->refused || is_refusal(sending->publisher->rejected);
	snprintf(sent->reason, sizeof(sent->reason), "%s", why->message);
	*next = WAIT;
	if (!refused)
		return TARN_OK;
	*next = GO_ON_CAREFULLY;
	if (sending->n > 1 && !sending->refused)
		return TARN_OK; /* one of several: each by itself */
	const struct tarn_spooled *at_fault = &sending->batches[sending->n - 1];
	sent->refused += at_fault->count == 1;
	return tarn_spool_refuse(sending->publisher->spool, at_fault, why->message, err);
}

static enum tarn_rc send_some(struct tarn_publisher *publisher, struct tarn_spooled *batches, size_t n, bool careful,
			      struct tarn_publisher_sent *sent, enum progress *next, struct tarn_err *err)
{
	struct sending sending = { .publisher = publisher, .batches = batches, .n_batches = n };
	struct tarn_err why = { 0 };
	enum tarn_rc rc = open_producer(publisher, &why);
	if (!rc)
		rc = transact(&sending, careful, &why);
	*next = GO_ON;
	if (rc) {
		rc = blame(&sending, sent, next, &why, err);
	} else {
		rc = take_away(&sending, err);
		sent->sent += sending.records;
	}
	free(sending.marks);
	return rc;
}

static enum tarn_rc send_all(struct tarn_publisher *publisher, struct tarn_publisher_sent *sent, struct tarn_err *err)
{
	enum progress next = GO_ON;
	enum tarn_rc rc = TARN_OK;
	size_t n = 1;
	while (!rc && n && next != WAIT) {
		struct tarn_spooled *batches;
		rc = tarn_spool_list(publisher->spool, false, &batches, &n, err);
		if (rc)
			break;
		if (n)
			rc = send_some(publisher, batches, n, next == GO_ON_CAREFULLY, sent, &next, err);
		sent->waiting = 0;
		for (size_t i = 0; i < n && next == WAIT; i++)
			sent->waiting += batches[i].count;
		tarn_spool_free_list(batches, n);
	}
	return rc;
}

enum tarn_rc tarn_publisher_send(struct tarn_publisher *publisher, struct tarn_publisher_sent *sent,
				 struct tarn_err *err)
{
	*sent = (struct tarn_publisher_sent){ 0 };
	enum tarn_rc rc = tarn_spool_lock(publisher->spool, err);
	if (rc)
		return rc;
	rc = send_all(publisher, sent, err);
	/* The next to hold the lock may be another process, which ends this producer's epoch and moves the marks. */
	drop_producer(publisher);
	free_batches(publisher);
	tarn_spool_unlock(publisher->spool);
	return rc;
}
