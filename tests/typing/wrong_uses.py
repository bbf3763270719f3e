"""What type checkers must refuse: each line is an error, and a comment that is not needed is one.

``tools/check_user_types.py`` checks this file with mypy and Pyright; it is never run.
"""

import numpy as np

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    Record,
    SigmoidNeuronRegressor,
    set_config,
)
from sklearn_neuron.inspection import JournalDisplay, LossSurfaceDisplay, NetworkDisplay, diagnose
from sklearn_neuron.losses import SquaredError
from sklearn_neuron.schedules import Cosine

X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
neuron, network = LogisticNeuronClassifier(), ManualMLPClassifier()

# ---- names ---------------------------------------------------------------------------------------

LogisticNeuronClassifier(solver="bogus")  # type: ignore[arg-type]
LogisticNeuronClassifier(eta="fast")  # type: ignore[arg-type]
LogisticNeuronClassifier(schedule="auto")  # type: ignore[arg-type]
LogisticNeuronClassifier(loss="squared_error")  # type: ignore[arg-type]
LogisticNeuronClassifier(class_weight="balance")  # type: ignore[arg-type]
LogisticNeuronClassifier(record="epochs")  # type: ignore[arg-type]
LogisticNeuronClassifier(early_stopping="auto")  # type: ignore[arg-type]
SigmoidNeuronRegressor(target_range="all")  # type: ignore[arg-type]
SigmoidNeuronRegressor(loss="huber")  # type: ignore[arg-type]
PerceptronClassifier(solver="lbfgs")  # type: ignore[arg-type]
PerceptronClassifier(eta="auto")  # type: ignore[arg-type]
ManualMLPClassifier(solver="newton")  # type: ignore[arg-type]
ManualMLPClassifier(activation="sigmoid")  # type: ignore[arg-type]
ManualMLPClassifier(activation=["relu", "sigmoid"])  # type: ignore[list-item]
ManualMLPClassifier(init="xavier")  # type: ignore[arg-type]
ManualMLPClassifier(early_stopping="no")  # type: ignore[arg-type]
ManualMLPClassifier(alpha="small")  # type: ignore[arg-type]
ManualMLPRegressor(loss="cross_entropy")  # type: ignore[arg-type]
Record("epochs")  # type: ignore[arg-type]
Record("step", dtype="float16")  # type: ignore[arg-type]
set_config(engine="fast")  # type: ignore[arg-type]

# ---- values --------------------------------------------------------------------------------------

LogisticNeuronClassifier(batch_size="all")  # type: ignore[arg-type]
LogisticNeuronClassifier(solver=SGD)  # type: ignore[arg-type]
LogisticNeuronClassifier(schedule=SGD())  # type: ignore[arg-type]
LogisticNeuronClassifier(solver=Cosine())  # type: ignore[arg-type]
LogisticNeuronClassifier(tol="auto")  # type: ignore[arg-type]
LogisticNeuronClassifier(random_state="0")  # type: ignore[arg-type]
LogisticNeuronClassifier(random_state=np.random.default_rng(0))  # type: ignore[arg-type]
ManualMLPClassifier("100")  # type: ignore[arg-type]
ManualMLPClassifier((10.0,))  # type: ignore[arg-type]
ManualMLPClassifier(loss=Cosine())  # type: ignore[arg-type]
SquaredError("logistic")  # type: ignore[arg-type]
SGD(0.9, True, None)  # type: ignore[call-arg]

# ---- parameters, methods and attributes ----------------------------------------------------------

LogisticNeuronClassifier(learning_rate=0.1)  # type: ignore[call-arg]
ManualMLPClassifier((10,), "relu")  # type: ignore[call-arg]
neuron.fit(X)  # type: ignore[call-arg]
neuron.fit(X, y, X_validation=X)  # type: ignore[call-arg]
neuron.partial_fit(X, y, labels=[0, 1])  # type: ignore[call-arg]
neuron.predict_proba()  # type: ignore[call-arg]
neuron.set_callbacks("progress")  # type: ignore[arg-type]
neuron.set_callbacks(print)  # type: ignore[arg-type]
neuron.coef_.shap  # type: ignore[attr-defined]
network.coefs_.shape  # type: ignore[attr-defined]
network.n_layers_ + "1"  # type: ignore[operator]
diagnose(network, X, y, epochs="last")  # type: ignore[arg-type]
JournalDisplay.from_estimator(neuron, every="update")  # type: ignore[arg-type]
NetworkDisplay.from_estimator(network, X, nodes="activation")  # type: ignore[arg-type]
LossSurfaceDisplay.from_estimator(neuron, X, y, plot_method="surface")  # type: ignore[arg-type]
