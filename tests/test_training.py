"""The loop: when it stops, what it records, what an interrupt and verbose leave behind."""

import contextlib
import gc
import warnings
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import NETWORKS, WITH_LBFGS, make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from reference import objective_and_gradients
from scipy import sparse
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
    config_context,
)
from sklearn_neuron._engine import batches, epochs, fit
from sklearn_neuron._engine.epochs import Plateau
from sklearn_neuron._engine.fit import InMemory
from sklearn_neuron._engine.objective import LinearObjective
from sklearn_neuron._estimator import base
from sklearn_neuron._estimator.state import seeded
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.losses import BinaryCrossEntropy
from sklearn_neuron.network import Network


def reached(plateau, *losses):
    """Return what a plateau says after each of some epochs."""
    return [plateau.reached(SimpleNamespace(loss=loss, measured={})) for loss in losses]


def test_plateau_means_ten_not_eleven():
    plateau = Plateau(tol=0.1, patience=10)
    assert reached(plateau, 1.0) == [False]
    assert reached(plateau, *[0.95] * 10) == [False] * 9 + [True]


def test_plateau_starts_again_at_an_improvement():
    plateau = Plateau(tol=0.1, patience=2)
    assert reached(plateau, 1.0, 0.95, 0.8, 0.75, 0.71) == [False] * 4 + [True]


def test_a_constant_loss_is_no_improvement_at_tol_zero():
    assert reached(Plateau(tol=0.0, patience=2), 1.0, 1.0, 1.0) == [False, False, True]


def test_without_tol_there_is_no_plateau():
    assert not any(reached(Plateau(None, 1), *[1.0] * 50))


def test_with_validation_data_loss_or_score_may_improve():
    plateau = Plateau(tol=0.1, patience=2, validation=True)

    def look(loss, score):
        measured = {"validation_loss": loss, "validation_score": score}
        return plateau.reached(SimpleNamespace(loss=0.0, measured=measured))

    epochs = [(1.0, 0.5), (2.0, 0.7), (0.5, 0.1), (0.5, 0.1), (0.45, 0.9), (np.nan, 0.9)]
    assert [look(*epoch) for epoch in epochs] == [False] * 6
    assert look(np.nan, np.nan)


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_training_stops_at_the_plateau(patience, X):
    y = np.arange(30) % 2
    model = LogisticNeuronClassifier(
        tol=100.0, n_iter_no_change=patience, batch_size=None, max_iter=50
    ).fit(X, y)
    assert model.n_iter_ == patience + 1


def test_reaching_max_iter_is_a_convergence_warning(cls, X):
    y = target_for(cls, 30)
    with pytest.warns(ConvergenceWarning, match=f"{cls.__name__}.*max_iter=3") as caught:
        make(cls, tol=0.0, max_iter=3, n_iter_no_change=10).fit(X, y)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if cls is not PerceptronClassifier:  # whose own end is an epoch without a mistake
            make(cls, tol=None, max_iter=3).fit(X, y)


def test_a_pass_need_not_converge(cls, X):
    classes = [[0, 1, 2]] if "class_weight" in cls().get_params() else []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(cls, tol=1e-9).partial_fit(X, target_for(cls, 30), *classes)


def test_a_warning_made_an_error_does_not_lose_the_fit(cls, X):
    model = make(cls, tol=0.0, max_iter=3, n_iter_no_change=10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning):
            model.fit(X, target_for(cls, 30))
    assert model.n_iter_ == 3
    assert np.isfinite(model.predict(X)).all()


def test_the_warning_says_nothing_false(X):
    """Neither that a constant loss improved, nor that more iterations are all that is missing."""
    y = np.arange(30) % 2
    with pytest.warns(ConvergenceWarning, match="before the loss had failed to improve by tol=0.1"):
        LogisticNeuronClassifier(max_iter=5, tol=0.1).fit(0 * X, y)
    with pytest.warns(ConvergenceWarning, match="SciPy says: ABNORMAL"):
        LogisticNeuronClassifier(solver="lbfgs", max_iter=5000).fit(X * 1e150, y)


@pytest.mark.parametrize("tol", [1e-3, 1e-5])
def test_lbfgs_of_float32_honours_tol(tol):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X).astype(np.float32)
    model = LogisticNeuronClassifier(solver="lbfgs", alpha=1e-3, tol=tol, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y)
    residual = model.predict_proba(X)[:, 1] - y
    gradient = X.T @ residual / len(y) + 1e-3 * model.coef_[0]
    assert model.coef_.dtype == np.float32
    assert np.abs(gradient).max() < 1.2 * tol


@pytest.mark.parametrize("cls", WITH_LBFGS, ids=lambda cls: cls.__name__)
def test_lbfgs(cls, X):
    y = target_for(cls, 30)
    smooth = {"activation": "tanh"} if cls in NETWORKS else {}  # ReLU's kinks stop any descent
    model = make(cls, solver="lbfgs", alpha=0.01, max_iter=500, tol=1e-6, **smooth)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y)
    assert 1 < model.n_iter_ == len(model.loss_curve_) < 500
    assert (np.diff(model.loss_curve_) <= 0).all()
    with pytest.warns(
        ConvergenceWarning, match=r"L-BFGS stopped after 2 iterations \(max_iter=2\)"
    ):
        model.set_params(max_iter=2).fit(X, y)


def test_lbfgs_from_the_optimum_stays(X):
    y = np.arange(30) % 2
    model = LogisticNeuronClassifier(solver="lbfgs", alpha=0.1, tol=1e-7).fit(X, y)
    again = LogisticNeuronClassifier(solver="lbfgs", alpha=0.1, tol=1e-4)
    again.fit(X, y, coef_init=model.coef_, intercept_init=model.intercept_)
    assert_array_equal(again.coef_, model.coef_)
    assert again.n_iter_ == 1
    assert_allclose(again.loss_, model.loss_)


def test_lbfgs_without_tol_goes_on_to_the_last_digit(X):
    """Neither a small gradient nor a change by rounding ends it; where there is a tol, both do."""
    y = np.arange(30) % 2
    n_iter = {}
    for tol, bound in [(1e-5, 1e-5), (1e-300, 1e-8), (None, 1e-10)]:
        model = LogisticNeuronClassifier(solver="lbfgs", alpha=0.1, tol=tol, max_iter=1000)
        residual = model.fit(X, y).predict_proba(X)[:, 1] - y
        assert np.abs(X.T @ residual / 30 + 0.1 * model.coef_[0]).max() < bound
        n_iter[tol] = model.n_iter_
    assert n_iter[1e-5] < n_iter[1e-300] < n_iter[None] < 50


# ---- the loss curve ---------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 0.2])
@pytest.mark.parametrize("batch_size", [1, 7, 30])
def test_loss_curve_is_the_mean_of_batch_losses_before_each_update(batch_size, alpha, X):
    """Against plain gradient descent, batch by batch."""
    y, s = (np.arange(30) % 2).astype(float), np.random.RandomState(0).uniform(0.5, 2, size=30)
    s *= 30 / s.sum()
    w, b, eta, expected = np.zeros(4), 0.0, 0.3, []
    for _ in range(3):
        total = 0.0
        for start in range(0, 30, batch_size):
            rows = slice(start, start + batch_size)
            m = len(y[rows])
            z = X[rows] @ w + b
            loss = s[rows] @ (np.logaddexp(0, z) - y[rows] * z) / m + 0.5 * alpha * (w**2).sum()
            total += m * loss
            delta = s[rows] * (1 / (1 + np.exp(-z)) - y[rows]) / m
            w, b = w - eta * (X[rows].T @ delta + alpha * w), b - eta * delta.sum()
        expected.append(total / 30)
    model = LogisticNeuronClassifier(
        batch_size=batch_size, alpha=alpha, eta=eta, shuffle=False, max_iter=3, tol=None
    ).fit(X, y, s)
    assert_allclose(model.loss_curve_, expected, rtol=1e-12)
    assert_allclose(model.coef_[0], w, rtol=1e-11)
    assert_allclose(model.intercept_[0], b, rtol=1e-11)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("blocks", ["one", "several"])
@pytest.mark.parametrize("chunks", ["one", "several"])
def test_mini_batches_by_the_book(container, shuffle, weighted, blocks, chunks, monkeypatch):
    """Every batch of three epochs, its rows, targets and weights named by an explicit order."""
    if chunks == "several":
        monkeypatch.setattr(batches, "CHUNK_BYTES", 4 * 8 * 14)  # two batches of seven rows
    if blocks == "several":
        monkeypatch.setattr(batches, "BLOCK_BYTES", 5 * 8 * 3)  # three rows
    rng = np.random.RandomState(7)
    n, size, eta, alpha, epochs = 45, 7, 0.2, 0.1, 3  # the last batch has three rows
    X, y = rng.normal(size=(n, 4)), np.arange(n) % 3
    X[np.abs(X) < 0.3] = 0.0
    Y, s = np.eye(3)[y], rng.uniform(0.2, 3.0, size=n) if weighted else np.ones(n)
    s *= n / s.sum()
    coefs = [rng.normal(scale=0.5, size=shape) for shape in ((4, 5), (5, 3))]
    intercepts = [rng.normal(scale=0.5, size=m) for m in (5, 3)]
    model = ManualMLPClassifier(
        (5,), activation="tanh", solver="sgd", eta=eta, alpha=alpha, batch_size=size,
        shuffle=shuffle, random_state=3, max_iter=epochs, tol=None,
    ).fit(
        container(X), y, s if weighted else None,
        coef_init=[W.copy() for W in coefs], intercept_init=[b.copy() for b in intercepts],
    )  # fmt: skip
    stream = np.random.RandomState(3)
    for shape in ((4, 5), 5, (5, 3), 3):  # the draws of the start that was not used
        stream.uniform(size=shape)
    curve, orders = [], []
    for _ in range(epochs):
        orders.append(stream.permutation(n) if shuffle else np.arange(n))
        total = 0.0
        for start in range(0, n, size):
            rows = orders[-1][start : start + size]
            # a batch divides by its number of rows, not by its weight
            scale = s[rows].sum() / len(rows)
            loss, dW, db = objective_and_gradients(
                X[rows],
                Y[rows],
                s[rows],
                coefs,
                intercepts,
                "tanh",
                "cross_entropy",
                "softmax",
                0.0,
            )
            penalty = 0.5 * alpha * sum((W**2).sum() for W in coefs)
            total += len(rows) * (scale * loss + penalty)
            coefs = [W - eta * (scale * d + alpha * W) for W, d in zip(coefs, dW, strict=True)]
            intercepts = [b - eta * scale * d for b, d in zip(intercepts, db, strict=True)]
        curve.append(total / n)
    assert not shuffle or not np.array_equal(orders[0], orders[1])
    for mine, other in zip(model.coefs_ + model.intercepts_, coefs + intercepts, strict=True):
        assert_allclose(mine, other, rtol=1e-10, atol=1e-12)
    assert_allclose(model.loss_curve_, curve, rtol=1e-10)


# ---- interrupt, verbose -----------------------------------------------------------------------


@pytest.fixture
def in_numpy():
    with config_context(engine="numpy"):
        yield


@pytest.mark.usefixtures("in_numpy")
@pytest.mark.parametrize("batch_size", [4, None])
def test_an_interrupt_keeps_the_last_complete_epoch(cls, batch_size, X, monkeypatch):
    y = target_for(cls, 30)
    complete = make(cls, batch_size=batch_size, solver="adam", max_iter=3).fit(X, y)
    original, steps = epochs.Updater.step, iter(range(10**6))
    per_epoch = 1 if batch_size is None else 8

    def interrupted(*args):
        original(*args)
        if next(steps) == 3 * per_epoch:  # within the fourth epoch
            raise KeyboardInterrupt

    monkeypatch.setattr(epochs.Updater, "step", interrupted)
    model = make(cls, batch_size=batch_size, solver="adam", warm_start=True, max_iter=10)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    monkeypatch.undo()
    assert_array_equal(weights_of(model), weights_of(complete))
    assert model.n_iter_ == 3
    assert_allclose(model.loss_curve_, complete.loss_curve_)
    assert np.isfinite(model.predict(X)).all()
    model.set_params(max_iter=2).fit(X, y)
    assert len(model.loss_curve_) == 5


@pytest.mark.usefixtures("in_numpy")
def test_an_interrupt_before_the_first_epoch_changes_nothing(cls, X, monkeypatch):
    y = target_for(cls, 30)
    model = make(cls).fit(X, y)
    before = dict(vars(model))

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(epochs.Updater, "step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert vars(model) == before


@pytest.mark.usefixtures("in_numpy")
def test_an_interrupt_of_lbfgs_keeps_the_last_iteration(X, monkeypatch):
    y = np.arange(30) % 2
    original, calls = LinearObjective.value_and_gradient, iter(range(10**6))

    def interrupted(*args):
        if next(calls) == 5:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(LinearObjective, "value_and_gradient", interrupted)
    model = LogisticNeuronClassifier(solver="lbfgs", alpha=0.01)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    monkeypatch.undo()
    complete = LogisticNeuronClassifier(solver="lbfgs", alpha=0.01, max_iter=model.n_iter_)
    assert model.n_iter_ >= 2
    assert_array_equal(model.coef_, complete.fit(X, y).coef_)


@pytest.mark.parametrize("verbose", [False, 0])
def test_silence(cls, verbose, X, capsys):
    make(cls, verbose=verbose).fit(X, target_for(cls, 30))
    assert capsys.readouterr().out == ""


def test_verbose_prints_a_line_an_epoch(cls, X, capsys):
    model = make(cls, verbose=True, max_iter=12, eta=0.25).fit(X, target_for(cls, 30))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    assert lines[0].startswith(
        f"[{cls.__name__}] epoch  1/12  loss {model.loss_curve_[0]:.6g}  eta 0.25"
    )
    assert lines[-1].endswith(" s")


def test_verbose_lbfgs(X, capsys):
    model = LogisticNeuronClassifier(solver="lbfgs", alpha=0.1, verbose=1).fit(X, np.arange(30) % 2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_
    assert "iteration   1/200  loss" in lines[0]


# ---- the source documents' own loops ----------------------------------------------------------


def test_worked_case_of_the_single_neuron():
    """Two epochs of full-batch descent on the squared error of one sigmoid neuron."""
    X, y = [[1, 2], [2, 1], [-1, -2]], [1, 0, 0]
    model = SigmoidNeuronRegressor(eta=0.1, batch_size=None, max_iter=2, tol=None)
    model.fit(X, y, coef_init=[0.1, -0.2], intercept_init=0.0)
    assert_allclose(model.coef_, [0.1036, -0.1425], atol=5e-5)
    assert_allclose(model.intercept_, -0.0167, atol=5e-5)
    assert_allclose(model.loss_curve_, [0.3033, 0.2942], atol=5e-5)


@pytest.mark.parametrize(
    ("epochs", "w", "b"),
    [
        (1, -1.9284102929220686, 0.8504362751346908),
        (10, -0.21128871932338175, -0.384384524671664),
    ],
)
def test_stochastic_descent_of_the_single_neuron(epochs, w, b):
    X = np.array([3.5, 0.35, 3.2, -2.0, 1.5, -0.5]).reshape(-1, 1)
    y = [0.5, 0.5, 0.5, 0.5, 0.1, 0.3]
    model = SigmoidNeuronRegressor(eta=0.9, batch_size=1, shuffle=False, max_iter=epochs, tol=None)
    model.fit(X, y, coef_init=[-2.0], intercept_init=1.0)
    assert_allclose(model.coef_, [w], rtol=1e-12)
    assert_allclose(model.intercept_, b, rtol=1e-12)


def test_network_regression_learns_a_curve():
    X = np.linspace(-1, 1, 60).reshape(-1, 1)
    y = np.sin(3 * X).ravel()
    model = ManualMLPRegressor((8,), activation="tanh", solver="lbfgs", random_state=0).fit(X, y)
    assert model.score(X, y) > 0.999


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1])
def test_a_seed_means_what_it_means_to_numpy(seed):
    ours, numpys = seeded(seed), np.random.RandomState(seed)
    assert_array_equal(ours.permutation(1000), numpys.permutation(1000))
    assert_array_equal(ours.normal(size=1001), numpys.normal(size=1001))
    for mine, theirs in zip(ours.get_state(), numpys.get_state(), strict=True):
        assert_array_equal(mine, theirs)


# ---- the last update, which no epoch looks at ---------------------------------------------------

HUGE = {np.float64: 1e160, np.float32: 1e20}


@pytest.mark.parametrize("dtype", HUGE)
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("solver", ["sgd", SGD(average=True)])
@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_outputs_that_overflow_after_the_last_update_are_divergence(
    engine, solver, container, dtype
):
    X = container(HUGE[dtype] * np.array([[1.0], [-2.0], [3.0]], dtype))
    model = LogisticNeuronClassifier(batch_size=None, max_iter=1, tol=None, eta=1.0, solver=solver)
    model.fit(np.eye(3), [0, 1, 2])
    before = dict(vars(model))
    with (
        config_context(engine=engine),
        pytest.raises(
            DivergenceError, match=r"epoch 1 with eta=1: outputs overflow after its last update"
        ),
    ):
        model.fit(X, [0, 1, 2])
    assert vars(model) == before


def test_outputs_that_do_not_overflow_are_no_divergence():
    X = np.array([[1e160], [-2e160], [3e160]])
    model = LogisticNeuronClassifier(batch_size=None, max_iter=1, tol=None, eta=1e-300)
    assert np.isfinite(model.fit(X, [0, 1, 2]).predict_proba(X)).all()


def test_a_start_whose_last_update_overflows_is_skipped(monkeypatch):
    X, y = np.eye(4)[:, :3], [0, 1, 0, 1]
    seen = []

    def overflows_once(place, theta, network):
        seen.append(theta.copy())
        return len(seen) > 1

    monkeypatch.setattr(InMemory, "is_finite", overflows_once)
    monkeypatch.setattr(InMemory, "square", lambda place: 1e308)
    model = ManualMLPClassifier(
        (2,), n_init=2, max_iter=3, tol=None, early_stopping=False, random_state=0, eta=0.1
    ).fit(X, y)
    assert len(seen) == 2
    assert_array_equal(weights_of(model), seen[1])


@pytest.mark.parametrize("epochs_before", [0, 2])
def test_an_interrupt_of_a_later_start_leaves_the_best_start_so_far(epochs_before, monkeypatch, X):
    """The start that is interrupted takes part if it has a complete epoch; no other follows."""
    original, runs = fit.train, []

    def interrupted(network, place, plan, run):
        runs.append(run)
        if len(runs) == 2 and not epochs_before:
            raise KeyboardInterrupt
        original(network, place, plan, run)
        if len(runs) == 2:
            run.interrupt = KeyboardInterrupt()

    params = {"max_iter": 2, "early_stopping": False, "tol": None}
    y = X[:, 0] > 0
    several = [make(ManualMLPClassifier, n_init=n, **params) for n in (1, 2)]
    losses = [model.fit(X, y).loss_ for model in several]
    monkeypatch.setattr(fit, "train", interrupted)
    model = make(ManualMLPClassifier, n_init=3, **params)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert len(runs) == 2
    expected = several[1 if epochs_before else 0]
    assert_array_equal(weights_of(model), weights_of(expected))
    assert model.loss_ == expected.loss_ == losses[1 if epochs_before else 0]


@pytest.mark.parametrize("interrupt", [None, KeyboardInterrupt()])
def test_outputs_that_overflow_after_an_interrupt_are_that_interrupt(interrupt, monkeypatch, X):
    """There is no epoch to keep, but it is not an error of the user's."""
    original = fit.train

    def interrupted(network, place, plan, run):
        original(network, place, plan, run)
        run.interrupt = interrupt

    monkeypatch.setattr(fit, "train", interrupted)
    monkeypatch.setattr(InMemory, "is_finite", lambda *_: False)
    monkeypatch.setattr(InMemory, "square", lambda _: np.inf)
    model = make(LogisticNeuronClassifier, max_iter=2)
    error = DivergenceError if interrupt is None else KeyboardInterrupt
    with pytest.raises(error):
        model.fit(X, X[:, 0] > 0)
    assert not hasattr(model, "coef_")


@pytest.fixture
def uncollected():
    """No collection: it does not know how large what refers to itself is, and may come late."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("how", ["alone", "with a warning", "with validation data"])
def test_a_fit_lets_go_of_the_samples(cls, how, uncollected):
    X = np.random.RandomState(0).normal(size=(60, 3))
    y, seen = target_for(cls, 60), weakref.ref(X)
    params = {"max_iter": 1 if how == "with a warning" else 10, "tol": 1e-9}
    if cls in NETWORKS:
        params["early_stopping"] = False
    held = {"X_val": X, "y_val": y} if how == "with validation data" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make(cls, **params).fit(X, y, **held)
    del X, held
    assert seen() is None


@pytest.mark.usefixtures("in_numpy")
def test_an_interrupt_lets_go_of_the_samples(monkeypatch, uncollected):
    original, steps = epochs.Updater.step, iter(range(10**6))

    def interrupted(*args):
        original(*args)
        if next(steps) == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(epochs.Updater, "step", interrupted)
    X = np.random.RandomState(0).normal(size=(60, 3))
    y, seen = X[:, 0] > 0, weakref.ref(X)
    model = LogisticNeuronClassifier(batch_size=8)
    with contextlib.suppress(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_iter_ == 2
    del X
    assert seen() is None


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_a_start_that_diverges_lets_go_of_the_samples(error, monkeypatch, uncollected):
    original, errors = fit.train, iter([DivergenceError, error, None])

    def faulty(*args):
        original(*args)
        if (raised := next(errors)) is not None:
            raise raised

    monkeypatch.setattr(fit, "train", faulty)
    X = np.random.RandomState(0).normal(size=(60, 3))
    y, seen = X[:, 0] > 0, weakref.ref(X)
    model = make(ManualMLPClassifier, n_init=3, max_iter=2, early_stopping=False)
    with warnings.catch_warnings(), contextlib.suppress(KeyboardInterrupt):
        warnings.simplefilter("ignore")
        model.fit(X, y)
    del X
    assert seen() is None


def test_a_divergence_lets_go_of_the_samples(monkeypatch, uncollected):
    seen, plain = [], base.fit_network

    def noted(network, samples, plan):
        seen.append(weakref.ref(network))
        return plain(network, samples, plan)

    monkeypatch.setattr(base, "fit_network", noted)
    X = np.random.RandomState(0).normal(size=(50, 3))
    with warnings.catch_warnings(), contextlib.suppress(DivergenceError):
        warnings.simplefilter("ignore")
        make(ManualMLPRegressor, solver="sgd", eta=1e9).fit(X, 1e9 * X[:, 0])
        pytest.fail("it has to diverge")
    assert [network() for network in seen] == [None]


@pytest.mark.usefixtures("in_numpy")
@pytest.mark.parametrize("batch_size", [7, None])
def test_rates_that_are_computed_ahead_are_those_of_their_epochs(batch_size, X):
    """With a record they are computed one by one."""
    params = {"schedule": "cosine", "batch_size": batch_size, "max_iter": 5, "solver": "sgd"}
    ahead, one_by_one = (
        make(LogisticNeuronClassifier, record=record, **params).fit(X, X[:, 0] > 0)
        for record in ("loss", "epoch")
    )
    assert_array_equal(weights_of(ahead), weights_of(one_by_one))
    assert len(set(one_by_one.history_["eta"])) == 5


@pytest.mark.parametrize(("n_bytes", "n_batches"), [(1, 1), (191, 1), (192, 2), (300, 3)])
def test_a_chunk_holds_as_many_batches_as_fit_and_at_least_one(n_bytes, n_batches, monkeypatch, X):
    """A batch of three rows has 96 bytes."""
    monkeypatch.setattr(batches, "CHUNK_BYTES", n_bytes)
    network = Network((4, 1), [], BinaryCrossEntropy())
    samples = batches.Samples(X, (X[:, :1] > 0) * 1.0, None)
    assert batches.MiniBatches(network, samples, 3).chunk_size == 3 * n_batches
