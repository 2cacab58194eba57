/* JSON text, appended a piece at a time. */
#ifndef TARN_BASE_JSON_TEXT_H
#define TARN_BASE_JSON_TEXT_H

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

/* In quotes; escapes `"`, `\` and control characters, everything else is passed through as it is. */
void tarn_json_put_string(struct tarn_buf *out, struct tarn_slice text);
static inline void tarn_json_put_str(struct tarn_buf *out, const char *text)
{
	tarn_json_put_string(out, tarn_slice_str(text));
}

#endif
