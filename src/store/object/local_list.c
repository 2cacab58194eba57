#include "store/object/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

enum { LISTING_BUFFER = 1 << 18 };

/* A name of a folder as the system tells it. */
typedef void (*see_name)(void *context, int folder, const char *name, unsigned char type);

static bool is_self_or_parent(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static void see_names(const uint8_t *names, size_t len, int folder, see_name see, void *context)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *entry = (const void *)(names + at);
		if (!is_self_or_parent(entry->d_name))
			see(context, folder, entry->d_name, entry->d_type);
		at += entry->d_reclen;
	}
}

/* A missing folder has no names. */
static enum tarn_rc read_folder(struct tarn_local_store *local, const char *prefix, see_name see, void *context,
				struct tarn_err *err)
{
	int folder = openat(local->root, *prefix ? prefix : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 && (errno == ENOENT || errno == ENOTDIR))
		return TARN_OK;
	if (folder < 0)
		return tarn_fail_errno(err, "\"%s/%s\"", local->path, prefix);
	enum tarn_rc rc = TARN_OK;
	uint8_t *names = tarn_malloc(LISTING_BUFFER);
	ssize_t got;
	while ((got = getdents64(folder, names, LISTING_BUFFER)) > 0)
		see_names(names, (size_t)got, folder, see, context);
	if (got < 0)
		rc = tarn_fail_errno(err, "listing \"%s/%s\"", local->path, prefix);
	free(names);
	close(folder);
	return rc;
}

static bool is_temporary(const char *name)
{
	return !strncmp(name, TARN_LOCAL_TEMPORARY, strlen(TARN_LOCAL_TEMPORARY));
}

/* A symbolic link counts as what it leads to. */
static unsigned char resolved_type(int folder, const char *name, unsigned char type)
{
	struct stat status;
	if (type != DT_UNKNOWN && type != DT_LNK)
		return type;
	return fstatat(folder, name, &status, 0) ? DT_UNKNOWN : IFTODT(status.st_mode);
}

/* ---- one level, sorted ---- */

struct listing {
	const char *start_after;
	struct tarn_arena names;
	struct tarn_store_entry *entries;
	size_t n, cap;
};

static void collect(void *context, int folder, const char *name, unsigned char type)
{
	struct listing *listing = context;
	if (listing->start_after && strcmp(name, listing->start_after) <= 0)
		return;
	type = resolved_type(folder, name, type);
	if ((type != DT_REG && type != DT_DIR) || is_temporary(name))
		return;
	listing->entries = tarn_grow(listing->entries, &listing->cap, listing->n + 1, sizeof(*listing->entries));
	listing->entries[listing->n++] = (struct tarn_store_entry){
		.name = tarn_arena_strdup(&listing->names, name),
		.is_folder = type == DT_DIR,
		.size = -1,
	};
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct tarn_store_entry *)left)->name, ((const struct tarn_store_entry *)right)->name);
}

enum tarn_rc tarn_local_list(struct tarn_store *store, const char *prefix, const char *start_after,
			     tarn_store_visit visit, void *context, struct tarn_err *err)
{
	struct listing listing = { .start_after = start_after };
	tarn_arena_init(&listing.names);
	enum tarn_rc rc = read_folder(tarn_local(store), prefix, collect, &listing, err);
	if (!rc && listing.n)
		qsort(listing.entries, listing.n, sizeof(*listing.entries), by_name);
	for (size_t i = 0; i < listing.n && !rc; i++)
		if (!visit(context, &listing.entries[i]))
			break;
	free(listing.entries);
	tarn_arena_release(&listing.names);
	return rc;
}

/* ---- all levels ---- */

struct walk {
	tarn_store_walk_visit visit;
	void *context;
	const char *prefix; /* of the folder being read */
	char **folders;	    /* still to be read */
	size_t n, cap;
	bool stopped;
};

static void see_file(struct walk *walk, int folder, const char *name, const char *key)
{
	struct stat status;
	/* It may have been renamed or deleted since it was listed. */
	if (fstatat(folder, name, &status, 0) || !S_ISREG(status.st_mode))
		return;
	struct tarn_store_found found = {
		.key = key,
		.size = status.st_size,
		.modified_us = status.st_mtim.tv_sec * INT64_C(1000000) + status.st_mtim.tv_nsec / 1000,
		.is_temporary = is_temporary(name),
	};
	walk->stopped = !walk->visit(walk->context, &found);
}

/* Links are not followed into folders, so the walk ends. */
static void step(void *context, int folder, const char *name, unsigned char type)
{
	struct walk *walk = context;
	if (walk->stopped)
		return;
	char *key = *walk->prefix ? tarn_asprintf("%s/%s", walk->prefix, name) : tarn_strdup(name);
	if (type == DT_UNKNOWN)
		type = resolved_type(folder, name, type);
	if (type == DT_DIR) {
		walk->folders = tarn_grow(walk->folders, &walk->cap, walk->n + 1, sizeof(*walk->folders));
		walk->folders[walk->n++] = key;
		return;
	}
	see_file(walk, folder, name, key);
	free(key);
}

enum tarn_rc tarn_local_walk(struct tarn_store *store, const char *prefix, tarn_store_walk_visit visit, void *context,
			     struct tarn_err *err)
{
	struct walk walk = { .visit = visit, .context = context, .prefix = prefix };
	enum tarn_rc rc = read_folder(tarn_local(store), prefix, step, &walk, err);
	while (walk.n) {
		char *folder = walk.folders[--walk.n];
		walk.prefix = folder;
		if (!rc && !walk.stopped)
			rc = read_folder(tarn_local(store), folder, step, &walk, err);
		free(folder);
	}
	free(walk.folders);
	return rc;
}

/* ---- tokens ---- */

static int64_t ns_of(struct timespec time)
{
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Two changes within one tick of the file system's clock leave the same times behind, so a change as fresh as a tick
 * says nothing (git's index has the same race). A file system that keeps whole seconds shows it by its zeros. */
static bool is_racy(const struct stat *status)
{
	enum { TICK_NS = 20000000 };
	const int64_t coarse_tick_ns = INT64_C(2100000000);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	bool coarse = !status->st_mtim.tv_nsec && !status->st_ctim.tv_nsec;
	return ns_of(now) - ns_of(status->st_ctim) < (coarse ? coarse_tick_ns : TICK_NS);
}

enum tarn_rc tarn_local_folder_token(struct tarn_store *store, const char *prefix, char token[TARN_STORE_TOKEN_SIZE],
				     struct tarn_err *err)
{
	struct tarn_local_store *local = tarn_local(store);
	struct stat status;
	if (fstatat(local->root, *prefix ? prefix : ".", &status, 0)) {
		if (errno != ENOENT && errno != ENOTDIR)
			return tarn_fail_errno(err, "\"%s/%s\"", local->path, prefix);
		token[0] = '\0';
		return TARN_OK;
	}
	if (!S_ISDIR(status.st_mode) || is_racy(&status))
		token[0] = '\0';
	else
		snprintf(token, TARN_STORE_TOKEN_SIZE, "%" PRIx64 "-%" PRIx64 "-%" PRIx64, (uint64_t)status.st_ino,
			 (uint64_t)ns_of(status.st_mtim), (uint64_t)ns_of(status.st_ctim));
	return TARN_OK;
}
