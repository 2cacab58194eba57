#include "generate/qubit/density.h"

#include <math.h>

/* The gate's conjugate on the columns: e^(-i t P / 2) becomes e^(i t P* / 2), and P* is P with a sign for each Y. */
static struct tarn_gate conjugate(struct tarn_gate gate, unsigned n)
{
	bool odd = gate.kind == TARN_GATE_RY ||
		   (gate.kind == TARN_GATE_PAULI && __builtin_parityll(gate.pauli.x & gate.pauli.z));
	gate.scale = odd ? gate.scale : -gate.scale;
	gate.qubit += n;
	gate.other += n;
	gate.pauli.x <<= n;
	gate.pauli.z <<= n;
	return gate;
}

static uint64_t qubits_of(const struct tarn_gate *gate)
{
	uint64_t one = (uint64_t)1 << gate->qubit, other = (uint64_t)1 << gate->other;
	switch (gate->kind) {
	case TARN_GATE_PAULI: return gate->pauli.x | gate->pauli.z;
	case TARN_GATE_CX:
	case TARN_GATE_RXX:
	case TARN_GATE_RYY: return one | other;
	default: return one;
	}
}

static enum tarn_rc add_noise(const struct tarn_gate *gate, const struct tarn_noise *noise, unsigned n,
			      struct tarn_circuit *doubled, struct tarn_err *err)
{
	uint64_t rows = qubits_of(gate);
	int width = __builtin_popcountll(rows);
	if (width > 2 && (noise->one > 0 || noise->two > 0))
		return tarn_fail(
			err, TARN_EUNSUPPORTED,
			"depolarizing noise is defined for gates of one and two qubits, this circuit has one of %d",
			width);
	double p = width == 1 ? noise->one : noise->two;
	if (p > 0 && width > 0)
		tarn_circuit_add(doubled, (struct tarn_gate){ .kind = TARN_GATE_DEPOLARIZE,
							      .parameter = -1,
							      .scale = p,
							      .pauli = { rows | rows << n, rows } });
	return TARN_OK;
}

enum tarn_rc tarn_density_circuit(const struct tarn_circuit *circuit, const struct tarn_noise *noise,
				  struct tarn_circuit *doubled, struct tarn_err *err)
{
	struct tarn_circuit made = { .n_qubits = 2 * circuit->n_qubits, .n_parameters = circuit->n_parameters };
	if (made.n_qubits > TARN_STATE_MAX_QUBITS)
		return tarn_fail(err, TARN_ELIMIT,
				 "%u qubits with noise need a density matrix, at most %d can be simulated",
				 circuit->n_qubits, TARN_STATE_MAX_QUBITS / 2);
	for (size_t i = 0; i < circuit->n; i++) {
		tarn_circuit_add(&made, circuit->gates[i]);
		tarn_circuit_add(&made, conjugate(circuit->gates[i], circuit->n_qubits));
		enum tarn_rc rc = add_noise(&circuit->gates[i], noise, circuit->n_qubits, &made, err);
		if (rc) {
			tarn_circuit_release(&made);
			return rc;
		}
	}
	*doubled = made;
	return TARN_OK;
}

/* tr(P rho) = sum over rows r of i^|y| (-1)^|z & r| rho[r, r ^ x], a real number. */
static double expect_term(struct tarn_pauli term, unsigned n_qubits, const struct tarn_state *density)
{
	int ys = __builtin_popcountll(term.x & term.z);
	const double *part = ys & 1 ? density->im : density->re;
	double sum = 0;
	for (uint64_t row = 0; row < (uint64_t)1 << n_qubits; row++) {
		double value = part[row | (row ^ term.x) << n_qubits];
		sum += __builtin_parityll(term.z & row) ? -value : value;
	}
	return ((ys & 3) == 1 || (ys & 3) == 2) ? -sum : sum;
}

double tarn_density_expect(const struct tarn_pauli_sum *sum, const struct tarn_state *density, double readout)
{
	double total = 0;
	for (size_t i = 0; i < sum->n; i++) {
		struct tarn_pauli term = sum->terms[i];
		double read = pow(1 - 2 * readout, __builtin_popcountll(term.x | term.z));
		total += creal(sum->coefficients[i]) * read * expect_term(term, sum->n_qubits, density);
	}
	return total;
}
