"""History: what is kept of a training run besides its end, a row for each epoch or update.

==========  ==================  ===========================================================
record      a row for each      columns
==========  ==================  ===========================================================
``loss``    epoch               epoch, eta, loss
``epoch``   epoch               the same, and θ after the epoch
``step``    update              epoch, step, eta, n_rows, loss, loss_after, and θ after it
==========  ==================  ===========================================================

Where rows are held out, every row also has validation_loss and validation_score, measured
after the epoch (in rows of steps: NaN but for the last of an epoch).

Epochs and steps are counted from 0. The loss of an epoch is the one of ``epochs``; the loss
of a step is its batch's objective before the update, ``loss_after`` the same batch's after it.
An interrupted epoch leaves no rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sklearn_neuron._engine.batches import Block
from sklearn_neuron._engine.epochs import Descent, evaluate, loss_of
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer, State

Row = dict[str, Any]  # the numbers of a row, and under "theta" the parameters after it


class History:
    """Numbers only: a row for each epoch.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters before the first update.

    Attributes
    ----------
    rows : list of dict
        What is kept, in complete epochs.
    start : ndarray or None
        θ before the first row, where it is kept.
    """

    names: tuple[str, ...] = ("epoch", "eta", "loss")
    #: Whether the parameters are kept too; then calls of ``partial_fit`` add up.
    keeps_parameters = False

    def __init__(self, theta: Array) -> None:
        self.rows: list[Row] = []
        self.start: Array | None = None

    def descent(self, network: Network, optimizer: Optimizer, state: State) -> Descent:
        """Return what takes the steps of this run."""
        return Descent(network, optimizer, state)

    def read(
        self, epoch: int, theta: Array, loss: float, eta: float, measured: dict[str, float]
    ) -> list[Row]:
        """Return the rows of a complete epoch, to be added to ``rows`` at one stroke."""
        return [{"epoch": epoch, "eta": eta, "loss": loss, **measured}]

    def columns(self) -> dict[str, list[Any]]:
        """Return the numbers of all rows as columns of equal length."""
        names = [name for name in self.rows[0] if name != "theta"] if self.rows else self.names
        return {name: [row[name] for row in self.rows] for name in names}


class EpochHistory(History):
    """The parameters too, after every epoch: n_parameters numbers each."""

    keeps_parameters = True

    def __init__(self, theta: Array) -> None:
        super().__init__(theta)
        self.start = theta.copy()
        self._dtype = theta.dtype

    def read(
        self, epoch: int, theta: Array, loss: float, eta: float, measured: dict[str, float]
    ) -> list[Row]:
        (row,) = super().read(epoch, theta, loss, eta, measured)
        return [{**row, "theta": theta.astype(self._dtype)}]  # L-BFGS works in float64


class StepHistory(EpochHistory):
    """The parameters after every update, and the batch's loss on both sides of it."""

    names = ("epoch", "step", "eta", "n_rows", "loss", "loss_after")

    def __init__(self, theta: Array) -> None:
        super().__init__(theta)
        self._steps: list[Row] = []  # of the epoch under way

    def descent(self, network: Network, optimizer: Optimizer, state: State) -> Descent:
        return WatchedDescent(network, optimizer, state, self._steps)

    def read(
        self, epoch: int, theta: Array, loss: float, eta: float, measured: dict[str, float]
    ) -> list[Row]:
        first, unknown = len(self.rows), dict.fromkeys(measured, math.nan)
        steps = [
            {"epoch": epoch, "step": first + k, **row, **unknown}
            for k, row in enumerate(self._steps)
        ]
        steps[-1] |= measured
        self._steps.clear()
        return steps


class WatchedDescent(Descent):
    """Steps that are taken note of in a list; each costs one more forward sweep, or two."""

    def __init__(
        self, network: Network, optimizer: Optimizer, state: State, steps: list[Row]
    ) -> None:
        super().__init__(network, optimizer, state)
        self._steps = steps

    def step(self, blocks: Sequence[Block], eta: float) -> None:
        network = self.network
        # the outputs of a single block still stand in it; several blocks have shared their memory
        before = loss_of(network, blocks) if len(blocks) == 1 else evaluate(network, blocks)
        super().step(blocks, eta)
        self._steps.append(
            {
                "eta": eta,
                "n_rows": sum(len(block.z) for block in blocks),
                "loss": before,
                "loss_after": evaluate(network, blocks),
                "theta": network.theta.copy(),
            }
        )


def count_on(
    columns: dict[str, list[Any]], first_epoch: int, earlier: dict[str, list[Any]]
) -> None:
    """Let the epochs, and the steps where both have them, go on from earlier ones."""
    columns["epoch"] = [first_epoch + epoch for epoch in columns["epoch"]]
    if "step" in columns:
        first_step = len(earlier.get("step", []))
        columns["step"] = [first_step + step for step in columns["step"]]


#: What is kept, by the name that ``record=`` takes. A new one needs a line here.
HISTORIES: dict[str, type[History]] = {
    "loss": History,
    "epoch": EpochHistory,
    "step": StepHistory,
}
