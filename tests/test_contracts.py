"""Contracts of the components: what is incomplete is refused by name, what is registered works."""

import ast
import copy
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from guide_parts import REGISTRY, parts, register
from helpers import CLASSIFIERS, ESTIMATORS, NETWORKS, elastic_net, make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
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
from sklearn_neuron._estimator.constraints import Constraint
from sklearn_neuron._estimator.layout import Layout
from sklearn_neuron._estimator.targets import Targets
from sklearn_neuron.activations import ACTIVATIONS, Activation, Logistic, Softmax
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.initializers import INITIALIZERS
from sklearn_neuron.inspection import check_gradient
from sklearn_neuron.losses import LOSSES, Loss
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
