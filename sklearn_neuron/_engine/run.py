"""The run: what training has reached so far, and what is recorded of it, row by row.

What the rows are is said in ``records``. An interrupted epoch leaves no rows.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
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


class Best(NamedTuple):
    """The epoch that was best on the validation data."""

    epoch: int  # its index
    height: tuple[float, ...]  # what epochs are compared by
    theta: Array
    state: State


class Moment(NamedTuple):
    """What is kept of a complete epoch; nothing of it changes, so it is whole or not there.

    θ and the state hold until the second epoch after it is being made, which gets their memory.

    What grows with the number of epochs is in the run's logs. Of these only so much counts as is
    said here: what an epoch that was not completed has written behind it is never read.
    """

    theta: Array
    state: State = {}  # the optimizer's
    n_epochs: int = 0  # of the run
    loss: float = math.nan  # of the last epoch
    eta: float = math.nan
    measured: Mapping[str, float] = {}  # on the validation data, after the last epoch
    best: Best | None = None  # if there are validation data
    plateaus: int = 0  # how often the schedule has continued after one, over all calls
    n_rows: int = 0  # rows of the record that stay
    tail: Sequence[Row] = ()  # the last row, where it is there only until another comes


class Run:
    """What a training run has reached: its last complete epoch, and what was measured.

    An epoch is kept by one assignment, to ``moment``, after everything it needs has been computed:
    an exception before it leaves the epoch before, wherever it comes from.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The initial parameters.
    history : History
        Makes the rows of every complete epoch.
    fitted : callable
        Takes θ and the state and returns the parameters that users get: see ``Optimizer``.
    validation : Validation or None, default=None
        Measures the parameters after every epoch.

    Attributes
    ----------
    moment : Moment
        The last complete epoch.
    converged, stopped : bool
        Whether training has converged, and whether a callback ended it.
    interrupt : KeyboardInterrupt or None
        What ended training after a complete epoch.
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
        self.moment, self.history, self.validation = Moment(theta), history, validation
        self.fitted_at = fitted
        self.logs = Logs([], [], [])
        self._copies: list[tuple[Array, State]] = []  # the one kept last is the last
        self.converged = self.stopped = False
        self.interrupt: KeyboardInterrupt | None = None
        self.engine, self.refusal = "numpy", ""
        self.message = ""

    def fitted(self) -> Array:
        """Return the parameters that users get."""
        return self.fitted_at(self.moment.theta, self.moment.state)

    @property
    def losses(self) -> list[float]:
        """The loss of every epoch or iteration."""
        return self.logs.losses[: self.moment.n_epochs]

    @property
    def measured(self) -> list[Mapping[str, float]]:
        """What was measured on the validation data after every epoch; empty without these."""
        return self.logs.measured[: self.moment.n_epochs]

    @property
    def rows(self) -> list[Row]:
        """The rows of the record."""
        return [*self.logs.rows[: self.moment.n_rows], *self.moment.tail]

    def keep(self, theta: Array, state: State, loss: float, eta: float) -> None:
        """Keep a complete, finite epoch or iteration."""
        self.moment = self.after(theta, state, [loss], [eta])

    def after(
        self,
        theta: Array,
        state: State,
        losses: Sequence[float],
        etas: Sequence[float],
        *,
        last: bool = False,
    ) -> Moment:
        """Return the moment after complete, finite epochs, and write their logs.

        Only where there is one, the validation data and the parameters are looked at after every
        epoch. θ and the state are copied, unless no other epoch follows.
        """
        now, history = self.moment, self.history
        if not losses:
            return now
        measured: dict[str, float] = {}
        best, rows = now.best, []
        if self.validation is not None:
            measured, height = self.validation.measure(self.fitted_at(theta, state))
            self.logs.measured.append(measured)
            if all(map(math.isfinite, height)) and (best is None or height > best.height):
                best = Best(now.n_epochs, height, theta.copy(), copy.deepcopy(state))
        for epoch, (loss, eta) in enumerate(zip(losses, etas, strict=True), now.n_epochs):
            rows += history.make_rows(epoch, theta, state, loss, eta, measured)
        tail: Sequence[Row] = ()
        if history.record.every > 1:
            rows, tail = history.thinned(rows)
        self.logs.losses.extend(losses)
        self.logs.rows.extend(rows)
        kept = (theta, state) if last else self._copy(theta, state)
        n_epochs, n_rows = now.n_epochs + len(losses), now.n_rows + len(rows)
        return Moment(
            *kept, n_epochs, losses[-1], etas[-1], measured, best, now.plateaus, n_rows, tail
        )

    def _copy(self, theta: Array, state: State) -> tuple[Array, State]:
        """Return copies of θ and the state, in the memory of those kept the time before the last.

        The ones kept last are not touched before the new ones take their place.
        """
        if len(self._copies) < 2:
            own, memory = np.empty_like(theta, self.moment.theta.dtype), State()
        else:
            own, memory = self._copies.pop(0)
        np.copyto(own, theta)
        new = own, {name: copied_into(memory.get(name), value) for name, value in state.items()}
        self._copies.append(new)
        return new

    def call(self, callbacks: Sequence[Callback]) -> None:
        """Call all callbacks; any of them may end training."""
        answers = [callback(self) for callback in callbacks]
        self.stopped = any(answers)

    def raise_interrupt(self) -> None:
        """Raise what ended training, if anything, and let go of it: it holds the samples."""
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            try:
                raise interrupt
            finally:
                del interrupt

    def restore_best(self) -> None:
        """Go back to the parameters that were best on the validation data."""
        best = self.moment.best
        if best is not None:
            theta = best.theta.astype(self.moment.theta.dtype)
            self.moment = self.moment._replace(theta=theta, state=best.state)


class Logs(NamedTuple):
    """What grows with the number of epochs, in order."""

    losses: list[float]
    measured: list[Mapping[str, float]]  # on the validation data
    rows: list[Row]  # of the record


def copied_into(memory: Any, value: Any) -> Any:
    """Return a copy of a value, in the memory of an earlier one where it is an array like it."""
    if not isinstance(value, np.ndarray):
        return copy.deepcopy(value)
    like = (value.shape, value.dtype)
    if not isinstance(memory, np.ndarray) or (memory.shape, memory.dtype) != like:
        return value.copy()
    np.copyto(memory, value)
    return memory


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
    start : ndarray or None
        The initial θ, where parameters are recorded.
    """

    names: tuple[str, ...] = ("epoch", "eta", "loss")

    def __init__(self, theta: Array, record: Record, first: tuple[int, int] = (0, 0)) -> None:
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
        """Return the rows of a complete epoch of this run."""
        return [{"epoch": self._first + epoch, "eta": eta, "loss": loss, **measured}]

    def thinned(self, rows: list[Row]) -> tuple[list[Row], list[Row]]:
        """Return the new rows that stay, and the last one if it is there until another comes."""
        unit, is_due = self.record.unit, self.record.is_due
        kept = [row for row in rows if is_due(row[unit])]
        return kept, [] if kept and kept[-1] is rows[-1] else rows[-1:]

    def check_size(self, n_epochs: int, n_samples: int, batch_size: int, state: State) -> None:
        """Raise a ValueError if that many epochs would need more memory than is allowed."""

    def columns(self, rows: Sequence[Row]) -> dict[str, Column]:
        """Return all but the parameters of the rows as columns of equal length."""
        columns: dict[str, Column] = {}
        for name in rows[0] if rows else self.names:
            if name != "theta":
                values = list(map(itemgetter(name), rows))
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
