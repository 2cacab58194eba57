#include "generate/chemistry/diis.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "generate/chemistry/matrix.h"

void tarn_diis_init(struct tarn_diis *diis, size_t size)
{
	*diis = (struct tarn_diis){ .size = size };
	for (size_t i = 0; i < TARN_DIIS_DEPTH; i++) {
		diis->vectors[i] = tarn_calloc(size, sizeof(double));
		diis->errors[i] = tarn_calloc(size, sizeof(double));
	}
}

void tarn_diis_release(struct tarn_diis *diis)
{
	for (size_t i = 0; i < TARN_DIIS_DEPTH; i++) {
		free(diis->vectors[i]);
		free(diis->errors[i]);
	}
}

static void remember(struct tarn_diis *diis, const double *vector, const double *error)
{
	memcpy(diis->vectors[diis->next], vector, diis->size * sizeof(double));
	memcpy(diis->errors[diis->next], error, diis->size * sizeof(double));
	diis->next = (diis->next + 1) % TARN_DIIS_DEPTH;
	if (diis->n < TARN_DIIS_DEPTH)
		diis->n++;
}

/* Weights that sum to 1 and make the combined error smallest; false where the equations are singular. */
static bool find_weights(const struct tarn_diis *diis, double weights[TARN_DIIS_DEPTH + 1])
{
	double matrix[(TARN_DIIS_DEPTH + 1) * (TARN_DIIS_DEPTH + 1)];
	size_t n = diis->n, width = n + 1;
	double scale = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			double product = cblas_ddot((int)diis->size, diis->errors[i], 1, diis->errors[j], 1);
			matrix[i * width + j] = product;
			if (i == j && product > scale)
				scale = product;
		}
	if (!(scale > 0))
		return false;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++)
			matrix[i * width + j] /= scale;
		matrix[i * width + n] = matrix[n * width + i] = -1;
		weights[i] = 0;
	}
	matrix[n * width + n] = 0;
	weights[n] = -1;
	return tarn_matrix_solve(width, matrix, weights);
}

void tarn_diis_extrapolate(struct tarn_diis *diis, double *vector, const double *error)
{
	double weights[TARN_DIIS_DEPTH + 1];
	remember(diis, vector, error);
	if (diis->n < 2 || !find_weights(diis, weights))
		return;
	memset(vector, 0, diis->size * sizeof(double));
	for (size_t i = 0; i < diis->n; i++)
		cblas_daxpy((int)diis->size, weights[i], diis->vectors[i], 1, vector, 1);
}
