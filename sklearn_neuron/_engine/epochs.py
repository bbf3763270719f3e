r"""Epochs: passes over the training data, update by update, and when nothing improves any more.

Given the learning rates of the epochs that come next, an ``Epochs`` makes at least the first of
them: it moves θ, and returns the loss of each, which is the mean of the batch losses, each taken
before that batch's update, penalty included. ``MiniBatchEpochs`` and ``FullBatchEpochs`` are the
reference in NumPy, one epoch at a time; the compiled core takes their place where it can, and makes
as many as there are rates. In NumPy, ``Updater`` is the one place where updates move θ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.batches import Block, MiniBatches, Samples
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network, raw_output
from sklearn_neuron.optimizers import Optimizer, State

# ---- where training ends ------------------------------------------------------------------------


class Measured(Protocol):
    """What was measured after an epoch."""

    @property
    def loss(self) -> float:
        """The training loss."""

    @property
    def measured(self) -> Mapping[str, float]:
        """Loss and score of the validation data, if there are any."""


class Plateau:
    """Tells when nothing has improved by ``tol`` for ``patience`` epochs in a row.

    What counts is the training loss or, with ``validation``, loss and score of the validation data:
    an epoch is an improvement if either improves.
    """

    def __init__(self, tol: float | None, patience: int, *, validation: bool = False) -> None:
        self.tol, self.patience, self.validation = tol, patience, validation
        self.best, self.stale = [math.inf, math.inf], 0

    def reached(self, after: Measured) -> bool:
        """Take an epoch into account; return whether it is time to stop."""
        values = [after.loss]
        if self.validation and after.measured:
            values = [after.measured["validation_loss"], -after.measured["validation_score"]]
        return self.reached_with(values)

    def reached_with(self, values: list[float]) -> bool:
        """Take what was measured after an epoch into account; return whether it is time to stop."""
        if self.tol is None:
            return False
        self.stale += 1
        for k, value in enumerate(values):
            if value < self.best[k] - self.tol:
                self.stale = 0
            self.best[k] = min(self.best[k], value)  # in this order min() ignores a NaN
        return self.stale >= self.patience


# ---- what an epoch is ---------------------------------------------------------------------------


class Passed(NamedTuple):
    """What came of a call for epochs."""

    losses: list[float]  # of the complete epochs
    #: How they ended: "done"; "plateau", only if a plateau was given; "solved", where nothing is
    #: left to learn, neither before the updates nor after them; "diverged" and "interrupted" in
    #: the epoch after those.
    status: str
    interrupt: BaseException | None = None


class Epochs(Protocol):
    """Passes over the training data, with the optimizer's state that they advance."""

    state: State
    #: What computes them: see ``set_config``.
    engine: str

    def __call__(self, rates: NDArray[np.float64], plateau: Plateau | None) -> Passed:
        """Move θ, by at least one epoch and at most one for each learning rate.

        With a plateau, epochs end where it is reached; without one they only end early as the
        status says.
        """


#: The L1 penalty's part of the state: its strength, and u and q of ``Network.shrink``.
PENALTY_STATE = ("l1_strength", "l1_due", "l1_paid")


def penalty_state(network: Network) -> State:
    """Return the state of the L1 penalty before the first update; empty without one.

    It is composed around that of the optimizer, and holds while the penalty's strength does: what
    weights owe of another penalty would delay their leaving zero.
    """
    if not network.beta:
        return {}
    return dict(zip(PENALTY_STATE, (network.beta, 0.0, np.zeros(network.n_weights)), strict=True))


class Updater:
    """Updates of θ, along the directions of an optimizer.

    Parameters
    ----------
    network : Network
        Its θ moves, by the gradient in ∇θ.
    optimizer : Optimizer
        Turns ∇θ into a direction.
    state : dict
        The optimizer's state and that of the L1 penalty, which the updates advance.
    """

    def __init__(self, network: Network, optimizer: Optimizer, state: State) -> None:
        self.network, self.optimizer, self.state = network, optimizer, state
        self.decay, self.average = float(optimizer.weight_decay), int(optimizer.average)
        #: The order of the samples in this epoch; None for their own order.
        self.order: NDArray[np.intp] | None = None

    def step(self, blocks: Sequence[Block], eta: float) -> None:
        """Move θ, given the gradient over the batch ``blocks`` in ∇θ."""
        network = self.network
        self.optimizer.direction(network.grad, self.state)
        if not network.fit_intercept:  # a gradient of zero may have another direction
            network.db[-1].fill(0.0)
        if self.decay:
            network.add_weights(self.decay)
        network.axpy(network.grad, network.theta, a=-eta)  # θ ← θ − η · direction
        if network.beta:
            self._shrink(eta)
        if self.average:
            self._average()

    def on_update(self, samples: Samples) -> Callable[[Any, float], None] | None:
        """Return what the compiled core calls after each of its updates, if anything.

        It is called with the rows of the batch and the batch's objective before the update.
        """
        return None

    def _shrink(self, eta: float) -> None:
        """Let the weights receive what is due of the L1 penalty."""
        network, state = self.network, self.state
        state["l1_due"] += eta * network.beta
        scale = self.optimizer.proximal_scale(state)
        network.shrink(state["l1_due"], state["l1_paid"], scale)

    def _average(self) -> None:
        """Advance the mean of θ over the updates."""
        self.state["n_updates"] += 1
        n = self.state["n_updates"] - self.average + 1  # updates that count
        mean = self.state["average"]
        if n <= 1:
            np.copyto(mean, self.network.theta)
        else:
            mean += (self.network.theta - mean) / n


class MiniBatchEpochs:
    """An update after every mini-batch; the order of the samples is drawn for each epoch."""

    engine = "numpy"

    def __init__(
        self,
        updater: Updater,
        batches: MiniBatches,
        rng: np.random.RandomState | None,  # None: the samples' own order
    ) -> None:
        self.network, self.updater, self.state = updater.network, updater, updater.state
        self.batches, self.rng = batches, rng

    def __call__(self, rates: NDArray[np.float64], plateau: Plateau | None) -> Passed:
        network, loss, updater, eta = self.network, self.network.loss, self.updater, float(rates[0])
        order = None if self.rng is None else self.rng.permutation(self.batches.n)
        updater.order = order
        total, penalty, no_mistake = 0.0, 0.0, loss.solvable
        for chunk in self.batches.chunks(order):
            for size, blocks in zip(chunk.sizes, chunk.batches, strict=True):
                if network.alpha or network.beta:
                    penalty += size * network.penalty()
                gradient(network, blocks)
                updater.step(blocks, eta)
            weight = 1.0 if chunk.weight is None else chunk.weight
            total += weighted_sum(loss.value(chunk.Y, chunk.z), weight)
            no_mistake = no_mistake and loss.solved(chunk.Y, chunk.z)
        solved = no_mistake and all(
            solves(self.network, blocks)
            for chunk in self.batches.chunks(None)
            for blocks in chunk.batches
        )
        return passed(
            (total + penalty) / self.batches.n, network, self.state, plateau, solved=solved
        )


class FullBatchEpochs:
    """One update with the gradient over all samples."""

    engine = "numpy"

    def __init__(self, updater: Updater, blocks: Sequence[Block]) -> None:
        self.network, self.updater, self.state = updater.network, updater, updater.state
        self.blocks = blocks

    def __call__(self, rates: NDArray[np.float64], plateau: Plateau | None) -> Passed:
        network = self.network
        no_mistake = network.loss.solvable

        def note(block: Block) -> None:
            nonlocal no_mistake
            no_mistake = no_mistake and network.loss.solved(block.Y, block.z)

        value = objective(network, self.blocks, note if no_mistake else None)
        self.updater.step(self.blocks, float(rates[0]))
        solved = no_mistake and solves(network, self.blocks)
        return passed(value, network, self.state, plateau, solved=solved)


def passed(
    loss: float, network: Network, state: State, plateau: Plateau | None, *, solved: bool
) -> Passed:
    """Return what came of one epoch."""
    if not is_finite(loss, network.theta, state):
        return Passed([], "diverged")
    if solved:
        return Passed([loss], "solved")
    reached = plateau is not None and plateau.reached_with([loss])
    return Passed([loss], "plateau" if reached else "done")


def is_finite(loss: float, theta: Array, state: State) -> bool:
    """Return whether the loss, all parameters and the optimizer's state are finite."""
    finite = math.isfinite(loss)
    for value in (theta, *state.values()):
        finite = finite and bool(np.isfinite(value).all())
    return finite


def solves(network: Network, blocks: Sequence[Block]) -> bool:
    """Return whether the parameters leave nothing to learn from these samples."""
    for block in blocks:
        network.forward(block.X, block.space, block.z)
        if not network.loss.solved(block.Y, block.z):
            return False
    return True


def gradient(
    network: Network, blocks: Sequence[Block], note: Callable[[Block], None] | None = None
) -> None:
    """Write the gradient of Σ shareᵢ ℓᵢ over a batch, with the penalty's, into ∇θ.

    ``note`` is called with each block while its outputs are in ``block.z``.
    """
    total = None
    for block in blocks:
        X, _, share, z, space = block
        network.forward(X, space, z)
        network.backward(X, block.Y, share, space, z)
        if note is not None:
            note(block)
        if len(blocks) > 1:
            total = network.grad.copy() if total is None else np.add(total, network.grad, total)
    if total is not None:
        np.copyto(network.grad, total)
    network.add_weights(network.alpha)


def objective(
    network: Network, blocks: Sequence[Block], note: Callable[[Block], None] | None = None
) -> float:
    """Return the objective over a batch; its gradient is then in ∇θ. ``note``: see ``gradient``."""
    sums = []

    def add(block: Block) -> None:
        sums.append(block_loss(network, block))
        if note is not None:
            note(block)

    gradient(network, blocks, add)
    return sum(sums) + network.penalty()


def loss_of(network: Network, blocks: Sequence[Block]) -> float:
    """Return the objective over a batch whose outputs are in its blocks."""
    return sum(block_loss(network, block) for block in blocks) + network.penalty()


def evaluate(network: Network, blocks: Sequence[Block]) -> float:
    """Return the objective over a batch, out of place and without its gradient.

    It goes the way of ``predict``, so there is no dropout, and a gradient check compares two
    independent ways.
    """
    total = network.penalty()
    for block in blocks:
        z = raw_output(block.X, network.W, network.b, network.activations)
        total += weighted_sum(network.loss.value(block.Y, z), block.share)
    return total


def block_loss(network: Network, block: Block) -> float:
    """Return Σ shareᵢ ℓᵢ over a block whose outputs are in ``block.z``."""
    return weighted_sum(network.loss.value(block.Y, block.z), block.share)


def weighted_sum(value: Array, weight: Array | float) -> float:
    """Return the sum of losses, each times its weight (m, 1), or times one number."""
    if isinstance(weight, float):
        return weight * float(value.sum(dtype=np.float64))
    return float(np.dot(value, weight[:, 0]))
