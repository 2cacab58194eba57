/* The writer's lock: flock(2) on a file beside the database, so that the kernel frees it however its holder ends. The
 * number in the file only tells people who that is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/catalog/state.h"

enum { RETRY_MS = 20 };

/* 0, or -1 with errno EWOULDBLOCK where the time was not enough. */
static int flock_within(int fd, int wait_ms)
{
	int64_t end = tarn_monotonic_ns() + wait_ms * INT64_C(1000000);
	for (;;) {
		if (!flock(fd, wait_ms < 0 ? LOCK_EX : LOCK_EX | LOCK_NB))
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || tarn_monotonic_ns() >= end)
			return -1;
		tarn_sleep_ms(RETRY_MS);
	}
}

static enum tarn_rc fail_held(int fd, const char *lake, int wait_ms, struct tarn_err *err)
{
	char pid[24] = "";
	ssize_t len = pread(fd, pid, sizeof(pid) - 1, 0);
	pid[len > 0 ? len : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	tarn_fail(err, TARN_EBUSY, "the lake \"%s\" is being written by %s%s", lake,
		  *pid ? "process " : "another process", pid);
	if (wait_ms > 0)
		tarn_err_hint(err, "waited for %d ms; try again when it is done", wait_ms);
	else
		tarn_err_hint(err, "try again when it is done");
	return TARN_EBUSY;
}

static void write_pid(int fd)
{
	char pid[24];
	int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* Only for people: a lock without a number is a lock all the same. */
	if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)len, 0) < 0)
		return;
}

enum tarn_rc tarn_catalog_lock(const char *path, const char *lake, int wait_ms, int *lock, struct tarn_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	enum tarn_rc rc = TARN_OK;
	if (fd < 0)
		rc = tarn_fail_errno(err, "\"%s\"", path);
	else if (flock_within(fd, wait_ms))
		rc = errno == EWOULDBLOCK ? fail_held(fd, lake, wait_ms, err)
					  : tarn_fail_errno(err, "locking \"%s\"", path);
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	write_pid(fd);
	*lock = fd;
	return TARN_OK;
}

void tarn_catalog_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}
