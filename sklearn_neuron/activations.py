r"""Activations: :math:`a = \sigma(z)` and its derivative :math:`\sigma'(z)`.

===========  ============================================  ====================================
name         :math:`\sigma(z)`                             :math:`\sigma'(z)`
===========  ============================================  ====================================
identity     :math:`z`                                     :math:`1`
logistic     :math:`1 / (1 + e^{-z})`                      :math:`a (1 - a)`
tanh         :math:`\tanh z`                               :math:`1 - a^2`
relu         :math:`\max(0, z)`                            :math:`1 [z > 0]`
leaky_relu   :math:`z` or, below 0, :math:`c z`            :math:`1` or :math:`c`
elu          :math:`z` or, below 0, :math:`c (e^z - 1)`    :math:`1` or :math:`a + c`
selu         :math:`\lambda` times elu                     :math:`\lambda` or :math:`a + \lambda c`
gelu         :math:`z \Phi(z)`                             :math:`\Phi(z) + z \varphi(z)`
silu         :math:`z / (1 + e^{-z})`                      :math:`s + a (1 - s)`
softplus     :math:`\log(1 + e^z)`                         :math:`1 / (1 + e^{-z})`
exponential  :math:`e^z`                                   :math:`a` (a link, for counts)
softmax      :math:`e^{z_k} / \sum_j e^{z_j}`              (a link: see the losses)
step         :math:`1 [z \ge 0]`                           (a link: see the losses)
===========  ============================================  ====================================

:math:`\Phi` and :math:`\varphi` are the standard normal distribution and its density, and
:math:`s = 1 / (1 + e^{-z})`.

Shapes: ``z``, ``out`` and ``slope`` are ``(m, n)``: m samples, n units of one layer. Results are
written into the arrays given; ``out`` may be ``z`` itself. Activations are stateless, so one object
may serve many layers and threads. Training computes σ and σ′ together, because they share work and
because z is not needed afterwards. Newton's method needs :math:`\sigma''` of the link of a squared
error, which is 0 for the identity and :math:`a (1 - a) (1 - 2 a)` for the logistic function.
"""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from sklearn_neuron._typing import Array
from sklearn_neuron.components import Component


class Link(Component):
    """A function that turns the last layer's z into predictions; it need not be differentiable.

    See Also
    --------
    Activation : A link with a derivative.
    Softmax : A link that is not elementwise.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Link
    >>> class Probit(Link):
    ...     name = "probit"
    ...     def forward(self, z, out):
    ...         from scipy.special import ndtr
    ...         ndtr(z, out=out)
    >>> z = np.array([[-1.0, 0.0, 1.0]])
    >>> Probit().forward(z, out=z)
    >>> z.round(4)
    array([[0.1587, 0.5   , 0.8413]])
    """

    #: The name in scikit-learn's vocabulary, shown as ``out_activation_``.
    name: str
    #: σ(z) in words of one line, for the explorer: it writes numbers for ``{z}``, and the
    #: hyper-parameters for their names. None where there is none.
    formula: str | None = None

    @abstractmethod
    def forward(self, z: Array, out: Array) -> None:
        """Write a = σ(z) into ``out``.

        Parameters
        ----------
        z : ndarray of shape (m, n)
            Weighted inputs: m samples, n units.
        out : ndarray of shape (m, n)
            Gets a; it may be ``z`` itself.
        """


class Activation(Link):
    """An elementwise function with a derivative, suitable for hidden layers.

    See Also
    --------
    Link : What is applied to the last layer's output.
    ReLU : The default of the networks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron import ManualMLPRegressor
    >>> from sklearn_neuron.activations import Activation
    >>> class Square(Activation):
    ...     def forward(self, z, out):
    ...         np.multiply(z, z, out=out)
    ...     def with_derivative(self, z, out, slope):
    ...         np.multiply(z, 2.0, out=slope)
    ...         np.multiply(z, z, out=out)
    >>> X = np.linspace(-1.0, 1.0, 20).reshape(-1, 1)
    >>> network = ManualMLPRegressor((2,), activation=Square(), solver="lbfgs", random_state=0)
    >>> bool(network.fit(X, X.ravel() ** 2).score(X, X.ravel() ** 2) > 0.999)
    True
    """

    #: Factor on the initial weights under ``init="auto"``. Larger than 1 for an activation whose
    #: slope is small everywhere, so that signals do not fade from layer to layer.
    gain: float = 1.0
    #: σ′(z) like ``formula``, with ``{z}`` and ``{a}``.
    derivative_formula: str | None = None

    @abstractmethod
    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        """Write σ(z) into ``out`` and σ′(z) into ``slope``.

        Parameters
        ----------
        z : ndarray of shape (m, n)
            Weighted inputs: m samples, n units.
        out : ndarray of shape (m, n)
            Gets a; it may be ``z`` itself.
        slope : ndarray of shape (m, n)
            Gets σ′(z).
        """

    def second_derivative(self, z: Array) -> Array | None:
        """Return σ″(z), which Newton's method needs of a link; None where there is none.

        Parameters
        ----------
        z : ndarray of shape (m, n)
            Weighted inputs: m samples, n units.

        Returns
        -------
        ndarray of shape (m, n) or None
            The second derivative.
        """
        return None


class Identity(Activation):
    """The identity: σ(z) = z.

    See Also
    --------
    Activation : What activations have in common.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Identity
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> Identity().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[-2.   0.5  3. ]] [[1. 1. 1.]]
    """

    name = "identity"
    formula = "{z}"
    derivative_formula = "1"

    def forward(self, z: Array, out: Array) -> None:
        if out is not z:
            np.copyto(out, z)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        self.forward(z, out)
        slope.fill(1.0)

    def second_derivative(self, z: Array) -> Array:
        return np.zeros_like(z)


#: Size from which several vectorized passes beat the scalar loop of ``expit``. Measured in µs, loop
#: against passes: 256 numbers 1.8 and 2.4, 512 both 3.3, 1,024 6.2 and 4.3, 100,000 573 and 222.
MANY = 1024


def sigmoid(z: Array, out: Array) -> None:
    """Write 1 / (1 + exp(−z)) into ``out``; ``expit`` computes the same by a scalar loop."""
    if z.size < MANY:
        expit(z, out=out)
        return
    np.negative(z, out=out)
    np.minimum(out, 709.0 if z.dtype.itemsize == 8 else 88.0, out=out)  # exp must not overflow
    np.exp(out, out=out)
    np.add(out, 1.0, out=out)
    np.reciprocal(out, out=out)


class Logistic(Activation):
    """The logistic function σ(z) = 1 / (1 + exp(−z)), the sigmoid of the textbook.

    See Also
    --------
    Tanh : The same curve between -1 and 1.
    Activation : What activations have in common.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Logistic
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> Logistic().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[0.1192 0.6225 0.9526]] [[0.105  0.235  0.0452]]
    """

    name = "logistic"
    formula = "1 / (1 + exp(−{z}))"
    derivative_formula = "{a} · (1 − {a})"
    gain = 4.0  # σ′(0) = 1/4

    def forward(self, z: Array, out: Array) -> None:
        sigmoid(z, out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        sigmoid(z, out)
        np.subtract(1.0, out, out=slope)
        np.multiply(slope, out, out=slope)  # a (1 − a)

    def second_derivative(self, z: Array) -> Array:
        a = expit(z)
        second: Array = a * (1.0 - a) * (1.0 - 2.0 * a)
        return second


class Tanh(Activation):
    """The hyperbolic tangent: σ(z) = tanh(z).

    See Also
    --------
    Logistic : The same curve between 0 and 1.
    Activation : What activations have in common.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Tanh
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> Tanh().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[-0.964   0.4621  0.9951]] [[0.0707 0.7864 0.0099]]
    """

    name = "tanh"
    formula = "tanh({z})"
    derivative_formula = "1 − {a}²"

    def forward(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        np.tanh(z, out=out)
        np.multiply(out, out, out=slope)
        np.subtract(1.0, slope, out=slope)  # 1 − a²


class ReLU(Activation):
    """The rectified linear unit: σ(z) = max(0, z); its derivative at 0 is taken as 0.

    See Also
    --------
    LeakyReLU : With a slope below 0.
    Softplus : A smooth ReLU.
    Activation : What activations have in common.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import ReLU
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> ReLU().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[-0.   0.5  3. ]] [[0. 1. 1.]]
    """

    name = "relu"
    formula = "max(0, {z})"
    derivative_formula = "1 if {z} > 0, else 0"

    def forward(self, z: Array, out: Array) -> None:
        np.maximum(z, 0.0, out=out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        np.greater(z, 0.0, out=slope)  # 1[z > 0]
        np.multiply(z, slope, out=out)  # a product is faster than a maximum


class LeakyReLU(Activation):
    """The leaky ReLU [1]_: σ(z) = z for z > 0 and c z below.

    Parameters
    ----------
    negative_slope : float in [0, 1], default=0.01
        The slope c below 0.

    See Also
    --------
    ReLU : With c = 0.
    ELU : Bounded below.
    Activation : What activations have in common.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun, A. Y. Ng (2013). Rectifier nonlinearities improve neural
       network acoustic models. ICML workshop on deep learning for audio, speech and language.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import LeakyReLU
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> LeakyReLU(0.1).with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[-0.2  0.5  3. ]] [[0.1 1.  1. ]]
    """

    name = "leaky_relu"
    formula = "{z} if {z} > 0, else {negative_slope} · {z}"
    derivative_formula = "1 if {z} > 0, else {negative_slope}"

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def validate(self) -> None:
        self.check_number("negative_slope", 0.0, 1.0, "[]")

    def forward(self, z: Array, out: Array) -> None:
        self.with_derivative(z, out, np.empty_like(z))

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        c = float(self.negative_slope)
        np.greater(z, 0.0, out=slope)
        np.multiply(slope, 1.0 - c, out=slope)
        np.add(slope, c, out=slope)
        np.multiply(z, slope, out=out)


class ELU(Activation):
    """The exponential linear unit [1]_: σ(z) = z for z > 0 and c (exp(z) − 1) below.

    Parameters
    ----------
    c : float > 0, default=1.0
        The unit tends to −c for z → −∞.

    See Also
    --------
    SELU : With constants that keep the variance of layers.
    LeakyReLU : Linear below 0.
    Activation : What activations have in common.

    References
    ----------
    .. [1] D.-A. Clevert, T. Unterthiner, S. Hochreiter (2016). Fast and accurate deep network
       learning by exponential linear units. ICLR. https://doi.org/10.48550/arXiv.1511.07289

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import ELU
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> ELU().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[-0.8647  0.5     3.    ]] [[0.1353 1.     1.    ]]
    """

    name = "elu"
    formula = "{z} if {z} > 0, else {c} · (exp({z}) − 1)"
    derivative_formula = "1 if {z} > 0, else {a} + {c}"

    def __init__(self, c: float = 1.0) -> None:
        self.c = c

    def validate(self) -> None:
        self.check_number("c", bounds="()")

    def forward(self, z: Array, out: Array) -> None:
        self.with_derivative(z, out, np.empty_like(z))

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        c = float(self.c)
        np.minimum(z, 0.0, out=slope)
        np.expm1(slope, out=slope)
        np.multiply(slope, c, out=slope)  # c (eᶻ − 1) below 0, and 0 above
        np.maximum(z, 0.0, out=out)
        np.add(out, slope, out=out)
        np.add(slope, c, out=slope)  # a + c below 0
        np.putmask(slope, out > 0.0, 1.0)


class SELU(Activation):
    """The self-normalizing ELU [1]_: λ ELU(c) with λ = 1.0507 and c = 1.6733.

    See Also
    --------
    ELU : Without the factor λ.
    Activation : What activations have in common.

    References
    ----------
    .. [1] G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter (2017). Self-normalizing neural
       networks. NeurIPS 30. https://doi.org/10.48550/arXiv.1706.02515

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import SELU
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> SELU().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[-1.5202  0.5254  3.1521]] [[0.2379 1.0507 1.0507]]
    """

    name = "selu"
    formula = "1.0507 · ({z} if {z} > 0, else 1.6733 · (exp({z}) − 1))"
    derivative_formula = "1.0507 if {z} > 0, else {a} + 1.7581"
    _scale = 1.0507009873554804934193349852946
    _elu = ELU(1.6732632423543772848170429916717)

    def forward(self, z: Array, out: Array) -> None:
        self.with_derivative(z, out, np.empty_like(z))

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        self._elu.with_derivative(z, out, slope)
        np.multiply(out, self._scale, out=out)
        np.multiply(slope, self._scale, out=slope)


class GELU(Activation):
    """The Gaussian error linear unit [1]_: σ(z) = z Φ(z), with the exact Φ.

    See Also
    --------
    SiLU : With the logistic function in place of Φ.
    Activation : What activations have in common.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel (2016). Gaussian error linear units.
       https://doi.org/10.48550/arXiv.1606.08415

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import GELU
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> GELU().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[-0.0455  0.3457  2.996 ]] [[-0.0852  0.8675  1.0119]]
    """

    name = "gelu"
    formula = "{z} · Φ({z})"
    derivative_formula = "Φ({z}) + {z} · φ({z})"

    def forward(self, z: Array, out: Array) -> None:
        np.multiply(z, ndtr(z), out=out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        density = z * z
        np.multiply(density, -0.5, out=density)
        np.exp(density, out=density)
        np.multiply(density, 1.0 / math.sqrt(2.0 * math.pi), out=density)
        np.multiply(density, z, out=density)  # z φ(z)
        ndtr(z, out=slope)
        np.multiply(z, slope, out=out)
        np.add(slope, density, out=slope)


class SiLU(Activation):
    """The sigmoid linear unit [1]_, also called swish: σ(z) = z / (1 + exp(−z)).

    See Also
    --------
    GELU : With Φ in place of the logistic function.
    Activation : What activations have in common.

    References
    ----------
    .. [1] S. Elfwing, E. Uchibe, K. Doya (2018). Sigmoid-weighted linear units for neural network
       function approximation in reinforcement learning. Neural Networks 107, 3-11.
       https://doi.org/10.1016/j.neunet.2017.12.012

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import SiLU
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> SiLU().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[-0.2384  0.3112  2.8577]] [[-0.0908  0.74    1.0881]]
    """

    name = "silu"
    formula = "{z} / (1 + exp(−{z}))"
    derivative_formula = "s + {a} · (1 − s) with s = 1 / (1 + exp(−{z}))"

    def forward(self, z: Array, out: Array) -> None:
        np.multiply(z, expit(z), out=out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        sigmoid(z, slope)
        np.multiply(z, slope, out=out)  # a = z s
        rest = 1.0 - slope
        np.multiply(rest, out, out=rest)
        np.add(slope, rest, out=slope)  # s + a (1 − s)


def softplus(z: Array, out: Array) -> None:
    """Write log(1 + exp(z)) into ``out``; ``logaddexp(z, 0)`` does the same by a scalar loop."""
    rest = np.abs(z)
    np.negative(rest, out=rest)
    np.exp(rest, out=rest)
    np.log1p(rest, out=rest)
    np.maximum(z, 0.0, out=out)
    np.add(out, rest, out=out)  # max(z, 0) + log(1 + e^−|z|), which never overflows


class Softplus(Activation):
    """The softplus σ(z) = log(1 + exp(z)), a smooth ReLU [1]_.

    See Also
    --------
    ReLU : Its limit for large ``|z|``.
    Activation : What activations have in common.

    References
    ----------
    .. [1] C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau, R. Garcia (2000). Incorporating second-order
       functional knowledge for better option pricing. NeurIPS 13, 472-478.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Softplus
    >>> z, a, slope = np.array([[-2.0, 0.5, 3.0]]), np.empty((1, 3)), np.empty((1, 3))
    >>> Softplus().with_derivative(z, out=a, slope=slope)
    >>> print(a.round(4), slope.round(4))
    [[0.1269 0.9741 3.0486]] [[0.1192 0.6225 0.9526]]
    """

    name = "softplus"
    formula = "log(1 + exp({z}))"
    derivative_formula = "1 / (1 + exp(−{z}))"

    def forward(self, z: Array, out: Array) -> None:
        softplus(z, out)

    def with_derivative(self, z: Array, out: Array, slope: Array) -> None:
        sigmoid(z, slope)
        softplus(z, out)


class Exponential(Link):
    """The exponential a = exp(z), the mean of a count; its δ is that of the Poisson loss.

    See Also
    --------
    sklearn_neuron.losses.Poisson : The loss that it is the link of.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Exponential
    >>> z = np.array([[-1.0, 0.0, 2.0]])
    >>> Exponential().forward(z, out=z)
    >>> z.round(4)
    array([[0.3679, 1.    , 7.3891]])
    """

    name = "exponential"
    formula = "exp({z})"

    def forward(self, z: Array, out: Array) -> None:
        np.exp(z, out=out)


class Softmax(Link):
    """The softmax a_k = exp(z_k) / Σ_j exp(z_j) of a row; its δ is that of the cross-entropy.

    See Also
    --------
    sklearn_neuron.losses.CrossEntropy : The loss that it is the link of.
    Logistic : The same for two classes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Softmax
    >>> z = np.array([[-1.0, 0.0, 2.0]])
    >>> Softmax().forward(z, out=z)
    >>> z.round(4)
    array([[0.042 , 0.1142, 0.8438]])
    """

    name = "softmax"
    formula = "exp({z}) / Σ exp(z)"

    def forward(self, z: Array, out: Array) -> None:
        np.subtract(z, z.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, out.sum(axis=1, keepdims=True), out=out)


class Step(Link):
    """The step a = 1[z ≥ 0], Rosenblatt's threshold; its δ is that of the perceptron criterion.

    See Also
    --------
    sklearn_neuron.losses.Perceptron : The loss that it is the link of.
    Logistic : A smooth step.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Step
    >>> z = np.array([[-1.0, 0.0, 2.0]])
    >>> Step().forward(z, out=z)
    >>> z.round(4)
    array([[0., 1., 1.]])
    """

    name = "step"
    formula = "1 if {z} ≥ 0, else 0"

    def forward(self, z: Array, out: Array) -> None:
        np.greater_equal(z, 0.0, out=out)


#: Activations by name, as ``activation=`` takes it. A new activation needs one line here.
ACTIVATIONS: dict[str, type[Activation]] = {
    activation.name: activation
    for activation in (
        Identity, Logistic, Tanh, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Softplus,
    )
}  # fmt: skip


# ---- what fitted estimators hold -----------------------------------------------------------------

#: The links that are held by name. What users register later is not among them, because it may not
#: be registered where an estimator is loaded.
_NAMED: dict[str, type[Link]] = {
    **ACTIVATIONS,
    "exponential": Exponential,
    "softmax": Softmax,
    "step": Step,
}


def plain_links(links: Sequence[Link]) -> list[Any]:
    """Return the names of links, or copies of those that have parameters of their own.

    They are copies, because ``set_params`` may reach into the objects that the user gave.
    """
    plain: list[Any] = []
    for link in links:
        own = _NAMED.get(link.name)
        by_name = type(link) is own and (not vars(link) or vars(link) == vars(own()))
        plain.append(link.name if by_name else copy.deepcopy(link))
    return plain


def links_of(plain: Sequence[Any]) -> list[Any]:
    """Return links, given their names or themselves."""
    return [_NAMED[link]() if isinstance(link, str) else link for link in plain]
