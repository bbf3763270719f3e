r"""Newton's method: steps by the Hessian, for networks without a hidden layer.

.. math:: \theta \leftarrow \theta - t H^{-1} \nabla

with t halved from 1 until the objective has decreased sufficiently (Armijo). Where H is not
positive definite, its Gauss-Newton part is used instead. Where that is singular, the step is the
one of minimum norm or, if :math:`\nabla` is not in the range of H, that of
:math:`H + \lambda U`, with U a diagonal of the columns' sizes and the smallest λ that works
(Levenberg, Marquardt).

One H costs as much as many gradients. So far from the minimum H is computed on a subset of the
samples, and it is reused, corrected by the steps taken since (BFGS), as long as the steps are
short enough compared with those before. The gradient is always exact, and so is the minimum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.lapack import dlange, dpocon, dpotrf, dpotrs

from sklearn_neuron._engine.descent import DAMPINGS, MOST_HALVINGS, SUFFICIENT_DECREASE
from sklearn_neuron._engine.hessian import Hessian, hessian
from sklearn_neuron._engine.objective import Derivative, Floats, LinearObjective, Point
from sklearn_neuron._engine.run import ROUNDING

Inverse = Callable[[Floats], Floats]
Factorization = Callable[[Floats, Floats], Inverse | None]
#: Returns H, given objective, z, what returns the second derivatives, and the samples' stride.
HessianOf = Callable[[Any, Floats, Derivative, int], Hessian]

#: Samples per column of X, at least, of the first Hessian. With 2 / 5 / 10 / 20: 21 / 16 / 18 / 20
#: ms on 5,000 × 200, 153 / 137 / 118 / 108 ms on 50,000 × 200, 659 / 416 / 322 / 148 ms on digits,
#: whose ten outputs are not counted here.
SAMPLE = 5
#: At most every (p / 4)-th sample: H takes 4 / 7 / 19 times as long as a gradient for p = 50 / 200
#: / 1,000. With p / 1, p / 2, p / 4 and p / 8: 17.5 / 12.2 / 13.1 / 15.6 ms on 20,000 × 50, 134 /
#: 138 / 146 / 119 ms on 50,000 × 200.
CHEAP = 4
#: H is reused while the squared length of the step falls to this fraction: less computes H too
#: often, more takes too many steps. With 0.1 / 0.3 / 0.5: 724 / 424 / 430 ms on digits, 13 / 13 /
#: 16 ms on 20,000 × 50, 23 / 16 / 16 ms on 5,000 × 200.
ENOUGH = 0.3
#: Steps that correct H, as in L-BFGS. Their number matters little: with 1 / 5 / 10 / 40, 13 / 15 /
#: 13 / 13 iterations on 5,000 × 200, and no difference on six other data sets.
MEMORY = 10
#: Reciprocal condition number below which H counts as singular: then some 3 digits are left. Two
#: columns 1e-6 apart are told apart with 1e-13, not with 1e-12. From 1e-14 down the fit of
#: separable data (breast cancer, no penalty) ends higher.
SINGULAR = 1e-13
#: Eigenvalue of the scaled H that counts as zero; the largest is between 1 and p. With 1e-12 and
#: with 1e-8 that same fit ends higher; with 1e-15, columns 1e-8 apart took 200 iterations, not 5.
FLAT = 1e-10
#: Fraction of the gradient that may lie outside the range of H. With 1e-4 / 1e-3 / 0.1: 874 / 828 /
#: 771 iterations for 48 penalized fits from far starts, of which 0 / 2 / 5 end too early.
CONSISTENT = 1e-3


class Model:
    """A quadratic model of the objective: factors of H, corrected by the steps taken since.

    A step S that changed the gradient by G tells what :math:`H S` was on average along it; the BFGS
    formula corrects H accordingly, in the form of its two-loop recursion [1]_.

    Parameters
    ----------
    inverse : callable
        g ↦ H⁻¹ g.

    References
    ----------
    .. [1] J. Nocedal (1980). Updating quasi-Newton matrices with limited storage. Mathematics of
       Computation 35(151), 773-782. https://doi.org/10.1090/S0025-5718-1980-0572855-7
    """

    def __init__(self, inverse: Inverse) -> None:
        self.inverse = inverse
        self.steps: list[tuple[Floats, Floats, float]] = []

    def learn(self, S: Floats, G: Floats) -> None:
        """Use the fact that a step S changed the gradient by G."""
        product = float(np.vdot(S, G))
        # Only positive curvature along S keeps the corrected H positive definite.
        if product > 0.0:
            self.steps = [*self.steps[1 - MEMORY :], (S, G, 1.0 / product)]

    def solve(self, grad: Floats) -> Floats:
        """Return H⁻¹ ∇."""
        v, along = grad.copy(), []
        for S, G, scale in reversed(self.steps):
            along.append(scale * float(np.vdot(S, v)))
            v -= along[-1] * G
        v = self.inverse(v)
        for (S, G, scale), a in zip(self.steps, reversed(along), strict=True):
            v += (a - scale * float(np.vdot(G, v))) * S
        return v


def by_cholesky(M: Floats, _: Floats) -> Inverse | None:
    """Return g ↦ M⁻¹ g, or None unless M is safely positive definite; M is overwritten."""
    norm = dlange("1", M.T)
    factor, failed = dpotrf(M.T, overwrite_a=1)
    if failed or dpocon(factor, norm)[0] < SINGULAR:
        return None
    return lambda v: dpotrs(factor, v)[0]


def by_eigenvalues(M: Floats, g: Floats) -> Inverse | None:
    """Return g ↦ M⁺ g, of minimum norm, or None where g is not in the range of M."""
    values, V = eigh(M.T, overwrite_a=True)
    if not (values > FLAT).all():
        values, V = values[values > FLAT], V[:, values > FLAT]
    beyond = g - V @ (V.T @ g)
    if np.linalg.norm(beyond) > CONSISTENT * np.linalg.norm(g):
        return None
    return lambda v: V @ ((V.T @ v) / values)


def invert(
    H: Hessian, grad: Floats, how: Factorization = by_cholesky, damping: Floats | None = None
) -> Model | None:
    """Return the model of H + diag(damping), or None where ``how`` has no inverse of it."""
    together = grad.shape[1] // len(H.matrices)
    inverses: list[tuple[Inverse, Floats]] = []
    for i, matrix in enumerate(H.matrices):
        M = (matrix.T if matrix.flags.f_contiguous else matrix).copy()  # C-ordered
        if damping is not None:
            M[np.diag_indices(len(M))] += np.tile(damping, together)
        if not (np.isfinite(M).all() and (M.diagonal() >= 0.0).all()):
            return None
        scale = 1.0 / np.sqrt(np.where(M.diagonal() > 0.0, M.diagonal(), 1.0))
        # A diagonal of ones: SINGULAR and FLAT then mean the same whatever the units of the
        # features, and no other diagonal has a condition number lower by more than a factor of p
        # (van der Sluis).
        M *= scale
        M *= scale[:, None]
        inverse = how(M, grad[:, i * together : (i + 1) * together].T.ravel() * scale)
        if inverse is None:
            return None
        inverses.append((inverse, scale))
    return Model(partial(solve_sets, inverses))


def solve_sets(inverses: list[tuple[Inverse, Floats]], v: Floats) -> Floats:
    """Return H⁻¹ v, given for each set of outputs the inverse of the scaled H, and the scale."""
    solution = np.empty_like(v)
    together = v.shape[1] // len(inverses)
    for i, (inverse, scale) in enumerate(inverses):
        some = slice(i * together, (i + 1) * together)
        x = inverse(v[:, some].T.ravel() * scale) * scale
        solution[:, some] = x.reshape(together, -1).T
    return solution


def models(
    objective: LinearObjective, z: Floats, grad: Floats, stride: int, hessian_of: HessianOf
) -> Iterator[Model | None]:
    """Yield models of the objective around a point, each more cautious than the last."""
    loss = objective.loss
    if stride > 1:
        yield invert(hessian_of(objective, z, loss.curvature, stride), grad)
    H = hessian_of(objective, z, loss.curvature, 1)
    yield invert(H, grad)
    if not H.convex:
        H = hessian_of(objective, z, loss.gauss_newton, 1)
        yield invert(H, grad)
    # Where H is singular but ∇ is in its range, the step of minimum norm is a full Newton step,
    # which damping would shorten; the eigenvalues cost more than a factor, so they come second.
    yield invert(H, grad, by_eigenvalues)
    sizes = objective.sizes()
    for damping in DAMPINGS:
        yield invert(H, grad, damping=damping * sizes)


class Descent:
    """Newton steps, with a model that is reused as long as it works.

    That is as long as the squared length of the steps, in the model's own norm, falls fast enough.
    The first model uses every ``stride``-th sample only, because far from the minimum H need not be
    exact. Each new one uses four times as many.

    Parameters
    ----------
    objective : LinearObjective
        The objective, or another with its methods.
    hessian_of : callable, default=hessian
        Returns H of it.
    """

    def __init__(self, objective: LinearObjective, hessian_of: HessianOf = hessian) -> None:
        self.objective, self._hessian_of = objective, hessian_of
        n, m = objective.n, objective.p + 1
        self.stride = max(1, min(n // (SAMPLE * m), m // CHEAP))
        self.model: Model | None = None
        self._next: Floats | None = None  # the model's next step, where it is known already

    def step(self, point: Point) -> Point | None:
        """Return a lower point, or None if there is none except for rounding."""
        if self.model is not None:
            new = self._follow(self.model, point)
            if new is not None:
                return new
            self._forget()
        for model in models(self.objective, point.z, point.grad, self.stride, self._hessian_of):
            new = None if model is None else self._follow(model, point)
            if new is not None:
                return new
        return None

    def _forget(self) -> None:
        self.model, self.stride, self._next = None, max(1, self.stride // 4), None

    def _follow(self, model: Model, point: Point) -> Point | None:
        D = -model.solve(point.grad) if self._next is None else self._next
        before = -float(np.vdot(D, point.grad))
        self._next = None
        if not (before > 0.0 and np.isfinite(D).all()):
            return None
        new = search(self.objective, point, D)
        if new is not None:
            self.model = model
            model.learn(new.theta - point.theta, new.grad - point.grad)
            self._next = -model.solve(new.grad)
            if not -float(np.vdot(new.grad, self._next)) <= ENOUGH * before:
                self._forget()
        return new


def search(objective: LinearObjective, point: Point, D: Floats) -> Point | None:
    """Return the first point θ + t D, t = 1, ½, ¼, …, that is sufficiently lower."""
    slope = SUFFICIENT_DECREASE * float(np.vdot(D, point.grad))
    # The outputs are linear in t, so each halving costs no product with X. Only the full step may
    # be higher by rounding: close to the minimum that step is right, and the objective cannot tell.
    u = np.empty_like(point.z)
    new = objective.at(point.theta + D, point.z.copy(order="K"), (D, u))
    if new.value <= point.value + slope + 0.125 * ROUNDING * abs(point.value):
        return new
    t = 1.0
    for _ in range(MOST_HALVINGS):
        t *= 0.5
        theta, z = point.theta + t * D, point.z + t * u
        if objective.value(theta, z) <= point.value + t * slope:
            return objective.at(theta, z)
    return None
