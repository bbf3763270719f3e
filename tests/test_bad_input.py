"""A catalogue of bad input: each gets an error that names the culprit, and changes no model."""

import copy
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import joblib
import numpy as np
import pytest
from helpers import CLASSIFIERS, ESTIMATORS, NETWORKS, NEURONS, REGRESSORS, make, target_for
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron import (
    SGD,
    Adam,
    AdamW,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.activations import ELU, LeakyReLU, ReLU, Softmax, Step
from sklearn_neuron.exceptions import InvalidParameterTypeError
from sklearn_neuron.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Perceptron,
    Poisson,
    Quantile,
    SquaredError,
)
from sklearn_neuron.optimizers import Optimizer
from sklearn_neuron.records import Record
from sklearn_neuron.schedules import Adaptive, Cosine, ExponentialDecay, Schedule

LOGISTIC, PERCEPTRON = (LogisticNeuronClassifier,), (PerceptronClassifier,)
SIGMOID = (SigmoidNeuronRegressor,)
NEURON_CLASSIFIERS = (*LOGISTIC, *PERCEPTRON)
MLP_CLASSIFIER, MLP_REGRESSOR = (ManualMLPClassifier,), (ManualMLPRegressor,)
X = np.random.RandomState(42).normal(size=(30, 4))
WEIGHTS = np.ones(30)
READERS = ("fit", "partial_fit")
METHODS = (*READERS, "predict", "score")


class Row(NamedTuple):
    """What a user did, and what comes of it."""

    kinds: tuple[type, ...]  # estimators
    deed: str
    error: type[Exception]
    words: tuple[str, ...]  # of the message
    parameters: dict[str, Any]
    arguments: dict[str, Any]  # a function is given y
    methods: tuple[str, ...]
    continues: bool  # whether it is wrong only because a fit has gone before


def parameter(kinds, error, **value):
    """Return the row of one parameter, whose error names it and its value."""
    ((name, given),) = value.items()
    words = (f"'{name}' parameter of ", f"got {given!r} instead")
    kind = InvalidParameterTypeError if error is TypeError else error
    return Row(kinds, f"{name}={given!r:.60}", kind, words, value, {}, ("fit",), False)


def given(
    deed, error, words, kinds=ESTIMATORS, methods=("fit",), continues=False, parameters=None, **data
):
    """Return the row of what is given to a method."""
    words = (words,) if isinstance(words, str) else words
    return Row(kinds, deed, error, words, parameters or {}, data, methods, continues)


def parts(deed, error, words, kinds=ESTIMATORS, **parameters):
    """Return the row of parameters that are wrong together, or in themselves."""
    return given(deed, error, words, kinds, parameters=parameters)


def put(value):
    """Return X with another value in it."""
    ordinary = isinstance(value, float | complex)
    changed = X.astype(np.result_type(X, type(value)) if ordinary else object)
    changed[3, 1] = value
    return changed


def first(value):
    """Return what puts a value first into y."""
    return lambda y: np.array([value, *y[1:]], dtype=object if value is None else None)


def torn(form, part, at, value):
    """Return X in a sparse format with a wrong number in one of its arrays."""
    matrix = form(X)
    getattr(matrix, part)[at] = value
    return matrix


def pandas():
    """Return pandas, an extra; rows that need it are functions, and skipped where it is missing."""
    return pytest.importorskip("pandas")


def with_column(column):
    """Return X as a table with one column more."""
    return pandas().DataFrame({**dict(enumerate(X.T)), 4: column})


def named(*columns):
    """Return X as a table."""
    return pandas().DataFrame(X, columns=list(columns))


# ---- parts of one's own, of the wrong kind ------------------------------------------------------


class NoRate(Schedule):
    def __call__(self, eta, progress):
        return None


class Rising(Schedule):
    def __call__(self, eta, progress):
        return float("inf")


class NoState(Optimizer):
    def init(self, theta):
        return None

    def update(self, grad, state):
        pass


class Backwards(Schedule):
    def __call__(self, eta, progress):
        return -eta


class Plain:
    """No part of anything."""

    def __repr__(self):
        return "Plain()"


PARAMETERS = [
    parameter(ESTIMATORS, TypeError, eta="0.1"),
    parameter(ESTIMATORS, TypeError, eta=None),
    parameter(ESTIMATORS, TypeError, eta=Decimal("0.1")),
    parameter(ESTIMATORS, TypeError, eta=np.array([0.1, 0.2])),
    parameter(ESTIMATORS, TypeError, eta=1j),
    parameter(ESTIMATORS, ValueError, eta=0),
    parameter(ESTIMATORS, ValueError, eta=Fraction(-1, 3)),
    parameter(ESTIMATORS, ValueError, eta=float("nan")),
    parameter(ESTIMATORS, ValueError, eta=-(10**400)),
    parameter(ESTIMATORS, TypeError, batch_size="auto"),
    parameter(ESTIMATORS, TypeError, batch_size=0.5),
    parameter(ESTIMATORS, TypeError, batch_size=np.array([32])),
    parameter(ESTIMATORS, ValueError, batch_size=0),
    parameter(ESTIMATORS, TypeError, solver=SGD),
    parameter(ESTIMATORS, TypeError, solver=None),
    parameter(ESTIMATORS, TypeError, solver=Cosine()),
    parameter(ESTIMATORS, TypeError, solver=Plain()),
    parameter(ESTIMATORS, ValueError, solver="SGD"),
    parameter(ESTIMATORS, ValueError, solver="liblinear"),
    parameter(PERCEPTRON, ValueError, solver="lbfgs"),
    parameter(NETWORKS, ValueError, solver="newton"),
    parameter(NETWORKS, ValueError, solver="newton-cg"),
    parameter(ESTIMATORS, TypeError, schedule=0.9),
    parameter(ESTIMATORS, TypeError, schedule=Adam()),
    parameter(ESTIMATORS, TypeError, schedule=ExponentialDecay),
    parameter(ESTIMATORS, ValueError, schedule="linear"),
    parameter(ESTIMATORS, TypeError, alpha="1e-4"),
    parameter(ESTIMATORS, TypeError, alpha=[0.1]),
    parameter(ESTIMATORS, ValueError, alpha=-1e-300),
    parameter(ESTIMATORS, ValueError, alpha=np.float64("inf")),
    parameter(ESTIMATORS, TypeError, max_iter=10.0),
    parameter(ESTIMATORS, TypeError, max_iter="10"),
    parameter(ESTIMATORS, ValueError, max_iter=0),
    parameter(ESTIMATORS, ValueError, max_iter=-(10**30)),
    parameter(ESTIMATORS, TypeError, tol="auto"),
    parameter(ESTIMATORS, TypeError, tol=False),
    parameter(ESTIMATORS, ValueError, tol=-1.0),
    parameter(ESTIMATORS, TypeError, n_iter_no_change=1.5),
    parameter(ESTIMATORS, ValueError, n_iter_no_change=0),
    parameter(ESTIMATORS, TypeError, early_stopping=1),
    parameter(ESTIMATORS, TypeError, early_stopping="yes"),
    parameter(ESTIMATORS, TypeError, early_stopping=None),
    parameter(ESTIMATORS, TypeError, validation_fraction="0.2"),
    parameter(ESTIMATORS, ValueError, validation_fraction=1.5),
    parameter(ESTIMATORS, ValueError, validation_fraction=0),
    parameter(ESTIMATORS, TypeError, shuffle=0),
    parameter(ESTIMATORS, TypeError, shuffle="no"),
    parameter(ESTIMATORS, TypeError, random_state="seed"),
    parameter(ESTIMATORS, TypeError, random_state=0.5),
    parameter(ESTIMATORS, TypeError, random_state=[1, 2]),
    parameter(ESTIMATORS, ValueError, random_state=-1),
    parameter(ESTIMATORS, ValueError, random_state=2**40),
    parameter(ESTIMATORS, TypeError, warm_start=1),
    parameter(ESTIMATORS, TypeError, record=Record),
    parameter(ESTIMATORS, TypeError, record=["epoch"]),
    parameter(ESTIMATORS, ValueError, record="Epoch"),
    parameter(ESTIMATORS, TypeError, verbose="loud"),
    parameter(ESTIMATORS, ValueError, verbose=-1),
    parameter(NEURONS, TypeError, l1_ratio="1"),
    parameter(NEURONS, ValueError, l1_ratio=2),
    parameter(NEURONS, TypeError, fit_intercept="True"),
    parameter((*LOGISTIC, *MLP_CLASSIFIER), TypeError, loss=CrossEntropy),
    parameter((*LOGISTIC, *MLP_CLASSIFIER), TypeError, loss=["cross_entropy"]),
    parameter((*LOGISTIC, *MLP_CLASSIFIER), ValueError, loss="hinge"),
    parameter((*LOGISTIC, *MLP_CLASSIFIER), ValueError, loss="squared_error"),
    parameter(REGRESSORS, TypeError, loss=None),
    parameter(REGRESSORS, ValueError, loss="cross_entropy"),
    parameter(SIGMOID, ValueError, loss="huber"),
    parameter(CLASSIFIERS, TypeError, class_weight=1),
    parameter(CLASSIFIERS, TypeError, class_weight=(1.0, 2.0, 3.0)),
    parameter(CLASSIFIERS, TypeError, class_weight=np.array([1.0, 2.0, 3.0])),
    parameter(CLASSIFIERS, ValueError, class_weight="balance"),
    parameter(CLASSIFIERS, ValueError, class_weight={0: -1.0}),
    parameter(CLASSIFIERS, ValueError, class_weight={0: "heavy"}),
    parameter(CLASSIFIERS, ValueError, class_weight={0: 10**400}),
    parameter(CLASSIFIERS, ValueError, class_weight=[0.1, 0.2]),
    parameter(SIGMOID, TypeError, target_range=5),
    parameter(SIGMOID, TypeError, target_range=("0", "1")),
    parameter(SIGMOID, TypeError, target_range=[[0, 1]]),
    parameter(SIGMOID, ValueError, target_range=(1, 0)),
    parameter(SIGMOID, ValueError, target_range=(0, 1, 2)),
    parameter(SIGMOID, ValueError, target_range=(0, 10**400)),
    parameter(SIGMOID, ValueError, target_range=(float("nan"), 1)),
    parameter(NETWORKS, TypeError, hidden_layer_sizes=(5.0,)),
    parameter(NETWORKS, TypeError, hidden_layer_sizes={5}),
    parameter(NETWORKS, TypeError, hidden_layer_sizes="100"),
    parameter(NETWORKS, ValueError, hidden_layer_sizes=(5, -1)),
    parameter(NETWORKS, TypeError, activation=ReLU),
    parameter(NETWORKS, TypeError, activation=np.tanh),
    parameter(NETWORKS, TypeError, activation=Softmax()),
    parameter(NETWORKS, TypeError, activation=Step()),
    parameter(NETWORKS, ValueError, activation="sigmoid"),
    parameter(NETWORKS, ValueError, activation=["relu6"]),
    parameter(NETWORKS, TypeError, init=np.zeros),
    parameter(NETWORKS, ValueError, init="xavier"),
    parameter(NETWORKS, TypeError, dropout=True),
    parameter(NETWORKS, ValueError, dropout=1.0),
    parameter(NETWORKS, TypeError, n_init=1.5),
    parameter(NETWORKS, ValueError, n_init=0),
]
TOGETHER = [
    parts("momentum of 1", ValueError, ("'solver'", "momentum of SGD", "got 1"),
          solver=SGD(momentum=1)),
    parts("nesterov as a number", TypeError, ("'solver'", "nesterov of SGD", "got 1"),
          solver=SGD(nesterov=1)),
    parts("beta_2 of None", TypeError, ("'solver'", "beta_2 of Adam", "got None"),
          solver=Adam(beta_2=None)),
    parts("a negative decay", ValueError, ("'solver'", "weight_decay of AdamW", "got -1"),
          solver=AdamW(weight_decay=-1)),
    parts("a norm of 0", ValueError, ("'solver'", "max_norm of SGD", "got 0"),
          solver=SGD(max_norm=0)),
    parts("a negative warm-up", ValueError, ("'schedule'", "warmup of Cosine", "got -1"),
          schedule=Cosine(warmup=-1)),
    parts("a factor of 1", ValueError, ("'schedule'", "factor of Adaptive", "got 1"),
          schedule=Adaptive(factor=1)),
    parts("a slope in words", TypeError, ("'activation'", "negative_slope of LeakyReLU", "'a'"),
          NETWORKS, activation=LeakyReLU("a")),
    parts("a wrong part in a list", ValueError, ("'activation'", "c of ELU", "-1"),
          NETWORKS, activation=[ELU(-1)]),
    parts("a negative threshold", ValueError, ("'loss'", "threshold of Huber", "-1"),
          MLP_REGRESSOR, loss=Huber(-1)),
    parts("a quantile of 2", ValueError, ("'loss'", "of Quantile", "2"),
          MLP_REGRESSOR, loss=Quantile(2)),
    parts("two activations for a layer", ValueError, ("'activation'", "the 1; got 2"), NETWORKS,
          activation=["relu", "relu"]),
    parts("no activation for a layer", ValueError, ("'activation'", "the 1; got 0"), NETWORKS,
          activation=[]),
    parts("L1 without updates", ValueError, ("l1_ratio=0.5 needs", "solver='lbfgs'"),
          (*LOGISTIC, *SIGMOID), solver="lbfgs", l1_ratio=0.5, alpha=0.1),
    parts("L1 with Newton", ValueError, ("l1_ratio=1.0 needs", "solver='newton'"),
          (*LOGISTIC, *SIGMOID), solver="newton", l1_ratio=1.0, alpha=0.1),
    parts("dropout without updates", ValueError, ("dropout=0.5 needs", "solver='lbfgs'"),
          NETWORKS, solver="lbfgs", dropout=0.5),
    parts("one output for three classes", ValueError, ("'loss'", "Softmax", "BinaryCrossEntropy("),
          (*LOGISTIC, *MLP_CLASSIFIER), loss=BinaryCrossEntropy()),
    parts("a loss of numbers for classes", ValueError, ("'loss'", "Softmax", "SquaredError("),
          (*LOGISTIC, *MLP_CLASSIFIER), loss=SquaredError()),
    parts("a loss of classes for numbers", ValueError, ("'loss'", "link", "CrossEntropy("),
          REGRESSORS, loss=CrossEntropy()),
    parts("a perceptron of numbers", ValueError, ("'loss'", "link", "Perceptron()"),
          REGRESSORS, loss=Perceptron()),
    parts("a loss without bounds", ValueError, ("'loss'", "logistic link", "Huber("),
          SIGMOID, loss=Huber()),
    parts("a range that y leaves", ValueError, ("targets", "target_range_=(0.4, 0.6)"),
          SIGMOID, target_range=(0.4, 0.6)),
    parts("nothing to train on", ValueError, ("early_stopping=True", "validation_fraction=0.99"),
          early_stopping=True, validation_fraction=0.99),
    parts("other classes have weights", ValueError, ("[0, 1, 2]", "not in class_weight"),
          CLASSIFIERS, class_weight={7: 1.0, 8: 2.0}),
    parts("no class has weight", ValueError, ("sample_weight times class_weight", "zero weight"),
          CLASSIFIERS, class_weight={0: 0, 1: 0, 2: 0}),
    parts("a list of class weights", ValueError, ("list of class_weight", "[{0: 1, 1: 2}]"),
          CLASSIFIERS, class_weight=[{0: 1, 1: 2}]),
    parts("a schedule without a rate", ValueError, ("NoRate() must return", "got None"),
          schedule=NoRate()),
    parts("a schedule that is infinite", ValueError, ("Rising() must return", "got inf"),
          schedule=Rising()),
    parts("a schedule that goes back", ValueError, ("Backwards() must return", "got -"),
          schedule=Backwards()),
    parts("an optimizer without a state", TypeError, ("init of NoState must return a dict", "None"),
          solver=NoState()),
    parts("an L1 that the optimizer does not know", ValueError, ("l1_ratio=1.0", "NoState"),
          NEURONS, solver=NoState(), l1_ratio=1.0, alpha=0.1),
    given("lbfgs in blocks", AttributeError, "partial_fit", (*LOGISTIC, *SIGMOID, *NETWORKS),
          ("partial_fit",), parameters={"solver": "lbfgs"}),
    given("early stopping in blocks", AttributeError, "partial_fit", methods=("partial_fit",),
          parameters={"early_stopping": True}),
    given("balanced in blocks", AttributeError, "partial_fit", CLASSIFIERS, ("partial_fit",),
          parameters={"class_weight": "balanced"}),
]  # fmt: skip
DATES = np.array(["2020-01-01", "not a date"] * 15, dtype=object).reshape(30, 1)
OF_X = [
    given("NaN in X", ValueError, "X contains NaN", methods=METHODS, X=put(np.nan)),
    given("infinity in X", ValueError, "X contains infinity", methods=METHODS, X=put(np.inf)),
    given("-infinity in X", ValueError, "X contains infinity", methods=METHODS, X=put(-np.inf)),
    given("None in X", ValueError, "X contains NaN", methods=METHODS, X=put(None)),
    given("complex X", ValueError, "X: Complex data", methods=METHODS, X=put(1j)),
    given("a string in X", ValueError, "X: could not convert string to float: 'a'",
          methods=METHODS, X=put("a")),
    given("bytes in X", ValueError, "X: could not convert", methods=METHODS, X=put(b"ab")),
    given("a dict in X", TypeError, ("X: ", "'dict'"), methods=METHODS, X=put({})),
    given("dates in words", ValueError, ("X: ", "'2020-01-01'"), methods=METHODS, X=DATES),
    given("dates", ValueError, "X holds dates or times (datetime64[D])", methods=METHODS,
          X=np.full((30, 4), np.datetime64("2020-01-01"))),
    given("a column of dates", ValueError, "X holds dates or times (datetime64[", methods=METHODS,
          X=lambda _: with_column(pandas().to_datetime(["2020-01-01", "2021-06-30"] * 15))),
    given("dates beside a column called dtype", ValueError, "X holds dates or times (datetime64[",
          methods=METHODS, X=lambda _: with_column(
              pandas().to_datetime(["2020-01-01", "2021-06-30"] * 15)
          ).set_axis(["a", "b", "c", "dtype", "e"], axis=1)),
    given("times of which one is missing", ValueError, "X holds dates or times (timedelta64[s])",
          methods=METHODS, X=np.full((30, 4), np.timedelta64("NaT", "s"))),
    given("one row as a vector", ValueError, "X: Expected 2D array, got 1D", methods=METHODS,
          X=X[0]),
    given("three dimensions", ValueError, "X: Found array with dim 3", methods=METHODS, X=X[None]),
    given("a number", ValueError, "X: Expected 2D array, got scalar", methods=METHODS, X=5.0),
    given("None as X", ValueError, "X: Expected 2D array, got scalar", methods=METHODS, X=None),
    given("a string as X", ValueError, "X: could not convert string to float: 'data.csv'",
          methods=METHODS, X="data.csv"),
    given("a dict as X", TypeError, ("X: ", "'dict'"), methods=METHODS, X={"a": [1.0, 2.0]}),
    given("a set as X", TypeError, ("X: ", "'set'"), methods=METHODS, X={1.0, 2.0}),
    given("a generator as X", TypeError, ("X: ", "'generator'"), methods=METHODS,
          X=(row for row in X)),
    given("an object as X", TypeError, ("X: ", "'Plain'"), methods=METHODS, X=Plain()),
    given("ragged rows", ValueError, ("X: ", "inhomogeneous"), methods=METHODS,
          X=[[1.0, 2.0], [3.0]]),
    given("no rows", ValueError, "X: Found array with 0 sample(s)", methods=METHODS, X=X[:0]),
    given("no columns", ValueError, "X: Found array with 0 feature(s)", methods=METHODS,
          X=X[:, :0]),
    given("an empty list", ValueError, "X: Expected 2D array, got 1D", methods=METHODS, X=[]),
    given("NaN in sparse X", ValueError, "X contains NaN", methods=METHODS,
          X=sparse.csr_matrix(put(np.nan))),
    given("infinity in CSC", ValueError, "X contains infinity", methods=METHODS,
          X=sparse.csc_matrix(put(np.inf))),
    given("complex sparse X", ValueError, "X: Complex data", methods=METHODS,
          X=sparse.csr_matrix(put(1j))),
    given("a column beyond the last", ValueError, ("X is not a valid CSR matrix", "(30, 4)"),
          methods=METHODS, X=torn(sparse.csr_matrix, "indices", 5, 10**8)),
    given("a column before the first", ValueError, "X is not a valid CSR matrix", methods=METHODS,
          X=torn(sparse.csr_array, "indices", 5, -(10**8))),
    given("a row beyond the last", ValueError, ("X is not a valid CSC matrix", "(30, 4)"),
          methods=METHODS, X=torn(sparse.csc_matrix, "indices", 5, 10**8)),
    given("a block beyond the last", ValueError, ("X is not a valid BSR matrix", "(30, 4)"),
          methods=METHODS, X=torn(sparse.bsr_matrix, "indices", 5, 10**8)),
    given("an entry beyond the last row", ValueError, "X is not a valid COO", methods=METHODS,
          X=torn(sparse.coo_matrix, "row", 5, 10**8)),
    given("an entry before the first column", ValueError, "X is not a valid COO", methods=METHODS,
          X=torn(sparse.coo_array, "col", 5, -1)),
    given("labels beyond the last", ValueError, "y is not a valid CSR matrix", MLP_CLASSIFIER,
          READERS, y=torn(sparse.csr_matrix, "indices", 5, 10**8)),
    given("rows that begin beyond the end", ValueError, "X is not a valid CSR", methods=METHODS,
          X=torn(sparse.csr_matrix, "indptr", 5, 10**8)),
    given("rows that end beyond the end", ValueError, "X is not a valid CSR", methods=METHODS,
          X=torn(sparse.csr_matrix, "indptr", -1, 10**8)),
    given("rows that go back", ValueError, "X is not a valid CSR", methods=METHODS,
          X=torn(sparse.csr_matrix, "indptr", 5, 0)),
    given("rows that begin before the data", ValueError, "X is not a valid CSR", methods=METHODS,
          X=torn(sparse.csr_matrix, "indptr", 0, -1)),
    given("a column of strings", ValueError, "X: could not convert string to float: 'red'",
          methods=METHODS, X=lambda _: with_column(["red"] * 30)),
    given("a column of categories", ValueError, "X: could not convert string to float: 'red'",
          methods=METHODS,
          X=lambda _: with_column(pandas().Categorical(["red", "blue"] * 15))),
    given("a missing nullable value", ValueError, "X contains NaN", methods=METHODS,
          X=lambda _: pandas().DataFrame(X).astype("Float64").mask(X > 1)),
    given("a series as X", ValueError, ("X: Expected", "Series"), methods=METHODS,
          X=lambda _: pandas().Series(X[:, 0])),
    given("names of two types", TypeError, "Feature names are only supported", methods=METHODS,
          X=lambda _: named("a", "b", 1, 2)),
    given("fields as columns", TypeError, ("X: Cannot cast",), methods=METHODS,
          X=np.zeros(30, dtype=[("a", float), ("b", float)])),
    given("a feature less", ValueError, "X has 3 features", methods=METHODS[1:], continues=True,
          X=X[:, :3]),
    given("a feature more", ValueError, "X has 5 features", methods=METHODS[1:], continues=True,
          X=np.c_[X, X[:, 0]]),
    given("a feature less, sparse", ValueError, "X has 3 features", methods=METHODS[1:],
          continues=True, X=sparse.csr_matrix(X[:, :3])),
    given("beyond float64", ValueError, "X contains infinity", methods=METHODS,
          X=[["1e400"] * 4] * 30),
    given("an integer beyond float64", ValueError, "X: int too large", methods=METHODS,
          X=put(10**400)),
]  # fmt: skip
OF_Y = [
    given("None as y", ValueError, "y is None", methods=READERS, y=None),
    given("a row less of y", ValueError, ("X and y: ", "[30, 29]"), methods=READERS,
          y=lambda y: y[:-1]),
    given("a row less of X", ValueError, ("X and y: ", "[29, 30]"), methods=READERS, X=X[:-1]),
    given("NaN in y", ValueError, "y contains NaN", methods=READERS, y=first(np.nan)),
    given("infinity in y", ValueError, "y contains infinity", methods=READERS, y=first(np.inf)),
    given("None in the classes", ValueError, ("missing values, in 1 of", "in row 0"),
          CLASSIFIERS, READERS, y=first(None)),
    given("None in the targets", ValueError, "y contains NaN, None", REGRESSORS, READERS,
          y=first(None)),
    given("a missing nullable label", ValueError, "y contains NaN", CLASSIFIERS, READERS,
          y=lambda _: pandas().array([None, 1, 2] * 10, dtype="Int64")),
    given("an integer beyond float64 in y", ValueError, ("y: int too large",), REGRESSORS, READERS,
          y=[10**400, *range(29)]),
    given("complex y", ValueError, "y: Complex data", methods=READERS, y=lambda y: y + 1j),
    given("dates for numbers", ValueError, "y holds dates or times", REGRESSORS, READERS,
          y=np.full(30, np.datetime64("NaT", "D"))),
    given("sets as classes", ValueError, "y: Unknown label type", CLASSIFIERS, READERS,
          y=[frozenset([1]), frozenset([2])] * 15),
    given("three dimensions of y", ValueError, "y: Found array with dim 3", methods=READERS,
          y=lambda y: y.reshape(30, 1, 1)),
    given("a number as y", TypeError, "y: Input should have at least 1 dimension",
          (*MLP_CLASSIFIER, *REGRESSORS), READERS, y=3),
    given("a number as the class", ValueError, "y should be a 1d array", NEURON_CLASSIFIERS,
          READERS, y=3),
    given("a string as y", TypeError, ("y: Input should", "'target'"),
          (*MLP_CLASSIFIER, *REGRESSORS), READERS, y="target"),
    given("a dict as y", ValueError, "y should be a 1d array", NEURON_CLASSIFIERS, READERS,
          y={"a": 1}),
    given("ragged y", ValueError, ("y: ", "inhomogeneous"), methods=READERS,
          y=[[1], [1, 2]] * 15),
    given("no columns of y", ValueError, "y: Found array with 0 feature(s)", methods=READERS,
          y=np.empty((30, 0))),
    given("strings for numbers", ValueError, ("y must hold numbers", "'a'"), REGRESSORS, READERS,
          y=np.array(["a", "b", "c"] * 10)),
    given("words among numbers", ValueError, "y: could not convert string to float: 'a'",
          REGRESSORS, READERS, y=np.array([1, "a", 2] * 10, dtype=object)),
    given("strings and numbers", ValueError, ("classes in y", "['int', 'str']"), CLASSIFIERS,
          READERS, y=np.array([1, "a", 2] * 10, dtype=object)),
    given("bytes as classes", TypeError, ("y: ", "represented as bytes"), CLASSIFIERS, READERS,
          y=np.array([b"a", b"b", b"c"] * 10)),
    given("continuous labels", ValueError, "y: Unknown label type: continuous", CLASSIFIERS,
          READERS, y=X[:, 0]),
    given("one class", ValueError, ("y contains only one class", "1.0"), CLASSIFIERS,
          y=np.ones(30)),
    given("one class in words", ValueError, ("y contains only one class", "'a'"), CLASSIFIERS,
          y=np.array(["a"] * 30)),
    given("two columns of classes", ValueError, "y should be a 1d array", NEURON_CLASSIFIERS,
          READERS, y=np.arange(60).reshape(30, 2) % 3),
    given("a table of classes", ValueError, "multiclass-multioutput", MLP_CLASSIFIER, READERS,
          y=lambda _: pandas().DataFrame({"a": np.arange(30) % 3, "b": np.arange(30) % 4})),
    given("labels of 1 and 2", ValueError, ("multilabel y must hold 0 and 1", "[1, 2]"),
          MLP_CLASSIFIER, y=np.where(X[:, :2] > 0, 2, 1)),
    given("one dict for labels", ValueError, ("class_weight", "for each of the 2 labels"),
          MLP_CLASSIFIER, parameters={"class_weight": {0: 1, 1: 2}},
          y=(X[:, :2] > 0).astype(int)),
    given("sparse classes", TypeError, "Sparse data was passed for y", NEURON_CLASSIFIERS, READERS,
          y=lambda y: sparse.csr_matrix(y.reshape(-1, 1))),
    given("negative counts", ValueError, ("Poisson loss", "-1.0"), MLP_REGRESSOR,
          parameters={"loss": Poisson()}, y=-np.ones(30)),
    given("probabilities above 1", ValueError, ("binary cross-entropy is", "2.0"),
          MLP_REGRESSOR, parameters={"loss": "binary_cross_entropy"}, y=np.full(30, 2.0)),
    given("too large for float32", ValueError, ("y", "too large for float32"), REGRESSORS,
          X=X.astype(np.float32), y=np.linspace(0, 1e300, 30)),
    given("a class that is unknown", ValueError, ("y contains classes [3]", "[0, 1, 2]"),
          CLASSIFIERS, ("partial_fit",), continues=True, y=np.arange(30) % 4),
    given("a target more", ValueError, ("y has 2 targets", "had 1"), REGRESSORS, ("partial_fit",),
          continues=True, y=lambda y: np.c_[y, y]),
    given("labels after classes", ValueError, ("y is multilabel-indicator", "single-label"),
          MLP_CLASSIFIER, ("partial_fit",), continues=True, y=(X[:, :2] > 0).astype(int)),
    given("None to score", ValueError, ("'y_true'", "None"), methods=("score",), y=None),
    given("NaN classes to score", ValueError, "y_true contains NaN", CLASSIFIERS, ("score",),
          y=np.r_[np.nan, np.ones(29)]),
    given("a row less to score", ValueError, "[29, 30]", methods=("score",), y=lambda y: y[:-1]),
    given("two columns to score", ValueError, "y_true and y_pred", REGRESSORS, ("score",),
          y=lambda y: np.c_[y, y]),
    given("numbers to score classes", ValueError, "continuous", CLASSIFIERS, ("score",),
          y=X[:, 0]),
]  # fmt: skip


def weights(deed, error, words, weight, methods=READERS):
    """Return the row of sample weights."""
    return given(deed, error, words, methods=methods, sample_weight=weight)


OF_WEIGHTS = [
    weights("negative weights", ValueError, ("Negative values", "`sample_weight`"), -WEIGHTS),
    weights("one negative weight", ValueError, "`sample_weight`", np.r_[-1e-9, WEIGHTS[1:]]),
    weights("a negative number", ValueError, "`sample_weight`", -2.0),
    weights(
        "NaN weights",
        ValueError,
        "sample_weight contains NaN",
        np.r_[np.nan, WEIGHTS[1:]],
    ),
    weights(
        "infinite weights",
        ValueError,
        "sample_weight contains infinity",
        np.r_[np.inf, WEIGHTS[1:]],
    ),
    weights("None among weights", ValueError, "sample_weight contains NaN", [None] + [1] * 29),
    weights("a weight less", ValueError, ("sample_weight", "(29,)", "(30,)"), WEIGHTS[1:]),
    weights("a weight more", ValueError, ("sample_weight", "(31,)"), np.ones(31)),
    weights("no weights", ValueError, ("sample_weight", "(0,)"), []),
    weights("a column of weights", ValueError, ("Sample weights", "2D"), WEIGHTS[:, None]),
    weights("a table of weights", ValueError, ("Sample weights", "2D"), np.ones((30, 2))),
    weights("all zero", ValueError, "at least one non-zero", 0 * WEIGHTS, ("fit",)),
    weights("zero", ValueError, ("sample_weight times class_weight",), 0, ("fit",)),
    weights(
        "next to nothing",
        ValueError,
        "sample_weight has a sum too close",
        WEIGHTS * 1e-320,
        ("fit",),
    ),
    weights("beyond everything", ValueError, "sum of sample_weight is not finite", WEIGHTS * 1e308),
    weights("a word", ValueError, ("sample_weight", "'balanced'"), "balanced", (*READERS, "score")),
    weights("words", ValueError, ("sample_weight", "'a'"), ["a"] * 30),
    weights("integers beyond float64", ValueError, ("sample_weight", "too large"), [10**400] * 30),
    weights("dates", ValueError, "sample_weight holds dates", np.full(30, np.datetime64("2020"))),
    weights("a dict", ValueError, ("sample_weight", "'dict'"), {0: 1.0}),
    weights("a set", ValueError, ("sample_weight", "'set'"), {1.0}),
    weights("an object", ValueError, ("sample_weight", "'Plain'"), Plain()),
    weights("complex weights", ValueError, ("sample_weight", "Complex"), WEIGHTS + 1j),
    weights("ragged weights", ValueError, ("sample_weight", "inhomogeneous"), [[1], [1, 2]] * 15),
    weights("sparse weights", TypeError, "for sample_weight", sparse.csr_matrix(WEIGHTS)),
]


def classes(deed, words, given_classes, continues=True):
    """Return the row of ``classes``."""
    return given(deed, ValueError, words, CLASSIFIERS, ("partial_fit",), continues,
                 classes=given_classes)  # fmt: skip


OF_CLASSES = [
    classes("a class less", ("`classes=[0, 1]`", "array([0, 1, 2])"), [0, 1]),
    classes("a class more", ("`classes=[0, 1, 2, 3]`",), [0, 1, 2, 3]),
    classes("other classes", ("`classes=['a', 'b', 'c']`",), ["a", "b", "c"]),
    classes("no classes", ("`classes=[]`",), []),
    classes("None as a class", ("in classes", "'NoneType'"), [None, 1, 2], False),
    classes("NaN as a class", "classes contains NaN", [np.nan, 0, 1], False),
    classes("a number of classes", ("classes must be a list", "got 3"), 3, False),
    classes("a string of classes", ("classes must be a list", "'abc'"), "abc", False),
    classes("a set of classes", ("classes must be a list", "{0, 1, 2}"), {0, 1, 2}, False),
    classes("classes in two dimensions", ("classes must be a list", "[[0, 1]]"), [[0, 1]], False),
    classes("too few at first", "[0, 1]", [0, 1], False),
]


def validation(deed, words, kinds=ESTIMATORS, error=ValueError, **data):
    """Return the row of validation data, the others of which are right."""
    right = {"X_val": X, "y_val": lambda y: y}
    return given(deed, error, words, kinds, **(right | data))


DO_NOT_FIT = "validation data (X_val, y_val, sample_weight_val) do not fit"
OF_VALIDATION = [
    validation("X_val alone", "X_val and y_val belong together", y_val=None),
    validation("y_val alone", "X_val and y_val belong together", X_val=None),
    validation("weights alone", "X_val and y_val belong together", X_val=None, y_val=None,
               sample_weight_val=WEIGHTS),
    validation("NaN in X_val", (DO_NOT_FIT, "X_val contains NaN"), X_val=put(np.nan)),
    validation("words in X_val", (DO_NOT_FIT, "X_val: could not convert"), X_val=put("a")),
    validation("a dict as X_val", (DO_NOT_FIT, "X_val: ", "'dict'"), X_val={"a": 1}),
    validation("a vector as X_val", (DO_NOT_FIT, "X_val: Expected 2D"), X_val=X[0]),
    validation("no rows of X_val", (DO_NOT_FIT, "X_val: Found array with 0 sample"), X_val=X[:0]),
    validation("a feature less in X_val", (DO_NOT_FIT, "X_val has 3 features"), X_val=X[:, :3]),
    validation("one row for R²", ("R²", "validation data"), REGRESSORS, X_val=X[:1],
               y_val=lambda y: y[:1]),
    validation("a row less of y_val", (DO_NOT_FIT, "X_val and y_val: ", "[30, 29]"),
               y_val=lambda y: y[1:]),
    validation("NaN in y_val", (DO_NOT_FIT, "y_val contains NaN"), y_val=first(np.nan)),
    validation("None in y_val", (DO_NOT_FIT, "y_val contains NaN, None"), REGRESSORS,
               y_val=first(None)),
    validation("continuous y_val", (DO_NOT_FIT, "continuous"), CLASSIFIERS, y_val=X[:, 0]),
    validation("an unknown class in y_val", (DO_NOT_FIT, "y_val contains classes [3]"), CLASSIFIERS,
               y_val=lambda y: y + 1),
    validation("a target more in y_val", (DO_NOT_FIT, "y_val has 2 targets, but the training"),
               REGRESSORS, y_val=lambda y: np.c_[y, y]),
    validation("words in y_val", (DO_NOT_FIT, "y_val must hold numbers"), REGRESSORS,
               y_val=["a", "b", "c"] * 10),
    validation("negative validation weights", (DO_NOT_FIT, "`sample_weight_val`"),
               sample_weight_val=-WEIGHTS),
    validation("zero validation weights", (DO_NOT_FIT, "at least one weight"),
               sample_weight_val=0 * WEIGHTS),
    validation("endless validation weights", (DO_NOT_FIT, "sample_weight_val is not finite"),
               sample_weight_val=1e308 * WEIGHTS),
    validation("next to no validation weights", (DO_NOT_FIT, "weight_val has a sum too close"),
               sample_weight_val=1e-320 * WEIGHTS),
    validation("a validation weight less", (DO_NOT_FIT, "sample_weight_val.shape", "(29,)"),
               sample_weight_val=WEIGHTS[1:]),
    validation("a word as validation weights", (DO_NOT_FIT, "sample_weight_val", "'a'"),
               sample_weight_val="a"),
]  # fmt: skip


def start(deed, words, kinds, error=ValueError, **data):
    """Return the row of initial parameters."""
    return given(deed, error, words, kinds, **data)


SHAPES = [np.zeros((4, 5)), np.zeros((5, 3))]
OF_START = [
    start("a short start", ("coef_init must have shape (3, 4)", "(3,)"), NEURON_CLASSIFIERS,
          coef_init=np.zeros(3)),
    start("a start of two dimensions", ("coef_init must have shape (4,)", "(2, 2)"), SIGMOID,
          coef_init=np.zeros((2, 2))),
    start("a word as a start", ("coef_init must be an array", "'zeros'"), NEURONS,
          coef_init="zeros"),
    start("NaN as a start", "coef_init contains NaN", NEURONS, coef_init=np.nan),
    start("None in a start", "coef_init contains NaN", NEURONS, coef_init=[None]),
    start("a complex start", ("coef_init", "Complex"), NEURONS, coef_init=np.ones((3, 4)) * 1j),
    start("a ragged start", ("coef_init", "inhomogeneous"), NEURONS, coef_init=[[1], [2, 3]]),
    start("a start beyond float64", ("coef_init", "too large"), NEURONS, coef_init=[10**400]),
    start("a dict as a start", ("coef_init", "'dict'"), NEURONS, coef_init={0: 1.0}),
    start("intercepts in words", ("intercept_init", "'a'"), NEURONS, intercept_init="a"),
    start("too many intercepts", ("intercept_init must have shape", "(5,)"), NEURONS,
          intercept_init=np.zeros(5)),
    start("intercepts that are infinite", "intercept_init contains infinity", NEURONS,
          intercept_init=np.inf),
    start("an intercept that is not wanted", "intercept_init needs fit_intercept=True", NEURONS,
          parameters={"fit_intercept": False}, intercept_init=0.0),
    start("an array for layers", ("coef_init must be a list", "got ndarray"), NETWORKS,
          InvalidParameterTypeError, coef_init=np.zeros((4, 5))),
    start("a string for layers", ("coef_init must be a list", "got str"), NETWORKS,
          InvalidParameterTypeError, coef_init="zeros"),
    start("a layer less", ("coef_init must hold one array", "got 1"), NETWORKS,
          coef_init=SHAPES[:1]),
    start("another shape of a layer", ("coef_init[0] must have shape (4, 5)", "(5, 4)"), NETWORKS,
          coef_init=[SHAPES[0].T, SHAPES[1]]),
    start("NaN in a layer", "coef_init[0] contains NaN", NETWORKS,
          coef_init=[SHAPES[0] * np.nan, SHAPES[1]]),
    start("a word as a layer", ("coef_init[0] must be an array", "'a'"), NETWORKS,
          coef_init=["a", SHAPES[1]]),
    start("a number for intercepts", ("intercept_init must be a list", "got float"), NETWORKS,
          InvalidParameterTypeError, intercept_init=0.5),
    start("another shape of biases", ("intercept_init[0] must have shape (5,)", "(4,)"), NETWORKS,
          intercept_init=[np.zeros(4), np.zeros(3)]),
]  # fmt: skip


def warm(deed, words, kinds=ESTIMATORS, parameters=None, **data):
    """Return the row of a warm start that cannot go on."""
    parameters = {"warm_start": True, **(parameters or {})}
    return given(deed, ValueError, words, kinds, ("fit",), True, parameters, **data)


OF_WARM_START = [
    warm("other features", "X has 3 features", X=X[:, :3]),
    warm("a class less", "y lacks the classes [2]", CLASSIFIERS, y=np.arange(30) % 2),
    warm("a class more", "y contains classes [3]", CLASSIFIERS, y=np.arange(30) % 4),
    warm("classes in words", ("of the type str", "astype(int)"), CLASSIFIERS,
         y=np.array(["0", "1", "2"] * 10)),
    warm("one target more", "y has 2 targets", REGRESSORS, y=lambda y: np.c_[y, y]),
    warm("multilabel y", "y is multilabel-indicator", MLP_CLASSIFIER,
         y=(X[:, :2] > 0).astype(int)),
    warm("other units", ("[4, 5, ", "[4, 6, "), NETWORKS, {"hidden_layer_sizes": (6,)}),
    warm("another layer", ("[4, 5, ", "[4, 5, 5, "), NETWORKS, {"hidden_layer_sizes": (5, 5)}),
    warm("another activation", ("[ReLU()]", "[Tanh()]"), NETWORKS, {"activation": "tanh"}),
    warm("another range", ("target_range=(0, 2)", "(0.0, 1.0)"), SIGMOID,
         {"target_range": (0, 2)}),
    warm("another link", ("Identity()", "Exponential()"), MLP_REGRESSOR, {"loss": "poisson"}),
    warm("no intercept any more", "fit_intercept=False", NEURONS, {"fit_intercept": False}),
]  # fmt: skip

ROWS = [
    *PARAMETERS, *TOGETHER, *OF_X, *OF_Y, *OF_WEIGHTS, *OF_CLASSES, *OF_VALIDATION, *OF_START,
    *OF_WARM_START,
]  # fmt: skip


def cases():
    """Yield each row with each of its estimators."""
    for k, row in enumerate(ROWS):
        for kind in row.kinds:
            yield pytest.param(kind, row, id=f"{k}-{kind.__name__}-{row.deed}")


FITTED = {}


def fitted(kind):
    """Return a fitted estimator, and what it predicts."""
    if kind not in FITTED:
        model = make(kind, max_iter=2).fit(X, target_for(kind, 30))
        FITTED[kind] = model, model.predict(X)
    model, predicted = FITTED[kind]
    return copy.deepcopy(model), predicted


def learned(model):
    """Return a digest of all attributes that are not parameters."""
    parameters = model.get_params(deep=False)
    return joblib.hash({k: v for k, v in vars(model).items() if k not in parameters})


def tried(model, method, row):
    """Call a method with what the row gives, and see that its error is the row's."""
    y = target_for(type(model), 30)
    data = {"X": X} if method == "predict" else {"X": X, "y": y}
    if method == "partial_fit" and type(model) in CLASSIFIERS and "classes" not in row.arguments:
        data["classes"] = [0, 1, 2]
    for name, value in row.arguments.items():
        data[name] = value(y) if type(value) is type(first) else value
    with np.errstate(all="ignore"), pytest.raises(row.error) as error:
        getattr(model, method)(**{k: v for k, v in data.items() if method != "predict" or k == "X"})
    assert type(error.value) is row.error or method == "score"
    said = str(error.value)
    for word in row.words:
        assert word in said, f"{method} said: {said}"


def test_the_catalogue_is_long_and_has_every_parameter():
    assert len(ROWS) >= 250
    assert len({(row.deed, row.methods, row.kinds) for row in ROWS}) == len(ROWS)
    for kind in ESTIMATORS:
        found = {name for row in ROWS if kind in row.kinds for name in row.parameters}
        assert found == set(kind().get_params(deep=False))


@pytest.mark.filterwarnings("ignore::RuntimeWarning:sklearn")
@pytest.mark.parametrize(("kind", "row"), cases())
def test_bad_input(kind, row):
    """A fitted model is as it was, and predicts; an unfitted one is unfitted."""
    model, predicted = fitted(kind)
    model.set_params(**row.parameters)
    before = learned(model)
    for method in row.methods:
        tried(model, method, row)
        assert learned(model) == before
    for name, value in row.parameters.items():
        assert getattr(model, name) is value
    assert_array_equal(model.predict(X), predicted)
    if row.continues:
        return
    model = make(kind, **row.parameters)
    before = dict(vars(model))
    for method in set(row.methods) & set(READERS):
        tried(model, method, row)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="there is no wider float")
@pytest.mark.parametrize("kind", REGRESSORS)
def test_targets_beyond_float64(kind):
    model, predicted = fitted(kind)
    before = learned(model)
    y = np.linspace(0, 1, 30, dtype=np.longdouble) * np.longdouble("1e4000")
    with pytest.raises(ValueError, match=r"y contains .* a number beyond float64"):
        model.fit(X, y)
    assert learned(model) == before
    assert_array_equal(model.predict(X), predicted)


#: Tables whose columns are not those of a fit on a, b, c and d.
TABLES = {
    "in another order": (lambda: named(*"badc"), "order"),
    "with another name": (lambda: named(*"abcz"), "z"),
    "in capitals": (lambda: named(*"ABCD"), "D"),
    "without one": (lambda: named(*"abcd").drop(columns="c"), "c"),
    "with one more": (lambda: named(*"abcd").assign(e=1.0), "e"),
}


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_columns_are_those_of_the_fit(kind, table, method):
    y = target_for(kind, 30)
    model = make(kind, max_iter=2).fit(named(*"abcd"), y)
    before, predicted = learned(model), model.predict(named(*"abcd"))
    make_table, word = TABLES[table]
    data = make_table()
    with pytest.raises(ValueError, match="feature names should match") as error:
        getattr(model, method)(*((data,) if method == "predict" else (data, y)))
    assert word in str(error.value).partition("should match")[2]
    assert learned(model) == before
    assert_array_equal(model.predict(named(*"abcd")), predicted)


@pytest.mark.skipif(not hasattr(LogisticNeuronClassifier, "set_callbacks"), reason="scikit-learn")
@pytest.mark.parametrize("callback", ["verbose", 5, None, print, Plain(), Plain, [Plain()]])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_callbacks_follow_the_protocol(kind, callback):
    model, predicted = fitted(kind)
    before = learned(model)
    with pytest.raises(TypeError, match="FitCallback protocol"):
        model.set_callbacks(callback)
    assert learned(model) == before
    assert_array_equal(model.predict(X), predicted)


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("lr", "eta"),
        ("C", "alpha = 1 / (C * n_samples)"),
        ("epochs", "max_iter"),
        ("momentum", "solver=SGD(momentum=...)"),
        ("patience", "n_iter_no_change"),
        ("engine", "sklearn_neuron.set_config(engine=...)"),
    ],
)
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_parameter_of_another_library(kind, name, here):
    with pytest.raises(TypeError) as error:
        kind(**{name: 1})
    assert str(error.value) == f"{kind.__name__} has no parameter {name!r}. Here it is {here}."
    model, predicted = fitted(kind)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=f"Invalid parameter {name!r}"):
        model.set_params(**{name: 1})
    assert vars(model) == before
    assert_array_equal(model.predict(X), predicted)


@pytest.mark.parametrize("data", ["y", "weights", "too many"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_arguments_of_fit(kind, data):
    model, predicted = fitted(kind)
    before, y = learned(model), target_for(kind, 30)
    arguments, words = {
        "y": (((X,), {}), "argument: 'y'"),
        "weights": (((X, y), {"weights": WEIGHTS}), "argument 'weights'"),
        "too many": (((X, y, WEIGHTS, X), {}), "positional arguments"),
    }[data]
    with pytest.raises(TypeError, match=words):
        model.fit(*arguments[0], **arguments[1])
    assert learned(model) == before
    assert_array_equal(model.predict(X), predicted)


@pytest.mark.parametrize("method", METHODS[2:])
def test_there_is_nothing_to_predict_with(cls, method):
    model = make(cls)
    before = dict(vars(model))
    with pytest.raises(NotFittedError, match=f"This {cls.__name__} instance is not fitted yet"):
        getattr(model, method)(*((X,) if method == "predict" else (X, target_for(cls, 30))))
    assert vars(model) == before
