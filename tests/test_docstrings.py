"""Docstrings: numpydoc finds no error in what the reference lists, nor in its methods."""

import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from sklearn_neuron.activations import Activation

numpydoc = pytest.importorskip("numpydoc.validate")

REFERENCE = Path(__file__).parents[1] / "docs" / "api.rst"
#: Of numpydoc's checks (scikit-learn leaves out the first, and for methods the last three):
IGNORED = {
    "RT02": "results have names, which the text refers to",
    "ES01": "a summary that says everything needs no second paragraph",
}
OF_METHODS = {"EX01": "the example of the class shows them", "SA01": "so does its list"}
#: What functions return, and nobody makes: their fields are listed as attributes.
RESULTS = {"BackpropTrace", "Diagnosis", "GradientCheck"}


def listed():
    """Return the full names of what the reference lists."""
    names, module = [], "sklearn_neuron"
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if directive := re.match(r"\.\. (?:currentmodule|automodule):: (\S+)", line):
            module = directive[1]
        elif entry := re.fullmatch(r"   (\w[\w.]*)", line):
            names.append(f"{module}.{entry[1]}")
    return names


def found(name):
    """Return an object, given its full name."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def methods_of(cls):
    """Return the names of the public methods and properties that are not scikit-learn's."""
    for name in dir(cls):
        owner = next(base for base in cls.__mro__ if name in vars(base))
        own = owner.__module__.startswith("sklearn_neuron") and not name.startswith("_")
        is_alias = type(vars(owner)[name]).__name__ == "_tuplegetter"  # a field of a named tuple
        if own and not is_alias and (callable(getattr(cls, name)) or is_property(cls, name)):
            yield name


def is_property(cls, name):
    """Return whether an attribute of a class is a property."""
    return isinstance(inspect.getattr_static(cls, name), property)


NAMES = listed()
METHODS = [
    f"{name}.{method}"
    for name in NAMES
    if inspect.isclass(found(name))
    for method in methods_of(found(name))
]


def errors_of(name, ignored):
    """Return numpydoc's errors, each with its code."""
    return [error for error in numpydoc.validate(name)["errors"] if error[0] not in ignored]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_reference_lists(name):
    ignored = {*IGNORED, "PR01"} if name.rpartition(".")[2] in RESULTS else {*IGNORED}
    assert not errors_of(name, ignored)


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    assert not errors_of(name, {*IGNORED, *OF_METHODS})


def test_the_lists_are_complete():
    assert {"sklearn_neuron.SGD", "sklearn_neuron.inspection.at"} <= set(NAMES)
    wanted = {
        "ManualMLPClassifier.fit",
        "LogisticNeuronClassifier.predict_proba",
        "activations.Tanh.forward",
        "inspection.GradientCheck.passed",
        "inspection.SearchDisplay.from_search",
    }
    assert {f"sklearn_neuron.{name}" for name in wanted} <= set(METHODS)
    assert "sklearn_neuron.ManualMLPClassifier.get_params" not in METHODS


def test_an_override_keeps_the_docstring_of_its_contract():
    class Sine(Activation):
        def forward(self, z, out):
            np.sin(z, out=out)

        def with_derivative(self, z, out, slope):
            """Write sin z and cos z."""
            np.cos(z, out=slope)
            np.sin(z, out=out)

    assert Sine.forward.__doc__ == Activation.forward.__doc__
    assert Sine.with_derivative.__doc__ == "Write sin z and cos z."
    assert Activation.forward.__doc__
