"""What the estimators share: validate → encode → build → train → fitted attributes.

A subclass says which layers and loss its network has, how y becomes the target Y of the
network, and how the network's parameters become fitted attributes and back. Everything
else, with the promises that a refused ``fit`` changes nothing and that an interrupted one
keeps its last complete epoch, is here.
"""

from __future__ import annotations

import copy
import time
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_neuron._validation import (
    RANDOM_STATE,
    Choice,
    Constraint,
    Flag,
    Number,
    check_sample_weight,
)
from sklearn_neuron.activations import Activation
from sklearn_neuron.batches import MiniBatches, full_batch
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Matrix, Network, raw_output
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer, State
from sklearn_neuron.schedules import SCHEDULES, Schedule
from sklearn_neuron.training import (
    Epoch,
    FullBatchEpoch,
    MiniBatchEpoch,
    Plateau,
    Run,
    minimize,
    train,
)

Array = NDArray[np.floating[Any]]
Parameters = tuple[list[Array], list[Array]]  # W and b of every layer

FLOATS = (np.float64, np.float32)
SOLVERS = (*OPTIMIZERS, "lbfgs")


@dataclass
class Resume:
    """What ``partial_fit`` and ``warm_start`` need besides the parameters to go on.

    Weights are scaled to mean 1 over all rows seen so far, hence the two sums. The
    generator is kept where ``random_state`` is an int, so that no order is replayed.
    """

    optimizer: str = ""
    state: State = field(default_factory=dict)
    epochs: int = 0
    n_rows: int = 0
    total_weight: float = 0.0
    seed: int | None = None
    rng: np.random.RandomState | None = None

    def scale(self, weight: NDArray[np.float64] | None, n: int) -> NDArray[np.float64] | None:
        """Count n rows in; return their weights scaled to mean 1 over all rows so far."""
        self.n_rows += n
        self.total_weight += n if weight is None else float(weight.sum())
        if not np.isfinite(self.total_weight):
            raise ValueError("The sum of sample_weight is not finite: scale the weights down.")
        factor = self.n_rows / self.total_weight
        if weight is None:
            return None if factor == 1.0 else np.full((n, 1), factor)
        scaled = weight.reshape(-1, 1) * factor
        return None if (scaled == 1.0).all() else scaled


class BaseNetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """Base class of the five estimators."""

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
        "verbose": Flag(level=True),
    }

    # ---- what a subclass says -------------------------------------------------------------

    @abstractmethod
    def _read_target(
        self, y: Any, classes: Any, *, resume: bool, one_pass: bool
    ) -> NDArray[Any]:
        """Check y; return numbers, a row each; classifiers settle ``classes_``."""

    def _weigh_classes(
        self, target: NDArray[Any], weight: NDArray[np.float64], one_pass: bool
    ) -> NDArray[np.float64]:
        """Return the weights times what each row's class brings."""
        return weight

    @abstractmethod
    def _encode_target(self, target: NDArray[Any], resume: bool) -> NDArray[Any]:
        """Return the network's targets Y, (n, K)."""

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss, with its link; called after the target is read."""

    def _hidden(self) -> tuple[list[int], list[Activation]]:
        """Return the sizes and activations of the hidden layers."""
        return [], []

    @abstractmethod
    def _parameters(self) -> Parameters:
        """Return the fitted W (n_in, n_out) and b (n_out,) of every layer."""

    @abstractmethod
    def _set_parameters(self, coefs: list[Array], intercepts: list[Array]) -> None:
        """Set the fitted attributes from W and b, which are the estimator's own copies."""

    @abstractmethod
    def _draw_parameters(self, network: Network, rng: np.random.RandomState) -> Parameters:
        """Return W and b of every layer before the first step."""

    @abstractmethod
    def _given_parameters(
        self, network: Network, coef_init: Any, intercept_init: Any
    ) -> tuple[list[Array] | None, list[Array] | None]:
        """Return ``coef_init`` and ``intercept_init`` as W and b of every layer."""

    # ---- fit ------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, **how: Any) -> Self:
        """Train, and attach everything or leave the estimator as it was."""
        before = dict(vars(self))
        try:
            interrupt = self._fit_or_raise(X, y, sample_weight, **how)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
        if interrupt is not None:
            raise interrupt
        return self

    def _fit_or_raise(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        classes: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
        one_pass: bool = False,
    ) -> KeyboardInterrupt | None:
        """Go the whole way from X, y to fitted attributes; return an interrupt to be raised."""
        self._check_parameters()
        resume = self._is_fitted() and (one_pass or bool(self.warm_start))
        place = self._place(resume)
        X, y = self._check_data(X, y, resume)
        target = self._read_target(y, classes, resume=resume, one_pass=one_pass)
        weight = self._check_weight(sample_weight, target, X.shape[0], one_pass)
        if weight is not None and not weight.any() and resume:
            return None  # a block of zero total weight changes nothing
        X, target, weight = _drop_weightless(X, target, weight)
        Y = np.ascontiguousarray(self._encode_target(target, resume), dtype=X.dtype)
        network = self._build(X, Y, resume)
        self._start(network, place, resume, coef_init, intercept_init)
        run = Run(network.theta.copy(), epochs=place.epochs)
        interrupt = None
        if weight is None or weight.any():
            scaled = place.scale(weight, X.shape[0])
            scaled = None if scaled is None else scaled.astype(X.dtype)
            interrupt = self._train(network, X, Y, scaled, run, place, one_pass)
        self._attach(network, run, place, append=resume and not one_pass)
        if interrupt is None and not one_pass:
            self._warn_unless_converged(network, run)
        return interrupt

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
            if fitted != layer_sizes:
                raise ValueError(
                    f"The fitted network has layers of {fitted} units, but the parameters and "
                    f"data now ask for {layer_sizes}. To go on (warm_start or partial_fit) keep "
                    "them; to start anew set warm_start=False and call fit."
                )
        return Network(layer_sizes, activations, self._loss(), float(self.alpha), X.dtype)

    def _start(
        self, network: Network, place: Resume, resume: bool, coef_init: Any, intercept_init: Any
    ) -> None:
        """Fill θ: from what the user gives, from the last fit, or drawn."""
        if resume:
            coefs, intercepts = self._parameters()
        else:
            coefs, intercepts = self._draw_parameters(network, place.rng)
        given_coefs, given_intercepts = self._given_parameters(network, coef_init, intercept_init)
        for view, value in zip(network.W, given_coefs or coefs, strict=True):
            view[...] = value
        for view, value in zip(network.b, given_intercepts or intercepts, strict=True):
            view[...] = value

    def _place(self, resume: bool) -> Resume:
        """Return where to go on from, as a copy, or where to begin."""
        seed = int(self.random_state) if isinstance(self.random_state, Integral) else None
        place = copy.deepcopy(self._resume) if resume else Resume()
        if seed is None or place.seed != seed or place.rng is None:
            place.rng = check_random_state(self.random_state)
        place.seed = seed
        return place

    def _train(
        self,
        network: Network,
        X: Matrix,
        Y: Array,
        weight: Array | None,
        run: Run,
        place: Resume,
        one_pass: bool,
    ) -> KeyboardInterrupt | None:
        """Move θ; an interrupt after the first epoch is returned, with that epoch kept."""
        max_iter = 1 if one_pass else int(self.max_iter)
        tol = None if self.tol is None else float(self.tol)
        report = self._reporter(max_iter) if self.verbose else None
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
                if self.solver == "lbfgs":
                    blocks = full_batch(network, X, Y, weight)
                    minimize(network, blocks, run, max_iter=max_iter, tol=tol, report=report)
                else:
                    train(
                        self._epoch(network, X, Y, weight, run, place),
                        network,
                        run,
                        eta=float(self.eta),
                        schedule=resolve(self.schedule, SCHEDULES),
                        max_iter=max_iter,
                        plateau=Plateau(tol, int(self.n_iter_no_change)),
                        report=report,
                    )
        except KeyboardInterrupt as interrupt:
            if not run.losses:
                raise
            return interrupt
        return None

    def _epoch(
        self,
        network: Network,
        X: Matrix,
        Y: Array,
        weight: Array | None,
        run: Run,
        place: Resume,
    ) -> Epoch:
        """Choose what one epoch is, and take up the optimizer's state where it fits."""
        optimizer: Optimizer = resolve(self.solver, OPTIMIZERS)
        state = optimizer.init(network.theta)
        if place.optimizer == type(optimizer).__name__ and place.state.keys() == state.keys():
            state = place.state
        place.optimizer = type(optimizer).__name__
        run.state = copy.deepcopy(state)
        n = X.shape[0]
        if self.batch_size is None or self.batch_size >= n:
            return FullBatchEpoch(network, full_batch(network, X, Y, weight), optimizer, state)
        batches = MiniBatches(network, X, Y, weight, int(self.batch_size))
        rng = place.rng if self.shuffle else None
        return MiniBatchEpoch(network, batches, optimizer, state, rng)

    def _attach(self, network: Network, run: Run, place: Resume, append: bool) -> None:
        """Set the fitted attributes from the last complete epoch."""
        np.copyto(network.theta, run.theta)
        self._set_parameters([W.copy() for W in network.W], [b.copy() for b in network.b])
        self.n_iter_ = len(run.losses)
        self.loss_curve_ = (self.loss_curve_ if append else []) + run.losses
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        self.best_loss_ = min(self.loss_curve_, default=float("nan"))
        place.state, place.epochs = run.state, run.epochs
        place.rng = place.rng if place.seed is not None else None
        self._resume = place

    def _warn_unless_converged(self, network: Network, run: Run) -> None:
        if run.converged or (self.tol is None and not network.loss.solvable):
            return
        if self.solver == "lbfgs":
            what = f"L-BFGS stopped after {self.n_iter_} iterations (max_iter={self.max_iter})"
            advice = f"before the gradient fell below tol={self.tol}. Increase max_iter, or"
        elif network.loss.solvable:
            what = f"max_iter={self.max_iter} epochs passed without one free of mistakes"
            advice = "(the classes may not be linearly separable). Increase max_iter, or"
        else:
            what = f"max_iter={self.max_iter} epochs were reached while the loss still improved"
            advice = f"by more than tol={self.tol}. Increase max_iter or eta, or"
        warnings.warn(
            f"{type(self).__name__}: {what} {advice} scale the features (StandardScaler).",
            ConvergenceWarning,
            stacklevel=5,
        )

    def _reporter(self, max_iter: int) -> Any:
        """Return a function that prints one line for each epoch."""
        start, width = time.perf_counter(), len(str(max_iter))
        unit = "iteration" if self.solver == "lbfgs" else "epoch"

        def report(number: int, loss: float, eta: float) -> None:
            rate = "" if unit == "iteration" else f"  eta {eta:.6g}"
            seconds = time.perf_counter() - start
            print(  # noqa: T201
                f"[{type(self).__name__}] {unit} {number:>{width}}/{max_iter}  "
                f"loss {loss:.6f}{rate}  {seconds:.2f} s",
                flush=True,
            )

        return report

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
