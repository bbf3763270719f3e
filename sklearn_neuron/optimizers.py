r"""Optimizers: from the gradient to the direction of descent, on one flat vector.

With g the gradient and θ the parameters, training does θ ← θ − η · direction.

==========  ============================================================================
SGD         direction = g
momentum    v ← μ v + g, direction = v; Nesterov's: direction = g + μ v
Adam        m ← β₁ m + (1−β₁) g, v ← β₂ v + (1−β₂) g²,
            direction = m̂ / (√v̂ + ε) with m̂ = m / (1−β₁ᵗ), v̂ = v / (1−β₂ᵗ)
==========  ============================================================================

The optimizer is a recipe and keeps nothing: ``init`` makes the state, a dict of arrays and
counts that lives with the training run; ``update`` turns the gradient into the direction
in place. No operation allocates.
"""

from __future__ import annotations

from abc import abstractmethod
from numbers import Real
from typing import Any

import numpy as np

from sklearn_neuron._typing import Array
from sklearn_neuron.recipes import Recipe

State = dict[str, Any]


class Optimizer(Recipe):
    """A rule that turns gradients into directions."""

    name: str

    @abstractmethod
    def init(self, theta: Array) -> State:
        """Return the state before the first update, of the shape and dtype of ``theta``."""

    @abstractmethod
    def update(self, grad: Array, state: State) -> None:
        """Turn ``grad`` into the direction, in place, and bring ``state`` forward."""


def _check_interval(owner: str, name: str, value: object, high_closed: bool = False) -> None:
    """Raise unless ``value`` is a real number from 0 to 1."""
    allowed = "a number in [0, 1]" if high_closed else "a number in [0, 1)"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} of {owner} must be {allowed}; got {value!r}.")
    number = float(value)
    if not (0.0 <= number < 1.0 or (high_closed and number == 1.0)):
        raise ValueError(f"{name} of {owner} must be {allowed}; got {value!r}.")


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where asked for.

    Parameters
    ----------
    momentum : float in [0, 1), default=0.0
        μ, the share of the last direction that carries over.
    nesterov : bool, default=False
        Whether to look ahead along the momentum [1]_; needs ``momentum > 0`` to matter.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton (2013). On the importance of
       initialization and momentum in deep learning. ICML, PMLR 28(3), 1139-1147.
       https://proceedings.mlr.press/v28/sutskever13.html

    Examples
    --------
    >>> from sklearn_neuron import LogisticNeuronClassifier, SGD
    >>> LogisticNeuronClassifier(solver=SGD(momentum=0.9)).get_params()["solver__momentum"]
    0.9
    """

    name = "sgd"

    def __init__(self, momentum: float = 0.0, nesterov: bool = False) -> None:
        self.momentum = momentum
        self.nesterov = nesterov

    def validate(self) -> None:
        _check_interval("SGD", "momentum", self.momentum)
        if not isinstance(self.nesterov, bool | np.bool_):
            raise TypeError(f"nesterov of SGD must be True or False; got {self.nesterov!r}.")

    def init(self, theta: Array) -> State:
        # "carried" is μ v: holding the product spares every update a temporary.
        return {"carried": np.zeros_like(theta)} if self.momentum else {}

    def update(self, grad: Array, state: State) -> None:
        if not self.momentum:
            return
        carried, momentum = state["carried"], float(self.momentum)
        if self.nesterov:
            np.add(carried, grad, out=carried)  # v = μ v + g
            np.multiply(carried, momentum, out=carried)
            np.add(grad, carried, out=grad)  # direction = g + μ v
        else:
            np.add(grad, carried, out=grad)  # direction = v = μ v + g
            np.multiply(grad, momentum, out=carried)


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradients and of their squares.

    As in Algorithm 1 of its paper [1]_.

    Parameters
    ----------
    beta_1 : float in [0, 1), default=0.9
        Decay of the running mean of gradients.
    beta_2 : float in [0, 1), default=0.999
        Decay of the running mean of squared gradients.
    epsilon : float > 0, default=1e-8
        Added to the denominator, after the bias correction (scikit-learn's adds it before).

    References
    ----------
    .. [1] D. P. Kingma, J. Ba (2015). Adam: a method for stochastic optimization. ICLR.
       https://doi.org/10.48550/arXiv.1412.6980

    Examples
    --------
    >>> from sklearn_neuron import Adam, ManualMLPClassifier
    >>> ManualMLPClassifier(solver=Adam(beta_2=0.99)).get_params()["solver__beta_2"]
    0.99
    """

    name = "adam"

    def __init__(self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def validate(self) -> None:
        _check_interval("Adam", "beta_1", self.beta_1)
        _check_interval("Adam", "beta_2", self.beta_2)
        _check_interval("Adam", "epsilon", self.epsilon, high_closed=True)
        if not self.epsilon > 0:
            raise ValueError(f"epsilon of Adam must be positive; got {self.epsilon!r}.")

    def init(self, theta: Array) -> State:
        return {"mean": np.zeros_like(theta), "square": np.zeros_like(theta), "t": 0}

    def update(self, grad: Array, state: State) -> None:
        beta_1, beta_2 = float(self.beta_1), float(self.beta_2)
        mean, square = state["mean"], state["square"]
        state["t"] += 1
        np.multiply(mean, beta_1, out=mean)
        np.multiply(grad, 1 - beta_1, out=grad)
        np.add(mean, grad, out=mean)  # m = β₁ m + (1 − β₁) g
        np.multiply(square, beta_2, out=square)
        np.multiply(grad, grad, out=grad)
        np.multiply(grad, (1 - beta_2) / (1 - beta_1) ** 2, out=grad)
        np.add(square, grad, out=square)  # v = β₂ v + (1 − β₂) g²
        np.divide(square, 1 - beta_2 ** state["t"], out=grad)
        np.sqrt(grad, out=grad)
        np.add(grad, float(self.epsilon), out=grad)
        np.divide(mean, grad, out=grad)  # m / (√v̂ + ε)
        np.divide(grad, 1 - beta_1 ** state["t"], out=grad)


#: Optimizers by the name that ``solver=`` takes. A new one needs a line here.
OPTIMIZERS: dict[str, type[Optimizer]] = {optimizer.name: optimizer for optimizer in (SGD, Adam)}
