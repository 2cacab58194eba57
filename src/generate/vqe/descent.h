/* Minimizers that NLopt does not have, or not as good. */
#ifndef TARN_GENERATE_VQE_DESCENT_H
#define TARN_GENERATE_VQE_DESCENT_H

#include "generate/vqe/optimizer.h"

struct tarn_descent {
	/* The value at x, and the gradient where gradient != NULL; meaningless once *stopped is true. */
	double (*value)(void *context, const double *x, double *gradient);
	void *context;
	const bool *stopped;
	size_t n;
	int max_iterations;
	double threshold; /* relative change of the value, largest component of the gradient */
	uint64_t seed;
};

/* x is the start and becomes the best point; *iterations is set. */
enum tarn_outcome_kind tarn_descent_lbfgs(const struct tarn_descent *descent, double *x, int *iterations);
enum tarn_outcome_kind tarn_descent_conjugate_gradient(const struct tarn_descent *descent, double *x, int *iterations);
enum tarn_outcome_kind tarn_descent_spsa(const struct tarn_descent *descent, double *x, int *iterations);
enum tarn_outcome_kind tarn_descent_adam(const struct tarn_descent *descent, double *x, int *iterations);
/* For it max_iterations counts evaluations and threshold is the last trust radius; it has no iterations (-1). */
enum tarn_outcome_kind tarn_descent_cobyla(const struct tarn_descent *descent, double *x, int *iterations);

#endif
