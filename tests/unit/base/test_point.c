#include "base/point.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_tarn.h"

/* Passes the points in a process of its own; returns how many it got past, or 100 + that if it was killed. */
static int passes(const char *kill_at, const char *const *points)
{
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();
	if (!child) {
		setenv("TARN_KILL_AT", kill_at, 1);
		for (; *points; points++) {
			tarn_point(*points);
			if (write(pipes[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(pipes[1]);
	char seen[16];
	int n = 0;
	while (read(pipes[0], seen, 1) == 1)
		n++;
	close(pipes[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	else
		assert_int_equal(WTERMSIG(status), SIGKILL);
	return n + (WIFSIGNALED(status) ? 100 : 0);
}

static void kills_at_the_named_pass(void **state)
{
	(void)state;
	static const char *const points[] = { "work.written", "commit.written", "work.written", "commit.done", NULL };
	static const struct {
		const char *kill_at;
		int passes;
	} cases[] = {
		{ "work.written", 100 },     { "work.written:1", 100 },  { "work.written:2", 102 },
		{ "work.written:3", 4 },     { "commit.written", 101 },  { "commit.done", 103 },
		{ "commit", 4 },             { "commit.written.x", 4 },  { "", 4 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(passes(cases[i].kill_at, points), cases[i].passes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kills_at_the_named_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
