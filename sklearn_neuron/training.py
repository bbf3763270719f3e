r"""Training: the loop over epochs, when it stops, and L-BFGS over the same objective.

One epoch is one call of an ``Epoch``: given η it moves θ and returns the mean of the batch
losses, each taken before that batch's update, penalty included. ``MiniBatchEpoch`` and
``FullBatchEpoch`` are the two there are; a faster one may stand in without the loop knowing.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from sklearn_neuron._typing import Array
from sklearn_neuron.batches import Block, MiniBatches
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer, State
from sklearn_neuron.schedules import Schedule

Report = Callable[[int, float, float], None]


class Run:
    """What a training run has reached: its last complete epoch.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters at the start.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters after the last complete epoch.
    state : dict
        The optimizer's state at that moment.
    losses : list of float
        The loss of every epoch (iteration, for L-BFGS).
    converged : bool
        Whether training ended by itself.
    message : str
        What SciPy says of the end, for L-BFGS.
    """

    def __init__(self, theta: Array) -> None:
        self.theta = theta
        self.state: State = {}
        self.losses: list[float] = []
        self.converged = False
        self.message = ""

    def commit(self, theta: Array, state: State, loss: float, *, last: bool = False) -> None:
        """Keep a complete, finite epoch: as a copy, unless nothing comes after it."""
        if last:
            self.theta, self.state = theta, state
        elif not self.losses:
            self.theta, self.state = theta.astype(self.theta.dtype), copy.deepcopy(state)
        else:
            np.copyto(self.theta, theta)
            for name, value in state.items():
                if isinstance(value, np.ndarray):
                    np.copyto(self.state[name], value)
                else:
                    self.state[name] = value
        self.losses.append(loss)


class Epoch(Protocol):
    """One pass over the training rows, with the optimizer's state that it brings forward."""

    state: State

    def __call__(self, eta: float) -> float:
        """Move θ and return the epoch's loss."""

    def solved(self) -> bool:
        """Return whether the epoch left nothing to learn, before its updates and after them."""


class MiniBatchEpoch:
    """An update after every mini-batch, in an order drawn anew for each epoch."""

    def __init__(
        self,
        network: Network,
        batches: MiniBatches,
        optimizer: Optimizer,
        state: State,
        rng: np.random.RandomState | None,  # None: the rows' own order
    ) -> None:
        self.network, self.batches = network, batches
        self.optimizer, self.state = optimizer, state
        self.rng, self._no_mistake = rng, False

    def __call__(self, eta: float) -> float:
        network, loss = self.network, self.network.loss
        order = None if self.rng is None else self.rng.permutation(self.batches.n)
        total, penalty, no_mistake = 0.0, 0.0, loss.solvable
        for chunk in self.batches.chunks(order):
            for size, blocks in zip(chunk.sizes, chunk.batches, strict=True):
                if network.alpha:
                    penalty += size * network.penalty()
                gradient(network, blocks)
                descend(network, self.optimizer, self.state, eta)
            weight = 1.0 if chunk.weight is None else chunk.weight
            total += _weighted_sum(loss.value(chunk.Y, chunk.z), weight)
            no_mistake = no_mistake and loss.solved(chunk.Y, chunk.z)
        self._no_mistake = no_mistake
        return (total + penalty) / self.batches.n

    def solved(self) -> bool:
        return self._no_mistake and all(
            solves(self.network, blocks)
            for chunk in self.batches.chunks(None)
            for blocks in chunk.batches
        )


class FullBatchEpoch:
    """One update with the gradient of all rows."""

    def __init__(
        self, network: Network, blocks: Sequence[Block], optimizer: Optimizer, state: State
    ) -> None:
        self.network, self.blocks = network, blocks
        self.optimizer, self.state = optimizer, state

    def __call__(self, eta: float) -> float:
        value = objective(self.network, self.blocks)
        descend(self.network, self.optimizer, self.state, eta)
        return value

    def solved(self) -> bool:
        return self.network.loss.solvable and solves(self.network, self.blocks)


def solves(network: Network, blocks: Sequence[Block]) -> bool:
    """Return whether the parameters as they are leave nothing to learn from these rows."""
    for block in blocks:
        network.forward(block.X, block.space, block.z)
        if not network.loss.solved(block.Y, block.z):
            return False
    return True


def descend(network: Network, optimizer: Optimizer, state: State, eta: float) -> None:
    """Take one step along the optimizer's direction."""
    optimizer.update(network.grad, state)
    network.axpy(network.grad, network.theta, a=-eta)  # θ ← θ − η · direction


def gradient(
    network: Network, blocks: Sequence[Block], note: Callable[[Block], None] | None = None
) -> None:
    """Write the gradient of Σ shareᵢ ℓᵢ over a batch, with the penalty's, into ∇θ.

    ``note`` is called with each block while its outputs stand in ``block.z``.
    """
    total = None
    for block in blocks:
        X, Y, share, z, space = block
        network.forward(X, space, z)
        network.backward(X, Y, share, space, z)
        if note is not None:
            note(block)
        if len(blocks) > 1:
            total = network.grad.copy() if total is None else np.add(total, network.grad, total)
    if total is not None:
        np.copyto(network.grad, total)
    network.add_penalty_gradient()


def objective(network: Network, blocks: Sequence[Block]) -> float:
    """Return the objective over a batch; its gradient is in ∇θ."""
    sums = []

    def note(block: Block) -> None:
        sums.append(_weighted_sum(network.loss.value(block.Y, block.z), block.share))

    gradient(network, blocks, note)
    return sum(sums) + network.penalty()


def _weighted_sum(value: Array, weight: Array | float) -> float:
    if isinstance(weight, float):
        return weight * float(value.sum(dtype=np.float64))
    return float(np.dot(value, weight[:, 0]))


class Plateau:
    """Stop when the loss has not improved by ``tol`` for ``patience`` epochs in a row."""

    def __init__(self, tol: float | None, patience: int) -> None:
        self.tol, self.patience = tol, patience
        self.best, self.stale = math.inf, 0

    def reached(self, loss: float) -> bool:
        """Take note of an epoch's loss; return whether it is time to stop."""
        if self.tol is None:
            return False
        self.stale = 0 if loss < self.best - self.tol else self.stale + 1
        self.best = min(self.best, loss)
        return self.stale >= self.patience


def check_finite(loss: float, theta: Array, state: State, when: str, remedy: str) -> None:
    """Raise a ValueError where training has diverged."""
    arrays = [theta, *(value for value in state.values() if isinstance(value, np.ndarray))]
    if not (math.isfinite(loss) and all(np.isfinite(array).all() for array in arrays)):
        raise ValueError(
            f"Training diverged {when}: the loss or a parameter is no longer finite. {remedy}"
        )


def train(
    epoch: Epoch,
    network: Network,
    run: Run,
    *,
    eta: float,
    schedule: Schedule,
    first_epoch: int,
    max_iter: int,
    plateau: Plateau,
    report: Report | None = None,
) -> None:
    """Run epochs until the plateau, until nothing is left to learn, or ``max_iter`` times.

    Parameters
    ----------
    epoch : Epoch
        One pass over the rows.
    network : Network
        Whose θ the epochs move.
    run : Run
        Receives every complete epoch; holds the last one when an exception passes through.
    eta : float
        Base learning rate.
    schedule : Schedule
        Gives the learning rate of each epoch.
    first_epoch : int
        How many epochs are done over earlier calls: the schedule's place.
    max_iter : int
        Largest number of epochs.
    plateau : Plateau
        Decides when the loss has stopped improving.
    report : callable, default=None
        Called with the epoch's number (from 1), its loss and its η.

    Raises
    ------
    ValueError
        Where the loss or a parameter is no longer finite.
    """
    for number in range(1, max_iter + 1):
        rate = schedule(eta, first_epoch + number - 1)
        loss = epoch(rate)
        check_finite(
            loss,
            network.theta,
            epoch.state,
            f"in epoch {number} with eta={rate:g}",
            f"Try a smaller eta (say {rate / 10:g}) and features of a common scale "
            "(for example with StandardScaler).",
        )
        run.commit(network.theta, epoch.state, loss, last=number == max_iter)
        if report is not None:
            report(number, loss, rate)
        if plateau.reached(loss) or epoch.solved():
            run.converged = True
            return


def minimize(
    network: Network,
    blocks: Sequence[Block],
    run: Run,
    *,
    max_iter: int,
    tol: float | None,
    report: Report | None = None,
) -> None:
    """Minimise the objective over θ by L-BFGS, in float64 whatever the network's dtype.

    Parameters
    ----------
    network : Network
        Whose θ is the start and receives the end.
    blocks : sequence of Block
        The full batch.
    run : Run
        Receives every iteration.
    max_iter : int
        Largest number of iterations.
    tol : float or None
        Stop when no component of the gradient is larger, or when the loss falls by no more
        than rounding does; None runs all iterations.
    report : callable, default=None
        Called with the iteration's number (from 1), its loss and the step's η, which is 1.

    Raises
    ------
    ValueError
        Where the loss or a parameter is no longer finite.
    """
    remedy = "Bring the features to a common scale (for example with StandardScaler)."
    at_start = True

    def value_and_gradient(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal at_start
        np.copyto(network.theta, theta, casting="same_kind")
        value = objective(network, blocks)
        if at_start:  # later the line search may try, and leave, such a place
            check_finite(value, theta, {}, "at the start of L-BFGS", remedy)
            at_start = False
        # a copy, because the minimiser keeps the array it is given
        return value, network.grad.astype(np.float64)

    def after_iteration(intermediate_result: optimize.OptimizeResult) -> None:
        run.commit(intermediate_result.x, {}, float(intermediate_result.fun))
        if report is not None:
            report(len(run.losses), run.losses[-1], 1.0)

    result = optimize.minimize(
        value_and_gradient,
        network.theta.astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=after_iteration,
        options={
            "maxiter": max_iter,
            "maxfun": 20 * max_iter + 100,
            "maxls": 50,
            "gtol": 0.0 if tol is None else tol,
            # what LogisticRegression has too: 64 ulp of a loss near one
            "ftol": 0.0 if tol is None else 64 * np.finfo(np.float64).eps,
        },
    )
    if not run.losses:  # the start was already a minimum
        run.commit(result.x, {}, float(result.fun))
    check_finite(run.losses[-1], run.theta, {}, f"in iteration {result.nit} of L-BFGS", remedy)
    run.converged, run.message = result.status == 0, str(result.message)
