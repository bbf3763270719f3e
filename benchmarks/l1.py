"""Zeros under an L1 penalty, and the objective, in batches of 1 to 128 and with all rows.

No timing: the share of weights that are exactly zero, and how far the objective is above the
optimum, which LogisticRegression finds with saga. Before anything is shown, one sample at a time in
the same order, the neuron and SGDClassifier must reach the same coefficients, and the neuron with
all rows the optimum.

    python benchmarks/l1.py
"""

import _common  # first: it sets the number of threads

# isort: split
import inspect

import numpy as np
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_wine, make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.preprocessing import scale

from sklearn_neuron import LogisticNeuronClassifier

SOLVERS = {"sgd": 1.0, "adam": 0.1, "rmsprop": 0.1}  # by what the learning rate is multiplied
BATCHES = {1: (0.05, 50), 8: (0.1, 100), 32: (0.3, 300), 128: (0.5, 600), None: (0.5, 2000)}


def synthetic():
    how = {"n_informative": 4, "n_redundant": 0, "random_state": 0}
    X, y = make_classification(400, 60, **how)
    return scale(X), y


def words():
    """Return sparse samples: which of 1,000 words occur; thirty of them count."""
    rng = np.random.RandomState(0)
    X = sparse.random(1000, 1000, 0.03, format="csr", random_state=rng, data_rvs=np.ones)
    w = np.concatenate([rng.normal(scale=3.0, size=30), np.zeros(970)])
    return X, (X @ w + 0.3 * rng.normal(size=1000) > 0).astype(int)


def of_scikit_learn(load):
    X, y = load(return_X_y=True)
    return scale(X), y


#: Data and strength of the penalty.
DATA = {
    "400×60, 4 informative": (synthetic, 0.05),
    "breast_cancer": (lambda: of_scikit_learn(load_breast_cancer), 0.05),
    "wine": (lambda: of_scikit_learn(load_wine), 0.05),
    "1000×1000 CSR": (words, 0.003),
}


def optimum(X, y, alpha):
    """Return the minimum of our objective, by LogisticRegression."""
    how = {"solver": "saga", "C": 1 / (alpha * len(y)), "l1_ratio": 1.0, "random_state": 0}
    if inspect.signature(LogisticRegression).parameters["penalty"].default != "deprecated":
        how["penalty"] = "elasticnet"  # until scikit-learn 1.7
    return LogisticRegression(**how, tol=1e-8, max_iter=50_000).fit(X, y)


def ours(X, y, alpha, batch_size, solver="sgd", **params):
    eta, max_iter = BATCHES[batch_size]
    how = {"eta": SOLVERS[solver] * eta, "max_iter": max_iter, "schedule": "cosine", "tol": None}
    return LogisticNeuronClassifier(
        alpha=alpha, l1_ratio=1.0, batch_size=batch_size, solver=solver, random_state=0,
        **{**how, **params},
    ).fit(X, y)  # fmt: skip


def theirs(X, y, alpha, **params):
    how = {"loss": "log_loss", "penalty": "l1", "tol": None, "random_state": 0, **params}
    return SGDClassifier(alpha=alpha, **how).fit(X, y)


def measured(model, X, y, alpha):
    """Return the share of zeros and the objective; SGDClassifier is one against the rest."""
    zeros = float((model.coef_ == 0).mean())
    if isinstance(model, SGDClassifier) and len(model.classes_) > 2:
        return zeros, None
    z = model.decision_function(X)
    if z.ndim == 1:
        loss = np.logaddexp(0.0, -(2 * y - 1) * z)
    else:
        loss = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]
    return zeros, float(loss.mean() + alpha * np.abs(model.coef_).sum())


def row(title, model, least, X, y, alpha):
    zeros, value = measured(model, X, y, alpha)
    return {"": title, "zeros": zeros, "above the optimum": value and max(0.0, value - least)}


def rows_of(X, y, alpha):
    """Return a row for the optimum, for SGDClassifier and for each of ours."""
    best = optimum(X, y, alpha)
    least = measured(best, X, y, alpha)[1]
    how = (X, y, alpha)
    rows = [row("optimum", best, least, *how)]
    rows.append(row("SGDClassifier", theirs(*how, max_iter=1000), least, *how))
    for solver in SOLVERS:
        for batch_size in BATCHES:
            model = ours(*how, batch_size, solver)
            rows.append(row(f"{solver}, {batch_size or 'all rows'}", model, least, *how))
    return rows


def assert_agreement():
    """Assert the same coefficients as SGDClassifier's, and with all rows the optimum's."""
    (X, y), alpha = synthetic(), 0.05
    same = {"shuffle": False, "max_iter": 5}
    other = theirs(X, y, alpha, learning_rate="constant", eta0=0.05, **same)
    model = ours(X, y, alpha, 1, eta=0.05, schedule="constant", **same)
    np.testing.assert_allclose(model.coef_, other.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(model.coef_ == 0, other.coef_ == 0)
    best, model = optimum(X, y, alpha), ours(X, y, alpha, None)
    np.testing.assert_array_equal(model.coef_ == 0, best.coef_ == 0)
    np.testing.assert_allclose(
        measured(model, X, y, alpha)[1], measured(best, X, y, alpha)[1], rtol=1e-7
    )


def main():
    args = _common.arguments(__doc__, rounds=1)
    assert_agreement()
    if args.check:
        _common.agreed()
        return
    report = _common.Report("l1", __doc__.splitlines()[0], args)
    for name, (load, alpha) in DATA.items():
        _common.progress(name)
        report.table(f"{name}, alpha={alpha}", rows_of(*load(), alpha))
    report.save()


if __name__ == "__main__":
    main()
