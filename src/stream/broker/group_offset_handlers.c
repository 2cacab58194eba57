/* OffsetCommit, TxnOffsetCommit, OffsetFetch, OffsetDelete. */
#include "stream/broker/group_coordinator_inside.h"
#include "stream/broker/topic_names.h"
#include "stream/broker/txn.h"

/* ---- committing ---- */

struct committed {
	struct tarn_group_offset offset;
	int16_t *error;
};

/* One request on its way to the disk. Lives in the call's arena. */
struct commit {
	struct group_write write;
	struct tarn_call *call;
	struct tarn_group *group;
	struct committed *offsets;
	size_t n_offsets;
	struct tarn_offset_commit_response_topic *topics; /* the answer */
	size_t n_topics;
	bool transactional;
	int64_t producer_id;
	const char *transaction; /* the id whose transaction is held open meanwhile, or NULL */
};

static void answer_commit(const struct commit *commit)
{
	struct tarn_call *call = commit->call;
	if (commit->transaction)
		tarn_transaction_wrote(call->broker->transactions, commit->transaction);
	if (!commit->transactional) {
		struct tarn_offset_commit_response *response = call->response;
		response->topics = commit->topics;
		response->n_topics = commit->n_topics;
		tarn_call_answer(call);
		return;
	}
	struct tarn_txn_offset_commit_response *response = call->response;
	response->topics = tarn_call_new(call, txn_offset_commit_response_topic, commit->n_topics);
	response->n_topics = commit->n_topics;
	for (size_t i = 0; i < commit->n_topics; i++) {
		const struct tarn_offset_commit_response_topic *topic = &commit->topics[i];
		response->topics[i].name = topic->name;
		response->topics[i].partitions =
			tarn_call_new(call, txn_offset_commit_response_partition, topic->n_partitions);
		response->topics[i].n_partitions = topic->n_partitions;
		for (size_t j = 0; j < topic->n_partitions; j++) {
			response->topics[i].partitions[j].partition_index = topic->partitions[j].partition_index;
			response->topics[i].partitions[j].error_code = topic->partitions[j].error_code;
		}
	}
	tarn_call_answer(call);
}

static void commit_done(struct group_write *write)
{
	struct commit *commit = (struct commit *)write;
	tarn_group_commit_ends(commit->group->offsets);
	for (size_t i = 0; i < commit->n_offsets; i++) {
		struct committed *committed = &commit->offsets[i];
		committed->offset.position = write->position + (int64_t)i;
		if (write->error)
			*committed->error = write->error;
		else if (commit->transactional)
			tarn_group_txn_put(commit->group->offsets, commit->producer_id, &committed->offset);
		else
			tarn_group_offset_put(commit->group->offsets, &committed->offset);
	}
	answer_commit(commit);
}

/* Which of the topic's offsets may be committed; the others have their error. */
static void check_topic(struct commit *commit, const struct tarn_offset_commit_request_topic *asked,
			struct tarn_offset_commit_response_topic *answer, const struct tarn_group_offset *common)
{
	struct tarn_call *call = commit->call;
	int16_t error = TARN_KAFKA_NONE;
	struct tarn_topic *topic = tarn_call_topic(call, asked->name, TARN_ACL_READ, &error);
	answer->name = asked->name;
	answer->partitions = tarn_call_new(call, offset_commit_response_partition, asked->n_partitions);
	answer->n_partitions = asked->n_partitions;
	for (size_t i = 0; i < asked->n_partitions; i++) {
		const struct tarn_offset_commit_request_partition *partition = &asked->partitions[i];
		struct tarn_offset_commit_response_partition *out = &answer->partitions[i];
		const struct tarn_slice metadata = partition->committed_metadata;
		out->partition_index = partition->partition_index;
		out->error_code = error;
		if (error)
			continue;
		if (!tarn_topic_partition(topic, partition->partition_index)) {
			out->error_code = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
		} else if (metadata.len > call->broker->groups->options.most_metadata_bytes) {
			out->error_code = TARN_KAFKA_OFFSET_METADATA_TOO_LARGE;
		} else {
			struct tarn_group_offset offset = *common;
			offset.topic = asked->name;
			offset.partition = partition->partition_index;
			offset.offset = partition->committed_offset;
			offset.leader_epoch = partition->committed_leader_epoch;
			offset.metadata = metadata;
			commit->offsets[commit->n_offsets++] = (struct committed){ offset, &out->error_code };
		}
	}
	if (topic)
		tarn_topic_unref(topic);
}

static void fail_all(struct commit *commit, int16_t error)
{
	for (size_t i = 0; i < commit->n_topics; i++)
		for (size_t j = 0; j < commit->topics[i].n_partitions; j++)
			if (!commit->topics[i].partitions[j].error_code)
				commit->topics[i].partitions[j].error_code = error;
	answer_commit(commit);
}

static void append_commit(struct commit *commit, const struct tarn_group_claim *claim,
			  const struct tarn_batch_producer *producer)
{
	struct tarn_group_coordinator *coordinator = commit->call->broker->groups;
	const int16_t error =
		tarn_groups_may_commit(coordinator->groups, group_now_ms(coordinator), claim, &commit->group);
	if (error || !commit->n_offsets) {
		fail_all(commit, error);
		return;
	}
	for (size_t i = 0; i < commit->n_offsets; i++)
		group_add_offset(coordinator, claim->group_id, &commit->offsets[i].offset);
	tarn_group_commit_begins(commit->group->offsets);
	commit->write.done = commit_done;
	group_append(coordinator, producer, &commit->write);
}

/* `topics` of either request. */
static struct commit *new_commit(struct tarn_call *call, const struct tarn_offset_commit_request_topic *topics,
				 size_t n_topics, int64_t retention_ms)
{
	struct commit *commit = tarn_arena_zalloc(&call->arena, sizeof(*commit));
	commit->call = call;
	commit->topics = tarn_call_new(call, offset_commit_response_topic, n_topics);
	commit->n_topics = n_topics;
	size_t n_partitions = 0;
	for (size_t i = 0; i < n_topics; i++)
		n_partitions += topics[i].n_partitions;
	commit->offsets = tarn_arena_alloc(&call->arena, (n_partitions + 1) * sizeof(*commit->offsets));
	const int64_t now = call->broker->now_ms();
	const struct tarn_group_offset common = { .commit_ms = now,
						  .expire_ms = retention_ms < 0 ? -1 : now + retention_ms };
	for (size_t i = 0; i < n_topics; i++)
		check_topic(commit, &topics[i], &commit->topics[i], &common);
	return commit;
}

static bool may_read_group(const struct tarn_call *call, const char *group_id)
{
	return tarn_call_allowed(call, TARN_ACL_READ, TARN_RESOURCE_GROUP, group_id);
}

void tarn_handle_offset_commit(struct tarn_call *call)
{
	const struct tarn_offset_commit_request *request = call->request;
	struct commit *commit = new_commit(call, request->topics, request->n_topics, request->retention_time_ms);
	if (!may_read_group(call, request->group_id)) {
		fail_all(commit, TARN_KAFKA_GROUP_AUTHORIZATION_FAILED);
		return;
	}
	const struct tarn_group_claim claim = {
		request->group_id, request->member_id, request->group_instance_id, request->generation_id, false,
		call->api_version
	};
	group_enter(call->broker->groups);
	append_commit(commit, &claim, NULL);
	group_leave(call->broker->groups);
}

/* Its topics in the shape of the plain request's. */
static struct tarn_offset_commit_request_topic *plain_topics(struct tarn_call *call,
							     const struct tarn_txn_offset_commit_request *request)
{
	struct tarn_offset_commit_request_topic *topics =
		tarn_call_new(call, offset_commit_request_topic, request->n_topics);
	for (size_t i = 0; i < request->n_topics; i++) {
		const struct tarn_txn_offset_commit_request_topic *from = &request->topics[i];
		topics[i].name = from->name;
		topics[i].n_partitions = from->n_partitions;
		topics[i].partitions = tarn_call_new(call, offset_commit_request_partition, from->n_partitions);
		for (size_t j = 0; j < from->n_partitions; j++) {
			struct tarn_offset_commit_request_partition *to = &topics[i].partitions[j];
			to->partition_index = from->partitions[j].partition_index;
			to->committed_offset = from->partitions[j].committed_offset;
			to->committed_leader_epoch = from->partitions[j].committed_leader_epoch;
			to->committed_metadata = from->partitions[j].committed_metadata;
		}
	}
	return topics;
}

/* The transaction must be open, and it does not end before the offsets are noted: their end would be overlooked. */
static int16_t join_transaction(struct commit *commit, const struct tarn_txn_offset_commit_request *request)
{
	const struct tarn_broker *broker = commit->call->broker;
	const struct tarn_txn_producer producer = { request->transactional_id, request->producer_id,
						    request->producer_epoch };
	const struct tarn_partition *partition = tarn_group_coordinator_partition(broker->groups, request->group_id);
	const struct tarn_txn_part part = { TARN_OFFSETS_TOPIC, tarn_partition_number(partition) };
	const int16_t error = tarn_transaction_may_write(broker->transactions, &producer, &part);
	if (!error)
		commit->transaction = request->transactional_id;
	return error;
}

void tarn_handle_txn_offset_commit(struct tarn_call *call)
{
	const struct tarn_txn_offset_commit_request *request = call->request;
	struct commit *commit = new_commit(call, plain_topics(call, request), request->n_topics, -1);
	commit->transactional = true;
	commit->producer_id = request->producer_id;
	if (!tarn_call_allowed(call, TARN_ACL_WRITE, TARN_RESOURCE_TRANSACTIONAL_ID, request->transactional_id)) {
		fail_all(commit, TARN_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
		return;
	}
	if (!may_read_group(call, request->group_id)) {
		fail_all(commit, TARN_KAFKA_GROUP_AUTHORIZATION_FAILED);
		return;
	}
	const int16_t error = join_transaction(commit, request);
	if (error) {
		fail_all(commit, error);
		return;
	}
	const struct tarn_group_claim claim = {
		request->group_id, request->member_id, request->group_instance_id, request->generation_id, true,
		call->api_version
	};
	const struct tarn_batch_producer producer = { request->producer_id, request->producer_epoch, -1, true };
	group_enter(call->broker->groups);
	append_commit(commit, &claim, &producer);
	group_leave(call->broker->groups);
}

/* ---- OffsetFetch ---- */

static void fetch_offset(struct tarn_call *call, const struct tarn_group *group, const char *topic, bool require_stable,
			 struct tarn_offset_fetch_response_group_topic_partition *out)
{
	out->committed_offset = -1;
	out->committed_leader_epoch = -1;
	out->metadata = tarn_slice_of("", 0);
	if (!group)
		return;
	if (require_stable && tarn_group_txn_has(group->offsets, topic, out->partition_index)) {
		out->error_code = TARN_KAFKA_UNSTABLE_OFFSET_COMMIT;
		return;
	}
	const struct tarn_group_offset *offset = tarn_group_offset_find(group->offsets, topic, out->partition_index);
	if (!offset)
		return;
	out->committed_offset = offset->offset;
	out->committed_leader_epoch = offset->leader_epoch;
	if (offset->metadata.len)
		out->metadata =
			tarn_slice_of(tarn_arena_copy(&call->arena, offset->metadata.data, offset->metadata.len),
				      offset->metadata.len);
}

static bool may_see_topic(const struct tarn_call *call, const char *topic)
{
	return tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_TOPIC, topic);
}

static void fetch_asked(struct tarn_call *call, const struct tarn_group *group,
			const struct tarn_offset_fetch_request_group *asked, bool require_stable,
			struct tarn_offset_fetch_response_group *answer)
{
	answer->topics = tarn_call_new(call, offset_fetch_response_group_topic, asked->n_topics);
	answer->n_topics = asked->n_topics;
	for (size_t i = 0; i < asked->n_topics; i++) {
		const struct tarn_offset_fetch_request_group_topic *topic = &asked->topics[i];
		struct tarn_offset_fetch_response_group_topic *out = &answer->topics[i];
		const bool may_see = may_see_topic(call, topic->name);
		out->name = topic->name;
		out->partitions =
			tarn_call_new(call, offset_fetch_response_group_topic_partition, topic->n_partition_indexes);
		out->n_partitions = topic->n_partition_indexes;
		for (size_t j = 0; j < out->n_partitions; j++) {
			out->partitions[j].partition_index = topic->partition_indexes[j];
			fetch_offset(call, may_see ? group : NULL, topic->name, require_stable, &out->partitions[j]);
			if (!may_see)
				out->partitions[j].error_code = TARN_KAFKA_TOPIC_AUTHORIZATION_FAILED;
		}
	}
}

static void fetch_all(struct tarn_call *call, const struct tarn_group *group, bool require_stable,
		      struct tarn_offset_fetch_response_group *answer)
{
	const size_t n = group ? tarn_group_offset_count(group->offsets) : 0;
	/* Offsets stand by topic: there are as many topics as changes of name. */
	answer->topics = tarn_call_new(call, offset_fetch_response_group_topic, n);
	struct tarn_offset_fetch_response_group_topic_partition *partitions =
		tarn_call_new(call, offset_fetch_response_group_topic_partition, n);
	const char *topic = NULL;
	bool may_see = false;
	for (size_t i = 0; i < n; i++) {
		const struct tarn_group_offset *offset = tarn_group_offset_at(group->offsets, i);
		if (!topic || strcmp(topic, offset->topic) != 0) {
			topic = tarn_arena_strdup(&call->arena, offset->topic);
			may_see = may_see_topic(call, topic);
			if (may_see)
				answer->topics[answer->n_topics++] =
					(struct tarn_offset_fetch_response_group_topic){ .name = topic,
											 .partitions = partitions + i };
		}
		if (!may_see)
			continue;
		partitions[i].partition_index = offset->partition;
		fetch_offset(call, group, topic, require_stable, &partitions[i]);
		answer->topics[answer->n_topics - 1].n_partitions++;
	}
}

static void fetch_group(struct tarn_call *call, const struct tarn_offset_fetch_request_group *asked,
			bool require_stable, struct tarn_offset_fetch_response_group *answer)
{
	answer->group_id = asked->group_id;
	if (!tarn_call_allowed(call, TARN_ACL_DESCRIBE, TARN_RESOURCE_GROUP, asked->group_id)) {
		answer->error_code = TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
		return;
	}
	const struct tarn_group *group = tarn_groups_find(call->broker->groups->groups, asked->group_id);
	if (group && group->balance)
		answer->error_code = tarn_balance_may_fetch(group->balance, asked->member_id, asked->member_epoch);
	if (answer->error_code)
		return;
	if (asked->topics || call->api_version < 2)
		fetch_asked(call, group, asked, require_stable, answer);
	else
		fetch_all(call, group, require_stable, answer);
}

/* Versions below 8 ask for one group. */
static struct tarn_offset_fetch_request_group only_group(struct tarn_call *call)
{
	const struct tarn_offset_fetch_request *request = call->request;
	struct tarn_offset_fetch_request_group group = { .group_id = request->group_id, .member_epoch = -1 };
	if (!request->topics)
		return group;
	group.topics = tarn_call_new(call, offset_fetch_request_group_topic, request->n_topics);
	group.n_topics = request->n_topics;
	for (size_t i = 0; i < request->n_topics; i++) {
		group.topics[i].name = request->topics[i].name;
		group.topics[i].partition_indexes = request->topics[i].partition_indexes;
		group.topics[i].n_partition_indexes = request->topics[i].n_partition_indexes;
	}
	return group;
}

static void give_only_group(struct tarn_call *call, const struct tarn_offset_fetch_response_group *group)
{
	struct tarn_offset_fetch_response *response = call->response;
	response->error_code = group->error_code;
	response->topics = tarn_call_new(call, offset_fetch_response_topic, group->n_topics);
	response->n_topics = group->n_topics;
	for (size_t i = 0; i < group->n_topics; i++) {
		const struct tarn_offset_fetch_response_group_topic *from = &group->topics[i];
		struct tarn_offset_fetch_response_topic *to = &response->topics[i];
		to->name = from->name;
		to->n_partitions = from->n_partitions;
		to->partitions = tarn_call_new(call, offset_fetch_response_partition, from->n_partitions);
		for (size_t j = 0; j < from->n_partitions; j++)
			to->partitions[j] = (struct tarn_offset_fetch_response_partition){
				from->partitions[j].partition_index, from->partitions[j].committed_offset,
				from->partitions[j].committed_leader_epoch, from->partitions[j].metadata,
				from->partitions[j].error_code
			};
	}
}

void tarn_handle_offset_fetch(struct tarn_call *call)
{
	const struct tarn_offset_fetch_request *request = call->request;
	struct tarn_offset_fetch_response *response = call->response;
	const bool has_groups = call->api_version >= 8;
	const struct tarn_offset_fetch_request_group only = only_group(call);
	const struct tarn_offset_fetch_request_group *asked = has_groups ? request->groups : &only;
	const size_t n = has_groups ? request->n_groups : 1;
	struct tarn_offset_fetch_response_group *answers = tarn_call_new(call, offset_fetch_response_group, n);
	group_enter(call->broker->groups);
	for (size_t i = 0; i < n; i++)
		fetch_group(call, &asked[i], request->require_stable, &answers[i]);
	group_leave(call->broker->groups);
	if (has_groups) {
		response->groups = answers;
		response->n_groups = n;
	} else {
		give_only_group(call, &answers[0]);
	}
	tarn_call_answer(call);
}

/* ---- OffsetDelete (KIP-496) ---- */

struct removal {
	struct group_write write;
	struct tarn_call *call;
};

static void removed(struct group_write *write)
{
	struct removal *removal = (struct removal *)write;
	if (write->error)
		((struct tarn_offset_delete_response *)removal->call->response)->error_code = write->error;
	tarn_call_answer(removal->call);
}

static int16_t check_group(const struct tarn_call *call, const char *group_id, struct tarn_group **group)
{
	if (!tarn_call_allowed(call, TARN_ACL_DELETE, TARN_RESOURCE_GROUP, group_id))
		return TARN_KAFKA_GROUP_AUTHORIZATION_FAILED;
	*group = tarn_groups_find(call->broker->groups->groups, group_id);
	if (!*group)
		return TARN_KAFKA_GROUP_ID_NOT_FOUND;
	if (!(*group)->balance && (*group)->n_members && strcmp((*group)->protocol_type, "consumer") != 0)
		return TARN_KAFKA_NON_EMPTY_GROUP;
	return TARN_KAFKA_NONE;
}

static void delete_offsets(struct tarn_call *call, struct tarn_group *group,
			   const struct tarn_offset_delete_request_topic *asked,
			   struct tarn_offset_delete_response_topic *answer)
{
	int16_t error = TARN_KAFKA_NONE;
	struct tarn_topic *topic = tarn_call_topic(call, asked->name, TARN_ACL_READ, &error);
	if (!error && group_reads_topic(group, asked->name))
		error = TARN_KAFKA_GROUP_SUBSCRIBED_TO_TOPIC;
	answer->name = asked->name;
	answer->partitions = tarn_call_new(call, offset_delete_response_partition, asked->n_partitions);
	answer->n_partitions = asked->n_partitions;
	for (size_t i = 0; i < asked->n_partitions; i++) {
		const int32_t partition = asked->partitions[i].partition_index;
		answer->partitions[i].partition_index = partition;
		answer->partitions[i].error_code = error;
		if (!error && !tarn_topic_partition(topic, partition))
			answer->partitions[i].error_code = TARN_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
		else if (!error && tarn_group_offset_find(group->offsets, asked->name, partition)) {
			group_add_no_offset(call->broker->groups, group->id, asked->name, partition);
			tarn_group_offset_drop(group->offsets, asked->name, partition, INT64_MAX);
		}
	}
	if (topic)
		tarn_topic_unref(topic);
}

void tarn_handle_offset_delete(struct tarn_call *call)
{
	const struct tarn_offset_delete_request *request = call->request;
	struct tarn_offset_delete_response *response = call->response;
	struct tarn_group_coordinator *coordinator = call->broker->groups;
	struct tarn_group *group = NULL;
	group_enter(coordinator);
	response->error_code = check_group(call, request->group_id, &group);
	if (!response->error_code) {
		response->topics = tarn_call_new(call, offset_delete_response_topic, request->n_topics);
		response->n_topics = request->n_topics;
		for (size_t i = 0; i < request->n_topics; i++)
			delete_offsets(call, group, &request->topics[i], &response->topics[i]);
	}
	if (tarn_batch_builder_count(coordinator->builder)) {
		struct removal *removal = tarn_arena_zalloc(&call->arena, sizeof(*removal));
		removal->call = call;
		removal->write.done = removed;
		group_append(coordinator, NULL, &removal->write);
	} else {
		tarn_call_answer(call);
	}
	group_leave(coordinator);
}
