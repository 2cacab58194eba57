/* Pulay's extrapolation of Fock matrices from their error vectors. */
#ifndef TARN_GENERATE_CHEMISTRY_DIIS_H
#define TARN_GENERATE_CHEMISTRY_DIIS_H

#include <stddef.h>

enum { TARN_DIIS_DEPTH = 8 };

struct tarn_diis {
	size_t size; /* of a vector */
	size_t n, next;
	double *vectors[TARN_DIIS_DEPTH], *errors[TARN_DIIS_DEPTH];
};

void tarn_diis_init(struct tarn_diis *diis, size_t size);
void tarn_diis_release(struct tarn_diis *diis);
/* Remembers `vector` with its error and replaces it by the combination whose error is smallest. */
void tarn_diis_extrapolate(struct tarn_diis *diis, double *vector, const double *error);

#endif
