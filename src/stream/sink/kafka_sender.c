#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/sink/source_kafka.h"

struct tarn_kafka_sender {
	rd_kafka_t *client;
	pthread_mutex_t lock;	    /* of the rest */
	char *made;		    /* the topic that is known to be there */
	rd_kafka_resp_err_t failed; /* of a message since the last flush */
};

static void told(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	struct tarn_kafka_sender *sender = context;
	(void)client;
	if (!message->err)
		return;
	pthread_mutex_lock(&sender->lock);
	sender->failed = message->err;
	pthread_mutex_unlock(&sender->lock);
}

enum tarn_rc tarn_kafka_sender_open(const struct tarn_kafka_options *kafka, struct tarn_kafka_sender **sender,
				    struct tarn_err *err)
{
	static const struct tarn_kafka_setting settings[] = { { "enable.idempotence", "true" },
							      { "message.max.bytes", "1000000000" } };
	struct tarn_kafka_sender *made = tarn_calloc(1, sizeof(*made));
	pthread_mutex_init(&made->lock, NULL);
	enum tarn_rc rc = tarn_kafka_producer_open(kafka, settings, 2, told, made, &made->client, err);
	if (rc)
		tarn_kafka_sender_free(made);
	else
		*sender = made;
	return rc;
}

void tarn_kafka_sender_free(struct tarn_kafka_sender *sender)
{
	if (!sender)
		return;
	if (sender->client)
		rd_kafka_destroy(sender->client);
	pthread_mutex_destroy(&sender->lock);
	free(sender->made);
	free(sender);
}

/* What was a message of any topic should fit. Who may not make topics leaves it to the broker. */
static void make_topic(struct tarn_kafka_sender *sender, const char *topic)
{
	pthread_mutex_lock(&sender->lock);
	if (!sender->made || strcmp(sender->made, topic)) {
		enum tarn_rc rc = tarn_kafka_make_topic(sender->client, topic, -1, TARN_KAFKA_MAX_MESSAGE_KEY,
							TARN_KAFKA_MAX_MESSAGE, NULL);
		(void)rc;
		free(sender->made);
		sender->made = tarn_strdup(topic);
	}
	pthread_mutex_unlock(&sender->lock);
}

enum tarn_rc tarn_kafka_sender_send(struct tarn_kafka_sender *sender, const char *topic,
				    const struct tarn_message *message, const struct tarn_header *headers,
				    size_t n_headers, struct tarn_err *err)
{
	make_topic(sender, topic);
	rd_kafka_headers_t *all = rd_kafka_headers_new(n_headers);
	for (size_t i = 0; i < n_headers; i++)
		rd_kafka_header_add(all, (const char *)headers[i].key.data, (ssize_t)headers[i].key.len,
				    headers[i].value.data, (ssize_t)headers[i].value.len);
	rd_kafka_resp_err_t error =
		rd_kafka_producev(sender->client, RD_KAFKA_V_TOPIC(topic),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK),
				  RD_KAFKA_V_KEY((void *)message->key.data, message->key.len),
				  RD_KAFKA_V_VALUE((void *)message->value.data, message->value.len),
				  RD_KAFKA_V_TIMESTAMP(message->timestamp > 0 ? message->timestamp : 0),
				  RD_KAFKA_V_HEADERS(all), RD_KAFKA_V_END);
	if (error)
		rd_kafka_headers_destroy(all);
	return error ? tarn_kafka_fail(err, error, NULL) : TARN_OK;
}

enum tarn_rc tarn_kafka_sender_flush(struct tarn_kafka_sender *sender, struct tarn_err *err)
{
	rd_kafka_resp_err_t error = rd_kafka_flush(sender->client, TARN_KAFKA_TIMEOUT_MS);
	pthread_mutex_lock(&sender->lock);
	if (!error)
		error = sender->failed;
	sender->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
	pthread_mutex_unlock(&sender->lock);
	return error ? tarn_kafka_fail(err, error, NULL) : TARN_OK;
}
