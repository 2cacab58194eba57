/* Rows of an Avro file whose schema carries Iceberg's field ids: any writer's manifest or manifest list.
 *
 * Iceberg finds fields by id, not by name, so a file is decoded by its own schema and columns are looked up by the
 * `field-id` beside them; an optional field that the writer left out is a NULL column. */
#ifndef TARN_STORE_ICEBERG_AVRO_ROWS_H
#define TARN_STORE_ICEBERG_AVRO_ROWS_H

#include "base/alloc.h"
#include "serialize/avro/column.h"
#include "serialize/avro/container.h"
#include "serialize/avro/plan.h"

struct tarn_avro_rows {
	struct tarn_avro_schema *schema;
	struct tarn_avro_plan *plan;
	struct tarn_avro_column *root;
	struct tarn_compressor *compressor;
	struct tarn_buf scratch;
	/* of the open file */
	struct tarn_slice file;
	struct tarn_avro_header header;
	size_t position;
};

void tarn_avro_rows_init(struct tarn_avro_rows *rows);
void tarn_avro_rows_release(struct tarn_avro_rows *rows);
/* The next file counts as one of another schema. */
void tarn_avro_rows_forget(struct tarn_avro_rows *rows);
/* *changed: the schema is not that of the file before, columns must be looked up again. */
enum tarn_rc tarn_avro_rows_open(struct tarn_avro_rows *rows, struct tarn_slice file, bool *changed,
				 struct tarn_err *err) TARN_MUST_CHECK;
/* Decodes the next rows into the columns in place of those before; *n is 0 at the end of the file. */
enum tarn_rc tarn_avro_rows_next(struct tarn_avro_rows *rows, size_t *n, struct tarn_err *err) TARN_MUST_CHECK;

/* The reader's rows for manifest lists. */
struct tarn_manifest_reader;
struct tarn_avro_rows *tarn_manifest_list_rows(struct tarn_manifest_reader *reader);

/* What a column may be. */
enum tarn_avro_shape {
	TARN_SHAPE_NUMBER,  /* int or long */
	TARN_SHAPE_INT,	    /* int */
	TARN_SHAPE_LONG,    /* long */
	TARN_SHAPE_BOOLEAN, /* boolean */
	TARN_SHAPE_BYTES,   /* string, bytes, fixed */
	TARN_SHAPE_RECORD,
	TARN_SHAPE_ARRAY,
	TARN_SHAPE_ANY,
};
/* The column of a record's field with this id: NULL where the file has none, or where `record` is NULL. TARN_EINVALID
 * where its shape is another, or where it is missing and `required`. */
enum tarn_rc tarn_avro_bind(const struct tarn_avro_column *record, int32_t field_id, enum tarn_avro_shape shape,
			    bool required, struct tarn_avro_column **field, struct tarn_err *err) TARN_MUST_CHECK;
/* An array's items, or NULL. */
static inline struct tarn_avro_column *tarn_avro_items(const struct tarn_avro_column *array)
{
	return array && array->n_children ? &array->children[0] : NULL;
}

static inline bool tarn_column_has(const struct tarn_avro_column *column, size_t i)
{
	return column && (!column->valid || column->valid[i]);
}
/* Of a TARN_SHAPE_NUMBER or BOOLEAN column; `otherwise` where there is no value. */
static inline int64_t tarn_column_number(const struct tarn_avro_column *column, size_t i, int64_t otherwise)
{
	if (!tarn_column_has(column, i))
		return otherwise;
	switch (column->type) {
	case TARN_AVRO_INT: return column->i32[i];
	case TARN_AVRO_LONG: return column->i64[i];
	default: return column->bytes[i];
	}
}
/* Of a TARN_SHAPE_BYTES column; data NULL where there is no value. */
struct tarn_slice tarn_column_bytes(const struct tarn_avro_column *column, size_t i);

#endif
