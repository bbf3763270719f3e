"""µs per training step of a 20→100→1 network, beside scikit-learn's MLPClassifier.

Both train from the same weights on the same rows (ReLU, SGD with Nesterov momentum, one thread).
The script first asserts that their loss curves agree, with the rows in the same order. Then it
times whole fits with shuffled rows in turns, one right after the other, and prints the best of
several rounds and the median of the rounds' ratios.

    python benchmarks/step.py
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import argparse
import platform
import statistics
import time
import warnings

import numpy as np
import scipy
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklearn_neuron import SGD, ManualMLPClassifier

BATCH_SIZES = (1, 8, 32, 200, 1000)
N_FEATURES, N_HIDDEN, ETA, MOMENTUM = 20, 100, 0.01, 0.9


def make_data(n_rows, dtype):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, N_FEATURES)).astype(dtype)
    y = (X @ rng.normal(size=N_FEATURES) + rng.normal(size=n_rows) > 0).astype(int)
    coefs = [
        rng.normal(scale=0.2, size=shape).astype(dtype)
        for shape in ((N_FEATURES, N_HIDDEN), (N_HIDDEN, 1))
    ]
    intercepts = [np.zeros(n, dtype) for n in (N_HIDDEN, 1)]
    return X, y, coefs, intercepts


def fit_ours(X, y, coefs, intercepts, batch_size, epochs, shuffle):
    model = ManualMLPClassifier(
        (N_HIDDEN,),
        eta=ETA,
        batch_size=batch_size,
        solver=SGD(momentum=MOMENTUM, nesterov=True),
        max_iter=epochs,
        tol=None,
        shuffle=shuffle,
        random_state=0,
    )
    start = time.perf_counter()
    model.fit(X, y, coef_init=coefs, intercept_init=intercepts)
    return time.perf_counter() - start, np.array(model.loss_curve_)


def fit_sklearn(X, y, coefs, intercepts, batch_size, epochs, shuffle):
    model = MLPClassifier(
        (N_HIDDEN,),
        solver="sgd",
        learning_rate_init=ETA,
        momentum=MOMENTUM,
        nesterovs_momentum=True,
        alpha=0.0,
        batch_size=min(batch_size, len(X)),
        max_iter=1,
        tol=0.0,
        n_iter_no_change=np.inf,
        shuffle=shuffle,
        random_state=0,
        warm_start=True,
    )
    model.fit(X, y)  # makes the arrays
    model.coefs_ = [W.copy() for W in coefs]
    model.intercepts_ = [b.copy() for b in intercepts]
    model.max_iter = epochs
    done = len(model.loss_curve_)
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start, np.array(model.loss_curve_[done:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="fits of each kind (default: 7)")
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"scikit-learn {sklearn.__version__}, {platform.machine()}, 1 thread"
    )
    print(f"{N_FEATURES}→{N_HIDDEN}→1, ReLU, SGD, Nesterov momentum; best of {rounds} fits\n")
    print("batch  dtype    MLPClassifier  sklearn_neuron  ratio: median (smallest to largest)")
    print("                µs per step    µs per step")
    for dtype in (np.float64, np.float32):
        for batch_size in BATCH_SIZES:
            n_rows = max(1000, 10 * batch_size)
            epochs = max(1, 3000 * batch_size // n_rows // (1 + batch_size // 150))
            steps = epochs * -(-n_rows // batch_size)
            data = (*make_data(n_rows, dtype), batch_size)
            _, their_curve = fit_sklearn(*data, epochs, shuffle=False)
            _, our_curve = fit_ours(*data, epochs, shuffle=False)
            tolerance = 1e-9 if dtype is np.float64 else 1e-3
            np.testing.assert_allclose(our_curve, their_curve, rtol=tolerance)
            pairs = []
            for _ in range(rounds):
                theirs, _ = fit_sklearn(*data, epochs, shuffle=True)
                ours, _ = fit_ours(*data, epochs, shuffle=True)
                pairs.append((theirs / steps * 1e6, ours / steps * 1e6))
            ratios = [theirs / ours for theirs, ours in pairs]
            theirs, ours = (min(column) for column in zip(*pairs, strict=True))
            print(
                f"{batch_size:5d}  {np.dtype(dtype).name}  {theirs:13.1f}  {ours:14.1f}  "
                f"{statistics.median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
