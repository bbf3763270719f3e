"""The objective over samples on a cluster, as solvers without updates see it.

Workers return sums over their samples, to which the penalty is added here. Without a hidden layer z
is linear in θ, so here θ itself stands for the outputs z of a point: what is done to z on one
machine is done to θ, and each worker makes its z of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_neuron._engine.hessian import Grams, Hessian, closed
from sklearn_neuron._engine.objective import (
    Centered,
    Derivative,
    Floats,
    Point,
    close_gradient,
    diagonal_inverse,
    sizes_from,
    squared_norm,
    without_null_space,
)
from sklearn_neuron.activations import Softmax
from sklearn_neuron.dask import _part
from sklearn_neuron.dask._cluster import Blocks
from sklearn_neuron.network import Network

#: Numbers of points, which workers know what they have made for them by.
POINTS = itertools.count()


class SummedObjective:
    """The objective of any network.

    Parameters
    ----------
    network : Network
        Its θ and ∇θ are overwritten.
    blocks : Blocks
        The parts, bound to the network.
    """

    def __init__(self, network: Network, blocks: Blocks) -> None:
        self.network, self.blocks = network, blocks

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        network = self.network
        np.copyto(network.theta, theta, casting="same_kind")
        value, grad = self.blocks.sum(_part.value_and_gradient, theta=theta.astype(np.float64))
        np.copyto(network.grad, grad, casting="same_kind")
        network.add_weights(network.alpha)
        return value + network.penalty(), network.grad.astype(np.float64)


class SummedLinearObjective:
    """The objective of a network without hidden layers.

    Parameters
    ----------
    network : Network
        Its loss and penalty.
    blocks : Blocks
        The parts, bound to the network.
    n : int
        Number of samples.
    sparse : bool
        Whether X is sparse.
    center : ndarray of shape (n_features,) or None
        What columns are centered by.
    """

    def __init__(
        self, network: Network, blocks: Blocks, n: int, sparse: bool, center: Floats | None
    ) -> None:
        self.blocks, self.n, self.sparse = blocks, n, sparse
        self.p, self.K = network.layer_sizes
        self.loss, self.alpha, self.fit_intercept = (
            network.loss,
            network.alpha,
            network.fit_intercept,
        )
        self.softmax = isinstance(network.loss.link, Softmax)
        self.frame = Centered(center)

    def value(self, theta: Floats, z: Floats) -> float:
        value: float = self.blocks.sum(_part.linear_value, theta=z)
        return value + 0.5 * self.alpha * squared_norm(theta)

    def at(self, theta: Floats, z: Floats, along: tuple[Floats, Floats] | None = None) -> Point:
        if along is not None:
            D, u = along
            u[...] = D
            z += u
        value, grad = self.blocks.sum(_part.linear_gradient, theta=z)
        close_gradient(grad, theta, self.alpha, fit_intercept=self.fit_intercept)
        return Point(theta, z, value + 0.5 * self.alpha * squared_norm(theta), grad)

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        theta = theta.reshape(-1, self.K)
        point = self.at(theta, theta)
        return point.value, point.grad.ravel()

    def start(self, theta: Floats) -> Point:
        theta = self.frame.inner(theta.astype(np.float64).reshape(-1, self.K))
        return self.at(theta, theta.copy())

    def step(self, point: Point, D: Floats) -> Point:
        return self.at(point.theta + D, point.z + D)

    def curvature(self, point: Point, *, convex: bool = False) -> SummedHessian:
        return SummedHessian(self, point, convex=convex)

    def sizes(self) -> Floats:
        return sizes_from(self.blocks.sum(_part.column_squares), self.alpha)


def summed_hessian(
    objective: SummedLinearObjective, z: Floats, derivative: Derivative, stride: int
) -> Hessian:
    """Return H, over every ``stride``-th sample."""
    upper, share, bent = objective.blocks.sum(
        _part.grams, theta=z, derivative=derivative, stride=stride
    )
    return closed(objective, Grams(upper, share, not bent), share if stride == 1 else 1.0)


class SummedHessian:
    """The Hessian at a point, as products with vectors.

    Workers make what they need of it once, and know it by a number.
    """

    def __init__(self, objective: SummedLinearObjective, point: Point, *, convex: bool) -> None:
        self.objective = objective
        self._of: dict[str, Any] = {"theta": point.z, "convex": convex, "number": next(POINTS)}

    def product(self, V: Floats) -> Floats:
        objective = self.objective
        product: Floats = objective.blocks.sum(_part.hessian_product, V=V, **self._of)
        close_gradient(product, V, objective.alpha, fit_intercept=objective.fit_intercept)
        return product

    def preconditioner(self) -> Callable[[Floats], Floats]:
        objective = self.objective
        sums, squares = objective.blocks.sum(_part.hessian_moments, **self._of)
        alpha, fit_intercept = objective.alpha, objective.fit_intercept
        return diagonal_inverse(sums, squares, alpha, fit_intercept=fit_intercept)

    def project_out_null_space(self, D: Floats) -> Floats:
        return without_null_space(D, self.objective.alpha) if self.objective.softmax else D
