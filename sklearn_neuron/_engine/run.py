"""The run: what training has reached so far, and what is recorded of it, row by row.

==========  ===========  ==================================================================
record      one row per  columns
==========  ===========  ==================================================================
``loss``    epoch        epoch, eta, loss
``epoch``   epoch        the same, and θ after the epoch
``step``    update       epoch, step, eta, n_rows, loss, loss_after, and θ after the update
==========  ===========  ==================================================================

With validation data every row also has validation_loss and validation_score, measured after the
epoch (in rows of steps: NaN except for the last of an epoch).

Epochs and steps are counted from 0. The loss of an epoch is the one of ``epochs``; the loss of a
step is its batch's objective before the update, ``loss_after`` that of the same batch after it. An
interrupted epoch leaves no rows.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from sklearn_neuron._engine.batches import Block, Samples, batch_of
from sklearn_neuron._engine.epochs import Updater, evaluate, is_finite, loss_of
from sklearn_neuron._engine.validation import Validation
from sklearn_neuron._typing import Array
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer, State

#: Iterations end where the objective falls by no more than 64 ulp, as in LogisticRegression.
ROUNDING = 64 * np.finfo(np.float64).eps

Row = dict[str, Any]  # the numbers of a row, and under "theta" the parameters after it
#: Called after every epoch or iteration; training ends where one returns True.
Callback = Callable[["Run"], bool]


class Checkpoint(NamedTuple):
    """What is needed to continue training, besides the parameters and the random numbers."""

    optimizer: str = ""  # the class that the state belongs to
    state: State = {}
    epochs: int = 0  # completed over all calls
    plateaus: int = 0  # over all calls


class Run:
    """What a training run has reached: its last complete epoch, and what was measured.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The initial parameters.
    history : History
        Receives every complete epoch.
    fitted : callable
        Takes θ and the state and returns the parameters that users get: see ``Optimizer``.
    validation : Validation or None, default=None
        Measures the parameters after every epoch.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters after the last complete epoch.
    state : dict
        The optimizer's state at that moment.
    losses : list of float
        The loss of every epoch or iteration.
    eta : float
        The learning rate of the last epoch.
    converged, stopped : bool
        Whether training has converged, and whether a callback ended it.
    interrupt : KeyboardInterrupt or None
        What ended training after a complete epoch.
    plateaus : int
        How often the schedule has continued after a plateau, over all calls.
    engine : str
        What computed the epochs.
    refusal : str
        What the compiled code does not cover, where it was not an option.
    message : str
        What a minimizer says of its end.
    """

    def __init__(
        self,
        theta: Array,
        history: History,
        fitted: Callable[[Array, State], Array],
        validation: Validation | None = None,
    ) -> None:
        self.theta, self.history, self.validation = theta, history, validation
        self._fitted = fitted
        self.state: State = {}
        self.losses: list[float] = []
        self.eta = math.nan
        self.converged = self.stopped = False
        self.interrupt: KeyboardInterrupt | None = None
        self.plateaus = 0
        self.engine, self.refusal = "numpy", ""
        self.message = ""

    def fitted(self) -> Array:
        """The parameters that users get."""
        return self._fitted(self.theta, self.state)

    def commit(
        self, theta: Array, state: State, loss: float, eta: float, *, last: bool = False
    ) -> None:
        """Store a complete, finite epoch or iteration."""
        self.commit_all(theta, state, [loss], [eta], last=last)

    def commit_all(
        self,
        theta: Array,
        state: State,
        losses: Sequence[float],
        etas: Sequence[float],
        *,
        last: bool = False,
    ) -> None:
        """Store complete, finite epochs.

        Only where there is one, the validation data and the parameters are looked at after every
        epoch.
        """
        measured: dict[str, float] = {}
        if self.validation is not None and losses:
            measured = self.validation.measure(self._fitted(theta, state), theta, state)
        rows: list[Row] = []
        for epoch, loss in enumerate(losses, len(self.losses)):
            eta = etas[epoch - len(self.losses)]
            rows += self.history.make_rows(epoch, theta, loss, eta, measured)
        if losses:
            self._keep(theta, state, last=last)
            self.eta = etas[len(losses) - 1]
        self.losses += losses
        self.history.rows += rows

    def _keep(self, theta: Array, state: State, *, last: bool) -> None:
        """Keep θ and the state: as a copy, unless no other epoch follows."""
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

    def call(self, callbacks: Sequence[Callback]) -> None:
        """Call all callbacks; any of them may end training."""
        if callbacks:
            answers = [callback(self) for callback in callbacks]
            self.stopped = any(answers)

    def restore_best(self) -> None:
        """Go back to the epoch that was best on the validation data."""
        if self.validation is not None and self.validation.theta is not None:
            self.theta = self.validation.theta.astype(self.theta.dtype)
            self.state = self.validation.state


def check_finite(loss: float, theta: Array, state: State, when: str, remedy: str) -> None:
    """Raise a DivergenceError if the loss, a parameter or the state is not finite."""
    if not is_finite(loss, theta, state):
        raise diverged(when, remedy)


def diverged(when: str, remedy: str) -> DivergenceError:
    """Return the error of a training run whose numbers are no longer finite."""
    return DivergenceError(
        f"Training diverged {when}: the loss or a parameter is no longer finite. {remedy}"
    )


# ---- what is recorded ---------------------------------------------------------------------------


class History:
    """Numbers only: one row per epoch.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The initial parameters.

    Attributes
    ----------
    rows : list of dict
        The rows of complete epochs.
    start : ndarray or None
        The initial θ, where parameters are recorded.
    """

    names: tuple[str, ...] = ("epoch", "eta", "loss")
    #: Whether parameters are recorded; then calls of ``partial_fit`` add up.
    keeps_parameters = False

    def __init__(self, theta: Array) -> None:
        self.rows: list[Row] = []
        self.start: Array | None = None

    def updater(self, network: Network, optimizer: Optimizer, state: State) -> Updater:
        """Return what makes the updates of this run."""
        return Updater(network, optimizer, state)

    def make_rows(
        self, epoch: int, theta: Array, loss: float, eta: float, measured: dict[str, float]
    ) -> list[Row]:
        """Return the rows of a complete epoch, to be added to ``rows`` at once."""
        return [{"epoch": epoch, "eta": eta, "loss": loss, **measured}]

    def columns(self) -> dict[str, list[Any]]:
        """Return the numbers of all rows as columns of equal length."""
        names = self.rows[0] if self.rows else self.names
        return {name: [row[name] for row in self.rows] for name in names if name != "theta"}


class EpochHistory(History):
    """The parameters after every epoch, too."""

    keeps_parameters = True

    def __init__(self, theta: Array) -> None:
        super().__init__(theta)
        self.start = theta.copy()
        self._dtype = theta.dtype

    def make_rows(
        self, epoch: int, theta: Array, loss: float, eta: float, measured: dict[str, float]
    ) -> list[Row]:
        (row,) = super().make_rows(epoch, theta, loss, eta, measured)
        return [{**row, "theta": theta.astype(self._dtype)}]  # L-BFGS works in float64


class StepHistory(EpochHistory):
    """The parameters after every update, and the batch's loss before and after it."""

    names = ("epoch", "step", "eta", "n_rows", "loss", "loss_after")

    def __init__(self, theta: Array) -> None:
        super().__init__(theta)
        self._steps: list[Row] = []  # of the current epoch

    def updater(self, network: Network, optimizer: Optimizer, state: State) -> Updater:
        return RecordingUpdater(network, optimizer, state, self._steps)

    def make_rows(
        self, epoch: int, theta: Array, loss: float, eta: float, measured: dict[str, float]
    ) -> list[Row]:
        first, unknown = len(self.rows), dict.fromkeys(measured, math.nan)
        steps = [
            {"epoch": epoch, "step": first + k, "eta": eta, **row, **unknown}
            for k, row in enumerate(self._steps)
        ]
        steps[-1] |= measured
        self._steps.clear()
        return steps


class RecordingUpdater(Updater):
    """Updates that are recorded in a list; each costs one more forward pass, or two."""

    def __init__(
        self, network: Network, optimizer: Optimizer, state: State, steps: list[Row]
    ) -> None:
        super().__init__(network, optimizer, state)
        self._steps = steps

    def step(self, blocks: Sequence[Block], eta: float) -> None:
        network = self.network
        # the outputs of a single block are still in it; several blocks have shared their memory
        before = loss_of(network, blocks) if len(blocks) == 1 else evaluate(network, blocks)
        super().step(blocks, eta)
        self._note(blocks, before)

    def on_update(self, samples: Samples) -> Callable[[Any, float], None]:
        def note(rows: Any, before: float) -> None:
            self._note([batch_of(self.network, samples, rows)], before)

        return note

    def _note(self, blocks: Sequence[Block], before: float) -> None:
        self._steps.append(
            {
                "n_rows": sum(len(block.z) for block in blocks),
                "loss": before,
                "loss_after": evaluate(self.network, blocks),
                "theta": self.network.theta.copy(),
            }
        )


#: What is recorded, by name, as ``record=`` takes it. A new record needs one line here.
HISTORIES: dict[str, type[History]] = {
    "loss": History,
    "epoch": EpochHistory,
    "step": StepHistory,
}
