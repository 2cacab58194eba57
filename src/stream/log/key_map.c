#include "stream/log/key_map.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { FIRST_SLOTS = 256 };

static struct key_slot *free_slots(size_t count)
{
	struct key_slot *slots = tarn_malloc(count * sizeof(*slots));
	for (size_t i = 0; i < count; i++)
		slots[i].offset = -1;
	return slots;
}

void key_map_init(struct key_map *map, size_t most_bytes)
{
	size_t slots = FIRST_SLOTS;
	while (2 * slots * sizeof(struct key_slot) <= most_bytes)
		slots *= 2;
	*map = (struct key_map){ .slots = free_slots(FIRST_SLOTS), .n_slots = FIRST_SLOTS, .most = slots };
}

void key_map_release(struct key_map *map)
{
	free(map->slots);
}

static struct key_slot *slot_of(const struct key_map *map, const uint64_t hash[2])
{
	for (size_t i = hash[0] & (map->n_slots - 1);; i = (i + 1) & (map->n_slots - 1)) {
		struct key_slot *slot = &map->slots[i];
		if (slot->offset < 0 || (slot->hash[0] == hash[0] && slot->hash[1] == hash[1]))
			return slot;
	}
}

static void hash_key(struct tarn_slice key, uint64_t hash[2])
{
	uint8_t digest[TARN_SHA256_SIZE];
	tarn_sha256(key, digest);
	memcpy(hash, digest, 16);
}

static void grow(struct key_map *map)
{
	struct key_map larger = { .n_slots = 2 * map->n_slots, .count = map->count, .most = map->most };
	larger.slots = free_slots(larger.n_slots);
	for (size_t i = 0; i < map->n_slots; i++)
		if (map->slots[i].offset >= 0)
			*slot_of(&larger, map->slots[i].hash) = map->slots[i];
	free(map->slots);
	*map = larger;
}

bool key_map_put(struct key_map *map, struct tarn_slice key, int64_t offset)
{
	uint64_t hash[2];
	hash_key(key, hash);
	struct key_slot *slot = slot_of(map, hash);
	if (slot->offset < 0 && 4 * (map->count + 1) > 3 * map->n_slots) {
		if (map->n_slots == map->most)
			return false;
		grow(map);
		slot = slot_of(map, hash);
	}
	map->count += slot->offset < 0;
	if (offset > slot->offset)
		*slot = (struct key_slot){ { hash[0], hash[1] }, offset };
	return true;
}

int64_t key_map_get(const struct key_map *map, struct tarn_slice key)
{
	uint64_t hash[2];
	hash_key(key, hash);
	return slot_of(map, hash)->offset;
}
