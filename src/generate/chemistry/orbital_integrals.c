#include "generate/chemistry/scf.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

/* out[q r s][i] from in[p][q r s]: one index is transformed and moves to the end, so that four rounds restore the order. */
static void transform_first(size_t n, size_t rest, size_t m, const double *in, const double *columns, size_t width,
			    double *out)
{
	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)rest, (int)m, (int)n, 1, in, (int)rest, columns, (int)width,
		    0, out, (int)m);
}

/* (pq|rs) over basis functions into (ij|kl) over m orbitals from `first` on; left and right pair may differ in spin. */
static double *transform_repulsion(const struct tarn_scf *scf, const double *left, const double *right, size_t first, size_t m,
				   struct tarn_arena *arena)
{
	size_t n = scf->n;
	const double *orbitals[4] = { left + first, left + first, right + first, right + first };
	double *from = NULL, *to;
	const double *in = scf->repulsion;
	size_t size = n * n * n * n;
	for (int round = 0; round < 4; round++) {
		size_t rest = size / n;
		size = rest * m;
		to = tarn_malloc(size * sizeof(double));
		transform_first(n, rest, m, in, orbitals[round], n, to);
		free(from);
		in = from = to;
	}
	double *result = tarn_arena_copy(arena, from, size * sizeof(double));
	free(from);
	return result;
}

/* The field of the frozen orbitals on an electron of one spin, over basis functions: h + J(both spins) - K(own spin). */
static double *frozen_field(const struct tarn_scf *scf, size_t frozen, int spin, struct tarn_arena *arena)
{
	size_t n = scf->n;
	double *density[2], *field = tarn_arena_copy(arena, scf->core, n * n * sizeof(double));
	for (int s = 0; s < 2; s++) {
		density[s] = tarn_calloc(n * n, sizeof(double));
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)n, (int)frozen, 1, scf->orbitals[s], (int)n,
			    scf->orbitals[s], (int)n, 0, density[s], (int)n);
	}
	for (size_t p = 0; p < n; p++)
		for (size_t q = 0; q < n; q++)
			for (size_t r = 0; r < n; r++)
				for (size_t s = 0; s < n; s++) {
					double total = density[0][r * n + s] + density[1][r * n + s];
					field[p * n + q] += scf->repulsion[((p * n + q) * n + r) * n + s] * total -
							    scf->repulsion[((p * n + r) * n + q) * n + s] * density[spin][r * n + s];
				}
	free(density[0]);
	free(density[1]);
	return field;
}

/* Energy of the frozen electrons: half of h + field over their orbitals, for both spins. */
static double frozen_energy(const struct tarn_scf *scf, size_t frozen, const double *const field[2])
{
	size_t n = scf->n;
	double sum = 0;
	for (int spin = 0; spin < 2; spin++)
		for (size_t i = 0; i < frozen; i++)
			for (size_t p = 0; p < n; p++)
				for (size_t q = 0; q < n; q++)
					sum += 0.5 * scf->orbitals[spin][p * n + i] * scf->orbitals[spin][q * n + i] *
					       (scf->core[p * n + q] + field[spin][p * n + q]);
	return sum;
}

static double *transform_one(size_t n, const double *matrix, const double *orbitals, size_t first, size_t m,
			     struct tarn_arena *arena)
{
	double *half = tarn_malloc(n * m * sizeof(double)), *out = tarn_arena_alloc(arena, m * m * sizeof(double));
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)m, (int)n, 1, matrix, (int)n, orbitals + first,
		    (int)n, 0, half, (int)m);
	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)m, (int)n, 1, orbitals + first, (int)n, half, (int)m,
		    0, out, (int)m);
	free(half);
	return out;
}

static enum tarn_rc check_space(const struct tarn_scf *scf, const struct tarn_electrons *electrons, size_t frozen,
				size_t active, struct tarn_err *err)
{
	if (frozen > electrons->beta)
		return tarn_fail(err, TARN_EINVALID, "%zu frozen orbitals, but only %u are doubly filled", frozen,
				 electrons->beta);
	if (!active || frozen + active > scf->n || electrons->alpha - frozen > active)
		return tarn_fail(err, TARN_EINVALID,
				 "%zu frozen and %zu active orbitals of %zu do not hold %u alpha and %u beta electrons", frozen,
				 active, scf->n, electrons->alpha, electrons->beta);
	return TARN_OK;
}

enum tarn_rc tarn_scf_integrals(const struct tarn_scf *scf, const struct tarn_electrons *electrons,
				const struct tarn_active_space *space, struct tarn_arena *arena,
				struct tarn_orbital_integrals *integrals, struct tarn_err *err)
{
	size_t frozen = space->frozen, m = space->active ? space->active : scf->n - (frozen < scf->n ? frozen : scf->n);
	enum tarn_rc rc = check_space(scf, electrons, frozen, m, err);
	if (rc)
		return rc;
	const double *const *orbitals = scf->orbitals;
	bool restricted = orbitals[0] == orbitals[1];
	const double *field[2] = { scf->core, scf->core };
	struct tarn_orbital_integrals result = { .m = m };
	if (frozen) {
		field[0] = frozen_field(scf, frozen, 0, arena);
		field[1] = restricted ? field[0] : frozen_field(scf, frozen, 1, arena);
		result.core_energy = frozen_energy(scf, frozen, field);
	}
	result.one[0] = transform_one(scf->n, field[0], orbitals[0], frozen, m, arena);
	result.two[0] = transform_repulsion(scf, orbitals[0], orbitals[0], frozen, m, arena);
	result.one[1] = restricted ? result.one[0] : transform_one(scf->n, field[1], orbitals[1], frozen, m, arena);
	for (int i = 1; i < 3; i++)
		result.two[i] = restricted ? result.two[0]
					   : transform_repulsion(scf, orbitals[i == 1], orbitals[1], frozen, m, arena);
	*integrals = result;
	return TARN_OK;
}
