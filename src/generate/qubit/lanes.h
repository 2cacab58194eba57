/* Eight amplitudes at a time, the ones that differ in the three lowest qubits, as two vectors of four. */
#ifndef TARN_GENERATE_QUBIT_LANES_H
#define TARN_GENERATE_QUBIT_LANES_H

#include <stddef.h>
#include <stdint.h>

/* Lanes are passed by value between functions that are always inlined, so how a compiler passes them does not matter. */
#pragma GCC diagnostic ignored "-Wpsabi"

enum { TARN_LANES = 8 };

/* Sums are written down lane by lane, and no multiplication is contracted into an addition (no FMA in the clones), so
 * every clone gives the same bits. */
#if defined(__has_feature)
#define TARN_HAS_FEATURE(feature) __has_feature(feature)
#else
#define TARN_HAS_FEATURE(feature) 0
#endif
/* Not under the thread sanitizer: clones are chosen by a function that runs, instrumented, before the sanitizer has started. */
#if defined(__SANITIZE_THREAD__) || TARN_HAS_FEATURE(thread_sanitizer)
#define TARN_VECTORS
#else
#define TARN_VECTORS __attribute__((target_clones("default", "avx2")))
#endif
#define TARN_INLINE static inline __attribute__((always_inline))

typedef double tarn_v4 __attribute__((vector_size(32)));
/* The same in memory, where it need not be aligned. */
typedef double tarn_stored_v4 __attribute__((vector_size(32), aligned(8), may_alias));

struct tarn_lanes {
	tarn_v4 low, high;
};

TARN_INLINE struct tarn_lanes tarn_lanes_get(const double *from)
{
	return (struct tarn_lanes){ *(const tarn_stored_v4 *)from, *(const tarn_stored_v4 *)(from + 4) };
}

TARN_INLINE void tarn_lanes_put(struct tarn_lanes lanes, double *to)
{
	*(tarn_stored_v4 *)to = lanes.low;
	*(tarn_stored_v4 *)(to + 4) = lanes.high;
}

/* Lane l of the result is lane l ^ by of what lies at `from`. */
TARN_INLINE struct tarn_lanes tarn_lanes_get_turned(const double *from, unsigned by)
{
	struct tarn_lanes lanes = { *(const tarn_stored_v4 *)(from + (by & 4)),
				    *(const tarn_stored_v4 *)(from + (~by & 4)) };
	switch (by & 3) {
	case 1:
		lanes.low = __builtin_shufflevector(lanes.low, lanes.low, 1, 0, 3, 2);
		lanes.high = __builtin_shufflevector(lanes.high, lanes.high, 1, 0, 3, 2);
		break;
	case 2:
		lanes.low = __builtin_shufflevector(lanes.low, lanes.low, 2, 3, 0, 1);
		lanes.high = __builtin_shufflevector(lanes.high, lanes.high, 2, 3, 0, 1);
		break;
	case 3:
		lanes.low = __builtin_shufflevector(lanes.low, lanes.low, 3, 2, 1, 0);
		lanes.high = __builtin_shufflevector(lanes.high, lanes.high, 3, 2, 1, 0);
		break;
	default: break;
	}
	return lanes;
}

#endif
