#include "generate/vqe/sweep.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/hash.h"
#include "generate/vqe/request.h"

enum { RUNS_MOST = 100000, AXES_MOST = 32, ATOMS_MOST = 1000, LENGTHS_MOST = 10000 };

/* One option and the values that it takes. */
struct axis {
	const char *option;
	size_t n;
	const char **values;
};

struct reading {
	yaml_document_t document;
	struct tarn_arena *arena;
	struct tarn_err *err;
	size_t n_geometries, capacity;
	struct tarn_geometry *geometries;
	size_t n_axes;
	struct axis axes[AXES_MOST];
};

/* ---- YAML ---- */

static enum tarn_rc wrong(struct reading *reading, const yaml_node_t *node, const char *expected)
{
	return tarn_fail(reading->err, TARN_EINVALID, "line %zu: expected %s", node->start_mark.line + 1, expected);
}

static yaml_node_t *at(struct reading *reading, yaml_node_item_t item)
{
	return yaml_document_get_node(&reading->document, item);
}

static const char *scalar(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE && node->data.scalar.length ? (const char *)node->data.scalar.value : NULL;
}

static yaml_node_t *member(struct reading *reading, yaml_node_t *mapping, const char *key)
{
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
		const char *name = scalar(at(reading, pair->key));
		if (name && !strcmp(name, key))
			return at(reading, pair->value);
	}
	return NULL;
}

/* The items of a sequence, or the node itself. */
static size_t item_count(const yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return 1;
	return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

static yaml_node_t *item_at(struct reading *reading, yaml_node_t *node, size_t i)
{
	return node->type == YAML_SEQUENCE_NODE ? at(reading, node->data.sequence.items.start[i]) : node;
}

static bool number_of(const yaml_node_t *node, double *value)
{
	const char *text = scalar(node);
	char *end;
	if (!text)
		return false;
	*value = strtod(text, &end);
	return !*end && isfinite(*value);
}

/* ---- bond lengths ---- */

struct lengths {
	size_t n;
	double *values;
};

static enum tarn_rc read_range(struct reading *reading, yaml_node_t *node, struct lengths *lengths)
{
	double from, to, step;
	yaml_node_t *nodes[] = { member(reading, node, "from"), member(reading, node, "to"), member(reading, node, "step") };
	if (!nodes[0] || !nodes[1] || !nodes[2] || !number_of(nodes[0], &from) || !number_of(nodes[1], &to) ||
	    !number_of(nodes[2], &step) || !(step > 0) || to < from || (to - from) / step > LENGTHS_MOST)
		return wrong(reading, node, "{from: NUMBER, to: NUMBER, step: NUMBER}, rising, at most 10000 steps");
	/* The end belongs to it, in spite of rounding. */
	lengths->n = (size_t)floor((to - from) / step + 1e-9) + 1;
	lengths->values = tarn_arena_alloc(reading->arena, lengths->n * sizeof(double));
	for (size_t i = 0; i < lengths->n; i++)
		lengths->values[i] = round((from + (double)i * step) * 1e9) / 1e9;
	return TARN_OK;
}

static enum tarn_rc read_lengths(struct reading *reading, yaml_node_t *node, struct lengths *lengths)
{
	if (!node) {
		*lengths = (struct lengths){ 1, NULL };
		return TARN_OK;
	}
	if (node->type == YAML_MAPPING_NODE)
		return read_range(reading, node, lengths);
	lengths->n = item_count(node);
	if (!lengths->n || lengths->n > LENGTHS_MOST)
		return wrong(reading, node, "1 to 10000 lengths");
	lengths->values = tarn_arena_alloc(reading->arena, lengths->n * sizeof(double));
	for (size_t i = 0; i < lengths->n; i++)
		if (!number_of(item_at(reading, node, i), &lengths->values[i]))
			return wrong(reading, item_at(reading, node, i), "a length, a number");
	return TARN_OK;
}

/* ---- molecules ---- */

static enum tarn_rc add_geometry(struct reading *reading, const struct tarn_geometry *geometry)
{
	if (reading->n_geometries == RUNS_MOST)
		return tarn_fail(reading->err, TARN_ELIMIT, "more than %d molecules", RUNS_MOST);
	reading->geometries = tarn_grow(reading->geometries, &reading->capacity, reading->n_geometries + 1,
					sizeof(*reading->geometries));
	reading->geometries[reading->n_geometries++] = *geometry;
	return TARN_OK;
}

static enum tarn_rc read_coordinate(struct reading *reading, yaml_node_t *node, const double *length, double *value)
{
	const char *text = scalar(node);
	if (number_of(node, value))
		return TARN_OK;
	if (text && length && !strcmp(text, "bond"))
		*value = *length;
	else if (text && length && !strcmp(text, "-bond"))
		*value = -*length;
	else
		return wrong(reading, node, length ? "a number, bond or -bond" : "a number (or bond, with a list of its lengths)");
	return TARN_OK;
}

static enum tarn_rc read_atoms(struct reading *reading, yaml_node_t *symbols, yaml_node_t *coords, const double *length,
			       struct tarn_geometry *geometry)
{
	size_t n = symbols ? item_count(symbols) : 0;
	if (!n || n > ATOMS_MOST || !coords || item_count(coords) != n)
		return wrong(reading, symbols ? symbols : coords, "symbols and as many coords");
	const char **names = tarn_arena_alloc(reading->arena, n * sizeof(*names));
	int *charges = tarn_arena_alloc(reading->arena, n * sizeof(*charges));
	double(*at)[3] = tarn_arena_alloc(reading->arena, n * sizeof(*at));
	for (size_t i = 0; i < n; i++) {
		yaml_node_t *symbol = item_at(reading, symbols, i), *row = item_at(reading, coords, i);
		charges[i] = scalar(symbol) ? tarn_element_charge(scalar(symbol)) : 0;
		if (!charges[i])
			return wrong(reading, symbol, "an element's symbol");
		names[i] = tarn_arena_strdup(reading->arena, scalar(symbol));
		if (row->type != YAML_SEQUENCE_NODE || item_count(row) != 3)
			return wrong(reading, row, "three coordinates");
		for (size_t axis = 0; axis < 3; axis++) {
			enum tarn_rc rc = read_coordinate(reading, item_at(reading, row, axis), length, &at[i][axis]);
			if (rc)
				return rc;
		}
	}
	geometry->n_atoms = n;
	geometry->symbols = names;
	geometry->charges = charges;
	geometry->coords = (const double (*)[3])at;
	return TARN_OK;
}

static enum tarn_rc read_small(struct reading *reading, yaml_node_t *node, int *value)
{
	double number;
	if (!node)
		return TARN_OK;
	if (!number_of(node, &number) || fabs(number) > 1000 || number != floor(number))
		return wrong(reading, node, "a whole number");
	*value = (int)number;
	return TARN_OK;
}

static enum tarn_rc check_keys(struct reading *reading, yaml_node_t *node)
{
	static const char *const known[] = { "symbols", "coords", "charge", "multiplicity", "name", "bond" };
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const char *key = scalar(at(reading, pair->key));
		size_t i = 0;
		while (key && i < 6 && strcmp(known[i], key))
			i++;
		if (!key || i == 6)
			return wrong(reading, at(reading, pair->key), "symbols, coords, charge, multiplicity, name or bond");
	}
	return TARN_OK;
}

static enum tarn_rc read_template(struct reading *reading, yaml_node_t *node)
{
	struct lengths lengths = { 0, NULL };
	struct tarn_geometry geometry = { .multiplicity = 1 };
	const char *name = scalar(member(reading, node, "name"));
	enum tarn_rc rc = check_keys(reading, node);
	if (!rc && (!member(reading, node, "symbols") || !member(reading, node, "coords")))
		rc = wrong(reading, node, "symbols and coords");
	if (!rc)
		rc = read_lengths(reading, member(reading, node, "bond"), &lengths);
	if (!rc)
		rc = read_small(reading, member(reading, node, "charge"), &geometry.charge);
	if (!rc)
		rc = read_small(reading, member(reading, node, "multiplicity"), &geometry.multiplicity);
	for (size_t i = 0; !rc && i < lengths.n; i++) {
		const double *length = lengths.values ? &lengths.values[i] : NULL;
		rc = read_atoms(reading, member(reading, node, "symbols"), member(reading, node, "coords"), length, &geometry);
		if (rc)
			return rc;
		geometry.name = name ? tarn_arena_strdup(reading->arena, name) : "";
		if (length)
			geometry.name = tarn_arena_printf(reading->arena, "%s %g", *geometry.name ? geometry.name : geometry.symbols[0],
							  *length);
		rc = add_geometry(reading, &geometry);
	}
	return rc;
}

static enum tarn_rc read_molecules(struct reading *reading, yaml_node_t *node)
{
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; !rc && i < item_count(node); i++) {
		yaml_node_t *item = item_at(reading, node, i);
		struct tarn_geometry geometry;
		if (item->type == YAML_MAPPING_NODE) {
			rc = read_template(reading, item);
		} else if (scalar(item)) {
			rc = tarn_molecule_find(scalar(item), reading->arena, &geometry, reading->err);
			if (rc)
				rc = tarn_err_within(reading->err, rc, "line %zu", item->start_mark.line + 1);
			else
				rc = add_geometry(reading, &geometry);
		} else {
			rc = wrong(reading, item, "a molecule's name, a file, or symbols and coords");
		}
	}
	return rc;
}

/* ---- options ---- */

static enum tarn_rc read_axis(struct reading *reading, const char *option, yaml_node_t *node)
{
	struct tarn_simulation_request trial;
	size_t n = item_count(node);
	tarn_request_init(&trial);
	if (!n || n > RUNS_MOST || node->type == YAML_MAPPING_NODE)
		return wrong(reading, node, "a value or a list of values");
	if (reading->n_axes == AXES_MOST)
		return wrong(reading, node, "fewer options");
	struct axis axis = { tarn_arena_strdup(reading->arena, option), n, tarn_arena_alloc(reading->arena, n * sizeof(char *)) };
	for (size_t i = 0; i < n; i++) {
		const char *value = scalar(item_at(reading, node, i));
		if (!value)
			return wrong(reading, item_at(reading, node, i), "a value");
		enum tarn_rc rc = tarn_request_set(&trial, option, value, reading->err);
		if (rc)
			return tarn_err_within(reading->err, rc, "line %zu", node->start_mark.line + 1);
		axis.values[i] = tarn_arena_strdup(reading->arena, value);
	}
	reading->axes[reading->n_axes++] = axis;
	return TARN_OK;
}

static bool has_axis(const struct reading *reading, const char *option)
{
	for (size_t a = 0; a < reading->n_axes; a++)
		if (!strcmp(reading->axes[a].option, option))
			return true;
	return false;
}

static enum tarn_rc read_document(struct reading *reading)
{
	yaml_node_t *root = yaml_document_get_root_node(&reading->document);
	if (!root || root->type != YAML_MAPPING_NODE)
		return tarn_fail(reading->err, TARN_EINVALID, "line 1: expected a mapping with molecules and options");
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
		yaml_node_t *value = at(reading, pair->value);
		const char *key = scalar(at(reading, pair->key));
		if (!key)
			return wrong(reading, at(reading, pair->key), "an option's name");
		enum tarn_rc rc = strcmp(key, "molecules") ? read_axis(reading, key, value) : read_molecules(reading, value);
		if (rc)
			return rc;
	}
	if (has_axis(reading, "convergence") && has_axis(reading, "max_iterations"))
		return tarn_fail(reading->err, TARN_EINVALID, "max_iterations and convergence exclude each other");
	if (!reading->n_geometries)
		return tarn_fail(reading->err, TARN_EINVALID, "no molecules: expected the key \"molecules\" with a list");
	return TARN_OK;
}

/* ---- the cross product ---- */

static void put_geometry(const struct tarn_geometry *geometry, struct tarn_buf *out)
{
	char line[200];
	snprintf(line, sizeof(line), "charge=%d\nmultiplicity=%d\nunits=%d\n", geometry->charge, geometry->multiplicity,
		 geometry->units);
	tarn_buf_add_str(out, line);
	for (size_t i = 0; i < geometry->n_atoms; i++) {
		const double *at = geometry->coords[i];
		snprintf(line, sizeof(line), "%.8s %.17g %.17g %.17g\n", geometry->symbols[i], at[0], at[1], at[2]);
		tarn_buf_add_str(out, line);
	}
}

static void hash_text(const struct tarn_buf *text, char key[TARN_SWEEP_KEY_SIZE])
{
	uint8_t digest[TARN_SHA256_SIZE];
	tarn_sha256(tarn_buf_slice(text), digest);
	tarn_hex(digest, (TARN_SWEEP_KEY_SIZE - 1) / 2, key);
	key[TARN_SWEEP_KEY_SIZE - 1] = '\0';
}

static void name_run(struct tarn_sweep_run *run, struct tarn_buf *scratch)
{
	tarn_buf_clear(scratch);
	put_geometry(run->request.geometry, scratch);
	tarn_request_describe(&run->request, scratch);
	hash_text(scratch, run->key);
}

/* Molecule, and every option that takes more than one value. */
static const char *label_of(struct reading *reading, const struct tarn_geometry *geometry, const size_t *choice)
{
	const char *label = *geometry->name ? geometry->name : geometry->symbols[0];
	for (size_t a = 0; a < reading->n_axes; a++) {
		const struct axis *axis = &reading->axes[a];
		if (axis->n > 1)
			label = tarn_arena_printf(reading->arena, "%s, %s %s", label, axis->option, axis->values[choice[a]]);
	}
	return label;
}

static enum tarn_rc make_run(struct reading *reading, const struct tarn_simulation_request *defaults, size_t molecule,
			     const size_t *choice, struct tarn_sweep_run *run)
{
	enum tarn_rc rc = TARN_OK;
	run->request = *defaults;
	if (!run->request.seed.present)
		run->request.seed = (struct tarn_opt_int){ true, 0 };
	for (size_t a = 0; !rc && a < reading->n_axes; a++)
		rc = tarn_request_set(&run->request, reading->axes[a].option, reading->axes[a].values[choice[a]], reading->err);
	if (!rc)
		rc = tarn_request_check(&run->request, reading->err);
	run->request.geometry = &reading->geometries[molecule];
	run->request.molecule_id = (int32_t)molecule;
	run->label = label_of(reading, run->request.geometry, choice);
	return rc ? tarn_err_within(reading->err, rc, "%s", run->label) : TARN_OK;
}

static void step(const struct reading *reading, size_t *choice)
{
	for (size_t a = reading->n_axes; a-- && ++choice[a] == reading->axes[a].n;)
		choice[a] = 0;
}

static int by_key(const void *left, const void *right)
{
	return strcmp((*(const struct tarn_sweep_run *const *)left)->key, (*(const struct tarn_sweep_run *const *)right)->key);
}

static enum tarn_rc refuse_twins(const struct tarn_sweep *batch, struct tarn_err *err)
{
	const struct tarn_sweep_run **sorted = tarn_malloc(batch->n * sizeof(*sorted));
	enum tarn_rc rc = TARN_OK;
	for (size_t i = 0; i < batch->n; i++)
		sorted[i] = &batch->runs[i];
	qsort(sorted, batch->n, sizeof(*sorted), by_key);
	for (size_t i = 1; !rc && i < batch->n; i++)
		if (!strcmp(sorted[i - 1]->key, sorted[i]->key))
			rc = tarn_fail(err, TARN_EINVALID, "two runs are the same: \"%s\" and \"%s\"", sorted[i - 1]->label,
				       sorted[i]->label);
	free(sorted);
	return rc;
}

static enum tarn_rc make_runs(struct reading *reading, const struct tarn_simulation_request *defaults,
			      const struct tarn_raw_form *form, struct tarn_sweep *batch)
{
	size_t choice[AXES_MOST] = { 0 };
	struct tarn_buf scratch, all;
	enum tarn_rc rc = TARN_OK;
	batch->n = reading->n_geometries;
	for (size_t a = 0; a < reading->n_axes; a++) {
		if (batch->n > RUNS_MOST / reading->axes[a].n)
			return tarn_fail(reading->err, TARN_ELIMIT, "more than %d runs", RUNS_MOST);
		batch->n *= reading->axes[a].n;
	}
	batch->runs = tarn_arena_zalloc(reading->arena, batch->n * sizeof(*batch->runs));
	tarn_buf_init(&scratch, 1 << 20);
	tarn_buf_init(&all, TARN_BUF_DEFAULT_MAX);
	tarn_buf_add_byte(&all, (uint8_t)(form->format * 2 + form->version));
	for (size_t i = 0; !rc && i < batch->n; i++) {
		rc = make_run(reading, defaults, i / (batch->n / reading->n_geometries), choice, &batch->runs[i]);
		step(reading, choice);
		if (rc)
			break;
		name_run(&batch->runs[i], &scratch);
		tarn_buf_add(&all, batch->runs[i].key, TARN_SWEEP_KEY_SIZE);
	}
	hash_text(&all, batch->hash);
	tarn_buf_release(&scratch);
	tarn_buf_release(&all);
	return rc ? rc : refuse_twins(batch, reading->err);
}

enum tarn_rc tarn_sweep_read(struct tarn_slice yaml, const struct tarn_simulation_request *defaults,
			     const struct tarn_raw_form *form, struct tarn_sweep *batch, struct tarn_err *err)
{
	struct tarn_sweep made = { .n = 0 };
	struct reading reading = { .arena = &made.arena, .err = err };
	yaml_parser_t parser;
	enum tarn_rc rc;
	tarn_arena_init(&made.arena);
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, yaml.data, yaml.len);
	if (!yaml_parser_load(&parser, &reading.document)) {
		rc = tarn_fail(err, TARN_EINVALID, "line %zu: %s", parser.problem_mark.line + 1,
			       parser.problem ? parser.problem : "no YAML");
	} else {
		rc = read_document(&reading);
		yaml_document_delete(&reading.document);
	}
	yaml_parser_delete(&parser);
	if (!rc) {
		struct tarn_geometry *kept =
			tarn_arena_copy(&made.arena, reading.geometries, reading.n_geometries * sizeof(*kept));
		free(reading.geometries);
		reading.geometries = kept;
		rc = make_runs(&reading, defaults, form, &made);
	} else {
		free(reading.geometries);
	}
	if (rc)
		tarn_arena_release(&made.arena);
	else
		*batch = made;
	return rc;
}

void tarn_sweep_release(struct tarn_sweep *batch)
{
	tarn_arena_release(&batch->arena);
}
