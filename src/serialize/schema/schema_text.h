/* The text of an Avro schema as Confluent's registry keeps and returns it: what Java's Schema.toString() prints
 * (Avro 1.11, Schema.java). No white space, attributes in a fixed order, names without the namespace that they are in
 * anyhow; docs, defaults, orders, aliases and attributes that Avro does not know stay. Two schemas are the same if this
 * text is. */
#ifndef TARN_SERIALIZE_SCHEMA_SCHEMA_TEXT_H
#define TARN_SERIALIZE_SCHEMA_SCHEMA_TEXT_H

#include "serialize/avro/schema.h"

enum tarn_schema_form {
	TARN_SCHEMA_CANONICAL, /* types of documents before it (tarn_avro_schema_parse_after) by name only */
	/* What `normalize=true` asks for: also unknown attributes, aliases and the keys of defaults in order, and
	 * nothing said that goes without saying. */
	TARN_SCHEMA_NORMALIZED,
	TARN_SCHEMA_WHOLE, /* canonical, with those types written out where they are first used */
};

/* Appends the text; out->overflow tells whether it fitted. */
void tarn_schema_put_text(const struct tarn_avro_schema *schema, enum tarn_schema_form form, struct tarn_buf *out);

#endif
