"""The record: what history_ holds, and that keeping it changes nothing."""

import pickle

import numpy as np
import pytest
from helpers import NETWORKS, WITH_LBFGS, make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_neuron import LogisticNeuronClassifier, SigmoidNeuronRegressor, config_context
from sklearn_neuron._engine.recording import StepHistory
from sklearn_neuron.network import Network

NUMBERS = {"loss": ["epoch", "eta", "loss"], "epoch": ["epoch", "eta", "loss"]}
NUMBERS["step"] = ["epoch", "step", "eta", "n_rows", "rows", "loss", "loss_after"]


def parameter_names(cls):
    return ["coefs", "intercepts"] if cls in NETWORKS else ["coef", "intercept"]


def last_row(model):
    """Return the parameters of the last row as one vector."""
    parts = []
    for name in parameter_names(type(model)):
        value = model.history_[name][-1]
        parts += value if isinstance(value, list) else [np.transpose(np.atleast_1d(value))]
    return np.concatenate([np.ravel(part) for part in parts])


def column(model, name):
    """Return a column of the history as one vector."""
    return np.hstack(model.history_[name])


@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("record", ["loss", "epoch", "step"])
def test_columns(cls, record, batch_size, X, pd):
    model = make(cls, record=record, batch_size=batch_size, max_iter=3)
    model.fit(X, target_for(cls, 30))
    names = NUMBERS[record] + ([] if record == "loss" else parameter_names(cls))
    assert list(model.history_) == names
    per_epoch = 8 if record == "step" and batch_size else 1
    frame = pd.DataFrame(model.history_)
    assert frame.shape == (3 * per_epoch, len(names))
    assert_array_equal(frame["epoch"], np.repeat(range(3), per_epoch))
    assert (frame["eta"] == model.eta_).all()
    if record == "step":
        assert_array_equal(frame["step"], np.arange(3 * per_epoch))
        assert frame["n_rows"].sum() == 90
    else:
        assert_array_equal(model.history_["loss"], model.loss_curve_)
    assert hasattr(model, "start_") == (record != "loss")


@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("record", ["epoch", "step"])
def test_recording_changes_nothing(cls, record, batch_size, X):
    y = target_for(cls, 30)
    params = {"batch_size": batch_size, "solver": "adam", "alpha": 0.01}
    plain = make(cls, **params).fit(X, y)
    recorded = make(cls, record=record, **params).fit(X, y)
    assert_array_equal(weights_of(recorded), weights_of(plain))
    assert_array_equal(recorded.loss_curve_, plain.loss_curve_)
    assert_array_equal(last_row(recorded), weights_of(plain))


@pytest.mark.parametrize("record", ["epoch", "step"])
def test_lbfgs_records_its_iterations(record, X):
    for cls in WITH_LBFGS:
        model = make(cls, record=record, solver="lbfgs", alpha=0.1, tol=1e-6)
        model.fit(X, target_for(cls, 30))
        assert list(model.history_) == NUMBERS["epoch"] + parameter_names(cls)
        assert len(model.history_["loss"]) == model.n_iter_ > 1
        assert np.isnan(model.history_["eta"]).all()
        assert_allclose(last_row(model), weights_of(model))


def test_no_iteration_is_recorded_unless_asked_for(X):
    for cls in WITH_LBFGS:
        model = make(cls, solver="lbfgs", alpha=0.1).fit(X, target_for(cls, 30))
        assert list(model.history_) == NUMBERS["epoch"]
        assert not hasattr(model, "start_")


@pytest.mark.parametrize("weighted", [False, True])
def test_the_losses_of_steps_make_the_loss_of_the_epoch(cls, weighted, X, pd):
    y = target_for(cls, 30)
    weight = np.random.RandomState(1).uniform(0.5, 2.0, 30) if weighted else None
    model = make(cls, record="step", batch_size=7, alpha=0.1, max_iter=3)
    model.fit(X, y, sample_weight=weight)
    steps = pd.DataFrame(model.history_)
    for epoch, rows in steps.groupby("epoch"):
        mean = np.average(rows["loss"].astype(float), weights=rows["n_rows"].astype(float))
        assert_allclose(mean, model.loss_curve_[epoch], rtol=1e-12)


def test_rows_hold_the_parameters_after_the_update_and_both_losses():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(9, 2)), rng.uniform(size=9)
    model = SigmoidNeuronRegressor(
        eta=0.7, batch_size=1, shuffle=False, max_iter=2, tol=None, record="step", alpha=0.1
    ).fit(X, y)
    w, b = model.start_["coef"], model.start_["intercept"]
    assert not w.any()
    assert b == 0.0

    def loss(i):
        return (1 / (1 + np.exp(-X[i] @ w - b)) - y[i]) ** 2 + 0.05 * w @ w

    for step in range(18):
        i, history = step % 9, model.history_
        assert_allclose(history["loss"][step], loss(i), rtol=1e-12)
        a = 1 / (1 + np.exp(-X[i] @ w - b))
        delta = 2 * (a - y[i]) * a * (1 - a)
        w, b = w - 0.7 * (delta * X[i] + 0.1 * w), b - 0.7 * delta
        assert_allclose(history["coef"][step], w, rtol=1e-12)
        assert_allclose(history["intercept"][step], b, rtol=1e-12)
        assert_allclose(history["loss_after"][step], loss(i), rtol=1e-12)


def test_full_batch_steps_over_several_blocks(X, monkeypatch):
    y = target_for(LogisticNeuronClassifier, 30)
    whole = make(LogisticNeuronClassifier, record="step", batch_size=None).fit(X, y)
    monkeypatch.setattr("sklearn_neuron._engine.batches.BLOCK_BYTES", 7 * 24)
    cut = make(LogisticNeuronClassifier, record="step", batch_size=None).fit(X, y)
    assert_allclose(cut.history_["loss"], whole.history_["loss"], rtol=1e-12)
    assert_allclose(cut.history_["loss_after"], whole.history_["loss_after"], rtol=1e-12)
    assert set(cut.history_["n_rows"]) == {30}
    assert_allclose(whole.history_["loss"][1:], whole.history_["loss_after"][:-1], rtol=1e-12)


@pytest.mark.parametrize("record", ["loss", "epoch", "step"])
def test_a_warm_start_goes_on(cls, record, X):
    y = target_for(cls, 30)
    model = make(cls, record=record, batch_size=8, max_iter=2, warm_start=True).fit(X, y)
    start = {name: pickle.dumps(value) for name, value in getattr(model, "start_", {}).items()}
    model.fit(X, y)
    long = make(cls, record=record, batch_size=8, max_iter=4).fit(X, y)
    assert model.history_.keys() == long.history_.keys()
    for name in NUMBERS[record]:
        assert_allclose(column(model, name), column(long, name), rtol=1e-12)
    if record != "loss":
        assert_allclose(last_row(model), last_row(long), rtol=1e-12)
        assert start == {name: pickle.dumps(value) for name, value in model.start_.items()}


@pytest.mark.parametrize("record", ["epoch", "step"])
def test_partial_fit_appends_what_was_asked_for(cls, record, X):
    y = target_for(cls, 30)
    model = make(cls, record=record, batch_size=8)
    classes = {"classes": np.unique(y)} if hasattr(cls, "predict_proba") or y.dtype == int else {}
    for _ in range(3):
        model.partial_fit(X, y, **classes)
    fitted = make(cls, record=record, batch_size=8, max_iter=3).fit(X, y)
    for name in NUMBERS[record]:
        assert_allclose(column(model, name), column(fitted, name), rtol=1e-12)
    assert_array_equal(last_row(model), last_row(fitted))


def test_by_default_partial_fit_does_not_make_pickles_grow(cls, X):
    y = target_for(cls, 30)
    classes = {"classes": np.unique(y)} if y.dtype == int else {}
    model, sizes = make(cls), []
    for _ in range(20):
        model.partial_fit(X, y, **classes)
        sizes.append(len(pickle.dumps(model)))
    assert len(model.history_["loss"]) == 1
    assert max(sizes[1:]) - min(sizes[1:]) < 16


def test_a_change_of_record_begins_anew(X):
    y = target_for(SigmoidNeuronRegressor, 30)
    model = make(SigmoidNeuronRegressor, max_iter=2, warm_start=True).fit(X, y)
    start = model.coef_.copy()
    model.set_params(record="epoch").fit(X, y)
    assert_array_equal(model.history_["epoch"], [2, 3])
    assert len(model.loss_curve_) == 4
    assert_array_equal(model.start_["coef"], start)
    model.set_params(record="loss").fit(X, y)
    assert_array_equal(model.history_["epoch"], [4, 5])
    assert not hasattr(model, "start_")


def test_an_interrupted_epoch_leaves_no_rows(X, monkeypatch):
    y = target_for(LogisticNeuronClassifier, 30)
    model = make(LogisticNeuronClassifier, record="step", batch_size=10, max_iter=5)
    original, calls = Network.backward, iter(range(10**6))

    def interrupted(*args):
        if next(calls) == 7:  # the second step of the third epoch
            raise KeyboardInterrupt
        original(*args)

    monkeypatch.setattr(Network, "backward", interrupted)
    with pytest.raises(KeyboardInterrupt), config_context(engine="numpy"):
        model.fit(X, y)
    assert_array_equal(model.history_["epoch"], [0, 0, 0, 1, 1, 1])
    assert_array_equal(model.history_["coef"][-1], model.coef_)


def test_rows_are_their_own(cls, X):
    model = make(cls, record="epoch", max_iter=3).fit(X, target_for(cls, 30))
    before = weights_of(model).copy()
    for name in parameter_names(cls):
        for value in (*model.history_[name], model.start_[name]):
            for array in value if isinstance(value, list) else [value]:
                if isinstance(array, np.ndarray):
                    array[...] = np.nan
    assert_array_equal(weights_of(model), before)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_float32_stays(solver, X):
    for cls in WITH_LBFGS:
        model = make(cls, record="epoch", solver=solver, max_iter=3, batch_size=8)
        model.fit(X.astype(np.float32), target_for(cls, 30))
        row = model.history_[parameter_names(cls)[0]][-1]
        assert (row[0] if isinstance(row, list) else row).dtype == np.float32


def test_nothing_is_evaluated_where_it_is_not_asked_for(X, monkeypatch):
    def evaluate(*args):
        raise AssertionError("evaluated")

    monkeypatch.setattr("sklearn_neuron._engine.recording.evaluate", evaluate)
    for record in ("loss", "epoch"):
        make(LogisticNeuronClassifier, record=record).fit(X, np.arange(30) % 3)
    with pytest.raises(AssertionError, match="evaluated"):
        make(LogisticNeuronClassifier, record="step").fit(X, np.arange(30) % 3)


def test_an_interrupt_while_an_epoch_is_noted_leaves_whole_epochs(X, monkeypatch, pd):
    y = target_for(SigmoidNeuronRegressor, 30)
    model = make(SigmoidNeuronRegressor, record="step", batch_size=1, max_iter=5)
    original, calls = StepHistory.make_rows, iter(range(100))

    def interrupted(*args):
        rows = original(*args)
        if next(calls) == 2:
            raise KeyboardInterrupt
        return rows

    monkeypatch.setattr(StepHistory, "make_rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 2
    assert pd.DataFrame(model.history_).shape[0] == 60
    assert_array_equal(model.history_["coef"][-1], model.coef_)
