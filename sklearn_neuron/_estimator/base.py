"""What the estimators share: validate → read → build → train → fitted attributes.

A subclass says which layers and loss its network has, how y becomes the target Y of the
network, and how the network's parameters become fitted attributes and back. Everything
else, with the promises that a refused ``fit`` changes nothing and that an interrupted one
keeps its last complete epoch, is here.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from sklearn_neuron._config import get_config
from sklearn_neuron._engine.batches import MiniBatches, Rows, full_batch
from sklearn_neuron._engine.compiled import CompiledEpoch, serves
from sklearn_neuron._engine.epochs import Epoch, FullBatchEpoch, MiniBatchEpoch, evaluate
from sklearn_neuron._engine.history import HISTORIES, History
from sklearn_neuron._engine.newton import newton
from sklearn_neuron._engine.training import DivergenceError, Plateau, Run, Watcher, minimize, train
from sklearn_neuron._engine.validation import HeldOut
from sklearn_neuron._estimator.attributes import FittedNetwork, Parameters
from sklearn_neuron._estimator.callbacks import DECORATED, CallbackSupport, Tasks, open_tasks
from sklearn_neuron._estimator.constraints import RANDOM_STATE, Choice, Constraint, Flag, Number
from sklearn_neuron._estimator.data import NOTHING, Data, Given
from sklearn_neuron._estimator.reporting import not_converged, report_compiled, reporter
from sklearn_neuron._estimator.state import Resume
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Network, split
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer
from sklearn_neuron.schedules import SCHEDULES, Place, Schedule


class Minimizer(NamedTuple):
    """A solver without updates: it takes all rows at once, and counts iterations."""

    title: str
    minimize: Callable[..., None]


def lbfgs(network: Network, rows: Rows, run: Run, **how: Any) -> None:
    """Minimise the objective over some rows by L-BFGS."""
    minimize(network, full_batch(network, rows), run, **how)


#: Solvers without updates by name; all others are optimizers.
MINIMIZERS = {"lbfgs": Minimizer("L-BFGS", lbfgs), "newton": Minimizer("Newton's method", newton)}


class BaseNetworkEstimator(CallbackSupport, FittedNetwork):
    """Base class of the five estimators."""

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "eta": Number(0.0, open_low=True),
        "batch_size": Number(1, integer=True, none="all rows"),
        "solver": Choice((*OPTIMIZERS, "lbfgs"), Optimizer),
        "schedule": Choice(tuple(SCHEDULES), Schedule),
        "alpha": Number(0.0),
        "max_iter": Number(1, integer=True),
        "tol": Number(0.0, none="run exactly max_iter"),
        "n_iter_no_change": Number(1, integer=True),
        "early_stopping": Flag(),
        "validation_fraction": Number(0.0, 1.0, open_low=True),
        "shuffle": Flag(),
        "random_state": RANDOM_STATE,
        "warm_start": Flag(),
        "record": Choice(tuple(HISTORIES)),
        "verbose": Flag(level=True),
    }

    # ---- what a subclass says, besides how to read y ------------------------------------------

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss, with its link; called after the target is read."""

    def _hidden(self) -> tuple[list[int], list[Activation]]:
        """Return the sizes and activations of the hidden layers."""
        return [], []

    def _in_training(self, activations: list[Activation], place: Resume) -> list[Activation]:
        """Return the hidden activations as they are while the network learns."""
        return activations

    def _penalties(self) -> tuple[float, float]:
        """Return the strengths of the L2 and the L1 penalty."""
        return float(self.alpha), 0.0

    @abstractmethod
    def _draw_parameters(self, network: Network, place: Resume) -> Parameters:
        """Return W and b of every layer before the first step."""

    @abstractmethod
    def _given_parameters(
        self, network: Network, coef_init: Any, intercept_init: Any
    ) -> tuple[list[Array] | None, list[Array] | None]:
        """Return ``coef_init`` and ``intercept_init`` as W and b of every layer."""

    @abstractmethod
    def _score_output(self, target: NDArray[Any], rows: Rows, network: Network, z: Array) -> float:
        """Return the score of held-out rows, as ``score`` would, from the network's output."""

    # ---- fit ------------------------------------------------------------------------------

    def _fit(
        self,
        given: Given,
        held_out: Given = NOTHING,
        *,
        classes: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
        one_pass: bool = False,
    ) -> Self:
        """Train, and attach everything or leave the estimator as it was."""
        self._check_parameters(one_pass)
        tasks = None if one_pass else self._open_tasks(given)
        before = self.__dict__.copy()
        try:
            resume = self._is_fitted() and (one_pass or bool(self.warm_start))
            data = self._read(given, held_out, classes, resume=resume, one_pass=one_pass)
            if data is None:  # a block of zero total weight changes nothing
                self.__dict__.update(before)
                return self
            network = self._build(data)
            run, interrupt = self._best_run(network, data, (coef_init, intercept_init), tasks)
            epochs = len(run.losses) if self._minimizer is None else 0
            self._attach(network, data, run, epochs)
        except BaseException:
            self.__dict__.update(before)
            for name in self.__dict__.keys() - before.keys():
                del self.__dict__[name]
            raise
        if tasks is not None:
            tasks.close(partial(self._attributes_at, network, run.fitted(run.theta, run.state)))
        if interrupt is not None:
            raise interrupt
        if not one_pass:
            self._warn_unless_converged(network, run)
        return self

    def _open_tasks(self, given: Given) -> Tasks | None:
        weight = None if given.sample_weight is None else {"sample_weight": given.sample_weight}
        n = self.max_iter * getattr(self, "n_init", 1)
        return open_tasks(self, n, self._unit(), X=given.X, y=given.y, metadata=weight)

    def _unit(self) -> str:
        return "epoch" if self._minimizer is None else "iteration"

    @property
    def _minimizer(self) -> Minimizer | None:
        """The solver, where it is one without updates."""
        return MINIMIZERS.get(self.solver) if isinstance(self.solver, str) else None

    def _is_fitted(self) -> bool:
        return hasattr(self, "n_iter_")

    def _check_parameters(self, one_pass: bool = False) -> None:
        """Raise unless every constructor parameter is allowed, alone and with the others."""
        for name, constraint in self._constraints.items():
            constraint.check(type(self).__name__, name, getattr(self, name))
        if one_pass and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it makes one pass over the "
                "block that it is given. Set early_stopping=False, or call fit."
            )
        if self._minimizer is not None:
            for name in ("l1_ratio", "dropout"):
                if getattr(self, name, 0.0):
                    raise ValueError(
                        f"{name}={getattr(self, name)} needs a solver with updates, such as 'sgd' "
                        f"or 'adam'; got solver={self.solver!r}."
                    )

    def _build(self, data: Data) -> Network:
        """Return the network that these parameters and data ask for."""
        X, Y, _ = data.rows
        sizes, activations = self._hidden()
        layer_sizes = [X.shape[1], *sizes, Y.shape[1]]
        if data.resume:
            coefs, _ = self._parameters()
            fitted = [W.shape[0] for W in coefs] + [coefs[-1].shape[1]]
            other = f"{fitted} units", f"{layer_sizes}"
            if fitted == layer_sizes:
                other = f"{list(self._fitted_activations())} activations", f"{activations}"
            if fitted != layer_sizes or list(self._fitted_activations()) != activations:
                raise ValueError(
                    f"The fitted network has layers of {other[0]}, but the parameters and data "
                    f"now ask for {other[1]}. To go on (warm_start or partial_fit) keep them; to "
                    "start anew set warm_start=False and call fit."
                )
        alpha, beta = self._penalties()
        in_training = self._in_training(activations, data.place)
        return Network(layer_sizes, in_training, self._loss(), alpha, X.dtype, beta)

    def _start(self, network: Network, data: Data, inits: tuple[Any, Any]) -> None:
        """Fill θ: from what the user gives, from the last fit, or drawn."""
        if not data.resume:
            coefs, intercepts = self._draw_parameters(network, data.place)
        elif "iterate" in data.place.state:  # the fitted parameters are an average
            coefs, intercepts = split(data.place.state["iterate"], network.layer_sizes)
        else:
            coefs, intercepts = self._parameters()
        given_coefs, given_intercepts = self._given_parameters(network, *inits)
        if given_coefs is not None or given_intercepts is not None:
            data.place.state = {}  # a new start is not where the optimizer's memory belongs
        for view, value in zip(network.W, given_coefs or coefs, strict=True):
            view[...] = value
        for view, value in zip(network.b, given_intercepts or intercepts, strict=True):
            view[...] = value

    def _best_run(
        self, network: Network, data: Data, inits: tuple[Any, Any], tasks: Tasks | None
    ) -> tuple[Run, KeyboardInterrupt | None]:
        """Train from each of ``n_init`` starts; return the best run, and what interrupted it."""
        given = data.resume or any(init is not None for init in inits)
        n_init = 1 if given else int(getattr(self, "n_init", 1))
        best: tuple[tuple[float, ...], Run] | None = None
        interrupt = diverged = None
        for _ in range(n_init):
            self._start(network, data, inits)
            run = self._new_run(network, data)
            try:
                if not data.weightless:
                    interrupt = self._train(network, data, run, tasks)
            except DivergenceError as error:
                diverged = error
                continue
            except KeyboardInterrupt as error:  # before this start's first epoch
                if best is None:
                    raise
                interrupt = error
                break
            if n_init == 1:
                return run, interrupt
            run.theta = run.theta.copy()  # it may be the network's own, which starts anew
            height = self._height(network, data, run)
            if best is None or height > best[0]:
                best = height, run
            if interrupt is not None or run.stopped:
                break
        if best is None:
            assert diverged is not None  # every start has
            raise diverged
        return best[1], interrupt

    def _height(self, network: Network, data: Data, run: Run) -> tuple[float, ...]:
        """Return how good a run's end is: on held-out rows, else by the objective."""
        if run.held_out is not None and run.held_out.best >= 0:
            return run.held_out.height
        network.theta[...] = run.fitted(run.theta, run.state)
        return (-evaluate(network, full_batch(network, data.rows)),)

    def _new_run(self, network: Network, data: Data) -> Run:
        """Return a run at its start, with what it keeps and what it is measured on."""
        updates = self._minimizer is None
        by_name = "epoch" if self.record == "step" and not updates else self.record
        held_out = None
        if data.held_out is not None:
            rows, target = data.held_out
            score = partial(self._score_output, target, rows, network)
            held_out = HeldOut(network, rows, score, by_score=self._stratified)
        fitted = resolve(self.solver, OPTIMIZERS).fitted if updates else None
        return Run(network.theta, HISTORIES[by_name](network.theta), held_out, fitted)

    def _train(
        self, network: Network, data: Data, run: Run, tasks: Tasks | None
    ) -> KeyboardInterrupt | None:
        """Move θ; an interrupt after the first epoch is returned, with that epoch kept."""
        max_iter = 1 if data.one_pass else int(self.max_iter)
        tol = None if self.tol is None else float(self.tol)
        plateau = Plateau(tol, int(self.n_iter_no_change), held_out=bool(self.early_stopping))
        watchers = self._watchers(network, max_iter, tasks)
        try:
            with np.errstate(all="ignore"):  # what is not finite is found at the epoch's end
                if self._minimizer is not None:
                    self._minimizer.minimize(
                        network,
                        data.rows,
                        run,
                        max_iter=max_iter,
                        tol=tol,
                        plateau=plateau if self.early_stopping else None,
                        watchers=watchers,
                    )
                else:
                    place = Place(data.place.epochs, int(self.max_iter), data.place.plateaus)
                    train(
                        self._epoch(network, data, run.history),
                        network,
                        run,
                        eta=float(self.eta),
                        schedule=resolve(self.schedule, SCHEDULES),
                        place=place,
                        max_iter=max_iter,
                        plateau=plateau,
                        watchers=watchers,
                    )
        except KeyboardInterrupt as interrupt:
            if not run.losses:
                raise
            return interrupt
        finally:
            run.restore_best()
        return None

    def _watchers(self, network: Network, max_iter: int, tasks: Tasks | None) -> list[Watcher]:
        """Return who looks on after every epoch: the user, and scikit-learn's callbacks."""
        watchers: list[Watcher] = []
        if self.verbose:
            watchers.append(reporter(type(self).__name__, self._unit(), max_iter))
        if tasks is not None:
            watchers.append(
                tasks.watcher(
                    lambda run: self._attributes_at(network, run.fitted(run.theta, run.state))
                )
            )
        return watchers

    def _epoch(self, network: Network, data: Data, history: History) -> Epoch:
        """Choose what one epoch is, and take up the optimizer's state where it fits."""
        optimizer: Optimizer = resolve(self.solver, OPTIMIZERS)
        state = data.place.take_up(optimizer, network.theta)
        descent = history.descent(network, optimizer, state)
        if self.batch_size is None or self.batch_size >= len(data.rows.Y):
            return FullBatchEpoch(descent, full_batch(network, data.rows))
        batch_size, n_epochs = int(self.batch_size), 1 if data.one_pass else int(self.max_iter)
        rng = data.place.rng(self.random_state) if self.shuffle else None
        if serves(get_config()["engine"], descent, len(data.rows.Y), batch_size, n_epochs):
            if self.verbose:
                report_compiled(type(self).__name__)
            return CompiledEpoch(descent, data.rows, batch_size, rng)
        return MiniBatchEpoch(descent, MiniBatches(network, data.rows, batch_size), rng)

    def _warn_unless_converged(self, network: Network, run: Run) -> None:
        solvable = network.loss.solvable
        if run.converged or run.stopped or (self.tol is None and not solvable):
            return
        kind = "mistakes" if solvable else "epochs"
        if self._minimizer is not None:
            kind = "iterations"
        text = not_converged(
            type(self).__name__,
            kind,
            solver="" if self._minimizer is None else self._minimizer.title,
            n_iter=self.n_iter_,
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            message=run.message,
        )
        warnings.warn(text, ConvergenceWarning, stacklevel=4 + DECORATED)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def has_updates(estimator: BaseNetworkEstimator) -> bool:
    """Return whether training is by updates, so that there is a ``partial_fit``."""
    if estimator._minimizer is not None:
        raise AttributeError(f'partial_fit is not available with solver="{estimator.solver}".')
    return True


def resolve(choice: Any, registry: Mapping[str, Any]) -> Any:
    """Return the recipe of that name with its defaults, or the recipe itself."""
    return registry[choice]() if isinstance(choice, str) else choice
