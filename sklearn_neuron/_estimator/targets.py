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
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sklearn_neuron._engine.batches import Rows
from sklearn_neuron._estimator.base import BaseNetworkEstimator, has_updates
from sklearn_neuron._estimator.constraints import CLASS_WEIGHT
from sklearn_neuron._estimator.data import Given
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network


class BaseNetworkClassifier(ClassifierMixin, BaseNetworkEstimator):
    """Class labels to 0 and 1, and back."""

    classes_: NDArray[Any]
    class_weight: Any

    _constraints = {**BaseNetworkEstimator._constraints, "class_weight": CLASS_WEIGHT}
    _y_check: ClassVar[Mapping[str, Any]] = {}
    _multilabel = False
    _stratified = True

    @available_if(has_updates)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over a block of rows, going on from where training stands.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A block of training rows.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            Their class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever occur; needed at the first call, except for multilabel
            y, whose columns tell.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, relative to those of all rows seen so far. A block of zero total weight
            changes nothing.

        Returns
        -------
        self : estimator
            The estimator.
        """
        return self._fit(Given(X, y, sample_weight), classes=classes, one_pass=True)

    def _read_target(self, y: Any, classes: Any, *, resume: bool, one_pass: bool) -> NDArray[Any]:
        # first, because it says better than type_of_target what is wrong
        found = _unique("y", y) if y.ndim == 1 else np.arange(y.shape[1])
        kind = _kind_of_target(y, found)
        if kind == "multiclass-multioutput":
            raise ValueError(
                "multiclass-multioutput targets are not supported: y must be one column of "
                "classes, or (for ManualMLPClassifier) columns of 0 and 1, one for each label."
            )
        multilabel = kind == "multilabel-indicator"
        if multilabel:
            labels = y == 1
            if not (labels | (y == 0)).all():
                raise ValueError(
                    "The columns of multilabel y must hold 0 and 1 (or False and True); got "
                    f"{np.unique(y).tolist()}."
                )
        elif y.ndim == 1:
            labels = y
        else:
            labels = column_or_1d(y, warn=True)
            found = _unique("y", labels)
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
        given = None if classes is None else _unique("classes", classes)
        if given is None and one_pass and not resume and not multilabel:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        known = self.classes_ if resume else (found if given is None else given)
        if given is not None and not np.array_equal(given, known):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on the last call to partial_fit or "
                f"fit, which was: {known!r}."
            )
        unseen = found[:0] if known is found else np.setdiff1d(found, known)
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
                f"only one class: {known.tolist()[0]!r}."
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
        if self._multilabel:
            return weight * _label_factors(self.class_weight, target, weight)
        if isinstance(self.class_weight, list):
            raise ValueError(
                "A list of class_weight is for multilabel y; for a single column of classes give "
                f"one dict or 'balanced'; got {self.class_weight!r}."
            )
        return weight * _class_factors(self.class_weight, self.classes_, target, weight)

    def _encode_target(self, target: NDArray[Any], seen: bool) -> NDArray[Any]:
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
        return self._answer(X, lambda z: z.ravel() if z.shape[1] == 1 else z)

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
        if self._multilabel:
            return self._answer(X, self._decide)
        return self._answer(X, lambda z: self.classes_[self._decide(z)])

    def _decide(self, z: Array) -> NDArray[np.intp]:
        """Return the code of each row's class, (n,); for multilabel y 0 and 1, (n, K)."""
        if self._multilabel:
            return self._is_positive(z).astype(np.intp)
        if z.shape[1] == 1:
            return self._is_positive(z[:, 0]).astype(np.intp)
        codes: NDArray[np.intp] = z.argmax(axis=1)
        return codes

    def _score_output(self, target: NDArray[Any], rows: Rows, network: Network, z: Array) -> float:
        right = self._decide(z) == target
        if self._multilabel:
            right = right.all(axis=1)
        return float(np.average(right, weights=None if rows.weight is None else rows.weight[:, 0]))

    def _is_positive(self, z: Array) -> NDArray[np.bool_]:
        """Return where an output says yes; as in scikit-learn, a tie says no."""
        return z > 0.0


class BaseNetworkRegressor(RegressorMixin, BaseNetworkEstimator):
    """Numbers, one column or several."""

    _y_check: ClassVar[Mapping[str, Any]] = {"multi_output": True, "y_numeric": True}
    _single_target = True  # y was 1-D, and so are predictions
    _n_targets = 1

    @available_if(has_updates)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one pass over a block of rows, going on from where training stands.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A block of training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, relative to those of all rows seen so far. A block of zero total weight
            changes nothing.

        Returns
        -------
        self : estimator
            The estimator.
        """
        return self._fit(Given(X, y, sample_weight), one_pass=True)

    def _read_target(self, y: Any, classes: Any, *, resume: bool, one_pass: bool) -> NDArray[Any]:
        target = np.asarray(y).reshape(len(y), -1)
        if not resume:
            self._single_target, self._n_targets = y.ndim == 1, target.shape[1]
        elif target.shape[1] != self._n_targets:
            raise ValueError(
                f"y has {target.shape[1]} targets, but the fit to go on from had {self._n_targets}."
            )
        return target

    def _score_output(self, target: NDArray[Any], rows: Rows, network: Network, z: Array) -> float:
        prediction = np.empty_like(z)
        network.loss.link.forward(z, out=prediction)
        if len(z) < 2:
            raise ValueError("R² needs at least two held-out rows: give more rows to X_val.")
        weight = None if rows.weight is None else rows.weight[:, 0]
        return float(r2_score(rows.Y, prediction, sample_weight=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _kind_of_target(y: NDArray[Any], found: NDArray[Any]) -> str:
    """Return ``type_of_target``, or raise where it is none of classes.

    It looks long even at what is plain to see, as a column of ints, bools or strings with few
    classes is. Of many classes scikit-learn warns.
    """
    if y.ndim == 1 and y.dtype.kind in "iubU" and 4 * len(found) <= len(y):
        return "binary" if len(found) <= 2 else "multiclass"
    kind: str = type_of_target(y, input_name="y")
    check_classification_targets(y)
    return kind


def _unique(name: str, labels: Any) -> NDArray[Any]:
    """Return the sorted classes, or say why they are none."""
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(f"{name} must be a list or 1D array of classes; got {labels!r}.")
    try:
        unique = np.unique(array)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in array.tolist()})
        raise ValueError(
            f"The classes in {name} must be all numbers or all strings; got {kinds}."
        ) from error
    if unique.dtype.kind == "f" and not np.isfinite(unique).all():
        raise ValueError(f"{name} contains NaN or infinity, which are no classes.")
    return unique


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
        factors = compute_class_weight(class_weight, classes=classes, y=classes)
    per_row: NDArray[np.float64] = factors[codes]
    return per_row


def _label_factors(
    class_weight: Any, target: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return for each row the product of its labels' class weights."""
    n_labels = target.shape[1]
    per_label = [class_weight] * n_labels if isinstance(class_weight, str) else class_weight
    if isinstance(per_label, dict) or len(per_label) != n_labels:
        raise ValueError(
            "For multilabel y, class_weight must be 'balanced' or a list with one dict "
            f"{{0: weight, 1: weight}} for each of the {n_labels} labels; got {class_weight!r}."
        )
    factor = np.ones(len(weight))
    for choice, column in zip(per_label, target.T, strict=True):
        factor *= _class_factors(choice, np.arange(2), column.astype(np.intp), weight)
    return factor
