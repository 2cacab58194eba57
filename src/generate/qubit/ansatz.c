#include "generate/qubit/ansatz.h"

#include <stdlib.h>

#include "base/alloc.h"

static const char *const names[] = {
	[TARN_EFFICIENT_SU2] = "EfficientSU2",
	[TARN_REAL_AMPLITUDES] = "RealAmplitudes",
	[TARN_EXCITATION_PRESERVING] = "ExcitationPreserving",
	[TARN_HARDWARE_EFFICIENT] = "HardwareEfficient",
	[TARN_UCCSD] = "UCCSD",
};

bool tarn_ansatz_by_name(const char *name, enum tarn_ansatz *ansatz)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i], name))
			continue;
		*ansatz = (enum tarn_ansatz)i;
		return true;
	}
	return false;
}

const char *tarn_ansatz_kind_name(enum tarn_ansatz ansatz)
{
	return names[ansatz];
}

void tarn_circuit_add(struct tarn_circuit *circuit, struct tarn_gate gate)
{
	circuit->gates = tarn_grow(circuit->gates, &circuit->capacity, circuit->n + 1, sizeof(*circuit->gates));
	circuit->gates[circuit->n++] = gate;
}

static int32_t new_parameter(struct tarn_circuit *circuit)
{
	return (int32_t)circuit->n_parameters++;
}

static void rotate_all(struct tarn_circuit *circuit, enum tarn_gate_kind kind)
{
	for (unsigned q = 0; q < circuit->n_qubits; q++)
		tarn_circuit_add(circuit, (struct tarn_gate){ .kind = kind, .qubit = q, .parameter = new_parameter(circuit), .scale = 1 });
}

static void cx(struct tarn_circuit *circuit, unsigned control, unsigned target)
{
	tarn_circuit_add(circuit, (struct tarn_gate){ .kind = TARN_GATE_CX, .qubit = control, .other = target, .parameter = -1 });
}

static void entangle(struct tarn_circuit *circuit, enum tarn_entanglement entanglement)
{
	unsigned n = circuit->n_qubits;
	switch (entanglement) {
	case TARN_ENTANGLE_REVERSE_LINEAR:
		for (unsigned q = n - 1; q-- > 0;)
			cx(circuit, q, q + 1);
		break;
	case TARN_ENTANGLE_CIRCULAR:
		if (n > 2)
			cx(circuit, n - 1, 0);
		/* fall through */
	case TARN_ENTANGLE_LINEAR:
		for (unsigned q = 0; q + 1 < n; q++)
			cx(circuit, q, q + 1);
		break;
	case TARN_ENTANGLE_FULL:
		for (unsigned a = 0; a < n; a++)
			for (unsigned b = a + 1; b < n; b++)
				cx(circuit, a, b);
		break;
	}
}

static void build_two_local(struct tarn_circuit *circuit, unsigned reps, bool with_rz, enum tarn_entanglement pattern)
{
	for (unsigned layer = 0; layer <= reps; layer++) {
		rotate_all(circuit, TARN_GATE_RY);
		if (with_rz)
			rotate_all(circuit, TARN_GATE_RZ);
		if (layer < reps)
			entangle(circuit, pattern);
	}
}

static void prepare_state(struct tarn_circuit *circuit, uint64_t state)
{
	for (unsigned q = 0; q < circuit->n_qubits; q++)
		if (state >> q & 1)
			tarn_circuit_add(circuit, (struct tarn_gate){ .kind = TARN_GATE_X, .qubit = q, .parameter = -1 });
}

static uint64_t hartree_fock(const struct tarn_ansatz_options *options)
{
	unsigned m = options->n_qubits / 2;
	uint64_t alpha = ((uint64_t)1 << options->n_alpha) - 1, beta = ((uint64_t)1 << options->n_beta) - 1;
	return alpha | beta << m;
}

static void exchange_all(struct tarn_circuit *circuit)
{
	for (unsigned a = 0; a < circuit->n_qubits; a++) {
		for (unsigned b = a + 1; b < circuit->n_qubits; b++) {
			int32_t parameter = new_parameter(circuit);
			struct tarn_gate gate = { .qubit = a, .other = b, .parameter = parameter, .scale = 1 };
			gate.kind = TARN_GATE_RXX;
			tarn_circuit_add(circuit, gate);
			gate.kind = TARN_GATE_RYY;
			tarn_circuit_add(circuit, gate);
		}
	}
}

static void build_excitation_preserving(struct tarn_circuit *circuit, const struct tarn_ansatz_options *options)
{
	prepare_state(circuit, hartree_fock(options));
	for (unsigned layer = 0; layer <= options->reps; layer++) {
		rotate_all(circuit, TARN_GATE_RZ);
		if (layer < options->reps)
			exchange_all(circuit);
	}
}

/* ---- UCCSD: one Trotter step of exp(T - T+) a repetition, singles first, as Peruzzo et al. 2014 ---- */

/* Adds exp(theta (E - E+)) for E = a+_c1 .. a_d1 ..: the anti-Hermitian sum's strings commute, each becomes one rotation. */
static void add_excitation(struct tarn_circuit *circuit, const struct tarn_ladder *ladders, const unsigned *modes,
			   unsigned n)
{
	struct tarn_pauli_sum product, factor, next;
	tarn_pauli_sum_init(&product, circuit->n_qubits);
	tarn_pauli_sum_init(&factor, circuit->n_qubits);
	tarn_pauli_sum_init(&next, circuit->n_qubits);
	tarn_pauli_sum_add(&product, (struct tarn_pauli){ 0, 0 }, 1);
	for (unsigned i = 0; i < n; i++) {
		const struct tarn_ladder *ladder = &ladders[modes[i]];
		tarn_pauli_sum_clear(&factor);
		tarn_pauli_sum_add(&factor, ladder->a, 0.5);
		tarn_pauli_sum_add(&factor, ladder->b, i < n / 2 ? -0.5 * I : 0.5 * I);
		tarn_pauli_sum_multiply(&product, &factor, &next);
		tarn_pauli_sum_simplify(&next, 0);
		struct tarn_pauli_sum swap = product;
		product = next;
		next = swap;
	}
	int32_t parameter = new_parameter(circuit);
	for (size_t i = 0; i < product.n; i++) {
		/* E - E+ keeps the imaginary parts twice: exp(theta 2i Im(c) P) is a rotation by -4 Im(c) theta. */
		double angle = -4 * cimag(product.coefficients[i]);
		if (angle != 0)
			tarn_circuit_add(circuit, (struct tarn_gate){ .kind = TARN_GATE_PAULI, .parameter = parameter,
							 .scale = angle, .pauli = product.terms[i] });
	}
	tarn_pauli_sum_release(&product);
	tarn_pauli_sum_release(&factor);
	tarn_pauli_sum_release(&next);
}

struct spin_space {
	unsigned first, occupied, end; /* modes first .. occupied - 1 are filled, occupied .. end - 1 are empty */
};

static void add_singles(struct tarn_circuit *circuit, const struct tarn_ladder *ladders, struct spin_space spin)
{
	for (unsigned i = spin.first; i < spin.occupied; i++)
		for (unsigned a = spin.occupied; a < spin.end; a++)
			add_excitation(circuit, ladders, (unsigned[]){ a, i }, 2);
}

static void add_doubles_same(struct tarn_circuit *circuit, const struct tarn_ladder *ladders, struct spin_space spin)
{
	for (unsigned i = spin.first; i < spin.occupied; i++)
		for (unsigned j = i + 1; j < spin.occupied; j++)
			for (unsigned a = spin.occupied; a < spin.end; a++)
				for (unsigned b = a + 1; b < spin.end; b++)
					add_excitation(circuit, ladders, (unsigned[]){ a, b, j, i }, 4);
}

static void add_doubles_mixed(struct tarn_circuit *circuit, const struct tarn_ladder *ladders, struct spin_space alpha,
			      struct spin_space beta)
{
	for (unsigned i = alpha.first; i < alpha.occupied; i++)
		for (unsigned j = beta.first; j < beta.occupied; j++)
			for (unsigned a = alpha.occupied; a < alpha.end; a++)
				for (unsigned b = beta.occupied; b < beta.end; b++)
					add_excitation(circuit, ladders, (unsigned[]){ a, b, j, i }, 4);
}

static void build_uccsd(struct tarn_circuit *circuit, const struct tarn_ansatz_options *options)
{
	struct tarn_ladder ladders[TARN_MAX_QUBITS];
	unsigned n = options->n_qubits, m = n / 2;
	struct spin_space alpha = { 0, options->n_alpha, m }, beta = { m, m + options->n_beta, n };
	tarn_mapping_ladders(options->mapping, n, ladders);
	prepare_state(circuit, tarn_mapping_state(options->mapping, n, hartree_fock(options)));
	for (unsigned layer = 0; layer < (options->reps ? options->reps : 1); layer++) {
		add_singles(circuit, ladders, alpha);
		add_singles(circuit, ladders, beta);
		add_doubles_mixed(circuit, ladders, alpha, beta);
		add_doubles_same(circuit, ladders, alpha);
		add_doubles_same(circuit, ladders, beta);
	}
}

static enum tarn_rc check(enum tarn_ansatz ansatz, const struct tarn_ansatz_options *options, struct tarn_err *err)
{
	unsigned n = options->n_qubits, m = n / 2;
	bool has_electrons = ansatz == TARN_EXCITATION_PRESERVING || ansatz == TARN_UCCSD;
	if (n < 1 || n > TARN_MAX_QUBITS - 1)
		return tarn_fail(err, TARN_EINVALID, "%s: %u qubits, expected 1 to %d", names[ansatz], n,
				 TARN_MAX_QUBITS - 1);
	if (has_electrons && (n % 2 || options->n_alpha > m || options->n_beta > m))
		return tarn_fail(err, TARN_EINVALID, "%s: %u alpha and %u beta electrons do not fit %u qubits", names[ansatz],
				 options->n_alpha, options->n_beta, n);
	return TARN_OK;
}

enum tarn_rc tarn_circuit_build(enum tarn_ansatz ansatz, const struct tarn_ansatz_options *options,
				struct tarn_circuit *circuit, struct tarn_err *err)
{
	enum tarn_rc rc = check(ansatz, options, err);
	if (rc)
		return rc;
	*circuit = (struct tarn_circuit){ .n_qubits = options->n_qubits };
	switch (ansatz) {
	case TARN_EFFICIENT_SU2:         build_two_local(circuit, options->reps, true, TARN_ENTANGLE_REVERSE_LINEAR); break;
	case TARN_REAL_AMPLITUDES:       build_two_local(circuit, options->reps, false, TARN_ENTANGLE_REVERSE_LINEAR); break;
	case TARN_HARDWARE_EFFICIENT:    build_two_local(circuit, options->reps, true, options->entanglement); break;
	case TARN_EXCITATION_PRESERVING: build_excitation_preserving(circuit, options); break;
	case TARN_UCCSD:                 build_uccsd(circuit, options); break;
	}
	return TARN_OK;
}

void tarn_circuit_release(struct tarn_circuit *circuit)
{
	free(circuit->gates);
	*circuit = (struct tarn_circuit){ 0 };
}
