/* What can be set of the broker, under Kafka's names (kafka.apache.org/documentation, "Broker Configs"): one table,
 * which DescribeConfigs, AlterConfigs and IncrementalAlterConfigs read. A row is shaped like a topic's
 * (topic_config.h); to the table's own rows come those that topics have a default of. Rows that have no effect here are
 * taken and kept, so that programs which set them work, and say so in their text. */
#ifndef TARN_STREAM_BROKER_BROKER_SETTINGS_H
#define TARN_STREAM_BROKER_BROKER_SETTINGS_H

#include "stream/broker/call.h"
#include "stream/log/topic_config.h"

struct tarn_broker_setting {
	const char *name;
	const struct tarn_topic_key *key; /* type, default, what is allowed; its name may be a topic's */
	bool read_only;
	/* What the broker was started with, static or in the call's arena; NULL: nothing but the default. */
	const char *(*given)(struct tarn_call *call);
};

/* The i-th setting; false behind the last. */
bool tarn_broker_setting_at(size_t i, struct tarn_broker_setting *setting);

#endif
