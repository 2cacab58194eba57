/* A topic of another Kafka, read from a place to its present end, without a group. */
#include "base/alloc.h"
#include "stream/sink/source_kafka.h"

struct reading {
	struct tarn_topic_place *place;
	tarn_message_visit visit;
	void *context;
	struct tarn_buf headers;
	int left; /* partitions whose end was not reached */
};

static void take(struct reading *reading, const rd_kafka_message_t *from)
{
	struct tarn_message message = { .offset = from->offset };
	message.value = tarn_slice_of(from->payload, from->len);
	message.key = tarn_slice_of(from->key, from->key_len);
	tarn_buf_clear(&reading->headers);
	tarn_kafka_put_headers(from, &reading->headers, &message);
	message.headers.data = reading->headers.data;
	reading->visit(reading->context, &message);
	reading->place->next[from->partition] = from->offset + 1;
}

static enum tarn_rc take_all(rd_kafka_t *client, struct reading *reading, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	while (!rc && reading->left > 0) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(client, TARN_KAFKA_TIMEOUT_MS);
		if (!message)
			return tarn_kafka_fail(err, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
		if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			reading->left--;
		else if (message->err)
			rc = tarn_kafka_fail(err, message->err, rd_kafka_message_errstr(message));
		else
			take(reading, message);
		rd_kafka_message_destroy(message);
	}
	return rc;
}

/* Assigns all partitions from their places on. None: there is no such topic. */
static enum tarn_rc assign(rd_kafka_t *client, const char *name, struct reading *reading, struct tarn_err *err)
{
	const struct rd_kafka_metadata *facts;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
	rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, topic, &facts, TARN_KAFKA_TIMEOUT_MS);
	rd_kafka_topic_destroy(topic);
	if (error)
		return tarn_kafka_fail(err, error, NULL);
	reading->left = facts->topics[0].err ? 0 : facts->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(facts);
	tarn_topic_place_fit(reading->place, (size_t)reading->left);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(reading->left + 1);
	for (int i = 0; i < reading->left; i++)
		rd_kafka_topic_partition_list_add(list, name, i)->offset = reading->place->next[i];
	error = rd_kafka_assign(client, list);
	rd_kafka_topic_partition_list_destroy(list);
	return error ? tarn_kafka_fail(err, error, NULL) : TARN_OK;
}

enum tarn_rc tarn_kafka_topic_read(const struct tarn_kafka_options *kafka, const char *topic,
				   struct tarn_topic_place *place, tarn_message_visit visit, void *context,
				   struct tarn_err *err)
{
	static const struct tarn_kafka_setting settings[] = {
		{ "group.id", "tarn-reader" }, /* librdkafka wants one; it is not joined */
		{ "enable.auto.commit", "false" },	 { "enable.partition.eof", "true" },
		{ "auto.offset.reset", "earliest" }, /* where retention was faster */
		{ "isolation.level", "read_committed" }, { "allow.auto.create.topics", "false" },
	};
	struct reading reading = { .place = place, .visit = visit, .context = context };
	rd_kafka_t *client;
	enum tarn_rc rc = tarn_kafka_client_open(kafka, RD_KAFKA_CONSUMER, settings,
						 sizeof(settings) / sizeof(*settings), &client, err);
	if (rc)
		return rc;
	rd_kafka_poll_set_consumer(client);
	tarn_buf_init(&reading.headers, TARN_BUF_DEFAULT_MAX);
	rc = assign(client, topic, &reading, err);
	if (!rc)
		rc = take_all(client, &reading, err);
	tarn_buf_release(&reading.headers);
	rd_kafka_consumer_close(client);
	rd_kafka_destroy(client);
	return rc;
}
