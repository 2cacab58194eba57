/* One simulation, from a molecule to its record. */
#ifndef TARN_GENERATE_VQE_SIMULATION_H
#define TARN_GENERATE_VQE_SIMULATION_H

#include "generate/chemistry/molecule.h"
#include "generate/qubit/ansatz.h"
#include "generate/vqe/loop.h"
#include "serialize/record/record.h"

struct tarn_simulation_request {
	const struct tarn_geometry *geometry;
	int32_t molecule_id;
	const char *basis;   /* as people spell it: chemistry/basis.h */
	bool unrestricted;   /* UHF orbitals */
	size_t frozen, active; /* orbitals; active 0: all the rest */
	enum tarn_mapping mapping;
	bool reduce;         /* two qubits less; TARN_PARITY only */
	enum tarn_ansatz ansatz;
	unsigned reps;
	enum tarn_entanglement entanglement;
	enum tarn_vqe_start start;
	enum tarn_optimizer optimizer;
	int max_iterations;  /* 0: none */
	double threshold;    /* 0: none */
	bool finite_differences;
	struct tarn_opt_int seed;
	unsigned shots;      /* 0: exact */
	struct tarn_noise noise;
	bool full_ci;        /* also the exact energy of the molecule */
};

struct tarn_simulation {
	struct tarn_record record;
	double hartree_fock_energy, nuclear_repulsion_energy; /* total energies, hartree */
	struct tarn_opt_double exact_energy;
	size_t num_qubits, num_terms;
	struct tarn_arena arena;      /* owns what the record points to, but the trace */
	struct tarn_vqe_trace trace;
};

/* Errors say what of the request cannot be done. *simulation is freed with tarn_simulation_free. */
enum tarn_rc tarn_simulate(const struct tarn_simulation_request *request, tarn_vqe_progress progress, void *context,
			   struct tarn_simulation **simulation, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_simulation_free(struct tarn_simulation *simulation);

/* The simulator stands on libint2, LAPACK and NLopt, which the program loads only to simulate: this is what the module
 * `tarn-simulate.so` exports under the name `tarn_simulator`. */
struct tarn_simulator {
	int version;
	enum tarn_rc (*simulate)(const struct tarn_simulation_request *request, tarn_vqe_progress progress, void *context,
				 struct tarn_simulation **simulation, struct tarn_err *err);
	void (*free_simulation)(struct tarn_simulation *simulation);
};
enum { TARN_SIMULATOR_VERSION = 1 };
/* Loads the module from beside the program, or from ../lib/tarn as installed. It stays loaded. */
enum tarn_rc tarn_simulator_load(const struct tarn_simulator **simulator, struct tarn_err *err) TARN_MUST_CHECK;

#endif
