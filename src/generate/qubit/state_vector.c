#include "generate/qubit/state_vector.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

/* Index bits are split at the gate's qubit: `low` runs over contiguous amplitudes, which the compiler turns into vectors. */
#define VECTORS __attribute__((target_clones("default", "avx2")))

static size_t quarter_of_memory(void)
{
	return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) / 4;
}

enum tarn_rc tarn_state_new(unsigned n_qubits, size_t max_bytes, struct tarn_state *state, struct tarn_err *err)
{
	size_t limit = max_bytes ? max_bytes : quarter_of_memory();
	if (n_qubits > TARN_STATE_MAX_QUBITS || ((size_t)16 << n_qubits) > limit)
		return tarn_fail(err, TARN_ELIMIT, "a state vector of %u qubits needs 16 * 2^%u bytes, the limit is %zu (and %d qubits)",
				 n_qubits, n_qubits, limit, TARN_STATE_MAX_QUBITS);
	size_t n = (size_t)1 << n_qubits, stride = n < 8 ? 8 : n;
	void *memory = aligned_alloc(64, 2 * stride * sizeof(double));
	if (!memory)
		return tarn_fail(err, TARN_ELIMIT, "no memory for a state vector of %u qubits", n_qubits);
	*state = (struct tarn_state){ n_qubits, memory, (double *)memory + stride };
	memset(memory, 0, 2 * stride * sizeof(double));
	tarn_state_reset(state, 0);
	return TARN_OK;
}

void tarn_state_release(struct tarn_state *state)
{
	free(state->re);
	*state = (struct tarn_state){ 0 };
}

static size_t size_of(const struct tarn_state *state)
{
	return (size_t)1 << state->n_qubits;
}

void tarn_state_reset(struct tarn_state *state, uint64_t basis_state)
{
	memset(state->re, 0, size_of(state) * sizeof(double));
	memset(state->im, 0, size_of(state) * sizeof(double));
	state->re[basis_state] = 1;
}

void tarn_state_copy(struct tarn_state *to, const struct tarn_state *from)
{
	memcpy(to->re, from->re, size_of(from) * sizeof(double));
	memcpy(to->im, from->im, size_of(from) * sizeof(double));
}

/* clang's clones keep a name of their own, so what others call is a plain function. */
VECTORS static double overlap_re(const struct tarn_state *a, const struct tarn_state *b)
{
	enum { LANES = 8 }; /* a fixed order of summation, whatever the vector width */
	double sum[LANES] = { 0 };
	size_t n = size_of(a);
	if (n < LANES) {
		for (size_t k = 0; k < n; k++)
			sum[0] += a->re[k] * b->re[k] + a->im[k] * b->im[k];
		return sum[0];
	}
	for (size_t k = 0; k < n; k += LANES)
		for (size_t lane = 0; lane < LANES; lane++)
			sum[lane] += a->re[k + lane] * b->re[k + lane] + a->im[k + lane] * b->im[k + lane];
	double total = 0;
	for (size_t lane = 0; lane < LANES; lane++)
		total += sum[lane];
	return total;
}

double tarn_state_overlap_re(const struct tarn_state *a, const struct tarn_state *b)
{
	return overlap_re(a, b);
}

/* ---- one gate each ---- */

VECTORS static void rotate_y(struct tarn_state *state, unsigned qubit, double angle)
{
	double c = cos(angle / 2), s = sin(angle / 2);
	size_t half = (size_t)1 << qubit, n = size_of(state);
	for (int part = 0; part < 2; part++) {
		double *values = part ? state->im : state->re;
		for (size_t base = 0; base < n; base += 2 * half) {
			double *restrict zero = values + base, *restrict one = values + base + half;
			for (size_t low = 0; low < half; low++) {
				double a = zero[low], b = one[low];
				zero[low] = c * a - s * b;
				one[low] = s * a + c * b;
			}
		}
	}
}

/* Multiplies `len` amplitudes by c + i s. */
VECTORS static void turn(double *restrict re, double *restrict im, size_t len, double c, double s)
{
	for (size_t i = 0; i < len; i++) {
		double a = re[i], b = im[i];
		re[i] = c * a - s * b;
		im[i] = c * b + s * a;
	}
}

static void rotate_z(struct tarn_state *state, unsigned qubit, double angle)
{
	double c = cos(angle / 2), s = sin(angle / 2);
	size_t half = (size_t)1 << qubit, n = size_of(state);
	for (size_t base = 0; base < n; base += 2 * half) {
		turn(state->re + base, state->im + base, half, c, -s);
		turn(state->re + base + half, state->im + base + half, half, c, s);
	}
}

static void swap_values(double *restrict a, double *restrict b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		double keep = a[i];
		a[i] = b[i];
		b[i] = keep;
	}
}

static void flip(struct tarn_state *state, unsigned qubit)
{
	size_t half = (size_t)1 << qubit, n = size_of(state);
	for (size_t base = 0; base < n; base += 2 * half) {
		swap_values(state->re + base, state->re + base + half, half);
		swap_values(state->im + base, state->im + base + half, half);
	}
}

/* Calls for every run of contiguous indices in which bits `a` and `b` of the index are 0. */
#define FOR_PAIR_RUNS(state, a, b, base, run)                                                                           \
	for (size_t run = (size_t)1 << ((a) < (b) ? (a) : (b)), wide_ = (size_t)1 << ((a) < (b) ? (b) : (a)), outer_ = 0; \
	     outer_ < size_of(state); outer_ += 2 * wide_)                                                              \
		for (size_t base = outer_; base < outer_ + wide_; base += 2 * run)

static void controlled_flip(struct tarn_state *state, unsigned control, unsigned target)
{
	size_t on = (size_t)1 << control, flipped = (size_t)1 << target;
	FOR_PAIR_RUNS(state, control, target, base, run) {
		swap_values(state->re + base + on, state->re + base + on + flipped, run);
		swap_values(state->im + base + on, state->im + base + on + flipped, run);
	}
}

/* (u, v) -> (c u - i s sign v, c v - i s sign u) on two runs. */
VECTORS static void exchange(struct tarn_state *state, size_t u, size_t v, size_t run, double c, double s)
{
	double *restrict ur = state->re + u, *restrict ui = state->im + u;
	double *restrict vr = state->re + v, *restrict vi = state->im + v;
	for (size_t i = 0; i < run; i++) {
		double a = ur[i], b = ui[i], d = vr[i], e = vi[i];
		ur[i] = c * a + s * e;
		ui[i] = c * b - s * d;
		vr[i] = c * d + s * b;
		vi[i] = c * e - s * a;
	}
}

/* XX joins 00 with 11 and 01 with 10; YY does the same with the sign of the former turned. */
static void rotate_pair(struct tarn_state *state, unsigned a, unsigned b, double angle, double sign_outer)
{
	double c = cos(angle / 2), s = sin(angle / 2);
	size_t bit_a = (size_t)1 << a, bit_b = (size_t)1 << b;
	FOR_PAIR_RUNS(state, a, b, base, run) {
		exchange(state, base, base + bit_a + bit_b, run, c, sign_outer * s);
		exchange(state, base + bit_a, base + bit_b, run, c, s);
	}
}

/* e^(-i t P / 2) with P |k> = i^|y| (-1)^|z & k| |k ^ x>. */
static void rotate_pauli(struct tarn_state *state, struct tarn_pauli pauli, double angle)
{
	double c = cos(angle / 2), s = sin(angle / 2);
	double *re = state->re, *im = state->im;
	int ys = __builtin_popcountll(pauli.x & pauli.z) & 3;
	for (size_t k = 0; k < size_of(state); k++) {
		size_t other = k ^ pauli.x;
		if (other < k)
			continue;
		double sign = __builtin_parityll(pauli.z & k) ? -s : s;
		if (other == k) {
			turn(re + k, im + k, 1, c, -sign);
			continue;
		}
		/* psi'[other] = c psi[other] - i s w psi[k], psi'[k] = c psi[k] - i s conj(w) psi[other], w = i^ys (-1)^.. */
		double a = re[k], b = im[k], d = re[other], e = im[other];
		double w_re = ys == 0 ? sign : ys == 2 ? -sign : 0, w_im = ys == 1 ? sign : ys == 3 ? -sign : 0;
		re[other] = c * d + (w_re * b + w_im * a);
		im[other] = c * e - (w_re * a - w_im * b);
		re[k] = c * a + (w_re * e - w_im * d);
		im[k] = c * b - (w_re * d + w_im * e);
	}
}

void tarn_state_apply(struct tarn_state *state, const struct tarn_gate *gate, const double *parameters, bool inverse)
{
	double angle = gate->parameter < 0 ? 0 : gate->scale * parameters[gate->parameter];
	if (inverse)
		angle = -angle;
	switch (gate->kind) {
	case TARN_GATE_X:     flip(state, gate->qubit); break;
	case TARN_GATE_CX:    controlled_flip(state, gate->qubit, gate->other); break;
	case TARN_GATE_RY:    rotate_y(state, gate->qubit, angle); break;
	case TARN_GATE_RZ:    rotate_z(state, gate->qubit, angle); break;
	case TARN_GATE_RXX:   rotate_pair(state, gate->qubit, gate->other, angle, 1); break;
	case TARN_GATE_RYY:   rotate_pair(state, gate->qubit, gate->other, angle, -1); break;
	case TARN_GATE_PAULI: rotate_pauli(state, gate->pauli, angle); break;
	}
}

void tarn_state_run(struct tarn_state *state, const struct tarn_circuit *circuit, const double *parameters)
{
	tarn_state_reset(state, 0);
	for (size_t i = 0; i < circuit->n; i++)
		tarn_state_apply(state, &circuit->gates[i], parameters, false);
}
