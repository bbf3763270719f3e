"""The trace: every quantity of the forward and backward pass, in the textbook's notation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.epochs import gradient
from sklearn_neuron._extras import require
from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.activations import Link
from sklearn_neuron.inspection._subject import name_with_sizes, subject_of
from sklearn_neuron.inspection._trace_tables import (
    TraceTables,
    chosen_layers,
    chosen_places,
    chosen_units,
    few_enough,
)
from sklearn_neuron.network import Network


@dataclass(frozen=True, eq=False, repr=False)
class BackpropTrace:
    """Result of ``backprop_trace``; printing it shows a table for each layer, notebooks show HTML.

    ``show`` selects rows, units and layers; ``to_frame`` returns a layer as a DataFrame.

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
    row_index : ndarray of shape (m,)
        Which rows of X the samples are; rows of zero weight are not among them.

    See Also
    --------
    backprop_trace : Returns it.

    Examples
    --------
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> from sklearn_neuron.inspection import backprop_trace
    >>> X, y = [[1.0], [2.0], [-1.0]], [0.5, 0.9, 0.1]
    >>> neuron = SigmoidNeuronRegressor(max_iter=5, tol=None, record="epoch").fit(X, y)
    >>> trace = backprop_trace(neuron, X, y)
    >>> trace.z[1].shape, trace.delta[1].shape, trace.dW[1].shape
    ((3, 1), (3, 1), (1, 1))
    >>> bool(abs(trace.db[1] - (trace.share * trace.delta[1]).sum(axis=0)).max() < 1e-12)
    True
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
    row_index: NDArray[np.intp]
    title: str
    activations: dict[int, str]

    def __repr__(self) -> str:
        return repr(self._shown())

    def _repr_html_(self) -> str:
        return self._shown()._repr_html_()

    def _shown(self) -> TraceTables:
        """Return what is shown of its own accord."""
        places = few_enough(self, chosen_places(self, None))
        return TraceTables(self, places, chosen_units(self, list(self.z), None, places))

    def show(self, rows: Any = None, units: Any = None, layers: Any = None) -> TraceTables:
        """Return tables of some rows, units and layers.

        Parameters
        ----------
        rows : int or array-like of int, default=None
            Rows of X, by their numbers there (see ``row_index``). If None, the first ones.
        units : int, array-like of int or dict, default=None
            Units of the layers shown, or a dict with the units of each layer: ``{1: [0, 7]}``. If
            None, up to four: of a hidden layer those with the largest mean ``|a| Σ|W|``, of the
            output layer those with the largest ``|δ|``, and always the true and the predicted
            class of every row.
        layers : int or array-like of int, default=None
            Layers, counted from 1. If None, all of them.

        Returns
        -------
        TraceTables
            Printing it shows a table for each layer; a notebook shows it as HTML.

        Raises
        ------
        ValueError
            If a row, a unit or a layer does not exist.
        """
        some, places = chosen_layers(self, layers), chosen_places(self, rows)
        if rows is None:
            places = few_enough(self, places)
        return TraceTables(self, places, chosen_units(self, some, units, places))

    def to_frame(self, layer: int | None = None) -> Any:
        """Return z, a, δ and, for the last layer, y as a table.

        Parameters
        ----------
        layer : int, default=None
            The layer, counted from 1. If None, the last one.

        Returns
        -------
        pandas.DataFrame
            A row for each sample, whose index is ``row_index``, and a column for each letter and
            unit, ``("z", 0)`` for example.

        Raises
        ------
        ValueError
            If the layer does not exist.
        ImportError
            If pandas is not installed; the extra ``journal`` installs it.
        """
        pandas = require("pandas", "to_frame")
        (l,) = chosen_layers(self, max(self.z) if layer is None else layer)
        letters = {"z": self.z[l], "a": self.a[l], "delta": self.delta[l]}
        letters |= {"y": self.y} if l == max(self.z) else {}
        index = pandas.Index(self.row_index, name="row")
        frames = {name: pandas.DataFrame(values, index) for name, values in letters.items()}
        return pandas.concat(frames, axis=1, names=["quantity", "unit"])


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
        Values z, a, δ, ∂W and ∂b of every layer.

    Raises
    ------
    ValueError
        If ``fit`` would not accept the parameters or the data.

    See Also
    --------
    check_gradient : Compares the gradient with finite differences.
    GraphDisplay : Draws a row's derivatives as a graph.

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
    share, name = subject.shares[:, None], name_with_sizes(subject.estimator, network.layer_sizes)
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
        row_index=subject.rows,
        title=f"{name}: {n_samples}, loss {network.loss.name}",
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
