"""ns per sample and epoch of one neuron, beside SGDClassifier, JAX and the documents' loops.

First, all must reach the same coefficients or loss curve with the samples in the same order. Then
whole fits with shuffled samples are timed. SGDClassifier applies the penalty before the step of the
sample, w ← (1 − η α) w − η g, with g at the old w. This equals our w − η (g + α w). On sparse
samples it moves the intercept by a hundredth of its gradient. There its coefficients are therefore
compared on a dense copy of some samples, restricted to the columns that these samples use.

    python benchmarks/neuron.py
"""

import _common  # first: it sets the number of threads
import _documents
import _networks
import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier

from sklearn_neuron import LogisticNeuronClassifier, SigmoidNeuronRegressor, config_context

ALPHA = 1e-4
# shape of X, non-zeros of a row (None: dense), η
ROWS = {
    "20 dense": ((20_000, 20), None, 0.01),
    "784 dense": ((2_000, 784), None, 0.001),
    "100,000 sparse": ((2_000, 100_000), 100, 0.1),
}


# ---- one row at a time, beside SGDClassifier -------------------------------------------------


def words(rng, p, m):
    """Return m different columns of p, sorted; the first ones are the frequent ones."""
    drawn = np.unique((p * rng.uniform(size=3 * m) ** 3).astype(np.int32))
    return np.sort(rng.permutation(drawn)[:m])


def make_rows(shape, nonzeros):
    """Return X, dense or CSR with columns as frequent as words, and y."""
    rng = np.random.RandomState(0)
    n, p = shape
    if nonzeros is None:
        X = rng.normal(size=shape)
    else:
        X = sparse.csr_array(
            (
                rng.uniform(0.05, 0.2, size=n * nonzeros),
                np.concatenate([words(rng, p, nonzeros) for _ in range(n)]),
                np.arange(0, n * nonzeros + 1, nonzeros, dtype=np.int32),  # what scikit-learn takes
            ),
            shape=shape,
        )
    return X, (X @ rng.normal(size=p) + 0.1 * rng.normal(size=n) > 0).astype(int)


def our_fit(X, y, eta, alpha, engine):
    def train(epochs, shuffle=True):
        model = LogisticNeuronClassifier(
            eta=eta, batch_size=1, alpha=alpha, max_iter=epochs, tol=None, shuffle=shuffle,
            random_state=0,
        )  # fmt: skip
        with config_context(engine=engine):
            seconds, train.model = _common.timed(lambda: model.fit(X, y))
        return seconds

    return train


def their_fit(X, y, eta, alpha):
    def train(epochs, shuffle=True):
        penalty = {"penalty": "l2", "alpha": alpha} if alpha else {"penalty": None}
        model = SGDClassifier(
            loss="log_loss", learning_rate="constant", eta0=eta, **penalty, max_iter=epochs,
            tol=None, shuffle=shuffle, random_state=0,
        )  # fmt: skip
        seconds, train.model = _common.timed(lambda: model.fit(X, y))
        return seconds

    return train


def assert_same_coefficients(X, y, eta, alpha, epochs=5):
    columns, theirs_X = np.arange(X.shape[1]), X
    if sparse.issparse(X):
        X, y = X[:200], y[:200]
        columns = np.unique(X.indices)
        theirs_X = X[:, columns].toarray()
    theirs = their_fit(theirs_X, y, eta, alpha)
    theirs(epochs, shuffle=False)
    for engine in _common.ENGINES:
        ours = our_fit(X, y, eta, alpha, engine)
        ours(epochs, shuffle=False)
        coef = ours.model.coef_
        scale = np.abs(theirs.model.coef_).max()
        np.testing.assert_allclose(
            coef[:, columns], theirs.model.coef_, rtol=1e-9, atol=1e-10 * scale
        )
        np.testing.assert_allclose(
            ours.model.intercept_, theirs.model.intercept_, rtol=1e-9, atol=1e-10 * scale
        )
        assert np.count_nonzero(coef) <= len(columns)  # the other columns stay at zero


def beside_sgd(rounds):
    """Return a row for each kind of data and penalty."""
    table = []
    for name, (shape, nonzeros, eta) in ROWS.items():
        X, y = make_rows(shape, nonzeros)
        for alpha in (0.0, ALPHA):
            _common.progress(f"SGDClassifier, {name}, alpha={alpha}")
            assert_same_coefficients(X[:2000], y[:2000], eta, alpha)
            trains = {"SGDClassifier": their_fit(X, y, eta, alpha)}
            trains |= {engine: our_fit(X, y, eta, alpha, engine) for engine in _common.ENGINES}
            times = per_sample(trains, len(y), rounds)
            row = {"features": name, "penalty": "l2" if alpha else "none"}
            table.append(_common.with_ratios(row, times, trains["compiled"].model))
    return table


def per_sample(trains, n, rounds, epochs=None):
    """Return for each the ns per sample and epoch, round by round.

    Where the number of epochs is given, fits are short, and a measure is the best of twenty.
    """

    def job(train):
        k, repeats = (epochs, 20) if epochs else (_common.epochs_for(train), 1)
        return lambda: min(train(k) for _ in range(repeats)) / k / n * 1e9

    return _common.take_turns({name: job(train) for name, train in trains.items()}, rounds)


# ---- batches, beside JAX ---------------------------------------------------------------------


def jax_job(batch_size, n_rows=20_000):
    return _networks.make_job(n_rows, (20, 1), np.float64, batch_size, eta=0.01)


def jax_trains(job):
    trains = {"JAX": _networks.jax_scan(job)}
    return trains | {engine: _networks.ours(job, engine) for engine in _common.ENGINES}


def beside_jax(rounds):
    """Return a row for each batch size."""
    table = []
    for batch_size in (1, 8, 32, 200, 1000):
        _common.progress(f"JAX, batch {batch_size}")
        job = jax_job(batch_size)
        trains = jax_trains(job)
        _networks.assert_same_curves(trains, 3, 1e-9)
        times = {
            name: [seconds / len(job.X) * 1e9 for seconds in values]
            for name, values in _networks.time_them(trains, rounds).items()
        }
        row = {"batch": batch_size}
        table.append(_common.with_ratios(row, times, trains["compiled"].model))
    return table


# ---- the documents' own loops ----------------------------------------------------------------


def documents(small=False):
    """Return for each loop: the function, its X, y, w, η, our estimator, epochs (None: many)."""
    n = 50 if small else 2000
    X, y = make_rows((n, 20), None)
    full = {"batch_size": None, "tol": None, "shuffle": False}
    single = full | {"batch_size": 1}
    zeros = np.zeros(20)
    d, regressor, classifier = _documents, SigmoidNeuronRegressor, LogisticNeuronClassifier
    basics = d.X_BASICS[:, None], d.Y_BASICS, np.array([-2.0])
    return {
        "stochastic, 6×1": (d.stochastic, *basics, 0.9, regressor(**single), 10),
        f"stochastic, {n}×20": (d.stochastic, X, y, zeros, 0.01, regressor(**single), None),
        "full batch, 3×2": (
            d.full_batch, d.X_SINGLE, d.Y_SINGLE, np.array([0.1, -0.2]), 0.1, regressor(**full), 10,
        ),
        f"full batch, {n}×20": (d.full_batch, X, y, zeros, 0.1, regressor(**full), None),
        f"logistic, {n}×20": (d.logistic, X, y, zeros, 0.1, classifier(**full), None),
    }  # fmt: skip


def document_trains(loop, X, y, w, eta, model):
    """Return the document's loop and ours, from the same start."""

    def theirs(epochs):
        seconds, theirs.end = _common.timed(lambda: loop(X, y, w, 1.0, eta, epochs))
        return seconds

    def make_ours(engine):
        def ours(epochs):
            ours.model = clone(model).set_params(eta=eta, max_iter=epochs)
            start = {"coef_init": w, "intercept_init": 1.0}
            with config_context(engine=engine):
                seconds, _ = _common.timed(lambda: ours.model.fit(X, y, **start))
            return seconds

        return ours

    return {"document": theirs} | {engine: make_ours(engine) for engine in _common.ENGINES}


def assert_documents_agree(trains, epochs=10):
    trains["document"](epochs)
    w, b = trains["document"].end
    for engine in _common.ENGINES:
        trains[engine](epochs)
        model = trains[engine].model
        np.testing.assert_allclose(np.ravel(model.coef_), w, rtol=1e-9)
        np.testing.assert_allclose(np.ravel(model.intercept_)[0], b, rtol=1e-9)


def beside_documents(rounds):
    """Return a row for each loop; the documents' own data for as many epochs as they run."""
    table = []
    for name, (*what, epochs) in documents().items():
        _common.progress(f"document, {name}")
        trains = document_trains(*what)
        assert_documents_agree(trains)
        times = per_sample(trains, len(what[2]), rounds, epochs)
        row = {"loop": name, "epochs": epochs or "many"}
        table.append(_common.with_ratios(row, times, trains["compiled"].model))
    return table


def check():
    """Assert all agreements on less data."""
    for (n, p), nonzeros, eta in ROWS.values():
        X, y = make_rows((min(n, 100), min(p, 2000)), nonzeros)
        for alpha in (0.0, ALPHA):
            assert_same_coefficients(X, y, eta, alpha, epochs=3)
    if _common.installed("jax"):
        for batch_size in (8,):
            _networks.assert_same_curves(jax_trains(jax_job(batch_size, 80)), 2, 1e-9)
    for *what, _ in documents(small=True).values():
        assert_documents_agree(document_trains(*what), epochs=3)


def main():
    args = _common.arguments(__doc__, rounds=5)
    if args.check:
        check()
        _common.agreed()
        return
    report = _common.Report("neuron", __doc__.splitlines()[0], args)
    report.compare("One row at a time, beside SGDClassifier, ns", beside_sgd(args.rounds))
    if _common.installed("jax"):
        report.compare("20 features in batches, beside JAX, ns", beside_jax(args.rounds))
    report.compare("Beside the documents' own loops, ns", beside_documents(args.rounds))
    report.save()


if __name__ == "__main__":
    main()
