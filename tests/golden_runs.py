#!/usr/bin/env python3
"""The reference's recorded problems once more, with the same molecule, ansatz, start, optimizer and number of evaluations: the energy that
Tarn reaches must be no worse than the one recorded.

usage: tests/golden_runs.py     ($TARN names another program than build/tarn)

Prints a table and, at the end, how many problems passed and failed. With a seed the starting angles are the reference's own. With shots
both energies are estimates; there Tarn's best is asked for within the error that the record states.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARN = os.environ.get("TARN", str(ROOT / "build/tarn"))
RECORDS = ROOT / "tests/data/golden/raw/v2json/experiments/experiment.vqe"
# Hartree. The reference's loosely converged orbitals move energies by 1e-7, and where angles do not matter rounding decides which of equal
# points a method goes on from.
EQUAL = 1e-6


def simulate(record: dict[str, Any], evaluations: int, *options: str) -> dict[str, Any]:
    """Tarn's record of the same problem."""
    start = record["vqe_result"]["initial_data"]
    molecule = record["molecule"]["molecule_data"]
    words = {
        "basis": record["basis_set"],
        "ansatz": start["ansatz_name"],
        "reps": start["ansatz_reps"],
        "init": start["init_strategy"],
        "optimizer": start["optimizer"],
        "max-iterations": evaluations,
        "seed": start["seed"] or 0,
        "shots": start["default_shots"] or 0,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([molecule], file)
        file.flush()
        command = [TARN, "simulate", "--molecules", file.name, "--json"]
        command += [text for word, value in words.items() for text in (f"--{word}", str(value))]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    made: dict[str, Any] = json.loads(done.stdout)["record"]
    return made


def main() -> int:
    passed = failed = 0
    print("hartree, electronic; evaluations, and those that Tarn's own choice of gradients (adjoint) took of them")
    print("molecule  basis  ansatz                 optimizer    evaluations  recorded  differences     adjoint  after")
    for path in sorted(RECORDS.glob("*.json"), key=lambda path: int(path.name.split("-")[0])):
        record = json.loads(path.read_text())
        result, start = record["vqe_result"], record["vqe_result"]["initial_data"]
        evaluations = len(result["iteration_list"])
        adjoint = simulate(record, evaluations)["vqe_result"]
        differences = simulate(record, evaluations, "--gradient", "differences")["vqe_result"]
        slack = max(step["std"] for step in result["iteration_list"]) if start["default_shots"] else EQUAL
        good = all(made["minimum"] <= result["minimum"] + slack for made in (adjoint, differences))
        passed, failed = passed + good, failed + (not good)
        print(
            f"{''.join(record['molecule']['molecule_data']['symbols']):<9} {record['basis_set']:<6} "
            f"{start['ansatz_name']:<22} {start['optimizer']:<12} {evaluations:>11} {result['minimum']:>9.6f} "
            f"{differences['minimum']:>12.6f} {adjoint['minimum']:>11.6f} {len(adjoint['iteration_list']):>6}"
            f"{'' if good else '  WORSE'}"
        )
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
