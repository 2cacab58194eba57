"""What PySCF, Qiskit Nature, Qiskit and Aer say of a simulation of Tarn's. Runs in build/peers/venv-physics; one JSON request on standard
input, one answer on standard output.

The request is what `tarn simulate --json` printed, and beside it `mapping`, `reduce` and `noise` as they were asked for.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyscf import ao2mo, fci, gto, scf
from qiskit import QuantumCircuit, qasm3
from qiskit.quantum_info import DensityMatrix, SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_nature.second_q.hamiltonians import ElectronicEnergy
from qiskit_nature.second_q.mappers import BravyiKitaevMapper, JordanWignerMapper, ParityMapper

Json = dict[str, Any]
Matrix = NDArray[np.float64]
BASES = {"sto3g": "sto-3g", "321g": "3-21g", "3-21g": "3-21g", "6-31g": "6-31g", "6-31g*": "6-31g*", "cc-pvdz": "cc-pvdz"}
SAME_ENERGY = 1e-6  # hartree, of degenerate orbitals
LARGEST_FCI = 7  # orbitals


def solve(molecule: Json, basis: str) -> tuple[gto.Mole, Any]:
    atoms = list(zip(molecule["symbols"], molecule["coords"], strict=True))
    mol = gto.M(
        atom=atoms, basis=BASES[basis], charge=molecule["charge"], spin=molecule["multiplicity"] - 1,
        unit=molecule["units"], verbose=0,
    )
    field = (scf.RHF if molecule["multiplicity"] == 1 else scf.ROHF)(mol)
    field.conv_tol, field.conv_tol_grad, field.max_cycle = 1e-12, 1e-8, 200
    field.kernel()
    return mol, field


def along_axes(mol: gto.Mole, field: Any) -> Matrix:
    """The orbitals with every degenerate set turned so that <x x> is diagonal: PySCF leaves them at any angle."""
    orbitals, energies = field.mo_coeff.copy(), field.mo_energy
    x_squared = mol.intor("int1e_rr").reshape(3, 3, mol.nao, mol.nao)[0, 0]
    first = 0
    for end in range(1, len(energies) + 1):
        if end < len(energies) and energies[end] - energies[first] < SAME_ENERGY:
            continue
        block = orbitals[:, first:end]
        orbitals[:, first:end] = block @ np.linalg.eigh(block.T @ x_squared @ block)[1]
        first = end
    return orbitals


def integrals(mol: gto.Mole, field: Any, orbitals: Matrix) -> tuple[Matrix, Matrix]:
    m = orbitals.shape[1]
    return orbitals.T @ field.get_hcore() @ orbitals, ao2mo.restore(1, ao2mo.kernel(mol, orbitals), m)


def mapped(one: Matrix, two: Matrix, electrons: tuple[int, int], mapping: str, reduce: bool) -> SparsePauliOp:
    operator = ElectronicEnergy.from_raw_integrals(one, two).second_q_op()
    mappers = {
        "jordan-wigner": JordanWignerMapper(),
        "bravyi-kitaev": BravyiKitaevMapper(),
        "parity": ParityMapper(num_particles=electrons) if reduce else ParityMapper(),
    }
    return mappers[mapping].map(operator)


def terms_of(operator: SparsePauliOp) -> dict[str, float]:
    return {label: float(c.real) for label, c in operator.to_list()}


def chemistry(request: Json) -> Json:
    record = request["record"]
    mol, field = solve(record["molecule"]["molecule_data"], record["basis_set"])
    one, two = integrals(mol, field, along_axes(mol, field))
    as_they_are = mapped(*integrals(mol, field, field.mo_coeff), mol.nelec, request["mapping"], request["reduce"])
    answer: Json = {
        "hartree_fock_energy": float(field.e_tot),
        "nuclear_repulsion_energy": float(mol.energy_nuc()),
        "terms": terms_of(mapped(one, two, mol.nelec, request["mapping"], request["reduce"])),
        "terms_of_pyscf": len(as_they_are),
        "degenerate": bool((np.diff(field.mo_energy) < SAME_ENERGY).any()),
        "exact_energy": None,
    }
    if one.shape[0] <= LARGEST_FCI:
        solver = fci.direct_spin1.FCI()
        solver.conv_tol, solver.max_cycle = 1e-13, 500
        target = fci.addons.fix_spin_(solver, ss=(s := (mol.spin / 2)) * (s + 1))
        answer["exact_energy"] = float(target.kernel(one, two, one.shape[0], mol.nelec)[0] + mol.energy_nuc())
    return answer


def circuit_of(initial: Json) -> QuantumCircuit:
    """The record's own text, with its starting angles."""
    circuit = qasm3.loads(initial["ansatz"])
    angles = {p: v for p in circuit.parameters for v in [initial["initial_parameters"][int(p.name.strip("_").split("_")[-1])]]}
    return circuit.assign_parameters(angles)


def noise_model(one: float, two: float) -> NoiseModel:
    model = NoiseModel(basis_gates=["ry", "rz", "cx", "x"])
    if one:
        model.add_all_qubit_quantum_error(depolarizing_error(one, 1), ["ry", "rz", "x"])
    if two:
        model.add_all_qubit_quantum_error(depolarizing_error(two, 2), ["cx"])
    return model


def first_energy(request: Json) -> Json:
    """Of the recorded terms in the recorded circuit, by Qiskit; with noise by Aer."""
    initial = request["record"]["vqe_result"]["initial_data"]
    terms = [(t["label"], t["coefficients"]["real"]) for t in initial["hamiltonian"]]
    operator = SparsePauliOp.from_list(terms)
    circuit = circuit_of(initial)
    noise = request["noise"]
    if not any(noise):
        return {"energy": float(Statevector(circuit).expectation_value(operator).real)}
    circuit.save_density_matrix()
    simulator = AerSimulator(method="density_matrix", noise_model=noise_model(noise[0], noise[1]))
    density = DensityMatrix(simulator.run(circuit).result().data()["density_matrix"])
    energy = sum(
        c * (1 - 2 * noise[2]) ** (len(label) - label.count("I")) * density.expectation_value(SparsePauliOp(label)).real
        for label, c in terms
    )
    return {"energy": float(energy)}


def main() -> None:
    request = json.load(sys.stdin)
    answer = first_energy(request) | (chemistry(request) if request["chemistry"] else {})
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
