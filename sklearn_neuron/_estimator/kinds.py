"""The two kinds of estimators, classifiers and regressors: what each of them answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from sklearn_neuron._engine.solvers import SOLVERS
from sklearn_neuron._estimator.base import NetworkEstimator, check_fitted
from sklearn_neuron._estimator.containers import in_numpy
from sklearn_neuron._estimator.data import NOT_HELD_OUT, Call, Given
from sklearn_neuron._estimator.targets import Classes
from sklearn_neuron._typing import Array
from sklearn_neuron.losses import LOSSES

if TYPE_CHECKING:
    Method = TypeVar("Method", bound=Callable[..., Any])

    def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
        """Tell type checkers that scikit-learn's decorator keeps the types of a method."""
else:
    from sklearn.utils.metaestimators import available_if


def has_partial_fit(estimator: Any) -> bool:
    """Return True, or raise an AttributeError if ``partial_fit`` would always fail."""
    name = type(estimator).__name__
    if isinstance(estimator.solver, str) and estimator.solver in SOLVERS:
        reason = f"solver={estimator.solver!r}, which uses all samples at once"
    elif estimator.early_stopping not in NOT_HELD_OUT:
        reason = "early_stopping=True: a single pass over a block leaves nothing to stop"
    elif isinstance(class_weight := getattr(estimator, "class_weight", None), str) and (
        class_weight == "balanced"
    ):
        reason = (
            "class_weight='balanced', because a block does not tell how frequent the classes are. "
            "Use sklearn.utils.class_weight.compute_class_weight('balanced', classes=..., y=...) "
            "on representative labels and pass the result as a dict"
        )
    else:
        return True
    raise AttributeError(f"partial_fit of {name} is not available with {reason}.")


def has_probabilities(estimator: Any) -> bool:
    """Return whether the outputs of a classifier are probabilities."""
    return estimator._targets.criterion is None


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """Base class of the classifiers."""

    classes_: NDArray[Any]
    _targets: ClassVar[Classes]

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over a block of samples, continuing from the current parameters.

        Not available with solvers without updates, ``early_stopping=True`` or
        ``class_weight="balanced"``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A block of the training data.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that may ever occur; required in the first call, except for multilabel y,
            whose columns are the labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, relative to those of all samples seen so far. A block of zero total
            weight changes nothing.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If parameters or data are invalid, or if training diverges.

        See Also
        --------
        sklearn_neuron.streaming.shuffle_blocks : Shuffles a stream of blocks.

        Notes
        -----
        Samples are shuffled within a block only, and a constant ``eta`` follows the blocks that
        came last. If blocks are sorted, by time for example, average the parameters over all
        updates: ``solver=SGD(average=True)``, or ``Adam(average=True)`` for networks. With
        ``schedule="invscaling"`` the learning rate falls from call to call: each counts as an
        epoch. See the user guide, :ref:`guide-out-of-core`.
        """
        return self._fit(Call(Given(X, y, sample_weight), classes=classes, one_pass=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The predicted classes; for multilabel y, 0 or 1 for each label.
        """
        return self._answer(X, self._fitted_targets().predict)

    def decision_function(self, X: Any) -> Array:
        """Return the logits, which are the raw output z of the last layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes positive where ``classes_[1]`` is predicted; otherwise one column for
            each class or label. The perceptron predicts ``classes_[1]`` at z = 0, too, where the
            smallest positive number is returned.
        """
        return self._answer(X, self._fitted_targets().decide)

    @available_if(has_probabilities)
    def predict_proba(self, X: Any) -> Array:
        """Return probability estimates.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities σ(z) or softmax(z), with columns in the order of ``classes_``. For
            multilabel y each column is the probability of a label; these are kept below 1, in the
            order of the logits, which changes them by at most 4e-9 (2e-6 in float32). A probability
            that underflows is the smallest positive number, not 0.
        """
        return self._answer(X, self._fitted_targets().proba)

    @available_if(has_probabilities)
    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of probability estimates.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Computed from the logits, and so accurate and finite where probabilities round to 0
            or 1.
        """
        return self._answer(X, self._fitted_targets().log_proba)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The true class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            The share of samples whose class, or whose every label, is predicted.
        """
        data = {"X": X, "y": y, "sample_weight": sample_weight}
        return float(super().score(**in_numpy(self, "predict", **data)))

    def _fitted_targets(self) -> Classes:
        check_fitted(self)
        return self._targets.fitted(vars(self))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.target_tags.multi_output
        return tags


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """Base class of the regressors."""

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one pass over a block of samples, continuing from the current parameters.

        Not available with solvers without updates or ``early_stopping=True``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A block of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, relative to those of all samples seen so far. A block of zero total
            weight changes nothing.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If parameters or data are invalid, or if training diverges.

        See Also
        --------
        sklearn_neuron.streaming.shuffle_blocks : Shuffles a stream of blocks.

        Notes
        -----
        Samples are shuffled within a block only, and a constant ``eta`` follows the blocks that
        came last. If blocks are sorted, by time for example, average the parameters over all
        updates: ``solver=SGD(average=True)``, or ``Adam(average=True)`` for networks. With
        ``schedule="invscaling"`` the learning rate falls from call to call: each counts as an
        epoch. See the user guide, :ref:`guide-out-of-core`.
        """
        return self._fit(Call(Given(X, y, sample_weight), one_pass=True))

    def predict(self, X: Any) -> Array:
        """Predict target values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_targets)
            The predicted values.
        """
        check_fitted(self)
        return self._answer(X, self._targets.fitted(vars(self)).predict)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of the predictions, the share of the variance of y that they explain.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The true target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            At most 1.0, for perfect predictions; the mean over the targets if there are several.
        """
        data = {"X": X, "y": y, "sample_weight": sample_weight}
        return float(super().score(**in_numpy(self, "predict", **data)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        loss = LOSSES.get(self.loss) if isinstance(self.loss, str) else self.loss
        tags.target_tags.positive_only = bool(getattr(loss, "positive_only", False))
        return tags
