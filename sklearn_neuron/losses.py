r"""Losses: :math:`\ell(y, z)` from the last layer's raw output, and :math:`\delta^L`.

======================  ========  ==========================================  ====================
name                    link      :math:`\ell`, summed over the outputs       :math:`\delta^L`
======================  ========  ==========================================  ====================
squared_error           any σ     :math:`(a - y)^2`                           :math:`2(a-y)σ'(z)`
binary_cross_entropy    logistic  :math:`\log(1 + e^z) - y z`                 :math:`a - y`
cross_entropy           softmax   :math:`\log \sum_j e^{z_j} - y \cdot z`     :math:`a - y`
perceptron              step      :math:`\max(0, (1 - 2y) z)`                 :math:`a - y`
======================  ========  ==========================================  ====================

A loss owns its link, the function :math:`a = \mathrm{link}(z)` that turns the raw output
into a prediction, because the two together give :math:`\delta^L = \partial\ell/\partial z`
its simple form. Values are computed from z and not from a, so that they stay exact where
a rounds to 0 or 1.

Shapes: ``y``, ``z``, ``out`` and ``work`` are ``(m, K)``: m rows, K outputs.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation, Identity, Link, Logistic, Softmax, Step
from sklearn_neuron.recipes import Recipe

IDENTITY = Identity()


class Loss(Recipe):
    """A loss per row, with its link and its derivative with respect to z."""

    name: str
    link: Link
    #: True where ``solved`` can ever be True, so that training may end by it.
    solvable: bool = False

    @abstractmethod
    def value(self, y: Array, z: Array) -> Array:
        """Return the loss of each row, shape (m,), summed over the outputs."""

    def delta(self, y: Array, z: Array, out: Array, work: Array) -> None:
        """Write δ = ∂ℓ/∂z into ``out``; ``work`` may be overwritten."""
        self.link.forward(z, out=out)  # a = link(z)
        np.subtract(out, y, out=out)  # a − y, for every loss with its canonical link

    def solved(self, y: Array, z: Array) -> bool:
        """Return True where these rows leave nothing to learn; most losses never do."""
        return False


class SquaredError(Loss):
    """Squared error (a − y)² behind any elementwise link.

    With the identity it is the loss of regression; with the logistic link it is the
    sigmoid neuron of the textbook.
    """

    name = "squared_error"

    link: Activation

    def __init__(self, link: Activation = IDENTITY) -> None:
        self.link = link

    def value(self, y: Array, z: Array) -> Array:
        residual = np.empty_like(z)
        self.link.forward(z, out=residual)
        residual -= y
        value: Array = np.einsum("ij,ij->i", residual, residual)
        return value

    def delta(self, y: Array, z: Array, out: Array, work: Array) -> None:
        self.link.with_derivative(z, out=out, slope=work)
        np.subtract(out, y, out=out)
        np.multiply(out, 2.0, out=out)  # ∂ℓ/∂a = 2 (a − y)
        np.multiply(out, work, out=out)  # ⊙ σ′(z)


class BinaryCrossEntropy(Loss):
    """−y log a − (1 − y) log(1 − a), a = σ(z); one or several independent outputs."""

    name = "binary_cross_entropy"
    link = Logistic()

    def value(self, y: Array, z: Array) -> Array:
        # log(1 + eᶻ) − y z = max(z, 0) − y z + log(1 + e^−|z|), which never overflows
        value = np.exp(-np.abs(z))
        np.log1p(value, out=value)
        value += np.maximum(z, 0.0) - y * z  # this difference first: it may be exactly 0
        total: Array = value.sum(axis=1)
        return total


class CrossEntropy(Loss):
    """−Σ_k y_k log a_k, a = softmax(z); the rows of y sum to one."""

    name = "cross_entropy"
    link = Softmax()

    def value(self, y: Array, z: Array) -> Array:
        shifted = z - z.max(axis=1, keepdims=True)
        value: Array = np.log(np.exp(shifted).sum(axis=1))
        value -= np.einsum("ij,ij->i", y, shifted)
        return value


class Perceptron(Loss):
    """The perceptron criterion max(0, (1 − 2y) z): how far a mistaken row is off.

    Its gradient step on one row is Rosenblatt's rule w ← w + η (y − ŷ) x with
    ŷ = 1[z ≥ 0] [1]_.

    References
    ----------
    .. [1] F. Rosenblatt (1958). The perceptron: a probabilistic model for information
       storage and organization in the brain. Psychological Review 65(6), 386-408.
       https://doi.org/10.1037/h0042519
    """

    name = "perceptron"
    link = Step()
    solvable = True

    def value(self, y: Array, z: Array) -> Array:
        value: Array = np.maximum((1.0 - 2.0 * y) * z, 0.0).sum(axis=1)
        return value

    def solved(self, y: Array, z: Array) -> bool:
        return bool(((z >= 0.0) == (y > 0.5)).all())  # not one mistake


#: Losses by name. A new one needs a line here.
LOSSES: dict[str, type[Loss]] = {
    loss.name: loss for loss in (SquaredError, BinaryCrossEntropy, CrossEntropy, Perceptron)
}
