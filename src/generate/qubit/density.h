/* States with noise: density matrices.
 *
 * The matrix of n qubits is kept as a state of 2n, rows in the lower half of the index's bits and columns in the upper
 * one; a gate U acts on the rows and its conjugate on the columns. Depolarizing noise with probability p on k qubits is
 * Qiskit's: the state becomes (1 - p) of itself and p of the state in which those qubits are fully mixed. Readout
 * errors flip each measured bit. */
#ifndef TARN_GENERATE_QUBIT_DENSITY_H
#define TARN_GENERATE_QUBIT_DENSITY_H

#include "generate/qubit/circuit_run.h"

struct tarn_noise {
	double one, two; /* depolarizing after each gate of one qubit and of two */
	double readout;	 /* probability that a measured bit is read wrongly */
};

/* The circuit on rows and columns, with the noise of its gates; run it with tarn_state_run. TARN_EUNSUPPORTED for gates
 * of more than two qubits where there is depolarizing noise. */
enum tarn_rc tarn_density_circuit(const struct tarn_circuit *circuit, const struct tarn_noise *noise,
				  struct tarn_circuit *doubled, struct tarn_err *err) TARN_MUST_CHECK;

/* tr(H rho) as it is measured: a term on w qubits is (1 - 2 readout)^w of what it is. Coefficients are real. */
double tarn_density_expect(const struct tarn_pauli_sum *sum, const struct tarn_state *density, double readout);

#endif
