"""What the core is given and when it lets go: sizes, indices, extremes, locks and interrupts."""

import _thread
import contextlib
import copy
import ctypes
import mmap
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import is_own, weights_of
from scipy import sparse

from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    Record,
    config_context,
)
from sklearn_neuron._engine import compiled, core
from sklearn_neuron.activations import ACTIVATIONS, ReLU
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.losses import CrossEntropy, Poisson

pytestmark = pytest.mark.needs_core
RNG = np.random.RandomState(0)
#: Under a sanitizer freed memory is kept for a while, and memory that is short ends the process.
own_memory = pytest.mark.skipif(
    not Path("/proc/self/statm").exists() or "asan" in os.environ.get("LD_PRELOAD", ""),
    reason="no /proc to ask for memory, or a sanitizer's allocator",
)
X, BINARY = RNG.normal(size=(60, 5)), np.arange(60) % 2


def fit(engine, cls, X, y, sample_weight=None, **params):
    model = cls(**{"max_iter": 3, "tol": None, "random_state": 0, **params})
    with config_context(engine=engine):
        return model.fit(X, y, sample_weight=sample_weight)


def both(cls, X, y, sample_weight=None, **params):
    """Return the model of NumPy and that of the core."""
    models = [fit(engine, cls, X, y, sample_weight, **params) for engine in ("numpy", "compiled")]
    assert [model.engine_ for model in models] == ["numpy", "compiled"]
    return models


def assert_same(plain, fast, rtol=1e-10):
    expected = weights_of(plain)
    np.testing.assert_allclose(weights_of(fast), expected, rtol, rtol * np.abs(expected).max())


def assert_same_losses(plain, fast, rtol=1e-10):
    np.testing.assert_allclose(fast.loss_curve_, plain.loss_curve_, rtol)


# ---- sizes ---------------------------------------------------------------------------------------


def exchanged(model, dtype, units):
    """Exchange the fitted parameters for others, as users do who prune or convert them."""
    model.set_params(hidden_layer_sizes=(units,))
    old = [*model.coefs_, *model.intercepts_]
    shapes = [(5, units), (units, 1), (units,), (1,)]
    new = [np.resize(part, shape).astype(dtype) for part, shape in zip(old, shapes, strict=True)]
    model.coefs_, model.intercepts_ = new[:2], new[2:]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("units", [7, 3, 40])
@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)])
def test_exchanged_parameters_are_trained_on(solver, units, dtypes):
    """Of another precision, and of other sizes, for which the optimizer starts anew."""
    found = []
    for engine in ("numpy", "compiled"):
        with config_context(engine=engine):
            model = ManualMLPClassifier((7,), solver=solver, random_state=0)
            model.partial_fit(X.astype(dtypes[0]), BINARY, classes=[0, 1])
            exchanged(model, dtypes[1], units)
            found.append(weights_of(model.partial_fit(X.astype(dtypes[1]), BINARY)))
    assert found[0].dtype == found[1].dtype == dtypes[1]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-5)


@pytest.fixture
def described(monkeypatch):
    """Return what makes a core's ``Fit`` as an estimator would, and what the estimator gives it."""

    def describe(model, X, y):
        given, original = {}, core.load().Fit

        def spy(**named):
            given.update(named)
            return original(**named)

        with monkeypatch.context() as patched, config_context(engine="compiled"):
            patched.setattr(core.load(), "Fit", spy)
            model.fit(X, y)
        return original, given

    return describe


def test_arrays_of_another_size_are_refused(described):
    make, given = described(ManualMLPClassifier((3,), max_iter=1, tol=None), X, BINARY)
    make(**given)
    for name in ("theta", "grad", "X", "Y", "sizes", "activations", "constants"):
        array = given[name]
        other = np.float32 if array.dtype == float else np.int16
        for wrong in (array.ravel()[:-1].copy(), array.astype(other)):
            with pytest.raises(ValueError, match=r" must be .* items of .* bytes; got "):
                make(**given | {name: wrong})


@pytest.mark.parametrize(
    ("solver", "more", "name"),
    [
        (SGD(momentum=0.5), {}, "memory"),
        ("adam", {}, "memory"),
        (SGD(average=True), {}, "averaged"),
        ("sgd", {"alpha": 0.1, "l1_ratio": 1.0}, "paid"),
    ],
    ids=str,
)
def test_states_of_another_size_are_refused(described, solver, more, name):
    model = LogisticNeuronClassifier(solver=solver, max_iter=1, tol=None, **more)
    make, given = described(model, X, BINARY)
    for place in range(2) if name == "memory" else (None,):
        array = given[name] if place is None else given[name][place]
        if array is not None:
            wrong = array[:-1].copy()
            if place is not None:
                wrong = tuple(wrong if i == place else other for i, other in enumerate(given[name]))
            with pytest.raises(ValueError, match=r" must be .* items of .* bytes; got "):
                make(**given | {name: wrong})


@pytest.mark.parametrize("name", ["values", "indices", "indptr", "weight"])
def test_sparse_arrays_of_another_size_are_refused(described, name):
    model = LogisticNeuronClassifier(class_weight={0: 1.0, 1: 2.0}, max_iter=1, tol=None)
    make, given = described(model, sparse.csr_matrix(X), BINARY)
    make(**given)
    with pytest.raises(ValueError, match=r" must be .* items of .* bytes; got |not a valid CSR"):
        make(**given | {name: given[name][:-1].copy()})


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        *[("indices", place, value) for place in (0, 7, -1) for value in (-1, 5)],
        ("indptr", 0, -1),
        ("indptr", 3, 1),
        ("indptr", 3, 299),
        ("indptr", -1, 301),
    ],
)
def test_the_core_looks_at_every_entry_of_csr(described, name, place, value):
    model = LogisticNeuronClassifier(batch_size=1, max_iter=1, tol=None)
    make, given = described(model, sparse.csr_matrix(X), BINARY)
    array = given[name].copy()
    array[place] = value
    with pytest.raises(ValueError, match=r"not a valid CSR matrix: .* \[0, 5\)"):
        make(**given | {name: array})
    array = given["indices"].copy()
    array[place] = 4  # the last column, and the first
    make(**given | {"indices": array})
    array[place] = 0
    make(**given | {"indices": array})


@pytest.mark.parametrize("broken", ["index", "negative", "decreasing", "beyond"])
@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
def test_malformed_csr_is_refused(cls, broken):
    matrix = sparse.csr_matrix(X)
    if broken == "index":
        matrix.indices[7] = 5
    elif broken == "negative":
        matrix.indices[7] = -1
    elif broken == "decreasing":
        matrix.indptr[3] = matrix.indptr[5] + 1
    else:
        matrix.indptr[-1] += 8
    matrix.has_canonical_format = True  # or SciPy would look, and crash
    with config_context(engine="compiled"), pytest.raises(ValueError, match=r"CSR|index"):
        cls(max_iter=1, tol=None).fit(matrix, BINARY)


@pytest.mark.parametrize("part", ["data", "indices"])
def test_strided_csr(part):
    matrix = sparse.csr_matrix(X)
    strided = sparse.csr_matrix(X)
    array = getattr(strided, part)
    setattr(strided, part, np.repeat(array, 2)[::2])
    assert not getattr(strided, part).flags.c_contiguous
    for cls in (LogisticNeuronClassifier, ManualMLPClassifier):
        models = [both(cls, form, BINARY, batch_size=8)[1] for form in (matrix, strided)]
        np.testing.assert_array_equal(*map(weights_of, models))


def misaligned(array):
    """Return an array at an address that the size of its numbers does not divide."""
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    moved = np.ndarray(array.shape, array.dtype, memory)
    moved[...] = array
    assert not moved.flags.aligned
    return moved


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("form", ["rows", "columns", "csr"])
def test_the_core_is_given_numbers_at_their_addresses(form, full, monkeypatch):
    """C++ may not read a number at another address, though most processors do."""
    given, seen = {"rows": misaligned(X), "columns": misaligned(X.T).T}.get(form), []
    if form == "csr":
        given = sparse.csr_array(X)
        for part in ("data", "indices", "indptr"):
            setattr(given, part, misaligned(getattr(given, part)))
    described = compiled.described_samples

    def noted(*args, **how):
        seen.append(described(*args, **how))
        return seen[-1]

    monkeypatch.setattr(compiled, "described_samples", noted)
    models = [
        both(ManualMLPRegressor, *data, batch_size=None if full else 8, max_iter=2)[1]
        for data in ((given, misaligned(X[:, 0])), (given.copy(), X[:, 0].copy()))
    ]
    np.testing.assert_array_equal(*map(weights_of, models))
    arrays = [array for array in seen[0].values() if isinstance(array, np.ndarray)]
    assert len(arrays) == (4 if form == "csr" else 2)
    assert all(array.flags.aligned for array in arrays)
    if form == "columns" and full:
        assert seen[0]["X"].flags.f_contiguous  # and is not brought into the order of rows


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
@pytest.mark.parametrize("y", [BINARY, np.arange(60) % 3], ids=["two", "three"])
def test_column_major_samples_are_gathered_block_by_block(solver, cls, y, monkeypatch):
    monkeypatch.setattr(compiled, "CORE_BLOCK_BYTES", 1)
    monkeypatch.setattr(compiled, "CORE_BLOCK_ROWS", 7)
    columns = np.asfortranarray(X)
    params = {"solver": solver, "batch_size": None, "tol": 1e-9}
    with contextlib.suppress(UserWarning):
        with config_context(engine="compiled"):
            models = [
                cls(max_iter=5, random_state=0, **params).fit(form, y) for form in (X, columns)
            ]
        np.testing.assert_array_equal(*map(weights_of, models))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_column_major_samples_of_a_neuron_are_gathered_group_by_group(solver, dtype):
    """A group of 20 features has fewer than 200 samples."""
    rng = np.random.RandomState(0)
    rows = rng.normal(size=(700, 20)).astype(dtype)
    y = rows[:, 0] > rng.normal(size=700)
    model = LogisticNeuronClassifier(solver=solver, batch_size=None, max_iter=3, tol=1e-9)
    with config_context(engine="compiled"):
        models = [
            copy.deepcopy(model).fit(form(rows), y) for form in (np.asarray, np.asfortranarray)
        ]
    np.testing.assert_array_equal(*map(weights_of, models))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to ask for memory")
def test_many_columns_in_column_major_order_take_no_more_than_a_group():
    """A group of a single neuron has few rows, and no more than there are samples."""
    wide = np.asfortranarray(np.random.RandomState(0).normal(size=(4, 300_000)))
    resource = pytest.importorskip("resource")
    limit = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000, limit[1]))
    try:
        with config_context(engine="compiled"):
            LogisticNeuronClassifier(batch_size=None, max_iter=2, tol=None).fit(wide, [0, 1, 0, 1])
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)


def before_a_wall(array):
    """Return a copy that ends where memory may not be read."""
    if not array.size:
        return array
    size = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    block = mmap.mmap(-1, size + mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(block))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(address + size), mmap.PAGESIZE, 0) == 0
    copy = np.frombuffer(block, array.dtype, array.size, size - array.nbytes).reshape(array.shape)
    copy[...] = array
    return copy


@own_memory
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
def test_nothing_is_read_beyond_the_end_of_an_array(described, cls, form, dtype):
    """It would end this process."""
    for batch_size in (1, 7, 16, None):
        for y in (BINARY, np.arange(60) % 3):
            model = cls(batch_size=batch_size, max_iter=1, tol=None, random_state=0)
            make, given = described(model, form(X.astype(dtype)), y)
            found = []
            for place in (np.copy, before_a_wall):
                memory = tuple(None if part is None else place(part) for part in given["memory"])
                arrays = {
                    name: place(array) if isinstance(array, np.ndarray) else array
                    for name, array in (given | {"memory": memory}).items()
                }
                arrays["rng"] = np.random.RandomState(0) if given["rng"] is not None else None
                run = make(**arrays).run(
                    np.full(2, 0.1), np.empty(2), -1.0, 1, np.inf, 0, 0, 0, 0.0
                )
                assert run[:2] == (2, "done")
                found.append(arrays["theta"])
            np.testing.assert_array_equal(*found)


@own_memory
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_memory_that_is_short_is_an_error(described, dtype):
    resource = pytest.importorskip("resource")
    model = ManualMLPClassifier((1000,), batch_size=None, max_iter=1, tol=None)
    many = np.linspace(0.0, 1.0, 200_000, dtype=dtype).reshape(-1, 1)
    make, given = described(model, many, (many[:, 0] > 0.5).astype(int))
    limit = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000, limit[1]))
    try:
        with pytest.raises(MemoryError, match="Not enough memory for the buffers of a fit"):
            make(**given | {"row_bytes": 1, "block_bytes": 2**40})  # 2.4 GB and more
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    make(**given)


@own_memory
def test_a_fit_gives_back_its_memory(described):
    wide = np.zeros((2, 100_000))
    wide[:, 0] = -1.0, 1.0
    make, given = described(ManualMLPClassifier((5,), max_iter=1, tol=None), wide, [0, 1])
    pages = []
    for _ in range(20):
        make(**given).run(np.full(1, 0.1), np.empty(1), -1.0, 1, np.inf, 0, 0, 0, 0.0)
        pages.append(int(Path("/proc/self/statm").read_text().split()[0]))
    assert (pages[-1] - pages[4]) * mmap.PAGESIZE < 40e6  # of one fit it is 12 MB and more


@pytest.mark.parametrize("name", ["batch_size", "n_iter_no_change"])
def test_huge_integers(name):
    huge, usual = (
        both(LogisticNeuronClassifier, X, BINARY, **{name: value}, tol=1e-9)[1]
        for value in (2**63, 2**40)
    )
    np.testing.assert_array_equal(weights_of(huge), weights_of(usual))


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("max_iter", [10**7, 10**18, 2**63])
def test_the_cost_does_not_grow_with_max_iter(engine, max_iter):
    with config_context(engine=engine):
        start = time.perf_counter()
        model = LogisticNeuronClassifier(max_iter=max_iter, tol=1e-2, random_state=0)
        n_iter = model.fit(X, BINARY).n_iter_
        assert time.perf_counter() - start < 2.0
    assert n_iter == LogisticNeuronClassifier(tol=1e-2, random_state=0).fit(X, BINARY).n_iter_


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_matrices_beyond_the_cache(solver, dtype, monkeypatch):
    """Products in panels of several depths, and gradients of some rows of weights at a time."""
    monkeypatch.setattr(compiled, "CORE_BLOCK_ROWS", 400)
    rng = np.random.RandomState(0)
    X = rng.normal(size=(310, 270)).astype(dtype)
    rtol = 1e-9 if dtype == np.float64 else 2e-3
    for batch_size in (1, 3, 24, 40, None):
        how = {"solver": solver, "batch_size": batch_size, "eta": 1e-3, "activation": "tanh"}
        n = 310 if batch_size in (40, None) else 50
        assert_same(
            *both(
                ManualMLPRegressor, X[:n], X[:n, :3], hidden_layer_sizes=(300, 290), max_iter=1,
                **how,
            ),
            rtol,
        )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("units", [15, 31, 63, 127, 255])
def test_the_broadest_tiles_with_a_rest(units, dtype):
    """Of one row and as many packs as go, the last of them not full, by instruction set."""
    rtol = 1e-10 if dtype == np.float64 else 1e-3
    for batch_size in (1, 2, 4):
        how = {"hidden_layer_sizes": (units, units), "activation": "tanh", "max_iter": 1}
        models = both(
            ManualMLPRegressor, X.astype(dtype), X[:, :2], batch_size=batch_size, eta=0.01, **how
        )
        assert_same(*models, rtol)


@pytest.mark.parametrize("solver", ["sgd", "adam", SGD(momentum=0.9, max_norm=0.1), "rmsprop"])
def test_long_rows_of_weights_that_wait(solver):
    """Rows of sparse samples whose entries are fetched ahead, and some that have none."""
    rng = np.random.RandomState(0)
    lengths = np.arange(60) % 9
    columns = [np.sort(rng.choice(3000, length, replace=False)) for length in lengths]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    values = rng.normal(size=starts[-1])
    wide = sparse.csr_matrix((values, np.concatenate(columns), starts), shape=(60, 3000))
    for batch_size in (1, 4):
        for cls, more in ((LogisticNeuronClassifier, {}), (ManualMLPClassifier, {"dropout": 0.3})):
            how = {"solver": solver, "batch_size": batch_size, "eta": 0.01, **more}
            for y in (BINARY, np.arange(60) % 3):
                models = both(cls, wide, y, **how)
                assert_same(*models)
                assert_same_losses(*models)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("columns", [3, 70])
def test_more_samples_than_one_chunk_or_group(columns, dtype):
    """Losses are computed of a thousand samples at a time, a neuron's gradient of some hundred."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(2100, columns)).astype(dtype)
    y, weight = (X[:, 0] > rng.normal(size=2100)).astype(int), rng.uniform(0.5, 2.0, 2100)
    rtol = 1e-10 if dtype == np.float64 else 1e-3
    for form, batch_size in (
        *[(np.asarray, size) for size in (1, 900, None)],
        *[(sparse.csr_matrix, size) for size in (1, 3, 1500)],
    ):
        models = both(
            LogisticNeuronClassifier, form(X), y, batch_size=batch_size, alpha=0.1, max_iter=2,
            sample_weight=weight,
        )  # fmt: skip
        assert_same(*models, rtol)
        assert_same_losses(*models, rtol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_product_of_many_losses_does_not_overflow(dtype):
    """A block of thousands of samples, each with a loss of log 2."""
    narrow = np.zeros((20_000, 1), dtype)
    how = {"batch_size": None, "max_iter": 1, "activation": "tanh"}
    models = both(
        ManualMLPClassifier, narrow, np.arange(20_000) % 2, hidden_layer_sizes=(1,), **how
    )
    assert_same_losses(*models, 1e-10 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("classes", [2, 3, 16, 17])
def test_losses_of_many_samples(classes, dtype):
    """Softmax of several packs of samples, or of one by one; with weights, and smoothed targets."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(450, 4)).astype(dtype)
    y, weight = np.arange(450) % classes, rng.uniform(0.5, 2.0, 450)
    rtol = 1e-10 if dtype == np.float64 else 1e-3
    for form in (np.asarray, sparse.csr_matrix):
        for how in (
            {"batch_size": None},
            {"batch_size": 150, "shuffle": False},
            {"batch_size": 1, "shuffle": False, "max_iter": 1},
        ):
            for smoothing, given in ((0.0, weight), (0.2, None), (0.2, weight)):
                models = both(
                    LogisticNeuronClassifier, form(X), y, sample_weight=given, alpha=0.1,
                    loss=CrossEntropy(label_smoothing=smoothing), **how,
                )  # fmt: skip
                assert_same(*models, rtol)
                assert_same_losses(*models, rtol)


# ---- parts ---------------------------------------------------------------------------------------


def test_a_registered_part_replaces_the_core_s_own(monkeypatch):
    class Shifted(ReLU):
        def forward(self, z, out=None):
            return super().forward(z + 1.0, out=out)

    monkeypatch.setitem(ACTIVATIONS, "relu", Shifted)
    with config_context(engine="compiled"), pytest.warns(UserWarning, match="activation Shifted"):
        model = ManualMLPClassifier((3,), max_iter=1, tol=None).fit(X, BINARY)
    assert model.engine_ == "numpy"


def test_without_vector_instructions_large_products_are_left_to_numpy(monkeypatch):
    monkeypatch.setattr(core.load(), "width", 1)
    X, y = np.ones((100, 40)), np.arange(100.0)
    for batch_size, hidden, engine in (
        (1, (50,), "compiled"),
        (64, (50,), "numpy"),
        (64, (), "compiled"),
    ):
        model = ManualMLPRegressor(hidden, batch_size=batch_size, max_iter=1, tol=None)
        assert model.fit(X, y).engine_ == engine


# ---- extremes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch_size", [1, 8, None])
def test_an_overflow_is_a_divergence(dtype, batch_size):
    large = np.ones((40, 1), dtype)
    large[0] = 1e3
    start = {"coef_init": [np.ones((1, 1), dtype)], "intercept_init": [np.zeros(1, dtype)]}
    for engine in ("numpy", "compiled"):
        model = ManualMLPRegressor(
            (), loss=Poisson(), batch_size=batch_size, shuffle=False, max_iter=6, tol=None, eta=1e-9
        )
        ignored = np.errstate(all="ignore")
        with config_context(engine=engine), ignored, pytest.raises(DivergenceError):
            model.fit(large, np.ones(40), **start)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_a_gradient_whose_squares_overflow_is_clipped(dtype, batch_size):
    large = 1e200 if dtype == np.float64 else 1e25
    columns = X * np.array([large, 1.0, large / 7.0, 0.0, 1.0])
    wide = sparse.csr_matrix(
        (columns[:, :1].ravel(), np.arange(60) % 40 * 5, np.arange(61)), (60, 900)
    )
    rtol = 1e-10 if dtype == np.float64 else 1e-3
    for form in (columns, sparse.csr_matrix(columns), wide):
        for cls, more in (
            (LogisticNeuronClassifier, {}),
            (ManualMLPClassifier, {"hidden_layer_sizes": (4,), "activation": "tanh"}),
        ):
            for solver in (SGD(max_norm=0.1), Adam(max_norm=0.1)):
                how = {"solver": solver, "batch_size": batch_size, "max_iter": 1, **more}
                plain, fast = both(cls, form.astype(dtype), BINARY, **how)
                assert np.isfinite(weights_of(plain)).all()
                assert_same(plain, fast, rtol)


@pytest.mark.parametrize("name", [k for k, cls in ACTIVATIONS.items() if is_own(cls)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_activations_of_extreme_inputs(name, dtype):
    """Their values by a weight that learns, their slopes by the weight below it."""
    sizes = [1e-300, 1e-30, 1.0, 30.0, 80.0, 300.0, 700.0, 750.0, 1e6, 1e30]
    x = np.array([s * size for size in sizes for s in (-1.0, 1.0)], dtype).reshape(-1, 1)
    for row in x:
        start = {
            "coef_init": [np.ones((1, 1), dtype), np.full((1, 1), 0.5, dtype)],
            "intercept_init": [np.zeros(1, dtype), np.zeros(1, dtype)],
        }
        found = []
        for engine in ("numpy", "compiled"):
            model = ManualMLPRegressor(
                (1,), activation=name, max_iter=1, tol=None, eta=1e-8, random_state=0
            )
            with config_context(engine=engine), np.errstate(all="ignore"):
                try:
                    found.append(weights_of(model.fit(row.reshape(1, 1), [0.0], **start)))
                except DivergenceError:
                    found.append(None)
        assert (found[0] is None) == (found[1] is None)
        if found[0] is not None:
            rtol = 1e-10 if dtype == np.float64 else 1e-4
            np.testing.assert_allclose(found[1], found[0], rtol=rtol, atol=1e-30)


# ---- generators ----------------------------------------------------------------------------------


@pytest.mark.parametrize("used", [0, 1, 623, 624, 625, 1000])
@pytest.mark.parametrize("direct", [True, False])
def test_numbers_are_those_of_the_generator(used, direct):
    """Read from its memory or asked for one by one, and it goes on where it would."""
    generator, same = np.random.MT19937(3), np.random.MT19937(3)
    for bits in (generator, same):
        if used:
            bits.random_raw(used)
    for n in (1, 5, 700, 2000):
        found = np.empty(n, np.uint32)
        core.load().draw(generator, found, direct)
        np.testing.assert_array_equal(found, np.atleast_1d(same.random_raw(n)))
    assert generator.random_raw() == same.random_raw()


def test_another_bit_generator_draws_the_order_as_well():
    found = []
    for engine in ("numpy", "compiled"):
        rng = np.random.RandomState(np.random.PCG64(5))
        with config_context(engine=engine):
            model = LogisticNeuronClassifier(batch_size=1, max_iter=2, tol=None, random_state=rng)
            found.append((weights_of(model.fit(X, BINARY)), rng.randint(2**31)))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-10)
    assert found[0][1] == found[1][1]


# ---- perceptrons that end without a mistake ------------------------------------------------------


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_a_solved_perceptron_makes_no_mistake(engine, batch_size):
    """Where z is 0 but for rounding, predict may see it on the other side."""
    corners = np.array([[(i >> k) & 1 for k in range(3)] for i in range(8)], float)
    targets = [corners.all(axis=1), corners.any(axis=1), corners.sum(axis=1) >= 2]
    n_solved = 0
    for eta in (0.1, 0.3, 0.7):
        for y in targets:
            for seed in range(5):
                model = PerceptronClassifier(
                    eta=eta, batch_size=batch_size, random_state=seed, max_iter=200
                )
                with config_context(engine=engine):
                    model.fit(corners, y.astype(int))
                if model.n_iter_ < 200:
                    n_solved += 1
                    assert model.score(corners, y) == 1.0
    assert n_solved > 20


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_solved_perceptron_of_averaged_weights_makes_no_mistake(engine):
    for seed in range(20):
        rng = np.random.RandomState(seed)
        X = rng.normal(size=(40, 3))
        y = (X @ rng.normal(size=3) > 0).astype(int)
        with config_context(engine=engine):
            model = PerceptronClassifier(
                solver=SGD(average=True), random_state=seed, max_iter=300
            ).fit(X, y)
        assert model.n_iter_ == 300 or model.score(X, y) == 1.0


@pytest.mark.parametrize("batch_size", [None, 1])
def test_both_engines_end_a_perceptron_by_the_same_rule(batch_size):
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    plain, fast = both(
        PerceptronClassifier, X, [0, 0, 0, 1], batch_size=batch_size, max_iter=100, eta=1.0
    )
    assert plain.n_iter_ == fast.n_iter_ < 100
    assert_same(plain, fast)


@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray, sparse.csr_matrix])
@pytest.mark.parametrize("batch_size", [None, 8, 1])
def test_perceptrons_of_several_classes_and_of_sparse_samples_are_solved(form, batch_size):
    centres = np.array([[9.0, 0.0], [-9.0, 9.0], [-9.0, -9.0]])
    classes = np.arange(300) % 3
    points = np.round(centres[classes] + np.random.RandomState(1).normal(size=(300, 2)), 2)
    for y in (classes, classes > 0):
        plain, fast = both(
            PerceptronClassifier, form(points), y, batch_size=batch_size, max_iter=50, eta=0.5
        )
        assert plain.n_iter_ == fast.n_iter_ < 50
        assert fast.score(form(points), y) == 1.0
        assert_same(plain, fast)


# ---- locks and interrupts ------------------------------------------------------------------------


@pytest.fixture
def interruptible():
    """An interrupt is heard in the background, too, where shells let it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def long_jobs():
    """Return fits that would take minutes, whose steps differ in what they cost."""
    rng = np.random.RandomState(0)
    narrow = rng.normal(size=(400_000, 1))
    wide = sparse.csr_matrix(rng.normal(size=(300, 2000)))
    forever = {"batch_size": 1, "max_iter": 10**6, "tol": None}
    return {
        "neuron": (LogisticNeuronClassifier(**forever), narrow),
        "sparse": (LogisticNeuronClassifier(**forever), wide),
        "momentum": (LogisticNeuronClassifier(solver="adam", **forever), narrow),
        "small": (ManualMLPClassifier((1, 1), **forever), narrow),
        "deep": (ManualMLPClassifier((1,) * 40, activation="gelu", **forever), narrow),
        "all": (ManualMLPClassifier((50,), **forever | {"batch_size": None}), narrow),
    }


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("job", ["neuron", "sparse", "momentum", "small", "deep", "all"])
def test_an_interrupt_is_heard_soon(job):
    model, X = long_jobs()[job]
    y = np.arange(X.shape[0]) % 2
    interrupted = []

    def interrupt():
        interrupted.append(time.perf_counter())
        _thread.interrupt_main()

    timer = threading.Timer(0.4, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert time.perf_counter() - interrupted[0] < 0.5


GENERATORS = {
    "seed": lambda: 0,
    "RandomState": lambda: np.random.RandomState(0),
    "of another generator": lambda: np.random.RandomState(np.random.PCG64(0)),
}


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize(
    "model",
    [
        LogisticNeuronClassifier(batch_size=8),
        ManualMLPClassifier((3,), batch_size=8, dropout=0.3),
        ManualMLPClassifier((3,), batch_size=None, dropout=0.3),
    ],
    ids=["orders", "orders and masks", "masks"],
)
def test_training_goes_on_as_if_it_had_not_been_interrupted(model, engine, generator):
    """An epoch that was not completed has drawn nothing."""
    model = copy.deepcopy(model).set_params(max_iter=10**6, tol=None, warm_start=True)
    whole = copy.deepcopy(model).set_params(random_state=GENERATORS[generator]())
    model.set_params(random_state=GENERATORS[generator]())
    timer = threading.Timer(0.03, _thread.interrupt_main)
    with config_context(engine=engine):
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, BINARY)
        n = len(model.loss_curve_)
        model.set_params(max_iter=3).fit(X, BINARY)
        whole.set_params(max_iter=n + 3).fit(X, BINARY)
    np.testing.assert_array_equal(model.loss_curve_, whole.loss_curve_)
    np.testing.assert_array_equal(weights_of(model), weights_of(whole))


def test_the_objective_may_be_interrupted(described):
    """It is looked for every 50 ms; afterwards the objective is what it was."""

    class AlarmError(Exception):
        pass

    def ring(*_):
        raise AlarmError

    narrow = np.random.RandomState(0).normal(size=(60_000, 1))
    model = ManualMLPRegressor(
        (300,), activation="gelu", solver="lbfgs", max_iter=1, random_state=0
    )
    make, given = described(model, narrow, narrow[:, 0])
    made = make(**given)
    expected = made.objective()
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        with pytest.raises(AlarmError):
            made.objective()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert made.objective() == expected


@pytest.mark.usefixtures("interruptible")
def test_a_handler_may_draw_from_the_generator_of_the_fit():
    rng = np.random.RandomState(0)
    drawn = []

    def handler(*_):
        drawn.append(rng.uniform())
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            LogisticNeuronClassifier(batch_size=1, max_iter=10**6, tol=None, random_state=rng).fit(
                np.tile(X, (100, 1)), np.tile(BINARY, 100)
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(drawn) == 1


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_another_draws_is_that_interrupt():
    """The lock is taken again, whatever comes while the fit waits for it."""
    rng = np.random.RandomState(0)
    lock = rng._bit_generator.lock

    def hold():
        time.sleep(0.2)
        with lock:
            _thread.interrupt_main()
            time.sleep(0.2)
        if not over.wait(5.0):  # it has come in a callback of the garbage collector, which drops it
            _thread.interrupt_main()

    over, thread = threading.Event(), threading.Thread(target=hold)
    thread.start()
    model = LogisticNeuronClassifier(
        batch_size=1,
        max_iter=10**6,
        tol=None,
        random_state=rng,
        record=Record("step", max_bytes=10**15),
    )
    with pytest.raises(KeyboardInterrupt):
        model.fit(np.tile(X, (100, 1)), np.tile(BINARY, 100))
    over.set()
    thread.join()
    assert lock.acquire(timeout=1.0)
    lock.release()


@pytest.mark.usefixtures("interruptible")
def test_others_may_draw_from_numpy_s_generator_meanwhile():
    """random_state=None is a generator of the fit's own, which NumPy's global one seeds."""
    waited = []

    def draw():
        time.sleep(0.2)
        start = time.perf_counter()
        np.random.uniform()  # noqa: NPY002
        waited.append(time.perf_counter() - start)
        _thread.interrupt_main()

    thread = threading.Thread(target=draw)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        LogisticNeuronClassifier(batch_size=1, max_iter=10**6, tol=None).fit(
            np.tile(X, (100, 1)), np.tile(BINARY, 100)
        )
    thread.join()
    assert waited[0] < 0.15


def test_numpy_s_seed_makes_fits_without_random_state_repeatable():
    found = []
    for _ in range(2):
        np.random.seed(7)  # noqa: NPY002
        found.append(weights_of(ManualMLPClassifier((3,), max_iter=2, tol=None).fit(X, BINARY)))
        other = ManualMLPClassifier((3,), max_iter=2, tol=None).fit(X, BINARY)
        assert (weights_of(other) != found[-1]).any()
    np.testing.assert_array_equal(*found)
