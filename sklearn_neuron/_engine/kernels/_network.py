"""Any network: forward pass, backward pass and update, for a part of an epoch in one call."""

from __future__ import annotations

from sklearn_neuron._engine.kernels._compile import compiled, entry
from sklearn_neuron._engine.kernels._functions import activate, output_delta
from sklearn_neuron._engine.kernels._products import (
    add_multiple,
    below,
    copy,
    dot,
    matrix,
    row_sums,
    times,
    transposed_times,
    vector,
)
from sklearn_neuron._engine.kernels._rows import (
    first_gradient,
    first_times,
    gather,
)
from sklearn_neuron._engine.kernels._updates import update


@compiled
def forward(x, rows, layers, constants, theta, n_weights, a, slope):
    """Forward pass: write a and σ′ of all layers one after the other; the last a is z^L."""
    m, L = rows.size, layers.shape[0]
    w, b, at = 0, n_weights, 0
    for l in range(L):
        n_in, n_out = layers[l, 0], layers[l, 1]
        W, out = matrix(theta, w, n_in, n_out), matrix(a, at, m, n_out)
        if l == 0:
            first_times(x, rows, W, out)
        else:
            times(matrix(a, at - m * n_in, m, n_in), W, out)
        activate(
            layers[l, 2], constants[l], out, vector(theta, b, n_out), matrix(slope, at, m, n_out)
        )
        w, b, at = w + n_in * n_out, b + n_out, at + m * n_out


@compiled
def backward(x, rows, layers, theta, n_weights, a, slope, deltas, grad):
    """Backward pass from the last δ in ``deltas``: write ∂W and ∂b of all layers into ∇θ."""
    m, L = rows.size, layers.shape[0]
    w, b, at = n_weights, grad.size, m * (grad.size - n_weights)
    for l in range(L - 1, -1, -1):
        n_in, n_out = layers[l, 0], layers[l, 1]
        w, b, at = w - n_in * n_out, b - n_out, at - m * n_out
        delta, dW = matrix(deltas, at, m, n_out), matrix(grad, w, n_in, n_out)
        row_sums(delta, vector(grad, b, n_out))
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
def descend(
    X,
    order,
    Y,
    weight,
    plan,
    layers,
    constants,
    hyper,
    t,
    theta,
    grad,
    rest,
    memory,
    z,
    gathered,
    space,
):
    """Make the updates for the samples ``order``; return Σ m ½ alpha ‖W‖² before each update.

    Parameters
    ----------
    X : array (n, p) or tuple (data, indices, indptr)
        The data of all samples.
    order : array of int (m,)
        The indices of the samples of this call, in their order.
    Y, weight, z : arrays (m, K), (m,) or (0,), (m, K)
        Targets and weights in this order; z receives z^L.
    plan : array of int (4,)
        The update rule, the loss, the batch size and the block size: a batch passes through the
        network in blocks that fit in the cache, and their gradients are summed.
    layers, constants : arrays of int (L, 3) and of float (L + 1,)
        n_in, n_out and the activation of each layer, and its constant; the last is that of the
        loss.
    hyper : array of float (6,)
        η, alpha, weight decay, and the hyper-parameters of the rule.
    t : int
        Number of earlier updates.
    theta, grad, rest, memory : arrays (P,), (P,), (P,), (any, P) for P parameters
        θ, ∇θ, memory for ∇θ of a block, and the optimizer's state.
    gathered, space : arrays (block size * p,), (3, block size * n_units)
        Memory for X of a block, and for a, σ′ and δ of all layers.
    """
    one, batch_size, block = theta.dtype.type(1), plan[2], plan[3]
    n_units = layers[:, 1].sum()
    n_weights, K = theta.size - n_units, z.shape[1]
    penalty, c = 0.0, theta.dtype.type(constants[-1])
    for start in range(0, order.size, batch_size):
        stop = min(start + batch_size, order.size)
        if hyper[1] != 0.0:
            W = vector(theta, 0, n_weights)
            penalty += (stop - start) * 0.5 * hyper[1] * dot(W, W)
        for first in range(start, stop, block):
            m = min(block, stop - first)
            rows = vector(order, first, m)
            x = gather(X, rows, gathered)
            forward(x, rows, layers, constants, theta, n_weights, space[0], space[1])
            last = m * (n_units - K)
            outputs, delta = matrix(z, first * K, m, K), matrix(space[2], last, m, K)
            copy(matrix(space[0], last, m, K), outputs)
            weights = weight if weight.size == 0 else vector(weight, first, m)
            share = one / (stop - start)
            output_delta(plan[1], c, matrix(Y, first * K, m, K), outputs, weights, share, delta)
            part = grad if first == start else rest
            backward(x, rows, layers, theta, n_weights, space[0], space[1], space[2], part)
            if first > start:
                add_multiple(grad, one, rest)
        t += 1
        update(plan[0], hyper, t, theta, grad, memory, n_weights)
    return penalty
