#include "generate/qubit/observable.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

enum { BLOCK_QUBITS = 10, LARGEST_TABLE = 48 << 20, LANES = 8 };
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

/* In place, unnormalized: out[k] = sum over z of in[z] (-1)^|z & k|, for the bits of k and z from `first` on. */
VECTORS static void walsh_hadamard(double *values, size_t n, size_t first)
{
	for (size_t half = first; half < n; half *= 2)
		for (size_t base = 0; base < n; base += 2 * half)
			for (size_t low = 0; low < half; low++) {
				double a = values[base + low], b = values[base + half + low];
				values[base + low] = a + b;
				values[base + half + low] = a - b;
			}
}

/* D(k) for the block of indices that begins at `start`. The three lowest bits are summed term by term, a vector each. */
VECTORS static void fill_block(const struct tarn_observable *observable, const struct group *group, uint64_t start,
			       double *block)
{
	size_t size = size_of(block_qubits(observable)), lanes = size < LANES ? size : LANES;
	memset(block, 0, size * sizeof(*block));
	for (size_t i = group->first; i < group->first + group->n; i++) {
		uint64_t z = observable->z[i];
		double c = __builtin_parityll(z & start) ? -observable->coefficients[i] : observable->coefficients[i];
		double *at = block + (z & (size - 1) & ~(uint64_t)(LANES - 1));
		for (size_t lane = 0; lane < lanes; lane++)
			at[lane] += __builtin_parityll(z & lane) ? -c : c;
	}
	walsh_hadamard(block, size, LANES);
}

struct entry {
	struct tarn_pauli term;
	double coefficient;
	size_t place;
};

static int by_group(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	uint64_t low_a = a->term.x % LANES, low_b = b->term.x % LANES;
	if (low_a != low_b)
		return low_a < low_b ? -1 : 1;
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

/* ---- passes over the state ---- */

/* The state with the lowest bits of its indices turned by x: psi[k ^ x] of a group is in one piece of LANES here. */
struct turned {
	struct tarn_state state;
	uint64_t low;
	double *memory;
};

static void turn_lowest(const struct tarn_state *from, uint64_t low, struct turned *to)
{
	size_t size = size_of(from->n_qubits), lanes = size < LANES ? size : LANES;
	if (!to->memory) {
		to->memory = tarn_malloc(2 * size * sizeof(double));
		to->state = (struct tarn_state){ from->n_qubits, to->memory, to->memory + size };
	}
	for (size_t base = 0; base < size; base += lanes)
		for (size_t lane = 0; lane < lanes; lane++) {
			to->state.re[base + lane] = from->re[base + (lane ^ low)];
			to->state.im[base + lane] = from->im[base + (lane ^ low)];
		}
	to->low = low;
}

static const struct tarn_state *turned_for(const struct group *group, const struct tarn_state *state, struct turned *turned)
{
	uint64_t low = group->x % LANES;
	if (!low)
		return state;
	if (!turned->memory || turned->low != low)
		turn_lowest(state, low, turned);
	return &turned->state;
}

/* Pairs (k, k ^ x) give the same twice: where they lie in different pieces, only the one without x's highest bit is taken. */
static size_t highest_bit(uint64_t x)
{
	return x < LANES ? 0 : (size_t)1 << (63 - __builtin_clzll(x));
}

VECTORS static double expect_block(const struct group *group, const struct tarn_state *state, const struct tarn_state *turned,
				   size_t start, size_t step, const double *d)
{
	double sum[LANES] = { 0 };
	size_t high = group->x & ~(uint64_t)(LANES - 1), skip = highest_bit(group->x);
	for (size_t base = start; base < start + step; base += LANES) {
		const double *re = state->re + base, *im = state->im + base, *factor = d + (base - start);
		const double *other_re = turned->re + (base ^ high), *other_im = turned->im + (base ^ high);
		if (base & skip)
			continue;
		if (group->odd)
			for (size_t lane = 0; lane < LANES; lane++)
				sum[lane] += factor[lane] * (re[lane] * other_im[lane] - im[lane] * other_re[lane]);
		else
			for (size_t lane = 0; lane < LANES; lane++)
				sum[lane] += factor[lane] * (re[lane] * other_re[lane] + im[lane] * other_im[lane]);
	}
	double total = 0;
	for (size_t lane = 0; lane < LANES; lane++)
		total += sum[lane];
	return skip ? 2 * total : total;
}

/* Fewer amplitudes than lanes. */
static double expect_small(const struct group *group, const struct tarn_state *state, const double *d)
{
	const double *re = state->re, *im = state->im;
	double sum = 0;
	for (size_t k = 0; k < size_of(state->n_qubits); k++) {
		size_t other = k ^ group->x;
		sum += d[k] * (group->odd ? re[k] * im[other] - im[k] * re[other] : re[k] * re[other] + im[k] * im[other]);
	}
	return sum;
}

static double expect_group(const struct tarn_observable *observable, const struct group *group,
			   const struct tarn_state *state, struct turned *turned)
{
	double scratch[1 << BLOCK_QUBITS], sum = 0;
	size_t size = size_of(observable->n_qubits), step = size_of(block_qubits(observable));
	if (size < LANES)
		return expect_small(group, state, diagonal(observable, group, 0, scratch));
	const struct tarn_state *other = turned_for(group, state, turned);
	size_t skip = highest_bit(group->x);
	for (size_t start = 0; start < size; start += step)
		if (!(start & skip))
			sum += expect_block(group, state, other, start, step, diagonal(observable, group, start, scratch));
	return sum;
}

/* ---- energies, over threads where that pays ---- */

enum { THREADS_FROM_QUBITS = 14, THREADS_MOST = 64 };

struct share {
	const struct tarn_observable *observable;
	const struct tarn_state *state;
	size_t first, end; /* groups */
	double *sums;      /* one a group: added up in their order, whoever made them */
};

static void *expect_share(void *context)
{
	struct share *share = context;
	struct turned turned = { .memory = NULL };
	for (size_t g = share->first; g < share->end; g++)
		share->sums[g] = expect_group(share->observable, &share->observable->groups[g], share->state, &turned);
	free(turned.memory);
	return NULL;
}

static size_t threads_for(const struct tarn_observable *observable)
{
	long cores = observable->n_qubits < THREADS_FROM_QUBITS ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = observable->n_groups < THREADS_MOST ? observable->n_groups : THREADS_MOST;
	return cores < 1 ? 1 : (size_t)cores < most ? (size_t)cores : most;
}

/* The caller works too, and takes over what no thread could be started for. */
static void run_shares(struct share *shares, size_t n)
{
	pthread_t threads[THREADS_MOST];
	bool started[THREADS_MOST] = { false };
	for (size_t i = 1; i < n; i++)
		started[i] = !pthread_create(&threads[i], NULL, expect_share, &shares[i]);
	for (size_t i = 0; i < n; i++)
		if (!started[i])
			expect_share(&shares[i]);
	for (size_t i = 1; i < n; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
}

double tarn_observable_expect(const struct tarn_observable *observable, const struct tarn_state *state)
{
	struct share shares[THREADS_MOST];
	size_t groups = observable->n_groups, n = threads_for(observable);
	double total = 0, *sums = tarn_malloc((groups + 1) * sizeof(*sums));
	for (size_t i = 0; i < n; i++)
		shares[i] = (struct share){ observable, state, groups * i / n, groups * (i + 1) / n, sums };
	run_shares(shares, n);
	for (size_t g = 0; g < groups; g++)
		total += sums[g];
	free(sums);
	return total;
}

/* out[k] += i^|y| D(k ^ x) psi[k ^ x], with D(k ^ x) = D(k), or -D(k) for an odd number of Ys. */
VECTORS static void apply_block(const struct group *group, const struct tarn_state *turned, size_t start, size_t step,
				const double *d, struct tarn_state *out)
{
	size_t lanes = step < LANES ? step : LANES, high = group->x & ~(uint64_t)(LANES - 1);
	for (size_t base = start; base < start + step; base += lanes) {
		const double *re = turned->re + (base ^ high), *im = turned->im + (base ^ high), *factor = d + (base - start);
		double *restrict to_re = out->re + base, *restrict to_im = out->im + base;
		for (size_t lane = 0; lane < lanes; lane++) {
			to_re[lane] += group->odd ? factor[lane] * im[lane] : factor[lane] * re[lane];
			to_im[lane] += group->odd ? -factor[lane] * re[lane] : factor[lane] * im[lane];
		}
	}
}

void tarn_observable_apply(const struct tarn_observable *observable, const struct tarn_state *state,
			   struct tarn_state *out)
{
	double scratch[1 << BLOCK_QUBITS];
	struct turned turned = { .memory = NULL };
	size_t size = size_of(observable->n_qubits), step = size_of(block_qubits(observable));
	memset(out->re, 0, size * sizeof(double));
	memset(out->im, 0, size * sizeof(double));
	for (size_t g = 0; g < observable->n_groups; g++) {
		const struct group *group = &observable->groups[g];
		const struct tarn_state *other = turned_for(group, state, &turned);
		for (size_t start = 0; start < size; start += step)
			apply_block(group, other, start, step, diagonal(observable, group, start, scratch), out);
	}
	free(turned.memory);
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
