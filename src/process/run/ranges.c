#include "process/run/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void tarn_ranges_release(struct tarn_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct tarn_ranges){ 0 };
}

/* Index of the first interval that ends at or behind `offset`. */
static size_t find(const struct tarn_ranges *ranges, int64_t offset)
{
	size_t low = 0, high = ranges->n;

	if (ranges->n && ranges->items[ranges->n - 1].end < offset)
		return ranges->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].end < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void tarn_ranges_add(struct tarn_ranges *ranges, int64_t first, int64_t end)
{
	size_t from = find(ranges, first), to = from;

	if (first >= end)
		return;
	while (to < ranges->n && ranges->items[to].first <= end) {
		if (ranges->items[to].first < first)
			first = ranges->items[to].first;
		if (ranges->items[to].end > end)
			end = ranges->items[to].end;
		to++;
	}
	if (from == to) {
		ranges->items = tarn_grow(ranges->items, &ranges->capacity, ranges->n + 1, sizeof(*ranges->items));
		memmove(ranges->items + from + 1, ranges->items + from, (ranges->n - from) * sizeof(*ranges->items));
		ranges->n++;
	} else {
		memmove(ranges->items + from + 1, ranges->items + to, (ranges->n - to) * sizeof(*ranges->items));
		ranges->n -= to - from - 1;
	}
	ranges->items[from] = (struct tarn_range){ first, end };
}

bool tarn_ranges_overlap(const struct tarn_ranges *ranges, int64_t first, int64_t end)
{
	size_t at = find(ranges, first + 1);

	return first < end && at < ranges->n && ranges->items[at].first < end;
}

bool tarn_ranges_contain(const struct tarn_ranges *ranges, int64_t offset)
{
	return tarn_ranges_overlap(ranges, offset, offset + 1);
}
