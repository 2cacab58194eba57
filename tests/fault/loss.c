#include "loss.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"

enum { MOST = 65536, BLOCK = 512 };

/* ---- entries ---- */

static struct made {
	char *path;	   /* NULL: removed since */
	bool entry_synced; /* or must stay for another reason */
} made[MOST];
static size_t n_made;

static void contents_renamed(const char *from, const char *to);
static void contents_removed(const char *path);

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

static void entry_removed(const char *path)
{
	struct made *entry = find(path);
	if (entry)
		forget(entry);
}

void loss_removed(const char *path)
{
	entry_removed(path);
	contents_removed(path);
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	return !strncmp(path, folder, len) && path[len] == '/';
}

static char *moved(const char *path, const char *from, const char *to)
{
	char *result = malloc(strlen(to) + strlen(path) + 1);
	strcpy(result, to);
	strcat(result, path + strlen(from));
	return result;
}

static void move(char **path, const char *from, const char *to)
{
	char *result = moved(*path, from, to);
	free(*path);
	*path = result;
}

void loss_renamed(const char *from, const char *to, bool replaced)
{
	entry_removed(from);
	loss_removed(to);
	for (size_t i = 0; i < n_made; i++)
		if (made[i].path && is_below(made[i].path, from))
			move(&made[i].path, from, to);
	contents_renamed(from, to);
	add(to)->entry_synced = replaced;
}

void loss_linked(const char *from, const char *to)
{
	add(to);
	contents_renamed(from, to); /* the name that stays, where one goes */
}

static bool is_in(const char *path, const char *folder)
{
	return is_below(path, folder) && !strchr(path + strlen(folder) + 1, '/');
}

/* ---- contents ---- */

/* Of one file, the bytes [at, at + len) as they were. */
struct change {
	long long number, at, size_before;
	size_t len, old_len; /* behind old_len there were none */
	unsigned char *old;
	bool truncation;
};

static struct contents {
	char *path; /* NULL: none */
	dev_t device;
	ino_t inode;
	struct change *changes; /* not synced, oldest first */
	size_t n, cap;
} files[MOST];
static size_t n_files;
static long long n_changes;

static struct contents *contents_of(const struct stat *status)
{
	for (size_t i = n_files; i-- > 0;)
		if (files[i].path && files[i].inode == status->st_ino && files[i].device == status->st_dev)
			return &files[i];
	return NULL;
}

/* The first `count` are no longer to be lost. */
static void drop_changes(struct contents *file, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(file->changes[i].old);
	file->n -= count;
	memmove(file->changes, file->changes + count, file->n * sizeof(*file->changes));
}

static void forget_contents(struct contents *file)
{
	drop_changes(file, file->n);
	free(file->changes);
	free(file->path);
	*file = (struct contents){ 0 };
}

static void contents_renamed(const char *from, const char *to)
{
	for (size_t i = 0; i < n_files; i++)
		if (files[i].path && (!strcmp(files[i].path, from) || is_below(files[i].path, from)))
			move(&files[i].path, from, to);
}

static void contents_removed(const char *path)
{
	for (size_t i = 0; i < n_files; i++)
		if (files[i].path && !strcmp(files[i].path, path))
			forget_contents(&files[i]);
}

static struct contents *add_contents(const struct stat *status, const char *path)
{
	size_t i = 0;
	while (i < n_files && files[i].path)
		i++;
	if (i == MOST)
		abort();
	n_files += i == n_files;
	files[i] = (struct contents){ .path = strdup(path), .device = status->st_dev, .inode = status->st_ino };
	return &files[i];
}

/* Through a descriptor of our own: the program's may be for writing alone. */
static size_t read_old(const char *path, unsigned char *old, size_t len, long long at)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	long got = fd >= 0 ? syscall(SYS_pread64, fd, old, len, at) : 0;
	if (fd >= 0)
		syscall(SYS_close, fd);
	return got > 0 ? (size_t)got : 0;
}

static void note(int fd, const char *path, long long at, size_t len, bool truncation)
{
	struct stat status;
	if (look_at(fd, &status) || !S_ISREG(status.st_mode))
		return;
	struct contents *file = contents_of(&status);
	if (!file)
		file = add_contents(&status, path);
	if (file->n == file->cap) {
		file->cap = file->cap ? 2 * file->cap : 16;
		file->changes = realloc(file->changes, file->cap * sizeof(*file->changes));
	}
	struct change *change = &file->changes[file->n++];
	*change = (struct change){
		.number = n_changes++, .at = at, .len = len, .size_before = status.st_size, .truncation = truncation
	};
	size_t there = at < status.st_size ? (size_t)(status.st_size - at) : 0;
	there = there < len ? there : len;
	if (there) {
		change->old = malloc(there);
		change->old_len = read_old(file->path, change->old, there, at);
	}
}

void loss_writing(int fd, const char *path, long long at, size_t len)
{
	note(fd, path, at, len, false);
}

void loss_truncating(int fd, const char *path, long long size)
{
	struct stat status;
	if (!look_at(fd, &status) && status.st_size > size)
		note(fd, path, size, (size_t)(status.st_size - size), true);
}

long long loss_changes(void)
{
	return n_changes;
}

void loss_synced(int fd, const char *path, long long changes)
{
	struct stat status;
	if (look_at(fd, &status))
		return;
	if (!S_ISDIR(status.st_mode)) {
		struct contents *file = contents_of(&status);
		size_t count = 0;
		while (file && count < file->n && file->changes[count].number < changes)
			count++;
		if (count)
			drop_changes(file, count);
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
	for (size_t i = 0; i < n_files; i++)
		if (files[i].path)
			forget_contents(&files[i]);
	n_made = n_files = 0;
}

/* ---- the power cut ---- */

static unsigned long chance;
static bool all_is_lost;

static unsigned long roll(void)
{
	chance = chance * 6364136223846793005ul + 1442695040888963407ul;
	return chance >> 33;
}

static bool toss(void)
{
	return !all_is_lost && roll() % 2;
}

/* A file while it loses; what it does goes straight to the kernel, as these are not the program's calls. */
struct loser {
	long fd;
	unsigned char *settled; /* of each block: it is as it was at some time, and stays so */
	size_t n_blocks;
};

static void put_back(const struct loser *loser, const struct change *change, long long from, long long to)
{
	static const unsigned char zeros[BLOCK];
	long long old_end = change->at + (long long)change->old_len;
	long long middle = from > old_end ? from : to < old_end ? to : old_end;
	if (middle > from)
		syscall(SYS_pwrite64, loser->fd, change->old + (from - change->at), (size_t)(middle - from), from);
	if (to > middle)
		syscall(SYS_pwrite64, loser->fd, zeros, (size_t)(to - middle), middle);
}

/* Takes the change back, block by block, or keeps it there with all before it. */
static void take_back(struct loser *loser, const struct change *change, bool whole)
{
	long long end = change->at + (long long)change->len;
	for (long long at = change->at, next; at < end; at = next) {
		long long block = at / BLOCK;
		next = (block + 1) * BLOCK < end ? (block + 1) * BLOCK : end;
		if (loser->settled[block])
			continue;
		if (!whole && toss())
			loser->settled[block] = true;
		else
			put_back(loser, change, at, next);
	}
}

/* What survived of the size: an old one, the newest, or one between them. */
static void resize(const struct loser *loser, long long least, long long most)
{
	long long size = least;
	if (most > least && toss())
		size = roll() % 2 ? most : least + (long long)(roll() % (unsigned long)(most - least));
	syscall(SYS_ftruncate, loser->fd, size);
}

static bool open_loser(struct loser *loser, const struct contents *file, const struct stat *status)
{
	long long end = status->st_size;
	for (size_t i = 0; i < file->n; i++)
		if (file->changes[i].at + (long long)file->changes[i].len > end)
			end = file->changes[i].at + (long long)file->changes[i].len;
	loser->fd = syscall(SYS_openat, AT_FDCWD, file->path, O_RDWR | O_CLOEXEC, 0);
	loser->n_blocks = (size_t)(end / BLOCK) + 1;
	loser->settled = calloc(loser->n_blocks, 1);
	return loser->fd >= 0;
}

static void lose_contents(const struct contents *file)
{
	struct stat status;
	struct loser loser;
	if (look(file->path, &status) || status.st_ino != file->inode || !open_loser(&loser, file, &status))
		return;
	size_t first = 0, i = file->n;
	while (first < file->n && !file->changes[first].truncation)
		first++;
	long long least = file->changes[0].size_before, most = status.st_size;
	if (first < file->n && !toss()) { /* it never was, nor what came after it */
		most = file->changes[first].size_before;
		while (i > first)
			take_back(&loser, &file->changes[--i], true);
	}
	bool truncated = false;
	while (i-- > 0) {
		const struct change *change = &file->changes[i];
		if (!change->truncation) {
			take_back(&loser, change, false);
			continue;
		}
		least = truncated ? least : change->at;
		truncated = true;
		memset(loser.settled + change->at / BLOCK, 1, loser.n_blocks - (size_t)(change->at / BLOCK));
	}
	resize(&loser, least, most);
	free(loser.settled);
	syscall(SYS_close, loser.fd);
}

static void drop(const char *path, bool folder)
{
	syscall(SYS_unlinkat, AT_FDCWD, path, folder ? AT_REMOVEDIR : 0);
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

void loss_happen(unsigned long seed)
{
	chance = seed;
	all_is_lost = roll() % 3 == 0;
	for (size_t i = 0; i < n_files; i++)
		if (files[i].path && files[i].n)
			lose_contents(&files[i]);
	qsort(made, n_made, sizeof(*made), deepest_first);
	for (size_t i = 0; i < n_made && made[i].path; i++) {
		struct stat status;
		if (!look(made[i].path, &status) && is_lost(&made[i]))
			drop(made[i].path, S_ISDIR(status.st_mode));
	}
}
