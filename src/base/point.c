#include "base/point.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *wanted;
static size_t wanted_len;
static long passes_left = 1;

static void read_environment(void)
{
	wanted = getenv("TARN_KILL_AT");
	if (!wanted)
		return;
	const char *colon = strchr(wanted, ':');
	wanted_len = colon ? (size_t)(colon - wanted) : strlen(wanted);
	passes_left = colon ? strtol(colon + 1, NULL, 10) : 1;
}

static bool is_wanted(const char *name)
{
	return strlen(name) == wanted_len && !memcmp(name, wanted, wanted_len);
}

void tarn_point(const char *name)
{
	pthread_once(&once, read_environment);
	if (!wanted || !is_wanted(name))
		return;
	pthread_mutex_lock(&lock);
	bool now = --passes_left == 0;
	pthread_mutex_unlock(&lock);
	if (now)
		raise(SIGKILL);
}
