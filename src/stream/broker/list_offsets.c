/* ListOffsets: the ends of a partition, and the first offset from a time on. OffsetForLeaderEpoch: where an epoch ends.
 * There is one leader epoch, 0. */
#include "stream/broker/handlers.h"
#include "stream/broker/topic_names.h"

/* Times with a meaning of their own. */
enum {
	LATEST = -1,
	EARLIEST = -2,
	LARGEST_TIME = -3,   /* of version 7 on */
	EARLIEST_LOCAL = -4, /* of version 8 on: what is not in a remote tier */
	LATEST_TIERED = -5,  /* of version 9 on: nothing is in one */
};

enum { LEADER_EPOCH = 0 };

static int16_t check_epoch(int32_t epoch)
{
	if (epoch < 0 || epoch == LEADER_EPOCH)
		return TARN_KAFKA_NONE;
	return epoch < LEADER_EPOCH ? TARN_KAFKA_FENCED_LEADER_EPOCH : TARN_KAFKA_UNKNOWN_LEADER_EPOCH;
}

/* An offset that the reader may not see yet is as good as none. */
static int16_t find(struct tarn_partition *partition, int64_t time, int64_t end,
		    struct tarn_list_offsets_response_partition *response)
{
	struct tarn_err err;
	int64_t offset, timestamp;
	enum tarn_rc rc = time == LARGEST_TIME ? tarn_partition_max_time(partition, &offset, &timestamp, &err)
					       : tarn_partition_find_time(partition, time, &offset, &timestamp, &err);
	if (rc && rc != TARN_ENOTFOUND)
		return tarn_kafka_error_of(rc);
	if (rc == TARN_OK && offset < end) {
		response->offset = offset;
		response->timestamp = timestamp;
		response->leader_epoch = LEADER_EPOCH;
	}
	return TARN_KAFKA_NONE;
}

static int16_t answer_time(struct tarn_partition *partition, int64_t time, bool committed,
			   struct tarn_list_offsets_response_partition *response)
{
	struct tarn_offsets offsets;
	tarn_partition_offsets(partition, &offsets);
	int64_t end = committed ? offsets.last_stable : offsets.high_watermark;
	switch (time) {
	case LATEST: response->offset = end; break;
	case EARLIEST:
	case EARLIEST_LOCAL: response->offset = offsets.start; break;
	case LATEST_TIERED: return TARN_KAFKA_NONE;
	default:
		if (time < LARGEST_TIME)
			return TARN_KAFKA_UNSUPPORTED_VERSION;
		return find(partition, time, end, response);
	}
	response->leader_epoch = LEADER_EPOCH;
	return TARN_KAFKA_NONE;
}

static void answer_partition(struct tarn_topic *topic, const struct tarn_list_offsets_request_partition *asked,
			     bool committed, struct tarn_list_offsets_response_partition *response)
{
	struct tarn_partition *partition = tarn_topic_partition(topic, asked->partition_index);
	if (!partition)
		response->error_code = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
	else
		response->error_code = check_epoch(asked->current_leader_epoch);
	if (!response->error_code)
		response->error_code = answer_time(partition, asked->timestamp, committed, response);
}

static void answer_topic(struct tarn_call *call, const struct tarn_list_offsets_request_topic *asked,
			 struct tarn_list_offsets_response_topic *response)
{
	const struct tarn_list_offsets_request *request = call->request;
	int16_t error = TARN_KAFKA_NONE;
	struct tarn_topic *topic = tarn_call_topic(call, asked->name, TARN_ACL_DESCRIBE, &error);
	response->name = asked->name;
	response->partitions = tarn_call_new(call, list_offsets_response_partition, asked->n_partitions);
	response->n_partitions = asked->n_partitions;
	for (size_t i = 0; i < asked->n_partitions; i++) {
		response->partitions[i].partition_index = asked->partitions[i].partition_index;
		response->partitions[i].error_code = error;
		if (topic)
			answer_partition(topic, &asked->partitions[i], request->isolation_level != 0,
					 &response->partitions[i]);
	}
	if (topic)
		tarn_topic_unref(topic);
}

void tarn_handle_list_offsets(struct tarn_call *call)
{
	const struct tarn_list_offsets_request *request = call->request;
	struct tarn_list_offsets_response *response = call->response;
	response->topics = tarn_call_new(call, list_offsets_response_topic, request->n_topics);
	response->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++)
		answer_topic(call, &request->topics[i], &response->topics[i]);
	tarn_call_answer(call);
}

/* ---- OffsetForLeaderEpoch ---- */

static void answer_epoch(struct tarn_topic *topic, const struct tarn_offset_for_leader_epoch_request_partition *asked,
			 struct tarn_offset_for_leader_epoch_response_partition *response)
{
	struct tarn_offsets offsets;
	struct tarn_partition *partition = tarn_topic_partition(topic, asked->partition);
	if (!partition) {
		response->error_code = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
		return;
	}
	response->error_code = check_epoch(asked->current_leader_epoch);
	/* Nothing was ever written in a later epoch, and an earlier one there never was: both have no end. */
	if (response->error_code || asked->leader_epoch != LEADER_EPOCH)
		return;
	tarn_partition_offsets(partition, &offsets);
	response->leader_epoch = LEADER_EPOCH;
	response->end_offset = offsets.high_watermark;
}

void tarn_handle_offset_for_leader_epoch(struct tarn_call *call)
{
	const struct tarn_offset_for_leader_epoch_request *request = call->request;
	struct tarn_offset_for_leader_epoch_response *response = call->response;
	response->topics = tarn_call_new(call, offset_for_leader_epoch_response_topic, request->n_topics);
	response->n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++) {
		const struct tarn_offset_for_leader_epoch_request_topic *asked = &request->topics[i];
		struct tarn_offset_for_leader_epoch_response_topic *topic_response = &response->topics[i];
		int16_t error = TARN_KAFKA_NONE;
		struct tarn_topic *topic = tarn_call_topic(call, asked->topic, TARN_ACL_DESCRIBE, &error);
		topic_response->topic = asked->topic;
		topic_response->n_partitions = asked->n_partitions;
		topic_response->partitions =
			tarn_call_new(call, offset_for_leader_epoch_response_partition, asked->n_partitions);
		for (size_t j = 0; j < asked->n_partitions; j++) {
			topic_response->partitions[j].partition = asked->partitions[j].partition;
			topic_response->partitions[j].error_code = error;
			if (topic)
				answer_epoch(topic, &asked->partitions[j], &topic_response->partitions[j]);
		}
		if (topic)
			tarn_topic_unref(topic);
	}
	tarn_call_answer(call);
}
