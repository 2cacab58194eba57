#include "process/run/seen.h"

#include <stdlib.h>

#include "base/alloc.h"

void tarn_seen_release(struct tarn_seen *seen)
{
	free(seen->items);
	free(seen->slots);
	*seen = (struct tarn_seen){ 0 };
}

/* The ids are digests: their first bytes are as good as any hash. */
static size_t first_slot(const struct tarn_seen *seen, const uint8_t *id)
{
	uint64_t hash;

	memcpy(&hash, id, sizeof(hash));
	return hash & (seen->n_slots - 1);
}

/* The slot that holds the id, or the free one where it belongs. */
static size_t find_slot(const struct tarn_seen *seen, const uint8_t *id)
{
	size_t slot = first_slot(seen, id);

	while (seen->slots[slot] && memcmp(seen->items[seen->slots[slot] - 1].id, id, TARN_SHA256_SIZE))
		slot = (slot + 1) & (seen->n_slots - 1);
	return slot;
}

const struct tarn_ledger_experiment *tarn_seen_find(const struct tarn_seen *seen, const uint8_t id[TARN_SHA256_SIZE])
{
	uint32_t index = seen->n_slots ? seen->slots[find_slot(seen, id)] : 0;

	return index ? &seen->items[index - 1] : NULL;
}

static void grow_slots(struct tarn_seen *seen)
{
	free(seen->slots);
	seen->n_slots = seen->n_slots ? seen->n_slots * 2 : 256;
	seen->slots = tarn_calloc(seen->n_slots, sizeof(*seen->slots));
	for (size_t i = 0; i < seen->n; i++)
		seen->slots[find_slot(seen, seen->items[i].id)] = (uint32_t)i + 1;
}

void tarn_seen_add(struct tarn_seen *seen, const struct tarn_ledger_experiment *experiment)
{
	if (seen->n * 2 >= seen->n_slots)
		grow_slots(seen);
	seen->items = tarn_grow(seen->items, &seen->capacity, seen->n + 1, sizeof(*seen->items));
	seen->items[seen->n++] = *experiment;
	seen->slots[find_slot(seen, experiment->id)] = (uint32_t)seen->n;
}
