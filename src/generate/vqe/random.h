/* NumPy's default generator, bit for bit: SeedSequence and PCG-XSL-RR 128/64 (O'Neill, HMC-CS-2014-0905), so that a seed means the
 * same starting parameters here and there. */
#ifndef TARN_GENERATE_VQE_RANDOM_H
#define TARN_GENERATE_VQE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct tarn_random {
	__uint128_t state, increment;
};

void tarn_random_seed(struct tarn_random *random, uint64_t seed);
uint64_t tarn_random_next(struct tarn_random *random);
/* In [0, 1), 53 bits. */
double tarn_random_uniform(struct tarn_random *random);
/* 2 pi u for each value: the reference's `random` strategy. */
void tarn_random_angles(uint64_t seed, double *angles, size_t n);

/* Standard normal values by NumPy's 256-layer ziggurat (Marsaglia and Tsang, J. Stat. Softw. 5(8), 2000). The layers are computed, not
 * NumPy's printed constants: values agree to about 1e-15. */
double tarn_random_normal(struct tarn_random *random);

#endif
