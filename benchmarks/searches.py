"""Seconds of small searches: 75 fits, beside SGDClassifier and MLPClassifier.

iris and breast_cancer after StandardScaler, 5 folds of 15 candidates. The neuron with its defaults
(5 eta × 3 batch sizes) beside SGDClassifier with its own (15 alpha, as it has no batches); the
network beside MLPClassifier, 20 epochs of Adam, 5 eta × 3 batch sizes, the smallest of which is 1.
First, the network and MLPClassifier train one candidate from the same weights in the same order,
and the loss curves must agree; after the searches, our best mean score must not be more than 0.02
below theirs.

    python benchmarks/searches.py --data iris --searches neuron
"""

import _common  # first: it sets the number of threads
import _networks
import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier

DATA = {"iris": load_iris, "breast_cancer": load_breast_cancer}
CHOICES = {"data": list(DATA), "searches": ["neuron", "network"]}
GOALS = {"neuron": 1.0, "network": 20.0}
EPOCHS, HIDDEN, CLOSE = 20, (100,), 0.02


def pairs(rate, etas):
    return {rate: etas, "batch_size": [1, 8, 32]}


def searches(kind, epochs=EPOCHS):
    """Return for each contestant its estimator and its 15 candidates; ours is the first."""
    if kind == "neuron":
        return {
            "ours": (
                LogisticNeuronClassifier(random_state=0),
                pairs("eta", [0.01, 0.03, 0.1, 0.3, 1.0]),
            ),
            "SGDClassifier": (
                SGDClassifier(loss="log_loss", random_state=0),
                {"alpha": list(np.logspace(-6, -1, 15))},
            ),
        }
    etas = [0.0003, 0.001, 0.002, 0.003, 0.01]
    exactly = {"max_iter": epochs, "n_iter_no_change": 10**6, "random_state": 0}
    return {
        "ours": (ManualMLPClassifier(HIDDEN, **exactly | {"tol": None}), pairs("eta", etas)),
        "MLPClassifier": (
            MLPClassifier(HIDDEN, alpha=0.0, **exactly),
            pairs("learning_rate_init", etas),
        ),
    }


def run(model, candidates, X, y, scores, name):
    """Return the seconds of a search; keep its best mean score."""
    search = GridSearchCV(model, candidates, cv=5, refit=False, error_score="raise")
    seconds, _ = _common.timed(lambda: search.fit(X, y))
    scores[name] = search.best_score_
    return seconds


def load(name):
    X, y = DATA[name](return_X_y=True)
    return StandardScaler().fit_transform(X), y


def assert_same_candidate(X, y, epochs):
    """Assert that one candidate's loss curves agree, from the same weights without shuffling."""
    n, n_outputs = len(X) // 8 * 8, len(set(y)) if len(set(y)) > 2 else 1
    X, y = X[-n:], y[-n:]
    start = _networks.make_job(8, (X.shape[1], *HIDDEN, n_outputs), np.float64, 8, 0.003)
    job = start._replace(X=X, y=y - y.min(), optimizer="adam")
    trains = {"MLPClassifier": _networks.sklearn(job), "ours": _networks.ours(job, "compiled")}
    _networks.assert_same_curves(trains, epochs, rtol=1e-8)


def assert_no_worse(scores):
    """Assert that our best score is not far below theirs (one against the rest may be lower)."""
    (theirs, other) = next(item for item in scores.items() if item[0] != "ours")
    mine = scores["ours"]
    assert mine >= other - CLOSE, f"best scores: ours {mine:.3f}, {theirs} {other:.3f}"


def measure(data, kind, rounds):
    """Return a row."""
    _common.progress(f"{data}, {kind}")
    X, y = load(data)
    if kind == "network":
        assert_same_candidate(X, y, epochs=5)
    scores = {}
    jobs = {
        name: lambda name=name, what=what: run(*what, X, y, scores, name)
        for name, what in searches(kind).items()
    }
    times = _common.take_turns(jobs, rounds)
    assert_no_worse(scores)
    head = {"data": data, "search": kind}
    row = _common.against_best(head, times, GOALS[kind], ours="ours")
    return row | {f"score of {who}": f"{score:.3f}" for who, score in scores.items()}


def check():
    """Assert the same on a few candidates."""
    X, y = load("iris")
    assert_same_candidate(X, y, epochs=2)
    scores = {}
    for name, (model, candidates) in searches("neuron").items():
        few = {key: v[len(v) // 2 :][:2] for key, v in candidates.items()}
        run(model, few, X, y, scores, name)
    assert_no_worse(scores)


def main():
    args = _common.arguments(__doc__, rounds=3, **CHOICES)
    if args.check:
        check()
        _common.agreed()
        return
    report = _common.Report("searches", __doc__.splitlines()[0], args)
    for kind in args.searches:
        rows = [measure(data, kind, args.rounds) for data in args.data]
        report.table(f"Seconds of 75 fits and their scores, {kind}", rows)
    report.save()


if __name__ == "__main__":
    main()
