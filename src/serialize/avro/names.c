#include "serialize/avro/names.h"

#include "base/hash.h"

enum { SEARCHED = 8 }; /* so many are compared one by one */
#define FREE UINT32_MAX

/* The slot of the name, or the free one where it belongs. At least half of them are free. */
static uint32_t *find_slot(const struct tarn_avro_names *names, const char *name)
{
	uint32_t mask = names->n_slots - 1, at = (uint32_t)tarn_hash64(tarn_slice_str(name)) & mask;
	while (names->slots[at] != FREE && strcmp(names->names[names->slots[at]], name))
		at = (at + 1) & mask;
	return &names->slots[at];
}

static void grow(struct tarn_avro_names *names, struct tarn_arena *arena)
{
	uint32_t capacity = names->capacity ? names->capacity * 2 : SEARCHED;
	const char **copy = tarn_arena_alloc(arena, capacity * sizeof(*copy));
	if (names->n)
		memcpy(copy, names->names, names->n * sizeof(*copy));
	names->names = copy;
	names->capacity = capacity;
	if (capacity == SEARCHED)
		return;
	names->n_slots = capacity * 2;
	names->slots = tarn_arena_alloc(arena, names->n_slots * sizeof(*names->slots));
	memset(names->slots, 0xff, names->n_slots * sizeof(*names->slots));
	for (uint32_t i = 0; i < names->n; i++)
		*find_slot(names, names->names[i]) = i;
}

void tarn_avro_names_add(struct tarn_avro_names *names, struct tarn_arena *arena, const char *name)
{
	if (names->n == names->capacity)
		grow(names, arena);
	if (names->n_slots)
		*find_slot(names, name) = names->n;
	names->names[names->n++] = name;
}

int32_t tarn_avro_names_find(const struct tarn_avro_names *names, const char *name)
{
	if (names->n_slots) {
		uint32_t position = *find_slot(names, name);
		return position == FREE ? -1 : (int32_t)position;
	}
	for (uint32_t i = 0; i < names->n; i++)
		if (!strcmp(names->names[i], name))
			return (int32_t)i;
	return -1;
}
