"""Times one energy evaluation in another simulator, in a process of its own: evaluate.py ENGINE RECORD, where the record is what
`tarn simulate --json` printed. Prints one line of JSON: milliseconds, the energy, and the process's largest memory in bytes.

The circuit is EfficientSU2 as the record's (RY, RZ, then CX from the highest pair down); observables and circuits are built before the
clock starts.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Terms = list[tuple[str, float]]
Evaluate = Callable[[], float]
LONGEST = 3.0  # seconds of measuring, three evaluations at least


def gates(n: int, reps: int) -> list[tuple[str, int, int]]:
    """("ry" | "rz", qubit, parameter) and ("cx", control, target), in order."""
    found: list[tuple[str, int, int]] = []
    parameter = 0
    for layer in range(reps + 1):
        for kind in ("ry", "rz"):
            found += [(kind, qubit, parameter + qubit) for qubit in range(n)]
            parameter += n
        if layer < reps:
            found += [("cx", qubit, qubit + 1) for qubit in reversed(range(n - 1))]
    return found


def aer(n: int, reps: int, terms: Terms, angles: list[float]) -> Evaluate:
    """As the reference calls it: Aer's estimator, exact."""
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SparsePauliOp
    from qiskit_aer.primitives import EstimatorV2

    circuit = QuantumCircuit(n)
    for kind, a, b in gates(n, reps):
        circuit.cx(a, b) if kind == "cx" else getattr(circuit, kind)(angles[b], a)
    operator = SparsePauliOp.from_list(terms)
    estimator = EstimatorV2(options={"default_precision": 0.0, "backend_options": {"method": "statevector"}})
    return lambda: float(estimator.run([(circuit, operator)]).result()[0].data.evs)


def lightning(n: int, reps: int, terms: Terms, angles: list[float], sparse: bool = False) -> Evaluate:
    import pennylane as qml

    words = [
        qml.pauli.PauliWord({q: letter for q, letter in enumerate(reversed(label)) if letter != "I"}).operation(range(n))
        for label, _ in terms
    ]
    observable = qml.Hamiltonian([c for _, c in terms], words)
    if sparse:
        observable = qml.SparseHamiltonian(observable.sparse_matrix(wire_order=range(n)), wires=range(n))

    @qml.qnode(qml.device("lightning.qubit", wires=n), diff_method=None)  # type: ignore[untyped-decorator]
    def energy(values: Any) -> Any:
        for kind, a, b in gates(n, reps):
            if kind == "cx":
                qml.CNOT(wires=[a, b])
            else:
                (qml.RY if kind == "ry" else qml.RZ)(values[b], wires=a)
        return qml.expval(observable)

    values = np.array(angles)
    return lambda: float(energy(values))


def qulacs(n: int, reps: int, terms: Terms, angles: list[float]) -> Evaluate:
    from qulacs import Observable, ParametricQuantumCircuit, QuantumState

    observable, circuit, state = Observable(n), ParametricQuantumCircuit(n), QuantumState(n)
    for label, c in terms:
        observable.add_operator(c, " ".join(f"{letter} {q}" for q, letter in enumerate(reversed(label)) if letter != "I"))
    for kind, a, b in gates(n, reps):
        if kind == "cx":
            circuit.add_CNOT_gate(a, b)
        elif kind == "ry":
            circuit.add_parametric_RY_gate(a, -angles[b])  # Qulacs turns the other way
        else:
            circuit.add_parametric_RZ_gate(a, -angles[b])

    def energy() -> float:
        state.set_zero_state()
        circuit.update_quantum_state(state)
        return float(observable.get_expectation_value(state))

    return energy


ENGINES: dict[str, Callable[[int, int, Terms, list[float]], Evaluate]] = {
    "aer": aer,
    "lightning": lightning,
    "lightning-sparse": lambda *problem: lightning(*problem, sparse=True),
    "qulacs": qulacs,
}


def main() -> None:
    initial = json.loads(Path(sys.argv[2]).read_text())["record"]["vqe_result"]["initial_data"]
    terms = [(t["label"], t["coefficients"]["real"]) for t in initial["hamiltonian"]]
    evaluate = ENGINES[sys.argv[1]](initial["num_qubits"], initial["ansatz_reps"], terms, initial["initial_parameters"])
    energy, best, begin, done = evaluate(), float("inf"), time.perf_counter(), 0
    while done < 3 or time.perf_counter() - begin < LONGEST:
        start = time.perf_counter()
        evaluate()
        best, done = min(best, time.perf_counter() - start), done + 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": best * 1e3, "energy": energy, "peak": peak}))


if __name__ == "__main__":
    main()
