r"""Dropout: hidden units that are dropped at random during training.

With keep probability 1 − p, a mask :math:`m \in \{0, 1/(1 - p)\}` multiplies a and σ′ alike,

.. math::

    a = m \odot \sigma(z), \qquad \partial a / \partial z = m \odot \sigma'(z)

so the two passes need not know of it, and the mean of a is the same as without dropout
("inverted" dropout [1]_).

References
----------
.. [1] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov (2014). Dropout: a
   simple way to prevent neural networks from overfitting. Journal of Machine Learning Research
   15, 1929-1958. https://jmlr.org/papers/v15/srivastava14a.html
"""

from __future__ import annotations

import numpy as np

from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation


class Dropout(Activation):
    """An activation whose units are dropped at random in the forward pass of training.

    Parameters
    ----------
    activation : Activation
        σ.
    rate : float in (0, 1)
        p, the probability that a unit is dropped.
    rng : RandomState
        Draws a mask for every forward pass.
    """

    name = "dropout"

    def __init__(self, activation: Activation, rate: float, rng: np.random.RandomState) -> None:
        self.activation = activation
        self.rate = rate
        self.rng = rng

    def forward(self, z: Array, out: Array) -> None:
        self.activation.forward(z, out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        self.activation.with_derivative(z, out, slope)
        mask = (self.rng.random_sample(z.shape) >= self.rate).astype(z.dtype)
        np.multiply(mask, 1.0 / (1.0 - self.rate), out=mask)
        np.multiply(out, mask, out=out)
        np.multiply(slope, mask, out=slope)
