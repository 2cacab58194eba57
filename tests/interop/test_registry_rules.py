"""Random pairs of Avro schemas, compared by Tarn and by Avro's own Java: the verdict, the reasons and their places, and the text
that a registry keeps.

`SCHEMA_TOOL` names the program built from tests/tools/schema_tool.c, `SCHEMA_CASES` how many pairs are drawn.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lakes import ROOT

TOOL = Path(os.environ.get("SCHEMA_TOOL", ROOT / "build/tests/unit/serialize/schema/schema_tool"))
CASES = int(os.environ.get("SCHEMA_CASES", "4000"))
SEED = int(os.environ.get("SCHEMA_SEED", "1"))
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
DEFAULTS: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 2,
    "float": 1.5,
    "double": 0.25,
    "bytes": "b",
    "string": "s",
}
Schema = Any
Reason = tuple[str, str, str]


class Maker:
    """Schemas with few names, so that the two of a pair have something in common."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.taken: set[str] = set()

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def name(self) -> dict[str, str] | None:
        """A full name that the schema does not have yet."""
        space, name = self.random.choice(["", "", "n", "m.o"]), self.random.choice("ABCDEFGH")
        full = f"{space}.{name}" if space else name
        if full in self.taken:
            return None
        self.taken.add(full)
        return {"name": name, "namespace": space}

    def extras(self, made: dict[str, Any]) -> dict[str, Any]:
        if self.chance(10):
            made["doc"] = self.random.choice(["", 'a "doc"', "ä\t"])
        if self.chance(10):
            made["aliases"] = self.random.sample(["A", "n.B", "q.C", "D"], self.random.randint(1, 3))
        if self.chance(10):
            made["zeta"] = {"b": [1, 2.5, None], "a": "x"}
        if self.chance(10):
            made["alpha"] = self.random.choice([True, 7, "text", 1e9])
        return made

    def schema(self, depth: int, inside: tuple[str, ...] = ()) -> Schema:
        kind = self.random.choice(["primitive"] * 4 + ["enum", "fixed", "array", "map", "record", "record", "union", "ref"])
        if kind == "ref" and inside:
            return self.random.choice(inside)
        if depth > 0 and kind == "union":
            return self.union(depth, inside)
        if depth > 0 and kind in ("array", "map"):
            return {"type": kind, "items" if kind == "array" else "values": self.schema(depth - 1, inside)}
        if kind in ("enum", "fixed") or (kind == "record" and depth > 0):
            named = self.named(kind, depth, inside)
            if named is not None:
                return named
        primitive = self.random.choice(PRIMITIVES)
        if self.chance(5):
            return self.random.choice(
                [
                    {"type": "int", "logicalType": "date"},
                    {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
                    {"type": "string", "avro.java.string": "String"},
                ]
            )
        return {"type": primitive} if self.chance(10) else primitive

    def named(self, kind: str, depth: int, inside: tuple[str, ...]) -> Schema | None:
        name = self.name()
        if name is None:
            return None
        made: dict[str, Any] = {"type": kind, **name}
        if kind == "fixed":
            made["size"] = self.random.randint(1, 3)
        elif kind == "enum":
            made["symbols"] = self.random.sample(["X", "Y", "Z", "W"], self.random.randint(1, 4))
            if self.chance(25):
                made["default"] = self.random.choice(made["symbols"])
        else:
            full = f"{name['namespace']}.{name['name']}" if name["namespace"] else name["name"]
            # A name without a namespace cannot be named from inside one.
            known = (*inside, full) if "." in full else inside
            made["fields"] = [self.field(field, depth - 1, known) for field in self.random.sample("abcdef", self.random.randint(0, 4))]
        return self.extras(made)

    def field(self, name: str, depth: int, inside: tuple[str, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {"name": name, "type": self.schema(depth, inside)}
        # Recursive only where a value may end.
        if made["type"] in inside:
            made["type"] = ["null", made["type"]]
        if isinstance(made["type"], str) and self.chance(40):
            made["default"] = DEFAULTS[made["type"]]
        elif isinstance(made["type"], list) and made["type"][:1] == ["null"] and self.chance(40):
            made["default"] = None
        if self.chance(10):
            made["aliases"] = self.random.sample("abcxyz", self.random.randint(1, 2))
        if self.chance(10):
            made["order"] = self.random.choice(["ascending", "descending", "ignore"])
        if self.chance(10):
            made["doc"] = self.random.choice(["", "field"])
        if self.chance(10):
            made["note"] = [1, {"k": None}]
        return made

    def union(self, depth: int, inside: tuple[str, ...]) -> Schema:
        branches: list[Schema] = []
        for _ in range(self.random.randint(1, 4)):
            branch = self.schema(depth - 1, inside)
            if not isinstance(branch, list) and kind_of(branch) not in [kind_of(other) for other in branches]:
                branches.append(branch)
        return branches

    # Changes

    def changed(self, schema: Schema) -> Schema:
        """The schema after a few edits; it may not be one any more."""
        result = copy.deepcopy(schema)
        for _ in range(self.random.randint(1, 4)):
            places = list(nodes(result))
            holder, key = self.random.choice(places)
            if holder is None:
                if self.chance(10):
                    result = [result, "null"] if not isinstance(result, list) else result
                continue
            holder[key] = self.edit(holder[key])
        return result

    def edit(self, node: Schema) -> Schema:
        if isinstance(node, str):
            return self.random.choice([*PRIMITIVES, ["null", node]]) if node in PRIMITIVES else node
        if isinstance(node, list):
            edited = [branch for branch in node if not self.chance(20)]
            return [*edited, "long"] if self.chance(30) and "long" not in edited else edited
        kind = node["type"]
        if kind == "fixed" and self.chance(50):
            node["size"] += 1
        elif kind == "enum" and self.chance(70):
            node["symbols"] = self.random.sample(["X", "Y", "Z", "W", "V"], self.random.randint(1, 5))
            node.pop("default", None)
            if self.chance(30):
                node["default"] = node["symbols"][0]
        elif kind == "record" and node["fields"] and self.chance(80):
            self.edit_fields(node["fields"])
        elif "name" in node and self.chance(50):
            node["name"] = self.random.choice("ABCXYZ")
        elif kind in PRIMITIVES:
            return kind
        return node

    def edit_fields(self, fields: list[Any]) -> None:
        choice = self.random.randrange(6)
        field = self.random.choice(fields)
        if choice == 0:
            fields.remove(field)
        elif choice == 1:
            fields.append({"name": self.random.choice("xyz"), "type": "int", **({"default": 3} if self.chance(50) else {})})
        elif choice == 2:
            field.pop("default", None)
        elif choice == 3:
            field["aliases"] = [field["name"]] if self.chance(10) else [self.random.choice("abcdef")]
            field["name"] = self.random.choice("uvw")
        elif choice == 4:
            self.random.shuffle(fields)
        else:
            field["type"] = self.random.choice(PRIMITIVES)
            field.pop("default", None)


def kind_of(schema: Schema) -> str:
    """What of a union there may be only one."""
    if isinstance(schema, str):
        return schema
    if "name" in schema:
        return f"{schema.get('namespace', '')}.{schema['name']}"
    return schema["type"]


def nodes(schema: Schema) -> Iterator[tuple[Any, Any]]:
    """Where types stand: a container and a key; None for the schema itself."""
    yield None, None
    yield from inner_nodes(schema)


def inner_nodes(schema: Schema) -> Iterator[tuple[Any, Any]]:
    if isinstance(schema, list):
        places: Iterable[tuple[Any, Any]] = [(schema, i) for i in range(len(schema))]
    elif isinstance(schema, dict):
        places = [(schema, key) for key in ("items", "values") if key in schema]
        places = [*places, *[(field, "type") for field in schema.get("fields", [])]]
    else:
        return
    for holder, key in places:
        yield holder, key
        yield from inner_nodes(holder[key])


class Java:
    """Avro's own Java."""

    def __init__(self, jars: Path) -> None:
        from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

        (gateway_jar,) = jars.glob("py4j-*.jar")
        port = launch_gateway(jarpath=str(gateway_jar), classpath=f"{jars}/*", die_on_exit=True)
        self.gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
        self.avro = self.gateway.jvm.org.apache.avro

    def parse(self, text: str) -> Any | None:
        from py4j.protocol import Py4JJavaError

        try:
            return self.avro.Schema.Parser().setValidateDefaults(False).parse(text)
        except Py4JJavaError:
            return None

    def reasons(self, reader: Any, writer: Any) -> list[Reason] | str:
        from py4j.protocol import Py4JJavaError

        try:
            pair = self.avro.SchemaCompatibility.checkReaderWriterCompatibility(reader, writer)
        except Py4JJavaError as error:
            return str(error.java_exception.getMessage())
        return [(str(one.getType().toString()), one.getLocation(), one.getMessage()) for one in pair.getResult().getIncompatibilities()]

    def close(self) -> None:
        self.gateway.shutdown()


@pytest.fixture(scope="module")
def java(peers: Callable[[Iterable[str]], Path]) -> Iterator[Java]:
    folder = peers(["avro", "registry"])
    sys.path += [str(path) for path in (folder / "venv-registry/lib").glob("python3*/site-packages")]
    made = Java(folder / "avro-jars")
    yield made
    made.close()


def tool(word: str, cases: list[Any]) -> list[Any]:
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([TOOL, word], input=lines, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def drawn(java: Java, n: int) -> Iterator[tuple[str, str, Any, Any]]:
    """Pairs that Java takes for schemas, as text and parsed."""
    seed = SEED * 1_000_000
    while n:
        seed += 1
        maker = Maker(seed)
        first = maker.schema(3)
        if maker.chance(30):
            second = maker.changed(maker.changed(first))
        elif maker.chance(10):
            second = Maker(seed + 500_000).schema(3)
        else:
            second = maker.changed(first)
        texts = json.dumps(first), json.dumps(second, ensure_ascii=False)
        parsed = java.parse(texts[0]), java.parse(texts[1])
        if None not in parsed:
            n -= 1
            yield *texts, *parsed


def reason_of(text: str) -> Reason:
    found = re.fullmatch(r"\{errorType:'(\w+)', description:'.*?\(?path '(/.*?)'.*', additionalInfo:'(.*)'\}", text)
    assert found, text
    return found[1], found[2], found[3]


@pytest.mark.peers
def test_reasons_are_those_of_java(java: Java) -> None:
    pairs = list(drawn(java, CASES))
    ours = tool("check", [(first, second) for first, second, _, _ in pairs])
    seen: dict[str, int] = {"compatible": 0, "ambiguous": 0}
    for (first, second, reader, writer), reasons in zip(pairs, ours, strict=True):
        theirs = java.reasons(reader, writer)
        if isinstance(theirs, str):
            # Where two writer's fields fill one of the reader's, Java gives up with a text that names Java objects.
            assert "matches multiple fields" in theirs
            assert len(reasons) == 1 and "matches multiple fields" in reasons[0], (first, second, reasons)
            seen["ambiguous"] += 1
            continue
        assert [reason_of(text) for text in reasons] == theirs, (first, second)
        for kind, _, _ in theirs:
            seen[kind] = seen.get(kind, 0) + 1
        seen["compatible"] += not theirs
    # Every rule was met, often enough to mean something.
    assert len(seen) == 8 and min(seen.values()) >= CASES // 400, seen


@pytest.mark.peers
def test_texts_are_those_of_java(java: Java) -> None:
    """Canonical: what toString() prints. Normal: the same for schemas that differ only in the order of attributes."""
    pairs = list(drawn(java, CASES))
    ours = tool("text", [first for first, _, _, _ in pairs])
    shuffler = random.Random(SEED)
    for (first, _, schema, _), (canonical, _) in zip(pairs, ours, strict=True):
        assert canonical == schema.toString(), first
    mixed = tool("text", [json.dumps(shuffled(json.loads(first), shuffler)) for first, _, _, _ in pairs])
    for (first, _, _, _), (_, normal), (_, mixed_normal) in zip(pairs, ours, mixed, strict=True):
        assert normal == mixed_normal, first


def shuffled(value: Any, shuffler: random.Random) -> Any:
    if isinstance(value, list):
        return [shuffled(item, shuffler) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    shuffler.shuffle(keys)
    # Java defines a name where it first stands in the text of the schema, not of the JSON: order inside fields counts, of keys not.
    return {key: shuffled(value[key], shuffler) for key in keys}
