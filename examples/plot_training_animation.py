"""
==================
Animating training
==================

A network with two hidden layers learns to separate two moons. The animation shows its decision
boundary and its loss from epoch to epoch, and is also saved as ``training_animation.gif``. Run the
script with ``--output DIRECTORY`` to choose where it is saved.
"""

import argparse
import copy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay

from sklearn_neuron import ManualMLPClassifier
from sklearn_neuron.inspection import LossCurveDisplay

parser = argparse.ArgumentParser(description="Draw a network's training as an animation.")
parser.add_argument("--output", type=Path, default=Path(), help="directory of the GIF")
path = parser.parse_args().output / "training_animation.gif"
path.parent.mkdir(parents=True, exist_ok=True)

# %%
# ``record="epoch"`` stores the parameters of each epoch in ``history_``.
X, y = make_moons(200, noise=0.2, random_state=0)
model = ManualMLPClassifier(
    (8, 8), activation="tanh", eta=0.01, max_iter=200, tol=None, record="epoch", random_state=0
).fit(X, y)


def at(epoch):
    """Return the model as it was after the given epoch."""
    then = copy.copy(model)
    then.coefs_ = model.history_["coefs"][epoch]
    then.intercepts_ = model.history_["intercepts"][epoch]
    return then


np.testing.assert_array_equal(at(model.n_iter_ - 1).predict_proba(X), model.predict_proba(X))
assert model.score(X, y) > 0.95

# %%
# Left: p(circles), with the decision boundary in white. Right: the loss, which the curve records
# before the updates of the epoch. The frames are the first ten epochs, then every fifth.
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
LossCurveDisplay.from_estimator(model, ax=right, name="_", color="#0072B2", linewidth=2)
right.set_title("The loss")
(dot,) = right.plot([], [], "o", color="#D55E00", markersize=10)
probability = {"levels": 20, "cmap": "cividis", "vmin": 0, "vmax": 1}
boundary = {"plot_method": "contour", "levels": [0.5], "colors": "white"}


def draw(epoch):
    left.clear()
    then = at(epoch)
    for look in probability, boundary:
        DecisionBoundaryDisplay.from_estimator(
            then, X, response_method="predict_proba", eps=0.4, ax=left, **look
        )
    for k, shape, colour in (0, "s", "#56B4E9"), (1, "o", "#D55E00"):
        left.plot(*X[y == k].T, shape, color=colour, mec="black", ms=5)
    left.set(xticks=[], yticks=[], title=f"Epoch {epoch}: {then.score(X, y):.0%} right")
    dot.set_data([epoch], [model.loss_curve_[epoch]])


draw(0)
figure.draw_without_rendering()
figure.set_layout_engine("none")  # reuse the layout of the first frame
epochs = np.unique(np.r_[:10, 10 : model.n_iter_ : 5, model.n_iter_ - 1])
animation = FuncAnimation(figure, draw, frames=epochs, interval=125)
animation.save(path, writer=PillowWriter(fps=8), dpi=70)
print(f"{path.name}: {len(epochs)} frames, {path.stat().st_size / 1e6:.1f} MB")
plt.show()
