"""A word where training went wrong: what ``fit`` warns of after training, whatever the solver.

Three signs are looked for, each with a remedy. They were tried on 56 public data sets, where the
default estimators, fitted to scaled features, show none of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import logit

from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.compiled import sigma_of
from sklearn_neuron._engine.run import Run
from sklearn_neuron._estimator.data import TRANSFORMED
from sklearn_neuron._typing import Array
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Network, raw_output, split

#: Samples whose features are looked at: as many as say enough.
MOST_SAMPLES = 500
#: Targets whose quantile is taken.
MOST_TARGETS = 100_000
#: A constant prediction is perfect if its loss is this part of that of z = 0: nothing is to learn.
PERFECT = 1e-14
#: A loss this many times that of a constant prediction is above it, and not just noisy: the loss of
#: an epoch is the mean of losses before each update.
ABOVE = 1.25
#: Times the loss of a constant prediction from which training has diverged.
DIVERGED = 10.0
#: The same, where the loss of no epoch rises by more than STEADY of it: it is not noisy then.
HARDLY_ABOVE, STEADY = 1.02, 0.01
#: A rise that is rounding, as a part of the loss.
ROUNDED = 1e-6
#: Rows of validation data from which their loss says something.
FEW_ROWS_TO_JUDGE = 10
#: Raw outputs beyond which a sigmoid is saturated, so that a loss may stand still there.
SATURATED = 10.0
#: Times the loss of a constant prediction that is too much at the best epoch of validation data.
UNLIKE = 2.0
#: Part of a constant prediction's loss from which nothing seems to be learned, and how much outputs
#: differ at least if something is, in logits or standard deviations of the target.
NOTHING_LEARNED, ASLEEP = 0.98, 1e-3
#: Part of the epochs in which the loss rises from which it goes up and down, as it does if eta is
#: too large.
OFTEN = 0.25
#: Epochs or iterations from which a run is judged.
FEW_EPOCHS = 5
#: Units are looked at where the loss is above this part of a constant prediction's: where training
#: has gone well, it does not matter how many units are idle.
POOR = 0.5
#: A feature below which no sum of squares overflows, in single precision either.
HUGE = 1e12
#: A learning rate below which a smaller one is no remedy.
LEAST_ETA = 1e-15
#: How many times the standard deviation of another target a target's is too small to be learned.
UNEVEN = 4.0
#: Standard deviations of a feature or a target that has been scaled.
SCALED = (0.05, 20.0)
#: z of a constant prediction from the mean of the targets, by the link's name.
INVERSES = {
    "identity": lambda mean: mean,
    "logistic": lambda mean: logit(np.clip(mean, 1e-12, 1.0 - 1e-12)),
    "tanh": lambda mean: np.arctanh(np.clip(mean, -1.0 + 1e-12, 1.0 - 1e-12)),
    "softmax": lambda mean: np.log(np.maximum(mean, 1e-300)),
    "exponential": lambda mean: np.log(np.maximum(mean, 1e-300)),
}
#: The quantile that minimizes a loss, where it is not the mean that does. (Huber's is close to it.)
QUANTILES = {"absolute_error": 0.5, "huber": 0.5}


def went_wrong(
    network: Network,
    samples: Samples,
    run: Run,
    *,
    eta: float | None,
    short: bool,
    chosen: bool = False,
    per_loss: float = 1.0,
) -> str:
    """Return what went wrong in a run and what to do, or an empty string.

    Parameters
    ----------
    network : Network
        The network that was trained.
    samples : Samples
        What it was trained on.
    run : Run
        What came of it.
    eta : float or None
        The learning rate; None for a solver that has none.
    short : bool
        Whether training has a fixed length: if the loss is falling, that is as the user wants it.
    chosen : bool, default=False
        Whether cross-validation has chosen the length, so that more epochs are no remedy.
    per_loss : float, default=1.0
        What losses are told in.
    """
    loss = run.losses[-1] - penalty_of(network, run.fitted())
    if short and loss <= run.losses[0]:
        return ""
    constant = level_of(network, samples)
    level, whose = constant, "a constant prediction"
    if not network.fit_intercept and not network.loss.solvable:
        level, whose = run.losses[0], "the first epoch"
    poor, above = bool(network.activations) and not loss < POOR * constant, loss > ABOVE * level
    slow = eta is not None and not short and loss > HARDLY_ABOVE * level and is_steady(run.losses)
    still = not (above or short) and run.converged and loss > NOTHING_LEARNED * constant
    several = network.layer_sizes[-1] > 1 and is_of_means(network.loss)
    wrong = poor or above or slow or still
    if not (wrong or several):
        return ""
    some = samples.few(MOST_SAMPLES)
    if not vary(some.X) and not (isinstance(samples, Samples) and vary(samples.X)):
        return "X is the same for all samples, so that predictions are, too." if wrong else ""
    z, scaled = outputs_of(network, run.fitted(), some.X), is_scaled(some.X)
    text = of_small_targets(some, z) if several else ""
    if poor and (idle := idle_units(network, run.fitted(), some.X)):
        layer, dead, units = idle[0]
        found = remedies(network, some, eta, falling=False)
        found += ["another random_state", "activation='leaky_relu'", "fewer layers"]
        text = (
            f"{dead} of the {units} units of hidden layer {layer} have the slope 0 for every "
            f"sample, so they do not learn. Try {', '.join(found)}."
        )
    elif not text and still and (not scaled or is_asleep(network, z, some)):
        step = "a smaller alpha" if network.alpha or network.beta else "a larger eta"
        remedy = f"{step} or a smaller tol" if scaled else "scaled features (StandardScaler)"
        text = (
            f"training stopped with a loss of {loss * per_loss:.3g}, as low as that of {whose}: "
            f"the outputs hardly depend on X. Try {remedy}."
        )
    elif not text and (above or slow):
        falling = falls(run.losses) and not chosen
        slow = slow and scaled and not is_saturated(network, z)
        found = remedies(network, some, eta, falling=falling, slow=slow)
        found = found or ["another initialization"]
        text = (
            f"training ended with a loss of {loss * per_loss:.3g}, above the "
            f"{level * per_loss:.3g} of {whose}. Try {', '.join(found)}."
        )
    return text


def has_diverged(
    network: Network, samples: Samples, run: Run, eta: float | None, per_loss: float = 1.0
) -> str:
    """Return how training has diverged at finite values, or an empty string.

    The gradient of a cross-entropy is bounded, so steps that are too large make the parameters and
    the loss large, but not infinite. Training has diverged if it ends, after five epochs or more,
    with a loss that is not falling and is more than ten times that of each constant prediction: of
    the best one and of z = 0. With hidden layers it must have risen, too: these may start there.
    """
    loss = run.losses[-1]
    if falls(run.losses) or (network.activations and loss <= run.losses[0]):
        return ""
    constant = level_of(network, samples)
    zero = samples.mean_of(lambda y: network.loss.value(y, np.zeros_like(y)))
    constant = max(constant, float(zero))
    if not loss > DIVERGED * constant:
        return ""
    found = remedies(network, samples.few(MOST_SAMPLES), eta, falling=False)
    advice = of_features(samples) or f"Try {', '.join(found) or 'another initialization'}."
    return (
        f"Training diverged: it ended after {len(run.losses)} epochs with a loss of "
        f"{loss * per_loss:.3g}, more than {DIVERGED:g} times the {constant * per_loss:.3g} of a "
        f"constant prediction. {advice}"
    )


def penalty_of(network: Network, theta: Array) -> float:
    """Return the penalty's part of the objective."""
    if not (network.alpha or network.beta):
        return 0.0
    W = theta[: network.n_weights]
    return float(0.5 * network.alpha * np.dot(W, W) + network.beta * np.abs(W).sum())


def level_of(network: Network, samples: Samples) -> float:
    """Return the loss of the best constant prediction, if the network can make one, or NaN."""
    if not network.fit_intercept:
        return math.nan
    return constant_loss(network.loss, samples)


def outputs_of(network: Network, theta: Array, X: Any) -> Array:
    """Return the raw outputs z of the parameters θ."""
    return raw_output(X, *split(theta, network.layer_sizes), network.activations)


def is_asleep(network: Network, z: Array, samples: Samples) -> bool:
    """Return whether raw outputs z hardly depend on the features, although these differ."""
    unit = 1.0 if network.loss.link.name != "identity" else float(samples.Y.std()) or 1.0
    return vary(samples.X) and bool(np.ptp(z, axis=0).max() < ASLEEP * unit)


def vary(X: Any) -> bool:
    """Return whether samples have different features."""
    return bool(X.nnz > 0 if sparse.issparse(X) else np.ptp(X, axis=0).any())


def is_of_means(loss: Loss) -> bool:
    """Return whether a loss is least at means of targets, or near them."""
    return loss.link.name == "identity" and loss.name in {"squared_error", "huber"}


def of_small_targets(samples: Samples, z: Array) -> str:
    """Return a word on targets that are lost beside others, or an empty string.

    The squares of a target that varies little hardly count in the sum over all targets.
    """
    Y = samples.Y.astype(np.float64)
    weight = None if samples.weight is None else samples.weight[:, 0]
    if weight is not None and not weight.any():
        return ""
    means = np.average(Y, axis=0, weights=weight)
    deviations = np.sqrt(np.average((Y - means) ** 2, axis=0, weights=weight))
    lost = np.average((Y - z) ** 2, axis=0, weights=weight) > ABOVE * deviations**2
    lost &= (deviations > 0.0) & (deviations < deviations.max() / UNEVEN)
    if not lost.any():
        return ""
    k = int(lost.argmax())
    return (
        f"target {k} is predicted worse than by its mean: another one varies "
        f"{deviations.max() / deviations[k]:.3g} times as much, and so outweighs it in the loss. "
        "Try TransformedTargetRegressor with StandardScaler."
    )


def is_steady(losses: Sequence[float]) -> bool:
    """Return whether no epoch's loss is noticeably above that before it, and few are at all."""
    rises = np.diff(losses) / np.abs(losses[1:])
    return bool((rises <= STEADY).all() and (rises > ROUNDED).mean() < OFTEN)


def is_saturated(network: Network, z: Array) -> bool:
    """Return whether raw outputs z are far on the flat sides of the link."""
    return network.loss.link.name != "identity" and bool(np.abs(z).max() > SATURATED)


def of_validation(
    network: Network, samples: Samples, validation: Samples, run: Run, per_loss: float = 1.0
) -> str:
    """Return a word on validation data that are unlike the training data, or an empty string.

    Their loss is at no epoch near that of a constant prediction, although the training data's has
    come below it. Classes may be less frequent among them, so there the constant is also that of
    the training data.
    """
    loss = network.loss
    if len(validation.Y) < FEW_ROWS_TO_JUDGE or loss.link.name == "exponential":
        return ""  # the Poisson loss has no lowest value that all data share
    if run.moment.best is None or not network.fit_intercept:  # no loss was finite, or none is known
        return ""
    best = float(np.nanmin([row["validation_loss"] for row in run.measured]))
    own = level = constant_loss(loss, validation)
    if loss.link.name in {"logistic", "softmax"}:
        z = INVERSES[loss.link.name](samples.mean_of(lambda y: y))
        level = max(own, loss_of_constant(loss, validation, z))
    if not best > UNLIKE * level or not run.losses[-1] < own:
        return ""
    return (
        f"the loss of the validation data is {best * per_loss:.3g} at best, above the "
        f"{level * per_loss:.3g} of a constant prediction, where that of the training data is "
        f"{run.losses[-1] * per_loss:.3g}. {TRANSFORMED}"
    )


def remedies(
    network: Network, samples: Samples, eta: float | None, *, falling: bool, slow: bool = False
) -> list[str]:
    """Return what to try, the most likely first."""
    found = []
    if not is_scaled(samples.X):
        found.append("scaled features (StandardScaler)")
    if network.loss.link.name == "identity" and not is_scaled(samples.Y):
        found.append("a scaled target (TransformedTargetRegressor with StandardScaler)")
    if eta is not None and slow:
        found.append(f"a larger eta (say {100.0 * eta:.2g})")
    elif eta is not None and falling:
        found.append("a larger max_iter or eta")
    elif eta is not None and eta >= LEAST_ETA:
        found.append(f"a smaller eta (say {eta / 10:.2g})")
    return found


def better_advice(
    network: Network, samples: Samples, eta: float | None, advice: Sequence[str]
) -> list[str]:
    """Return what to try where numbers are no longer finite, as sentences.

    Parameters
    ----------
    network : Network
        The network that was trained.
    samples : Samples
        What it was trained on.
    eta : float or None
        The learning rate that the user has chosen, if any.
    advice : sequence of str
        What the engine says, which knows the learning rate, but neither who chose it nor X.
    """
    if cause := of_features(samples):
        advice = [cause]
    elif (eta is None or eta < LEAST_ETA) and not is_scaled(samples.few(MOST_SAMPLES).X):
        advice = ["Bring the features to a common scale (for example with StandardScaler)."]
    elif eta is None or eta < LEAST_ETA:
        advice = ["Try smaller initial parameters, another solver, or a number for eta."]
    targets = of_large_targets(network, samples)
    return [*advice, targets] if targets else [*advice]


def of_features(samples: Samples) -> str:
    """Return a word on features that are not finite, or whose squares are not, or nothing."""
    if math.isfinite(samples.mean_square()):
        return ""
    X = (samples if isinstance(samples, Samples) else samples.few(MOST_SAMPLES)).X
    values = X if isinstance(X, np.ndarray) else X.data
    if not np.isfinite(values).all():
        return (
            "X contains NaN or infinite values, which assume_finite=True lets pass: remove these "
            "samples, or impute the values (SimpleImputer)."
        )
    largest = max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
    if largest < HUGE:  # it is in other samples, which are elsewhere
        return "X contains NaN, infinite values or numbers whose squares overflow."
    return (
        f"The squares of the features overflow; some are as large as {largest:.2g}. Bring them to "
        "a common scale by a division (MaxAbsScaler)."
    )


def of_large_targets(network: Network, samples: Samples) -> str:
    """Return a word on targets whose squares make the loss large, or an empty string."""
    if network.loss.name != "squared_error" or network.loss.link.name != "identity":
        return ""
    with np.errstate(all="ignore"):
        if samples.few_targets(MOST_TARGETS).std(axis=0).max() <= SCALED[1]:
            return ""
    return "The target is large: try TransformedTargetRegressor with StandardScaler."


def more_remedies(network: Network, samples: Samples, *, may_stop: bool) -> str:
    """Return what may help besides a larger max_iter; may_stop: early stopping is to be had."""
    found = ""
    if not is_scaled(samples.few(MOST_SAMPLES).X):
        found += ", or scale the features (StandardScaler)"
    if may_stop and network.activations and isinstance(samples, Samples):
        found += ", or set early_stopping='auto': held-out samples tell when to stop"
    elif may_stop and network.activations:  # not in memory, where nothing is held out
        found += ", or set early_stopping=True and give X_val and y_val"
    return found


def falls(losses: Sequence[float]) -> bool:
    """Return whether losses become smaller, most of them from each epoch to the next."""
    rises = np.diff(losses) > 0.0
    return losses[-1] < 0.99 * losses[0] and float(rises.mean()) < OFTEN


def loss_of_constant(loss: Loss, samples: Samples, z: Array) -> float:
    """Return the loss of predictions that have the same raw outputs z (K,) for all samples."""
    return float(samples.mean_of(lambda y: loss.value(y, np.tile(z, (len(y), 1)))))


def constant_loss(loss: Loss, samples: Samples) -> float:
    """Return the loss of the best constant prediction; NaN if that is not known.

    It is infinite if that is perfect: nothing is to learn, and no loss is above it.
    """
    if type(loss).__module__ != "sklearn_neuron.losses" or loss.solvable:
        return math.nan
    some = samples.few_targets(MOST_TARGETS)
    if (some == some[0]).all():
        return math.inf
    if loss.name in {*QUANTILES, "quantile"}:
        q = QUANTILES.get(loss.name, getattr(loss, "quantile", 0.5))
        z = np.quantile(some, q, axis=0)
    elif loss.link.name in INVERSES:
        z = INVERSES[loss.link.name](samples.mean_of(lambda y: y))
    else:
        return math.nan

    best, zero = (loss_of_constant(loss, samples, at) for at in (z, np.zeros_like(z)))
    return best if best > PERFECT * zero else math.inf


def idle_units(network: Network, theta: Array, X: Any) -> tuple[tuple[int, int, int], ...]:
    """Return the layers most of whose units have the slope 0 for all samples.

    Such a unit does not learn, and nothing below it learns by it.
    """
    W, b = split(theta, network.layer_sizes)
    found, a = [], X
    for l, sigma in enumerate(map(sigma_of, network.activations)):
        z = np.asarray(a @ W[l]) + b[l]
        slope, a = np.empty_like(z), np.empty_like(z)
        sigma.with_derivative(z, a, slope)
        idle = int((np.abs(slope).max(axis=0) < 1e-12).sum())
        if 2 * idle > z.shape[1]:
            found.append((l + 1, idle, z.shape[1]))
    return tuple(found)


def is_scaled(values: Any) -> bool:
    """Return whether columns have standard deviations as after StandardScaler, or are constant.

    One-hot columns and rare words are fine, so it is the largest that counts.
    """
    if sparse.issparse(values):
        largest = float(np.sqrt(values.multiply(values).mean(axis=0)).max())
    else:
        largest = float(values.std(axis=0).max(initial=0.0))
    if largest == 0.0:  # constant, or so small that the squares are 0
        return not vary(values)
    return SCALED[0] <= largest <= SCALED[1]
