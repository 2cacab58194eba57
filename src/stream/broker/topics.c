/* CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords: all wait for the disk. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stream/broker/configs.h"
#include "stream/broker/group_coordinator.h"
#include "stream/broker/handlers.h"
#include "stream/broker/topic_names.h"

enum {
	DEFAULT_NUMBER = -1,	 /* of partitions or replicas: the broker's choice */
	REPLICATION_FACTOR = 1,	 /* there is one broker */
	MOST_PARTITIONS = 10000, /* of a topic */
	MOST_MESSAGE = 512,
	TOPIC_IDS = 6, /* version of DeleteTopics */
};

/* What an answer about one topic says. */
struct outcome {
	int16_t error;
	const char *message; /* in the call's arena, or static; NULL: none */
};

static struct outcome refuse(struct tarn_call *call, int16_t error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static struct outcome refuse(struct tarn_call *call, int16_t error, const char *fmt, ...)
{
	char message[MOST_MESSAGE];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return (struct outcome){ error, tarn_arena_strdup(&call->arena, message) };
}

static const struct outcome fine = { TARN_KAFKA_NONE, NULL };

static struct outcome refuse_plainly(int16_t error)
{
	return (struct outcome){ error, tarn_kafka_error_text(error) };
}

/* Without them, or with another number of partitions, groups and transactions would be lost. */
static struct outcome refuse_internal(struct tarn_call *call, const char *name)
{
	return refuse(call, TARN_KAFKA_POLICY_VIOLATION, "topic \"%s\" is kept by the broker for itself", name);
}

/* ---- CreateTopics ---- */

static struct outcome check_counts(struct tarn_call *call, const struct tarn_create_topics_request_topic *asked)
{
	if (asked->n_assignments) {
		if (asked->num_partitions != DEFAULT_NUMBER || asked->replication_factor != DEFAULT_NUMBER)
			return refuse(
				call, TARN_KAFKA_INVALID_REQUEST,
				"an assignment of replicas and numbers of partitions and replicas exclude each other");
		return fine;
	}
	if (asked->num_partitions != DEFAULT_NUMBER &&
	    (asked->num_partitions < 1 || asked->num_partitions > MOST_PARTITIONS))
		return refuse(call, TARN_KAFKA_INVALID_PARTITIONS, "a topic has 1 to %d partitions, not %d",
			      MOST_PARTITIONS, asked->num_partitions);
	if (asked->replication_factor != DEFAULT_NUMBER && asked->replication_factor != REPLICATION_FACTOR)
		return refuse(call, TARN_KAFKA_INVALID_REPLICATION_FACTOR,
			      "the replication factor is %d, and there is one broker", asked->replication_factor);
	return fine;
}

/* The partitions of a manual assignment must be 0 to n-1, in any order, each on this broker alone. */
static struct outcome check_assignments(struct tarn_call *call, const struct tarn_create_topics_request_topic *asked)
{
	bool *seen = tarn_arena_zalloc(&call->arena, asked->n_assignments + 1);
	for (size_t i = 0; i < asked->n_assignments; i++) {
		const struct tarn_create_topics_request_assignment *one = &asked->assignments[i];
		if (one->partition_index < 0 || (size_t)one->partition_index >= asked->n_assignments ||
		    seen[one->partition_index])
			return refuse(call, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT,
				      "the assigned partitions are not 0 to %zu, each once", asked->n_assignments - 1);
		seen[one->partition_index] = true;
		if (one->n_broker_ids != REPLICATION_FACTOR || one->broker_ids[0] != call->broker->node_id)
			return refuse(call, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT,
				      "partition %d must be on broker %d alone", one->partition_index,
				      call->broker->node_id);
	}
	return fine;
}

static bool is_named_twice(const struct tarn_create_topics_request *request, size_t at)
{
	for (size_t i = 0; i < request->n_topics; i++)
		if (i != at && !strcmp(request->topics[i].name, request->topics[at].name))
			return true;
	return false;
}

static struct outcome check_creation(struct tarn_call *call, size_t at, const struct tarn_topic_setting *settings)
{
	const struct tarn_create_topics_request *request = call->request;
	const struct tarn_create_topics_request_topic *asked = &request->topics[at];
	if (is_named_twice(request, at))
		return refuse(call, TARN_KAFKA_INVALID_REQUEST, "topic \"%s\" is named twice", asked->name);
	if (!tarn_topic_name_is_legal(asked->name))
		return refuse_plainly(TARN_KAFKA_INVALID_TOPIC_EXCEPTION);
	if (!tarn_call_allowed(call, TARN_ACL_CREATE, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME) &&
	    !tarn_call_allowed(call, TARN_ACL_CREATE, TARN_RESOURCE_TOPIC, asked->name))
		return refuse_plainly(TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED);
	struct tarn_topic *topic = tarn_log_find_topic(call->broker->log, asked->name);
	if (topic) {
		tarn_topic_unref(topic);
		return refuse(call, TARN_KAFKA_TOPIC_ALREADY_EXISTS, "topic '%s' already exists", asked->name);
	}
	struct outcome outcome = check_counts(call, asked);
	if (!outcome.error)
		outcome = check_assignments(call, asked);
	if (outcome.error)
		return outcome;
	struct tarn_topic_config *config;
	struct tarn_err err;
	if (tarn_topic_config_make(NULL, settings, asked->n_configs, &config, &err))
		return refuse(call, TARN_KAFKA_INVALID_CONFIG, "%s", err.message);
	tarn_topic_config_free(config);
	return fine;
}

static int32_t partitions_of(const struct tarn_call *call, const struct tarn_create_topics_request_topic *asked)
{
	if (asked->n_assignments)
		return (int32_t)asked->n_assignments;
	return asked->num_partitions == DEFAULT_NUMBER ? call->broker->default_partitions : asked->num_partitions;
}

static const struct tarn_topic_setting *settings_of(struct tarn_call *call,
						    const struct tarn_create_topics_request_topic *asked)
{
	struct tarn_topic_setting *settings =
		tarn_arena_alloc(&call->arena, (asked->n_configs + 1) * sizeof(*settings));
	for (size_t i = 0; i < asked->n_configs; i++)
		settings[i] = (struct tarn_topic_setting){ asked->configs[i].name, asked->configs[i].value };
	return settings;
}

static void list_settings(struct tarn_call *call, const struct tarn_topic *topic,
			  struct tarn_create_topics_response_topic *response)
{
	response->configs = tarn_call_new(call, create_topics_response_config, TARN_TOPIC_N_KEYS);
	response->n_configs = TARN_TOPIC_N_KEYS;
	for (int key = 0; key < TARN_TOPIC_N_KEYS; key++) {
		struct tarn_config_entry entry;
		tarn_config_entry(call, topic, (enum tarn_topic_key_id)key, &entry);
		response->configs[key].name = entry.name;
		response->configs[key].value = entry.value;
		response->configs[key].config_source = (int8_t)entry.source;
	}
}

static struct outcome create(struct tarn_call *call, size_t at, struct tarn_create_topics_response_topic *response)
{
	const struct tarn_create_topics_request *request = call->request;
	const struct tarn_create_topics_request_topic *asked = &request->topics[at];
	const struct tarn_topic_setting *settings = settings_of(call, asked);
	struct tarn_topic *topic;
	struct tarn_err err;
	struct outcome outcome = check_creation(call, at, settings);
	if (outcome.error)
		return outcome;
	response->num_partitions = partitions_of(call, asked);
	response->replication_factor = REPLICATION_FACTOR;
	if (request->validate_only)
		return fine;
	enum tarn_rc rc = tarn_log_create_topic(call->broker->log, asked->name, response->num_partitions, settings,
						asked->n_configs, &topic, &err);
	if (rc)
		return refuse(call, rc == TARN_EINVALID ? TARN_KAFKA_INVALID_CONFIG : tarn_kafka_error_of(rc), "%s",
			      err.message);
	memcpy(response->topic_id.bytes, tarn_topic_id(topic), TARN_UUID_BYTES);
	list_settings(call, topic, response);
	tarn_topic_unref(topic);
	return fine;
}

void tarn_handle_create_topics(struct tarn_call *call)
{
	const struct tarn_create_topics_request *request = call->request;
	struct tarn_create_topics_response *response = call->response;
	response->topics = tarn_call_new(call, create_topics_response_topic, request->n_topics);
	response->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++) {
		struct tarn_create_topics_response_topic *topic = &response->topics[i];
		struct outcome outcome = create(call, i, topic);
		topic->name = request->topics[i].name;
		topic->error_code = outcome.error;
		topic->error_message = outcome.message;
	}
	tarn_call_answer(call);
}

/* ---- DeleteTopics ---- */

static struct outcome delete_named(struct tarn_call *call, const char *name)
{
	struct tarn_err err;
	if (!tarn_call_allowed(call, TARN_ACL_DELETE, TARN_RESOURCE_TOPIC, name))
		return refuse_plainly(TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED);
	if (tarn_topic_name_is_internal(name))
		return refuse_internal(call, name);
	enum tarn_rc rc = tarn_log_delete_topic(call->broker->log, name, &err);
	if (rc == TARN_ENOTFOUND)
		return refuse_plainly(TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	if (rc)
		return refuse(call, tarn_kafka_error_of(rc), "%s", err.message);
	tarn_group_coordinator_topic_deleted(call->broker->groups, name);
	return fine;
}

static struct outcome delete_one(struct tarn_call *call, const struct tarn_delete_topics_request_topic *asked,
				 struct tarn_delete_topics_response_topic *response)
{
	bool has_id = !tarn_topic_id_is_zero(&asked->topic_id);
	response->topic_id = asked->topic_id;
	if (asked->name) {
		if (has_id)
			return refuse(call, TARN_KAFKA_INVALID_REQUEST,
				      "a topic is deleted by name or by id, not by both");
		struct tarn_topic *topic = tarn_log_find_topic(call->broker->log, asked->name);
		response->name = asked->name;
		if (topic) {
			memcpy(response->topic_id.bytes, tarn_topic_id(topic), TARN_UUID_BYTES);
			tarn_topic_unref(topic);
		}
		return delete_named(call, asked->name);
	}
	int16_t error = TARN_KAFKA_INVALID_REQUEST;
	struct tarn_topic *topic =
		has_id ? tarn_call_topic_by_id(call, &asked->topic_id, TARN_ACL_DESCRIBE, &error) : NULL;
	if (!topic)
		return refuse_plainly(error);
	response->name = tarn_arena_strdup(&call->arena, tarn_topic_name(topic));
	struct outcome outcome = delete_named(call, response->name);
	tarn_topic_unref(topic);
	return outcome;
}

void tarn_handle_delete_topics(struct tarn_call *call)
{
	const struct tarn_delete_topics_request *request = call->request;
	struct tarn_delete_topics_response *response = call->response;
	bool by_id = call->api_version >= TOPIC_IDS;
	size_t n = by_id ? request->n_topics : request->n_topic_names;
	response->topics = tarn_call_new(call, delete_topics_response_topic, n);
	response->n_topics = n;
	for (size_t i = 0; i < n; i++) {
		struct tarn_delete_topics_request_topic named = { .name = NULL };
		if (by_id)
			named = request->topics[i];
		else
			named.name = request->topic_names[i];
		struct outcome outcome = delete_one(call, &named, &response->topics[i]);
		response->topics[i].error_code = outcome.error;
		response->topics[i].error_message = outcome.message;
	}
	tarn_call_answer(call);
}

/* ---- CreatePartitions ---- */

static struct outcome add_partitions_to(struct tarn_call *call, struct tarn_topic *topic,
					const struct tarn_create_partitions_request_topic *asked)
{
	const struct tarn_create_partitions_request *request = call->request;
	int32_t now = tarn_topic_partitions(topic);
	struct tarn_err err;
	if (tarn_topic_name_is_internal(asked->name))
		return refuse_internal(call, asked->name);
	if (asked->count <= now)
		return refuse(call, TARN_KAFKA_INVALID_PARTITIONS, "topic has %d partition(s), %d would not be more",
			      now, asked->count);
	if (asked->count > MOST_PARTITIONS)
		return refuse(call, TARN_KAFKA_INVALID_PARTITIONS, "a topic has 1 to %d partitions, not %d",
			      MOST_PARTITIONS, asked->count);
	if (asked->assignments && asked->n_assignments != (size_t)(asked->count - now))
		return refuse(call, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT,
			      "%d partitions are added, and %zu are assigned", asked->count - now,
			      asked->n_assignments);
	for (size_t i = 0; i < asked->n_assignments; i++)
		if (asked->assignments[i].n_broker_ids != REPLICATION_FACTOR ||
		    asked->assignments[i].broker_ids[0] != call->broker->node_id)
			return refuse(call, TARN_KAFKA_INVALID_REPLICA_ASSIGNMENT,
				      "each partition must be on broker %d alone", call->broker->node_id);
	if (request->validate_only)
		return fine;
	enum tarn_rc rc = tarn_topic_add_partitions(topic, asked->count, &err);
	return rc ? refuse(call, tarn_kafka_error_of(rc), "%s", err.message) : fine;
}

static struct outcome add_partitions(struct tarn_call *call, size_t at)
{
	const struct tarn_create_partitions_request *request = call->request;
	const struct tarn_create_partitions_request_topic *asked = &request->topics[at];
	int16_t error;
	for (size_t i = 0; i < request->n_topics; i++)
		if (i != at && !strcmp(request->topics[i].name, asked->name))
			return refuse(call, TARN_KAFKA_INVALID_REQUEST, "topic \"%s\" is named twice", asked->name);
	struct tarn_topic *topic = tarn_call_topic(call, asked->name, TARN_ACL_ALTER, &error);
	if (!topic)
		return refuse_plainly(error);
	struct outcome outcome = add_partitions_to(call, topic, asked);
	tarn_topic_unref(topic);
	return outcome;
}

void tarn_handle_create_partitions(struct tarn_call *call)
{
	const struct tarn_create_partitions_request *request = call->request;
	struct tarn_create_partitions_response *response = call->response;
	response->results = tarn_call_new(call, create_partitions_response_result, request->n_topics);
	response->n_results = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++) {
		struct outcome outcome = add_partitions(call, i);
		response->results[i].name = request->topics[i].name;
		response->results[i].error_code = outcome.error;
		response->results[i].error_message = outcome.message;
	}
	tarn_call_answer(call);
}

/* ---- DeleteRecords ---- */

static bool is_only_compacted(const struct tarn_topic *topic)
{
	struct tarn_buf policy;
	tarn_buf_init(&policy, 64);
	bool only = !tarn_topic_setting(topic, "cleanup.policy", &policy, NULL) &&
		    tarn_slice_eq(tarn_buf_slice(&policy), tarn_slice_str("compact"));
	tarn_buf_release(&policy);
	return only;
}

static int16_t delete_records(struct tarn_topic *topic, const struct tarn_delete_records_request_partition *asked,
			      int64_t *start)
{
	struct tarn_partition *partition = tarn_topic_partition(topic, asked->partition_index);
	struct tarn_offsets offsets;
	struct tarn_err err;
	if (!partition)
		return TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
	if (is_only_compacted(topic))
		return TARN_KAFKA_POLICY_VIOLATION;
	tarn_partition_offsets(partition, &offsets);
	if (asked->offset < -1 || asked->offset > offsets.high_watermark)
		return TARN_KAFKA_OFFSET_OUT_OF_RANGE;
	enum tarn_rc rc = tarn_partition_delete_before(partition, asked->offset, start, &err);
	return rc ? tarn_kafka_error_of(rc) : TARN_KAFKA_NONE;
}

void tarn_handle_delete_records(struct tarn_call *call)
{
	const struct tarn_delete_records_request *request = call->request;
	struct tarn_delete_records_response *response = call->response;
	response->topics = tarn_call_new(call, delete_records_response_topic, request->n_topics);
	response->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++) {
		const struct tarn_delete_records_request_topic *asked = &request->topics[i];
		struct tarn_delete_records_response_topic *answered = &response->topics[i];
		int16_t error = TARN_KAFKA_NONE;
		struct tarn_topic *topic = tarn_call_topic(call, asked->name, TARN_ACL_DELETE, &error);
		answered->name = asked->name;
		answered->n_partitions = asked->n_partitions;
		answered->partitions = tarn_call_new(call, delete_records_response_partition, asked->n_partitions);
		for (size_t j = 0; j < asked->n_partitions; j++) {
			struct tarn_delete_records_response_partition *partition = &answered->partitions[j];
			partition->partition_index = asked->partitions[j].partition_index;
			partition->low_watermark = -1;
			partition->error_code =
				topic ? delete_records(topic, &asked->partitions[j], &partition->low_watermark) : error;
		}
		if (topic)
			tarn_topic_unref(topic);
	}
	tarn_call_answer(call);
}
