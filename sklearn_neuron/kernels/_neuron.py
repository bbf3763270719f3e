"""One layer under plain gradient descent: each row's part of ∇θ goes straight into θ."""

from __future__ import annotations

import numpy as np

from sklearn_neuron.kernels._compile import entry, inlined
from sklearn_neuron.kernels._functions import one_delta, output_delta
from sklearn_neuron.kernels._products import (
    AHEAD,
    LONG_ROW,
    dot,
    prefetch_row,
    row_add,
    row_dot,
    row_scale_and_add,
    scale,
    sparse_add,
    sparse_dot,
)

#: Below it the common factor of sparse weights is multiplied into them.
SMALLEST_FACTOR = 1e-6


@entry
def descend_neuron(X, order, Y, weight, plan, constant, hyper, theta, z):
    """Do what ``descend`` does, for dense rows."""
    T = theta.dtype.type
    loss, batch_size, c = plan[1], plan[2], T(constant)
    eta, keep = T(hyper[0]), T(1.0 - hyper[0] * hyper[1])
    n, p, K = order.size, X.shape[1], z.shape[1]
    W, b = theta[: p * K].reshape(p, K), theta[p * K :]
    w = W.T.copy()  # an output's weights next to each other
    delta = np.empty((min(batch_size, n), K), theta.dtype)
    penalty, squares = 0.0, dot(theta[: p * K], theta[: p * K])
    for start in range(0, n, batch_size):
        m = min(batch_size, n - start)
        penalty += m * 0.5 * hyper[1] * squares
        for r in range(start, start + m):
            if p >= LONG_ROW and r + AHEAD < n:
                prefetch_row(X, order[r + AHEAD])
            for k in range(K):
                z[r, k] = b[k] + row_dot(X, order[r], w, k)
        if m == 1 and K == 1:
            d = one_delta(loss, c, z[start, 0], Y[start, 0], T(1))
            delta[0, 0] = d if weight.size == 0 else d * weight[start]
        else:
            part = weight if weight.size == 0 else weight[start : start + m]
            output_delta(loss, c, Y[start : start + m], z[start : start + m], part, delta[:m])
        squares = move(X, order, start, m, eta, keep, delta, w, b)
    W[:] = w.T
    return penalty


@inlined
def move(X, order, start, m, eta, keep, delta, w, b):
    """Move w and b along all rows of a batch; return the weights' new sum of squares."""
    squares = w.dtype.type(0)
    for k in range(b.size):
        if m == 1:
            step = -eta * delta[0, k]
            b[k] += step
            squares += row_scale_and_add(X, order[start], keep, step, w, k)
            continue
        scale(w[k], keep)
        for r in range(m):
            step = -eta * delta[r, k]
            b[k] += step
            row_add(X, order[start + r], step, w, k)
        squares += dot(w[k], w[k])
    return squares


@entry
def descend_sparse_neuron(X, order, Y, weight, plan, constant, hyper, theta, z):
    """Do what ``descend`` does, for CSR rows, at the cost of their non-zeros alone.

    The weights are ``factor`` times what stands in θ, so that the penalty's shrinking is one
    product (L. Bottou, Stochastic gradient descent tricks, 2012, section 5.1).
    """
    T = theta.dtype.type
    loss, batch_size, c = plan[1], plan[2], T(constant)
    eta, keep = T(hyper[0]), T(1.0 - hyper[0] * hyper[1])
    n, K = order.size, z.shape[1]
    delta = np.empty((min(batch_size, n), K), theta.dtype)
    w, b = theta[: theta.size - K], theta[theta.size - K :]
    factor, squares, penalty = T(1), dot(w, w), 0.0
    for start in range(0, n, batch_size):
        m = min(batch_size, n - start)
        penalty += m * 0.5 * hyper[1] * factor * factor * squares
        for r in range(start, start + m):
            if r + AHEAD < n:
                prefetch_row(X, order[r + AHEAD])
            for k in range(K):
                z[r, k] = b[k] + factor * sparse_dot(X, order[r], w, K, k)
        part = weight if weight.size == 0 else weight[start : start + m]
        output_delta(loss, c, Y[start : start + m], z[start : start + m], part, delta[:m])
        factor *= keep
        if abs(factor) < SMALLEST_FACTOR:
            scale(w, factor)
            factor, squares = T(1), dot(w, w)
        for r in range(m):
            for k in range(K):
                step = -eta * delta[r, k]
                b[k] += step
                squares += sparse_add(X, order[start + r], step / factor, w, K, k)
    scale(w, factor)
    return penalty
