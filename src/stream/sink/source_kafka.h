/* Messages of any Kafka cluster, by a consumer group (librdkafka); offsets and recipes are the group's. Part of the
 * network module. */
#ifndef TARN_STREAM_SINK_SOURCE_KAFKA_H
#define TARN_STREAM_SINK_SOURCE_KAFKA_H

#include "stream/producer/kafka_client.h"
#include "stream/sink/connectors.h"

/* `settings`: librdkafka's, for this consumer alone. New topics are found within three seconds. */
enum tarn_rc tarn_source_kafka_open(const struct tarn_kafka_options *kafka, const struct tarn_kafka_setting *settings,
				    size_t n_settings, const struct tarn_source_options *options,
				    struct tarn_source **source, struct tarn_err *err) TARN_MUST_CHECK;

/* Messages to topics of the cluster, as log_producer.h does for the log. Any thread. */
struct tarn_kafka_sender;
enum tarn_rc tarn_kafka_sender_open(const struct tarn_kafka_options *kafka, struct tarn_kafka_sender **sender,
				    struct tarn_err *err) TARN_MUST_CHECK;
void tarn_kafka_sender_free(struct tarn_kafka_sender *sender);
enum tarn_rc tarn_kafka_sender_send(struct tarn_kafka_sender *sender, const char *topic,
				    const struct tarn_message *message, const struct tarn_header *headers,
				    size_t n_headers, struct tarn_err *err) TARN_MUST_CHECK;
/* Visits the committed messages of a topic from *place on, up to its present end. */
enum tarn_rc tarn_kafka_topic_read(const struct tarn_kafka_options *kafka, const char *topic,
				   struct tarn_topic_place *place, tarn_message_visit visit, void *context,
				   struct tarn_err *err) TARN_MUST_CHECK;
/* Appends a message's headers as a batch has them; their number and length go to `to`, whose headers.data is for the
 * caller to set once the buffer has stopped moving. */
void tarn_kafka_put_headers(const rd_kafka_message_t *from, struct tarn_buf *out, struct tarn_message *to);
enum tarn_rc tarn_kafka_sender_flush(struct tarn_kafka_sender *sender, struct tarn_err *err) TARN_MUST_CHECK;

#endif
