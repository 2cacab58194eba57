/* What a power cut would take: file contents and folder entries that were made since the start and not synced.
 *
 * The strictest reading of POSIX: contents last after fsync or fdatasync of the file, entries (new files, names given by
 * rename or link, new folders) after fsync of their folder. Not modelled: writes into the middle of synced contents, the
 * old file behind a rename onto it, and entries that were removed; these stay as the program last left them.
 *
 * Paths are absolute and normal. The caller holds one lock around all calls. */
#ifndef TARN_TESTS_FAULT_LOSS_H
#define TARN_TESTS_FAULT_LOSS_H

#include <stdbool.h>

/* `path` is a new entry (of a file or folder) that was not there before. */
void loss_created(const char *path);
void loss_renamed(const char *from, const char *to, bool replaced);
void loss_linked(const char *from, const char *to);
void loss_removed(const char *path);
/* The contents of the file now lie on the disk, whatever name it has by now; of the folder at `path`, its entries. */
void loss_synced(int fd, const char *path);
void loss_all_synced(void);
/* The power cut. */
void loss_happen(void);

#endif
