#include "generate/chemistry/molecule.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"

enum { MAX_ATOMS = 1000, FILE_MOST = 64 << 20 };

/* The pieces of a geometry while it is being read. */
struct atoms {
	size_t n;
	const char **symbols;
	int *charges;
	double (*coords)[3];
};

static struct atoms new_atoms(struct tarn_arena *arena, size_t n)
{
	return (struct atoms){ n, tarn_arena_alloc(arena, n * sizeof(char *)), tarn_arena_alloc(arena, n * sizeof(int)),
			       tarn_arena_alloc(arena, n * sizeof(double[3])) };
}

static struct tarn_geometry geometry_of(const struct atoms *atoms, const char *name)
{
	return (struct tarn_geometry){ .name = name, .n_atoms = atoms->n, .symbols = atoms->symbols, .charges = atoms->charges,
				       .coords = (const double (*)[3])atoms->coords, .multiplicity = 1 };
}

static enum tarn_rc set_symbol(struct atoms *atoms, size_t i, const char *symbol, struct tarn_arena *arena,
			       struct tarn_err *err)
{
	atoms->charges[i] = tarn_element_charge(symbol);
	if (!atoms->charges[i])
		return tarn_fail(err, TARN_EINVALID, "atom %zu: no element \"%s\"", i + 1, symbol);
	atoms->symbols[i] = tarn_arena_strdup(arena, symbol);
	return TARN_OK;
}

/* ---- XYZ ---- */

/* The next line without its end, or false at the end of the text. */
static bool next_line(struct tarn_slice *text, char *line, size_t size)
{
	if (!text->len)
		return false;
	const uint8_t *newline = memchr(text->data, '\n', text->len);
	size_t len = newline ? (size_t)(newline - text->data) : text->len;
	size_t kept = len < size - 1 ? len : size - 1;
	memcpy(line, text->data, kept);
	line[kept] = '\0';
	line[strcspn(line, "\r")] = '\0';
	size_t used = len + (newline ? 1 : 0);
	text->data += used;
	text->len -= used;
	return true;
}

static enum tarn_rc read_xyz_atom(const char *line, struct atoms *atoms, size_t i, struct tarn_arena *arena,
				  struct tarn_err *err)
{
	char symbol[16];
	double *at = atoms->coords[i];
	if (sscanf(line, " %15s %lf %lf %lf", symbol, &at[0], &at[1], &at[2]) != 4)
		return tarn_fail(err, TARN_EINVALID, "line %zu is \"%s\", expected a symbol and three coordinates", i + 3,
				 line);
	return set_symbol(atoms, i, symbol, arena, err);
}

enum tarn_rc tarn_molecule_read_xyz(struct tarn_slice text, struct tarn_arena *arena, struct tarn_geometry *geometry,
				    struct tarn_err *err)
{
	char line[256], title[256], *end;
	if (!next_line(&text, line, sizeof(line)) || !next_line(&text, title, sizeof(title)))
		return tarn_fail(err, TARN_EINVALID, "an XYZ file begins with the number of atoms and a title line");
	long n = strtol(line, &end, 10);
	if (end == line || n < 1 || n > MAX_ATOMS)
		return tarn_fail(err, TARN_EINVALID, "line 1 is \"%s\", expected a number of atoms from 1 to %d", line, MAX_ATOMS);
	struct atoms atoms = new_atoms(arena, (size_t)n);
	for (size_t i = 0; i < atoms.n; i++) {
		if (!next_line(&text, line, sizeof(line)))
			return tarn_fail(err, TARN_EINVALID, "%zu atoms announced, %zu found", atoms.n, i);
		enum tarn_rc rc = read_xyz_atom(line, &atoms, i, arena, err);
		if (rc)
			return rc;
	}
	*geometry = geometry_of(&atoms, tarn_arena_strdup(arena, title));
	return TARN_OK;
}

/* ---- the reference's JSON ---- */

static enum tarn_rc read_row(json_t *row, size_t i, double at[3], struct tarn_err *err)
{
	if (json_array_size(row) != 3)
		return tarn_fail(err, TARN_EINVALID, "coords[%zu] has %zu numbers, expected 3", i, json_array_size(row));
	for (size_t axis = 0; axis < 3; axis++) {
		json_t *value = json_array_get(row, axis);
		if (!json_is_number(value))
			return tarn_fail(err, TARN_EINVALID, "coords[%zu][%zu] is not a number", i, axis);
		at[axis] = json_number_value(value);
	}
	return TARN_OK;
}

static enum tarn_rc read_atoms(json_t *object, struct tarn_arena *arena, struct atoms *atoms, struct tarn_err *err)
{
	json_t *symbols = json_object_get(object, "symbols"), *coords = json_object_get(object, "coords");
	size_t n = json_array_size(symbols);
	if (!n || n > MAX_ATOMS || json_array_size(coords) != n)
		return tarn_fail(err, TARN_EINVALID, "%zu symbols and %zu rows of coords, expected as many of both, 1 to %d", n,
				 json_array_size(coords), MAX_ATOMS);
	*atoms = new_atoms(arena, n);
	for (size_t i = 0; i < n; i++) {
		const char *symbol = json_string_value(json_array_get(symbols, i));
		if (!symbol)
			return tarn_fail(err, TARN_EINVALID, "symbols[%zu] is not a string", i);
		enum tarn_rc rc = set_symbol(atoms, i, symbol, arena, err);
		if (!rc)
			rc = read_row(json_array_get(coords, i), i, atoms->coords[i], err);
		if (rc)
			return rc;
	}
	return TARN_OK;
}

static enum tarn_rc read_integer(json_t *object, const char *key, int *value, struct tarn_err *err)
{
	json_t *field = json_object_get(object, key);
	if (!field || json_is_null(field))
		return TARN_OK;
	if (!json_is_integer(field) || json_integer_value(field) < -1000 || json_integer_value(field) > 1000)
		return tarn_fail(err, TARN_EINVALID, "\"%s\" is not a small integer", key);
	*value = (int)json_integer_value(field);
	return TARN_OK;
}

static enum tarn_rc read_units(json_t *object, enum tarn_units *units, struct tarn_err *err)
{
	json_t *field = json_object_get(object, "units");
	const char *text = json_is_string(field) ? json_string_value(field) : "angstrom";
	if (!strcasecmp(text, "angstrom"))
		*units = TARN_ANGSTROM;
	else if (!strcasecmp(text, "bohr"))
		*units = TARN_BOHR;
	else
		return tarn_fail(err, TARN_EINVALID, "units are \"%s\", expected \"angstrom\" or \"bohr\"", text);
	return TARN_OK;
}

static enum tarn_rc read_masses(json_t *object, size_t n, struct tarn_arena *arena, const double **masses,
				struct tarn_err *err)
{
	json_t *field = json_object_get(object, "masses");
	if (!field || json_is_null(field))
		return TARN_OK;
	if (json_array_size(field) != n)
		return tarn_fail(err, TARN_EINVALID, "%zu masses for %zu atoms", json_array_size(field), n);
	double *values = tarn_arena_alloc(arena, n * sizeof(*values));
	for (size_t i = 0; i < n; i++) {
		if (!json_is_number(json_array_get(field, i)))
			return tarn_fail(err, TARN_EINVALID, "masses[%zu] is not a number", i);
		values[i] = json_number_value(json_array_get(field, i));
	}
	*masses = values;
	return TARN_OK;
}

static enum tarn_rc read_object(json_t *object, struct tarn_arena *arena, struct tarn_geometry *geometry,
				struct tarn_err *err)
{
	struct atoms atoms;
	json_t *name = json_object_get(object, "name");
	enum tarn_rc rc = read_atoms(object, arena, &atoms, err);
	if (rc)
		return rc;
	*geometry = geometry_of(&atoms, json_is_string(name) ? tarn_arena_strdup(arena, json_string_value(name)) : "");
	rc = read_integer(object, "multiplicity", &geometry->multiplicity, err);
	if (!rc)
		rc = read_integer(object, "charge", &geometry->charge, err);
	if (!rc)
		rc = read_units(object, &geometry->units, err);
	return rc ? rc : read_masses(object, atoms.n, arena, &geometry->masses, err);
}

static enum tarn_rc read_array(json_t *array, struct tarn_arena *arena, struct tarn_geometry **geometries, size_t *n,
			       struct tarn_err *err)
{
	size_t count = json_array_size(array);
	if (!count)
		return tarn_fail(err, TARN_EINVALID, "expected an array of at least one molecule");
	struct tarn_geometry *read = tarn_arena_alloc(arena, count * sizeof(*read));
	for (size_t i = 0; i < count; i++) {
		enum tarn_rc rc = read_object(json_array_get(array, i), arena, &read[i], err);
		if (rc)
			return tarn_err_within(err, rc, "molecule %zu", i);
	}
	*geometries = read;
	*n = count;
	return TARN_OK;
}

enum tarn_rc tarn_molecule_read_json(struct tarn_slice text, struct tarn_arena *arena,
				     struct tarn_geometry **geometries, size_t *n, struct tarn_err *err)
{
	json_error_t failure;
	json_t *array = json_loadb((const char *)text.data, text.len, 0, &failure);
	if (!array)
		return tarn_fail_at(err, TARN_EINVALID, failure.position, "line %d: %s", failure.line, failure.text);
	enum tarn_rc rc = read_array(array, arena, geometries, n, err);
	json_decref(array);
	return rc;
}

/* ---- by name or path ---- */

static bool looks_like_a_file(const char *name)
{
	size_t len = strlen(name);
	return strchr(name, '/') || (len > 4 && !strcasecmp(name + len - 4, ".xyz")) || tarn_file_exists(name);
}

enum tarn_rc tarn_molecule_find(const char *name, struct tarn_arena *arena, struct tarn_geometry *geometry,
				struct tarn_err *err)
{
	struct tarn_buf text;
	if (!looks_like_a_file(name)) {
		enum tarn_rc rc = tarn_molecule_builtin(name, arena, geometry, err);
		if (rc)
			tarn_err_hint(err, "a file of your own ends in .xyz, or comes by --molecules FILE.json");
		return rc;
	}
	tarn_buf_init(&text, FILE_MOST);
	enum tarn_rc rc = tarn_file_read(name, &text, err);
	if (!rc) {
		rc = tarn_molecule_read_xyz(tarn_buf_slice(&text), arena, geometry, err);
		if (rc)
			rc = tarn_err_within(err, rc, "\"%s\"", name);
	}
	tarn_buf_release(&text);
	return rc;
}
