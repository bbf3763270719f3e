"""Local epochs on a cluster: what is said of them, and a warning where their average is worse."""

import re
import warnings

import numpy as np
import pytest
from helpers import make, weights_of
from numpy.testing import assert_array_equal
from sklearn.base import is_classifier
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, mean_squared_error

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)

pytest.importorskip("distributed")
pytest.importorskip("dask.array")

from dask_parts import blocks_of, cluster

import sklearn_neuron.dask as on_cluster
from sklearn_neuron.dask import _averages

N = 1600
NETWORK = {"hidden_layer_sizes": (16,), "early_stopping": False, "batch_size": 8}
LINE = re.compile(r"^\[\w+\] loss of the average over all samples (\S+)$", flags=re.MULTILINE)


@pytest.fixture(scope="module", params=[2, 8], ids=lambda n: f"{n} parts")
def parts(request):
    with cluster(n_workers=2, threads_per_worker=request.param // 2):
        yield request.param


@pytest.fixture(scope="module")
def two():
    with cluster():
        yield 2


def samples(seed=0, *, classes=0):
    if classes:
        return make_classification(
            N, 12, n_informative=6, n_classes=classes, flip_y=0.05, random_state=seed
        )
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(N, 5))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=N)


def orders(y, seed):
    """Return the rows shuffled, and sorted by y."""
    return np.random.RandomState(seed).permutation(len(y)), np.argsort(y, kind="stable")


def fitted(estimator, X, y, n_blocks, **options):
    """Return an estimator fitted on a cluster, and the warnings of its average."""
    sizes = [len(each) for each in np.array_split(np.arange(len(y)), n_blocks)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        on_cluster.fit(estimator, blocks_of(X, sizes), blocks_of(y, sizes), **options)
    found = [each for each in caught if "the average of local epochs" in str(each.message)]
    assert all(each.category is ConvergenceWarning for each in found)
    return estimator, [str(each.message) for each in found]


CASES = {
    "classes": (make(ManualMLPClassifier, **NETWORK), 2),
    "three classes": (make(ManualMLPClassifier, **NETWORK), 3),
    "numbers": (make(ManualMLPRegressor, **NETWORK), 0),
    "dropout of classes": (make(ManualMLPClassifier, **NETWORK, dropout=0.3), 2),
    "dropout of numbers": (make(ManualMLPRegressor, **NETWORK, dropout=0.3), 0),
    "neuron of numbers": (make(SigmoidNeuronRegressor, batch_size=8), 0),
    "neuron": (make(LogisticNeuronClassifier, batch_size=16), 2),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("max_iter", [2, 20])
def test_sorted_rows_are_warned_of_and_shuffled_ones_are_not(case, max_iter, parts):
    estimator, classes = CASES[case]
    for seed in range(2):
        X, y = samples(seed, classes=classes)
        shuffled, ordered = orders(y, seed)
        model = estimator.set_params(max_iter=max_iter, random_state=seed)
        assert not fitted(model, X[shuffled], y[shuffled], 8)[1]
    if max_iter == 20:
        _, (message,) = fitted(model, X[ordered], y[ordered], 8)
        assert f"each of the {parts} parts saw" in message
        assert "Shuffle the rows" in message
        assert "mini_batches='synchronous'" in message


def loss_of(model, X, y):
    """Return the loss of a fitted model, penalty included, by scikit-learn."""
    if is_classifier(model):
        loss = log_loss(y, model.predict_proba(X))
    else:
        loss = mean_squared_error(y, model.predict(X))
    coefs = getattr(model, "coefs_", None) or [model.coef_]
    return loss + 0.5 * float(model.alpha) * sum((W**2).sum() for W in coefs)


KINDS = {
    "network": (make(ManualMLPRegressor, **NETWORK, alpha=0.0), {}),
    "large y": (make(ManualMLPRegressor, **NETWORK, alpha=0.0), {"scale": 1e4}),
    "penalty": (make(ManualMLPRegressor, **NETWORK, alpha=0.1), {}),
    "starts": (make(ManualMLPRegressor, **NETWORK, alpha=0.0, n_init=3), {}),
    "best epoch": (make(ManualMLPRegressor, **NETWORK, alpha=0.0, eta=0.05), {"held": 100}),
    "averaged": (make(ManualMLPRegressor, **NETWORK, alpha=0.0, solver=SGD(average=True)), {}),
    "classifier": (make(ManualMLPClassifier, **NETWORK, alpha=0.0), {"classes": 3}),
    "neuron": (make(LogisticNeuronClassifier, alpha=0.01), {"classes": 2}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_of_the_average_is_that_of_the_fitted_model(kind, two, capsys):
    estimator, how = KINDS[kind]
    X, y = samples(classes=how.get("classes", 0))
    y = y * how["scale"] if "scale" in how else y
    held = {"X_val": X[: how["held"]], "y_val": y[: how["held"]]} if "held" in how else {}
    ordered = np.argsort(y, kind="stable")
    model, messages = fitted(
        estimator.set_params(max_iter=6, verbose=True), X[ordered], y[ordered], 4, **held
    )
    (printed,) = LINE.findall(capsys.readouterr().out)
    expected = loss_of(model, X, y)
    assert float(printed) == pytest.approx(expected, rel=1e-5)
    for message in messages:
        found, seen = map(float, re.search(r"loss of (\S+) over.*saw (\S+) in", message).groups())
        assert found == pytest.approx(expected, rel=0.006)
        epoch = model.best_iter_ if held else -1
        assert seen == pytest.approx(model.loss_curve_[epoch], rel=0.006)
    assert messages
    assert model.loss_ == model.loss_curve_[-1]


def test_verbose_says_that_epochs_are_local(two, capsys):
    X, y = samples(classes=2)
    model = make(LogisticNeuronClassifier, verbose=True, max_iter=2, tol=None)
    fitted(model, X, y, 6)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == (
        "[LogisticNeuronClassifier] local epochs: each of 2 parts of the samples makes its own, "
        "then they are averaged"
    )
    assert LINE.match(last)
    fitted(model, X, y, 1)
    assert "local epochs: 1 part of the samples" in capsys.readouterr().out


@pytest.mark.parametrize("how", ["synchronous", "full", "lbfgs", "perceptron", "one part"])
def test_nothing_is_said_of_others(how, two, capsys):
    """They are exact, or a loss that has no level, or there is nothing to average."""
    X, y = samples(classes=2)
    ordered = np.argsort(y, kind="stable")
    options = {"mini_batches": "synchronous"} if how == "synchronous" else {}
    cls = PerceptronClassifier if how == "perceptron" else LogisticNeuronClassifier
    own = {"full": {"batch_size": None}, "lbfgs": {"solver": "lbfgs"}}.get(how, {"batch_size": 400})
    model = make(cls, max_iter=3, verbose=how not in {"perceptron", "one part"}, **own)
    _, messages = fitted(model, X[ordered], y[ordered], 1 if how == "one part" else 4, **options)
    assert not messages
    assert "average" not in capsys.readouterr().out


def test_dropout_is_compared_without(two):
    """The fitted parameters are those of training: the epoch without dropout leaves no trace."""
    X, y = samples()
    model = make(ManualMLPRegressor, **NETWORK, dropout=0.3, max_iter=3, warm_start=True)
    own, _ = fitted(model, X, y, 4)
    before = weights_of(own).copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_averages.Watch, "end", lambda *_: None)
        other, _ = fitted(make(ManualMLPRegressor, **own.get_params()), X, y, 4)
    assert_array_equal(before, weights_of(other))
    assert_array_equal(weights_of(fitted(own, X, y, 4)[0]), weights_of(fitted(other, X, y, 4)[0]))


def test_a_cluster_that_is_lost_after_training(two, monkeypatch):
    """What is fitted stays."""

    def gone(*_):
        raise on_cluster.ClusterLostError("gone")

    monkeypatch.setattr(_averages, "compared", gone)
    X, y = samples(classes=2)
    model, messages = fitted(make(LogisticNeuronClassifier, max_iter=2), X, y, 4)
    assert model.n_iter_ == 2
    assert not messages
