#include "store/object/local.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"

static void local_close(struct tarn_store *store)
{
	struct tarn_local_store *local = tarn_local(store);
	for (size_t i = 0; i < local->n_pending; i++) {
		if (local->pending[i].fd >= 0)
			close(local->pending[i].fd);
		free(local->pending[i].key);
	}
	free(local->pending);
	pthread_mutex_destroy(&local->lock);
	pthread_mutex_destroy(&local->syncing);
	close(local->root);
	free(store->url);
	free(local);
}

/* ---- reading ---- */

/* O_NONBLOCK: a pipe in the folder must not hold us up. */
static enum tarn_rc open_object(struct tarn_local_store *local, const char *key, int *fd, struct stat *status,
				struct tarn_err *err)
{
	int opened = openat(local->root, key, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (opened < 0)
		return tarn_fail_errno(err, "\"%s/%s\"", local->path, key);
	enum tarn_rc rc = TARN_OK;
	if (fstat(opened, status))
		rc = tarn_fail_errno(err, "\"%s/%s\"", local->path, key);
	else if (!S_ISREG(status->st_mode))
		rc = tarn_fail(err, TARN_EINVALID, "\"%s/%s\" is no regular file", local->path, key);
	if (rc) {
		close(opened);
		return rc;
	}
	*fd = opened;
	return TARN_OK;
}

static enum tarn_rc read_at(int fd, int64_t offset, size_t len, uint8_t *dst, struct tarn_local_store *local,
			    const char *key, struct tarn_err *err)
{
	size_t done = 0;
	while (done < len) {
		ssize_t got = pread(fd, dst + done, len - done, offset + (int64_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tarn_fail_errno(err, "\"%s/%s\"", local->path, key);
		if (!got)
			return tarn_fail_at(err, TARN_EINVALID, offset + (int64_t)done,
					    "\"%s/%s\" ends at byte %" PRId64 ", expected %zu bytes from %" PRId64,
					    local->path, key, offset + (int64_t)done, len, offset);
		done += (size_t)got;
	}
	return TARN_OK;
}

static enum tarn_rc local_get(struct tarn_store *store, const char *key, struct tarn_buf *out, struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	struct stat status;
	int fd;
	enum tarn_rc rc = open_object(local, key, &fd, &status, err);
	if (rc)
		return rc;
	size_t size = (size_t)status.st_size;
	uint8_t *room = tarn_buf_room(out, size);
	if (!room)
		rc = tarn_fail(err, TARN_ELIMIT, "\"%s/%s\" has %zu bytes, the limit is %zu", local->path, key, size,
			       out->max);
	else
		rc = read_at(fd, 0, size, room, local, key, err);
	if (!rc)
		out->len += size;
	close(fd);
	return rc;
}

static enum tarn_rc local_get_range(struct tarn_store *store, const char *key, int64_t offset, size_t len, uint8_t *dst,
				    struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	struct stat status;
	int fd;
	enum tarn_rc rc = open_object(local, key, &fd, &status, err);
	if (rc)
		return rc;
	rc = read_at(fd, offset, len, dst, local, key, err);
	close(fd);
	return rc;
}

static enum tarn_rc local_get_tail(struct tarn_store *store, const char *key, size_t most, uint8_t *dst, size_t *got,
				   int64_t *size, struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	struct stat status;
	int fd;
	enum tarn_rc rc = open_object(local, key, &fd, &status, err);
	if (rc)
		return rc;
	size_t len = status.st_size < (off_t)most ? (size_t)status.st_size : most;
	rc = read_at(fd, status.st_size - (off_t)len, len, dst, local, key, err);
	if (!rc) {
		*got = len;
		*size = status.st_size;
	}
	close(fd);
	return rc;
}

static enum tarn_rc local_size(struct tarn_store *store, const char *key, int64_t *size, struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	struct stat status;
	if (fstatat(local->root, key, &status, 0))
		return tarn_fail_errno(err, "\"%s/%s\"", local->path, key);
	if (!S_ISREG(status.st_mode))
		return tarn_fail(err, TARN_EINVALID, "\"%s/%s\" is no regular file", local->path, key);
	*size = status.st_size;
	return TARN_OK;
}

/* ---- writing ---- */

/* The disk begins to work on a file with each of so many bytes, so that the sync at its end has little to wait for. */
enum { HELD_BYTES = 1 << 16, WRITEBACK_BYTES = 4 << 20 };

/* Makes the folders above a key; each new one is an entry that the next sync must make durable. */
static enum tarn_rc make_folders_above(struct tarn_local_store *local, const char *key, struct tarn_err *err)
{
	char *folder = tarn_strdup(key);
	enum tarn_rc rc = TARN_OK;
	for (char *slash = strchr(folder, '/'); slash && !rc; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!mkdirat(local->root, folder, 0777))
			rc = tarn_local_add_pending(local, -1, folder, err);
		else if (errno != EEXIST)
			rc = tarn_fail_errno(err, "\"%s/%s\"", local->path, folder);
		*slash = '/';
	}
	free(folder);
	return rc;
}

static char *temporary_name(struct tarn_local_store *local, const char *key)
{
	const char *slash = strrchr(key, '/');
	int folder_len = slash ? (int)(slash - key) + 1 : 0;
	return tarn_asprintf("%.*s" TARN_LOCAL_TEMPORARY "%016" PRIx64 "-%" PRIu64, folder_len, key, local->token,
			     (uint64_t)atomic_fetch_add(&local->counter, 1));
}

/* TARN_EEXISTS where the name is taken. */
static enum tarn_rc create(struct tarn_local_store *local, const char *name, int *fd, struct tarn_err *err)
{
	enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC };
	int opened = openat(local->root, name, FLAGS, 0666);
	if (opened < 0 && errno == ENOENT) {
		enum tarn_rc rc = make_folders_above(local, name, err);
		if (rc)
			return rc;
		opened = openat(local->root, name, FLAGS, 0666);
	}
	if (opened < 0)
		return tarn_fail_errno(err, "\"%s/%s\"", local->path, name);
	*fd = opened;
	return TARN_OK;
}

/* Not every file system knows RENAME_NOREPLACE; all that can be a lake know links. */
static int rename_new(int root, const char *from, const char *to)
{
	if (!renameat2(root, from, root, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return linkat(root, from, root, to, 0) ? -1 : unlinkat(root, from, 0);
}

static enum tarn_rc publish(struct tarn_local_store *local, const char *temporary, const char *key,
			    enum tarn_put_mode mode, struct tarn_err *err)
{
	int failed = mode == TARN_PUT_NEW ? rename_new(local->root, temporary, key)
					  : renameat(local->root, temporary, local->root, key);
	return failed ? tarn_fail_errno(err, "\"%s/%s\"", local->path, key) : TARN_OK;
}

struct local_writer {
	struct tarn_store_writer base;
	char *key;
	char *temporary; /* NULL: it is written under its own name */
	int fd;		 /* -1 once finished */
	enum tarn_put_mode mode;
	off_t written, started; /* bytes in the file; those that the disk was told to work on */
	struct tarn_buf held;	/* small pieces, written together */
};

static enum tarn_rc open_writer(struct tarn_local_store *local, const char *key, enum tarn_put_mode mode,
				struct local_writer *writer, struct tarn_err *err)
{
	*writer = (struct local_writer){ .base.store = &local->base, .mode = mode };
	enum tarn_rc rc = mode == TARN_PUT_UNTOLD ? create(local, key, &writer->fd, err) : TARN_EEXISTS;
	if (rc == TARN_EEXISTS) {
		writer->temporary = temporary_name(local, key);
		rc = create(local, writer->temporary, &writer->fd, err);
	}
	if (rc) {
		free(writer->temporary);
		return rc;
	}
	writer->key = tarn_strdup(key);
	tarn_buf_init(&writer->held, HELD_BYTES);
	return TARN_OK;
}

static void release_writer(struct local_writer *writer)
{
	if (writer->fd >= 0) {
		unlinkat(tarn_local(writer->base.store)->root, writer->temporary ? writer->temporary : writer->key, 0);
		close(writer->fd);
	}
	tarn_buf_release(&writer->held);
	free(writer->temporary);
	free(writer->key);
}

static enum tarn_rc write_now(struct local_writer *writer, struct tarn_slice bytes, struct tarn_err *err)
{
	enum tarn_rc rc = tarn_fd_write(writer->fd, bytes, writer->key, err);
	writer->written += (off_t)bytes.len;
	if (!rc && writer->written - writer->started >= WRITEBACK_BYTES) {
		sync_file_range(writer->fd, writer->started, writer->written - writer->started, SYNC_FILE_RANGE_WRITE);
		writer->started = writer->written;
	}
	return rc ? tarn_err_within(err, rc, "in \"%s\"", tarn_local(writer->base.store)->path) : TARN_OK;
}

static enum tarn_rc write_held(struct local_writer *writer, struct tarn_err *err)
{
	enum tarn_rc rc = write_now(writer, tarn_buf_slice(&writer->held), err);
	tarn_buf_clear(&writer->held);
	return rc;
}

static enum tarn_rc write_piece(struct local_writer *writer, struct tarn_slice bytes, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	if (writer->held.len + bytes.len > HELD_BYTES)
		rc = write_held(writer, err);
	if (rc)
		return rc;
	if (bytes.len >= HELD_BYTES)
		return write_now(writer, bytes, err);
	tarn_buf_add_slice(&writer->held, bytes);
	return TARN_OK;
}

static enum tarn_rc finish_writer(struct local_writer *writer, struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(writer->base.store);
	enum tarn_rc rc = write_held(writer, err);
	if (!rc && writer->temporary)
		rc = publish(local, writer->temporary, writer->key, writer->mode, err);
	if (rc)
		return rc;
	int fd = writer->fd;
	writer->fd = -1;
	return tarn_local_add_pending(local, fd, writer->key, err);
}

static enum tarn_rc local_put(struct tarn_store *store, const char *key, struct tarn_slice bytes,
			      enum tarn_put_mode mode, struct tarn_err *err)
{
	struct local_writer writer;
	enum tarn_rc rc = open_writer(tarn_local(store), key, mode, &writer, err);
	if (rc)
		return rc;
	rc = write_now(&writer, bytes, err);
	if (!rc)
		rc = finish_writer(&writer, err);
	release_writer(&writer);
	return rc;
}

static enum tarn_rc local_link(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	if (linkat(local->root, from, local->root, to, 0))
		return tarn_fail_errno(err, "\"%s/%s\"", local->path, to);
	return tarn_local_add_pending(local, -1, to, err);
}

static enum tarn_rc local_rename(struct tarn_store *store, const char *from, const char *to, struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	if (renameat(local->root, from, local->root, to))
		return tarn_fail_errno(err, "\"%s/%s\"", local->path, from);
	enum tarn_rc rc = tarn_local_add_pending(local, -1, from, err);
	return rc ? rc : tarn_local_add_pending(local, -1, to, err);
}

static enum tarn_rc local_writer_open(struct tarn_store *store, const char *key, enum tarn_put_mode mode,
				      struct tarn_store_writer **writer, struct tarn_err *err)
{
	struct local_writer *opened = tarn_malloc(sizeof(*opened));
	enum tarn_rc rc = open_writer(tarn_local(store), key, mode, opened, err);
	if (rc) {
		free(opened);
		return rc;
	}
	*writer = &opened->base;
	return TARN_OK;
}

static enum tarn_rc local_writer_add(struct tarn_store_writer *writer, struct tarn_slice bytes, struct tarn_err *err)
{
	return write_piece((struct local_writer *)writer, bytes, err);
}

static enum tarn_rc local_writer_finish(struct tarn_store_writer *writer, struct tarn_err *err)
{
	return finish_writer((struct local_writer *)writer, err);
}

static void local_writer_free(struct tarn_store_writer *writer)
{
	release_writer((struct local_writer *)writer);
	free(writer);
}

static enum tarn_rc local_delete(struct tarn_store *store, const char *key, struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	if (unlinkat(local->root, key, 0) && errno != ENOENT)
		return tarn_fail_errno(err, "\"%s/%s\"", local->path, key);
	return TARN_OK;
}

/* ---- opening ---- */

static const struct tarn_store_ops local_ops = {
	.close = local_close,
	.get = local_get,
	.get_range = local_get_range,
	.get_tail = local_get_tail,
	.size = local_size,
	.put = local_put,
	.link = local_link,
	.rename = local_rename,
	.writer_open = local_writer_open,
	.writer_add = local_writer_add,
	.writer_finish = local_writer_finish,
	.writer_free = local_writer_free,
	.sync = tarn_local_sync,
	.remove = local_delete,
	.list = tarn_local_list,
	.walk = tarn_local_walk,
	.folder_token = tarn_local_folder_token,
};

/* The real path, so that one folder has one URL however it was named. */
static enum tarn_rc open_root(const char *path, bool create, char **real, int *root, struct tarn_err *err)
{
	enum tarn_rc rc = create ? tarn_make_folders(path, err) : TARN_OK;
	if (rc)
		return rc;
	char *resolved = realpath(path, NULL);
	if (!resolved)
		return tarn_fail_errno(err, "\"%s\"", path);
	int fd = open(resolved, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		rc = tarn_fail_errno(err, "\"%s\"", path);
		free(resolved);
		return rc;
	}
	*real = resolved;
	*root = fd;
	return TARN_OK;
}

enum tarn_rc tarn_local_store_open(const char *path, bool create, struct tarn_store **store, struct tarn_err *err)
{
	char *real = NULL;
	int root = -1;
	enum tarn_rc rc = open_root(path, create, &real, &root, err);
	if (rc)
		return rc;
	struct tarn_local_store *local = tarn_calloc(1, sizeof(*local));
	local->base.ops = &local_ops;
	local->base.url = tarn_asprintf("file://%s", strcmp(real, "/") ? real : "");
	local->path = local->base.url + strlen("file://");
	local->root = root;
	local->token = (uint64_t)tarn_random_id();
	pthread_mutex_init(&local->lock, NULL);
	pthread_mutex_init(&local->syncing, NULL);
	free(real);
	*store = &local->base;
	return TARN_OK;
}
