"""µs per prediction of one sample and of a hundred, beside scikit-learn.

The opponents are LogisticRegression for a neuron and MLPClassifier for a network (it has no
decision_function). For information, the sigmoid neuron is compared with Ridge, which computes no
sigmoid. The opponents are given our weights, and every answer must agree before anything is timed.
Calls alternate in turns of a hundred. "NumPy" is the time of the logits alone: the products, the
biases and relu, without a look at the input.

    python benchmarks/serving.py
"""

import _common  # first: it sets the number of threads

# isort: split
from typing import NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier

import sklearn_neuron as ours

METHODS = ("predict", "predict_proba", "decision_function")
ROWS, DTYPES, CALLS = (1, 100), (np.float64, np.float32), 100
RTOL = {np.float64: 1e-9, np.float32: 1e-4}
SETTINGS = {"max_iter": 3, "tol": None, "random_state": 0}


class Pair(NamedTuple):
    """A model of ours and its opponent, with the same weights."""

    ours: object
    theirs: object
    coefs: list  # of each layer, as NumPy multiplies by them
    intercepts: list


def make_data(n_features, n_classes, dtype):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(500, n_features)).astype(dtype)
    z = X @ rng.normal(size=(n_features, n_classes))
    return X, z.argmax(axis=1)


def neuron(n_features, n_classes, dtype):
    X, y = make_data(n_features, n_classes, dtype)
    model = ours.LogisticNeuronClassifier(**SETTINGS).fit(X, y)
    theirs = LogisticRegression(max_iter=1).fit(X, y)
    theirs.coef_, theirs.intercept_ = model.coef_, model.intercept_
    return Pair(model, theirs, [model.coef_.T], [model.intercept_])


def regressor(n_features, dtype):
    X, y = make_data(n_features, 2, dtype)
    model = ours.SigmoidNeuronRegressor(**SETTINGS).fit(X, y)
    theirs = Ridge().fit(X, y)
    theirs.coef_, theirs.intercept_ = model.coef_, model.intercept_
    return Pair(model, theirs, [model.coef_], [model.intercept_])


def network(n_features, hidden, n_classes, dtype):
    X, y = make_data(n_features, n_classes, dtype)
    model = ours.ManualMLPClassifier((hidden,), **SETTINGS).fit(X, y)
    theirs = MLPClassifier((hidden,), max_iter=1, random_state=0).fit(X, y)
    theirs.coefs_, theirs.intercepts_ = model.coefs_, model.intercepts_
    return Pair(model, theirs, model.coefs_, model.intercepts_)


#: What answers, by name: the opponent's name, the number of features, how the pair is made.
PAIRS = {
    "neuron 20→1": ("LogisticRegression", 20, lambda dtype: neuron(20, 2, dtype)),
    "neuron 64→10": ("LogisticRegression", 64, lambda dtype: neuron(64, 10, dtype)),
    "network 20→100→1": ("MLPClassifier", 20, lambda dtype: network(20, 100, 2, dtype)),
    "network 64→32→10": ("MLPClassifier", 64, lambda dtype: network(64, 32, 10, dtype)),
    "regressor 20→1": ("Ridge", 20, lambda dtype: regressor(20, dtype)),
}


def shared_methods(pair):
    """Return the methods that both have."""
    return [name for name in METHODS if hasattr(pair.ours, name) and hasattr(pair.theirs, name)]


def samples(n_rows, n_features, dtype):
    return np.random.RandomState(1).normal(size=(n_rows, n_features)).astype(dtype)


def assert_same_answers(pair, X, dtype):
    """Assert that the answers agree; Ridge's is the logit of ours."""
    for name in shared_methods(pair):
        answer, theirs = getattr(pair.ours, name)(X), getattr(pair.theirs, name)(X)
        if isinstance(pair.theirs, Ridge):
            theirs = expit(theirs)  # the targets are 0 and 1
        assert answer.shape == theirs.shape
        assert answer.dtype == theirs.dtype
        np.testing.assert_allclose(answer, theirs, rtol=RTOL[dtype], atol=RTOL[dtype] / 100)


def logits(pair, X):
    """Return the raw outputs by the least that NumPy can do."""
    a = X
    for W, b in zip(pair.coefs[:-1], pair.intercepts[:-1], strict=True):
        a = a @ W
        a += b
        np.maximum(a, 0.0, out=a)
    z = a @ pair.coefs[-1]
    z += pair.intercepts[-1]
    return z


def microseconds(call, X):
    """Return how long a call takes, from many of them."""

    def repeat():
        for _ in range(CALLS):
            call(X)

    return 1e6 * _common.timed(repeat)[0] / CALLS


def measure(pair, X, rounds):
    """Return, for each method, the times of everyone."""
    for name in shared_methods(pair):
        jobs = {
            "theirs": lambda name=name: microseconds(getattr(pair.theirs, name), X),
            "ours": lambda name=name: microseconds(getattr(pair.ours, name), X),
            "NumPy": lambda: microseconds(lambda given: logits(pair, given), X),
        }
        yield name, _common.take_turns(jobs, rounds)


def row_of(title, opponent, method, times):
    return (
        {"model": title, "method": method, "against": opponent}
        | {f"{name}, µs": _common.spread(values).median for name, values in times.items()}
        | {"theirs / ours": _common.ratios(times["theirs"], times["ours"])}
        | {"ours / NumPy": _common.ratios(times["ours"], times["NumPy"])}
    )


def main():
    args = _common.arguments(__doc__, rounds=21)
    cells = [(n_rows, dtype) for dtype in DTYPES for n_rows in ROWS]
    tables = {cell: [] for cell in cells}
    for title, (opponent, n_features, make) in PAIRS.items():
        for dtype in DTYPES:
            pair = make(dtype)
            for n_rows in ROWS:
                X = samples(n_rows, n_features, dtype)
                assert_same_answers(pair, X, dtype)
                if args.check:
                    continue
                _common.progress(f"{title}, {n_rows} rows, {np.dtype(dtype).name}")
                tables[n_rows, dtype] += [
                    row_of(title, opponent, *timed) for timed in measure(pair, X, args.rounds)
                ]
    if args.check:
        _common.agreed()
        return
    report = _common.Report("serving", __doc__.splitlines()[0], args)
    for (n_rows, dtype), rows in tables.items():
        name = f"{n_rows} row{'s' if n_rows > 1 else ''}, {np.dtype(dtype).name}"
        report.table(f"{name}: medians; ratios with the smallest and the largest", rows)
    report.save()


if __name__ == "__main__":
    main()
