/* Metadata: which topics there are and who leads them. One broker leads everything; the leader epoch is always 0. */
#include <stdlib.h>
#include <string.h>

#include "stream/broker/authorized.h"
#include "stream/broker/handlers.h"
#include "stream/broker/topic_names.h"

/* First versions with a meaning of their own. */
enum { NULL_IS_ALL = 1, TOPIC_IDS = 12, CREATION_IS_ASKED = 4 };

static void describe_partition(struct tarn_call *call, struct tarn_metadata_response_partition *partition,
			       int32_t number)
{
	int32_t *node = &call->broker->node_id;
	partition->partition_index = number;
	partition->leader_id = *node;
	partition->leader_epoch = 0;
	partition->replica_nodes = node;
	partition->isr_nodes = node;
	partition->n_replica_nodes = partition->n_isr_nodes = 1;
}

static void describe_topic(struct tarn_call *call, struct tarn_topic *topic,
			   struct tarn_metadata_response_topic *response)
{
	const struct tarn_metadata_request *request = call->request;
	int32_t n = tarn_topic_partitions(topic);
	response->error_code = TARN_KAFKA_NONE;
	response->name = tarn_arena_strdup(&call->arena, tarn_topic_name(topic));
	memcpy(response->topic_id.bytes, tarn_topic_id(topic), TARN_UUID_BYTES);
	response->is_internal = tarn_topic_name_is_internal(response->name);
	response->partitions = tarn_call_new(call, metadata_response_partition, (size_t)n);
	response->n_partitions = (size_t)n;
	for (int32_t i = 0; i < n; i++)
		describe_partition(call, &response->partitions[i], i);
	if (request->include_topic_authorized_operations)
		response->topic_authorized_operations =
			tarn_authorized_operations(call, TARN_RESOURCE_TOPIC, response->name);
}

static bool may_create(const struct tarn_call *call, const char *name)
{
	return tarn_call_allowed(call, TARN_ACL_CREATE, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME) ||
	       tarn_call_allowed(call, TARN_ACL_CREATE, TARN_RESOURCE_TOPIC, name);
}

/* Whether an unknown topic is to be made: the broker's setting, the client's wish, and its right. */
static bool wants_creation(const struct tarn_call *call)
{
	const struct tarn_metadata_request *request = call->request;
	return call->broker->auto_create_topics &&
	       (call->api_version < CREATION_IS_ASKED || request->allow_auto_topic_creation);
}

/* Waits, as it writes to the disk. */
static struct tarn_topic *create_topic(struct tarn_call *call, const char *name, int16_t *error)
{
	struct tarn_broker *broker = call->broker;
	struct tarn_topic *topic;
	struct tarn_err err;
	if (!may_create(call, name)) {
		*error = TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
		return NULL;
	}
	enum tarn_rc rc = tarn_log_create_topic(broker->log, name, broker->default_partitions, NULL, 0, &topic, &err);
	if (!rc)
		return topic;
	topic = rc == TARN_EEXISTS ? tarn_log_find_topic(broker->log, name) : NULL; /* somebody else was first */
	if (!topic)
		*error = rc == TARN_EEXISTS ? TARN_KAFKA_LEADER_NOT_AVAILABLE : tarn_kafka_error_of(rc);
	return topic;
}

static struct tarn_topic *find_by_name(struct tarn_call *call, const char *name, bool create, int16_t *error)
{
	if (!tarn_topic_name_is_legal(name)) {
		*error = TARN_KAFKA_INVALID_TOPIC_EXCEPTION;
		return NULL;
	}
	struct tarn_topic *topic = tarn_call_topic(call, name, TARN_ACL_DESCRIBE, error);
	if (topic || *error != TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION || !create)
		return topic;
	return create_topic(call, name, error);
}

static void answer_topic(struct tarn_call *call, const struct tarn_metadata_request_topic *asked, bool create,
			 struct tarn_metadata_response_topic *response)
{
	struct tarn_topic *topic;
	response->name = asked->name;
	response->topic_id = asked->topic_id;
	if (asked->name)
		topic = find_by_name(call, asked->name, create, &response->error_code);
	else
		topic = tarn_call_topic_by_id(call, &asked->topic_id, TARN_ACL_DESCRIBE, &response->error_code);
	if (!topic)
		return;
	describe_topic(call, topic, response);
	tarn_topic_unref(topic);
}

static void answer_all(struct tarn_call *call)
{
	struct tarn_metadata_response *response = call->response;
	struct tarn_topic **topics;
	size_t n = tarn_log_topics(call->broker->log, &topics);
	response->topics = tarn_call_new(call, metadata_response_topic, n);
	for (size_t i = 0; i < n; i++) {
		if (tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_TOPIC, tarn_topic_name(topics[i])))
			describe_topic(call, topics[i], &response->topics[response->n_topics++]);
		tarn_topic_unref(topics[i]);
	}
	free(topics);
}

static void answer_named(struct tarn_call *call, bool create)
{
	const struct tarn_metadata_request *request = call->request;
	struct tarn_metadata_response *response = call->response;
	response->topics = tarn_call_new(call, metadata_response_topic, request->n_topics);
	response->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++)
		answer_topic(call, &request->topics[i], create, &response->topics[i]);
	tarn_call_answer(call);
}

static void create_and_answer(struct tarn_call *call)
{
	answer_named(call, true);
}

static bool lacks_topic(const struct tarn_call *call)
{
	const struct tarn_metadata_request *request = call->request;
	for (size_t i = 0; i < request->n_topics; i++) {
		const char *name = request->topics[i].name;
		struct tarn_topic *topic = name ? tarn_log_find_topic(call->broker->log, name) : NULL;
		if (name && !topic)
			return true;
		if (topic)
			tarn_topic_unref(topic);
	}
	return false;
}

static bool is_valid(const struct tarn_call *call)
{
	const struct tarn_metadata_request *request = call->request;
	for (size_t i = 0; i < request->n_topics; i++)
		if (call->api_version < TOPIC_IDS &&
		    (!request->topics[i].name || !tarn_topic_id_is_zero(&request->topics[i].topic_id)))
			return false;
	return true;
}

void tarn_handle_metadata(struct tarn_call *call)
{
	const struct tarn_metadata_request *request = call->request;
	struct tarn_metadata_response *response = call->response;
	struct tarn_broker *broker = call->broker;
	bool all = call->api_version < NULL_IS_ALL ? !request->n_topics : !request->topics;
	if (!is_valid(call)) {
		tarn_call_hang_up(call, "metadata by topic id in a version without them");
		return;
	}
	response->brokers = tarn_call_new(call, metadata_response_broker, 1);
	response->n_brokers = 1;
	*response->brokers = (struct tarn_metadata_response_broker){ .node_id = broker->node_id,
								     .host = broker->host,
								     .port = broker->port };
	response->cluster_id = broker->cluster_id;
	response->controller_id = broker->node_id;
	if (request->include_cluster_authorized_operations)
		response->cluster_authorized_operations =
			tarn_authorized_operations(call, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME);
	if (all) {
		answer_all(call);
		tarn_call_answer(call);
	} else if (wants_creation(call) && lacks_topic(call))
		tarn_call_work(call, create_and_answer);
	else
		answer_named(call, false);
}
