#include "generate/qubit/mapping.h"

#include <math.h>

#include "cmocka_tarn.h"
#include "h2.h"

struct expected_term {
	const char *label;
	double coefficient;
};

static const struct expected_term jordan_wigner[] = {
	{ "IIII", -0.8105479805 }, { "IIIZ", 0.1721839326 }, { "IIZI", -0.2257534922 }, { "IZII", 0.1721839326 },
	{ "ZIII", -0.2257534922 }, { "IIZZ", 0.1209126326 }, { "IZIZ", 0.1689275387 }, { "ZIIZ", 0.1661454326 },
	{ "YYYY", 0.0452327999 }, { "XXYY", 0.0452327999 }, { "YYXX", 0.0452327999 }, { "XXXX", 0.0452327999 },
	{ "IZZI", 0.1661454326 }, { "ZIZI", 0.1746434307 }, { "ZZII", 0.1209126326 },
};
static const struct expected_term reduced_parity[] = {
	{ "II", -1.0523732458 }, { "IZ", 0.3979374248 }, { "ZI", -0.3979374248 }, { "ZZ", -0.0112801043 }, { "XX", 0.1809311998 },
};

static double coefficient_of(const struct tarn_pauli_sum *sum, const char *label)
{
	struct tarn_pauli wanted;
	assert_int_equal(tarn_pauli_parse(label, strlen(label), &wanted, NULL), TARN_OK);
	for (size_t i = 0; i < sum->n; i++)
		if (sum->terms[i].x == wanted.x && sum->terms[i].z == wanted.z)
			return creal(sum->coefficients[i]);
	fail_msg("no term %s", label);
	return NAN;
}

static void h2_terms_come_in_the_references_order(void **state)
{
	(void)state;
	struct tarn_pauli_sum sum;
	tarn_pauli_sum_init(&sum, 4);
	tarn_mapping_hamiltonian(TARN_JORDAN_WIGNER, &h2_integrals, &sum);
	assert_int_equal(sum.n, 15);
	for (size_t i = 0; i < sum.n; i++) {
		char label[5] = "";
		tarn_pauli_label(sum.terms[i], 4, label);
		assert_string_equal(label, jordan_wigner[i].label);
		assert_true(fabs(creal(sum.coefficients[i]) - jordan_wigner[i].coefficient) < 2e-10);
		assert_true(cimag(sum.coefficients[i]) == 0);
	}
	tarn_pauli_sum_release(&sum);
}

static void h2_reduces_to_two_qubits(void **state)
{
	(void)state;
	struct tarn_pauli_sum sum;
	tarn_pauli_sum_init(&sum, 4);
	tarn_mapping_hamiltonian(TARN_PARITY, &h2_integrals, &sum);
	tarn_mapping_reduce(&sum, 1, 1);
	assert_int_equal(sum.n_qubits, 2);
	assert_int_equal(sum.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_true(fabs(coefficient_of(&sum, reduced_parity[i].label) - reduced_parity[i].coefficient) < 4e-10);
	tarn_pauli_sum_release(&sum);
}

static void ladders_are_qiskits(void **state)
{
	(void)state;
	static const struct {
		enum tarn_mapping mapping;
		unsigned mode;
		const char *a, *b;
	} cases[] = {
		{ TARN_JORDAN_WIGNER, 1, "IIXZ", "IIYZ" }, { TARN_PARITY, 1, "XXXZ", "XXYI" },
		{ TARN_BRAVYI_KITAEV, 0, "XIXX", "XIXY" }, { TARN_BRAVYI_KITAEV, 1, "XIXZ", "XIYI" },
		{ TARN_BRAVYI_KITAEV, 2, "XXZI", "XYZI" }, { TARN_BRAVYI_KITAEV, 3, "XZZI", "YIII" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_ladder ladders[4];
		char label[5] = "";
		tarn_mapping_ladders(cases[i].mapping, 4, ladders);
		tarn_pauli_label(ladders[cases[i].mode].a, 4, label);
		assert_string_equal(label, cases[i].a);
		tarn_pauli_label(ladders[cases[i].mode].b, 4, label);
		assert_string_equal(label, cases[i].b);
	}
}

/* {a_i, a+_j} = delta_ij, {a_i, a_j} = 0 for every mapping. */
static void check_anticommutator(const struct tarn_ladder *ladders, unsigned n, unsigned i, unsigned j, bool create_j)
{
	struct tarn_pauli_sum left, right, one, other;
	tarn_pauli_sum_init(&left, n);
	tarn_pauli_sum_init(&right, n);
	tarn_pauli_sum_init(&one, n);
	tarn_pauli_sum_init(&other, n);
	tarn_pauli_sum_add(&left, ladders[i].a, 0.5);
	tarn_pauli_sum_add(&left, ladders[i].b, 0.5 * I);
	tarn_pauli_sum_add(&right, ladders[j].a, 0.5);
	tarn_pauli_sum_add(&right, ladders[j].b, create_j ? -0.5 * I : 0.5 * I);
	tarn_pauli_sum_multiply(&left, &right, &one);
	tarn_pauli_sum_multiply(&right, &left, &other);
	for (size_t k = 0; k < other.n; k++)
		tarn_pauli_sum_add(&one, other.terms[k], other.coefficients[k]);
	tarn_pauli_sum_simplify(&one, 1e-12);
	bool is_one = create_j && i == j;
	assert_int_equal(one.n, is_one ? 1 : 0);
	if (is_one)
		assert_true(one.terms[0].x == 0 && one.terms[0].z == 0 && one.coefficients[0] == 1);
	tarn_pauli_sum_release(&left);
	tarn_pauli_sum_release(&right);
	tarn_pauli_sum_release(&one);
	tarn_pauli_sum_release(&other);
}

static void ladders_anticommute(void **state)
{
	(void)state;
	for (int mapping = TARN_JORDAN_WIGNER; mapping <= TARN_BRAVYI_KITAEV; mapping++) {
		for (unsigned n = 1; n <= 7; n++) {
			struct tarn_ladder ladders[8];
			tarn_mapping_ladders((enum tarn_mapping)mapping, n, ladders);
			for (unsigned i = 0; i < n; i++)
				for (unsigned j = 0; j < n; j++) {
					check_anticommutator(ladders, n, i, j, true);
					check_anticommutator(ladders, n, i, j, false);
				}
		}
	}
}

static void hartree_fock_states_of_h2(void **state)
{
	(void)state;
	assert_int_equal(tarn_mapping_state(TARN_JORDAN_WIGNER, 4, 5), 5);
	assert_int_equal(tarn_mapping_state(TARN_PARITY, 4, 5), 3);
	assert_int_equal(tarn_mapping_state(TARN_BRAVYI_KITAEV, 4, 5), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h2_terms_come_in_the_references_order),
		cmocka_unit_test(h2_reduces_to_two_qubits),
		cmocka_unit_test(ladders_are_qiskits),
		cmocka_unit_test(ladders_anticommute),
		cmocka_unit_test(hartree_fock_states_of_h2),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
