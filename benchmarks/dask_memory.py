"""Training on a Dask cluster on more data than one worker may have in memory.

Two worker processes, and samples that neither could hold, which workers make block by block. The
peak is that of each process, measured by the system; the limit is what its keeper ends it at. On
a little data the script asserts that the result is that of one machine.

    python benchmarks/dask_memory.py
"""

import _common  # first: it sets the number of threads
import _dask  # noqa: F401

# isort: split
import resource

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster
from sklearn.base import clone

import sklearn_neuron.dask
from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier

FEATURES, LIMIT = 100, 1_300_000_000
ESTIMATORS = {
    "neuron, newton": LogisticNeuronClassifier(solver="newton", alpha=1e-4),
    "neuron, lbfgs": LogisticNeuronClassifier(solver="lbfgs", alpha=1e-4),
    "network (16,), local epochs": ManualMLPClassifier(
        (16,), early_stopping=False, max_iter=3, tol=None, random_state=0
    ),
    "network (16,), lbfgs": ManualMLPClassifier((16,), solver="lbfgs", max_iter=5, tol=None,
                                                early_stopping=False, random_state=0),
}  # fmt: skip


def workers():
    return LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=LIMIT,
        host="127.0.0.1",
        dashboard_address=":0",
    )


def samples(n):
    """Return samples in blocks of 8 MB."""
    X = da.random.default_rng(0).normal(size=(n, FEATURES), chunks=(10_000, FEATURES))
    return X, (X[:, :10].sum(axis=1) + X[:, 0] * X[:, 1] > 0).astype(np.int64)


def peak():
    """Return the most memory that the process that calls it has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def row_of(name, n):
    """Return a row for an estimator, on a cluster of its own."""
    with workers() as cluster, Client(cluster) as client:
        client.run(__import__, "sklearn_neuron.dask")
        before = max(client.run(peak).values())
        X, y = samples(n)
        model = clone(ESTIMATORS[name])
        seconds, _ = _common.timed(lambda: sklearn_neuron.dask.fit(model, X, y))
        peaks = client.run(peak).values()
    return {
        "estimator": name,
        "X, MB": X.nbytes / 1e6,
        "limit, MB": LIMIT / 1e6,
        "worker before, MB": before,
        "peak, MB": max(peaks),
        "rounds": model.n_iter_,
        "seconds": seconds,
        "X / limit": X.nbytes / LIMIT,
    }


def main():
    args = _common.arguments(__doc__, rounds=1)
    if args.check:
        with workers() as cluster, Client(cluster):
            X, y = samples(20_000)
            model = ESTIMATORS["neuron, newton"]
            many = sklearn_neuron.dask.fit(clone(model), X, y)
            one = clone(model).fit(X.compute(), y.compute())
        np.testing.assert_allclose(many.coef_, one.coef_, rtol=1e-9)
        _common.agreed()
        return
    report = _common.Report("dask_memory", __doc__.splitlines()[0], args)
    rows = []
    for name in ESTIMATORS:
        _common.progress(name)
        rows.append(row_of(name, 1_650_000))
    report.table("Two workers, one thread each; peaks are of the larger one", rows)
    report.save()


if __name__ == "__main__":
    main()
