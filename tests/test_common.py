"""scikit-learn's own checks, for every estimator, by default and by L-BFGS."""

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)

WITH_LBFGS = [
    SigmoidNeuronRegressor,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
]
ALL = [*WITH_LBFGS, PerceptronClassifier]
MINI_BATCHES_DIFFER = (
    "the checks compare weights with repeated rows, and mini-batches of repeated rows are other "
    "batches; with batch_size=None they pass, see FULL_BATCH"
)
EQUIVALENCE = [
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
]

MINI_BATCH = [cls() for cls in ALL]
FULL_BATCH = [cls(batch_size=None) for cls in ALL]
LBFGS = [cls(solver="lbfgs") for cls in WITH_LBFGS]


def expected_failures(estimator):
    full_batch = estimator.batch_size is None or estimator.solver == "lbfgs"
    return {} if full_batch else dict.fromkeys(EQUIVALENCE, MINI_BATCHES_DIFFER)


@parametrize_with_checks(MINI_BATCH + LBFGS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@parametrize_with_checks(FULL_BATCH)
def test_weights_equal_repeated_rows(estimator, check):
    if check.func.__name__ not in EQUIVALENCE:
        pytest.skip("checked above")
    check(estimator)


@pytest.mark.parametrize("estimator", MINI_BATCH + LBFGS, ids=repr)
def test_check_estimator(estimator):
    """The one-call form that a user would run reports nothing but what is expected."""
    results = check_estimator(
        estimator,
        expected_failed_checks=expected_failures(estimator),
        on_fail=None,
        on_skip=None,
    )
    failed = [r["check_name"] for r in results if r["status"] == "failed"]
    xfailed = {r["check_name"] for r in results if r["status"] == "xfail"}
    assert not failed
    assert xfailed == set(expected_failures(estimator))
