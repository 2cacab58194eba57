#include "store/parquet/hybrid.h"

#include <stdlib.h>

void tarn_runs_release(struct tarn_runs *runs)
{
	free(runs->items);
	*runs = (struct tarn_runs){ 0 };
}

void tarn_runs_clear(struct tarn_runs *runs)
{
	runs->n = runs->total = runs->weight = 0;
}

void tarn_runs_add_cycle(struct tarn_runs *runs, uint32_t first, uint32_t period, size_t count)
{
	if (period == 1) {
		tarn_runs_add(runs, first, count);
		return;
	}
	if (!count)
		return;
	runs->weight += count;
	runs->total += count;
	struct tarn_run *last = runs->n ? &runs->items[runs->n - 1] : NULL;
	if (last && last->value == first && last->period == period && last->count % period == 0) {
		last->count += (uint32_t)count;
		return;
	}
	runs->items = tarn_grow(runs->items, &runs->cap, runs->n + 1, sizeof(*runs->items));
	runs->items[runs->n++] = (struct tarn_run){ first, period, (uint32_t)count };
}

/* Values wait in `eight` until they are a group; full groups wait, packed, until an RLE run or the end. */
struct hybrid {
	struct tarn_buf *out, *packed;
	unsigned width;
	unsigned waiting;
	uint32_t eight[8];
};

static void pack_group(struct hybrid *hybrid)
{
	uint8_t *at = tarn_buf_room(hybrid->packed, 40);
	if (!at)
		return;
	uint64_t bits = 0;
	unsigned held = 0, width = hybrid->width;
	for (unsigned i = 0; i < 8; i++) {
		bits |= (uint64_t)hybrid->eight[i] << held;
		held += width;
		if (held >= 32) {
			uint32_t word = (uint32_t)bits;
			memcpy(at, &word, 4);
			at += 4;
			bits >>= 32;
			held -= 32;
		}
	}
	memcpy(at, &bits, 4);
	hybrid->packed->len += width;
	hybrid->waiting = 0;
}

static void add_literal(struct hybrid *hybrid, uint32_t value)
{
	hybrid->eight[hybrid->waiting++] = value;
	if (hybrid->waiting == 8)
		pack_group(hybrid);
}

static void flush_literals(struct hybrid *hybrid)
{
	while (hybrid->waiting)
		add_literal(hybrid, 0);
	if (!hybrid->packed->len)
		return;
	tarn_buf_add_varint(hybrid->out, (uint64_t)(hybrid->packed->len / hybrid->width) << 1 | 1);
	tarn_buf_add_slice(hybrid->out, tarn_buf_slice(hybrid->packed));
	tarn_buf_clear(hybrid->packed);
}

static void add_run(struct hybrid *hybrid, uint32_t value, size_t count)
{
	/* Literals come in groups of eight, so a run first fills the open group. */
	while (hybrid->waiting && count) {
		add_literal(hybrid, value);
		count--;
	}
	if (count < TARN_RUN_MIN) {
		while (count--)
			add_literal(hybrid, value);
		return;
	}
	flush_literals(hybrid);
	tarn_buf_add_varint(hybrid->out, (uint64_t)count << 1);
	for (unsigned bit = 0; bit < hybrid->width; bit += 8)
		tarn_buf_add_byte(hybrid->out, (uint8_t)(value >> bit));
}

/* Appends the `size` packed bytes from `start` on `times` times more. */
static uint32_t repeat_pattern(struct hybrid *hybrid, size_t start, size_t size, uint32_t times)
{
	uint8_t *at = tarn_buf_room(hybrid->packed, size * times);
	for (uint32_t i = 0; at && i < times; i++)
		memcpy(at + i * size, hybrid->packed->data + start, size);
	hybrid->packed->len += at ? size * times : 0;
	return times;
}

static void add_cycle(struct hybrid *hybrid, const struct tarn_run *run)
{
	uint32_t value = run->value, end = run->value + run->period;
	size_t start = hybrid->packed->len, pattern = (size_t)run->period * hybrid->width;
	bool aligned = !hybrid->waiting;
	for (uint32_t i = 0; i < run->count; i++) {
		/* Eight periods are a whole number of bytes, and all that follows repeats them. */
		if (aligned && i == 8 * run->period) {
			i += repeat_pattern(hybrid, start, pattern, (run->count - i) / i) * i;
			if (i == run->count)
				return;
		}
		add_literal(hybrid, value);
		if (++value == end)
			value = run->value;
	}
}

void tarn_runs_encode(const struct tarn_runs *runs, unsigned width, struct tarn_buf *packed, struct tarn_buf *out)
{
	struct hybrid hybrid = { .out = out, .packed = packed, .width = width };
	tarn_buf_clear(packed);
	if (!width) { /* one possible value: a single run of no bytes */
		if (runs->total)
			tarn_buf_add_varint(out, (uint64_t)runs->total << 1);
		return;
	}
	for (size_t i = 0; i < runs->n; i++) {
		if (runs->items[i].period == 1)
			add_run(&hybrid, runs->items[i].value, runs->items[i].count);
		else
			add_cycle(&hybrid, &runs->items[i]);
	}
	flush_literals(&hybrid);
}

void tarn_runs_encode_bits(const struct tarn_runs *runs, struct tarn_buf *out)
{
	size_t bytes = (runs->total + 7) / 8;
	uint8_t *bits = tarn_buf_room(out, bytes);
	if (!bits)
		return;
	memset(bits, 0, bytes);
	size_t at = 0;
	for (size_t i = 0; i < runs->n; i++) {
		size_t end = at + runs->items[i].count;
		if (!runs->items[i].value) {
			at = end;
			continue;
		}
		while (at < end && at % 8)
			bits[at / 8] |= (uint8_t)(1U << at % 8), at++;
		memset(bits + at / 8, 0xff, (end - at) / 8);
		at += (end - at) / 8 * 8;
		while (at < end)
			bits[at / 8] |= (uint8_t)(1U << at % 8), at++;
	}
	out->len += bytes;
}
