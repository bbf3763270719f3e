"""The plan: all that an estimator's parameters decide about training; solvers and places.

The engine knows no estimator. What it needs of one, such as the score of the validation data, comes
as a function in the plan.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from sklearn_neuron._engine.epochs import Epochs, Updater
from sklearn_neuron._engine.objective import Objective, Steps
from sklearn_neuron._engine.run import Callback, Checkpoint, Run
from sklearn_neuron._engine.validation import ValidationData
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import State
from sklearn_neuron.records import Record
from sklearn_neuron.schedules import Schedule

Parameters = tuple[Sequence[Array], Sequence[Array]]  # W and b of every layer


class Solver(ABC):
    """How training moves θ.

    Attributes
    ----------
    title : str
        Its name in messages.
    unit : {"epoch", "iteration"}
        What ``max_iter`` counts.
    has_updates : bool
        Whether it makes updates over mini-batches, so that there is a ``partial_fit``.
    adaptive : bool
        Whether its steps have a length of their own, whatever the size of the gradients.
    """

    title: str
    unit: ClassVar[str] = "iteration"
    has_updates: ClassVar[bool] = False
    adaptive: bool = False

    @property
    @abstractmethod
    def unsupported(self) -> Mapping[str, str]:
        """The options that the solver does not support, with what they need instead."""

    @abstractmethod
    def train(self, network: Network, place: Place, plan: Plan, run: Run) -> None:
        """Move the network's θ, and keep every complete epoch or iteration in the run."""

    def start(self, theta: Array) -> State:
        """Return the state before the first update."""
        return {}

    def fitted(self, theta: Array, state: State) -> Array:
        """Return the parameters that users get."""
        return theta


class Plan(NamedTuple):
    """How to train."""

    starts: Iterator[Parameters]  # initial parameters; training runs once from each of them
    n_starts: int
    solver: Solver
    eta: float
    schedule: Schedule
    batch_size: int | None  # None: all samples
    max_iter: int  # the estimator's parameter, which schedules refer to
    n_epochs: int  # largest number of epochs or iterations of this call
    tol: float | None
    n_iter_no_change: int
    early_stopping: bool
    record: Record
    first: tuple[int, int]  # numbers of the first epoch and step in the record
    engine: str  # as ``set_config`` has it; without a core "auto" is "numpy"
    last: Checkpoint  # where earlier calls have left training
    rng: Callable[[], np.random.RandomState]
    shuffle: bool
    validation: ValidationData | None
    callbacks: Sequence[Callback]
    on_start: Callable[[Run], None] | None  # called at every start, before the first epoch

    def shuffling(self) -> np.random.RandomState | None:
        """Return what draws the order of the samples; None for their own order."""
        return self.rng() if self.shuffle else None


class Place(Protocol):
    """Where the samples are, and what solvers get from there.

    A solver knows neither arrays nor what computes with them. Samples in this process are one
    place, a cluster is another.

    Attributes
    ----------
    n : int
        Number of samples.
    """

    @property
    def n(self) -> int:
        """Number of samples."""

    def epochs(self, updater: Updater, plan: Plan, run: Run) -> Epochs:
        """Return what makes the epochs of updates; the run is told what computes them."""

    def objective(self, network: Network, plan: Plan, run: Run) -> Objective:
        """Return the objective; the run is told what computes it."""

    def newton(self, network: Network) -> Steps:
        """Return the steps of Newton's method."""

    def newton_cg(self, network: Network, tol: float | None) -> Steps:
        """Return the steps of newton-cg."""

    def value(self, network: Network) -> float:
        """Return the objective at the network's θ, as predictions have it."""

    def is_solved(self, theta: Array, network: Network) -> bool:
        """Return whether predictions leave nothing to learn."""

    def is_finite(self, theta: Array, network: Network) -> bool:
        """Return whether the raw outputs of all samples are finite."""

    def square(self) -> float:
        """Return ‖x‖² of some row of X, which may be infinite."""
