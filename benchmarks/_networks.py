"""The same network, trained by each library from the same weights, as timed by step.py and others.

Each factory returns ``train(epochs, shuffle=True)``, which trains from scratch from the given
initial weights. It returns the training time in seconds and the loss of each epoch: the mean over
the batches, where each loss is computed before the update of its batch. Samples are gathered by
index, batch by batch. The optimizer is SGD, with Nesterov momentum if momentum is used. All targets
are 0 or 1, and the number of samples is a multiple of the batch size. torch and JAX are imported
where they are used because they may not be installed.
"""

# ruff: noqa: PLC0415

from typing import NamedTuple

import _common
import numpy as np
from sklearn.neural_network import MLPClassifier

from sklearn_neuron import SGD, LogisticNeuronClassifier, ManualMLPClassifier, config_context


class Job(NamedTuple):
    """Samples, where to start, and how to step."""

    X: np.ndarray  # (n, p)
    y: np.ndarray  # (n,)
    coefs: list  # (n_in, n_out) of each layer
    intercepts: list
    batch_size: int
    eta: float
    momentum: float = 0.0


def make_job(n_rows, layer_sizes, dtype, batch_size, eta, momentum=0.0):
    """Return random rows and small random weights."""
    rng = np.random.RandomState(0)
    p = layer_sizes[0]
    X = rng.normal(size=(n_rows, p)).astype(dtype)
    y = (X @ rng.normal(size=p) + rng.normal(size=n_rows) > 0).astype(int)
    pairs = list(zip(layer_sizes[:-1], layer_sizes[1:], strict=True))
    coefs = [rng.normal(scale=0.2, size=pair).astype(dtype) for pair in pairs]
    intercepts = [np.zeros(n_out, dtype) for _, n_out in pairs]
    return Job(X, y, coefs, intercepts, batch_size, eta, momentum)


def ours(job, engine):
    """Train by this package; the last model is ``train.model``."""
    settings = {
        "eta": job.eta,
        "batch_size": job.batch_size,
        "solver": SGD(momentum=job.momentum, nesterov=bool(job.momentum)),
        "tol": None,
        "random_state": 0,
    }
    hidden = tuple(len(b) for b in job.intercepts[:-1])
    start = {"coef_init": job.coefs, "intercept_init": job.intercepts}
    if not hidden:
        start = {"coef_init": job.coefs[0].T, "intercept_init": job.intercepts[0]}

    def train(epochs, shuffle=True):
        settings.update(max_iter=epochs, shuffle=shuffle)
        neuron = LogisticNeuronClassifier(**settings)
        model = ManualMLPClassifier(hidden, **settings) if hidden else neuron
        with config_context(engine=engine):
            seconds, train.model = _common.timed(lambda: model.fit(job.X, job.y, **start))
        return seconds, np.array(model.loss_curve_)

    return train


def sklearn(job):
    """Train by scikit-learn's MLPClassifier, which is given its start by way of a warm start."""

    def train(epochs, shuffle=True):
        model = MLPClassifier(
            tuple(len(b) for b in job.intercepts[:-1]),
            solver="sgd",
            learning_rate_init=job.eta,
            momentum=job.momentum,
            alpha=0.0,
            batch_size=job.batch_size,
            max_iter=1,
            tol=0.0,
            n_iter_no_change=np.inf,
            shuffle=shuffle,
            random_state=0,
            warm_start=True,
        ).fit(job.X, job.y)  # makes the arrays
        model.coefs_ = [W.copy() for W in job.coefs]
        model.intercepts_ = [b.copy() for b in job.intercepts]
        model._optimizer.velocities = [  # what the first fit has left
            np.zeros_like(p) for p in model.coefs_ + model.intercepts_
        ]
        model.max_iter, done = epochs, len(model.loss_curve_)
        seconds, _ = _common.timed(lambda: model.fit(job.X, job.y))
        return seconds, np.array(model.loss_curve_[done:])

    return train


def torch_eager(job):
    """Train by the loop that one writes by hand with torch."""
    import torch

    torch.set_num_threads(1)
    X = torch.from_numpy(job.X)
    y = torch.from_numpy(job.y[:, None].astype(job.X.dtype))

    def build():
        layers = []
        for W, b in zip(job.coefs, job.intercepts, strict=True):
            layer = torch.nn.Linear(*W.shape, dtype=X.dtype)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(W.T.copy()))
                layer.bias.copy_(torch.from_numpy(b))
            layers += [layer, torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    def loop(model, epochs, shuffle):
        criterion, curve, n = torch.nn.BCEWithLogitsLoss(), [], len(X)
        optimizer = torch.optim.SGD(
            model.parameters(), lr=job.eta, momentum=job.momentum, nesterov=bool(job.momentum)
        )
        for _ in range(epochs):
            order, total = torch.randperm(n) if shuffle else torch.arange(n), 0.0
            for rows in order.split(job.batch_size):
                optimizer.zero_grad()
                loss = criterion(model(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                total += loss.item() * len(rows)
            curve.append(total / n)
        return curve

    def train(epochs, shuffle=True):
        model = build()
        seconds, curve = _common.timed(lambda: loop(model, epochs, shuffle))
        return seconds, np.array(curve)

    return train


def jax_epoch(job):
    """Return the epoch, compiled: a scan over the batches, with the order of the rows given."""
    import jax

    def loss_of(params, X, y):
        a, last = X, len(params) - 1
        for l, (W, b) in enumerate(params):
            z = a @ W + b
            a = z if l == last else jax.nn.relu(z)
        z = a[:, 0]
        return jax.numpy.mean(jax.nn.softplus(z) - y * z)

    def epoch(params, velocity, X, y, order):
        def step(carry, rows):
            params, velocity = carry
            loss, grad = jax.value_and_grad(loss_of)(params, X[rows], y[rows])
            if job.momentum:
                velocity = jax.tree.map(lambda v, g: job.momentum * v + g, velocity, grad)
                grad = jax.tree.map(lambda v, g: g + job.momentum * v, velocity, grad)
            params = jax.tree.map(lambda p, g: p - job.eta * g, params, grad)
            return (params, velocity), loss

        carry, losses = jax.lax.scan(step, (params, velocity), order)
        return *carry, losses.mean()

    return jax.jit(epoch)


def jax_scan(job):
    """Train by JAX, an epoch in one compiled call; compilation does not count."""
    import jax

    X, y = jax.numpy.asarray(job.X), jax.numpy.asarray(job.y.astype(job.X.dtype))
    start = [
        (jax.numpy.asarray(W), jax.numpy.asarray(b))
        for W, b in zip(job.coefs, job.intercepts, strict=True)
    ]
    epoch, n = jax_epoch(job), len(job.X)

    def loop(epochs, shuffle):
        rng, params = np.random.RandomState(0), start
        velocity, curve = jax.tree.map(jax.numpy.zeros_like, start), []
        for _ in range(epochs):
            order = rng.permutation(n) if shuffle else np.arange(n)
            order = order.astype(np.int32).reshape(-1, job.batch_size)
            params, velocity, loss = epoch(params, velocity, X, y, order)
            curve.append(loss)
        return jax.block_until_ready(curve)

    def train(epochs, shuffle=True):
        seconds, curve = _common.timed(lambda: loop(epochs, shuffle))
        return seconds, np.array(curve)

    return train


def assert_same_curves(trains, epochs, rtol):
    """Assert that all follow the first one's loss curve, with the rows in their own order."""
    (reference, train), *others = trains.items()
    _, expected = train(epochs, shuffle=False)
    for name, train in others:
        _, curve = train(epochs, shuffle=False)
        np.testing.assert_allclose(
            curve, expected, rtol=rtol, err_msg=f"{name} does not follow {reference}"
        )


def time_them(trains, rounds):
    """Return for each the seconds per epoch of every round, shuffled, in turns."""
    epochs = {name: _common.epochs_for(lambda n, t=t: t(n)[0]) for name, t in trains.items()}
    jobs = {
        name: lambda train=train, n=epochs[name]: train(n)[0] / n for name, train in trains.items()
    }
    return _common.take_turns(jobs, rounds)
