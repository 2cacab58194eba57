#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

void tarn_buf_init(struct tarn_buf *buf, size_t max)
{
	*buf = (struct tarn_buf){ .max = max };
}

void tarn_buf_release(struct tarn_buf *buf)
{
	free(buf->data);
	tarn_buf_init(buf, buf->max);
}

uint8_t *tarn_buf_room_slow(struct tarn_buf *buf, size_t more)
{
	if (buf->overflow || more > buf->max || buf->len > buf->max - more) {
		buf->overflow = true;
		return NULL;
	}
	size_t needed = buf->len + more;
	size_t wanted = buf->cap < 64 ? 64 : buf->cap * 2;
	if (wanted < needed)
		wanted = needed;
	if (wanted > buf->max)
		wanted = buf->max;
	buf->data = tarn_realloc(buf->data, wanted);
	buf->cap = wanted;
	return buf->data + buf->len;
}

void tarn_buf_printf(struct tarn_buf *buf, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	uint8_t *room = tarn_buf_room(buf, (size_t)len + 1);
	if (room) {
		vsnprintf((char *)room, (size_t)len + 1, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
}

static uint64_t load_le(const uint8_t *at, size_t width)
{
	uint64_t value = 0;
	for (size_t i = 0; i < width; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

bool tarn_cursor_le32(struct tarn_cursor *cursor, uint32_t *value)
{
	struct tarn_slice bytes;
	if (!tarn_cursor_take(cursor, 4, &bytes))
		return false;
	*value = (uint32_t)load_le(bytes.data, 4);
	return true;
}

bool tarn_cursor_le64(struct tarn_cursor *cursor, uint64_t *value)
{
	struct tarn_slice bytes;
	if (!tarn_cursor_take(cursor, 8, &bytes))
		return false;
	*value = load_le(bytes.data, 8);
	return true;
}

bool tarn_cursor_be32(struct tarn_cursor *cursor, uint32_t *value)
{
	if (!tarn_cursor_le32(cursor, value))
		return false;
	*value = __builtin_bswap32(*value);
	return true;
}

bool tarn_cursor_varint(struct tarn_cursor *cursor, uint64_t *value)
{
	uint64_t result = 0;
	const uint8_t *at = cursor->at;
	for (unsigned shift = 0; shift < 70 && at < cursor->end; shift += 7) {
		uint8_t byte = *at++;
		if (shift == 63 && byte > 1)
			return false;
		result |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			cursor->at = at;
			*value = result;
			return true;
		}
	}
	return false;
}

static void add_le(struct tarn_buf *buf, uint64_t value, size_t width)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	tarn_buf_add(buf, bytes, width);
}

void tarn_buf_add_le32(struct tarn_buf *buf, uint32_t value)
{
	add_le(buf, value, 4);
}

void tarn_buf_add_le64(struct tarn_buf *buf, uint64_t value)
{
	add_le(buf, value, 8);
}

void tarn_buf_add_be32(struct tarn_buf *buf, uint32_t value)
{
	add_le(buf, __builtin_bswap32(value), 4);
}

void tarn_buf_add_varint(struct tarn_buf *buf, uint64_t value)
{
	uint8_t bytes[10];
	size_t len = 0;
	while (value >= 0x80) {
		bytes[len++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[len++] = (uint8_t)value;
	tarn_buf_add(buf, bytes, len);
}
