"""Dask: the estimators trained on a cluster, and predictions for collections of Dask.

``fit`` trains an estimator on a dask array or dataframe whose partitions stay on the workers of a
``distributed`` cluster. The result is an ordinary fitted estimator. Dask is needed when one of
these functions is called: ``pip install "dask[array,dataframe]" distributed``.
"""

from sklearn_neuron.dask._cluster import ClusterLostError
from sklearn_neuron.dask._fit import fit
from sklearn_neuron.dask._predict import (
    decision_function,
    predict,
    predict_log_proba,
    predict_proba,
)

__all__ = [
    "ClusterLostError",
    "decision_function",
    "fit",
    "predict",
    "predict_log_proba",
    "predict_proba",
]
