#include "store/parquet/dictionary.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

struct tarn_dictionary_slot {
	uint32_t hash;
	uint32_t index_and_1; /* 0: free */
};

enum { FIRST_SLOTS = 16 };

void tarn_dictionary_init(struct tarn_dictionary *dictionary, bool prefixed)
{
	*dictionary = (struct tarn_dictionary){ .prefixed = prefixed };
	tarn_buf_init(&dictionary->plain, (size_t)INT32_MAX);
}

void tarn_dictionary_release(struct tarn_dictionary *dictionary)
{
	tarn_buf_release(&dictionary->plain);
	free(dictionary->ends);
	free(dictionary->slots);
	tarn_dictionary_init(dictionary, dictionary->prefixed);
}

struct tarn_slice tarn_dictionary_value(const struct tarn_dictionary *dictionary, uint32_t index)
{
	size_t start = index ? dictionary->ends[index - 1] : 0;
	start += dictionary->prefixed ? 4 : 0;
	return tarn_slice_of(dictionary->plain.data + start, dictionary->ends[index] - start);
}

static uint32_t hash_of(struct tarn_slice value)
{
	uint64_t number = 0;
	if (value.len > 8)
		return (uint32_t)tarn_hash64(value);
	if (value.len)
		memcpy(&number, value.data, value.len);
	return (uint32_t)((number + value.len) * 0x9e3779b97f4a7c15ULL >> 32);
}

uint32_t tarn_dictionary_find(const struct tarn_dictionary *dictionary, struct tarn_slice value, uint32_t *hash)
{
	*hash = hash_of(value);
	if (!dictionary->n_slots)
		return TARN_DICTIONARY_NONE;
	size_t mask = dictionary->n_slots - 1;
	for (size_t at = *hash & mask; dictionary->slots[at].index_and_1; at = (at + 1) & mask) {
		const struct tarn_dictionary_slot *slot = &dictionary->slots[at];
		if (slot->hash == *hash &&
		    tarn_slice_eq(tarn_dictionary_value(dictionary, slot->index_and_1 - 1), value))
			return slot->index_and_1 - 1;
	}
	return TARN_DICTIONARY_NONE;
}

static void place(struct tarn_dictionary *dictionary, struct tarn_dictionary_slot slot)
{
	size_t mask = dictionary->n_slots - 1, at = slot.hash & mask;
	while (dictionary->slots[at].index_and_1)
		at = (at + 1) & mask;
	dictionary->slots[at] = slot;
}

static void grow(struct tarn_dictionary *dictionary)
{
	struct tarn_dictionary_slot *old = dictionary->slots;
	size_t n = dictionary->n_slots;
	dictionary->n_slots = n ? n * 2 : FIRST_SLOTS;
	dictionary->slots = tarn_calloc(dictionary->n_slots, sizeof(*dictionary->slots));
	for (size_t i = 0; i < n; i++)
		if (old[i].index_and_1)
			place(dictionary, old[i]);
	free(old);
}

uint32_t tarn_dictionary_add(struct tarn_dictionary *dictionary, struct tarn_slice value, uint32_t hash)
{
	if (2 * (dictionary->n + 1) > dictionary->n_slots)
		grow(dictionary);
	uint32_t index = (uint32_t)dictionary->n;
	place(dictionary, (struct tarn_dictionary_slot){ hash, index + 1 });
	if (dictionary->prefixed)
		tarn_buf_add_le32(&dictionary->plain, (uint32_t)value.len);
	tarn_buf_add_slice(&dictionary->plain, value);
	dictionary->ends = tarn_grow(dictionary->ends, &dictionary->cap, dictionary->n + 1, sizeof(*dictionary->ends));
	dictionary->ends[dictionary->n++] = (uint32_t)dictionary->plain.len;
	return index;
}
