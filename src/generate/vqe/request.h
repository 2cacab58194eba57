/* What is asked of a simulation, option by option, in the words that people type on a command line and in a sweep. */
#ifndef TARN_GENERATE_VQE_REQUEST_H
#define TARN_GENERATE_VQE_REQUEST_H

#include "generate/vqe/simulation.h"

/* The defaults: sto3g, all orbitals, Jordan-Wigner, EfficientSU2 with 2 repetitions, random start, L-BFGS-B with adjoint gradients, at most
 * 100 evaluations, exact energies, no seed. */
void tarn_request_init(struct tarn_simulation_request *request);
/* Sets one option by its name ("max-iterations", also "max_iterations"). A text becomes part of the request where it is one (basis) and must
 * outlive it. TARN_ENOTFOUND where no option has the name; TARN_EINVALID says what was expected of the value. */
enum tarn_rc tarn_request_set(struct tarn_simulation_request *request, const char *option, const char *value,
			      struct tarn_err *err) TARN_MUST_CHECK;
/* Options that do not go together: TARN_EINVALID. Call it once all are set. */
enum tarn_rc tarn_request_check(const struct tarn_simulation_request *request, struct tarn_err *err) TARN_MUST_CHECK;
/* Appends "option=value" lines, one an option, in a fixed order: equal requests, equal texts. The molecule is not among them. */
void tarn_request_describe(const struct tarn_simulation_request *request, struct tarn_buf *out);

#endif
