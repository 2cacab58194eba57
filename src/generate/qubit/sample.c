#include "generate/qubit/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct group {
	struct tarn_pauli basis; /* the letter that each qubit is measured in */
	size_t first, n;	 /* in the sampler's terms */
};

struct tarn_sampler {
	unsigned n_qubits;
	double constant;
	size_t n_groups;
	struct group *groups;
	uint64_t *masks; /* qubits whose parity is the term's value */
	double *coefficients;
};

static uint64_t support(struct tarn_pauli pauli)
{
	return pauli.x | pauli.z;
}

static bool agree(struct tarn_pauli a, struct tarn_pauli b)
{
	uint64_t common = support(a) & support(b);
	return !(((a.x ^ b.x) | (a.z ^ b.z)) & common);
}

struct entry {
	struct tarn_pauli term;
	double coefficient;
	size_t place, group;
};

static int widest_first(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int wide_a = __builtin_popcountll(support(a->term)), wide_b = __builtin_popcountll(support(b->term));
	if (wide_a != wide_b)
		return wide_b - wide_a;
	return a->place < b->place ? -1 : 1;
}

static int by_group(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return a->place < b->place ? -1 : 1;
}

static void assign(struct tarn_sampler *sampler, struct entry *entry)
{
	size_t g = 0;
	while (g < sampler->n_groups && !agree(sampler->groups[g].basis, entry->term))
		g++;
	struct group *group = &sampler->groups[g];
	sampler->n_groups += g == sampler->n_groups;
	group->basis.x |= entry->term.x;
	group->basis.z |= entry->term.z;
	group->n++;
	entry->group = g;
}

static void make_groups(struct tarn_sampler *sampler, struct entry *entries, size_t n)
{
	qsort(entries, n, sizeof(*entries), widest_first);
	for (size_t i = 0; i < n; i++)
		assign(sampler, &entries[i]);
	qsort(entries, n, sizeof(*entries), by_group);
	for (size_t g = 1; g < sampler->n_groups; g++)
		sampler->groups[g].first = sampler->groups[g - 1].first + sampler->groups[g - 1].n;
	for (size_t i = 0; i < n; i++) {
		sampler->masks[i] = support(entries[i].term);
		sampler->coefficients[i] = entries[i].coefficient;
	}
}

enum tarn_rc tarn_sampler_new(const struct tarn_pauli_sum *sum, struct tarn_sampler **sampler, struct tarn_err *err)
{
	for (size_t i = 0; i < sum->n; i++)
		if (cimag(sum->coefficients[i]) != 0)
			return tarn_fail(err, TARN_EINVALID, "term %zu has no real coefficient", i);
	struct tarn_sampler *made = tarn_calloc(1, sizeof(*made));
	struct entry *entries = tarn_calloc(sum->n, sizeof(*entries));
	size_t n = 0;
	made->n_qubits = sum->n_qubits;
	made->groups = tarn_calloc(sum->n, sizeof(*made->groups));
	made->masks = tarn_calloc(sum->n, sizeof(*made->masks));
	made->coefficients = tarn_calloc(sum->n, sizeof(*made->coefficients));
	for (size_t i = 0; i < sum->n; i++) {
		if (support(sum->terms[i]))
			entries[n++] = (struct entry){ sum->terms[i], creal(sum->coefficients[i]), i, 0 };
		else
			made->constant += creal(sum->coefficients[i]);
	}
	make_groups(made, entries, n);
	free(entries);
	*sampler = made;
	return TARN_OK;
}

void tarn_sampler_free(struct tarn_sampler *sampler)
{
	if (!sampler)
		return;
	free(sampler->groups);
	free(sampler->masks);
	free(sampler->coefficients);
	free(sampler);
}

size_t tarn_sampler_groups(const struct tarn_sampler *sampler)
{
	return sampler->n_groups;
}

/* Turns X and Y into Z on every qubit that is measured in them: RY(-pi/2), after RZ(-pi/2) for Y. The columns of a
 * density matrix begin at qubit `first`, and turn by the conjugates. */
static void turn_basis(struct tarn_state *work, struct tarn_pauli basis, unsigned n_qubits, unsigned first)
{
	static const double angle[] = { -1.5707963267948966 };
	for (unsigned q = 0; q < n_qubits; q++) {
		struct tarn_gate gate = {
			.kind = TARN_GATE_RZ, .qubit = q + first, .parameter = 0, .scale = first ? -1 : 1
		};
		if (!(basis.x >> q & 1))
			continue;
		if (basis.z >> q & 1)
			tarn_state_apply(work, &gate, angle, false);
		gate.kind = TARN_GATE_RY;
		gate.scale = 1;
		tarn_state_apply(work, &gate, angle, false);
	}
}

/* Leaves running sums of the probabilities of n_qubits' outcomes at the beginning of work->re. */
static void accumulate(struct tarn_state *work, unsigned n_qubits)
{
	bool density = work->n_qubits > n_qubits;
	double sum = 0;
	for (size_t k = 0; k < (size_t)1 << n_qubits; k++) {
		sum += density ? work->re[k | k << n_qubits] : work->re[k] * work->re[k] + work->im[k] * work->im[k];
		work->re[k] = sum;
	}
}

static uint64_t draw(const struct tarn_state *work, unsigned n_qubits, struct tarn_random *random)
{
	size_t low = 0, high = ((size_t)1 << n_qubits) - 1;
	double at = tarn_random_uniform(random) * work->re[high];
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (work->re[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static uint64_t misread(uint64_t outcome, unsigned n_qubits, double flip, struct tarn_random *random)
{
	for (unsigned q = 0; q < n_qubits; q++)
		if (tarn_random_uniform(random) < flip)
			outcome ^= (uint64_t)1 << q;
	return outcome;
}

static void count_parities(const struct tarn_sampler *sampler, const struct group *group, uint64_t outcome, long *sums)
{
	for (size_t i = 0; i < group->n; i++)
		sums[i] += __builtin_parityll(outcome & sampler->masks[group->first + i]) ? -1 : 1;
}

struct tarn_measurement tarn_sampler_measure(const struct tarn_sampler *sampler, const struct tarn_state *state,
					     struct tarn_state *work, unsigned shots, double readout,
					     struct tarn_random *random)
{
	struct tarn_measurement result = { sampler->constant, 0 };
	for (size_t g = 0; g < sampler->n_groups; g++) {
		const struct group *group = &sampler->groups[g];
		long *sums = tarn_calloc(group->n, sizeof(*sums));
		tarn_state_copy(work, state);
		turn_basis(work, group->basis, sampler->n_qubits, 0);
		if (work->n_qubits > sampler->n_qubits)
			turn_basis(work, group->basis, sampler->n_qubits, sampler->n_qubits);
		accumulate(work, sampler->n_qubits);
		for (unsigned shot = 0; shot < shots; shot++) {
			uint64_t outcome = draw(work, sampler->n_qubits, random);
			if (readout > 0)
				outcome = misread(outcome, sampler->n_qubits, readout, random);
			count_parities(sampler, group, outcome, sums);
		}
		for (size_t i = 0; i < group->n; i++) {
			double mean = (double)sums[i] / shots, c = sampler->coefficients[group->first + i];
			result.energy += c * mean;
			result.std += fabs(c) * sqrt(1 - mean * mean) / sqrt(shots);
		}
		free(sums);
	}
	return result;
}
