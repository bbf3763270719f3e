"""A word where training went wrong, and none where it did not."""

import contextlib
import warnings

import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._estimator.diagnosis import (
    constant_loss,
    falls,
    idle_units,
    is_asleep,
    is_scaled,
    is_steady,
    penalty_of,
)
from sklearn_neuron.activations import Logistic, ReLU, Tanh
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Perceptron,
    Poisson,
    Quantile,
    SquaredError,
)
from sklearn_neuron.network import Network

CANCER = load_breast_cancer(return_X_y=True)
DIGITS = load_digits(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def scaled(X):
    return StandardScaler().fit_transform(X)


def words(model, X, y, **validation):
    """Return the warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, **validation)
    assert all(issubclass(w.category, ConvergenceWarning) for w in caught)
    assert all(w.filename == __file__ for w in caught)
    return [str(w.message) for w in caught]


# ---- it speaks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [1e3, 1e8])
@pytest.mark.parametrize("batch_size", [1, 32, None])
def test_of_an_eta_that_is_too_large_for_a_bounded_gradient(eta, batch_size):
    X, y = scaled(CANCER[0]), CANCER[1]
    model = LogisticNeuronClassifier(eta=eta, batch_size=batch_size, max_iter=60, random_state=0)
    with pytest.raises(DivergenceError, match=r"more than 10 times the 0\.6[69]") as error:
        model.fit(X, y)
    assert f"a smaller eta (say {eta / 10:.2g})" in str(error.value)
    assert "StandardScaler" not in str(error.value)


def test_of_features_that_are_not_scaled():
    with pytest.raises(DivergenceError, match=r"Try scaled features \(StandardScaler\), a smaller"):
        LogisticNeuronClassifier(eta=0.1, random_state=0).fit(*CANCER)


def test_of_a_saturated_neuron():
    (text,) = words(
        SigmoidNeuronRegressor(eta=0.4, random_state=0), CANCER[0], 0.8 * CANCER[1] + 0.1
    )
    assert "above the 0.15 of a constant prediction" in text
    assert "scaled features (StandardScaler)" in text


@pytest.mark.parametrize("seed", [0, 2])
def test_of_units_that_are_dead(seed):
    model = ManualMLPClassifier(
        (64, 64, 64, 64),
        init="glorot_uniform",
        eta=0.05,
        early_stopping=False,
        random_state=seed,
    )
    (text,) = words(model, scaled(DIGITS[0]), DIGITS[1])
    assert "of the 64 units of hidden layer" in text
    assert "slope 0 for every sample" in text
    assert "leaky_relu" in text


def test_of_a_target_that_is_not_scaled():
    model = ManualMLPRegressor(solver="sgd", eta=1e-12, early_stopping=False, random_state=0)
    (text,) = words(model, scaled(DIABETES[0]), 1000.0 * DIABETES[1])
    assert "Try a scaled target (TransformedTargetRegressor" in text
    assert "StandardScaler)," in text
    assert "scaled features" not in text


def test_without_an_intercept_it_compares_with_the_first_epoch():
    X, y = scaled(CANCER[0]), CANCER[1]
    params = {"fit_intercept": False, "batch_size": None, "max_iter": 5, "tol": None}
    start = {"coef_init": np.zeros((1, 30))}
    with pytest.warns(ConvergenceWarning, match="above the 0.693 of the first epoch"):
        LogisticNeuronClassifier(eta=1e4, **params).fit(X, y, **start)


def test_of_epochs_that_ran_out_it_tells_what_is_not_done_yet():
    hurried = {"max_iter": 5, "tol": 1e-9, "random_state": 0, "early_stopping": False}
    (text,) = words(ManualMLPClassifier(**hurried), scaled(DIGITS[0]), DIGITS[1])
    stops = "set early_stopping='auto': held-out samples tell when to stop."
    assert text.endswith(f"Increase max_iter, or {stops}")
    model = LogisticNeuronClassifier(eta=1e-6, **hurried)
    (text,) = words(model, 30.0 * scaled(CANCER[0]), CANCER[1])
    assert text.endswith("Increase max_iter, or scale the features (StandardScaler).")


# ---- it does not cry wolf ------------------------------------------------------------------------


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits, load_iris, load_wine])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "cls", [LogisticNeuronClassifier, ManualMLPClassifier, PerceptronClassifier]
)
def test_not_of_classifiers_that_have_learned(cls, load, seed):
    X, y = load(return_X_y=True)
    assert not [w for w in words(cls(random_state=seed), scaled(X), y) if "epochs passed" not in w]


@pytest.mark.parametrize("load", [load_diabetes, load_linnerud])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cls", [SigmoidNeuronRegressor, ManualMLPRegressor])
def test_not_of_regressors_that_have_learned(cls, load, seed):
    X, y = load(return_X_y=True)
    found = words(cls(random_state=seed), scaled(X), scaled(y.reshape(len(y), -1)))
    assert not [w for w in found if "epochs passed" not in w]


@pytest.mark.parametrize("seed", range(5))
def test_not_of_noise(seed):
    rng = np.random.RandomState(seed)
    X, y = rng.normal(size=(200, 30)), rng.randint(2, size=200)
    for model in (
        LogisticNeuronClassifier(random_state=seed),
        ManualMLPClassifier(random_state=seed),
    ):
        assert not [w for w in words(model, X, y) if "epochs passed" not in w]


def test_not_of_rare_classes():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(20_000, 5)), np.arange(20_000) % 1000 == 0
    assert not [
        w for w in words(LogisticNeuronClassifier(random_state=0), X, y) if "passed" not in w
    ]


def test_not_of_training_that_is_short_on_purpose():
    X, y = scaled(CANCER[0]), 1e3 * CANCER[1]
    assert not words(ManualMLPRegressor(max_iter=3, tol=None, random_state=0), X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("y", [np.zeros(100), np.full(100, 3.0), np.full((100, 2), 0.3)])
def test_not_of_targets_that_are_constant(solver, y):
    X = np.random.RandomState(0).normal(size=(100, 3))
    found = words(ManualMLPRegressor(solver=solver, random_state=0), X, y)
    assert not [w for w in found if "passed" not in w]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_not_of_a_class_that_few_rows_have(dtype):
    """Of two rows of 200,002, which every second row would not show."""
    X = np.random.RandomState(0).normal(size=(200_002, 2)).astype(dtype)
    y = np.ones(200_002, int)
    y[[1, 3]] = 0
    model = LogisticNeuronClassifier(batch_size=1000, max_iter=6, random_state=0, warm_start=True)
    model.fit(X[:2], [0, 1])
    model.coef_, model.intercept_ = 0 * model.coef_, 0 * model.intercept_ + np.log(1e5)
    assert not [w for w in words(model, X, y) if "passed" not in w]


def test_extreme_numbers_make_no_other_warnings():
    X = np.random.RandomState(0).normal(size=(100, 3)).astype(np.float32)
    words(ManualMLPRegressor((), loss=Poisson(), max_iter=8, random_state=0), X, np.zeros(100))
    with contextlib.suppress(DivergenceError):
        words(LogisticNeuronClassifier(max_iter=8, eta=1e-30), np.float32(1e25) * X, X[:, 0] > 0)


# ---- what it looks at ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        SquaredError(), SquaredError(Logistic()), SquaredError(Tanh()), AbsoluteError(), Huber(2.0),
        Quantile(0.2), Poisson(), BinaryCrossEntropy(), CrossEntropy(), CrossEntropy(0.2),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True])
def test_the_constant_is_the_best_one(loss, weighted):
    rng = np.random.RandomState(0)
    Y = np.eye(3)[rng.choice(3, size=200, p=[0.6, 0.3, 0.1])]
    if loss.name in {"squared_error", "poisson"}:
        Y = rng.uniform(0.1, 0.9, size=(200, 2))
    elif "cross_entropy" not in loss.name:
        Y = rng.gamma(1.0, size=(200, 2))
    quantile = loss.name in {"absolute_error", "huber", "quantile"}
    weights = None if not weighted or quantile else rng.uniform(size=(200, 1))

    def mean(z):
        values = loss.value(Y, np.tile(z, (200, 1)))
        return np.average(values, weights=None if weights is None else weights[:, 0])

    best = optimize.minimize(mean, np.full(Y.shape[1], 0.1), method="Nelder-Mead", tol=1e-12).fun
    rtol = 0.15 if loss.name == "huber" or getattr(loss, "label_smoothing", 0.0) else 1e-6
    np.testing.assert_allclose(constant_loss(loss, Samples(Y, Y, weights)), best, rtol=rtol)


@pytest.mark.parametrize(
    ("loss", "low", "high"),
    [(BinaryCrossEntropy(), 0.0, 1.0), (SquaredError(Logistic()), 0.0, 1.0),
     (SquaredError(Tanh()), -1.0, 1.0)],
)  # fmt: skip
def test_of_targets_at_an_end_of_the_range_a_constant_is_nearly_perfect(loss, low, high):
    """Its raw output would be infinite; another target has something to learn."""
    other = np.array([[low], [high], [low], [high]])
    alone = constant_loss(loss, Samples(other, other, None))
    for end in (low, high):
        Y = np.hstack([np.full((4, 1), end), other])
        np.testing.assert_allclose(constant_loss(loss, Samples(Y, Y, None)), alone, rtol=1e-10)


def test_the_penalty_is_not_part_of_the_loss_that_is_compared():
    theta = np.array([2.0, -3.0, 5.0])  # the last is the bias
    for alpha, beta, penalty in ((0.0, 0.0, 0.0), (0.1, 0.0, 0.65), (0.0, 0.1, 0.5), (1, 1, 11.5)):
        network = Network((2, 1), [], SquaredError(), alpha=alpha, beta=beta)
        np.testing.assert_allclose(penalty_of(network, theta), penalty)


def test_of_own_losses_and_of_mistakes_there_is_no_constant():
    class OwnLoss(SquaredError):  # noqa: N818
        pass

    for loss in (OwnLoss(), Perceptron()):
        assert np.isnan(constant_loss(loss, Samples(np.ones((3, 1)), np.ones((3, 1)), None)))


def test_idle_units_are_those_without_a_slope():
    network = Network((2, 4, 3, 1), [ReLU(), ReLU()], SquaredError())
    X = np.random.RandomState(0).normal(size=(50, 2))
    network.theta.fill(0.5)
    b = network.b
    b[0][:], b[1][:] = [-99.0, -99.0, -99.0, 99.0], [-999.0, 99.0, 99.0]
    assert idle_units(network, network.theta, X) == ((1, 3, 4),)
    b[1][:] = [-999.0, -999.0, 99.0]
    assert idle_units(network, network.theta, sparse.csr_matrix(X)) == ((1, 3, 4), (2, 2, 3))


def test_the_samples_that_are_looked_at_are_few_and_even():
    samples = Samples(np.arange(2500.0).reshape(-1, 1), np.ones((2500, 1)), np.ones((2500, 1)))
    some = samples.few(500)
    assert [len(part) for part in some] == [500, 500, 500]
    assert samples.few(2500) is samples
    np.testing.assert_array_equal(np.diff(some.X[:, 0]), 5.0)


def test_what_counts_as_scaled():
    X = np.random.RandomState(0).normal(size=(100, 3))
    for right in (X, sparse.csr_matrix(X), 0.1 * X, 10 * X, np.zeros((5, 2))):
        assert is_scaled(right)
    for wrong in (100 * X, sparse.csr_matrix(100 * X), 0.01 * X):
        assert not is_scaled(wrong)


def test_a_loss_that_goes_up_and_down_does_not_fall():
    assert falls([3.0, 2.0, 1.0])
    assert not falls([3.0, 1.0, 2.0, 1.0, 2.0, 1.0])
    assert not falls([1.0])
    assert not falls([1.0, 0.999])


# ---- divergence at finite values, and training that has not begun --------------------------------


@pytest.mark.parametrize("eta", [1e3, 1e8])
def test_a_loss_far_above_a_constant_is_divergence(eta):
    """The gradient of a cross-entropy is bounded, so nothing overflows."""
    model = LogisticNeuronClassifier(eta=eta, random_state=0)
    with pytest.raises(DivergenceError, match=r"more than 10 times the 0.693 of a constant"):
        model.fit(scaled(CANCER[0]), CANCER[1])
    assert not hasattr(model, "coef_")


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_search_counts_divergence_as_a_failed_fit():
    search = GridSearchCV(LogisticNeuronClassifier(random_state=0), {"eta": [0.1, 1e6]}, cv=3)
    with pytest.warns(FitFailedWarning, match="DivergenceError"):
        search.fit(scaled(CANCER[0]), CANCER[1])
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_of_steps_that_are_too_small_to_learn():
    (text,) = words(LogisticNeuronClassifier(eta=1e-9), scaled(CANCER[0]), CANCER[1])
    assert "the outputs hardly depend on X. Try a larger eta" in text
    (text,) = words(LogisticNeuronClassifier(alpha=1e6, eta=1e-7), scaled(CANCER[0]), CANCER[1])
    assert "Try a smaller alpha" in text


@pytest.mark.parametrize(
    ("loss", "unit"),
    [(BinaryCrossEntropy(), 1.0), (Poisson(), 1.0), (SquaredError(), 200.0), (Huber(), 200.0)],
)
def test_outputs_hardly_differ_in_logits_or_parts_of_the_target(loss, unit):
    """From a thousandth on they do; those of counts are logarithms."""
    X, Y = np.array([[0.0], [1.0]]), np.array([[0.0], [400.0]])
    network, samples = Network((1, 1), [], loss), Samples(X, Y, None)
    for part, expected in ((0.9e-3, True), (1.1e-3, False)):
        assert is_asleep(network, part * unit * X, samples) is expected
    assert not is_asleep(network, 0.0 * X, Samples(0.0 * X, Y, None))  # nothing to depend on


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (ManualMLPClassifier(eta=1e-6), CANCER),
        (ManualMLPClassifier(eta=1e-12), CANCER),
        (ManualMLPClassifier(eta=1e-5, solver="sgd", early_stopping=False), CANCER),
        (ManualMLPRegressor(eta=1e-6), (DIABETES[0], scaled(DIABETES[1][:, None]).ravel())),
        (ManualMLPRegressor(eta=1e-12), (CANCER[0], CANCER[1].astype(float))),
    ],
)
def test_of_networks_that_have_hardly_moved(model, data):
    """Their loss is not far above a constant's, and no larger than it was at first."""
    (text,) = words(model.set_params(random_state=0), scaled(data[0]), data[1])
    assert f"of a constant prediction. Try a larger eta (say {100 * model.eta:.2g})" in text


@pytest.mark.parametrize(("factor", "told"), [(1.0, False), (3.0, False), (100.0, True)])
@pytest.mark.parametrize("order", [1, -1])
def test_of_targets_that_are_outweighed(factor, told, order):
    X, y = scaled(DIABETES[0]), scaled(DIABETES[1][:, None])
    model = ManualMLPRegressor(random_state=0)
    found = words(model, X, np.hstack([y, factor * y])[:, ::order])
    k = 0 if order == 1 else 1
    word = f"target {k} is predicted worse than by its mean: another one varies 100 times as much"
    assert [word in text for text in found] == [True] * told
    assert not words(TransformedTargetRegressor(model, transformer=StandardScaler()),
                     X, np.hstack([y, factor * y])[:, ::order])  # fmt: skip


def test_of_features_that_are_the_same_for_all_samples():
    for model in (ManualMLPClassifier(random_state=0), LogisticNeuronClassifier(random_state=0)):
        for X in (np.ones((178, 4)), np.zeros((178, 4)), sparse.csr_array((178, 4))):
            (text,) = words(model, X, load_wine().target)
            assert "X is the same for all samples" in text


def test_features_whose_squares_are_zero_are_not_scaled():
    tiny = 1e-300 * np.arange(6.0).reshape(3, 2)
    assert not is_scaled(tiny)
    assert not is_scaled(sparse.csr_array(tiny))
    assert is_scaled(0.0 * tiny)
    assert is_scaled(sparse.csr_array((3, 2)))


def test_not_of_features_that_vary_at_other_samples_than_those_looked_at():
    X = np.tile([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], (500, 1))
    assert not words(LogisticNeuronClassifier(random_state=0), X, X[:, 0] != X[:, 1])


def test_not_of_quantiles_nor_of_samples_without_weight():
    """A quantile is not near the mean, and what has no weight is not learned."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(600, 4))
    f, noise = X[:, 0] + X[:, 1], rng.normal(size=600)
    model = ManualMLPRegressor((10,), max_iter=300, random_state=0)
    assert not words(model.set_params(loss=Quantile(0.95)), X, np.c_[10.0 * f, noise])
    light = np.arange(600) % 3 == 0
    Y = np.c_[10.0 * f, np.where(light, 5.0 * noise, f)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.set_params(loss="squared_error").fit(X, Y, sample_weight=np.where(light, 1e-6, 1.0))
    assert not [w for w in caught if "predicted worse" in str(w.message)]


def test_not_of_targets_of_which_there_is_nothing_to_learn():
    X = scaled(DIABETES[0])
    for loss in ("squared_error", "binary_cross_entropy"):
        assert not words(SigmoidNeuronRegressor(loss=loss), X, np.full(442, 0.5))
    for model in (ManualMLPClassifier(random_state=0), ManualMLPRegressor(random_state=0)):
        assert not words(model, X, np.zeros((442, 3), int))


def test_of_validation_data_that_are_not_transformed():
    X, y = scaled(CANCER[0])[100:], CANCER[1][100:]
    network = ManualMLPClassifier(early_stopping=True, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Have X_val and y_val been transformed") as caught:
        network.fit(X, y, X_val=CANCER[0][:100], y_val=CANCER[1][:100])
    text = str(caught[0].message)
    assert f"is {min(network.validation_loss_curve_):.3g} at best" in text
    assert f"that of the training data is {network.loss_curve_[-1]:.3g}. Have" in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network.fit(X, y, X_val=scaled(CANCER[0])[:100], y_val=CANCER[1][:100])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_not_of_validation_data_of_noise(seed, solver):
    """The best score may be of an epoch whose loss is high; the lowest loss counts."""
    rng = np.random.RandomState(seed)
    X, y = rng.normal(size=(400, 20)), rng.randint(0, 3, 400)
    model = ManualMLPClassifier((100,), solver=solver, early_stopping=True, random_state=seed)
    found = words(model, X[100:], y[100:], X_val=X[:100], y_val=y[:100])
    assert not [text for text in found if "transformed" in text]


@pytest.mark.parametrize("class_weight", [None, {0: 1, 1: 200}])
def test_not_of_validation_data_whose_classes_are_less_frequent(class_weight):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(4000, 5)), rng.uniform(size=4000) < 0.02
    X[y] += 1.0
    chosen = np.r_[np.flatnonzero(y[2000:]), np.flatnonzero(~y[2000:])[:60]] + 2000
    model = ManualMLPClassifier(class_weight=class_weight, early_stopping=True, random_state=0)
    assert not words(model, X[chosen], y[chosen], X_val=X[:2000], y_val=y[:2000])


@pytest.mark.parametrize("seed", range(5))
def test_not_of_few_rows_that_are_held_out(seed):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(24, 2))
    y = X[:, 0] + rng.normal(size=24)
    model = ManualMLPRegressor(early_stopping=True, random_state=seed)
    assert not [text for text in words(model, X, y) if "transformed" in text]


def test_losses_are_told_in_the_units_of_y():
    X, y = scaled(DIABETES[0]), 1e4 * DIABETES[1]
    (text,) = words(ManualMLPRegressor(eta=1e-6, random_state=0), X, y)
    assert f"above the {np.var(y):.3g} of a constant prediction" in text


def test_steps_at_which_the_loss_creeps_up_are_too_large():
    losses = [2.859, 2.867, 2.875, 2.88, 2.89, 2.9]
    assert not is_steady(losses)
    assert is_steady(losses[::-1])
    assert is_steady([0.8] * 6)


def test_the_default_learns_from_features_that_are_not_scaled():
    model = LogisticNeuronClassifier(random_state=0)
    with pytest.warns(ConvergenceWarning, match="or scale the features"):
        assert model.fit(*CANCER).score(*CANCER) > 0.9


def test_the_default_learns_where_a_constant_rate_kills_the_units():
    model = ManualMLPClassifier((64, 64, 64, 64), init="glorot_uniform", eta=0.05, random_state=0)
    assert not words(model, scaled(DIGITS[0]), DIGITS[1])
    assert model.score(scaled(DIGITS[0]), DIGITS[1]) > 0.95
