"""The parts of a network diagram: units, edges, arrows forward, arcs backward, and the key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._diagrams.diagram import Diagram, largest_of, short_number
from sklearn_neuron.inspection._diagrams.drawing import (
    Canvas,
    canvas_on,
    signed_colors,
)
from sklearn_neuron.inspection._extras import ink_on
from sklearn_neuron.inspection._trace_tables import SUPERSCRIPTS

BASE = (5.0, 4.2)  # inches, for which lengths are given
HEAD, ARCS, KEY = 0.72, 0.62, 0.6  # heights of the bands above and below the units
LETTER = 0.085  # width of a letter of a name
THIN, THICK = 0.7, 4.2  # points, edges
FAINT_EDGE = 0.25  # how much of its color the weakest edge has


class Parts(NamedTuple):
    """The artists of a diagram."""

    edges: Any
    units: list[Any]
    texts: list[Any]
    forward: list[Any]
    backward: list[Any]
    colorbar: Any


class Places(NamedTuple):
    """Where things are, in inches of the axes."""

    x: list[float]  # of layers 0 … L
    y: list[Array]  # of the units that are drawn
    more: list[float | None]  # of "⋮ 56 more"
    radius: float
    pitch: float  # from column to column
    head: float
    floor: float  # beneath all units
    left: float
    right: float


def draw_network(canvas: Canvas, diagram: Diagram, *, forward: bool, backward: bool) -> Parts:
    """Draw a network of any number of layers."""
    arcs = backward and bool(diagram.sight.delta)
    places = places_on(canvas, diagram, arcs=arcs and len(diagram.sight.W) > 1)
    edges = draw_edges(canvas, diagram, places)
    units, texts = draw_units(canvas, diagram, places, range(len(diagram.shown)))
    write_inputs(canvas, diagram, places)
    write_outputs(canvas, diagram, places)
    arrows = draw_head(canvas, diagram, places, forward=forward)
    back = draw_arcs(canvas, diagram, places) if arcs else []
    return Parts(edges, units, texts, arrows, back, draw_key(canvas, diagram))


def places_on(canvas: Canvas, diagram: Diagram, *, arcs: bool) -> Places:
    """Lay the columns of units out on a canvas."""
    s, L = canvas.scale, len(diagram.sight.W)
    left = name_width(canvas, diagram.names_in, diagram.shown[0])
    right = name_width(canvas, diagram.names_out, diagram.shown[-1], diagram.notes)
    floor = (KEY + (ARCS if arcs else 0.1)) * s
    height = canvas.height - HEAD * s - floor
    elided = [len(units) < n for units, n in zip(diagram.shown, diagram.sizes, strict=True)]
    slots = [len(units) + some for units, some in zip(diagram.shown, elided, strict=True)]
    row = min(height / max(slots), 0.95 * s)
    room = canvas.width - left - right
    radius = min(0.43 * row, 0.36 * s, 0.2 * room / max(L, 1))
    x = np.linspace(left + radius, canvas.width - right - radius, L + 1)
    middle, y, more = floor + height / 2.0, [], []
    for n, some in zip(slots, elided, strict=True):
        column = middle + row * (np.arange(n)[::-1] - (n - 1) / 2.0)
        y.append(column[:-1] if some else column)
        more.append(float(column[-1]) if some else None)
    head = canvas.height - 0.3 * s
    pitch = float(x[1] - x[0])
    return Places(x.tolist(), y, more, radius, pitch, head, floor, left, right)


def name_width(
    canvas: Canvas, names: list[str], units: Any, notes: list[str] | None = None
) -> float:
    """Return the width of a column of names."""
    texts = [names[k] for k in units] + [(notes or names)[k] for k in units]
    letters = min(max(map(len, texts)), 16)
    widest = 0.24 * canvas.width
    return float(min((0.2 + LETTER * letters) * canvas.scale, widest))


# ---- edges ---------------------------------------------------------------------------------------


def draw_edges(canvas: Canvas, diagram: Diagram, places: Places) -> Any:
    """Draw all edges as one collection: width and lightness by size, dash and color by sign."""
    values, segments = [], []
    for l, pairs in enumerate(diagram.drawn):
        start = dict(zip(diagram.shown[l].tolist(), places.y[l], strict=True))
        end = dict(zip(diagram.shown[l + 1].tolist(), places.y[l + 1], strict=True))
        for i, j in pairs.tolist():
            segments.append([(places.x[l], start[i]), (places.x[l + 1], end[j])])
            values.append(diagram.edge_values[l][i, j])
    largest = max(largest_of(matrix) for matrix in diagram.edge_values)
    return add_edges(canvas, segments, np.array(values), largest)


def add_edges(canvas: Canvas, segments: Any, values: Array, largest: float) -> Any:
    """Add lines for some values, the large ones above the small ones."""
    collections = require("matplotlib.collections", "NetworkDisplay")
    order = np.argsort(np.abs(values), kind="stable")
    values = values[order]
    widths = edge_widths(values, largest)
    lines = collections.LineCollection(
        [segments[k] for k in order],
        colors=signed_colors(values, largest, canvas.inks, FAINT_EDGE),
        linewidths=widths * canvas.scale,
        linestyles=[dashes(v, w) for v, w in zip(values, widths, strict=True)],
        capstyle="butt",
        zorder=1,
    )
    lines.set_array(None)
    lines.set_in_layout(False)
    return canvas.ax.add_collection(lines, autolim=False)


def edge_widths(values: Array, largest: float) -> Array:
    """Return widths in points that grow with the size of the values."""
    share = np.clip(np.abs(values) / largest, 0.0, 1.0)
    widths: Array = THIN + (THICK - THIN) * np.where(np.isnan(share), 1.0, share)
    return widths


def dashes(value: float, width: float) -> Any:
    """Return the dash pattern of a sign, in units of the width: negative values are dashed."""
    if not value < 0:
        return "solid"
    return (0.0, ((3.2 + width) / width, (1.6 + 0.7 * width) / width))


# ---- units ---------------------------------------------------------------------------------------


def draw_units(
    canvas: Canvas, diagram: Diagram, places: Places, layers: Iterable[int]
) -> tuple[list[Any], list[Any]]:
    """Draw the units of layers with their numbers; return the circles and the texts."""
    circles, texts = [], []
    for l in layers:
        units, values = diagram.shown[l], diagram.values[l]
        seen = np.zeros(len(units)) if values is None else values[units]
        fills = signed_colors(seen, diagram.scales[l], canvas.inks, 0.0)
        elided = len(units) < diagram.sizes[l]
        is_named = l in (0, len(diagram.sight.W))  # beside the unit
        for k, (y, fill) in enumerate(zip(places.y[l], fills, strict=True)):
            number = "" if values is None else short_number(values[units[k]])
            name = f"[{units[k]}]" if elided and not is_named else ""
            circles.append(add_circle(canvas, places.x[l], y, places.radius, fill))
            texts += write_in_unit(canvas, places.x[l], y, places.radius, fill, number, name)
        if (more := places.more[l]) is not None:
            hidden = diagram.sizes[l] - len(units)
            box = (min(0.9 * places.pitch, 1.2 * canvas.scale), 1.7 * places.radius)
            text = f"⋮\n{hidden} more"
            canvas.text(places.x[l], more, text, box, size=9, linespacing=1.0)
    return circles, texts


def add_circle(canvas: Canvas, x: float, y: float, radius: float, fill: Any) -> Any:
    """Add a unit."""
    patches = require("matplotlib.patches", "NetworkDisplay")
    circle = patches.Circle(
        (x, y), radius, facecolor=fill, edgecolor=canvas.inks.ink,
        linewidth=1.1 * canvas.scale, zorder=5,
    )  # fmt: skip
    circle.set_in_layout(False)
    return canvas.ax.add_patch(circle)


def write_in_unit(
    canvas: Canvas, x: float, y: float, radius: float, fill: Any, number: str, name: str
) -> list[Any]:
    """Write a number into a unit, and beneath it the index of the unit if it has to be named."""
    color = ink_on(fill)
    like = "−0.00"  # short numbers are not larger than others
    if not name:
        box = (1.66 * radius, 0.95 * radius)
        return [canvas.text(x, y, number, box, size=11, color=color, like=like)]
    if not number:
        box = (1.5 * radius, 0.9 * radius)
        return [canvas.text(x, y, name, box, size=8, color=color, like=like)]
    above, beneath = (1.5 * radius, 0.66 * radius), (1.1 * radius, 0.45 * radius)
    return [
        canvas.text(x, y + 0.2 * radius, number, above, size=11, color=color, like=like),
        canvas.text(x, y - 0.5 * radius, name, beneath, size=7.5, color=color, like="[00]"),
    ]


def write_inputs(canvas: Canvas, diagram: Diagram, places: Places) -> None:
    """Write the names of features beside their units."""
    gap, r = 0.07 * canvas.scale, places.radius
    for k, y in zip(diagram.shown[0], places.y[0], strict=True):
        x, box = places.x[0] - r - gap, (places.left - gap, 1.6 * r)
        canvas.text(x, y, diagram.names_in[k], box, size=9, ha="right", parse_math=False)


def write_outputs(canvas: Canvas, diagram: Diagram, places: Places) -> None:
    """Write the names of outputs and what is known of them beside their units."""
    gap, r = 0.07 * canvas.scale, places.radius
    for k, y in zip(diagram.shown[-1], places.y[-1], strict=True):
        x, width = places.x[-1] + r + gap, places.right - gap
        name, note = diagram.names_out[k], diagram.notes[k]
        up = 0.42 * r if note else 0.0
        box = (width, (0.8 if note else 1.6) * r)
        weight = "bold" if "true" in note or "predicted" in note else "normal"
        common = {"ha": "left", "parse_math": False}
        canvas.text(x, y + up, name, box, size=9, weight=weight, **common)
        canvas.text(x, y - up, note, box, size=8, color=canvas.inks.faint, **common)


# ---- forward, backward, key ----------------------------------------------------------------------


def layer_symbol(diagram: Diagram, l: int) -> str:
    """Return what the units of layer l show, in the textbook's letters."""
    last = l == len(diagram.sight.W)
    up = str(l).translate(SUPERSCRIPTS)
    if l == 0:
        return "x"
    if diagram.nodes == "a":
        return "ŷ" if last else f"a{up}"
    return {"z": "z", "delta": "δ", "bias": "b"}[diagram.nodes] + up


def draw_head(canvas: Canvas, diagram: Diagram, places: Places, *, forward: bool) -> list[Any]:
    """Write the name of each layer above it; return the arrows from layer to layer."""
    s, inks, arrows = canvas.scale, canvas.inks, []
    for l, x in enumerate(places.x):
        box = (0.5 * places.pitch, 0.3 * s)
        canvas.text(x, places.head, layer_symbol(diagram, l), box, size=14, weight="bold")
        n = diagram.sizes[l]
        kind = "feature" + "s" * (n > 1) if l == 0 else diagram.sight.activations[l - 1]
        text = f"{n} {kind.replace('_', ' ')}"
        box = (0.95 * places.pitch, 0.2 * s)
        canvas.text(x, places.head - 0.25 * s, text, box, size=8.5, color=inks.faint)
        if l == 0 or not forward:
            continue
        start, end = places.x[l - 1] + 0.25 * s, x - 0.25 * s
        arrow = canvas.arrow((start, places.head), (end, places.head), inks.forward)
        arrows.append(arrow)
        up = str(l).translate(SUPERSCRIPTS)
        place, box = (start + end) / 2.0 - 0.05 * s, (0.8 * (end - start), 0.22 * s)
        canvas.text(
            place, places.head + 0.15 * s, f"W{up}, b{up}", box, size=10, color=inks.forward
        )
    return arrows


def draw_arcs(canvas: Canvas, diagram: Diagram, places: Places) -> list[Any]:
    """Draw δ as it goes back from layer to layer; return the L − 1 arcs."""
    s, inks, arcs = canvas.scale, canvas.inks, []
    y = places.floor - 0.04 * s
    for l in range(len(diagram.sight.W) - 1, 0, -1):
        gap = 0.06 * places.pitch
        start, end = (places.x[l + 1] - gap, y), (places.x[l] + gap, y)
        depth = min(0.3 * s / (0.88 * places.pitch), 0.5)
        arcs.append(
            canvas.arrow(
                start, end, inks.backward, linestyle=(0, (4, 2.5)),
                connectionstyle=f"arc3,rad={-2.0 * depth:.4f}",
            )
        )  # fmt: skip
        here, above = (str(k).translate(SUPERSCRIPTS) for k in (l, l + 1))
        text = f"δ{here} = δ{above} W{above}ᵀ ⊙ σ′(z{here})"
        if places.pitch < 1.6 * s:
            text = f"δ{here}"
        place, box = (start[0] + end[0]) / 2.0, (0.92 * places.pitch, 0.22 * s)
        canvas.text(place, y - 0.45 * s, text, box, size=9.5, color=inks.backward)
    return arcs


def draw_key(canvas: Canvas, diagram: Diagram) -> Any:
    """Draw what edges and colors mean; return the color bar of the units, None without numbers."""
    s, half = canvas.scale, canvas.width / 2.0
    largest = max(largest_of(matrix) for matrix in diagram.edge_values)
    x, y, line = 0.08 * s, 0.42 * s, min(0.4 * s, 0.16 * half)
    room = (0.95 * half - x) / 2.0
    for sign, word in ((1.0, "> 0"), (-1.0, "< 0")):
        add_edges(canvas, [[(x, y), (x + line, y)]], np.array([0.6 * sign * largest]), largest)
        box = (room - line - 0.14 * s, 0.2 * s)
        canvas.text(x + line + 0.06 * s, y, f"{diagram.edge_letter} {word}", box, size=9, ha="left")
        x += min(room, line + 0.85 * s)
    n_drawn = sum(map(len, diagram.drawn))
    n_all = sum(matrix.size for matrix in diagram.edge_values)
    texts = [f"{diagram.edge_label}, widest ±{short_number(largest)}"]
    if n_drawn < n_all:
        texts.append(f"the strongest {n_drawn} of {n_all:,} edges")
    box, color = (0.97 * half, 0.34 * s), canvas.inks.faint
    canvas.text(0.08 * s, 0.15 * s, "\n".join(texts), box, size=8.5, ha="left", color=color)
    if all(values is None for values in diagram.values[1:]):
        return None
    width = min(1.9 * s, half - 0.3 * s)
    return draw_color_bar(
        canvas, diagram, (canvas.width - width - 0.15 * s, 0.26 * s, width, 0.11 * s)
    )


def draw_color_bar(canvas: Canvas, diagram: Diagram, box: tuple[float, float, float, float]) -> Any:
    """Draw the colors of the units; numbers where all layers have one scale."""
    cm, colors = (require(f"matplotlib.{name}", "NetworkDisplay") for name in ("cm", "colors"))
    inks, scales = canvas.inks, diagram.scales[1:]
    scale = scales[0] if len(set(scales)) == 1 else 1.0
    signed = any(values is not None and (values < 0).any() for values in diagram.values[1:])
    low = -scale if signed else 0.0
    shades = signed_colors(np.linspace(low, scale, 256), scale, inks, 0.0)
    mappable = cm.ScalarMappable(colors.Normalize(low, scale), colors.ListedColormap(shades))
    cax = canvas.ax.inset_axes(box, transform=canvas.ax.transData)
    cax.set_in_layout(False)
    bar = canvas.ax.figure.colorbar(mappable, cax=cax, orientation="horizontal")
    ticks = np.linspace(low, scale, 3)
    names = [short_number(tick) for tick in ticks]
    letter = {"delta": "δ", "bias": "b"}.get(diagram.nodes, diagram.nodes)
    title = (
        letter
        if scale == scales[0] and len(set(scales)) == 1
        else f"{letter} / largest of its layer"
    )
    bar.set_ticks(ticks, labels=names)
    bar.outline.set(edgecolor=inks.faint, linewidth=0.6 * canvas.scale)
    cax.tick_params(
        labelsize=7.5 * canvas.scale, length=2.0 * canvas.scale, pad=1.5 * canvas.scale,
        colors=inks.ink, width=0.6 * canvas.scale,
    )  # fmt: skip
    x, y, width, height = box
    canvas.text(
        x + width / 2.0,
        y + height + 0.1 * canvas.scale,
        title,
        (width, 0.17 * canvas.scale),
        size=8.5,
    )
    return bar


def prepared(ax: Any) -> Canvas:
    """Return the canvas of a network diagram."""
    return canvas_on(ax, BASE)
