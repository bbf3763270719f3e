"""Measures: what each layer and each row of a network does in one forward and backward pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.batches import Block
from sklearn_neuron._engine.compiled import sigma_of
from sklearn_neuron._engine.epochs import gradient
from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation, Link
from sklearn_neuron.inspection._subject import Subject
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Network

#: A unit is dead if no row gives it a slope above this, as where ``fit`` warns of idle units.
NO_SLOPE = 1e-12
#: A unit is saturated if its slope is below this part of the activation's largest ...
FLAT_SLOPE = 0.05
#: ... for at least this part of the rows.
MOST_ROWS = 0.95
#: z at which a bounded activation has no slope any more.
FAR_OUT = 50.0


class Measures(NamedTuple):
    """L layers and m rows, at one θ."""

    delta: Array  # (L,): ‖δˡ‖, the root mean square over the rows
    gradient: Array  # (L,): ‖∂Wˡ‖ of the objective
    dead: Array  # (L,): share of units; NaN for the last layer
    saturated: Array  # (L,): share of units; NaN where units cannot be
    loss: Array  # (m,)
    z: Array  # (m, K): raw outputs


class Slopes:
    """How steep the units of one layer are, over all blocks of rows."""

    def __init__(self, n_units: int, largest: float) -> None:
        self.limit = FLAT_SLOPE * largest  # NaN: nothing is below it
        self.steepest, self.flat, self.n_rows = np.zeros(n_units), np.zeros(n_units), 0

    def add(self, slope: Array) -> None:
        """Look at some rows, (m, n)."""
        size = np.abs(slope)
        np.maximum(self.steepest, size.max(axis=0), out=self.steepest)
        self.flat += (size < self.limit).sum(axis=0)
        self.n_rows += len(slope)

    def dead(self) -> float:
        """Return the share of units that have no slope for any row."""
        return float((self.steepest < NO_SLOPE).mean())

    def saturated(self) -> float:
        """Return the share of units that are flat for most rows; NaN if they cannot saturate."""
        if not np.isfinite(self.limit):
            return np.nan
        return float((self.flat >= MOST_ROWS * self.n_rows).mean())


def largest_slope(link: Link) -> float:
    """Return the largest slope of an activation that is flat on both sides, else NaN."""
    if not isinstance(link, Activation):
        return np.nan
    z = np.array([[-FAR_OUT, *np.linspace(-4.0, 4.0, 81), FAR_OUT]])
    slope = np.empty_like(z)
    with np.errstate(all="ignore"):
        link.with_derivative(z, np.empty_like(z), slope)
    size = np.abs(slope[0])
    both_flat = max(size[0], size[-1]) < 1e-3 * size.max()
    return float(size.max()) if both_flat else np.nan


def loses_delta(loss: Loss) -> bool:
    """Return whether δ vanishes for an output that is saturated on the wrong side.

    That of the squared error behind a sigmoid does; that of a cross-entropy does not.
    """
    y, z = np.zeros((1, 1)), np.full((1, 1), FAR_OUT)
    out, work = np.empty((1, 1)), np.empty((1, 1))
    loss.delta(y, z, out, work)
    return bool(abs(out.item()) < 1e-3)


def layer_slopes(network: Network) -> list[Slopes]:
    """Return what collects the slopes of each layer; the last one's, if saturation hurts it."""
    sigmas = [sigma_of(sigma) for sigma in network.activations]
    largest = [largest_slope(sigma) for sigma in sigmas]
    link = network.loss.link
    bounded = np.isfinite(largest_slope(link))
    largest.append(largest_slope(link) if bounded and loses_delta(network.loss) else np.nan)
    return [Slopes(n, top) for n, top in zip(network.layer_sizes[1:], largest, strict=True)]


def measure_layers(subject: Subject, slopes: list[Slopes]) -> Measures:
    """Return the measures at the network's θ; its ∇θ is then that of the objective.

    The rows enter with their weights: ‖δˡ‖² is the mean of ‖δᵢˡ‖², weighted by sᵢ / Σs.
    """
    network, link = subject.network, subject.network.loss.link
    squares, losses, outputs = np.zeros(len(network.W)), [], []

    def note(block: Block) -> None:
        share, space = block.share, block.space  # δ in the memory is share ⊙ δ
        for l, delta in enumerate([*(layer.delta for layer in space.hidden), space.delta]):
            squares[l] += float((delta * delta / share).sum())
        for layer, slope in zip(space.hidden, slopes, strict=False):
            slope.add(layer.slope)
        if np.isfinite(slopes[-1].limit) and isinstance(link, Activation):
            steep = np.empty_like(block.z)
            link.with_derivative(block.z, np.empty_like(block.z), steep)
            slopes[-1].add(steep)
        losses.append(network.loss.value(block.Y, block.z))
        outputs.append(block.z.copy())

    gradient(network, subject.blocks, note)
    return Measures(
        delta=np.sqrt(squares),
        gradient=np.array([np.linalg.norm(dW) for dW in network.dW]),
        dead=np.array([*(slope.dead() for slope in slopes[:-1]), np.nan]),
        saturated=np.array([slope.saturated() for slope in slopes]),
        loss=np.concatenate(losses),
        z=np.concatenate(outputs),
    )


def predicted_columns(estimator: NetworkEstimator, z: Array) -> NDArray[np.bool_]:
    """Return which outputs are predicted, (m, K), as Y of classes: one-hot, or a column each."""
    if z.shape[1] == 1 or getattr(estimator, "_multilabel", False):
        chosen: NDArray[np.bool_] = z > 0.0
        return chosen
    one_hot: NDArray[np.bool_] = np.arange(z.shape[1]) == z.argmax(axis=1)[:, None]
    return one_hot
