"""What bad input gets: an error that names it, and an estimator that is as it was before."""

import re

import numpy as np
import pytest
from helpers import ESTIMATORS, NETWORKS, make, target_for, weights_of
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.activations import LeakyReLU
from sklearn_neuron.components import Component
from sklearn_neuron.losses import Huber
from sklearn_neuron.schedules import Adaptive, Cosine

WRONG_VALUES = {
    "eta": [0.0, -1.0, np.nan, np.inf, 10**400],
    "batch_size": [0, -5],
    "solver": ["newton-cholesky", "SGD", SGD(momentum=2.0)],
    "schedule": ["sometimes", Cosine(warmup=-1), Adaptive(factor=1.0)],
    "alpha": [-1e-9, np.nan, np.inf],
    "max_iter": [0, -1],
    "tol": [-1e-9, np.nan, np.inf],
    "n_iter_no_change": [0, -2],
    "validation_fraction": [0.0, 1.0, -0.1, np.nan],
    "l1_ratio": [-0.1, 1.1, np.nan],
    "dropout": [-0.1, 1.0],
    "n_init": [0, -1],
    "loss": ["", "squared", Huber(threshold=-1.0)],
    "random_state": [-1, 2**32],
    "record": ["steps", ""],
    "verbose": [-1],
    "class_weight": ["balance", {0: -1.0}, {0: np.nan}, {7: 1.0, 8: 1.0}],
    "target_range": [(1, 0), (0, 0), (0, np.inf), (0, 1, 2), (0,), "wide", (-1.7e308, 1.7e308)],
    "hidden_layer_sizes": [0, -3, (5, 0)],
    "activation": ["relu6", "", ["relu6"], ["relu", "relu"], LeakyReLU(2.0)],
    "init": ["xavier"],
}
WRONG_TYPES = {
    "eta": ["0.1", None, True, [0.1]],
    "batch_size": [2.0, "auto", True],
    "solver": [None, 3, SGD],
    "schedule": [None, 3],
    "alpha": [None, "0", False],
    "max_iter": [1.5, None, "200", True],
    "tol": ["1e-4", True],
    "n_iter_no_change": [2.5, None],
    "early_stopping": [1, None, "yes"],
    "validation_fraction": [None, "0.1", True],
    "l1_ratio": [None, "0.5", True],
    "dropout": [None, "0.5", False],
    "n_init": [None, 1.5, True],
    "loss": [None, 3, Huber],
    "shuffle": [1, None, "yes"],
    "fit_intercept": [1, None, "yes"],
    "random_state": ["0", 1.5, np.random.default_rng(0)],
    "warm_start": [1, None],
    "record": [None, 1, True],
    "verbose": [None, "yes", 0.5],
    "class_weight": [3, 1.0],
    "target_range": [None, 1.0, ("a", "b"), np.array(5)],
    "hidden_layer_sizes": ["100", None, (5.0,), [[5]], 2.5, True, np.array(5), np.array([[5]])],
    "activation": [None, 3, np.tanh, [3]],
    "init": [None, 0],
}


def cases(table):
    for cls in ESTIMATORS:
        for name in cls().get_params(deep=False):
            for k, value in enumerate(table.get(name, ())):
                yield pytest.param(cls, name, value, id=f"{cls.__name__}-{name}-{k}")


def test_every_parameter_is_checked():
    for cls in ESTIMATORS:
        names = set(cls().get_params(deep=False))
        assert names == set(cls._constraints)
        assert names <= set(WRONG_TYPES)
        assert names - {"shuffle", "fit_intercept", "warm_start", "early_stopping"} <= set(
            WRONG_VALUES
        )


@pytest.mark.parametrize(("cls", "name", "value"), [*cases(WRONG_VALUES)])
def test_wrong_value(cls, name, value, X):
    model = make(cls).fit(X, target_for(cls, 30))
    before = dict(vars(model))
    model.set_params(**{name: value})
    words = (
        "not in class_weight"
        if value == {7: 1.0, 8: 1.0}
        else f"{name!r} parameter of {cls.__name__}"
    )
    with pytest.raises(ValueError, match=words) as error:
        model.fit(X, target_for(cls, 30))
    if value == ["relu", "relu"]:
        assert "got 2" in str(error.value)
    elif not isinstance(value, Component | dict):
        assert f"got {value!r} instead" in str(error.value)
    before[name] = value
    assert vars(model) == before
    assert np.isfinite(model.predict(X)).all()  # the earlier fit is usable


@pytest.mark.parametrize(("cls", "name", "value"), [*cases(WRONG_TYPES)])
def test_wrong_type(cls, name, value, X):
    model = make(cls, **{name: value})
    match = re.escape(f"{name!r} parameter of {cls.__name__} must be ")
    with pytest.raises(TypeError, match=match) as error:
        model.fit(X, target_for(cls, 30))
    assert isinstance(error.value, ValueError)  # as scikit-learn's own
    assert not hasattr(model, "n_features_in_")


@pytest.mark.parametrize("name", ["shuffle", "warm_start"])
def test_numpy_scalars_are_welcome(cls, name, X):
    params = {
        "eta": np.float32(0.1), "alpha": np.float64(0.0), "max_iter": np.int64(3),
        "batch_size": np.int32(4), "tol": np.float64(0.0), "n_iter_no_change": np.int8(2),
        "random_state": np.int64(1), name: np.bool_(True),
    }  # fmt: skip
    model = make(cls, **params).fit(X.astype(np.float32), target_for(cls, 30))
    assert weights_of(model).dtype == np.float32


def with_value(X, value):
    X = X.astype(object if isinstance(value, str) else np.result_type(X, type(value)))
    X[3, 1] = value
    return X


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda X, y: (with_value(X, np.nan), y), "NaN"),
        (lambda X, y: (with_value(X, np.inf), y), "infinity"),
        (lambda X, y: (with_value(X, 1j), y), "Complex data not supported"),
        (lambda X, y: (with_value(X, "a"), y), "could not convert string to float"),
        (lambda X, y: (X[:0], y[:0]), r"0 sample\(s\)"),
        (lambda X, y: (X[:, :0], y), r"0 feature\(s\)"),
        (lambda X, y: (X[0], y), "Expected 2D array"),
        (lambda X, y: (X[None], y), "dim 3"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X, None), "requires y to be passed"),
        (lambda X, y: (X, np.where(np.arange(30) == 3, np.nan, y)), "NaN"),
        (lambda X, y: (X, np.where(np.arange(30) == 3, np.inf, y)), "infinity"),
        (lambda X, y: ([[1.0, 2.0], [3.0]], y[:2]), "inhomogeneous"),
        (lambda X, y: (sparse.csr_matrix(with_value(X, np.nan)), y), "NaN"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_broken_data(cls, method, spoil, match, X):
    y = target_for(cls, 30).astype(float)
    model = make(cls).fit(X, y)
    before = dict(vars(model))
    bad_X, bad_y = spoil(X, y)
    with pytest.raises(ValueError, match=match):
        getattr(model, method)(bad_X, bad_y)
    assert vars(model) == before
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("weight", "match"),
    [
        (np.full(30, -1.0), "Negative values in data passed to `sample_weight`"),
        (np.r_[np.ones(29), -1e-9], "Negative values"),
        (np.r_[np.ones(29), np.nan], "NaN"),
        (np.r_[np.ones(29), np.inf], "infinity"),
        (np.ones(29), r"sample_weight.shape == \(29,\), expected \(30,\)"),
        (np.ones((30, 2)), "Sample weights must be 1D"),
        (np.full(30, 1e308), "sum of sample_weight is not finite"),
        (["a"] * 30, "sample_weight must be an array of finite numbers"),
        ("balanced", "sample_weight must be an array of finite numbers"),
        ({0: 1.0}, "sample_weight must be an array of finite numbers"),
    ],
)
def test_broken_weights(cls, method, weight, match, X):
    y = target_for(cls, 30)
    model = make(cls).fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=match):
        getattr(model, method)(X, y, sample_weight=weight)
    assert vars(model) == before


def test_a_refused_first_fit_leaves_nothing(cls, X):
    """Neither n_features_in_ nor classes_: the estimator is as unfitted as it was."""
    model = make(cls)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="Negative values"):
        model.fit(X, target_for(cls, 30), np.full(30, -1.0))
    assert vars(model) == before


def test_weights_next_to_nothing(cls, X):
    with pytest.raises(ValueError, match="sum too close to zero: scale the weights up"):
        make(cls).fit(X, target_for(cls, 30), np.full(30, 1e-320))


def test_one_weight_for_all(cls, X):
    y = target_for(cls, 30)
    expected = weights_of(make(cls).fit(X, y))
    for weight in (2, 2.0, np.float32(2), np.array(2.0)):
        assert_array_equal(weights_of(make(cls).fit(X, y, weight)), expected)


@pytest.mark.parametrize("classes", [[None, 1], [0, np.nan], {0, 1}, 3, [[0, 1]], ["a", 1]])
def test_broken_classes(classifier, classes, X):
    with pytest.raises(ValueError, match="classes"):
        make(classifier).partial_fit(X, np.arange(30) % 2, classes=classes)


def test_labels_of_mixed_types(classifier, X):
    with pytest.raises(ValueError, match=r"all numbers or all strings; got \['int', 'str'\]"):
        make(classifier).fit(X, np.array(["a", 1] * 15, dtype=object))


@pytest.mark.parametrize("dtype", ["string", "object", "boolean"])
@pytest.mark.parametrize("missing", ["NA", "None"])
def test_labels_that_are_missing(classifier, dtype, missing, X, pd):
    labels = [True, False] if dtype == "boolean" else ["a", "b"]
    y = pd.Series([*labels, {"NA": pd.NA, "None": None}[missing]] * 10, dtype=dtype)
    message = r"y contains missing values, in 10 of 30 rows, the first in row 2\. Leave these"
    with pytest.raises(ValueError, match=message if dtype != "boolean" else "y contains NaN"):
        make(classifier).fit(X, y)


def test_labels_that_are_none(classifier, X):
    with pytest.raises(ValueError, match=r"in 15 of 30 rows, the first in row 1\. Leave"):
        make(classifier).fit(X, np.array(["a", None] * 15, dtype=object))


@pytest.mark.parametrize("values", [(1, 2), (-1, 1), (0, 2)])
def test_multilabel_columns_hold_zero_and_one(values, X):
    y = np.where(X[:, :2] > 0, values[1], values[0])
    with pytest.raises(ValueError, match=r"must hold 0 and 1 .*; got \[-?\d, \d\]"):
        make(ManualMLPClassifier).fit(X, y)


def test_a_list_of_class_weights_is_for_multilabel(classifier, X):
    with pytest.raises(ValueError, match="A list of class_weight is for multilabel y"):
        make(classifier, class_weight=[{0: 1, 1: 2}]).fit(X, np.arange(30) % 2)


def test_all_zero_weights(cls, X):
    with pytest.raises(ValueError, match="at least one non-zero"):
        make(cls).fit(X, target_for(cls, 30), sample_weight=np.zeros(30))


def test_class_weights_may_not_hide_every_row(classifier, X):
    with pytest.raises(ValueError, match="at least one non-zero"):
        make(classifier, class_weight={0: 0, 1: 0, 2: 0}).fit(X, np.arange(30) % 3)


def test_broken_targets_of_classifiers(classifier, X):
    model = make(classifier).fit(X, np.arange(30) % 3)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        model.fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"at least 2 classes.*only one class"):
        model.fit(X, np.ones(30))
    with pytest.raises(ValueError, match=r"multiclass-multioutput|1d array"):
        model.fit(X, np.arange(60).reshape(30, 2) % 3)
    assert vars(model) == before


def test_only_networks_take_multilabel(X):
    y = (X[:, :2] > 0).astype(int)
    for cls in (LogisticNeuronClassifier, PerceptronClassifier):
        with pytest.raises(ValueError, match="y should be a 1d array"):
            make(cls).fit(X, y)
    with pytest.raises(ValueError, match="list with one dict"):
        make(ManualMLPClassifier, class_weight={0: 1, 1: 2}).fit(X, y)


def test_broken_rows_at_predict(cls, X):
    model = make(cls).fit(X, target_for(cls, 30))
    for bad, match in (
        (X[:, :3], "X has 3 features, but .* is expecting 4"),
        (with_value(X, np.nan), "NaN"),
        (X[0], "Expected 2D array"),
        (X[:0], r"0 sample\(s\)"),
    ):
        with pytest.raises(ValueError, match=match):
            model.predict(bad)


def test_the_perceptron_has_no_lbfgs(X):
    with pytest.raises(
        ValueError, match="one of 'sgd', 'adam', 'adamw', 'rmsprop', or an Optimizer object"
    ):
        PerceptronClassifier(solver="lbfgs").fit(X, np.arange(30) % 2)


def test_errors_inside_objects_name_the_parameter(X):
    with pytest.raises(ValueError, match=r"'solver' parameter of .*: momentum of SGD must be"):
        LogisticNeuronClassifier(solver=SGD(momentum=1.5)).fit(X, np.arange(30) % 2)


# ---- divergence -------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 4, None])
@pytest.mark.parametrize("cls", NETWORKS, ids=lambda cls: cls.__name__)
def test_divergence_is_an_error(cls, batch_size, X):
    y = target_for(cls, 30)
    model = make(cls, batch_size=batch_size, solver="sgd", eta=0.01).fit(X, y)
    before = weights_of(model)
    model.set_params(eta=1e200)
    with pytest.raises(ValueError, match=r"diverged in epoch \d+ with eta=1e\+200.*smaller eta"):
        model.fit(X, y)
    assert_array_equal(weights_of(model), before)
    with pytest.raises(ValueError, match="diverged in epoch 1 "):
        make(cls, batch_size=batch_size, solver="sgd", eta=1e200).partial_fit(
            *((X, y) if cls is not ManualMLPClassifier else (X, y, [0, 1, 2]))
        ).partial_fit(X, y).partial_fit(X, y)


def test_any_eta_ends_finite_or_says_so(cls, X):
    """Never NaN without a word, whatever eta is."""
    y, outcomes = target_for(cls, 30), set()
    for eta in (1e-300, 1.0, 1e3, 1e50, 1e150, 1e300, 1.7e308):
        for solver in ("sgd", "adam", SGD(0.9)):
            model = make(cls, eta=eta, solver=solver, batch_size=4)
            try:
                model.fit(X, y)
            except ValueError as error:
                assert "diverged" in str(error)
                outcomes.add("said so")
            else:
                assert np.isfinite(weights_of(model)).all()
                assert np.isfinite(model.loss_curve_).all()
                outcomes.add("finite")
    assert outcomes == {"finite", "said so"}


def test_huge_data_ends_finite_or_says_so(cls, X):
    for scale in (1e100, 1e300):
        for how in ({}, {"batch_size": None}):
            model = make(cls, **how)
            try:
                model.fit(X * scale, target_for(cls, 30))
            except ValueError as error:
                assert "diverged" in str(error)
            else:
                assert np.isfinite(weights_of(model)).all()


def test_adam_on_squares_that_overflow_says_so(X):
    """Its steps would shrink to nothing: training must not end as if it had converged."""
    model = LogisticNeuronClassifier(solver="adam")
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        model.fit(X * 1e200, np.arange(30) % 2)


def test_lbfgs_on_hopeless_data_says_so(X):
    model = SigmoidNeuronRegressor(solver="lbfgs")
    with pytest.raises(ValueError, match=r"diverged .*L-BFGS.*MaxAbsScaler"):
        model.fit(X * 1e307, target_for(SigmoidNeuronRegressor, 30), intercept_init=0.5,
                  coef_init=np.full(4, 1e10))  # fmt: skip


def test_many_classes_are_seen_as_scikit_learn_sees_them():
    """A short look at y serves where classes are few; of many scikit-learn warns."""
    y = np.arange(200)
    X = np.random.RandomState(0).normal(size=(200, 2))
    with pytest.warns(UserWarning, match="unique classes is greater than 50%"):
        LogisticNeuronClassifier(max_iter=1, tol=None).fit(X, y)
