#!/usr/bin/env python3
"""Each case puts one fault into a small sound tree; the check must find that one."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from check_layers import LARGEST_FILE, LARGEST_FUNCTION, check

SOUND = {
    "src/base/err.h": "int tarn_err;\n",
    "src/base/README.md": "base\n",
    "src/store/object/object.h": '#include "base/err.h"\n',
    "src/store/object/README.md": "object\n",
    "src/process/run/plan.c": '#include "store/object/object.h"\n#include <stdio.h>\n',
    "src/process/run/README.md": "run\n",
    "src/cli/main.c": '#include "process/run/work.h"\n',
    "src/cli/README.md": "cli\n",
    "src/process/run/work.h": '#include "base/err.h"\n',
    "tests/unit/base/test_err.c": "",
}

LONG_FUNCTION = "int f(void)\n{\n" + "\n" * (LARGEST_FUNCTION + 1) + "}\n"

# What is put where, and a piece of the only fault that must come out of it.
CASES = [
    (
        "src/base/up.c",
        '#include "store/object/object.h"\n',
        'src/base/up.c:1: base may not include "store/object/object.h"',
    ),
    (
        "src/store/object/up.c",
        '\n#include "process/run/work.h"\n',
        "src/store/object/up.c:2: store/object may not include",
    ),
    ("src/process/run/near.c", '#include "work.h"\n', '"work.h" is not written from src/'),
    ("src/process/run/dots.c", '#include "../run/work.h"\n', "is not written from src/"),
    ("src/attic/old.h", "", "src/attic/old.h: in no room"),
    ("src/base/needs.h", "size_t f(void);\n", "src/base/needs.h: does not compile alone"),
    ("src/base/README.md", None, "src/base: no README.md"),
    ("src/process/run/err.h", "", "has the name of src/base/err.h"),
    ("src/base/long.c", "\n" * (LARGEST_FILE + 1), f"src/base/long.c: {LARGEST_FILE + 1} lines"),
    ("src/base/endless.c", LONG_FUNCTION, "src/base/endless.c:2: a function of 101 lines"),
    ("tests/unit/base/test_long.c", LONG_FUNCTION, "tests/unit/base/test_long.c:2: a function of 101 lines"),
]


def faults_of(tree: dict[str, str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tree.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return check(Path(folder))[1]


def main() -> int:
    results = [(not faults_of(SOUND), "a sound tree has no faults")]
    for name, text, wanted in CASES:
        tree = {**SOUND, name: text or ""}
        if text is None:
            del tree[name]
        if name == "src/attic/old.h":
            tree["src/attic/README.md"] = ""
        faults = faults_of(tree)
        results.append((len(faults) == 1 and wanted in faults[0], f'wanted "{wanted}", found {faults}'))
    failures = [what for passed, what in results if not passed]
    print(*failures, f"{len(results) - len(failures)} passed, {len(failures)} failed", sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
