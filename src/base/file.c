#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"

enum { READ_STEP = 1 << 16, PARTS_AT_ONCE = 256 };

/* Room for the next read: what is left of the file and one more, to see its end; never past out->max. */
static uint8_t *next_room(struct tarn_buf *out, size_t left_of_file, size_t *room)
{
	size_t left = out->max - out->len;
	*room = left_of_file + 1 < left ? left_of_file + 1 : left;
	return *room ? tarn_buf_room(out, *room) : NULL;
}

static enum tarn_rc too_large(const char *path, size_t max, struct tarn_err *err)
{
	return tarn_fail(err, TARN_ELIMIT, "\"%s\" is larger than the limit of %zu bytes", path, max);
}

static enum tarn_rc read_all(int fd, const char *path, struct tarn_buf *out, struct tarn_err *err)
{
	struct stat status;
	if (fstat(fd, &status))
		return tarn_fail_errno(err, "\"%s\"", path);
	if (S_ISREG(status.st_mode) && (uint64_t)status.st_size > out->max - out->len)
		return too_large(path, out->max, err);
	size_t left = status.st_size > 0 ? (size_t)status.st_size : READ_STEP;
	for (;;) {
		uint8_t probe;
		size_t size;
		uint8_t *room = next_room(out, left, &size);
		ssize_t got = room ? read(fd, room, size) : read(fd, &probe, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tarn_fail_errno(err, "\"%s\"", path);
		if (!got)
			return TARN_OK;
		if (!room)
			return too_large(path, out->max, err);
		out->len += (size_t)got;
		left = (size_t)got < left ? left - (size_t)got : READ_STEP;
	}
}

enum tarn_rc tarn_file_read(const char *path, struct tarn_buf *out, struct tarn_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return tarn_fail_errno(err, "\"%s\"", path);
	enum tarn_rc rc = read_all(fd, path, out, err);
	close(fd);
	return rc;
}

enum tarn_rc tarn_fd_write(int fd, struct tarn_slice data, const char *path, struct tarn_err *err)
{
	while (data.len) {
		ssize_t done = write(fd, data.data, data.len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return tarn_fail_errno(err, "\"%s\"", path);
		data.data += done;
		data.len -= (size_t)done;
	}
	return TARN_OK;
}

static int take_parts(const struct tarn_slice *parts, size_t n, size_t skip, struct iovec taken[PARTS_AT_ONCE])
{
	int count = 0;
	for (size_t i = 0; i < n && count < PARTS_AT_ONCE; i++, skip = 0)
		taken[count++] = (struct iovec){ (void *)(uintptr_t)(parts[i].data + skip), parts[i].len - skip };
	return count;
}

static enum tarn_rc write_parts(int fd, const struct tarn_slice *parts, size_t n, const char *path,
				struct tarn_err *err)
{
	size_t done = 0; /* of the first part that is left */
	while (n) {
		struct iovec taken[PARTS_AT_ONCE];
		ssize_t written = writev(fd, taken, take_parts(parts, n, done, taken));
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return tarn_fail_errno(err, "\"%s\"", path);
		done += (size_t)written;
		for (; n && done >= parts->len; n--, parts++)
			done -= parts->len;
	}
	return TARN_OK;
}

static enum tarn_rc write_durably(const char *path, const struct tarn_slice *parts, size_t n, struct tarn_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return tarn_fail_errno(err, "\"%s\"", path);
	enum tarn_rc rc = write_parts(fd, parts, n, path, err);
	if (!rc && fsync(fd))
		rc = tarn_fail_errno(err, "\"%s\"", path);
	if (close(fd) && !rc)
		rc = tarn_fail_errno(err, "\"%s\"", path);
	return rc;
}

static enum tarn_rc fsync_folder_of(const char *path, struct tarn_err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? tarn_asprintf("%.*s", (int)(slash - path) + 1, path) : tarn_strdup(".");
	enum tarn_rc rc = tarn_fsync_path(folder, err);
	free(folder);
	return rc;
}

enum tarn_rc tarn_file_replace_parts(const char *path, const struct tarn_slice *parts, size_t n, struct tarn_err *err)
{
	char *temporary = tarn_asprintf("%s.%ld.tmp", path, (long)getpid());
	enum tarn_rc rc = write_durably(temporary, parts, n, err);
	if (!rc && rename(temporary, path))
		rc = tarn_fail_errno(err, "\"%s\"", path);
	if (rc)
		unlink(temporary);
	else
		rc = fsync_folder_of(path, err);
	free(temporary);
	return rc;
}

enum tarn_rc tarn_file_replace(const char *path, struct tarn_slice data, struct tarn_err *err)
{
	return tarn_file_replace_parts(path, &data, 1, err);
}

/* An entry that was made is synced, as whatever is made durable below it would go with it. */
static enum tarn_rc make_folder(const char *path, struct tarn_err *err)
{
	if (!mkdir(path, 0777))
		return fsync_folder_of(path, err);
	return errno == EEXIST ? TARN_OK : tarn_fail_errno(err, "\"%s\"", path);
}

static size_t without_slashes_at_the_end(const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

enum tarn_rc tarn_make_folders(const char *path, struct tarn_err *err)
{
	if (!*path)
		return tarn_fail(err, TARN_EINVALID, "\"\" is not a folder's path");
	char *copy = tarn_asprintf("%.*s", (int)without_slashes_at_the_end(path), path);
	enum tarn_rc rc = TARN_OK;
	for (char *slash = strchr(copy + 1, '/'); slash && !rc; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = make_folder(copy, err);
		*slash = '/';
	}
	if (!rc)
		rc = make_folder(copy, err);
	free(copy);
	struct stat status;
	if (!rc && stat(path, &status))
		rc = tarn_fail_errno(err, "\"%s\"", path);
	if (!rc && !S_ISDIR(status.st_mode))
		rc = tarn_fail(err, TARN_EEXISTS, "\"%s\" is not a folder", path);
	return rc;
}

enum tarn_rc tarn_fsync_path(const char *path, struct tarn_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return tarn_fail_errno(err, "\"%s\"", path);
	int failed = fsync(fd);
	int number = errno;
	close(fd);
	errno = number;
	return failed ? tarn_fail_errno(err, "\"%s\"", path) : TARN_OK;
}

bool tarn_file_exists(const char *path)
{
	return !access(path, F_OK);
}
