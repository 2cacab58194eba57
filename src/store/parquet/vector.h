/* What file_read.c (footers) and vector.c (columns) share. */
#ifndef TARN_STORE_PARQUET_VECTOR_H
#define TARN_STORE_PARQUET_VECTOR_H

#include "store/parquet/footer.h"
#include "store/parquet/reader.h"

struct tarn_parquet_reader {
	tarn_parquet_source source;
	void *context;
	uint8_t *footer_bytes;
	struct tarn_footer footer;
	struct tarn_compressor *compressor;
};

struct tarn_values;

/* Fills a leaf's vector: `positions` of its slots have values, in order; valid (n bytes) says which, NULL all.
 * TARN_EINVALID where the file's type cannot become the wanted one. */
enum tarn_rc tarn_vector_convert(const struct tarn_footer_leaf *leaf, const struct tarn_values *values,
				 struct tarn_vector *vector, struct tarn_err *err) TARN_MUST_CHECK;

/* Bytes of a value in a vector; 0 for strings, binaries and nested ones. */
size_t tarn_vector_width(const struct tarn_field *field);

#endif
