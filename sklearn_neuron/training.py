"""Training: the loop over epochs, when it stops, and L-BFGS over the same objective."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from sklearn_neuron._typing import Array
from sklearn_neuron.batches import Block
from sklearn_neuron.epochs import Epoch, objective
from sklearn_neuron.history import History
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import State
from sklearn_neuron.schedules import Schedule

Report = Callable[[int, float, float], None]


class Run:
    """What a training run has reached: its last complete epoch.

    Parameters
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters at the start.
    history : History
        Receives every complete epoch.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters after the last complete epoch.
    state : dict
        The optimizer's state at that moment.
    losses : list of float
        The loss of every epoch (iteration, for L-BFGS).
    converged : bool
        Whether training ended by itself.
    message : str
        What SciPy says of the end, for L-BFGS.
    """

    def __init__(self, theta: Array, history: History) -> None:
        self.theta, self.history = theta, history
        self.state: State = {}
        self.losses: list[float] = []
        self.converged = False
        self.message = ""

    def commit(
        self, theta: Array, state: State, loss: float, eta: float, *, last: bool = False
    ) -> None:
        """Keep a complete, finite epoch: as a copy, unless nothing comes after it."""
        rows = self.history.read(len(self.losses), theta, loss, eta)
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
        self.history.rows += rows


class Plateau:
    """Stop when the loss has not improved by ``tol`` for ``patience`` epochs in a row."""

    def __init__(self, tol: float | None, patience: int) -> None:
        self.tol, self.patience = tol, patience
        self.best, self.stale = math.inf, 0

    def reached(self, loss: float) -> bool:
        """Take note of an epoch's loss; return whether it is time to stop."""
        if self.tol is None:
            return False
        self.stale = 0 if loss < self.best - self.tol else self.stale + 1
        self.best = min(self.best, loss)
        return self.stale >= self.patience


def check_finite(loss: float, theta: Array, state: State, when: str, remedy: str) -> None:
    """Raise a ValueError where training has diverged."""
    arrays = [theta, *(value for value in state.values() if isinstance(value, np.ndarray))]
    if not (math.isfinite(loss) and all(np.isfinite(array).all() for array in arrays)):
        raise ValueError(
            f"Training diverged {when}: the loss or a parameter is no longer finite. {remedy}"
        )


def train(
    epoch: Epoch,
    network: Network,
    run: Run,
    *,
    eta: float,
    schedule: Schedule,
    first_epoch: int,
    max_iter: int,
    plateau: Plateau,
    report: Report | None = None,
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
    first_epoch : int
        How many epochs are done over earlier calls: the schedule's place.
    max_iter : int
        Largest number of epochs.
    plateau : Plateau
        Decides when the loss has stopped improving.
    report : callable, default=None
        Called with the epoch's number (from 1), its loss and its η.

    Raises
    ------
    ValueError
        Where the loss or a parameter is no longer finite.
    """
    for number in range(1, max_iter + 1):
        rate = schedule(eta, first_epoch + number - 1)
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
        if report is not None:
            report(number, loss, rate)
        if plateau.reached(loss) or epoch.solved():
            run.converged = True
            return


def minimize(
    network: Network,
    blocks: Sequence[Block],
    run: Run,
    *,
    max_iter: int,
    tol: float | None,
    report: Report | None = None,
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
    report : callable, default=None
        Called with the iteration's number (from 1), its loss and the step's η, which is 1.

    Raises
    ------
    ValueError
        Where the loss or a parameter is no longer finite.
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
        if report is not None:
            report(len(run.losses), run.losses[-1], 1.0)

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
    run.converged, run.message = result.status == 0, str(result.message)
