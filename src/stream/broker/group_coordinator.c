#include "stream/broker/group_coordinator.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "stream/broker/balance_record.h"
#include "stream/broker/group_coordinator_inside.h"
#include "stream/broker/group_record.h"
#include "stream/broker/group_settings.h"

/* Members' subscriptions and assignments of a large group are one record. */
#define MOST_RECORD_BYTES "104857600"
/* Small segments, so that compaction keeps what has to be read at the start small. */
#define SEGMENT_BYTES "16777216"
/* Sessions end no more exactly than that. */
#define LEAST_TICK_MS 10

int64_t group_now_ms(const struct tarn_group_coordinator *coordinator)
{
	return coordinator->started_ms + (tarn_monotonic_ns() - coordinator->started_ns) / 1000000;
}

/* ---- writing ---- */

static void add(struct tarn_group_coordinator *coordinator, bool has_value)
{
	tarn_batch_builder_add(coordinator->builder, coordinator->broker->now_ms(), tarn_buf_slice(&coordinator->key),
			       has_value ? tarn_buf_slice(&coordinator->value) : tarn_slice_of(NULL, 0), NULL, 0);
	tarn_buf_clear(&coordinator->key);
	tarn_buf_clear(&coordinator->value);
}

void group_add_offset(struct tarn_group_coordinator *coordinator, const char *group,
		      const struct tarn_group_offset *offset)
{
	tarn_group_write_offset_key(&coordinator->key, group, offset->topic, offset->partition);
	tarn_group_write_offset(&coordinator->value, offset);
	add(coordinator, true);
}

void group_add_group(struct tarn_group_coordinator *coordinator, const struct tarn_group *group)
{
	tarn_group_write_group_key(&coordinator->key, group->id);
	tarn_group_write_group(&coordinator->value, group);
	add(coordinator, true);
}

void group_add_no_offset(struct tarn_group_coordinator *coordinator, const char *group, const char *topic,
			 int32_t partition)
{
	tarn_group_write_offset_key(&coordinator->key, group, topic, partition);
	add(coordinator, false);
}

void group_add_no_group(struct tarn_group_coordinator *coordinator, struct tarn_group *group)
{
	if (group->balance) {
		tarn_balance_end(coordinator->groups, group);
		return;
	}
	tarn_group_write_group_key(&coordinator->key, group->id);
	add(coordinator, false);
}

static void add_change(void *context, const struct tarn_group *group, const struct tarn_balance_change *change)
{
	struct tarn_group_coordinator *coordinator = context;
	const bool has_value = tarn_balance_write(group, change, &coordinator->key, &coordinator->value);
	add(coordinator, has_value);
	coordinator->has_balance = true;
}

static int16_t error_of(enum tarn_append_status status)
{
	switch (status) {
	case TARN_APPEND_DONE:
	case TARN_APPEND_DUPLICATE: return TARN_KAFKA_NONE;
	case TARN_APPEND_PRODUCER_FENCED: return TARN_KAFKA_INVALID_PRODUCER_EPOCH;
	case TARN_APPEND_TXN_STATE: return TARN_KAFKA_INVALID_TXN_STATE;
	case TARN_APPEND_TOO_LARGE: return TARN_KAFKA_INVALID_COMMIT_OFFSET_SIZE;
	case TARN_APPEND_STORAGE:
	case TARN_APPEND_DELETED: return TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
	default: return TARN_KAFKA_UNKNOWN_SERVER_ERROR;
	}
}

static void finish(struct group_write *write)
{
	struct tarn_group_coordinator *coordinator = write->coordinator;
	group_enter(coordinator);
	write->done(write);
	if (!--coordinator->n_writes)
		pthread_cond_broadcast(&coordinator->all_told);
	group_leave(coordinator);
}

static void told(struct tarn_durable_waiter *waiter, bool ok)
{
	struct group_write *write = (struct group_write *)waiter;
	write->error = ok ? TARN_KAFKA_NONE : TARN_KAFKA_COORDINATOR_NOT_AVAILABLE;
	finish(write);
}

static void enlist(struct tarn_group_coordinator *coordinator, struct group_write *write)
{
	write->coordinator = coordinator;
	write->waiter.tell = told;
	write->next = NULL;
	*coordinator->appended_end = write;
	coordinator->appended_end = &write->next;
	coordinator->n_writes++;
}

void group_append(struct tarn_group_coordinator *coordinator, const struct tarn_batch_producer *producer,
		  struct group_write *write)
{
	static const struct tarn_batch_producer nobody = { -1, -1, -1, false };
	struct tarn_slice batch;
	struct tarn_append result = { .status = TARN_APPEND_TOO_LARGE };
	write->n_records = tarn_batch_builder_count(coordinator->builder);
	if (!tarn_batch_builder_finish(coordinator->builder, producer ? producer : &nobody, &batch, NULL))
		tarn_partition_append(coordinator->partition, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
	tarn_batch_builder_clear(coordinator->builder);
	write->error = error_of(result.status);
	write->position = result.base_offset;
	if (coordinator->has_balance && !write->error)
		coordinator->balance_end = write->position + (int64_t)write->n_records;
	coordinator->has_balance = false;
	enlist(coordinator, write);
}

void group_wait(struct tarn_group_coordinator *coordinator, struct group_write *write)
{
	write->error = TARN_KAFKA_NONE;
	write->position = coordinator->balance_end;
	write->n_records = 0;
	enlist(coordinator, write);
}

static void forget(struct group_write *write)
{
	free(write);
}

void group_append_silently(struct tarn_group_coordinator *coordinator)
{
	struct group_write *write = tarn_calloc(1, sizeof(*write));
	write->done = forget;
	group_append(coordinator, NULL, write);
}

/* ---- what the state machine asks for ---- */

struct store {
	struct group_write write;
	int32_t generation;
	char group_id[];
};

static void stored(struct group_write *write)
{
	struct store *store = (struct store *)write;
	tarn_groups_stored(write->coordinator->groups, group_now_ms(write->coordinator), store->group_id,
			   store->generation, !write->error);
	free(store);
}

static void store_group(void *context, const struct tarn_group *group)
{
	struct tarn_group_coordinator *coordinator = context;
	const size_t len = strlen(group->id) + 1;
	struct store *store = tarn_calloc(1, sizeof(*store) + len);
	memcpy(store->group_id, group->id, len);
	store->generation = group->generation;
	store->write.done = stored;
	group_add_group(coordinator, group);
	group_append(coordinator, NULL, &store->write);
}

/* ---- lock and time ---- */

void group_enter(struct tarn_group_coordinator *coordinator)
{
	pthread_mutex_lock(&coordinator->lock);
}

static void set_timer(struct tarn_group_coordinator *coordinator)
{
	const int64_t next = tarn_groups_next_ms(coordinator->groups);
	const int64_t due = next < coordinator->next_check_ms ? next : coordinator->next_check_ms;
	if (due >= coordinator->set_ms)
		return;
	coordinator->set_ms = due;
	const int64_t left = due - group_now_ms(coordinator);
	tarn_timer_set(coordinator->broker, &coordinator->timer, left > LEAST_TICK_MS ? left : LEAST_TICK_MS);
}

void group_leave(struct tarn_group_coordinator *coordinator)
{
	/* What happened by itself, as a session that is over. */
	if (tarn_batch_builder_count(coordinator->builder))
		group_append_silently(coordinator);
	struct group_write *write = coordinator->appended;
	coordinator->appended = NULL;
	coordinator->appended_end = &coordinator->appended;
	set_timer(coordinator);
	pthread_mutex_unlock(&coordinator->lock);
	while (write) {
		struct group_write *next = write->next;
		if (write->error)
			finish(write);
		else
			tarn_partition_when_durable(coordinator->partition, write->position + (int64_t)write->n_records,
						    &write->waiter);
		write = next;
	}
}

void group_end_due(struct tarn_group_coordinator *coordinator)
{
	const int64_t now = group_now_ms(coordinator);
	if (tarn_groups_next_ms(coordinator->groups) <= now)
		tarn_groups_tick(coordinator->groups, now);
}

static void fire(struct tarn_timer *timer)
{
	struct tarn_group_coordinator *coordinator =
		(void *)((char *)timer - offsetof(struct tarn_group_coordinator, timer));
	group_enter(coordinator);
	const int64_t now = group_now_ms(coordinator);
	coordinator->set_ms = TARN_GROUP_NEVER;
	group_end_due(coordinator);
	if (coordinator->next_check_ms <= now) {
		coordinator->next_check_ms = now + coordinator->options.check_ms;
		group_expire(coordinator);
	}
	group_leave(coordinator);
}

static struct tarn_group_times times_of(void *context, const char *group_id)
{
	const struct tarn_group_coordinator *coordinator = context;
	return tarn_group_settings_times(coordinator->broker->log, group_id);
}

/* ---- topics ---- */

static void note_topics(struct tarn_log_watcher *watcher)
{
	struct tarn_group_coordinator *coordinator =
		(void *)((char *)watcher - offsetof(struct tarn_group_coordinator, watcher));
	atomic_store(&coordinator->topics_changed, true);
}

const struct tarn_balance_topics *group_topics(struct tarn_group_coordinator *coordinator)
{
	if (!atomic_exchange(&coordinator->topics_changed, false))
		return &coordinator->topics;
	struct tarn_balance_topics *topics = &coordinator->topics;
	struct tarn_topic **all;
	const uint64_t version = topics->version + 1;
	const size_t n = tarn_log_topics(coordinator->broker->log, &all);
	tarn_balance_topics_release(topics);
	topics->items = tarn_calloc(n + 1, sizeof(*topics->items));
	topics->version = version;
	for (; topics->n < n; topics->n++) {
		struct tarn_balance_topic *topic = &topics->items[topics->n];
		memcpy(&topic->id, tarn_topic_id(all[topics->n]), sizeof(topic->id));
		topic->name = tarn_strdup(tarn_topic_name(all[topics->n]));
		topic->partitions = tarn_topic_partitions(all[topics->n]);
		tarn_topic_unref(all[topics->n]);
	}
	free(all);
	return topics;
}

/* ---- open and close ---- */

static enum tarn_rc open_topic(struct tarn_group_coordinator *coordinator, struct tarn_err *err)
{
	static const struct tarn_topic_setting settings[] = {
		{ "cleanup.policy", "compact" },
		{ "segment.bytes", SEGMENT_BYTES },
		{ "max.message.bytes", MOST_RECORD_BYTES },
		{ "flush.messages", "1" },
	};
	coordinator->topic = tarn_log_find_topic(coordinator->broker->log, TARN_OFFSETS_TOPIC);
	if (!coordinator->topic) {
		const enum tarn_rc rc =
			tarn_log_create_topic(coordinator->broker->log, TARN_OFFSETS_TOPIC, 1, settings,
					      sizeof(settings) / sizeof(*settings), &coordinator->topic, err);
		if (rc)
			return tarn_err_within(err, rc, "cannot make the topic \"" TARN_OFFSETS_TOPIC "\"");
	}
	coordinator->partition = tarn_topic_partition(coordinator->topic, 0);
	return TARN_OK;
}

enum tarn_rc tarn_group_coordinator_open(struct tarn_broker *broker,
					 const struct tarn_group_coordinator_options *options,
					 struct tarn_group_coordinator **opened, struct tarn_err *err)
{
	struct tarn_group_coordinator *coordinator = tarn_calloc(1, sizeof(*coordinator));
	coordinator->broker = broker;
	coordinator->options = options ? *options : TARN_GROUP_COORDINATOR_DEFAULT;
	coordinator->started_ms = broker->now_ms();
	coordinator->started_ns = tarn_monotonic_ns();
	coordinator->appended_end = &coordinator->appended;
	coordinator->set_ms = TARN_GROUP_NEVER;
	coordinator->next_check_ms = coordinator->started_ms + coordinator->options.check_ms;
	coordinator->timer.fire = fire;
	coordinator->topics_changed = true;
	coordinator->watcher.changed = note_topics;
	tarn_log_watch(broker->log, &coordinator->watcher);
	pthread_mutex_init(&coordinator->lock, NULL);
	pthread_cond_init(&coordinator->all_told, NULL);
	tarn_buf_init(&coordinator->key, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&coordinator->value, TARN_BUF_DEFAULT_MAX);
	coordinator->builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	const struct tarn_group_outputs outputs = { .join = group_answer_join,
						    .sync = group_answer_sync,
						    .store = store_group,
						    .context = coordinator,
						    .change = add_change,
						    .times = times_of };
	coordinator->groups = tarn_groups_new(&coordinator->options.limits, &outputs);
	enum tarn_rc rc = open_topic(coordinator, err);
	if (!rc)
		rc = group_load(coordinator, err);
	if (rc) {
		tarn_group_coordinator_close(coordinator);
		return rc;
	}
	group_enter(coordinator);
	group_leave(coordinator);
	*opened = coordinator;
	return TARN_OK;
}

void tarn_group_coordinator_close(struct tarn_group_coordinator *coordinator)
{
	if (!coordinator)
		return;
	tarn_timer_cancel(coordinator->broker, &coordinator->timer);
	pthread_mutex_lock(&coordinator->lock);
	while (coordinator->n_writes)
		pthread_cond_wait(&coordinator->all_told, &coordinator->lock);
	pthread_mutex_unlock(&coordinator->lock);
	/* Writes that ended meanwhile may have set it again. */
	tarn_timer_cancel(coordinator->broker, &coordinator->timer);
	tarn_log_unwatch(coordinator->broker->log, &coordinator->watcher);
	tarn_groups_free(coordinator->groups);
	tarn_balance_topics_release(&coordinator->topics);
	tarn_batch_builder_free(coordinator->builder);
	tarn_buf_release(&coordinator->key);
	tarn_buf_release(&coordinator->value);
	if (coordinator->topic)
		tarn_topic_unref(coordinator->topic);
	pthread_cond_destroy(&coordinator->all_told);
	pthread_mutex_destroy(&coordinator->lock);
	free(coordinator);
}

/* ---- transactions and topics ---- */

struct tarn_partition *tarn_group_coordinator_partition(struct tarn_group_coordinator *coordinator,
							const char *group_id)
{
	(void)group_id;
	return coordinator->partition;
}

void tarn_group_coordinator_txn_ended(struct tarn_group_coordinator *coordinator, int64_t producer_id, bool commit)
{
	group_enter(coordinator);
	tarn_groups_txn_end(coordinator->groups, producer_id, commit);
	group_leave(coordinator);
}
