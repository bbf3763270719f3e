"""The display of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_neuron.inspection._extras import axes_for
from sklearn_neuron.inspection._journal import read_journal
from sklearn_neuron.inspection._subject import unwrap

#: Okabe and Ito's colours, which everybody can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LABELLED = len(COLOURS)  # more columns than this are drawn in groups


class JournalDisplay:
    """Every parameter and the loss against epochs or steps, each line with its name.

    Parameters
    ----------
    columns : mapping of str to array-like of shape (n_rows,)
        The lines by name.
    index : array-like of shape (n_rows,)
        Numbers of the epochs or steps.
    unit : str, default="epoch"
        What the index counts.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        One for each column.
    ax_, figure_ : matplotlib Axes and Figure
        Where they are drawn.

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
        """Draw the journal of a fitted estimator.

        Parameters
        ----------
        estimator : estimator of this package, or a Pipeline that ends in one
            Fitted with ``record="epoch"`` or ``record="step"``.
        every : {"epoch", "step"} or None, default=None
            As for ``journal``.
        ax : matplotlib Axes, default=None
            Where to draw; by default on a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for each line.

        Returns
        -------
        JournalDisplay
            The display.

        Raises
        ------
        ValueError
            Where the fit did not record what is asked for.
        ImportError
            Without matplotlib, which the extra ``plot`` brings.
        """
        estimator = unwrap(estimator)
        table = read_journal(estimator, every)
        return cls(columns=table.columns, index=table.rows, unit=table.unit).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default on a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for each line.

        Returns
        -------
        JournalDisplay
            This display.
        """
        self.figure_, self.ax_ = axes_for(ax, "JournalDisplay")
        few = len(self.columns) <= LABELLED
        looks = self._looks(few)
        self.lines_ = [
            self.ax_.plot(self.index, values, **{**look, "label": name, **kwargs})[0]
            for (name, values), look in zip(self.columns.items(), looks, strict=True)
        ]
        self.ax_.axhline(0.0, color="0.6", linewidth=0.8, zorder=0)
        self.ax_.set(xlabel=self.unit)
        if few:
            self._annotate()
        else:
            self._legend()
        return self

    def _looks(self, few: bool) -> list[dict[str, Any]]:
        """Return how each line looks: its own colour, or that of its group."""
        if few:
            colours = COLOURS[: len(self.columns)]
            return [{"color": colour, "linewidth": 2.5} for colour in colours]
        group = {"w": COLOURS[0], "b": COLOURS[1]}
        return [
            {"color": COLOURS[6], "linewidth": 2.5}
            if name == "Loss"
            else {"color": group[name[0].lower()], "linewidth": 0.8, "alpha": 0.5}
            for name in self.columns
        ]

    def _annotate(self) -> None:
        """Name every line by an arrow to a place of its own."""
        index = np.asarray(self.index)
        for k, line in enumerate(self.lines_):
            row = (k + 1) * (len(index) - 1) // (len(self.lines_) + 1)
            values = line.get_ydata()
            self.ax_.annotate(
                line.get_label(),
                xy=(index[row], values[row]),
                xytext=(40, 25),
                textcoords="offset points",
                color=line.get_color(),
                fontweight="bold",
                va="center",
                arrowprops={
                    "arrowstyle": "->",
                    "color": line.get_color(),
                    "connectionstyle": "angle,angleA=0,angleB=90,rad=10",
                },
            )

    def _legend(self) -> None:
        """Name the groups of lines."""
        first = {line.get_label()[0].lower(): line for line in reversed(self.lines_)}
        names = {"w": "weights", "b": "biases", "l": "Loss"}
        self.ax_.legend([first[letter] for letter in names], list(names.values()))
