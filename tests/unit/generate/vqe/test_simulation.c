/* From a molecule to a record: what every record must keep, whatever was asked for. */
#include "generate/vqe/simulation.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cmocka_tarn.h"
#include "generate/vqe/raw.h"
#include "serialize/avro/container.h"
#include "serialize/record/record_batch.h"

static const struct {
	const char *molecule, *basis;
	enum tarn_ansatz ansatz;
	enum tarn_mapping mapping;
	bool reduce, unrestricted;
	enum tarn_optimizer optimizer;
	enum tarn_vqe_start start;
	bool differences;
	unsigned shots;
	size_t frozen, active;
	int max_iterations;
	double threshold;
	size_t qubits;
} cases[] = {
	{ "H2", "sto3g", TARN_EFFICIENT_SU2, .optimizer = TARN_LBFGSB, .max_iterations = 100, .qubits = 4 },
	{ "H2", "STO-3G", TARN_REAL_AMPLITUDES, .optimizer = TARN_COBYLA, .max_iterations = 60, .qubits = 4 },
	{ "H2", "sto3g", TARN_EXCITATION_PRESERVING, .optimizer = TARN_SLSQP, .threshold = 1e-6, .qubits = 4 },
	{ "H2", "sto3g", TARN_HARDWARE_EFFICIENT, .optimizer = TARN_NELDER_MEAD, .max_iterations = 80, .qubits = 4 },
	{ "H2", "sto3g", TARN_UCCSD, .optimizer = TARN_BFGS, .start = TARN_START_ZEROS, .threshold = 1e-8, .qubits = 4 },
	{ "H2", "sto3g", TARN_UCCSD, .mapping = TARN_BRAVYI_KITAEV, .optimizer = TARN_CG, .max_iterations = 30, .qubits = 4 },
	{ "H2", "sto3g", TARN_EFFICIENT_SU2, .mapping = TARN_PARITY, .reduce = true, .optimizer = TARN_TNC,
	  .max_iterations = 50, .qubits = 2 },
	{ "H2", "sto3g", TARN_EFFICIENT_SU2, .start = TARN_START_HARTREE_FOCK, .optimizer = TARN_POWELL, .max_iterations = 50,
	  .qubits = 4 },
	{ "H2", "sto3g", TARN_EFFICIENT_SU2, .optimizer = TARN_SPSA, .shots = 200, .max_iterations = 30, .qubits = 4 },
	{ "H2", "sto3g", TARN_REAL_AMPLITUDES, .optimizer = TARN_COBYLA, .shots = 7, .max_iterations = 12, .qubits = 4 },
	{ "H2", "sto3g", TARN_EFFICIENT_SU2, .optimizer = TARN_ADAM, .max_iterations = 40, .qubits = 4 },
	{ "H2", "sto3g", TARN_EFFICIENT_SU2, .optimizer = TARN_LBFGSB, .differences = true, .max_iterations = 40, .qubits = 4 },
	{ "H2", "sto3g", TARN_EFFICIENT_SU2, .optimizer = TARN_LBFGSB, .max_iterations = 1, .qubits = 4 },
	{ "H2", "6-31g", TARN_REAL_AMPLITUDES, .optimizer = TARN_LBFGSB, .max_iterations = 20, .qubits = 8 },
	{ "LiH", "sto3g", TARN_EFFICIENT_SU2, .optimizer = TARN_LBFGSB, .frozen = 1, .active = 3, .max_iterations = 10,
	  .qubits = 6 },
	{ "BeH", "sto3g", TARN_REAL_AMPLITUDES, .unrestricted = true, .optimizer = TARN_LBFGSB, .max_iterations = 3, .qubits = 12 },
};
enum { N_CASES = sizeof(cases) / sizeof(*cases) };

static struct tarn_simulation_request request_of(size_t i, const struct tarn_geometry *geometry)
{
	return (struct tarn_simulation_request){
		.geometry = geometry, .basis = cases[i].basis, .unrestricted = cases[i].unrestricted,
		.frozen = cases[i].frozen, .active = cases[i].active, .mapping = cases[i].mapping, .reduce = cases[i].reduce,
		.ansatz = cases[i].ansatz, .reps = 1, .start = cases[i].start, .optimizer = cases[i].optimizer,
		.max_iterations = cases[i].max_iterations, .threshold = cases[i].threshold,
		.finite_differences = cases[i].differences, .seed = { true, 7 }, .shots = cases[i].shots,
		.full_ci = !cases[i].shots && !cases[i].frozen,
	};
}

static struct tarn_simulation *simulate(size_t i)
{
	struct tarn_arena arena;
	struct tarn_geometry geometry;
	struct tarn_simulation *simulation;
	struct tarn_err err;
	tarn_arena_init(&arena);
	assert_int_equal(tarn_molecule_builtin(cases[i].molecule, &arena, &geometry, &err), TARN_OK);
	struct tarn_simulation_request request = request_of(i, &geometry);
	enum tarn_rc rc = tarn_simulate(&request, NULL, NULL, &simulation, &err);
	if (rc)
		fail_msg("case %zu: %s", i, err.message);
	tarn_arena_release(&arena);
	return simulation;
}

/* Ids and bytes of what does not tell time. */
static void forget_times(struct tarn_record *record)
{
	record->hamiltonian_time = record->mapping_time = record->vqe_time = record->total_time = record->minimization_time = 0;
}

static void test_contract(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < N_CASES; i++) {
		struct tarn_err err = { 0 };
		struct tarn_simulation *simulation = simulate(i);
		const struct tarn_record *record = &simulation->record;
		if (tarn_record_check(record, &err))
			fail_msg("case %zu: %s", i, err.message);
		assert_int_equal(record->setup.num_qubits, cases[i].qubits);
		assert_int_equal(simulation->num_qubits, cases[i].qubits);
		assert_int_equal(simulation->num_terms, record->setup.term_labels.n);
		assert_int_equal(record->setup.default_shots.present, cases[i].shots > 0);
		assert_int_equal(record->setup.exact_estimator.value, !cases[i].shots);
		assert_true(record->iterations.step[0] == 1 && record->iterations.n >= 1);
		if (cases[i].max_iterations)
			assert_true(record->iterations.n <= (size_t)cases[i].max_iterations);
		assert_true(record->total_time == record->hamiltonian_time + record->mapping_time + record->vqe_time);
		tarn_simulation_free(simulation);
	}
}

static void test_same_seed_same_record(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < N_CASES; i++) {
		struct tarn_simulation *simulation[2] = { simulate(i), simulate(i) };
		struct tarn_buf json[2];
		for (size_t k = 0; k < 2; k++) {
			tarn_buf_init(&json[k], TARN_BUF_DEFAULT_MAX);
			forget_times(&simulation[k]->record);
			tarn_record_write_json(&simulation[k]->record, &json[k]);
		}
		assert_true(tarn_slice_eq(tarn_buf_slice(&json[0]), tarn_buf_slice(&json[1])));
		for (size_t k = 0; k < 2; k++) {
			tarn_buf_release(&json[k]);
			tarn_simulation_free(simulation[k]);
		}
	}
}

/* With electrons and spin kept, no energy lies below full CI, and the optimizers find it for H2. */
static void test_variational(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < N_CASES; i++) {
		if (cases[i].shots || (cases[i].ansatz != TARN_UCCSD && cases[i].ansatz != TARN_EXCITATION_PRESERVING))
			continue;
		struct tarn_simulation *simulation = simulate(i);
		double total = simulation->record.minimum + simulation->nuclear_repulsion_energy;
		assert_true(simulation->exact_energy.present);
		assert_true(total > simulation->exact_energy.value - 1e-9);
		if (cases[i].ansatz == TARN_UCCSD)
			assert_true(total < simulation->exact_energy.value + 1e-6);
		tarn_simulation_free(simulation);
	}
}

static struct tarn_buf encode(const struct tarn_record *record, enum tarn_record_version version)
{
	const struct tarn_raw_form form = { TARN_RAW_AVRO, version, 0 };
	struct tarn_buf file;
	tarn_buf_init(&file, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(tarn_raw_encode(record, &form, &file, NULL), TARN_OK);
	return file;
}

/* The one record of a container file. */
static void decode(struct tarn_slice file, struct tarn_record_plans *plans, struct tarn_record_batch *batch,
		   struct tarn_record *record)
{
	struct tarn_avro_header header;
	struct tarn_avro_block block;
	const struct tarn_record_plan *plan;
	size_t added;
	assert_int_equal(tarn_avro_header_read(file, &header, NULL), TARN_OK);
	size_t position = header.size;
	assert_int_equal(tarn_avro_block_next(file, &header, &position, &block, NULL), TARN_OK);
	assert_true(block.count == 1 && position == file.len);
	assert_int_equal(tarn_record_plan_get(plans, header.schema_json, &plan, NULL), TARN_OK);
	struct tarn_cursor cursor = { block.stored.data, block.stored.data, block.stored.data + block.stored.len };
	assert_int_equal(tarn_record_batch_add_avro(batch, plan, &cursor, 1, &added, NULL), TARN_OK);
	tarn_record_batch_get(batch, 0, record);
}

/* The file that the raw area gets reads back as the same record; v1 just lacks what is new in v2. */
static void test_encoding(void **unused)
{
	struct tarn_simulation *simulation = simulate(8); /* with shots: v1 has no other */
	(void)unused;
	for (int version = TARN_RECORD_V1; version <= TARN_RECORD_V2; version++) {
		struct tarn_record_plans *plans = tarn_record_plans_new();
		struct tarn_record_batch *batch = tarn_record_batch_new();
		struct tarn_buf first = encode(&simulation->record, (enum tarn_record_version)version), again;
		struct tarn_record record;
		decode(tarn_buf_slice(&first), plans, batch, &record);
		assert_true(record.minimum == simulation->record.minimum);
		assert_int_equal(tarn_record_check(&record, NULL), TARN_OK);
		again = encode(&record, (enum tarn_record_version)version);
		assert_true(tarn_slice_eq(tarn_buf_slice(&first), tarn_buf_slice(&again)));
		tarn_buf_release(&first);
		tarn_buf_release(&again);
		tarn_record_batch_free(batch);
		tarn_record_plans_free(plans);
	}
	tarn_simulation_free(simulation);
}

static void test_v1_needs_shots(void **unused)
{
	struct tarn_simulation *simulation = simulate(0);
	struct tarn_buf file;
	const struct tarn_raw_form v1 = { TARN_RAW_AVRO, TARN_RECORD_V1, 0 };
	(void)unused;
	tarn_buf_init(&file, TARN_BUF_DEFAULT_MAX);
	assert_int_equal(tarn_raw_encode(&simulation->record, &v1, &file, NULL), TARN_EINVALID);
	tarn_buf_release(&file);
	tarn_simulation_free(simulation);
}

static void test_refusals(void **unused)
{
	struct tarn_arena arena;
	struct tarn_geometry geometry;
	struct tarn_simulation *simulation;
	struct tarn_err err;
	(void)unused;
	tarn_arena_init(&arena);
	assert_int_equal(tarn_molecule_builtin("H2", &arena, &geometry, &err), TARN_OK);
	struct tarn_simulation_request good = request_of(0, &geometry), bad[4] = { good, good, good, good };
	bad[0].basis = "sto-9g";
	bad[1].frozen = 5;
	bad[2].reduce = true; /* without parity */
	bad[3].active = 9;
	for (size_t i = 0; i < 4; i++) {
		err.message[0] = '\0';
		assert_int_not_equal(tarn_simulate(&bad[i], NULL, NULL, &simulation, &err), TARN_OK);
		assert_true(err.message[0]);
	}
	geometry.charge = 1; /* one electron cannot be a singlet */
	assert_int_equal(tarn_simulate(&good, NULL, NULL, &simulation, &err), TARN_EINVALID);
	tarn_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contract),    cmocka_unit_test(test_same_seed_same_record),
		cmocka_unit_test(test_variational), cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_v1_needs_shots), cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
