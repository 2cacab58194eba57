/* Hartree-Fock: restricted, restricted open-shell and unrestricted, with Pulay's DIIS (Chem. Phys. Lett. 73, 393 (1980); J. Comput.
 * Chem. 3, 556 (1982)). Energies in hartree. */
#ifndef TARN_GENERATE_CHEMISTRY_SCF_H
#define TARN_GENERATE_CHEMISTRY_SCF_H

#include "generate/chemistry/basis.h"

enum tarn_scf_kind {
	TARN_SCF_RESTRICTED,   /* RHF, and ROHF where spins are unpaired */
	TARN_SCF_UNRESTRICTED, /* UHF */
};

struct tarn_scf_options {
	enum tarn_scf_kind kind;
	int max_cycles;       /* 0: 200 */
	double energy_change; /* 0: 1e-11 */
	double error;         /* 0: 1e-8, largest element of the orbital gradient */
};

struct tarn_scf {
	size_t n;                         /* basis functions */
	double energy;                    /* total, nuclear repulsion included */
	double nuclear_repulsion;
	int cycles;
	const double *core;               /* n * n: kinetic and nuclear attraction */
	const double *repulsion;          /* n^4, [p][q][r][s] in chemists' notation */
	const double *orbitals[2];        /* alpha, beta (the same array where restricted): n * n, orbital i is column i; ascending
					   * energies, the first largest coefficient of each is positive */
	const double *orbital_energies[2]; /* n */
};

/* TARN_EINVALID where it does not converge, with the cycles and the last change. Results are the arena's. */
enum tarn_rc tarn_scf_run(const struct tarn_geometry *geometry, const struct tarn_basis *basis,
			  const struct tarn_scf_options *options, struct tarn_arena *arena, struct tarn_scf *scf,
			  struct tarn_err *err) TARN_MUST_CHECK;

/* Integrals over orbitals frozen .. frozen + active - 1; the frozen ones below them are doubly filled and enter as an effective field.
 * active 0: all the rest. one/two arrays as struct tarn_integrals wants them (m = active), core_energy the frozen electrons' own. */
struct tarn_active_space {
	size_t frozen, active;
};
struct tarn_orbital_integrals {
	size_t m;
	double core_energy; /* to be added to nuclear repulsion; 0 without frozen orbitals */
	const double *one[2];      /* alpha, beta: m * m */
	const double *two[3];      /* aa, bb, ab: m^4 */
};
/* TARN_EINVALID where the space does not fit the orbitals or the electrons. */
enum tarn_rc tarn_scf_integrals(const struct tarn_scf *scf, const struct tarn_electrons *electrons,
				const struct tarn_active_space *space, struct tarn_arena *arena,
				struct tarn_orbital_integrals *integrals, struct tarn_err *err) TARN_MUST_CHECK;

#endif
