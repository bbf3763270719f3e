"""The updates, as in ``optimizers`` and ``Updater.step``."""

from __future__ import annotations

import math

from sklearn_neuron._engine.kernels._compile import compiled
from sklearn_neuron._engine.kernels._products import add_multiple

PLAIN, MOMENTUM, NESTEROV, ADAM = range(4)


@compiled
def update(rule, hyper, t, theta, grad, memory, n_weights):
    """Update θ along the optimizer's direction; ``memory`` has a row per array of its state."""
    T = theta.dtype.type
    eta, alpha, decay = T(hyper[0]), T(hyper[1]), T(hyper[2])
    if alpha != 0:
        for j in range(n_weights):
            grad[j] += alpha * theta[j]
    if decay != 0:
        for j in range(n_weights):
            theta[j] -= eta * decay * theta[j]
    if rule == PLAIN:
        add_multiple(theta, -eta, grad)
    elif rule == ADAM:
        update_adam(hyper, t, theta, grad, memory)
    else:
        mu, carried = T(hyper[3]), memory[0]
        if rule == NESTEROV:
            for j in range(theta.size):
                carried[j] = mu * (carried[j] + grad[j])
                theta[j] -= eta * (grad[j] + carried[j])
        else:
            for j in range(theta.size):
                direction = grad[j] + carried[j]
                carried[j] = mu * direction
                theta[j] -= eta * direction


@compiled
def update_adam(hyper, t, theta, grad, memory):
    T = theta.dtype.type
    beta_1, beta_2, epsilon = T(hyper[3]), T(hyper[4]), T(hyper[5])
    rest_1, rest_2 = T(1.0 - hyper[3]), T(1.0 - hyper[4])
    eta = T(hyper[0] / (1.0 - hyper[3] ** t))
    correction = T(1.0 / (1.0 - hyper[4] ** t))
    mean, square = memory[0], memory[1]
    for j in range(theta.size):
        mean[j] = beta_1 * mean[j] + rest_1 * grad[j]
        square[j] = beta_2 * square[j] + rest_2 * grad[j] * grad[j]
        theta[j] -= eta * mean[j] / (math.sqrt(square[j] * correction) + epsilon)
