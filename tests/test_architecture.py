"""The house's rules: which room may import which, and that the registries are complete."""

import ast
import inspect
import sys
from pathlib import Path

import pytest

import sklearn_neuron
from sklearn_neuron import activations, inspection, losses, optimizers, schedules

PACKAGE = Path(sklearn_neuron.__file__).parent
# each room with the rooms it may look into
ALLOWED = {
    "_typing": set(),
    "recipes": set(),
    "activations": {"recipes"},
    "schedules": {"recipes"},
    "optimizers": {"recipes"},
    "losses": {"activations", "recipes"},
    "initializers": {"activations"},
    "network": {"activations", "losses"},
    "batches": {"activations", "network"},
    "epochs": {"batches", "network", "optimizers"},
    "held_out": {"batches", "network", "optimizers"},
    "kernels/_compile": set(),
    "kernels/_functions": {"kernels._compile"},
    "kernels/_products": {"kernels._compile"},
    "kernels/_rows": {"kernels._compile", "kernels._products"},
    "kernels/_updates": {"kernels._compile", "kernels._products"},
    "kernels/_network": {
        "kernels._compile",
        "kernels._functions",
        "kernels._products",
        "kernels._rows",
        "kernels._updates",
    },
    "kernels/_neuron": {
        "kernels._compile",
        "kernels._functions",
        "kernels._products",
        "kernels._rows",
    },
    "kernels/__init__": {
        "kernels._functions",
        "kernels._network",
        "kernels._neuron",
        "kernels._updates",
    },
    "compiled": {
        "activations",
        "batches",
        "epochs",
        "kernels",
        "losses",
        "network",
        "optimizers",
        "recipes",
    },
    "dropout": {"activations"},
    "history": {"batches", "epochs", "network", "optimizers"},
    "training": {"batches", "epochs", "held_out", "history", "network", "optimizers", "schedules"},
    "surface": {"activations", "batches", "network"},
    "newton": {"batches", "network", "surface", "training"},
    "_config": set(),
    "_docs": {"activations", "history", "initializers", "optimizers", "schedules"},
    "_validation": {"recipes"},
    "_resume": {"optimizers"},
    "_reporting": {"training"},
    "_callbacks": {"training"},
    "_reading": {"_resume", "_validation", "batches"},
    "_fitted": {
        "_reading",
        "_resume",
        "activations",
        "batches",
        "history",
        "network",
        "training",
    },
    "_base": {
        "_callbacks",
        "_config",
        "_fitted",
        "_reading",
        "_reporting",
        "_resume",
        "_validation",
        "activations",
        "batches",
        "compiled",
        "epochs",
        "held_out",
        "history",
        "losses",
        "network",
        "newton",
        "optimizers",
        "schedules",
        "training",
    },
    "_targets": {"_base", "_reading", "_validation", "batches", "network"},
    "_probabilities": {"_base", "_targets", "_validation", "activations", "losses"},
    "neuron": {
        "_base",
        "_callbacks",
        "_docs",
        "_fitted",
        "_probabilities",
        "_reading",
        "_resume",
        "_targets",
        "_validation",
        "activations",
        "losses",
        "network",
        "optimizers",
    },
    "mlp": {
        "_base",
        "_callbacks",
        "_docs",
        "_fitted",
        "_probabilities",
        "_reading",
        "_resume",
        "_targets",
        "_validation",
        "activations",
        "dropout",
        "initializers",
        "losses",
        "network",
        "optimizers",
    },
    "__init__": {"_config", "mlp", "neuron", "optimizers"},
    # the inspection looks at estimators from outside
    "inspection/_extras": set(),
    "inspection/_subject": {"_base", "_reading", "batches", "network", "neuron"},
    "inspection/_gradient": {
        "_validation",
        "epochs",
        "initializers",
        "inspection._subject",
        "network",
    },
    "inspection/_trace": {"activations", "batches", "epochs", "inspection._subject", "network"},
    "inspection/_journal": {"_base", "inspection._extras", "inspection._subject"},
    "inspection/_journal_display": {
        "inspection._extras",
        "inspection._journal",
        "inspection._subject",
    },
    "inspection/_loss_curve": {"inspection._extras", "inspection._subject"},
    "inspection/_loss_surface": {
        "_validation",
        "epochs",
        "inspection._extras",
        "inspection._subject",
    },
    "inspection/__init__": {
        "inspection._gradient",
        "inspection._journal",
        "inspection._journal_display",
        "inspection._loss_curve",
        "inspection._loss_surface",
        "inspection._trace",
    },
}
MATHEMATICS = ["recipes", "activations", "schedules", "optimizers", "losses", "initializers",
               "network", "batches", "epochs", "compiled", "dropout", "held_out", "history",
               "surface", "training", "newton"]  # fmt: skip


def imports_of(room):
    """Return the package's rooms and the outside packages that a module names."""
    tree = ast.parse((PACKAGE / f"{room}.py").read_text())
    inside, outside = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "sklearn_neuron":
            names = [f"sklearn_neuron.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            (inside if top == "sklearn_neuron" else outside).add(
                rest if rest and top == "sklearn_neuron" else top
            )
    return inside, outside


def test_every_room_has_a_rule():
    rooms = {path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")}
    assert {room.as_posix() for room in rooms} == set(ALLOWED)


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_go_one_way(room):
    inside, _ = imports_of(room)
    assert inside - {"_typing"} <= ALLOWED[room]


@pytest.mark.parametrize("room", MATHEMATICS)
def test_the_mathematics_reads_without_scikit_learn(room):
    _, outside = imports_of(room)
    assert outside <= {*sys.stdlib_module_names, "numpy", "scipy"}


@pytest.mark.parametrize("room", ALLOWED)
def test_nothing_but_the_run_time_dependencies(room):
    _, outside = imports_of(room)
    extra = {"numba", "llvmlite"} if room.startswith("kernels/") else set()
    assert outside <= {*sys.stdlib_module_names, "numpy", "scipy", "sklearn", *extra}


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
