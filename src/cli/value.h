/* A value that was read from Parquet, as text. */
#ifndef TARN_CLI_VALUE_H
#define TARN_CLI_VALUE_H

#include "base/buf.h"
#include "store/parquet/reader.h"

/* Appends value i of the vector as JSON: numbers and booleans as such; dates, times, UUIDs and decimals as strings in
 * their usual form; binary as hexadecimal; lists as arrays, structs as objects, maps as arrays of {"key", "value"}. */
void tarn_value_json(struct tarn_buf *out, const struct tarn_vector *vector, size_t i);
/* The same for people: a string without its quotes, a null as "null". */
void tarn_value_text(struct tarn_buf *out, const struct tarn_vector *vector, size_t i);
/* The type as Iceberg writes it: "int", "list<double>", "struct<x: int>", "decimal(9,2)". */
void tarn_type_text(struct tarn_buf *out, const struct tarn_field *field);

#endif
