"""Predictions pass by in blocks: the same numbers, in memory that does not grow with X."""

import tracemalloc

import numpy as np
import pytest
import sklearn
from helpers import CLASSIFIERS, ESTIMATORS, make, target_for
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_neuron import ManualMLPClassifier

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
