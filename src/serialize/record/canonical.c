#include "serialize/record/canonical.h"

#include <math.h>

#include "base/json_text.h"

#define PUT(out, literal) tarn_buf_add((out), (literal), sizeof(literal) - 1)

/* What Java's JSON writers do with values that JSON has no number for: they quote them. Only records that break the
 * contract have such values; their ids still have to be defined. */
static size_t java_number(double value, char text[TARN_DOUBLE_TEXT_SIZE])
{
	if (value - value == 0)
		return tarn_format_double_java(value, text);
	char word[TARN_DOUBLE_TEXT_SIZE];
	size_t len = tarn_format_double_java(value, word);
	text[0] = text[len + 1] = '"';
	memcpy(text + 1, word, len);
	return len + 2;
}

static void put_doubles(struct tarn_buf *out, const double *values, size_t n)
{
	tarn_json_put_doubles(out, values, n, java_number);
}

static void put_optional_string(struct tarn_buf *out, const char *key, struct tarn_slice value)
{
	if (!value.data)
		return;
	tarn_buf_add_str(out, key);
	tarn_json_put_string(out, value);
}

static void put_optional_int(struct tarn_buf *out, const char *key, struct tarn_opt_int value)
{
	if (!value.present)
		return;
	tarn_buf_add_str(out, key);
	tarn_json_put_int(out, value.value);
}

static void put_symbols(struct tarn_buf *out, const struct tarn_strings *symbols)
{
	PUT(out, "[");
	for (size_t i = 0; i < symbols->n; i++) {
		if (i)
			PUT(out, ",");
		tarn_json_put_string(out, tarn_strings_at(symbols, i));
	}
	PUT(out, "]");
}

/* Nobody asks for less than 1e-8; what is beyond comes from the last bits of whoever made the geometry. */
static double rounded(double coordinate)
{
	return rint(coordinate * 1e8) / 1e8 + 0.0; /* + 0.0 makes 0.0 of -0.0 */
}

static void put_coords(struct tarn_buf *out, const struct tarn_molecule *molecule, bool exact)
{
	PUT(out, "[");
	for (size_t i = 0; i < molecule->n_coords; i++) {
		tarn_buf_add_str(out, i ? ",[" : "[");
		for (int64_t j = molecule->coord_offsets[i]; j < molecule->coord_offsets[i + 1]; j++) {
			if (j > molecule->coord_offsets[i])
				PUT(out, ",");
			double value = molecule->coords[j];
			tarn_json_put_double(out, exact ? value : rounded(value), java_number);
		}
		PUT(out, "]");
	}
	PUT(out, "]");
}

/* The fields of a molecule that both texts have, without the braces. */
static void put_geometry(struct tarn_buf *out, const struct tarn_molecule *molecule, bool exact)
{
	PUT(out, "\"symbols\":");
	put_symbols(out, &molecule->symbols);
	PUT(out, ",\"coords\":");
	put_coords(out, molecule, exact);
	PUT(out, ",\"multiplicity\":");
	tarn_json_put_int(out, molecule->multiplicity);
	PUT(out, ",\"charge\":");
	tarn_json_put_int(out, molecule->charge);
	PUT(out, ",\"units\":");
	tarn_json_put_string(out, molecule->units);
}

static void put_hamiltonian(struct tarn_buf *out, const struct tarn_setup *setup)
{
	PUT(out, "[");
	for (size_t i = 0; i < setup->term_labels.n; i++) {
		if (i)
			PUT(out, ",");
		PUT(out, "{\"label\":");
		tarn_json_put_string(out, tarn_strings_at(&setup->term_labels, i));
		PUT(out, ",\"coefficients\":{\"real\":");
		tarn_json_put_double(out, setup->term_real[i], java_number);
		PUT(out, ",\"imaginary\":");
		tarn_json_put_double(out, setup->term_imaginary[i], java_number);
		PUT(out, "}}");
	}
	PUT(out, "]");
}

static void put_setup(struct tarn_buf *out, const struct tarn_setup *setup)
{
	PUT(out, "{\"backend\":");
	tarn_json_put_string(out, setup->backend);
	PUT(out, ",\"num_qubits\":");
	tarn_json_put_int(out, setup->num_qubits);
	PUT(out, ",\"hamiltonian\":");
	put_hamiltonian(out, setup);
	PUT(out, ",\"num_parameters\":");
	tarn_json_put_int(out, setup->num_parameters);
	PUT(out, ",\"initial_parameters\":");
	put_doubles(out, setup->initial_parameters, setup->n_initial);
	PUT(out, ",\"optimizer\":");
	tarn_json_put_string(out, setup->optimizer);
	PUT(out, ",\"ansatz\":");
	tarn_json_put_string(out, setup->ansatz);
	PUT(out, ",\"noise_backend\":");
	tarn_json_put_string(out, setup->noise_backend);
	put_optional_int(out, ",\"default_shots\":", setup->default_shots);
	PUT(out, ",\"ansatz_reps\":");
	tarn_json_put_int(out, setup->ansatz_reps);
	put_optional_string(out, ",\"init_strategy\":", setup->init_strategy);
	put_optional_int(out, ",\"seed\":", setup->seed);
	put_optional_string(out, ",\"ansatz_name\":", setup->ansatz_name);
	if (setup->exact_estimator.present) {
		PUT(out, ",\"exact_estimator\":");
		tarn_json_put_boolean(out, setup->exact_estimator.value);
	}
	PUT(out, "}");
}

void tarn_record_canonical(const struct tarn_record *record, struct tarn_buf *out)
{
	PUT(out, "{\"molecule_data\":{");
	put_geometry(out, &record->molecule, true);
	if (record->molecule.has_masses) {
		PUT(out, ",\"masses\":");
		put_doubles(out, record->molecule.masses, record->molecule.n_masses);
	}
	PUT(out, "},\"basis_set\":");
	tarn_json_put_string(out, record->basis_set);
	PUT(out, ",\"initial_data\":");
	put_setup(out, &record->setup);
	PUT(out, "}");
}

static struct tarn_slice or_default(struct tarn_slice value, const char *fallback)
{
	return value.data ? value : tarn_slice_str(fallback);
}

void tarn_record_configuration(const struct tarn_record *record, struct tarn_buf *out)
{
	const struct tarn_setup *setup = &record->setup;
	PUT(out, "{");
	put_geometry(out, &record->molecule, false);
	PUT(out, ",\"basis_set\":");
	tarn_json_put_string(out, record->basis_set);
	PUT(out, ",\"ansatz_name\":");
	tarn_json_put_string(out, or_default(setup->ansatz_name, "EfficientSU2"));
	PUT(out, ",\"ansatz_reps\":");
	tarn_json_put_int(out, setup->ansatz_reps);
	PUT(out, ",\"optimizer\":");
	tarn_json_put_string(out, setup->optimizer);
	put_optional_int(out, ",\"default_shots\":", setup->default_shots);
	put_optional_int(out, ",\"seed\":", setup->seed);
	PUT(out, ",\"init_strategy\":");
	tarn_json_put_string(out, or_default(setup->init_strategy, "random"));
	PUT(out, ",\"backend\":");
	tarn_json_put_string(out, setup->backend);
	PUT(out, "}");
}
