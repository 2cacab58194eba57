#include "stream/sink/source_log.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/condition.h"

/* Bytes that are read at a time, and the most that a batch may unpack to. */
#define READ_SIZE ((size_t)1 << 20)
#define MAX_BATCH ((size_t)1 << 30)

struct part {
	struct tarn_partition_watcher watcher; /* first: it is cast back */
	struct log_source *source;
	struct tarn_topic *topic;
	struct tarn_partition *partition;
	int64_t position;
	bool assigned;
	_Atomic bool ready; /* there may be something to read */
};

struct log_source {
	struct tarn_source base;
	struct tarn_log_watcher topics_watcher;
	struct tarn_log *log;
	struct tarn_offset_file *offsets;
	struct tarn_topic_pattern *pattern;
	const char *const *topics;
	size_t n_topics;
	int32_t task, n_tasks;

	struct part **parts;
	size_t n, cap, turn;
	struct part *gone; /* revoked with the last event; freed with the next call */

	/* What was read of parts[reading] and not given out yet. */
	struct part *reading;
	struct tarn_buf bytes;
	size_t given;
	struct tarn_batch_reader *reader;
	struct tarn_message *messages;
	size_t n_messages, cap_messages;

	pthread_mutex_t lock; /* of the two flags */
	pthread_cond_t changed;
	bool awake, topics_changed;
};

/* ---- waking ---- */

static void wake(struct log_source *source, bool topics)
{
	pthread_mutex_lock(&source->lock);
	source->awake = true;
	source->topics_changed |= topics;
	pthread_cond_signal(&source->changed);
	pthread_mutex_unlock(&source->lock);
}

static void part_changed(struct tarn_partition_watcher *watcher, struct tarn_partition *partition)
{
	struct part *part = (struct part *)watcher;
	(void)partition;
	part->ready = true;
	wake(part->source, tarn_topic_deleted(part->topic));
}

static void topics_changed(struct tarn_log_watcher *watcher)
{
	wake((struct log_source *)((char *)watcher - offsetof(struct log_source, topics_watcher)), true);
}

static void source_wake(struct tarn_source *base)
{
	wake((struct log_source *)base, false);
}

/* Waits until something changes; returns whether topics did. */
static bool wait_for_change(struct log_source *source, int64_t timeout_ms)
{
	int64_t until = tarn_monotonic_ns_in(timeout_ms);
	pthread_mutex_lock(&source->lock);
	while (!source->awake && timeout_ms > 0 && tarn_cond_wait_until(&source->changed, &source->lock, until))
		continue;
	source->awake = false;
	bool topics = source->topics_changed;
	source->topics_changed = false;
	pthread_mutex_unlock(&source->lock);
	return topics;
}

/* ---- partitions ---- */

static bool wants_topic(const struct log_source *source, const char *name)
{
	if (source->pattern)
		return strncmp(name, "__", 2) != 0 && tarn_topic_pattern_matches(source->pattern, name);
	for (size_t i = 0; i < source->n_topics; i++)
		if (!strcmp(source->topics[i], name))
			return true;
	return false;
}

static bool has_part(const struct log_source *source, const struct tarn_partition *partition)
{
	for (size_t i = 0; i < source->n; i++)
		if (source->parts[i]->partition == partition)
			return true;
	return false;
}

static void add_part(struct log_source *source, struct tarn_topic *topic, struct tarn_partition *partition)
{
	struct part *part = tarn_calloc(1, sizeof(*part));
	part->watcher.changed = part_changed;
	part->source = source;
	part->topic = tarn_topic_ref(topic);
	part->partition = partition;
	part->ready = true;
	source->parts = tarn_grow(source->parts, &source->cap, source->n + 1, sizeof(struct part *));
	source->parts[source->n++] = part;
	tarn_partition_watch(partition, &part->watcher);
}

static void part_free(struct part *part)
{
	if (!part)
		return;
	tarn_partition_unwatch(part->partition, &part->watcher);
	tarn_topic_unref(part->topic);
	free(part);
}

static void add_topic(struct log_source *source, struct tarn_topic *topic)
{
	uint64_t hash = 0; /* the same in every task and after every start */
	for (const char *c = tarn_topic_name(topic); *c; c++)
		hash = hash * 31 + (uint8_t)*c;
	for (int32_t i = 0; i < tarn_topic_partitions(topic); i++) {
		struct tarn_partition *partition = tarn_topic_partition(topic, i);
		bool mine = (hash + (uint64_t)i) % (uint64_t)source->n_tasks == (uint64_t)source->task;
		if (partition && mine && !has_part(source, partition))
			add_part(source, topic, partition);
	}
}

static void look_for_topics(struct log_source *source)
{
	struct tarn_topic **topics;
	size_t n = tarn_log_topics(source->log, &topics);
	for (size_t i = 0; i < n; i++) {
		if (wants_topic(source, tarn_topic_name(topics[i])))
			add_topic(source, topics[i]);
		tarn_topic_unref(topics[i]);
	}
	free(topics);
}

/* ---- events ---- */

static void event_of(const struct part *part, enum tarn_source_event_kind kind, struct tarn_source_event *event)
{
	*event = (struct tarn_source_event){
		.kind = kind,
		.topic = tarn_topic_name(part->topic),
		.partition = tarn_partition_number(part->partition),
		.metadata = "",
	};
}

/* Where the committed offset is not in the log any more, its recipe cannot be followed either. */
static void assign(struct log_source *source, struct part *part, struct tarn_source_event *event)
{
	struct tarn_offsets offsets;
	tarn_partition_offsets(part->partition, &offsets);
	event_of(part, TARN_SOURCE_ASSIGNED, event);
	int64_t committed = tarn_offset_file_find(source->offsets, event->topic, event->partition, &event->metadata);
	if (committed < offsets.start || committed > offsets.end) {
		committed = offsets.start;
		event->metadata = "";
	}
	part->assigned = true;
	part->position = event->offset = committed;
}

static bool revoke_deleted(struct log_source *source, struct tarn_source_event *event)
{
	for (size_t i = 0; i < source->n; i++) {
		struct part *part = source->parts[i];
		if (!tarn_topic_deleted(part->topic))
			continue;
		source->parts[i] = source->parts[--source->n];
		source->gone = part;
		if (source->reading == part)
			source->reading = NULL;
		event_of(part, TARN_SOURCE_REVOKED, event);
		return true;
	}
	return false;
}

/* Frees what was revoked with the last event. A new topic of its name begins at its start. */
static enum tarn_rc forget_gone(struct log_source *source, struct tarn_err *err)
{
	struct part *gone = source->gone;
	if (!gone)
		return TARN_OK;
	struct tarn_source_commit none = { tarn_topic_name(gone->topic), tarn_partition_number(gone->partition), -1,
					   "" };
	enum tarn_rc rc = tarn_offset_file_put(source->offsets, &none, 1, err);
	part_free(gone);
	source->gone = NULL;
	return rc;
}

/* ---- reading ---- */

static bool is_aborted(const struct part *part, const struct tarn_batch *batch)
{
	struct tarn_aborted *aborted;
	bool found = false;
	if (!batch->transactional)
		return false;
	/* A batch is of one transaction, and a producer has one at a time. */
	size_t n = tarn_partition_aborted(part->partition, batch->base_offset,
					  batch->base_offset + batch->last_offset_delta + 1, &aborted);
	for (size_t i = 0; i < n; i++)
		found |= aborted[i].producer_id == batch->producer_id;
	free(aborted);
	return found;
}

static enum tarn_rc take_messages(struct log_source *source, const struct tarn_batch *batch, struct tarn_err *err)
{
	struct tarn_message message;
	enum tarn_rc rc = tarn_batch_reader_open(source->reader, batch, MAX_BATCH, err);
	while (!rc && !(rc = tarn_batch_reader_next(source->reader, &message, err))) {
		if (message.offset < source->reading->position)
			continue;
		source->messages = tarn_grow(source->messages, &source->cap_messages, source->n_messages + 1,
					     sizeof(*source->messages));
		source->messages[source->n_messages++] = message;
	}
	return rc == TARN_ENOTFOUND ? TARN_OK : rc;
}

/* Gives out what was read: batches up to the first compressed one, or that one alone, as the reader unpacks one at a
 * time. */
static enum tarn_rc give_batches(struct log_source *source, struct tarn_source_event *event, struct tarn_err *err)
{
	struct part *part = source->reading;
	enum tarn_rc rc = TARN_OK;
	source->n_messages = 0;
	int64_t next = part->position;
	while (!rc && source->given < source->bytes.len) {
		struct tarn_batch batch;
		rc = tarn_batch_parse(
			tarn_slice_of(source->bytes.data + source->given, source->bytes.len - source->given), &batch,
			err);
		bool packed = !rc && batch.codec != TARN_BATCH_NONE;
		if (rc || (packed && source->n_messages))
			break;
		source->given += batch.bytes.len;
		if (!batch.control && !is_aborted(part, &batch))
			rc = take_messages(source, &batch, err);
		next = batch.base_offset + batch.last_offset_delta + 1;
		if (packed)
			break;
	}
	if (rc)
		return rc;
	event_of(part, TARN_SOURCE_MESSAGES, event);
	event->messages = source->messages;
	event->n = source->n_messages;
	part->position = event->next = next;
	if (source->given == source->bytes.len)
		source->reading = NULL;
	return TARN_OK;
}

/* Reads on; `found` says whether there was something. */
static enum tarn_rc read_part(struct log_source *source, struct part *part, bool *found, struct tarn_err *err)
{
	struct tarn_offsets offsets;
	int64_t next;
	part->ready = false; /* before the look, so that a change after it is not lost */
	tarn_buf_clear(&source->bytes);
	enum tarn_rc rc = tarn_partition_read(part->partition, part->position, READ_SIZE, TARN_READ_COMMITTED,
					      &source->bytes, &next, err);
	tarn_partition_offsets(part->partition, &offsets);
	if (rc == TARN_ENOTFOUND && part->position < offsets.start) { /* retention was faster */
		part->position = offsets.start;
		part->ready = true;
		rc = TARN_OK;
	}
	*found = !rc && source->bytes.len;
	if (!*found)
		return rc == TARN_ENOTFOUND && tarn_topic_deleted(part->topic) ? TARN_OK : rc;
	part->ready = true;
	source->given = 0;
	source->reading = part;
	return TARN_OK;
}

static enum tarn_rc read_next(struct log_source *source, struct tarn_source_event *event, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < source->n; i++) {
		struct part *part = source->parts[source->turn++ % source->n];
		bool found = false;
		if (part->ready)
			rc = read_part(source, part, &found, err);
		if (!rc && found)
			return give_batches(source, event, err);
	}
	return rc;
}

static enum tarn_rc source_poll(struct tarn_source *base, int64_t timeout_ms, struct tarn_source_event *event,
				struct tarn_err *err)
{
	struct log_source *source = (struct log_source *)base;
	*event = (struct tarn_source_event){ .kind = TARN_SOURCE_NOTHING };
	enum tarn_rc rc = forget_gone(source, err);
	if (rc)
		return rc;
	if (source->reading)
		return give_batches(source, event, err);
	for (int tries = 0; tries < 2; tries++) {
		bool topics = wait_for_change(source, tries ? timeout_ms : 0);
		if (topics)
			look_for_topics(source);
		if (topics && revoke_deleted(source, event)) {
			wake(source, true); /* there may be more of them */
			return TARN_OK;
		}
		for (size_t i = 0; i < source->n; i++)
			if (!source->parts[i]->assigned) {
				assign(source, source->parts[i], event);
				return TARN_OK;
			}
		rc = read_next(source, event, err);
		if (rc || event->kind != TARN_SOURCE_NOTHING || !timeout_ms)
			return rc;
	}
	return TARN_OK;
}

static enum tarn_rc source_commit(struct tarn_source *base, const struct tarn_source_commit *commits, size_t n,
				  struct tarn_err *err)
{
	return tarn_offset_file_put(((struct log_source *)base)->offsets, commits, n, err);
}

/* ---- life ---- */

static void source_free(struct tarn_source *base)
{
	struct log_source *source = (struct log_source *)base;
	tarn_log_unwatch(source->log, &source->topics_watcher);
	for (size_t i = 0; i < source->n; i++)
		part_free(source->parts[i]);
	forget_gone(source, NULL);
	free(source->parts);
	free(source->messages);
	tarn_batch_reader_free(source->reader);
	tarn_buf_release(&source->bytes);
	tarn_topic_pattern_free(source->pattern);
	pthread_mutex_destroy(&source->lock);
	pthread_cond_destroy(&source->changed);
	free(source);
}

enum tarn_rc tarn_source_log_open(struct tarn_log *log, struct tarn_offset_file *offsets,
				  const struct tarn_source_options *options, struct tarn_source **source,
				  struct tarn_err *err)
{
	static const struct tarn_source_ops ops = { source_poll, source_commit, source_wake, source_free };
	struct tarn_topic_pattern *pattern = NULL;
	enum tarn_rc rc =
		options->topics_regex ? tarn_topic_pattern_new(options->topics_regex, &pattern, err) : TARN_OK;
	if (rc)
		return rc;
	struct log_source *made = tarn_calloc(1, sizeof(*made));
	made->base = (struct tarn_source){ .ops = &ops, .commits_aside = true };
	made->log = log;
	made->offsets = offsets;
	made->pattern = pattern;
	made->topics = options->topics;
	made->n_topics = options->n_topics;
	made->task = options->task;
	made->n_tasks = options->n_tasks > 0 ? options->n_tasks : 1;
	made->reader = tarn_batch_reader_new();
	tarn_buf_init(&made->bytes, TARN_BUF_DEFAULT_MAX);
	pthread_mutex_init(&made->lock, NULL);
	tarn_cond_init(&made->changed);
	made->topics_changed = true;
	made->topics_watcher.changed = topics_changed;
	tarn_log_watch(log, &made->topics_watcher);
	*source = &made->base;
	return TARN_OK;
}
