#include "serialize/record/write.h"

#include <stdbool.h>

#include "cmocka_tarn.h"
#include "golden_records.h"
#include "sample_record.h"

/* ---- Avro ---- */

enum { FRAME = 5 }; /* 0x00 and the schema's id */

static const struct {
	const char *path;
	enum tarn_record_version version;
} wire_files[] = {
	{ TEST_DATA "/records/p04.bin", TARN_RECORD_V2 },
	{ TEST_DATA "/records/p11.bin", TARN_RECORD_V2 },
	{ TEST_DATA "/records/v1p03.bin", TARN_RECORD_V1 },
};

static void read_one(struct tarn_record_plans *plans, struct tarn_slice datum, enum tarn_record_version version,
		     struct tarn_record_batch *batch, struct tarn_record *record)
{
	const struct tarn_record_plan *plan;
	struct tarn_cursor cursor = tarn_cursor_of(datum);
	struct tarn_err err;
	size_t added;
	tarn_record_batch_clear(batch);
	if (tarn_record_plan_get(plans, tarn_record_schema(version), &plan, &err) ||
	    tarn_record_batch_add_avro(batch, plan, &cursor, 1, &added, &err))
		fail_msg("%s", err.message);
	assert_int_equal(tarn_cursor_left(&cursor), 0);
	tarn_record_batch_get(batch, 0, record);
}

/* The application's own serializer made the files. */
static void wire_messages_come_out_byte_for_byte(void **state)
{
	(void)state;
	struct tarn_record_plans *plans = tarn_record_plans_new();
	struct tarn_record_batch *batch = tarn_record_batch_new();
	struct tarn_buf wire, out;
	tarn_buf_init(&wire, 1 << 20);
	tarn_buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(wire_files) / sizeof(*wire_files); i++) {
		struct tarn_record record;
		golden_read(wire_files[i].path, &wire);
		struct tarn_slice datum = tarn_slice_of(wire.data + FRAME, wire.len - FRAME);
		read_one(plans, datum, wire_files[i].version, batch, &record);
		tarn_buf_clear(&out);
		assert_int_equal(tarn_record_write_avro(&record, wire_files[i].version, &out, NULL), TARN_OK);
		assert_int_equal(out.len, datum.len);
		assert_memory_equal(out.data, datum.data, datum.len);
	}
	tarn_buf_release(&wire);
	tarn_buf_release(&out);
	tarn_record_batch_free(batch);
	tarn_record_plans_free(plans);
}

static void nulls_survive_v2(void **state)
{
	(void)state;
	struct sample sample;
	struct tarn_record_plans *plans = tarn_record_plans_new();
	struct tarn_record_batch *batch = tarn_record_batch_new();
	struct tarn_record record;
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 20);
	sample_fill_v1(&sample);
	sample.record.setup.default_shots.present = false;
	sample.record.setup.exact_estimator = (struct tarn_opt_bool){ true, true };
	sample.record.molecule.has_masses = false;
	assert_int_equal(tarn_record_write_avro(&sample.record, TARN_RECORD_V2, &out, NULL), TARN_OK);
	read_one(plans, tarn_buf_slice(&out), TARN_RECORD_V2, batch, &record);
	assert_null(record.setup.init_strategy.data);
	assert_false(record.setup.default_shots.present || record.setup.seed.present || record.success.present);
	assert_true(record.setup.exact_estimator.present && record.setup.exact_estimator.value);
	assert_false(record.molecule.has_masses);
	assert_false(record.iterations.energy_delta.valid[2]);
	assert_int_equal(tarn_record_check(&record, NULL), TARN_OK);
	tarn_buf_release(&out);
	tarn_record_batch_free(batch);
	tarn_record_plans_free(plans);
}

static void v1_needs_shots(void **state)
{
	(void)state;
	struct sample sample;
	struct tarn_buf out;
	struct tarn_err err;
	tarn_buf_init(&out, 1 << 20);
	sample_fill(&sample);
	sample.record.setup.default_shots.present = false;
	assert_int_equal(tarn_record_write_avro(&sample.record, TARN_RECORD_V1, &out, &err), TARN_EINVALID);
	assert_non_null(strstr(err.message, "initial_data.default_shots is null"));
	assert_int_equal(out.len, 0);
	tarn_buf_release(&out);
}

static void a_full_buffer_is_an_error(void **state)
{
	(void)state;
	struct sample sample;
	struct tarn_buf out;
	tarn_buf_init(&out, 100);
	sample_fill(&sample);
	assert_int_equal(tarn_record_write_avro(&sample.record, TARN_RECORD_V2, &out, NULL), TARN_ELIMIT);
	tarn_buf_release(&out);
}

/* ---- JSON ---- */

static const char sample_json[] =
	"{\"vqe_result\":{\"initial_data\":{\"backend\":\"aer_simulator\",\"num_qubits\":2,\"hamiltonian\":["
	"{\"label\":\"II\",\"coefficients\":{\"real\":-1.0523732458,\"imaginary\":0.0}},"
	"{\"label\":\"IZ\",\"coefficients\":{\"real\":0.3979374248,\"imaginary\":0.0}},"
	"{\"label\":\"XX\",\"coefficients\":{\"real\":-1e-05,\"imaginary\":0.0}}],"
	"\"num_parameters\":2,\"initial_parameters\":[3.9,5.6],\"optimizer\":\"COBYLA\","
	"\"ansatz\":\"ry(_\xce\xb8_0_) \\\"q\\\"\\\\\\n\\u0001\",\"noise_backend\":\"undef\",\"default_shots\":1024,"
	"\"ansatz_reps\":1,\"init_strategy\":\"random\",\"seed\":7,\"ansatz_name\":\"RealAmplitudes\","
	"\"exact_estimator\":false},"
	"\"iteration_list\":["
	"{\"iteration\":1,\"parameters\":[3.9,5.6],\"result\":-0.5,\"std\":0.01,\"energy_delta\":null,"
	"\"parameter_delta_norm\":null,\"cumulative_min_energy\":-0.5},"
	"{\"iteration\":2,\"parameters\":[4.9,5.6],\"result\":-1.5,\"std\":0.02,\"energy_delta\":-1.0,"
	"\"parameter_delta_norm\":1.0,\"cumulative_min_energy\":-1.5},"
	"{\"iteration\":3,\"parameters\":[4.9,6.6],\"result\":-1.25,\"std\":0.0,\"energy_delta\":0.25,"
	"\"parameter_delta_norm\":10000000.0,\"cumulative_min_energy\":-1.5}],"
	"\"minimum\":-1.5,\"optimal_parameters\":[4.9,5.6],\"maxcv\":0.0,\"minimization_time\":1.5,"
	"\"nuclear_repulsion_energy\":0.72,\"success\":false,\"nfev\":3,\"nit\":null},"
	"\"molecule\":{\"molecule_data\":{\"symbols\":[\"He\",\"H\"],\"coords\":[[0.0,0.0,-0.0],[0.0,0.0,0.735]],"
	"\"multiplicity\":1,\"charge\":0,\"units\":\"angstrom\",\"masses\":[4.0026,1.008]}},"
	"\"basis_set\":\"sto3g\",\"hamiltonian_time\":0.25,\"mapping_time\":0.125,\"vqe_time\":2.0,"
	"\"total_time\":2.375,\"molecule_id\":4,\"performance_start\":null,\"performance_end\":null}";

static void json_of_v2(void **state)
{
	(void)state;
	struct sample sample;
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 20);
	sample_fill(&sample);
	tarn_record_write_json(&sample.record, &out);
	tarn_buf_add_byte(&out, '\0');
	assert_string_equal((const char *)out.data, sample_json);
	tarn_buf_release(&out);
}

static void expect_same_ids(const struct tarn_record *a, const struct tarn_record *b)
{
	struct tarn_record_ids of_a, of_b;
	struct tarn_buf scratch;
	tarn_buf_init(&scratch, 1 << 20);
	tarn_record_identify(a, &scratch, &of_a);
	tarn_record_identify(b, &scratch, &of_b);
	assert_memory_equal(&of_a, &of_b, sizeof(of_a));
	tarn_buf_release(&scratch);
}

/* What is written reads back as the same record, v1 too: absent stays absent. */
static void json_reads_back(void **state)
{
	(void)state;
	void (*const fills[])(struct sample *) = { sample_fill, sample_fill_v1 };
	struct tarn_record_batch *batch = tarn_record_batch_new();
	struct tarn_buf out;
	tarn_buf_init(&out, 1 << 20);
	for (size_t i = 0; i < 2; i++) {
		struct sample sample;
		struct tarn_record record;
		struct tarn_err err;
		fills[i](&sample);
		sample.record.molecule.has_masses = i == 0;
		tarn_buf_clear(&out);
		tarn_record_write_json(&sample.record, &out);
		tarn_record_batch_clear(batch);
		if (tarn_record_batch_add_json(batch, tarn_buf_slice(&out), &err))
			fail_msg("%s", err.message);
		tarn_record_batch_get(batch, 0, &record);
		expect_same_ids(&sample.record, &record);
	}
	tarn_buf_release(&out);
	tarn_record_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_messages_come_out_byte_for_byte),
		cmocka_unit_test(nulls_survive_v2),
		cmocka_unit_test(v1_needs_shots),
		cmocka_unit_test(a_full_buffer_is_an_error),
		cmocka_unit_test(json_of_v2),
		cmocka_unit_test(json_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
