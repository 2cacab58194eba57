/* `tarn simulate`: from words on the command line to requests. */
#ifndef TARN_CLI_SIMULATE_WORDS_H
#define TARN_CLI_SIMULATE_WORDS_H

#include "cli/command.h"
#include "cli/options.h"
#include "generate/vqe/raw.h"
#include "generate/vqe/simulation.h"

/* Options as they were typed; numbers that were not stay at -1. */
struct tarn_simulate_words {
	const char *molecules, *basis, *multiplicity, *charge;
	const char *ansatz, *entanglement, *mapping, *optimizer, *convergence, *readout_error, *init, *gradient;
	const char *out, *format, *record_version, *batch;
	int64_t molecule_index, reps, frozen, active, max_iterations, seed, shots, schema_id, jobs;
	bool reduce, unrestricted, exact, json;
};

/* Fills all of the request but the molecule, and the form; false after a usage error, with the exit code. */
bool tarn_simulate_request(const struct tarn_usage *usage, const struct tarn_simulate_words *words,
			   struct tarn_simulation_request *request, struct tarn_raw_form *form, int *exit_code);
/* The molecules that were asked for, in the arena, with charge and multiplicity replaced where words say so. `name` is a built-in's
 * name or an XYZ file, or NULL for words->molecules. */
enum tarn_rc tarn_simulate_molecules(const struct tarn_simulate_words *words, const char *name, struct tarn_arena *arena,
				     struct tarn_geometry **geometries, size_t *n, struct tarn_err *err) TARN_MUST_CHECK;

#endif
