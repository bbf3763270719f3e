"""Targets: from the user's y to the network's Y, and from the network's raw output z to answers.

=======================  =============  ==================================
y                        Y              output, by the link of the loss
=======================  =============  ==================================
two classes              (n, 1), bool   one logistic (or step)
K > 2 classes            (n, K), bool   K softmax (or step), one-hot
multilabel, K labels     (n, K), bool   K logistic
numbers                  (n, K)         K identity, exponential, …
numbers within a range   (n, K)         K logistic, scaled to the range
=======================  =============  ==================================

An estimator names its kind of targets: ``Classes``, ``Numbers`` or ``Interval``. These are
immutable values. ``read`` and ``encode`` return the value that has learned from y what there is to
learn (the classes, the range), so nothing is written on the estimator while it is fitted;
``attributes`` and ``fitted`` take the value to the fitted attributes and back.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._estimator.constraints import Choice, Registered, refuse_missing
from sklearn_neuron._estimator.reporting import warn
from sklearn_neuron._estimator.units import Spread, spread_of
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Link, Logistic, Softmax, Step, links_of, softplus
from sklearn_neuron.losses import LOSSES, Loss


class Targets(ABC):
    """What y is to the network.

    Attributes
    ----------
    stratified : bool
        Whether a validation set keeps the proportions of the classes, and epochs are compared by
        their score.
    y_check : dict
        How ``validate_data`` checks y.
    """

    stratified: ClassVar[bool] = False
    #: Whether y was 1-D and numeric, so that weights and predictions are 1-D, too.
    flat: bool

    @property
    @abstractmethod
    def y_check(self) -> Mapping[str, Any]:
        """Arguments of ``validate_data``."""

    def _changed(self, **changes: Any) -> Self:
        """Return a copy with other fields, as the slower ``dataclasses.replace`` does."""
        new = object.__new__(type(self))
        vars(new).update(vars(self), **changes)
        return new

    @abstractmethod
    def read(
        self,
        y: Any,
        estimator: Any,
        *,
        classes: Any,
        known: bool,
        is_block: bool,
        is_held_out: bool = False,
    ) -> tuple[Self, NDArray[Any]]:
        """Check y; return these targets with what y tells, and y as numbers, one row per sample.

        Of ``estimator`` only the parameters are read; ``known`` says that an earlier call
        has settled the targets, ``is_block`` that y holds some of all samples only,
        ``is_held_out`` that these are for validation.
        """

    @abstractmethod
    def encode(
        self, target: NDArray[Any], estimator: Any, *, known: bool
    ) -> tuple[Self, NDArray[Any]]:
        """Return the targets with what the numbers tell, and the network's Y, (n, K)."""

    def encode_validation(self, target: NDArray[Any], estimator: Any) -> NDArray[Any]:
        """Return Y of the validation data."""
        return self.encode(target, estimator, known=True)[1]

    def strata(self, Y: NDArray[Any]) -> NDArray[Any] | None:
        """Return what parts of the samples keep the proportions of, if anything."""
        return None

    def spread(self, Y: NDArray[Any], weight: NDArray[np.float64] | None) -> Spread | None:
        """Return the mean and the size of numbers without bounds, else None."""
        return None

    def weigh(
        self, target: NDArray[Any], weight: NDArray[np.float64], estimator: Any
    ) -> NDArray[np.float64]:
        """Return the sample weights times the class weights."""
        return weight

    def check_dtype(self, dtype: Any) -> None:  # noqa: B027 - most know nothing that could
        """Raise if what these targets know overflows in the dtype of X."""

    @abstractmethod
    def loss(self, estimator: Any) -> Loss:
        """Return the loss that the parameters of the estimator and these targets ask for."""

    @abstractmethod
    def score(self, target: NDArray[Any], samples: Samples, loss: Loss, z: Array) -> float:
        """Return the score of validation data, as the method ``score`` would."""

    @abstractmethod
    def predict(self, z: Array) -> NDArray[Any]:
        """Return the predictions; z may be overwritten."""

    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes that hold what these targets know."""

    @abstractmethod
    def fitted(self, attributes: Mapping[str, Any]) -> Self:
        """Return the targets of a fitted estimator, given its attributes."""


# ---- classes ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Classes(Targets):
    """Class labels.

    Parameters
    ----------
    allows_multilabel : bool, default=False
        Whether y may have a column of 0 and 1 for each of several labels.
    criterion : Loss or None, default=None
        The loss, where the estimator has no choice of it; then there are no probabilities.
    positive_at_zero : bool, default=False
        Whether a single output of z = 0 means the second class, as Rosenblatt's rule has it, and
        not the first one, as in scikit-learn.
    """

    allows_multilabel: bool = False
    criterion: Loss | None = None
    positive_at_zero: bool = False
    classes: Any = None  # sorted, once known
    multilabel: bool = False

    stratified = True
    flat = False

    @property
    def y_check(self) -> Mapping[str, Any]:
        return {"multi_output": True} if self.allows_multilabel else {}

    def read(
        self,
        y: Any,
        estimator: Any,
        *,
        classes: Any,
        known: bool,
        is_block: bool,
        is_held_out: bool = False,
    ) -> tuple[Self, NDArray[Any]]:
        # before type_of_target, because the message is clearer
        found = unique("y", y) if y.ndim == 1 else np.arange(y.shape[1])
        kind = kind_of_target(y, found)
        if kind == "multiclass-multioutput":
            raise ValueError(
                "multiclass-multioutput targets are not supported: y must be one column of "
                "classes, or (for ManualMLPClassifier) columns of 0 and 1, one for each label."
            )
        multilabel = kind == "multilabel-indicator"
        labels = labels_of(y) if multilabel else y
        if labels.ndim > 1 and not multilabel:
            labels = column_or_1d(y, warn=True)
            found = unique("y", labels)
        if known and multilabel != self.multilabel:
            raise ValueError(
                f"y is {kind}, but {others(is_held_out)} "
                f"{'multilabel' if self.multilabel else 'single-label'} targets."
            )
        all_classes = self._settle(
            found, classes, multilabel, known=known, is_block=is_block, is_held_out=is_held_out
        )
        if len(all_classes) < 2:
            raise ValueError(
                f"{type(estimator).__name__} needs samples of at least 2 classes, but y contains "
                f"only one class: {all_classes.tolist()[0]!r}."
            )
        target = labels if multilabel else np.searchsorted(all_classes, labels)
        return self._changed(classes=all_classes, multilabel=multilabel), target

    def _settle(
        self,
        found: NDArray[Any],
        classes: Any,
        multilabel: bool,
        *,
        known: bool,
        is_block: bool,
        is_held_out: bool,
    ) -> NDArray[Any]:
        """Return all classes: at the first call from y or ``classes``, later those known."""
        given = None if classes is None else unique("classes", classes)
        if given is None and is_block and not known and not multilabel:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        all_classes: NDArray[Any] = self.classes if known else (found if given is None else given)
        if given is not None and not np.array_equal(given, all_classes):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on the last call to partial_fit or "
                f"fit, which was: {all_classes!r}."
            )
        if multilabel and len(found) != len(all_classes):
            raise ValueError(
                f"y has {len(found)} labels, but there are {len(all_classes)} classes."
            )
        unseen = not_among(found, all_classes) if given is not None or known else found[:0]
        if len(unseen) and (text := of_another_type(found, all_classes)):
            raise ValueError(text)
        if known and not is_block and len(missing := np.setdiff1d(all_classes, found)):
            raise ValueError(
                f"y lacks the classes {missing.tolist()} of the previous fit. A warm start needs "
                "the same classes; to start from scratch set warm_start=False."
            )
        if len(unseen):
            remedy = (
                "or have samples of all classes in the training data, too."
                if is_held_out
                else "or fit from scratch (warm_start=False) with all classes in y or, at the "
                "first partial_fit, in classes."
            )
            raise ValueError(
                f"y contains classes {unseen.tolist()} that are not among the {len(all_classes)} "
                f"known ones: {all_classes.tolist()}. Leave these rows out, {remedy}"
            )
        return all_classes

    def encode(
        self, target: NDArray[Any], estimator: Any, *, known: bool
    ) -> tuple[Self, NDArray[Any]]:
        if self.multilabel:
            return self, target
        positive = np.array([1]) if len(self.classes) == 2 else np.arange(len(self.classes))
        one_hot: NDArray[np.bool_] = target.reshape(-1, 1) == positive
        return self, one_hot

    def strata(self, Y: NDArray[Any]) -> NDArray[Any] | None:
        if self.multilabel:
            return None
        strata: NDArray[Any] = Y[:, 0] if Y.shape[1] == 1 else Y.argmax(axis=1)
        return strata

    def weigh(
        self, target: NDArray[Any], weight: NDArray[np.float64], estimator: Any
    ) -> NDArray[np.float64]:
        class_weight = estimator.class_weight
        if class_weight is None:
            return weight
        if self.multilabel:
            return weight * label_factors(class_weight, target, weight)
        if isinstance(class_weight, list):
            raise ValueError(
                "A list of class_weight is for multilabel y; for a single column of classes give "
                f"one dict or 'balanced'; got {class_weight!r}."
            )
        return weight * class_factors(class_weight, self.classes, target, weight)

    @property
    def independent(self) -> bool:
        """Whether each output is a probability of its own, and not a part of a softmax."""
        return self.multilabel or len(self.classes) == 2

    def loss(self, estimator: Any) -> Loss:
        if self.criterion is not None:
            return self.criterion
        choice = estimator.loss
        loss: Loss = LOSSES[choice]() if isinstance(choice, str) else with_link(choice)
        link: type[Link] = Softmax
        if self.independent:
            loss, link = loss.for_independent_outputs(), Logistic
        if not isinstance(loss.link, link):
            raise ValueError(
                f"The 'loss' parameter of {type(estimator).__name__} must have the link "
                f"{link.__name__} for {len(self.classes)} "
                f"{'labels' if self.multilabel else 'classes'}, as CrossEntropy has; got {loss!r}."
            )
        return loss

    def score(self, target: NDArray[Any], samples: Samples, loss: Loss, z: Array) -> float:
        right = self._decide(z) == target
        if self.multilabel:
            right = right.all(axis=1)
        weights = None if samples.weight is None else samples.weight[:, 0]
        return float(np.average(right, weights=weights))

    def _decide(self, z: Array) -> NDArray[np.intp]:
        """Return the index of each sample's class, (n,); for multilabel y 0 and 1, (n, K)."""
        if z.shape[1] > 1 and not self.multilabel:
            codes: NDArray[np.intp] = z.argmax(axis=1)
            return codes
        positive = z >= 0.0 if self.positive_at_zero else z > 0.0
        return (positive if self.multilabel else positive[:, 0]).astype(np.intp)

    def predict(self, z: Array) -> NDArray[Any]:
        codes = self._decide(z)
        labels: NDArray[Any] = codes if self.multilabel else self.classes[codes]
        return labels

    def decide(self, z: Array) -> Array:
        """Return the decision function, which is positive where ``predict`` says so."""
        if z.shape[1] > 1:
            return z
        z = z[:, 0]
        if self.positive_at_zero:
            z[z == 0.0] = np.finfo(z.dtype).tiny
        return z

    def proba(self, z: Array) -> Array:
        """Return the probabilities."""
        if self.multilabel:
            z = keep_order(z)
            Logistic().forward(z, out=z)
            return z
        if self.independent:
            proba = both_sigmoids(z[:, 0])
        else:
            proba = z
            Softmax().forward(z, out=proba)
        # where exp underflows, the nearest positive number: no probability is zero, and
        # scikit-learn compares predict_log_proba, which is finite, with its logarithm
        positive: Array = np.maximum(proba, np.finfo(z.dtype).smallest_subnormal, order="C")
        return positive

    def log_proba(self, z: Array) -> Array:
        """Return the logarithms of the probabilities, computed from the logits."""
        if not self.independent:
            return log_softmax(z)
        log_proba = -z if self.multilabel else np.hstack([z, -z])
        softplus(log_proba, out=log_proba)
        return np.negative(log_proba, out=log_proba)  # log σ(z) = −log(1 + e^−z)

    def attributes(self) -> dict[str, Any]:
        return {"classes_": self.classes, "_multilabel": self.multilabel}

    def fitted(self, attributes: Mapping[str, Any]) -> Self:
        return self._changed(classes=attributes["classes_"], multilabel=attributes["_multilabel"])


def both_sigmoids(z: Array) -> Array:
    """Return σ(−z) and σ(z), (m, 2), both without cancellation: e^−|z| and 1 over 1 + e^−|z|."""
    proba = np.empty((2, len(z)), z.dtype)  # a row is faster to write than a column
    no, yes = proba
    np.minimum(z, 0.0, out=yes)  # one of the two becomes −|z|, the other 0
    np.maximum(z, 0.0, out=no)
    np.negative(no, out=no)
    np.exp(proba, out=proba)
    proba /= no + yes
    return proba.T


def log_softmax(z: Array) -> Array:
    """Return the logarithm of softmax(z), row by row, finite for finite z."""
    largest = np.arange(len(z)), z.argmax(axis=1)
    with np.errstate(over="ignore"):
        z = z - z[largest][:, None]
    z = np.maximum(z, np.finfo(z.dtype).min)
    others = np.exp(z)
    others[largest] = 0.0  # its own term is the 1 of log1p
    z -= np.log1p(others.sum(axis=1, keepdims=True))
    return z


#: Logit from which on probabilities of several labels are kept apart, the smallest and the largest
#: logit whose σ is a normal number other than 1.
ORDER = {
    np.dtype(np.float64): (18.0, -708.0, 36.0),
    np.dtype(np.float32): (12.0, -87.0, 16.0),
}


def keep_order(z: Array) -> Array:
    """Return logits of several labels so that σ(z) never rounds to the same 1.

    scikit-learn's check_classifier_multioutput compares the order of the probabilities of a sample
    with that of its logits, and in floating-point numbers σ(z) is exactly 1 from z = 37 on. So
    beyond 18 the logits grow logarithmically, which changes no probability by more than 4e-9 (in
    float32 beyond 12, by 2e-6).
    """
    start, low, high = ORDER[z.dtype]
    if -start <= z.min() and z.max() <= start:  # nearly always
        return z
    beyond = np.maximum(z - start, 0.0)
    clamped: Array = np.minimum(z, start) + np.log1p(beyond)
    return np.clip(clamped, low, high, out=clamped)


def labels_of(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return multilabel y as bool."""
    labels: NDArray[np.bool_] = y == 1
    if not (labels | (y == 0)).all():
        raise ValueError(
            "The columns of multilabel y must hold 0 and 1 (or False and True); got "
            f"{np.unique(y).tolist()}."
        )
    return labels


def not_among(found: NDArray[Any], known: NDArray[Any]) -> NDArray[Any]:
    """Return those of sorted classes that are not among the sorted known ones.

    ``np.isin`` takes a twentieth of a ``partial_fit`` of few rows.
    """
    if found.dtype.kind != known.dtype.kind:
        unknown = ~np.isin(found, known)
    else:
        unknown = known.take(np.searchsorted(known, found), mode="clip") != found
    return found[unknown]


def of_another_type(found: NDArray[Any], known: NDArray[Any]) -> str:
    """Return what to do about classes of another type than the known ones, if they are."""
    one, other = ({type(label).__name__ for label in each.tolist()} for each in (found, known))
    if one == other or one | other <= {"bool", "float", "int"}:
        return ""
    message = (
        f"y contains classes of the type {' and '.join(sorted(one))}: {found.tolist()}, but the "
        f"{len(known)} known ones are of the type {' and '.join(sorted(other))}: {known.tolist()}."
    )
    if set(map(str, found.tolist())) <= set(map(str, known.tolist())) and other <= {"str", "int"}:
        return f"{message} Convert them, as with np.asarray(y).astype({other.pop()})."
    return f"{message} Give the same labels for both."


def others(is_held_out: bool) -> str:
    """Return what targets are compared with, as the beginning of a clause."""
    return "the training data have" if is_held_out else "the previous fit had"


def kind_of_target(y: NDArray[Any], found: NDArray[Any]) -> str:
    """Return ``type_of_target``, or raise if y does not hold classes.

    The shortcut is for the usual case of few classes among many samples, and of few samples, in
    which ``type_of_target`` takes long. scikit-learn itself warns of many classes among more than
    20 samples.
    """
    few = len(y) <= 20 or 4 * len(found) <= len(y)
    if y.ndim == 1 and y.dtype.kind in "iubU" and few:
        return "binary" if len(found) <= 2 else "multiclass"
    try:
        kind: str = type_of_target(y, input_name="y")
        check_classification_targets(y)
    except (TypeError, ValueError) as error:
        refusal = TypeError if isinstance(error, TypeError) else ValueError
        raise refusal(f"y: {error}") from error
    return kind


def unique(name: str, labels: Any) -> NDArray[Any]:
    """Return the sorted classes, or raise if they are none."""
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(f"{name} must be a list or 1D array of classes; got {labels!r}.")
    try:
        values = np.unique(array)
    except TypeError as error:
        if name == "y":
            refuse_missing(array)
        kinds = sorted({type(label).__name__ for label in array.tolist()})
        raise ValueError(
            f"The classes in {name} must be all numbers or all strings; got {kinds}."
        ) from error
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{name} contains NaN or infinity, which are no classes.")
    return values


def class_factors(
    class_weight: Any,
    classes: NDArray[Any],
    codes: NDArray[np.intp],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the class weight of each sample; "balanced" counts samples by their weight."""
    if isinstance(class_weight, str):
        counts = np.bincount(codes, weights=weight, minlength=len(classes))
        factors = counts.sum() / (len(classes) * np.where(counts > 0, counts, np.inf))
    else:
        factors = compute_class_weight(class_weight, classes=classes, y=classes)
    per_sample: NDArray[np.float64] = factors[codes]
    return per_sample


def label_factors(
    class_weight: Any, target: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the product of the class weights of each sample's labels."""
    n_labels = target.shape[1]
    per_label = [class_weight] * n_labels if isinstance(class_weight, str) else class_weight
    if isinstance(per_label, dict) or len(per_label) != n_labels:
        raise ValueError(
            "For multilabel y, class_weight must be 'balanced' or a list with one dict "
            f"{{0: weight, 1: weight}} for each of the {n_labels} labels; got {class_weight!r}."
        )
    factor = np.ones(len(weight))
    for choice, column in zip(per_label, target.T, strict=True):
        factor *= class_factors(choice, np.arange(2), column.astype(np.intp), weight)
    return factor


# ---- numbers ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Numbers(Targets):
    """Numbers, in one column or several, behind any link that is elementwise."""

    flat: bool = True  # y was 1-D, and so are predictions
    n_targets: int = 1
    link: Link | None = None  # of the fitted network

    @property
    def y_check(self) -> Mapping[str, Any]:
        return {"multi_output": True, "y_numeric": True}

    def read(
        self,
        y: Any,
        estimator: Any,
        *,
        classes: Any,
        known: bool,
        is_block: bool,
        is_held_out: bool = False,
    ) -> tuple[Self, NDArray[Any]]:
        target = finite_targets(y).reshape(len(y), -1)
        if not known:
            return self._changed(flat=y.ndim == 1, n_targets=target.shape[1]), target
        if target.shape[1] != self.n_targets:
            raise ValueError(
                f"y has {target.shape[1]} targets, but {others(is_held_out)} {self.n_targets}."
            )
        return self, target

    def encode(
        self, target: NDArray[Any], estimator: Any, *, known: bool
    ) -> tuple[Self, NDArray[Any]]:
        self.loss(estimator).check_target(target)
        return self, target

    def loss(self, estimator: Any) -> Loss:
        choice = estimator.loss
        loss: Loss = LOSSES[choice]() if isinstance(choice, str) else with_link(choice)
        if isinstance(loss.link, Softmax | Step):
            raise ValueError(
                f"The 'loss' parameter of {type(estimator).__name__} must have a link that gives "
                f"each target a number of its own; got {loss!r}."
            )
        return loss

    def spread(self, Y: NDArray[Any], weight: NDArray[np.float64] | None) -> Spread | None:
        return spread_of(Y, weight)

    def score(self, target: NDArray[Any], samples: Samples, loss: Loss, z: Array) -> float:
        if len(z) < 2:
            raise ValueError("R² needs at least two samples in the validation data.")
        prediction = np.empty_like(z)
        loss.link.forward(z, out=prediction)
        weight = None if samples.weight is None else samples.weight[:, 0]
        return float(r2_score(samples.Y, prediction, sample_weight=weight))

    def predict(self, z: Array) -> NDArray[Any]:
        assert self.link is not None  # the targets are those of a fitted estimator
        self.link.forward(z, out=z)
        return z[:, 0] if self.flat else z

    def attributes(self) -> dict[str, Any]:
        return {"_single_target": self.flat, "_n_targets": self.n_targets}

    def fitted(self, attributes: Mapping[str, Any]) -> Self:
        return self._changed(
            flat=attributes["_single_target"],
            n_targets=attributes["_n_targets"],
            link=links_of([attributes["_link"]])[0] if "_link" in attributes else None,
        )


def finite_targets(y: Any) -> NDArray[Any]:
    """Return targets as finite numbers; scikit-learn lets words and None pass."""
    numbers = np.asarray(y)
    if numbers.dtype.kind not in "fiub" or numbers.dtype.itemsize > 8:
        try:
            with np.errstate(over="ignore"):
                numbers = numbers.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"y must hold numbers: {error}") from error
    if not np.isfinite(numbers).all():
        raise ValueError("y contains NaN, None or a number beyond float64.")
    return numbers


@dataclass(frozen=True, eq=False)
class Interval(Numbers):
    """Numbers within a range, which the logistic link's (0, 1) is scaled to."""

    ends: tuple[Any, Any] | None = None  # as in target_range_

    def spread(self, Y: NDArray[Any], weight: NDArray[np.float64] | None) -> Spread | None:
        return None  # the range is the unit

    def encode(
        self, target: NDArray[Any], estimator: Any, *, known: bool
    ) -> tuple[Self, NDArray[Any]]:
        target = target.astype(np.float64, copy=False)
        if known:
            targets, (low, high) = self, self._ends()
            self._refuse_another_range(estimator.target_range)
        else:
            low, high = settle_range(estimator.target_range, target)
            ends = (float(low[0]), float(high[0])) if self.flat else (low, high)
            targets = self._changed(ends=ends)
        outside = targets._outside(target, estimator.target_range)
        unit: NDArray[np.float64] = target - low
        unit /= high - low
        np.clip(unit, 0.0, 1.0, out=unit, where=~outside)  # apart from rounding
        self.loss(estimator).check_target(unit)
        return targets, unit

    def encode_validation(self, target: NDArray[Any], estimator: Any) -> NDArray[Any]:
        low, high = self._ends()
        unit: NDArray[np.float64] = (target - low) / (high - low)
        return unit

    def _ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        assert self.ends is not None  # settled
        low, high = (np.atleast_1d(end) for end in self.ends)
        return low, high

    def _refuse_another_range(self, target_range: Any) -> None:
        """Raise if ``target_range`` was changed after the first call."""
        if isinstance(target_range, str):
            return
        low, high = self._ends()
        if not ((low == target_range[0]).all() and (high == target_range[1]).all()):
            raise ValueError(
                f"target_range={target_range} is not the range of the previous fit, "
                f"target_range_={self.ends}. To continue training keep it; to start from scratch "
                "set warm_start=False and call fit."
            )

    def _outside(self, target: NDArray[np.float64], target_range: Any) -> NDArray[np.bool_]:
        """Return, and report, which targets are outside the range, apart from rounding."""
        low, high = self._ends()
        slack = np.finfo(np.float32).eps * np.maximum(np.abs(low), np.abs(high))
        outside: NDArray[np.bool_] = (target < low - slack) | (target > high + slack)
        if not outside.any():
            return outside
        message = (
            f"{int(outside.sum())} targets, for example {float(target[outside][0])}, lie outside "
            f"of target_range_={self.ends}, which predictions cannot leave."
        )
        if not isinstance(target_range, str):
            raise ValueError(f"{message} Give a wider target_range, or 'auto'.")
        warn(
            f"{message} The range was determined by an earlier call; give an explicit "
            "target_range that holds for all blocks.",
            UserWarning,
        )
        return outside

    def loss(self, estimator: Any) -> Loss:
        choice = estimator.loss
        loss = behind_a_sigmoid(LOSSES[choice]) if isinstance(choice, str) else with_link(choice)
        if not isinstance(loss.link, Logistic):
            raise ValueError(
                f"The 'loss' parameter of {type(estimator).__name__} must have the logistic "
                f"link, such as SquaredError(Logistic()); got {loss!r}."
            )
        return loss

    def predict(self, z: Array) -> NDArray[Any]:
        assert self.ends is not None  # settled
        low, high = (np.asarray(end, z.dtype) for end in self.ends)
        Logistic().forward(z, out=z)
        z *= high - low
        z += low
        np.clip(z, low, high, out=z)  # apart from rounding
        return z[:, 0] if self.flat else z

    def attributes(self) -> dict[str, Any]:
        return {**super().attributes(), "target_range_": self.ends}

    def fitted(self, attributes: Mapping[str, Any]) -> Self:
        return super().fitted(attributes)._changed(ends=attributes["target_range_"])

    def check_dtype(self, dtype: Any) -> None:
        """Raise if the range overflows in the dtype of X."""
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.asarray(self.ends, dtype)).all()
        if not finite:
            raise ValueError(f"y is too large for {dtype}, the dtype of X.")


def settle_range(
    target_range: Any, target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and the upper end of each target's range, each (n_targets,)."""
    if not isinstance(target_range, str):
        low, high = (np.full(target.shape[1], float(end)) for end in target_range)
        return low, high
    low, high = target.min(axis=0), target.max(axis=0)
    unit = (low >= 0.0) & (high <= 1.0)
    # a constant target is in the middle of its range, where σ(0) predicts it
    half = np.where(low == high, np.maximum(0.5, np.abs(low) / 2.0), 0.0)
    with np.errstate(over="ignore"):
        low, high = np.where(unit, 0.0, low - half), np.where(unit, 1.0, high + half)
        if not np.isfinite(high - low).all():
            raise ValueError(
                f"y is too large for target_range='auto': from {float(target.min())} to "
                f"{float(target.max())} is a range whose width is beyond float64. Scale y down."
            )
    return low, high


# ---- which losses suit which targets ------------------------------------------------------------


def with_link(loss: Loss) -> Loss:
    """Return a loss, or raise if its link is not one."""
    link: Any = loss.link
    if isinstance(link, Link):
        return loss
    got = f"the class {link.__name__}" if isinstance(link, type) else repr(link)
    example = link.__name__ if isinstance(link, type) and issubclass(link, Link) else "Identity"
    raise TypeError(
        f"link of {type(loss).__name__} must be an object of a link or an activation, such as "
        f"{example}(); got {got}."
    )


def behind_a_sigmoid(kind: Any) -> Loss:
    """Return a loss of some class, with the logistic link if it takes a link."""
    loss: Loss = kind(link=Logistic()) if takes_link(kind) else kind()
    return loss


@functools.cache  # to read a signature takes as long as an epoch
def takes_link(kind: type[Loss]) -> bool:
    """Return whether the link of a loss is a parameter."""
    return "link" in kind._parameter_names()


PROBABILISTIC_LOSS = Choice(
    Registered(LOSSES, suits=lambda loss: isinstance(loss().link, Logistic | Softmax)), Loss
)
ELEMENTWISE_LOSS = Choice(
    Registered(LOSSES, suits=lambda loss: not isinstance(loss().link, Softmax | Step)), Loss
)
SIGMOID_LOSS = Choice(
    Registered(LOSSES, suits=lambda loss: isinstance(behind_a_sigmoid(loss).link, Logistic)), Loss
)
