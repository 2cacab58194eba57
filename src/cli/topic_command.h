/* `tarn topic`: what its sub-commands share. Part of the network module. */
#ifndef TARN_CLI_TOPIC_COMMAND_H
#define TARN_CLI_TOPIC_COMMAND_H

#include "cli/broker_admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "stream/producer/kafka_client.h"

extern const struct tarn_command tarn_command_topic;
extern const struct tarn_command tarn_command_topic_ls, tarn_command_topic_describe, tarn_command_topic_read,
	tarn_command_topic_create, tarn_command_topic_delete, tarn_command_topic_config;

#define TARN_TOPIC_SECTION "TOPIC"
#define TARN_TOPIC_OPTION_JSON(target)                                                                                 \
	{                                                                                                              \
		.name = "json", .help = "print JSON, for machines", .flag = (target)                                   \
	}

/* Facts about one topic. `name` NULL: about all of them. rd_kafka_metadata_destroy frees it. An unknown name is
 * TARN_ENOTFOUND with the nearest name as a hint. */
enum tarn_rc tarn_topic_facts(rd_kafka_t *client, const char *name, const struct rd_kafka_metadata **facts,
			      struct tarn_err *err) TARN_MUST_CHECK;

/* Offsets of every partition of a topic, in their order, for one ListOffsets timestamp: RD_KAFKA_OFFSET_BEGINNING,
 * RD_KAFKA_OFFSET_END, or milliseconds (the first record from then on; the end where there is none). */
enum tarn_rc tarn_topic_offsets(rd_kafka_t *client, const rd_kafka_metadata_topic_t *topic, int64_t when,
				int64_t *offsets, struct tarn_err *err) TARN_MUST_CHECK;

/* Bytes of every partition on disk, in their order; -1 where the broker does not tell (see topic_sizes.c). */
void tarn_topic_sizes(const struct tarn_kafka_options *options, const struct rd_kafka_metadata *facts,
		      const rd_kafka_metadata_topic_t *topic, int64_t *sizes);

/* Settings of a topic as the broker tells them; borrowed from the event, which the caller destroys. */
enum tarn_rc tarn_topic_settings(struct tarn_kafka_admin *admin, const char *name, rd_kafka_event_t **event,
				 const rd_kafka_ConfigEntry_t ***entries, size_t *n,
				 struct tarn_err *err) TARN_MUST_CHECK;

#endif
