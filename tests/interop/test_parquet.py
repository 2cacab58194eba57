"""Parquet files of the writer, judged by PyArrow and DuckDB, and read back by Tarn's own reader.

Needs pyarrow and duckdb; `PARQUET_TOOL` names the program built from tests/tools/parquet_tool.c.
"""

from __future__ import annotations

import json
import math
import os
import random
import struct
import subprocess
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

TOOL = os.environ.get("PARQUET_TOOL", "build/tests/unit/store/parquet/parquet_tool")
Rows = list[Any]


class Script:
    """Collects put calls and, beside them, the rows that they mean."""

    def __init__(self, fields: str, codec: str = "zstd", page: int = 0, dictionary: int = 0) -> None:
        self.lines = [f"options {codec} {page} {dictionary}"]
        self.lines += [f"field {line.strip()}" for line in fields.strip().splitlines()]
        self.rows: dict[int, Rows] = {}

    def put(self, verb: str, column: int, value: Any, count: int = 1) -> None:
        self.rows.setdefault(column, []).extend([value] * count)
        self.lines.append(f"{verb} {column} {text_of(verb, value)} {count}")

    def nulls(self, column: int, count: int = 1) -> None:
        self.rows.setdefault(column, []).extend([None] * count)
        self.lines.append(f"nulls {column} {count}")

    def doubles(self, column: int, values: Rows) -> None:
        self.rows.setdefault(column, []).extend(values)
        self.lines.append(f"doubles {column} " + " ".join("null" if v is None else repr(v) for v in values))

    def series(self, column: int, prefix: str, first: int, count: int) -> None:
        self.rows.setdefault(column, []).extend(f"{prefix}{first + i}" for i in range(count))
        self.lines.append(f"series {column} {text_of('string', prefix)} {first} {count}")

    def cycle(self, column: int, first: int, period: int, count: int) -> None:
        self.rows.setdefault(column, []).extend(first + i % period for i in range(count))
        self.lines.append(f"cycle {column} {first} {period} {count}")

    def row(self, column: int, value: Any) -> None:
        """A nested row: lists, dicts (structs, in field order), lists of pairs (maps), None, str, float, int."""
        self.rows.setdefault(column, []).append(value)
        self._nested(column, value)

    def _nested(self, column: int, value: Any) -> None:
        if value is None:
            self.lines.append(f"nulls {column} 1")
        elif isinstance(value, list):
            self.lines.append(f"list {column}")
            for element in value:
                self._nested(column, element)
            self.lines.append(f"end_list {column}")
        elif isinstance(value, (dict, tuple)):
            self.lines.append(f"struct {column}")
            for child in value.values() if isinstance(value, dict) else value:
                self._nested(column, child)
            self.lines.append(f"end_struct {column}")
        else:
            verb = {str: "string", float: "double", int: "long"}[type(value)]
            self.lines.append(f"{verb} {column} {text_of(verb, value)} 1")

    def group(self) -> None:
        self.lines.append("group")

    def write(self, path: Path) -> dict[str, Any]:
        text = "\n".join(self.lines) + "\n"
        done = subprocess.run([TOOL, "write", path], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        metrics: dict[str, Any] = json.loads(done.stdout)
        assert metrics["size"] == path.stat().st_size
        return metrics


def text_of(verb: str, value: Any) -> str:
    if verb == "string":
        data = value.encode() if isinstance(value, str) else value
        return data.hex() or "-"
    if verb == "decimal":
        return f"{value & (2**64 - 1)} {value >> 64}"
    if verb == "boolean":
        return str(int(value))
    return repr(value)


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, NaNs included."""
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def assert_rows(who: str, got: Rows, wanted: Rows) -> None:
    assert len(got) == len(wanted), f"{who}: {len(got)} rows, {len(wanted)} wanted"
    for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
        assert same(a, b), f"{who}: row {i}: {a!r}, {b!r} wanted"


def by_arrow(path: Path) -> list[Rows]:
    return [column.to_pylist() for column in pq.read_table(path).columns]


def by_duckdb(path: Path) -> list[Rows]:
    with duckdb.connect() as db:
        db.execute("set timezone='UTC'")
        found = db.execute(f"select * from read_parquet('{path}', file_row_number=true) order by file_row_number")
        return [list(column) for column in zip(*found.fetchall(), strict=True)][:-1]


def by_tarn(path: Path) -> list[Rows]:
    done = subprocess.run([TOOL, "print", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [[number_of(row[i]) for row in rows] for i in range(len(rows[0]))]


def number_of(value: Any) -> Any:
    if isinstance(value, list):
        return [number_of(v) for v in value]
    if isinstance(value, dict):
        return float(value["double"]) if list(value) == ["double"] else {k: number_of(v) for k, v in value.items()}
    return value


READERS = {"arrow": by_arrow, "duckdb": by_duckdb, "tarn": by_tarn}



def check(script: Script, path: Path, readers: str = "arrow duckdb tarn") -> dict[str, Any]:
    script.group() if script.lines[-1] != "group" else None
    metrics = script.write(path)
    check_offsets(path)
    for who in readers.split():
        for column, rows in enumerate(READERS[who](path)):
            assert_rows(f"{who}, column {column}", rows, script.rows[column])
    return metrics


# ---- an independent decoder of Thrift's compact protocol, for what no library shows ----


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def decode(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2):
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        value, at = varint(data, at)
        return (value >> 1) ^ -(value & 1), at
    if kind == 8:
        size, at = varint(data, at)
        return data[at : at + size], at + size
    if kind == 9:
        size, inner = data[at] >> 4, data[at] & 15
        at += 1
        if size == 15:
            size, at = varint(data, at)
        values = []
        for _ in range(size):
            if inner in (1, 2):
                value, at = data[at] == 1, at + 1
            else:
                value, at = decode(data, at, inner)
            values.append(value)
        return values, at
    assert kind == 12, f"type {kind} at {at}"
    found: dict[int, Any] = {}
    field = 0
    while data[at]:
        delta, kind = data[at] >> 4, data[at] & 15
        at += 1
        if not delta:
            field, at = decode(data, at, 4)
        field += delta
        found[field], at = decode(data, at, kind)
    return found, at + 1


def footer(data: bytes) -> dict[int, Any]:
    size = struct.unpack("<I", data[-8:-4])[0]
    found, end = decode(data, len(data) - 8 - size, 12)
    assert end == len(data) - 8
    return dict(found)


def check_offsets(path: Path) -> None:
    """Every location in the page index is a page header; pages fill their chunk; row counts add up."""
    data = path.read_bytes()
    for group in footer(data)[4]:
        for chunk in group[1]:
            meta = chunk[3]
            index, end = decode(data, chunk[4], 12)
            assert end == chunk[4] + chunk[5]
            at, entries = meta[9], 0
            if 11 in meta:
                header, body = decode(data, meta[11], 12)
                assert header[1] == 2 and body + header[3] == at
            for page in index[1]:
                assert page[1] == at
                header, body = decode(data, at, 12)
                assert header[1] == 0 and page[2] == body - at + header[3]
                entries += header[5][1]
                at += page[2]
            start = meta.get(11, meta[9])
            assert at - start == meta[7] and entries == meta[5] and chunk[2] == start
            rows = [page[3] for page in index[1]]
            assert rows[0] == 0 and rows == sorted(set(rows)) and rows[-1] < group[3]
            if 6 in chunk:
                index, end = decode(data, chunk[6], 12)
                assert end == chunk[6] + chunk[7] and len(index[1]) == len(index[2]) == len(rows)


# ---- the tests ----

INT = "1 x int optional 0"


@pytest.mark.parametrize("pages", [0.5, 1, 1.5, 3])
@pytest.mark.parametrize("kind", ["doubles", "double", "string"])
def test_optional_batches(tmp_path: Path, pages: float, kind: str) -> None:
    """Batches around the size of a page, nulls mixed in at random, in runs, and none."""
    rng = random.Random(7)
    rows = int(pages * 20000)
    name = {"doubles": "double"}.get(kind, kind)
    script = Script(f"1 v {name} optional 0\n2 w {name} optional 0")
    for column, share in ((0, 0.5), (1, 0.01)):
        for _ in range(3):
            values = [None if rng.random() < share else rng.random() for _ in range(rows)]
            if kind == "doubles":
                script.doubles(column, values)
                continue
            for value in values:
                if value is None:
                    script.nulls(column)
                else:
                    script.put(kind, column, value if kind == "double" else f"s{value:.2f}")
    check(script, tmp_path / "f.parquet")


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4_raw"])
def test_codecs(tmp_path: Path, codec: str) -> None:
    script = Script("1 s string optional 0\n2 i int required 0\n3 d double optional 0", codec=codec, page=4096)
    for batch in range(50):
        script.put("string", 0, f"constant {batch // 20}", 100)
        script.cycle(1, 0, 21, 100)
        script.doubles(2, [batch + i / 7 for i in range(100)])
    check(script, tmp_path / "f.parquet")


def test_all_types(tmp_path: Path) -> None:
    kinds = "boolean int long float double date time timestamp timestamptz string binary uuid".split()
    script = Script("\n".join(f"{i + 1} c{i} {kind} optional 0" for i, kind in enumerate(kinds)) + "\n13 f fixed optional 0 5")
    for i in range(100):
        if i % 7 == 3:
            for column in range(13):
                script.nulls(column)
            continue
        script.put("boolean", 0, i % 3 == 0)
        script.put("int", 1, (-1) ** i * i * 20_000_000)
        script.put("long", 2, (-1) ** i * i * 90_000_000_000_000_000)
        script.put("float", 3, [0.5, -2.0, 3.25][i % 3])
        script.put("double", 4, i / 3)
        script.put("int", 5, i * 100 - 5000)
        script.put("long", 6, i * 800_000_001)
        script.put("long", 7, i * 10**13 - 5 * 10**14)
        script.put("long", 8, i * 10**13)
        script.put("string", 9, "äöü€😀"[i % 5] * i)
        script.put("string", 10, bytes([i, 255, 0]))
        script.put("string", 11, bytes(range(i, i + 16)))
        script.put("string", 12, bytes([i] * 5))
    script.group()
    path = tmp_path / "f.parquet"
    script.write(path)
    check_offsets(path)
    table = pq.read_table(path)
    assert [str(field.type) for field in table.schema] == [
        "bool", "int32", "int64", "float", "double", "date32[day]", "time64[us]", "timestamp[us]",
        "timestamp[us, tz=UTC]", "string", "binary", "extension<arrow.uuid>", "fixed_size_binary[5]",
    ]  # fmt: skip
    assert [field.metadata[b"PARQUET:field_id"] for field in table.schema] == [str(i + 1).encode() for i in range(13)]
    ints = {5: "int32", 6: "int64", 7: "int64", 8: "int64"}
    for column in range(13):
        got = table.column(column)
        got = got.cast(ints[column]) if column in ints else got
        rows = [v.bytes if column == 11 and v else v for v in got.to_pylist()]
        assert_rows(f"column {column}", rows, script.rows[column])
    with duckdb.connect() as db:  # times as numbers: their Python objects need one more module
        found = db.execute(f"select epoch_us(c7), epoch_us(c8), c0, c3, c4, c9, c1, c2 from '{path}'").fetchall()
    for column, rows in zip((7, 8, 0, 3, 4, 9, 1, 2), zip(*found, strict=True), strict=True):
        assert_rows(f"duckdb, column {column}", list(rows), script.rows[column])
    for column, rows in enumerate(by_tarn(path)):
        wanted = [v.hex() if isinstance(v, bytes) else v for v in script.rows[column]]
        assert_rows(f"tarn, column {column}", rows, wanted)


@pytest.mark.parametrize("precision", [1, 5, 9, 10, 18, 19, 20, 28, 38])
def test_decimals(tmp_path: Path, precision: int) -> None:
    top = 10**precision - 1
    values = [0, 1, -1, 5, -5, 9, -9, top, -top, top // 2, -(top // 3)]
    script = Script(f"1 d decimal optional 0 {precision} 1\n2 n decimal required 0 {precision} 0")
    for value in values * 3:
        script.put("decimal", 0, value)
        script.put("decimal", 1, -abs(value) - (0 if value == top or value == -top else 1))
    path = tmp_path / "f.parquet"
    script.group()
    metrics = script.write(path)
    wanted = [[Decimal(v).scaleb(-1, Context(prec=40)) for v in script.rows[0]], [Decimal(v) for v in script.rows[1]]]
    for who in (by_arrow, by_duckdb):
        for rows, expected in zip(who(path), wanted, strict=True):
            assert_rows(who.__name__, rows, expected)
    assert by_tarn(path) == [[str(v) for v in script.rows[i]] for i in (0, 1)]
    for column in (0, 1):
        low, high = (int.from_bytes(bytes.fromhex(metrics["metrics"][column][k]), "big", signed=True) for k in ("lower", "upper"))
        assert (low, high) == (min(script.rows[column]), max(script.rows[column]))
        assert len(metrics["metrics"][column]["lower"]) <= 2 * ((low.bit_length() + 8) // 8)
        statistics = pq.ParquetFile(path).metadata.row_group(0).column(column).statistics
        assert (statistics.min, statistics.max) == (min(wanted[column]), max(wanted[column]))


def test_special_doubles(tmp_path: Path) -> None:
    nan, inf = math.nan, math.inf
    script = Script("1 a double optional 0\n2 b double optional 0\n3 c double optional 0\n4 d double optional 0")
    for column, values in enumerate(([nan, 1.0, -2.0], [inf, -inf, 0.0], [0.0, 0.0, 0.0], [-0.0, 5e-324, None])):
        script.doubles(column, values)
    metrics = check(script, tmp_path / "f.parquet")["metrics"]
    bounds = [tuple(struct.unpack("d", bytes.fromhex(m[k]))[0] for k in ("lower", "upper")) for m in metrics]
    assert [repr(b) for b in bounds] == ["(-2.0, 1.0)", "(-inf, inf)", "(0.0, 0.0)", "(-0.0, 5e-324)"]
    assert [m["nans"] for m in metrics] == [1, 0, 0, 0]
    group = pq.ParquetFile(tmp_path / "f.parquet").metadata.row_group(0)
    assert not group.column(0).statistics.has_min_max and not group.column(0).has_column_index
    chunk = footer((tmp_path / "f.parquet").read_bytes())[4][0][1][2][3][12]
    assert (chunk[6], chunk[5]) == (struct.pack("d", -0.0), struct.pack("d", 0.0))


def test_strings(tmp_path: Path) -> None:
    """Longer than a page, empty, cut bounds."""
    script = Script("1 s string optional 0\n2 t string optional 0\n3 u string required 0", page=1000)
    for i in range(300):
        script.put("string", 0, f"{i:03}" * 1000 if i % 50 == 0 else "")
        script.put("string", 1, "é" * (i % 90), 1)
        script.put("string", 2, "\U0010ffff" * 16 + "x" * (i % 2))
    metrics = check(script, tmp_path / "f.parquet")["metrics"]
    assert (metrics[1]["lower"], bytes.fromhex(metrics[1]["upper"]).decode()) == ("", "é" * 31 + "ê")
    assert metrics[2]["lower"] and metrics[2]["upper"] is None
    statistics = footer((tmp_path / "f.parquet").read_bytes())[4][0][1]
    assert statistics[1][3][12][7] is False and statistics[1][3][12][8] is True
    assert 5 not in statistics[2][3][12]


def test_long_runs(tmp_path: Path) -> None:
    """The shape of iteration_parameters."""
    script = Script(
        "1 experiment_id string optional 0\n2 step int optional 0\n3 parameter int optional 0\n4 value double optional 0\n"
        "5 iteration_id string optional 0\n6 parameter_id string optional 0\n7 day date optional 0\n8 flag boolean optional 0"
    )
    for experiment in range(6):
        name = f"{experiment:064x}"
        script.put("string", 0, name, 4200)
        script.cycle(2, 0, 21, 4200)
        script.doubles(3, [experiment + i / 3 for i in range(4200)])
        script.put("boolean", 7, experiment % 2 == 1, 4200)
        for step in range(200):
            script.put("int", 1, step, 21)
            script.put("string", 4, f"{name}_iter_{step}", 21)
            script.series(5, f"{name}_iter_{step}_param_", 0, 21)
        script.nulls(6, 4200) if experiment == 3 else script.put("int", 6, 20000 + experiment // 2, 4200)
        if experiment == 2:
            script.group()
    script.group()
    script.rows[6] = [v and 20000 + v - 20000 for v in script.rows[6]]
    path = tmp_path / "f.parquet"
    metrics = script.write(path)
    check_offsets(path)
    assert len(metrics["splits"]) == 2
    table = pq.read_table(path)
    for column in range(8):
        got = table.column(column).cast("int32") if column == 6 else table.column(column)
        assert_rows(f"column {column}", got.to_pylist(), script.rows[column])
    for column, rows in enumerate(by_tarn(path)):
        assert_rows(f"tarn, column {column}", rows, script.rows[column])
    size = {name: 0 for name in table.column_names}
    for g in range(2):
        for c, name in enumerate(size):
            size[name] += pq.ParquetFile(path).metadata.row_group(g).column(c).total_compressed_size
    assert size["experiment_id"] < 1200 and size["flag"] < 500 and size["parameter"] < 3000, size


@pytest.mark.parametrize("prefix", ["", "p_", "x" * 63, "x" * 64, "y" * 80])
def test_series(tmp_path: Path, prefix: str) -> None:
    script = Script("1 s string optional 0", page=2000)
    script.series(0, prefix, 5, 1200)
    script.nulls(0, 3)
    script.series(0, prefix, 98765, 2500)
    script.series(0, prefix, 10**18 - 2, 5)
    metrics = check(script, tmp_path / "f.parquet")["metrics"][0]
    values = sorted(v for v in script.rows[0] if v is not None)
    low, high = bytes.fromhex(metrics["lower"]).decode(), bytes.fromhex(metrics["upper"]).decode()
    assert low == values[0][:64]
    assert high == values[-1] if len(values[-1]) <= 64 else high > values[-1] and len(high) == 64


def test_cycles(tmp_path: Path) -> None:
    script = Script("1 a int optional 0\n2 b int required 0\n3 c int optional 0")
    for period, count in ((21, 4200), (8, 8000), (40, 50001), (3, 7), (5, 3), (1, 100), (21, 30000), (7000, 22201)):
        script.cycle(0, 0, period, count)
        script.cycle(1, -5, period, count)
        script.put("int", 2, 9, 1)
        script.cycle(2, 5, period, count - 1)
    metrics = check(script, tmp_path / "f.parquet")["metrics"]
    assert [struct.unpack("<i", bytes.fromhex(metrics[1][k]))[0] for k in ("lower", "upper")] == [-5, 6994]


def test_nested(tmp_path: Path) -> None:
    rng = random.Random(3)
    script = Script(
        """1 tags list optional 1
           6 element string optional 0
           2 coords list optional 1
           7 element list optional 1
           8 element double optional 0
           3 masses list required 1
           9 element double required 0
           4 who struct optional 2
           10 name string optional 0
           11 sizes list optional 1
           12 element long optional 0
           5 counts map optional 2
           13 key string required 0
           14 value long optional 0"""
    )
    some = lambda make, n: [make() for _ in range(rng.randrange(n))]  # noqa: E731
    maybe = lambda value: None if rng.random() < 0.2 else value  # noqa: E731
    number = lambda: round(rng.uniform(-9, 9), 2)  # noqa: E731
    for i in range(3000):
        script.row(0, maybe(some(lambda: maybe(f"tag{rng.randrange(30)}"), 5)))
        script.row(1, maybe(some(lambda: maybe(some(lambda: maybe(number()), 4)), 4)))
        script.row(2, some(number, 3))
        script.row(3, maybe({"name": maybe(f"n{i}"), "sizes": maybe(some(lambda: maybe(rng.randrange(9)), 3))}))
        script.row(4, maybe([(f"k{j}", maybe(j)) for j in range(rng.randrange(4))]))
        if i % 1000 == 999:
            script.group()
    path = tmp_path / "f.parquet"
    check(script, path, "arrow")
    assert by_duckdb(path)[:4] == [script.rows[i] for i in range(4)]
    assert by_duckdb(path)[4] == [None if m is None else dict(m) for m in script.rows[4]]
    for column, rows in enumerate(by_tarn(path)):
        wanted = script.rows[column]
        if column == 4:
            wanted = [None if m is None else [list(pair) for pair in m] for m in wanted]
        assert_rows(f"tarn, column {column}", rows, wanted)
    schema = str(pq.ParquetFile(path).schema)
    assert "optional group field_id=1 tags (List)" in schema and "repeated group field_id=-1 list" in schema
    assert "optional binary field_id=6 element (String)" in schema and "repeated group field_id=-1 key_value" in schema


def test_dictionary_limit(tmp_path: Path) -> None:
    """A dictionary that pays and then outgrows its limit; one that never pays."""
    script = Script("1 a string optional 0\n2 b string optional 0", dictionary=20000)
    for i in range(3000):
        script.put("string", 0, f"value number {i}", 20)
        script.put("string", 1, f"unique {i}", 1)
        script.nulls(1, 19)
    path = tmp_path / "f.parquet"
    check(script, path)
    chunks = [chunk[3] for chunk in footer(path.read_bytes())[4][0][1]]
    assert [[(s[1], s[2]) for s in chunk[13]] for chunk in chunks] == [[(2, 0), (0, 8), (0, 0)], [(0, 0)]]


def test_batching_does_not_show(tmp_path: Path) -> None:
    """The same values in one call or in many: the same bytes."""
    rng = random.Random(5)
    runs = [(rng.randrange(50), rng.choice([1, 2, 7, 8, 9, 20, 500])) for _ in range(9000)]
    paths = []
    for split in (False, True):
        script = Script("1 a string optional 0\n2 b int optional 0\n3 c boolean optional 0", dictionary=400)
        for value, count in runs:
            for n in [1] * count if split else [count]:
                script.put("string", 0, f"value {value}", n)
                script.nulls(1, n) if value == 7 else script.put("int", 1, value, n)
                script.put("boolean", 2, value < 25, n)
        paths.append(tmp_path / f"{split}.parquet")
        check(script, paths[-1], "arrow duckdb tarn" if split else "arrow")
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_column_index(tmp_path: Path) -> None:
    script = Script("1 up double optional 0\n2 down double optional 0\n3 none double optional 0")
    script.doubles(0, [float(i) for i in range(300000)])
    script.doubles(1, [float(-i) for i in range(300000)])
    script.nulls(2, 300000)
    path = tmp_path / "f.parquet"
    check(script, path)
    data = path.read_bytes()
    indexes = [decode(data, chunk[6], 12)[0] for chunk in footer(data)[4][0][1]]
    assert [index[4] for index in indexes] == [1, 2, 1]
    assert indexes[0][2] == [struct.pack("d", v) for v in (0.0 * -1, 131072.0, 262144.0)]
    assert indexes[2][1] == [True] and indexes[2][5] == [300000]


def test_names_and_footer(tmp_path: Path) -> None:
    script = Script("1 my-col int optional 0\n2 1st int optional 0")
    script.put("int", 0, 1)
    script.put("int", 1, 2)
    path = tmp_path / "f.parquet"
    check(script, path)
    meta = pq.ParquetFile(path).metadata
    assert pq.read_table(path).column_names == ["my_x2Dcol", "_1st"]
    assert meta.metadata[b"iceberg.schema"].startswith(b'{"type":"struct"')
    assert meta.created_by.startswith("tarn version ") and meta.created_by.endswith("(build 0)")


def test_many_groups(tmp_path: Path) -> None:
    script = Script("1 a long optional 0\n2 b string optional 0")
    for i in range(40):
        script.put("long", 0, i, 3)
        script.put("string", 1, f"g{i}", 3)
        script.group()
        if i % 10 == 0:
            script.group()
    metrics = check(script, tmp_path / "f.parquet")
    assert len(metrics["splits"]) == 40 and pq.ParquetFile(tmp_path / "f.parquet").metadata.num_row_groups == 40


def test_no_rows(tmp_path: Path) -> None:
    script = Script(INT)
    script.group()
    script.write(tmp_path / "f.parquet")
    assert pq.read_table(tmp_path / "f.parquet").num_rows == 0
