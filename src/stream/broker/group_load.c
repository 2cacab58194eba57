/* Groups from the log: every record of __consumer_offsets in order. */
#include "base/alloc.h"
#include "stream/broker/balance_record.h"
#include "stream/broker/group_coordinator_inside.h"
#include "stream/broker/group_record.h"

enum {
	READ_BYTES = 1 << 20,
	MOST_BATCH_BYTES = 1 << 30, /* decompressed */
	MARKER_COMMIT = 1,
};

struct load {
	struct tarn_group_coordinator *coordinator;
	struct tarn_arena arena;
	const struct tarn_batch *batch;
	int64_t now_ms;
};

static enum tarn_rc load_offset(struct load *load, const struct tarn_group_key *key, const struct tarn_message *message,
				struct tarn_err *err)
{
	struct tarn_group *group = tarn_groups_make(load->coordinator->groups, load->now_ms, key->group);
	if (!message->value.data) {
		tarn_group_offset_drop(group->offsets, key->topic, key->partition, message->offset);
		return TARN_OK;
	}
	struct tarn_group_offset offset = { .topic = key->topic,
					    .partition = key->partition,
					    .position = message->offset };
	const enum tarn_rc rc = tarn_group_read_offset(message->value, &load->arena, &offset, err);
	if (rc)
		return rc;
	if (load->batch->transactional)
		tarn_group_txn_put(group->offsets, load->batch->producer_id, &offset);
	else
		tarn_group_offset_put(group->offsets, &offset);
	return TARN_OK;
}

static enum tarn_rc load_group(struct load *load, const struct tarn_group_key *key, const struct tarn_message *message,
			       struct tarn_err *err)
{
	struct tarn_group_loaded loaded = { .group_id = key->group, .since_ms = -1 };
	if (message->value.data) {
		const enum tarn_rc rc = tarn_group_read_group(message->value, &load->arena, &loaded, err);
		if (rc)
			return rc;
	}
	tarn_groups_load(load->coordinator->groups, load->now_ms, &loaded);
	return TARN_OK;
}

static enum tarn_rc load_classic(struct load *load, const struct tarn_message *message, struct tarn_err *err)
{
	struct tarn_group_key key;
	const enum tarn_rc rc = tarn_group_read_key(message->key, &load->arena, &key, err);
	if (!rc && key.kind == TARN_GROUP_RECORD_OFFSET)
		return load_offset(load, &key, message, err);
	if (!rc && key.kind == TARN_GROUP_RECORD_GROUP)
		return load_group(load, &key, message, err);
	return rc;
}

/* A record that nobody understands costs its group, not all of them. */
static void load_message(struct load *load, const struct tarn_message *message)
{
	struct tarn_err err;
	enum tarn_rc rc;
	if (tarn_balance_owns_key(message->key))
		rc = tarn_balance_load(load->coordinator->groups, load->now_ms, message->key, message->value, &err);
	else
		rc = load_classic(load, message, &err);
	if (rc)
		tarn_broker_say(load->coordinator->broker, "offset %lld of " TARN_OFFSETS_TOPIC " is passed over: %s",
				(long long)message->offset, err.message);
}

/* The key of a control record: version, and which way the transaction ended. */
static void load_marker(struct load *load, const struct tarn_message *message)
{
	if (message->key.len < 4)
		return;
	const bool commit = (message->key.data[2] << 8 | message->key.data[3]) == MARKER_COMMIT;
	tarn_groups_txn_end(load->coordinator->groups, load->batch->producer_id, commit);
}

static enum tarn_rc load_batch(struct load *load, struct tarn_batch_reader *reader, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_batch_reader_open(reader, load->batch, MOST_BATCH_BYTES, err);
	struct tarn_message message;
	while (!rc && !(rc = tarn_batch_reader_next(reader, &message, err))) {
		if (load->batch->control)
			load_marker(load, &message);
		else
			load_message(load, &message);
		tarn_arena_clear(&load->arena);
	}
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

static enum tarn_rc load_bytes(struct load *load, struct tarn_batch_reader *reader, struct tarn_slice bytes,
			       struct tarn_err *err)
{
	while (bytes.len) {
		struct tarn_batch batch;
		enum tarn_rc rc = tarn_batch_parse(bytes, &batch, err);
		load->batch = &batch;
		if (!rc)
			rc = load_batch(load, reader, err);
		if (rc)
			return rc;
		bytes.data += batch.bytes.len;
		bytes.len -= batch.bytes.len;
	}
	return TARN_OK;
}

static void end_balances(struct tarn_groups *groups, int64_t now_ms)
{
	for (size_t i = 0; i < tarn_groups_count(groups); i++) {
		struct tarn_group *group = tarn_groups_at(groups, i);
		if (!group->balance || tarn_balance_loaded(groups, group, now_ms))
			continue;
		tarn_balance_free(group->balance);
		group->balance = NULL;
	}
}

/* What only left tombstones. */
static void drop_gone(struct tarn_groups *groups)
{
	for (size_t i = tarn_groups_count(groups); i-- > 0;) {
		struct tarn_group *group = tarn_groups_at(groups, i);
		if (!group->balance && !group->n_members && !group->generation &&
		    !tarn_group_offset_count(group->offsets) && !tarn_group_offsets_busy(group->offsets))
			tarn_groups_remove(groups, group);
	}
}

enum tarn_rc group_load(struct tarn_group_coordinator *coordinator, struct tarn_err *err)
{
	struct load load = { .coordinator = coordinator, .now_ms = coordinator->started_ms };
	struct tarn_buf bytes;
	struct tarn_offsets offsets;
	tarn_arena_init(&load.arena);
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	tarn_partition_offsets(coordinator->partition, &offsets);
	enum tarn_rc rc = TARN_OK;
	for (int64_t at = offsets.start; !rc && at < offsets.end;) {
		const int64_t from = at;
		tarn_buf_clear(&bytes);
		rc = tarn_partition_read(coordinator->partition, from, READ_BYTES, TARN_READ_ALL, &bytes, &at, err);
		if (!rc)
			rc = load_bytes(&load, reader, tarn_buf_slice(&bytes), err);
		if (!rc && at == from)
			break;
	}
	tarn_batch_reader_free(reader);
	tarn_buf_release(&bytes);
	tarn_arena_release(&load.arena);
	end_balances(coordinator->groups, load.now_ms);
	drop_gone(coordinator->groups);
	return rc ? tarn_err_within(err, rc, "cannot load consumer groups") : TARN_OK;
}
