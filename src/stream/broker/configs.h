/* Settings of topics and of the broker, as CreateTopics and DescribeConfigs list them. */
#ifndef TARN_STREAM_BROKER_CONFIGS_H
#define TARN_STREAM_BROKER_CONFIGS_H

#include "stream/broker/call.h"
#include "stream/log/topic_config.h"

/* Where a value comes from: DescribeConfigs' config_source. */
enum tarn_config_source {
	TARN_CONFIG_OF_TOPIC = 1,
	TARN_CONFIG_OF_BROKER = 4, /* given when it was started */
	TARN_CONFIG_DEFAULT = 5,
};

/* Number, name and value of setting `key` of a topic; texts in the call's arena or static. */
struct tarn_config_entry {
	const char *name, *value, *doc;
	enum tarn_config_source source;
	enum tarn_topic_value_type type;
};
void tarn_config_entry(struct tarn_call *call, const struct tarn_topic *topic, enum tarn_topic_key_id key,
		       struct tarn_config_entry *entry);

#endif
