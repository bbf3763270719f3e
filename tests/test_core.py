"""The compiled core: it does what NumPy does, for every job that it covers."""

import _thread
import contextlib
import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from helpers import is_own, parameters_of, run
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklearn_neuron import (
    SGD,
    Adam,
    AdamW,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    RMSprop,
    SigmoidNeuronRegressor,
    config_context,
    get_config,
    set_config,
)
from sklearn_neuron._engine import batches, compiled, core
from sklearn_neuron.activations import ACTIVATIONS, Logistic, ReLU, Tanh
from sklearn_neuron.losses import LOSSES, CrossEntropy, SquaredError
from sklearn_neuron.optimizers import OPTIMIZERS

pytestmark = pytest.mark.needs_core
N, P = 61, 5  # the last batch is short
TESTS = str(Path(__file__).parent)


def draw():
    """Return samples, targets in (0, 1), and weights."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N, P))
    z = X @ rng.normal(size=(P, 3)) - rng.normal(size=(N, 3))
    return X, 1.0 / (1.0 + np.exp(-z)), rng.uniform(0.2, 2.0, size=N)


X, T, WEIGHT = draw()
BINARY, CLASSES = (T[:, 0] > 0.5).astype(int), T.argmax(axis=1)
MOMENTUM = SGD(momentum=0.9)
NESTEROV = SGD(momentum=0.9, nesterov=True)


def fit(engine, cls, X, y, *, weight=None, **params):
    model = cls(**{"max_iter": 4, "tol": None, "random_state": 0, "batch_size": 7, **params})
    with config_context(engine=engine):
        model.fit(X, y, sample_weight=weight)
    return model


def parameters(model):
    W, b = parameters_of(model)
    return np.concatenate([array.ravel() for array in (*W, *b)])


def assert_agree(cls, X, y, rtol=1e-10, engine="compiled", X_plain=None, **params):
    plain = fit("numpy", cls, X if X_plain is None else X_plain, y, **params)
    fast = fit("compiled", cls, X, y, **params)
    assert (plain.engine_, fast.engine_) == ("numpy", engine)
    scale = np.abs(parameters(plain)).max()
    assert scale > 0
    np.testing.assert_allclose(parameters(fast), parameters(plain), rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(fast.loss_curve_, plain.loss_curve_, rtol=10 * rtol)
    assert parameters(fast).dtype == parameters(plain).dtype
    return plain, fast


# ---- agreement, over the registries ------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_activations(name, batch_size):
    covered = is_own(ACTIVATIONS[name])
    with contextlib.nullcontext() if covered else pytest.warns(UserWarning, match=name):
        assert_agree(
            ManualMLPClassifier, X, CLASSES, hidden_layer_sizes=(6, 4), activation=name,
            batch_size=batch_size, eta=0.01, engine="compiled" if covered else "numpy",
        )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["squared_error", "absolute_error", "huber", "quantile", "poisson"]
)
@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("y", [T[:, 0], T], ids=["one", "three"])
def test_losses_of_regression(name, batch_size, y):
    for hidden in ((), (6,)):
        assert_agree(
            ManualMLPRegressor, X, y, hidden_layer_sizes=hidden, loss=name, batch_size=batch_size,
            solver=NESTEROV if hidden else "sgd", eta=0.01,
        )  # fmt: skip


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(label_smoothing=0.1)], ids=str)
@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("y", [BINARY, CLASSES, T > 0.5], ids=["two", "three", "multilabel"])
def test_losses_of_classification(loss, batch_size, y):
    for hidden in ((), (6,)):
        assert_agree(
            ManualMLPClassifier, X, y, hidden_layer_sizes=hidden, loss=loss, batch_size=batch_size,
        )  # fmt: skip


@pytest.mark.parametrize(
    "solver",
    ["sgd", MOMENTUM, NESTEROV, "adam", Adam(0.8, 0.9, 1e-4), AdamW(weight_decay=0.3)],
    ids=str,
)
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize(
    "form", [np.asarray, sparse.csr_matrix, sparse.csr_array, np.asfortranarray]
)
def test_optimizers(solver, alpha, form):
    assert_agree(
        ManualMLPClassifier, form(X * (np.abs(X) > 0.5)), CLASSES, hidden_layer_sizes=(6,),
        solver=solver, alpha=alpha, weight=WEIGHT, eta=0.02,
    )  # fmt: skip


def test_the_whole_registries_are_covered():
    activations, losses, _ = compiled.codes()
    assert set(activations) == set(filter(is_own, ACTIVATIONS.values()))
    assert {cls for cls, _ in losses} == set(filter(is_own, LOSSES.values()))
    assert all(compiled.rule_of(cls()) for cls in filter(is_own, OPTIMIZERS.values()))


@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize(
    "solver",
    [
        SGD(max_norm=0.05),
        SGD(momentum=0.5, max_norm=0.05, average=5),
        SGD(average=True),
        Adam(average=3, max_norm=0.1),
        AdamW(weight_decay=0.3, average=True),
        "rmsprop",
        RMSprop(rho=0.8, momentum=0.7, max_norm=1.0),
    ],
    ids=str,
)
def test_what_is_composed_around_the_optimizers(solver, form, cls, batch_size):
    for y, weight in ((BINARY, WEIGHT), (CLASSES, None)):
        for penalty in ({}, {"alpha": 0.1}):
            assert_agree(
                cls, form(X), y, weight=weight, solver=solver, batch_size=batch_size, eta=0.002,
                max_iter={1: 1, 7: 2, None: 8}[batch_size], **penalty,
            )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize(
    "solver", ["sgd", MOMENTUM, NESTEROV, "adam", "rmsprop", RMSprop(momentum=0.5)], ids=str
)
def test_l1(batch_size, l1_ratio, solver):
    for cls, y in ((LogisticNeuronClassifier, CLASSES), (SigmoidNeuronRegressor, T[:, 0])):
        for dtype, rtol in ((np.float64, 1e-10), (np.float32, 2e-4)):
            plain, fast = assert_agree(
                cls, X.astype(dtype), y, rtol=rtol, alpha=0.2, l1_ratio=l1_ratio, solver=solver,
                batch_size=batch_size, eta=0.02, max_iter=20,
            )  # fmt: skip
            assert (parameters(fast) == 0).sum() == (parameters(plain) == 0).sum()


@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_dropout_draws_the_same_units(batch_size, activation, monkeypatch):
    for n_bytes in (1 << 19, 100):  # many blocks, which draw their masks one by one
        monkeypatch.setattr(batches, "BLOCK_BYTES", n_bytes)
        monkeypatch.setattr(compiled, "BLOCK_BYTES", n_bytes)
        for form in (np.asarray, sparse.csr_matrix):
            assert_agree(
                ManualMLPClassifier, form(X), CLASSES, hidden_layer_sizes=(6, 5), dropout=0.4,
                activation=activation, batch_size=batch_size, solver=NESTEROV, alpha=0.01,
            )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_without_an_intercept(batch_size):
    for form in (np.asarray, sparse.csr_matrix):
        for y in (BINARY, CLASSES):
            for solver in ("sgd", "adam", "rmsprop"):
                _, fast = assert_agree(
                    LogisticNeuronClassifier, form(X), y, fit_intercept=False, solver=solver,
                    batch_size=batch_size, alpha=0.1, weight=WEIGHT,
                )  # fmt: skip
                assert not fast.intercept_.any()


@pytest.mark.parametrize("link", [Tanh(), Logistic()], ids=str)
def test_squared_errors_behind_links(link):
    for batch_size in (1, 16, None):
        for hidden in ((), (6,)):
            assert_agree(
                ManualMLPRegressor, X, T, loss=SquaredError(link), hidden_layer_sizes=hidden,
                batch_size=batch_size,
            )  # fmt: skip


@pytest.mark.parametrize("units", [1, 2, 7, 8, 9, 16, 17, 24, 31, 33, 49, 64, 129, 140])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tiles_of_all_shapes(units, dtype):
    """Every number of rows, columns and packs that a tile may have, with and without a rest."""
    rtol = 1e-10 if dtype is np.float64 else 1e-3
    for batch_size in (1, 2, 3, 4, 5, 8, 13, 61):
        assert_agree(
            ManualMLPRegressor, X.astype(dtype), T, hidden_layer_sizes=(units, 11), rtol=rtol,
            batch_size=batch_size, eta=0.01, max_iter=2, activation="tanh",
        )  # fmt: skip


@pytest.mark.parametrize("columns", [1, 2, 3, 8, 11, 16, 20, 33, 40, 63, 64, 100])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_neurons_of_all_widths(columns, dtype):
    rng, rtol = np.random.RandomState(0), 1e-10 if dtype is np.float64 else 1e-3
    X = rng.normal(size=(N, columns)).astype(dtype)
    for batch_size in (1, 5, 17, 40, None):
        for solver in ("sgd", "adam"):
            assert_agree(
                SigmoidNeuronRegressor, X, T[:, 0], rtol=rtol, batch_size=batch_size, solver=solver,
                alpha=0.01, weight=WEIGHT, eta=0.05,
            )  # fmt: skip


#: What is tested with every instruction set, each in a process of its own: some of the tests of
#: this file and of test_functions.
JOBS = {
    "all kinds": """
for name in t.ACTIVATIONS:
    for size in (1, 16): t.test_activations(name, size)
for size in (1, 7, None): t.test_l1(size, 0.5, 'adam')
for units in (1, 9, 33): t.test_tiles_of_all_shapes(units, np.float32)
for columns in (3, 20, 65): t.test_neurons_of_all_widths(columns, np.float64)
t.test_depths(2, 5)
t.test_penalties_that_overshoot(3, t.CLASSES)
t.test_large_logits()
for dtype in f.DTYPES:
    for name in ('tanh', 'selu'): f.test_activations_are_accurate(name, dtype)
    f.test_the_cross_entropy_of_one_output_is_accurate(dtype)
for solver, alpha in t.WAITING:
    t.test_weights_that_wait(solver, alpha, 5)
    t.test_weights_that_wait_in_float32(solver, alpha, 5)
t.test_weights_that_wait_with_gradients_that_vanish()
t.test_weights_that_wait_late_in_training(1e-6, 'adam')
""",
    "weights that wait for rows": """
for solver, alpha in t.WAITING: t.test_weights_that_wait(solver, alpha, 1)
""",
}


@pytest.mark.parametrize("simd", ["baseline", "v3", "v4"])
@pytest.mark.parametrize("job", JOBS)
def test_every_instruction_set_agrees(simd, job):
    if simd == core.load().simd:
        pytest.skip("this process has it, so the tests themselves are run with it")
    code = (
        "import sys, numpy as np, test_core as t, test_functions as f\n"
        "from sklearn_neuron._engine import core\n"
        f"assert core.load().simd == {simd!r}\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join([*sys.path, TESTS]), "SKLEARN_NEURON_SIMD": simd}
    done = run(code + JOBS[job], **environment)
    if "this processor does not support it" in done.stderr:
        pytest.skip(f"this processor or this build has no {simd}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, np.asfortranarray])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_objective_and_its_gradient(form, dtype):
    """What L-BFGS minimizes."""
    rtol = 1e-10 if dtype is np.float64 else 1e-4
    for hidden, y, weight in (
        ((6, 4), CLASSES, None),
        ((6,), BINARY, WEIGHT),
        ((), CLASSES, WEIGHT),
    ):
        params = {"hidden_layer_sizes": hidden, "alpha": 0.1, "activation": "tanh", "max_iter": 3}
        X_given = form(X.astype(dtype))
        plain, fast = (
            fit(engine, ManualMLPClassifier, X_given, y, weight=weight, solver="lbfgs", **params)
            for engine in ("numpy", "auto")
        )
        covered = hidden or (y is BINARY and form is not sparse.csr_matrix)
        assert (plain.engine_, fast.engine_) == ("numpy", "compiled" if covered else "numpy")
        np.testing.assert_allclose(fast.loss_curve_, plain.loss_curve_, rtol=rtol)
        np.testing.assert_allclose(parameters(fast), parameters(plain), rtol=100 * rtol, atol=rtol)


@pytest.mark.parametrize("n", [1, 2, 3, 256, 257, 258, 1000, 5000])
def test_the_order_is_that_of_numpy(n):
    """A generator is left where NumPy would leave it."""
    generators = [np.random.RandomState(3) for _ in range(2)]
    for engine, rng in zip(("numpy", "compiled"), generators, strict=True):
        fit(engine, ManualMLPRegressor, np.ones((n, 1)), np.ones(n), random_state=rng, batch_size=1)
    assert generators[0].randint(2**31) == generators[1].randint(2**31)


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 4, 5, 60, None])
def test_depths(depth, batch_size):
    assert_agree(
        ManualMLPRegressor, X, T[:, :2], hidden_layer_sizes=(4, 1, 3)[:depth], activation="tanh",
        batch_size=batch_size, alpha=0.01, weight=WEIGHT, eta=0.01,
    )  # fmt: skip


@pytest.mark.parametrize("width", [1, 2, 3, 8])
@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_first_layers_of_all_widths_on_sparse_samples(width, batch_size):
    """With hidden units and without: the outputs are the first layer then."""
    X_sparse, y = sparse.csr_matrix(X * (np.abs(X) > 0.5)), T[:, [0]] * np.arange(1, width + 1)
    for hidden in ((width,), ()):
        assert_agree(
            ManualMLPRegressor, X_sparse, y, hidden_layer_sizes=hidden, activation="tanh",
            batch_size=batch_size, alpha=0.01, eta=0.01,
        )  # fmt: skip


@pytest.mark.parametrize(
    "cls", [LogisticNeuronClassifier, SigmoidNeuronRegressor, PerceptronClassifier]
)
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 3, 32, None])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_neurons(cls, outputs, batch_size, form):
    y = (T[:, 0] if outputs == 1 else T) if cls is SigmoidNeuronRegressor else (
        BINARY if outputs == 1 else CLASSES)  # fmt: skip
    for alpha in (0.0, 0.3):
        for weight in (None, WEIGHT):
            assert_agree(
                cls, form(X * (np.abs(X) > 0.5)), y, batch_size=batch_size, alpha=alpha,
                weight=weight, eta=0.3, max_iter=7,
            )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("y", [BINARY, CLASSES], ids=["two", "three"])
def test_penalties_that_overshoot(batch_size, y):
    # 1 - eta alpha is 0, negative, or so small that the common factor must be multiplied in
    for eta_alpha in (1.0, 1.5, 0.9999, 0.9):
        assert_agree(
            LogisticNeuronClassifier, sparse.csr_matrix(X), y, eta=0.5,
            alpha=eta_alpha / 0.5, batch_size=batch_size,
        )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 3, 16])
@pytest.mark.parametrize("y", [BINARY, CLASSES], ids=["two", "three"])
def test_long_rows(batch_size, y):
    """Samples from LONG_ROW on have a loop of their own."""
    X = np.random.RandomState(1).normal(size=(N, 70))
    for weight in (None, WEIGHT):
        assert_agree(
            LogisticNeuronClassifier, X, y, alpha=0.1, weight=weight, batch_size=batch_size
        )


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["one", "many"])
def test_batches_in_blocks(monkeypatch, form, weight):
    """The gradients of a batch's blocks add up, also where the last block is short."""
    monkeypatch.setattr(compiled, "CORE_BLOCK_BYTES", 1)
    monkeypatch.setattr(compiled, "CORE_BLOCK_ROWS", 5)
    for batch_size in (17, 8, None):  # the last of 8 is a larger block than those before it
        for solver in ("sgd", NESTEROV, "adam"):
            assert_agree(
                ManualMLPClassifier, form(X), CLASSES, hidden_layer_sizes=(6, 4), solver=solver,
                alpha=0.1, weight=weight, batch_size=batch_size,
            )  # fmt: skip


def test_entries_that_occur_twice_in_a_row():
    data, columns = np.ones(2 * N), np.repeat(np.arange(N) % P, 2)
    X = sparse.csr_matrix((data, columns, np.arange(0, 2 * N + 1, 2)), shape=(N, P))
    assert not X.has_canonical_format
    assert_agree(LogisticNeuronClassifier, X, BINARY, alpha=0.1)
    assert_agree(ManualMLPClassifier, X, BINARY, hidden_layer_sizes=(3,))


@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_float32(cls, form):
    for solver in ("sgd", NESTEROV, "adam"):
        _, fast = assert_agree(
            cls, form(X.astype(np.float32)), CLASSES, rtol=2e-4, solver=solver, eta=0.01, alpha=0.01
        )
        assert parameters(fast).dtype == np.float32


def test_rows_in_their_own_order():
    assert_agree(ManualMLPClassifier, X, CLASSES, shuffle=False)
    assert_agree(PerceptronClassifier, X, CLASSES, shuffle=False)


def test_large_logits():
    assert_agree(LogisticNeuronClassifier, 1e3 * X, BINARY, eta=10.0, batch_size=1)
    assert_agree(LogisticNeuronClassifier, 1e3 * X, CLASSES, eta=10.0, batch_size=16)
    for y in (BINARY, CLASSES):
        X_single = (1e3 * X).astype(np.float32)
        assert_agree(LogisticNeuronClassifier, X_single, y, rtol=1e-3, eta=10.0, batch_size=16)


@pytest.mark.parametrize("margin", [1.0, 30.0, 80.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("wrong", [0, 1])
def test_losses_that_are_summed_up_have_all_their_digits(margin, dtype, wrong):
    """Their logarithms are taken as one: of tiny losses, of many, beside large ones."""
    y = np.arange(4096) % 2
    X = (margin * (2 * y - 1)).astype(dtype).reshape(-1, 1)
    y[:wrong] = 1 - y[:wrong]
    start = {"coef_init": np.ones((1, 1)), "intercept_init": np.zeros(1)}
    params = {"batch_size": None, "eta": 1e-12, "max_iter": 1, "tol": None}
    with config_context(engine="compiled"):
        model = LogisticNeuronClassifier(**params).fit(X, y, **start)
    signs = np.where(np.arange(4096) < wrong, -1.0, 1.0)
    expected = np.logaddexp(0.0, -margin * signs).mean()
    rtol = 1e-13 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(model.loss_curve_, [expected], rtol=rtol)


# ---- weights of features that a batch does not have ----------------------------------------------


def words(n=203, p=600, per_row=3, dtype=np.float64):
    """Return samples of few features, as frequent as words: gaps of 1 to n, some never occur."""
    rng = np.random.RandomState(0)
    often = 1.0 / np.arange(1, p + 1)
    rows = [rng.choice(p, per_row, replace=False, p=often / often.sum()) for _ in range(n)]
    values, starts = rng.normal(size=n * per_row), np.arange(0, n * per_row + 1, per_row)
    X = sparse.csr_matrix((values, np.concatenate(rows), starts), shape=(n, p), dtype=dtype)
    X.sort_indices()
    z = X @ rng.normal(size=(p, 3))
    return X, z.argmax(axis=1)


def assert_agree_with_dense(cls, X, y, **params):
    """Assert that weights which wait agree with NumPy's, which it updates all at every step.

    NumPy reads the samples as a dense array, which takes a third of the time.
    """
    return assert_agree(cls, X, y, X_plain=X.toarray(), **params)


#: Those whose weights wait, with the penalties under which they do.
WAITING = [
    *[(solver, alpha) for solver in ("sgd", MOMENTUM, NESTEROV) for alpha in (0.0, 0.02)],
    (SGD(momentum=0.9, max_norm=0.1), 0.0),
    (SGD(max_norm=0.1), 0.0),
    *[(solver, 0.0) for solver in ("adam", AdamW(weight_decay=0.5), Adam(max_norm=0.1))],
    (Adam(0.8, 0.9, 1e-4), 0.0),  # fewer terms of the series
    (Adam(0.9, 0.8), 0.0),  # no series
    (Adam(epsilon=1e-2), 0.0),  # epsilon is never small
    (Adam(0.0, 0.99), 0.0),
    *[(solver, 0.0) for solver in ("rmsprop", RMSprop(momentum=0.7, rho=0.9))],
]


@pytest.mark.parametrize(("solver", "alpha"), WAITING, ids=str)
@pytest.mark.parametrize("batch_size", [1, 5, 8])
def test_weights_that_wait(solver, alpha, batch_size):
    """They catch up with what all weights do at every update, at rates that change."""
    X, y = words()
    how = {"solver": solver, "alpha": alpha, "batch_size": batch_size, "schedule": "cosine"}
    for cls, hidden in ((LogisticNeuronClassifier, {}), (ManualMLPClassifier, (1, 6, 9))):
        for targets in (y, y > 0):
            for units in hidden or (None,):
                size = {} if units is None else {"hidden_layer_sizes": (units,)}
                assert_agree_with_dense(cls, X, targets, eta=0.005, **how, **size)


@pytest.mark.parametrize(("solver", "alpha"), WAITING, ids=str)
@pytest.mark.parametrize("batch_size", [1, 5])
def test_weights_that_wait_in_float32(solver, alpha, batch_size):
    X, y = words(dtype=np.float32)
    how = {"solver": solver, "alpha": alpha, "batch_size": batch_size, "eta": 0.005, "rtol": 3e-4}
    assert_agree_with_dense(LogisticNeuronClassifier, X, y, **how)
    assert_agree_with_dense(
        ManualMLPClassifier, X, y, hidden_layer_sizes=(6,), activation="tanh", **how
    )


@pytest.mark.parametrize("solver", ["sgd", NESTEROV, AdamW(weight_decay=0.5), "rmsprop"], ids=str)
def test_the_state_of_weights_that_wait(solver):
    """It goes on in blocks and warm starts, in either engine."""
    X, y = words()
    results = []
    for engines in (("numpy",) * 4, ("compiled",) * 4, ("compiled", "numpy") * 2):
        model = ManualMLPClassifier(
            (6,), solver=solver, batch_size=4, max_iter=2, tol=None, random_state=0,
            warm_start=True,
        )  # fmt: skip
        for engine, rows in zip(engines, (slice(90), slice(90, 190), None, slice(90)), strict=True):
            with config_context(engine=engine), contextlib.suppress(ConvergenceWarning):
                if rows is None:
                    model.fit(X, y)
                else:
                    model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
            assert model.engine_ == engine
        results.append(parameters(model))
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("solver", ["sgd", NESTEROV, "adam"], ids=str)
def test_weights_that_wait_long(solver):
    """Longer than a table of updates lasts, and until nothing moves any more."""
    X, y = words(n=2600, p=2500, per_row=1)
    alpha = 0.0 if solver == "adam" else 0.001
    for cls, batch_size in ((LogisticNeuronClassifier, 1), (ManualMLPClassifier, 2)):
        size = {"hidden_layer_sizes": (2,)} if cls is ManualMLPClassifier else {}
        assert_agree_with_dense(
            cls, X, y, solver=solver, alpha=alpha, batch_size=batch_size, eta=0.01, max_iter=2,
            **size,
        )  # fmt: skip


def test_weights_that_wait_with_gradients_that_vanish():
    """Where sqrt(v) is not large beside epsilon, Adam's series does not hold."""
    X, y = words()
    for scale in (1e-3, 1e-6, 1e-9, 1e-12):
        for batch_size in (1, 5):
            assert_agree_with_dense(
                ManualMLPClassifier, scale * X, y, hidden_layer_sizes=(9,), solver="adam",
                batch_size=batch_size, eta=0.001, activation="tanh",
            )  # fmt: skip


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("solver", ["adam", AdamW(weight_decay=0.3), Adam(0.9, 0.99)], ids=str)
def test_weights_that_wait_late_in_training(scale, solver):
    """Where the mean decays and the square hardly does, there is a series for small ones, too."""
    X, y = words(n=1500, p=700, per_row=1)
    how = {"solver": solver, "batch_size": 1, "eta": 0.001, "max_iter": 2}
    assert_agree_with_dense(LogisticNeuronClassifier, scale * X, y, **how)
    assert_agree_with_dense(ManualMLPClassifier, scale * X, y, hidden_layer_sizes=(9,), **how)


@pytest.mark.parametrize("solver", [NESTEROV, "adam", "rmsprop"], ids=str)
def test_weights_wait_only_where_they_are_many(solver):
    """With fewer columns all are updated, and with a record, too: to rounding it is the same."""
    X, y = words(n=61, p=80, per_row=2)
    for p in (79, 80):  # 3 p >= 10 (4 * 3 + 12): see OF_ENTRY in lazy.hpp
        X_wide = X[:, :p]
        how = {"hidden_layer_sizes": (3,), "solver": solver, "batch_size": 5, "eta": 0.01}
        _, fast = assert_agree_with_dense(ManualMLPClassifier, X_wide, y, **how)
        recorded = fit("compiled", ManualMLPClassifier, X_wide, y, record="step", **how)
        np.testing.assert_allclose(parameters(fast), parameters(recorded), rtol=1e-9, atol=1e-12)


# ---- what stands around the epoch ----------------------------------------------------------------


def test_it_goes_on_where_either_engine_stopped():
    blocks = np.array_split(np.arange(N), 3)
    results = []
    for engines in (("numpy",) * 3, ("compiled",) * 3, ("compiled", "numpy", "compiled")):
        model = ManualMLPClassifier((4,), batch_size=5, random_state=0)
        for engine, block in zip(engines, blocks, strict=True):
            with config_context(engine=engine):
                model.partial_fit(X[block], CLASSES[block], classes=[0, 1, 2])
            assert model.engine_ == engine
            model = pickle.loads(pickle.dumps(model))
        results.append(parameters(model))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-10)
    np.testing.assert_allclose(results[2], results[0], rtol=1e-10)


def test_the_same_seed_gives_the_same_bits():
    first, second = (fit("compiled", ManualMLPClassifier, X, CLASSES) for _ in range(2))
    np.testing.assert_array_equal(parameters(first), parameters(second))


def test_validation_data_warm_starts_and_schedules():
    assert_agree(
        ManualMLPClassifier, X, CLASSES, early_stopping=True, schedule="cosine", n_init=2,
        max_iter=8, record="epoch",
    )  # fmt: skip
    for engine in ("numpy", "compiled"):
        model = fit(engine, ManualMLPClassifier, X, CLASSES, warm_start=True)
        with config_context(engine=engine):
            model.fit(X, CLASSES)
        assert model.n_iter_ == 4
        assert len(model.loss_curve_) == 8


def test_the_perceptron_stops_when_nothing_is_left_to_learn():
    y = (X[:, 0] > 0.2).astype(int)
    runs = [
        fit(engine, PerceptronClassifier, X, y, batch_size=1, max_iter=500)
        for engine in ("numpy", "compiled")
    ]
    assert runs[0].n_iter_ == runs[1].n_iter_ < 500
    assert runs[1].score(X, y) == 1.0


def test_divergence_is_an_error():
    y = 1e3 * T[:, 0]
    for engine in ("numpy", "compiled"):
        with pytest.raises(ValueError, match="diverged in epoch"):
            fit(engine, ManualMLPRegressor, X, y, solver="sgd", eta=10.0, max_iter=50)


def test_inputs_are_not_written_to():
    X_given, y_given = X.copy(), CLASSES.copy()
    X_given.flags.writeable = y_given.flags.writeable = False
    fit("compiled", LogisticNeuronClassifier, X_given, y_given)
    assert X.flags.writeable
    fit("compiled", LogisticNeuronClassifier, X, CLASSES)
    assert X.flags.writeable
    np.testing.assert_array_equal(X, X_given)


def test_newton_is_not_covered():
    with pytest.warns(UserWarning, match="does not cover solver='newton'; .* computed by NumPy"):
        fit("compiled", LogisticNeuronClassifier, X, BINARY, solver="newton", alpha=0.1, tol=1e-4)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"activation": type("Mine", (ReLU,), {"name": "mine"})()}, "the activation mine"),
        ({"solver": type("Own", (SGD,), {})()}, "the optimizer Own"),
        ({"loss": type("Own", (CrossEntropy,), {})()}, "the loss Own"),
        ({"hidden_layer_sizes": (2,) * 64}, "more than 64 layers"),
        (
            {"activation": type("Mine", (ReLU,), {"name": "mine"})(), "solver": "lbfgs"},
            "the activation mine",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_not_covered_falls_back_and_says_so(params, named):
    with pytest.warns(UserWarning, match=f"does not cover {named}.*; .* computed by NumPy"):
        model = fit("compiled", ManualMLPClassifier, X, CLASSES, **params)
    assert model.engine_ == "numpy"
    fit("auto", ManualMLPClassifier, X, CLASSES, **params)  # in silence


@pytest.mark.parametrize(
    ("form", "y", "named"),
    [(np.asarray, CLASSES, "several outputs"), (sparse.csr_matrix, BINARY, "sparse samples")],
)
def test_the_warning_says_what_of_lbfgs_is_not_covered(form, y, named):
    with pytest.warns(UserWarning, match=f"does not cover L-BFGS .*{named}"):
        fit("compiled", LogisticNeuronClassifier, form(X), y, solver="lbfgs", alpha=0.1, tol=1e-4)


@pytest.mark.parametrize(("depth", "engine"), [(63, "compiled"), (64, "numpy")])
def test_more_than_64_layers_are_not_covered(depth, engine):
    params = {"hidden_layer_sizes": (2,) * depth, "activation": "leaky_relu", "eta": 1e-3}
    silent = contextlib.nullcontext()
    with silent if engine == "compiled" else pytest.warns(UserWarning, match="more than 64 layers"):
        assert_agree(ManualMLPRegressor, X, T, engine=engine, **params)
    assert fit("auto", ManualMLPRegressor, X, T, **params).engine_ == engine


# ---- one engine for one job ----------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, None])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
def test_neither_max_iter_nor_a_look_from_outside_changes_the_bits(cls, form, batch_size):
    settings = {"alpha": 0.1, "batch_size": batch_size, "weight": WEIGHT}
    alone = fit("auto", cls, form(X), BINARY, max_iter=3, **settings)
    for record in ("loss", "epoch", "step"):
        longer = fit("auto", cls, form(X), BINARY, max_iter=6, record=record, **settings)
        np.testing.assert_array_equal(longer.loss_curve_[:3], alone.loss_curve_)
        if record != "loss":
            at = 2 if record == "epoch" else longer.history_["epoch"].tolist().index(3) - 1
            name = "coef" if cls is LogisticNeuronClassifier else "coefs"
            recorded = longer.history_[name][at]
            recorded = recorded if isinstance(recorded, list) else [recorded.T]
            for mine, other in zip(recorded, parameters_of(alone)[0], strict=True):
                np.testing.assert_array_equal(mine, other)


def test_updates_are_recorded_as_in_numpy():
    for form in (np.asarray, sparse.csr_matrix):
        for cls in (LogisticNeuronClassifier, ManualMLPClassifier):
            for y, batch_size in ((BINARY, 1), (BINARY, 7), (CLASSES, 7), (CLASSES, None)):
                plain, fast = assert_agree(
                    cls, form(X), y, alpha=0.1, batch_size=batch_size, record="step", weight=WEIGHT,
                    max_iter=2,
                )  # fmt: skip
                for name in ("epoch", "step", "eta", "n_rows"):
                    np.testing.assert_array_equal(fast.history_[name], plain.history_[name])
                for name in ("loss", "loss_after"):
                    np.testing.assert_allclose(
                        fast.history_[name], plain.history_[name], rtol=1e-9, atol=1e-15
                    )


@pytest.fixture
def interruptible():
    """An interrupt is heard in the background, too, where shells let it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_a_long_fit_after_a_complete_epoch():
    X = np.random.RandomState(0).normal(size=(20_000, 20))
    y = (X[:, 0] > 0).astype(int)
    model = ManualMLPClassifier(
        (50,), batch_size=1, max_iter=10**6, tol=None, random_state=0, solver=SGD(average=True)
    )
    start = time.perf_counter()
    clone(model).set_params(max_iter=1).fit(X, y)
    epoch = time.perf_counter() - start  # on a slow machine, or a busy one, it takes long
    timer = threading.Timer(0.2 + 5.0 * epoch, _thread.interrupt_main)
    timer.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert time.perf_counter() - start < 10.0 + 50.0 * epoch
    n_epochs = model.n_iter_
    assert n_epochs == len(model.loss_curve_) == len(model.history_["epoch"]) >= 1
    again = clone(model).set_params(max_iter=n_epochs).fit(X, y)
    np.testing.assert_array_equal(parameters(model), parameters(again))
    state, expected = (m._training_state["state"] for m in (model, again))
    assert state["n_updates"] == expected["n_updates"] == 20_000 * n_epochs
    np.testing.assert_array_equal(state["average"], expected["average"])


def test_a_signal_handler_that_raises_leaves_the_model_as_it_was():
    class AlarmError(Exception):
        pass

    def ring(*_):
        raise AlarmError

    X = np.random.RandomState(0).normal(size=(20_000, 20))
    y = (X[:, 0] > 0).astype(int)
    model = LogisticNeuronClassifier(batch_size=1, tol=None, max_iter=2).fit(X, y)
    before = dict(vars(model))
    before_handler = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(AlarmError):
            model.set_params(max_iter=10**6).fit(X, y)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before_handler)
    assert vars(model) == before | {"max_iter": 10**6}


# ---- the choice ----------------------------------------------------------------------------------


def test_configuration():
    with config_context(engine="compiled"):
        assert get_config() == {"engine": "compiled"}
        with config_context():
            assert get_config() == {"engine": "compiled"}
        with pytest.raises(ZeroDivisionError), config_context(engine="numpy"):
            raise ZeroDivisionError
        assert get_config() == {"engine": "compiled"}
        seen = []
        thread = threading.Thread(target=lambda: seen.append(get_config()["engine"]))
        thread.start()
        thread.join()
        assert seen == ["compiled"]
    assert get_config() == {"engine": "auto"}
    with pytest.raises(ValueError, match=r"engine must be one of .*'compiled'.* got 'torch'"):
        set_config(engine="torch")
    get_config()["engine"] = "numpy"
    assert get_config() == {"engine": "auto"}


def test_threads_agree():
    def work(seed):
        model = fit(None, ManualMLPClassifier, X, CLASSES, random_state=seed)
        assert model.engine_ == "compiled"
        return parameters(model)

    with config_context(engine="compiled"):
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(work, range(8)))
        for seed, theta in enumerate(together):
            np.testing.assert_array_equal(theta, work(seed))


def test_contexts_of_several_threads_leave_nothing_behind():
    contexts = [config_context(engine=engine) for engine in ("compiled", "numpy")]
    for context in contexts:
        context.__enter__()
    contexts[0].__exit__(None, None, None)  # the one that began first ends first
    assert get_config() == {"engine": "numpy"}
    contexts[1].__exit__(None, None, None)
    assert get_config() == {"engine": "auto"}


def test_in_a_search_with_threads():
    grid = {"eta": [0.01, 0.1], "batch_size": [1, 8]}
    model = LogisticNeuronClassifier(max_iter=3, tol=None, random_state=0)
    with config_context(engine="compiled"):
        alone = GridSearchCV(model, grid, cv=3).fit(X, BINARY)
        with joblib.parallel_backend("threading"):
            threads = GridSearchCV(model, grid, cv=3, n_jobs=2).fit(X, BINARY)
    assert threads.best_estimator_.engine_ == "compiled"
    np.testing.assert_array_equal(
        alone.cv_results_["mean_test_score"], threads.cv_results_["mean_test_score"]
    )
