/* What `tarn publish` and `tarn simulate --publish` share: from records to what became of them. */
#ifndef TARN_CLI_PUBLISHING_H
#define TARN_CLI_PUBLISHING_H

#include <stdio.h>

#include "stream/producer/spool.h"

#define TARN_REGISTRY_DEFAULT "http://localhost:8081"
#define TARN_DATA_DEFAULT "tarn-data"

struct tarn_publishing_options {
	const char *brokers, *client_config; /* as in stream/producer/kafka_client.h; NULL: the default, none */
	const char *registry;		     /* URL; NULL: the default */
	const char *data;		     /* folder that holds the spool; NULL: TARN_DATA_DEFAULT */
};
#define TARN_OPTIONS_PUBLISHING(options)                                                                               \
	{ .name = "brokers",                                                                                           \
	  .argument = "HOST:PORT",                                                                                     \
	  .help = "the Kafka broker (default: localhost:9092)",                                                        \
	  .text = &(options)->brokers },                                                                               \
		{ .name = "client-config",                                                                             \
		  .argument = "FILE",                                                                                  \
		  .help = "settings of librdkafka, key=value a line (TLS, SASL)",                                      \
		  .text = &(options)->client_config },                                                                 \
		{ .name = "registry",                                                                                  \
		  .argument = "URL",                                                                                   \
		  .help = "the schema registry (default: " TARN_REGISTRY_DEFAULT ")",                                  \
		  .text = &(options)->registry },                                                                      \
	{                                                                                                              \
		.name = "data", .argument = "DIR",                                                                     \
		.help = "where records wait for a broker (default: " TARN_DATA_DEFAULT ")", .text = &(options)->data   \
	}

struct tarn_published {
	int64_t sent, refused, waiting; /* records, of this call and of those that waited */
	char reason[480];		/* of the last refusal, or why they wait */
	char *spool;			/* freed by the caller */
};

/* Within the network module: begin, add as often as needed, end. A schema that the registry refuses is no error here:
 * it counts as refused. */
struct tarn_publishing;
enum tarn_rc tarn_publishing_begin(const struct tarn_publishing_options *options, struct tarn_publishing **publishing,
				   struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_publishing_add(struct tarn_publishing *publishing, const struct tarn_outgoing *batch,
				 struct tarn_err *err) TARN_MUST_CHECK;
/* Sends what waits, says what became of all, and frees. */
enum tarn_rc tarn_publishing_end(struct tarn_publishing *publishing, struct tarn_published *published,
				 struct tarn_err *err) TARN_MUST_CHECK;

/* From outside of it: the three for one batch. The module exports this object under its name. */
struct tarn_publish_one {
	enum tarn_rc (*run)(const struct tarn_publishing_options *options, const struct tarn_outgoing *batch,
			    struct tarn_published *published, struct tarn_err *err);
};
#define TARN_PUBLISH_ONE "tarn_publish_one"

/* Says what became of a single record, on a line for people. TARN_EINVALID where one was refused. */
enum tarn_rc tarn_published_tell(const struct tarn_published *published, const char *topic, FILE *out,
				 struct tarn_err *err) TARN_MUST_CHECK;
/* Says what became of the records: to people on `out`, or one JSON object. Returns the exit code: refused is a failure,
 * waiting is none. */
int tarn_published_print(const struct tarn_published *published, bool json);

#endif
