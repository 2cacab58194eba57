#include "generate/qubit/observable.h"

#include <float.h>
#include <math.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "generate/qubit/lanes.h"
#include "generate/qubit/step.h"

/* A term takes amplitude k to k ^ x. Terms with one X part act together: <k ^ x| ... |k> = D(k), a sum of their signs
 * (-1)^|z & k|. A molecule's D vanishes for most k, since electrons and spins are conserved: two electrons can only
 * leave orbitals that hold them. So D is cut by the bits of k at which x is set, and only the pieces that hold
 * something are kept; for an exchange of two electrons one wave c (-1)^|z & k| is left of each.
 *
 * The state is taken in blocks that the processor's first cache holds twice. A block's result is a sum in one order,
 * and blocks are added in theirs, so no result depends on the number of threads. */
enum { BLOCK_QUBITS = 9, BLOCK = 1 << BLOCK_QUBITS, MOST_SPLIT = 6, THREADS_FROM_QUBITS = 14 };

/* c(lane) (-1)^|z & k|, lane the three lowest bits of k; z has none of them, nor a bit at which its piece is cut. */
struct wave {
	uint64_t z;
	size_t place; /* z within a block, its bits at which the piece is cut left out */
	double c[TARN_LANES];
};

/* The part of a D for the k with k & split == pattern, and the way through a block: `at` runs over the subsets of
 * `free`, eight amplitudes begin at each at | near_pattern, those that they are joined with at (at | near_pattern) ^
 * near_flip of the partner block. */
struct piece {
	uint64_t split, pattern;
	bool odd;     /* the number of Ys: the matrix element is -i D */
	bool mirror;  /* k ^ x of another piece: of an expectation value it gives the same again */
	unsigned low; /* the three lowest bits of x */
	uint64_t far_flip, near_flip, near_pattern, free;
	size_t steps;	 /* 2^(number of free bits) */
	size_t first, n; /* waves */
};

/* Pieces that are in the same blocks: those that begin at a start with start & split == pattern. */
struct shelf {
	uint64_t split, pattern;
	size_t first, n;
};

struct tarn_observable {
	unsigned n_qubits;
	size_t n_pieces, n_shelves, n_half_shelves; /* pieces that are no mirrors come first */
	struct piece *pieces;
	struct shelf *shelves;
	size_t n_waves;
	struct wave *waves;
};

static size_t size_of(unsigned n_qubits)
{
	return (size_t)1 << n_qubits;
}

static size_t block_size(unsigned n_qubits)
{
	size_t size = size_of(n_qubits);
	return size > BLOCK ? BLOCK : size > TARN_LANES ? size : TARN_LANES;
}

static double sign_of(uint64_t bits)
{
	return __builtin_parityll(bits) ? -1 : 1;
}

/* ---- from terms to pieces ---- */

struct entry {
	struct tarn_pauli term;
	double coefficient; /* with the sign of i^|y| */
	bool odd;
	uint64_t rest; /* z at the bits that are neither lanes nor split */
	size_t place;
};

/* The highest bits of x, the lanes apart. */
static uint64_t split_of(uint64_t x)
{
	uint64_t split = 0, left = x & ~(uint64_t)(TARN_LANES - 1);
	for (int i = 0; left && i < MOST_SPLIT; i++) {
		uint64_t highest = (uint64_t)1 << (63 - __builtin_clzll(left));
		split |= highest;
		left ^= highest;
	}
	return split;
}

static int by_group(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	if (a->term.x != b->term.x)
		return a->term.x < b->term.x ? -1 : 1;
	if (a->odd != b->odd)
		return a->odd - b->odd;
	if (a->rest != b->rest)
		return a->rest < b->rest ? -1 : 1;
	return a->place < b->place ? -1 : 1;
}

static struct entry *sorted_entries(const struct tarn_pauli_sum *sum)
{
	struct entry *entries = tarn_calloc(sum->n, sizeof(*entries));
	for (size_t i = 0; i < sum->n; i++) {
		struct tarn_pauli term = sum->terms[i];
		int ys = __builtin_popcountll(term.x & term.z);
		double c = creal(sum->coefficients[i]);
		entries[i] = (struct entry){ term, (ys & 2) ? -c : c, ys & 1,
					     term.z & ~(split_of(term.x) | (TARN_LANES - 1)), i };
	}
	qsort(entries, sum->n, sizeof(*entries), by_group);
	return entries;
}

/* One wave for the entries that share what is left of z; false where they cancel. */
static bool make_wave(const struct entry *entries, size_t n, const struct piece *piece, double negligible,
		      struct wave *wave)
{
	bool holds = false;
	uint64_t within = (BLOCK - 1) & ~(piece->split | (TARN_LANES - 1));
	*wave = (struct wave){ .z = entries->rest, .place = tarn_bits_gather(entries->rest, within) };
	for (uint64_t lane = 0; lane < TARN_LANES; lane++) {
		for (size_t i = 0; i < n; i++)
			wave->c[lane] += sign_of(entries[i].term.z & (piece->pattern | lane)) * entries[i].coefficient;
		if (fabs(wave->c[lane]) <= negligible)
			wave->c[lane] = 0;
		else
			holds = true;
	}
	return holds;
}

static void add_piece(struct tarn_observable *observable, const struct entry *entries, size_t n, struct piece piece,
		      double negligible)
{
	piece.first = observable->n_waves;
	for (size_t begin = 0, end; begin < n; begin = end) {
		end = begin + 1;
		while (end < n && entries[end].rest == entries[begin].rest)
			end++;
		struct wave wave;
		if (!make_wave(entries + begin, end - begin, &piece, negligible, &wave))
			continue;
		observable->waves[observable->n_waves++] = wave;
		piece.n++;
	}
	if (piece.n)
		observable->pieces[observable->n_pieces++] = piece;
}

/* Entries with one X part and one parity of their number of Ys. */
static void add_group(struct tarn_observable *observable, size_t capacity[2], const struct entry *entries, size_t n)
{
	uint64_t x = entries->term.x, split = split_of(x), pattern = 0, within = block_size(observable->n_qubits) - 1;
	uint64_t top = split ? (uint64_t)1 << (63 - __builtin_clzll(split)) : 0;
	size_t patterns = (size_t)1 << __builtin_popcountll(split);
	double total = 0;
	for (size_t i = 0; i < n; i++)
		total += fabs(entries[i].coefficient);
	observable->pieces = tarn_grow(observable->pieces, &capacity[0], observable->n_pieces + patterns,
				       sizeof(*observable->pieces));
	observable->waves = tarn_grow(observable->waves, &capacity[1], observable->n_waves + n * patterns,
				      sizeof(*observable->waves));
	do {
		struct piece piece = { .split = split,
				       .pattern = pattern,
				       .odd = entries->odd,
				       .mirror = pattern & top,
				       .low = x & (TARN_LANES - 1) };
		piece.far_flip = x & ~within;
		piece.near_flip = x & within & ~(uint64_t)(TARN_LANES - 1);
		piece.near_pattern = pattern & within;
		piece.free = within & ~(split | (TARN_LANES - 1));
		piece.steps = (size_t)1 << __builtin_popcountll(piece.free);
		add_piece(observable, entries, n, piece, 4 * DBL_EPSILON * total);
		pattern = ((pattern | ~split) + 1) & split;
	} while (pattern);
}

/* Halves first; then by the partner block, which so stays in the cache; then by the blocks that they are in. */
static int by_blocks(const void *left, const void *right)
{
	const struct piece *a = left, *b = right;
	const uint64_t far = ~(uint64_t)(BLOCK - 1);
	const uint64_t keys[][2] = { { a->mirror, b->mirror },
				     { a->far_flip, b->far_flip },
				     { a->split & far, b->split & far },
				     { a->pattern & far, b->pattern & far },
				     { a->first, b->first } };
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i][0] != keys[i][1])
			return keys[i][0] < keys[i][1] ? -1 : 1;
	return 0;
}

static void put_on_shelves(struct tarn_observable *observable)
{
	const uint64_t far = ~(uint64_t)(BLOCK - 1);
	struct piece *pieces = observable->pieces;
	struct shelf *shelf = NULL;
	observable->shelves = tarn_malloc(observable->n_pieces * sizeof(*shelf));
	if (observable->n_pieces)
		qsort(pieces, observable->n_pieces, sizeof(*pieces), by_blocks);
	for (size_t i = 0; i < observable->n_pieces; i++) {
		uint64_t split = pieces[i].split & far, pattern = pieces[i].pattern & far;
		if (!shelf || shelf->split != split || shelf->pattern != pattern ||
		    pieces[i].mirror != pieces[i - 1].mirror) {
			shelf = &observable->shelves[observable->n_shelves++];
			*shelf = (struct shelf){ split, pattern, i, 0 };
		}
		shelf->n++;
		if (!pieces[i].mirror)
			observable->n_half_shelves = observable->n_shelves;
	}
}

enum tarn_rc tarn_observable_new(const struct tarn_pauli_sum *sum, struct tarn_observable **observable,
				 struct tarn_err *err)
{
	for (size_t i = 0; i < sum->n; i++)
		if (cimag(sum->coefficients[i]) != 0)
			return tarn_fail(err, TARN_EINVALID, "term %zu has the coefficient %g%+gi, expected a real one",
					 i, creal(sum->coefficients[i]), cimag(sum->coefficients[i]));
	struct tarn_observable *made = tarn_calloc(1, sizeof(*made));
	size_t capacity[2] = { 0 };
	made->n_qubits = sum->n_qubits;
	struct entry *entries = sorted_entries(sum);
	for (size_t begin = 0, end; begin < sum->n; begin = end) {
		end = begin + 1;
		while (end < sum->n && entries[end].term.x == entries[begin].term.x &&
		       entries[end].odd == entries[begin].odd)
			end++;
		add_group(made, capacity, entries + begin, end - begin);
	}
	free(entries);
	put_on_shelves(made);
	*observable = made;
	return TARN_OK;
}

void tarn_observable_free(struct tarn_observable *observable)
{
	if (!observable)
		return;
	free(observable->pieces);
	free(observable->shelves);
	free(observable->waves);
	free(observable);
}

/* ---- one piece over one block ---- */

/* A piece in one block. */
struct walk {
	const struct piece *piece;
	const struct wave *wave; /* the only one, or */
	const double *d;	 /* D along the way, eight by eight */
};

#define FOR_EACH_LANES(piece, at, i)                                                                                   \
	for (uint64_t at = 0, i = 0; i < (piece)->steps; i++, at = ((at | ~(piece)->free) + 1) & (piece)->free)

/* In place, unnormalized: out[k] = sum over z of in[z] (-1)^|z & k|, the lanes apart. */
TARN_VECTORS static void walsh_hadamard(double *values, size_t n)
{
	for (size_t half = TARN_LANES; half < n; half *= 2)
		for (size_t base = 0; base < n; base += 2 * half)
			for (size_t low = 0; low < half; low++) {
				double a = values[base + low], b = values[base + half + low];
				values[base + low] = a + b;
				values[base + half + low] = a - b;
			}
}

/* The sum of a piece's waves. */
static void fill(const struct tarn_observable *observable, const struct piece *piece, size_t start, double *d)
{
	memset(d, 0, piece->steps * TARN_LANES * sizeof(*d));
	for (const struct wave *wave = observable->waves + piece->first;
	     wave < observable->waves + piece->first + piece->n; wave++) {
		double sign = sign_of(wave->z & start);
		for (size_t lane = 0; lane < TARN_LANES; lane++)
			d[wave->place * TARN_LANES + lane] += sign * wave->c[lane];
	}
	walsh_hadamard(d, piece->steps * TARN_LANES);
}

/* `d` has room for a block. */
static struct walk begin_walk(const struct tarn_observable *observable, const struct piece *piece, size_t start,
			      double *d)
{
	struct walk walk = { piece, observable->waves + piece->first, NULL };
	if (piece->n > 1) {
		fill(observable, piece, start, d);
		walk.d = d;
	}
	return walk;
}

struct parts {
	const double *re, *im;
};

static struct parts parts_of(const struct tarn_state *state, size_t start)
{
	return (struct parts){ state->re + start, state->im + start };
}

/* Lane sums of D re other.re and D im other.im, D without the factor of a single wave. */
TARN_INLINE void correlate(const struct walk *walk, struct parts block, struct parts other, unsigned low,
			   double sums[2][TARN_LANES])
{
	struct tarn_lanes sum_re = { { 0 }, { 0 } }, sum_im = { { 0 }, { 0 } };
	const struct piece *piece = walk->piece;
	FOR_EACH_LANES(piece, at, i) {
		size_t to = at | piece->near_pattern, from = to ^ piece->near_flip;
		struct tarn_lanes re = tarn_lanes_get(block.re + to), im = tarn_lanes_get(block.im + to);
		struct tarn_lanes re_2 = tarn_lanes_get_turned(other.re + from, low);
		struct tarn_lanes im_2 = tarn_lanes_get_turned(other.im + from, low);
		struct tarn_lanes d;
		if (walk->d) {
			d = tarn_lanes_get(walk->d + i * TARN_LANES);
		} else {
			double sign = sign_of(walk->wave->z & at);
			d.low = d.high = (tarn_v4){ sign, sign, sign, sign };
		}
		sum_re.low += d.low * re.low * re_2.low;
		sum_re.high += d.high * re.high * re_2.high;
		sum_im.low += d.low * im.low * im_2.low;
		sum_im.high += d.high * im.high * im_2.high;
	}
	tarn_lanes_put(sum_re, sums[0]);
	tarn_lanes_put(sum_im, sums[1]);
}

/* `low` is a constant in each call, so that a turn is one instruction. */
TARN_VECTORS static void correlate_turned(const struct walk *walk, struct parts block, struct parts other, unsigned low,
					  double sums[2][TARN_LANES])
{
	switch (low) {
	case 0: correlate(walk, block, other, 0, sums); break;
	case 1: correlate(walk, block, other, 1, sums); break;
	case 2: correlate(walk, block, other, 2, sums); break;
	case 3: correlate(walk, block, other, 3, sums); break;
	case 4: correlate(walk, block, other, 4, sums); break;
	case 5: correlate(walk, block, other, 5, sums); break;
	case 6: correlate(walk, block, other, 6, sums); break;
	case 7: correlate(walk, block, other, 7, sums); break;
	default: __builtin_unreachable();
	}
}

/* out[k] += D(k) psi[k ^ x]; where the number of Ys is odd, the caller gives the other's imaginary part as its real one
 * and takes `factor_im` for -1. */
TARN_INLINE void add_turned(const struct walk *walk, struct parts other, unsigned low, double factor_im, double *out_re,
			    double *out_im)
{
	struct tarn_lanes c = tarn_lanes_get_turned(walk->wave->c, 0);
	const struct piece *piece = walk->piece;
	FOR_EACH_LANES(piece, at, i) {
		size_t to = at | piece->near_pattern, from = to ^ piece->near_flip;
		struct tarn_lanes re = tarn_lanes_get_turned(other.re + from, low);
		struct tarn_lanes im = tarn_lanes_get_turned(other.im + from, low);
		struct tarn_lanes old_re = tarn_lanes_get(out_re + to), old_im = tarn_lanes_get(out_im + to);
		struct tarn_lanes d;
		if (walk->d) {
			d = tarn_lanes_get(walk->d + i * TARN_LANES);
		} else {
			double sign = sign_of(walk->wave->z & at);
			d = (struct tarn_lanes){ sign * c.low, sign * c.high };
		}
		tarn_lanes_put((struct tarn_lanes){ old_re.low + d.low * re.low, old_re.high + d.high * re.high },
			       out_re + to);
		d = (struct tarn_lanes){ factor_im * d.low, factor_im * d.high };
		tarn_lanes_put((struct tarn_lanes){ old_im.low + d.low * im.low, old_im.high + d.high * im.high },
			       out_im + to);
	}
}

TARN_VECTORS static void add_any_turned(const struct walk *walk, struct parts other, unsigned low, double factor_im,
					double *out_re, double *out_im)
{
	switch (low) {
	case 0: add_turned(walk, other, 0, factor_im, out_re, out_im); break;
	case 1: add_turned(walk, other, 1, factor_im, out_re, out_im); break;
	case 2: add_turned(walk, other, 2, factor_im, out_re, out_im); break;
	case 3: add_turned(walk, other, 3, factor_im, out_re, out_im); break;
	case 4: add_turned(walk, other, 4, factor_im, out_re, out_im); break;
	case 5: add_turned(walk, other, 5, factor_im, out_re, out_im); break;
	case 6: add_turned(walk, other, 6, factor_im, out_re, out_im); break;
	case 7: add_turned(walk, other, 7, factor_im, out_re, out_im); break;
	default: __builtin_unreachable();
	}
}

/* ---- all pieces over all blocks ---- */

struct pass {
	const struct tarn_observable *observable;
	const struct tarn_state *state;
	struct tarn_state *out; /* of apply */
	double *sums;		/* of expect, one a block */
};

/* What k is joined with, and for an odd number of Ys its parts exchanged. */
static struct parts partner(const struct pass *pass, const struct piece *piece, size_t start)
{
	struct parts other = parts_of(pass->state, start ^ piece->far_flip);
	return piece->odd ? (struct parts){ other.im, other.re } : other;
}

static void expect_piece(const struct pass *pass, const struct piece *piece, size_t start, double *total)
{
	alignas(64) double d[BLOCK], sums[2][TARN_LANES];
	struct walk walk = begin_walk(pass->observable, piece, start, d);
	correlate_turned(&walk, parts_of(pass->state, start), partner(pass, piece, start), piece->low, sums);
	double factor = piece->split ? 2 : 1;
	if (!walk.d)
		factor *= sign_of(walk.wave->z & start);
	for (size_t lane = 0; lane < TARN_LANES; lane++) {
		double sum = piece->odd ? sums[0][lane] - sums[1][lane] : sums[0][lane] + sums[1][lane];
		total[lane] += factor * (walk.d ? sum : walk.wave->c[lane] * sum);
	}
}

static void expect_block(void *context, size_t index)
{
	const struct pass *pass = context;
	const struct tarn_observable *observable = pass->observable;
	double total[TARN_LANES] = { 0 }, sum = 0;
	size_t start = index * block_size(observable->n_qubits);
	for (const struct shelf *shelf = observable->shelves; shelf < observable->shelves + observable->n_half_shelves;
	     shelf++) {
		if ((start & shelf->split) != shelf->pattern)
			continue;
		for (size_t i = shelf->first; i < shelf->first + shelf->n; i++)
			expect_piece(pass, &observable->pieces[i], start, total);
	}
	for (size_t lane = 0; lane < TARN_LANES; lane++)
		sum += total[lane];
	pass->sums[index] = sum;
}

static void apply_piece(const struct pass *pass, const struct piece *piece, size_t start)
{
	alignas(64) double d[BLOCK];
	struct walk walk = begin_walk(pass->observable, piece, start, d);
	struct wave wave = *walk.wave;
	for (size_t lane = 0; lane < TARN_LANES; lane++)
		wave.c[lane] *= sign_of(wave.z & start);
	walk.wave = &wave;
	add_any_turned(&walk, partner(pass, piece, start), piece->low, piece->odd ? -1 : 1, pass->out->re + start,
		       pass->out->im + start);
}

static void apply_block(void *context, size_t index)
{
	const struct pass *pass = context;
	const struct tarn_observable *observable = pass->observable;
	size_t size = block_size(observable->n_qubits), start = index * size;
	memset(pass->out->re + start, 0, size * sizeof(double));
	memset(pass->out->im + start, 0, size * sizeof(double));
	for (const struct shelf *shelf = observable->shelves; shelf < observable->shelves + observable->n_shelves;
	     shelf++) {
		if ((start & shelf->split) != shelf->pattern)
			continue;
		for (size_t i = shelf->first; i < shelf->first + shelf->n; i++)
			apply_piece(pass, &observable->pieces[i], start);
	}
}

static void over_blocks(struct pass *pass, void (*body)(void *context, size_t index))
{
	unsigned n_qubits = pass->observable->n_qubits;
	size_t size = block_size(n_qubits), n = size_of(n_qubits) > size ? size_of(n_qubits) / size : 1;
	tarn_parallel(n, n_qubits < THREADS_FROM_QUBITS ? 1 : 0, body, pass);
}

double tarn_observable_expect(const struct tarn_observable *observable, const struct tarn_state *state)
{
	size_t blocks = size_of(observable->n_qubits) / BLOCK + 1;
	struct pass pass = { .observable = observable, .state = state, .sums = tarn_calloc(blocks, sizeof(double)) };
	over_blocks(&pass, expect_block);
	double total = 0;
	for (size_t i = 0; i < blocks; i++)
		total += pass.sums[i];
	free(pass.sums);
	return total;
}

void tarn_observable_apply(const struct tarn_observable *observable, const struct tarn_state *state,
			   struct tarn_state *out)
{
	struct pass pass = { .observable = observable, .state = state, .out = out };
	over_blocks(&pass, apply_block);
}

/* ---- gradient ---- */

double tarn_observable_gradient(const struct tarn_observable *observable, const struct tarn_circuit *circuit,
				const double *parameters, struct tarn_state *state, struct tarn_state work[2],
				double *gradient)
{
	struct tarn_state *bra = &work[0], *ket = &work[1];
	tarn_state_run(state, circuit, parameters);
	tarn_observable_apply(observable, state, bra);
	double energy = tarn_state_overlap_re(state, bra);
	tarn_state_copy(ket, state);
	tarn_state_run_back(bra, ket, circuit, parameters, gradient);
	return energy;
}
