"""The house's rules: which room may import which, and that the registries are complete."""

import ast
import inspect
import sys
from pathlib import Path

import pytest

import sklearn_neuron
from sklearn_neuron import activations, inspection, losses, optimizers, schedules

PACKAGE = Path(sklearn_neuron.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
#: The layers, lowest first: a module imports from lower layers, or from its own folder.
LAYERS = [
    {"_typing", "_config", "exceptions"},
    {"components", "activations", "losses", "network", "optimizers", "schedules", "initializers"},
    {"_engine"},
    {"_estimator"},
    {"neuron", "mlp"},
    {"__init__", "inspection"},
]
WITHOUT_SCIKIT_LEARN = set().union(*LAYERS[:3])


def layer(module):
    """Return the number of the layer that a module, or its folder, is in."""
    return next(k for k, names in enumerate(LAYERS) if Path(module).parts[0] in names)


def imports_of(module):
    """Return the package's modules and the other packages that a module imports."""
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
            (inside if top == "sklearn_neuron" else outside).add(
                rest[0] if rest and top == "sklearn_neuron" else top
            )
    return inside, outside


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_go_one_way(module):
    inside, outside = imports_of(module)
    for name in inside:
        assert layer(name) < layer(module) or layer(name) == layer(module), name
    allowed = (
        {"numpy", "scipy"}
        if module.parts[0] in WITHOUT_SCIKIT_LEARN
        else {"numpy", "scipy", "sklearn"}
    )
    extra = {"numba"} if "kernels" in module.parts else set()
    assert outside <= {*sys.stdlib_module_names, *allowed, *extra}


@pytest.mark.parametrize(
    ("module", "registry", "base"),
    [
        (activations, activations.ACTIVATIONS, activations.Activation),
        (losses, losses.LOSSES, losses.Loss),
        (optimizers, optimizers.OPTIMIZERS, optimizers.Optimizer),
        (schedules, schedules.SCHEDULES, schedules.Schedule),
    ],
)
def test_registries_hold_every_class(module, registry, base):
    classes = {
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, base) and cls is not base and cls.__module__ == module.__name__
    }
    assert set(registry.values()) == classes
    assert all(registry[cls.name] is cls for cls in classes)
    reference = (PACKAGE.parent / "docs" / "api.rst").read_text(encoding="utf-8").split()
    assert {cls.__name__ for cls in classes} <= set(reference)


PUBLIC = [getattr(room, name) for room in (sklearn_neuron, inspection) for name in room.__all__]


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_public_names_are_documented(public):
    doc = inspect.getdoc(public)
    if public.__name__ not in {"BackpropTrace", "GradientCheck"}:  # what functions return
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
