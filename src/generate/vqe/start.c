#include "generate/vqe/loop.h"

#include <string.h>

#include "base/alloc.h"
#include "generate/qubit/circuit_run.h"
#include "generate/vqe/random.h"

#include <stdlib.h>

/* ---- hf: ten random starts, COBYLA on what is missing to the Hartree-Fock state ---- */

struct fidelity {
	const struct tarn_circuit *circuit;
	struct tarn_state state;
	uint64_t target;
};

static double infidelity(void *context, const double *x, double *gradient, bool *stop)
{
	struct fidelity *search = context;
	(void)gradient;
	(void)stop;
	tarn_state_run(&search->state, search->circuit, x);
	double re = search->state.re[search->target], im = search->state.im[search->target];
	return 1 - (re * re + im * im);
}

static enum tarn_rc search_state(struct fidelity *search, uint64_t seed, double *angles, struct tarn_err *err)
{
	enum { ATTEMPTS = 10 };
	const double good_enough = 0.9999;
	const struct tarn_optimizer_options options = { .max_iterations = 1000 };
	size_t n = search->circuit->n_parameters;
	double best = 2, *x = tarn_malloc(n * sizeof(*x));
	enum tarn_rc rc = TARN_OK;
	for (uint64_t attempt = 0; !rc && attempt < ATTEMPTS && 1 - best <= good_enough; attempt++) {
		struct tarn_outcome outcome;
		bool stop = false;
		tarn_random_angles(seed + attempt, x, n);
		rc = tarn_optimize(TARN_COBYLA, &options, infidelity, search, x, n, &outcome, err);
		double missing = rc ? 2 : infidelity(search, x, NULL, &stop);
		if (missing >= best)
			continue;
		best = missing;
		memcpy(angles, x, n * sizeof(*x));
	}
	free(x);
	return rc;
}

static enum tarn_rc hartree_fock_angles(const struct tarn_circuit *circuit, uint64_t target, uint64_t seed, double *angles,
					struct tarn_err *err)
{
	struct fidelity search = { .circuit = circuit, .target = target };
	enum tarn_rc rc = tarn_state_new(circuit->n_qubits, 0, &search.state, err);
	if (!rc)
		rc = search_state(&search, seed, angles, err);
	tarn_state_release(&search.state);
	return rc;
}

static void half_normals(uint64_t seed, double *angles, size_t n)
{
	struct tarn_random random;
	tarn_random_seed(&random, seed);
	for (size_t i = 0; i < n; i++)
		angles[i] = 0.5 * tarn_random_normal(&random);
}

enum tarn_rc tarn_vqe_start_angles(enum tarn_vqe_start start, enum tarn_ansatz ansatz, const struct tarn_circuit *circuit,
				   uint64_t hartree_fock_state, uint64_t seed, double *angles, struct tarn_err *err)
{
	if (start == TARN_START_ZEROS)
		memset(angles, 0, circuit->n_parameters * sizeof(*angles));
	else if (ansatz == TARN_EXCITATION_PRESERVING)
		half_normals(seed, angles, circuit->n_parameters);
	else if (start == TARN_START_HARTREE_FOCK && ansatz == TARN_EFFICIENT_SU2)
		return hartree_fock_angles(circuit, hartree_fock_state, seed, angles, err);
	else
		tarn_random_angles(seed, angles, circuit->n_parameters);
	return TARN_OK;
}
