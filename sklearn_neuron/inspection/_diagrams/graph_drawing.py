"""The parts of a computational graph: boxes, arrows forward and backward, local derivatives.

Lengths are in inches times a scale, which is chosen so that the graph fills its axes. A deep
network continues on further lines, as a text does.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._diagrams.diagram import short_number
from sklearn_neuron.inspection._diagrams.drawing import Canvas, canvas_on, write_title
from sklearn_neuron.inspection._diagrams.graph import ComputationGraph, GraphArrow, GraphNode

COLUMN_STEP, LINE_STEP = 1.72, 2.75  # from box to box, and from line to line
NODE_BOX = (1.04, 0.92)  # width and height
LEAF_STEP, LEAF_BOX = 0.66, (1.5, 0.5)  # of a neuron's features and parameters
PARAMETERS_ABOVE = 1.42  # of parameters above their z
LAYERS_PER_LINE = 2  # of a new figure
FIRST_COLUMN = 0.56  # the middle of the first column


class GraphParts(NamedTuple):
    """The artists of a graph."""

    boxes: dict[str, Any]
    texts: dict[str, list[Any]]
    arrows: list[Any]


class Spot(NamedTuple):
    """Where a node is, in units of the scale."""

    x: float
    y: float
    width: float = NODE_BOX[0]
    height: float = NODE_BOX[1]


def layer_spots(graph: ComputationGraph, per_line: int) -> tuple[dict[str, Spot], float, float]:
    """Return where the nodes of a network are, and the size of all."""
    spots: dict[str, Spot] = {}
    n_lines = math.ceil(len(graph.layers) / per_line)
    x, low = FIRST_COLUMN, 0.98 if graph.is_direct else 0.62
    for l, (W, b, z, a) in enumerate(graph.layers):
        line, place = divmod(l, per_line)
        y = (n_lines - 1 - line) * LINE_STEP + low
        x = FIRST_COLUMN + (1 + 2 * place) * COLUMN_STEP
        if l == 0:
            spots["x"] = Spot(FIRST_COLUMN, y)
        spots[z], spots[a] = Spot(x, y), Spot(x + COLUMN_STEP, y)
        spots[W], spots[b] = (
            Spot(x - 0.62, y + PARAMETERS_ABOVE),
            Spot(x + 0.62, y + PARAMETERS_ABOVE),
        )
    spots["ℓ"] = Spot(x + 2.0 * COLUMN_STEP, y)
    spots["y"] = Spot(x + 2.0 * COLUMN_STEP, y + PARAMETERS_ABOVE - 0.18, NODE_BOX[0], 0.56)
    columns = 2 * min(per_line, len(graph.layers)) + 1
    return (
        spots,
        columns * COLUMN_STEP + 2.0 * FIRST_COLUMN,
        (n_lines - 1) * LINE_STEP + low + PARAMETERS_ABOVE + 0.55,
    )


def neuron_spots(graph: ComputationGraph) -> tuple[dict[str, Spot], float, float]:
    """Return where the nodes of a neuron are, and the size of all."""
    names = [name for pair in graph.sources for name in pair] + ["b"]
    rows = len(names) + (graph.n_hidden > 0)
    height = max(rows * LEAF_STEP + 0.1, 3.05)
    top = height / 2.0 + (rows - 1) / 2.0 * LEAF_STEP
    spots = {}
    for k, name in enumerate(names):
        gap = graph.n_hidden > 0 and name == "b"
        spots[name] = Spot(0.8, top - (k + gap) * LEAF_STEP, *LEAF_BOX)
    for k, name in enumerate(("z", "ŷ", "ℓ")):
        spots[name] = Spot(3.6 + k * COLUMN_STEP, height / 2.0)
    spots["y"] = Spot(spots["ℓ"].x, height / 2.0 + 1.2, NODE_BOX[0], 0.56)
    spots["more"] = Spot(0.8, top - (len(names) - 1) * LEAF_STEP)
    return spots, 3.6 + 2 * COLUMN_STEP + FIRST_COLUMN, height


def graph_size(graph: ComputationGraph) -> tuple[float, float]:
    """Return the size of a new figure, in inches."""
    if graph.layers:
        _, width, height = layer_spots(graph, LAYERS_PER_LINE)
    else:
        _, width, height = neuron_spots(graph)
    return max(width + 0.2, 6.0), height + 0.75


def best_spots(graph: ComputationGraph, shape: tuple[float, float]) -> Any:
    """Return the spots that can be drawn the largest in axes of a shape."""
    if not graph.layers:
        return neuron_spots(graph)
    choices = [layer_spots(graph, n) for n in range(1, len(graph.layers) + 1)]
    return max(choices, key=lambda choice: min(shape[0] / choice[1], shape[1] / choice[2]))


def draw_graph(ax: Any, graph: ComputationGraph) -> GraphParts:
    """Draw the graph on axes."""
    canvas = canvas_on(ax, (1.0, 1.0))
    spots, width, height = best_spots(graph, (canvas.width, canvas.height))
    scale = min(canvas.width / width, canvas.height / height, 1.25)
    canvas = canvas._replace(scale=scale)
    left, low = (canvas.width - scale * width) / 2.0, (canvas.height - scale * height) / 2.0
    spots = {
        name: Spot(left + scale * s.x, low + scale * s.y, scale * s.width, scale * s.height)
        for name, s in spots.items()
    }
    write_title(canvas, graph.title)
    boxes, texts = {}, {}
    for name, node in graph.nodes.items():
        boxes[name], texts[name] = draw_node(canvas, node, spots[name])
    if graph.n_hidden:
        more, box = spots["more"], (2.0 * scale, 0.5 * scale)
        canvas.text(more.x, more.y, f"⋮\n{graph.n_hidden} more features", box, size=9)
    forward, backward = [], []
    for arrow in graph.arrows:
        one, other = draw_step(canvas, arrow, spots, graph)
        forward += one
        backward += other
    return GraphParts(boxes, texts, forward + backward)


# ---- nodes ---------------------------------------------------------------------------------------


def draw_node(canvas: Canvas, node: GraphNode, spot: Spot) -> tuple[Any, list[Any]]:
    """Draw a box with the value above, the derivative below."""
    patches = require("matplotlib.patches", "GraphDisplay")
    inks, s = canvas.inks, canvas.scale
    box = patches.FancyBboxPatch(
        (spot.x - spot.width / 2.0, spot.y - spot.height / 2.0), spot.width, spot.height,
        boxstyle=f"round,pad=0,rounding_size={0.09 * s}", facecolor=inks.paper,
        edgecolor=inks.ink, linewidth=1.1 * s, zorder=5,
    )  # fmt: skip
    box.set_in_layout(False)
    canvas.ax.add_patch(box)
    value = numbers(node.value)
    derivative = "" if node.derivative is None else numbers(node.derivative)
    name = f"∂ℓ/∂{node.symbol}" if derivative else ""
    if spot.height < 0.7 * s:  # a leaf
        lines = [(f"{node.symbol} = {value}", 0.42, 10.0, inks.ink, "bold")]
        lines += [(f"{name} = {derivative}", 0.42, 9.0, inks.backward, "normal")] * bool(name)
    else:
        lines = [
            (value, 0.2, 9.5, inks.ink, "normal"),
            (node.symbol, 0.29, 14.0, inks.ink, "bold"),
            (name, 0.17, 8.5, inks.backward, "normal"),
            (derivative, 0.2, 9.5, inks.backward, "normal"),
        ]
    y, texts = spot.y + 0.45 * spot.height, []
    if len(lines) == 1:
        y -= 0.24 * spot.height
    for text, share, size, color, weight in lines:
        height = share * spot.height
        room = (0.92 * spot.width, 1.05 * height)
        kwargs = {"size": size, "color": color, "weight": weight}
        texts.append(canvas.text(spot.x, y - height / 2.0, text, room, **kwargs))
        y -= height * 1.03
    return box, texts


def numbers(values: Array) -> str:
    """Return up to two numbers as they are, others as shape and norm."""
    if values.size <= 2:
        flat = [short_number(value) for value in np.ravel(values).tolist()]
        return flat[0] if len(flat) == 1 else f"({', '.join(flat)})"
    shape = "×".join(map(str, values.shape))
    return f"[{shape}] ‖·‖ {short_number(float(np.linalg.norm(values)))}"


# ---- arrows --------------------------------------------------------------------------------------


def draw_step(
    canvas: Canvas, arrow: GraphArrow, spots: dict[str, Spot], graph: ComputationGraph
) -> tuple[list[Any], list[Any]]:
    """Draw a step forward and, where there is a derivative, back; return both kinds of arrows."""
    start, end = spots[arrow.start], spots[arrow.end]
    if graph.is_direct and arrow.end == "ℓ" and arrow.start.startswith("z"):
        return [], [draw_direct(canvas, arrow, start, end)]
    if start.x - end.x > canvas.scale:  # farther than a bias from its z
        return draw_line_break(canvas, arrow, start, end)
    return draw_straight(canvas, arrow, *arrow_ends(start, end))


def arrow_ends(start: Spot, end: Spot) -> tuple[Array, Array]:
    """Return where an arrow leaves and meets the boxes."""
    if end.x - start.x > (start.width + end.width) / 2.0:  # from left to right
        high = 0.32 * end.height
        y = float(np.clip(start.y, end.y - high, end.y + high))
        return np.array([start.x + start.width / 2.0, start.y]), np.array(
            [end.x - end.width / 2.0, y]
        )
    side = float(np.clip(start.x, end.x - 0.3 * end.width, end.x + 0.3 * end.width))
    return (
        np.array([0.6 * start.x + 0.4 * side, start.y - start.height / 2.0]),
        np.array([side, end.y + end.height / 2.0]),
    )


def draw_straight(
    canvas: Canvas, arrow: GraphArrow, tail: Array, tip: Array
) -> tuple[list[Any], list[Any]]:
    """Draw a straight arrow forward, beside it one back, and the local derivative."""
    s, inks = canvas.scale, canvas.inks
    way = tip - tail
    flat = abs(way[0]) > 0.6 * abs(way[1])
    aside = 0.055 * s * np.array([0.0, 1.0] if flat else [1.0, 0.0])  # along the edge of the box
    if arrow.local is None:
        return [canvas.arrow(tail, tip, inks.forward, linewidth=1.4 * s)], []
    forward = canvas.arrow(tail + aside, tip + aside, inks.forward, linewidth=1.4 * s)
    backward = canvas.arrow(
        tip - aside, tail - aside, inks.backward, linewidth=1.3 * s, linestyle=(0, (3, 2))
    )
    label_step(canvas, arrow, tail, tip)
    return [forward], [backward]


def label_step(canvas: Canvas, arrow: GraphArrow, tail: Array, tip: Array) -> None:
    """Write the local derivative of a step, with its number if it is one."""
    s, way, color = canvas.scale, tip - tail, {"color": canvas.inks.backward}
    value = ""
    if arrow.local is not None and arrow.local.size <= 2 and arrow.symbol[0] not in "1xw":
        value = numbers(arrow.local)
    if way[1] == 0.0:
        (x, y), box = (tail + tip) / 2.0, (0.96 * abs(float(way[0])), 0.2 * s)
        canvas.text(x, y + 0.19 * s, arrow.symbol, box, size=9.5, **color)
        canvas.text(x, y - 0.19 * s, value, box, size=9, **color)
        return
    back = {"facecolor": canvas.inks.paper, "edgecolor": "none", "pad": 1.0 * s}
    text = f"{arrow.symbol} = {value}" if value else arrow.symbol
    x, y = tail + (0.34 if arrow.symbol[0] in "1xw" else 0.5) * way  # before arrows meet
    canvas.text(x, y, text, (0.95 * s, 0.2 * s), size=9.5, bbox=back, **color)


def draw_direct(canvas: Canvas, arrow: GraphArrow, start: Spot, end: Spot) -> Any:
    """Draw the derivative that the loss gives directly, beneath ŷ."""
    s, inks = canvas.scale, canvas.inks
    low = start.y - start.height / 2.0
    rad = -0.66 * s / (end.x - start.x)
    back = canvas.arrow(
        (end.x, low), (start.x, low), inks.backward, linewidth=1.3 * s,
        linestyle=(0, (3, 2)), connectionstyle=f"arc3,rad={rad:.4f}",
    )  # fmt: skip
    text = f"{arrow.symbol}, from the loss directly"
    box = (0.9 * (end.x - start.x), 0.2 * s)
    canvas.text((start.x + end.x) / 2.0, low - 0.44 * s, text, box, size=9.5, color=inks.backward)
    return back


def draw_line_break(
    canvas: Canvas, arrow: GraphArrow, start: Spot, end: Spot
) -> tuple[list[Any], list[Any]]:
    """Draw a step from the end of a line to the start of the next one."""
    s = canvas.scale
    path = require("matplotlib.path", "GraphDisplay").Path
    patches = require("matplotlib.patches", "GraphDisplay")
    right, left = start.x + start.width / 2.0, end.x - end.width / 2.0
    drawn: list[list[Any]] = [[], []]
    for k, (color, aside) in enumerate(
        ((canvas.inks.forward, 0.05 * s), (canvas.inks.backward, -0.05 * s))
    ):
        turn = start.y - start.height / 2.0 - 0.12 * s + aside
        points = [
            (right, start.y + aside), (right + 0.22 * s + aside, start.y + aside),
            (right + 0.22 * s + aside, turn), (left - 0.75 * s + aside, turn),
            (left - 0.75 * s + aside, end.y + aside), (left, end.y + aside),
        ]  # fmt: skip
        if k:
            points.reverse()
        line = patches.FancyArrowPatch(
            path=path(points), color=color, arrowstyle="-|>", mutation_scale=11.0 * s,
            linewidth=1.4 * s, linestyle=(0, (3, 2)) if k else "solid", zorder=4,
        )  # fmt: skip
        line.set_in_layout(False)
        drawn[k].append(canvas.ax.add_patch(line))
    box = (0.6 * s, 0.2 * s)
    canvas.text(
        left - 0.36 * s, end.y + 0.19 * s, arrow.symbol, box, size=9.5, color=canvas.inks.backward
    )
    return drawn[0], drawn[1]
