#include "generate/qubit/step.h"

#include <math.h>

#include "generate/qubit/lanes.h"

static double sign_of(uint64_t bits)
{
	return __builtin_parityll(bits) ? -1 : 1;
}

/* ---- steps ---- */

static struct tarn_pauli generator(const struct tarn_gate *gate)
{
	uint64_t one = (uint64_t)1 << gate->qubit, two = one | (uint64_t)1 << gate->other;
	switch (gate->kind) {
	case TARN_GATE_X: return (struct tarn_pauli){ one, 0 };
	case TARN_GATE_CX: return (struct tarn_pauli){ two ^ one, one };
	case TARN_GATE_RY: return (struct tarn_pauli){ one, one };
	case TARN_GATE_RZ: return (struct tarn_pauli){ 0, one };
	case TARN_GATE_RXX: return (struct tarn_pauli){ two, 0 };
	case TARN_GATE_RYY: return (struct tarn_pauli){ two, two };
	default: return gate->pauli;
	}
}

static enum tarn_step_kind kind_of(enum tarn_gate_kind gate)
{
	switch (gate) {
	case TARN_GATE_X:
	case TARN_GATE_CX: return TARN_STEP_FLIP;
	case TARN_GATE_DEPOLARIZE: return TARN_STEP_DEPOLARIZE;
	default: return TARN_STEP_ROTATE;
	}
}

struct tarn_step tarn_step_of(const struct tarn_gate *gate, const double *parameters)
{
	struct tarn_step step = { .kind = kind_of(gate->kind), .pauli = generator(gate), .c = 1, .s = 0 };
	step.ys = (unsigned)__builtin_popcountll(step.pauli.x & step.pauli.z) & 3;
	if (gate->parameter >= 0) {
		double angle = gate->scale * parameters[gate->parameter];
		step.c = cos(angle / 2);
		step.s = sin(angle / 2);
	} else if (step.kind == TARN_STEP_DEPOLARIZE) {
		step.s = gate->scale;
	}
	return step;
}

struct tarn_step tarn_step_inverse(struct tarn_step step)
{
	step.s = -step.s;
	return step;
}

uint64_t tarn_bits_gather(uint64_t value, uint64_t mask)
{
	uint64_t gathered = 0;
	for (uint64_t to = 1; mask; mask &= mask - 1, to <<= 1)
		if (value & mask & -mask)
			gathered |= to;
	return gathered;
}

uint64_t tarn_bits_spread(uint64_t value, uint64_t mask)
{
	uint64_t spread = 0;
	for (; mask; mask &= mask - 1, value >>= 1)
		if (value & 1)
			spread |= mask & -mask;
	return spread;
}

struct tarn_step tarn_step_in_tile(struct tarn_step step, uint64_t tile)
{
	step.outer_z |= step.pauli.z & ~tile;
	step.pauli.x = tarn_bits_gather(step.pauli.x, tile);
	step.pauli.z = tarn_bits_gather(step.pauli.z, tile);
	return step;
}

/* ---- rotations: psi[k] becomes c psi[k] - i s i^|y| (-1)^|z & (k ^ x)| psi[k ^ x] ---- */

/* The masks of a step apart in lanes and in what lies above them. With an even number of Ys the other's imaginary part
 * joins the real one and the other way round. */
struct turn {
	uint64_t flip, z, top;
	double c, lanes[2][2][TARN_LANES]; /* [sign of the block][for re, im] */
	const double *for_re, *for_im;
};

static void begin_turn(const struct tarn_step *step, struct tarn_amplitudes amplitudes, uint64_t outer,
		       struct turn *turn)
{
	const uint64_t low = TARN_LANES - 1;
	bool even = !(step->ys & 1);
	double s = step->s * sign_of(step->outer_z & outer) * (step->ys == 2 || step->ys == 3 ? -1 : 1);
	turn->flip = step->pauli.x & ~low;
	turn->z = step->pauli.z & ~low;
	turn->top = turn->flip ? (uint64_t)1 << (63 - __builtin_clzll(turn->flip)) : 0;
	turn->c = step->c;
	turn->for_re = even ? amplitudes.im : amplitudes.re;
	turn->for_im = even ? amplitudes.re : amplitudes.im;
	for (uint64_t lane = 0; lane < TARN_LANES; lane++) {
		double g = s * sign_of(step->pauli.z & (lane ^ step->pauli.x) & low);
		for (int minus = 0; minus < 2; minus++, g = -g) {
			turn->lanes[minus][0][lane] = g;
			turn->lanes[minus][1][lane] = even ? -g : g;
		}
	}
}

/* c a + g b, g the block's lanes. */
TARN_INLINE struct tarn_lanes mix(double c, struct tarn_lanes a, const double *g, struct tarn_lanes b)
{
	struct tarn_lanes factor = tarn_lanes_get(g);
	return (struct tarn_lanes){ c * a.low + factor.low * b.low, c * a.high + factor.high * b.high };
}

TARN_INLINE void rotate_within(const struct turn *turn, struct tarn_amplitudes to, unsigned low)
{
	const uint64_t z = turn->z;
	const double c = turn->c;
	for (size_t k = 0; k < to.n; k += TARN_LANES) {
		const double(*g)[TARN_LANES] = turn->lanes[__builtin_parityll(z & k)];
		struct tarn_lanes re = tarn_lanes_get(to.re + k), im = tarn_lanes_get(to.im + k);
		struct tarn_lanes for_re = tarn_lanes_get_turned(turn->for_re + k, low);
		struct tarn_lanes for_im = tarn_lanes_get_turned(turn->for_im + k, low);
		tarn_lanes_put(mix(c, re, g[0], for_re), to.re + k);
		tarn_lanes_put(mix(c, im, g[1], for_im), to.im + k);
	}
}

TARN_INLINE void rotate_across(const struct turn *turn, struct tarn_amplitudes to, unsigned low)
{
	const uint64_t z = turn->z, flip = turn->flip, jump = turn->top;
	const double c = turn->c, *first = turn->for_re, *second = turn->for_im;
	for (size_t k = 0; k < to.n; k = ((k | jump) + TARN_LANES) & ~jump) {
		size_t other = k ^ flip;
		const double(*near)[TARN_LANES] = turn->lanes[__builtin_parityll(z & other)];
		const double(*far)[TARN_LANES] = turn->lanes[__builtin_parityll(z & k)];
		struct tarn_lanes re = tarn_lanes_get(to.re + k), im = tarn_lanes_get(to.im + k);
		struct tarn_lanes re_2 = tarn_lanes_get(to.re + other), im_2 = tarn_lanes_get(to.im + other);
		struct tarn_lanes for_re = tarn_lanes_get_turned(first + other, low);
		struct tarn_lanes for_im = tarn_lanes_get_turned(second + other, low);
		struct tarn_lanes for_re_2 = tarn_lanes_get_turned(first + k, low);
		struct tarn_lanes for_im_2 = tarn_lanes_get_turned(second + k, low);
		tarn_lanes_put(mix(c, re, near[0], for_re), to.re + k);
		tarn_lanes_put(mix(c, im, near[1], for_im), to.im + k);
		tarn_lanes_put(mix(c, re_2, far[0], for_re_2), to.re + other);
		tarn_lanes_put(mix(c, im_2, far[1], for_im_2), to.im + other);
	}
}

TARN_INLINE void rotate(const struct turn *turn, struct tarn_amplitudes to, unsigned low)
{
	if (turn->top)
		rotate_across(turn, to, low);
	else
		rotate_within(turn, to, low);
}

/* `low` is a constant in each call, so that turning lanes is one instruction. */
TARN_VECTORS static void rotate_any(const struct turn *turn, struct tarn_amplitudes to, unsigned low)
{
	switch (low) {
	case 0: rotate(turn, to, 0); break;
	case 1: rotate(turn, to, 1); break;
	case 2: rotate(turn, to, 2); break;
	case 3: rotate(turn, to, 3); break;
	case 4: rotate(turn, to, 4); break;
	case 5: rotate(turn, to, 5); break;
	case 6: rotate(turn, to, 6); break;
	case 7: rotate(turn, to, 7); break;
	default: __builtin_unreachable();
	}
}

/* ---- flips ---- */

/* Lanes of `b` where `take` is 1, of `a` where it is 0. */
TARN_INLINE struct tarn_lanes choose(const double *take, struct tarn_lanes a, struct tarn_lanes b)
{
	struct tarn_lanes t = tarn_lanes_get(take);
	return (struct tarn_lanes){ (1 - t.low) * a.low + t.low * b.low, (1 - t.high) * a.high + t.high * b.high };
}

struct flip {
	uint64_t x, high_z;
	double take[TARN_LANES]; /* 1 where the control is set in a lane's index */
};

/* The flipped qubit is one of the lanes'. */
TARN_INLINE void flip_within(const struct flip *flip, double *values, size_t n, unsigned x)
{
	for (size_t k = 0; k < n; k += TARN_LANES)
		if ((k & flip->high_z) == flip->high_z)
			tarn_lanes_put(
				choose(flip->take, tarn_lanes_get(values + k), tarn_lanes_get_turned(values + k, x)),
				values + k);
}

TARN_INLINE void flip_across(const struct flip *flip, double *values, size_t n)
{
	for (size_t k = 0; k < n; k += TARN_LANES) {
		if ((k & flip->high_z) != flip->high_z || k & flip->x)
			continue;
		struct tarn_lanes a = tarn_lanes_get(values + k), b = tarn_lanes_get(values + (k ^ flip->x));
		tarn_lanes_put(choose(flip->take, a, b), values + k);
		tarn_lanes_put(choose(flip->take, b, a), values + (k ^ flip->x));
	}
}

TARN_VECTORS static void flip_any(const struct flip *flip, double *values, size_t n)
{
	switch (flip->x) {
	case 1: flip_within(flip, values, n, 1); break;
	case 2: flip_within(flip, values, n, 2); break;
	case 4: flip_within(flip, values, n, 4); break;
	default: flip_across(flip, values, n); break;
	}
}

static void apply_flip(const struct tarn_step *step, struct tarn_amplitudes amplitudes)
{
	uint64_t z = step->pauli.z, low_z = z & (TARN_LANES - 1);
	struct flip flip = { .x = step->pauli.x, .high_z = z ^ low_z };
	for (uint64_t lane = 0; lane < TARN_LANES; lane++)
		flip.take[lane] = (lane & low_z) == low_z;
	flip_any(&flip, amplitudes.re, amplitudes.n);
	flip_any(&flip, amplitudes.im, amplitudes.n);
}

/* ---- depolarizing ---- */

/* What the rows' and columns' bits leave equal is the trace over their qubits: a part of it goes to each of them. */
static void depolarize(const struct tarn_step *step, double *values, size_t n)
{
	uint64_t rows = step->pauli.z, columns = step->pauli.x & ~rows, both = step->pauli.x;
	double share = step->s / (double)(1 << __builtin_popcountll(rows)), kept = 1 - step->s;
	for (size_t base = 0; base < n; base = ((base | both) + 1) & ~both) {
		double trace = 0;
		uint64_t row = 0, column = 0, at = 0;
		do {
			trace += values[base | row | column];
			row = ((row | ~rows) + 1) & rows;
			column = ((column | ~columns) + 1) & columns;
		} while (row);
		do {
			values[base | at] *= kept;
			at = ((at | ~both) + 1) & both;
		} while (at);
		do {
			values[base | row | column] += share * trace;
			row = ((row | ~rows) + 1) & rows;
			column = ((column | ~columns) + 1) & columns;
		} while (row);
	}
}

void tarn_step_apply(const struct tarn_step *step, struct tarn_amplitudes amplitudes, uint64_t outer)
{
	struct turn turn;
	switch (step->kind) {
	case TARN_STEP_ROTATE:
		begin_turn(step, amplitudes, outer, &turn);
		rotate_any(&turn, amplitudes, step->pauli.x & (TARN_LANES - 1));
		break;
	case TARN_STEP_FLIP:
		if ((outer & step->outer_z) == step->outer_z)
			apply_flip(step, amplitudes);
		break;
	case TARN_STEP_DEPOLARIZE:
		depolarize(step, amplitudes.re, amplitudes.n);
		depolarize(step, amplitudes.im, amplitudes.n);
		break;
	}
}

/* ---- elements ---- */

/* Lane sums of left.re right.for_re and left.im right.for_im, signs included. */
TARN_INLINE void correlate(const struct turn *turn, struct tarn_amplitudes left, unsigned low,
			   double sums[2][TARN_LANES])
{
	struct tarn_lanes sum[2] = { { { 0 }, { 0 } }, { { 0 }, { 0 } } };
	for (size_t k = 0; k < left.n; k += TARN_LANES) {
		size_t other = k ^ turn->flip;
		struct tarn_lanes g = tarn_lanes_get(turn->lanes[__builtin_parityll(turn->z & other)][0]);
		struct tarn_lanes re = tarn_lanes_get(left.re + k), im = tarn_lanes_get(left.im + k);
		struct tarn_lanes for_re = tarn_lanes_get_turned(turn->for_re + other, low);
		struct tarn_lanes for_im = tarn_lanes_get_turned(turn->for_im + other, low);
		sum[0].low += g.low * re.low * for_re.low;
		sum[0].high += g.high * re.high * for_re.high;
		sum[1].low += g.low * im.low * for_im.low;
		sum[1].high += g.high * im.high * for_im.high;
	}
	tarn_lanes_put(sum[0], sums[0]);
	tarn_lanes_put(sum[1], sums[1]);
}

TARN_VECTORS static void correlate_any(const struct turn *turn, struct tarn_amplitudes left, unsigned low,
				       double sums[2][TARN_LANES])
{
	switch (low) {
	case 0: correlate(turn, left, 0, sums); break;
	case 1: correlate(turn, left, 1, sums); break;
	case 2: correlate(turn, left, 2, sums); break;
	case 3: correlate(turn, left, 3, sums); break;
	case 4: correlate(turn, left, 4, sums); break;
	case 5: correlate(turn, left, 5, sums); break;
	case 6: correlate(turn, left, 6, sums); break;
	case 7: correlate(turn, left, 7, sums); break;
	default: __builtin_unreachable();
	}
}

double tarn_step_element(const struct tarn_step *step, struct tarn_amplitudes left, struct tarn_amplitudes right,
			 uint64_t outer)
{
	struct tarn_step whole = *step;
	struct turn turn;
	double sums[2][TARN_LANES], total = 0;
	whole.s = 1;
	begin_turn(&whole, right, outer, &turn);
	correlate_any(&turn, left, step->pauli.x & (TARN_LANES - 1), sums);
	for (size_t lane = 0; lane < TARN_LANES; lane++)
		total += step->ys & 1 ? sums[0][lane] + sums[1][lane] : sums[0][lane] - sums[1][lane];
	return total;
}
