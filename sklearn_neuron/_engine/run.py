"""The run: what training has reached so far, and what is recorded of it, row by row.

What the rows are is said in ``records``. An interrupted epoch leaves no rows.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.batches import Block, Samples, batch_of
from sklearn_neuron._engine.epochs import (
    PENALTY_STATE,
    Updater,
    evaluate,
    is_finite,
    loss_of,
)
from sklearn_neuron._engine.validation import Validation
from sklearn_neuron._typing import Array
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer, State
from sklearn_neuron.records import Record

#: Iterations end where the objective falls by no more than 64 ulp, as in LogisticRegression.
ROUNDING = 64 * np.finfo(np.float64).eps

#: What optimizers and averaging count in their state.
COUNTS = {"t", "n_updates"}

#: What is in a state, but not recorded: the penalty's, and memory that an update overwrites.
NOT_RECORDED = {*PENALTY_STATE, "work"}

#: Dtypes of the columns of a record, where they are no float64; None for a list.
DTYPES = {"epoch": np.int64, "step": np.int64, "n_rows": np.int64, "rows": None, "state": None}

Column = NDArray[Any] | list[Any]  # numbers, or what is of a different size in each row
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
        history, rows = self.history, []
        for epoch, (loss, eta) in enumerate(zip(losses, etas, strict=True), len(self.losses)):
            rows += history.make_rows(epoch, theta, state, loss, eta, measured)
        kept = len(history.rows)
        if history.record.every > 1:
            kept, rows = history.thinned(rows)
        if losses:
            self._keep(theta, state, last=last)
            self.eta = etas[-1]
        self.losses += losses
        history.rows[kept:] = rows

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

#: Bytes of a row besides its arrays, and of an array besides its numbers.
ROW_BYTES, ARRAY_BYTES = 500, 130


class History:
    """Numbers only: one row per epoch.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The initial parameters.
    record : Record
        What is recorded.
    first : tuple of int, default=(0, 0)
        Numbers of the first epoch and of the first step.

    Attributes
    ----------
    rows : list of dict
        The rows of complete epochs.
    start : ndarray or None
        The initial θ, where parameters are recorded.
    """

    names: tuple[str, ...] = ("epoch", "eta", "loss")

    def __init__(self, theta: Array, record: Record, first: tuple[int, int] = (0, 0)) -> None:
        self.rows: list[Row] = []
        self.start: Array | None = None
        self.record, self._first = record, first[0]

    def updater(
        self, network: Network, optimizer: Optimizer, state: State, n_samples: int
    ) -> Updater:
        """Return what makes the updates of this run."""
        return Updater(network, optimizer, state)

    def make_rows(
        self,
        epoch: int,
        theta: Array,
        state: State,
        loss: float,
        eta: float,
        measured: dict[str, float],
    ) -> list[Row]:
        """Return the rows of a complete epoch of this run, to be added to ``rows`` at once."""
        return [{"epoch": self._first + epoch, "eta": eta, "loss": loss, **measured}]

    def thinned(self, rows: list[Row]) -> tuple[int, list[Row]]:
        """Return how many of the rows so far stay, and which of the new ones are kept.

        The last row is always there, until another comes.
        """
        unit, is_due = self.record.unit, self.record.is_due
        kept = [row for row in rows[:-1] if is_due(row[unit])]
        n = len(self.rows)
        if self.rows and rows and not is_due(self.rows[-1][unit]):
            n -= 1
        return n, [*kept, *rows[-1:]]

    def check_size(self, n_epochs: int, n_samples: int, batch_size: int, state: State) -> None:
        """Raise a ValueError if that many epochs would need more memory than is allowed."""

    def columns(self) -> dict[str, Column]:
        """Return all but the parameters as columns of equal length."""
        columns: dict[str, Column] = {}
        for name in self.rows[0] if self.rows else self.names:
            if name != "theta":
                values = list(map(itemgetter(name), self.rows))
                dtype = DTYPES.get(name, np.float64)
                columns[name] = values if dtype is None else np.array(values, dtype)
        return columns


class EpochHistory(History):
    """The parameters after every epoch, too, and the optimizer's state where asked."""

    def __init__(self, theta: Array, record: Record, first: tuple[int, int] = (0, 0)) -> None:
        super().__init__(theta, record, first)
        self.start = theta.copy()
        self._dtype = np.dtype(record.dtype or theta.dtype)

    def parameters(self, theta: Array, state: State) -> Row:
        """Return the part of a row that holds arrays."""
        row: Row = {"theta": theta.astype(self._dtype)}  # a copy
        if self.record.state:
            row["state"] = {
                name: value.astype(self._dtype) if isinstance(value, np.ndarray) else value
                for name, value in state.items()
                if name not in NOT_RECORDED
            }
        return row

    def make_rows(
        self,
        epoch: int,
        theta: Array,
        state: State,
        loss: float,
        eta: float,
        measured: dict[str, float],
    ) -> list[Row]:
        (row,) = super().make_rows(epoch, theta, state, loss, eta, measured)
        return [row | self.parameters(theta, state)]

    def check_size(self, n_epochs: int, n_samples: int, batch_size: int, state: State) -> None:
        every, theta = self.record.every, self.start
        assert theta is not None
        recorded = state.keys() - NOT_RECORDED if self.record.state else set()
        arrays = [np.size(state[name]) for name in recorded]
        numbers = theta.size + sum(arrays)
        n_updates = -(-n_samples // batch_size) if self.record.unit == "step" else 1
        n_rows = n_epochs * n_updates // every + 1
        per_row = ROW_BYTES + ARRAY_BYTES * (2 + len(arrays)) + numbers * self._dtype.itemsize
        n_indices = 4 * n_samples * n_epochs // every if self.record.unit == "step" else 0
        n_bytes = n_rows * per_row + n_indices
        if n_bytes > self.record.max_bytes:
            thinner = every * n_bytes // max(self.record.max_bytes, 1) + 1
            raise ValueError(
                f"The record of up to {n_rows} rows with {numbers} numbers each would take "
                f"{n_bytes} bytes ({n_bytes / 1e6:.3g} MB), and max_bytes is "
                f"{self.record.max_bytes}. Thin it out, as by record=Record("
                f"{self.record.kind!r}, every={thinner}), halve it by dtype='float32', lower "
                "max_iter, or set a larger max_bytes."
            )


class StepHistory(EpochHistory):
    """The parameters after every update, and the batch's rows and loss before and after it."""

    names = ("epoch", "step", "eta", "n_rows", "rows", "loss", "loss_after")

    def __init__(self, theta: Array, record: Record, first: tuple[int, int] = (0, 0)) -> None:
        super().__init__(theta, record, first)
        self.steps: list[Row] = []  # of the current epoch
        self.next_step = first[1]

    def updater(
        self, network: Network, optimizer: Optimizer, state: State, n_samples: int
    ) -> Updater:
        return RecordingUpdater(network, optimizer, state, self, n_samples)

    def make_rows(
        self,
        epoch: int,
        theta: Array,
        state: State,
        loss: float,
        eta: float,
        measured: dict[str, float],
    ) -> list[Row]:
        unknown = dict.fromkeys(measured, math.nan)
        steps = [
            {"epoch": self._first + epoch, "step": row["step"], "eta": eta, **row, **unknown}
            for row in self.steps
        ]
        steps[-1] |= measured
        self.steps.clear()
        return steps


class RecordingUpdater(Updater):
    """Updates that are recorded; each row costs one more forward pass, or two.

    Parameters
    ----------
    network, optimizer, state
        As for ``Updater``.
    history : StepHistory
        Receives the rows of an epoch, one after the other.
    n_samples : int
        Number of samples of an epoch.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        state: State,
        history: StepHistory,
        n_samples: int,
    ) -> None:
        super().__init__(network, optimizer, state)
        self._history, self._n, self._seen, self._made = history, n_samples, 0, 0
        self._numbers: dict[int, NDArray[np.int32]] = {}  # of batches in the samples' own order

    def step(self, blocks: Sequence[Block], eta: float) -> None:
        network, m = self.network, sum(len(block.z) for block in blocks)
        if not self._is_kept(m):
            super().step(blocks, eta)
            self._advance(m)
            return
        part = slice(self._seen, self._seen + m)
        rows = part if self.order is None else self.order[part]
        # the outputs of a single block are still in it; several blocks have shared their memory
        before = loss_of(network, blocks) if len(blocks) == 1 else evaluate(network, blocks)
        super().step(blocks, eta)
        self._note(blocks, rows, before, self.state)

    def on_update(self, samples: Samples) -> Callable[[Any, float], None]:
        def note(rows: Any, before: float) -> None:
            m = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
            if not self._is_kept(m):
                self._advance(m)
                return
            state = dict(self.state)  # counters are set at the end of an epoch
            for name in COUNTS & state.keys():
                state[name] += self._made + 1
            self._note([batch_of(self.network, samples, rows)], rows, before, state)

        return note

    def _is_kept(self, m: int) -> bool:
        """Return whether the next update, over m samples, gets a row; the last of an epoch does."""
        history, last = self._history, self._seen + m >= self._n
        return last or history.record.is_due(history.next_step)

    def _advance(self, m: int) -> None:
        """Count an update over m samples."""
        self._history.next_step += 1
        self._seen, self._made = self._seen + m, self._made + 1
        if self._seen >= self._n:
            self._seen = self._made = 0

    def _note(self, blocks: Sequence[Block], rows: Any, before: float, state: State) -> None:
        m = sum(len(block.z) for block in blocks)
        self._history.steps.append(
            {
                "step": self._history.next_step,
                "n_rows": m,
                "rows": self._indices(rows),
                "loss": before,
                "loss_after": evaluate(self.network, blocks),
                **self._history.parameters(self.network.theta, state),
            }
        )
        self._advance(m)

    def _indices(self, rows: Any) -> NDArray[np.int32]:
        """Return indices of samples; those of the same slice are the same array."""
        if not isinstance(rows, slice):
            return np.array(rows, np.int32)
        if rows.start not in self._numbers:
            self._numbers[rows.start] = np.arange(rows.start, rows.stop, dtype=np.int32)
        return self._numbers[rows.start]


#: How a record is kept, by its kind. A new kind of record needs one line here.
HISTORIES: dict[str, type[History]] = {
    "loss": History,
    "epoch": EpochHistory,
    "step": StepHistory,
}
