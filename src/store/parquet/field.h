/* Column types of a Parquet file, in Iceberg's terms (specification, appendix A), with field ids. */
#ifndef TARN_STORE_PARQUET_FIELD_H
#define TARN_STORE_PARQUET_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tarn_type_kind {
	TARN_TYPE_BOOLEAN,
	TARN_TYPE_INT,
	TARN_TYPE_LONG,
	TARN_TYPE_FLOAT,
	TARN_TYPE_DOUBLE,
	TARN_TYPE_DATE,	       /* days, int32 */
	TARN_TYPE_TIME,	       /* microseconds, int64 */
	TARN_TYPE_TIMESTAMP,   /* microseconds, int64 */
	TARN_TYPE_TIMESTAMPTZ, /* microseconds UTC, int64 */
	TARN_TYPE_STRING,
	TARN_TYPE_BINARY,
	TARN_TYPE_UUID,	   /* 16 bytes */
	TARN_TYPE_FIXED,   /* length bytes */
	TARN_TYPE_DECIMAL, /* precision, scale */
	TARN_TYPE_LIST,	   /* fields[0]: the element */
	TARN_TYPE_STRUCT,  /* fields */
	TARN_TYPE_MAP,	   /* fields[0]: key, fields[1]: value */
};

/* A column, or a part of one. Plain data: usually static tables or arena memory, never freed by those who read it. */
struct tarn_field {
	int32_t id;
	const char *name;
	enum tarn_type_kind kind;
	bool required;
	const struct tarn_field *fields; /* children of list, struct, map */
	size_t n_fields;
	int32_t length;		  /* of a fixed */
	int32_t precision, scale; /* of a decimal */
	const char *doc;	  /* or NULL */
};

#endif
