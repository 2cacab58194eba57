#include "generate/qubit/observable.h"

#include <math.h>
#include <stdlib.h>

#include "cmocka_tarn.h"
#include "generate/vqe/random.h"

static struct tarn_state random_state(unsigned n_qubits, struct tarn_random *random)
{
	struct tarn_state state;
	double norm = 0;
	assert_int_equal(tarn_state_new(n_qubits, 0, &state, NULL), TARN_OK);
	for (size_t k = 0; k < (size_t)1 << n_qubits; k++) {
		state.re[k] = tarn_random_uniform(random) - 0.5;
		state.im[k] = tarn_random_uniform(random) - 0.5;
		norm += state.re[k] * state.re[k] + state.im[k] * state.im[k];
	}
	for (size_t k = 0; k < (size_t)1 << n_qubits; k++) {
		state.re[k] /= sqrt(norm);
		state.im[k] /= sqrt(norm);
	}
	return state;
}

static struct tarn_pauli_sum random_sum(unsigned n_qubits, size_t n, struct tarn_random *random)
{
	struct tarn_pauli_sum sum;
	uint64_t mask = ((uint64_t)1 << n_qubits) - 1;
	tarn_pauli_sum_init(&sum, n_qubits);
	for (size_t i = 0; i < n; i++) {
		struct tarn_pauli term = { tarn_random_next(random) & mask, tarn_random_next(random) & mask };
		if (i % 3 && i > 0)
			term.x = sum.terms[i - 1].x; /* some share their X part */
		tarn_pauli_sum_add(&sum, term, tarn_random_uniform(random) - 0.5);
	}
	return sum;
}

/* H |psi> term by term: P |k> = i^|y| (-1)^|z & k| |k ^ x>. */
static double complex *apply_plainly(const struct tarn_pauli_sum *sum, const struct tarn_state *state)
{
	static const double complex powers[] = { 1, I, -1, -I };
	double complex *out = calloc((size_t)1 << sum->n_qubits, sizeof(*out));
	for (size_t i = 0; i < sum->n; i++) {
		struct tarn_pauli p = sum->terms[i];
		for (uint64_t k = 0; k < (uint64_t)1 << sum->n_qubits; k++) {
			double complex amplitude = state->re[k] + I * state->im[k];
			double complex phase = powers[__builtin_popcountll(p.x & p.z) & 3];
			out[k ^ p.x] +=
				(__builtin_parityll(p.z & k) ? -1 : 1) * phase * sum->coefficients[i] * amplitude;
		}
	}
	return out;
}

static void check(const struct tarn_pauli_sum *sum, struct tarn_random *random)
{
	struct tarn_state state = random_state(sum->n_qubits, random), out = random_state(sum->n_qubits, random);
	struct tarn_observable *observable;
	double complex *expected = apply_plainly(sum, &state), energy = 0;
	assert_int_equal(tarn_observable_new(sum, &observable, NULL), TARN_OK);
	tarn_observable_apply(observable, &state, &out);
	for (size_t k = 0; k < (size_t)1 << sum->n_qubits; k++) {
		assert_true(cabs(expected[k] - (out.re[k] + I * out.im[k])) < 1e-13);
		energy += (state.re[k] - I * state.im[k]) * expected[k];
	}
	assert_true(fabs(creal(energy) - tarn_observable_expect(observable, &state)) < 1e-13);
	free(expected);
	tarn_observable_free(observable);
	tarn_state_release(&state);
	tarn_state_release(&out);
}

static void any_sum_is_its_terms(void **unused)
{
	(void)unused;
	struct tarn_random random;
	tarn_random_seed(&random, 11);
	for (unsigned n_qubits = 1; n_qubits <= 11; n_qubits++) {
		for (size_t n = 0; n <= 40; n += 8) {
			struct tarn_pauli_sum sum = random_sum(n_qubits, n, &random);
			check(&sum, &random);
			tarn_pauli_sum_release(&sum);
		}
	}
}

/* Where the threads begin: blocks of one exchange reach over all of the state. */
static void threads_take_blocks(void **unused)
{
	(void)unused;
	struct tarn_random random;
	tarn_random_seed(&random, 12);
	struct tarn_pauli_sum sum = random_sum(14, 12, &random);
	check(&sum, &random);
	tarn_pauli_sum_release(&sum);
}

/* (X X + Y Y) / 2 and Z-dressed kin move one particle: half of what a term alone touches is nothing. */
static void exchanges_cancel(void **unused)
{
	(void)unused;
	static const char *const labels[] = { "IXZZX", "IYZZY", "ZXZZX", "ZYZZY", "XZXII",
					      "YZYII", "XXXXI", "YYYYI", "XXYYI", "YYXXI" };
	struct tarn_random random;
	struct tarn_pauli_sum sum;
	tarn_random_seed(&random, 13);
	tarn_pauli_sum_init(&sum, 5);
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		struct tarn_pauli term;
		assert_int_equal(tarn_pauli_parse(labels[i], 5, &term, NULL), TARN_OK);
		tarn_pauli_sum_add(&sum, term, 0.25);
	}
	check(&sum, &random);
	tarn_pauli_sum_release(&sum);
}

static void a_sum_that_is_not_hermitian_is_refused(void **unused)
{
	(void)unused;
	struct tarn_pauli_sum sum;
	struct tarn_observable *observable;
	struct tarn_err err;
	tarn_pauli_sum_init(&sum, 1);
	tarn_pauli_sum_add(&sum, (struct tarn_pauli){ 1, 0 }, I);
	assert_int_equal(tarn_observable_new(&sum, &observable, &err), TARN_EINVALID);
	tarn_pauli_sum_release(&sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_sum_is_its_terms),
		cmocka_unit_test(threads_take_blocks),
		cmocka_unit_test(exchanges_cancel),
		cmocka_unit_test(a_sum_that_is_not_hermitian_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
