"""
==============================
One sigmoid neuron, end to end
==============================

The worked example of the notes "Single neuron with backpropagation": one sigmoid neuron with
two inputs, trained on the mean squared error by full-batch gradient descent. Two epochs reproduce
the figures of the notes; many more show how training continues.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_neuron import SigmoidNeuronRegressor
from sklearn_neuron.inspection import LossCurveDisplay, explore

# sphinx_gallery_capture_repr = ("_repr_html_",)

X = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, -2.0]])
y = np.array([1.0, 0.0, 0.0])

# %%
# Two epochs
# ----------
# Each epoch moves the weights by ``-eta`` times the gradient ``2/N Xᵀ (e ⊙ ŷ (1 - ŷ))``, where
# ``e = ŷ - y``. Its MSE is computed before the step. ``batch_size=None`` uses all samples at once.
neuron = SigmoidNeuronRegressor(eta=0.1, batch_size=None, max_iter=2, tol=None)
neuron.fit(X, y, coef_init=[0.1, -0.2], intercept_init=0.0)
print("weights", neuron.coef_.round(4), "bias", round(neuron.intercept_, 4))
print("MSE", np.round(neuron.loss_curve_, 4))
np.testing.assert_array_equal(neuron.coef_.round(4), [0.1036, -0.1425])
assert round(neuron.intercept_, 4) == -0.0167
np.testing.assert_array_equal(np.round(neuron.loss_curve_, 4), [0.3033, 0.2942])

# %%
# Continuing training
# -------------------
# ``warm_start=True`` continues training and extends ``loss_curve_``; a larger ``eta`` speeds it up.
# A line separates the sample with target 1 from the others, so the error keeps falling as long as
# training continues.
neuron.set_params(warm_start=True, eta=1.0, max_iter=998).fit(X, y)
assert len(neuron.loss_curve_) == 1000
assert neuron.loss_ < 0.001
assert np.all(np.diff(neuron.loss_curve_) < 0)
print("after 1000 epochs: predictions", neuron.predict(X).round(2), "targets", y)

# %%
# The loss curve on logarithmic axes, and the sigmoid over the plane. The output is constant along
# straight lines, and the weight vector (arrow, at scale 1/4) points in the uphill direction.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
LossCurveDisplay.from_estimator(neuron, ax=left, name="1000 epochs", color="#0072B2", linewidth=2)
left.plot([0, 1], neuron.loss_curve_[:2], "o", color="#D55E00", label="the document's two")
left.set(xscale="symlog", yscale="log", ylabel="MSE", title="The loss falls at every epoch")
left.legend()

x1, x2 = np.meshgrid(np.linspace(-3, 3, 100), np.linspace(-3, 3, 100))
sigmoid = neuron.predict(np.c_[x1.ravel(), x2.ravel()]).reshape(x1.shape)
surface = right.contourf(x1, x2, sigmoid, levels=np.linspace(0, 1, 21), cmap="cividis")
figure.colorbar(surface, ax=right, label="prediction σ(w·x + b)", ticks=[0, 0.25, 0.5, 0.75, 1])
right.contour(x1, x2, sigmoid, levels=[0.5], colors="white", linestyles="--")
right.quiver(0, 0, *neuron.coef_, angles="xy", scale_units="xy", scale=4, color="black")
for target, look, colour in (0, "s", "white"), (1, "o", "#D55E00"):
    rows = X[y == target]
    right.plot(*rows.T, look, color=colour, mec="black", ms=10, label=f"target {target}")
right.legend(loc="upper left")
right.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", title="The learned sigmoid")
plt.show()

# %%
# Step by step
# ------------
# The same neuron to go through by yourself: each product, sum and derivative with its numbers.
neuron = SigmoidNeuronRegressor(
    eta=1.0, batch_size=None, max_iter=200, tol=None, record="epoch"
).fit(X, y, coef_init=[0.1, -0.2], intercept_init=0.0)
explore(neuron, X, y, live=True, title="One sigmoid neuron")
