/* The contract of a record, rule by rule (README, "Contract"). */
#include "serialize/record/record.h"

#include <math.h>
#include <stdio.h>

#include "base/utf8.h"

/* What replaying a sum in another order or storing a shifted copy may move an energy by, in hartree. Chemical accuracy
 * is 1.6e-3; the smallest step that an optimizer takes on purpose moves energies by about 1e-8. */
static const double ENERGY_TOLERANCE = 1e-6;

static const int32_t MAX_QUBITS = 64;

/* ---- values ---- */

/* Index of the first value that is not finite, or n. */
static size_t first_not_finite(const double *values, size_t n)
{
	bool bad = false;
	for (size_t i = 0; i < n; i++)
		bad |= values[i] - values[i] != 0;
	if (!bad)
		return n;
	size_t i = 0;
	while (isfinite(values[i]))
		i++;
	return i;
}

static enum tarn_rc check_doubles(const char *field, const double *values, size_t n, struct tarn_err *err)
{
	size_t i = first_not_finite(values, n);
	if (i == n)
		return TARN_OK;
	return tarn_fail(err, TARN_EINVALID, "%s[%zu] is %g, expected a finite number", field, i, values[i]);
}

static enum tarn_rc check_finite(const char *field, double value, struct tarn_err *err)
{
	if (isfinite(value))
		return TARN_OK;
	return tarn_fail(err, TARN_EINVALID, "%s is %g, expected a finite number", field, value);
}

static enum tarn_rc check_not_negative(const char *field, double value, struct tarn_err *err)
{
	if (isfinite(value) && value >= 0)
		return TARN_OK;
	return tarn_fail(err, TARN_EINVALID, "%s is %g, expected a finite number that is not negative", field, value);
}

static enum tarn_rc check_int(const char *field, int32_t value, int32_t least, int32_t most, struct tarn_err *err)
{
	if (value >= least && value <= most)
		return TARN_OK;
	if (most == INT32_MAX)
		return tarn_fail(err, TARN_EINVALID, "%s is %d, expected at least %d", field, value, least);
	return tarn_fail(err, TARN_EINVALID, "%s is %d, expected %d to %d", field, value, least, most);
}

static enum tarn_rc check_length(const char *field, size_t n, const char *of, size_t expected, struct tarn_err *err)
{
	if (n == expected)
		return TARN_OK;
	return tarn_fail(err, TARN_EINVALID, "%s has %zu values, expected %zu (%s)", field, n, expected, of);
}

/* ---- text ---- */

static enum tarn_rc check_utf8(const char *field, struct tarn_slice text, struct tarn_err *err)
{
	size_t valid = tarn_utf8_valid(text);
	if (valid == text.len)
		return TARN_OK;
	return tarn_fail(err, TARN_EINVALID, "%s has byte 0x%02x at %zu, expected UTF-8", field, text.data[valid], valid);
}

static enum tarn_rc check_name(const char *field, struct tarn_slice text, struct tarn_err *err)
{
	if (!text.len)
		return tarn_fail(err, TARN_EINVALID, "%s is empty, expected a name", field);
	return check_utf8(field, text, err);
}

static bool same_ignoring_case(struct tarn_slice text, const char *lower)
{
	if (text.len != strlen(lower))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if ((text.data[i] | 0x20) != lower[i])
			return false;
	return true;
}

/* ---- molecule ---- */

static enum tarn_rc check_coords(const struct tarn_molecule *molecule, struct tarn_err *err)
{
	enum tarn_rc rc =
		check_length("molecule_data.coords", molecule->n_coords, "one a symbol", molecule->symbols.n, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < molecule->n_coords; i++) {
		char field[48];
		int64_t from = molecule->coord_offsets[i], to = molecule->coord_offsets[i + 1];
		snprintf(field, sizeof(field), "molecule_data.coords[%zu]", i);
		if ((rc = check_length(field, (size_t)(to - from), "x, y and z", 3, err)) ||
		    (rc = check_doubles(field, molecule->coords + from, 3, err)))
			return rc;
	}
	return TARN_OK;
}

static enum tarn_rc check_masses(const struct tarn_molecule *molecule, struct tarn_err *err)
{
	static const char field[] = "molecule_data.masses";
	if (!molecule->has_masses)
		return TARN_OK;
	enum tarn_rc rc = check_length(field, molecule->n_masses, "one a symbol", molecule->symbols.n, err);
	return rc ? rc : check_doubles(field, molecule->masses, molecule->n_masses, err);
}

static enum tarn_rc check_molecule(const struct tarn_molecule *molecule, struct tarn_err *err)
{
	enum tarn_rc rc;
	if (!molecule->symbols.n)
		return tarn_fail(err, TARN_EINVALID, "molecule_data.symbols is empty, expected at least one atom");
	for (size_t i = 0; i < molecule->symbols.n; i++)
		if ((rc = check_name("molecule_data.symbols", tarn_strings_at(&molecule->symbols, i), err)))
			return rc;
	if ((rc = check_utf8("molecule_data.units", molecule->units, err)))
		return rc;
	if (!same_ignoring_case(molecule->units, "angstrom") && !same_ignoring_case(molecule->units, "bohr"))
		return tarn_fail(err, TARN_EINVALID, "molecule_data.units is \"%.*s\", expected angstrom or bohr",
				 (int)(molecule->units.len < 40 ? molecule->units.len : 40), molecule->units.data);
	if ((rc = check_coords(molecule, err)) || (rc = check_masses(molecule, err)))
		return rc;
	return check_int("molecule_data.multiplicity", molecule->multiplicity, 1, INT32_MAX, err);
}

/* ---- what was asked for ---- */

static enum tarn_rc check_label(const struct tarn_setup *setup, size_t i, struct tarn_err *err)
{
	struct tarn_slice label = tarn_strings_at(&setup->term_labels, i);
	if (label.len != (size_t)setup->num_qubits)
		return tarn_fail(
			err, TARN_EINVALID,
			"initial_data.hamiltonian[%zu].label has %zu letters, expected one a qubit (num_qubits = %d)",
			i, label.len, setup->num_qubits);
	for (size_t j = 0; j < label.len; j++) {
		uint8_t letter = label.data[j];
		if (letter != 'I' && letter != 'X' && letter != 'Y' && letter != 'Z')
			return tarn_fail(
				err, TARN_EINVALID,
				"initial_data.hamiltonian[%zu].label has byte 0x%02x at %zu, expected I, X, Y or Z", i,
				letter, j);
	}
	return TARN_OK;
}

static enum tarn_rc check_hamiltonian(const struct tarn_setup *setup, struct tarn_err *err)
{
	size_t n = setup->term_labels.n;
	enum tarn_rc rc;
	if (!n)
		return tarn_fail(err, TARN_EINVALID, "initial_data.hamiltonian is empty, expected at least one term");
	for (size_t i = 0; i < n; i++)
		if ((rc = check_label(setup, i, err)))
			return rc;
	if ((rc = check_doubles("initial_data.hamiltonian coefficients.real", setup->term_real, n, err)))
		return rc;
	return check_doubles("initial_data.hamiltonian coefficients.imaginary", setup->term_imaginary, n, err);
}

static enum tarn_rc check_names(const struct tarn_record *record, struct tarn_err *err)
{
	const struct tarn_setup *setup = &record->setup;
	enum tarn_rc rc;
	if ((rc = check_name("basis_set", record->basis_set, err)) ||
	    (rc = check_name("initial_data.backend", setup->backend, err)) ||
	    (rc = check_name("initial_data.optimizer", setup->optimizer, err)) ||
	    (rc = check_utf8("initial_data.ansatz", setup->ansatz, err)) ||
	    (rc = check_utf8("initial_data.noise_backend", setup->noise_backend, err)) ||
	    (rc = check_utf8("initial_data.init_strategy", setup->init_strategy, err)) ||
	    (rc = check_utf8("initial_data.ansatz_name", setup->ansatz_name, err)) ||
	    (rc = check_utf8("performance_start", record->performance_start, err)))
		return rc;
	return check_utf8("performance_end", record->performance_end, err);
}

static enum tarn_rc check_setup(const struct tarn_setup *setup, struct tarn_err *err)
{
	enum tarn_rc rc;
	if ((rc = check_int("initial_data.num_qubits", setup->num_qubits, 1, MAX_QUBITS, err)) ||
	    (rc = check_hamiltonian(setup, err)) ||
	    (rc = check_int("initial_data.num_parameters", setup->num_parameters, 0, INT32_MAX, err)) ||
	    (rc = check_length("initial_data.initial_parameters", setup->n_initial, "num_parameters",
			       (size_t)setup->num_parameters, err)) ||
	    (rc = check_doubles("initial_data.initial_parameters", setup->initial_parameters, setup->n_initial, err)))
		return rc;
	if (setup->default_shots.present &&
	    (rc = check_int("initial_data.default_shots", setup->default_shots.value, 1, INT32_MAX, err)))
		return rc;
	return check_int("initial_data.ansatz_reps", setup->ansatz_reps, 0, INT32_MAX, err);
}

/* ---- iterations ---- */

static enum tarn_rc check_steps(const struct tarn_iterations *iterations, struct tarn_err *err)
{
	if (!iterations->n)
		return tarn_fail(err, TARN_EINVALID,
				 "vqe_result.iteration_list is empty, expected at least one iteration");
	for (size_t i = 0; i < iterations->n; i++) {
		int64_t least = i ? (int64_t)iterations->step[i - 1] + 1 : 1;
		if (iterations->step[i] < least)
			return tarn_fail(err, TARN_EINVALID,
					 "vqe_result.iteration_list[%zu].iteration is %d, expected at least %lld "
					 "(rising from 1)",
					 i, iterations->step[i], (long long)least);
	}
	return TARN_OK;
}

static enum tarn_rc fail_iteration(const char *name, size_t i, double value, const char *expected, struct tarn_err *err)
{
	return tarn_fail(err, TARN_EINVALID, "vqe_result.iteration_list[%zu].%s is %g, expected %s", i, name, value,
			 expected);
}

static enum tarn_rc check_column(const char *name, const double *values, size_t n, struct tarn_err *err)
{
	size_t i = first_not_finite(values, n);
	return i == n ? TARN_OK : fail_iteration(name, i, values[i], "a finite number", err);
}

static enum tarn_rc check_optional_column(const char *name, const struct tarn_opt_doubles *column, size_t n,
					  struct tarn_err *err)
{
	for (size_t i = 0; column->valid && i < n; i++)
		if (column->valid[i] && !isfinite(column->values[i]))
			return fail_iteration(name, i, column->values[i], "null or a finite number", err);
	return TARN_OK;
}

static enum tarn_rc check_deviations(const double *std, size_t n, struct tarn_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!(isfinite(std[i]) && std[i] >= 0))
			return fail_iteration("std", i, std[i], "a finite number that is not negative", err);
	return TARN_OK;
}

static enum tarn_rc check_parameters(const struct tarn_iterations *iterations, size_t expected, struct tarn_err *err)
{
	for (size_t i = 0; i < iterations->n; i++) {
		int64_t from = iterations->parameter_offsets[i];
		size_t n = (size_t)(iterations->parameter_offsets[i + 1] - from);
		size_t bad = first_not_finite(iterations->parameters + from, n);
		if (n == expected && bad == n)
			continue;
		char field[64];
		snprintf(field, sizeof(field), "vqe_result.iteration_list[%zu].parameters", i);
		enum tarn_rc rc = check_length(field, n, "num_parameters", expected, err);
		return rc ? rc : check_doubles(field, iterations->parameters + from, n, err);
	}
	return TARN_OK;
}

static enum tarn_rc check_iterations(const struct tarn_iterations *iterations, size_t num_parameters,
				     struct tarn_err *err)
{
	size_t n = iterations->n;
	enum tarn_rc rc;
	if ((rc = check_steps(iterations, err)) || (rc = check_column("result", iterations->energy, n, err)) ||
	    (rc = check_deviations(iterations->std, n, err)) ||
	    (rc = check_optional_column("energy_delta", &iterations->energy_delta, n, err)) ||
	    (rc = check_optional_column("parameter_delta_norm", &iterations->parameter_delta_norm, n, err)) ||
	    (rc = check_optional_column("cumulative_min_energy", &iterations->cumulative_min_energy, n, err)))
		return rc;
	return check_parameters(iterations, num_parameters, err);
}

/* ---- the minimum ---- */

static bool has_optimum(const struct tarn_record *record)
{
	const struct tarn_iterations *iterations = &record->iterations;
	size_t size = record->n_optimal * sizeof(double);
	if (!size)
		return true;
	for (size_t i = 0; i < iterations->n; i++)
		if (!memcmp(iterations->parameters + iterations->parameter_offsets[i], record->optimal_parameters,
			    size))
			return true;
	return false;
}

/* Whether every evaluation of the run is in the list; a producer or a load generator may have kept a part. */
static bool list_is_whole(const struct tarn_record *record)
{
	if (record->nfev.present && record->nfev.value > 0)
		return (size_t)record->nfev.value <= record->iterations.n;
	return has_optimum(record);
}

/* No state has less energy than the identity's coefficient minus the sizes of all others, however it is sampled. */
static double lowest_possible(const struct tarn_setup *setup)
{
	double bound = 0;
	for (size_t i = 0; i < setup->term_labels.n; i++) {
		struct tarn_slice label = tarn_strings_at(&setup->term_labels, i);
		bool identity = true;
		for (size_t j = 0; j < label.len; j++)
			identity &= label.data[j] == 'I';
		bound += identity ? setup->term_real[i] : -fabs(setup->term_real[i]);
	}
	return bound;
}

static enum tarn_rc check_minimum(const struct tarn_record *record, struct tarn_err *err)
{
	const struct tarn_iterations *iterations = &record->iterations;
	size_t low = 0, high = 0;
	for (size_t i = 1; i < iterations->n; i++) {
		if (iterations->energy[i] < iterations->energy[low])
			low = i;
		if (iterations->energy[i] > iterations->energy[high])
			high = i;
	}
	/* v1 stores the optimizer's own answer, which may be any iteration's; v2 the best one. */
	size_t top = record->setup.exact_estimator.present ? low : high;
	double minimum = record->minimum, least = iterations->energy[low], most = iterations->energy[top];
	if (minimum > most + ENERGY_TOLERANCE)
		return tarn_fail(err, TARN_EINVALID,
				 "vqe_result.minimum is %.17g, expected at most %.17g (%s, iteration %d)", minimum,
				 most, top == low ? "the lowest energy" : "the highest energy", iterations->step[top]);
	if (minimum >= least - ENERGY_TOLERANCE)
		return TARN_OK;
	if (list_is_whole(record))
		return tarn_fail(err, TARN_EINVALID,
				 "vqe_result.minimum is %.17g, but no iteration reached it: the lowest energy is %.17g "
				 "(iteration %d)",
				 minimum, least, iterations->step[low]);
	double bound = lowest_possible(&record->setup);
	if (minimum < bound - ENERGY_TOLERANCE)
		return tarn_fail(
			err, TARN_EINVALID,
			"vqe_result.minimum is %.17g, expected at least %.17g, below which the hamiltonian has nothing",
			minimum, bound);
	return TARN_OK;
}

static enum tarn_rc check_outcome(const struct tarn_record *record, struct tarn_err *err)
{
	size_t num_parameters = (size_t)record->setup.num_parameters;
	enum tarn_rc rc;
	if ((rc = check_length("vqe_result.optimal_parameters", record->n_optimal, "num_parameters", num_parameters,
			       err)) ||
	    (rc = check_doubles("vqe_result.optimal_parameters", record->optimal_parameters, record->n_optimal, err)) ||
	    (rc = check_finite("vqe_result.minimum", record->minimum, err)))
		return rc;
	if (record->maxcv.present && (rc = check_finite("vqe_result.maxcv", record->maxcv.value, err)))
		return rc;
	if (record->nuclear_repulsion_energy.present &&
	    (rc = check_finite("vqe_result.nuclear_repulsion_energy", record->nuclear_repulsion_energy.value, err)))
		return rc;
	if (record->nfev.present && (rc = check_int("vqe_result.nfev", record->nfev.value, 0, INT32_MAX, err)))
		return rc;
	if (record->nit.present && (rc = check_int("vqe_result.nit", record->nit.value, 0, INT32_MAX, err)))
		return rc;
	return check_minimum(record, err);
}

static enum tarn_rc check_times(const struct tarn_record *record, struct tarn_err *err)
{
	enum tarn_rc rc;
	if ((rc = check_not_negative("hamiltonian_time", record->hamiltonian_time, err)) ||
	    (rc = check_not_negative("mapping_time", record->mapping_time, err)) ||
	    (rc = check_not_negative("vqe_time", record->vqe_time, err)) ||
	    (rc = check_not_negative("total_time", record->total_time, err)))
		return rc;
	return check_not_negative("vqe_result.minimization_time", record->minimization_time, err);
}

enum tarn_rc tarn_record_check(const struct tarn_record *record, struct tarn_err *err)
{
	enum tarn_rc rc;
	if ((rc = check_names(record, err)) || (rc = check_molecule(&record->molecule, err)) ||
	    (rc = check_setup(&record->setup, err)) ||
	    (rc = check_iterations(&record->iterations, (size_t)record->setup.num_parameters, err)) ||
	    (rc = check_outcome(record, err)))
		return rc;
	return check_times(record, err);
}
