"""Visualization of a network: its units, its weights, and a row on its way through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from sklearn_neuron._extras import require
from sklearn_neuron._typing import EdgeQuantity, NodeQuantity
from sklearn_neuron.inspection._diagrams.diagram import Diagram, diagram_of
from sklearn_neuron.inspection._diagrams.drawing import new_axes, write_title
from sklearn_neuron.inspection._diagrams.network_drawing import draw_network, prepared
from sklearn_neuron.inspection._diagrams.neuron_drawing import draw_neuron


class NetworkDisplay:
    r"""Network diagram: units filled by a quantity of one row, edges drawn by their weights.

    Purple arrows lead forward from layer to layer, and pink dashed arcs carry the error signal δ
    back, as many as there are hidden layers. The width and the lightness of an edge show the size
    of its value; a negative one is orange and dashed, a positive one blue and solid. A single
    neuron is drawn as its features, one unit split into z and a, and its prediction.

    Of a large layer only the units that count most are drawn, by :math:`|a| \sum |W|`, and the
    true and the predicted class always; of all edges between them at most 40, by :math:`|w a|`.

    Parameters
    ----------
    diagram : Diagram
        What is drawn: numbers, names, and which units and edges.
    forward : bool, default=True
        Whether to draw the arrows forward.
    backward : bool, default=True
        Whether to draw the arcs of δ; there are none without y.

    Attributes
    ----------
    edges_ : matplotlib LineCollection
        The edges, ordered by the size of their values.
    units_ : list of matplotlib Circle
        The units, layer by layer.
    texts_ : list of matplotlib Text
        The texts inside the units.
    forward_, backward_ : list of matplotlib FancyArrowPatch
        The arrows forward, and the arcs backward from the last layer to the first.
    colorbar_ : matplotlib Colorbar or None
        The colors of the units; None where they have no numbers.
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure with the diagram.

    See Also
    --------
    GraphDisplay : The computational graph of a row.
    explore : The diagram as a page to go through.

    Examples
    --------
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import NetworkDisplay
    >>> X, y = [[-1, -1], [-1, 1], [1, -1], [1, 1]], [0, 1, 1, 0]
    >>> network = ManualMLPClassifier((4, 4), activation="logistic", random_state=0)
    >>> display = NetworkDisplay.from_estimator(network, X, y, row=1)
    >>> len(display.units_), len(display.forward_), len(display.backward_)
    (11, 3, 2)
    """

    def __init__(self, *, diagram: Diagram, forward: bool = True, backward: bool = True) -> None:
        self.diagram = diagram
        self.forward = forward
        self.backward = backward

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        row: int = 0,
        nodes: NodeQuantity = "a",
        edges: EdgeQuantity = "W",
        epoch: int | None = None,
        max_units: int = 8,
        forward: bool = True,
        backward: bool = True,
        feature_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        ax: Any = None,
    ) -> Self:
        r"""Draw the network of an estimator.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            A fitted estimator is drawn at its parameters; an unfitted one at the initial
            parameters of ``fit``, for which it needs X and y. It is not modified.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            The input data. If None, only the weights are drawn (and the biases).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            The target values; without them there are no δ, no gradient and no loss.
        row : int, default=0
            The row of X that the units show.
        nodes : {"a", "z", "delta", "bias"}, default="a"
            What the units show: activations, weighted sums, the error signal :math:`\delta =
            \partial\ell/\partial z` of the row, or biases. The units of the input always show x.
        edges : {"W", "dW", "update"}, default="W"
            What the edges show: the weights; the gradient of the objective, the mean over all
            rows with the penalty, as in ``backprop_trace``; or the step from the parameters
            shown: what the next epoch changed, where ``epoch`` is given and the next one is
            recorded, else :math:`-\eta\,\partial W`, a step of plain gradient descent on all
            rows with the estimator's ``eta``.
        epoch : int, default=None
            Show the estimator as it was after this epoch (-1: at the start), which requires
            ``record="epoch"`` or ``record="step"``.
        max_units : int, default=8
            The largest number of units drawn for a layer, at least 2.
        forward : bool, default=True
            Whether to draw the arrows forward.
        backward : bool, default=True
            Whether to draw the arcs of δ backward. They need y.
        feature_names : sequence of str, default=None
            Names of the features. If None, those of the data, or x[0], x[1] and so on.
        class_names : sequence of str, default=None
            Names of all classes, in the order of ``classes_``, which are used if None.
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.

        Returns
        -------
        NetworkDisplay
            Object that stores what is drawn.

        Raises
        ------
        ValueError
            If an argument is not allowed, if an unfitted estimator is given no data, or if what
            is asked for needs data that are not given.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.
        """
        require("matplotlib", cls.__name__)
        diagram = diagram_of(
            estimator,
            X,
            y,
            row=row,
            nodes=nodes,
            edges=edges,
            epoch=epoch,
            max_units=max_units,
            feature_names=feature_names,
            class_names=class_names,
        )
        return cls(diagram=diagram, forward=forward, backward=backward).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the diagram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created, of a size that
            suits the network.

        Returns
        -------
        NetworkDisplay
            Object that stores what is drawn.
        """
        require("matplotlib", type(self).__name__)
        ax = new_axes(self._size(), self.diagram.title) if ax is None else ax
        self.ax_, self.figure_ = ax, ax.figure
        canvas = prepared(ax)
        write_title(canvas, self.diagram.title)
        draw = draw_neuron if self.diagram.is_neuron else draw_network
        parts = draw(canvas, self.diagram, forward=self.forward, backward=self.backward)
        self.edges_, self.units_, self.texts_ = parts.edges, parts.units, parts.texts
        self.forward_, self.backward_ = parts.forward, parts.backward
        self.colorbar_ = parts.colorbar
        return self

    def _size(self) -> tuple[float, float]:
        """Return the size of a new figure, in inches."""
        n_layers = len(self.diagram.sizes)
        pairs = zip(self.diagram.shown, self.diagram.sizes, strict=True)
        slots = max(len(units) + (len(units) < n) for units, n in pairs)
        widest = 7.4 if self.diagram.is_neuron else 2.3 * n_layers
        return min(max(widest, 6.4), 16.0), min(max(2.5 + 0.62 * slots, 4.2), 9.0)
