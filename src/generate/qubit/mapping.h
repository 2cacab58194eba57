/* Fermions to qubits, in Qiskit Nature's conventions.
 *
 * Spin orbital j is spatial orbital j with alpha spin (0 .. m - 1), then beta (m .. 2m - 1). Ladder operators map to two Pauli
 * strings, a+_j = 1/2 (A_j - i B_j):
 *
 *   Jordan-Wigner   A = X_j Z_{j-1} .. Z_0              B = Y_j Z_{j-1} .. Z_0          (Jordan and Wigner 1928)
 *   parity          A = X_{n-1} .. X_j Z_{j-1}          B = X_{n-1} .. X_{j+1} Y_j       (Seeley, Richard, Love 2012)
 *   Bravyi-Kitaev   A = X_U X_j Z_P                     B = X_U Y_j Z_R                  (the same paper, section IV) */
#ifndef TARN_GENERATE_QUBIT_MAPPING_H
#define TARN_GENERATE_QUBIT_MAPPING_H

#include "generate/qubit/pauli.h"

enum tarn_mapping { TARN_JORDAN_WIGNER, TARN_PARITY, TARN_BRAVYI_KITAEV };

struct tarn_ladder {
	struct tarn_pauli a, b;
};
/* Fills n_modes entries, n_modes <= 64. */
void tarn_mapping_ladders(enum tarn_mapping mapping, unsigned n_modes, struct tarn_ladder *ladders);
/* The computational basis state (a bit a qubit) that stands for the occupied modes (a bit a mode). */
uint64_t tarn_mapping_state(enum tarn_mapping mapping, unsigned n_modes, uint64_t occupied);

/* Molecular integrals over m spatial orbitals, in chemists' notation (pq|rs), real, in hartree. One set for both spins, or
 * (unrestricted) one a spin: aa, bb, and ab with the alpha pair first. */
struct tarn_integrals {
	unsigned n_orbitals;
	const double *one_alpha, *one_beta;            /* m * m */
	const double *two_aa, *two_bb, *two_ab;        /* m^4, [p][q][r][s] */
};

/* The electronic Hamiltonian (no nuclear repulsion):
 *   sum h_pq a+_p a_q + 1/2 sum (pq|rs) a+_p a+_r a_s a_q
 * The zero identity first, then the one-body products, then the two-body ones, p q r s in nested order, last fastest; integrals and
 * coefficients of size <= 1e-8 are left out at each step, as the reference does, so that the order of terms is its order. */
void tarn_mapping_hamiltonian(enum tarn_mapping mapping, const struct tarn_integrals *integrals,
			      struct tarn_pauli_sum *sum);

/* The operator S^2 = Sz (Sz + 1) + sum_pq a+_p,beta a_p,alpha a+_q,alpha a_q,beta for n_alpha - n_beta = 2 Sz. */
void tarn_mapping_spin_squared(enum tarn_mapping mapping, unsigned n_orbitals, unsigned n_alpha, unsigned n_beta,
			       struct tarn_pauli_sum *sum);

/* Two-qubit reduction of a parity-mapped sum of 2m qubits: qubits m - 1 and 2m - 1 take the eigenvalues (-1)^alpha and
 * (-1)^(alpha + beta) and disappear. */
void tarn_mapping_reduce(struct tarn_pauli_sum *sum, unsigned n_alpha, unsigned n_beta);

#endif
