#include "generate/qubit/observable.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { BLOCK_QUBITS = 10, LARGEST_TABLE = 48 << 20 };
#define VECTORS __attribute__((target_clones("default", "avx2")))

/* Terms with one X part and one parity of their number of Ys. For an even number the pair (k, k ^ x) adds
 * 2 D(k) Re(conj(psi[k ^ x]) psi[k]), for an odd one -2 D(k) Im(...): D(k) = sum of i^|y| c (-1)^|z & k|, i left out. */
struct group {
	uint64_t x;
	bool odd;
	size_t first, n; /* in the observable's terms */
	double *table;   /* D(k) for all k, or NULL */
};

struct tarn_observable {
	unsigned n_qubits;
	size_t n_groups;
	struct group *groups;
	uint64_t *z;
	double *coefficients; /* with the sign of i^|y| */
	double *tables;
};

static size_t size_of(unsigned n_qubits)
{
	return (size_t)1 << n_qubits;
}

static unsigned block_qubits(const struct tarn_observable *observable)
{
	return observable->n_qubits < BLOCK_QUBITS ? observable->n_qubits : BLOCK_QUBITS;
}

/* In place, unnormalized: out[k] = sum over z of in[z] (-1)^|z & k|. */
VECTORS static void walsh_hadamard(double *values, unsigned n_qubits)
{
	size_t n = size_of(n_qubits);
	for (size_t half = 1; half < n; half *= 2)
		for (size_t base = 0; base < n; base += 2 * half)
			for (size_t low = 0; low < half; low++) {
				double a = values[base + low], b = values[base + half + low];
				values[base + low] = a + b;
				values[base + half + low] = a - b;
			}
}

/* D(k) for the block of indices that begins at `start`. */
static void fill_block(const struct tarn_observable *observable, const struct group *group, uint64_t start, double *block)
{
	unsigned qubits = block_qubits(observable);
	uint64_t low = size_of(qubits) - 1;
	memset(block, 0, size_of(qubits) * sizeof(*block));
	for (size_t i = group->first; i < group->first + group->n; i++) {
		uint64_t z = observable->z[i];
		block[z & low] += __builtin_parityll(z & start) ? -observable->coefficients[i] : observable->coefficients[i];
	}
	walsh_hadamard(block, qubits);
}

struct entry {
	struct tarn_pauli term;
	double coefficient;
	size_t place;
};

static int by_group(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	if (a->term.x != b->term.x)
		return a->term.x < b->term.x ? -1 : 1;
	int odd_a = __builtin_parityll(a->term.x & a->term.z), odd_b = __builtin_parityll(b->term.x & b->term.z);
	if (odd_a != odd_b)
		return odd_a - odd_b;
	return a->place < b->place ? -1 : 1;
}

static struct entry *sorted_entries(const struct tarn_pauli_sum *sum)
{
	struct entry *entries = tarn_calloc(sum->n, sizeof(*entries));
	for (size_t i = 0; i < sum->n; i++)
		entries[i] = (struct entry){ sum->terms[i], creal(sum->coefficients[i]), i };
	qsort(entries, sum->n, sizeof(*entries), by_group);
	return entries;
}

static void make_groups(struct tarn_observable *observable, const struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct tarn_pauli term = entries[i].term;
		int ys = __builtin_popcountll(term.x & term.z);
		struct group *last = observable->n_groups ? &observable->groups[observable->n_groups - 1] : NULL;
		if (!last || last->x != term.x || last->odd != (ys & 1)) {
			last = &observable->groups[observable->n_groups++];
			*last = (struct group){ .x = term.x, .odd = ys & 1, .first = i };
		}
		last->n++;
		observable->z[i] = term.z;
		observable->coefficients[i] = (ys & 2) ? -entries[i].coefficient : entries[i].coefficient;
	}
}

static void make_tables(struct tarn_observable *observable)
{
	size_t size = size_of(observable->n_qubits), step = size_of(block_qubits(observable));
	if (observable->n_groups * size * sizeof(double) > LARGEST_TABLE)
		return;
	observable->tables = tarn_malloc(observable->n_groups * size * sizeof(double));
	for (size_t g = 0; g < observable->n_groups; g++) {
		struct group *group = &observable->groups[g];
		group->table = observable->tables + g * size;
		for (size_t start = 0; start < size; start += step)
			fill_block(observable, group, start, group->table + start);
	}
}

enum tarn_rc tarn_observable_new(const struct tarn_pauli_sum *sum, struct tarn_observable **observable,
				 struct tarn_err *err)
{
	for (size_t i = 0; i < sum->n; i++)
		if (cimag(sum->coefficients[i]) != 0)
			return tarn_fail(err, TARN_EINVALID, "term %zu has the coefficient %g%+gi, expected a real one", i,
					 creal(sum->coefficients[i]), cimag(sum->coefficients[i]));
	struct tarn_observable *made = tarn_calloc(1, sizeof(*made));
	made->n_qubits = sum->n_qubits;
	made->groups = tarn_calloc(sum->n, sizeof(*made->groups));
	made->z = tarn_calloc(sum->n, sizeof(*made->z));
	made->coefficients = tarn_calloc(sum->n, sizeof(*made->coefficients));
	struct entry *entries = sorted_entries(sum);
	make_groups(made, entries, sum->n);
	free(entries);
	make_tables(made);
	*observable = made;
	return TARN_OK;
}

void tarn_observable_free(struct tarn_observable *observable)
{
	if (!observable)
		return;
	free(observable->groups);
	free(observable->z);
	free(observable->coefficients);
	free(observable->tables);
	free(observable);
}

/* The group's diagonal over the block at `start`: from the table, or made in `scratch`. */
static const double *diagonal(const struct tarn_observable *observable, const struct group *group, size_t start,
			      double *scratch)
{
	if (group->table)
		return group->table + start;
	fill_block(observable, group, start, scratch);
	return scratch;
}

static double expect_block(const struct group *group, const struct tarn_state *state, size_t start, size_t step,
			   const double *d)
{
	const double *re = state->re, *im = state->im;
	double sum = 0;
	for (size_t i = 0; i < step; i++) {
		size_t k = start + i, other = k ^ group->x;
		double product = group->odd ? re[k] * im[other] - im[k] * re[other] : re[k] * re[other] + im[k] * im[other];
		sum += d[i] * product;
	}
	return sum;
}

double tarn_observable_expect(const struct tarn_observable *observable, const struct tarn_state *state)
{
	double scratch[1 << BLOCK_QUBITS], total = 0;
	size_t size = size_of(observable->n_qubits), step = size_of(block_qubits(observable));
	for (size_t g = 0; g < observable->n_groups; g++) {
		const struct group *group = &observable->groups[g];
		double sum = 0;
		for (size_t start = 0; start < size; start += step) {
			const double *d = diagonal(observable, group, start, scratch);
			sum += expect_block(group, state, start, step, d);
		}
		total += sum;
	}
	return total;
}

/* out[k ^ x] += i^|y| D(k) psi[k] */
static void apply_block(const struct group *group, const struct tarn_state *state, size_t start, size_t step,
			const double *d, struct tarn_state *out)
{
	for (size_t i = 0; i < step; i++) {
		size_t k = start + i, other = k ^ group->x;
		double re = d[i] * state->re[k], im = d[i] * state->im[k];
		out->re[other] += group->odd ? -im : re;
		out->im[other] += group->odd ? re : im;
	}
}

void tarn_observable_apply(const struct tarn_observable *observable, const struct tarn_state *state,
			   struct tarn_state *out)
{
	double scratch[1 << BLOCK_QUBITS];
	size_t size = size_of(observable->n_qubits), step = size_of(block_qubits(observable));
	memset(out->re, 0, size * sizeof(double));
	memset(out->im, 0, size * sizeof(double));
	for (size_t g = 0; g < observable->n_groups; g++) {
		const struct group *group = &observable->groups[g];
		for (size_t start = 0; start < size; start += step)
			apply_block(group, state, start, step, diagonal(observable, group, start, scratch), out);
	}
}

/* ---- gradient ---- */

/* Re <left| -i/2 G |right> * 2 for the gate e^(-i t G / 2): Im <left|G|right>. G is a Pauli string. */
static double generator_element(struct tarn_pauli pauli, const struct tarn_state *left, const struct tarn_state *right)
{
	int ys = __builtin_popcountll(pauli.x & pauli.z) & 3;
	double re = 0, im = 0;
	for (size_t k = 0; k < size_of(left->n_qubits); k++) {
		size_t other = k ^ pauli.x;
		double sign = __builtin_parityll(pauli.z & k) ? -1 : 1;
		re += sign * (left->re[other] * right->re[k] + left->im[other] * right->im[k]);
		im += sign * (left->re[other] * right->im[k] - left->im[other] * right->re[k]);
	}
	switch (ys) {
	case 0:  return im;
	case 1:  return re;
	case 2:  return -im;
	default: return -re;
	}
}

static struct tarn_pauli generator(const struct tarn_gate *gate)
{
	uint64_t one = (uint64_t)1 << gate->qubit, two = one | (uint64_t)1 << gate->other;
	switch (gate->kind) {
	case TARN_GATE_RY:  return (struct tarn_pauli){ one, one };
	case TARN_GATE_RZ:  return (struct tarn_pauli){ 0, one };
	case TARN_GATE_RXX: return (struct tarn_pauli){ two, 0 };
	case TARN_GATE_RYY: return (struct tarn_pauli){ two, two };
	default:            return gate->pauli;
	}
}

double tarn_observable_gradient(const struct tarn_observable *observable, const struct tarn_circuit *circuit,
				const double *parameters, struct tarn_state *state, struct tarn_state work[2],
				double *gradient)
{
	struct tarn_state *bra = &work[0], *ket = &work[1];
	tarn_state_run(state, circuit, parameters);
	tarn_observable_apply(observable, state, bra);
	double energy = tarn_state_overlap_re(state, bra);
	tarn_state_copy(ket, state);
	memset(gradient, 0, circuit->n_parameters * sizeof(*gradient));
	for (size_t i = circuit->n; i-- > 0;) {
		const struct tarn_gate *gate = &circuit->gates[i];
		if (gate->parameter >= 0)
			gradient[gate->parameter] += gate->scale * generator_element(generator(gate), bra, ket);
		tarn_state_apply(ket, gate, parameters, true);
		tarn_state_apply(bra, gate, parameters, true);
	}
	return energy;
}
