#include "store/iceberg/avro_rows.h"

#include "serialize/avro/node.h"

/* Rows of one block at a time; the columns of a manifest's block are a few times its bytes. */
#define MAX_BLOCK ((size_t)1 << 28)

void tarn_avro_rows_init(struct tarn_avro_rows *rows)
{
	*rows = (struct tarn_avro_rows){ .compressor = tarn_compressor_new() };
	tarn_buf_init(&rows->scratch, MAX_BLOCK);
}

void tarn_avro_rows_forget(struct tarn_avro_rows *rows)
{
	tarn_avro_columns_free(rows->root);
	tarn_avro_plan_free(rows->plan);
	tarn_avro_schema_free(rows->schema);
	rows->root = NULL;
	rows->plan = NULL;
	rows->schema = NULL;
}

void tarn_avro_rows_release(struct tarn_avro_rows *rows)
{
	tarn_avro_rows_forget(rows);
	tarn_compressor_free(rows->compressor);
	tarn_buf_release(&rows->scratch);
}

enum tarn_rc tarn_avro_rows_open(struct tarn_avro_rows *rows, struct tarn_slice file, bool *changed,
				 struct tarn_err *err)
{
	enum tarn_rc rc = tarn_avro_header_read(file, &rows->header, err);
	if (rc)
		return rc;
	rows->file = file;
	rows->position = rows->header.size;
	*changed = !rows->schema || !tarn_slice_eq(tarn_avro_schema_json(rows->schema), rows->header.schema_json);
	if (!*changed)
		return TARN_OK;
	tarn_avro_rows_forget(rows);
	rc = tarn_avro_schema_parse(rows->header.schema_json, &rows->schema, err);
	if (!rc)
		rc = tarn_avro_plan_new(rows->schema, rows->schema, &rows->plan, err);
	if (rc)
		tarn_avro_rows_forget(rows);
	else
		rows->root = tarn_avro_columns_new(rows->schema);
	return rc;
}

enum tarn_rc tarn_avro_rows_next(struct tarn_avro_rows *rows, size_t *n, struct tarn_err *err)
{
	struct tarn_avro_block block;
	struct tarn_slice data;
	tarn_avro_columns_clear(rows->root);
	*n = 0;
	enum tarn_rc rc;
	do {
		rc = tarn_avro_block_next(rows->file, &rows->header, &rows->position, &block, err);
	} while (!rc && !block.count);
	if (rc)
		return rc == TARN_ENOTFOUND ? TARN_OK : rc;
	rc = tarn_avro_block_open(&rows->header, &block, rows->compressor, &rows->scratch, &data, err);
	if (rc)
		return rc;
	struct tarn_cursor cursor = tarn_cursor_of(data);
	rc = tarn_avro_plan_decode(rows->plan, &cursor, block.count, rows->root, n, err);
	if (!rc && tarn_cursor_left(&cursor))
		rc = tarn_fail_at(err, TARN_EINVALID, tarn_cursor_position(&cursor),
				  "%zu bytes left over behind the last datum", tarn_cursor_left(&cursor));
	if (rc)
		*n = 0;
	return rc ? tarn_err_within(err, rc, "in the block at byte %zu", block.position) : TARN_OK;
}

/* ---- columns by field id ---- */

static const char *const shape_names[] = {
	[TARN_SHAPE_NUMBER] = "int or long", [TARN_SHAPE_INT] = "int",	    [TARN_SHAPE_LONG] = "long",
	[TARN_SHAPE_BOOLEAN] = "boolean",    [TARN_SHAPE_BYTES] = "bytes",  [TARN_SHAPE_RECORD] = "record",
	[TARN_SHAPE_ARRAY] = "array",	     [TARN_SHAPE_ANY] = "anything",
};

static bool has_shape(enum tarn_avro_type type, enum tarn_avro_shape shape)
{
	switch (shape) {
	case TARN_SHAPE_NUMBER: return type == TARN_AVRO_INT || type == TARN_AVRO_LONG;
	case TARN_SHAPE_INT: return type == TARN_AVRO_INT;
	case TARN_SHAPE_LONG: return type == TARN_AVRO_LONG;
	case TARN_SHAPE_BOOLEAN: return type == TARN_AVRO_BOOLEAN;
	case TARN_SHAPE_BYTES: return type == TARN_AVRO_STRING || type == TARN_AVRO_BYTES || type == TARN_AVRO_FIXED;
	case TARN_SHAPE_RECORD: return type == TARN_AVRO_RECORD;
	case TARN_SHAPE_ARRAY: return type == TARN_AVRO_ARRAY;
	default: return true;
	}
}

static struct tarn_avro_column *find_field(const struct tarn_avro_column *record, int32_t field_id)
{
	for (size_t i = 0; record->type == TARN_AVRO_RECORD && i < record->n_children; i++) {
		if (record->node->fields[i].field_id == field_id)
			return &record->children[i];
	}
	return NULL;
}

enum tarn_rc tarn_avro_bind(const struct tarn_avro_column *record, int32_t field_id, enum tarn_avro_shape shape,
			    bool required, struct tarn_avro_column **field, struct tarn_err *err)
{
	*field = record ? find_field(record, field_id) : NULL;
	if (!*field && record && required)
		return tarn_fail(err, TARN_EINVALID, "the Avro schema lacks the field with field-id %d", field_id);
	if (*field && !has_shape((*field)->type, shape))
		return tarn_fail(err, TARN_EINVALID, "the field with field-id %d is not of Avro type %s", field_id,
				 shape_names[shape]);
	return TARN_OK;
}

struct tarn_slice tarn_column_bytes(const struct tarn_avro_column *column, size_t i)
{
	static const uint8_t empty[1];
	if (!tarn_column_has(column, i))
		return tarn_slice_of(NULL, 0);
	if (column->type == TARN_AVRO_FIXED)
		return tarn_slice_of(column->data.data + i * column->width, column->width);
	size_t len = (size_t)(column->offsets[i + 1] - column->offsets[i]);
	return len ? tarn_slice_of(column->data.data + column->offsets[i], len) : tarn_slice_of(empty, 0);
}
