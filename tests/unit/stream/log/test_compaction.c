/* What compaction keeps, where, and what a crash in the middle of it leaves. */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "log_setup.h"
#include "stream/log/key_map.h"
#include "stream/log/log_parts.h"

static const struct tarn_topic_setting compacted[] = { { "cleanup.policy", "compact" },
						       { "segment.bytes", "1000" },
						       { "min.cleanable.dirty.ratio", "0.01" },
						       { "delete.retention.ms", "0" },
						       { "index.interval.bytes", "200" } };

static int64_t put(struct setup *setup, const char *key, const char *value, const struct tarn_batch_producer *producer)
{
	struct tarn_slice batch;
	struct tarn_append result;
	tarn_batch_builder_clear(setup->builder);
	tarn_batch_builder_add(setup->builder, tarn_now_us() / 1000, tarn_slice_str(key),
			       tarn_slice_of(value, value ? strlen(value) : 0), NULL, 0);
	assert_int_equal(tarn_batch_builder_finish(setup->builder, producer, &batch, NULL), TARN_OK);
	tarn_partition_append(setup->partition, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
	assert_int_equal(result.status, TARN_APPEND_DONE);
	return result.base_offset;
}

static void compact(struct setup *setup)
{
	struct tarn_err err;
	setup_wait(setup);
	assert_int_equal(sync_checkpoint(setup->partition, &err), TARN_OK);
	if (partition_compact(setup->partition, &err))
		fail_msg("%s", err.message);
}

/* What a reader of everything ends up with: the newest value of each of the keys "k0" to "k<n-1>", "" where there is
 * none. How many records were read. */
enum { MOST_KEYS = 64 };
static int replay(struct setup *setup, char values[MOST_KEYS][32])
{
	struct tarn_batch_reader *reader = tarn_batch_reader_new();
	int64_t at = setup_offsets(setup).start, last = -1;
	int count = 0;
	memset(values, 0, MOST_KEYS * sizeof(*values));
	for (;;) {
		int64_t next;
		struct tarn_err err;
		tarn_buf_clear(&setup->out);
		if (tarn_partition_read(setup->partition, at, 700, TARN_READ_UNCOMMITTED, &setup->out, &next, &err))
			fail_msg("%s", err.message);
		if (!setup->out.len)
			break;
		for (struct tarn_slice left = tarn_buf_slice(&setup->out); left.len;) {
			struct tarn_batch batch;
			struct tarn_message message;
			assert_int_equal(tarn_batch_parse(left, &batch, NULL), TARN_OK);
			assert_int_equal(tarn_batch_reader_open(reader, &batch, 1 << 20, NULL), TARN_OK);
			while (!batch.control && !tarn_batch_reader_next(reader, &message, NULL)) {
				assert_true(message.offset > last);
				last = message.offset;
				int key = atoi((const char *)message.key.data + 1);
				snprintf(values[key], 32, "%.*s", (int)message.value.len,
					 message.value.data ? (const char *)message.value.data : "");
				count++;
			}
			left = tarn_slice_of(left.data + batch.bytes.len, left.len - batch.bytes.len);
		}
		at = next;
	}
	tarn_batch_reader_free(reader);
	assert_int_equal(at, setup_offsets(setup).high_watermark);
	return count;
}

static void only_the_newest_value_stays(void **state)
{
	(void)state;
	struct setup setup;
	char before[MOST_KEYS][32], after[MOST_KEYS][32], value[32], key[8];
	setup_begin(&setup, 1, compacted, 5);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 300; i++) {
			snprintf(key, sizeof(key), "k%d", i * 7 % 20);
			snprintf(value, sizeof(value), "v%d-%d", round, i);
			put(&setup, key, value, NULL);
		}
		setup_wait(&setup);
		int all = replay(&setup, before);
		compact(&setup);
		int left = replay(&setup, after);
		assert_memory_equal(before, after, sizeof(before));
		assert_true(left < all / 3 && left >= 20);
		struct tarn_offsets offsets = setup_offsets(&setup);
		assert_int_equal(offsets.start, 0);
		assert_int_equal(offsets.end, 300 * (round + 1));
		setup_reopen(&setup);
		assert_int_equal(replay(&setup, after), left);
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(setup_offsets(&setup).bytes, offsets.bytes);
	}
	assert_int_equal(setup.warnings, 0);
	setup_end(&setup);
}

/* Every offset can still be asked for; the answer begins with the next record that there is. */
static void gaps_are_read_over(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, compacted, 5);
	for (int i = 0; i < 200; i++)
		put(&setup, i % 50 ? "k1" : "k2", "value", NULL);
	compact(&setup);
	for (int64_t from = 0; from < 200; from++) {
		int64_t next;
		tarn_buf_clear(&setup.out);
		assert_int_equal(
			tarn_partition_read(setup.partition, from, 1, TARN_READ_UNCOMMITTED, &setup.out, &next, NULL),
			TARN_OK);
		struct tarn_batch batch;
		assert_int_equal(tarn_batch_parse(tarn_buf_slice(&setup.out), &batch, NULL), TARN_OK);
		assert_true(batch.base_offset >= from && next > from);
	}
	int64_t offset, timestamp;
	assert_int_equal(tarn_partition_find_time(setup.partition, 0, &offset, &timestamp, NULL), TARN_OK);
	assert_true(offset > 100);
	setup_end(&setup);
}

static void deletions_are_seen_for_a_while(void **state)
{
	(void)state;
	struct setup setup;
	char values[MOST_KEYS][32];
	setup_begin(&setup, 1, compacted, 5);
	static const struct tarn_topic_setting keep[] = { { "delete.retention.ms", "3600000" } },
					       drop[] = { { "delete.retention.ms", "0" } };
	assert_int_equal(tarn_topic_configure(setup.topic, keep, 1, NULL), TARN_OK);
	put(&setup, "k1", "one", NULL);
	put(&setup, "k2", "two", NULL);
	put(&setup, "k1", NULL, NULL);
	for (int i = 0; i < 30; i++)
		put(&setup, "k3", "filler", NULL);
	compact(&setup);
	int with = replay(&setup, values);
	assert_string_equal(values[1], "");
	assert_string_equal(values[2], "two");
	for (int i = 0; i < 30; i++)
		put(&setup, "k3", "filler", NULL);
	compact(&setup);
	replay(&setup, values);
	assert_string_equal(values[2], "two");
	assert_int_equal(tarn_topic_configure(setup.topic, drop, 1, NULL), TARN_OK);
	put(&setup, "k2", NULL, NULL);
	for (int pass = 0; pass < 2; pass++) { /* the first sets the horizon, the second is past it */
		for (int i = 0; i < 30; i++)
			put(&setup, "k3", "filler", NULL);
		compact(&setup);
	}
	int left = replay(&setup, values);
	assert_string_equal(values[2], "");
	assert_true(left <= with + 15);
	setup_end(&setup);
}

static void sequences_survive(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, compacted, 5);
	struct tarn_batch_producer producer = { 4, 1, 0, false };
	for (; producer.sequence < 5; producer.sequence++)
		put(&setup, "k1", "by a producer", &producer);
	for (int i = 0; i < 60; i++)
		put(&setup, "k1", "by nobody", NULL);
	compact(&setup);
	char *state_path = tarn_asprintf("%s/log/events-0/state", setup.folder);
	setup_close(&setup);
	assert_int_equal(unlink(state_path), 0); /* so that only the batches tell */
	free(state_path);
	setup_open(&setup);
	struct tarn_producer_state *producers;
	assert_int_equal(tarn_partition_producers(setup.partition, &producers), 1);
	assert_int_equal(producers[0].last_sequence, 4);
	assert_int_equal(producers[0].epoch, 1);
	free(producers);
	put(&setup, "k1", "the next", &producer);
	setup_end(&setup);
}

static void aborted_records_go(void **state)
{
	(void)state;
	struct setup setup;
	char values[MOST_KEYS][32];
	struct tarn_append result;
	setup_begin(&setup, 1, compacted, 5);
	struct tarn_batch_producer one = { 1, 0, 0, true }, two = { 2, 0, 0, true }, open = { 3, 0, 0, true };
	put(&setup, "k1", "old", NULL);
	put(&setup, "k1", "aborted", &one);
	put(&setup, "k2", "committed", &two);
	tarn_partition_append_marker(setup.partition, 1, 0, false, 0, &result);
	tarn_partition_append_marker(setup.partition, 2, 0, true, 0, &result);
	for (int i = 0; i < 30; i++)
		put(&setup, "k3", "filler", NULL);
	int64_t unstable = put(&setup, "k3", "open", &open);
	for (int i = 0; i < 30; i++)
		put(&setup, "k3", "filler", NULL);
	compact(&setup);
	assert_true(setup.partition->cleaned <= unstable);
	int count = replay(&setup, values);
	assert_string_equal(values[1], "old"); /* the aborted one did not replace it, and is gone */
	assert_string_equal(values[2], "committed");
	assert_true(count > 31);
	assert_int_equal(setup_offsets(&setup).last_stable, unstable);
	setup_end(&setup);
}

static void what_is_young_or_little_stays(void **state)
{
	(void)state;
	struct setup setup;
	char values[MOST_KEYS][32];
	setup_begin(&setup, 1, compacted, 5);
	for (int i = 0; i < 100; i++)
		put(&setup, "k1", "value", NULL);
	static const struct tarn_topic_setting later[] = { { "min.compaction.lag.ms", "3600000" } },
					       now[] = { { "min.compaction.lag.ms", "0" } };
	assert_int_equal(tarn_topic_configure(setup.topic, later, 1, NULL), TARN_OK);
	compact(&setup);
	assert_int_equal(replay(&setup, values), 100);
	assert_int_equal(tarn_topic_configure(setup.topic, now, 1, NULL), TARN_OK);
	compact(&setup);
	int left = replay(&setup, values);
	assert_true(left < 20);
	compact(&setup); /* nothing is new */
	assert_int_equal(replay(&setup, values), left);
	setup_end(&setup);
}

/* A reader that has found its place keeps it while the file is exchanged. */
static void readers_go_on_meanwhile(void **state)
{
	(void)state;
	struct setup setup;
	char values[MOST_KEYS][32], value[32];
	setup_begin(&setup, 1, compacted, 5);
	setup_close(&setup);
	const struct tarn_log_options often = { .clean_check_ms = 1, .retention_check_ms = 1000000 };
	assert_int_equal(tarn_log_open(setup.folder, &often, &setup.log, NULL), TARN_OK);
	setup.topic = tarn_log_find_topic(setup.log, "events");
	setup.partition = tarn_topic_partition(setup.topic, 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		put(&setup, i % 3 ? "k1" : "k2", value, NULL);
		if (i % 20 == 0) {
			setup_wait(&setup);
			replay(&setup, values);
			assert_string_equal(values[i % 3 ? 1 : 2], value);
		}
	}
	setup_end(&setup);
}

/* Killed at each named point: the next opening finishes or forgets, and a reader sees what it saw before. */
static void a_crash_at_any_point(void **state)
{
	(void)state;
	static const char *const points[] = { "compaction.written", "compaction.decided", "compaction.removed",
					      "compaction.swapped", "compaction.swapped:2" };
	struct setup setup;
	char before[MOST_KEYS][32], after[MOST_KEYS][32], key[8], value[32];
	setup_begin(&setup, 1, compacted, 5);
	for (size_t point = 0; point < sizeof(points) / sizeof(*points); point++) {
		for (int i = 0; i < 200; i++) {
			snprintf(key, sizeof(key), "k%d", i % 23);
			snprintf(value, sizeof(value), "v%zu-%d", point, i);
			put(&setup, key, value, NULL);
		}
		setup_wait(&setup);
		replay(&setup, before);
		setup_close(&setup);
		pid_t child = fork();
		if (!child) {
			setenv("TARN_KILL_AT", points[point],
			       1); /* read once in a process: so it must be another program */
			execl("/proc/self/exe", "test_compaction", setup.folder, NULL);
			_exit(1);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		setup_open(&setup);
		replay(&setup, after);
		assert_memory_equal(before, after, sizeof(before));
		compact(&setup);
		replay(&setup, after);
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(setup_offsets(&setup).end, 200 * (point + 1));
	}
	assert_int_equal(setup.warnings, 0);
	setup_end(&setup);
}

static void a_map_of_keys(void **state)
{
	(void)state;
	struct key_map map;
	key_map_init(&map, 1 << 16);
	uint32_t put_in = 0;
	while (key_map_put(&map, tarn_slice_of(&put_in, 4), put_in + 10))
		put_in++;
	assert_true(put_in > 1000 && map.n_slots * sizeof(*map.slots) <= 1 << 16);
	for (uint32_t i = 0; i < put_in; i++)
		assert_int_equal(key_map_get(&map, tarn_slice_of(&i, 4)), i + 10);
	assert_int_equal(key_map_get(&map, tarn_slice_of(&put_in, 4)), -1);
	uint32_t zero = 0;
	assert_true(key_map_put(&map, tarn_slice_of(&zero, 4), 5)); /* older: no change */
	assert_int_equal(key_map_get(&map, tarn_slice_of(&zero, 4)), 10);
	key_map_release(&map);
}

static int compact_folder(const char *folder)
{
	struct setup setup = { 0 };
	snprintf(setup.folder, sizeof(setup.folder), "%s", folder);
	setup_open(&setup);
	compact(&setup);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return compact_folder(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_newest_value_stays),
		cmocka_unit_test(gaps_are_read_over),
		cmocka_unit_test(deletions_are_seen_for_a_while),
		cmocka_unit_test(sequences_survive),
		cmocka_unit_test(aborted_records_go),
		cmocka_unit_test(what_is_young_or_little_stays),
		cmocka_unit_test(readers_go_on_meanwhile),
		cmocka_unit_test(a_crash_at_any_point),
		cmocka_unit_test(a_map_of_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
