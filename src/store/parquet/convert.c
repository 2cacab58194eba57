/* Stored values become those of the wanted type, with a place for each null. */
#include <stdlib.h>

#include "store/parquet/leaf_read.h"
#include "store/parquet/vector.h"

static bool is_time(enum tarn_type_kind kind)
{
	return kind == TARN_TYPE_TIMESTAMP || kind == TARN_TYPE_TIMESTAMPTZ;
}

static bool is_bytes(enum tarn_type_kind kind)
{
	return kind == TARN_TYPE_STRING || kind == TARN_TYPE_BINARY;
}

/* Iceberg's promotions (specification, schema evolution), and names for the same bytes. */
static bool may_become(const struct tarn_field *have, const struct tarn_field *wanted)
{
	if (wanted->kind == TARN_TYPE_DECIMAL)
		return have->kind == TARN_TYPE_DECIMAL && have->scale == wanted->scale &&
		       have->precision <= wanted->precision;
	if (wanted->kind == TARN_TYPE_FIXED || wanted->kind == TARN_TYPE_UUID)
		return (have->kind == TARN_TYPE_FIXED &&
			have->length == (wanted->kind == TARN_TYPE_UUID ? 16 : wanted->length)) ||
		       (have->kind == TARN_TYPE_UUID && (wanted->kind == TARN_TYPE_UUID || wanted->length == 16));
	return have->kind == wanted->kind || (have->kind == TARN_TYPE_INT && wanted->kind == TARN_TYPE_LONG) ||
	       (have->kind == TARN_TYPE_FLOAT && wanted->kind == TARN_TYPE_DOUBLE) ||
	       (is_time(have->kind) && is_time(wanted->kind)) || (is_bytes(have->kind) && is_bytes(wanted->kind));
}

/* Julian day and nanoseconds of the day, as Spark and Impala wrote timestamps. */
static int64_t micros_of_int96(const uint8_t *bytes)
{
	int64_t nanos;
	int32_t day;
	memcpy(&nanos, bytes, 8);
	memcpy(&day, bytes + 8, 4);
	return (int64_t)(((uint64_t)(int64_t)day - 2440588) * 86400000000ULL + (uint64_t)(nanos / 1000));
}

static int64_t load_integer(const struct tarn_footer_leaf *leaf, const uint8_t *at)
{
	int32_t narrow;
	int64_t value;
	if (leaf->leaf.physical == PARQUET_INT96)
		return micros_of_int96(at);
	if (leaf->leaf.physical == PARQUET_INT32) {
		memcpy(&narrow, at, 4);
		value = leaf->scale == TARN_SCALE_UNSIGNED ? (int64_t)(uint32_t)narrow : narrow;
	} else {
		memcpy(&value, at, 8);
	}
	if (leaf->scale == TARN_SCALE_MILLIS)
		return (int64_t)((uint64_t)value * 1000);
	if (leaf->scale == TARN_SCALE_NANOS)
		return value / 1000 - (value % 1000 < 0);
	return value;
}

static void convert_integer(const struct tarn_footer_leaf *leaf, const uint8_t *at, size_t width, uint8_t *out)
{
	int64_t value = load_integer(leaf, at);
	memcpy(out, &value, width);
}

static void convert_floating(const struct tarn_footer_leaf *leaf, const uint8_t *at, size_t width, uint8_t *out)
{
	float narrow;
	if (leaf->leaf.width == width) {
		memcpy(out, at, width);
		return;
	}
	memcpy(&narrow, at, 4);
	double wide = (double)narrow;
	memcpy(out, &wide, 8);
}

/* Big-endian two's complement of up to 16 bytes to (low, high). */
static void convert_decimal_bytes(struct tarn_slice bytes, uint8_t *out)
{
	uint64_t low = 0, high = 0;
	if (bytes.len && bytes.data[0] & 0x80)
		low = high = UINT64_MAX;
	for (size_t i = 0; i < bytes.len; i++) {
		high = high << 8 | low >> 56;
		low = low << 8 | bytes.data[i];
	}
	memcpy(out, &low, 8);
	memcpy(out + 8, &high, 8);
}

static void convert_decimal(const struct tarn_footer_leaf *leaf, const uint8_t *at, uint8_t *out)
{
	if (leaf->leaf.physical == PARQUET_FIXED) {
		convert_decimal_bytes(tarn_slice_of(at, leaf->leaf.width), out);
		return;
	}
	int64_t value = load_integer(leaf, at), high = value >> 63;
	memcpy(out, &value, 8);
	memcpy(out + 8, &high, 8);
}

static void convert_one(const struct tarn_footer_leaf *leaf, const uint8_t *at, enum tarn_type_kind kind, size_t width,
			uint8_t *out)
{
	switch (kind) {
	case TARN_TYPE_FLOAT:
	case TARN_TYPE_DOUBLE: convert_floating(leaf, at, width, out); return;
	case TARN_TYPE_DECIMAL: convert_decimal(leaf, at, out); return;
	case TARN_TYPE_BOOLEAN:
	case TARN_TYPE_UUID:
	case TARN_TYPE_FIXED: memcpy(out, at, width); return;
	default: convert_integer(leaf, at, width, out); return;
	}
}

static void fill_fixed(const struct tarn_footer_leaf *leaf, const struct tarn_values *values,
		       struct tarn_vector *vector)
{
	size_t width = tarn_vector_width(vector->field);
	const uint8_t *at = values->data.data;
	uint8_t *out = vector->values = tarn_calloc(vector->length, width);
	bool same = !vector->valid && width == values->width && leaf->scale == TARN_SCALE_NONE &&
		    vector->field->kind != TARN_TYPE_DECIMAL;
	if (same && values->n)
		memcpy(out, at, values->n * width);
	for (size_t i = 0; !same && i < vector->length; i++, out += width) {
		if (vector->valid && !vector->valid[i])
			continue;
		convert_one(leaf, at, vector->field->kind, width, out);
		at += values->width;
	}
}

static bool fill_decimals_of_bytes(const struct tarn_values *values, struct tarn_vector *vector)
{
	int64_t start = 0;
	size_t value = 0;
	uint8_t *out = vector->values = tarn_calloc(vector->length, 16);
	for (size_t i = 0; i < vector->length; i++) {
		if (vector->valid && !vector->valid[i])
			continue;
		size_t len = (size_t)(values->ends[value] - start);
		if (len > 16)
			return false;
		convert_decimal_bytes(tarn_slice_of(len ? values->data.data + start : NULL, len), out + 16 * i);
		start = values->ends[value++];
	}
	return true;
}

static void fill_bytes(const struct tarn_values *values, struct tarn_vector *vector)
{
	size_t value = 0;
	vector->data = tarn_malloc(values->data.len);
	if (values->data.len)
		memcpy(vector->data, values->data.data, values->data.len);
	vector->offsets = tarn_calloc(vector->length + 1, sizeof(*vector->offsets));
	for (size_t i = 0; i < vector->length; i++) {
		bool there = !vector->valid || vector->valid[i];
		vector->offsets[i + 1] = there ? values->ends[value++] : vector->offsets[i];
	}
}

static size_t count_valid(const struct tarn_vector *vector)
{
	size_t n = 0;
	if (!vector->valid)
		return vector->length;
	for (size_t i = 0; i < vector->length; i++)
		n += vector->valid[i];
	return n;
}

enum tarn_rc tarn_vector_convert(const struct tarn_footer_leaf *leaf, const struct tarn_values *values,
				 struct tarn_vector *vector, struct tarn_err *err)
{
	const struct tarn_field *have = leaf->leaf.node->field;
	if (!may_become(have, vector->field))
		return tarn_fail(err, TARN_EINVALID, "parquet column \"%s\": its type cannot become the table's",
				 have->name);
	if (count_valid(vector) != values->n)
		return tarn_fail(err, TARN_EINVALID, "parquet column \"%s\": levels and values do not match",
				 have->name);
	if (is_bytes(vector->field->kind))
		fill_bytes(values, vector);
	else if (values->physical != PARQUET_BYTE_ARRAY)
		fill_fixed(leaf, values, vector);
	else if (!fill_decimals_of_bytes(values, vector))
		return tarn_fail(err, TARN_EINVALID, "parquet column \"%s\": a decimal has more than 16 bytes",
				 have->name);
	return TARN_OK;
}
