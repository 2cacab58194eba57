#include "stream/log/open_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void open_files_init(struct open_files *files, size_t most)
{
	*files = (struct open_files){ .most = most };
	pthread_mutex_init(&files->lock, NULL);
}

void open_files_release(struct open_files *files)
{
	pthread_mutex_destroy(&files->lock);
}

void open_file_init(struct open_file *file, char *path)
{
	*file = (struct open_file){ .path = path, .fd = -1 };
}

static void leave_row(struct open_files *files, struct open_file *file)
{
	*(file->older ? &file->older->newer : &files->oldest) = file->newer;
	*(file->newer ? &file->newer->older : &files->newest) = file->older;
	file->older = file->newer = NULL;
}

static void shut(struct open_files *files, struct open_file *file)
{
	leave_row(files, file);
	close(file->fd);
	file->fd = -1;
	files->n_open--;
}

void open_file_release(struct open_files *files, struct open_file *file)
{
	pthread_mutex_lock(&files->lock);
	if (file->fd >= 0)
		shut(files, file);
	pthread_mutex_unlock(&files->lock);
	free(file->path);
	file->path = NULL;
}

enum tarn_rc open_file_use(struct open_files *files, struct open_file *file, bool create, int *fd, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	pthread_mutex_lock(&files->lock);
	if (file->fd >= 0 && !file->users) {
		leave_row(files, file);
	} else if (file->fd < 0) {
		while (files->n_open >= files->most && files->oldest)
			shut(files, files->oldest);
		file->fd = open(file->path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0666);
		if (file->fd < 0)
			rc = tarn_fail_errno(err, "\"%s\"", file->path);
		else
			files->n_open++;
	}
	if (!rc) {
		file->users++;
		*fd = file->fd;
	}
	pthread_mutex_unlock(&files->lock);
	return rc;
}

void open_file_done(struct open_files *files, struct open_file *file)
{
	pthread_mutex_lock(&files->lock);
	if (!--file->users) {
		file->older = files->newest;
		*(files->newest ? &files->newest->newer : &files->oldest) = file;
		files->newest = file;
		if (files->n_open > files->most)
			shut(files, files->oldest);
	}
	pthread_mutex_unlock(&files->lock);
}

enum tarn_rc read_at(int fd, void *data, size_t len, uint64_t position, const char *path, struct tarn_err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t got = pread(fd, (char *)data + done, len - done, (off_t)(position + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tarn_fail_errno(err, "\"%s\"", path);
		if (!got)
			return tarn_fail_at(err, TARN_EINVALID, (int64_t)(position + done), "\"%s\" ends too early",
					    path);
		done += (size_t)got;
	}
	return TARN_OK;
}

enum tarn_rc write_at(int fd, const void *data, size_t len, uint64_t position, const char *path, struct tarn_err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t put = pwrite(fd, (const char *)data + done, len - done, (off_t)(position + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return tarn_fail_errno(err, "\"%s\"", path);
		done += (size_t)put;
	}
	return TARN_OK;
}
