"""Drawing: the colors, sizes and texts that the diagrams of networks have in common.

Lengths are in inches of the axes times ``scale``, so that pictures look alike at every size.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np

from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array

TITLE, TITLE_SPACING = 11.0, 1.35  # points, lines
LEAST_TEXT = 0.8  # texts do not shrink further with the axes, only with their boxes


class Inks(NamedTuple):
    """The colors of a diagram on its background."""

    paper: Any
    ink: Any
    faint: Any
    positive: Any
    negative: Any
    forward: Any  # purple
    backward: Any  # pink


ON_LIGHT = Inks("#FFFFFF", "#1A1A1A", "#6B6B6B", "#0072B2", "#C84E00", "#6A35B8", "#CC2A78")
ON_DARK = Inks("#000000", "#F2F2F2", "#A8A8A8", "#56B4E9", "#FF9E4A", "#B999FF", "#FF7FBF")


class Canvas(NamedTuple):
    """Axes whose data coordinates are inches of their size when they were drawn on."""

    ax: Any
    width: float
    height: float
    scale: float
    inks: Inks

    def text(self, x: float, y: float, text: str, box: tuple[float, float], **kwargs: Any) -> Any:
        """Add a text that stays in its box."""
        fitted = importlib.import_module(
            "sklearn_neuron.inspection._diagrams.fitted_text"
        ).FittedText
        largest = kwargs.pop("size", 10.0) * max(self.scale, LEAST_TEXT)
        defaults = {"color": self.inks.ink, "ha": "center", "va": "center", "zorder": 6}
        artist = fitted(x, y, text, box, largest, **{**defaults, **kwargs})
        return self.ax.add_artist(artist)

    def arrow(self, start: Any, end: Any, color: Any, **kwargs: Any) -> Any:
        """Add an arrow."""
        patches = require("matplotlib.patches", "a display")
        defaults = {
            "arrowstyle": "-|>",
            "mutation_scale": 11.0 * self.scale,
            "linewidth": 1.6 * self.scale,
            "shrinkA": 0.0,
            "shrinkB": 0.0,
            "zorder": 4,
        }
        arrow = patches.FancyArrowPatch(start, end, color=color, **{**defaults, **kwargs})
        arrow.set_in_layout(False)
        return self.ax.add_patch(arrow)


def new_axes(size: tuple[float, float], title: str) -> Any:
    """Return axes in a new figure, which have the size that they keep below their title."""
    pyplot = require("matplotlib.pyplot", "a display")
    figure, ax = pyplot.subplots(figsize=size, layout="constrained")
    ax.set_title(title, fontsize=TITLE, linespacing=TITLE_SPACING)
    ax.set_axis_off()
    figure.draw_without_rendering()
    return ax


def canvas_on(ax: Any, base: tuple[float, float]) -> Canvas:
    """Prepare axes for a diagram that looks best at a size of ``base`` inches."""
    box = ax.get_window_extent()
    width, height = (max(float(size) / ax.figure.dpi, 0.1) for size in (box.width, box.height))
    scale = float(np.clip(min(width / base[0], height / base[1]), 0.2, 1.15))
    ax.set(xlim=(0.0, width), ylim=(0.0, height))
    ax.set_aspect("equal")
    ax.set_axis_off()
    return Canvas(ax, width, height, scale, inks_on(ax))


def inks_on(ax: Any) -> Inks:
    """Return the colors that suit the background of axes without a frame."""
    colors = require("matplotlib.colors", "a display")
    for owner in (ax.figure, ax.figure.figure):
        rgba = colors.to_rgba(owner.get_facecolor())
        if rgba[3] > 0.5:
            break
    else:
        rgba = (1.0, 1.0, 1.0, 1.0)
    light = 0.299 * rgba[0] + 0.587 * rgba[1] + 0.114 * rgba[2]
    inks = ON_LIGHT if light > 0.45 else ON_DARK
    return inks._replace(paper=rgba[:3])


def mixed(color: Any, paper: Any, share: Any) -> Array:
    """Return colors between the paper (0) and a color (1), (n, 3)."""
    to_rgb = require("matplotlib.colors", "a display").to_rgb
    share = np.atleast_1d(np.clip(share, 0.0, 1.0))[:, None]
    both: Array = share * np.array(to_rgb(color)) + (1.0 - share) * np.array(to_rgb(paper))
    return both


def signed_colors(values: Array, largest: float, inks: Inks, least: float) -> Array:
    """Return a color for each value: by its sign, stronger the larger it is, (n, 3)."""
    share = least + (1.0 - least) * np.clip(np.abs(values) / largest, 0.0, 1.0)
    share = np.where(np.isnan(share), 1.0, share)
    positive, negative = (mixed(ink, inks.paper, share) for ink in (inks.positive, inks.negative))
    return np.where((values < 0)[:, None], negative, positive)


def write_title(canvas: Canvas, title: str) -> None:
    """Set the title, as large as the width of the axes allows."""
    longest = max(map(len, title.split("\n")))
    size = min(canvas.width * 72.0 / (0.56 * longest), 3.6 * canvas.height, TITLE)
    canvas.ax.set_title(
        title, fontsize=max(size, 1.0), color=canvas.inks.ink, linespacing=TITLE_SPACING
    )
