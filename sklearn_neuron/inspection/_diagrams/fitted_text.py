"""Fitted text: text in a picture that never leaves its box, whatever the size of the figure.

Importing this module requires matplotlib, which is an extra: import it inside functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array

BBOX = require("matplotlib.transforms", "a display").Bbox
MATPLOTLIB_TEXT = require("matplotlib.text", "a display")
REFERENCE = 20.0  # points; the text is measured at this size
SLACK = 0.93  # of the box may be filled: letters are hinted to whole pixels
SMALLEST, ATTEMPTS = 3.0, 5  # pixels: a smaller text is none


class FittedText(MATPLOTLIB_TEXT.Text):  # type: ignore[name-defined]
    """Text that is as large as its box allows, up to a size in points.

    Parameters
    ----------
    x, y : float
        Position, in data coordinates.
    text : str
        The text.
    box : tuple of two float
        Width and height of the box, in data coordinates.
    largest : float
        The largest size, in points.
    like : str, default=""
        Another text that would have to fit, so that texts of several boxes have one size.
    **kwargs : dict
        Keyword arguments of matplotlib's Text.
    """

    def __init__(
        self,
        x: float,
        y: float,
        text: str,
        box: tuple[float, float],
        largest: float,
        like: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(x, y, text, **kwargs)
        self.box = box
        self.largest = largest
        self.like = like
        self.set_in_layout(False)

    def fit(self, renderer: Any) -> bool:
        """Set the size; return whether the text is large enough to be drawn."""
        if self.axes is None or not self.get_text():
            return False
        (x0, y0), (x1, y1) = self.axes.transData.transform([(0.0, 0.0), self.box])
        room = np.abs([x1 - x0, y1 - y0])
        own = self.get_text()
        self.set_text(self.like)
        needed = self._needs(renderer, REFERENCE)
        self.set_text(own)
        needed = np.maximum(needed, self._needs(renderer, REFERENCE))
        size = min(self.largest, SLACK * REFERENCE * float(np.min(room / needed)))
        for _ in range(ATTEMPTS):  # letters do not shrink evenly
            if size * renderer.points_to_pixels(1.0) < SMALLEST:
                return False
            excess = float(np.max(self._needs(renderer, size) / room))
            if excess <= 1.0:
                return True
            size *= SLACK / excess
        return False

    def _needs(self, renderer: Any, size: float) -> Array:
        """Return the width and the height of the text at a size."""
        if self.get_fontsize() != size:
            self.set_fontsize(size)
        extent = super().get_window_extent(renderer)
        return np.array([extent.width, extent.height])

    def draw(self, renderer: Any) -> None:
        if self.fit(renderer):
            super().draw(renderer)

    def get_window_extent(self, renderer: Any = None, dpi: float | None = None) -> Any:
        renderer = self.figure._get_renderer() if renderer is None else renderer
        if self.fit(renderer):
            return super().get_window_extent(renderer, dpi)
        x, y = self.get_transform().transform(self.get_position())
        return BBOX.from_extents(x, y, x, y)
