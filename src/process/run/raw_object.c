#include "process/run/raw_object.h"

#include <stdlib.h>

#include "base/alloc.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

const char *tarn_raw_object_name(const char *key)
{
	const char *slash = strrchr(key, '/');

	return slash ? slash + 1 : key;
}

static bool ends_with(struct tarn_slice text, const char *suffix)
{
	size_t len = strlen(suffix);

	return text.len > len && !memcmp(text.data + text.len - len, suffix, len);
}

/* Decimal digits and nothing else, up to `max`. */
static bool parse_number(const char *text, size_t len, uint64_t max, uint64_t *value)
{
	uint64_t number = 0;

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)text[i] - '0';

		if (digit > 9 || number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*value = number;
	return true;
}

static const char *find_last(const char *text, size_t len, char wanted)
{
	return len ? memrchr(text, wanted, len) : NULL;
}

static bool parse_offset_name(const char *stem, size_t len, struct tarn_raw_object *object)
{
	const char *second = find_last(stem, len, '+');
	const char *first = second ? find_last(stem, (size_t)(second - stem), '+') : NULL;
	uint64_t partition, offset;

	if (!first || first == stem || !parse_number(first + 1, (size_t)(second - first - 1), INT32_MAX, &partition) ||
	    !parse_number(second + 1, (size_t)(stem + len - second - 1), INT64_MAX / 2, &offset))
		return false;
	object->naming = TARN_RAW_OFFSET;
	object->topic = tarn_slice_of(stem, (size_t)(first - stem));
	object->partition = (int32_t)partition;
	object->offset = (int64_t)offset;
	return true;
}

static bool parse_counter_name(const char *stem, size_t len, struct tarn_raw_object *object)
{
	const char *dash = memchr(stem, '-', len);

	if (!dash || !parse_number(stem, (size_t)(dash - stem), UINT64_MAX, &object->counter) ||
	    !parse_number(dash + 1, (size_t)(stem + len - dash - 1), UINT64_MAX, &object->nanos))
		return false;
	object->naming = TARN_RAW_COUNTER;
	return true;
}

/* The nearest folder whose name is no `x=y`, or the stem. */
static struct tarn_slice topic_of_folders(const char *key, const char *name, size_t stem_len)
{
	const char *end = name;

	while (end > key) {
		const char *slash = find_last(key, (size_t)(end - key - 1), '/');
		const char *folder = slash ? slash + 1 : key;
		size_t len = (size_t)(end - 1 - folder);

		if (!memchr(folder, '=', len))
			return tarn_slice_of(folder, len);
		end = folder;
	}
	return tarn_slice_of(name, stem_len);
}

bool tarn_raw_object_parse(const char *key, struct tarn_raw_object *object)
{
	const char *name = tarn_raw_object_name(key);
	struct tarn_slice text = tarn_slice_str(name), stem;
	struct tarn_raw_object found = { .key = key };

	if (*name == '.' || *name == '_')
		return false;
	found.is_json = ends_with(text, ".json");
	if (!found.is_json && !ends_with(text, ".avro"))
		return false;
	stem = tarn_slice_of(name, text.len - strlen(".avro"));
	if (ends_with(stem, ".keys") || ends_with(stem, ".headers"))
		return false;
	if (!parse_offset_name(name, stem.len, &found)) {
		found.topic = topic_of_folders(key, name, stem.len);
		if (!found.is_json || !parse_counter_name(name, stem.len, &found))
			found.naming = TARN_RAW_OTHER;
	}
	*object = found;
	return true;
}

static int compare_slices(struct tarn_slice a, struct tarn_slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len ? memcmp(a.data, b.data, len) : 0;

	return order ? order : COMPARE(a.len, b.len);
}

int tarn_raw_object_compare(const void *left, const void *right)
{
	const struct tarn_raw_object *a = left, *b = right;
	int order = compare_slices(a->topic, b->topic);

	if (!order)
		order = COMPARE(a->naming, b->naming);
	if (!order && a->naming == TARN_RAW_OFFSET)
		order = a->partition != b->partition ? COMPARE(a->partition, b->partition)
						     : COMPARE(a->offset, b->offset);
	if (!order && a->naming == TARN_RAW_COUNTER)
		order = a->counter != b->counter ? COMPARE(a->counter, b->counter) : COMPARE(a->nanos, b->nanos);
	return order ? order : strcmp(a->key, b->key);
}

/* ---- offsets with gaps ---- */

static bool take_offset(struct tarn_slice *text, int64_t *offset)
{
	size_t len = 0;
	uint64_t number;

	while (len < text->len && text->data[len] >= '0' && text->data[len] <= '9')
		len++;
	if (!parse_number((const char *)text->data, len, INT64_MAX / 2, &number))
		return false;
	*offset = (int64_t)number;
	*text = tarn_slice_of(text->data + len, text->len - len);
	return true;
}

static bool take_byte(struct tarn_slice *text, uint8_t byte)
{
	if (!text->len || *text->data != byte)
		return false;
	*text = tarn_slice_of(text->data + 1, text->len - 1);
	return true;
}

void tarn_raw_offsets_read(struct tarn_slice text, struct tarn_raw_offsets *offsets)
{
	size_t capacity = 0;
	int64_t record = 0;
	bool good = true;

	*offsets = (struct tarn_raw_offsets){ 0 };
	while (good) {
		struct tarn_raw_range range = { .record = record };

		good = take_offset(&text, &range.first);
		range.last = range.first;
		if (good && take_byte(&text, '-'))
			good = take_offset(&text, &range.last) && range.last >= range.first;
		if (good && offsets->n && range.first <= offsets->ranges[offsets->n - 1].last)
			good = false;
		if (!good)
			break;
		offsets->ranges = tarn_grow(offsets->ranges, &capacity, offsets->n + 1, sizeof(*offsets->ranges));
		offsets->ranges[offsets->n++] = range;
		record += range.last - range.first + 1;
		if (!text.len)
			return;
		good = take_byte(&text, ',');
	}
	free(offsets->ranges);
	*offsets = (struct tarn_raw_offsets){ 0 };
}

int64_t tarn_raw_offset_of(const struct tarn_raw_object *object, const struct tarn_raw_offsets *offsets, int64_t record)
{
	size_t low = 0, high = offsets->n; /* the first range behind the record */

	if (record < 0)
		return -1;
	if (!offsets->n)
		return object->offset + record;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (offsets->ranges[middle].record <= record)
			low = middle + 1;
		else
			high = middle;
	}
	const struct tarn_raw_range *range = &offsets->ranges[low - 1];
	int64_t offset = range->first + (record - range->record);

	return offset > range->last ? -1 : offset;
}
