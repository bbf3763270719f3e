"""
============================
Rosenblatt's perceptron rule
============================

The perceptron of the notes "Perceptrons and backpropagation": ``ŷ = 1[w·x + b >= 0]``, and
after each sample ``w ← w + eta (y - ŷ) x``. A correctly classified sample changes nothing. On
separable data the mistakes come to an end, and training stops.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs

from sklearn_neuron import PerceptronClassifier

# %%
# Two linearly separable clusters. Samples are presented one at a time, in their given order.
X, y = make_blobs(60, centers=[[-1.2, 0.3], [1.2, -0.3]], cluster_std=0.75, random_state=7)
perceptron = PerceptronClassifier(shuffle=False, record="step").fit(X, y)
history = perceptron.history_
w = np.array([perceptron.start_["coef"], *history["coef"]])[:, 0]
b = np.array([perceptron.start_["intercept"], *history["intercept"]])[:, 0]

# %%
# The steps that change the parameters are the mistakes. Each of them follows the rule. Only the
# last epoch is free of mistakes: training stopped at the first such epoch.
rows = np.array(history["step"]) % len(y)
moves = np.diff(w, axis=0)
mistakes = np.flatnonzero(np.diff(b))
predicted = np.einsum("ij,ij->i", X[rows], w[:-1]) + b[:-1] >= 0
np.testing.assert_allclose(moves, (y[rows] - predicted)[:, np.newaxis] * X[rows], atol=1e-12)
per_epoch = np.bincount(np.array(history["epoch"])[mistakes], minlength=perceptron.n_iter_)
print("mistakes of each epoch:", per_epoch)
assert per_epoch[-1] == 0
assert np.all(per_epoch[:-1] > 0)
assert perceptron.score(X, y) == 1.0

# %%
# Each mistake moves the boundary because of one sample, which is marked with a ring. Paler lines
# are older boundaries.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.6), width_ratios=(2, 1), layout="constrained"
)
for target, look, colour in (0, "s", "#56B4E9"), (1, "o", "#D55E00"):
    left.plot(*X[y == target].T, look, color=colour, mec="black", label=f"class {target}")
left.plot(
    *X[rows[mistakes]].T,
    "o",
    ms=13,
    mfc="none",
    color="black",
    label="misclassified during training",
)
for age, (u, c) in enumerate(zip(w[mistakes[::-1] + 1], b[mistakes[::-1] + 1], strict=True)):
    newest = {"color": "black", "lw": 2.5, "label": "the last boundary"}
    look = {"color": "#0072B2", "lw": 1.5, "alpha": 0.85**age, "zorder": 0} if age else newest
    left.axline(-c * u / (u @ u), slope=-u[0] / u[1], **look)
left.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-3.5, 4.5), ylim=(-3, 3), aspect="equal")
left.set_title(f"The boundary after each of {len(mistakes)} mistakes")
left.legend(loc="upper right")

right.bar(range(perceptron.n_iter_), per_epoch, color="#0072B2")
right.set(xlabel="epoch", ylabel="mistakes", title="Mistakes of each epoch")
right.locator_params(axis="y", integer=True)
plt.show()
