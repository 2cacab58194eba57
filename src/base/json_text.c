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

static bool needs_escape(uint8_t byte)
{
	return byte < 0x20 || byte == '"' || byte == '\\';
}

static void put_escape(struct tarn_buf *out, uint8_t byte)
{
	static const char short_forms[32] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
	static const char digits[] = "0123456789ABCDEF";
	char letter = byte < 0x20 ? short_forms[byte] : (char)byte;
	char escape[6] = { '\\', letter };
	if (letter) {
		tarn_buf_add(out, escape, 2);
		return;
	}
	memcpy(escape + 1, "u00", 3);
	escape[4] = digits[byte >> 4];
	escape[5] = digits[byte & 15];
	tarn_buf_add(out, escape, 6);
}

void tarn_json_put_string(struct tarn_buf *out, struct tarn_slice text)
{
	const uint8_t *at = text.data, *end = text.data + text.len;
	tarn_buf_add_byte(out, '"');
	while (at < end) {
		const uint8_t *run = at;
		while (at < end && !needs_escape(*at))
			at++;
		tarn_buf_add(out, run, (size_t)(at - run));
		if (at < end)
			put_escape(out, *at++);
	}
	tarn_buf_add_byte(out, '"');
}
