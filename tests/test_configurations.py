"""scikit-learn's checks of more than 200 configurations of the estimators, in both engines.

One configuration of each estimator is checked by default. All of them take about a quarter of an
hour::

    SKLEARN_NEURON_TEST_CONFIGURATIONS=all SCIPY_ARRAY_API=1 pytest tests/test_configurations.py

A check may fail where a row of EXPECTED says why; when all are run, each row must be needed.
"""

import itertools
import os
from typing import NamedTuple

import pytest
from sklearn.utils.estimator_checks import check_estimator

from sklearn_neuron import (
    SGD,
    Adam,
    AdamW,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    Record,
    RMSprop,
    SigmoidNeuronRegressor,
    config_context,
)
from sklearn_neuron._engine.solvers import SOLVERS
from sklearn_neuron.activations import ELU, LeakyReLU
from sklearn_neuron.losses import CrossEntropy, Huber, Quantile
from sklearn_neuron.schedules import Cosine, Restarts

ALL = os.environ.get("SKLEARN_NEURON_TEST_CONFIGURATIONS") == "all"

OPTIMIZERS = [
    "sgd",
    "adam",
    "adamw",
    "rmsprop",
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True, max_norm=1.0),
    SGD(average=True),
    Adam(average=2),
    AdamW(weight_decay=0.01),
    RMSprop(momentum=0.5),
]
SCHEDULES = [
    "constant",
    "invscaling",
    "exponential",
    "cosine",
    "adaptive",
    "restarts",
    Cosine(),
    Restarts(),
]
CONTROL = [
    {"early_stopping": True},
    {"early_stopping": True, "validation_fraction": 0.3, "record": "epoch"},
    {"tol": None, "max_iter": 30},
    {"shuffle": False},
    {"warm_start": True},
    {"record": "epoch"},
    {"record": Record("step", every=3, state=True)},
    {"random_state": 7},
    {"fit_intercept": False},
]
BATCHES = [{"batch_size": size} for size in (1, 7, 30, 1000, None)]
ACTIVATIONS = [
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    LeakyReLU(0.2),
    ELU(0.5),
]


def neurons(cls):
    """Return the configurations of a neuron."""
    yield from ({"solver": optimizer} for optimizer in OPTIMIZERS)
    yield from ({"schedule": schedule} for schedule in SCHEDULES)
    yield from CONTROL
    yield from BATCHES
    yield from ({"alpha": 0.01, "l1_ratio": ratio} for ratio in (0.0, 0.5, 1.0))
    if cls is PerceptronClassifier:
        return
    for solver, alpha in itertools.product(["lbfgs", "newton", "newton-cg"], [0.0, 0.1]):
        yield {"solver": solver, "alpha": alpha}
    if cls is SigmoidNeuronRegressor:
        yield from ({"loss": loss} for loss in ("binary_cross_entropy", "squared_error"))
        yield {"target_range": (-1e4, 1e4)}


def networks(cls):
    """Return the configurations of a network."""
    small = {"hidden_layer_sizes": (8,)}
    yield from (small | {"solver": optimizer} for optimizer in OPTIMIZERS)
    yield from (small | {"schedule": schedule} for schedule in SCHEDULES)
    yield from (small | control for control in CONTROL if "fit_intercept" not in control)
    yield from (small | batch for batch in BATCHES)
    yield from (small | {"activation": activation} for activation in ACTIVATIONS)
    yield from ({"hidden_layer_sizes": sizes} for sizes in ((), (1,), (6, 5), (5, 4, 3, 3)))
    yield {"hidden_layer_sizes": (6, 5), "activation": ["tanh", "relu"]}
    yield from (small | {"solver": "lbfgs", "alpha": alpha} for alpha in (1e-3, 0.1))
    yield small | {"alpha": 0.01, "n_init": 3}
    yield small | {"dropout": 0.2}
    yield small | {"early_stopping": False}
    if cls is ManualMLPClassifier:
        yield small | {"class_weight": "balanced"}
        yield small | {"loss": CrossEntropy(label_smoothing=0.1)}
    else:
        losses = ["absolute_error", "huber", "quantile", Huber(3.0), Quantile(0.9)]
        yield from (small | {"loss": loss} for loss in losses)


FAMILIES = {
    SigmoidNeuronRegressor: neurons,
    LogisticNeuronClassifier: neurons,
    PerceptronClassifier: neurons,
    ManualMLPClassifier: networks,
    ManualMLPRegressor: networks,
}
SOME = (0, 47, 94, 140, 188)  # one of each estimator
CONFIGURATIONS = [(cls, params) for cls, family in FAMILIES.items() for params in family(cls)]
EQUIVALENCE = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
CLASS_WEIGHT = ("check_class_weight_classifiers",)
TRAIN = ("check_classifiers_train",)
ROWS_OF_THE_CHECKS = 30  # of weights against repetitions; a larger batch holds them all


class Row(NamedTuple):
    """Checks that may fail, of which configurations, and why."""

    reason: str
    checks: tuple[str, ...]
    applies: object  # estimator → bool


def has_updates(estimator):
    return estimator.solver not in SOLVERS


def is_full_batch(estimator):
    return estimator.batch_size is None or (
        estimator.batch_size != "auto" and estimator.batch_size >= 1000
    )


def holds_out(estimator):
    return estimator.early_stopping is True


def is_plain_sgd(estimator):
    return isinstance(estimator.solver, SGD) or estimator.solver == "sgd"


EXPECTED = [
    Row(
        "mini-batches of repeated rows are other batches than those of weighted rows",
        EQUIVALENCE,
        lambda e: (
            has_updates(e) and isinstance(e.batch_size, int) and e.batch_size < ROWS_OF_THE_CHECKS
        ),
    ),
    Row(
        "of repeated rows other ones are held out than of weighted rows",
        EQUIVALENCE,
        holds_out,
    ),
    Row(
        "dropout draws a mask for each row, and repeated rows have masks of their own",
        EQUIVALENCE,
        lambda e: getattr(e, "dropout", 0.0) > 0.0,
    ),
    Row(
        "L-BFGS ends within tol of a minimum of a network, and sums of other order take it to "
        "another place there",
        EQUIVALENCE,
        lambda e: isinstance(e, ManualMLPRegressor) and e.solver == "lbfgs" and e.alpha < 0.01,
    ),
    Row(
        "a second fit continues the first, and the check wants the same predictions of both",
        ("check_supervised_y_2d",),
        lambda e: e.warm_start,
    ),
    Row(
        "a log-probability of -3e-8 is exact where the probability is rounded to 1 in float32",
        TRAIN,
        lambda e: isinstance(e, LogisticNeuronClassifier) and e.warm_start,
    ),
    Row(
        "without an intercept a line through the origin cannot favour a class: "
        "LogisticRegression(fit_intercept=False) fails, too",
        (*CLASS_WEIGHT, *TRAIN),
        lambda e: getattr(e, "fit_intercept", True) is False,
    ),
    Row(
        "class weights do not count in the accuracy on held-out samples, which chooses the epoch",
        CLASS_WEIGHT,
        holds_out,
    ),
    Row(
        "1,000 epochs of few or falling steps have not yet moved the boundary out of the data",
        CLASS_WEIGHT,
        lambda e: (
            isinstance(e, LogisticNeuronClassifier)
            and has_updates(e)
            and (is_full_batch(e) or e.schedule not in ("constant", "adaptive") or averages(e))
        ),
    ),
    Row(
        "a perceptron does not converge where classes overlap, and ends wherever its last batch "
        "took it",
        (*CLASS_WEIGHT, *TRAIN),
        lambda e: (
            isinstance(e, PerceptronClassifier)
            and (e.solver != "sgd" or not e.shuffle or is_full_batch(e))
        ),
    ),
    Row(
        "one unit, or four layers of few units, do not tell three classes apart in 200 epochs: "
        "MLPClassifier fails with these, too",
        TRAIN,
        lambda e: getattr(e, "hidden_layer_sizes", None) in [(1,), (5, 4, 3, 3)],
    ),
    Row(
        "gradient descent at the default eta, which is Adam's, diverges for features of 100 "
        "units, and says so",
        (
            "check_regressor_multioutput",
            "check_fit_idempotent",
            "check_fit_check_is_fitted",
            "check_n_features_in",
        ),
        lambda e: isinstance(e, ManualMLPRegressor) and is_plain_sgd(e),
    ),
]


def averages(estimator):
    return bool(getattr(estimator.solver, "average", False))


def expected_of(estimator):
    """Return the rows of a configuration by the names of the checks, the first that applies."""
    return {
        check: row for row in reversed(EXPECTED) if row.applies(estimator) for check in row.checks
    }


def failures_of(number):
    """Return the expected row, or None, of each check that fails for a configuration."""
    cls, params = CONFIGURATIONS[number]
    estimator = cls(**params)
    with config_context(engine=("auto", "numpy")[number % 2]):
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    rows = expected_of(estimator)
    return {name: (rows.get(name), error) for name, error in failed.items()}


def test_there_are_more_than_200():
    assert len({repr(each) for each in CONFIGURATIONS}) == len(CONFIGURATIONS) >= 200


NEEDED: set = set()  # the reasons that a failure was met for


# A held-out sample of too few rows, or a constant column, is worth a warning; the checks have both.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("number", range(len(CONFIGURATIONS)) if ALL else SOME)
def test_scikit_learn_checks_of_a_configuration(number):
    failures = failures_of(number)
    NEEDED.update(row.reason for row, _ in failures.values() if row)
    unexpected = {name: repr(error) for name, (row, error) in failures.items() if row is None}
    assert not unexpected


@pytest.mark.skipif(not ALL, reason="SKLEARN_NEURON_TEST_CONFIGURATIONS=all checks the table")
def test_every_reason_is_needed():
    """Runs after the configurations, in their process: without ``-n`` and without random order."""
    assert {row.reason for row in EXPECTED} == NEEDED
