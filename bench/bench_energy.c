/* Milliseconds for an energy, and for an energy with its gradient: EfficientSU2 with two repetitions on molecules of
 * growing size.
 *
 * usage: bench_energy [MOLECULE BASIS]...     (default: H2 6-31g, LiH, NH3 and N2 in sto3g: 8, 12, 16 and 20 qubits) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "generate/qubit/observable.h"
#include "generate/vqe/request.h"

struct times {
	double wall, cpu; /* seconds, of all threads */
};

static struct times now(void)
{
	struct timespec cpu;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	return (struct times){ (double)tarn_monotonic_ns() * 1e-9, (double)cpu.tv_sec + (double)cpu.tv_nsec * 1e-9 };
}

static void keep_best(struct times start, struct times *best)
{
	struct times end = now();
	best->wall = fmin(best->wall, end.wall - start.wall);
	best->cpu = fmin(best->cpu, end.cpu - start.cpu);
}

/* The best of as many as fit into half a second, at least three. */
static void measure(const struct tarn_observable *observable, const struct tarn_circuit *circuit, const double *angles,
		    struct tarn_state states[3], struct times *energy, struct times *gradient)
{
	double *slopes = tarn_calloc(circuit->n_parameters, sizeof(*slopes)), begin = now().wall;
	*energy = *gradient = (struct times){ 1e9, 1e9 };
	for (int i = 0; i < 3 || now().wall - begin < 0.5; i++) {
		struct times start = now();
		tarn_state_run(&states[0], circuit, angles);
		tarn_observable_expect(observable, &states[0]);
		keep_best(start, energy);
	}
	begin = now().wall;
	for (int i = 0; i < 2 || now().wall - begin < 0.5; i++) {
		struct times start = now();
		tarn_observable_gradient(observable, circuit, angles, &states[0], &states[1], slopes);
		keep_best(start, gradient);
	}
	free(slopes);
}

static enum tarn_rc bench_record(const struct tarn_record *record, struct tarn_err *err)
{
	const struct tarn_setup *setup = &record->setup;
	struct tarn_pauli_sum sum;
	struct tarn_circuit circuit;
	struct tarn_observable *observable;
	struct tarn_state states[3];
	struct tarn_ansatz_options options = { .n_qubits = (unsigned)setup->num_qubits,
					       .reps = (unsigned)setup->ansatz_reps };
	enum tarn_rc rc = TARN_OK;
	tarn_pauli_sum_init(&sum, options.n_qubits);
	for (size_t i = 0; !rc && i < setup->term_labels.n; i++) {
		struct tarn_slice label = tarn_strings_at(&setup->term_labels, i);
		struct tarn_pauli term;
		rc = tarn_pauli_parse((const char *)label.data, label.len, &term, err);
		if (!rc)
			tarn_pauli_sum_add(&sum, term, setup->term_real[i]);
	}
	for (size_t i = 0; !rc && i < 3; i++)
		rc = tarn_state_new(options.n_qubits, 0, &states[i], err);
	if (!rc)
		rc = tarn_circuit_build(TARN_EFFICIENT_SU2, &options, &circuit, err);
	if (!rc)
		rc = tarn_observable_new(&sum, &observable, err);
	if (rc)
		return rc;
	struct times energy, gradient;
	measure(observable, &circuit, setup->initial_parameters, states, &energy, &gradient);
	printf("%6u %6zu %6zu %12.3f (%8.3f) %12.3f (%8.3f)\n", options.n_qubits, sum.n, circuit.n_parameters,
	       energy.wall * 1e3, energy.cpu * 1e3, gradient.wall * 1e3, gradient.cpu * 1e3);
	tarn_observable_free(observable);
	tarn_circuit_release(&circuit);
	for (size_t i = 0; i < 3; i++)
		tarn_state_release(&states[i]);
	tarn_pauli_sum_release(&sum);
	return TARN_OK;
}

static enum tarn_rc bench(const char *molecule, const char *basis, struct tarn_err *err)
{
	struct tarn_arena arena;
	struct tarn_geometry geometry;
	struct tarn_simulation_request request;
	struct tarn_simulation *simulation;
	tarn_arena_init(&arena);
	tarn_request_init(&request);
	request.optimizer = TARN_COBYLA;
	request.max_iterations = 1;
	request.seed = (struct tarn_opt_int){ true, 7 };
	request.basis = basis;
	request.geometry = &geometry;
	enum tarn_rc rc = tarn_molecule_find(molecule, &arena, &geometry, err);
	if (!rc)
		rc = tarn_simulate(&request, NULL, NULL, &simulation, err);
	if (!rc) {
		printf("%-6s %-7s", molecule, basis);
		rc = bench_record(&simulation->record, err);
		tarn_simulation_free(simulation);
	}
	tarn_arena_release(&arena);
	return rc;
}

int main(int argc, char **argv)
{
	const char *const all[] = { "", "H2", "6-31g", "LiH", "sto3g", "NH3", "sto3g", "N2", "sto3g" };
	const char *const *words = argc < 3 ? all : (const char *const *)argv;
	int n = argc < 3 ? (int)(sizeof(all) / sizeof(*all)) : argc;
	struct tarn_err err;
	puts("milliseconds, in brackets of all threads together\n"
	     "                qubits  terms angles       energy                gradient");
	for (int i = 1; i + 1 < n; i += 2)
		if (bench(words[i], words[i + 1], &err)) {
			fprintf(stderr, "%s\n", err.message);
			return 1;
		}
	return 0;
}
