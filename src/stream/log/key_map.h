/* The newest offset of each key, for compaction. Keys are held as the first 16 bytes of their SHA-256, so that no two
 * share a place. */
#ifndef TARN_STREAM_LOG_KEY_MAP_H
#define TARN_STREAM_LOG_KEY_MAP_H

#include "base/buf.h"

struct key_slot {
	uint64_t hash[2];
	int64_t offset; /* -1: free */
};

struct key_map {
	struct key_slot *slots;
	size_t n_slots, count, most; /* slots are a power of two */
};

/* Takes at most so many bytes. */
void key_map_init(struct key_map *map, size_t most_bytes);
void key_map_release(struct key_map *map);
/* Later offsets replace earlier ones. False where there is no room for another key. */
bool key_map_put(struct key_map *map, struct tarn_slice key, int64_t offset);
/* -1: not there. */
int64_t key_map_get(const struct key_map *map, struct tarn_slice key);

#endif
