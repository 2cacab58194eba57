/* The distinct values of a column chunk, numbered in order of arrival. Their bytes are kept as the dictionary page
 * wants them: PLAIN. */
#ifndef TARN_STORE_PARQUET_DICTIONARY_H
#define TARN_STORE_PARQUET_DICTIONARY_H

#include "base/buf.h"

struct tarn_dictionary {
	struct tarn_buf plain;
	bool prefixed;	/* each value has its length before it (BYTE_ARRAY) */
	uint32_t *ends; /* of each value, in `plain` */
	size_t n, cap;
	struct tarn_dictionary_slot *slots;
	size_t n_slots; /* a power of two, or 0 */
};

#define TARN_DICTIONARY_NONE UINT32_MAX

void tarn_dictionary_init(struct tarn_dictionary *dictionary, bool prefixed);
void tarn_dictionary_release(struct tarn_dictionary *dictionary);
struct tarn_slice tarn_dictionary_value(const struct tarn_dictionary *dictionary, uint32_t index);
/* The value's number, or TARN_DICTIONARY_NONE; *hash is for an add that follows. */
uint32_t tarn_dictionary_find(const struct tarn_dictionary *dictionary, struct tarn_slice value, uint32_t *hash);
/* Adds a value that find did not find. The values must stay below 2 GiB in total. */
uint32_t tarn_dictionary_add(struct tarn_dictionary *dictionary, struct tarn_slice value, uint32_t hash);

#endif
