"""The run: what training has reached so far, kept by one assignment, and the numbers of each epoch.

Histories that keep parameters, too, are in ``recording``.
"""

from __future__ import annotations

import copy
import ctypes
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.epochs import Updater, is_finite
from sklearn_neuron._engine.validation import Validation
from sklearn_neuron._typing import Array
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer, State
from sklearn_neuron.records import Record

#: Iterations end where the objective falls by no more than 64 ulp, as in LogisticRegression.
ROUNDING = 64 * np.finfo(np.float64).eps

#: The memory of NumPy's usual generator, a Mersenne twister: 624 numbers and a position.
TWISTER_BYTES = 625 * 4

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
    drawn: Any = None  # where the generator is, if another epoch follows
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
    stream : Stream or None
        What the order of the samples and the masks of dropout are drawn from.
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
        self.stream: Stream | None = None

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
        drawn = None if last or self.stream is None else self.stream.get()
        return Moment(
            *kept,
            n_epochs,
            losses[-1],
            etas[-1],
            measured,
            best,
            now.plateaus,
            drawn,
            n_rows,
            tail,
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

    def wind_back(self) -> None:
        """Let the generator forget what was drawn for an epoch that is not complete."""
        if self.stream is not None and self.moment.drawn is not None:
            self.stream.set(self.moment.drawn)

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


class Stream:
    """Where a generator is, to wind it back.

    That of NumPy's usual generator is copied as it is, in 0.4 µs; ``get_state`` takes 40.

    Parameters
    ----------
    rng : RandomState
        The generator.
    """

    def __init__(self, rng: np.random.RandomState) -> None:
        self._rng, generator = rng, rng._bit_generator
        usual = type(generator) is np.random.MT19937 and knows_twister()
        self._address = address_of(generator) if usual else None

    def get(self) -> Any:
        """Return where it is."""
        if self._address is None:
            return self._rng.get_state(legacy=False)
        with self._rng._bit_generator.lock:
            return ctypes.string_at(self._address, TWISTER_BYTES)

    def set(self, then: Any) -> None:
        """Let it be where it was."""
        if self._address is None:
            self._rng.set_state(then)
            return
        with self._rng._bit_generator.lock:
            ctypes.memmove(self._address, then, TWISTER_BYTES)


def address_of(generator: Any) -> int | None:
    """Return where a bit generator has its state: in 1 µs, where its attribute ``ctypes`` takes 10.

    It is the first member of the struct that the capsule holds: see numpy/random/bitgen.h.
    """
    struct = _pointer_of(generator.capsule, b"BitGenerator")
    return ctypes.c_void_p.from_address(struct).value


_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


@functools.cache
def knows_twister() -> bool:
    """Return whether NumPy's MT19937 has 624 numbers and a position in its memory."""
    generator: Any = np.random.MT19937(0)
    state = generator.state["state"]
    laid_out = state["key"].tobytes() + np.int32(state["pos"]).tobytes()
    address = generator.ctypes.state_address
    return bool(
        address_of(generator) == address and ctypes.string_at(address, TWISTER_BYTES) == laid_out
    )


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
        f"Training diverged {when}: the loss or a parameter is no longer finite.", remedy
    )


# ---- the numbers of each epoch -------------------------------------------------------------------


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
