#include "generate/chemistry/molecule.h"

#include <string.h>

enum { MAX_ATOMS = 4 };

/* Angstrom; bond lengths near equilibrium, as the literature's VQE studies and the reference values of the tests use them. */
struct builtin {
	const char *name;
	int charge, multiplicity;
	const char *symbols[MAX_ATOMS + 1];
	double coords[MAX_ATOMS][3];
};

static const struct builtin builtins[] = {
	{ "H2", 0, 1, { "H", "H" }, { { 0, 0, 0 }, { 0, 0, 0.735 } } },
	{ "HeH+", 1, 1, { "He", "H" }, { { 0, 0, 0 }, { 0, 0, 0.8 } } },
	{ "LiH", 0, 1, { "Li", "H" }, { { 0, 0, 0 }, { 0, 0, 1.6 } } },
	{ "H3+", 1, 1, { "H", "H", "H" }, { { 0, 0, 0 }, { 0, 0, 0.9 }, { 0, 0.7794228634059948, 0.45 } } },
	{ "H4", 0, 1, { "H", "H", "H", "H" }, { { 0, 0, 0 }, { 0, 0, 0.95 }, { 0, 0, 1.9 }, { 0, 0, 2.85 } } },
	{ "BeH", 0, 2, { "Be", "H" }, { { 0, 0, 0 }, { 0, 0, 1.3 } } },
	{ "BeH2", 0, 1, { "Be", "H", "H" }, { { 0, 0, 0 }, { 0, 0, 1.3 }, { 0, 0, -1.3 } } },
	{ "H2O", 0, 1, { "O", "H", "H" }, { { 0, 0, 0.1 }, { 0, 0.76, -0.48 }, { 0, -0.76, -0.48 } } },
	{ "NH3", 0, 1, { "N", "H", "H", "H" },
	  { { 0, 0, 0 }, { 0.937, 0, -0.381 }, { -0.469, 0.812, -0.381 }, { -0.469, -0.812, -0.381 } } },
	{ "N2", 0, 1, { "N", "N" }, { { 0, 0, -0.55 }, { 0, 0, 0.55 } } },
};
enum { N_BUILTINS = sizeof(builtins) / sizeof(*builtins) };

static const char *const names[N_BUILTINS + 1] = { "H2", "HeH+", "LiH", "H3+", "H4", "BeH", "BeH2", "H2O", "NH3", "N2", NULL };

const char *const *tarn_molecule_builtin_names(void)
{
	return names;
}

static void fill(const struct builtin *builtin, struct tarn_arena *arena, struct tarn_geometry *geometry)
{
	size_t n = 0;
	while (builtin->symbols[n])
		n++;
	int *charges = tarn_arena_alloc(arena, n * sizeof(*charges));
	for (size_t i = 0; i < n; i++)
		charges[i] = tarn_element_charge(builtin->symbols[i]);
	*geometry = (struct tarn_geometry){
		.name = builtin->name,
		.n_atoms = n,
		.symbols = builtin->symbols,
		.charges = charges,
		.coords = builtin->coords,
		.units = TARN_ANGSTROM,
		.multiplicity = builtin->multiplicity,
		.charge = builtin->charge,
	};
}

static enum tarn_rc unknown(const char *name, struct tarn_err *err)
{
	char list[160] = "";
	for (size_t i = 0; i < N_BUILTINS; i++) {
		strcat(list, i ? ", " : "");
		strcat(list, builtins[i].name);
	}
	return tarn_fail(err, TARN_ENOTFOUND, "no built-in molecule \"%s\" (there are %s)", name, list);
}

enum tarn_rc tarn_molecule_builtin(const char *name, struct tarn_arena *arena, struct tarn_geometry *geometry,
				   struct tarn_err *err)
{
	for (size_t i = 0; i < N_BUILTINS; i++) {
		if (strcmp(builtins[i].name, name))
			continue;
		fill(&builtins[i], arena, geometry);
		return TARN_OK;
	}
	return unknown(name, err);
}
