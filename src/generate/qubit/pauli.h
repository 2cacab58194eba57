/* Pauli strings and weighted sums of them.
 *
 * Qubit 0 is the lowest bit of a mask and the rightmost character of a label. A string holds X where only x is set, Z where
 * only z is set, Y where both are, I elsewhere; it is the plain product of those letters, without a phase. */
#ifndef TARN_GENERATE_QUBIT_PAULI_H
#define TARN_GENERATE_QUBIT_PAULI_H

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { TARN_MAX_QUBITS = 64 };

struct tarn_pauli {
	uint64_t x, z;
};

/* a * b = i^phase * result; phase is 0 .. 3. */
struct tarn_pauli tarn_pauli_multiply(struct tarn_pauli a, struct tarn_pauli b, unsigned *phase);
/* Writes n_qubits letters, qubit n_qubits - 1 first; not terminated. */
void tarn_pauli_label(struct tarn_pauli pauli, unsigned n_qubits, char *label);
/* TARN_EINVALID where a character is none of I X Y Z, or there are more than 64. */
enum tarn_rc tarn_pauli_parse(const char *label, size_t len, struct tarn_pauli *pauli, struct tarn_err *err)
	TARN_MUST_CHECK;

/* Terms in the order in which they were first added. */
struct tarn_pauli_sum {
	unsigned n_qubits;
	size_t n, capacity;
	struct tarn_pauli *terms;
	double complex *coefficients;
};

void tarn_pauli_sum_init(struct tarn_pauli_sum *sum, unsigned n_qubits);
void tarn_pauli_sum_release(struct tarn_pauli_sum *sum);
void tarn_pauli_sum_clear(struct tarn_pauli_sum *sum);
/* Appends a term as it is, equal strings included. */
void tarn_pauli_sum_add(struct tarn_pauli_sum *sum, struct tarn_pauli term, double complex coefficient);
/* Equal strings merge at their first place; then terms of modulus <= tolerance are dropped. */
void tarn_pauli_sum_simplify(struct tarn_pauli_sum *sum, double tolerance);
/* product = left * right, the left factor in the outer loop, not simplified; product is cleared first and is neither factor. */
void tarn_pauli_sum_multiply(const struct tarn_pauli_sum *left, const struct tarn_pauli_sum *right,
			     struct tarn_pauli_sum *product);

#endif
