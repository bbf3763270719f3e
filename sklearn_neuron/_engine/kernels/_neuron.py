"""One layer and plain gradient descent: each sample's part of ∇θ is added directly to θ."""

from __future__ import annotations

import numpy as np

from sklearn_neuron._engine.kernels._compile import entry, inlined
from sklearn_neuron._engine.kernels._functions import one_delta, output_delta
from sklearn_neuron._engine.kernels._products import (
    dot,
    matrix,
    scale,
    transpose,
    vector,
)
from sklearn_neuron._engine.kernels._rows import (
    AHEAD,
    LONG_ROW,
    prefetch_row,
    row_dot,
    row_dots,
    row_scale_and_add,
    rows_add,
    rows_dot,
    sparse_add,
    sparse_dot,
    sparse_row_add,
    sparse_row_dot,
)

#: Below it the common factor of sparse weights is multiplied into them. With 0.9 / 1e-2 / 1e-6 /
#: 1e-12 an epoch of 20,000 × 50,000 that keeps 0.99 of them at each step takes 51 / 1.8 / 1.6 / 1.4
#: ms; with 1e-20 their sum of squares overflows in float32.
SMALLEST_FACTOR = 1e-6


@entry
def descend_neuron(X, order, Y, weight, plan, constant, hyper, theta, z):
    """Do the same as ``descend``, for dense X."""
    T = theta.dtype.type
    loss, batch_size, c = plan[1], plan[2], T(constant)
    eta, keep = T(hyper[0]), T(1.0 - hyper[0] * hyper[1])
    p, K = X.shape[1], z.shape[1]
    W, b, w = matrix(theta, 0, p, K), vector(theta, p * K, K), np.empty((K, p), theta.dtype)
    transpose(W, w)  # the weights of an output are contiguous
    if batch_size == 1 and K == 1 and p < LONG_ROW:
        penalty = one_by_one_ahead(X, order, Y, weight, loss, c, eta, keep, w, b, z)
    elif batch_size == 1 and K == 1:
        penalty = one_by_one(X, order, Y, weight, loss, c, eta, keep, w, b, z)
    else:
        penalty = in_batches(X, order, Y, weight, loss, c, eta, keep, w, b, z, batch_size)
    transpose(w, W)
    return 0.5 * hyper[1] * penalty


@inlined
def one_by_one(X, order, Y, weight, loss, c, eta, keep, w, b, z):
    """Make an update for one sample at a time; return the sum of ‖w‖² before each."""
    n, one = order.size, w.dtype.type(1)
    squares, total = dot(w[0], w[0]), 0.0
    for r in range(n):
        total += squares
        i = order[r]
        if r + AHEAD < n:
            prefetch_row(X, order[r + AHEAD])
        z[r, 0] = b[0] + row_dot(X, i, w, 0)
        step = -eta * one_delta(loss, c, z[r, 0], Y[r, 0], one)
        if weight.size > 0:
            step *= weight[r]
        b[0] += step
        squares = row_scale_and_add(X, i, keep, step, w, 0)
    return total


@inlined
def one_by_one_ahead(X, order, Y, weight, loss, c, eta, keep, w, b, z):
    """Do the same for short rows, where each step would have to wait for the previous one.

    With the row x and the next row x', (k w + s x)·x' = k (w·x') + s (x·x'), and both inner
    products are available before the step s is.
    """
    n, one = order.size, w.dtype.type(1)
    squares, total, bias = dot(w[0], w[0]), 0.0, b[0]
    along = row_dot(X, order[0], w, 0)
    for r in range(n):
        total += squares
        i, j = order[r], order[min(r + 1, n - 1)]
        later, between = row_dots(X, i, j, w, 0)
        z[r, 0] = bias + along
        step = -eta * one_delta(loss, c, bias + along, Y[r, 0], one)
        if weight.size > 0:
            step *= weight[r]
        bias += step
        along = keep * later + step * between
        squares = row_scale_and_add(X, i, keep, step, w, 0)
    b[0] = bias
    return total


@inlined
def in_batches(X, order, Y, weight, loss, c, eta, keep, w, b, z, batch_size):
    """Make an update for one batch at a time; return the sum of m ‖w‖² before each."""
    n, K, one = order.size, b.size, w.dtype.type(1)
    delta = np.empty((min(batch_size, n), K), w.dtype)
    total = 0.0
    for start in range(0, n, batch_size):
        stop = min(start + batch_size, n)
        m, rows = stop - start, order[start:stop]
        if X.shape[1] >= LONG_ROW:
            for r in range(start + AHEAD, min(stop + AHEAD, n)):
                prefetch_row(X, order[r])
        for k in range(K):
            total += m * dot(w[k], w[k])
            rows_dot(X, rows, w, k, b[k], z[start:stop])
        part = weight if weight.size == 0 else weight[start:stop]
        output_delta(loss, c, Y[start:stop], z[start:stop], part, one / m, delta[:m])
        for k in range(K):
            scale(w[k], keep)
            b[k] -= eta * rows_add(X, rows, -eta, delta, w, k)
    return total


@entry
def descend_sparse_neuron(X, order, Y, weight, plan, constant, hyper, theta, z):
    """Do the same as ``descend``, for CSR X, at the cost of its non-zero elements only.

    The weights are ``factor`` times the values in θ, so that the shrinkage by the penalty is a
    single product (L. Bottou, Stochastic gradient descent tricks, 2012, section 5.1).
    """
    T = theta.dtype.type
    loss, batch_size, c = plan[1], plan[2], T(constant)
    eta, keep = T(hyper[0]), T(1.0 - hyper[0] * hyper[1])
    K = z.shape[1]
    w, b = theta[: theta.size - K], theta[theta.size - K :]
    if batch_size == 1 and K == 1:
        penalty = sparse_one_by_one(X, order, Y, weight, loss, c, eta, keep, w, b, z)
    else:
        penalty = sparse_in_batches(X, order, Y, weight, loss, c, eta, keep, w, b, z, batch_size)
    return 0.5 * hyper[1] * penalty


@inlined
def sparse_one_by_one(X, order, Y, weight, loss, c, eta, keep, w, b, z):
    """Make an update for one sample at a time; return the sum of ‖w‖² before each."""
    n, one = order.size, w.dtype.type(1)
    factor, squares, total = one, dot(w, w), 0.0
    for r in range(n):
        total += factor * factor * squares
        i = order[r]
        if r + AHEAD < n:
            prefetch_row(X, order[r + AHEAD])
        along, length = sparse_row_dot(X, i, w)
        z[r, 0] = b[0] + factor * along
        step = -eta * one_delta(loss, c, z[r, 0], Y[r, 0], one)
        if weight.size > 0:
            step *= weight[r]
        b[0] += step
        factor *= keep
        if abs(factor) < SMALLEST_FACTOR:
            scale(w, factor)
            squares *= factor * factor
            along *= factor
            factor = one
        step /= factor
        sparse_row_add(X, i, step, w)
        squares += step * (along + along + step * length)  # ‖w + s x‖² = ‖w‖² + 2s w·x + s²‖x‖²
    scale(w, factor)
    return total


@inlined
def sparse_in_batches(X, order, Y, weight, loss, c, eta, keep, w, b, z, batch_size):
    """Make an update for one batch at a time; return the sum of m ‖w‖² before each."""
    n, K, one = order.size, b.size, w.dtype.type(1)
    delta = np.empty((min(batch_size, n), K), w.dtype)
    factor, squares, total = one, dot(w, w), 0.0
    for start in range(0, n, batch_size):
        stop = min(start + batch_size, n)
        m = stop - start
        total += m * factor * factor * squares
        for r in range(start, stop):
            if r + AHEAD < n:
                prefetch_row(X, order[r + AHEAD])
            for k in range(K):
                z[r, k] = b[k] + factor * sparse_dot(X, order[r], w, K, k)
        part = weight if weight.size == 0 else weight[start:stop]
        output_delta(loss, c, Y[start:stop], z[start:stop], part, one / m, delta[:m])
        factor *= keep
        if abs(factor) < SMALLEST_FACTOR:
            scale(w, factor)
            factor, squares = one, dot(w, w)
        for r in range(m):
            for k in range(K):
                step = -eta * delta[r, k]
                b[k] += step
                squares += sparse_add(X, order[start + r], step / factor, w, K, k)
    scale(w, factor)
    return total
