"""Records: thinning, precision, rows, the optimizer's state, and the ceiling in bytes."""

import pickle

import numpy as np
import pytest
from helpers import make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    Record,
    RMSprop,
    SigmoidNeuronRegressor,
    config_context,
)
from sklearn_neuron._engine import core
from sklearn_neuron._estimator import base
from sklearn_neuron._estimator.length import Length
from sklearn_neuron.inspection import journal

ENGINES = ["numpy", *(["compiled"] if core.available() else [])]


def thetas(model):
    """Return the recorded parameters, one row each."""
    names = ["coefs", "intercepts"] if "coefs" in model.history_ else ["coef", "intercept"]
    rows = zip(*(model.history_[name] for name in names), strict=True)
    return np.array(
        [np.hstack([np.ravel(p) for part in row for p in listed(part)]) for row in rows]
    )


def listed(part):
    """Return the parameters of all layers; those of a neuron are one layer."""
    return part if isinstance(part, list) else [part]


@pytest.mark.parametrize("kind", ["epoch", "step"])
def test_a_name_is_short_for_a_record(cls, kind, X):
    y = target_for(cls, 30)
    short = make(cls, record=kind, batch_size=8, max_iter=3).fit(X, y)
    long = make(cls, record=Record(kind), batch_size=8, max_iter=3).fit(X, y)
    assert pickle.dumps(short.history_) == pickle.dumps(long.history_)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["loss", "epoch", "step"])
def test_thinned_rows_are_those_of_the_whole_record(cls, kind, engine, X):
    """Every third, and the last one; and nothing else of the fit changes."""
    y = target_for(cls, 30)
    with config_context(engine=engine):
        whole = make(cls, record=Record(kind), batch_size=8, max_iter=7).fit(X, y)
        thin = make(cls, record=Record(kind, every=3), batch_size=8, max_iter=7).fit(X, y)
    unit = "step" if kind == "step" else "epoch"
    last = whole.history_[unit][-1]
    numbers, all_numbers = thin.history_[unit].tolist(), whole.history_[unit].tolist()
    assert numbers == [*range(2, last, 3), *([last] if (last + 1) % 3 else [])] or (
        numbers == list(range(2, last + 1, 3))
    )
    kept = [all_numbers.index(number) for number in numbers]
    for name, column in thin.history_.items():
        for place, value in zip(kept, column, strict=True):
            assert pickle.dumps(value) == pickle.dumps(whole.history_[name][place])
    assert_array_equal(thin.loss_curve_, whole.loss_curve_)
    assert_array_equal(weights_of(thin), weights_of(whole))


@pytest.mark.parametrize("kind", ["epoch", "step"])
def test_thinning_counts_over_all_calls(cls, kind, X):
    y = target_for(cls, 30)
    whole = make(cls, record=Record(kind, every=5), batch_size=8, max_iter=9).fit(X, y)
    model = make(cls, record=Record(kind, every=5), batch_size=8)
    classes = {"classes": np.unique(y)} if y.dtype == int else {}
    for _ in range(9):
        model.partial_fit(X, y, **classes)
    unit = "step" if kind == "step" else "epoch"
    assert_array_equal(model.history_[unit], whole.history_[unit])
    assert_array_equal(thetas(model), thetas(whole))


@pytest.mark.parametrize("kind", ["epoch", "step"])
def test_a_warm_start_drops_the_last_row_only_where_it_was_not_due(kind, X):
    """Of 4 updates an epoch every third is due, and the last one; iterations count as epochs."""
    y = target_for(LogisticNeuronClassifier, 30)
    record = Record(kind, every=3)
    model = make(LogisticNeuronClassifier, record=record, batch_size=8, max_iter=2, warm_start=True)
    first = model.fit(X, y).history_
    assert list(first[kind]) == ([2, 5, 7] if kind == "step" else [1])
    second = model.fit(X, y).history_
    assert list(second[kind]) == ([2, 5, 8, 11, 14, 15] if kind == "step" else [2, 3])
    by_lbfgs = clone(model).set_params(solver="lbfgs", tol=None)
    by_lbfgs.fit(X, y).fit(X, y)
    assert list(by_lbfgs.history_["epoch"]) == [2, 3]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_replay_of_the_recorded_rows_gives_the_recorded_losses(
    cls, engine, batch_size, shuffle, X
):
    """Bit for bit: an epoch's rows, in their order, are trained on as an epoch of their own."""
    y = target_for(cls, 30)
    with config_context(engine=engine):
        params = {"record": "step", "batch_size": batch_size, "max_iter": 1, "alpha": 0.01}
        model = make(cls, shuffle=shuffle, random_state=3, **params).fit(X, y)
        rows = np.hstack(model.history_["rows"])
        assert rows.dtype == np.int32
        assert_array_equal(np.sort(rows), np.arange(30))
        assert (np.diff(rows) == 1).all() == (not shuffle or batch_size is None)
        replay = make(cls, shuffle=False, random_state=3, **params)
        start = dict(zip(["coef_init", "intercept_init"], model.start_.values(), strict=True))
        replay.fit(X[rows], y[rows], **start)
    assert_array_equal(replay.history_["loss"], model.history_["loss"])
    assert_array_equal(replay.history_["loss_after"], model.history_["loss_after"])
    assert_array_equal(thetas(replay), thetas(model))


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_are_those_of_the_users_data(engine, X):
    """Also where samples of zero weight are dropped, and where others are held out."""
    y = target_for(LogisticNeuronClassifier, 30)
    weight = np.ones(30)
    weight[[0, 3, 4, 17]] = 0.0
    params = {"record": "step", "batch_size": 4, "max_iter": 2, "shuffle": False}
    with config_context(engine=engine):
        model = make(LogisticNeuronClassifier, **params).fit(X, y, weight)
        assert_array_equal(np.hstack(model.history_["rows"][:7]), np.flatnonzero(weight))
        model = make(LogisticNeuronClassifier, early_stopping=True, random_state=0, **params)
        model.fit(X, y, weight)
    rows = np.hstack(model.history_["rows"])
    assert set(rows) < set(np.flatnonzero(weight))
    steps = zip(model.history_["rows"], model.history_["loss"], strict=True)
    first, loss = next(steps)
    assert loss == pytest.approx(np.log(3))  # of three classes at zero
    coef, intercept = model.history_["coef"][0], model.history_["intercept"][0]
    z = X[first] @ coef.T + intercept
    after = (np.log(np.exp(z).sum(axis=1)) - z[range(4), y[first]]).mean()
    assert model.history_["loss_after"][0] == pytest.approx(after, rel=1e-12)


def test_rows_in_the_samples_own_order_are_stored_once(X):
    y = target_for(LogisticNeuronClassifier, 30)
    model = make(LogisticNeuronClassifier, record="step", batch_size=None, max_iter=5).fit(X, y)
    assert len({id(rows) for rows in model.history_["rows"]}) == 1


def test_single_precision_halves_the_record_and_changes_nothing_else():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]
    sizes = {}
    for dtype in (None, "float32"):
        record = Record("step", dtype=dtype)
        model = ManualMLPClassifier(
            (32,), max_iter=5, tol=None, batch_size=50, record=record, random_state=0
        ).fit(X, y)
        sizes[dtype] = len(pickle.dumps(model.history_))
        sizes["coefs", dtype] = model.coefs_
        assert model.history_["coefs"][0][0].dtype == (dtype or "float64")
        assert model.start_["coefs"][0].dtype == "float64"
    assert sizes["float32"] < 0.52 * sizes[None]
    for one, other in zip(sizes["coefs", None], sizes["coefs", "float32"], strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["epoch", "step"])
@pytest.mark.parametrize(
    ("solver", "names"),
    [
        (Adam(), "mean square t"),
        (SGD(momentum=0.5), "carried"),
        (SGD(momentum=0.5, nesterov=True), "carried"),
        (RMSprop(momentum=0.5), "carried square"),
        (SGD(average=True), "average n_updates"),
        (SGD(), ""),
    ],
    ids=repr,
)
def test_the_recorded_state_is_that_of_the_optimizer(engine, kind, solver, names, X):
    """The update rule, by hand on the recorded rows, leads from one recorded state to the next."""
    names, y = set(names.split()), target_for(ManualMLPClassifier, 30)
    record = Record(kind, state=True)
    params = {"solver": solver, "batch_size": 8, "random_state": 1, "eta": 0.1}
    with config_context(engine=engine):
        model = make(ManualMLPClassifier, record=record, max_iter=3, **params).fit(X, y)
        states = model.history_["state"]
        assert all(set(state) == names for state in states)
        n_updates = 12 if kind == "step" else 3
        assert len(states) == n_updates
        if "t" in names:
            per_row = 1 if kind == "step" else 4
            assert [state["t"] for state in states] == [per_row * (k + 1) for k in range(n_updates)]
        # the same training, an epoch or a step at a time, is in the same state
        short = make(ManualMLPClassifier, record=Record("epoch", state=True), max_iter=3, **params)
        short.fit(X, y)
    at_the_end = short.history_["state"][-1]
    for name in names - {"t", "n_updates"}:
        for key in ("coefs", "intercepts"):
            for a, b in zip(states[-1][name][key], at_the_end[name][key], strict=True):
                assert_array_equal(a, b)
    if solver == Adam() and kind == "step":
        mean = [np.hstack([np.ravel(p) for p in state["mean"]["coefs"]]) for state in states]
        gradient = (mean[1] - 0.9 * mean[0]) / 0.1  # m = β₁ m + (1 − β₁) g
        before = thetas(model)[0]
        after = thetas(model)[1]
        square = [np.hstack([np.ravel(p) for p in state["square"]["coefs"]]) for state in states]
        assert_allclose(square[1], 0.999 * square[0] + 0.001 * gradient**2, rtol=1e-9, atol=1e-15)
        m_hat, v_hat = mean[1] / (1 - 0.9**2), square[1] / (1 - 0.999**2)
        n = len(gradient)
        step = -0.1 * m_hat / (np.sqrt(v_hat) + 1e-8)
        assert_allclose(after[:n] - before[:n], step, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_ceiling_is_checked_before_the_first_epoch(engine, X):
    y = target_for(ManualMLPClassifier, 30)
    model = make(ManualMLPClassifier, max_iter=10, batch_size=8).fit(X, y)
    before = vars(model)
    model = clone(model).set_params(record=Record("step", max_bytes=20_000))
    with config_context(engine=engine), pytest.raises(ValueError, match="max_bytes is 20000") as e:
        model.fit(X, y)
    every = int(str(e.value).split("every=")[1].split(")")[0])
    assert vars(model).keys() == {*model.get_params(deep=False)}
    with pytest.raises(ValueError, match="max_bytes"):
        model.set_params(record__every=every - 1).fit(X, y)
    model.set_params(record__every=every).fit(X, y)
    assert len(pickle.dumps(model.history_)) < 20_000
    assert before["n_iter_"] == 10


def test_a_record_of_which_no_epoch_fits_is_refused_before_the_search_for_their_number(monkeypatch):
    """What fits is known afterwards; the message says what every number of epochs needs."""
    X, y = load_digits(return_X_y=True)
    asked = []

    def choose(*args):
        asked.append(args)
        return Length(1, [1], [0.5])

    monkeypatch.setattr(base, "choose_length", choose)
    model = ManualMLPClassifier((300,), record=Record("step", max_bytes=10**7), random_state=0)
    with pytest.raises(ValueError, match=r"of up to 11401 rows .* max_bytes is 10000000"):
        model.fit(X, y)
    assert not asked
    assert not hasattr(model, "coefs_")
    model.set_params(record__max_bytes=10**8).fit(X, y)
    assert len(asked) == 1
    assert model.n_iter_ == 1


@pytest.mark.parametrize("kind", ["epoch", "step"])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("dtype", [None, "float32"])
def test_the_ceiling_bounds_the_pickle(kind, state, dtype):
    """The bytes that the error names are enough, and not far from what is needed."""
    X, y = load_digits(return_X_y=True)
    record = Record(kind, state=state, dtype=dtype, max_bytes=0)
    model = ManualMLPClassifier(
        (20, 10), max_iter=4, tol=None, batch_size=300, record=record, random_state=0
    )
    with pytest.raises(ValueError, match="would take") as error:
        model.fit(X / 16, y)
    named = int(str(error.value).split(" would take ")[1].split()[0])
    model.set_params(record__max_bytes=named).fit(X / 16, y)
    size = len(pickle.dumps(model.history_))
    assert 0.6 * named < size < named


@pytest.mark.parametrize("solver", ["lbfgs", "newton", "newton-cg"])
def test_iterations_are_thinned_and_bounded(solver, X):
    y = target_for(LogisticNeuronClassifier, 30)
    params = {"solver": solver, "alpha": 0.01, "tol": 1e-12, "max_iter": 50}
    whole = make(LogisticNeuronClassifier, record="step", **params).fit(X, y)
    thin = make(LogisticNeuronClassifier, record=Record("step", every=2), **params).fit(X, y)
    n = whole.n_iter_
    assert_array_equal(thin.history_["epoch"], [*range(1, n, 2), *([n - 1] if n % 2 else [])])
    with pytest.raises(ValueError, match="max_bytes"):
        make(LogisticNeuronClassifier, record=Record("step", max_bytes=1), **params).fit(X, y)


def test_a_regressor_records_in_its_own_units(X):
    """Adaptive optimizers see y / scale; what is recorded is in the user's units."""
    y = 1000.0 * X[:, 0] + 7.0
    record = Record("epoch", every=2, dtype="float32")
    model = ManualMLPRegressor((5,), max_iter=8, tol=None, record=record, random_state=0).fit(X, y)
    assert_allclose(thetas(model)[-1], np.float32(weights_of(model)), rtol=1e-6)
    assert model.history_["loss"][-1] == model.loss_curve_[-1]


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"kind": "all"}, ValueError, "kind of Record must be one of 'loss', 'epoch', 'step'"),
        ({"kind": None}, TypeError, "kind of Record"),
        ({"every": 0}, ValueError, "every of Record must be an int"),
        ({"every": 1.5}, TypeError, "every of Record"),
        ({"dtype": "float16"}, ValueError, "'float32', 'float64', None"),
        ({"state": 1}, TypeError, "state of Record"),
        ({"max_bytes": -1}, ValueError, "max_bytes of Record"),
        ({"kind": "loss", "state": True}, ValueError, "needs kind='epoch' or kind='step'"),
    ],
)
def test_a_wrong_record_says_what_is_allowed(params, error, words, X):
    model = make(SigmoidNeuronRegressor, record=Record(**params))
    with pytest.raises(error, match=words):
        model.fit(X, target_for(SigmoidNeuronRegressor, 30))


def test_a_search_reaches_inside(X):
    y = target_for(LogisticNeuronClassifier, 30)
    model = make(LogisticNeuronClassifier, record=Record("epoch"), max_iter=4)
    search = GridSearchCV(model, {"record__every": [1, 2]}, cv=2).fit(X, y)
    assert_array_equal(search.best_estimator_.history_["epoch"], [0, 1, 2, 3])
    assert clone(model).record == Record("epoch")


@pytest.mark.usefixtures("pd")
def test_a_thinned_record_of_steps_makes_no_journal_of_epochs(X):
    y = target_for(SigmoidNeuronRegressor, 30)
    model = make(SigmoidNeuronRegressor, record=Record("step", every=3), batch_size=8)
    model.fit(X, y)
    assert len(journal(model)) == len(model.history_["step"])
    with pytest.raises(ValueError, match="thinned out"):
        journal(model, every="epoch")


@pytest.mark.parametrize("every", [14, 100])
@pytest.mark.usefixtures("pd")
def test_nor_does_one_whose_first_steps_are_missing(every, X):
    y = target_for(LogisticNeuronClassifier, 30)
    record = Record("step", every=every)
    model = make(LogisticNeuronClassifier, record=record, batch_size=6, max_iter=3).fit(X, y)
    assert model.history_["step"][-1] == 14
    with pytest.raises(ValueError, match="thinned out"):
        journal(model, every="epoch")
