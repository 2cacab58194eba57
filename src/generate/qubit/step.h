/* What a gate does to amplitudes, once its angle is known. Steps of a circuit act on a whole state or on tiles of it
 * (circuit_run.h). */
#ifndef TARN_GENERATE_QUBIT_STEP_H
#define TARN_GENERATE_QUBIT_STEP_H

#include "generate/qubit/ansatz.h"

enum tarn_step_kind {
	TARN_STEP_ROTATE,     /* e^(-i t P / 2) = c - i s P, P |k> = i^|x & z| (-1)^|z & k| |k ^ x> */
	TARN_STEP_FLIP,	      /* X and CX: exchanges k and k ^ x where z & k == z */
	TARN_STEP_DEPOLARIZE, /* see density.h: z are the rows' bits, x those and the columns'; s is the probability */
};

struct tarn_step {
	enum tarn_step_kind kind;
	struct tarn_pauli pauli;
	double c, s;	  /* cos(t / 2), sin(t / 2) */
	unsigned ys;	  /* |x & z| mod 4 */
	uint64_t outer_z; /* bits of z that are the same for all amplitudes given */
};

/* Amplitudes 0 .. n - 1, n a power of two and at least TARN_LANES. */
struct tarn_amplitudes {
	double *re, *im;
	size_t n;
};

struct tarn_step tarn_step_of(const struct tarn_gate *gate, const double *parameters);
struct tarn_step tarn_step_inverse(struct tarn_step step);
/* The step on a tile whose amplitudes differ in the qubits of `tile`, which holds x: bit i of its masks is the i-th of
 * them. */
struct tarn_step tarn_step_in_tile(struct tarn_step step, uint64_t tile);
/* The bits of `value` at which `mask` is set, moved together; and moved apart again. */
uint64_t tarn_bits_gather(uint64_t value, uint64_t mask);
uint64_t tarn_bits_spread(uint64_t value, uint64_t mask);

/* `outer` is the index of the first amplitude in the state. */
void tarn_step_apply(const struct tarn_step *step, struct tarn_amplitudes amplitudes, uint64_t outer);
/* Im <left|P|right> of a rotation: the derivative of <left|right> along its angle, twice the real part, where both
 * stand after it. */
double tarn_step_element(const struct tarn_step *step, struct tarn_amplitudes left, struct tarn_amplitudes right,
			 uint64_t outer);

#endif
