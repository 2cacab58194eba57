/* What the broker counts about itself, as Prometheus reads it (text format 0.0.4). */
#ifndef TARN_STREAM_BROKER_METRICS_H
#define TARN_STREAM_BROKER_METRICS_H

#include "stream/broker/broker.h"

struct tarn_metrics;

struct tarn_metrics *tarn_metrics_new(void);
void tarn_metrics_free(struct tarn_metrics *metrics);

/* A call is over: how long it took from its last byte to its answer, and how large both were. Any thread; takes no
 * lock. */
void tarn_metrics_count(struct tarn_metrics *metrics, int16_t api_key, int64_t nanoseconds, size_t request_bytes,
			size_t answer_bytes, bool hung_up);
void tarn_metrics_connection(struct tarn_metrics *metrics, int change);

/* Appends all of it: requests by API, connections, and each topic's partitions with offsets and size. Any thread. */
void tarn_broker_write_metrics(struct tarn_broker *broker, struct tarn_buf *out);

#endif
