"""Accuracy of the compiled core's functions, in units in the last place, against ``decimal``.

A network with one sample, x = 1, and one hidden unit for each z returns them all: of the absolute
error δ is 1, so the gradient of the last weights is σ(z), and that of the first biases is σ′(z).
"""

from decimal import Context, Decimal, localcontext

import numpy as np
import pytest

from sklearn_neuron import SGD
from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.compiled import core_fit
from sklearn_neuron._engine.epochs import Updater
from sklearn_neuron.activations import ACTIVATIONS
from sklearn_neuron.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Poisson
from sklearn_neuron.network import Network

pytestmark = pytest.mark.needs_core
#: Largest relative error of σ, in units in the last place, and largest error of σ′ in units in the
#: last place of 1: it is computed from σ where that is possible, and so has the digits of 1 − σ.
#: Measured on 13,000 numbers, both precisions and three instruction sets, then rounded up.
LIMITS = {
    "identity": (0.0, 0.0),
    "logistic": (2.5, 1.0),
    "tanh": (3.0, 3.0),
    "relu": (0.0, 0.0),
    "leaky_relu": (1.0, 0.5),
    "elu": (2.0, 0.6),
    "selu": (3.5, 2.0),
    "gelu": (5.0, 2.0),
    "silu": (2.5, 1.5),
    "softplus": (3.5, 1.0),
}
#: The same of the losses: relative errors of exp and of the logistic function as δ, and of log.
EXP, PROBABILITY, LOSS = 1.4, 2.5, 3.5

DTYPES = np.float64, np.float32
HALF, ONE = Decimal("0.5"), Decimal(1)
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")


# ---- references, of 50 digits --------------------------------------------------------------------


def expm1(x):
    return x + x * x / 2 + x**3 / 6 if abs(x) < Decimal("1e-15") else x.exp() - 1


def log1p(x):
    return x - x * x / 2 + x**3 / 3 if abs(x) < Decimal("1e-15") else (1 + x).ln()


def logistic(z):
    return z.exp() / (1 + z.exp()) if z < 0 else 1 / (1 + (-z).exp())


def tanh(z):
    return expm1(2 * z) / (expm1(2 * z) + 2)


def cdf(z):
    """Return Φ(z) of the normal distribution: Taylor's series, or a continued fraction beyond 3."""
    if z > 0:
        return 1 - cdf(-z)
    if z > -3:
        term = total = z
        for k in range(1, 80):
            term *= -z * z / (2 * k)
            total += term / (2 * k + 1)
        return HALF + total / (2 * PI).sqrt()
    fraction = -z
    for k in range(300, 0, -1):
        fraction = k / fraction - z
    return density(z) / fraction


def density(z):
    return (-z * z / 2).exp() / (2 * PI).sqrt()


def elu(z, c=ONE, scale=ONE):
    return scale * (z if z > 0 else c * expm1(z)), scale * (ONE if z > 0 else c * z.exp())


SELU = Decimal("1.6732632423543772848170429916717"), Decimal("1.0507009873554804934193349852946")
#: σ and σ′.
REFERENCES = {
    "identity": lambda z: (z, ONE),
    "logistic": lambda z: (logistic(z), logistic(z) * logistic(-z)),
    "tanh": lambda z: (tanh(z), 4 * logistic(2 * z) * logistic(-2 * z)),
    "relu": lambda z: (max(z, 0 * z), Decimal(int(z > 0))),
    "leaky_relu": lambda z: (z, ONE) if z > 0 else (Decimal("0.01") * z, Decimal("0.01")),
    "elu": elu,
    "selu": lambda z: elu(z, *SELU),
    "gelu": lambda z: (z * cdf(z), cdf(z) + z * density(z)),
    "silu": lambda z: (z * logistic(z), logistic(z) * (1 + z * logistic(-z))),
    "softplus": lambda z: (max(z, 0 * z) + log1p((-abs(z)).exp()), logistic(z)),
}


def points(dtype):
    """Return numbers of all sizes: around 0, where the functions are curved, far out, and tiny."""
    rng = np.random.RandomState(0)
    z = [rng.uniform(-size, size, 150) for size in (0.3, 3.0, 10.0, 40.0, 90.0, 800.0)]
    z += [sign * 10.0 ** rng.uniform(-30, 0, 50) for sign in (-1, 1)]
    return np.concatenate([*z, [-5.0, -1.0, -0.5, 0.5, 1.0, 5.0]]).astype(dtype)


def expected_of(function, z):
    with localcontext(Context(prec=50)):
        return [function(Decimal(float(number))) for number in z]


def errors(found, expected, dtype, least=None):
    """Return errors in units in the last place of the result, or of ``least`` if that is larger.

    By default it is a number so small that the core may return it for 0.
    """
    info = np.finfo(dtype)
    least = 1e4 * float(info.tiny / info.eps) if least is None else least
    with localcontext(Context(prec=50)):
        off = [float(Decimal(float(f)) - e) for f, e in zip(found, expected, strict=True)]
    sizes = np.maximum(np.abs(np.array(expected, dtype=float)), least)
    return np.abs(off) / np.spacing(sizes.astype(dtype)).astype(float)


# ---- what the core computes ----------------------------------------------------------------------


def evaluate(network, Y, n=1):
    """Return the objective of samples that are 1, and leave its gradient in the network."""
    samples = Samples(np.ones((n, 1), network.dtype), Y.repeat(n, axis=0), None)
    return core_fit(Updater(network, SGD(), {}), samples, None, None).objective()


def activation_and_slope(name, z):
    network = Network([1, len(z), 1], [ACTIVATIONS[name]()], AbsoluteError(), dtype=z.dtype)
    network.W[0][:], network.W[1][:] = z, 1.0
    evaluate(network, np.full((1, 1), -1e30, z.dtype))
    return network.dW[1][:, 0], network.db[0]


def loss_and_delta(loss, z, n=1):
    """Return the loss of outputs z, whose targets are 0 but for the last of a softmax, and δ."""
    network, Y = Network([1, len(z)], [], loss, dtype=z.dtype), np.zeros((1, len(z)), z.dtype)
    Y[0, -1] = isinstance(loss, CrossEntropy)
    network.W[0][:] = z
    return evaluate(network, Y, n), network.db[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REFERENCES)
def test_activations_are_accurate(name, dtype):
    z = points(dtype)
    expected = expected_of(REFERENCES[name], z)
    a, slope = activation_and_slope(name, z)
    limit, limit_of_slope = LIMITS[name]
    assert errors(a, [both[0] for both in expected], dtype).max() <= limit
    assert errors(slope, [both[1] for both in expected], dtype, 1.0).max() <= limit_of_slope


def test_every_activation_of_the_core_has_a_limit():
    own = {
        name for name, cls in ACTIVATIONS.items() if cls.__module__ == "sklearn_neuron.activations"
    }
    assert own == set(REFERENCES) == set(LIMITS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponential_is_accurate(dtype):
    """The mean of a count, up to where it overflows."""
    z = points(dtype)
    z = z[z < np.log(np.finfo(dtype).max) - 1]
    expected = expected_of(Decimal.exp, z)
    assert errors(loss_and_delta(Poisson(), z)[1], expected, dtype).max() <= EXP


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_cross_entropy_of_one_output_is_accurate(dtype):
    """Also where it is tiny, and as the logarithm of a product: of all outputs together."""
    z = points(dtype)
    together, delta = loss_and_delta(BinaryCrossEntropy(), z)
    assert errors(delta, expected_of(logistic, z), dtype).max() <= PROBABILITY
    losses = [loss_and_delta(BinaryCrossEntropy(), z[i : i + 1])[0] for i in range(len(z))]
    expected = expected_of(lambda z: REFERENCES["softplus"](z)[0], z)
    assert errors(losses, expected, dtype).max() <= LOSS
    assert errors([together], [sum(expected)], dtype)[0] <= LOSS


@pytest.mark.parametrize("n", [1, 16])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_cross_entropy_of_a_softmax_is_accurate(dtype, n):
    """Of one sample and of packs of samples. It is a difference, so tiny ones have fewer digits."""
    z = points(dtype)
    pairs = [loss_and_delta(CrossEntropy(), np.array([x, 0], dtype), n) for x in z]
    probabilities = [delta[0] for _, delta in pairs]
    assert errors(probabilities, expected_of(logistic, z), dtype).max() <= PROBABILITY
    expected = expected_of(lambda z: REFERENCES["softplus"](z)[0], z)
    assert errors([loss for loss, _ in pairs], expected, dtype, 1.0).max() <= LOSS
