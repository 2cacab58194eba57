/* H2 at 0.735 angstrom in STO-3G: molecular integrals in hartree and the Hamiltonian that Qiskit Nature makes of them. */
#ifndef TARN_TESTS_H2_H
#define TARN_TESTS_H2_H

#include "generate/qubit/mapping.h"

static const double h2_one[4] = { -1.2563390730, 0, 0, -0.4718960073 };
/* [p][q][r][s] */
static const double h2_two[16] = {
	0.6757101548, 0, 0, 0.6645817303, 0, 0.1809311998, 0.1809311998, 0,
	0, 0.1809311998, 0.1809311998, 0, 0.6645817303, 0, 0, 0.6985737227,
};
static const struct tarn_integrals h2_integrals = { 2, h2_one, h2_one, h2_two, h2_two, h2_two };

#endif
