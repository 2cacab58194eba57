/* Data manifests, in Java's form. */
#include <stdio.h>
#include <stdlib.h>

#include "serialize/avro/container.h"
#include "serialize/avro/encode.h"
#include "store/iceberg/manifest.h"
#include "store/iceberg/manifest_schema.h"

#define BLOCK_SIZE 65536

/* What the manifest list will say of a partition field. */
struct field_summary {
	bool has_null, has_value;
	struct tarn_partition_value lower, upper; /* texts in the writer's arena */
};

struct tarn_manifest_writer {
	struct tarn_manifest_head head;
	struct tarn_buf *out, line;
	struct tarn_avro_writer *avro;
	struct tarn_arena arena;
	struct field_summary *summaries;
	struct tarn_manifest counted;
};

struct tarn_manifest_writer *tarn_manifest_writer_new(const struct tarn_manifest_head *head, struct tarn_buf *out)
{
	struct tarn_manifest_writer *writer = tarn_calloc(1, sizeof(*writer));
	struct tarn_buf avro_schema, iceberg_schema;
	char schema_id[16], spec_id[16];
	writer->head = *head;
	writer->out = out;
	writer->summaries = tarn_calloc(head->type->n, sizeof(*writer->summaries));
	writer->counted = (struct tarn_manifest){ .spec_id = head->type->spec->id, .min_sequence_number = INT64_MAX };
	tarn_arena_init(&writer->arena);
	tarn_buf_init(&writer->line, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&avro_schema, TARN_BUF_DEFAULT_MAX);
	tarn_buf_init(&iceberg_schema, TARN_BUF_DEFAULT_MAX);
	tarn_manifest_put_avro_schema(head->type, &avro_schema);
	tarn_manifest_put_iceberg_schema(head->type, &iceberg_schema);
	snprintf(schema_id, sizeof(schema_id), "%d", head->table->schema_id);
	snprintf(spec_id, sizeof(spec_id), "%d", head->type->spec->id);
	const struct tarn_avro_metadata metadata[] = {
		{ "schema", head->table->schema_json },
		{ "schema-id", tarn_slice_str(schema_id) },
		{ "partition-spec", head->type->spec->fields_json },
		{ "partition-spec-id", tarn_slice_str(spec_id) },
		{ "format-version", tarn_slice_str("2") },
		{ "content", tarn_slice_str("data") },
		{ "iceberg.schema", tarn_buf_slice(&iceberg_schema) },
	};
	writer->avro = tarn_avro_writer_new(out, tarn_buf_slice(&avro_schema), TARN_CODEC_DEFLATE, metadata,
					    sizeof(metadata) / sizeof(*metadata), head->sync, BLOCK_SIZE);
	tarn_buf_release(&avro_schema);
	tarn_buf_release(&iceberg_schema);
	return writer;
}

void tarn_manifest_writer_free(struct tarn_manifest_writer *writer)
{
	if (!writer)
		return;
	tarn_avro_writer_free(writer->avro);
	tarn_buf_release(&writer->line);
	tarn_arena_release(&writer->arena);
	free(writer->summaries);
	free(writer);
}

/* ---- an entry's bytes ---- */

static void put_optional_long(struct tarn_buf *out, bool present, int64_t value)
{
	tarn_avro_put_long(out, present);
	if (present)
		tarn_avro_put_long(out, value);
}

/* The head of an optional array; false where there is none. */
static bool begin_items(struct tarn_buf *out, bool present, size_t n)
{
	tarn_avro_put_long(out, present);
	if (present && n)
		tarn_avro_put_block(out, (int64_t)n);
	return present;
}

static void put_counts(struct tarn_buf *out, const struct tarn_id_counts *counts)
{
	if (!begin_items(out, counts->present, counts->n))
		return;
	for (size_t i = 0; i < counts->n; i++) {
		tarn_avro_put_long(out, counts->ids[i]);
		tarn_avro_put_long(out, counts->counts[i]);
	}
	tarn_avro_put_block(out, 0);
}

static void put_bounds(struct tarn_buf *out, const struct tarn_id_bounds *bounds)
{
	if (!begin_items(out, bounds->present, bounds->n))
		return;
	for (size_t i = 0; i < bounds->n; i++) {
		tarn_avro_put_long(out, bounds->ids[i]);
		size_t len = (size_t)(bounds->offsets[i + 1] - bounds->offsets[i]);
		tarn_avro_put_bytes(out, tarn_slice_of(len ? bounds->data + bounds->offsets[i] : NULL, len));
	}
	tarn_avro_put_block(out, 0);
}

static void put_splits(struct tarn_buf *out, const struct tarn_manifest_entry *entry)
{
	if (!begin_items(out, entry->has_splits, entry->n_splits))
		return;
	for (size_t i = 0; i < entry->n_splits; i++)
		tarn_avro_put_long(out, entry->splits[i]);
	tarn_avro_put_block(out, 0);
}

static void put_data_file(struct tarn_buf *out, const struct tarn_partition_type *type,
			  const struct tarn_manifest_entry *entry)
{
	tarn_avro_put_long(out, entry->content);
	tarn_avro_put_bytes(out, entry->location);
	tarn_avro_put_bytes(out, entry->format);
	tarn_partition_put(type, entry->partition, out);
	tarn_avro_put_long(out, entry->rows);
	tarn_avro_put_long(out, entry->bytes);
	put_counts(out, &entry->column_sizes);
	put_counts(out, &entry->value_counts);
	put_counts(out, &entry->null_counts);
	put_counts(out, &entry->nan_counts);
	put_bounds(out, &entry->lower);
	put_bounds(out, &entry->upper);
	tarn_avro_put_long(out, entry->key_metadata.data != NULL);
	if (entry->key_metadata.data)
		tarn_avro_put_bytes(out, entry->key_metadata);
	put_splits(out, entry);
	tarn_avro_put_long(out, 0); /* equality_ids: of delete files */
	put_optional_long(out, entry->has_sort_order, entry->sort_order_id);
	tarn_avro_put_long(out, 0); /* referenced_data_file: the same */
}

/* ---- what the manifest list says ---- */

static void keep_value(struct tarn_manifest_writer *writer, struct tarn_partition_value *place,
		       const struct tarn_partition_value *value)
{
	*place = *value;
	if (value->text.len)
		place->text.data = tarn_arena_copy(&writer->arena, value->text.data, value->text.len);
}

static void summarize(struct tarn_manifest_writer *writer, const struct tarn_partition_value *values)
{
	const struct tarn_partition_type *type = writer->head.type;
	for (size_t i = 0; i < type->n; i++) {
		struct field_summary *summary = &writer->summaries[i];
		if (!values[i].present) {
			summary->has_null = true;
			continue;
		}
		if (!summary->has_value || tarn_partition_compare(&type->columns[i], &values[i], &summary->lower) < 0)
			keep_value(writer, &summary->lower, &values[i]);
		if (!summary->has_value || tarn_partition_compare(&type->columns[i], &values[i], &summary->upper) > 0)
			keep_value(writer, &summary->upper, &values[i]);
		summary->has_value = true;
	}
}

static enum tarn_rc count(struct tarn_manifest *counted, const struct tarn_manifest_entry *entry, struct tarn_err *err)
{
	bool added = entry->status == TARN_ENTRY_ADDED;
	int32_t *files = added ? &counted->added_files : &counted->existing_files;
	int64_t *rows = added ? &counted->added_rows : &counted->existing_rows;
	if (*files == INT32_MAX || __builtin_add_overflow(*rows, entry->rows, rows))
		return tarn_fail(err, TARN_ELIMIT, "a manifest counts more than its fields can hold");
	(*files)++;
	if (!added && entry->sequence_number < counted->min_sequence_number)
		counted->min_sequence_number = entry->sequence_number;
	return TARN_OK;
}

enum tarn_rc tarn_manifest_writer_add(struct tarn_manifest_writer *writer, const struct tarn_manifest_entry *entry,
				      struct tarn_err *err)
{
	bool existing = entry->status != TARN_ENTRY_ADDED;
	enum tarn_rc rc = count(&writer->counted, entry, err);
	if (rc)
		return rc;
	summarize(writer, entry->partition);
	tarn_buf_clear(&writer->line);
	tarn_avro_put_long(&writer->line, entry->status);
	put_optional_long(&writer->line, true, entry->snapshot_id);
	put_optional_long(&writer->line, existing, entry->sequence_number);
	put_optional_long(&writer->line, existing, entry->file_sequence_number);
	put_data_file(&writer->line, writer->head.type, entry);
	return tarn_avro_writer_add(writer->avro, tarn_buf_slice(&writer->line), err);
}

static struct tarn_slice serialize(struct tarn_manifest_writer *writer, size_t field,
				   const struct tarn_partition_value *value)
{
	struct tarn_buf bytes;
	tarn_buf_init(&bytes, TARN_BUF_DEFAULT_MAX);
	tarn_bound_put_value(writer->head.type->columns[field].kind, value, &bytes);
	struct tarn_slice copy = tarn_slice_of(tarn_arena_copy(&writer->arena, bytes.data, bytes.len), bytes.len);
	tarn_buf_release(&bytes);
	return copy;
}

enum tarn_rc tarn_manifest_writer_finish(struct tarn_manifest_writer *writer, struct tarn_manifest *manifest,
					 struct tarn_err *err)
{
	size_t n = writer->head.type->n;
	enum tarn_rc rc = tarn_avro_writer_finish(writer->avro, err);
	if (!rc && writer->out->overflow)
		rc = tarn_fail(err, TARN_ELIMIT, "manifest is larger than %zu bytes", writer->out->max);
	if (rc)
		return rc;
	struct tarn_partition_summary *summaries = tarn_arena_zalloc(&writer->arena, n * sizeof(*summaries));
	for (size_t i = 0; i < n; i++) {
		const struct field_summary *summary = &writer->summaries[i];
		summaries[i] =
			(struct tarn_partition_summary){ .contains_null = summary->has_null, .has_contains_nan = true };
		if (summary->has_value) {
			summaries[i].lower = serialize(writer, i, &summary->lower);
			summaries[i].upper = serialize(writer, i, &summary->upper);
		}
	}
	*manifest = writer->counted;
	manifest->partitions = summaries;
	manifest->n_partitions = n;
	return TARN_OK;
}
