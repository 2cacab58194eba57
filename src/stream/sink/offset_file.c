#include "stream/sink/offset_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"

/* Lines beyond those that count, before the file is written anew. */
#define MAX_OLD 10000

enum { CRC_TEXT = 9, N_BUCKETS = 1024 };

struct entry {
	char *topic;
	int32_t partition;
	int64_t offset;
	char *metadata;
	size_t next; /* in its bucket: index + 1, 0 at the end */
};

struct tarn_offset_file {
	pthread_mutex_t lock; /* of everything below */
	char *path;
	int fd;
	struct entry *entries;
	size_t n, cap, old;	   /* old: lines that do not count any more */
	size_t buckets[N_BUCKETS]; /* index + 1 */
	struct tarn_buf lines;
};

static size_t *find(struct tarn_offset_file *file, const char *topic, int32_t partition)
{
	uint64_t hash = tarn_hash64(tarn_slice_str(topic)) + (uint64_t)partition;
	size_t *place = &file->buckets[hash % N_BUCKETS];
	while (*place && (file->entries[*place - 1].partition != partition ||
			  strcmp(file->entries[*place - 1].topic, topic) != 0))
		place = &file->entries[*place - 1].next;
	return place;
}

static void set(struct tarn_offset_file *file, const char *topic, int32_t partition, int64_t offset,
		const char *metadata)
{
	size_t *place = find(file, topic, partition);
	if (*place) {
		struct entry *entry = &file->entries[*place - 1];
		free(entry->metadata);
		entry->offset = offset;
		entry->metadata = tarn_strdup(metadata);
		file->old++;
		return;
	}
	*place = file->n + 1;
	file->entries = tarn_grow(file->entries, &file->cap, file->n + 1, sizeof(*file->entries));
	file->entries[file->n++] = (struct entry){ tarn_strdup(topic), partition, offset, tarn_strdup(metadata), 0 };
}

static void put_line(struct tarn_buf *out, const char *topic, int32_t partition, int64_t offset, const char *metadata)
{
	size_t start = out->len;
	char crc[CRC_TEXT + 1];
	tarn_buf_printf(out, "00000000 %s %d %" PRId64 " %s\n", topic, partition, offset, metadata);
	if (out->overflow)
		return;
	snprintf(crc, sizeof(crc), "%08x ",
		 tarn_crc32(tarn_slice_of(out->data + start + CRC_TEXT, out->len - start - CRC_TEXT)));
	memcpy(out->data + start, crc, CRC_TEXT);
}

/* Takes one line apart; false where it is not whole. `line` ends in a zero instead of the newline. */
static bool read_line(struct tarn_offset_file *file, char *line, uint32_t crc)
{
	char expected[CRC_TEXT + 1];
	snprintf(expected, sizeof(expected), "%08x ", crc);
	if (strlen(line) < CRC_TEXT || memcmp(line, expected, CRC_TEXT))
		return false;
	char *topic = line + CRC_TEXT, *partition = strchr(topic, ' ');
	char *offset = partition ? strchr(partition + 1, ' ') : NULL,
	     *metadata = offset ? strchr(offset + 1, ' ') : NULL;
	if (!metadata)
		return false;
	*partition = *offset = *metadata = '\0';
	set(file, topic, (int32_t)strtol(partition + 1, NULL, 10), strtoll(offset + 1, NULL, 10), metadata + 1);
	return true;
}

static void read_lines(struct tarn_offset_file *file, struct tarn_buf *text)
{
	uint8_t *at = text->data, *end = text->data + text->len;
	while (at < end) {
		uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
		if (!line_end || line_end - at < CRC_TEXT)
			return;
		uint32_t crc = tarn_crc32(tarn_slice_of(at + CRC_TEXT, (size_t)(line_end + 1 - at) - CRC_TEXT));
		*line_end = '\0';
		if (!read_line(file, (char *)at, crc))
			return;
		at = line_end + 1;
	}
}

/* Replaces the file by the lines that count, and opens it for more. */
static enum tarn_rc write_anew(struct tarn_offset_file *file, struct tarn_err *err)
{
	tarn_buf_clear(&file->lines);
	for (size_t i = 0; i < file->n; i++)
		put_line(&file->lines, file->entries[i].topic, file->entries[i].partition, file->entries[i].offset,
			 file->entries[i].metadata);
	enum tarn_rc rc = tarn_file_replace(file->path, tarn_buf_slice(&file->lines), err);
	if (rc)
		return rc;
	if (file->fd >= 0)
		close(file->fd);
	file->old = 0;
	file->fd = open(file->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return file->fd < 0 ? tarn_fail_errno(err, "\"%s\"", file->path) : TARN_OK;
}

enum tarn_rc tarn_offset_file_open(const char *path, struct tarn_offset_file **file, struct tarn_err *err)
{
	struct tarn_offset_file *made = tarn_calloc(1, sizeof(*made));
	struct tarn_buf text;
	pthread_mutex_init(&made->lock, NULL);
	made->path = tarn_strdup(path);
	made->fd = -1;
	tarn_buf_init(&made->lines, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	enum tarn_rc rc = tarn_file_read(path, &text, err);
	if (rc == TARN_ENOTFOUND)
		rc = TARN_OK;
	if (!rc) {
		read_lines(made, &text);
		rc = write_anew(made, err);
	}
	tarn_buf_release(&text);
	if (rc)
		tarn_offset_file_close(made);
	else
		*file = made;
	return rc;
}

void tarn_offset_file_close(struct tarn_offset_file *file)
{
	if (!file)
		return;
	if (file->fd >= 0)
		close(file->fd);
	for (size_t i = 0; i < file->n; i++) {
		free(file->entries[i].topic);
		free(file->entries[i].metadata);
	}
	free(file->entries);
	tarn_buf_release(&file->lines);
	free(file->path);
	pthread_mutex_destroy(&file->lock);
	free(file);
}

int64_t tarn_offset_file_find(struct tarn_offset_file *file, const char *topic, int32_t partition,
			      const char **metadata)
{
	pthread_mutex_lock(&file->lock);
	size_t *place = find(file, topic, partition);
	*metadata = *place ? file->entries[*place - 1].metadata : "";
	int64_t offset = *place ? file->entries[*place - 1].offset : -1;
	pthread_mutex_unlock(&file->lock);
	return offset;
}

static enum tarn_rc put(struct tarn_offset_file *file, const struct tarn_source_commit *commits, size_t n,
			struct tarn_err *err)
{
	tarn_buf_clear(&file->lines);
	for (size_t i = 0; i < n; i++) {
		put_line(&file->lines, commits[i].topic, commits[i].partition, commits[i].offset, commits[i].metadata);
		set(file, commits[i].topic, commits[i].partition, commits[i].offset, commits[i].metadata);
	}
	if (file->old > MAX_OLD + 4 * file->n)
		return write_anew(file, err);
	enum tarn_rc rc = tarn_fd_write(file->fd, tarn_buf_slice(&file->lines), file->path, err);
	if (!rc && fdatasync(file->fd))
		rc = tarn_fail_errno(err, "\"%s\"", file->path);
	return rc;
}

enum tarn_rc tarn_offset_file_put(struct tarn_offset_file *file, const struct tarn_source_commit *commits, size_t n,
				  struct tarn_err *err)
{
	pthread_mutex_lock(&file->lock);
	enum tarn_rc rc = put(file, commits, n, err);
	pthread_mutex_unlock(&file->lock);
	return rc;
}

void tarn_offset_file_each(struct tarn_offset_file *file,
			   void (*visit)(void *context, const struct tarn_source_commit *commit), void *context)
{
	pthread_mutex_lock(&file->lock);
	for (size_t i = 0; i < file->n; i++) {
		const struct entry *entry = &file->entries[i];
		struct tarn_source_commit commit = { entry->topic, entry->partition, entry->offset, entry->metadata };
		visit(context, &commit);
	}
	pthread_mutex_unlock(&file->lock);
}
