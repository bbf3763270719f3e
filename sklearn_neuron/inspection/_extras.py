"""Extras: packages that only the inspection needs, imported when used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

#: The extra that brings each package.
EXTRAS = {"matplotlib": "plot", "pandas": "journal"}


def require(module: str, user: str) -> Any:
    """Return a module of an optional package.

    Parameters
    ----------
    module : str
        Such as ``"matplotlib.pyplot"``.
    user : str
        What needs it, for the error.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        Where the package is missing; it names the extra.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{user} needs {package}, which is not installed: "
            f"pip install 'sklearn-neuron[{EXTRAS[package]}]' brings it."
        ) from error


def axes_for(ax: Any, user: str) -> tuple[Any, Any]:
    """Return the figure and the axes to draw on; new ones where none are given."""
    pyplot = require("matplotlib.pyplot", user)
    if ax is None:
        figure, ax = pyplot.subplots()
        return figure, ax
    return ax.figure, ax


def whole_numbers(ax: Any) -> None:
    """Mark only whole numbers on the x axis, unless its scale is another one."""
    if ax.get_xscale() == "linear":
        ax.locator_params(axis="x", integer=True)


def line_kwargs(kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return arguments of a line under their full names: lw becomes linewidth."""
    cbook, lines = (require(f"matplotlib.{name}", "a display") for name in ("cbook", "lines"))
    full: dict[str, Any] = cbook.normalize_kwargs(dict(kwargs or {}), lines.Line2D)
    return full
