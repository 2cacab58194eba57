/* Gaussian basis sets from data files (share/basis): contracted shells of normalized primitives, spherical functions. */
#ifndef TARN_GENERATE_CHEMISTRY_BASIS_H
#define TARN_GENERATE_CHEMISTRY_BASIS_H

#include "generate/chemistry/molecule.h"

struct tarn_shell {
	size_t atom;          /* index */
	int angular_momentum; /* 0 s, 1 p, 2 d */
	size_t n_primitives;
	const double *exponents;    /* 1 / bohr^2 */
	const double *coefficients; /* of normalized primitives; the contraction is normalized by whoever uses it */
};

struct tarn_basis {
	const char *name;
	size_t n_shells, n_functions; /* 2l + 1 functions a shell */
	const struct tarn_shell *shells; /* atom by atom, in the file's order */
};

/* The file's stem for a name in any of its usual spellings ("sto3g", "STO-3G", "6-31G*", "6-31g(d)"), or NULL. */
const char *tarn_basis_stem(const char *name);
/* The name in the spelling that records have ("sto3g", "6-31g*"), or NULL. */
const char *tarn_basis_canonical(const char *name);
/* Names that people may give, for messages. */
const char *tarn_basis_names(void);
/* Builds the molecule's basis from the text of a data file. TARN_ENOTFOUND where the file lacks an element, TARN_EINVALID with the
 * line where the text is damaged. Memory is the arena's. */
enum tarn_rc tarn_basis_read(const char *name, struct tarn_slice text, const struct tarn_geometry *geometry,
			     struct tarn_arena *arena, struct tarn_basis *basis, struct tarn_err *err) TARN_MUST_CHECK;

#endif
