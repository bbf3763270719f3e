"""What the estimators share: validate → encode → build → train → fitted attributes.

A subclass says which layers and loss its network has, how y becomes the target Y of the
network, and how the network's parameters become fitted attributes and back. Everything
else, with the promises that a refused ``fit`` changes nothing and that an interrupted one
keeps its last complete epoch, is here.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_neuron._reporting import not_converged, reporter
from sklearn_neuron._resume import Resume
from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron._validation import (
    RANDOM_STATE,
    Choice,
    Constraint,
    Flag,
    Number,
    check_sample_weight,
)
from sklearn_neuron.activations import Activation
from sklearn_neuron.batches import MiniBatches, Rows, full_batch
from sklearn_neuron.epochs import Epoch, FullBatchEpoch, MiniBatchEpoch
from sklearn_neuron.history import HISTORIES, History, count_on
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Network, raw_output, split
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer
from sklearn_neuron.schedules import SCHEDULES, Schedule
from sklearn_neuron.training import Plateau, Run, minimize, train

Parameters = tuple[list[Array], list[Array]]  # W and b of every layer

FLOATS = (np.float64, np.float32)
SOLVERS = (*OPTIMIZERS, "lbfgs")


class Task(NamedTuple):
    """One call of ``fit`` or ``partial_fit``, read and ready to be trained."""

    network: Network
    rows: Rows | None  # None where no row has weight
    place: Resume
    resume: bool  # whether it goes on from the last fit
    one_pass: bool  # whether it is a partial_fit


class BaseNetworkEstimator(BaseEstimator):
    """Base class of the five estimators."""

    n_iter_: int
    loss_: float
    best_loss_: float
    loss_curve_: list[float]
    history_: dict[str, list[Any]]
    _resume: Resume

    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "eta": Number(0.0, open_low=True),
        "batch_size": Number(1, integer=True, none="all rows"),
        "solver": Choice(SOLVERS, Optimizer),
        "schedule": Choice(tuple(SCHEDULES), Schedule),
        "alpha": Number(0.0),
        "max_iter": Number(1, integer=True),
        "tol": Number(0.0, none="run exactly max_iter"),
        "n_iter_no_change": Number(1, integer=True),
        "shuffle": Flag(),
        "random_state": RANDOM_STATE,
        "warm_start": Flag(),
        "record": Choice(tuple(HISTORIES)),
        "verbose": Flag(level=True),
    }

    # ---- what a subclass says -------------------------------------------------------------

    @abstractmethod
    def _read_target(self, y: Any, classes: Any, *, resume: bool, one_pass: bool) -> NDArray[Any]:
        """Check y; return numbers, a row each; classifiers settle ``classes_``."""

    def _weigh_classes(
        self, target: NDArray[Any], weight: NDArray[np.float64], one_pass: bool
    ) -> NDArray[np.float64]:
        """Return the weights times what each row's class brings."""
        return weight

    @abstractmethod
    def _encode_target(self, target: NDArray[Any], seen: bool) -> NDArray[Any]:
        """Return the network's targets Y, (n, K); ``seen`` tells that rows came before."""

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss, with its link; called after the target is read."""

    def _hidden(self) -> tuple[list[int], list[Activation]]:
        """Return the sizes and activations of the hidden layers."""
        return [], []

    #: What users call W and b; the fitted attributes have an underscore more.
    _names: ClassVar[tuple[str, str]]

    @abstractmethod
    def _layers(self, named: Mapping[str, Any]) -> Parameters:
        """Return W (n_in, n_out) and b (n_out,) of every layer, from what users see."""

    @abstractmethod
    def _name_parameters(self, coefs: list[Array], intercepts: list[Array]) -> dict[str, Any]:
        """Return W and b in the names and shapes that users see."""

    def _parameters(self) -> Parameters:
        """Return the fitted W and b of every layer."""
        return self._layers({name: getattr(self, f"{name}_") for name in self._names})

    def _set_parameters(self, coefs: list[Array], intercepts: list[Array]) -> None:
        """Set the fitted attributes from W and b, which are the estimator's own."""
        for name, value in self._name_parameters(coefs, intercepts).items():
            setattr(self, f"{name}_", value)

    @abstractmethod
    def _draw_parameters(self, network: Network, place: Resume) -> Parameters:
        """Return W and b of every layer before the first step."""

    @abstractmethod
    def _given_parameters(
        self, network: Network, coef_init: Any, intercept_init: Any
    ) -> tuple[list[Array] | None, list[Array] | None]:
        """Return ``coef_init`` and ``intercept_init`` as W and b of every layer."""

    # ---- fit ------------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        classes: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
        one_pass: bool = False,
    ) -> Self:
        """Train, and attach everything or leave the estimator as it was."""
        before = self.__dict__.copy()
        try:
            self._check_parameters()
            resume = self._is_fitted() and (one_pass or bool(self.warm_start))
            task = self._read(X, y, sample_weight, classes, resume=resume, one_pass=one_pass)
            if task is None:  # a block of zero total weight changes nothing
                self.__dict__.update(before)
                return self
            self._start(task, coef_init, intercept_init)
            run = Run(task.network.theta, self._new_history(task.network))
            interrupt = None if task.rows is None else self._train(task, task.rows, run)
            self._attach(task, run)
        except BaseException:
            self.__dict__.update(before)
            for name in self.__dict__.keys() - before.keys():
                del self.__dict__[name]
            raise
        if interrupt is not None:
            raise interrupt
        if not one_pass:
            self._warn_unless_converged(task.network, run)
        return self

    def _read(
        self, X: Any, y: Any, sample_weight: Any, classes: Any, *, resume: bool, one_pass: bool
    ) -> Task | None:
        """Check the data and make of it what training needs; None where there is nothing to do."""
        place = replace(self._resume) if resume else Resume()
        if not one_pass:
            place.forget_rows()
        X, y = self._check_data(X, y, resume)
        target = self._read_target(y, classes, resume=resume, one_pass=one_pass)
        weight = self._check_weight(sample_weight, target, X.shape[0], one_pass)
        weightless = weight is not None and not weight.any()
        if weightless and resume:
            return None
        X, target, weight = _drop_weightless(X, target, weight)
        seen = resume and self._resume.n_rows > 0
        Y = self._to_dtype(self._encode_target(target, seen), X.dtype)
        network = self._build(X, Y, resume)
        rows = None
        if not weightless:
            scaled = place.scale(weight, X.shape[0])
            rows = Rows(X, Y, None if scaled is None else self._to_dtype(scaled, X.dtype))
        return Task(network, rows, place, resume=resume, one_pass=one_pass)

    @staticmethod
    def _to_dtype(values: NDArray[Any], dtype: Any) -> Array:
        """Return y or weights in the dtype of X, or say that they do not fit."""
        with np.errstate(over="ignore"):
            converted: Array = np.ascontiguousarray(values, dtype=dtype)
        if converted.dtype.itemsize < 8 and not np.isfinite(converted).all():
            raise ValueError(f"y or sample_weight is too large for {dtype}, the dtype of X.")
        return converted

    def _is_fitted(self) -> bool:
        return hasattr(self, "n_iter_")

    def _check_parameters(self) -> None:
        """Raise unless every constructor parameter is allowed."""
        for name, constraint in self._constraints.items():
            constraint.check(type(self).__name__, name, getattr(self, name))

    def _check_data(self, X: Any, y: Any, resume: bool) -> tuple[Matrix, Any]:
        """Return X as floats, dense or CSR, and y as scikit-learn checks it."""
        dtype = self._parameters()[0][0].dtype if resume else FLOATS
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=dtype, reset=not resume, **self._y_check
        )
        return X, y.toarray() if sparse.issparse(y) else y

    #: How ``validate_data`` looks at y.
    _y_check: ClassVar[Mapping[str, Any]] = {"multi_output": True}

    def _check_weight(
        self, sample_weight: Any, target: NDArray[Any], n: int, one_pass: bool
    ) -> NDArray[np.float64] | None:
        """Return the weights of rows and classes together, or None where all are one."""
        if sample_weight is None and getattr(self, "class_weight", None) is None:
            return None
        weight = check_sample_weight(1.0 if sample_weight is None else sample_weight, n)
        if weight.any():
            weight = self._weigh_classes(target, weight, one_pass)
        if not weight.any() and not one_pass:
            raise ValueError(
                "Sample weights must contain at least one non-zero number: every row has zero "
                "weight (sample_weight times class_weight), so there is nothing to learn from."
            )
        return weight

    def _build(self, X: Matrix, Y: Array, resume: bool) -> Network:
        """Return the network that these parameters and data ask for."""
        sizes, activations = self._hidden()
        layer_sizes = [X.shape[1], *sizes, Y.shape[1]]
        if resume:
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
        return Network(layer_sizes, activations, self._loss(), float(self.alpha), X.dtype)

    def _start(self, task: Task, coef_init: Any, intercept_init: Any) -> None:
        """Fill θ: from what the user gives, from the last fit, or drawn."""
        network = task.network
        if task.resume:
            coefs, intercepts = self._parameters()
        else:
            coefs, intercepts = self._draw_parameters(network, task.place)
        given_coefs, given_intercepts = self._given_parameters(network, coef_init, intercept_init)
        for view, value in zip(network.W, given_coefs or coefs, strict=True):
            view[...] = value
        for view, value in zip(network.b, given_intercepts or intercepts, strict=True):
            view[...] = value

    def _train(self, task: Task, rows: Rows, run: Run) -> KeyboardInterrupt | None:
        """Move θ; an interrupt after the first epoch is returned, with that epoch kept."""
        max_iter = 1 if task.one_pass else int(self.max_iter)
        tol = None if self.tol is None else float(self.tol)
        unit = "iteration" if self.solver == "lbfgs" else "epoch"
        report = reporter(type(self).__name__, unit, max_iter) if self.verbose else None
        try:
            with np.errstate(all="ignore"):  # what is not finite is found at the epoch's end
                if self.solver == "lbfgs":
                    blocks = full_batch(task.network, rows)
                    minimize(task.network, blocks, run, max_iter=max_iter, tol=tol, report=report)
                else:
                    train(
                        self._epoch(task, rows, run.history),
                        task.network,
                        run,
                        eta=float(self.eta),
                        schedule=resolve(self.schedule, SCHEDULES),
                        first_epoch=task.place.epochs,
                        max_iter=max_iter,
                        plateau=Plateau(tol, int(self.n_iter_no_change)),
                        report=report,
                    )
        except KeyboardInterrupt as interrupt:
            if not run.losses:
                raise
            return interrupt
        return None

    def _new_history(self, network: Network) -> History:
        """Return what keeps ``record``; the iterations of L-BFGS are epochs of one step."""
        steps_are_epochs = self.solver == "lbfgs" and self.record == "step"
        return HISTORIES["epoch" if steps_are_epochs else self.record](network.theta)

    def _epoch(self, task: Task, rows: Rows, history: History) -> Epoch:
        """Choose what one epoch is, and take up the optimizer's state where it fits."""
        network = task.network
        optimizer: Optimizer = resolve(self.solver, OPTIMIZERS)
        state = task.place.take_up(optimizer, network.theta)
        descent = history.descent(network, optimizer, state)
        if self.batch_size is None or self.batch_size >= len(rows.Y):
            return FullBatchEpoch(descent, full_batch(network, rows))
        batches = MiniBatches(network, rows, int(self.batch_size))
        rng = task.place.rng(self.random_state) if self.shuffle else None
        return MiniBatchEpoch(descent, batches, rng)

    def _attach(self, task: Task, run: Run) -> None:
        """Set the fitted attributes from the last complete epoch."""
        self._set_parameters(*split(run.theta, task.network.layer_sizes))
        self.n_iter_ = len(run.losses)
        # by default a partial_fit keeps its own pass only, so that pickles do not grow
        append = task.resume and (run.history.keeps_parameters or not task.one_pass)
        losses = self.loss_curve_ if append else []
        self._attach_history(task.network, run.history, len(losses), append)
        self.loss_curve_ = losses + run.losses
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        self.best_loss_ = min(self.loss_curve_, default=float("nan"))
        task.place.leave(run.state, epochs=0 if self.solver == "lbfgs" else self.n_iter_)
        self._resume = task.place

    def _attach_history(
        self, network: Network, history: History, first_epoch: int, append: bool
    ) -> None:
        """Set ``history_`` and ``start_``: parameters in the names and shapes that users see."""
        columns, start = history.columns(), {}
        if history.start is not None:
            start, *rows = (
                self._name_parameters(*split(theta, network.layer_sizes))
                for theta in (history.start, *(row["theta"] for row in history.rows))
            )
            columns.update({name: [row[name] for row in rows] for name in start})
        count_on(columns, first_epoch, self.history_ if append else {})
        if append and self.history_.keys() == columns.keys():
            columns = {name: self.history_[name] + column for name, column in columns.items()}
        elif start:
            self.start_ = start
        else:
            self.__dict__.pop("start_", None)
        self.history_ = columns

    def _warn_unless_converged(self, network: Network, run: Run) -> None:
        solvable = network.loss.solvable
        if run.converged or (self.tol is None and not solvable):
            return
        kind = "lbfgs" if self.solver == "lbfgs" else "mistakes" if solvable else "epochs"
        text = not_converged(
            type(self).__name__,
            kind,
            n_iter=self.n_iter_,
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            message=run.message,
        )
        warnings.warn(text, ConvergenceWarning, stacklevel=4)

    # ---- after fit ------------------------------------------------------------------------

    def _raw_output(self, X: Any) -> Array:
        """Return z^L, (n, K), for new rows."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        coefs, intercepts = self._parameters()
        return raw_output(X, coefs, intercepts, self._fitted_activations())

    def _fitted_activations(self) -> Sequence[Activation]:
        """Return the hidden activations that the parameters were trained with."""
        return ()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def has_updates(estimator: BaseNetworkEstimator) -> bool:
    """Return whether training is by updates, so that there is a ``partial_fit``."""
    if estimator.solver == "lbfgs":
        raise AttributeError('partial_fit is not available with solver="lbfgs".')
    return True


def resolve(choice: Any, registry: Mapping[str, Any]) -> Any:
    """Return the recipe of that name with its defaults, or the recipe itself."""
    return registry[choice]() if isinstance(choice, str) else choice


def _drop_weightless(
    X: Matrix, target: NDArray[Any], weight: NDArray[np.float64] | None
) -> tuple[Matrix, NDArray[Any], NDArray[np.float64] | None]:
    """Remove rows of zero weight; where there are no others, keep all."""
    if weight is None or weight.all() or not weight.any():
        return X, target, weight
    keep = np.flatnonzero(weight)
    return X[keep], target[keep], weight[keep]
