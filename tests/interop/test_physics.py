"""Simulations of Tarn's, judged by PySCF, Qiskit Nature, Qiskit and Aer (physics_judge.py)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.peers

HERE = Path(__file__).parent
Peers = Callable[[Iterable[str]], Path]
Json = dict[str, Any]

BERYLLIUM_HYDRIDE = {"symbols": ["Be", "H"], "coords": [[0, 0, 0], [0, 0, 1.3]], "multiplicity": 2}
OXYGEN = {"symbols": ["O", "O"], "coords": [[0, 0, -0.6], [0, 0, 0.6]], "multiplicity": 3}


@dataclass(frozen=True)
class Case:
    molecule: str | tuple[str, Any]
    basis: str = "sto3g"
    mapping: str = "jordan-wigner"
    reduce: bool = False

    def __str__(self) -> str:
        name = self.molecule if isinstance(self.molecule, str) else self.molecule[0]
        return "-".join([name, self.basis, self.mapping] + ["reduced"] * self.reduce)


CASES = [Case(name) for name in ("H2", "HeH+", "LiH", "H3+", "H4", "BeH2", "H2O", "NH3", "N2")]
CASES += [Case("H2", basis) for basis in ("3-21g", "6-31g", "cc-pvdz")]
CASES += [Case(("BeH", BERYLLIUM_HYDRIDE)), Case(("O2", OXYGEN))]
CASES += [Case(name, mapping=mapping) for name in ("H2", "HeH+", "LiH") for mapping in ("parity", "bravyi-kitaev")]
CASES += [Case(name, mapping="parity", reduce=True) for name in ("H2", "HeH+", "LiH", "H2O")]

CIRCUITS = [("EfficientSU2", 0), ("EfficientSU2", 3), ("RealAmplitudes", 2), ("ExcitationPreserving", 1), ("HardwareEfficient", 2)]
NOISES = [(0.01, 0, 0), (0, 0.05, 0), (0.002, 0.02, 0.03)]


def simulate(program: Path, folder: Path, molecule: str | tuple[str, Any], *options: str) -> Json:
    words = [molecule] if isinstance(molecule, str) else ["--molecules", str(folder / "molecule.json")]
    if not isinstance(molecule, str):
        (folder / "molecule.json").write_text(json.dumps([molecule[1]]))
    command = [str(program), "simulate", *words, "--seed", "7", "--max-iterations", "1", "--json", *options]
    made: Json = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return made


def judge(peers: Peers, made: Json, **request: Any) -> Json:
    asked = {"mapping": "jordan-wigner", "reduce": False, "noise": [0, 0, 0], "chemistry": False} | request | made
    done = subprocess.run(
        [peers(["physics"]) / "venv-physics/bin/python", "-W", "ignore", HERE / "physics_judge.py"],
        input=json.dumps(asked), capture_output=True, text=True, timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: Json = json.loads(done.stdout)
    return said


def first_result(made: Json) -> float:
    result: float = made["record"]["vqe_result"]["iteration_list"][0]["result"]
    return result


@pytest.mark.parametrize("case", CASES, ids=str)
def test_molecule(case: Case, program: Path, peers: Peers, tmp_path: Path) -> None:
    options = ["--basis", case.basis, "--mapping", case.mapping] + ["--reduce"] * case.reduce
    small = case.basis == "sto3g" and case.molecule not in ("NH3", "N2") or case.molecule == "H2"
    made = simulate(program, tmp_path, case.molecule, *options, *(["--exact"] if small else []))
    said = judge(peers, made, mapping=case.mapping, reduce=case.reduce, chemistry=True)
    physics = made["physics"]
    for name in ("hartree_fock_energy", "nuclear_repulsion_energy"):
        assert physics[name] == pytest.approx(said[name], abs=1e-8)
    if physics["exact_energy"] is not None and said["exact_energy"] is not None:
        assert physics["exact_energy"] == pytest.approx(said["exact_energy"], abs=1e-8)
    terms = {t["label"]: t["coefficients"]["real"] for t in made["record"]["vqe_result"]["initial_data"]["hamiltonian"]}
    compare_terms(terms, said)
    assert first_result(made) == pytest.approx(said["energy"], abs=1e-11)


def compare_terms(terms: dict[str, float], said: Json) -> None:
    """An orbital's sign turns signs of terms, and degenerate orbitals come in any order and, off the axis, at any angle: what is left
    of the coefficients is compared."""
    theirs: dict[str, float] = said["terms"]
    identity = "I" * len(next(iter(terms)))
    assert terms[identity] == pytest.approx(theirs[identity], abs=1e-9)
    assert sum(c * c for c in terms.values()) == pytest.approx(sum(c * c for c in theirs.values()), abs=1e-7, rel=1e-10)
    if not said["degenerate"]:
        assert set(terms) == set(theirs)
        assert all(abs(abs(c) - abs(theirs[label])) < 1e-7 for label, c in terms.items())


@pytest.mark.parametrize("molecule", ["LiH", "N2", "BeH2"])
def test_degenerate_orbitals_lie_along_the_axes(molecule: str, program: Path, peers: Peers, tmp_path: Path) -> None:
    """PySCF's pi orbitals of N2 stand at some angle, which makes 2,951 terms of the 2,239 that are left once they are turned."""
    made = simulate(program, tmp_path, molecule)
    said = judge(peers, made, chemistry=True)
    ours = sorted(abs(t["coefficients"]["real"]) for t in made["record"]["vqe_result"]["initial_data"]["hamiltonian"])
    theirs = sorted(abs(c) for c in said["terms"].values())
    assert said["degenerate"] and len(ours) == len(theirs) <= said["terms_of_pyscf"]
    assert all(abs(a - b) < 1e-7 for a, b in zip(ours, theirs, strict=True))
    if molecule == "N2":
        assert (len(ours), said["terms_of_pyscf"]) == (2239, 2951)


@pytest.mark.parametrize(("ansatz", "reps"), CIRCUITS)
@pytest.mark.parametrize("molecule", ["HeH+", "H4"])
def test_circuit(molecule: str, ansatz: str, reps: int, program: Path, peers: Peers, tmp_path: Path) -> None:
    made = simulate(program, tmp_path, molecule, "--ansatz", ansatz, "--reps", str(reps))
    assert first_result(made) == pytest.approx(judge(peers, made)["energy"], abs=1e-12)


@pytest.mark.parametrize("noise", NOISES, ids=str)
@pytest.mark.parametrize("ansatz", ["EfficientSU2", "RealAmplitudes"])
def test_noise(ansatz: str, noise: tuple[float, float, float], program: Path, peers: Peers, tmp_path: Path) -> None:
    one, two, readout = map(str, noise)
    words = ["--depolarizing", one, "--depolarizing-two", two, "--readout-error", readout]
    made = simulate(program, tmp_path, "HeH+", "--ansatz", ansatz, *words)
    assert first_result(made) == pytest.approx(judge(peers, made, noise=noise)["energy"], abs=1e-10)
