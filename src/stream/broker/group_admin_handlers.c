/* What is asked about groups from outside: ListGroups, DescribeGroups, DeleteGroups. */
#include <strings.h>

#include "stream/broker/authorized.h"
#include "stream/broker/group_coordinator_inside.h"

/* ---- ListGroups ---- */

static bool is_named(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(names[i], name))
			return true;
	return !n;
}

void tarn_handle_list_groups(struct tarn_call *call)
{
	const struct tarn_list_groups_request *request = call->request;
	struct tarn_list_groups_response *response = call->response;
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	const bool sees_all = tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_CLUSTER, TARN_CLUSTER_NAME);
	group_enter(coordinator);
	const size_t n = tarn_groups_count(coordinator->groups);
	response->groups = tarn_call_new(call, list_groups_response_group, n);
	for (size_t i = 0; i < n; i++) {
		const struct tarn_group *group = tarn_groups_at(coordinator->groups, i);
		const char *state = tarn_group_state_text(group);
		const char *type = group->balance ? "consumer" : "classic";
		const char *protocol = group->balance ? "consumer" : group->protocol_type;
		if (!is_named(request->types_filter, request->n_types_filter, type) ||
		    !is_named(request->states_filter, request->n_states_filter, state) ||
		    !(sees_all || tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_GROUP, group->id)))
			continue;
		response->groups[response->n_groups++] = (struct tarn_list_groups_response_group){
			.group_id = tarn_arena_strdup(&call->arena, group->id),
			.protocol_type = protocol ? tarn_arena_strdup(&call->arena, protocol) : "",
			.group_state = state,
			.group_type = type,
		};
	}
	group_leave(coordinator);
	tarn_call_answer(call);
}

/* ---- DescribeGroups ---- */

static void describe_members(struct tarn_call *call, const struct tarn_group *group,
			     struct tarn_describe_groups_response_group *described)
{
	/* Before the members have agreed, what they sent and were assigned says nothing. */
	const bool is_stable = group->state == TARN_GROUP_STABLE;
	struct tarn_arena *arena = &call->arena;
	described->members = tarn_call_new(call, describe_groups_response_member, group->n_members);
	described->n_members = group->n_members;
	for (size_t i = 0; i < group->n_members; i++) {
		const struct tarn_group_member *member = group->members[i];
		struct tarn_describe_groups_response_member *out = &described->members[i];
		out->member_id = tarn_arena_strdup(arena, member->id);
		out->group_instance_id = member->instance_id ? tarn_arena_strdup(arena, member->instance_id) : NULL;
		out->client_id = tarn_arena_strdup(arena, member->client_id);
		out->client_host = tarn_arena_strdup(arena, member->client_host);
		if (!is_stable)
			continue;
		const struct tarn_slice metadata = tarn_group_member_metadata(member, group->protocol);
		const struct tarn_slice assignment = member->assignment;
		out->member_metadata = tarn_slice_of(tarn_arena_copy(arena, metadata.data, metadata.len), metadata.len);
		out->member_assignment =
			tarn_slice_of(tarn_arena_copy(arena, assignment.data, assignment.len), assignment.len);
	}
}

/* ---- a group of the newer protocol, told to who asks in the words of the older one ---- */

static void add_be16(struct tarn_buf *out, size_t value)
{
	tarn_buf_add_byte(out, (uint8_t)(value >> 8));
	tarn_buf_add_byte(out, (uint8_t)value);
}

static void add_text(struct tarn_buf *out, const char *text)
{
	add_be16(out, strlen(text));
	tarn_buf_add_str(out, text);
}

static struct tarn_slice keep(struct tarn_call *call, struct tarn_buf *buf)
{
	const struct tarn_slice kept = tarn_slice_of(tarn_arena_copy(&call->arena, buf->data, buf->len), buf->len);
	tarn_buf_clear(buf);
	return kept;
}

/* The consumer protocol's subscription: version, topics, user data. */
static void write_subscription(const struct tarn_balance_member *member, struct tarn_buf *out)
{
	add_be16(out, 0);
	tarn_buf_add_be32(out, (uint32_t)member->topics.n);
	for (size_t i = 0; i < member->topics.n; i++)
		add_text(out, member->topics.items[i]);
	tarn_buf_add_be32(out, 0);
}

/* ... and its assignment: version, topics with their partitions, user data. */
static void write_assignment(struct tarn_call *call, const struct tarn_group *group,
			     const struct tarn_balance_member *member, struct tarn_buf *out)
{
	size_t n;
	const struct tarn_balance_topic_partitions *topics = tarn_parts_write(&member->assigned, &call->arena, &n);
	add_be16(out, 0);
	tarn_buf_add_be32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		const char *name = tarn_balance_topic_name(group->balance, &topics[i].topic_id);
		add_text(out, name ? name : "");
		tarn_buf_add_be32(out, (uint32_t)topics[i].n_partitions);
		for (size_t j = 0; j < topics[i].n_partitions; j++)
			tarn_buf_add_be32(out, (uint32_t)topics[i].partitions[j]);
	}
	tarn_buf_add_be32(out, 0);
}

static void describe_balance(struct tarn_call *call, const struct tarn_group *group,
			     struct tarn_describe_groups_response_group *described)
{
	const struct tarn_balance *balance = group->balance;
	struct tarn_buf bytes;
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	described->group_state = tarn_balance_state_name(balance);
	described->protocol_type = "consumer";
	described->protocol_data = balance->n_members ? tarn_balance_assignor_name(balance) : "";
	described->members = tarn_call_new(call, describe_groups_response_member, balance->n_members);
	described->n_members = balance->n_members;
	for (size_t i = 0; i < balance->n_members; i++) {
		const struct tarn_balance_member *member = balance->members[i];
		struct tarn_describe_groups_response_member *out = &described->members[i];
		out->member_id = tarn_arena_strdup(&call->arena, member->id);
		out->group_instance_id =
			member->instance_id ? tarn_arena_strdup(&call->arena, member->instance_id) : NULL;
		out->client_id = tarn_arena_strdup(&call->arena, member->client_id);
		out->client_host = tarn_arena_strdup(&call->arena, member->client_host);
		write_subscription(member, &bytes);
		out->member_metadata = keep(call, &bytes);
		write_assignment(call, group, member, &bytes);
		out->member_assignment = keep(call, &bytes);
	}
	tarn_buf_release(&bytes);
}

static void describe(struct tarn_call *call, struct tarn_describe_groups_response_group *described)
{
	const struct tarn_group *group = tarn_groups_find(call->broker->groups->groups, described->group_id);
	if (group && group->balance && call->api_version < 6) {
		/* Kafka says "Dead", which older tools take for a group that is not there. */
		describe_balance(call, group, described);
		return;
	}
	if (!group || group->balance) {
		/* Older clients know a group that is not there by its state alone. */
		described->group_state = "Dead";
		if (call->api_version >= 6) {
			described->error_code = TARN_KAFKA_GROUP_ID_NOT_FOUND;
			described->error_message = tarn_kafka_error_text(TARN_KAFKA_GROUP_ID_NOT_FOUND);
		}
		return;
	}
	described->group_state = tarn_group_state_name(group->state);
	described->protocol_type = group->protocol_type ? tarn_arena_strdup(&call->arena, group->protocol_type) : "";
	if (group->state == TARN_GROUP_STABLE && group->protocol)
		described->protocol_data = tarn_arena_strdup(&call->arena, group->protocol);
	describe_members(call, group, described);
}

void tarn_handle_describe_groups(struct tarn_call *call)
{
	const struct tarn_describe_groups_request *request = call->request;
	struct tarn_describe_groups_response *response = call->response;
	response->groups = tarn_call_new(call, describe_groups_response_group, request->n_groups);
	response->n_groups = request->n_groups;
	group_enter(call->broker->groups);
	for (size_t i = 0; i < request->n_groups; i++) {
		struct tarn_describe_groups_response_group *described = &response->groups[i];
		described->group_id = request->groups[i];
		if (!tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_GROUP, described->group_id)) {
			described->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
			continue;
		}
		describe(call, described);
		if (request->include_authorized_operations)
			described->authorized_operations =
				tarn_authorized_operations(call, TARN_RESOURCE_GROUP, described->group_id);
	}
	group_leave(call->broker->groups);
	tarn_call_answer(call);
}

/* ---- DeleteGroups ---- */

struct deletion {
	struct group_write write;
	struct tarn_call *call;
};

static void deleted(struct group_write *write)
{
	struct deletion *deletion = (struct deletion *)write;
	struct tarn_delete_groups_response *response = deletion->call->response;
	for (size_t i = 0; write->error && i < response->n_results; i++)
		if (!response->results[i].error_code)
			response->results[i].error_code = write->error;
	tarn_call_answer(deletion->call);
}

static int16_t delete_group(const struct tarn_call *call, const char *group_id)
{
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	if (!tarn_call_allowed(call, TARN_ACL_DELETE, TARN_RESOURCE_GROUP, group_id))
		return TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
	struct tarn_group *group = tarn_groups_find(coordinator->groups, group_id);
	if (!group)
		return TARN_KAFKA_GROUP_ID_NOT_FOUND;
	if (!tarn_group_is_empty(group) || tarn_group_offsets_busy(group->offsets))
		return TARN_KAFKA_NON_EMPTY_GROUP;
	for (size_t i = 0; i < tarn_group_offset_count(group->offsets); i++) {
		const struct tarn_group_offset *offset = tarn_group_offset_at(group->offsets, i);
		group_add_no_offset(coordinator, group_id, offset->topic, offset->partition);
	}
	group_add_no_group(coordinator, group);
	tarn_groups_remove(coordinator->groups, group);
	return TARN_KAFKA_NONE;
}

void tarn_handle_delete_groups(struct tarn_call *call)
{
	const struct tarn_delete_groups_request *request = call->request;
	struct tarn_delete_groups_response *response = call->response;
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	response->results = tarn_call_new(call, delete_groups_response_result, request->n_groups);
	response->n_results = request->n_groups;
	group_enter(coordinator);
	/* Who has waited for the last member's session to end is not told that it is still there. */
	group_end_due(coordinator);
	for (size_t i = 0; i < request->n_groups; i++) {
		response->results[i].group_id = request->groups[i];
		response->results[i].error_code = delete_group(call, request->groups[i]);
	}
	if (tarn_batch_builder_count(coordinator->builder)) {
		struct deletion *deletion = tarn_arena_zalloc(&call->arena, sizeof(*deletion));
		deletion->call = call;
		deletion->write.done = deleted;
		group_append(coordinator, NULL, &deletion->write);
	} else {
		tarn_call_answer(call);
	}
	group_leave(coordinator);
}
