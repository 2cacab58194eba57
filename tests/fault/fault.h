/* A library to preload (LD_PRELOAD): counts a program's file calls below given folders, and makes one of them fail.
 *
 *   TARN_FAULT_ROOT=DIR[:DIR...]  absolute folders; calls on paths and descriptors below them count
 *   TARN_FAULT_AT=N               the N-th call fails, before it does anything (1 is the first)
 *   TARN_FAULT_ERRNO=EIO|ENOSPC   with this (default EIO)
 *   TARN_FAULT_STICKY=1           so do all calls behind it, but closes
 *   TARN_FAULT_SHORT=1            instead: a write or read of more than a byte does half of its work; other calls
 * succeed TARN_FAULT_KILL=1             instead: SIGKILL to the process TARN_FAULT_LOSE=1             and with the
 * kill, or at a normal exit: what was not synced is lost, as in a power cut (loss.h) TARN_FAULT_SEED=N             what
 * decides on that which may be lost or not (default: the N of TARN_FAULT_AT) TARN_FAULT_COUNT=FILE         a line "name
 * value" per counter, appended at exit: `calls` (all that can fail), each kind of call, `read_bytes`, `written_bytes`,
 * `stats` (these cannot fail), `hit` (1: the fault happened)
 *
 * Calls that count: open, openat, creat, read, pread, write, writev, pwrite, fsync, fdatasync, syncfs, rename(at, at2),
 * link(at), unlink(at), rmdir, mkdir(at), ftruncate, mmap of a file, getdents64, and their 64-bit names; SQLite's go
 * the same way. Calls that the C library makes inside of itself (fopen, opendir) are not seen. Paths are taken as they
 * are written: a root behind a symbolic link must be named as the program names it. */
#ifndef TARN_TESTS_FAULT_FAULT_H
#define TARN_TESTS_FAULT_FAULT_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* lstat and fstat past the library's own names. */
static inline int look(const char *path, struct stat *status)
{
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

static inline int look_at(int fd, struct stat *status)
{
	return (int)syscall(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH);
}

#endif
