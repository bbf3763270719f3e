"""Units: adaptive optimizers see y / scale; the scale is a power of two near y's deviation.

Their steps and the initial weights suit targets of about that size, and the output layer starts
from the mean of the targets. A division by a power of two is exact, so parameters and losses come
back in the user's own units as if training had been in these.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.batches import Samples, mean_of
from sklearn_neuron._engine.plan import Parameters
from sklearn_neuron._engine.run import Logs, Run
from sklearn_neuron._typing import Array
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Network, split

#: Exponents of the scale, up or down: deviations near one are left as they are, and squares stay in
#: range.
LEAST_POWER, LARGEST_POWER = 2, 400
#: Targets of a block below which these do not tell how far apart targets are.
FEW_TARGETS = 10
#: Columns of the history that are losses.
LOSS_COLUMNS = {"loss", "loss_after", "validation_loss"}


class Spread(NamedTuple):
    """Where numbers are, and how far from each other."""

    mean: NDArray[np.float64]  # of each target, (K,)
    deviation: float  # root of the mean variance


class Units(NamedTuple):
    """What training sees y in."""

    scale: float = 1.0  # of y and of raw outputs
    per_loss: float = 1.0  # of the loss's values

    def loss(self, loss: Loss) -> Loss:
        """Return a loss of y as a loss of y / scale."""
        scaled = loss.in_units_of(self.scale)
        return loss if scaled is None else scaled[0]

    def samples(self, samples: Samples) -> Samples:
        """Return samples with y / scale."""
        return samples.in_units(self.scale)

    def start(self, parameters: Parameters) -> Parameters:
        """Return parameters for y as parameters for y / scale."""
        coefs, intercepts = parameters
        if self.scale == 1.0:
            return coefs, intercepts
        return (
            [*coefs[:-1], coefs[-1] / self.scale],
            [*intercepts[:-1], intercepts[-1] / self.scale],
        )

    def parameters(
        self, parameters: Parameters, center: NDArray[np.float64] | None = None
    ) -> Parameters:
        """Return parameters for y / scale as parameters for y, with the center added to outputs."""
        coefs, intercepts = parameters
        if self.scale != 1.0:
            coefs = [*coefs[:-1], coefs[-1] * self.scale]
            intercepts = [*intercepts[:-1], intercepts[-1] * self.scale]
        if center is not None:
            intercepts = [*intercepts[:-1], intercepts[-1] + center]
        return coefs, intercepts

    def theta(self, theta: Array, network: Network) -> Array:
        """Return θ for y / scale as θ for y."""
        theta = theta.copy()
        W, b = split(theta, network.layer_sizes)
        W[-1] *= self.scale
        b[-1] *= self.scale
        return theta

    def run(self, run: Run, network: Network) -> Run:
        """Return a copy of a run, with the parameters and losses for y."""
        seen, rows = copy.copy(run), [self._row(row, network) for row in run.rows]
        theta = self.theta(run.moment.theta, network)
        seen.moment = run.moment._replace(theta=theta, n_rows=len(rows), tail=())
        seen.fitted_at = lambda _theta, _state: self.theta(run.fitted(), network)
        losses = [loss * self.per_loss for loss in run.losses]
        seen.logs = Logs(losses, [self._row(row, network) for row in run.measured], rows)
        seen.history = copy.copy(run.history)
        if run.history.start is not None:
            seen.history.start = self.theta(run.history.start, network)
        return seen

    def _row(self, row: Mapping[str, Any], network: Network) -> dict[str, Any]:
        row = {k: v * self.per_loss if k in LOSS_COLUMNS else v for k, v in row.items()}
        if "theta" in row:
            row["theta"] = self.theta(row["theta"], network)
        return row


#: Those of the user.
OWN = Units()


def start_units(
    loss: Loss, spread: Spread, *, n_samples: int | None
) -> tuple[Units, NDArray[np.float64] | None]:
    """Return the units that suit targets, and their mean; the user's own if the loss has none.

    The targets of a small block (``n_samples`` is that of a block, else None) may be close to each
    other by chance: its units are never smaller.
    """
    few = n_samples is not None and n_samples < FEW_TARGETS
    if loss.in_units_of(1.0) is None:
        return OWN, None
    if not 0.0 < spread.deviation < math.inf:
        return OWN, spread.mean
    power = round(math.log2(spread.deviation))
    if -LEAST_POWER < power < LEAST_POWER or (power < 0 and few):
        return OWN, spread.mean
    scale = 2.0 ** min(max(power, -LARGEST_POWER), LARGEST_POWER)
    scaled = loss.in_units_of(scale)
    return (OWN if scaled is None else Units(scale, scaled[1])), spread.mean


def spread_of(Y: Array, weight: NDArray[Any] | None) -> Spread | None:
    """Return the spread of targets; None if there is none, or it overflows."""
    if weight is not None and not weight.any():
        return None
    with np.errstate(all="ignore"):
        mean = mean_of(lambda y: y, Y, weight)
        variance = mean_of(lambda y: (y - mean) ** 2, Y, weight).mean()
    return Spread(mean, math.sqrt(variance)) if np.isfinite(variance) else None
