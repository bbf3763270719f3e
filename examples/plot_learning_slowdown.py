"""
==================================================
Why cross-entropy learns faster than squared error
==================================================

A sigmoid neuron is trained on one sample, x = 1 with target 0. The initial parameters w = b = 2
give the output σ(4) = 0.98, which is confidently wrong. This is the example of Nielsen's book [1]_.
With squared error, the step is proportional to ``δ = 2 (a - y) a (1 - a)``, and ``a (1 - a)`` is
close to zero while the neuron is this confident. With cross-entropy, it is proportional to
``δ = a - y``: the larger the error, the faster the neuron learns.

.. [1] M. Nielsen (2015). Neural Networks and Deep Learning, chapter 3. Determination Press.
   http://neuralnetworksanddeeplearning.com/chap3.html
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_neuron import LogisticNeuronClassifier, SigmoidNeuronRegressor
from sklearn_neuron.inspection import backprop_trace

# %%
# A classifier needs samples of both classes, so a second sample is added with weight 0. Training
# ignores it, and both neurons learn the same single sample with the same ``eta``.
X, y, weight = [[1.0], [1.0]], [0, 1], [1.0, 0.0]
params = {"eta": 0.15, "batch_size": None, "max_iter": 300, "tol": None, "record": "epoch"}
neurons = {
    "squared error": (SigmoidNeuronRegressor(**params), [2.0]),
    "cross-entropy": (LogisticNeuronClassifier(**params), [[2.0]]),
}

# %%
# The initial δ, computed by backpropagation. The two differ only by the factor ``2 a (1 - a)``.
a0 = 1 / (1 + np.exp(-4.0))
delta = {}
for loss, (neuron, coef) in neurons.items():
    trace = backprop_trace(neuron, X, y, sample_weight=weight, coef_init=coef, intercept_init=2.0)
    delta[loss] = trace.delta[1].item()
    print(f"{loss}: a {trace.a[1].item():.3f}, δ {delta[loss]:.4f}")
np.testing.assert_allclose(delta["cross-entropy"], a0)
np.testing.assert_allclose(delta["squared error"], 2 * a0 * a0 * (1 - a0))

# %%
# Train for 300 epochs. w and b take the same steps, ``-eta δ``, so δ follows from the history.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
output = {}
colours = {"squared error": "#D55E00", "cross-entropy": "#0072B2"}
for loss, (neuron, coef) in neurons.items():
    neuron.fit(X, y, weight, coef_init=coef, intercept_init=2.0)
    history = neuron.history_
    b = np.ravel([neuron.start_["intercept"], *history["intercept"]])
    w = np.ravel([neuron.start_["coef"], *history["coef"]])
    output[loss] = 1 / (1 + np.exp(-(w + b)))
    np.testing.assert_allclose(-np.diff(b)[0] / neuron.eta, delta[loss])
    left.plot(output[loss], color=colours[loss], linewidth=2, label=loss)
    right.plot(-np.diff(b) / neuron.eta, color=colours[loss], linewidth=2, label=loss)
left.set(xlabel="epoch", ylabel="output a", title="The output (target 0)", ylim=(0, 1.05))
right.set(xlabel="epoch", ylabel="δ", title="δ, which drives the step")
left.legend()
right.legend()

# %%
# By the time cross-entropy has learned the target, squared error has hardly made progress.
through = np.argmax(output["cross-entropy"] < 0.1)
print(f"epoch {through}:", {loss: a[through].round(3).item() for loss, a in output.items()})
assert output["squared error"][through] > 0.9
assert output["cross-entropy"][-1] < output["squared error"][-1] / 5
plt.show()
