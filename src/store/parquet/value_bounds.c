#include "store/parquet/value_bounds.h"

bool tarn_bounds_in_bytes(const struct tarn_parquet_leaf *leaf)
{
	return leaf->physical == PARQUET_BYTE_ARRAY || leaf->physical == PARQUET_FIXED;
}

/* Orders `value` against a bound, both by their first TARN_BOUND_SIZE bytes, then by whether more follows. */
static int compare(struct tarn_slice value, const struct tarn_bound *bound)
{
	bool cut = value.len > TARN_BOUND_SIZE;
	size_t len = cut ? TARN_BOUND_SIZE : value.len;
	size_t common = len < bound->len ? len : bound->len;
	int order = common ? memcmp(value.data, bound->bytes, common) : 0;
	if (order)
		return order;
	if (len != bound->len)
		return len < bound->len ? -1 : 1;
	return (int)cut - (int)bound->cut;
}

static void set(struct tarn_bound *bound, struct tarn_slice value)
{
	bound->cut = value.len > TARN_BOUND_SIZE;
	bound->len = bound->cut ? TARN_BOUND_SIZE : (uint8_t)value.len;
	if (bound->len)
		memcpy(bound->bytes, value.data, bound->len);
}

void tarn_bounds_add_bytes(struct tarn_bounds *bounds, struct tarn_slice value)
{
	if (!bounds->any || compare(value, &bounds->low) < 0)
		set(&bounds->low, value);
	if (!bounds->any || compare(value, &bounds->high) > 0)
		set(&bounds->high, value);
	bounds->any = true;
}

static int compare_bounds(const struct tarn_bound *a, const struct tarn_bound *b)
{
	int order = compare(tarn_slice_of(a->bytes, a->len), b);
	bool same = a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
	return same ? (int)a->cut - (int)b->cut : order;
}

void tarn_bounds_merge(struct tarn_bounds *bounds, const struct tarn_bounds *more)
{
	if (!more->any)
		return;
	if (!bounds->any) {
		*bounds = *more;
		return;
	}
	if (more->min < bounds->min)
		bounds->min = more->min;
	if (more->max > bounds->max)
		bounds->max = more->max;
	if (compare_bounds(&more->low, &bounds->low) < 0)
		bounds->low = more->low;
	if (compare_bounds(&more->high, &bounds->high) > 0)
		bounds->high = more->high;
}

int tarn_bounds_compare(const struct tarn_bounds *a, const struct tarn_bounds *b, const struct tarn_parquet_leaf *leaf,
			bool upper)
{
	if (tarn_bounds_in_bytes(leaf))
		return upper ? compare_bounds(&a->high, &b->high) : compare_bounds(&a->low, &b->low);
	int64_t left = upper ? a->max : a->min, right = upper ? b->max : b->min;
	return left < right ? -1 : left > right;
}

/* ---- UTF-8: cutting between characters, and the next larger text ---- */

/* Where the last character of text begins, and its code; false where it is not a whole, valid one. */
static bool last_character(const uint8_t *text, size_t len, size_t *start, uint32_t *code)
{
	size_t at = len;
	while (at && len - at < 4 && (text[at - 1] & 0xc0) == 0x80)
		at--;
	*start = at ? at - 1 : 0;
	if (!at)
		return false;
	uint8_t lead = text[--at];
	size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
	if (!size || size != len - at)
		return false;
	*code = size == 1 ? lead : lead & (0x7fU >> size);
	for (size_t i = 1; i < size; i++)
		*code = *code << 6 | (text[at + i] & 0x3f);
	return true;
}

static size_t put_character(uint8_t *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = size - 1; i > 0; i--, code >>= 6)
		out[i] = (uint8_t)(0x80 | (code & 0x3f));
	out[0] = (uint8_t)((0xf00U >> size) | code);
	return size;
}

static size_t trim_character(const uint8_t *text, size_t len)
{
	size_t start;
	uint32_t code;
	return len && !last_character(text, len, &start, &code) ? start : len;
}

/* The smallest text above every text that starts with the `len` bytes; 0 where there is none. */
static size_t round_text_up(uint8_t *text, size_t len)
{
	size_t start;
	uint32_t code;
	for (; len; len = start) {
		if (!last_character(text, len, &start, &code))
			return 0;
		if (code == 0x10ffff)
			continue;
		code = code == 0xd7ff ? 0xe000 : code + 1;
		return start + put_character(text + start, code);
	}
	return 0;
}

static size_t round_bytes_up(uint8_t *bytes, size_t len)
{
	while (len && bytes[len - 1] == 0xff)
		len--;
	if (len)
		bytes[len - 1]++;
	return len;
}

static int serialize_bytes(const struct tarn_bound *bound, bool text, bool upper, uint8_t *out, bool *exact)
{
	size_t len = bound->len;
	memcpy(out, bound->bytes, len);
	*exact = !bound->cut;
	if (!bound->cut)
		return (int)len;
	if (text)
		len = trim_character(out, len);
	if (!upper)
		return (int)len;
	len = text ? round_text_up(out, len) : round_bytes_up(out, len);
	return len ? (int)len : -1;
}

/* ---- numbers ---- */

static int put_le(uint8_t *out, int64_t value, int width)
{
	for (int i = 0; i < width; i++)
		out[i] = (uint8_t)((uint64_t)value >> (8 * i));
	return width;
}

static int serialize_floating(int64_t key, bool single, bool upper, enum tarn_bound_form form, uint8_t *out)
{
	double value = tarn_double_of_key(key);
	/* parquet-format: readers that do not tell the zeros apart must still find both. */
	if (form == TARN_BOUND_PARQUET && value == 0)
		value = upper ? 0.0 : -0.0;
	int64_t bits = 0;
	if (single) {
		float narrow = (float)value;
		memcpy(&bits, &narrow, sizeof(narrow));
		return put_le(out, bits, 4);
	}
	memcpy(&bits, &value, sizeof(value));
	return put_le(out, bits, 8);
}

/* Big-endian two's complement without the leading bytes that only repeat the sign. */
static int shortest(const uint8_t *big_endian, int len, uint8_t *out)
{
	int skip = 0;
	while (skip + 1 < len && ((big_endian[skip] == 0 && !(big_endian[skip + 1] & 0x80)) ||
				  (big_endian[skip] == 0xff && (big_endian[skip + 1] & 0x80))))
		skip++;
	memcpy(out, big_endian + skip, (size_t)(len - skip));
	return len - skip;
}

static int serialize_decimal(const struct tarn_bounds *bounds, const struct tarn_parquet_leaf *leaf, bool upper,
			     enum tarn_bound_form form, uint8_t *out)
{
	uint8_t bytes[16];
	int len = (int)leaf->width;
	if (leaf->physical != PARQUET_FIXED) {
		int64_t value = upper ? bounds->max : bounds->min;
		if (form == TARN_BOUND_PARQUET)
			return put_le(out, value, len);
		for (int i = 0; i < len; i++)
			bytes[i] = (uint8_t)((uint64_t)value >> (8 * (len - 1 - i)));
		return shortest(bytes, len, out);
	}
	memcpy(bytes, upper ? bounds->high.bytes : bounds->low.bytes, (size_t)len);
	bytes[0] ^= 0x80; /* as it was before it was made to order as unsigned */
	if (form == TARN_BOUND_ICEBERG)
		return shortest(bytes, len, out);
	memcpy(out, bytes, (size_t)len);
	return len;
}

int tarn_bounds_serialize(const struct tarn_bounds *bounds, const struct tarn_parquet_leaf *leaf, bool upper,
			  enum tarn_bound_form form, uint8_t out[TARN_BOUND_TEXT_SIZE], bool *exact)
{
	*exact = true;
	if (!bounds->any)
		return -1;
	int64_t key = upper ? bounds->max : bounds->min;
	switch (leaf->node->kind) {
	case TARN_TYPE_DECIMAL: return serialize_decimal(bounds, leaf, upper, form, out);
	case TARN_TYPE_FLOAT:
	case TARN_TYPE_DOUBLE: return serialize_floating(key, leaf->node->kind == TARN_TYPE_FLOAT, upper, form, out);
	case TARN_TYPE_BOOLEAN: return put_le(out, key, 1);
	default: break;
	}
	if (!tarn_bounds_in_bytes(leaf))
		return put_le(out, key, (int)leaf->width);
	return serialize_bytes(upper ? &bounds->high : &bounds->low, leaf->node->kind == TARN_TYPE_STRING, upper, out,
			       exact);
}
