/* Expectation values of a Pauli sum with real coefficients, and analytic gradients of them.
 *
 * Terms with equal X parts share one pass over the amplitudes, and only over those at which they do not cancel. Results
 * are the same, bit for bit, for any number of threads. */
#ifndef TARN_GENERATE_QUBIT_OBSERVABLE_H
#define TARN_GENERATE_QUBIT_OBSERVABLE_H

#include "generate/qubit/circuit_run.h"

struct tarn_observable;

/* Imaginary parts of the coefficients must be zero (TARN_EINVALID: the sum is not Hermitian). */
enum tarn_rc tarn_observable_new(const struct tarn_pauli_sum *sum, struct tarn_observable **observable,
				 struct tarn_err *err) TARN_MUST_CHECK;
void tarn_observable_free(struct tarn_observable *observable);
/* <state|H|state>; the state is normalized. */
double tarn_observable_expect(const struct tarn_observable *observable, const struct tarn_state *state);
/* out = H |state> */
void tarn_observable_apply(const struct tarn_observable *observable, const struct tarn_state *state,
			   struct tarn_state *out);

/* Energy and its gradient by adjoint differentiation (Jones and Gacon, arXiv:2009.02823): one run forward, one back,
 * whatever the number of parameters. `work` is a second and third state of the same size. gradient has
 * circuit->n_parameters entries. */
double tarn_observable_gradient(const struct tarn_observable *observable, const struct tarn_circuit *circuit,
				const double *parameters, struct tarn_state *state, struct tarn_state work[2],
				double *gradient);

#endif
