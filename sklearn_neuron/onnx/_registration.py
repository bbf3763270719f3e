"""Registration: skl2onnx converts whatever contains these estimators, with the same operators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_neuron._estimator.base import NetworkClassifier, NetworkEstimator
from sklearn_neuron._extras import require
from sklearn_neuron.mlp import ManualMLPClassifier, ManualMLPRegressor
from sklearn_neuron.neuron import (
    LogisticNeuronClassifier,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.onnx._answers import (
    check_convertible,
    fitted_targets,
    is_probabilistic,
    write_labels,
    write_prediction,
    write_probabilities,
    write_raw_output,
    write_scores,
)
from sklearn_neuron.onnx._around import (
    asks_for_raw_scores,
    asks_for_votes,
    check_around,
    write_tuned_label,
)
from sklearn_neuron.onnx._graph import OPSETS, Graph

OWN_ESTIMATORS: tuple[type[NetworkEstimator], ...] = (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
#: The options of skl2onnx's own linear classifiers. CalibratedClassifierCV and others ask for raw
#: scores of those classifiers only that have this option, and take probabilities for logits
#: otherwise.
CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}


def register(*estimators: type) -> None:
    """Register the estimators with skl2onnx.

    After this call ``skl2onnx.to_onnx`` converts them, and the pipelines, column transformers,
    searches and ensembles that contain them. Calling it again changes nothing.

    Their outputs follow skl2onnx's conventions for its own estimators: the raw scores of two
    classes are the columns −z and z, labels are strings or int64, and a regressor returns one
    column for each target. :func:`to_onnx`, which needs no registration, returns the shapes of the
    methods.

    Parameters
    ----------
    *estimators : class
        Subclasses of this package's estimators, to be registered in addition to these.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    TypeError
        If one of ``estimators`` is not a subclass of an estimator of this package.

    See Also
    --------
    to_onnx : Convert one estimator, without skl2onnx.

    Examples
    --------
    >>> import numpy as np
    >>> import skl2onnx
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.onnx import register
    >>> register()
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"]
    >>> model = make_pipeline(StandardScaler(), LogisticNeuronClassifier(random_state=0)).fit(X, y)
    >>> graph = skl2onnx.to_onnx(model, np.array(X[:1]), options={"zipmap": False}).graph
    >>> [output.name for output in graph.output]
    ['label', 'probabilities']
    """
    skl2onnx = require("skl2onnx", "register")
    for cls in estimators:
        if not (isinstance(cls, type) and issubclass(cls, NetworkEstimator)):
            raise TypeError(
                f"register takes subclasses of sklearn_neuron's estimators; got {cls!r}."
            )
    for cls in (*OWN_ESTIMATORS, *estimators):
        classifies = issubclass(cls, NetworkClassifier)
        skl2onnx.update_registered_converter(
            cls,
            f"SklearnNeuron{cls.__name__}",
            classifier_shapes if classifies else regressor_shapes,
            convert_classifier if classifies else convert_regressor,
            options=CLASSIFIER_OPTIONS if classifies else None,
        )


class ContainerGraph(Graph):
    """A graph within one of skl2onnx's."""

    def __init__(self, scope: Any, operator: Any, container: Any, dtype: DTypeLike) -> None:
        super().__init__(dtype)
        if container.target_opset not in OPSETS:
            raise ValueError(
                f"{type(operator.raw_operator).__name__} needs target_opset {OPSETS[0]} to "
                f"{OPSETS[-1]}; got {container.target_opset}."
            )
        self._scope, self._container = scope, container
        self._helper = require("onnx.helper", "register")

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        output: str = self._scope.get_unique_variable_name(operator.lower())
        self.node_to(output, operator, *inputs, domain=domain, **attributes)
        return output

    def node_to(
        self, output: str, operator: str, *inputs: str, domain: str = "", **attributes: Any
    ) -> None:
        """Add an operator whose output has a name already."""
        name = self._scope.get_unique_operator_name(operator)
        self._container.add_node(
            operator, list(inputs), [output], op_domain=domain, name=name, **attributes
        )

    def _add_constant(self, array: NDArray[Any]) -> str:
        name: str = self._scope.get_unique_variable_name("constant")
        code = self._helper.np_dtype_to_tensor_dtype(array.dtype)
        values = array.ravel().tolist()
        if array.dtype.kind == "O":
            values = [text.encode() for text in values]
        self._container.add_initializer(name, code, list(array.shape), values)
        return name


def opened(scope: Any, operator: Any, container: Any) -> tuple[ContainerGraph, str]:
    """Return the graph to write, and its z^L. Inputs are columns of one dtype side by side."""
    estimator = operator.raw_operator
    check_convertible(estimator)
    check_around(scope)
    dtype, kind = float_kind(operator)
    graph = ContainerGraph(scope, operator, container, dtype)
    code = require("onnx.helper", "register").np_dtype_to_tensor_dtype(dtype)
    columns = [
        given.full_name
        if isinstance(given.type, kind)
        else graph.node("Cast", given.full_name, to=code)
        for given in operator.inputs
    ]
    X = columns[0] if len(columns) == 1 else graph.node("Concat", *columns, axis=1)
    return graph, write_raw_output(graph, estimator, X)


def float_kind(operator: Any) -> tuple[np.dtype[Any], Any]:
    """Return the dtype of the floats of an operator, and its type in skl2onnx.

    It is float64 if an input is, and else float32, also of integers, as everywhere in skl2onnx.
    """
    types = require("skl2onnx.common.data_types", "register")
    if any(isinstance(given.type, types.DoubleTensorType) for given in operator.inputs):
        return np.dtype(np.float64), types.DoubleTensorType
    return np.dtype(np.float32), types.FloatTensorType


def label_classes(operator: Any, scope: Any) -> NDArray[Any]:
    """Return the classes as skl2onnx has them: strings or int64."""
    classes = np.asarray(fitted_targets(operator.raw_operator).classes)
    if scope.get_options(operator.raw_operator, {"nocl": False}).get("nocl", False):
        return np.arange(len(classes))
    if classes.dtype.kind in "UO":
        return classes.astype(object)
    whole = classes.astype(np.int64)
    if (whole != classes).any():
        raise ValueError(
            f"skl2onnx takes classes that are strings or integers; got {classes.tolist()}."
        )
    return whole


def classifier_shapes(operator: Any) -> None:
    """Tell skl2onnx the types and shapes of labels and probabilities."""
    types = require("skl2onnx.common.data_types", "register")
    estimator, n_rows = operator.raw_operator, operator.inputs[0].get_first_dimension()
    classes = label_classes(operator, operator.scope_inst)
    kind = types.StringTensorType if classes.dtype.kind == "O" else types.Int64TensorType
    multilabel = fitted_targets(estimator).multilabel
    operator.outputs[0].set_type(kind([n_rows, len(classes)] if multilabel else [n_rows]))
    floats = types.FloatTensorType if feeds_zipmap(operator) else float_kind(operator)[1]
    operator.outputs[1].set_type(floats([n_rows, len(classes)]))


def feeds_zipmap(operator: Any) -> bool:
    """Return whether the probabilities go into dicts, which ONNX has in float32 only."""
    answer = operator.outputs[1]
    others = operator.scope_inst.operators.values()
    zipmaps = [each for each in others if each.type == "SklearnZipMap"]
    return any(given is answer for each in zipmaps for given in each.inputs)


def regressor_shapes(operator: Any) -> None:
    """Tell skl2onnx the type and shape of predictions."""
    n_rows = operator.inputs[0].get_first_dimension()
    n_targets = fitted_targets(operator.raw_operator).n_targets
    operator.outputs[0].set_type(float_kind(operator)[1]([n_rows, n_targets]))


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Write the labels, and the probabilities or raw scores."""
    graph, z = opened(scope, operator, container)
    estimator, targets = operator.raw_operator, fitted_targets(operator.raw_operator)
    label, answer = operator.output_full_names
    classes = label_classes(operator, scope)
    tuned = write_tuned_label(graph, scope, estimator, targets, z)
    if tuned is None:
        labels = write_labels(graph, targets, z, classes)
    else:
        labels = graph.node("Gather", graph.exactly(classes), tuned)
    graph.node_to(label, "Identity", labels)
    if is_probabilistic(estimator) and not asks_for_raw_scores(scope, container, estimator):
        value = write_probabilities(graph, targets, z)
    elif asks_for_votes(scope, container, estimator):
        reached = graph.node("Greater", write_scores(graph, targets, z), graph.const(0.0))
        value = graph.node("Where", reached, graph.const([[0.0, 1.0]]), graph.const([[1.0, 0.0]]))
    else:
        value = write_scores(graph, targets, z)
        if len(targets.classes) == 2 and not targets.multilabel:
            value = graph.node("Mul", value, graph.const([[-1.0, 1.0]]))
    types = require("skl2onnx.common.data_types", "register")
    graph.node_to(answer, "Cast", value, to=types.guess_proto_type(operator.outputs[1].type))


def convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Write the predictions."""
    graph, z = opened(scope, operator, container)
    targets = fitted_targets(operator.raw_operator)
    (output,) = operator.output_full_names
    graph.node_to(output, "Identity", write_prediction(graph, targets, z))
