# cython: language_level=3, binding=True, embedsignature=True
# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled core, as Python sees it."""
# freethreading_compatible is declared once the tests run on a free-threaded build.

from libc.stdint cimport int64_t
from scipy.linalg.cython_blas cimport dgemm

import os


cdef extern from "core.h" nogil:
    ctypedef struct Table:
        const char *simd
        double (*dot_double)(int64_t, const double *, const double *) noexcept nogil
        float (*dot_float)(int64_t, const float *, const float *) noexcept nogil


cdef extern from "variants.h" nogil:
    const Table *core_choose(const char *wanted)


wanted = os.environ.get("SKLEARN_NEURON_SIMD", "")
cdef const Table *table = core_choose(wanted.encode())
if table is NULL:
    raise ImportError(
        f"SKLEARN_NEURON_SIMD={wanted}: this processor does not support it, or this build does not "
        "have it. Choose one of baseline, v3 and v4, or leave the variable unset for the best."
    )

#: The instruction set in use: "baseline", "v3" (AVX2) or "v4" (AVX-512).
simd = table.simd.decode()


def dot(const double[::1] x, const double[::1] y):
    """Return the scalar product of two vectors of float64."""
    if x.shape[0] != y.shape[0]:
        raise ValueError("x and y differ in length.")
    return table.dot_double(x.shape[0], &x[0], &y[0]) if x.shape[0] else 0.0


def dot_float(const float[::1] x, const float[::1] y):
    """Return the scalar product of two vectors of float32."""
    if x.shape[0] != y.shape[0]:
        raise ValueError("x and y differ in length.")
    return table.dot_float(x.shape[0], &x[0], &y[0]) if x.shape[0] else 0.0


def product(double[:, ::1] A, double[:, ::1] B, double[:, ::1] C):
    """Write A B to C, all float64 in rows."""
    cdef int m = A.shape[0], k = A.shape[1], n = B.shape[1]
    cdef double one = 1.0, zero = 0.0
    if B.shape[0] != k or C.shape[0] != m or C.shape[1] != n or not m * n * k:
        raise ValueError("The shapes do not fit.")
    # BLAS has columns: Cᵀ = Bᵀ Aᵀ
    dgemm(b"N", b"N", &n, &m, &k, &one, &B[0, 0], &n, &A[0, 0], &k, &zero, &C[0, 0], &n)
