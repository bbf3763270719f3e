"""Answers: what ``predict``, ``predict_proba`` and ``decision_function`` return, as operators.

They read the same values as prediction does: the layers and activations of the layout, and the
targets that are made of the fitted attributes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._estimator.base import (
    NetworkClassifier,
    NetworkEstimator,
    check_fitted,
    has_probabilities,
)
from sklearn_neuron._estimator.targets import ORDER, Classes, Interval
from sklearn_neuron.activations import Logistic, Softmax
from sklearn_neuron.network import dense
from sklearn_neuron.onnx._graph import Graph
from sklearn_neuron.onnx._operators import apply_link

#: Methods whose answers the graph repeats, and what they rest on.
ANSWERS = ("predict", "predict_proba", "decision_function", "_answer")


def check_convertible(estimator: Any) -> None:
    """Raise unless an estimator is a fitted one of ours, and answers as ours do.

    Raises
    ------
    TypeError
        If it is no estimator of this package, or a subclass with answers of its own.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    cls = estimator if isinstance(estimator, type) else type(estimator)
    if isinstance(estimator, type) or not issubclass(cls, NetworkEstimator):
        given = f"the class {cls.__name__}" if isinstance(estimator, type) else cls.__name__
        raise TypeError(
            f"to_onnx converts fitted estimators of sklearn_neuron; got {given}. For a pipeline, a "
            "search or an ensemble call sklearn_neuron.onnx.register() once, and then "
            "skl2onnx.to_onnx."
        )
    for name in ANSWERS:
        owner = next((each for each in cls.__mro__ if name in vars(each)), None)
        if owner is not None and not owner.__module__.startswith("sklearn_neuron."):
            raise TypeError(
                f"{cls.__name__} defines {name} in {owner.__name__}, which a graph cannot repeat."
            )
    check_fitted(estimator)


def is_probabilistic(estimator: Any) -> bool:
    """Return whether an estimator is a classifier with probabilities."""
    return isinstance(estimator, NetworkClassifier) and bool(has_probabilities(estimator))


def fitted_targets(estimator: Any) -> Any:
    """Return the targets of a fitted estimator."""
    return estimator._targets.fitted(vars(estimator))


def own_dtype(estimator: Any) -> np.dtype[Any]:
    """Return the dtype that an estimator was trained in."""
    coefs, _ = estimator._layout.fitted_layers(vars(estimator))
    return np.result_type(np.float32, *(dense(W).dtype for W in coefs))


def write_raw_output(graph: Graph, estimator: Any, X: str) -> str:
    """Write z^L."""
    attributes, layout = vars(estimator), estimator._layout
    coefs, intercepts = layout.fitted_layers(attributes)
    activations = [*layout.fitted_activations(attributes), None]
    a = X
    for W, b, sigma in zip(coefs, intercepts, activations, strict=True):
        a = graph.node(
            "Gemm", a, write_parameters(graph, dense(W)), write_parameters(graph, np.asarray(b))
        )
        a = a if sigma is None else apply_link(graph, sigma, a)
    return a


def write_parameters(graph: Graph, parameters: NDArray[Any]) -> str:
    """Write parameters, or raise where they overflow in the dtype of the graph."""
    with np.errstate(over="ignore"):
        parameters = parameters.astype(graph.dtype)
    if not np.isfinite(parameters).all():
        raise ValueError(
            f"Parameters overflow in {graph.dtype}, the dtype of the graph; use dtype='float64'."
        )
    return graph.exactly(parameters)


# ---- classes ------------------------------------------------------------------------------------


def write_labels(graph: Graph, targets: Classes, z: str, classes: NDArray[Any]) -> str:
    """Write the predicted classes, (n,), or for multilabel y 0 and 1, (n, K)."""
    if targets.multilabel or len(targets.classes) == 2:
        comparison = "GreaterOrEqual" if targets.positive_at_zero else "Greater"
        if not targets.multilabel:
            z = graph.node("Reshape", z, graph.const([-1]))
        positive = graph.node(comparison, z, graph.const(0.0))
        codes = graph.node("Where", positive, graph.const(1), graph.const(0))
    else:
        codes = graph.node("ArgMax", z, axis=1, keepdims=0)
    return codes if targets.multilabel else graph.node("Gather", graph.exactly(classes), codes)


def write_scores(graph: Graph, targets: Classes, z: str) -> str:
    """Write the decision function, with a column for each output of the network."""
    if not (targets.positive_at_zero and len(targets.classes) == 2):
        return z
    is_zero = graph.node("Equal", z, graph.const(0.0))
    tiny = graph.const(float(np.finfo(graph.dtype).tiny))
    return graph.node("Where", is_zero, tiny, z)


def write_probabilities(graph: Graph, targets: Classes, z: str) -> str:
    """Write the probabilities, (n, K), as ``Classes.proba`` computes them."""
    if targets.multilabel:
        return write_label_probabilities(graph, z)
    if targets.independent:  # both σ(−z) and σ(z): one of the exponents is 0
        both = graph.node("Mul", z, graph.const([[-1.0, 1.0]]))
        z = graph.node("Min", both, graph.const(0.0))
    least = graph.const(float(np.finfo(graph.dtype).smallest_subnormal))
    return graph.node("Max", apply_link(graph, Softmax(), z), least)


def write_label_probabilities(graph: Graph, z: str) -> str:
    """Write σ of logits that are kept in order, as ``keep_order`` does."""
    start, low, high = map(graph.const, ORDER[graph.dtype])
    one = graph.const(1.0)
    beyond = graph.node("Max", graph.node("Sub", z, start), graph.const(0.0))
    growth = graph.node("Log", graph.node("Add", beyond, one))
    z = graph.node("Add", graph.node("Min", z, start), growth)
    z = graph.node("Min", graph.node("Max", z, low), high)
    # not Sigmoid, which onnxruntime rounds to 0 where σ is small
    return graph.node("Reciprocal", graph.node("Add", graph.node("Exp", graph.node("Neg", z)), one))


# ---- numbers ------------------------------------------------------------------------------------


def write_prediction(graph: Graph, targets: Any, z: str) -> str:
    """Write the predicted numbers, (n, K)."""
    if not isinstance(targets, Interval):
        return apply_link(graph, targets.link, z)
    assert targets.ends is not None  # settled
    low, high = (np.asarray(end, graph.dtype) for end in targets.ends)
    unit = apply_link(graph, Logistic(), z)
    a = graph.node("Add", graph.node("Mul", unit, graph.const(high - low)), graph.const(low))
    return graph.node("Min", graph.node("Max", a, graph.const(low)), graph.const(high))
