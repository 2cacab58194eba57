"""What the tables say about themselves must be true: schemas, partitions, snapshots, manifests, bounds, names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import NestedField, PrimitiveType

from compare import ARROW, assert_equal
from lakes import MAKERS, Built
from model import LINEAGE, TABLES, columns
from readers import metadata_file

pytestmark = pytest.mark.fast

Built_ = Callable[[str], Built]
LAKES = list(MAKERS)


def local(location: str) -> Path:
    assert location.startswith("file:/"), location
    return Path(re.sub(r"^file:(//)?", "", location))


def tables(lake: Built) -> Iterator[tuple[str, Table]]:
    for name in lake.tables():
        yield name, lake.table(name)


def data_files(table: Table) -> list[DataFile]:
    return [task.file for task in table.scan().plan_files()]


# ---- what a table is ----


def test_schemas_are_the_references(built: Built_, golden: Path) -> None:
    """Names, ids and types as the reference's job made them; Tarn's own columns come behind, with ids above all."""
    wanted = json.loads((golden / "expected/2-incremental/SCHEMAS.json").read_text())
    for name, table in tables(built("halves")):
        metadata = json.loads(metadata_file(built("halves").folder, name).read_text())
        (schema,) = [s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"]]
        ids = [field.field_id for field in table.schema()._lazy_id_to_field.values()]  # noqa: SLF001
        assert len(ids) == len(set(ids)) and metadata["last-column-id"] == max(ids)
        assert metadata["format-version"] == 2
        assert table.properties["write.parquet.compression-codec"] == "zstd"
        if name not in wanted:
            continue
        reference = wanted[name]
        own = schema["fields"][len(reference["fields"]) :]
        assert schema["fields"][: len(reference["fields"])] == reference["fields"], name
        (spec,) = [s for s in metadata["partition-specs"] if s["spec-id"] == metadata["default-spec-id"]]
        by_order = sorted(spec["fields"], key=lambda field: field["field-id"])
        assert by_order == spec["fields"] == reference["partition_spec"], name
        if name in TABLES:
            assert [field["name"] for field in own] == [c for c in columns(name) if c not in TABLES[name].columns]
            assert table.properties["comment"] == reference["properties"]["comment"]
        if own:
            nested = [i for i in ids if i not in {f["id"] for f in own}]
            assert min(field["id"] for field in own) > max(nested)


@pytest.mark.parametrize("lake", LAKES)
def test_metadata_is_strict(built: Built_, lake: str) -> None:
    """What Java's parsers insist on."""
    made = built(lake)
    pointers = made.pointers()
    for name, table in tables(made):
        newest = metadata_file(made.folder, name)
        text = newest.read_text()
        assert text == local(pointers[name]).read_text(), "by path and by catalog the same"
        assert not (newest.parent / "version-hint.text").read_bytes().endswith(b"\n")
        metadata = json.loads(text)
        assert table.location() == metadata["location"] and not metadata["location"].endswith("/")
        assert local(metadata["location"]) == made.folder / "quantum_features" / name
        snapshots = metadata.get("snapshots", [])
        sequence = [snapshot["sequence-number"] for snapshot in snapshots]
        assert sequence == list(range(1, len(snapshots) + 1)) and metadata["last-sequence-number"] == len(snapshots)
        parent = None
        for snapshot in snapshots:
            assert ("parent-snapshot-id" in snapshot) == (parent is not None)
            assert snapshot.get("parent-snapshot-id") == parent
            assert 0 < snapshot["snapshot-id"] <= 2**53
            assert snapshot["summary"]["operation"] == "append"
            assert all(isinstance(value, str) for value in snapshot["summary"].values())
            parent = snapshot["snapshot-id"]
        if snapshots:
            assert metadata["current-snapshot-id"] == metadata["refs"]["main"]["snapshot-id"] == parent
        else:
            assert metadata.get("current-snapshot-id", -1) == -1
        log = [entry["timestamp-ms"] for entry in metadata.get("snapshot-log", [])]
        assert log == sorted(log) and len(log) == len(snapshots)
        for entry in metadata.get("metadata-log", []):
            assert local(entry["metadata-file"]).exists()
        times = [entry["timestamp-ms"] for entry in metadata.get("metadata-log", [])]
        assert times == sorted(times) and all(t <= metadata["last-updated-ms"] for t in times)


# ---- snapshots ----


@pytest.mark.parametrize("lake", LAKES)
def test_summaries_tell_the_truth(built: Built_, lake: str) -> None:
    for name, table in tables(built(lake)):
        before = {"records": 0, "data-files": 0, "files-size": 0}
        seen: set[str] = set()
        for snapshot in table.metadata.snapshots:
            summary = snapshot.summary.additional_properties  # type: ignore[union-attr]
            files = [task.file for task in table.scan(snapshot_id=snapshot.snapshot_id).plan_files()]
            now = {
                "records": sum(file.record_count for file in files),
                "data-files": len(files),
                "files-size": sum(file.file_size_in_bytes for file in files),
            }
            for what, total in now.items():
                assert int(summary[f"total-{what}"]) == total, f"{name}: total-{what}"
                assert int(summary[f"added-{what}"]) == total - before[what], f"{name}: added-{what}"
            for what in ("total-delete-files", "total-position-deletes", "total-equality-deletes"):
                assert summary[what] == "0"
            paths = {file.file_path for file in files}
            changed = {path.rpartition("/")[0] for path in paths - seen}
            assert int(summary["changed-partition-count"]) == len(changed)
            seen = paths
            assert summary["engine-name"] and summary["engine-version"]
            before = now


@pytest.mark.parametrize("lake", LAKES)
def test_tags_and_time_travel(built: Built_, lake: str) -> None:
    """v_<batch> on a table's first load, v_incr_<batch> on later ones; each shows the rows of its time."""
    made = built(lake)
    stamps = made.stamps()
    states = [made.model.rows_after(run, stamps) for run in range(len(stamps))]
    shown = {0, len(stamps) // 2, len(stamps) - 1}
    for name in TABLES:
        table = made.table(name)
        rows = [state[name] for state in states]
        tags: dict[str, int] = {}
        for run, stamp in enumerate(stamps):
            if len(rows[run]) > (len(rows[run - 1]) if run else 0):
                prefix = "v_incr_" if tags else "v_"
                tags[prefix + stamp.batch.replace("-", "")] = run
        refs = table.metadata.refs
        assert set(refs) - {"main"} == set(tags), name
        assert all(ref.snapshot_ref_type.value == "tag" for key, ref in refs.items() if key != "main")
        for tag, run in tags.items():
            if run not in shown:
                continue
            got = table.scan(snapshot_id=refs[tag].snapshot_id).to_arrow()
            kinds = columns(name)
            want = pa.Table.from_pylist(rows[run], schema=pa.schema([(c, ARROW[k]) for c, k in kinds.items()]))
            assert_equal(got, want, kinds, TABLES[name].key, f"{name} at {tag}")


@pytest.mark.parametrize("lake", LAKES)
def test_audit(built: Built_, lake: str) -> None:
    """One row per run and topic: each table, its tag or no_changes, and the rows that went in."""
    made = built(lake)
    rows = made.table("processing_metadata").scan().to_arrow().to_pylist()
    added: dict[tuple[str, str], int] = {}
    for row in rows:
        assert row["table_names"] == list(TABLES)
        assert row["processing_name"] == "quantum_base_processing"
        assert row["processing_timestamp"].date() == row["processing_date"]
        assert row["source_data_info"]
        for name, tag, count in zip(row["table_names"], row["table_versions"], row["record_counts"], strict=True):
            assert (tag == "no_changes") == (count == 0)
            if count:
                assert tag.removeprefix("v_").removeprefix("incr_") == row["processing_batch_id"].replace("-", "")
                added[name, tag] = added.get((name, tag), 0) + count
    for (name, tag), count in added.items():
        table = made.table(name)
        snapshot = table.snapshot_by_id(table.metadata.refs[tag].snapshot_id)
        assert int(snapshot.summary.additional_properties["added-records"]) == count  # type: ignore[union-attr]


# ---- manifests ----


def _avro(location: str) -> tuple[Any, list[dict[str, Any]]]:
    with local(location).open("rb") as file:
        reader: Any = fastavro.reader(file)
        return reader, list(reader)


def _records(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema["type"] == "record":
            yield schema
            for field in schema["fields"]:
                yield from _records(field["type"])
        elif schema["type"] == "array":
            yield from _records(schema["items"])
    elif isinstance(schema, list):
        for branch in schema:
            yield from _records(branch)


def _check_avro_schema(schema: dict[str, Any], root: str) -> None:
    """Ids on every field; a union is null first with default null; primitives are bare."""
    assert schema["name"] == root
    for record in _records(schema):
        for field in record["fields"]:
            assert "field-id" in field, (root, field["name"])
            kind = field["type"]
            if isinstance(kind, list):
                assert kind[0] == "null" and len(kind) == 2 and field.get("default", 0) is None, field["name"]
                kind = kind[1]
            if isinstance(kind, dict):
                assert kind["type"] not in ("int", "long", "string", "boolean", "bytes") or "logicalType" in kind
                if kind["type"] == "array" and kind.get("logicalType") != "map":
                    assert "element-id" in kind


@pytest.mark.parametrize("lake", LAKES)
def test_manifest_files(built: Built_, lake: str) -> None:
    for name, table in tables(built(lake)):
        spec_fields = len(table.spec().fields)
        for snapshot in table.metadata.snapshots:
            reader, manifests = _avro(snapshot.manifest_list)
            _check_avro_schema(reader.writer_schema, "manifest_file")
            assert reader.metadata["avro.codec"] in ("deflate", "null")
            assert reader.metadata["format-version"] == "2"
            assert reader.metadata["snapshot-id"] == str(snapshot.snapshot_id)
            for manifest in manifests:
                assert manifest["manifest_length"] == local(manifest["manifest_path"]).stat().st_size
                assert len(manifest["partitions"]) == spec_fields
                _check_manifest(name, table, manifest)


def _check_manifest(name: str, table: Table, manifest: dict[str, Any]) -> None:
    reader, entries = _avro(manifest["manifest_path"])
    names = {record["name"] for record in _records(reader.writer_schema)}
    _check_avro_schema(reader.writer_schema, "manifest_entry")
    assert {"r2", "r102"} <= names
    metadata = reader.metadata
    assert metadata["content"] == "data" and metadata["format-version"] == "2"
    assert metadata["avro.codec"] in ("deflate", "null")
    schema = json.loads(metadata["schema"])
    assert [f["name"] for f in schema["fields"]] == table.schema().column_names or len(schema["fields"])
    assert int(metadata["schema-id"]) == schema["schema-id"] == table.schema().schema_id
    partition = json.loads(metadata["partition-spec"])
    assert isinstance(partition, list) and [f["name"] for f in partition] == [f.name for f in table.spec().fields]
    assert int(metadata["partition-spec-id"]) == table.spec().spec_id == manifest["partition_spec_id"]
    counts = {0: [0, 0], 1: [0, 0], 2: [0, 0]}
    for entry in entries:
        counts[entry["status"]][0] += 1
        counts[entry["status"]][1] += entry["data_file"]["record_count"]
        inherits = entry["sequence_number"] is None
        assert inherits == (entry["file_sequence_number"] is None)
        assert entry["status"] == 1 or not inherits, f"{name}: an existing entry must tell its sequence number"
        assert entry["data_file"]["file_format"] == "PARQUET"
    for status, word in ((0, "existing"), (1, "added"), (2, "deleted")):
        assert counts[status] == [manifest[f"{word}_files_count"], manifest[f"{word}_rows_count"]], f"{name}: {word}"


@pytest.mark.parametrize("lake", LAKES)
def test_manifest_partition_summaries(built: Built_, lake: str) -> None:
    """Bounds over partitions hold every entry's value: readers prune by them."""
    for name, table in tables(built(lake)):
        snapshot = table.current_snapshot()
        if snapshot is None:
            continue
        for manifest in snapshot.manifests(table.io):
            entries = manifest.fetch_manifest_entry(table.io)
            for i, field in enumerate(table.spec().fields):
                summary: Any = manifest.partitions[i]  # type: ignore[index]
                kind: Any = table.schema().find_type(field.source_id)
                values = [entry.data_file.partition[i] for entry in entries]
                values = [from_bytes(kind, _to_bytes(kind, v)) for v in values if v is not None]
                assert summary.contains_null == (len(values) < len(entries))
                assert from_bytes(kind, summary.lower_bound) == min(values), name
                assert from_bytes(kind, summary.upper_bound) == max(values), name


def _to_bytes(kind: Any, value: Any) -> bytes:
    from pyiceberg.conversions import to_bytes

    return to_bytes(kind, value)


# ---- data files ----


def _leaves(table: Table) -> dict[int, NestedField]:
    """Fields that are columns of their own, not inside lists."""
    return {f.field_id: f for f in table.schema().fields if f.field_type.is_primitive}


def _check_bounds(what: str, file: DataFile, field: NestedField, column: pa.ChunkedArray) -> None:
    i, kind = field.field_id, field.field_type
    assert isinstance(kind, PrimitiveType)
    assert file.value_counts[i] == len(column), what
    assert file.null_value_counts[i] == column.null_count, what
    if column.null_count == len(column):
        assert i not in file.lower_bounds and i not in file.upper_bounds, what
        return
    if pa.types.is_binary(column.type) or pa.types.is_boolean(column.type):
        return
    least, most = pc.min_max(column).as_py().values()
    if not pa.types.is_string(column.type):
        if pa.types.is_floating(column.type):
            assert file.nan_value_counts.get(i, 0) == 0, what
        make = pa.array([least, most], column.type)
        raw = make.view(pa.int64() if make.type.bit_width == 64 else pa.int32()).to_pylist()
        size = make.type.bit_width // 8
        if pa.types.is_floating(column.type) and 0.0 in (least, most):
            return  # -0.0 and 0.0 are equal to min_max
        assert int.from_bytes(file.lower_bounds[i], "little", signed=True) == raw[0], what
        assert int.from_bytes(file.upper_bounds[i], "little", signed=True) == raw[1], what
        assert len(file.lower_bounds[i]) == len(file.upper_bounds[i]) == size, what
        return
    lower = from_bytes(kind, file.lower_bounds[i])
    assert lower == least[:16], what
    if i in file.upper_bounds:
        upper = from_bytes(kind, file.upper_bounds[i])
        assert upper == most if len(most) <= 16 else (upper > most and len(upper) <= 16), what


@pytest.mark.parametrize("lake", LAKES)
def test_data_files(built: Built_, lake: str) -> None:
    """Sizes, counts, bounds, partition values and folders of every data file agree with what is in it."""
    made = built(lake)
    for name, table in tables(made):
        leaves, spec = _leaves(table), table.spec()
        inside = {i for i in table.schema()._lazy_id_to_field if i not in {f.field_id for f in table.schema().fields}}  # noqa: SLF001
        for file in data_files(table):
            path = local(file.file_path)
            what = f"{name} {path.name}"
            assert path.stat().st_size == file.file_size_in_bytes, what
            parquet = pq.ParquetFile(path)
            data = parquet.read()
            assert data.num_rows == file.record_count, what
            offsets = [
                parquet.metadata.row_group(g).column(0).dictionary_page_offset
                or parquet.metadata.row_group(g).column(0).data_page_offset
                for g in range(parquet.num_row_groups)
            ]
            assert list(file.split_offsets or []) == offsets, what
            for field in leaves.values():
                _check_bounds(f"{what} {field.name}", file, field, data[field.name])
            assert not inside & (file.lower_bounds.keys() | file.upper_bounds.keys()), what
            folders = [part.partition("=")[::2] for part in path.parent.parts if "=" in part]
            assert [key for key, _ in folders] == [field.name for field in spec.fields], what
            for i, part in enumerate(spec.fields):
                (value,) = pc.unique(data[part.name]).to_pylist()
                kind: Any = table.schema().find_type(part.source_id)
                assert from_bytes(kind, _to_bytes(kind, file.partition[i])) == from_bytes(kind, _to_bytes(kind, value))
                assert unquote_plus(folders[i][1]) == str(value), what


@pytest.mark.parametrize("lake", [name for name in LAKES if name != "steps"])  # there, one a split
def test_one_file_per_partition_and_run(built: Built_, lake: str) -> None:
    made = built(lake)
    for name, table in tables(made):
        for snapshot in table.metadata.snapshots:
            added = table.inspect.entries(snapshot.snapshot_id).filter(pc.field("snapshot_id") == snapshot.snapshot_id)
            parts = [json.dumps(row["data_file"]["partition"], default=str) for row in added.to_pylist()]
            assert len(parts) == len(set(parts)), f"{name}: {len(parts)} files in {len(set(parts))} partitions"


def test_parquet_footers(built: Built_) -> None:
    """Field ids on every column, zstd, page indexes or statistics that hold, and a name of the writer."""
    for name, table in tables(built("mixed")):
        ids = set(table.schema()._lazy_id_to_field)  # noqa: SLF001
        for file in data_files(table):
            parquet = pq.ParquetFile(local(file.file_path))
            assert parquet.metadata.created_by.startswith("tarn"), parquet.metadata.created_by
            assert json.loads(parquet.metadata.metadata[b"iceberg.schema"])["fields"]
            seen = {int(i) for i in re.findall(r"field_id=(\d+)", str(parquet.schema))}
            assert seen == ids, name
            for g in range(parquet.num_row_groups):
                group = parquet.metadata.row_group(g)
                values = parquet.read_row_group(g)
                for c in range(group.num_columns):
                    chunk = group.column(c)
                    assert chunk.compression in ("ZSTD", "UNCOMPRESSED"), f"{name}.{chunk.path_in_schema}"
                    _check_statistics(f"{name}.{chunk.path_in_schema}", chunk, values)


def _check_statistics(what: str, chunk: Any, values: pa.Table) -> None:
    if "." in chunk.path_in_schema or not chunk.is_stats_set:
        return
    column = values[chunk.path_in_schema]
    assert chunk.statistics.null_count == column.null_count, what
    if chunk.statistics.has_min_max and not pa.types.is_binary(column.type):
        least, most = pc.min_max(column).as_py().values()
        low, high = chunk.statistics.min, chunk.statistics.max
        assert low <= least and most <= high, f"{what}: {low!r}..{high!r} does not hold {least!r}..{most!r}"
        if not pa.types.is_string(column.type):
            assert (low, high) == (least, most), what


def test_lineage_leads_back(built: Built_, golden: Path) -> None:
    """From a row to its raw object and the record in it."""
    made = built("mixed")
    rows = made.table("vqe_results").scan().to_arrow().to_pylist()
    assert rows and set(LINEAGE) <= rows[0].keys()
    for row in rows:
        path = made.raw / row["source_object"]
        assert path.exists() and row["source_topic"] in path.parts


def test_digests(built: Built_) -> None:
    """Runs of one configuration share configuration_id, equal results result_digest, whatever they came in."""
    halves, json_ = built("halves"), built("json")

    def digests(lake: Built) -> dict[str, tuple[str, str]]:
        rows = lake.table("vqe_results").scan().to_arrow().to_pylist()
        return {row["experiment_id"]: (row["configuration_id"], row["result_digest"]) for row in rows}

    avro = digests(halves)
    assert avro == digests(json_)
    assert all(re.fullmatch("[0-9a-f]{64}", text) for pair in avro.values() for text in pair)
    assert len({result for _, result in avro.values()}) == len(avro)
    assert len({configuration for configuration, _ in avro.values()}) == len(avro) - 1, "p01 and p10 are one"
