"""
=================================================
Batch, mini-batch and stochastic gradient descent
=================================================

From the notes "Backpropagation algorithms, basics": one sigmoid neuron with a weight w and a bias
b learns six samples by batch, mini-batch and stochastic gradient descent, which differ in the
number of samples per step. A journal records w, b and the loss of each epoch.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_neuron import SigmoidNeuronRegressor
from sklearn_neuron.inspection import JournalDisplay, LossSurfaceDisplay, journal

X = np.array([3.5, 0.35, 3.2, -2.0, 1.5, -0.5]).reshape(-1, 1)
y = np.array([0.5, 0.5, 0.5, 0.5, 0.1, 0.3])


def descend(batch_size, epochs):
    """Start at w = 2, b = 1, with samples in their given order; record every step."""
    neuron = SigmoidNeuronRegressor(
        eta=0.9, batch_size=batch_size, shuffle=False, max_iter=epochs, tol=None, record="step"
    )
    return neuron.fit(X, y, coef_init=[2.0], intercept_init=1.0)


# %%
# Training journal
# ----------------
# Ten epochs, one sample at a time. ``Loss`` is the mean over the samples of an epoch; the squared
# error of each sample is computed right after its own step.
stochastic = descend(batch_size=1, epochs=10)
table = journal(stochastic, every="epoch").round(4)
print(table)
document = {
    "w": [1.89, 1.7471, 1.5557, 1.283, 0.8453, 0.0362, -0.2105, -0.2009, -0.1964, -0.1935],
    "b": [0.8304, 0.6583, 0.4788, 0.2819, 0.043, -0.2862, -0.4255, -0.4602, -0.4812, -0.4938],
    "Loss": [0.2673, 0.2587, 0.247, 0.2277, 0.1863, 0.0749, 0.0118, 0.0116, 0.0115, 0.0114],
}
for name, column in document.items():
    np.testing.assert_array_equal(table[name], column)

# %%
# The same journal as a plot. w drops where the sigmoid is steep; after that little is gained.
figure, axes = plt.subplots(layout="constrained")
JournalDisplay.from_estimator(stochastic, every="epoch", ax=axes)
axes.set_title("The journal of stochastic gradient descent")

# %%
# Paths on the loss surface
# -------------------------
# The surface is the loss over all samples. A batch step goes straight down this surface, but there
# is only one step per epoch. A step for one or two samples follows the gradient of those samples
# only. The path is therefore rougher, but gets much further in the same number of epochs. In the
# end it circles around the minimum instead of settling there.
ways = {"batch": None, "mini-batches of 2": 2, "stochastic": 1}
ends = {}
figure, panels = plt.subplots(1, 3, figsize=(13, 4.2), sharey=True, layout="constrained")
for axes, (way, batch_size) in zip(panels, ways.items(), strict=True):
    neuron = descend(batch_size, epochs=20)
    display = LossSurfaceDisplay.from_estimator(
        neuron, X, y, ranges=((-1, 2.3), (-1.2, 1.3)), levels=np.linspace(0, 0.3, 31), ax=axes
    )
    n_steps = len(neuron.history_["step"])
    axes.set_title(f"{way}: 20 epochs, {n_steps} steps")
    if axes is not panels[-1]:
        display.colorbar_.remove()  # all three share one scale
    ends[way] = np.mean((neuron.predict(X) - y) ** 2)
    print(f"{way:18s} w {neuron.coef_[0]:7.4f}  b {neuron.intercept_:7.4f}  {ends[way]:.4f}")
assert ends["batch"] > 5 * ends["stochastic"]
plt.show()
