"""The rules of the package: which module imports which, and that lists are complete."""

import ast
import inspect
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

import sklearn_neuron
from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    activations,
    inspection,
    losses,
    onnx,
    optimizers,
    schedules,
    streaming,
)
from sklearn_neuron._estimator.base import NetworkEstimator

PACKAGE = Path(sklearn_neuron.__file__).parent
ROOT = Path(__file__).parents[1]
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
#: The layers, lowest first: a module imports from lower layers, or from its own folder.
LAYERS = [
    {"_typing", "_config", "_extras", "exceptions"},
    {
        "components",
        "activations",
        "losses",
        "network",
        "optimizers",
        "schedules",
        "initializers",
        "records",
    },
    {"_engine"},
    {"_estimator"},
    {"neuron", "mlp", "streaming", "_show_versions"},
    {"__init__"},
    {"inspection", "onnx", "dask"},
]
#: Layers of their own on top, which no other module may import.
EXTRAS = {"onnx", "dask"}
WITHOUT_SCIKIT_LEARN = set().union(*LAYERS[:3])


def layer(module):
    """Return the number of the layer that a module, or its folder, is in."""
    return next(k for k, names in enumerate(LAYERS) if Path(module).parts[0] in names)


def imports_of(module):
    """Return the package's modules, and the other packages, that a module imports."""
    inside, outside = set(), set()
    for node in ast.walk(ast.parse((PACKAGE / module).with_suffix(".py").read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            top, *rest = name.split(".")
            if top != "sklearn_neuron":
                outside.add(top)
                continue
            paths = [Path(*rest[:k]) for k in range(len(rest), 0, -1)] + [Path()]
            paths = [choice for path in paths for choice in (path, path / "__init__")]
            inside.add(next(path for path in paths if path in MODULES))
    return inside, outside


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_go_one_way(module):
    """To lower layers, or within a layer; and only one module of the engine looks into the core."""
    inside, outside = imports_of(module)
    assert all(layer(name) <= layer(module) for name in inside)
    core = {name for name in inside if "core" in name.parts}
    assert not core or module == Path("_engine/compiled") or "_engine" not in module.parts
    assert all(name.parts[0] not in EXTRAS - {module.parts[0]} for name in inside if name.parts)
    within = module.parts[0] in WITHOUT_SCIKIT_LEARN
    allowed = {"numpy", "scipy"} if within else {"numpy", "scipy", "sklearn"}
    assert outside <= {*sys.stdlib_module_names, *allowed}


def test_there_are_no_cycles():
    graph = {module: imports_of(module)[0] - {module} for module in MODULES}
    order = list(TopologicalSorter(graph).static_order())  # a CycleError names the cycle
    assert len(order) == len(MODULES)


@pytest.mark.parametrize(
    ("module", "registry", "base"),
    [
        (activations, activations.ACTIVATIONS, activations.Activation),
        (losses, losses.LOSSES, losses.Loss),
        (optimizers, optimizers.OPTIMIZERS, optimizers.Optimizer),
        (schedules, schedules.SCHEDULES, schedules.Schedule),
    ],
)
def test_registries_and_the_reference_hold_every_component(module, registry, base):
    """One class and one line: no class of a module's source is missing in its registry."""
    tree = ast.parse(inspect.getsource(module))
    written = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    classes = {
        cls
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if name in written and issubclass(cls, base) and cls is not base
    }
    assert classes <= set(registry.values())
    assert all(registry[cls.name] is cls for cls in classes)
    reference = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8").split()
    assert written <= set(reference)


def parts():
    """Return the modules that documents must name: a folder of its own counts as one."""
    wings = {"inspection", "_engine/core", "onnx", "dask"}
    names = {module.as_posix() for module in MODULES}
    return {
        next((wing for wing in wings if name.startswith(f"{wing}/")), name)
        for name in names
        if not name.endswith("__init__") or name.removesuffix("/__init__") in wings
    }


def test_contributing_names_every_module():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("## Where things go") : text.index("## How we work")]
    named = {
        name.rstrip("/").removesuffix(".py") for name in re.findall(r"`([\w/]+(?:/|\.py))`", table)
    }
    folders = {"_engine", "_estimator"}
    assert named - folders - {"compiled", "tests/test_architecture"} == parts()


def test_the_architecture_page_names_every_module():
    text = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8")
    layers = text[text.index("Layers\n---") : text.index("The fit of an estimator\n---")]
    listed = re.findall(r"^   ([\w.]+)$", layers, flags=re.MULTILINE)
    assert {name.replace(".", "/") for name in listed} == parts()
    assert len(listed) == len(set(listed))


def test_names_mean_one_thing():
    """No two public classes or constants of the package share a name, nor two functions."""
    owners = {}
    for module in MODULES:
        for node in ast.parse((PACKAGE / module).with_suffix(".py").read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                names = [node.name]
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [
                    name.id
                    for each in targets
                    for name in ast.walk(each)
                    if isinstance(name, ast.Name)
                ]
            else:
                continue
            for name in names:
                owners.setdefault(name, set()).add(str(module))
    shared = {name: where for name, where in owners.items() if len(where) > 1}
    assert set(shared) <= {"__all__"}, shared


def traced(job):
    """Return the functions and the files of the package that a call goes through."""
    calls, root = [], str(PACKAGE)

    def profile(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root):
            calls.append((code.co_filename.removeprefix(root), code.co_qualname))

    sys.setprofile(profile)
    try:
        job()
    finally:
        sys.setprofile(None)
    return [call for call in calls if "constraints" not in call[0]]  # the parameter checks


@pytest.mark.parametrize("cls", [ManualMLPClassifier, LogisticNeuronClassifier])
def test_a_fit_can_be_followed(cls):
    """One epoch of one batch; a call per comprehension is counted before Python 3.12."""
    X, y = load_iris(return_X_y=True)
    model = cls(max_iter=1, batch_size=None, random_state=0)
    model.fit(X, y)  # loads the core, once in a process
    calls = traced(lambda: model.fit(X, y))
    assert len(calls) <= 150
    own = {file for file, _ in calls if file.startswith(("/_estimator", "/_engine"))}
    assert len(own) <= 13
    assert len(traced(lambda: model.predict(X))) <= 30


def test_an_inheritance_chain_of_three_at_most(cls):
    own = [base for base in cls.__mro__ if base.__module__.startswith("sklearn_neuron")]
    assert len([base for base in own if base.__name__ != "CallbackSupport"]) <= 3


def test_the_fit_of_an_estimator_stands_on_one_screen():
    source = inspect.getsource(NetworkEstimator._fit)
    assert len(source.splitlines()) < 40
    assert not re.search(r"self\.(?!warm_start|record)\w+", source)  # nothing of another class


PUBLIC = [
    getattr(module, name)
    for module in (sklearn_neuron, inspection, onnx, streaming)
    for name in module.__all__
]


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_public_names_are_documented(public):
    doc = inspect.getdoc(public)
    returned = {"BackpropTrace", "Diagnosis", "GradientCheck"}  # by functions
    if public.__name__ not in returned:
        assert not inspect.signature(public).parameters or "Parameters\n----------" in doc
        assert "Examples\n--------" in doc
    assert "{{" not in doc


def test_estimators_document_every_parameter_and_attribute():
    for name in sklearn_neuron.__all__:
        cls = getattr(sklearn_neuron, name)
        doc = inspect.getdoc(cls)
        for parameter in inspect.signature(cls).parameters.values():
            assert f"\n{parameter.name} : " in doc
            line = doc[doc.index(f"\n{parameter.name} : ") :].split("\n    ")[0]
            shown = line.rpartition("default=")[2]
            assert ast.literal_eval(shown) == parameter.default
