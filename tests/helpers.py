"""What several test files share: the five estimators, and quick ways to make them."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import sklearn_neuron
from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)

CLASSIFIERS = (LogisticNeuronClassifier, PerceptronClassifier, ManualMLPClassifier)
REGRESSORS = (SigmoidNeuronRegressor, ManualMLPRegressor)
ESTIMATORS = CLASSIFIERS + REGRESSORS
NETWORKS = (ManualMLPClassifier, ManualMLPRegressor)
NEURONS = tuple(cls for cls in ESTIMATORS if cls not in NETWORKS)
WITH_LBFGS = tuple(cls for cls in ESTIMATORS if cls is not PerceptronClassifier)


def make(cls, **params):
    """Return a small, quick, repeatable estimator."""
    if cls in NETWORKS:
        params = {"hidden_layer_sizes": (5,), **params}
    return cls(**{"random_state": 0, "max_iter": 20, "tol": None, **params})


def is_own(component):
    """Return whether a class is the package's own, not one that a test has registered."""
    return component.__module__.startswith("sklearn_neuron.")


def parameters_of(estimator):
    """Return W and b of every layer."""
    return estimator._layout.fitted_layers(vars(estimator))


def raw_output_of(estimator, X):
    """Return z^L."""
    return estimator._answer(X, lambda z: z)


def weights_of(estimator):
    """Return all fitted parameters as one vector."""
    coefs, intercepts = parameters_of(estimator)
    return np.concatenate([np.ravel(part) for part in (*coefs, *intercepts)])


def elastic_net(X, y, alpha, l1_ratio, **how):
    """Return scikit-learn's minimum of our objective."""
    if inspect.signature(LogisticRegression).parameters["penalty"].default != "deprecated":
        how["penalty"] = "elasticnet"  # until scikit-learn 1.7
    C = 1 / (alpha * len(y))
    how = {"tol": 1e-9, "max_iter": 20_000, **how}
    model = LogisticRegression(solver="saga", l1_ratio=l1_ratio, C=C, random_state=0, **how)
    return model.fit(X, y)


def target_for(cls, n, classes=3, seed=0):
    """Return a y that the estimator can be fitted to."""
    rng = np.random.RandomState(seed)
    return rng.uniform(size=n) if cls in REGRESSORS else np.arange(n) % classes


def run(code, **environment):
    """Run code in a fresh process, with these variables of the environment."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def assert_benchmark_agrees(name, folder):
    """Assert that what a benchmark compares agrees on a little data, in a process of its own."""
    path = [str(Path(sklearn_neuron.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, Path(__file__).parents[1] / "benchmarks" / f"{name}.py", "--check"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("All agree")


#: A block of Python on a page, with the indentation that all of its lines have.
BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", flags=re.MULTILINE)


def blocks_of(page):
    """Return the blocks of Python on a page of the guide that are not doctests."""
    path = Path(__file__).parents[1] / "docs" / "guide" / f"{page}.rst"
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in blocks]
