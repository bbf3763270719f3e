r"""The objective, its gradient and its Hessian, as Newton's method needs them.

For networks without a hidden layer. With :math:`\tilde X = (X, 1)`, :math:`\theta = (W; b)`, the
share :math:`s_i` of a sample and the second derivatives of the loss
:math:`h^{kl}_i = \partial^2 \ell_i / \partial z_{ik} \partial z_{il}`

.. math::

    \nabla_k &= \tilde X^\top (s \odot \delta_k) + \alpha (w_k; 0) \\
    H_{kl} &= \tilde X^\top \mathrm{diag}(s \odot h^{kl}) \tilde X + [k = l] \, \alpha
        \, \mathrm{diag}(1, \dots, 1, 0)

Everything is float64. θ and ∇ are ``(p + 1, K)``, the biases last; z is ``(n, K)``; H is
``(p + 1, p + 1)`` for each of K independent outputs, and ``(K (p + 1), K (p + 1))`` where they
compete. Samples are processed in blocks, so X is never copied as a whole. Without an intercept,
∇ and the off-diagonal part of H are zero in the biases, which so stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.blas import dsyrk

from sklearn_neuron._engine.batches import Samples, row_view
from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.activations import Softmax
from sklearn_neuron.network import Network

Floats = NDArray[np.float64]
Derivative = Callable[[Array, Array], Array | None]

#: Numbers in a block of X. With 2¹⁵ / 2¹⁷ / 2¹⁹ / 2²¹, H takes 64 / 57 / 55 / 58 ms and a gradient
#: 11.5 / 10.5 / 11.0 / 11.4 ms on 50,000 × 200.
HESSIAN_BLOCK = 1 << 17
#: Limits of its rows. With at least 32 / 256 / 1,024: 563 / 525 / 527 ms for H on 2,048 × 3,000.
#: With at most 1,024 / 8,192 / all: 4.1 / 2.2 / 2.0 ms on 100,000 × 4.
HESSIAN_BLOCK_ROWS = 256, 8192
#: A column is centered if its mean is over 100 standard deviations from zero: then four of the
#: sixteen digits of its squares are lost. Never centered, the weights are 1e-12 off at 30,000 and
#: wrong at 3e6; centered at 50 already, a fit takes 32 instead of 19 ms (5,000 × 200).
FAR = 100.0
#: Samples for the means: 200 / 1,000 / all take 0.08 / 0.64 / 2.2 ms on 5,000 × 200, and 200 never
#: took a mean of 70 deviations for more than 100, nor one of 140 for less.
CENTER_SAMPLES = 200


class Point(NamedTuple):
    """θ, with what has been computed there."""

    theta: Floats
    z: Floats
    value: float
    grad: Floats


class Hessian(NamedTuple):
    """H: one matrix for each set of outputs that is independent of the others."""

    matrices: list[Floats]
    convex: bool  # whether no sample had a negative second derivative


class Surface:
    """The objective over θ: its value, gradient and Hessian.

    Parameters
    ----------
    network : Network
        Without hidden layers: its loss and penalty.
    samples : Samples
        The training data.
    """

    def __init__(self, network: Network, samples: Samples) -> None:
        X, Y, weight = samples
        self.fit_intercept = network.fit_intercept
        self.loss, self.alpha = network.loss, network.alpha
        self.X = X
        self.Y: Floats = Y.astype(np.float64, copy=False)
        self.n, self.p = X.shape
        self.share: Floats = np.array(1.0 / self.n)
        if weight is not None:
            self.share = weight.astype(np.float64) / self.n
        self.softmax = isinstance(network.loss.link, Softmax)
        self.center: Floats | None = None
        if isinstance(X, np.ndarray):
            low, high = HESSIAN_BLOCK_ROWS
            size = max(low, min(high, HESSIAN_BLOCK // max(1, self.p)))
            self._scaled = np.empty((min(size, self.n), self.p))
            self.center = far_center(X) if self.fit_intercept else None
        else:  # a block adds a dense p × p matrix, which should not be more work than its rows
            size = max(8 * self.p, HESSIAN_BLOCK * self.n // max(1, X.nnz))
        self._size = min(size, self.n)
        self.blocks = self._parts(1)

    def inner(self, theta: Floats) -> Floats:
        """Return θ for centered columns, given θ for the columns as users see them."""
        return self._shifted(theta, 1.0)

    def outer(self, theta: Floats) -> Floats:
        """Return θ for the columns as users see them."""
        return self._shifted(theta, -1.0)

    def _shifted(self, theta: Floats, sign: float) -> Floats:
        if self.center is None:
            return theta
        shifted = theta.copy()
        shifted[-1] += sign * (self.center @ theta[:-1])
        return shifted

    def _parts(self, stride: int) -> list[slice]:
        """Cut every ``stride``-th sample into blocks."""
        span = self._size * stride
        return [slice(i, min(i + span, self.n), stride) for i in range(0, self.n, span)]

    def _rows(self, part: slice) -> tuple[Matrix, Floats, Floats]:
        X = row_view(self.X, part) if part.step == 1 else self.X[part]
        X = X.astype(np.float64, copy=False) if self.center is None else X - self.center
        return X, self.Y[part], self.share[part] if self.share.ndim else self.share

    def _penalty(self, theta: Floats) -> float:
        return 0.5 * self.alpha * float(np.vdot(theta[:-1], theta[:-1])) if self.alpha else 0.0

    def _sum(self, Y: Floats, z: Floats, share: Floats) -> float:
        value = self.loss.value(Y, z)
        return float(np.dot(value, share[:, 0]) if share.ndim else value.sum() * share)

    def value(self, theta: Floats, z: Floats) -> float:
        """Return the objective at θ, whose outputs are z."""
        return self._penalty(theta) + sum(
            self._sum(Y, z[part], share)
            for part in self.blocks
            for _, Y, share in [self._rows(part)]
        )

    def at(self, theta: Floats, z: Floats, along: tuple[Floats, Floats] | None = None) -> Point:
        """Return the point θ with outputs z; given (D, u), first set u = X D and add it to z."""
        total, grad = self._penalty(theta), np.zeros_like(theta)
        if self.alpha:
            np.multiply(theta[:-1], self.alpha, out=grad[:-1])
        for part in self.blocks:
            X, Y, share = self._rows(part)
            z_part = z[part]
            if along is not None:
                D, u = along
                u[part] = X @ D[:-1] + D[-1]
                z_part += u[part]
            total += self._sum(Y, z_part, share)
            delta = np.empty_like(z_part)
            self.loss.delta(Y, z_part, out=delta, work=np.empty_like(z_part))
            delta *= share
            grad[:-1] += X.T @ delta
            grad[-1] += delta.sum(axis=0)
        if not self.fit_intercept:
            grad[-1] = 0.0
        return Point(theta, z, total, grad)

    def hessian(self, z: Floats, derivative: Derivative, stride: int = 1) -> Hessian:
        """Return H where the outputs are z, over every ``stride``-th sample.

        ``derivative`` returns the second derivatives of the loss, or a part of them.
        """
        K, p = z.shape[1], self.p
        pairs = np.triu_indices(K) if self.softmax else (np.arange(K),) * 2
        grams = self._zeros(len(pairs[0]))
        border, corner, convex = np.zeros((p, len(grams))), np.zeros(len(grams)), True
        scale = self.share.sum() / self.share[::stride].sum() if self.share.ndim else stride
        for part in self._parts(stride):
            X, Y, share = self._rows(part)
            h = derivative(Y, z[part])
            if h is None:
                raise ValueError(no_curvature(self.loss))
            h = h[:, pairs[0], pairs[1]] if h.ndim == 3 else h
            h = h * (share * scale)
            convex = convex and (self.softmax or bool((h >= 0.0).all()))
            border += X.T @ h
            corner += h.sum(axis=0)
            grams = [self._add(gram, X, column) for gram, column in zip(grams, h.T, strict=True)]
        if not self.fit_intercept:
            border[:], corner[:] = 0.0, pairs[0] == pairs[1]
        blocks = [bordered(*of_pair) for of_pair in zip(grams, border.T, corner, strict=True)]
        diagonal = np.r_[np.full(p, self.alpha), 0.0]
        for k, l, block in zip(*pairs, blocks, strict=True):
            if k == l:
                block[np.diag_indices(p + 1)] += diagonal
        if not self.softmax:
            return Hessian(blocks, convex)
        return Hessian([competing(K, pairs, blocks, self.alpha)], convex)

    def _zeros(self, number: int) -> list[Floats]:
        try:
            return [np.zeros((self.p, self.p), order="F") for _ in range(number)]
        except MemoryError as error:
            raise MemoryError(
                f"{error}. solver='newton' keeps a dense Hessian of {self.p} features squared; use "
                "solver='lbfgs'."
            ) from error

    def _add(self, gram: Floats, X: Matrix, h: Floats) -> Floats:
        """Add the upper triangle of Xᵀ diag(h) X, and maybe the lower one, to the Gram matrix."""
        if sparse.issparse(X):
            scaled = X.data * np.repeat(h, np.diff(X.indptr))
            product = X.T @ type(X)((scaled, X.indices, X.indptr), shape=X.shape)
            summed: Floats = gram + product.toarray()
            return summed
        S = self._scaled[: len(h)]
        for sign in (1.0, -1.0):  # dsyrk takes √h, at half the work of a general product
            part = np.maximum(sign * h, 0.0)
            if part.any():
                np.multiply(X, np.sqrt(part)[:, None], out=S)
                gram = dsyrk(sign, S.T, beta=1.0, c=gram, overwrite_c=1)  # += ± Sᵀ S
        return gram

    def sizes(self) -> Floats:
        """Return Σ sᵢ xᵢⱼ² of each column and 1 for the bias: U, for one output."""
        sizes = np.zeros(self.p + 1)
        for part in self.blocks:
            X, _, share = self._rows(part)
            squares = X.multiply(X) if sparse.issparse(X) else X * X
            sizes[:-1] += squares.T @ np.broadcast_to(share, (X.shape[0], 1))[:, 0]
        sizes[-1] = 1.0
        sizes += self.alpha
        return np.where(sizes > 0.0, sizes, 1.0)


def far_center(X: Array) -> Floats | None:
    """Return the means of columns that are so far from 0 that H would be lost in rounding.

    Centering a column only changes the bias, so Newton's steps stay the same.
    """
    some = X[:: max(1, len(X) // CENTER_SAMPLES)].astype(np.float64, copy=False)
    means, spreads = some.mean(axis=0), some.std(axis=0)
    far = np.abs(means) > FAR * spreads
    if not (far & (spreads > 0.0)).any():
        return None
    center: Floats = np.where(far, means, 0.0)
    return center


def bordered(gram: Floats, border: Floats, corner: float) -> Floats:
    """Return the symmetric matrix of an upper triangle, with row and column of the bias."""
    p = len(gram)
    full = np.empty((p + 1, p + 1))
    full[:p, :p] = np.triu(gram) + np.triu(gram, 1).T
    full[:p, p] = full[p, :p] = border
    full[p, p] = corner
    return full


def competing(
    K: int, pairs: tuple[NDArray[np.intp], ...], blocks: Sequence[Floats], alpha: float
) -> Floats:
    r"""Return H of a softmax from its K (K + 1) / 2 blocks.

    A softmax does not change where all :math:`z_k` do alike, so H is singular along
    :math:`(v, \dots, v)` wherever there is no penalty. ∇ has no part there, so whatever H is
    given along these directions leaves the step as it is.
    """
    m = len(blocks[0])
    H = np.empty((K, m, K, m))
    for k, l, block in zip(*pairs, blocks, strict=True):
        H[k, :, l] = H[l, :, k] = block
    # Cholesky's factor exists only if H is positive there: the mean of the K own blocks' diagonals
    # is added, so that what is added is of the size of the rest. The bias is never penalized, hence
    # m - 1.
    free = np.arange(m - 1 if alpha else 0, m)
    own = np.einsum("kjkj->j", H)[free] / K
    for k in range(K):
        H[k, free[:, None], np.arange(K), free[:, None]] += np.where(own > 0.0, own, 1.0)[:, None]
    return H.reshape(K * m, K * m)


def no_curvature(loss: object) -> str:
    """Return the error message for a loss without second derivatives."""
    return (
        f"solver='newton' needs a loss with a second derivative (its method `curvature`); got "
        f"{loss!r}. Use another solver, such as 'lbfgs'."
    )
