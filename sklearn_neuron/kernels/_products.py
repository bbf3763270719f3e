"""Products of matrices and rows, and the rows of X, dense or sparse.

X is a C-contiguous array or a tuple (data, indices, indptr); what depends on that has a body for
each. Few rows are multiplied by loops, many by BLAS.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic, overload

from sklearn_neuron.kernels._compile import compiled, inlined

#: Rows up to which a product is a plain loop; from there on BLAS is faster.
FEW_ROWS = 2
LONG_ROW = 64  # in shorter rows the processor looks ahead itself
AHEAD = 2  # so many rows before it is needed, a row is asked for from memory
CACHE_LINE = np.uint64(8)  # numbers of 8 bytes


@compiled
def times(A, B, out):
    """Write A B into ``out``."""
    m, n = A.shape
    K = B.shape[1]
    if K == 1:
        times_column(A, B.reshape(n), out.reshape(m))
    elif m <= FEW_ROWS:
        for r in range(m):
            times_row(A, r, B, out)
    else:
        np.dot(A, B, out)


@compiled
def times_row(A, r, B, out):
    """Write row r of A B into row r of ``out``, four rows of B at a time."""
    n, K = B.shape
    fours = n - n % 4
    for k in range(K):
        out[r, k] = 0
    for i in range(0, fours, 4):
        x0, x1, x2, x3 = A[r, i], A[r, i + 1], A[r, i + 2], A[r, i + 3]
        for k in range(K):
            out[r, k] += (x0 * B[i, k] + x1 * B[i + 1, k]) + (x2 * B[i + 2, k] + x3 * B[i + 3, k])
    for i in range(fours, n):
        x0 = A[r, i]
        for k in range(K):
            out[r, k] += x0 * B[i, k]


@compiled
def times_column(A, b, out):
    """Write A b into ``out``, four rows at a time, so that b is read less often."""
    m, n = A.shape
    fours = m - m % 4
    for r in range(0, fours, 4):
        t0 = t1 = t2 = t3 = b.dtype.type(0)
        for i in range(n):
            t0 += A[r, i] * b[i]
            t1 += A[r + 1, i] * b[i]
            t2 += A[r + 2, i] * b[i]
            t3 += A[r + 3, i] * b[i]
        out[r], out[r + 1], out[r + 2], out[r + 3] = t0, t1, t2, t3
    for r in range(fours, m):
        out[r] = dot(A[r], b)


@compiled
def transposed_times(A, B, out):
    """Write Aᵀ B into ``out``."""
    m, n = A.shape
    K = B.shape[1]
    if K == 1:
        transposed_times_column(A, B.reshape(m), out.reshape(n))
    elif m <= FEW_ROWS:
        for i in range(n):
            x = A[0, i]
            for k in range(K):
                out[i, k] = x * B[0, k]
            for r in range(1, m):
                x = A[r, i]
                for k in range(K):
                    out[i, k] += x * B[r, k]
    else:
        np.dot(A.T, B, out)


@compiled
def transposed_times_column(A, b, out):
    """Write Aᵀ b into ``out``, four rows at a time."""
    m, n = A.shape
    fours = m - m % 4
    clear(out)
    for r in range(0, fours, 4):
        b0, b1, b2, b3 = b[r], b[r + 1], b[r + 2], b[r + 3]
        for i in range(n):
            out[i] += (b0 * A[r, i] + b1 * A[r + 1, i]) + (b2 * A[r + 2, i] + b3 * A[r + 3, i])
    for r in range(fours, m):
        add_multiple(out, b[r], A[r])


@compiled
def clear(x):
    """X ← 0."""
    for j in range(x.size):
        x[j] = 0


@compiled
def transpose(A, out):
    """Write Aᵀ into ``out``."""
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            out[j, i] = A[i, j]


@compiled
def copy(A, out):
    """Copy a matrix."""
    for r in range(A.shape[0]):
        for k in range(A.shape[1]):
            out[r, k] = A[r, k]


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
def row_dots(X, i, i_next, w, k):
    """Return the inner products of another row with row k of w, and with row i of X."""
    along = between = w.dtype.type(0)
    for j in range(X.shape[1]):
        along += X[i_next, j] * w[k, j]
        between += X[i_next, j] * X[i, j]
    return along, between


@inlined
def rows_dot(X, rows, w, k, bias, z):
    """Write the inner product of each of some rows of X and row k of w, plus the bias, into z."""
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
    """Scale row k of w, add a multiple of row i of X; return the new sum of squares."""
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
    """Add a multiple of row i to column k of w; return the growth of its sum of squares."""
    data, indices, indptr = X
    growth = w.dtype.type(0)
    for at in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
        j, change = np.uint64(indices[at]) * np.uint64(K) + np.uint64(k), factor * data[at]
        growth += change * (w[j] + w[j] + change)
        w[j] += change
    return growth


@intrinsic
def pointer(context, array, index):
    """Return the address of a number of an array, counted from its start."""

    def codegen(context, builder, signature, args):
        start = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.gep(start, [args[1]])

    return types.CPointer(array.dtype)(array, index), codegen


@compiled
def vector(array, start, n):
    """Return a part of a flat array, which must outlive it: a slice without its costs."""
    return carray(pointer(array, start), (n,))


@compiled
def matrix(array, start, n_rows, n_columns):
    """Return the same as a matrix; ``start`` counts numbers, also where the array is a matrix."""
    return carray(pointer(array, start), (n_rows, n_columns))


def gather(X, rows, memory):
    """Return the rows of X as what the first layer multiplies: a matrix, or X itself."""


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
