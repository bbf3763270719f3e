"""The place of samples on a cluster: what solvers get from there, and what is asked of samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.compiled import objective_refusal, refusal
from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron._engine.epochs import Epochs, Updater
from sklearn_neuron._engine.memory import check_memory
from sklearn_neuron._engine.newton import Descent
from sklearn_neuron._engine.newton_cg import ConjugateDescent
from sklearn_neuron._engine.objective import Objective, Steps, far_center
from sklearn_neuron._engine.plan import Plan
from sklearn_neuron._engine.run import Run, Stream
from sklearn_neuron._typing import Array
from sklearn_neuron.dask import _part
from sklearn_neuron.dask._averages import Watch
from sklearn_neuron.dask._cluster import Blocks
from sklearn_neuron.dask._epochs import FullBatches, LocalEpochs, SynchronousBatches
from sklearn_neuron.dask._objective import (
    SummedLinearObjective,
    SummedObjective,
    summed_hessian,
)
from sklearn_neuron.network import Network


@dataclass(frozen=True)
class OnCluster:
    """Samples on a cluster.

    Parameters
    ----------
    blocks : Blocks
        Their parts.
    n : int
        Number of samples.
    sparse : bool
        Whether X is sparse.
    mini_batches : {"local", "synchronous"}
        How mini-batches are made.
    watch : Watch
        Is told of local epochs.
    """

    blocks: Blocks
    n: int
    sparse: bool
    mini_batches: str
    watch: Watch

    # ---- what solvers get -----------------------------------------------------------------------

    def epochs(self, updater: Updater, plan: Plan, run: Run) -> Epochs:
        network, batch_size = updater.network, plan.batch_size
        full = batch_size is None or batch_size >= self.n
        engine = "numpy"
        if plan.engine != "numpy":
            run.refusal = refusal(updater, self.few(1), batch_size)
            engine = "numpy" if run.refusal else "compiled"
        recipe = _part.Recipe.of(network, plan.engine)
        if full or batch_size is None:
            refuse_dropout(network)
            return FullBatches(updater, self.blocks.bound(recipe.without_penalty()), engine)
        rng = plan.rng()
        run.stream = Stream(rng)
        if self.mini_batches == "local":
            blocks = self.blocks.bound(recipe)
            epochs = LocalEpochs(updater, blocks, engine, batch_size, rng, shuffle=plan.shuffle)
            self.watch.begin(self, epochs, run)
            return epochs
        refuse_dropout(network)
        run.refusal = "mini_batches='synchronous'"
        self.watch.count_updates(-(-self.n // batch_size), batch_size)
        blocks = self.blocks.bound(recipe.without_penalty())
        return SynchronousBatches(
            updater, blocks, "numpy", self.n, batch_size, rng, shuffle=plan.shuffle
        )

    def objective(self, network: Network, plan: Plan, run: Run) -> Objective:
        refuse_dropout(network)
        if plan.engine != "numpy":
            run.refusal = objective_refusal(network, self.few(1))
            run.engine = "numpy" if run.refusal else "compiled"
        recipe = _part.Recipe.of(network, plan.engine).without_penalty()
        return SummedObjective(network, self.blocks.bound(recipe))

    def newton(self, network: Network) -> Steps:
        check_memory(network, self.n, network.layer_sizes[0])
        return Descent(self._linear(network), summed_hessian)  # type: ignore[arg-type]

    def newton_cg(self, network: Network, tol: float | None) -> Steps:
        return ConjugateDescent(self._linear(network), tol)

    def _linear(self, network: Network) -> SummedLinearObjective:
        center, recipe = None, _part.Recipe.of(network, "numpy").without_penalty()
        if network.fit_intercept and not self.sparse:
            some = itertools.chain.from_iterable(self.blocks.each(_part.middle_rows))
            center = far_center(np.concatenate(list(some)))
        blocks = self.blocks.bound(recipe._replace(center=center))
        return SummedLinearObjective(network, blocks, self.n, self.sparse, center)

    def value(self, network: Network) -> float:
        recipe = _part.Recipe.of(network, "numpy").without_penalty()
        value: float = self.blocks.bound(recipe).sum(_part.value_of, theta=network.theta)
        return value + network.penalty()

    def is_solved(self, theta: Array, network: Network) -> bool:
        recipe = _part.Recipe.of(network, "numpy").without_penalty()
        return not self.blocks.bound(recipe).sum(_part.mistakes, theta=theta)

    def is_finite(self, theta: Array, network: Network) -> bool:
        recipe = _part.Recipe.of(network, "numpy").without_penalty()
        return not self.blocks.bound(recipe).sum(_part.overflows, theta=theta)

    def square(self) -> float:
        return self.mean_square()

    # ---- questions about the samples ------------------------------------------------------------

    def few(self, most: int) -> Samples:
        """Return at most so many of the samples, at even distances."""
        found = self.blocks.each(_part.few, stride=-(-self.n // most))
        X, Y, weight = zip(*itertools.chain.from_iterable(found), strict=True)
        of = [np.ones((len(y), 1)) if w is None else w for y, w in zip(Y, weight, strict=True)]
        given = any(w is not None for w in weight)
        return Samples(
            sparse.vstack(X, format="csr") if self.sparse else np.concatenate(X),
            np.concatenate(Y),
            np.concatenate(of) if given else None,
        )

    def few_targets(self, most: int) -> NDArray[Any]:
        """Return Y of at most so many of the samples: X of them may be large."""
        found = self.blocks.each(_part.few_targets, stride=-(-self.n // most))
        return np.concatenate(list(itertools.chain.from_iterable(found)))

    def mean_of(self, value: Callable[[Array], Array]) -> Any:
        """Return the weighted mean of a function of Y."""
        total, mass = self.blocks.sum(_part.sum_of, value=value)
        return total / mass

    def mean_square(self) -> float:
        """Return the weighted mean of ‖x‖²."""
        mean: float = self.blocks.sum(_part.mean_square)
        return mean

    def in_units(self, scale: float) -> OnCluster:
        """Return the samples with y / scale."""
        return replace(self, blocks=self.blocks.parts(_part.in_units, scale=scale))


def refuse_dropout(network: Network) -> None:
    """Raise a ValueError if there is dropout, which only local epochs have."""
    if any(isinstance(sigma, Dropout) for sigma in network.activations):
        raise ValueError(
            "On a cluster dropout needs mini_batches='local' and a batch_size that is smaller "
            "than the number of samples."
        )
