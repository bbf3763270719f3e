"""Findings: what the measures of a network mean, in words, and from which thresholds on.

Each finding is a function of a ``Case`` that yields what it has found. The thresholds were tried on
scikit-learn's own data sets, where the default estimators, fitted to scaled features, show none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.solvers import solver_of
from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron._estimator.diagnosis import (
    ABOVE,
    MOST_SAMPLES,
    NOTHING_LEARNED,
    POOR,
    is_asleep,
    is_scaled,
    outputs_of,
    remedies,
)
from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.inspection._diagnosis.measures import Measures, predicted_columns
from sklearn_neuron.inspection._subject import Subject

#: Share of units that are idle: too many in any network; and too many where the loss is poor and
#: the others are fewer than the inputs of their layer: 60 of 100 units on 3 features may be idle.
MANY_UNITS, SOME_UNITS = 0.9, 0.5
#: Part of the dead units that were so at the start, if training is not to blame.
BORN = 0.8
#: ‖δ¹‖ / ‖δᴸ‖ of a signal that has vanished, and of one that has exploded.
VANISHED, EXPLODED = 1e-4, 1e4
#: ‖ΔW‖ / ‖W‖ of updates that are too small and too large; usual is 1e-3.
TOO_SMALL, TOO_LARGE = 1e-5, 0.1
#: Part of the loss that the last tenth of the epochs has taken off, if it is still falling.
STILL_FALLING = 0.05
#: Epochs from which a loss can be said to be falling: of fewer, a tenth is a single one.
ENOUGH_EPOCHS = 20
#: Times the smallest held-out loss from which it has risen, if that is also this part of a constant
#: prediction's loss: where it is next to nothing, it goes up and down.
RISEN, RISE = 1.25, 0.05
#: Part of the rows that are few, and part of the loss that is most.
FEW_HARD_ROWS, MOST_LOSS = 0.01, 0.5
#: A class is rare at this part of its even share, and ignored if fewer of its rows are recognized.
RARE, RECOGNIZED = 0.5, 0.2
#: Rows of a class from which its recall says something.
ENOUGH_ROWS = 5


class Case(NamedTuple):
    """A fitted network, and what was measured of it: E epochs, L layers, m rows."""

    subject: Subject
    fitted: Measures  # at the fitted parameters, which the network has
    at_start: Measures | None  # before training, if that was recorded
    losses: Array  # (E,), on these rows
    share: Array  # (m,)
    epochs: NDArray[np.intp]  # (E,)
    fitted_row: int  # of the fitted parameters among the epochs
    ratio: Array  # (E, L)
    constant: float  # the loss of the best constant prediction, or NaN

    @property
    def loss(self) -> float:
        """The loss at the fitted parameters."""
        return float(self.losses[self.fitted_row])

    @property
    def poor(self) -> bool:
        """Whether the loss is above half of that of a constant prediction, or not finite."""
        return self.loss >= POOR * self.constant or not np.isfinite(self.loss)

    @property
    def eta(self) -> float | None:
        """The learning rate; None for a solver that has none."""
        own = self.subject.estimator
        return float(own.eta_) if solver_of(own.solver).has_updates else None

    def remedies(self, *, falling: bool = False) -> list[str]:
        """Return what to try, as ``fit`` would say it."""
        some = self.subject.samples.few(MOST_SAMPLES)
        return remedies(self.subject.network, some, self.eta, falling=falling)


class Finding(NamedTuple):
    """What is found, and what to try: a sentence each."""

    what: str  # without the full stop
    remedies: Sequence[str] = ()
    suspicion: str = ""  # that eta is wrong, which ends the sentence
    eta: int = 0  # 1 if eta is suspected to be too small, -1 if it is too large

    def direction(self) -> int:
        """Return 1 if a larger eta would help, -1 if a smaller one, 0 if nothing is said of it."""
        said = (self.eta, *map(direction_of, self.remedies))
        return next((each for each in said if each), 0)

    def in_words(self, direction: int) -> str:
        """Return the sentences, without what asks for an eta in the other direction."""
        agrees = self.eta in {0, direction}
        kept = [
            each if direction_of(each) in {0, direction} else without_eta(each)
            for each in self.remedies
        ]
        tried = ", ".join(filter(None, kept))
        what = f"{self.what}{self.suspicion if agrees else ''}."
        return f"{what} Try {tried}." if tried else what


def direction_of(remedy: str) -> int:
    """Return 1 for a remedy with a larger eta, -1 for a smaller one, else 0."""
    if re.search(r"\beta\b", remedy) is None:
        return 0
    return -1 if "smaller" in remedy else 1


def without_eta(remedy: str) -> str:
    """Return what is left of a remedy: "a larger max_iter or eta" names two parameters."""
    return "a larger max_iter" if "max_iter" in remedy else ""


def findings_of(case: Case) -> Iterator[str]:
    """Yield everything that is found in words, the most important first.

    The first that asks for a larger or a smaller eta decides; remedies that contradict it are
    left out.
    """
    found = [finding for find in FINDINGS for finding in find(case)]
    direction = next((each.direction() for each in found if each.direction()), 0)
    for finding in found:
        yield finding.in_words(direction)


def too_many(case: Case, shares: Array) -> list[int]:
    """Return the layers, from 0, in which too large a share of the units is idle."""
    sizes = case.subject.network.layer_sizes
    found = []
    for l, share in enumerate(shares.tolist()):
        narrow = case.poor and (1.0 - share) * sizes[l + 1] < sizes[l]
        if share >= (SOME_UNITS if narrow else MANY_UNITS):
            found.append(l)
    return found


def share_in_words(layers: list[int], shares: Array) -> str:
    """Return for example "layers 1 and 2: 72 % and 80 % of units"."""
    numbers = listed([str(l + 1) for l in layers])
    values = listed([f"{100 * shares[l]:.0f} %" for l in layers])
    return f"layer{'s' if len(layers) > 1 else ''} {numbers}: {values} of units"


def listed(words: list[str]) -> str:
    """Return words with commas and a last "and"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def dead_units(case: Case) -> Iterator[Finding]:
    """Units without a slope, which do not learn, in layers whose units cannot saturate."""
    dead = np.where(np.isnan(case.fitted.saturated), case.fitted.dead, np.nan)
    if layers := too_many(case, dead):
        eta, start = case.eta, case.at_start
        born = start is not None and (start.dead[layers] >= BORN * dead[layers]).all()
        why = "" if eta is None else f"; eta={eta:.3g} is probably too large"
        found = [*case.remedies(), "another random_state", "activation='leaky_relu'"]
        if born:
            why = ", as they were at the start"
            found = ["init='auto'", "smaller initial biases", "activation='leaky_relu'"]
        yield Finding(
            f"{share_in_words(layers, dead)} are dead on these rows{why}. They have the slope 0 "
            "for every row, so they do not learn",
            found,
        )


def saturated_units(case: Case) -> Iterator[Finding]:
    """Units on the flat parts of their activation, which learn slowly."""
    shares = case.fitted.saturated
    if layers := too_many(case, shares):
        found = [*case.remedies(), "smaller initial weights"]
        if len(shares) - 1 in layers:
            found.append("a loss whose δ does not vanish with the slope (a cross-entropy)")
        yield Finding(
            f"{share_in_words(layers, shares)} are saturated on these rows, so they learn slowly",
            found,
        )


def fading_delta(case: Case) -> Iterator[Finding]:
    """δ that becomes much smaller, or much larger, from the last layer to the first."""
    first, last = case.fitted.delta[[0, -1]]
    n_layers, unit = len(case.fitted.delta), target_unit(case)
    if n_layers == 1 or not last > 0.0:
        return
    change = first / last / unit
    scale = "" if unit == 1.0 else " (with the target in standard deviations)"
    words = f"‖δ‖ of layer 1 is {change:.1e} times that of layer {n_layers}{scale}"
    if change < VANISHED:
        found = ["init='auto'", "activation='relu'", "fewer layers"]
        yield Finding(f"δ vanishes: {words}, so the first layers hardly learn", found)
    elif change > EXPLODED:
        found = ["init='auto'", "a smaller eta", "an optimizer with max_norm"]
        yield Finding(f"δ explodes: {words}", found)


def target_unit(case: Case) -> float:
    """Return the unit of the weights of the last layer: without a link, it is the target's.

    By these weights δ of all layers before is larger than that of the last.
    """
    own, link = case.subject.estimator, case.subject.network.loss.link.name
    if hasattr(own, "classes_") or link != "identity":
        return 1.0
    Y = case.subject.samples.Y
    mean = case.share @ Y
    spread = float(np.sqrt((case.share @ (Y - mean) ** 2).max()))
    return spread if spread > 1e-12 * np.abs(mean).max() else float(np.abs(mean).max()) or 1.0


def wrong_updates(case: Case) -> Iterator[Finding]:
    """Updates that move the weights too little or too much, where the loss is poor."""
    if not case.poor or np.isnan(case.ratio).all():
        return
    usual = np.nanmedian(case.ratio, axis=0)
    if case.eta is None:  # iterations of lbfgs are as long as they should be
        return
    for size, size_is, eta in ((usual.max(), "small", 1), (usual.min(), "large", -1)):
        if size < TOO_SMALL if eta > 0 else size > TOO_LARGE:
            yield Finding(
                f"updates are {size:.2g} of the weights (about 1e-3 is usual)",
                suspicion=f": eta={case.eta:.3g} is probably too {size_is}",
                eta=eta,
            )


def nothing_learned(case: Case) -> Iterator[Finding]:
    """A loss that a constant prediction reaches, too."""
    network, constant = case.subject.network, case.constant
    beside = f"the loss is {case.loss:.3g}, {{}} the {constant:.3g} of a constant prediction"
    if case.loss > ABOVE * constant:
        found = case.remedies() or ["another initialization"]
        yield Finding(beside.format("above"), found)
    elif case.loss > NOTHING_LEARNED * constant:
        samples = case.subject.samples
        z = outputs_of(network, network.theta, samples.X)
        asleep = is_asleep(network, z, samples)
        why = "the outputs hardly depend on X" if asleep else "nothing has been learned"
        found = ["a smaller alpha" if network.alpha else "a larger eta or max_iter"]
        if not is_scaled(samples.few(MOST_SAMPLES).X):
            found = ["scaled features (StandardScaler)"]
        if not (network.activations or asleep):
            found.append("a hidden layer (ManualMLPClassifier, ManualMLPRegressor)")
        found.append("other features")
        yield Finding(f"{beside.format('as high as')}: {why}", found)


def still_falling(case: Case) -> Iterator[Finding]:
    """Training that was cut short."""
    own = case.subject.estimator
    losses = own.loss_curve_
    last = len(losses) // 10
    if own.n_iter_ < own.max_iter or len(losses) < ENOUGH_EPOCHS or not case.poor:
        return
    fall = 1.0 - losses[-1] / losses[-1 - last] if losses[-1 - last] > 0.0 else 0.0
    if fall > STILL_FALLING:
        yield Finding(
            f"the loss is still falling: by {100 * fall:.0f} % over the last {last} of "
            f"{len(losses)} epochs",
            ["a larger max_iter or eta"],
        )


def overfitting(case: Case) -> Iterator[Finding]:
    """A held-out loss that has risen while that of training has fallen.

    As many rows as were trained on are taken for these: they are not held out.
    """
    own = case.subject.estimator
    curve, training = getattr(own, "validation_loss_curve_", None), own.loss_curve_
    if curve is not None and len(curve) == len(training):
        epochs, held, whose = np.arange(len(curve)), np.array(curve), "the validation data"
        at = int(own.best_iter_)
    elif len(case.share) == own._training_state["n_rows"]:
        return
    else:
        epochs, held, whose, at = case.epochs, case.losses, "these rows", case.fitted_row
    if len(held) < 3 or np.isnan(held).all():
        return
    best = int(np.nanargmin(held))
    has_fallen = training[-1] < training[max(int(epochs[best]), 0)]
    rise = held[at] - held[best] > RISE * case.constant and held[at] > RISEN * held[best]
    if rise and best < at and has_fallen:
        yield Finding(
            f"the loss of {whose} has risen from {held[best]:.3g} in epoch {epochs[best]} to "
            f"{held[at]:.3g} in epoch {epochs[at]}, while that of training has fallen: overfitting",
            regularized(own),
        )


def regularized(estimator: NetworkEstimator) -> list[str]:
    """Return what keeps an estimator from overfitting."""
    found = ["a larger alpha"]
    if estimator.early_stopping is not True:
        found.insert(0, "early_stopping=True")
    return [*found, "dropout", "fewer units"] if hasattr(estimator, "dropout") else found


def few_rows(case: Case) -> Iterator[Finding]:
    """A few rows that carry most of a poor loss: wrong targets, or outliers."""
    parts = np.sort(case.share * case.fitted.loss)[::-1]
    most = max(int(FEW_HARD_ROWS * len(parts)), 1)
    total = parts.sum()
    if not case.poor or not total > 0.0 or len(parts) < 20:
        return
    n = int(np.searchsorted(np.cumsum(parts), MOST_LOSS * total)) + 1
    hardest = np.argsort(-case.share * case.fitted.loss, kind="stable")[:n]
    if n <= most and not of_rare_class(case, hardest):
        yield Finding(
            f"{n} of {len(parts)} rows carr{'y' if n > 1 else 'ies'} "
            f"{100 * parts[:n].sum() / total:.0f} % of the loss: look at hardest_rows for "
            "wrong targets and outliers",
            ["a robust loss (Huber)", "a smaller eta"],
        )


def of_rare_class(case: Case, rows: NDArray[np.intp]) -> bool:
    """Return whether rows are mostly of one class, which is rare: that is why they are hard."""
    Y = case.subject.samples.Y
    if not hasattr(case.subject.estimator, "classes_") or getattr(
        case.subject.estimator, "_multilabel", False
    ):
        return False
    codes = (Y[:, 0] > 0.5).astype(int) if Y.shape[1] == 1 else Y.argmax(axis=1)
    counts = np.bincount(codes, minlength=len(case.subject.estimator.classes_))
    usual = int(np.bincount(codes[rows]).argmax())
    return bool(counts[usual] <= RARE * len(codes) / len(counts))


def unscaled(case: Case) -> Iterator[Finding]:
    """Features or targets in units of their own."""
    some = case.subject.samples.few(MOST_SAMPLES)
    if not is_scaled(some.X):
        spread = deviations(some.X)
        low, high = f"{spread.min():.2g}", f"{spread.max():.2g}"
        reach = f"reach from {low} to {high}" if low != high else f"are {low}"
        if len(spread) == 1:
            reach = f"is {low}"
        yield Finding(
            f"features are not scaled: their standard deviation{'s' * (len(spread) > 1)} {reach}",
            ["StandardScaler"],
        )
    link = case.subject.network.loss.link.name
    if link in {"identity", "exponential"} and case.poor and not is_scaled(some.Y):
        yield Finding(
            f"the target is not scaled: its standard deviation is {some.Y.std(axis=0).max():.2g}",
            ["TransformedTargetRegressor with StandardScaler"],
        )


def deviations(X: Matrix) -> Array:
    """Return the standard deviation of each column, without a dense copy of a sparse matrix."""
    spread: Array
    if isinstance(X, np.ndarray):
        spread = X.std(axis=0)
    else:
        mean, square = (np.ravel(part.mean(axis=0)) for part in (X, X.multiply(X)))
        spread = np.sqrt(np.maximum(square - mean * mean, 0.0))
    return spread


def ignored_classes(case: Case) -> Iterator[Finding]:
    """Rare classes that are hardly ever predicted where they are right."""
    own, Y = case.subject.estimator, case.subject.samples.Y > 0.5
    if getattr(own, "class_weight", "none") is not None:
        return
    right = predicted_columns(own, case.fitted.z) == Y
    names = list(own.classes_)
    if Y.shape[1] == 1 and not getattr(own, "_multilabel", False):
        truths = [(names[0], ~Y[:, 0], right[:, 0]), (names[1], Y[:, 0], right[:, 0])]
        even = 0.5
    else:
        truths = [(names[k], Y[:, k], right[:, k]) for k in range(Y.shape[1])]
        even = 0.5 if getattr(own, "_multilabel", False) else 1.0 / Y.shape[1]
    for name, rows, found in truths:
        share, n = float(rows.mean()), int(rows.sum())
        recall = float(found[rows].mean()) if n else 1.0
        if n >= ENOUGH_ROWS and share <= RARE * even and recall < RECOGNIZED:
            yield Finding(
                f"class {name!s} has {100 * share:.2g} % of the rows, and {100 * recall:.0f} % of "
                "these are recognized",
                ["class_weight='balanced'", "another threshold"],
            )


#: The most important first. A new finding is one function and one line here.
FINDINGS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    dead_units,
    saturated_units,
    fading_delta,
    wrong_updates,
    nothing_learned,
    overfitting,
    still_falling,
    few_rows,
    ignored_classes,
    unscaled,
)
