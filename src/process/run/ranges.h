/* Sets of offsets as sorted intervals [first, end) that neither overlap nor touch. */
#ifndef TARN_PROCESS_RUN_RANGES_H
#define TARN_PROCESS_RUN_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tarn_range {
	int64_t first, end;
};
struct tarn_ranges {
	struct tarn_range *items;
	size_t n, capacity;
};

void tarn_ranges_release(struct tarn_ranges *ranges);
/* Cheap where the new interval lies at the end, as it mostly does. */
void tarn_ranges_add(struct tarn_ranges *ranges, int64_t first, int64_t end);
bool tarn_ranges_contain(const struct tarn_ranges *ranges, int64_t offset);
/* Whether any offset of [first, end) is in the set. */
bool tarn_ranges_overlap(const struct tarn_ranges *ranges, int64_t first, int64_t end);

#endif
