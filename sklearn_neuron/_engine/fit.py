"""The way into the engine: a network, samples and a plan go in, a run comes out."""

from __future__ import annotations

import copy

import numpy as np

from sklearn_neuron._engine.batches import Samples, full_batch
from sklearn_neuron._engine.epochs import evaluate
from sklearn_neuron._engine.plan import Plan
from sklearn_neuron._engine.run import HISTORIES, Run
from sklearn_neuron._engine.validation import Validation
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.network import Network


def fit_network(network: Network, samples: Samples | None, plan: Plan) -> Run:
    """Train a network from each start of the plan, and return the best run.

    Parameters
    ----------
    network : Network
        Its θ is overwritten.
    samples : Samples or None
        The training data; None leaves the network at its start.
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
        If training is interrupted before its first complete epoch. A later interrupt is stored in
        the run.
    """
    best: Run | None = None
    best_height: tuple[float, ...] = ()
    diverged: DivergenceError | None = None
    for coefs, intercepts in plan.starts:
        network.set_parameters(coefs, intercepts)
        run = new_run(network, plan)
        if plan.on_start is not None:
            plan.on_start(run)
        if samples is not None and plan.record.kind != "loss":
            n, state = len(samples.Y), plan.solver.start(network.theta)
            run.history.check_size(plan.n_epochs, n, min(plan.batch_size or n, n), state)
        try:
            if samples is not None:
                train(network, samples, plan, run)
        except DivergenceError as error:
            diverged = error
            continue
        except KeyboardInterrupt as interrupt:
            if best is None:
                raise
            best.interrupt = interrupt
            return best
        if plan.n_starts == 1 or samples is None:
            return run
        run.theta = run.theta.copy()  # it may be the network's own, which the next start overwrites
        height = height_of(network, samples, run)
        if best is None or height > best_height:
            best, best_height = run, height
        if run.interrupt is not None or run.stopped:
            best.interrupt = run.interrupt
            break
    if best is None:
        assert diverged is not None  # from every start
        raise diverged
    return best


def new_run(network: Network, plan: Plan) -> Run:
    """Return a run at its start."""
    record = plan.record
    if record.kind == "step" and not plan.solver.has_updates:
        record = copy.copy(record).set_params(kind="epoch")  # an iteration is a step and an epoch
    history = HISTORIES[record.kind](network.theta, record, plan.first)
    validation = None if plan.validation is None else Validation(network, plan.validation)
    return Run(network.theta, history, plan.solver.fitted, validation)


def train(network: Network, samples: Samples, plan: Plan, run: Run) -> None:
    """Train by the plan's solver; an interrupt after the first epoch is stored in the run."""
    try:
        with np.errstate(all="ignore"):  # what is not finite is found at the end of the epoch
            plan.solver.train(network, samples, plan, run)
    except KeyboardInterrupt as interrupt:
        if not run.losses:
            raise
        run.interrupt = interrupt
    finally:
        run.restore_best()


def height_of(network: Network, samples: Samples, run: Run) -> tuple[float, ...]:
    """Return what runs are compared by: larger is better."""
    if run.validation is not None and run.validation.best >= 0:
        return run.validation.height
    network.theta[...] = run.fitted()
    return (-evaluate(network, full_batch(network, samples)),)
