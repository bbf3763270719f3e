"""Fitted text: text in a picture that never leaves its box, whatever the size of the figure.

Importing this module requires matplotlib, which is an extra: import it inside functions.
"""

from __future__ import annotations

from typing import Any

from sklearn_neuron.inspection._extras import require

MATPLOTLIB_TEXT = require("matplotlib.text", "a display")
REFERENCE = 20.0  # points; the text is measured at this size
SLACK = 0.93  # of the box may be filled: letters are hinted to whole pixels


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

    def fit(self, renderer: Any) -> None:
        """Set the size."""
        if self.axes is None or not self.get_text():
            return
        (x0, y0), (x1, y1) = self.axes.transData.transform([(0.0, 0.0), self.box])
        own, widths, heights = self.get_text(), [], []
        self.set_fontsize(REFERENCE)
        for text in (self.like, own):
            self.set_text(text)
            extent = super().get_window_extent(renderer)
            widths.append(extent.width)
            heights.append(extent.height)
        share = min(abs(x1 - x0) / max(widths), abs(y1 - y0) / max(heights))
        self.set_fontsize(max(min(self.largest, SLACK * REFERENCE * share), 0.1))

    def draw(self, renderer: Any) -> None:
        self.fit(renderer)
        super().draw(renderer)

    def get_window_extent(self, renderer: Any = None, dpi: float | None = None) -> Any:
        renderer = self.figure._get_renderer() if renderer is None else renderer
        self.fit(renderer)
        return super().get_window_extent(renderer, dpi)
