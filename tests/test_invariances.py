"""What must not matter: how weights are written, zeros, order, layout, containers, dtype."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from helpers import ESTIMATORS, REGRESSORS, WITH_LBFGS, make, parameters_of, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_neuron import SGD, LogisticNeuronClassifier, config_context

FULL_BATCH = [
    *(pytest.param(cls, {"batch_size": None}, id=f"{cls.__name__}-full") for cls in ESTIMATORS),
    *(pytest.param(cls, {"solver": "lbfgs"}, id=f"{cls.__name__}-lbfgs") for cls in WITH_LBFGS),
]
same = {"rtol": 1e-9, "atol": 1e-11}


def fit(cls, X, y, weight=None, **params):
    return make(cls, **params).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize(("cls", "how"), FULL_BATCH)
def test_integer_weights_equal_repeated_rows(cls, how, alpha, X):
    y, counts = target_for(cls, 30), np.random.RandomState(1).randint(1, 4, size=30)
    weighted = fit(cls, X, y, counts, alpha=alpha, **how)
    repeated = fit(cls, np.repeat(X, counts, axis=0), np.repeat(y, counts), alpha=alpha, **how)
    assert_allclose(weights_of(weighted), weights_of(repeated), rtol=1e-6, atol=1e-8)
    assert_allclose(weighted.loss_, repeated.loss_, rtol=1e-8)


@pytest.mark.parametrize(("cls", "how"), FULL_BATCH)
def test_zero_weight_equals_a_removed_row(cls, how, X):
    y, keep = target_for(cls, 30), np.random.RandomState(2).uniform(size=30) > 0.3
    y[~keep] = 0.999 if cls in REGRESSORS else (y[~keep] + 1) % 3
    zeroed = fit(cls, X, y, keep * 2.0, **how)
    removed = fit(cls, X[keep], y[keep], **how)
    assert_allclose(weights_of(zeroed), weights_of(removed), **same)


def test_zero_weight_equals_a_removed_row_in_mini_batches(cls, X):
    y, keep = target_for(cls, 30), np.arange(30) % 4 != 0
    zeroed = fit(cls, X, y, keep.astype(float), batch_size=4)
    assert_allclose(
        weights_of(zeroed), weights_of(fit(cls, X[keep], y[keep], batch_size=4)), **same
    )


def test_zero_weight_hides_targets_from_the_range(X):
    y = np.linspace(0, 1, 30)
    y[3] = 1e6
    weight = np.ones(30)
    weight[3] = 0
    model = fit(REGRESSORS[0], X, y, weight)
    assert model.target_range_ == (0.0, 1.0)


@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_only_ratios_of_weights_matter(cls, batch_size, X):
    y, weight = target_for(cls, 30), np.random.RandomState(1).uniform(0.5, 2, size=30)
    one, other = (fit(cls, X, y, w, batch_size=batch_size) for w in (weight, 1e3 * weight))
    assert_allclose(weights_of(one), weights_of(other), **same)
    ones, none = (fit(cls, X, y, w, batch_size=batch_size) for w in (np.full(30, 7.0), None))
    assert_allclose(weights_of(ones), weights_of(none), **same)
    assert np.abs(weights_of(one) - weights_of(none)).max() > 1e-4  # and ratios do


def test_class_weight_equals_sample_weight(classifier, X):
    y = np.array(["a", "b", "b", "c", "c"])[np.arange(30) % 5]
    by_class = fit(classifier, X, y, class_weight={"a": 3.0, "b": 0.5, "c": 1.0})
    by_row = fit(classifier, X, y, np.select([y == "a", y == "b"], [3.0, 0.5], 1.0))
    assert_allclose(weights_of(by_class), weights_of(by_row), **same)
    balanced = fit(classifier, X, y, class_weight="balanced")
    by_row = fit(classifier, X, y, np.where(y == "a", 2.0, 1.0))
    assert_allclose(weights_of(balanced), weights_of(by_row), **same)


def test_balanced_counts_rows_by_their_weight(classifier, X):
    y, counts = np.arange(30) % 3, np.random.RandomState(1).randint(1, 4, size=30)
    how = {"class_weight": "balanced", "batch_size": None}
    weighted = fit(classifier, X, y, counts, **how)
    repeated = fit(classifier, np.repeat(X, counts, axis=0), np.repeat(y, counts), **how)
    assert_allclose(weights_of(weighted), weights_of(repeated), **same)


@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize(
    "container",
    [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_array],
)
def test_sparse_equals_dense(cls, container, batch_size, X):
    X[np.abs(X) < 0.5] = 0.0
    y = target_for(cls, 30)
    dense, other = (fit(cls, data, y, batch_size=batch_size) for data in (X, container(X)))
    assert_allclose(weights_of(dense), weights_of(other), **same)
    assert_allclose(dense.predict(X), other.predict(container(X)), **same)


def test_sparse_with_wide_indices(cls, X):
    csr = sparse.csr_array(X)
    csr.indices, csr.indptr = csr.indices.astype(np.int64), csr.indptr.astype(np.int64)
    y = target_for(cls, 30)
    assert_allclose(weights_of(fit(cls, csr, y)), weights_of(fit(cls, X, y)), **same)


def stored(X, how):
    """Return the same in CSR, stored in another way."""
    csr = sparse.csr_array(X)
    if how == "with slack":  # longer arrays than entries
        csr.data, csr.indices = np.append(csr.data, 1e9), np.append(csr.indices, 0)
        return csr
    data, indices = np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2)
    return sparse.csr_array((data, indices, 2 * csr.indptr), shape=X.shape)


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize("how", ["with slack", "by halves"])
@pytest.mark.parametrize(
    ("cls", "solver"),
    [
        (cls, solver)
        for cls in ESTIMATORS
        for solver in ("sgd", "lbfgs", "newton", "newton-cg")
        if solver in cls._constraints["solver"].names
    ],
)
def test_how_entries_are_stored_does_not_matter(cls, solver, how, engine, X):
    """To the bit, the rate and the preconditioner that squares of entries decide included."""
    params = {"solver": solver, "alpha": 0.01, "max_iter": 2, "tol": 1e-9}
    with config_context(engine=engine):
        models = [
            fit(cls, data, target_for(cls, 30), **params)
            for data in (sparse.csr_array(X), stored(X, how))
        ]
    assert_array_equal(weights_of(models[1]), weights_of(models[0]))
    assert models[1].eta_ == models[0].eta_


@pytest.mark.parametrize("batch_size", [4, None])
def test_containers_and_layouts(cls, batch_size, X, pd):
    y = target_for(cls, 30)
    expected = weights_of(fit(cls, X, y, batch_size=batch_size))
    wide = np.repeat(X, 2, axis=1)
    for other in (
        np.asfortranarray(X),
        wide[:, ::2],
        X.tolist(),
        pd.DataFrame(X),
        X.astype(object),
    ):
        model = fit(cls, other, y.tolist(), batch_size=batch_size)
        assert_allclose(weights_of(model), expected, **same)
    model = fit(cls, X, pd.Series(y), pd.Series(np.ones(30)), batch_size=batch_size)
    assert_allclose(weights_of(model), expected, **same)


def test_order_of_columns_permutes_weights(X):
    y, order = np.arange(30) % 3, [2, 0, 3, 1]
    model = fit(LogisticNeuronClassifier, X, y, batch_size=4)
    permuted = fit(LogisticNeuronClassifier, X[:, order], y, batch_size=4)
    assert_allclose(permuted.coef_, model.coef_[:, order], **same)
    assert_allclose(permuted.predict_proba(X[:, order]), model.predict_proba(X), **same)


@pytest.mark.parametrize(("cls", "how"), FULL_BATCH)
def test_order_of_rows_does_not_matter_to_a_full_batch(cls, how, X):
    y, order = target_for(cls, 30), np.random.RandomState(3).permutation(30)
    model, shuffled = fit(cls, X, y, **how), fit(cls, X[order], y[order], **how)
    assert_allclose(weights_of(model), weights_of(shuffled), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_float32_stays_and_agrees(cls, batch_size, X):
    y = target_for(cls, 30)
    how = {"batch_size": batch_size, "eta": 0.01}
    single, double = fit(cls, X.astype(np.float32), y, **how), fit(cls, X, y, **how)
    assert all(part.dtype == np.float32 for parts in parameters_of(single) for part in parts)
    assert_allclose(weights_of(single), weights_of(double), rtol=1e-3, atol=1e-4)
    if cls in REGRESSORS:
        assert single.predict(X.astype(np.float32)).dtype == np.float32
    else:
        assert single.decision_function(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("batch_size", [4, None])
def test_same_random_state_same_model(cls, batch_size, X):
    y = target_for(cls, 30)
    one, other = (fit(cls, X, y, batch_size=batch_size) for _ in range(2))
    assert_array_equal(weights_of(one), weights_of(other))
    again = one.fit(X, y)
    assert_array_equal(weights_of(again), weights_of(other))
    instance = make(cls, random_state=np.random.RandomState(0), batch_size=batch_size).fit(X, y)
    assert_array_equal(weights_of(instance), weights_of(other))
    if batch_size is not None:
        different = fit(cls, X, y, batch_size=batch_size, random_state=1)
        assert np.abs(weights_of(different) - weights_of(one)).max() > 1e-6


def test_no_seed_no_repetition(cls, X):
    y = target_for(cls, 30)
    one, other = (fit(cls, X, y, batch_size=1, random_state=None) for _ in range(2))
    assert np.abs(weights_of(one) - weights_of(other)).max() > 0


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize(
    "round_trip",
    [lambda m: pickle.loads(pickle.dumps(m)), through_joblib, copy.deepcopy],
    ids=["pickle", "joblib", "deepcopy"],
)
def test_round_trips(cls, round_trip, X):
    y = target_for(cls, 30)
    model = fit(cls, X, y, solver=SGD(0.9), batch_size=4)
    twin = round_trip(model)
    assert_array_equal(twin.predict(X), model.predict(X))
    assert_array_equal(weights_of(twin.partial_fit(X, y)), weights_of(model.partial_fit(X, y)))


def test_inputs_are_never_written_to(cls, X):
    y, weight = target_for(cls, 30), np.linspace(0, 2, 30)
    frozen = [X.copy(), y.copy(), weight.copy()]
    for array in frozen:
        array.flags.writeable = False
    for params in ({"batch_size": 4}, {"batch_size": None}, {"batch_size": 4, "shuffle": False}):
        model = make(cls, **params).fit(*frozen)
        model.partial_fit(frozen[0], frozen[1])
        model.predict(frozen[0])
    for array, original in zip(frozen, (X, y, weight), strict=True):
        assert_array_equal(array, original)
