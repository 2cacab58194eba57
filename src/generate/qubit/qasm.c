#include "generate/qubit/ansatz.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

#define THETA "_\xce\xb8_%d_"

/* A gate's qubits in the order in which the reference sorts them. */
static void qubits_of(const struct tarn_gate *gate, unsigned *lower, unsigned *higher)
{
	bool two = gate->kind == TARN_GATE_CX || gate->kind == TARN_GATE_RXX || gate->kind == TARN_GATE_RYY;
	*lower = gate->qubit;
	*higher = two ? gate->other : gate->qubit;
}

static uint64_t mask_of(const struct tarn_gate *gate)
{
	if (gate->kind == TARN_GATE_PAULI)
		return gate->pauli.x | gate->pauli.z;
	unsigned lower, higher;
	qubits_of(gate, &lower, &higher);
	return (uint64_t)1 << lower | (uint64_t)1 << higher;
}

/* (0) < (0, 1) < (1): a one-qubit gate comes before a two-qubit gate that begins at the same qubit. */
static bool comes_before(const struct tarn_gate *a, const struct tarn_gate *b)
{
	unsigned a_first, a_second, b_first, b_second;
	qubits_of(a, &a_first, &a_second);
	qubits_of(b, &b_first, &b_second);
	if (a_first != b_first)
		return a_first < b_first;
	bool a_single = a_first == a_second, b_single = b_first == b_second;
	return a_single != b_single ? a_single : a_second < b_second;
}

/* Index of the gate that goes next; `from` is the first that is not written. A gate is ready where no earlier unwritten gate
 * touches its qubits. */
static size_t next_gate(const struct tarn_circuit *circuit, const bool *written, size_t from)
{
	size_t best = circuit->n;
	uint64_t blocked = 0, all = ((uint64_t)1 << circuit->n_qubits) - 1;
	for (size_t i = from; i < circuit->n && blocked != all; i++) {
		const struct tarn_gate *gate = &circuit->gates[i];
		if (written[i])
			continue;
		uint64_t mask = mask_of(gate);
		if (!(mask & blocked) && (best == circuit->n || comes_before(gate, &circuit->gates[best])))
			best = i;
		blocked |= mask;
	}
	return best;
}

static void put_pauli(const struct tarn_circuit *circuit, const struct tarn_gate *gate, struct tarn_buf *out)
{
	char label[TARN_MAX_QUBITS];
	tarn_pauli_label(gate->pauli, circuit->n_qubits, label);
	tarn_buf_printf(out, "// exp(-i t/2 %.*s), t = %.17g*" THETA "\n", (int)circuit->n_qubits, label, gate->scale,
			(int)gate->parameter);
}

static void put_gate(const struct tarn_circuit *circuit, const struct tarn_gate *gate, struct tarn_buf *out)
{
	static const char *const spelling[] = {
		[TARN_GATE_RY] = "ry", [TARN_GATE_RZ] = "rz", [TARN_GATE_RXX] = "rxx", [TARN_GATE_RYY] = "ryy",
	};
	switch (gate->kind) {
	case TARN_GATE_X: tarn_buf_printf(out, "x q[%u];\n", gate->qubit); break;
	case TARN_GATE_CX: tarn_buf_printf(out, "cx q[%u], q[%u];\n", gate->qubit, gate->other); break;
	case TARN_GATE_RY:
	case TARN_GATE_RZ:
		tarn_buf_printf(out, "%s(" THETA ") q[%u];\n", spelling[gate->kind], (int)gate->parameter, gate->qubit);
		break;
	case TARN_GATE_RXX:
	case TARN_GATE_RYY:
		tarn_buf_printf(out, "%s(" THETA ") q[%u], q[%u];\n", spelling[gate->kind], (int)gate->parameter,
				gate->qubit, gate->other);
		break;
	case TARN_GATE_PAULI: put_pauli(circuit, gate, out); break;
	case TARN_GATE_DEPOLARIZE: break; /* of circuits that are run, never written */
	}
}

static bool uses(const struct tarn_circuit *circuit, enum tarn_gate_kind kind)
{
	for (size_t i = 0; i < circuit->n; i++)
		if (circuit->gates[i].kind == kind)
			return true;
	return false;
}

/* Qiskit's exporter defines what stdgates.inc lacks, in the order in which the body needs it. */
static void put_definition(const char *head, const char *const *statements, struct tarn_buf *out)
{
	tarn_buf_printf(out, "gate %s {\n", head);
	for (; *statements; statements++)
		tarn_buf_printf(out, "  %s;\n", *statements);
	tarn_buf_add_str(out, "}\n");
}

#define A "_gate_q_0"
#define B "_gate_q_1"

static void put_definitions(const struct tarn_circuit *circuit, struct tarn_buf *out)
{
	static const char *const rxx[] = { "h " A, "h " B, "cx " A ", " B, "rz(p0) " B, "cx " A ", " B, "h " B, "h " A, NULL };
	static const char *const sxdg[] = { "s " A, "h " A, "s " A, NULL };
	static const char *const ryy[] = { "sxdg " A, "sxdg " B, "cx " A ", " B, "rz(p0) " B, "cx " A ", " B, "sx " A,
					   "sx " B, NULL };
	if (!uses(circuit, TARN_GATE_RXX))
		return;
	put_definition("rxx(p0) " A ", " B, rxx, out);
	put_definition("sxdg " A, sxdg, out);
	put_definition("ryy(p0) " A ", " B, ryy, out);
}

void tarn_circuit_qasm(const struct tarn_circuit *circuit, struct tarn_buf *out)
{
	bool *written = tarn_calloc(circuit->n, sizeof(*written));
	tarn_buf_add_str(out, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n");
	for (size_t i = 0; i < circuit->n_parameters; i++)
		tarn_buf_printf(out, "input float[64] " THETA ";\n", (int)i);
	put_definitions(circuit, out);
	tarn_buf_printf(out, "qubit[%u] q;\n", circuit->n_qubits);
	for (size_t from = 0; from < circuit->n;) {
		size_t next = next_gate(circuit, written, from);
		put_gate(circuit, &circuit->gates[next], out);
		written[next] = true;
		while (from < circuit->n && written[from])
			from++;
	}
	free(written);
}
