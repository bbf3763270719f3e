"""Trace tables: a trace as text and as HTML, for the rows, units and layers that are asked for.

Each layer is a table with a line for each sample and a column for each unit of z, a, (y,) δ. Where
these would be wider than a terminal, each letter gets a table of its own.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._typing import Array

#: Limits of what is shown of its own accord: samples, units of a layer, units of the output layer.
MAX_ROWS, MAX_UNITS, MAX_OUTPUTS = 10, 4, 10
#: Characters of a line, and of the narrowest column.
LINE, COLUMN = 100, 9
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Group(NamedTuple):
    """The values of one letter: a column for each unit."""

    letter: str
    heads: list[str]
    values: Array  # (m, number of units shown)
    n_hidden: int  # units that are not shown


class TraceTables:
    """Part of a trace; printing it shows a table for each layer, notebooks show HTML tables.

    Parameters
    ----------
    trace : BackpropTrace
        The trace.
    places : ndarray of int
        Positions of the samples to show.
    units : dict of ndarray
        The units to show of each layer to show.
    """

    def __init__(
        self, trace: Any, places: NDArray[np.intp], units: Mapping[int, NDArray[np.intp]]
    ) -> None:
        self.trace, self.places, self.units = trace, places, units

    def __repr__(self) -> str:
        lines = [self.trace.title, f"objective {self.trace.objective:.10g}"]
        for l in self.units:
            lines += ["", *self._text(l)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        title = html.escape(f"{self.trace.title}; objective {self.trace.objective:.10g}")
        return "\n".join(
            [
                '<div style="overflow-x: auto">',
                f"<p>{title}</p>",
                *(line for l in self.units for line in self._html(l)),
                "</div>",
            ]
        )

    def _text(self, l: int) -> list[str]:
        """Return the lines of layer l."""
        header, formula, dW, db = self._words(l)
        groups = self._groups(l)
        left_out = self._left_out()
        width = len(table_lines(groups, self.numbers)[0])
        tables = [groups] if width <= LINE else [[group] for group in groups]
        lines = [header, f"  {formula}"]
        for table in tables:
            lines += table_lines(table, self.numbers)
        lines += [f"    … {left_out}"] if left_out else []
        return [*lines, *matrix_lines(dW, self.trace.dW[l]), *matrix_lines(db, self.trace.db[l])]

    def _html(self, l: int) -> Iterator[str]:
        """Yield the lines of layer l in HTML."""
        header, formula, dW, db = map(html.escape, self._words(l))
        groups, left_out = self._groups(l), self._left_out()
        yield f"<p><b>{header}</b><br>{formula}</p>"
        yield '<table style="text-align: right; font-variant-numeric: tabular-nums">'
        yield "<thead><tr><th>row</th>"
        yield "".join(f"<th>{html.escape(head)}</th>" for group in groups for head in heads(group))
        yield "</tr></thead><tbody>"
        for i, number_of_row in enumerate(self.numbers):
            cells = (f"<td>{cell}</td>" for group in groups for cell in cells_of(group)[i])
            yield f"<tr><th>{number_of_row}</th>{''.join(cells)}</tr>"
        yield "</tbody></table>"
        if left_out:
            yield f"<p>… {left_out}</p>"
        for name, values in ((dW, self.trace.dW[l]), (db, self.trace.db[l])):
            text = html.escape("\n".join(matrix_lines("", values)))
            yield f"<details><summary>{name}</summary><pre>{text}</pre></details>"

    @property
    def numbers(self) -> list[int]:
        """The numbers of the samples shown, as rows of the user's X."""
        shown: list[int] = self.trace.row_index[self.places].tolist()
        return shown

    def _left_out(self) -> str:
        n = len(self.trace.row_index) - len(self.places)
        return f"{n} more sample{'s' if n > 1 else ''}" if n else ""

    def _words(self, l: int) -> tuple[str, str, str, str]:
        """Return the header of a layer, its formulas, and the names of its gradients."""
        trace, last = self.trace, max(self.trace.z)
        below, up, above = (str(k).translate(SUPERSCRIPTS) for k in (l - 1, l, l + 1))
        n_in, n_out = trace.W[l].shape
        delta = "∂ℓ/∂z" if l == last else f"δ{above} W{above}ᵀ ⊙ σ′(z{up})"
        penalty = f" + {trace.alpha:g} W{up}" if trace.alpha else ""
        return (
            f"layer {l} of {last}: {n_in} → {n_out}, {trace.activations[l]}",
            f"z{up} = a{below} W{up} + b{up},   δ{up} = {delta}",
            f"∂W{up} = a{below}ᵀ (share ⊙ δ{up}){penalty}",
            f"∂b{up} = Σ share ⊙ δ{up}",
        )

    def _groups(self, l: int) -> list[Group]:
        trace, up = self.trace, str(l).translate(SUPERSCRIPTS)
        arrays: dict[str, Any] = {f"z{up}": trace.z[l], f"a{up}": trace.a[l]}
        if l == max(trace.z):
            arrays["y"] = trace.y
        arrays[f"δ{up}"] = trace.delta[l]
        units, n_out = self.units[l], trace.W[l].shape[1]
        return [
            Group(
                letter,
                [letter if n_out == 1 else f"{letter}[{k}]" for k in units],
                values[np.ix_(self.places, units)],
                n_out - len(units),
            )
            for letter, values in arrays.items()
        ]


# ---- what is shown ------------------------------------------------------------------------------


def chosen_places(trace: Any, rows: Any) -> NDArray[np.intp]:
    """Return the positions of the rows asked for, or of the first ones."""
    if rows is None:
        return np.arange(min(len(trace.row_index), MAX_ROWS))
    asked = np.atleast_1d(np.asarray(rows))
    known = {int(row): place for place, row in enumerate(trace.row_index)}
    wrong = [row for row in asked.tolist() if row not in known]
    if wrong or not asked.size:
        raise ValueError(
            f"rows must be rows of X that the trace has, in [0, {trace.row_index.max()}] and of "
            f"positive weight; got {wrong or rows!r}."
        )
    return np.array([known[int(row)] for row in asked.tolist()])


def chosen_layers(trace: Any, layers: Any) -> list[int]:
    """Return the layers asked for, or all."""
    if layers is None:
        return list(trace.z)
    asked: list[int] = np.atleast_1d(np.asarray(layers)).tolist()
    if not asked or any(l not in trace.z for l in asked):
        raise ValueError(f"layers must be of 1 to {max(trace.z)}; got {layers!r}.")
    return asked


def chosen_units(
    trace: Any, layers: Sequence[int], units: Any, places: NDArray[np.intp]
) -> dict[int, NDArray[np.intp]]:
    """Return the units to show of each layer: those asked for, or the most relevant ones."""
    of_layers = units if isinstance(units, Mapping) else dict.fromkeys(layers, units)
    if unknown := set(of_layers) - set(trace.z):
        raise ValueError(f"units has layers {sorted(unknown)}; there are 1 to {max(trace.z)}.")
    chosen = {}
    for l in layers:
        asked, n = of_layers.get(l), trace.W[l].shape[1]
        if asked is None:
            chosen[l] = relevant_units(trace, l, places)
            continue
        chosen[l] = np.atleast_1d(np.asarray(asked))
        whole = chosen[l].dtype.kind in "iu" and chosen[l].size
        if not whole or chosen[l].min() < 0 or chosen[l].max() >= n:
            raise ValueError(f"units of layer {l} must be in [0, {n}); got {asked!r}.")
    return chosen


def relevant_units(trace: Any, l: int, places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the units of a layer to show: all of a few, else those that count most.

    A hidden unit counts by mean |a| times the sum of |W| that leave it; an output by |δ|, but the
    true and the predicted class of every sample are always there.
    """
    n, last = trace.W[l].shape[1], max(trace.z)
    if n <= MAX_UNITS:
        return np.arange(n)
    if l == last:
        weight = np.abs(trace.delta[l][places]).mean(axis=0)
        weight[sorted(named_units(trace, places))] = np.inf
        most = max(MAX_UNITS, int(np.isinf(weight).sum()))
    else:
        a = np.abs(np.asarray(trace.a[l])[places]).mean(axis=0)
        weight, most = a * np.abs(trace.W[l + 1]).sum(axis=1), MAX_UNITS
    weight = np.where(np.isnan(weight), 0.0, weight)
    return np.sort(np.argsort(-weight, kind="stable")[:most])


def named_units(trace: Any, places: NDArray[np.intp]) -> set[int]:
    """Return the outputs that are the true or the predicted class of some samples."""
    y, a = trace.y[places], np.asarray(trace.a[max(trace.z)])[places]
    if not np.isin(y, (0.0, 1.0)).all():  # numbers, not classes
        return set()
    true = {int(k) for k in np.nonzero(y)[1]}
    return true | {int(k) for k in np.argmax(a, axis=1)}


def few_enough(trace: Any, places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the first samples whose classes fit in a table; at least one."""
    for n in range(len(places), 1, -1):
        if len(named_units(trace, places[:n])) <= MAX_OUTPUTS:
            return places[:n]
    return places[:1]


# ---- how it is written --------------------------------------------------------------------------


def heads(group: Group) -> list[str]:
    """Return the heads of a group's columns, with "…" for the units that are not shown."""
    return [*group.heads, *(["…"] if group.n_hidden else [])]


def cells_of(group: Group) -> list[list[str]]:
    """Return the cells of a group, sample by sample."""
    rest = ["…"] if group.n_hidden else []
    whole = group.letter == "y" and (group.values == np.round(group.values)).all()
    write = "{:.0f}".format if whole else number
    return [[*map(write, row), *rest] for row in group.values.tolist()]


def table_lines(groups: Sequence[Group], numbers: Sequence[int]) -> list[str]:
    """Return a line for the heads and one for each sample; columns are as wide as they need."""
    columns = [["row", *map(str, numbers)]]
    for group in groups:
        cells = zip(*cells_of(group), strict=True)
        columns += [[head, *column] for head, column in zip(heads(group), cells, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    widths = [
        max(width, 5 if k == 0 else 2 if column[0] == "…" else COLUMN - 1)
        for k, (width, column) in enumerate(zip(widths, columns, strict=True))
    ]
    return [
        " ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in zip(*columns, strict=True)
    ]


def number(value: float) -> str:
    """Return a number with about six digits, and zero without a sign."""
    small = value != 0.0 and not 1e-3 <= abs(value) < 1e4
    if not math.isfinite(value):
        return str(value)
    if small:
        return f"{value:.4e}" if abs(value) >= 1.0 else f"{value:.1e}"
    return f"{value + 0.0:.5f}"


def matrix_lines(name: str, values: Array) -> list[str]:
    """Return a name and an array, whose middle is left out if it is large."""
    text = np.array2string(
        values + 0.0,  # no negative zeros
        precision=6,
        suppress_small=False,
        threshold=100,
        edgeitems=3,
        max_line_width=90,
    )
    first, *rest = text.splitlines()
    lead = f"  {name} = " if name else ""
    return [f"{lead}{first}", *(" " * len(lead) + line for line in rest)]
