"""Training on a Dask cluster against one machine: the loss on other samples after each epoch.

A network on 6,000 samples of 20 features: on one machine, with local epochs that are averaged, and
with synchronous mini-batches. A last line is local epochs on samples that are sorted by class: the
worst that can be done to them. The workers share this process, as only losses are measured. The
script first asserts that full batches, which are exact, agree.

    python benchmarks/dask_convergence.py --save  # also draws docs/_static/dask_convergence.png
"""

import _common  # first: it sets the number of threads
import _dask  # noqa: F401

# isort: split
from pathlib import Path

import dask.array as da
import matplotlib as mpl
import numpy as np
from distributed import Client, LocalCluster
from sklearn.base import clone
from sklearn.datasets import make_classification

import sklearn_neuron.dask
from sklearn_neuron import ManualMLPClassifier

mpl.use("Agg")
from matplotlib import pyplot as plt

OUTPUT = Path(__file__).parents[1] / "docs" / "_static" / "dask_convergence.png"
WORKERS = (2, 8)
#: name → colour (Okabe and Ito's), marker
LINES = {
    "one machine": ("#000000", "o"),
    "synchronous, 2 workers": ("#56B4E9", "D"),
    "local, 2 workers": ("#009E73", "s"),
    "local, 8 workers": ("#D55E00", "^"),
    "local, 8 workers, sorted by class": ("#CC79A7", "v"),
}


def make_data(n):
    """Return samples for training and for testing."""
    X, y = make_classification(
        2 * n, 20, n_informative=12, n_classes=3, class_sep=0.8, flip_y=0.02, random_state=0
    )
    return X[:n], y[:n], X[n:], y[n:]


def network(epochs, **params):
    how = {"early_stopping": False, "tol": None, "random_state": 0, "schedule": "constant"}
    return ManualMLPClassifier((32,), max_iter=epochs, **{"batch_size": 64, **how, **params})


def workers(n):
    """Return a cluster of so many workers in this process."""
    return LocalCluster(
        n_workers=n,
        threads_per_worker=1,
        processes=False,
        dashboard_address=":0",
        protocol="inproc://",
    )


def spread_over(n, X, y):
    """Return X and y in as many blocks as there are workers."""
    chunks = -(-len(X) // n)
    return da.from_array(X, chunks=(chunks, -1)), da.from_array(y, chunks=chunks)


def fits(n, epochs):
    """Return the fitted network of each line."""
    X, y, X_test, y_test = make_data(n)
    held = {"X_val": X_test, "y_val": y_test}  # the loss of each round is that of all workers
    order = np.argsort(y, kind="stable")
    found = {"one machine": network(epochs).fit(X, y, **held)}
    for k in WORKERS:
        with workers(k) as cluster, Client(cluster):
            _common.progress(f"{k} workers")
            blocks = spread_over(k, X, y)
            found[f"local, {k} workers"] = sklearn_neuron.dask.fit(network(epochs), *blocks, **held)
            if k == WORKERS[0]:
                found[f"synchronous, {k} workers"] = sklearn_neuron.dask.fit(
                    network(epochs), *blocks, mini_batches="synchronous", **held
                )
            else:
                blocks = spread_over(k, X[order], y[order])
                name = f"local, {k} workers, sorted by class"
                found[name] = sklearn_neuron.dask.fit(network(epochs), *blocks, **held)
    return {name: found[name] for name in LINES}


def assert_exact_methods_agree(n):
    """Assert that full batches end at the same parameters."""
    X, y, *_ = make_data(n)
    exact = network(5, batch_size=None)
    one = clone(exact).fit(X, y)
    with workers(2) as cluster, Client(cluster):
        many = sklearn_neuron.dask.fit(clone(exact), *spread_over(2, X, y))
    for ours, theirs in zip(many.coefs_, one.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(many.loss_curve_, one.loss_curve_, rtol=1e-12)


def draw(found):
    """Draw the losses, with the names right of the lines."""
    figure, ax = plt.subplots(figsize=(7.2, 4.2), dpi=150, layout="constrained")
    for name, model in found.items():
        colour, marker = LINES[name]
        curve = model.validation_loss_curve_
        ax.plot(
            np.arange(1, len(curve) + 1),
            curve,
            color=colour,
            marker=marker,
            markevery=0.1,
            ms=5,
            label=name,
        )
    ax.set(xlabel="epoch, or round of local epochs", ylabel="loss on other samples", yscale="log")
    ax.set_yticks([0.3, 0.4, 0.6, 0.8, 1.0, 1.4], ["0.3", "0.4", "0.6", "0.8", "1", "1.4"])
    ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    figure.savefig(OUTPUT)


def main():
    args = _common.arguments(__doc__, rounds=1)
    assert_exact_methods_agree(1_000)
    if args.check:
        found = fits(1_000, 3)
        assert all(model.n_iter_ == 3 for model in found.values())
        _common.agreed()
        return
    report = _common.Report("dask_convergence", __doc__.splitlines()[0], args)
    n, epochs = 6_000, 40
    X, y = make_data(n)[2:]
    found = fits(n, epochs)
    best = min(found["one machine"].validation_loss_curve_)
    rows = []
    for name, model in found.items():
        curve = model.validation_loss_curve_
        reached = np.flatnonzero(np.asarray(curve) <= 1.1 * best)
        rows.append(
            {"way": name}
            | {f"loss after {k}": float(curve[k - 1]) for k in (1, 5, 10, 20, 40)}
            | {"epochs to 1.1 × the least": int(reached[0]) + 1 if len(reached) else None}
            | {"best accuracy": float(model.score(X, y))}
        )
    report.table(f"ManualMLPClassifier (32,), {n} samples, batches of 64, Adam", rows)
    report.save()
    if args.save:
        draw(found)


if __name__ == "__main__":
    main()
