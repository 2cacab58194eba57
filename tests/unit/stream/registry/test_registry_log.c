/* The registry on a real log: what it was told is there after it was closed, and after it was killed anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmocka_tarn.h"
#include "stream/log/log.h"
#include "stream/registry/registry.h"

static char folder[64];
static struct tarn_log *log_;
static struct tarn_registry *registry;
static struct tarn_registry_client *client;

static void open_all(void)
{
	static const struct tarn_registry_options options = { .compatibility = TARN_COMPATIBILITY_NONE };
	static const struct tarn_log_options log_options = { 0 };
	struct tarn_err err;
	if (tarn_log_open(folder, &log_options, &log_, &err) || tarn_registry_open_log(&options, log_, &registry, &err))
		fail_msg("%s", err.message);
	client = tarn_registry_local_client(registry);
}

static void close_all(void)
{
	tarn_registry_client_free(client);
	tarn_registry_close(registry);
	tarn_log_close(log_);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/tarn-registry-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static enum tarn_rc register_text(const char *subject, const char *text, uint32_t *id)
{
	const struct tarn_schema_text schema = { .text = tarn_slice_str(text) };
	return tarn_registry_register(client, subject, &schema, id, NULL);
}

static char *ask(const char *method, const char *path, int *status)
{
	static char text[1 << 16];
	struct tarn_buf answer;
	tarn_buf_init(&answer, sizeof(text) - 1);
	assert_int_equal(tarn_registry_ask(client, method, path, NULL, status, &answer, NULL), TARN_OK);
	if (answer.len)
		memcpy(text, answer.data, answer.len);
	text[answer.len] = '\0';
	tarn_buf_release(&answer);
	return text;
}

static void what_was_written_is_there_again(void **state)
{
	(void)state;
	uint32_t first, second;
	int status;
	open_all();
	assert_int_equal(register_text("s", "\"int\"", &first), TARN_OK);
	assert_int_equal(register_text("s", "\"long\"", &second), TARN_OK);
	ask("DELETE", "/subjects/s/versions/1", &status);
	assert_int_equal(status, 200);
	char *before = tarn_strdup(ask("GET", "/schemas?deleted=true", &status));
	close_all();
	open_all();
	assert_string_equal(ask("GET", "/schemas?deleted=true", &status), before);
	assert_int_equal(register_text("t", "\"long\"", &first), TARN_OK);
	assert_int_equal(first, second);
	free(before);
	close_all();
}

/* Runs until it is killed: tells each change on a pipe once it was answered. */
static void change_until_killed(int told)
{
	open_all();
	for (uint32_t i = 0;; i++) {
		char subject[32], path[64];
		uint32_t id;
		int status;
		snprintf(subject, sizeof(subject), "s%u", i);
		if (register_text(subject, "\"int\"", &id))
			_exit(3);
		if (i % 3 == 2) {
			snprintf(path, sizeof(path), "/subjects/s%u", i);
			ask("DELETE", path, &status);
		}
		if (write(told, &i, sizeof(i)) != sizeof(i))
			_exit(4);
	}
}

/* What was answered is there; of what was under way, all or nothing. */
static void check_after_kill(uint32_t n_told)
{
	int status;
	open_all();
	for (uint32_t i = 0; i < n_told; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/subjects/s%u/versions?deleted%s=true", i, i % 3 == 2 ? "Only" : "");
		assert_string_equal(ask("GET", path, &status), "[1]");
	}
	char path[64];
	snprintf(path, sizeof(path), "/subjects/s%u/versions?deleted=true", n_told);
	ask("GET", path, &status);
	assert_true(status == 200 || status == 404);
	snprintf(path, sizeof(path), "/subjects/s%u/versions?deleted=true", n_told + 1);
	ask("GET", path, &status);
	assert_int_equal(status, 404);
	close_all();
}

static void kills_leave_the_old_or_the_new(void **state)
{
	(void)state;
	static const char *const points[] = { "registry.append",     "registry.appended", "registry.append:2",
					      "registry.appended:4", "registry.append:9", "registry.appended:12" };
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		int told[2], status;
		assert_int_equal(pipe(told), 0);
		pid_t child = fork();
		if (!child) { /* a new program: where to be killed is read once */
			char fd[16];
			snprintf(fd, sizeof(fd), "%d", told[1]);
			setenv("TARN_KILL_AT", points[i], 1);
			execl("/proc/self/exe", "test_registry_log", folder, fd, (char *)NULL);
			_exit(5);
		}
		close(told[1]);
		uint32_t number, n = 0;
		while (read(told[0], &number, sizeof(number)) == sizeof(number))
			n = number + 1;
		close(told[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		check_after_kill(n);
		assert_int_equal(tear_down(NULL), 0);
		assert_int_equal(set_up(NULL), 0);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		snprintf(folder, sizeof(folder), "%s", argv[1]);
		change_until_killed(atoi(argv[2]));
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_there_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kills_leave_the_old_or_the_new, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
