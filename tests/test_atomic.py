"""Faults in the middle of a fit: whatever is raised, and wherever, leaves no torn model behind.

An exception is raised at one line after another of the package, and at one bytecode after another
of what keeps an epoch. What the estimator is afterwards has to be the earlier model or that of a
complete epoch, in every attribute: it is compared with fits that were told to end there.
"""

import contextlib
import copy
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_equal

import sklearn_neuron
from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    Record,
    SigmoidNeuronRegressor,
    config_context,
)
from sklearn_neuron._engine import core
from sklearn_neuron._engine.recording import RecordingUpdater
from sklearn_neuron._engine.run import Stream
from sklearn_neuron.losses import BinaryCrossEntropy
from sklearn_neuron.schedules import Schedule

PACKAGE = str(Path(sklearn_neuron.__file__).parent)
#: Where this is set, every line and bytecode is tried each time it is executed, which takes long;
#: else so many places of a job.
EVERYWHERE = bool(os.environ.get("SKLEARN_NEURON_TEST_EVERY_LINE"))
N_PLACES = 24
#: Functions whose bytecodes are tried: what keeps an epoch, and what sets the attributes.
KEEPING = {"keep", "after", "_copy", "restore_best", "attach", "train", "_fit", "fit_network"}
#: They hold a lock. Python looks for signals in the body of a with statement, and again after
#: __exit__; a trace function would raise between the two, and leave the lock taken for ever.
HOLDING = {Stream.get.__code__, Stream.set.__code__}
N_EPOCHS = 4


def neuron(**params):
    return LogisticNeuronClassifier(batch_size=8, tol=None, **params)


def network(**params):
    return ManualMLPClassifier(
        hidden_layer_sizes=(3,), batch_size=8, tol=None, early_stopping=False, **params
    )


JOBS = {
    "mini-batches": neuron(),
    "full batch": LogisticNeuronClassifier(batch_size=None, tol=None),
    "recorded": neuron(record="epoch"),
    "steps, thinned out": neuron(record=Record("step", every=3)),
    "epochs, thinned out": network(record=Record("epoch", every=2, state=True)),
    "perceptron": PerceptronClassifier(),
    "L-BFGS": LogisticNeuronClassifier(solver="lbfgs", alpha=1e-3),
    "L-BFGS of a network": network(solver="lbfgs", alpha=1e-3, record="epoch").set_params(
        batch_size=None
    ),
    "Newton": LogisticNeuronClassifier(solver="newton", alpha=1e-3, record="epoch"),
    "newton-cg": LogisticNeuronClassifier(solver="newton-cg", alpha=1e-3),
    "Adam": network(solver="adam"),
    "averaged": network(solver=Adam(average=True)),
    "several starts": network(n_init=2),
    "held-out samples": network().set_params(early_stopping=True),
    "held-out samples, recorded": neuron(record="epoch", early_stopping=True),
    "L-BFGS with held-out samples": LogisticNeuronClassifier(
        solver="lbfgs", alpha=1e-3, early_stopping=True
    ),
    "plateaus": neuron(schedule="adaptive").set_params(tol=1.0, n_iter_no_change=1),
    "units of y": ManualMLPRegressor(
        hidden_layer_sizes=(3,), batch_size=8, tol=None, early_stopping=False, record="epoch"
    ),
    "regression": SigmoidNeuronRegressor(batch_size=8, tol=None),
}
ENGINES = [
    "numpy",
    pytest.param(
        "compiled",
        marks=pytest.mark.skipif(not core.available(), reason="there is no compiled core"),
    ),
]


@pytest.fixture(params=ENGINES)
def engine(request):
    with config_context(engine=request.param if request.param == "numpy" else "auto"):
        yield


def data(model):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(24, 3))
    z = X @ [1.0, -2.0, 0.5] + rng.normal(size=24)
    return X, (
        1000.0 * z if hasattr(model, "n_outputs_") or "Regressor" in type(model).__name__ else z > 0
    )


def attributes(model):
    """What a fit has set, and how its random numbers go on."""
    fitted = {name: value for name, value in vars(model).items() if name.endswith("_")}
    if "_training_state" in vars(model):
        state = dict(model._training_state)
        state["state"] = {k: v for k, v in state["state"].items() if k != "work"}
        fitted["_training_state"] = state
    return fitted


def same(one, other):
    try:
        assert_equal(one, other)
    except AssertionError:
        return False
    return True


class Fault:
    """Raises an exception at a place that is counted off."""

    def __init__(self, error, *, bytecodes):
        self.error, self.bytecodes = error, bytecodes
        self.left, self.places = None, []

    def __call__(self, frame, event, arg):
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code in HOLDING:
            return None
        if self.bytecodes:
            if code.co_name not in KEEPING:
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self.at

    def at(self, frame, event, arg):
        if event == ("opcode" if self.bytecodes else "line"):
            if self.left is None:
                where = frame.f_lasti if self.bytecodes else frame.f_lineno
                self.places.append((frame.f_code, where))
            elif self.left == 0:
                self.left = -1
                raise self.error
            else:
                self.left -= 1
        return self.at

    def strike(self, fit, place):
        """Fit, with the exception raised at a place; None counts the places."""
        self.left, before = place, sys.gettrace()
        sys.settrace(self)
        try:
            fit()
        finally:
            sys.settrace(before)  # of a debugger, or of what measures coverage


def chosen(places, seed):
    """Return which places are tried: some of the lines, late in the fit."""
    if EVERYWHERE:
        return range(len(places))
    times = {}
    for i, place in enumerate(places):
        times.setdefault(place, []).append(i)
    late = [found[(2 * len(found) - 1) // 3] for found in times.values()]
    step = -(-len(late) // N_PLACES)
    return sorted(late)[seed % step :: step]


def torn(prepare, complete, error, *, bytecodes, seed=0):
    """Return the places at which an exception leaves neither the earlier model nor an epoch's."""
    fault, found = Fault(error, bytecodes=bytecodes), []
    model, fit = prepare()
    allowed = [attributes(model), *complete]
    fault.strike(fit, None)
    assert same(attributes(model), complete[-1])
    places = chosen(fault.places, seed)
    assert len(places) > 10
    for place in places:
        model, fit = prepare()
        # available_if tells of an error by an AttributeError
        with contextlib.suppress(type(error), AttributeError):
            fault.strike(fit, place)
        if not any(same(attributes(model), each) for each in allowed):
            code, where = fault.places[place]
            found.append(f"{Path(code.co_filename).name}:{code.co_name}:{where}")
    return found


def fitted(job):
    """Return a fitted model and its data."""
    model = copy.deepcopy(JOBS[job]).set_params(random_state=0, warm_start=True, max_iter=2)
    X, y = data(model)
    return model.fit(X, y), X, y


@pytest.mark.parametrize("bytecodes", [False, True], ids=["lines", "bytecodes"])
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.filterwarnings("ignore")
def test_an_interrupt_leaves_a_complete_epoch(job, bytecodes, engine):
    earlier, X, y = fitted(job)

    def prepare(max_iter=N_EPOCHS):
        model = copy.deepcopy(earlier).set_params(max_iter=max_iter)
        return model, lambda: model.fit(X, y)

    complete = []
    for max_iter in range(1, N_EPOCHS + 1):
        model, fit = prepare(max_iter)
        fit()
        complete.append(attributes(model))
    seed = list(JOBS).index(job)
    assert not torn(prepare, complete, KeyboardInterrupt(), bytecodes=bytecodes, seed=seed)


@pytest.mark.parametrize("n_updates", [4, 6, 7, 8])
def test_an_interrupt_between_updates_is_no_plateau(n_updates, engine, monkeypatch):
    note, left = RecordingUpdater._note, n_updates

    def noted(self, *args):
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        note(self, *args)

    model = neuron(schedule="adaptive", record="step", random_state=0)
    model.set_params(tol=1.0, n_iter_no_change=1)  # a plateau after each epoch, of three updates
    X, y = data(model)
    alike = copy.deepcopy(model).set_params(max_iter=n_updates // 3).fit(X, y)
    monkeypatch.setattr(RecordingUpdater, "_note", noted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert_equal(attributes(model), attributes(alike))


@pytest.mark.parametrize("job", ["mini-batches", "L-BFGS", "held-out samples", "units of y"])
@pytest.mark.filterwarnings("ignore")
def test_an_error_leaves_the_earlier_model_or_the_new_one(job, engine):
    earlier, X, y = fitted(job)

    def prepare():
        model = copy.deepcopy(earlier)
        return model, lambda: model.fit(X, y)

    model, fit = prepare()
    fit()
    assert not torn(prepare, [attributes(model)], MemoryError(), bytecodes=False, seed=3)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
@pytest.mark.filterwarnings("ignore")
def test_a_fault_in_partial_fit_leaves_the_earlier_model_or_the_new_one(error, engine):
    earlier, X, y = fitted("mini-batches")

    def prepare():
        model = copy.deepcopy(earlier)
        return model, lambda: model.partial_fit(X, y)

    model, fit = prepare()
    fit()
    assert not torn(prepare, [attributes(model)], error, bytecodes=False)


@pytest.mark.skipif(
    not hasattr(LogisticNeuronClassifier, "set_callbacks"), reason="scikit-learn 1.9"
)
@pytest.mark.parametrize("hook", ["setup", "on_fit_task_begin", "on_fit_task_end", "teardown"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.filterwarnings("ignore")
def test_a_callback_that_raises_leaves_the_earlier_model_or_an_epoch(hook, error):
    earlier, X, y = fitted("recorded")
    complete = [attributes(earlier)]
    for max_iter in range(1, N_EPOCHS + 1):
        model = copy.deepcopy(earlier).set_params(max_iter=max_iter).fit(X, y)
        complete.append(attributes(model))
    left = {}
    for at in range(N_EPOCHS + 2):
        model = copy.deepcopy(earlier).set_params(max_iter=N_EPOCHS)
        with contextlib.suppress(error):
            model.set_callbacks(Raising(hook, at, error)).fit(X, y)
        left[at] = [k for k, each in enumerate(complete) if same(attributes(model), each)]
    assert all(left.values())
    if error is KeyboardInterrupt and hook == "on_fit_task_end":
        assert [found[0] for found in left.values()] == [1, 2, 3, 4, 4, 4]


class Raising:
    """A callback of scikit-learn's protocol, one of whose hooks raises when called at last."""

    def __init__(self, hook, at, error):
        self.hook, self.left, self.error = hook, at, error

    def _call(self, name):
        self.left -= name == self.hook
        if self.left < 0:
            raise self.error

    def setup(self, estimator, context):
        self._call("setup")

    def teardown(self, estimator, context):
        self._call("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self._call("on_fit_task_begin")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self._call("on_fit_task_end")


class Late:
    """Functions of a user's own that raise after so many calls."""

    def __init__(self, left, error):
        self.left, self.error = left, error

    def __call__(self, *args):
        self.left -= 1
        if self.left < 0:
            raise self.error


class OwnSchedule(Schedule):
    def __init__(self, late=None):
        self.late = late

    def __call__(self, eta, progress):
        self.late()
        return eta


class OwnOptimizer(SGD):
    def direction(self, grad, state):
        self.late()
        return super().direction(grad, state)


class OwnLoss(BinaryCrossEntropy):
    def delta(self, y, z, out, work):
        self.late()
        super().delta(y, z, out, work)


@pytest.mark.parametrize("part", ["schedule", "solver", "loss"])
@pytest.mark.parametrize("left", [0, 1, 7])
def test_a_part_of_a_users_own_that_raises_leaves_the_earlier_model(part, left):
    model, X, y = fitted("mini-batches")
    before, late = attributes(model), Late(left, ZeroDivisionError)
    own = {"schedule": OwnSchedule, "solver": OwnOptimizer, "loss": OwnLoss}[part]()
    own.late = late
    with pytest.raises(ZeroDivisionError):
        model.set_params(**{part: own}, max_iter=50).fit(X, y)
    assert same(attributes(model), before)
