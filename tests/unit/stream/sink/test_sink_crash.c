#include "stream/sink/sink_task.h"

#include <sys/wait.h>
#include <unistd.h>

#include "sink_fixture.h"
#include "sink_objects.h"

static char folder[64];

/* One text a name, for good. */
static const char *path_of(const char *name)
{
	static char names[32][32], paths[32][128];
	size_t i = 0;
	while (*names[i] && strcmp(names[i], name))
		i++;
	assert_true(i < 31);
	snprintf(names[i], sizeof(names[i]), "%s", name);
	snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, name);
	return paths[i];
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_sink_crash.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

#define HOUR INT64_C(3600000)

static const char *const kinds[] = { "a", "b", NULL };

/* ---- killed, fenced, started again: in children, as a process reads only once where it is to be killed ---- */

enum { RECORDS = 24 };

static const char *wide; /* the kind of every record, where it is not NULL */

static void fill(struct fixture_source *source)
{
	for (int32_t partition = 0; partition < source->n; partition++)
		for (int offset = 0; offset < RECORDS; offset++)
			fixture_add_record(source, partition, offset, offset * HOUR / 7,
					   wide ? wide : kinds[offset % 3], 1 + offset / 10 % 2);
}

/* Offsets of what every case commits at its end: a flush.size divides the records, or the wall clock flushes. */
static const char *const crash_configs[] = {
	"{\"flush.size\":1}",
	"{\"flush.size\":12}",
	"{\"partitioner.class\":\"FieldPartitioner\",\"partition.field.name\":\"kind\",\"flush.size\":2}",
	"{\"flush.size\":6,\"partitioner.class\":\"HourlyPartitioner\",\"timestamp.extractor\":\"Record\"}",
	/* The wall clock: a folder a millisecond, so that no two runs have the same. */
	"{\"flush.size\":4,\"partitioner.class\":\"TimeBasedPartitioner\",\"partition.duration.ms\":1,"
	"\"path.format\":\"HH-mm-ss-SSS\"}",
	"{\"flush.size\":24,\"partitioner.class\":\"TimeBasedPartitioner\",\"partition.duration.ms\":1,"
	"\"path.format\":\"HH-mm-ss-SSS\",\"tarn.flush.ms\":1}",
	"{\"flush.size\":1000,\"tarn.flush.ms\":2,\"format.class\":\"JsonFormat\"}",
};

static int run_child(const char *json, const char *store, const char *point, int pass, int64_t fail_commit_at)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child) {
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		return status;
	}
	struct fixture_source source;
	struct fixture_config config;
	struct tarn_task_numbers numbers = { 0 };
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "%s:%d", point ? point : "none", pass);
	setenv("TARN_KILL_AT", wanted, 1);
	fixture_configure(&config, json);
	fixture_init(&source, 2, path_of("crash-offsets"));
	source.fail_commit_at = fail_commit_at;
	source.base.commits_aside = !fail_commit_at;
	fill(&source);
	enum tarn_rc rc =
		fixture_run(&source, &config.config, store, &numbers, fixture_no_letter, fixture_no_flush, NULL, NULL);
	_exit(rc ? 1 : 0);
}

static void check_once(const char *store, const char *config, const char *point, int pass)
{
	struct found *found = found_all(store);
	for (int partition = 0; partition < 2; partition++)
		for (int offset = 0; offset < RECORDS; offset++)
			if (found->times[partition][offset] != 1)
				fail_msg("%d:%d is there %d times: %s, killed at %s:%d", partition, offset,
					 found->times[partition][offset], config, point, pass);
	free(found);
}

static void clear(const char *store)
{
	char command[256];
	snprintf(command, sizeof(command), "rm -rf %s %s", store, path_of("crash-offsets"));
	assert_int_equal(system(command), 0);
}

/* Killed at the n-th pass, for n = 1, 2, ... until it lives through; then started again until it comes to its end,
 * where every other start is killed too. */
static int crash_everywhere(const char *config, const char *point)
{
	int n_killed = 0;
	const char *store = path_of("crash");
	bool lives = false;
	for (int pass = 1; !lives && pass <= 4; pass++) {
		clear(store);
		int status = run_child(config, store, point, pass, 0);
		lives = !WIFSIGNALED(status);
		n_killed += WIFSIGNALED(status);
		for (int again = 0; WIFSIGNALED(status); again++) {
			assert_int_equal(WTERMSIG(status), SIGKILL);
			assert_true(again < 200);
			status = run_child(config, store, again % 2 ? NULL : point, 2, 0);
		}
		assert_int_equal(status, 0);
		check_once(store, config, point, pass);
	}
	return n_killed;
}

static void killed_at_any_point_each_offset_is_in_one_object(void **state)
{
	(void)state;
	static const char *const points[] = { "sink.recipe", "sink.object", "sink.written", "sink.synced",
					      "sink.committed" };
	for (size_t i = 0; i < sizeof(crash_configs) / sizeof(*crash_configs); i++)
		for (size_t j = 0; j < sizeof(points) / sizeof(*points); j++)
			assert_true(crash_everywhere(crash_configs[i], points[j]) > 0);
}

/* The same for objects that are in the store in part when that happens. */
static void killed_while_objects_grow_each_offset_is_in_one_object(void **state)
{
	(void)state;
	static char text[200001];
	static const char *const points[] = { "sink.spilled", "sink.recipe", "sink.object", "sink.synced" };
	memset(text, 'w', sizeof(text) - 1);
	wide = text;
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		assert_true(crash_everywhere("{\"flush.size\":6}", points[i]) > 0);
	wide = NULL;
}

/* A store that refuses some objects while messages keep coming: the task fails, and goes on once it does not. */
static void refused_by_the_store_each_offset_is_in_one_object(void **state)
{
	(void)state;
	const char *config =
		"{\"partitioner.class\":\"FieldPartitioner\",\"partition.field.name\":\"kind\",\"flush.size\":3}";
	const char *store = path_of("crash");
	char make[256], remove[256];
	snprintf(make, sizeof(make), "mkdir -p %s/raw/t && touch %s/raw/t/kind=b", store, store);
	snprintf(remove, sizeof(remove), "rm %s/raw/t/kind=b", store);
	clear(store);
	assert_int_equal(system(make), 0);
	int status = run_child(config, store, NULL, 1, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_int_equal(system(remove), 0);
	assert_int_equal(run_child(config, store, NULL, 1, 0), 0);
	check_once(store, config, "no point", 0);
}

/* A task that lost its partitions between a recipe and its objects, or before their end was committed, changes nothing.
 */
static void fenced_at_any_commit_each_offset_is_in_one_object(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(crash_configs) / sizeof(*crash_configs); i++)
		for (int at = 1; at <= 3; at++) {
			const char *store = path_of("crash");
			clear(store);
			assert_int_equal(run_child(crash_configs[i], store, NULL, 1, at), 0);
			check_once(store, crash_configs[i], "commit", at);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_point_each_offset_is_in_one_object),
		cmocka_unit_test(killed_while_objects_grow_each_offset_is_in_one_object),
		cmocka_unit_test(refused_by_the_store_each_offset_is_in_one_object),
		cmocka_unit_test(fenced_at_any_commit_each_offset_is_in_one_object),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
