"""Held-out rows: their loss and score after every epoch, and the best epoch so far.

The loss is the weighted mean of ℓ without the penalty. For classifiers the best epoch is the
one of the highest score, among equal scores the one of the lowest loss; for regressors the
one of the lowest loss, because R² is not what a quantile or a count is trained for. A loss or
score that is not finite is never better.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np

from sklearn_neuron._engine.batches import Rows, raw_outputs
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network, split
from sklearn_neuron.optimizers import State


class HeldOut:
    """Rows that training does not see.

    Parameters
    ----------
    network : Network
        That is trained.
    rows : Rows
        The held-out rows, weights of mean 1 over themselves.
    score : callable
        Takes z^L, (n, K), and returns a number that is larger where predictions are better.
    by_score : bool
        Whether the best epoch is that of the highest score, and not of the lowest loss.

    Attributes
    ----------
    losses, scores : list of float
        One of each for every epoch.
    best : int
        The place of the best epoch among them; -1 before the first.
    height : tuple of float
        What that epoch is compared by.
    theta, state : ndarray, dict
        Parameters and the optimizer's state after that epoch.
    """

    def __init__(
        self, network: Network, rows: Rows, score: Callable[[Array], float], *, by_score: bool
    ) -> None:
        self.network, self.score, self.by_score = network, score, by_score
        self.rows = rows._replace(Y=rows.Y.astype(network.dtype, copy=False))
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best, self.height = -1, (-math.inf, -math.inf)
        self.theta: Array | None = None
        self.state: State = {}

    def look(self, fitted: Array, theta: Array, state: State) -> None:
        """Measure the parameters ``fitted``; keep θ and the state where they are the best."""
        X, Y, weight = self.rows
        coefs, intercepts = split(fitted.astype(self.network.dtype), self.network.layer_sizes)
        z = np.empty(Y.shape, self.network.dtype)
        for part, z_part in raw_outputs(X, coefs, intercepts, self.network.activations):
            z[part] = z_part
        loss = float(np.average(self.network.loss.value(Y, z), weights=_flat(weight)))
        score = self.score(z) if np.isfinite(z).all() else math.nan
        self.losses.append(loss)
        self.scores.append(score)
        height = (score, -loss) if self.by_score else (-loss, score)
        if all(map(math.isfinite, height)) and height > self.height:
            self.height, self.best = height, len(self.losses) - 1
            self.theta, self.state = theta.copy(), copy.deepcopy(state)


def _flat(weight: Array | None) -> Array | None:
    return None if weight is None else weight[:, 0]
