"""Exactly once, seen from outside: reruns, repeats, damaged input, two runs at once, interrupted steps."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from compare import assert_equal
from lakes import DEAD_LETTERS, FAILED, MAKERS, TARN, USAGE, Built, avro, half, native, tarn
from model import TABLES, columns, experiment_id, read_object
from test_readers import check_repeats

pytestmark = pytest.mark.fast

Record = dict[str, Any]
FIRST = "experiment.vqe/partition=0/experiment.vqe+0+0000000000.avro"


def check(lake: Built) -> None:
    """The lake holds what the model says: the nine tables and repeated_results."""
    for name, want in lake.expected().items():
        assert_equal(lake.table(name).scan().to_arrow(), want, columns(name), TABLES[name].key, name)
    check_repeats(lake)


def letters(lake: Built) -> list[dict[str, Any]]:
    rows = lake.table("dead_letters").scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: (row["source_object"], row["source_record"] or 0))


def objects(golden: Path, part: str = "v2") -> dict[str, Path]:
    root = golden / "raw" / part / "experiments"
    return {str(p.relative_to(root)): p for p in sorted(root.rglob("*.*")) if p.is_file()}


def put(lake: Built, key: str, data: bytes) -> str:
    path = lake.raw / "experiments" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return f"experiments/{key}"


# ---- nothing new ----


@pytest.mark.parametrize("lake", ["halves", "mixed"])
def test_rerun_adds_nothing(built: Callable[[str], Built], tmp_path: Path, lake: str) -> None:
    """No snapshot, no file, no pointer; that it ran is in the catalog."""
    made = built(lake)
    files, pointers = made.files(), made.pointers()
    before = json.loads(tarn("features", "runs", "--lake", made.folder, "--json"))
    tarn("features", "run", "--raw", made.raw, "--lake", made.folder)
    assert made.files() == files and made.pointers() == pointers
    after = json.loads(tarn("features", "runs", "--lake", made.folder, "--json"))
    assert len(after) == len(before) + 1


def test_empty_raw(fresh: Built) -> None:
    (fresh.raw / "experiments").mkdir(parents=True)
    tarn("features", "run", "--raw", fresh.raw, "--lake", fresh.folder)


def test_missing_raw_is_an_error(fresh: Built) -> None:
    tarn("features", "run", "--raw", fresh.raw, "--lake", fresh.folder, expect=FAILED)
    tarn("features", "run", "--lake", fresh.folder, expect=USAGE)


# ---- the same again ----


def test_redelivery_in_another_object(fresh: Built, golden: Path) -> None:
    """The same record at a later offset, in another partition, in another topic, as JSON: once in the tables."""
    known = objects(golden)
    fresh.add(golden / "raw/v2", [FIRST])
    fresh.run()
    data = known[FIRST].read_bytes()
    put(fresh, "experiment.vqe/partition=3/experiment.vqe+3+0000000007.avro", data)
    put(fresh, "another.topic/partition=0/another.topic+0+0000000000.avro", data)
    fresh.add(golden / "raw/v2json", ["experiment.vqe/1-1767225600000000000.json"])
    tarn("features", "run", "--raw", fresh.raw, "--lake", fresh.folder)
    fresh.model.run(fresh.raw)
    assert len(fresh.model.experiments) == 1 and not fresh.model.repeats
    check(fresh)


def test_twice_in_one_object(fresh: Built, golden: Path) -> None:
    (record,) = native(objects(golden)[FIRST])
    other = copy.deepcopy(record)
    other["total_time"] += 1.0
    put(fresh, FIRST, avro([record, other, record, other], objects(golden)[FIRST]))
    fresh.run()
    assert len(fresh.model.experiments) == 1 and len(fresh.model.repeats) == 2
    check(fresh)


def test_first_by_offset_counts(fresh: Built, golden: Path) -> None:
    """Of two results in one run, the one with the lower offset is in the tables, whatever the order of files or threads."""
    (record,) = native(objects(golden)[FIRST])
    for offset in (900, 12, 100):
        made = copy.deepcopy(record)
        made["vqe_time"] = float(offset)
        name = f"experiment.vqe/partition=0/experiment.vqe+0+{offset:010d}.avro"
        put(fresh, name, avro([made], objects(golden)[FIRST]))
    fresh.run("--jobs", "4")
    (row,) = fresh.table("performance_metrics").scan().to_arrow().to_pylist()
    assert row["vqe_time"] == 12.0 and row["source_offset"] == 12
    check(fresh)


def test_repeat_across_runs(fresh: Built, golden: Path) -> None:
    """What is in the tables stays; a later delivery with another result is kept beside them."""
    (record,) = native(objects(golden)[FIRST])
    put(fresh, "experiment.vqe/partition=0/experiment.vqe+0+0000000050.avro", avro([record], objects(golden)[FIRST]))
    fresh.run()
    record["vqe_result"]["nfev"] = 7
    put(fresh, "experiment.vqe/partition=0/experiment.vqe+0+0000000003.avro", avro([record], objects(golden)[FIRST]))
    fresh.run()
    assert len(fresh.model.repeats) == 1
    check(fresh)


def test_late_offsets(fresh: Built, golden: Path) -> None:
    """An object whose offset lies below others that are processed already is still new."""
    for number in (2, 1):
        fresh.add(golden / "raw/v2", half(golden, number))
        fresh.run()
    check(fresh)


def test_v1_first_then_v2(fresh: Built, golden: Path) -> None:
    """Both schemas in one topic's folder."""
    for i, path in enumerate([*objects(golden, "v1").values(), *objects(golden).values()]):
        put(fresh, f"experiment.vqe/partition=0/experiment.vqe+0+{i:010d}.avro", path.read_bytes())
    fresh.run()
    assert len(fresh.model.experiments) == 14
    check(fresh)


def test_hourly_folders(fresh: Built, golden: Path) -> None:
    """The sink's time-based layout: the offset is still in the name."""
    for key, path in objects(golden).items():
        name = Path(key).name
        put(fresh, f"experiment.vqe/year=2026/month=01/day=02/hour={int(name[-6:-5]):02d}/{name}", path.read_bytes())
    fresh.run()
    check(fresh)


@pytest.mark.parametrize("lakes", [("halves", "many_runs"), ("one_load", "steps")])
def test_same_experiments_either_way(built: Callable[[str], Built], lakes: tuple[str, str]) -> None:
    """What a table holds of an experiment does not depend on how it was loaded."""
    own = {"processing_timestamp", "processing_date", "processing_batch_id"}
    own |= {"source_object", "source_record", "source_topic", "source_partition", "source_offset"}
    wanted = pa.array(set(built(lakes[0]).model.experiments) & set(built(lakes[1]).model.experiments))
    for name, table in TABLES.items():
        kinds = {column: kind for column, kind in columns(name).items() if column not in own}
        seen = []
        for lake in lakes:
            rows = built(lake).table(name).scan().to_arrow()
            seen.append(rows.filter(pc.is_in(rows["experiment_id"], wanted)))
        assert_equal(seen[0], seen[1], kinds, table.key, name)


# ---- same input, same bytes ----


def test_data_files_are_reproducible(golden: Path, tmp_path: Path, program: Path) -> None:
    """Given run id and time, data files have the same names and bytes with any number of threads."""
    made = []
    for jobs in ("1", "3"):
        lake = Built(tmp_path / jobs / "lake", tmp_path / "raw")
        lake.add(golden / "raw/v2")
        run_id = "0b7e9d3c-5a1f-4c53-9f0e-2d1c6a7b8e90"
        lake.run("--jobs", jobs, "--run-id", run_id, "--now", "2026-01-02T03:04:05.678901Z")
        made.append({f: (lake.folder / f).read_bytes() for f in lake.files() if f.endswith(".parquet")})
    assert made[0].keys() == made[1].keys()
    assert made[0] == made[1]


# ---- damaged input ----


def test_unreadable_objects(fresh: Built, golden: Path) -> None:
    """An object that cannot be read is a dead letter; the others are processed; a rerun does not read it again."""
    fresh.add(golden / "raw/v2")
    good = objects(golden)[FIRST].read_bytes()
    folder = "experiment.vqe/partition=5/experiment.vqe+5+"
    bad = {
        put(fresh, f"{folder}0000000000.avro", b""),
        put(fresh, f"{folder}0000000001.avro", b"not avro at all"),
        put(fresh, f"{folder}0000000002.avro", good[: len(good) // 3]),
        put(fresh, f"{folder}0000000003.avro", good[:-1]),
        put(fresh, "experiment.vqe/90-1.json", b'{"vqe_result": {'),
        put(fresh, "experiment.vqe/91-1.json", b'{"molecule_id": 3}'),
    }
    fresh.run(expect=DEAD_LETTERS, unreadable=bad)
    check(fresh)
    found = letters(fresh)
    assert {row["source_object"] for row in found} == bad
    for row in found:
        assert row["reason"] and row["error"] and row["stage"] in ("read", "header", "decode", "json", "contract")
        assert row["source_topic"] == "experiment.vqe"
        if row["source_object"].endswith(".avro"):
            assert (row["source_partition"], row["source_offset"]) == (5, int(row["source_object"][-15:-5]))
    files = fresh.files()
    tarn("features", "run", "--raw", fresh.raw, "--lake", fresh.folder)
    assert fresh.files() == files


BROKEN: dict[str, Callable[[Record], None]] = {
    "num_parameters": lambda r: r["vqe_result"]["initial_data"].update(num_parameters=3),
    "label": lambda r: r["vqe_result"]["initial_data"]["hamiltonian"][2].update(label="XYZ"),
    "letters": lambda r: r["vqe_result"]["initial_data"]["hamiltonian"][2].update(label="IIAI"),
    "order": lambda r: r["vqe_result"]["iteration_list"][3].update(iteration=2),
    "nan": lambda r: r["vqe_result"]["iteration_list"][3].update(result=float("nan")),
    "infinite": lambda r: r["vqe_result"]["iteration_list"][3].update(result=float("inf")),
    "parameters": lambda r: r["vqe_result"]["iteration_list"][3]["parameters"].pop(),
    "optimum": lambda r: r["vqe_result"]["optimal_parameters"].pop(),
    "no iterations": lambda r: r["vqe_result"].update(iteration_list=[]),
    "minimum": lambda r: r["vqe_result"].update(minimum=-100.0),
    "coordinates": lambda r: r["molecule"]["molecule_data"]["coords"].pop(),
    "time": lambda r: r.update(total_time=-1.0),
    "qubits": lambda r: r["vqe_result"]["initial_data"].update(num_qubits=0),
}


def test_records_that_break_the_contract(fresh: Built, golden: Path) -> None:
    """In one object, between good records: the bad ones are dead letters with reason and place, the good ones rows."""
    source = objects(golden)
    (good,) = native(source[FIRST])
    (second,) = native(source["experiment.vqe/partition=1/experiment.vqe+1+0000000000.avro"])
    records, broken = [good], []
    for name, damage in BROKEN.items():
        record = copy.deepcopy(second)
        damage(record)
        broken.append((len(records), name))
        records.append(record)
    records.append(second)
    key = put(fresh, "experiment.vqe/partition=0/experiment.vqe+0+0000000100.avro", avro(records, source[FIRST]))
    said = json.loads(
        tarn("features", "run", "--raw", fresh.raw, "--lake", fresh.folder, "--json", expect=DEAD_LETTERS)
    )
    assert said
    found = {row["source_record"]: row for row in letters(fresh)}
    assert {i: name for i, name in broken if i not in found} == {}, "not noticed"
    assert set(found) == {i for i, _ in broken}
    for i, name in broken:
        row = found[i]
        assert row["stage"] == "contract", name
        assert row["source_object"] == key and row["source_offset"] == 100 + i and row["source_partition"] == 0
        assert len(row["reason"]) > 10, name
    ids = {row["experiment_id"] for row in fresh.table("vqe_results").scan().to_arrow().to_pylist()}
    wanted = {experiment_id(r) for r in (read_object(source[FIRST])[0], read_object(fresh.raw / key)[-1])}
    assert ids == wanted


def test_damage_in_the_middle(fresh: Built, golden: Path) -> None:
    """Records before the damage are rows; the rest of the object is told as lost, and the next object goes on."""
    (path,) = [p for key, p in objects(golden, "multi").items() if "+7+" in key]
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 0xFF
    del data[len(data) * 5 // 6 :]
    put(fresh, "experiment.vqe/partition=0/experiment.vqe+0+0000000000.avro", bytes(data))
    fresh.add(golden / "raw/v2", ["experiment.vqe/partition=1/experiment.vqe+1+0000000005.avro"])
    tarn("features", "run", "--raw", fresh.raw, "--lake", fresh.folder, expect=DEAD_LETTERS)
    assert letters(fresh)
    ids = {row["experiment_id"] for row in fresh.table("vqe_results").scan().to_arrow().to_pylist()}
    assert experiment_id(read_object(objects(golden)["experiment.vqe/partition=1/experiment.vqe+1+0000000005.avro"])[0]) in ids


# ---- several at once ----


def test_two_runs_at_once(fresh: Built, golden: Path) -> None:
    """Both end well, or one says why it stopped; the tables hold everything once."""
    fresh.add(golden / "raw/v2")
    command = [str(TARN), "features", "run", "--raw", str(fresh.raw), "--lake", str(fresh.folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert any(code == 0 for _, code in ended)
    for (_, error), code in ended:
        assert code == 0 or (code == FAILED and error), (code, error)
    fresh.ran()
    check(fresh)


def test_steps_commit_once(fresh: Built, golden: Path, tmp_path: Path) -> None:
    """The same work committed twice is in the tables once."""
    fresh.add(golden / "raw/v2", half(golden, 1))
    plan = tmp_path / "plan"
    plan.write_text(tarn("features", "plan", "--raw", fresh.raw, "--lake", fresh.folder))
    work = tmp_path / "work"
    work.write_text(tarn("features", "work", "--raw", fresh.raw, "--lake", fresh.folder, plan))
    tarn("features", "commit", "--lake", fresh.folder, work)
    files = fresh.pointers()
    subprocess.run([str(TARN), "features", "commit", "--lake", str(fresh.folder), str(work)], capture_output=True, timeout=60)
    assert fresh.pointers() == files
    fresh.ran()
    check(fresh)


def test_moved_lake(built: Callable[[str], Built], tmp_path: Path) -> None:
    """A copy of a lake elsewhere: `tarn table` must not silently read the old place's files as the copy's."""
    made = built("halves")
    shutil.copytree(made.folder, tmp_path / "copy")
    done = subprocess.run(
        [str(TARN), "table", "ls", "--lake", str(tmp_path / "copy")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (0, FAILED)


def test_every_lake_is_built_in_seconds(built: Callable[[str], Built]) -> None:
    start = time.monotonic()
    for name in MAKERS:
        built(name)
    assert time.monotonic() - start < 30
