r"""Optimizers: from the gradient to the direction of an update, on one flat vector.

With g the gradient and θ the parameters, training does θ ← θ − η · direction.

==========  ============================================================================
SGD         direction = g
momentum    v ← μ v + g, direction = v; Nesterov's: direction = g + μ v
RMSprop     v ← ρ v + (1−ρ) g², direction = g / (√v + ε)
Adam        m ← β₁ m + (1−β₁) g, v ← β₂ v + (1−β₂) g²,
            direction = m̂ / (√v̂ + ε) with m̂ = m / (1−β₁ᵗ), v̂ = v / (1−β₂ᵗ)
AdamW       Adam's direction + λ W, without the biases
==========  ============================================================================

An optimizer object holds hyper-parameters only. ``init`` makes the state, a dict of arrays and
numbers that lives with the training run; ``update`` turns the gradient into the direction in place.
Neither allocates during training. Four things are composed around the ``update`` of every
optimizer, and are never its own affair: clipping of the gradient (``direction``), decay of the
weights, the L1 penalty and averaging of θ (the engine's ``Updater``).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from sklearn_neuron._typing import Array
from sklearn_neuron.components import Component

State = dict[str, Any]


class Optimizer(Component):
    """A rule that turns gradients into directions: ``init`` and ``update``.

    ``max_norm``, ``average`` and ``weight_decay`` work with every optimizer; one that takes them as
    arguments of ``__init__`` lets users set and search them.

    See Also
    --------
    SGD : The default of the neurons.
    Adam : The default of the networks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.optimizers import Optimizer
    >>> class SignDescent(Optimizer):
    ...     def init(self, theta):
    ...         return {}
    ...     def update(self, grad, state):
    ...         np.sign(grad, out=grad)
    >>> neuron = LogisticNeuronClassifier(solver=SignDescent(), eta=0.5, max_iter=3, tol=None)
    >>> neuron.fit([[0.0], [1.0]], [0, 1]).coef_
    array([[1.5]])
    """

    #: Largest norm of the gradient; a longer one is scaled down to it.
    max_norm: float | None = None
    #: Whether, or from which update on, the fitted parameters are the mean over the updates.
    average: bool | int = False
    #: λ, by which the weights decay in addition to the gradient step.
    weight_decay: float = 0.0
    #: Whether the length of the direction does not depend on that of the gradients, so that eta is
    #: in units of the parameters.
    adaptive: ClassVar[bool] = False

    @abstractmethod
    def init(self, theta: Array) -> State:
        """Return the state before the first update, of the shape and dtype of ``theta``.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            Parameters θ at the start.

        Returns
        -------
        dict
            Arrays and numbers by name.
        """

    @abstractmethod
    def update(self, grad: Array, state: State) -> None:
        """Turn ``grad`` into the direction, in place, and advance ``state``.

        Parameters
        ----------
        grad : ndarray of shape (n_parameters,)
            The gradient, which is overwritten by the direction.
        state : dict
            The state, whose arrays are updated in place.
        """

    def formulas(self) -> list[tuple[str, str]]:
        """Return the lines of ``update`` in words, for the explorer, as (letter, formula).

        It writes numbers for ``{g}``, the gradient, and for the letters of earlier lines, and
        before a letter's own line for its value of before the update. The letter of the last line
        is "direction". An optimizer that does not define it is shown by its results only.

        Returns
        -------
        list of tuple of str
            The lines, of which the last is that of "direction".
        """
        return []

    def proximal_scale(self, state: State) -> Array | float:
        """Return the ratio of the direction to a constant gradient, in the long run.

        It is a number, or an array with one for each component of θ. The L1 penalty has no gradient
        at zero, so it does not pass through ``update``: after each update the weights receive
        what is due of it, times this ratio (``Network.shrink``). With a wrong ratio the minimum
        would be that of another objective. An optimizer that does not define it refuses
        ``l1_ratio``.

        Parameters
        ----------
        state : dict
            The state after the update.

        Returns
        -------
        float or ndarray of shape (n_parameters,)
            The ratio.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no proximal_scale.")

    def has_proximal_scale(self) -> bool:
        """Return whether the optimizer says how the L1 penalty scales.

        A scale that is inherited from a class with another ``update`` does not count.

        Returns
        -------
        bool
            Whether ``l1_ratio`` can be used.
        """
        for cls in type(self).__mro__:
            if "proximal_scale" in vars(cls):
                return vars(cls)["proximal_scale"] is not Optimizer.proximal_scale
            if "update" in vars(cls):
                return False
        return False

    # ---- composed around the above ----------------------------------------------------------

    def start(self, theta: Array) -> State:
        """Return the whole state before the first update: that of ``init`` and of averaging.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            Parameters θ at the start.

        Returns
        -------
        dict
            The state.
        """
        state = self.init(theta)
        if not isinstance(state, dict):
            raise TypeError(f"init of {type(self).__name__} must return a dict; got {state!r}.")
        averaged = {"average": theta.copy(), "n_updates": 0} if self.average else {}
        return {**state, **averaged}

    def direction(self, grad: Array, state: State) -> None:
        """Turn the gradient, clipped to ``max_norm``, into the direction, in place.

        Parameters
        ----------
        grad : ndarray of shape (n_parameters,)
            The gradient, which is overwritten by the direction.
        state : dict
            The state, whose arrays are updated in place.
        """
        if self.max_norm is not None:
            clip(grad, float(self.max_norm))
        self.update(grad, state)

    def fitted(self, theta: Array, state: State) -> Array:
        """Return the parameters that users get: θ, or its mean over the updates.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            Parameters θ after the last update.
        state : dict
            The state after it.

        Returns
        -------
        ndarray of shape (n_parameters,)
            The fitted parameters.
        """
        # without a sample of positive weight there is no update, and so no state
        averaged = self.average and state.get("n_updates", 0) >= self.average
        return state["average"] if averaged else theta

    def validate(self) -> None:
        """Raise a ValueError or TypeError where a parameter is not allowed."""
        if self.max_norm is not None:
            self.check_number("max_norm", bounds="()")
        self.check_number("weight_decay")
        if not isinstance(self.average, bool | np.bool_ | Integral):
            raise TypeError(
                f"average of {type(self).__name__} must be True, False or the number of the update "
                f"from which to average; got {self.average!r}."
            )
        if self.average < 0:
            raise ValueError(
                f"average of {type(self).__name__} must not be negative; got {self.average!r}."
            )


def clip(grad: Array, max_norm: float) -> None:
    """Scale a gradient that is longer than ``max_norm`` down to it, in place."""
    norm = math.sqrt(float(np.dot(grad, grad)))
    if math.isinf(norm):  # the squares overflow before the gradient does
        largest = float(np.abs(grad).max())
        norm = largest * float(np.linalg.norm(grad / largest))
    if norm > max_norm:
        np.multiply(grad, max_norm / norm, out=grad)


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    Parameters
    ----------
    momentum : float in [0, 1), default=0.0
        The fraction μ of the last direction that is carried over.
    nesterov : bool, default=False
        Whether to use Nesterov's momentum [1]_; has no effect without ``momentum > 0``.
    max_norm : float or None, default=None
        Largest Euclidean norm of the gradient; a longer one is scaled down to it first
        [2]_. ``None`` does not clip.
    average : bool or int, default=False
        Whether the fitted parameters are the mean of θ over the updates; an int sets the update
        from which averaging starts. Training itself continues from the last θ.

    See Also
    --------
    Adam : Steps scaled by the size of the gradients.
    RMSprop : Scaled, too, without a moving average of the gradients.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton (2013). On the importance of
       initialization and momentum in deep learning. ICML, PMLR 28(3), 1139-1147.
       https://proceedings.mlr.press/v28/sutskever13.html
    .. [2] R. Pascanu, T. Mikolov, Y. Bengio (2013). On the difficulty of training recurrent neural
       networks. ICML, PMLR 28(3), 1310-1318. https://proceedings.mlr.press/v28/pascanu13.html

    Examples
    --------
    >>> from sklearn_neuron import LogisticNeuronClassifier, SGD
    >>> LogisticNeuronClassifier(solver=SGD(momentum=0.9)).get_params()["solver__momentum"]
    0.9
    """

    name = "sgd"

    def __init__(
        self,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        max_norm: float | None = None,
        average: bool | int = False,
    ) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        self.max_norm = max_norm
        self.average = average

    def validate(self) -> None:
        super().validate()
        self.check_number("momentum", 0.0, 1.0)
        self.check_flag("nesterov")

    def formulas(self) -> list[tuple[str, str]]:
        if not self.momentum:
            return [("direction", "{g}")]
        ahead = "{g} + {momentum} · {v}" if self.nesterov else "{v}"
        return [("v", "{momentum} · {v} + {g}"), ("direction", ahead)]

    def proximal_scale(self, state: State) -> Array | float:
        return 1.0 / (1.0 - float(self.momentum))

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
    """Adam: steps scaled by moving averages of the gradients and of their squares.

    As in Algorithm 1 of its paper [1]_.

    Parameters
    ----------
    beta_1 : float in [0, 1), default=0.9
        Decay of the moving average of gradients.
    beta_2 : float in [0, 1), default=0.999
        Decay of the moving average of squared gradients.
    epsilon : float > 0, default=1e-8
        Added to the denominator, after the bias correction (scikit-learn's adds it before).
    max_norm : float or None, default=None
        Largest Euclidean norm of the gradient; a longer one is scaled down to it first
        [2]_. ``None`` does not clip.
    average : bool or int, default=False
        Whether the fitted parameters are the mean of θ over the updates; an int sets the update
        from which averaging starts. Training itself continues from the last θ.

    See Also
    --------
    AdamW : With weight decay.
    SGD : Steps that are not scaled.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba (2015). Adam: a method for stochastic optimization. ICLR.
       https://doi.org/10.48550/arXiv.1412.6980
    .. [2] R. Pascanu, T. Mikolov, Y. Bengio (2013). On the difficulty of training recurrent neural
       networks. ICML, PMLR 28(3), 1310-1318. https://proceedings.mlr.press/v28/pascanu13.html

    Examples
    --------
    >>> from sklearn_neuron import Adam, ManualMLPClassifier
    >>> ManualMLPClassifier(solver=Adam(beta_2=0.99)).get_params()["solver__beta_2"]
    0.99
    """

    name = "adam"
    adaptive = True

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        max_norm: float | None = None,
        average: bool | int = False,
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.max_norm = max_norm
        self.average = average

    def validate(self) -> None:
        super().validate()
        self.check_number("beta_1", 0.0, 1.0)
        self.check_number("beta_2", 0.0, 1.0)
        self.check_number("epsilon", 0.0, 1.0, "(]")

    def formulas(self) -> list[tuple[str, str]]:
        return [
            ("m", "{beta_1} · {m} + (1 − {beta_1}) · {g}"),
            ("v", "{beta_2} · {v} + (1 − {beta_2}) · {g}²"),
            ("m̂", "{m} / (1 − {beta_1}^{t})"),
            ("v̂", "{v} / (1 − {beta_2}^{t})"),
            ("direction", "{m̂} / (√{v̂} + {epsilon})"),
        ]

    def proximal_scale(self, state: State) -> Array | float:
        square = state["square"] / (1.0 - float(self.beta_2) ** state["t"])
        scale: Array = 1.0 / (np.sqrt(square) + float(self.epsilon))
        return scale

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


class AdamW(Adam):
    """Adam with decoupled weight decay.

    The direction is Adam's plus ``weight_decay * W`` [1]_; biases do not decay. (``alpha``, the
    penalty of the objective, is part of the gradient, and Adam scales it with the gradient.)

    Parameters
    ----------
    beta_1 : float in [0, 1), default=0.9
        Decay of the moving average of gradients.
    beta_2 : float in [0, 1), default=0.999
        Decay of the moving average of squared gradients.
    epsilon : float > 0, default=1e-8
        Added to the denominator, after the bias correction.
    weight_decay : float >= 0, default=0.01
        The rate λ: every update takes the weights to (1 − η λ) times themselves.
    max_norm : float or None, default=None
        As for ``Adam``.
    average : bool or int, default=False
        As for ``Adam``.

    See Also
    --------
    Adam : Without weight decay.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter (2019). Decoupled weight decay regularization. ICLR.
       https://doi.org/10.48550/arXiv.1711.05101

    Examples
    --------
    >>> from sklearn_neuron import AdamW, ManualMLPClassifier
    >>> ManualMLPClassifier(solver=AdamW(weight_decay=0.1)).get_params()["solver__weight_decay"]
    0.1
    """

    name = "adamw"

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        max_norm: float | None = None,
        average: bool | int = False,
    ) -> None:
        super().__init__(beta_1, beta_2, epsilon, max_norm=max_norm, average=average)
        self.weight_decay = weight_decay


class RMSprop(Optimizer):
    """RMSprop: steps scaled by a moving average of the squared gradients.

    As in lecture 6e of its course [1]_.

    Parameters
    ----------
    rho : float in [0, 1), default=0.99
        Decay ρ of the moving average of squared gradients.
    epsilon : float > 0, default=1e-8
        Added to the denominator.
    momentum : float in [0, 1), default=0.0
        The fraction μ of the last direction that is carried over.
    max_norm : float or None, default=None
        Largest Euclidean norm of the gradient; a longer one is scaled down to it first
        [2]_. ``None`` does not clip.
    average : bool or int, default=False
        Whether the fitted parameters are the mean of θ over the updates; an int sets the update
        from which averaging starts. Training itself continues from the last θ.

    See Also
    --------
    Adam : With a moving average of the gradients, and a bias correction.
    SGD : Steps that are not scaled.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton (2012). Lecture 6.5: rmsprop. COURSERA: Neural networks for
       machine learning.
    .. [2] R. Pascanu, T. Mikolov, Y. Bengio (2013). On the difficulty of training recurrent neural
       networks. ICML, PMLR 28(3), 1310-1318. https://proceedings.mlr.press/v28/pascanu13.html

    Examples
    --------
    >>> from sklearn_neuron import ManualMLPClassifier, RMSprop
    >>> ManualMLPClassifier(solver=RMSprop(rho=0.9)).get_params()["solver__rho"]
    0.9
    """

    name = "rmsprop"
    adaptive = True

    def __init__(
        self,
        rho: float = 0.99,
        epsilon: float = 1e-8,
        momentum: float = 0.0,
        *,
        max_norm: float | None = None,
        average: bool | int = False,
    ) -> None:
        self.rho = rho
        self.epsilon = epsilon
        self.momentum = momentum
        self.max_norm = max_norm
        self.average = average

    def validate(self) -> None:
        super().validate()
        self.check_number("rho", 0.0, 1.0)
        self.check_number("epsilon", 0.0, 1.0, "(]")
        self.check_number("momentum", 0.0, 1.0)

    def init(self, theta: Array) -> State:
        carried = {"carried": np.zeros_like(theta)} if self.momentum else {}
        return {"square": np.zeros_like(theta), "work": np.zeros_like(theta), **carried}

    def formulas(self) -> list[tuple[str, str]]:
        lines = [("v", "{rho} · {v} + (1 − {rho}) · {g}²")]
        if not self.momentum:
            return [*lines, ("direction", "{g} / (√{v} + {epsilon})")]
        return [
            *lines,
            ("u", "{momentum} · {u} + {g} / (√{v} + {epsilon})"),
            ("direction", "{u}"),
        ]

    def proximal_scale(self, state: State) -> Array | float:
        scale: Array = np.sqrt(state["square"]) + float(self.epsilon)
        return 1.0 / (scale * (1.0 - float(self.momentum)))

    def update(self, grad: Array, state: State) -> None:
        rho, square, work = float(self.rho), state["square"], state["work"]
        np.multiply(square, rho, out=square)
        np.multiply(grad, grad, out=work)
        np.multiply(work, 1 - rho, out=work)
        np.add(square, work, out=square)  # v = ρ v + (1 − ρ) g²
        np.sqrt(square, out=work)
        np.add(work, float(self.epsilon), out=work)
        np.divide(grad, work, out=grad)  # g / (√v + ε)
        if self.momentum:
            np.add(grad, state["carried"], out=grad)
            np.multiply(grad, float(self.momentum), out=state["carried"])


#: Optimizers by name, as ``solver=`` takes it. A new optimizer needs one line here.
OPTIMIZERS: dict[str, type[Optimizer]] = {
    optimizer.name: optimizer for optimizer in (SGD, Adam, AdamW, RMSprop)
}
