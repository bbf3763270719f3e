"""ms per epoch on sparse samples of 1,000 to 100,000 columns, one neuron and a network of 32 units.

50 non-zeros a row, no penalty. An update need not cost more for more columns, although momentum and
Adam move the weights of all features: those of a feature that no sample of the batch has are
brought up to date when they are read. First, the compiled core must reach the coefficients of
NumPy, which moves all weights at every update. Then epochs of whole fits are timed, and compared
with those of the fewest columns. There is no peer: torch's SparseAdam lets weights stand still, and
so is another optimizer.

    python benchmarks/sparse.py
"""

import _common  # first: it sets the number of threads
import numpy as np
from scipy import sparse
from sklearn.base import clone

from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    config_context,
)

COLUMNS, BATCHES, NONZEROS, ROWS, EPOCHS = (1_000, 10_000, 100_000), (32, 1), 50, 4_000, 16
SOLVERS = {"sgd": SGD(), "momentum": SGD(momentum=0.9), "adam": Adam()}
MODELS = {
    "neuron": LogisticNeuronClassifier(eta=0.001),
    "network": ManualMLPClassifier((32,), eta=0.001),
}


def make_rows(n, p, nonzeros=NONZEROS):
    """Return CSR samples, each with different columns, and y."""
    rng = np.random.RandomState(0)
    columns = rng.randint(p // nonzeros, size=(n, nonzeros)) + p // nonzeros * np.arange(nonzeros)
    starts = np.arange(0, n * nonzeros + 1, nonzeros)
    X = sparse.csr_array((rng.normal(size=n * nonzeros), columns.ravel(), starts), shape=(n, p))
    return X, (X @ rng.normal(size=p) > 0).astype(int)


def trained(name, X, y, solver, batch_size, epochs, engine="compiled"):
    """Return the seconds of a fit, and the model."""
    model = clone(MODELS[name]).set_params(
        solver=SOLVERS[solver], batch_size=batch_size, max_iter=epochs, tol=None, random_state=0
    )
    with config_context(engine=engine):
        return _common.timed(lambda: model.fit(X, y))


def first_weights(model):
    return model.coefs_[0] if isinstance(model, ManualMLPClassifier) else model.coef_


def assert_agreement(name, solver, batch_size, n=200, p=10_000):
    """Assert that the core and NumPy reach the same weights."""
    X, y = make_rows(n, p, 5)
    both = [trained(name, X, y, solver, batch_size, 3, engine)[1] for engine in _common.ENGINES]
    assert [model.engine_ for model in both] == list(_common.ENGINES)
    fast, plain = map(first_weights, both)
    np.testing.assert_allclose(fast, plain, rtol=1e-10, atol=1e-10 * np.abs(plain).max())


def measure(name, batch_size, rounds):
    """Return a row for each number of columns and solver."""
    _common.progress(f"{name}, batches of {batch_size}")
    data = {p: make_rows(ROWS, p) for p in COLUMNS}

    def ms_of_epoch(p, solver):
        few, many = (trained(name, *data[p], solver, batch_size, n)[0] for n in (1, 1 + EPOCHS))
        return 1e3 * (many - few) / EPOCHS

    jobs = {
        (p, solver): lambda p=p, solver=solver: ms_of_epoch(p, solver)
        for p in COLUMNS
        for solver in SOLVERS
    }
    times = _common.take_turns(jobs, rounds)
    rows = []
    for p in COLUMNS:
        row = {"batch": batch_size, "columns": f"{p:,}"}
        for solver in SOLVERS:
            ratio = _common.ratios(times[p, solver], times[COLUMNS[0], solver])
            row |= {solver: _common.spread(times[p, solver]).median, f"{solver}, ratio": ratio}
        rows.append(row)
    return rows


def main():
    args = _common.arguments(__doc__, rounds=5)
    for name in MODELS:
        for solver in SOLVERS:
            for batch_size in (4, 1):
                assert_agreement(name, solver, batch_size)
    if args.check:
        _common.agreed()
        return
    report = _common.Report("sparse", __doc__.splitlines()[0], args)
    for name in MODELS:
        rows = [row for batch in BATCHES for row in measure(name, batch, args.rounds)]
        title = f"{name}: ms per epoch, and the ratio to that of {COLUMNS[0]:,} columns"
        report.table(title, rows)
    report.save()


if __name__ == "__main__":
    main()
