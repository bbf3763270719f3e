"""What is around an estimator in a model of skl2onnx: what it wants, and what it gets wrong.

skl2onnx asks classifiers for raw scores by an option, but not through pipelines and searches; and
some of its converters do not compute what scikit-learn computes. Such a model loads without an
error, and its answers are wrong. The converter of an estimator sees all models that contain it. It
gives what makes the answers right, and where nothing does it raises an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import Pipeline

from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron.onnx._answers import is_probabilistic, write_probabilities, write_scores
from sklearn_neuron.onnx._graph import Graph


def models_around(scope: Any, *kinds: type) -> Iterator[Any]:
    """Yield the models of some kinds that are being converted."""
    for operator in scope.operators.values():
        if isinstance(operator.raw_operator, kinds):
            yield operator.raw_operator


def unwrapped(model: Any) -> Iterator[Any]:
    """Yield a model, and what answers for it: the last step of a pipeline, the best of a search."""
    while True:
        yield model
        if isinstance(model, Pipeline):
            model = model.steps[-1][1]
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif isinstance(model, TunedThresholdClassifierCV):
            model = model.estimator_
        else:
            return


def last_step(model: Any) -> Any:
    """Return the estimator that answers for a pipeline or a search, however nested."""
    *_, last = unwrapped(model)
    return last


# ---- what is wanted -----------------------------------------------------------------------------


def asked_for_raw_scores(outer: Any) -> list[Any]:
    """Return the models whose decision function an outer one computes with."""
    if isinstance(outer, CalibratedClassifierCV):
        inner = [each.estimator for each in outer.calibrated_classifiers_]
        return [model for model in inner if hasattr(model, "decision_function")]
    if isinstance(outer, StackingClassifier):
        pairs = zip(outer.estimators_, outer.stack_method_, strict=True)
        return [model for model, method in pairs if method == "decision_function"]
    return []


def asks_for_raw_scores(scope: Any, container: Any, estimator: Any) -> bool:
    """Return whether raw scores of a classifier are wanted in place of probabilities.

    skl2onnx says so by an option of the classifier. But where the classifier is the last step of a
    pipeline the option is the pipeline's, which does not pass it on; and a search is not asked at
    all. Without an error, calibration would take probabilities for logits, as it does with
    scikit-learn's own classifiers in a pipeline.
    """
    option = {"raw_scores": False}
    if container.get_options(estimator, dict(option))["raw_scores"]:
        return True
    for outer in models_around(scope, CalibratedClassifierCV, StackingClassifier):
        if any(last_step(model) is estimator for model in asked_for_raw_scores(outer)):
            return True
    return any(
        last_step(outer) is estimator and container.get_options(outer, dict(option))["raw_scores"]
        for outer in models_around(scope, Pipeline)
    )


def asks_for_votes(scope: Any, container: Any, estimator: Any) -> bool:
    """Return whether 0 and 1 are wanted of a classifier that has no probabilities.

    skl2onnx's one-vs-rest of two classes, or of several labels, is positive above 0.5, as if all
    classifiers had probabilities.
    """
    for outer in models_around(scope, OneVsRestClassifier):
        halved = outer.multilabel_ or len(outer.estimators_) == 1
        raw = container.get_options(outer, {"raw_scores": False})["raw_scores"]
        if halved and not raw and any(last_step(each) is estimator for each in outer.estimators_):
            return True
    return False


def write_tuned_label(graph: Graph, scope: Any, estimator: Any, targets: Any, z: str) -> str | None:
    """Write the code of the class that a tuned threshold decides for, or return None without one.

    skl2onnx does not apply ``best_threshold_``: it takes the label of the classifier inside.
    """
    tuned = [
        outer
        for outer in models_around(scope, TunedThresholdClassifierCV)
        if last_step(outer) is estimator
    ]
    if not tuned:
        return None
    chosen = tuned[0]._curve_scorer._get_pos_label()
    k = 1 if chosen is None else int(np.flatnonzero(targets.classes == chosen)[0])
    if is_probabilistic(estimator) and tuned[0].response_method != "decision_function":
        score = graph.node("Gather", write_probabilities(graph, targets, z), graph.const(k), axis=1)
    else:
        score = graph.node("Reshape", write_scores(graph, targets, z), graph.const([-1]))
        score = score if k else graph.node("Neg", score)
    reached = graph.node("GreaterOrEqual", score, graph.const(float(tuned[0].best_threshold_)))
    return graph.node("Where", reached, graph.const(k), graph.const(1 - k))


# ---- what is wrong ------------------------------------------------------------------------------


def lacks_raw_scores(outer: Any) -> bool:
    """Return whether an outer model gets probabilities for the raw scores that it computes with."""
    for model in asked_for_raw_scores(outer):
        last = last_step(model)
        if last is not model and not isinstance(last, NetworkEstimator):
            return hasattr(last, "decision_function")
    return False


def lacks_threshold(outer: Any) -> bool:
    """Return whether the threshold of an outer model is not applied."""
    if isinstance(outer, VotingClassifier):  # which does not read labels
        return outer.voting == "hard" and any(
            isinstance(each, TunedThresholdClassifierCV)
            for model in outer.estimators_
            for each in unwrapped(model)
        )
    return not isinstance(last_step(outer), NetworkEstimator)


def has_means_of_probabilities(outer: Any) -> bool:
    """Return whether means of probabilities are compared in place of means of raw scores."""
    return any(
        isinstance(last_step(each), BaggingClassifier) and hasattr(each, "decision_function")
        for each in outer.estimators_
    )


class Fault(NamedTuple):
    """What skl2onnx 1.20 converts without an error, when the answers of the model are wrong."""

    kinds: tuple[type, ...]
    is_present: Callable[[Any], bool]
    what: str
    remedy: str


FAULTS = (
    Fault(
        (CalibratedClassifierCV, StackingClassifier),
        lacks_raw_scores,
        "takes probabilities for the decision function of a classifier in a pipeline or a search",
        "Put CalibratedClassifierCV inside the pipeline or search; stack by 'predict_proba'.",
    ),
    Fault(
        (CalibratedClassifierCV,),
        lambda outer: outer.method == "isotonic",
        "has other probabilities with method='isotonic'",
        "Use method='sigmoid'.",
    ),
    Fault(
        (TunedThresholdClassifierCV, VotingClassifier),
        lacks_threshold,
        "does not apply a tuned threshold",
        "Tune that of an estimator of sklearn_neuron, alone or at the end of a pipeline or search.",
    ),
    Fault(
        (OneVsOneClassifier,),
        lambda _: True,
        "returns a column of codes in place of classes",
        "Use OneVsRestClassifier, or no wrapper, as all classifiers take several classes.",
    ),
    Fault(
        (OneVsRestClassifier,),
        has_means_of_probabilities,
        "compares means of probabilities, and scikit-learn those of decision functions",
        "Put OneVsRestClassifier inside BaggingClassifier.",
    ),
)


def check_around(scope: Any) -> None:
    """Raise a NotImplementedError where skl2onnx writes a model with wrong answers."""
    for fault in FAULTS:
        for outer in models_around(scope, *fault.kinds):
            if fault.is_present(outer):
                raise NotImplementedError(
                    f"The model that skl2onnx makes of {type(outer).__name__} {fault.what}. "
                    f"{fault.remedy}"
                )
