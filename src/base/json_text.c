#include "base/json_text.h"

void tarn_json_put_doubles(struct tarn_buf *out, const double *values, size_t n, tarn_double_format format)
{
	tarn_buf_add_byte(out, '[');
	for (size_t i = 0; i < n; i++) {
		uint8_t *room = tarn_buf_room(out, 1 + TARN_DOUBLE_TEXT_SIZE);
		if (!room)
			return;
		size_t comma = i > 0;
		*room = ',';
		out->len += comma + format(values[i], (char *)room + comma);
	}
	tarn_buf_add_byte(out, ']');
}

/* Of a byte that is none of a string's own; returns its length. */
static size_t escape_of(uint8_t byte, uint8_t escape[6])
{
	static const char short_forms[32] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
	static const char digits[] = "0123456789ABCDEF";
	char letter = byte < 0x20 ? short_forms[byte] : (char)byte;
	escape[0] = '\\';
	escape[1] = (uint8_t)letter;
	if (letter)
		return 2;
	memcpy(escape + 1, "u00", 3);
	escape[4] = (uint8_t)digits[byte >> 4];
	escape[5] = (uint8_t)digits[byte & 15];
	return 6;
}

void tarn_json_put_string(struct tarn_buf *out, struct tarn_slice text)
{
	const uint8_t *at = text.data, *end = text.data + text.len;
	uint8_t escape[6];
	tarn_buf_add_byte(out, '"');
	while (at < end) {
		const uint8_t *run_end = tarn_json_special(at, end);
		size_t run = (size_t)(run_end - at), escaped = run_end < end ? escape_of(*run_end, escape) : 0;
		uint8_t *room = tarn_buf_room(out, run + escaped);
		if (!room)
			return;
		memcpy(room, at, run);
		memcpy(room + run, escape, escaped);
		out->len += run + escaped;
		at = run_end + (escaped > 0);
	}
	tarn_buf_add_byte(out, '"');
}
