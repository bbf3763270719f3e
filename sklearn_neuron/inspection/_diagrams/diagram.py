r"""The diagram: which numbers a picture of a network shows, and which units and edges.

Only the units that count most are shown of a large layer. A unit counts by :math:`|a| \sum |W|`,
its activation times the weights that leave it, an output by its activation; the true and the
predicted class are always among them. An edge counts by :math:`|w a|`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from sklearn_neuron._engine.solvers import solver_of
from sklearn_neuron._estimator.base import NetworkEstimator, is_fitted, problem_at
from sklearn_neuron._estimator.constraints import Choice, Number
from sklearn_neuron._typing import Array
from sklearn_neuron.inspection._at import at
from sklearn_neuron.inspection._subject import layout_of, names_before, reaching, unwrap
from sklearn_neuron.inspection._trace import backprop_trace
from sklearn_neuron.network import dense

NODES, EDGES = ("a", "z", "delta", "bias"), ("W", "dW", "update")
MAX_EDGES = 40  # more are a hairball
#: Links whose values have a scale of their own, 1.
BOUNDED = ("logistic", "tanh", "softmax", "step")


class Sight(NamedTuple):
    """A network at one moment, and one row of X in it. Layer 0 is the input."""

    W: Sequence[Array]  # of layers 1 … L, (n_in, n_out) each
    b: Sequence[Array]
    activations: Sequence[str]
    a: Sequence[Array] = ()  # of layers 0 … L, of the row; nothing without X
    z: Sequence[Array] = ()  # of layers 1 … L
    delta: Sequence[Array] = ()  # of layers 1 … L; nothing without y
    gradient: Sequence[Array] = ()  # ∂W of the mean over all rows, with the penalty
    y: Array | None = None  # (n_L,)
    loss: float = math.nan
    n_rows: int = 0


@dataclass(frozen=True, eq=False)
class Diagram:
    """What a network diagram shows; layer 0 is the input.

    Attributes
    ----------
    sight : Sight
        The network and the row.
    nodes, edges : str
        The quantities shown by units and edges.
    values : list of ndarray of shape (n_l,) or None
        The numbers of all units of layers 0 … L; None where there are none.
    scales : list of float
        The number that is drawn in the strongest color, of layers 0 … L.
    edge_values : list of ndarray of shape (n_in, n_out)
        The numbers of all edges into layers 1 … L.
    edge_label : str
        What they are.
    shown : list of ndarray of int
        The units that are drawn, of layers 0 … L.
    drawn : list of ndarray of shape (n_edges, 2)
        The edges that are drawn, as pairs of units, of layers 1 … L.
    names_in, names_out, notes : list of str
        Names of features and outputs, and what is known of each output.
    title : str
        The estimator, the row, the epoch and the loss.
    """

    sight: Sight
    nodes: str
    edges: str
    values: list[Array | None]
    scales: list[float]
    edge_values: Sequence[Array]
    edge_label: str
    shown: list[NDArray[np.intp]]
    drawn: list[NDArray[np.intp]]
    names_in: list[str]
    names_out: list[str]
    notes: list[str]
    title: str

    @property
    def sizes(self) -> list[int]:
        """The numbers of units of layers 0 … L."""
        return [len(self.sight.W[0]), *(len(b) for b in self.sight.b)]

    @property
    def edge_letter(self) -> str:
        """What the edges show, as short as can be."""
        letter = "w" if self.is_neuron else "W"
        return {"W": letter, "dW": f"∂{letter}", "update": f"Δ{letter}"}[self.edges]

    @property
    def is_neuron(self) -> bool:
        """Whether there is one unit and no other."""
        return len(self.sight.W) == 1 and self.sizes[-1] == 1


def diagram_of(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    row: int,
    nodes: str,
    edges: str,
    epoch: int | None,
    max_units: int,
    feature_names: Sequence[str] | None,
    class_names: Sequence[str] | None,
) -> Diagram:
    """Return the diagram of an estimator; see ``NetworkDisplay.from_estimator``."""
    check_diagram(nodes, edges, max_units)
    model = estimator if epoch is None else at(estimator, epoch=epoch)
    sight = sight_of(model, X, y, row, "NetworkDisplay")
    check_known(sight, nodes, edges)
    values = node_values(sight, nodes)
    edge_values, edge_label = edges_of(estimator, model, sight, edges, epoch, (X, y))
    shown = [relevant(sight, l, max_units) for l in range(len(sight.W) + 1)]
    own = unwrap(model)
    names_out, notes = named_outputs(own, y, sight, class_names)
    return Diagram(
        sight=sight,
        nodes=nodes,
        edges=edges,
        values=values,
        scales=node_scales(sight, nodes, values),
        edge_values=edge_values,
        edge_label=edge_label,
        shown=shown,
        drawn=strongest(sight, edge_values, shown, flow=edges == "W"),
        names_in=named_inputs(estimator, X, len(sight.W[0]), feature_names),
        names_out=names_out,
        notes=notes,
        title=title_of(own, sight, row, epoch),
    )


def check_diagram(nodes: Any, edges: Any, max_units: Any) -> None:
    """Raise unless these are allowed."""
    Choice(NODES).check("NetworkDisplay", "nodes", nodes)
    Choice(EDGES).check("NetworkDisplay", "edges", edges)
    Number(2, integer=True).check("NetworkDisplay", "max_units", max_units)


# ---- the numbers ---------------------------------------------------------------------------------


def sight_of(estimator: Any, X: Any, y: Any, row: Any, user: str) -> Sight:
    """Return the network at its parameters, and a row of X passing through it."""
    own = unwrap(estimator)
    if not is_fitted(own) and (X is None or y is None):
        raise ValueError(
            f"This {type(own).__name__} is not fitted, and without data it has no shape: give X "
            "and y to see the start that fit would make of them, or fit it first."
        )
    if X is None:
        if y is not None:
            raise ValueError("y needs X: give both, X alone, or neither.")
        return parameters_only(own)
    trace = backprop_trace(estimator, X, estimator.predict(X) if y is None else y)
    Number(0, integer=True).check(user, "row", row)
    places = np.flatnonzero(trace.row_index == row)
    if not len(places):
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        raise ValueError(
            f"row must be one of X's rows, in [0, {n}), of positive weight; got {row}."
        )
    i, layers = int(places[0]), range(1, len(trace.W) + 1)
    sight = Sight(
        [trace.W[l] for l in layers],
        [trace.b[l] for l in layers],
        [trace.activations[l] for l in layers],
        a=[row_of_matrix(trace.a[l], i) for l in range(len(trace.W) + 1)],
        z=[trace.z[l][i] for l in layers],
        n_rows=len(trace.row_index),
    )
    if y is None:
        return sight
    return sight._replace(
        gradient=[trace.dW[l] for l in layers],
        delta=[trace.delta[l][i] for l in layers],
        y=trace.y[i],
        loss=float(trace.loss[i]),
    )


def row_of_matrix(values: Any, i: int) -> Array:
    """Return a row of an array or a sparse matrix as an array (n,)."""
    one = values[[i]]
    array: Array = np.asarray(one.toarray() if sparse.issparse(one) else one)[0]
    return array


def parameters_only(estimator: NetworkEstimator) -> Sight:
    """Return the network of a fitted estimator without a row."""
    attributes, layout = vars(estimator), layout_of(estimator)
    coefs, intercepts = layout.fitted_layers(attributes)
    targets = estimator._targets.fitted(attributes)
    links = [*layout.fitted_activations(attributes), targets.loss(estimator).link]
    return Sight(
        [np.asarray(dense(W), dtype=np.float64) for W in coefs],
        [np.asarray(b, dtype=np.float64) for b in intercepts],
        [link.name for link in links],
    )


def check_known(sight: Sight, nodes: str, edges: str) -> None:
    """Raise a ValueError if what is asked for needs data that are not given."""
    if nodes == "z" and not sight.z:
        raise ValueError("nodes='z' needs X.")
    if nodes == "delta" and not sight.delta:
        raise ValueError("nodes='delta' needs X and y.")
    if edges != "W" and not sight.delta:
        raise ValueError(f"edges={edges!r} needs X and y.")


def node_values(sight: Sight, nodes: str) -> list[Array | None]:
    """Return the numbers of the units of each layer; those of the input are always x."""
    x = sight.a[0] if sight.a else None
    unknown: list[Array | None] = [None] * len(sight.W)
    above: Sequence[Array | None] = {
        "a": sight.a[1:] or unknown,
        "z": sight.z,
        "delta": sight.delta,
        "bias": sight.b,
    }[nodes]
    return [x, *above]


def node_scales(sight: Sight, nodes: str, values: list[Array | None]) -> list[float]:
    """Return the number in the strongest color for each layer.

    Layers of z, δ and biases share one scale, so that they can be compared; an activation is
    seen against its bound of 1, or the largest of its layer where it has none.
    """
    largest = [largest_of(layer) for layer in values]
    if nodes == "a":
        bounded = [name in BOUNDED for name in sight.activations]
        above = [
            1.0 if is_bounded else m for is_bounded, m in zip(bounded, largest[1:], strict=True)
        ]
    else:
        above = [max(largest[1:])] * len(sight.W)
    return [largest[0], *above]


def largest_of(values: Array | None) -> float:
    """Return the largest finite absolute value, 1 where there is none above 0."""
    if values is None:
        return 1.0
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0.0)) or 1.0


def edges_of(
    estimator: Any, model: Any, sight: Sight, edges: str, epoch: int | None, data: tuple[Any, Any]
) -> tuple[Sequence[Array], str]:
    """Return the numbers of all edges, and what they are."""
    if edges == "W":
        return sight.W, "weights"
    if edges == "dW":
        return sight.gradient, f"gradient, mean of {sight.n_rows} row" + "s" * (sight.n_rows > 1)
    if epoch is not None:
        following = next_weights(estimator, epoch)
        if following is not None:
            steps = [new - old for new, old in zip(following, sight.W, strict=True)]
            return steps, f"change in epoch {epoch + 1}"
    own = unwrap(model)
    if not solver_of(own.solver).has_updates:
        raise ValueError(
            f"edges='update' needs a solver with a learning rate, and {own.solver!r} has none; fit "
            "with record='epoch' and give an epoch before the last, to see its recorded change."
        )
    X, y = data
    eta = own.eta_ if is_fitted(own) else problem_at(own, reaching(model, X, y), y).eta
    return [-float(eta) * dW for dW in sight.gradient], f"−η ∂W, η = {eta:g}"


def next_weights(estimator: Any, epoch: int) -> Sequence[Array] | None:
    """Return the weights after the next epoch, if they were recorded."""
    try:
        later = at(estimator, epoch=epoch + 1)
    except ValueError:  # there is no such epoch in the record
        return None
    return parameters_only(unwrap(later)).W


# ---- what is shown of it -------------------------------------------------------------------------


def relevant(sight: Sight, l: int, max_units: int) -> NDArray[np.intp]:
    """Return the units of layer l to draw: all of a few, else those that count most."""
    last = len(sight.W)
    n = len(sight.W[0]) if l == 0 else len(sight.b[l - 1])
    if n <= max_units:
        return np.arange(n)
    size = np.abs(sight.a[l]) if sight.a else np.ones(n)
    if l < last:
        weight = size * np.abs(sight.W[l]).sum(axis=1)
    else:
        weight = size if sight.a else np.abs(sight.W[l - 1]).sum(axis=0)
        weight = weight + np.where(marked(sight), 1.0 + weight.max(), 0.0)
    weight = np.where(np.isnan(weight), np.inf, weight)  # what is wrong is to be seen
    return np.sort(np.argsort(-weight, kind="stable")[:max_units])


def marked(sight: Sight) -> NDArray[np.bool_]:
    """Return which outputs are the true class or the predicted one."""
    marks = np.zeros(len(sight.b[-1]), dtype=bool)
    if sight.a:
        marks[int(np.argmax(sight.a[-1]))] = True
    if sight.y is not None and np.isin(sight.y, (0.0, 1.0)).all():
        marks |= sight.y == 1.0
    return marks


def strongest(
    sight: Sight, values: Sequence[Array], shown: list[NDArray[np.intp]], *, flow: bool
) -> list[NDArray[np.intp]]:
    """Return the edges to draw between the units that are drawn, as pairs of units.

    Each layer may draw an equal share of ``MAX_EDGES``, and what other layers leave of theirs.
    Edges count by ``|w a|`` where ``flow``, else by their own values.
    """
    pairs, weights = [], []
    for l, matrix in enumerate(values):
        i, j = (grid.ravel() for grid in np.meshgrid(shown[l], shown[l + 1], indexing="ij"))
        weight = np.abs(matrix[i, j])
        if flow and sight.a:
            weight = weight * np.abs(sight.a[l][i])
        pairs.append(np.stack([i, j], axis=1))
        weights.append(np.where(np.isnan(weight), np.inf, weight))
    room, drawn = MAX_EDGES, {}
    for place, l in enumerate(sorted(range(len(pairs)), key=lambda l: len(pairs[l]))):
        share = max(room // (len(pairs) - place), 1)
        best = np.sort(np.argsort(-weights[l], kind="stable")[:share])
        drawn[l] = pairs[l][best]
        room -= len(best)
    return [drawn[l] for l in range(len(pairs))]


# ---- words ---------------------------------------------------------------------------------------


def named_inputs(estimator: Any, X: Any, n: int, names: Sequence[str] | None) -> list[str]:
    """Return the names of the features: those given, or those the data have."""
    if names is not None:
        return checked_names("feature_names", names, n)
    known = getattr(unwrap(estimator), "feature_names_in_", None)
    if known is None:
        in_pipeline = isinstance(estimator, Pipeline)
        known = names_before(estimator) if in_pipeline else getattr(X, "columns", None)
    if known is None or not all(isinstance(name, str) for name in known):
        return [f"x[{j}]" for j in range(n)] if n > 1 else ["x"]
    return list(known)


def named_outputs(
    estimator: NetworkEstimator, y: Any, sight: Sight, names: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the names of the outputs, and what is known of each: its target, or its class."""
    K = len(sight.b[-1])
    notes = [""] * K if sight.y is None else [f"y = {value:.4g}" for value in sight.y]
    if not is_classifier(estimator):
        if names is not None:
            raise ValueError("class_names are for classifiers.")
        return ["ŷ"] if K == 1 else [f"ŷ[{k}]" for k in range(K)], notes
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        classes = np.unique(y) if getattr(y, "ndim", np.ndim(y)) == 1 else range(K)
    known = [str(name) for name in classes]
    if names is not None:
        known = checked_names("class_names", names, 2 if K == 1 else K)
    if K == 1:
        return [known[-1] if sight.activations[-1] == "step" else f"p({known[-1]})"], notes
    if sight.activations[-1] == "logistic":  # labels that do not exclude each other
        return known, notes
    if sight.a:
        notes = [""] * K
        if sight.y is not None:
            notes[int(np.argmax(sight.y))] = "true"
        best = int(np.argmax(sight.z[-1]))
        notes[best] = "true, predicted" if notes[best] else "predicted"
    return known, notes


def checked_names(parameter: str, names: Sequence[str], n: int) -> list[str]:
    """Return n names, or raise a ValueError."""
    if isinstance(names, str) or len(names) != n:
        raise ValueError(f"{parameter} must have {n} names; got {names!r}.")
    return [str(name) for name in names]


def title_of(estimator: NetworkEstimator, sight: Sight, row: int, epoch: int | None) -> str:
    """Return two lines: the estimator, and the row, the epoch and the loss."""
    sizes = " → ".join(str(len(W)) for W in sight.W) + f" → {len(sight.b[-1])}"
    facts = [f"row {row}"] if sight.a else []
    if epoch is not None:
        facts.append("start of training" if epoch == -1 else f"epoch {epoch}")
    elif not is_fitted(estimator):
        facts.append("start of training")
    if sight.delta:
        facts.append(f"loss {sight.loss:.4g}")
    first = f"{type(estimator).__name__}  {sizes}"
    return first + "\n" + " · ".join(facts or ["weights"])


def short_number(value: float) -> str:
    """Return a number in at most six characters: "0.93", "−12.3", "2e−5"."""
    size = abs(float(value))
    if not np.isfinite(size):
        text = "nan" if np.isnan(size) else "∞"
    elif size < 9999.5 and size == round(size):
        text = f"{size:.0f}"
    elif 0.005 <= size < 9999.5:
        digits = 3 if size < 0.0995 else 2 if size < 9.995 else 1 if size < 99.95 else 0
        text = f"{size:.{digits}f}"
    else:
        mantissa, exponent = f"{size:.0e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    return ("−" if value < 0 else "") + text.replace("-", "−")
