/* Room ahead of small appends: when it is made, and that the log ends where its batches end, whatever becomes of it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "log_setup.h"

enum { MOST_APPENDS = 20000, RECORD = 500, LEAST_ROOM = 64 << 10, MOST_ROOM = 1 << 20 };

static off_t file_size(const struct setup *setup, int64_t base)
{
	struct stat status;
	char *path = tarn_asprintf("%s/log/events-0/%020lld.log", setup->folder, (long long)base);
	assert_int_equal(stat(path, &status), 0);
	free(path);
	return status.st_size;
}

/* One record at a time, each waited for. */
static void append_singly(struct setup *setup, int first, int count, size_t size)
{
	for (int i = 0; i < count; i++) {
		assert_int_equal(setup_append(setup, first + i, 1, size, NULL).base_offset, first + i);
		setup_wait(setup);
	}
}

/* As many as it takes, however slow the disk is, on a partition of `next` records; how many there are then. */
static int append_until_room(struct setup *setup, int next)
{
	int64_t bytes;
	do {
		append_singly(setup, next++, 1, RECORD);
		bytes = setup_offsets(setup).bytes;
	} while (file_size(setup, 0) <= bytes && next < MOST_APPENDS);
	assert_true(next < MOST_APPENDS);
	return next;
}

static void small_appends_get_room(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	int end = append_until_room(&setup, 0);
	assert_true(end >= 16);
	append_singly(&setup, end++, 1, RECORD);
	struct tarn_offsets offsets = setup_offsets(&setup);
	off_t size = file_size(&setup, 0);
	assert_true(size > offsets.bytes + LEAST_ROOM / 2);
	assert_true(size <= offsets.bytes + LEAST_ROOM);
	assert_int_equal(setup_read_all(&setup, 0, 1000), end);
	assert_int_equal(setup_read_all(&setup, end - 3, 1 << 20), end);
	setup_end(&setup);
}

static void room_grows_with_what_comes_and_has_a_limit(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	off_t most = 0;
	for (int i = 0; i < MOST_APPENDS / 10 && most <= MOST_ROOM / 2; i++) {
		append_singly(&setup, i, 1, 30 << 10);
		off_t room = file_size(&setup, 0) - setup_offsets(&setup).bytes;
		most = room > most ? room : most;
	}
	assert_true(most > MOST_ROOM / 2 && most <= MOST_ROOM);
	setup_end(&setup);
}

static void nobody_else_gets_room(void **state)
{
	(void)state;
	static const struct {
		struct tarn_topic_setting setting;
		int count;
		size_t size;
	} cases[] = {
		{ { "preallocate", "false" }, 40, RECORD },
		{ { "preallocate", "true" }, 3, RECORD },
		{ { "preallocate", "true" }, 40, 80 << 10 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct setup setup;
		setup_begin(&setup, 1, &cases[i].setting, 1);
		append_singly(&setup, 0, cases[i].count, cases[i].size);
		append_singly(&setup, cases[i].count, 1, cases[i].size);
		assert_int_equal(file_size(&setup, 0), setup_offsets(&setup).bytes);
		setup_end(&setup);
	}
}

static void a_clean_end_leaves_no_room(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	int end = append_until_room(&setup, 0);
	int64_t bytes = setup_offsets(&setup).bytes;
	setup_close(&setup);
	assert_int_equal(file_size(&setup, 0), bytes);
	setup_open(&setup);
	assert_int_equal(setup_offsets(&setup).bytes, bytes);
	assert_int_equal(setup_read_all(&setup, 0, 1000), end);
	assert_int_equal(setup.warnings, 0);
	setup_end(&setup);
}

static void an_idle_partition_gives_its_room_back(void **state)
{
	(void)state;
	const struct tarn_log_options often = { .retention_check_ms = 100 };
	struct setup setup;
	struct tarn_err err;
	setup_begin(&setup, 1, NULL, 0);
	setup_close(&setup);
	if (tarn_log_open(setup.folder, &often, &setup.log, &err))
		fail_msg("%s", err.message);
	setup.topic = tarn_log_find_topic(setup.log, "events");
	setup.partition = tarn_topic_partition(setup.topic, 0);
	int end = append_until_room(&setup, 0);
	int64_t bytes = setup_offsets(&setup).bytes;
	for (int tries = 0; file_size(&setup, 0) > bytes && tries < 200000; tries++)
		usleep(100);
	assert_int_equal(file_size(&setup, 0), bytes);
	append_singly(&setup, end++, 1, RECORD);
	assert_int_equal(setup_read_all(&setup, 0, 1000), end);
	setup_end(&setup);
}

static void a_closed_segment_has_no_room(void **state)
{
	(void)state;
	static const struct tarn_topic_setting small[] = { { "segment.bytes", "30000" } };
	struct setup setup;
	setup_begin(&setup, 1, small, 1);
	int next = append_until_room(&setup, 0);
	assert_true(file_size(&setup, 0) <= 30000);
	int64_t bytes;
	do {
		bytes = setup_offsets(&setup).bytes;
		append_singly(&setup, next++, 1, RECORD);
	} while (setup_offsets(&setup).bytes <= 30000);
	assert_int_equal(file_size(&setup, 0), bytes);
	assert_int_equal(setup_read_all(&setup, 0, 1000), next);
	setup_reopen(&setup);
	assert_int_equal(setup_read_all(&setup, 0, 1000), next);
	setup_end(&setup);
}

/* How many records there are then, in how many bytes. */
struct left_behind {
	int records;
	int64_t bytes;
};

static struct left_behind die_with_room(struct setup *setup, int first)
{
	struct left_behind left;
	int end[2];
	setup_close(setup);
	assert_int_equal(pipe(end), 0);
	pid_t child = fork();
	if (!child) {
		setup_open(setup);
		left.records = append_until_room(setup, first);
		append_singly(setup, left.records++, 1, RECORD); /* the room is on disk before */
		left.bytes = setup_offsets(setup).bytes;
		_exit(write(end[1], &left, sizeof(left)) != sizeof(left));
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(end[0], &left, sizeof(left)), sizeof(left));
	close(end[0]);
	close(end[1]);
	return left;
}

static void a_crash_with_room_is_no_damage(void **state)
{
	(void)state;
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	struct left_behind left = { 0 };
	for (int round = 0; round < 3; round++) {
		left = die_with_room(&setup, left.records);
		assert_true(file_size(&setup, 0) > left.bytes + LEAST_ROOM / 2);
		setup_open(&setup);
		assert_int_equal(setup_offsets(&setup).end, left.records);
		assert_int_equal(setup_offsets(&setup).bytes, left.bytes);
		assert_int_equal(file_size(&setup, 0), left.bytes);
		assert_int_equal(setup_read_all(&setup, 0, 1000), left.records);
	}
	assert_int_equal(setup.warnings, 0);
	setup_end(&setup);
}

/* What a power cut leaves in the room: nothing of the batch that was under way, or its end without its beginning. */
static void what_came_apart_in_the_room_is_cut(void **state)
{
	(void)state;
	static const off_t places[] = { 0, 20, 61, 4000 };
	struct setup setup;
	setup_begin(&setup, 1, NULL, 0);
	struct left_behind left = { 0 };
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		left = die_with_room(&setup, left.records);
		char *path = tarn_asprintf("%s/log/events-0/%020d.log", setup.folder, 0);
		int fd = open(path, O_RDWR);
		assert_int_equal(pwrite(fd, "x", 1, left.bytes + places[i]), 1);
		close(fd);
		free(path);
		setup.warnings = 0;
		setup_open(&setup);
		assert_int_equal(setup_offsets(&setup).end, left.records);
		assert_int_equal(setup.warnings, 1);
		assert_int_equal(setup_read_all(&setup, 0, 1000), left.records);
	}
	setup_end(&setup);
}

/* A crash after the next segment was begun, and before the closed one's trimming was on disk. */
static void a_segment_behind_room_goes_on(void **state)
{
	(void)state;
	static const struct tarn_topic_setting small[] = { { "segment.bytes", "30000" } };
	struct setup setup;
	setup_begin(&setup, 1, small, 1);
	setup_close(&setup);
	pid_t child = fork();
	if (!child) {
		setup_open(&setup);
		for (int i = 0; i < 70; i++)
			setup_append(&setup, i, 1, RECORD, NULL);
		setup_wait(&setup);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	char *folder = tarn_asprintf("%s/log/events-0", setup.folder), *path = tarn_asprintf("%s/%020d.log", folder, 0);
	char *state_path = tarn_asprintf("%s/state", folder);
	unlink(state_path); /* as if the checkpoint had not been reached */
	off_t whole = file_size(&setup, 0);
	assert_int_equal(truncate(path, whole + 5000), 0);
	setup_open(&setup);
	assert_int_equal(setup_offsets(&setup).end, 70);
	assert_int_equal(file_size(&setup, 0), whole);
	assert_int_equal(setup_read_all(&setup, 0, 1000), 70);
	assert_int_equal(setup.warnings, 0);
	free(folder);
	free(path);
	free(state_path);
	setup_end(&setup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_appends_get_room),
		cmocka_unit_test(room_grows_with_what_comes_and_has_a_limit),
		cmocka_unit_test(nobody_else_gets_room),
		cmocka_unit_test(a_clean_end_leaves_no_room),
		cmocka_unit_test(an_idle_partition_gives_its_room_back),
		cmocka_unit_test(a_closed_segment_has_no_room),
		cmocka_unit_test(a_crash_with_room_is_no_damage),
		cmocka_unit_test(what_came_apart_in_the_room_is_cut),
		cmocka_unit_test(a_segment_behind_room_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
