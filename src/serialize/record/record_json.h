/* Records in JSON. Private to this room; batch.h has what others call. */
#ifndef TARN_SERIALIZE_RECORD_RECORD_JSON_H
#define TARN_SERIALIZE_RECORD_RECORD_JSON_H

#include "serialize/avro/schema.h"

/* Appends to `out` what the JSON record is in Avro's binary encoding by `schema`, which holds records, arrays, unions
 * of null and one type, int, double, boolean and string. On an error `out` has rubbish behind its old length. */
enum tarn_rc tarn_record_json_to_avro(struct tarn_slice json, const struct tarn_avro_schema *schema,
				      struct tarn_buf *out, struct tarn_err *err) TARN_MUST_CHECK;

#endif
