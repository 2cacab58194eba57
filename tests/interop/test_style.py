"""The Python of the tree is ruff-clean."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lakes import ROOT


@pytest.mark.fast
def test_ruff() -> None:
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
