"""The subject of an inspection: an estimator's network, its data, the names of its parameters."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._engine.batches import Block, Rows, full_batch
from sklearn_neuron._estimator.base import BaseNetworkEstimator
from sklearn_neuron._estimator.data import Given
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network
from sklearn_neuron.neuron import NeuronMixin


class Subject(NamedTuple):
    """A network in float64 with all rows as one batch."""

    estimator: BaseNetworkEstimator
    fitted: bool
    network: Network
    rows: Rows
    blocks: list[Block]


def unwrap(estimator: Any) -> BaseNetworkEstimator:
    """Return the last step of a pipeline, or the estimator itself.

    Raises
    ------
    TypeError
        Where it is not an estimator of this package.
    """
    if isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    if not isinstance(estimator, BaseNetworkEstimator):
        hint = " Pass its best_estimator_." if hasattr(estimator, "best_estimator_") else ""
        raise TypeError(
            "sklearn_neuron.inspection looks into the estimators of sklearn_neuron and into "
            f"pipelines that end in one; got {type(estimator).__name__}.{hint}"
        )
    return estimator


def reaching(estimator: Any, X: Any, y: Any) -> Any:
    """Return what reaches the last step of a pipeline; the steps before it may be unfitted."""
    if not isinstance(estimator, Pipeline) or len(estimator) == 1:
        return X
    before = estimator[:-1]
    if not unwrap(estimator)._is_fitted():
        before = clone(before).fit(X, y)
    return before.transform(X)


def subject_of(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    coef_init: Any = None,
    intercept_init: Any = None,
) -> Subject:
    """Return the network that ``fit`` would train on these data, at the fitted parameters.

    Where the estimator is not fitted, at its start. The estimator itself is left alone. Rows
    that ``early_stopping`` would hold out are trained on.
    """
    shadow = copy.copy(unwrap(estimator))
    shadow.early_stopping = False
    shadow.random_state = copy.deepcopy(shadow.random_state)  # a RandomState would move on
    fitted = shadow._is_fitted()
    shadow._check_parameters()
    X = reaching(estimator, X, y)
    data = shadow._read(Given(X, y, sample_weight), resume=fitted)
    if data is None or data.weightless:
        raise ValueError("There is nothing to look at: every row has zero weight.")
    trained = shadow._build(data)
    shadow._start(trained, data, (coef_init, intercept_init))
    # without dropout, and without the L1 penalty, which has no gradient at zero
    activations = shadow._hidden()[1]
    network = Network(trained.layer_sizes, activations, trained.loss, trained.alpha)
    network.theta[:] = trained.theta
    X, Y, weight = data.rows
    rows = Rows(
        X.astype(np.float64),
        Y.astype(np.float64),
        None if weight is None else weight.astype(np.float64),
    )
    return Subject(shadow, fitted, network, rows, full_batch(network, rows))


def layer_names(estimator: BaseNetworkEstimator, n_layers: int) -> tuple[list[str], list[str]]:
    """Return the names of every W and every b: w and b of a neuron, else W1, W2, b1, b2."""
    if isinstance(estimator, NeuronMixin):
        return ["w"], ["b"]
    numbers = range(1, n_layers + 1)
    return [f"W{l}" for l in numbers], [f"b{l}" for l in numbers]


def parameter_names(estimator: BaseNetworkEstimator, layer_sizes: tuple[int, ...]) -> list[str]:
    """Return the name of each component of θ, indexed as in the fitted attributes.

    A neuron's weights are ``w``, ``w[j]`` or ``w[k, j]``, where output k and feature j (or
    its name) say the place in ``coef_``; a network's ``W1[i, j]`` is ``coefs_[0][i, j]``.
    """
    pairs = list(zip(layer_sizes[:-1], layer_sizes[1:], strict=True))
    if isinstance(estimator, NeuronMixin):
        (p, K) = pairs[0]
        features = list(getattr(estimator, "feature_names_in_", range(p)))
        if K > 1:
            return [f"w[{k}, {j}]" for j in features for k in range(K)] + [
                f"b[{k}]" for k in range(K)
            ]
        return [*(["w"] if p == 1 else [f"w[{j}]" for j in features]), "b"]
    weights = [
        f"W{l}[{i}, {j}]" for l, (n, m) in enumerate(pairs, 1) for i in range(n) for j in range(m)
    ]
    return weights + [f"b{l}[{j}]" for l, (_, m) in enumerate(pairs, 1) for j in range(m)]


def layer_sizes_of(estimator: BaseNetworkEstimator) -> tuple[int, ...]:
    """Return the fitted network's layer sizes."""
    coefs, _ = estimator._parameters()
    return (coefs[0].shape[0], *(W.shape[1] for W in coefs))


def theta_of(estimator: BaseNetworkEstimator, named: Mapping[str, Any]) -> Array:
    """Return parameters as users see them as one vector θ."""
    coefs, intercepts = estimator._layers(named)
    return np.concatenate([np.ravel(part) for part in (*coefs, *intercepts)])


def recorded_thetas(estimator: BaseNetworkEstimator, *, start: bool = False) -> Array:
    """Return the recorded parameters as rows θ, on request with the start above them.

    Raises
    ------
    ValueError
        Where none were recorded.
    """
    check_is_fitted(estimator)
    history, names = estimator.history_, estimator._names
    if names[0] not in history:
        raise ValueError(
            f"The fit of {type(estimator).__name__} recorded no parameters. Set "
            "record='epoch' or record='step' and fit again."
        )
    columns = [history[name] for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if start:
        rows.insert(0, estimator.start_)
    n_parameters = sum(np.size(part) for parts in estimator._parameters() for part in parts)
    theta = [theta_of(estimator, row) for row in rows]
    return np.reshape(np.array(theta, dtype=float), (len(rows), n_parameters))
