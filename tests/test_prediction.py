"""Predictions: in blocks, in memory that does not grow with X; validated only where it matters."""

import copy
import pickle
import threading
import tracemalloc
import warnings

import numpy as np
import pytest
import sklearn
from helpers import CLASSIFIERS, ESTIMATORS, REGRESSORS, make, parameters_of, target_for
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._estimator import base
from sklearn_neuron._estimator.targets import ORDER, keep_order
from sklearn_neuron.activations import Logistic

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "float32": lambda X: X.astype(np.float32),
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
}


def answers(model, X):
    return {name: getattr(model, name)(X) for name in METHODS if hasattr(model, name)}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_blocks_change_no_answer(cls, n_classes, layout, X):
    """A block of one row is the smallest there is, whatever working_memory asks for."""
    model = make(cls).fit(X, target_for(cls, 30, n_classes))
    X = LAYOUTS[layout](X)
    whole = answers(model, X)
    for n_bytes in (0.1, 300.0):  # one row; a few, and a rest
        with sklearn.config_context(working_memory=n_bytes / 2**20):
            parts = answers(model, X)
        for name, answer in whole.items():
            assert parts[name].dtype == answer.dtype
            assert parts[name].shape == answer.shape
            rtol = 1e-5 if answer.dtype == np.float32 else 1e-12
            if name == "predict" and cls in CLASSIFIERS:
                assert_array_equal(parts[name], answer)
            else:
                assert_allclose(parts[name], answer, rtol=rtol, atol=rtol)


def test_blocks_of_multilabel_and_of_several_targets(X):
    Y = np.stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 0], axis=1)
    for cls, target in [(ManualMLPClassifier, Y.astype(int))] + [
        (regressor, Y * 3.0) for regressor in ESTIMATORS if regressor not in CLASSIFIERS
    ]:
        model = make(cls).fit(X, target)
        whole = answers(model, X)
        with sklearn.config_context(working_memory=300 / 2**20):
            for name, answer in answers(model, X).items():
                assert answer.shape == (30, 3)
                assert_allclose(answer, whole[name], rtol=1e-12)


def test_blocks_of_labels_that_are_strings(classifier, X):
    y = np.array(["no", "perhaps", "yes"], dtype=object)[target_for(classifier, 30)]
    model = make(classifier).fit(X, y)
    with sklearn.config_context(working_memory=100 / 2**20):
        labels = model.predict(X)
    assert labels.dtype == object
    assert_array_equal(labels, model.predict(X))


def peak_of(call):
    """Return the largest number of bytes alive during a call, beyond those before it."""
    tracemalloc.start()
    try:
        result = call()
        return tracemalloc.get_traced_memory()[1], result.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_memory_of_a_prediction_is_its_answer(cls, n_classes, container):
    """Beyond it a few blocks: with 64 hidden units all rows' activations would take 51 MB."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(100_000, 4))
    y = target_for(cls, 100, n_classes)
    params = {"hidden_layer_sizes": (64,)} if cls is ManualMLPClassifier else {}
    model = make(cls, max_iter=1, **params).fit(X[:100], y)
    X = container(X)
    for name in METHODS:
        if hasattr(model, name):
            peak, answer = peak_of(lambda name=name: getattr(model, name)(X))
            # scikit-learn looks for numbers that are not finite: csr indices take 4 bytes each
            assert peak < answer + 6 * 2**20, name


def test_working_memory_bounds_a_wide_network():
    X = np.random.RandomState(0).normal(size=(2_000, 3))
    model = make(ManualMLPClassifier, hidden_layer_sizes=(3_000,), max_iter=1)
    model.fit(X[:20], target_for(ManualMLPClassifier, 20))
    with sklearn.config_context(working_memory=0.1):
        peak, answer = peak_of(lambda: model.predict_proba(X))
    assert peak < answer + 0.4 * 2**20


# ---- without validation -------------------------------------------------------------------------


def refuse(*_, **__):
    raise AssertionError("X was validated")


def plainly(call, *args):
    """Return what a call returns if every X is validated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "surely_valid", lambda *_: False)
        return call(*args)


def directly(call, *args):
    """Return what a call returns if no X may be validated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "validated", refuse)
        return call(*args)


def outcome(call, X):
    """Return the answer or the error of a call, with its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(X)
        except Exception as error:  # whatever it is, it must be the same
            result = type(error), str(error)
    return result, [(warning.category, str(warning.message)) for warning in caught]


MULTILABEL, MULTI_OUTPUT = "multilabel", "several targets"
KINDS = [
    *((cls, kind) for cls in CLASSIFIERS for kind in (2, 3)),
    (ManualMLPClassifier, MULTILABEL),
    *((cls, kind) for cls in REGRESSORS for kind in (1, MULTI_OUTPUT)),
]


def fitted(cls, kind, dtype=np.float64):
    """Return a fitted estimator of 4 features."""
    X = np.random.RandomState(7).normal(size=(30, 4)).astype(dtype)
    if kind in (MULTILABEL, MULTI_OUTPUT):
        y = (X[:, :3] > 0).astype(int if kind is MULTILABEL else float)
    else:
        y = target_for(cls, 30, kind)
    return make(cls).fit(X, y)


@pytest.mark.parametrize("rows", [1, 100, 1000])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("cls", "kind"), KINDS)
def test_unvalidated_answers_have_the_same_bits(cls, kind, dtype, layout, rows):
    X = LAYOUTS[layout](np.random.RandomState(1).normal(size=(rows, 4)).astype(dtype))
    for model in (fitted(cls, kind), fitted(cls, kind, np.float32)):
        plain = plainly(answers, model, X)
        direct = directly(answers, model, X)
        assert direct.keys() == plain.keys()
        for name, answer in plain.items():
            assert_array_equal(direct[name], answer)
            assert direct[name].dtype == answer.dtype
            assert direct[name].flags.c_contiguous == answer.flags.c_contiguous


def test_unvalidated_input_is_not_written_to(cls):
    X = np.random.RandomState(1).normal(size=(3, 4))
    before = X.copy()
    X.flags.writeable = False
    for answer in directly(answers, fitted(cls, 3), X).values():
        assert not np.shares_memory(answer, X)
    assert_array_equal(X, before)


def with_value(*values, dtype=np.float64):
    X = np.ones((2, 4), dtype)
    X.flat[: len(values)] = values
    return X


class Subclass(np.ndarray):
    """An array of another type."""


#: What validation has to refuse.
REFUSED = {
    "NaN": lambda: with_value(np.nan),
    "inf": lambda: with_value(np.inf),
    "float32 NaN": lambda: with_value(np.nan, dtype=np.float32),
    "float32 -inf": lambda: with_value(-np.inf, dtype=np.float32),
    "both infinities": lambda: with_value(np.inf, -np.inf),
    "strided NaN": lambda: LAYOUTS["strided"](with_value(np.nan)),
    "Fortran NaN": lambda: np.asfortranarray(with_value(np.nan)),
    "large strided NaN": lambda: np.full((40_000, 8), np.nan)[:, ::2],
    "NaN in a list": lambda: with_value(np.nan).tolist(),
    "NaN in a Subclass": lambda: with_value(np.nan).view(Subclass),
    "1-D": lambda: np.ones(4),
    "1-D of another length": lambda: np.ones(3),
    "3-D": lambda: np.ones((2, 4, 1)),
    "3-D with the columns first": lambda: np.ones((4, 4, 4)),
    "scalar": lambda: np.array(1.0),
    "number": lambda: 1.0,
    "no rows": lambda: np.ones((0, 4)),
    "no columns": lambda: np.ones((2, 0)),
    "nothing": lambda: np.ones((0, 0)),
    "too few columns": lambda: np.ones((2, 3)),
    "too many columns": lambda: np.ones((2, 5)),
    "too many columns, float32": lambda: np.ones((2, 5), np.float32),
    "transposed": lambda: np.ones((4, 2)),
    "complex": lambda: np.ones((2, 4), complex),
    "strings": lambda: np.full((2, 4), "a"),
    "objects": lambda: np.full((2, 4), None),
    "dates": lambda: np.full((2, 4), "2020-01-01", dtype="datetime64[D]"),
    "ragged": lambda: [[1.0, 2.0, 3.0, 4.0], [1.0]],
    "empty list": list,
    "None": lambda: None,
    "string": lambda: "no_validation",
    "dict": lambda: {"a": 1},
    "np.matrix": lambda: np.ones((2, 4)).view(np.matrix),
    "csr of too many columns": lambda: sparse.csr_array(np.ones((2, 5))),
    "csr with NaN": lambda: sparse.csr_array(with_value(np.nan)),
}
#: What validation converts, or what only looks strange.
ACCEPTED = {
    "list": lambda: np.ones((2, 4)).tolist(),
    "tuple": lambda: tuple(map(tuple, np.ones((2, 4)))),
    "int": lambda: np.arange(8).reshape(2, 4),
    "bool": lambda: np.ones((2, 4), bool),
    "float16": lambda: np.ones((2, 4), np.float16),
    "longdouble": lambda: np.ones((2, 4), np.longdouble),
    "other byte order": lambda: np.arange(8.0).reshape(2, 4).astype(">f8"),
    "other byte order, float32": lambda: np.arange(8.0).reshape(2, 4).astype(">f4"),
    "numbers as objects": lambda: np.ones((2, 4)).astype(object),
    "numbers as strings": lambda: np.full((2, 4), "1.5"),
    "Subclass": lambda: np.ones((2, 4)).view(Subclass),
    "records": lambda: np.ones((2, 4), [("a", float)]),
    "masked": lambda: np.ma.masked_equal(with_value(3.0), 3.0),
    "csr": lambda: sparse.csr_matrix(np.ones((2, 4))),
    "coo": lambda: sparse.coo_array(np.ones((2, 4))),
    "norm overflows": lambda: with_value(1e200),
    "norm overflows, float32": lambda: with_value(1e30, dtype=np.float32),
    "sum overflows": lambda: with_value(1e308, 1e308),
    "norm underflows": lambda: with_value(5e-324, 1e-300),
    "-0.0": lambda: with_value(-0.0),
    "reversed": lambda: np.arange(8.0).reshape(2, 4)[::-1, ::-1],
    "broadcast": lambda: np.broadcast_to(np.ones(4), (3, 4)),
    "not aligned": lambda: np.frombuffer(bytes(65), np.uint8)[1:].view(np.float64).reshape(2, 4),
    "large strided": lambda: np.ones((40_000, 8))[:, ::2],
}


def assert_same_outcomes(model, X):
    """Assert that every method answers, warns and fails as it does if every X is validated."""
    for name in METHODS:
        if not hasattr(model, name):
            continue
        call = getattr(model, name)
        (result, caught), (plain, plain_caught) = outcome(call, X), plainly(outcome, call, X)
        assert caught == plain_caught, name
        assert type(result) is type(plain), name
        if isinstance(plain, np.ndarray):
            assert_array_equal(result, plain)
            assert result.dtype == plain.dtype
        else:
            assert result == plain, name


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_those_of_validation(cls, name):
    model, X = fitted(cls, 3), REFUSED[name]()
    (error, _), _ = plainly(outcome, model.predict, X)
    assert issubclass(error, ValueError | TypeError)
    assert_same_outcomes(model, X)


@pytest.mark.parametrize("name", ACCEPTED)
def test_conversions_are_those_of_validation(cls, name):
    model, X = fitted(cls, 3), ACCEPTED[name]()
    assert isinstance(plainly(outcome, model.predict, X)[0], np.ndarray)
    assert_same_outcomes(model, X)


def test_feature_names_are_checked(cls, X):
    pd = pytest.importorskip("pandas")
    y = target_for(cls, 30)
    frame = pd.DataFrame(X, columns=list("abcd"))
    named, unnamed = make(cls).fit(frame, y), make(cls).fit(X, y)
    for model, given, warns in (
        (named, X, True),
        (named, frame, False),
        (unnamed, frame, True),
        (unnamed, pd.DataFrame(X), False),
        (named, frame[list("dcba")], False),
        (named, frame.rename(columns={"a": "z"}), False),
    ):
        assert bool(outcome(model.predict, given)[1]) == warns
        assert_same_outcomes(model, given)
    with pytest.raises(ValueError, match="feature names should match"):
        named.predict(frame[list("dcba")])
    unnamed.feature_names_in_ = np.array(list("abcd"), dtype=object)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        unnamed.predict(X)


def test_configuration_is_respected(cls, X):
    model = fitted(cls, 3)
    assert base.surely_valid(model, X, sklearn.get_config())
    assert not base.surely_valid(model, X, {**sklearn.get_config(), "array_api_dispatch": True})
    with sklearn.config_context(assume_finite=True):
        assert_same_outcomes(model, with_value(np.nan))
        assert isinstance(outcome(model.predict, with_value(np.nan))[0], np.ndarray)


def test_not_fitted_comes_first(cls):
    for X in (np.ones((2, 4)), None):
        with pytest.raises(NotFittedError, match=f"This {cls.__name__} instance is not fitted yet"):
            make(cls).predict(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_check_for_finite_numbers_is_silent(dtype):
    """Also where a sum would warn, or raise."""
    large, tiny = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    with np.errstate(all="raise"):
        for values in ([np.nan], [np.inf], [np.inf, -np.inf], [np.nan, np.inf], [large, large]):
            for place in (0, 5, 1000):
                X = np.ones((40, 30), dtype)
                X.flat[place : place + len(values)] = values
                assert not base.has_finite_norm(X)
        assert base.has_finite_norm(np.full((3, 4), tiny))


def test_a_large_strided_input_is_not_copied(cls):
    model, X = fitted(cls, 3), np.zeros((200_000, 8))[:, ::2]

    def check():
        assert not base.surely_valid(model, X, sklearn.get_config())
        return X

    assert peak_of(check)[0] < 2**14


# ---- what the user may change after fit ---------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, int])
@pytest.mark.parametrize("container", [np.asarray, np.ndarray.tolist])
def test_new_attributes_of_a_neuron_count(dtype, container):
    X = np.random.RandomState(0).normal(size=(5, 4))
    model = fitted(LogisticNeuronClassifier, 3)
    coef, intercept = np.arange(12).reshape(3, 4).astype(dtype), np.array([0.5, -0.25, 0.75])
    model.predict(X)
    model.coef_, model.intercept_ = container(coef), container(intercept)
    model.classes_ = np.array(["a", "b", "c"])
    z = X @ coef.T + intercept
    assert_allclose(model.decision_function(X), z, rtol=1e-14)
    assert_array_equal(model.predict(X), model.classes_[z.argmax(axis=1)])
    two = fitted(LogisticNeuronClassifier, 2)
    two.predict(X)
    two.coef_[:], two.intercept_[:] = [[1.0, 2.0, 3.0, 4.0]], -1.0  # in place
    assert_allclose(two.decision_function(X), X @ [1.0, 2.0, 3.0, 4.0] - 1.0, rtol=1e-13)


def test_new_attributes_of_regressors_count():
    X = np.random.RandomState(0).normal(size=(5, 4))
    neuron = fitted(SigmoidNeuronRegressor, 1)
    before = neuron.predict(X)
    neuron.target_range_ = (1.0, 3.0)
    assert_allclose(neuron.predict(X), 1.0 + 2.0 * before, rtol=1e-14)
    neuron.coef_, neuron.intercept_ = [0.0, 0.0, 0.0, 0.0], 0.0
    assert_array_equal(neuron.predict(X), np.full(5, 2.0))
    network = fitted(ManualMLPRegressor, 1)
    before = network.predict(X)
    network.intercepts_[-1] = network.intercepts_[-1] + 1.0
    assert_allclose(network.predict(X), before + 1.0, rtol=1e-14)
    network.coefs_ = [np.zeros_like(W) for W in network.coefs_]
    assert_array_equal(network.predict(X), np.full(5, network.intercepts_[-1][0]))


def test_parameters_do_not_change_predictions(cls):
    X, model = np.random.RandomState(0).normal(size=(5, 4)), fitted(cls, 3)
    before = answers(model, X)
    model.set_params(alpha=3.0, random_state=5)
    if hasattr(model, "hidden_layer_sizes"):
        model.set_params(activation="tanh", hidden_layer_sizes=(2, 2))
    for twin in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        state = pickle.dumps(vars(twin))
        for name, answer in answers(twin, X).items():
            assert_array_equal(answer, before[name])
        assert pickle.dumps(vars(twin)) == state  # nothing is kept on the estimator


def test_threads_may_share_an_estimator(cls):
    model, wrong = fitted(cls, 3), []
    inputs = [np.random.RandomState(k).normal(size=(1 + k, 4)) for k in range(6)]
    expected = [answers(model, X) for X in inputs]

    def serve(X, right):
        for _ in range(50):
            for name, answer in answers(model, X).items():
                if not np.array_equal(answer, right[name]):
                    wrong.append(name)

    pairs = zip(inputs, expected, strict=True)
    threads = [threading.Thread(target=serve, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("classes", [2, 3])
def test_numpy_may_be_told_to_raise(cls, classes, size, X):
    """A probability near 0 is no error."""
    model = make(cls).fit(X, target_for(cls, len(X), classes=classes))
    for name in ("predict", "decision_function", "predict_proba", "predict_log_proba"):
        if hasattr(model, name):
            with np.errstate(all="raise"):
                answer = getattr(model, name)(X * size)
            assert_array_equal(answer, getattr(model, name)(X * size))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_probabilities_of_two_classes_at_the_ends(dtype):
    """One output whose logit is infinite, or whose probability is the smallest number."""
    model = fitted(LogisticNeuronClassifier, 2, dtype)
    tiny = np.finfo(dtype).smallest_subnormal
    for z, proba in ((np.inf, [tiny, 1.0]), (-np.inf, [1.0, tiny]), (0.0, [0.5, 0.5])):
        read_off = model._fitted_targets().proba
        assert_array_equal(read_off(np.array([[z]], dtype)), np.array([proba], dtype))


@pytest.mark.parametrize(("cls", "kind"), KINDS)
def test_weights_lie_in_memory_as_products_read_them(cls, kind):
    """For 1,000 samples and ten outputs BLAS takes twice as long if it has to transpose W."""
    for model in (fitted(cls, kind), pickle.loads(pickle.dumps(fitted(cls, kind)))):
        assert all(W.flags.c_contiguous for W in parameters_of(model)[0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_probabilities_of_several_labels_keep_the_order_of_large_logits(dtype):
    """The bounds are the smallest whole logit of a normal number and the largest below 1."""
    _, low, high = ORDER[np.dtype(dtype)]
    z = np.array([low - 1.0, low, high, high + 1.0], dtype)
    a = np.empty_like(z)
    Logistic().forward(z, a)
    assert (a < np.finfo(dtype).tiny).tolist() == [True, False, False, False]
    assert (a == 1.0).tolist() == [False, False, False, True]
    z = np.array([[-1e30, -5.0, 5.0, 20.0, 30.0, 60.0, 1e30]], dtype)
    kept = keep_order(z)
    assert (np.diff(kept) > 0.0).all()
    assert_array_equal(kept[0, [0, 1, 2, -1]], [low, -5.0, 5.0, high])
