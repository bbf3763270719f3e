"""What type checkers are told: names are those of the registries, attributes those of a fit."""

import importlib.util
import inspect
import re
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from helpers import ESTIMATORS, NETWORKS, make, target_for

from sklearn_neuron import Record, _config, config_context, records, set_config
from sklearn_neuron._engine.solvers import SOLVERS
from sklearn_neuron._estimator.constraints import Auto, Choice, Either, OneOrEach
from sklearn_neuron.dask import fit as fit_on_dask
from sklearn_neuron.inspection import (
    DiagnosisDisplay,
    JournalDisplay,
    LearningRateRangeDisplay,
    LossSurfaceDisplay,
    NetworkDisplay,
    SearchDisplay,
    diagnose,
    journal,
)
from sklearn_neuron.inspection._diagrams.diagram import EDGES, NODES
from sklearn_neuron.inspection._loss_surface import METHOD
from sklearn_neuron.inspection._searches.search_table import SEARCHED
from sklearn_neuron.onnx import to_onnx

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("user_types", ROOT / "tools" / "check_user_types.py")
user_types = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(user_types)

PARAMETERS = [(cls, name) for cls in ESTIMATORS for name in inspect.signature(cls).parameters]
OPTIONS = [
    (set_config, "engine", _config.ENGINES),
    (config_context, "engine", _config.ENGINES),
    (Record.__init__, "kind", records.UNITS),
    (Record.__init__, "dtype", ["float32", "float64"]),
    (fit_on_dask, "mini_batches", ["local", "synchronous"]),
    (to_onnx, "zipmap", ["columns"]),
    (journal, "every", ["epoch", "step"]),
    (JournalDisplay.from_estimator, "every", ["epoch", "step"]),
    (diagnose, "epochs", ["auto", "all"]),
    (DiagnosisDisplay.from_estimator, "epochs", ["auto", "all"]),
    (LearningRateRangeDisplay.from_estimator, "n_epochs", ["auto"]),
    (LossSurfaceDisplay.from_estimator, "plot_method", METHOD.names),
    (LossSurfaceDisplay.plot, "plot_method", METHOD.names),
    (NetworkDisplay.from_estimator, "nodes", NODES),
    (NetworkDisplay.from_estimator, "edges", EDGES),
    (SearchDisplay.from_search, "quantities", SEARCHED),
]


def literals(hint):
    """Return the names that a type allows; str itself would allow them all."""
    assert hint is not str
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    inner = get_args(hint) if get_origin(hint) is not np.ndarray else ()
    return set().union(*(literals(each) for each in inner if each is not Ellipsis))


def names_of(constraint):
    """Return the names that a constraint allows."""
    if isinstance(constraint, Choice):
        return set(constraint.names)
    if isinstance(constraint, Auto):
        return {"auto"} | names_of(constraint.other)
    if isinstance(constraint, OneOrEach):
        return names_of(constraint.one)
    if isinstance(constraint, Either):
        return set(re.findall(r"'(\w+)'", constraint.words))
    return set()


@pytest.mark.parametrize(("cls", "name"), PARAMETERS)
def test_the_types_of_parameters_allow_the_names_that_fit_allows(cls, name):
    constraint = cls._constraints[name]
    names = names_of(constraint)
    assert literals(get_type_hints(cls.__init__)[name]) == names
    assert all(constraint.has_type(each) and constraint.allows(each) for each in names)
    assert not (constraint.has_type("bogus") and constraint.allows("bogus"))


@pytest.mark.parametrize(("function", "name", "names"), OPTIONS)
def test_the_types_of_options_allow_the_names_that_are_checked(function, name, names):
    hint = get_type_hints(inspect.unwrap(function))[name]
    if get_origin(hint) in {Union, UnionType}:
        hint = Union[tuple(each for each in get_args(hint) if each is not type(None))]  # noqa: UP007
    assert literals(hint) == set(names)


def test_names_can_be_counted():
    names = ESTIMATORS[0]._constraints["solver"].names
    assert len(names) == len(set(names)) > len(SOLVERS)


def declared(cls):
    """Return the fitted attributes that a class declares."""
    own = [base for base in cls.__mro__ if base.__module__.startswith("sklearn_neuron")]
    names = set().union(*(inspect.get_annotations(base) for base in own))
    return {name for name in names if name.endswith("_")}


def test_fitted_attributes_are_declared_documented_and_not_created(cls, X):
    y = target_for(cls, len(X))
    model = make(cls, record="epoch", max_iter=3).fit(X, y, X_val=X, y_val=y)
    fitted = {name for name in vars(model) if name.endswith("_")}
    names = declared(cls)
    assert fitted <= names
    assert names - fitted <= {"feature_names_in_", "n_iter_candidates_", "held_out_losses_"}
    assert not [name for name in names if hasattr(cls, name) or hasattr(cls(), name)]
    doc = inspect.getdoc(cls)
    assert all(re.search(rf"^(\w+, )*{name}(, \w+)* : ", doc, flags=re.MULTILINE) for name in names)


def test_declared_types_are_those_of_a_fit(cls, X):
    model = make(cls, max_iter=3).fit(X, target_for(cls, len(X)))
    weights = model.coefs_ if cls in NETWORKS else [model.coef_]
    assert all(isinstance(W, np.ndarray) and W.dtype.kind == "f" for W in weights)
    assert type(model.n_iter_) is type(model.best_iter_) is type(model.n_features_in_) is int
    assert type(model.loss_) is type(model.best_loss_) is type(model.eta_) is float
    assert model.loss_curve_.dtype == np.float64
    assert model.engine_ in {"numpy", "compiled"}
    assert cls not in NETWORKS or type(model.alpha_) is float


# ---- the check of examples, which .ci/run makes --------------------------------------------------


def test_the_check_reads_every_example_in_its_own_line():
    for page in user_types.PAGES:
        lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
        code = user_types.program(page).splitlines()
        for line, own in zip(lines, code, strict=True):
            assert own.strip() in line
        prompts = [line for line in lines if line.lstrip().startswith(">>> ")]
        assert sum(map(bool, code)) >= len(prompts)
        assert any(code) or not prompts
        compile("\n".join(code), page, "exec")
    assert sum(map(bool, user_types.program("README.md").splitlines())) > 50


def test_every_wrong_use_says_which_error_it_is():
    uses = (ROOT / "tests" / "typing" / "wrong_uses.py").read_text(encoding="utf-8")
    _, _, uses = uses.partition("# ---- names")
    lines = [line for line in uses.splitlines()[1:] if line and not line.startswith("# ---- ")]
    assert len(lines) > 40
    assert all(re.search(r"  # type: ignore\[[\w-]+\]$", line) for line in lines)
