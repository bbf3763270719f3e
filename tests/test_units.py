"""What adaptive optimizers see y in, and that it comes back in the user's own units."""

import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import ManualMLPRegressor
from sklearn_neuron._estimator.units import Spread, start_units
from sklearn_neuron.activations import Logistic
from sklearn_neuron.inspection import check_gradient
from sklearn_neuron.losses import Huber, Quantile, SquaredError
from sklearn_neuron.optimizers import Adam

X, y = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(X)
LINE = re.compile(r"epoch +(\d+)/20  loss (\S+)  validation loss (\S+)  score")
LOSSES = [SquaredError(), Quantile(0.8), "absolute_error", Huber(20.0)]


def make(**params):
    return ManualMLPRegressor((10,), random_state=0, **{"max_iter": 20, "tol": None, **params})


@pytest.mark.parametrize("factor", [2.0**20, 2.0**-20])
@pytest.mark.parametrize("record", ["epoch", "step"])
@pytest.mark.parametrize("loss", ["squared_error", "quantile", "absolute_error"])
def test_powers_of_two_change_nothing_but_the_unit(factor, record, loss):
    one, other = (make(loss=loss, record=record, max_iter=3).fit(X, k * y) for k in (1.0, factor))
    assert_array_equal(other.predict(X), factor * one.predict(X))
    assert_array_equal(other.coefs_[0], one.coefs_[0])
    assert_array_equal(other.coefs_[1], factor * one.coefs_[1])
    unit = factor**2 if loss == "squared_error" else factor
    assert_array_equal(other.loss_curve_, np.multiply(unit, one.loss_curve_))
    for name in ("loss", *(["loss_after"] if record == "step" else [])):
        assert_array_equal(other.history_[name], np.multiply(unit, one.history_[name]))
    for name, scale in (("coefs", factor), ("intercepts", factor)):
        for a, b in zip(other.history_[name], one.history_[name], strict=True):
            assert_array_equal(a[0], b[0])
            assert_array_equal(a[1], scale * b[1])
        assert_array_equal(other.start_[name][1], factor * one.start_[name][1])


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_those_of_the_predictions(loss):
    model = make(loss=loss, max_iter=300).fit(X, y, X_val=X, y_val=y)
    own = LOSSES[0] if isinstance(loss, str) else loss
    if not isinstance(loss, str):
        z = model.predict(X).reshape(-1, 1)
        best = min(model.validation_loss_curve_)
        assert_allclose(own.value(y.reshape(-1, 1), z).mean(), best, rtol=1e-10)
    assert model.score(X, y) > 0.3


def test_which_squares_have_units():
    """Those of y itself; a link has a range of its own, and a subclass another loss perhaps."""

    class OwnError(SquaredError):
        pass

    assert SquaredError().in_units_of(4.0) == (SquaredError(), 16.0)
    assert SquaredError(Logistic()).in_units_of(4.0) is None
    assert OwnError().in_units_of(4.0) is None
    assert OwnError(Logistic()).in_units_of(4.0) is None


@pytest.mark.parametrize(
    ("deviation", "n_samples", "scale"),
    [
        *[(1.0, None, 1.0), (2.5, None, 1.0), (0.4, None, 1.0)],  # near one
        *[(4.0, None, 4.0), (5.9, None, 8.0), (0.25, None, 0.25)],
        *[(0.25, 9, 1.0), (0.25, 10, 0.25), (4.0, 9, 4.0)],  # a small block's are never smaller
        *[(1e200, None, 2.0**400), (1e-200, None, 2.0**-400)],
        *[(0.0, None, 1.0), (np.inf, None, 1.0)],
    ],
)
def test_units_are_the_power_of_two_next_to_the_deviation(deviation, n_samples, scale):
    units, mean = start_units(SquaredError(), Spread(np.ones(1), deviation), n_samples=n_samples)
    assert (units.scale, units.per_loss) == (scale, scale**2)
    assert_array_equal(mean, np.ones(1))


def test_losses_that_are_printed_are_in_the_users_units(capsys):
    """Of y with a standard deviation of 2.4, and so of squares."""
    small = y / 32.0
    model = make(verbose=True, max_iter=20).fit(X, small, X_val=X[:99], y_val=small[:99])
    printed = LINE.findall(capsys.readouterr().out)
    assert_array_equal([int(number) for number, *_ in printed], range(1, 21))
    for column, curve in ((1, model.loss_curve_), (2, model.validation_loss_curve_)):
        assert_allclose([float(line[column]) for line in printed], curve, rtol=1e-5)
    model = make(verbose=True, max_iter=16, tol=1e-4).fit(X, small)
    printed = re.findall(r"held-out loss (\S+)", capsys.readouterr().out)
    assert_allclose([float(loss) for loss in printed], model.held_out_losses_, rtol=1e-5)


@pytest.mark.parametrize("solver", ["adam", "rmsprop", "sgd"])
@pytest.mark.parametrize("hidden", [(), (7,)])
def test_the_penalty_that_is_given_is_that_of_the_objective(solver, hidden):
    """At the start: (alpha / 2) ‖W‖² of the weights that users see is added to the mean loss."""
    model = ManualMLPRegressor(
        hidden, solver=solver, alpha=0.3, batch_size=None, max_iter=1, tol=None, record="step",
        eta=1e-6, random_state=0,
    ).fit(X, 100.0 * y)  # fmt: skip
    start = pickle.loads(pickle.dumps(model))
    start.coefs_, start.intercepts_ = model.start_["coefs"], model.start_["intercepts"]
    error = np.mean((start.predict(X) - 100.0 * y) ** 2)
    penalty = 0.15 * sum((W**2).sum() for W in start.coefs_)
    assert_allclose(model.loss_curve_[0], error + penalty, rtol=1e-12)
    assert penalty > 1e-12 * error


@pytest.mark.parametrize("alpha", [1e-4, 1e-2])
@pytest.mark.parametrize("factor", [1.0, 1e3, 1e5])
def test_large_targets_are_learned_with_a_penalty_that_is_given(alpha, factor):
    """The objective is that of the user's units; the start has the size of the targets."""
    model = ManualMLPRegressor(alpha=alpha, random_state=0).fit(X, factor * y)
    assert model.score(X, factor * y) > 0.5


def test_large_targets_are_learned_as_small_ones():
    scores = [
        ManualMLPRegressor(random_state=0).fit(X, k * y + c).score(X, k * y + c)
        for k, c in ((0.01, 0.0), (1000.0, 1e6), (1e-6, 5.0))
    ]
    assert min(scores) > 0.5


@pytest.mark.parametrize("solver", ["adam", Adam(average=True), "rmsprop"])
def test_training_goes_on_bit_by_bit(solver):
    whole = make(solver=solver, max_iter=6).fit(X, 100.0 * y)
    parts = make(solver=solver, max_iter=3, warm_start=True).fit(X, 100.0 * y)
    parts = pickle.loads(pickle.dumps(parts)).fit(X, 100.0 * y)
    passes = make(solver=solver)
    for _ in range(6):
        passes.partial_fit(X, 100.0 * y)
    for a, b, c in zip(whole.coefs_, parts.coefs_, passes.coefs_, strict=True):
        assert_allclose(b, a, rtol=1e-9)
        assert_allclose(c, a, rtol=1e-9)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("params", [{"solver": "sgd", "eta": 1e-6}, {"solver": "lbfgs"}])
def test_other_solvers_see_y_as_it_is(params):
    model = make(record="epoch", **params).fit(X, y)
    start = model.start_["intercepts"][1]
    assert np.abs(start).max() < 1.0  # and not at the mean of y


def test_given_parameters_are_a_start_for_y_as_it_is():
    start = make(max_iter=1).fit(X, y)
    model = make(max_iter=1, record="epoch")
    model.fit(X, y, coef_init=start.coefs_, intercept_init=start.intercepts_)
    assert_array_equal(model.start_["coefs"][1], start.coefs_[1])
    assert_allclose(model.loss_curve_[0], np.mean((start.predict(X) - y) ** 2), rtol=0.2)


def test_inspection_sees_y_as_it_is():
    assert check_gradient(make(), X[:20], y[:20]).relative_error < 1e-5
    assert check_gradient(make().fit(X, y), X[:20], y[:20]).relative_error < 1e-5


@pytest.mark.parametrize("y", [np.zeros(60), np.full(60, 7.0), np.full((60, 2), -3.0)])
def test_constant_targets(y):
    assert_allclose(make(max_iter=100).fit(X[:60], y).predict(X[:60]), y, atol=0.3)


def test_a_first_block_of_few_targets_does_not_set_a_small_unit():
    model = make().partial_fit(X[:2], [1e-6, 2e-6])
    for _ in range(60):
        model.partial_fit(X, y / 77.0)
    assert model.score(X, y / 77.0) > 0.4
