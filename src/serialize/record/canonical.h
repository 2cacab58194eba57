/* The texts that are hashed into ids. Private to this room; tarn_record_canonical is in record.h. */
#ifndef TARN_SERIALIZE_RECORD_CANONICAL_H
#define TARN_SERIALIZE_RECORD_CANONICAL_H

#include "serialize/record/record.h"

/* Appends the text of what was asked for (README, "Configuration id"). */
void tarn_record_configuration(const struct tarn_record *record, struct tarn_buf *out);

#endif
