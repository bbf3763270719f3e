"""The compiled code: some thousands of rows of an epoch in one call.

Three entry points, ``descend`` for any network, ``descend_neuron`` and ``descend_sparse_neuron``
for one without hidden layers under plain gradient descent. They do what ``network``, ``losses``,
``optimizers`` and ``Descent.step`` do in NumPy; these are the reference, and tests hold the
compiled code against them. Only ``compiled`` looks in here, because it imports Numba.

Shapes are those of ``network``. What steers (rates, constants) comes as float64 and is rounded
to the network's dtype here, so that float32 stays float32.
"""

from sklearn_neuron._engine.kernels._functions import (
    ABSOLUTE_ERROR,
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    ELU,
    GELU,
    HUBER,
    IDENTITY,
    LEAKY_RELU,
    LOGISTIC,
    PERCEPTRON,
    POISSON,
    QUANTILE,
    RELU,
    SELU,
    SILU,
    SOFTPLUS,
    SQUARED_ERROR,
    SQUARED_ERROR_LOGISTIC,
    TANH,
)
from sklearn_neuron._engine.kernels._network import descend
from sklearn_neuron._engine.kernels._neuron import descend_neuron, descend_sparse_neuron
from sklearn_neuron._engine.kernels._updates import ADAM, MOMENTUM, NESTEROV, PLAIN

__all__ = [
    "ABSOLUTE_ERROR",
    "ADAM",
    "BINARY_CROSS_ENTROPY",
    "CROSS_ENTROPY",
    "ELU",
    "GELU",
    "HUBER",
    "IDENTITY",
    "LEAKY_RELU",
    "LOGISTIC",
    "MOMENTUM",
    "NESTEROV",
    "PERCEPTRON",
    "PLAIN",
    "POISSON",
    "QUANTILE",
    "RELU",
    "SELU",
    "SILU",
    "SOFTPLUS",
    "SQUARED_ERROR",
    "SQUARED_ERROR_LOGISTIC",
    "TANH",
    "descend",
    "descend_neuron",
    "descend_sparse_neuron",
]
