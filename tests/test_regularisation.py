"""The elastic net, by its objective and its zeros; dropout, by its masks and its silence."""

import pickle

import numpy as np
import pytest
from helpers import NETWORKS, elastic_net, make, raw_output_of, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import scale

from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    PerceptronClassifier,
    RMSprop,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._engine.batches import Samples, full_batch
from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron._engine.epochs import evaluate, objective
from sklearn_neuron.activations import ACTIVATIONS, ReLU, Tanh
from sklearn_neuron.losses import CrossEntropy
from sklearn_neuron.network import Network, raw_output

NEURONS = (SigmoidNeuronRegressor, LogisticNeuronClassifier, PerceptronClassifier)

# ---- the elastic net --------------------------------------------------------------------------

ALPHA = 0.05
LOADERS = {"binary": load_breast_cancer, "multinomial": load_wine}


@pytest.fixture(scope="module", params=LOADERS)
def data(request):
    X, y = LOADERS[request.param](return_X_y=True)
    return scale(X), y


def net_objective(model, X, y, l1_ratio):
    """Return the objective by the book: the mean log-loss and the penalty."""
    W = model.coef_
    loss = -model.predict_log_proba(X)[np.arange(len(y)), y].mean()
    return loss + ALPHA * (l1_ratio * np.abs(W).sum() + (1 - l1_ratio) / 2 * (W**2).sum())


def ours(X, y, l1_ratio, **params):
    """Return a full-batch fit."""
    how = {"alpha": ALPHA, "l1_ratio": l1_ratio, "batch_size": None, "tol": None}
    return LogisticNeuronClassifier(**{**how, **params}).fit(X, y)


@pytest.mark.parametrize("l1_ratio", [0.3, 0.8, 1.0])
def test_elastic_net_agrees_with_saga(l1_ratio, data):
    X, y = data
    theirs = elastic_net(X, y, ALPHA, l1_ratio)
    mine = ours(X, y, l1_ratio, eta=0.5 if len(theirs.classes_) == 2 else 0.3, max_iter=4000)
    assert_allclose(
        net_objective(mine, X, y, l1_ratio), net_objective(theirs, X, y, l1_ratio), rtol=1e-8
    )
    assert 5 < (theirs.coef_ == 0).sum() < theirs.coef_.size
    assert_array_equal(mine.coef_ == 0, theirs.coef_ == 0)
    assert_allclose(mine.coef_, theirs.coef_, atol=1e-3)
    assert (mine.intercept_ != 0).all()  # which is not penalised


@pytest.mark.parametrize(
    ("solver", "eta"),
    [
        (SGD(0.9), 0.05),
        (SGD(0.9, nesterov=True), 0.05),
        (Adam(), 0.05),
        (RMSprop(), 0.02),
        (RMSprop(momentum=0.5), 0.01),
    ],
    ids=repr,
)
def test_every_optimizer_has_the_same_fixed_point(solver, eta, data):
    """The proximal step is as long as the optimizer's steps are, weight by weight."""
    X, y = data
    theirs = elastic_net(X, y, ALPHA, 0.5)
    mine = ours(X, y, 0.5, solver=solver, eta=eta, schedule="cosine", max_iter=3000)
    assert_allclose(net_objective(mine, X, y, 0.5), net_objective(theirs, X, y, 0.5), rtol=1e-8)
    assert_array_equal(mine.coef_ == 0, theirs.coef_ == 0)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop"])
@pytest.mark.parametrize("cls", NEURONS, ids=lambda cls: cls.__name__)
def test_mini_batches_make_exact_zeros(cls, solver, X):
    """A penalty above every gradient leaves nothing, a small one leaves something."""
    y = target_for(cls, 30)
    how = {"solver": solver, "batch_size": 7, "eta": 0.01, "l1_ratio": 1.0}
    assert (make(cls, alpha=1e4, **how).fit(X, y).coef_ == 0).all()
    assert (make(cls, alpha=1e-4, **how).fit(X, y).coef_ != 0).any()


def test_one_proximal_step_by_hand(X):
    """W ← soft(W - η (∂W + (1 - l1_ratio) α W), η l1_ratio α); b as ever."""
    y = (np.arange(30) % 2).astype(float)
    w, b, eta, alpha, l1_ratio = np.array([0.5, -0.03, 0.01, -0.7]), 0.2, 0.3, 0.4, 0.6
    delta = (1 / (1 + np.exp(-(X @ w + b))) - y) / 30
    moved = w - eta * (X.T @ delta + (1 - l1_ratio) * alpha * w)
    expected = np.sign(moved) * np.maximum(np.abs(moved) - eta * l1_ratio * alpha, 0)
    model = LogisticNeuronClassifier(
        eta=eta, alpha=alpha, l1_ratio=l1_ratio, batch_size=None, max_iter=1, tol=None
    ).fit(X, y, coef_init=w, intercept_init=b)
    assert_allclose(model.coef_[0], expected, rtol=1e-12, atol=1e-15)
    assert 0 < (expected == 0).sum() < 4
    assert_allclose(model.intercept_, b - eta * delta.sum(), rtol=1e-12)


@pytest.mark.parametrize("batch_size", [7, None])
def test_the_loss_curve_has_the_penalty(batch_size, X):
    """The first loss of a full batch, and the last one of no steps at all, tell it apart."""
    y, w = np.arange(30) % 2, np.array([[0.5, -2.0, 0.0, 1.0]])
    how = {"batch_size": batch_size, "eta": 1e-12, "max_iter": 1, "tol": None}
    plain, penalised = (
        LogisticNeuronClassifier(**penalty, **how).fit(X, y, coef_init=w)
        for penalty in ({}, {"alpha": 0.4, "l1_ratio": 0.25})
    )
    penalty = 0.4 * (0.25 * 3.5 + 0.75 / 2 * 5.25)
    assert_allclose(penalised.loss_curve_[0] - plain.loss_curve_[0], penalty, rtol=1e-8)


def test_l1_ratio_zero_is_the_l2_penalty(X):
    y = np.arange(30) % 2
    plain = make(LogisticNeuronClassifier, alpha=0.1).fit(X, y)
    explicit = make(LogisticNeuronClassifier, alpha=0.1, l1_ratio=0.0).fit(X, y)
    assert_array_equal(explicit.coef_, plain.coef_)


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_l1_ratio_without_alpha_is_told_to_have_no_effect(l1_ratio, neuron, X):
    y = target_for(neuron, 30)
    without = make(neuron, alpha=0.0, l1_ratio=l1_ratio)
    with pytest.warns(
        UserWarning, match=f"l1_ratio={l1_ratio:g} has no effect.* Set alpha"
    ) as caught:
        without.fit(X, y)
    (told,) = [each for each in caught if "l1_ratio" in str(each.message)]
    assert told.filename == __file__
    assert_array_equal(without.coef_, make(neuron).fit(X, y).coef_)


# ---- L1 in mini-batches: the cumulative penalty -------------------------------------------------


def four_of_sixty():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(400, 60))
    return X, (X[:, :4] @ [2, -2, 1.5, -1.5] + rng.normal(size=400) > 0).astype(int)


def words():
    """Return sparse samples: which of 150 words occur; eight of them count."""
    rng = np.random.RandomState(0)
    X = sparse.random(400, 150, 0.1, format="csr", random_state=rng, data_rvs=np.ones)
    z = X[:, :8] @ [4, -4, 3, -3, 4, -4, 3, -3] + 0.3 * rng.normal(size=400)
    return X, (z > 0).astype(int)


#: Data, the strength of the penalty, and what η is multiplied by.
SPARSE_PROBLEMS = {
    "synthetic": (four_of_sixty, 0.05, 1.0),
    "words": (words, 0.01, 2.0),
    "breast_cancer": (lambda: load_breast_cancer(return_X_y=True), 0.05, 1.0),
    "wine": (lambda: load_wine(return_X_y=True), 0.05, 1.0),
    "diabetes": (lambda: load_diabetes(return_X_y=True), 0.01, 4.0),
}
#: Learning rate and epochs that suffice in batches of 1 to 128.
SCHEDULES = {1: (0.05, 30), 8: (0.1, 100), 32: (0.3, 200), 128: (0.5, 400)}


def lasso(name, **params):
    """Return a fit of one of the sparse problems, and its data."""
    load, alpha, factor = SPARSE_PROBLEMS[name]
    X, y = load()
    X = X if sparse.issparse(X) else scale(X)
    cls = SigmoidNeuronRegressor if name == "diabetes" else LogisticNeuronClassifier
    how = {"alpha": alpha, "l1_ratio": 1.0, "schedule": "cosine", "tol": None, "random_state": 0}
    params["eta"] *= factor
    return cls(**{**how, **params}).fit(X, y), X, y


def objective_of(model, X, y):
    """Return what a fit minimizes, at its fitted parameters."""
    frozen = {"eta": 1e-300, "max_iter": 1, "batch_size": None, "solver": "sgd", "tol": None}
    again = type(model)(**{**model.get_params(deep=False), **frozen})
    return again.fit(X, y, coef_init=model.coef_, intercept_init=model.intercept_).loss_


@pytest.fixture(scope="module")
def optimum():
    """Return the share of zeros and the objective at the optimum, by name."""
    found = {}
    for name in SPARSE_PROBLEMS:
        model, X, y = lasso(name, batch_size=None, eta=0.5, max_iter=4000)
        share = (model.coef_ == 0).mean()
        if name != "diabetes":
            theirs = elastic_net(X, y, SPARSE_PROBLEMS[name][1], 1.0)
            share = (theirs.coef_ == 0).mean()
        found[name] = (share, objective_of(model, X, y))
    return found


@pytest.mark.parametrize("batch_size", SCHEDULES)
@pytest.mark.parametrize("name", SPARSE_PROBLEMS)
def test_mini_batches_have_the_zeros_of_the_optimum(name, batch_size, optimum):
    """A plain proximal step after each batch is undone by the next: it fails every case."""
    eta, max_iter = SCHEDULES[batch_size]
    model, X, y = lasso(name, batch_size=batch_size, eta=eta, max_iter=max_iter)
    share, least = optimum[name]
    assert 0.55 < share < 0.95
    assert abs((model.coef_ == 0).mean() - share) <= 0.05
    assert objective_of(model, X, y) < least + 0.002


@pytest.mark.parametrize("batch_size", [1, 8, 32, 128])
@pytest.mark.parametrize("name", ["synthetic", "breast_cancer"])
@pytest.mark.parametrize(
    "solver",
    [SGD(0.9), SGD(0.9, nesterov=True), Adam(), RMSprop(), RMSprop(momentum=0.5)],
    ids=repr,
)
def test_so_do_those_of_every_optimizer(solver, name, batch_size, optimum):
    eta, max_iter = SCHEDULES[batch_size]
    how = {"eta": 0.1 * eta, "max_iter": max_iter, "solver": solver}
    model, X, y = lasso(name, batch_size=batch_size, **how)
    share, least = optimum[name]
    assert abs((model.coef_ == 0).mean() - share) <= 0.05
    assert objective_of(model, X, y) < least + 0.004


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_are_as_exact_in_float32(dtype):
    """Over 60,000 updates, after which u is far larger than what a weight owes."""
    X, y = four_of_sixty()
    how = {"eta": 0.02, "alpha": 0.05, "l1_ratio": 1.0, "batch_size": 1, "tol": None}
    model = LogisticNeuronClassifier(max_iter=150, random_state=0, **how)
    share = (model.fit(X.astype(dtype), y).coef_ == 0).mean()
    assert model.coef_.dtype == dtype
    assert abs(share - 56 / 60) <= 0.02


def cumulative_penalty(X, y, eta, beta, batch_size, epochs):
    """Return w and b by the paper's two cases, weight by weight, over the samples' own order."""
    w, b, q, u = np.zeros(X.shape[1]), 0.0, np.zeros(X.shape[1]), 0.0
    for start in list(range(0, len(X), batch_size)) * epochs:
        rows, labels = X[start : start + batch_size], y[start : start + batch_size]
        delta = (1 / (1 + np.exp(-(rows @ w + b))) - labels) / len(rows)
        w, b, u = w - eta * rows.T @ delta, b - eta * delta.sum(), u + eta * beta
        for i, z in enumerate(w):
            if w[i] > 0:
                w[i] = max(0.0, w[i] - (u + q[i]))
            elif w[i] < 0:
                w[i] = min(0.0, w[i] + (u - q[i]))
            q[i] += w[i] - z
    return w, b


@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_the_penalty_agrees_with_the_paper(batch_size):
    X, y = four_of_sixty()
    w, b = cumulative_penalty(X, y, 0.1, 0.05, batch_size or len(X), 5 if batch_size else 100)
    model = LogisticNeuronClassifier(
        eta=0.1, alpha=0.05, l1_ratio=1.0, batch_size=batch_size, shuffle=False, tol=None,
        max_iter=5 if batch_size else 100,
    ).fit(X, y)  # fmt: skip
    assert_allclose(model.coef_[0], w, rtol=1e-9, atol=1e-14)
    assert_allclose(model.intercept_, b, rtol=1e-9)
    assert_array_equal(model.coef_[0] == 0, w == 0)
    assert 10 < (w == 0).sum() < 60


@pytest.mark.parametrize("l1_ratio", [0.7, 1.0])
def test_single_samples_agree_with_sgd_classifier(l1_ratio):
    """It has the same penalty; on dense samples it is due for every weight at every update."""
    X, y = four_of_sixty()
    how = {"alpha": 0.05, "l1_ratio": l1_ratio, "shuffle": False, "max_iter": 5, "tol": None}
    theirs = SGDClassifier(
        loss="log_loss", penalty="elasticnet", learning_rate="constant", eta0=0.05, **how
    ).fit(X, y)
    ours = LogisticNeuronClassifier(eta=0.05, batch_size=1, **how).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10, atol=1e-12)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-10)
    assert_array_equal(ours.coef_ == 0, theirs.coef_ == 0)
    assert (ours.coef_ == 0).mean() > 0.8


@pytest.mark.parametrize("solver", ["sgd", SGD(0.9, average=True), "adam", "rmsprop"], ids=repr)
def test_blocks_and_pickles_continue_the_penalty(solver):
    """Two epochs in blocks of five batches, each block given to a copy from a pickle."""
    X, y = four_of_sixty()
    how = {"solver": solver, "eta": 0.01, "alpha": 0.05, "l1_ratio": 0.9, "batch_size": 8}
    whole, parts = (
        make(LogisticNeuronClassifier, shuffle=False, **{**how, "max_iter": 2}) for _ in range(2)
    )
    whole.fit(X, y)
    for start in [*range(0, 400, 40)] * 2:
        block = slice(start, start + 40)
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X[block], y[block], classes=[0, 1])))
    assert_array_equal(weights_of(parts), weights_of(whole))
    ours, theirs = (m._training_state["state"] for m in (parts, whole))
    assert ours["l1_due"] == theirs["l1_due"] > 0
    assert_array_equal(ours["l1_paid"], theirs["l1_paid"])


def test_a_warm_start_continues_the_penalty(X):
    y, how = np.arange(30) % 2, {"alpha": 0.05, "l1_ratio": 1.0, "batch_size": 7, "eta": 0.1}
    whole = make(LogisticNeuronClassifier, **how, max_iter=6).fit(X, y)
    parts = make(LogisticNeuronClassifier, **how, max_iter=3, warm_start=True).fit(X, y).fit(X, y)
    assert_array_equal(weights_of(parts), weights_of(whole))


@pytest.mark.parametrize("batch_size", [32, None])
def test_a_path_of_penalties_finds_each_optimum(batch_size):
    """What zeros owe of the stronger penalty does not delay them under the weaker one."""
    X, y = four_of_sixty()
    model = LogisticNeuronClassifier(
        l1_ratio=1.0, batch_size=batch_size, eta=0.05 if batch_size else 1.0, max_iter=100,
        tol=None, warm_start=True, random_state=0,
    )  # fmt: skip
    for alpha in (0.2, 0.1, 0.05, 0.02):
        model.set_params(alpha=alpha).fit(X, y)
        theirs = elastic_net(X, y, alpha, 1.0)
        assert abs((model.coef_ == 0).mean() - (theirs.coef_ == 0).mean()) <= 0.05


def test_features_unseen_for_long_can_leave_zero():
    """Until its first gradient Adam's scale is 1 / ε = 10⁸, which is no measure of a debt."""
    rng = np.random.RandomState(0)
    X = np.zeros((2000, 2))
    X[:, 0] = rng.normal(size=2000)
    X[1000:, 1] = rng.normal(size=1000)
    y = (X.sum(axis=1) > 0).astype(int)
    for solver in ("adam", "rmsprop"):
        model = LogisticNeuronClassifier(
            solver=solver, eta=0.003, alpha=0.01, l1_ratio=1.0, batch_size=1, shuffle=False,
            max_iter=5, tol=None,
        ).fit(X, y)  # fmt: skip
        assert (model.coef_ > 0.5).all()


@pytest.mark.parametrize("cls", NEURONS[:2], ids=lambda cls: cls.__name__)
def test_lbfgs_takes_no_l1(cls, X):
    model = make(cls, solver="lbfgs", alpha=0.1, l1_ratio=0.5)
    with pytest.raises(ValueError, match=r"l1_ratio=0\.5 needs a solver with updates"):
        model.fit(X, target_for(cls, 30, classes=2))
    model.set_params(l1_ratio=0.0).fit(X, target_for(cls, 30, classes=2))


# ---- dropout: the activation ------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_masks_are_zero_or_the_inverse_of_keeping(rate):
    z = np.random.RandomState(0).normal(size=(400, 50))
    dropout = Dropout(Tanh(), rate, np.random.RandomState(1))
    a, slope = np.empty_like(z), np.empty_like(z)
    dropout.with_derivative(z, out=a, slope=slope)
    kept = a != 0
    assert_allclose(kept.mean(), 1 - rate, atol=0.01)
    assert_allclose(a[kept], np.tanh(z[kept]) / (1 - rate), rtol=1e-12)
    assert_allclose(slope[kept], (1 - np.tanh(z[kept]) ** 2) / (1 - rate), rtol=1e-12)
    assert (slope[~kept] == 0).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_mean_over_masks_is_undropped(name):
    """Six standard errors of 20000 masks."""
    z, n, rate = np.array([[-1.5, -0.3, 0.4, 2.0]]), 20_000, 0.3
    dropout = Dropout(ACTIVATIONS[name](), rate, np.random.RandomState(0))
    many = np.repeat(z, n, axis=0)
    a, slope, undropped = np.empty_like(many), np.empty_like(many), np.empty_like(z)
    dropout.with_derivative(many, out=a, slope=slope)
    dropout.forward(z, out=undropped)
    error = np.abs(a.mean(axis=0) - undropped)
    assert (error <= 6 * np.abs(undropped) * np.sqrt(rate / (1 - rate) / n)).all()
    assert name == "relu" or (undropped != 0).all()


@pytest.mark.parametrize("activation", [Tanh(), ReLU()], ids=repr)
@pytest.mark.parametrize("depth", [1, 2])
def test_gradient_of_a_fixed_mask_agrees_with_differences(depth, activation):
    """The generator is set back before every pass, so that every pass has the same masks."""
    random = np.random.RandomState(0)
    rng = np.random.RandomState()
    dropout = Dropout(activation, 0.4, rng)
    network = Network((3, *[6] * depth, 3), [dropout] * depth, CrossEntropy(), alpha=0.1)
    network.theta[:] = random.normal(scale=0.8, size=network.theta.size)
    X, Y = random.normal(size=(12, 3)), np.eye(3)[random.randint(3, size=12)]
    blocks = full_batch(network, Samples(X, Y, None))

    def value():
        rng.seed(5)
        return objective(network, blocks)

    dropped = value()
    gradient, theta, h = network.grad.copy(), network.theta.copy(), 1e-6
    numeric = np.zeros_like(gradient)
    for j in range(theta.size):
        for sign in (1, -1):
            network.theta[:] = theta
            network.theta[j] += sign * h
            numeric[j] += sign * value() / (2 * h)
    network.theta[:] = theta
    assert_allclose(gradient, numeric, atol=1e-8)
    assert abs(dropped - evaluate(network, blocks)) > 1e-3  # which drops nothing


# ---- dropout: the networks --------------------------------------------------------------------


def test_predictions_use_all_units(network, X):
    """They are those of the network without dropout, at the same weights."""
    model = make(network, hidden_layer_sizes=(5, 4), dropout=0.5).fit(X, target_for(network, 30))
    z = raw_output(X, model.coefs_, model.intercepts_, [ReLU(), ReLU()])
    by_hand = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    by_hand = np.maximum(by_hand @ model.coefs_[1] + model.intercepts_[1], 0)
    by_hand = by_hand @ model.coefs_[2] + model.intercepts_[2]
    assert_allclose(z, by_hand, rtol=1e-12, atol=1e-14)
    predicted = raw_output_of(model, X)
    assert_allclose(predicted, by_hand, rtol=1e-12, atol=1e-14)
    assert_array_equal(raw_output_of(model, X), predicted)


def test_training_does_drop(network, X):
    """The first loss of a full batch is not that of the undropped network."""
    y, how = target_for(network, 30), {"batch_size": None, "max_iter": 1}
    plain, dropped = (make(network, dropout=rate, **how).fit(X, y) for rate in (0.0, 0.5))
    assert abs(plain.loss_ - dropped.loss_) > 1e-3


def test_the_seed_decides_the_masks(network, X):
    """From the same start, and without an order to decide."""
    y, how = target_for(network, 30), {"batch_size": None, "max_iter": 1, "dropout": 0.5}
    start = {"coef_init": make(network, **how).fit(X, y).coefs_}
    losses = [make(network, random_state=k, **how).fit(X, y, **start).loss_ for k in (1, 2, 1)]
    assert losses[0] == losses[2]
    assert abs(losses[0] - losses[1]) > 1e-6


@pytest.mark.parametrize("batch_size", [7, None])
def test_seeds_repeat_fits_with_dropout(batch_size, network, X):
    y, how = target_for(network, 30), {"dropout": 0.3, "batch_size": batch_size}
    one, two = (make(network, **how).fit(X, y) for _ in range(2))
    assert_array_equal(weights_of(one), weights_of(two))
    assert_array_equal(one.loss_curve_, two.loss_curve_)
    shared = np.random.RandomState(0)
    states = [make(network, random_state=shared, **how).fit(X, y) for _ in range(2)]
    assert np.abs(weights_of(states[0]) - weights_of(states[1])).max() > 1e-3


@pytest.mark.parametrize("batch_size", [7, None])
def test_partial_fits_with_dropout_are_epochs(batch_size, network, X):
    """No mask is replayed."""
    y = target_for(network, 30)
    how = {"dropout": 0.3, "batch_size": batch_size}
    whole, parts = make(network, max_iter=4, **how).fit(X, y), make(network, **how)
    classes = {"classes": [0, 1, 2]} if network is ManualMLPClassifier else {}
    for _ in range(4):
        parts.partial_fit(X, y, **classes)
    assert_array_equal(weights_of(parts), weights_of(whole))


@pytest.mark.parametrize("batch_size", [7, None])
@pytest.mark.parametrize("record", ["epoch", "step"])
def test_recording_changes_nothing_with_dropout(record, batch_size, network, X):
    """What is measured beside training draws no masks."""
    y, how = target_for(network, 30), {"dropout": 0.3, "batch_size": batch_size}
    plain = make(network, **how).fit(X, y)
    recorded = make(network, record=record, **how).fit(X, y)
    assert_array_equal(weights_of(recorded), weights_of(plain))
    assert_array_equal(recorded.loss_curve_, plain.loss_curve_)


def test_validation_data_are_never_dropped(network, X):
    """They change nothing of the way, and are measured as predict goes."""
    y, how = target_for(network, 30), {"dropout": 0.3, "batch_size": 7}
    plain = make(network, record="epoch", **how).fit(X, y)
    watched = make(network, record="epoch", **how).fit(X, y, X_val=X, y_val=y)
    for one, other in zip(plain.history_["coefs"], watched.history_["coefs"], strict=True):
        assert_array_equal(one[0], other[0])
    assert_allclose(watched.score(X, y), max(watched.validation_scores_), rtol=1e-12)


def test_without_dropout_nothing_is_drawn(network, X):
    """After the first weights, the stream of random numbers gives one order an epoch."""
    y = target_for(network, 30)
    how = {"max_iter": 3, "batch_size": 7}
    model = make(network, dropout=0.0, **how).fit(X, y)
    stream = np.random.RandomState(0)
    for shape in ((4, 5), 5, (5, len(model.intercepts_[1])), len(model.intercepts_[1])):
        stream.uniform(size=shape)
    for _ in range(3):
        stream.permutation(30)
    name, keys, place, *_ = stream.get_state()
    assert model._training_state["stream"][0] == name
    assert_array_equal(model._training_state["stream"][1], keys)
    assert model._training_state["stream"][2] == place
    assert_array_equal(weights_of(model), weights_of(make(network, **how).fit(X, y)))


def test_dropout_without_hidden_layers_drops_nothing(network, X):
    y, how = target_for(network, 30), {"hidden_layer_sizes": (), "batch_size": 7}
    dropped, plain = (make(network, dropout=rate, **how).fit(X, y) for rate in (0.5, 0.0))
    assert_array_equal(weights_of(dropped), weights_of(plain))


@pytest.mark.parametrize("network", NETWORKS, ids=lambda cls: cls.__name__)
def test_lbfgs_takes_no_dropout(network, X):
    y = target_for(network, 30)
    model = make(network, solver="lbfgs", dropout=0.2)
    with pytest.raises(ValueError, match=r"dropout=0\.2 needs a solver with updates"):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")
    model.set_params(dropout=0.0).fit(X, y)
