r"""The objective over all samples, as solvers without updates see it: a function of θ.

Such solvers need ``value_and_gradient``; newton-cg also ``curvature``, a product with the Hessian
at a point. What holds the samples is the objective's affair: a sum over blocks in memory here.
``Batch`` is the objective of any network, ``LinearObjective`` that of one without a hidden layer,
where z is linear in θ.
With :math:`\tilde X = (X, 1)`, :math:`\theta = (W; b)`, the share :math:`s_i` of a sample and the
loss's :math:`h^{kl}_i = \partial^2 \ell_i / \partial z_{ik} \partial z_{il}`

.. math::

    \nabla_k &= \tilde X^\top (s \odot \delta_k) + \alpha (w_k; 0) \\
    (H V)_k &= \tilde X^\top \Big(s \odot \sum_l h^{kl} \odot \tilde X v_l\Big) + \alpha (v_k; 0)

θ and ∇ are ``(p + 1, K)``, the biases last: raveled, it is the order of a network's θ. z is
``(n, K)``, and column by column in memory: whatever is computed over a few outputs of many samples
then is a vector operation over the samples (a loss of 20,000 × 10 takes 0.4 instead of 1.8 ms).
Samples are processed in blocks, so X is never copied as a whole. Without an intercept, ∇ and HV are
zero in the biases, which so stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from sklearn_neuron._engine.batches import Samples, full_batch, row_view
from sklearn_neuron._engine.epochs import objective
from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.activations import Softmax
from sklearn_neuron.losses import Curvature, Loss, curvature_of
from sklearn_neuron.network import Network

Floats = NDArray[np.float64]
Derivative = Callable[[Array, Array], Array | None]

#: Numbers in a block of X. With 2¹⁶ / 2¹⁷ / 2¹⁸ / 2¹⁹ / 2²⁰ a gradient takes 0.88 / 0.59 / 0.57 /
#: 0.58 / 0.49 ms on 5,000 × 200, 6.0 / 5.3 / 4.7 / 5.0 / 4.9 ms on 100,000 × 50, 10.1 / 11.7 /
#: 11.3 / 11.9 / 12.4 ms on 20,000 × 200 with ten outputs, 5.1 / 4.4 / 3.5 / 3.4 / 3.5 ms on
#: 500 × 10,000.
BLOCK_SIZE = 1 << 19
#: Limits of its rows. With at least 32 / 256 / 1,024: 563 / 525 / 527 ms for H on 2,048 × 3,000.
#: With at most 2,048 / 8,192 / 32,768, a gradient takes 0.63 / 0.45 / 0.41 ms on 20,000 × 20; with
#: K outputs it is a K-th.
BLOCK_ROWS = 256, 32768
#: A column is centered if its mean is over 100 standard deviations from zero: then four of the
#: sixteen digits of its squares are lost. Never centered, the weights are 1e-12 off at 30,000 and
#: wrong at 3e6; centered at 50 already, a fit takes 32 instead of 19 ms (5,000 × 200).
FAR = 100.0
#: Samples for the means: 200 / 1,000 / all take 0.08 / 0.64 / 2.2 ms on 5,000 × 200, and 200 never
#: took a mean of 70 deviations for more than 100, nor one of 140 for less.
CENTER_SAMPLES = 200
#: Samples for the preconditioner of newton-cg. With 100 / 300 / 1,000, 14 / 13 / 9 products and 208
#: / 197 / 150 ms on 20,000 × 200 with ten outputs.
PRECONDITIONER_SAMPLES = 1000


class Objective(Protocol):
    """The objective over all samples, whatever holds them."""

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """Return the objective at θ, a vector, and its gradient, which is the caller's to keep."""


class Point(NamedTuple):
    """θ, with what has been computed there."""

    theta: Floats
    z: Floats
    value: float
    grad: Floats


class Frame(Protocol):
    """How θ of an objective differs from that of the network."""

    def inner(self, theta: Floats) -> Floats:
        """Return θ of the objective."""

    def outer(self, theta: Floats) -> Floats:
        """Return θ of the network."""

    def largest(self, grad: Floats) -> float:
        """Return a bound of the network's gradient, by component, given the objective's."""


class HessianOperator(Protocol):
    """The Hessian at a point: its product with vectors, and what preconditions it."""

    def product(self, V: Floats) -> Floats:
        """Return H V."""

    def preconditioner(self) -> Callable[[Floats], Floats]:
        """Return an approximation of g ↦ H⁻¹ g, positive definite."""

    def project_out_null_space(self, D: Floats) -> Floats:
        """Return a step without its part in the null space: what changes no output."""


class CurvedObjective(Objective, Protocol):
    """An objective that newton-cg can minimize. What z of a point holds is its own affair."""

    @property
    def frame(self) -> Frame:
        """How its θ differs from that of the network."""

    def start(self, theta: Floats) -> Point:
        """Return the point of a network's θ."""

    def step(self, point: Point, D: Floats) -> Point:
        """Return the point θ + D."""

    def curvature(self, point: Point, *, convex: bool = False) -> HessianOperator:
        """Return the Hessian at a point, or its positive semidefinite Gauss-Newton part."""

    def sizes(self) -> Floats:
        """Return the sums of squares of the features; not finite where they overflow."""


class Steps(Protocol):
    """What leads from one point to the next."""

    @property
    def objective(self) -> CurvedObjective:
        """What is minimized."""

    def step(self, point: Point) -> Point | None:
        """Return a lower point, or None if there is none except for rounding."""


class Batch:
    """The objective of any network, by the two passes, in the network's dtype.

    Parameters
    ----------
    network : Network
        Its θ and ∇θ are overwritten.
    evaluate : callable
        Returns the objective at the network's θ, and leaves its gradient in ∇θ.
    """

    def __init__(self, network: Network, evaluate: Callable[[], float]) -> None:
        self.network, self.evaluate = network, evaluate

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        np.copyto(self.network.theta, theta, casting="same_kind")
        value = self.evaluate()
        return value, self.network.grad.astype(np.float64)


class Centered:
    """Centered columns: only the bias differs.

    Parameters
    ----------
    center : ndarray of shape (n_features,) or None
        What is subtracted from the columns; None where they stay as they are.
    """

    def __init__(self, center: Floats | None) -> None:
        self.center = center

    def inner(self, theta: Floats) -> Floats:
        return self._shifted(theta, 1.0)

    def outer(self, theta: Floats) -> Floats:
        return self._shifted(theta, -1.0)

    def _shifted(self, theta: Floats, sign: float) -> Floats:
        if self.center is None:
            return theta
        shifted = theta.copy()
        shifted[-1] += sign * (self.center @ theta[:-1])
        return shifted

    def largest(self, grad: Floats) -> float:
        return float(np.abs(grad).max())


class Whole(NamedTuple):
    """All samples of an objective, of which only some are here."""

    n: int
    first: int  # the number of the first one here
    center: Floats | None  # of the columns of all


class LinearObjective:
    """The objective of a network without hidden layers.

    Parameters
    ----------
    network : Network
        Its loss and penalty.
    samples : Samples
        The training data.
    dtype : dtype, default=float64
        What it is computed in.
    center : bool, default=True
        Whether columns far from zero are centered; θ is then that of the centered columns.
    frame : Frame or None, default=None
        Where θ is not the network's; None: columns that are centered, or θ as it is.
    whole : Whole or None, default=None
        Where the samples are a part of all: the objective then is their part of the sum.
    """

    def __init__(
        self,
        network: Network,
        samples: Samples,
        dtype: DTypeLike = np.float64,
        *,
        center: bool = True,
        frame: Frame | None = None,
        whole: Whole | None = None,
    ) -> None:
        X, self.Y, weight = self._samples = samples
        self._network, self.fit_intercept = network, network.fit_intercept
        self.loss, self.alpha = network.loss, network.alpha
        self.X, self.dtype = X, np.dtype(dtype)
        (self.n, self.p), self.K = X.shape, network.layer_sizes[-1]
        self.total: int = self.n if whole is None else whole.n
        self.first = 0 if whole is None else whole.first
        self.share: Floats = np.array(1.0 / self.total, self.dtype)
        if weight is not None:
            self.share = weight.astype(self.dtype) / self.total
        self.softmax = isinstance(network.loss.link, Softmax)
        self.sparse = not isinstance(X, np.ndarray)
        self.center: Floats | None = None
        low, high = BLOCK_ROWS
        numbers = self.p if isinstance(X, np.ndarray) else X.nnz // self.n
        size = max(low, min(high // self.K, BLOCK_SIZE // max(1, numbers)))
        if isinstance(X, np.ndarray):
            self.center = far_center(center_rows(X)) if self.fit_intercept and center else None
        else:  # a block adds a dense p × p matrix, which should not be more work than its rows
            size = max(8 * self.p, size)
        if whole is not None:
            self.center = whole.center
        self._size = min(size, self.n)
        self.blocks = self.parts(1)
        one = len(self.blocks) == 1
        self._views = [X] if one else [row_view(X, part) for part in self.blocks]
        self.frame: Frame = Centered(self.center) if frame is None else frame

    def parts(self, stride: int) -> list[slice]:
        """Cut every ``stride``-th sample into blocks."""
        span, first = self._size * stride, -self.first % stride
        return [slice(i, min(i + span, self.n), stride) for i in range(first, self.n, span)]

    def columns(self, part: slice) -> Matrix:
        """Return some rows of X, as floats of the dtype, centered."""
        X = self._views[part.start // self._size] if part.step == 1 else self.X[part]
        return X.astype(self.dtype, copy=False) if self.center is None else X - self.center

    def rows(self, part: slice) -> tuple[Matrix, Floats, Floats]:
        """Return X, the targets and the shares of some samples."""
        Y = self.Y[part]
        if Y.dtype != self.dtype:  # bool targets are converted one block at a time only
            Y = Y.astype(self.dtype, order="F")
        return self.columns(part), Y, self.share[part] if self.share.ndim else self.share

    def _penalty(self, theta: Floats) -> float:
        return 0.5 * self.alpha * squared_norm(theta) if self.alpha else 0.0

    def _sum(self, Y: Floats, z: Floats, share: Floats) -> float:
        value = self.loss.value(Y, z)
        if share.ndim:
            return float(np.dot(value, share[:, 0]))
        return float(value.sum(dtype=np.float64) / self.total)

    def value(self, theta: Floats, z: Floats) -> float:
        """Return the objective at θ, whose outputs are z."""
        total = self._penalty(theta)
        for part in self.blocks:
            _, Y, share = self.rows(part)
            total += self._sum(Y, z[part], share)
        return total

    def at(self, theta: Floats, z: Floats, along: tuple[Floats, Floats] | None = None) -> Point:
        """Return the point θ with outputs z; given (D, u), first set u = X D and add it to z."""
        total, grad = self._penalty(theta), np.zeros_like(theta)
        for part in self.blocks:
            X, Y, share = self.rows(part)
            z_part = z[part]
            if along is not None:
                D, u = along
                u[part] = outputs(X, D)
                z_part += u[part]
            total += self._slope(X, Y, z_part, share, grad)
        self._close(theta, grad)
        return Point(theta, z, total, grad)

    def _slope(self, X: Matrix, Y: Floats, z: Floats, share: Floats, grad: Floats) -> float:
        """Add the gradient of some samples; return their loss."""
        delta = np.empty_like(z)
        self.loss.delta(Y, z, out=delta, work=np.empty_like(z))
        delta *= share
        add_transposed(X, delta, grad)
        return self._sum(Y, z, share)

    def _close(self, theta: Floats, grad: Floats) -> None:
        close_gradient(grad, theta, self.alpha, fit_intercept=self.fit_intercept)

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """Return the objective at θ, a vector, and its gradient."""
        theta = theta.astype(self.dtype, copy=False).reshape(-1, self.K)
        total, grad = self._penalty(theta), np.zeros_like(theta)
        for part in self.blocks:
            X, Y, share = self.rows(part)
            total += self._slope(X, Y, outputs(X, theta), share, grad)
        self._close(theta, grad)
        return total, grad.ravel().astype(np.float64, copy=False)

    def start(self, theta: Floats) -> Point:
        theta = self.frame.inner(theta.astype(self.dtype).reshape(-1, self.K))
        return self.at(theta, self.outputs(theta))

    def outputs(self, theta: Floats) -> Floats:
        """Return z of all samples."""
        z = np.zeros((self.n, self.K), self.dtype, order="F")
        if theta.any():
            for part in self.blocks:
                z[part] = outputs(self.columns(part), theta)
        return z

    def step(self, point: Point, D: Floats) -> Point:
        return self.at(point.theta + D, point.z.copy(order="K"), (D, np.empty_like(point.z)))

    def curvature(self, point: Point, *, convex: bool = False) -> LinearObjectiveHessian:
        return LinearObjectiveHessian(self, point, convex=convex)

    def on(self, X: Floats, frame: Frame) -> LinearObjective:
        """Return the same over other features of the same samples, and the way to them."""
        samples = self._samples._replace(X=X)
        return LinearObjective(self._network, samples, self.dtype, center=False, frame=frame)

    def transposed(self, e: Floats) -> Floats:
        """Return X̃ᵀ e."""
        product = np.zeros((self.p + 1, self.K))
        for part in self.blocks:
            add_transposed(self.columns(part), e[part], product)
        return product

    def sizes(self) -> Floats:
        """Return Σ sᵢ xᵢⱼ² of each column and 1 for the bias: U, for one output."""
        return sizes_from(self.squares(), self.alpha)

    def squares(self) -> Floats:
        """Return Σ sᵢ xᵢⱼ² of each column."""
        squares = np.zeros(self.p)
        for part in self.blocks:
            X, _, share = self.rows(part)
            squares += squared(X).T @ np.broadcast_to(share, (X.shape[0], 1))[:, 0]
        return squares


def squared_norm(theta: Floats) -> float:
    """Return ‖W‖²."""
    return float(np.vdot(theta[:-1], theta[:-1]))


def close_gradient(grad: Floats, theta: Floats, alpha: float, *, fit_intercept: bool) -> None:
    """Add the penalty's part to a gradient, or to HV given V."""
    if alpha:
        grad[:-1] += alpha * theta[:-1]
    if not fit_intercept:
        grad[-1] = 0.0


def sizes_from(squares: Floats, alpha: float) -> Floats:
    """Return U, given the sums of squares of the columns."""
    sizes = np.append(squares, 1.0) + alpha
    return np.where(sizes > 0.0, sizes, 1.0)


def two_passes(network: Network, samples: Samples) -> Batch:
    """Return the objective of a network by the two passes in NumPy."""
    return Batch(network, partial(objective, network, full_batch(network, samples)))


def objective_of(network: Network, samples: Samples) -> Objective:
    """Return the objective of a network, in its dtype.

    For one output of sparse samples ``LinearObjective`` is hardly faster (6.2 against 7.2 ms on
    20,000 × 100,000 with 100 non-zeros a sample) and keeps 20 bytes more of each sample.
    """
    one_of_sparse = network.layer_sizes[-1] == 1 and not isinstance(samples.X, np.ndarray)
    if len(network.layer_sizes) > 2 or one_of_sparse:
        return two_passes(network, samples)
    return LinearObjective(network, samples, network.dtype, center=False)


class LinearObjectiveHessian:
    """The Hessian of ``LinearObjective`` at a point, as products with vectors.

    Parameters
    ----------
    objective : LinearObjective
        The objective.
    point : Point
        Where.
    convex : bool
        Whether to take the positive semidefinite Gauss-Newton part.
    """

    def __init__(self, objective: LinearObjective, point: Point, *, convex: bool) -> None:
        self.objective, self._z, self._convex = objective, point.z, convex
        self._blocks = []
        for part in objective.blocks:
            _, Y, share = objective.rows(part)
            h = of_loss(objective.loss, Y, point.z[part], convex=convex)
            self._blocks.append((part, share, h))

    def product(self, V: Floats) -> Floats:
        objective, product = self.objective, np.zeros_like(V)
        for part, share, h in self._blocks:
            X = objective.columns(part)
            t = h.times(outputs(X, V))
            t *= share
            add_transposed(X, t, product)
        objective._close(V, product)
        return product

    def preconditioner(self) -> Callable[[Floats], Floats]:
        """Return an approximation of g ↦ H⁻¹ g: the diagonal, after centering every column."""
        objective = self.objective
        alpha, fit_intercept = objective.alpha, objective.fit_intercept
        return diagonal_inverse(*self.moments(), alpha, fit_intercept=fit_intercept)

    def moments(self) -> tuple[Floats, Floats]:
        """Return Σ s h_kk x̃ and Σ s h_kk x̃² over some samples, or all if X is sparse.

        Sparse X has rare columns. Where h_kk is negative, it counts as 0.
        """
        objective = self.objective
        sums, squares = np.zeros((2, objective.p + 1, objective.K))
        dense = isinstance(objective.X, np.ndarray)
        stride = max(1, objective.total // PRECONDITIONER_SAMPLES) if dense else 1
        for part in objective.parts(stride):
            X, Y, share = objective.rows(part)
            h = of_loss(objective.loss, Y, self._z[part], convex=self._convex)
            weight = np.maximum(h.diagonal, 0.0) * (share * stride)
            add_transposed(X, weight, sums)
            add_transposed(squared(X), weight, squares)
        return sums, squares

    def project_out_null_space(self, D: Floats) -> Floats:
        """Return a step without its part in the null space: what changes no output.

        With a softmax that is the mean over the outputs. Only a penalty can tell where θ is along
        it.
        """
        objective = self.objective
        return without_null_space(D, objective.alpha) if objective.softmax else D


def without_null_space(D: Floats, alpha: float) -> Floats:
    """Return a step of a softmax without its mean over the outputs, where that is not penalized."""
    free = slice(-1 if alpha else 0, None)
    D[free] -= D[free].mean(axis=1, keepdims=True)
    return D


def diagonal_inverse(
    sums: Floats, squares: Floats, alpha: float, *, fit_intercept: bool
) -> Callable[[Floats], Floats]:
    """Return g ↦ D⁻¹ g with the diagonal D of H, after centering every column.

    Centering, by means that are weighted by the curvature, takes the bias's row and column of H to
    zero. It is done to g and to the solution, not to X, so that X stays sparse.
    """
    (sums, total), squares = (sums[:-1], sums[-1]), squares[:-1]
    curved = fit_intercept & (total > 0.0)
    means = np.where(curved, sums / np.where(curved, total, 1.0), 0.0)
    diagonal = squares - means * sums
    # rounding leaves nothing certain of a difference that is 1e-10 of its parts
    diagonal = np.maximum(diagonal, 1e-10 * squares) + alpha
    diagonal[diagonal <= 0.0] = 1.0
    corner = np.where(curved, total, 1.0)

    def solve(grad: Floats) -> Floats:
        solution = np.empty_like(grad)
        np.divide(grad[:-1] - means * grad[-1], diagonal, out=solution[:-1])
        solution[-1] = grad[-1] / corner - np.einsum("jk,jk->k", means, solution[:-1])
        if not fit_intercept:
            solution[-1] = 0.0
        return solution

    return solve


def of_loss(loss: Loss, Y: Floats, z: Floats, *, convex: bool) -> Curvature:
    """Return the second derivatives of samples' losses; a ValueError where there are none."""
    h = curvature_of(loss.gauss_newton(Y, z)) if convex else loss.second_order(Y, z)
    if h is None:
        raise ValueError(no_curvature(loss))
    return h


def no_curvature(loss: object) -> str:
    """Return the error message for a loss without second derivatives."""
    return (
        "solver='newton' and 'newton-cg' need a loss with a second derivative (its method "
        f"`curvature`); got {loss!r}. Use another solver, such as 'lbfgs'."
    )


def outputs(X: Matrix, theta: Floats) -> Floats:
    """Return z of some samples, column by column in memory."""
    W, b = theta[:-1], theta[-1]
    if not isinstance(X, np.ndarray):
        z: Floats = np.asfortranarray(X @ W)
    elif len(b) == 1:
        z = np.dot(X, W)
    else:
        z = np.dot(W.T, X.T).T
    z += b
    return z


def add_transposed(X: Matrix, delta: Array, grad: Floats) -> None:
    """Add X̃ᵀ δ to a gradient."""
    if isinstance(X, np.ndarray):
        grad[:-1] += np.dot(delta.T, X).T
    else:
        grad[:-1] += transpose_of(X) @ delta
    grad[-1] += np.add.reduce(delta, axis=0)


def transpose_of(X: Matrix) -> Matrix:
    """Return Xᵀ of CSR without copying anything; X.T copies a view of less than half of X."""
    csc = sparse.csc_array if isinstance(X, sparse.sparray) else sparse.csc_matrix
    view = csc(X.shape[::-1], dtype=X.dtype)
    view.data, view.indices, view.indptr = X.data, X.indices, X.indptr
    return view


def squared(X: Matrix) -> Matrix:
    """Return the squares of X, element by element."""
    if isinstance(X, np.ndarray):
        return X * X
    squares = type(X)(X.shape, dtype=X.dtype)
    squares.data, squares.indices, squares.indptr = X.data * X.data, X.indices, X.indptr
    return squares


def center_rows(X: Array, n: int | None = None, first: int = 0) -> Floats:
    """Return the rows of X that tell where its columns are; X may be a part of n rows."""
    stride = max(1, (len(X) if n is None else n) // CENTER_SAMPLES)
    return X[-first % stride :: stride].astype(np.float64, copy=False)


def far_center(some: Floats) -> Floats | None:
    """Return the means of columns that are so far from 0 that H would be lost in rounding.

    Centering a column only changes the bias, so Newton's steps stay the same.

    Parameters
    ----------
    some : ndarray of shape (n_some, n_features)
        Some rows of X.
    """
    means, spreads = some.mean(axis=0), some.std(axis=0)
    far = np.abs(means) > FAR * spreads
    if not (far & (spreads > 0.0)).any():
        return None
    center: Floats = np.where(far, means, 0.0)
    return center
