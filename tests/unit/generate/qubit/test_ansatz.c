#include "generate/qubit/ansatz.h"

#include "cmocka_tarn.h"

static void text_of_two_qubits(void **state)
{
	(void)state;
	static const char body[] = "qubit[2] q;\nry(_\xce\xb8_0_) q[0];\nrz(_\xce\xb8_2_) q[0];\nry(_\xce\xb8_1_) q[1];\n"
				   "rz(_\xce\xb8_3_) q[1];\ncx q[0], q[1];\nry(_\xce\xb8_4_) q[0];\nrz(_\xce\xb8_6_) q[0];\n"
				   "ry(_\xce\xb8_5_) q[1];\nrz(_\xce\xb8_7_) q[1];\n";
	struct tarn_ansatz_options options = { .n_qubits = 2, .reps = 1 };
	struct tarn_circuit circuit;
	struct tarn_buf text;
	tarn_buf_init(&text, 1 << 16);
	assert_int_equal(tarn_circuit_build(TARN_EFFICIENT_SU2, &options, &circuit, NULL), TARN_OK);
	tarn_circuit_qasm(&circuit, &text);
	assert_true(text.len > sizeof(body));
	assert_memory_equal(text.data + text.len - (sizeof(body) - 1), body, sizeof(body) - 1);
	tarn_buf_release(&text);
	tarn_circuit_release(&circuit);
}

static void parameters_are_counted(void **state)
{
	(void)state;
	static const struct {
		enum tarn_ansatz ansatz;
		unsigned n_qubits, reps;
		size_t n_parameters;
	} cases[] = {
		{ TARN_EFFICIENT_SU2, 4, 2, 24 },         { TARN_REAL_AMPLITUDES, 4, 2, 12 },
		{ TARN_EXCITATION_PRESERVING, 4, 1, 14 }, { TARN_EXCITATION_PRESERVING, 6, 2, 48 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_ansatz_options options = { .n_qubits = cases[i].n_qubits, .reps = cases[i].reps, .n_alpha = 1,
						       .n_beta = 1 };
		struct tarn_circuit circuit;
		assert_int_equal(tarn_circuit_build(cases[i].ansatz, &options, &circuit, NULL), TARN_OK);
		assert_int_equal(circuit.n_parameters, cases[i].n_parameters);
		tarn_circuit_release(&circuit);
	}
}

static void impossible_options_are_refused(void **state)
{
	(void)state;
	struct tarn_circuit circuit;
	struct tarn_err err;
	struct tarn_ansatz_options none = { .n_qubits = 0 }, crowded = { .n_qubits = 4, .n_alpha = 3 };
	assert_int_equal(tarn_circuit_build(TARN_EFFICIENT_SU2, &none, &circuit, &err), TARN_EINVALID);
	assert_int_equal(tarn_circuit_build(TARN_UCCSD, &crowded, &circuit, &err), TARN_EINVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_two_qubits),
		cmocka_unit_test(parameters_are_counted),
		cmocka_unit_test(impossible_options_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
