#include "stream/broker/txn_log.h"

#include <string.h>

#include "stream/broker/topic_names.h"

enum {
	FORMAT = 0, /* version of key and value */
	READ_AT_ONCE = 1 << 20,
	LARGEST_BATCH = 64 << 20,
	DECODING_MEMORY = 16 << 20,
};

enum tarn_rc tarn_txn_log_open(struct tarn_log *log, struct tarn_topic **topic, struct tarn_err *err)
{
	static const struct tarn_topic_setting settings[] = {
		{ "cleanup.policy", "compact" },
		{ "max.message.bytes", "67108864" }, /* LARGEST_BATCH */
		{ "flush.messages", "1" },
	};
	*topic = tarn_log_find_topic(log, TARN_TRANSACTIONS_TOPIC);
	if (*topic)
		return TARN_OK;
	return tarn_log_create_topic(log, TARN_TRANSACTIONS_TOPIC, 1, settings, sizeof(settings) / sizeof(*settings),
				     topic, err);
}

/* ---- writing ---- */

static void encode(struct tarn_encoded *out, const struct tarn_layout *layout, const void *message)
{
	tarn_encoded_init(out);
	tarn_buf_add_byte(&out->bytes, 0);
	tarn_buf_add_byte(&out->bytes, FORMAT);
	tarn_message_encode(out, layout, FORMAT, false, message);
}

/* Parts come sorted by topic: each topic is one run of them. */
static void group_parts(struct tarn_arena *arena, const struct tarn_txn_facts *facts,
			struct tarn_transaction_state_value *value)
{
	struct tarn_transaction_state_topic *topics = tarn_message_new(arena, transaction_state_topic, facts->n_parts);
	int32_t *numbers = tarn_arena_alloc(arena, (facts->n_parts + 1) * sizeof(*numbers));
	size_t n = 0;
	for (size_t i = 0; i < facts->n_parts; i++) {
		if (!i || strcmp(facts->parts[i].topic, facts->parts[i - 1].topic)) {
			topics[n].topic = facts->parts[i].topic;
			topics[n++].partition_ids = &numbers[i];
		}
		numbers[i] = facts->parts[i].partition;
		topics[n - 1].n_partition_ids++;
	}
	value->transaction_partitions = topics;
	value->n_transaction_partitions = n;
}

static enum tarn_rc append(struct tarn_topic *topic, struct tarn_slice key, struct tarn_slice value, int64_t now_ms,
			   int64_t *end, struct tarn_err *err)
{
	struct tarn_slice batch;
	struct tarn_append result;
	struct tarn_batch_builder *builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	const struct tarn_batch_producer nobody = { -1, -1, -1, false };
	tarn_batch_builder_add(builder, now_ms, key, value, NULL, 0);
	enum tarn_rc rc = tarn_batch_builder_finish(builder, &nobody, &batch, err);
	if (!rc) {
		tarn_partition_append(tarn_topic_partition(topic, 0), tarn_call_writable(batch), batch.len, &result);
		if (result.status != TARN_APPEND_DONE)
			rc = tarn_fail(err, TARN_EIO, "the state of transactions cannot be written (status %d)",
				       result.status);
		else
			*end = result.last_offset + 1;
	}
	tarn_batch_builder_free(builder);
	return rc;
}

enum tarn_rc tarn_txn_log_append(struct tarn_topic *topic, const char *transactional_id,
				 const struct tarn_txn_facts *facts, int64_t now_ms, int64_t *end, struct tarn_err *err)
{
	const struct tarn_transaction_state_key named = { .transactional_id = transactional_id };
	struct tarn_arena arena;
	struct tarn_encoded key, value;
	tarn_arena_init(&arena);
	encode(&key, tarn_layout_transaction_state_key(), &named);
	tarn_encoded_init(&value);
	if (facts) {
		struct tarn_transaction_state_value state = {
			.producer_id = facts->producer_id,
			.producer_epoch = facts->epoch,
			.transaction_timeout_ms = facts->timeout_ms,
			.transaction_status = (int8_t)facts->state,
			.last_update_ms = now_ms,
			.start_ms = facts->started_ms,
		};
		group_parts(&arena, facts, &state);
		tarn_encoded_release(&value);
		encode(&value, tarn_layout_transaction_state_value(), &state);
	}
	enum tarn_rc rc =
		append(topic, tarn_buf_slice(&key.bytes),
		       facts ? tarn_buf_slice(&value.bytes) : (struct tarn_slice){ NULL, 0 }, now_ms, end, err);
	tarn_encoded_release(&key);
	tarn_encoded_release(&value);
	tarn_arena_release(&arena);
	return rc;
}

enum tarn_rc tarn_txn_log_wait(struct tarn_topic *topic, int64_t end, struct tarn_err *err)
{
	return tarn_partition_wait_durable(tarn_topic_partition(topic, 0), end, err);
}

/* ---- reading ---- */

static enum tarn_rc decode(struct tarn_slice bytes, const struct tarn_layout *layout, struct tarn_arena *arena,
			   void *message, struct tarn_err *err)
{
	const struct tarn_decoding how = { .version = FORMAT, .flexible = false, .memory = DECODING_MEMORY };
	struct tarn_cursor in = tarn_cursor_of(bytes);
	struct tarn_slice version;
	if (!tarn_cursor_take(&in, 2, &version) || version.data[0] || version.data[1] != FORMAT)
		return tarn_fail(err, TARN_EUNSUPPORTED, "a state of transactions in an unknown format");
	return tarn_message_decode(&in, layout, &how, arena, message, err);
}

static void list_parts(struct tarn_arena *arena, const struct tarn_transaction_state_value *value,
		       struct tarn_txn_facts *facts)
{
	size_t n = 0;
	for (size_t i = 0; i < value->n_transaction_partitions; i++)
		n += value->transaction_partitions[i].n_partition_ids;
	facts->parts = tarn_arena_alloc(arena, (n + 1) * sizeof(*facts->parts));
	for (size_t i = 0; i < value->n_transaction_partitions; i++) {
		const struct tarn_transaction_state_topic *topic = &value->transaction_partitions[i];
		for (size_t j = 0; j < topic->n_partition_ids; j++)
			facts->parts[facts->n_parts++] =
				(struct tarn_txn_part){ topic->topic, topic->partition_ids[j] };
	}
}

static enum tarn_rc take_message(const struct tarn_message *message, struct tarn_arena *arena, tarn_txn_take take,
				 void *context, struct tarn_err *err)
{
	struct tarn_transaction_state_key *key = tarn_message_new(arena, transaction_state_key, 1);
	struct tarn_transaction_state_value *value = tarn_message_new(arena, transaction_state_value, 1);
	enum tarn_rc rc = decode(message->key, tarn_layout_transaction_state_key(), arena, key, err);
	if (!rc && message->value.data)
		rc = decode(message->value, tarn_layout_transaction_state_value(), arena, value, err);
	if (rc)
		return rc;
	struct tarn_txn_facts facts = {
		.transactional_id = key->transactional_id,
		.state = (enum tarn_txn_state)value->transaction_status,
		.producer_id = value->producer_id,
		.epoch = value->producer_epoch,
		.timeout_ms = value->transaction_timeout_ms,
		.started_ms = value->start_ms,
	};
	list_parts(arena, value, &facts);
	take(context, key->transactional_id, message->value.data ? &facts : NULL, value->last_update_ms);
	return TARN_OK;
}

static enum tarn_rc take_batch(struct tarn_batch_reader *reader, const struct tarn_batch *batch, tarn_txn_take take,
			       void *context, struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_message message;
	enum tarn_rc rc = tarn_batch_reader_open(reader, batch, LARGEST_BATCH, err);
	tarn_arena_init(&arena);
	while (!rc && !(rc = tarn_batch_reader_next(reader, &message, err))) {
		tarn_arena_clear(&arena);
		rc = take_message(&message, &arena, take, context, err);
	}
	tarn_arena_release(&arena);
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

static enum tarn_rc take_batches(struct tarn_slice bytes, struct tarn_batch_reader *reader, tarn_txn_take take,
				 void *context, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	while (!rc && bytes.len) {
		struct tarn_batch batch;
		rc = tarn_batch_parse(bytes, &batch, err);
		if (!rc && !batch.control)
			rc = take_batch(reader, &batch, take, context, err);
		if (!rc)
			bytes = tarn_slice_of(bytes.data + batch.bytes.len, bytes.len - batch.bytes.len);
	}
	return rc;
}

enum tarn_rc tarn_txn_log_read(struct tarn_topic *topic, tarn_txn_take take, void *context, struct tarn_err *err)
{
	struct tarn_partition *partition = tarn_topic_partition(topic, 0);
	struct tarn_offsets offsets;
	struct tarn_buf bytes;
	enum tarn_rc rc = TARN_OK;
	tarn_partition_offsets(partition, &offsets);
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	for (int64_t at = offsets.start; !rc && at < offsets.end;) {
		int64_t next = at;
		tarn_buf_clear(&bytes);
		rc = tarn_partition_read(partition, at, READ_AT_ONCE, TARN_READ_ALL, &bytes, &next, err);
		if (!rc)
			rc = take_batches(tarn_buf_slice(&bytes), reader, take, context, err);
		if (next == at)
			break;
		at = next;
	}
	tarn_batch_reader_free(reader);
	tarn_buf_release(&bytes);
	return rc;
}
