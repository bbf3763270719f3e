"""Extremes: numbers of any size, one of everything, or very many; a finite result, or advice."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers import (
    CLASSIFIERS,
    ESTIMATORS,
    REGRESSORS,
    WITH_LBFGS,
    make,
    raw_output_of,
    target_for,
    weights_of,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
    config_context,
)
from sklearn_neuron._engine import compiled
from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.epochs import Updater
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.losses import BinaryCrossEntropy

RNG = np.random.RandomState(0)
X = RNG.normal(size=(24, 3))
#: What errors say that can be done.
ADVICE = re.compile(r"Try |Bring |Scale |scale ")
UPDATES = ("sgd", "adam")
SOLVERS = [
    (cls, solver)
    for cls in ESTIMATORS
    for solver in (*UPDATES, "lbfgs", "newton", "newton-cg")
    if solver in cls._constraints["solver"].names
]
each_solver = pytest.mark.parametrize(
    ("cls", "solver"), SOLVERS, ids=lambda value: getattr(value, "__name__", value)
)


def attempt(model, X, y, weight=None):
    """Fit; return the error of a fit that is refused, or diverges, having changed nothing."""
    before = dict(vars(model))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of training that went wrong
        try:
            model.fit(X, y, sample_weight=weight)
        except ValueError as error:
            assert vars(model) == before
            return str(error)
    return ""


def assert_finite(model, X):
    assert np.isfinite(weights_of(model)).all()
    assert np.isfinite(model.loss_curve_).all()
    for name in ("predict", "decision_function", "predict_proba", "predict_log_proba"):
        if hasattr(model, name):
            answer = getattr(model, name)(X)
            assert answer.dtype.kind != "f" or np.isfinite(answer).all()


def by_both_engines(cls, X, y, weight=None, **params):
    """Return the models of both engines."""
    models = []
    for engine in ("numpy", "auto"):
        with config_context(engine=engine), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            models.append(make(cls, **params).fit(X, y, sample_weight=weight))
    return models


def assert_engines_agree(cls, X, y, weight=None, rtol=1e-9, **params):
    plain, fast = by_both_engines(cls, X, y, weight, **params)
    for model in (plain, fast):
        assert_finite(model, X)
    expected = weights_of(plain)
    assert_allclose(weights_of(fast), expected, rtol=rtol, atol=rtol * np.abs(expected).max())
    return fast


# ---- sizes of numbers ----------------------------------------------------------------------------

SIZES = {
    "1e300": X * 1e300,
    "1e150": X * 1e150,
    "1e-150": X * 1e-150,
    "1e-300": X * 1e-300,
    "subnormal": X * 1e-310,
    "the smallest": np.sign(X) * 5e-324,
    "the largest": np.sign(X) * np.finfo(float).max,
    "a large column": X * [1e300, 1.0, 1.0],
    "a small column": X * [1.0, 1e-310, 1.0],
    "large and small columns": X * [1e300, 1e-300, 1.0],
    "one large number": np.where(np.arange(72).reshape(24, 3) == 7, 1e300, X),
}
SINGLE = {
    name: np.float32(X) * np.float32(size)
    for name, size in {"1e37": 1e37, "1e-37": 1e-37, "1e-44": 1e-44}.items()
}


@each_solver
def test_features_of_any_size(cls, solver):
    """Of both precisions, dense and sparse; even those that no step size suits."""
    y, n_finite = target_for(cls, 24), 0
    for k, (name, data) in enumerate((SIZES | SINGLE).items()):
        batch_size = [None, 8, 1][k % 3]
        given = sparse.csr_array(data) if k % 2 else data
        model = make(cls, solver=solver, batch_size=batch_size, max_iter=5)
        with config_context(engine=["numpy", "auto"][k // 2 % 2]):
            error = attempt(model, given, y)
        if error:
            assert ADVICE.search(error), (name, error)
        else:
            n_finite += 1
            assert_finite(model, given)
    assert n_finite >= 6


@pytest.mark.parametrize("solver", ["newton", "newton-cg"])
@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, SigmoidNeuronRegressor])
def test_weights_beyond_single_precision_are_divergence(cls, solver):
    """They are found in float64, and kept in the dtype of X."""
    error = attempt(make(cls, solver=solver), SINGLE["1e-44"], target_for(cls, 24))
    assert "Training diverged in iteration 1 of " in error


@each_solver
@pytest.mark.parametrize("size", ["1e-150", "1e-300", "subnormal", "a small column"])
def test_the_engines_agree_on_small_features(cls, solver, size):
    plain, fast = by_both_engines(cls, SIZES[size], target_for(cls, 24), solver=solver, max_iter=3)
    z, of_other = (raw_output_of(model, SIZES[size]) for model in (plain, fast))
    assert_allclose(of_other, z, rtol=1e-9, atol=1e-9 * np.abs(z).max())


@pytest.mark.parametrize("cls", REGRESSORS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("size", [1.7e308, 1e300, 1e150, 1e-150, 1e-300, 5e-324])
def test_targets_of_any_size(cls, solver, size):
    y = np.append([-1.0, 1.0], RNG.uniform(-1, 1, size=22)) * size
    model = make(cls, solver=solver, batch_size=8)
    if error := attempt(model, X, y):
        assert size > 1
        assert re.search(r"Scale y down|The target is large: try Transformed", error)
    else:
        assert_finite(model, X)


@pytest.mark.parametrize("y", [[-1.7e308, 0.0, 1.7e308], [1.7e308] * 3, [-1.7e308] * 3])
def test_a_range_beyond_all_numbers_is_refused(y):
    """Its width, or that of the range around a constant target, is infinite."""
    with pytest.raises(ValueError, match=r"y is too large for target_range='auto': from .*e\+308"):
        SigmoidNeuronRegressor().fit(X[:3], y)


def test_divergence_because_of_y_is_said_to_be_so():
    y = 1e4 * X[:, 0]
    model = make(ManualMLPRegressor, solver="sgd", eta=1.0)
    with pytest.raises(DivergenceError, match="The target is large: try TransformedTarget"):
        model.fit(X, y)
    with pytest.raises(DivergenceError) as told:
        model.fit(1e4 * X, X[:, 0])
    assert "target" not in str(told.value)


WEIGHTS = {
    "of all sizes": 10.0 ** RNG.uniform(-300, 300, size=24),
    "one large": np.where(np.arange(24) == 3, 1e300, 1e-300),
    "one small": np.where(np.arange(24) == 3, 1e-300, 1.0),
    "one subnormal": np.where(np.arange(24) == 3, 5e-324, 1.0),
    "all large": np.full(24, 1e300),
    "all small": np.full(24, 1e-300),
}


@each_solver
@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_of_any_size(cls, solver, weights):
    w, y = WEIGHTS[weights], target_for(cls, 24)
    how = {"solver": solver, "batch_size": 8, "max_iter": 4}
    model = assert_engines_agree(cls, X, y, w, **how)
    if weights.startswith("all"):
        assert_allclose(weights_of(model), weights_of(by_both_engines(cls, X, y, **how)[1]), 1e-9)
    single = make(cls, **how)
    assert attempt(single, X.astype(np.float32), y, w) == ""
    assert_finite(single, X.astype(np.float32))


@pytest.mark.parametrize("cls", WITH_LBFGS)
def test_a_weight_of_next_to_nothing_is_nothing(cls):
    w, y = WEIGHTS["one small"], target_for(cls, 24)
    how = {"solver": "lbfgs", "alpha": 0.1, "tol": 1e-9}
    whole = make(cls, **how).fit(X, y, sample_weight=w)
    without = make(cls, **how).fit(X, y, sample_weight=np.where(w < 1.0, 0.0, w))
    assert_allclose(weights_of(whole), weights_of(without), rtol=1e-6, atol=1e-8)


# ---- one of everything, or the same --------------------------------------------------------------


@each_solver
def test_as_few_samples_as_there_can_be(cls, solver):
    """One number, or one sample of each class."""
    for n in (1, 2, 3) if cls in REGRESSORS else (2, 3):
        for p in (1, 4):
            model = assert_engines_agree(cls, X[:n].repeat(2, axis=1)[:, :p], target_for(cls, n),
                                         solver=solver, rtol=1e-8)  # fmt: skip
            assert len(model.predict(X[:1, [0] * p])) == 1


def test_blocks_of_one_sample(cls):
    y = target_for(cls, 24)
    classes = {"classes": [0, 1, 2]} if cls in CLASSIFIERS else {}
    params = {"target_range": (0, 1)} if cls is SigmoidNeuronRegressor else {}
    thetas = []
    for engine in ("numpy", "auto"):
        model = make(cls, **params)
        with config_context(engine=engine):
            for row in range(24):
                model.partial_fit(X[[row]], y[[row]], **classes)
        thetas.append(weights_of(model))
    assert_allclose(thetas[1], thetas[0], rtol=1e-9, atol=1e-12)


CONSTANTS = {
    "zeros": np.zeros((24, 3)),
    "ones": np.ones((24, 3)),
    "a constant column": np.c_[X[:, :2], np.full(24, 7.0)],
    "the same column twice": X[:, [0, 0, 1]],
    "one column": X[:, :1],
    "the same sample": np.tile(X[0], (24, 1)),
}


@each_solver
@pytest.mark.parametrize("kind", CONSTANTS)
def test_columns_that_say_nothing(cls, solver, kind):
    """Weights are not all 1: else gradients are zero but for rounding, which Adam enlarges."""
    data, y, w = CONSTANTS[kind], target_for(cls, 24), np.linspace(0.5, 1.7, 24) ** 2
    if cls is PerceptronClassifier and kind in {"ones", "the same sample"}:
        y, w = np.arange(24) % 2, None  # else z is zero but for rounding, and which side decides
    assert_engines_agree(cls, data, y, w, solver=solver, batch_size=8, rtol=1e-7, max_iter=3)


# ---- very many -----------------------------------------------------------------------------------

WIDE = RNG.normal(size=(6, 100_000)) / 300
WIDE_SPARSE = sparse.csr_array(
    (RNG.normal(size=1200), (np.arange(1200) // 10, RNG.randint(100_000, size=1200))),
    shape=(120, 100_000),
)


@each_solver
@pytest.mark.parametrize("data", [WIDE, WIDE_SPARSE], ids=["dense", "sparse"])
def test_a_hundred_thousand_columns(cls, solver, data):
    """Newton's method moves in the space of the few samples."""
    n = data.shape[0]
    how = {"solver": solver, "batch_size": n // 3, "max_iter": 1}
    assert_engines_agree(cls, data, target_for(cls, n, 2), rtol=1e-7, **how)


@pytest.mark.parametrize(
    ("cls", "solver"),
    [
        (LogisticNeuronClassifier, "sgd"),
        (LogisticNeuronClassifier, "lbfgs"),
        (ManualMLPClassifier, "adam"),
        (ManualMLPClassifier, "lbfgs"),
    ],
)
def test_a_thousand_classes(cls, solver):
    y = np.arange(1500) % 1000
    data = np.c_[np.cos(y), np.sin(y), y / 1000]
    params = {"hidden_layer_sizes": (8,)} if cls is ManualMLPClassifier else {}
    model = assert_engines_agree(
        cls, data, y, solver=solver, batch_size=64, max_iter=2, rtol=1e-7, **params
    )
    proba = model.predict_proba(data)
    assert proba.shape == (1500, 1000)
    assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)


def test_a_thousand_classes_are_told_apart():
    """A feature for each; the names are strings."""
    names = np.array([f"class {k:03}" for k in range(1000)])
    model = LogisticNeuronClassifier(solver="lbfgs", alpha=1e-6, max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit(sparse.eye_array(1000, format="csr"), names)
    assert_array_equal(model.predict(sparse.eye_array(1000, format="csr")), names)


RARE = np.random.RandomState(1).normal(size=(100_001, 2))
IS_RARE = np.arange(100_001) == 50_000


@pytest.mark.parametrize("solver", ["lbfgs", "newton", "newton-cg"])
def test_one_sample_in_a_hundred_thousand(solver):
    """At the minimum, the probabilities add up to the number of samples of the class."""
    model = assert_engines_agree(
        LogisticNeuronClassifier,
        RARE,
        IS_RARE,
        rtol=1e-4,
        solver=solver,
        alpha=1e-7,
        tol=1e-10,
        max_iter=100,
    )
    assert_allclose(model.predict_proba(RARE)[:, 1].sum(), 1.0, rtol=1e-4)
    theirs = LogisticRegression(C=1e7 / 100_001, tol=1e-12, max_iter=10_000).fit(RARE, IS_RARE)
    assert_allclose(model.coef_, theirs.coef_, rtol=0.01, atol=1e-3)


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_rare_class_counts_if_it_is_balanced(cls, early_stopping):
    """A sample that is the only one of its class is trained on, and not held out."""
    data = RARE[:, :1] / 10 + 3.0 * IS_RARE[:, None]
    model = make(
        cls, class_weight="balanced", batch_size=1000, max_iter=5, early_stopping=early_stopping
    ).fit(data, IS_RARE)
    assert model.classes_.tolist() == [False, True]
    assert_finite(model, data[49_990:50_010])
    if not early_stopping:  # else the best epoch may be one in which nobody is of that class
        assert model.predict([[3.0]]).tolist() == [True]


# ---- indices beyond 2³¹ --------------------------------------------------------------------------

COLUMNS = 1 << 17


@pytest.fixture(scope="module")
def beyond():
    """Return X of 2³¹ + 2²⁰ numbers in 100 MB: zeros that are never written to take no memory.

    The last samples, beyond the 2³¹ first numbers, are not zero. And the same in CSR.
    """
    n = (1 << 14) + 8
    try:
        data = np.zeros((n, COLUMNS), np.float32)
    except MemoryError:
        pytest.skip("there is no address space for 8.6 GB")
    data[-8:] = np.random.RandomState(0).normal(size=(8, COLUMNS)) / 300
    ends = np.append(np.zeros(n - 8, np.int64), COLUMNS * np.arange(9))
    columns = np.tile(np.arange(COLUMNS), 8)
    return data, sparse.csr_array((data[-8:].ravel(), columns, ends), shape=data.shape)


@pytest.mark.parametrize("batch_size", [64, None])
def test_more_than_two_to_the_31_numbers(batch_size, beyond):
    """Shuffled mini-batches, and all samples at once; a second of work each."""
    y = np.arange(len(beyond[0])) % 2
    how = {"max_iter": 1, "eta": 0.1, "solver": "sgd", "batch_size": batch_size}
    models = [make(LogisticNeuronClassifier, **how).fit(data, y) for data in beyond]
    dense, thin = map(weights_of, models)
    assert np.abs(thin[:-1]).min() > 0.0
    assert_allclose(dense, thin, rtol=1e-3, atol=1e-5 * np.abs(thin).max())
    if batch_size == 64:
        z = models[0].decision_function(beyond[0])
        assert_allclose(z[-8:], models[1].decision_function(beyond[1][-8:]), rtol=1e-3, atol=1e-6)
        assert len(np.unique(z[:-8])) == 1


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_a_sparse_matrix_of_more_than_two_to_the_31_places(engine, form, dtype):
    """Of which few hold anything; the last ones do."""
    n, p = 60_000, 50_000
    rng = np.random.RandomState(0)
    rows = np.append(n - 1 - np.arange(400), rng.randint(n, size=400)).astype(dtype)
    columns = np.append(p - 1 - np.arange(400) % 50, rng.randint(p, size=400)).astype(dtype)
    wide = sparse.coo_array((rng.normal(size=800), (rows, columns)), shape=(n, p)).asformat(form)
    y = np.arange(n) % 2
    used = np.unique(columns)
    narrow = wide.tocsc()[:, used].tocsr()
    with config_context(engine=engine):
        how = {"max_iter": 1, "eta": 0.5, "batch_size": 1000, "solver": "sgd"}
        models = [make(LogisticNeuronClassifier, **how).fit(X, y) for X in (wide, narrow)]
    assert_allclose(models[0].coef_[:, used], models[1].coef_, rtol=1e-9, atol=1e-15)
    assert np.count_nonzero(models[0].coef_) == len(used)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to ask for memory")
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_more_than_two_to_the_31_columns_need_the_memory_of_their_weights(cls):
    """Which is refused where it is not there; the estimator is left as it was."""
    resource = pytest.importorskip("resource")
    p = 2**31 + 5
    data = sparse.csr_array(
        (np.ones(4, np.float32), np.array([0, 5, p - 1, 7]), np.arange(5)), shape=(4, p)
    )
    assert data.indices.dtype == np.int64
    model = make(cls).fit(np.eye(4), [0, 1, 0, 1])
    before, limit = dict(vars(model)), resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 30), limit[1]))
    try:
        with pytest.raises(MemoryError):
            model.fit(data, [0, 1, 0, 1])
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    assert vars(model) == before
    with pytest.raises(ValueError, match="X has 2147483653 features, but"):
        model.predict(data)


@pytest.mark.needs_core
@pytest.mark.parametrize(("n", "p"), [(2**31, 1), (2, 2**31)])
def test_the_core_leaves_more_samples_or_columns_to_numpy(n, p):
    """They are counted in 31 bits there."""

    class Sizes:
        """A network of so many columns, whose weights nobody has room for."""

        layer_sizes, n_weights, W = (p, 1), p, [None]
        activations, loss = (), BinaryCrossEntropy()

    data = Samples(np.broadcast_to(0.0, (n, p)), np.broadcast_to(False, (n, 1)), None)
    refused = compiled.refusal(Updater(Sizes(), SGD(), {}), data, None)
    assert refused == f"more than 2147483647 {'samples' if p == 1 else 'features'}"
    few = Samples(np.zeros((2, p if p == 1 else 3)), np.zeros((2, 1), bool), None)
    Sizes.layer_sizes = (few.X.shape[1], 1)
    assert compiled.refusal(Updater(Sizes(), SGD(), {}), few, None) == ""
