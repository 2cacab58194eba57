#include "log_setup.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static int count_files(const struct setup *setup, const char *folder, const char *suffix)
{
	char *path = tarn_asprintf("%s/log/%s", setup->folder, folder);
	DIR *dir = opendir(path);
	int count = 0;
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name), tail = strlen(suffix);
		count += len >= tail && !strcmp(entry->d_name + len - tail, suffix) && entry->d_name[0] != '.';
	}
	if (dir)
		closedir(dir);
	free(path);
	return count;
}

static void an_empty_log(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 3, NULL, 0);
	assert_int_equal(strlen(tarn_log_cluster_id(setup.log)), 22);
	assert_int_equal(tarn_topic_partitions(setup.topic), 3);
	assert_null(tarn_topic_partition(setup.topic, 3));
	assert_null(tarn_topic_partition(setup.topic, -1));
	struct tarn_offsets offsets = setup_offsets(&setup);
	assert_int_equal(offsets.start, 0);
	assert_int_equal(offsets.end, 0);
	assert_int_equal(setup_read_all(&setup, 0, 1000), 0);
	int64_t next;
	assert_int_equal(tarn_partition_read(setup.partition, 1, 1000, TARN_READ_ALL, &setup.out, &next, NULL),
			 TARN_ENOTFOUND);
	assert_int_equal(tarn_partition_read(setup.partition, -1, 1000, TARN_READ_ALL, &setup.out, &next, NULL),
			 TARN_ENOTFOUND);
	assert_int_equal(tarn_partition_wait_durable(setup.partition, 0, NULL), TARN_OK);
	setup_end(&setup);
}

static void what_is_appended_is_read(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	int64_t end = 0;
	for (int i = 0; i < 50; i++) {
		struct tarn_append result = setup_append(&setup, (int)end, 1 + i % 7, (size_t)i * 30, NULL);
		assert_int_equal(result.status, TARN_APPEND_DONE);
		assert_int_equal(result.base_offset, end);
		end += 1 + i % 7;
		assert_int_equal(result.last_offset, end - 1);
	}
	setup_wait(&setup);
	struct tarn_offsets offsets = setup_offsets(&setup);
	assert_int_equal(offsets.high_watermark, end);
	assert_int_equal(offsets.last_stable, end);
	static const size_t sizes[] = { 0, 1, 61, 100, 1000, 5000, 1 << 20 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (int64_t from = 0; from <= end; from += 3)
			assert_int_equal(setup_read_all(&setup, from, sizes[i]), end);
	setup_end(&setup);
}

static const struct tarn_topic_setting small_segments[] = { { "segment.bytes", "2000" },
							    { "index.interval.bytes", "300" } };

static void segments_follow_each_other(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, small_segments, 2);
	for (int i = 0; i < 200; i += 2)
		assert_int_equal(setup_append(&setup, i, 2, 100, NULL).status, TARN_APPEND_DONE);
	setup_wait(&setup);
	assert_true(count_files(&setup, "events-0", ".log") > 10);
	for (int64_t from = 0; from <= 200; from++)
		assert_int_equal(setup_read_all(&setup, from, from % 5 ? 700 : 1 << 20), 200);
	for (int round = 0; round < 3; round++) {
		setup_reopen(&setup);
		struct tarn_offsets offsets = setup_offsets(&setup);
		assert_int_equal(offsets.start, 0);
		assert_int_equal(offsets.end, 200 + 2 * round);
		for (int64_t from = 0; from <= 200; from += 7)
			assert_int_equal(setup_read_all(&setup, from, 900), 200 + 2 * round);
		assert_int_equal(setup_append(&setup, 200 + 2 * round, 2, 100, NULL).base_offset, 200 + 2 * round);
		setup_wait(&setup);
	}
	assert_int_equal(setup.warnings, 0);
	setup_end(&setup);
}

static void nothing_is_seen_before_it_is_durable(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	for (int i = 0; i < 200; i++) {
		setup_append(&setup, i, 1, 10, NULL);
		struct tarn_offsets offsets = setup_offsets(&setup);
		int64_t seen = setup_read_all(&setup, 0, 1 << 20);
		assert_true(seen >= offsets.high_watermark && seen <= i + 1);
	}
	setup_wait(&setup);
	assert_int_equal(setup_read_all(&setup, 0, 1 << 20), 200);
	setup_end(&setup);
}

static void topics_are_kept(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 2, small_segments, 2);
	char cluster[24];
	uint8_t id[TARN_UUID_BYTES];
	strcpy(cluster, tarn_log_cluster_id(setup.log));
	memcpy(id, tarn_topic_id(setup.topic), sizeof(id));
	struct tarn_topic *other;
	assert_int_equal(tarn_log_create_topic(setup.log, "events", 1, NULL, 0, &other, NULL), TARN_EEXISTS);
	assert_int_equal(tarn_log_create_topic(setup.log, "no/slash", 1, NULL, 0, &other, NULL), TARN_EINVALID);
	assert_int_equal(tarn_log_create_topic(setup.log, "..", 1, NULL, 0, &other, NULL), TARN_EINVALID);
	assert_int_equal(tarn_log_create_topic(setup.log, "", 1, NULL, 0, &other, NULL), TARN_EINVALID);
	assert_int_equal(tarn_log_create_topic(setup.log, "none", 0, NULL, 0, &other, NULL), TARN_EINVALID);
	static const struct tarn_topic_setting wrong[] = { { "segment.bytes", "many" }, { "no.such.key", "1" } };
	assert_int_equal(tarn_log_create_topic(setup.log, "wrong", 1, &wrong[0], 1, &other, NULL), TARN_EINVALID);
	assert_int_equal(tarn_log_create_topic(setup.log, "wrong", 1, &wrong[1], 1, &other, NULL), TARN_EINVALID);
	char longest[TARN_TOPIC_MAX_NAME + 2];
	memset(longest, 'n', sizeof(longest));
	longest[TARN_TOPIC_MAX_NAME + 1] = '\0';
	assert_int_equal(tarn_log_create_topic(setup.log, longest, 1, NULL, 0, &other, NULL), TARN_EINVALID);
	longest[TARN_TOPIC_MAX_NAME] = '\0';
	assert_int_equal(tarn_log_create_topic(setup.log, longest, 1, NULL, 0, &other, NULL), TARN_OK);
	tarn_topic_unref(other);
	assert_int_equal(tarn_topic_add_partitions(setup.topic, 2, NULL), TARN_EINVALID);
	assert_int_equal(tarn_topic_add_partitions(setup.topic, 5, NULL), TARN_OK);
	static const struct tarn_topic_setting change[] = { { "retention.ms", "1000" }, { "segment.bytes", NULL } };
	assert_int_equal(tarn_topic_configure(setup.topic, change, 2, NULL), TARN_OK);
	setup_reopen(&setup);
	assert_string_equal(tarn_log_cluster_id(setup.log), cluster);
	assert_memory_equal(tarn_topic_id(setup.topic), id, sizeof(id));
	assert_int_equal(tarn_topic_partitions(setup.topic), 5);
	bool own;
	static const struct {
		const char *key, *value;
		bool own;
	} settings[] = { { "retention.ms", "1000", true },
			 { "segment.bytes", "1073741824", false },
			 { "index.interval.bytes", "300", true },
			 { "cleanup.policy", "delete", false } };
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		tarn_buf_clear(&setup.out);
		assert_int_equal(tarn_topic_setting(setup.topic, settings[i].key, &setup.out, &own), TARN_OK);
		assert_true(tarn_slice_eq(tarn_buf_slice(&setup.out), tarn_slice_str(settings[i].value)));
		assert_int_equal(own, settings[i].own);
	}
	assert_int_equal(tarn_topic_setting(setup.topic, "no.such.key", &setup.out, NULL), TARN_ENOTFOUND);
	struct tarn_topic *found = tarn_log_find_topic_id(setup.log, id), **all;
	assert_ptr_equal(found, setup.topic);
	tarn_topic_unref(found);
	assert_int_equal(tarn_log_topics(setup.log, &all), 2);
	assert_string_equal(tarn_topic_name(all[0]), "events");
	tarn_topic_unref(all[0]);
	tarn_topic_unref(all[1]);
	free(all);
	setup_end(&setup);
}

static void a_deleted_topic_frees_its_name(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 2, NULL, 0);
	uint8_t id[TARN_UUID_BYTES];
	memcpy(id, tarn_topic_id(setup.topic), sizeof(id));
	setup_append(&setup, 0, 5, 10, NULL);
	setup_wait(&setup);
	assert_int_equal(tarn_log_delete_topic(setup.log, "events", NULL), TARN_OK);
	assert_int_equal(tarn_log_delete_topic(setup.log, "events", NULL), TARN_ENOTFOUND);
	assert_true(tarn_topic_deleted(setup.topic));
	assert_int_equal(setup_append(&setup, 5, 5, 10, NULL).status, TARN_APPEND_DELETED);
	int64_t next;
	assert_int_equal(tarn_partition_read(setup.partition, 0, 1000, TARN_READ_ALL, &setup.out, &next, NULL),
			 TARN_ENOTFOUND);
	struct tarn_topic *again;
	assert_int_equal(tarn_log_create_topic(setup.log, "events", 1, NULL, 0, &again, NULL), TARN_OK);
	assert_memory_not_equal(tarn_topic_id(again), id, sizeof(id));
	assert_null(tarn_log_find_topic_id(setup.log, id));
	tarn_topic_unref(setup.topic);
	setup.topic = again;
	setup.partition = tarn_topic_partition(again, 0);
	assert_int_equal(setup_append(&setup, 0, 1, 10, NULL).base_offset, 0);
	setup_wait(&setup);
	setup_reopen(&setup);
	assert_int_equal(setup_offsets(&setup).end, 1);
	assert_int_equal(count_files(&setup, ".", ".deleted"), 0);
	setup_end(&setup);
}

/* Appends until the topic is gone. */
static void *append_till_deleted(void *argument)
{
	struct tarn_topic *topic = argument;
	struct tarn_partition *partition = tarn_topic_partition(topic, 0);
	struct tarn_batch_builder *builder = tarn_batch_builder_new(TARN_BATCH_NONE);
	struct tarn_append result = { 0 };
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 20);
	for (int64_t at = 0, next; result.status == TARN_APPEND_DONE; at = next) {
		struct tarn_slice batch;
		tarn_batch_builder_clear(builder);
		tarn_batch_builder_add(builder, 1, tarn_slice_str("old"), tarn_slice_str("of the old topic"), NULL, 0);
		assert_int_equal(tarn_batch_builder_finish(builder, NULL, &batch, NULL), TARN_OK);
		tarn_partition_append(partition, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
		next = at;
		tarn_buf_clear(&out);
		if (tarn_partition_read(partition, at, 1000, TARN_READ_ALL, &out, &next, NULL)) {
			struct tarn_offsets offsets; /* retention was faster, or the topic is gone */
			tarn_partition_offsets(partition, &offsets);
			next = offsets.start;
		}
	}
	tarn_buf_release(&out);
	tarn_batch_builder_free(builder);
	tarn_topic_unref(topic);
	return NULL;
}

/* What still goes on with a deleted topic touches no file of the next one of its name. */
static void a_name_is_used_again_under_load(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting busy[] = { { "segment.bytes", "300" },
							  { "cleanup.policy", "compact,delete" },
							  { "min.cleanable.dirty.ratio", "0" },
							  { "retention.bytes", "5000" } };
	setup_begin(&setup, 1, NULL, 0);
	setup_close(&setup);
	const struct tarn_log_options often = {
		.retention_check_ms = 1, .clean_check_ms = 1, .warn = setup_warn, .context = &setup
	};
	assert_int_equal(tarn_log_open(setup.folder, &often, &setup.log, NULL), TARN_OK);
	for (int round = 0; round < 12; round++) {
		pthread_t threads[2];
		assert_int_equal(tarn_log_delete_topic(setup.log, "events", NULL), TARN_OK);
		assert_int_equal(tarn_log_create_topic(setup.log, "events", 1, busy, 4, &setup.topic, NULL), TARN_OK);
		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, append_till_deleted, tarn_topic_ref(setup.topic));
		setup.partition = tarn_topic_partition(setup.topic, 0);
		while (setup_offsets(&setup).end < 100)
			usleep(100);
		tarn_topic_unref(setup.topic);
		assert_int_equal(tarn_log_delete_topic(setup.log, "events", NULL), TARN_OK);
		assert_int_equal(tarn_log_create_topic(setup.log, "events", 1, NULL, 0, &setup.topic, NULL), TARN_OK);
		setup.partition = tarn_topic_partition(setup.topic, 0);
		for (int i = 0; i < 20; i++)
			assert_int_equal(setup_append(&setup, i, 1, 50, NULL).base_offset, i);
		setup_wait(&setup);
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(setup_read_all(&setup, 0, 500), 20);
		setup_close(&setup);
		assert_int_equal(tarn_log_open(setup.folder, &often, &setup.log, NULL), TARN_OK);
		setup.topic = tarn_log_find_topic(setup.log, "events");
		setup.partition = tarn_topic_partition(setup.topic, 0);
		assert_int_equal(setup_read_all(&setup, 0, 500), 20);
		tarn_topic_unref(setup.topic);
		setup.topic = NULL;
	}
	if (setup.warnings)
		fail_msg("%s", setup.warning);
	setup_end(&setup);
}

struct told {
	struct tarn_durable_waiter waiter;
	int times, ok;
};

static void count_told(struct tarn_durable_waiter *waiter, bool ok)
{
	struct told *told = (struct told *)waiter;
	__atomic_store_n(&told->ok, ok, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&told->times, 1, __ATOMIC_SEQ_CST);
}

static void waiters_are_told_once(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	enum { N = 300 };
	static struct told told[N];
	memset(told, 0, sizeof(told));
	for (int i = 0; i < N; i++) {
		setup_append(&setup, i, 1, 10, NULL);
		told[i].waiter.tell = count_told;
		tarn_partition_when_durable(setup.partition, i + 1, &told[i].waiter);
	}
	setup_wait(&setup);
	setup_close(&setup);
	for (int i = 0; i < N; i++) {
		assert_int_equal(told[i].times, 1);
		assert_int_equal(told[i].ok, 1);
	}
	setup_open(&setup);
	struct told late = { .waiter.tell = count_told };
	tarn_partition_when_durable(setup.partition, N + 1, &late.waiter);
	assert_int_equal(late.times, 0);
	assert_int_equal(tarn_log_delete_topic(setup.log, "events", NULL), TARN_OK);
	assert_int_equal(late.times, 1);
	assert_int_equal(late.ok, 0);
	setup_end(&setup);
}

struct watching {
	struct tarn_partition_watcher watcher;
	int64_t seen;
	int calls;
	bool leave; /* at the first call */
};

static void look_at_offsets(struct tarn_partition_watcher *watcher, struct tarn_partition *partition)
{
	struct watching *watching = (struct watching *)watcher;
	struct tarn_offsets offsets;
	tarn_partition_offsets(partition, &offsets);
	assert_true(offsets.high_watermark >= watching->seen);
	watching->seen = offsets.high_watermark;
	watching->calls++;
	if (watching->leave)
		tarn_partition_unwatch(partition, watcher);
}

static void watchers_see_the_high_watermark(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	struct watching one = { .watcher.changed = look_at_offsets }, two = one, once = one;
	once.leave = true;
	tarn_partition_watch(setup.partition, &one.watcher);
	tarn_partition_watch(setup.partition, &once.watcher);
	tarn_partition_watch(setup.partition, &two.watcher);
	for (int i = 0; i < 20; i++) {
		setup_append(&setup, i, 1, 10, NULL);
		setup_wait(&setup);
	}
	tarn_topic_unref(setup.topic);
	tarn_partition_unwatch(setup.partition, &one.watcher);
	setup.topic = NULL;
	setup_close(&setup);
	assert_true(one.seen <= 20 && one.calls > 0);
	assert_int_equal(two.seen, 20);
	assert_int_equal(once.calls, 1);
	setup_end(&setup);
}

static void one_user_at_a_time(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	struct tarn_log *second;
	assert_int_equal(tarn_log_open(setup.folder, NULL, &second, NULL), TARN_EBUSY);
	setup_end(&setup);
}

static void producer_ids_are_never_given_twice(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	int64_t last = -1;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1500; i++) {
			int64_t id;
			assert_int_equal(tarn_log_new_producer_id(setup.log, &id, NULL), TARN_OK);
			assert_true(id > last);
			last = id;
		}
		setup_reopen(&setup);
	}
	setup_end(&setup);
}

static void relaxed_topics_show_at_once(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting relaxed[] = { { "flush.messages", "1000" }, { "flush.ms", "5" } };
	setup_begin(&setup, 1, relaxed, 2);
	for (int i = 0; i < 5000; i++) {
		setup_append(&setup, i, 1, 10, NULL);
		assert_int_equal(setup_offsets(&setup).high_watermark, i + 1);
	}
	setup_reopen(&setup);
	assert_int_equal(setup_read_all(&setup, 0, 1 << 20), 5000);
	setup_end(&setup);
}

/* Few descriptors, many partitions. */
static void few_open_files(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 100, NULL, 0);
	setup_close(&setup);
	const struct tarn_log_options options = { .max_open_files = 16 };
	assert_int_equal(tarn_log_open(setup.folder, &options, &setup.log, NULL), TARN_OK);
	setup.topic = tarn_log_find_topic(setup.log, "events");
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 100; i++) {
			setup.partition = tarn_topic_partition(setup.topic, i);
			assert_int_equal(setup_append(&setup, round, 1, 10, NULL).base_offset, round);
			setup_wait(&setup);
			assert_int_equal(setup_read_all(&setup, 0, 100), round + 1);
		}
	DIR *dir = opendir("/proc/self/fd");
	int open_now = 0;
	while (readdir(dir))
		open_now++;
	closedir(dir);
	assert_true(open_now < 40);
	setup_end(&setup);
}

/* The text of the topic's setting. */
static const char *text_of(struct setup *setup, const char *key)
{
	tarn_buf_clear(&setup->out);
	assert_int_equal(tarn_topic_setting(setup->topic, key, &setup->out, NULL), TARN_OK);
	tarn_buf_add_byte(&setup->out, '\0');
	return (const char *)setup->out.data;
}

static enum tarn_rc configure(struct setup *setup, const char *scope, const char *name, const char *value)
{
	const struct tarn_topic_setting setting = { name, value };
	return tarn_log_configure(setup->log, scope, &setting, 1, NULL);
}

static void topics_follow_the_broker(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting own = { "retention.ms", "77" };
	setup_begin(&setup, 1, &own, 1);
	assert_int_equal(configure(&setup, TARN_SCOPE_CLUSTER, "message.max.bytes", "200"), TARN_OK);
	assert_int_equal(configure(&setup, TARN_SCOPE_CLUSTER, "log.retention.ms", "88"), TARN_OK);
	assert_int_equal(setup_append(&setup, 0, 1, 1000, NULL).status, TARN_APPEND_TOO_LARGE);
	assert_string_equal(text_of(&setup, "max.message.bytes"), "200");
	assert_string_equal(text_of(&setup, "retention.ms"), "77");
	assert_int_equal(configure(&setup, TARN_SCOPE_BROKER, "message.max.bytes", "2000"), TARN_OK);
	assert_int_equal(setup_append(&setup, 0, 1, 1000, NULL).status, TARN_APPEND_DONE);
	assert_int_equal(configure(&setup, TARN_SCOPE_BROKER, "message.max.bytes", "many"), TARN_EINVALID);
	assert_int_equal(configure(&setup, TARN_SCOPE_BROKER, "of.others", "\xff"), TARN_EINVALID);
	assert_int_equal(configure(&setup, "elsewhere", "message.max.bytes", "many"), TARN_OK);
	setup_wait(&setup);
	setup_reopen(&setup);
	assert_string_equal(text_of(&setup, "max.message.bytes"), "2000");
	assert_int_equal(setup_append(&setup, 1, 1, 3000, NULL).status, TARN_APPEND_TOO_LARGE);
	static const struct tarn_topic_setting back[] = { { "message.max.bytes", NULL }, { "not.there", NULL } };
	assert_int_equal(tarn_log_configure(setup.log, TARN_SCOPE_BROKER, back, 2, NULL), TARN_OK);
	assert_int_equal(setup_append(&setup, 1, 1, 1000, NULL).status, TARN_APPEND_TOO_LARGE);
	assert_int_equal(configure(&setup, TARN_SCOPE_CLUSTER, "message.max.bytes", NULL), TARN_OK);
	assert_int_equal(setup_append(&setup, 1, 1, 3000, NULL).status, TARN_APPEND_DONE);
	setup_wait(&setup);
	tarn_buf_clear(&setup.out);
	assert_int_equal(tarn_log_setting(setup.log, TARN_SCOPE_BROKER, "message.max.bytes", &setup.out),
			 TARN_ENOTFOUND);
	assert_int_equal(tarn_log_setting(setup.log, TARN_SCOPE_CLUSTER, "log.retention.ms", &setup.out), TARN_OK);
	assert_true(tarn_slice_eq(tarn_buf_slice(&setup.out), tarn_slice_str("88")));
	setup_end(&setup);
}

static void *change_defaults(void *context)
{
	struct setup *setup = context;
	static const char *const values[][2] = {
		{ "compression.type", "zstd" }, { "compression.type", "lz4" },
		{ "message.max.bytes", "200" }, { "log.message.timestamp.type", "LogAppendTime" },
		{ "message.max.bytes", NULL },	{ "log.message.timestamp.type", NULL },
		{ "compression.type", NULL }
	};
	for (int round = 0; round < 10; round++)
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
			assert_int_equal(configure(setup, TARN_SCOPE_CLUSTER, values[i][0], values[i][1]), TARN_OK);
	return NULL;
}

/* While others append, a default is the old one or the new one. */
static void defaults_change_under_load(void **state)
{
	(void)state;
	struct setup setup;
	pthread_t changer;
	setup_begin(&setup, 1, NULL, 0);
	assert_int_equal(pthread_create(&changer, NULL, change_defaults, &setup), 0);
	int64_t taken = 0;
	for (int i = 0; i < 300; i++) {
		struct tarn_append result = setup_append(&setup, (int)taken, 1, 1000, NULL);
		assert_true(result.status == TARN_APPEND_DONE || result.status == TARN_APPEND_TOO_LARGE);
		taken += result.status == TARN_APPEND_DONE;
		if (i % 10 == 0)
			setup_wait(&setup);
	}
	pthread_join(changer, NULL);
	setup_wait(&setup);
	assert_int_equal(setup_append(&setup, (int)taken, 1, 1000, NULL).status, TARN_APPEND_DONE);
	setup_wait(&setup);
	assert_int_equal(setup_read_all(&setup, 0, 1 << 20), taken + 1);
	setup_end(&setup);
}

/* Also where the segment ends within what may be read. */
static void a_read_within_a_limit_gives_no_longer_batch(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	for (int i = 0; i < 4; i++)
		setup_append(&setup, i, 1, 300, NULL);
	setup_wait(&setup);
	size_t one = (size_t)setup_offsets(&setup).bytes / 4;
	const struct {
		int64_t offset;
		size_t max_bytes, batches;
	} cases[] = { { 0, 0, 0 },	 { 0, 61, 0 },	{ 0, one - 1, 0 }, { 0, one, 1 },     { 0, 2 * one + 1, 2 },
		      { 3, one - 1, 0 }, { 3, one, 1 }, { 3, 1 << 20, 1 }, { 0, 1 << 20, 4 }, { 4, 1 << 20, 0 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t next;
		tarn_buf_clear(&setup.out);
		assert_int_equal(tarn_partition_read_within(setup.partition, cases[i].offset, cases[i].max_bytes,
							    TARN_READ_UNCOMMITTED, &setup.out, &next, NULL),
				 TARN_OK);
		assert_int_equal(setup.out.len, cases[i].batches * one);
		assert_int_equal(next, cases[i].offset + (int64_t)cases[i].batches);
	}
	setup_end(&setup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_log),
		cmocka_unit_test(what_is_appended_is_read),
		cmocka_unit_test(segments_follow_each_other),
		cmocka_unit_test(nothing_is_seen_before_it_is_durable),
		cmocka_unit_test(topics_are_kept),
		cmocka_unit_test(a_deleted_topic_frees_its_name),
		cmocka_unit_test(a_name_is_used_again_under_load),
		cmocka_unit_test(waiters_are_told_once),
		cmocka_unit_test(watchers_see_the_high_watermark),
		cmocka_unit_test(one_user_at_a_time),
		cmocka_unit_test(producer_ids_are_never_given_twice),
		cmocka_unit_test(relaxed_topics_show_at_once),
		cmocka_unit_test(few_open_files),
		cmocka_unit_test(topics_follow_the_broker),
		cmocka_unit_test(defaults_change_under_load),
		cmocka_unit_test(a_read_within_a_limit_gives_no_longer_batch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
