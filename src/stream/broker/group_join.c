/* JoinGroup: who becomes a member, and whether that starts a generation. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "stream/broker/balance.h"
#include "stream/broker/group_inside.h"

/* What a client lists are its assignors: a few. */
#define MOST_PROTOCOLS 100

struct join {
	struct tarn_groups *groups;
	struct tarn_group *group;
	const struct tarn_join_group_request *request;
	const struct tarn_group_client *client;
	void *call;
	int64_t now_ms;
};

static void refuse(const struct join *join, int16_t error, const char *member_id)
{
	const struct tarn_join_answer answer = {
		.error = error, .generation = -1, .leader = "", .member_id = member_id
	};
	join->groups->outputs.join(join->groups->outputs.context, join->call, &answer);
}

static bool has_name(const struct tarn_group_member *member, const char *name)
{
	for (size_t i = 0; i < member->n_protocols; i++)
		if (!strcmp(member->protocols[i].name, name))
			return true;
	return false;
}

static bool all_know(const struct tarn_group *group, const char *name)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (!has_name(group->members[i], name))
			return false;
	return true;
}

bool tarn_group_knows_protocols(const struct tarn_group *group, const struct tarn_join_group_request *request)
{
	if (group->balance)
		return false;
	if (!group->n_members)
		return *request->protocol_type && request->n_protocols;
	if (!group->protocol_type || strcmp(group->protocol_type, request->protocol_type) != 0)
		return false;
	for (size_t i = 0; i < request->n_protocols; i++)
		if (all_know(group, request->protocols[i].name))
			return true;
	return false;
}

/* The member's first choice among `common`. */
static size_t vote(const struct tarn_group_member *member, const char *const *common, size_t n)
{
	for (size_t i = 0; i < member->n_protocols; i++)
		for (size_t j = 0; j < n; j++)
			if (!strcmp(member->protocols[i].name, common[j]))
				return j;
	return n;
}

const char *tarn_group_choose_protocol(const struct tarn_group *group)
{
	if (!group->n_members)
		return NULL;
	const struct tarn_group_member *first = group->members[0];
	const char *common[MOST_PROTOCOLS];
	size_t votes[MOST_PROTOCOLS + 1] = { 0 }, n = 0, best = 0;
	for (size_t i = 0; i < first->n_protocols; i++)
		if (all_know(group, first->protocols[i].name))
			common[n++] = first->protocols[i].name;
	for (size_t i = 0; i < group->n_members; i++)
		votes[vote(group->members[i], common, n)]++;
	for (size_t i = 1; i < n; i++)
		best = votes[i] > votes[best] ? i : best;
	return n ? common[best] : NULL;
}

/* Whether a member asks for the very same again, as one does whose answer was lost. */
static bool asks_the_same(const struct tarn_group_member *member, const struct tarn_join_group_request *request)
{
	if (member->n_protocols != request->n_protocols)
		return false;
	for (size_t i = 0; i < member->n_protocols; i++)
		if (strcmp(member->protocols[i].name, request->protocols[i].name) != 0 ||
		    !tarn_slice_eq(member->protocols[i].metadata, request->protocols[i].metadata))
			return false;
	return true;
}

static void set_protocols(struct tarn_group_member *member, const struct tarn_join_group_request *request)
{
	for (size_t i = 0; i < member->n_protocols; i++) {
		free(member->protocols[i].name);
		free((void *)(uintptr_t)member->protocols[i].metadata.data);
	}
	free(member->protocols);
	member->protocols = tarn_calloc(request->n_protocols + 1, sizeof(*member->protocols));
	member->n_protocols = request->n_protocols;
	for (size_t i = 0; i < request->n_protocols; i++) {
		member->protocols[i].name = tarn_strdup(request->protocols[i].name);
		member->protocols[i].metadata = tarn_group_copy_slice(request->protocols[i].metadata);
	}
	member->session_ms = request->session_timeout_ms;
	/* Version 0 knows one timeout for both. */
	member->rebalance_ms =
		request->rebalance_timeout_ms < 0 ? request->session_timeout_ms : request->rebalance_timeout_ms;
}

/* The member waits for the next generation, with the newest of its calls. */
static void wait_for_join(const struct join *join, struct tarn_group_member *member)
{
	if (member->joining)
		tarn_group_fail_join(join->groups, member, TARN_KAFKA_REBALANCE_IN_PROGRESS);
	member->joining = true;
	member->join_call = join->call;
}

static void join_and_rebalance(const struct join *join, struct tarn_group_member *member)
{
	set_protocols(member, join->request);
	wait_for_join(join, member);
	tarn_group_rebalance(join->groups, join->group, join->now_ms);
	tarn_group_try_complete(join->groups, join->group, join->now_ms);
}

/* `id` becomes the member's. */
static void add_member(const struct join *join, char *id)
{
	struct tarn_group *group = join->group;
	struct tarn_group_member *member = tarn_calloc(1, sizeof(*member));
	member->id = id;
	member->instance_id = join->request->group_instance_id ? tarn_strdup(join->request->group_instance_id) : NULL;
	member->client_id = tarn_strdup(join->client->id);
	member->client_host = tarn_strdup(join->client->host);
	member->is_new = true;
	member->deadline_ms = join->now_ms + join->groups->limits.new_member_ms;
	tarn_group_wake_at(join->groups, group, member->deadline_ms);
	if (!group->n_members) {
		free(group->protocol_type);
		group->protocol_type = tarn_strdup(join->request->protocol_type);
	}
	group->members = tarn_grow(group->members, &group->members_cap, group->n_members + 1,
				   sizeof(struct tarn_group_member *));
	group->members[group->n_members++] = member;
	if (!group->leader)
		group->leader = member;
	group->more_came = true;
	join_and_rebalance(join, member);
}

static char *make_id(const char *prefix)
{
	char uuid[TARN_UUID_SIZE];
	tarn_uuid(uuid);
	return tarn_asprintf("%s-%s", prefix, uuid);
}

static void give_id(const struct join *join)
{
	struct tarn_group *group = join->group;
	group->pending = tarn_grow(group->pending, &group->pending_cap, group->n_pending + 1, sizeof(*group->pending));
	struct tarn_group_pending *pending = &group->pending[group->n_pending++];
	pending->id = make_id(join->client->id);
	pending->deadline_ms = join->now_ms + join->request->session_timeout_ms;
	tarn_group_wake_at(join->groups, group, pending->deadline_ms);
	refuse(join, TARN_KAFKA_MEMBER_ID_REQUIRED, pending->id);
}

/* The bearer of an instance id has started again: it takes the place of its former self, whose calls are fenced. */
static void replace_static(const struct join *join, struct tarn_group_member *member)
{
	struct tarn_group *group = join->group;
	if (member->joining)
		tarn_group_fail_join(join->groups, member, TARN_KAFKA_FENCED_INSTANCE_ID);
	if (member->syncing)
		tarn_group_answer_sync(join->groups, group, member, TARN_KAFKA_FENCED_INSTANCE_ID);
	free(member->former_id);
	member->former_id = member->id;
	member->id = make_id(join->request->group_instance_id);
	member->can_skip = join->client->version >= 9;
	free(member->client_id);
	free(member->client_host);
	member->client_id = tarn_strdup(join->client->id);
	member->client_host = tarn_strdup(join->client->host);
	tarn_group_touch(join->groups, group, member, join->now_ms);

	if (group->state == TARN_GROUP_STABLE) {
		set_protocols(member, join->request);
		const char *next = tarn_group_choose_protocol(group);
		if (next && group->protocol && !strcmp(next, group->protocol)) {
			/* Nothing changes for the others. It is answered when its new id is durable. */
			wait_for_join(join, member);
			join->groups->outputs.store(join->groups->outputs.context, group);
			return;
		}
	}
	join_and_rebalance(join, member);
}

static void join_new(const struct join *join)
{
	const char *instance_id = join->request->group_instance_id;
	struct tarn_group_member *former = instance_id ? tarn_group_find_instance(join->group, instance_id) : NULL;
	if (former)
		replace_static(join, former);
	else if (join->group->n_members + join->group->n_pending >= join->groups->limits.most_members)
		refuse(join, TARN_KAFKA_GROUP_MAX_SIZE_REACHED, "");
	else if (instance_id)
		add_member(join, make_id(instance_id));
	else if (join->client->version >= 4)
		give_id(join);
	else
		add_member(join, make_id(join->client->id));
}

/* The member has what it asks for: the generation as it is. */
static void join_as_before(const struct join *join, struct tarn_group_member *member)
{
	wait_for_join(join, member);
	tarn_group_answer_join(join->groups, join->group, member,
			       member == join->group->leader && join->group->state == TARN_GROUP_SYNCING);
	tarn_group_touch(join->groups, join->group, member, join->now_ms);
}

static void join_again(const struct join *join)
{
	struct tarn_group *group = join->group;
	const size_t pending = tarn_group_find_pending(group, join->request->member_id);
	if (pending < group->n_pending) {
		tarn_group_drop_pending(group, pending);
		add_member(join, tarn_strdup(join->request->member_id));
		return;
	}
	struct tarn_group_member *member;
	const int16_t error =
		tarn_group_check_member(group, join->request->member_id, join->request->group_instance_id, &member);
	if (error) {
		refuse(join, error, join->request->member_id);
		return;
	}
	/* In a stable generation only a leader that joins again, or another subscription, means a new one. */
	const bool may_stay =
		group->state == TARN_GROUP_SYNCING || (group->state == TARN_GROUP_STABLE && member != group->leader);
	if (may_stay && asks_the_same(member, join->request))
		join_as_before(join, member);
	else
		join_and_rebalance(join, member);
}

void tarn_groups_join(struct tarn_groups *groups, int64_t now_ms, const struct tarn_join_group_request *request,
		      const struct tarn_group_client *client, void *call)
{
	struct join join = { groups, tarn_groups_find(groups, request->group_id), request, client, call, now_ms };
	if (!*request->group_id)
		refuse(&join, TARN_KAFKA_INVALID_GROUP_ID, request->member_id);
	else if (request->session_timeout_ms < groups->limits.least_session_ms ||
		 request->session_timeout_ms > groups->limits.most_session_ms)
		refuse(&join, TARN_KAFKA_INVALID_SESSION_TIMEOUT, request->member_id);
	else if (request->n_protocols > MOST_PROTOCOLS)
		refuse(&join, TARN_KAFKA_INVALID_REQUEST, request->member_id);
	else if (!join.group && *request->member_id)
		refuse(&join, TARN_KAFKA_UNKNOWN_MEMBER_ID, request->member_id);
	else {
		const bool is_made = !join.group;
		join.group = tarn_groups_make(groups, now_ms, request->group_id);
		if (join.group->balance && !join.group->balance->n_members)
			tarn_balance_end(groups, join.group);
		if (!tarn_group_knows_protocols(join.group, request)) {
			refuse(&join, TARN_KAFKA_INCONSISTENT_GROUP_PROTOCOL, request->member_id);
			if (is_made)
				tarn_groups_remove(groups, join.group);
		} else if (*request->member_id) {
			join_again(&join);
		} else {
			join_new(&join);
		}
	}
}
