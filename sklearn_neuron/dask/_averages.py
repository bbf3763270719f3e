"""Averages: what is said of local epochs, and whether their average is as good as they look.

The loss of a local epoch is what each part saw of its own samples while it trained on them, so it
says nothing of the average if parts differ: where rows are sorted by y, each part learns its own
y in passing. So at the end the objective of the average is computed over all samples.
"""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_neuron._engine.compiled import sigma_of
from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron._engine.epochs import Updater
from sklearn_neuron._engine.fit import height_of
from sklearn_neuron._engine.plan import Place
from sklearn_neuron._engine.run import Run
from sklearn_neuron._estimator.diagnosis import constant_loss
from sklearn_neuron._estimator.reporting import warn
from sklearn_neuron.dask._cluster import ClusterLostError
from sklearn_neuron.dask._epochs import LocalEpochs
from sklearn_neuron.network import Network

#: The average is worse than the parts saw if its loss is so many times theirs, and the difference
#: is such a part of the loss of a constant prediction.
WORSE, MATTERS = 1.05, 0.02
#: Updates of an epoch from which synchronous batches are said to be slow: a second and more.
MANY_UPDATES = 100


class Trained(NamedTuple):
    """A run of local epochs."""

    place: Place
    epochs: LocalEpochs
    run: Run


class Watch:
    """Watches local epochs: says that there are any, and looks at what they have led to.

    Parameters
    ----------
    name : str
        Name of the estimator.
    verbose : bool
        Whether lines are printed.
    """

    def __init__(self, name: str, *, verbose: bool) -> None:
        self.name, self.verbose = name, verbose
        self.trained: list[Trained] = []

    def begin(self, place: Place, epochs: LocalEpochs, run: Run) -> None:
        """Take note of a run at its start."""
        if self.verbose and not self.trained:
            n = len(epochs.blocks.groups)
            each = "1 part of" if n == 1 else f"each of {n} parts of"
            self._say(f"local epochs: {each} the samples makes its own, then they are averaged")
        self.trained.append(Trained(place, epochs, run))

    def count_updates(self, n_updates: int, batch_size: int) -> None:
        """Say that batches are synchronous, and warn if round trips will take most of the time."""
        if self.verbose:
            self._say(f"synchronous batches: {n_updates} updates an epoch, each a round trip")
        if n_updates > MANY_UPDATES:
            warn(
                f"{self.name}: with mini_batches='synchronous' and batch_size={batch_size} an "
                f"epoch is {n_updates} updates, and each is a round trip to the cluster, of 10 ms "
                "or more. Set a larger batch_size, or mini_batches='local'.",
                UserWarning,
            )

    def end(self, estimator: Any) -> None:
        """Compare the fitted parameters with what the parts saw, and warn if they are worse."""
        runs = [each for each in self.trained if each.run.losses and not each.epochs.has_diverged]
        if not runs:
            return
        try:
            with np.errstate(all="ignore"):
                best = runs[0] if len(runs) == 1 else max(runs, key=height)
                local, value = compared(*best)
                worse = is_worse(best, local, value)
        except ClusterLostError:
            return  # the estimator is fitted
        last = best.run.moment.loss
        per_loss = float(estimator.loss_curve_[-1]) / last if last else 1.0
        if self.verbose:
            self._say(f"loss of the average over all samples {value * per_loss:.6g}")
        if worse:
            n_parts = len(best.epochs.blocks.groups)
            warn(
                f"{self.name}: {complaint_of(n_parts, local * per_loss, value * per_loss)}",
                ConvergenceWarning,
            )

    def _say(self, what: str) -> None:
        print(f"[{self.name}] {what}", flush=True)  # noqa: T201


def complaint_of(n_parts: int, local: float, value: float) -> str:
    """Return what is wrong, and what to do."""
    return (
        f"the average of local epochs has a loss of {value:.3g} over all samples, where each of "
        f"the {n_parts} parts saw {local:.3g} in its own: the parts differ, as they do if rows are "
        "sorted. Shuffle the rows before they are partitioned, or use mini_batches='synchronous' "
        "with a large batch_size, batch_size=None, or solver='lbfgs', which do not mind."
    )


def height(trained: Trained) -> tuple[float, ...]:
    """Return what runs are compared by, as where training chooses one."""
    return height_of(trained.epochs.updater.network, trained.place, trained.run)


def is_worse(trained: Trained, local: float, value: float) -> bool:
    """Return whether the loss of the average is clearly above what the parts saw."""
    if len(trained.epochs.blocks.groups) == 1 or not value > WORSE * local:
        return False
    level = constant_loss(trained.epochs.updater.network.loss, trained.place)  # type: ignore[arg-type]
    return value - local > MATTERS * level


def compared(place: Place, epochs: LocalEpochs, run: Run) -> tuple[float, float]:
    """Return the loss that the parts saw in the epoch of the fitted parameters, and that of these.

    Dropout makes losses higher where parts train, so with dropout one more epoch is made without.
    """
    updater, now = epochs.updater, run.moment
    network = without_dropout(updater.network)
    if any(isinstance(sigma, Dropout) for sigma in updater.network.activations):
        network.theta[...] = now.theta
        updater = Updater(network, updater.optimizer, copy.deepcopy(now.state))
        passed = epochs.of(updater, np.random.RandomState(0))(np.array([now.eta]), None)
        network.theta[...] = updater.optimizer.fitted(network.theta, updater.state)
        return (passed.losses or [math.inf])[0], place.value(network)
    network.theta[...] = run.fitted()
    last = -1 if now.best is None else now.best.epoch
    return run.losses[last], place.value(network)


def without_dropout(network: Network) -> Network:
    """Return a network that has the same layers and no dropout."""
    return Network(
        network.layer_sizes,
        list(map(sigma_of, network.activations)),
        network.loss,
        network.alpha,
        network.dtype,
        network.beta,
        network.fit_intercept,
    )
