/* Decoded Avro values as columns, one per node of the reader's schema, in the manner of Arrow.
 *
 * A column of a recursive or non-record schema works the same way: the root column holds one value per datum.
 *
 *   null                 length only
 *   boolean              bytes[i] 0 or 1
 *   int, enum            i32[i]; for an enum the symbol's index in the reader's schema
 *   long                 i64[i]
 *   float, double        f32[i], f64[i]
 *   string, bytes        value i is data[offsets[i] .. offsets[i + 1])
 *   fixed                value i is data[i * width .. (i + 1) * width)
 *   array                items of value i are children[0] at offsets[i] .. offsets[i + 1]
 *   map                  the same, children[0] the keys (string), children[1] the values
 *   record               children[f] at i
 *   union {null, T}      collapsed: the column is T's, with valid[i]; a null has a zero or empty value in its place
 *   other union          branch[i] (index in the reader's union) and, in children[branch[i]], position i32[i]; also
 *                        {null, T} where T is a recursive record. Inside a null's empty value the position is -1.
 *
 * A recursive record's column has no children before its first value.
 */
#ifndef TARN_SERIALIZE_AVRO_COLUMN_H
#define TARN_SERIALIZE_AVRO_COLUMN_H

#include "serialize/avro/schema.h"

struct tarn_avro_column {
	const struct tarn_avro_node *node; /* reader's node, behind a collapsed union */
	enum tarn_avro_type type;
	size_t length, capacity;
	uint8_t *valid; /* NULL where the schema does not allow null here */
	union {
		uint8_t *bytes;
		int32_t *i32;
		int64_t *i64;
		float *f32;
		double *f64;
	};
	uint8_t *branch;
	int64_t *offsets; /* length + 1 of them, the first is 0 */
	struct tarn_buf data;
	size_t width; /* of a fixed */
	struct tarn_avro_column *children;
	size_t n_children;
};

/* ---- for whoever reads them ---- */

/* Columns for the reader's schema, empty. The schema must outlive them. */
struct tarn_avro_column *tarn_avro_columns_new(const struct tarn_avro_schema *reader);
void tarn_avro_columns_free(struct tarn_avro_column *root);
/* Length 0 everywhere; memory is kept for the next round. */
void tarn_avro_columns_clear(struct tarn_avro_column *root);
/* The descendant at a dotted path of record field names ("vqe_result.initial_data.backend"; an array's items are
 * ".items"), or NULL. */
struct tarn_avro_column *tarn_avro_column_find(struct tarn_avro_column *root, const char *path);

/* ---- for whoever fills them ---- */

/* Room for `n` more values in the column and, of a record, in its fields (not in items or branches, whose number is
 * their own). False where that takes more than *budget bytes, from which what it takes is subtracted. */
bool tarn_avro_column_reserve_slow(struct tarn_avro_column *column, size_t n, size_t *budget) TARN_MUST_CHECK;
static inline bool tarn_avro_column_reserve(struct tarn_avro_column *column, size_t n, size_t *budget)
{
	if (column->type != TARN_AVRO_RECORD && column->capacity - column->length >= n)
		return true;
	return tarn_avro_column_reserve_slow(column, n, budget);
}
/* Appends a zero or empty value, null where the column allows it. There must be room. */
void tarn_avro_column_put_empty(struct tarn_avro_column *column);
/* Back to the first `length` values, whatever half a value stands behind them. */
void tarn_avro_column_cut(struct tarn_avro_column *column, size_t length);

#endif
