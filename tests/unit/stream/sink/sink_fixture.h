/* A source in memory whose commits live in an offset file, a registry of a few schemas, and a look at what the objects
 * hold. */
#ifndef TARN_TESTS_SINK_FIXTURE_H
#define TARN_TESTS_SINK_FIXTURE_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cmocka_tarn.h"
#include "serialize/schema/wire.h"
#include "store/object/object.h"
#include "stream/sink/offset_file.h"
#include "stream/sink/sink_task.h"

#define FIXTURE_TOPIC "t"

struct fixture_partition {
	struct tarn_message *messages;
	size_t n, cap, at;
	bool assigned;
};

/* Gives out `portion` messages of each partition in turn; stops the task when all ends are committed. */
struct fixture_source {
	struct tarn_source base;
	struct fixture_partition *partitions;
	int32_t n;
	int32_t turn;
	size_t portion;
	struct tarn_offset_file *offsets;
	_Atomic bool stop;
	int64_t commits, fail_commit_at; /* the commit that fails, counted from 1; 0: none */
	bool stop_when_read;		 /* else when everything is committed */
	struct tarn_arena arena;
};

static bool fixture_is_done(struct fixture_source *source)
{
	for (int32_t i = 0; i < source->n; i++) {
		const char *metadata;
		struct fixture_partition *partition = &source->partitions[i];
		if (partition->at < partition->n)
			return false;
		int64_t offset = tarn_offset_file_find(source->offsets, FIXTURE_TOPIC, i, &metadata);
		if (!source->stop_when_read && partition->n && offset <= partition->messages[partition->n - 1].offset)
			return false;
	}
	return true;
}

static enum tarn_rc fixture_poll(struct tarn_source *base, int64_t timeout_ms, struct tarn_source_event *event,
				 struct tarn_err *err)
{
	struct fixture_source *source = (struct fixture_source *)base;
	(void)timeout_ms;
	(void)err;
	*event = (struct tarn_source_event){ .topic = FIXTURE_TOPIC };
	for (int32_t i = 0; i < source->n; i++, source->turn++) {
		int32_t number = source->turn % source->n;
		struct fixture_partition *partition = &source->partitions[number];
		event->partition = number;
		if (!partition->assigned) {
			int64_t offset =
				tarn_offset_file_find(source->offsets, FIXTURE_TOPIC, number, &event->metadata);
			event->kind = TARN_SOURCE_ASSIGNED;
			event->offset = offset < 0 ? 0 : offset;
			for (partition->at = 0; partition->at < partition->n; partition->at++)
				if (partition->messages[partition->at].offset >= event->offset)
					break;
			partition->assigned = true;
			return TARN_OK;
		}
		size_t left = partition->n - partition->at;
		if (!left)
			continue;
		event->kind = TARN_SOURCE_MESSAGES;
		event->messages = partition->messages + partition->at;
		event->n = left < source->portion ? left : source->portion;
		partition->at += event->n;
		event->next = event->messages[event->n - 1].offset + 1;
		source->turn++;
		return TARN_OK;
	}
	if (fixture_is_done(source))
		atomic_store(&source->stop, true);
	return TARN_OK;
}

static enum tarn_rc fixture_commit(struct tarn_source *base, const struct tarn_source_commit *commits, size_t n,
				   struct tarn_err *err)
{
	struct fixture_source *source = (struct fixture_source *)base;
	if (++source->commits == source->fail_commit_at) {
		/* Somebody else had the partitions for a moment; then they come back. */
		for (int32_t i = 0; i < source->n; i++)
			source->partitions[i].assigned = false;
		return tarn_fail(err, TARN_ECONFLICT, "fenced");
	}
	return tarn_offset_file_put(source->offsets, commits, n, err);
}

static void fixture_wake(struct tarn_source *base)
{
	(void)base;
}

static void fixture_free(struct tarn_source *base)
{
	struct fixture_source *source = (struct fixture_source *)base;
	for (int32_t i = 0; i < source->n; i++)
		free(source->partitions[i].messages);
	free(source->partitions);
	tarn_offset_file_close(source->offsets);
	tarn_arena_release(&source->arena);
}

static const struct tarn_source_ops fixture_ops = { fixture_poll, fixture_commit, fixture_wake, fixture_free };

static inline void fixture_init(struct fixture_source *source, int32_t partitions, const char *offsets)
{
	memset(source, 0, sizeof(*source));
	source->base = (struct tarn_source){ .ops = &fixture_ops, .commits_aside = true };
	source->n = partitions;
	source->portion = 7;
	source->partitions = tarn_calloc((size_t)partitions, sizeof(*source->partitions));
	tarn_arena_init(&source->arena);
	assert_int_equal(tarn_offset_file_open(offsets, &source->offsets, NULL), TARN_OK);
}

/* value NULL: a tombstone. The bytes are copied. */
static void fixture_add(struct fixture_source *source, int32_t partition, int64_t offset, int64_t timestamp,
			const void *value, size_t len)
{
	struct fixture_partition *p = &source->partitions[partition];
	struct tarn_slice copy = { value ? tarn_arena_copy(&source->arena, value, len) : NULL, len };
	p->messages = tarn_grow(p->messages, &p->cap, p->n + 1, sizeof(*p->messages));
	p->messages[p->n++] = (struct tarn_message){ .offset = offset, .timestamp = timestamp, .value = copy };
}

/* ---- schemas ---- */

/* Ids 1 and 2: two versions of a record. */
static const char fixture_v1[] =
	"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"place\",\"type\":\"string\"},"
	"{\"name\":\"kind\",\"type\":[\"string\",\"null\"]},{\"name\":\"when\",\"type\":\"long\"}]}";
static const char fixture_v2[] =
	"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"place\",\"type\":\"string\"},"
	"{\"name\":\"kind\",\"type\":[\"string\",\"null\"]},{\"name\":\"when\",\"type\":\"long\"},"
	"{\"name\":\"more\",\"type\":\"int\",\"default\":0}]}";

static enum tarn_rc fixture_find(void *context, const char *topic, uint32_t id, struct tarn_buf *json, int32_t *version,
				 struct tarn_err *err)
{
	(void)context;
	(void)topic;
	if (id != 1 && id != 2)
		return tarn_fail(err, TARN_ENOTFOUND, "schema %u not found", id);
	tarn_buf_add_str(json, id == 1 ? fixture_v1 : fixture_v2);
	*version = (int32_t)id;
	return TARN_OK;
}

static void put_text(struct tarn_buf *out, const char *text)
{
	tarn_buf_add_varint(out, tarn_zigzag((int64_t)strlen(text)));
	tarn_buf_add_str(out, text);
}

/* A message of schema `id` that says where it stands: place is "<partition>:<offset>". */
static void fixture_add_record(struct fixture_source *source, int32_t partition, int64_t offset, int64_t when,
			       const char *kind, uint32_t id)
{
	struct tarn_buf message;
	char place[64];
	tarn_buf_init(&message, 1 << 20);
	tarn_wire_put_header(&message, id);
	snprintf(place, sizeof(place), "%d:%lld", partition, (long long)offset);
	put_text(&message, place);
	tarn_buf_add_byte(&message, kind ? 0 : 2);
	if (kind)
		put_text(&message, kind);
	tarn_buf_add_varint(&message, tarn_zigzag(when));
	if (id == 2)
		tarn_buf_add_byte(&message, 8);
	fixture_add(source, partition, offset, when, message.data, message.len);
	tarn_buf_release(&message);
}

/* ---- running ---- */

struct fixture_config {
	json_t *object;
	struct tarn_arena arena;
	struct tarn_connector_config config;
};

static inline void fixture_configure(struct fixture_config *f, const char *json)
{
	struct tarn_config_notes errors, warnings;
	f->object = json_loads(json, 0, NULL);
	assert_non_null(f->object);
	json_object_set_new(f->object, "connector.class", json_string("S3SinkConnector"));
	json_object_set_new(f->object, "topics", json_string(FIXTURE_TOPIC));
	json_object_set_new(f->object, "topics.dir", json_string("raw"));
	tarn_arena_init(&f->arena);
	tarn_connector_config_read(f->object, &f->arena, &f->config, &errors, &warnings);
	if (errors.n)
		fail_msg("%s: %s", errors.notes[0].key, errors.notes[0].message);
}

static inline void fixture_unconfigure(struct fixture_config *f)
{
	tarn_arena_release(&f->arena);
	json_decref(f->object);
}

static inline enum tarn_rc
fixture_run(struct fixture_source *source, const struct tarn_connector_config *config, const char *store_path,
	    struct tarn_task_numbers *numbers,
	    enum tarn_rc (*letter)(void *, const struct tarn_dead_letter *, struct tarn_err *),
	    enum tarn_rc (*flush)(void *, struct tarn_err *), void *context, struct tarn_err *err)
{
	struct tarn_sink_task task = {
		.config = config,
		.source = &source->base,
		.lookup = { fixture_find, NULL },
		.dead_letter = letter,
		.flush_dead_letters = flush,
		.context = context,
		.stop = &source->stop,
		.numbers = numbers,
	};
	assert_int_equal(tarn_store_open(store_path, true, &task.store, NULL), TARN_OK);
	enum tarn_rc rc = tarn_sink_task_run(&task, err);
	tarn_store_close(task.store);
	return rc;
}

static inline enum tarn_rc fixture_no_letter(void *context, const struct tarn_dead_letter *letter, struct tarn_err *err)
{
	(void)context;
	return tarn_fail(err, TARN_EIO, "no dead letter was expected: %s", letter->reason);
}

static inline enum tarn_rc fixture_no_flush(void *context, struct tarn_err *err)
{
	(void)context;
	(void)err;
	return TARN_OK;
}

#endif
