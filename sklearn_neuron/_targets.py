"""Targets: from the user's y to the network's Y, and from the network's output to predictions.

=====================  =====================  ==========================
y                      Y                      output, by the loss's link
=====================  =====================  ==========================
two classes            (n, 1), 0 or 1         one logistic (or step)
K > 2 classes          (n, K), one-hot        K softmax (or step)
multilabel, K labels   (n, K), 0 or 1         K logistic
numbers                (n, K)                 K identity or logistic
=====================  =====================  ==========================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sklearn_neuron._base import BaseNetworkEstimator
from sklearn_neuron._validation import CLASS_WEIGHT
from sklearn_neuron.activations import Logistic

Array = NDArray[np.floating[Any]]


class BaseNetworkClassifier(ClassifierMixin, BaseNetworkEstimator):
    """Class labels to 0 and 1, and back."""

    classes_: NDArray[Any]
    class_weight: Any

    _constraints = {**BaseNetworkEstimator._constraints, "class_weight": CLASS_WEIGHT}
    _y_check: ClassVar[Mapping[str, Any]] = {}
    _multilabel = False

    def _read_target(self, y: Any, classes: Any, *, resume: bool, one_pass: bool) -> NDArray[Any]:
        kind = type_of_target(y, input_name="y")
        check_classification_targets(y)
        if kind == "multiclass-multioutput":
            raise ValueError(
                "multiclass-multioutput targets are not supported: y must be one column of "
                "classes, or (for ManualMLPClassifier) columns of 0 and 1, one for each label."
            )
        multilabel = kind == "multilabel-indicator"
        if multilabel:
            labels, found = y > 0, np.arange(y.shape[1])
        else:
            labels = column_or_1d(y, warn=True)
            found = np.unique(labels)
        if resume and multilabel != self._multilabel:
            raise ValueError(
                f"y is {kind}, but the fit to go on from had "
                f"{'multilabel' if self._multilabel else 'single-label'} targets."
            )
        self._settle_classes(found, classes, multilabel, resume=resume, one_pass=one_pass)
        self._multilabel = multilabel
        target: NDArray[Any] = labels if multilabel else np.searchsorted(self.classes_, labels)
        return target

    def _settle_classes(
        self,
        found: NDArray[Any],
        classes: Any,
        multilabel: bool,
        *,
        resume: bool,
        one_pass: bool,
    ) -> None:
        """Set ``classes_`` at the first call; later hold y and ``classes`` against it."""
        given = None if classes is None else np.unique(classes)
        if given is None and one_pass and not resume and not multilabel:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        known = self.classes_ if resume else (found if given is None else given)
        if given is not None and not np.array_equal(given, known):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on the last call to partial_fit or "
                f"fit, which was: {known!r}."
            )
        unseen = np.setdiff1d(found, known)
        if multilabel and len(found) != len(known):
            raise ValueError(f"y has {len(found)} labels, but there are {len(known)} classes.")
        if len(unseen):
            raise ValueError(
                f"y contains classes {unseen.tolist()} that are not among the {len(known)} "
                f"known ones: {known.tolist()}. Name every class in the first call."
            )
        if len(known) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes, but y contains "
                f"only one class: {known[0]!r}."
            )
        self.classes_ = known

    def _weigh_classes(
        self, target: NDArray[Any], weight: NDArray[np.float64], one_pass: bool
    ) -> NDArray[np.float64]:
        if self.class_weight is None:
            return weight
        if one_pass and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, because a block "
                "does not tell how frequent the classes are. Use "
                "sklearn.utils.class_weight.compute_class_weight('balanced', classes=..., "
                "y=...) on representative labels and pass the result as a dict."
            )
        if not self._multilabel:
            return weight * _class_factors(self.class_weight, self.classes_, target, weight)
        per_label = self.class_weight
        if isinstance(per_label, dict) or not (
            isinstance(per_label, str) or len(per_label) == target.shape[1]
        ):
            raise ValueError(
                "For multilabel y, class_weight must be 'balanced' or a list with one dict "
                f"{{0: weight, 1: weight}} for each of the {target.shape[1]} labels; got "
                f"{per_label!r}."
            )
        factor = np.ones(len(weight))
        for k in range(target.shape[1]):
            choice = per_label if isinstance(per_label, str) else per_label[k]
            codes = target[:, k].astype(np.intp)
            factor *= _class_factors(choice, np.arange(2), codes, weight)
        return weight * factor

    def _encode_target(self, target: NDArray[Any], resume: bool) -> NDArray[Any]:
        if self._multilabel:
            return target
        n_classes = len(self.classes_)
        positive = np.array([1]) if n_classes == 2 else np.arange(n_classes)
        one_hot: NDArray[np.bool_] = target.reshape(-1, 1) == positive
        return one_hot

    def decision_function(self, X: Any) -> Array:
        """Return the logits: the raw output z of the last layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column for two classes (raveled), else one for each class or label.
        """
        z = self._raw_output(X)
        return z.ravel() if z.shape[1] == 1 else z

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class; for multilabel y, 0 or 1 for each label.
        """
        z = self._raw_output(X)
        if self._multilabel:
            return self._is_positive(z).astype(np.intp)
        binary = z.shape[1] == 1
        codes = self._is_positive(z[:, 0]).astype(np.intp) if binary else z.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[codes]
        return labels

    def _is_positive(self, z: Array) -> NDArray[np.bool_]:
        """Return where an output says yes; as in scikit-learn, a tie says no."""
        return z > 0.0


class _Bounds(NamedTuple):
    """Where probabilities run out of floating-point numbers: z for p near 1, log p near 0."""

    bend_low: float  # from here on values grow only logarithmically
    bend_high: float
    low: float  # and end here
    high: float


_BOUNDS = {
    np.dtype(np.float64): _Bounds(-700.0, 18.0, -708.0, 36.0),
    np.dtype(np.float32): _Bounds(-80.0, 12.0, -87.0, 16.0),
}


def _bend(value: Array, bounds: _Bounds) -> Array:
    """Keep values within bounds, smoothly and as long as there are numbers in their order."""
    inside = np.clip(value, bounds.bend_low, bounds.bend_high)
    beyond = value - inside
    bent = inside + np.copysign(np.log1p(np.abs(beyond)), beyond)
    return np.clip(bent, bounds.low, bounds.high)


class ProbabilityMixin:
    """Probabilities for classifiers whose output is logistic or softmax.

    They are strictly between 0 and 1 and in the order of the logits, as σ is in mathematics.
    In floating-point numbers σ(z) is 1 from z = 37 on and 0 from z = -746 on, which makes
    ties in rankings and logarithms of -inf. So z is bent where the numbers run out, which
    moves no probability by more than 4e-9 (float64).
    """

    def _logits(self, X: Any) -> tuple[Array, bool]:
        """Return one logit for each column of ``predict_proba``, and whether they compete."""
        z: Array = self._raw_output(X)  # type: ignore[attr-defined]
        if z.shape[1] == 1:
            return np.hstack([-z, z]), False  # 1 - σ(z) = σ(-z), without rounding to 0
        return z, not self._multilabel  # type: ignore[attr-defined]

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns as in ``classes_``; rows sum to one, except for multilabel y, where each
            column is the probability of its label. Never exactly 0; for one or several
            sigmoids never exactly 1 either.
        """
        z, compete = self._logits(X)
        if compete:
            return np.exp(_log_softmax(z))
        z = _bend(z, _BOUNDS[z.dtype])
        Logistic().forward(z, out=z)
        return z

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of ``predict_proba``, finite for all finite logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Computed from the logits, so that it is exact where probabilities round to 1; bounded
            below by -708 (-87 in float32), the logarithm of the smallest probability there is.
        """
        z, compete = self._logits(X)
        if compete:
            return _log_softmax(z)
        return _bend(-np.logaddexp(0.0, -z), _BOUNDS[z.dtype])


def _log_softmax(z: Array) -> Array:
    with np.errstate(over="ignore"):
        z = z - z.max(axis=1, keepdims=True)
    z = np.maximum(z, np.finfo(z.dtype).min)
    log_proba = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return _bend(log_proba, _BOUNDS[z.dtype])


class BaseNetworkRegressor(RegressorMixin, BaseNetworkEstimator):
    """Numbers, one column or several."""

    _y_check: ClassVar[Mapping[str, Any]] = {"multi_output": True, "y_numeric": True}
    _single_target = True  # y was 1-D, and so are predictions

    def _read_target(self, y: Any, classes: Any, *, resume: bool, one_pass: bool) -> NDArray[Any]:
        if not resume:
            self._single_target = y.ndim == 1
        return np.asarray(y).reshape(len(y), -1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _class_factors(
    class_weight: Any,
    classes: NDArray[Any],
    codes: NDArray[np.intp],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the class weight of each row; "balanced" counts rows by their weight."""
    if isinstance(class_weight, str):
        counts = np.bincount(codes, weights=weight, minlength=len(classes))
        factors = counts.sum() / (len(classes) * np.where(counts > 0, counts, np.inf))
    else:
        factors = compute_class_weight(class_weight, classes=classes, y=classes[codes])
    per_row: NDArray[np.float64] = factors[codes]
    return per_row
