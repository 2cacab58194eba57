/* Molecules as people give them: built in by name, an XYZ file, or the reference's JSON file. */
#ifndef TARN_GENERATE_CHEMISTRY_MOLECULE_H
#define TARN_GENERATE_CHEMISTRY_MOLECULE_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"

#define TARN_BOHR_IN_ANGSTROM 0.52917721092 /* CODATA 2010, as Qiskit Nature and PySCF */

enum tarn_units { TARN_ANGSTROM, TARN_BOHR };

/* Coordinates stay in the units in which they were given: the record repeats them. All memory is the caller's arena's. */
struct tarn_geometry {
	const char *name;            /* of a built-in or a file's title; may be empty */
	size_t n_atoms;
	const char *const *symbols;  /* as spelt by whoever gave them */
	const int *charges;          /* nuclear: 1 .. 118 */
	const double (*coords)[3];
	enum tarn_units units;
	int multiplicity, charge;    /* 2S + 1; total charge */
	const double *masses;        /* n_atoms, or NULL: never used for physics, only repeated in the record */
};

/* Nuclear charge of an element's symbol in any letter case, 0 for none. */
int tarn_element_charge(const char *symbol);

/* "H2", "HeH+", ...; TARN_ENOTFOUND names those that exist. */
enum tarn_rc tarn_molecule_builtin(const char *name, struct tarn_arena *arena, struct tarn_geometry *geometry,
				   struct tarn_err *err) TARN_MUST_CHECK;
/* NULL-terminated. */
const char *const *tarn_molecule_builtin_names(void);
/* XYZ text: number of atoms, a title, then "symbol x y z" a line, in angstrom. */
enum tarn_rc tarn_molecule_read_xyz(struct tarn_slice text, struct tarn_arena *arena, struct tarn_geometry *geometry,
				    struct tarn_err *err) TARN_MUST_CHECK;
/* The reference's molecule file: an array of objects with symbols, coords and optional multiplicity, charge, units, masses, name.
 * *geometries is an array of *n in the arena. */
enum tarn_rc tarn_molecule_read_json(struct tarn_slice text, struct tarn_arena *arena,
				     struct tarn_geometry **geometries, size_t *n, struct tarn_err *err)
	TARN_MUST_CHECK;
/* A built-in molecule by name, or an XYZ file by its path: one that ends in ".xyz" or has a '/', or a file that is there. */
enum tarn_rc tarn_molecule_find(const char *name, struct tarn_arena *arena, struct tarn_geometry *geometry,
				struct tarn_err *err) TARN_MUST_CHECK;

/* Electrons by spin. TARN_EINVALID where the charge leaves less than one electron, the multiplicity cannot be made with this
 * number of electrons, two atoms lie closer than 0.1 bohr, or a coordinate is not finite. */
struct tarn_electrons {
	unsigned alpha, beta;
};
enum tarn_rc tarn_molecule_check(const struct tarn_geometry *geometry, struct tarn_electrons *electrons,
				 struct tarn_err *err) TARN_MUST_CHECK;
/* Coordinates in bohr, 3 * n_atoms. */
void tarn_molecule_bohr(const struct tarn_geometry *geometry, double *coords);
/* Hartree. */
double tarn_molecule_nuclear_repulsion(const struct tarn_geometry *geometry);

#endif
