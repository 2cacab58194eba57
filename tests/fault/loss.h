/* What a power cut would take: file contents and folder entries that were changed since the start and not synced.
 *
 * Contents last after fsync or fdatasync of the file, entries (new files, names given by rename or link, new folders)
 * after fsync of their folder. What was not synced is lost as a whole (the strictest reading of POSIX), or in part, by
 * chance: of each 512 bytes that were written since, also in the middle of a file, what they were at some time between
 * the last sync and the end; zeros where nothing came to be behind the old end; a truncation with all that came after
 * it, or not. Not modelled: the old file behind a rename onto it, and entries that were removed; these stay as the
 * program last left them.
 *
 * Paths are absolute and normal. The caller holds one lock around all calls, and around a change and the call that
 * tells of it. */
#ifndef TARN_TESTS_FAULT_LOSS_H
#define TARN_TESTS_FAULT_LOSS_H

#include <stdbool.h>
#include <stddef.h>

/* `path` is a new entry (of a file or folder) that was not there before. */
void loss_created(const char *path);
void loss_renamed(const char *from, const char *to, bool replaced);
void loss_linked(const char *from, const char *to);
void loss_removed(const char *path);
/* `len` bytes at `at` are about to be written; the file is about to be cut to `size`. */
void loss_writing(int fd, const char *path, long long at, size_t len);
void loss_truncating(int fd, const char *path, long long size);
/* Counts changes of contents: a sync that begins now is of those before. */
long long loss_changes(void);
/* The contents of the file, with the changes before that number, now lie on the disk, whatever name it has by now; of
 * the folder at `path`, its entries. */
void loss_synced(int fd, const char *path, long long changes);
void loss_all_synced(void);
/* The power cut; what is by chance follows from the seed. */
void loss_happen(unsigned long seed);

#endif
