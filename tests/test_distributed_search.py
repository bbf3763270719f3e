"""Searches on a local cluster: the example runs, finds the same, and ends what it has started."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sklearn_neuron

pytest.importorskip("distributed")
EXAMPLE = Path(__file__).parents[1] / "examples" / "distributed_search.py"


def processes_of(session):
    """Return the processes of a session that have not ended, from Linux's table of them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = path.read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state != "Z":
            found.append(path.parent.name)
    return found


def test_the_example_runs_and_leaves_no_process(tmp_path):
    path = [str(Path(sklearn_neuron.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(
        [sys.executable, EXAMPLE],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert out.startswith("2 worker processes\nGridSearchCV: 0.9")
    assert "\nHalvingGridSearchCV: 0.9" in out
    deadline = time.monotonic() + 20  # multiprocessing's resource tracker ends after its parent
    while processes_of(run.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(run.pid) == []


def test_the_example_is_short():
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 80
