"""Visualization of the computational graph of one row."""

from __future__ import annotations

from typing import Any, Self

from sklearn_neuron._extras import require
from sklearn_neuron.inspection._diagrams.drawing import new_axes
from sklearn_neuron.inspection._diagrams.graph import ComputationGraph, graph_of
from sklearn_neuron.inspection._diagrams.graph_drawing import draw_graph, graph_size


class GraphDisplay:
    """Computational graph visualization: reverse-mode differentiation of the loss of one row.

    Purple arrows lead forward from the features and the parameters to the loss; pink dashed arrows
    go back. A node shows its value above its symbol, and below it the derivative of the loss with
    respect to it, which is the derivative of the node it leads to times the local derivative on
    the arrow. Vectors longer than two are given as shape and norm. The nodes of a network are
    layers; those of a single neuron are scalars.

    Parameters
    ----------
    graph : ComputationGraph
        Nodes and arrows, with their numbers.

    Attributes
    ----------
    boxes_ : dict of matplotlib FancyBboxPatch
        The boxes of the nodes, by symbol.
    texts_ : dict of list of matplotlib Text
        The texts of each node, by symbol.
    arrows_ : list of matplotlib FancyArrowPatch
        The arrows forward, then those backward.
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure with the graph.

    See Also
    --------
    NetworkDisplay : The units and their weights.
    backprop_trace : The same numbers, of all rows.

    Examples
    --------
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> from sklearn_neuron.inspection import GraphDisplay
    >>> X, y = [[3.5], [0.35]], [0.5, 0.4]
    >>> display = GraphDisplay.from_estimator(SigmoidNeuronRegressor(), X, y)
    >>> list(display.graph.nodes)
    ['x', 'w', 'b', 'z', 'ŷ', 'y', 'ℓ']
    >>> display.graph.nodes["z"].derivative  # δ: it is right that w and b stay at 0 for this row
    array([0.])
    """

    def __init__(self, *, graph: ComputationGraph) -> None:
        self.graph = graph

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, row: int = 0, ax: Any = None
    ) -> Self:
        """Draw the computational graph of an estimator and a row.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            A fitted estimator is drawn at its parameters; an unfitted one at the initial
            parameters of ``fit``. It is not modified.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        row : int, default=0
            The row of X.
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.

        Returns
        -------
        GraphDisplay
            Object that stores the computed values.

        Raises
        ------
        ValueError
            If X has no such row, or ``fit`` would not accept the parameters or the data.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.

        Notes
        -----
        The derivatives are those of the loss of this row, without its weight and the penalty:
        ``delta`` of ``backprop_trace``. The derivative of W is the row's part of ``dW``.
        """
        require("matplotlib", cls.__name__)
        return cls(graph=graph_of(estimator, X, y, row)).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the graph.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created, of a size that
            suits the graph.

        Returns
        -------
        GraphDisplay
            Object that stores the computed values.
        """
        require("matplotlib", type(self).__name__)
        ax = new_axes(graph_size(self.graph), self.graph.title) if ax is None else ax
        self.ax_, self.figure_ = ax, ax.figure
        parts = draw_graph(ax, self.graph)
        self.boxes_, self.texts_, self.arrows_ = parts.boxes, parts.texts, parts.arrows
        return self
