r"""Schedules: the learning rate η of each epoch.

With t the epoch, counted from 0 over all calls, T = ``max_iter`` and η the base rate:

===========  ==========================================================================
constant     η
invscaling   η / (1 + t)^power
exponential  η · decay^t
cosine       η (t + 1) / w in the first w epochs, then half a cosine from η down to
             ``final`` · η at epoch T
adaptive     η · factor^k after k plateaus
restarts     cycles of half a cosine from η down to 0, each ``factor`` times as long as the one
             before, the last of which ends at epoch T
===========  ==========================================================================

A schedule is a pure function of the base rate and of the progress of training, so that training
can continue where it stopped.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar, NamedTuple

from sklearn_neuron.components import Component


class Progress(NamedTuple):
    """How far training has progressed at the start of an epoch.

    Parameters
    ----------
    epoch : int
        Number of epochs completed, over all calls.
    max_iter : int
        The estimator's parameter.
    plateaus : int, default=0
        How often the loss has stopped improving.

    See Also
    --------
    Schedule : Maps it to a learning rate.

    Examples
    --------
    >>> from sklearn_neuron.schedules import Cosine, Progress
    >>> round(Cosine()(0.1, Progress(epoch=50, max_iter=100)), 6)
    0.05
    """

    epoch: int
    max_iter: int
    plateaus: int = 0


class Schedule(Component):
    """A learning rate that depends on the progress of training.

    See Also
    --------
    Constant : The default of the neurons.
    Restarts : The default of the networks where they choose the number of epochs.

    Examples
    --------
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.schedules import Progress, Schedule
    >>> class Halving(Schedule):
    ...     def __call__(self, eta, progress):
    ...         return eta * 0.5**progress.epoch
    >>> Halving()(0.1, Progress(epoch=2, max_iter=10))
    0.025
    >>> neuron = LogisticNeuronClassifier(eta=0.1, schedule=Halving(), max_iter=3, tol=None)
    >>> neuron.fit([[0.0], [1.0]], [0, 1]).history_["eta"]
    array([0.1  , 0.05 , 0.025])
    """

    #: Whether training may end anywhere, or at the end of a cycle: not where the rate is made for
    #: ``max_iter`` epochs, or follows the plateaus.
    may_end: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, eta: float, progress: Progress) -> float:
        """Return η of this epoch, given the base rate.

        Parameters
        ----------
        eta : float
            The base rate.
        progress : Progress
            How far training has progressed.

        Returns
        -------
        float
            The learning rate of the epoch.
        """

    def continues(self, eta: float, plateaus: int) -> bool:
        """Return whether training continues, at another rate, after that many plateaus.

        Parameters
        ----------
        eta : float
            The base rate.
        plateaus : int
            How often the loss has stopped improving.

        Returns
        -------
        bool
            False where training stops, as with most schedules at the first plateau.
        """
        return False


class Constant(Schedule):
    """The same rate in every epoch: η_t = η.

    See Also
    --------
    Adaptive : Constant as long as the loss improves.

    Examples
    --------
    >>> from sklearn_neuron.schedules import Constant, Progress
    >>> schedule = Constant()
    >>> [round(schedule(0.1, Progress(epoch, max_iter=100)), 4) for epoch in (0, 1, 10, 50, 99)]
    [0.1, 0.1, 0.1, 0.1, 0.1]
    """

    name = "constant"

    def __call__(self, eta: float, progress: Progress) -> float:
        return eta


class InverseScaling(Schedule):
    """Inverse scaling: η_t = η / (1 + t)^power, the rate of stochastic approximation [1]_.

    Parameters
    ----------
    power : float > 0, default=0.5
        With 1 the sum of squared rates converges; ½ is the default of scikit-learn, too.

    See Also
    --------
    ExponentialDecay : A rate that falls faster.

    References
    ----------
    .. [1] H. Robbins, S. Monro (1951). A stochastic approximation method. Annals of Mathematical
       Statistics 22(3), 400-407. https://doi.org/10.1214/aoms/1177729586

    Examples
    --------
    >>> from sklearn_neuron.schedules import InverseScaling, Progress
    >>> schedule = InverseScaling(power=1.0)
    >>> [round(schedule(0.1, Progress(epoch, max_iter=100)), 4) for epoch in (0, 1, 10, 50, 99)]
    [0.1, 0.05, 0.0091, 0.002, 0.001]
    """

    name = "invscaling"

    def __init__(self, power: float = 0.5) -> None:
        self.power = power

    def validate(self) -> None:
        self.check_number("power", bounds="()")

    def __call__(self, eta: float, progress: Progress) -> float:
        return eta * math.pow(1.0 + progress.epoch, -float(self.power))


class ExponentialDecay(Schedule):
    """Exponential decay: η_t = η · decay^t.

    Parameters
    ----------
    decay : float in (0, 1], default=0.95
        Factor on the rate after each epoch.

    See Also
    --------
    InverseScaling : A rate that falls more slowly.

    Examples
    --------
    >>> from sklearn_neuron.schedules import ExponentialDecay, Progress
    >>> schedule = ExponentialDecay(decay=0.9)
    >>> [round(schedule(0.1, Progress(epoch, max_iter=100)), 4) for epoch in (0, 1, 10, 50, 99)]
    [0.1, 0.09, 0.0349, 0.0005, 0.0]
    """

    name = "exponential"

    def __init__(self, decay: float = 0.95) -> None:
        self.decay = decay

    def validate(self) -> None:
        self.check_number("decay", 0.0, 1.0, "(]")

    def __call__(self, eta: float, progress: Progress) -> float:
        return eta * float(self.decay) ** progress.epoch


class Cosine(Schedule):
    """Half a cosine from η down to ``final`` · η, after a linear warm-up [1]_.

    Parameters
    ----------
    warmup : int >= 0, default=0
        Number of epochs in which the rate rises to η.
    final : float in [0, 1], default=0.0
        Fraction of η that remains after ``max_iter`` epochs, counted over all calls.

    See Also
    --------
    Restarts : Several cycles of it.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter (2017). SGDR: stochastic gradient descent with warm restarts.
       ICLR. https://doi.org/10.48550/arXiv.1608.03983

    Examples
    --------
    >>> from sklearn_neuron.schedules import Cosine, Progress
    >>> schedule = Cosine(warmup=5)
    >>> [round(schedule(0.1, Progress(epoch, max_iter=100)), 4) for epoch in (0, 1, 10, 50, 99)]
    [0.02, 0.04, 0.0993, 0.0541, 0.0]
    """

    name = "cosine"
    may_end = False

    def __init__(self, warmup: int = 0, final: float = 0.0) -> None:
        self.warmup = warmup
        self.final = final

    def validate(self) -> None:
        self.check_number("warmup", integer=True)
        self.check_number("final", 0.0, 1.0, "[]")

    def __call__(self, eta: float, progress: Progress) -> float:
        t, w = progress.epoch, int(self.warmup)
        if t < w:
            return eta * (t + 1) / w
        way = min(1.0, (t - w) / max(1, progress.max_iter - w))
        final = float(self.final)
        return eta * (final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * way)))


class Adaptive(Schedule):
    """The rate η while the loss improves, and a fraction of the last one after each plateau.

    Where training would otherwise stop, because the loss (with ``early_stopping`` loss and score of
    the validation data) has not improved by ``tol`` for ``n_iter_no_change`` epochs, it continues
    with a smaller rate. Training stops when the rate falls below ``minimum``. With ``tol=None`` the
    rate is constant.

    Parameters
    ----------
    factor : float in (0, 1), default=0.2
        Factor on the rate after each plateau.
    minimum : float > 0, default=1e-6
        Smallest rate.

    See Also
    --------
    Constant : Training stops at the first plateau.
    Cosine : A rate that falls without plateaus.

    Examples
    --------
    >>> from sklearn_neuron.schedules import Adaptive, Progress
    >>> schedule = Adaptive(factor=0.5)
    >>> [schedule(0.1, Progress(epoch=20, max_iter=100, plateaus=k)) for k in range(3)]
    [0.1, 0.05, 0.025]
    >>> schedule.continues(0.1, plateaus=1), schedule.continues(1e-6, plateaus=1)
    (True, False)
    """

    name = "adaptive"
    may_end = False

    def __init__(self, factor: float = 0.2, minimum: float = 1e-6) -> None:
        self.factor = factor
        self.minimum = minimum

    def validate(self) -> None:
        self.check_number("factor", 0.0, 1.0, "()")
        self.check_number("minimum", bounds="()")

    def __call__(self, eta: float, progress: Progress) -> float:
        return eta * float(self.factor) ** progress.plateaus

    def continues(self, eta: float, plateaus: int) -> bool:
        return eta * float(self.factor) ** plateaus >= float(self.minimum)


class Restarts(Schedule):
    """Cycles of half a cosine from η down to 0: stochastic gradient descent with restarts [1]_.

    At the end of each cycle the parameters have settled, so these are the epochs to compare.

    Parameters
    ----------
    cycles : int >= 1, default=5
        Number of cycles in ``max_iter`` epochs, counted over all calls.
    factor : float >= 1, default=2.0
        Length of a cycle, relative to that of the one before.

    See Also
    --------
    Cosine : One cycle, with a warm-up.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter (2017). SGDR: stochastic gradient descent with warm restarts.
       ICLR. https://doi.org/10.48550/arXiv.1608.03983

    Examples
    --------
    >>> from sklearn_neuron.schedules import Progress, Restarts
    >>> schedule = Restarts(cycles=2)
    >>> [round(schedule(0.1, Progress(epoch, max_iter=100)), 4) for epoch in (0, 1, 10, 50, 99)]
    [0.1, 0.0998, 0.079, 0.0849, 0.0001]
    """

    name = "restarts"

    def __init__(self, cycles: int = 5, factor: float = 2.0) -> None:
        self.cycles = cycles
        self.factor = factor

    def validate(self) -> None:
        self.check_number("cycles", 1, integer=True)
        self.check_number("factor", 1.0)

    def ends(self, max_iter: int) -> list[int]:
        """Return the numbers of epochs after which a cycle ends; the last is ``max_iter``.

        Parameters
        ----------
        max_iter : int
            The estimator's parameter.

        Returns
        -------
        list of int
            In increasing order.
        """
        lengths = [float(self.factor) ** k for k in range(int(self.cycles))]
        ends = [max_iter * sum(lengths[: k + 1]) / sum(lengths) for k in range(len(lengths))]
        return sorted({max(1, round(end)) for end in ends})

    def __call__(self, eta: float, progress: Progress) -> float:
        start = 0
        for end in self.ends(progress.max_iter):
            if progress.epoch < end:
                way = (progress.epoch - start) / (end - start)
                return eta * 0.5 * (1.0 + math.cos(math.pi * way))
            start = end
        return 0.0


#: Schedules by name, as ``schedule=`` takes it. A new schedule needs one line here.
SCHEDULES: dict[str, type[Schedule]] = {
    schedule.name: schedule
    for schedule in (Constant, InverseScaling, ExponentialDecay, Cosine, Adaptive, Restarts)
}
