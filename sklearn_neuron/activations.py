r"""Activations: :math:`a = \sigma(z)` and its derivative :math:`\sigma'(z)`.

=========  ==================================  ==============================
name       :math:`\sigma(z)`                   :math:`\sigma'(z)`
=========  ==================================  ==============================
identity   :math:`z`                           :math:`1`
logistic   :math:`1 / (1 + e^{-z})`            :math:`a (1 - a)`
tanh       :math:`\tanh z`                     :math:`1 - a^2`
relu       :math:`\max(0, z)`                  :math:`1 [z > 0]`
softmax    :math:`e^{z_k} / \sum_j e^{z_j}`    (a link: see the losses)
step       :math:`1 [z \ge 0]`                 (a link: see the losses)
=========  ==================================  ==============================

Shapes: ``z``, ``out`` and ``slope`` are ``(m, n)``: m rows, n units of one layer. Everything is
written into the arrays given; ``out`` may be ``z`` itself. Activations are stateless, so that
one object may serve many layers and threads. Training asks for σ and σ′ together, because
they share their work and because z is not needed afterwards.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from scipy.special import expit

from sklearn_neuron._typing import Array
from sklearn_neuron.recipes import Recipe


class Link(Recipe):
    """What turns the last layer's z into predictions; need not be differentiable."""

    #: The name in scikit-learn's vocabulary, shown as ``out_activation_``.
    name: str

    @abstractmethod
    def forward(self, z: Array, out: Array) -> None:
        """Write a = σ(z) into ``out``."""


class Activation(Link):
    """An elementwise function with a derivative, fit for hidden layers."""

    #: Factor on the first weights under ``init="auto"``: the reciprocal of the slope at 0, so
    #: that signals neither fade nor grow from layer to layer.
    gain: float = 1.0

    @abstractmethod
    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        """Write σ(z) into ``out`` and σ′(z) into ``slope``."""


class Identity(Activation):
    """σ(z) = z."""

    name = "identity"

    def forward(self, z: Array, out: Array) -> None:
        if out is not z:
            np.copyto(out, z)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        self.forward(z, out)
        slope.fill(1.0)


class Logistic(Activation):
    """σ(z) = 1 / (1 + exp(−z)), the sigmoid of the textbook."""

    name = "logistic"
    gain = 4.0  # σ′(0) = 1/4

    def forward(self, z: Array, out: Array) -> None:
        expit(z, out=out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        expit(z, out=out)
        np.subtract(1.0, out, out=slope)
        np.multiply(slope, out, out=slope)  # a (1 − a)


class Tanh(Activation):
    """σ(z) = tanh(z)."""

    name = "tanh"

    def forward(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        np.tanh(z, out=out)
        np.multiply(out, out, out=slope)
        np.subtract(1.0, slope, out=slope)  # 1 − a²


class ReLU(Activation):
    """σ(z) = max(0, z); its derivative at 0 is taken as 0."""

    name = "relu"

    def forward(self, z: Array, out: Array) -> None:
        np.maximum(z, 0.0, out=out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        np.greater(z, 0.0, out=slope)  # 1[z > 0]
        np.multiply(z, slope, out=out)  # a product is faster than a maximum


class Softmax(Link):
    """a_k = exp(z_k) / Σ_j exp(z_j), row by row; its δ comes with the cross-entropy."""

    name = "softmax"

    def forward(self, z: Array, out: Array) -> None:
        np.subtract(z, z.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, out.sum(axis=1, keepdims=True), out=out)


class Step(Link):
    """a = 1[z ≥ 0], Rosenblatt's threshold; its δ comes with the perceptron criterion."""

    name = "step"

    def forward(self, z: Array, out: Array) -> None:
        np.greater_equal(z, 0.0, out=out)


#: Activations by the name that ``activation=`` takes. A new one needs a line here.
ACTIVATIONS: dict[str, type[Activation]] = {
    activation.name: activation for activation in (Identity, Logistic, Tanh, ReLU)
}
