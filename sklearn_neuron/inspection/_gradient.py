r"""The gradient check: backpropagation against finite differences of the objective.

The fourth-order central difference of the objective :math:`J` along one parameter is

.. math::

    \frac{\partial J}{\partial\theta} \approx
    \frac{8\,[J(\theta + h) - J(\theta - h)] - [J(\theta + 2h) - J(\theta - 2h)]}{12\,h}

It is computed in float64 for several h, and the one that agrees best is used. A large h is
inaccurate because of the objective's curvature and a small h because of rounding, but no h agrees
with a wrong derivative.

Near a corner of the objective, such as that of a ReLU at z = 0, a difference across the corner is
not the derivative. There the slopes on the two sides are computed, and backpropagation agrees if it
lies between them.

Layers of more parameters than can be differentiated one by one are checked along random directions
first, each of which moves all of their parameters at once: the derivative along d is
:math:`\nabla J \cdot d`. Only where these disagree, the parameter at fault is looked for, by
halving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklearn_neuron._engine.epochs import evaluate, objective
from sklearn_neuron._estimator.constraints import Number
from sklearn_neuron._typing import Array, RandomState
from sklearn_neuron.initializers import initialize
from sklearn_neuron.inspection._subject import (
    Subject,
    layer_names,
    name_with_sizes,
    parameter_names,
    subject_of,
)
from sklearn_neuron.network import split

#: Directions that have to agree, and that are drawn at most: one may meet a corner.
DIRECTIONS, MOST_DIRECTIONS = 4, 12
#: Components of a large layer that are checked by themselves, too; and where halving ends.
SAMPLED, FEW = 2, 8
STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
ONE_SIDED = 1e-7  # the step to either side near a corner
TOLERANCE = 1e-6  # the check passes below this error
NOISE = 1e-4  # the smallest gradient that errors are relative to
ROUNDING_OF_J = 1e-6  # the same as a fraction of the objective, whose rounding limits precision


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck:
    """Result of ``check_gradient``; printing it shows a table.

    Attributes
    ----------
    relative_error : float
        The maximum of ``layers``.
    layers : dict of float
        For W and b of every layer (``"w"`` and ``"b"`` for a neuron, otherwise ``"W1"``,
        ``"b1"``, …), the largest deviation of backpropagation from the finite difference, relative
        to the largest component of the layer's gradient (or to 1e-4 or 1e-6 times the objective,
        if these are larger); along a direction, relative to the norm of the layer's gradient.
    worst : str
        The parameter with the largest deviation, indexed as in the fitted attributes:
        ``"W1[2, 3]"`` is ``coefs_[0][2, 3]``.
    backprop, difference : float
        Both derivatives with respect to this parameter.
    n_checked, n_parameters : int
        Number of parameters checked, one by one or along directions, and number of parameters in
        total.
    n_samples : int
        Number of samples of the objective.

    See Also
    --------
    check_gradient : Returns it.

    Examples
    --------
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> from sklearn_neuron.inspection import check_gradient
    >>> X, y = [[1.0], [2.0], [-1.0]], [0.5, 0.9, 0.1]
    >>> neuron = SigmoidNeuronRegressor(max_iter=5, tol=None, record="epoch").fit(X, y)
    >>> check = check_gradient(neuron, X, y)
    >>> check.passed, check.n_checked, sorted(check.layers)
    (True, 2, ['b', 'w'])
    """

    relative_error: float
    layers: dict[str, float]
    worst: str
    backprop: float
    difference: float
    n_checked: int
    n_parameters: int
    n_samples: int
    title: str

    @property
    def passed(self) -> bool:
        """Whether ``relative_error`` is below 1e-6."""
        return self.relative_error < TOLERANCE

    def __repr__(self) -> str:
        width = max(len("layer"), *(len(name) for name in self.layers))
        lines = [
            f"{self.title}, {self.n_samples} samples: backpropagation against differences",
            f"  {'layer':<{width}}  relative error",
            *(f"  {name:<{width}}  {error:14.1e}" for name, error in self.layers.items()),
            f"  worst of {self.n_checked} (of {self.n_parameters}) parameters: {self.worst}",
            f"    by backpropagation {self.backprop:.12g}",
            f"    by differences     {self.difference:.12g}",
            "  passed" if self.passed else f"  FAILED: an error above {TOLERANCE:g}",
        ]
        return "\n".join(lines)


def check_gradient(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    max_parameters: int | None = 100,
    max_rows: int | None = 200,
    random_state: RandomState = 0,
) -> GradientCheck:
    """Check the gradient of backpropagation against finite differences of the objective.

    The objective is the one that ``fit`` minimizes on these data, including the L2 penalty, but
    without dropout and without the L1 penalty.

    Parameters
    ----------
    estimator : estimator of this package or Pipeline whose last step is one
        A fitted estimator is checked at its parameters; an unfitted one at random parameters,
        because zero initial weights are a special point. The estimator is not modified.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The input data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The target values.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.
    max_parameters : int or None, default=100
        Maximum number of parameters of a W or b that are checked one by one. Those with more are
        checked along random directions of all their parameters, and one by one only to find the
        one at fault. ``None`` checks all of them one by one.
    max_rows : int or None, default=200
        Maximum number of samples of the objective, drawn at random. ``None`` uses all of them.
    random_state : int, RandomState instance or None, default=0
        Determines random number generation for the random parameters, the samples and the
        directions.

    Returns
    -------
    GradientCheck
        The relative error of each layer, and the name of the worst parameter.

    Raises
    ------
    ValueError
        If ``fit`` would not accept the parameters or the data.

    See Also
    --------
    backprop_trace : The gradient and all that it is made of.

    Notes
    -----
    Near a corner of the objective (a ReLU whose z is 0 or close to it, as always happens with many
    samples), a component passes if backpropagation lies between the slopes on the two sides.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import check_gradient
    >>> X, y = load_iris(return_X_y=True)
    >>> check = check_gradient(ManualMLPClassifier((5,), activation="tanh"), X, y)
    >>> check.passed
    True
    >>> list(check.layers)
    ['W1', 'W2', 'b1', 'b2']
    """
    constraint = Number(1, integer=True, none="all of them")
    constraint.check("check_gradient", "max_parameters", max_parameters)
    constraint.check("check_gradient", "max_rows", max_rows)
    subject = subject_of(estimator, X, y, sample_weight)
    rng = check_random_state(random_state)
    n, network = len(subject.samples.Y), subject.network
    if max_rows is not None and n > max_rows:
        subject = subject.take(np.sort(rng.choice(n, max_rows, replace=False)))
    if not subject.fitted:
        parts = initialize("glorot_uniform", network.layer_sizes, network.activations, rng)
        network.set_parameters(*parts)
        if not network.fit_intercept:
            network.b[-1].fill(0.0)
    with np.errstate(all="ignore"):  # values that are not finite fail the check
        return compare(subject, max_parameters, rng)


class Compared(NamedTuple):
    """The derivative along a direction, compared with that of backpropagation."""

    error: float  # relative
    k: int  # the first of the parameters
    by_differences: float


def compare(
    subject: Subject, max_parameters: int | None, rng: np.random.RandomState
) -> GradientCheck:
    """Compare both derivatives at the network's θ."""
    network = subject.network
    floor = max(NOISE, ROUNDING_OF_J * abs(objective(network, subject.blocks)))
    backprop = network.grad.copy()
    names = parameter_names(subject.given, network.layer_sizes)
    places = split(np.arange(len(backprop)), network.layer_sizes)
    weights, biases = layer_names(subject.estimator, len(network.W))
    trained = list(zip(weights + biases, places[0] + places[1], strict=True))
    layers, n_checked, worst = {}, 0, Compared(-1.0, 0, 0.0)
    for name, place in trained if network.fit_intercept else trained[:-1]:
        indices, n_checked = np.ravel(place), n_checked + place.size
        most = place.size if max_parameters is None else max_parameters
        ways = Ways(subject, backprop, floor, rng)
        error, found = ways.one_by_one(indices) if place.size <= most else ways.large(indices, most)
        layers[name], worst = error, max(worst, found)
    return GradientCheck(
        relative_error=max(layers.values()),
        layers=layers,
        worst=names[worst.k],
        backprop=float(backprop[worst.k]),
        difference=worst.by_differences,
        n_checked=n_checked,
        n_parameters=len(backprop) - (0 if network.fit_intercept else network.layer_sizes[-1]),
        n_samples=len(subject.samples.Y),
        title=name_with_sizes(subject.estimator, network.layer_sizes),
    )


class Ways(NamedTuple):
    """How the parameters of one W or b are compared."""

    subject: Subject
    backprop: Array
    floor: float  # the smallest derivative that errors are relative to
    rng: np.random.RandomState

    def one_by_one(self, indices: NDArray[np.intp]) -> tuple[float, Compared]:
        """Return the largest error of some components, and that component."""
        scale = self._largest(indices)
        found = [self._along(np.array([k]), np.ones(1), scale) for k in indices.tolist()]
        worst = max(found)
        return worst.error, worst

    def large(self, indices: NDArray[np.intp], most: int) -> tuple[float, Compared]:
        """Return the error of many components: along directions, or of the worst one by one."""
        errors: list[float] = []
        for _ in range(MOST_DIRECTIONS):
            if len(errors) < DIRECTIONS:
                error = self._direction(indices)
                errors += [error] if error < TOLERANCE else []
        if len(errors) == DIRECTIONS:
            sampled = self.rng.choice(indices, min(SAMPLED, most), replace=False)
            error, worst = self.one_by_one(sampled)
            return max(error, *errors), worst
        while len(indices) > FEW:
            halves = np.array_split(indices, 2)
            indices = max(halves, key=self._direction)
        return self.one_by_one(indices)

    def _largest(self, indices: NDArray[np.intp]) -> float:
        """Return what the error of a component is relative to."""
        return max(float(np.abs(self.backprop[indices]).max()), self.floor)

    def _direction(self, indices: NDArray[np.intp]) -> float:
        """Return the error along a random direction."""
        signs = self.rng.choice([-1.0, 1.0], len(indices))
        scale = max(float(np.linalg.norm(self.backprop[indices])), self.floor)
        return self._along(indices, signs, scale).error

    def _along(self, indices: NDArray[np.intp], signs: Array, scale: float) -> Compared:
        backprop = float(self.backprop[indices] @ signs)
        slope = difference(self.subject, indices, signs, backprop, scale)
        error = abs(slope - backprop) / max(scale, abs(slope))
        return Compared(error if np.isfinite(error) else np.inf, int(indices[0]), slope)


def difference(
    subject: Subject, indices: NDArray[np.intp], signs: Array, backprop: float, scale: float
) -> float:
    """Return the derivative along a direction by differences: the one that agrees best.

    The direction has the components ±1; the steps along it are so much the shorter as it is longer.
    """
    theta, best = subject.network.theta, np.inf
    value = theta[indices]
    size = max(1.0, float(np.abs(value).max())) / np.sqrt(len(indices))

    def objective_at(shift: float) -> float:
        theta[indices] = value + shift * signs
        total = evaluate(subject.network, subject.blocks)
        theta[indices] = value
        return total

    for step in STEPS:
        h = step * size
        near, far = objective_at(h) - objective_at(-h), objective_at(2 * h) - objective_at(-2 * h)
        slope = (8.0 * near - far) / (12.0 * h)
        if not abs(best - backprop) < abs(slope - backprop):
            best = slope
        if abs(best - backprop) < 0.01 * TOLERANCE * scale:
            return float(best)
    h = ONE_SIDED * size
    here = objective_at(0.0)
    sides = (here - objective_at(-h)) / h, (objective_at(h) - here) / h
    between = float(np.clip(backprop, min(sides), max(sides)))
    return between if abs(between - backprop) < abs(best - backprop) else float(best)
