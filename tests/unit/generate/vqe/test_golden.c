/* Circuits, energies and texts of real records: quantum-pipeline 2.1 with Qiskit Aer. */
#include "generate/vqe/loop.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cmocka_tarn.h"
#include "generate/qubit/observable.h"
#include "serialize/record/record_batch.h"

#define FOLDER TEST_DATA "/golden/raw/v2json/experiments/experiment.vqe"

static void load(const char *name, struct tarn_record_batch *batch)
{
	char path[512];
	struct tarn_buf text;
	struct tarn_err err;
	snprintf(path, sizeof(path), "%s/%s", FOLDER, name);
	tarn_buf_init(&text, 1 << 24);
	assert_int_equal(tarn_file_read(path, &text, &err), TARN_OK);
	assert_int_equal(tarn_record_batch_add_json(batch, tarn_buf_slice(&text), &err), TARN_OK);
	tarn_buf_release(&text);
}

static void fill_hamiltonian(const struct tarn_record *record, struct tarn_pauli_sum *sum)
{
	tarn_pauli_sum_init(sum, (unsigned)record->setup.num_qubits);
	for (size_t i = 0; i < record->setup.term_labels.n; i++) {
		struct tarn_slice label = tarn_strings_at(&record->setup.term_labels, i);
		struct tarn_pauli term;
		assert_int_equal(tarn_pauli_parse((const char *)label.data, label.len, &term, NULL), TARN_OK);
		tarn_pauli_sum_add(sum, term, record->setup.term_real[i]);
	}
}

/* All of these molecules are neutral or cations with equal numbers of alpha and beta electrons. */
static void build_circuit(const struct tarn_record *record, struct tarn_circuit *circuit)
{
	char name[64];
	enum tarn_ansatz ansatz;
	unsigned electrons = 0;
	const struct tarn_setup *setup = &record->setup;
	for (size_t i = 0; i < record->molecule.symbols.n; i++) {
		struct tarn_slice symbol = tarn_strings_at(&record->molecule.symbols, i);
		electrons += symbol.len == 2 ? (symbol.data[0] == 'H' ? 2 : 3) : 1; /* He, Li; H */
	}
	electrons -= (unsigned)record->molecule.charge;
	snprintf(name, sizeof(name), "%.*s", (int)setup->ansatz_name.len, (const char *)setup->ansatz_name.data);
	assert_true(tarn_ansatz_by_name(name, &ansatz));
	struct tarn_ansatz_options options = { .n_qubits = (unsigned)setup->num_qubits, .reps = (unsigned)setup->ansatz_reps,
					       .n_alpha = electrons / 2, .n_beta = electrons / 2 };
	assert_int_equal(tarn_circuit_build(ansatz, &options, circuit, NULL), TARN_OK);
	assert_int_equal(circuit->n_parameters, setup->num_parameters);
}

static void check_text(const struct tarn_record *record, const struct tarn_circuit *circuit)
{
	struct tarn_buf text;
	tarn_buf_init(&text, 1 << 20);
	tarn_circuit_qasm(circuit, &text);
	assert_int_equal(text.len, record->setup.ansatz.len);
	assert_memory_equal(text.data, record->setup.ansatz.data, text.len);
	tarn_buf_release(&text);
}

static void check_energies(const struct tarn_record *record, const struct tarn_circuit *circuit)
{
	struct tarn_pauli_sum sum;
	struct tarn_observable *observable;
	struct tarn_state psi;
	fill_hamiltonian(record, &sum);
	assert_int_equal(tarn_observable_new(&sum, &observable, NULL), TARN_OK);
	assert_int_equal(tarn_state_new(sum.n_qubits, 0, &psi, NULL), TARN_OK);
	for (size_t i = 0; i < record->iterations.n; i++) {
		tarn_state_run(&psi, circuit, record->iterations.parameters + record->iterations.parameter_offsets[i]);
		double energy = tarn_observable_expect(observable, &psi);
		assert_true(fabs(energy - record->iterations.energy[i]) < 1e-12);
	}
	tarn_state_release(&psi);
	tarn_observable_free(observable);
	tarn_pauli_sum_release(&sum);
}

static void records_are_reproduced(void **state)
{
	(void)state;
	struct tarn_record_batch *batch = tarn_record_batch_new();
	DIR *folder = opendir(FOLDER);
	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder));)
		if (entry->d_name[0] != '.')
			load(entry->d_name, batch);
	closedir(folder);
	size_t exact = 0, n = tarn_record_batch_count(batch);
	for (size_t i = 0; i < n; i++) {
		struct tarn_record record;
		struct tarn_circuit circuit;
		tarn_record_batch_get(batch, i, &record);
		build_circuit(&record, &circuit);
		check_text(&record, &circuit);
		if (!record.setup.default_shots.present) {
			check_energies(&record, &circuit);
			exact++;
		}
		tarn_circuit_release(&circuit);
	}
	assert_int_equal(n, 12);
	assert_int_equal(exact, 10);
	tarn_record_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(records_are_reproduced) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
