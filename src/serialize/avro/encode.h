/* Avro's binary encoding, a value at a time (specification, "Binary Encoding"). */
#ifndef TARN_SERIALIZE_AVRO_ENCODE_H
#define TARN_SERIALIZE_AVRO_ENCODE_H

#include "base/buf.h"

static inline void tarn_avro_put_long(struct tarn_buf *out, int64_t value)
{
	tarn_buf_add_varint(out, tarn_zigzag(value));
}
static inline void tarn_avro_put_bytes(struct tarn_buf *out, struct tarn_slice bytes)
{
	tarn_avro_put_long(out, (int64_t)bytes.len);
	tarn_buf_add_slice(out, bytes);
}
static inline void tarn_avro_put_boolean(struct tarn_buf *out, bool value)
{
	tarn_buf_add_byte(out, value);
}
/* Reads a long or int; false, with nothing moved, where there is none. */
static inline bool tarn_avro_take_long(struct tarn_cursor *cursor, int64_t *value)
{
	uint64_t bits;
	if (!tarn_cursor_varint(cursor, &bits))
		return false;
	*value = tarn_unzigzag(bits);
	return true;
}
void tarn_avro_put_float(struct tarn_buf *out, float value);
void tarn_avro_put_double(struct tarn_buf *out, double value);
/* A block header of an array or map; the end of one is a header of 0. */
static inline void tarn_avro_put_block(struct tarn_buf *out, int64_t items)
{
	tarn_avro_put_long(out, items);
}

#endif
