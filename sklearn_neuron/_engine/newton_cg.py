r"""Newton's method without the Hessian: steps by conjugate gradients.

Each step :math:`D` solves :math:`H D = -\nabla` only roughly, by the preconditioned method of
conjugate gradients, which needs H as products :math:`H V` alone: two products with X each. So no
matrix of p² numbers is ever there, and X may be sparse. Along D, a point is sought that is
sufficiently lower (Armijo). Where H turns out not to be positive definite, its Gauss-Newton part is
used instead.

The solution is rough far from the minimum and becomes exact near it: its residual, measured by the
preconditioner, falls to a fraction of the gradient that goes to zero with the gradient itself
(Dembo, Eisenstat, Steihaug), so that the steps converge faster than at any rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from sklearn_neuron._engine.descent import DAMPINGS, MOST_HALVINGS, SUFFICIENT_DECREASE
from sklearn_neuron._engine.objective import CurvedObjective, Floats, HessianOperator, Point
from sklearn_neuron._engine.run import ROUNDING

Preconditioner = Callable[[Floats], Floats]

#: Largest residual of a step. With 0.1 / 0.3 / 0.5 / 0.7: 234 / 251 / 251 / 227 ms on 20,000 × 200
#: with ten outputs, 58 / 63 / 65 / 72 ms on texts of 100,000 words, 139 / 146 / 145 / 146 ms on
#: uniform sparse rows.
FORCING = 0.1
#: Smallest residual that is asked for: below it, rounding may keep a step from its end.
EXACT = 1e-6
#: Component of the residual that will do, as a part of tol: the gradient is the residual, but for
#: the curvature's change. With 0.1 / 0.25 / 0.5, 17 / 15 / 14 products on uniform sparse rows.
PART_OF_TOL = 0.5
#: Most products with H in one step.
MOST_PRODUCTS = 500
#: Products of a step after which there is another preconditioner, at the cost of one or two. With 4
#: / 8 / 20 / never, no data set of six took longer or shorter by more than chance. This is for
#: starts where the curvature says nothing.
WORTH_ANOTHER = 50


class Damped(NamedTuple):
    """H plus a diagonal, as Levenberg and Marquardt have it, for where H itself is nothing.

    Parameters
    ----------
    hessian : HessianOperator
        H.
    diagonal : ndarray of shape (n_features + 1, 1)
        What is added.
    """

    hessian: HessianOperator
    diagonal: Floats

    def product(self, V: Floats) -> Floats:
        return self.hessian.product(V) + self.diagonal * V

    def preconditioner(self) -> Preconditioner:
        return lambda grad: grad / self.diagonal

    def project_out_null_space(self, D: Floats) -> Floats:
        return self.hessian.project_out_null_space(D)


class ConjugateDescent:
    """Steps by conjugate gradients.

    Parameters
    ----------
    objective : CurvedObjective
        The objective.
    tol : float or None
        Component of the gradient that will do.
    """

    def __init__(self, objective: CurvedObjective, tol: float | None) -> None:
        self.objective, self.enough = objective, PART_OF_TOL * (tol or 0.0)
        self._first: float | None = None  # ‖∇‖ at the start
        self._precondition: Preconditioner | None = None

    def step(self, point: Point) -> Point | None:
        """Return a lower point, or None if there is none except for rounding."""
        size = float(np.linalg.norm(point.grad))
        self._first = self._first or size
        accuracy = max(EXACT, min(FORCING, math.sqrt(size / self._first)))
        for hessian in self._hessians(point):
            D = self._solve(hessian, point.grad, accuracy)
            new = None if D is None else self._search(point, hessian.project_out_null_space(D))
            if new is not None:
                return new
            self._precondition = None
        return None

    def _hessians(self, point: Point) -> Iterator[HessianOperator]:
        """Yield what may stand for H, each more cautious than the last."""
        yield self.objective.curvature(point)
        convex = self.objective.curvature(point, convex=True)
        yield convex
        sizes = self.objective.sizes()[:, None]
        for damping in DAMPINGS:
            yield Damped(convex, damping * sizes)

    def _solve(self, hessian: HessianOperator, grad: Floats, accuracy: float) -> Floats | None:
        """Return D with H D ≈ −∇, or None if H is not positive along the gradient.

        Parameters
        ----------
        hessian : HessianOperator
            H.
        grad : ndarray
            ∇.
        accuracy : float
            Largest residual, as a fraction of the gradient, in the preconditioner's norm.
        """
        if self._precondition is None:
            self._precondition = hessian.preconditioner()
        precondition, D, r = self._precondition, np.zeros_like(grad), -grad
        y = precondition(r)
        P, height = y.copy(), float(np.vdot(r, y))
        goal = accuracy * accuracy * height
        for number in range(MOST_PRODUCTS):
            HP = hessian.product(P)
            along = float(np.vdot(P, HP))
            if not along > 0.0:
                return D if number else None
            t = height / along
            D += t * P
            r -= t * HP
            y, last = precondition(r), height
            height = float(np.vdot(r, y))
            if height <= goal or self.objective.frame.largest(r) <= self.enough:
                break
            P *= height / last
            P += y
        if number >= WORTH_ANOTHER:
            self._precondition = None
        return D

    def _search(self, point: Point, D: Floats) -> Point | None:
        """Return the first point θ + t D, t = 1, ½, ¼, …, that is sufficiently lower."""
        slope, t = float(np.vdot(D, point.grad)), 1.0
        if not (slope < 0.0 and np.isfinite(D).all()):
            return None
        rounding = 0.125 * float(ROUNDING) * abs(point.value)
        for _ in range(MOST_HALVINGS):
            new = self.objective.step(point, t * D)
            if new.value <= point.value + SUFFICIENT_DECREASE * t * slope + rounding:
                return new
            t, rounding = 0.5 * t, 0.0
        return None
