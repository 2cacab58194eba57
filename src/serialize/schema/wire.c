#include "serialize/schema/wire.h"

enum { MAGIC = 0 };

enum tarn_rc tarn_wire_parse(struct tarn_slice message, uint32_t *schema_id, struct tarn_slice *datum,
			     struct tarn_err *err)
{
	if (message.len < TARN_WIRE_HEADER_SIZE)
		return tarn_fail_at(err, TARN_EINVALID, (int64_t)message.len,
				    "message of %zu bytes, the schema id's header alone has %d", message.len,
				    TARN_WIRE_HEADER_SIZE);
	if (message.data[0] != MAGIC)
		return tarn_fail_at(err, TARN_EINVALID, 0, "message begins with byte 0x%02x, 0x00 was expected",
				    message.data[0]);
	struct tarn_cursor cursor = tarn_cursor_of(message);
	cursor.at++;
	uint32_t id = 0;
	if (!tarn_cursor_be32(&cursor, &id))
		return tarn_fail_at(err, TARN_EINVALID, 1, "message without a schema id");
	*schema_id = id;
	*datum = tarn_slice_of(cursor.at, tarn_cursor_left(&cursor));
	return TARN_OK;
}

void tarn_wire_write_header(uint8_t header[TARN_WIRE_HEADER_SIZE], uint32_t schema_id)
{
	header[0] = MAGIC;
	for (int i = 1; i < TARN_WIRE_HEADER_SIZE; i++)
		header[i] = (uint8_t)(schema_id >> (8 * (TARN_WIRE_HEADER_SIZE - 1 - i)));
}

void tarn_wire_put_header(struct tarn_buf *out, uint32_t schema_id)
{
	uint8_t header[TARN_WIRE_HEADER_SIZE];
	tarn_wire_write_header(header, schema_id);
	tarn_buf_add(out, header, sizeof(header));
}
