/* Avro data as JSON text and back.
 *
 *   null, boolean, int, long   as in JSON
 *   float, double              the shortest digits that read back; "NaN", "Infinity", "-Infinity" as strings
 *   string                     what is no UTF-8 becomes U+FFFD
 *   bytes, fixed               a string whose code points 0 .. 255 are the bytes
 *   enum                       the symbol as a string
 *   array, map, record         array, object, object
 *   union                      tagged: null, or an object whose one key names the type (specification, "JSON
 *                              Encoding"); native: the plain value, read back as the first branch that it fits
 *
 * Logical types are written as the type beneath them. */
#ifndef TARN_SERIALIZE_AVRO_JSON_H
#define TARN_SERIALIZE_AVRO_JSON_H

#include "serialize/avro/schema.h"

enum tarn_avro_json_form {
	TARN_AVRO_JSON_TAGGED,
	TARN_AVRO_JSON_NATIVE,
};

/* Appends one datum's JSON, without white space, and moves the cursor behind the datum. On failure (err->position
 * counts from cursor->start) neither changes. TARN_ELIMIT beyond 128 levels or out->max. */
enum tarn_rc tarn_avro_json_write(const struct tarn_avro_schema *schema, struct tarn_cursor *cursor,
				  enum tarn_avro_json_form form, struct tarn_buf *out,
				  struct tarn_err *err) TARN_MUST_CHECK;
/* Appends the datum that the text stands for. Fields that are missing take their defaults; fields that the schema does
 * not have are errors. Messages name the JSON path. */
enum tarn_rc tarn_avro_json_read(const struct tarn_avro_schema *schema, struct tarn_slice text,
				 enum tarn_avro_json_form form, struct tarn_buf *out,
				 struct tarn_err *err) TARN_MUST_CHECK;

/* As tarn_avro_json_read, for a value and a type that were parsed already: defaults. */
struct tarn_json_value;
struct tarn_avro_node;
enum tarn_rc tarn_avro_json_encode(const struct tarn_avro_node *node, const struct tarn_json_value *value,
				   enum tarn_avro_json_form form, struct tarn_buf *out,
				   struct tarn_err *err) TARN_MUST_CHECK;

#endif
