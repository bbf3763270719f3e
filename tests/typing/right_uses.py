"""What type checkers know: the types of attributes and methods, and of what functions return.

``tools/check_user_types.py`` checks this file with mypy and Pyright; it is never run.
"""

from typing import Any, Literal, assert_type

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    Record,
    SigmoidNeuronRegressor,
    config_context,
    get_config,
    set_config,
)
from sklearn_neuron.activations import LeakyReLU
from sklearn_neuron.inspection import (
    BackpropTrace,
    Diagnosis,
    GradientCheck,
    LossCurveDisplay,
    at,
    backprop_trace,
    check_gradient,
    diagnose,
)
from sklearn_neuron.losses import CrossEntropy, Huber
from sklearn_neuron.schedules import Cosine

Floats = NDArray[np.floating[Any]]
X = np.array([[0.0], [1.0], [2.0], [3.0]])
y = np.array([0, 0, 1, 1])

# ---- estimators ----------------------------------------------------------------------------------

neuron = LogisticNeuronClassifier(eta="auto", solver="newton-cg", class_weight="balanced")
assert_type(neuron.fit(X, y, sample_weight=[1.0, 2.0, 1.0, 1.0]), LogisticNeuronClassifier)
assert_type(neuron.coef_, Floats)
assert_type(neuron.intercept_, Floats)
assert_type(neuron.classes_, NDArray[Any])
assert_type(neuron.n_features_in_, int)
assert_type(neuron.loss_curve_, NDArray[np.float64])
assert_type(neuron.loss_, float)
assert_type(neuron.best_iter_, int)
assert_type(neuron.history_, dict[str, Any])
assert_type(neuron.engine_, Literal["numpy", "compiled"])
assert_type(neuron.predict(X), NDArray[Any])
assert_type(neuron.predict_proba(X), Floats)
assert_type(neuron.decision_function(X), Floats)
assert_type(neuron.score(X, y), float)
assert_type(neuron.partial_fit(X, y, classes=[0, 1]), LogisticNeuronClassifier)
assert_type(neuron.set_params(eta=0.1), LogisticNeuronClassifier)
assert_type(neuron.get_params(), dict[str, Any])
assert_type(neuron.sparsify(), LogisticNeuronClassifier)

perceptron = PerceptronClassifier(class_weight={0: 1, 1: 2.0}, shuffle=False).fit(X, y)
assert_type(perceptron.coef_, Floats)

sigmoid = SigmoidNeuronRegressor(target_range=(0.0, 1.0), record=Record("step", dtype="float32"))
assert_type(sigmoid.fit(X, y).coef_, Floats)
assert_type(sigmoid.predict(X), Floats)
low, high = sigmoid.target_range_
rounded: float = round(sigmoid.intercept_, 3) + high - low

network = ManualMLPClassifier(
    (8, np.int64(4)),
    activation=["relu", LeakyReLU(0.1)],
    solver=Adam(average=True),
    schedule=Cosine(warmup=2),
    loss=CrossEntropy(label_smoothing=0.1),
    early_stopping="auto",
    random_state=np.random.RandomState(0),
)
assert_type(network.fit(X, y), ManualMLPClassifier)
assert_type(network.coefs_, list[Floats])
assert_type(network.intercepts_[0], Floats)
assert_type(network.n_layers_, int)
assert_type(network.out_activation_, str)
assert_type(network.n_iter_candidates_, NDArray[np.intp])
assert_type(network.predict_log_proba(X), Floats)

regressor = ManualMLPRegressor(3, loss=Huber(0.5), solver=SGD(momentum=0.9), tol=None)
assert_type(regressor.fit(X, y).predict(X), Floats)
assert_type(regressor.score(X, y), float)


def chosen(solver: Literal["sgd", "lbfgs"], size: int) -> ManualMLPRegressor:
    """Pass names on."""
    return ManualMLPRegressor((size,), solver=solver)


# ---- functions -----------------------------------------------------------------------------------

set_config(engine="numpy")
with config_context(engine="auto"):
    assert_type(get_config()["engine"], str)
assert_type(at(network, epoch=3), ManualMLPClassifier)
assert_type(backprop_trace(neuron, X, y), BackpropTrace)
assert_type(check_gradient(neuron, X, y), GradientCheck)
assert_type(check_gradient(neuron, X, y).passed, bool)
assert_type(diagnose(network, X, y, epochs=[0, 1]), Diagnosis)
assert_type(LossCurveDisplay.from_estimator(neuron), LossCurveDisplay)
