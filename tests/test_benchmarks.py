"""Every benchmark asserts, on a little data, that what it compares agrees; nothing is timed."""

import re
from pathlib import Path

import pytest
from helpers import assert_benchmark_agrees

pytestmark = pytest.mark.needs_core  # they compare it
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = [
    *["step", "shapes", "full_batch", "neuron", "partial_fit", "optimum", "grid", "searches"],
    *["scaling", "fixed_cost", "limits", "loading", "serving", "l1", "sparse"],
]


# in a process of its own, as a benchmark sets the number of threads before NumPy is imported
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_compared_agrees(name, tmp_path):
    assert_benchmark_agrees(name, tmp_path)


def test_the_page_shows_the_table_of_every_script():
    page = (BENCHMARKS.parent / "docs" / "performance.rst").read_text(encoding="utf-8")
    tables = re.findall(r"literalinclude:: \.\./benchmarks/results/(\w+)\.txt", page)
    assert sorted(tables) == sorted(SCRIPTS)
    assert re.findall(r":caption: benchmarks/(\w+)\.py", page) == tables
