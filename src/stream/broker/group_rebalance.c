/* From one generation to the next: joins are gathered and answered, assignments are handed out. */
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/group_inside.h"

static int64_t longest_rebalance_ms(const struct tarn_group *group)
{
	int64_t longest = 0;
	for (size_t i = 0; i < group->n_members; i++)
		longest = group->members[i]->rebalance_ms > longest ? group->members[i]->rebalance_ms : longest;
	return longest;
}

/* ---- answers ---- */

static void answer_join(struct tarn_groups *groups, struct tarn_group_member *member,
			const struct tarn_join_answer *answer)
{
	void *call = member->join_call;
	member->joining = false;
	member->join_call = NULL;
	if (call)
		groups->outputs.join(groups->outputs.context, call, answer);
	free(member->former_id);
	member->former_id = NULL;
}

void tarn_group_fail_join(struct tarn_groups *groups, struct tarn_group_member *member, int16_t error)
{
	const struct tarn_join_answer answer = {
		.error = error, .generation = -1, .leader = "", .member_id = member->id
	};
	answer_join(groups, member, &answer);
}

void tarn_group_answer_join(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
			    bool with_members)
{
	const struct tarn_join_answer answer = {
		.generation = group->generation,
		.protocol_type = group->protocol_type,
		.protocol = group->protocol,
		.leader = group->leader->id,
		.member_id = member->id,
		.members = with_members ? group : NULL,
	};
	answer_join(groups, member, &answer);
}

void tarn_group_answer_sync(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
			    int16_t error)
{
	void *call = member->sync_call;
	member->syncing = false;
	member->sync_call = NULL;
	const struct tarn_sync_answer answer = {
		.error = error,
		.protocol_type = error ? NULL : group->protocol_type,
		.protocol = error ? NULL : group->protocol,
		.assignment = error ? tarn_slice_of("", 0) : member->assignment,
	};
	if (call)
		groups->outputs.sync(groups->outputs.context, call, &answer);
}

static void forget_assignment(struct tarn_group_member *member)
{
	free((void *)(uintptr_t)member->assignment.data);
	member->assignment = tarn_slice_of(NULL, 0);
}

void tarn_group_answer_syncs(struct tarn_groups *groups, struct tarn_group *group, int16_t error)
{
	for (size_t i = 0; i < group->n_members; i++) {
		struct tarn_group_member *member = group->members[i];
		if (error)
			forget_assignment(member);
		if (member->syncing)
			tarn_group_answer_sync(groups, group, member, error);
	}
}

/* ---- members leave ---- */

void tarn_group_take_out(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
			 int16_t error)
{
	if (member->joining)
		tarn_group_fail_join(groups, member, error);
	if (member->syncing)
		tarn_group_answer_sync(groups, group, member, error);
	size_t at = 0;
	while (group->members[at] != member)
		at++;
	memmove(group->members + at, group->members + at + 1,
		(group->n_members - at - 1) * sizeof(struct tarn_group_member *));
	group->n_members--;
	if (group->leader == member)
		group->leader = group->n_members ? group->members[0] : NULL;
	tarn_group_member_free(member);
}

void tarn_group_remove_member(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
			      int16_t error, int64_t now_ms)
{
	tarn_group_take_out(groups, group, member, error);
	tarn_group_rebalance(groups, group, now_ms);
	tarn_group_try_complete(groups, group, now_ms);
}

/* ---- gathering ---- */

void tarn_group_rebalance(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	if (group->state == TARN_GROUP_PREPARING)
		return;
	for (size_t i = 0; i < group->n_members; i++) {
		group->members[i]->owes_sync = false;
		/* Until now some waited for their assignment and had nothing to send. */
		if (group->state == TARN_GROUP_SYNCING)
			tarn_group_touch(groups, group, group->members[i], now_ms);
	}
	if (group->state == TARN_GROUP_SYNCING)
		tarn_group_answer_syncs(groups, group, TARN_KAFKA_REBALANCE_IN_PROGRESS);
	group->sync_deadline_ms = TARN_GROUP_NEVER;
	const int64_t longest = longest_rebalance_ms(group);
	group->delayed = group->state == TARN_GROUP_EMPTY && groups->limits.initial_delay_ms > 0;
	if (group->delayed) {
		const int64_t delay =
			groups->limits.initial_delay_ms < longest ? groups->limits.initial_delay_ms : longest;
		group->join_deadline_ms = now_ms + delay;
		group->delay_left_ms = longest - delay;
		group->more_came = false;
	} else {
		group->join_deadline_ms = now_ms + longest;
	}
	tarn_group_enter(group, TARN_GROUP_PREPARING, now_ms);
	tarn_group_wake_at(groups, group, group->join_deadline_ms);
}

void tarn_group_try_complete(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	if (group->state != TARN_GROUP_PREPARING || group->delayed || group->n_pending)
		return;
	for (size_t i = 0; i < group->n_members; i++)
		if (!group->members[i]->joining)
			return;
	tarn_group_complete_join(groups, group, now_ms);
}

/* The leader must be one that has joined, or nobody would assign. */
static bool elect_leader(struct tarn_group *group)
{
	for (size_t i = 0; i < group->n_members && !(group->leader && group->leader->joining); i++)
		if (group->members[i]->joining)
			group->leader = group->members[i];
	return group->leader && group->leader->joining;
}

static void become_empty(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	free(group->protocol);
	group->protocol = NULL;
	tarn_group_enter(group, TARN_GROUP_EMPTY, now_ms);
	groups->outputs.store(groups->outputs.context, group);
}

static void start_generation(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	free(group->protocol);
	/* Whoever joined was refused unless a protocol is common to all. */
	group->protocol = tarn_strdup(tarn_group_choose_protocol(group));
	tarn_group_enter(group, TARN_GROUP_SYNCING, now_ms);
	for (size_t i = 0; i < group->n_members; i++) {
		struct tarn_group_member *member = group->members[i];
		member->is_new = false;
		member->owes_sync = true;
		tarn_group_answer_join(groups, group, member, member == group->leader);
		tarn_group_touch(groups, group, member, now_ms);
	}
	group->sync_deadline_ms = now_ms + longest_rebalance_ms(group);
	tarn_group_wake_at(groups, group, group->sync_deadline_ms);
}

void tarn_group_complete_join(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	/* A static member keeps its place until its session ends. */
	for (size_t i = group->n_members; i-- > 0;)
		if (!group->members[i]->joining && !group->members[i]->instance_id)
			tarn_group_take_out(groups, group, group->members[i], TARN_KAFKA_UNKNOWN_MEMBER_ID);
	if (group->n_members && !elect_leader(group)) {
		group->join_deadline_ms = now_ms + longest_rebalance_ms(group);
		tarn_group_wake_at(groups, group, group->join_deadline_ms);
		return;
	}
	group->join_deadline_ms = TARN_GROUP_NEVER;
	group->delayed = false;
	group->generation = group->generation == INT32_MAX ? 1 : group->generation + 1;
	if (group->n_members)
		start_generation(groups, group, now_ms);
	else
		become_empty(groups, group, now_ms);
}

/* ---- assigning ---- */

static void take_assignments(struct tarn_group *group, const struct tarn_sync_group_request *request)
{
	for (size_t i = 0; i < group->n_members; i++)
		forget_assignment(group->members[i]);
	for (size_t i = 0; i < request->n_assignments; i++) {
		struct tarn_group_member *member = tarn_group_find_member(group, request->assignments[i].member_id);
		if (!member)
			continue;
		forget_assignment(member);
		member->assignment = tarn_group_copy_slice(request->assignments[i].assignment);
	}
}

static void refuse_sync(struct tarn_groups *groups, void *call, int16_t error)
{
	const struct tarn_sync_answer answer = { .error = error, .assignment = tarn_slice_of("", 0) };
	groups->outputs.sync(groups->outputs.context, call, &answer);
}

static int16_t check_sync(const struct tarn_group *group, const struct tarn_sync_group_request *request,
			  struct tarn_group_member **member)
{
	if (!group)
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	const int16_t error = tarn_group_check_member(group, request->member_id, request->group_instance_id, member);
	if (error)
		return error;
	if (request->generation_id != group->generation)
		return TARN_KAFKA_ILLEGAL_GENERATION;
	if ((request->protocol_type && group->protocol_type &&
	     strcmp(request->protocol_type, group->protocol_type) != 0) ||
	    (request->protocol_name && group->protocol && strcmp(request->protocol_name, group->protocol) != 0))
		return TARN_KAFKA_INCONSISTENT_GROUP_PROTOCOL;
	return group->state == TARN_GROUP_PREPARING ? TARN_KAFKA_REBALANCE_IN_PROGRESS : TARN_KAFKA_NONE;
}

void tarn_groups_sync(struct tarn_groups *groups, int64_t now_ms, const struct tarn_sync_group_request *request,
		      void *call)
{
	struct tarn_group *group = tarn_groups_find(groups, request->group_id);
	struct tarn_group_member *member = NULL;
	const int16_t error = check_sync(group, request, &member);
	if (error) {
		refuse_sync(groups, call, error);
		return;
	}
	if (member->syncing)
		tarn_group_answer_sync(groups, group, member, TARN_KAFKA_REBALANCE_IN_PROGRESS);
	member->owes_sync = false;
	member->syncing = true;
	member->sync_call = call;
	tarn_group_touch(groups, group, member, now_ms);
	if (group->state == TARN_GROUP_STABLE) {
		tarn_group_answer_sync(groups, group, member, TARN_KAFKA_NONE);
	} else if (member == group->leader) {
		take_assignments(group, request);
		groups->outputs.store(groups->outputs.context, group);
	}
}

static void start_stable(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (group->members[i]->syncing)
			tarn_group_touch(groups, group, group->members[i], now_ms);
	tarn_group_enter(group, TARN_GROUP_STABLE, now_ms);
	tarn_group_answer_syncs(groups, group, TARN_KAFKA_NONE);
}

/* A static member that came back into a stable generation. A leader that cannot be told to skip the assignment is told
 * that its former self leads, or it would assign a generation that is assigned already. */
static void answer_returned(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member)
{
	const bool leads = member == group->leader;
	const struct tarn_join_answer answer = {
		.generation = group->generation,
		.protocol_type = group->protocol_type,
		.protocol = group->protocol,
		.leader = leads && !member->can_skip && member->former_id ? member->former_id : group->leader->id,
		.skip_assignment = leads && member->can_skip,
		.member_id = member->id,
		.members = leads && member->can_skip ? group : NULL,
	};
	answer_join(groups, member, &answer);
}

void tarn_groups_stored(struct tarn_groups *groups, int64_t now_ms, const char *group_id, int32_t generation, bool ok)
{
	struct tarn_group *group = tarn_groups_find(groups, group_id);
	if (!group || group->generation != generation)
		return;
	if (group->state == TARN_GROUP_SYNCING) {
		if (ok) {
			start_stable(groups, group, now_ms);
		} else {
			tarn_group_answer_syncs(groups, group, TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
			tarn_group_rebalance(groups, group, now_ms);
		}
	} else if (group->state == TARN_GROUP_STABLE) {
		for (size_t i = 0; i < group->n_members; i++) {
			struct tarn_group_member *member = group->members[i];
			if (!member->joining)
				continue;
			if (ok)
				answer_returned(groups, group, member);
			else
				tarn_group_fail_join(groups, member, TARN_KAFKA_COORDINATOR_NOT_AVAILABLE);
			tarn_group_touch(groups, group, member, now_ms);
		}
	}
}
