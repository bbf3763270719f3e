"""Plateaus: when training ends because nothing improves any more."""

from __future__ import annotations

import math
from typing import Protocol

from sklearn_neuron._engine.validation import Validation


class Measured(Protocol):
    """What a training run has measured, epoch by epoch."""

    losses: list[float]
    validation: Validation | None


class Plateau:
    """Tells when nothing has improved by ``tol`` for ``patience`` epochs in a row.

    What counts is the training loss or, with ``validation``, loss and score of the validation data:
    an epoch is an improvement if either improves.
    """

    def __init__(self, tol: float | None, patience: int, *, validation: bool = False) -> None:
        self.tol, self.patience, self.validation = tol, patience, validation
        self.best, self.stale = [math.inf, math.inf], 0

    def reached(self, run: Measured) -> bool:
        """Take the last epoch of a run into account; return whether it is time to stop."""
        values = [run.losses[-1]]
        if self.validation and run.validation is not None:
            values = [run.validation.losses[-1], -run.validation.scores[-1]]
        return self.reached_with(values)

    def reached_with(self, values: list[float]) -> bool:
        """Take what was measured after an epoch into account; return whether it is time to stop."""
        if self.tol is None:
            return False
        self.stale += 1
        for k, value in enumerate(values):
            if value < self.best[k] - self.tol:
                self.stale = 0
            self.best[k] = min(self.best[k], value)  # in this order min() ignores a NaN
        return self.stale >= self.patience
