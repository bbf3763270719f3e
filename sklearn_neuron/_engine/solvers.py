"""Solvers: how θ moves from the initial parameters to the fitted ones.

``Updates`` makes updates over mini-batches, with any optimizer; ``LBFGS`` and ``Newton`` minimize
the objective over all samples. All follow the protocol ``Solver`` of ``plan``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from sklearn_neuron._engine.batches import MiniBatches, Samples, full_batch
from sklearn_neuron._engine.compiled import CompiledEpoch, choose
from sklearn_neuron._engine.epochs import (
    PENALTY_STATE,
    Epoch,
    FullBatchEpoch,
    MiniBatchEpoch,
    objective,
    penalty_state,
)
from sklearn_neuron._engine.newton import newton
from sklearn_neuron._engine.plan import Plan, Solver
from sklearn_neuron._engine.run import ROUNDING, Plateau, Run, check_finite
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer, State
from sklearn_neuron.schedules import Progress, Schedule

SCALE = "Bring the features to a common scale (for example with StandardScaler)."
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
        self.title = type(optimizer).__name__

    @property
    def unsupported(self) -> Mapping[str, str]:
        if self.optimizer.has_proximal_scale():
            return {}
        needed = "an optimizer that defines proximal_scale, as the built-in ones do"
        return {"l1_ratio": f"{needed} and {self.title} does not"}

    def fitted(self, theta: Array, state: State) -> Array:
        return self.optimizer.fitted(theta, state)

    def train(self, network: Network, samples: Samples, plan: Plan, run: Run) -> None:
        state = self._state(plan, network)
        epoch = self._epoch(network, samples, plan, run, state)
        progress = Progress(plan.last.epochs, plan.max_iter, plan.last.plateaus)
        plateau = Plateau(plan.tol, plan.n_iter_no_change, validation=plan.early_stopping)
        run.plateaus, run.engine = progress.plateaus, epoch.engine
        for number in range(1, plan.n_epochs + 1):
            rate = rate_of(plan.schedule, plan.eta, progress)
            loss = epoch(rate)
            check_finite(
                loss,
                network.theta,
                epoch.state,
                f"in epoch {number} with eta={rate:g}",
                f"Try a smaller eta (say {rate / 10:g}) and features of a common scale "
                "(for example with StandardScaler).",
            )
            run.commit(network.theta, epoch.state, loss, rate, last=number == plan.n_epochs)
            progress = progress._replace(epoch=progress.epoch + 1)
            run.call(plan.callbacks)
            run.converged = epoch.solved()
            if not run.converged and plateau.reached(run):
                run.converged = not plan.schedule.continues(plan.eta, run.plateaus + 1)
                if not run.converged:
                    run.plateaus += 1
                    progress = progress._replace(plateaus=run.plateaus)
                    plateau.stale = 0
            if run.converged or run.stopped:
                return

    def _state(self, plan: Plan, network: Network) -> State:
        """Return a copy of the last state, or a new one of what is of another kind.

        Either may hold for the optimizer and for the L1 penalty by itself.
        """
        last = plan.last.state if self.title == plan.last.optimizer else {}
        penalty = {name: last[name] for name in PENALTY_STATE if name in last}
        own = {name: last[name] for name in last if name not in {*penalty, "iterate"}}
        if own.keys() == self.optimizer.start(network.theta[:0]).keys():
            state = plain_copy(own)
        else:
            state = self.optimizer.start(network.theta)
        if network.beta and penalty.get("l1_strength") == network.beta:
            return {**state, **plain_copy(penalty)}
        return {**state, **penalty_state(network)}

    def _epoch(
        self, network: Network, samples: Samples, plan: Plan, run: Run, state: State
    ) -> Epoch:
        """Choose what computes an epoch: that depends on the job alone."""
        updater = run.history.updater(network, self.optimizer, state)
        n, batch_size = len(samples.Y), plan.batch_size
        run.refusal, compiled = choose(plan.engine, updater, n, batch_size, plan.n_epochs)
        if batch_size is None or batch_size >= n:
            return FullBatchEpoch(updater, full_batch(network, samples))
        if compiled:
            if plan.on_compile is not None:
                plan.on_compile()
            return CompiledEpoch(updater, samples, batch_size, plan.shuffling())
        return MiniBatchEpoch(updater, MiniBatches(network, samples, batch_size), plan.shuffling())


def plain_copy(state: State) -> State:
    """Return a copy of a state: plain arrays, even of a memory-mapped model."""
    return {
        name: np.array(value) if isinstance(value, np.ndarray) else value
        for name, value in state.items()
    }


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

    def train(self, network: Network, samples: Samples, plan: Plan, run: Run) -> None:
        blocks, plateau, at_start = full_batch(network, samples), plateau_of(plan), True

        def value_and_gradient(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            nonlocal at_start
            np.copyto(network.theta, theta, casting="same_kind")
            value = objective(network, blocks)
            if at_start:  # later the line search may try such a point, and leave it
                check_finite(value, theta, {}, "at the start of L-BFGS", SCALE)
                at_start = False
            # a copy, because the minimizer keeps the array that it is given
            return value, network.grad.astype(np.float64)

        def after_iteration(intermediate_result: optimize.OptimizeResult) -> None:
            run.commit(intermediate_result.x, {}, float(intermediate_result.fun), math.nan)
            run.call(plan.callbacks)
            run.converged = plateau.reached(run)
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
        if not run.losses:  # the start was already a minimum
            run.commit(result.x, {}, float(result.fun), math.nan)
        check_finite(run.losses[-1], run.theta, {}, f"in iteration {result.nit} of L-BFGS", SCALE)
        run.converged = run.converged or result.status == 0
        run.message = f"; SciPy says: {result.message}"


class Newton(Solver):
    """Newton's method over all samples, for networks without hidden layers: see ``newton``."""

    title = "Newton's method"
    unsupported = WITHOUT_UPDATES

    def train(self, network: Network, samples: Samples, plan: Plan, run: Run) -> None:
        newton(
            network,
            samples,
            run,
            max_iter=plan.n_epochs,
            tol=plan.tol,
            plateau=plateau_of(plan),
            callbacks=plan.callbacks,
        )


def plateau_of(plan: Plan) -> Plateau:
    """Return the plateau that ends iterations: one of the validation data, if any."""
    tol = plan.tol if plan.early_stopping else None
    return Plateau(tol, plan.n_iter_no_change, validation=True)


#: Solvers other than optimizers by name. Each estimator names those that suit it.
SOLVERS: dict[str, type[Solver]] = {"lbfgs": LBFGS, "newton": Newton}


def solver_of(choice: str | Optimizer) -> Solver:
    """Return the solver that ``solver=`` names."""
    if isinstance(choice, str) and choice in SOLVERS:
        return SOLVERS[choice]()
    return Updates(OPTIMIZERS[choice]() if isinstance(choice, str) else choice)
