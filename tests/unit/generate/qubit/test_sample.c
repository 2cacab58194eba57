#include "generate/qubit/sample.h"

#include <math.h>
#include <stdlib.h>

#include "cmocka_tarn.h"
#include "generate/qubit/observable.h"
#include "h2.h"

enum { SHOTS = 20000 };

/* H2 over a state that no symmetry makes simple. */
struct fixture {
	struct tarn_pauli_sum hamiltonian;
	struct tarn_circuit circuit;
	struct tarn_state state, work;
	struct tarn_sampler *sampler;
	double exact;
};

static void set_up(struct fixture *fixture)
{
	struct tarn_ansatz_options options = { .n_qubits = 4, .reps = 1, .n_alpha = 1, .n_beta = 1 };
	struct tarn_observable *observable;
	double angles[16];
	tarn_pauli_sum_init(&fixture->hamiltonian, 0);
	tarn_mapping_hamiltonian(TARN_JORDAN_WIGNER, &h2_integrals, &fixture->hamiltonian);
	assert_int_equal(tarn_circuit_build(TARN_EFFICIENT_SU2, &options, &fixture->circuit, NULL), TARN_OK);
	assert_int_equal(tarn_state_new(4, 0, &fixture->state, NULL), TARN_OK);
	assert_int_equal(tarn_state_new(4, 0, &fixture->work, NULL), TARN_OK);
	assert_int_equal(tarn_sampler_new(&fixture->hamiltonian, &fixture->sampler, NULL), TARN_OK);
	for (size_t i = 0; i < 16; i++)
		angles[i] = 0.1 * (double)(i + 1);
	tarn_state_run(&fixture->state, &fixture->circuit, angles);
	assert_int_equal(tarn_observable_new(&fixture->hamiltonian, &observable, NULL), TARN_OK);
	fixture->exact = tarn_observable_expect(observable, &fixture->state);
	tarn_observable_free(observable);
}

static void tear_down(struct fixture *fixture)
{
	tarn_sampler_free(fixture->sampler);
	tarn_state_release(&fixture->state);
	tarn_state_release(&fixture->work);
	tarn_circuit_release(&fixture->circuit);
	tarn_pauli_sum_release(&fixture->hamiltonian);
}

static struct tarn_measurement measure(struct fixture *fixture, uint64_t seed, unsigned shots, double readout)
{
	struct tarn_random random;
	tarn_random_seed(&random, seed);
	return tarn_sampler_measure(fixture->sampler, &fixture->state, &fixture->work, shots, readout, &random);
}

/* The reference's estimator measures these terms in five bases too. */
static void test_groups(void **unused)
{
	struct fixture fixture;
	(void)unused;
	set_up(&fixture);
	assert_int_equal(tarn_sampler_groups(fixture.sampler), 5);
	tear_down(&fixture);
}

/* `std` adds deviations instead of their squares: it bounds the true error, so five times a third of it is still generous. */
static void test_mean(void **unused)
{
	struct fixture fixture;
	double sum = 0, squares = 0;
	enum { RUNS = 40 };
	(void)unused;
	set_up(&fixture);
	for (uint64_t seed = 0; seed < RUNS; seed++) {
		struct tarn_measurement measured = measure(&fixture, seed, SHOTS, 0);
		assert_true(measured.std > 0 && fabs(measured.energy - fixture.exact) < measured.std);
		sum += measured.energy - fixture.exact;
		squares += (measured.energy - fixture.exact) * (measured.energy - fixture.exact);
	}
	double deviation = sqrt(squares / RUNS);
	assert_true(fabs(sum / RUNS) < 5 * deviation / sqrt(RUNS));
	assert_true(deviation > 1e-4 && deviation < 3e-3);
	tear_down(&fixture);
}

/* Errors shrink with the root of the shots. */
static void test_shots(void **unused)
{
	struct fixture fixture;
	(void)unused;
	set_up(&fixture);
	double few = measure(&fixture, 1, 100, 0).std, many = measure(&fixture, 1, 10000, 0).std;
	assert_true(few / many > 8.5 && few / many < 11.5);
	tear_down(&fixture);
}

/* A bit that is read wrongly with probability p turns each Z into (1 - 2p) Z: the energy of H2's identity alone is left at 1/2. */
static void test_readout(void **unused)
{
	struct fixture fixture;
	(void)unused;
	set_up(&fixture);
	struct tarn_measurement noise = measure(&fixture, 3, SHOTS, 0.5);
	assert_true(fabs(noise.energy - creal(fixture.hamiltonian.coefficients[0])) < noise.std);
	struct tarn_measurement some = measure(&fixture, 3, SHOTS, 0.05);
	assert_true(fabs(some.energy - fixture.exact) > some.std);
	tear_down(&fixture);
}

static void test_same_seed(void **unused)
{
	struct fixture fixture;
	(void)unused;
	set_up(&fixture);
	struct tarn_measurement a = measure(&fixture, 11, 500, 0.01), b = measure(&fixture, 11, 500, 0.01);
	assert_true(a.energy == b.energy && a.std == b.std);
	assert_true(measure(&fixture, 12, 500, 0.01).energy != a.energy);
	tear_down(&fixture);
}

static void test_complex_coefficient(void **unused)
{
	struct tarn_pauli_sum sum;
	struct tarn_sampler *sampler;
	struct tarn_err err;
	(void)unused;
	tarn_pauli_sum_init(&sum, 1);
	tarn_pauli_sum_add(&sum, (struct tarn_pauli){ 0, 1 }, I);
	assert_int_equal(tarn_sampler_new(&sum, &sampler, &err), TARN_EINVALID);
	tarn_pauli_sum_release(&sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),  cmocka_unit_test(test_mean),      cmocka_unit_test(test_shots),
		cmocka_unit_test(test_readout), cmocka_unit_test(test_same_seed), cmocka_unit_test(test_complex_coefficient),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
