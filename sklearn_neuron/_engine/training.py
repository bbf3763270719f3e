"""Training: the loop over epochs, when it stops, and L-BFGS over the same objective."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from sklearn_neuron._engine.batches import Block
from sklearn_neuron._engine.epochs import Epoch, objective
from sklearn_neuron._engine.history import History
from sklearn_neuron._engine.validation import HeldOut
from sklearn_neuron._typing import Array
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import State
from sklearn_neuron.schedules import Place, Schedule

#: Looks on after every epoch; training ends where one returns True.
Watcher = Callable[["Run"], bool]


class Run:
    """What a training run has reached: its last complete epoch, and what was measured on the way.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters at the start.
    history : History
        Receives every complete epoch.
    held_out : HeldOut or None, default=None
        Looks at the parameters after every epoch.
    fitted : callable, default=None
        Takes θ and the state and returns the parameters that users get: see ``Optimizer``.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters after the last complete epoch.
    state : dict
        The optimizer's state at that moment.
    losses : list of float
        The loss of every epoch (iteration, for L-BFGS).
    eta : float
        The last epoch's learning rate.
    converged, stopped : bool
        Whether training ended by itself, and whether a watcher ended it.
    plateaus : int
        How often the schedule has gone on after a plateau, over all calls.
    engine : str
        What computed the epochs.
    message : str
        What there is to add on the end, for L-BFGS.
    """

    def __init__(
        self,
        theta: Array,
        history: History,
        held_out: HeldOut | None = None,
        fitted: Callable[[Array, State], Array] | None = None,
    ) -> None:
        self.theta, self.history, self.held_out = theta, history, held_out
        self._fitted = fitted
        self.state: State = {}
        self.losses: list[float] = []
        self.eta = math.nan
        self.converged = self.stopped = False
        self.plateaus = 0
        self.engine = "numpy"
        self.message = ""

    def commit(
        self, theta: Array, state: State, loss: float, eta: float, *, last: bool = False
    ) -> None:
        """Keep a complete, finite epoch: as a copy, unless nothing comes after it."""
        measured = {}
        if self.held_out is not None:
            self.held_out.look(self.fitted(theta, state), theta, state)
            measured["validation_loss"] = self.held_out.losses[-1]
            measured["validation_score"] = self.held_out.scores[-1]
        rows = self.history.read(len(self.losses), theta, loss, eta, measured)
        if last:
            self.theta, self.state = theta, state
        elif not self.losses:
            self.theta, self.state = theta.astype(self.theta.dtype), copy.deepcopy(state)
        else:
            np.copyto(self.theta, theta)
            for name, value in state.items():
                if isinstance(value, np.ndarray):
                    np.copyto(self.state[name], value)
                else:
                    self.state[name] = value
        self.losses.append(loss)
        self.eta = eta
        self.history.rows += rows

    def fitted(self, theta: Array, state: State) -> Array:
        """Return the parameters that users get."""
        return theta if self._fitted is None else self._fitted(theta, state)

    def look(self, watchers: Sequence[Watcher]) -> None:
        """Let all watchers look; any of them may end training."""
        answers = [watch(self) for watch in watchers]
        self.stopped = any(answers)

    def restore_best(self) -> None:
        """Go back to the epoch that was best on the held-out rows."""
        if self.held_out is not None and self.held_out.theta is not None:
            self.theta = self.held_out.theta.astype(self.theta.dtype)
            self.state = self.held_out.state


class Plateau:
    """Stop when nothing has improved by ``tol`` for ``patience`` epochs in a row.

    What is watched is the loss of the training rows or, with ``held_out``, loss and score of
    the held-out rows: an epoch improves where either does.
    """

    def __init__(self, tol: float | None, patience: int, *, held_out: bool = False) -> None:
        self.tol, self.patience, self.held_out = tol, patience, held_out
        self.best, self.stale = [math.inf, math.inf], 0

    def reached(self, run: Run) -> bool:
        """Take note of the last epoch; return whether it is time to stop."""
        if self.tol is None:
            return False
        values = [run.losses[-1]]
        if self.held_out and run.held_out is not None:
            values = [run.held_out.losses[-1], -run.held_out.scores[-1]]
        pairs = list(zip(values, self.best, strict=False))
        self.stale = 0 if any(v < best - self.tol for v, best in pairs) else self.stale + 1
        # in this order min() passes a NaN over
        self.best = [min(best, v) for v, best in pairs]
        return self.stale >= self.patience


class DivergenceError(ValueError):
    """Training led to a loss or parameters that are not finite."""


def check_finite(loss: float, theta: Array, state: State, when: str, remedy: str) -> None:
    """Raise where training has diverged."""
    arrays = [theta, *(value for value in state.values() if isinstance(value, np.ndarray))]
    if not (math.isfinite(loss) and all(np.isfinite(array).all() for array in arrays)):
        raise DivergenceError(
            f"Training diverged {when}: the loss or a parameter is no longer finite. {remedy}"
        )


def train(
    epoch: Epoch,
    network: Network,
    run: Run,
    *,
    eta: float,
    schedule: Schedule,
    place: Place,
    max_iter: int,
    plateau: Plateau,
    watchers: Sequence[Watcher] = (),
) -> None:
    """Run epochs until the plateau, until nothing is left to learn, or ``max_iter`` times.

    Parameters
    ----------
    epoch : Epoch
        One pass over the rows.
    network : Network
        Whose θ the epochs move.
    run : Run
        Receives every complete epoch; holds the last one when an exception passes through.
    eta : float
        Base learning rate.
    schedule : Schedule
        Gives the learning rate of each epoch.
    place : Place
        Where training stands over earlier calls: the schedule's place.
    max_iter : int
        Largest number of epochs.
    plateau : Plateau
        Decides when training has stopped improving.
    watchers : sequence of callable
        Called with the run after every epoch; where one returns True training ends.

    Raises
    ------
    DivergenceError
        Where the loss or a parameter is no longer finite; it is a ValueError.
    """
    run.plateaus, run.engine = place.plateaus, epoch.engine
    for number in range(1, max_iter + 1):
        rate = schedule(eta, place)
        loss = epoch(rate)
        check_finite(
            loss,
            network.theta,
            epoch.state,
            f"in epoch {number} with eta={rate:g}",
            f"Try a smaller eta (say {rate / 10:g}) and features of a common scale "
            "(for example with StandardScaler).",
        )
        run.commit(network.theta, epoch.state, loss, rate, last=number == max_iter)
        place = place._replace(epoch=place.epoch + 1)
        run.look(watchers)
        run.converged = epoch.solved()
        if not run.converged and plateau.reached(run):
            run.converged = not schedule.goes_on(eta, run.plateaus + 1)
            if not run.converged:
                run.plateaus += 1
                place = place._replace(plateaus=run.plateaus)
                plateau.stale = 0
        if run.converged or run.stopped:
            return


def minimize(
    network: Network,
    blocks: Sequence[Block],
    run: Run,
    *,
    max_iter: int,
    tol: float | None,
    plateau: Plateau | None = None,
    watchers: Sequence[Watcher] = (),
) -> None:
    """Minimise the objective over θ by L-BFGS, in float64 whatever the network's dtype.

    Parameters
    ----------
    network : Network
        Whose θ is the start and receives the end.
    blocks : sequence of Block
        The full batch.
    run : Run
        Receives every iteration.
    max_iter : int
        Largest number of iterations.
    tol : float or None
        Stop when no component of the gradient is larger, or when the loss falls by no more
        than rounding does; None runs all iterations.
    plateau : Plateau or None, default=None
        Ends training too, where it is given.
    watchers : sequence of callable
        Called with the run after every iteration; where one returns True training ends.

    Raises
    ------
    DivergenceError
        Where the loss or a parameter is no longer finite; it is a ValueError.
    """
    remedy = "Bring the features to a common scale (for example with StandardScaler)."
    at_start = True

    def value_and_gradient(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal at_start
        np.copyto(network.theta, theta, casting="same_kind")
        value = objective(network, blocks)
        if at_start:  # later the line search may try, and leave, such a place
            check_finite(value, theta, {}, "at the start of L-BFGS", remedy)
            at_start = False
        # a copy, because the minimiser keeps the array it is given
        return value, network.grad.astype(np.float64)

    def after_iteration(intermediate_result: optimize.OptimizeResult) -> None:
        run.commit(intermediate_result.x, {}, float(intermediate_result.fun), math.nan)
        run.look(watchers)
        run.converged = plateau is not None and plateau.reached(run)
        if run.stopped or run.converged:
            raise StopIteration

    result = optimize.minimize(
        value_and_gradient,
        network.theta.astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=after_iteration,
        options={
            "maxiter": max_iter,
            "maxfun": 20 * max_iter + 100,
            "maxls": 50,
            "gtol": 0.0 if tol is None else tol,
            # what LogisticRegression has too: 64 ulp of a loss near one
            "ftol": 0.0 if tol is None else 64 * np.finfo(np.float64).eps,
        },
    )
    if not run.losses:  # the start was already a minimum
        run.commit(result.x, {}, float(result.fun), math.nan)
    check_finite(run.losses[-1], run.theta, {}, f"in iteration {result.nit} of L-BFGS", remedy)
    run.converged = run.converged or result.status == 0
    run.message = f"; SciPy says: {result.message}"
