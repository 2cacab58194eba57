/* Sweeps: one YAML file describes many simulations, which run over threads and survive being killed.
 *
 *   molecules:                    # required: built-in names, XYZ files, or templates
 *     - H2
 *     - water.xyz
 *     - symbols: [H, H]           # also charge, multiplicity, name
 *       coords: [[0, 0, 0], [0, 0, bond]]    # angstrom; `bond` and `-bond` stand for each length
 *       bond: [0.6, 0.735, 0.9]   # or {from: 0.5, to: 2.0, step: 0.1}, both ends included
 *   basis: [sto3g, 6-31g]         # any option of request.h: a value or a list of values
 *   optimizer: L-BFGS-B
 *   seed: [1, 2, 3]               # 0 where none is given: a sweep can be done again
 *
 * Runs are the cross product, molecules slowest, then the options in the order in which the file has them, the last one fastest.
 *
 * State of a sweep in OUT/.tarn-batch/<hash of all its runs>/, a run's key being a hash of its molecule and request:
 *
 *   lock                 held while the sweep runs
 *   <key>+<energy>+<topic>.staged   the raw object, complete and durable; then it gets a second link, its place in the raw area
 *   <key>.done           JSON: {"path", "energy", "run"}; written once the place is durable, then the staged name goes
 *
 * At any moment a run is either to be done again (nothing of it is visible), or staged (a place that it may have is found by its inode), or
 * done. Places are given in the order of the runs, so offsets do not depend on the number of threads. */
#ifndef TARN_GENERATE_VQE_SWEEP_H
#define TARN_GENERATE_VQE_SWEEP_H

#include "generate/vqe/raw.h"
#include "generate/vqe/simulation.h"

#define TARN_SWEEP_KEY_SIZE 33 /* 32 hexadecimal digits and the end */

struct tarn_sweep_run {
	char key[TARN_SWEEP_KEY_SIZE];
	const char *label; /* "H2 0.735, 6-31g, seed 2": what tells it from the others, for people */
	struct tarn_simulation_request request;
};

struct tarn_sweep {
	struct tarn_arena arena; /* owns all that follows */
	char hash[TARN_SWEEP_KEY_SIZE];
	size_t n;
	struct tarn_sweep_run *runs;
};

/* `defaults`: options for what the file leaves open. Limits: 100,000 runs. Errors name the line. */
enum tarn_rc tarn_sweep_read(struct tarn_slice yaml, const struct tarn_simulation_request *defaults,
			     const struct tarn_raw_form *form, struct tarn_sweep *batch, struct tarn_err *err)
	TARN_MUST_CHECK;
void tarn_sweep_release(struct tarn_sweep *batch);

struct tarn_sweep_progress {
	size_t n, before, done, failed, running; /* before: done by an earlier call */
	double lowest;                           /* total energy, hartree; NAN before the first */
	const char *lowest_label;
	double seconds, seconds_left;            /* seconds_left < 0: not known yet */
};

struct tarn_sweep_options {
	const char *out; /* the raw area */
	struct tarn_raw_form form;
	int jobs;
	const struct tarn_simulator *simulator;
	/* Both may be NULL; called from any of the threads, one at a time. */
	void (*progress)(void *context, const struct tarn_sweep_progress *progress);
	void (*failed)(void *context, const struct tarn_sweep_run *run, const struct tarn_err *err);
	void *context;
};

/* Does what is left of the batch. A run that fails does not stop the others and is tried again by the next call. TARN_EBUSY where another
 * process has the same batch under way; TARN_EIO and others where no more can be written. */
enum tarn_rc tarn_sweep_execute(const struct tarn_sweep *batch, const struct tarn_sweep_options *options,
				struct tarn_sweep_progress *result, struct tarn_err *err) TARN_MUST_CHECK;

#endif
