"""State: what an estimator needs to continue training later, besides the parameters.

``partial_fit`` and ``warm_start`` take a copy of it, train, and attach what came of it if all went
well; so a refused call leaves the estimator as it was. A fitted estimator holds the state as a dict
of arrays, numbers and strings, so that any format can save it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklearn_neuron._engine.plan import Solver
from sklearn_neuron._engine.run import Checkpoint, Run
from sklearn_neuron._estimator.units import OWN, Units

#: The attribute that holds the state, and that of a generator which is at its ``stream``, to be
#: taken once: making one and setting its state takes 77 µs, a sixth of a small ``partial_fit``.
STATE, PARKED = "_training_state", "_parked"
#: What the state holds besides the checkpoint and the units.
NAMES = ("n_rows", "total_weight", "seed", "stream", "split_seed")


class _NoEntropy(SeedSequence):
    """Zeros, for a generator that is seeded right after it has been made."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        return np.zeros(n_words, dtype)


def seeded(seed: int) -> np.random.RandomState:
    """Return ``RandomState(seed)``, which by itself gathers entropy first (115 µs against 44)."""
    rng = np.random.RandomState(np.random.MT19937(_NoEntropy(0)))
    rng.seed(seed)
    return rng


@dataclass
class TrainingState:
    """What is needed to continue training: a working copy, for one call.

    Attributes
    ----------
    checkpoint : Checkpoint
        Where training has arrived.
    units : Units
        What training has seen y in.
    n_rows, total_weight : int, float
        Number of samples seen, and the sum of their weights, since ``fit`` or the first
        ``partial_fit``.
    seed : int or None
        ``random_state`` where it is an int.
    stream : tuple or None
        The state of the generator made from the seed, so that no order is repeated. Without a seed
        the generator itself goes on, and ``saving`` adds its state.
    split_seed : int or None
        Determines which samples are split off for validation.
    """

    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    units: Units = OWN
    n_rows: int = 0
    total_weight: float = 0.0
    seed: int | None = None
    stream: Any = None
    split_seed: int | None = None
    _rng: np.random.RandomState | None = None
    _is_own: bool = False
    #: The attributes of the last fit, which may have a generator under ``PARKED``.
    _fitted: Any = None

    @classmethod
    def after(cls, fitted: Any) -> TrainingState:
        """Return the state of the attributes of a fit, or a new one to start from scratch."""
        if fitted is None:
            return cls()
        last = fitted[STATE]
        checkpoint = Checkpoint(last["optimizer"], last["state"], last["epochs"], last["plateaus"])
        own = {name: last[name] for name in NAMES}
        return cls(checkpoint, Units(*last["units"]), **own, _fitted=fitted)

    def rng(self, random_state: Any) -> np.random.RandomState:
        """Return the generator to continue with; it is made when first needed."""
        if self._rng is None:
            if isinstance(random_state, np.random.RandomState):
                self._rng, self._is_own, self.seed = random_state, False, None
            else:
                self._rng, self._is_own = self._own_rng(random_state), True
        return self._rng

    def _own_rng(self, random_state: Any) -> np.random.RandomState:
        """Return the generator of a seed.

        That of None is seeded by NumPy's global generator, which others may want meanwhile: a
        generator is locked as long as the core may draw from it.
        """
        seed = int(random_state) if isinstance(random_state, Integral) else None
        # a call that is refused before this leaves it to the next one
        parked = None if self._fitted is None else self._fitted.pop(PARKED, None)
        same, self.seed = seed == self.seed, seed
        if isinstance(parked, np.random.RandomState) and same:
            return parked
        stream = self.stream if same else None
        if seed is None and stream is None:
            seed = check_random_state(random_state).randint(2**31 - 1)
        rng = seeded(seed or 0)
        if stream is not None:
            rng.set_state(stream)
        return rng

    def scale(self, weight: NDArray[np.float64] | None, n: int) -> NDArray[np.float64] | None:
        """Add n samples; return their weights, (n, 1), scaled to mean 1 over all samples so far.

        Over all calls, and not within a block: else weights would vanish in blocks of one sample.
        """
        with np.errstate(over="ignore"):
            factor = self.count(n, n if weight is None else float(weight.sum()))
        if weight is None and factor == 1.0:  # nearly always
            return None
        return scaled_weight(weight, n, factor)

    def count(self, n: int, weight: float) -> float:
        """Add n samples of a total weight; return what weights of mean 1 are multiplied by."""
        self.n_rows += n
        self.total_weight += weight
        if not math.isfinite(self.total_weight):
            raise ValueError("The sum of sample_weight is not finite: scale the weights down.")
        return self.n_rows / self.total_weight

    def forget_samples(self) -> None:
        """Count anew: the samples given to ``fit`` are all there are."""
        self.n_rows, self.total_weight = 0, 0.0

    def split(self, random_state: Any) -> int:
        """Return the seed of the validation split; a warm start splits off the same samples."""
        if self.split_seed is None:
            self.split_seed = int(self.rng(random_state).randint(2**31 - 1))
        return self.split_seed

    def advanced(self, solver: Solver, run: Run, units: Units) -> dict[str, Any]:
        """Return the state after a run, plain, to be attached to the estimator."""
        now = run.moment
        state = dict(now.state)
        if run.fitted() is not now.theta:  # the fitted parameters are a mean
            state["iterate"] = now.theta
        stream = self.stream
        if self._rng is not None:
            stream = None if self.seed is None else self._rng.get_state()
        return {
            "optimizer": solver.title,
            "state": state,
            "epochs": self.checkpoint.epochs + (now.n_epochs if solver.has_updates else 0),
            "plateaus": now.plateaus,
            "units": tuple(units),
            "n_rows": self.n_rows,
            "total_weight": self.total_weight,
            "seed": self.seed,
            "stream": stream,
            "split_seed": self.split_seed,
        }

    def parked(self) -> np.random.RandomState | None:
        """Return a generator for the next call, if there is one that nobody else has."""
        if self._rng is not None:
            return self._rng if self._is_own else None
        return None if self._fitted is None else self._fitted.get(PARKED)


def scaled_weight(
    weight: NDArray[np.float64] | None, n: int, factor: float
) -> NDArray[np.float64] | None:
    """Return the weights of n samples times a factor, (n, 1); None where all are 1."""
    if weight is None:
        return None if factor == 1.0 else np.full((n, 1), factor)
    with np.errstate(over="ignore"):
        scaled = weight.reshape(-1, 1) * factor
    if not np.isfinite(scaled).all():
        raise ValueError("sample_weight has a sum too close to zero: scale the weights up.")
    return None if (scaled == 1.0).all() else scaled
