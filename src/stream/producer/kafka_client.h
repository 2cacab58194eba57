/* What all that speak to a Kafka broker as clients share: which broker, and one request to its administration at a time
 * (librdkafka). Part of the network module. */
#ifndef TARN_STREAM_PRODUCER_KAFKA_CLIENT_H
#define TARN_STREAM_PRODUCER_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "base/err.h"

#define TARN_KAFKA_DEFAULT_BROKERS "localhost:9092"
#define TARN_KAFKA_TIMEOUT_MS 15000

struct tarn_kafka_options {
	const char *brokers;	/* "HOST:PORT,..." */
	const char *properties; /* file of librdkafka's settings, a line each (TLS, SASL), or NULL */
};
#define TARN_KAFKA_OPTIONS_DEFAULT                                                                                     \
	{                                                                                                              \
		.brokers = TARN_KAFKA_DEFAULT_BROKERS                                                                  \
	}
/* The options in a command's table: two entries. */
#define TARN_OPTIONS_KAFKA(options)                                                                                    \
	{ .name = "brokers",                                                                                           \
	  .argument = "HOST:PORT",                                                                                     \
	  .help = "the Kafka broker (default: " TARN_KAFKA_DEFAULT_BROKERS ")",                                        \
	  .text = &(options)->brokers },                                                                               \
	{                                                                                                              \
		.name = "client-config", .argument = "FILE",                                                           \
		.help = "settings of librdkafka, key=value a line (TLS, SASL)", .text = &(options)->properties         \
	}

struct tarn_kafka_setting {
	const char *key, *value;
};

/* A client of the given type; connects when it is first used. `settings` come after the file's. rd_kafka_destroy frees
 * it. */
enum tarn_rc tarn_kafka_client_open(const struct tarn_kafka_options *options, rd_kafka_type_t type,
				    const struct tarn_kafka_setting *settings, size_t n_settings, rd_kafka_t **client,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* The same, a producer that tells what became of each message: from rd_kafka_poll, flush or a transaction's end. */
typedef void (*tarn_kafka_told)(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context);
enum tarn_rc tarn_kafka_producer_open(const struct tarn_kafka_options *options,
				      const struct tarn_kafka_setting *settings, size_t n_settings,
				      tarn_kafka_told told, void *context, rd_kafka_t **client,
				      struct tarn_err *err) TARN_MUST_CHECK;

/* The same, a member of a consumer group that is told of its partitions while it polls; all messages come from its one
 * queue. */
typedef void (*tarn_kafka_rebalanced)(rd_kafka_t *consumer, rd_kafka_resp_err_t what,
				      rd_kafka_topic_partition_list_t *partitions, void *context);
enum tarn_rc tarn_kafka_consumer_open(const struct tarn_kafka_options *options,
				      const struct tarn_kafka_setting *settings, size_t n_settings,
				      tarn_kafka_rebalanced rebalanced, void *context, rd_kafka_t **client,
				      struct tarn_err *err) TARN_MUST_CHECK;

/* librdkafka's error as ours: not found, exists, I/O, invalid. */
enum tarn_rc tarn_kafka_fail(struct tarn_err *err, rd_kafka_resp_err_t code, const char *text);

/* One request to the administration: `queue` is where its answer comes. */
struct tarn_kafka_admin {
	rd_kafka_t *client;
	rd_kafka_queue_t *queue;
	rd_kafka_AdminOptions_t *options;
};
void tarn_kafka_admin_init(struct tarn_kafka_admin *admin, rd_kafka_t *client);
void tarn_kafka_admin_release(struct tarn_kafka_admin *admin);
/* Waits for the answer to what was sent; rd_kafka_event_destroy frees it. Errors of single items are still in it. */
enum tarn_rc tarn_kafka_admin_wait(struct tarn_kafka_admin *admin, rd_kafka_event_t **event,
				   struct tarn_err *err) TARN_MUST_CHECK;

/* The topics that Tarn makes take messages of up to 64 MiB: Kafka's own limit is 1 MiB, and a VQE result of many
 * iterations is larger. Brokers take requests of 100 MiB. */
#define TARN_KAFKA_MAX_MESSAGE_KEY "max.message.bytes"
#define TARN_KAFKA_MAX_MESSAGE "67108864"
/* Makes a topic with one setting of its own; one that is there is left as it is. partitions -1: the broker's number. */
enum tarn_rc tarn_kafka_make_topic(rd_kafka_t *client, const char *name, int32_t partitions, const char *key,
				   const char *value, struct tarn_err *err) TARN_MUST_CHECK;

#endif
