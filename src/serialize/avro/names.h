/* Names with their positions: of fields, symbols, named types. Everything is in an arena; names are borrowed. */
#ifndef TARN_SERIALIZE_AVRO_NAMES_H
#define TARN_SERIALIZE_AVRO_NAMES_H

#include <stdint.h>

#include "base/alloc.h"

/* Empty when zeroed. */
struct tarn_avro_names {
	const char **names;
	uint32_t *slots; /* positions by hash, once there are many */
	uint32_t n, capacity, n_slots;
};

/* At position n. Not one that is there already. */
void tarn_avro_names_add(struct tarn_avro_names *names, struct tarn_arena *arena, const char *name);
/* -1: it is not there. */
int32_t tarn_avro_names_find(const struct tarn_avro_names *names, const char *name);

#endif
