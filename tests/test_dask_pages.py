"""What the documentation says of training on Dask: its code, example and benchmarks run."""

import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import blocks_of

import sklearn_neuron

pytest.importorskip("distributed")
pytest.importorskip("dask.array")
ROOT = Path(__file__).parents[1]


def run(*command, cwd):
    """Run a script in a process of its own."""
    path = [str(Path(sklearn_neuron.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_guide_runs(tmp_path):
    pytest.importorskip("dask.dataframe")  # it needs pandas
    blocks = blocks_of("dask")
    assert blocks
    script = tmp_path / "guide.py"
    script.write_text("\n".join(blocks))
    done = run(script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.98


def test_the_example_runs(tmp_path):
    """On a little data; it is short, and does nothing when it is imported."""
    path = ROOT / "examples" / "dask_cluster.py"
    done = run(path, 40_000, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(\w+): \d+ rounds", done.stdout, flags=re.MULTILINE) == [
        "LogisticNeuronClassifier",
        "ManualMLPClassifier",
    ]
    assert len(path.read_text(encoding="utf-8").splitlines()) < 80
    assert callable(runpy.run_path(str(path))["main"])


def test_the_example_has_more_data_than_a_worker_may_hold():
    names = runpy.run_path(str(ROOT / "examples" / "dask_cluster.py"))
    tree = ast.parse((ROOT / "examples" / "dask_cluster.py").read_text(encoding="utf-8"))
    main = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "main")
    X, _ = names["samples"](ast.literal_eval(main.args.defaults[0]))
    assert names["LIMIT"] == "1.3GB"
    assert X.nbytes > 1.3e9


@pytest.mark.parametrize("name", ["dask_scaling", "dask_memory", "dask_convergence"])
def test_benchmarks_assert_agreement(name, tmp_path):
    pytest.importorskip("matplotlib")
    done = run(ROOT / "benchmarks" / f"{name}.py", "--check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("All agree")
