"""Forward and backward once more, out of place and by the book: the oracle for the fast network.

Everything here is written from the formulas, and shares no code with the package. A component that
is not the package's own is taken from its registry: differences alone tell whether it is right.
"""

import numpy as np
from scipy.special import expit, softmax
from scipy.stats import norm

from sklearn_neuron.activations import ACTIVATIONS
from sklearn_neuron.losses import LOSSES


def registered_sigma(name, z):
    """Return σ(z) and σ′(z) of an activation without a formula here, which no built-in one is."""
    assert ACTIVATIONS[name].__module__ != "sklearn_neuron.activations", f"a formula of {name}"
    z = np.asarray(z, dtype=np.float64)
    value, slope, unused = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    ACTIVATIONS[name]().forward(z, value)
    ACTIVATIONS[name]().with_derivative(z, unused, slope)
    return value, slope


def registered_loss(name, y, z):
    """Return ℓ of each sample and ∂ℓ/∂z of a loss without a formula here."""
    assert LOSSES[name].__module__ != "sklearn_neuron.losses", f"a formula of {name}"
    loss, delta = LOSSES[name](), np.empty_like(z)
    loss.delta(y, z, delta, np.empty_like(z))
    return loss.value(y, z), delta


def sigma(name, z):  # noqa: PLR0911
    """Return σ(z) and σ′(z)."""
    if name == "identity":
        return z, np.ones_like(z)
    if name == "logistic":
        return expit(z), expit(z) * expit(-z)
    if name == "tanh":
        return np.tanh(z), 1.0 / np.cosh(z) ** 2
    if name == "relu":
        return np.where(z > 0, z, 0.0), np.where(z > 0, 1.0, 0.0)
    if name == "leaky_relu":
        return np.where(z > 0, z, 0.01 * z), np.where(z > 0, 1.0, 0.01)
    if name == "elu":
        return np.where(z > 0, z, np.expm1(z)), np.where(z > 0, 1.0, np.exp(z))
    if name == "selu":
        scale, c = 1.0507009873554805, 1.6732632423543772
        return (
            scale * np.where(z > 0, z, c * np.expm1(z)),
            scale * np.where(z > 0, 1.0, c * np.exp(z)),
        )
    if name == "gelu":
        return z * norm.cdf(z), norm.cdf(z) + z * norm.pdf(z)
    if name == "silu":
        s = expit(z)
        return z * s, s * (1 + z * (1 - s))
    if name == "softplus":
        return np.logaddexp(0, z), expit(z)
    return registered_sigma(name, z)


def loss_and_delta(loss, link, y, z):  # noqa: PLR0911
    """Return ℓ of each row and ∂ℓ/∂z."""
    if loss == "squared_error":
        a, slope = sigma(link, z)
        return ((a - y) ** 2).sum(axis=1), 2 * (a - y) * slope
    r = z - y
    if loss == "absolute_error":
        return np.abs(r).sum(axis=1), np.sign(r)
    if loss == "huber":  # with threshold 1
        value = np.where(np.abs(r) <= 1, r**2 / 2, np.abs(r) - 0.5)
        return value.sum(axis=1), np.where(np.abs(r) <= 1, r, np.sign(r))
    if loss == "quantile":  # the median
        return 0.5 * np.abs(r).sum(axis=1), np.where(r >= 0, 0.5, -0.5)
    if loss == "poisson":
        return (np.exp(z) - y * z).sum(axis=1), np.exp(z) - y
    if loss == "binary_cross_entropy":
        return (np.logaddexp(0, z) - y * z).sum(axis=1), expit(z) - y
    if loss == "cross_entropy":
        p = softmax(z, axis=1)
        return -(y * np.log(p)).sum(axis=1), p - y
    if loss == "perceptron":
        step = np.where(z >= 0, 1.0, 0.0)
        return np.where(step != y, np.abs(z), 0.0).sum(axis=1), step - y
    return registered_loss(loss, y, z)


def objective_and_gradients(X, y, s, coefs, intercepts, activation, loss, link, alpha):
    """Return Σ sᵢ ℓᵢ / Σ sᵢ + (alpha/2) ‖W‖², its ∂W and its ∂b."""
    a, slopes = [X], []
    for W, b in zip(coefs[:-1], intercepts[:-1], strict=True):
        value, slope = sigma(activation, a[-1] @ W + b)
        a.append(value)
        slopes.append(slope)
    value, delta = loss_and_delta(loss, link, y, a[-1] @ coefs[-1] + intercepts[-1])
    share = s / s.sum()
    objective = share @ value + 0.5 * alpha * sum((W**2).sum() for W in coefs)
    delta = delta * share[:, None]
    dW, db = [], []
    for l in reversed(range(len(coefs))):
        dW.insert(0, a[l].T @ delta + alpha * coefs[l])
        db.insert(0, delta.sum(axis=0))
        if l:
            delta = (delta @ coefs[l].T) * slopes[l - 1]
    return objective, dW, db
