"""Time and memory of a fit against rows, columns, depth and epochs, and of predict against rows.

A slope is the fitted exponent of a power law: 1 means that doubling the size doubles the time.
Memory is the peak of a call's allocations through Python and NumPy, excluding X and y, measured
with tracemalloc in a separate run; buffers allocated inside compiled code are not included. Before
predict is timed, MLPClassifier is given the same weights and must make the same predictions.

    python benchmarks/scaling.py
"""

import _common  # first: it sets the number of threads

# isort: split
import tracemalloc
from functools import partial

import numpy as np
from sklearn.neural_network import MLPClassifier

from sklearn_neuron import ManualMLPClassifier, config_context

BASE = {"rows": 4_000, "columns": 20, "depth": 1, "epochs": 5}
GRID = {
    "rows": (1_000, 4_000, 16_000, 64_000),
    "columns": (10, 40, 160, 640),
    "depth": (1, 2, 4, 8),
    "epochs": (5, 10, 20, 40),
}
BATCHES = {"32": 32, "all rows": None}
UNITS, PREDICTED = 50, (10_000, 100_000, 1_000_000)


def make_data(n, p):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, p))
    return X, (X[:, 0] + rng.normal(size=n) > 0).astype(int)


def peak(job):
    """Return the MB that a call allocates at its peak."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        job()
        return (tracemalloc.get_traced_memory()[1] - before) / 1e6
    finally:
        tracemalloc.stop()


def slope(sizes, values):
    """Return the exponent of the power law through the points."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def fits(what, batch_size, rounds):
    """Return a row for each size of what grows."""
    rows = []
    for size in GRID[what]:
        job = BASE | {what: size}
        X, y = make_data(job["rows"], job["columns"])
        model = ManualMLPClassifier(
            (UNITS,) * job["depth"],
            batch_size=batch_size,
            solver="sgd",
            max_iter=job["epochs"],
            tol=None,
            random_state=0,
        )
        with config_context(engine="compiled"):  # whatever the size: slopes are of one engine
            fit = partial(model.fit, X, y)
            fit()  # warms up
            seconds = [_common.timed(fit)[0] for _ in range(rounds)]
            megabytes = peak(fit)
        engine = _common.engine_of(model)
        rows.append(
            {what: size, "fit, ms": _common.spread([1e3 * s for s in seconds])}
            | {"peak MB": megabytes, "X and y, MB": (X.nbytes + y.nbytes) / 1e6, "engine": engine}
        )
    return rows


def slopes_of(what, rows):
    sizes = [row[what] for row in rows]
    return {
        "time": slope(sizes, [row["fit, ms"].median for row in rows]),
        "memory": slope(sizes, [row["peak MB"] for row in rows]),
    }


def predictors(p, hidden, seed=0):
    """Return our network, trained a little, and MLPClassifier with the same weights."""
    X, y = make_data(2_000, p)
    ours = ManualMLPClassifier((hidden,), max_iter=2, tol=None, random_state=seed).fit(X, y)
    theirs = MLPClassifier((hidden,), max_iter=1, random_state=seed).fit(X, y)
    theirs.coefs_, theirs.intercepts_ = ours.coefs_, ours.intercepts_
    return ours, theirs


def assert_same_predictions(ours, theirs, X):
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def predictions(rounds):
    """Return a row for each number of rows."""
    rows, (ours, theirs) = [], predictors(20, 100)
    for n in PREDICTED:
        _common.progress(f"predict, {n} rows")
        X, _ = make_data(n, 20)
        assert_same_predictions(ours, theirs, X[:100_000])
        jobs = {
            name: lambda m=m, X=X: 1e3 * _common.timed(lambda: m.predict(X))[0]
            for name, m in (("theirs", theirs), ("ours", ours))
        }
        times = _common.take_turns(jobs, rounds)
        memory = {name: peak(lambda m=m, X=X: m.predict(X)) for name, m in
                  (("theirs", theirs), ("ours", ours))}  # fmt: skip
        rows.append(
            {"rows": n}
            | {f"{name}, ms": _common.spread(values) for name, values in times.items()}
            | {f"{name}, MB": value for name, value in memory.items()}
            | {"time, ratio": _common.ratios(times["theirs"], times["ours"])}
            | {"memory, ratio": memory["theirs"] / memory["ours"]}
        )
    return rows


def main():
    args = _common.arguments(__doc__, rounds=5)
    if args.check:
        assert_same_predictions(*predictors(20, 100), make_data(1_000, 20)[0])
        assert abs(slope([1, 2, 4], [3.0, 12.0, 48.0]) - 2.0) < 1e-12
        _common.agreed()
        return
    report = _common.Report("scaling", __doc__.splitlines()[0], args)
    report.say(f"ManualMLPClassifier, {UNITS} units a layer, sgd; where it does not grow: {BASE}")
    slopes = []
    for batches, batch_size in BATCHES.items():
        for what in GRID:
            _common.progress(f"{what}, batches of {batches}")
            rows = fits(what, batch_size, args.rounds)
            report.table(f"Fits against {what}, batches of {batches}", rows)
            slopes.append({"slope against": what, "batches of": batches} | slopes_of(what, rows))
    report.table("Slopes", slopes)
    rows = predictions(args.rounds)
    report.table("predict, 20 features, hidden (100,): MLPClassifier (theirs) and ours", rows)
    report.save()


if __name__ == "__main__":
    main()
