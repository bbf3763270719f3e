"""The same network, trained by each library from the same weights, as timed by step.py and others.

Each factory returns ``train(epochs, shuffle=True)``, which trains from scratch from the given
initial weights. It returns the training time in seconds and the loss of each epoch: the mean over
the batches, where each loss is computed before the update of its batch. Samples are gathered by
index, batch by batch. The optimizer is SGD, with Nesterov momentum if momentum is used, or Adam.
With one output the targets are 0 or 1 and the loss is the binary cross-entropy, with K outputs
there are K classes and the loss is the cross-entropy. The number of samples is a multiple of the
batch size. torch and JAX are imported where they are used because they may not be installed.
"""

# ruff: noqa: PLC0415

import functools
from typing import NamedTuple

import _common
import numpy as np
from sklearn.neural_network import MLPClassifier

from sklearn_neuron import SGD, Adam, LogisticNeuronClassifier, ManualMLPClassifier, config_context

BETA_1, BETA_2 = 0.9, 0.999
#: Added to Adam's denominator: after the bias correction by us, torch and JAX, before it by
#: scikit-learn. It is so small that this makes no difference.
EPSILON = 1e-14
RTOL = {"float64": 1e-9, "float32": 1e-3}  # of loss curves


class Job(NamedTuple):
    """Samples, where to start, and how to step."""

    X: np.ndarray  # (n, p)
    y: np.ndarray  # (n,)
    coefs: list  # (n_in, n_out) of each layer
    intercepts: list
    batch_size: int
    eta: float
    momentum: float = 0.0
    activation: str = "relu"
    optimizer: str = "sgd"  # or "adam"

    @property
    def n_outputs(self):
        return len(self.intercepts[-1])


def make_job(n_rows, layer_sizes, dtype, batch_size, eta, momentum=0.0, **how):
    """Return random rows and random weights that keep the scale of what passes through them."""
    rng = np.random.RandomState(0)
    p, n_outputs = layer_sizes[0], layer_sizes[-1]
    X = rng.normal(size=(n_rows, p)).astype(dtype)
    scores = X @ rng.normal(size=(p, n_outputs)) + rng.normal(size=(n_rows, n_outputs))
    y = (scores[:, 0] > 0).astype(int) if n_outputs == 1 else scores.argmax(axis=1)
    y[:n_outputs] = np.arange(n_outputs)[:n_rows]  # every class is there
    pairs = list(zip(layer_sizes[:-1], layer_sizes[1:], strict=True))
    coefs = [rng.normal(scale=(2.0 / n_in) ** 0.5, size=(n_in, n_out)).astype(dtype)
             for n_in, n_out in pairs]  # fmt: skip
    intercepts = [np.zeros(n_out, dtype) for _, n_out in pairs]
    return Job(X, y, coefs, intercepts, batch_size, eta, momentum, **how)


def targets(job):
    """Return Y in the precision of X: a column, or a column for each class."""
    Y = job.y[:, None] if job.n_outputs == 1 else job.y[:, None] == np.arange(job.n_outputs)
    return Y.astype(job.X.dtype)


# ---- this package ----------------------------------------------------------------------------


def ours(job, engine):
    """Train by this package; the last model is ``train.model``."""
    sgd = SGD(momentum=job.momentum, nesterov=bool(job.momentum))
    settings = {
        "eta": job.eta,
        "batch_size": job.batch_size,
        "solver": sgd if job.optimizer == "sgd" else Adam(BETA_1, BETA_2, EPSILON),
        "tol": None,
        "random_state": 0,
    }
    hidden = tuple(len(b) for b in job.intercepts[:-1])
    start = {"coef_init": job.coefs, "intercept_init": job.intercepts}
    if not hidden:
        start = {"coef_init": job.coefs[0].T, "intercept_init": job.intercepts[0]}

    def train(epochs, shuffle=True):
        settings.update(max_iter=epochs, shuffle=shuffle)
        if hidden:
            model = ManualMLPClassifier(hidden, activation=job.activation, **settings)
        else:
            model = LogisticNeuronClassifier(**settings)
        with config_context(engine=engine):
            seconds, train.model = _common.timed(lambda: model.fit(job.X, job.y, **start))
        return seconds, np.array(model.loss_curve_)

    return train


# ---- scikit-learn ----------------------------------------------------------------------------


def start_at(model, job):
    """Give a fitted MLPClassifier the job's start, and its optimizer the state of a new one."""
    model.coefs_ = [W.copy() for W in job.coefs]
    model.intercepts_ = [b.copy() for b in job.intercepts]
    params, optimizer = model.coefs_ + model.intercepts_, model._optimizer
    if job.optimizer == "sgd":
        optimizer.velocities = [np.zeros_like(p) for p in params]
    else:
        optimizer.t = 0
        optimizer.ms, optimizer.vs = ([np.zeros_like(p) for p in params] for _ in range(2))


def sklearn(job):
    """Train by scikit-learn's MLPClassifier, which is given its start by way of a warm start."""
    adam = {"beta_1": BETA_1, "beta_2": BETA_2, "epsilon": EPSILON}

    def train(epochs, shuffle=True):
        model = MLPClassifier(
            tuple(len(b) for b in job.intercepts[:-1]),
            activation=job.activation,
            solver=job.optimizer,
            learning_rate_init=job.eta,
            momentum=job.momentum,
            **adam,
            alpha=0.0,
            batch_size=job.batch_size,
            max_iter=1,
            tol=0.0,
            n_iter_no_change=np.inf,
            shuffle=shuffle,
            random_state=0,
            warm_start=True,
        ).fit(job.X, job.y)  # makes the arrays
        start_at(model, job)
        model.max_iter, done = epochs, len(model.loss_curve_)
        seconds, _ = _common.timed(lambda: model.fit(job.X, job.y))
        return seconds, np.array(model.loss_curve_[done:])

    return train


# ---- torch -----------------------------------------------------------------------------------


def torch_model(job):
    """Return the network as torch's modules."""
    import torch

    named = {
        "relu": torch.nn.ReLU,
        "tanh": torch.nn.Tanh,
        "logistic": torch.nn.Sigmoid,
        "gelu": torch.nn.GELU,
        "softplus": torch.nn.Softplus,
    }
    layers = []
    for W, b in zip(job.coefs, job.intercepts, strict=True):
        layer = torch.nn.Linear(*W.shape, dtype=torch.from_numpy(W).dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T.copy()))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, named[job.activation]()]
    return torch.nn.Sequential(*layers[:-1])


def torch_optimizer(job, params):
    """Return the optimizer in its fused form, which is torch's fastest."""
    import torch

    if job.optimizer == "adam":
        return torch.optim.Adam(params, job.eta, (BETA_1, BETA_2), EPSILON, fused=True)
    nesterov = bool(job.momentum)
    return torch.optim.SGD(params, job.eta, job.momentum, nesterov=nesterov, fused=True)


def torch_eager(job):
    """Train by the loop that one writes by hand with torch."""
    import torch

    torch.set_num_threads(1)
    X, binary = torch.from_numpy(job.X), job.n_outputs == 1
    y = torch.from_numpy(targets(job) if binary else job.y)
    criterion = torch.nn.BCEWithLogitsLoss() if binary else torch.nn.CrossEntropyLoss()

    def loop(model, optimizer, epochs, shuffle):
        curve, n = [], len(X)
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
        model = torch_model(job)
        optimizer = torch_optimizer(job, model.parameters())
        seconds, curve = _common.timed(lambda: loop(model, optimizer, epochs, shuffle))
        return seconds, np.array(curve)

    return train


# ---- JAX -------------------------------------------------------------------------------------


def jax_loss(job):
    """Return the mean loss of a batch as a function of the parameters, X and Y."""
    import jax

    jnp, nn = jax.numpy, jax.nn
    sigma = {
        "relu": nn.relu,
        "tanh": jnp.tanh,
        "logistic": nn.sigmoid,
        "gelu": functools.partial(nn.gelu, approximate=False),
        "softplus": nn.softplus,
    }[job.activation]

    def loss_of(params, X, Y):
        a, last = X, len(params) - 1
        for l, (W, b) in enumerate(params):
            z = a @ W + b
            a = z if l == last else sigma(z)
        partition = nn.softplus(z[:, 0]) if job.n_outputs == 1 else nn.logsumexp(z, axis=1)
        return jnp.mean(partition - jnp.sum(Y * z, axis=1))

    return loss_of


def jax_step(job):
    """Return a training step: parameters, state, X, Y → parameters, state, loss."""
    import jax

    loss_of, tree_map = jax_loss(job), jax.tree.map

    def sgd(params, velocity, grad):
        if job.momentum:
            velocity = tree_map(lambda v, g: job.momentum * v + g, velocity, grad)
            grad = tree_map(lambda v, g: g + job.momentum * v, velocity, grad)
        return tree_map(lambda p, g: p - job.eta * g, params, grad), velocity

    def adam(params, state, grad):
        mean, square, t = state
        t = t + 1
        mean = tree_map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, mean, grad)
        square = tree_map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, square, grad)
        rate, scale = job.eta / (1 - BETA_1**t), 1 / (1 - BETA_2**t)
        params = tree_map(
            lambda p, m, v: p - rate * m / (jax.numpy.sqrt(v * scale) + EPSILON),
            params, mean, square,
        )  # fmt: skip
        return params, (mean, square, t)

    def step(params, state, X, Y):
        loss, grad = jax.value_and_grad(loss_of)(params, X, Y)
        params, state = (adam if job.optimizer == "adam" else sgd)(params, state, grad)
        return params, state, loss

    return step


def jax_start(job):
    """Return the parameters and the optimizer's state to start with."""
    import jax

    jnp = jax.numpy
    params = [(jnp.asarray(W), jnp.asarray(b))
              for W, b in zip(job.coefs, job.intercepts, strict=True)]  # fmt: skip
    zeros = jax.tree.map(jnp.zeros_like, params)
    if job.optimizer == "sgd":
        return params, zeros if job.momentum else ()
    return params, (zeros, zeros, jnp.zeros((), job.X.dtype))


def jax_scan(job):
    """Train by JAX, an epoch in one compiled call: a scan over the batches, whose rows are given.

    Compilation does not count.
    """
    import jax

    X, Y = jax.numpy.asarray(job.X), jax.numpy.asarray(targets(job))
    step, start, n = jax_step(job), jax_start(job), len(job.X)

    @jax.jit
    def epoch(params, state, X, Y, order):
        def with_rows(carry, rows):
            *carry, loss = step(*carry, X[rows], Y[rows])
            return tuple(carry), loss

        carry, losses = jax.lax.scan(with_rows, (params, state), order)
        return *carry, losses.mean()

    def loop(epochs, shuffle):
        rng, (params, state), curve = np.random.RandomState(0), start, []
        for _ in range(epochs):
            order = rng.permutation(n) if shuffle else np.arange(n)
            order = order.astype(np.int32).reshape(-1, job.batch_size)
            params, state, loss = epoch(params, state, X, Y, order)
            curve.append(loss)
        return jax.block_until_ready(curve)

    def train(epochs, shuffle=True):
        seconds, curve = _common.timed(lambda: loop(epochs, shuffle))
        return seconds, np.array(curve)

    return train


def jax_full_batch(job):
    """Train by JAX on all rows at once, all epochs in one compiled call: a scan over the epochs.

    Compilation does not count.
    """
    import jax

    data = jax.numpy.asarray(job.X), jax.numpy.asarray(targets(job))
    step, start = jax_step(job), jax_start(job)

    @functools.cache
    def compiled(epochs):
        def run(params, state, X, Y):
            def once(carry, _):
                *carry, loss = step(*carry, X, Y)
                return tuple(carry), loss

            return jax.lax.scan(once, (params, state), None, length=epochs)

        return jax.jit(run).lower(*start, *data).compile()

    def train(epochs, shuffle=True):  # noqa: ARG001
        run = compiled(epochs)
        seconds, (_, curve) = _common.timed(lambda: jax.block_until_ready(run(*start, *data)))
        return seconds, np.array(curve)

    return train


# ---- together --------------------------------------------------------------------------------


def assert_same_curves(trains, epochs, rtol):
    """Assert that all follow the first one's loss curve, with the rows in their own order."""
    (reference, train), *others = trains.items()
    _, expected = train(epochs, shuffle=False)
    for name, train in others:
        _, curve = train(epochs, shuffle=False)
        np.testing.assert_allclose(
            curve, expected, rtol=rtol, err_msg=f"{name} does not follow {reference}"
        )


def time_them(trains, rounds, seconds=0.15, most=2000):
    """Return for each the seconds per epoch of every round, shuffled, in turns."""
    epochs = {
        name: _common.epochs_for(lambda n, t=t: t(n)[0], seconds, most)
        for name, t in trains.items()
    }
    jobs = {
        name: lambda train=train, n=epochs[name]: train(n)[0] / n for name, train in trains.items()
    }
    return _common.take_turns(jobs, rounds)
