"""Length: the number of epochs, chosen by cross-validation (``early_stopping="auto"``).

Networks are trained on parts of the samples, and measured on the others each time the number of
epochs has about doubled, until their loss there no longer falls. The network is then trained on
all samples for as many epochs as were best.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_neuron._engine.batches import Samples, raw_outputs
from sklearn_neuron._engine.fit import fit_network
from sklearn_neuron._engine.plan import Parameters, Plan
from sklearn_neuron._engine.run import Checkpoint
from sklearn_neuron._estimator.data import samples_of
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.network import Network, split
from sklearn_neuron.records import RECORDS
from sklearn_neuron.schedules import Restarts

#: Fewest samples for which the length is chosen; fewer do not tell.
LEAST_SAMPLES = 50
#: Parts into which samples are cut, and held-out samples that say enough: of the parts, so many are
#: held out, one after another, that they have as many samples.
FOLDS, HELD_OUT = 5, 300
#: Single precision is for targets of so many standard deviations, and for such ratios of weights.
MOST_DEVIATIONS = 1e4
#: Measurements in a row without a lower loss after which training ends.
PATIENCE = 1
#: Part by which the loss has to fall with the last doubling so that it is said to be falling still;
#: and part of the loss of a constant prediction below which nothing is said.
FALLING, WELL = 0.25, 0.1


class Length(NamedTuple):
    """How long to train, and what says so."""

    n_epochs: int
    measured: list[int]  # numbers of epochs
    losses: list[float]  # the mean loss on the samples held out after each of them

    def complaint(self, max_iter: int, constant: float) -> str:
        """Return that the loss was falling steeply at max_iter epochs, or an empty string.

        ``constant`` is the loss of a constant prediction; where the loss is much lower, all is
        well.
        """
        if self.n_epochs < max_iter or len(self.losses) < 2:
            return ""
        before, after = self.losses[-2:]
        if after > (1.0 - FALLING) * before or not after > WELL * constant:
            return ""
        return (
            f"the loss on held-out samples was still falling at max_iter={max_iter} epochs, by "
            f"{1.0 - after / before:.0%} since epoch {self.measured[-2]}. Increase max_iter or eta."
        )

    def attributes(self, per_loss: float) -> dict[str, Any]:
        """Return the fitted attributes; ``per_loss`` is the unit of the losses."""
        return {
            "n_iter_candidates_": np.array(self.measured, np.int64),
            "held_out_losses_": np.array(self.losses) * per_loss,
        }


class Fold:
    """A network that is trained on some samples and measured on the others.

    Parameters
    ----------
    held : ndarray of shape (n_samples,)
        Which samples are held out.
    start : tuple
        Initial parameters.
    rng : RandomState
        What the order of the samples is drawn from.
    """

    def __init__(
        self, held: NDArray[np.bool_], start: Parameters, rng: np.random.RandomState
    ) -> None:
        self.held, self.parameters, self.rng = held, start, rng
        self.last, self.has_diverged = Checkpoint(), False

    def advance(self, network: Network, samples: Samples, plan: Plan) -> None:
        """Train on, as the plan says."""
        part = samples_at(samples, ~self.held)
        plan = plan._replace(starts=iter([self.parameters]), last=self.last, rng=lambda: self.rng)
        try:
            run = fit_network(network, part, plan)
        except DivergenceError:
            self.has_diverged = True
            return
        run.raise_interrupt()
        now = run.moment
        epochs = self.last.epochs + now.n_epochs
        self.last = Checkpoint(plan.solver.title, dict(now.state), epochs, now.plateaus)
        self.parameters = split(now.theta.copy(), network.layer_sizes)
        self.fitted = run.fitted().astype(network.dtype)

    def loss(self, network: Network, samples: Samples) -> tuple[float, float]:
        """Return the sum of the losses of the samples held out, and that of their weights."""
        X, Y, weight = samples_at(samples, self.held)
        weights = np.ones(len(Y)) if weight is None else weight[:, 0]
        if self.has_diverged:
            return math.inf, float(weights.sum())
        coefs, intercepts = split(self.fitted, network.layer_sizes)
        Y, total = Y.astype(network.dtype, copy=False), 0.0
        with np.errstate(all="ignore"):
            for rows, z in raw_outputs(X, coefs, intercepts, network.activations):
                total += float(np.dot(network.loss.value(Y[rows], z), weights[rows]))
        return total if math.isfinite(total) else math.inf, float(weights.sum())


def choose_length(
    network: Network,
    start: Callable[[np.random.RandomState], Parameters],
    samples: Samples,
    strata: NDArray[Any] | None,
    plan: Plan,
    rng: Callable[[], np.random.RandomState],
    tell: Callable[[int, float], None] | None = None,
) -> Length:
    """Choose the number of epochs.

    Parameters
    ----------
    network : Network
        Its θ is overwritten.
    start : callable
        Takes a generator and returns initial parameters.
    samples : Samples
        All samples.
    strata : ndarray of shape (n_samples,) or None
        The classes, whose proportions the parts keep.
    plan : Plan
        How to train.
    rng : callable
        Returns a new generator, the same at each call: all networks start alike.
    tell : callable, default=None
        Is told of each number of epochs and the loss.
    """
    plan = plan._replace(n_starts=1, tol=None, record=RECORDS["loss"], callbacks=())
    parts = parts_of(len(samples.Y), strata, rng())
    n_folds = min(FOLDS, math.ceil(FOLDS * HELD_OUT / len(samples.Y)))
    folds = []
    for held in (parts == k for k in range(n_folds)):
        if held.any():
            own = rng()
            folds.append(Fold(held, start(own), own))
    if not folds:  # each sample is the only one of its class
        return Length(plan.max_iter, [], [])
    measured: list[int] = []
    losses: list[float] = []
    for end in ends_of(plan):
        n_epochs = end - (measured[-1] if measured else 0)
        total = mass = 0.0
        for fold in folds:
            fold.advance(network, samples, plan._replace(n_epochs=n_epochs))
            loss, weight = fold.loss(network, samples)
            total, mass = total + loss, mass + weight
        measured.append(end)
        losses.append(total / mass)
        if tell is not None:
            tell(end, losses[-1])
        if len(losses) - 1 - int(np.argmin(losses)) >= PATIENCE:
            break
    if not np.isfinite(losses).any():  # training is to say why
        return Length(plan.max_iter, measured, losses)
    return Length(measured[int(np.nanargmin(losses))], measured, losses)


def in_single_precision(samples: Samples) -> Samples:
    """Return samples as float32, in which training takes half the time, if they are in its range.

    What is compared are losses that differ by more than rounding.
    """
    X, Y, weight = samples
    with np.errstate(over="ignore", invalid="ignore"):
        X = X.astype(np.float32)
        Y = Y if Y.dtype == bool else Y.astype(np.float32)
        weight = None if weight is None else weight.astype(np.float32)
        values = X.data if sparse.issparse(X) else X
        fits = has_finite_sum(values) and has_finite_sum(Y)
        if samples.Y.dtype != bool:  # what they differ by must not be lost
            fits = fits and bool(np.abs(samples.Y).max() <= MOST_DEVIATIONS * samples.Y.std())
        if samples.weight is not None:
            fits = fits and bool(samples.weight.max() <= MOST_DEVIATIONS * samples.weight.min())
    return Samples(X, Y, weight) if fits else samples


def has_finite_sum(values: NDArray[Any]) -> bool:
    """Return whether a sum is finite: then all of its terms are."""
    return math.isfinite(values.sum(dtype=np.float64))


def ends_of(plan: Plan) -> list[int]:
    """Return after which epochs to measure: at the end of each cycle, if the rate has cycles."""
    schedule = plan.schedule if isinstance(plan.schedule, Restarts) else Restarts()
    return schedule.ends(plan.max_iter)


def parts_of(n: int, strata: NDArray[Any] | None, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Return the part that each sample belongs to; −1 for the only one of its class."""
    order = rng.permutation(n)
    part = np.empty(n, dtype=np.intp)
    if strata is None:
        part[order] = np.arange(n) % FOLDS
        return part
    order = order[np.argsort(strata[order], kind="stable")]
    part[order] = np.arange(n) % FOLDS
    _, inverse, counts = np.unique(strata, return_inverse=True, return_counts=True)
    part[counts[inverse] < 2] = -1
    return part


def samples_at(samples: Samples, which: NDArray[np.bool_]) -> Samples:
    """Return some of the samples, with weights of mean 1 among themselves."""
    rows, weight = np.flatnonzero(which), samples.weight
    return samples_of(samples.X[rows], samples.Y[rows], None if weight is None else weight[rows])
