"""Solvers: how θ moves from the initial parameters to the fitted ones.

``Updates`` makes updates over mini-batches, with any optimizer; ``LBFGS``, ``Newton`` and
``NewtonCG`` minimize the objective over all samples. All follow ``Solver`` of ``plan``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from sklearn_neuron._engine.descent import SCALE, descend, plateau_of
from sklearn_neuron._engine.epochs import (
    PENALTY_STATE,
    Passed,
    Plateau,
    penalty_state,
)
from sklearn_neuron._engine.plan import Place, Plan, Solver
from sklearn_neuron._engine.run import ROUNDING, Moment, Run, check_finite, diverged
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer, State
from sklearn_neuron.schedules import SCHEDULES, Constant, Progress, Schedule

#: Epochs whose rates are computed at a time, constant ones and others; training may end before.
CONSTANT_AHEAD, RATES_AHEAD = 1000, 32
#: What solvers without updates do not support.
WITHOUT_UPDATES = dict.fromkeys(
    ("l1_ratio", "dropout"), "a solver with updates, such as 'sgd' or 'adam'"
)


class Updates(Solver):
    """Updates over mini-batches or over all samples, by an optimizer."""

    unit = "epoch"
    has_updates = True

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.title, self.adaptive = type(optimizer).__name__, optimizer.adaptive

    @property
    def unsupported(self) -> Mapping[str, str]:
        if self.optimizer.has_proximal_scale():
            return {}
        needed = "an optimizer that defines proximal_scale, as the built-in ones do"
        return {"l1_ratio": f"{needed} and {self.title} does not"}

    def start(self, theta: Array) -> State:
        return self.optimizer.start(theta)

    def fitted(self, theta: Array, state: State) -> Array:
        return self.optimizer.fitted(theta, state)

    def train(self, network: Network, place: Place, plan: Plan, run: Run) -> None:
        state = self._state(plan, network)
        updater = run.history.updater(network, self.optimizer, state, place.n)
        epochs = place.epochs(updater, plan, run)
        progress = Progress(plan.last.epochs, plan.max_iter, plan.last.plateaus)
        plateau = Plateau(plan.tol, plan.n_iter_no_change, validation=plan.early_stopping)
        drawn = None if run.stream is None else run.stream.get()
        run.moment = run.moment._replace(plateaus=progress.plateaus, drawn=drawn)
        run.engine = epochs.engine
        # where nobody looks at every epoch, as many as possible are made in one call
        alone = run.validation is None and not plan.callbacks and plan.record.kind == "loss"
        done = 0
        while done < plan.n_epochs and not (run.converged or run.stopped):
            left = plan.n_epochs - done if alone else 1
            rates = rates_of(plan.schedule, plan.eta, progress, left)
            passed = epochs(rates, plateau if alone else None)
            moment = moment_after(network.theta, epochs.state, passed, rates, plan, run)
            if passed.interrupt is not None:  # of its epoch no plateau is known
                run.moment = moment
                raise passed.interrupt
            ends = False
            if passed.status == "solved":
                ends = place.is_solved(run.fitted_at(moment.theta, moment.state), network)
            if not ends and (passed.status == "plateau" if alone else plateau.reached(moment)):
                ends = not plan.schedule.continues(plan.eta, moment.plateaus + 1)
                moment = moment._replace(plateaus=moment.plateaus + (not ends))
                plateau.stale = 0
            run.moment = moment
            if plan.callbacks:
                run.call(plan.callbacks)
            run.converged, done = ends, moment.n_epochs
            epoch = progress.epoch + len(passed.losses)
            progress = progress._replace(epoch=epoch, plateaus=moment.plateaus)

    def _state(self, plan: Plan, network: Network) -> State:
        """Return a copy of the last state, or a new one of what is of another kind.

        Either may hold for the optimizer and for the L1 penalty by itself.
        """
        last = plan.last.state if self.title == plan.last.optimizer else {}
        if not last:
            return {**self.optimizer.start(network.theta), **penalty_state(network)}
        penalty = {name: last[name] for name in PENALTY_STATE if name in last}
        own = {name: last[name] for name in last if name not in {*penalty, "iterate"}}
        state = continued(own, self.optimizer.start(network.theta))
        new = penalty_state(network)
        if new and new["l1_strength"] == penalty.get("l1_strength"):
            new = continued(penalty, new)
        return {**state, **new}


def moment_after(
    theta: Array, state: State, passed: Passed, rates: NDArray[np.float64], plan: Plan, run: Run
) -> Moment:
    """Return the moment after the complete epochs; raise if the next one diverged."""
    n = run.moment.n_epochs + len(passed.losses)
    if passed.status == "diverged":
        rate = rates[len(passed.losses)]
        raise diverged(
            f"in epoch {n + 1} with eta={rate:g}",
            f"Try a smaller eta (say {rate / 10:g}) and features of a common scale "
            "(for example with StandardScaler).",
        )
    etas = rates[: len(passed.losses)].tolist()
    return run.after(theta, state, passed.losses, etas, last=n == plan.n_epochs)


def rates_of(schedule: Schedule, eta: float, progress: Progress, n: int) -> NDArray[np.float64]:
    """Return the learning rates of the next n epochs, or of fewer.

    A schedule that is not the package's own is asked for one epoch at a time, when it comes.
    """
    if type(schedule) is Constant:
        return np.full(min(n, CONSTANT_AHEAD), rate_of(schedule, eta, progress))
    n = min(n, RATES_AHEAD) if type(schedule) in SCHEDULES.values() else 1
    epochs = range(progress.epoch, progress.epoch + n)
    return np.array([rate_of(schedule, eta, progress._replace(epoch=t)) for t in epochs])


def continued(last: State, new: State) -> State:
    """Return a copy of the last state with the precision of a new one, or the new one.

    The last state has to have what the new one has: someone may have exchanged the parameters.
    """
    if last.keys() != new.keys():
        return new
    copy: State = {}
    for name, value in new.items():
        if np.shape(last[name]) != np.shape(value):
            return new
        if isinstance(value, np.ndarray):
            copy[name] = np.array(last[name], value.dtype)
        else:
            copy[name] = deepcopy(last[name])
    return copy


def rate_of(schedule: Schedule, eta: float, progress: Progress) -> float:
    """Return the learning rate of an epoch, or raise if the schedule returns none."""
    rate: Any = schedule(eta, progress)
    if not isinstance(rate, Real) or not 0.0 <= float(rate) < math.inf:
        raise ValueError(
            f"{schedule!r} must return a finite learning rate >= 0; got {rate!r} for {progress}."
        )
    return float(rate)


class LBFGS(Solver):
    """L-BFGS over all samples, by SciPy, in float64 whatever the network's dtype."""

    title = "L-BFGS"
    unsupported = WITHOUT_UPDATES

    def train(self, network: Network, place: Place, plan: Plan, run: Run) -> None:
        function, plateau = place.objective(network, plan, run), plateau_of(plan)
        at_start = True

        def value_and_gradient(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            nonlocal at_start
            value, gradient = function.value_and_gradient(theta)
            if at_start:  # later the line search may try such a point, and leave it
                check_finite(value, theta, {}, "at the start of L-BFGS", SCALE)
                at_start = False
            return value, gradient

        def after_iteration(intermediate_result: optimize.OptimizeResult) -> None:
            value, theta = float(intermediate_result.fun), intermediate_result.x
            theta = theta.astype(run.moment.theta.dtype)  # where it may overflow
            when = f"in iteration {run.moment.n_epochs + 1} of L-BFGS"
            check_finite(value, theta, {}, when, SCALE)
            run.keep(theta, {}, value, math.nan)
            run.call(plan.callbacks)
            run.converged = plateau.reached(run.moment)
            if run.stopped or run.converged:
                raise StopIteration

        result = optimize.minimize(
            value_and_gradient,
            network.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=after_iteration,
            options={
                "maxiter": plan.n_epochs,
                "maxfun": 20 * plan.n_epochs + 100,
                "maxls": 50,
                "gtol": 0.0 if plan.tol is None else plan.tol,
                "ftol": 0.0 if plan.tol is None else ROUNDING,
            },
        )
        if not run.moment.n_epochs:  # the start was already a minimum
            run.keep(result.x, {}, float(result.fun), math.nan)
        when = f"in iteration {result.nit} of L-BFGS"
        check_finite(run.moment.loss, run.moment.theta, {}, when, SCALE)
        run.converged = run.converged or result.status == 0
        run.message = f"; SciPy says: {result.message}"


class Newton(Solver):
    """Newton's method over all samples, for networks without hidden layers: see ``newton``."""

    title = "Newton's method"
    unsupported = WITHOUT_UPDATES

    def train(self, network: Network, place: Place, plan: Plan, run: Run) -> None:
        descend(place.newton(network), network.theta, plan, run, self.title)


class NewtonCG(Solver):
    """Newton's method by conjugate gradients: see ``newton_cg``."""

    title = "newton-cg"
    unsupported = WITHOUT_UPDATES

    def train(self, network: Network, place: Place, plan: Plan, run: Run) -> None:
        descend(place.newton_cg(network, plan.tol), network.theta, plan, run, self.title)


#: Solvers other than optimizers by name. Each estimator names those that suit it.
SOLVERS: dict[str, type[Solver]] = {
    "lbfgs": LBFGS,
    "newton": Newton,
    "newton-cg": NewtonCG,
}


def solver_of(choice: str | Optimizer) -> Solver:
    """Return the solver that ``solver=`` names."""
    if isinstance(choice, str) and choice in SOLVERS:
        return SOLVERS[choice]()
    return Updates(OPTIMIZERS[choice]() if isinstance(choice, str) else choice)
