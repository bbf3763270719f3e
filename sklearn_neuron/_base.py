"""What the estimators share: validate → encode → build → train → fitted attributes.

A subclass says which layers and loss its network has, how y becomes the target Y of the
network, and how the network's parameters become fitted attributes and back. Everything
else, with the promises that a refused ``fit`` changes nothing and that an interrupted one
keeps its last complete epoch, is here.
"""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_neuron._reporting import not_converged, reporter
from sklearn_neuron._resume import Resume
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
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Matrix, Network, raw_output
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer
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


class BaseNetworkEstimator(BaseEstimator):
    """Base class of the five estimators."""

    n_iter_: int
    loss_: float
    best_loss_: float
    loss_curve_: list[float]
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
        before = self.__dict__.copy()
        try:
            interrupt = self._fit_or_raise(X, y, sample_weight, **how)
        except BaseException:
            self.__dict__.update(before)
            for name in self.__dict__.keys() - before.keys():
                del self.__dict__[name]
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
        place = Resume.place(self._resume if resume else None, self.random_state)
        if not one_pass:
            place.forget_rows()
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
            rows = Rows(X, Y, None if scaled is None else scaled.astype(X.dtype))
            interrupt = self._train(network, rows, run, place, one_pass=one_pass)
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

    def _train(
        self, network: Network, rows: Rows, run: Run, place: Resume, *, one_pass: bool
    ) -> KeyboardInterrupt | None:
        """Move θ; an interrupt after the first epoch is returned, with that epoch kept."""
        max_iter = 1 if one_pass else int(self.max_iter)
        tol = None if self.tol is None else float(self.tol)
        lbfgs = self.solver == "lbfgs"
        unit = "iteration" if lbfgs else "epoch"
        report = reporter(type(self).__name__, unit, max_iter) if self.verbose else None
        try:
            with np.errstate(all="ignore"):  # what is not finite is found at the epoch's end
                if lbfgs:
                    blocks = full_batch(network, rows)
                    minimize(network, blocks, run, max_iter=max_iter, tol=tol, report=report)
                else:
                    train(
                        self._epoch(network, rows, run, place),
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

    def _epoch(self, network: Network, rows: Rows, run: Run, place: Resume) -> Epoch:
        """Choose what one epoch is, and take up the optimizer's state where it fits."""
        optimizer: Optimizer = resolve(self.solver, OPTIMIZERS)
        state = place.take_up(optimizer, network.theta)
        run.state = copy.deepcopy(state)
        if self.batch_size is None or self.batch_size >= len(rows.Y):
            return FullBatchEpoch(network, full_batch(network, rows), optimizer, state)
        batches = MiniBatches(network, rows, int(self.batch_size))
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
        self._resume = place.leave(run.state, run.epochs)

    def _warn_unless_converged(self, network: Network, run: Run) -> None:
        solvable = network.loss.solvable
        if run.converged or (self.tol is None and not solvable):
            return
        kind = "lbfgs" if self.solver == "lbfgs" else "mistakes" if solvable else "epochs"
        text = not_converged(type(self).__name__, self.n_iter_, self.max_iter, self.tol, kind)
        warnings.warn(text, ConvergenceWarning, stacklevel=5)

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
