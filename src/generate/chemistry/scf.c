#include "generate/chemistry/scf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/chemistry/diis.h"
#include "generate/chemistry/libint.h"
#include "generate/chemistry/matrix.h"

enum { DEFAULT_CYCLES = 200, MAX_FUNCTIONS = 110 }; /* 110^4 doubles are 1.2 GB */
static const double linear_dependence = 1e-8;

/* Everything of one calculation; matrices are n * n, the arena's. */
struct work {
	struct tarn_arena *arena;
	size_t n;
	unsigned occupied[2];
	bool unrestricted;
	double *overlap, *core, *repulsion;
	double *to_orthogonal; /* S^-1/2 */
	double *density[2], *fock[2], *orbitals[2], *energies[2];
	double *t1, *t2, *t3; /* working space */
	double nuclear_repulsion;
};

static double *new_matrix(struct work *work)
{
	return tarn_arena_zalloc(work->arena, work->n * work->n * sizeof(double));
}

/* ---- integrals ---- */

static enum tarn_rc compute_integrals(struct work *work, const struct tarn_geometry *geometry,
				      const struct tarn_basis *basis, struct tarn_err *err)
{
	char message[200];
	double *coords = tarn_arena_alloc(work->arena, 3 * geometry->n_atoms * sizeof(double));
	struct tarn_libint_shell *shells = tarn_arena_alloc(work->arena, basis->n_shells * sizeof(*shells));
	tarn_molecule_bohr(geometry, coords);
	for (size_t i = 0; i < basis->n_shells; i++) {
		const struct tarn_shell *shell = &basis->shells[i];
		shells[i] = (struct tarn_libint_shell){ .angular_momentum = shell->angular_momentum,
							.n_primitives = shell->n_primitives,
							.exponents = shell->exponents,
							.coefficients = shell->coefficients };
		memcpy(shells[i].center, coords + 3 * shell->atom, sizeof(shells[i].center));
	}
	struct tarn_libint_input input = { basis->n_shells, shells, geometry->n_atoms, coords, geometry->charges };
	if (tarn_libint_compute(&input, work->overlap, work->t1, work->t2, work->repulsion, message, sizeof(message)))
		return tarn_fail(err, TARN_EUNSUPPORTED, "%s", message);
	for (size_t i = 0; i < work->n * work->n; i++)
		work->core[i] = work->t1[i] + work->t2[i];
	return TARN_OK;
}

/* Lowdin's S^-1/2. */
static enum tarn_rc orthogonalize(struct work *work, struct tarn_err *err)
{
	size_t n = work->n;
	double *values = tarn_arena_alloc(work->arena, n * sizeof(double));
	memcpy(work->t1, work->overlap, n * n * sizeof(double));
	enum tarn_rc rc = tarn_matrix_eigen(n, work->t1, values, err);
	if (rc)
		return rc;
	if (values[0] < linear_dependence)
		return tarn_fail(err, TARN_EINVALID, "the basis functions are linearly dependent (smallest overlap eigenvalue %.2g)",
				 values[0]);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			work->t2[i * n + j] = work->t1[i * n + j] / sqrt(values[j]);
	tarn_matrix_multiply_nt(n, work->t2, work->t1, work->to_orthogonal);
	return TARN_OK;
}

/* ---- one cycle ---- */

/* Diagonalizes a Fock matrix; leaves orbitals and energies. */
static enum tarn_rc diagonalize(struct work *work, const double *fock, double *orbitals, double *energies,
				struct tarn_err *err)
{
	size_t n = work->n;
	tarn_matrix_multiply(n, fock, work->to_orthogonal, work->t1);
	tarn_matrix_multiply_tn(n, work->to_orthogonal, work->t1, work->t2);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			work->t2[i * n + j] = work->t2[j * n + i] = 0.5 * (work->t2[i * n + j] + work->t2[j * n + i]);
	enum tarn_rc rc = tarn_matrix_eigen(n, work->t2, energies, err);
	if (!rc)
		tarn_matrix_multiply(n, work->to_orthogonal, work->t2, orbitals);
	return rc;
}

static void fill_density(struct work *work, const double *orbitals, unsigned occupied, double *density)
{
	size_t n = work->n;
	for (size_t p = 0; p < n; p++)
		for (size_t q = 0; q < n; q++) {
			double sum = 0;
			for (size_t i = 0; i < occupied; i++)
				sum += orbitals[p * n + i] * orbitals[q * n + i];
			density[p * n + q] = sum;
		}
}

/* F_spin = h + J(D_alpha + D_beta) - K(D_spin) */
static void fill_fock(struct work *work)
{
	size_t n = work->n;
	const double *total_a = work->density[0], *total_b = work->density[1];
	for (size_t p = 0; p < n; p++)
		for (size_t q = 0; q <= p; q++) {
			double coulomb = 0, exchange[2] = { 0, 0 };
			for (size_t r = 0; r < n; r++) {
				const double *pq = work->repulsion + ((p * n + q) * n + r) * n;
				for (size_t s = 0; s < n; s++) {
					double pr_qs = work->repulsion[((p * n + r) * n + q) * n + s];
					coulomb += pq[s] * (total_a[r * n + s] + total_b[r * n + s]);
					exchange[0] += pr_qs * total_a[r * n + s];
					exchange[1] += pr_qs * total_b[r * n + s];
				}
			}
			for (int spin = 0; spin < 2; spin++)
				work->fock[spin][p * n + q] = work->fock[spin][q * n + p] =
					work->core[p * n + q] + coulomb - exchange[spin];
		}
}

static double total_energy(const struct work *work)
{
	double sum = 0;
	for (size_t i = 0; i < work->n * work->n; i++)
		for (int spin = 0; spin < 2; spin++)
			sum += 0.5 * work->density[spin][i] * (work->core[i] + work->fock[spin][i]);
	return sum + work->nuclear_repulsion;
}

/* out += factor * (a^T m b + its transpose); a and b are projectors times overlap. */
static void add_projected(struct work *work, const double *a, const double *m, const double *b, double factor, double *out)
{
	size_t n = work->n;
	tarn_matrix_multiply(n, m, b, work->t1);
	tarn_matrix_multiply_tn(n, a, work->t1, work->t2);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			out[i * n + j] += factor * (work->t2[i * n + j] + work->t2[j * n + i]);
}

/* Roothaan's effective operator for open shells (Rev. Mod. Phys. 32, 179 (1960)): the mean field inside the closed, open and virtual
 * spaces and between closed and virtual, the beta one between closed and open, the alpha one between open and virtual. */
static void fill_roothaan(struct work *work, double *out)
{
	size_t n = work->n, size = n * n;
	double *mean = new_matrix(work), *closed = new_matrix(work), *open = new_matrix(work), *empty = new_matrix(work);
	for (size_t i = 0; i < size; i++) {
		mean[i] = 0.5 * (work->fock[0][i] + work->fock[1][i]);
		work->t3[i] = work->density[0][i] - work->density[1][i];
	}
	tarn_matrix_multiply(n, work->density[1], work->overlap, closed);
	tarn_matrix_multiply(n, work->t3, work->overlap, open);
	tarn_matrix_multiply(n, work->density[0], work->overlap, empty);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			empty[i * n + j] = (i == j) - empty[i * n + j];
	memset(out, 0, size * sizeof(double));
	add_projected(work, closed, mean, closed, 0.5, out);
	add_projected(work, open, mean, open, 0.5, out);
	add_projected(work, empty, mean, empty, 0.5, out);
	add_projected(work, open, work->fock[1], closed, 1, out);
	add_projected(work, open, work->fock[0], empty, 1, out);
	add_projected(work, empty, mean, closed, 1, out);
}

/* FDS - SDF in the orthogonal basis: zero at convergence. Returns its largest element. */
static double orbital_gradient(struct work *work, const double *fock, const double *density, double *out)
{
	size_t n = work->n;
	double largest = 0;
	tarn_matrix_multiply(n, fock, density, work->t1);
	tarn_matrix_multiply(n, work->t1, work->overlap, work->t2);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			work->t3[i * n + j] = work->t2[i * n + j] - work->t2[j * n + i];
	tarn_matrix_multiply(n, work->t3, work->to_orthogonal, work->t1);
	tarn_matrix_multiply_tn(n, work->to_orthogonal, work->t1, out);
	for (size_t i = 0; i < n * n; i++)
		largest = fmax(largest, fabs(out[i]));
	return largest;
}

/* ---- the iteration ---- */

static bool is_open_shell(const struct work *work)
{
	return !work->unrestricted && work->occupied[0] != work->occupied[1];
}

/* One effective Fock matrix, or two where spins go apart. */
static size_t n_matrices(const struct work *work)
{
	return work->unrestricted ? 2 : 1;
}

static enum tarn_rc new_orbitals(struct work *work, double *const effective[2], struct tarn_err *err)
{
	for (size_t spin = 0; spin < n_matrices(work); spin++) {
		enum tarn_rc rc = diagonalize(work, effective[spin], work->orbitals[spin], work->energies[spin], err);
		if (rc)
			return rc;
	}
	for (size_t spin = 0; spin < 2; spin++)
		fill_density(work, work->orbitals[work->unrestricted ? spin : 0], work->occupied[spin], work->density[spin]);
	return TARN_OK;
}

/* Fills the effective matrices and their errors from the densities; returns the largest error. */
static double fill_effective(struct work *work, double *const effective[2], double *const errors[2])
{
	size_t size = work->n * work->n;
	fill_fock(work);
	if (is_open_shell(work))
		fill_roothaan(work, effective[0]);
	else
		for (size_t spin = 0; spin < n_matrices(work); spin++)
			memcpy(effective[spin], work->fock[spin], size * sizeof(double));
	double largest = 0;
	for (size_t spin = 0; spin < n_matrices(work); spin++) {
		/* The open-shell operator is converged when closed, open and virtual spaces no longer mix. */
		double *density = work->density[spin];
		if (is_open_shell(work)) {
			density = work->density[0];
			double with_open = orbital_gradient(work, effective[0], work->density[0], errors[1]);
			double closed = orbital_gradient(work, effective[0], work->density[1], errors[0]);
			for (size_t i = 0; i < size; i++)
				errors[0][i] += errors[1][i];
			largest = fmax(largest, fmax(with_open, closed));
			continue;
		}
		largest = fmax(largest, orbital_gradient(work, effective[spin], density, errors[spin]));
	}
	return largest;
}

static enum tarn_rc not_converged(int cycles, double change, double error, struct tarn_err *err)
{
	tarn_fail(err, TARN_EINVALID, "Hartree-Fock did not converge in %d cycles (last energy change %.2g hartree, error %.2g)",
		  cycles, change, error);
	tarn_err_hint(err, "check the geometry, charge and multiplicity, or allow more cycles");
	return TARN_EINVALID;
}

static enum tarn_rc iterate(struct work *work, const struct tarn_scf_options *options, double *const start,
			    double *energy, int *cycles, struct tarn_err *err)
{
	size_t size = work->n * work->n, n = n_matrices(work);
	int limit = options->max_cycles ? options->max_cycles : DEFAULT_CYCLES;
	double energy_change = options->energy_change > 0 ? options->energy_change : 1e-11;
	double error_limit = options->error > 0 ? options->error : 1e-8;
	double *vectors = tarn_arena_zalloc(work->arena, 2 * size * sizeof(double));
	double *gradients = tarn_arena_zalloc(work->arena, 2 * size * sizeof(double));
	double *effective[2] = { vectors, vectors + size }, *errors[2] = { gradients, gradients + size };
	double previous = 0, change = 0, error = 0;
	struct tarn_diis diis;
	enum tarn_rc rc = new_orbitals(work, (double *const[2]){ start, start }, err);
	tarn_diis_init(&diis, n * size);
	for (*cycles = 1; !rc; ++*cycles) {
		error = fill_effective(work, effective, errors);
		*energy = total_energy(work);
		change = *energy - previous;
		previous = *energy;
		bool converged = *cycles > 1 && fabs(change) < energy_change && error < error_limit;
		if (!converged && *cycles >= limit) {
			rc = not_converged(limit, change, error, err);
			break;
		}
		if (!converged)
			tarn_diis_extrapolate(&diis, vectors, gradients);
		rc = new_orbitals(work, effective, err);
		if (converged)
			break;
	}
	tarn_diis_release(&diis);
	return rc;
}

/* ---- starts: the core Hamiltonian, and Wolfsberg's and Helmholz's estimate; the lower result counts ---- */

static void wolfsberg_helmholz(struct work *work, double *out)
{
	const double constant = 1.75;
	size_t n = work->n;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			double mean = 0.5 * (work->core[i * n + i] + work->core[j * n + j]);
			out[i * n + j] = (i == j ? 1 : constant) * mean * work->overlap[i * n + j];
		}
}

static void fix_signs(size_t n, double *orbitals)
{
	for (size_t i = 0; i < n; i++) {
		size_t largest = 0;
		for (size_t p = 1; p < n; p++)
			if (fabs(orbitals[p * n + i]) > fabs(orbitals[largest * n + i]) + 1e-12)
				largest = p;
		if (orbitals[largest * n + i] >= 0)
			continue;
		for (size_t p = 0; p < n; p++)
			orbitals[p * n + i] = -orbitals[p * n + i];
	}
}

static void keep(const struct work *work, double energy, int cycles, struct tarn_scf *scf)
{
	size_t n = work->n;
	for (size_t spin = 0; spin < 2; spin++) {
		size_t from = work->unrestricted ? spin : 0;
		double *orbitals = tarn_arena_copy(work->arena, work->orbitals[from], n * n * sizeof(double));
		fix_signs(n, orbitals);
		scf->orbitals[spin] = spin && !work->unrestricted ? scf->orbitals[0] : orbitals;
		scf->orbital_energies[spin] = tarn_arena_copy(work->arena, work->energies[from], n * sizeof(double));
	}
	scf->energy = energy;
	scf->cycles = cycles;
}

static enum tarn_rc best_of_starts(struct work *work, const struct tarn_scf_options *options, struct tarn_scf *scf,
				   struct tarn_err *err)
{
	double *start = new_matrix(work), energy;
	bool found = false;
	enum tarn_rc rc = TARN_OK;
	for (int attempt = 0; attempt < 2; attempt++) {
		int cycles;
		if (attempt)
			memcpy(start, work->core, work->n * work->n * sizeof(double));
		else
			wolfsberg_helmholz(work, start);
		enum tarn_rc failed = iterate(work, options, start, &energy, &cycles, err);
		if (failed)
			rc = failed;
		else if (!found || energy < scf->energy - 1e-9)
			keep(work, energy, cycles, scf);
		found = found || !failed;
	}
	return found ? TARN_OK : rc;
}

static void allocate(struct work *work)
{
	double **matrices[] = { &work->overlap, &work->core, &work->to_orthogonal, &work->density[0], &work->density[1],
				&work->fock[0], &work->fock[1], &work->orbitals[0], &work->orbitals[1], &work->t1,
				&work->t2, &work->t3 };
	for (size_t i = 0; i < sizeof(matrices) / sizeof(*matrices); i++)
		*matrices[i] = new_matrix(work);
	work->energies[0] = tarn_arena_zalloc(work->arena, work->n * sizeof(double));
	work->energies[1] = tarn_arena_zalloc(work->arena, work->n * sizeof(double));
	work->repulsion = tarn_arena_alloc(work->arena, work->n * work->n * work->n * work->n * sizeof(double));
}

enum tarn_rc tarn_scf_run(const struct tarn_geometry *geometry, const struct tarn_basis *basis,
			  const struct tarn_scf_options *options, struct tarn_arena *arena, struct tarn_scf *scf,
			  struct tarn_err *err)
{
	struct tarn_electrons electrons;
	struct tarn_scf result = { .n = basis->n_functions };
	enum tarn_rc rc = tarn_molecule_check(geometry, &electrons, err);
	if (rc)
		return rc;
	if (basis->n_functions > MAX_FUNCTIONS)
		return tarn_fail(err, TARN_ELIMIT, "%zu basis functions, at most %d are possible", basis->n_functions, MAX_FUNCTIONS);
	if (electrons.alpha > basis->n_functions)
		return tarn_fail(err, TARN_EINVALID, "%u alpha electrons do not fit %zu basis functions", electrons.alpha,
				 basis->n_functions);
	struct work work = { .arena = arena, .n = basis->n_functions, .occupied = { electrons.alpha, electrons.beta },
			     .unrestricted = options->kind == TARN_SCF_UNRESTRICTED,
			     .nuclear_repulsion = tarn_molecule_nuclear_repulsion(geometry) };
	allocate(&work);
	rc = compute_integrals(&work, geometry, basis, err);
	if (!rc)
		rc = orthogonalize(&work, err);
	if (!rc)
		rc = best_of_starts(&work, options, &result, err);
	if (rc)
		return rc;
	result.nuclear_repulsion = work.nuclear_repulsion;
	result.core = work.core;
	result.repulsion = work.repulsion;
	*scf = result;
	return TARN_OK;
}
