"""µs per call of partial_fit with blocks of several sizes, beside SGDClassifier.

20 features, one neuron, constant learning rate, no penalty. One sample at a time and without
shuffling, both must reach the same coefficients; in batches the compiled core must reach those of
NumPy. Then a stream of blocks is timed, shuffled inside each block, one sample at a time and with
the default batch size; SGDClassifier always makes an update after each sample.

    python benchmarks/partial_fit.py
"""

import _common  # first: it sets the number of threads
import numpy as np
from sklearn.linear_model import SGDClassifier

from sklearn_neuron import LogisticNeuronClassifier, config_context

BLOCKS, P, ETA, GOAL = (1, 32, 1000, 4000), 20, 0.01, 1.0
DEFAULT = LogisticNeuronClassifier().batch_size
CLASSES = np.array([0, 1])


def make_data(n):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, P))
    return X, (X @ rng.normal(size=P) + 0.5 * rng.normal(size=n) > 0).astype(int)


def our_model(batch_size, shuffle):
    return LogisticNeuronClassifier(eta=ETA, batch_size=batch_size, shuffle=shuffle, random_state=0)


def their_model(shuffle):
    return SGDClassifier(
        loss="log_loss", penalty=None, learning_rate="constant", eta0=ETA, shuffle=shuffle,
        random_state=0,
    )  # fmt: skip


def stream(model, X, y, block, engine="compiled"):
    """Pass all samples through partial_fit, block by block; return the seconds."""
    blocks = [(X[i : i + block], y[i : i + block]) for i in range(0, len(X), block)]

    def run():
        model.partial_fit(*blocks[0], classes=CLASSES)
        for X_block, y_block in blocks[1:]:
            model.partial_fit(X_block, y_block)

    with config_context(engine=engine):
        return _common.timed(run)[0]


def assert_agreement(block, n=200):
    """Assert the same coefficients: as SGDClassifier, and in batches as NumPy."""
    X, y = make_data(n)
    theirs, ours = their_model(shuffle=False), our_model(1, shuffle=False)
    stream(theirs, X, y, block)
    stream(ours, X, y, block)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)
    compiled, plain = our_model(DEFAULT, shuffle=True), our_model(DEFAULT, shuffle=True)
    stream(compiled, X, y, block)
    stream(plain, X, y, block, engine="numpy")
    assert (compiled.engine_, plain.engine_) == ("compiled", "numpy")
    np.testing.assert_allclose(compiled.coef_, plain.coef_, rtol=1e-10)


def measure(block, rounds):
    """Return a row for each of our batch sizes."""
    _common.progress(f"blocks of {block}")
    assert_agreement(block)
    n_blocks = max(5, min(300, 40_000 // block))
    X, y = make_data(block * n_blocks)
    makers = {
        "SGDClassifier": lambda: their_model(shuffle=True),
        "1": lambda: our_model(1, shuffle=True),
        "default": lambda: our_model(DEFAULT, shuffle=True),
    }
    jobs = {
        name: lambda make=make: 1e6 * stream(make(), X, y, block) / n_blocks
        for name, make in makers.items()
    }
    times = _common.take_turns(jobs, rounds)
    return [
        _common.against_best(
            {"rows of a block": block, "batch size": name},
            {"compiled": times[name], "SGDClassifier": times["SGDClassifier"]},
            GOAL,
        )
        for name in ("1", "default")
    ]


def main():
    args = _common.arguments(__doc__, rounds=15)
    if args.check:
        for block in BLOCKS[:2]:
            assert_agreement(block)
        _common.agreed()
        return
    report = _common.Report("partial_fit", __doc__.splitlines()[0], args)
    rows = [row for block in BLOCKS for row in measure(block, args.rounds)]
    report.table("µs per call of partial_fit", rows)
    report.save()


if __name__ == "__main__":
    main()
