"""Tarn's simulator beside Aer, PennyLane lightning, Qulacs and the reference (quantum-pipeline with Aer), in one go on this machine.

usage: bench_simulate.py [--quick] [--write]

Per energy evaluation (EfficientSU2, two repetitions): the best of what fits into some seconds, for one thread and for two; every engine
must find the same energy. Whole runs: the reference's command line and Tarn's, start to end of the program, at an equal final energy.
--quick leaves out 16 qubits and more; --write puts the page into docs/benchmarks-simulate.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
BUILD = Path(os.environ.get("TARN_BUILD", ROOT / "build"))
PHYSICS = Path(os.environ.get("TARN_PEERS", ROOT / "build/peers")) / "venv-physics/bin"
OTHERS = ("aer", "lightning", "lightning-sparse", "qulacs")
SIZES = (("H2", "6-31g"), ("LiH", "sto3g"), ("NH3", "sto3g"))
LARGEST = ("N2", "sto3g")  # Tarn alone
RUNS = (
    ("H2", "sto3g", "COBYLA", 100, 42),
    ("HeH+", "sto3g", "COBYLA", 90, 1),
    ("LiH", "sto3g", "COBYLA", 60, 42),
)
EQUAL = 1e-6  # hartree

Json = dict[str, Any]


@dataclass
class Cost:
    seconds: float
    peak: float  # bytes


def output(command: Sequence[str | Path], threads: int, where: Path) -> str:
    cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[:threads])
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(["taskset", "-c", cores, *command], env=environment, cwd=where, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


def whole(command: Sequence[str | Path], where: Path) -> tuple[Cost, str]:
    """From start to end of the program, by bench/measure.c."""
    said = output([BUILD / "bench/measure", where / "cost.json", *command], len(os.sched_getaffinity(0)), where)
    cost = json.loads((where / "cost.json").read_text())
    return Cost(cost["wall"], cost["peak"]), said


# ---- an energy ----


def energies(molecule: str, basis: str, work: Path) -> list[str]:
    """A table row for each engine."""
    record = work / f"{molecule}.json"
    command = [BUILD / "tarn", "simulate", molecule, "--basis", basis, "--optimizer", "COBYLA", "--max-iterations", "1"]
    record.write_text(output([*command, "--seed", "7", "--json"], 1, work))
    made = json.loads(record.read_text())
    expected = made["record"]["vqe_result"]["iteration_list"][0]["result"]
    times: dict[str, list[float]] = {}
    peaks: dict[str, float] = {}
    for threads in (1, 2):
        line = output([BUILD / "bench_energy", molecule, basis], threads, work).splitlines()[-1].split()
        times.setdefault("Tarn", []).append(float(line[5]))
        for engine in OTHERS:
            said = json.loads(output([PHYSICS / "python", HERE / "evaluate.py", engine, record], threads, work))
            if abs(said["energy"] - expected) > EQUAL:
                raise SystemExit(f"{engine}, {molecule}: energy {said['energy']}, Tarn's is {expected}")
            times.setdefault(engine, []).append(said["ms"])
            peaks[engine] = said["peak"]
    peaks["Tarn"] = whole([BUILD / "bench_energy", molecule, basis], work)[0].peak
    best = min(min(times[engine]) for engine in OTHERS)
    qubits, terms = made["physics"]["num_qubits"], made["physics"]["num_terms"]
    return [
        f"| {molecule} {basis}, {qubits} qubits, {terms} terms | {engine} | {times[engine][0]:.3f} | {times[engine][1]:.3f} "
        f"| {min(times[engine]) / min(times['Tarn']):.1f} | {peaks[engine] / 1e6:.0f} |"
        for engine in ("Tarn", *OTHERS)
    ] + [f"| | best of the others over Tarn | | | **{best / min(times['Tarn']):.1f}** | |"]


# ---- whole runs ----


def reference(molecule: Json, basis: str, optimizer: str, evaluations: int, seed: int, work: Path) -> tuple[Cost, float]:
    file = work / "molecule.json"
    file.write_text(json.dumps([molecule]))
    command = [PHYSICS / "quantum-pipeline", "-f", file, "-b", basis, "--ansatz", "EfficientSU2", "-ar", "2", "--exact"]
    command += ["--optimizer", optimizer, "--max-iterations", str(evaluations), "--seed", str(seed)]
    cost, said = whole(["sh", "-c", '"$@" 2>&1', "sh", *command, "--simulation-method", "statevector"], work)
    return cost, float(re.findall(r"Best energy: (-?[0-9.]+) Ha", said)[-1])


def runs(work: Path) -> list[str]:
    lines = []
    for molecule, basis, optimizer, evaluations, seed in RUNS:
        command = [BUILD / "tarn", "simulate", molecule, "--basis", basis, "--optimizer", optimizer, "--seed", str(seed), "--json"]
        ours, said = whole([*command, "--max-iterations", str(evaluations)], work)
        record = json.loads(said)["record"]
        theirs, energy = reference(record["molecule"]["molecule_data"], basis, optimizer, evaluations, seed, work)
        if record["vqe_result"]["minimum"] > energy + EQUAL:
            raise SystemExit(f"{molecule}: Tarn ends at {record['vqe_result']['minimum']}, the reference at {energy}")
        lines.append(
            f"| {molecule} {basis}, {optimizer}, {evaluations} evaluations | {theirs.seconds:.2f} | {ours.seconds:.3f} "
            f"| **{theirs.seconds / ours.seconds:.0f}** | {theirs.peak / 1e6:.0f} | {ours.peak / 1e6:.0f} "
            f"| {energy:.6f} | {record['vqe_result']['minimum']:.6f} |"
        )
    return lines


def page(quick: bool, work: Path) -> str:
    cores = len(os.sched_getaffinity(0))
    lines = [
        "# Simulation, side by side",
        "",
        f"Printed by `bench/simulate/run_simulate.sh`, on {cores} cores of {platform.machine()}.",
        "",
        "One energy, EfficientSU2 with two repetitions; milliseconds, times over Tarn's best, memory of the process in MB.",
        "",
        "| molecule | engine | one thread | two | times Tarn | MB |",
        "|---|---|---|---|---|---|",
    ]
    for molecule, basis in SIZES[:2] if quick else SIZES:
        lines += energies(molecule, basis, work)
    if not quick:
        line = output([BUILD / "bench_energy", *LARGEST], 2, work).splitlines()[-1].split()
        cost, _ = whole([BUILD / "bench_energy", *LARGEST], work)
        lines.append(f"| {' '.join(LARGEST)}, {line[2]} qubits, {line[3]} terms | Tarn | | {line[5]} | | {cost.peak / 1e6:.0f} |")
    lines += [
        "",
        "Whole runs, from start to end of the program: the reference is quantum-pipeline with Aer; seconds, MB, electronic energy.",
        "",
        "| run | reference | Tarn | ratio | reference MB | Tarn MB | reference energy | Tarn energy |",
        "|---|---|---|---|---|---|---|---|",
        *runs(work),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        text = page(options.quick, Path(work))
    sys.stdout.write(text)
    if options.write:
        (ROOT / "docs/benchmarks-simulate.md").write_text(text)


if __name__ == "__main__":
    main()
