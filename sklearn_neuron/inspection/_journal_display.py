"""Visualization of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._extras import axes_for, line_kwargs, whole_numbers
from sklearn_neuron.inspection._journal import read_journal
from sklearn_neuron.inspection._subject import unwrap

#: The colorblind-safe palette of Okabe and Ito.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LABELLED = len(COLOURS)  # more columns than this are plotted in groups
FEWEST = 4  # minimum number of rows to label the lines instead of using a legend
PLACES = 15  # candidate positions along a line for its label
OFFSETS = ((40, 25), (40, -25), (-40, 25), (-40, -25))  # of a label from its line, in points


class JournalDisplay:
    """Journal visualization: each parameter and the loss over epochs or steps, labeled.

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
        One line for each column.
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure with the journal.

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
        cls, estimator: Any, *, every: str | None = None, ax: Any = None, **kwargs: Any
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
        estimator = unwrap(estimator)
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
        kwargs = line_kwargs(kwargs)
        few = len(self.columns) <= LABELLED
        looks = self._looks(few)
        dot = {"marker": "o"} if len(np.asarray(self.index)) == 1 else {}  # a single point
        self.lines_ = [
            self.ax_.plot(self.index, values, **{**look, **dot, "label": name, **kwargs})[0]
            for (name, values), look in zip(self.columns.items(), looks, strict=True)
        ]
        self.ax_.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
        self.ax_.set(xlabel=self.unit)
        whole_numbers(self.ax_)
        if not few:
            self._legend()
        elif len(np.asarray(self.index)) < FEWEST:
            self.ax_.legend()
        else:
            self._annotate()
        return self

    def _looks(self, few: bool) -> list[dict[str, Any]]:
        """Return the style of each line: a color of its own, or that of its group."""
        if few:
            colours = COLOURS[: len(self.columns)]
            return [{"color": colour, "linewidth": 2.5} for colour in colours]
        thin = {"linewidth": 0.8, "alpha": 0.5}
        looks = {
            "weights": {"color": COLOURS[0], **thin},
            "biases": {"color": COLOURS[1], **thin},
            "others": {"color": COLOURS[6], "linewidth": 2.5},
        }
        return [looks[_group(name)] for name in self.columns]

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

    def _legend(self) -> None:
        """Add a legend of the groups; a line of neither weights nor biases has its own name."""
        named: dict[str, Any] = {}
        for name, line in zip(self.columns, self.lines_, strict=True):
            group = _group(name)
            named.setdefault(name if group == "others" else group, line)
        self.ax_.legend(list(named.values()), list(named))


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
