/* Signs of life, and leaving. */
#include "stream/broker/balance.h"
#include "stream/broker/group_inside.h"

int16_t tarn_groups_heartbeat(struct tarn_groups *groups, int64_t now_ms, const struct tarn_heartbeat_request *request)
{
	struct tarn_group *group = tarn_groups_find(groups, request->group_id);
	if (!*request->group_id)
		return TARN_KAFKA_INVALID_GROUP_ID;
	if (!group)
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	struct tarn_group_member *member;
	const int16_t error = tarn_group_check_member(group, request->member_id, request->group_instance_id, &member);
	if (error)
		return error;
	if (request->generation_id != group->generation)
		return TARN_KAFKA_ILLEGAL_GENERATION;
	tarn_group_touch(groups, group, member, now_ms);
	return group->state == TARN_GROUP_PREPARING ? TARN_KAFKA_REBALANCE_IN_PROGRESS : TARN_KAFKA_NONE;
}

int16_t tarn_groups_leave(struct tarn_groups *groups, int64_t now_ms, const char *group_id, const char *member_id,
			  const char *instance_id)
{
	struct tarn_group *group = tarn_groups_find(groups, group_id);
	if (!*group_id)
		return TARN_KAFKA_INVALID_GROUP_ID;
	if (!group)
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	if (group->balance)
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	const size_t pending = tarn_group_find_pending(group, member_id);
	if (!instance_id && pending < group->n_pending) {
		tarn_group_drop_pending(group, pending);
		tarn_group_try_complete(groups, group, now_ms);
		return TARN_KAFKA_NONE;
	}
	struct tarn_group_member *member = NULL;
	int16_t error = TARN_KAFKA_NONE;
	if (instance_id && !*member_id)
		member = tarn_group_find_instance(group, instance_id);
	else
		error = tarn_group_check_member(group, member_id, instance_id, &member);
	if (!member)
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	if (!error)
		tarn_group_remove_member(groups, group, member, TARN_KAFKA_UNKNOWN_MEMBER_ID, now_ms);
	return error;
}

int16_t tarn_groups_may_commit(struct tarn_groups *groups, int64_t now_ms, const struct tarn_group_claim *claim,
			       struct tarn_group **found)
{
	struct tarn_group *group = tarn_groups_find(groups, claim->group_id);
	const bool claims = claim->generation >= 0 || *claim->member_id || claim->instance_id;
	if (!group) {
		/* Zombies of a group that is gone must not bring it back; an outsider, or a producer that never knew
		 * the group's generation, may begin one. */
		if (claim->generation >= 0)
			return claim->version >= 9 ? TARN_KAFKA_GROUP_ID_NOT_FOUND : TARN_KAFKA_ILLEGAL_GENERATION;
		*found = tarn_groups_make(groups, now_ms, claim->group_id);
		return TARN_KAFKA_NONE;
	}
	if (group->balance) {
		*found = group;
		return tarn_balance_may_commit(group->balance, claim);
	}
	/* Who assigns its partitions itself may have made up a member id. */
	if (claims && (claim->generation >= 0 || group->state != TARN_GROUP_EMPTY)) {
		struct tarn_group_member *member;
		const int16_t error = tarn_group_check_member(group, claim->member_id, claim->instance_id, &member);
		if (error)
			return error;
		if (claim->generation != group->generation)
			return TARN_KAFKA_ILLEGAL_GENERATION;
		tarn_group_touch(groups, group, member, now_ms);
	} else if (group->state != TARN_GROUP_EMPTY && !claim->transactional) {
		return TARN_KAFKA_UNKNOWN_MEMBER_ID;
	}
	/* What is committed now would be read by the next owners, who are about to be told. */
	if (group->state == TARN_GROUP_SYNCING && !claim->transactional)
		return TARN_KAFKA_REBALANCE_IN_PROGRESS;
	*found = group;
	return TARN_KAFKA_NONE;
}
