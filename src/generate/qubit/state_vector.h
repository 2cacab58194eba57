/* State vectors: 2^n complex amplitudes, qubit 0 the lowest bit of the index; real and imaginary parts apart. */
#ifndef TARN_GENERATE_QUBIT_STATE_VECTOR_H
#define TARN_GENERATE_QUBIT_STATE_VECTOR_H

#include "generate/qubit/ansatz.h"

enum { TARN_STATE_MAX_QUBITS = 26 };

struct tarn_state {
	unsigned n_qubits;
	double *re, *im; /* 2^n_qubits each, but at least eight (the rest zero); 64-byte aligned, one allocation */
};

/* |0...0>. TARN_ELIMIT, naming the bytes wanted, above `max_bytes` (0: a quarter of the machine's memory). */
enum tarn_rc tarn_state_new(unsigned n_qubits, size_t max_bytes, struct tarn_state *state,
			    struct tarn_err *err) TARN_MUST_CHECK;
void tarn_state_release(struct tarn_state *state);
void tarn_state_reset(struct tarn_state *state, uint64_t basis_state);
void tarn_state_copy(struct tarn_state *to, const struct tarn_state *from);
/* Real part of <a|b>. */
double tarn_state_overlap_re(const struct tarn_state *a, const struct tarn_state *b);

/* Applies the gate, or its inverse, with the angle scale * parameters[parameter]. */
void tarn_state_apply(struct tarn_state *state, const struct tarn_gate *gate, const double *parameters, bool inverse);

#endif
