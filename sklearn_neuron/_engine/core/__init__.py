"""The compiled core: whether it is there, and the one way to it."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

_IN_SOURCE_FOLDER = (
    "this is the source folder, which holds no compiled code. Install it with pip, and import it "
    "from elsewhere."
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
        raise ImportError(f"There is no compiled core: {reason}") from error


@functools.cache
def why_not() -> str:
    """Return why the core cannot be used; an empty string if it can."""
    try:
        load()
    except ImportError as error:
        return str(error)
    return ""


@functools.cache
def available() -> bool:
    """Return whether the core can be used."""
    return not why_not()
