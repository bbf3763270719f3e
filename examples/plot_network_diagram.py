"""
===================================
The network and its computations
===================================

Notes on backpropagation draw a three-layer feedforward network: purple arrows lead forward, and a
pink dashed arc carries the error signal δ back; or a single neuron, from its features to ŷ.
``NetworkDisplay`` draws both with the numbers of a model and a row; ``GraphDisplay`` draws the
computational graph, on which backpropagation is reverse-mode differentiation.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_neuron import SGD, LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron.inspection import GraphDisplay, NetworkDisplay, backprop_trace

# %%
# The notes describe their diagram: "Three-layer feedforward network. Purple arrows:
# forward activations. Pink dashed arc: backward error signal δ." Redrawn at the start of training:
X, y = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]), np.array([0, 1, 1, 0])
sketch = ManualMLPClassifier((4,), activation="logistic", random_state=0)
display = NetworkDisplay.from_estimator(sketch, X, y, row=1)
assert len(display.forward_) == 2
assert len(display.backward_) == 1

# %%
# Those on logistic regression show the structure of their network: the features of X, one neuron
# that computes z = wx + b and a = σ(z), and ŷ = a. Redrawn:
data = load_breast_cancer(as_frame=True)
rows = data.data[["mean radius", "mean texture", "mean symmetry"]]
scaler = StandardScaler().set_output(transform="pandas")
neuron = make_pipeline(scaler, LogisticNeuronClassifier(max_iter=500, random_state=0))
neuron.fit(rows, data.target)
NetworkDisplay.from_estimator(neuron, rows, data.target, row=3, class_names=data.target_names)

# %%
# A network that has learned XOR, 2→4→4→1. Units are filled by their activations; blue and solid
# edges are positive, orange and dashed ones negative, and wide ones large.
network = ManualMLPClassifier(
    (4, 4), activation="logistic", init="he_uniform", solver=SGD(momentum=0.9), eta=0.5,
    batch_size=None, max_iter=1000, tol=None, random_state=0, record="epoch",
)  # fmt: skip
network.fit(X, y)
NetworkDisplay.from_estimator(network, X, y, row=1)

# %%
# The same network in the middle of learning: units show δ, edges the gradient.
display = NetworkDisplay.from_estimator(network, X, y, row=1, epoch=100, nodes="delta", edges="dW")

# %%
# 64→32→10. Of large layers the units that count most for this row are drawn, the true and the
# predicted class always. First the weights, then δ and the gradient after the first epoch.
images, digits = load_digits(return_X_y=True)
model = make_pipeline(
    MinMaxScaler(),
    ManualMLPClassifier((32,), max_iter=10, tol=None, random_state=0, record="epoch"),
)
model.fit(images, digits)
row = int(np.flatnonzero(model.predict(images) != digits)[0])  # a mistake
NetworkDisplay.from_estimator(model, images, digits, row=row)
NetworkDisplay.from_estimator(model, images, digits, row=row, epoch=0, nodes="delta", edges="dW")

# %%
# The computational graph of the neuron and of the XOR network, with values above and derivatives
# below. On the way back from ℓ, what stands on each arrow is multiplied.
GraphDisplay.from_estimator(neuron, rows, data.target, row=3)
graph = GraphDisplay.from_estimator(network, X, y, row=1).graph
delta = backprop_trace(network, X, y).delta
np.testing.assert_array_equal(graph.nodes["z¹"].derivative, delta[1][1])
plt.show()
