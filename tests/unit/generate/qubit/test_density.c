#include "generate/qubit/density.h"

#include <math.h>

#include "cmocka_tarn.h"
#include "generate/qubit/observable.h"
#include "generate/qubit/sample.h"
#include "h2.h"

static double expect_label(const char *label, const struct tarn_state *density, double readout)
{
	struct tarn_pauli_sum sum;
	struct tarn_pauli term;
	tarn_pauli_sum_init(&sum, (unsigned)strlen(label));
	assert_int_equal(tarn_pauli_parse(label, strlen(label), &term, NULL), TARN_OK);
	tarn_pauli_sum_add(&sum, term, 1);
	double value = tarn_density_expect(&sum, density, readout);
	tarn_pauli_sum_release(&sum);
	return value;
}

static struct tarn_state run(const struct tarn_circuit *circuit, const struct tarn_noise *noise, const double *angles)
{
	struct tarn_circuit doubled;
	struct tarn_state density;
	assert_int_equal(tarn_density_circuit(circuit, noise, &doubled, NULL), TARN_OK);
	assert_int_equal(tarn_state_new(doubled.n_qubits, 0, &density, NULL), TARN_OK);
	tarn_state_run(&density, &doubled, angles);
	tarn_circuit_release(&doubled);
	return density;
}

/* RY(t) on qubit 0, then CX: depolarizing shrinks what it touches by 1 - p, and the gates move it on. */
static void noise_shrinks_expectations(void **state)
{
	(void)state;
	const double t = 0.7, p = 0.03, q = 0.11, f = 0.02;
	const struct tarn_noise noise = { .one = p, .two = q };
	struct tarn_circuit circuit = { .n_qubits = 2, .n_parameters = 1 };
	tarn_circuit_add(&circuit, (struct tarn_gate){ .kind = TARN_GATE_RY, .qubit = 0, .parameter = 0, .scale = 1 });
	tarn_circuit_add(&circuit, (struct tarn_gate){ .kind = TARN_GATE_CX, .qubit = 0, .other = 1, .parameter = -1 });
	struct tarn_state density = run(&circuit, &noise, &t);
	const struct {
		const char *label;
		double expected;
	} cases[] = {
		{ "II", 1 },
		{ "IZ", (1 - q) * (1 - p) * cos(t) },
		{ "ZI", (1 - q) * (1 - p) * cos(t) },
		{ "ZZ", 1 - q },
		{ "XX", (1 - q) * (1 - p) * sin(t) },
		{ "YY", -(1 - q) * (1 - p) * sin(t) },
		{ "XI", 0 },
		{ "XY", 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int width = (cases[i].label[0] != 'I') + (cases[i].label[1] != 'I');
		assert_true(fabs(expect_label(cases[i].label, &density, 0) - cases[i].expected) < 1e-14);
		assert_true(fabs(expect_label(cases[i].label, &density, f) -
				 pow(1 - 2 * f, width) * cases[i].expected) < 1e-14);
	}
	tarn_state_release(&density);
	tarn_circuit_release(&circuit);
}

/* On every qubit noise after a rotation about Z shrinks X and Y by 1 - p and leaves no trace of a phase. */
static void phases_are_conjugated(void **state)
{
	(void)state;
	const double angles[] = { 0.4, 1.1 }, p = 0.2;
	const struct tarn_noise noise = { .one = p };
	struct tarn_circuit circuit = { .n_qubits = 1, .n_parameters = 2 };
	tarn_circuit_add(&circuit, (struct tarn_gate){ .kind = TARN_GATE_RY, .parameter = 0, .scale = 1 });
	tarn_circuit_add(&circuit, (struct tarn_gate){ .kind = TARN_GATE_RZ, .parameter = 1, .scale = 1 });
	struct tarn_state density = run(&circuit, &noise, angles);
	const double kept = (1 - p) * (1 - p);
	assert_true(fabs(expect_label("X", &density, 0) - kept * sin(0.4) * cos(1.1)) < 1e-14);
	assert_true(fabs(expect_label("Y", &density, 0) - kept * sin(0.4) * sin(1.1)) < 1e-14);
	assert_true(fabs(expect_label("Z", &density, 0) - kept * cos(0.4)) < 1e-14);
	tarn_state_release(&density);
	tarn_circuit_release(&circuit);
}

static void h2(struct tarn_pauli_sum *sum)
{
	tarn_pauli_sum_init(sum, 4);
	tarn_mapping_hamiltonian(TARN_JORDAN_WIGNER, &h2_integrals, sum);
}

static void build(enum tarn_ansatz ansatz, struct tarn_circuit *circuit, double *angles)
{
	struct tarn_ansatz_options options = { .n_qubits = 4, .reps = 1, .n_alpha = 1, .n_beta = 1 };
	assert_int_equal(tarn_circuit_build(ansatz, &options, circuit, NULL), TARN_OK);
	for (size_t i = 0; i < circuit->n_parameters; i++)
		angles[i] = 0.1 * (double)(i + 1);
}

static void without_noise_it_is_the_state(void **state)
{
	(void)state;
	for (int ansatz = TARN_EFFICIENT_SU2; ansatz <= TARN_UCCSD; ansatz++) {
		struct tarn_pauli_sum sum;
		struct tarn_circuit circuit;
		struct tarn_state pure;
		struct tarn_observable *observable;
		double angles[64];
		h2(&sum);
		build((enum tarn_ansatz)ansatz, &circuit, angles);
		assert_int_equal(tarn_state_new(4, 0, &pure, NULL), TARN_OK);
		assert_int_equal(tarn_observable_new(&sum, &observable, NULL), TARN_OK);
		struct tarn_state density = run(&circuit, &(struct tarn_noise){ .one = 0 }, angles);
		tarn_state_run(&pure, &circuit, angles);
		assert_true(fabs(tarn_density_expect(&sum, &density, 0) - tarn_observable_expect(observable, &pure)) <
			    1e-13);
		tarn_state_release(&pure);
		tarn_state_release(&density);
		tarn_observable_free(observable);
		tarn_circuit_release(&circuit);
		tarn_pauli_sum_release(&sum);
	}
}

/* p = 1 in the last layer leaves nothing but the identity. */
static void all_noise_leaves_the_identity(void **state)
{
	(void)state;
	struct tarn_pauli_sum sum;
	struct tarn_circuit circuit;
	double angles[64];
	h2(&sum);
	build(TARN_EFFICIENT_SU2, &circuit, angles);
	struct tarn_state density = run(&circuit, &(struct tarn_noise){ .one = 1, .two = 0.1 }, angles);
	assert_true(fabs(tarn_density_expect(&sum, &density, 0) - creal(sum.coefficients[0])) < 1e-14);
	tarn_state_release(&density);
	tarn_circuit_release(&circuit);
	tarn_pauli_sum_release(&sum);
}

/* `std` adds deviations instead of their squares and is three times the true error or more (test_sample.c). */
static void shots_agree_with_the_matrix(void **state)
{
	(void)state;
	struct tarn_pauli_sum sum;
	struct tarn_circuit circuit;
	struct tarn_sampler *sampler;
	struct tarn_state work;
	struct tarn_random random;
	double angles[64];
	h2(&sum);
	build(TARN_EXCITATION_PRESERVING, &circuit, angles);
	struct tarn_state density = run(&circuit, &(struct tarn_noise){ .one = 0.01, .two = 0.04 }, angles);
	assert_int_equal(tarn_state_new(8, 0, &work, NULL), TARN_OK);
	assert_int_equal(tarn_sampler_new(&sum, &sampler, NULL), TARN_OK);
	tarn_random_seed(&random, 5);
	struct tarn_measurement measured = tarn_sampler_measure(sampler, &density, &work, 20000, 0.03, &random);
	double expected = tarn_density_expect(&sum, &density, 0.03);
	assert_true(fabs(measured.energy - expected) < measured.std);
	assert_true(fabs(measured.energy - tarn_density_expect(&sum, &density, 0)) > measured.std);
	tarn_sampler_free(sampler);
	tarn_state_release(&work);
	tarn_state_release(&density);
	tarn_circuit_release(&circuit);
	tarn_pauli_sum_release(&sum);
}

static void what_cannot_be_is_refused(void **state)
{
	(void)state;
	struct tarn_circuit circuit, doubled;
	double angles[64];
	build(TARN_UCCSD, &circuit, angles);
	assert_int_equal(tarn_density_circuit(&circuit, &(struct tarn_noise){ .one = 0.1 }, &doubled, NULL),
			 TARN_EUNSUPPORTED);
	tarn_circuit_release(&circuit);
	circuit = (struct tarn_circuit){ .n_qubits = TARN_STATE_MAX_QUBITS / 2 + 1 };
	assert_int_equal(tarn_density_circuit(&circuit, &(struct tarn_noise){ .one = 0.1 }, &doubled, NULL),
			 TARN_ELIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_shrinks_expectations),	 cmocka_unit_test(phases_are_conjugated),
		cmocka_unit_test(without_noise_it_is_the_state), cmocka_unit_test(all_noise_leaves_the_identity),
		cmocka_unit_test(shots_agree_with_the_matrix),	 cmocka_unit_test(what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
