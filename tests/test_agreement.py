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
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
)

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


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("solver", [SGD(), SGD(0.9), SGD(0.9, nesterov=True), Adam()], ids=repr)
def test_follows_torch(solver, alpha):
    """The same weights after every epoch of mini-batches, with softmax and tanh layers."""
    torch = pytest.importorskip("torch", reason="torch is an oracle, not a requirement")
    X, y = load("multinomial")
    coefs, intercepts = start((X.shape[1], 6, 5, 3))
    layers = []
    for W, b in zip(coefs, intercepts, strict=True):
        layer = torch.nn.Linear(*W.shape, dtype=torch.float64)
        layer.weight.data, layer.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
        layers += [layer, torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    if isinstance(solver, Adam):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    else:
        optimizer = torch.optim.SGD(
            model.parameters(), lr=0.01, momentum=solver.momentum, nesterov=solver.nesterov
        )
    inputs, labels = torch.tensor(X), torch.tensor(y)
    for epoch in range(1, 5):
        for rows in torch.arange(len(y)).split(40):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs[rows]), labels[rows])
            penalty = sum((p**2).sum() for p in model.parameters() if p.ndim == 2)
            (loss + 0.5 * alpha * penalty).backward()
            optimizer.step()
        ours = ManualMLPClassifier(
            (6, 5), activation="tanh", solver=solver, eta=0.01, alpha=alpha, batch_size=40,
            shuffle=False, max_iter=epoch, tol=None,
        ).fit(X, y, coef_init=coefs, intercept_init=intercepts)  # fmt: skip
        for l, layer in enumerate(layers[::2]):
            assert_allclose(ours.coefs_[l], layer.weight.detach().numpy().T, rtol=1e-9, atol=1e-10)
            assert_allclose(ours.intercepts_[l], layer.bias.detach().numpy(), rtol=1e-9, atol=1e-10)
