"""Optimizers against steps computed by hand: directions, clipping, decay, averages."""

import numpy as np
import pytest
from helpers import make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import scale

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop

GRADIENTS = [np.array([1.0, -2.0]), np.array([0.5, 3.0]), np.array([-1.0, 0.25])]


def directions(optimizer, gradients=GRADIENTS):
    state, result = optimizer.init(gradients[0]), []
    for gradient in gradients:
        grad = gradient.copy()
        optimizer.direction(grad, state)
        result.append(grad)
    return np.array(result)


def recorded(model):
    """Return a neuron's parameters after every recorded update, a row each."""
    n = len(model.history_["step"])
    return np.column_stack([np.reshape(model.history_[k], (n, -1)) for k in ("coef", "intercept")])


def fitted(model):
    """Return a neuron's fitted parameters, in the same order."""
    return np.append(model.coef_, model.intercept_)


def test_sgd_is_the_gradient():
    assert_allclose(directions(SGD()), GRADIENTS, rtol=0)


def test_momentum():
    g1, g2, g3 = GRADIENTS
    v1, v2 = g1, 0.9 * g1 + g2
    v3 = 0.9 * v2 + g3
    assert_allclose(directions(SGD(momentum=0.9)), [v1, v2, v3], rtol=1e-14)
    looking_ahead = [g1 + 0.9 * v1, g2 + 0.9 * v2, g3 + 0.9 * v3]
    assert_allclose(directions(SGD(momentum=0.9, nesterov=True)), looking_ahead, rtol=1e-14)


def test_adam():
    m = v = np.zeros(2)
    expected = []
    for t, g in enumerate(GRADIENTS, start=1):
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        expected.append((m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-4))
    result = directions(Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-4))
    assert_allclose(result, expected, rtol=1e-12)
    assert_allclose(np.abs(directions(Adam())[0]), 1.0, rtol=1e-7)  # the first step has length η


def test_the_direction_of_adamw_is_that_of_adam():
    """The decay is beside it: see below."""
    settings = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4}
    assert_array_equal(
        directions(AdamW(weight_decay=0.5, **settings)), directions(Adam(**settings))
    )


@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_rmsprop(momentum):
    v = d = np.zeros(2)
    expected = []
    for g in GRADIENTS:
        v = 0.9 * v + 0.1 * g**2
        d = momentum * d + g / (np.sqrt(v) + 1e-4)
        expected.append(d)
    result = directions(RMSprop(rho=0.9, epsilon=1e-4, momentum=momentum))
    assert_allclose(result, expected, rtol=1e-12)
    first = directions(RMSprop(rho=0.9, momentum=momentum))[0]
    assert_allclose(np.abs(first), 1 / np.sqrt(0.1), rtol=1e-6)  # v is not corrected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_dtype_stays(name, dtype):
    theta = np.ones(3, dtype)
    optimizer = OPTIMIZERS[name]()
    state, grad = optimizer.init(theta), theta.copy()
    optimizer.update(grad, state)
    assert grad.dtype == dtype
    assert all(a.dtype == dtype for a in state.values() if isinstance(a, np.ndarray))


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(),
        SGD(0.9),
        SGD(0.9, nesterov=True),
        Adam(epsilon=0.1),
        AdamW(epsilon=0.1),
        RMSprop(epsilon=0.1),
        RMSprop(epsilon=0.1, momentum=0.8),
    ],
    ids=repr,
)
def test_proximal_scale_is_the_direction_of_a_constant_gradient_of_one(optimizer):
    state = optimizer.init(np.zeros(2))
    for _ in range(5000):
        grad = np.ones(2)
        optimizer.update(grad, state)
    assert_allclose(np.broadcast_to(optimizer.proximal_scale(state), 2), grad, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [Adam(epsilon=0.1), RMSprop(epsilon=0.1, momentum=0.8)])
def test_proximal_scale_is_that_of_every_parameter(optimizer):
    """For a constant gradient the direction is the gradient times the scale."""
    g, state = np.array([3.0, -0.01]), optimizer.init(np.zeros(2))
    for _ in range(5000):
        grad = g.copy()
        optimizer.update(grad, state)
    assert_allclose(g * optimizer.proximal_scale(state), grad, rtol=1e-12)


# ---- clipping ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_max_norm_scales_longer_gradients_only(name):
    """To that norm, before anything else is done with them; a direction by itself shows it."""
    clipped = [g * min(1.0, 2.5 / np.linalg.norm(g)) for g in GRADIENTS]
    assert [np.linalg.norm(g) > 2.5 for g in GRADIENTS] == [False, True, False]
    assert_allclose(
        directions(OPTIMIZERS[name](max_norm=2.5)),
        directions(OPTIMIZERS[name](), clipped),
        rtol=1e-13,
    )
    assert_array_equal(directions(OPTIMIZERS[name](max_norm=10.0)), directions(OPTIMIZERS[name]()))


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e300)])
def test_a_gradient_whose_squares_overflow_is_clipped(dtype, size):
    grad = np.array([3.0, -4.0], dtype) * dtype(size)
    with np.errstate(over="ignore"):
        SGD(max_norm=1.0).direction(grad, {})
    assert_allclose(grad, [0.6, -0.8], rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_clipping_reaches_the_estimators(name, X):
    """A limit that is never reached changes nothing, one that always is changes the fit."""
    y = target_for(ManualMLPClassifier, 30)
    free, wide, narrow = (
        weights_of(make(ManualMLPClassifier, solver=OPTIMIZERS[name](max_norm=m)).fit(X, y))
        for m in (None, 1e6, 1e-9)
    )
    # a step that is not clipped may be computed without a gradient in memory
    assert_allclose(wide, free, rtol=1e-13, atol=1e-15)
    assert np.abs(narrow - free).max() > 1e-3


def test_a_clipped_step_is_no_longer_than_eta_times_max_norm(X):
    y, eta, max_norm = 1000 * target_for(LogisticNeuronClassifier, 30), 0.5, 0.01
    model = make(
        LogisticNeuronClassifier,
        solver=SGD(max_norm=max_norm),
        eta=eta,
        batch_size=7,
        record="step",
    ).fit(100 * X, y)
    steps = np.linalg.norm(np.diff(recorded(model), axis=0), axis=1)
    assert_allclose(steps.max(), eta * max_norm, rtol=1e-9)


# ---- weights that decay -----------------------------------------------------------------------


def test_adamw_decays_weights_and_spares_biases(X):
    """One step from the same place: W differs by η λ W from Adam's, b not at all."""
    y, eta, decay = target_for(ManualMLPClassifier, 30), 0.1, 0.3
    how = {"eta": eta, "batch_size": None, "max_iter": 1}
    start = make(ManualMLPClassifier, **how).fit(X, y)
    given = {"coef_init": start.coefs_, "intercept_init": start.intercepts_}
    plain = make(ManualMLPClassifier, solver=Adam(), **how).fit(X, y, **given)
    decayed = make(ManualMLPClassifier, solver=AdamW(weight_decay=decay), **how).fit(X, y, **given)
    for W, W_plain, W_decayed in zip(start.coefs_, plain.coefs_, decayed.coefs_, strict=True):
        assert_allclose(W_decayed, W_plain - eta * decay * W, rtol=1e-12, atol=1e-15)
    for b, b_plain in zip(decayed.intercepts_, plain.intercepts_, strict=True):
        assert_array_equal(b, b_plain)


# ---- averages ---------------------------------------------------------------------------------

AVERAGING = [SGD(average=True), SGD(0.9, average=11), Adam(average=True), Adam(average=11)]


@pytest.mark.parametrize("solver", AVERAGING, ids=repr)
def test_averages_are_means_over_the_updates(solver, X):
    """From the first update on, or (counted from 1) from the one that the number says."""
    y = target_for(LogisticNeuronClassifier, 30)
    model = make(LogisticNeuronClassifier, solver=solver, record="step", batch_size=7).fit(X, y)
    theta = recorded(model)
    first = int(solver.average) - 1
    assert_allclose(fitted(model), theta[first:].mean(axis=0), rtol=1e-10, atol=1e-13)
    last = make(
        LogisticNeuronClassifier, solver=clone(solver).set_params(average=False), batch_size=7
    ).fit(X, y)
    assert_array_equal(theta[-1], fitted(last))  # training itself does not know of it


def test_before_the_first_update_to_average_the_last_one_counts(X):
    y = target_for(LogisticNeuronClassifier, 30)
    how = {"batch_size": None, "max_iter": 5}
    plain = make(LogisticNeuronClassifier, solver=SGD(), **how).fit(X, y)
    for average, same in ((6, True), (5, True), (4, False)):
        model = make(LogisticNeuronClassifier, solver=SGD(average=average), **how).fit(X, y)
        assert np.array_equal(model.coef_, plain.coef_) == same


@pytest.mark.parametrize("solver", AVERAGING, ids=repr)
def test_partial_fits_that_average_are_epochs(cls, solver, X):
    """Bit for bit: they go on from the last iterate, and the mean over all updates goes on too."""
    y = target_for(cls, 30)
    how = {"solver": solver, "batch_size": 7}
    whole = make(cls, max_iter=4, **how).fit(X, y)
    parts = make(cls, **how)
    classes = {"classes": [0, 1, 2]} if "class_weight" in parts.get_params() else {}
    for _ in range(4):
        parts.partial_fit(X, y, **classes)
    assert_array_equal(weights_of(parts), weights_of(whole))


@pytest.mark.parametrize("solver", AVERAGING, ids=repr)
def test_warm_starts_that_average_go_on_from_the_last_iterate(solver, X):
    y = target_for(LogisticNeuronClassifier, 30)
    how = {"solver": solver, "batch_size": 7}
    whole = make(LogisticNeuronClassifier, max_iter=6, **how).fit(X, y)
    parts = make(LogisticNeuronClassifier, max_iter=3, warm_start=True, **how).fit(X, y).fit(X, y)
    assert_array_equal(weights_of(parts), weights_of(whole))


def test_a_first_block_of_zero_weight_has_no_average_yet(cls, X):
    model, y = make(cls, solver=SGD(average=True)), target_for(cls, 30)
    classes = {"classes": [0, 1, 2]} if "class_weight" in model.get_params() else {}
    model.partial_fit(X, y, sample_weight=np.zeros(30), **classes).partial_fit(X, y)
    other = make(cls, solver=SGD(average=True)).partial_fit(X, y, **classes)
    assert_array_equal(weights_of(model), weights_of(other))


@pytest.mark.parametrize("average", [True, 100])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_average_agrees_with_sgd_classifier(average, alpha):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    theirs = SGDClassifier(
        "log_loss", alpha=alpha, learning_rate="constant", eta0=0.02, average=average,
        shuffle=False, max_iter=3, tol=None,
    ).fit(X, y)  # fmt: skip
    ours = LogisticNeuronClassifier(
        solver=SGD(average=average), alpha=alpha, eta=0.02, batch_size=1, shuffle=False,
        max_iter=3, tol=None,
    ).fit(X, y)  # fmt: skip
    assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-10)


# ---- components -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_keeps_no_state(name):
    optimizer = OPTIMIZERS[name]()
    before = vars(optimizer).copy()
    assert_allclose(directions(optimizer), directions(optimizer), rtol=0)
    assert vars(optimizer) == before


def test_components_follow_the_protocol_of_parameters():
    optimizer = SGD(momentum=0.5)
    defaults = {"nesterov": False, "max_norm": None, "average": False}
    assert optimizer.get_params() == {"momentum": 0.5, **defaults}
    assert clone(optimizer) == optimizer
    assert clone(optimizer) is not optimizer
    assert optimizer != SGD()
    assert optimizer != Adam()
    assert len({optimizer, SGD(0.5), SGD(), Adam()}) == 3
    assert repr(optimizer) == "SGD(average=False, max_norm=None, momentum=0.5, nesterov=False)"
    assert optimizer.set_params(momentum=0.1).momentum == 0.1
    with pytest.raises(ValueError, match="Invalid parameter 'speed' for SGD"):
        optimizer.set_params(speed=1)


@pytest.mark.parametrize(
    ("optimizer", "error", "match"),
    [
        (SGD(momentum=1.0), ValueError, r"momentum of SGD must be a number in \[0, 1\); got 1.0"),
        (SGD(momentum=-0.1), ValueError, "momentum"),
        (SGD(momentum=np.nan), ValueError, "momentum"),
        (SGD(momentum="0.9"), TypeError, "momentum"),
        (SGD(nesterov="yes"), TypeError, "nesterov"),
        (Adam(beta_1=1.0), ValueError, "beta_1"),
        (Adam(beta_2=None), TypeError, "beta_2"),
        (Adam(epsilon=0.0), ValueError, r"epsilon of Adam must be a number in \(0, 1\]"),
        (AdamW(weight_decay=-0.1), ValueError, r"weight_decay of AdamW must be .* \[0, inf\)"),
        (AdamW(weight_decay=None), TypeError, "weight_decay of AdamW"),
        (RMSprop(rho=1.0), ValueError, "rho of RMSprop"),
        (RMSprop(momentum=1.0), ValueError, "momentum of RMSprop"),
        (SGD(max_norm=0.0), ValueError, r"max_norm of SGD must be a number in \(0, inf\)"),
        (Adam(max_norm=np.inf), ValueError, "max_norm of Adam"),
        (RMSprop(max_norm="1"), TypeError, "max_norm of RMSprop"),
        (SGD(average=-1), ValueError, "average of SGD must not be negative"),
        (AdamW(average=0.5), TypeError, "average of AdamW must be True, False or the number"),
    ],
)
def test_wrong_parameters(optimizer, error, match):
    with pytest.raises(error, match=match):
        optimizer.validate()
