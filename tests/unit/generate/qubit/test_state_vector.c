#include "generate/qubit/observable.h"

#include <math.h>
#include <stdlib.h>

#include "cmocka_tarn.h"
#include "generate/vqe/random.h"
#include "h2.h"

static struct tarn_observable *h2_observable(enum tarn_mapping mapping)
{
	struct tarn_pauli_sum sum;
	struct tarn_observable *observable;
	tarn_pauli_sum_init(&sum, 4);
	tarn_mapping_hamiltonian(mapping, &h2_integrals, &sum);
	assert_int_equal(tarn_observable_new(&sum, &observable, NULL), TARN_OK);
	tarn_pauli_sum_release(&sum);
	return observable;
}

static double energy(enum tarn_ansatz ansatz, const double *parameters)
{
	struct tarn_ansatz_options options = { .n_qubits = 4, .reps = 1, .n_alpha = 1, .n_beta = 1 };
	struct tarn_circuit circuit;
	struct tarn_state state;
	struct tarn_observable *observable = h2_observable(TARN_JORDAN_WIGNER);
	assert_int_equal(tarn_circuit_build(ansatz, &options, &circuit, NULL), TARN_OK);
	assert_int_equal(tarn_state_new(4, 0, &state, NULL), TARN_OK);
	tarn_state_run(&state, &circuit, parameters);
	double result = tarn_observable_expect(observable, &state);
	assert_true(fabs(tarn_state_overlap_re(&state, &state) - 1) < 1e-14);
	tarn_state_release(&state);
	tarn_circuit_release(&circuit);
	tarn_observable_free(observable);
	return result;
}

/* Energies that Qiskit gives for H2 with one repetition. */
static void energies_are_the_references(void **state)
{
	(void)state;
	static const struct {
		enum tarn_ansatz ansatz;
		double ramp, zero, seed_7;
	} cases[] = {
		{ TARN_EFFICIENT_SU2, -0.563758458718, 0, -0.936751854753 },
		{ TARN_REAL_AMPLITUDES, -0.360761749284, 0, -0.718785539752 },
		{ TARN_EXCITATION_PRESERVING, -1.075813117149, -1.836967991203, NAN },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		double parameters[16];
		for (int k = 0; k < 16; k++)
			parameters[k] = 0.1 * (k + 1);
		assert_true(fabs(energy(cases[i].ansatz, parameters) - cases[i].ramp) < 2e-9);
		memset(parameters, 0, sizeof(parameters));
		assert_true(fabs(energy(cases[i].ansatz, parameters) - cases[i].zero) < 2e-9);
		if (isnan(cases[i].seed_7))
			continue;
		tarn_random_angles(7, parameters, 16);
		assert_true(fabs(energy(cases[i].ansatz, parameters) - cases[i].seed_7) < 2e-9);
	}
}

static void amplitudes_of_two_qubits(void **state)
{
	(void)state;
	static const double complex expected[] = { 0.3968566001 - 0.8035444307 * I, 0.1992924184 - 0.0886798991 * I,
						   0.3515810183 - 0.0750173214 * I, 0.1191950688 + 0.0761269920 * I };
	struct tarn_ansatz_options options = { .n_qubits = 2, .reps = 1 };
	struct tarn_circuit circuit;
	struct tarn_state psi;
	double parameters[8];
	for (int k = 0; k < 8; k++)
		parameters[k] = 0.1 * (k + 1);
	assert_int_equal(tarn_circuit_build(TARN_EFFICIENT_SU2, &options, &circuit, NULL), TARN_OK);
	assert_int_equal(tarn_state_new(2, 0, &psi, NULL), TARN_OK);
	tarn_state_run(&psi, &circuit, parameters);
	for (size_t k = 0; k < 4; k++)
		assert_true(cabs(psi.re[k] + psi.im[k] * I - expected[k]) < 1e-10);
	tarn_state_release(&psi);
	tarn_circuit_release(&circuit);
}

/* Central differences of the energy against the adjoint gradient, for every kind of gate. */
static void check_gradient(enum tarn_ansatz ansatz, enum tarn_mapping mapping)
{
	struct tarn_ansatz_options options = { .n_qubits = 4, .reps = 2, .n_alpha = 1, .n_beta = 1, .mapping = mapping };
	struct tarn_circuit circuit;
	struct tarn_state psi, work[2];
	struct tarn_observable *observable = h2_observable(mapping);
	assert_int_equal(tarn_circuit_build(ansatz, &options, &circuit, NULL), TARN_OK);
	assert_int_equal(tarn_state_new(4, 0, &psi, NULL), TARN_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(tarn_state_new(4, 0, &work[i], NULL), TARN_OK);
	double parameters[64], gradient[64];
	tarn_random_angles(3, parameters, circuit.n_parameters);
	double value = tarn_observable_gradient(observable, &circuit, parameters, &psi, work, gradient);
	assert_true(fabs(value - tarn_observable_expect(observable, &psi)) < 1e-13);
	for (size_t i = 0; i < circuit.n_parameters; i++) {
		const double step = 1e-5;
		double keep = parameters[i];
		parameters[i] = keep + step;
		tarn_state_run(&psi, &circuit, parameters);
		double up = tarn_observable_expect(observable, &psi);
		parameters[i] = keep - step;
		tarn_state_run(&psi, &circuit, parameters);
		double down = tarn_observable_expect(observable, &psi);
		parameters[i] = keep;
		assert_true(fabs((up - down) / (2 * step) - gradient[i]) < 1e-8);
	}
	tarn_state_release(&psi);
	tarn_state_release(&work[0]);
	tarn_state_release(&work[1]);
	tarn_circuit_release(&circuit);
	tarn_observable_free(observable);
}

static void gradients_agree_with_differences(void **state)
{
	(void)state;
	for (int ansatz = TARN_EFFICIENT_SU2; ansatz <= TARN_UCCSD; ansatz++)
		check_gradient((enum tarn_ansatz)ansatz, TARN_JORDAN_WIGNER);
	check_gradient(TARN_UCCSD, TARN_PARITY);
	check_gradient(TARN_UCCSD, TARN_BRAVYI_KITAEV);
}

/* UCCSD is exact for two electrons: plain descent along the gradient must end at the lowest state of H2. */
static void uccsd_reaches_the_exact_energy(void **state)
{
	(void)state;
	const double exact = -1.8572750302;
	for (int mapping = TARN_JORDAN_WIGNER; mapping <= TARN_BRAVYI_KITAEV; mapping++) {
		struct tarn_ansatz_options options = { .n_qubits = 4, .reps = 1, .n_alpha = 1, .n_beta = 1,
						       .mapping = (enum tarn_mapping)mapping };
		struct tarn_circuit circuit;
		struct tarn_state psi, work[2];
		struct tarn_observable *observable = h2_observable((enum tarn_mapping)mapping);
		assert_int_equal(tarn_circuit_build(TARN_UCCSD, &options, &circuit, NULL), TARN_OK);
		assert_int_equal(circuit.n_parameters, 3);
		assert_int_equal(tarn_state_new(4, 0, &psi, NULL), TARN_OK);
		for (int i = 0; i < 2; i++)
			assert_int_equal(tarn_state_new(4, 0, &work[i], NULL), TARN_OK);
		double parameters[3] = { 0 }, gradient[3], value = 0;
		for (int iteration = 0; iteration < 200; iteration++) {
			value = tarn_observable_gradient(observable, &circuit, parameters, &psi, work, gradient);
			for (int i = 0; i < 3; i++)
				parameters[i] -= 0.2 * gradient[i];
		}
		assert_true(fabs(value - exact) < 1e-9);
		tarn_state_release(&psi);
		tarn_state_release(&work[0]);
		tarn_state_release(&work[1]);
		tarn_circuit_release(&circuit);
		tarn_observable_free(observable);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(energies_are_the_references),
		cmocka_unit_test(amplitudes_of_two_qubits),
		cmocka_unit_test(gradients_agree_with_differences),
		cmocka_unit_test(uccsd_reaches_the_exact_energy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
