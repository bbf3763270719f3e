"""Prediction for collections of Dask: block by block, when it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron.dask._reading import in_row_blocks


def answered(block: Any, estimator: Any, method: str, empty: Any) -> Any:
    """Return what a method of the estimator answers for a block, which may have no samples."""
    return getattr(estimator, method)(block) if block.shape[0] else empty


def answers(estimator: Any, X: Any, method: str) -> Any:
    """Return what a method answers for all blocks, as a dask array that is not computed yet."""
    check_is_fitted(estimator)
    if not (hasattr(X, "dask") and getattr(X, "ndim", 0) == 2):
        raise TypeError(
            "X must be a dask array of 2 dimensions or a dask dataframe; got "
            f"{type(X).__module__}.{type(X).__name__}. For data in memory call "
            f"estimator.{method}."
        )
    X = in_row_blocks(X)
    call = getattr(estimator, method)  # an AttributeError says why there is none
    one = np.zeros((1, estimator.n_features_in_))
    if hasattr(X, "columns"):
        meta = X._meta_nonempty[:1]
        like = call(meta.astype(float) if meta.shape[1] else meta)[:0]
        return X.map_partitions(answered, estimator, method, like, meta=like)
    names = getattr(estimator, "feature_names_in_", None)
    del names
    like = call(one)[:0]
    changed = {"drop_axis": 1} if like.ndim == 1 else {"chunks": (X.chunks[0], (like.shape[1],))}
    return X.map_blocks(answered, estimator, method, like, dtype=like.dtype, meta=like, **changed)


def predict(estimator: Any, X: Any) -> Any:
    return answers(estimator, X, "predict")


def predict_proba(estimator: Any, X: Any) -> Any:
    return answers(estimator, X, "predict_proba")
