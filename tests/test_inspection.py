"""Looking inside: the gradient check, the trace, the journal and the displays."""

import copy
import pickle
import sys
import time

import numpy as np
import pytest
from helpers import ESTIMATORS, NETWORKS, make, parameters_of, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from reference import objective_and_gradients, sigma
from scipy import sparse
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._estimator.targets import Numbers
from sklearn_neuron.activations import ACTIVATIONS, ReLU, Tanh
from sklearn_neuron.inspection import (
    JournalDisplay,
    LossCurveDisplay,
    LossSurfaceDisplay,
    _gradient,
    backprop_trace,
    check_gradient,
    journal,
)
from sklearn_neuron.inspection._subject import layout_of
from sklearn_neuron.losses import LOSSES, BinaryCrossEntropy, SquaredError

ONE_HOT = np.eye(3)[np.arange(30) % 3]


def target_of(loss):
    """Return targets that a loss is defined for."""
    try:
        loss.check_target(ONE_HOT)
    except ValueError:  # it may want positive ones
        return ONE_HOT + 0.5
    return ONE_HOT


class AnyTargets(Numbers):
    """Numbers behind whatever link there is."""

    def loss(self, parameters):
        return parameters.chosen


class AnyLoss(ManualMLPRegressor):
    """A network with whatever loss the test sets on the object."""

    _targets = AnyTargets()
    chosen = SquaredError()


def with_loss(loss, **params):
    model = make(AnyLoss, **params)
    model.chosen = loss
    return model


# ---- the gradient check -----------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("sizes", [(), (6,), (5, 4)])
def test_every_registered_activation_and_loss_passes(activation, loss, sizes, X):
    for seed in range(3):
        model = with_loss(LOSSES[loss](), activation=activation, hidden_layer_sizes=sizes)
        check = check_gradient(model, X, target_of(LOSSES[loss]()), random_state=seed)
        assert check.relative_error < 1e-7, str(check)
        assert check.n_checked == check.n_parameters


@pytest.mark.parametrize("params", [{}, {"alpha": 0.3}, {"solver": "adam"}])
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_estimator_passes(cls, fitted, weighted, params, X):
    y = target_for(cls, 30)
    weight = np.random.RandomState(0).randint(0, 3, 30) if weighted else None
    model = make(cls, **params)
    if fitted:
        model.fit(X, y, sample_weight=weight)
    before = pickle.dumps(vars(model))
    check = check_gradient(model, X, y, sample_weight=weight)
    assert check.passed, str(check)
    assert check.relative_error == max(check.layers.values())
    assert pickle.dumps(vars(model)) == before


class WrongTanh(Tanh):
    """σ′ is one part in ten thousand too large where z is positive."""

    name = "wrong_tanh"

    def with_derivative(self, z, out, slope):
        wrong = np.where(z > 0, 1.0001, 1.0)
        super().with_derivative(z, out, slope)
        slope *= wrong


class WrongCrossEntropy(BinaryCrossEntropy):
    """δ forgets the second output."""

    def delta(self, y, z, out, work):
        super().delta(y, z, out, work)
        out[:, 1] = 0.0


class NotFinite(Tanh):
    """σ′ is not a number."""

    def with_derivative(self, z, out, slope):
        super().with_derivative(z, out, slope)
        slope.fill(np.nan)


def test_a_wrong_activation_is_found(X):
    good = make(ManualMLPRegressor, activation=Tanh(), hidden_layer_sizes=(5, 4))
    assert check_gradient(good, X, ONE_HOT).passed
    bad = make(ManualMLPRegressor, activation=WrongTanh(), hidden_layer_sizes=(5, 4))
    check = check_gradient(bad, X, ONE_HOT)
    assert not check.passed
    assert check.relative_error > 1e-5
    assert check.layers["W3"] < 1e-9  # the last layer has no σ′
    assert check.layers["W1"] > 1e-5
    assert check.worst[:2] in {"W1", "W2", "b1", "b2"}
    assert "FAILED" in str(check)
    assert check.worst in str(check)


def test_a_wrong_loss_is_found_and_the_worst_parameter_named(X):
    check = check_gradient(with_loss(WrongCrossEntropy(), hidden_layer_sizes=()), X, ONE_HOT)
    assert not check.passed
    assert check.worst in {"b1[1]", *(f"W1[{i}, 1]" for i in range(4))}
    assert check.backprop == 0.0
    assert abs(check.difference) > 0.01


def test_a_derivative_that_is_no_number_does_not_pass(X):
    model = make(ManualMLPRegressor, activation=NotFinite())
    check = check_gradient(model, X, ONE_HOT)
    assert not check.passed
    assert check.relative_error == np.inf


def test_a_forward_that_is_another_function_is_found(X):
    class TwoFunctions(Tanh):
        def forward(self, z, out):
            np.multiply(z, 0.9, out=out)

    check = check_gradient(make(ManualMLPRegressor, activation=TwoFunctions()), X, ONE_HOT)
    assert not check.passed
    assert TwoFunctions.name == "TwoFunctions"
    assert "TwoFunctions" in str(
        backprop_trace(make(ManualMLPRegressor, activation=TwoFunctions()), X, ONE_HOT)
    )


def test_a_perceptron_with_rows_on_its_boundary_passes():
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
    for seed in range(5):
        model = PerceptronClassifier(random_state=seed).fit(X, y)
        assert check_gradient(model, X, y).passed


def test_a_missing_penalty_is_found(X, monkeypatch):
    y = target_for(LogisticNeuronClassifier, 30)
    model = make(LogisticNeuronClassifier, alpha=0.5)
    assert check_gradient(model, X, y).passed
    monkeypatch.setattr("sklearn_neuron.network.Network.add_weights", lambda *args: None)
    check = check_gradient(model, X, y)
    assert not check.passed
    assert check.layers["b"] < 1e-9
    assert check.worst.startswith("w[")


def test_large_layers_are_checked_along_directions(X, monkeypatch):
    """All parameters take part, in few evaluations."""
    calls, original = [], _gradient.evaluate
    monkeypatch.setattr(_gradient, "evaluate", lambda *args: calls.append(1) or original(*args))
    model = make(ManualMLPRegressor, hidden_layer_sizes=(400,), activation="tanh")
    check = check_gradient(model, X, ONE_HOT)
    assert check.passed
    assert check.n_checked == check.n_parameters == 4 * 400 + 400 * 3 + 400 + 3
    assert len(calls) < 150
    assert check.relative_error < 1e-8


class WrongUnit(Tanh):
    """σ′ of unit 17 is one part in ten thousand too large."""

    name = "wrong_unit"

    def with_derivative(self, z, out, slope):
        super().with_derivative(z, out, slope)
        slope[:, 17] *= 1.0001


def test_the_parameter_at_fault_is_found_among_many(X):
    for seed in range(5):
        model = make(ManualMLPRegressor, hidden_layer_sizes=(300,), activation=WrongUnit())
        check = check_gradient(model, X, ONE_HOT, random_state=seed)
        assert not check.passed
        assert check.worst in {"b1[17]", *(f"W1[{i}, 17]" for i in range(4))}
        assert check.layers["W2"] < 1e-8


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_large_network_on_many_rows(activation):
    rng = np.random.RandomState(0)
    rows, labels = rng.uniform(size=(1000, 300)), rng.randint(0, 10, 1000)
    check = check_gradient(ManualMLPClassifier((100, 50), activation=activation), rows, labels)
    assert check.passed, str(check)
    assert check.n_samples == 200
    assert check.n_checked == 35_660


def test_a_corner_in_every_direction_is_no_mistake(X):
    """Biases at -z of a sample: no direction of theirs is without a corner."""
    model = make(ManualMLPRegressor, hidden_layer_sizes=(120,)).fit(X, ONE_HOT)
    model.intercepts_[0] -= X[0] @ model.coefs_[0] + model.intercepts_[0]
    assert check_gradient(model, X, ONE_HOT).passed


def test_rows_are_drawn(X):
    y = target_for(LogisticNeuronClassifier, 30)
    weight = np.linspace(0.5, 2.0, 30)
    model = make(LogisticNeuronClassifier, alpha=0.1)
    checks = [check_gradient(model, X, y, sample_weight=weight, max_rows=n) for n in (10, 30, None)]
    assert [check.n_samples for check in checks] == [10, 30, 30]
    assert all(check.passed for check in checks)
    with pytest.raises(ValueError, match="max_rows"):
        check_gradient(model, X, y, max_rows=0)


def test_float32_and_sparse_are_checked_in_float64(cls, X):
    y = target_for(cls, 30)
    model = make(cls).fit(sparse.csr_array(X.astype(np.float32)), y)
    check = check_gradient(model, sparse.csr_array(X.astype(np.float32)), y)
    assert check.relative_error < 1e-8


def test_pipelines_and_strangers(X):
    y = target_for(LogisticNeuronClassifier, 30)
    pipeline = make_pipeline(StandardScaler(), make(LogisticNeuronClassifier)).fit(X, y)
    inner = check_gradient(pipeline[-1], StandardScaler().fit_transform(X), y)
    assert vars(check_gradient(pipeline, X, y)) == vars(inner)
    unfitted = make_pipeline(StandardScaler(), make(LogisticNeuronClassifier))
    assert check_gradient(unfitted, X, y).passed
    assert_allclose(backprop_trace(unfitted, X, y).a[0], StandardScaler().fit_transform(X))
    with pytest.raises(NotFittedError):
        unfitted[0].transform(X)
    with pytest.raises(TypeError, match=r"estimators of sklearn_neuron.*got LogisticRegression"):
        check_gradient(LogisticRegression(), X, y)
    search = GridSearchCV(make(LogisticNeuronClassifier), {"eta": [0.1]}).fit(X, y)
    with pytest.raises(TypeError, match="best_estimator_"):
        check_gradient(search, X, y)
    with pytest.raises(ValueError, match="eta"):
        check_gradient(LogisticNeuronClassifier(eta=-1.0), X, y)
    with pytest.raises(ValueError, match="zero weight"):
        check_gradient(pipeline[-1], X, y, sample_weight=np.zeros(30))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [20, 442])
def test_corners_of_relu_are_no_mistakes(n, seed):
    X, y = load_diabetes(return_X_y=True)
    model = ManualMLPRegressor(hidden_layer_sizes=(60,))
    check = check_gradient(model, X[:n], y[:n], random_state=seed)
    assert check.passed, str(check)


def test_many_rows_near_corners(X):
    rng = np.random.RandomState(0)
    rows = rng.normal(size=(5000, 6))
    model = ManualMLPClassifier((20,))
    check = check_gradient(model, rows, rows[:, 0] > 0, max_parameters=30, random_state=1)
    assert check.passed, str(check)


def test_a_wrong_derivative_is_found_among_corners(X):
    class WrongReLU(ReLU):
        name = "wrong_relu"

        def with_derivative(self, z, out, slope):
            super().with_derivative(z, out, slope)
            slope *= 1.0001

    X, y = load_diabetes(return_X_y=True)
    for seed in range(4):
        model = ManualMLPRegressor((20,), activation=WrongReLU())
        assert not check_gradient(model, X, y, random_state=seed).passed


def test_large_targets_are_no_mistakes(X):
    y = 1e8 + np.random.RandomState(0).normal(size=30)
    check = check_gradient(make(ManualMLPRegressor, activation="tanh"), X, y)
    assert check.passed, str(check)


def test_a_fitted_estimator_is_checked_at_its_parameters(X):
    y = target_for(SigmoidNeuronRegressor, 30)
    model = make(SigmoidNeuronRegressor, alpha=1.0).fit(X, y)
    for coef in ([100.0, 1.0, -50.0, 2.0], [0.0, 0.1, 0.0, 0.3]):
        model.coef_ = np.array(coef)
        check, trace = check_gradient(model, X, y), backprop_trace(model, X, y)
        expected = {f"w[{j}]": trace.dW[1][j, 0] for j in range(4)} | {"b": trace.db[1][0]}
        assert check.passed
        assert check.backprop == expected[check.worst]


def test_another_random_state_checks_other_parameters(X):
    model = make(ManualMLPRegressor, hidden_layer_sizes=(50,)).fit(X, ONE_HOT)
    found = {
        check_gradient(model, X, ONE_HOT, max_parameters=2, random_state=seed).worst
        for seed in range(10)
    }
    assert len(found) > 2
    assert check_gradient(model, X, ONE_HOT, max_parameters=None).n_checked == 403
    for wrong in (0, 2.5, "all"):
        with pytest.raises(ValueError, match="max_parameters"):
            check_gradient(model, X, ONE_HOT, max_parameters=wrong)


def test_the_random_state_does_not_move_on(X):
    y = target_for(ManualMLPRegressor, 30)
    state = np.random.RandomState(3)
    model = make(ManualMLPRegressor, random_state=state, record="epoch", max_iter=1)
    before = state.get_state()[2]
    trace = backprop_trace(model, X, y)
    check_gradient(model, X, y)
    assert state.get_state()[2] == before
    assert_array_equal(trace.W[1], model.fit(X, y).start_["coefs"][0])


def test_results_show_themselves(X):
    y = target_for(ManualMLPClassifier, 30)
    check = check_gradient(make(ManualMLPClassifier), X, y)
    trace = backprop_trace(make(ManualMLPClassifier, alpha=0.5), 1e-6 * X, y)
    assert repr(check) == str(check)
    assert repr(trace) == str(trace)
    assert trace == trace  # noqa: PLR0124
    assert "+ 0.5 W¹" in str(trace)
    small = backprop_trace(make(SigmoidNeuronRegressor), X, X[:, 0], coef_init=[1e-6, 0, 0, 0])
    assert "5.0e-07" in str(small)
    with np.errstate(all="raise"):
        backprop_trace(make(ManualMLPRegressor), 1e200 * X, X[:, 0])
        check_gradient(make(ManualMLPRegressor), 1e200 * X, X[:, 0])


# ---- the trace --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_trace_agrees_with_the_reference(activation, alpha, X):
    y = np.random.RandomState(1).normal(size=(30, 2))
    weight = np.random.RandomState(2).uniform(0.5, 2.0, 30)
    model = make(
        ManualMLPRegressor, hidden_layer_sizes=(5, 4), activation=activation, alpha=alpha
    ).fit(X, y, sample_weight=weight)
    trace = backprop_trace(model, X, y, sample_weight=weight)
    a = X
    for l in (1, 2, 3):
        z = a @ model.coefs_[l - 1] + model.intercepts_[l - 1]
        assert_allclose(trace.a[l - 1], a, rtol=1e-12)
        assert_allclose(trace.z[l], z, rtol=1e-12)
        a = sigma(activation if l < 3 else "identity", z)[0]
    assert_allclose(trace.a[3], model.predict(X), rtol=1e-12)
    objective, dW, db = objective_and_gradients(
        X, y, weight, model.coefs_, model.intercepts_, activation, "squared_error",
        "identity", alpha,
    )  # fmt: skip
    assert_allclose(trace.objective, objective, rtol=1e-12)
    for l in (1, 2, 3):
        assert_allclose(trace.dW[l], dW[l - 1], rtol=1e-10, atol=1e-14)
        assert_allclose(trace.db[l], db[l - 1], rtol=1e-10, atol=1e-14)
        # the sentence of the docstring, for every layer
        shared = trace.share * trace.delta[l]
        assert_allclose(trace.dW[l], trace.a[l - 1].T @ shared + alpha * trace.W[l], atol=1e-12)
        assert_allclose(trace.db[l], shared.sum(axis=0), atol=1e-12)
    for l in (1, 2):
        slope = sigma(activation, trace.z[l])[1]
        assert_allclose(trace.delta[l], trace.delta[l + 1] @ trace.W[l + 1].T * slope, atol=1e-12)
    assert_allclose(trace.delta[3], 2 * (trace.a[3] - y), rtol=1e-12)
    assert_allclose(trace.share @ [1.0], weight / weight.sum())


def test_one_step_follows_the_trace(cls, X):
    y = target_for(cls, 30)
    model = make(cls, eta=0.3, batch_size=None, max_iter=1, solver="sgd", record="epoch").fit(X, y)
    start, names = model.start_, model._layout.names
    inits = dict(zip(("coef_init", "intercept_init"), (start[name] for name in names), strict=True))
    trace = backprop_trace(make(cls), X, y, **inits)
    coefs, intercepts = parameters_of(model)
    for l in trace.W:
        assert_allclose(coefs[l - 1], trace.W[l] - 0.3 * trace.dW[l], rtol=1e-12, atol=1e-15)
        assert_allclose(intercepts[l - 1], trace.b[l] - 0.3 * trace.db[l], rtol=1e-12, atol=1e-15)
    assert_allclose(trace.objective, model.loss_curve_[0], rtol=1e-12)


def test_an_unfitted_estimator_is_traced_at_its_start(cls, X):
    y = target_for(cls, 30)
    model = make(cls, record="epoch", max_iter=1)
    before = copy.copy(vars(model))
    trace = backprop_trace(model, X, y)
    assert vars(model) == before
    coefs, intercepts = model._layout.layers(model.fit(X, y).start_)
    for l in trace.W:
        assert_array_equal(trace.W[l], coefs[l - 1])
        assert_array_equal(trace.b[l], intercepts[l - 1])


def test_the_trace_prints_a_table_for_each_layer(X):
    y = target_for(ManualMLPClassifier, 30)
    text = str(backprop_trace(make(ManualMLPClassifier, hidden_layer_sizes=(6, 2)), X, y))
    for word in ("4 → 6 → 2 → 3", "layer 1 of 3", "layer 3 of 3", "z¹[", "a³[2]", "δ³[2]", "∂W²",
                 "∂b³ = ", "y[1]", "20 more samples", "δ¹ = δ² W²ᵀ ⊙ σ′(z¹)"):  # fmt: skip
        assert word in text
    assert max(len(line) for line in text.splitlines()) <= 122


def test_the_trace_of_sparse_rows(X):
    y = target_for(ManualMLPClassifier, 30)
    dense = backprop_trace(make(ManualMLPClassifier), X, y)
    csr = backprop_trace(make(ManualMLPClassifier), sparse.csr_array(X), y)
    assert_allclose(csr.dW[1], dense.dW[1], rtol=1e-12)
    assert "layer 1 of 2" in str(csr)


# ---- the journal ------------------------------------------------------------------------------


def test_journal_names_every_parameter(X):
    pandas = pytest.importorskip("pandas")
    y = target_for(SigmoidNeuronRegressor, 30)
    one = make(SigmoidNeuronRegressor, record="epoch").fit(X[:, :1], y)
    assert list(journal(one)) == ["w", "b", "Loss"]
    several = make(SigmoidNeuronRegressor, record="epoch").fit(X[:, :2], y)
    assert list(journal(several)) == ["w[0]", "w[1]", "b", "Loss"]
    frame = pandas.DataFrame(X[:, :2], columns=["length", "width"])
    named = make(SigmoidNeuronRegressor, record="epoch").fit(frame, y)
    assert list(journal(named)) == ["w[length]", "w[width]", "b", "Loss"]


@pytest.mark.usefixtures("pd")
def test_journal_names_outputs_first(X):
    model = make(LogisticNeuronClassifier, record="epoch").fit(X[:, :2], np.arange(30) % 3)
    row = journal(model).iloc[-1]
    assert list(row.index) == [
        "w[0, 0]", "w[1, 0]", "w[2, 0]", "w[0, 1]", "w[1, 1]", "w[2, 1]",
        "b[0]", "b[1]", "b[2]", "Loss",
    ]  # fmt: skip
    for k in range(3):
        assert row[f"b[{k}]"] == model.intercept_[k]
        for j in range(2):
            assert row[f"w[{k}, {j}]"] == model.coef_[k, j]


@pytest.mark.parametrize("record", ["epoch", "step"])
@pytest.mark.usefixtures("pd")
def test_the_journal_of_nothing_is_empty(record, X):
    y = target_for(SigmoidNeuronRegressor, 30)
    model = make(SigmoidNeuronRegressor, record=record)
    model.partial_fit(X, y, sample_weight=np.zeros(30))
    assert journal(model).shape[0] == 0
    assert journal(model, every="epoch").shape == (0, 6)


@pytest.mark.usefixtures("pd")
def test_the_journal_after_a_change_of_record_counts_on(X):
    y = target_for(SigmoidNeuronRegressor, 30)
    model = make(SigmoidNeuronRegressor, max_iter=2, warm_start=True, batch_size=10).fit(X, y)
    model.set_params(record="step").fit(X, y)
    assert list(journal(model, every="epoch").index) == [2, 3]
    assert list(journal(model).index) == list(range(6))


@pytest.mark.parametrize("record", ["epoch", "step"])
@pytest.mark.usefixtures("pd")
def test_journal_holds_the_fitted_parameters(cls, record, X):
    y = target_for(cls, 30)
    model = make(cls, record=record, batch_size=8).fit(X[:, :2], y)
    table = journal(model)
    assert table.index.name == record
    assert_array_equal(table.index, range(len(model.history_["loss"])))
    last = table.iloc[-1]
    if cls in NETWORKS:
        assert last["W1[1, 3]"] == model.coefs_[0][1, 3]
        assert last["b2[0]"] == model.intercepts_[1][0]
    elif hasattr(model, "classes_"):
        assert last["w[2, 1]"] == model.coef_[2, 1]
        assert last["b[1]"] == model.intercept_[1]
    else:
        assert last["w[1]"] == model.coef_[1]
        assert last["b"] == model.intercept_
    parameters = last.drop(["Loss", "epoch"], errors="ignore").to_numpy(dtype=float)
    assert_array_equal(parameters, weights_of(model))
    if record == "epoch":
        assert_array_equal(table["Loss"], model.loss_curve_)
    else:
        assert_array_equal(table["epoch"], model.history_["epoch"])
        by_epoch = journal(model, every="epoch")
        assert by_epoch.shape[0] == model.n_iter_
        steps = table.assign(n=model.history_["n_rows"])
        for epoch, rows in steps.groupby("epoch"):
            assert_allclose(by_epoch["Loss"][epoch], np.average(rows["Loss"], weights=rows["n"]))
            assert by_epoch.iloc[epoch, 0] == rows.iloc[-1, 1]


@pytest.mark.usefixtures("pd")
def test_journal_says_what_is_missing(X):
    y = target_for(SigmoidNeuronRegressor, 30)
    with pytest.raises(NotFittedError):
        journal(SigmoidNeuronRegressor())
    with pytest.raises(ValueError, match="record='epoch' or record='step'"):
        journal(make(SigmoidNeuronRegressor).fit(X, y))
    recorded = make(SigmoidNeuronRegressor, record="epoch").fit(X, y)
    with pytest.raises(ValueError, match="record='step'"):
        journal(recorded, every="step")
    with pytest.raises(ValueError, match="every must be"):
        journal(recorded, every="batch")


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("pandas", "journal", journal),
        ("matplotlib", "plot", LossCurveDisplay.from_estimator),
        ("matplotlib", "plot", JournalDisplay.from_estimator),
        ("matplotlib", "plot", lambda model: LossSurfaceDisplay.from_estimator(model, *SMALL)),
    ],
)
def test_a_missing_package_names_its_extra(package, extra, use, monkeypatch):
    model = make(SigmoidNeuronRegressor, record="epoch").fit(*SMALL)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"needs {package}.*install {package}.*'\.\[{extra}\]'"):
        use(model)


# ---- the displays -----------------------------------------------------------------------------

SMALL = (np.array([[-1.0], [0.5], [2.0], [3.0]]), np.array([0.1, 0.5, 0.6, 0.9]))


def test_loss_curve_display(cls, X):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    model = make(cls, max_iter=7).fit(X, target_for(cls, 30))
    display = LossCurveDisplay.from_estimator(model, color="black", linestyle="--")
    assert_array_equal(display.line_.get_ydata(), model.loss_curve_)
    assert display.line_.get_color() == "black"
    assert display.line_.get_label() == cls.__name__
    assert display.figure_ is display.ax_.figure
    _, ax = pyplot.subplots()
    again = display.plot(ax, name="again")
    assert again.ax_ is ax
    assert ax.get_legend().get_texts()[0].get_text() == "again"
    assert LossCurveDisplay(loss_curve=[3.0, 2.0]).plot().ax_.get_legend() is None


@pytest.mark.usefixtures("plt")
def test_loss_curve_of_lbfgs_and_pipelines(X):
    y = target_for(LogisticNeuronClassifier, 30)
    model = make_pipeline(StandardScaler(), make(LogisticNeuronClassifier, solver="lbfgs"))
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(model)
    display = LossCurveDisplay.from_estimator(model.fit(X, y), name="model")
    assert display.ax_.get_xlabel() == "iteration"
    assert display.line_.get_label() == "model"


@pytest.mark.usefixtures("pd", "plt")
def test_journal_display():
    model = make(SigmoidNeuronRegressor, record="step", batch_size=2).fit(*SMALL)
    display = JournalDisplay.from_estimator(model, every="epoch", linewidth=1.0)
    table = journal(model, every="epoch")
    for line, name in zip(display.lines_, table, strict=True):
        assert_array_equal(line.get_ydata(), table[name])
        assert line.get_label() == name
        assert line.get_linewidth() == 1.0
    assert {text.get_text() for text in display.ax_.texts} == {"w", "b", "Loss"}
    short = make(SigmoidNeuronRegressor, record="epoch", max_iter=2).fit(*SMALL)
    legend = JournalDisplay.from_estimator(short).ax_.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["w", "b", "Loss"]


@pytest.mark.usefixtures("plt")
def test_journal_display_of_many_parameters(X):
    model = make(ManualMLPClassifier, record="epoch").fit(X, np.arange(30) % 3)
    display = JournalDisplay.from_estimator(model)
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names == ["weights", "biases"]
    (loss,) = display.lines_
    assert loss.axes is display.loss_ax_ is not display.ax_
    assert_array_equal(loss.get_ydata(), model.loss_curve_)
    drawn = np.array([line for group in display.collections_ for line in group.get_segments()])
    assert drawn.shape == (len(weights_of(model)), 20, 2)
    assert_array_equal(drawn[:, -1, 1], weights_of(model))
    assert_array_equal(drawn[0, :, 0], range(20))
    low, high = display.ax_.get_ylim()
    assert low < drawn[:, :, 1].min() < drawn[:, :, 1].max() < high


@pytest.mark.usefixtures("plt")
def test_journal_display_of_thousands_of_parameters(X):
    model = make(ManualMLPClassifier, record="epoch", hidden_layer_sizes=(60,))
    model.fit(X, np.arange(30) % 3)
    display = JournalDisplay.from_estimator(model)
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names == ["W1", "W2", "b1", "b2"]
    assert len(display.collections_) == 2 * 4
    loss, *medians = display.lines_
    assert loss.axes is display.loss_ax_
    for line, parts in zip(medians, ("coefs", "coefs", "intercepts", "intercepts"), strict=True):
        l = int(line.get_label()[1]) - 1
        by_hand = [np.median(row[l]) for row in model.history_[parts]]
        assert_allclose(line.get_ydata(), by_hand)
    edges = display.collections_[0].get_paths()[0].vertices[:, 1]
    first = np.array([np.percentile(row[0], [5, 95]) for row in model.history_["coefs"]])
    assert edges.min() == pytest.approx(first.min())
    assert edges.max() == pytest.approx(first.max())
    assert JournalDisplay.from_estimator(model, color="red").lines_[1].get_color() == "red"


@pytest.mark.usefixtures("plt")
def test_the_loss_is_seen_on_a_dark_background(X):
    from matplotlib import pyplot as plt

    model = make(ManualMLPClassifier, record="epoch").fit(X, np.arange(30) % 3)
    with plt.style.context("dark_background"):
        (loss,) = JournalDisplay.from_estimator(model).lines_
    assert loss.get_color() == "white"


@pytest.mark.usefixtures("plt")
def test_a_hundred_thousand_parameters_are_drawn_in_two_seconds(X):
    """Of processor time; 0.7 s where this was written."""
    model = make(ManualMLPClassifier, record="epoch", hidden_layer_sizes=(12_500,))
    model.fit(X, np.arange(30) % 3)
    assert len(weights_of(model)) == 100_003
    start = time.process_time()
    JournalDisplay.from_estimator(model).figure_.canvas.draw()
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize("plot_method", ["contourf", "contour", "pcolormesh"])
@pytest.mark.usefixtures("plt")
def test_loss_surface_display(plot_method):
    model = make(SigmoidNeuronRegressor, record="epoch", batch_size=None, eta=2.0, alpha=0.1)
    model.fit(*SMALL, coef_init=[-1.0], intercept_init=1.0)
    display = LossSurfaceDisplay.from_estimator(
        model, *SMALL, grid_resolution=8, plot_method=plot_method, path_kwargs={"color": "red"}
    )
    assert_array_equal(display.path[0], [-1.0, 1.0])
    assert_array_equal(display.path[-1], [*model.coef_, model.intercept_])
    assert display.path_.get_color() == "red"
    assert display.loss.shape == (8, 8)
    w, b = display.xx0[3, 5], display.xx1[3, 5]
    a = 1 / (1 + np.exp(-w * SMALL[0][:, 0] - b))
    assert_allclose(display.loss[3, 5], np.mean((a - SMALL[1]) ** 2) + 0.05 * w**2)
    # at the parameters of an epoch the surface is as high as the loss curve says
    row = LossSurfaceDisplay.from_estimator(
        model, *SMALL, grid_resolution=2, ranges=tuple((x, x + 1) for x in display.path[3])
    )
    assert_allclose(row.loss[0, 0], model.loss_curve_[3])


@pytest.mark.usefixtures("plt")
def test_loss_surface_of_chosen_parameters(X):
    y = target_for(ManualMLPClassifier, 30)
    model = make(ManualMLPClassifier).fit(X, y)
    display = LossSurfaceDisplay.from_estimator(
        model, X, y, directions=("W2[0, 1]", "b1[2]"), grid_resolution=5
    )
    assert_array_equal(display.path, [[model.coefs_[1][0, 1], model.intercepts_[0][2]]])
    assert display.ax_.get_xlabel() == "W2[0, 1]"
    with pytest.raises(ValueError, match=r"no parameter 'w'; there are W1\[0, 0\]"):
        LossSurfaceDisplay.from_estimator(model, X, y, directions=("w", "b"))
    with pytest.raises(ValueError, match="grid_resolution"):
        LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=1)
    with pytest.raises(ValueError, match="plot_method"):
        LossSurfaceDisplay.from_estimator(model, X, y, plot_method="surface")


@pytest.mark.usefixtures("plt")
def test_short_names_and_colours_of_matplotlib():
    model = make(SigmoidNeuronRegressor, record="epoch").fit(*SMALL)
    assert JournalDisplay.from_estimator(model, lw=1, c="r").lines_[0].get_color() == "r"
    assert LossCurveDisplay.from_estimator(model, lw=1, ls=":").line_.get_linewidth() == 1
    surface = LossSurfaceDisplay.from_estimator(
        model, *SMALL, grid_resolution=4, plot_method="contour", colors="k", path_kwargs={"c": "b"}
    )
    assert surface.path_.get_color() == "b"
    assert surface.colorbar_.ax.get_ylabel() == "loss"
    black = LossSurfaceDisplay.from_estimator(
        model, *SMALL, grid_resolution=4, plot_method="contour", cmap="viridis"
    )
    assert black.path_.get_color() == "black"
    assert black.surface_.get_cmap().name == "viridis"


@pytest.mark.usefixtures("plt")
def test_journal_display_of_any_columns():
    nine = JournalDisplay(columns={f"c{k}": [1, 2] for k in range(9)}, index=[0, 1]).plot()
    assert len(nine.ax_.get_legend().get_texts()) == 9
    weights = JournalDisplay(columns={f"w[{k}]": [1, 2] for k in range(9)}, index=[0, 1])
    names = weights.plot(label="x").ax_.get_legend().get_texts()
    assert [text.get_text() for text in names] == ["weights"]
    one = JournalDisplay(columns={"w": [1.0]}, index=[3], unit="step").plot()
    assert one.lines_[0].get_marker() == "o"
    assert one.ax_.get_xlabel() == "step"
    assert LossCurveDisplay(loss_curve=[1.0]).plot().line_.get_marker() == "o"


@pytest.mark.usefixtures("plt")
def test_loss_surface_takes_weights_and_says_what_is_wrong(X):
    y, weight = target_for(SigmoidNeuronRegressor, 30), np.arange(30.0)
    model = make(SigmoidNeuronRegressor, batch_size=None, record="epoch")
    model.fit(X, y, sample_weight=weight)
    path = LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=2).path
    at_the_end = tuple((x, x + 1) for x in path[-1])
    display = LossSurfaceDisplay.from_estimator(
        model, X, y, sample_weight=weight, grid_resolution=2, ranges=at_the_end
    )
    trace = backprop_trace(model, X, y, sample_weight=weight)
    assert_allclose(display.loss[0, 0], trace.objective)
    assert display.ax_.get_xlim() == pytest.approx(at_the_end[0])
    assert display.ax_.get_ylim() == pytest.approx(at_the_end[1])
    end = display.ax_.get_lines()[-1]
    assert_array_equal(np.ravel(end.get_xydata()), path[-1])
    with pytest.raises(NotFittedError):
        LossSurfaceDisplay.from_estimator(SigmoidNeuronRegressor(), X, y)
    for wrong in ((0, 1), ((0, np.inf), (0, 1)), ((1, 0), (0, 1)), ((1, 1), (0, 1))):
        with pytest.raises(ValueError, match="two pairs"):
            LossSurfaceDisplay.from_estimator(model, X, y, ranges=wrong)
    for wrong in (("w[0]",), ("b", "b"), "b"):
        with pytest.raises(ValueError, match="two different names"):
            LossSurfaceDisplay.from_estimator(model, X, y, directions=wrong)


@pytest.mark.usefixtures("plt")
def test_displays_leave_the_estimator_alone(X):
    for cls in ESTIMATORS:
        y = target_for(cls, 30)
        model = make(cls, record="epoch").fit(X, y)
        before = pickle.dumps(vars(model))
        LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=4)
        JournalDisplay.from_estimator(model)
        assert pickle.dumps(vars(model)) == before


@pytest.mark.usefixtures("plt")
def test_the_perceptron_has_a_surface_too(X):
    y = (X[:, 0] > 0).astype(int)
    model = make(PerceptronClassifier, record="step", batch_size=1).fit(X[:, :1], y)
    display = LossSurfaceDisplay.from_estimator(model, X[:, :1], y, grid_resolution=10)
    assert display.loss.min() >= 0.0


def test_an_unfitted_network_is_seen_at_the_start_that_fit_makes(network, X):
    for early_stopping in (False, True):
        model = make(network, record="epoch", early_stopping=early_stopping)
        trace = backprop_trace(model, X, target_for(network, 30))
        start = model.fit(X, target_for(network, 30)).start_
        for l, (W, b) in enumerate(zip(start["coefs"], start["intercepts"], strict=True), 1):
            assert_array_equal(trace.W[l], W)
            assert_array_equal(trace.b[l], b)


@pytest.mark.usefixtures("plt")
def test_without_an_intercept_the_surface_is_one_of_weights(X):
    y = np.arange(30) % 2
    model = make(LogisticNeuronClassifier, fit_intercept=False, record="epoch").fit(X, y)
    display = LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=5)
    assert display.parameters == ("w[0]", "w[1]")
    check = check_gradient(make(LogisticNeuronClassifier, fit_intercept=False), X, y)
    assert check.passed
    assert list(check.layers) == ["w"]
    assert check.n_checked == check.n_parameters == 4
    one = make(LogisticNeuronClassifier, fit_intercept=False).fit(X[:, :1], y)
    with pytest.raises(ValueError, match="needs two parameters"):
        LossSurfaceDisplay.from_estimator(one, X[:, :1], y)


@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier, ManualMLPRegressor])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_averaged_parameters_are_the_fitted_ones(cls, early_stopping, X):
    """Training continues from others, but a fitted estimator is traced where it predicts."""
    y = target_for(cls, 30)
    solver = SGD(average=True)
    model = make(cls, solver=solver, eta=0.1, max_iter=5, early_stopping=early_stopping).fit(X, y)
    trace = backprop_trace(model, X, y)
    coefs, intercepts = layout_of(model).fitted_layers(vars(model))
    for l, (W, b) in enumerate(zip(coefs, intercepts, strict=True), 1):
        assert_array_equal(trace.W[l], W)
        assert_array_equal(trace.b[l], b)
