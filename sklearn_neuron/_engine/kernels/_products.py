"""Products of matrices and vectors: few rows are multiplied in loops, many with BLAS."""

from __future__ import annotations

import numpy as np
from numba import carray, types
from numba.extending import intrinsic

from sklearn_neuron._engine.kernels._compile import compiled

#: Rows up to which a product is a plain loop. Times 20 × 20, 1 / 2 / 3 / 4 rows take 0.11 / 0.17 /
#: 0.24 / 0.30 µs, by BLAS 0.18 / 0.19 / 0.22 / 0.23; times 100 × 100, 1.5 / 2.0 / 4.3 / 4.1 µs, by
#: BLAS 1.7 / 1.3 / 2.2 / 1.4.
FEW_ROWS = 2

# Rows are handled four at a time because then what they share is read and written once, not four
# times: 1 / 2 / 4 / 8 at a time take 4.2 / 2.3 / 1.5 / 1.1 µs for a row times 200 × 32, and 0.62 /
# 0.52 / 0.49 / 0.50 µs times 50 × 32.


@intrinsic
def pointer(context, array, index):
    """Return the address of an element of an array, given its flat index."""

    def codegen(context, builder, signature, args):
        start = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.gep(start, [args[1]])

    return types.CPointer(array.dtype)(array, index), codegen


@compiled
def vector(array, start, n):
    """Return a view of a part of a flat array, without the cost of a slice.

    The array must outlive the view.
    """
    return carray(pointer(array, start), (n,))


@compiled
def matrix(array, start, n_rows, n_columns):
    """Return such a view as a matrix; ``start`` is a flat index, even if the array is a matrix."""
    return carray(pointer(array, start), (n_rows, n_columns))


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
    """Write A b into ``out``, four rows at a time."""
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
    """Set all elements of x to zero."""
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
    """Add ``factor`` times x to y, in place."""
    for j in range(y.size):
        y[j] += factor * x[j]


@compiled
def scale(x, factor):
    """Multiply x by ``factor``, in place."""
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
