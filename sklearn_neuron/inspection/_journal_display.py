"""Visualization of the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array, RowUnit
from sklearn_neuron.inspection._extras import axes_for, line_kwargs, whole_numbers
from sklearn_neuron.inspection._journal import read_journal

#: The colorblind-safe palette of Okabe and Ito.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LABELLED = len(COLOURS)  # more columns than this are plotted in groups
SINGLE = 200  # more columns than this are plotted as quantiles of groups
FAN = ((5, 95, 0.18), (25, 75, 0.3))  # bands of percentiles, and how opaque they are
FEWEST = 4  # minimum number of rows to label the lines instead of using a legend
PLACES = 15  # candidate positions along a line for its label
OFFSETS = ((40, 25), (40, -25), (-40, 25), (-40, -25))  # of a label from its line, in points
#: Keyword arguments of a line that a collection of lines takes, too.
OF_COLLECTIONS = {"alpha", "color", "label", "linestyle", "linewidth", "zorder"}


class JournalDisplay:
    """Journal visualization: each parameter and the loss over epochs or steps.

    Up to seven lines are labeled. More are drawn in groups, weights and biases; more than 200 as
    quantiles of each layer's weights and biases: the median, and bands from the 25th to the 75th
    and from the 5th to the 95th percentile. The loss then has axes of its own.

    Parameters
    ----------
    columns : mapping of str to array-like of shape (n_rows,)
        The values of each line, by name.
    index : array-like of shape (n_rows,)
        Numbers of the epochs or steps.
    unit : str, default="epoch"
        The unit of the index, used as the x axis label.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        One line for each column, or for each column that is in no group, and the medians.
    collections_ : list of matplotlib Collection
        The lines or the bands of each group; empty where every line is labeled.
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure with the journal.
    loss_ax_ : matplotlib Axes
        Axes with the loss: ``ax_``, where every line is labeled.

    See Also
    --------
    journal : The same as a table.
    LossCurveDisplay : The loss of each epoch.

    Examples
    --------
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> from sklearn_neuron.inspection import JournalDisplay
    >>> neuron = SigmoidNeuronRegressor(max_iter=20, tol=None, record="epoch")
    >>> neuron = neuron.fit([[-1.0], [0.0], [2.0]], [0.2, 0.5, 0.7])
    >>> display = JournalDisplay.from_estimator(neuron)
    >>> [line.get_label() for line in display.lines_]
    ['w', 'b', 'Loss']
    """

    def __init__(
        self, *, columns: Mapping[str, ArrayLike], index: ArrayLike, unit: str = "epoch"
    ) -> None:
        self.columns = columns
        self.index = index
        self.unit = unit

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, every: RowUnit | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Plot the journal of a fitted estimator.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            Fitted estimator, with ``record="epoch"`` or ``record="step"``.
        every : {"epoch", "step"} or None, default=None
            As for ``journal``.
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for each line.

        Returns
        -------
        JournalDisplay
            Object that stores the plotted values.

        Raises
        ------
        ValueError
            If the fit did not record what is requested.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.
        """
        table = read_journal(estimator, every)
        return cls(columns=table.columns, index=table.rows, unit=table.unit).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot visualization.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for each line.

        Returns
        -------
        JournalDisplay
            Object that stores the plotted values.
        """
        self.figure_, self.ax_ = axes_for(ax, "JournalDisplay")
        kwargs, self.loss_ax_ = line_kwargs(kwargs), self.ax_
        self.collections_: list[Any] = []
        groups = {name: _group(name) for name in self.columns}
        if len(self.columns) <= LABELLED:
            names = list(self.columns)
        else:
            names = [name for name, group in groups.items() if group == "others"]
            if 0 < len(names) < len(groups):
                self.loss_ax_ = self._panel()
        self.lines_ = self._lines(names, kwargs)
        if len(self.columns) > LABELLED:
            self._draw_groups(groups, kwargs)
        self.ax_.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
        self.ax_.set(xlabel=self.unit)
        whole_numbers(self.ax_)
        if len(self.columns) > LABELLED or len(np.asarray(self.index)) < FEWEST:
            title = "median, 25–75 %, 5–95 %" if len(self.columns) > SINGLE else None
            self.ax_.legend(title=title, title_fontsize="small")
            if self.loss_ax_ is not self.ax_:
                self.loss_ax_.legend()
        else:
            self._annotate()
        return self

    def _panel(self) -> Any:
        """Return axes for the loss, above those of the parameters."""
        divider = require("mpl_toolkits.axes_grid1", "JournalDisplay").make_axes_locatable(self.ax_)
        panel = divider.append_axes("top", size="35%", pad=0.1, sharex=self.ax_)
        panel.tick_params(labelbottom=False)
        return panel

    def _lines(self, names: Sequence[str], kwargs: dict[str, Any]) -> list[Any]:
        """Draw a line for each of some columns."""
        few = len(self.columns) <= LABELLED
        dot = {"marker": "o"} if len(np.asarray(self.index)) == 1 else {}  # a single point
        lines = []
        for k, name in enumerate(names):
            colour = COLOURS[k] if few else self.ax_.xaxis.label.get_color()
            look = {"color": colour, "linewidth": 2.5, **dot, "label": name, **kwargs}
            look["label"] = name if not few else look["label"]
            lines += self.loss_ax_.plot(self.index, self.columns[name], **look)
        return lines

    def _draw_groups(self, groups: Mapping[str, str], kwargs: dict[str, Any]) -> None:
        """Draw weights and biases: their lines, or their quantiles if there are many."""
        many = len(self.columns) > SINGLE
        members: dict[str, list[str]] = {}
        for name, kind in groups.items():
            if kind != "others":
                members.setdefault(name.partition("[")[0] if many else kind, []).append(name)
        look = {name: value for name, value in kwargs.items() if name in OF_COLLECTIONS}
        for k, (group, names) in enumerate(members.items()):
            values = np.array([self.columns[name] for name in names], dtype=float)
            draw = self._fan if many else self._bundle
            draw(group, values, COLOURS[k % (LABELLED - 1)], look)
        self.ax_.autoscale_view()

    def _bundle(self, group: str, values: Array, colour: str, look: dict[str, Any]) -> None:
        """Draw all lines of a group, as one collection."""
        index = np.broadcast_to(np.asarray(self.index, dtype=float), values.shape)
        lines = require("matplotlib.collections", "JournalDisplay").LineCollection(
            np.stack([index, values], axis=2),
            **{"color": colour, "linewidth": 0.8, "alpha": 0.5, **look, "label": group},
        )
        self.collections_.append(self.ax_.add_collection(lines))

    def _fan(self, group: str, values: Array, colour: str, look: dict[str, Any]) -> None:
        """Draw the median and the bands of a group; those of biases are dashed."""
        style = "--" if _group(group) == "biases" else "-"
        median = {"color": colour, "linewidth": 1.8, "linestyle": style, **look}
        self.lines_ += self.ax_.plot(
            self.index, np.median(values, axis=0), **{**median, "label": group}
        )
        for low, high, opacity in FAN:
            edges = np.percentile(values, [low, high], axis=0)
            band = self.ax_.fill_between(
                self.index, *edges, color=colour, alpha=opacity, linewidth=0
            )
            self.collections_.append(band)

    def _annotate(self) -> None:
        """Label each line by an arrow, where lines, edges and other labels leave most space."""
        self.ax_.autoscale_view()
        points = self.figure_.dpi / 72.0  # pixels per point
        paths = [self.ax_.transData.transform(line.get_xydata()) for line in self.lines_]
        zero = paths[0].copy()
        zero[:, 1] = self.ax_.transData.transform((0.0, 0.0))[1]
        taken = np.concatenate([_dense(path) for path in (*paths, zero)])
        for line, path in zip(self.lines_, paths, strict=True):
            width = 8.0 * len(line.get_label())
            rows = np.unique(np.linspace(0, len(path) - 1, PLACES).astype(int))
            places = [(row, *offset) for row in rows for offset in OFFSETS]
            shapes = [path[row] + points * _name(x, y, width) for row, x, y in places]
            best = int(np.argmax([self._room(shape, taken) for shape in shapes]))
            taken = np.concatenate([taken, shapes[best]])
            row, x, y = places[best]
            self.ax_.annotate(
                line.get_label(),
                xy=line.get_xydata()[row],
                xytext=(x, y),
                textcoords="offset points",
                color=line.get_color(),
                fontweight="bold",
                ha="left" if x > 0 else "right",
                va="center",
                arrowprops={
                    "arrowstyle": "->",
                    "color": line.get_color(),
                    "connectionstyle": "angle,angleA=0,angleB=90,rad=10",
                },
            )

    def _room(self, shape: Array, taken: Array) -> float:
        """Return the distance in pixels from a label with its arrow to the nearest object."""
        box = self.ax_.bbox
        edges = min(np.min(shape - box.min), np.min(box.max - shape))
        distances = np.linalg.norm(shape[:, None] - taken, axis=2)
        return float(min(edges, distances.min()))


def _group(name: str) -> str:
    """Return the kind of a column, given its name."""
    kinds = {"w": "weights", "W": "weights", "b": "biases"}
    is_parameter = name in kinds or name[1:2] == "[" or name[1:2].isdigit()
    return kinds.get(name[:1], "others") if is_parameter else "others"


def _name(x: float, y: float, width: float) -> Array:
    """Return points along an arrow and its label, relative to the arrowhead."""
    return _dense(np.array([[0.0, y / 2.0], [0.0, y], [x, y], [x + np.copysign(width, x), y]]))


def _dense(path: Array) -> Array:
    """Return points along a path, about as close to each other as letters."""
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    way = np.concatenate([[0.0], np.cumsum(lengths)])
    places = np.linspace(0.0, way[-1], int(np.clip(way[-1] / 8.0, 2, 500)))
    return np.stack([np.interp(places, way, path[:, k]) for k in (0, 1)], axis=1)
