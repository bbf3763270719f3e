"""Products of matrices and rows, and the rows of X, dense or sparse.

X is a C-contiguous array or a tuple (data, indices, indptr); what depends on that has a body for
each. Few rows are multiplied by loops, many by BLAS.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from sklearn_neuron.kernels._compile import compiled, inlined

#: Rows up to which a product is a plain loop; from there on BLAS is faster.
FEW_ROWS = 4
LONG_ROW = 64  # in shorter rows the processor looks ahead itself
AHEAD = 2  # so many rows before it is needed, a row is asked for from memory
CACHE_LINE = np.uint64(8)  # numbers of 8 bytes


@compiled
def times(A, B, out):
    """Write A B into ``out``."""
    m, n = A.shape
    K = B.shape[1]
    if K == 1:
        b = B.reshape(n)
        for r in range(m):
            out[r, 0] = dot(A[r], b)
    elif m <= FEW_ROWS:
        for r in range(m):
            row = out[r]
            clear(row)
            for i in range(n):
                add_multiple(row, A[r, i], B[i])
    else:
        np.dot(A, B, out)


@compiled
def transposed_times(A, B, out):
    """Write Aᵀ B into ``out``."""
    m, n = A.shape
    K = B.shape[1]
    if K == 1:
        column = out.reshape(n)
        clear(column)
        for r in range(m):
            add_multiple(column, B[r, 0], A[r])
    elif m <= FEW_ROWS:
        for i in range(n):
            row = out[i]
            clear(row)
            for r in range(m):
                add_multiple(row, A[r, i], B[r])
    else:
        np.dot(A.T, B, out)


@compiled
def clear(x):
    """X ← 0."""
    for j in range(x.size):
        x[j] = 0


@compiled
def add_multiple(y, factor, x):
    """Y ← y + factor x."""
    for j in range(y.size):
        y[j] += factor * x[j]


@compiled
def scale(x, factor):
    """X ← factor x."""
    if factor != 1:
        for j in range(x.size):
            x[j] *= factor


@compiled
def dot(x, y):
    """Return the inner product."""
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@compiled
def below(delta, W, slope, out):
    """Write δ Wᵀ ⊙ σ′ into ``out``."""
    m, n = out.shape
    K = W.shape[1]
    if K == 1:
        w = W.reshape(n)
        for r in range(m):
            for i in range(n):
                out[r, i] = delta[r, 0] * w[i] * slope[r, i]
    elif m <= FEW_ROWS:
        for r in range(m):
            for i in range(n):
                total = W.dtype.type(0)
                for k in range(K):
                    total += delta[r, k] * W[i, k]
                out[r, i] = total * slope[r, i]
    else:
        np.dot(delta, W.T, out)
        for r in range(m):
            for i in range(n):
                out[r, i] *= slope[r, i]


@compiled
def row_sums(delta, out):
    """Write the sum over the rows of δ into ``out``."""
    clear(out)
    for r in range(delta.shape[0]):
        for k in range(out.size):
            out[k] += delta[r, k]


@intrinsic
def prefetch(context, array, index):
    """Ask for the cache line of a number of an array, counted from its start."""

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
    """Ask for row i of X."""


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


# Whole arrays and the numbers of rows: a view of a row would cost more than a short row's work.


@inlined
def row_dot(X, i, w, k):
    """Return the inner product of row i of X and row k of w."""
    total = w.dtype.type(0)
    for j in range(X.shape[1]):
        total += X[i, j] * w[k, j]
    return total


@inlined
def row_add(X, i, factor, w, k):
    """Add a multiple of row i of X to row k of w."""
    for j in range(X.shape[1]):
        w[k, j] += factor * X[i, j]


@inlined
def row_scale_and_add(X, i, keep, factor, w, k):
    """Do that after a scaling of row k; return its new sum of squares."""
    squares = w.dtype.type(0)
    for j in range(X.shape[1]):
        new = keep * w[k, j] + factor * X[i, j]
        w[k, j] = new
        squares += new * new
    return squares


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
    """Add a multiple of row i to column k of w; return the growth of its sum of squares."""
    data, indices, indptr = X
    growth = w.dtype.type(0)
    for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
        j, change = np.uint64(indices[at]) * np.uint64(K) + np.uint64(k), factor * data[at]
        growth += change * (w[j] + w[j] + change)
        w[j] += change
    return growth


def gather(X, rows, buffer):
    """Return the rows of X as what the first layer multiplies: a matrix, or X itself."""


@overload(gather)
def _gather(X, rows, buffer):
    if isinstance(X, types.Array):

        def dense(X, rows, buffer):
            for r in range(rows.size):
                for i in range(X.shape[1]):
                    buffer[r, i] = X[rows[r], i]
            return buffer[: rows.size]

        return dense
    return lambda X, rows, buffer: X


def first_times(x, rows, W, out):
    """Write x W into ``out``, with x what ``gather`` has returned."""


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
    """Write xᵀ δ into ``out``, with x what ``gather`` has returned."""


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
