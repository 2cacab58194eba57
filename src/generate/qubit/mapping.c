#include "generate/qubit/mapping.h"

#include <math.h>
#include <string.h>

static const double tolerance = 1e-8; /* the reference's (Qiskit Nature's and its own default) */

static uint64_t bit(unsigned i)
{
	return (uint64_t)1 << i;
}

static uint64_t below(unsigned i)
{
	return bit(i) - 1;
}

static uint64_t first(unsigned n)
{
	return n >= 64 ? ~(uint64_t)0 : below(n);
}

static uint64_t above(unsigned i, unsigned n_modes)
{
	return first(n_modes) & ~first(i + 1);
}

/* ---- Bravyi-Kitaev's sets: qubit i holds the parity of the modes in `stored[i]`, a Fenwick tree over 2^k modes ---- */

static unsigned next_power_of_two(unsigned n)
{
	unsigned size = 1;
	while (size < n)
		size *= 2;
	return size;
}

/* Modes whose occupation qubit i sums: those of the subtree that ends at i. */
static uint64_t stored_modes(unsigned i)
{
	unsigned width = (i + 1) & -(i + 1);
	return first(i + 1) & ~first(i + 1 - width);
}

static uint64_t update_set(unsigned mode, unsigned size)
{
	uint64_t set = 0;
	for (unsigned i = mode + 1; i < size; i++)
		if (stored_modes(i) >> mode & 1)
			set |= bit(i);
	return set;
}

/* Qubits whose product of Z is the parity of all modes below `mode`. */
static uint64_t parity_set(unsigned mode)
{
	uint64_t set = 0;
	while (mode) {
		set |= bit(mode - 1);
		mode &= mode - 1;
	}
	return set;
}

/* Qubits that tell whether qubit `mode` holds its mode's occupation or the inverse of it. */
static uint64_t flip_set(unsigned mode)
{
	unsigned width = (mode + 1) & -(mode + 1);
	return parity_set(mode) & ~parity_set(mode + 1 - width);
}

static struct tarn_ladder bravyi_kitaev(unsigned j, unsigned n_modes)
{
	uint64_t update = update_set(j, next_power_of_two(n_modes)) & first(n_modes);
	uint64_t parity = parity_set(j), remainder = parity & ~flip_set(j);
	return (struct tarn_ladder){ .a = { update | bit(j), parity }, .b = { update | bit(j), remainder | bit(j) } };
}

static struct tarn_ladder ladder(enum tarn_mapping mapping, unsigned j, unsigned n_modes)
{
	switch (mapping) {
	case TARN_PARITY: {
		uint64_t x = above(j, n_modes) | bit(j);
		return (struct tarn_ladder){ .a = { x, j ? bit(j - 1) : 0 }, .b = { x, bit(j) } };
	}
	case TARN_BRAVYI_KITAEV: return bravyi_kitaev(j, n_modes);
	case TARN_JORDAN_WIGNER: break;
	}
	return (struct tarn_ladder){ .a = { bit(j), below(j) }, .b = { bit(j), below(j) | bit(j) } };
}

void tarn_mapping_ladders(enum tarn_mapping mapping, unsigned n_modes, struct tarn_ladder *ladders)
{
	for (unsigned j = 0; j < n_modes; j++)
		ladders[j] = ladder(mapping, j, n_modes);
}

uint64_t tarn_mapping_state(enum tarn_mapping mapping, unsigned n_modes, uint64_t occupied)
{
	uint64_t state = 0;
	for (unsigned i = 0; i < n_modes; i++) {
		uint64_t sum_of = mapping == TARN_PARITY ? first(i + 1)
				: mapping == TARN_BRAVYI_KITAEV ? stored_modes(i)
								: bit(i);
		if (__builtin_parityll(occupied & sum_of))
			state |= bit(i);
	}
	return state;
}

/* ---- the Hamiltonian ---- */

struct builder {
	const struct tarn_ladder *ladders;
	struct tarn_pauli_sum *sum;
	struct tarn_pauli_sum product, factor, next; /* working space */
};

static void put_ladder(struct tarn_pauli_sum *sum, const struct tarn_ladder *ladder, bool create)
{
	tarn_pauli_sum_clear(sum);
	tarn_pauli_sum_add(sum, ladder->a, 0.5);
	tarn_pauli_sum_add(sum, ladder->b, create ? -0.5 * I : 0.5 * I);
}

static void times_ladder(struct builder *build, unsigned mode, bool create)
{
	put_ladder(&build->factor, &build->ladders[mode], create);
	tarn_pauli_sum_multiply(&build->product, &build->factor, &build->next);
	tarn_pauli_sum_simplify(&build->next, tolerance);
	struct tarn_pauli_sum swap = build->product;
	build->product = build->next;
	build->next = swap;
}

/* Appends value times the product of ladder operators on `modes`; bit i of `creators` tells whether operator i creates. */
static void add_product(struct builder *build, double value, const unsigned *modes, unsigned n, unsigned creators)
{
	put_ladder(&build->product, &build->ladders[modes[0]], creators & 1);
	for (unsigned i = 1; i < n; i++)
		times_ladder(build, modes[i], creators >> i & 1);
	for (size_t i = 0; i < build->product.n; i++)
		tarn_pauli_sum_add(build->sum, build->product.terms[i], value * build->product.coefficients[i]);
}

static void add_one_body(struct builder *build, const struct tarn_integrals *integrals)
{
	unsigned m = integrals->n_orbitals;
	for (unsigned p = 0; p < 2 * m; p++) {
		for (unsigned q = 0; q < 2 * m; q++) {
			if (p / m != q / m)
				continue;
			const double *h = p < m ? integrals->one_alpha : integrals->one_beta;
			double value = h[p % m * m + q % m];
			if (fabs(value) > tolerance)
				add_product(build, value, (unsigned[]){ p, q }, 2, 1);
		}
	}
}

static double two_body(const struct tarn_integrals *integrals, unsigned p, unsigned q, unsigned r, unsigned s)
{
	size_t m = integrals->n_orbitals;
	bool pair_beta = p >= m, other_beta = r >= m;
	size_t i = p % m, j = q % m, k = r % m, l = s % m;
	if (pair_beta && !other_beta)
		return integrals->two_ab[((k * m + l) * m + i) * m + j];
	const double *two = pair_beta ? integrals->two_bb : other_beta ? integrals->two_ab : integrals->two_aa;
	return two[((i * m + j) * m + k) * m + l];
}

static void add_two_body(struct builder *build, const struct tarn_integrals *integrals)
{
	unsigned m = integrals->n_orbitals, n = 2 * m;
	for (unsigned p = 0; p < n; p++)
		for (unsigned q = p / m * m; q < p / m * m + m; q++)
			for (unsigned r = 0; r < n; r++)
				for (unsigned s = r / m * m; s < r / m * m + m; s++) {
					double value = 0.5 * two_body(integrals, p, q, r, s);
					if (fabs(value) > tolerance)
						add_product(build, value, (unsigned[]){ p, r, s, q }, 4, 3);
				}
}

static void begin(struct builder *build, enum tarn_mapping mapping, unsigned n_modes, struct tarn_ladder *ladders,
		  struct tarn_pauli_sum *sum)
{
	*build = (struct builder){ .ladders = ladders, .sum = sum };
	tarn_mapping_ladders(mapping, n_modes, ladders);
	tarn_pauli_sum_init(&build->product, n_modes);
	tarn_pauli_sum_init(&build->factor, n_modes);
	tarn_pauli_sum_init(&build->next, n_modes);
	tarn_pauli_sum_clear(sum);
	sum->n_qubits = n_modes;
}

static void end(struct builder *build)
{
	tarn_pauli_sum_simplify(build->sum, tolerance);
	tarn_pauli_sum_release(&build->product);
	tarn_pauli_sum_release(&build->factor);
	tarn_pauli_sum_release(&build->next);
}

void tarn_mapping_hamiltonian(enum tarn_mapping mapping, const struct tarn_integrals *integrals,
			      struct tarn_pauli_sum *sum)
{
	struct tarn_ladder ladders[TARN_MAX_QUBITS];
	struct builder build;
	begin(&build, mapping, 2 * integrals->n_orbitals, ladders, sum);
	tarn_pauli_sum_add(sum, (struct tarn_pauli){ 0, 0 }, 0);
	add_one_body(&build, integrals);
	add_two_body(&build, integrals);
	end(&build);
}

void tarn_mapping_spin_squared(enum tarn_mapping mapping, unsigned n_orbitals, unsigned n_alpha, unsigned n_beta,
			       struct tarn_pauli_sum *sum)
{
	struct tarn_ladder ladders[TARN_MAX_QUBITS];
	struct builder build;
	unsigned m = n_orbitals;
	double sz = 0.5 * ((double)n_alpha - (double)n_beta);
	begin(&build, mapping, 2 * m, ladders, sum);
	tarn_pauli_sum_add(sum, (struct tarn_pauli){ 0, 0 }, sz * (sz + 1));
	for (unsigned p = 0; p < m; p++)
		for (unsigned q = 0; q < m; q++)
			add_product(&build, 1, (unsigned[]){ m + p, p, q, m + q }, 4, 5);
	end(&build);
}

/* ---- two-qubit reduction ---- */

static uint64_t without_bit(uint64_t mask, unsigned i)
{
	return (mask & below(i)) | (mask >> 1 & ~below(i));
}

void tarn_mapping_reduce(struct tarn_pauli_sum *sum, unsigned n_alpha, unsigned n_beta)
{
	unsigned middle = sum->n_qubits / 2 - 1, top = sum->n_qubits - 1;
	for (size_t i = 0; i < sum->n; i++) {
		struct tarn_pauli *term = &sum->terms[i];
		unsigned sign = (unsigned)(term->z >> middle & 1) * n_alpha +
				(unsigned)(term->z >> top & 1) * (n_alpha + n_beta);
		if (sign % 2)
			sum->coefficients[i] = -sum->coefficients[i];
		term->x = without_bit(without_bit(term->x, top), middle);
		term->z = without_bit(without_bit(term->z, top), middle);
	}
	sum->n_qubits -= 2;
	tarn_pauli_sum_simplify(sum, tolerance);
}
