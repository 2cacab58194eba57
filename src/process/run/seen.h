/* The experiments that a run has met so far, by id. Used by one thread at a time. */
#ifndef TARN_PROCESS_RUN_SEEN_H
#define TARN_PROCESS_RUN_SEEN_H

#include "process/run/ledger.h"

struct tarn_seen {
	struct tarn_ledger_experiment *items; /* in the order in which they came */
	size_t n, capacity;
	uint32_t *slots; /* index + 1 of an item, 0: free */
	size_t n_slots;	 /* a power of two */
};

void tarn_seen_release(struct tarn_seen *seen);
/* NULL where the id is new. */
const struct tarn_ledger_experiment *tarn_seen_find(const struct tarn_seen *seen, const uint8_t id[TARN_SHA256_SIZE]);
/* The id must be new; `object` inside the item is borrowed. */
void tarn_seen_add(struct tarn_seen *seen, const struct tarn_ledger_experiment *experiment);

#endif
