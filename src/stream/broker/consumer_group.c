#include "stream/broker/consumer_group.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/balance.h"
#include "stream/broker/group_inside.h"
#include "stream/broker/group_offsets.h"

const char *tarn_group_state_name(enum tarn_group_state state)
{
	static const char *const names[] = { "Empty", "PreparingRebalance", "CompletingRebalance", "Stable" };
	return names[state];
}

struct tarn_groups *tarn_groups_new(const struct tarn_group_limits *limits, const struct tarn_group_outputs *outputs)
{
	struct tarn_groups *groups = tarn_calloc(1, sizeof(*groups));
	groups->limits = *limits;
	groups->outputs = *outputs;
	groups->wake_ms = TARN_GROUP_NEVER;
	return groups;
}

static void free_group(struct tarn_group *group)
{
	for (size_t i = 0; i < group->n_members; i++)
		tarn_group_member_free(group->members[i]);
	for (size_t i = 0; i < group->n_pending; i++)
		free(group->pending[i].id);
	tarn_group_offsets_free(group->offsets);
	tarn_balance_free(group->balance);
	free(group->members);
	free(group->pending);
	free(group->protocol_type);
	free(group->protocol);
	free(group->id);
	free(group);
}

void tarn_groups_free(struct tarn_groups *groups)
{
	if (!groups)
		return;
	for (size_t i = 0; i < groups->n; i++)
		free_group(groups->by_id[i]);
	free(groups->by_id);
	free(groups);
}

struct tarn_group_times tarn_group_times_of(const struct tarn_groups *groups, const char *group_id)
{
	return groups->outputs.times ? groups->outputs.times(groups->outputs.context, group_id)
				     : TARN_GROUP_TIMES_DEFAULT;
}

bool tarn_group_is_empty(const struct tarn_group *group)
{
	if (group->balance)
		return !group->balance->n_members;
	return group->state == TARN_GROUP_EMPTY && !group->n_members && !group->n_pending;
}

const char *tarn_group_state_text(const struct tarn_group *group)
{
	return group->balance ? tarn_balance_state_name(group->balance) : tarn_group_state_name(group->state);
}

/* ---- the table of groups ---- */

static size_t place_of(const struct tarn_groups *groups, const char *group_id)
{
	size_t low = 0, high = groups->n;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (strcmp(groups->by_id[middle]->id, group_id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct tarn_group *tarn_groups_find(const struct tarn_groups *groups, const char *group_id)
{
	const size_t at = place_of(groups, group_id);
	return at < groups->n && !strcmp(groups->by_id[at]->id, group_id) ? groups->by_id[at] : NULL;
}

size_t tarn_groups_count(const struct tarn_groups *groups)
{
	return groups->n;
}

struct tarn_group *tarn_groups_at(const struct tarn_groups *groups, size_t i)
{
	return groups->by_id[i];
}

struct tarn_group *tarn_groups_make(struct tarn_groups *groups, int64_t now_ms, const char *group_id)
{
	const size_t at = place_of(groups, group_id);
	if (at < groups->n && !strcmp(groups->by_id[at]->id, group_id))
		return groups->by_id[at];
	struct tarn_group *group = tarn_calloc(1, sizeof(*group));
	group->id = tarn_strdup(group_id);
	group->since_ms = now_ms;
	group->join_deadline_ms = group->sync_deadline_ms = group->wake_ms = TARN_GROUP_NEVER;
	group->offsets = tarn_group_offsets_new();
	groups->by_id = tarn_grow(groups->by_id, &groups->cap, groups->n + 1, sizeof(struct tarn_group *));
	memmove(groups->by_id + at + 1, groups->by_id + at, (groups->n - at) * sizeof(struct tarn_group *));
	groups->by_id[at] = group;
	groups->n++;
	return group;
}

void tarn_groups_remove(struct tarn_groups *groups, struct tarn_group *group)
{
	while (group->n_members)
		tarn_group_take_out(groups, group, group->members[0], TARN_KAFKA_UNKNOWN_MEMBER_ID);
	const size_t at = place_of(groups, group->id);
	memmove(groups->by_id + at, groups->by_id + at + 1, (groups->n - at - 1) * sizeof(struct tarn_group *));
	groups->n--;
	free_group(group);
}

/* ---- members ---- */

struct tarn_slice tarn_group_copy_slice(struct tarn_slice slice)
{
	uint8_t *copy = tarn_malloc(slice.len + 1);
	if (slice.len)
		memcpy(copy, slice.data, slice.len);
	return tarn_slice_of(copy, slice.len);
}

void tarn_group_member_free(struct tarn_group_member *member)
{
	if (!member)
		return;
	for (size_t i = 0; i < member->n_protocols; i++) {
		free(member->protocols[i].name);
		free((void *)(uintptr_t)member->protocols[i].metadata.data);
	}
	free(member->protocols);
	free((void *)(uintptr_t)member->assignment.data);
	free(member->id);
	free(member->instance_id);
	free(member->former_id);
	free(member->client_id);
	free(member->client_host);
	free(member);
}

struct tarn_slice tarn_group_member_metadata(const struct tarn_group_member *member, const char *protocol)
{
	for (size_t i = 0; protocol && i < member->n_protocols; i++)
		if (!strcmp(member->protocols[i].name, protocol))
			return member->protocols[i].metadata;
	return tarn_slice_of("", 0);
}

struct tarn_group_member *tarn_group_find_member(const struct tarn_group *group, const char *id)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (!strcmp(group->members[i]->id, id))
			return group->members[i];
	return NULL;
}

struct tarn_group_member *tarn_group_find_instance(const struct tarn_group *group, const char *instance_id)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (group->members[i]->instance_id && !strcmp(group->members[i]->instance_id, instance_id))
			return group->members[i];
	return NULL;
}

size_t tarn_group_find_pending(const struct tarn_group *group, const char *id)
{
	size_t i = 0;
	while (i < group->n_pending && strcmp(group->pending[i].id, id) != 0)
		i++;
	return i;
}

void tarn_group_drop_pending(struct tarn_group *group, size_t i)
{
	free(group->pending[i].id);
	group->pending[i] = group->pending[--group->n_pending];
}

int16_t tarn_group_check_member(const struct tarn_group *group, const char *id, const char *instance_id,
				struct tarn_group_member **member)
{
	if (instance_id) {
		*member = tarn_group_find_instance(group, instance_id);
		if (*member && strcmp((*member)->id, id) != 0)
			return TARN_KAFKA_FENCED_INSTANCE_ID;
	} else {
		*member = tarn_group_find_member(group, id);
	}
	return *member ? TARN_KAFKA_NONE : TARN_KAFKA_UNKNOWN_MEMBER_ID;
}

/* ---- time ---- */

void tarn_group_wake_at(struct tarn_groups *groups, struct tarn_group *group, int64_t at_ms)
{
	if (at_ms < group->wake_ms)
		group->wake_ms = at_ms;
	if (at_ms < groups->wake_ms)
		groups->wake_ms = at_ms;
}

void tarn_group_touch(struct tarn_groups *groups, struct tarn_group *group, struct tarn_group_member *member,
		      int64_t now_ms)
{
	member->deadline_ms = now_ms + member->session_ms;
	tarn_group_wake_at(groups, group, member->deadline_ms);
}

void tarn_group_enter(struct tarn_group *group, enum tarn_group_state state, int64_t now_ms)
{
	group->state = state;
	group->since_ms = now_ms;
}

int64_t tarn_groups_next_ms(const struct tarn_groups *groups)
{
	return groups->wake_ms;
}

/* While its join or sync waits for others a member has nothing to send; only a new one is not waited for without end,
 * as its client may be gone and nobody has seen it alive since. */
static int64_t member_due_ms(const struct tarn_group_member *member)
{
	return (member->joining || member->syncing) && !member->is_new ? TARN_GROUP_NEVER : member->deadline_ms;
}

static void end_sessions(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	bool dropped = false;
	for (size_t i = group->n_pending; i-- > 0;)
		if (group->pending[i].deadline_ms <= now_ms) {
			tarn_group_drop_pending(group, i);
			dropped = true;
		}
	if (dropped && group->state == TARN_GROUP_PREPARING)
		tarn_group_try_complete(groups, group, now_ms);
	for (size_t i = 0; i < group->n_members;) {
		struct tarn_group_member *member = group->members[i];
		/* Members may follow it, by what the group does next: look from the start again. */
		if (member_due_ms(member) <= now_ms) {
			tarn_group_remove_member(groups, group, member, TARN_KAFKA_UNKNOWN_MEMBER_ID, now_ms);
			i = 0;
		} else {
			i++;
		}
	}
}

static void end_joining(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	if (!group->delayed || !group->more_came || group->delay_left_ms <= 0) {
		tarn_group_complete_join(groups, group, now_ms);
		return;
	}
	const int64_t delay = groups->limits.initial_delay_ms < group->delay_left_ms ? groups->limits.initial_delay_ms
										     : group->delay_left_ms;
	group->more_came = false;
	group->delay_left_ms -= delay;
	group->join_deadline_ms = now_ms + delay;
}

static void end_syncing(struct tarn_groups *groups, struct tarn_group *group, int64_t now_ms)
{
	bool gone = false;
	group->sync_deadline_ms = TARN_GROUP_NEVER;
	for (size_t i = group->n_members; i-- > 0;)
		if (group->members[i]->owes_sync) {
			tarn_group_take_out(groups, group, group->members[i], TARN_KAFKA_UNKNOWN_MEMBER_ID);
			gone = true;
		}
	if (gone)
		tarn_group_rebalance(groups, group, now_ms);
}

static void find_next_wake(struct tarn_group *group)
{
	int64_t wake =
		group->join_deadline_ms < group->sync_deadline_ms ? group->join_deadline_ms : group->sync_deadline_ms;
	for (size_t i = 0; i < group->n_members; i++) {
		const int64_t due = member_due_ms(group->members[i]);
		wake = due < wake ? due : wake;
	}
	for (size_t i = 0; i < group->n_pending; i++)
		wake = group->pending[i].deadline_ms < wake ? group->pending[i].deadline_ms : wake;
	group->wake_ms = wake;
}

void tarn_groups_tick(struct tarn_groups *groups, int64_t now_ms)
{
	int64_t wake = TARN_GROUP_NEVER;
	for (size_t i = 0; i < groups->n; i++) {
		struct tarn_group *group = groups->by_id[i];
		if (group->wake_ms <= now_ms && group->balance) {
			tarn_balance_tick(groups, group, now_ms);
		} else if (group->wake_ms <= now_ms) {
			end_sessions(groups, group, now_ms);
			if (group->join_deadline_ms <= now_ms)
				end_joining(groups, group, now_ms);
			if (group->sync_deadline_ms <= now_ms)
				end_syncing(groups, group, now_ms);
			find_next_wake(group);
		}
		wake = group->wake_ms < wake ? group->wake_ms : wake;
	}
	groups->wake_ms = wake;
}

bool tarn_groups_forget(struct tarn_groups *groups, const char *group_id, const void *call)
{
	const struct tarn_group *group = tarn_groups_find(groups, group_id);
	for (size_t i = 0; group && i < group->n_members; i++) {
		struct tarn_group_member *member = group->members[i];
		if (member->join_call == call) {
			member->join_call = NULL;
			return true;
		}
		if (member->sync_call == call) {
			member->sync_call = NULL;
			return true;
		}
	}
	return false;
}

/* ---- loading ---- */

void tarn_groups_load(struct tarn_groups *groups, int64_t now_ms, const struct tarn_group_loaded *loaded)
{
	struct tarn_group *group = tarn_groups_make(groups, now_ms, loaded->group_id);
	while (group->n_members)
		tarn_group_take_out(groups, group, group->members[0], TARN_KAFKA_UNKNOWN_MEMBER_ID);
	free(group->protocol_type);
	free(group->protocol);
	group->protocol_type =
		loaded->protocol_type && *loaded->protocol_type ? tarn_strdup(loaded->protocol_type) : NULL;
	group->protocol = loaded->protocol ? tarn_strdup(loaded->protocol) : NULL;
	group->generation = loaded->generation;
	tarn_group_enter(group, loaded->n_members ? TARN_GROUP_STABLE : TARN_GROUP_EMPTY,
			 loaded->since_ms < 0 ? now_ms : loaded->since_ms);
	group->members = tarn_grow(group->members, &group->members_cap, loaded->n_members + 1,
				   sizeof(struct tarn_group_member *));
	for (size_t i = 0; i < loaded->n_members; i++) {
		struct tarn_group_member *member = loaded->members[i];
		group->members[group->n_members++] = member;
		if (loaded->leader && !strcmp(member->id, loaded->leader))
			group->leader = member;
		tarn_group_touch(groups, group, member, now_ms);
	}
	if (!group->leader && group->n_members)
		group->leader = group->members[0];
}
