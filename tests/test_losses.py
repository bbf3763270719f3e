"""Losses: exact where probabilities round, δ against differences, no overflow."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from sklearn_neuron.activations import ACTIVATIONS, Logistic
from sklearn_neuron.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    Perceptron,
    SquaredError,
)

ALL = [*(loss() for loss in LOSSES.values()), *(SquaredError(a()) for a in ACTIVATIONS.values())]


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_delta_agrees_with_differences(loss):
    rng = np.random.RandomState(1)
    z, y, h = rng.normal(size=(7, 3)), np.eye(3)[rng.randint(3, size=7)], 1e-5
    delta, work = np.empty_like(z), np.empty_like(z)
    loss.delta(y, z, out=delta, work=work)
    for k in range(3):
        step = h * np.eye(3)[k]
        numeric = (loss.value(y, z + step) - loss.value(y, z - step)) / (2 * h)
        assert_allclose(delta[:, k], numeric, atol=1e-8)


def test_cross_entropies_agree_with_scikit_learn():
    rng = np.random.RandomState(0)
    z, labels = rng.normal(size=(20, 3)), np.arange(20) % 3
    p = np.empty_like(z)
    CrossEntropy().link.forward(z, out=p)
    assert_allclose(
        CrossEntropy().value(np.eye(3)[labels], z).mean(), log_loss(labels, p), rtol=1e-12
    )
    z, labels = z[:, :1], labels % 2
    p = p[:, :1]
    Logistic().forward(z, out=p)
    value = BinaryCrossEntropy().value(labels[:, None].astype(float), z)
    assert_allclose(value.mean(), log_loss(labels, p[:, 0]), rtol=1e-12)


@pytest.mark.parametrize("z", [40.0, 800.0, 1e300])
def test_cross_entropy_of_a_certain_mistake_is_not_clipped(z):
    assert_allclose(BinaryCrossEntropy().value(np.zeros((1, 1)), np.array([[z]])), z)
    assert_allclose(CrossEntropy().value(np.array([[0.0, 1.0]]), np.array([[z, 0.0]])), z)


def test_cross_entropy_of_a_certain_hit_is_not_rounded_to_zero():
    value = BinaryCrossEntropy().value(np.ones((1, 1)), np.array([[50.0]]))
    assert_allclose(value, np.exp(-50.0), rtol=1e-12)


def test_perceptron_criterion_counts_only_mistakes():
    y = np.array([[1.0], [0.0], [1.0], [0.0]])
    z = np.array([[2.0], [-2.0], [-3.0], [0.5]])
    assert_allclose(Perceptron().value(y, z), [0, 0, 3, 0.5])
    assert not Perceptron().solved(y, z)
    assert Perceptron().solved(y[:2], z[:2])
    assert not Perceptron().solved(np.zeros((1, 1)), np.zeros((1, 1)))  # ŷ(0) = 1


def test_only_the_perceptron_can_be_solved():
    y = np.ones((1, 1))
    assert [loss.name for loss in ALL if loss.solvable] == ["perceptron"]
    assert [loss.name for loss in ALL if loss.solved(y, y)] == ["perceptron"]
