/* Whether data written with one Avro schema can be read with another, and if not, why and where: the rules and the
 * reasons of Avro's Java SchemaCompatibility, in the words of Confluent's registry. Logical types are not looked at, as
 * there. */
#ifndef TARN_SERIALIZE_SCHEMA_COMPATIBILITY_H
#define TARN_SERIALIZE_SCHEMA_COMPATIBILITY_H

#include "base/alloc.h"
#include "serialize/avro/schema.h"

enum tarn_compatibility {
	TARN_COMPATIBILITY_NONE,
	TARN_COMPATIBILITY_BACKWARD,		/* the new schema reads what the latest has written */
	TARN_COMPATIBILITY_BACKWARD_TRANSITIVE, /* ... what any has written */
	TARN_COMPATIBILITY_FORWARD,		/* the latest reads what the new one writes */
	TARN_COMPATIBILITY_FORWARD_TRANSITIVE,
	TARN_COMPATIBILITY_FULL, /* both */
	TARN_COMPATIBILITY_FULL_TRANSITIVE,
};
const char *tarn_compatibility_name(enum tarn_compatibility level); /* "BACKWARD_TRANSITIVE" */
/* Any case. */
bool tarn_compatibility_parse(const char *name, enum tarn_compatibility *level);

/* Reasons, in the order in which they were found, in an arena. At most TARN_COMPATIBILITY_MAX_REASONS. */
#define TARN_COMPATIBILITY_MAX_REASONS 100
struct tarn_compatibility_reasons {
	struct tarn_arena *arena;
	const char *text[TARN_COMPATIBILITY_MAX_REASONS];
	size_t n;
};
void tarn_compatibility_add(struct tarn_compatibility_reasons *reasons, const char *text);

/* Adds a reason for every place where `reader` cannot take what `writer` writes. The names ("new", "old") stand for the
 * two in the texts. Nothing is added where all can be read. A pair that would take too long to compare (more than a
 * million pairs of types) counts as one that does not fit. */
void tarn_compatibility_check(const struct tarn_avro_schema *reader, const struct tarn_avro_schema *writer,
			      const char *reader_name, const char *writer_name,
			      struct tarn_compatibility_reasons *reasons);

/* A version that is registered already. */
struct tarn_compatibility_version {
	int32_t version;
	const struct tarn_avro_schema *schema;
	struct tarn_slice text; /* for the reasons */
};
/* The reasons why `schema` may not follow `older` (any number, the newest first; levels that are not transitive look at
 * that one only) at this level. With several, they are those of the newest that does not fit. */
void tarn_compatibility_check_level(enum tarn_compatibility level, const struct tarn_avro_schema *schema,
				    const struct tarn_compatibility_version *older, size_t n_older,
				    struct tarn_compatibility_reasons *reasons);
/* Whether the level looks at all older versions. */
bool tarn_compatibility_is_transitive(enum tarn_compatibility level);

#endif
