/* ConsumerGroupHeartbeat and ConsumerGroupDescribe (KIP-848). */
#include <stdlib.h>

#include "stream/broker/authorized.h"
#include "stream/broker/balance.h"
#include "stream/broker/group_coordinator_inside.h"

/* ---- ConsumerGroupHeartbeat ---- */

struct beat {
	struct group_write write;
	struct tarn_call *call;
};

static void answer_durable(struct group_write *write)
{
	struct tarn_call *call = ((struct beat *)write)->call;
	struct tarn_consumer_group_heartbeat_response *response = call->response;
	if (write->error) {
		*response = (struct tarn_consumer_group_heartbeat_response){
			.error_code = write->error, .error_message = tarn_kafka_error_text(write->error)
		};
	}
	tarn_call_answer(call);
}

static bool may_describe_topic(void *context, const char *topic)
{
	return tarn_call_allowed(context, TARN_ACL_DESCRIBE, TARN_RESOURCE_TOPIC, topic);
}

static int16_t check_access(const struct tarn_call *call)
{
	const struct tarn_consumer_group_heartbeat_request *request = call->request;
	if (!tarn_call_allowed(call, TARN_ACL_READ, TARN_RESOURCE_GROUP, request->group_id))
		return TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
	for (size_t i = 0; i < request->n_subscribed_topic_names; i++)
		if (!tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_TOPIC,
				       request->subscribed_topic_names[i]))
			return TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
	return TARN_KAFKA_NONE;
}

static void fill(struct tarn_call *call, const struct tarn_balance_answer *answer)
{
	struct tarn_consumer_group_heartbeat_response *response = call->response;
	response->error_code = answer->error;
	if (answer->error) {
		response->error_message = answer->message ? answer->message : tarn_kafka_error_text(answer->error);
		return;
	}
	const struct tarn_consumer_group_heartbeat_request *request = call->request;
	response->member_id = answer->member ? tarn_arena_strdup(&call->arena, answer->member->id) : request->member_id;
	response->member_epoch = answer->epoch;
	response->heartbeat_interval_ms = answer->heartbeat_ms;
	if (!answer->has_assignment)
		return;
	response->assignment = tarn_call_new(call, consumer_group_heartbeat_response_assignment, 1);
	response->assignment->topic_partitions =
		tarn_parts_write(&answer->member->assigned, &call->arena, &response->assignment->n_topic_partitions);
}

/* What is answered is durable: what this heartbeat changed, and what others before it did, whose answers may still be
 * on their way. */
static void answer_beat(struct tarn_call *call)
{
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	struct beat *beat = tarn_arena_zalloc(&call->arena, sizeof(*beat));
	beat->call = call;
	beat->write.done = answer_durable;
	if (tarn_batch_builder_count(coordinator->builder))
		group_append(coordinator, NULL, &beat->write);
	else
		group_wait(coordinator, &beat->write);
}

void tarn_handle_consumer_group_heartbeat(struct tarn_call *call)
{
	const struct tarn_consumer_group_heartbeat_request *request = call->request;
	struct tarn_consumer_group_heartbeat_response *response = call->response;
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	struct tarn_balance_answer answer = { .error = check_access(call) };
	if (answer.error) {
		response->error_code = answer.error;
		response->error_message = tarn_kafka_error_text(answer.error);
		tarn_call_answer(call);
		return;
	}
	group_enter(coordinator);
	const struct tarn_balance_client client = {
		call->client_id,    tarn_arena_printf(&call->arena, "/%s", call->host),
		call->api_version,  group_topics(coordinator),
		may_describe_topic, call
	};
	tarn_groups_balance(coordinator->groups, group_now_ms(coordinator), request, &client, &answer);
	fill(call, &answer);
	if (answer.error)
		tarn_call_answer(call);
	else
		answer_beat(call);
	group_leave(coordinator);
}

/* ---- ConsumerGroupDescribe ---- */

/* Topics that the group does not read any more have no name, and are left out. */
static struct tarn_consumer_group_describe_response_assignment *
describe_parts(struct tarn_call *call, const struct tarn_parts *parts, const struct tarn_balance *balance)
{
	struct tarn_consumer_group_describe_response_assignment *described =
		tarn_call_new(call, consumer_group_describe_response_assignment, 1);
	size_t n;
	const struct tarn_balance_topic_partitions *all = tarn_parts_write(parts, &call->arena, &n);
	described->topic_partitions = tarn_call_new(call, consumer_group_describe_response_topic_partitions, n);
	for (size_t i = 0; i < n; i++) {
		const char *name = tarn_balance_topic_name(balance, &all[i].topic_id);
		if (name)
			described->topic_partitions[described->n_topic_partitions++] =
				(struct tarn_consumer_group_describe_response_topic_partitions){
					all[i].topic_id, tarn_arena_strdup(&call->arena, name), all[i].partitions,
					all[i].n_partitions
				};
	}
	return described;
}

static const char *copy_text(struct tarn_call *call, const char *text)
{
	return text ? tarn_arena_strdup(&call->arena, text) : NULL;
}

static void describe_member(struct tarn_call *call, const struct tarn_balance_member *member,
			    const struct tarn_balance *balance,
			    struct tarn_consumer_group_describe_response_member *out)
{
	out->member_id = copy_text(call, member->id);
	out->instance_id = copy_text(call, member->instance_id);
	out->rack_id = copy_text(call, member->rack_id);
	out->member_epoch = member->epoch;
	out->client_id = copy_text(call, member->client_id);
	out->client_host = copy_text(call, member->client_host);
	out->subscribed_topic_regex = copy_text(call, member->regex);
	out->subscribed_topic_names =
		tarn_arena_alloc(&call->arena, (member->topics.n + 1) * sizeof(*out->subscribed_topic_names));
	out->n_subscribed_topic_names = member->topics.n;
	for (size_t i = 0; i < member->topics.n; i++)
		out->subscribed_topic_names[i] = copy_text(call, member->topics.items[i]);
	out->assignment = describe_parts(call, &member->assigned, balance);
	out->target_assignment = describe_parts(call, &member->target, balance);
	out->member_type = 1; /* of the consumer protocol */
}

/* Who may not see every topic that the members own or read is told of none of them. */
static bool may_see_all(struct tarn_call *call, const struct tarn_consumer_group_describe_response_group *group)
{
	for (size_t i = 0; i < group->n_members; i++) {
		const struct tarn_consumer_group_describe_response_member *member = &group->members[i];
		const struct tarn_consumer_group_describe_response_assignment *both[] = { member->assignment,
											  member->target_assignment };
		for (size_t j = 0; j < member->n_subscribed_topic_names; j++)
			if (!may_describe_topic(call, member->subscribed_topic_names[j]))
				return false;
		for (size_t k = 0; k < 2; k++)
			for (size_t j = 0; j < both[k]->n_topic_partitions; j++)
				if (!may_describe_topic(call, both[k]->topic_partitions[j].topic_name))
					return false;
	}
	return true;
}

static void refuse(struct tarn_consumer_group_describe_response_group *described, int16_t error, const char *message)
{
	described->error_code = error;
	described->error_message = message ? message : tarn_kafka_error_text(error);
}

static void describe(struct tarn_call *call, struct tarn_consumer_group_describe_response_group *described)
{
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	const struct tarn_group *group = tarn_groups_find(coordinator->groups, described->group_id);
	if (!group || !group->balance) {
		refuse(described, TARN_KAFKA_GROUP_ID_NOT_FOUND,
		       group ? "the group is not one of the consumer protocol" : NULL);
		return;
	}
	const struct tarn_balance *balance = group->balance;
	described->group_state = tarn_balance_state_name(balance);
	described->group_epoch = balance->epoch;
	described->assignment_epoch = balance->target_epoch;
	described->assignor_name = tarn_balance_assignor_name(balance);
	described->members = tarn_call_new(call, consumer_group_describe_response_member, balance->n_members);
	described->n_members = balance->n_members;
	for (size_t i = 0; i < balance->n_members; i++)
		describe_member(call, balance->members[i], balance, &described->members[i]);
	if (!may_see_all(call, described)) {
		refuse(described, TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED, NULL);
		described->n_members = 0;
	}
}

void tarn_handle_consumer_group_describe(struct tarn_call *call)
{
	const struct tarn_consumer_group_describe_request *request = call->request;
	struct tarn_consumer_group_describe_response *response = call->response;
	response->groups = tarn_call_new(call, consumer_group_describe_response_group, request->n_group_ids);
	response->n_groups = request->n_group_ids;
	group_enter(call->broker->groups);
	for (size_t i = 0; i < request->n_group_ids; i++) {
		struct tarn_consumer_group_describe_response_group *described = &response->groups[i];
		described->group_id = request->group_ids[i];
		if (!*described->group_id) {
			refuse(described, TARN_KAFKA_INVALID_GROUP_ID, NULL);
			continue;
		}
		if (!tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_GROUP, described->group_id)) {
			refuse(described, TARN_KAFKA_GROUP_AUTHORIZATION_FAILED, NULL);
			continue;
		}
		describe(call, described);
		if (request->include_authorized_operations && !described->error_code)
			described->authorized_operations =
				tarn_authorized_operations(call, TARN_RESOURCE_GROUP, described->group_id);
	}
	group_leave(call->broker->groups);
	tarn_call_answer(call);
}
