"""The compiled code: some thousands of samples of an epoch in one call.

There are three entry points: ``descend`` for any network, and ``descend_neuron`` and
``descend_sparse_neuron`` for networks without hidden layers and plain gradient descent. They do the
same as ``network``, ``losses``, ``optimizers`` and ``Updater.step`` in NumPy, which are the
reference that tests check the compiled code against. Only the module ``compiled`` imports this
package, because it needs Numba.

Shapes are those of ``network``. Learning rates and constants are passed as float64 and rounded to
the network's dtype here, so that float32 stays float32.
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
