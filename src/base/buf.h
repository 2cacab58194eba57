/* Bytes: borrowed (tarn_slice), growing up to a maximum (tarn_buf), and read with bounds (tarn_cursor). */
#ifndef TARN_BASE_BUF_H
#define TARN_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes. data == NULL means "no value" where a field may be absent. */
struct tarn_slice {
	const uint8_t *data;
	size_t len;
};

static inline struct tarn_slice tarn_slice_of(const void *data, size_t len)
{
	return (struct tarn_slice){ data, len };
}

static inline struct tarn_slice tarn_slice_str(const char *text)
{
	return (struct tarn_slice){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

static inline bool tarn_slice_eq(struct tarn_slice a, struct tarn_slice b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

/* Owned bytes that grow up to `max`. An append that would pass max is dropped and sets `overflow` for good: write
 * freely, look at `overflow` once at the end. */
struct tarn_buf {
	uint8_t *data;
	size_t len, cap, max;
	bool overflow;
};

#define TARN_BUF_DEFAULT_MAX ((size_t)1 << 30)

void tarn_buf_init(struct tarn_buf *buf, size_t max);
void tarn_buf_release(struct tarn_buf *buf);
static inline void tarn_buf_clear(struct tarn_buf *buf)
{
	buf->len = 0;
	buf->overflow = false;
}
/* Room for `more` bytes behind len; the caller writes there and adds to len. NULL where max forbids it. */
uint8_t *tarn_buf_room_slow(struct tarn_buf *buf, size_t more);
static inline uint8_t *tarn_buf_room(struct tarn_buf *buf, size_t more)
{
	if (buf->cap - buf->len >= more && buf->data)
		return buf->data + buf->len;
	return tarn_buf_room_slow(buf, more);
}
static inline void tarn_buf_add(struct tarn_buf *buf, const void *data, size_t len)
{
	uint8_t *room = tarn_buf_room(buf, len);
	if (!room || !len)
		return;
	memcpy(room, data, len);
	buf->len += len;
}
static inline void tarn_buf_add_byte(struct tarn_buf *buf, uint8_t byte)
{
	uint8_t *room = tarn_buf_room(buf, 1);
	if (!room)
		return;
	*room = byte;
	buf->len++;
}
static inline void tarn_buf_add_slice(struct tarn_buf *buf, struct tarn_slice slice)
{
	tarn_buf_add(buf, slice.data, slice.len);
}
static inline void tarn_buf_add_str(struct tarn_buf *buf, const char *text)
{
	tarn_buf_add(buf, text, strlen(text));
}
void tarn_buf_printf(struct tarn_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline struct tarn_slice tarn_buf_slice(const struct tarn_buf *buf)
{
	return (struct tarn_slice){ buf->data, buf->len };
}

/* Reads forward within [at, end); a read past the end returns false and moves nothing. */
struct tarn_cursor {
	const uint8_t *start, *at, *end;
};

static inline struct tarn_cursor tarn_cursor_of(struct tarn_slice slice)
{
	return (struct tarn_cursor){ slice.data, slice.data, slice.data + slice.len };
}
static inline size_t tarn_cursor_left(const struct tarn_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}
static inline int64_t tarn_cursor_position(const struct tarn_cursor *cursor)
{
	return cursor->at - cursor->start;
}
static inline bool tarn_cursor_take(struct tarn_cursor *cursor, size_t len, struct tarn_slice *slice)
{
	if (tarn_cursor_left(cursor) < len)
		return false;
	*slice = tarn_slice_of(cursor->at, len);
	cursor->at += len;
	return true;
}
/* Fixed-width little-endian and big-endian integers. */
bool tarn_cursor_le32(struct tarn_cursor *cursor, uint32_t *value);
bool tarn_cursor_le64(struct tarn_cursor *cursor, uint64_t *value);
bool tarn_cursor_be32(struct tarn_cursor *cursor, uint32_t *value);
/* LEB128, at most 10 bytes; false on truncation or where bits beyond 64 are set. */
bool tarn_cursor_varint(struct tarn_cursor *cursor, uint64_t *value);

void tarn_buf_add_le32(struct tarn_buf *buf, uint32_t value);
void tarn_buf_add_le64(struct tarn_buf *buf, uint64_t value);
void tarn_buf_add_be32(struct tarn_buf *buf, uint32_t value);
void tarn_buf_add_varint(struct tarn_buf *buf, uint64_t value);

static inline uint64_t tarn_zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}
static inline int64_t tarn_unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

#endif
