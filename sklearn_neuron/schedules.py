r"""Schedules: from the place of training to the learning rate η, epoch by epoch.

With t the epoch, counted from 0 over all calls, T = ``max_iter`` and η the base rate:

===========  ==========================================================================
constant     η
invscaling   η / (1 + t)^power
exponential  η · decay^t
cosine       η (t + 1) / w in the first w epochs, then from η down to ``final`` · η along
             half a cosine that ends with epoch T
adaptive     η · factor^k after k plateaus
===========  ==========================================================================

A schedule is a pure function of the base rate and the place, so that training can go on
where it stopped with nothing but the place.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import NamedTuple

from sklearn_neuron.components import Recipe


class Place(NamedTuple):
    """Where training stands at the start of an epoch."""

    epoch: int  # epochs done over all calls
    max_iter: int  # the estimator's
    plateaus: int = 0  # how often the loss has stopped improving


class Schedule(Recipe):
    """A learning rate that depends on where training stands."""

    name: str

    @abstractmethod
    def __call__(self, eta: float, place: Place) -> float:
        """Return η of this epoch, given the base rate."""

    def goes_on(self, eta: float, plateaus: int) -> bool:
        """Return whether training goes on, with another rate, after so many plateaus."""
        return False


class Constant(Schedule):
    """η_t = η."""

    name = "constant"

    def __call__(self, eta: float, place: Place) -> float:
        return eta


class InverseScaling(Schedule):
    """η_t = η / (1 + t)^power, the rate of stochastic approximation [1]_.

    Parameters
    ----------
    power : float > 0, default=0.5
        1 is the rate for which sums of squares converge, ½ that of scikit-learn's default.

    References
    ----------
    .. [1] H. Robbins, S. Monro (1951). A stochastic approximation method. Annals of Mathematical
       Statistics 22(3), 400-407. https://doi.org/10.1214/aoms/1177729586
    """

    name = "invscaling"

    def __init__(self, power: float = 0.5) -> None:
        self.power = power

    def validate(self) -> None:
        self.check_number("power", bounds="()")

    def __call__(self, eta: float, place: Place) -> float:
        return eta * math.pow(1.0 + place.epoch, -float(self.power))


class Exponential(Schedule):
    """η_t = η · decay^t.

    Parameters
    ----------
    decay : float in (0, 1], default=0.95
        What an epoch leaves of the rate.
    """

    name = "exponential"

    def __init__(self, decay: float = 0.95) -> None:
        self.decay = decay

    def validate(self) -> None:
        self.check_number("decay", 0.0, 1.0, "(]")

    def __call__(self, eta: float, place: Place) -> float:
        return eta * float(self.decay) ** place.epoch


class Cosine(Schedule):
    """From η down along half a cosine, after a linear warm-up [1]_.

    Parameters
    ----------
    warmup : int >= 0, default=0
        Epochs in which the rate rises to η.
    final : float in [0, 1], default=0.0
        What is left of η after ``max_iter`` epochs, counted over all calls, and from then on.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter (2017). SGDR: stochastic gradient descent with warm restarts.
       ICLR. https://doi.org/10.48550/arXiv.1608.03983
    """

    name = "cosine"

    def __init__(self, warmup: int = 0, final: float = 0.0) -> None:
        self.warmup = warmup
        self.final = final

    def validate(self) -> None:
        self.check_number("warmup", integer=True)
        self.check_number("final", 0.0, 1.0, "[]")

    def __call__(self, eta: float, place: Place) -> float:
        t, w = place.epoch, int(self.warmup)
        if t < w:
            return eta * (t + 1) / w
        way = min(1.0, (t - w) / max(1, place.max_iter - w))
        final = float(self.final)
        return eta * (final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * way)))


class Adaptive(Schedule):
    """η as long as the loss falls, then a part of it, and so on.

    Where another schedule would let training stop, because the loss (with ``early_stopping`` the
    validation score) has not improved by ``tol`` for ``n_iter_no_change`` epochs, this one goes
    on with a smaller rate. Training stops when the rate falls below ``minimum``. With
    ``tol=None`` the rate stays.

    Parameters
    ----------
    factor : float in (0, 1), default=0.2
        What a plateau leaves of the rate.
    minimum : float > 0, default=1e-6
        Smallest rate.
    """

    name = "adaptive"

    def __init__(self, factor: float = 0.2, minimum: float = 1e-6) -> None:
        self.factor = factor
        self.minimum = minimum

    def validate(self) -> None:
        self.check_number("factor", 0.0, 1.0, "()")
        self.check_number("minimum", bounds="()")

    def __call__(self, eta: float, place: Place) -> float:
        return eta * float(self.factor) ** place.plateaus

    def goes_on(self, eta: float, plateaus: int) -> bool:
        return eta * float(self.factor) ** plateaus >= float(self.minimum)


#: Schedules by the name that ``schedule=`` takes. A new one needs a line here.
SCHEDULES: dict[str, type[Schedule]] = {
    schedule.name: schedule
    for schedule in (Constant, InverseScaling, Exponential, Cosine, Adaptive)
}
