#include "generate/chemistry/matrix.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdlib.h>

#include "base/alloc.h"

static void multiply(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t n, const double *a, const double *b, double *out)
{
	int size = (int)n;
	cblas_dgemm(CblasRowMajor, ta, tb, size, size, size, 1, a, size, b, size, 0, out, size);
}

void tarn_matrix_multiply(size_t n, const double *a, const double *b, double *out)
{
	multiply(CblasNoTrans, CblasNoTrans, n, a, b, out);
}

void tarn_matrix_multiply_tn(size_t n, const double *a, const double *b, double *out)
{
	multiply(CblasTrans, CblasNoTrans, n, a, b, out);
}

void tarn_matrix_multiply_nt(size_t n, const double *a, const double *b, double *out)
{
	multiply(CblasNoTrans, CblasTrans, n, a, b, out);
}

enum tarn_rc tarn_matrix_eigen(size_t n, double *matrix, double *values, struct tarn_err *err)
{
	int status = LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'U', (int)n, matrix, (int)n, values);
	if (status)
		return tarn_fail(err, TARN_EINVALID, "LAPACK's dsyev ended with %d on a matrix of %zu rows", status, n);
	return TARN_OK;
}

bool tarn_matrix_solve(size_t n, double *matrix, double *right)
{
	int *pivots = tarn_calloc(n, sizeof(*pivots));
	int status = LAPACKE_dgesv(LAPACK_ROW_MAJOR, (int)n, 1, matrix, (int)n, pivots, right, 1);
	free(pivots);
	return status == 0;
}
