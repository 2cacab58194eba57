/* A log in a folder of its own, and batches to put into it. */
#ifndef TARN_TESTS_LOG_SETUP_H
#define TARN_TESTS_LOG_SETUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cmocka_tarn.h"
#include "stream/log/log.h"

struct setup {
	char folder[64];
	struct tarn_log *log;
	struct tarn_topic *topic;
	struct tarn_partition *partition; /* the first */
	struct tarn_batch_builder *builder;
	struct tarn_buf out;
	int warnings;
	char warning[800]; /* the last */
};

static void setup_warn(void *context, const char *message)
{
	struct setup *setup = context;
	__atomic_add_fetch(&setup->warnings, 1, __ATOMIC_RELAXED);
	snprintf(setup->warning, sizeof(setup->warning), "%s", message);
}

static void setup_open(struct setup *setup)
{
	struct tarn_err err;
	const struct tarn_log_options options = { .warn = setup_warn, .context = setup };
	if (tarn_log_open(setup->folder, &options, &setup->log, &err))
		fail_msg("%s", err.message);
	setup->topic = tarn_log_find_topic(setup->log, "events");
	setup->partition = setup->topic ? tarn_topic_partition(setup->topic, 0) : NULL;
}

static void setup_close(struct setup *setup)
{
	tarn_topic_unref(setup->topic);
	setup->topic = NULL;
	tarn_log_close(setup->log);
	setup->log = NULL;
}

static inline void setup_reopen(struct setup *setup)
{
	setup_close(setup);
	setup_open(setup);
}

/* With the topic "events" of so many partitions. */
static void setup_begin(struct setup *setup, int32_t partitions, const struct tarn_topic_setting *settings,
			size_t n_settings)
{
	*setup = (struct setup){ 0 };
	const char *base = getenv("TMPDIR");
	snprintf(setup->folder, sizeof(setup->folder), "%s/tarn-log-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(setup->folder));
	setup->builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	tarn_buf_init(&setup->out, (size_t)1 << 30);
	setup_open(setup);
	struct tarn_err err;
	if (tarn_log_create_topic(setup->log, "events", partitions, settings, n_settings, &setup->topic, &err))
		fail_msg("%s", err.message);
	setup->partition = tarn_topic_partition(setup->topic, 0);
}

static void setup_end(struct setup *setup)
{
	if (setup->log)
		setup_close(setup);
	tarn_batch_builder_free(setup->builder);
	tarn_buf_release(&setup->out);
	char *command = tarn_asprintf("rm -rf '%s'", setup->folder);
	assert_int_equal(system(command), 0);
	free(command);
}

/* One batch of `count` records: key "k<first + i>", value of `size` bytes. */
static inline struct tarn_append setup_append(struct setup *setup, int first, int count, size_t size,
					      const struct tarn_batch_producer *producer)
{
	char *value = tarn_malloc(size ? size : 1);
	memset(value, 'v', size);
	tarn_batch_builder_clear(setup->builder);
	for (int i = 0; i < count; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", first + i);
		tarn_batch_builder_add(setup->builder, tarn_now_us() / 1000, tarn_slice_str(key),
				       tarn_slice_of(value, size), NULL, 0);
	}
	struct tarn_slice batch;
	struct tarn_append result;
	assert_int_equal(tarn_batch_builder_finish(setup->builder, producer, &batch, NULL), TARN_OK);
	tarn_partition_append(setup->partition, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
	free(value);
	return result;
}

static inline void setup_wait(struct setup *setup)
{
	struct tarn_offsets offsets;
	struct tarn_err err;
	tarn_partition_offsets(setup->partition, &offsets);
	if (tarn_partition_wait_durable(setup->partition, offsets.end, &err))
		fail_msg("%s", err.message);
}

static inline struct tarn_offsets setup_offsets(struct setup *setup)
{
	struct tarn_offsets offsets;
	tarn_partition_offsets(setup->partition, &offsets);
	return offsets;
}

/* Reads all from `from` on, and checks that offsets rise by one and that keys are "k<offset>". The offset behind the
 * last. */
static inline int64_t setup_read_all(struct setup *setup, int64_t from, size_t max_bytes)
{
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	int64_t at = from, expected = from;
	for (;;) {
		int64_t next;
		struct tarn_err err;
		tarn_buf_clear(&setup->out);
		if (tarn_partition_read(setup->partition, at, max_bytes, TARN_READ_UNCOMMITTED, &setup->out, &next,
					&err))
			fail_msg("%s", err.message);
		if (!setup->out.len)
			break;
		struct tarn_slice left = tarn_buf_slice(&setup->out);
		while (left.len) {
			struct tarn_batch batch;
			struct tarn_message message;
			assert_int_equal(tarn_batch_parse(left, &batch, NULL), TARN_OK);
			assert_true(tarn_batch_crc_ok(&batch));
			assert_int_equal(tarn_batch_reader_open(reader, &batch, 1 << 24, NULL), TARN_OK);
			while (!tarn_batch_reader_next(reader, &message, NULL)) {
				if (message.offset < expected) /* the batch began before `from` */
					continue;
				char key[24];
				int len = snprintf(key, sizeof(key), "k%lld", (long long)expected);
				assert_int_equal(message.offset, expected++);
				assert_true(tarn_slice_eq(message.key, tarn_slice_of(key, (size_t)len)));
			}
			left = tarn_slice_of(left.data + batch.bytes.len, left.len - batch.bytes.len);
		}
		assert_int_equal(next, expected);
		at = next;
	}
	tarn_batch_reader_free(reader);
	return at;
}

#endif
