"""The learning rate that ``eta="auto"`` stands for."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import MaxAbsScaler, StandardScaler, normalize

from sklearn_neuron import SGD, LogisticNeuronClassifier, SigmoidNeuronRegressor
from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._estimator.diagnosis import of_features
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.optimizers import Optimizer
from sklearn_neuron.schedules import Schedule

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)  # so that the mean of ‖x‖² is 30


def eta_of(cls=LogisticNeuronClassifier, X=X, y=y, weight=None, **params):
    return cls(random_state=0, max_iter=2, tol=None, **params).fit(X, y, weight).eta_


class Plain(Optimizer):
    """An optimizer of one's own, which has no momentum."""

    def init(self, theta):
        return {}

    def update(self, grad, state):
        pass


def test_an_optimizer_without_momentum_has_the_rate_of_plain_steps():
    assert eta_of(solver=Plain()) == eta_of(solver="sgd")
    assert_allclose(eta_of(solver=SGD(momentum=0.5)), eta_of(solver="sgd") / 2, rtol=0.05)


def test_by_hand():
    assert eta_of() == 0.065  # 2 / 31
    assert eta_of(SigmoidNeuronRegressor) == 0.13  # 4 / 31
    assert eta_of(y=np.arange(len(y)) % 3) == 0.065
    assert eta_of(X=normalize(X)) == 1.0  # 2 / 2
    assert eta_of(solver=SGD(momentum=0.9)) == 0.0065
    assert eta_of(solver="adam") == 0.01
    assert eta_of(alpha=10.0) == 0.028  # 1 / (2 (31 / 4 + 10))
    assert eta_of(eta=0.3) == 0.3
    assert eta_of(X=1e200 * X, fit_intercept=False) == 1e-300


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "container", [np.array, np.asfortranarray, np.float32, sparse.csr_array, lambda X: X[::2, ::2]]
)
def test_the_mean_square_of_samples(container, weighted):
    samples = container(X)
    dense = samples.toarray() if sparse.issparse(samples) else samples
    weight = np.linspace(0.5, 1.5, len(dense)).reshape(-1, 1)
    expected = ((dense**2).sum(axis=1) * (weight[:, 0] if weighted else 1)).mean()
    found = Samples(samples, y[: len(dense), None], weight if weighted else None).mean_square()
    assert_allclose(found, expected, rtol=1e-5)


def test_weights_count_as_repeated_samples_do():
    weight = np.arange(len(y)) % 3.0
    rows = np.repeat(np.arange(len(y)), weight.astype(int))
    assert eta_of(weight=weight) == eta_of(X=X[rows], y=y[rows])


def test_it_is_kept_where_training_goes_on():
    model = LogisticNeuronClassifier().partial_fit(X, y, classes=[0, 1])
    assert model.partial_fit(1000.0 * X, y).eta_ == eta_of()
    warm = LogisticNeuronClassifier(warm_start=True, max_iter=2, tol=None).fit(X, y)
    assert warm.fit(1e-3 * X, y).eta_ == eta_of()


def test_rows_of_norm_one_are_learned_in_fewer_epochs():
    rows = normalize(X)
    automatic = LogisticNeuronClassifier(random_state=0).fit(rows, y)
    fixed = LogisticNeuronClassifier(eta=0.05, random_state=0, tol=None).fit(rows, y)
    assert automatic.loss_ < fixed.loss_


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3, 1e6])
def test_it_suits_every_alpha(alpha):
    model = LogisticNeuronClassifier(alpha=alpha, random_state=0, tol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert model.fit(X, y).loss_ < 0.7


# ---- what is advised where training diverges -------------------------------------------------


def said_of(X, y=y, **params):
    with pytest.raises(DivergenceError) as caught, config_context(assume_finite=True):
        LogisticNeuronClassifier(random_state=0, **params).fit(X, y)
    return str(caught.value)


@pytest.mark.parametrize("container", [np.array, np.float32, sparse.csr_array])
@pytest.mark.parametrize("params", [{}, {"eta": 0.1}, {"solver": "lbfgs"}, {"solver": "newton"}])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_nobody_looked_for_are_said(container, params, value):
    given = X.copy()
    given[3, 2] = value
    said = said_of(container(given), **params)
    assert "X contains NaN or infinite values, which assume_finite=True lets pass" in said
    assert "eta (say" not in said
    assert "StandardScaler" not in said


@pytest.mark.parametrize("params", [{}, {"eta": 0.1}, {"solver": "lbfgs"}, {"solver": "newton"}])
def test_features_whose_squares_overflow_are_said(params):
    given = X.copy()
    given[:, :2] *= 1e300
    said = said_of(given, **params)
    assert f"squares of the features overflow; some are as large as {abs(given).max():.2g}" in said
    assert "MaxAbsScaler" in said  # StandardScaler squares them, too, and makes zeros of them
    assert "eta (say" not in said
    scaled = MaxAbsScaler().fit_transform(given)
    assert LogisticNeuronClassifier(random_state=0).fit(scaled, y).score(scaled, y) > 0.9


def test_of_samples_that_are_elsewhere_few_are_looked_at():
    class Elsewhere:
        def mean_square(self):
            return np.inf

        def few(self, most):
            return Samples(X[:most], y[:most, None], None)

    assert of_features(Elsewhere()).startswith("X contains NaN, infinite values or numbers")
    assert not of_features(Samples(X, y[:, None], None))


def test_a_part_of_a_rate_is_no_advice_if_auto_has_chosen_it():
    """An unusual schedule, here, makes the steps too large."""
    huge = type("Growing", (Schedule,), {"__call__": lambda self, eta, at: eta * 1e200})()
    for chosen, params in ((False, {"eta": 0.065}), (True, {"eta": "auto"})):
        said = said_of(X, alpha=1.0, schedule=huge, **params)
        assert ("a smaller eta (say 6.5e+197)" in said) == (not chosen)
        assert ("or a number for eta" if chosen else "StandardScaler") in said  # X is scaled


def test_rates_that_are_tiny_are_not_advised():
    given = X * 1e120  # whose squares are finite
    assert "(say" not in said_of(given, eta=1e-100, alpha=1e150)


def test_a_divergence_can_be_pickled():
    with pytest.raises(DivergenceError) as caught:
        LogisticNeuronClassifier(eta=1.0, alpha=1e9).fit(X, y)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
