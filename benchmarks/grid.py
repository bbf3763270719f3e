"""A whole grid search over eta and batch_size, beside the same one over MLPClassifier.

5 eta × 4 batch sizes × 5 folds, 20 epochs of SGD with Nesterov momentum, one hidden layer of 32,
after StandardScaler. First, both train one cell from the same weights in the same order, and the
loss curves must agree. After each pair of searches, the best mean scores must be within 0.02; a fit
that diverges raises an error. The engine is chosen by the default setting: see the last line of the
output. Then our search is repeated with compiled code throughout, on one thread and on two.

    python benchmarks/grid.py
"""

import _common  # first: it sets the number of threads
import _networks
import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import SGD, ManualMLPClassifier, config_context

DATA = {"breast_cancer": load_breast_cancer, "digits": load_digits}
ETAS = [0.0001, 0.0003, 0.001, 0.003, 0.01]  # MLPClassifier diverges at 0.03 with batches of 1
BATCH_SIZES = [1, 16, 64, 256]
HIDDEN, MOMENTUM = (32,), 0.9


def our_search(epochs, **kwargs):
    model = ManualMLPClassifier(
        HIDDEN, solver=SGD(MOMENTUM, nesterov=True), max_iter=epochs, tol=None, random_state=0
    )
    return search(model, "eta", **kwargs)


def their_search(epochs, **kwargs):
    model = MLPClassifier(
        HIDDEN,
        solver="sgd",
        momentum=MOMENTUM,
        alpha=0.0,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    return search(model, "learning_rate_init", **kwargs)


def search(model, rate, etas=ETAS, batch_sizes=BATCH_SIZES, n_jobs=None):
    step = type(model).__name__.lower()
    return GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {f"{step}__{rate}": etas, f"{step}__batch_size": batch_sizes},
        cv=5,
        n_jobs=n_jobs,
        error_score="raise",
    )


def assert_same_cell(X, y, epochs):
    """Assert that one cell's loss curves agree, from the same weights without shuffling."""
    n = len(X) // 16 * 16
    X, y = StandardScaler().fit_transform(X)[:n], y[:n]
    sizes = (X.shape[1], *HIDDEN, len(set(y)) if len(set(y)) > 2 else 1)
    start = _networks.make_job(16, sizes, np.float64, 16, 0.01, MOMENTUM)
    job = start._replace(X=X, y=y)
    trains = {"MLPClassifier": _networks.sklearn(job), "auto": _networks.ours(job, "auto")}
    _networks.assert_same_curves(trains, epochs, rtol=1e-8)


def engines(X, y):
    """Return which engine computes the fits of each batch size, as the setting is by default."""
    X, chosen = StandardScaler().fit_transform(X), {}
    for batch_size in BATCH_SIZES:
        model = ManualMLPClassifier(
            HIDDEN,
            solver=SGD(MOMENTUM, nesterov=True),
            batch_size=batch_size,
            max_iter=20,
            tol=None,
        )
        chosen[batch_size] = _common.engine_of(model.fit(X, y))
    return ", ".join(f"{engine} at {batch_size}" for batch_size, engine in chosen.items())


def run(make, X, y, engine="auto", n_jobs=None):
    """Return the seconds of a search, and its best mean score."""
    with config_context(engine=engine), joblib.parallel_config(backend="threading"):
        seconds, found = _common.timed(lambda: make(20, n_jobs=n_jobs).fit(X, y))
    run.scores[make.__name__] = found.best_score_
    return seconds


run.scores = {}


def assert_close(scores):
    ours, theirs = scores["our_search"], scores["their_search"]
    assert abs(ours - theirs) <= 0.02, f"best scores {ours:.3f} (ours) and {theirs:.3f} differ"


def measure(name, load, rounds):
    """Return a row of times and scores, and one of ratios."""
    X, y = load(return_X_y=True)
    assert_same_cell(X, y, epochs=5)
    with config_context(engine="compiled"):
        our_search(20).fit(X[:200], y[:200])  # warms up
    jobs = {
        "MLPClassifier": lambda: run(their_search, X, y),
        "ours": lambda: run(our_search, X, y),
        "compiled": lambda: run(our_search, X, y, "compiled"),
        "compiled, n_jobs=2": lambda: run(our_search, X, y, "compiled", n_jobs=2),
    }
    times = _common.take_turns(jobs, rounds)
    assert_close(run.scores)
    row = {"data": name} | {f"{who}, s": _common.spread(v) for who, v in times.items()}
    ours, theirs = (f"{run.scores[make]:.4f}" for make in ("our_search", "their_search"))
    row |= {"our best score": ours, "theirs": theirs}
    peer, auto, one, two = times.values()
    against = {"data": name, "MLPClassifier / ours": _common.ratios(peer, auto)}
    against["compiled: one thread / two threads"] = _common.ratios(one, two)
    return row, against, engines(X, y)


def check():
    """Assert the same on a corner of the grid."""
    for load in DATA.values():
        X, y = load(return_X_y=True)
        assert_same_cell(X, y, epochs=2)
    X, y = load_breast_cancer(return_X_y=True)
    scores = {
        make.__name__: make(5, etas=[0.01], batch_sizes=[16, 64]).fit(X, y).best_score_
        for make in (our_search, their_search)
    }
    assert_close(scores)


def main():
    args = _common.arguments(__doc__, rounds=1)
    if args.check:
        check()
        _common.agreed()
        return
    report = _common.Report("grid", __doc__.splitlines()[0], args)
    rows, against, chosen = [], [], {}
    for name, load in DATA.items():
        _common.progress(name)
        row, ratio, chosen[name] = measure(name, load, args.rounds)
        rows.append(row)
        against.append(ratio)
    report.table("Seconds of a search of 100 fits and one more", rows)
    report.table("Ratios", against)
    report.say("\nEngine by batch size: " + "; ".join(f"{k}: {v}" for k, v in chosen.items()))
    report.save()


if __name__ == "__main__":
    main()
