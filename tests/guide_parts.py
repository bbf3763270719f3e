"""The components of the guide "How to add a component", as they are written there.

As a pytest plugin (``-p guide_parts``) it registers them by name, one line each, before tests are
collected: so the tests that read the registries run on them too. Of the tests that take one
component each, it keeps those of the new ones, and it keeps all that look at a whole registry.
"""

import doctest
import inspect
import os
import re
from pathlib import Path

from sklearn_neuron import activations, initializers, losses, optimizers, schedules

GUIDE = Path(__file__).parent.parent / "docs" / "extending.rst"


def parts():
    """Run the imports and definitions of the guide; return its names."""
    names = {}
    for example in doctest.DocTestParser().get_examples(GUIDE.read_text(encoding="utf-8")):
        if example.source.startswith(("import ", "from sklearn_neuron", "class ", "def ")):
            exec(compile(example.source, str(GUIDE), "exec"), names)
    return names


def register(names):
    """Add one component of each kind: what the guide calls one line."""
    activations.ACTIVATIONS["softsign"] = names["Softsign"]
    optimizers.OPTIMIZERS["adagrad"] = names["Adagrad"]
    schedules.SCHEDULES["halving"] = names["Halving"]
    losses.LOSSES["log_cosh"] = names["LogCosh"]
    initializers.INITIALIZERS["lecun_normal"] = names["lecun_normal"]


REGISTRY = re.compile(r"\b(ACTIVATIONS|LOSSES|OPTIMIZERS|SCHEDULES|INITIALIZERS)\b")
NEW = ("softsign", "adagrad", "halving", "log_cosh", "logcosh", "lecun_normal")


def pytest_collection_modifyitems(config, items):
    """Keep what is new, and what is not of a single component."""

    def concerns(item):
        if any(new in item.name.lower() for new in NEW):
            return True
        return "[" not in item.name and REGISTRY.search(inspect.getsource(item.function))

    left_out = [item for item in items if not concerns(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if concerns(item)]


if os.environ.get("SKLEARN_NEURON_GUIDE_PARTS"):
    register(parts())
