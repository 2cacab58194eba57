#include "generate/vqe/raw.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/point.h"
#include "serialize/avro/container.h"
#include "serialize/schema/wire.h"

/* ---- bytes ---- */

static enum tarn_rc put_container(struct tarn_slice datum, enum tarn_record_version version, struct tarn_buf *out,
				  struct tarn_err *err)
{
	uint8_t digest[TARN_SHA256_SIZE];
	tarn_sha256(datum, digest);
	struct tarn_avro_writer *writer =
		tarn_avro_writer_new(out, tarn_record_schema(version), TARN_CODEC_NONE, NULL, 0, digest, datum.len + 1);
	enum tarn_rc rc = tarn_avro_writer_add(writer, datum, err);
	if (!rc)
		rc = tarn_avro_writer_finish(writer, err);
	tarn_avro_writer_free(writer);
	return rc;
}

static enum tarn_rc put_avro(const struct tarn_record *record, const struct tarn_raw_form *form, struct tarn_buf *out,
			     struct tarn_err *err)
{
	struct tarn_buf datum;
	tarn_buf_init(&datum, TARN_BUF_DEFAULT_MAX);
	enum tarn_rc rc = tarn_record_write_avro(record, form->version, &datum, err);
	if (!rc && datum.overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "the record has more than %zu bytes", datum.max);
	if (!rc && form->format == TARN_RAW_CONFLUENT) {
		tarn_wire_put_header(out, form->schema_id);
		tarn_buf_add(out, datum.data, datum.len);
	} else if (!rc) {
		rc = put_container(tarn_buf_slice(&datum), form->version, out, err);
	}
	tarn_buf_release(&datum);
	return rc;
}

enum tarn_rc tarn_raw_encode(const struct tarn_record *record, const struct tarn_raw_form *form, struct tarn_buf *out,
			     struct tarn_err *err)
{
	enum tarn_rc rc = tarn_record_check(record, err);
	if (!rc && form->format != TARN_RAW_JSON)
		rc = put_avro(record, form, out, err);
	else if (!rc)
		tarn_record_write_json(record, out);
	if (!rc && form->format == TARN_RAW_JSON)
		tarn_buf_add_byte(out, '\n');
	if (!rc && out->overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "the record's file has more than %zu bytes", out->max);
	return rc;
}

/* ---- names ---- */

char *tarn_raw_topic(const struct tarn_record *record, enum tarn_record_version version)
{
	struct tarn_buf symbols;
	if (version == TARN_RECORD_V2)
		return tarn_strdup("experiment.vqe");
	tarn_buf_init(&symbols, 1 << 16);
	for (size_t i = 0; i < record->molecule.symbols.n; i++) {
		struct tarn_slice symbol = tarn_strings_at(&record->molecule.symbols, i);
		tarn_buf_add(&symbols, symbol.data, symbol.len);
	}
	char *topic = tarn_asprintf("vqe_decorated_result_mol%d_%.*s_it%zu_bs_%.*s_bk_%.*s", record->molecule_id,
				    (int)symbols.len, (const char *)symbols.data, record->iterations.n,
				    (int)record->basis_set.len, (const char *)record->basis_set.data,
				    (int)record->setup.backend.len, (const char *)record->setup.backend.data);
	tarn_buf_release(&symbols);
	for (char *at = topic; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
			*at = '_';
	return topic;
}

const char *tarn_raw_extension(enum tarn_raw_format format)
{
	static const char *const extensions[] = { "avro", "bin", "json" };
	return extensions[format];
}

/* ---- places ---- */

/* The offset in "<topic>+0+<offset>.<extension>", or -1. */
static int64_t offset_of(const char *name, const char *topic)
{
	size_t len = strlen(topic);
	char *end;
	if (strncmp(name, topic, len) || strncmp(name + len, "+0+", 3))
		return -1;
	errno = 0;
	long long offset = strtoll(name + len + 3, &end, 10);
	return end == name + len + 3 || errno || offset < 0 || *end != '.' ? -1 : offset;
}

/* Data in a container file that somebody else may have written; at least 1. */
static int64_t count_data(const char *path)
{
	struct tarn_buf file;
	struct tarn_avro_header header;
	struct tarn_avro_block block;
	uint64_t count = 0;
	tarn_buf_init(&file, TARN_BUF_DEFAULT_MAX);
	if (!tarn_file_read(path, &file, NULL) && !tarn_avro_header_read(tarn_buf_slice(&file), &header, NULL)) {
		size_t position = header.size;
		while (!tarn_avro_block_next(tarn_buf_slice(&file), &header, &position, &block, NULL))
			count += block.count;
	}
	tarn_buf_release(&file);
	return count ? (int64_t)count : 1;
}

struct folder {
	const char *path, *topic;
	int64_t next;   /* offset behind all that is there */
	char *has_place; /* the file with the inode that is looked for */
};

static enum tarn_rc look_through(struct folder *folder, ino_t inode, struct tarn_err *err)
{
	char *last = NULL;
	int64_t highest = -1;
	DIR *entries = opendir(folder->path);
	if (!entries)
		return tarn_fail_errno(err, "\"%s\"", folder->path);
	for (struct dirent *entry; (entry = readdir(entries));) {
		int64_t offset = offset_of(entry->d_name, folder->topic);
		if (offset >= 0 && entry->d_ino == inode && !folder->has_place)
			folder->has_place = tarn_asprintf("%s/%s", folder->path, entry->d_name);
		if (offset <= highest)
			continue;
		highest = offset;
		free(last);
		last = tarn_asprintf("%s/%s", folder->path, entry->d_name);
	}
	closedir(entries);
	folder->next = last ? highest + count_data(last) : 0;
	free(last);
	return TARN_OK;
}

static enum tarn_rc take_place(const struct folder *folder, const char *extension, const char *staged, char **path,
			       struct tarn_err *err)
{
	for (int64_t offset = folder->next;; offset++) {
		char *place = tarn_asprintf("%s/%s+0+%010" PRId64 ".%s", folder->path, folder->topic, offset, extension);
		if (!link(staged, place)) {
			*path = place;
			return TARN_OK;
		}
		enum tarn_rc rc = errno == EEXIST ? TARN_OK : tarn_fail_errno(err, "\"%s\"", place);
		free(place);
		if (rc)
			return rc;
	}
}

/* The folder, and those on the way to it from `root`, which may be new. */
static enum tarn_rc sync_folders(const char *root, const char *folder, struct tarn_err *err)
{
	char *path = tarn_strdup(folder);
	enum tarn_rc rc = tarn_fsync_path(path, err);
	while (!rc && strlen(path) > strlen(root)) {
		*strrchr(path, '/') = '\0';
		rc = tarn_fsync_path(path, err);
	}
	free(path);
	return rc;
}

enum tarn_rc tarn_raw_place(const char *root, const char *topic, const char *extension, const char *staged, char **path,
			    struct tarn_err *err)
{
	char *folder_path = tarn_asprintf("%s/experiments/%s/partition=0", root, topic), *place = NULL;
	struct folder folder = { .path = folder_path, .topic = topic };
	struct stat status;
	enum tarn_rc rc = stat(staged, &status) ? tarn_fail_errno(err, "\"%s\"", staged) :
						  tarn_make_folders(folder_path, err);
	if (!rc)
		rc = look_through(&folder, status.st_nlink > 1 ? status.st_ino : 0, err);
	if (!rc && folder.has_place)
		place = folder.has_place;
	else if (!rc)
		rc = take_place(&folder, extension, staged, &place, err);
	if (!rc)
		tarn_point("raw.placed");
	if (!rc)
		rc = sync_folders(root, folder_path, err);
	if (rc)
		free(place);
	else
		*path = place;
	free(folder_path);
	return rc;
}

enum tarn_rc tarn_raw_write(const char *root, const char *topic, const char *extension, struct tarn_slice bytes,
			    char **path, struct tarn_err *err)
{
	char *staged = tarn_asprintf("%s/.%" PRIx64 ".staged", root, tarn_random_id());
	enum tarn_rc rc = tarn_make_folders(root, err);
	if (!rc)
		rc = tarn_file_replace(staged, bytes, err);
	if (!rc)
		rc = tarn_raw_place(root, topic, extension, staged, path, err);
	unlink(staged);
	free(staged);
	return rc;
}
