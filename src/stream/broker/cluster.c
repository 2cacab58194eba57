/* DescribeCluster, DescribeLogDirs, DescribeProducers: what there is, for administrators. */
#include <stdlib.h>

#include "stream/broker/authorized.h"
#include "stream/broker/handlers.h"
#include "stream/broker/topic_names.h"

enum { ENDPOINT_BROKERS = 1 };

void tarn_handle_describe_cluster(struct tarn_call *call)
{
	const struct tarn_describe_cluster_request *request = call->request;
	struct tarn_describe_cluster_response *response = call->response;
	const struct tarn_broker *broker = call->broker;
	response->endpoint_type = request->endpoint_type;
	response->cluster_id = broker->cluster_id;
	if (request->endpoint_type != ENDPOINT_BROKERS) {
		response->error_code = TARN_KAFKA_UNSUPPORTED_ENDPOINT_TYPE;
		response->error_message = tarn_kafka_error_text(response->error_code);
		tarn_call_answer(call);
		return;
	}
	response->controller_id = broker->node_id;
	response->brokers = tarn_call_new(call, describe_cluster_response_broker, 1);
	response->n_brokers = 1;
	response->brokers->broker_id = broker->node_id;
	response->brokers->host = broker->host;
	response->brokers->port = broker->port;
	if (request->include_cluster_authorized_operations)
		response->cluster_authorized_operations =
			tarn_authorized_operations(call, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME);
	tarn_call_answer(call);
}

/* ---- DescribeLogDirs ---- */

static void describe_size(struct tarn_topic *topic, int32_t number,
			  struct tarn_describe_log_dirs_response_partition *response)
{
	struct tarn_offsets offsets;
	tarn_partition_offsets(tarn_topic_partition(topic, number), &offsets);
	response->partition_index = number;
	response->partition_size = offsets.bytes;
}

static void describe_all_sizes(struct tarn_call *call, struct tarn_topic *topic,
			       struct tarn_describe_log_dirs_response_topic *response)
{
	int32_t n = tarn_topic_partitions(topic);
	response->name = tarn_arena_strdup(&call->arena, tarn_topic_name(topic));
	response->partitions = tarn_call_new(call, describe_log_dirs_response_partition, (size_t)n);
	response->n_partitions = (size_t)n;
	for (int32_t i = 0; i < n; i++)
		describe_size(topic, i, &response->partitions[i]);
}

static void describe_sizes(struct tarn_call *call, const struct tarn_describe_log_dirs_request_topic *asked,
			   struct tarn_describe_log_dirs_response_topic *response)
{
	struct tarn_topic *topic = tarn_log_find_topic(call->broker->log, asked->topic);
	response->name = asked->topic;
	response->partitions = tarn_call_new(call, describe_log_dirs_response_partition, asked->n_partitions);
	for (size_t i = 0; topic && i < asked->n_partitions; i++)
		if (tarn_topic_partition(topic, asked->partitions[i]))
			describe_size(topic, asked->partitions[i], &response->partitions[response->n_partitions++]);
	if (topic)
		tarn_topic_unref(topic);
}

static void describe_every_topic(struct tarn_call *call, struct tarn_describe_log_dirs_response_result *result)
{
	struct tarn_topic **topics;
	size_t n = tarn_log_topics(call->broker->log, &topics);
	result->topics = tarn_call_new(call, describe_log_dirs_response_topic, n);
	result->n_topics = n;
	for (size_t i = 0; i < n; i++) {
		describe_all_sizes(call, topics[i], &result->topics[i]);
		tarn_topic_unref(topics[i]);
	}
	free(topics);
}

void tarn_handle_describe_log_dirs(struct tarn_call *call)
{
	const struct tarn_describe_log_dirs_request *request = call->request;
	struct tarn_describe_log_dirs_response *response = call->response;
	if (!tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME)) {
		response->error_code = TARN_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
		tarn_call_answer(call);
		return;
	}
	response->results = tarn_call_new(call, describe_log_dirs_response_result, 1);
	response->n_results = 1;
	response->results->log_dir =
		"log"; /* below the data folder: there is one, and where it is concerns no client */
	if (!request->topics) {
		describe_every_topic(call, response->results);
		tarn_call_answer(call);
		return;
	}
	response->results->topics = tarn_call_new(call, describe_log_dirs_response_topic, request->n_topics);
	response->results->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++)
		describe_sizes(call, &request->topics[i], &response->results->topics[i]);
	tarn_call_answer(call);
}

/* ---- DescribeProducers ---- */

static void describe_producers(struct tarn_call *call, struct tarn_partition *partition,
			       struct tarn_describe_producers_response_partition *response)
{
	struct tarn_producer_state *states = NULL;
	size_t n = tarn_partition_producers(partition, &states);
	response->active_producers = tarn_call_new(call, describe_producers_response_active_producer, n);
	response->n_active_producers = n;
	for (size_t i = 0; i < n; i++)
		response->active_producers[i] = (struct tarn_describe_producers_response_active_producer){
			.producer_id = states[i].id,
			.producer_epoch = states[i].epoch,
			.last_sequence = states[i].last_sequence,
			.last_timestamp = states[i].last_timestamp,
			.coordinator_epoch = 0,
			.current_txn_start_offset = states[i].transaction_start,
		};
	free(states);
}

static void describe_producers_of(struct tarn_call *call, const struct tarn_describe_producers_request_topic *asked,
				  struct tarn_describe_producers_response_topic *response)
{
	int16_t error = TARN_KAFKA_NONE;
	struct tarn_topic *topic = tarn_call_topic(call, asked->name, TARN_ACL_READ, &error);
	response->name = asked->name;
	response->partitions = tarn_call_new(call, describe_producers_response_partition, asked->n_partition_indexes);
	response->n_partitions = asked->n_partition_indexes;
	for (size_t i = 0; i < asked->n_partition_indexes; i++) {
		struct tarn_describe_producers_response_partition *answered = &response->partitions[i];
		struct tarn_partition *partition =
			topic ? tarn_topic_partition(topic, asked->partition_indexes[i]) : NULL;
		answered->partition_index = asked->partition_indexes[i];
		answered->error_code = partition || error ? error : TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
		if (partition)
			describe_producers(call, partition, answered);
		else
			answered->error_message = tarn_kafka_error_text(answered->error_code);
	}
	if (topic)
		tarn_topic_unref(topic);
}

void tarn_handle_describe_producers(struct tarn_call *call)
{
	const struct tarn_describe_producers_request *request = call->request;
	struct tarn_describe_producers_response *response = call->response;
	response->topics = tarn_call_new(call, describe_producers_response_topic, request->n_topics);
	response->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++)
		describe_producers_of(call, &request->topics[i], &response->topics[i]);
	tarn_call_answer(call);
}
