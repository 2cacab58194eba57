/* Settings of topics, as CreateTopics and DescribeConfigs list them. */
#ifndef TARN_STREAM_BROKER_CONFIGS_H
#define TARN_STREAM_BROKER_CONFIGS_H

#include "stream/broker/call.h"
#include "stream/log/topic_config.h"

/* Where a value comes from: DescribeConfigs' config_source. */
enum tarn_config_source {
	TARN_CONFIG_OF_TOPIC = 1,
	TARN_CONFIG_OF_BROKER = 2,  /* set while it ran, of this broker */
	TARN_CONFIG_OF_CLUSTER = 3, /* the same, of all brokers */
	TARN_CONFIG_GIVEN = 4,	    /* when the broker was started */
	TARN_CONFIG_DEFAULT = 5,
	TARN_CONFIG_OF_GROUP = 8,
};

/* What counts for a topic: name and value of setting `key`; texts in the call's arena or static. */
struct tarn_config_entry {
	const char *name, *value;
	enum tarn_config_source source;
};
void tarn_config_entry(struct tarn_call *call, const struct tarn_topic *topic, enum tarn_topic_key_id key,
		       struct tarn_config_entry *entry);

#endif
