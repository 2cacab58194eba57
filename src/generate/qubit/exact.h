/* Full configuration interaction: the lowest state with given numbers of electrons and total spin S = Sz. */
#ifndef TARN_GENERATE_QUBIT_EXACT_H
#define TARN_GENERATE_QUBIT_EXACT_H

#include "generate/qubit/mapping.h"

/* n_beta <= n_alpha <= orbitals. Electronic energy in hartree, to 1e-10, by Davidson's method (J. Comput. Phys. 17, 87 (1975)) over all determinants. TARN_ELIMIT above
 * 2,000,000 of them, TARN_EINVALID where it does not converge. */
enum tarn_rc tarn_exact_energy(const struct tarn_integrals *integrals, unsigned n_alpha, unsigned n_beta, double *energy,
			       struct tarn_err *err) TARN_MUST_CHECK;

#endif
