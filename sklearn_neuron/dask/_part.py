"""OwnParts: what a worker does with its samples.

A part's share in a sum over all samples is that of its samples in all: losses and gradients are
divided by the number of all. The penalty is nobody's share; it is added where sums arrive.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.batches import (
    Samples,
    batch_of,
    bytes_of,
    outputs_are_finite,
    raw_outputs,
)
from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron._engine.epochs import Updater, block_loss, gradient, weighted_sum
from sklearn_neuron._engine.fit import choose_epochs, choose_objective
from sklearn_neuron._engine.hessian import grams_of
from sklearn_neuron._engine.objective import (
    Derivative,
    Floats,
    LinearObjective,
    LinearObjectiveHessian,
    Objective,
    Point,
    Whole,
    center_rows,
)
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Network, raw_output, split
from sklearn_neuron.optimizers import Optimizer, State

#: Numbers of recipes.
NUMBERS = itertools.count()


class Recipe(NamedTuple):
    """What a worker makes its network of, and how it computes."""

    layer_sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss
    alpha: float
    dtype: Any
    beta: float
    fit_intercept: bool
    engine: str
    number: int  # what is made of it is known by
    center: Floats | None = None  # of the columns, for Newton's method

    @classmethod
    def of(cls, network: Network, engine: str) -> Recipe:
        """Return the recipe of a network."""
        return cls(
            network.layer_sizes,
            network.activations,
            network.loss,
            network.alpha,
            network.dtype,
            network.beta,
            network.fit_intercept,
            engine,
            next(NUMBERS),
        )

    def without_penalty(self) -> Recipe:
        """Return the recipe of sums over samples alone."""
        return self._replace(alpha=0.0, beta=0.0)


class Part:
    """Some samples, and what is made of them once and used again.

    Parameters
    ----------
    samples : Samples
        The samples, with weights of mean 1 over all.
    first, n : int
        The number of the first one among all, and the number of all.
    """

    def __init__(self, samples: Samples, first: int, n: int) -> None:
        self.samples, self.first, self.n = samples, first, n
        self._made: dict[str, tuple[Any, Any]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_made"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _made={})

    def __sizeof__(self) -> int:
        """Return the number of bytes, by which a worker decides what it has memory for."""
        X, Y, weight = self.samples
        return 1000 + bytes_of(X) + Y.nbytes + (0 if weight is None else weight.nbytes)

    def __len__(self) -> int:
        return len(self.samples.Y)

    def made(self, name: str, make: Callable[[], Made], key: Any) -> Made:
        """Return what ``make`` returns, or what it has returned before for the same key."""
        if name not in self._made or self._made[name][0] != key:
            self._made[name] = key, make()
        made: Made = self._made[name][1]
        return made

    def network(self, recipe: Recipe) -> Network:
        """Return the network, with activations of its own: threads share the recipe's."""

        def make() -> Network:
            sizes, activations, *rest = recipe[:7]
            return Network(sizes, list(map(copy.copy, activations)), *rest)

        return self.made("network", make, recipe.number)

    def objective(self, recipe: Recipe) -> Objective:
        """Return the objective, divided by the number of samples here."""

        def make() -> Objective:
            return choose_objective(self.network(recipe), self.samples, recipe.engine)[0]

        return self.made("objective", make, recipe.number)

    def linear(self, recipe: Recipe) -> LinearObjective:
        """Return the objective of a network without hidden layers, as a part of that of all."""

        def make() -> LinearObjective:
            whole = Whole(self.n, self.first, recipe.center)
            return LinearObjective(self.network(recipe), self.samples, whole=whole)

        return self.made("linear", make, recipe.number)


Made = TypeVar("Made")
OwnParts = Sequence[Part]


def in_units(part: Part, scale: float) -> Part:
    """Return the part with y / scale."""
    return Part(part.samples.in_units(scale), part.first, part.n)


# ---- questions about samples --------------------------------------------------------------------


def few(parts: OwnParts, stride: int) -> list[Samples]:
    """Return every ``stride``-th of all samples."""
    found = []
    for part in parts:
        (X, Y, weight), rows = part.samples, slice(-part.first % stride, None, stride)
        found.append(Samples(X[rows], Y[rows], None if weight is None else weight[rows]))
    return found


def few_targets(parts: OwnParts, stride: int) -> list[NDArray[Any]]:
    """Return Y of every ``stride``-th of all samples."""
    return [part.samples.Y[-part.first % stride :: stride] for part in parts]


def sum_of(parts: OwnParts, value: Callable[[Array], Array]) -> tuple[Any, float]:
    """Return the weighted sum of a function of Y, and the sum of the weights."""
    total, mass = 0.0, 0.0
    for part in parts:
        weight = part.samples.weight
        own = float(len(part)) if weight is None else float(weight.sum(dtype=np.float64))
        if own:
            total, mass = total + own * part.samples.mean_of(value), mass + own
    return total, mass


def mean_square(parts: OwnParts) -> float:
    """Return the part of the mean of ‖x‖² over all samples."""
    return sum(part.samples.mean_square() * len(part) / part.n for part in parts)


def middle_rows(parts: OwnParts) -> list[Floats]:
    """Return the rows that tell where columns are."""
    return [center_rows(part.samples.X, part.n, part.first) for part in parts]


# ---- the objective ------------------------------------------------------------------------------
# What overflows is found in what is returned: without warnings, as where training runs.


@np.errstate(all="ignore")
def value_and_gradient(parts: OwnParts, recipe: Recipe, theta: Floats) -> tuple[float, Floats]:
    """Return the parts of the objective and of its gradient."""
    total, grad = 0.0, np.zeros(theta.size)
    for part in parts:
        value, slope = part.objective(recipe).value_and_gradient(theta)
        share = len(part) / part.n
        total, grad = total + share * value, grad + share * slope
    return float(total), grad  # a NumPy number takes 100 bytes more


@np.errstate(all="ignore")
def mistakes(parts: OwnParts, recipe: Recipe, theta: Array) -> int:
    """Return in how many parts there is something left to learn."""
    return sum(not solved(part, recipe, theta) for part in parts)


def solved(part: Part, recipe: Recipe, theta: Array) -> bool:
    network, (X, Y, _) = part.network(recipe), part.samples
    W, b = split(theta, network.layer_sizes)
    return network.loss.solved(Y, raw_output(X, W, b, network.activations))


def overflows(parts: OwnParts, recipe: Recipe, theta: Array) -> int:
    """Return in how many parts there is an output that is not finite."""
    return sum(
        not outputs_are_finite(part.network(recipe), part.samples.X, theta) for part in parts
    )


@np.errstate(all="ignore")
def value_of(parts: OwnParts, recipe: Recipe, theta: Array) -> float:
    """Return the part of the objective, as predictions have it."""
    total = 0.0
    for part in parts:
        network, (X, Y, weight) = part.network(recipe), part.samples
        W, b = split(theta.astype(network.dtype), network.layer_sizes)
        for rows, z in raw_outputs(X, W, b, network.activations):
            loss = network.loss.value(Y[rows].astype(network.dtype, copy=False), z)
            total += weighted_sum(loss, 1.0 if weight is None else weight[rows])
    return total / parts[0].n


# ---- without hidden layers: θ itself stands for z, which is linear in it ------------------------


@np.errstate(all="ignore")
def linear_value(parts: OwnParts, recipe: Recipe, theta: Floats) -> float:
    """Return the part of the objective at θ (p + 1, K)."""
    return sum(_linear_value(part.linear(recipe), theta) for part in parts)


def _linear_value(linear: LinearObjective, theta: Floats) -> float:
    return linear.value(theta, linear.outputs(theta))


@np.errstate(all="ignore")
def linear_gradient(parts: OwnParts, recipe: Recipe, theta: Floats) -> tuple[float, Floats]:
    """Return the parts of the objective and of its gradient at θ (p + 1, K)."""
    total, grad = 0.0, np.zeros_like(theta)
    for part in parts:
        value, slope = part.linear(recipe).value_and_gradient(theta.ravel())
        total, grad = total + value, grad + slope.reshape(theta.shape)
    return total, grad


@np.errstate(all="ignore")
def grams(
    parts: OwnParts, recipe: Recipe, theta: Floats, derivative: Derivative, stride: int
) -> tuple[Floats, float, int]:
    """Return what H is made of: sums, shares, and in how many parts it is not convex."""
    total: Any = None
    for part in parts:
        linear = part.linear(recipe)
        upper, share, convex = grams_of(linear, linear.outputs(theta), derivative, stride)
        if total is None:
            total = [upper, share, int(not convex)]
        else:
            total[0] += upper
            total[1:] = total[1] + share, total[2] + (not convex)
    return tuple(total)


def column_squares(parts: OwnParts, recipe: Recipe) -> Floats:
    """Return the sums of squares of the columns."""
    sums = [part.linear(recipe).squares() for part in parts]
    return sum(sums[1:], sums[0])


def _hessian(
    part: Part, recipe: Recipe, theta: Floats, convex: bool, number: int
) -> LinearObjectiveHessian:
    """Return the Hessian at a point, which is made once for each number."""

    def make() -> LinearObjectiveHessian:
        linear = part.linear(recipe)
        point = Point(theta, linear.outputs(theta), 0.0, theta)
        return LinearObjectiveHessian(linear, point, convex=convex)

    return part.made("hessian", make, number)


@np.errstate(all="ignore")
def hessian_product(
    parts: OwnParts, recipe: Recipe, theta: Floats, V: Floats, convex: bool, number: int
) -> Floats:
    """Return the part of H V."""
    products = [_hessian(part, recipe, theta, convex, number).product(V) for part in parts]
    return sum(products[1:], products[0])


@np.errstate(all="ignore")
def hessian_moments(
    parts: OwnParts, recipe: Recipe, theta: Floats, convex: bool, number: int
) -> tuple[Floats, Floats]:
    """Return what the preconditioner is made of."""
    moments = [_hessian(part, recipe, theta, convex, number).moments() for part in parts]
    sums, squares = (np.sum(each, axis=0) for each in zip(*moments, strict=True))
    return sums, squares


# ---- mini-batches -------------------------------------------------------------------------------


@np.errstate(all="ignore")
def local_epoch(
    parts: OwnParts,
    seed: int,
    recipe: Recipe,
    theta: Array,
    state: State,
    optimizer: Optimizer,
    size: int,
    eta: float,
    shuffle: bool,
) -> tuple[Any, ...]:
    """Make an epoch over the samples of a group.

    Returns θ and the arrays of the state times the group's weight, the numbers of the state times
    it, the loss times the group's part of the samples, which is not finite if training has
    diverged, the weight, and in how many parts there is something left to learn.
    """
    rng = np.random.RandomState(seed)
    loss, weight, n_open = 0.0, 0.0, 0
    order = rng.permutation(len(parts)) if shuffle else range(len(parts))
    state = {name: np.array(v) if isinstance(v, np.ndarray) else v for name, v in state.items()}
    for part in (parts[i] for i in order):
        network = part.network(recipe)
        np.copyto(network.theta, theta)
        for sigma in network.activations:
            if isinstance(sigma, Dropout):
                sigma.rng = rng
        updater = Updater(network, optimizer, state)
        epochs, _ = choose_epochs(
            updater, part.samples, size, recipe.engine, rng if shuffle else None
        )
        passed = epochs(np.array([eta]), None)
        if passed.interrupt is not None:
            raise passed.interrupt
        theta, state = network.theta.copy(), epochs.state
        mass = part.samples.weight
        weight += float(len(part)) if mass is None else float(mass.sum(dtype=np.float64))
        loss += (passed.losses[0] if passed.losses else np.nan) * len(part) / part.n
        n_open += passed.status != "solved"
    arrays = {name: v for name, v in state.items() if isinstance(v, np.ndarray)}
    numbers = {name: weight * v for name, v in state.items() if name not in arrays}
    arrays = {name: weight * v.astype(np.float64) for name, v in {"θ": theta, **arrays}.items()}
    return arrays, numbers, loss, weight, n_open


@np.errstate(all="ignore")
def batch_gradient(
    parts: OwnParts,
    seed: int,
    recipe: Recipe,
    theta: Array,
    number: int,
    size: int,
    shuffle: bool,
) -> tuple[Floats, float, int, int]:
    """Return what a group's rows of a batch add to it.

    The sums of gradients and losses, the number of rows, and in how many parts there is something
    left to learn. The order of the rows is drawn once for each seed.
    """
    key = seed, size
    rows = parts[0].made("batches", lambda: batches_of(parts, *key, shuffle), key)[number]
    grad, loss, n_open = np.zeros(theta.size), 0.0, 0
    for part, start in zip(parts, starts_of(parts), strict=True):
        own = np.sort(rows[(rows >= start) & (rows < start + len(part))]) - start
        if len(own):
            network = part.network(recipe)
            np.copyto(network.theta, theta)
            block = batch_of(network, part.samples, own)
            gradient(network, [block])
            grad += len(own) * network.grad.astype(np.float64)
            loss += len(own) * block_loss(network, block)
            n_open += not network.loss.solved(block.Y, block.z)
    return grad, loss, len(rows), n_open


def starts_of(parts: OwnParts) -> NDArray[np.intp]:
    """Return the number of the first row of each part in its group."""
    return np.cumsum([0, *map(len, parts[:-1])])


def batches_of(parts: OwnParts, seed: int, size: int, shuffle: bool) -> list[NDArray[np.intp]]:
    """Return a group's rows of each batch of so many samples, of which the last may have fewer.

    The rows of each group are spread evenly over the epoch, and groups take turns. So batches of
    groups of equal size have just the size that is asked for, and those of one group are runs of
    its rows; of groups that differ, some batches have a few samples more, and others less.
    """
    n, n_own = parts[0].n, sum(map(len, parts))
    order = np.random.RandomState(seed).permutation(n_own) if shuffle else np.arange(n_own)
    turn = (parts[0].first + 0.5 * n_own) / n
    number = ((np.arange(n_own) + turn) * (n / (n_own * size))).astype(np.intp)
    return np.split(order, np.searchsorted(number, np.arange(1, -(-n // size))))
