/* Manifests of any writer, entry by entry. */
#include <stdlib.h>

#include "store/iceberg/avro_rows.h"
#include "store/iceberg/manifest.h"

/* Columns of an entry and of its data file, by field id. */
enum entry_column {
	STATUS,
	SNAPSHOT_ID,
	SEQUENCE_NUMBER,
	FILE_SEQUENCE_NUMBER,
	N_ENTRY_COLUMNS,
	CONTENT = N_ENTRY_COLUMNS,
	FILE_PATH,
	FILE_FORMAT,
	RECORD_COUNT,
	FILE_SIZE,
	KEY_METADATA,
	SORT_ORDER_ID,
	N_COLUMNS
};
enum { DATA_FILE_ID = 2, PARTITION_ID = 102, SPLIT_OFFSETS_ID = 132 };

static const struct {
	int32_t field_id;
	enum tarn_avro_shape shape;
	bool required;
} column_ids[N_COLUMNS] = {
	[STATUS] = { 0, TARN_SHAPE_NUMBER, true },	     [SNAPSHOT_ID] = { 1, TARN_SHAPE_NUMBER, false },
	[SEQUENCE_NUMBER] = { 3, TARN_SHAPE_NUMBER, false }, [FILE_SEQUENCE_NUMBER] = { 4, TARN_SHAPE_NUMBER, false },
	[CONTENT] = { 134, TARN_SHAPE_NUMBER, false },	     [FILE_PATH] = { 100, TARN_SHAPE_BYTES, true },
	[FILE_FORMAT] = { 101, TARN_SHAPE_BYTES, true },     [RECORD_COUNT] = { 103, TARN_SHAPE_NUMBER, true },
	[FILE_SIZE] = { 104, TARN_SHAPE_NUMBER, true },	     [KEY_METADATA] = { 131, TARN_SHAPE_BYTES, false },
	[SORT_ORDER_ID] = { 140, TARN_SHAPE_NUMBER, false },
};

enum map_column { COLUMN_SIZES, VALUE_COUNTS, NULL_COUNTS, NAN_COUNTS, LOWER_BOUNDS, UPPER_BOUNDS, N_MAPS };
static const struct {
	int32_t field_id, key_id, value_id;
} map_ids[N_MAPS] = {
	[COLUMN_SIZES] = { 108, 117, 118 }, [VALUE_COUNTS] = { 109, 119, 120 }, [NULL_COUNTS] = { 110, 121, 122 },
	[NAN_COUNTS] = { 137, 138, 139 },   [LOWER_BOUNDS] = { 125, 126, 127 }, [UPPER_BOUNDS] = { 128, 129, 130 },
};
struct map {
	struct tarn_avro_column *list, *keys, *values; /* list NULL where absent */
};

struct tarn_manifest_reader {
	struct tarn_avro_rows list_rows; /* manifest_list.c's */
	struct tarn_avro_rows rows;
	struct tarn_avro_column *columns[N_COLUMNS];
	struct map maps[N_MAPS];
	struct tarn_avro_column *splits, *split_items;
	struct tarn_avro_column *partition;
	/* of the manifest that is read */
	struct tarn_avro_column **partition_columns;
	struct tarn_partition_value *values;
	size_t n_values, values_capacity, columns_capacity;
};

struct tarn_manifest_reader *tarn_manifest_reader_new(void)
{
	struct tarn_manifest_reader *reader = tarn_calloc(1, sizeof(*reader));
	tarn_avro_rows_init(&reader->list_rows);
	tarn_avro_rows_init(&reader->rows);
	return reader;
}

void tarn_manifest_reader_free(struct tarn_manifest_reader *reader)
{
	if (!reader)
		return;
	tarn_avro_rows_release(&reader->list_rows);
	tarn_avro_rows_release(&reader->rows);
	free(reader->partition_columns);
	free(reader->values);
	free(reader);
}

struct tarn_avro_rows *tarn_manifest_list_rows(struct tarn_manifest_reader *reader)
{
	return &reader->list_rows;
}

/* ---- finding the columns ---- */

static enum tarn_rc bind_map(const struct tarn_avro_column *file, size_t index, struct map *map, struct tarn_err *err)
{
	enum tarn_avro_shape shape = index >= LOWER_BOUNDS ? TARN_SHAPE_BYTES : TARN_SHAPE_LONG;
	enum tarn_rc rc = tarn_avro_bind(file, map_ids[index].field_id, TARN_SHAPE_ARRAY, false, &map->list, err);
	if (rc)
		return rc;
	const struct tarn_avro_column *pair = tarn_avro_items(map->list);
	rc = tarn_avro_bind(pair, map_ids[index].key_id, TARN_SHAPE_INT, true, &map->keys, err);
	if (!rc)
		rc = tarn_avro_bind(pair, map_ids[index].value_id, shape, true, &map->values, err);
	if (!rc && map->values && map->values->type == TARN_AVRO_FIXED)
		rc = tarn_fail(err, TARN_EUNSUPPORTED, "bounds are of Avro type fixed, bytes were expected");
	return rc;
}

static enum tarn_rc bind_splits(struct tarn_manifest_reader *reader, const struct tarn_avro_column *file,
				struct tarn_err *err)
{
	enum tarn_rc rc = tarn_avro_bind(file, SPLIT_OFFSETS_ID, TARN_SHAPE_ARRAY, false, &reader->splits, err);
	if (rc)
		return rc;
	reader->split_items = tarn_avro_items(reader->splits);
	if (reader->split_items && reader->split_items->type != TARN_AVRO_LONG)
		return tarn_fail(err, TARN_EINVALID, "split offsets are not of Avro type long");
	return TARN_OK;
}

static enum tarn_rc bind_entry(struct tarn_manifest_reader *reader, struct tarn_err *err)
{
	struct tarn_avro_column *root = reader->rows.root, *file;
	enum tarn_rc rc = tarn_avro_bind(root, DATA_FILE_ID, TARN_SHAPE_RECORD, true, &file, err);
	for (size_t i = 0; i < N_COLUMNS && !rc; i++)
		rc = tarn_avro_bind(i < N_ENTRY_COLUMNS ? root : file, column_ids[i].field_id, column_ids[i].shape,
				    column_ids[i].required, &reader->columns[i], err);
	for (size_t i = 0; i < N_MAPS && !rc; i++)
		rc = bind_map(file, i, &reader->maps[i], err);
	if (!rc)
		rc = bind_splits(reader, file, err);
	if (!rc)
		rc = tarn_avro_bind(file, PARTITION_ID, TARN_SHAPE_RECORD, false, &reader->partition, err);
	return rc;
}

static bool is_partition_type(enum tarn_avro_type type)
{
	return type == TARN_AVRO_BOOLEAN || type == TARN_AVRO_INT || type == TARN_AVRO_LONG ||
	       type == TARN_AVRO_FLOAT || type == TARN_AVRO_DOUBLE || type == TARN_AVRO_STRING ||
	       type == TARN_AVRO_BYTES || type == TARN_AVRO_FIXED;
}

/* The spec may differ from manifest to manifest where the rest of the schema does not. */
static enum tarn_rc bind_partition(struct tarn_manifest_reader *reader, const struct tarn_partition_type *type,
				   struct tarn_err *err)
{
	reader->n_values = type->n;
	reader->values = tarn_grow(reader->values, &reader->values_capacity, type->n + 1, sizeof(*reader->values));
	reader->partition_columns = tarn_grow(reader->partition_columns, &reader->columns_capacity, type->n + 1,
					      sizeof(*reader->partition_columns));
	for (size_t i = 0; i < type->n; i++) {
		struct tarn_avro_column **column = &reader->partition_columns[i];
		enum tarn_rc rc = tarn_avro_bind(reader->partition, type->columns[i].field_id, TARN_SHAPE_ANY, false,
						 column, err);
		if (rc)
			return rc;
		if (*column && !is_partition_type((*column)->type))
			return tarn_fail(err, TARN_EINVALID,
					 "partition field \"%s\" is of no Avro type that can be one",
					 type->columns[i].name);
	}
	return TARN_OK;
}

/* ---- reading rows ---- */

static struct tarn_partition_value partition_value(const struct tarn_avro_column *column, size_t row)
{
	if (!tarn_column_has(column, row))
		return (struct tarn_partition_value){ .present = false };
	switch (column->type) {
	case TARN_AVRO_BOOLEAN:
	case TARN_AVRO_INT:
	case TARN_AVRO_LONG:
		return (struct tarn_partition_value){ .present = true, .number = tarn_column_number(column, row, 0) };
	case TARN_AVRO_FLOAT:
		return (struct tarn_partition_value){ .present = true, .text = tarn_slice_of(&column->f32[row], 4) };
	case TARN_AVRO_DOUBLE:
		return (struct tarn_partition_value){ .present = true, .text = tarn_slice_of(&column->f64[row], 8) };
	default: return (struct tarn_partition_value){ .present = true, .text = tarn_column_bytes(column, row) };
	}
}

/* The pairs of a row's map: *first is the place of the first one in keys and values. */
static bool map_pairs(const struct map *map, size_t row, size_t *first, size_t *n)
{
	if (!tarn_column_has(map->list, row))
		return false;
	*first = (size_t)map->list->offsets[row];
	*n = (size_t)map->list->offsets[row + 1] - *first;
	return true;
}

static struct tarn_id_counts read_counts(const struct map *map, size_t row)
{
	size_t first, n;
	if (!map_pairs(map, row, &first, &n))
		return (struct tarn_id_counts){ .present = false };
	return (struct tarn_id_counts){ true, n, n ? map->keys->i32 + first : NULL,
					n ? map->values->i64 + first : NULL };
}

static struct tarn_id_bounds read_bounds(const struct map *map, size_t row)
{
	size_t first, n;
	if (!map_pairs(map, row, &first, &n))
		return (struct tarn_id_bounds){ .present = false };
	return (struct tarn_id_bounds){ true, n, n ? map->keys->i32 + first : NULL, map->values->offsets + first,
					map->values->data.data };
}

static void read_splits(const struct tarn_manifest_reader *reader, size_t row, struct tarn_manifest_entry *entry)
{
	entry->has_splits = tarn_column_has(reader->splits, row);
	if (!entry->has_splits)
		return;
	size_t first = (size_t)reader->splits->offsets[row];
	entry->n_splits = (size_t)reader->splits->offsets[row + 1] - first;
	entry->splits = entry->n_splits ? reader->split_items->i64 + first : NULL;
}

/* Sequence numbers that an entry leaves out are its manifest's (specification, "Sequence Number Inheritance"). */
static struct tarn_manifest_entry read_entry(const struct tarn_manifest_reader *reader, size_t row,
					     const struct tarn_manifest *manifest)
{
	struct tarn_avro_column *const *columns = reader->columns;
	int64_t sequence = tarn_column_number(columns[SEQUENCE_NUMBER], row, manifest->sequence_number);
	struct tarn_manifest_entry entry = {
		.status = (int32_t)tarn_column_number(columns[STATUS], row, -1),
		.snapshot_id = tarn_column_number(columns[SNAPSHOT_ID], row, manifest->added_snapshot_id),
		.sequence_number = sequence,
		.file_sequence_number = tarn_column_number(columns[FILE_SEQUENCE_NUMBER], row, sequence),
		.content = (int32_t)tarn_column_number(columns[CONTENT], row, 0),
		.location = tarn_column_bytes(columns[FILE_PATH], row),
		.format = tarn_column_bytes(columns[FILE_FORMAT], row),
		.partition = reader->values,
		.rows = tarn_column_number(columns[RECORD_COUNT], row, -1),
		.bytes = tarn_column_number(columns[FILE_SIZE], row, -1),
		.column_sizes = read_counts(&reader->maps[COLUMN_SIZES], row),
		.value_counts = read_counts(&reader->maps[VALUE_COUNTS], row),
		.null_counts = read_counts(&reader->maps[NULL_COUNTS], row),
		.nan_counts = read_counts(&reader->maps[NAN_COUNTS], row),
		.lower = read_bounds(&reader->maps[LOWER_BOUNDS], row),
		.upper = read_bounds(&reader->maps[UPPER_BOUNDS], row),
		.key_metadata = tarn_column_bytes(columns[KEY_METADATA], row),
		.has_sort_order = tarn_column_has(columns[SORT_ORDER_ID], row),
		.sort_order_id = (int32_t)tarn_column_number(columns[SORT_ORDER_ID], row, 0),
	};
	read_splits(reader, row, &entry);
	return entry;
}

static enum tarn_rc visit_row(struct tarn_manifest_reader *reader, size_t row, size_t index,
			      const struct tarn_manifest *manifest, tarn_entry_visit visit, void *context,
			      struct tarn_err *err)
{
	for (size_t i = 0; i < reader->n_values; i++)
		reader->values[i] = partition_value(reader->partition_columns[i], row);
	struct tarn_manifest_entry entry = read_entry(reader, row, manifest);
	if (entry.status < TARN_ENTRY_EXISTING || entry.status > TARN_ENTRY_DELETED || entry.content < 0 ||
	    entry.content > 2)
		return tarn_fail(err, TARN_EINVALID, "entry %zu has status %d and content %d, 0 to 2 were expected",
				 index, entry.status, entry.content);
	if (!entry.location.len || memchr(entry.location.data, 0, entry.location.len) || entry.rows < 0 ||
	    entry.bytes < 0)
		return tarn_fail(err, TARN_EINVALID, "entry %zu has no file path, or a negative size", index);
	return visit(context, &entry, err);
}

static enum tarn_rc open_manifest(struct tarn_manifest_reader *reader, struct tarn_slice file,
				  const struct tarn_partition_type *type, struct tarn_err *err)
{
	bool changed = false;
	enum tarn_rc rc = tarn_avro_rows_open(&reader->rows, file, &changed, err);
	if (!rc && changed) {
		rc = bind_entry(reader, err);
		if (rc)
			tarn_avro_rows_forget(&reader->rows); /* half of the columns were found */
	}
	return rc ? rc : bind_partition(reader, type, err);
}

enum tarn_rc tarn_manifest_read(struct tarn_manifest_reader *reader, struct tarn_slice file,
				const struct tarn_manifest *manifest, const struct tarn_partition_type *type,
				tarn_entry_visit visit, void *context, struct tarn_err *err)
{
	size_t n = 0, index = 0;
	enum tarn_rc rc = open_manifest(reader, file, type, err);
	do {
		if (!rc)
			rc = tarn_avro_rows_next(&reader->rows, &n, err);
		for (size_t i = 0; i < n && !rc; i++)
			rc = visit_row(reader, i, index++, manifest, visit, context, err);
	} while (n && !rc);
	return rc ? tarn_err_within(err, rc, "manifest %s", manifest->location) : TARN_OK;
}
