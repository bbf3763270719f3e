"""Exceptions that the estimators raise."""

from __future__ import annotations

__all__ = ["DivergenceError", "InvalidParameterTypeError"]


class DivergenceError(ValueError):
    """Training diverged.

    The loss or a parameter is no longer finite, or training ended, after five epochs or more, with
    a loss that is not falling and is more than ten times that of each constant prediction: of the
    best one and of z = 0. (With hidden layers the loss must have risen, too.) The message names the
    epoch or iteration, the learning rate, and what to try. The estimator is left as it was before
    the call. In a search with ``error_score=np.nan`` the candidate counts as
    failed and the search continues.

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


class InvalidParameterTypeError(TypeError, ValueError):
    """A parameter has a type that is never allowed.

    It is both a ``TypeError`` and, as scikit-learn's ``InvalidParameterError`` is, a
    ``ValueError``.

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
