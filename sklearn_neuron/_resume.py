"""Resume: where training stands between two calls, besides the parameters.

``partial_fit`` and ``warm_start`` take a copy of it, train, and attach the copy when all
went well; so a refused call leaves the estimator as it was.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklearn_neuron.optimizers import Optimizer, State

Array = NDArray[np.floating[Any]]


@dataclass
class Resume:
    """What is needed to go on.

    Attributes
    ----------
    optimizer : str
        Whose state it is.
    state : dict
        The optimizer's state.
    epochs : int
        Epochs done over all calls: the schedule's place.
    n_rows, total_weight : int, float
        Rows seen, and the sum of their weights, since ``fit`` or the first ``partial_fit``.
    seed : int or None
        ``random_state`` where it is an int.
    rng : RandomState or None
        The generator. It is kept between calls only where there is a seed, so that no
        order is replayed; else ``random_state`` itself keeps the place.
    """

    optimizer: str = ""
    state: State = field(default_factory=dict)
    epochs: int = 0
    n_rows: int = 0
    total_weight: float = 0.0
    seed: int | None = None
    rng: Any = None

    @classmethod
    def place(cls, last: Self | None, random_state: Any) -> Self:
        """Return where to go on from, as a copy, or where to begin."""
        place = cls() if last is None else copy.deepcopy(last)
        seed = int(random_state) if isinstance(random_state, Integral) else None
        if seed is None or seed != place.seed:
            place.rng = check_random_state(random_state)
        place.seed = seed
        return place

    def forget_rows(self) -> None:
        """Begin to count anew: to ``fit``, the rows that it is given are all there are."""
        self.n_rows, self.total_weight = 0, 0.0

    def scale(self, weight: NDArray[np.float64] | None, n: int) -> NDArray[np.float64] | None:
        """Count n rows in; return their weights, (n, 1), scaled to mean 1 over all rows so far.

        Over all calls, and not within a block: else weights would vanish in blocks of one row.
        """
        self.n_rows += n
        with np.errstate(over="ignore"):
            self.total_weight += n if weight is None else float(weight.sum())
        if not np.isfinite(self.total_weight):
            raise ValueError("The sum of sample_weight is not finite: scale the weights down.")
        factor = self.n_rows / self.total_weight
        if weight is None:
            return None if factor == 1.0 else np.full((n, 1), factor)
        scaled = weight.reshape(-1, 1) * factor
        return None if (scaled == 1.0).all() else scaled

    def take_up(self, optimizer: Optimizer, theta: Array) -> State:
        """Return the optimizer's state: the last one where it is of the same kind, or a new one."""
        state, name = optimizer.init(theta), type(optimizer).__name__
        if self.optimizer == name and self.state.keys() == state.keys():
            state = self.state
        self.optimizer = name
        return state

    def leave(self, state: State, epochs: int) -> Self:
        """Note where training stands now, to be kept in the estimator."""
        self.state, self.epochs = state, epochs
        self.rng = None if self.seed is None else self.rng
        return self
