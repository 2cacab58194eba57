/* What identifies a schema whatever its text looks like (specification, "Parsing Canonical Form for Schemas"). */
#ifndef TARN_SERIALIZE_AVRO_FINGERPRINT_H
#define TARN_SERIALIZE_AVRO_FINGERPRINT_H

#include "serialize/avro/schema.h"

/* Appends the parsing canonical form: what decides how data are encoded, and nothing else. */
void tarn_avro_canonical(const struct tarn_avro_schema *schema, struct tarn_buf *out);
/* CRC-64-AVRO of the canonical form. */
uint64_t tarn_avro_fingerprint(const struct tarn_avro_schema *schema);
uint64_t tarn_avro_crc64(struct tarn_slice data);

#endif
