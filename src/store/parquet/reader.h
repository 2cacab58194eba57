/* Reading Parquet: what the writer makes, and what Spark (parquet-java), PyArrow and DuckDB make of the same types:
 * PLAIN, dictionary, RLE booleans, DELTA_*, BYTE_STREAM_SPLIT; data pages v1 and v2; none, snappy, gzip, zstd, lz4_raw;
 * lists, structs and maps; INT96 timestamps. Columns are found by field id, else by name. */
#ifndef TARN_STORE_PARQUET_READER_H
#define TARN_STORE_PARQUET_READER_H

#include "base/compress.h"
#include "store/parquet/field.h"

/* Where the bytes come from: fills dst with len bytes at offset, or fails. */
typedef enum tarn_rc (*tarn_parquet_source)(void *context, int64_t offset, size_t len, uint8_t *dst,
					    struct tarn_err *err);

struct tarn_parquet_reader;

/* Reads the footer. Damaged or absurd footers are TARN_EINVALID with a byte position. */
enum tarn_rc tarn_parquet_open(tarn_parquet_source source, void *context, int64_t file_size,
			       struct tarn_parquet_reader **reader, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_parquet_close(struct tarn_parquet_reader *reader);

int64_t tarn_parquet_rows(const struct tarn_parquet_reader *reader);
size_t tarn_parquet_groups(const struct tarn_parquet_reader *reader);
int64_t tarn_parquet_group_row_count(const struct tarn_parquet_reader *reader, size_t group);
/* The file's own schema in Iceberg's terms (ids 0 where it has none); lives as long as the reader. */
const struct tarn_field *tarn_parquet_fields(const struct tarn_parquet_reader *reader, size_t *n);
/* A footer key's value, or false. */
bool tarn_parquet_metadata(const struct tarn_parquet_reader *reader, const char *key, struct tarn_slice *value);

/* Values of one field for the rows of a group, in the manner of Arrow (validity a byte a value; NULL: no nulls). */
struct tarn_vector {
	const struct tarn_field *field;
	size_t length;
	uint8_t *valid;
	void *values;	  /* bool: bytes; int, date: int32; long, times: int64; float; double; uuid, fixed: length bytes
			   * each;     decimal: int64 pairs (low, high), two's complement */
	int64_t *offsets; /* string, binary: into data; list, map: into children */
	uint8_t *data;
	struct tarn_vector *children; /* list 1, map 2, struct n_fields */
};

/* Reads the top-level field `wanted` (matched by id, or by name where the file has no ids) from one row group,
 * converted to wanted's type where Iceberg allows the promotion (int to long, float to double, decimal precision). A
 * field that the file lacks reads as all null. The vector is the caller's. */
enum tarn_rc tarn_parquet_read(struct tarn_parquet_reader *reader, size_t group, const struct tarn_field *wanted,
			       struct tarn_vector *vector, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_vector_release(struct tarn_vector *vector);

#endif
