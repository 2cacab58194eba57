/* Bounds of columns and partitions: single-value serialization and Java's truncate(16). */
#include "store/iceberg/manifest.h"

void tarn_bound_put_value(enum tarn_type_kind kind, const struct tarn_partition_value *value, struct tarn_buf *out)
{
	switch (kind) {
	case TARN_TYPE_BOOLEAN: tarn_buf_add_byte(out, value->number != 0); break;
	case TARN_TYPE_INT:
	case TARN_TYPE_DATE: tarn_buf_add_le32(out, (uint32_t)value->number); break;
	case TARN_TYPE_LONG:
	case TARN_TYPE_TIME:
	case TARN_TYPE_TIMESTAMP:
	case TARN_TYPE_TIMESTAMPTZ: tarn_buf_add_le64(out, (uint64_t)value->number); break;
	default: tarn_buf_add_slice(out, value->text); break;
	}
}

/* ---- UTF-8 ---- */

/* Length of the code point at `at` and its value; 0 where the bytes are not UTF-8 (RFC 3629). */
static size_t decode(const uint8_t *at, const uint8_t *end, uint32_t *point)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *at < 0x80 ? 1 : *at >> 5 == 0x06 ? 2 : *at >> 4 == 0x0e ? 3 : *at >> 3 == 0x1e ? 4 : 0;
	if (!len || (size_t)(end - at) < len)
		return 0;
	*point = len == 1 ? *at : *at & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (at[i] & 0x3f);
	}
	bool surrogate = *point >= 0xd800 && *point <= 0xdfff;
	return *point < smallest[len] || surrogate || *point > 0x10ffff ? 0 : len;
}

static size_t encode(uint32_t point, uint8_t *out)
{
	size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	if (len == 1) {
		out[0] = (uint8_t)point;
		return 1;
	}
	for (size_t i = len - 1; i > 0; i--, point >>= 6)
		out[i] = (uint8_t)(0x80 | (point & 0x3f));
	out[0] = (uint8_t)(0xf00u >> len | point);
	return len;
}

/* starts[i] is where code point i begins, starts[n] where the prefix ends; false where the prefix is not UTF-8. */
static bool split_points(struct tarn_slice text, size_t starts[TARN_BOUND_LENGTH + 1],
			 uint32_t points[TARN_BOUND_LENGTH], size_t *n)
{
	const uint8_t *end = text.data + text.len;
	*n = 0;
	starts[0] = 0;
	while (*n < TARN_BOUND_LENGTH && starts[*n] < text.len) {
		size_t len = decode(text.data + starts[*n], end, &points[*n]);
		if (!len)
			return false;
		starts[*n + 1] = starts[*n] + len;
		(*n)++;
	}
	return true;
}

/* ---- truncation ---- */

bool tarn_bound_lower(enum tarn_type_kind kind, struct tarn_slice full, struct tarn_slice *bound)
{
	size_t starts[TARN_BOUND_LENGTH + 1], n, len = full.len;
	uint32_t points[TARN_BOUND_LENGTH];
	if (kind == TARN_TYPE_STRING) {
		if (!split_points(full, starts, points, &n))
			return false;
		len = starts[n];
	} else if (kind == TARN_TYPE_BINARY && len > TARN_BOUND_LENGTH) {
		len = TARN_BOUND_LENGTH;
	}
	*bound = tarn_slice_of(full.data, len);
	return true;
}

/* The next code point that may stand in UTF-8, or 0. */
static uint32_t next_point(uint32_t point)
{
	if (point == 0xd7ff)
		return 0xe000;
	return point == 0x10ffff ? 0 : point + 1;
}

static bool upper_string(struct tarn_slice full, struct tarn_arena *arena, struct tarn_slice *bound)
{
	size_t starts[TARN_BOUND_LENGTH + 1], n;
	uint32_t points[TARN_BOUND_LENGTH];
	if (!split_points(full, starts, points, &n))
		return false;
	if (starts[n] == full.len) {
		*bound = full;
		return true;
	}
	while (n > 0 && !next_point(points[n - 1]))
		n--;
	if (!n)
		return false;
	uint8_t *cut = tarn_arena_alloc(arena, starts[n] + 4);
	memcpy(cut, full.data, starts[n - 1]);
	*bound = tarn_slice_of(cut, starts[n - 1] + encode(next_point(points[n - 1]), cut + starts[n - 1]));
	return true;
}

static bool upper_binary(struct tarn_slice full, struct tarn_arena *arena, struct tarn_slice *bound)
{
	size_t len = TARN_BOUND_LENGTH;
	if (full.len <= len) {
		*bound = full;
		return true;
	}
	while (len > 0 && full.data[len - 1] == 0xff)
		len--;
	if (!len)
		return false;
	uint8_t *cut = tarn_arena_copy(arena, full.data, len);
	cut[len - 1]++;
	*bound = tarn_slice_of(cut, len);
	return true;
}

bool tarn_bound_upper(enum tarn_type_kind kind, struct tarn_slice full, struct tarn_arena *arena,
		      struct tarn_slice *bound)
{
	if (kind == TARN_TYPE_STRING)
		return upper_string(full, arena, bound);
	if (kind == TARN_TYPE_BINARY)
		return upper_binary(full, arena, bound);
	*bound = full;
	return true;
}
