"""Prediction for collections of Dask: block by block, when it is asked for."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron._extras import require
from sklearn_neuron.dask._reading import in_row_blocks, with_columns


def answers(estimator: Any, X: Any, method: str) -> Any:
    """Return what a method answers for all blocks, as a collection that is not computed yet."""
    check_is_fitted(estimator)
    getattr(estimator, method)  # an AttributeError says why there is none
    if not (hasattr(X, "dask") and getattr(X, "ndim", 0) == 2):
        raise TypeError(
            "X must be a dask array of 2 dimensions or a dask dataframe; got "
            f"{type(X).__module__}.{type(X).__name__}. For data in memory call "
            f"estimator.{method}."
        )
    if hasattr(X, "columns"):
        meta = of_a_row(X, estimator, method)[:0]
        return X.map_partitions(labelled, estimator, method, meta, meta=meta)
    known = estimator.n_features_in_
    if X.shape[1] != known:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting {known} "
            "features as input."
        )
    X = in_row_blocks(X)
    some = np.zeros((1, known), dtype=X.dtype if X.dtype.kind == "f" else np.float64)
    like = answered(some, estimator, method)[:0]
    changed = {"drop_axis": 1} if like.ndim == 1 else {"chunks": (X.chunks[0], (like.shape[1],))}
    return X.map_blocks(answered, estimator, method, like, dtype=like.dtype, meta=like, **changed)


def of_a_row(X: Any, estimator: Any, method: str) -> Any:
    """Return what a method answers for a row of a dataframe: a made-up one, if that will do.

    A pipeline may refuse made-up categories; then the first row that there is is computed.
    """
    try:
        return labelled(X._meta_nonempty[:1], estimator, method)
    except ValueError:
        if isinstance(estimator, NetworkEstimator):
            raise
        first = X.head(1, npartitions=-1)
        if not len(first):
            raise
        return labelled(first, estimator, method)


def answered(block: Any, estimator: Any, method: str, empty: Any = None) -> Any:
    """Return what a method of the estimator answers for a block, which may have no samples."""
    if not block.shape[0]:
        return empty
    with warnings.catch_warnings():  # a dask array has no names
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        return getattr(estimator, method)(block)


def labelled(frame: Any, estimator: Any, method: str, empty: Any = None) -> Any:
    """Return what a method answers for a dataframe, with its index: a series or a dataframe."""
    pandas = require("pandas", "sklearn_neuron.dask")
    if not len(frame):
        return empty
    try:
        answer = getattr(estimator, method)(frame)
    except (TypeError, ValueError) as error:
        own = isinstance(estimator, NetworkEstimator)  # a pipeline may take any columns
        raise with_columns(error, frame) if own else error from None
    if answer.ndim == 1:
        return pandas.Series(answer, frame.index, name=method)
    return pandas.DataFrame(answer, frame.index, column_names(estimator, method, answer.shape[1]))


def column_names(estimator: Any, method: str, n: int) -> NDArray[Any]:
    """Return the names of the columns of an answer: the classes, if there is one for each."""
    classes = np.asarray(getattr(estimator, "classes_", ()))
    return np.arange(n) if method == "predict" or classes.shape != (n,) else classes


def predict(estimator: Any, X: Any) -> Any:
    """Predict class labels or target values, block by block, when they are asked for.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator, or a fitted pipeline or search that contains one.
    X : dask array or dask dataframe of shape (n_samples, n_features)
        The input data; blocks may be empty.

    Returns
    -------
    y_pred : dask array, series or dataframe of shape (n_samples,) or (n_samples, n_outputs)
        What ``estimator.predict`` returns for each block. For a dask dataframe it is a series
        named "predict", or a dataframe where there are several outputs, with the partitions and
        the index of X, so that ``frame.assign(label=y_pred)`` works. Nothing is computed yet.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If X is not a collection of Dask.
    ValueError
        If X has other features than the estimator was fitted to. Names of columns are compared as
        in ``estimator.predict``.

    See Also
    --------
    sklearn_neuron.dask.fit : Trains on collections.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> import sklearn_neuron.dask
    >>> neuron = LogisticNeuronClassifier(random_state=0).fit([[0.0], [1.0]], ["no", "yes"])
    >>> answers = sklearn_neuron.dask.predict(neuron, da.ones((4, 1), chunks=2))
    >>> answers.compute().tolist()
    ['yes', 'yes', 'yes', 'yes']
    """
    return answers(estimator, X, "predict")


def predict_proba(estimator: Any, X: Any) -> Any:
    """Return probability estimates, block by block, when they are asked for.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier with probabilities.
    X : dask array or dask dataframe of shape (n_samples, n_features)
        The input data; blocks may be empty.

    Returns
    -------
    proba : dask array or dataframe of shape (n_samples, n_classes)
        What ``estimator.predict_proba`` returns for each block. For a dask dataframe it is a
        dataframe with the partitions and the index of X, whose columns are the classes. Nothing is
        computed yet.

    Raises
    ------
    AttributeError
        If the estimator has no probabilities.

    See Also
    --------
    sklearn_neuron.dask.predict : Predicted classes or values.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> import sklearn_neuron.dask
    >>> neuron = LogisticNeuronClassifier(max_iter=20, tol=None)
    >>> neuron = neuron.fit([[0.0], [1.0], [2.0]], [0, 1, 1])
    >>> X = da.from_array([[0.0], [1.0], [2.0], [3.0]], chunks=2)
    >>> sklearn_neuron.dask.predict_proba(neuron, X).compute().shape
    (4, 2)
    """
    return answers(estimator, X, "predict_proba")


def predict_log_proba(estimator: Any, X: Any) -> Any:
    """Return the logarithm of probability estimates, block by block, when they are asked for.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier with probabilities.
    X : dask array or dask dataframe of shape (n_samples, n_features)
        The input data; blocks may be empty.

    Returns
    -------
    log_proba : dask array or dataframe of shape (n_samples, n_classes)
        What ``estimator.predict_log_proba`` returns for each block. For a dask dataframe it is a
        dataframe with the partitions and the index of X, whose columns are the classes. Nothing is
        computed yet.

    Raises
    ------
    AttributeError
        If the estimator has no probabilities.

    See Also
    --------
    sklearn_neuron.dask.predict : Predicted classes or values.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> import sklearn_neuron.dask
    >>> neuron = LogisticNeuronClassifier(max_iter=20, tol=None)
    >>> neuron = neuron.fit([[0.0], [1.0], [2.0]], [0, 1, 1])
    >>> X = da.from_array([[0.0], [1.0], [2.0], [3.0]], chunks=2)
    >>> sklearn_neuron.dask.predict_log_proba(neuron, X).compute().shape
    (4, 2)
    """
    return answers(estimator, X, "predict_log_proba")


def decision_function(estimator: Any, X: Any) -> Any:
    """Return the logits, block by block, when they are asked for.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier.
    X : dask array or dask dataframe of shape (n_samples, n_features)
        The input data; blocks may be empty.

    Returns
    -------
    scores : dask array, series or dataframe of shape (n_samples,) or (n_samples, n_classes)
        What ``estimator.decision_function`` returns for each block. For a dask dataframe it is a
        series named "decision_function", or a dataframe whose columns are the classes, with the
        partitions and the index of X. Nothing is computed yet.

    See Also
    --------
    sklearn_neuron.dask.predict : Predicted classes or values.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> import sklearn_neuron.dask
    >>> neuron = LogisticNeuronClassifier(max_iter=20, tol=None)
    >>> neuron = neuron.fit([[0.0], [1.0], [2.0]], [0, 1, 1])
    >>> X = da.from_array([[0.0], [1.0], [2.0], [3.0]], chunks=2)
    >>> sklearn_neuron.dask.decision_function(neuron, X).compute().shape
    (4,)
    """
    return answers(estimator, X, "decision_function")
