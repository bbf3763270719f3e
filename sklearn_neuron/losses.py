r"""Losses: :math:`\ell(y, z)` of the last layer's raw output, and :math:`\delta^L`.

======================  ===========  ========================================  =====================
name                    link         :math:`\ell`, summed over the outputs     :math:`\delta^L`
======================  ===========  ========================================  =====================
squared_error           any σ        :math:`(a - y)^2`                         :math:`2(a-y)σ'(z)`
absolute_error          identity     :math:`|a - y|`                           sign of :math:`a-y`
huber                   identity     :math:`r^2/2` or :math:`c(|r| - c/2)`     :math:`r`, cut at ±c
quantile                identity     :math:`q(y-a)` or :math:`(1-q)(a-y)`      −q or 1 − q
poisson                 exponential  :math:`e^z - y z`                         :math:`a - y`
binary_cross_entropy    logistic     :math:`\log(1 + e^z) - y z`               :math:`a - y`
cross_entropy           softmax      :math:`\log \sum_j e^{z_j} - y \cdot z`   :math:`a - y`
perceptron              step         :math:`\max(0, (1 - 2y) z)`               :math:`a - y`
======================  ===========  ========================================  =====================

:math:`r = a - y`. With label smoothing ε the cross-entropies take :math:`(1-ε) y + ε/K` (and
:math:`(1-ε) y + ε/2`) for :math:`y`.

Newton's method also needs ``curvature``, :math:`h_{kl} = \partial^2 \ell / \partial z_k
\partial z_l`, and ``gauss_newton``, its positive semidefinite part:

======================  =========================================  ======================
name                    :math:`h`                                  Gauss-Newton part
======================  =========================================  ======================
squared_error           :math:`2(σ'(z)^2 + (a - y)σ''(z))`         :math:`2σ'(z)^2`
huber                   :math:`1[|r| < c]`                         :math:`h`
poisson                 :math:`a`                                  :math:`h`
binary_cross_entropy    :math:`a(1 - a)`                           :math:`h`
cross_entropy           :math:`a_k([k = l] - a_l)`                 :math:`h`
======================  =========================================  ======================

The other losses are piecewise linear and have none.

A loss owns its link, the function :math:`a = \mathrm{link}(z)` that turns the raw output
into a prediction, because the two together give :math:`\delta^L = \partial\ell/\partial z`
its simple form. Values are computed from z and not from a, so they stay exact where a rounds to
0 or 1.

Shapes: ``y``, ``z``, ``out`` and ``work`` are ``(m, K)``: m samples, K outputs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_neuron._typing import Array
from sklearn_neuron.activations import (
    Activation,
    Exponential,
    Identity,
    Link,
    Logistic,
    Softmax,
    Step,
)
from sklearn_neuron.components import Component

IDENTITY = Identity()


class Curvature(NamedTuple):
    """Second derivatives of some samples' losses, as a product with the Hessian needs them.

    Parameters
    ----------
    diagonal : ndarray of shape (m, K)
        The diagonal h_kk of each sample's K × K second derivatives.
    times : callable
        Takes t of shape (m, K), which it may overwrite, and returns h t of the same shape.

    See Also
    --------
    Loss.second_order : Returns it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import SquaredError
    >>> y, z = np.zeros((1, 2)), np.ones((1, 2))
    >>> SquaredError().second_order(y, z).times(np.array([[1.0, 3.0]]))
    array([[2., 6.]])
    """

    diagonal: Array
    times: Callable[[Array], Array]


def curvature_of(h: Array | None) -> Curvature | None:
    """Return second derivatives (m, K) or (m, K, K) as a diagonal and a product."""
    if h is None:
        return None
    if h.ndim == 2:
        return Curvature(h, lambda t: np.multiply(h, t, out=t))
    return Curvature(np.einsum("ikk->ik", h), lambda t: np.einsum("ikl,il->ik", h, t))


class Loss(Component):
    """A loss per sample, with its link and its derivative with respect to z.

    See Also
    --------
    SquaredError : The default of regressors.
    CrossEntropy : The default of classifiers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron import ManualMLPRegressor
    >>> from sklearn_neuron.activations import Identity
    >>> from sklearn_neuron.losses import Loss
    >>> class FourthPower(Loss):
    ...     link = Identity()
    ...     def value(self, y, z):
    ...         return ((z - y) ** 4).sum(axis=1)
    ...     def delta(self, y, z, out, work):
    ...         out[...] = 4.0 * (z - y) ** 3
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 0.0, 3.0]
    >>> line = ManualMLPRegressor((), loss=FourthPower(), solver="lbfgs", tol=1e-8).fit(X, y)
    >>> line.predict(X).round(2)
    array([-0.66,  0.84,  2.34])
    """

    #: ℓ of one output in words of one line, for the explorer: it writes numbers for ``{z}``,
    #: ``{a}``, ``{y}`` and ``{r}`` = a − y, and the hyper-parameters for their names. None where
    #: there is none.
    formula: str | None = None
    #: δ of one output like ``formula``; ``{slope}`` is σ′(z) of the link.
    delta_formula: str | None = None
    #: True where ``solved`` can be True, so that training may end by it.
    solvable: bool = False
    #: True where targets must not be negative, as scikit-learn's tag ``positive_only`` says.
    positive_only: bool = False

    @property
    @abstractmethod
    def link(self) -> Link:
        """The link, an instance: a class attribute, which ``__init__`` may replace."""

    @abstractmethod
    def value(self, y: Array, z: Array) -> Array:
        """Return the loss of each sample, summed over the outputs.

        Parameters
        ----------
        y : ndarray of shape (m, K)
            Targets: m samples, K outputs.
        z : ndarray of shape (m, K)
            Raw outputs of the last layer.

        Returns
        -------
        ndarray of shape (m,)
            The losses.
        """

    def delta(self, y: Array, z: Array, out: Array, work: Array) -> None:
        """Write δ = ∂ℓ/∂z into ``out``.

        Parameters
        ----------
        y : ndarray of shape (m, K)
            Targets: m samples, K outputs.
        z : ndarray of shape (m, K)
            Raw outputs of the last layer.
        out : ndarray of shape (m, K)
            Gets δ.
        work : ndarray of shape (m, K)
            May be overwritten.
        """
        self.link.forward(z, out=out)  # a = link(z)
        np.subtract(out, y, out=out)  # a − y, for every loss with its canonical link

    def curvature(self, y: Array, z: Array) -> Array | None:
        """Return ∂²ℓ/∂z² of each sample, for Newton's method; None where there is none.

        Parameters
        ----------
        y : ndarray of shape (m, K)
            Targets: m samples, K outputs.
        z : ndarray of shape (m, K)
            Raw outputs of the last layer.

        Returns
        -------
        ndarray of shape (m, K) or (m, K, K), or None
            It has two dimensions where ℓ is a sum over the outputs.
        """
        return None

    def gauss_newton(self, y: Array, z: Array) -> Array | None:
        """Return the positive semidefinite part of ``curvature``: all of it where ℓ is convex.

        Parameters
        ----------
        y : ndarray of shape (m, K)
            Targets: m samples, K outputs.
        z : ndarray of shape (m, K)
            Raw outputs of the last layer.

        Returns
        -------
        ndarray of shape (m, K) or (m, K, K), or None
            As ``curvature``.
        """
        return self.curvature(y, z)

    def second_order(self, y: Array, z: Array) -> Curvature | None:
        """Return ``curvature`` as its diagonal and its product with vectors, for newton-cg.

        Parameters
        ----------
        y : ndarray of shape (m, K)
            Targets: m samples, K outputs.
        z : ndarray of shape (m, K)
            Raw outputs of the last layer.

        Returns
        -------
        Curvature or None
            The two; None where there is none.
        """
        return curvature_of(self.curvature(y, z))

    def solved(self, y: Array, z: Array) -> bool:
        """Return whether these samples leave nothing to learn; for most losses never.

        Parameters
        ----------
        y : ndarray of shape (m, K)
            Targets: m samples, K outputs.
        z : ndarray of shape (m, K)
            Raw outputs of the last layer.

        Returns
        -------
        bool
            Whether training may end.
        """
        return False

    def check_target(self, y: Array) -> None:
        """Raise a ValueError unless the loss is defined for these targets.

        Parameters
        ----------
        y : ndarray of shape (m, K)
            Targets: m samples, K outputs.
        """

    def in_units_of(self, scale: float) -> tuple[Loss, float] | None:
        """Return the loss for targets and outputs in units of ``scale``, and its own unit.

        With them ``ℓ(y, z)`` is the unit times the returned loss of ``y / scale`` and
        ``z / scale``.

        Parameters
        ----------
        scale : float
            The unit of targets and outputs.

        Returns
        -------
        tuple of Loss and float, or None
            The loss and its unit; None where no loss is.
        """
        return None

    def for_independent_outputs(self) -> Loss:
        """Return the loss for outputs that are independent probabilities, or for a single one.

        Returns
        -------
        Loss
            For most losses itself.
        """
        return self


class SquaredError(Loss):
    """Squared error (a − y)² behind any elementwise link.

    With the identity it is the loss of regression; with the logistic link it is the
    sigmoid neuron of the textbook.

    Parameters
    ----------
    link : Activation, default=Identity()
        The function that makes predictions of z.

    See Also
    --------
    Huber : Linear for large residuals.
    BinaryCrossEntropy : For targets between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import SquaredError
    >>> y, z = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    >>> loss, delta = SquaredError(), np.empty((2, 1))
    >>> loss.delta(y, z, out=delta, work=np.empty((2, 1)))
    >>> print(loss.value(y, z).round(4), delta.ravel().round(4))
    [4. 1.] [4. 2.]
    """

    name = "squared_error"
    formula = "({a} − {y})²"
    delta_formula = "2 · ({a} − {y}) · {slope}"
    link: Activation = IDENTITY

    def __init__(self, link: Activation = IDENTITY) -> None:
        self.link = link

    def in_units_of(self, scale: float) -> tuple[Loss, float] | None:
        own = type(self) is SquaredError and self.link == IDENTITY
        return (self, scale * scale) if own else None

    def validate(self) -> None:
        if not isinstance(self.link, Activation):
            raise TypeError(f"link of SquaredError must be an Activation; got {self.link!r}.")

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

    def curvature(self, y: Array, z: Array) -> Array | None:
        second = self.link.second_derivative(z)
        if second is None:
            return None
        a, slope = np.empty_like(z), np.empty_like(z)
        self.link.with_derivative(z, out=a, slope=slope)
        h: Array = 2.0 * (slope * slope + (a - y) * second)  # 2 (σ′² + (a − y) σ″)
        return h

    def gauss_newton(self, y: Array, z: Array) -> Array:
        a, slope = np.empty_like(z), np.empty_like(z)
        self.link.with_derivative(z, out=a, slope=slope)
        h: Array = 2.0 * slope * slope
        return h


class AbsoluteError(Loss):
    """Absolute error ``|a − y|``: its minimizer is the median, which no single sample can pull far.

    See Also
    --------
    Quantile : The same for other quantiles than the median.
    Huber : Quadratic for small residuals.

    References
    ----------
    .. [1] R. Koenker, G. Bassett (1978). Regression quantiles. Econometrica 46(1), 33-50.
       https://doi.org/10.2307/1913643

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import AbsoluteError
    >>> y, z = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    >>> loss, delta = AbsoluteError(), np.empty((2, 1))
    >>> loss.delta(y, z, out=delta, work=np.empty((2, 1)))
    >>> print(loss.value(y, z).round(4), delta.ravel().round(4))
    [2. 1.] [1. 1.]
    """

    name = "absolute_error"
    formula = "|{a} − {y}|"
    delta_formula = "sign({a} − {y})"
    link = IDENTITY

    def in_units_of(self, scale: float) -> tuple[Loss, float] | None:
        return (self, scale) if type(self) is AbsoluteError else None

    def value(self, y: Array, z: Array) -> Array:
        value: Array = np.abs(z - y).sum(axis=1)
        return value

    def delta(self, y: Array, z: Array, out: Array, work: Array) -> None:
        np.subtract(z, y, out=out)
        np.sign(out, out=out)


class Huber(Loss):
    """Huber's loss [1]_: ``r²/2`` where ``|r| ≤ c`` and ``c (|r| − c/2)`` beyond, with r = a − y.

    Parameters
    ----------
    threshold : float > 0, default=1.0
        The threshold c, in units of the target: residuals beyond it count linearly.

    See Also
    --------
    SquaredError : Its limit for a large threshold, times two.
    AbsoluteError : Its limit for a small threshold, over the threshold.

    References
    ----------
    .. [1] P. J. Huber (1964). Robust estimation of a location parameter. The Annals of
       Mathematical Statistics 35(1), 73-101. https://doi.org/10.1214/aoms/1177703732

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import Huber
    >>> y, z = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    >>> loss, delta = Huber(threshold=0.5), np.empty((2, 1))
    >>> loss.delta(y, z, out=delta, work=np.empty((2, 1)))
    >>> print(loss.value(y, z).round(4), delta.ravel().round(4))
    [0.875 0.375] [0.5 0.5]
    """

    name = "huber"
    formula = "{r}² / 2 if |{r}| ≤ {threshold}, else {threshold} · (|{r}| − {threshold} / 2)"
    delta_formula = "{r}, cut at ±{threshold}"
    link = IDENTITY

    def __init__(self, threshold: float = 1.0) -> None:
        self.threshold = threshold

    def in_units_of(self, scale: float) -> tuple[Loss, float] | None:
        threshold = float(self.threshold) / scale
        return (Huber(threshold), scale * scale) if type(self) is Huber else None

    def validate(self) -> None:
        self.check_number("threshold", bounds="()")

    def value(self, y: Array, z: Array) -> Array:
        c, r = float(self.threshold), np.abs(z - y)
        inner = np.minimum(r, c)  # inner (r − inner/2) is r²/2 within and c (r − c/2) beyond
        value: Array = (inner * (r - 0.5 * inner)).sum(axis=1)
        return value

    def delta(self, y: Array, z: Array, out: Array, work: Array) -> None:
        c = float(self.threshold)
        np.subtract(z, y, out=out)
        np.clip(out, -c, c, out=out)

    def curvature(self, y: Array, z: Array) -> Array:
        return (np.abs(z - y) < float(self.threshold)).astype(z.dtype)


class Quantile(Loss):
    """The pinball loss [1]_: q (y − a) where a < y, (1 − q) (a − y) elsewhere.

    Parameters
    ----------
    quantile : float in (0, 1), default=0.5
        The quantile q that minimizes it; ½ gives half the absolute error.

    See Also
    --------
    AbsoluteError : Twice the loss of the median.

    References
    ----------
    .. [1] R. Koenker, G. Bassett (1978). Regression quantiles. Econometrica 46(1), 33-50.
       https://doi.org/10.2307/1913643

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import Quantile
    >>> y, z = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    >>> loss, delta = Quantile(0.9), np.empty((2, 1))
    >>> loss.delta(y, z, out=delta, work=np.empty((2, 1)))
    >>> print(loss.value(y, z).round(4), delta.ravel().round(4))
    [0.2 0.1] [0.1 0.1]
    """

    name = "quantile"
    formula = "{quantile} · ({y} − {a}) if {a} < {y}, else (1 − {quantile}) · ({a} − {y})"
    delta_formula = "−{quantile} if {a} < {y}, else 1 − {quantile}"
    link = IDENTITY

    def __init__(self, quantile: float = 0.5) -> None:
        self.quantile = quantile

    def in_units_of(self, scale: float) -> tuple[Loss, float] | None:
        return (self, scale) if type(self) is Quantile else None

    def validate(self) -> None:
        self.check_number("quantile", 0.0, 1.0, "()")

    def value(self, y: Array, z: Array) -> Array:
        r, q = z - y, float(self.quantile)
        value: Array = np.maximum((1.0 - q) * r, -q * r).sum(axis=1)
        return value

    def delta(self, y: Array, z: Array, out: Array, work: Array) -> None:
        np.greater_equal(z, y, out=out)
        np.subtract(out, float(self.quantile), out=out)


class Poisson(Loss):
    """The negative log-likelihood of Poisson counts with mean a = exp(z), up to a constant.

    The constant, log(y!), does not depend on z. Up to another constant it is half the Poisson
    deviance [1]_.

    See Also
    --------
    SquaredError : For targets that may be negative.

    References
    ----------
    .. [1] P. McCullagh, J. A. Nelder (1989). Generalized linear models, second edition, chapter 6.
       https://doi.org/10.1201/9780203753736

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import Poisson
    >>> y, z = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    >>> loss, delta = Poisson(), np.empty((2, 1))
    >>> loss.delta(y, z, out=delta, work=np.empty((2, 1)))
    >>> print(loss.value(y, z).round(4), delta.ravel().round(4))
    [7.3891 5.3891] [7.3891 6.3891]
    """

    name = "poisson"
    formula = "{a} − {y} · {z}"
    delta_formula = "{a} − {y}"
    link = Exponential()
    positive_only = True

    def value(self, y: Array, z: Array) -> Array:
        value: Array = (np.exp(z) - y * z).sum(axis=1)
        return value

    def curvature(self, y: Array, z: Array) -> Array:
        h: Array = np.exp(z)
        return h

    def check_target(self, y: Array) -> None:
        if (y < 0).any():
            raise ValueError(f"The Poisson loss is for targets >= 0; got {float(y.min())!r}.")


class BinaryCrossEntropy(Loss):
    """−y log a − (1 − y) log(1 − a), a = σ(z); one or several independent outputs.

    Targets between 0 and 1 are allowed: with fractions it is the fractional logit [1]_.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        With ε > 0 the target becomes (1 − ε) y + ε/2 [2]_.

    See Also
    --------
    CrossEntropy : For classes that exclude each other.

    References
    ----------
    .. [1] L. E. Papke, J. M. Wooldridge (1996). Econometric methods for fractional response
       variables. Journal of Applied Econometrics 11(6), 619-632.
       https://doi.org/10.1002/(SICI)1099-1255(199611)11:6<619::AID-JAE418>3.0.CO;2-1
    .. [2] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna (2016). Rethinking the inception
       architecture for computer vision. CVPR. https://doi.org/10.1109/CVPR.2016.308

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import BinaryCrossEntropy
    >>> y, z = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    >>> loss, delta = BinaryCrossEntropy(), np.empty((2, 1))
    >>> loss.delta(y, z, out=delta, work=np.empty((2, 1)))
    >>> print(loss.value(y, z).round(4), delta.ravel().round(4))
    [2.1269 0.1269] [ 0.8808 -0.1192]
    """

    name = "binary_cross_entropy"
    formula = "−{y} · log({a}) − (1 − {y}) · log(1 − {a})"
    delta_formula = "{a} − {y}"
    link = Logistic()

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def validate(self) -> None:
        self.check_number("label_smoothing", 0.0, 1.0)

    def value(self, y: Array, z: Array) -> Array:
        y = smooth(y, self.label_smoothing, 2)
        # log(1 + eᶻ) − y z = max(z, 0) − y z + log(1 + e^−|z|), which never overflows
        value = np.abs(z)
        np.negative(value, out=value)
        np.exp(value, out=value)
        np.log1p(value, out=value)
        rest = np.maximum(z, 0.0)
        rest -= y * z  # this difference first: it may be exactly 0
        value += rest
        total: Array = value[:, 0] if value.shape[1] == 1 else value.sum(axis=1)
        return total

    def delta(self, y: Array, z: Array, out: Array, work: Array) -> None:
        super().delta(smooth(y, self.label_smoothing, 2), z, out, work)

    def curvature(self, y: Array, z: Array) -> Array:
        a, h = np.empty_like(z), np.empty_like(z)
        self.link.with_derivative(z, out=a, slope=h)  # a (1 − a)
        return h

    def check_target(self, y: Array) -> None:
        if (y < 0).any() or (y > 1).any():
            raise ValueError(
                "The binary cross-entropy is for targets between 0 and 1; got a range of "
                f"({float(y.min())!r}, {float(y.max())!r})."
            )


class CrossEntropy(Loss):
    """−Σ_k y_k log a_k, a = softmax(z); the rows of y sum to one.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        With ε > 0 the target becomes (1 − ε) y + ε/K [1]_.

    See Also
    --------
    BinaryCrossEntropy : For one or several independent outputs.

    References
    ----------
    .. [1] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna (2016). Rethinking the inception
       architecture for computer vision. CVPR. https://doi.org/10.1109/CVPR.2016.308

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import CrossEntropy
    >>> y, z = np.array([[0.0, 1.0, 0.0]]), np.array([[2.0, 1.0, 0.0]])
    >>> loss, delta = CrossEntropy(), np.empty((1, 3))
    >>> loss.delta(y, z, out=delta, work=np.empty((1, 3)))
    >>> print(loss.value(y, z).round(4), delta.round(4))
    [1.4076] [[ 0.6652 -0.7553  0.09  ]]
    """

    name = "cross_entropy"
    formula = "−{y} · log({a})"
    delta_formula = "{a} − {y}"
    link = Softmax()

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def validate(self) -> None:
        self.check_number("label_smoothing", 0.0, 1.0)

    def for_independent_outputs(self) -> Loss:
        own = type(self) is not CrossEntropy  # a subclass is taken as it is
        return self if own else BinaryCrossEntropy(self.label_smoothing)

    def value(self, y: Array, z: Array) -> Array:
        y = smooth(y, self.label_smoothing, y.shape[1])
        shifted = z - z.max(axis=1, keepdims=True)
        value: Array = np.log(np.exp(shifted).sum(axis=1))
        value -= np.einsum("ij,ij->i", y, shifted)
        return value

    def delta(self, y: Array, z: Array, out: Array, work: Array) -> None:
        super().delta(smooth(y, self.label_smoothing, y.shape[1]), z, out, work)

    def curvature(self, y: Array, z: Array) -> Array:
        a = np.empty_like(z)
        self.link.forward(z, out=a)
        h: Array = -a[:, :, None] * a[:, None, :]  # a_k ([k = l] − a_l)
        k = np.arange(a.shape[1])
        h[:, k, k] = a * (1.0 - a)
        return h

    def second_order(self, y: Array, z: Array) -> Curvature:
        """Return ``curvature`` without its K × K numbers of each sample.

        The product is h t = a (t − Σ_l a_l t_l).

        Parameters
        ----------
        y : ndarray of shape (m, K)
            Targets: m samples, K outputs.
        z : ndarray of shape (m, K)
            Raw outputs of the last layer.

        Returns
        -------
        Curvature
            Its diagonal and its product with vectors.
        """
        a = np.empty_like(z)
        self.link.forward(z, out=a)

        def times(t: Array) -> Array:
            t -= np.einsum("ik,ik->i", a, t)[:, None]
            t *= a
            return t

        return Curvature(a * (1.0 - a), times)


def smooth(y: Array, epsilon: float, n_classes: int) -> Array:
    """Return (1 − ε) y + ε / K; y itself without smoothing."""
    if not epsilon:
        return y
    smoothed: Array = y * (1.0 - float(epsilon)) + float(epsilon) / n_classes
    return smoothed


class Perceptron(Loss):
    """The perceptron criterion max(0, (1 − 2y) z): how far a misclassified sample is off.

    Its gradient step on one sample is Rosenblatt's rule w ← w + η (y − ŷ) x with
    ŷ = 1[z ≥ 0] [1]_.

    See Also
    --------
    BinaryCrossEntropy : With probabilities.

    References
    ----------
    .. [1] F. Rosenblatt (1958). The perceptron: a probabilistic model for information
       storage and organization in the brain. Psychological Review 65(6), 386-408.
       https://doi.org/10.1037/h0042519

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.losses import Perceptron
    >>> y, z = np.array([[0.0], [1.0]]), np.array([[2.0], [2.0]])
    >>> loss, delta = Perceptron(), np.empty((2, 1))
    >>> loss.delta(y, z, out=delta, work=np.empty((2, 1)))
    >>> print(loss.value(y, z).round(4), delta.ravel().round(4))
    [2. 0.] [1. 0.]
    """

    name = "perceptron"
    formula = "max(0, (1 − 2 · {y}) · {z})"
    delta_formula = "{a} − {y}"
    link = Step()
    solvable = True

    def value(self, y: Array, z: Array) -> Array:
        value: Array = np.maximum((1.0 - 2.0 * y) * z, 0.0).sum(axis=1)
        return value

    def solved(self, y: Array, z: Array) -> bool:
        return bool(((z >= 0.0) == (y > 0.5)).all())  # not one mistake


#: Losses by name, as ``loss=`` takes it. A new loss needs one line here.
LOSSES: dict[str, type[Loss]] = {
    loss.name: loss
    for loss in (
        SquaredError, AbsoluteError, Huber, Quantile, Poisson,
        BinaryCrossEntropy, CrossEntropy, Perceptron,
    )
}  # fmt: skip
