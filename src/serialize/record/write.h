/* Writing records: Avro by the schemas that the reference's application registers, and JSON with v2's field names. */
#ifndef TARN_SERIALIZE_RECORD_WRITE_H
#define TARN_SERIALIZE_RECORD_WRITE_H

#include "serialize/record/record.h"

enum tarn_record_version {
	TARN_RECORD_V1,
	TARN_RECORD_V2,
};

/* The registered schema's text, byte for byte; static. */
struct tarn_slice tarn_record_schema(enum tarn_record_version version);

/* Appends one datum in Avro's binary encoding by that schema. v2 needs nothing that a record may lack: where
 * exact_estimator is absent its default (false) is written. v1 has no field for what is new in v2, which is left out,
 * and no null for default_shots: TARN_EINVALID for a record without shots. */
enum tarn_rc tarn_record_write_avro(const struct tarn_record *record, enum tarn_record_version version,
				    struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;

/* Appends one JSON object on one line, without a newline: every field of v2 in the schema's order, nulls written out
 * (also for an exact_estimator that is absent), doubles with the shortest digits that read back. The record must keep
 * the contract: JSON has no text for NaN or infinity. */
void tarn_record_write_json(const struct tarn_record *record, struct tarn_buf *out);

#endif
