"""Epochs on a cluster: full batches, local epochs whose θ are averaged, synchronous mini-batches.

Full batches are gradient descent, the same as on one machine. With *local* epochs each group makes
an epoch over its own samples, from the same θ; the mean of what they arrive at, by their weights,
is where all continue (local SGD, or federated averaging [1]_). *Synchronous* mini-batches have an
update for each batch, of which every group contributes its part: these are the updates of one
machine, in another order of the samples, and each takes a round trip.

References
----------
.. [1] B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas (2017).
   Communication-efficient learning of deep networks from decentralized data. AISTATS, PMLR 54,
   1273-1282. https://proceedings.mlr.press/v54/mcmahan17a.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.epochs import Passed, Plateau, Updater, passed
from sklearn_neuron.dask import _part
from sklearn_neuron.dask._cluster import Blocks
from sklearn_neuron.optimizers import State

#: Seeds are below.
SEEDS = 2**31 - 1


class FullBatches:
    """One update with the gradient over all samples.

    Parameters
    ----------
    updater : Updater
        Network, optimizer and state.
    blocks : Blocks
        The parts, bound to the network.
    engine : str
        What computes the gradients.
    """

    def __init__(self, updater: Updater, blocks: Blocks, engine: str) -> None:
        self.updater, self.blocks, self.engine = updater, blocks, engine
        self.state = updater.state

    def __call__(self, rates: NDArray[np.float64], plateau: Plateau | None) -> Passed:
        network, blocks = self.updater.network, self.blocks
        no_mistake = network.loss.solvable and not self._mistakes()
        theta = network.theta.astype(np.float64)
        value, grad = blocks.sum(_part.value_and_gradient, theta=theta)
        value += network.penalty()
        np.copyto(network.grad, grad, casting="same_kind")
        network.add_weights(network.alpha)
        self.updater.step((), float(rates[0]))
        solved = no_mistake and not self._mistakes()
        return passed(value, network, self.state, plateau, solved=solved)

    def _mistakes(self) -> int:
        number: int = self.blocks.sum(_part.mistakes, theta=self.updater.network.theta)
        return number


class LocalEpochs:
    """An epoch over its own samples in each group, and the mean of what they arrive at.

    Parameters
    ----------
    updater : Updater
        Network, optimizer and state.
    blocks : Blocks
        The parts, bound to the network.
    engine : str
        What computes the updates.
    batch_size : int
        Number of samples of a batch.
    rng : RandomState
        Draws a seed for each group and epoch.
    shuffle : bool
        Whether the samples are shuffled.
    """

    def __init__(
        self,
        updater: Updater,
        blocks: Blocks,
        engine: str,
        batch_size: int,
        rng: np.random.RandomState,
        *,
        shuffle: bool,
    ) -> None:
        self.updater, self.blocks, self.engine = updater, blocks, engine
        self.batch_size, self.rng, self.shuffle = batch_size, rng, shuffle
        self.state, self.has_diverged = updater.state, False

    def of(self, updater: Updater, rng: np.random.RandomState) -> LocalEpochs:
        """Return such epochs of another network."""
        blocks = self.blocks.bound(_part.Recipe.of(updater.network, self.engine))
        return LocalEpochs(updater, blocks, self.engine, self.batch_size, rng, shuffle=self.shuffle)

    def __call__(self, rates: NDArray[np.float64], plateau: Plateau | None) -> Passed:
        network = self.updater.network
        arrays, numbers, loss, weight, n_open = self.blocks.sum(
            _part.local_epoch,
            seeds(self.rng, self.blocks),
            theta=network.theta,
            state=self.state,
            optimizer=self.updater.optimizer,
            size=self.batch_size,
            eta=float(rates[0]),
            shuffle=self.shuffle,
        )
        if not math.isfinite(loss):
            self.has_diverged = True
            return Passed([], "diverged")
        np.copyto(network.theta, arrays.pop("θ") / weight, casting="same_kind")
        adopt(self.state, arrays, numbers, weight)
        made = passed(loss, network, self.state, plateau, solved=not n_open)
        self.has_diverged = made.status == "diverged"
        return made


def adopt(state: State, arrays: Any, numbers: Any, weight: float) -> None:
    """Set the state to the mean of those of the groups; what they agree on stays exactly as it was.

    A count is rounded.
    """
    for name, value in arrays.items():
        np.copyto(state[name], value / weight, casting="same_kind")
    for name, value in numbers.items():
        mean = value / weight
        if isinstance(state[name], int):
            state[name] = round(mean)
        elif not math.isclose(mean, state[name], rel_tol=1e-12):
            state[name] = mean


class SynchronousBatches:
    """An update for each mini-batch, to which every group contributes its part.

    Parameters
    ----------
    updater : Updater
        Network, optimizer and state.
    blocks : Blocks
        The parts, bound to the network.
    engine : str
        What computes the gradients.
    n, batch_size : int
        Numbers of samples in all, and of a batch.
    rng : RandomState
        Draws a seed for each group and epoch.
    shuffle : bool
        Whether the samples are shuffled.
    """

    def __init__(
        self,
        updater: Updater,
        blocks: Blocks,
        engine: str,
        n: int,
        batch_size: int,
        rng: np.random.RandomState,
        *,
        shuffle: bool,
    ) -> None:
        self.updater, self.blocks, self.engine = updater, blocks, engine
        self.n_batches, self.rng = -(-n // batch_size), rng
        self.how = {"size": batch_size, "shuffle": shuffle}
        self.state = updater.state

    def __call__(self, rates: NDArray[np.float64], plateau: Plateau | None) -> Passed:
        network, own = self.updater.network, seeds(self.rng, self.blocks)
        total, n, no_mistake = 0.0, 0, network.loss.solvable
        for number in range(self.n_batches):
            theta = network.theta
            grad, loss, m, n_open = self.blocks.sum(
                _part.batch_gradient, own, theta=theta, number=number, **self.how
            )
            if not m:
                continue
            total, n = total + loss + m * network.penalty(), n + m
            no_mistake = no_mistake and not n_open
            np.copyto(network.grad, grad / m, casting="same_kind")
            network.add_weights(network.alpha)
            self.updater.step((), float(rates[0]))
        solved = no_mistake and not self.blocks.sum(_part.mistakes, theta=network.theta)
        return passed(total / n, network, self.state, plateau, solved=solved)


def seeds(rng: np.random.RandomState, blocks: Blocks) -> list[int]:
    """Return a seed for each group."""
    own: list[int] = rng.randint(SEEDS, size=len(blocks.groups)).tolist()
    return own
