/* Descriptors of the log's files, at most so many open at a time: what nobody uses is closed, longest unused first. */
#ifndef TARN_STREAM_LOG_OPEN_FILES_H
#define TARN_STREAM_LOG_OPEN_FILES_H

#include <pthread.h>

#include "base/err.h"

/* A file that may be open. `path` is the owner's and does not change. */
struct open_file {
	char *path;
	int fd; /* -1: closed */
	int users;
	struct open_file *older, *newer; /* among those that nobody uses */
};

struct open_files {
	pthread_mutex_t lock;
	struct open_file *oldest, *newest;
	size_t n_open, most;
};

void open_files_init(struct open_files *files, size_t most);
void open_files_release(struct open_files *files);

void open_file_init(struct open_file *file, char *path); /* takes the path */
/* Closes and forgets; nobody may use it. */
void open_file_release(struct open_files *files, struct open_file *file);
/* A descriptor (O_RDWR) that stays open until open_file_done; calls may be nested. `create`: made where it is missing.
 */
enum tarn_rc open_file_use(struct open_files *files, struct open_file *file, bool create, int *fd,
			   struct tarn_err *err) TARN_MUST_CHECK;
void open_file_done(struct open_files *files, struct open_file *file);

/* Whole reads and writes at a position. TARN_EINVALID where the file ends before `len` bytes. */
enum tarn_rc read_at(int fd, void *data, size_t len, uint64_t position, const char *path,
		     struct tarn_err *err) TARN_MUST_CHECK;
enum tarn_rc write_at(int fd, const void *data, size_t len, uint64_t position, const char *path,
		      struct tarn_err *err) TARN_MUST_CHECK;

#endif
