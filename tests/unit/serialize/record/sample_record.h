/* A small record that keeps the contract, with its own memory, for tests to read, write and break. */
#ifndef TARN_TESTS_SAMPLE_RECORD_H
#define TARN_TESTS_SAMPLE_RECORD_H

#include "serialize/record/record.h"

enum { SAMPLE_ITERATIONS = 3, SAMPLE_PARAMETERS = 2, SAMPLE_TERMS = 3 };

struct sample {
	char symbols[4], labels[7], units[9], ansatz[32];
	int64_t symbol_offsets[3], coord_offsets[3], label_offsets[4], parameter_offsets[4];
	double coords[6], masses[2];
	double real[SAMPLE_TERMS], imaginary[SAMPLE_TERMS], initial[SAMPLE_PARAMETERS], optimal[SAMPLE_PARAMETERS];
	int32_t steps[SAMPLE_ITERATIONS];
	double energies[SAMPLE_ITERATIONS], deviations[SAMPLE_ITERATIONS];
	double deltas[SAMPLE_ITERATIONS], norms[SAMPLE_ITERATIONS], minima[SAMPLE_ITERATIONS];
	uint8_t all[SAMPLE_ITERATIONS], all_but_first[SAMPLE_ITERATIONS];
	double parameters[SAMPLE_ITERATIONS * SAMPLE_PARAMETERS];
	struct tarn_record record;
};

static inline void sample_point(struct sample *s)
{
	struct tarn_record *r = &s->record;
	r->molecule = (struct tarn_molecule){ .symbols = { 2, s->symbol_offsets, (const uint8_t *)s->symbols },
					      .n_coords = 2,
					      .coord_offsets = s->coord_offsets,
					      .coords = s->coords,
					      .multiplicity = 1,
					      .units = tarn_slice_str(s->units),
					      .has_masses = true,
					      .n_masses = 2,
					      .masses = s->masses };
	r->setup = (struct tarn_setup){ .backend = tarn_slice_str("aer_simulator"),
					.num_qubits = 2,
					.term_labels = { SAMPLE_TERMS, s->label_offsets, (const uint8_t *)s->labels },
					.term_real = s->real,
					.term_imaginary = s->imaginary,
					.num_parameters = SAMPLE_PARAMETERS,
					.n_initial = SAMPLE_PARAMETERS,
					.initial_parameters = s->initial,
					.optimizer = tarn_slice_str("COBYLA"),
					.ansatz = tarn_slice_str(s->ansatz),
					.noise_backend = tarn_slice_str("undef"),
					.default_shots = { true, 1024 },
					.ansatz_reps = 1,
					.init_strategy = tarn_slice_str("random"),
					.ansatz_name = tarn_slice_str("RealAmplitudes"),
					.seed = { true, 7 },
					.exact_estimator = { true, false } };
	r->iterations = (struct tarn_iterations){ .n = SAMPLE_ITERATIONS,
						  .step = s->steps,
						  .energy = s->energies,
						  .std = s->deviations,
						  .energy_delta = { s->all_but_first, s->deltas },
						  .parameter_delta_norm = { s->all_but_first, s->norms },
						  .cumulative_min_energy = { s->all, s->minima },
						  .parameter_offsets = s->parameter_offsets,
						  .parameters = s->parameters };
	r->basis_set = tarn_slice_str("sto3g");
	r->n_optimal = SAMPLE_PARAMETERS;
	r->optimal_parameters = s->optimal;
}

/* Fills *s; the record points into it, so it must not be moved. */
static inline void sample_fill(struct sample *s)
{
	*s = (struct sample){
		.symbols = "HeH",
		.symbol_offsets = { 0, 2, 3 },
		.units = "angstrom",
		.coord_offsets = { 0, 3, 6 },
		.coords = { 0, 0, -0.0, 0, 0, 0.735 },
		.masses = { 4.0026, 1.008 },
		.labels = "IIIZXX",
		.label_offsets = { 0, 2, 4, 6 },
		.real = { -1.0523732458, 0.3979374248, -1e-5 },
		.ansatz = "ry(_\xce\xb8_0_) \"q\"\\\n\x01",
		.initial = { 3.9, 5.6 },
		.steps = { 1, 2, 3 },
		.energies = { -0.5, -1.5, -1.25 },
		.deviations = { 0.01, 0.02, 0 },
		.deltas = { 0, -1, 0.25 },
		.norms = { 0, 1, 1e7 },
		.minima = { -0.5, -1.5, -1.5 },
		.all = { 1, 1, 1 },
		.all_but_first = { 0, 1, 1 },
		.parameters = { 3.9, 5.6, 4.9, 5.6, 4.9, 6.6 },
		.parameter_offsets = { 0, 2, 4, 6 },
		.optimal = { 4.9, 5.6 },
	};
	sample_point(s);
	struct tarn_record *r = &s->record;
	r->minimum = -1.5;
	r->maxcv = (struct tarn_opt_double){ true, 0 };
	r->nuclear_repulsion_energy = (struct tarn_opt_double){ true, 0.72 };
	r->success = (struct tarn_opt_bool){ true, false };
	r->nfev = (struct tarn_opt_int){ true, SAMPLE_ITERATIONS };
	r->minimization_time = 1.5;
	r->hamiltonian_time = 0.25;
	r->mapping_time = 0.125;
	r->vqe_time = 2;
	r->total_time = 2.375;
	r->molecule_id = 4;
}

/* The same as a record of v1: without what v2 added. */
static inline void sample_fill_v1(struct sample *s)
{
	sample_fill(s);
	struct tarn_record *r = &s->record;
	struct tarn_opt_doubles none = { NULL, NULL };
	r->setup.init_strategy = r->setup.ansatz_name = (struct tarn_slice){ NULL, 0 };
	r->setup.seed = r->nfev = r->nit = (struct tarn_opt_int){ false, 0 };
	r->setup.exact_estimator = r->success = (struct tarn_opt_bool){ false, false };
	r->nuclear_repulsion_energy = (struct tarn_opt_double){ false, 0 };
	r->iterations.energy_delta = r->iterations.parameter_delta_norm = none;
	r->iterations.cumulative_min_energy = none;
}

#endif
