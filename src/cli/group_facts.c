#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/group_command.h"

static void suggest(rd_kafka_t *client, const char *name, struct tarn_err *err)
{
	const struct rd_kafka_group_list *all;
	if (rd_kafka_list_groups(client, NULL, &all, TARN_KAFKA_TIMEOUT_MS))
		return;
	const char **names = tarn_calloc((size_t)all->group_cnt + 1, sizeof(*names));
	for (int i = 0; i < all->group_cnt; i++)
		names[i] = all->groups[i].group;
	const char *nearest = tarn_nearest_word(name, names, (size_t)all->group_cnt);
	if (nearest)
		tarn_err_hint(err, "did you mean \"%s\"?", nearest);
	else
		tarn_err_hint(err, "`tarn group ls` lists the %d groups there are", all->group_cnt);
	free(names);
	rd_kafka_group_list_destroy(all);
}

enum tarn_rc tarn_group_list(rd_kafka_t *client, const char *name, const struct rd_kafka_group_list **list,
			     struct tarn_err *err)
{
	const struct rd_kafka_group_list *found;
	rd_kafka_resp_err_t code = rd_kafka_list_groups(client, name, &found, TARN_KAFKA_TIMEOUT_MS);
	if (code)
		return tarn_kafka_fail(err, code, NULL);
	for (int i = 0; !code && i < found->group_cnt; i++)
		code = found->groups[i].err;
	enum tarn_rc rc = code ? tarn_kafka_fail(err, code, NULL) : TARN_OK;
	/* A group that is not there is "Dead" for the protocol. */
	if (!rc && name && (!found->group_cnt || !strcmp(found->groups[0].state, "Dead"))) {
		rc = tarn_fail(err, TARN_ENOTFOUND, "there is no group \"%s\"", name);
		suggest(client, name, err);
	}
	if (rc)
		rd_kafka_group_list_destroy(found);
	else
		*list = found;
	return rc;
}

/* ---- committed offsets ---- */

static enum tarn_rc read_committed(rd_kafka_event_t *answer, rd_kafka_topic_partition_list_t **committed,
				   struct tarn_err *err)
{
	size_t n;
	const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
		rd_kafka_event_ListConsumerGroupOffsets_result(answer), &n);
	if (n != 1)
		return tarn_fail(err, TARN_EINVALID, "the broker answered for %zu groups, expected one", n);
	const rd_kafka_error_t *error = rd_kafka_group_result_error(groups[0]);
	if (error)
		return tarn_kafka_fail(err, rd_kafka_error_code(error), rd_kafka_error_string(error));
	const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[0]);
	*committed = list ? rd_kafka_topic_partition_list_copy(list) : rd_kafka_topic_partition_list_new(0);
	return TARN_OK;
}

static enum tarn_rc find_committed(struct tarn_kafka_admin *admin, const char *group,
				   rd_kafka_topic_partition_list_t **committed, struct tarn_err *err)
{
	rd_kafka_event_t *answer;
	rd_kafka_ListConsumerGroupOffsets_t *asked = rd_kafka_ListConsumerGroupOffsets_new(group, NULL);
	rd_kafka_ListConsumerGroupOffsets(admin->client, &asked, 1, admin->options, admin->queue);
	rd_kafka_ListConsumerGroupOffsets_destroy(asked);
	enum tarn_rc rc = tarn_kafka_admin_wait(admin, &answer, err);
	if (rc)
		return rc;
	rc = read_committed(answer, committed, err);
	rd_kafka_event_destroy(answer);
	return rc;
}

/* ---- who reads what ---- */

static bool take_i16(struct tarn_cursor *in, uint16_t *value)
{
	struct tarn_slice bytes;
	if (!tarn_cursor_take(in, 2, &bytes))
		return false;
	*value = (uint16_t)(bytes.data[0] << 8 | bytes.data[1]);
	return true;
}

/* Calls `each` for every partition of an assignment of the consumer protocol: version int16, then topics, each with its
 * partitions. What is of another protocol (Connect's) is nothing to list. */
static void for_each_assigned(const struct rd_kafka_group_member_info *member,
			      void (*each)(void *context, const char *topic, int32_t partition,
					   const struct rd_kafka_group_member_info *member),
			      void *context)
{
	struct tarn_cursor in =
		tarn_cursor_of(tarn_slice_of(member->member_assignment, (size_t)member->member_assignment_size));
	uint16_t version, length;
	uint32_t n_topics, n_partitions, partition;
	struct tarn_slice text;
	if (!take_i16(&in, &version) || !tarn_cursor_be32(&in, &n_topics))
		return;
	for (; n_topics; n_topics--) {
		if (!take_i16(&in, &length) || !tarn_cursor_take(&in, length, &text) ||
		    !tarn_cursor_be32(&in, &n_partitions))
			return;
		char *topic = tarn_asprintf("%.*s", (int)text.len, (const char *)text.data);
		for (; n_partitions && tarn_cursor_be32(&in, &partition); n_partitions--)
			each(context, topic, (int32_t)partition, member);
		free(topic);
	}
}

static void add_missing(void *context, const char *topic, int32_t partition,
			const struct rd_kafka_group_member_info *member)
{
	rd_kafka_topic_partition_list_t *list = context;
	(void)member;
	if (!rd_kafka_topic_partition_list_find(list, topic, partition))
		rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_INVALID;
}

static void note_member(void *context, const char *topic, int32_t partition,
			const struct rd_kafka_group_member_info *member)
{
	struct tarn_group_sight *sight = context;
	for (size_t i = 0; i < sight->n_places; i++)
		if (sight->places[i].partition == partition && !strcmp(sight->places[i].topic, topic))
			sight->places[i].member = member;
}

static bool is_consumer(const struct rd_kafka_group_info *group)
{
	return !strcmp(group->protocol_type, "consumer");
}

/* ---- all of it ---- */

/* One end of all partitions; -1 where a partition is not there any more. */
static enum tarn_rc find_offsets(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *partitions, int64_t when,
				 int64_t *offsets, struct tarn_err *err)
{
	rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(partitions);
	for (int i = 0; i < asked->cnt; i++)
		asked->elems[i].offset = when;
	const rd_kafka_resp_err_t code = asked->cnt ? rd_kafka_offsets_for_times(client, asked, TARN_KAFKA_TIMEOUT_MS)
						    : RD_KAFKA_RESP_ERR_NO_ERROR;
	bool any = !asked->cnt;
	for (int i = 0; i < asked->cnt; i++) {
		offsets[i] = asked->elems[i].err ? -1 : asked->elems[i].offset;
		any = any || !asked->elems[i].err;
	}
	rd_kafka_topic_partition_list_destroy(asked);
	/* librdkafka fails the whole where one topic is gone, and fills in the others all the same. */
	const bool is_gone = code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
			     code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	return code && !any && !is_gone ? tarn_kafka_fail(err, code, NULL) : TARN_OK;
}

static enum tarn_rc find_places(rd_kafka_t *client, struct tarn_group_sight *sight, struct tarn_err *err)
{
	const size_t n = (size_t)sight->partitions->cnt;
	int64_t *start = tarn_calloc(n + 1, sizeof(*start)), *end = tarn_calloc(n + 1, sizeof(*end));
	enum tarn_rc rc = find_offsets(client, sight->partitions, RD_KAFKA_OFFSET_BEGINNING, start, err);
	if (!rc)
		rc = find_offsets(client, sight->partitions, RD_KAFKA_OFFSET_END, end, err);
	sight->places = tarn_calloc(n + 1, sizeof(*sight->places));
	sight->n_places = n;
	for (size_t i = 0; i < n; i++) {
		const rd_kafka_topic_partition_t *partition = &sight->partitions->elems[i];
		const int64_t committed = partition->offset < 0 ? -1 : partition->offset;
		sight->places[i] = (struct tarn_group_place){ partition->topic, partition->partition,
							      committed,	start[i],
							      end[i],		NULL };
	}
	free(start);
	free(end);
	return rc;
}

enum tarn_rc tarn_group_look(struct tarn_kafka_admin *admin, const struct rd_kafka_group_info *group,
			     struct tarn_group_sight *sight, struct tarn_err *err)
{
	*sight = (struct tarn_group_sight){ .group = group };
	enum tarn_rc rc = find_committed(admin, group->group, &sight->partitions, err);
	if (rc)
		return tarn_err_within(err, rc, "group \"%s\"", group->group);
	for (int i = 0; is_consumer(group) && i < group->member_cnt; i++)
		for_each_assigned(&group->members[i], add_missing, sight->partitions);
	rd_kafka_topic_partition_list_sort(sight->partitions, NULL, NULL);
	rc = find_places(admin->client, sight, err);
	if (rc) {
		tarn_group_sight_release(sight);
		return tarn_err_within(err, rc, "group \"%s\"", group->group);
	}
	for (int i = 0; is_consumer(group) && i < group->member_cnt; i++)
		for_each_assigned(&group->members[i], note_member, sight);
	return TARN_OK;
}

void tarn_group_sight_release(struct tarn_group_sight *sight)
{
	if (sight->partitions)
		rd_kafka_topic_partition_list_destroy(sight->partitions);
	free(sight->places);
	*sight = (struct tarn_group_sight){ .group = NULL };
}

int64_t tarn_group_lag(const struct tarn_group_place *place)
{
	if (place->end < 0)
		return -1;
	const int64_t from = place->committed < place->start ? place->start : place->committed;
	return place->end > from ? place->end - from : 0;
}

int64_t tarn_group_total_lag(const struct tarn_group_sight *sight)
{
	int64_t total = 0;
	for (size_t i = 0; i < sight->n_places; i++) {
		const int64_t lag = tarn_group_lag(&sight->places[i]);
		total += lag < 0 ? 0 : lag;
	}
	return total;
}
