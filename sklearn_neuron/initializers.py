r"""Initializers: distributions of the initial weights, with a variance that fits the layer.

==================  =====================================================
name                weights
==================  =====================================================
glorot_uniform      :math:`U(-r, r)`, :math:`r = \sqrt{6 / (n_{in} + n_{out})}`
glorot_normal       :math:`N(0, 2 / (n_{in} + n_{out}))`
he_uniform          :math:`U(-r, r)`, :math:`r = \sqrt{6 / n_{in}}`
he_normal           :math:`N(0, 2 / n_{in})`
==================  =====================================================

The schemes are Glorot's [1]_ and He's [2]_. Biases are drawn from
:math:`U(-1/\sqrt{n_{in}}, 1/\sqrt{n_{in}})`, so that units of the same layer differ
even with a single feature. ``"auto"`` is ``glorot_uniform``, with the radius times the gain of the
layer's activation: 4 for the logistic, whose slope is nowhere larger than 1/4, and 1 for the
others. (For "relu", He's schemes were measured too, and were less accurate on scikit-learn's own
data sets.)

References
----------
.. [1] X. Glorot, Y. Bengio (2010). Understanding the difficulty of training deep
   feedforward neural networks. AISTATS, PMLR 9, 249-256.
   https://proceedings.mlr.press/v9/glorot10a.html
.. [2] K. He, X. Zhang, S. Ren, J. Sun (2015). Delving deep into rectifiers. ICCV.
   https://doi.org/10.1109/ICCV.2015.123
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Activation

Initializer = Callable[[np.random.RandomState, int, int], Array]


def _glorot_uniform(rng: np.random.RandomState, n_in: int, n_out: int) -> Array:
    radius = math.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-radius, radius, (n_in, n_out))


def _glorot_normal(rng: np.random.RandomState, n_in: int, n_out: int) -> Array:
    return rng.normal(0.0, math.sqrt(2.0 / (n_in + n_out)), (n_in, n_out))


def _he_uniform(rng: np.random.RandomState, n_in: int, n_out: int) -> Array:
    radius = math.sqrt(6.0 / n_in)
    return rng.uniform(-radius, radius, (n_in, n_out))


def _he_normal(rng: np.random.RandomState, n_in: int, n_out: int) -> Array:
    return rng.normal(0.0, math.sqrt(2.0 / n_in), (n_in, n_out))


#: Initializers by name, as ``init=`` takes it. A new initializer needs one line here.
INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": _glorot_uniform,
    "glorot_normal": _glorot_normal,
    "he_uniform": _he_uniform,
    "he_normal": _he_normal,
}


def initialize(
    init: str,
    layer_sizes: Sequence[int],
    activations: Sequence[Activation],
    rng: np.random.RandomState,
) -> tuple[list[Array], list[Array]]:
    """Draw the weights and biases of every layer.

    Parameters
    ----------
    init : str
        A name of ``INITIALIZERS``, or ``"auto"``.
    layer_sizes : sequence of int
        Number of features, of units in each hidden layer, and of outputs.
    activations : sequence of Activation
        One for each hidden layer.
    rng : RandomState
        The source of randomness.

    Returns
    -------
    coefs, intercepts : lists of ndarray
        Shapes (n_in, n_out) and (n_out,).
    """
    gains = [activation.gain for activation in activations] + [1.0]
    coefs: list[Array] = []
    intercepts: list[Array] = []
    for gain, n_in, n_out in zip(gains, layer_sizes[:-1], layer_sizes[1:], strict=True):
        if init == "auto":
            coefs.append(gain * _glorot_uniform(rng, n_in, n_out))
        else:
            coefs.append(INITIALIZERS[init](rng, n_in, n_out))
        radius = 1.0 / math.sqrt(n_in)
        intercepts.append(rng.uniform(-radius, radius, n_out))
    return coefs, intercepts
