"""The estimators' common base: parameters → data → network → plan → run → attributes.

An estimator names its kind of targets and its layout; what varies between estimators is in these
two values. ``NetworkEstimator._fit`` is the whole way from the parameters and the data to the
fitted attributes: nothing is written on the estimator before training has ended. Prediction goes
back the same way: the targets and the layout are made of the fitted attributes.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._config import get_config
from sklearn_neuron._engine import core
from sklearn_neuron._engine.batches import BLOCK_BYTES, raw_outputs
from sklearn_neuron._engine.fit import check_record, fit_network, new_run
from sklearn_neuron._engine.plan import Parameters, Plan, Solver
from sklearn_neuron._engine.run import Callback, Run
from sklearn_neuron._engine.solvers import SOLVERS, solver_of
from sklearn_neuron._estimator.attributes import attach, run_attributes
from sklearn_neuron._estimator.callbacks import CallbackSupport, Tasks, with_callbacks
from sklearn_neuron._estimator.constraints import Constraint
from sklearn_neuron._estimator.containers import ORDINARY, in_numpy
from sklearn_neuron._estimator.data import FLOATS, NOT_HELD_OUT, Call, Data, Given, read, validated
from sklearn_neuron._estimator.diagnosis import (
    FEW_EPOCHS,
    better_advice,
    constant_loss,
    has_diverged,
    more_remedies,
    of_validation,
    went_wrong,
)
from sklearn_neuron._estimator.hints import refuse_nested, refuse_unknown
from sklearn_neuron._estimator.layout import Layout, automatic_eta
from sklearn_neuron._estimator.length import (
    LEAST_SAMPLES,
    Length,
    choose_length,
    in_single_precision,
)
from sklearn_neuron._estimator.reporting import length_reporter, not_converged, reporter, warn
from sklearn_neuron._estimator.saving import loaded, saved
from sklearn_neuron._estimator.state import STATE, TrainingState
from sklearn_neuron._estimator.targets import Classes, Targets
from sklearn_neuron._estimator.units import OWN, Units, start_units
from sklearn_neuron._typing import Array, EngineUsed
from sklearn_neuron.activations import links_of
from sklearn_neuron.components import Component
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.losses import LOSSES, Loss
from sklearn_neuron.network import Network, dense, split
from sklearn_neuron.records import RECORDS, Record
from sklearn_neuron.schedules import SCHEDULES, Schedule

if TYPE_CHECKING:
    Method = TypeVar("Method", bound=Callable[..., Any])

    def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
        """Tell type checkers that scikit-learn's decorator keeps the types of a method."""
else:
    from sklearn.utils.metaestimators import available_if


#: Where the components come from that are not the user's own.
PACKAGE = "sklearn_neuron"


class NetworkEstimator(CallbackSupport, BaseEstimator):
    """Base class of the estimators."""

    # what ``fit`` sets; a bare annotation tells type checkers, and creates nothing
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    eta_: float
    n_iter_: int
    engine_: EngineUsed
    loss_curve_: NDArray[np.float64]
    loss_: float
    best_loss_: float
    best_iter_: int
    history_: dict[str, Any]
    start_: dict[str, Any]
    validation_loss_curve_: NDArray[np.float64]
    validation_scores_: NDArray[np.float64]
    best_validation_score_: float

    _targets: ClassVar[Targets]
    _layout: ClassVar[type[Layout]]
    _constraints: ClassVar[Mapping[str, Constraint]]

    if TYPE_CHECKING:  # scikit-learn's base classes, which define these, have no types

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        coef_init: Any = None,
        intercept_init: Any = None,
    ) -> Self:
        """Fit the model to the training data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_outputs)
            The target values: class labels for classifiers (numbers or strings; for multilabel y a
            column of 0 and 1 for each label), numbers for regressors.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, not negative; only their ratios matter.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data: their loss and score are measured after every epoch, and the fitted
            parameters are those of the best epoch.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            The target values of the validation data.
        sample_weight_val : array-like of shape (n_val,), default=None
            The sample weights of the validation data.
        coef_init : array-like or list of array-like, default=None
            Initial weights, of the shape of ``coef_`` for a neuron; for a network a list of arrays
            as ``coefs_``.
        intercept_init : float, array-like or list of array-like, default=None
            Initial biases, of the shape of ``intercept_``; for a network a list of arrays as
            ``intercepts_``.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If parameters or data are invalid. The estimator is then left as it was.
        sklearn_neuron.exceptions.DivergenceError
            If training diverges; a ValueError, too.
        """
        given, validation = Given(X, y, sample_weight), Given(X_val, y_val, sample_weight_val)
        return self._fit(
            Call(given, validation, coef_init=coef_init, intercept_init=intercept_init)
        )

    def _fit(self, call: Call) -> Self:
        """Train, and set all fitted attributes at once."""
        solver, one_pass = check_parameters(self), call.one_pass
        listens = hasattr(self, "_skl_callbacks") and not one_pass
        tasks = tasks_of(self, call.given, solver) if listens else None
        last = vars(self) if is_fitted(self) and (one_pass or self.warm_start) else None
        state = TrainingState.after(last)
        problem = pose(self, call, solver, state, last)
        if problem is None:  # a block of zero total weight changes nothing
            return self
        data, network, units = problem.data, problem.network, problem.units
        # a partial_fit keeps the curves of its own pass only, so that pickles do not grow
        record = RECORDS[self.record] if isinstance(self.record, str) else self.record
        adds_up = not (one_pass and record.kind == "loss")
        earlier = last if last is not None and adds_up else {}

        plan = plan_of(self, solver, problem, state, record, earlier, one_pass=one_pass)
        length = None
        if problem.chooses_length:
            plan, length = with_length(self, problem, plan, state)

        def attributes_of(run: Run) -> dict[str, Any]:
            seen = run if units.scale == 1.0 else units.run(run, network)
            known = data.targets.attributes() | data.features
            known |= run_attributes(seen, network, problem.layout, data.rows, earlier)
            known |= {} if length is None else length.attributes(units.per_loss)
            return known | {"eta_": problem.eta, STATE: state.advanced(solver, run, units)}

        if tasks is not None:
            plan = followed(plan, tasks, attributes_of)
        run = trained(problem, plan, one_pass=one_pass)
        attach(self, attributes_of(run), state.parked())
        if tasks is not None:
            tasks.close(partial(attributes_of, run))
        if run.interrupt is not None:
            run.raise_interrupt()
        with np.errstate(all="ignore"):
            warn_after(self, solver, problem, plan, run, length, one_pass=one_pass)
        return self

    @np.errstate(under="ignore")  # of exp, for a probability near 0
    def _answer(self, X: Any, read_off: Callable[[Array], NDArray[Any]]) -> NDArray[Any]:
        """Return what is read off z^L for new samples.

        Samples pass through the network in blocks that fit in the cache and in scikit-learn's
        ``working_memory``, so only the answer is as long as X.
        """
        config, attributes, layout = sklearn.get_config(), vars(self), self._layout
        if not surely_valid(self, X, config):
            if type(X) not in ORDINARY:
                X = in_numpy(self, "predict", X=X)["X"]
            X = validated(self, X, dtype=FLOATS, reset=False)
        n_bytes = min(BLOCK_BYTES, config["working_memory"] * 2**20)
        coefs, intercepts = layout.fitted_layers(attributes)
        activations = layout.fitted_activations(attributes)
        blocks = raw_outputs(X, coefs, intercepts, activations, n_bytes)
        rows, z = next(blocks)
        first = read_off(z)
        if len(first) == X.shape[0]:
            return first
        answer = np.empty((X.shape[0], *first.shape[1:]), first.dtype)
        answer[rows] = first
        for rows, z in blocks:
            answer[rows] = read_off(z)
        return answer

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Parameters of the estimator, and as ``solver__momentum`` those of an object that is one
            of its parameters.

        Returns
        -------
        self : estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no such parameter, or if a name, as ``solver="sgd"``, is in the place of
            the object.
        """
        refuse_unknown(self, params)
        refuse_nested(self, params)
        return super().set_params(**params)  # type: ignore[no-any-return]

    def __getstate__(self) -> dict[str, Any]:
        return saved(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(loaded(type(self).__name__, state))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = "multi_output" in self._targets.y_check
        return tags


# ---- what a fit is made of ----------------------------------------------------------------------


class Problem(NamedTuple):
    """What ``fit`` minimizes, and where it starts."""

    data: Data
    layout: Layout
    network: Network
    starts: Iterator[Parameters]
    n_starts: int
    given_start: bool  # whether the user gives initial parameters
    units: Units  # of training, which the network sees y in
    start: Callable[[Callable[[], np.random.RandomState]], Parameters]  # makes another start
    chooses_length: bool  # whether the number of epochs is chosen by cross-validation
    eta: float  # the base learning rate
    has_automatic_eta: bool  # whether "auto" stands for it


def pose(
    estimator: NetworkEstimator,
    call: Call,
    solver: Solver,
    state: TrainingState,
    last: Mapping[str, Any] | None,
    *,
    in_own_units: bool = False,
) -> Problem | None:
    """Read the data and make the network; None if a block of zero weight changes nothing.

    Parameters
    ----------
    estimator : estimator
        Its parameters are read; nothing is written on it.
    call : Call
        What the user gives.
    solver : Solver
        The solver.
    state : TrainingState
        A working copy.
    last : mapping or None
        The fitted attributes, if training continues.
    in_own_units : bool, default=False
        Whether the network is to see y as it is, at the parameters that users see.
    """
    targets, dtype = estimator._targets, None
    if last is not None:
        targets = targets.fitted(last)
        dtype = estimator._layout.fitted_layers(last)[0][0].dtype
    data = (call.read or read)(estimator, call, targets, state, dtype)
    if data is None:
        return None
    (n, p, K), rng = data.shape, partial(state.rng, estimator.random_state)
    chooses_length = estimator.early_stopping == "auto" and may_choose_length(
        estimator, call, data, solver, last
    )
    alpha = estimator.alpha
    if isinstance(alpha, str):
        alpha = 1.0 / n if chooses_length else 0.0
        alpha = alpha if last is None else last.get("alpha_", 0.0)
    layout = estimator._layout.of(estimator, alpha=float(alpha), flat=data.targets.flat)
    loss = data.targets.loss(estimator)
    units = of_start = state.units
    center = None
    if data.spread is not None and solver.adaptive and not call.gives_start():
        n_samples = n if call.one_pass else None
        penalized = bool(layout.sizes) and estimator.alpha not in ("auto", 0.0)
        of_start, center = start_units(loss, data.spread, n_samples=n_samples)
        # in other units, the penalty of the hidden layers would be another
        units = OWN if penalized else of_start
    seen = OWN if in_own_units else units
    if seen.scale != 1.0:
        data, loss = data.in_units(seen), seen.loss(loss)
    network = layout.network(p, K, loss, data.dtype, rng)
    if last is not None:
        check_continues(layout, network, last)
    try_own(solver, layout, network, data.samples, is_later=call.one_pass and last is not None)
    given = layout.given(network, call.coef_init, call.intercept_init)
    one = given != (None, None) or call.one_pass or last is not None
    n_starts = 1 if one else int(getattr(estimator, "n_init", 1))

    def start(rng: Callable[[], np.random.RandomState]) -> Parameters:
        if last is None:
            own = layout.start(network, rng)
        elif "iterate" in state.checkpoint.state and not in_own_units:
            # training continues from here, not from the fitted parameters, which are a mean
            iterate = split(state.checkpoint.state["iterate"], network.layer_sizes)
            own = units.parameters(iterate)
        else:
            coefs, intercepts = layout.fitted_layers(last)
            own = [dense(W) for W in coefs], intercepts
        if center is not None:
            own = of_start.parameters(own, center)
        (coefs, intercepts), (W, b) = own, given
        chosen = coefs if W is None else W, intercepts if b is None else b
        return chosen if seen.scale == 1.0 else seen.start(chosen)

    starts = map(start, itertools.repeat(rng, n_starts))
    eta = estimator.eta
    if isinstance(eta, str):
        known = None if last is None else last.get("eta_")
        eta = automatic_eta(solver, network, data.samples) if known is None else known
    return Problem(
        data,
        layout,
        network,
        starts,
        n_starts,
        given != (None, None),
        units,
        start,
        chooses_length,
        float(eta),
        isinstance(estimator.eta, str),
    )


def try_own(
    solver: Solver, layout: Layout, network: Network, samples: Any, *, is_later: bool
) -> None:
    """Raise unless components of the user's own keep to their contracts.

    They are not tried again at later blocks of ``partial_fit``, which may take no longer.
    """
    own = own_components(solver, layout, network.loss)
    if own and not is_later:
        from sklearn_neuron._estimator import trial  # noqa: PLC0415 - most fits have none

        trial.try_components(own, layout.activations, network, samples)


def of_own(problem: Problem, solver: Solver) -> str:
    """Return a word on NaN of components of the user's own, or an empty string."""
    layout, network = problem.layout, problem.network
    own = own_components(solver, layout, network.loss)
    if not own:
        return ""
    from sklearn_neuron._estimator import trial  # noqa: PLC0415 - most fits have none

    return trial.where_nan(own, layout.activations, network, problem.data.samples)


def own_components(solver: Solver, layout: Layout, loss: Loss) -> list[Component]:
    """Return the components that are the user's own, and not the package's."""
    own: list[Component] = []
    for each in (*layout.activations, loss.link, loss, getattr(solver, "optimizer", None)):
        if each is not None and type(each).__module__.partition(".")[0] != PACKAGE:
            own.append(each)  # noqa: PERF401 - there are few, and mostly none
    return own


def may_choose_length(
    estimator: Any, call: Call, data: Data, solver: Solver, last: Mapping[str, Any] | None
) -> bool:
    """Return whether the number of epochs is chosen by cross-validation.

    It is not where training goes on, where the user gives a start, validation data or the number
    of epochs (there is no ``tol``, or too few epochs for it), where there are too few samples to
    tell, and where these are not in memory.
    """
    return (
        solver.has_updates
        and last is None
        and call.read is None
        and bool(estimator.tol)
        and estimator.n_iter_no_change < estimator.max_iter
        and schedule_of(estimator, chosen=True).may_end
        and not (call.one_pass or call.gives_start() or data.weightless)
        and data.validation is None
        and data.shape[0] >= LEAST_SAMPLES
    )


def problem_at(
    estimator: NetworkEstimator,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    coef_init: Any = None,
    intercept_init: Any = None,
) -> Problem:
    """Return what ``fit`` would minimize, for those who look at an estimator from outside.

    If it is fitted, at its parameters, and y may lack classes; else at the start of ``fit``. The
    estimator is not changed. All samples are trained on, none is split off for validation.
    """
    shadow = copy.copy(estimator)
    shadow.random_state = copy.deepcopy(shadow.random_state)  # a RandomState would move on
    solver = check_parameters(shadow)
    last = vars(shadow) if is_fitted(shadow) else None
    state = TrainingState.after(last)
    if shadow.early_stopping not in NOT_HELD_OUT and last is None:
        state.split(shadow.random_state)  # fit draws the seed of the split before its start
    if shadow.early_stopping not in NOT_HELD_OUT:
        shadow.early_stopping = False
    call = Call(
        Given(X, y, sample_weight),
        coef_init=coef_init,
        intercept_init=intercept_init,
        all_classes=False,
    )
    problem = pose(shadow, call, solver, state, last, in_own_units=True)
    if problem is None or problem.data.weightless:
        raise ValueError("There is nothing to inspect: every sample has zero weight.")
    return problem


def plan_of(
    estimator: Any,
    solver: Solver,
    problem: Problem,
    state: TrainingState,
    record: Record,
    earlier: Mapping[str, Any],
    *,
    one_pass: bool,
) -> Plan:
    """Return the plan that an estimator's parameters describe; the record continues an earlier."""
    name, max_iter = type(estimator).__name__, int(estimator.max_iter)
    steps = earlier.get("history_", {}).get("step", ())
    n_epochs = 1 if one_pass else max_iter
    engine = get_config()["engine"]
    if engine == "compiled":
        core.load()  # or say why not
    elif engine == "auto" and not core.available():
        engine = "numpy"
        if complaint := core.complaint():
            warn(f"{name}: {complaint}", RuntimeWarning)
    last = state.checkpoint
    if problem.given_start:
        last = last._replace(state={})  # the optimizer's state does not belong to another start
    return Plan(
        starts=problem.starts,
        n_starts=problem.n_starts,
        solver=solver,
        eta=problem.eta,
        schedule=schedule_of(estimator, chosen=False),
        batch_size=None if estimator.batch_size is None else int(estimator.batch_size),
        max_iter=max_iter,
        n_epochs=n_epochs,
        tol=None if estimator.tol is None else float(estimator.tol),
        n_iter_no_change=int(estimator.n_iter_no_change),
        early_stopping=estimator.early_stopping not in NOT_HELD_OUT,
        record=record,
        first=(len(earlier.get("loss_curve_", ())), int(steps[-1]) + 1 if len(steps) else 0),
        engine=engine,
        last=last,
        rng=partial(state.rng, estimator.random_state),
        shuffle=bool(estimator.shuffle),
        validation=problem.data.validation_data(problem.network.loss),
        callbacks=reporters(estimator, problem, n_epochs) if estimator.verbose else (),
        on_start=None,
    )


def reporters(estimator: Any, problem: Problem, n_epochs: int) -> Sequence[Callback]:
    """Return what prints a line for each epoch or iteration."""
    unit = solver_of(estimator.solver).unit
    return [reporter(type(estimator).__name__, unit, n_epochs, problem.units.per_loss)]


def trained(problem: Problem, plan: Plan, *, one_pass: bool) -> Run:
    """Train, and raise a DivergenceError if that has led nowhere, at finite losses, too."""
    data, network = problem.data, problem.network
    if data.weightless:
        return fit_network(network, None, plan)
    # one that "auto" has chosen suits the samples: a part of it is no advice
    eta = plan.eta if plan.solver.has_updates and not problem.has_automatic_eta else None
    try:
        run = fit_network(network, data.samples, plan)
    except DivergenceError as error:
        what, *advice = error.args or ("Training diverged.",)
        own = of_own(problem, plan.solver)
        advice = better_advice(network, data.samples, eta, advice)
        error.args = (what, *([own] if own else []), *advice)
        raise
    if run.moment.n_epochs < FEW_EPOCHS or one_pass or run.stopped or run.interrupt is not None:
        return run
    with np.errstate(all="ignore"):
        if text := has_diverged(network, data.samples, run, eta, problem.units.per_loss):
            raise DivergenceError(text)
    return run


def schedule_of(estimator: Any, *, chosen: bool) -> Schedule:
    """Return the schedule; that of "auto" depends on whether the number of epochs is chosen."""
    choice = estimator.schedule
    if choice == "auto":
        choice = "restarts" if chosen else "constant"
    schedule: Schedule = SCHEDULES[choice]() if isinstance(choice, str) else choice
    return schedule


def followed(plan: Plan, tasks: Tasks, attributes_of: Callable[[Run], dict[str, Any]]) -> Plan:
    """Return a plan whose epochs are tasks of scikit-learn's callbacks."""
    callbacks = [*plan.callbacks, tasks.callback(attributes_of)]
    return plan._replace(callbacks=callbacks, on_start=tasks.starter(attributes_of))


def with_length(
    estimator: Any, problem: Problem, plan: Plan, state: TrainingState
) -> tuple[Plan, Length]:
    """Return the plan of training as long as cross-validation says, and what it says."""
    own, data, network = state.rng(estimator.random_state), problem.data, problem.network

    def rng() -> np.random.RandomState:
        return copy.deepcopy(own)

    def start(generator: np.random.RandomState) -> Parameters:
        return problem.start(lambda: generator)

    run, n = new_run(network, plan), len(data.samples.Y)
    try:  # before what may take minutes: of one epoch, since it is not known of how many
        check_record(run, network, n, plan, 1)
    except ValueError:
        check_record(run, network, n, plan, plan.n_epochs)
    told, plan = None, plan._replace(schedule=schedule_of(estimator, chosen=True))
    if estimator.verbose:
        told = length_reporter(type(estimator).__name__, problem.units.per_loss)
    samples, strata = in_single_precision(data.samples), data.targets.strata(data.samples.Y)
    p, K = network.layer_sizes[0], network.layer_sizes[-1]
    network = problem.layout.network(p, K, network.loss, samples.X.dtype, rng)
    length = choose_length(network, start, samples, strata, plan, rng, told)
    if estimator.verbose:
        plan = plan._replace(callbacks=reporters(estimator, problem, length.n_epochs))
    return plan._replace(n_epochs=length.n_epochs, tol=None), length


def check_parameters(estimator: NetworkEstimator) -> Solver:
    """Raise unless every parameter is valid, alone and with the solver; return the solver."""
    for name, constraint in estimator._constraints.items():
        constraint.check(type(estimator).__name__, name, getattr(estimator, name))
    solver = solver_of(estimator.solver)
    for option, needed in solver.unsupported.items():
        if getattr(estimator, option, 0.0):
            raise ValueError(
                f"{option}={getattr(estimator, option)} needs {needed}; "
                f"got solver={estimator.solver!r}."
            )
    return solver


def check_continues(layout: Layout, network: Network, last: Mapping[str, Any]) -> None:
    """Raise unless a network is the one of the last fit."""
    coefs, intercepts = layout.fitted_layers(last)
    (link,) = links_of([last.get("_link", network.loss.link)])
    if link != network.loss.link:
        raise ValueError(
            f"The fitted network has the output activation {link!r}, but the loss now asks for "
            f"{network.loss.link!r}. To continue training (warm_start or partial_fit) keep the "
            "loss; to start from scratch set warm_start=False and call fit."
        )
    if not network.fit_intercept and np.any(intercepts[-1]):
        raise ValueError(
            "The fitted neuron has an intercept, but fit_intercept=False asks for none. To "
            "continue training (warm_start or partial_fit) keep it; to start from scratch set "
            "warm_start=False and call fit."
        )
    fitted = [W.shape[0] for W in coefs] + [coefs[-1].shape[1]]
    activations = list(layout.fitted_activations(last))
    other = f"{fitted} units", f"{list(network.layer_sizes)}"
    if fitted == list(network.layer_sizes):
        if activations == list(layout.activations):
            return
        other = f"{activations} activations", f"{list(layout.activations)}"
    raise ValueError(
        f"The fitted network has layers of {other[0]}, but the parameters and data now ask for "
        f"{other[1]}. To continue training (warm_start or partial_fit) or to inspect the "
        "fitted network keep them; to start from scratch set warm_start=False and call fit."
    )


def tasks_of(estimator: Any, given: Given, solver: Solver) -> Tasks:
    """Return the tasks of a fit, for scikit-learn's callbacks."""
    weight = None if given.sample_weight is None else {"sample_weight": given.sample_weight}
    n = estimator.max_iter * getattr(estimator, "n_init", 1)
    return Tasks(estimator, n, solver.unit, X=given.X, y=given.y, metadata=weight)


def warn_after(
    estimator: Any,
    solver: Solver,
    problem: Problem,
    plan: Plan,
    run: Run,
    length: Length | None,
    *,
    one_pass: bool,
) -> None:
    """Warn if the engine asked for was not used, if training went wrong, or has not converged."""
    name, network = type(estimator).__name__, problem.network
    if plan.engine == "compiled" and run.engine == "numpy" and not one_pass:
        reason = run.refusal or f"solver={estimator.solver!r}"
        warn(
            f"{name}: engine='compiled' was asked for, but the core does not cover {reason}; "
            "the fit was computed by NumPy.",
            UserWarning,
        )
    n_iter = run.moment.n_epochs
    if one_pass or problem.data.weightless or not n_iter:
        return
    judged = n_iter >= FEW_EPOCHS
    if judged:
        eta = plan.eta if solver.has_updates else None
        chosen = length is not None
        short = plan.tol is None and not chosen
        data, per_loss = problem.data, problem.units.per_loss
        if wrong := went_wrong(
            network, data.samples, run, eta=eta, short=short, chosen=chosen, per_loss=per_loss
        ):
            warn(f"{name}: {wrong}", ConvergenceWarning)
            return
        held = None if data.split_off else data.validation
        if held is not None and (
            unlike := of_validation(network, data.samples, held, run, per_loss)
        ):
            warn(f"{name}: {unlike}", ConvergenceWarning)
    if length is not None and not run.stopped:
        constant = constant_loss(network.loss, problem.data.samples)
        if text := length.complaint(int(estimator.max_iter), constant):
            warn(f"{name}: {text}", ConvergenceWarning)
        return
    solvable = network.loss.solvable
    if run.converged or run.stopped or (plan.tol is None and not solvable):
        return
    kind = "mistakes" if solvable else "epochs"
    may_stop = solver.has_updates and not (estimator.early_stopping or run.validation)
    text = not_converged(
        name,
        kind if solver.has_updates else "iterations",
        solver=solver.title,
        n_iter=n_iter,
        max_iter=plan.max_iter,
        tol=plan.tol,
        n_iter_no_change=plan.n_iter_no_change,
        message=run.message,
        remedies=more_remedies(network, problem.data.samples, may_stop=may_stop) if judged else "",
    )
    warn(text, ConvergenceWarning)


def is_fitted(estimator: Any) -> bool:
    """Return whether an estimator is fitted."""
    return hasattr(estimator, "n_iter_")


def has_partial_fit(estimator: Any) -> bool:
    """Return True, or raise an AttributeError if ``partial_fit`` would always fail."""
    name = type(estimator).__name__
    if isinstance(estimator.solver, str) and estimator.solver in SOLVERS:
        reason = f"solver={estimator.solver!r}, which uses all samples at once"
    elif estimator.early_stopping not in NOT_HELD_OUT:
        reason = "early_stopping=True: a single pass over a block leaves nothing to stop"
    elif isinstance(class_weight := getattr(estimator, "class_weight", None), str) and (
        class_weight == "balanced"
    ):
        reason = (
            "class_weight='balanced', because a block does not tell how frequent the classes are. "
            "Use sklearn.utils.class_weight.compute_class_weight('balanced', classes=..., y=...) "
            "on representative labels and pass the result as a dict"
        )
    else:
        return True
    raise AttributeError(f"partial_fit of {name} is not available with {reason}.")


def has_probabilities(estimator: Any) -> bool:
    """Return whether the outputs of a classifier are probabilities."""
    return estimator._targets.criterion is None


# ---- prediction ---------------------------------------------------------------------------------

#: What ``validate_data`` does not convert; another byte order is another dtype.
FLOAT_DTYPES = tuple(map(np.dtype, FLOATS))


def surely_valid(estimator: Any, X: Any, config: Mapping[str, Any]) -> bool:
    """Return whether it is certain that ``validate_data`` would return X itself, silently.

    Validation takes ten times as long as the prediction of a sample. Whatever it may have to say
    something about, or to convert, is left to it.
    """
    return (
        type(X) is np.ndarray  # a subclass may mean something else
        and X.ndim == 2
        and X.dtype in FLOAT_DTYPES
        and X.shape[0] > 0
        and X.shape[1] == getattr(estimator, "n_features_in_", None)
        and getattr(estimator, "feature_names_in_", None) is None
        and not config["array_api_dispatch"]
        and (X.flags.forc or X.nbytes <= BLOCK_BYTES)  # else a copy, below, would be large
        and has_finite_norm(X)
    )


def has_finite_norm(X: Array) -> bool:
    """Return whether ‖X‖² is finite: then all of X is. It may overflow where X is finite.

    Unlike a sum, and unlike ``dot``, ``vdot`` never warns; ``errstate`` would take longer than it.
    """
    flat = X.ravel(order="K")
    return math.isfinite(np.vdot(flat, flat))


def check_fitted(estimator: Any) -> None:
    """Raise a NotFittedError unless ``check_is_fitted``, which takes longer, has nothing to say."""
    if not is_fitted(estimator):
        check_is_fitted(estimator)


# ---- classifiers and regressors -----------------------------------------------------------------


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """Base class of the classifiers."""

    classes_: NDArray[Any]
    _targets: ClassVar[Classes]

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over a block of samples, continuing from the current parameters.

        Not available with solvers without updates, ``early_stopping=True`` or
        ``class_weight="balanced"``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A block of the training data.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that may ever occur; required in the first call, except for multilabel y,
            whose columns are the labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, relative to those of all samples seen so far. A block of zero total
            weight changes nothing.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If parameters or data are invalid, or if training diverges.

        See Also
        --------
        sklearn_neuron.streaming.shuffle_blocks : Shuffles a stream of blocks.

        Notes
        -----
        Samples are shuffled within a block only, and a constant ``eta`` follows the blocks that
        came last. If blocks are sorted, by time for example, average the parameters over all
        updates: ``solver=SGD(average=True)``, or ``Adam(average=True)`` for networks. With
        ``schedule="invscaling"`` the learning rate falls from call to call: each counts as an
        epoch. See the user guide, :ref:`guide-out-of-core`.
        """
        return self._fit(Call(Given(X, y, sample_weight), classes=classes, one_pass=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The predicted classes; for multilabel y, 0 or 1 for each label.
        """
        return self._answer(X, self._fitted_targets().predict)

    def decision_function(self, X: Any) -> Array:
        """Return the logits, which are the raw output z of the last layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes positive where ``classes_[1]`` is predicted; otherwise one column for
            each class or label. The perceptron predicts ``classes_[1]`` at z = 0, too, where the
            smallest positive number is returned.
        """
        return self._answer(X, self._fitted_targets().decide)

    @available_if(has_probabilities)
    def predict_proba(self, X: Any) -> Array:
        """Return probability estimates.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities σ(z) or softmax(z), with columns in the order of ``classes_``. For
            multilabel y each column is the probability of a label; these are kept below 1, in the
            order of the logits, which changes them by at most 4e-9 (2e-6 in float32). A probability
            that underflows is the smallest positive number, not 0.
        """
        return self._answer(X, self._fitted_targets().proba)

    @available_if(has_probabilities)
    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of probability estimates.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Computed from the logits, and so accurate and finite where probabilities round to 0
            or 1.
        """
        return self._answer(X, self._fitted_targets().log_proba)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_labels)
            The true class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            The share of samples whose class, or whose every label, is predicted.
        """
        data = {"X": X, "y": y, "sample_weight": sample_weight}
        return float(super().score(**in_numpy(self, "predict", **data)))

    def _fitted_targets(self) -> Classes:
        check_fitted(self)
        return self._targets.fitted(vars(self))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.target_tags.multi_output
        return tags


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """Base class of the regressors."""

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one pass over a block of samples, continuing from the current parameters.

        Not available with solvers without updates or ``early_stopping=True``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A block of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, relative to those of all samples seen so far. A block of zero total
            weight changes nothing.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If parameters or data are invalid, or if training diverges.

        See Also
        --------
        sklearn_neuron.streaming.shuffle_blocks : Shuffles a stream of blocks.

        Notes
        -----
        Samples are shuffled within a block only, and a constant ``eta`` follows the blocks that
        came last. If blocks are sorted, by time for example, average the parameters over all
        updates: ``solver=SGD(average=True)``, or ``Adam(average=True)`` for networks. With
        ``schedule="invscaling"`` the learning rate falls from call to call: each counts as an
        epoch. See the user guide, :ref:`guide-out-of-core`.
        """
        return self._fit(Call(Given(X, y, sample_weight), one_pass=True))

    def predict(self, X: Any) -> Array:
        """Predict target values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_targets)
            The predicted values.
        """
        check_fitted(self)
        return self._answer(X, self._targets.fitted(vars(self)).predict)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of the predictions, the share of the variance of y that they explain.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The true target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            At most 1.0, for perfect predictions; the mean over the targets if there are several.
        """
        data = {"X": X, "y": y, "sample_weight": sample_weight}
        return float(super().score(**in_numpy(self, "predict", **data)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        loss = LOSSES.get(self.loss) if isinstance(self.loss, str) else self.loss
        tags.target_tags.positive_only = bool(getattr(loss, "positive_only", False))
        return tags
