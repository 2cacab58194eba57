/* Runs a program and tells what it took, as one line of JSON in a file: wall and processor seconds, and the largest resident
 * memory of any of its processes. A small program of its own, because a process inherits the memory mark of whoever starts it.
 *
 * usage: measure FILE PROGRAM [ARGUMENT...]     exits as the program does */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage used;
	int status = 0;

	if (argc < 3)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid_t child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) != child)
		return 126;
	clock_gettime(CLOCK_MONOTONIC, &end);

	FILE *out = fopen(argv[1], "w");
	if (!out)
		return 126;
	double wall = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	fprintf(out, "{\"wall\": %.6f, \"cpu\": %.6f, \"peak\": %ld}\n", wall,
		seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss * 1024);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
