"""
======================================
A single neuron is logistic regression
======================================

From the notes "Training a single neuron for logistic regression": one neuron with cross-entropy,
initialized at zero, with the vectorized gradients ``dZ = A - Y``, ``dw = X dZᵀ / m``,
``db = Σ dZ / m``. It converges to the coefficients of scikit-learn's ``LogisticRegression``, which
minimizes the same loss with a different algorithm.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import LogisticNeuronClassifier
from sklearn_neuron.inspection import LossCurveDisplay, backprop_trace

data = load_iris()
X = StandardScaler().fit_transform(data.data[50:, 2:])  # petals of two overlapping species
y = data.target[50:] - 1

# %%
# Initial gradients
# -----------------
# With all weights at zero, every probability is one half and the loss is log 2. The trace
# reproduces the four quantities of the document: A, dZ, dw and db.
neuron = LogisticNeuronClassifier(eta=1.0, batch_size=None, max_iter=3000, tol=None)
trace = backprop_trace(neuron, X, y)
a, dz = trace.a[1], trace.delta[1]
np.testing.assert_array_equal(a, 0.5)
np.testing.assert_array_equal(dz, a - y.reshape(-1, 1))
np.testing.assert_allclose(trace.dW[1], X.T @ dz / len(y))
np.testing.assert_allclose(trace.db[1], dz.mean(axis=0), atol=1e-16)

# %%
# Final coefficients
# ------------------
# ``alpha = 1 / (C m)`` is the penalty of ``LogisticRegression(C)``. Both coefficients, the
# intercept and all probabilities agree to six decimals.
C = 10.0
neuron.set_params(alpha=1 / (C * len(y))).fit(X, y)
regression = LogisticRegression(C=C, tol=1e-10, max_iter=1000).fit(X, y)
print("neuron             ", neuron.coef_.round(6), neuron.intercept_.round(6))
print("LogisticRegression ", regression.coef_.round(6), regression.intercept_.round(6))
np.testing.assert_allclose(neuron.loss_curve_[0], np.log(2))
np.testing.assert_allclose(neuron.coef_, regression.coef_, atol=1e-6)
np.testing.assert_allclose(neuron.intercept_, regression.intercept_, atol=1e-6)
np.testing.assert_allclose(neuron.predict_proba(X), regression.predict_proba(X), atol=1e-6)

# %%
# The loss curve, and the predicted probability over the plane. The decision boundaries of the two
# models coincide.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
LossCurveDisplay.from_estimator(neuron, ax=left, color="#0072B2", linewidth=2)
left.axhline(np.log(2), color="black", linestyle=":", label="log 2, the loss of zeros")
left.set(xlim=(-2, 100), ylim=(0, 0.75), title="The first 100 epochs of 3000")
left.legend()

display = DecisionBoundaryDisplay.from_estimator(
    neuron, X, response_method="predict_proba", cmap="cividis", levels=20, vmin=0, vmax=1, ax=right
)
figure.colorbar(display.surface_, ax=right, label="probability of virginica")
for model, colour, style in (neuron, "white", "-"), (regression, "black", "--"):
    DecisionBoundaryDisplay.from_estimator(
        model, X, plot_method="contour", levels=[0.5], colors=colour, linestyles=style, ax=right
    )
for k, look, colour in (0, "s", "white"), (1, "o", "#D55E00"):
    right.plot(*X[y == k].T, look, color=colour, mec="black", label=data.target_names[k + 1])
right.set(xlabel="petal length, scaled", ylabel="petal width, scaled")
right.set_title("White: the neuron; dashes: LogisticRegression")
right.legend(loc="upper left")
plt.show()
