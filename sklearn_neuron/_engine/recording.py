"""Recording: histories that keep the parameters, after every epoch or every update.

What the rows are is said in ``records``. An interrupted epoch leaves no rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.batches import Block, Samples, batch_of
from sklearn_neuron._engine.epochs import PENALTY_STATE, Updater, evaluate, loss_of
from sklearn_neuron._engine.run import History, Row
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer, State
from sklearn_neuron.records import Record

#: What optimizers and averaging count in their state.
COUNTS = {"t", "n_updates"}

#: What is in a state, but not recorded: the penalty's, and memory that an update overwrites.
NOT_RECORDED = {*PENALTY_STATE, "work"}

#: Bytes of a row besides its arrays, and of an array besides its numbers.
ROW_BYTES, ARRAY_BYTES = 500, 130


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
