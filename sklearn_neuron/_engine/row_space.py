r"""The space that the rows of X span: where θ moves if there are fewer samples than features.

Every gradient :math:`X^\top (s \odot \delta) + \alpha W` is a sum of rows of X once W is, and at
the minimum W is. So :math:`X = L Q`, with L ``(n, r)`` and orthonormal rows Q ``(r, p)``, and
:math:`W = Q^\top U`. The objective over the coordinates U is the same with L for X, as
:math:`X W = L U` and :math:`\|W\| = \|U\|`: a problem of r features, not p.

:math:`L L^\top = X X^\top` by Cholesky's method with pivots: r samples on which the others depend.
Q is never there, as :math:`Q = L_1^{-1} X_1` with the rows of these samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import solve_triangular
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpstrf

from sklearn_neuron._engine.objective import Floats, LinearObjective

#: Columns of X that are converted or centered at a time.
STRIP_COLUMNS = 512


class RowSpace:
    """The way between θ and its coordinates U, the biases last.

    Where there is no penalty, a start's part outside of the space, which no output depends on, is
    dropped.

    Parameters
    ----------
    whole : LinearObjective
        The objective over θ.
    """

    def __init__(self, whole: LinearObjective) -> None:
        self.whole = whole
        factor, pivots, rank, _ = dpstrf(gram_of_rows(whole), lower=1, overwrite_a=1)
        pivots -= 1
        self.pivots: NDArray[np.intp] = pivots[:rank]
        #: L, a row for each sample; L₁, the rows of the samples that count.
        self.L = np.empty((whole.n, rank))
        self.L[pivots] = np.tril(factor[:, :rank])
        self.top = self.L[self.pivots]

    def inner(self, theta: Floats) -> Floats:
        """Return (Q W; b)."""
        theta = self.whole.frame.inner(theta)
        if not theta[:-1].any():
            return np.concatenate([np.zeros((len(self.top), theta.shape[1])), theta[-1:]])
        z = self.whole.outputs(theta)[self.pivots] - theta[-1]
        return np.concatenate([solve_triangular(self.top, z, lower=True), theta[-1:]])

    def outer(self, theta: Floats) -> Floats:
        """Return (Qᵀ U; b)."""
        e = np.zeros((self.whole.n, theta.shape[1]))
        e[self.pivots] = solve_triangular(self.top, theta[:-1], lower=True, trans="T")
        outside = self.whole.transposed(e)
        outside[-1] = theta[-1]
        return self.whole.frame.outer(outside)

    def largest(self, grad: Floats) -> float:
        """Return what no component of Qᵀ ∇ exceeds: the norm of ∇."""
        return float(np.linalg.norm(grad, axis=0).max())


def in_row_space(whole: LinearObjective) -> LinearObjective:
    """Return the objective over the coordinates."""
    space = RowSpace(whole)
    return whole.on(space.L, space)


def gram_of_rows(objective: LinearObjective) -> Floats:
    """Return X Xᵀ, or at least its lower triangle."""
    n, p, X = objective.n, objective.p, objective.X
    if sparse.issparse(X):
        X = X.astype(np.float64, copy=False)
        gram: Floats = np.asfortranarray((X @ X.T).toarray())
        return gram
    as_it_is = X.dtype == np.float64 and objective.center is None and X.flags.forc
    gram, size = np.zeros((n, n), order="F"), p if as_it_is else STRIP_COLUMNS
    for j in range(0, p, size):
        some = X[:, j : j + size].astype(np.float64, copy=False)
        if objective.center is not None:
            some = some - objective.center[j : j + size]
        # BLAS takes columns one after the other in memory: X if it is so, else its transpose
        A, trans = (some, 0) if some.flags.f_contiguous else (some.T, 1)
        gram = dsyrk(1.0, A, beta=1.0, c=gram, trans=trans, lower=1, overwrite_c=1)
    return gram
