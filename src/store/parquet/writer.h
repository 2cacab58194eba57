/* Writing Parquet: row groups are encoded on their own, on any thread, and appended to a file in order.
 *
 * Encoding: dictionary with RLE indices where values repeat (an appended run costs the same whatever its length),
 * PLAIN otherwise; data pages v1, RLE levels, zstd, 1 MiB or 20,000 rows a page where that matters to readers;
 * statistics, page index, field ids, `iceberg.schema` in the footer. The bytes depend on the appended values alone. */
#ifndef TARN_STORE_PARQUET_WRITER_H
#define TARN_STORE_PARQUET_WRITER_H

#include "base/compress.h"
#include "store/parquet/field.h"

/* Working memory of a thread (a compressor, the page in the making), lent to the groups that it fills. */
struct tarn_parquet_scratch;
struct tarn_parquet_scratch *tarn_parquet_scratch_new(void);
void tarn_parquet_scratch_free(struct tarn_parquet_scratch *scratch);

struct tarn_parquet_options {
	enum tarn_codec codec;	 /* TARN_CODEC_ZSTD by default */
	int level;		 /* 0: the codec's default for this writer */
	size_t page_bytes;	 /* 0: 1 MiB */
	size_t dictionary_bytes; /* 0: 2 MiB; a larger dictionary falls back to PLAIN */
	struct tarn_parquet_scratch *scratch; /* the calling thread's; NULL: the group makes its own */
};

/* Metrics of a column (leaf), as an Iceberg manifest wants them. Bounds are full values (strings may be cut by the
 * writer to 64 bytes, an upper bound then rounded up); the manifest's own truncation is the caller's. */
struct tarn_parquet_metrics {
	int32_t field_id;
	bool in_list; /* inside a list or map: Iceberg keeps no counts or bounds for it */
	enum tarn_type_kind kind;
	int64_t compressed_bytes, values, nulls, nans;
	bool has_bounds;
	struct tarn_slice lower, upper; /* Iceberg's single-value serialization (specification, appendix D) */
};

/* ---- a row group being filled; one thread at a time ---- */

struct tarn_parquet_group;

/* `fields` must outlive the group. */
struct tarn_parquet_group *tarn_parquet_group_new(const struct tarn_field *fields, size_t n_fields,
						  const struct tarn_parquet_options *options);
void tarn_parquet_group_free(struct tarn_parquet_group *group);
/* From here on the group works with this scratch: for one that passes from thread to thread. What is lent must outlive the
 * group's next calls, up to finish. */
void tarn_parquet_group_lend(struct tarn_parquet_group *group, struct tarn_parquet_scratch *scratch);

/* Every column gets the same number of rows, in any interleaving; column is the index of a top-level field. A value of
 * the wrong kind is a programming error (assert). Strings are copied. */
void tarn_parquet_put_nulls(struct tarn_parquet_group *group, size_t column, size_t count);
void tarn_parquet_put_boolean(struct tarn_parquet_group *group, size_t column, bool value, size_t count);
void tarn_parquet_put_int(struct tarn_parquet_group *group, size_t column, int32_t value, size_t count); /* int, date */
void tarn_parquet_put_long(struct tarn_parquet_group *group, size_t column, int64_t value,
			   size_t count); /* and times */
void tarn_parquet_put_float(struct tarn_parquet_group *group, size_t column, float value, size_t count);
void tarn_parquet_put_double(struct tarn_parquet_group *group, size_t column, double value, size_t count);
/* string, binary; uuid and fixed with all their bytes */
void tarn_parquet_put_string(struct tarn_parquet_group *group, size_t column, struct tarn_slice value, size_t count);
/* The unscaled value in two's complement, within the column's precision. */
void tarn_parquet_put_decimal(struct tarn_parquet_group *group, size_t column, uint64_t low, int64_t high,
			      size_t count);
/* `count` different values. valid == NULL: none is null; else one byte a value, and values has a (skipped) place for
 * nulls. */
void tarn_parquet_put_doubles(struct tarn_parquet_group *group, size_t column, const double *values,
			      const uint8_t *valid, size_t count);
/* `count` strings: `prefix` followed by the decimal numbers first, first + 1, ... (first >= 0). They are taken to
 * be new to the column, so no dictionary is tried once a series was put; the same holds for put_doubles. */
void tarn_parquet_put_series(struct tarn_parquet_group *group, size_t column, struct tarn_slice prefix, int64_t first,
			     size_t count);
/* The integers first .. first + period - 1, over and over, `count` in all (kinds int and date). */
void tarn_parquet_put_cycle(struct tarn_parquet_group *group, size_t column, int32_t first, int32_t period,
			    size_t count);
/* Nested values: one row at a time through a builder on the column. Calls nest as the type does: begin_list, values...,
 * end_list; begin_struct, one call per field, end_struct. A map is a list (begin_list) of structs of key and value.
 * Inside a list the put functions append `count` elements; inside a struct count is 1. */
void tarn_parquet_begin_list(struct tarn_parquet_group *group, size_t column);
void tarn_parquet_end_list(struct tarn_parquet_group *group, size_t column);
void tarn_parquet_begin_struct(struct tarn_parquet_group *group, size_t column);
void tarn_parquet_end_struct(struct tarn_parquet_group *group, size_t column);

size_t tarn_parquet_group_rows(const struct tarn_parquet_group *group);
/* Encoded and pending bytes held now; for deciding when to close the group. */
size_t tarn_parquet_group_bytes(const struct tarn_parquet_group *group);
/* Encodes what is pending. After it only free and append are allowed. All columns must have equal rows (assert). */
enum tarn_rc tarn_parquet_group_finish(struct tarn_parquet_group *group, struct tarn_err *err) TARN_MUST_CHECK;

/* ---- a file ---- */

/* Where the bytes go: called with consecutive pieces. */
typedef enum tarn_rc (*tarn_parquet_sink)(void *context, struct tarn_slice bytes, struct tarn_err *err);

struct tarn_parquet_file;

/* `iceberg_schema`: JSON for the footer's key `iceberg.schema`, or empty. */
struct tarn_parquet_file *tarn_parquet_file_new(const struct tarn_field *fields, size_t n_fields,
						struct tarn_slice iceberg_schema, tarn_parquet_sink sink,
						void *context);
void tarn_parquet_file_free(struct tarn_parquet_file *file);
/* Writes a finished group; its memory may be freed afterwards. An empty group writes nothing. */
enum tarn_rc tarn_parquet_file_append(struct tarn_parquet_file *file, struct tarn_parquet_group *group,
				      struct tarn_err *err) TARN_MUST_CHECK;
/* Page indexes and footer. */
enum tarn_rc tarn_parquet_file_finish(struct tarn_parquet_file *file, struct tarn_err *err) TARN_MUST_CHECK;

/* After finish: */
int64_t tarn_parquet_file_size(const struct tarn_parquet_file *file);
int64_t tarn_parquet_file_rows(const struct tarn_parquet_file *file);
/* Ascending offsets of the row groups. */
const int64_t *tarn_parquet_file_splits(const struct tarn_parquet_file *file, size_t *n);
/* Metrics of the whole file, a leaf each, in schema order; valid until the file is freed. */
const struct tarn_parquet_metrics *tarn_parquet_file_metrics(const struct tarn_parquet_file *file, size_t *n);

#endif
