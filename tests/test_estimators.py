"""The estimators as users meet them: shapes, labels, attributes, going on, starting values."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from helpers import CLASSIFIERS, make, parameters_of, raw_output_of, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._engine.solvers import SOLVERS
from sklearn_neuron._estimator.state import TrainingState
from sklearn_neuron.activations import ELU, LeakyReLU, Tanh
from sklearn_neuron.inspection import check_gradient
from sklearn_neuron.losses import Poisson

# ---- shapes and attributes --------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, PerceptronClassifier])
def test_shapes_of_neuron_classifiers(cls, n_classes, X):
    labels = np.array(["red", "green", "blue"])[:n_classes]
    y = labels[np.arange(30) % n_classes]
    model = make(cls).fit(X, y)
    K = 1 if n_classes == 2 else 3
    assert model.coef_.shape == (K, 4)
    assert model.intercept_.shape == (K,)
    assert_array_equal(model.classes_, np.sort(labels))
    z = model.decision_function(X)
    assert z.shape == ((30,) if n_classes == 2 else (30, 3))
    assert_allclose(z, np.squeeze(X @ model.coef_.T + model.intercept_), rtol=1e-12)
    assert set(model.predict(X)) <= set(labels)


@pytest.mark.parametrize("n_targets", [None, 1, 3])
def test_shapes_of_regressors(regressor, n_targets, X):
    y = np.random.RandomState(0).uniform(size=30 if n_targets is None else (30, n_targets))
    model = make(regressor).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert np.isfinite(model.score(X, y))
    if regressor is SigmoidNeuronRegressor:
        assert model.coef_.shape == ((4,) if n_targets is None else (n_targets, 4))
        assert (
            isinstance(model.intercept_, float)
            if n_targets is None
            else (model.intercept_.shape == (n_targets,))
        )
    else:
        assert model.coefs_[-1].shape == (5, n_targets or 1)


def test_targets_are_fitted_side_by_side(X):
    """A neuron for each target: full-batch training of one does not touch the other."""
    y = np.random.RandomState(0).normal(size=(30, 2)) * [1.0, 100.0]
    both = make(SigmoidNeuronRegressor, batch_size=None).fit(X, y)
    for k in range(2):
        one = make(SigmoidNeuronRegressor, batch_size=None).fit(X, y[:, k])
        assert_allclose(one.predict(X), both.predict(X)[:, k], rtol=1e-10)


@pytest.mark.parametrize("sizes", [(), 7, (7,), [6, 5], np.array([6, 5, 4])])
def test_hidden_layer_sizes(network, sizes, X):
    model = make(network, hidden_layer_sizes=sizes).fit(X, target_for(network, 30, classes=2))
    hidden = list(np.atleast_1d(np.asarray(sizes, dtype=int)))
    assert [W.shape for W in model.coefs_] == list(zip([4, *hidden], [*hidden, 1], strict=True))
    assert [b.shape for b in model.intercepts_] == [(n,) for n in (*hidden, 1)]
    assert model.n_layers_ == len(hidden) + 2
    assert model.n_outputs_ == 1


@pytest.mark.parametrize(
    ("y", "activation", "n_outputs"),
    [
        (np.arange(30) % 2, "logistic", 1),
        (np.arange(30) % 3, "softmax", 3),
        (np.arange(90).reshape(30, 3) % 2, "logistic", 3),
    ],
)
def test_output_layer(y, activation, n_outputs, X):
    model = make(ManualMLPClassifier).fit(X, y)
    assert model.out_activation_ == activation
    assert model.n_outputs_ == n_outputs
    assert make(ManualMLPRegressor).fit(X, X[:, 0]).out_activation_ == "identity"


@pytest.mark.parametrize("container", [list, tuple], ids=["list", "tuple"])
def test_an_activation_for_each_hidden_layer(network, container, X):
    """Names and objects mixed, in the order of the layers."""
    activation = container(["tanh", LeakyReLU(0.2), "identity"])
    model = make(network, hidden_layer_sizes=(5, 4, 3), activation=activation)
    model.fit(X, target_for(network, 30))
    a = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    z = a @ model.coefs_[1] + model.intercepts_[1]
    a = np.where(z > 0, z, 0.2 * z) @ model.coefs_[2] + model.intercepts_[2]
    assert_allclose(raw_output_of(model, X), a @ model.coefs_[3] + model.intercepts_[3], rtol=1e-10)
    assert (z < 0).any()


def test_a_list_of_one_activation_is_that_activation(network, X):
    y, how = target_for(network, 30), {"hidden_layer_sizes": (5, 4)}
    one = make(network, activation="tanh", **how).fit(X, y)
    for same in (["tanh", "tanh"], Tanh(), [Tanh(), "tanh"], np.array(["tanh", "tanh"])):
        each = make(network, activation=same, **how).fit(X, y)
        assert_array_equal(weights_of(each), weights_of(one))
    assert make(network, hidden_layer_sizes=(), activation=[]).fit(X, y).n_layers_ == 2


@pytest.mark.parametrize("activation", [[], ["relu"], ["relu", "tanh", "elu"]])
def test_as_many_activations_as_hidden_layers(network, activation, X):
    model = make(network, hidden_layer_sizes=(5, 4), activation=activation)
    match = rf"'activation' parameter of .* for each of the 2; got {len(activation)}\."
    with pytest.raises(ValueError, match=match):
        model.fit(X, target_for(network, 30))
    assert not hasattr(model, "n_features_in_")


def test_a_clone_copies_the_activations(network, X):
    model = make(network, hidden_layer_sizes=(5, 4), activation=["elu", ELU(0.5)])
    copied = clone(model)
    assert copied.get_params()["activation"] == ["elu", ELU(0.5)]
    assert copied.activation[1] is not model.activation[1]
    y = target_for(network, 30)
    assert_array_equal(weights_of(copied.fit(X, y)), weights_of(model.fit(X, y)))


def test_training_attributes(cls, X):
    model = make(cls, max_iter=7).fit(X, target_for(cls, 30))
    assert model.n_iter_ == len(model.loss_curve_) == 7
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)
    assert all(isinstance(loss, float) for loss in model.loss_curve_)
    assert model.n_features_in_ == 4
    assert not hasattr(model, "feature_names_in_")


def test_feature_names(cls, X, pd):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = make(cls).fit(frame, target_for(cls, 30))
    assert_array_equal(model.feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("dcba")])


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_not_fitted(cls, method, X):
    if hasattr(cls(), method):
        with pytest.raises(NotFittedError):
            getattr(cls(), method)(X)


def test_the_perceptron_has_no_probabilities():
    assert not hasattr(PerceptronClassifier(), "predict_proba")


# ---- probabilities ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4, 1e30])
@pytest.mark.parametrize("kind", ["binary", "softmax", "multilabel"])
def test_probabilities_of_any_logits(kind, scale, dtype):
    rng = np.random.RandomState(0)
    y = {"binary": np.arange(30) % 2, "softmax": np.arange(30) % 3}.get(
        kind, np.arange(90).reshape(30, 3) % 2
    )
    X = rng.normal(size=(30, 3)).astype(dtype)
    model = ManualMLPClassifier((), max_iter=1, random_state=0).fit(X, y)
    model.coefs_[0][...] *= scale
    z = model.decision_function(X).astype(np.float64)
    proba, log_proba = model.predict_proba(X), model.predict_log_proba(X)
    assert proba.dtype == log_proba.dtype == dtype
    assert np.isfinite(log_proba).all()
    assert (proba > 0).all()
    two = np.column_stack([-z, z]) if z.ndim == 1 else z
    exact, exact_log = (
        (softmax(z, axis=1), log_softmax(z, axis=1))
        if kind == "softmax"
        else (expit(two), log_expit(two))
    )
    eps = np.finfo(dtype).eps
    if kind == "multilabel":
        tight = (
            {"rtol": 1e-10, "atol": 4e-9} if dtype is np.float64 else {"rtol": 1e-4, "atol": 1e-5}
        )
        assert_allclose(proba, exact, **tight)
        assert (proba < 1).all()
    else:  # what mathematics says, to the last places, and no probability is zero
        slack = 8 * eps * np.maximum(1.0, np.abs(two).max())  # the rounding of z itself
        assert_allclose(proba, exact, rtol=slack, atol=2 * np.finfo(dtype).smallest_subnormal)
        assert_allclose(proba.sum(axis=1), 1.0, rtol=4 * eps)
    assert_allclose(log_proba, exact_log, rtol=8 * eps, atol=8 * eps * np.abs(two).max())
    if kind == "multilabel":  # larger logit, larger probability
        order = np.argsort(z, axis=0)
        p = np.take_along_axis(proba, order, 0)
        assert (np.diff(p, axis=0) >= 0).all()
        if dtype is np.float64 and scale <= 30:
            assert (np.diff(p, axis=0) > 0).all()


def test_predictions_follow_the_logits(X):
    binary = make(LogisticNeuronClassifier).fit(X, np.arange(30) % 2)
    assert_array_equal(binary.predict(X), (binary.decision_function(X) > 0).astype(int))
    several = make(LogisticNeuronClassifier).fit(X, np.arange(30) % 3)
    assert_array_equal(several.predict(X), several.decision_function(X).argmax(axis=1))
    labels = make(ManualMLPClassifier).fit(X, np.arange(90).reshape(30, 3) % 2)
    assert_array_equal(labels.predict(X), labels.decision_function(X) > 0)
    assert labels.predict(X).dtype.kind == "i"


# ---- labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [["no", "yes"], [-1, 1], [False, True], [3, 7, 11], ["a", "b", "c"], [2.0, 5.0]],
    ids=str,
)
def test_labels_come_back(classifier, labels):
    rng = np.random.RandomState(0)
    codes = np.arange(60) % len(labels)
    X = rng.normal(scale=0.1, size=(60, 3)) + np.eye(3)[codes] * 3
    y = np.array(labels)[codes]
    model = make(classifier, max_iter=100, eta=0.1).fit(X, y)
    assert_array_equal(model.classes_, np.unique(y))
    assert_array_equal(model.predict(X), y)
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) == 1.0


def test_multilabel_and_its_containers(X):
    y = (X[:, :3] > 0).astype(int)
    dense = make(ManualMLPClassifier, max_iter=50).fit(X, y)
    for other in (sparse.csr_matrix(y), y.astype(bool), y.astype(float), y.tolist()):
        assert_array_equal(
            weights_of(make(ManualMLPClassifier, max_iter=50).fit(X, other)), weights_of(dense)
        )
    assert_array_equal(dense.classes_, [0, 1, 2])
    assert dense.predict_proba(X).shape == (30, 3)


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: 3}, {0: 2, 1: 1}]], ids=str)
def test_multilabel_class_weight_multiplies_over_labels(class_weight, X):
    y = np.column_stack([X[:, 0] > 0.5, X[:, 1] > -0.5]).astype(int)
    factors = np.ones(30)
    for k in range(2):
        counts = np.bincount(y[:, k])
        per_class = (
            30 / (2 * counts) if class_weight == "balanced" else list(class_weight[k].values())
        )
        factors *= np.asarray(per_class)[y[:, k]]
    weighted = make(ManualMLPClassifier, class_weight=class_weight).fit(X, y)
    expected = make(ManualMLPClassifier).fit(X, y, factors)
    assert_allclose(weights_of(weighted), weights_of(expected), rtol=1e-9)


# ---- starting values --------------------------------------------------------------------------


def test_neurons_start_at_zero(X):
    for cls in (LogisticNeuronClassifier, SigmoidNeuronRegressor):
        model = cls(eta=1e-12, max_iter=1, tol=None).fit(X, target_for(cls, 30))
        assert np.abs(weights_of(model)).max() < 1e-11


def test_start_of_neurons(X):
    still = {"eta": 1e-300, "max_iter": 1, "tol": None}
    y = np.arange(30) % 3
    coef, intercept = np.arange(12.0).reshape(3, 4), np.array([1.0, 2.0, 3.0])
    model = LogisticNeuronClassifier(**still).fit(X, y, coef_init=coef, intercept_init=intercept)
    assert_allclose(model.coef_, coef, atol=1e-290)
    assert_allclose(model.intercept_, intercept)
    model = LogisticNeuronClassifier(**still).fit(X, y > 0, coef_init=coef[1], intercept_init=5)
    assert_allclose(model.coef_, coef[1:2])
    assert_allclose(model.intercept_, [5.0])
    model = SigmoidNeuronRegressor(**still).fit(X, X[:, 0], coef_init=coef[0])
    assert_allclose(model.coef_, coef[0], atol=1e-290)
    assert abs(model.intercept_) < 1e-290


def test_start_of_networks(network, X):
    rng = np.random.RandomState(0)
    y = target_for(network, 30, classes=2)
    coefs, intercepts = [rng.normal(size=s) for s in ((4, 5), (5, 1))], [np.ones(5), np.ones(1)]
    model = make(network, eta=1e-300, max_iter=1)
    model.fit(X, y, coef_init=coefs, intercept_init=intercepts)
    assert all(map(np.array_equal, model.coefs_, coefs))
    assert all(map(np.array_equal, model.intercepts_, intercepts))
    assert not any(map(np.shares_memory, model.coefs_, coefs))
    model.fit(X, y, intercept_init=intercepts)  # the weights are drawn
    assert not any(map(np.array_equal, model.coefs_, coefs))
    assert all(map(np.array_equal, model.intercepts_, intercepts))


WRONG_STARTS = [
    (LogisticNeuronClassifier, {"coef_init": np.ones((2, 4))}, r"coef_init .* shape \(3, 4\)"),
    (LogisticNeuronClassifier, {"intercept_init": [1.0]}, r"intercept_init .* shape \(3,\)"),
    (SigmoidNeuronRegressor, {"coef_init": np.ones(3)}, r"shape \(4,\); got shape \(3,\)"),
    (SigmoidNeuronRegressor, {"coef_init": [1, 2, np.nan, 4]}, "coef_init contains NaN"),
    (ManualMLPClassifier, {"coef_init": [np.ones((4, 5))]}, "array for each of the 2 layers"),
    (ManualMLPClassifier, {"coef_init": np.ones((4, 5))}, "must be a list"),
    (
        ManualMLPRegressor,
        {"coef_init": [np.ones((4, 5)), np.ones(5)]},
        r"coef_init\[1\] must have shape \(5, 1\)",
    ),
]


@pytest.mark.parametrize(("cls", "start", "match"), WRONG_STARTS)
def test_wrong_start(cls, start, match, X):
    with pytest.raises(ValueError, match=match):
        make(cls).fit(X, target_for(cls, 30), **start)


# ---- the sigmoid neuron's range ---------------------------------------------------------------


def test_target_range(X):
    assert make(SigmoidNeuronRegressor).fit(
        X, target_for(SigmoidNeuronRegressor, 30)
    ).target_range_ == (0, 1)
    y = np.linspace(-3, 9, 30)
    model = make(SigmoidNeuronRegressor).fit(X, y)
    assert model.target_range_ == (-3.0, 9.0)
    assert ((model.predict(100 * X) >= -3) & (model.predict(100 * X) <= 9)).all()
    scaled = make(SigmoidNeuronRegressor).fit(X, (y + 3) / 12)
    assert_allclose(model.coef_, scaled.coef_, rtol=1e-10)  # the loss is on the (0, 1) scale
    assert_allclose(model.loss_curve_, scaled.loss_curve_, rtol=1e-10)
    wide = make(SigmoidNeuronRegressor, target_range=(-10, 10)).fit(X, y)
    assert wide.target_range_ == (-10.0, 10.0)
    with pytest.raises(ValueError, match=r"outside of target_range_=\(-1.0, 1.0\)"):
        make(SigmoidNeuronRegressor, target_range=(-1, 1)).fit(X, y)
    constant = make(SigmoidNeuronRegressor).fit(X, np.full(30, 5.0))
    assert_allclose(constant.predict(X), 5.0, atol=1e-6)


@pytest.mark.parametrize("constant", [0.5, 5.0, -3e8, 1e17])
def test_target_range_of_a_constant(constant, X):
    model = make(SigmoidNeuronRegressor, max_iter=300).fit(X, np.full(30, constant))
    assert_allclose(model.predict(X), constant, rtol=1e-3)


def test_predictions_never_leave_the_range(X):
    """Not even by rounding, where the output is saturated."""
    rng = np.random.RandomState(0)
    for _ in range(50):
        low, high = np.sort(rng.normal(size=2) * 10.0 ** rng.randint(-3, 4))
        model = make(SigmoidNeuronRegressor, target_range=(low, high), max_iter=1)
        model.fit(X, rng.uniform(low, high, size=30), coef_init=np.full(4, 1e3))
        assert model.predict(X).min() >= low
        assert model.predict(X).max() <= high


def test_target_range_and_float32(X):
    y = np.where(X[:, 0] > 0, np.float32(0.3), np.float32(0))  # a little above 0.3
    assert make(SigmoidNeuronRegressor, target_range=(0, 0.3)).fit(X, y).target_range_ == (0, 0.3)
    with pytest.raises(ValueError, match="too large for float32"):
        make(SigmoidNeuronRegressor).fit(X.astype(np.float32), np.linspace(0, 1e39, 30))


def test_target_range_may_not_change_on_the_way(X):
    y = np.linspace(0, 1, 30)
    model = make(SigmoidNeuronRegressor, warm_start=True).fit(X, y)
    model.set_params(target_range=(0, 10))
    for go_on in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="is not the range of the previous fit"):
            go_on(X, y)
    model.set_params(target_range=(0, 1)).partial_fit(X, y)  # what it was, said in numbers


def test_weightless_rows_settle_no_range(X):
    model = make(SigmoidNeuronRegressor).partial_fit(X, 100 + X[:, 0], np.zeros(30))
    y = np.linspace(0, 1, 30)
    model.partial_fit(X, y)
    assert model.target_range_ == (0.0, 1.0)
    fresh = make(SigmoidNeuronRegressor).partial_fit(X, y)
    assert_array_equal(model.predict(X), fresh.predict(X))


def test_target_range_of_a_stream(X):
    y = np.linspace(-3, 9, 30)
    model = make(SigmoidNeuronRegressor).partial_fit(X, y)
    model.partial_fit(X, np.full(30, 0.5))
    assert model.target_range_ == (-3.0, 9.0)
    with pytest.warns(UserWarning, match="determined by an earlier call"):
        model.partial_fit(X, y + 5)
    explicit = make(SigmoidNeuronRegressor, target_range=(-3, 9)).partial_fit(X, y)
    with pytest.raises(ValueError, match="Give a wider target_range"):
        explicit.partial_fit(X, y + 5)


# ---- going on ---------------------------------------------------------------------------------


def partial_fit(model, X, y, weight=None, classes=(0, 1, 2)):
    extra = {"classes": list(classes)} if hasattr(model, "class_weight") else {}
    return model.partial_fit(X, y, sample_weight=weight, **extra)


@pytest.mark.parametrize("solver", ["sgd", "adam", SGD(0.9), SGD(0.9, nesterov=True)], ids=repr)
@pytest.mark.parametrize("batch_size", [5, None])
@pytest.mark.parametrize("shuffle", [True, False])
def test_partial_fits_are_epochs(cls, solver, batch_size, shuffle, X):
    """The optimizer's state and the stream of orders go on: k passes are k epochs."""
    y = target_for(cls, 30)
    how = {"solver": solver, "batch_size": batch_size, "shuffle": shuffle}
    whole = make(cls, max_iter=4, **how).fit(X, y)
    passes, curve = make(cls, **how), []
    for _ in range(4):
        partial_fit(passes, X, y)
        curve.extend(passes.loss_curve_)
    assert_allclose(weights_of(passes), weights_of(whole), rtol=1e-12)
    assert_allclose(curve, whole.loss_curve_, rtol=1e-12)
    assert passes.n_iter_ == 1


def test_warm_start_goes_on(cls, X):
    y = target_for(cls, 30)
    how = {"solver": SGD(0.9), "batch_size": None}
    whole = make(cls, max_iter=6, **how).fit(X, y)
    parts = make(cls, max_iter=3, warm_start=True, **how).fit(X, y).fit(X, y)
    assert_allclose(weights_of(parts), weights_of(whole), rtol=1e-12)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-12)
    assert parts.n_iter_ == 3
    cold = make(cls, max_iter=3, **how).fit(X, y).fit(X, y)
    assert len(cold.loss_curve_) == 3


def test_warm_start_weighs_only_its_own_rows(cls, X):
    """The scale of the weights of an earlier fit does not leak into the next."""
    y, weight = target_for(cls, 30), np.linspace(0.1, 2.0, 30)
    one, other = (make(cls, warm_start=True, batch_size=None) for _ in range(2))
    one.fit(X, y, weight).fit(X, y, weight)
    other.fit(X, y, weight).fit(X, y, 1e3 * weight)
    assert_allclose(weights_of(other), weights_of(one), rtol=1e-10)


def test_an_int_seed_does_not_replay_the_order(cls, X):
    """A second pass from the same weights goes another way, and the same way when repeated."""
    y = target_for(cls, 30)
    passes = []
    for n_before in (0, 1, 1):
        model = make(cls, batch_size=1, eta=0.5)
        for _ in range(n_before):
            partial_fit(model, X, y)
        partial_fit(model, X, y, np.zeros(30))  # makes the weights, moves nothing
        for parts in parameters_of(model):
            for part in parts:
                part[...] = 0.1
        passes.append(weights_of(partial_fit(model, X, y)))
    assert np.abs(passes[0] - passes[1]).max() > 1e-6
    assert_array_equal(passes[1], passes[2])


@pytest.mark.parametrize(
    "another",
    [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_continue_with_the_same_order(cls, another, X):
    y = target_for(cls, 30)
    model = partial_fit(partial_fit(make(cls, batch_size=1), X, y), X, y)
    other = another(model)
    expected = weights_of(partial_fit(model, X, y))
    assert_array_equal(weights_of(partial_fit(other, X, y)), expected)


def test_an_interrupted_block_does_not_use_up_the_order(cls, X, monkeypatch):
    y = target_for(cls, 30)
    model = partial_fit(partial_fit(make(cls, batch_size=1), X, y), X, y)
    expected = weights_of(partial_fit(copy.deepcopy(model), X, y))

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TrainingState, "advanced", stop)  # after training
        with pytest.raises(KeyboardInterrupt):
            partial_fit(model, X, y)
    assert_array_equal(weights_of(partial_fit(model, X, y)), expected)


def test_changing_the_solver_starts_its_state_anew(cls, X):
    y = target_for(cls, 30)
    model = partial_fit(make(cls, solver=SGD(0.9)), X, y)
    partial_fit(model.set_params(solver="adam"), X, y)
    assert model._training_state["state"]["t"] > 0
    partial_fit(model.set_params(solver="sgd"), X, y)
    assert model._training_state["state"] == {}


def test_another_activation_is_refused(network, X):
    y = target_for(network, 30)
    model = make(network, warm_start=True).fit(X, y).set_params(activation="tanh")
    for go_on in (model.fit, lambda X, y: partial_fit(model, X, y)):
        with pytest.raises(ValueError, match=r"\[ReLU\(\)\] activations, but .* \[Tanh\(\)\]"):
            go_on(X, y)
    assert np.isfinite(model.predict(X)).all()  # by the activation it was trained with


@pytest.mark.parametrize(
    "other", [[LeakyReLU(0.2), "relu"], ["relu", LeakyReLU(0.3)], ["relu", "tanh"]], ids=str
)
def test_other_activations_of_layers_are_refused(network, other, X):
    """Another order, and another parameter of an object, are other activations."""
    y, first = target_for(network, 30), ["relu", LeakyReLU(0.2)]
    model = make(network, hidden_layer_sizes=(5, 4), activation=first, warm_start=True).fit(X, y)
    before = weights_of(model)
    model.set_params(activation=other)
    for go_on in (model.fit, lambda X, y: partial_fit(model, X, y)):
        with pytest.raises(ValueError, match=r"\[ReLU\(\), LeakyReLU\(negative_slope=0.2\)\]"):
            go_on(X, y)
    assert_array_equal(weights_of(model), before)
    model.set_params(activation=["relu", LeakyReLU(0.2)]).fit(X, y)
    assert len(model.loss_curve_) == 40


def test_set_params_does_not_reach_into_a_fitted_network(network, X):
    """Predictions stay, and training does not go on with another activation."""
    y = target_for(network, 30)
    model = make(network, activation=LeakyReLU(0.1), warm_start=True).fit(X, y)
    before = raw_output_of(model, X)
    model.set_params(activation__negative_slope=0.9)
    assert_array_equal(raw_output_of(model, X), before)
    with pytest.raises(ValueError, match=r"negative_slope=0.1.* ask for .*negative_slope=0.9"):
        model.fit(X, y)


def test_another_number_of_targets_is_refused(regressor, X):
    y = np.random.RandomState(0).uniform(size=(30, 3))
    model = make(regressor).partial_fit(X, y)
    with pytest.raises(ValueError, match="y has 2 targets, but the previous fit had 3"):
        model.partial_fit(X, y[:, :2])


def test_other_networks_are_refused(network, X):
    y = target_for(network, 30)
    model = make(network, warm_start=True).fit(X, y)
    before = weights_of(model)
    model.set_params(hidden_layer_sizes=(6,))
    for go_on in (model.fit, lambda X, y: partial_fit(model, X, y)):
        with pytest.raises(ValueError, match=r"\[4, 5, .\] units, but .* \[4, 6, .\]"):
            go_on(X, y)
    assert_array_equal(weights_of(model), before)
    model.set_params(warm_start=False).fit(X, y)
    assert model.coefs_[0].shape == (4, 6)


def test_warm_start_refuses_other_classes_and_features(cls, X):
    model = make(cls, warm_start=True).fit(X, target_for(cls, 30))
    with pytest.raises(ValueError, match="features"):
        model.fit(X[:, :2], target_for(cls, 30))
    if hasattr(model, "classes_"):
        with pytest.raises(ValueError, match=r"classes \[3\] that are not among"):
            model.fit(X, np.arange(30) % 4)


def test_weights_count_in_single_row_blocks(cls, X):
    """A stream of single rows: weights are relative to those seen before."""
    y = target_for(cls, 30)
    light, heavy = (make(cls, eta=0.1) for _ in range(2))
    for model, weight in ((light, 1.0), (heavy, 4.0)):
        partial_fit(model, X[:1], y[:1], [1.0])
        partial_fit(model, X[1:2], y[1:2], [weight])
    assert np.abs(weights_of(light) - weights_of(heavy)).max() > 1e-6


def test_repeated_rows_equal_weights_in_partial_fit(cls, X):
    y, counts = target_for(cls, 30), np.random.RandomState(1).randint(1, 4, size=30)
    weighted, repeated = (make(cls, batch_size=None) for _ in range(2))
    for _ in range(3):
        partial_fit(weighted, X, y, counts)
        partial_fit(repeated, np.repeat(X, counts, axis=0), np.repeat(y, counts))
    assert_allclose(weights_of(weighted), weights_of(repeated), rtol=1e-9, atol=1e-12)


def test_going_on_keeps_the_shape_of_predictions(regressor, X):
    y = target_for(regressor, 30)
    model = make(regressor).partial_fit(X, y)
    assert model.partial_fit(X, y.reshape(-1, 1)).predict(X).shape == (30,)


def test_a_block_of_zero_weight_changes_nothing(cls, X):
    y = target_for(cls, 30)
    model = partial_fit(make(cls, solver="adam", batch_size=4), X, y)
    before = pickle.dumps(model)
    partial_fit(model, X, y, np.zeros(30))
    assert pickle.dumps(model) == before
    fresh = partial_fit(make(cls), X, y, np.zeros(30))
    assert np.isfinite(fresh.predict(X)).all()
    once = partial_fit(partial_fit(make(cls), X, y, np.zeros(30)), X, y)
    assert_array_equal(weights_of(once), weights_of(partial_fit(make(cls), X, y)))


def test_pickles_do_not_grow(cls, X):
    y, model = target_for(cls, 30), make(cls, solver="adam")
    for _ in range(3):
        partial_fit(model, X, y)
    size = len(pickle.dumps(model))
    for _ in range(60):
        partial_fit(model, X, y)
    assert abs(len(pickle.dumps(model)) - size) <= 4  # a count needs another byte


def test_partial_fit_of_a_memory_mapped_model(cls, X, tmp_path):
    y = target_for(cls, 30)
    model = partial_fit(make(cls, solver="adam"), X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    partial_fit(mapped, X, y)
    assert_array_equal(weights_of(mapped), weights_of(partial_fit(model, X, y)))


def test_partial_fit_follows_fit(cls, X):
    y = target_for(cls, 30)
    model = make(cls).fit(X, y)
    before = weights_of(model)
    model.partial_fit(X, y)
    assert np.abs(weights_of(model) - before).max() > 0
    assert model.n_iter_ == 1


def test_classes_of_partial_fit(classifier, X):
    y = np.arange(30) % 2
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        make(classifier).partial_fit(X, y)
    model = make(classifier).partial_fit(X, y, classes=[2, 0, 1])
    assert_array_equal(model.classes_, [0, 1, 2])
    model.partial_fit(X[:1], [2])  # a block may lack classes
    with pytest.raises(ValueError, match="is not the same as on the last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"classes \[5\] that are not among"):
        model.partial_fit(X, np.full(30, 5))
    balanced = make(classifier, class_weight="balanced")
    assert not hasattr(balanced, "partial_fit")  # it would always fail
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as error:
        balanced.partial_fit(X, y, classes=[0, 1])
    assert "compute_class_weight" in str(error.value.__cause__)


def test_partial_fit_of_multilabel_needs_no_classes(X):
    y = (X[:, :3] > 0).astype(int)
    model = make(ManualMLPClassifier).partial_fit(X, y)
    model.partial_fit(X[:1], y[:1])
    assert model.predict(X).shape == (30, 3)
    with pytest.raises(ValueError, match="2 labels"):
        model.partial_fit(X, y[:, :2])
    with pytest.raises(ValueError, match="had multilabel targets"):
        model.partial_fit(X, y[:, 0])


def test_no_partial_fit_with_lbfgs(X):
    model = LogisticNeuronClassifier(solver="lbfgs")
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        _ = model.partial_fit


# ---- what the neurons learn -------------------------------------------------------------------


def test_xor_is_learned():
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    solved = []
    for seed in range(5):
        model = ManualMLPClassifier(
            (4, 4), activation="logistic", solver=SGD(0.9), eta=0.5, batch_size=None,
            max_iter=3000, tol=None, random_state=seed,
        ).fit(X, y)  # fmt: skip
        solved.append(model.score(X, y) == 1.0 and model.loss_ < 0.1)
    assert all(solved)


def rosenblatt(X, y, eta, max_iter):
    """The rule, literally."""
    w, b = np.zeros(X.shape[1]), 0.0
    for epochs in range(1, max_iter + 1):  # noqa: B007
        mistakes = 0
        for x, target in zip(X, y, strict=True):
            guess = 1.0 if x @ w + b >= 0 else 0.0
            w, b = w + eta * (target - guess) * x, b + eta * (target - guess)
            mistakes += guess != target
        if not mistakes:
            break
    return w, b, epochs


@pytest.mark.parametrize("eta", [1.0, 0.3])
def test_perceptron_is_rosenblatts_rule(eta):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 2))
    X = X[np.abs(X @ [1.0, -2.0] + 0.3) > 0.2]
    y = (X @ [1.0, -2.0] + 0.3 > 0).astype(int)
    w, b, epochs = rosenblatt(X, y, eta, 200)
    model = PerceptronClassifier(eta=eta, shuffle=False).fit(X, y)
    assert 1 < epochs < 200
    assert model.n_iter_ == epochs  # ends at the first epoch without a mistake
    assert_allclose(model.coef_[0], w, rtol=1e-12)
    assert_allclose(model.intercept_[0], b, rtol=1e-12, atol=1e-12)
    assert model.score(X, y) == 1.0


@pytest.mark.parametrize("how", [{"solver": SGD(0.9)}, {"solver": "adam", "batch_size": 4}, {}])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_perceptron_ends_only_without_mistakes(how, alpha):
    """Momentum moves on after the last mistake; where training ends, none may be left."""
    rng = np.random.RandomState(1)
    X = rng.normal(size=(60, 2))
    X = X[np.abs(X @ [1.0, -2.0] + 0.3) > 0.3]
    y = (X @ [1.0, -2.0] + 0.3 > 0).astype(int)
    ended = 0
    for seed in range(30):
        model = PerceptronClassifier(random_state=seed, alpha=alpha, **how).fit(X, y)
        if model.n_iter_ < 200:
            ended += 1
            assert model.score(X, y) == 1.0
    assert ended > 10 or alpha > 0.0  # the penalty goes on moving the weights


def test_perceptron_of_inseparable_rows_says_so():
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    with pytest.warns(ConvergenceWarning, match="may not be linearly separable"):
        model = PerceptronClassifier(max_iter=30, shuffle=False).fit(X, y)
    assert model.n_iter_ == 30


# ---- the perceptron's boundary ------------------------------------------------------------------


def test_the_perceptron_predicts_what_its_decision_function_says(X):
    """On its boundary too, which Rosenblatt's rule gives to the second class."""
    X = np.vstack([np.round(X), np.zeros((1, 4))])
    y = (X[:, 0] >= X[:, 1]).astype(int)
    for dtype in (np.float64, np.float32):
        model = PerceptronClassifier(shuffle=False).fit(X.astype(dtype), y)
        z = X.astype(dtype) @ model.coef_[0] + model.intercept_[0]
        scores = model.decision_function(X.astype(dtype))
        assert scores.dtype == dtype
        assert (z == 0.0).any()
        assert_array_equal(model.predict(X.astype(dtype)), (scores > 0).astype(int))
        assert_array_equal(model.predict(X.astype(dtype)), (z >= 0).astype(int))
        assert_allclose(scores, z, rtol=0, atol=1e-37)
    both = [[0, 0], [0, 1], [1, 0], [1, 1]]  # its last row ends on the boundary
    model = PerceptronClassifier(shuffle=False).fit(both, [0, 0, 0, 1])
    assert_array_equal(model.decision_function(both) > 0, [False, False, False, True])


# ---- tags, warm starts --------------------------------------------------------------------------


def test_tags_say_what_y_may_be(cls):
    """Only the networks take columns of labels; scikit-learn then checks them so."""
    tags = get_tags(cls())
    assert tags.input_tags.sparse
    several = cls not in {LogisticNeuronClassifier, PerceptronClassifier}
    assert tags.target_tags.multi_output is several
    if cls in CLASSIFIERS:
        assert tags.classifier_tags.multi_label is several


def test_counts_are_positive_targets_only():
    for loss, positive in (("poisson", True), (Poisson(), True), ("squared_error", False)):
        tags = get_tags(ManualMLPRegressor(loss=loss))
        assert tags.target_tags.positive_only is positive
    assert not get_tags(SigmoidNeuronRegressor()).target_tags.positive_only
    assert not get_tags(ManualMLPRegressor(loss="unknown")).target_tags.positive_only


def test_a_warm_start_needs_the_classes_of_the_last_fit(classifier, X):
    y = np.arange(30) % 3
    model = make(classifier, warm_start=True).fit(X, y)
    before = weights_of(model)
    with pytest.raises(ValueError, match=r"y lacks the classes \[2\] of the previous fit"):
        model.fit(X[y < 2], y[y < 2])
    assert_array_equal(weights_of(model), before)
    model.partial_fit(X[y < 2], y[y < 2])  # a block may lack them
    model.set_params(warm_start=False).fit(X[y < 2], y[y < 2])
    assert_array_equal(model.classes_, [0, 1])


# ---- fit_intercept, sparsify --------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", SGD(0.9, nesterov=True), "adam", "rmsprop", "adamw"])
@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_without_an_intercept_there_is_none(solver, batch_size, container, neuron, X):
    y = target_for(neuron, 30)
    model = make(neuron, solver=solver, batch_size=batch_size, fit_intercept=False)
    model.fit(container(X), y)
    assert_array_equal(model.intercept_, np.zeros_like(model.intercept_))
    model.partial_fit(container(X), y)
    assert np.all(model.intercept_ == 0.0)
    assert np.shape(model.intercept_) == np.shape(make(neuron).fit(X, y).intercept_)
    assert check_gradient(model, X, y).passed
    with pytest.raises(ValueError, match="intercept_init needs fit_intercept=True"):
        model.fit(X, y, intercept_init=np.zeros_like(model.intercept_))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("shift", [0.0, 1000.0])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_without_an_intercept_the_minimum_is_that_of_logistic_regression(
    solver, classes, shift, container, X
):
    y, C = np.arange(30) % classes, 0.1
    X = X + shift * np.array([1.0, 0.0, 0.0, 0.0])  # a column far from zero, which has no centre
    X = X / np.maximum(1.0, np.abs(X).max(axis=0))
    how = {"fit_intercept": False, "tol": 1e-10, "max_iter": 5000}
    theirs = LogisticRegression(C=C, **how).fit(X, y)
    ours = LogisticNeuronClassifier(solver=solver, alpha=1 / (C * 30), **how).fit(container(X), y)
    assert np.all(ours.intercept_ == 0.0)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_an_intercept_a_regressor_is_odd_around_the_middle(solver, X):
    model = make(SigmoidNeuronRegressor, fit_intercept=False, solver=solver, max_iter=100)
    model.fit(X, target_for(SigmoidNeuronRegressor, 30))
    assert model.intercept_ == 0.0
    assert_allclose(model.predict(X) + model.predict(-X), 1.0)


@pytest.mark.parametrize("targets", [1, 2])
def test_sparse_coefficients_predict_and_train_the_same(neuron, targets, X):
    y = target_for(neuron, 30)
    if neuron is SigmoidNeuronRegressor and targets == 2:
        y = np.column_stack([y, 1 - y])
    model = make(neuron, alpha=0.5, l1_ratio=1.0, batch_size=None, eta=0.3, max_iter=300)
    dense = model.fit(X, y).coef_
    assert (dense == 0.0).any()
    before = model.predict(X), raw_output_of(model, X)
    assert model.sparsify() is model
    assert sparse.issparse(model.coef_)
    for rows in (X, sparse.csr_array(X)):
        assert_array_equal(model.predict(rows), before[0])
        assert_allclose(raw_output_of(model, rows), before[1], rtol=1e-12, atol=1e-15)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), before[0])
    assert check_gradient(model.set_params(l1_ratio=0.0), X, y).passed
    assert model.densify() is model
    assert_array_equal(model.coef_, dense)
    assert model.coef_.shape == dense.shape
    warm = make(neuron, warm_start=True, max_iter=3).fit(X, y)
    other = clone(warm).fit(X, y).sparsify()
    assert_array_equal(other.fit(X, y).coef_, warm.fit(X, y).coef_)


class Sign(SGD):
    """A direction of length one wherever there is a gradient, and where there is none."""

    def update(self, grad, state):
        np.copyto(grad, np.where(grad > 0, 1.0, -1.0))


def test_no_optimizer_moves_an_intercept_that_is_not_there(neuron, X):
    model = make(neuron, solver=Sign(), fit_intercept=False, eta=0.01)
    assert np.all(model.fit(X, target_for(neuron, 30)).intercept_ == 0.0)


@pytest.mark.parametrize("solver", ["sgd", "adam", *SOLVERS])
def test_a_warm_start_does_not_drop_an_intercept(solver, X):
    y = np.arange(30) % 2
    model = make(LogisticNeuronClassifier, solver=solver, warm_start=True).fit(X, y)
    before = weights_of(model)
    with pytest.raises(ValueError, match="has an intercept, but fit_intercept=False"):
        model.set_params(fit_intercept=False).fit(X, y)
    assert_array_equal(weights_of(model), before)
    model.set_params(fit_intercept=True).fit(X, y)


def test_a_warm_start_from_a_mean_goes_on_from_the_last_iterate(X):
    """Also where the user gives a part of the start."""
    y, average = np.arange(30) % 2, SGD(average=True)
    model = make(LogisticNeuronClassifier, solver=average, warm_start=True, record="epoch")
    iterate = model.fit(X, y)._training_state["state"]["iterate"].copy()
    assert iterate[-1] != model.intercept_[0]
    model.set_params(record="step").fit(X, y, coef_init=np.zeros(4))
    assert_array_equal(model.start_["coef"], np.zeros((1, 4)))
    assert_array_equal(model.start_["intercept"], iterate[-1:])


def test_names_of_an_earlier_fit_go(cls, X, pd):
    y = target_for(cls, 30)
    model = make(cls).fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert hasattr(model, "feature_names_in_")
    assert not hasattr(model.fit(X, y), "feature_names_in_")


def test_another_optimizer_starts_with_a_state_of_its_own(X):
    """AdamW has the arrays of Adam, but not its memory."""
    y = np.arange(30) % 2
    model = make(LogisticNeuronClassifier, solver="adam", warm_start=True).fit(X, y)
    fresh = make(LogisticNeuronClassifier, solver="adamw", random_state=model.random_state)
    start = {"coef_init": model.coef_, "intercept_init": model.intercept_}
    model.set_params(solver="adamw", shuffle=False).fit(X, y)
    assert_allclose(
        weights_of(model), weights_of(fresh.set_params(shuffle=False).fit(X, y, **start))
    )


def test_an_unknown_class_weight_is_the_error_of_a_parameter(classifier, X):
    model = make(classifier, class_weight="oops")
    with pytest.raises(ValueError, match=r"'class_weight' parameter .* got 'oops'"):
        model.partial_fit(X, np.arange(30) % 2, classes=[0, 1])


def test_the_logarithm_of_the_largest_probability_keeps_its_digits():
    """Log p = −log(1 + Σ e^(z_j − z_k)), where p itself rounds to 1."""
    model = LogisticNeuronClassifier(max_iter=1).fit(np.eye(3), [0, 1, 2])
    model.coef_, model.intercept_ = np.eye(3), np.zeros(3)
    log_proba = model.predict_log_proba([[40.0, 0.0, 0.0], [30.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    assert_allclose(log_proba[0, 0], -2 * np.exp(-40.0), rtol=1e-14)
    assert_allclose(log_proba[1, 0], -np.log1p(np.exp(-30.0) + np.exp(-29.0)), rtol=1e-14)
    assert_allclose(log_proba[2], np.log(1 / 3), rtol=1e-15)


def test_training_does_not_continue_behind_another_link(X):
    y = target_for(ManualMLPRegressor, 30)
    model = make(ManualMLPRegressor, warm_start=True).fit(X, y)
    before = weights_of(model)
    for go_on in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"output activation Identity\(\).*Exponential\(\)"):
            model.set_params(loss="poisson") and go_on(X, y)
    assert_array_equal(weights_of(model), before)
    model.set_params(loss="huber").fit(X, y)  # another loss with the same link
