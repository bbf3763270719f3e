"""Export: one fitted estimator as a model of its own."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_neuron import __version__
from sklearn_neuron._estimator.base import NetworkClassifier
from sklearn_neuron._extras import require
from sklearn_neuron._typing import ZipMap
from sklearn_neuron.onnx._answers import (
    check_convertible,
    fitted_targets,
    is_probabilistic,
    own_dtype,
    write_labels,
    write_prediction,
    write_probabilities,
    write_raw_output,
    write_scores,
)
from sklearn_neuron.onnx._graph import OPSETS, PlainGraph

#: The version of the operator set of machine learning, which has ZipMap.
ML_OPSET = 3


class Wishes(NamedTuple):
    """What the answers of a classifier are to look like."""

    zipmap: bool | str
    raw_scores: bool


def to_onnx(
    estimator: Any,
    *,
    dtype: DTypeLike | None = None,
    target_opset: int = OPSETS[0],
    zipmap: ZipMap = False,
    raw_scores: bool = False,
) -> Any:
    """Convert a fitted estimator to an ONNX model.

    The model answers what ``predict`` and ``predict_proba`` answer: labels are equal; in float64
    numbers differ in the last places only.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of this package. For a pipeline, a search or an ensemble see
        :func:`register`.
    dtype : {"float64", "float32"} or dtype, default=None
        The dtype of the input and of all floats of the model. ``None`` is the dtype that the
        estimator was trained in.
    target_opset : int, default=18
        The version of ONNX's operator set, 18 to 23. Every runtime that reads a version reads the
        older ones, too.
    zipmap : bool or "columns", default=False
        How a classifier returns probabilities: as an array, as one dict for each sample from class
        to probability (in float32, as ONNX has no such dicts of float64), or as one output for each
        class, ``probability_<class>``.
    raw_scores : bool, default=False
        Whether a classifier returns ``decision_function`` in place of probabilities. The perceptron
        has no probabilities and returns it anyway.

    Returns
    -------
    onnx.ModelProto
        A model with the input ``X``, of shape (n_samples, n_features). The outputs of a classifier
        are ``label``, which is ``predict(X)``, and ``probabilities``, which is
        ``predict_proba(X)``, or ``scores``, which is ``decision_function(X)``. The output of a
        regressor is ``prediction``, which is ``predict(X)``. Its shapes are those of the methods.
        ``metadata_props`` names the estimator's class and, if it was fitted to named features,
        ``feature_names``, a list in JSON.

    Raises
    ------
    ImportError
        If onnx is not installed.
    TypeError
        If the estimator is not one of this package, or a subclass that overrides a method that
        answers.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    NotImplementedError
        If an activation does not say its operators; the message says what to add.
    ValueError
        If a parameter is invalid, or the model's parameters overflow in ``dtype``.

    See Also
    --------
    register : Let skl2onnx convert what contains these estimators.

    Examples
    --------
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.onnx import to_onnx
    >>> neuron = LogisticNeuronClassifier(random_state=0).fit([[0.0], [1.0]], ["no", "yes"])
    >>> model = to_onnx(neuron)
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    check_convertible(estimator)
    dtype = np.dtype(own_dtype(estimator) if dtype is None else dtype)
    check_options(estimator, dtype, target_opset, zipmap, raw_scores)
    helper = require("onnx.helper", "to_onnx")
    graph = PlainGraph(dtype)
    if isinstance(estimator, NetworkClassifier):
        outputs = classifier_outputs(graph, estimator, Wishes(zipmap, raw_scores))
    else:
        outputs = regressor_outputs(graph, estimator)
    given = tensor_type(dtype, [None, estimator.n_features_in_])
    name = type(estimator).__name__
    opsets = [helper.make_opsetid("", target_opset)]
    if zipmap is True:
        opsets.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    model = helper.make_model(
        graph.finish(name, given, outputs),
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="sklearn_neuron",
        producer_version=__version__,
        doc_string=f"{name} of sklearn_neuron {__version__}",
    )
    helper.set_model_props(model, properties_of(estimator))
    return model


def check_options(
    estimator: Any, dtype: np.dtype[Any], target_opset: int, zipmap: bool | str, raw_scores: bool
) -> None:
    """Raise a ValueError where an option is invalid, or has no meaning for an estimator."""
    name = type(estimator).__name__
    if dtype not in {np.dtype(np.float64), np.dtype(np.float32)}:
        raise ValueError(f"dtype must be float64 or float32; got {dtype}.")
    if target_opset not in OPSETS:
        raise ValueError(
            f"target_opset must be {OPSETS[0]} to {OPSETS[-1]}, the supported versions; got "
            f"{target_opset!r}."
        )
    if not (isinstance(zipmap, bool) or zipmap == "columns"):
        raise ValueError(f"zipmap must be False, True or 'columns'; got {zipmap!r}.")
    if not isinstance(estimator, NetworkClassifier):
        if zipmap or raw_scores:
            raise ValueError(f"zipmap and raw_scores are for classifiers; {name} is a regressor.")
    elif zipmap and (raw_scores or not is_probabilistic(estimator)):
        raise ValueError("zipmap is for probabilities, and this model would return raw scores.")


def properties_of(estimator: Any) -> dict[str, str]:
    """Return what the model says of the estimator, in words."""
    properties = {"estimator": type(estimator).__name__}
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        properties["feature_names"] = json.dumps([str(name) for name in names])
    return properties


def tensor_type(dtype: np.dtype[Any], shape: list[int | None]) -> Any:
    """Return the type of an array."""
    helper = require("onnx.helper", "to_onnx")
    code = helper.np_dtype_to_tensor_dtype(dtype)
    return helper.make_tensor_type_proto(code, shape)


Outputs = dict[str, tuple[str, Any]]  # a value of the graph and its type, by name


def classifier_outputs(graph: PlainGraph, estimator: Any, wishes: Wishes) -> Outputs:
    """Write what a classifier answers."""
    targets = fitted_targets(estimator)
    classes, K = np.asarray(targets.classes), len(targets.classes)
    z = write_raw_output(graph, estimator, "X")
    kind = np.dtype(object) if classes.dtype.kind in "UO" else classes.dtype
    label = (
        write_labels(graph, targets, z, classes),
        tensor_type(np.dtype(np.int64), [None, K])
        if targets.multilabel
        else tensor_type(kind, [None]),
    )
    outputs: Outputs = {"label": label}
    if wishes.raw_scores or not is_probabilistic(estimator):
        scores, shape = write_scores(graph, targets, z), [None, K]
        if K == 2 and not targets.multilabel:
            scores, shape = graph.node("Reshape", scores, graph.const([-1])), [None]
        return outputs | {"scores": (scores, tensor_type(graph.dtype, shape))}
    proba = write_probabilities(graph, targets, z)
    if wishes.zipmap == "columns":
        return outputs | probability_columns(graph, classes, proba)
    if wishes.zipmap:
        return outputs | {"probabilities": probability_dicts(graph, classes, proba)}
    return outputs | {"probabilities": (proba, tensor_type(graph.dtype, [None, K]))}


def probability_columns(graph: PlainGraph, classes: NDArray[Any], proba: str) -> Outputs:
    """Write one output for each class."""
    kind = tensor_type(graph.dtype, [None])
    return {
        f"probability_{label}": (graph.node("Gather", proba, graph.const(k), axis=1), kind)
        for k, label in enumerate(classes.tolist())
    }


def probability_dicts(graph: PlainGraph, classes: NDArray[Any], proba: str) -> tuple[str, Any]:
    """Write one dict for each sample; keys are strings or integers."""
    onnx = require("onnx", "to_onnx")
    labels = classes.tolist()
    if classes.dtype.kind in "UO":
        keys, code = {"classlabels_strings": labels}, onnx.TensorProto.STRING
    elif all(int(label) == label for label in labels):
        whole = [int(label) for label in labels]
        keys, code = {"classlabels_int64s": whole}, onnx.TensorProto.INT64
    else:
        raise ValueError(f"zipmap=True needs classes that are strings or integers; got {labels}.")
    if graph.dtype != np.float32:
        proba = graph.node("Cast", proba, to=onnx.TensorProto.FLOAT)
    value = onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, [])
    kind = onnx.helper.make_sequence_type_proto(onnx.helper.make_map_type_proto(code, value))
    return graph.node("ZipMap", proba, domain="ai.onnx.ml", **keys), kind


def regressor_outputs(graph: PlainGraph, estimator: Any) -> Outputs:
    """Write what a regressor answers."""
    targets = fitted_targets(estimator)
    z = write_raw_output(graph, estimator, "X")
    prediction, shape = write_prediction(graph, targets, z), [None, targets.n_targets]
    if targets.flat:
        prediction, shape = graph.node("Reshape", prediction, graph.const([-1])), [None]
    return {"prediction": (prediction, tensor_type(graph.dtype, shape))}
