"""Operations on the rows of X, a C-contiguous array or a tuple (data, indices, indptr).

Functions that depend on the type of X have an implementation for each.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from sklearn_neuron._engine.kernels._compile import inlined
from sklearn_neuron._engine.kernels._products import (
    add_multiple,
    clear,
    matrix,
    times,
    transposed_times,
)

#: Columns from which rows are asked for ahead. A row of 48 / 64 / 128 columns then takes 52 / 54 /
#: 74 ns, with the next row's product first 46 / 53 / 115 ns; where X exceeds the cache, 194 / 176 /
#: 276 and 248 / 275 / 523 ns.
LONG_ROW = 64
#: So many rows before it is needed, a row is asked for. With 0 / 1 / 2 / 4 / 8, where X exceeds the
#: cache, a row of 64 columns takes 112 / 87 / 72 / 61 / 60 ns, one of 500 takes 580 / 472 / 474 /
#: 478 / 495 ns, one of 20 non-zeros 130 / 100 / 80 / 68 / 68 ns.
AHEAD = 2
CACHE_LINE = np.uint64(8)  # numbers of 8 bytes in 64; half of the calls are in vain for float32


@intrinsic
def prefetch(context, array, index):
    """Prefetch the cache line of an element of an array, given its flat index."""

    def codegen(context, builder, signature, args):
        start = context.make_array(signature.args[0])(context, builder, args[0]).data
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        )
        place = builder.bitcast(builder.gep(start, [args[1]]), byte)
        builder.call(function, [place, word(0), word(3), word(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, index), codegen


def prefetch_row(X, i):
    """Prefetch row i of X."""


@overload(prefetch_row)
def _prefetch_row(X, i):
    if isinstance(X, types.Array):

        def dense(X, i):
            p = np.uint64(X.shape[1])
            for at in range(np.uint64(i) * p, np.uint64(i) * p + p, CACHE_LINE):
                prefetch(X, at)

        return dense

    def sparse(X, i):
        data, indices, indptr = X
        for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1]), CACHE_LINE):
            prefetch(data, at)
            prefetch(indices, at)

    return sparse


# Whole arrays and the numbers of rows: views of rows, inlined, take the same time.


@inlined
def row_dot(X, i, w, k):
    """Return the inner product of row i of X and row k of w."""
    total = w.dtype.type(0)
    for j in range(X.shape[1]):
        total += X[i, j] * w[k, j]
    return total


@inlined
def row_dots(X, i, i_next, w, k):
    """Return the inner products of row i_next of X with row k of w, and with row i of X."""
    along = between = w.dtype.type(0)
    for j in range(X.shape[1]):
        along += X[i_next, j] * w[k, j]
        between += X[i_next, j] * X[i, j]
    return along, between


@inlined
def rows_dot(X, rows, w, k, bias, z):
    """Write the inner products of some rows of X and row k of w, plus the bias, into z."""
    m, p = rows.size, X.shape[1]
    fours = m - m % 4
    for r in range(0, fours, 4):
        i0, i1, i2, i3 = rows[r], rows[r + 1], rows[r + 2], rows[r + 3]
        t0 = t1 = t2 = t3 = bias
        for j in range(p):
            t0 += X[i0, j] * w[k, j]
            t1 += X[i1, j] * w[k, j]
            t2 += X[i2, j] * w[k, j]
            t3 += X[i3, j] * w[k, j]
        z[r, k], z[r + 1, k], z[r + 2, k], z[r + 3, k] = t0, t1, t2, t3
    for r in range(fours, m):
        z[r, k] = bias + row_dot(X, rows[r], w, k)


@inlined
def rows_add(X, rows, factor, delta, w, k):
    """Add ``factor`` times Σ δₖ x over some rows to row k of w; return Σ δₖ."""
    m, p, total = rows.size, X.shape[1], w.dtype.type(0)
    fours = m - m % 4
    for r in range(0, fours, 4):
        i0, i1, i2, i3 = rows[r], rows[r + 1], rows[r + 2], rows[r + 3]
        d0, d1, d2, d3 = delta[r, k], delta[r + 1, k], delta[r + 2, k], delta[r + 3, k]
        total += (d0 + d1) + (d2 + d3)
        d0, d1, d2, d3 = factor * d0, factor * d1, factor * d2, factor * d3
        for j in range(p):
            w[k, j] += (d0 * X[i0, j] + d1 * X[i1, j]) + (d2 * X[i2, j] + d3 * X[i3, j])
    for r in range(fours, m):
        i, d = rows[r], delta[r, k]
        total += d
        for j in range(p):
            w[k, j] += factor * d * X[i, j]
    return total


@inlined
def row_scale_and_add(X, i, keep, factor, w, k):
    """Scale row k of w and add a multiple of row i of X; return the new sum of squares."""
    squares = w.dtype.type(0)
    for j in range(X.shape[1]):
        new = keep * w[k, j] + factor * X[i, j]
        w[k, j] = new
        squares += new * new
    return squares


@inlined
def sparse_row_dot(X, i, w):
    """Return the inner products of row i with w and with itself."""
    data, indices, indptr = X
    along = length = w.dtype.type(0)
    for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
        x = data[at]
        along += x * w[np.uint64(indices[at])]
        length += x * x
    return along, length


@inlined
def sparse_row_add(X, i, factor, w):
    """Add a multiple of row i to w."""
    data, indices, indptr = X
    for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
        w[np.uint64(indices[at])] += factor * data[at]


@inlined
def sparse_dot(X, i, w, K, k):
    """Return the inner product of row i and column k of w, which has K columns."""
    data, indices, indptr = X
    total = w.dtype.type(0)
    for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
        total += data[at] * w[np.uint64(indices[at]) * np.uint64(K) + np.uint64(k)]
    return total


@inlined
def sparse_add(X, i, factor, w, K, k):
    """Add a multiple of row i to column k of w; return the increase of its sum of squares."""
    data, indices, indptr = X
    growth = w.dtype.type(0)
    for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
        j, change = np.uint64(indices[at]) * np.uint64(K) + np.uint64(k), factor * data[at]
        growth += change * (w[j] + w[j] + change)
        w[j] += change
    return growth


def gather(X, rows, memory):
    """Return the rows of X in the form that the first layer needs: a matrix, or X itself."""


@overload(gather)
def _gather(X, rows, memory):
    if isinstance(X, types.Array):

        def dense(X, rows, memory):
            gathered = matrix(memory, 0, rows.size, X.shape[1])
            for r in range(rows.size):
                i = np.uint64(rows[r])
                for j in range(X.shape[1]):
                    gathered[r, j] = X[i, j]
            return gathered

        return dense
    return lambda X, rows, memory: X


def first_times(x, rows, W, out):
    """Write x W into ``out``, where x is the return value of ``gather``."""


@overload(first_times)
def _first_times(x, rows, W, out):
    if isinstance(x, types.Array):
        return lambda x, rows, W, out: times(x, W, out)

    def sparse(x, rows, W, out):
        data, indices, indptr = x
        for r in range(rows.size):
            clear(out[r])
            for at in range(indptr[rows[r]], indptr[rows[r] + 1]):
                add_multiple(out[r], data[at], W[indices[at]])

    return sparse


def first_gradient(x, rows, delta, out):
    """Write xᵀ δ into ``out``, where x is the return value of ``gather``."""


@overload(first_gradient)
def _first_gradient(x, rows, delta, out):
    if isinstance(x, types.Array):
        return lambda x, rows, delta, out: transposed_times(x, delta, out)

    def sparse(x, rows, delta, out):
        data, indices, indptr = x
        clear(out.reshape(out.size))
        for r in range(rows.size):
            for at in range(indptr[rows[r]], indptr[rows[r] + 1]):
                add_multiple(out[indices[at]], data[at], delta[r])

    return sparse
