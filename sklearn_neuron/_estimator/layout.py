"""Layouts: from the network's W and b to the attributes that users see, and back.

=========  =====================================  =============================================
layout     network                                attributes
=========  =====================================  =============================================
Neuron     p → K                                  ``coef_`` (K, p), ``intercept_`` (K,); for 1-D
                                                  targets (p,) and a float
Layers     p → hidden layers (or none) → K        ``coefs_``, ``intercepts_``: lists with one
                                                  array per layer
=========  =====================================  =============================================

A layout is an immutable value, made of an estimator's parameters. It also says how the network
starts, how its hidden layers look while it is trained, and which learning rate suits a neuron.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron._engine.plan import Parameters, Solver
from sklearn_neuron._estimator.constraints import check_start, hidden_sizes
from sklearn_neuron._estimator.reporting import warn
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import ACTIVATIONS, Activation, links_of, plain_links
from sklearn_neuron.exceptions import InvalidParameterTypeError
from sklearn_neuron.initializers import initialize
from sklearn_neuron.losses import Loss
from sklearn_neuron.network import Network, split

Rng = Callable[[], np.random.RandomState]
Init = tuple[Sequence[Array] | None, Sequence[Array] | None]  # W and b as fit is given them


class Layout(ABC):
    """How users see a network.

    Attributes
    ----------
    names : tuple of str
        What users call W and b; the fitted attributes have a trailing underscore.
    """

    names: ClassVar[tuple[str, str]]
    #: Numbers of units and activations of the hidden layers.
    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]

    @classmethod
    @abstractmethod
    def of(cls, estimator: Any, *, alpha: float, flat: bool) -> Self:
        """Return the layout that an estimator's parameters ask for; ``flat`` for 1-D targets."""

    @classmethod
    @abstractmethod
    def layers(cls, named: Mapping[str, Any]) -> Parameters:
        """Return W (n_in, n_out) and b (n_out,) of every layer, given what users see."""

    @classmethod
    def fitted_layers(cls, attributes: Mapping[str, Any]) -> Parameters:
        """Return W and b of a fitted estimator, given its attributes."""
        W, b = cls.names
        return cls.layers({W: attributes[f"{W}_"], b: attributes[f"{b}_"]})

    @classmethod
    def fitted_activations(cls, attributes: Mapping[str, Any]) -> Sequence[Activation]:
        """Return the hidden activations that a fitted estimator was trained with."""
        return links_of(attributes.get("_activations", ()))

    @abstractmethod
    def named(self, theta: Array, network: Network) -> dict[str, Any]:
        """Return W and b as users see them."""

    def attributes(self, theta: Array, network: Network) -> dict[str, Any]:
        """Return the fitted attributes that prediction needs, as arrays of their own."""
        named = self.named(theta.astype(network.dtype), network)
        W, b = self.names
        return {f"{W}_": named[W], f"{b}_": named[b]}

    @abstractmethod
    def network(self, n_features: int, n_outputs: int, loss: Loss, dtype: Any, rng: Rng) -> Network:
        """Return the network as it is trained."""

    @abstractmethod
    def start(self, network: Network, rng: Rng) -> Parameters:
        """Return initial W and b."""

    @abstractmethod
    def given(self, network: Network, coef_init: Any, intercept_init: Any) -> Init:
        """Return ``coef_init`` and ``intercept_init`` of ``fit`` as W and b of every layer."""


@dataclass(frozen=True)
class Neuron(Layout):
    """A network of one layer."""

    flat: bool
    alpha: float
    l1_ratio: float
    fit_intercept: bool

    sizes, activations = (), ()
    names = ("coef", "intercept")

    @classmethod
    def of(cls, estimator: Any, *, alpha: float, flat: bool) -> Self:
        if estimator.l1_ratio and not alpha:
            warn(
                f"{type(estimator).__name__}: l1_ratio={estimator.l1_ratio:g} has no effect, since "
                "with alpha=0 there is no penalty. Set alpha, for example alpha=1e-4.",
                UserWarning,
            )
        return cls(flat, alpha, float(estimator.l1_ratio), bool(estimator.fit_intercept))

    @classmethod
    def layers(cls, named: Mapping[str, Any]) -> Parameters:
        coef = named["coef"]
        coef = coef if sparse.issparse(coef) else np.array(coef, ndmin=2, copy=None)
        if coef.dtype.kind != "f":  # integers of the user's own must not round the intercept
            coef = coef.astype(np.float64)
        return [coef.T], [np.array(named["intercept"], coef.dtype, ndmin=1, copy=None)]

    def named(self, theta: Array, network: Network) -> dict[str, Any]:
        (W,), (b,) = split(theta, network.layer_sizes)
        coef = W.T
        if self.flat:
            return {"coef": coef[0], "intercept": float(b[0])}
        return {"coef": coef, "intercept": b}

    def network(self, n_features: int, n_outputs: int, loss: Loss, dtype: Any, rng: Rng) -> Network:
        return Network(
            (n_features, n_outputs),
            (),
            loss,
            (1.0 - self.l1_ratio) * self.alpha,
            dtype,
            self.l1_ratio * self.alpha,
            self.fit_intercept,
        )

    def start(self, network: Network, rng: Rng) -> Parameters:
        p, K = network.layer_sizes
        return [np.zeros((p, K))], [np.zeros(K)]

    def given(self, network: Network, coef_init: Any, intercept_init: Any) -> Init:
        p, K = network.layer_sizes
        coefs = intercepts = None
        if coef_init is not None:
            flat = self.flat or (K == 1 and np.ndim(coef_init) == 1)
            coef = check_start("coef_init", coef_init, (p,) if flat else (K, p), network.dtype)
            coefs = [coef.reshape(K, p).T]
        if intercept_init is not None:
            if not self.fit_intercept:
                raise ValueError("intercept_init needs fit_intercept=True.")
            shape = (K,) if K > 1 or np.ndim(intercept_init) else ()
            intercept = check_start("intercept_init", intercept_init, shape, network.dtype)
            intercepts = [intercept.reshape(K)]
        return coefs, intercepts


@dataclass(frozen=True)
class Layers(Layout):
    """A network with any number of hidden layers, including none."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    init: str
    dropout: float
    alpha: float

    names = ("coefs", "intercepts")

    @classmethod
    def of(cls, estimator: Any, *, alpha: float, flat: bool) -> Self:  # noqa: ARG003
        sizes, choice = hidden_sizes(estimator.hidden_layer_sizes), estimator.activation
        if isinstance(choice, str | Activation):
            choices = [ACTIVATIONS[choice]() if isinstance(choice, str) else choice] * len(sizes)
        else:
            choices = [ACTIVATIONS[each]() if isinstance(each, str) else each for each in choice]
        if len(choices) != len(sizes):
            raise ValueError(
                f"The 'activation' parameter of {type(estimator).__name__} must be one for all "
                f"hidden layers or one for each of the {len(sizes)}; got {len(choices)}."
            )
        dropout = float(estimator.dropout)
        return cls(tuple(sizes), tuple(choices), estimator.init, dropout, alpha)

    @classmethod
    def layers(cls, named: Mapping[str, Any]) -> Parameters:
        return named["coefs"], named["intercepts"]

    def named(self, theta: Array, network: Network) -> dict[str, Any]:
        coefs, intercepts = split(theta, network.layer_sizes)
        return {"coefs": coefs, "intercepts": intercepts}

    def attributes(self, theta: Array, network: Network) -> dict[str, Any]:
        *activations, link = plain_links([*self.activations, network.loss.link])
        return {
            **super().attributes(theta, network),
            "alpha_": self.alpha,
            "n_layers_": len(network.layer_sizes),
            "n_outputs_": network.layer_sizes[-1],
            "out_activation_": network.loss.link.name,
            "_activations": activations,
            "_link": link,
        }

    def network(self, n_features: int, n_outputs: int, loss: Loss, dtype: Any, rng: Rng) -> Network:
        activations: Sequence[Activation] = self.activations
        if self.dropout:
            activations = [Dropout(sigma, self.dropout, rng()) for sigma in activations]
        return Network((n_features, *self.sizes, n_outputs), activations, loss, self.alpha, dtype)

    def start(self, network: Network, rng: Rng) -> Parameters:
        return initialize(self.init, network.layer_sizes, network.activations, rng())

    def given(self, network: Network, coef_init: Any, intercept_init: Any) -> Init:
        coefs = arrays_like("coef_init", coef_init, network.W)
        return coefs, arrays_like("intercept_init", intercept_init, network.b)


def arrays_like(name: str, values: Any, like: list[Array]) -> list[Array] | None:
    """Return initial arrays, one per layer, of the shapes of ``like``."""
    if values is None:
        return None
    if not isinstance(values, list | tuple):
        raise InvalidParameterTypeError(
            f"{name} must be a list with one array for each of the {len(like)} layers of "
            f"weights; got {type(values).__name__}."
        )
    if len(values) != len(like):
        raise ValueError(
            f"{name} must hold one array for each of the {len(like)} layers of weights; "
            f"got {len(values)}."
        )
    return [
        check_start(f"{name}[{l}]", value, view.shape, view.dtype)
        for l, (value, view) in enumerate(zip(values, like, strict=True))
    ]


# ---- how far a step goes -------------------------------------------------------------------------

#: Curvature of losses that have none there: that of the cross-entropy; and a small difference in z.
USUAL, NEARBY = 0.25, 1e-4
#: The rate of adaptive optimizers, whose steps do not depend on the gradient's size. With 0.005 /
#: 0.02 / 0.05 Adam ends 0.006 / 0.008 / 0.015 above the log loss of LogisticRegression.
ADAPTIVE = 0.01
#: The smallest rate.
LEAST = 1e-300


def automatic_eta(solver: Solver, network: Network, samples: Samples) -> float:
    """Return the learning rate that suits a neuron's loss and the samples.

    The objective's curvature is about h (1 + mean ‖x‖²) + alpha, where h is the loss's at z = 0,
    and the 1 belongs to the bias; gradient descent is stable up to twice its inverse. Half the
    inverse leaves room for samples that are longer than others: rows of norm 1, as TfidfVectorizer
    makes them, get steps of the size that they need, and features that are not scaled get small
    ones.
    """
    if solver.adaptive:
        return ADAPTIVE
    loss = network.loss.for_independent_outputs()
    z, y, work = np.zeros((1, 1)), np.empty((1, 1)), np.empty((1, 1))
    delta = np.empty((1, 1))
    loss.link.forward(z, out=y)
    loss.delta(y, z + NEARBY, delta, work)  # it is 0 at z
    h = delta.item() / NEARBY
    eta = 0.5 / ((h if h > 0.0 else USUAL) * (1.0 + samples.mean_square()) + network.alpha)
    momentum = float(getattr(getattr(solver, "optimizer", None), "momentum", 0.0))
    # the sum's rounding depends on the layout of X, and the rate should not
    return max(float(f"{eta * (1.0 - momentum):.2g}"), LEAST)
