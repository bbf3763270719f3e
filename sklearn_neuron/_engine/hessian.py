r"""The Hessian of a network without hidden layers.

.. math::

    H_{kl} = \tilde X^\top \mathrm{diag}(s \odot h^{kl}) \tilde X
        + [k = l] \, \alpha \, \mathrm{diag}(1, \dots, 1, 0)

in the letters of ``objective``. H is ``(p + 1, p + 1)`` for each of K independent outputs, and
``(K (p + 1), K (p + 1))`` where they compete. Everything is float64.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg.blas import dsyrk

from sklearn_neuron._engine.objective import Derivative, Floats, LinearObjective, no_curvature
from sklearn_neuron._typing import Matrix

#: Rows or columns of a matrix that are changed at a time, so that no copy of it is made.
STRIP = 256
#: Columns of Xᵀ diag(h) X of sparse X that are computed at a time, with 20 bytes for each number.
#: With 16 / 64 / 256: 63 / 41 / 35 ms on 50,000 × 3,000 with 3 non-zeros a row, 371 / 355 / 352 ms
#: on 1,600 × 1,200 with 240.
SPARSE_STRIP = 64


class Hessian(NamedTuple):
    """H: one matrix for each set of outputs that is independent of the others."""

    matrices: list[Floats]
    convex: bool  # whether no sample had a negative second derivative


class Outline(Protocol):
    """What tells the shape of H, wherever the samples are."""

    alpha: float
    fit_intercept: bool
    p: int
    K: int
    softmax: bool
    sparse: bool


class Grams(NamedTuple):
    """X̃ᵀ diag(s h^kl) X̃ of some samples: what H is made of, and sums over parts of them."""

    upper: Floats  # (n_pairs, p + 1, p + 1); of dense X the upper triangles only
    share: float  # Σ s of these samples
    convex: bool  # whether no sample had a negative second derivative


def hessian(
    objective: LinearObjective, z: Floats, derivative: Derivative, stride: int = 1
) -> Hessian:
    """Return H where the outputs are z, over every ``stride``-th sample.

    ``derivative`` returns the second derivatives of the loss, or a part of them.
    """
    grams = grams_of(objective, z, derivative, stride)
    return closed(objective, grams, grams.share if stride == 1 else 1.0)


def pairs_of(objective: Outline) -> tuple[NDArray[np.intp], ...]:
    """Return the pairs k ≤ l of outputs that compete, or each output with itself."""
    K = objective.K
    return np.triu_indices(K) if objective.softmax else (np.arange(K),) * 2


def grams_of(
    objective: LinearObjective, z: Floats, derivative: Derivative, stride: int = 1
) -> Grams:
    """Return the sums over every ``stride``-th sample that H is made of."""
    pairs, m = pairs_of(objective), objective.p + 1
    # dsyrk adds to a matrix in place if it is F-ordered
    upper = np.zeros((len(pairs[0]), m, m)).transpose(0, 2, 1)
    convex, total = True, 0.0
    for part in objective.parts(stride):
        X, Y, share = objective.rows(part)
        h = derivative(Y, z[part])
        if h is None:
            raise ValueError(no_curvature(objective.loss))
        h = h[:, pairs[0], pairs[1]] if h.ndim == 3 else h
        h = h * share
        total += float(np.broadcast_to(share, (len(h), 1)).sum())
        convex = convex and (objective.softmax or bool((h >= 0.0).all()))
        for block, column in zip(upper, h.T, strict=True):
            add_gram(block, X, column)
    return Grams(upper, total, convex)


def closed(objective: Outline, grams: Grams, share: float) -> Hessian:
    """Return H, given sums over some samples, scaled as if their shares were ``share``."""
    upper, taken, convex = grams
    if taken != share:
        upper *= share / taken
    pairs = pairs_of(objective)
    for k, l, block in zip(*pairs, upper, strict=True):
        close(objective, block, own=k == l)
    if not objective.softmax:
        return Hessian(list(upper), convex)
    K, m = objective.K, objective.p + 1
    whole = np.empty((K, m, K, m))
    for k, l, block in zip(*pairs, upper, strict=True):
        whole[k, :, l] = whole[l, :, k] = block
    return Hessian([competing(whole, objective.alpha)], convex)


def close(objective: Outline, block: Floats, *, own: bool) -> None:
    """Give a block of H its lower triangle and, if it is of one output, the penalty."""
    if not objective.sparse:
        mirror(block)
    if own:
        block[np.diag_indices(objective.p)] += objective.alpha
    if not objective.fit_intercept:
        block[-1], block[:, -1] = 0.0, 0.0
        block[-1, -1] = own


def add_gram(block: Floats, X: Matrix, h: Floats) -> None:
    """Add the upper triangle of X̃ᵀ diag(h) X̃, of sparse X all of it."""
    if sparse.issparse(X):
        add_sparse_gram(block, X, h)
        return
    p = X.shape[1]
    S = np.empty((len(h), p + 1))
    for sign in (1.0, -1.0):  # dsyrk takes √h, at half the work of a general product
        part = np.maximum(sign * h, 0.0)
        if part.any():
            np.sqrt(part, out=part)
            np.multiply(X, part[:, None], out=S[:, :p])
            S[:, p] = part
            if block.flags.f_contiguous:
                dsyrk(sign, S.T, beta=1.0, c=block, overwrite_c=1)  # += ± Sᵀ S
            else:
                block += dsyrk(sign, S.T)


def add_sparse_gram(block: Floats, X: Matrix, h: Floats) -> None:
    """Add X̃ᵀ diag(h) X̃, strip by strip: as a whole, a sparse product may be larger than H."""
    p, transposed = X.shape[1], X.T.tocsr()
    scaled = X.data * np.repeat(h, np.diff(X.indptr))
    hX = type(X)((scaled, X.indices, X.indptr), shape=X.shape)
    for i in range(0, p, SPARSE_STRIP):
        strip = slice(i, min(i + SPARSE_STRIP, p))
        block[:p, strip] += (transposed[strip] @ hX).toarray().T  # H is symmetric, and F-ordered
    block[:p, p] += transposed @ h
    block[p, :p] = block[:p, p]
    block[p, p] += h.sum()


def mirror(matrix: Floats) -> None:
    """Copy the upper triangle of a matrix to the lower one."""
    m = len(matrix)
    for i in range(0, m, STRIP):
        strip = slice(i, min(i + STRIP, m))
        matrix[strip, :i] = matrix[:i, strip].T
        square = matrix[strip, strip]
        square[...] = np.triu(square) + np.triu(square, 1).T


def competing(H: Floats, alpha: float) -> Floats:
    r"""Complete H of a softmax, (K, m, K, m), so that it has an inverse.

    A softmax does not change where all :math:`z_k` do alike, so H is singular along
    :math:`(v, \dots, v)` wherever there is no penalty. ∇ has no part there, so whatever H is
    given along these directions leaves the step as it is.
    """
    K, m = H.shape[:2]
    # Cholesky's factor exists only if H is positive there: the mean of the K own blocks' diagonals
    # is added, so that what is added is of the size of the rest. The bias is never penalized, hence
    # m - 1.
    free = np.arange(m - 1 if alpha else 0, m)
    own = np.einsum("kjkj->j", H)[free] / K
    for k in range(K):
        H[k, free[:, None], np.arange(K), free[:, None]] += np.where(own > 0.0, own, 1.0)[:, None]
    return H.reshape(K * m, K * m)
