"""The training loops of the documents that this package started from, in their original form.

Each is a single function in plain Python and NumPy, generalized to several features where the
document has only one.
"""

import numpy as np

# the data of the second document, and of the worked case of the first
X_BASICS = np.array([3.5, 0.35, 3.2, -2.0, 1.5, -0.5])
Y_BASICS = np.array([0.5, 0.5, 0.5, 0.5, 0.1, 0.3])
X_SINGLE, Y_SINGLE = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, -2.0]]), np.array([1.0, 0.0, 0.0])


def sigmoid(a):
    return 1.0 / (1 + np.exp(-a))


def grad_w(x, y, w, b):
    y_hat = sigmoid(np.dot(x, w) + b)
    return -2 * (y - y_hat) * y_hat * (1 - y_hat) * x


def grad_b(x, y, w, b):
    y_hat = sigmoid(np.dot(x, w) + b)
    return -2 * (y - y_hat) * y_hat * (1 - y_hat)


def stochastic(X, Y, w, b, eta, epochs):
    """Squared error, an update after every row, in order (Backpropagation algorithms, basics)."""
    for _ in range(epochs):
        for x, y in zip(X, Y, strict=True):
            dw = grad_w(x, y, w, b)
            db = grad_b(x, y, w, b)
            w = w - eta * dw
            b = b - eta * db
    return w, b


def full_batch(features, labels, weights, bias, eta, epochs):
    """Squared error, an update with all rows (Single neuron with backpropagation)."""
    weights, mse_values = np.array(weights), []
    for _ in range(epochs):
        predictions = sigmoid(np.dot(features, weights) + bias)
        mse_values.append(np.mean((predictions - labels) ** 2))
        errors = predictions - labels
        step = errors * predictions * (1 - predictions)
        weights -= eta * (2 / len(labels)) * np.dot(features.T, step)
        bias -= eta * (2 / len(labels)) * np.sum(step)
    return weights, bias


def logistic(X, y, w, b, eta, epochs):
    """Cross-entropy, an update with all rows (Training a single neuron for logistic regression)."""
    m, losses = len(y), []
    for _ in range(epochs):
        A = sigmoid(np.dot(X, w) + b)
        losses.append(-np.sum(y * np.log(A) + (1 - y) * np.log(1 - A)) / m)
        dZ = A - y
        w = w - eta * np.dot(X.T, dZ) / m
        b = b - eta * np.sum(dZ) / m
    return w, b
