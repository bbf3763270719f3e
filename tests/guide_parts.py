"""The components of the guide "How to add a component", as they are written there.

As a pytest plugin (``-p guide_parts``) it registers them by name, one line each, before tests are
collected: so the tests that read the registries run on them too.
"""

import doctest
import os
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


if os.environ.get("SKLEARN_NEURON_GUIDE_PARTS"):
    register(parts())
