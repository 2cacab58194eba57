#include "generate/qubit/circuit_run.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "generate/qubit/lanes.h"
#include "generate/qubit/step.h"

enum { TILE_QUBITS = 10, TILE = 1 << TILE_QUBITS, THREADS_FROM_QUBITS = 14, MOST_CHUNKS = 64 };

/* Steps that move amplitudes along the qubits of `tile` only. */
struct stretch {
	uint64_t tile;
	size_t first, n;
};

struct plan {
	unsigned n_qubits;
	struct tarn_step *steps; /* in the order in which they are done */
	size_t *gates;		 /* the gate that each is made from */
	size_t n_stretches;
	struct stretch *stretches;
};

static uint64_t all_qubits(unsigned n_qubits)
{
	return ((uint64_t)1 << n_qubits) - 1;
}

/* ---- the plan ---- */

struct choice {
	uint64_t tile, blocked; /* blocked: qubits of gates that must wait, and keep those after them waiting */
};

static bool fits(struct choice *choice, const struct tarn_step *step)
{
	uint64_t tile = choice->tile | step->pauli.x;
	if (((step->pauli.x | step->pauli.z) & choice->blocked) || __builtin_popcountll(tile) > TILE_QUBITS) {
		choice->blocked |= step->pauli.x | step->pauli.z;
		return false;
	}
	choice->tile = tile;
	return true;
}

/* Takes what fits into one tile from `waiting`, which keeps its order. False where not even the first gate does. */
static bool take_stretch(struct plan *plan, const struct tarn_step *steps, size_t *waiting, size_t *n_waiting)
{
	struct stretch *stretch = &plan->stretches[plan->n_stretches];
	uint64_t all = all_qubits(plan->n_qubits);
	struct choice choice = { .tile = TARN_LANES - 1 };
	size_t kept = 0, i = 0;
	for (; i < *n_waiting && choice.blocked != all; i++) {
		size_t gate = waiting[i];
		if (!fits(&choice, &steps[gate])) {
			waiting[kept++] = gate;
			continue;
		}
		plan->gates[stretch->first + stretch->n] = gate;
		plan->steps[stretch->first + stretch->n++] = steps[gate];
	}
	memmove(waiting + kept, waiting + i, (*n_waiting - i) * sizeof(*waiting));
	*n_waiting -= i - kept;
	/* A tile is filled up, so that its number does not depend on how many qubits its gates happen to move. */
	for (uint64_t q = 1; q & all && __builtin_popcountll(choice.tile) < TILE_QUBITS; q <<= 1)
		choice.tile |= q;
	stretch->tile = choice.tile;
	return stretch->n > 0;
}

static void make_plan(const struct tarn_circuit *circuit, const double *parameters, struct plan *plan)
{
	size_t n_waiting = circuit->n, *waiting = tarn_malloc((circuit->n + 1) * sizeof(*waiting));
	struct tarn_step *steps = tarn_malloc((circuit->n + 1) * sizeof(*steps));
	*plan = (struct plan){ .n_qubits = circuit->n_qubits };
	plan->steps = tarn_malloc((circuit->n + 1) * sizeof(*plan->steps));
	plan->gates = tarn_malloc((circuit->n + 1) * sizeof(*plan->gates));
	plan->stretches = tarn_malloc((circuit->n + 1) * sizeof(*plan->stretches));
	for (size_t i = 0; i < circuit->n; i++) {
		waiting[i] = i;
		steps[i] = tarn_step_of(&circuit->gates[i], parameters);
	}
	while (n_waiting) {
		struct stretch *stretch = &plan->stretches[plan->n_stretches];
		*stretch = (struct stretch){ .first = circuit->n - n_waiting };
		if (circuit->n_qubits <= TILE_QUBITS || !take_stretch(plan, steps, waiting, &n_waiting)) {
			/* All that is left of a small circuit, or one gate that is wider than a tile. */
			size_t n = circuit->n_qubits <= TILE_QUBITS ? n_waiting : 1;
			stretch->tile = all_qubits(circuit->n_qubits);
			stretch->n = n;
			for (size_t i = 0; i < n; i++) {
				plan->gates[stretch->first + i] = waiting[i];
				plan->steps[stretch->first + i] = steps[waiting[i]];
			}
			n_waiting -= n;
			memmove(waiting, waiting + n, n_waiting * sizeof(*waiting));
		}
		plan->n_stretches++;
	}
	free(waiting);
	free(steps);
}

static void release_plan(struct plan *plan)
{
	free(plan->steps);
	free(plan->gates);
	free(plan->stretches);
}

/* ---- tiles ---- */

/* A stretch over all tiles, which are shared out in chunks; their number depends on the number of qubits alone. */
struct pass {
	const struct stretch *stretch;
	const struct tarn_step *steps; /* as they are in a tile */
	unsigned n_qubits;
	size_t n_tiles, n_chunks;
	struct tarn_state *state, *bra; /* bra: going back only */
	double *elements;		/* n_chunks * stretch->n */
};

/* Copies a tile that begins at `outer` out of the state, or into it. */
static void copy_tile(double *values, double *tile, uint64_t mask, uint64_t outer, bool into_state)
{
	uint64_t low_run = mask & ~(mask + 1); /* qubits 0 .. r - 1 are in the tile: runs of 2^r amplitudes */
	uint64_t steps = mask & ~low_run, at = 0;
	size_t run = (size_t)low_run + 1;
	do {
		double *there = values + (outer | at);
		memcpy(into_state ? there : tile, into_state ? tile : there, run * sizeof(*tile));
		tile += run;
		at = ((at | ~steps) + 1) & steps;
	} while (at);
}

static bool in_place(const struct pass *pass)
{
	return pass->stretch->tile == all_qubits(pass->n_qubits);
}

static struct tarn_amplitudes open_tile(const struct pass *pass, struct tarn_state *state, uint64_t outer, double *room)
{
	size_t n = (size_t)1 << pass->n_qubits;
	if (in_place(pass))
		return (struct tarn_amplitudes){ state->re, state->im, n < TARN_LANES ? TARN_LANES : n };
	copy_tile(state->re, room, pass->stretch->tile, outer, false);
	copy_tile(state->im, room + TILE, pass->stretch->tile, outer, false);
	return (struct tarn_amplitudes){ room, room + TILE, TILE };
}

static void close_tile(const struct pass *pass, struct tarn_state *state, uint64_t outer, double *room)
{
	if (in_place(pass))
		return;
	copy_tile(state->re, room, pass->stretch->tile, outer, true);
	copy_tile(state->im, room + TILE, pass->stretch->tile, outer, true);
}

static void run_tile(const struct pass *pass, size_t index)
{
	alignas(64) double room[2 * TILE];
	uint64_t outer = tarn_bits_spread(index, all_qubits(pass->n_qubits) & ~pass->stretch->tile);
	struct tarn_amplitudes tile = open_tile(pass, pass->state, outer, room);
	for (size_t i = 0; i < pass->stretch->n; i++)
		tarn_step_apply(&pass->steps[i], tile, outer);
	close_tile(pass, pass->state, outer, room);
}

static void run_tile_back(const struct pass *pass, size_t index, double *elements)
{
	alignas(64) double room[2][2 * TILE];
	uint64_t outer = tarn_bits_spread(index, all_qubits(pass->n_qubits) & ~pass->stretch->tile);
	struct tarn_amplitudes ket = open_tile(pass, pass->state, outer, room[0]);
	struct tarn_amplitudes bra = open_tile(pass, pass->bra, outer, room[1]);
	for (size_t i = pass->stretch->n; i-- > 0;) {
		struct tarn_step inverse = tarn_step_inverse(pass->steps[i]);
		if (inverse.kind == TARN_STEP_ROTATE)
			elements[i] += tarn_step_element(&inverse, bra, ket, outer);
		tarn_step_apply(&inverse, ket, outer);
		tarn_step_apply(&inverse, bra, outer);
	}
	close_tile(pass, pass->state, outer, room[0]);
	close_tile(pass, pass->bra, outer, room[1]);
}

static void run_chunk(void *context, size_t chunk)
{
	const struct pass *pass = context;
	size_t end = pass->n_tiles * (chunk + 1) / pass->n_chunks;
	for (size_t tile = pass->n_tiles * chunk / pass->n_chunks; tile < end; tile++) {
		if (pass->bra)
			run_tile_back(pass, tile, pass->elements + chunk * pass->stretch->n);
		else
			run_tile(pass, tile);
	}
}

static void run_stretch(const struct plan *plan, const struct stretch *stretch, struct pass *pass)
{
	struct tarn_step *steps = tarn_malloc(stretch->n * sizeof(*steps));
	for (size_t i = 0; i < stretch->n; i++)
		steps[i] = tarn_step_in_tile(plan->steps[stretch->first + i], stretch->tile);
	pass->stretch = stretch;
	pass->steps = steps;
	pass->n_qubits = plan->n_qubits;
	pass->n_tiles = (size_t)1 << (plan->n_qubits - (unsigned)__builtin_popcountll(stretch->tile));
	pass->n_chunks = pass->n_tiles < MOST_CHUNKS ? pass->n_tiles : MOST_CHUNKS;
	if (pass->bra)
		pass->elements = tarn_calloc(pass->n_chunks * stretch->n, sizeof(*pass->elements));
	tarn_parallel(pass->n_chunks, plan->n_qubits < THREADS_FROM_QUBITS ? 1 : 0, run_chunk, pass);
	free(steps);
}

/* ---- circuits ---- */

void tarn_state_run(struct tarn_state *state, const struct tarn_circuit *circuit, const double *parameters)
{
	struct plan plan;
	make_plan(circuit, parameters, &plan);
	tarn_state_reset(state, 0);
	for (size_t i = 0; i < plan.n_stretches; i++) {
		struct pass pass = { .state = state };
		run_stretch(&plan, &plan.stretches[i], &pass);
	}
	release_plan(&plan);
}

static void add_to_gradient(const struct plan *plan, const struct pass *pass, const struct tarn_circuit *circuit,
			    double *gradient)
{
	const struct stretch *stretch = pass->stretch;
	for (size_t i = stretch->n; i-- > 0;) {
		const struct tarn_gate *gate = &circuit->gates[plan->gates[stretch->first + i]];
		double element = 0;
		if (gate->parameter < 0)
			continue;
		for (size_t chunk = 0; chunk < pass->n_chunks; chunk++)
			element += pass->elements[chunk * stretch->n + i];
		gradient[gate->parameter] += gate->scale * element;
	}
}

void tarn_state_run_back(struct tarn_state *bra, struct tarn_state *ket, const struct tarn_circuit *circuit,
			 const double *parameters, double *gradient)
{
	struct plan plan;
	make_plan(circuit, parameters, &plan);
	memset(gradient, 0, circuit->n_parameters * sizeof(*gradient));
	for (size_t i = plan.n_stretches; i-- > 0;) {
		struct pass pass = { .state = ket, .bra = bra };
		run_stretch(&plan, &plan.stretches[i], &pass);
		add_to_gradient(&plan, &pass, circuit, gradient);
		free(pass.elements);
	}
	release_plan(&plan);
}
