#include "generate/vqe/simulation.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/module.h"
#include "base/clock.h"
#include "generate/chemistry/basis.h"
#include "generate/chemistry/basis_data.h"
#include "generate/chemistry/scf.h"
#include "generate/qubit/exact.h"
#include "generate/qubit/state_vector.h"
#include "generate/vqe/random.h"

struct work {
	const struct tarn_simulation_request *request;
	struct tarn_simulation *out;
	struct tarn_arena *arena;
	struct tarn_electrons electrons, active_electrons;
	struct tarn_scf scf;
	struct tarn_orbital_integrals orbital;
	struct tarn_integrals integrals;
	struct tarn_pauli_sum hamiltonian;
	struct tarn_circuit circuit;
	uint64_t seed;
	double *start;
};

static double seconds_since(int64_t begin)
{
	return (double)(tarn_monotonic_ns() - begin) * 1e-9;
}

/* ---- the molecule ---- */

static enum tarn_rc run_chemistry(struct work *work, struct tarn_err *err)
{
	const struct tarn_simulation_request *request = work->request;
	struct tarn_basis basis;
	struct tarn_slice text;
	struct tarn_scf_options options = { .kind = request->unrestricted ? TARN_SCF_UNRESTRICTED : TARN_SCF_RESTRICTED };
	struct tarn_active_space space = { request->frozen, request->active };
	enum tarn_rc rc = tarn_molecule_check(request->geometry, &work->electrons, err);
	if (!rc)
		rc = tarn_basis_data(request->basis, &text, err);
	if (!rc)
		rc = tarn_basis_read(request->basis, text, request->geometry, work->arena, &basis, err);
	if (!rc)
		rc = tarn_scf_run(request->geometry, &basis, &options, work->arena, &work->scf, err);
	if (!rc)
		rc = tarn_scf_integrals(&work->scf, &work->electrons, &space, work->arena, &work->orbital, err);
	if (rc)
		return rc;
	const struct tarn_orbital_integrals *orbital = &work->orbital;
	work->integrals = (struct tarn_integrals){ (unsigned)orbital->m, orbital->one[0], orbital->one[1], orbital->two[0],
						   orbital->two[1], orbital->two[2] };
	work->active_electrons = (struct tarn_electrons){ work->electrons.alpha - (unsigned)request->frozen,
							  work->electrons.beta - (unsigned)request->frozen };
	if (2 * orbital->m > TARN_STATE_MAX_QUBITS)
		return tarn_fail(err, TARN_ELIMIT, "%zu orbitals need %zu qubits, at most %d can be simulated", orbital->m,
				 2 * orbital->m, TARN_STATE_MAX_QUBITS);
	return TARN_OK;
}

static enum tarn_rc find_exact(struct work *work, struct tarn_err *err)
{
	double energy;
	const struct tarn_electrons *electrons = &work->active_electrons;
	enum tarn_rc rc = tarn_exact_energy(&work->integrals, electrons->alpha, electrons->beta, &energy, err);
	if (!rc)
		work->out->exact_energy = (struct tarn_opt_double){ true, energy + work->orbital.core_energy + work->scf.nuclear_repulsion };
	return rc;
}

/* ---- qubits ---- */

static enum tarn_rc map_to_qubits(struct work *work, struct tarn_err *err)
{
	const struct tarn_simulation_request *request = work->request;
	if (request->reduce && request->mapping != TARN_PARITY)
		return tarn_fail(err, TARN_EINVALID, "the two-qubit reduction belongs to the parity mapping");
	if (request->reduce && (request->ansatz == TARN_UCCSD || request->ansatz == TARN_EXCITATION_PRESERVING))
		return tarn_fail(err, TARN_EUNSUPPORTED, "%s is not built on reduced qubits", tarn_ansatz_kind_name(request->ansatz));
	tarn_mapping_hamiltonian(request->mapping, &work->integrals, &work->hamiltonian);
	/* Frozen electrons are part of the electronic energy. */
	if (work->orbital.core_energy != 0) {
		tarn_pauli_sum_add(&work->hamiltonian, (struct tarn_pauli){ 0, 0 }, work->orbital.core_energy);
		tarn_pauli_sum_simplify(&work->hamiltonian, 0);
	}
	if (request->reduce)
		tarn_mapping_reduce(&work->hamiltonian, work->active_electrons.alpha, work->active_electrons.beta);
	return TARN_OK;
}

static uint64_t hartree_fock_state(const struct work *work)
{
	unsigned m = work->integrals.n_orbitals;
	uint64_t alpha = ((uint64_t)1 << work->active_electrons.alpha) - 1;
	uint64_t beta = ((uint64_t)1 << work->active_electrons.beta) - 1;
	uint64_t state = tarn_mapping_state(work->request->mapping, 2 * m, alpha | beta << m);
	if (!work->request->reduce)
		return state;
	uint64_t low = state & (((uint64_t)1 << (m - 1)) - 1), high = state >> m & (((uint64_t)1 << (m - 1)) - 1);
	return low | high << (m - 1);
}

static enum tarn_rc build_circuit(struct work *work, struct tarn_err *err)
{
	const struct tarn_simulation_request *request = work->request;
	struct tarn_ansatz_options options = {
		.n_qubits = work->hamiltonian.n_qubits,
		.reps = request->reps,
		.n_alpha = work->active_electrons.alpha,
		.n_beta = work->active_electrons.beta,
		.mapping = request->mapping,
		.entanglement = request->entanglement,
	};
	enum tarn_rc rc = tarn_circuit_build(request->ansatz, &options, &work->circuit, err);
	if (rc)
		return rc;
	work->start = tarn_arena_zalloc(work->arena, work->circuit.n_parameters * sizeof(double));
	return tarn_vqe_start_angles(request->start, request->ansatz, &work->circuit, hartree_fock_state(work), work->seed,
				     work->start, err);
}

static enum tarn_rc minimize(struct work *work, tarn_vqe_progress progress, void *context, struct tarn_err *err)
{
	const struct tarn_simulation_request *request = work->request;
	struct tarn_vqe_problem problem = {
		.hamiltonian = &work->hamiltonian,
		.circuit = &work->circuit,
		.start = work->start,
		.optimizer = request->optimizer,
		.max_iterations = request->max_iterations,
		.threshold = request->threshold,
		.finite_differences = request->finite_differences,
		.has_seed = request->seed.present,
		.seed = work->seed,
		.shots = request->shots,
		.noise = request->noise,
	};
	return tarn_vqe_run(&problem, progress, context, &work->out->trace, err);
}

/* ---- the record ---- */

static struct tarn_slice keep_text(struct work *work, const char *text)
{
	return tarn_slice_str(tarn_arena_strdup(work->arena, text));
}

static struct tarn_strings pack(struct work *work, const char *bytes, const int64_t *offsets, size_t n)
{
	return (struct tarn_strings){ n, tarn_arena_copy(work->arena, offsets, (n + 1) * sizeof(*offsets)),
				      tarn_arena_copy(work->arena, bytes, (size_t)offsets[n]) };
}

static void fill_molecule(struct work *work, struct tarn_molecule *molecule)
{
	const struct tarn_geometry *geometry = work->request->geometry;
	size_t n = geometry->n_atoms;
	int64_t *offsets = tarn_arena_zalloc(work->arena, (n + 1) * sizeof(*offsets));
	int64_t *rows = tarn_arena_zalloc(work->arena, (n + 1) * sizeof(*rows));
	struct tarn_buf symbols;
	tarn_buf_init(&symbols, TARN_BUF_DEFAULT_MAX);
	for (size_t i = 0; i < n; i++) {
		tarn_buf_add_str(&symbols, geometry->symbols[i]);
		offsets[i + 1] = (int64_t)symbols.len;
		rows[i + 1] = 3 * (int64_t)(i + 1);
	}
	*molecule = (struct tarn_molecule){
		.symbols = pack(work, (const char *)symbols.data, offsets, n),
		.n_coords = n,
		.coord_offsets = rows,
		.coords = tarn_arena_copy(work->arena, geometry->coords, n * sizeof(*geometry->coords)),
		.multiplicity = geometry->multiplicity,
		.charge = geometry->charge,
		.units = keep_text(work, geometry->units == TARN_BOHR ? "bohr" : "angstrom"),
		.has_masses = geometry->masses,
		.n_masses = geometry->masses ? n : 0,
		.masses = geometry->masses ? tarn_arena_copy(work->arena, geometry->masses, n * sizeof(double)) : NULL,
	};
	tarn_buf_release(&symbols);
}

static void fill_terms(struct work *work, struct tarn_setup *setup)
{
	const struct tarn_pauli_sum *sum = &work->hamiltonian;
	size_t n = sum->n, width = sum->n_qubits;
	char *labels = tarn_arena_alloc(work->arena, n * width);
	int64_t *offsets = tarn_arena_alloc(work->arena, (n + 1) * sizeof(*offsets));
	double *real = tarn_arena_alloc(work->arena, n * sizeof(*real)), *imaginary = tarn_arena_alloc(work->arena, n * sizeof(*real));
	offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		tarn_pauli_label(sum->terms[i], sum->n_qubits, labels + i * width);
		offsets[i + 1] = (int64_t)((i + 1) * width);
		real[i] = creal(sum->coefficients[i]);
		imaginary[i] = cimag(sum->coefficients[i]);
	}
	setup->term_labels = (struct tarn_strings){ n, offsets, (const uint8_t *)labels };
	setup->term_real = real;
	setup->term_imaginary = imaginary;
}

static const char *start_name(enum tarn_vqe_start start)
{
	static const char *const names[] = { "random", "hf", "zeros" };
	return names[start];
}

static struct tarn_slice noise_name(struct work *work, const struct tarn_noise *noise)
{
	char text[120], *at = text;
	if (noise->one > 0 || noise->two > 0)
		at += sprintf(at, "depolarizing(%.9g,%.9g)", noise->one, noise->two);
	if (noise->readout > 0)
		at += sprintf(at, "%sreadout(%.9g)", at > text ? "+" : "", noise->readout);
	return keep_text(work, at > text ? text : "undef");
}

static void fill_setup(struct work *work, struct tarn_setup *setup)
{
	const struct tarn_simulation_request *request = work->request;
	struct tarn_buf text;
	tarn_buf_init(&text, TARN_BUF_DEFAULT_MAX);
	tarn_circuit_qasm(&work->circuit, &text);
	*setup = (struct tarn_setup){
		.backend = keep_text(work, "tarn_statevector"),
		.num_qubits = (int32_t)work->hamiltonian.n_qubits,
		.num_parameters = (int32_t)work->circuit.n_parameters,
		.n_initial = work->circuit.n_parameters,
		.initial_parameters = work->start,
		.optimizer = keep_text(work, tarn_optimizer_name(request->optimizer)),
		.ansatz = tarn_slice_of(tarn_arena_copy(work->arena, text.data, text.len), text.len),
		.noise_backend = noise_name(work, &request->noise),
		.default_shots = { request->shots > 0, (int32_t)request->shots },
		.ansatz_reps = (int32_t)request->reps,
		.init_strategy = keep_text(work, start_name(request->start)),
		.ansatz_name = keep_text(work, tarn_ansatz_kind_name(request->ansatz)),
		.seed = request->seed,
		.exact_estimator = { true, !request->shots },
	};
	fill_terms(work, setup);
	tarn_buf_release(&text);
}

static void fill_iterations(const struct tarn_vqe_trace *trace, struct tarn_iterations *iterations)
{
	*iterations = (struct tarn_iterations){
		.n = trace->n,
		.step = trace->step,
		.energy = trace->energy,
		.std = trace->std,
		.energy_delta = { trace->has_delta, trace->energy_delta },
		.parameter_delta_norm = { trace->has_delta, trace->parameter_delta_norm },
		.cumulative_min_energy = { trace->has_minimum, trace->cumulative_min_energy },
		.parameter_offsets = trace->parameter_offsets,
		.parameters = trace->parameters,
	};
}

static void fill_record(struct work *work)
{
	struct tarn_record *record = &work->out->record;
	const struct tarn_vqe_trace *trace = &work->out->trace;
	fill_molecule(work, &record->molecule);
	fill_setup(work, &record->setup);
	fill_iterations(trace, &record->iterations);
	record->basis_set = keep_text(work, tarn_basis_canonical(work->request->basis));
	record->minimum = trace->energy[trace->best];
	record->n_optimal = trace->n_parameters;
	record->optimal_parameters = trace->parameters + trace->best * trace->n_parameters;
	record->maxcv = trace->maxcv;
	record->minimization_time = trace->minimization_time;
	record->nuclear_repulsion_energy = (struct tarn_opt_double){ true, work->scf.nuclear_repulsion };
	record->success = (struct tarn_opt_bool){ true, trace->success };
	record->nfev = trace->nfev;
	record->nit = trace->nit;
	record->molecule_id = work->request->molecule_id;
}

/* Each stage's wall-clock time, as the reference bounds them. */
static enum tarn_rc run_stages(struct work *work, tarn_vqe_progress progress, void *context, struct tarn_err *err)
{
	struct tarn_record *record = &work->out->record;
	int64_t begin = tarn_monotonic_ns();
	enum tarn_rc rc = run_chemistry(work, err);
	record->hamiltonian_time = seconds_since(begin);
	begin = tarn_monotonic_ns();
	if (!rc)
		rc = map_to_qubits(work, err);
	record->mapping_time = seconds_since(begin);
	begin = tarn_monotonic_ns();
	if (!rc)
		rc = build_circuit(work, err);
	if (!rc)
		rc = minimize(work, progress, context, err);
	record->vqe_time = seconds_since(begin);
	record->total_time = record->hamiltonian_time + record->mapping_time + record->vqe_time;
	if (!rc && work->request->full_ci)
		rc = find_exact(work, err);
	return rc;
}

/* How a product is cut into threads' shares changes its last bits, and with them every id that follows. */
static void use_one_thread_for_matrices(void)
{
	openblas_set_num_threads(1);
}

enum tarn_rc tarn_simulate(const struct tarn_simulation_request *request, tarn_vqe_progress progress, void *context,
			   struct tarn_simulation **simulation, struct tarn_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, use_one_thread_for_matrices);
	struct tarn_simulation *out = tarn_calloc(1, sizeof(*out));
	struct work work = { .request = request, .out = out, .arena = &out->arena };
	tarn_arena_init(&out->arena);
	tarn_pauli_sum_init(&work.hamiltonian, 0);
	work.seed = request->seed.present ? (uint64_t)request->seed.value : (uint64_t)tarn_random_id();
	enum tarn_rc rc = run_stages(&work, progress, context, err);
	if (!rc) {
		fill_record(&work);
		out->hartree_fock_energy = work.scf.energy;
		out->nuclear_repulsion_energy = work.scf.nuclear_repulsion;
		out->num_qubits = work.hamiltonian.n_qubits;
		out->num_terms = work.hamiltonian.n;
	}
	tarn_pauli_sum_release(&work.hamiltonian);
	tarn_circuit_release(&work.circuit);
	if (rc)
		tarn_simulation_free(out);
	else
		*simulation = out;
	return rc;
}

void tarn_simulation_free(struct tarn_simulation *simulation)
{
	if (!simulation)
		return;
	tarn_vqe_trace_release(&simulation->trace);
	tarn_arena_release(&simulation->arena);
	free(simulation);
}

TARN_EXPORT extern const struct tarn_simulator tarn_simulator;
const struct tarn_simulator tarn_simulator = { TARN_SIMULATOR_VERSION, tarn_simulate, tarn_simulation_free };
