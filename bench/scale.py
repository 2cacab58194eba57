"""Makes a large raw set out of the golden records: real shapes and sizes, no physics.

usage: scale.py GOLDEN OUT COUNT [--iterations N] [--first N] [--per-object N] [--smallest]

Experiment n is a golden v2 record whose last atom is moved by (n+1)*1e-7, so that every experiment_id differs, with its
iterations repeated or cut to N (renumbered, parameters moved by n*1e-9). One record an object by default, four
partitions, container files without compression, as the sink writes them. Experiments --first .. --first+COUNT-1 are
made, always with the same bytes. --smallest takes only the records with the smallest Hamiltonian.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import fastavro

PARTITIONS = 4
MAX_PARAMETERS = 32
Record = dict[str, Any]


def golden_records(golden: Path) -> tuple[dict[str, Any], list[Record]]:
    """The writer's schema, and the records of the v2 objects, each once."""
    records: dict[str, Record] = {}
    schema: Any = None
    for path in sorted((golden / "raw/v2/experiments").rglob("*.avro")):
        with path.open("rb") as file:
            reader: Any = fastavro.reader(file)
            schema = reader.writer_schema
            for record in reader:
                setup = json.dumps(record["vqe_result"]["initial_data"])
                if len(record["vqe_result"]["initial_data"]["initial_parameters"]) <= MAX_PARAMETERS:
                    records.setdefault(hashlib.sha256(setup.encode()).hexdigest(), record)
    return schema, list(records.values())


def make(record: Record, n: int, iterations: int) -> Record:
    made = {**record, "molecule": copy.deepcopy(record["molecule"]), "molecule_id": n}
    made["molecule"]["molecule_data"]["coords"][-1][2] += (n + 1) * 1e-7
    steps, result = record["vqe_result"]["iteration_list"], record["vqe_result"]
    moved = [[p + n * 1e-9 for p in step["parameters"]] for step in steps[:iterations]]
    made_steps = [
        {**steps[i % len(steps)], "iteration": i + 1, "parameters": moved[i % len(steps)]} for i in range(iterations)
    ]
    lowest = min(step["result"] for step in made_steps)
    made["vqe_result"] = {**result, "iteration_list": made_steps, "minimum": lowest}
    return made


def varint(value: int) -> bytes:
    value <<= 1  # zigzag of a number that is not negative
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


class Container:
    """Container files with one constant header: the same records make the same bytes."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = fastavro.parse_schema(schema)
        self.sync = hashlib.md5(b"tarn bench").digest()
        text = json.dumps(schema).encode()
        meta = {b"avro.codec": b"null", b"avro.schema": text}
        pairs = b"".join(varint(len(k)) + k + varint(len(v)) + v for k, v in meta.items())
        self.header = b"Obj\x01" + varint(len(meta)) + pairs + varint(0) + self.sync

    def of(self, records: list[Record]) -> bytes:
        data = io.BytesIO()
        for record in records:
            fastavro.schemaless_writer(data, self.schema, record)
        body = data.getvalue()
        return self.header + varint(len(records)) + varint(len(body)) + body + self.sync


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("golden", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--per-object", type=int, default=1)
    parser.add_argument("--smallest", action="store_true")
    options = parser.parse_args()

    schema, base = golden_records(options.golden)
    container = Container(schema)
    if options.smallest:
        terms = [len(record["vqe_result"]["initial_data"]["hamiltonian"]) for record in base]
        base = [record for record, n in zip(base, terms, strict=True) if n == min(terms)]
    size = 0
    for start in range(options.first, options.first + options.count, options.per_object):
        numbers = range(start, min(start + options.per_object, options.first + options.count))
        data = container.of([make(base[n % len(base)], n, options.iterations) for n in numbers])
        block, partition = divmod(start // options.per_object, PARTITIONS)
        folder = options.out / f"experiments/experiment.vqe/partition={partition}"
        if block == options.first // options.per_object // PARTITIONS:
            folder.mkdir(parents=True, exist_ok=True)
        name = f"experiment.vqe+{partition}+{block * options.per_object:010d}.avro"
        (folder / name).write_bytes(data)
        size += len(data)
    print(f"{options.count} experiments, {size} bytes in {options.out}")


if __name__ == "__main__":
    main()
