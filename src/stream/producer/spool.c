#include "stream/producer/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/point.h"
#include "serialize/avro/container.h"
#include "serialize/avro/encode.h"

#define NAME_PREFIX "tarn-spool-"
enum { LARGEST_BATCH = 1 << 30 };

struct tarn_spool {
	char *path, *refused, *state;
	/* Lock files. Who adds holds `adding` from taking a number until the batch is there, so that whoever sees a
	 * number sees all below it; that is what lets a single number say what was sent. */
	int adding, sending;
	char name[sizeof(NAME_PREFIX) + TARN_UUID_SIZE];
};

/* ---- numbers ---- */

static enum tarn_rc lock(int fd, const char *path, struct tarn_err *err)
{
	int rc;
	do
		rc = flock(fd, LOCK_EX);
	while (rc && errno == EINTR);
	return rc ? tarn_fail_errno(err, "locking the spool \"%s\"", path) : TARN_OK;
}

static enum tarn_rc read_state(struct tarn_spool *spool, int64_t *next, struct tarn_err *err)
{
	struct tarn_buf text;
	char name[sizeof(NAME_PREFIX) + TARN_UUID_SIZE], uuid[TARN_UUID_SIZE];
	tarn_buf_init(&text, 4096);
	enum tarn_rc rc = tarn_file_read(spool->state, &text, err);
	tarn_buf_add_byte(&text, '\0');
	if (rc == TARN_ENOTFOUND) {
		tarn_uuid(uuid);
		snprintf(name, sizeof(name), NAME_PREFIX "%s", uuid);
		*next = 0;
		rc = TARN_OK;
	} else if (!rc && (text.overflow || sscanf((const char *)text.data, "%47s %" SCNd64, name, next) != 2 ||
			   strlen(name) != strlen(NAME_PREFIX) + TARN_UUID_SIZE - 1 || *next < 0)) {
		rc = tarn_fail(err, TARN_EINVALID, "\"%s\": expected a name and a number", spool->state);
	}
	if (!rc)
		memcpy(spool->name, name, sizeof(name));
	tarn_buf_release(&text);
	return rc;
}

/* Takes `count` numbers from *first on. Under `adding`. */
static enum tarn_rc take_numbers(struct tarn_spool *spool, int64_t count, int64_t *first, struct tarn_err *err)
{
	enum tarn_rc rc = read_state(spool, first, err);
	if (rc)
		return rc;
	char *text = tarn_asprintf("%s %" PRId64 "\n", spool->name, *first + count);
	rc = tarn_file_replace(spool->state, tarn_slice_str(text), err);
	free(text);
	return rc;
}

/* ---- opening ---- */

static enum tarn_rc open_lock(const char *folder, const char *name, int *fd, struct tarn_err *err)
{
	char *path = tarn_asprintf("%s/%s", folder, name);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	enum tarn_rc rc = *fd < 0 ? tarn_fail_errno(err, "\"%s\"", path) : TARN_OK;
	free(path);
	return rc;
}

enum tarn_rc tarn_spool_open(const char *path, struct tarn_spool **spool, struct tarn_err *err)
{
	struct tarn_spool *opened = tarn_calloc(1, sizeof(*opened));
	opened->path = tarn_strdup(path);
	opened->refused = tarn_asprintf("%s/refused", path);
	opened->state = tarn_asprintf("%s/state", path);
	opened->adding = opened->sending = -1;
	int64_t unused;
	enum tarn_rc rc = tarn_make_folders(opened->refused, err);
	if (!rc)
		rc = open_lock(path, "adding.lock", &opened->adding, err);
	if (!rc)
		rc = open_lock(path, "sending.lock", &opened->sending, err);
	if (!rc)
		rc = lock(opened->adding, path, err);
	if (!rc) {
		rc = take_numbers(opened, 0, &unused, err);
		flock(opened->adding, LOCK_UN);
	}
	if (rc)
		tarn_spool_close(opened);
	else
		*spool = opened;
	return rc;
}

void tarn_spool_close(struct tarn_spool *spool)
{
	if (!spool)
		return;
	if (spool->adding >= 0)
		close(spool->adding);
	if (spool->sending >= 0)
		close(spool->sending);
	free(spool->path);
	free(spool->refused);
	free(spool->state);
	free(spool);
}

const char *tarn_spool_name(const struct tarn_spool *spool)
{
	return spool->name;
}

/* ---- adding ---- */

static const char framed_schema[] = "\"bytes\"";

enum { SYNC_SIZE = 16, LARGEST_HEAD = 32 };

/* A file's parts: the header, and a datum a block, so that data can be told apart without decoding. */
struct parts {
	struct tarn_slice *slices;
	size_t n;
	uint8_t sync[TARN_SHA256_SIZE];
	struct tarn_buf header, heads; /* of the file; of the blocks */
};

static void release_parts(struct parts *parts)
{
	free(parts->slices);
	tarn_buf_release(&parts->header);
	tarn_buf_release(&parts->heads);
}

static enum tarn_rc put_header(struct parts *parts, const struct tarn_outgoing *records, const char *reason,
			       struct tarn_err *err)
{
	bool framed = !records->schema.len;
	struct tarn_avro_metadata metadata[] = {
		{ "tarn.topic", tarn_slice_str(records->topic) },
		{ "tarn.framed", tarn_slice_str(framed ? "true" : "false") },
		{ "tarn.reason", tarn_slice_str(reason ? reason : "") },
	};
	tarn_sha256(records->n ? records->data[0] : tarn_slice_str(""), parts->sync);
	struct tarn_avro_writer *writer =
		tarn_avro_writer_new(&parts->header, framed ? tarn_slice_str(framed_schema) : records->schema,
				     TARN_CODEC_NONE, metadata, reason ? 3 : 2, parts->sync, 0);
	enum tarn_rc rc = tarn_avro_writer_finish(writer, err);
	tarn_avro_writer_free(writer);
	return rc;
}

static void put_block(struct parts *parts, bool framed, struct tarn_slice datum)
{
	struct tarn_buf *heads = &parts->heads;
	size_t start = heads->len;
	if (framed)
		tarn_avro_put_long(heads, (int64_t)datum.len);
	size_t length = heads->len - start; /* of the length of bytes, which is part of what is stored */
	start = heads->len;
	tarn_avro_put_block_head(heads, 1, length + datum.len);
	tarn_buf_add(heads, heads->data + start - length, length);
	parts->slices[parts->n++] = tarn_slice_of(heads->data + start, heads->len - start);
	parts->slices[parts->n++] = datum;
	parts->slices[parts->n++] = tarn_slice_of(parts->sync, SYNC_SIZE);
}

static enum tarn_rc make_parts(struct parts *parts, const struct tarn_outgoing *records, const char *reason,
			       struct tarn_err *err)
{
	size_t bytes = 0;
	parts->slices = tarn_calloc(3 * records->n + 1, sizeof(*parts->slices));
	tarn_buf_init(&parts->header, LARGEST_BATCH);
	tarn_buf_init(&parts->heads, LARGEST_HEAD * records->n);
	enum tarn_rc rc = put_header(parts, records, reason, err);
	if (rc)
		return rc;
	tarn_buf_room(&parts->heads, LARGEST_HEAD * records->n); /* so that they stay where they are */
	parts->slices[parts->n++] = tarn_buf_slice(&parts->header);
	for (size_t i = 0; i < records->n; i++)
		put_block(parts, !records->schema.len, records->data[i]);
	for (size_t i = 0; i < parts->n; i++)
		bytes += parts->slices[i].len;
	if (bytes > LARGEST_BATCH)
		return tarn_fail(err, TARN_ELIMIT, "%zu records for topic \"%s\" are larger than %d bytes", records->n,
				 records->topic, LARGEST_BATCH);
	return TARN_OK;
}

static enum tarn_rc write_batch(const char *folder, int64_t first, const struct tarn_outgoing *records,
				const char *reason, char **path, struct tarn_err *err)
{
	char *name = tarn_asprintf("%s/%020" PRId64 "+%zu.avro", folder, first, records->n);
	struct parts parts = { 0 };
	enum tarn_rc rc = make_parts(&parts, records, reason, err);
	if (!rc)
		rc = tarn_file_replace_parts(name, parts.slices, parts.n, err);
	release_parts(&parts);
	if (!rc && path)
		*path = name;
	else
		free(name);
	return rc;
}

enum tarn_rc tarn_spool_add(struct tarn_spool *spool, const struct tarn_outgoing *records, const char *reason,
			    char **path, struct tarn_err *err)
{
	int64_t first;
	enum tarn_rc rc = lock(spool->adding, spool->path, err);
	if (rc)
		return rc;
	rc = take_numbers(spool, (int64_t)records->n, &first, err);
	if (!rc)
		rc = write_batch(reason ? spool->refused : spool->path, first, records, reason, path, err);
	flock(spool->adding, LOCK_UN);
	if (!rc)
		tarn_point("spool.added");
	return rc;
}

/* ---- what is there ---- */

static bool parse_name(const char *name, struct tarn_spooled *spooled)
{
	int end = 0;
	return strlen(name) > 21 && name[20] == '+' &&
	       sscanf(name, "%20" SCNd64 "+%" SCNd64 ".avro%n", &spooled->first, &spooled->count, &end) == 2 && end &&
	       !name[end] && spooled->count > 0;
}

static int by_first(const void *left, const void *right)
{
	const struct tarn_spooled *a = left, *b = right;
	int order = (a->first > b->first) - (a->first < b->first);
	return order ? order : (a->count < b->count) - (a->count > b->count);
}

static enum tarn_rc list_folder(const char *folder, struct tarn_spooled **batches, size_t *n, struct tarn_err *err)
{
	struct tarn_spooled *found = NULL;
	size_t n_found = 0, capacity = 0;
	DIR *entries = opendir(folder);
	if (!entries)
		return tarn_fail_errno(err, "\"%s\"", folder);
	for (struct dirent *entry; (entry = readdir(entries));) {
		struct tarn_spooled spooled = { 0 };
		struct stat status;
		if (!parse_name(entry->d_name, &spooled) || fstatat(dirfd(entries), entry->d_name, &status, 0))
			continue;
		spooled.path = tarn_asprintf("%s/%s", folder, entry->d_name);
		spooled.bytes = status.st_size;
		spooled.modified_us = (int64_t)status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000;
		found = tarn_grow(found, &capacity, n_found + 1, sizeof(*found));
		found[n_found++] = spooled;
	}
	closedir(entries);
	*batches = found;
	*n = n_found;
	return TARN_OK;
}

/* Parts of a batch beside the whole are what a process left that died while it split it. */
static size_t drop_parts(struct tarn_spooled *batches, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		if (kept && batches[i].first < batches[kept - 1].first + batches[kept - 1].count)
			free(batches[i].path);
		else
			batches[kept++] = batches[i];
	}
	return kept;
}

enum tarn_rc tarn_spool_list(const struct tarn_spool *spool, bool refused, struct tarn_spooled **batches, size_t *n,
			     struct tarn_err *err)
{
	enum tarn_rc rc = lock(spool->adding, spool->path, err);
	if (rc)
		return rc;
	rc = list_folder(refused ? spool->refused : spool->path, batches, n, err);
	flock(spool->adding, LOCK_UN);
	if (rc || !*n)
		return rc;
	qsort(*batches, *n, sizeof(**batches), by_first);
	*n = drop_parts(*batches, *n);
	return TARN_OK;
}

void tarn_spool_free_list(struct tarn_spooled *batches, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(batches[i].path);
	free(batches);
}

/* ---- reading ---- */

static enum tarn_rc take_datum(bool framed, struct tarn_slice stored, struct tarn_slice *datum, struct tarn_err *err)
{
	struct tarn_cursor cursor = tarn_cursor_of(stored);
	int64_t len;
	*datum = stored;
	if (!framed)
		return TARN_OK;
	if (!tarn_avro_take_long(&cursor, &len) || len < 0 || (size_t)len != tarn_cursor_left(&cursor))
		return tarn_fail(err, TARN_EINVALID, "a message has another length than is said");
	*datum = tarn_slice_of(stored.data + (stored.len - (size_t)len), (size_t)len);
	return TARN_OK;
}

static enum tarn_rc read_data(const struct tarn_spooled *spooled, bool framed, const struct tarn_avro_header *header,
			      struct tarn_spooled_batch *batch, struct tarn_err *err)
{
	struct tarn_slice file = tarn_buf_slice(&batch->file);
	struct tarn_avro_block block;
	size_t position = header->size, n = 0;
	enum tarn_rc rc;
	batch->data = tarn_grow(batch->data, &batch->capacity, (size_t)spooled->count, sizeof(*batch->data));
	while (!(rc = tarn_avro_block_next(file, header, &position, &block, err))) {
		if (block.count != 1 || (int64_t)n == spooled->count)
			return tarn_fail(err, TARN_EINVALID, "holds other records than its name says");
		rc = take_datum(framed, block.stored, &batch->data[n++], err);
		if (rc)
			return rc;
	}
	if (rc != TARN_ENOTFOUND)
		return rc;
	if ((int64_t)n != spooled->count)
		return tarn_fail(err, TARN_EINVALID, "holds %zu records, its name says %" PRId64, n, spooled->count);
	batch->records.data = batch->data;
	batch->records.n = n;
	return TARN_OK;
}

static void forget(struct tarn_spooled_batch *batch)
{
	free(batch->topic);
	free(batch->reason);
	batch->topic = batch->reason = NULL;
	tarn_buf_clear(&batch->file);
	batch->file.max = LARGEST_BATCH;
}

enum tarn_rc tarn_spool_read(const struct tarn_spooled *spooled, struct tarn_spooled_batch *batch, struct tarn_err *err)
{
	struct tarn_avro_header header;
	struct tarn_slice topic, reason, framed;
	forget(batch);
	enum tarn_rc rc = tarn_file_read(spooled->path, &batch->file, err);
	struct tarn_slice file = tarn_buf_slice(&batch->file);
	if (!rc)
		rc = tarn_avro_header_read(file, &header, err);
	if (!rc &&
	    (!tarn_avro_header_get(file, "tarn.topic", &topic) || !tarn_avro_header_get(file, "tarn.framed", &framed)))
		rc = tarn_fail(err, TARN_EINVALID, "is no batch of a spool, expected the metadata \"tarn.topic\"");
	if (!rc) {
		bool is_framed = tarn_slice_eq(framed, tarn_slice_str("true"));
		batch->topic = tarn_asprintf("%.*s", (int)topic.len, (const char *)topic.data);
		if (tarn_avro_header_get(file, "tarn.reason", &reason))
			batch->reason = tarn_asprintf("%.*s", (int)reason.len, (const char *)reason.data);
		batch->records.topic = batch->topic;
		batch->records.schema = is_framed ? tarn_slice_str("") : header.schema_json;
		rc = read_data(spooled, is_framed, &header, batch, err);
	}
	return rc ? tarn_err_within(err, rc, "\"%s\"", spooled->path) : TARN_OK;
}

void tarn_spooled_batch_release(struct tarn_spooled_batch *batch)
{
	forget(batch);
	tarn_buf_release(&batch->file);
	free(batch->data);
}

/* ---- sending ---- */

enum tarn_rc tarn_spool_lock(struct tarn_spool *spool, struct tarn_err *err)
{
	return lock(spool->sending, spool->path, err);
}

void tarn_spool_unlock(struct tarn_spool *spool)
{
	flock(spool->sending, LOCK_UN);
}

enum tarn_rc tarn_spool_remove(struct tarn_spool *spool, const struct tarn_spooled *spooled, struct tarn_err *err)
{
	(void)spool;
	return unlink(spooled->path) && errno != ENOENT ? tarn_fail_errno(err, "\"%s\"", spooled->path) : TARN_OK;
}

enum tarn_rc tarn_spool_sync(struct tarn_spool *spool, struct tarn_err *err)
{
	return tarn_fsync_path(spool->path, err);
}

/* The records as batches of one each. As long as the whole is there, it counts and these do not. */
static enum tarn_rc split(struct tarn_spool *spool, const struct tarn_spooled *spooled,
			  const struct tarn_spooled_batch *batch, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < batch->records.n && !rc; i++) {
		struct tarn_outgoing one = batch->records;
		one.data = &batch->data[i];
		one.n = 1;
		rc = write_batch(spool->path, spooled->first + (int64_t)i, &one, NULL, NULL, err);
	}
	return rc;
}

enum tarn_rc tarn_spool_refuse(struct tarn_spool *spool, const struct tarn_spooled *spooled, const char *reason,
			       struct tarn_err *err)
{
	struct tarn_spooled_batch batch = { 0 };
	enum tarn_rc rc = tarn_spool_read(spooled, &batch, err);
	if (!rc && batch.records.n > 1)
		rc = split(spool, spooled, &batch, err);
	else if (!rc)
		rc = write_batch(spool->refused, spooled->first, &batch.records, reason, NULL, err);
	tarn_spooled_batch_release(&batch);
	if (!rc)
		rc = tarn_spool_remove(spool, spooled, err);
	return rc ? rc : tarn_spool_sync(spool, err);
}
