r"""The plane: two directions in the space of parameters, on which a loss surface is drawn.

For two parameters by name these are their axes. The path of a network's training is drawn on its
two principal directions: with the rows :math:`\theta_t - \theta_T` of the path, the first two right
singular vectors. Without a path the directions are random, with the weights of each unit scaled to
the norm of its own weights, and zero for biases. Both are from [1]_.

.. [1] H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein (2018). Visualizing the loss landscape of
   neural nets. NeurIPS 31. https://doi.org/10.48550/arXiv.1712.09913
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sklearn_neuron._engine.epochs import evaluate
from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._subject import (
    Subject,
    has_record,
    is_neuron,
    parameter_names,
    recorded_thetas,
)
from sklearn_neuron.network import Network, split

#: Numbers of a path that its principal directions are made of, and points at which its distance
#: from their plane is taken.
PATH_NUMBERS, DISTANCE_POINTS = 20_000_000, 100


class Plane(NamedTuple):
    """The points origin + x₀ first + x₁ second."""

    origin: Array  # (n_parameters,)
    first: Array
    second: Array
    labels: tuple[str, str]
    path: Array  # (n_points, 2), or only its end
    title: str  # empty where the plane holds all parameters
    margin: float  # the least space around the path

    def point(self, x0: float, x1: float) -> Array:
        """Return θ of a point."""
        theta: Array = self.origin + x0 * self.first + x1 * self.second
        return theta


def plane_of(subject: Subject, directions: Any, random_state: Any) -> Plane:
    """Return the plane that is asked for, or the one that suits the estimator."""
    if directions is None:
        directions = default_directions(subject)
    if isinstance(directions, str) and directions == "pca":
        return principal_plane(subject)
    if isinstance(directions, str) and directions == "random":
        return random_plane(subject, random_state)
    return plane_of_parameters(subject, directions)


def default_directions(subject: Subject) -> Any:
    """Return the first weight and bias of a neuron; of a network its path, if it was recorded."""
    if not is_neuron(subject.estimator):
        return "pca" if has_record(subject.estimator) else "random"
    names = parameter_names(subject.given, subject.network.layer_sizes)
    n_weights = subject.network.n_weights
    others = names[n_weights:] if subject.network.fit_intercept else names[1:n_weights]
    if not others:
        raise ValueError("A surface needs two parameters, but the neuron has one weight.")
    return names[0], others[0]


def plane_of_parameters(subject: Subject, names: Any) -> Plane:
    """Return the plane of two parameters, all others being at their fitted values."""
    several = isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)
    if not several or len(names) != 2 or len(set(names)) != 2:
        raise ValueError(
            "directions must be 'pca', 'random' or two different names of parameters; "
            f"got {names!r}."
        )
    estimator, network = subject.estimator, subject.network
    known = parameter_names(subject.given, network.layer_sizes)
    numbered = parameter_names(subject.given, network.layer_sizes, numbered=True)
    axes = np.zeros((2, len(known)))
    chosen = [place_of(known, numbered, name) for name in names]
    axes[0, chosen[0]] = axes[1, chosen[1]] = 1.0
    origin = network.theta.copy()
    end, origin[chosen] = origin[chosen], 0.0
    n_trained = len(known) - (0 if network.fit_intercept else network.layer_sizes[-1])
    alone = n_trained == 2
    path, title = end[None], "" if alone else "all other parameters at their fitted values"
    if alone and has_record(estimator):
        path = recorded_thetas(estimator, start=True)[:, chosen]
    return Plane(origin, axes[0], axes[1], tuple(names), path, title, margin=0.5)


def principal_plane(subject: Subject) -> Plane:
    """Return the plane of the path's principal directions, through its end."""
    moves, end = recorded_thetas(subject.estimator, start=True), subject.network.theta.copy()
    moves -= end  # in place: the path may be large
    most = min(len(moves), max(PATH_NUMBERS // moves.shape[1], 50))
    some = moves[np.unique(np.linspace(0, len(moves) - 1, most).astype(int))]
    _, sizes, axes = np.linalg.svd(some, full_matrices=False)
    if len(axes) < 2 or not sizes[0] > 0.0:
        raise ValueError(
            "directions='pca' needs a path, but the recorded parameters do not move. Set "
            "directions='random' or two parameters."
        )
    axes = axes[:2] * np.sign(axes[:2].sum(axis=1, keepdims=True) + 1e-300)
    share = float((sizes[:2] ** 2).sum() / (sizes**2).sum())
    labels = tuple(
        f"principal direction {k + 1} ({size**2 / (sizes**2).sum():.1%} of the path's variance)"
        for k, size in enumerate(sizes[:2])
    )
    path = moves @ axes.T
    margin = 0.05 * float(np.ptp(path, axis=0).max())
    plane = Plane(end, axes[0], axes[1], (labels[0], labels[1]), path, "", margin)
    far = largest_distance(subject, plane, moves)
    return plane._replace(
        title=f"{share:.1%} of the path's variance; loss of the path within {far:.2g} of the plane"
    )


def largest_distance(subject: Subject, plane: Plane, moves: Array) -> float:
    """Return the largest difference between the loss of the path and that of its projection."""
    some = np.unique(np.linspace(0, len(moves) - 1, DISTANCE_POINTS).astype(int))
    gaps = [
        abs(
            loss_at(subject, plane.origin + moves[k])
            - loss_at(subject, plane.point(*plane.path[k]))
        )
        for k in some
    ]
    return float(np.max(gaps))


def random_plane(subject: Subject, random_state: Any) -> Plane:
    """Return a plane through the fitted parameters, with filter-normalized random directions."""
    rng, end = check_random_state(random_state), subject.network.theta.copy()
    axes = [filter_normalized(rng.normal(size=len(end)), subject.network) for _ in range(2)]
    labels = ("random direction 1", "random direction 2")
    title = "random directions through the fitted parameters"
    return Plane(end, axes[0], axes[1], labels, np.zeros((1, 2)), title, margin=1.0)


def filter_normalized(direction: Array, network: Network) -> Array:
    """Return a direction with the weights of each unit scaled to the norm of its own weights."""
    W, b = split(direction, network.layer_sizes)
    for l, own in enumerate(network.W):
        W[l] *= np.linalg.norm(own, axis=0) / np.linalg.norm(W[l], axis=0)
        b[l].fill(0.0)
    return direction


def loss_at(subject: Subject, theta: Array) -> float:
    """Return the objective at other parameters; the network is left there."""
    subject.network.theta[...] = theta
    return evaluate(subject.network, subject.blocks)


def place_of(names: list[str], numbered: list[str], name: str) -> int:
    """Return the index of a parameter, called by the name of its feature or by its number."""
    asked = re.sub(r",\s*", ", ", str(name))
    for known in (names, numbered):
        if asked in known:
            return known.index(asked)
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    raise ValueError(f"There is no parameter {name!r}; there are {shown}.")
