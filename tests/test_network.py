"""The gradient of every loss × activation × depth × alpha × weights, against two oracles."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference import objective_and_gradients
from scipy import sparse

from sklearn_neuron._engine import batches
from sklearn_neuron._engine.batches import Samples, full_batch
from sklearn_neuron._engine.epochs import objective
from sklearn_neuron.activations import ACTIVATIONS, Identity, Logistic
from sklearn_neuron.losses import LOSSES, SquaredError
from sklearn_neuron.network import Network, raw_output, split

N, P, K = 12, 5, 3
LOSS_CASES = {name: loss() for name, loss in LOSSES.items()}
LOSS_CASES["squared_error, sigmoid"] = SquaredError(link=Logistic())
DEPTHS = {0: (), 1: (7,), 2: (6, 4), 3: (5, 4, 6)}
PAIRS = [(loss, "tanh") for loss in LOSS_CASES] + [("cross_entropy", name) for name in ACTIVATIONS]
CASES = [
    (*pair, *rest)
    for pair in dict.fromkeys(PAIRS)  # every loss, and every activation
    for rest in itertools.product(DEPTHS, (0.0, 0.3), ("ones", "weights"))
]


def make_problem(loss, activation, depth, alpha, weights, dtype=np.float64, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(N, P)).astype(dtype)
    Y = rng.uniform(size=(N, K)) if loss.name == "squared_error" else np.eye(K)[np.arange(N) % K]
    Y = Y.astype(dtype)
    s = rng.uniform(0.2, 3.0, size=N) if weights == "weights" else np.ones(N)
    s *= N / s.sum()
    sizes = DEPTHS[depth]
    network = Network((P, *sizes, K), [ACTIVATIONS[activation]()] * len(sizes), loss, alpha, dtype)
    network.theta[:] = rng.normal(scale=0.7, size=network.theta.size)
    return network, X, Y, s


def evaluate(network, X, Y, s, weights):
    weight = s.astype(network.dtype)[:, None] if weights == "weights" else None
    value = objective(network, full_batch(network, Samples(X, Y, weight)))
    return value, network.grad.copy()


@pytest.mark.parametrize(("loss", "activation", "depth", "alpha", "weights"), CASES)
def test_gradient_agrees_with_reference(loss, activation, depth, alpha, weights):
    loss = LOSS_CASES[loss]
    network, X, Y, s = make_problem(loss, activation, depth, alpha, weights)
    value, gradient = evaluate(network, X, Y, s, weights)
    expected, dW, db = objective_and_gradients(
        X, Y, s, network.W, network.b, activation, loss.name, loss.link.name, alpha
    )
    assert_allclose(value, expected, rtol=1e-12)
    flat = np.concatenate([part.ravel() for part in (*dW, *db)])
    assert_allclose(gradient, flat, rtol=1e-12, atol=1e-12 * np.abs(flat).max())


@pytest.mark.parametrize(("loss", "activation", "depth", "alpha", "weights"), CASES)
def test_gradient_agrees_with_differences(loss, activation, depth, alpha, weights):
    """Fourth-order differences along every coordinate, 1e-7 of the gradient's size."""
    network, X, Y, s = make_problem(LOSS_CASES[loss], activation, depth, alpha, weights)
    _, gradient = evaluate(network, X, Y, s, weights)
    corners = loss in {"perceptron", "absolute_error", "quantile", "huber"} or activation in {
        "relu",
        "leaky_relu",
        "selu",
    }
    theta, h = network.theta.copy(), 1e-6 if corners else 3e-4
    numeric = np.zeros_like(gradient)
    for j in range(theta.size):
        for offset, factor in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            network.theta[:] = theta
            network.theta[j] += offset * h
            numeric[j] += factor * evaluate(network, X, Y, s, weights)[0] / (12 * h)
    assert np.abs(gradient).max() > 1e-3
    assert np.abs(numeric - gradient).max() <= 1e-7 * max(1.0, np.abs(gradient).max())


@pytest.mark.parametrize(("loss", "activation", "depth", "alpha", "weights"), CASES)
def test_float32_stays_and_agrees(loss, activation, depth, alpha, weights):
    problem = (LOSS_CASES[loss], activation, depth, alpha, weights)
    network, X, Y, s = make_problem(*problem)
    _, gradient = evaluate(network, X, Y, s, weights)
    small, X, Y, s = make_problem(*problem, dtype=np.float32)
    _, gradient32 = evaluate(small, X, Y, s, weights)
    arrays = [small.theta, small.grad, *small.W, *small.b, small.workspace(N).z]
    assert all(array.dtype == np.float32 for array in arrays)
    assert_allclose(gradient32, gradient, rtol=1e-5, atol=1e-5 * np.abs(gradient).max())


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("depth", DEPTHS)
def test_sparse_equals_dense(container, depth):
    network, X, Y, s = make_problem(LOSS_CASES["cross_entropy"], "tanh", depth, 0.1, "weights")
    X[np.abs(X) < 0.8] = 0.0
    value, gradient = evaluate(network, X, Y, s, "weights")
    sparse_value, sparse_gradient = evaluate(network, container(X), Y, s, "weights")
    assert_allclose(sparse_value, value, rtol=1e-14)
    assert_allclose(sparse_gradient, gradient, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_blocks_of_rows_add_up(monkeypatch, layout):
    """A batch cut into blocks has the loss and gradient of the whole."""
    network, X, Y, s = make_problem(LOSS_CASES["cross_entropy"], "tanh", 2, 0.1, "weights")
    if layout == "strided":
        X = np.repeat(X, 2, axis=1)[:, ::2]
    X = np.asarray(X, order="F") if layout == "F" else X
    value, gradient = evaluate(network, X, Y, s, "weights")
    monkeypatch.setattr(batches, "BLOCK_BYTES", 6 * 8 * 5)  # five rows of the widest layer
    blocks = full_batch(network, Samples(X, Y, s[:, None]))
    assert [len(block.Y) for block in blocks] == [4, 4, 4]
    block_value = objective(network, blocks)
    assert_allclose(block_value, value, rtol=1e-14)
    assert_allclose(network.grad, gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_row_views_of_sparse_matrices_copy_no_numbers(container):
    dense = np.random.RandomState(0).normal(size=(9, 4)) * (np.arange(36).reshape(9, 4) % 3 > 0)
    X = container(dense)
    view = batches.row_view(X, slice(2, 7))
    assert type(view) is container
    assert np.shares_memory(view.data, X.data)
    assert np.shares_memory(view.indices, X.indices)
    assert_allclose(view.toarray(), dense[2:7], rtol=0)


def test_theta_is_one_vector_of_views():
    network = Network((3, 4, 2), [Identity()], SquaredError())
    network.theta[:] = np.arange(network.theta.size)
    assert [W.shape for W in network.W] == [(3, 4), (4, 2)]
    assert [b.shape for b in network.b] == [(4,), (2,)]
    assert all(np.shares_memory(view, network.theta) for view in (*network.W, *network.b))
    assert all(np.shares_memory(view, network.grad) for view in (*network.dW, *network.db))
    packed = np.concatenate([v.ravel() for v in (*network.W, *network.b)])
    assert_allclose(packed, network.theta)  # weights first, then biases
    W, b = split(np.arange(8.0), (3, 2))
    assert_allclose(W[0], [[0, 1], [2, 3], [4, 5]])
    assert_allclose(b[0], [6, 7])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_axpy_works_in_place(dtype):
    """It would quietly work on a copy, were a dtype or a layout another one."""
    network = Network((3, 4, 2), [Identity()], SquaredError(), alpha=0.5, dtype=dtype)
    network.theta[:], network.grad[:] = 1.0, 2.0
    network.axpy(network.grad, network.theta, a=-0.25)
    assert_allclose(network.theta, 0.5)
    network.add_weights(network.alpha)
    assert_allclose(network.grad[: network.n_weights], 2.25)
    assert_allclose(network.grad[network.n_weights :], 2.0)


def test_workspaces_share_memory():
    network = Network((3, 4, 2), [Identity()], SquaredError())
    large, small = network.workspace(10), network.workspace(3)
    assert network.workspace(10) is large
    assert np.shares_memory(large.hidden[0].a, small.hidden[0].a)
    assert small.hidden[0].a.shape == (3, 4)


def test_raw_output_leaves_its_arguments_alone():
    network, X, _, _ = make_problem(LOSS_CASES["squared_error"], "relu", 2, 0.0, "ones")
    before = X.copy(), network.theta.copy()
    z = raw_output(X, network.W, network.b, network.activations)
    again = raw_output(X, network.W, network.b, network.activations)
    assert_allclose(z, again, rtol=0)
    assert_allclose(X, before[0], rtol=0)
    assert_allclose(network.theta, before[1], rtol=0)
