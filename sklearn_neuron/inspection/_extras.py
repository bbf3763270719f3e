"""Extras: optional packages that only the inspection module needs, imported when used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

#: The extra that installs each package.
EXTRAS = {"matplotlib": "plot", "mpl_toolkits": "plot", "pandas": "journal"}


def require(module: str, user: str) -> Any:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Name of the module, such as ``"matplotlib.pyplot"``.
    user : str
        The name of the caller that requires the module, for the error message.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        If the package is not installed; the message names the extra to install.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{user} needs {package}, which is not installed. "
            f"You can install it with `pip install 'sklearn-neuron[{EXTRAS[package]}]'`."
        ) from error


def axes_for(ax: Any, user: str) -> tuple[Any, Any]:
    """Return the figure and the axes to plot on; new ones if no axes are given."""
    pyplot = require("matplotlib.pyplot", user)
    if ax is None:
        figure, ax = pyplot.subplots()
        return figure, ax
    return ax.figure, ax


def whole_numbers(ax: Any) -> None:
    """Restrict the ticks of the x axis to integers if its scale is linear."""
    if ax.get_xscale() == "linear":
        ax.locator_params(axis="x", integer=True)


def line_kwargs(kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the keyword arguments of a line with full names: lw becomes linewidth."""
    cbook, lines = (require(f"matplotlib.{name}", "a display") for name in ("cbook", "lines"))
    full: dict[str, Any] = cbook.normalize_kwargs(dict(kwargs or {}), lines.Line2D)
    return full
