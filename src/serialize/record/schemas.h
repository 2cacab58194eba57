/* Schema texts, embedded from schemas/ when building. Private to this room. */
#ifndef TARN_SERIALIZE_RECORD_SCHEMAS_H
#define TARN_SERIALIZE_RECORD_SCHEMAS_H

#include <stddef.h>

/* Tarn's reader schema. */
extern const unsigned char tarn_record_schema_record[];
extern const size_t tarn_record_schema_record_size;
/* What the reference's application registers, byte for byte. */
extern const unsigned char tarn_record_schema_v1[];
extern const size_t tarn_record_schema_v1_size;
extern const unsigned char tarn_record_schema_v2[];
extern const size_t tarn_record_schema_v2_size;

#endif
