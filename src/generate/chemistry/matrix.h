/* Square matrices, row by row, over BLAS and LAPACK; what Hartree-Fock needs of them. */
#ifndef TARN_GENERATE_CHEMISTRY_MATRIX_H
#define TARN_GENERATE_CHEMISTRY_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* out = a b, a^T b, a b^T; out is neither factor. */
void tarn_matrix_multiply(size_t n, const double *a, const double *b, double *out);
void tarn_matrix_multiply_tn(size_t n, const double *a, const double *b, double *out);
void tarn_matrix_multiply_nt(size_t n, const double *a, const double *b, double *out);
/* Symmetric eigenproblem: on return the columns of `matrix` are the vectors, values ascend. */
enum tarn_rc tarn_matrix_eigen(size_t n, double *matrix, double *values, struct tarn_err *err) TARN_MUST_CHECK;
/* Solves matrix * x = right; both are overwritten, x is in `right`. False where the matrix is singular. */
bool tarn_matrix_solve(size_t n, double *matrix, double *right);

#endif
