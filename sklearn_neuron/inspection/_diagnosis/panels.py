"""Panels: several axes side by side, and ink that can be read on any color."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_neuron._extras import require
from sklearn_neuron.inspection._extras import luminance

#: Width to height of a panel that shares the place of one axes with others.
PANEL_ASPECT = 1.3


def panels_for(
    ax: Any, n: int, user: str, *, columns: int, size: tuple[float, float] = (3.4, 2.7)
) -> tuple[Any, list[Any]]:
    """Return a figure and n axes: new ones, those given, or n in the place of one.

    Raises
    ------
    ValueError
        If several axes are given, but not n.
    """
    pyplot = require("matplotlib.pyplot", user)
    columns = min(columns, n)
    rows = -(-n // columns)
    if ax is None:
        figure, axes = pyplot.subplots(
            rows,
            columns,
            figsize=(size[0] * columns, size[1] * rows),
            layout="constrained",
            squeeze=False,
        )
        for spare in axes.flat[n:]:
            spare.remove()
        return figure, list(axes.flat[:n])
    if not hasattr(ax, "plot"):
        axes = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(axes) != n:
            raise ValueError(f"ax must be one axes or {n}, one for each panel; got {len(axes)}.")
        return axes[0].figure, axes
    return ax.figure, [ax] if n == 1 else _divided(ax, columns, n)


def _divided(ax: Any, most: int, n: int) -> list[Any]:
    """Return n axes in the place of one, which is hidden, in as many columns as it has room for."""
    figure, place = ax.figure, ax.get_subplotspec()
    shape = ax.get_window_extent()
    columns = int(np.clip(np.sqrt(n * shape.width / shape.height / PANEL_ASPECT).round(), 1, most))
    rows = -(-n // columns)
    ax.set_axis_off()
    # a layout engine keeps labels apart by itself
    gaps = {} if figure.get_layout_engine() else {"wspace": 0.5, "hspace": 0.7}
    if place is None:  # it stands freely in the figure
        box = ax.get_position()
        ends = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
        grid = figure.add_gridspec(rows, columns, **ends, **gaps)
    else:
        grid = place.subgridspec(rows, columns, **gaps)
    return [figure.add_subplot(grid[k // columns, k % columns]) for k in range(n)]


def shades_on(ax: Any, n: int) -> list[Any]:
    """Return n colors in order of lightness, all of which are seen on an axes' background."""
    colors, colormaps = (require(f"matplotlib.{name}", "a display") for name in ("colors", "cm"))
    dark = luminance(colors.to_rgb(ax.get_facecolor()[:3])) < 0.2
    low, high = (0.35, 1.0) if dark else (0.05, 0.8)
    places = np.linspace(low, high, n) if n > 1 else [0.4 if not dark else 0.7]
    return [tuple(shade) for shade in colormaps.viridis(places)]


def ink_of(ax: Any) -> Any:
    """Return the color of an axes' labels, which is seen on its background in any style."""
    return ax.xaxis.label.get_color()
