#include "stream/broker/balance_record.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "stream/broker/codec.h"

enum { VALUE_VERSION = 0 };

static void add_message(struct tarn_buf *out, int16_t version, const struct tarn_layout *layout, bool flexible,
			const void *message)
{
	struct tarn_encoded encoded;
	tarn_encoded_init(&encoded);
	tarn_message_encode(&encoded, layout, version, flexible, message);
	tarn_buf_add_byte(out, (uint8_t)(version >> 8));
	tarn_buf_add_byte(out, (uint8_t)version);
	tarn_buf_add_slice(out, tarn_buf_slice(&encoded.bytes));
	tarn_encoded_release(&encoded);
}

static bool is_of_group(enum tarn_balance_record record)
{
	return record == TARN_BALANCE_CLASSIC || record == TARN_BALANCE_EPOCH || record == TARN_BALANCE_TOPICS ||
	       record == TARN_BALANCE_TARGET_EPOCH;
}

/* ---- writing ---- */

static void write_topics(const struct tarn_balance *balance, struct tarn_arena *arena, struct tarn_buf *out)
{
	const struct tarn_balance_topics *topics = &balance->subscribed;
	struct tarn_balance_topics_value value = { tarn_message_new(arena, balance_topics_value_topic, topics->n),
						   topics->n };
	for (size_t i = 0; i < topics->n; i++) {
		value.topics[i].topic_id = topics->items[i].id;
		value.topics[i].topic_name = topics->items[i].name;
		value.topics[i].num_partitions = topics->items[i].partitions;
	}
	add_message(out, VALUE_VERSION, tarn_layout_balance_topics_value(), true, &value);
}

static void write_member(const struct tarn_balance_member *member, struct tarn_buf *out)
{
	const struct tarn_balance_member_value value = {
		.instance_id = member->instance_id,
		.rack_id = member->rack_id,
		.client_id = member->client_id,
		.client_host = member->client_host,
		.subscribed_topic_names = (const char **)member->topics.items,
		.n_subscribed_topic_names = member->topics.n,
		.subscribed_topic_regex = member->regex,
		.rebalance_timeout_ms = member->rebalance_ms,
		.server_assignor = member->assignor,
	};
	add_message(out, VALUE_VERSION, tarn_layout_balance_member_value(), true, &value);
}

static void write_target(const struct tarn_balance_member *member, struct tarn_arena *arena, struct tarn_buf *out)
{
	struct tarn_balance_target_value value = { 0 };
	value.topic_partitions = tarn_parts_write(&member->target, arena, &value.n_topic_partitions);
	add_message(out, VALUE_VERSION, tarn_layout_balance_target_value(), true, &value);
}

static void write_current(const struct tarn_balance_member *member, struct tarn_arena *arena, struct tarn_buf *out)
{
	struct tarn_balance_current_value value = { .member_epoch = member->epoch,
						    .previous_member_epoch = member->previous_epoch,
						    .state = (int8_t)member->state };
	value.assigned_partitions = tarn_parts_write(&member->assigned, arena, &value.n_assigned_partitions);
	value.partitions_pending_revocation =
		tarn_parts_write(&member->revoking, arena, &value.n_partitions_pending_revocation);
	add_message(out, VALUE_VERSION, tarn_layout_balance_current_value(), true, &value);
}

static void write_regex(const struct tarn_balance_regex *regex, struct tarn_buf *out)
{
	const struct tarn_balance_regex_value value = { (const char **)regex->topics.items, regex->topics.n,
							(int64_t)regex->version, regex->at_ms };
	add_message(out, VALUE_VERSION, tarn_layout_balance_regex_value(), true, &value);
}

static void write_epoch(int32_t epoch, struct tarn_buf *out)
{
	add_message(out, VALUE_VERSION, tarn_layout_balance_epoch_value(), true,
		    &(struct tarn_balance_epoch_value){ epoch });
}

static void write_value(const struct tarn_group *group, const struct tarn_balance_change *change, struct tarn_buf *out)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	switch (change->record) {
	case TARN_BALANCE_CLASSIC: break;
	case TARN_BALANCE_EPOCH: write_epoch(group->balance->epoch, out); break;
	case TARN_BALANCE_TOPICS: write_topics(group->balance, &arena, out); break;
	case TARN_BALANCE_MEMBER: write_member(change->member, out); break;
	case TARN_BALANCE_TARGET_EPOCH: write_epoch(group->balance->target_epoch, out); break;
	case TARN_BALANCE_TARGET: write_target(change->member, &arena, out); break;
	case TARN_BALANCE_CURRENT: write_current(change->member, &arena, out); break;
	case TARN_BALANCE_REGEX: write_regex(change->regex, out); break;
	}
	tarn_arena_release(&arena);
}

bool tarn_balance_write(const struct tarn_group *group, const struct tarn_balance_change *change, struct tarn_buf *key,
			struct tarn_buf *value)
{
	const struct tarn_offset_commit_key of_group = { .group = group->id };
	const struct tarn_balance_member_key of_member = { group->id, change->name };
	if (is_of_group(change->record))
		add_message(key, (int16_t)change->record, tarn_layout_offset_commit_key(), false, &of_group);
	else
		add_message(key, (int16_t)change->record, tarn_layout_balance_member_key(), false, &of_member);
	if (!change->is_gone)
		write_value(group, change, value);
	return !change->is_gone;
}

/* ---- loading ---- */

static int16_t version_of(struct tarn_slice slice)
{
	return slice.len < 2 ? -1 : (int16_t)(slice.data[0] << 8 | slice.data[1]);
}

bool tarn_balance_owns_key(struct tarn_slice key)
{
	const int16_t version = version_of(key);
	return (version >= TARN_BALANCE_EPOCH && version <= TARN_BALANCE_CURRENT) || version == TARN_BALANCE_REGEX;
}

struct load {
	struct tarn_balance *balance;
	const char *name; /* the member's id or the expression */
	struct tarn_slice value;
	struct tarn_arena *arena;
	struct tarn_err *err;
};

static enum tarn_rc read(const struct load *load, const struct tarn_layout *layout, void *message)
{
	struct tarn_cursor cursor = tarn_cursor_of(load->value);
	const struct tarn_decoding how = { VALUE_VERSION, true, TARN_BUF_DEFAULT_MAX };
	struct tarn_slice version;
	if (!tarn_cursor_take(&cursor, 2, &version) || version_of(version) != VALUE_VERSION)
		return tarn_fail(load->err, TARN_EUNSUPPORTED, "a record of a group in version %d, known is 0",
				 version_of(load->value));
	return tarn_message_decode(&cursor, layout, &how, load->arena, message, load->err);
}

static enum tarn_rc load_epoch(const struct load *load, int32_t *epoch)
{
	struct tarn_balance_epoch_value value = { 0 };
	const enum tarn_rc rc = load->value.data ? read(load, tarn_layout_balance_epoch_value(), &value) : TARN_OK;
	if (!rc)
		*epoch = value.epoch;
	return rc;
}

static enum tarn_rc load_topics(const struct load *load)
{
	struct tarn_balance_topics *topics = &load->balance->subscribed;
	struct tarn_balance_topics_value value = { 0 };
	const enum tarn_rc rc = load->value.data ? read(load, tarn_layout_balance_topics_value(), &value) : TARN_OK;
	if (rc)
		return rc;
	tarn_balance_topics_release(topics);
	topics->items = tarn_calloc(value.n_topics + 1, sizeof(*topics->items));
	for (; topics->n < value.n_topics; topics->n++) {
		const struct tarn_balance_topics_value_topic *topic = &value.topics[topics->n];
		topics->items[topics->n] = (struct tarn_balance_topic){ topic->topic_id, tarn_strdup(topic->topic_name),
									topic->num_partitions };
	}
	tarn_balance_sort_topics(topics);
	return TARN_OK;
}

static void set_text(char **kept, const char *text)
{
	free(*kept);
	*kept = text ? tarn_strdup(text) : NULL;
}

static enum tarn_rc load_member(const struct load *load)
{
	struct tarn_balance_member *member = tarn_balance_make_member(load->balance, load->name);
	struct tarn_balance_member_value value = { .rebalance_timeout_ms = -1 };
	member->is_subscribed = false;
	if (!load->value.data)
		return TARN_OK;
	const enum tarn_rc rc = read(load, tarn_layout_balance_member_value(), &value);
	if (rc)
		return rc;
	set_text(&member->instance_id, value.instance_id);
	set_text(&member->rack_id, value.rack_id);
	set_text(&member->client_id, value.client_id);
	set_text(&member->client_host, value.client_host);
	set_text(&member->regex, value.subscribed_topic_regex);
	set_text(&member->assignor, value.server_assignor);
	tarn_names_copy(&member->topics, (const char *const *)value.subscribed_topic_names,
			value.n_subscribed_topic_names);
	member->rebalance_ms = value.rebalance_timeout_ms;
	member->is_subscribed = true;
	return TARN_OK;
}

static enum tarn_rc load_target(const struct load *load)
{
	struct tarn_balance_member *member = tarn_balance_make_member(load->balance, load->name);
	struct tarn_balance_target_value value = { 0 };
	const enum tarn_rc rc = load->value.data ? read(load, tarn_layout_balance_target_value(), &value) : TARN_OK;
	if (!rc)
		tarn_parts_read(value.topic_partitions, value.n_topic_partitions, &member->target);
	return rc;
}

static enum tarn_rc load_current(const struct load *load)
{
	struct tarn_balance_member *member = tarn_balance_make_member(load->balance, load->name);
	struct tarn_balance_current_value value = { 0 };
	const enum tarn_rc rc = load->value.data ? read(load, tarn_layout_balance_current_value(), &value) : TARN_OK;
	if (rc)
		return rc;
	member->epoch = value.member_epoch;
	member->previous_epoch = value.previous_member_epoch;
	/* A state of a later protocol: the member reconciles from the start. */
	const bool is_known = value.state >= TARN_BALANCE_STABLE && value.state <= TARN_BALANCE_UNRELEASED;
	member->state = is_known ? (enum tarn_balance_state)value.state : TARN_BALANCE_UNRELEASED;
	tarn_parts_read(value.assigned_partitions, value.n_assigned_partitions, &member->assigned);
	tarn_parts_read(value.partitions_pending_revocation, value.n_partitions_pending_revocation, &member->revoking);
	return TARN_OK;
}

static enum tarn_rc load_regex(const struct load *load)
{
	struct tarn_balance_regex_value value = { 0 };
	if (!load->value.data) {
		tarn_balance_drop_regex(load->balance, load->name);
		return TARN_OK;
	}
	const enum tarn_rc rc = read(load, tarn_layout_balance_regex_value(), &value);
	if (rc)
		return rc;
	struct tarn_balance_regex *regex = tarn_balance_make_regex(load->balance, load->name);
	tarn_names_copy(&regex->topics, (const char *const *)value.topics, value.n_topics);
	/* Versions of topics are of one run of the broker: it is looked up again. */
	regex->version = 0;
	regex->at_ms = value.timestamp;
	return TARN_OK;
}

static enum tarn_rc load_record(const struct load *load, enum tarn_balance_record record)
{
	switch (record) {
	case TARN_BALANCE_CLASSIC: break;
	case TARN_BALANCE_EPOCH:
		load->balance->is_known = load->value.data != NULL;
		return load_epoch(load, &load->balance->epoch);
	case TARN_BALANCE_TOPICS: return load_topics(load);
	case TARN_BALANCE_MEMBER: return load_member(load);
	case TARN_BALANCE_TARGET_EPOCH: return load_epoch(load, &load->balance->target_epoch);
	case TARN_BALANCE_TARGET: return load_target(load);
	case TARN_BALANCE_CURRENT: return load_current(load);
	case TARN_BALANCE_REGEX: return load_regex(load);
	}
	return TARN_OK;
}

enum tarn_rc tarn_balance_load(struct tarn_groups *groups, int64_t now_ms, struct tarn_slice key,
			       struct tarn_slice value, struct tarn_err *err)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	const enum tarn_balance_record record = (enum tarn_balance_record)version_of(key);
	struct tarn_cursor cursor = tarn_cursor_of(tarn_slice_of(key.data + 2, key.len - 2));
	const struct tarn_decoding how = { (int16_t)record, false, TARN_BUF_DEFAULT_MAX };
	struct tarn_offset_commit_key of_group = { 0 };
	struct tarn_balance_member_key of_member = { 0 };
	enum tarn_rc rc =
		is_of_group(record)
			? tarn_message_decode(&cursor, tarn_layout_offset_commit_key(), &how, &arena, &of_group, err)
			: tarn_message_decode(&cursor, tarn_layout_balance_member_key(), &how, &arena, &of_member, err);
	if (!rc) {
		struct tarn_group *group =
			tarn_groups_make(groups, now_ms, is_of_group(record) ? of_group.group : of_member.group);
		if (!group->balance)
			group->balance = tarn_balance_new();
		const struct load load = { group->balance, of_member.member, value, &arena, err };
		rc = load_record(&load, record);
	}
	tarn_arena_release(&arena);
	return rc;
}
