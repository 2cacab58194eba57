/* What goes by age, by size and by demand. */
#include <dirent.h>

#include "log_setup.h"
#include "stream/log/log_parts.h"

static void append_at(struct setup *setup, int number, int64_t timestamp)
{
	char key[16];
	snprintf(key, sizeof(key), "k%d", number);
	tarn_batch_builder_clear(setup->builder);
	tarn_batch_builder_add(setup->builder, timestamp, tarn_slice_str(key), tarn_slice_str("a value"), NULL, 0);
	struct tarn_slice batch;
	struct tarn_append result;
	assert_int_equal(tarn_batch_builder_finish(setup->builder, NULL, &batch, NULL), TARN_OK);
	tarn_partition_append(setup->partition, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
	assert_int_equal(result.status, TARN_APPEND_DONE);
	assert_int_equal(result.base_offset, number);
}

static int count_segments(const struct setup *setup)
{
	char *path = tarn_asprintf("%s/log/events-0", setup->folder);
	DIR *dir = opendir(path);
	int count = 0;
	for (struct dirent *entry; (entry = readdir(dir));)
		count += strlen(entry->d_name) == 24 && !strcmp(entry->d_name + 20, ".log");
	closedir(dir);
	free(path);
	return count;
}

static void delete_before_moves_the_start(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "segment.bytes", "1000" } };
	setup_begin(&setup, 1, settings, 1);
	for (int i = 0; i < 60; i++)
		setup_append(&setup, i, 1, 50, NULL);
	setup_wait(&setup);
	int64_t start, next;
	int before = count_segments(&setup);
	static const struct {
		int64_t ask, start;
	} cases[] = { { 0, 0 }, { 1, 1 }, { 25, 25 }, { 10, 25 }, { 26, 26 }, { 59, 59 }, { -1, 60 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(tarn_partition_delete_before(setup.partition, cases[i].ask, &start, NULL), TARN_OK);
		assert_int_equal(start, cases[i].start);
		assert_int_equal(setup_offsets(&setup).start, start);
		assert_int_equal(setup_read_all(&setup, start, 300), 60);
		if (start)
			assert_int_equal(tarn_partition_read(setup.partition, start - 1, 300, TARN_READ_ALL, &setup.out,
							     &next, NULL),
					 TARN_ENOTFOUND);
		setup_reopen(&setup);
		assert_int_equal(setup_offsets(&setup).start, start);
		assert_int_equal(setup_offsets(&setup).end, 60);
	}
	assert_int_equal(tarn_partition_delete_before(setup.partition, 61, &start, NULL), TARN_ENOTFOUND);
	assert_true(before > 5);
	assert_int_equal(count_segments(&setup), 1);
	assert_int_equal(setup_append(&setup, 60, 1, 50, NULL).base_offset, 60);
	setup_end(&setup);
}

static void old_segments_go(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "segment.bytes", "500" },
							      { "retention.ms", "3600000" } };
	setup_begin(&setup, 1, settings, 2);
	int64_t now = tarn_now_us() / 1000;
	for (int i = 0; i < 40; i++)
		append_at(&setup, i, i < 25 ? now - 7200000 : now);
	setup_wait(&setup);
	struct tarn_err err;
	assert_int_equal(partition_retain(setup.partition, &err), TARN_OK);
	int64_t start = setup_offsets(&setup).start;
	assert_true(start > 15 && start <= 25);
	assert_int_equal(setup_read_all(&setup, start, 300), 40);
	setup_reopen(&setup);
	assert_int_equal(setup_offsets(&setup).start, start);
	assert_int_equal(setup_read_all(&setup, start, 300), 40);
	setup_end(&setup);
}

/* Also the segment that is appended to; and offsets go on where they were, also after a restart. */
static void everything_goes_when_all_is_old(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "segment.bytes", "500" }, { "retention.ms", "1000" } };
	setup_begin(&setup, 1, settings, 2);
	int64_t now = tarn_now_us() / 1000;
	for (int i = 0; i < 20; i++)
		append_at(&setup, i, now - 7200000);
	setup_wait(&setup);
	struct tarn_err err;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(partition_retain(setup.partition, &err), TARN_OK);
		struct tarn_offsets offsets = setup_offsets(&setup);
		assert_int_equal(offsets.start, 20);
		assert_int_equal(offsets.end, 20);
		assert_int_equal(offsets.bytes, 0);
		setup_reopen(&setup);
	}
	append_at(&setup, 20, now);
	setup_wait(&setup);
	setup_reopen(&setup);
	assert_int_equal(setup_read_all(&setup, 20, 300), 21);
	setup_end(&setup);
}

static void too_many_bytes_go(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "segment.bytes", "1000" },
							      { "retention.bytes", "3000" } };
	setup_begin(&setup, 1, settings, 2);
	for (int i = 0; i < 100; i++)
		setup_append(&setup, i, 1, 50, NULL);
	setup_wait(&setup);
	struct tarn_err err;
	assert_int_equal(partition_retain(setup.partition, &err), TARN_OK);
	struct tarn_offsets offsets = setup_offsets(&setup);
	assert_true(offsets.bytes >= 3000 && offsets.bytes < 4000);
	assert_int_equal(setup_read_all(&setup, offsets.start, 300), 100);
	assert_int_equal(partition_retain(setup.partition, &err), TARN_OK);
	assert_int_equal(setup_offsets(&setup).start, offsets.start);
	setup_end(&setup);
}

/* A reader that has found its place goes on while the file is taken away. */
static void the_keeper_does_it_by_itself(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "segment.bytes", "1000" },
							      { "retention.bytes", "3000" } };
	setup_begin(&setup, 1, settings, 2);
	setup_close(&setup);
	const struct tarn_log_options often = { .retention_check_ms = 1, .clean_check_ms = 1 };
	assert_int_equal(tarn_log_open(setup.folder, &often, &setup.log, NULL), TARN_OK);
	setup.topic = tarn_log_find_topic(setup.log, "events");
	setup.partition = tarn_topic_partition(setup.topic, 0);
	for (int i = 0; i < 3000; i++) {
		setup_append(&setup, i, 1, 50, NULL);
		int64_t next, start = setup_offsets(&setup).start;
		tarn_buf_clear(&setup.out);
		enum tarn_rc rc =
			tarn_partition_read(setup.partition, start, 2000, TARN_READ_ALL, &setup.out, &next, NULL);
		if (rc == TARN_ENOTFOUND) /* the start has moved on */
			assert_true(setup_offsets(&setup).start > start);
		else
			assert_int_equal(rc, TARN_OK);
	}
	setup_wait(&setup);
	while (setup_offsets(&setup).bytes >= 4000)
		usleep(1000);
	assert_true(setup_offsets(&setup).start > 2900);
	setup_end(&setup);
}

static void times_are_found(void **state)
{
	(void)state;
	struct setup setup;
	static const struct tarn_topic_setting settings[] = { { "segment.bytes", "900" },
							      { "index.interval.bytes", "200" },
							      { "message.timestamp.after.max.ms",
								"9223372036854775807" } };
	setup_begin(&setup, 1, settings, 3);
	for (int i = 0; i < 100; i++)
		append_at(&setup, i, 1000 + 10 * i);
	setup_wait(&setup);
	for (int round = 0; round < 2; round++) {
		int64_t offset, timestamp;
		for (int64_t time = 0; time <= 1990; time += 3) {
			int64_t expected = time <= 1000 ? 0 : (time - 1000 + 9) / 10;
			assert_int_equal(tarn_partition_find_time(setup.partition, time, &offset, &timestamp, NULL),
					 TARN_OK);
			assert_int_equal(offset, expected);
			assert_int_equal(timestamp, 1000 + 10 * expected);
		}
		assert_int_equal(tarn_partition_find_time(setup.partition, 1991, &offset, &timestamp, NULL),
				 TARN_ENOTFOUND);
		assert_int_equal(tarn_partition_max_time(setup.partition, &offset, &timestamp, NULL), TARN_OK);
		assert_int_equal(offset, 99);
		setup_reopen(&setup);
	}
	int64_t start, offset, timestamp;
	assert_int_equal(tarn_partition_delete_before(setup.partition, 50, &start, NULL), TARN_OK);
	assert_int_equal(tarn_partition_find_time(setup.partition, 0, &offset, &timestamp, NULL), TARN_OK);
	assert_int_equal(offset, 50);
	assert_int_equal(tarn_partition_delete_before(setup.partition, 100, &start, NULL), TARN_OK);
	assert_int_equal(tarn_partition_find_time(setup.partition, 0, &offset, &timestamp, NULL), TARN_ENOTFOUND);
	assert_int_equal(tarn_partition_max_time(setup.partition, &offset, &timestamp, NULL), TARN_ENOTFOUND);
	setup_end(&setup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delete_before_moves_the_start),   cmocka_unit_test(old_segments_go),
		cmocka_unit_test(everything_goes_when_all_is_old), cmocka_unit_test(too_many_bytes_go),
		cmocka_unit_test(the_keeper_does_it_by_itself),	   cmocka_unit_test(times_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
