"""Every benchmark asserts, on a little data, that what it compares agrees; nothing is timed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_neuron

pytestmark = pytest.mark.needs_core  # they compare it
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = [
    *["step", "shapes", "full_batch", "neuron", "partial_fit", "optimum", "grid", "searches"],
    *["scaling", "fixed_cost", "limits", "loading", "serving", "l1", "sparse"],
]


# in a process of its own, as a benchmark sets the number of threads before NumPy is imported
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_compared_agrees(name, tmp_path):
    path = [str(Path(sklearn_neuron.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    run = subprocess.run(
        [sys.executable, BENCHMARKS / f"{name}.py", "--check"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("All agree")


def test_the_page_shows_the_table_of_every_script():
    page = (BENCHMARKS.parent / "docs" / "performance.rst").read_text(encoding="utf-8")
    tables = re.findall(r"literalinclude:: \.\./benchmarks/results/(\w+)\.txt", page)
    assert sorted(tables) == sorted(SCRIPTS)
    assert re.findall(r":caption: benchmarks/(\w+)\.py", page) == tables
