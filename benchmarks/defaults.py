"""Quality of the defaults: each estimator with default parameters, compared with its counterpart.

Each runs after StandardScaler under 5-fold cross-validation on scikit-learn's bundled data sets;
the mean over several random states is reported. For the sigmoid neuron, the counterpart is the best
that the sigmoid-output model can reach: the same model fitted by L-BFGS with several penalties.

    python benchmarks/defaults.py
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import argparse
import warnings

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier, SigmoidNeuronRegressor

CLASSES = {
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
    "wine": load_wine,
    "iris": load_iris,
}


def numbers():
    """Return the bundled regression data, and measured columns of the others as targets."""
    iris, wine, cancer = (
        load(return_X_y=True)[0] for load in (load_iris, load_wine, load_breast_cancer)
    )
    return {
        "diabetes": load_diabetes(return_X_y=True),
        "iris, petal width": (iris[:, :3], iris[:, 3]),
        "wine, alcohol": (wine[:, 1:], wine[:, 0]),
        "breast_cancer, mean radius": (cancer[:, 1:], cancer[:, 0]),
        "linnerud (20 rows, 3 targets)": load_linnerud(return_X_y=True),
    }


def measure(model, X, y, seeds, cv):
    """Return the mean score, its smallest over the random states, and the fit time of a fold."""
    scores, times = [], []
    for seed in seeds:
        if "random_state" in model.get_params():
            model.set_params(random_state=seed)
        result = cross_validate(make_pipeline(StandardScaler(), model), X, y, cv=cv)
        scores.append(result["test_score"].mean())
        times.append(result["fit_time"].mean())
    return np.mean(scores), np.min(scores), np.mean(times)


def compare_classifiers(ours, theirs, seeds):
    name, peer = type(ours).__name__, type(theirs).__name__
    print(f"\n{name}() beside {peer}(): accuracy in %, mean (smallest) over random states")
    for data, load in CLASSES.items():
        X, y = load(return_X_y=True)
        mine, mine_low, mine_time = measure(ours, X, y, seeds, 5)
        other, other_low, other_time = measure(theirs, X, y, seeds, 5)
        print(
            f"  {data:14s} {100 * mine:6.2f} ({100 * mine_low:5.2f})   "
            f"{100 * other:6.2f} ({100 * other_low:5.2f})   difference {100 * (mine - other):+.2f}"
            f"   fit {1e3 * mine_time:5.0f} ms, {1e3 * other_time:5.0f} ms",
            flush=True,
        )


def compare_regressor(seeds):
    print("\nSigmoidNeuronRegressor() beside the best of its kind: R², mean (smallest)")
    folds = KFold(5, shuffle=True, random_state=0)
    for data, (X, y) in numbers().items():
        best = max(
            measure(
                SigmoidNeuronRegressor(solver="lbfgs", alpha=alpha, tol=1e-8, max_iter=5000),
                X, y, [0], folds,
            )[0]
            for alpha in (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
        )  # fmt: skip
        mine, low, _ = measure(SigmoidNeuronRegressor(), X, y, seeds, folds)
        print(
            f"  {data:30s} {mine:7.4f} ({low:7.4f})   {best:7.4f}   difference {mine - best:+.4f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="random states (default: 5)")
    seeds = range(parser.parse_args().seeds)
    warnings.simplefilter("ignore", ConvergenceWarning)
    compare_classifiers(LogisticNeuronClassifier(), LogisticRegression(), seeds)
    compare_classifiers(ManualMLPClassifier(), MLPClassifier(), seeds)
    compare_regressor(seeds)


if __name__ == "__main__":
    main()
