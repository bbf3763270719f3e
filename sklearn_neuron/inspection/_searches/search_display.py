"""Visualization of a search over two parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array, SearchQuantity
from sklearn_neuron.inspection._diagnosis.panels import ink_of, panels_for
from sklearn_neuron.inspection._extras import ink_on
from sklearn_neuron.inspection._searches.search_table import SearchTable, is_number, search_table

#: Titles of the panels.
TITLES = {
    "score": "mean test score",
    "std": "standard deviation of the score",
    "fit_time": "time of a fit",
    "score_time": "time of scoring",
}
#: Sizes of letters in cells, the first that fits; and the part of a cell that they may fill.
LETTER_SIZES, FILLED = (10.0, 9.0, 8.0, 7.0, 6.0), 0.8
#: Ratio of the longest to the shortest time from which colors are logarithmic.
WIDE = 10.0
#: Scores further below the best than this many times the median are as dark as the lowest color.
FAR_BELOW = 4.0
#: Part of the cells that were tried from which they are drawn as cells; below, as points.
CELLS_FILLED = 0.5
LONGEST_LABEL = 20


class SearchDisplay:
    """Search visualization: score and fit time over two parameters, as heat maps.

    Parameters
    ----------
    names : tuple of (str, str or None)
        Names of the parameters on the x and the y axis; without the latter, lines are drawn.
    x, y : list
        The values of the parameters, in the order of the axes.
    quantities : mapping of str to ndarray of shape (len(y), len(x))
        What is shown, a panel each: ``"score"``, ``"std"``, ``"fit_time"``, ``"score_time"``. NaN
        for candidates that failed.
    tried : ndarray of bool of shape (len(y), len(x)) or None, default=None
        Which candidates there were. If None, all.
    best : tuple of (int, int) or None, default=None
        The cell, as (y, x), that is marked as the best one.
    std : ndarray of shape (len(y), len(x)) or None, default=None
        Standard deviations, for the bars of a line of scores.
    title : str, default=""
        Title of the figure, or of the first panel if the axes are given.

    Attributes
    ----------
    axes_ : dict of matplotlib Axes
        The panels, by quantity.
    images_ : dict of matplotlib QuadMesh, PathCollection or Line2D
        The heat map of each panel; points for values that form no grid; a line for one parameter.
    texts_ : dict of list of matplotlib Text
        The numbers in the cells, where there is room.
    best_ : dict of matplotlib artist
        The mark of the best cell in each panel.
    ax_, figure_ : matplotlib Axes and Figure
        The first panel and the figure.

    See Also
    --------
    LearningRateRangeDisplay : The loss against the learning rate, without cross-validation.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.inspection import SearchDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"eta": [0.01, 0.1], "batch_size": [8, 32, None]}
    >>> neuron = LogisticNeuronClassifier(max_iter=20, tol=None, random_state=0)
    >>> search = GridSearchCV(neuron, grid, cv=3).fit(X, y)
    >>> display = SearchDisplay.from_search(search)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['8', '32', 'all rows']
    """

    def __init__(
        self,
        *,
        names: tuple[str, str | None],
        x: list[Any],
        y: list[Any],
        quantities: Mapping[str, Array],
        tried: NDArray[np.bool_] | None = None,
        best: tuple[int, int] | None = None,
        std: Array | None = None,
        title: str = "",
    ) -> None:
        self.names = names
        self.x = x
        self.y = y
        self.quantities = quantities
        self.tried = tried
        self.best = best
        self.std = std
        self.title = title

    @classmethod
    def from_search(
        cls,
        search: Any,
        x: str = "auto",
        y: str | None = "auto",
        *,
        quantities: SearchQuantity | Sequence[SearchQuantity] = ("score", "fit_time"),
        metric: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot what a fitted search has found.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV or HalvingRandomSearchCV
            Fitted search, over any estimator. In halving, the last iteration of each candidate is
            shown: those that took part in more iterations were fitted to more samples.
        x : str, default="auto"
            Name of the parameter on the x axis. A short name finds
            ``"logisticneuronclassifier__eta"`` if no other parameter ends like this. ``"auto"``
            takes ``eta`` or else ``batch_size``, or what the search has besides ``y``.
        y : str or None, default="auto"
            Name of the parameter on the y axis. If None, or if the search has only one parameter,
            lines are drawn. ``"auto"`` takes ``batch_size`` or else ``eta``, or what the search has
            besides ``x``.
        quantities : sequence of {"score", "std", "fit_time", "score_time"}, \
default=("score", "fit_time")
            What is shown, a panel each: the mean and the standard deviation of the test score over
            the splits, and the mean times of a fit and of its scoring, in seconds.
        metric : str or None, default=None
            The metric of the score, if there are several. If None, that of ``refit``.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes object to divide into panels, or one for each quantity. If None, a new figure is
            created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``pcolormesh`` (``scatter`` for values
            that form no grid, ``plot`` for one parameter).

        Returns
        -------
        SearchDisplay
            Object that stores the computed values. Where the search has more parameters than the
            two, each cell shows the candidate with the highest score. Candidates that do not set
            one of the two, as in a list of grids, have a row or a column "not set".

        Raises
        ------
        TypeError
            If ``search`` is no search.
        sklearn.exceptions.NotFittedError
            If the search is not fitted.
        ValueError
            If the search has no such parameter, metric or quantity, or if "auto" leaves several
            parameters to choose from.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.
        """
        require("matplotlib", cls.__name__)
        table = search_table(search, x, y, quantities, metric)
        display = cls(
            names=table.names,
            x=table.x,
            y=table.y,
            quantities={name: table.quantities[name] for name in _several(quantities)},
            tried=table.tried,
            best=table.best,
            std=table.quantities["std"],
            title=search_title(table),
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot visualization.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes object to divide into panels, or one for each quantity. If None, a new figure is
            created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``pcolormesh`` (``scatter`` for values
            that form no grid, ``plot`` for one parameter).

        Returns
        -------
        SearchDisplay
            Object that stores the computed values.
        """
        n, user = len(self.quantities), type(self).__name__
        grid = self.names[1] is not None and self._is_grid()
        size = (min(max(4.6, 1.6 + 0.62 * len(self.x)), 9.0) if grid else 4.6, 3.6)
        self.figure_, axes = panels_for(ax, n, user, columns=2, size=size)
        self.axes_ = dict(zip(self.quantities, axes, strict=True))
        self.ax_ = axes[0]
        self.images_: dict[str, Any] = {}
        self.texts_: dict[str, list[Any]] = {}
        self.best_: dict[str, Any] = {}
        draw = self._line
        if self.names[1] is not None:
            draw = self._cells if grid else self._points
        for name, panel in self.axes_.items():
            panel.set_title(self._title(name), fontsize="medium")
            draw(name, panel, kwargs)
        if self.title and ax is None:
            self.figure_.suptitle(self.title, fontsize="medium")
        elif self.title:
            first = self._title(next(iter(self.axes_)))
            self.ax_.set_title(f"{first}\n{self.title}", fontsize="medium")
        if draw == self._cells:
            self._label_cells()
        return self

    def _shown(self, name: str) -> Array:
        """Return the values of a quantity as they are shown: short times in milliseconds."""
        values = np.asarray(self.quantities[name], dtype=float)
        return 1000.0 * values if is_short(name, values) else values

    def _title(self, name: str) -> str:
        """Return the title of a panel, with the unit of times."""
        if not name.endswith("time"):
            return TITLES[name]
        return f"{TITLES[name]}, {'ms' if is_short(name, self.quantities[name]) else 's'}"

    # ---- two parameters, cell by cell ------------------------------------------------------------

    def _is_grid(self) -> bool:
        """Return whether most combinations were tried, or the values are no numbers."""
        numbers = all(map(is_number, [*self.x, *self.y]))
        return not numbers or self._tried().mean() >= CELLS_FILLED

    def _tried(self) -> NDArray[np.bool_]:
        shape = len(self.y), len(self.x)
        return np.ones(shape, dtype=bool) if self.tried is None else self.tried

    def _cells(self, name: str, panel: Any, kwargs: Mapping[str, Any]) -> None:
        """Draw a heat map, hatch what failed and frame the best."""
        values = self._shown(name)
        look = {"cmap": cmap_of(name), **norm_of(name, values), **kwargs}
        mesh = panel.pcolormesh(np.ma.masked_invalid(values), **look)
        self.images_[name] = mesh
        self._colorbar(name, panel, mesh)
        patches = require("matplotlib.patches", type(self).__name__)
        for row, column in np.argwhere(self._tried() & np.isnan(values)):
            cell = {"fill": False, "hatch": "////", "lw": 0, "edgecolor": ink_of(panel)}
            panel.add_patch(patches.Rectangle((column, row), 1, 1, **cell))
        if self.best is not None:
            effects = require("matplotlib.patheffects", type(self).__name__)
            row, column = self.best
            frame = patches.Rectangle(
                (column, row), 1, 1, fill=False, edgecolor="white", lw=2, clip_on=False, zorder=3
            )
            frame.set_path_effects([effects.withStroke(linewidth=5, foreground="black")])
            self.best_[name] = panel.add_patch(frame)
        self._ticks(panel)

    def _ticks(self, panel: Any) -> None:
        """Name the values on both axes."""
        for axis, values, name in zip("xy", (self.x, self.y), self.names, strict=True):
            assert name is not None  # there are two
            labels = labels_of_values(values, name)
            getattr(panel, f"set_{axis}ticks")(np.arange(len(values)) + 0.5, labels)
            getattr(panel, f"set_{axis}label")(last_part(name))
        panel.tick_params(length=0)

    def _colorbar(self, name: str, panel: Any, mesh: Any) -> None:
        """Add a color bar; it is open below if scores lie there."""
        finite = self._shown(name)[np.isfinite(self._shown(name))]
        below = finite.size and finite.min() < mesh.norm.vmin
        self.figure_.colorbar(mesh, ax=panel, extend="min" if below else "neither")

    def _label_cells(self) -> None:
        """Write the numbers into the cells where they fit, and turn labels that would overlap."""
        self.figure_.draw_without_rendering()  # now sizes are known
        for panel in self.axes_.values():
            turn_if_wide(panel, self.figure_)
        self.figure_.draw_without_rendering()
        for name, panel in self.axes_.items():
            self.texts_[name] = self._numbers(name, panel)

    def _numbers(self, name: str, panel: Any) -> list[Any]:
        """Write the numbers of one panel, in the largest letters that fit; none if none do."""
        values, mesh = self._shown(name), self.images_[name]
        texts = []
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            ink = ink_on(mesh.cmap(mesh.norm(value)))
            text = cell_text(name, value)
            texts.append(
                panel.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink)
            )
            texts[-1].set_in_layout(False)
        corners = panel.transData.transform([[0, 0], [1, 1]])
        room = FILLED * np.abs(corners[1] - corners[0])
        for letters in LETTER_SIZES:
            for text in texts:
                text.set_fontsize(letters)
            boxes = [text.get_window_extent() for text in texts]
            if all(box.width <= room[0] and box.height <= room[1] for box in boxes):
                return texts
        for text in texts:
            text.remove()
        return []

    # ---- two parameters of a random search, one parameter ----------------------------------------

    def _points(self, name: str, panel: Any, kwargs: Mapping[str, Any]) -> None:
        """Draw a point for each candidate, on axes with the scale that suits the values."""
        values, rows, columns = self._shown(name), *np.nonzero(self._tried())
        x, y = np.array(self.x, float)[columns], np.array(self.y, float)[rows]
        value, ink = values[rows, columns], ink_of(panel)
        ok = np.isfinite(value)
        look = {"cmap": cmap_of(name), "s": 60, "edgecolors": ink, "linewidths": 0.8}
        look |= {**norm_of(name, values), **kwargs}
        self.images_[name] = panel.scatter(x[ok], y[ok], c=value[ok], **look)
        self._colorbar(name, panel, self.images_[name])
        panel.plot(x[~ok], y[~ok], "x", color=ink, label="failed")
        if self.best is not None:
            row, column = self.best
            (self.best_[name],) = panel.plot(
                self.x[column], self.y[row], "o", ms=14, mfc="none", mec="#D55E00", mew=2.5
            )
        for axis, numbers, full in zip("xy", (x, y), self.names, strict=True):
            getattr(panel, f"set_{axis}label")(last_part(str(full)))
            if is_logarithmic(numbers):
                getattr(panel, f"set_{axis}scale")("log")

    def _line(self, name: str, panel: Any, kwargs: Mapping[str, Any]) -> None:
        """Draw a line over the values of one parameter, with bars of one standard deviation."""
        values, places, ink = self._shown(name)[0], np.arange(len(self.x)), ink_of(panel)
        look = {"color": ink, "marker": "o", **kwargs}
        (self.images_[name],) = panel.plot(places, values, **look)
        if name == "score" and self.std is not None:
            bars = {"fmt": "none", "ecolor": ink, "elinewidth": 1, "capsize": 3}
            panel.errorbar(places, values, self.std[0], **bars)
        for place in np.flatnonzero(self._tried()[0] & np.isnan(values)):
            hatch = {"fill": False, "hatch": "////", "lw": 0, "edgecolor": ink, "alpha": 0.5}
            panel.axvspan(place - 0.4, place + 0.4, **hatch)
        if self.best is not None:
            at = self.best[1]
            star = {"ms": 15, "mfc": "#E69F00", "mec": ink, "zorder": 4}
            (self.best_[name],) = panel.plot(at, values[at], "*", **star)
        if name.endswith("time") and spread_of_times(values) > WIDE:
            panel.set_yscale("log")
        panel.set_xticks(places, labels_of_values(self.x, self.names[0]))
        panel.set_xlabel(last_part(self.names[0]))
        panel.set_xlim(-0.6, len(self.x) - 0.4)
        self.figure_.draw_without_rendering()
        turn_if_wide(panel, self.figure_)


def search_title(table: SearchTable) -> str:
    """Return what the cells are, in words."""
    parts = [f"score: {table.metric}"] if table.metric is not None else []
    if table.others:
        parts.append(f"best over {', '.join(map(last_part, table.others))}")
    if table.halving:
        parts.append("last iteration of each candidate")
    if table.best is None and np.isfinite(table.quantities["score"]).any():
        parts.append("the best candidate is not among them")
    return "; ".join(parts)


def _several(quantities: Any) -> list[str]:
    return [quantities] if isinstance(quantities, str) else list(quantities)


def last_part(name: str) -> str:
    """Return the parameter's own name, without the steps of a pipeline."""
    return name.rpartition("__")[2]


def cmap_of(name: str) -> str:
    """Return the colors of a quantity: light is what one wants."""
    return "cividis" if name == "score" else "cividis_r"


def norm_of(name: str, values: Array) -> dict[str, Any]:
    """Return the range of the colors: logarithmic for times that differ much."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return {"vmin": 0.0, "vmax": 1.0}
    low, high = float(finite.min()), float(finite.max())
    if name.endswith("time") and spread_of_times(values) > WIDE:
        colors = require("matplotlib.colors", "SearchDisplay")
        return {"norm": colors.LogNorm(low, high)}
    if name == "score":
        middle = float(np.median(finite))
        low = max(low, high - FAR_BELOW * (high - middle)) if middle < high else low
    return {"vmin": low, "vmax": high if high > low else low + 1e-12}


def is_short(name: str, values: Array) -> bool:
    """Return whether a quantity is a time, and mostly below a tenth of a second."""
    finite = values[np.isfinite(values)]
    return name.endswith("time") and finite.size > 0 and bool(np.median(finite) < 0.1)


def spread_of_times(values: Array) -> float:
    """Return the longest time over the shortest."""
    positive = values[np.isfinite(values) & (values > 0.0)]
    return float(positive.max() / positive.min()) if positive.size else 1.0


def is_logarithmic(values: Array) -> bool:
    """Return whether positive numbers are spread more evenly on a logarithmic scale."""
    low, high = values.min(), values.max()
    return bool(low > 0.0 and high >= 10.0 * low and np.median(values) < 0.3 * (low + high))


def cell_text(name: str, value: float) -> str:
    """Return a number of three digits."""
    if name in {"score", "std"} and 1e-3 <= abs(value) < 10.0:
        return f"{value:.3f}"
    if 1e-3 <= abs(value) < 1e6:
        return f"{value:#.3g}".rstrip(".") if abs(value) < 1000.0 else f"{value:.0f}"
    return f"{value:.3g}"


def labels_of_values(values: Sequence[Any], name: str) -> list[str]:
    """Return the values of a parameter in words, with as many digits as tell them apart."""
    none = "all rows" if last_part(name) == "batch_size" else "None"
    for digits in (3, 4, 6, 17):
        labels = [number_text(v, digits) if is_number(v) else str(v) for v in values]
        if len(set(labels)) == len(labels):
            break
    return [
        none if value is None else shortened(label)
        for value, label in zip(values, labels, strict=True)
    ]


def number_text(value: Any, digits: int) -> str:
    """Return a number with some digits, without an exponent from 0.0001 to 100,000."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e5):
        return str(int(value))
    return f"{value:.{digits}g}"


def shortened(text: str) -> str:
    """Return a text that is not too long for a label."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def turn_if_wide(panel: Any, figure: Any) -> None:
    """Turn the labels below an axis if they would touch each other."""
    renderer = figure.canvas.get_renderer()
    boxes = [label.get_window_extent(renderer) for label in panel.get_xticklabels()]
    gaps = [right.x0 - left.x1 for left, right in zip(boxes, boxes[1:], strict=False)]
    if gaps and min(gaps) < 4.0:
        panel.tick_params(axis="x", labelrotation=90 if len(boxes) > 12 else 45)
        room = (boxes[-1].x0 + boxes[-1].x1 - boxes[0].x0 - boxes[0].x1) / 2 / (len(boxes) - 1)
        every = int(np.ceil(1.2 * boxes[0].height / room))  # a turned label is as wide as high
        ticks = zip(panel.get_xticks(), panel.get_xticklabels(), strict=True)
        kept = [(place, label.get_text()) for place, label in ticks][::every]
        panel.set_xticks(*zip(*kept, strict=True))
