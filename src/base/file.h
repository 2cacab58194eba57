/* Files and folders on the local disk. Paths in messages are the caller's. */
#ifndef TARN_BASE_FILE_H
#define TARN_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the whole file to `out`; TARN_ELIMIT where out->max is passed. */
enum tarn_rc tarn_file_read(const char *path, struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;
/* Writes all of `data` to a descriptor, whatever write(2) takes at a time. */
enum tarn_rc tarn_fd_write(int fd, struct tarn_slice data, const char *path, struct tarn_err *err) TARN_MUST_CHECK;
/* Replaces `path` as a whole and durably: temporary file, fsync, rename, fsync of the folder. */
enum tarn_rc tarn_file_replace(const char *path, struct tarn_slice data, struct tarn_err *err) TARN_MUST_CHECK;
/* The same for content in parts. */
enum tarn_rc tarn_file_replace_parts(const char *path, const struct tarn_slice *parts, size_t n,
				     struct tarn_err *err) TARN_MUST_CHECK;
/* Makes the folder and its parents, durably; one that exists is fine. */
enum tarn_rc tarn_make_folders(const char *path, struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc tarn_fsync_path(const char *path, struct tarn_err *err) TARN_MUST_CHECK;
bool tarn_file_exists(const char *path);

#endif
