/* Decoding by a plan: writer's and reader's schema are resolved once (specification, "Schema Resolution"), then
 * every datum runs through a flat list of steps straight into columns. A plan is immutable; threads share it. */
#ifndef TARN_SERIALIZE_AVRO_PLAN_H
#define TARN_SERIALIZE_AVRO_PLAN_H

#include "serialize/avro/column.h"

struct tarn_avro_plan;

/* Both schemas must outlive the plan. TARN_EINVALID where they do not resolve, naming the path and both types. */
enum tarn_rc tarn_avro_plan_new(const struct tarn_avro_schema *writer, const struct tarn_avro_schema *reader,
				struct tarn_avro_plan **plan, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_avro_plan_free(struct tarn_avro_plan *plan);

/* Appends up to `count` data to `root` (made from the reader's schema), moving the cursor. On TARN_EINVALID the columns
 * hold exactly the *decoded data read before the damaged one, and err->position is a byte position from cursor->start.
 * Any count in the input is checked against the bytes left before memory is taken for it. TARN_ELIMIT, with the same
 * promises, where data nest deeper than 128 levels, or stand for more than their size warrants: 2^24 items that take no
 * bytes (null, empty records), 64 MiB and 64 times the input of memory. */
enum tarn_rc tarn_avro_plan_decode(const struct tarn_avro_plan *plan, struct tarn_cursor *cursor, size_t count,
				   struct tarn_avro_column *root, size_t *decoded, struct tarn_err *err)
	TARN_MUST_CHECK;

#endif
