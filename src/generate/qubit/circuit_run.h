/* Circuits on state vectors, forwards and back.
 *
 * Gates on different qubits change places, so that a long stretch of the circuit touches ten qubits only: for it the
 * state falls into tiles that fit the processor's first cache, and each goes through the whole stretch at once. */
#ifndef TARN_GENERATE_QUBIT_CIRCUIT_RUN_H
#define TARN_GENERATE_QUBIT_CIRCUIT_RUN_H

#include "generate/qubit/state_vector.h"

/* Resets to |0...0> and runs the circuit. */
void tarn_state_run(struct tarn_state *state, const struct tarn_circuit *circuit, const double *parameters);

/* Takes both states back through the circuit and leaves in gradient (circuit->n_parameters entries) what Re <bra|ket>,
 * the bra held constant, gains from each parameter, twice. With bra = H |ket> that is the gradient of <H> (adjoint
 * differentiation: Jones and Gacon, arXiv:2009.02823). */
void tarn_state_run_back(struct tarn_state *bra, struct tarn_state *ket, const struct tarn_circuit *circuit,
			 const double *parameters, double *gradient);

#endif
