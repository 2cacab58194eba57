/* Avro schemas (specification 1.12, "Schema Declaration"): every type and logical type, names, namespaces, aliases.
 *
 * A schema is immutable once parsed and may be shared by threads. The JSON text that it was parsed from is kept
 * verbatim, with attributes that Avro does not know (Iceberg's field-id, Connect's connect.name). */
#ifndef TARN_SERIALIZE_AVRO_SCHEMA_H
#define TARN_SERIALIZE_AVRO_SCHEMA_H

#include "base/buf.h"
#include "base/err.h"

enum tarn_avro_type {
	TARN_AVRO_NULL,
	TARN_AVRO_BOOLEAN,
	TARN_AVRO_INT,
	TARN_AVRO_LONG,
	TARN_AVRO_FLOAT,
	TARN_AVRO_DOUBLE,
	TARN_AVRO_BYTES,
	TARN_AVRO_STRING,
	TARN_AVRO_RECORD,
	TARN_AVRO_ENUM,
	TARN_AVRO_ARRAY,
	TARN_AVRO_MAP,
	TARN_AVRO_UNION,
	TARN_AVRO_FIXED,
};

enum tarn_avro_logical {
	TARN_AVRO_PLAIN,
	TARN_AVRO_DECIMAL, /* precision and scale beside it */
	TARN_AVRO_BIG_DECIMAL,
	TARN_AVRO_UUID,
	TARN_AVRO_DATE,
	TARN_AVRO_TIME_MILLIS,
	TARN_AVRO_TIME_MICROS,
	TARN_AVRO_TIMESTAMP_MILLIS,
	TARN_AVRO_TIMESTAMP_MICROS,
	TARN_AVRO_TIMESTAMP_NANOS,
	TARN_AVRO_LOCAL_TIMESTAMP_MILLIS,
	TARN_AVRO_LOCAL_TIMESTAMP_MICROS,
	TARN_AVRO_LOCAL_TIMESTAMP_NANOS,
	TARN_AVRO_DURATION,
};

struct tarn_avro_schema; /* a parsed document */
struct tarn_avro_node;	 /* one type inside it; recursive types make this a graph */

/* TARN_EINVALID says where and what was expected. TARN_ELIMIT beyond 64 levels of nesting, 65,536 types when named ones
 * are written out wherever they are used, 256 branches of a union. */
enum tarn_rc tarn_avro_schema_parse(struct tarn_slice json, struct tarn_avro_schema **schema,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* The same after other schemas, whose named types it may use as if they were its own (references of a schema registry).
 * The limits are of all of them together; a name that two define is an error. */
enum tarn_rc tarn_avro_schema_parse_after(const struct tarn_slice *documents, size_t n, struct tarn_slice json,
					  struct tarn_avro_schema **schema, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_avro_schema_free(struct tarn_avro_schema *schema);
struct tarn_slice tarn_avro_schema_json(const struct tarn_avro_schema *schema); /* verbatim, its own */
const struct tarn_avro_node *tarn_avro_schema_root(const struct tarn_avro_schema *schema);

#endif
