r"""Newton's method: steps by the Hessian, for networks without a hidden layer.

.. math:: \theta \leftarrow \theta - t H^{-1} \nabla

with t halved from 1 until the objective falls by enough (Armijo). Where H is not positive
definite its Gauss-Newton part takes its place. Where that is singular the step is the one of
minimum norm or, if :math:`\nabla` has a part that H does not reach, :math:`H + \lambda U` takes
its place, with U a diagonal of the columns' sizes and the smallest λ that will do (Levenberg,
Marquardt).

An H costs as much as many gradients. So far from the minimum it is made of a part of the rows,
and it is kept, corrected by the steps taken since (BFGS), while they lead down fast enough. The
gradient is always exact, and so is where it vanishes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs

from sklearn_neuron._engine.batches import Rows
from sklearn_neuron._engine.hessian import Floats, Hessian, Point, Surface
from sklearn_neuron._engine.training import Plateau, Run, Watcher, check_finite
from sklearn_neuron.network import Network

Inverse = Callable[[Floats], Floats]
Solver = Callable[[Floats, Floats], Inverse | None]

ARMIJO, HALVINGS = 1e-4, 30
SAMPLE = 5  # rows for each column that a first Hessian is made of, at least
CHEAP = 4  # p / 4 times fewer rows make a Hessian cheaper than a gradient
ENOUGH = 0.3  # how far a step's squared length must fall for H to be kept
MEMORY = 10  # steps that correct H
SINGULAR = 1e-13  # a reciprocal condition number
FLAT = 1e-10  # an eigenvalue, where the largest is between 1 and p
CONSISTENT = 1e-3  # share of a gradient that H need not reach
DAMPINGS = tuple(10.0**k for k in range(-8, 9, 2))
ROUGHLY = 1e-6  # a gradient that rounding may leave
ROUNDING = 64 * np.finfo(np.float64).eps  # what L-BFGS has too


class Model:
    """What the surface is like around a place: factors of H, sharpened by the steps since then.

    A step S that changed the gradient by G says what :math:`H S` was on the average along it;
    the BFGS formula corrects H accordingly, in the form of its two-loop recursion [1]_.

    Parameters
    ----------
    inverses : list of (callable, ndarray)
        For each set of outputs the scaled H's inverse, and the scale.

    References
    ----------
    .. [1] J. Nocedal (1980). Updating quasi-Newton matrices with limited storage. Mathematics of
       Computation 35(151), 773-782. https://doi.org/10.1090/S0025-5718-1980-0572855-7
    """

    def __init__(self, inverses: list[tuple[Inverse, Floats]]) -> None:
        self.inverses = inverses
        self.steps: list[tuple[Floats, Floats, float]] = []

    def learn(self, S: Floats, G: Floats) -> None:
        """Take note that a step by S changed the gradient by G."""
        product = float(np.vdot(S, G))
        if product > 0.0:
            self.steps = [*self.steps[1 - MEMORY :], (S, G, 1.0 / product)]

    def solve(self, grad: Floats) -> Floats:
        """Return H⁻¹ ∇."""
        v, along = grad.copy(), []
        for S, G, scale in reversed(self.steps):
            along.append(scale * float(np.vdot(S, v)))
            v -= along[-1] * G
        v = self._solve(v)
        for (S, G, scale), a in zip(self.steps, reversed(along), strict=True):
            v += (a - scale * float(np.vdot(G, v))) * S
        return v

    def _solve(self, v: Floats) -> Floats:
        solution = np.empty_like(v)
        together = v.shape[1] // len(self.inverses)
        for i, (inverse, scale) in enumerate(self.inverses):
            outputs = slice(i * together, (i + 1) * together)
            x = inverse(v[:, outputs].T.ravel() * scale) * scale
            solution[:, outputs] = x.reshape(together, -1).T
        return solution


def by_cholesky(M: Floats, _: Floats) -> Inverse | None:
    """Return g ↦ M⁻¹ g, or None unless M is safely positive definite."""
    norm = float(np.abs(M).sum(axis=0).max())
    factor, failed = dpotrf(M.T)
    if failed or dpocon(factor, norm)[0] < SINGULAR:
        return None
    return lambda v: dpotrs(factor, v)[0]


def by_eigenvalues(M: Floats, g: Floats) -> Inverse | None:
    """Return g ↦ M⁺ g, of minimum norm, or None where g has a part that M does not reach."""
    values, vectors = eigh(M)
    values, V = values[values > FLAT], vectors[:, values > FLAT]
    beyond = g - V @ (V.T @ g)
    if np.linalg.norm(beyond) > CONSISTENT * np.linalg.norm(g):
        return None
    return lambda v: V @ ((V.T @ v) / values)


def invert(
    H: Hessian, grad: Floats, how: Solver = by_cholesky, damping: Floats | None = None
) -> Model | None:
    """Return the model of H + diag(damping), or None where ``how`` has no inverse of it."""
    together = grad.shape[1] // len(H.matrices)
    inverses = []
    for i, matrix in enumerate(H.matrices):
        M = matrix.copy()
        if damping is not None:
            M[np.diag_indices(len(M))] += np.tile(damping, together)
        if not (np.isfinite(M).all() and (M.diagonal() >= 0.0).all()):
            return None
        scale = 1.0 / np.sqrt(np.where(M.diagonal() > 0.0, M.diagonal(), 1.0))
        M *= scale
        M *= scale[:, None]  # a diagonal of ones, so that the features' units do not matter
        inverse = how(M, grad[:, i * together : (i + 1) * together].T.ravel() * scale)
        if inverse is None:
            return None
        inverses.append((inverse, scale))
    return Model(inverses)


def models(surface: Surface, point: Point, stride: int) -> Iterator[Model | None]:
    """Yield models of the surface around a place, each less daring than the one before it."""
    loss = surface.loss
    if stride > 1:
        yield invert(surface.hessian(point.z, loss.curvature, stride), point.grad)
    H = surface.hessian(point.z, loss.curvature)
    yield invert(H, point.grad)
    if not H.convex:
        H = surface.hessian(point.z, loss.gauss_newton)
        yield invert(H, point.grad)
    yield invert(H, point.grad, by_eigenvalues)
    sizes = surface.sizes()
    for damping in DAMPINGS:
        yield invert(H, point.grad, damping=damping * sizes)


class Descent:
    """Steps down a surface.

    A model is kept for as long as the square of a step's length, by the model's own measure,
    falls fast enough. The first model is of every ``stride``-th row only: far from the minimum H
    need not be exact. Each new one is of four times as many.
    """

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        n, m = surface.n, surface.p + 1
        self.stride = max(1, min(n // (SAMPLE * m), m // CHEAP))
        self.model: Model | None = None

    def step(self, point: Point) -> Point | None:
        """Return a lower place, or None where there is none but for rounding."""
        if self.model is not None:
            new = self._follow(self.model, point)
            if new is not None:
                return new
            self._forget()
        for model in models(self.surface, point, self.stride):
            new = None if model is None else self._follow(model, point)
            if new is not None:
                return new
        return None

    def _forget(self) -> None:
        self.model, self.stride = None, max(1, self.stride // 4)

    def _follow(self, model: Model, point: Point) -> Point | None:
        D = -model.solve(point.grad)
        before = -float(np.vdot(D, point.grad))
        if not (before > 0.0 and np.isfinite(D).all()):
            return None
        new = search(self.surface, point, D)
        if new is not None:
            self.model = model
            model.learn(new.theta - point.theta, new.grad - point.grad)
            after = float(np.vdot(new.grad, model.solve(new.grad)))
            if not after <= ENOUGH * before:
                self._forget()
        return new


def search(surface: Surface, point: Point, D: Floats) -> Point | None:
    """Return the first place θ + t D, t = 1, ½, ¼, …, that is lower by enough."""
    slope = ARMIJO * float(np.vdot(D, point.grad))
    u = np.empty_like(point.z)
    new = surface.at(point.theta + D, point.z.copy(), (D, u))
    if new.value <= point.value + slope + 0.125 * ROUNDING * abs(point.value):
        return new
    t = 1.0
    for _ in range(HALVINGS):
        t *= 0.5
        theta, z = point.theta + t * D, point.z + t * u
        if surface.value(theta, z) <= point.value + t * slope:
            return surface.at(theta, z)
    return None


def newton(
    network: Network,
    rows: Rows,
    run: Run,
    *,
    max_iter: int,
    tol: float | None,
    plateau: Plateau | None = None,
    watchers: Sequence[Watcher] = (),
) -> None:
    """Minimise the objective over θ by Newton's method.

    Parameters and errors are those of ``minimize``, with the training set for its blocks.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright (2006). Numerical Optimization, second edition, sections
       3.1 to 3.4 and 10.3. Springer. https://doi.org/10.1007/978-0-387-40065-5
    """
    remedy = "Bring the features to a common scale (for example with StandardScaler)."
    surface = Surface(network, rows)
    theta = network.theta.astype(np.float64).reshape(-1, network.layer_sizes[-1])
    z = np.zeros(rows.Y.shape)
    if theta.any():
        z += rows.X @ theta[:-1] + theta[-1]
    theta = surface.inner(theta)
    point, descent = surface.at(theta, z), Descent(surface)
    check_finite(point.value, point.grad, {}, "at the start of Newton's method", remedy)
    limit = 0.0 if tol is None else tol
    while len(run.losses) < max_iter:
        when = f"in iteration {len(run.losses) + 1} of Newton's method"
        new = descent.step(point) if np.abs(point.grad).max() > limit else None
        if new is None:  # no place is lower but for rounding, or H overflows
            check_finite(point.value, surface.sizes(), {}, when, remedy)
            run.converged = np.abs(point.grad).max() <= max(limit, ROUGHLY)
            run.message = "; no step lowers the objective any more"
            break
        fall, point = point.value - new.value, new
        check_finite(point.value, np.append(point.theta, point.grad), {}, when, remedy)
        run.commit(surface.outer(point.theta).ravel(), {}, point.value, math.nan)
        run.look(watchers)
        flat = tol is not None and bool(fall <= ROUNDING * abs(point.value + fall))
        run.converged = flat or bool(np.abs(point.grad).max() <= limit)
        run.converged = run.converged or (plateau is not None and plateau.reached(run))
        if run.converged or run.stopped:
            break
    if not run.losses:  # the start was already a minimum
        run.commit(surface.outer(point.theta).ravel(), {}, point.value, math.nan)
