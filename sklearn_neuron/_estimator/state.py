"""Resume: where training stands between two calls, besides the parameters.

``partial_fit`` and ``warm_start`` take a copy of it, train, and attach the copy when all
went well; so a refused call leaves the estimator as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklearn_neuron._typing import Array
from sklearn_neuron.optimizers import Optimizer, State


class _NoEntropy(SeedSequence):
    """Zeros, for a generator that is seeded right after it is made."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        return np.zeros(n_words, dtype)


def seeded(seed: int) -> np.random.RandomState:
    """Return ``RandomState(seed)``, which by itself draws much entropy before it takes the seed."""
    rng = np.random.RandomState(np.random.MT19937(_NoEntropy(0)))
    rng.seed(seed)
    return rng


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
    plateaus : int
        How often the loss has stopped improving, for the schedule.
    n_rows, total_weight : int, float
        Rows seen, and the sum of their weights, since ``fit`` or the first ``partial_fit``.
    seed : int or None
        ``random_state`` where it is an int.
    stream : tuple or None
        Where the stream of random numbers of the seed stands, so that no order is replayed;
        without a seed, ``random_state`` itself keeps the place.
    split_seed : int or None
        Decides which rows are held out.
    """

    optimizer: str = ""
    state: State = field(default_factory=dict)
    epochs: int = 0
    plateaus: int = 0
    n_rows: int = 0
    total_weight: float = 0.0
    seed: int | None = None
    stream: Any = None
    split_seed: int | None = None
    _rng: np.random.RandomState | None = None

    def rng(self, random_state: Any) -> np.random.RandomState:
        """Return the generator to go on with, made when first asked for: not every call draws."""
        if self._rng is None:
            seed = int(random_state) if isinstance(random_state, Integral) else None
            self._rng = check_random_state(random_state) if seed is None else seeded(seed)
            if seed is not None and seed == self.seed and self.stream is not None:
                self._rng.set_state(self.stream)
            self.seed = seed
        return self._rng

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
        with np.errstate(over="ignore"):
            scaled = weight.reshape(-1, 1) * factor
        if not np.isfinite(scaled).all():
            raise ValueError("sample_weight has a sum too close to zero: scale the weights up.")
        return None if (scaled == 1.0).all() else scaled

    def take_up(self, optimizer: Optimizer, theta: Array) -> State:
        """Return a copy of the last state where the optimizer is of its kind, or a new one."""
        name, last = type(optimizer).__name__, self.optimizer
        self.optimizer = name
        kept = {name: value for name, value in self.state.items() if name != "iterate"}
        if name == last and kept.keys() == optimizer.start(theta[:0]).keys():
            return {  # plain arrays, whatever a memory-mapped model held
                name: np.array(value) if isinstance(value, np.ndarray) else value
                for name, value in kept.items()
            }
        return optimizer.start(theta)

    def leave(self, state: State, epochs: int, plateaus: int) -> None:
        """Note where training stands now, to be kept in the estimator."""
        self.state, self.plateaus = state, plateaus
        self.epochs += epochs
        if self._rng is not None:
            self.stream = None if self.seed is None else self._rng.get_state()
            self._rng = None
