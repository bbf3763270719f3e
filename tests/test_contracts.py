"""Contracts of the components: what is incomplete is refused by name, what is registered works."""

import ast
import copy
import inspect
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from guide_parts import REGISTRY, parts, register
from helpers import CLASSIFIERS, ESTIMATORS, NETWORKS, elastic_net, make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from scipy import sparse
from sklearn.base import clone

import sklearn_neuron
from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
    config_context,
)
from sklearn_neuron._engine.plan import Solver
from sklearn_neuron._estimator import trial
from sklearn_neuron._estimator.constraints import Constraint
from sklearn_neuron._estimator.layout import Layout
from sklearn_neuron._estimator.targets import Targets
from sklearn_neuron.activations import ACTIVATIONS, Activation, Identity, Logistic, Softmax
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.initializers import INITIALIZERS
from sklearn_neuron.inspection import check_gradient
from sklearn_neuron.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer
from sklearn_neuron.records import RECORDS
from sklearn_neuron.schedules import SCHEDULES, Schedule

GUIDE = parts()


# ---- what is incomplete is refused, and what is missing is named ---------------------------------


class Misspelled(Activation):
    def forward(self, z, out):
        np.tanh(z, out=out)

    def with_derivatives(self, z, out, slope):  # one letter too many
        np.tanh(z, out=out)
        slope[...] = 1.0 - out**2


class WithoutValue(Loss):
    link = Logistic()


class WithoutLink(Loss):
    def value(self, y, z):
        return ((z - y) ** 2).sum(axis=1)


class WithoutUpdate(Optimizer):
    def init(self, theta):
        return {}


class WithoutInit(Optimizer):
    def update(self, grad, state):
        pass


class WithoutCall(Schedule):
    pass


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (Misspelled, "with_derivative"),
        (WithoutValue, "value"),
        (WithoutLink, "link"),
        (WithoutUpdate, "update"),
        (WithoutInit, "init"),
        (WithoutCall, "__call__"),
    ],
)
def test_an_incomplete_component_cannot_be_made(kind, missing):
    with pytest.raises(TypeError, match=f"abstract class {kind.__name__}.*{missing}"):
        kind()


@pytest.mark.parametrize(
    ("base", "parts_of_it"),
    [
        (Solver, "train unsupported"),
        (Layout, "given layers named network of start"),
        (Targets, "attributes encode fitted loss predict read score y_check"),
        (Constraint, "__str__ has_type"),
    ],
)
def test_an_incomplete_part_of_the_package_cannot_be_made(base, parts_of_it):
    """Each of its methods has to be there."""
    names = parts_of_it.split()
    whole = dict.fromkeys(names, lambda self: "")
    type("Whole", (base,), whole)()
    for name in names:
        rest = {other: part for other, part in whole.items() if other != name}
        with pytest.raises(TypeError, match=f"abstract class Incomplete .*{name}"):
            type("Incomplete", (base,), rest)()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_incomplete_docstring_is_filled_in_when_it_is_imported(cls):
    """Texts that estimators share, with their own defaults, and the names of the registries."""
    text = cls.__doc__
    assert "{{" not in text
    assert "}}" not in text
    for name, parameter in inspect.signature(cls).parameters.items():
        (kind,) = re.findall(rf"^    {name} : (.*)$", text, flags=re.MULTILINE)
        assert ast.literal_eval(kind.rpartition("default=")[2]) == parameter.default
        if name in {"schedule", "record"}:
            registry = SCHEDULES if name == "schedule" else RECORDS
            assert all(f'"{one}"' in kind for one in registry)


# ---- L1 with an optimizer of one's own -----------------------------------------------------------


class Undefined(GUIDE["Adagrad"]):
    """The guide's optimizer as it was: without a word on L1."""

    proximal_scale = Optimizer.proximal_scale


def data(n=400, p=6):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, p))
    return X, (X[:, 0] - X[:, 1] + 0.5 * rng.normal(size=n) > 0).astype(int)


def objective(model, X, y, alpha):
    z = X @ model.coef_[0] + model.intercept_[0]
    return np.logaddexp(0, -(2 * y - 1) * z).mean() + alpha * np.abs(model.coef_).sum()


def test_an_optimizer_that_does_not_say_how_l1_scales_refuses_it():
    X, y = data()
    model = LogisticNeuronClassifier(solver=Undefined(), alpha=0.05, l1_ratio=1.0)
    with pytest.raises(ValueError, match=r"l1_ratio=1.0 needs .* proximal_scale.* Undefined"):
        model.fit(X, y)
    model.set_params(l1_ratio=0.0).fit(X, y)
    with pytest.raises(NotImplementedError, match="Undefined defines no proximal_scale"):
        Undefined().proximal_scale({})


class Ten(SGD):
    """Another direction than its parent's, and the parent's scale."""

    def update(self, grad, state):
        np.multiply(grad, 10.0, out=grad)


class Scaled(Ten):
    def proximal_scale(self, state):
        return 10.0


def test_a_scale_that_belongs_to_another_update_does_not_count():
    X, y = data()
    model = LogisticNeuronClassifier(solver=Ten(), alpha=0.05, l1_ratio=1.0, batch_size=None)
    with pytest.raises(ValueError, match=r"defines proximal_scale.* Ten does not"):
        model.fit(X, y)
    how = {"alpha": 0.05, "l1_ratio": 1.0, "batch_size": None, "max_iter": 5000, "tol": None}
    ten = LogisticNeuronClassifier(solver=Scaled(), eta=0.02, **how).fit(X, y)
    one = LogisticNeuronClassifier(solver="sgd", eta=0.2, **how).fit(X, y)
    assert_allclose(ten.coef_, one.coef_, rtol=1e-9)


def test_the_guides_optimizer_finds_the_minimum_of_the_l1_penalty():
    """It was silently wrong by a factor of three in the objective."""
    X, y = data()
    alpha = 0.05
    best = elastic_net(X, y, alpha, 1.0, tol=1e-12, max_iter=100_000)
    ours = LogisticNeuronClassifier(
        solver=GUIDE["Adagrad"](), eta=0.3, alpha=alpha, l1_ratio=1.0, batch_size=None,
        max_iter=20_000, tol=None,
    ).fit(X, y)  # fmt: skip
    assert_allclose(objective(ours, X, y, alpha), objective(best, X, y, alpha), rtol=1e-6)
    assert_array_equal(ours.coef_ == 0.0, np.abs(best.coef_) < 1e-8)


# ---- what is composed around every optimizer ----------------------------------------------------


def with_options(optimizer, **options):
    """Return it with options that every optimizer has, even if ``__init__`` does not take them."""
    for name, value in options.items():
        setattr(optimizer, name, value)
    return optimizer


class Bare(Optimizer):
    """Nothing but the contract: it takes no option, and remembers none."""

    def init(self, theta):
        return {}

    def update(self, grad, state):
        pass


@pytest.mark.parametrize("option", [{"max_norm": 0.01}, {"average": True}, {"weight_decay": 0.5}])
def test_clipping_averaging_and_decay_work_around_any_optimizer(option):
    X, y = data(60)
    how = {"eta": 0.5, "batch_size": 7}
    with config_context(engine="numpy"):
        with_bare, with_sgd, without = (
            weights_of(make(LogisticNeuronClassifier, solver=solver, **how).fit(X, y))
            for solver in (with_options(Bare(), **option), with_options(SGD(), **option), Bare())
        )
    assert_array_equal(with_bare, with_sgd)
    assert np.abs(with_bare - without).max() > 1e-4
    assert clone(with_options(Bare(), **option)).__dict__ == option  # a search keeps them


class Growing(Optimizer):
    """Its state gets more of everything as it goes, and two of its arrays are one for a while."""

    def init(self, theta):
        mean = np.zeros_like(theta)
        return {"t": 0, "mean": mean, "last": mean, "norms": np.zeros(0)}

    def update(self, grad, state):
        state["t"] += 1
        if state["t"] % 3:
            state["last"] = state["mean"]
        state["mean"] = 0.5 * state["mean"] + grad
        if state["t"] % 3 == 1:
            state["last"] = state["mean"]
        state["norms"] = np.append(state["norms"], np.linalg.norm(grad))
        state[f"seen_{state['t']}"] = [1.0] if state["t"] % 2 else 1.0
        grad[...] = state["mean"]


@pytest.mark.parametrize("record", ["loss", "epoch"])
def test_a_state_that_grows_is_kept_whole_after_every_epoch(record):
    X, y = data(60)
    how = {"solver": Growing(), "batch_size": None, "record": record}
    for n in range(2, 9):
        whole = make(LogisticNeuronClassifier, max_iter=n, tol=None, **how).fit(X, y)
        # training that ends before max_iter ends with what was copied
        kept = make(LogisticNeuronClassifier, max_iter=20, tol=1e9, n_iter_no_change=n - 1, **how)
        kept.fit(X, y)
        assert kept.n_iter_ == whole._training_state["state"]["t"] == n
        assert_equal(kept._training_state["state"], whole._training_state["state"])
        assert len(kept._training_state["state"]["norms"]) == n


class Counting(Optimizer):
    """Its state has a list, which it changes in place."""

    def init(self, theta):
        return {"counts": [0.0]}

    def update(self, grad, state):
        state["counts"][0] += 1.0


def test_a_list_in_the_state_is_the_models_own():
    X, y = data(60)
    model = make(LogisticNeuronClassifier, solver=Counting(), max_iter=3, batch_size=None, tol=None)
    earlier = copy.copy(model.fit(X, y))
    model.partial_fit(X, y)
    assert earlier._training_state["state"]["counts"] == [3.0]
    assert model._training_state["state"]["counts"] == [4.0]


# ---- the guide's components, with every option --------------------------------------------------

OPTIONS = [
    {},
    {"batch_size": None},
    {"batch_size": 1},
    {"alpha": 0.1},
    {"schedule": "cosine"},
    {"tol": 1e-3, "schedule": "adaptive"},
    {"early_stopping": True},
    {"record": "step"},
    {"record": "epoch", "warm_start": True},
    {"shuffle": False},
]
OF_NETWORKS = [
    {"dropout": 0.3},
    {"n_init": 3},
    {"init": "he_normal"},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (4, 3)},
]
OF_NEURONS = [
    {"l1_ratio": 0.5, "alpha": 0.1},
    {"l1_ratio": 1.0, "alpha": 0.1},
    {"fit_intercept": False},
]


def fits(model, X, y):
    """Fit twice, by blocks, weighted and in float32; return the first prediction."""
    weight = np.random.RandomState(1).randint(0, 3, len(y))
    prediction = model.fit(X, y, sample_weight=weight).predict(X)
    assert_array_equal(clone(model).fit(X, y, sample_weight=weight).predict(X), prediction)
    assert np.isfinite(weights_of(model)).all()
    if hasattr(model, "partial_fit"):
        classes = {"classes": np.unique(y)} if hasattr(model, "class_weight") else {}
        block = clone(model).partial_fit(X[:7], y[:7], **classes)
        assert np.isfinite(weights_of(block.partial_fit(X[7:], y[7:]))).all()
    assert weights_of(clone(model).fit(X.astype(np.float32), y)).dtype == np.float32
    return prediction


@pytest.mark.parametrize("options", OPTIONS + OF_NEURONS + OF_NETWORKS, ids=repr)
@pytest.mark.parametrize(
    "solver_options", [{}, {"max_norm": 0.1}, {"average": True}, {"max_norm": 1.0, "average": 3}]
)
def test_the_guides_optimizer_with_every_option(options, solver_options, cls, X):
    known = cls().get_params()
    if not options.keys() <= known.keys():
        pytest.skip("not an option of this estimator")
    model = make(cls, solver=GUIDE["Adagrad"](**solver_options), eta=0.05, max_iter=3, **options)
    fits(model, X, target_for(cls, 30))


@pytest.mark.parametrize("options", OPTIONS + OF_NEURONS + OF_NETWORKS, ids=repr)
def test_the_guides_schedule_with_every_option(options, cls, X):
    if not options.keys() <= cls().get_params().keys() or "schedule" in options:
        pytest.skip("not an option of this estimator, or another schedule")
    model = make(cls, schedule=GUIDE["Halving"](2), eta=0.05, max_iter=3, **options)
    fits(model, X, target_for(cls, 30))


@pytest.mark.parametrize("options", [*OPTIONS, *OF_NETWORKS, {"solver": "lbfgs"}], ids=repr)
def test_the_guides_activation_and_loss_with_every_option(options, network, X):
    options = {"activation": GUIDE["Softsign"](), **options}
    if network is ManualMLPRegressor:
        options["loss"] = GUIDE["LogCosh"]()
    fits(make(network, max_iter=3, **options), X, target_for(network, 30))


# ---- one class and one line ---------------------------------------------------------------------


@pytest.fixture
def registered(monkeypatch):
    for registry in (ACTIVATIONS, OPTIMIZERS, SCHEDULES, LOSSES, INITIALIZERS):
        for name, component in registry.items():
            monkeypatch.setitem(registry, name, component)  # what is added goes with the test
    before = [dict(registry) for registry in (ACTIVATIONS, OPTIMIZERS, SCHEDULES, LOSSES)]
    initializers = dict(INITIALIZERS)
    register(GUIDE)
    yield
    for registry, names in zip(
        (ACTIVATIONS, OPTIMIZERS, SCHEDULES, LOSSES, INITIALIZERS),
        (*before, initializers),
        strict=True,
    ):
        for name in registry.keys() - names.keys():
            del registry[name]


def test_a_registered_component_works_by_name_everywhere(registered, X):
    for cls in ESTIMATORS:
        options = {"solver": "adagrad", "schedule": "halving"}
        if cls in NETWORKS:
            options |= {"activation": "softsign", "init": "lecun_normal"}
        if cls is ManualMLPRegressor:
            options["loss"] = "log_cosh"
        y = target_for(cls, 30)
        model = make(cls, eta=0.05, max_iter=3, **options).fit(X, y)
        assert np.isfinite(weights_of(model)).all()
        assert clone(model).get_params()["solver"] == "adagrad"
        if cls is not CLASSIFIERS[1]:  # the perceptron criterion has corners where it starts
            assert check_gradient(model, X, y).passed
    for cls in (LogisticNeuronClassifier, ManualMLPClassifier, SigmoidNeuronRegressor):
        with pytest.raises(ValueError, match=r"'loss' parameter.*must be one of"):
            make(cls, loss="log_cosh").fit(X, target_for(cls, 30))


@pytest.mark.parametrize(
    ("link", "suits"),
    [
        (Logistic(), {LogisticNeuronClassifier, ManualMLPClassifier, SigmoidNeuronRegressor,
                      ManualMLPRegressor}),
        (Softmax(), {LogisticNeuronClassifier, ManualMLPClassifier}),
    ],
    ids=["logistic", "softmax"],
)  # fmt: skip
def test_a_loss_is_offered_where_its_link_suits(link, suits, monkeypatch, X):
    base = LOSSES["binary_cross_entropy" if isinstance(link, Logistic) else "cross_entropy"]
    monkeypatch.setitem(LOSSES, "mine", type("Mine", (base,), {"name": "mine", "link": link}))
    classes = 2 if isinstance(link, Logistic) else 3
    for cls in (LogisticNeuronClassifier, ManualMLPClassifier, SigmoidNeuronRegressor,
                ManualMLPRegressor):  # fmt: skip
        model = make(cls, loss="mine", max_iter=2)
        if cls in suits:
            model.fit(X, target_for(cls, 30, classes))
        else:
            with pytest.raises(ValueError, match="'loss' parameter"):
                model.fit(X, target_for(cls, 30, classes))


def test_the_tests_are_green_with_one_more_component_of_each_kind():
    """One class and one line each: every test that reads a registry runs on them and passes."""
    here = Path(__file__).parent
    files = [
        str(path) for path in here.glob("test_*.py")
        if path.name != Path(__file__).name and REGISTRY.search(path.read_text("utf-8"))
    ]  # fmt: skip
    assert len(files) >= 8
    path = os.pathsep.join([str(Path(sklearn_neuron.__file__).parents[1]), str(here)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "guide_parts", "-p", "no:cacheprovider",
         "-p", "no:xdist", "--no-header", *files],
        cwd=here,
        env={**os.environ, "SKLEARN_NEURON_GUIDE_PARTS": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    passed = int(re.search(r"(\d+) passed", done.stdout).group(1))
    assert passed > 100, done.stdout[-500:]


# ---- errors -------------------------------------------------------------------------------------


def test_divergence_is_an_error_of_a_public_module(X):
    model = make(ManualMLPRegressor, solver=Adam(), eta=1e300)
    with pytest.raises(DivergenceError, match="epoch") as error:
        model.fit(X, target_for(ManualMLPRegressor, 30))
    assert isinstance(error.value, ValueError)
    assert type(error.value).__module__ == "sklearn_neuron.exceptions"


@pytest.mark.parametrize("rate", [None, np.nan, -0.1, "fast"])
def test_a_schedule_must_return_a_rate(rate, X):
    kind = type("Wrong", (Schedule,), {"__call__": lambda self, eta, progress: rate})
    with pytest.raises(ValueError, match=r"Wrong\(\) must return a finite learning rate >= 0; got"):
        make(LogisticNeuronClassifier, schedule=kind()).fit(X, np.arange(30) % 2)


def test_an_optimizers_state_must_be_a_dict(X):
    kind = type("Wrong", (Bare,), {"init": lambda self, theta: None})
    with pytest.raises(TypeError, match="init of Wrong must return a dict; got None"):
        make(LogisticNeuronClassifier, solver=kind()).fit(X, np.arange(30) % 2)


# ---- components that do not keep to their contracts ----------------------------------------------


def tanh_and_slope(self, z, out, slope):
    np.tanh(z, out=out)
    slope[...] = 1.0 - out**2


def mine(base, **methods):
    """Return an object of a class that is right but for some methods."""
    right = {
        Loss: {
            "link": Identity(),
            "value": lambda self, y, z: ((z - y) ** 2).sum(axis=1),
            "delta": lambda self, y, z, out, work: np.multiply(2.0, z - y, out=out),
        },
        Activation: {
            "forward": lambda self, z, out: np.tanh(z, out=out),
            "with_derivative": tanh_and_slope,
        },
        Optimizer: {"init": lambda self, theta: {}, "update": lambda self, grad, state: None},
    }
    return type("Mine", (base,), right.get(base, {}) | methods)()


def with_part(part, **how):
    """Return an estimator with a component of its own."""
    name = {Optimizer: "solver", Loss: "loss", Activation: "activation"}[kind_of(part)]
    return make(ManualMLPRegressor, **{name: part, "max_iter": 3, **how})


def kind_of(part):
    return next(kind for kind in (Optimizer, Loss, Activation) if isinstance(part, kind))


def half(self, z, out, slope):
    np.tanh(z, out=out)
    return 1.0 - out**2


def every_other(self, z, out):
    out[::2] = np.tanh(z[::2])


def in_the_wrong_order(self, z, out, slope):
    np.tanh(z, out=out)
    slope[...] = 1.0 - np.tanh(z) ** 2


def over_y(self, y, z, out, work):
    np.subtract(z, y, out=y)
    out[...] = 2.0 * y


def over_z(self, y, z):
    z -= y
    return (z**2).sum(axis=1)


def with_words(self, grad, state):
    state["phase"] = "warm"


WRITE = (
    r"returns an array of shape .*, which is not used\. Write .*into .*\.\.\., and return nothing"
)
NOT_FILLED = [
    (Loss, {"delta": lambda self, y, z, out, work: 2.0 * (z - y)},
     f"delta.*not fill 'out'.*{WRITE}"),
    (Loss, {"delta": lambda self, y, z, out, work: None}, r"delta.*not fill 'out'\. Write"),
    (Activation, {"forward": lambda self, z, out: np.tanh(z)}, f"forward.*not fill 'out'.*{WRITE}"),
    (Activation, {"forward": every_other}, "forward.*not fill some of 'out'"),
    (Activation, {"with_derivative": half}, f"with_derivative.*not fill 'slope'.*{WRITE}"),
    (Activation, {"with_derivative": lambda self, z, out, slope: (z, z)},
     "with_derivative.*not fill 'out'.*returns a tuple"),
    (Activation, {"with_derivative": in_the_wrong_order},
     "with_derivative.*other results where `out` is `z` itself.*read z before"),
    (Loss, {"delta": over_y}, "delta.*overwrites y"),
    (Loss, {"value": over_z}, "value.*overwrites z"),
    (Optimizer, {"update": lambda self, grad, state: 0.1 * grad}, f"update.*{WRITE}"),
]  # fmt: skip
RETURNED = [
    (lambda self, y, z: ((z - y) ** 2).mean(), r"got \d+\.\d+\."),
    (lambda self, y, z: float(((z - y) ** 2).sum()), r"got \d+\.\d+\."),
    (lambda self, y, z: ((z - y) ** 2).sum(axis=0), r"got an array of shape \(2,\)"),
    (lambda self, y, z: ((z - y) ** 2).sum(axis=1, keepdims=True),
     r"got an array of shape \(3, 1\)"),
    (lambda self, y, z: (z - y) ** 2, r"got an array of shape \(3, 2\)"),
    (lambda self, y, z: np.array(None), r"got an array of shape \(\) and dtype object"),
    (lambda self, y, z: ((z - y) ** 2).sum(axis=1) * 1j, "dtype complex"),
    (lambda self, y, z: None, "got None"),
    (lambda self, y, z: ((z - y) ** 2).sum(axis=1).tolist(), r"got \["),
]  # fmt: skip
WRONG = [
    *NOT_FILLED,
    *((Loss, {"value": value}, f"value of Mine must return the loss of each sample.*{got}.* Sum")
      for value, got in RETURNED),
    (Loss, {"link": Identity}, r"link of Mine.*such as Identity\(\); got the class Identity"),
    (Loss, {"link": None}, r"link of Mine must be an object.*got None"),
    (Loss, {"link": dict}, r"link of Mine.*such as Identity\(\); got the class dict"),
    (Optimizer, {"init": lambda self, theta: {"kind": "fast"}},
     "state of Mine.*arrays and numbers only; after init its 'kind' is 'fast'"),
    (Optimizer, {"init": lambda self, theta: {"last": None}}, "after init its 'last' is None"),
    (Optimizer, {"update": with_words}, "after update its 'phase' is 'warm'"),
]  # fmt: skip


@pytest.mark.parametrize("engine", ["auto", "numpy"])
@pytest.mark.parametrize(("base", "methods", "match"), WRONG)
def test_what_breaks_its_contract_is_refused_by_name(base, methods, match, engine, X):
    """It would train on what was in memory, or end in an error of NumPy's."""
    Y = np.random.RandomState(0).normal(size=(30, 2))
    part = mine(base, **methods)
    with config_context(engine=engine):
        model = with_part(part)
        before = dict(vars(model))
        for kind in (np.float64, np.float32):
            with pytest.raises((TypeError, ValueError), match=f"Mine.*{match}|{match}") as error:
                model.fit(X.astype(kind), Y)
            assert "Mine" in str(error.value)
            assert vars(model) == before
        with pytest.raises((TypeError, ValueError), match=match):
            model.partial_fit(sparse.csr_array(X), Y)
        assert vars(model) == before
        if base is not Optimizer:
            with pytest.raises((TypeError, ValueError), match=match):
                with_part(part, solver="lbfgs").fit(X, Y)
        if base is not Activation:  # which another fitted network does not take
            right = with_part(mine(base), warm_start=True, max_iter=1).fit(X, Y)
            learned = weights_of(right).copy()
            right.set_params(**{"loss" if base is Loss else "solver": part})
            with pytest.raises((TypeError, ValueError), match=match):
                right.fit(X, Y)
            assert_array_equal(weights_of(right), learned)


@pytest.mark.parametrize(
    ("cls", "link"), [(LogisticNeuronClassifier, Softmax), (SigmoidNeuronRegressor, Logistic)]
)
def test_the_link_of_a_loss_is_an_object(cls, link, X):
    loss = mine(Loss, link=link)
    match = rf"link of Mine.*such as {link.__name__}\(\); got the class"
    with pytest.raises(TypeError, match=match):
        make(cls, loss=loss).fit(X, target_for(cls, 30))


def test_a_link_of_ones_own_is_tried_too(X):
    """The loss may be the package's."""
    link = mine(Activation, with_derivative=half)
    model = make(ManualMLPRegressor, loss=SquaredError(link))
    with pytest.raises(ValueError, match="with_derivative of Mine does not fill 'slope'"):
        model.fit(X, target_for(ManualMLPRegressor, 30))


def test_a_link_without_a_derivative_is_tried_too(X):
    y, how = target_for(ManualMLPClassifier, 30), {"alpha": 0.1}
    for forward, match in [
        (lambda self, z, out: np.exp(z), "forward of Mine does not fill 'out'"),
        (lambda self, z, out: np.copyto(out, np.exp(z) / 0.0 * 0.0), "forward of Mine gives NaN"),
    ]:
        loss = mine(CrossEntropy, link=mine(Softmax, forward=forward))
        with pytest.raises(ValueError, match=match):
            make(ManualMLPClassifier, loss=loss, **how).fit(X, y)
    loss = mine(CrossEntropy, link=mine(Softmax))
    ours, theirs = (
        make(ManualMLPClassifier, loss=one, **how).fit(X, y) for one in (loss, "cross_entropy")
    )
    assert_allclose(weights_of(ours), weights_of(theirs), rtol=1e-9)


@pytest.mark.parametrize("solver", ["newton", "newton-cg", "lbfgs", "sgd"])
def test_a_loss_of_ones_own_is_tried_with_every_solver(solver, X):
    class Right(BinaryCrossEntropy):
        pass

    class Forgets(BinaryCrossEntropy):
        def delta(self, y, z, out, work):
            return 1.0 / (1.0 + np.exp(-z)) - y

    y = (X[:, 0] > 0.0).astype(int)
    make(LogisticNeuronClassifier, loss=Right(), solver=solver).fit(X, y)
    with pytest.raises(ValueError, match="delta of Forgets does not fill 'out'"):
        make(LogisticNeuronClassifier, loss=Forgets(), solver=solver).fit(X, y)


def test_what_a_method_returns_does_not_matter_if_it_has_filled_its_arrays(X):
    """``np.tanh(z, out=out)`` returns ``out``."""
    y = target_for(ManualMLPRegressor, 30)

    def update(self, grad, state):
        return np.multiply(grad, 1.0, out=grad)

    solver = mine(Optimizer, update=update)
    ours = make(
        ManualMLPRegressor, eta=0.1, loss=mine(Loss), activation=mine(Activation), solver=solver
    ).fit(X, y)
    theirs = make(ManualMLPRegressor, eta=0.1, activation="tanh", solver="sgd").fit(X, y)
    assert_allclose(weights_of(ours), weights_of(theirs), rtol=1e-9)


class Noisy(Activation):
    """It draws random numbers of its own, and counts its calls."""

    def __init__(self):
        self.rng, self.n_calls = np.random.RandomState(0), 0

    def forward(self, z, out):
        np.tanh(z, out=out)

    def with_derivative(self, z, out, slope):
        self.n_calls += 1
        np.tanh(z, out=out)
        out += 0.1 * self.rng.normal(size=z.shape)
        slope[...] = 1.0 - out**2


def test_the_trial_changes_nothing(X, monkeypatch):
    y = target_for(ManualMLPRegressor, 30)
    fits_of = []
    for tried in (True, False):
        if not tried:
            monkeypatch.setattr(trial, "try_components", lambda *_: None)
        noisy = Noisy()
        model = with_part(noisy).fit(X, y)
        fits_of.append((weights_of(model), noisy.n_calls))
    assert_equal(*fits_of)


def test_components_that_are_random_are_not_refused(X):
    """Whole layers are dropped at random: what is computed in place then differs by chance."""
    rng = np.random.RandomState(0)

    def with_derivative(self, z, out, slope):
        tanh_and_slope(self, z, out, slope)
        if rng.uniform() < 0.3:
            out[...] = slope[...] = 0.0

    part = mine(Activation, with_derivative=with_derivative)
    for _ in range(50):
        with_part(part, max_iter=1).fit(X, target_for(ManualMLPRegressor, 30))


class Counts(SGD):
    """An optimizer with a counter, which a call of the trial would move."""

    def update(self, grad, state):
        self.n_calls = getattr(self, "n_calls", 0) + 1


def test_a_component_without_a_copy_is_not_tried(X):
    locked, free = Counts(), Counts()
    locked.lock = threading.Lock()
    for solver in (locked, free):
        model = ManualMLPRegressor((4,), solver=solver, max_iter=1, tol=None, random_state=0)
        model.fit(X, target_for(ManualMLPRegressor, 30))
    assert locked.n_calls == free.n_calls == 1


def test_an_update_may_return_what_it_has_changed_besides(X):
    def update(self, grad, state):
        np.multiply(grad, 1.0 + 1e-9, out=grad)
        return state

    model = make(ManualMLPRegressor, solver=mine(Optimizer, update=update))
    assert model.fit(X, target_for(ManualMLPRegressor, 30)).n_iter_ > 0


def test_a_divergence_names_a_component_beside_the_other_advice(X):
    """The component gives NaN where z is large, which it is for the sake of eta."""

    def with_derivative(self, z, out, slope):
        e = np.exp(z)
        np.divide(e - 1 / e, e + 1 / e, out=out)
        slope[...] = 1.0 - out**2

    model = with_part(mine(Activation, with_derivative=with_derivative), eta=1e6)
    with pytest.raises(DivergenceError, match=r"Mine gives NaN.* Try a smaller eta \(say 1"):
        model.fit(X, target_for(ManualMLPRegressor, 30))


def test_an_error_of_divergence_may_say_nothing(X):
    def update(self, grad, state):
        raise DivergenceError

    with pytest.raises(DivergenceError, match="Training diverged"):
        make(ManualMLPRegressor, solver=mine(Optimizer, update=update)).fit(
            X, target_for(ManualMLPRegressor, 30)
        )


def test_what_raises_in_place_only_is_left_to_training(X):
    def with_derivative(self, z, out, slope):
        if out is z:
            raise ZeroDivisionError("of my own")
        tanh_and_slope(self, z, out, slope)

    part = mine(Activation, with_derivative=with_derivative)
    with pytest.raises(ZeroDivisionError, match="of my own"):
        with_part(part).fit(X, target_for(ManualMLPRegressor, 30))


def test_partial_fit_tries_components_at_its_first_block(X, monkeypatch):
    tried = []
    monkeypatch.setattr(trial, "try_components", lambda *arguments: tried.append(arguments))
    model = with_part(mine(Loss))
    for _ in range(3):
        model.partial_fit(X, target_for(ManualMLPRegressor, 30))
    assert len(tried) == 1


class Uncopied(Optimizer):
    """Its state is fine, and the object cannot be copied."""

    def __init__(self):
        self.lock = threading.Lock()

    def init(self, theta):
        return {}

    def update(self, grad, state):
        with self.lock:
            np.sign(grad, out=grad)


class Undecided(Activation):
    """It raises at the z of the trial, and not at those of training."""

    def forward(self, z, out):
        if z.max() == 1.0:
            raise ZeroDivisionError("not at this z")
        np.tanh(z, out=out)

    with_derivative = tanh_and_slope


@pytest.mark.parametrize("kind", [Uncopied, Undecided])
def test_what_cannot_be_copied_or_raises_in_the_trial_may_be_trained(kind, X):
    model = with_part(kind(), max_iter=2).fit(X, target_for(ManualMLPRegressor, 30))
    assert np.isfinite(weights_of(model)).all()


@pytest.mark.parametrize(
    ("base", "method"),
    [(Loss, "value"), (Loss, "delta"), (Activation, "with_derivative"), (Optimizer, "init"),
     (Optimizer, "update")],
)  # fmt: skip
def test_errors_of_a_component_are_those_of_training(base, method, X):
    def fails(self, *args, **kwargs):
        raise ZeroDivisionError("of my own")

    with pytest.raises(ZeroDivisionError, match="of my own") as error:
        with_part(mine(base, **{method: fails})).fit(X, target_for(ManualMLPRegressor, 30))
    assert "trial" not in [entry.path.stem for entry in error.traceback]


def test_a_few_samples_are_enough_for_the_trial():
    for n in (1, 2):
        with_part(mine(Loss)).fit(np.ones((n, 2)), np.arange(float(n)))
    for hidden in ((3,), (2, 3), ()):
        how = {"hidden_layer_sizes": hidden, "activation": mine(Activation)}
        with_part(mine(Loss), **how).fit(np.eye(5), np.eye(5)[:, :3])


def log_and_slope(self, z, out, slope):
    np.divide(1.0, z, out=slope)
    np.log(z, out=out)


@pytest.mark.parametrize(
    ("part", "match"),
    [
        (mine(Activation, forward=lambda self, z, out: np.log(z, out=out),
              with_derivative=log_and_slope), r"forward of Mine gives NaN, .* z = -0\.5\."),
        (mine(Activation, with_derivative=log_and_slope), "with_derivative of Mine gives NaN"),
        (mine(Loss, delta=lambda self, y, z, out, work: np.sqrt(-1.0 - z**2, out=out)),
         r"delta of Mine gives NaN, for example for z = 0\."),
        (mine(Loss, value=lambda self, y, z: np.log(-1.0 - z**2).sum(axis=1)),
         "value of Mine gives NaN"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("n", [30, 600])
def test_divergence_names_the_component_that_gives_nan(part, match, n):
    X = np.random.RandomState(0).normal(size=(n, 4))
    y = X[:, 0]
    for solver in ("adam", "lbfgs"):
        with pytest.raises(DivergenceError, match=f"diverged .*{match}"):
            with_part(part, solver=solver).set_params(max_iter=50, tol=1e-3).fit(X, y)


def test_divergence_of_right_components_names_none(X):
    y = target_for(ManualMLPRegressor, 30)
    with pytest.raises(DivergenceError) as error:
        with_part(mine(Loss), activation=mine(Activation), eta=1e300).fit(X, y)
    assert "Mine" not in str(error.value)


def test_most_fits_have_no_trial(X):
    """Its module is not even imported, where all components are the package's."""
    code = (
        "import sys, numpy as np, sklearn_neuron as sn\n"
        "X, y = np.eye(4), np.arange(4) % 2\n"
        "sn.ManualMLPClassifier((2,), solver=sn.SGD(), max_iter=1, tol=None).fit(X, y)\n"
        "assert 'sklearn_neuron._estimator.trial' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
