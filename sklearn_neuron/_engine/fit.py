"""The way into the engine: a network, samples and a plan go in, a run comes out.

``InMemory`` is the place of samples in this process: it chooses what computes.
"""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import numpy as np

from sklearn_neuron._engine.batches import MiniBatches, Samples, full_batch, outputs_are_finite
from sklearn_neuron._engine.compiled import (
    CompiledEpochs,
    compiled_objective,
    objective_refusal,
    refusal,
)
from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron._engine.epochs import (
    Epochs,
    FullBatchEpochs,
    MiniBatchEpochs,
    Updater,
    evaluate,
)
from sklearn_neuron._engine.memory import check_memory
from sklearn_neuron._engine.newton import Descent
from sklearn_neuron._engine.newton_cg import ConjugateDescent
from sklearn_neuron._engine.objective import LinearObjective, Objective, Steps, objective_of
from sklearn_neuron._engine.plan import Place, Plan
from sklearn_neuron._engine.recording import HISTORIES
from sklearn_neuron._engine.row_space import in_row_space
from sklearn_neuron._engine.run import Run, Stream
from sklearn_neuron._engine.validation import Validation
from sklearn_neuron._typing import Array
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.network import Network, raw_output, split


def fit_network(network: Network, samples: Samples | Place | None, plan: Plan) -> Run:
    """Train a network from each start of the plan, and return the best run.

    Parameters
    ----------
    network : Network
        Its θ is overwritten.
    samples : Samples, Place or None
        The training data, or where they are; None leaves the network at its start.
    plan : Plan
        How to train.

    Returns
    -------
    Run
        The run that ended best: on the validation data if there are any, else by the objective. A
        start from which training diverges is skipped if there is another.

    Raises
    ------
    DivergenceError
        If training diverges from every start.
    KeyboardInterrupt
        If training is interrupted before its first complete epoch, or where it ended is being
        looked at. Any other interrupt is stored in the run.
    """
    place = InMemory(samples, len(samples.Y)) if isinstance(samples, Samples) else samples
    best: Run | None = None
    best_height: tuple[float, ...] = ()
    diverged: DivergenceError | None = None
    for coefs, intercepts in plan.starts:
        network.set_parameters(coefs, intercepts)
        run = new_run(network, plan)
        if plan.on_start is not None:
            plan.on_start(run)
        if place is not None and plan.record.kind != "loss":
            check_record(run, network, place.n, plan, plan.n_epochs)
        try:
            if place is not None:
                train(network, place, plan, run)
                check_outputs(network, place, plan, run)
        except DivergenceError as error:
            diverged = error.with_traceback(None)  # whose frames, this one, too, know the samples
            continue
        except KeyboardInterrupt as interrupt:
            if best is None:
                raise
            best.interrupt = interrupt
            return best
        if plan.n_starts == 1 or place is None:
            return run
        # θ may be the network's own, which the next start overwrites
        run.moment = run.moment._replace(theta=run.moment.theta.copy())
        height = height_of(network, place, run)
        if best is None or height > best_height:
            best, best_height = run, height
        if run.interrupt is not None or run.stopped:
            best.interrupt = run.interrupt
            break
    if best is None:
        assert diverged is not None  # from every start
        try:
            raise diverged
        finally:
            del diverged  # it knows this frame again
    return best


def new_run(network: Network, plan: Plan) -> Run:
    """Return a run at its start."""
    record = plan.record
    if record.kind == "step" and not plan.solver.has_updates:
        record = copy.copy(record).set_params(kind="epoch")  # an iteration is a step and an epoch
    history = HISTORIES[record.kind](network.theta, record, plan.first)
    validation = None if plan.validation is None else Validation(network, plan.validation)
    return Run(network.theta, history, plan.solver.fitted, validation)


def check_record(run: Run, network: Network, n: int, plan: Plan, n_epochs: int) -> None:
    """Raise a ValueError if the record of that many epochs over n samples would be too large."""
    state = plan.solver.start(network.theta)
    run.history.check_size(n_epochs, n, min(plan.batch_size or n, n), state)


def train(network: Network, place: Place, plan: Plan, run: Run) -> None:
    """Train by the plan's solver; an interrupt after the first epoch is stored in the run."""
    try:
        with np.errstate(all="ignore"):  # what is not finite is found at the end of the epoch
            plan.solver.train(network, place, plan, run)
    except KeyboardInterrupt as interrupt:
        run.wind_back()
        if not run.moment.n_epochs:
            raise
        run.interrupt = interrupt.with_traceback(None)  # whose frames know the run
    finally:
        if run.moment.best is not None:
            run.restore_best()


def check_outputs(network: Network, place: Place, plan: Plan, run: Run) -> None:
    """Raise a DivergenceError unless outputs are finite at the parameters that users get.

    No epoch has looked at those after the last update. All samples are looked at only if an output
    may overflow, where ‖θ‖ᴸ‖x‖ > √max for a row x: another row would have to be √max times as
    large to do so otherwise.
    """
    if not plan.solver.has_updates:
        return
    theta = run.moment.theta  # a mean of such is no larger than those that epochs have looked at
    size, x = float(np.vdot(theta, theta)), place.square()  # squares may overflow, silently
    height = len(network.W) * math.log(max(size, 1.0)) + math.log(max(x, 1.0))
    if height < math.log(np.finfo(network.dtype).max) or place.is_finite(run.fitted(), network):
        return
    run.raise_interrupt()  # which is why there is no other epoch
    raise DivergenceError(
        f"Training diverged in epoch {run.moment.n_epochs} with eta={run.moment.eta:g}: outputs "
        "overflow after its last update.",
        f"Try a smaller eta (say {run.moment.eta / 10:g}) and features of a common scale (for "
        "example with StandardScaler).",
    )


def height_of(network: Network, place: Place, run: Run) -> tuple[float, ...]:
    """Return what runs are compared by: larger is better."""
    if run.moment.best is not None:
        return run.moment.best.height
    network.theta[...] = run.fitted()
    return (-place.value(network),)


# ---- samples in this process ---------------------------------------------------------------------

#: Samples below which newton-cg moves in the space of dense rows. X Xᵀ takes as long as n / 20
#: products with X. For 500 × 10,000 it takes 91 ms with and 326 ms without. Sparse rows have to be
#: fewer: a product with X Xᵀ, which is dense, has to be less work than one with X and θ.
FEW_ROWS = 1000


class InMemory(NamedTuple):
    """Samples in this process."""

    samples: Samples
    n: int  # number of samples

    def epochs(self, updater: Updater, plan: Plan, run: Run) -> Epochs:
        batch_size = plan.batch_size
        orders = None if batch_size is None or batch_size >= self.n else plan.shuffling()
        rng = orders
        for sigma in updater.network.activations:
            if isinstance(sigma, Dropout):
                rng = sigma.rng  # that of the orders, if there are any
        run.stream = None if rng is None else Stream(rng)
        epochs, run.refusal = choose_epochs(updater, self.samples, batch_size, plan.engine, orders)
        return epochs

    def objective(self, network: Network, plan: Plan, run: Run) -> Objective:
        objective, run.refusal = choose_objective(network, self.samples, plan.engine)
        if plan.engine != "numpy" and not run.refusal:
            run.engine = "compiled"
        return objective

    def newton(self, network: Network) -> Steps:
        check_memory(network, *self.samples.X.shape)
        objective = LinearObjective(network, self.samples)
        if objective.n < objective.p:
            objective = in_row_space(objective)
        return Descent(objective)

    def newton_cg(self, network: Network, tol: float | None) -> Steps:
        objective = LinearObjective(network, self.samples)
        n, p, X = objective.n, objective.p, objective.X
        if n < min(p, FEW_ROWS if isinstance(X, np.ndarray) else math.sqrt(p + X.nnz)):
            objective = in_row_space(objective)
        return ConjugateDescent(objective, tol)

    def value(self, network: Network) -> float:
        return evaluate(network, full_batch(network, self.samples))

    def is_finite(self, theta: Array, network: Network) -> bool:
        return outputs_are_finite(network, self.samples.X, theta)

    def square(self) -> float:
        X = self.samples.X
        row = X[0] if isinstance(X, np.ndarray) else X.data[: X.shape[1]]
        return float(np.vdot(row, row))

    def is_solved(self, theta: Array, network: Network) -> bool:
        """Return whether ``predict`` makes no mistake.

        It adds the terms of z in another order than training, so z may be on the other side of 0.
        """
        X, Y, _ = self.samples
        W, b = split(theta, network.layer_sizes)
        return network.loss.solved(Y, raw_output(X, W, b, network.activations))


def choose_epochs(
    updater: Updater,
    samples: Samples,
    batch_size: int | None,
    engine: str,
    orders: np.random.RandomState | None,
) -> tuple[Epochs, str]:
    """Choose what computes epochs, by the job alone; return what of it the core does not cover."""
    refused = ""
    if engine != "numpy":
        refused = refusal(updater, samples, batch_size)
        if not refused:
            return CompiledEpochs(updater, samples, batch_size, orders), ""
    if batch_size is None or batch_size >= len(samples.Y):
        return FullBatchEpochs(updater, full_batch(updater.network, samples)), refused
    batches = MiniBatches(updater.network, samples, batch_size)
    return MiniBatchEpochs(updater, batches, orders), refused


def choose_objective(network: Network, samples: Samples, engine: str) -> tuple[Objective, str]:
    """Choose what computes the objective; return what of it the core does not cover."""
    if engine == "numpy":
        return objective_of(network, samples), ""
    refused = objective_refusal(network, samples)
    return (objective_of if refused else compiled_objective)(network, samples), refused
