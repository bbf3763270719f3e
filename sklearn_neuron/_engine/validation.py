"""Validation: loss and score of the validation data after every epoch, and the best epoch so far.

The loss is the weighted mean of ℓ without the penalty. For classifiers the best epoch is the one
with the highest score and, among equal scores, the lowest loss; for regressors the one with the
lowest loss, because R² is not what a quantile or a count is trained for. A loss or score that is
not finite is never better.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_neuron._engine.batches import Samples, raw_outputs
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network, split


class ValidationData(NamedTuple):
    """Samples that nothing is learned from, and how good predictions for them are."""

    samples: Samples  # with weights of mean 1 among themselves
    score: Callable[[Array], float]  # z^L (n, K) → a number, larger where predictions are better
    by_score: bool  # whether the best epoch has the highest score, and not the lowest loss


class Validation:
    """Measures parameters on the validation data.

    Parameters
    ----------
    network : Network
        The network that is trained.
    data : ValidationData
        The validation data.
    """

    def __init__(self, network: Network, data: ValidationData) -> None:
        samples = data.samples
        self.network, self.score, self.by_score = network, data.score, data.by_score
        self.samples = samples._replace(Y=samples.Y.astype(network.dtype, copy=False))

    def measure(self, fitted: Array) -> tuple[dict[str, float], tuple[float, float]]:
        """Return loss and score of the parameters ``fitted``, and what epochs are compared by."""
        X, Y, weight = self.samples
        coefs, intercepts = split(fitted.astype(self.network.dtype), self.network.layer_sizes)
        z = np.empty(Y.shape, self.network.dtype)
        for part, z_part in raw_outputs(X, coefs, intercepts, self.network.activations):
            z[part] = z_part
        weights = None if weight is None else weight[:, 0]
        loss = float(np.average(self.network.loss.value(Y, z), weights=weights))
        score = self.score(z) if np.isfinite(z).all() else math.nan
        height = (score, -loss) if self.by_score else (-loss, score)
        return {"validation_loss": loss, "validation_score": score}, height
