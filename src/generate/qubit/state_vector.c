#include "generate/qubit/state_vector.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "generate/qubit/lanes.h"
#include "generate/qubit/step.h"

static size_t quarter_of_memory(void)
{
	return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) / 4;
}

enum tarn_rc tarn_state_new(unsigned n_qubits, size_t max_bytes, struct tarn_state *state, struct tarn_err *err)
{
	size_t limit = max_bytes ? max_bytes : quarter_of_memory();
	if (n_qubits > TARN_STATE_MAX_QUBITS || ((size_t)16 << n_qubits) > limit)
		return tarn_fail(err, TARN_ELIMIT,
				 "a state vector of %u qubits needs 16 * 2^%u bytes, the limit is %zu (and %d qubits)",
				 n_qubits, n_qubits, limit, TARN_STATE_MAX_QUBITS);
	size_t n = (size_t)1 << n_qubits, stride = n < TARN_LANES ? TARN_LANES : n;
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
TARN_VECTORS static double overlap_re(const struct tarn_state *a, const struct tarn_state *b)
{
	double sum[TARN_LANES] = { 0 }, total = 0;	    /* a fixed order of summation, whatever the vector width */
	for (size_t k = 0; k < size_of(a); k += TARN_LANES) /* what lies above two qubits is zero */
		for (size_t lane = 0; lane < TARN_LANES; lane++)
			sum[lane] += a->re[k + lane] * b->re[k + lane] + a->im[k + lane] * b->im[k + lane];
	for (size_t lane = 0; lane < TARN_LANES; lane++)
		total += sum[lane];
	return total;
}

double tarn_state_overlap_re(const struct tarn_state *a, const struct tarn_state *b)
{
	return overlap_re(a, b);
}

void tarn_state_apply(struct tarn_state *state, const struct tarn_gate *gate, const double *parameters, bool inverse)
{
	struct tarn_step step = tarn_step_of(gate, parameters);
	size_t n = size_of(state);
	if (inverse)
		step = tarn_step_inverse(step);
	tarn_step_apply(&step, (struct tarn_amplitudes){ state->re, state->im, n < TARN_LANES ? TARN_LANES : n }, 0);
}
