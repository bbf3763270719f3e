"""The compiled core: whether it is there, and the one way to it."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

NONE = "There is no compiled core: "
_IN_SOURCE_FOLDER = (
    "this is the source folder, which holds no compiled code. Install it with pip, and start "
    "Python elsewhere."
)


@functools.cache
def build_info() -> dict[str, str] | None:
    """Return what the build wrote down; None in a source folder, which was not built.

    The keys are ``why_no_core``, which is empty if the core was built, and ``compiler``.
    """
    try:
        info = importlib.import_module(f"{__name__}._build_info")
    except ModuleNotFoundError:
        return None
    return {"why_no_core": info.WHY_NO_CORE, "compiler": info.COMPILER}


@functools.cache
def load() -> ModuleType:
    """Return the compiled module; raise an ImportError that says why if there is none."""
    try:
        return importlib.import_module(f"{__name__}._core")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}._core":
            raise
        info = build_info()
        reason = _IN_SOURCE_FOLDER if info is None else info["why_no_core"] or str(error)
        raise ImportError(NONE + reason) from error


@functools.cache
def why_not() -> str:
    """Return why the core cannot be used; an empty string if it can."""
    try:
        load()
    except (ImportError, ValueError) as error:
        return str(error)
    return ""


@functools.cache
def available() -> bool:
    """Return whether the core can be used.

    Raises
    ------
    ValueError
        If SKLEARN_NEURON_SIMD asks for what there is not.
    """
    try:
        load()
    except ImportError:
        return False
    return True


@functools.cache
def complaint() -> str:
    """Return what is wrong if there is no core and the build has not said so; else "".

    So it is in the source folder, and where the core is there and cannot be loaded.
    """
    info = build_info()
    if available() or (info is not None and info["why_no_core"]):
        return ""
    return f"{why_not()} Until then NumPy computes everything: the same results, more slowly."
