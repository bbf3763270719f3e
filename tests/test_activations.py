"""σ against textbook formulas, σ′ against differences, for every activation registered."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import sigma
from scipy.special import expit

from sklearn_neuron.activations import ACTIVATIONS, MANY, Softmax, Step, sigmoid, softplus

Z = np.array([[-30.0, -3.0, -0.4, 0.2], [0.9, 2.5, 10.0, 40.0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values(name, dtype):
    z, activation = Z.astype(dtype), ACTIVATIONS[name]()
    value, slope = sigma(name, Z)
    out, out_slope = np.empty_like(z), np.empty_like(z)
    tolerance = (
        {"rtol": 1e-14, "atol": 1e-15} if dtype is np.float64 else {"rtol": 1e-5, "atol": 1e-7}
    )
    activation.forward(z, out=out)
    assert_allclose(out, value, **tolerance)
    activation.with_derivative(z, out=out, slope=out_slope)
    assert_allclose(out, value, **tolerance)
    assert_allclose(out_slope, slope, **tolerance)
    assert_allclose(z, Z.astype(dtype), rtol=0)  # z is left alone


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_in_place(name):
    activation, z, slope = ACTIVATIONS[name](), Z.copy(), np.empty_like(Z)
    activation.with_derivative(z, out=z, slope=slope)
    forward = Z.copy()
    activation.forward(forward, out=forward)
    assert_allclose(z, forward, rtol=0)
    assert_allclose(z, sigma(name, Z)[0], rtol=1e-14, atol=1e-15)
    assert_allclose(slope, sigma(name, Z)[1], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_agrees_with_differences(name):
    activation, h = ACTIVATIONS[name](), 1e-5
    value, slope, above, below = (np.empty_like(Z) for _ in range(4))
    activation.with_derivative(Z, out=value, slope=slope)
    activation.forward(Z + h, out=above)
    activation.forward(Z - h, out=below)
    assert_allclose((above - below) / (2 * h), slope, atol=1e-8)


def test_relu_is_zero_at_zero():
    z, slope = np.zeros((1, 2)), np.ones((1, 2))
    ACTIVATIONS["relu"]().with_derivative(z, out=z, slope=slope)
    assert_allclose(z, 0.0)
    assert_allclose(slope, 0.0)


def test_links():
    out = np.empty_like(Z)
    Softmax().forward(Z * 100, out=out)  # no overflow
    assert_allclose(out.sum(axis=1), 1.0)
    Step().forward(np.array([[-1.0, 0.0, 1.0, -0.0]]), out=out[:1])
    assert_allclose(out[0], [0.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_softplus_is_exact_everywhere(dtype):
    """Also where exp(z) overflows, and where it vanishes beside 1."""
    ends = [-np.inf, -700.0, -80.0, -1e-30, 0.0, 1e-30, 80.0, 700.0, np.inf]
    z = np.concatenate([ends, np.linspace(-40.0, 40.0, 1001)]).astype(dtype)[:, None]
    out = np.empty_like(z)
    softplus(z, out)
    assert_allclose(out, np.logaddexp(z, 0), rtol=8 * np.finfo(dtype).eps)
    softplus(z, out=z)
    assert_array_equal(z, out)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_fast_sigmoid_agrees_with_the_plain_one(dtype):
    ends = [-np.inf, -1e30, -800.0, -100.0, 0.0, 100.0, 800.0, 1e30, np.inf, np.nan]
    z = np.concatenate([np.linspace(-90.0, 90.0, 2 * MANY), ends]).astype(dtype)
    out = np.empty_like(z)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sigmoid(z, out)
    # where it rounds to 0, the fast one may stop at the smallest normal number
    assert_allclose(out, expit(z), rtol=8 * np.finfo(dtype).eps, atol=2 * np.finfo(dtype).tiny)
    sigmoid(z, z)
    assert_array_equal(z, out)
