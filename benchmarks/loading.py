"""Milliseconds of importing the package, of loading the core, and of the first fit of a process.

Each is measured in fresh processes. scikit-learn's own import is that of the modules that the
package uses of it, and SciPy's; what the package takes beyond is what counts. Before timing, a
fresh process must have computed its first fit by the core, must not have imported anything that
compiles, and its coefficients must be those of NumPy. Modules are read as bytecode, as an installed
package has it.

    python benchmarks/loading.py
"""

import _common  # first: it sets the number of threads

# isort: split
import ast
import functools
import os
import subprocess
import sys
import tempfile

GOALS = {"import beyond scikit-learn": 30.0, "load the core": 20.0}  # ms
#: What a fresh process runs: it prints the milliseconds of each part.
CHILD = """
import sys, time
clock = getattr(time, sys.argv[1])
t = [clock()]
def lap():
    t.append(clock())
    return 1e3 * (t[-1] - t[-2])
ms = {}
import numpy as np, scipy.optimize, scipy.sparse, scipy.special
import sklearn.base, sklearn.linear_model, sklearn.metrics, sklearn.model_selection
import sklearn.preprocessing, sklearn.utils.multiclass, sklearn.utils.validation
ms["import scikit-learn"] = lap()
import sklearn_neuron
ms["import beyond scikit-learn"] = lap()
from sklearn_neuron._engine import core
module = core.load() if sys.argv[2] == "compiled" else None
ms["load the core"] = lap()
sklearn_neuron.set_config(engine=sys.argv[2])
rng = np.random.RandomState(0)
X = rng.normal(size=(150, 4))
y = (X[:, 0] > 0).astype(int)
model = sklearn_neuron.LogisticNeuronClassifier(max_iter=20, tol=None, random_state=0)
lap()
model.fit(X, y)
ms["first fit"] = lap()
model.fit(X, y)
ms["second fit"] = lap()
network = sklearn_neuron.ManualMLPClassifier(max_iter=20, tol=None, random_state=0)
lap()
network.fit(X, y)
ms["first fit of a network"] = lap()
compilers = sorted({"numba", "llvmlite", "torch", "jax", "cffi"} & set(sys.modules))
result = model.engine_, compilers, model.coef_.ravel().tolist(), network.coefs_[1].sum().item()
print(repr((ms, result)))
"""


@functools.cache
def environment():
    """Return that of the children: their bytecode is written to a folder of its own."""
    environment.folder = tempfile.TemporaryDirectory()
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": environment.folder.name}


def child(clock="perf_counter", engine="compiled", env=None):
    """Return what a fresh process has measured, and what it has computed."""
    command = [sys.executable, "-W", "ignore", "-c", CHILD, clock, engine]
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(run.stderr)
    return ast.literal_eval(run.stdout)


def assert_agreement():
    """Assert that the core computes the first fit, as NumPy does, and that nothing compiles."""
    _, (engine, compilers, coef, total) = child()
    _, (_, _, plain_coef, plain_total) = child(engine="numpy")
    assert engine == "compiled", f"the first fit was computed by {engine}"
    assert not compilers, f"imported: {', '.join(compilers)}"
    for ours, plain in zip([*coef, total], [*plain_coef, plain_total], strict=True):
        assert abs(ours - plain) <= 1e-10 * max(1.0, abs(plain)), f"{ours} and {plain} differ"


def main():
    args = _common.arguments(__doc__, rounds=15)
    assert_agreement()
    if args.check:
        _common.agreed()
        return
    report = _common.Report("loading", __doc__.splitlines()[0], args)
    clock = "process_time" if args.cpu_time else "perf_counter"
    child(env=environment())  # writes the bytecode
    found = [child(clock, env=environment())[0] for _ in range(args.rounds)]
    rows = []
    for name in found[0]:
        took, goal = _common.spread([ms[name] for ms in found]), GOALS.get(name)
        row = {"part": name, "ms: median (smallest to largest)": took, "at most": goal}
        rows.append(row | {"": _common.verdict(goal is None or took.median <= goal)})
    report.table("In a fresh process", rows)
    report.save()


if __name__ == "__main__":
    main()
