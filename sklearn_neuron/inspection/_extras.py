"""Extras: what all displays need of matplotlib, which is imported when used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sklearn_neuron._extras import require


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


def luminance(rgb: Any) -> float:
    """Return the relative luminance of a color, as the Web Content Accessibility Guidelines do."""
    value = np.asarray(rgb, dtype=float)[:3]
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def ink_on(color: Any) -> str:
    """Return black or white, whichever has the larger contrast: at least 4.58 to 1."""
    rgb = require("matplotlib.colors", "a display").to_rgb(color)
    return "black" if luminance(rgb) > 0.179 else "white"
