"""The memory of ``fit`` beyond X and y: so many bytes for each row, by tracemalloc.

A bound is the slope between two numbers of rows, so that what a fit needs however many rows
there are (buffers, parameters) does not count. Two bytes are left for rounding and chance.
"""

import tracemalloc

import numpy as np
import pytest
from helpers import CLASSIFIERS, ESTIMATORS, NETWORKS, make
from scipy import sparse

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._engine import batches

ROWS = 40_000, 120_000
N_FEATURES = 12  # 96 bytes a row, that no copy can hide in the bounds
ORDER = 8  # the permutation of shuffled rows
WEIGHT = 8  # a weight scaled to mean 1
DENSE = np.random.RandomState(0).normal(size=(ROWS[1], N_FEATURES))
CONTAINERS = {
    "dense": DENSE,
    "float32": DENSE.astype(np.float32),
    "csr": sparse.csr_array(np.where(DENSE > 0, DENSE, 0.0)),
}
NUMBERS = np.random.RandomState(1).uniform(size=ROWS[1])


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Both numbers of rows are many blocks, so that one block more or less is next to nothing."""
    monkeypatch.setattr(batches, "BLOCK_BYTES", 1 << 16)


def targets(cls, n_classes=2):
    """Return what gives y of so many rows."""
    if cls in CLASSIFIERS:
        return lambda n: np.arange(n) % n_classes
    return lambda n: NUMBERS[:n].copy()


def bytes_per_row(model, X, y_for, weighted=False):
    """Return how the peak of ``fit`` grows from the smaller to the larger number of rows."""
    peaks = []
    model.fit(X[:100], y_for(100))  # what is imported or cached at the first call
    for n in ROWS:
        X_n, y = X[:n].copy(), y_for(n)
        weight = NUMBERS[:n] + 0.5 if weighted else None
        tracemalloc.start()
        try:
            model.fit(X_n, y, sample_weight=weight)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return (peaks[1] - peaks[0]) / (ROWS[1] - ROWS[0])


def small(cls, **params):
    if cls in NETWORKS:
        params["hidden_layer_sizes"] = (16,)  # 128 bytes a row, were all rows alive at once
    return make(cls, max_iter=1, **params)


def kept(cls, X, n_classes):
    """Return the bytes a row that training keeps beside X and y: the network's targets Y."""
    if cls in CLASSIFIERS:
        return 1 if n_classes == 2 else n_classes
    # y on the (0, 1) scale, or in the units that training sees it in
    return X.dtype.itemsize


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("n_classes", [2, 10])
def test_mini_batches_need_a_permutation(cls, n_classes, container):
    """And the targets, a byte for each class. X is not copied."""
    X = CONTAINERS[container]
    slope = bytes_per_row(small(cls, batch_size=1000), X, targets(cls, n_classes))
    transient = 4 if cls is SigmoidNeuronRegressor and X.dtype == np.float32 else 0
    assert slope < ORDER + kept(cls, X, n_classes) + transient + 2


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_a_full_batch_needs_no_row_twice(cls, solver, container):
    """Its blocks are views; those of CSR have 4 bytes of their own for each row's start."""
    if solver == "lbfgs" and "lbfgs" not in cls._constraints["solver"].names:
        pytest.skip("no lbfgs")
    X = CONTAINERS[container]
    slope = bytes_per_row(small(cls, batch_size=None, solver=solver), X, targets(cls))
    # classes pass by as codes, eight bytes, before they are bool; numbers in float64
    assert slope < 8 + kept(cls, X, 2) + (4 if container == "csr" else 0) + 2


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("batch_size", [1000, None])
def test_weights_need_two_numbers_a_row(cls, batch_size):
    model = small(cls, batch_size=batch_size)
    slope = bytes_per_row(model, DENSE, targets(cls), weighted=True)
    assert slope < WEIGHT + ORDER + kept(cls, DENSE, 2) + 2  # or a share, where there is no order


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0}], ids=["balanced", "dict"])
def test_class_weights_need_three(class_weight):
    model = small(LogisticNeuronClassifier, batch_size=1000, class_weight=class_weight)
    assert bytes_per_row(model, DENSE, lambda n: np.arange(n) % 2) < 3 * WEIGHT + 2


def test_labels_that_are_strings():
    y = np.array(["no", "yes"], dtype=object)[np.arange(ROWS[1]) % 2]
    model = small(LogisticNeuronClassifier, batch_size=1000)
    assert bytes_per_row(model, DENSE, lambda n: y[:n]) < ORDER + 1 + 4


def test_labels_that_are_columns():
    """scikit-learn's own look at an indicator matrix of float64 is what is left to bound it."""
    Y = (np.random.RandomState(2).uniform(size=(ROWS[1], 10)) > 0.5).astype(bool)
    model = small(ManualMLPClassifier, batch_size=1000)
    assert bytes_per_row(model, DENSE, lambda n: Y[:n]) < 3 * 10 + 2
