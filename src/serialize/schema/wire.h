/* Confluent's wire format of a message with a registered schema: 0x00, the schema's id as four big-endian bytes, the
 * datum in the format of the schema's type (here Avro, without a container). */
#ifndef TARN_SERIALIZE_SCHEMA_WIRE_H
#define TARN_SERIALIZE_SCHEMA_WIRE_H

#include "base/buf.h"
#include "base/err.h"

#define TARN_WIRE_HEADER_SIZE 5

/* `datum` points into `message`. Any id is accepted; registries give out positive ones of 31 bits. */
enum tarn_rc tarn_wire_parse(struct tarn_slice message, uint32_t *schema_id, struct tarn_slice *datum,
			     struct tarn_err *err) TARN_MUST_CHECK;
/* Writes the header in place; the datum goes behind it. */
void tarn_wire_write_header(uint8_t header[TARN_WIRE_HEADER_SIZE], uint32_t schema_id);
/* The same, appended. */
void tarn_wire_put_header(struct tarn_buf *out, uint32_t schema_id);

#endif
