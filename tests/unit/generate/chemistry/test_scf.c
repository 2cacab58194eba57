#include "generate/chemistry/scf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cmocka_tarn.h"
#include "generate/qubit/exact.h"

/* PySCF's tightly converged energies in its own basis data. */
static const struct {
	const char *molecule, *basis;
	double nuclear, hartree_fock, exact;
	size_t terms;        /* 0: not compared */
	double identity;     /* of the Jordan-Wigner Hamiltonian */
	double squares;      /* sum of squared coefficients, 0: not compared */
} cases[] = {
	{ "H2", "sto3g", 0.7199689944, -1.1169989968, -1.1373060358, 15, -0.8105479805, 0.9698811255 },
	{ "H2", "6-31g", 0.7199689944, -1.1268093581, -1.1516143199, 185, 1.5280210592, 6.4594553071 },
	{ "H2", "cc-pvdz", 0.7199689944, -1.1286227699, -1.1632095576, 0, 0, 0 },
	{ "HeH+", "sto3g", 1.3229430273, -2.8462312504, -2.8557086272, 27, -2.9021308341, 9.8339653469 },
	{ "LiH", "sto3g", 0.9922072705, -7.8618647698, -7.8823243789, 0, -5.1280744499, 29.5540974042 },
	{ "H3+", "sto3g", 1.7639240364, -1.2423305068, -1.2675871294, 0, -1.9339897445, 4.2188155961 },
	{ "H4", "sto3g", 2.4137907867, -2.1140952829, -2.1757804322, 185, -2.6203389034, 7.6611053694 },
	{ "BeH", "sto3g", 1.6282375721, -14.9350977127, -14.9566117225, 0, -10.4889045835, 121.5338400429 },
	{ "BeH2", "sto3g", 3.4600048406, -15.5612780323, -15.5950470809, 0, -12.1124546303, 158.6792776120 },
	{ "H2O", "sto3g", 9.2043551798, -74.9624891153, -75.0116917808, 1086, -55.6201705984, 3425.7262077780 },
	{ "NH3", "sto3g", 11.9593047667, -55.4540317623, -55.5190855978, 0, -45.9912003722, 2293.9925135 },
	{ "N2", "sto3g", 23.5724393955, -107.4965005118, -107.6541224475, 0, -89.7821030162, 8465.6465733 },
};

static void read_basis(const char *name, const struct tarn_geometry *geometry, struct tarn_arena *arena,
		       struct tarn_basis *basis)
{
	char path[512];
	struct tarn_buf text;
	struct tarn_err err;
	snprintf(path, sizeof(path), "%s/%s.basis", BASIS_FOLDER, tarn_basis_stem(name));
	tarn_buf_init(&text, 1 << 20);
	assert_int_equal(tarn_file_read(path, &text, &err), TARN_OK);
	assert_int_equal(tarn_basis_read(name, tarn_buf_slice(&text), geometry, arena, basis, &err), TARN_OK);
	tarn_buf_release(&text);
}

static void run_geometry(const struct tarn_geometry *geometry, const char *basis_name, enum tarn_scf_kind kind,
			 struct tarn_arena *arena, struct tarn_electrons *electrons, struct tarn_scf *scf)
{
	struct tarn_basis basis;
	struct tarn_err err;
	struct tarn_scf_options options = { .kind = kind };
	assert_int_equal(tarn_molecule_check(geometry, electrons, &err), TARN_OK);
	read_basis(basis_name, geometry, arena, &basis);
	enum tarn_rc rc = tarn_scf_run(geometry, &basis, &options, arena, scf, &err);
	if (rc)
		fail_msg("%s %s: %s", geometry->name, basis_name, err.message);
}

static void run(const char *molecule, const char *basis_name, enum tarn_scf_kind kind, struct tarn_arena *arena,
		struct tarn_electrons *electrons, struct tarn_scf *scf)
{
	struct tarn_geometry geometry;
	assert_int_equal(tarn_molecule_builtin(molecule, arena, &geometry, NULL), TARN_OK);
	run_geometry(&geometry, basis_name, kind, arena, electrons, scf);
}

static void check_hamiltonian(size_t i, const struct tarn_scf *scf, const struct tarn_electrons *electrons,
			      struct tarn_arena *arena)
{
	struct tarn_orbital_integrals orbital;
	struct tarn_pauli_sum sum;
	struct tarn_active_space all = { 0, 0 };
	struct tarn_err err;
	double exact;
	assert_int_equal(tarn_scf_integrals(scf, electrons, &all, arena, &orbital, NULL), TARN_OK);
	struct tarn_integrals integrals = { (unsigned)orbital.m, orbital.one[0], orbital.one[1], orbital.two[0],
					    orbital.two[1], orbital.two[2] };
	if (tarn_exact_energy(&integrals, electrons->alpha, electrons->beta, &exact, &err))
		fail_msg("%s: %s", cases[i].molecule, err.message);
	if (fabs(exact + scf->nuclear_repulsion - cases[i].exact) >= 1e-8)
		fail_msg("%s: full CI %.10f, expected %.10f", cases[i].molecule, exact + scf->nuclear_repulsion, cases[i].exact);
	if (!(cases[i].squares > 0))
		return;
	tarn_pauli_sum_init(&sum, 2 * (unsigned)orbital.m);
	tarn_mapping_hamiltonian(TARN_JORDAN_WIGNER, &integrals, &sum);
	double squares = 0;
	for (size_t k = 0; k < sum.n; k++)
		squares += creal(sum.coefficients[k]) * creal(sum.coefficients[k]);
	if (cases[i].terms)
		assert_int_equal(sum.n, cases[i].terms);
	assert_true(sum.terms[0].x == 0 && sum.terms[0].z == 0);
	assert_true(fabs(creal(sum.coefficients[0]) - cases[i].identity) < 1e-9);
	if (fabs(squares - cases[i].squares) >= 1e-6)
		fail_msg("%s: sum of squares %.10f", cases[i].molecule, squares);
	tarn_pauli_sum_release(&sum);
}

static void energies_are_pyscfs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tarn_arena arena;
		struct tarn_electrons electrons;
		struct tarn_scf scf;
		tarn_arena_init(&arena);
		run(cases[i].molecule, cases[i].basis, TARN_SCF_RESTRICTED, &arena, &electrons, &scf);
		if (fabs(scf.energy - cases[i].hartree_fock) >= 1e-8)
			fail_msg("%s %s: %.10f, expected %.10f", cases[i].molecule, cases[i].basis, scf.energy,
				 cases[i].hartree_fock);
		assert_true(fabs(scf.nuclear_repulsion - cases[i].nuclear) < 1e-9);
		check_hamiltonian(i, &scf, &electrons, &arena);
		tarn_arena_release(&arena);
	}
}

/* Unrestricted spins give the restricted energy for closed shells, and no more than ROHF's for open ones. */
static void unrestricted_is_no_higher(void **state)
{
	(void)state;
	struct tarn_arena arena;
	struct tarn_electrons electrons;
	struct tarn_scf scf;
	tarn_arena_init(&arena);
	run("H2O", "sto3g", TARN_SCF_UNRESTRICTED, &arena, &electrons, &scf);
	assert_true(fabs(scf.energy - -74.9624891153) < 1e-8);
	run("BeH", "sto3g", TARN_SCF_UNRESTRICTED, &arena, &electrons, &scf);
	assert_true(scf.energy < -14.9350977127 && scf.energy > -14.9566117225);
	tarn_arena_release(&arena);
}

/* ---- the literature ---- */

static void run_h2(double bohr, struct tarn_arena *arena, struct tarn_electrons *electrons, struct tarn_scf *scf)
{
	static const char *const symbols[] = { "H", "H" };
	static const int charges[] = { 1, 1 };
	const double coords[2][3] = { { 0, 0, 0 }, { 0, 0, bohr } };
	const struct tarn_geometry geometry = { .name = "H2", .n_atoms = 2, .symbols = symbols, .charges = charges,
						.coords = coords, .units = TARN_BOHR, .multiplicity = 1 };
	run_geometry(&geometry, "sto3g", TARN_SCF_RESTRICTED, arena, electrons, scf);
}

/* H2 at 1.401 bohr in STO-3G: Whitfield, Biamonte, Aspuru-Guzik, Mol. Phys. 109, 735 (2011), table 1. */
static void integrals_are_the_literatures(void **state)
{
	(void)state;
	static const struct {
		size_t at; /* among one-electron integrals; behind 4, among two-electron ones */
		double value;
	} known[] = {
		{ 0, -1.252477 },     { 3, -0.475934 },	   { 4 + 0, 0.674493 }, /* (11|11) */
		{ 4 + 15, 0.697397 }, { 4 + 3, 0.663472 }, /* (22|22), (11|22) */
		{ 4 + 5, 0.181287 },			   /* (12|12) */
	};
	struct tarn_arena arena;
	struct tarn_electrons electrons;
	struct tarn_scf scf;
	struct tarn_orbital_integrals orbital;
	const struct tarn_active_space all = { 0, 0 };
	tarn_arena_init(&arena);
	run_h2(1.401, &arena, &electrons, &scf);
	assert_int_equal(tarn_scf_integrals(&scf, &electrons, &all, &arena, &orbital, NULL), TARN_OK);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		double found = known[i].at < 4 ? orbital.one[0][known[i].at] : orbital.two[0][known[i].at - 4];
		if (fabs(found - known[i].value) > 1e-6)
			fail_msg("%.7f, expected %.6f", found, known[i].value);
	}
	tarn_arena_release(&arena);
}

/* H2 at 1.4 bohr in STO-3G: Szabo and Ostlund, Modern Quantum Chemistry (1989): -1.1167 hartree, and 0.0206 of correlation. */
static void h2_is_the_textbooks(void **state)
{
	(void)state;
	struct tarn_arena arena;
	struct tarn_electrons electrons;
	struct tarn_scf scf;
	struct tarn_orbital_integrals orbital;
	const struct tarn_active_space all = { 0, 0 };
	double exact;
	tarn_arena_init(&arena);
	run_h2(1.4, &arena, &electrons, &scf);
	assert_true(fabs(scf.energy - -1.1167) < 5e-5);
	assert_int_equal(tarn_scf_integrals(&scf, &electrons, &all, &arena, &orbital, NULL), TARN_OK);
	const struct tarn_integrals integrals = { (unsigned)orbital.m, orbital.one[0], orbital.one[1], orbital.two[0],
						  orbital.two[1], orbital.two[2] };
	assert_int_equal(tarn_exact_energy(&integrals, electrons.alpha, electrons.beta, &exact, NULL), TARN_OK);
	assert_true(fabs(exact + scf.nuclear_repulsion - scf.energy - -0.0206) < 5e-5);
	tarn_arena_release(&arena);
}

/* ---- symmetry of space ---- */

/* Turned about two axes and moved. */
static void place_elsewhere(const struct tarn_geometry *geometry, double (*coords)[3])
{
	const double c = cos(0.7), s = sin(0.7), d = cos(-1.9), t = sin(-1.9);
	for (size_t i = 0; i < geometry->n_atoms; i++) {
		const double *from = geometry->coords[i];
		const double x = c * from[0] - s * from[1], y = s * from[0] + c * from[1];
		coords[i][0] = x + 3.1;
		coords[i][1] = d * y - t * from[2] - 0.4;
		coords[i][2] = t * y + d * from[2] + 12.5;
	}
}

static void energy_does_not_depend_on_the_place(void **state)
{
	(void)state;
	static const char *const bases[] = { "sto3g", "cc-pvdz" }; /* the second has d functions */
	for (size_t i = 0; i < 2; i++) {
		struct tarn_arena arena;
		struct tarn_geometry geometry;
		struct tarn_electrons electrons;
		struct tarn_scf here, there;
		double coords[3][3];
		tarn_arena_init(&arena);
		assert_int_equal(tarn_molecule_builtin("H2O", &arena, &geometry, NULL), TARN_OK);
		run_geometry(&geometry, bases[i], TARN_SCF_RESTRICTED, &arena, &electrons, &here);
		place_elsewhere(&geometry, coords);
		geometry.coords = (const double(*)[3])coords;
		run_geometry(&geometry, bases[i], TARN_SCF_RESTRICTED, &arena, &electrons, &there);
		if (fabs(here.energy - there.energy) > 1e-9)
			fail_msg("%s: %.12f here, %.12f there", bases[i], here.energy, there.energy);
		for (size_t k = 0; k < here.n; k++)
			assert_true(fabs(here.orbital_energies[0][k] - there.orbital_energies[0][k]) < 1e-7);
		tarn_arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(energies_are_pyscfs),
		cmocka_unit_test(unrestricted_is_no_higher),
		cmocka_unit_test(integrals_are_the_literatures),
		cmocka_unit_test(h2_is_the_textbooks),
		cmocka_unit_test(energy_does_not_depend_on_the_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
