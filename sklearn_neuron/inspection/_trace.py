"""The trace: every quantity of the forward and backward pass, in the textbook's notation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.epochs import gradient
from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.activations import Link
from sklearn_neuron.inspection._subject import subject_of
from sklearn_neuron.network import Network

MAX_ROWS, MAX_UNITS = 10, 4  # limits of a printed table
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, eq=False, repr=False)
class BackpropTrace:
    """Result of ``backprop_trace``; printing it shows a table for each layer.

    Attributes
    ----------
    a : dict of ndarray
        ``a[l]`` of shape (m, n_l): the activations of layer l. ``a[0]`` is X, ``a[L]`` is the
        prediction (on the scale of the loss).
    z : dict of ndarray
        ``z[l] = a[l-1] W[l] + b[l]`` of shape (m, n_l), for l = 1 … L.
    delta : dict of ndarray
        ``delta[l]`` of shape (m, n_l): ∂ℓᵢ/∂z of the loss of each sample, before averaging.
    W, b, dW, db : dict of ndarray
        The parameters and the gradient of the objective, including that of the penalty:
        ``dW[l] = a[l-1]ᵀ (share ⊙ delta[l]) + alpha W[l]``, ``db[l] = Σ share ⊙ delta[l]``.
        W has shape (n_in, n_out), which is the transpose of the textbook's.
    y : ndarray of shape (m, n_L)
        The targets of the network: 0 and 1 for classes.
    share : ndarray of shape (m, 1)
        sᵢ / Σs, which is 1 / m if all weights are one.
    loss : ndarray of shape (m,)
        ℓᵢ, summed over the outputs.
    objective : float
        Σ share ⊙ loss + (alpha / 2) ‖W‖².
    alpha : float
        Strength of the L2 penalty.
    """

    a: dict[int, Matrix]
    z: dict[int, Array]
    delta: dict[int, Array]
    W: dict[int, Array]
    b: dict[int, Array]
    dW: dict[int, Array]
    db: dict[int, Array]
    y: Array
    share: Array
    loss: Array
    objective: float
    alpha: float
    title: str
    activations: dict[int, str]

    def __repr__(self) -> str:
        last = max(self.z)
        lines = [self.title, f"objective {self.objective:.10g}"]
        for l in self.z:
            lines += ["", *self._layer(l, is_last=l == last)]
        return "\n".join(lines)

    def _layer(self, l: int, *, is_last: bool) -> list[str]:
        """Return the table of layer l and its gradients."""
        below, up, above = (str(k).translate(SUPERSCRIPTS) for k in (l - 1, l, l + 1))
        n_in, n_out = self.W[l].shape
        groups = {f"z{up}": self.z[l], f"a{up}": self.a[l]}
        if is_last:
            groups["y"] = self.y
        groups[f"δ{up}"] = self.delta[l]
        formula = "∂ℓ/∂z" if is_last else f"δ{above} W{above}ᵀ ⊙ σ′(z{up})"
        penalty = f" + {self.alpha:g} W{up}" if self.alpha else ""
        return [
            f"layer {l} of {max(self.z)}: {n_in} → {n_out}, {self.activations[l]}",
            f"  z{up} = a{below} W{up} + b{up},   δ{up} = {formula}",
            *_table(groups),
            *_matrix(f"∂W{up} = a{below}ᵀ (share ⊙ δ{up}){penalty}", self.dW[l]),
            *_matrix(f"∂b{up} = Σ share ⊙ δ{up}", self.db[l]),
        ]


def _table(groups: dict[str, Array]) -> list[str]:
    """Return a line for each sample, with a column for each unit of each group."""
    heads, columns = [], []
    for letter, values in groups.items():
        n_units = values.shape[1]
        for k in range(min(n_units, MAX_UNITS)):
            heads.append(letter if n_units == 1 else f"{letter}[{k}]")
            columns.append(values[:, k])
        if n_units > MAX_UNITS:
            heads.append("…")
            columns.append(np.full(len(values), np.nan))
    lines = ["  row" + "".join(f"{head:>{_width(head)}}" for head in heads)]
    for i in range(min(len(columns[0]), MAX_ROWS)):
        cells = (_number(column[i], head) for head, column in zip(heads, columns, strict=True))
        lines.append(f"{i:5d}" + "".join(cells))
    if len(columns[0]) > MAX_ROWS:
        lines.append(f"    … {len(columns[0]) - MAX_ROWS} more samples")
    return lines


def _width(head: str) -> int:
    return 3 if head == "…" else 9


def _number(value: float, head: str) -> str:
    if head == "…":
        return f"{head:>3}"
    small = value != 0.0 and not 1e-3 <= abs(value) < 1e4
    return f"{value:9.1e}" if small else f"{value:9.5f}"


def _matrix(name: str, values: Array) -> list[str]:
    text = np.array2string(
        values, precision=6, suppress_small=False, threshold=100, edgeitems=3, max_line_width=90
    )
    first, *rest = text.splitlines()
    indent = " " * (len(name) + 5)
    return [f"  {name} = {first}", *(indent + line for line in rest)]


def backprop_trace(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    coef_init: Any = None,
    intercept_init: Any = None,
) -> BackpropTrace:
    """Trace the forward and the backward pass of backpropagation, without an update.

    Parameters
    ----------
    estimator : estimator of this package or Pipeline whose last step is one
        A fitted estimator is traced at its parameters; an unfitted one at the initial parameters
        of ``fit`` (which differ in each call for a network with ``random_state=None``). The
        estimator is not modified.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The input data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The target values.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights; samples of zero weight are dropped, as in ``fit``.
    coef_init, intercept_init : as for ``fit``, default=None
        Parameters to use instead.

    Returns
    -------
    BackpropTrace
        z, a, δ, ∂W and ∂b of every layer.

    Raises
    ------
    ValueError
        If ``fit`` would not accept the parameters or the data.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). Learning representations by
       back-propagating errors. Nature 323, 533-536. https://doi.org/10.1038/323533a0

    Examples
    --------
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> from sklearn_neuron.inspection import backprop_trace
    >>> trace = backprop_trace(
    ...     SigmoidNeuronRegressor(), [[3.5]], [0.5], coef_init=[-2.0], intercept_init=1.0
    ... )
    >>> print(trace)
    SigmoidNeuronRegressor 1 → 1: 1 sample, loss squared_error
    objective 0.2475334907
    <BLANKLINE>
    layer 1 of 1: 1 → 1, logistic
      z¹ = a⁰ W¹ + b¹,   δ¹ = ∂ℓ/∂z
      row       z¹       a¹        y       δ¹
        0 -6.00000  0.00247  0.50000 -0.00245
      ∂W¹ = a⁰ᵀ (share ⊙ δ¹) = [[-0.00859]]
      ∂b¹ = Σ share ⊙ δ¹ = [-0.002454]
    >>> round(trace.dW[1].item(), 12)
    -0.008590091284
    """
    subject = subject_of(estimator, X, y, sample_weight, coef_init, intercept_init)
    network, samples = subject.network, subject.samples
    with np.errstate(all="ignore"):  # values that are not finite are visible in the trace
        gradient(network, subject.blocks)
        dW, db = _numbered(network.dW), _numbered(network.db)
        a, z, delta = _passes(network, samples)
        loss = network.loss.value(samples.Y, z[max(z)])
    share = np.full((len(samples.Y), 1), 1.0) if samples.weight is None else samples.weight
    share = share / len(samples.Y)
    sizes = " → ".join(map(str, network.layer_sizes))
    n_samples = f"{len(samples.Y)} sample{'s' if len(samples.Y) > 1 else ''}"
    links: list[Link] = [*network.activations, network.loss.link]
    return BackpropTrace(
        a=a,
        z=z,
        delta=delta,
        W=_numbered(network.W),
        b=_numbered(network.b),
        dW=dW,
        db=db,
        y=samples.Y,
        share=share,
        loss=loss,
        objective=float(share[:, 0] @ loss) + network.penalty(),
        alpha=network.alpha,
        title=f"{type(subject.estimator).__name__} {sizes}: {n_samples}, loss {network.loss.name}",
        activations={l: link.name for l, link in enumerate(links, 1)},
    )


def _numbered(arrays: list[Array]) -> dict[int, Array]:
    return {l: array.copy() for l, array in enumerate(arrays, 1)}


def _passes(
    network: Network, samples: Samples
) -> tuple[dict[int, Matrix], dict[int, Array], dict[int, Array]]:
    """Return a, z and δ of every layer, out of place; δ is that of the network's backward pass."""
    X, Y, _ = samples
    space = network.workspace(len(Y))
    network.forward(X, space, space.z)
    network.backward(X, Y, 1.0, space, space.z)
    a: dict[int, Matrix] = {0: X}
    z: dict[int, Array] = {}
    links: list[Link] = [*network.activations, network.loss.link]
    for l, (W, b, link) in enumerate(zip(network.W, network.b, links, strict=True), 1):
        z[l] = np.asarray(a[l - 1] @ W) + b
        a[l] = np.empty_like(z[l])
        link.forward(z[l], out=a[l])
    deltas = [layer.delta for layer in space.hidden] + [space.delta]
    return a, z, _numbered(deltas)
