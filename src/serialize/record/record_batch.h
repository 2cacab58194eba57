/* Records as they come out of raw objects: a batch owns the memory of the records that were added to it. */
#ifndef TARN_SERIALIZE_RECORD_RECORD_BATCH_H
#define TARN_SERIALIZE_RECORD_RECORD_BATCH_H

#include "serialize/avro/schema.h"
#include "serialize/record/record.h"

/* Plans by writer schema, compiled once each; shared by all threads (has its own lock). */
struct tarn_record_plans;
struct tarn_record_plan;

struct tarn_record_plans *tarn_record_plans_new(void);
void tarn_record_plans_free(struct tarn_record_plans *plans);
/* The plan for a writer's schema text; owned by `plans`. TARN_EINVALID where the schema is no VQE result: the message
 * names the missing field or the types that do not match. */
enum tarn_rc tarn_record_plan_get(struct tarn_record_plans *plans, struct tarn_slice schema_json,
				  const struct tarn_record_plan **plan, struct tarn_err *err) TARN_MUST_CHECK;

struct tarn_record_batch;

struct tarn_record_batch *tarn_record_batch_new(void);
void tarn_record_batch_free(struct tarn_record_batch *batch);
/* Forgets the records, keeps the memory. */
void tarn_record_batch_clear(struct tarn_record_batch *batch);

/* Decode `count` Avro data at the cursor. On TARN_EINVALID the *added records before the damage stay in the batch and
 * err->position counts from cursor->start. */
enum tarn_rc tarn_record_batch_add_avro(struct tarn_record_batch *batch, const struct tarn_record_plan *plan,
					struct tarn_cursor *cursor, size_t count, size_t *added, struct tarn_err *err)
	TARN_MUST_CHECK;
/* One record as JSON (plain values as goavro's native codec writes them; fields in any order; unknown fields are
 * ignored, nullable ones may be missing). Where the text is no JSON, err->position is a byte position in `json`; where a
 * field is missing or of another type, the message names its path instead. */
enum tarn_rc tarn_record_batch_add_json(struct tarn_record_batch *batch, struct tarn_slice json, struct tarn_err *err)
	TARN_MUST_CHECK;

size_t tarn_record_batch_count(const struct tarn_record_batch *batch);
/* Fills *record with record i; its pointers hold until the batch is cleared, freed or added to. */
void tarn_record_batch_get(const struct tarn_record_batch *batch, size_t i, struct tarn_record *record);

#endif
