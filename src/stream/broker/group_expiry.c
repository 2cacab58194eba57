/* Offsets and groups that nobody can be expected to come back for. */
#include "stream/broker/group_coordinator_inside.h"

/* The consumer protocol's subscription: version int16, topics; other fields follow. */
static bool subscription_has(struct tarn_slice subscription, const char *topic)
{
	struct tarn_cursor cursor = tarn_cursor_of(subscription);
	struct tarn_slice version, length, name;
	uint32_t n;
	if (!tarn_cursor_take(&cursor, 2, &version) || !tarn_cursor_be32(&cursor, &n))
		return true;
	for (; n; n--) {
		if (!tarn_cursor_take(&cursor, 2, &length) ||
		    !tarn_cursor_take(&cursor, (size_t)(length.data[0] << 8 | length.data[1]), &name))
			return true;
		if (tarn_slice_eq(name, tarn_slice_str(topic)))
			return true;
	}
	return false;
}

bool group_reads_topic(const struct tarn_group *group, const char *topic)
{
	if (group->balance)
		return tarn_balance_reads(group->balance, topic);
	if (!group->protocol_type || strcmp(group->protocol_type, "consumer") != 0)
		return group->n_members;
	for (size_t i = 0; i < group->n_members; i++)
		if (subscription_has(tarn_group_member_metadata(group->members[i], group->protocol), topic))
			return true;
	return false;
}

static void drop_offset(struct tarn_group_coordinator *coordinator, struct tarn_group *group, size_t i)
{
	const struct tarn_group_offset offset = *tarn_group_offset_at(group->offsets, i);
	group_add_no_offset(coordinator, group->id, offset.topic, offset.partition);
	tarn_group_offset_drop(group->offsets, offset.topic, offset.partition, INT64_MAX);
}

static void expire_group(struct tarn_group_coordinator *coordinator, struct tarn_group *group, int64_t now_ms)
{
	for (size_t i = tarn_group_offset_count(group->offsets); i-- > 0;)
		if (tarn_group_offset_expired(group, i, now_ms, coordinator->options.retention_ms, group_reads_topic))
			drop_offset(coordinator, group, i);
	const bool is_gone = tarn_group_is_empty(group) && !tarn_group_offset_count(group->offsets) &&
			     !tarn_group_offsets_busy(group->offsets);
	if (is_gone && (group->generation || group->balance))
		group_add_no_group(coordinator, group);
	if (tarn_batch_builder_count(coordinator->builder))
		group_append_silently(coordinator);
	if (is_gone)
		tarn_groups_remove(coordinator->groups, group);
}

void group_expire(struct tarn_group_coordinator *coordinator)
{
	for (size_t i = tarn_groups_count(coordinator->groups); i-- > 0;)
		expire_group(coordinator, tarn_groups_at(coordinator->groups, i), coordinator->broker->now_ms());
}

void tarn_group_coordinator_topic_deleted(struct tarn_group_coordinator *coordinator, const char *topic)
{
	group_enter(coordinator);
	for (size_t i = 0; i < tarn_groups_count(coordinator->groups); i++) {
		struct tarn_group *group = tarn_groups_at(coordinator->groups, i);
		for (size_t j = tarn_group_offset_count(group->offsets); j-- > 0;)
			if (!strcmp(tarn_group_offset_at(group->offsets, j)->topic, topic))
				drop_offset(coordinator, group, j);
		if (tarn_batch_builder_count(coordinator->builder))
			group_append_silently(coordinator);
	}
	group_leave(coordinator);
}
