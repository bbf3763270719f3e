"""Any network: forward, backward, update, for some rows in one call."""

from __future__ import annotations

from sklearn_neuron.kernels._compile import compiled, entry
from sklearn_neuron.kernels._functions import activate, output_delta
from sklearn_neuron.kernels._products import (
    below,
    dot,
    first_gradient,
    first_times,
    gather,
    matrix,
    row_sums,
    times,
    transposed_times,
)
from sklearn_neuron.kernels._updates import update


@compiled
def forward(x, rows, layers, constants, theta, biases, a, slope):
    """Sweep forward: write every layer's a and σ′ one after the other; the last a is z^L."""
    m, L = rows.size, layers.shape[0]
    w = at = 0
    for l in range(L):
        n_in, n_out = layers[l, 0], layers[l, 1]
        W, out = matrix(theta, w, n_in, n_out), matrix(a, at, m, n_out)
        if l == 0:
            first_times(x, rows, W, out)
        else:
            times(matrix(a, at - m * n_in, m, n_in), W, out)
        activate(layers[l, 2], constants[l], out, biases, matrix(slope, at, m, n_out))
        biases, w, at = biases[n_out:], w + n_in * n_out, at + m * n_out


@compiled
def backward(x, rows, layers, theta, n_weights, a, slope, deltas, grad):
    """Sweep backward from the last δ in ``deltas``: write ∂W and ∂b of every layer into ∇θ."""
    m, L = rows.size, layers.shape[0]
    w, b, at = n_weights, grad.size, m * (grad.size - n_weights)
    for l in range(L - 1, -1, -1):
        n_in, n_out = layers[l, 0], layers[l, 1]
        w, b, at = w - n_in * n_out, b - n_out, at - m * n_out
        delta, dW = matrix(deltas, at, m, n_out), matrix(grad, w, n_in, n_out)
        row_sums(delta, grad[b : b + n_out])
        if l == 0:
            first_gradient(x, rows, delta, dW)
        else:
            start = at - m * n_in
            transposed_times(matrix(a, start, m, n_in), delta, dW)
            below(
                delta, matrix(theta, w, n_in, n_out), matrix(slope, start, m, n_in),
                matrix(deltas, start, m, n_in),
            )  # fmt: skip


@entry
def descend(X, order, Y, weight, plan, layers, constants, hyper, t, theta, grad, memory, z, space):
    """Make the updates of the rows ``order``; return Σ m ½ alpha ‖W‖² before each.

    Parameters
    ----------
    X : array (n, p) or tuple (data, indices, indptr)
        All rows.
    order : array of int (m,)
        Which rows, in which order.
    Y, weight, z : arrays (m, K), (m,) or (0,), (m, K)
        In that order; z receives z^L.
    plan : array of int (3,)
        Rule of update, loss, rows of a batch.
    layers, constants : arrays of int (L, 3) and of float (L + 1,)
        Of each layer n_in, n_out and the activation, with its constant; last the loss's.
    hyper : array of float (6,)
        η, alpha, weight decay, and the rule's.
    t : int
        Updates before.
    theta, grad, memory : arrays (n_parameters,), (n_parameters,), (any, n_parameters)
        θ, ∇θ, the optimizer's state.
    space : array (4, rows of a batch * (n_units or n_features, whichever is more))
        Memory for the rows of a batch, and every layer's a, σ′ and δ.
    """
    dtype, batch_size = theta.dtype, plan[2]
    n_units = layers[:, 1].sum()
    n_weights, K = theta.size - n_units, z.shape[1]
    a, slope, deltas = space[0], space[1], space[2]
    penalty, c = 0.0, dtype.type(constants[-1])
    for start in range(0, order.size, batch_size):
        stop = min(start + batch_size, order.size)
        m, rows = stop - start, order[start:stop]
        if hyper[1] != 0.0:
            penalty += m * 0.5 * hyper[1] * dot(theta[:n_weights], theta[:n_weights])
        x = gather(X, rows, space[3])
        forward(x, rows, layers, constants, theta, theta[n_weights:], a, slope)
        last = m * (n_units - K)
        for r in range(m):
            for k in range(K):
                z[start + r, k] = a[last + r * K + k]
        part = weight if weight.size == 0 else weight[start:stop]
        output_delta(plan[1], c, Y[start:stop], z[start:stop], part, matrix(deltas, last, m, K))
        backward(x, rows, layers, theta, n_weights, a, slope, deltas, grad)
        t += 1
        update(plan[0], hyper, t, theta, grad, memory, n_weights)
    return penalty
