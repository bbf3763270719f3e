"""Descent over all samples: the loop that Newton's method and newton-cg share."""

from __future__ import annotations

import math

import numpy as np

from sklearn_neuron._engine.epochs import Plateau
from sklearn_neuron._engine.objective import Floats, Steps
from sklearn_neuron._engine.plan import Plan
from sklearn_neuron._engine.run import ROUNDING, Run, check_finite

SCALE = "Bring the features to a common scale (for example with StandardScaler)."
#: Component of a gradient that counts as zero where no step lowers the objective. After 40
#: iterations on eight data sets rounding left up to 2e-15, and 2e-9 where the features were a
#: million times as large.
ROUGHLY = 1e-6
#: Values of λ; in 90 fits from far starts no other than the first was needed. From 1e-10 / 1e-8 /
#: 1e-4 / 1 on, 48 fits without penalty took 1,262 / 1,325 / 3,685 / 12,338 iterations; factors of
#: 10 to 10,000 between the values make no difference.
DAMPINGS = tuple(10.0**k for k in range(-10, 9, 2))
#: Decrease of the objective that a step needs (Armijo), as a fraction of the slope. With 1e-8 /
#: 1e-4 / 0.1 / 0.3: 20 / 20 / 19 / 18 iterations of Newton's method on digits, and no difference on
#: six other data sets.
SUFFICIENT_DECREASE = 1e-4
#: Most halvings of a step. They matter little: with 5 / 30 / 60, 120 fits by Newton's method from
#: far starts took 2,399 / 2,428 / 2,405 iterations.
MOST_HALVINGS = 30


def descend(steps: Steps, theta: Floats, plan: Plan, run: Run, title: str) -> None:
    """Minimize the objective over θ, step by step.

    Parameters
    ----------
    steps : Steps
        The method.
    theta : ndarray
        The start: a network's θ.
    plan : Plan
        When to end: where no component of the gradient is larger than its ``tol``, or where the
        objective falls by no more than rounding does. Without ``tol`` all iterations are run.
    run : Run
        Receives every iteration.
    title : str
        Name of the method in messages.

    Raises
    ------
    DivergenceError
        If the objective or a parameter is not finite.
    """
    objective, plateau = steps.objective, plateau_of(plan)
    frame, point, limit = objective.frame, objective.start(theta), plan.tol or 0.0
    check_finite(point.value, point.grad, {}, f"at the start of {title}", SCALE)
    while run.moment.n_epochs < plan.n_epochs:
        when = f"in iteration {run.moment.n_epochs + 1} of {title}"
        new = steps.step(point) if frame.largest(point.grad) > limit else None
        if new is None:  # no point is lower except for rounding, or H overflows
            check_finite(point.value, objective.sizes(), {}, when, SCALE)
            run.converged = frame.largest(point.grad) <= max(limit, ROUGHLY)
            run.message = "; no step lowers the objective any more"
            break
        fall, point = point.value - new.value, new
        outer = frame.outer(point.theta).ravel().astype(run.moment.theta.dtype)  # may overflow
        check_finite(point.value, np.append(outer, point.grad), {}, when, SCALE)
        run.keep(outer, {}, point.value, math.nan)
        run.call(plan.callbacks)
        flat = plan.tol is not None and bool(fall <= ROUNDING * abs(point.value + fall))
        run.converged = flat or frame.largest(point.grad) <= limit or plateau.reached(run.moment)
        if run.converged or run.stopped:
            break
    if not run.moment.n_epochs:  # the start was already a minimum
        run.keep(frame.outer(point.theta).ravel(), {}, point.value, math.nan)


def plateau_of(plan: Plan) -> Plateau:
    """Return the plateau that ends iterations: one of the validation data, if any."""
    tol = plan.tol if plan.early_stopping else None
    return Plateau(tol, plan.n_iter_no_change, validation=True)
