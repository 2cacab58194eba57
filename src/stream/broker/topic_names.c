#include "stream/broker/topic_names.h"

#include <string.h>

bool tarn_topic_name_is_legal(const char *name)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);
	return len && len <= TARN_TOPIC_MAX_NAME && strspn(name, legal) == len && strcmp(name, ".") &&
	       strcmp(name, "..");
}

bool tarn_topic_name_is_internal(const char *name)
{
	return !strcmp(name, TARN_OFFSETS_TOPIC) || !strcmp(name, TARN_TRANSACTIONS_TOPIC);
}

bool tarn_topic_id_is_zero(const struct tarn_uuid *id)
{
	static const struct tarn_uuid zero;
	return !memcmp(id, &zero, sizeof(zero));
}

struct tarn_topic *tarn_call_topic(struct tarn_call *call, const char *name, enum tarn_acl_operation operation,
				   int16_t *error)
{
	if (!tarn_call_allowed(call, operation, TARN_RESOURCE_TOPIC, name)) {
		*error = TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
		return NULL;
	}
	struct tarn_topic *topic = tarn_log_find_topic(call->broker->log, name);
	if (!topic)
		*error = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
	return topic;
}

struct tarn_topic *tarn_call_topic_by_id(struct tarn_call *call, const struct tarn_uuid *id,
					 enum tarn_acl_operation operation, int16_t *error)
{
	struct tarn_topic *topic = tarn_log_find_topic_id(call->broker->log, id->bytes);
	if (!topic) {
		*error = TARN_KAFKA_UNKNOWN_TOPIC_ID;
		return NULL;
	}
	if (tarn_call_allowed(call, operation, TARN_RESOURCE_TOPIC, tarn_topic_name(topic)))
		return topic;
	*error = TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
	tarn_topic_unref(topic);
	return NULL;
}
