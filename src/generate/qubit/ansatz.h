/* Parameterised circuits, gate by gate as the reference builds them, and their OpenQASM 3 text.
 *
 * Gates (angles in radian, c = cos(t/2), s = sin(t/2)): RY = [[c, -s], [s, c]]; RZ = diag(e^-it/2, e^it/2); RXX = c I - i s XX;
 * RYY = c I - i s YY; CX; X; and e^(-i t P / 2) for a Pauli string P (UCCSD). No global phase is added or lost. */
#ifndef TARN_GENERATE_QUBIT_ANSATZ_H
#define TARN_GENERATE_QUBIT_ANSATZ_H

#include "base/buf.h"
#include "generate/qubit/mapping.h"

enum tarn_gate_kind {
	TARN_GATE_X,
	TARN_GATE_RY,
	TARN_GATE_RZ,
	TARN_GATE_CX,
	TARN_GATE_RXX,
	TARN_GATE_RYY,
	TARN_GATE_PAULI,
	TARN_GATE_DEPOLARIZE, /* no gate of an ansatz: density.h */
};

struct tarn_gate {
	enum tarn_gate_kind kind;
	unsigned qubit, other;     /* CX: control, target; RXX, RYY: lower, higher */
	int32_t parameter;         /* index, or -1 */
	double scale;              /* the angle is scale * parameter (1 but for UCCSD) */
	struct tarn_pauli pauli;   /* of TARN_GATE_PAULI and TARN_GATE_DEPOLARIZE */
};

struct tarn_circuit {
	unsigned n_qubits;
	size_t n_parameters;
	size_t n, capacity;
	struct tarn_gate *gates;
};

enum tarn_ansatz {
	TARN_EFFICIENT_SU2,
	TARN_REAL_AMPLITUDES,
	TARN_EXCITATION_PRESERVING,
	TARN_HARDWARE_EFFICIENT, /* RY RZ layers with the entanglement that the options name */
	TARN_UCCSD,
};

enum tarn_entanglement { TARN_ENTANGLE_REVERSE_LINEAR, TARN_ENTANGLE_LINEAR, TARN_ENTANGLE_CIRCULAR, TARN_ENTANGLE_FULL };

struct tarn_ansatz_options {
	unsigned n_qubits, reps;
	unsigned n_alpha, n_beta;             /* for the start of ExcitationPreserving and UCCSD */
	enum tarn_mapping mapping;            /* UCCSD */
	enum tarn_entanglement entanglement;  /* TARN_HARDWARE_EFFICIENT */
};

/* "EfficientSU2", "RealAmplitudes", ...; false where no ansatz has that name. */
bool tarn_ansatz_by_name(const char *name, enum tarn_ansatz *ansatz);
const char *tarn_ansatz_kind_name(enum tarn_ansatz ansatz);
/* TARN_EINVALID where the options make no sense (no qubit, more electrons than orbitals). */
enum tarn_rc tarn_circuit_build(enum tarn_ansatz ansatz, const struct tarn_ansatz_options *options,
				struct tarn_circuit *circuit, struct tarn_err *err) TARN_MUST_CHECK;
void tarn_circuit_add(struct tarn_circuit *circuit, struct tarn_gate gate);
void tarn_circuit_release(struct tarn_circuit *circuit);

/* OpenQASM 3, byte for byte what Qiskit's exporter makes of the transpiled circuit for the reference's three: among the gates whose
 * predecessors on their qubits are written, the one with the smallest qubit tuple goes next. */
void tarn_circuit_qasm(const struct tarn_circuit *circuit, struct tarn_buf *out);

#endif
