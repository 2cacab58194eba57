/* The VQE result (VQEDecoratedResult): the one definition that simulation, sink and feature run share.
 *
 * v1, v2, Connect's rewriting of both, and JSON arrive as this structure. Energies are hartree, angles radian, times
 * seconds. All memory belongs to the batch that the record came in (batch.h), mostly as slices of decoded columns. */
#ifndef TARN_SERIALIZE_RECORD_RECORD_H
#define TARN_SERIALIZE_RECORD_RECORD_H

#include "base/buf.h"
#include "base/err.h"

struct tarn_opt_int {
	bool present;
	int32_t value;
};
struct tarn_opt_double {
	bool present;
	double value;
};
struct tarn_opt_bool {
	bool present;
	bool value;
};

/* A list of strings: item i is data[offsets[i] .. offsets[i + 1]). offsets has n + 1 entries and need not begin at 0. */
struct tarn_strings {
	size_t n;
	const int64_t *offsets;
	const uint8_t *data;
};
static inline struct tarn_slice tarn_strings_at(const struct tarn_strings *strings, size_t i)
{
	return tarn_slice_of(strings->data + strings->offsets[i],
			     (size_t)(strings->offsets[i + 1] - strings->offsets[i]));
}

/* One optional double per iteration: valid == NULL where the schema has no such field (v1): all null. */
struct tarn_opt_doubles {
	const uint8_t *valid;
	const double *values;
};

struct tarn_molecule {
	struct tarn_strings symbols;
	size_t n_coords;               /* rows */
	const int64_t *coord_offsets;  /* n_coords + 1: row i is coords[coord_offsets[i] .. coord_offsets[i + 1]) */
	const double *coords;
	int32_t multiplicity, charge;
	struct tarn_slice units;
	bool has_masses;
	size_t n_masses;
	const double *masses;
};

/* What was asked for (`initial_data`); with molecule and basis set it makes the experiment's identity. */
struct tarn_setup {
	struct tarn_slice backend;
	int32_t num_qubits;
	struct tarn_strings term_labels;          /* Pauli strings, qubit 0 rightmost */
	const double *term_real, *term_imaginary; /* one per label */
	int32_t num_parameters;
	size_t n_initial;
	const double *initial_parameters;
	struct tarn_slice optimizer, ansatz, noise_backend;
	struct tarn_opt_int default_shots;
	int32_t ansatz_reps;
	struct tarn_slice init_strategy, ansatz_name; /* data == NULL: null */
	struct tarn_opt_int seed;
	struct tarn_opt_bool exact_estimator; /* absent in v1; v2 always has it */
};

struct tarn_iterations {
	size_t n;
	const int32_t *step; /* 1, 2, ... */
	const double *energy, *std;
	struct tarn_opt_doubles energy_delta, parameter_delta_norm, cumulative_min_energy;
	const int64_t *parameter_offsets; /* n + 1: iteration i is parameters[parameter_offsets[i] .. [i + 1]) */
	const double *parameters;
};

struct tarn_record {
	struct tarn_molecule molecule;
	struct tarn_slice basis_set;
	struct tarn_setup setup;
	struct tarn_iterations iterations;
	double minimum; /* electronic energy */
	size_t n_optimal;
	const double *optimal_parameters;
	struct tarn_opt_double maxcv;
	double minimization_time;
	struct tarn_opt_double nuclear_repulsion_energy;
	struct tarn_opt_bool success;
	struct tarn_opt_int nfev, nit;
	double hamiltonian_time, mapping_time, vqe_time, total_time;
	int32_t molecule_id;
	struct tarn_slice performance_start, performance_end; /* data == NULL: null */
};

/* The contract every record keeps: matching lengths (num_parameters, parameters of each iteration, optimal
 * parameters; term labels num_qubits long over I X Y Z; coordinates three a symbol; masses one a symbol), iterations
 * present and in strictly rising order, finite energies, parameters and coefficients, times finite and not negative,
 * a minimum that some iteration reached (v1 stores the optimizer's own answer: there the minimum may be no lower than
 * every iteration's, see README), num_qubits 1 .. 64. TARN_EINVALID with a reason that names the field and the values. */
enum tarn_rc tarn_record_check(const struct tarn_record *record, struct tarn_err *err) TARN_MUST_CHECK;

/* Appends the canonical JSON text that is hashed (see README: key order, null fields left out, Java doubles). */
void tarn_record_canonical(const struct tarn_record *record, struct tarn_buf *out);

#define TARN_ID_SIZE 64
struct tarn_record_ids {
	char experiment[TARN_ID_SIZE];    /* SHA-256 of the canonical text, lower-case hexadecimal, not terminated */
	char configuration[TARN_ID_SIZE]; /* of what was asked for: molecule (coordinates to 1e-8), basis, ansatz,
					   * repetitions, optimizer, shots, seed, strategy, backend */
	char result[TARN_ID_SIZE];        /* of all that is outside the experiment's identity: iterations, optimum, flags,
					   * times; two deliveries with equal ids and equal result are the same record */
};
/* `scratch` is cleared and used, and may grow past its max; pass the same one again to spare its allocation. */
void tarn_record_identify(const struct tarn_record *record, struct tarn_buf *scratch, struct tarn_record_ids *ids);

#endif
