#include "loss.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"

enum { MOST = 65536 };

static struct made {
	char *path;        /* NULL: removed since */
	bool entry_synced; /* or must stay for another reason */
	long long synced;  /* bytes of content that last */
} made[MOST];
static size_t n_made;

static struct made *find(const char *path)
{
	for (size_t i = n_made; i-- > 0;)
		if (made[i].path && !strcmp(made[i].path, path))
			return &made[i];
	return NULL;
}

static struct made *add(const char *path)
{
	if (n_made == MOST)
		abort();
	made[n_made] = (struct made){ .path = strdup(path) };
	return &made[n_made++];
}

static void forget(struct made *entry)
{
	free(entry->path);
	entry->path = NULL;
}

void loss_created(const char *path)
{
	add(path);
}

void loss_removed(const char *path)
{
	struct made *entry = find(path);
	if (entry)
		forget(entry);
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	return !strncmp(path, folder, len) && path[len] == '/';
}

static void move_children(const char *from, const char *to)
{
	for (size_t i = 0; i < n_made; i++) {
		if (!made[i].path || !is_below(made[i].path, from))
			continue;
		char *moved = malloc(strlen(to) + strlen(made[i].path) + 1);
		strcpy(moved, to);
		strcat(moved, made[i].path + strlen(from));
		free(made[i].path);
		made[i].path = moved;
	}
}

static long long size_of(const char *path)
{
	struct stat status;
	return look(path, &status) ? 0 : status.st_size;
}

void loss_renamed(const char *from, const char *to, bool replaced)
{
	struct made *entry = find(from);
	long long synced = entry ? entry->synced : size_of(to);
	if (entry)
		forget(entry);
	loss_removed(to);
	move_children(from, to);
	entry = add(to);
	entry->synced = synced;
	entry->entry_synced = replaced;
}

void loss_linked(const char *from, const char *to)
{
	struct made *entry = find(from);
	add(to)->synced = entry ? entry->synced : size_of(to);
}

static bool is_in(const char *path, const char *folder)
{
	return is_below(path, folder) && !strchr(path + strlen(folder) + 1, '/');
}

static void content_synced(const struct stat *synced)
{
	for (size_t i = 0; i < n_made; i++) {
		struct stat status;
		if (made[i].path && !look(made[i].path, &status) && status.st_ino == synced->st_ino &&
		    status.st_dev == synced->st_dev)
			made[i].synced = synced->st_size;
	}
}

void loss_synced(int fd, const char *path)
{
	struct stat status;
	if (look_at(fd, &status))
		return;
	if (!S_ISDIR(status.st_mode)) {
		content_synced(&status);
		return;
	}
	for (size_t i = 0; i < n_made; i++)
		if (made[i].path && is_in(made[i].path, path))
			made[i].entry_synced = true;
}

void loss_all_synced(void)
{
	for (size_t i = 0; i < n_made; i++)
		if (made[i].path)
			forget(&made[i]);
	n_made = 0;
}

/* Straight to the kernel: these are not the program's calls. */
static void drop(const char *path, bool folder)
{
	syscall(SYS_unlinkat, AT_FDCWD, path, folder ? AT_REMOVEDIR : 0);
}

static void cut(const char *path, long long size)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
	if (fd >= 0 && size_of(path) > size)
		syscall(SYS_ftruncate, fd, size);
	if (fd >= 0)
		syscall(SYS_close, fd);
}

/* An entry below a lost folder is lost with it. */
static bool is_lost(const struct made *entry)
{
	if (!entry->entry_synced)
		return true;
	for (size_t i = 0; i < n_made; i++)
		if (made[i].path && !made[i].entry_synced && is_below(entry->path, made[i].path))
			return true;
	return false;
}

static int deepest_first(const void *a, const void *b)
{
	const char *left = ((const struct made *)a)->path, *right = ((const struct made *)b)->path;
	return strcmp(right ? right : "", left ? left : "");
}

void loss_happen(void)
{
	qsort(made, n_made, sizeof(*made), deepest_first);
	for (size_t i = 0; i < n_made && made[i].path; i++) {
		struct stat status;
		if (look(made[i].path, &status))
			continue;
		if (is_lost(&made[i]))
			drop(made[i].path, S_ISDIR(status.st_mode));
		else if (S_ISREG(status.st_mode))
			cut(made[i].path, made[i].synced);
	}
}
