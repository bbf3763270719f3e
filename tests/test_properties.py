"""Properties: the same data in another form are the same data, whatever the estimator.

Hypothesis draws the estimator, its parameters, the engine, the data and the form; the examples are
the same at every run. ``SKLEARN_NEURON_TEST_EXAMPLES=2000 pytest tests/test_properties.py`` draws
so many others for each property.

Where the same numbers are computed in the same order, results are equal to the bit. Where sums are
taken in another order, they agree as far as rounding allows; then the data are such that rounding
decides nothing: no z lies at a corner, and no gradient that Adam divides by its size is zero but
for rounding.
"""

import copy
import itertools
import os
import re
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers import CLASSIFIERS, ESTIMATORS, NETWORKS, REGRESSORS, weights_of
from numpy.testing import assert_allclose, assert_equal
from scipy import sparse

from sklearn_neuron import (
    SGD,
    Adam,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
    config_context,
)

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
ASKED_FOR = os.environ.get("SKLEARN_NEURON_TEST_EXAMPLES", "")
examples = hypothesis.settings(
    max_examples=int(ASKED_FOR or 20),
    derandomize=not ASKED_FOR,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.shrink],
    suppress_health_check=list(hypothesis.HealthCheck),
)
ENGINES = ("numpy", "auto")  # "auto" is the core, and NumPy where the core does not cover a job
FIRST_ORDER = ("sgd", "adam", "adamw", "rmsprop", SGD(0.9, nesterov=True), Adam(average=True))
WITHOUT_UPDATES = ("lbfgs", "newton", "newton-cg")
SOLVERS = {
    cls: (*FIRST_ORDER, *(s for s in WITHOUT_UPDATES if s in cls._constraints["solver"].names))
    for cls in ESTIMATORS
}


# ---- what is drawn -------------------------------------------------------------------------------


class Job(NamedTuple):
    """An estimator and what it is fitted to."""

    cls: type
    params: dict[str, Any]
    engine: str
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None

    @property
    def full(self):
        """Whether all samples make one batch."""
        size = self.params["batch_size"]
        return self.params["solver"] in WITHOUT_UPDATES or size is None or size >= len(self.y)

    def fit(self, X=None, y=None, weight=None, **params):
        """Return the fitted estimator, given something else for some of the data."""
        model = self.cls(**self.params | params)
        X, y = self.X if X is None else X, self.y if y is None else y
        weight = self.weight if weight is None else weight
        with config_context(engine=self.engine):
            return model.fit(X, y, sample_weight=weight)


def draw_params(draw, cls, full):
    """Return parameters of a short training."""
    solvers = SOLVERS[cls]
    sizes = [None] if full else [None, 1, 4, 16]
    params = {
        "solver": draw(st.sampled_from(solvers)),
        "batch_size": draw(st.sampled_from(sizes)),
        "eta": draw(st.sampled_from([0.001, 0.01])),  # nothing diverges
        "alpha": draw(st.sampled_from([0.01, 0.1])),
        "shuffle": draw(st.booleans()),
        "max_iter": draw(st.integers(1, 3)),
        "random_state": draw(st.integers(0, 99)),
        "tol": None,
    }
    if params["solver"] in WITHOUT_UPDATES:
        params["tol"] = 1e-9
    if cls in NETWORKS:
        params["hidden_layer_sizes"] = draw(st.sampled_from([(), (3,), (9,), (4, 2)]))
        params["activation"] = draw(st.sampled_from(["relu", "tanh", "gelu"]))
        params["early_stopping"] = False
    else:
        params["fit_intercept"] = draw(st.booleans())
        if params["solver"] not in WITHOUT_UPDATES:
            params["l1_ratio"] = draw(st.sampled_from([0.0, 0.5]))
    return params


def is_of_integers(X):
    return not (X % 1.0).any()


def draw_values(draw, rng, shape, kind):
    """Return X of one kind: any numbers, counts, or only zeros and ones."""
    if kind == "counts":
        return rng.randint(0, 4, size=shape).astype(float)
    if kind == "bits":
        return rng.randint(0, 2, size=shape).astype(float)
    X = np.float64(np.float32(rng.normal(size=shape)))  # single precision holds them, too
    X[rng.uniform(size=shape) < draw(st.sampled_from([0.0, 0.6]))] = 0.0
    return X


@st.composite
def jobs(draw, estimators=ESTIMATORS, kinds=("numbers",), full=False, weighted=None):
    """Return a job of a few samples; those that are weighted are so by numbers of all sizes."""
    cls = draw(st.sampled_from(estimators))
    params = draw_params(draw, cls, full)
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    n, p = draw(st.integers(3, 40)), draw(st.integers(1, 9))
    X = draw_values(draw, rng, (n, p), draw(st.sampled_from(kinds)))
    y = rng.uniform(size=n)
    if cls in CLASSIFIERS:
        n_classes = draw(st.sampled_from([2, 3]))
        y = np.append(np.arange(n_classes), rng.randint(n_classes, size=n - n_classes))
    weight = rng.uniform(0.1, 2.0, size=n)
    if not (draw(st.booleans()) if weighted is None else weighted):
        weight = None
    return Job(cls, params, draw(st.sampled_from(ENGINES)), X, y, weight)


# ---- what is compared ----------------------------------------------------------------------------


def learned(model):
    """Return the public fitted attributes."""
    names = [name for name in vars(model) if name.endswith("_") and not name.startswith("_")]
    apart = {"feature_names_in_", "classes_", "n_features_in_"}
    return {name: getattr(model, name) for name in names if name not in apart}


def answers(model, X):
    """Return what the methods answer."""
    names = ["predict", "decision_function", "predict_proba", "predict_log_proba"]
    return {name: getattr(model, name)(X) for name in names if hasattr(model, name)}


def raw(model, X):
    """Return what a prediction is made of, which is continuous in X."""
    return model.decision_function(X) if hasattr(model, "decision_function") else model.predict(X)


def is_read_as_it_lies(job, X):
    """Return whether rows that do not lie one after the other are copied nowhere."""
    in_order = not isinstance(X, np.ndarray) or X.flags.c_contiguous
    return job.params["solver"] in WITHOUT_UPDATES and not in_order


def assert_equal_bits(job, model, other, X, other_X):
    """Assert it of what is learned, and of answers, unless BLAS adds in another order."""
    if is_read_as_it_lies(job, other_X):
        assert_close(model, other, X, other_X, weights_of(model).dtype)
        return
    assert_equal(learned(other), learned(model))
    if not isinstance(other_X, np.ndarray) or other_X.flags.c_contiguous:
        assert_equal(answers(other, other_X), answers(model, X))
    one, two = raw(model, X), raw(other, other_X)
    eps = 100 * np.finfo(one.dtype).eps
    assert_allclose(two, one, rtol=eps, atol=eps * np.abs(one).max())


def assert_close(model, other, X, other_X, dtype=np.float64):
    """Assert equality but for rounding, which Adam and Newton's method enlarge."""
    tol = 1e-6 if dtype == np.float64 else 2e-2
    for one, two in (
        (weights_of(model), weights_of(other)),
        (raw(model, X), raw(other, other_X)),
        (model.loss_curve_, other.loss_curve_),
    ):
        assert_allclose(two, one, rtol=tol, atol=tol * max(1e-3, np.abs(one).max()))


# ---- dense forms ---------------------------------------------------------------------------------


def offset(X):
    """Return X where no number begins at an address that its size divides."""
    memory = np.zeros(X.nbytes + 1, np.uint8)
    moved = np.ndarray(X.shape, X.dtype, buffer=memory.data, offset=1)
    moved[...] = X
    return moved


def strided(X):
    """Return X as every other row, and every third column, of something larger."""
    n, p = X.shape
    large = np.full((2 * n, 3 * p), np.nan, X.dtype)
    large[::2, 1::3] = X
    return large[::2, 1::3]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


#: Names of files, more than are read at a time.
FILES = itertools.cycle(f"{k}.npy" for k in range(32))


def mapped(X):
    """Return X as a file that may not be written to."""
    name = next(FILES)
    np.save(name, X)
    return np.load(name, mmap_mode="r")


#: What lies in memory by rows, or is brought into that order.
LAYOUTS = {
    "offset": offset,
    "strided": strided,
    "read-only": read_only,
    "mapped": mapped,
    "reversed": lambda X: X[::-1].copy()[::-1],
    "reversed columns": lambda X: X[:, ::-1].copy()[:, ::-1],
    "subclass": lambda X: X.view(type("Sub", (np.ndarray,), {})),
}
#: What becomes an array of double precision.
DTYPES = {
    "rows": list,
    "memoryview": memoryview,
    "lists": lambda X: X.tolist(),
    "tuples": lambda X: tuple(map(tuple, X.tolist())),
    "objects": lambda X: X.astype(object),
    "strings": lambda X: X.astype(str),
    "another byte order": lambda X: X.astype(X.dtype.newbyteorder()),
    "long double": lambda X: X.astype(np.longdouble),
}
#: By columns.
BY_COLUMNS = {
    "F": np.asfortranarray,
    "transposed": lambda X: X.T.copy().T,
    "read-only F": lambda X: read_only(np.asfortranarray(X)).T.copy().T,
    "mapped F": lambda X: mapped(np.asfortranarray(X)),
    "part of F": lambda X: np.asfortranarray(np.c_[X, X])[:, : X.shape[1]],
}
INTEGERS = {name: np.dtype(name).type for name in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")}
COUNTS = {name: lambda X, dtype=dtype: X.astype(dtype) for name, dtype in INTEGERS.items()}
COUNTS |= {">i4": lambda X: X.astype(">i4"), "f2": lambda X: X.astype(np.float16)}
#: What blocks of partial_fit may be.
BLOCKS = LAYOUTS | DTYPES | BY_COLUMNS | COUNTS


@examples
@hypothesis.given(job=jobs(kinds=("numbers", "counts", "bits")), data=st.data())
def test_layouts_and_dtypes_are_equal_to_the_bit(job, data):
    """They reach the same rows in the same order; single precision is a precision of its own."""
    forms = LAYOUTS | DTYPES
    if is_of_integers(job.X):
        forms |= COUNTS
    if job.X.max() <= 1.0 and is_of_integers(job.X):
        forms |= {"bool": lambda X: X.astype(bool)}
    model, other_X = job.fit(), forms[data.draw(st.sampled_from(sorted(forms)))](job.X)
    assert_equal_bits(job, model, job.fit(other_X), job.X, other_X)


@examples
@hypothesis.given(job=jobs(weighted=True), data=st.data())
def test_single_precision_in_any_layout_is_equal_to_the_bit(job, data):
    X = job.X.astype(np.float32)
    other_X = LAYOUTS[data.draw(st.sampled_from(sorted(LAYOUTS)))](X)
    model, other = job.fit(X), job.fit(other_X)
    assert weights_of(other).dtype == np.float32
    assert_equal_bits(job, model, other, X, other_X)


@examples
@hypothesis.given(job=jobs(weighted=True), data=st.data())
def test_columns_that_lie_together(job, data):
    """Mini-batches copy rows; a full batch is read as it lies, and BLAS adds in another order."""
    other_X = BY_COLUMNS[data.draw(st.sampled_from(sorted(BY_COLUMNS)))](job.X)
    model, other = job.fit(), job.fit(other_X)
    if not job.full:
        assert_equal(learned(other), learned(model))
    assert_close(model, other, job.X, other_X)


# ---- other arguments, other methods --------------------------------------------------------------


@examples
@hypothesis.given(job=jobs(kinds=("counts",)), data=st.data())
def test_blocks_may_each_come_in_another_form(job, data):
    """Of partial_fit, whose mini-batches copy rows; float64 in all of them."""
    hypothesis.assume(job.params["solver"] not in WITHOUT_UPDATES)
    forms = data.draw(st.lists(st.sampled_from(sorted(BLOCKS)), min_size=3, max_size=3))
    how = {"classes": np.unique(job.y)} if job.cls in CLASSIFIERS else {}
    models = [job.cls(**job.params | {"batch_size": 2}) for _ in range(2)]
    if job.cls is SigmoidNeuronRegressor:
        [model.set_params(target_range=(0.0, 1.0)) for model in models]
    with config_context(engine=job.engine):
        for rows, form in zip(np.array_split(np.arange(len(job.y)), 3), forms, strict=True):
            models[0].partial_fit(job.X[rows], job.y[rows], **how)
            models[1].partial_fit(BLOCKS[form](job.X[rows]), job.y[rows], **how)
    assert_equal(learned(models[1]), learned(models[0]))


@examples
@hypothesis.given(job=jobs(weighted=True), data=st.data())
def test_everything_may_be_read_only(job, data):
    """Training and validation data, weights and initial values, in memory and as files."""
    job.params.pop("fit_intercept", None)  # so that there is one to give
    keep = data.draw(st.sampled_from([read_only, mapped, strided_by_rows]))
    model, n = job.fit(), len(np.unique(job.y)) if job.cls in CLASSIFIERS else 1
    given = {"X": job.X, "y": job.y, "sample_weight": job.weight}
    given |= {f"{name}_val": array[: max(n, 5)] for name, array in given.items()}
    if job.cls in NETWORKS:
        start = {"coef_init": model.coefs_, "intercept_init": model.intercepts_}
    else:
        start = {"coef_init": model.coef_, "intercept_init": np.asarray(model.intercept_)}
    fits = []
    for form in (np.copy, keep):
        arrays = {name: form(array) for name, array in given.items()}
        for name, parts in start.items():
            arrays[name] = [*map(form, parts)] if isinstance(parts, list) else form(parts)
        with config_context(engine=job.engine):
            fits.append(job.cls(**job.params).fit(**arrays))
    if keep is strided_by_rows and job.params["solver"] in WITHOUT_UPDATES:
        assert_close(*fits, job.X, job.X)
    else:
        assert_equal(learned(fits[1]), learned(fits[0]))


def strided_by_rows(array):
    """Return a read-only array of every other row of a larger one."""
    if not np.ndim(array):
        return array
    large = np.repeat(array, 2, axis=0)
    large.flags.writeable = False
    return large[::2]


# ---- tables --------------------------------------------------------------------------------------


def in_pandas(X):
    """Yield X as tables of pandas, the last ones for counts."""
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    yield from (table, table.astype("Float64"), table.astype(object))
    yield table.set_index(np.arange(len(X))[::-1])
    yield pd.concat([table[[name]] for name in table], axis=1)  # a block for every column
    if is_of_integers(X):
        yield from (table.astype("Int64"), table.astype("UInt8"), table.astype("category"))
        yield table.astype({"x0": "Int8"})  # together with float64
    if np.isin(X, (0.0, 1.0)).all():
        yield from (table.astype("boolean"), table.astype({"x0": bool}))


def in_pandas_by_arrow(X):
    pytest.importorskip("pyarrow")
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    yield table.astype("double[pyarrow]")
    if is_of_integers(X):
        yield table.astype("uint16[pyarrow]")
    if np.isin(X, (0.0, 1.0)).all():
        yield table.astype("bool[pyarrow]")


def in_polars(X):
    pl = pytest.importorskip("polars")
    table = pl.DataFrame({f"x{j}": column for j, column in enumerate(X.T)})
    yield from (table, pl.concat([table[:2], table[2:]], rechunk=False))
    if is_of_integers(X):
        yield from (table.cast(pl.Int8), table.cast({"x0": pl.UInt32}))
    if np.isin(X, (0.0, 1.0)).all():
        yield table.cast(pl.Boolean)


def in_arrow(X):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({f"x{j}": column for j, column in enumerate(X.T)})
    yield from (table, pa.concat_tables([table[:2], table[2:]]))
    if is_of_integers(X):
        yield table.cast(pa.schema([(name, pa.int16()) for name in table.column_names]))


TABLES = {
    "pandas": in_pandas,
    "pandas by Arrow": in_pandas_by_arrow,
    "polars": in_polars,
    "Arrow": in_arrow,
}


@pytest.mark.parametrize("library", TABLES)
def test_tables(library):
    """They lie by columns, or not, so that only mini-batches are equal to the bit."""
    list(TABLES[library](np.zeros((3, 1))))  # skipped where it is missing

    @examples
    @hypothesis.given(job=jobs(kinds=("numbers", "counts", "bits"), weighted=True), data=st.data())
    def check(job, data):
        tables = list(TABLES[library](job.X))
        table = tables[data.draw(st.integers(0, len(tables) - 1))]
        model, other = job.fit(), job.fit(table)
        assert other.feature_names_in_.tolist() == [f"x{j}" for j in range(job.X.shape[1])]
        if not job.full:
            assert_equal(learned(other), learned(model))
            assert_equal(answers(other, table), answers(model, np.asarray(table, float)))
        if is_continuous(job):
            assert_close(model, other, job.X, table)

    check()


def is_tall(job):
    """Return whether a solver moves in the space of features, as for repeated or sparse rows.

    In that of few rows, newton-cg takes another way to the minimum.
    """
    n, p = job.X.shape
    return n >= p or job.params["solver"] != "newton-cg"


def is_continuous(job):
    """Return whether rounding decides nothing: X is no counts, of which sums are often zero."""
    return not is_of_integers(job.X)


# ---- sparse forms --------------------------------------------------------------------------------


def with_indices(matrix, dtype, *names):
    for name in names:
        setattr(matrix, name, getattr(matrix, name).astype(dtype))
    return matrix


def frozen(matrix):
    for name in ("data", "indices", "indptr"):
        getattr(matrix, name).flags.writeable = False
    return matrix


def of_files(matrix):
    """Return a CSR matrix whose arrays are files that may not be written to."""
    parts = (mapped(getattr(matrix, name)) for name in ("data", "indices", "indptr"))
    other = sparse.csr_array(matrix.shape, dtype=matrix.dtype)
    other.data, other.indices, other.indptr = parts
    return other


def unsorted(X):
    """Return CSR whose entries are in falling order of columns."""
    csr = sparse.csr_array(X)
    for start, end in zip(csr.indptr[:-1], csr.indptr[1:], strict=True):
        csr.data[start:end] = csr.data[start:end][::-1].copy()
        csr.indices[start:end] = csr.indices[start:end][::-1].copy()
    return sparse.csr_array((csr.data, csr.indices, csr.indptr), shape=X.shape)


def duplicated(X):
    """Return CSR that has every entry twice, by halves."""
    csr = sparse.csr_array(X)
    data, indices = np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2)
    return sparse.csr_array((data, indices, 2 * csr.indptr), shape=X.shape)


def with_slack(X):
    """Return CSR whose arrays are longer than its entries."""
    csr = sparse.csr_array(X)
    csr.data = np.append(csr.data, [np.e, np.pi])
    csr.indices = np.append(csr.indices, [0, 0]).astype(csr.indices.dtype)
    return csr


#: What is, or becomes, CSR with sorted and unique indices: the same in all of them.
SPARSE = {
    "csr_matrix": sparse.csr_matrix,
    "csc_array": sparse.csc_array,
    "csc_matrix": sparse.csc_matrix,
    "coo_array": sparse.coo_array,
    "coo_matrix": sparse.coo_matrix,
    "lil": sparse.lil_array,
    "dok": sparse.dok_array,
    "wide indices": lambda X: with_indices(sparse.csr_array(X), np.int64, "indices", "indptr"),
    "wide indptr": lambda X: with_indices(sparse.csr_array(X), np.int64, "indptr"),
    "wide CSC": lambda X: with_indices(sparse.csc_array(X), np.int64, "indices", "indptr"),
    "read-only": lambda X: frozen(sparse.csr_array(X)),
    "read-only CSC": lambda X: frozen(sparse.csc_array(X)),
    "files": lambda X: of_files(sparse.csr_array(X)),
    "long double": lambda X: sparse.csr_array(X).astype(np.longdouble),
    "with slack": with_slack,
    "unsorted": unsorted,
    "duplicated": duplicated,
    "duplicated, read-only": lambda X: frozen(duplicated(X)),
    "COO twice": lambda X: sparse.coo_array(duplicated(X)),
}


def all_stored(X):
    """Return CSR that stores zeros, too."""
    n, p = X.shape
    return sparse.csr_array((X.ravel(), np.tile(np.arange(p), n), p * np.arange(n + 1)), X.shape)


#: What has zeros among its entries.
WITH_ZEROS = {
    "zeros stored": all_stored,
    "bsr": lambda X: sparse.bsr_array(X, blocksize=(1, X.shape[1])),
    "dia": sparse.dia_array,
    "dense": np.asarray,
}


@examples
@hypothesis.given(job=jobs(weighted=True), data=st.data())
def test_sparse_formats_are_equal_to_the_bit(job, data):
    """Whatever the order of the entries, which is not changed in what is given."""
    other_X = SPARSE[data.draw(st.sampled_from(sorted(SPARSE)))](job.X)
    before, csr = copy.deepcopy(other_X), sparse.csr_array(job.X)
    model, other = job.fit(csr), job.fit(other_X)
    assert_equal(learned(other), learned(model))
    z, of_other = raw(model, csr), raw(other, other_X)
    assert_allclose(of_other, z, rtol=1e-12, atol=1e-12 * np.abs(z).max())
    for name in ("data", "indices", "indptr", "row", "col"):
        assert_equal(getattr(other_X, name, None), getattr(before, name, None))


@examples
@hypothesis.given(job=jobs(weighted=True), data=st.data())
def test_zeros_may_be_stored(job, data):
    """Or everything; sums then have more terms, and vectors of the core hold others."""
    hypothesis.assume(is_tall(job))
    other_X = WITH_ZEROS[data.draw(st.sampled_from(sorted(WITH_ZEROS)))](job.X)
    csr = sparse.csr_array(job.X)
    assert_close(job.fit(csr), job.fit(other_X), csr, other_X)


@examples
@hypothesis.given(job=jobs(weighted=True))
def test_nothing_stored_is_all_zeros(job):
    empty = sparse.csr_array(job.X.shape)
    hypothesis.assume(is_tall(job))
    model, other = job.fit(0.0 * job.X), job.fit(empty)
    assert np.isfinite(weights_of(other)).all()
    if job.cls is not PerceptronClassifier:  # whose z is only b, which may be zero but for rounding
        assert_close(model, other, 0.0 * job.X, empty)


# ---- weights -------------------------------------------------------------------------------------


@examples
@hypothesis.given(job=jobs(weighted=True), data=st.data())
def test_a_sample_of_zero_weight_is_absent_to_the_bit(job, data):
    """It is dropped first, whatever its numbers are: in mini-batches, too."""
    keep = np.random.RandomState(data.draw(st.integers(0, 99))).uniform(size=len(job.y)) < 0.7
    keep[: 3 if job.cls in CLASSIFIERS else 1] = True  # every class
    X, y = job.X.copy(), job.y.copy()
    X[~keep], y[~keep] = 1e300, 1.0
    form = data.draw(st.sampled_from([np.array, np.asfortranarray, sparse.csr_array]))
    absent = job._replace(X=job.X[keep], y=y[keep], weight=job.weight[keep])
    model = absent.fit(form(absent.X))
    other = job.fit(form(X), y, job.weight * keep)
    assert_equal_or_close(job, model, other, form(job.X))


def assert_equal_or_close(job, model, other, X):
    """Assert equality to the bit, unless rows that are taken out lie in memory in another order."""
    if job.full and isinstance(X, np.ndarray):
        assert_close(model, other, X, X)
    else:
        assert_equal(learned(other), learned(model))


@examples
@hypothesis.given(job=jobs(full=True, weighted=True), data=st.data())
def test_integer_weights_are_repetitions(job, data):
    """Of the samples of a full batch; the loss of the last batch is a mean over them all."""
    counts = np.random.RandomState(data.draw(st.integers(0, 99))).randint(1, 4, size=len(job.y))
    repeated = job._replace(X=np.repeat(job.X, counts, axis=0), y=np.repeat(job.y, counts))
    job, repeated = job._replace(weight=counts + 0.0), repeated._replace(weight=None)
    hypothesis.assume(decides_nothing(job))
    assert_close(job.fit(), repeated.fit(), job.X, job.X)


def decides_nothing(job):
    """Return whether rounding decides nothing though weights are counts: no mean is zero."""
    smooth = job.params["solver"] in (*WITHOUT_UPDATES, "sgd")
    return smooth and job.cls is not PerceptronClassifier and is_tall(job)


@examples
@hypothesis.given(job=jobs(weighted=True), power=st.integers(-900, 900))
def test_the_unit_of_weights_does_not_matter(job, power):
    """Powers of two, up to 1e±270, to the bit."""
    model, other = job.fit(), job.fit(weight=job.weight * 2.0**power)
    assert_equal_bits(job, model, other, job.X, job.X)


#: Weights as they are given.
WEIGHTS = {
    "list": lambda w: w.tolist(),
    "tuple": lambda w: tuple(w.tolist()),
    "objects": lambda w: w.astype(object),
    "integers": lambda w: w.astype(np.int8),
    "single": lambda w: w.astype(np.float32),
    "another byte order": lambda w: w.astype(">f8"),
    "strided": lambda w: np.repeat(w, 2)[::2],
    "reversed": lambda w: w[::-1].copy()[::-1],
    "offset": offset,
    "mapped": mapped,
    "Series": lambda w: pytest.importorskip("pandas").Series(w, index=-np.arange(len(w))),
    "Float64": lambda w: pytest.importorskip("pandas").Series(w, dtype="Float64"),
    "polars": lambda w: pytest.importorskip("polars").Series(w),
    "Arrow": lambda w: pytest.importorskip("pyarrow").chunked_array([w[:1], w[1:]]),
}


@pytest.mark.parametrize("form", WEIGHTS)
def test_containers_of_weights(form):
    WEIGHTS[form](np.ones(3))  # skipped where it is missing

    @hypothesis.settings(examples, max_examples=max(5, examples.max_examples // 8))
    @hypothesis.given(job=jobs(weighted=True))
    def check(job):
        job = job._replace(weight=np.ceil(3 * job.weight))
        model, other = job.fit(), job.fit(weight=WEIGHTS[form](job.weight))
        assert_equal_bits(job, model, other, job.X, job.X)
        assert model.score(job.X, job.y, WEIGHTS[form](job.weight)) == model.score(
            job.X, job.y, job.weight
        )

    check()


# ---- order ---------------------------------------------------------------------------------------


@examples
@hypothesis.given(job=jobs(weighted=True), data=st.data())
def test_columns_may_come_in_any_order(job, data):
    """The weights come in that order, too, if those that are drawn at the start do."""
    p = job.X.shape[1]
    order = np.random.RandomState(data.draw(st.integers(0, 99))).permutation(p)
    form = data.draw(st.sampled_from([np.array, sparse.csr_array]))
    model = job.cls(**job.params)
    start, permuted = {}, {}
    if job.cls in NETWORKS:
        rng = np.random.RandomState(job.params["random_state"])
        outputs = 3 if job.cls in CLASSIFIERS and len(np.unique(job.y)) > 2 else 1
        sizes = (p, *job.params["hidden_layer_sizes"], outputs)
        coefs = [rng.normal(size=pair) for pair in zip(sizes[:-1], sizes[1:], strict=True)]
        start = {"coef_init": coefs}
        permuted = {"coef_init": [coefs[0][order], *coefs[1:]]}
    with config_context(engine=job.engine):
        model.fit(form(job.X), job.y, sample_weight=job.weight, **start)
        other = job.cls(**job.params)
        other.fit(form(job.X[:, order]), job.y, sample_weight=job.weight, **permuted)
    one, two = raw(model, job.X), raw(other, job.X[:, order])
    assert_allclose(two, one, rtol=1e-6, atol=1e-6 * max(1e-3, np.abs(one).max()))
    first, of_other = (m.coefs_[0] if job.cls in NETWORKS else m.coef_.T for m in (model, other))
    assert_allclose(of_other, first[order], rtol=1e-6, atol=1e-6 * max(1e-3, np.abs(first).max()))


@examples
@hypothesis.given(job=jobs(full=True, weighted=True), data=st.data())
def test_the_samples_of_a_full_batch_may_come_in_any_order(job, data):
    order = np.random.RandomState(data.draw(st.integers(0, 99))).permutation(len(job.y))
    other = job._replace(X=job.X[order], y=job.y[order], weight=job.weight[order])
    assert_close(job.fit(), other.fit(), job.X, job.X)


# ---- y -------------------------------------------------------------------------------------------

#: Names of classes, in the order of 0, 1 and 2.
NAMES = {
    "integers": np.array([-7, 3, 2**40]),
    "small integers": np.array([1, 2, 3], np.uint8),
    "floats": np.array([-0.0, 1.0, 2.0**40]),
    "strings": np.array(["", "b", "ß"]),
    "long strings": np.array(["a", "a" * 300, "b"]),
    "objects": np.array(["no", "perhaps", "yes"], dtype=object),
    "bools": np.array([False, True]),
    "one of each sign": np.array([-1, 1]),
}


@pytest.mark.parametrize("kind", NAMES)
def test_classes_may_have_any_names(kind):
    @hypothesis.settings(examples, max_examples=max(10, examples.max_examples // 4))
    @hypothesis.given(job=jobs(CLASSIFIERS))
    def check(job):
        hypothesis.assume(job.y.max() < len(NAMES[kind]))
        names = NAMES[kind][job.y.astype(int)]
        model, other = job.fit(), job.fit(y=names)
        assert_equal(learned(other), learned(model))
        assert other.classes_.dtype == names.dtype
        assert_equal(other.classes_, NAMES[kind][model.classes_.astype(int)])
        assert_equal(other.predict(job.X), NAMES[kind][model.predict(job.X).astype(int)])
        assert other.score(job.X, names) == model.score(job.X, job.y)

    check()


def of_pandas(dtype, values=lambda y: y):
    return lambda y: pytest.importorskip("pandas").Series(values(y), dtype=dtype)


def of_polars(dtype, values=lambda y: y):
    return lambda y: (
        (pl := pytest.importorskip("polars")).Series(values(y)).cast(getattr(pl, dtype))
    )


def of_arrow(make):
    return lambda y: make(pytest.importorskip("pyarrow"), y)


def words(y):
    """Return classes as strings."""
    return np.array(["no", "perhaps", "yes"])[y.astype(int)].tolist()


#: Classes 0 and 1 in a container, and what they are in NumPy.
CONTAINERS_OF_CLASSES = {
    "column": (lambda y: y.reshape(-1, 1), None),
    "list": (lambda y: y.astype(int).tolist(), None),
    "list of strings": (words, words),
    "strided": (lambda y: np.repeat(y, 2)[::2], None),
    "mapped": (mapped, None),
    "another byte order": (lambda y: y.astype(">i4"), None),
    "Int64": (of_pandas("Int64"), None),
    "boolean": (of_pandas("boolean"), None),
    "category": (of_pandas("category"), None),
    "category of strings": (of_pandas("category", words), words),
    "string": (of_pandas("string", words), words),
    "int64[pyarrow]": (of_pandas("int64[pyarrow]"), None),
    "bool[pyarrow]": (of_pandas("bool[pyarrow]"), None),
    "string[pyarrow]": (of_pandas("string[pyarrow]", words), words),
    "polars": (of_polars("Int8"), None),
    "polars bool": (of_polars("Boolean"), None),
    "polars strings": (of_polars("String", words), words),
    "polars categories": (of_polars("Categorical", words), words),
    "Arrow": (of_arrow(lambda pa, y: pa.array(y)), None),
    "Arrow bool": (of_arrow(lambda pa, y: pa.array(y == 1)), None),
    "Arrow chunks": (of_arrow(lambda pa, y: pa.chunked_array([y[:1], y[1:]])), None),
    "Arrow strings": (of_arrow(lambda pa, y: pa.array(words(y))), words),
    "Arrow dictionary": (of_arrow(lambda pa, y: pa.array(words(y)).dictionary_encode()), words),
}


@pytest.mark.parametrize("container", CONTAINERS_OF_CLASSES)
def test_containers_of_classes(container):
    given, plain = CONTAINERS_OF_CLASSES[container]
    needs_arrow = "[pyarrow]" in container
    if needs_arrow:
        pytest.importorskip("pyarrow")
    given(np.array([0.0, 1.0]))  # skipped where its library is missing

    @hypothesis.settings(examples, max_examples=max(5, examples.max_examples // 8))
    @hypothesis.given(job=jobs(CLASSIFIERS))
    def check(job):
        y = np.minimum(job.y, 1)
        y_plain = y if plain is None else np.array(plain(y))
        with warnings.catch_warnings():
            if container == "column":
                warnings.simplefilter("ignore")  # scikit-learn's on what is meant
            model, other = job.fit(y=y_plain), job.fit(y=given(y))
            assert other.score(job.X, given(y)) == model.score(job.X, y_plain)
        assert_equal(learned(other), learned(model))
        assert (other.classes_ == model.classes_).all()
        assert (other.predict(job.X) == model.predict(job.X)).all()

    check()


#: Targets in a container.
CONTAINERS_OF_TARGETS = {
    "list": np.ndarray.tolist,
    "objects": lambda y: y.astype(object),
    "another byte order": lambda y: y.astype(">f8"),
    "reversed": lambda y: y[::-1].copy()[::-1],
    "offset": offset,
    "mapped": mapped,
    "Float64": of_pandas("Float64"),
    "double[pyarrow]": of_pandas("double[pyarrow]"),
    "polars": of_polars("Float64"),
    "Arrow": of_arrow(lambda pa, y: pa.array(y)),
    "Arrow chunks": of_arrow(lambda pa, y: pa.chunked_array([y[:1], y[1:]])),
}


@pytest.mark.parametrize("container", CONTAINERS_OF_TARGETS)
def test_containers_of_targets(container):
    if "[pyarrow]" in container:
        pytest.importorskip("pyarrow")
    given = CONTAINERS_OF_TARGETS[container]
    given(np.array([0.0, 1.0]))  # skipped where its library is missing

    @hypothesis.settings(examples, max_examples=max(5, examples.max_examples // 8))
    @hypothesis.given(job=jobs(REGRESSORS))
    def check(job):
        model, other = job.fit(), job.fit(y=given(job.y))
        assert_equal_bits(job, model, other, job.X, job.X)
        assert other.score(job.X, given(job.y)) == model.score(job.X, job.y)

    check()


# ---- parameters ----------------------------------------------------------------------------------


#: What errors say that can be done.
ADVICE = re.compile(r"Try |Bring |Scale |scale |Give |Use |set early_stopping=False|too large for")


@st.composite
def wild_jobs(draw):
    """Return a job with any parameters, of numbers of any size."""
    job = draw(jobs(kinds=("numbers", "counts"), weighted=True))
    rng = np.random.RandomState(draw(st.integers(0, 99)))
    params = job.params | {
        "eta": 10.0 ** draw(st.integers(-3, 3)),
        "alpha": draw(st.sampled_from([0.0, 1e-300, 0.1, 1e3, 1e300])),
        "max_iter": draw(st.integers(1, 30)),
        "tol": draw(st.sampled_from([None, 0.0, 1e-300, 1e-3, 1e3])),
        "n_iter_no_change": draw(st.integers(1, 5)),
        "early_stopping": draw(st.booleans()),
        "validation_fraction": draw(st.sampled_from([0.1, 0.5])),
        "schedule": draw(
            st.sampled_from(["constant", "invscaling", "exponential", "cosine", "adaptive"])
        ),
        "record": draw(st.sampled_from(["loss", "epoch", "step"])),
        "warm_start": draw(st.booleans()),
    }
    if job.cls in NETWORKS:
        updates = params["solver"] not in WITHOUT_UPDATES
        params["dropout"] = draw(st.sampled_from([0.0, 0.5])) if updates else 0.0
        params["n_init"] = draw(st.integers(1, 3))
    if job.cls in CLASSIFIERS:
        params["class_weight"] = draw(st.sampled_from([None, "balanced", {0: 1e9, 1: 1, 2: 0}]))
    scale = 10.0 ** (draw(st.sampled_from([0, 0, 0, -320, -300, -160, -20, 20, 160, 300])))
    columns = draw(st.sampled_from([slice(None), slice(0, 1)]))
    X = job.X.copy()
    X[:, columns] *= scale
    y = job.y * 10.0 ** draw(st.integers(-30, 30)) if job.cls in REGRESSORS else job.y
    weight = job.weight * 10.0 ** rng.uniform(-30, 30, size=len(y))
    form = draw(st.sampled_from([np.array, np.asfortranarray, sparse.csr_array]))
    return job._replace(params=params, X=form(X), y=y, weight=weight)


def attempt(job, model):
    """Fit; return the error if that is refused, or diverges."""
    with config_context(engine=job.engine), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of training that went wrong
        try:
            model.fit(job.X, job.y, sample_weight=job.weight)
        except ValueError as error:
            return error
    return None


@examples
@hypothesis.given(job=wild_jobs())
def test_any_parameters_give_finite_numbers_or_a_reason(job):
    """A fit that is refused, or diverges, changes nothing; the same fit has the same bits."""
    models = [job.cls(**job.params) for _ in range(2)]
    before = dict(vars(models[0]))
    errors = [str(attempt(job, model)) for model in models]
    assert errors[0] == errors[1]
    if errors[0] != "None":
        assert vars(models[0]) == before
        assert ADVICE.search(errors[0]), errors[0]
        return
    model, again = models
    assert_equal(learned(again), learned(model))
    assert 1 <= model.n_iter_ <= job.params["max_iter"]
    assert len(model.loss_curve_) == model.n_iter_
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(weights_of(model)).all()
    for name, answer in answers(model, job.X).items():
        assert answer.dtype.kind != "f" or np.isfinite(answer).all(), name
    if job.cls in CLASSIFIERS:
        assert np.isin(model.predict(job.X), model.classes_).all()
