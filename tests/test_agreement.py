"""Agreement with independent implementations: scikit-learn, and torch where it is installed."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale

from sklearn_neuron import (
    SGD,
    Adam,
    AdamW,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    RMSprop,
)
from sklearn_neuron.activations import ACTIVATIONS, ELU, LeakyReLU
from sklearn_neuron.losses import BinaryCrossEntropy, CrossEntropy
from sklearn_neuron.optimizers import clip

DATA = {"binary": load_breast_cancer, "multinomial": load_wine}


def load(name):
    X, y = DATA[name](return_X_y=True)
    return scale(X), y


@pytest.mark.parametrize("C", [0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("data", DATA)
def test_lbfgs_agrees_with_logistic_regression(data, weighted, C):
    X, y = load(data)
    s = np.random.RandomState(0).uniform(0.1, 2.0, len(y)) if weighted else None
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y, s)
    total = len(y) if s is None else s.sum()
    ours = LogisticNeuronClassifier(
        solver="lbfgs", alpha=1 / (C * total), tol=1e-8, max_iter=10_000
    ).fit(X, y, s)
    assert ours.coef_.shape == theirs.coef_.shape
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)
    assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-3)


@pytest.mark.parametrize("data", DATA)
def test_gradient_descent_gets_to_logistic_regression(data):
    """Full-batch steps, run long enough."""
    X, y = load(data)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(X, y)
    ours = LogisticNeuronClassifier(
        solver=SGD(momentum=0.9, nesterov=True),
        batch_size=None,
        eta=0.5,
        alpha=1 / len(y),
        max_iter=5000,
        tol=None,
    ).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


def test_network_without_hidden_layer_is_the_neuron():
    X, y = load("multinomial")
    settings = {"solver": "lbfgs", "alpha": 0.01, "tol": 1e-9, "max_iter": 2000}
    neuron = LogisticNeuronClassifier(**settings).fit(X, y)
    network = ManualMLPClassifier((), random_state=0, **settings).fit(X, y)
    assert_allclose(network.predict_proba(X), neuron.predict_proba(X), atol=1e-5)


def test_linear_network_is_ridge():
    X, y = load("binary")
    X, y = X[:, :10], X[:, 11]
    ridge = Ridge(alpha=3.0, tol=1e-12).fit(X, y)
    ours = ManualMLPRegressor(
        (), solver="lbfgs", alpha=2 * 3.0 / len(y), tol=1e-9, max_iter=5000, random_state=0
    ).fit(X, y)
    assert_allclose(ours.coefs_[0][:, 0], ridge.coef_, atol=1e-6)
    assert_allclose(ours.intercepts_[0][0], ridge.intercept_, atol=1e-6)


def theirs_from(model, X, y, coefs, intercepts):
    """Return a scikit-learn network that starts from given weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_params(warm_start=True, max_iter=1).fit(X, y)
    model.coefs_ = [W.copy() for W in coefs]
    model.intercepts_ = [b.copy() for b in intercepts]
    return model


def start(layer_sizes, seed=0):
    rng = np.random.RandomState(seed)
    shapes = list(zip(layer_sizes[:-1], layer_sizes[1:], strict=True))
    return (
        [rng.normal(scale=0.4, size=shape) for shape in shapes],
        [rng.normal(scale=0.1, size=n) for _, n in shapes],
    )


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
@pytest.mark.parametrize("batch_size", [None, 30])
@pytest.mark.parametrize("data", DATA)
def test_follows_mlp_classifier(data, batch_size, momentum, nesterov, activation):
    """The same weights after every epoch, for several epochs."""
    X, y = load(data)
    n, hidden, eta = len(y), (6, 5), 0.05
    outputs = 1 if data == "binary" else 3
    coefs, intercepts = start((X.shape[1], *hidden, outputs))
    theirs = MLPClassifier(
        hidden,
        activation=activation,
        solver="sgd",
        alpha=0.0,
        learning_rate_init=eta,
        momentum=momentum,
        nesterovs_momentum=nesterov,
        batch_size=batch_size or n,
        shuffle=False,
        n_iter_no_change=1000,
    )
    theirs = theirs_from(theirs, X, y, coefs, intercepts)
    for epochs in (1, 2, 5):
        ours = ManualMLPClassifier(
            hidden,
            activation=activation,
            solver=SGD(momentum=momentum, nesterov=nesterov),
            eta=eta,
            batch_size=batch_size,
            shuffle=False,
            max_iter=epochs,
            tol=None,
        ).fit(X, y, coef_init=coefs, intercept_init=intercepts)
        their_epochs = theirs_from(theirs, X, y, coefs, intercepts).set_params(max_iter=epochs)
        done = len(their_epochs.loss_curve_)
        their_epochs.fit(X, y)
        assert_allclose(ours.loss_curve_, their_epochs.loss_curve_[done:], rtol=1e-10)
        for mine, other in zip(
            ours.coefs_ + ours.intercepts_,
            their_epochs.coefs_ + their_epochs.intercepts_,
            strict=True,
        ):
            assert_allclose(mine, other, rtol=1e-10, atol=1e-10)


def test_follows_mlp_regressor_at_half_its_rate():
    """Their loss is half the square, so their rate is twice ours."""
    X, y = load("binary")
    X, y = X[:, 1:], X[:, 0]
    coefs, intercepts = start((X.shape[1], 6, 1))
    theirs = MLPRegressor(
        hidden_layer_sizes=(6,), solver="sgd", alpha=0.0, learning_rate_init=0.02, momentum=0.0,
        shuffle=False, batch_size=50, nesterovs_momentum=False,
    )  # fmt: skip
    theirs = theirs_from(theirs, X, y, coefs, intercepts).set_params(max_iter=4).fit(X, y)
    ours = ManualMLPRegressor(
        (6,), eta=0.01, solver="sgd", shuffle=False, batch_size=50, max_iter=4, tol=None
    ).fit(X, y, coef_init=coefs, intercept_init=intercepts)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-10, atol=1e-12)


# ---- torch, where it is installed -------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is an oracle, not a requirement")


def torch_network(torch, coefs, intercepts):
    """Return a network of tanh layers with given weights, and its affine layers."""
    layers = []
    for W, b in zip(coefs, intercepts, strict=True):
        layer = torch.nn.Linear(*W.shape, dtype=torch.float64)
        layer.weight.data, layer.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
        layers += [layer, torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1]), layers[::2]


def torch_optimizer(torch, solver, layers, eta):
    """Return torch's optimizer with the same settings; weights and biases are two groups."""
    decay = solver.weight_decay
    groups = [
        {"params": [layer.weight for layer in layers], "weight_decay": decay},
        {"params": [layer.bias for layer in layers], "weight_decay": 0.0},
    ]
    if isinstance(solver, Adam):
        betas = {"betas": (solver.beta_1, solver.beta_2), "eps": solver.epsilon}
        kind = torch.optim.AdamW if isinstance(solver, AdamW) else torch.optim.Adam
        return kind(groups, lr=eta, **betas)
    if isinstance(solver, RMSprop):
        how = {"alpha": solver.rho, "eps": solver.epsilon, "momentum": solver.momentum}
        return torch.optim.RMSprop(groups, lr=eta, **how)
    return torch.optim.SGD(groups, lr=eta, momentum=solver.momentum, nesterov=solver.nesterov)


FOLLOWED = [
    SGD(),
    SGD(0.9),
    SGD(0.9, nesterov=True),
    Adam(),
    AdamW(),
    AdamW(0.8, 0.95, 1e-6, weight_decay=0.3),
    RMSprop(),
    RMSprop(momentum=0.9),
    RMSprop(0.9, 1e-4, momentum=0.5),
]


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("solver", FOLLOWED, ids=repr)
def test_follows_torch(solver, alpha, torch):
    """The same weights after every mini-batch of some epochs, with softmax and tanh layers."""
    X, y = load("multinomial")
    coefs, intercepts = start((X.shape[1], 6, 5, 3))
    model, layers = torch_network(torch, coefs, intercepts)
    optimizer = torch_optimizer(torch, solver, layers, eta=0.01)
    inputs, labels, steps = torch.tensor(X), torch.tensor(y), []
    for _ in range(4):
        for rows in torch.arange(len(y)).split(40):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs[rows]), labels[rows])
            penalty = sum((layer.weight**2).sum() for layer in layers)
            (loss + 0.5 * alpha * penalty).backward()
            optimizer.step()
            steps.append([p.detach().numpy().T.copy() for p in model.parameters()])
    ours = ManualMLPClassifier(
        (6, 5), activation="tanh", solver=solver, eta=0.01, alpha=alpha, batch_size=40,
        shuffle=False, max_iter=4, tol=None, record="step",
    ).fit(X, y, coef_init=coefs, intercept_init=intercepts)  # fmt: skip
    assert len(steps) == len(ours.history_["step"]) == 20
    for k, theirs in enumerate(steps):
        for l in range(3):
            mine = ours.history_["coefs"][k][l], ours.history_["intercepts"][k][l]
            assert_allclose(mine[0], theirs[2 * l], rtol=1e-9, atol=1e-10)
            assert_allclose(mine[1], theirs[2 * l + 1], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("length", [0.5, 1.9, 2.1, 300.0])
def test_clipping_follows_torch(length, torch):
    """Theirs divides by the norm plus 1e-6."""
    grad = np.random.RandomState(0).normal(size=50)
    grad *= length / np.linalg.norm(grad)
    parameter = torch.nn.Parameter(torch.zeros(50, dtype=torch.float64))
    parameter.grad = torch.tensor(grad.copy())
    torch.nn.utils.clip_grad_norm_([parameter], max_norm=2.0)
    clip(grad, 2.0)
    assert_allclose(grad, parameter.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("activation", "name", "settings"),
    [
        ("relu", "relu", {}),
        ("leaky_relu", "leaky_relu", {}),
        (LeakyReLU(0.2), "leaky_relu", {"negative_slope": 0.2}),
        ("elu", "elu", {}),
        (ELU(0.5), "elu", {"alpha": 0.5}),
        ("selu", "selu", {}),
        ("gelu", "gelu", {}),
        ("silu", "silu", {}),
        ("softplus", "softplus", {"threshold": 1000}),
    ],
    ids=str,
)
def test_activations_follow_torch(activation, name, settings, torch):
    """Values and derivatives; their softplus is the identity beyond its threshold."""
    z = np.linspace(-40, 40, 161).reshape(-1, 1)  # the corner at zero included
    if isinstance(activation, str):
        activation = ACTIVATIONS[activation]()
    out, slope = np.empty_like(z), np.empty_like(z)
    activation.with_derivative(z, out=out, slope=slope)
    inputs = torch.tensor(z, requires_grad=True)
    values = getattr(torch.nn.functional, name)(inputs, **settings)
    values.sum().backward()
    assert_allclose(out, values.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert_allclose(slope, inputs.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_label_smoothing_follows_torch(kind, epsilon, torch):
    """Values and δ; one sigmoid is the softmax of z and 0."""
    rng = np.random.RandomState(0)
    labels, K = rng.randint(4 if kind == "softmax" else 2, size=20), 4
    z = 5 * rng.normal(size=(20, K if kind == "softmax" else 1))
    loss = CrossEntropy(epsilon) if kind == "softmax" else BinaryCrossEntropy(epsilon)
    y = np.eye(K)[labels] if kind == "softmax" else labels.reshape(-1, 1).astype(float)
    inputs = torch.tensor(z, requires_grad=True)
    logits = inputs if kind == "softmax" else torch.hstack([torch.zeros_like(inputs), inputs])
    theirs = torch.nn.CrossEntropyLoss(label_smoothing=epsilon, reduction="none")(
        logits, torch.tensor(labels)
    )
    theirs.sum().backward()
    delta = np.empty_like(z)
    loss.delta(y, z, out=delta, work=np.empty_like(z))
    assert_allclose(loss.value(y, z), theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert_allclose(delta, inputs.grad.numpy(), rtol=1e-12, atol=1e-14)
