"""Every exact figure of the four source documents, to the digits given there.

000: Single neuron with backpropagation. 001: Backpropagation algorithms, basics. 002: Training
a single neuron for logistic regression. 003: Perceptrons and backpropagation.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.inspection import backprop_trace, journal

X = np.array([[3.5], [0.35], [3.2], [-2.0], [1.5], [-0.5]])
Y = np.array([0.5, 0.5, 0.5, 0.5, 0.1, 0.3])
DIGITS = {"rtol": 2e-15, "atol": 0}  # the last of the 16 digits that a float has


def trace(w, b, rows=slice(None)):
    """Return both passes of the sigmoid neuron at w and b."""
    return backprop_trace(
        SigmoidNeuronRegressor(), X[rows], Y[rows], coef_init=[w], intercept_init=b
    )


def descend(w, b, epochs, X=X, Y=Y, **params):
    """Return the neuron after some epochs of 001's stochastic descent, rows in order."""
    params = {"eta": 0.9, "batch_size": 1, "shuffle": False, "tol": None, **params}
    neuron = SigmoidNeuronRegressor(max_iter=epochs, **params)
    return neuron.fit(X, Y, coef_init=[w], intercept_init=b)


# ---- 000 --------------------------------------------------------------------------------------


def test_000_worked_case():
    features = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, -2.0]])
    neuron = SigmoidNeuronRegressor(
        eta=0.1, batch_size=None, max_iter=2, tol=None, record="epoch"
    ).fit(features, [1.0, 0.0, 0.0], coef_init=[0.1, -0.2], intercept_init=0.0)
    assert_array_equal(np.round(neuron.coef_, 4), [0.1036, -0.1425])
    assert round(neuron.intercept_, 4) == -0.0167
    assert_array_equal(np.round(neuron.loss_curve_, 4), [0.3033, 0.2942])
    assert_array_equal(neuron.history_["loss"], neuron.loss_curve_)
    assert_array_equal(neuron.history_["coef"][-1], neuron.coef_)


# ---- 001 --------------------------------------------------------------------------------------


def test_001_feed_forward():
    seen = trace(w=-1.0, b=2.0)
    expected = [
        0.18242552380635635,
        0.8388910504234147,
        0.23147521650098232,
        0.9820137900379085,
        0.6224593312018546,
        0.9241418199787566,
    ]
    assert_allclose(seen.a[1].ravel(), expected, **DIGITS)
    assert_allclose(seen.loss.sum(), 1.1826603093329395, **DIGITS)


def test_001_gradient_row_by_row():
    expected = [
        0.001172544893670911,
        0.03159017550957496,
        0.001951232942678785,
        0.08178314932188695,
        0.046736251348533014,
        -0.05,
    ]
    rows = [trace(2.0, 1.0, rows=[i]) for i in range(6)]
    assert_allclose([row.dW[1].item() for row in rows], expected, **DIGITS)
    # the same from one pass over all rows: δ is each row's own
    assert_allclose(trace(2.0, 1.0).delta[1][:, 0] * X[:, 0], expected, **DIGITS)


def test_001_one_step():
    seen = trace(-2.0, 1.0, rows=[0])
    assert_allclose(seen.dW[1], -0.008590091283831066, **DIGITS)
    assert_allclose(seen.db[1], -0.0024543117953803044, **DIGITS)
    neuron = descend(-2.0, 1.0, 1, X[:1], Y[:1])
    assert_allclose(neuron.coef_, [-1.992268917844552], **DIGITS)
    assert_allclose(neuron.intercept_, 1.0022088806158422, **DIGITS)


def test_001_the_stale_variable():
    # the document prints 0.8807970779778823 for this row: σ(2), its value for x = -0.5
    assert_allclose(trace(-2.0, 1.0).a[1][[0, 5], 0], [0.0024726231566347743, 0.8807970779778823],
                    **DIGITS)  # fmt: skip


@pytest.mark.parametrize(
    ("epochs", "w", "b"),
    [
        (1, -1.9284102929220686, 0.8504362751346908),
        (10, -0.21128871932338175, -0.384384524671664),
    ],
)
def test_001_stochastic_descent(epochs, w, b):
    neuron = descend(-2.0, 1.0, epochs)
    assert_allclose([*neuron.coef_, neuron.intercept_], [w, b], **DIGITS)
    if epochs == 10:
        assert_allclose(neuron.predict([[3.5]]), 0.24528950816097767, **DIGITS)


JOURNAL = np.array(
    [
        [1.8900, 0.8304, 0.2673],
        [1.7471, 0.6583, 0.2587],
        [1.5557, 0.4788, 0.2470],
        [1.2830, 0.2819, 0.2277],
        [0.8453, 0.0430, 0.1863],
        [0.0362, -0.2862, 0.0749],
        [-0.2105, -0.4255, 0.0118],
        [-0.2009, -0.4602, 0.0116],
        [-0.1964, -0.4812, 0.0115],
        [-0.1935, -0.4938, 0.0114],
    ]
)


def test_001_journal(pd):
    table = journal(descend(2.0, 1.0, 10, record="step"), every="epoch")
    index = pd.RangeIndex(10, name="epoch")
    expected = pd.DataFrame(JOURNAL, columns=["w", "b", "Loss"], index=index)
    pd.testing.assert_frame_equal(table.round(4), expected, check_index_type=False)


def test_001_journal_from_the_recorded_steps():
    history = descend(2.0, 1.0, 10, record="step").history_
    w = np.array(history["coef"])[:, 0]
    b = np.array(history["intercept"])
    rows = np.tile(np.arange(6), 10)
    after = (Y[rows] - 1 / (1 + np.exp(-w * X[rows, 0] - b))) ** 2
    assert_allclose(after, history["loss_after"], rtol=1e-12)
    assert_array_equal(after.reshape(10, 6).mean(axis=1).round(4), JOURNAL[:, 2])


def test_001_journal_from_the_recorded_epochs(pd):
    table = journal(descend(2.0, 1.0, 10, record="epoch"))
    assert isinstance(table, pd.DataFrame)
    assert_array_equal(table[["w", "b"]].round(4), JOURNAL[:, :2])
    assert (table["Loss"] > JOURNAL[:, 2]).all()  # before each update, not after


@pytest.mark.parametrize("batch_size", [1, 2, 4, None])
def test_001_batch_mini_batch_stochastic(batch_size):
    w, b, eta = 2.0, 1.0, 0.9
    for _ in range(10):
        size = batch_size or 6
        for start in range(0, 6, size):
            x, y = X[start : start + size, 0], Y[start : start + size]
            a = 1 / (1 + np.exp(-w * x - b))
            delta = -2 * (y - a) * a * (1 - a)
            w, b = w - eta * np.mean(delta * x), b - eta * np.mean(delta)
    neuron = descend(2.0, 1.0, 10, batch_size=batch_size)
    assert_allclose([*neuron.coef_, neuron.intercept_], [w, b], rtol=1e-12)


# ---- 002 --------------------------------------------------------------------------------------


def test_002_vectorised_gradients():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(20, 3)), np.arange(20) % 2
    start = backprop_trace(LogisticNeuronClassifier(), X, y)
    assert not start.W[1].any()
    assert not start.b[1].any()
    w, b = np.zeros((3, 1)), 0.0
    for _ in range(5):  # the document's columns: Z = wᵀX + b, dZ = A - Y, dw = X dZᵀ / m
        A = 1 / (1 + np.exp(-(w.T @ X.T + b)))
        dZ = A - y
        dw, db = X.T @ dZ.T / 20, dZ.sum(axis=1) / 20
        seen = backprop_trace(LogisticNeuronClassifier(), X, y, coef_init=w.T, intercept_init=b)
        assert_allclose(seen.delta[1], dZ.T, rtol=1e-12)
        assert_allclose(seen.dW[1], dw, rtol=1e-12)
        assert_allclose(seen.db[1], db, rtol=1e-12)
        w, b = w - 0.5 * dw, b - 0.5 * db
    neuron = LogisticNeuronClassifier(eta=0.5, batch_size=None, max_iter=5, tol=None).fit(X, y)
    assert_allclose(neuron.coef_, w.T, rtol=1e-12)
    assert_allclose(neuron.intercept_, b, rtol=1e-12)


def test_002_is_logistic_regression():
    X, y = make_blobs(60, centers=2, cluster_std=3.0, random_state=0)
    neuron = LogisticNeuronClassifier(
        eta=0.3, batch_size=None, alpha=1 / 60, max_iter=10000, tol=None
    ).fit(X, y)
    peer = LogisticRegression(tol=1e-10).fit(X, y)
    assert_allclose(neuron.coef_, peer.coef_, atol=1e-6)
    assert_allclose(neuron.intercept_, peer.intercept_, atol=1e-6)


# ---- 003 --------------------------------------------------------------------------------------


def test_003_rosenblatt():
    X, y = make_blobs(40, centers=[[-2, -2], [2, 2]], random_state=1)
    eta = 0.5
    neuron = PerceptronClassifier(eta=eta, shuffle=False, record="step").fit(X, y)
    w, b, step = np.zeros(2), 0.0, 0
    for epoch in range(neuron.n_iter_):
        mistakes = 0
        for x, target in zip(X, y, strict=True):
            error = target - float(w @ x + b >= 0)
            w, b, mistakes = w + eta * error * x, b + eta * error, mistakes + abs(error)
            assert_array_equal(neuron.history_["coef"][step][0], w)
            assert neuron.history_["intercept"][step] == b
            step += 1
        # the first epoch without a mistake is the last
        assert (mistakes == 0) == (epoch == neuron.n_iter_ - 1)
    assert neuron.score(X, y) == 1.0


def test_003_xor():
    """The settings of examples/plot_xor.py, which says why."""
    signs = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    labels = [0, 1, 1, 0]
    solved = []
    for seed in range(20):
        network = ManualMLPClassifier(
            (4, 4), activation="logistic", init="he_uniform", solver=SGD(momentum=0.9), eta=0.5,
            batch_size=None, max_iter=1000, tol=None, random_state=seed,
        ).fit(signs, labels)  # fmt: skip
        solved.append(network.score(signs, labels) == 1.0)
        assert [W.shape for W in network.coefs_] == [(2, 4), (4, 4), (4, 1)]
        assert network.loss_curve_[-1] < network.loss_curve_[0]
    assert sum(solved) >= 19
