"""Saving: what is saved of an estimator carries the version of the package.

What it holds is plain: arrays, numbers, strings, and tuples, lists and dicts of these. Formats that
load no class which they do not know, such as that of skops, then only have to trust the estimator
itself, and the objects that users give it as parameters.
"""

from __future__ import annotations

import importlib
from typing import Any

from sklearn_neuron._estimator.reporting import warn
from sklearn_neuron._estimator.state import PARKED, STATE
from sklearn_neuron.exceptions import InconsistentVersionWarning

#: Under which name what is saved has the version.
VERSION = "_sklearn_neuron_version"
#: What is said to have saved an estimator that has none.
UNKNOWN = "(unknown version)"


def saved(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an estimator to be saved or copied, with the version.

    A copy makes its own generator. Without a seed, where the generator has arrived is asked for
    only here: that takes 49 µs.
    """
    attributes = attributes | {VERSION: version()}
    parked, state = attributes.pop(PARKED, None), attributes.get(STATE)
    if parked is not None and state is not None and state["seed"] is None:
        attributes[STATE] = state | {"stream": parked.get_state()}
    return attributes


def loaded(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that were saved; warn if another version has saved them."""
    original, current = state.get(VERSION, UNKNOWN), version()
    if original != current:
        warn(InconsistentVersionWarning(name, current, original))
    return {key: value for key, value in state.items() if key != VERSION}


def version() -> str:
    """Return the version of the package."""
    own: str = importlib.import_module("sklearn_neuron").__version__
    return own
