/* Making files durable in one go. On ext4 (and its kin) the first fdatasync commits what a journal transaction holds,
 * so it pays to have all data on its way before: writeback of every file is started first, then a few threads wait for
 * them, and for the folders: nothing refers to either yet, so no order is needed. */
#include "store/object/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	SYNC_THREADS = 8,
	MOST_PENDING = 128, /* descriptors are scarcer than syncs */
};

enum tarn_rc tarn_local_add_pending(struct tarn_local_store *local, int fd, const char *key, struct tarn_err *err)
{
	pthread_mutex_lock(&local->lock);
	local->pending = tarn_grow(local->pending, &local->cap_pending, local->n_pending + 1, sizeof(*local->pending));
	local->pending[local->n_pending++] = (struct tarn_local_pending){ fd, tarn_strdup(key) };
	bool many = local->n_pending >= MOST_PENDING;
	pthread_mutex_unlock(&local->lock);
	return many ? tarn_local_sync(&local->base, err) : TARN_OK;
}

/* ---- the folders of what is pending ---- */

static size_t folder_len(const char *key)
{
	const char *slash = strrchr(key, '/');
	return slash ? (size_t)(slash - key) : 0;
}

static int by_folder(const void *left, const void *right)
{
	const char *a = ((const struct tarn_local_pending *)left)->key;
	const char *b = ((const struct tarn_local_pending *)right)->key;
	size_t a_len = folder_len(a), b_len = folder_len(b);
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static enum tarn_rc open_folder(struct tarn_local_store *local, const char *key, struct tarn_local_pending *folder,
				struct tarn_err *err)
{
	size_t len = folder_len(key);
	folder->key = len ? tarn_asprintf("%.*s", (int)len, key) : tarn_strdup(".");
	folder->fd = openat(local->root, folder->key, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder->fd < 0 ? tarn_fail_errno(err, "syncing folder \"%s/%s\"", local->path, folder->key) : TARN_OK;
}

/* What is made durable together: the files that are pending, and behind them the folders that have new entries. */
struct batch {
	struct tarn_local_pending *items;
	size_t n, n_files;
	atomic_size_t next;
	atomic_int failed; /* errno of a failure */
	atomic_size_t failed_at;
};

static enum tarn_rc add_folders(struct tarn_local_store *local, struct batch *batch, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	batch->n_files = batch->n;
	batch->items = tarn_realloc(batch->items, 2 * batch->n * sizeof(*batch->items));
	if (batch->n)
		qsort(batch->items, batch->n, sizeof(*batch->items), by_folder);
	for (size_t i = 0; i < batch->n_files && !rc; i++)
		if (!i || by_folder(&batch->items[i - 1], &batch->items[i]))
			rc = open_folder(local, batch->items[i].key, &batch->items[batch->n++], err);
	return rc;
}

/* ---- syncing ---- */

static void sync_one(struct batch *batch, size_t i)
{
	int rc;
	if (batch->items[i].fd < 0)
		return;
	do
		rc = i < batch->n_files ? fdatasync(batch->items[i].fd) : fsync(batch->items[i].fd);
	while (rc && errno == EINTR);
	int none = 0;
	if (rc && atomic_compare_exchange_strong(&batch->failed, &none, errno))
		atomic_store(&batch->failed_at, i);
}

static void *sync_some(void *context)
{
	struct batch *batch = context;
	for (size_t i; (i = atomic_fetch_add(&batch->next, 1)) < batch->n;)
		sync_one(batch, i);
	return NULL;
}

static void sync_in_parallel(struct batch *batch)
{
	pthread_t threads[SYNC_THREADS];
	size_t started = 0;
	while (started < SYNC_THREADS - 1 && started + 1 < batch->n &&
	       !pthread_create(&threads[started], NULL, sync_some, batch))
		started++;
	sync_some(batch);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static enum tarn_rc sync_batch(struct tarn_local_store *local, struct batch *batch, struct tarn_err *err)
{
	if (tarn_local_syncs_whole(local, batch->items, batch->n))
		return syncfs(local->root) ? tarn_fail_errno(err, "syncing \"%s\"", local->path) : TARN_OK;
	enum tarn_rc rc = add_folders(local, batch, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < batch->n_files; i++)
		if (batch->items[i].fd >= 0)
			sync_file_range(batch->items[i].fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	sync_in_parallel(batch);
	errno = atomic_load(&batch->failed);
	return errno ? tarn_fail_errno(err, "syncing \"%s/%s\"", local->path,
				       batch->items[atomic_load(&batch->failed_at)].key)
		     : TARN_OK;
}

/* ---- both ---- */

static struct batch take_pending(struct tarn_local_store *local, int *earlier_failure)
{
	pthread_mutex_lock(&local->lock);
	struct batch batch = { .items = local->pending, .n = local->n_pending };
	local->pending = NULL;
	local->n_pending = local->cap_pending = 0;
	*earlier_failure = local->sync_errno;
	pthread_mutex_unlock(&local->lock);
	return batch;
}

static void drop(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		if (batch->items[i].fd >= 0)
			close(batch->items[i].fd);
		free(batch->items[i].key);
	}
	free(batch->items);
}

static void remember_failure(struct tarn_local_store *local, const struct tarn_err *err)
{
	pthread_mutex_lock(&local->lock);
	local->sync_errno = err->sys_errno ? err->sys_errno : EIO;
	pthread_mutex_unlock(&local->lock);
}

enum tarn_rc tarn_local_sync(struct tarn_store *store, struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	struct tarn_err unused;
	enum tarn_rc rc;
	int earlier;
	if (!err)
		err = &unused;
	/* Held to the end: nobody may return from a sync while another thread still works on files it waits for. */
	pthread_mutex_lock(&local->syncing);
	struct batch batch = take_pending(local, &earlier);
	errno = earlier;
	if (earlier)
		rc = tarn_fail_errno(err, "an earlier sync of \"%s\" failed", local->path);
	else
		rc = sync_batch(local, &batch, err);
	if (rc && !earlier)
		remember_failure(local, err);
	drop(&batch);
	pthread_mutex_unlock(&local->syncing);
	return rc;
}
