/* Small integers (levels, dictionary indices, booleans) as runs while a page fills, and their RLE / bit-packed hybrid
 * form (parquet-format, Encodings.md) once its bit width is known. */
#ifndef TARN_STORE_PARQUET_HYBRID_H
#define TARN_STORE_PARQUET_HYBRID_H

#include "base/alloc.h"
#include "base/buf.h"

/* `count` values: value, value + 1, ..., value + period - 1 over and over; a plain run has period 1. */
struct tarn_run {
	uint32_t value, period, count;
};

/* A repeated value is worth an RLE run from here on. */
enum { TARN_RUN_MIN = 8 };

struct tarn_runs {
	struct tarn_run *items;
	size_t n, cap;
	size_t total;
	/* About how many values a reader must look at one by one: the measure of when a page is full. It depends on the
	 * values alone, not on how they were batched. */
	size_t weight;
};

void tarn_runs_release(struct tarn_runs *runs);
void tarn_runs_clear(struct tarn_runs *runs);

/* How many of the newest value there are, if it is `value`. */
static inline size_t tarn_runs_tail(const struct tarn_runs *runs, uint32_t value)
{
	if (!runs->n)
		return 0;
	const struct tarn_run *last = &runs->items[runs->n - 1];
	return last->period == 1 && last->value == value ? last->count : 0;
}
/* What adding `count` to a tail of `tail` adds to the weight. */
static inline size_t tarn_runs_growth(size_t tail, size_t count)
{
	if (tail >= TARN_RUN_MIN)
		return 0;
	return count < TARN_RUN_MIN - tail ? count : TARN_RUN_MIN - tail;
}
static inline void tarn_runs_add(struct tarn_runs *runs, uint32_t value, size_t count)
{
	if (!count)
		return;
	size_t tail = tarn_runs_tail(runs, value);
	runs->weight += tarn_runs_growth(tail, count);
	runs->total += count;
	if (tail) {
		runs->items[runs->n - 1].count += (uint32_t)count;
		return;
	}
	runs->items = tarn_grow(runs->items, &runs->cap, runs->n + 1, sizeof(*runs->items));
	runs->items[runs->n++] = (struct tarn_run){ value, 1, (uint32_t)count };
}
void tarn_runs_add_cycle(struct tarn_runs *runs, uint32_t first, uint32_t period, size_t count);

/* Bits that hold 0 .. max. */
static inline unsigned tarn_bit_width(uint32_t max)
{
	return max ? 32 - (unsigned)__builtin_clz(max) : 0;
}
/* Appends the hybrid form. `packed` is working memory. */
void tarn_runs_encode(const struct tarn_runs *runs, unsigned width, struct tarn_buf *packed, struct tarn_buf *out);
/* Appends the values as bits, eight a byte, lowest first (PLAIN booleans). */
void tarn_runs_encode_bits(const struct tarn_runs *runs, struct tarn_buf *out);

#endif
