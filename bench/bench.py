"""Tarn beside a Spark job and a DuckDB script that make the same nine tables, one after the other on this machine.

usage: bench.py [--no-spark] [--no-growth] [--quick] [--write]

Prints a table; --write puts it into docs/benchmarks.md. Sets are made below build/bench and kept. --quick runs everything
once, on 200 experiments instead of 2,000 and a lake of 2,000 instead of 200,000: to try the script, not to publish.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/interop"), str(ROOT / "tests/fault")]

import preload  # noqa: E402

import spark  # noqa: E402
from model import TABLES  # noqa: E402

BENCH = ROOT / "bench"
WORK = Path(os.environ.get("TARN_BENCH", ROOT / "build/bench"))
GOLDEN = ROOT / "tests/data/golden"
TARN = Path(os.environ.get("TARN", ROOT / "build/tarn"))
MB = 1e6


@dataclass
class Cost:
    wall: float
    cpu: float
    peak: float  # bytes


@dataclass
class Engine:
    name: str
    command: Callable[[Path, Path], list[str]]  # raw, lake
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    slow: bool = False

    def run(self, raw: Path, lake: Path) -> Cost:
        out = WORK / "cost.json"
        command = [str(WORK / "measure"), str(out), *self.command(raw, lake)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{self.name}: exit {done.returncode}\n{done.stderr[-3000:]}")
        return Cost(**json.loads(out.read_text()))


def tarn(jobs: int) -> Engine:
    def command(raw: Path, lake: Path) -> list[str]:
        return [str(TARN), "features", "run", "--raw", str(raw), "--lake", str(lake), "--jobs", str(jobs)]

    return Engine(f"Tarn, {jobs} thread{'s' * (jobs > 1)}", command)


def duckdb_script(threads: int) -> Engine:
    def command(raw: Path, lake: Path) -> list[str]:
        return [sys.executable, str(BENCH / "duckdb_job.py"), str(raw), str(lake), "--threads", str(threads)]

    return Engine(f"DuckDB, {threads} thread{'s' * (threads > 1)}", command)


def spark_job() -> Engine:
    settings = {"spark.driver.memory": "8g", "spark.sql.session.timeZone": "UTC"}

    def command(raw: Path, lake: Path) -> list[str]:
        return spark.command(BENCH / "spark_job.py", [raw, lake], settings)

    return Engine("Spark, local[2]", command, spark.environment(), slow=True)


# ---- sets ----


def scaled(name: str, count: int, *options: str) -> Path:
    """A raw set of bench/scale.py, made once."""
    folder = WORK / "raw" / name
    if not (folder / ".done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, BENCH / "scale.py", GOLDEN, folder, str(count), *options], check=True, stdout=sys.stderr)
        (folder / ".done").touch()
    return folder


def add(more: Path, raw: Path) -> list[Path]:
    """Lets the objects of one set arrive in another; returns them."""
    arrived = []
    for path in sorted((more / "experiments").rglob("*.avro")):
        target = raw / path.relative_to(more)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        arrived.append(target)
    return arrived


def size(folder: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


def rows(lake: Path) -> dict[str, int]:
    """Rows of each table, by the footers of its files."""
    found = {}
    for table in TABLES:
        folder = lake / "quantum_features" / table if (lake / "quantum_features").exists() else lake / table
        found[table] = sum(pq.read_metadata(path).num_rows for path in folder.rglob("*.parquet"))
    return found


# ---- side by side ----


@dataclass
class Line:
    case: str
    engine: str
    runs: int
    cost: Cost
    output: int  # bytes of all files of the lake
    data: int  # of Parquet alone


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "peak")))


def put_aside(folder: Path) -> None:
    """Out of the way until the end. Deleted at once, it would be in the way: ext4 gives no inode again in the minutes after its
    deletion, and whoever makes files then searches past thousands of them."""
    aside = WORK / "aside"
    aside.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rename(aside / str(len(list(aside.iterdir()))))


def repeated(engine: Engine, raw: Path, lake: Path, times: int, start: Path | None) -> Cost:
    """Median of several runs, each from the same state of the lake: none, or a copy of `start`, and that on disk."""
    costs = []
    for _ in range(times):
        put_aside(lake)
        if start:
            shutil.copytree(start, lake)
        os.sync()
        costs.append(engine.run(raw, lake))
    return median(costs)


def line(case: str, engine: Engine, raw: Path, lake: Path, times: int, start: Path | None = None) -> Line:
    times = 1 if engine.slow else times
    print(f"  {case}: {engine.name}", file=sys.stderr, flush=True)
    cost = repeated(engine, raw, lake, times, start)
    return Line(case, engine.name, times, cost, size(lake), size(lake, "*.parquet"))


def side_by_side(engines: list[Engine], count: int, quick: bool) -> Iterator[Line]:
    def times(n: int) -> int:
        return 1 if quick else n

    golden = GOLDEN / "raw/v2"
    for engine in engines:
        yield line("golden, first load", engine, golden, WORK / "lake/golden", times(9))
    base, ten = scaled(f"scaled-{count}", count), scaled(f"ten-after-{count}", 10, "--first", str(count))
    raw = WORK / "raw/arriving"
    for engine in engines:
        put_aside(raw)
        shutil.copytree(base, raw, ignore=lambda _, names: [".done"] if ".done" in names else [])
        lake, loaded = WORK / "lake/scaled", WORK / "lake/loaded"
        yield line(f"{count:,} experiments, first load", engine, raw, lake, times(3))
        check_rows(engine, lake, count)
        put_aside(loaded)
        shutil.copytree(lake, loaded)
        yield line(f"nothing new on {count:,}", engine, raw, lake, times(9), loaded)
        add(ten, raw)
        yield line(f"ten new on {count:,}", engine, raw, lake, times(9), loaded)
        check_rows(engine, lake, count + 10)


def check_rows(engine: Engine, lake: Path, experiments: int) -> None:
    """Every engine did the same job."""
    found = rows(lake)
    wanted = {"molecules": experiments, "vqe_iterations": experiments * 200}
    for table, count in wanted.items():
        assert found[table] == count, f"{engine.name}: {table} has {found[table]} rows, not {count}"
    known = ROWS.setdefault(experiments, found)
    assert found == known, f"{engine.name}: {found}, not {known}"


ROWS: dict[int, dict[str, int]] = {}


# ---- cost follows what is new ----


def counted(raw: Path, lake: Path) -> dict[str, int]:
    """File calls below the lake and the raw folder of one run, and its instructions in another from the same state."""
    state = WORK / "lake/state"
    shutil.rmtree(state, ignore_errors=True)
    if lake.exists():
        shutil.copytree(lake, state)
    command = tarn(1).command(raw, lake)
    counters = WORK / "counters"
    counters.unlink(missing_ok=True)
    environment = {**os.environ, **preload.environment([raw, lake], count=counters)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    found = preload.counts(counters)
    shutil.rmtree(lake)
    if state.exists():
        shutil.copytree(state, lake)
    log = WORK / "instructions"
    tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", f"--log-file={log}"]
    subprocess.run([*tool, *command], check=True, stdout=subprocess.DEVNULL)
    refs = re.search(r"I\s+refs:\s+([\d,]+)", log.read_text())
    assert refs, log.read_text()
    found["instructions"] = int(refs[1].replace(",", ""))
    return found


def growth(large: int) -> dict[str, dict[str, int]]:
    """The same ten experiments into lakes of different sizes."""
    ten = scaled("ten-new", 10, "--first", str(10 * large))
    found = {}
    for name, count in (("empty lake", 0), ("lake of 10", 10), (f"lake of {large:,}", large)):
        raw, lake = WORK / "raw/growing", WORK / "lake/growing"
        for folder in (raw, lake):
            shutil.rmtree(folder, ignore_errors=True)
        raw.mkdir(parents=True)
        if count:
            add(scaled(f"small-{count}", count, "--iterations", "3", "--smallest"), raw)
            tarn(2).run(raw, lake)
        add(ten, raw)
        print(f"  ten new, {name}", file=sys.stderr, flush=True)
        found[name] = counted(raw, lake)
    return found


# ---- what is printed ----


def seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def ratio(value: float, base: float) -> str:
    found = value / base
    return f"{found:.1f}" if found < 10 else f"{found:,.0f}"


def table(lines: list[Line]) -> str:
    out = [
        "| case | engine | wall s | CPU s | peak MB | lake MB | Parquet MB | wall, ratio | CPU, ratio |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for case in dict.fromkeys(item.case for item in lines):
        of_case = [item for item in lines if item.case == case]
        base = of_case[0].cost
        for item in of_case:
            cost = item.cost
            out.append(
                f"| {case} | {item.engine} | {seconds(cost.wall)} | {seconds(cost.cpu)} | {cost.peak / MB:.0f} "
                f"| {item.output / MB:.2f} | {item.data / MB:.2f} "
                f"| {ratio(cost.wall, base.wall)} | {ratio(cost.cpu, base.cpu)} |"
            )
    return "\n".join(out)


COUNTERS = {
    "files opened": "opens",
    "reads": "reads",
    "bytes read": "read_bytes",
    "directory listings": "lists",
    "stat calls": "stats",
    "bytes written": "written_bytes",
    "syncs": "syncs",
    "instructions": "instructions",
}


def growth_table(found: dict[str, dict[str, int]]) -> str:
    out = [f"| ten new experiments | {' | '.join(found)} |", "|---|" + "--:|" * len(found)]
    for what, name in COUNTERS.items():
        values = [lake[name] for lake in found.values()]
        out.append(f"| {what} | {' | '.join(f'{value:,}' for value in values)} |")
    return "\n".join(out)


def machine() -> str:
    processor = next((row.split(":")[1].strip() for row in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in row), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}; load {load:.1f} at the start"


def versions(engines: list[Engine]) -> str:
    own = subprocess.run([str(TARN), "--version"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    found = [f"{own} ({commit})", f"DuckDB {duckdb.__version__}"]
    if any(engine.slow for engine in engines):
        found.append("Spark 4.0.2 with Iceberg 1.10.1 and Avro 1.12.1 on Java 17")
    return ", ".join(found)


PAGE = """# Benchmarks

Printed by `make bench` ({when}); nothing here is typed by hand.

{versions}. {machine}.

Every engine makes the same nine tables from the same raw objects, one engine after the other, each run in a fresh process with its
input on disk and in the page cache; the numbers are medians ({runs}). Ratios are to the first line of a case. *Tarn* also keeps snapshots,
lineage, dead letters and repeats. *Spark* is a job that does what the reference platform's does, step by step
(`bench/spark_job.py`: read all, explode, anti-join each table, append, tag). *DuckDB* is the best script we could write
(`bench/duckdb_job.py`): plain Parquet files without snapshots, transaction or lineage, and a list of what it has read. The
scaled set is made of the golden records (`bench/scale.py`): {count} experiments of 200 iterations{rows}.

{table}
{growth}"""

GROWTH = """
## Cost follows what is new

The same ten experiments of 200 iterations arrive in lakes of different sizes, whose raw objects (one an experiment) all lie in the
same four folders. File calls below lake and raw folder are counted by a preloaded library (`tests/fault`), instructions by valgrind;
one thread.

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-spark", action="store_true")
    parser.add_argument("--no-growth", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()

    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-o", WORK / "measure", BENCH / "measure.c"], check=True)
    here, when = machine(), dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%d")
    count, large = (200, 2000) if options.quick else (2000, 200_000)
    engines = [tarn(2), tarn(1), duckdb_script(1), duckdb_script(2)]
    if not options.no_spark:
        engines.insert(2, spark_job())
    lines = list(side_by_side(engines, count, options.quick))
    shutil.rmtree(WORK / "aside", ignore_errors=True)
    more = "" if options.no_growth else GROWTH.format(table=growth_table(growth(large)))
    runs = "Spark once; the others 9 runs, 3 of the scaled load" if not options.quick else "one run each"
    total = f", {sum(ROWS[count].values()) / 1e6:.2f} million rows" if count in ROWS else ""
    page = PAGE.format(
        when=when, versions=versions(engines), machine=here, runs=runs, count=f"{count:,}", rows=total, table=table(lines), growth=more
    )
    print(page)
    if options.write:
        (ROOT / "docs").mkdir(exist_ok=True)
        (ROOT / "docs/benchmarks.md").write_text(page)


if __name__ == "__main__":
    main()
