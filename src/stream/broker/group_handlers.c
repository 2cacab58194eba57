/* FindCoordinator, and what members of groups send: JoinGroup, SyncGroup, Heartbeat, LeaveGroup. */
#include "stream/broker/group_coordinator_inside.h"

static bool may_read(const struct tarn_call *call, const char *group_id)
{
	return tarn_call_allowed(call, TARN_ACL_READ, TARN_RESOURCE_GROUP, group_id);
}

/* ---- FindCoordinator ---- */

enum { KEY_IS_GROUP, KEY_IS_TRANSACTION };

static int16_t check_key(const struct tarn_call *call, int8_t key_type, const char *key)
{
	if (key_type == KEY_IS_GROUP)
		return tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_GROUP, key)
			       ? TARN_KAFKA_NONE
			       : TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
	if (key_type == KEY_IS_TRANSACTION)
		return tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_TRANSACTIONAL_ID, key)
			       ? TARN_KAFKA_NONE
			       : TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
	return TARN_KAFKA_INVALID_REQUEST;
}

static void find_one(const struct tarn_call *call, int8_t key_type, const char *key,
		     struct tarn_find_coordinator_response_coordinator *found)
{
	found->key = key;
	found->error_code = check_key(call, key_type, key);
	found->node_id = found->error_code ? -1 : call->broker->node_id;
	found->host = found->error_code ? "" : call->broker->host;
	found->port = found->error_code ? -1 : call->broker->port;
	found->error_message = found->error_code ? tarn_kafka_error_text(found->error_code) : NULL;
}

void tarn_handle_find_coordinator(struct tarn_call *call)
{
	const struct tarn_find_coordinator_request *request = call->request;
	struct tarn_find_coordinator_response *response = call->response;
	if (call->api_version >= 4) {
		response->n_coordinators = request->n_coordinator_keys;
		response->coordinators =
			tarn_call_new(call, find_coordinator_response_coordinator, request->n_coordinator_keys);
		for (size_t i = 0; i < request->n_coordinator_keys; i++)
			find_one(call, request->key_type, request->coordinator_keys[i], &response->coordinators[i]);
	} else {
		struct tarn_find_coordinator_response_coordinator found;
		find_one(call, request->key_type, request->key, &found);
		response->error_code = found.error_code;
		response->error_message = found.error_message;
		response->node_id = found.node_id;
		response->host = found.host;
		response->port = found.port;
	}
	tarn_call_answer(call);
}

/* ---- JoinGroup and SyncGroup: answered when the group has come so far ---- */

void group_answer_join(void *context, void *waiting, const struct tarn_join_answer *answer)
{
	(void)context;
	struct tarn_call *call = waiting;
	struct tarn_join_group_response *response = call->response;
	response->error_code = answer->error;
	response->generation_id = answer->generation;
	response->protocol_type = answer->protocol_type;
	response->protocol_name = answer->protocol;
	response->leader = answer->leader;
	response->skip_assignment = answer->skip_assignment;
	response->member_id = answer->member_id;
	const size_t n = answer->members ? answer->members->n_members : 0;
	response->members = tarn_call_new(call, join_group_response_member, n);
	response->n_members = n;
	for (size_t i = 0; i < n; i++) {
		const struct tarn_group_member *member = answer->members->members[i];
		response->members[i].member_id = member->id;
		response->members[i].group_instance_id = member->instance_id;
		response->members[i].metadata = tarn_group_member_metadata(member, answer->protocol);
	}
	tarn_call_answer(call);
}

void group_answer_sync(void *context, void *waiting, const struct tarn_sync_answer *answer)
{
	(void)context;
	struct tarn_call *call = waiting;
	struct tarn_sync_group_response *response = call->response;
	response->error_code = answer->error;
	response->protocol_type = answer->protocol_type;
	response->protocol_name = answer->protocol;
	response->assignment = answer->assignment;
	tarn_call_answer(call);
}

static void end_waiting(struct tarn_call *call, unsigned why, const char *group_id)
{
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	if (!(why & TARN_WAKE_ENDED))
		return;
	group_enter(coordinator);
	if (tarn_groups_forget(coordinator->groups, group_id, call))
		tarn_call_answer(call);
	group_leave(coordinator);
}

static void join_ended(struct tarn_call *call, unsigned why)
{
	end_waiting(call, why, ((const struct tarn_join_group_request *)call->request)->group_id);
}

static void sync_ended(struct tarn_call *call, unsigned why)
{
	end_waiting(call, why, ((const struct tarn_sync_group_request *)call->request)->group_id);
}

void tarn_handle_join_group(struct tarn_call *call)
{
	const struct tarn_join_group_request *request = call->request;
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	if (!may_read(call, request->group_id)) {
		((struct tarn_join_group_response *)call->response)->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
		tarn_call_answer(call);
		return;
	}
	/* As Kafka's tools show it. */
	const struct tarn_group_client client = { call->client_id, tarn_arena_printf(&call->arena, "/%s", call->host),
						  call->api_version };
	call->resume = join_ended;
	group_enter(coordinator);
	tarn_groups_join(coordinator->groups, group_now_ms(coordinator), request, &client, call);
	group_leave(coordinator);
}

void tarn_handle_sync_group(struct tarn_call *call)
{
	const struct tarn_sync_group_request *request = call->request;
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	if (!may_read(call, request->group_id)) {
		((struct tarn_sync_group_response *)call->response)->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
		tarn_call_answer(call);
		return;
	}
	call->resume = sync_ended;
	group_enter(coordinator);
	tarn_groups_sync(coordinator->groups, group_now_ms(coordinator), request, call);
	group_leave(coordinator);
}

/* ---- Heartbeat and LeaveGroup ---- */

void tarn_handle_heartbeat(struct tarn_call *call)
{
	const struct tarn_heartbeat_request *request = call->request;
	struct tarn_heartbeat_response *response = call->response;
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	response->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
	if (may_read(call, request->group_id)) {
		group_enter(coordinator);
		response->error_code = tarn_groups_heartbeat(coordinator->groups, group_now_ms(coordinator), request);
		group_leave(coordinator);
	}
	tarn_call_answer(call);
}

static int16_t leave(struct tarn_group_coordinator *coordinator, const char *group_id, const char *member_id,
		     const char *instance_id)
{
	return tarn_groups_leave(coordinator->groups, group_now_ms(coordinator), group_id, member_id, instance_id);
}

void tarn_handle_leave_group(struct tarn_call *call)
{
	const struct tarn_leave_group_request *request = call->request;
	struct tarn_leave_group_response *response = call->response;
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	if (!may_read(call, request->group_id)) {
		response->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
		tarn_call_answer(call);
		return;
	}
	group_enter(coordinator);
	if (call->api_version < 3)
		response->error_code = leave(coordinator, request->group_id, request->member_id, NULL);
	response->members = tarn_call_new(call, leave_group_response_member, request->n_members);
	response->n_members = request->n_members;
	for (size_t i = 0; i < request->n_members; i++) {
		const struct tarn_leave_group_request_member *member = &request->members[i];
		response->members[i].member_id = member->member_id;
		response->members[i].group_instance_id = member->group_instance_id;
		response->members[i].error_code =
			leave(coordinator, request->group_id, member->member_id, member->group_instance_id);
	}
	group_leave(coordinator);
	tarn_call_answer(call);
}
