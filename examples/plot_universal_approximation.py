"""
=========================================
Universal approximation and network width
=========================================

The notes "Perceptrons and backpropagation" state the theorem of Cybenko and Hornik: for every
continuous function on [0, 1] and every ε > 0, there is a network with one hidden layer that differs
from the function by at most ε everywhere, provided the layer is wide enough.

The theorem guarantees that such weights exist. It says neither how wide the layer must be nor that
training finds the weights. This example shows what training finds from three random
initializations per width.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_neuron import ManualMLPRegressor

threadpool_limits(1)  # for products this small, extra threads only wait for each other


def wiggle(x):
    return np.sin(9 * np.pi * x) * np.exp(-1.5 * x) + x


X = np.linspace(0, 1, 201).reshape(-1, 1)
dense = np.linspace(0, 1, 2001).reshape(-1, 1)  # also measure the error between the samples
widths = [1, 2, 4, 8, 16, 32]
starts = range(3)


# %%
# The network has tanh units and is trained with L-BFGS on the squared error over 201 points. The
# theorem is about the largest error, so that is what is measured.
def fit(width, random_state):
    network = ManualMLPRegressor(
        (width,),
        activation="tanh",
        solver="lbfgs",
        max_iter=2000,
        tol=None,
        random_state=random_state,
    )
    return make_pipeline(StandardScaler(), network).fit(X, wiggle(X).ravel()).predict(dense)


fits = np.array([[fit(width, random_state) for random_state in starts] for width in widths])
errors = np.abs(fits - wiggle(dense).ravel()).max(axis=2)
best = errors.min(axis=1)
for width, error in zip(widths, best, strict=True):
    print(f"{width:2d} units: largest error {error:.4f}")
assert best[-1] < best[0] / 20

# %%
# Each unit adds one rise or fall, so a few units miss some of the waves. From eight units on,
# training does not exploit the full width: the error falls slowly, and one initialization ends
# with an error several times larger than another.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.4), width_ratios=(3, 2), layout="constrained"
)
left.plot(dense, wiggle(dense), color="0.75", linewidth=7, label="the function")
shown = {1: "#E69F00", 2: "#CC79A7", 4: "#009E73", 8: "#D55E00", 32: "#0072B2"}
for width, colour in shown.items():
    k = widths.index(width)
    left.plot(dense, fits[k, errors[k].argmin()], color=colour, label=f"{width} units")
left.set(xlabel="x", title="The best fits")
left.legend(ncols=2, loc="lower right")

right.loglog(widths, errors, "o", color="#56B4E9", label=["each start", "_", "_"])
right.loglog(widths, best, "o-", color="#0072B2", label="the best")
right.set(xlabel="units in the hidden layer", ylabel="largest error on [0, 1]")
right.set_xticks(widths, widths)
right.set_title("The error against the width")
right.legend()
plt.show()
