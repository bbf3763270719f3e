r"""The computational graph: one row's values, derivatives, and the local derivative of each arrow.

Reverse-mode differentiation goes through the graph from :math:`\ell` to its sources. The derivative
of a node is that of the node it leads to, times the local derivative on the arrow between them:

.. math::

    \frac{\partial\ell}{\partial z^l} = \frac{\partial\ell}{\partial a^l} \odot \sigma'(z^l), \quad
    \frac{\partial\ell}{\partial a^{l-1}} = \frac{\partial\ell}{\partial z^l} {W^l}^\top, \quad
    \frac{\partial\ell}{\partial W^l} = {a^{l-1}}^\top \frac{\partial\ell}{\partial z^l}, \quad
    \frac{\partial\ell}{\partial b^l} = \frac{\partial\ell}{\partial z^l}

A link that is not elementwise, such as softmax, or has no derivative has none here, either: its
loss gives :math:`\delta^L = \partial\ell/\partial z^L` directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation
from sklearn_neuron.inspection._diagrams.diagram import Sight, sight_of, title_of
from sklearn_neuron.inspection._subject import subject_of, unwrap
from sklearn_neuron.inspection._trace_tables import SUPERSCRIPTS

MOST_FEATURES = 4  # of a neuron, whose features are nodes of their own


class GraphNode(NamedTuple):
    """A variable: its symbol, its value, and the derivative of ℓ with respect to it."""

    symbol: str
    value: Array
    derivative: Array | Any = None  # None for y and where there is no path of derivatives to ℓ


class GraphArrow(NamedTuple):
    """A step of the computation, with the local derivative that goes back along it."""

    start: str
    end: str
    symbol: str = ""  # of the local derivative
    #: Elementwise, the matrix Wᵀ, or the left factor a of an outer product; None if there is none.
    local: Array | Any = None


@dataclass(frozen=True, eq=False)
class ComputationGraph:
    """Nodes and arrows from the features and parameters to the loss of one row.

    Attributes
    ----------
    nodes : dict of GraphNode
        By symbol: ``"x"``, ``"W¹"``, ``"b¹"``, ``"z¹"``, ``"a¹"``, …, ``"ŷ"``, ``"y"``, ``"ℓ"``; of
        a neuron ``"x[0]"``, ``"w[0]"``, …, ``"b"``, ``"z"``, ``"ŷ"``, ``"y"``, ``"ℓ"``.
    arrows : list of GraphArrow
        In the order of the forward pass.
    layers : list of tuple of str
        The symbols of W, b, z and a of each layer; of a neuron, of which features are shown.
    is_direct : bool
        Whether the loss gives the derivative with respect to zᴸ and not to ŷ.
    n_hidden : int
        Number of features of a neuron that are not shown.
    title : str
        The estimator, the row and the loss.
    """

    nodes: dict[str, GraphNode]
    arrows: list[GraphArrow]
    layers: list[tuple[str, str, str, str]]
    is_direct: bool
    n_hidden: int
    title: str

    @property
    def sources(self) -> list[tuple[str, str]]:
        """The symbols of a neuron's features and weights, in pairs; empty for a network."""
        names = [name for name in self.nodes if name.startswith("w")]
        return [("x" + name[1:], name) for name in names]


def graph_of(estimator: Any, X: Any, y: Any, row: int) -> ComputationGraph:
    """Return the graph of a row."""
    if X is None or y is None:
        raise ValueError("GraphDisplay needs X and y: without them there is no loss.")
    sight = sight_of(estimator, X, y, row, "GraphDisplay")
    slopes = slopes_of(estimator, X, y, sight)
    is_neuron = len(sight.W) == 1 and len(sight.b[0]) == 1
    title = title_of(unwrap(estimator), sight, row, None)
    build = neuron_graph if is_neuron else layer_graph
    return build(sight, slopes, title)


def slopes_of(estimator: Any, X: Any, y: Any, sight: Sight) -> list[Array | None]:
    """Return σ′(z) of each layer; None for a link without an elementwise derivative."""
    network = subject_of(estimator, X, y).network
    slopes: list[Array | None] = []
    for link, z in zip([*network.activations, network.loss.link], sight.z, strict=True):
        if not isinstance(link, Activation):
            slopes.append(None)
            continue
        slope = np.empty((1, len(z)))
        link.with_derivative(z[None], np.empty((1, len(z))), slope)
        slopes.append(slope[0])
    return slopes


def loss_derivative(delta: Array, slope: Array | None) -> Array | None:
    """Return ∂ℓ/∂ŷ = δ / σ′(z); None where a loss gives δ only, or the link is saturated."""
    return None if slope is None or not np.all(slope) else delta / slope


def layer_graph(sight: Sight, slopes: list[Array | None], title: str) -> ComputationGraph:
    """Return the graph at the level of layers: x → z¹ → a¹ → … → zᴸ → ŷ → ℓ."""
    L = len(sight.W)
    nodes = {"x": GraphNode("x", sight.a[0], sight.W[0] @ sight.delta[0])}
    arrows, layers, below = [], [], "x"
    for l in range(1, L + 1):
        up = str(l).translate(SUPERSCRIPTS)
        W, b, z, a = f"W{up}", f"b{up}", f"z{up}", f"a{up}" if l < L else "ŷ"
        delta, slope, values = sight.delta[l - 1], slopes[l - 1], sight.a[l - 1]
        above = sight.W[l] @ sight.delta[l] if l < L else loss_derivative(delta, slope)
        nodes[W] = GraphNode(W, sight.W[l - 1], np.outer(values, delta))
        nodes[b] = GraphNode(b, sight.b[l - 1], delta)
        nodes[z] = GraphNode(z, sight.z[l - 1], delta)
        nodes[a] = GraphNode(a, sight.a[l], above)
        local = None if above is None else slope
        arrows += [
            GraphArrow(below, z, f"{W}ᵀ", sight.W[l - 1].T),
            GraphArrow(W, z, f"{below}ᵀ", values),
            GraphArrow(b, z, "1", np.ones(len(delta))),
            GraphArrow(z, a, "" if local is None else f"σ′({z})", local),
        ]
        layers.append((W, b, z, a))
        below = a
    is_direct = add_loss(nodes, arrows, sight, layers[-1][2])
    return ComputationGraph(nodes, arrows, layers, is_direct, 0, title)


def add_loss(nodes: dict[str, GraphNode], arrows: list[GraphArrow], sight: Sight, z: str) -> bool:
    """Add y and ℓ; return whether δ comes from the loss directly."""
    derivative = nodes["ŷ"].derivative
    nodes["y"] = GraphNode("y", np.asarray(sight.y))
    nodes["ℓ"] = GraphNode("ℓ", np.array([sight.loss]), np.ones(1))
    symbol = "" if derivative is None else "∂ℓ/∂ŷ"
    arrows += [GraphArrow("ŷ", "ℓ", symbol, derivative), GraphArrow("y", "ℓ")]
    if derivative is None:
        arrows.append(GraphArrow(z, "ℓ", f"δ = ∂ℓ/∂{z}", nodes[z].derivative))
    return derivative is None


def neuron_graph(sight: Sight, slopes: list[Array | None], title: str) -> ComputationGraph:
    """Return the graph of scalars: x[j], w[j] and b → z → ŷ → ℓ."""
    w, x, delta = sight.W[0][:, 0], sight.a[0], sight.delta[0]
    most = np.argsort(-np.abs(w * x), kind="stable")[:MOST_FEATURES]
    nodes, arrows = {}, []
    for j in np.sort(most).tolist():
        index = "" if len(w) == 1 else f"[{j}]"
        x_name, w_name = f"x{index}", f"w{index}"
        nodes[x_name] = GraphNode(x_name, x[j : j + 1], w[j] * delta)
        nodes[w_name] = GraphNode(w_name, w[j : j + 1], x[j] * delta)
        arrows.append(GraphArrow(x_name, "z", w_name, w[j : j + 1]))
        arrows.append(GraphArrow(w_name, "z", x_name, x[j : j + 1]))
    derivative = loss_derivative(delta, slopes[0])
    nodes["b"] = GraphNode("b", sight.b[0], delta)
    nodes["z"] = GraphNode("z", sight.z[0], delta)
    nodes["ŷ"] = GraphNode("ŷ", sight.a[1], derivative)
    local = None if derivative is None else slopes[0]
    arrows += [
        GraphArrow("b", "z", "1", np.ones(1)),
        GraphArrow("z", "ŷ", "" if local is None else "σ′(z)", local),
    ]
    is_direct = add_loss(nodes, arrows, sight, "z")
    return ComputationGraph(nodes, arrows, [], is_direct, len(w) - len(most), title)
