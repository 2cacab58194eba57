#include "generate/vqe/loop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "generate/qubit/observable.h"
#include "generate/qubit/sample.h"

struct loop {
	const struct tarn_vqe_problem *problem;
	struct tarn_vqe_trace *trace;
	tarn_vqe_progress progress;
	void *progress_context;
	struct tarn_observable *observable; /* exact and without noise */
	struct tarn_sampler *sampler;	    /* with shots */
	struct tarn_circuit doubled;	    /* with noise */
	const struct tarn_circuit *circuit; /* that one, or the problem's */
	struct tarn_state state, work[2];
	struct tarn_random random;
};

/* ---- the trace ---- */

static void reserve(struct tarn_vqe_trace *trace)
{
	if (trace->n < trace->capacity)
		return;
	size_t capacity = trace->capacity ? 2 * trace->capacity : 64;
	double **doubles[] = { &trace->energy, &trace->std, &trace->energy_delta, &trace->parameter_delta_norm,
			       &trace->cumulative_min_energy };
	for (size_t i = 0; i < sizeof(doubles) / sizeof(*doubles); i++)
		*doubles[i] = tarn_realloc(*doubles[i], capacity * sizeof(double));
	trace->step = tarn_realloc(trace->step, capacity * sizeof(*trace->step));
	trace->has_delta = tarn_realloc(trace->has_delta, capacity);
	trace->has_minimum = tarn_realloc(trace->has_minimum, capacity);
	trace->parameters = tarn_realloc(trace->parameters, capacity * trace->n_parameters * sizeof(double));
	trace->parameter_offsets = tarn_realloc(trace->parameter_offsets, (capacity + 1) * sizeof(int64_t));
	trace->parameter_offsets[0] = 0;
	trace->capacity = capacity;
}

static double distance(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sqrt(sum);
}

static void add_iteration(struct tarn_vqe_trace *trace, const double *x, struct tarn_measurement measured)
{
	reserve(trace);
	size_t i = trace->n++, width = trace->n_parameters;
	double *parameters = trace->parameters + i * width;
	memcpy(parameters, x, width * sizeof(*x));
	trace->parameter_offsets[i + 1] = (int64_t)((i + 1) * width);
	trace->step[i] = (int32_t)(i + 1);
	trace->energy[i] = measured.energy;
	trace->std[i] = measured.std;
	trace->has_delta[i] = i > 0;
	trace->has_minimum[i] = 1;
	trace->energy_delta[i] = i ? measured.energy - trace->energy[i - 1] : 0;
	trace->parameter_delta_norm[i] = i ? distance(parameters, parameters - width, width) : 0;
	if (!i || measured.energy < trace->energy[trace->best])
		trace->best = i;
	trace->cumulative_min_energy[i] = trace->energy[trace->best];
}

void tarn_vqe_trace_release(struct tarn_vqe_trace *trace)
{
	free(trace->step);
	free(trace->energy);
	free(trace->std);
	free(trace->energy_delta);
	free(trace->parameter_delta_norm);
	free(trace->cumulative_min_energy);
	free(trace->has_delta);
	free(trace->has_minimum);
	free(trace->parameters);
	free(trace->parameter_offsets);
	*trace = (struct tarn_vqe_trace){ 0 };
}

/* ---- the objective ---- */

/* The reference makes its precision from the shots and the shots from its precision again. */
static unsigned shots_taken(unsigned shots)
{
	double precision = 1 / sqrt(shots);
	return (unsigned)ceil(1 / (precision * precision));
}

static bool is_noisy(const struct tarn_noise *noise)
{
	return noise->one > 0 || noise->two > 0 || noise->readout > 0;
}

static bool has_gradient(const struct tarn_vqe_problem *problem)
{
	return !problem->finite_differences && !problem->shots && !is_noisy(&problem->noise);
}

static struct tarn_measurement measure(struct loop *loop, const double *x, double *gradient)
{
	const struct tarn_vqe_problem *problem = loop->problem;
	struct tarn_measurement measured = { 0, 0 };
	if (gradient) {
		measured.energy = tarn_observable_gradient(loop->observable, loop->circuit, x, &loop->state, loop->work,
							   gradient);
		return measured;
	}
	tarn_state_run(&loop->state, loop->circuit, x);
	if (loop->sampler) {
		if (problem->has_seed)
			tarn_random_seed(&loop->random, problem->seed);
		return tarn_sampler_measure(loop->sampler, &loop->state, &loop->work[0], shots_taken(problem->shots),
					    problem->noise.readout, &loop->random);
	}
	measured.energy = loop->observable
				  ? tarn_observable_expect(loop->observable, &loop->state)
				  : tarn_density_expect(problem->hamiltonian, &loop->state, problem->noise.readout);
	return measured;
}

static double objective(void *context, const double *x, double *gradient, bool *stop)
{
	struct loop *loop = context;
	const struct tarn_vqe_problem *problem = loop->problem;
	if (problem->max_iterations && loop->trace->n >= (size_t)problem->max_iterations) {
		*stop = true;
		return 0;
	}
	struct tarn_measurement measured = measure(loop, x, gradient);
	add_iteration(loop->trace, x, measured);
	if (loop->progress)
		loop->progress(loop->progress_context, (int)loop->trace->n, measured.energy,
			       loop->trace->energy[loop->trace->best]);
	return measured.energy;
}

/* ---- the outcome, as the reference records it ---- */

static void record_outcome(const struct tarn_vqe_problem *problem, const struct tarn_outcome *outcome,
			   struct tarn_vqe_trace *trace)
{
	bool cobyla = problem->optimizer == TARN_COBYLA;
	bool converged = outcome->kind == TARN_OUTCOME_CONVERGED;
	/* COBYLA counts its own evaluations, once it could build its first simplex. */
	bool ended_itself = converged || !problem->max_iterations ||
			    (cobyla && (size_t)problem->max_iterations >= trace->n_parameters + 2);
	trace->success = converged;
	if (!ended_itself)
		return;
	trace->nfev = (struct tarn_opt_int){ true, outcome->evaluations };
	if (!cobyla && outcome->iterations >= 0)
		trace->nit = (struct tarn_opt_int){ true, outcome->iterations };
	if (cobyla)
		trace->maxcv = (struct tarn_opt_double){ true, 0.0 };
}

/* Readout errors alone do not need a density matrix where bits are sampled. */
static bool needs_density(const struct tarn_vqe_problem *problem)
{
	const struct tarn_noise *noise = &problem->noise;
	return noise->one > 0 || noise->two > 0 || (noise->readout > 0 && !problem->shots);
}

static enum tarn_rc set_up(struct loop *loop, struct tarn_err *err)
{
	const struct tarn_vqe_problem *problem = loop->problem;
	enum tarn_rc rc = TARN_OK;
	loop->circuit = problem->circuit;
	if (needs_density(problem)) {
		rc = tarn_density_circuit(problem->circuit, &problem->noise, &loop->doubled, err);
		loop->circuit = &loop->doubled;
	}
	if (!rc && problem->shots)
		rc = tarn_sampler_new(problem->hamiltonian, &loop->sampler, err);
	else if (!rc && !needs_density(problem))
		rc = tarn_observable_new(problem->hamiltonian, &loop->observable, err);
	if (!rc)
		rc = tarn_state_new(loop->circuit->n_qubits, 0, &loop->state, err);
	size_t working = has_gradient(problem) ? 2 : problem->shots ? 1 : 0;
	for (size_t i = 0; !rc && i < working; i++)
		rc = tarn_state_new(loop->circuit->n_qubits, 0, &loop->work[i], err);
	tarn_random_seed(&loop->random, problem->has_seed ? problem->seed : (uint64_t)tarn_random_id());
	return rc;
}

static void tear_down(struct loop *loop)
{
	tarn_observable_free(loop->observable);
	tarn_sampler_free(loop->sampler);
	tarn_circuit_release(&loop->doubled);
	tarn_state_release(&loop->state);
	tarn_state_release(&loop->work[0]);
	tarn_state_release(&loop->work[1]);
}

static enum tarn_rc minimize(struct loop *loop, struct tarn_err *err)
{
	const struct tarn_vqe_problem *problem = loop->problem;
	size_t n = problem->circuit->n_parameters;
	struct tarn_optimizer_options options = {
		.max_iterations = problem->max_iterations,
		.threshold = problem->threshold,
		.finite_differences = !has_gradient(problem),
		.seed = problem->seed,
	};
	struct tarn_outcome outcome;
	double *x = tarn_malloc(n * sizeof(*x));
	memcpy(x, problem->start, n * sizeof(*x));
	int64_t begin = tarn_monotonic_ns();
	enum tarn_rc rc = tarn_optimize(problem->optimizer, &options, objective, loop, x, n, &outcome, err);
	loop->trace->minimization_time = (double)(tarn_monotonic_ns() - begin) * 1e-9;
	if (!rc)
		record_outcome(problem, &outcome, loop->trace);
	free(x);
	return rc;
}

enum tarn_rc tarn_vqe_run(const struct tarn_vqe_problem *problem, tarn_vqe_progress progress, void *context,
			  struct tarn_vqe_trace *trace, struct tarn_err *err)
{
	struct tarn_vqe_trace made = { .n_parameters = problem->circuit->n_parameters };
	struct loop loop = { .problem = problem, .trace = &made, .progress = progress, .progress_context = context };
	enum tarn_rc rc = set_up(&loop, err);
	if (!rc)
		rc = minimize(&loop, err);
	tear_down(&loop);
	if (rc)
		tarn_vqe_trace_release(&made);
	else
		*trace = made;
	return rc;
}
