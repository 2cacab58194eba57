/* Minimizers under SciPy's names, with the reference's limits and tolerances.
 *
 *   SLSQP, Nelder-Mead, TNC, BFGS, Powell   NLopt: SLSQP, NELDERMEAD, TNEWTON_PRECOND_RESTART, VAR2, PRAXIS
 *   L-BFGS-B            written here: L-BFGS, ten steps remembered; angles have no bounds
 *   COBYLA              written here, as there are no constraints: cobyla.c
 *   CG                  written here: Polak and Ribiere with restarts, a strong Wolfe line search
 *   SPSA                written here: Spall, IEEE Trans. Autom. Control 37, 332 (1992), with his standard gains
 *   Adam                written here: Kingma and Ba, arXiv:1412.6980 */
#ifndef TARN_GENERATE_VQE_OPTIMIZER_H
#define TARN_GENERATE_VQE_OPTIMIZER_H

#include "base/err.h"

#include <stddef.h>

enum tarn_optimizer {
	TARN_LBFGSB,
	TARN_COBYLA,
	TARN_SLSQP,
	TARN_NELDER_MEAD,
	TARN_POWELL,
	TARN_BFGS,
	TARN_CG,
	TARN_TNC,
	TARN_SPSA,
	TARN_ADAM,
	TARN_N_OPTIMIZERS,
};

bool tarn_optimizer_by_name(const char *name, enum tarn_optimizer *optimizer);
const char *tarn_optimizer_name(enum tarn_optimizer optimizer);
bool tarn_optimizer_uses_gradient(enum tarn_optimizer optimizer);

/* The value at x; with gradient != NULL, also the gradient. *stop set to true ends the run: the value is not used then.
 */
typedef double (*tarn_objective)(void *context, const double *x, double *gradient, bool *stop);

struct tarn_optimizer_options {
	int max_iterations;	 /* N, 0: none */
	double threshold;	 /* t, 0: none; excludes N */
	bool finite_differences; /* gradients from values: one evaluation a parameter, steps as SciPy's */
	uint64_t seed;		 /* SPSA */
};

enum tarn_outcome_kind { TARN_OUTCOME_CONVERGED, TARN_OUTCOME_LIMIT, TARN_OUTCOME_STOPPED };
struct tarn_outcome {
	enum tarn_outcome_kind kind;
	int evaluations, iterations; /* iterations -1: the method has none */
};

/* Minimizes from x, which gets the best point that the method knows. TARN_EINVALID where the method itself fails. */
enum tarn_rc tarn_optimize(enum tarn_optimizer optimizer, const struct tarn_optimizer_options *options,
			   tarn_objective objective, void *context, double *x, size_t n, struct tarn_outcome *outcome,
			   struct tarn_err *err) TARN_MUST_CHECK;

#endif
