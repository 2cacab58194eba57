/* What a crash, a bad disk or a careless hand leaves behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "log_setup.h"

static const struct tarn_topic_setting small_segments[] = { { "segment.bytes", "2000" },
							    { "index.interval.bytes", "300" } };

static char *path_of(const struct setup *setup, const char *name)
{
	return tarn_asprintf("%s/log/events-0/%s", setup->folder, name);
}

/* The files of the first partition with this suffix, by name. */
static size_t list(const struct setup *setup, const char *suffix, char names[64][64])
{
	char *folder = path_of(setup, "");
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);
	size_t found = 0;
	for (int i = 0; i < count; i++) {
		size_t len = strlen(entries[i]->d_name), tail = strlen(suffix);
		if (len > tail && !strcmp(entries[i]->d_name + len - tail, suffix) && found < 64)
			snprintf(names[found++], 64, "%.63s", entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	free(folder);
	return found;
}

static off_t size_of(const struct setup *setup, const char *name)
{
	struct stat status;
	char *path = path_of(setup, name);
	assert_int_equal(stat(path, &status), 0);
	free(path);
	return status.st_size;
}

static void resize(const struct setup *setup, const char *name, off_t size)
{
	char *path = path_of(setup, name);
	assert_int_equal(truncate(path, size), 0);
	free(path);
}

static void flip_bit(const struct setup *setup, const char *name, off_t at)
{
	char *path = path_of(setup, name);
	int fd = open(path, O_RDWR);
	uint8_t byte;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	free(path);
}

static void remove_all(const struct setup *setup, const char *suffix)
{
	char names[64][64];
	size_t count = list(setup, suffix, names);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		char *path = path_of(setup, names[i]);
		assert_int_equal(unlink(path), 0);
		free(path);
	}
}

/* Appends in another process, which then is no more: nothing is closed. */
static void append_and_die(struct setup *setup, int first, int count, size_t size)
{
	setup_close(setup);
	pid_t child = fork();
	if (!child) {
		setup_open(setup);
		for (int i = 0; i < count; i++)
			if (setup_append(setup, first + i, 1, size, NULL).base_offset != first + i)
				_exit(1);
		setup_wait(setup);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	setup_open(setup);
}

static void a_crash_loses_nothing_durable(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, small_segments, 2);
	for (int round = 0; round < 5; round++) {
		append_and_die(&setup, 30 * round, 30, 150);
		assert_int_equal(setup_offsets(&setup).end, 30 * (round + 1));
		for (int from = 0; from < 30 * (round + 1); from += 11)
			assert_int_equal(setup_read_all(&setup, from, 500), 30 * (round + 1));
	}
	assert_int_equal(setup.warnings, 0);
	setup_end(&setup);
}

/* The last batch is cut at every byte: the ones before it stay, and the log goes on behind them. */
static void a_cut_tail_is_taken_away(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	append_and_die(&setup, 0, 3, 20);
	setup_close(&setup);
	char names[64][64];
	assert_int_equal(list(&setup, ".log", names), 1);
	off_t whole = size_of(&setup, names[0]), batch = whole / 3;
	for (off_t size = whole - 1; size >= whole - batch; size--) {
		resize(&setup, names[0], size);
		setup_open(&setup);
		assert_int_equal(setup_offsets(&setup).end, 2);
		assert_int_equal(setup_read_all(&setup, 0, 1000), 2);
		if (setup_append(&setup, 2, 1, 20, NULL).base_offset != 2)
			fail();
		setup_close(&setup);
		char *state_path = path_of(&setup, "state");
		assert_int_equal(unlink(state_path), 0); /* as if the crash had come before the checkpoint */
		free(state_path);
		assert_int_equal(size_of(&setup, names[0]), whole);
	}
	setup_end(&setup);
}

/* One flipped bit anywhere in what is not checkpointed: nothing damaged is served, and nothing before it is lost. */
static void a_flipped_bit_ends_the_log(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	append_and_die(&setup, 0, 3, 10);
	setup_close(&setup);
	char names[64][64];
	list(&setup, ".log", names);
	off_t whole = size_of(&setup, names[0]), batch = whole / 3;
	char *log_path = path_of(&setup, names[0]), *state_path = path_of(&setup, "state"),
	     *copy = tarn_asprintf("cp '%s' '%s.kept'", log_path, log_path),
	     *back = tarn_asprintf("cp '%s.kept' '%s'", log_path, log_path);
	assert_int_equal(system(copy), 0);
	for (off_t at = 0; at < whole; at++) {
		assert_int_equal(system(back), 0);
		unlink(state_path);
		flip_bit(&setup, names[0], at);
		setup_open(&setup);
		/* The leader epoch is outside of the checksum and of no use; a higher base offset is one that
		 * compaction could leave. */
		bool unseen = at % batch >= 12 && at % batch < 16;
		struct tarn_offsets offsets = setup_offsets(&setup);
		if (unseen)
			assert_int_equal(offsets.end, 3);
		else if (at % batch >= 8)
			assert_int_equal(offsets.end, at / batch);
		setup_close(&setup);
	}
	free(log_path);
	free(state_path);
	free(copy);
	free(back);
	setup_end(&setup);
}

static void damage_behind_the_checkpoint_is_never_served(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	append_and_die(&setup, 0, 3, 100);
	assert_int_equal(setup_offsets(&setup).end, 3);
	setup_close(&setup); /* a checkpoint */
	char names[64][64];
	list(&setup, ".log", names);
	off_t batch = size_of(&setup, names[0]) / 3;
	flip_bit(&setup, names[0], batch + 100);
	setup_open(&setup);
	assert_int_equal(setup_offsets(&setup).end, 3);
	int64_t next;
	tarn_buf_clear(&setup.out);
	assert_int_equal(tarn_partition_read(setup.partition, 0, 10000, TARN_READ_ALL, &setup.out, &next, NULL),
			 TARN_EIO);
	assert_int_equal(tarn_partition_read(setup.partition, 0, 10, TARN_READ_ALL, &setup.out, &next, NULL), TARN_OK);
	assert_int_equal(next, 1);
	tarn_buf_clear(&setup.out);
	assert_int_equal(tarn_partition_read(setup.partition, 1, 10000, TARN_READ_ALL, &setup.out, &next, NULL),
			 TARN_EIO);
	assert_int_equal(setup.out.len, 0);
	assert_int_equal(tarn_partition_read(setup.partition, 2, 10000, TARN_READ_ALL, &setup.out, &next, NULL),
			 TARN_OK);
	assert_int_equal(next, 3);
	setup_end(&setup);
}

static void zeros_at_the_end_are_no_damage(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	append_and_die(&setup, 0, 3, 100);
	setup_close(&setup);
	char names[64][64];
	list(&setup, ".log", names);
	off_t whole = size_of(&setup, names[0]);
	resize(&setup, names[0], whole + 70000);
	setup_open(&setup);
	assert_int_equal(setup_read_all(&setup, 0, 10000), 3);
	assert_int_equal(setup.warnings, 0);
	assert_int_equal(size_of(&setup, names[0]), whole);
	setup_end(&setup);
}

static void garbage_at_the_end_is_taken_away(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	append_and_die(&setup, 0, 3, 100);
	setup_close(&setup);
	char names[64][64];
	list(&setup, ".log", names);
	off_t whole = size_of(&setup, names[0]);
	resize(&setup, names[0], whole + 3000);
	flip_bit(&setup, names[0], whole + 2000);
	setup_open(&setup);
	assert_int_equal(setup_read_all(&setup, 0, 10000), 3);
	assert_int_equal(setup.warnings, 1);
	assert_int_equal(size_of(&setup, names[0]), whole);
	setup_end(&setup);
}

static void indexes_are_made_anew(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, small_segments, 2);
	for (int i = 0; i < 100; i++)
		setup_append(&setup, i, 1, 100, NULL);
	setup_wait(&setup);
	static const char *const suffixes[] = { ".index", ".timeindex", "state" };
	for (size_t i = 0; i < 3; i++) {
		setup_close(&setup);
		char names[64][64];
		if (i == 2) {
			char *path = path_of(&setup, "state");
			assert_int_equal(unlink(path), 0);
			free(path);
		} else {
			remove_all(&setup, suffixes[i]);
		}
		setup_open(&setup);
		assert_int_equal(setup_offsets(&setup).end, 100);
		for (int from = 0; from < 100; from++)
			assert_int_equal(setup_read_all(&setup, from, 400), 100);
		int64_t offset, timestamp;
		assert_int_equal(tarn_partition_find_time(setup.partition, 0, &offset, &timestamp, NULL), TARN_OK);
		assert_int_equal(offset, 0);
		assert_int_equal(tarn_partition_max_time(setup.partition, &offset, &timestamp, NULL), TARN_OK);
		setup_close(&setup);
		assert_true(list(&setup, ".index", names) > 5);
		assert_true(list(&setup, ".timeindex", names) > 5);
		setup_open(&setup);
	}
	setup_end(&setup);
}

/* Index files full of something else. */
static void stale_indexes_are_not_believed(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, small_segments, 2);
	for (int i = 0; i < 100; i++)
		setup_append(&setup, i, 1, 100, NULL);
	setup_wait(&setup);
	setup_close(&setup);
	for (int kind = 0; kind < 2; kind++) {
		char names[64][64];
		size_t count = list(&setup, kind ? ".timeindex" : ".index", names);
		for (size_t i = 0; i < count; i++) {
			off_t size = size_of(&setup, names[i]);
			resize(&setup, names[i], 0);
			resize(&setup, names[i], size);
			for (off_t at = 3; at < size; at += 5)
				flip_bit(&setup, names[i], at);
		}
	}
	setup_open(&setup);
	for (int from = 0; from < 100; from++)
		assert_int_equal(setup_read_all(&setup, from, 400), 100);
	int64_t offset, timestamp;
	assert_int_equal(tarn_partition_find_time(setup.partition, 1000, &offset, &timestamp, NULL), TARN_OK);
	assert_int_equal(offset, 0);
	setup_end(&setup);
}

static void a_damaged_state_is_no_loss(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, small_segments, 2);
	for (int i = 0; i < 50; i++)
		setup_append(&setup, i, 1, 100, NULL);
	setup_wait(&setup);
	setup_close(&setup);
	off_t size = size_of(&setup, "state");
	for (off_t at = 0; at < size; at += 7) {
		flip_bit(&setup, "state", at);
		setup_open(&setup);
		assert_int_equal(setup_offsets(&setup).end, 50);
		assert_int_equal(setup_read_all(&setup, 0, 10000), 50);
		setup_close(&setup);
	}
	assert_true(setup.warnings > 0);
	setup_end(&setup);
}

/* Producer states after a crash: the retry of a batch that was appended is known, a gap is not let through. */
static void a_retry_after_a_crash_is_known(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, small_segments, 2);
	for (int checkpointed = 0; checkpointed < 2; checkpointed++) {
		setup_close(&setup);
		pid_t child = fork();
		if (!child) {
			setup_open(&setup);
			int64_t end = setup_offsets(&setup).end;
			for (int i = 0; i < 20; i++) {
				struct tarn_batch_producer producer = { 7 + checkpointed, 0, i, false };
				if (setup_append(&setup, (int)end + i, 1, 100, &producer).base_offset != end + i)
					_exit(1);
			}
			setup_wait(&setup);
			_exit(0);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		setup_open(&setup);
		if (checkpointed)
			setup_reopen(&setup);
		int64_t end = setup_offsets(&setup).end;
		for (int i = 15; i < 20; i++) {
			struct tarn_batch_producer producer = { 7 + checkpointed, 0, i, false };
			struct tarn_append result = setup_append(&setup, (int)end - 20 + i, 1, 100, &producer);
			assert_int_equal(result.status, TARN_APPEND_DUPLICATE);
			assert_int_equal(result.base_offset, end - 20 + i);
		}
		struct tarn_batch_producer gap = { 7 + checkpointed, 0, 21, false };
		assert_int_equal(setup_append(&setup, 0, 1, 100, &gap).status, TARN_APPEND_OUT_OF_ORDER);
		assert_int_equal(setup_offsets(&setup).end, end);
	}
	setup_end(&setup);
}

/* Wall clocks are set back: offsets go on, and what is looked for by time is found. */
static void the_clock_goes_back(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, small_segments, 2);
	for (int i = 0; i < 60; i++) {
		int64_t timestamp = 1700000000000 + (i < 30 ? 1000 * i : 1000 * (i - 30) - 500);
		char key[8];
		snprintf(key, sizeof(key), "k%d", i);
		tarn_batch_builder_clear(setup.builder);
		tarn_batch_builder_add(setup.builder, timestamp, tarn_slice_str(key), tarn_slice_str("value"), NULL, 0);
		struct tarn_slice batch;
		struct tarn_append result;
		assert_int_equal(tarn_batch_builder_finish(setup.builder, NULL, &batch, NULL), TARN_OK);
		tarn_partition_append(setup.partition, (uint8_t *)(uintptr_t)batch.data, batch.len, &result);
		assert_int_equal(result.base_offset, i);
	}
	setup_wait(&setup);
	for (int round = 0; round < 2; round++) {
		int64_t offset, timestamp;
		for (int i = 0; i < 30; i++) {
			assert_int_equal(tarn_partition_find_time(setup.partition, 1700000000000 + 1000 * i, &offset,
								  &timestamp, NULL),
					 TARN_OK);
			assert_int_equal(offset, i);
			assert_int_equal(timestamp, 1700000000000 + 1000 * i);
		}
		assert_int_equal(tarn_partition_max_time(setup.partition, &offset, &timestamp, NULL), TARN_OK);
		assert_int_equal(offset, 29);
		assert_int_equal(tarn_partition_find_time(setup.partition, 1700000029001, &offset, &timestamp, NULL),
				 TARN_ENOTFOUND);
		assert_int_equal(setup_read_all(&setup, 0, 700), 60);
		setup_reopen(&setup);
	}
	setup_end(&setup);
}

/* The file of a topic that was deleted is back, as its removal failed or was not on disk. */
static void a_deleted_topic_does_not_take_its_successor_along(void **state)
{
	(void)state;
	static const char stale[] = "{\"name\": \"events\", \"id\": \"00112233445566778899aabbccddeeff\", "
				    "\"partitions\": 2, \"deleted\": true, \"settings\": {}}";
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	setup_append(&setup, 0, 1, 20, NULL);
	setup_wait(&setup);
	setup_close(&setup);
	char *path = tarn_asprintf("%s/log/topics/00112233445566778899aabbccddeeff.json", setup.folder);
	char *left = tarn_asprintf("%s/log/events-1", setup.folder);
	int fd = open(path, O_WRONLY | O_CREAT, 0666);
	assert_int_equal(write(fd, stale, sizeof(stale) - 1), sizeof(stale) - 1);
	close(fd);
	assert_int_equal(mkdir(left, 0777), 0);
	setup_open(&setup);
	assert_int_equal(setup_offsets(&setup).end, 1);
	assert_int_equal(setup_read_all(&setup, 0, 1000), 1);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(left, F_OK), -1);
	free(path);
	free(left);
	setup_end(&setup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crash_loses_nothing_durable),
		cmocka_unit_test(a_cut_tail_is_taken_away),
		cmocka_unit_test(a_flipped_bit_ends_the_log),
		cmocka_unit_test(damage_behind_the_checkpoint_is_never_served),
		cmocka_unit_test(zeros_at_the_end_are_no_damage),
		cmocka_unit_test(garbage_at_the_end_is_taken_away),
		cmocka_unit_test(indexes_are_made_anew),
		cmocka_unit_test(stale_indexes_are_not_believed),
		cmocka_unit_test(a_damaged_state_is_no_loss),
		cmocka_unit_test(a_retry_after_a_crash_is_known),
		cmocka_unit_test(the_clock_goes_back),
		cmocka_unit_test(a_deleted_topic_does_not_take_its_successor_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
