/* Gaussian integrals by libint2: the only C++ of the project is behind this header. */
#ifndef TARN_GENERATE_CHEMISTRY_LIBINT_H
#define TARN_GENERATE_CHEMISTRY_LIBINT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A shell as libint wants it: everything by value or borrowed for the call. */
struct tarn_libint_shell {
	double center[3]; /* bohr */
	int angular_momentum;
	size_t n_primitives;
	const double *exponents, *coefficients;
};

struct tarn_libint_input {
	size_t n_shells;
	const struct tarn_libint_shell *shells;
	size_t n_atoms;
	const double *coords; /* bohr, 3 * n_atoms */
	const int *charges;
};

/* Over spherical functions, n of them in the shells' order; overlap, kinetic and nuclear attraction are n * n, the repulsion is n^4 in
 * chemists' notation [p][q][r][s]; all are the caller's. Returns 0, or -1 with a message where libint cannot (an angular momentum
 * beyond its build). */
int tarn_libint_compute(const struct tarn_libint_input *input, double *overlap, double *kinetic, double *nuclear,
			double *repulsion, char *message, size_t message_size);

#ifdef __cplusplus
}
#endif

#endif
