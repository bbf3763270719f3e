"""Exceptions that the estimators raise."""

from __future__ import annotations

__all__ = ["DivergenceError", "InconsistentVersionWarning", "InvalidParameterTypeError"]


class DivergenceError(ValueError):
    """Training diverged.

    The loss or a parameter is no longer finite, or training ended, after five epochs or more, with
    a loss that is not falling and is more than ten times that of each constant prediction: of the
    best one and of z = 0. (With hidden layers the loss must have risen, too.) The message names the
    epoch or iteration, the learning rate, and what to try. The estimator is left as it was before
    the call. In a search with ``error_score=np.nan`` the candidate counts as
    failed and the search continues.

    See Also
    --------
    sklearn_neuron.inspection.LearningRateRangeDisplay : Shows which learning rates diverge.

    Examples
    --------
    >>> from sklearn_neuron import ManualMLPRegressor
    >>> from sklearn_neuron.exceptions import DivergenceError
    >>> network = ManualMLPRegressor((), solver="sgd", eta=1e6, tol=None, random_state=0)
    >>> try:
    ...     network.fit([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0])
    ... except DivergenceError as error:
    ...     print("diverged:", "eta" in str(error))
    diverged: True
    """

    # what has happened is the first argument, what to try the others
    def __str__(self) -> str:
        return " ".join(map(str, self.args))


class InconsistentVersionWarning(UserWarning):
    """An estimator was saved by another version of the package than the one that loads it.

    It may then not load, or predict and continue training in another way. scikit-learn's warning of
    the same name is about scikit-learn's version.

    Parameters
    ----------
    estimator_name : str
        The class of the estimator.
    current_version : str
        The version of sklearn_neuron that loads it.
    original_version : str
        The version that has saved it.

    See Also
    --------
    sklearn.exceptions.InconsistentVersionWarning : The one of scikit-learn's own version.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> saved = LogisticNeuronClassifier().__getstate__() | {"_sklearn_neuron_version": "0.0"}
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     LogisticNeuronClassifier().__setstate__(saved)
    >>> caught[0].message.original_version
    '0.0'
    """

    def __init__(self, estimator_name: str, current_version: str, original_version: str) -> None:
        super().__init__(estimator_name, current_version, original_version)
        self.estimator_name = estimator_name
        self.current_version = current_version
        self.original_version = original_version

    def __str__(self) -> str:
        return (
            f"{self.estimator_name} was saved by sklearn_neuron {self.original_version} and is "
            f"loaded by {self.current_version}. It may not work, or give other results: load it "
            "with the version that has saved it, or fit it again."
        )


class InvalidParameterTypeError(TypeError, ValueError):
    """A parameter has a type that is never allowed.

    It is both a ``TypeError`` and, as scikit-learn's ``InvalidParameterError`` is, a
    ``ValueError``.

    See Also
    --------
    DivergenceError : If training fails, with parameters that are allowed.

    Examples
    --------
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.exceptions import InvalidParameterTypeError
    >>> try:
    ...     LogisticNeuronClassifier(eta="fast").fit([[0.0], [1.0]], [0, 1])
    ... except InvalidParameterTypeError as error:
    ...     print(str(error)[:45])
    The 'eta' parameter of LogisticNeuronClassifi
    """
