#include "generate/chemistry/basis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_COLUMNS = 16, MAX_PRIMITIVES = 64 };

static const struct {
	const char *spelling, *stem;
} spellings[] = {
	{ "sto3g", "sto-3g" },      { "sto-3g", "sto-3g" },       { "3-21g", "3-21g" },         { "321g", "3-21g" },
	{ "6-31g", "6-31g" },       { "631g", "6-31g" },          { "6-31g*", "6-31g_star" },   { "6-31g(d)", "6-31g_star" },
	{ "cc-pvdz", "cc-pvdz" },   { "ccpvdz", "cc-pvdz" },
};

const char *tarn_basis_stem(const char *name)
{
	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++)
		if (!strcasecmp(spellings[i].spelling, name))
			return spellings[i].stem;
	return NULL;
}

/* The reference's, which come first among the spellings of a stem. */
const char *tarn_basis_canonical(const char *name)
{
	const char *stem = tarn_basis_stem(name);
	for (size_t i = 0; stem && i < sizeof(spellings) / sizeof(*spellings); i++)
		if (!strcmp(spellings[i].stem, stem))
			return spellings[i].spelling;
	return NULL;
}

const char *tarn_basis_names(void)
{
	return "sto3g, 3-21g, 6-31g, 6-31g*, cc-pvdz";
}

/* ---- the data file: blank lines part the shells, # begins a comment ---- */

struct reader {
	struct tarn_slice text;
	size_t line;
	char buffer[256];
};

/* The next line that is no comment; false at the end. */
static bool next_line(struct reader *reader)
{
	do {
		if (!reader->text.len)
			return false;
		const uint8_t *newline = memchr(reader->text.data, '\n', reader->text.len);
		size_t len = newline ? (size_t)(newline - reader->text.data) : reader->text.len;
		size_t kept = len < sizeof(reader->buffer) - 1 ? len : sizeof(reader->buffer) - 1;
		memcpy(reader->buffer, reader->text.data, kept);
		reader->buffer[kept] = '\0';
		size_t used = len + (newline ? 1 : 0);
		reader->text.data += used;
		reader->text.len -= used;
		reader->line++;
	} while (reader->buffer[0] == '#');
	return true;
}

/* One shell of the file: several contractions may share its exponents. */
struct block {
	int charge, angular_momentum;
	size_t n_primitives, n_columns;
	double exponents[MAX_PRIMITIVES], coefficients[MAX_COLUMNS][MAX_PRIMITIVES];
};

static enum tarn_rc read_head(struct reader *reader, struct block *block, struct tarn_err *err)
{
	char *letter = strchr(reader->buffer, ' ');
	static const char letters[] = "SPDFG";
	const char *known = letter && letter[1] ? strchr(letters, letter[1]) : NULL;
	if (letter)
		*letter = '\0';
	block->charge = tarn_element_charge(reader->buffer);
	if (!block->charge || !known)
		return tarn_fail(err, TARN_EINVALID, "line %zu: expected an element and one of %s", reader->line, letters);
	block->angular_momentum = (int)(known - letters);
	block->n_primitives = block->n_columns = 0;
	return TARN_OK;
}

static enum tarn_rc read_primitive(struct reader *reader, struct block *block, struct tarn_err *err)
{
	char *at = reader->buffer, *end;
	size_t i = block->n_primitives, column = 0;
	if (i == MAX_PRIMITIVES)
		return tarn_fail(err, TARN_ELIMIT, "line %zu: more than %d primitives", reader->line, MAX_PRIMITIVES);
	block->exponents[i] = strtod(at, &end);
	for (at = end; column < MAX_COLUMNS; at = end, column++) {
		double value = strtod(at, &end);
		if (end == at)
			break;
		block->coefficients[column][i] = value;
	}
	if (!(block->exponents[i] > 0) || !column || (i && column != block->n_columns) || strspn(at, " ") != strlen(at))
		return tarn_fail(err, TARN_EINVALID, "line %zu: expected an exponent and %s", reader->line,
				 i ? "as many coefficients as the line before" : "coefficients");
	block->n_columns = column;
	block->n_primitives++;
	return TARN_OK;
}

/* TARN_ENOTFOUND at the end of the file. */
static enum tarn_rc read_block(struct reader *reader, struct block *block, struct tarn_err *err)
{
	do {
		if (!next_line(reader))
			return TARN_ENOTFOUND;
	} while (!reader->buffer[0]);
	enum tarn_rc rc = read_head(reader, block, err);
	while (!rc && next_line(reader) && reader->buffer[0])
		rc = read_primitive(reader, block, err);
	if (!rc && !block->n_primitives)
		rc = tarn_fail(err, TARN_EINVALID, "line %zu: a shell without primitives", reader->line);
	return rc;
}

/* ---- the molecule's basis ---- */

struct shells {
	struct tarn_shell *items;
	size_t n, capacity;
};

static void add_shells(struct shells *shells, const struct block *block, size_t atom, struct tarn_arena *arena)
{
	size_t size = block->n_primitives * sizeof(double);
	for (size_t column = 0; column < block->n_columns; column++) {
		shells->items = tarn_grow(shells->items, &shells->capacity, shells->n + 1, sizeof(*shells->items));
		shells->items[shells->n++] = (struct tarn_shell){
			.atom = atom,
			.angular_momentum = block->angular_momentum,
			.n_primitives = block->n_primitives,
			.exponents = tarn_arena_copy(arena, block->exponents, size),
			.coefficients = tarn_arena_copy(arena, block->coefficients[column], size),
		};
	}
}

static enum tarn_rc add_atom(struct shells *shells, const char *name, struct tarn_slice text,
			     const struct tarn_geometry *geometry, size_t atom, struct tarn_arena *arena, struct tarn_err *err)
{
	struct reader reader = { .text = text };
	struct block block;
	size_t before = shells->n;
	enum tarn_rc rc;
	while (!(rc = read_block(&reader, &block, err)))
		if (block.charge == geometry->charges[atom])
			add_shells(shells, &block, atom, arena);
	if (rc != TARN_ENOTFOUND)
		return tarn_err_within(err, rc, "basis set \"%s\"", name);
	if (shells->n == before)
		return tarn_fail(err, TARN_ENOTFOUND, "basis set \"%s\" has no functions for %s", name,
				 geometry->symbols[atom]);
	return TARN_OK;
}

enum tarn_rc tarn_basis_read(const char *name, struct tarn_slice text, const struct tarn_geometry *geometry,
			     struct tarn_arena *arena, struct tarn_basis *basis, struct tarn_err *err)
{
	struct shells shells = { 0 };
	enum tarn_rc rc = TARN_OK;
	for (size_t atom = 0; !rc && atom < geometry->n_atoms; atom++)
		rc = add_atom(&shells, name, text, geometry, atom, arena, err);
	if (!rc) {
		*basis = (struct tarn_basis){ .name = name, .n_shells = shells.n };
		for (size_t i = 0; i < shells.n; i++)
			basis->n_functions += 2 * (size_t)shells.items[i].angular_momentum + 1;
		basis->shells = tarn_arena_copy(arena, shells.items, shells.n * sizeof(*shells.items));
	}
	free(shells.items);
	return rc;
}
