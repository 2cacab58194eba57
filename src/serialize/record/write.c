#include "serialize/record/write.h"

#include "base/json_text.h"
#include "serialize/avro/encode.h"
#include "serialize/record/schemas.h"

struct tarn_slice tarn_record_schema(enum tarn_record_version version)
{
	if (version == TARN_RECORD_V1)
		return tarn_slice_of(tarn_record_schema_v1, tarn_record_schema_v1_size);
	return tarn_slice_of(tarn_record_schema_v2, tarn_record_schema_v2_size);
}

/* ---- Avro ---- */

/* Place of null in a union; the value has the other one. */
enum null_place { NULL_FIRST, NULL_LAST };

static bool avro_branch(struct tarn_buf *out, bool present, enum null_place null_place)
{
	tarn_avro_put_long(out, present == (null_place == NULL_FIRST));
	return present;
}

static void avro_optional_string(struct tarn_buf *out, struct tarn_slice text, enum null_place null_place)
{
	if (avro_branch(out, text.data, null_place))
		tarn_avro_put_bytes(out, text);
}

static void avro_optional_int(struct tarn_buf *out, struct tarn_opt_int value, enum null_place null_place)
{
	if (avro_branch(out, value.present, null_place))
		tarn_avro_put_long(out, value.value);
}

static void avro_optional_double(struct tarn_buf *out, struct tarn_opt_double value)
{
	if (avro_branch(out, value.present, NULL_FIRST))
		tarn_avro_put_double(out, value.value);
}

/* One block with all items, then the end. */
static void avro_array(struct tarn_buf *out, size_t n)
{
	if (n)
		tarn_avro_put_block(out, (int64_t)n);
}

static void avro_array_end(struct tarn_buf *out)
{
	tarn_avro_put_block(out, 0);
}

static void avro_doubles(struct tarn_buf *out, const double *values, size_t n)
{
	avro_array(out, n);
	for (size_t i = 0; i < n; i++)
		tarn_avro_put_double(out, values[i]);
	avro_array_end(out);
}

static void avro_hamiltonian(struct tarn_buf *out, const struct tarn_setup *setup)
{
	avro_array(out, setup->term_labels.n);
	for (size_t i = 0; i < setup->term_labels.n; i++) {
		tarn_avro_put_bytes(out, tarn_strings_at(&setup->term_labels, i));
		tarn_avro_put_double(out, setup->term_real[i]);
		tarn_avro_put_double(out, setup->term_imaginary[i]);
	}
	avro_array_end(out);
}

static void avro_setup(struct tarn_buf *out, const struct tarn_setup *setup, enum tarn_record_version version)
{
	tarn_avro_put_bytes(out, setup->backend);
	tarn_avro_put_long(out, setup->num_qubits);
	avro_hamiltonian(out, setup);
	tarn_avro_put_long(out, setup->num_parameters);
	avro_doubles(out, setup->initial_parameters, setup->n_initial);
	tarn_avro_put_bytes(out, setup->optimizer);
	tarn_avro_put_bytes(out, setup->ansatz);
	tarn_avro_put_bytes(out, setup->noise_backend);
	if (version == TARN_RECORD_V1) {
		tarn_avro_put_long(out, setup->default_shots.value);
		tarn_avro_put_long(out, setup->ansatz_reps);
		return;
	}
	avro_optional_int(out, setup->default_shots, NULL_LAST);
	tarn_avro_put_long(out, setup->ansatz_reps);
	avro_optional_string(out, setup->init_strategy, NULL_LAST);
	avro_optional_int(out, setup->seed, NULL_FIRST);
	avro_optional_string(out, setup->ansatz_name, NULL_FIRST);
	tarn_avro_put_boolean(out, setup->exact_estimator.present && setup->exact_estimator.value);
}

static struct tarn_opt_double optional_at(const struct tarn_opt_doubles *column, size_t i)
{
	bool present = column->valid && column->valid[i];
	return (struct tarn_opt_double){ present, present ? column->values[i] : 0 };
}

static void avro_iterations(struct tarn_buf *out, const struct tarn_iterations *iterations,
			    enum tarn_record_version version)
{
	avro_array(out, iterations->n);
	for (size_t i = 0; i < iterations->n; i++) {
		int64_t from = iterations->parameter_offsets[i], to = iterations->parameter_offsets[i + 1];
		tarn_avro_put_long(out, iterations->step[i]);
		avro_doubles(out, iterations->parameters + from, (size_t)(to - from));
		tarn_avro_put_double(out, iterations->energy[i]);
		tarn_avro_put_double(out, iterations->std[i]);
		if (version == TARN_RECORD_V1)
			continue;
		avro_optional_double(out, optional_at(&iterations->energy_delta, i));
		avro_optional_double(out, optional_at(&iterations->parameter_delta_norm, i));
		avro_optional_double(out, optional_at(&iterations->cumulative_min_energy, i));
	}
	avro_array_end(out);
}

static void avro_result(struct tarn_buf *out, const struct tarn_record *record, enum tarn_record_version version)
{
	avro_setup(out, &record->setup, version);
	avro_iterations(out, &record->iterations, version);
	tarn_avro_put_double(out, record->minimum);
	avro_doubles(out, record->optimal_parameters, record->n_optimal);
	avro_optional_double(out, record->maxcv);
	tarn_avro_put_double(out, record->minimization_time);
	if (version == TARN_RECORD_V1)
		return;
	avro_optional_double(out, record->nuclear_repulsion_energy);
	if (avro_branch(out, record->success.present, NULL_FIRST))
		tarn_avro_put_boolean(out, record->success.value);
	avro_optional_int(out, record->nfev, NULL_FIRST);
	avro_optional_int(out, record->nit, NULL_FIRST);
}

static void avro_molecule(struct tarn_buf *out, const struct tarn_molecule *molecule)
{
	avro_array(out, molecule->symbols.n);
	for (size_t i = 0; i < molecule->symbols.n; i++)
		tarn_avro_put_bytes(out, tarn_strings_at(&molecule->symbols, i));
	avro_array_end(out);
	avro_array(out, molecule->n_coords);
	for (size_t i = 0; i < molecule->n_coords; i++) {
		int64_t from = molecule->coord_offsets[i], to = molecule->coord_offsets[i + 1];
		avro_doubles(out, molecule->coords + from, (size_t)(to - from));
	}
	avro_array_end(out);
	tarn_avro_put_long(out, molecule->multiplicity);
	tarn_avro_put_long(out, molecule->charge);
	tarn_avro_put_bytes(out, molecule->units);
	if (avro_branch(out, molecule->has_masses, NULL_FIRST))
		avro_doubles(out, molecule->masses, molecule->n_masses);
}

enum tarn_rc tarn_record_write_avro(const struct tarn_record *record, enum tarn_record_version version,
				    struct tarn_buf *out, struct tarn_err *err)
{
	if (version == TARN_RECORD_V1 && !record->setup.default_shots.present)
		return tarn_fail(
			err, TARN_EINVALID,
			"initial_data.default_shots is null, expected a number of shots (v1 has no exact runs)");
	avro_result(out, record, version);
	avro_molecule(out, &record->molecule);
	tarn_avro_put_bytes(out, record->basis_set);
	tarn_avro_put_double(out, record->hamiltonian_time);
	tarn_avro_put_double(out, record->mapping_time);
	tarn_avro_put_double(out, record->vqe_time);
	tarn_avro_put_double(out, record->total_time);
	tarn_avro_put_long(out, record->molecule_id);
	avro_optional_string(out, record->performance_start, NULL_FIRST);
	avro_optional_string(out, record->performance_end, NULL_FIRST);
	if (out->overflow)
		return tarn_fail(err, TARN_ELIMIT, "record takes more than %zu bytes", out->max);
	return TARN_OK;
}

/* ---- JSON ---- */

/* `,"name":`, or without the comma where an object has just begun. */
static void json_key(struct tarn_buf *out, const char *name)
{
	if (out->len && out->data[out->len - 1] != '{')
		tarn_buf_add_byte(out, ',');
	tarn_buf_add_byte(out, '"');
	tarn_buf_add_str(out, name);
	tarn_buf_add(out, "\":", 2);
}

static void json_null(struct tarn_buf *out)
{
	tarn_buf_add(out, "null", 4);
}

static void json_string(struct tarn_buf *out, const char *name, struct tarn_slice value)
{
	json_key(out, name);
	if (value.data)
		tarn_json_put_string(out, value);
	else
		json_null(out);
}

static void json_int(struct tarn_buf *out, const char *name, int32_t value)
{
	json_key(out, name);
	tarn_json_put_int(out, value);
}

static void json_optional_int(struct tarn_buf *out, const char *name, struct tarn_opt_int value)
{
	json_key(out, name);
	if (value.present)
		tarn_json_put_int(out, value.value);
	else
		json_null(out);
}

static void json_double(struct tarn_buf *out, const char *name, double value)
{
	json_key(out, name);
	tarn_json_put_double(out, value, tarn_format_double);
}

static void json_optional_double(struct tarn_buf *out, const char *name, struct tarn_opt_double value)
{
	json_key(out, name);
	if (value.present)
		tarn_json_put_double(out, value.value, tarn_format_double);
	else
		json_null(out);
}

static void json_optional_bool(struct tarn_buf *out, const char *name, struct tarn_opt_bool value)
{
	json_key(out, name);
	if (value.present)
		tarn_json_put_boolean(out, value.value);
	else
		json_null(out);
}

static void json_doubles(struct tarn_buf *out, const char *name, const double *values, size_t n)
{
	json_key(out, name);
	tarn_json_put_doubles(out, values, n, tarn_format_double);
}

static void json_open(struct tarn_buf *out, const char *name, const char *bracket)
{
	json_key(out, name);
	tarn_buf_add_str(out, bracket);
}

static void json_next(struct tarn_buf *out, size_t i, const char *bracket)
{
	if (i)
		tarn_buf_add_byte(out, ',');
	tarn_buf_add_str(out, bracket);
}

static void json_hamiltonian(struct tarn_buf *out, const struct tarn_setup *setup)
{
	json_open(out, "hamiltonian", "[");
	for (size_t i = 0; i < setup->term_labels.n; i++) {
		json_next(out, i, "{");
		json_string(out, "label", tarn_strings_at(&setup->term_labels, i));
		json_open(out, "coefficients", "{");
		json_double(out, "real", setup->term_real[i]);
		json_double(out, "imaginary", setup->term_imaginary[i]);
		tarn_buf_add_str(out, "}}");
	}
	tarn_buf_add_byte(out, ']');
}

static void json_setup(struct tarn_buf *out, const struct tarn_setup *setup)
{
	json_open(out, "initial_data", "{");
	json_string(out, "backend", setup->backend);
	json_int(out, "num_qubits", setup->num_qubits);
	json_hamiltonian(out, setup);
	json_int(out, "num_parameters", setup->num_parameters);
	json_doubles(out, "initial_parameters", setup->initial_parameters, setup->n_initial);
	json_string(out, "optimizer", setup->optimizer);
	json_string(out, "ansatz", setup->ansatz);
	json_string(out, "noise_backend", setup->noise_backend);
	json_optional_int(out, "default_shots", setup->default_shots);
	json_int(out, "ansatz_reps", setup->ansatz_reps);
	json_string(out, "init_strategy", setup->init_strategy);
	json_optional_int(out, "seed", setup->seed);
	json_string(out, "ansatz_name", setup->ansatz_name);
	json_optional_bool(out, "exact_estimator", setup->exact_estimator);
	tarn_buf_add_byte(out, '}');
}

static void json_iterations(struct tarn_buf *out, const struct tarn_iterations *iterations)
{
	json_open(out, "iteration_list", "[");
	for (size_t i = 0; i < iterations->n; i++) {
		int64_t from = iterations->parameter_offsets[i], to = iterations->parameter_offsets[i + 1];
		json_next(out, i, "{");
		json_int(out, "iteration", iterations->step[i]);
		json_doubles(out, "parameters", iterations->parameters + from, (size_t)(to - from));
		json_double(out, "result", iterations->energy[i]);
		json_double(out, "std", iterations->std[i]);
		json_optional_double(out, "energy_delta", optional_at(&iterations->energy_delta, i));
		json_optional_double(out, "parameter_delta_norm", optional_at(&iterations->parameter_delta_norm, i));
		json_optional_double(out, "cumulative_min_energy", optional_at(&iterations->cumulative_min_energy, i));
		tarn_buf_add_byte(out, '}');
	}
	tarn_buf_add_byte(out, ']');
}

static void json_result(struct tarn_buf *out, const struct tarn_record *record)
{
	json_open(out, "vqe_result", "{");
	json_setup(out, &record->setup);
	json_iterations(out, &record->iterations);
	json_double(out, "minimum", record->minimum);
	json_doubles(out, "optimal_parameters", record->optimal_parameters, record->n_optimal);
	json_optional_double(out, "maxcv", record->maxcv);
	json_double(out, "minimization_time", record->minimization_time);
	json_optional_double(out, "nuclear_repulsion_energy", record->nuclear_repulsion_energy);
	json_optional_bool(out, "success", record->success);
	json_optional_int(out, "nfev", record->nfev);
	json_optional_int(out, "nit", record->nit);
	tarn_buf_add_byte(out, '}');
}

static void json_molecule(struct tarn_buf *out, const struct tarn_molecule *molecule)
{
	json_open(out, "molecule", "{");
	json_open(out, "molecule_data", "{");
	json_open(out, "symbols", "[");
	for (size_t i = 0; i < molecule->symbols.n; i++) {
		json_next(out, i, "");
		tarn_json_put_string(out, tarn_strings_at(&molecule->symbols, i));
	}
	tarn_buf_add_byte(out, ']');
	json_open(out, "coords", "[");
	for (size_t i = 0; i < molecule->n_coords; i++) {
		int64_t from = molecule->coord_offsets[i], to = molecule->coord_offsets[i + 1];
		json_next(out, i, "");
		tarn_json_put_doubles(out, molecule->coords + from, (size_t)(to - from), tarn_format_double);
	}
	tarn_buf_add_byte(out, ']');
	json_int(out, "multiplicity", molecule->multiplicity);
	json_int(out, "charge", molecule->charge);
	json_string(out, "units", molecule->units);
	if (molecule->has_masses)
		json_doubles(out, "masses", molecule->masses, molecule->n_masses);
	else
		json_open(out, "masses", "null");
	tarn_buf_add_str(out, "}}");
}

void tarn_record_write_json(const struct tarn_record *record, struct tarn_buf *out)
{
	tarn_buf_add_byte(out, '{');
	json_result(out, record);
	json_molecule(out, &record->molecule);
	json_string(out, "basis_set", record->basis_set);
	json_double(out, "hamiltonian_time", record->hamiltonian_time);
	json_double(out, "mapping_time", record->mapping_time);
	json_double(out, "vqe_time", record->vqe_time);
	json_double(out, "total_time", record->total_time);
	json_int(out, "molecule_id", record->molecule_id);
	json_string(out, "performance_start", record->performance_start);
	json_string(out, "performance_end", record->performance_end);
	tarn_buf_add_byte(out, '}');
}
