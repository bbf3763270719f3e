"""The elementwise functions: exponentials, activations, and δ of the losses.

The exponentials are written out, so that loops over them compile to vector instructions:
exp(x) = 2ᵏ exp(r) with an integer k and |r| ≤ log(2) / 2, where the Taylor polynomial is accurate
to rounding (J.-M. Muller, Elementary Functions, 3rd edition, 2016), and 2ᵏ is assembled from bits.

Functions of a number also take ``one``, the number 1 in the dtype of the computation.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import overload

from sklearn_neuron._engine.kernels._compile import compiled

LOG2_E = 1.4426950408889634
# log(2) in two parts, the first with so few digits that its product with k is exact
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10

# Degree 7 in float32 and 13 in float64 are 1.1 and 1.3 units in the last place off, one degree less
# 2.9 and 2.5, one more no better; 0.60 and 1.55 ns a number. math.exp takes 4.0 and 6.1 ns, because
# calls of it do not become vector instructions.


def expm1_parts(x):
    """Return 2^k and exp(r) - 1: see above."""


@overload(expm1_parts, jit_options={"fastmath": {"contract", "nsz"}})
def _expm1_parts(x):
    if x == types.float32:

        def single(x):
            x = min(max(x, np.float32(-87.0)), np.float32(88.0))
            k = np.floor(x * np.float32(LOG2_E) + np.float32(0.5))
            r = (x - k * np.float32(0.693359375)) - k * np.float32(-2.12194440e-4)
            p = np.float32(1 / 5040)
            p = p * r + np.float32(1 / 720)
            p = p * r + np.float32(1 / 120)
            p = p * r + np.float32(1 / 24)
            p = p * r + np.float32(1 / 6)
            p = p * r + np.float32(1 / 2)
            p = p * r + np.float32(1)
            return np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32), p * r

        return single

    def double(x):
        x = min(max(x, -708.0), 709.0)
        k = math.floor(x * LOG2_E + 0.5)
        r = (x - k * LN2_HIGH) - k * LN2_LOW
        # in pairs: one sample after the other an exponential takes 24 ns, by Horner's rule 33 ns
        r2 = r * r
        r4 = r2 * r2
        low = (1.0 + r * (1 / 2)) + r2 * (1 / 6 + r * (1 / 24))
        middle = (1 / 120 + r * (1 / 720)) + r2 * (1 / 5040 + r * (1 / 40320))
        high = (1 / 362880 + r * (1 / 3628800)) + r2 * (1 / 39916800 + r * (1 / 479001600))
        p = low + r4 * (middle + r4 * (high + r4 * (1 / 6227020800)))
        return np.int64((np.int64(k) + 1023) << 52).view(np.float64), p * r

    return double


@compiled
def exp(x):
    power, rest = expm1_parts(x)
    return power * rest + power


@compiled
def expm1(x, one):
    power, rest = expm1_parts(x)
    return power * rest + (power - one)


@compiled
def logistic(z, one):
    return one / (one + exp(-z))


@compiled
def tanh(z, one):
    e = expm1(z + z, one)
    return e / (e + one + one)


IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, ELU, SELU, GELU, SILU, SOFTPLUS = range(10)
SELU_SCALE, SELU_C = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


@compiled
def activate(code, constant, a, b, slope):
    """Add the biases to z, and replace it by σ(z); write σ′(z) into ``slope``."""
    T = a.dtype.type
    zero, one, c = T(0), T(1), T(constant)
    m, n = a.shape
    if code == RELU:
        for r in range(m):
            for j in range(n):
                z = a[r, j] + b[j]
                a[r, j] = max(z, zero)
                slope[r, j] = one if z > zero else zero
    elif code == LOGISTIC:
        for r in range(m):
            for j in range(n):
                s = logistic(a[r, j] + b[j], one)
                a[r, j] = s
                slope[r, j] = s * (one - s)
    elif code == TANH:
        for r in range(m):
            for j in range(n):
                s = tanh(a[r, j] + b[j], one)
                a[r, j] = s
                slope[r, j] = one - s * s
    elif code == IDENTITY:
        for r in range(m):
            for j in range(n):
                a[r, j] += b[j]
                slope[r, j] = one
    else:
        activate_other(code, c, a, b, slope)


@compiled
def activate_other(code, c, a, b, slope):
    """Do the same for the less common activations."""
    T = a.dtype.type
    zero, one, half, scale, selu_c = T(0), T(1), T(0.5), T(SELU_SCALE), T(SELU_C)
    root, density = T(math.sqrt(0.5)), T(1.0 / math.sqrt(2.0 * math.pi))
    for r in range(a.shape[0]):
        for j in range(a.shape[1]):
            z = a[r, j] + b[j]
            if code == LEAKY_RELU:
                slope[r, j] = one if z > zero else c
                a[r, j] = z if z > zero else c * z
            elif code == ELU:
                e = c * expm1(min(z, zero), one)
                slope[r, j] = one if z > zero else e + c
                a[r, j] = z if z > zero else e
            elif code == SELU:
                e = selu_c * expm1(min(z, zero), one)
                slope[r, j] = scale if z > zero else scale * (e + selu_c)
                a[r, j] = scale * (z if z > zero else e)
            elif code == GELU:
                phi = half * T(math.erfc(-z * root))
                slope[r, j] = phi + z * density * exp(-half * z * z)
                a[r, j] = z * phi
            elif code == SILU:
                s = logistic(z, one)
                slope[r, j] = s + z * s * (one - s)
                a[r, j] = z * s
            else:  # SOFTPLUS
                slope[r, j] = logistic(z, one)
                a[r, j] = max(z, zero) + T(math.log1p(exp(-abs(z))))


(
    CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR, SQUARED_ERROR_LOGISTIC, ABSOLUTE_ERROR,
    HUBER, QUANTILE, POISSON, PERCEPTRON,
) = range(9)  # fmt: skip


@compiled
def one_delta(loss, c, z, y, one):
    """Return δ of one output, for all losses except the cross-entropy."""
    zero = one - one
    if loss == BINARY_CROSS_ENTROPY:
        return logistic(z, one) - y
    if loss == SQUARED_ERROR:
        return (one + one) * (z - y)
    if loss == SQUARED_ERROR_LOGISTIC:
        a = logistic(z, one)
        return (one + one) * (a - y) * a * (one - a)
    if loss == ABSOLUTE_ERROR:
        return one if z > y else (-one if z < y else z - y)
    if loss == HUBER:
        return min(max(z - y, -c), c)
    if loss == QUANTILE:
        return one - c if z >= y else -c
    if loss == POISSON:
        return exp(z) - y
    return (one if z >= zero else zero) - y  # PERCEPTRON


@compiled
def output_delta(loss, c, Y, z, weight, share, delta):
    """Write δ of each sample, times ``share`` and its weight, if any, into ``delta``."""
    m, K = z.shape
    one = z.dtype.type(1)
    x, y, d = z.reshape(m * K), Y.reshape(m * K), delta.reshape(m * K)
    if loss == CROSS_ENTROPY:
        softmax(z, delta)
        for i in range(m * K):
            d[i] -= y[i]
    elif loss == BINARY_CROSS_ENTROPY:  # separate, so that it compiles to vector instructions
        for i in range(m * K):
            d[i] = logistic(x[i], one) - y[i]
    else:
        for i in range(m * K):
            d[i] = one_delta(loss, c, x[i], y[i], one)
    for i in range(m * K):
        d[i] *= share
    if weight.size > 0:
        for r in range(m):
            for k in range(K):
                delta[r, k] *= weight[r]


@compiled
def softmax(z, out):
    """Write softmax(z) into ``out``, row by row."""
    m, K = z.shape
    for r in range(m):
        largest = z[r, 0]
        for k in range(1, K):
            largest = max(largest, z[r, k])
        total = z.dtype.type(0)
        for k in range(K):
            out[r, k] = exp(z[r, k] - largest)
            total += out[r, k]
        for k in range(K):
            out[r, k] /= total
