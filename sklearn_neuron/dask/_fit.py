"""Training on a cluster."""

from __future__ import annotations

from functools import partial
from typing import Any

from sklearn_neuron._estimator.base import NetworkEstimator
from sklearn_neuron._estimator.callbacks import with_callbacks
from sklearn_neuron._estimator.data import NOT_HELD_OUT, Call, Given
from sklearn_neuron.dask._cluster import client_of
from sklearn_neuron.dask._reading import read_collections
from sklearn_neuron.records import Record


def fit(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
    coef_init: Any = None,
    intercept_init: Any = None,
    mini_batches: str = "local",
    client: Any = None,
) -> Any:
    """Fit an estimator to collections of Dask, whose partitions stay on the cluster."""
    if not isinstance(estimator, NetworkEstimator):
        raise TypeError(
            "estimator must be one of sklearn_neuron's, such as LogisticNeuronClassifier(); got "
            f"{type(estimator).__name__}. For a pipeline, transform X first, with dask-ml's "
            "transformers or with map_blocks."
        )
    if mini_batches not in {"local", "synchronous"}:
        raise ValueError(f"mini_batches must be 'local' or 'synchronous'; got {mini_batches!r}.")
    if not (hasattr(X, "dask") and hasattr(X, "to_delayed") and getattr(X, "ndim", 0) == 2):
        raise TypeError(
            "X must be a dask array of 2 dimensions or a dask dataframe; got "
            f"{type(X).__module__}.{type(X).__name__}. For data in memory call estimator.fit."
        )
    refuse_options(estimator)
    read = partial(read_collections, client=client_of(client), mini_batches=mini_batches)
    given, validation = Given(X, y, sample_weight), Given(X_val, y_val, sample_weight_val)
    call = Call(given, validation, coef_init=coef_init, intercept_init=intercept_init, read=read)
    train = with_callbacks(type(estimator)._fit)  # as the method fit is
    return train(estimator, call)


def refuse_options(estimator: Any) -> None:
    """Raise a ValueError where a parameter asks for what needs all samples in one place."""
    name, record = type(estimator).__name__, estimator.record
    if estimator.early_stopping not in NOT_HELD_OUT:
        raise ValueError(
            f"early_stopping={estimator.early_stopping!r} of {name} splits off validation data, "
            "which is not available on a cluster. Give X_val and y_val, and set "
            "early_stopping=False."
        )
    if (record.kind if isinstance(record, Record) else record) == "step":
        raise ValueError(
            f"record={record!r} of {name} is not available on a cluster: record='epoch' is."
        )
