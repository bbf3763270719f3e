"""
==================================
Going through a network by oneself
==================================

:func:`~sklearn_neuron.inspection.explore` makes one page of a network: its diagram, its rows, its
loss and its answers at every recorded moment, and all of backpropagation step by step, each formula
with its numbers. The page loads nothing, so it can be saved, sent and opened anywhere.
"""

# sphinx_gallery_capture_repr = ("_repr_html_",)

import numpy as np

from sklearn_neuron import SGD, ManualMLPClassifier
from sklearn_neuron.inspection import explore

# %%
# The network is that of document 003: 2→4→4→1, with sigmoids in all layers and binary
# cross-entropy, which learns exclusive or. ``record="epoch"`` keeps the parameters of each epoch.
X, y = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]), np.array([0, 1, 1, 0])
network = ManualMLPClassifier(
    (4, 4),
    activation="logistic",
    init="he_uniform",
    solver=SGD(momentum=0.9),
    eta=0.5,
    batch_size=None,
    max_iter=300,
    tol=None,
    record="epoch",
    random_state=0,
).fit(X, y)

# %%
# Press **Next** in *Step by step* to go with one row through the forward pass, the loss, δ from
# layer to layer, the gradients, and the update of a weight. Choose another row, click a unit, move
# the slider to the start of training. With ``live=True`` the page also trains: **Run**, **Step**
# and **Reset** start where Python started, and you choose η and the batch.
explore(network, X, y, live=True, title="Learning exclusive or")
