#include "generate/qubit/exact.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "generate/chemistry/matrix.h"

enum { MOST_DETERMINANTS = 2000000, SUBSPACE = 24, MOST_ROUNDS = 400, MOST_ELEMENTS = 400000000 };
static const double spin_penalty = 1.5; /* hartree per unit of S^2: lifts higher spins above the state that is sought */

/* The Hamiltonian over determinants, row by row. */
struct sparse {
	size_t n;
	size_t *row; /* n + 1 */
	uint32_t *column;
	double *value, *diagonal;
};

/* ---- determinants: alpha strings times beta strings, both ascending ---- */

static size_t choose(unsigned n, unsigned k)
{
	double result = 1;
	for (unsigned i = 1; i <= k; i++)
		result = result * (n - k + i) / i;
	return result > 4e9 ? (size_t)4e9 : (size_t)(result + 0.5);
}

static uint64_t next_string(uint64_t string)
{
	uint64_t low = string & -string, sum = string + low;
	return sum | ((sum ^ string) >> 2) / low;
}

static void fill_strings(unsigned m, unsigned k, uint64_t *strings)
{
	size_t n = choose(m, k);
	uint64_t string = ((uint64_t)1 << k) - 1;
	for (size_t i = 0; i < n; i++, string = i < n ? next_string(string) : 0)
		strings[i] = string;
}

static size_t place_of(const uint64_t *strings, size_t n, uint64_t string)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (strings[middle] < string)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && strings[low] == string ? low : SIZE_MAX;
}

struct space {
	unsigned m;
	size_t n_alpha, n_beta;
	uint64_t *alpha, *beta;
};

static uint64_t determinant(const struct space *space, size_t i)
{
	return space->alpha[i % space->n_alpha] | space->beta[i / space->n_alpha] << space->m;
}

static size_t index_of(const struct space *space, uint64_t determinant)
{
	uint64_t mask = ((uint64_t)1 << space->m) - 1;
	size_t a = place_of(space->alpha, space->n_alpha, determinant & mask);
	size_t b = a == SIZE_MAX ? a : place_of(space->beta, space->n_beta, determinant >> space->m);
	return b == SIZE_MAX ? b : b * space->n_alpha + a;
}

/* ---- the matrix, from Pauli terms sorted by their X part ---- */

struct term {
	uint64_t x, z;
	double coefficient; /* with the sign of i^|y|; their number is even in a real Hamiltonian */
};

static int by_x(const void *left, const void *right)
{
	const struct term *a = left, *b = right;
	if (a->x != b->x)
		return a->x < b->x ? -1 : 1;
	return a->z < b->z ? -1 : a->z > b->z;
}

static struct term *sorted_terms(const struct tarn_pauli_sum *sum)
{
	struct term *terms = tarn_calloc(sum->n, sizeof(*terms));
	for (size_t i = 0; i < sum->n; i++) {
		struct tarn_pauli pauli = sum->terms[i];
		double sign = __builtin_popcountll(pauli.x & pauli.z) & 2 ? -1 : 1;
		terms[i] = (struct term){ pauli.x, pauli.z, sign * creal(sum->coefficients[i]) };
	}
	qsort(terms, sum->n, sizeof(*terms), by_x);
	return terms;
}

static void add_element(struct sparse *matrix, size_t *capacity, size_t column, double value)
{
	size_t used = matrix->row[matrix->n], columns = *capacity;
	matrix->column = tarn_grow(matrix->column, &columns, used + 1, sizeof(*matrix->column));
	matrix->value = tarn_grow(matrix->value, capacity, used + 1, sizeof(*matrix->value));
	matrix->column[used] = (uint32_t)column;
	matrix->value[used] = value;
	matrix->row[matrix->n] = used + 1;
}

static void fill_row(struct sparse *matrix, size_t *capacity, const struct space *space, const struct term *terms, size_t n)
{
	uint64_t from = determinant(space, matrix->n);
	size_t row = matrix->n++;
	matrix->row[row + 1] = matrix->row[row];
	for (size_t first = 0, end; first < n; first = end) {
		uint64_t x = terms[first].x;
		double value = 0;
		size_t column = index_of(space, from ^ x);
		for (end = first; end < n && terms[end].x == x; end++)
			if (column != SIZE_MAX)
				value += __builtin_parityll(terms[end].z & from) ? -terms[end].coefficient : terms[end].coefficient;
		if (column == SIZE_MAX || fabs(value) < 1e-14)
			continue;
		if (column == row)
			matrix->diagonal[row] = value;
		add_element(matrix, capacity, column, value);
	}
}

static void free_matrix(struct sparse *matrix)
{
	free(matrix->row);
	free(matrix->column);
	free(matrix->value);
	free(matrix->diagonal);
}

static enum tarn_rc fill_matrix(struct sparse *matrix, const struct space *space, const struct tarn_pauli_sum *sum,
				struct tarn_err *err)
{
	size_t n = space->n_alpha * space->n_beta, capacity = 0;
	struct term *terms = sorted_terms(sum);
	enum tarn_rc rc = TARN_OK;
	*matrix = (struct sparse){ .row = tarn_calloc(n + 1, sizeof(size_t)), .diagonal = tarn_calloc(n, sizeof(double)) };
	while (!rc && matrix->n < n) {
		fill_row(matrix, &capacity, space, terms, sum->n);
		if (matrix->row[matrix->n] > MOST_ELEMENTS)
			rc = tarn_fail(err, TARN_ELIMIT, "full CI over %zu determinants needs more than %d matrix elements", n,
				       MOST_ELEMENTS);
	}
	free(terms);
	return rc;
}

static void multiply(const struct sparse *matrix, const double *in, double *out)
{
	for (size_t i = 0; i < matrix->n; i++) {
		double sum = 0;
		for (size_t e = matrix->row[i]; e < matrix->row[i + 1]; e++)
			sum += matrix->value[e] * in[matrix->column[e]];
		out[i] = sum;
	}
}

/* ---- Davidson ---- */

struct davidson {
	const struct sparse *matrix;
	size_t n, used;
	double *basis[SUBSPACE], *images[SUBSPACE]; /* orthonormal vectors and H times them */
	double small[SUBSPACE * SUBSPACE];          /* H in the basis */
	double *vector, *residual;
};

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void add_scaled(double *to, const double *from, double factor, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += factor * from[i];
}

/* Makes the residual orthogonal to the basis and adds it; false where nothing is left of it. */
static bool extend(struct davidson *davidson)
{
	size_t n = davidson->n, k = davidson->used;
	double *fresh = davidson->basis[k];
	memcpy(fresh, davidson->residual, n * sizeof(*fresh));
	for (int twice = 0; twice < 2; twice++)
		for (size_t i = 0; i < k; i++)
			add_scaled(fresh, davidson->basis[i], -dot(davidson->basis[i], fresh, n), n);
	double norm = sqrt(dot(fresh, fresh, n));
	if (norm < 1e-14)
		return false;
	for (size_t i = 0; i < n; i++)
		fresh[i] /= norm;
	multiply(davidson->matrix, fresh, davidson->images[k]);
	for (size_t i = 0; i <= k; i++)
		davidson->small[i * SUBSPACE + k] = davidson->small[k * SUBSPACE + i] =
			dot(davidson->basis[i], davidson->images[k], n);
	davidson->used++;
	return true;
}

/* The lowest state within the basis: `vector` and H vector - energy vector; returns the latter's norm. */
static enum tarn_rc lowest(struct davidson *davidson, double *energy, double *norm, struct tarn_err *err)
{
	size_t k = davidson->used, n = davidson->n;
	double matrix[SUBSPACE * SUBSPACE], values[SUBSPACE];
	for (size_t i = 0; i < k; i++)
		memcpy(matrix + i * k, davidson->small + i * SUBSPACE, k * sizeof(*matrix));
	enum tarn_rc rc = tarn_matrix_eigen(k, matrix, values, err);
	if (rc)
		return rc;
	memset(davidson->vector, 0, n * sizeof(double));
	memset(davidson->residual, 0, n * sizeof(double));
	for (size_t i = 0; i < k; i++) {
		add_scaled(davidson->vector, davidson->basis[i], matrix[i * k], n);
		add_scaled(davidson->residual, davidson->images[i], matrix[i * k], n);
	}
	add_scaled(davidson->residual, davidson->vector, -values[0], n);
	*energy = values[0];
	*norm = sqrt(dot(davidson->residual, davidson->residual, n));
	return TARN_OK;
}

static void precondition(struct davidson *davidson, double energy)
{
	for (size_t i = 0; i < davidson->n; i++) {
		double gap = energy - davidson->matrix->diagonal[i];
		davidson->residual[i] /= fabs(gap) < 1e-3 ? copysign(1e-3, gap) : gap;
	}
}

static enum tarn_rc iterate(struct davidson *davidson, double *energy, struct tarn_err *err)
{
	double norm = 0;
	for (int round = 0; round < MOST_ROUNDS; round++) {
		enum tarn_rc rc = lowest(davidson, energy, &norm, err);
		if (rc)
			return rc;
		if (norm < 1e-6) /* the energy's error is of the order of its square */
			return TARN_OK;
		precondition(davidson, *energy);
		if (davidson->used == SUBSPACE) { /* begin anew with the best vector */
			double *correction = tarn_malloc(davidson->n * sizeof(double));
			memcpy(correction, davidson->residual, davidson->n * sizeof(double));
			memcpy(davidson->residual, davidson->vector, davidson->n * sizeof(double));
			davidson->used = 0;
			bool restarted = extend(davidson);
			memcpy(davidson->residual, correction, davidson->n * sizeof(double));
			free(correction);
			if (!restarted)
				break;
		}
		if (!extend(davidson))
			return TARN_OK;
	}
	return tarn_fail(err, TARN_EINVALID, "full CI did not converge in %d rounds (residual %.2g)", MOST_ROUNDS, norm);
}

/* The start has a part of every state, so that no symmetry hides the lowest one. */
static void fill_start(struct davidson *davidson)
{
	size_t best = 0;
	for (size_t i = 0; i < davidson->n; i++) {
		davidson->residual[i] = 1e-3 * sin(1.0 + (double)i * 0.7);
		if (davidson->matrix->diagonal[i] < davidson->matrix->diagonal[best])
			best = i;
	}
	davidson->residual[best] += 1;
}

static enum tarn_rc lowest_eigenvalue(const struct sparse *matrix, double *energy, struct tarn_err *err)
{
	size_t n = matrix->n, kept = n < SUBSPACE ? n : SUBSPACE;
	struct davidson davidson = { .matrix = matrix, .n = n };
	double *memory = tarn_calloc((2 * kept + 2) * n, sizeof(double));
	for (size_t i = 0; i < kept; i++) {
		davidson.basis[i] = memory + 2 * i * n;
		davidson.images[i] = memory + (2 * i + 1) * n;
	}
	davidson.vector = memory + 2 * kept * n;
	davidson.residual = davidson.vector + n;
	fill_start(&davidson);
	enum tarn_rc rc = TARN_OK;
	extend(&davidson);
	if (kept == n) { /* as many vectors as dimensions: any complete basis gives the answer */
		for (size_t i = 0; i < n && davidson.used < n; i++) {
			memset(davidson.residual, 0, n * sizeof(double));
			davidson.residual[i] = 1;
			extend(&davidson);
		}
		double norm;
		rc = lowest(&davidson, energy, &norm, err);
	} else {
		rc = iterate(&davidson, energy, err);
	}
	free(memory);
	return rc;
}

/* ---- */

static void fill_operator(const struct tarn_integrals *integrals, unsigned n_alpha, unsigned n_beta, struct tarn_pauli_sum *sum)
{
	struct tarn_pauli_sum spin;
	double s = 0.5 * ((double)n_alpha - (double)n_beta);
	tarn_pauli_sum_init(&spin, sum->n_qubits);
	tarn_mapping_hamiltonian(TARN_JORDAN_WIGNER, integrals, sum);
	tarn_mapping_spin_squared(TARN_JORDAN_WIGNER, integrals->n_orbitals, n_alpha, n_beta, &spin);
	for (size_t i = 0; i < spin.n; i++)
		tarn_pauli_sum_add(sum, spin.terms[i], spin_penalty * spin.coefficients[i]);
	tarn_pauli_sum_add(sum, (struct tarn_pauli){ 0, 0 }, -spin_penalty * s * (s + 1));
	tarn_pauli_sum_simplify(sum, 0);
	tarn_pauli_sum_release(&spin);
}

enum tarn_rc tarn_exact_energy(const struct tarn_integrals *integrals, unsigned n_alpha, unsigned n_beta, double *energy,
			       struct tarn_err *err)
{
	unsigned m = integrals->n_orbitals;
	assert(n_beta <= n_alpha && n_alpha <= m);
	struct space space = { .m = m, .n_alpha = choose(m, n_alpha), .n_beta = choose(m, n_beta) };
	if (space.n_alpha * space.n_beta > MOST_DETERMINANTS)
		return tarn_fail(err, TARN_ELIMIT, "full CI needs %zu determinants, at most %d are possible",
				 space.n_alpha * space.n_beta, MOST_DETERMINANTS);
	struct tarn_pauli_sum sum;
	struct sparse matrix;
	space.alpha = tarn_calloc(space.n_alpha, sizeof(uint64_t));
	space.beta = tarn_calloc(space.n_beta, sizeof(uint64_t));
	fill_strings(m, n_alpha, space.alpha);
	fill_strings(m, n_beta, space.beta);
	tarn_pauli_sum_init(&sum, 2 * m);
	fill_operator(integrals, n_alpha, n_beta, &sum);
	enum tarn_rc rc = fill_matrix(&matrix, &space, &sum, err);
	if (!rc)
		rc = lowest_eigenvalue(&matrix, energy, err);
	free_matrix(&matrix);
	tarn_pauli_sum_release(&sum);
	free(space.alpha);
	free(space.beta);
	return rc;
}
