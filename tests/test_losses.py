"""Losses: values and δ, agreement with scikit-learn's own estimators, losses of one's own."""

import numpy as np
import pytest
from helpers import make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import (
    HuberRegressor,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
)
from sklearn.metrics import log_loss, mean_pinball_loss, mean_poisson_deviance
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.activations import ACTIVATIONS, Activation, Identity, Logistic
from sklearn_neuron.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Perceptron,
    Poisson,
    Quantile,
    SquaredError,
)

ALL = [
    *(loss() for loss in LOSSES.values()),
    *(SquaredError(a()) for a in ACTIVATIONS.values()),
    *(Huber(0.3), Huber(5.0), Quantile(0.1), Quantile(0.9)),
    *(BinaryCrossEntropy(0.2), CrossEntropy(0.2)),
]


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_delta_agrees_with_differences(loss):
    rng = np.random.RandomState(1)
    z, y, h = rng.normal(size=(7, 3)), np.eye(3)[rng.randint(3, size=7)], 1e-5
    delta, work = np.empty_like(z), np.empty_like(z)
    loss.delta(y, z, out=delta, work=work)
    for k in range(3):
        step = h * np.eye(3)[k]
        numeric = (loss.value(y, z + step) - loss.value(y, z - step)) / (2 * h)
        assert_allclose(delta[:, k], numeric, atol=1e-8)


def test_cross_entropies_agree_with_scikit_learn():
    rng = np.random.RandomState(0)
    z, labels = rng.normal(size=(20, 3)), np.arange(20) % 3
    p = np.empty_like(z)
    CrossEntropy().link.forward(z, out=p)
    assert_allclose(
        CrossEntropy().value(np.eye(3)[labels], z).mean(), log_loss(labels, p), rtol=1e-12
    )
    z, labels = z[:, :1], labels % 2
    p = p[:, :1]
    Logistic().forward(z, out=p)
    value = BinaryCrossEntropy().value(labels[:, None].astype(float), z)
    assert_allclose(value.mean(), log_loss(labels, p[:, 0]), rtol=1e-12)


@pytest.mark.parametrize("z", [40.0, 800.0, 1e300])
def test_cross_entropy_of_a_certain_mistake_is_not_clipped(z):
    assert_allclose(BinaryCrossEntropy().value(np.zeros((1, 1)), np.array([[z]])), z)
    assert_allclose(CrossEntropy().value(np.array([[0.0, 1.0]]), np.array([[z, 0.0]])), z)


def test_cross_entropy_of_a_certain_hit_is_not_rounded_to_zero():
    value = BinaryCrossEntropy().value(np.ones((1, 1)), np.array([[50.0]]))
    assert_allclose(value, np.exp(-50.0), rtol=1e-12)


def test_perceptron_criterion_counts_only_mistakes():
    y = np.array([[1.0], [0.0], [1.0], [0.0]])
    z = np.array([[2.0], [-2.0], [-3.0], [0.5]])
    assert_allclose(Perceptron().value(y, z), [0, 0, 3, 0.5])
    assert not Perceptron().solved(y, z)
    assert Perceptron().solved(y[:2], z[:2])
    assert not Perceptron().solved(np.zeros((1, 1)), np.zeros((1, 1)))  # ŷ(0) = 1


def test_only_the_perceptron_can_be_solved():
    y = np.ones((1, 1))
    assert [loss.name for loss in ALL if loss.solvable] == ["perceptron"]
    assert [loss.name for loss in ALL if loss.solved(y, y)] == ["perceptron"]


# ---- robust losses, counts, fractions, by hand ------------------------------------------------


def values(loss, y, z):
    """Return ℓ for each pair of numbers."""
    return loss.value(np.reshape(y, (-1, 1)).astype(float), np.reshape(z, (-1, 1)).astype(float))


def deltas(loss, y, z):
    """Return δ for each pair of numbers."""
    y, z = (np.reshape(numbers, (-1, 1)).astype(float) for numbers in (y, z))
    delta, work = np.empty_like(z), np.empty_like(z)
    loss.delta(y, z, out=delta, work=work)
    return delta[:, 0]


def test_values_by_hand():
    y, z = [1, 1, 1, 1], [-2, 0.5, 1, 4]  # residuals -3, -0.5, 0, 3
    assert_allclose(values(AbsoluteError(), y, z), [3, 0.5, 0, 3])
    assert_allclose(values(Huber(), y, z), [2.5, 0.125, 0, 2.5])
    assert_allclose(values(Huber(0.25), y, z), [0.71875, 0.09375, 0, 0.71875])
    assert_allclose(values(Quantile(0.9), y, z), [2.7, 0.45, 0, 0.3])
    assert_allclose(values(Poisson(), [0, 3], [0, np.log(2)]), [1, 2 - 3 * np.log(2)])
    ln4 = np.log(4)  # σ(ln 3) = 3/4
    expected = [ln4, ln4 - 0.5 * np.log(3), ln4 - np.log(3)]
    assert_allclose(values(BinaryCrossEntropy(), [0, 0.5, 1], [np.log(3)] * 3), expected)


def test_deltas_by_hand():
    y, z = [1, 1, 1, 1], [-2, 0.5, 1, 4]
    assert_allclose(deltas(AbsoluteError(), y, z), [-1, -1, 0, 1])
    assert_allclose(deltas(Huber(), y, z), [-1, -0.5, 0, 1])
    assert_allclose(deltas(Huber(0.25), y, z), [-0.25, -0.25, 0, 0.25])
    assert_allclose(deltas(Quantile(0.9), y, z), [-0.9, -0.9, 0.1, 0.1])
    assert_allclose(deltas(Poisson(), [0, 3], [0, np.log(2)]), [1, -1])
    assert_allclose(deltas(BinaryCrossEntropy(), [0, 0.5, 1], [np.log(3)] * 3), [0.75, 0.25, -0.25])


def test_losses_are_summed_over_the_outputs():
    y, z = np.zeros((1, 3)), np.array([[0.5, -2.0, 3.0]])
    for loss in (AbsoluteError(), Huber(), Quantile(0.3), Poisson(), BinaryCrossEntropy()):
        assert_allclose(loss.value(y, z), values(loss, y, z).sum(), err_msg=repr(loss))


def test_kinships():
    """The median is half the absolute error; Huber's ends are half the square and |r|."""
    rng = np.random.RandomState(0)
    y, z = rng.normal(size=(2, 50, 2))
    assert_allclose(Quantile(0.5).value(y, z), 0.5 * AbsoluteError().value(y, z))
    assert_allclose(Huber(1e6).value(y, z), 0.5 * SquaredError().value(y, z))
    assert_allclose(Huber(1e-9).value(y, z) / 1e-9, AbsoluteError().value(y, z), atol=1e-8)


def test_poisson_is_half_the_deviance():
    rng = np.random.RandomState(0)
    y, z = rng.poisson(2.0, size=(50, 1)) + 0.5, rng.normal(size=(50, 1))
    least = Poisson().value(y, np.log(y))
    deviance = mean_poisson_deviance(y[:, 0], np.exp(z[:, 0]))
    assert_allclose((Poisson().value(y, z) - least).mean(), deviance / 2, rtol=1e-12)


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 0.99])
def test_label_smoothing_is_a_smoothed_target(epsilon):
    rng = np.random.RandomState(0)
    z, y = rng.normal(size=(20, 4)), np.eye(4)[rng.randint(4, size=20)]
    softened = np.where(y == 1, 1 - epsilon + epsilon / 4, epsilon / 4)
    assert_allclose(CrossEntropy(epsilon).value(y, z), CrossEntropy().value(softened, z))
    softened = np.where(y == 1, 1 - epsilon / 2, epsilon / 2)
    assert_allclose(
        BinaryCrossEntropy(epsilon).value(y, z), BinaryCrossEntropy().value(softened, z)
    )


def test_two_smoothed_classes_are_smoothed_alike():
    """One sigmoid of z is the softmax of (0, z)."""
    z, y = np.random.RandomState(0).normal(size=(20, 1)), (np.arange(20) % 2).reshape(-1, 1)
    both = CrossEntropy(0.3).value(np.hstack([1.0 - y, y]), np.hstack([0 * z, z]))
    assert_allclose(BinaryCrossEntropy(0.3).value(y.astype(float), z), both, rtol=1e-12)


def test_smoothed_probabilities_end_short_of_certainty(X):
    """Where rows can be told apart, the best p is the smoothed target itself."""
    y = (X[:, 0] > 0).astype(int)
    rows, how = np.sign(X[:, :1]), {"hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-9}
    model = make(ManualMLPClassifier, loss=CrossEntropy(0.2), max_iter=200, **how).fit(rows, y)
    assert_allclose(model.predict_proba(rows)[np.arange(30), y], 0.9, atol=1e-6)
    labels = np.column_stack([y, 1 - y, y])
    model.fit(rows, labels)
    assert_allclose(model.predict_proba(rows)[labels == 1], 0.9, atol=1e-6)
    y = np.arange(30) % 3
    rows = np.eye(3)[y]
    model.fit(rows, y)
    assert_allclose(model.predict_proba(rows)[np.arange(30), y], 0.8 + 0.2 / 3, atol=1e-6)


@pytest.mark.parametrize("kind", ["two classes", "three classes", "multilabel"])
def test_label_smoothing_takes_the_loss_of_its_kind(kind, X):
    y = {
        "two classes": np.arange(30) % 2,
        "three classes": np.arange(30) % 3,
        "multilabel": (X[:, :3] > 0).astype(int),
    }[kind]
    how = {"max_iter": 3, "batch_size": None}
    model = make(ManualMLPClassifier, loss=CrossEntropy(0.1), **how).fit(X, y)
    z = make(ManualMLPClassifier, max_iter=1, eta=1e-300, batch_size=None).fit(X, y)
    z = z.decision_function(X).reshape(30, -1)  # of the common start
    Y = np.eye(3)[y] if kind == "three classes" else y.reshape(30, -1)
    by_name = CrossEntropy(0.1) if kind == "three classes" else BinaryCrossEntropy(0.1)
    assert_allclose(model.loss_curve_[0], by_name.value(Y.astype(float), z).mean(), rtol=1e-12)
    if kind != "three classes":
        same = make(ManualMLPClassifier, loss=BinaryCrossEntropy(0.1), **how).fit(X, y)
        assert_array_equal(weights_of(model), weights_of(same))
    model.set_params(loss__label_smoothing=0.0).fit(X, y)
    assert_array_equal(weights_of(model), weights_of(make(ManualMLPClassifier, **how).fit(X, y)))


def test_binary_cross_entropy_of_three_classes_is_refused(X):
    model = make(ManualMLPClassifier, loss=BinaryCrossEntropy())
    with pytest.raises(ValueError, match="must have the link Softmax for 3 classes"):
        model.fit(X, np.arange(30) % 3)
    assert not hasattr(model, "classes_")
    model.fit(X, np.arange(30) % 2)
    assert_array_equal(
        weights_of(model), weights_of(make(ManualMLPClassifier).fit(X, np.arange(30) % 2))
    )


# ---- agreement with scikit-learn's own --------------------------------------------------------


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


def linear(**params):
    """Return a network without hidden layers, minimised to the end."""
    lbfgs = {"solver": "lbfgs", "tol": 1e-10, "max_iter": 5000}
    return ManualMLPRegressor((), random_state=0, **{**lbfgs, **params})


@pytest.mark.parametrize(
    ("loss", "q"), [("quantile", 0.5), ("absolute_error", 0.5), (Quantile(0.2), 0.2)], ids=str
)
def test_quantile_regression(loss, q, diabetes):
    """The corners stop L-BFGS, so these are subgradients with a rate that falls to zero."""
    X, y = diabetes
    theirs = QuantileRegressor(quantile=q, alpha=0.0).fit(X, y)
    ours = linear(
        loss=loss, solver="adam", eta=0.05, schedule="cosine", batch_size=None, max_iter=4000,
        tol=None,
    ).fit(X, y)  # fmt: skip
    best = mean_pinball_loss(y, theirs.predict(X), alpha=q)
    reached = mean_pinball_loss(y, ours.predict(X), alpha=q)
    assert best * (1 - 1e-9) <= reached <= best * (1 + 1e-3)
    assert abs((y < ours.predict(X)).mean() - q) < 0.02


@pytest.mark.parametrize("alpha", [0.01, 0.5])
def test_poisson_regression(alpha, diabetes):
    X, _ = diabetes
    y = np.random.RandomState(0).poisson(np.exp(0.5 * X[:, 2] - 0.3 * X[:, 3]))
    theirs = PoissonRegressor(alpha=alpha, tol=1e-10, max_iter=10_000).fit(X, y)
    ours = linear(loss="poisson", alpha=alpha).fit(X, y)
    assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, atol=1e-5)
    assert_allclose(ours.intercepts_[0], theirs.intercept_, atol=1e-5)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4)
    assert ours.out_activation_ == "exponential"


@pytest.mark.parametrize(("epsilon", "alpha"), [(1.35, 1e-4), (1.1, 5.0)])
def test_huber_regression(epsilon, alpha, diabetes):
    """Theirs also finds the scale σ; at theirs, theirs is 2 n / σ times ours with c = ε σ."""
    X, y = diabetes
    theirs = HuberRegressor(epsilon=epsilon, alpha=alpha, tol=1e-9, max_iter=10_000).fit(X, y)
    ours = linear(loss=Huber(epsilon * theirs.scale_), alpha=alpha * theirs.scale_ / len(y))
    ours.fit(X, y)
    assert theirs.outliers_.sum() > 50
    assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, atol=1e-3)
    assert_allclose(ours.intercepts_[0], theirs.intercept_, atol=1e-3)


@pytest.mark.parametrize("alpha", [0.001, 0.1])
def test_fractional_logit(alpha, diabetes):
    """Every row is a share y of a row of class 1 and a share 1 - y of one of class 0."""
    X, y = diabetes
    y = expit(y)
    ours = SigmoidNeuronRegressor(
        loss="binary_cross_entropy", target_range=(0, 1), alpha=alpha, solver="lbfgs",
        tol=1e-10, max_iter=5000,
    ).fit(X, y)  # fmt: skip
    theirs = LogisticRegression(C=1 / (alpha * len(y)), tol=1e-10, max_iter=10_000).fit(
        np.vstack([X, X]), np.repeat([1, 0], len(y)), np.append(y, 1 - y)
    )
    assert_allclose(ours.coef_, theirs.coef_[0], atol=1e-6)
    assert_allclose(ours.intercept_, theirs.intercept_[0], atol=1e-6)
    assert_allclose(ours.predict(X), theirs.predict_proba(X)[:, 1], atol=1e-6)


# ---- in the estimators ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "statistic"),
    [
        ("squared_error", np.mean),
        ("absolute_error", np.median),
        (Quantile(0.75), lambda y: np.quantile(y, 0.75)),
        ("poisson", np.mean),
    ],
    ids=["squared_error", "absolute_error", "quantile", "poisson"],
)
def test_each_loss_has_its_statistic(loss, statistic):
    """What a constant prediction comes to: an odd number of rows, so that it is unique."""
    y = np.random.RandomState(0).exponential(size=21)
    model = ManualMLPRegressor(
        (), loss=loss, eta=0.1, schedule="cosine", batch_size=None, max_iter=2000, tol=None
    ).fit(np.zeros((21, 1)), y)
    assert_allclose(model.predict([[0.0]]), statistic(y), atol=2e-3)


def test_huber_is_hardly_moved_by_an_outlier():
    y = np.append(np.linspace(-0.5, 0.5, 20), 1000.0)
    model = linear(loss="huber").fit(np.zeros((21, 1)), y)
    assert_allclose(model.predict([[0.0]]), 1 / 20, atol=1e-6)  # 20 residuals against c = 1


def test_poisson_refuses_negative_targets_and_predicts_positive_numbers(X):
    y = np.random.RandomState(0).poisson(0.2, size=30)
    model = make(ManualMLPRegressor, loss="poisson").fit(X, y)
    before = weights_of(model)
    assert (model.predict(100 * X) >= 0).all()
    assert (model.predict(X) > 0).all()
    for refused in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"Poisson loss is for targets >= 0; got -1\.0"):
            refused(X, y - 1.0)
    with pytest.raises(ValueError, match="targets >= 0"):
        model.fit(X, y, X_val=X, y_val=y - 1.0)
    assert_array_equal(weights_of(model), before)


def test_fractions_outside_of_the_range_are_refused(X):
    y = np.linspace(0.0, 1.0, 30)
    with pytest.raises(ValueError, match="between 0 and 1; got a range of"):
        make(ManualMLPRegressor, loss=BinaryCrossEntropy()).fit(X, 2 * y)
    neuron = make(SigmoidNeuronRegressor, loss="binary_cross_entropy").partial_fit(X, y)
    with (
        pytest.warns(UserWarning, match="lie outside"),
        pytest.raises(ValueError, match="between 0 and 1; got a range of"),
    ):
        neuron.partial_fit(X, 2 * y)


def test_fractions_of_another_range(X):
    """The cross-entropy is that of the (0, 1) scale."""
    y = expit(X[:, 0])
    how = {"loss": "binary_cross_entropy", "max_iter": 5}
    unit = make(SigmoidNeuronRegressor, target_range=(0, 1), **how).fit(X, y)
    wide = make(SigmoidNeuronRegressor, target_range=(10, 30), **how).fit(X, 10 + 20 * y)
    assert_allclose(wide.coef_, unit.coef_, rtol=1e-9)
    assert_allclose(wide.predict(X), 10 + 20 * unit.predict(X), rtol=1e-9)


def test_a_sigmoid_neuron_of_fractions_is_a_logistic_neuron(X):
    """For targets of 0 and 1, update by update."""
    y = np.arange(30) % 2
    how = {"eta": 0.1, "batch_size": 7}
    ours = make(SigmoidNeuronRegressor, loss="binary_cross_entropy", **how).fit(X, y)
    theirs = make(LogisticNeuronClassifier, **how).fit(X, y)
    assert_array_equal(ours.coef_, theirs.coef_[0])


@pytest.mark.parametrize("loss", [Huber(), Poisson(), CrossEntropy(), SquaredError()], ids=repr)
def test_a_sigmoid_neuron_has_the_logistic_link(loss, X):
    with pytest.raises(ValueError, match=r"'loss' parameter of .* must have the logistic link"):
        make(SigmoidNeuronRegressor, loss=loss).fit(X, expit(X[:, 0]))
    by_name = make(SigmoidNeuronRegressor).fit(X, expit(X[:, 0]))
    by_object = make(SigmoidNeuronRegressor, loss=SquaredError(Logistic())).fit(X, expit(X[:, 0]))
    assert_array_equal(by_object.coef_, by_name.coef_)


def test_a_search_reaches_inside(diabetes):
    X, y = diabetes
    model = linear(loss=Quantile(), solver="adam", eta=0.05, max_iter=30, tol=None)
    search = GridSearchCV(
        model, {"loss__quantile": [0.1, 0.5, 0.9]}, cv=2, scoring="neg_mean_absolute_error"
    ).fit(X, y)
    assert search.best_params_ == {"loss__quantile": 0.5}
    below = [
        (y < clone(model).set_params(loss__quantile=q).fit(X, y).predict(X)).mean()
        for q in (0.1, 0.9)
    ]
    assert_allclose(below, [0.1, 0.9], atol=0.05)


@pytest.mark.parametrize(
    ("loss", "error", "match"),
    [
        (Huber(0.0), ValueError, r"threshold of Huber must be a number in \(0, inf\)"),
        (Huber("1"), TypeError, "threshold of Huber"),
        (Quantile(1.0), ValueError, r"quantile of Quantile must be a number in \(0, 1\); got 1.0"),
        (Quantile(None), TypeError, "quantile of Quantile"),
        (BinaryCrossEntropy(1.0), ValueError, r"label_smoothing of .* must be .*\[0, 1\)"),
        (CrossEntropy(-0.1), ValueError, "label_smoothing of CrossEntropy"),
        ("cross_entropy", ValueError, "'absolute_error', 'huber', 'quantile', 'poisson'"),
    ],
    ids=repr,
)
def test_wrong_parameters(loss, error, match, X):
    with pytest.raises(error, match=f"'loss' parameter of ManualMLPRegressor.*{match}"):
        make(ManualMLPRegressor, loss=loss).fit(X, X[:, 0])


# ---- a user's own -----------------------------------------------------------------------------


class LogCosh(Loss):
    """ℓ = c² log cosh(r / c), smooth everywhere."""

    link = Identity()

    def __init__(self, c=1.0):
        self.c = c

    def value(self, y, z):
        return (self.c**2 * np.log(np.cosh((z - y) / self.c))).sum(axis=1)

    def delta(self, y, z, out, work):
        np.tanh((z - y) / self.c, out=out)
        out *= self.c


class Brier(Loss):
    """ℓ = (p - y)² with p = σ(z), for classifiers of two classes and multilabel y."""

    link = Logistic()

    def value(self, y, z):
        return ((expit(z) - y) ** 2).sum(axis=1)

    def delta(self, y, z, out, work):
        p = expit(z)
        out[...] = 2 * (p - y) * p * (1 - p)


class Sine(Activation):
    """σ(z) = sin(ω z)."""

    def __init__(self, omega=1.0):
        self.omega = omega

    def forward(self, z, out):
        np.sin(self.omega * z, out=out)

    def with_derivative(self, z, out, slope):
        np.cos(self.omega * z, out=slope)
        slope *= self.omega
        np.sin(self.omega * z, out=out)


def test_a_users_own_loss_reaches_its_minimum(diabetes):
    """Where the gradient by the book, Σ tanh(r/c) c x / n, is zero."""
    X, y = diabetes
    model = linear(loss=LogCosh()).set_params(loss__c=0.5).fit(X, y)
    delta = 0.5 * np.tanh((model.predict(X) - y) / 0.5)
    assert np.abs(X.T @ delta / len(y)).max() < 1e-6
    assert abs(delta.mean()) < 1e-6
    assert np.abs(X.T @ (model.predict(X) - y) / len(y)).max() > 1e-3  # another minimum than r²


@pytest.mark.parametrize("kind", ["two classes", "multilabel"])
def test_a_users_own_loss_of_a_classifier(kind, X):
    """The same steps as the squared error behind a sigmoid, which the package has."""
    y = np.arange(30) % 2 if kind == "two classes" else (X[:, :3] > 0).astype(int)
    own = make(ManualMLPClassifier, loss=Brier(), batch_size=7).fit(X, y)
    same = make(ManualMLPClassifier, loss=SquaredError(Logistic()), batch_size=7).fit(X, y)
    assert_allclose(weights_of(own), weights_of(same), rtol=1e-9, atol=1e-12)
    assert_allclose(own.predict_proba(X), same.predict_proba(X), rtol=1e-9)
    assert own.out_activation_ == "logistic"


def test_a_users_own_loss_of_a_neuron(X):
    y = expit(X[:, 0])
    own = make(SigmoidNeuronRegressor, loss=Brier()).fit(X, y)
    same = make(SigmoidNeuronRegressor).fit(X, y)
    assert_allclose(own.coef_, same.coef_, rtol=1e-9)


def test_a_users_own_activation_learns_a_wave():
    X = np.linspace(-1, 1, 80).reshape(-1, 1)
    y = np.sin(9 * X[:, 0])
    model = clone(ManualMLPRegressor((4,), activation=Sine(), solver="lbfgs", random_state=0))
    model.set_params(activation__omega=9.0, max_iter=1000).fit(X, y)
    assert model.score(X, y) > 0.999
    hidden = np.sin(9 * (X @ model.coefs_[0] + model.intercepts_[0]))
    by_the_book = hidden @ model.coefs_[1] + model.intercepts_[1]
    assert_allclose(model.predict(X), by_the_book[:, 0], rtol=1e-10, atol=1e-12)


def test_a_users_own_activation_goes_on(network, X):
    y = target_for(network, 30)
    how = {"activation": [Sine(2.0), "tanh"], "hidden_layer_sizes": (5, 4)}
    whole = make(network, max_iter=6, **how).fit(X, y)
    parts = make(network, max_iter=3, warm_start=True, **how).fit(X, y).fit(X, y)
    assert_array_equal(weights_of(parts), weights_of(whole))
