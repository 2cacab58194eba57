#include "stream/broker/group_record.h"

#include "base/alloc.h"
#include "stream/broker/codec.h"
#include "stream/broker/group_inside.h"

enum {
	KEY_OFFSET_NEWEST = 1,
	KEY_GROUP = 2,
	VALUE_NEWEST = 4, /* and flexible */
	VALUE_WRITTEN = 3,
	VALUE_WITH_EXPIRY = 1,
};

static void add_version(struct tarn_buf *out, int16_t version)
{
	tarn_buf_add_byte(out, (uint8_t)(version >> 8));
	tarn_buf_add_byte(out, (uint8_t)version);
}

static void add_message(struct tarn_buf *out, const struct tarn_layout *layout, int16_t version, const void *message)
{
	struct tarn_encoded encoded;
	tarn_encoded_init(&encoded);
	tarn_message_encode(&encoded, layout, version, false, message);
	add_version(out, version);
	tarn_buf_add_slice(out, tarn_buf_slice(&encoded.bytes));
	tarn_encoded_release(&encoded);
}

void tarn_group_write_offset_key(struct tarn_buf *out, const char *group, const char *topic, int32_t partition)
{
	const struct tarn_offset_commit_key key = { group, topic, partition };
	add_message(out, tarn_layout_offset_commit_key(), KEY_OFFSET_NEWEST, &key);
}

void tarn_group_write_offset(struct tarn_buf *out, const struct tarn_group_offset *offset)
{
	const struct tarn_offset_commit_value value = { offset->offset, offset->leader_epoch, offset->metadata,
							offset->commit_ms, offset->expire_ms };
	add_message(out, tarn_layout_offset_commit_value(), offset->expire_ms >= 0 ? VALUE_WITH_EXPIRY : VALUE_WRITTEN,
		    &value);
}

void tarn_group_write_group_key(struct tarn_buf *out, const char *group)
{
	const struct tarn_offset_commit_key key = { .group = group };
	add_message(out, tarn_layout_offset_commit_key(), KEY_GROUP, &key);
}

void tarn_group_write_group(struct tarn_buf *out, const struct tarn_group *group)
{
	struct tarn_arena arena;
	tarn_arena_init(&arena);
	struct tarn_group_metadata_value value = {
		.protocol_type = group->protocol_type ? group->protocol_type : "",
		.generation = group->generation,
		.protocol = group->protocol,
		.leader = group->leader ? group->leader->id : NULL,
		.current_state_timestamp = group->since_ms,
		.members = tarn_message_new(&arena, group_metadata_value_member, group->n_members),
		.n_members = group->n_members,
	};
	for (size_t i = 0; i < group->n_members; i++) {
		const struct tarn_group_member *member = group->members[i];
		value.members[i] = (struct tarn_group_metadata_value_member){
			.member_id = member->id,
			.group_instance_id = member->instance_id,
			.client_id = member->client_id,
			.client_host = member->client_host,
			.rebalance_timeout = member->rebalance_ms,
			.session_timeout = member->session_ms,
			.subscription = tarn_group_member_metadata(member, group->protocol),
			.assignment = member->assignment,
		};
	}
	add_message(out, tarn_layout_group_metadata_value(), VALUE_WRITTEN, &value);
	tarn_arena_release(&arena);
}

/* ---- reading ---- */

static enum tarn_rc read_version(struct tarn_cursor *cursor, int16_t *version, struct tarn_err *err)
{
	struct tarn_slice bytes;
	if (!tarn_cursor_take(cursor, 2, &bytes))
		return tarn_fail(err, TARN_EINVALID, "a record of a group without version");
	*version = (int16_t)(bytes.data[0] << 8 | bytes.data[1]);
	return TARN_OK;
}

static enum tarn_rc read_message(struct tarn_cursor *cursor, const struct tarn_layout *layout, int16_t version,
				 struct tarn_arena *arena, void *message, struct tarn_err *err)
{
	const struct tarn_decoding how = { version, version >= VALUE_NEWEST, TARN_BUF_DEFAULT_MAX };
	return tarn_message_decode(cursor, layout, &how, arena, message, err);
}

static enum tarn_rc read_value(struct tarn_slice value, const struct tarn_layout *layout, struct tarn_arena *arena,
			       void *message, struct tarn_err *err)
{
	struct tarn_cursor cursor = tarn_cursor_of(value);
	int16_t version = 0;
	const enum tarn_rc rc = read_version(&cursor, &version, err);
	if (rc)
		return rc;
	if (version < 0 || version > VALUE_NEWEST)
		return tarn_fail(err, TARN_EUNSUPPORTED, "a record of a group in version %d, known are 0 to %d",
				 version, VALUE_NEWEST);
	return read_message(&cursor, layout, version, arena, message, err);
}

enum tarn_rc tarn_group_read_key(struct tarn_slice key, struct tarn_arena *arena, struct tarn_group_key *read,
				 struct tarn_err *err)
{
	struct tarn_cursor cursor = tarn_cursor_of(key);
	int16_t version = 0;
	enum tarn_rc rc = read_version(&cursor, &version, err);
	if (rc)
		return rc;
	*read = (struct tarn_group_key){ TARN_GROUP_RECORD_OTHER, NULL, NULL, 0 };
	if (version < 0 || version > KEY_GROUP)
		return TARN_OK;
	struct tarn_offset_commit_key message = { 0 };
	rc = read_message(&cursor, tarn_layout_offset_commit_key(), version, arena, &message, err);
	if (rc)
		return rc;
	read->kind = version == KEY_GROUP ? TARN_GROUP_RECORD_GROUP : TARN_GROUP_RECORD_OFFSET;
	read->group = message.group;
	read->topic = message.topic;
	read->partition = message.partition;
	return TARN_OK;
}

enum tarn_rc tarn_group_read_offset(struct tarn_slice value, struct tarn_arena *arena, struct tarn_group_offset *offset,
				    struct tarn_err *err)
{
	struct tarn_offset_commit_value message = { .leader_epoch = -1, .expire_timestamp = -1 };
	const enum tarn_rc rc = read_value(value, tarn_layout_offset_commit_value(), arena, &message, err);
	if (rc)
		return rc;
	offset->offset = message.offset;
	offset->leader_epoch = message.leader_epoch;
	offset->metadata = message.metadata;
	offset->commit_ms = message.commit_timestamp;
	offset->expire_ms = message.expire_timestamp;
	return TARN_OK;
}

static struct tarn_group_member *make_member(const struct tarn_group_metadata_value_member *from, const char *protocol)
{
	struct tarn_group_member *member = tarn_calloc(1, sizeof(*member));
	member->id = tarn_strdup(from->member_id);
	member->instance_id = from->group_instance_id ? tarn_strdup(from->group_instance_id) : NULL;
	member->client_id = tarn_strdup(from->client_id);
	member->client_host = tarn_strdup(from->client_host);
	member->session_ms = from->session_timeout;
	member->rebalance_ms = from->rebalance_timeout < 0 ? from->session_timeout : from->rebalance_timeout;
	member->protocols = tarn_calloc(1, sizeof(*member->protocols));
	member->protocols[0].name = tarn_strdup(protocol);
	member->protocols[0].metadata = tarn_group_copy_slice(from->subscription);
	member->n_protocols = 1;
	member->assignment = tarn_group_copy_slice(from->assignment);
	return member;
}

enum tarn_rc tarn_group_read_group(struct tarn_slice value, struct tarn_arena *arena, struct tarn_group_loaded *loaded,
				   struct tarn_err *err)
{
	struct tarn_group_metadata_value message = { .current_state_timestamp = -1 };
	const enum tarn_rc rc = read_value(value, tarn_layout_group_metadata_value(), arena, &message, err);
	if (rc)
		return rc;
	loaded->protocol_type = message.protocol_type;
	loaded->protocol = message.protocol;
	loaded->leader = message.leader;
	loaded->generation = message.generation;
	loaded->since_ms = message.current_state_timestamp;
	loaded->n_members = message.n_members;
	loaded->members = tarn_arena_alloc(arena, (message.n_members + 1) * sizeof(struct tarn_group_member *));
	for (size_t i = 0; i < message.n_members; i++)
		loaded->members[i] = make_member(&message.members[i], message.protocol ? message.protocol : "");
	return TARN_OK;
}
