"""Schedules: their formulas by hand, where they stand after a break, and when adaptive drops."""

import math
import warnings

import numpy as np
import pytest
from helpers import make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_neuron import LogisticNeuronClassifier
from sklearn_neuron.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    ExponentialDecay,
    InverseScaling,
    Progress,
    Restarts,
    Schedule,
)

HALF, QUARTER = math.cos(math.pi / 4), math.cos(math.pi / 8)

#: The rates of the epochs 0, 1, 4 and 8 of 8, and of epoch 100, from a base rate of 2.
RATES = [
    (Constant(), [2, 2, 2, 2, 2]),
    (InverseScaling(), [2, 2 / math.sqrt(2), 2 / math.sqrt(5), 2 / 3, 2 / math.sqrt(101)]),
    (InverseScaling(1.0), [2, 1, 0.4, 2 / 9, 2 / 101]),
    (ExponentialDecay(), [2, 1.9, 1.6290125, 1.32684086, 0.0118410585]),
    (ExponentialDecay(0.5), [2, 1, 0.125, 2 / 256, 2.0**-99]),
    (Cosine(), [2, 1 + QUARTER, 1, 0, 0]),
    (Cosine(final=0.5), [2, 1.5 + 0.5 * QUARTER, 1.5, 1, 1]),
    (Cosine(warmup=4), [0.5, 1, 2, 0, 0]),
    (Cosine(warmup=2, final=0.1), [1, 2, 1.1 + 0.9 * 0.5, 0.2, 0.2]),
    (Adaptive(), [2, 2, 2, 2, 2]),
    (Restarts(cycles=2), [2, 1.5, 1 + math.cos(math.pi / 5), 0, 0]),
]


@pytest.mark.parametrize(("schedule", "rates"), RATES, ids=lambda x: repr(x) if x else "")
def test_rates_by_hand(schedule, rates):
    found = [schedule(2.0, Progress(epoch, max_iter=8)) for epoch in (0, 1, 4, 8, 100)]
    assert_allclose(found, rates, rtol=1e-7, atol=1e-15)


def test_cycles_double_and_end_at_max_iter():
    assert Restarts().ends(200) == [6, 19, 45, 97, 200]
    assert Restarts(cycles=3, factor=1.0).ends(9) == [3, 6, 9]
    assert Restarts(cycles=8).ends(2) == [1, 2]
    rates = [Restarts(cycles=2)(1.0, Progress(epoch, 9)) for epoch in range(10)]
    third = [1.0, 0.75, 0.25]
    sixth = [0.5 + 0.5 * np.cos(np.pi * k / 6) for k in range(6)]
    assert_allclose(rates, [*third, *sixth, 0.0], atol=1e-15)


def test_every_schedule_is_computed_by_hand():
    built_in = {cls for cls in SCHEDULES.values() if cls.__module__ == "sklearn_neuron.schedules"}
    assert {type(schedule) for schedule, _ in RATES} == built_in


def test_adaptive_by_hand():
    rates = [Adaptive(0.1)(2.0, Progress(7, 8, plateaus)) for plateaus in range(4)]
    assert_allclose(rates, [2, 0.2, 0.02, 0.002], rtol=1e-12)
    goes_on = [Adaptive(0.1, minimum=0.015).continues(2.0, plateaus) for plateaus in (1, 2, 3)]
    assert goes_on == [True, True, False]


@pytest.mark.parametrize("name", sorted(SCHEDULES.keys() - {"adaptive"}))
def test_a_plateau_ends_training_under_every_other_schedule(name):
    assert not SCHEDULES[name]().continues(1.0, 1)


def test_the_warm_up_rises_evenly_to_the_base_rate():
    rates = [Cosine(warmup=5)(0.3, Progress(epoch, 20)) for epoch in range(6)]
    assert_allclose(rates, [0.06, 0.12, 0.18, 0.24, 0.3, 0.3], rtol=1e-12)


@pytest.mark.parametrize("max_iter", [1, 3, 5])
def test_a_warm_up_may_take_all_epochs(max_iter):
    rates = [Cosine(warmup=5)(1.0, Progress(epoch, max_iter)) for epoch in range(8)]
    assert_allclose(rates, [0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 0, 0], atol=1e-15)


def test_half_a_cosine_falls_all_the_way_and_ends_at_final():
    rates = [Cosine(final=0.2)(1.0, Progress(epoch, 50)) for epoch in range(51)]
    assert (np.diff(rates) < 0).all()
    assert_allclose(rates[-1], 0.2, rtol=1e-12)
    assert_allclose(np.add(rates, rates[::-1]), 1.2, rtol=1e-12)  # it is symmetric


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_same_place_has_the_same_rate(name):
    """In any order, and the rate is a multiple of the base rate."""
    schedule = SCHEDULES[name]()
    before, places = vars(schedule).copy(), [Progress(epoch, 9, epoch // 4) for epoch in range(12)]
    there = [schedule(0.5, place) for place in places]
    back = [schedule(0.5, place) for place in reversed(places)]
    assert there == back[::-1]
    assert_allclose([schedule(1.0, place) for place in places], np.multiply(there, 2), rtol=1e-15)
    assert vars(schedule) == before


# ---- in training ------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [7, None])
@pytest.mark.parametrize("schedule", [schedule for schedule, _ in RATES], ids=repr)
def test_the_rates_of_epochs_are_recorded(schedule, batch_size, cls, X):
    model = make(cls, schedule=schedule, eta=0.01, max_iter=6, batch_size=batch_size)
    model.fit(X, target_for(cls, 30))
    expected = [schedule(0.01, Progress(epoch, 6)) for epoch in range(model.n_iter_)]
    assert_array_equal(model.history_["eta"], expected)


def test_steps_have_the_recorded_length(X):
    """Full-batch descent, one step an epoch: θ moves by η times the gradient."""
    y = (np.arange(30) % 2).astype(float)
    model = make(
        LogisticNeuronClassifier, schedule="invscaling", batch_size=None, eta=0.3, max_iter=5
    ).fit(X, y)
    theta, Z = np.zeros(5), np.column_stack([X, np.ones(30)])
    for t in range(5):
        theta -= 0.3 / math.sqrt(1 + t) * Z.T @ (1 / (1 + np.exp(-Z @ theta)) - y) / 30
    assert_allclose(weights_of(model), theta, rtol=1e-11)


def test_adaptive_drops_where_others_stop(X):
    """No loss improves by tol=100, so a rate lasts n_iter_no_change epochs (the first one more)."""
    how = {"eta": 0.1, "tol": 100.0, "n_iter_no_change": 3, "max_iter": 50}
    constant = make(LogisticNeuronClassifier, **how).fit(X, np.arange(30) % 2)
    assert constant.n_iter_ == 4
    model = make(LogisticNeuronClassifier, schedule=Adaptive(0.5, minimum=0.02), **how)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that training ends there is no want of convergence
        model.fit(X, np.arange(30) % 2)
    assert_allclose(model.history_["eta"], [0.1] * 4 + [0.05] * 3 + [0.025] * 3, rtol=1e-12)


def test_adaptive_keeps_the_rate_while_the_loss_falls(X):
    """The losses tell on their own after which epochs the rate drops."""
    tol, patience = 1e-3, 2
    model = make(
        LogisticNeuronClassifier, schedule=Adaptive(0.5), eta=1.5, tol=tol, max_iter=60,
        n_iter_no_change=patience, batch_size=5,
    ).fit(X, np.arange(30) % 2)  # fmt: skip
    rate, best, stale, expected = 1.5, math.inf, 0, []
    for loss in model.loss_curve_:
        expected.append(rate)
        stale = 0 if loss < best - tol else stale + 1
        best = min(best, loss)
        if stale == patience:
            rate, stale = rate / 2, 0
    assert_allclose(model.history_["eta"], expected, rtol=1e-12)
    assert 3 < len(set(expected)) < len(expected) / patience  # some rates lasted longer


def test_without_tol_adaptive_is_constant(X):
    model = make(LogisticNeuronClassifier, schedule="adaptive", eta=0.7, tol=None)
    assert set(model.fit(X, np.arange(30) % 2).history_["eta"]) == {0.7}


def test_adaptive_follows_validation_data(X):
    """With early stopping it is their loss and score that must improve."""
    model = make(
        LogisticNeuronClassifier, schedule=Adaptive(0.5, minimum=0.04), eta=0.1, tol=100.0,
        n_iter_no_change=2, early_stopping=True,
    ).fit(X, np.arange(30) % 2)  # fmt: skip
    assert_allclose(model.history_["eta"], [0.1] * 3 + [0.05] * 2, rtol=1e-12)


def test_a_users_own_schedule(X):
    class Halving(Schedule):
        def __init__(self, every=2):
            self.every = every

        def __call__(self, eta, place):
            return eta * 0.5 ** (place.epoch // self.every)

    model = make(LogisticNeuronClassifier, schedule=Halving(), eta=0.8, max_iter=5)
    model = clone(model).set_params(schedule__every=3).fit(X, np.arange(30) % 2)
    assert_array_equal(model.history_["eta"], [0.8, 0.8, 0.8, 0.4, 0.4])


# ---- going on ---------------------------------------------------------------------------------

LASTING = ["constant", "invscaling", InverseScaling(1.0), "exponential"]


@pytest.mark.parametrize("schedule", LASTING, ids=str)
def test_warm_starts_go_on_where_the_schedule_stood(schedule, cls, X):
    y = target_for(cls, 30)
    how = {"schedule": schedule, "eta": 0.01}
    whole = make(cls, max_iter=10, **how).fit(X, y)
    parts = make(cls, max_iter=5, warm_start=True, **how).fit(X, y).fit(X, y)
    assert_array_equal(parts.history_["eta"], whole.history_["eta"])
    assert_allclose(weights_of(parts), weights_of(whole), rtol=1e-12)
    cold = make(cls, max_iter=5, **how).fit(X, y).fit(X, y)
    assert_array_equal(cold.history_["eta"], whole.history_["eta"][:5])


@pytest.mark.parametrize("schedule", [*LASTING, "cosine", Cosine(2, 0.1)], ids=str)
def test_partial_fits_go_on_where_the_schedule_stood(schedule, cls, X):
    """The cosine too, whose length is max_iter, counted over all calls."""
    y = target_for(cls, 30)
    how = {"schedule": schedule, "eta": 0.01, "max_iter": 10, "record": "epoch"}
    whole, parts = make(cls, **how).fit(X, y), make(cls, **how)
    classes = {"classes": [0, 1, 2]} if "class_weight" in parts.get_params() else {}
    for _ in range(10):
        parts.partial_fit(X, y, **classes)
    assert_array_equal(parts.history_["eta"], whole.history_["eta"])
    assert_allclose(weights_of(parts), weights_of(whole), rtol=1e-12)


def test_a_cosine_that_is_over_stays_at_its_end(X):
    y = np.arange(30) % 2
    model = make(
        LogisticNeuronClassifier, schedule=Cosine(final=0.5), eta=1.0, max_iter=4, warm_start=True
    )
    eta = model.fit(X, y).fit(X, y).history_["eta"]
    assert_allclose(eta, [1, 0.75 + 0.25 * HALF, 0.75, 0.75 - 0.25 * HALF] + [0.5] * 4, rtol=1e-12)
    model.set_params(max_iter=12).fit(X, y)  # over twelve epochs the ninth comes at two thirds
    assert_allclose(model.history_["eta"][8], 0.5 + 0.25 * (1 + math.cos(math.pi * 2 / 3)))


def test_adaptive_goes_on_with_its_last_rate(X):
    """Never below the minimum: the plateau that ended the first fit has changed no rate."""
    y = np.arange(30) % 2
    model = make(
        LogisticNeuronClassifier, schedule=Adaptive(0.5, minimum=0.02), eta=0.1, tol=100.0,
        n_iter_no_change=2, warm_start=True,
    ).fit(X, y)  # fmt: skip
    assert_allclose(model.history_["eta"], [0.1] * 3 + [0.05] * 2 + [0.025] * 2, rtol=1e-12)
    model.fit(X, y)
    assert_allclose(model.history_["eta"][7:], [0.025] * 3, rtol=1e-12)


# ---- parameters -------------------------------------------------------------------------------


def test_a_search_reaches_inside(X):
    y = np.arange(30) % 2
    model = make(LogisticNeuronClassifier, schedule=InverseScaling(), eta=1.0, max_iter=2)
    assert_allclose(
        model.set_params(schedule__power=2.0).fit(X, y).history_["eta"], [1, 0.25], rtol=1e-12
    )
    search = GridSearchCV(model, {"schedule__power": [0.5, 1.0, 3.0]}, cv=2).fit(X, y)
    tried = [
        clone(model).set_params(**params).fit(X, y).history_["eta"][1]
        for params in search.cv_results_["params"]
    ]
    assert_allclose(tried, [2**-0.5, 0.5, 0.125], rtol=1e-12)
    assert model.schedule.power == 2.0  # the search has copied it


@pytest.mark.parametrize(
    ("schedule", "error", "match"),
    [
        (InverseScaling(0.0), ValueError, r"power of InverseScaling must be .*\(0, inf\); got 0.0"),
        (InverseScaling("1"), TypeError, "power"),
        (
            ExponentialDecay(0.0),
            ValueError,
            r"decay of ExponentialDecay .* number in \(0, 1\]",
        ),
        (ExponentialDecay(1.1), ValueError, "decay"),
        (Cosine(warmup=-1), ValueError, "warmup of Cosine"),
        (Cosine(warmup=2.0), TypeError, "warmup of Cosine must be an int"),
        (Cosine(final=1.5), ValueError, r"final of Cosine must be a number in \[0, 1\]"),
        (Cosine(final=None), TypeError, "final"),
        (Adaptive(0.0), ValueError, r"factor of Adaptive must be a number in \(0, 1\)"),
        (Adaptive(1.0), ValueError, "factor"),
        (Adaptive(minimum=0.0), ValueError, "minimum"),
        (Adaptive(minimum=math.nan), ValueError, "minimum"),
        (
            "linear",
            ValueError,
            "'constant', 'invscaling', 'exponential', 'cosine', 'adaptive', 'restarts'",
        ),
        (Cosine, TypeError, "or a Schedule object"),
    ],
    ids=repr,
)
def test_wrong_parameters(schedule, error, match, X):
    with pytest.raises(error, match=f"'schedule' parameter of .*{match}"):
        make(LogisticNeuronClassifier, schedule=schedule).fit(X, np.arange(30) % 2)
