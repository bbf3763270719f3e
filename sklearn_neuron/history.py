"""History: what is kept of a training run besides its end, a row for each epoch or update.

==========  ==================  ===========================================================
record      a row for each      columns
==========  ==================  ===========================================================
``loss``    epoch               epoch, eta, loss
``epoch``   epoch               the same, and θ after the epoch
``step``    update              epoch, step, eta, n_rows, loss, loss_after, and θ after it
==========  ==================  ===========================================================

Epochs and steps are counted from 0. The loss of an epoch is the one of ``epochs``; the loss
of a step is its batch's objective before the update, ``loss_after`` the same batch's after it.
An interrupted epoch leaves no rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn_neuron._typing import Array
from sklearn_neuron.batches import Block
from sklearn_neuron.epochs import Descent, evaluate
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer, State


class History:
    """Numbers only: a row for each epoch.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters before the first update.

    Attributes
    ----------
    columns : dict of list
        Equal-length columns.
    thetas : list of ndarray
        θ after each row; empty where it is not kept.
    start : ndarray or None
        θ before the first row, where it is kept.
    """

    names: tuple[str, ...] = ("epoch", "eta", "loss")

    def __init__(self, theta: Array) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in self.names}
        self.thetas: list[Array] = []
        self.start: Array | None = None
        self.n_epochs = 0

    def descent(self, network: Network, optimizer: Optimizer, state: State) -> Descent:
        """Return what takes the steps of this run."""
        return Descent(network, optimizer, state)

    def commit(self, theta: Array, loss: float, eta: float) -> None:
        """Take note of a complete epoch."""
        self._append(epoch=self.n_epochs, eta=eta, loss=loss)
        self.n_epochs += 1

    def _append(self, **row: float) -> None:
        for name, value in row.items():
            self.columns[name].append(value)


class EpochHistory(History):
    """The parameters too, after every epoch: n_parameters numbers each."""

    def __init__(self, theta: Array) -> None:
        super().__init__(theta)
        self.start = theta.copy()
        self._dtype = theta.dtype

    def commit(self, theta: Array, loss: float, eta: float) -> None:
        super().commit(theta, loss, eta)
        self.thetas.append(theta.astype(self._dtype))  # L-BFGS works in float64


class StepHistory(EpochHistory):
    """The parameters after every update, and the batch's loss on both sides of it."""

    names = ("epoch", "step", "eta", "n_rows", "loss", "loss_after")

    def __init__(self, theta: Array) -> None:
        super().__init__(theta)
        self._steps: list[tuple[Array, dict[str, float]]] = []  # of the epoch under way

    def descent(self, network: Network, optimizer: Optimizer, state: State) -> Descent:
        return WatchedDescent(network, optimizer, state, self._steps)

    def commit(self, theta: Array, loss: float, eta: float) -> None:
        for theta_after, row in self._steps:
            self._append(epoch=self.n_epochs, step=len(self.thetas), **row)
            self.thetas.append(theta_after)
        self.n_epochs += 1
        self._steps.clear()


class WatchedDescent(Descent):
    """Steps that are taken note of in a list; each costs two more forward sweeps."""

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        state: State,
        steps: list[tuple[Array, dict[str, float]]],
    ) -> None:
        super().__init__(network, optimizer, state)
        self._steps = steps

    def step(self, blocks: Sequence[Block], eta: float) -> None:
        before = evaluate(self.network, blocks)
        super().step(blocks, eta)
        row = {
            "eta": eta,
            "n_rows": sum(len(block.Y) for block in blocks),
            "loss": before,
            "loss_after": evaluate(self.network, blocks),
        }
        self._steps.append((self.network.theta.copy(), row))


def count_on(
    columns: dict[str, list[Any]], first_epoch: int, earlier: dict[str, list[Any]]
) -> None:
    """Let the epochs, and the steps where both have them, go on from earlier ones."""
    columns["epoch"] = [first_epoch + epoch for epoch in columns["epoch"]]
    if "step" in columns and earlier.get("step"):
        first_step = earlier["step"][-1] + 1
        columns["step"] = [first_step + step for step in columns["step"]]


#: What is kept, by the name that ``record=`` takes. A new one needs a line here.
HISTORIES: dict[str, type[History]] = {
    "loss": History,
    "epoch": EpochHistory,
    "step": StepHistory,
}
