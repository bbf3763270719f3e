"""Registration: skl2onnx converts whatever contains these estimators, with the same operators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline

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
    """Return the graph to write, and its z^L; inputs that are not floats become float32."""
    given, estimator = operator.inputs[0], operator.raw_operator
    check_convertible(estimator)
    graph = ContainerGraph(scope, operator, container, float_kind(operator)[0])
    X = given.full_name
    if type(given.type).__name__ not in {"FloatTensorType", "DoubleTensorType"}:
        X = graph.node("Cast", X, to=require("onnx", "register").TensorProto.FLOAT)
    return graph, write_raw_output(graph, estimator, X)


def float_kind(operator: Any) -> tuple[np.dtype[Any], Any]:
    """Return the dtype of the floats of an operator, and its type in skl2onnx."""
    types = require("skl2onnx.common.data_types", "register")
    if isinstance(operator.inputs[0].type, types.DoubleTensorType):
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


def asks_for_raw_scores(scope: Any, container: Any, estimator: Any) -> bool:
    """Return whether raw scores of a classifier are wanted in place of probabilities.

    skl2onnx says so by an option of the classifier. But where the classifier is the last step of a
    pipeline the option is the pipeline's, which does not pass it on; and a calibrated search is not
    asked at all. Without an error, calibration would take probabilities for logits, as it does with
    scikit-learn's own classifiers in a pipeline.
    """
    option = {"raw_scores": False}
    if container.get_options(estimator, dict(option))["raw_scores"]:
        return True
    for operator in scope.operators.values():
        outer = operator.raw_operator
        if isinstance(outer, CalibratedClassifierCV):
            inner = [last_step(each.estimator) for each in outer.calibrated_classifiers_]
            if any(each is estimator for each in inner):
                return True
        ends_in_it = isinstance(outer, Pipeline) and last_step(outer) is estimator
        if ends_in_it and container.get_options(outer, dict(option))["raw_scores"]:
            return True
    return False


def last_step(model: Any) -> Any:
    """Return the estimator that answers for a pipeline or a search, however nested."""
    while True:
        if isinstance(model, Pipeline):
            model = model.steps[-1][1]
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            return model


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Write the labels, and the probabilities or raw scores."""
    graph, z = opened(scope, operator, container)
    estimator, targets = operator.raw_operator, fitted_targets(operator.raw_operator)
    label, answer = operator.output_full_names
    classes = label_classes(operator, scope)
    graph.node_to(label, "Identity", write_labels(graph, targets, z, classes))
    if is_probabilistic(estimator) and not asks_for_raw_scores(scope, container, estimator):
        value = write_probabilities(graph, targets, z)
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
