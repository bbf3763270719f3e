"""The subject of an inspection: a network, its data and the names of its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._engine.batches import Block, Samples, full_batch
from sklearn_neuron._estimator.base import NetworkEstimator, is_fitted, problem_at
from sklearn_neuron._estimator.layout import Layout, Neuron
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network, dense


class Subject(NamedTuple):
    """A network in float64 with all samples as one batch."""

    estimator: NetworkEstimator
    fitted: bool
    network: Network
    samples: Samples
    blocks: list[Block]
    rows: NDArray[np.intp]  # of the user's X, which the samples are
    given: Any  # the estimator, or the pipeline that it ends

    @property
    def shares(self) -> Array:
        """Return sᵢ / Σs of each sample, (m,)."""
        n, weight = len(self.samples.Y), self.samples.weight
        return np.full(n, 1.0 / n) if weight is None else weight[:, 0] / n

    def take(self, rows: NDArray[np.intp]) -> Subject:
        """Return the same with some of the samples only."""
        X, Y, weight = self.samples
        if weight is not None:
            weight = weight[rows] / weight[rows].mean()  # the objective is the mean over these
        samples = Samples(X[rows], Y[rows], weight)
        blocks = full_batch(self.network, samples)
        return self._replace(samples=samples, blocks=blocks, rows=self.rows[rows])


def unwrap(estimator: Any) -> NetworkEstimator:
    """Return the last step of a pipeline, or the estimator itself.

    Raises
    ------
    TypeError
        If it is not an estimator of this package.
    """
    if isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    if not isinstance(estimator, NetworkEstimator):
        hint = " Pass its best_estimator_." if hasattr(estimator, "best_estimator_") else ""
        raise TypeError(
            "sklearn_neuron.inspection supports estimators of sklearn_neuron and pipelines "
            f"whose last step is one of them; got {type(estimator).__name__}.{hint}"
        )
    return estimator


def reaching(estimator: Any, X: Any, y: Any) -> Any:
    """Return the input of the last step of a pipeline; the steps before it may be unfitted."""
    if not isinstance(estimator, Pipeline) or len(estimator) == 1:
        return X
    before = estimator[:-1]
    if not is_fitted(unwrap(estimator)):
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

    For an unfitted estimator, it has the initial parameters of ``fit``. The estimator itself is not
    modified. All samples are used, including those that ``early_stopping`` would split off.
    """
    own, X = unwrap(estimator), reaching(estimator, X, y)
    problem = problem_at(own, X, y, sample_weight, coef_init, intercept_init)
    trained = problem.network
    # without dropout, and without the L1 penalty, which has no gradient at zero
    network = Network(
        trained.layer_sizes,
        problem.layout.activations,
        trained.loss,
        trained.alpha,
        fit_intercept=trained.fit_intercept,
    )
    network.set_parameters(*next(problem.starts))
    X, Y, weight = problem.data.samples
    samples = Samples(
        X.astype(np.float64),
        Y.astype(np.float64),
        None if weight is None else weight.astype(np.float64),
    )
    rows = np.arange(len(Y)) if problem.data.rows is None else problem.data.rows
    return Subject(
        own, is_fitted(own), network, samples, full_batch(network, samples), rows, estimator
    )


def layout_of(estimator: NetworkEstimator) -> type[Layout]:
    """Return the layout class of an estimator."""
    return estimator._layout


def is_neuron(estimator: NetworkEstimator) -> bool:
    """Return whether an estimator is a single neuron."""
    return issubclass(layout_of(estimator), Neuron)


def layer_names(estimator: NetworkEstimator, n_layers: int) -> tuple[list[str], list[str]]:
    """Return the names of all W and b: w and b for a neuron, otherwise W1, W2, b1, b2."""
    if is_neuron(estimator):
        return ["w"], ["b"]
    numbers = range(1, n_layers + 1)
    return [f"W{l}" for l in numbers], [f"b{l}" for l in numbers]


def feature_names(estimator: Any, n_features: int) -> list[Any]:
    """Return the names of the features of the last step if they have names, else their indices."""
    known = getattr(unwrap(estimator), "feature_names_in_", None)
    if known is None and isinstance(estimator, Pipeline):
        known = names_before(estimator)
    return list(range(n_features)) if known is None else list(known)


def names_before(pipeline: Pipeline) -> Sequence[str] | None:
    """Return what the steps before the last one call their features.

    None if the data had no names: columns without names are not called x0, x1, but a text's are
    its words.
    """
    first = pipeline[0]
    has_names = hasattr(first, "feature_names_in_") or not hasattr(first, "n_features_in_")
    if len(pipeline) == 1 or not has_names:
        return None
    try:
        names: Sequence[str] = pipeline[:-1].get_feature_names_out()
    except (AttributeError, NotFittedError):  # not every transformer says
        return None
    return names


def parameter_names(
    estimator: Any, layer_sizes: tuple[int, ...], *, numbered: bool = False
) -> list[str]:
    """Return the name of each component of θ, indexed as in the fitted attributes.

    The weights of a neuron are ``w``, ``w[j]`` or ``w[k, j]``, where output k and feature j (or its
    name) are the indices in ``coef_``; ``W1[i, j]`` of a network, where i may be the name of a
    feature, is ``coefs_[0][i, j]``. If ``numbered``, features are called by their numbers.
    """
    pairs = list(zip(layer_sizes[:-1], layer_sizes[1:], strict=True))
    features = feature_names(estimator, layer_sizes[0])
    features = list(range(layer_sizes[0])) if numbered else features
    if is_neuron(unwrap(estimator)):
        (p, K) = pairs[0]
        if K > 1:
            return [f"w[{k}, {j}]" for j in features for k in range(K)] + [
                f"b[{k}]" for k in range(K)
            ]
        return [*(["w"] if p == 1 else [f"w[{j}]" for j in features]), "b"]
    weights = [
        f"W{l}[{i}, {j}]"
        for l, (n, m) in enumerate(pairs, 1)
        for i in (features if l == 1 else range(n))
        for j in range(m)
    ]
    return weights + [f"b{l}[{j}]" for l, (_, m) in enumerate(pairs, 1) for j in range(m)]


def fitted_layer_sizes(estimator: NetworkEstimator) -> tuple[int, ...]:
    """Return the layer sizes of the fitted network."""
    coefs, _ = layout_of(estimator).fitted_layers(vars(estimator))
    return (coefs[0].shape[0], *(W.shape[1] for W in coefs))


def theta_of(estimator: NetworkEstimator, named: Mapping[str, Any]) -> Array:
    """Return the parameters that users see as one vector θ."""
    coefs, intercepts = layout_of(estimator).layers(named)
    return np.concatenate([np.ravel(dense(part)) for part in (*coefs, *intercepts)])


def has_record(estimator: NetworkEstimator) -> bool:
    """Return whether the last fit recorded parameters."""
    return layout_of(estimator).names[0] in estimator.history_


def check_recorded(estimator: NetworkEstimator) -> None:
    """Raise a ValueError if the last fit recorded no parameters."""
    if not has_record(estimator):
        raise ValueError(
            f"The fit of {type(estimator).__name__} recorded no parameters. Set "
            "record='epoch' or record='step' and fit again."
        )


def recorded_thetas(estimator: NetworkEstimator, *, start: bool = False) -> Array:
    """Return the recorded parameters, one row θ each; optionally the initial ones come first.

    Raises
    ------
    ValueError
        If no parameters were recorded.
    """
    check_is_fitted(estimator)
    check_recorded(estimator)
    history, names = estimator.history_, layout_of(estimator).names
    columns = [history[name] for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if start:
        rows.insert(0, estimator.start_)
    sizes = fitted_layer_sizes(estimator)
    n_parameters = sum((n_in + 1) * n_out for n_in, n_out in zip(sizes, sizes[1:], strict=False))
    thetas = np.empty((len(rows), n_parameters))  # filled row by row: a record may be large
    for theta, row in zip(thetas, rows, strict=True):
        theta[...] = theta_of(estimator, row)
    return thetas


def name_with_sizes(estimator: NetworkEstimator, sizes: Sequence[int]) -> str:
    """Return the name of an estimator and the sizes of its layers, as titles have them."""
    return f"{type(estimator).__name__} {' → '.join(map(str, sizes))}"


def check_image_shape(image_shape: Any, n_features: int) -> tuple[int, int] | None:
    """Return the height and width of rows that are images.

    Raises
    ------
    ValueError
        If it is not two numbers whose product is the number of features.
    """
    if image_shape is None:
        return None
    shape = tuple(np.atleast_1d(image_shape).tolist())
    whole = all(isinstance(n, int) and n > 0 for n in shape)
    if len(shape) != 2 or not whole or shape[0] * shape[1] != n_features:
        raise ValueError(
            f"image_shape must be (height, width) with a product of {n_features}, the number of "
            f"features; got {image_shape!r}."
        )
    return shape[0], shape[1]
