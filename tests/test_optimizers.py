"""Optimizers against steps computed by hand; that they keep nothing and allocate nothing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from sklearn_neuron.optimizers import OPTIMIZERS, SGD, Adam

GRADIENTS = [np.array([1.0, -2.0]), np.array([0.5, 3.0]), np.array([-1.0, 0.25])]


def directions(optimizer, gradients=GRADIENTS):
    state, result = optimizer.init(gradients[0]), []
    for gradient in gradients:
        grad = gradient.copy()
        optimizer.update(grad, state)
        result.append(grad)
    return np.array(result)


def test_sgd_is_the_gradient():
    assert_allclose(directions(SGD()), GRADIENTS, rtol=0)


def test_momentum():
    g1, g2, g3 = GRADIENTS
    v1, v2 = g1, 0.9 * g1 + g2
    v3 = 0.9 * v2 + g3
    assert_allclose(directions(SGD(momentum=0.9)), [v1, v2, v3], rtol=1e-14)
    looking_ahead = [g1 + 0.9 * v1, g2 + 0.9 * v2, g3 + 0.9 * v3]
    assert_allclose(directions(SGD(momentum=0.9, nesterov=True)), looking_ahead, rtol=1e-14)


def test_adam():
    m = v = np.zeros(2)
    expected = []
    for t, g in enumerate(GRADIENTS, start=1):
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        expected.append((m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-4))
    result = directions(Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-4))
    assert_allclose(result, expected, rtol=1e-12)
    assert_allclose(np.abs(directions(Adam())[0]), 1.0, rtol=1e-7)  # the first step has length η


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_dtype_stays(name, dtype):
    theta = np.ones(3, dtype)
    optimizer = OPTIMIZERS[name]()
    state, grad = optimizer.init(theta), theta.copy()
    optimizer.update(grad, state)
    assert grad.dtype == dtype
    assert all(a.dtype == dtype for a in state.values() if isinstance(a, np.ndarray))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_recipe_keeps_no_state(name):
    optimizer = OPTIMIZERS[name]()
    before = vars(optimizer).copy()
    assert_allclose(directions(optimizer), directions(optimizer), rtol=0)
    assert vars(optimizer) == before


def test_recipes_follow_the_protocol_of_parameters():
    optimizer = SGD(momentum=0.5)
    assert optimizer.get_params() == {"momentum": 0.5, "nesterov": False}
    assert clone(optimizer) == optimizer
    assert clone(optimizer) is not optimizer
    assert optimizer != SGD()
    assert optimizer != Adam()
    assert len({optimizer, SGD(0.5), SGD(), Adam()}) == 3
    assert repr(optimizer) == "SGD(momentum=0.5, nesterov=False)"
    assert optimizer.set_params(momentum=0.1).momentum == 0.1
    with pytest.raises(ValueError, match="Invalid parameter 'speed' for SGD"):
        optimizer.set_params(speed=1)


@pytest.mark.parametrize(
    ("optimizer", "error", "match"),
    [
        (SGD(momentum=1.0), ValueError, r"momentum of SGD must be a number in \[0, 1\); got 1.0"),
        (SGD(momentum=-0.1), ValueError, "momentum"),
        (SGD(momentum=np.nan), ValueError, "momentum"),
        (SGD(momentum="0.9"), TypeError, "momentum"),
        (SGD(nesterov="yes"), TypeError, "nesterov"),
        (Adam(beta_1=1.0), ValueError, "beta_1"),
        (Adam(beta_2=None), TypeError, "beta_2"),
        (Adam(epsilon=0.0), ValueError, "epsilon of Adam must be positive"),
    ],
)
def test_wrong_parameters(optimizer, error, match):
    with pytest.raises(error, match=match):
        optimizer.validate()
