"""Training on a Dask cluster: gradients per second of one and of two workers, and round trips.

Workers are processes of one thread each, and each is tied to a core of its own; the scheduler and
the client share the first one's. A gradient is that of L-BFGS over all samples, and ``rows`` is
chosen so that it takes long enough. The script first asserts that both end at the same parameters.
A round trip is tasks without work, from the client and back: one for each worker, and many, which
tell what each further task costs the scheduler and the client.

    python benchmarks/dask_scaling.py --seconds 0.5,1.0
"""

import _common  # first: it sets the number of threads
import _dask  # noqa: F401

# isort: split
import contextlib
import os
import time

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait
from sklearn.base import clone

import sklearn_neuron.dask
from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier

FEATURES, CHUNKS, ITERATIONS = 50, 8, 6
ESTIMATORS = {
    "network (100,)": (ManualMLPClassifier((100,), random_state=0), 30_000),
    "neuron, 10 classes": (LogisticNeuronClassifier(), 200_000),
}


def tied(number):
    """Tie the process that calls it to a core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


@contextlib.contextmanager
def workers(n):
    """Start so many worker processes, each on a core of its own; return a client."""
    with (
        LocalCluster(
            n_workers=n,
            threads_per_worker=1,
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(n)
        for number, address in enumerate(sorted(client.nthreads())):
            client.run(tied, number, workers=[address])
        yield client


def samples(rows):
    """Return samples that workers make."""
    chunks = -(-rows // CHUNKS)
    X = da.random.default_rng(0).normal(size=(rows, FEATURES), chunks=(chunks, FEATURES))
    return X, (X[:, :10] + X[:, 10:20] * X[:, 20:30]).argmax(axis=1)


def trained(estimator, rows, iterations=ITERATIONS):
    """Return the seconds between the first and the last iteration, their number, and the fit."""
    X, y = (each.persist() for each in samples(rows))
    wait([X, y])
    ends = []
    estimator = clone(estimator).set_params(solver="lbfgs", max_iter=iterations, tol=None)
    plain = sklearn_neuron.dask._objective.SummedObjective.value_and_gradient

    def noted(self, theta):
        result = plain(self, theta)
        ends.append(time.perf_counter())
        return result

    sklearn_neuron.dask._objective.SummedObjective.value_and_gradient = noted
    try:
        sklearn_neuron.dask.fit(estimator, X, y)
    finally:
        sklearn_neuron.dask._objective.SummedObjective.value_and_gradient = plain
    return np.diff(ends), estimator  # without the first: what workers make once is in it


def theta_of(model):
    layers = getattr(model, "coefs_", None) or [model.coef_]
    return np.concatenate([np.ravel(layer) for layer in layers])


def gradients(n, estimator, rows):
    with workers(n):
        return trained(estimator, rows)


def round_trips(n, tasks, times=60):
    """Return a row with the milliseconds of tasks without work."""
    with workers(n) as client:
        took = []
        for _ in range(times):
            start = time.perf_counter()
            client.gather(client.map(abs, range(tasks), pure=False))
            took.append(1e3 * (time.perf_counter() - start))
    return {"workers": n, "tasks": tasks, "ms": _common.spread(took[times // 10 :])}


def compared(name, seconds, rounds):
    """Return a row for gradients that take so long on one worker."""
    estimator, rows = ESTIMATORS[name]
    took, _ = gradients(1, estimator, rows)
    rows = int(rows * seconds / np.median(took))
    times = {1: [], 2: []}
    for _ in range(rounds):
        thetas = []
        for n, values in times.items():
            _common.progress(f"{name}, {rows} rows, {n} workers")
            took, model = gradients(n, estimator, rows)
            values.append(float(np.median(took)))
            thetas.append(theta_of(model))
        np.testing.assert_allclose(thetas[1], thetas[0], rtol=1e-6, atol=1e-8)
    return (
        {"estimator": name, "rows": rows}
        | {f"{n} workers, s": _common.spread(values) for n, values in times.items()}
        | {"1 / 2": _common.ratios(times[1], times[2])}
    )


def main():
    args = _common.arguments(__doc__, rounds=3, seconds=(0.5, 1.0))
    if args.check:
        estimator = ESTIMATORS["network (100,)"][0]
        found = [theta_of(gradients(n, estimator, 2_000)[1]) for n in (1, 2)]
        np.testing.assert_allclose(found[1], found[0], rtol=1e-8, atol=1e-10)
        _common.agreed()
        return
    report = _common.Report("dask_scaling", __doc__.splitlines()[0], args)
    report.table(
        "A round trip without work, ms",
        [round_trips(1, 1), round_trips(2, 2), round_trips(2, 100), round_trips(2, 1000)],
    )
    rows = [compared(name, s, args.rounds) for name in ESTIMATORS for s in args.seconds]
    for row in rows:
        row |= {"goal": 1.7, "": _common.verdict(row["1 / 2"].median >= 1.7)}
    report.table(f"A gradient over all samples of {FEATURES} features, L-BFGS", rows)
    report.save()


if __name__ == "__main__":
    main()
