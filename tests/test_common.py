"""scikit-learn's own checks, for every estimator, by default and by solvers without updates."""

import pytest
from sklearn.utils.estimator_checks import (
    check_estimator,
    parametrize_with_checks,
)
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data as dense,
)
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_sparse_data as on_sparse,
)

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
    config_context,
)
from sklearn_neuron._engine.solvers import SOLVERS

WITH_LBFGS = [
    SigmoidNeuronRegressor,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
]
ALL = [*WITH_LBFGS, PerceptronClassifier]
MINI_BATCHES_DIFFER = (
    "the checks compare weights with repeated rows, and mini-batches of repeated rows are other "
    "batches; with batch_size=None and with solvers without updates they pass"
)
EQUIVALENCE = [
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
]

ROWS_OF_THE_CHECKS = 30  # at most; a larger batch holds them all

DEFAULT = [cls() for cls in ALL]
MINI_BATCH = [cls(batch_size=4) for cls in ALL]
IN_NUMPY = [*(cls(batch_size=16) for cls in WITH_LBFGS), PerceptronClassifier(batch_size=4)]
FULL_BATCH = [cls(batch_size=None) for cls in ALL]
WITHOUT_UPDATES = [
    *(cls(solver="lbfgs") for cls in WITH_LBFGS),
    ManualMLPClassifier(solver="lbfgs", alpha=1e-3),
    *(
        cls(solver=solver)
        for solver in sorted(SOLVERS.keys() - {"lbfgs"})
        for cls in (SigmoidNeuronRegressor, LogisticNeuronClassifier)
    ),
]


#: The check wants log-probabilities within a factor of 9 of the logarithms of the probabilities.
#: L-BFGS without a penalty takes a network's logits beyond 10,000 on the check's separable data,
#: where a probability is e^-10,000: its logarithm is exact, but the smallest number is e^-745.
LOGITS_BEYOND_ALL_PROBABILITIES = "exact log-probabilities of -11,000, whose exp is no number"


def expected_failures(estimator):
    if (
        estimator.get_params().items()
        >= {"solver": "lbfgs", "alpha": "auto", "dropout": 0.0}.items()
    ):
        classifier = isinstance(estimator, ManualMLPClassifier)
        return {"check_classifiers_train": LOGITS_BEYOND_ALL_PROBABILITIES} if classifier else {}
    mini_batches = (estimator.batch_size or ROWS_OF_THE_CHECKS) < ROWS_OF_THE_CHECKS
    if mini_batches and estimator.solver not in SOLVERS:
        return dict.fromkeys(EQUIVALENCE, MINI_BATCHES_DIFFER)
    return {}


@parametrize_with_checks(DEFAULT + WITHOUT_UPDATES, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.needs_core  # without it, all of these tests run in NumPy
@parametrize_with_checks(IN_NUMPY, expected_failed_checks=expected_failures)
def test_scikit_learn_checks_in_numpy(estimator, check):
    with config_context(engine="numpy"):
        check(estimator)


@pytest.mark.parametrize("estimator", FULL_BATCH, ids=repr)
@pytest.mark.parametrize("check", [dense, on_sparse], ids=EQUIVALENCE)
def test_weights_equal_repeated_rows_in_a_full_batch(estimator, check):
    check(type(estimator).__name__, estimator)


@pytest.mark.parametrize("estimator", MINI_BATCH, ids=repr)
@pytest.mark.parametrize("check", [dense, on_sparse], ids=EQUIVALENCE)
def test_mini_batches_are_the_expected_failures(estimator, check):
    """Holds the reason in writing to account: were it wrong, there were no failure to expect."""
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(type(estimator).__name__, estimator)


@pytest.mark.needs_core  # NumPy takes half a minute for what it has run one by one above
def test_check_estimator():
    """The one-call form, for the one default that has failures to expect."""
    results = check_estimator(
        PerceptronClassifier(),
        expected_failed_checks=expected_failures(PerceptronClassifier()),
        on_fail=None,
        on_skip=None,
    )
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(EQUIVALENCE)
    assert not [r["check_name"] for r in results if r["status"] == "failed"]


@pytest.mark.needs_core  # as above
@pytest.mark.parametrize("cls", WITH_LBFGS)
def test_the_first_thing_that_users_try(cls):
    """The README's line: without expected failures, for all but the perceptron."""
    check_estimator(cls(), on_skip=None)
