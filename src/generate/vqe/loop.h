/* The variational loop: minimize an energy, and keep every evaluation as the reference's record wants it. */
#ifndef TARN_GENERATE_VQE_LOOP_H
#define TARN_GENERATE_VQE_LOOP_H

#include "generate/qubit/density.h"
#include "generate/vqe/optimizer.h"
#include "serialize/record/record.h"

struct tarn_vqe_problem {
	const struct tarn_pauli_sum *hamiltonian;
	const struct tarn_circuit *circuit;
	const double *start; /* circuit->n_parameters angles */
	enum tarn_optimizer optimizer;
	int max_iterations; /* N evaluations, 0: none */
	double threshold;   /* 0: none */
	bool finite_differences;
	bool has_seed; /* sampling starts from it in every evaluation: equal parameters, equal energy */
	uint64_t seed;
	unsigned shots; /* 0: exact */
	struct tarn_noise noise;
};

/* Called after every evaluation; may be NULL. */
typedef void (*tarn_vqe_progress)(void *context, int iteration, double energy, double lowest);

/* Arrays belong to the trace; they are what struct tarn_iterations points to. */
struct tarn_vqe_trace {
	size_t n, n_parameters, capacity;
	int32_t *step;
	double *energy, *std, *energy_delta, *parameter_delta_norm, *cumulative_min_energy;
	uint8_t *has_delta; /* 0 for the first, 1 for all others */
	uint8_t *has_minimum;
	double *parameters;
	int64_t *parameter_offsets;
	size_t best; /* index of the lowest energy, the first of equals */
	bool success;
	struct tarn_opt_int nfev, nit;
	struct tarn_opt_double maxcv;
	double minimization_time; /* seconds */
};

/* Runs until the optimizer ends or N evaluations were made. TARN_EINVALID where the optimizer fails before its first
 * evaluation ends. */
enum tarn_rc tarn_vqe_run(const struct tarn_vqe_problem *problem, tarn_vqe_progress progress, void *context,
			  struct tarn_vqe_trace *trace, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_vqe_trace_release(struct tarn_vqe_trace *trace);

/* Starting angles as the reference draws them: `random` (2 pi u), half standard normals for ExcitationPreserving, `hf`
 * a search for the Hartree-Fock state (EfficientSU2). */
enum tarn_vqe_start { TARN_START_RANDOM, TARN_START_HARTREE_FOCK, TARN_START_ZEROS };
enum tarn_rc tarn_vqe_start_angles(enum tarn_vqe_start start, enum tarn_ansatz ansatz,
				   const struct tarn_circuit *circuit, uint64_t hartree_fock_state, uint64_t seed,
				   double *angles, struct tarn_err *err) TARN_MUST_CHECK;

#endif
