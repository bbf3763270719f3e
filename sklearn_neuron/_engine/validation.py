"""Validation: loss and score of the validation data after every epoch, and the best epoch so far.

The loss is the weighted mean of ℓ without the penalty. For classifiers the best epoch is the one
with the highest score and, among equal scores, the lowest loss; for regressors the one with the
lowest loss, because R² is not what a quantile or a count is trained for. A loss or score that is
not finite is never better.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_neuron._engine.batches import Samples, raw_outputs
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network, split
from sklearn_neuron.optimizers import State


class ValidationData(NamedTuple):
    """Samples that nothing is learned from, and how good predictions for them are."""

    samples: Samples  # with weights of mean 1 among themselves
    score: Callable[[Array], float]  # z^L (n, K) → a number, larger where predictions are better
    by_score: bool  # whether the best epoch has the highest score, and not the lowest loss


class Validation:
    """What was measured on the validation data, epoch by epoch.

    Parameters
    ----------
    network : Network
        The network that is trained.
    data : ValidationData
        The validation data.

    Attributes
    ----------
    losses, scores : list of float
        One of each per epoch.
    best : int
        Index of the best epoch; -1 before the first.
    height : tuple of float
        What epochs are compared by; larger is better.
    theta, state : ndarray, dict
        Parameters and the optimizer's state after the best epoch.
    """

    def __init__(self, network: Network, data: ValidationData) -> None:
        samples = data.samples
        self.network, self.score, self.by_score = network, data.score, data.by_score
        self.samples = samples._replace(Y=samples.Y.astype(network.dtype, copy=False))
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best, self.height = -1, (-math.inf, -math.inf)
        self.theta: Array | None = None
        self.state: State = {}

    def measure(self, fitted: Array, theta: Array, state: State) -> dict[str, float]:
        """Measure the parameters ``fitted``; store θ and the state if they are the best so far."""
        X, Y, weight = self.samples
        coefs, intercepts = split(fitted.astype(self.network.dtype), self.network.layer_sizes)
        z = np.empty(Y.shape, self.network.dtype)
        for part, z_part in raw_outputs(X, coefs, intercepts, self.network.activations):
            z[part] = z_part
        weights = None if weight is None else weight[:, 0]
        loss = float(np.average(self.network.loss.value(Y, z), weights=weights))
        score = self.score(z) if np.isfinite(z).all() else math.nan
        self.losses.append(loss)
        self.scores.append(score)
        height = (score, -loss) if self.by_score else (-loss, score)
        if all(map(math.isfinite, height)) and height > self.height:
            self.height, self.best = height, len(self.losses) - 1
            self.theta, self.state = theta.copy(), copy.deepcopy(state)
        return {"validation_loss": loss, "validation_score": score}
