#include "fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "loss.h"

enum kind { OPEN, READ, WRITE, SYNC, RENAME, LINK, UNLINK, MKDIR, TRUNCATE, MMAP, LIST, N_KINDS };
static const char *const kind_names[N_KINDS] = { "opens",   "reads",  "writes",	   "syncs", "renames", "links",
						 "unlinks", "mkdirs", "truncates", "mmaps", "lists" };

enum { MOST_FDS = 65536, PATH_SIZE = 4096 };

static struct {
	const char *roots, *count_file;
	long at;
	unsigned long seed;
	int number;
	bool sticky, shorten, kill, lose;
} options;

static atomic_long calls, hit, stats, read_bytes, written_bytes, per_kind[N_KINDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *fd_paths[MOST_FDS]; /* of descriptors below a root; under the lock */

static bool flag(const char *name)
{
	const char *value = getenv(name);
	return value && *value && strcmp(value, "0");
}

__attribute__((constructor)) static void read_environment(void)
{
	const char *at = getenv("TARN_FAULT_AT"), *number = getenv("TARN_FAULT_ERRNO");
	const char *seed = getenv("TARN_FAULT_SEED");
	options.roots = getenv("TARN_FAULT_ROOT");
	options.count_file = getenv("TARN_FAULT_COUNT");
	options.at = at ? strtol(at, NULL, 10) : 0;
	options.seed = seed ? strtoul(seed, NULL, 10) : (unsigned long)options.at;
	options.number = number && !strcmp(number, "ENOSPC") ? ENOSPC : EIO;
	options.sticky = flag("TARN_FAULT_STICKY");
	options.shorten = flag("TARN_FAULT_SHORT");
	options.kill = flag("TARN_FAULT_KILL");
	options.lose = flag("TARN_FAULT_LOSE");
}

static void write_counts(void)
{
	char text[1024];
	int len = snprintf(text, sizeof(text), "calls %ld\nhit %ld\nstats %ld\nread_bytes %ld\nwritten_bytes %ld\n",
			   calls, hit, stats, read_bytes, written_bytes);
	for (int kind = 0; kind < N_KINDS; kind++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s %ld\n", kind_names[kind], per_kind[kind]);
	long fd = options.count_file ? syscall(SYS_openat, AT_FDCWD, options.count_file,
					       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
				     : -1;
	if (fd >= 0)
		syscall(SYS_write, fd, text, (size_t)len);
}

__attribute__((destructor)) static void at_exit(void)
{
	write_counts();
	if (options.lose)
		loss_happen(options.seed);
}

/* ---- paths ---- */

/* Drops "//", "/./" and what ends in "/" or "/."; keeps "..". */
static void normalize(char *path)
{
	char *to = path;
	for (const char *from = path; *from;) {
		if (from[0] == '/' && (from[1] == '/' || from[1] == '\0'))
			from++;
		else if (from[0] == '/' && from[1] == '.' && (from[2] == '/' || from[2] == '\0'))
			from += 2;
		else
			*to++ = *from++;
	}
	*to = '\0';
}

static bool is_below_a_root(const char *path)
{
	for (const char *root = options.roots; root && *root;) {
		size_t len = strcspn(root, ":");
		if (!strncmp(path, root, len) && (path[len] == '/' || path[len] == '\0'))
			return true;
		root += len + (root[len] == ':');
	}
	return false;
}

static const char *path_of_fd(int fd)
{
	return fd >= 0 && fd < MOST_FDS ? fd_paths[fd] : NULL;
}

/* The absolute path, or false where it is not below a root. Under the lock. */
static bool resolve(int folder, const char *path, char absolute[PATH_SIZE])
{
	char cwd[PATH_SIZE] = "";
	const char *base = "";
	if (!path || !options.roots)
		return false;
	if (*path != '/') {
		base = folder == AT_FDCWD ? getcwd(cwd, sizeof(cwd)) : path_of_fd(folder);
		if (!base)
			return false;
	}
	if (snprintf(absolute, PATH_SIZE, "%s%s%s", base, *path == '/' ? "" : "/", path) >= PATH_SIZE)
		return false;
	normalize(absolute);
	return is_below_a_root(absolute);
}

static void set_path_of_fd(long fd, const char *path)
{
	if (fd < 0 || fd >= MOST_FDS)
		return;
	free(fd_paths[fd]);
	fd_paths[fd] = path ? strdup(path) : NULL;
}

static bool path_counts(int folder, const char *path)
{
	char absolute[PATH_SIZE];
	pthread_mutex_lock(&lock);
	bool counts = resolve(folder, path, absolute);
	pthread_mutex_unlock(&lock);
	return counts;
}

static bool fd_counts(int fd)
{
	pthread_mutex_lock(&lock);
	bool counts = path_of_fd(fd) != NULL;
	pthread_mutex_unlock(&lock);
	return counts;
}

/* ---- the fault ---- */

enum verdict { GO_ON, FAIL, HALF };

static void die(void)
{
	pthread_mutex_lock(&lock); /* and nobody else does anything any more */
	if (options.lose)
		loss_happen(options.seed);
	syscall(SYS_kill, getpid(), SIGKILL);
	for (;;)
		pause();
}

/* Counts one call and says what is to become of it. */
static enum verdict strike(enum kind kind)
{
	long number = atomic_fetch_add(&calls, 1) + 1;
	atomic_fetch_add(&per_kind[kind], 1);
	if (!options.at || (number != options.at && !(options.sticky && number > options.at)))
		return GO_ON;
	if (options.shorten && kind != WRITE && kind != READ)
		return GO_ON;
	atomic_store(&hit, 1);
	if (options.kill)
		die();
	errno = options.number;
	return options.shorten ? HALF : FAIL;
}

static bool path_fails(enum kind kind, int folder, const char *path)
{
	return path_counts(folder, path) && strike(kind) == FAIL;
}

static bool fd_fails(enum kind kind, int fd)
{
	return fd_counts(fd) && strike(kind) == FAIL;
}

/* ---- opening ---- */

static void note_emptied(const char *path)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	loss_truncating((int)fd, path, 0);
	syscall(SYS_close, fd);
}

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
	char absolute[PATH_SIZE];
	struct stat status;
	if (path_fails(OPEN, folder, path))
		return -1;
	pthread_mutex_lock(&lock);
	bool counts = resolve(folder, path, absolute);
	bool is_new = counts && (flags & O_CREAT) && look(absolute, &status);
	if (counts && flags & O_TRUNC && !is_new)
		note_emptied(absolute);
	long fd = syscall(SYS_openat, folder, path, flags, mode);
	int number = errno;
	if (fd >= 0)
		set_path_of_fd(fd, counts ? absolute : NULL);
	if (fd >= 0 && is_new)
		loss_created(absolute);
	pthread_mutex_unlock(&lock);
	errno = number;
	return (int)fd;
}

static mode_t mode_in(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define OPEN_NAMED(name)                                                                                               \
	EXPORTED int name(const char *path, int flags, ...)                                                            \
	{                                                                                                              \
		va_list args;                                                                                          \
		va_start(args, flags);                                                                                 \
		mode_t mode = mode_in(flags, args);                                                                    \
		va_end(args);                                                                                          \
		return open_at(AT_FDCWD, path, flags, mode);                                                           \
	}
#define OPENAT_NAMED(name)                                                                                             \
	EXPORTED int name(int folder, const char *path, int flags, ...)                                                \
	{                                                                                                              \
		va_list args;                                                                                          \
		va_start(args, flags);                                                                                 \
		mode_t mode = mode_in(flags, args);                                                                    \
		va_end(args);                                                                                          \
		return open_at(folder, path, flags, mode);                                                             \
	}
OPEN_NAMED(open)
OPEN_NAMED(open64)
OPENAT_NAMED(openat)
OPENAT_NAMED(openat64)

EXPORTED int creat(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORTED int close(int fd)
{
	pthread_mutex_lock(&lock);
	set_path_of_fd(fd, NULL);
	long rc = syscall(SYS_close, fd);
	pthread_mutex_unlock(&lock);
	return (int)rc;
}

/* ---- reading and writing ---- */

static size_t length_for(enum verdict verdict, size_t len)
{
	return verdict == HALF && len > 1 ? len / 2 : len;
}

EXPORTED ssize_t read(int fd, void *data, size_t len)
{
	if (!fd_counts(fd))
		return syscall(SYS_read, fd, data, len);
	enum verdict verdict = strike(READ);
	ssize_t got = verdict == FAIL ? -1 : syscall(SYS_read, fd, data, length_for(verdict, len));
	atomic_fetch_add(&read_bytes, got > 0 ? got : 0);
	return got;
}

/* Where the next write of a descriptor goes. */
static long long place_of(int fd)
{
	struct stat status;
	long flags = syscall(SYS_fcntl, fd, F_GETFL);
	if (flags >= 0 && flags & O_APPEND && !look_at(fd, &status))
		return status.st_size;
	return syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

/* One call that writes, and what it may lose; nothing else changes or syncs meanwhile. */
static ssize_t write_noted(int fd, long long at, size_t len, long call, const void *data, long count)
{
	pthread_mutex_lock(&lock);
	const char *path = path_of_fd(fd);
	if (path)
		loss_writing(fd, path, at, len);
	ssize_t done = call == SYS_pwrite64 ? syscall(call, fd, data, count, at) : syscall(call, fd, data, count);
	int number = errno;
	pthread_mutex_unlock(&lock);
	errno = number;
	atomic_fetch_add(&written_bytes, done > 0 ? done : 0);
	return done;
}

EXPORTED ssize_t write(int fd, const void *data, size_t len)
{
	if (!fd_counts(fd))
		return syscall(SYS_write, fd, data, len);
	enum verdict verdict = strike(WRITE);
	if (verdict == FAIL)
		return -1;
	len = length_for(verdict, len);
	return write_noted(fd, place_of(fd), len, SYS_write, data, (long)len);
}

EXPORTED ssize_t writev(int fd, const struct iovec *parts, int n)
{
	size_t len = 0;
	if (!fd_counts(fd) || n < 1)
		return syscall(SYS_writev, fd, parts, n);
	enum verdict verdict = strike(WRITE);
	if (verdict == FAIL)
		return -1;
	if (verdict == HALF) { /* of the first part that is not empty */
		while (n > 1 && !parts->iov_len)
			n--, parts++;
		len = length_for(verdict, parts->iov_len);
		return write_noted(fd, place_of(fd), len, SYS_write, parts->iov_base, (long)len);
	}
	for (int i = 0; i < n; i++)
		len += parts[i].iov_len;
	return write_noted(fd, place_of(fd), len, SYS_writev, parts, n);
}

static ssize_t read_at(int fd, void *data, size_t len, off_t offset)
{
	if (!fd_counts(fd))
		return syscall(SYS_pread64, fd, data, len, offset);
	enum verdict verdict = strike(READ);
	ssize_t got = verdict == FAIL ? -1 : syscall(SYS_pread64, fd, data, length_for(verdict, len), offset);
	atomic_fetch_add(&read_bytes, got > 0 ? got : 0);
	return got;
}

static ssize_t write_at(int fd, const void *data, size_t len, off_t offset)
{
	if (!fd_counts(fd))
		return syscall(SYS_pwrite64, fd, data, len, offset);
	enum verdict verdict = strike(WRITE);
	if (verdict == FAIL)
		return -1;
	len = length_for(verdict, len);
	return write_noted(fd, offset, len, SYS_pwrite64, data, (long)len);
}

EXPORTED ssize_t pread(int fd, void *data, size_t len, off_t offset)
{
	return read_at(fd, data, len, offset);
}

EXPORTED ssize_t pread64(int fd, void *data, size_t len, off_t offset)
{
	return read_at(fd, data, len, offset);
}

EXPORTED ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return write_at(fd, data, len, offset);
}

EXPORTED ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
	return write_at(fd, data, len, offset);
}

static void *map(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	if (!(flags & MAP_ANONYMOUS) && fd_fails(MMAP, fd))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, address, len, protection, flags, fd, offset);
}

EXPORTED void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	return map(address, len, protection, flags, fd, offset);
}

EXPORTED void *mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	return map(address, len, protection, flags, fd, offset);
}

EXPORTED ssize_t getdents64(int fd, void *entries, size_t len)
{
	return fd_fails(LIST, fd) ? -1 : syscall(SYS_getdents64, fd, entries, len);
}

static int truncate_fd(int fd, off_t size)
{
	if (fd_fails(TRUNCATE, fd))
		return -1;
	pthread_mutex_lock(&lock);
	const char *path = path_of_fd(fd);
	if (path)
		loss_truncating(fd, path, size);
	int rc = (int)syscall(SYS_ftruncate, fd, size);
	int number = errno;
	pthread_mutex_unlock(&lock);
	errno = number;
	return rc;
}

EXPORTED int ftruncate(int fd, off_t size)
{
	return truncate_fd(fd, size);
}

EXPORTED int ftruncate64(int fd, off_t size)
{
	return truncate_fd(fd, size);
}

/* ---- syncing ---- */

static int sync_fd(long how, int fd)
{
	if (fd_fails(SYNC, fd))
		return -1;
	pthread_mutex_lock(&lock);
	long long changes = loss_changes(); /* what comes while it runs may be too late for it */
	pthread_mutex_unlock(&lock);
	long rc = syscall(how, fd);
	pthread_mutex_lock(&lock);
	const char *path = path_of_fd(fd);
	if (!rc && path)
		how == SYS_syncfs ? loss_all_synced() : loss_synced(fd, path, changes);
	pthread_mutex_unlock(&lock);
	return (int)rc;
}

EXPORTED int fsync(int fd)
{
	return sync_fd(SYS_fsync, fd);
}

EXPORTED int fdatasync(int fd)
{
	return sync_fd(SYS_fdatasync, fd);
}

EXPORTED int syncfs(int fd)
{
	return sync_fd(SYS_syncfs, fd);
}

/* ---- names ---- */

/* An open file keeps its descriptor when it gets another name. */
static void move_fds(const char *from, const char *to)
{
	for (int fd = 0; fd < MOST_FDS; fd++)
		if (fd_paths[fd] && !strcmp(fd_paths[fd], from))
			set_path_of_fd(fd, to);
}

static int rename_at(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
	char old[PATH_SIZE], name[PATH_SIZE];
	struct stat status;
	if (path_fails(RENAME, to_folder, to))
		return -1;
	pthread_mutex_lock(&lock);
	bool counts = resolve(to_folder, to, name) && resolve(from_folder, from, old);
	bool replaced = counts && !look(name, &status);
	long rc = syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
	int number = errno;
	if (!rc && counts) {
		loss_renamed(old, name, replaced);
		move_fds(old, name);
	}
	pthread_mutex_unlock(&lock);
	errno = number;
	return (int)rc;
}

EXPORTED int rename(const char *from, const char *to)
{
	return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORTED int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	return rename_at(from_folder, from, to_folder, to, 0);
}

EXPORTED int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
	return rename_at(from_folder, from, to_folder, to, flags);
}

static int link_at(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
	char old[PATH_SIZE], name[PATH_SIZE];
	if (path_fails(LINK, to_folder, to))
		return -1;
	pthread_mutex_lock(&lock);
	bool counts = resolve(to_folder, to, name) && resolve(from_folder, from, old);
	long rc = syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
	int number = errno;
	if (!rc && counts)
		loss_linked(old, name);
	pthread_mutex_unlock(&lock);
	errno = number;
	return (int)rc;
}

EXPORTED int link(const char *from, const char *to)
{
	return link_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORTED int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
	return link_at(from_folder, from, to_folder, to, flags);
}

static int unlink_at(int folder, const char *path, int flags)
{
	char absolute[PATH_SIZE];
	if (path_fails(UNLINK, folder, path))
		return -1;
	pthread_mutex_lock(&lock);
	bool counts = resolve(folder, path, absolute);
	long rc = syscall(SYS_unlinkat, folder, path, flags);
	int number = errno;
	if (!rc && counts)
		loss_removed(absolute);
	pthread_mutex_unlock(&lock);
	errno = number;
	return (int)rc;
}

EXPORTED int unlink(const char *path)
{
	return unlink_at(AT_FDCWD, path, 0);
}

EXPORTED int unlinkat(int folder, const char *path, int flags)
{
	return unlink_at(folder, path, flags);
}

EXPORTED int rmdir(const char *path)
{
	return unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
}

static int mkdir_at(int folder, const char *path, mode_t mode)
{
	char absolute[PATH_SIZE];
	if (path_fails(MKDIR, folder, path))
		return -1;
	pthread_mutex_lock(&lock);
	bool counts = resolve(folder, path, absolute);
	long rc = syscall(SYS_mkdirat, folder, path, mode);
	int number = errno;
	if (!rc && counts)
		loss_created(absolute);
	pthread_mutex_unlock(&lock);
	errno = number;
	return (int)rc;
}

EXPORTED int mkdir(const char *path, mode_t mode)
{
	return mkdir_at(AT_FDCWD, path, mode);
}

EXPORTED int mkdirat(int folder, const char *path, mode_t mode)
{
	return mkdir_at(folder, path, mode);
}

/* ---- looking: counted, never failed ---- */

static int stat_at(int folder, const char *path, struct stat *status, int flags)
{
	if (path_counts(folder, path))
		atomic_fetch_add(&stats, 1);
	return (int)syscall(SYS_newfstatat, folder, path, status, flags);
}

#define STAT_NAMED(name, type, flags)                                                                                  \
	EXPORTED int name(const char *path, struct type *status)                                                       \
	{                                                                                                              \
		return stat_at(AT_FDCWD, path, (struct stat *)(void *)status, flags);                                  \
	}
STAT_NAMED(stat, stat, 0)
STAT_NAMED(stat64, stat64, 0)
STAT_NAMED(lstat, stat, AT_SYMLINK_NOFOLLOW)
STAT_NAMED(lstat64, stat64, AT_SYMLINK_NOFOLLOW)

EXPORTED int fstatat(int folder, const char *path, struct stat *status, int flags)
{
	return stat_at(folder, path, status, flags);
}

EXPORTED int fstatat64(int folder, const char *path, struct stat64 *status, int flags)
{
	return stat_at(folder, path, (struct stat *)(void *)status, flags);
}
