"""An independent model of the lake: what the tables must hold after a list of runs over raw objects.

It shares no code with Tarn. It reads raw objects with fastavro and json, applies the definitions of the nine tables,
and yields every row of every table, with all 64 bits of every double. test_model.py checks it against the tables that
the reference's own job made of the same objects; everything else in this folder checks Tarn against it.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro

Row = dict[str, Any]
Record = dict[str, Any]

PROCESSING_NAME = "quantum_base_processing"


@dataclass(frozen=True)
class Source:
    """Where a record came from. `offset` is None for JSON objects."""

    object: str
    topic: str
    partition: int | None
    offset: int | None
    index: int


@dataclass(frozen=True)
class Stamp:
    """The columns that one run writes the same everywhere."""

    timestamp: Any
    date: Any
    batch: str


@dataclass(frozen=True)
class Table:
    columns: dict[str, str]  # name -> type, in the reference's order (field ids from 1)
    partition: tuple[str, ...]
    key: tuple[str, ...]  # a unique key of positions, for sorting


def _table(columns: str, partition: str, key: str) -> Table:
    pairs = (column.partition(":")[::2] for column in columns.split())
    return Table(dict(pairs), tuple(partition.split()), tuple(key.split()))


_ID = "experiment_id:string molecule_id:int basis_set:string "
_RUN = (
    " processing_timestamp:timestamptz processing_date:date processing_batch_id:string processing_name:string "
)

TABLES: dict[str, Table] = {
    "molecules": _table(
        "experiment_id:string molecule_id:int atom_symbols:list<string> molecule_name:string"
        " coordinates:list<list<double>> multiplicity:int charge:int coordinate_units:string"
        " atomic_masses:list<double>" + _RUN,
        "processing_date",
        "experiment_id",
    ),
    "ansatz_info": _table(
        _ID + "ansatz:string ansatz_reps:int ansatz_name:string init_strategy:string" + _RUN,
        "processing_date basis_set",
        "experiment_id",
    ),
    "performance_metrics": _table(
        _ID + "hamiltonian_time:double mapping_time:double vqe_time:double total_time:double"
        " minimization_time:double computed_total_time:double" + _RUN,
        "processing_date basis_set",
        "experiment_id",
    ),
    "vqe_results": _table(
        _ID + "backend:string num_qubits:int optimizer:string noise_backend:string default_shots:int ansatz_reps:int"
        " ansatz_name:string init_strategy:string seed:int minimum_energy:double maxcv:double"
        " nuclear_repulsion_energy:double success:boolean nfev:int nit:int total_iterations:int" + _RUN,
        "processing_date basis_set backend",
        "experiment_id",
    ),
    "initial_parameters": _table(
        _ID + "backend:string num_qubits:int initial_parameter_value:double" + _RUN
        + "parameter_index:int parameter_id:string",
        "processing_date basis_set",
        "experiment_id parameter_index",
    ),
    "optimal_parameters": _table(
        _ID + "backend:string num_qubits:int optimal_parameter_value:double" + _RUN
        + "parameter_index:int parameter_id:string",
        "processing_date basis_set",
        "experiment_id parameter_index",
    ),
    "vqe_iterations": _table(
        _ID + "backend:string num_qubits:int iteration_step:int iteration_energy:double energy_std_dev:double"
        " energy_delta:double parameter_delta_norm:double cumulative_min_energy:double" + _RUN
        + "iteration_id:string",
        "processing_date basis_set backend",
        "experiment_id iteration_step",
    ),
    "iteration_parameters": _table(
        _ID + "backend:string num_qubits:int iteration_step:int parameter_index:int parameter_value:double" + _RUN
        + "iteration_id:string parameter_id:string",
        "processing_date basis_set",
        "experiment_id iteration_step parameter_index",
    ),
    "hamiltonian_terms": _table(
        _ID + "backend:string term_label:string coeff_real:double coeff_imag:double" + _RUN
        + "term_index:int term_id:string",
        "processing_date basis_set backend",
        "experiment_id term_index",
    ),
}

# What Tarn adds behind the reference's columns.
LINEAGE = {
    "configuration_id": "string", "source_object": "string", "source_record": "long", "source_topic": "string",
    "source_partition": "int", "source_offset": "long",
}


def columns(name: str) -> dict[str, str]:
    """All columns of a feature table, in order."""
    more = {"result_digest": "string"} if name == "vqe_results" else {}
    return {**TABLES[name].columns, **LINEAGE, **more}


_DELIVERY = "hamiltonian_time mapping_time vqe_time total_time minimization_time"
REPEATED: dict[str, str] = {
    "experiment_id": "string", "molecule_id": "int", "basis_set": "string", "backend": "string", "num_qubits": "int",
    "result_digest": "string", "minimum_energy": "double", "total_iterations": "int", "success": "boolean",
    "nfev": "int", "nit": "int", **dict.fromkeys(_DELIVERY.split(), "double"), **LINEAGE,
    "first_result_digest": "string", "first_source_object": "string", "first_source_record": "long",
    "first_processing_batch_id": "string", "processing_timestamp": "timestamptz", "processing_date": "date",
    "processing_batch_id": "string", "processing_name": "string",
}


# ---- records ----

# The record's fields. `?` marks a nullable one. Doubles may stand as integers in JSON.
_ITERATION = {
    "iteration": "int", "parameters": ["double"], "result": "double", "std": "double", "energy_delta": "double?",
    "parameter_delta_norm": "double?", "cumulative_min_energy": "double?",
}
_SETUP = {
    "backend": "string", "num_qubits": "int",
    "hamiltonian": [{"label": "string", "coefficients": {"real": "double", "imaginary": "double"}}],
    "num_parameters": "int", "initial_parameters": ["double"], "optimizer": "string", "ansatz": "string",
    "noise_backend": "string", "default_shots": "int?", "ansatz_reps": "int", "init_strategy": "string?",
    "seed": "int?", "ansatz_name": "string?", "exact_estimator": "boolean?",
}
_RESULT = {
    "initial_data": _SETUP, "iteration_list": [_ITERATION], "minimum": "double", "optimal_parameters": ["double"],
    "maxcv": "double?", "minimization_time": "double", "nuclear_repulsion_energy": "double?", "success": "boolean?",
    "nfev": "int?", "nit": "int?",
}
_MOLECULE = {
    "symbols": ["string"], "coords": [["double"]], "multiplicity": "int", "charge": "int", "units": "string",
    "masses": ["?double"],
}
_RECORD = {
    "vqe_result": _RESULT, "molecule": {"molecule_data": _MOLECULE}, "basis_set": "string",
    "hamiltonian_time": "double", "mapping_time": "double", "vqe_time": "double", "total_time": "double",
    "molecule_id": "int", "performance_start": "string?", "performance_end": "string?",
}


def _shape(value: Any, shape: Any) -> Any:
    """The value with every field present, in schema order, and every double a float."""
    if isinstance(shape, dict):
        return {name: _shape(value.get(name), kind) for name, kind in shape.items()}
    if isinstance(shape, list):
        return None if value is None else [_shape(item, shape[0]) for item in value]
    if value is None:
        return None
    return float(value) if "double" in shape else value


def _integer(text: str) -> int | float:
    return -0.0 if text == "-0" else int(text)


def read_object(path: Path) -> list[Record]:
    """All records of a raw object, in order."""
    if path.suffix == ".json":
        return [_shape(json.loads(path.read_text(), parse_int=_integer), _RECORD)]
    with path.open("rb") as file:
        return [_shape(record, _RECORD) for record in fastavro.reader(file)]


_AVRO = re.compile(r"(?P<topic>.+)\+(?P<partition>\d+)\+(?P<offset>\d+)\.avro$")
_JSON = re.compile(r"(?P<count>\d+)-(?P<time>\d+)\.json$")


def object_order(raw: Path, path: Path) -> tuple[Any, ...]:
    """Where the object stands among the others of one run: by topic, then partition and offset, or counter and time."""
    topic = path.relative_to(raw / "experiments").parts[0]
    if match := _AVRO.match(path.name):
        return topic, 0, int(match["partition"]), int(match["offset"])
    match = _JSON.match(path.name)
    assert match, path
    return topic, 1, int(match["count"]), int(match["time"])


def sources(raw: Path, path: Path) -> Iterator[tuple[Source, Record]]:
    key = str(path.relative_to(raw))
    topic = path.relative_to(raw / "experiments").parts[0]
    match = _AVRO.match(path.name)
    for index, record in enumerate(read_object(path)):
        if match:
            yield Source(key, topic, int(match["partition"]), int(match["offset"]) + index, index), record
        else:
            yield Source(key, topic, None, None, index), record


def raw_objects(raw: Path) -> list[Path]:
    found = [path for path in (raw / "experiments").rglob("*") if path.suffix in (".avro", ".json")]
    return sorted(found, key=lambda path: object_order(raw, path))


# ---- identity ----

TIMES = ("hamiltonian_time", "mapping_time", "vqe_time", "total_time")


def java_double(value: float) -> str:
    """Double.toString of Java 19: shortest digits but at least two, plain between 1e-3 and 1e7."""
    if value == 0:
        return "-0.0" if str(value)[0] == "-" else "0.0"
    two = f"{value:.1e}"
    sign, digits, exponent = Decimal(two if float(two) == value else repr(value)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(text)
    point = len(text) + exponent  # digits before the decimal point
    minus = "-" if sign else ""
    if -2 <= point <= 7:
        whole = text[:point].ljust(point, "0") if point > 0 else "0"
        fraction = text[point:] if point > 0 else "0" * -point + text
        return f"{minus}{whole}.{fraction or '0'}"
    return f"{minus}{text[0]}.{text[1:] or '0'}E{point - 1}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _json_string(text: str) -> str:
    def escape(match: re.Match[str]) -> str:
        return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}"

    return '"' + re.sub(r'["\\\x00-\x1f]', escape, text) + '"'


def canonical(value: Any) -> str:
    """JSON as Spark's to_json writes it: no white space, null members left out, doubles as Java prints them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, dict):
        return "{" + ",".join(f'"{k}":{canonical(v)}' for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return _json_string(value) if isinstance(value, str) else str(value)


def identity(record: Record) -> Record:
    """The part of a record that its experiment_id is made of."""
    return {
        "molecule_data": record["molecule"]["molecule_data"],
        "basis_set": record["basis_set"],
        "initial_data": record["vqe_result"]["initial_data"],
    }


def experiment_id(record: Record) -> str:
    return hashlib.sha256(canonical(identity(record)).encode()).hexdigest()


def kind_of(setup: Record) -> Row:
    """What v1 records do not tell."""
    return {
        "ansatz_name": "EfficientSU2" if setup["ansatz_name"] is None else setup["ansatz_name"],
        "init_strategy": "random" if setup["init_strategy"] is None else setup["init_strategy"],
    }


def configuration_id(record: Record) -> str:
    """What was asked for; coordinates to 1e-8, so that the last bits of a chemistry library do not matter."""
    molecule, setup = record["molecule"]["molecule_data"], record["vqe_result"]["initial_data"]
    asked = {
        "symbols": molecule["symbols"],
        "coords": [[round(x * 1e8) / 1e8 + 0.0 for x in row] for row in molecule["coords"]],
        "multiplicity": molecule["multiplicity"], "charge": molecule["charge"], "units": molecule["units"],
        "basis_set": record["basis_set"], "ansatz_name": kind_of(setup)["ansatz_name"],
        **{name: setup[name] for name in ("ansatz_reps", "optimizer", "default_shots", "seed")},
        "init_strategy": kind_of(setup)["init_strategy"], "backend": setup["backend"],
    }
    return hashlib.sha256(canonical(asked).encode()).hexdigest()


def result_id(record: Record) -> str:
    """All that is outside the identity of the experiment, hashed as bytes."""
    result = record["vqe_result"]
    steps = result["iteration_list"]

    def optional(kind: str, value: Any) -> bytes:
        return struct.pack(f"<?{kind}", value is not None, 0 if value is None else value)

    def doubles(values: list[float]) -> bytes:
        return struct.pack(f"<q{len(values)}d", len(values), *values)

    parts = [struct.pack(f"<q{len(steps)}i", len(steps), *(step["iteration"] for step in steps))]
    parts += [struct.pack("<d", step[name]) for name in ("result", "std") for step in steps]
    deltas = ("energy_delta", "parameter_delta_norm", "cumulative_min_energy")
    parts += [optional("d", step[name]) for name in deltas for step in steps]
    parts += [doubles(step["parameters"]) for step in steps]
    parts += [struct.pack("<d", result["minimum"]), doubles(result["optimal_parameters"])]
    parts += [optional("d", result["maxcv"]), struct.pack("<d", result["minimization_time"])]
    parts += [optional("d", result["nuclear_repulsion_energy"]), optional("?", result["success"])]
    parts += [optional("i", result["nfev"]), optional("i", result["nit"])]
    parts += [struct.pack("<d", record[name]) for name in TIMES]
    return hashlib.sha256(b"".join(parts)).hexdigest()


# ---- rows ----


def rows(record: Record) -> dict[str, list[Row]]:
    """The rows of one experiment in the nine tables, without run and lineage columns."""
    result, molecule = record["vqe_result"], record["molecule"]["molecule_data"]
    setup, steps = result["initial_data"], result["iteration_list"]
    eid = experiment_id(record)
    base: Row = {"experiment_id": eid, "molecule_id": record["molecule_id"], "basis_set": record["basis_set"]}
    device: Row = {**base, "backend": setup["backend"]}
    sized: Row = {**device, "num_qubits": setup["num_qubits"]}
    kind = kind_of(setup)

    def step_id(step: Record) -> str:
        return f"{eid}_iter_{step['iteration']}"

    return {
        "molecules": [{
            "experiment_id": eid, "molecule_id": record["molecule_id"], "atom_symbols": molecule["symbols"],
            "molecule_name": "".join(molecule["symbols"]), "coordinates": molecule["coords"],
            "multiplicity": molecule["multiplicity"], "charge": molecule["charge"],
            "coordinate_units": molecule["units"], "atomic_masses": molecule["masses"],
        }],
        "ansatz_info": [{**base, "ansatz": setup["ansatz"], "ansatz_reps": setup["ansatz_reps"], **kind}],
        "performance_metrics": [{
            **base, **{name: record[name] for name in TIMES}, "minimization_time": result["minimization_time"],
            "computed_total_time": record["hamiltonian_time"] + record["mapping_time"] + record["vqe_time"],
        }],
        "vqe_results": [{
            **sized, **kind,
            **{name: setup[name] for name in ("optimizer", "noise_backend", "default_shots", "ansatz_reps", "seed")},
            **{name: result[name] for name in ("maxcv", "nuclear_repulsion_energy", "success", "nfev", "nit")},
            "minimum_energy": result["minimum"], "total_iterations": len(steps),
        }],
        "initial_parameters": [
            {**sized, "initial_parameter_value": x, "parameter_index": i, "parameter_id": f"{eid}_init_{i}"}
            for i, x in enumerate(setup["initial_parameters"])
        ],
        "optimal_parameters": [
            {**sized, "optimal_parameter_value": x, "parameter_index": i, "parameter_id": f"{eid}_opt_{i}"}
            for i, x in enumerate(result["optimal_parameters"])
        ],
        "vqe_iterations": [
            {
                **sized, "iteration_step": step["iteration"], "iteration_energy": step["result"],
                "energy_std_dev": step["std"], "energy_delta": step["energy_delta"],
                "parameter_delta_norm": step["parameter_delta_norm"],
                "cumulative_min_energy": step["cumulative_min_energy"], "iteration_id": step_id(step),
            }
            for step in steps
        ],
        "iteration_parameters": [
            {
                **sized, "iteration_step": step["iteration"], "parameter_index": i, "parameter_value": x,
                "iteration_id": step_id(step), "parameter_id": f"{step_id(step)}_param_{i}",
            }
            for step in steps
            for i, x in enumerate(step["parameters"])
        ],
        "hamiltonian_terms": [
            {
                **device, "term_label": term["label"], "coeff_real": term["coefficients"]["real"],
                "coeff_imag": term["coefficients"]["imaginary"], "term_index": i, "term_id": f"{eid}_term_{i}",
            }
            for i, term in enumerate(setup["hamiltonian"])
        ],
    }


# ---- runs ----


def lineage(record: Record, source: Source) -> Row:
    return {
        "configuration_id": configuration_id(record),
        "source_object": source.object, "source_record": source.index, "source_topic": source.topic,
        "source_partition": source.partition, "source_offset": source.offset,
    }


def run_columns(stamp: Stamp) -> Row:
    return {
        "processing_timestamp": stamp.timestamp, "processing_date": stamp.date,
        "processing_batch_id": stamp.batch, "processing_name": PROCESSING_NAME,
    }


@dataclass
class Experiment:
    record: Record
    source: Source
    run: int


@dataclass
class Lake:
    """What the lake must hold after the runs so far."""

    experiments: dict[str, Experiment] = field(default_factory=dict)
    repeats: list[Experiment] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    runs: int = 0

    def run(self, raw: Path, unreadable: Iterable[str] = ()) -> int:
        """One run over a raw folder. Objects named in `unreadable` are passed over. Returns how many are new."""
        new = 0
        for path in raw_objects(raw):
            key = str(path.relative_to(raw))
            if key in self.seen or key in unreadable:
                continue
            self.seen.add(key)
            for source, record in sources(raw, path):
                new += self._add(source, record)
        self.runs += 1
        return new

    def _add(self, source: Source, record: Record) -> int:
        eid = experiment_id(record)
        known = self.experiments.get(eid)
        if known is None:
            self.experiments[eid] = Experiment(record, source, self.runs)
            return 1
        if result_id(known.record) != result_id(record):
            self.repeats.append(Experiment(record, source, self.runs))
        return 0

    def rows(self, stamps: list[Stamp]) -> dict[str, list[Row]]:
        """Every row of the nine tables. stamps[i] is what the i-th run wrote."""
        return self.rows_after(self.runs, stamps)

    def rows_after(self, run: int, stamps: list[Stamp]) -> dict[str, list[Row]]:
        """The rows that were there after run number `run`, counted from 0."""
        out: dict[str, list[Row]] = {name: [] for name in TABLES}
        for experiment in self.experiments.values():
            if experiment.run > run:
                continue
            extra = {**run_columns(stamps[experiment.run]), **lineage(experiment.record, experiment.source)}
            for name, made in rows(experiment.record).items():
                out[name] += [{**row, **extra} for row in made]
            out["vqe_results"][-1]["result_digest"] = result_id(experiment.record)
        return out

    def repeated_rows(self, stamps: list[Stamp]) -> list[Row]:
        """Every row of repeated_results: deliveries with another result than the one in the tables."""
        return [self._repeated_row(repeat, stamps) for repeat in self.repeats]

    def _repeated_row(self, repeat: Experiment, stamps: list[Stamp]) -> Row:
        made, result = rows(repeat.record), repeat.record["vqe_result"]
        first = self.experiments[experiment_id(repeat.record)]
        everything = {**made["performance_metrics"][0], **made["vqe_results"][0], **run_columns(stamps[repeat.run])}
        everything |= lineage(repeat.record, repeat.source)
        everything |= {
            "result_digest": result_id(repeat.record), "total_iterations": len(result["iteration_list"]),
            "first_result_digest": result_id(first.record), "first_source_object": first.source.object,
            "first_source_record": first.source.index, "first_processing_batch_id": stamps[first.run].batch,
        }
        return {name: everything[name] for name in REPEATED}
