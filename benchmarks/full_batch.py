"""µs per epoch with all rows in one batch, beside JAX, the documents' loop and MLPClassifier.

The neuron (20 features, 150 to 200,000 rows) and two networks, plain gradient descent, in both
precisions. All start from the same weights, and the loss curves must agree before anything is
timed. JAX compiles all epochs into one call (a scan over the epochs), which is not counted; ours
are whole fits. "of a read" is the time of one read of X over that of an epoch: np.dot(x, x) with x
the flat X reads it once, and computes as much as the neuron's forward pass. At the end the marginal
epoch of ten rows: a fit of 5,000 epochs less one of 1,000.

    python benchmarks/full_batch.py --rows 150,2000 --dtypes float32
"""

import _common  # first: it sets the number of threads

# isort: split
import statistics

import _documents
import _networks
import numpy as np

NEURON, NETWORKS = (20, 1), {"20-100-1": (20, 100, 1), "784-128-10": (784, 128, 10)}
CHOICES = {
    "jobs": ["neuron", *NETWORKS, "marginal"],
    "rows": [150, 2000, 20_000, 200_000],
    "dtypes": ["float64", "float32"],
}
NETWORK_ROWS = {"20-100-1": (150, 2000, 20_000), "784-128-10": (150, 2000)}
ETA = 0.02
GOALS = {"neuron": 5.0, "20-100-1": 10.0}  # µs of the marginal epoch


def make_job(name, n, dtype):
    sizes = NETWORKS.get(name, NEURON)
    return _networks.make_job(n, sizes, dtype, batch_size=n, eta=ETA)


def document(job):
    """Train by the document's loop, which computes the loss with log(1 - A)."""

    def train(epochs, shuffle=True):  # noqa: ARG001
        w, b = job.coefs[0][:, 0], 0.0
        seconds, train.end = _common.timed(
            lambda: _documents.logistic(job.X, job.y, w, b, job.eta, epochs)
        )
        return seconds, None

    return train


def make_trains(name, job):
    """Return those that take part, with ours."""
    trains = {"compiled": _networks.ours(job, "compiled")}
    if name == "neuron":
        trains["document"] = document(job)
    else:
        trains["MLPClassifier"] = _networks.sklearn(job)
    if _common.installed("jax"):
        trains["JAX"] = _networks.jax_full_batch(job)
    return trains


def assert_agreement(trains, dtype, epochs=20):
    """Assert the same loss curves, and of the document's loop the same weights."""
    curves = {name: train for name, train in trains.items() if name != "document"}
    _networks.assert_same_curves(curves, epochs, _networks.RTOL[dtype])
    if "document" in trains:
        trains["compiled"](epochs)
        trains["document"](epochs)
        (w, b), model = trains["document"].end, trains["compiled"].model
        rtol = _networks.RTOL[dtype]
        np.testing.assert_allclose(model.coef_[0], w, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(model.intercept_[0], b, rtol=rtol, atol=rtol)


def read_time(X, rounds=50):
    """Return the seconds of one read of X, at best."""
    x = X.ravel()
    repeats = max(1, 1_000_000 // x.nbytes)

    def read():
        for _ in range(repeats):
            np.dot(x, x)

    return min(_common.timed(read)[0] for _ in range(rounds)) / repeats


def measure(name, n, dtype, rounds):
    """Return the row of a cell."""
    _common.progress(f"{name}, {n} rows, {dtype}")
    job = make_job(name, n, dtype)
    trains = make_trains(name, job)
    assert_agreement(trains, dtype)
    times = {
        who: [1e6 * seconds for seconds in values]
        for who, values in _networks.time_them(trains, rounds, seconds=0.1, most=20_000).items()
    }
    row = _common.against_best({"job": name, "rows": n, "dtype": dtype}, times, goal=1.0)
    _common.progress(f"    {row['best']} / ours {_common.show(row['best / ours'])} {row['']}")
    if name == "neuron":
        row["of a read"] = 1e6 * read_time(job.X) / statistics.median(times["compiled"])
    return row


def marginal(name, rounds):
    """Return a row: the µs of one more epoch of ten rows."""
    job = make_job(name, 10, "float64")
    train, few, many = _networks.ours(job, "compiled"), 1000, 5000
    jobs = {k: lambda k=k: train(k)[0] for k in (few, many)}
    times = _common.take_turns(jobs, rounds)
    values = [1e6 * (b - a) / (many - few) for a, b in zip(times[few], times[many], strict=True)]
    found, goal = _common.spread(values), GOALS[name]
    return {"ten rows": name, "µs of an epoch": found, "at most": goal} | {
        "": _common.verdict(found.median <= goal)
    }


def check():
    """Assert all agreements on few rows."""
    for name in ("neuron", *NETWORKS):
        for dtype in CHOICES["dtypes"]:
            job = make_job(name, 30, dtype)
            trains = make_trains(name, job) | {"numpy": _networks.ours(job, "numpy")}
            assert_agreement(trains, dtype, epochs=3)
    assert read_time(job.X, rounds=1) > 0.0


def main():
    args = _common.arguments(__doc__, rounds=7, **CHOICES)
    if args.check:
        check()
        _common.agreed()
        return
    report = _common.Report("full_batch", __doc__.splitlines()[0], args)
    for name in args.jobs:
        some = NETWORK_ROWS.get(name, CHOICES["rows"])
        cells = [(n, dtype) for dtype in args.dtypes for n in args.rows if n in some]
        if name != "marginal" and cells:
            rows = [measure(name, *cell, args.rounds) for cell in cells]
            report.table(f"µs per epoch of all rows, {name}", rows)
    if "marginal" in args.jobs:
        report.table("One more epoch", [marginal(name, args.rounds) for name in GOALS])
    report.save()


if __name__ == "__main__":
    main()
