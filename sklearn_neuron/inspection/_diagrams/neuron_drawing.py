"""The diagram of a single neuron: features, one unit split into z and a, and the prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_neuron._extras import require
from sklearn_neuron.inspection._diagrams.diagram import Diagram, short_number
from sklearn_neuron.inspection._diagrams.drawing import Canvas, signed_colors
from sklearn_neuron.inspection._diagrams.network_drawing import (
    HEAD,
    KEY,
    Parts,
    Places,
    draw_edges,
    draw_key,
    draw_units,
    name_width,
    places_on,
    write_inputs,
)
from sklearn_neuron.inspection._extras import ink_on

MOST_LABELS = 8  # edges that are labeled with their weights


def draw_neuron(canvas: Canvas, diagram: Diagram, *, forward: bool, backward: bool) -> Parts:
    """Draw a network that is one unit."""
    places = neuron_places(canvas, diagram)
    radius = unit_radius(canvas, places)
    edges = draw_edges(canvas, diagram, places)
    label_edges(canvas, diagram, places, radius)
    inputs, texts = draw_units(canvas, diagram, places, layers=[0])
    unit, inside = draw_split_unit(canvas, diagram, places, radius)
    write_inputs(canvas, diagram, places)
    arrows = draw_formulas(canvas, diagram, places, forward=forward)
    arrows += draw_prediction(canvas, diagram, places, radius, forward=forward)
    if backward and diagram.sight.delta:
        write_error_signal(canvas, diagram, places, radius)
    bar = draw_key(canvas, diagram)
    return Parts(edges, [*inputs, unit], [*texts, *inside], arrows, [], bar)


def neuron_places(canvas: Canvas, diagram: Diagram) -> Places:
    """Return the places of the features and the unit."""
    s = canvas.scale
    places = places_on(canvas, diagram, arcs=False)
    prediction = f"{diagram.names_out[0]} = −0.000"  # the name and a number, in bold letters
    right = max(1.25 * name_width(canvas, [prediction], [0], diagram.notes), 0.85 * s)
    left = places.left + places.radius
    x = [left, left + 0.55 * (canvas.width - right - left)]
    return places._replace(x=x, right=right, pitch=x[1] - x[0])


def unit_radius(canvas: Canvas, places: Places) -> float:
    """Return the radius of the unit, which holds two numbers."""
    height = canvas.height - (HEAD + KEY + 0.9) * canvas.scale
    return min(0.78 * canvas.scale, 0.42 * height, 0.32 * places.pitch)


def label_edges(canvas: Canvas, diagram: Diagram, places: Places, radius: float) -> None:
    """Write the value of each edge beside its line."""
    (pairs,), s = diagram.drawn, canvas.scale
    heights = dict(zip(diagram.shown[0].tolist(), places.y[0], strict=True))
    end = places.y[1][0]
    for i, j in pairs.tolist()[:MOST_LABELS]:
        share = 0.45
        x = places.x[0] + share * (places.x[1] - radius - places.x[0])
        slope = (end - heights[i]) / (places.x[1] - places.x[0])
        y = heights[i] + slope * (x - places.x[0])
        box = (0.3 * places.pitch, min(0.26 * s, 1.4 * places.radius))
        back = {"facecolor": canvas.inks.paper, "edgecolor": "none", "pad": 1.2 * s}
        value = short_number(diagram.edge_values[0][i, j])
        canvas.text(x, y, value, box, size=9.5, bbox=back, zorder=3)


def draw_split_unit(
    canvas: Canvas, diagram: Diagram, places: Places, radius: float
) -> tuple[Any, list[Any]]:
    """Draw the unit with z at its left and a at its right; only what ``nodes`` names is colored."""
    patches = require("matplotlib.patches", "NetworkDisplay")
    inks, sight, (x, y) = canvas.inks, diagram.sight, (places.x[1], places.y[1][0])
    values = diagram.values[1]
    seen = np.zeros(1) if values is None else values
    fill = signed_colors(seen, diagram.scales[1], inks, 0.0)[0]
    line = {"edgecolor": inks.ink, "linewidth": 1.3 * canvas.scale}
    unit = canvas.ax.add_patch(patches.Circle((x, y), radius, facecolor=fill, zorder=5, **line))
    fills = [fill, fill]
    if diagram.nodes in ("a", "z"):
        left = diagram.nodes == "a"  # the half that is not asked for stays blank
        angles = (90.0, 270.0) if left else (270.0, 90.0)
        half = patches.Wedge((x, y), radius, *angles, facecolor=inks.paper, zorder=5.1, **line)
        canvas.ax.add_patch(half)
        fills[0 if left else 1] = inks.paper
    canvas.ax.plot([x, x], [y - radius, y + radius], color=inks.ink, lw=canvas.scale, zorder=5.2)
    texts = []
    numbers = ["", ""] if not sight.z else [
        short_number(sight.z[0][0]), short_number(sight.a[1][0])
    ]  # fmt: skip
    for sign, letter, number, color in zip((-1, 1), "za", numbers, fills, strict=True):
        place, ink = x + sign * 0.46 * radius, ink_on(color)
        box = (0.72 * radius, 0.42 * radius)
        texts.append(
            canvas.text(place, y - 0.08 * radius, number, box, size=13, color=ink, like="−0.00")
        )
        box = (0.4 * radius, 0.26 * radius)
        texts.append(canvas.text(place, y + 0.44 * radius, letter, box, size=10, color=ink))
    return unit, texts


def draw_formulas(canvas: Canvas, diagram: Diagram, places: Places, *, forward: bool) -> list[Any]:
    """Write what happens above the diagram, and the arrows between."""
    s, inks, x = canvas.scale, canvas.inks, places.x
    last = canvas.width - places.right + 0.3 * s
    n = diagram.sizes[0]
    link = diagram.sight.activations[0].replace("_", " ")
    columns = (
        (x[0], "x", f"{n} feature" + "s" * (n > 1)),
        (x[1], "z | a", f"z = w·x + b,  a = σ(z), {link}"),
        (last, "ŷ", ""),
    )
    for place, symbol, words in columns:
        canvas.text(place, places.head, symbol, (0.6 * s, 0.3 * s), size=14, weight="bold")
        box = (0.95 * min(places.pitch, last - x[0]), 0.2 * s)
        canvas.text(place, places.head - 0.26 * s, words, box, size=8.5, color=inks.faint)
    if not forward:
        return []
    arrows = []
    for start, end, text in (
        (x[0] + 0.25 * s, x[1] - 0.35 * s, "w, b"),
        (x[1] + 0.35 * s, last - 0.25 * s, "σ"),
    ):
        arrows.append(canvas.arrow((start, places.head), (end, places.head), inks.forward))
        box = (0.8 * (end - start), 0.22 * s)
        middle = (start + end) / 2.0
        canvas.text(middle, places.head + 0.15 * s, text, box, size=10, color=inks.forward)
    return arrows


def draw_prediction(
    canvas: Canvas, diagram: Diagram, places: Places, radius: float, *, forward: bool
) -> list[Any]:
    """Write the prediction at the right, and the bias above the unit with its arrow."""
    s, inks, sight, (x, y) = canvas.scale, canvas.inks, diagram.sight, (places.x[1], places.y[1][0])
    start, end = x + radius, canvas.width - places.right
    width = places.right - 0.08 * s
    name = diagram.names_out[0]
    value = "" if not sight.a else f" = {short_number(sight.a[1][0])}"
    common = {"ha": "left", "parse_math": False}
    canvas.text(end + 0.06 * s, y, name + value, (width, 0.3 * s), size=11, weight="bold", **common)
    note, box = diagram.notes[0], (width, 0.22 * s)
    canvas.text(end + 0.06 * s, y - 0.26 * s, note, box, size=9, color=inks.faint, **common)
    top, length = y + radius, min(0.42 * s, 0.5 * radius)
    text = f"b = {short_number(sight.b[0][0])}"
    canvas.text(x, top + length + 0.1 * s, text, (places.pitch, 0.22 * s), size=9.5)
    canvas.arrow((x, top + length), (x, top), inks.faint, linewidth=1.1 * s, mutation_scale=8 * s)
    return [canvas.arrow((start, y), (end, y), inks.forward)] if forward else []


def write_error_signal(canvas: Canvas, diagram: Diagram, places: Places, radius: float) -> None:
    """Write δ beneath the unit."""
    s, delta = canvas.scale, short_number(diagram.sight.delta[0][0])
    x, y = places.x[1], places.y[1][0] - radius - 0.2 * s
    box = (1.2 * places.pitch, 0.24 * s)
    canvas.text(
        x,
        y,
        f"δ = ∂ℓ/∂z = {delta}",
        box,
        size=10.5,
        color=canvas.inks.backward,
        bbox={"facecolor": canvas.inks.paper, "edgecolor": "none", "pad": 0.8 * s},
    )
