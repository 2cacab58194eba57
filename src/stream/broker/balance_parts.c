#include "stream/broker/balance_parts.h"

#include <stdlib.h>

#include "base/alloc.h"

int tarn_part_compare(const struct tarn_part *a, const struct tarn_part *b)
{
	const int order = memcmp(&a->topic, &b->topic, sizeof(a->topic));
	return order ? order : (a->partition > b->partition) - (a->partition < b->partition);
}

static int compare(const void *a, const void *b)
{
	return tarn_part_compare(a, b);
}

void tarn_parts_release(struct tarn_parts *parts)
{
	free(parts->items);
	*parts = (struct tarn_parts){ 0 };
}

void tarn_parts_push(struct tarn_parts *parts, struct tarn_part part)
{
	if (parts->n == parts->cap)
		parts->items = tarn_grow(parts->items, &parts->cap, parts->n + 1, sizeof(*parts->items));
	parts->items[parts->n++] = part;
}

void tarn_parts_sort(struct tarn_parts *parts)
{
	size_t n = 0;
	if (parts->n)
		qsort(parts->items, parts->n, sizeof(*parts->items), compare);
	for (size_t i = 0; i < parts->n; i++)
		if (!n || tarn_part_compare(&parts->items[n - 1], &parts->items[i]) != 0)
			parts->items[n++] = parts->items[i];
	parts->n = n;
}

bool tarn_parts_has(const struct tarn_parts *parts, const struct tarn_part *part)
{
	return parts->n && bsearch(part, parts->items, parts->n, sizeof(*part), compare);
}

bool tarn_parts_equal(const struct tarn_parts *a, const struct tarn_parts *b)
{
	return a->n == b->n && tarn_parts_within(a, b);
}

bool tarn_parts_within(const struct tarn_parts *inner, const struct tarn_parts *outer)
{
	for (size_t i = 0; i < inner->n; i++)
		if (!tarn_parts_has(outer, &inner->items[i]))
			return false;
	return true;
}

bool tarn_parts_meet(const struct tarn_parts *a, const struct tarn_parts *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (tarn_parts_has(b, &a->items[i]))
			return true;
	return false;
}

void tarn_parts_select(const struct tarn_parts *a, const struct tarn_parts *b, bool in_b, struct tarn_parts *out)
{
	*out = (struct tarn_parts){ 0 };
	for (size_t i = 0; i < a->n; i++)
		if (tarn_parts_has(b, &a->items[i]) == in_b)
			tarn_parts_push(out, a->items[i]);
}

void tarn_parts_copy(struct tarn_parts *to, const struct tarn_parts *from)
{
	to->n = 0;
	for (size_t i = 0; i < from->n; i++)
		tarn_parts_push(to, from->items[i]);
}

void tarn_parts_move(struct tarn_parts *to, struct tarn_parts *from)
{
	tarn_parts_release(to);
	*to = *from;
	*from = (struct tarn_parts){ 0 };
}

void tarn_parts_read(const struct tarn_balance_topic_partitions *topics, size_t n, struct tarn_parts *parts)
{
	parts->n = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < topics[i].n_partitions; j++)
			tarn_parts_push(parts, (struct tarn_part){ topics[i].topic_id, topics[i].partitions[j] });
	tarn_parts_sort(parts);
}

struct tarn_balance_topic_partitions *tarn_parts_write(const struct tarn_parts *parts, struct tarn_arena *arena,
						       size_t *n)
{
	struct tarn_balance_topic_partitions *topics = tarn_message_new(arena, balance_topic_partitions, parts->n);
	int32_t *numbers = tarn_arena_alloc(arena, (parts->n + 1) * sizeof(*numbers));
	*n = 0;
	for (size_t i = 0; i < parts->n; i++) {
		const struct tarn_part *part = &parts->items[i];
		numbers[i] = part->partition;
		if (!i || memcmp(&part[-1].topic, &part->topic, sizeof(part->topic)) != 0)
			topics[(*n)++] = (struct tarn_balance_topic_partitions){ part->topic, numbers + i, 0 };
		topics[*n - 1].n_partitions++;
	}
	return topics;
}
