#include "generate/qubit/circuit_run.h"

#include <math.h>

#include "cmocka_tarn.h"
#include "generate/qubit/density.h"
#include "generate/vqe/random.h"

enum { MOST_ANGLES = 1000 };

static void gate_by_gate(struct tarn_state *state, const struct tarn_circuit *circuit, const double *angles)
{
	tarn_state_reset(state, 0);
	for (size_t i = 0; i < circuit->n; i++)
		tarn_state_apply(state, &circuit->gates[i], angles, false);
}

/* Both ways give the same amplitudes; returns the sum of their squares. */
static double check(const struct tarn_circuit *circuit)
{
	double angles[MOST_ANGLES];
	struct tarn_state whole, tiled;
	assert_true(circuit->n_parameters <= MOST_ANGLES);
	tarn_random_angles(21, angles, circuit->n_parameters);
	assert_int_equal(tarn_state_new(circuit->n_qubits, 0, &whole, NULL), TARN_OK);
	assert_int_equal(tarn_state_new(circuit->n_qubits, 0, &tiled, NULL), TARN_OK);
	gate_by_gate(&whole, circuit, angles);
	tarn_state_run(&tiled, circuit, angles);
	double norm = 0;
	for (size_t k = 0; k < (size_t)1 << circuit->n_qubits; k++) {
		assert_true(fabs(whole.re[k] - tiled.re[k]) < 1e-14 && fabs(whole.im[k] - tiled.im[k]) < 1e-14);
		norm += tiled.re[k] * tiled.re[k] + tiled.im[k] * tiled.im[k];
	}
	tarn_state_release(&whole);
	tarn_state_release(&tiled);
	return norm;
}

/* Sizes below a tile, above it, and where threads begin. */
static void tiles_give_what_gates_give(void **state)
{
	(void)state;
	static const unsigned sizes[] = { 2, 4, 10, 12, 14 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (int ansatz = TARN_EFFICIENT_SU2; ansatz <= TARN_UCCSD; ansatz++) {
			struct tarn_ansatz_options options = { .n_qubits = sizes[i],
							       .reps = 2,
							       .n_alpha = 1,
							       .n_beta = 1,
							       .entanglement = TARN_ENTANGLE_FULL };
			struct tarn_circuit circuit;
			assert_int_equal(tarn_circuit_build((enum tarn_ansatz)ansatz, &options, &circuit, NULL),
					 TARN_OK);
			assert_true(fabs(check(&circuit) - 1) < 1e-12);
			tarn_circuit_release(&circuit);
		}
	}
}

/* Strings that are wider than a tile are done on the whole state, between others. */
static void wide_gates_too(void **state)
{
	(void)state;
	struct tarn_circuit circuit = { .n_qubits = 13, .n_parameters = 3 };
	tarn_circuit_add(&circuit, (struct tarn_gate){ .kind = TARN_GATE_RY, .qubit = 12, .parameter = 0, .scale = 1 });
	tarn_circuit_add(&circuit,
			 (struct tarn_gate){
				 .kind = TARN_GATE_PAULI, .parameter = 1, .scale = 0.5, .pauli = { 0x1fff, 0x0f0f } });
	tarn_circuit_add(&circuit, (struct tarn_gate){ .kind = TARN_GATE_RY, .qubit = 3, .parameter = 2, .scale = 1 });
	assert_true(fabs(check(&circuit) - 1) < 1e-12);
	tarn_circuit_release(&circuit);
}

static void noise_too(void **state)
{
	(void)state;
	struct tarn_ansatz_options options = { .n_qubits = 6, .reps = 1, .entanglement = TARN_ENTANGLE_CIRCULAR };
	struct tarn_circuit circuit, doubled;
	assert_int_equal(tarn_circuit_build(TARN_HARDWARE_EFFICIENT, &options, &circuit, NULL), TARN_OK);
	assert_int_equal(
		tarn_density_circuit(&circuit, &(struct tarn_noise){ .one = 0.01, .two = 0.1 }, &doubled, NULL),
		TARN_OK);
	assert_true(check(&doubled) < 1); /* of a density matrix it is the purity */
	tarn_circuit_release(&circuit);
	tarn_circuit_release(&doubled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiles_give_what_gates_give),
		cmocka_unit_test(wide_gates_too),
		cmocka_unit_test(noise_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
