#include "generate/vqe/optimizer.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "generate/vqe/descent.h"

/* What the reference passes to SciPy (quantum-pipeline 2.1): the limit that N, or nothing, means, and what a threshold
 * sets. */
struct method {
	nlopt_algorithm algorithm;
	bool own, gradient;
	double step;	   /* of finite differences */
	int default_limit; /* iterations (evaluations for COBYLA and TNC) where no N was given */
	double first_step; /* of methods without gradients; 0: the algorithm's choice */
};

static const double square_root_of_epsilon = 1.4901161193847656e-08;

static const struct method methods[TARN_N_OPTIMIZERS] = {
	[TARN_LBFGSB] = { NLOPT_NUM_ALGORITHMS, true, true, 1e-8, 15000, 0 },
	[TARN_COBYLA] = { NLOPT_NUM_ALGORITHMS, true, false, 0, 1000, 0 },
	[TARN_SLSQP] = { NLOPT_LD_SLSQP, false, true, square_root_of_epsilon, 100, 0 },
	[TARN_NELDER_MEAD] = { NLOPT_LN_NELDERMEAD, false, false, 0, 5000, 0.25 },
	[TARN_POWELL] = { NLOPT_LN_PRAXIS, false, false, 0, 10000, 0.25 },
	[TARN_BFGS] = { NLOPT_LD_VAR2, false, true, square_root_of_epsilon, 1000, 0 },
	[TARN_CG] = { NLOPT_NUM_ALGORITHMS, true, true, square_root_of_epsilon, 2000, 0 },
	[TARN_TNC] = { NLOPT_LD_TNEWTON_PRECOND_RESTART, false, true, 1e-8, 500, 0 },
	[TARN_SPSA] = { NLOPT_NUM_ALGORITHMS, true, false, 0, 1000, 0 },
	[TARN_ADAM] = { NLOPT_NUM_ALGORITHMS, true, true, square_root_of_epsilon, 1000, 0 },
};

bool tarn_optimizer_uses_gradient(enum tarn_optimizer optimizer)
{
	return methods[optimizer].gradient;
}

/* ---- the objective as the methods see it ---- */

struct problem {
	const struct method *method;
	const struct tarn_optimizer_options *options;
	tarn_objective objective;
	void *context;
	size_t n;
	double *shifted; /* finite differences */
	nlopt_opt nlopt;
	bool stopped;
	int evaluations, gradients;
};

static double value_at(struct problem *problem, const double *x, double *gradient)
{
	if (problem->stopped)
		return HUGE_VAL;
	double value = problem->objective(problem->context, x, gradient, &problem->stopped);
	if (!problem->stopped)
		problem->evaluations++;
	return problem->stopped ? HUGE_VAL : value;
}

static double value_and_differences(struct problem *problem, const double *x, double *gradient)
{
	double step = problem->method->step, value = value_at(problem, x, NULL);
	memcpy(problem->shifted, x, problem->n * sizeof(*x));
	for (size_t i = 0; i < problem->n && !problem->stopped; i++) {
		problem->shifted[i] = x[i] + step;
		gradient[i] = (value_at(problem, problem->shifted, NULL) - value) / (problem->shifted[i] - x[i]);
		problem->shifted[i] = x[i];
	}
	return value;
}

static double evaluate(void *context, const double *x, double *gradient)
{
	struct problem *problem = context;
	if (gradient)
		problem->gradients++;
	double value = gradient && problem->options->finite_differences ? value_and_differences(problem, x, gradient)
									: value_at(problem, x, gradient);
	if (problem->stopped && gradient)
		memset(gradient, 0, problem->n * sizeof(*gradient));
	return value;
}

static double evaluate_for_nlopt(unsigned n, const double *x, double *gradient, void *context)
{
	struct problem *problem = context;
	(void)n;
	double value = evaluate(problem, x, gradient);
	if (problem->stopped)
		nlopt_force_stop(problem->nlopt);
	return value;
}

/* ---- NLopt ---- */

static nlopt_opt set_up(struct problem *problem, int limit, double threshold)
{
	nlopt_opt opt = nlopt_create(problem->method->algorithm, (unsigned)problem->n);
	nlopt_set_min_objective(opt, evaluate_for_nlopt, problem);
	nlopt_set_maxeval(opt, limit);
	if (threshold > 0) {
		nlopt_set_ftol_rel(opt, threshold);
		nlopt_set_xtol_rel(opt, problem->method->gradient ? 0 : threshold);
	}
	if (problem->method->first_step > 0)
		nlopt_set_initial_step1(opt, problem->method->first_step);
	return opt;
}

static enum tarn_outcome_kind kind_of(nlopt_result result)
{
	switch (result) {
	case NLOPT_MAXEVAL_REACHED: return TARN_OUTCOME_LIMIT;
	case NLOPT_FORCED_STOP: return TARN_OUTCOME_STOPPED;
	default: return TARN_OUTCOME_CONVERGED;
	}
}

static enum tarn_rc run_nlopt(struct problem *problem, int limit, double threshold, double *x,
			      enum tarn_outcome_kind *kind, struct tarn_err *err)
{
	double value;
	problem->nlopt = set_up(problem, limit, threshold);
	nlopt_srand(problem->options->seed ? (unsigned long)problem->options->seed : 1); /* PRAXIS draws directions */
	nlopt_result result = nlopt_optimize(problem->nlopt, x, &value);
	/* Rounding keeps it from going on: as good as converged. */
	bool failed = result < 0 && result != NLOPT_FORCED_STOP && result != NLOPT_ROUNDOFF_LIMITED &&
		      !(result == NLOPT_FAILURE && problem->evaluations > 1);
	const char *why = nlopt_get_errmsg(problem->nlopt);
	if (failed)
		tarn_fail(err, TARN_EINVALID, "%s failed: %s",
			  tarn_optimizer_name((enum tarn_optimizer)(problem->method - methods)),
			  why ? why : "no reason given");
	nlopt_destroy(problem->nlopt);
	*kind = kind_of(result);
	return failed ? TARN_EINVALID : TARN_OK;
}

/* ---- */

static enum tarn_outcome_kind run_own(struct problem *problem, enum tarn_optimizer optimizer, int limit,
				      double threshold, double *x, int *iterations)
{
	struct tarn_descent descent = { .value = evaluate,
					.context = problem,
					.stopped = &problem->stopped,
					.n = problem->n,
					.max_iterations = limit,
					.threshold = threshold,
					.seed = problem->options->seed };
	switch (optimizer) {
	case TARN_LBFGSB: return tarn_descent_lbfgs(&descent, x, iterations);
	case TARN_COBYLA: return tarn_descent_cobyla(&descent, x, iterations);
	case TARN_CG: return tarn_descent_conjugate_gradient(&descent, x, iterations);
	case TARN_SPSA: return tarn_descent_spsa(&descent, x, iterations);
	default: return tarn_descent_adam(&descent, x, iterations);
	}
}

enum tarn_rc tarn_optimize(enum tarn_optimizer optimizer, const struct tarn_optimizer_options *options,
			   tarn_objective objective, void *context, double *x, size_t n, struct tarn_outcome *outcome,
			   struct tarn_err *err)
{
	const double tightest = 1e-15; /* the reference's for L-BFGS-B with N */
	const struct method *method = &methods[optimizer];
	struct problem problem = { .method = method,
				   .options = options,
				   .objective = objective,
				   .context = context,
				   .n = n,
				   .shifted = tarn_calloc(n, sizeof(double)) };
	int limit = options->max_iterations ? options->max_iterations : method->default_limit;
	double threshold = options->threshold > 0     ? options->threshold
			   : method->gradient	      ? tightest
			   : optimizer == TARN_COBYLA ? 1e-4
						      : 1e-8;
	int iterations = -1;
	enum tarn_rc rc = TARN_OK;
	enum tarn_outcome_kind kind;
	if (method->own)
		kind = run_own(&problem, optimizer, limit, threshold, x, &iterations);
	else
		rc = run_nlopt(&problem, limit, threshold, x, &kind, err);
	free(problem.shifted);
	if (rc)
		return rc;
	if (method->gradient && !method->own)
		iterations = problem.gradients;
	*outcome =
		(struct tarn_outcome){ problem.stopped ? TARN_OUTCOME_STOPPED : kind, problem.evaluations, iterations };
	return TARN_OK;
}
