"""Random schemas and data, resolved by Tarn's plans and by fastavro; container files read by each other.

`AVRO_TOOL` names the program built from tests/tools/avro_tool.c.
"""

from __future__ import annotations

import copy
import io
import json
import os
import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest

from lakes import ROOT

TOOL = Path(os.environ.get("AVRO_TOOL", ROOT / "build/tests/unit/serialize/avro/avro_tool"))
DATA = ROOT / "tests/data/avro"
CASES = int(os.environ.get("AVRO_CASES", "2000"))
Schema = Any

# Of one union at most one type of each kind: else a Python value does not tell its branch, and fastavro takes the first
# that matches where Java and Tarn prefer the same type.
KINDS = [["null"], ["boolean"], ["int", "long", "float", "double"], ["string", "bytes", "enum"], ["array"], ["record", "map"]]
WIDER = {"int": ["long", "double"], "long": ["double"], "float": ["double"], "string": ["bytes"], "bytes": ["string"]}


class Maker:
    """Makes a writer's schema, data for it, and a reader's schema that it resolves to."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = 0

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    # Schemas

    def schema(self, depth: int) -> Schema:
        kind = self.random.choice(["primitive"] * 4 + ["enum", "fixed", "array", "map", "record", "record", "union", "list"])
        if depth <= 0 or kind == "primitive":
            return self.random.choice(["null", "boolean", "int", "long", "float", "double", "string", "bytes"])
        return self.compound(kind, depth)

    def compound(self, kind: str, depth: int) -> Schema:
        if kind == "enum":
            return {"type": "enum", "name": self.name("E"), "symbols": [f"S{i}" for i in range(self.random.randint(1, 4))]}
        if kind == "fixed":
            return {"type": "fixed", "name": self.name("F"), "size": self.random.randint(0, 20)}
        if kind == "array":
            return {"type": "array", "items": self.schema(depth - 1)}
        if kind == "map":
            return {"type": "map", "values": self.schema(depth - 1)}
        if kind == "union":
            kinds = self.random.sample(KINDS, self.random.randint(1, 4))
            return [self.branch(self.random.choice(types), depth - 1) for types in kinds]
        record = self.name("R")
        fields = [{"name": f"f{i}", "type": self.schema(depth - 1)} for i in range(self.random.randint(0, 5))]
        if kind == "list":
            fields.insert(self.random.randint(0, len(fields)), {"name": "next", "type": ["null", record]})
        space = self.random.choice([{}, {"namespace": "a.b"}])
        return {"type": "record", "name": record, **space, "fields": fields}

    def branch(self, kind: str, depth: int) -> Schema:
        return self.compound(kind, depth) if kind in ("enum", "array", "record", "map") else kind

    # Values and their encoding

    def encode(self, schema: Schema, named: dict[str, Schema], depth: int = 0) -> bytes:
        if isinstance(schema, list):
            stop = depth > 6 and "null" in schema
            branch = schema.index("null") if stop else self.random.randrange(len(schema))
            return long(branch) + self.encode(schema[branch], named, depth + 1)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in named:
            return self.encode(named[kind], named, depth + 1)
        if kind == "record":
            named[schema["name"]] = schema
            return b"".join(self.encode(field["type"], named, depth + 1) for field in schema["fields"])
        if kind == "array":
            return self.blocks(lambda: self.encode(schema["items"], named, depth + 1))
        if kind == "map":
            return self.blocks(lambda: text(self.name("k")) + self.encode(schema["values"], named, depth + 1))
        return self.simple(kind, schema)

    def simple(self, kind: str, schema: Schema) -> bytes:
        if kind == "boolean":
            return bytes([self.random.randint(0, 1)])
        if kind in ("int", "long"):
            bits = self.random.randint(0, 31 if kind == "int" else self.random.choice([31, 53, 63]))
            return long(self.random.randint(-(1 << bits), (1 << bits) - 1))
        if kind == "float":
            return struct.pack("<f", self.random.choice([0.0, 1.5, self.random.gauss(0, 1e9)]))
        if kind == "double":
            return struct.pack("<d", self.random.choice([0.1, -0.0, 1e300, float("inf"), self.random.gauss(0, 1)]))
        if kind in ("string", "bytes"):
            return text("é" * self.random.randint(0, 3) + "x" * self.random.choice([0, 1, 5, 15, 16, 17, 40]))
        if kind == "fixed":
            return self.random.randbytes(schema["size"])
        return long(self.random.randrange(len(schema["symbols"]))) if kind == "enum" else b""

    def blocks(self, item: Callable[[], bytes]) -> bytes:
        """Items in zero to three blocks, some of which say their size."""
        out = b""
        for _ in range(self.random.choice([0, 1, 1, 1, 3])):
            count = self.random.choice([1, 2, 3, 70])
            items = b"".join(item() for _ in range(count if len(out) < 5000 else 1))
            count = count if len(out) < 5000 else 1
            out += long(-count) + long(len(items)) + items if self.random.random() < 0.3 else long(count) + items
        return out + long(0)

    # The reader's schema

    def changed(self, schema: Schema) -> Schema:
        """The same schema after one or more changes that resolution allows."""
        if isinstance(schema, str):
            grown = self.random.choice(WIDER[schema]) if schema in WIDER and self.random.random() < 0.3 else schema
            return ["null", grown] if grown != "null" and self.random.random() < 0.1 else grown
        if isinstance(schema, list):
            branches = [self.unwrapped(branch) for branch in schema]
            self.random.shuffle(branches)
            return branches
        changed = copy.deepcopy(schema)
        if schema["type"] == "record":
            changed["fields"] = self.changed_fields(changed["fields"])
            if self.random.random() < 0.2:
                changed.update(name=self.name("N"), aliases=[schema["name"]], namespace="c")
                rename(changed["fields"], schema["name"], changed["name"])
        elif schema["type"] == "array":
            changed["items"] = self.changed(schema["items"])
        elif schema["type"] == "map":
            changed["values"] = self.changed(schema["values"])
        elif schema["type"] == "enum" and self.random.random() < 0.5:
            changed["symbols"] = ["NEW", *self.random.sample(schema["symbols"], len(schema["symbols"]) - 1)]
            changed["default"] = "NEW"
        return changed

    def unwrapped(self, schema: Schema) -> Schema:
        changed = self.changed(schema)
        return schema if isinstance(changed, list) and not isinstance(schema, list) else changed

    def changed_fields(self, fields: list[Schema]) -> list[Schema]:
        kept = []
        for field in fields:
            if self.random.random() < 0.2:
                continue
            field["type"] = self.changed(field["type"])
            if self.random.random() < 0.2:
                field.update(name=self.name("a"), aliases=["unused", field["name"]])
            kept.append(field)
        while self.random.random() < 0.4:
            kept.append({"name": self.name("d"), **self.with_default()})
        self.random.shuffle(kept)
        return kept

    def with_default(self) -> Schema:
        nested = {"type": "record", "name": self.name("R"), "fields": [{"name": "x", "type": "int"}]}
        kind, value = self.random.choice(
            [
                ("null", None),
                ("boolean", True),
                ("int", -7),
                ("long", 1 << 40),
                ("float", 1.5),
                ("double", 0.1),
                ("string", "é"),
                (["null", "int"], None),
                (["string", "null"], "x"),
                (nested, {"x": 3}),
                ({"type": "array", "items": "int"}, [1, 2]),
                ({"type": "map", "values": "double"}, {"k": 1.5}),
                ({"type": "array", "items": ["null", "long"]}, []),
            ]
        )
        return {"type": kind, "default": value}


def rename(schema: Schema, old: str, new: str) -> None:
    """Replaces references to a type inside its own definition."""
    parts = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, part in list(parts):
        if part == old and (isinstance(key, int) or key in ("type", "items", "values")):
            schema[key] = new
        elif key not in ("aliases", "symbols", "default"):
            rename(part, old, new)


def long(value: int) -> bytes:
    bits = (value << 1) ^ (value >> 63)
    out = b""
    while bits > 127:
        out += bytes([bits & 127 | 128])
        bits >>= 7
    return out + bytes([bits])


def text(value: str) -> bytes:
    return long(len(value.encode())) + value.encode()


# The text that avro_tool prints


def fits(kind: str, value: Any) -> bool:
    if kind == "null":
        return value is None
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("int", "long", "float", "double"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "array":
        return isinstance(value, list)
    return isinstance(value, dict) if kind in ("record", "map") else isinstance(value, (str, bytes))


def shown(schema: Schema, value: Any, named: dict[str, Schema]) -> str:
    if isinstance(schema, list):
        kinds = [branch if isinstance(branch, str) else branch["type"] for branch in schema]
        kinds = [named[kind]["type"] if kind in named else kind for kind in kinds]
        return shown(next(s for s, kind in zip(schema, kinds, strict=True) if fits(kind, value)), value, named)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind in named:
        return shown(named[kind], value, named)
    if kind == "record":
        named[schema["name"]] = schema
        return "{" + ",".join(f"{f['name']}:{shown(f['type'], value[f['name']], named)}" for f in schema["fields"]) + "}"
    if kind == "array":
        return "[" + ",".join(shown(schema["items"], item, named) for item in value) + "]"
    if kind == "map":
        return "{" + ",".join(f"{quoted(k.encode())}:{shown(schema['values'], v, named)}" for k, v in value.items()) + "}"
    if kind == "float":
        return format(struct.unpack("<f", struct.pack("<f", value))[0], ".9g")
    if kind == "double":
        return format(value, ".17g")
    if kind in ("string", "bytes", "enum", "fixed"):
        return quoted(value.encode() if isinstance(value, str) else value)
    return "null" if value is None else str(value).lower()


def quoted(value: bytes) -> str:
    plain = (chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in value)
    return '"' + "".join(plain) + '"'


def expected(writer: Schema, reader: Schema, datum: bytes) -> str:
    value = fastavro.schemaless_reader(io.BytesIO(datum), copy.deepcopy(writer), copy.deepcopy(reader))
    return shown(reader, value, {})


@pytest.mark.fast
def test_resolution_agrees_with_fastavro() -> None:
    lines, wanted = [], []
    for seed in range(CASES):
        maker = Maker(seed)
        writer = maker.schema(3)
        datum = maker.encode(writer, {})
        reader = maker.unwrapped(writer) if isinstance(writer, list) else maker.changed(writer)
        lines.append(json.dumps([json.dumps(writer), json.dumps(reader), datum.hex()]))
        wanted.append(expected(writer, reader, datum))
    done = subprocess.run([TOOL, "resolve"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    got = done.stdout.splitlines()
    assert len(got) == len(wanted)
    for line, ours, theirs in zip(lines, got, wanted, strict=True):
        assert ours == theirs, line


@pytest.mark.fast
@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_fastavro_reads_our_files(codec: str) -> None:
    source = (DATA / "small-snappy.avro").read_bytes()
    done = subprocess.run([TOOL, "rewrite", codec], input=source, capture_output=True, check=True)
    ours = fastavro.reader(io.BytesIO(done.stdout))
    assert list(ours) == list(fastavro.reader(io.BytesIO(source)))
    assert ours.metadata["avro.codec"] == codec
