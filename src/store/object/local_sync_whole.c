/* One syncfs instead of a sync for each file and folder: one transaction of the journal, one flush of the disk. But it
 * also waits for what everybody else has written to that file system, so it is for times when that is little. */
#include "store/object/local.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	FEW_PENDING = 16,
	LITTLE_DIRTY_KIB = 64 << 10,
};

/* The file systems for which syncfs is known to end with what fsync ends with. */
static bool has_journal_of_its_own(int root)
{
	struct statfs fs;
	return !fstatfs(root, &fs) && (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_SUPER_MAGIC);
}

/* Before Linux 5.8, syncfs does not tell of a write that failed (syncfs(2)). */
static bool tells_of_failed_writes(void)
{
	struct utsname system;
	unsigned major, minor;
	return !uname(&system) && sscanf(system.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 8));
}

static bool all_on_device(const struct tarn_local_store *local, const struct tarn_local_pending *pending, size_t n)
{
	struct stat root, entry;
	if (fstat(local->root, &root))
		return false;
	for (size_t i = 0; i < n; i++) {
		int rc = pending[i].fd >= 0 ? fstat(pending[i].fd, &entry)
					    : fstatat(local->root, pending[i].key, &entry, AT_SYMLINK_NOFOLLOW);
		if (rc || entry.st_dev != root.st_dev)
			return false;
	}
	return true;
}

static bool read_kib(const char *text, const char *name, unsigned long *kib)
{
	const char *found = strstr(text, name);
	return found && sscanf(found + strlen(name), "%lu", kib) == 1;
}

/* Of the whole machine, as the kernel does not count it by file system. */
static bool little_is_dirty(void)
{
	char text[4096];
	unsigned long dirty, writeback;
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (len < 0)
		return false;
	text[len] = '\0';
	return read_kib(text, "\nDirty:", &dirty) && read_kib(text, "\nWriteback:", &writeback) &&
	       dirty + writeback <= LITTLE_DIRTY_KIB;
}

bool tarn_local_syncs_whole(const struct tarn_local_store *local, const struct tarn_local_pending *pending, size_t n)
{
	const char *chosen = getenv("TARN_SYNC");
	bool wanted = chosen && !strcmp(chosen, "whole");
	if (!wanted && (n <= FEW_PENDING || (chosen && !strcmp(chosen, "files")) || !little_is_dirty()))
		return false;
	return has_journal_of_its_own(local->root) && tells_of_failed_writes() && all_on_device(local, pending, n);
}
