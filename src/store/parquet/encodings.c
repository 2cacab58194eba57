#include "store/parquet/encodings.h"

#include <stdlib.h>

static const char early[] = "the values end early";
static const char too_large[] = "the values are larger than 4 GiB";

void tarn_values_init(struct tarn_values *values, enum parquet_physical physical, uint32_t width)
{
	*values = (struct tarn_values){ .physical = physical, .width = physical == PARQUET_BOOLEAN ? 1 : width };
	tarn_buf_init(&values->data, (size_t)4 << 30);
}

void tarn_values_release(struct tarn_values *values)
{
	tarn_buf_release(&values->data);
	free(values->ends);
	values->ends = NULL;
	values->cap_ends = values->n = 0;
}

static void add_bytes(struct tarn_values *values, struct tarn_slice bytes)
{
	tarn_buf_add_slice(&values->data, bytes);
	values->ends = tarn_grow(values->ends, &values->cap_ends, values->n + 1, sizeof(*values->ends));
	values->ends[values->n++] = (int64_t)values->data.len;
}

/* Room for n fixed-width values, or NULL. */
static uint8_t *fixed_room(struct tarn_values *values, size_t n)
{
	return n <= values->data.max / values->width ? tarn_buf_room(&values->data, n * values->width) : NULL;
}

static void fixed_done(struct tarn_values *values, size_t n)
{
	values->data.len += n * values->width;
	values->n += n;
}

/* ---- bits ---- */

/* `width` (up to 32) bits from bit `at` on. */
static inline uint32_t bits32(const uint8_t *bytes, size_t at, unsigned width)
{
	uint64_t word;
	memcpy(&word, bytes + at / 8, 8);
	return (uint32_t)(word >> (at % 8) & ((1ULL << width) - 1));
}

static inline uint64_t bits64(const uint8_t *bytes, size_t at, unsigned width)
{
	uint64_t word;
	memcpy(&word, bytes + at / 8, 8);
	word >>= at % 8;
	if (at % 8)
		word |= (uint64_t)bytes[at / 8 + 8] << (64 - at % 8);
	return width < 64 ? word & ((1ULL << width) - 1) : word;
}

bool tarn_decode_hybrid(struct tarn_slice in, unsigned width, size_t n, uint32_t *out)
{
	struct tarn_cursor cursor = tarn_cursor_of(in);
	size_t done = 0;
	if (width > 32)
		return false;
	while (done < n) {
		uint64_t head;
		struct tarn_slice bytes;
		if (!tarn_cursor_varint(&cursor, &head) || head < 2)
			return false;
		uint64_t count = head & 1 ? (head >> 1) * 8 : head >> 1;
		if (head >> 1 > UINT32_MAX)
			return false;
		size_t take = count < n - done ? (size_t)count : n - done;
		if (head & 1) {
			/* The last group may be cut off behind the values that are wanted. */
			size_t size = (size_t)(head >> 1) * width, needed = (take * width + 7) / 8;
			if (size > tarn_cursor_left(&cursor))
				size = tarn_cursor_left(&cursor);
			if (size < needed || !tarn_cursor_take(&cursor, size, &bytes))
				return false;
			for (size_t i = 0; i < take; i++)
				out[done + i] = bits32(bytes.data, i * width, width);
		} else {
			if (!tarn_cursor_take(&cursor, (width + 7) / 8, &bytes))
				return false;
			uint32_t value = bits32(bytes.data, 0, width);
			for (size_t i = 0; i < take; i++)
				out[done + i] = value;
		}
		done += take;
	}
	return true;
}

/* ---- PLAIN ---- */

static const char *plain_bytes(struct tarn_values *values, struct tarn_slice in, size_t n)
{
	struct tarn_cursor cursor = tarn_cursor_of(in);
	for (size_t i = 0; i < n; i++) {
		uint32_t len;
		struct tarn_slice bytes;
		if (!tarn_cursor_le32(&cursor, &len) || !tarn_cursor_take(&cursor, len, &bytes))
			return early;
		add_bytes(values, bytes);
	}
	return values->data.overflow ? too_large : NULL;
}

static const char *plain_bits(struct tarn_values *values, struct tarn_slice in, size_t n)
{
	if (in.len < (n + 7) / 8)
		return early;
	uint8_t *out = fixed_room(values, n);
	if (!out)
		return too_large;
	for (size_t i = 0; i < n; i++)
		out[i] = in.data[i / 8] >> i % 8 & 1;
	fixed_done(values, n);
	return NULL;
}

static const char *plain_fixed(struct tarn_values *values, struct tarn_slice in, size_t n)
{
	if (in.len / values->width < n)
		return early;
	uint8_t *out = fixed_room(values, n);
	if (!out)
		return too_large;
	memcpy(out, in.data, n * values->width);
	fixed_done(values, n);
	return NULL;
}

static const char *rle_bits(struct tarn_values *values, struct tarn_slice in, size_t n)
{
	struct tarn_cursor cursor = tarn_cursor_of(in);
	struct tarn_slice runs;
	uint32_t len;
	if (!tarn_cursor_le32(&cursor, &len) || !tarn_cursor_take(&cursor, len, &runs))
		return early;
	uint8_t *out = fixed_room(values, n);
	if (!out)
		return too_large;
	uint32_t *bits = tarn_malloc(n * sizeof(*bits));
	bool good = tarn_decode_hybrid(runs, 1, n, bits);
	for (size_t i = 0; good && i < n; i++)
		out[i] = (uint8_t)bits[i];
	free(bits);
	if (!good)
		return early;
	fixed_done(values, n);
	return NULL;
}

/* ---- DELTA_BINARY_PACKED ---- */

struct delta_head {
	uint64_t per_block, miniblocks, count;
	uint64_t value;
};

static bool read_delta_head(struct tarn_cursor *cursor, struct delta_head *head)
{
	uint64_t first;
	if (!tarn_cursor_varint(cursor, &head->per_block) || !tarn_cursor_varint(cursor, &head->miniblocks) ||
	    !tarn_cursor_varint(cursor, &head->count) || !tarn_cursor_varint(cursor, &first))
		return false;
	head->value = (uint64_t)tarn_unzigzag(first);
	return head->per_block && head->per_block <= 1 << 20 && head->miniblocks && head->miniblocks <= 1024 &&
	       head->per_block % head->miniblocks == 0 && head->per_block / head->miniblocks % 8 == 0;
}

static bool read_miniblock(struct tarn_cursor *cursor, unsigned width, size_t per, size_t take, uint64_t min_delta,
			   uint64_t *value, uint64_t *out)
{
	struct tarn_slice bytes;
	if (width > 64 || !tarn_cursor_take(cursor, per * width / 8, &bytes))
		return false;
	for (size_t i = 0; i < take; i++) {
		*value += min_delta + (width ? bits64(bytes.data, i * width, width) : 0);
		out[i] = *value;
	}
	return true;
}

static bool read_delta_block(struct tarn_cursor *cursor, const struct delta_head *head, uint64_t *value, size_t left,
			     uint64_t *out)
{
	uint64_t min_delta;
	struct tarn_slice widths;
	size_t per = (size_t)(head->per_block / head->miniblocks), done = 0;
	if (!tarn_cursor_varint(cursor, &min_delta) || !tarn_cursor_take(cursor, (size_t)head->miniblocks, &widths))
		return false;
	for (size_t i = 0; i < head->miniblocks && done < left; i++) {
		size_t take = left - done < per ? left - done : per;
		if (!read_miniblock(cursor, widths.data[i], per, take, (uint64_t)tarn_unzigzag(min_delta), value,
				    out + done))
			return false;
		done += take;
	}
	return true;
}

/* n numbers, modulo 2^64. The cursor ends behind them. */
static bool decode_delta(struct tarn_cursor *cursor, size_t n, uint64_t *out)
{
	struct delta_head head;
	if (!read_delta_head(cursor, &head) || head.count != n)
		return false;
	if (!n)
		return true;
	out[0] = head.value;
	for (size_t done = 1; done < n;) {
		size_t left = n - done < head.per_block ? n - done : (size_t)head.per_block;
		if (!read_delta_block(cursor, &head, &head.value, left, out + done))
			return false;
		done += left;
	}
	return true;
}

static const char *delta_numbers(struct tarn_values *values, struct tarn_slice in, size_t n)
{
	struct tarn_cursor cursor = tarn_cursor_of(in);
	uint8_t *out = fixed_room(values, n);
	if (!out)
		return too_large;
	uint64_t *numbers = tarn_malloc(n * sizeof(*numbers));
	bool good = decode_delta(&cursor, n, numbers);
	for (size_t i = 0; good && i < n; i++)
		memcpy(out + i * values->width, &numbers[i], values->width);
	free(numbers);
	if (!good)
		return "damaged deltas";
	fixed_done(values, n);
	return NULL;
}

/* ---- DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY ---- */

static const char *delta_lengths(struct tarn_values *values, struct tarn_slice in, size_t n)
{
	struct tarn_cursor cursor = tarn_cursor_of(in);
	uint64_t *lengths = tarn_malloc(n * sizeof(*lengths));
	struct tarn_slice bytes;
	bool good = decode_delta(&cursor, n, lengths);
	for (size_t i = 0; good && i < n; i++) {
		good = lengths[i] <= tarn_cursor_left(&cursor) && tarn_cursor_take(&cursor, (size_t)lengths[i], &bytes);
		if (good)
			add_bytes(values, bytes);
	}
	free(lengths);
	return !good ? early : values->data.overflow ? too_large : NULL;
}

/* Value i is the first prefixes[i] bytes of the one before, then a suffix. */
static bool add_prefixed(struct tarn_values *values, uint64_t prefix, struct tarn_slice suffix, size_t *start,
			 size_t *len)
{
	if (prefix > *len)
		return false;
	size_t old = *start, now = values->data.len;
	uint8_t *room = tarn_buf_room(&values->data, (size_t)prefix + suffix.len);
	if (!room)
		return false;
	if (prefix)
		memcpy(room, values->data.data + old, (size_t)prefix);
	if (suffix.len)
		memcpy(room + prefix, suffix.data, suffix.len);
	*start = now;
	*len = (size_t)prefix + suffix.len;
	values->data.len += *len;
	if (values->width)
		return *len == values->width && ++values->n;
	values->ends = tarn_grow(values->ends, &values->cap_ends, values->n + 1, sizeof(*values->ends));
	values->ends[values->n++] = (int64_t)values->data.len;
	return true;
}

static const char *delta_strings(struct tarn_values *values, struct tarn_slice in, size_t n)
{
	struct tarn_cursor cursor = tarn_cursor_of(in);
	uint64_t *prefixes = tarn_malloc(2 * n * sizeof(*prefixes)), *lengths = prefixes + n;
	bool good = decode_delta(&cursor, n, prefixes) && decode_delta(&cursor, n, lengths);
	size_t start = 0, len = 0;
	for (size_t i = 0; good && i < n; i++) {
		struct tarn_slice suffix;
		good = lengths[i] <= tarn_cursor_left(&cursor) &&
		       tarn_cursor_take(&cursor, (size_t)lengths[i], &suffix) &&
		       add_prefixed(values, prefixes[i], suffix, &start, &len);
	}
	free(prefixes);
	return good ? NULL : early;
}

/* ---- BYTE_STREAM_SPLIT ---- */

static const char *split_streams(struct tarn_values *values, struct tarn_slice in, size_t n)
{
	if (in.len / values->width < n)
		return early;
	uint8_t *out = fixed_room(values, n);
	if (!out)
		return too_large;
	for (size_t stream = 0; stream < values->width; stream++)
		for (size_t i = 0; i < n; i++)
			out[i * values->width + stream] = in.data[stream * n + i];
	fixed_done(values, n);
	return NULL;
}

const char *tarn_decode_values(struct tarn_values *values, enum parquet_encoding encoding, struct tarn_slice in,
			       size_t n)
{
	bool bytes = values->physical == PARQUET_BYTE_ARRAY;
	bool bits = values->physical == PARQUET_BOOLEAN;
	switch (encoding) {
	case PARQUET_PLAIN:
		return bytes  ? plain_bytes(values, in, n)
		       : bits ? plain_bits(values, in, n)
			      : plain_fixed(values, in, n);
	case PARQUET_RLE:
		if (bits)
			return rle_bits(values, in, n);
		break;
	case PARQUET_DELTA_BINARY_PACKED:
		if (values->physical == PARQUET_INT32 || values->physical == PARQUET_INT64)
			return delta_numbers(values, in, n);
		break;
	case PARQUET_DELTA_LENGTH_BYTE_ARRAY:
		if (bytes)
			return delta_lengths(values, in, n);
		break;
	case PARQUET_DELTA_BYTE_ARRAY:
		if (bytes || values->physical == PARQUET_FIXED)
			return delta_strings(values, in, n);
		break;
	case PARQUET_BYTE_STREAM_SPLIT:
		if (!bytes && !bits && values->physical != PARQUET_INT96)
			return split_streams(values, in, n);
		break;
	case PARQUET_PLAIN_DICTIONARY:
	case PARQUET_BIT_PACKED:
	case PARQUET_RLE_DICTIONARY: break;
	}
	return "the encoding does not fit the type";
}

/* ---- dictionaries ---- */

static const char *gather(struct tarn_values *values, const struct tarn_values *dictionary, const uint32_t *indexes,
			  size_t n)
{
	if (!values->width) {
		for (size_t i = 0; i < n; i++) {
			int64_t start = indexes[i] ? dictionary->ends[indexes[i] - 1] : 0;
			size_t len = (size_t)(dictionary->ends[indexes[i]] - start);
			add_bytes(values, tarn_slice_of(len ? dictionary->data.data + start : NULL, len));
		}
		return values->data.overflow ? too_large : NULL;
	}
	uint8_t *out = fixed_room(values, n);
	if (!out)
		return too_large;
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * values->width, dictionary->data.data + (size_t)indexes[i] * values->width,
		       values->width);
	fixed_done(values, n);
	return NULL;
}

const char *tarn_decode_dictionary(struct tarn_values *values, const struct tarn_values *dictionary,
				   struct tarn_slice in, size_t n)
{
	if (!n)
		return NULL;
	if (!in.len)
		return early;
	uint32_t *indexes = tarn_malloc(n * sizeof(*indexes));
	const char *wrong = NULL;
	if (!tarn_decode_hybrid(tarn_slice_of(in.data + 1, in.len - 1), in.data[0], n, indexes))
		wrong = early;
	for (size_t i = 0; !wrong && i < n; i++)
		if (indexes[i] >= dictionary->n)
			wrong = "a number is beyond the dictionary";
	if (!wrong)
		wrong = gather(values, dictionary, indexes, n);
	free(indexes);
	return wrong;
}
