"""Initial weights and biases: their distributions, which gain goes with which layer."""

import math

import numpy as np
import pytest

from sklearn_neuron.activations import Logistic, ReLU, Tanh
from sklearn_neuron.initializers import initialize

N_IN, N_OUT = 400, 100
#: The standard deviation that the papers give for each, by its formula.
DEVIATIONS = {
    "glorot_uniform": math.sqrt(2.0 / (N_IN + N_OUT)),
    "glorot_normal": math.sqrt(2.0 / (N_IN + N_OUT)),
    "he_uniform": math.sqrt(2.0 / N_IN),
    "he_normal": math.sqrt(2.0 / N_IN),
}


def standard_errors(values, mean, deviation):
    """Return how far the mean of independent values is from its expectation."""
    return abs(values.mean() - mean) / (deviation / math.sqrt(values.size))


@pytest.mark.parametrize("name", DEVIATIONS)
def test_moments(name):
    (W,), _ = initialize(name, (N_IN, N_OUT), (), np.random.RandomState(0))
    assert W.shape == (N_IN, N_OUT)
    assert W.std() == pytest.approx(DEVIATIONS[name], rel=0.02)
    assert standard_errors(W, 0.0, DEVIATIONS[name]) < 4.0


@pytest.mark.parametrize("name", DEVIATIONS)
def test_shape_of_the_distribution(name):
    """A uniform one ends at √3 deviations; a normal one does not, and has its kurtosis."""
    (W,), _ = initialize(name, (N_IN, N_OUT), (), np.random.RandomState(1))
    z = W / DEVIATIONS[name]
    if name.endswith("uniform"):
        assert 0.999 * math.sqrt(3.0) < np.abs(z).max() <= math.sqrt(3.0)
        assert (z**4).mean() == pytest.approx(9.0 / 5.0, rel=0.03)
    else:
        assert 3.5 < np.abs(z).max() < 6.0
        assert (z**4).mean() == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("name", ["auto", *DEVIATIONS])
def test_biases_are_uniform_within_one_over_the_root_of_the_inputs(name):
    _, (b, c) = initialize(name, (25, 4000, 3000), (Tanh(),), np.random.RandomState(0))
    assert b.shape == (4000,)
    assert c.shape == (3000,)
    for values, radius in ((b, 1.0 / math.sqrt(25)), (c, 1.0 / math.sqrt(4000))):
        assert 0.99 * radius < np.abs(values).max() <= radius
        assert standard_errors(values, 0.0, radius / math.sqrt(3.0)) < 4.0


@pytest.mark.parametrize(("activation", "gain"), [(ReLU(), 1.0), (Tanh(), 1.0), (Logistic(), 4.0)])
def test_auto_is_glorots_times_the_gain_of_the_activation_and_one_for_the_outputs(activation, gain):
    """σ has a quarter of the slope of tanh at 0."""
    sizes = (60, 50, 40)
    auto, _ = initialize("auto", sizes, (activation,), np.random.RandomState(0))
    plain, _ = initialize("glorot_uniform", sizes, (activation,), np.random.RandomState(0))
    np.testing.assert_allclose(auto[0], gain * plain[0])
    np.testing.assert_array_equal(auto[1], plain[1])
