/* Messages into this process's own log: for dead letters, and whoever sends few. */
#ifndef TARN_STREAM_SINK_LOG_PRODUCER_H
#define TARN_STREAM_SINK_LOG_PRODUCER_H

#include "stream/log/log.h"
#include "stream/sink/connectors.h"

/* Any thread. */
struct tarn_log_producer;
struct tarn_log_producer *tarn_log_producer_new(struct tarn_log *log);
void tarn_log_producer_free(struct tarn_log_producer *producer);
/* Appends to partition 0 of the topic, which is made (one partition) where it is missing. */
enum tarn_rc tarn_log_producer_send(struct tarn_log_producer *producer, const char *topic,
				    const struct tarn_message *message, const struct tarn_header *headers,
				    size_t n_headers, struct tarn_err *err) TARN_MUST_CHECK;
/* Visits the messages of a topic from *place on, up to what is durable now. */
enum tarn_rc tarn_log_producer_read(struct tarn_log_producer *producer, const char *topic,
				    struct tarn_topic_place *place, tarn_message_visit visit, void *context,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* Waits until everything that was sent is durable. */
enum tarn_rc tarn_log_producer_flush(struct tarn_log_producer *producer, struct tarn_err *err) TARN_MUST_CHECK;

#endif
