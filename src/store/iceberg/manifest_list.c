/* Manifest lists: one line per manifest of a snapshot. */
#include <stdio.h>
#include <stdlib.h>

#include "serialize/avro/encode.h"
#include "store/iceberg/avro_rows.h"
#include "store/iceberg/manifest.h"
#include "store/iceberg/manifest_schema.h"

#define BLOCK_SIZE 65536

/* ---- reading ---- */

enum list_column {
	PATH,
	LENGTH,
	SPEC_ID,
	CONTENT,
	SEQUENCE_NUMBER,
	MIN_SEQUENCE_NUMBER,
	ADDED_SNAPSHOT_ID,
	ADDED_FILES,
	EXISTING_FILES,
	DELETED_FILES,
	ADDED_ROWS,
	EXISTING_ROWS,
	DELETED_ROWS,
	KEY_METADATA,
	PARTITIONS,
	N_LIST_COLUMNS
};

/* Required are those without which a list of format v1 could not be read either. */
static const struct {
	int32_t field_id;
	enum tarn_avro_shape shape;
	bool required;
} list_columns[N_LIST_COLUMNS] = {
	[PATH] = { 500, TARN_SHAPE_BYTES, true },
	[LENGTH] = { 501, TARN_SHAPE_NUMBER, true },
	[SPEC_ID] = { 502, TARN_SHAPE_NUMBER, true },
	[CONTENT] = { 517, TARN_SHAPE_NUMBER, false },
	[SEQUENCE_NUMBER] = { 515, TARN_SHAPE_NUMBER, false },
	[MIN_SEQUENCE_NUMBER] = { 516, TARN_SHAPE_NUMBER, false },
	[ADDED_SNAPSHOT_ID] = { 503, TARN_SHAPE_NUMBER, true },
	[ADDED_FILES] = { 504, TARN_SHAPE_NUMBER, false },
	[EXISTING_FILES] = { 505, TARN_SHAPE_NUMBER, false },
	[DELETED_FILES] = { 506, TARN_SHAPE_NUMBER, false },
	[ADDED_ROWS] = { 512, TARN_SHAPE_NUMBER, false },
	[EXISTING_ROWS] = { 513, TARN_SHAPE_NUMBER, false },
	[DELETED_ROWS] = { 514, TARN_SHAPE_NUMBER, false },
	[KEY_METADATA] = { 519, TARN_SHAPE_BYTES, false },
	[PARTITIONS] = { 507, TARN_SHAPE_ARRAY, false },
};

struct list_reader {
	struct tarn_avro_rows *rows;
	struct tarn_avro_column *columns[N_LIST_COLUMNS];
	struct tarn_avro_column *contains_null, *contains_nan, *lower, *upper; /* of the items of PARTITIONS */
	struct tarn_arena *arena;
	struct tarn_manifest *manifests;
	size_t n, capacity;
};

static enum tarn_rc bind_summary(struct list_reader *reader, struct tarn_err *err)
{
	const struct tarn_avro_column *summary = tarn_avro_items(reader->columns[PARTITIONS]);
	const struct {
		int32_t field_id;
		enum tarn_avro_shape shape;
		struct tarn_avro_column **column;
	} fields[] = {
		{ 509, TARN_SHAPE_BOOLEAN, &reader->contains_null },
		{ 518, TARN_SHAPE_BOOLEAN, &reader->contains_nan },
		{ 510, TARN_SHAPE_BYTES, &reader->lower },
		{ 511, TARN_SHAPE_BYTES, &reader->upper },
	};
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && !rc; i++)
		rc = tarn_avro_bind(summary, fields[i].field_id, fields[i].shape, false, fields[i].column, err);
	return rc;
}

static enum tarn_rc bind_list(struct list_reader *reader, struct tarn_err *err)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < N_LIST_COLUMNS && !rc; i++)
		rc = tarn_avro_bind(reader->rows->root, list_columns[i].field_id, list_columns[i].shape,
				    list_columns[i].required, &reader->columns[i], err);
	return rc ? rc : bind_summary(reader, err);
}

static struct tarn_slice copy_bytes(struct list_reader *reader, const struct tarn_avro_column *column, size_t i)
{
	struct tarn_slice bytes = tarn_column_bytes(column, i);
	if (bytes.data)
		bytes.data = tarn_arena_copy(reader->arena, bytes.data, bytes.len);
	return bytes;
}

static void read_summaries(struct list_reader *reader, size_t row, struct tarn_manifest *manifest)
{
	const struct tarn_avro_column *partitions = reader->columns[PARTITIONS];
	if (!tarn_column_has(partitions, row))
		return;
	size_t first = (size_t)partitions->offsets[row], n = (size_t)partitions->offsets[row + 1] - first;
	struct tarn_partition_summary *summaries = tarn_arena_alloc(reader->arena, n * sizeof(*summaries));
	for (size_t i = 0; i < n; i++) {
		summaries[i] = (struct tarn_partition_summary){
			.contains_null = tarn_column_number(reader->contains_null, first + i, 1) != 0,
			.has_contains_nan = tarn_column_has(reader->contains_nan, first + i),
			.contains_nan = tarn_column_number(reader->contains_nan, first + i, 0) != 0,
			.lower = copy_bytes(reader, reader->lower, first + i),
			.upper = copy_bytes(reader, reader->upper, first + i),
		};
	}
	manifest->partitions = summaries;
	manifest->n_partitions = n;
}

static int64_t number(const struct list_reader *reader, enum list_column column, size_t row)
{
	return tarn_column_number(reader->columns[column], row, 0);
}

static bool is_count(int64_t value)
{
	return value >= 0 && value <= INT32_MAX;
}

static enum tarn_rc read_line(struct list_reader *reader, size_t row, struct tarn_err *err)
{
	struct tarn_slice path = tarn_column_bytes(reader->columns[PATH], row);
	int64_t added = number(reader, ADDED_FILES, row), existing = number(reader, EXISTING_FILES, row);
	int64_t deleted = number(reader, DELETED_FILES, row), spec = number(reader, SPEC_ID, row);
	int64_t content = number(reader, CONTENT, row);
	if (!path.len || memchr(path.data, 0, path.len) || !is_count(added) || !is_count(existing) ||
	    !is_count(deleted) || !is_count(spec) || number(reader, LENGTH, row) < 0)
		return tarn_fail(err, TARN_EINVALID, "line %zu has no manifest path, or a count that cannot be",
				 reader->n);
	if (content != TARN_MANIFEST_DATA && content != TARN_MANIFEST_DELETES)
		return tarn_fail(err, TARN_EUNSUPPORTED, "line %zu has content %lld, 0 or 1 was expected", reader->n,
				 (long long)content);
	reader->manifests = tarn_grow(reader->manifests, &reader->capacity, reader->n + 1, sizeof(*reader->manifests));
	struct tarn_manifest *manifest = &reader->manifests[reader->n++];
	*manifest = (struct tarn_manifest){
		.location = tarn_arena_strndup(reader->arena, (const char *)path.data, path.len),
		.length = number(reader, LENGTH, row),
		.spec_id = (int32_t)spec,
		.content = (int32_t)content,
		.sequence_number = number(reader, SEQUENCE_NUMBER, row),
		.min_sequence_number = number(reader, MIN_SEQUENCE_NUMBER, row),
		.added_snapshot_id = number(reader, ADDED_SNAPSHOT_ID, row),
		.added_files = (int32_t)added,
		.existing_files = (int32_t)existing,
		.deleted_files = (int32_t)deleted,
		.added_rows = number(reader, ADDED_ROWS, row),
		.existing_rows = number(reader, EXISTING_ROWS, row),
		.deleted_rows = number(reader, DELETED_ROWS, row),
		.key_metadata = copy_bytes(reader, reader->columns[KEY_METADATA], row),
	};
	read_summaries(reader, row, manifest);
	return TARN_OK;
}

static enum tarn_rc read_lines(struct list_reader *reader, struct tarn_slice file, struct tarn_err *err)
{
	bool changed;
	size_t n = 0;
	enum tarn_rc rc = tarn_avro_rows_open(reader->rows, file, &changed, err);
	if (!rc)
		rc = bind_list(reader, err);
	do {
		if (!rc)
			rc = tarn_avro_rows_next(reader->rows, &n, err);
		for (size_t i = 0; i < n && !rc; i++)
			rc = read_line(reader, i, err);
	} while (n && !rc);
	return rc;
}

enum tarn_rc tarn_manifest_list_read(struct tarn_manifest_reader *reader, struct tarn_slice file,
				     struct tarn_arena *arena, struct tarn_manifest **manifests, size_t *n,
				     struct tarn_err *err)
{
	struct list_reader list = { .arena = arena, .rows = tarn_manifest_list_rows(reader) };
	enum tarn_rc rc = read_lines(&list, file, err);
	if (!rc) {
		*manifests = tarn_arena_copy(arena, list.manifests, list.n * sizeof(*list.manifests));
		*n = list.n;
	}
	free(list.manifests);
	return rc;
}

enum tarn_rc tarn_manifest_fetch(struct tarn_store *store, const char *location, struct tarn_buf *out,
				 struct tarn_err *err)
{
	const char *key = tarn_store_key(store, location);
	if (!key)
		return tarn_fail(err, TARN_EUNSUPPORTED, "\"%s\" is not below the store %s", location,
				 tarn_store_url(store));
	return tarn_store_get(store, key, out, err);
}

enum tarn_rc tarn_manifest_list_load(struct tarn_manifest_reader *reader, struct tarn_store *store,
				     const struct tarn_snapshot *snapshot, struct tarn_arena *arena,
				     struct tarn_manifest **manifests, size_t *n, struct tarn_err *err)
{
	struct tarn_buf file;
	if (!snapshot->manifest_list)
		return tarn_fail(err, TARN_EUNSUPPORTED, "snapshot %lld has no manifest list", (long long)snapshot->id);
	tarn_buf_init(&file, (size_t)1 << 28);
	enum tarn_rc rc = tarn_manifest_fetch(store, snapshot->manifest_list, &file, err);
	if (!rc)
		rc = tarn_manifest_list_read(reader, tarn_buf_slice(&file), arena, manifests, n, err);
	tarn_buf_release(&file);
	return rc ? tarn_err_within(err, rc, "manifest list %s", snapshot->manifest_list) : TARN_OK;
}

/* ---- writing ---- */

static void put_optional(struct tarn_buf *out, struct tarn_slice bytes)
{
	tarn_avro_put_long(out, bytes.data != NULL);
	if (bytes.data)
		tarn_avro_put_bytes(out, bytes);
}

/* DuckDB wants null or as many items as the spec has fields, so a line that came without stays so. */
static void put_summaries(struct tarn_buf *out, const struct tarn_manifest *manifest)
{
	tarn_avro_put_long(out, manifest->partitions != NULL);
	if (!manifest->partitions)
		return;
	if (manifest->n_partitions)
		tarn_avro_put_block(out, (int64_t)manifest->n_partitions);
	for (size_t i = 0; i < manifest->n_partitions; i++) {
		const struct tarn_partition_summary *summary = &manifest->partitions[i];
		tarn_avro_put_boolean(out, summary->contains_null);
		tarn_avro_put_long(out, summary->has_contains_nan);
		if (summary->has_contains_nan)
			tarn_avro_put_boolean(out, summary->contains_nan);
		put_optional(out, summary->lower);
		put_optional(out, summary->upper);
	}
	tarn_avro_put_block(out, 0);
}

static void put_line(struct tarn_buf *out, const struct tarn_manifest *manifest)
{
	const int64_t numbers[] = {
		manifest->length,
		manifest->spec_id,
		manifest->content,
		manifest->sequence_number,
		manifest->min_sequence_number,
		manifest->added_snapshot_id,
		manifest->added_files,
		manifest->existing_files,
		manifest->deleted_files,
		manifest->added_rows,
		manifest->existing_rows,
		manifest->deleted_rows,
	};
	tarn_avro_put_bytes(out, tarn_slice_str(manifest->location));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		tarn_avro_put_long(out, numbers[i]);
	put_summaries(out, manifest);
	put_optional(out, manifest->key_metadata);
}

static enum tarn_rc write_lines(struct tarn_avro_writer *writer, const struct tarn_manifest *manifests, size_t n,
				struct tarn_err *err)
{
	struct tarn_buf line;
	enum tarn_rc rc = TARN_OK;
	tarn_buf_init(&line, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n && !rc; i++) {
		tarn_buf_clear(&line);
		put_line(&line, &manifests[i]);
		rc = tarn_avro_writer_add(writer, tarn_buf_slice(&line), err);
	}
	tarn_buf_release(&line);
	return rc ? rc : tarn_avro_writer_finish(writer, err);
}

enum tarn_rc tarn_manifest_list_write(const struct tarn_manifest_list_head *head, const struct tarn_manifest *manifests,
				      size_t n, struct tarn_buf *out, struct tarn_err *err)
{
	char id[24], parent[24], sequence[24];
	snprintf(id, sizeof(id), "%lld", (long long)head->snapshot_id);
	snprintf(parent, sizeof(parent), "%lld", (long long)head->parent_id);
	snprintf(sequence, sizeof(sequence), "%lld", (long long)head->sequence_number);
	const struct tarn_avro_metadata metadata[] = {
		{ "snapshot-id", tarn_slice_str(id) },
		{ "parent-snapshot-id", tarn_slice_str(head->parent_id ? parent : "null") },
		{ "sequence-number", tarn_slice_str(sequence) },
		{ "format-version", tarn_slice_str("2") },
		{ "iceberg.schema", tarn_slice_str(tarn_manifest_list_iceberg_schema) },
	};
	struct tarn_avro_writer *writer =
		tarn_avro_writer_new(out, tarn_slice_str(tarn_manifest_list_avro_schema), TARN_CODEC_DEFLATE, metadata,
				     sizeof(metadata) / sizeof(*metadata), head->sync, BLOCK_SIZE);
	enum tarn_rc rc = write_lines(writer, manifests, n, err);
	tarn_avro_writer_free(writer);
	if (!rc && out->overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "manifest list is larger than %zu bytes", out->max);
	return rc;
}
