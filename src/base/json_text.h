/* JSON text, appended a piece at a time. */
#ifndef TARN_BASE_JSON_TEXT_H
#define TARN_BASE_JSON_TEXT_H

#include <endian.h>

#include "base/buf.h"
#include "base/number.h"

/* How doubles are spelt. */
typedef size_t (*tarn_double_format)(double value, char text[TARN_DOUBLE_TEXT_SIZE]);

static inline void tarn_json_put_int(struct tarn_buf *out, int64_t value)
{
	uint8_t *room = tarn_buf_room(out, TARN_INT_TEXT_SIZE);
	if (room)
		out->len += tarn_format_int(value, (char *)room);
}

static inline void tarn_json_put_double(struct tarn_buf *out, double value, tarn_double_format format)
{
	uint8_t *room = tarn_buf_room(out, TARN_DOUBLE_TEXT_SIZE);
	if (room)
		out->len += format(value, (char *)room);
}

static inline void tarn_json_put_boolean(struct tarn_buf *out, bool value)
{
	tarn_buf_add_str(out, value ? "true" : "false");
}

void tarn_json_put_doubles(struct tarn_buf *out, const double *values, size_t n, tarn_double_format format);

/* First byte at or behind `at` that no JSON string holds as it is: a quote, a backslash or a control character; `end`
 * where there is none. Eight bytes at a time. */
static inline const uint8_t *tarn_json_special(const uint8_t *at, const uint8_t *end)
{
	const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
	for (; end - at >= 8; at += 8) {
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		word = le64toh(word);
		uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
		uint64_t found = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
		if (found & tops) /* above the first there may be false ones */
			return at + (__builtin_ctzll(found & tops) >> 3);
	}
	while (at < end && *at != '"' && *at != '\\' && *at >= 0x20)
		at++;
	return at;
}

/* In quotes; escapes `"`, `\` and control characters, everything else is passed through as it is. */
void tarn_json_put_string(struct tarn_buf *out, struct tarn_slice text);
static inline void tarn_json_put_str(struct tarn_buf *out, const char *text)
{
	tarn_json_put_string(out, tarn_slice_str(text));
}

#endif
