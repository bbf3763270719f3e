"""Newton's method: the Hessian against differences, the same minimum as others, hopeless data."""

from itertools import islice

import numpy as np
import pytest
from helpers import NETWORKS, make, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from sklearn_neuron import (
    LogisticNeuronClassifier,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.hessian import hessian
from sklearn_neuron._engine.newton import Descent, Model, by_eigenvalues, invert, models, search
from sklearn_neuron._engine.newton_cg import ConjugateDescent
from sklearn_neuron._engine.objective import LinearObjective
from sklearn_neuron.activations import Identity, Logistic, ReLU
from sklearn_neuron.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    SquaredError,
)
from sklearn_neuron.network import Network

NEURONS = [SigmoidNeuronRegressor, LogisticNeuronClassifier]
#: The solvers with second derivatives, as messages call them.
SOLVERS = {"newton": "Newton's method", "newton-cg": "newton-cg"}
WITHOUT_CURVATURE = {"absolute_error", "quantile", "perceptron"}
PROBE = np.full((2, 3), 0.5)
LOSSES_WITH_CURVATURE = [
    *(loss() for loss in LOSSES.values() if loss().curvature(PROBE, PROBE + 1.0) is not None),
    *(SquaredError(Logistic()), Huber(0.3), BinaryCrossEntropy(0.2), CrossEntropy(0.2)),
]


def rows(n=300, p=6, seed=0):
    """Return correlated features and logits."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    return X, X @ rng.normal(size=p) + 0.5, rng


def binary(n=300, p=6, seed=0):
    X, z, rng = rows(n, p, seed)
    return X, (rng.uniform(size=n) < 1 / (1 + np.exp(-z))).astype(int)


def fractions(n=300, p=6, seed=0):
    X, z, rng = rows(n, p, seed)
    return X, 1 / (1 + np.exp(-z + 0.5 * rng.normal(size=n)))


def newton(**params):
    return LogisticNeuronClassifier(**{"solver": "newton", "tol": 1e-9, **params})


def gradient(model, X, y, alpha=0.0, weight=None):
    """Return ∇ of a classifier's objective by the formula."""
    weight = np.ones(len(y)) if weight is None else weight
    K = len(model.classes_)
    Y = np.eye(K)[y] if K > 2 else y[:, None]
    a = model.predict_proba(X) if K > 2 else model.predict_proba(X)[:, 1:]
    delta = (a - Y) * (weight / weight.sum())[:, None]
    return np.c_[delta.T @ X + alpha * model.coef_, delta.sum(axis=0)]


# ---- second derivatives ------------------------------------------------------------------------


def test_every_loss_is_tested_or_has_none():
    tested = {loss.name for loss in LOSSES_WITH_CURVATURE}
    assert not tested & WITHOUT_CURVATURE
    assert tested >= {"squared_error", "huber", "poisson", "binary_cross_entropy", "cross_entropy"}
    y = np.zeros((2, 1))
    assert all(LOSSES[name]().curvature(y, y + 1.0) is None for name in WITHOUT_CURVATURE)
    assert SquaredError(ReLU()).curvature(y, y) is None


@pytest.mark.parametrize("loss", LOSSES_WITH_CURVATURE, ids=repr)
def test_curvature_agrees_with_differences_of_delta(loss):
    rng = np.random.RandomState(1)
    z, y, h = rng.normal(size=(7, 3)), np.eye(3)[rng.randint(3, size=7)], 1e-5
    curvature = loss.curvature(y, z)
    if curvature.ndim == 2:
        curvature = curvature[:, :, None] * np.eye(3)
    high, low, work = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    for k in range(3):
        step = h * np.eye(3)[k]
        loss.delta(y, z + step, out=high, work=work)
        loss.delta(y, z - step, out=low, work=work)
        assert_allclose(curvature[:, :, k], (high - low) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("loss", LOSSES_WITH_CURVATURE, ids=repr)
def test_gauss_newton_is_never_negative(loss):
    rng = np.random.RandomState(1)
    z, y = 3 * rng.normal(size=(50, 3)), np.eye(3)[rng.randint(3, size=50)]
    part = loss.gauss_newton(y, z)
    lowest = np.linalg.eigvalsh(part).min() if part.ndim == 3 else part.min()
    assert lowest >= -1e-12


def test_the_sigmoid_neuron_of_squared_error_is_not_convex():
    loss, y, z = SquaredError(Logistic()), np.zeros((1, 1)), np.full((1, 1), 3.0)
    assert loss.curvature(y, z) < 0.0 < loss.gauss_newton(y, z)
    assert_array_equal(Identity().second_derivative(z), 0.0)


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", [SquaredError(Logistic()), BinaryCrossEntropy(), CrossEntropy()])
def test_hessian_agrees_with_differences_of_the_gradient(loss, weighted, as_sparse):
    X, _, rng = rows(40, 3)
    Y, weight = np.eye(3)[rng.randint(3, size=40)], rng.uniform(0.5, 2.0, size=(40, 1))
    data = Samples(sparse.csr_matrix(X) if as_sparse else X, Y, weight if weighted else None)
    objective = LinearObjective(Network([3, 3], [], loss, alpha=0.1), data)
    theta, h = 0.5 * rng.normal(size=(4, 3)), 1e-6
    z = X @ theta[:-1] + theta[-1]
    matrices = hessian(objective, z, loss.curvature).matrices
    H = matrices[0]
    if len(matrices) == 3:
        H = np.zeros((12, 12))
        for k, matrix in enumerate(matrices):
            H[4 * k : 4 * k + 4, 4 * k : 4 * k + 4] = matrix
    for _ in range(3):
        D = rng.normal(size=(4, 3))
        D -= D.mean(axis=1, keepdims=True)  # along the softmax's redundant directions H is free
        high, low = (
            objective.at(theta + s * h * D, z + s * h * (X @ D[:-1] + D[-1])).grad for s in (1, -1)
        )
        assert_allclose(H @ D.T.ravel(), ((high - low) / (2 * h)).T.ravel(), atol=1e-8)


def test_a_step_of_a_quadratic_leads_to_its_minimum():
    X, z, _ = rows(50, 3)
    objective = LinearObjective(Network([3, 1], [], SquaredError()), Samples(X, z[:, None], None))
    point = objective.at(np.zeros((4, 1)), np.zeros((50, 1)))
    model = invert(hessian(objective, point.z, SquaredError().curvature), point.grad)
    theta = -model.solve(point.grad)
    assert_allclose(X @ theta[:-1, 0] + theta[-1], z, atol=1e-10)


# ---- the same minimum as others ----------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_agrees_with_logistic_regression(alpha, weighted):
    X, y = binary()
    weight = np.random.RandomState(1).uniform(0, 3, size=len(y)) if weighted else None
    total = len(y) if weight is None else weight.sum()
    C = 1 / (alpha * total) if alpha else np.inf
    theirs = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(X, y, weight)
    ours = newton(alpha=alpha).fit(X, y, weight)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-7)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-7)
    assert abs(gradient(ours, X, y, alpha, weight)).max() <= 1e-8
    assert ours.n_iter_ <= 15


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_multinomial_agrees_with_logistic_regression(alpha):
    X, z, rng = rows()
    y = np.digitize(z + rng.logistic(size=len(z)), [-1.0, 1.5])
    C = 1 / (alpha * len(y)) if alpha else np.inf
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y)
    ours = newton(alpha=alpha).fit(X, y)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    assert_allclose(ours.coef_, theirs.coef_ - theirs.coef_.mean(axis=0), atol=1e-4)
    assert_allclose(ours.coef_.sum(axis=0), 0.0, atol=1e-10)
    assert abs(gradient(ours, X, y, alpha)).max() <= 1e-8


@pytest.mark.parametrize("load", [load_iris, load_digits])
def test_bundled_data(load):
    X, y = load(return_X_y=True)
    X = scale(X)
    model = newton(alpha=1 / len(y), tol=1e-8).fit(X, y)
    reference = make(LogisticNeuronClassifier, solver="lbfgs", alpha=1 / len(y), tol=1e-8)
    reference.set_params(max_iter=5000).fit(X, y)
    assert model.loss_ <= reference.loss_ * (1 + 1e-9)
    assert abs(gradient(model, X, y, 1 / len(y))).max() <= 1e-7
    assert model.n_iter_ < 40


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
def test_the_regressor_reaches_what_lbfgs_does(loss, n_targets):
    X, y = fractions()
    y = y if n_targets == 1 else np.c_[y, 1 - y**2, y[::-1]]
    params = {"loss": loss, "alpha": 1e-3, "tol": 1e-9, "max_iter": 2000}
    ours = SigmoidNeuronRegressor(solver="newton", **params).fit(X, y)
    theirs = SigmoidNeuronRegressor(solver="lbfgs", **params).fit(X, y)
    assert ours.loss_ <= theirs.loss_ * (1 + 1e-9)
    assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-5)


def test_outputs_that_do_not_compete_are_learned_as_if_alone():
    X, y = fractions()
    both = SigmoidNeuronRegressor(solver="newton", tol=1e-10).fit(X, np.c_[y, y**2])
    alone = SigmoidNeuronRegressor(solver="newton", tol=1e-10).fit(X, y)
    assert_allclose(both.coef_[0], alone.coef_, atol=1e-6)


def test_squared_error_from_a_saturated_start_still_falls():
    X, y = fractions()
    model = SigmoidNeuronRegressor(solver="newton", tol=1e-8, max_iter=500)
    model.fit(X, y, coef_init=np.full(6, 4.0), intercept_init=-3.0)
    assert np.isfinite(weights_of(model)).all()
    assert (np.diff(model.loss_curve_) <= 1e-12).all()
    assert model.score(X, y) > 0.5


def test_the_last_iterations_converge_faster_than_any_rate():
    X, y = binary(2000, 10)
    model = newton(alpha=1e-3, tol=1e-13).fit(X, y)
    gap = np.array(model.loss_curve_) - model.loss_curve_[-1]
    gap = gap[gap > 1e-13]
    assert len(gap) <= 10
    assert gap[-1] / gap[-2] < 0.1


def test_a_sampled_hessian_leads_to_the_exact_minimum():
    X, y = binary(6000, 30)
    model = newton(alpha=1e-4, tol=1e-10).fit(X, y)
    assert abs(gradient(model, X, y, 1e-4)).max() <= 1e-9
    order = np.argsort(y, kind="stable")  # rows of a class next to each other
    assert_allclose(newton(alpha=1e-4, tol=1e-10).fit(X[order], y[order]).coef_, model.coef_,
                    atol=1e-7)  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("stride", [2, 3])
def test_a_sample_stands_for_all_rows(weighted, stride):
    """Where each row occurs ``stride`` times on end, H of every so many rows is H."""
    X, y = binary(40)
    weight = np.linspace(0.5, 1.5, 40)[:, None] if weighted else None
    X, y = X.repeat(stride, axis=0), y.repeat(stride)[:, None].astype(float)
    weight = None if weight is None else weight.repeat(stride, axis=0)
    network = Network((6, 1), [], BinaryCrossEntropy(), alpha=0.1)
    objective, z = LinearObjective(network, Samples(X, y, weight)), X[:, :1].copy()
    whole, sample = (hessian(objective, z, objective.loss.curvature, s) for s in (1, stride))
    assert_allclose(sample.matrices[0], whole.matrices[0], rtol=1e-12)


def quadratic(p=3):
    X, z, rng = rows(50, p)
    network = Network((p, 1), [], SquaredError())
    return LinearObjective(network, Samples(X, (z + rng.normal(size=50))[:, None], None))


@pytest.mark.parametrize("find", [search, lambda o, *way: ConjugateDescent(o, None)._search(*way)])
@pytest.mark.parametrize(
    ("times", "t"),
    [
        *[(1.5, 1.0), (3.0, 0.5), (6.0, 0.25)],
        # lower by 0.00015 of the slope is enough, by 0.00005 is not
        *[(1.9997, 1.0), (1.9999, 0.5), (3.9994, 0.5), (3.9998, 0.25)],
    ],
)
def test_the_first_half_that_is_lower_is_taken(times, t, find):
    """From twice the way to the minimum on, a quadratic is higher than at the start."""
    objective = quadratic()
    start = objective.at(np.zeros((4, 1)), np.zeros((50, 1)))
    model = invert(hessian(objective, start.z, objective.loss.curvature), start.grad)
    D = -times * model.solve(start.grad)
    end = find(objective, start, D)
    assert_allclose(end.theta, t * D)
    assert_allclose(end.z, objective.X @ end.theta[:-1] + end.theta[-1], atol=1e-12)
    assert end.value < start.value


def test_uphill_no_point_is_lower():
    objective = quadratic()
    start = objective.at(np.zeros((4, 1)), np.zeros((50, 1)))
    assert search(objective, start, start.grad.copy()) is None
    # nor if it is so little uphill that the value is the same but for rounding
    hardly = 1e-20 * start.grad
    assert 0.0 < np.vdot(hardly, start.grad) < 1.0
    assert ConjugateDescent(objective, None)._search(start, hardly) is None


@pytest.mark.parametrize("spoil", [lambda g: -g, lambda g: np.full_like(g, np.nan)])
def test_a_model_that_leads_nowhere_is_forgotten(spoil):
    """The next one uses four times as many samples."""
    objective = quadratic()
    start = objective.at(np.zeros((4, 1)), np.zeros((50, 1)))
    descent = Descent(objective)
    descent.model, descent.stride = Model(spoil), 8
    end = descent.step(start)
    assert descent.model is None or descent.model.inverse is not spoil
    assert descent.stride <= 2
    assert end.value < start.value


def test_a_model_learns_the_curvature_along_its_steps():
    """H D = G afterwards, and H stays positive definite where G says that it is not."""
    rng = np.random.RandomState(0)
    A = rng.normal(size=(4, 4))
    A = A @ A.T + np.eye(4)
    model = Model(lambda v: v.copy())
    for S in (rng.normal(size=(4, 1)), rng.normal(size=(4, 1))):
        model.learn(S, A @ S)
        assert_allclose(model.solve(A @ S), S)
        model.learn(S, -(A @ S))  # no curvature: nothing is learned
        assert_allclose(model.solve(A @ S), S)
    inverse = np.hstack([model.solve(column[:, None]) for column in np.eye(4)])
    assert_allclose(inverse, inverse.T)
    assert (np.linalg.eigvalsh(inverse) > 0.0).all()


# ---- data where H is singular ------------------------------------------------------------------


def check_ends_well(model, X, y):
    model.fit(X, y)
    assert np.isfinite(weights_of(model)).all()
    assert (np.diff(model.loss_curve_) <= 1e-12).all()
    return model


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cls", NEURONS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda X: np.c_[X, X[:, 0]],
        lambda X: np.c_[X, X[:, 0] - 2 * X[:, 1]],
        lambda X: np.c_[X, np.ones(len(X))],
        lambda X: np.c_[X, np.zeros(len(X))],
    ],
    ids=["twice", "collinear", "constant", "zero"],
)
def test_singular_columns(cls, spoil, solver):
    X, y = binary() if cls is LogisticNeuronClassifier else fractions()
    fit = {"solver": solver, "tol": 1e-8}
    plain = cls(**fit).fit(X, y)
    model = check_ends_well(cls(**fit), spoil(X), y)
    assert_allclose(model.loss_, plain.loss_, rtol=1e-8)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("alpha", [0.0, 1e-3])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("solver", SOLVERS)
def test_more_columns_than_rows(classes, alpha, form, solver):
    X = form(np.random.RandomState(0).normal(size=(20, 50)))
    model = check_ends_well(
        newton(solver=solver, alpha=alpha, tol=1e-6), X, np.arange(20) % classes
    )
    assert model.score(X, np.arange(20) % classes) == 1.0


@pytest.mark.parametrize("tol", [1e-6, None])
def test_separable_rows(tol):
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    model = check_ends_well(newton(tol=tol, max_iter=1000), X, y)
    assert model.loss_ < 1e-5


def test_a_start_that_is_surely_wrong():
    X, y = binary()
    start = {"coef_init": np.full((1, 6), -500.0), "intercept_init": [800.0]}
    model = newton(alpha=1e-3, max_iter=500).fit(X, y, **start)
    assert_allclose(model.coef_, newton(alpha=1e-3).fit(X, y).coef_, atol=1e-6)


def test_a_part_of_the_gradient_that_the_hessian_does_not_reach():
    M = np.diag([1.0, 0.0])
    assert by_eigenvalues(M, np.array([0.0, 1.0])) is None
    assert_allclose(by_eigenvalues(M, np.array([2.0, 0.0]))(np.array([2.0, 5.0])), [2.0, 0.0])


def test_without_curvature_the_step_is_damped():
    """Far out on the slope of a logarithm σ′ is 0 to the last bit, but ∇ is not."""
    X, y = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    objective = LinearObjective(Network((1, 1), [], BinaryCrossEntropy()), Samples(X, y, None))
    theta = np.array([[800.0], [800.0]])
    point = objective.at(theta, X @ theta[:-1] + theta[-1])
    H = hessian(objective, point.z, objective.loss.curvature)
    assert not H.matrices[0].any()
    *undamped, damped = islice(models(objective, point.z, point.grad, 1, hessian), 3)
    assert undamped == [None, None]
    assert damped is not None
    assert Descent(objective).step(point).value < point.value


def test_a_hessian_that_is_not_convex_gives_way_to_its_gauss_newton_part():
    X, y = fractions()
    network = Network((6, 1), [], SquaredError(Logistic()))
    objective = LinearObjective(network, Samples(X, y[:, None], None))
    theta = np.full((7, 1), 4.0)
    point = objective.at(theta, X @ theta[:-1] + theta[-1])
    exact, gauss_newton, *_ = models(objective, point.z, point.grad, 1, hessian)
    assert exact is None
    H = hessian(objective, point.z, objective.loss.gauss_newton)
    assert_allclose(H.matrices[0] @ gauss_newton.solve(point.grad), point.grad, rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-100, 1e-8, 1e8, 1e100])
def test_units_of_the_features_do_not_matter(factor):
    X, y = binary()
    units = np.array([factor, *[1.0] * 5])
    plain, other = newton().fit(X, y), newton(tol=None, max_iter=30).fit(X * units, y)
    assert_allclose(other.coef_ * units, plain.coef_, rtol=1e-5)


@pytest.mark.parametrize(("solver", "title"), SOLVERS.items())
def test_numbers_beyond_all_bounds_are_a_divergence(solver, title):
    X, y = binary()
    with pytest.raises(ValueError, match=rf"diverged .* {title}.*MaxAbsScaler"):
        newton(solver=solver).fit(X * 1e200, y)


# ---- as an estimator ---------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [PerceptronClassifier, *NETWORKS])
def test_only_neurons_with_a_hessian_have_it(cls):
    allowed = "'rmsprop'" if cls is PerceptronClassifier else "'lbfgs'"
    with pytest.raises(ValueError, match=f"solver.*{cls.__name__}.*{allowed}.*got 'newton'"):
        make(cls, solver="newton").fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_loss_without_curvature_is_refused(solver):
    class Own(Loss):
        link = Logistic()

        def value(self, y, z):
            return BinaryCrossEntropy().value(y, z)

    X, y = binary()
    with pytest.raises(ValueError, match=r"second derivative .*curvature"):
        newton(solver=solver, loss=Own()).fit(X, y)


def test_neither_l1_nor_partial_fit():
    X, y = binary()
    with pytest.raises(ValueError, match=r"l1_ratio=0.5 .*got solver='newton'"):
        newton(alpha=0.1, l1_ratio=0.5).fit(X, y)
    assert not hasattr(newton(), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        newton().partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize("cls", NEURONS)
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array, np.asfortranarray])
def test_layouts_agree(cls, form):
    X, y = binary()
    X[np.abs(X) < 0.5] = 0.0
    model = cls(solver="newton", alpha=1e-3, tol=1e-9)
    assert_allclose(weights_of(model.fit(form(X), y)), weights_of(model.fit(X, y)), atol=1e-7)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_float32_works_in_float64(form):
    X, y = binary(2000, 8)
    X = X.astype(np.float32)
    narrow, wide = newton(tol=1e-8).fit(form(X), y), newton(tol=1e-8).fit(X.astype(float), y)
    assert narrow.coef_.dtype == narrow.intercept_.dtype == np.float32
    assert_allclose(narrow.loss_curve_, wide.loss_curve_, rtol=1e-9)
    assert_allclose(narrow.coef_, wide.coef_, rtol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_input_is_not_written_to(solver):
    X, y = binary()
    weight, copy = np.ones(len(y)), X.copy()
    for array in (X, y, weight):
        array.flags.writeable = False
    newton(solver=solver).fit(X, y, weight)
    assert_array_equal(X, copy)


@pytest.mark.parametrize("record", ["epoch", "step"])
def test_records_its_iterations(record):
    X, y = binary()
    model = newton(record=record).fit(X, y)
    history = model.history_
    assert len(history["coef"]) == model.n_iter_ == len(model.loss_curve_)
    assert_array_equal(history["coef"][-1], model.coef_)
    assert_array_equal(model.start_["coef"], 0.0)
    assert np.isnan(history["eta"]).all()


def test_validation_data():
    X, y = binary(80, 30)
    model = newton(early_stopping=True, random_state=0, n_iter_no_change=2).fit(X, y)
    assert len(model.validation_loss_curve_) == model.n_iter_
    again = newton(tol=None, max_iter=6).fit(X[:50], y[:50], X_val=X[50:], y_val=y[50:])
    short = newton(tol=None, max_iter=again.best_iter_ + 1).fit(X[:50], y[:50])
    assert_array_equal(again.coef_, short.coef_)


def test_warm_start_from_the_minimum_stays():
    X, y = binary()
    model = newton(warm_start=True, alpha=0.01, tol=1e-6).fit(X, y)
    before = model.coef_.copy()
    assert model.fit(X, y).n_iter_ == 1
    assert_array_equal(model.coef_, before)


def test_verbose(capsys):
    X, y = binary()
    newton(verbose=1).fit(X, y)
    assert "iteration   1/200  loss 0." in capsys.readouterr().out


@pytest.mark.parametrize(("solver", "title"), SOLVERS.items())
def test_too_few_iterations_are_said_so(solver, title):
    X, y = binary()
    with pytest.warns(ConvergenceWarning, match=rf"{title} stopped after 2 .*max_iter=2"):
        newton(solver=solver, max_iter=2).fit(X, y)
    assert newton(solver=solver, max_iter=3, tol=None).fit(X, y).n_iter_ == 3


@pytest.mark.parametrize("shift", [1e3, 1e6, 1e8])
def test_columns_far_from_zero(shift):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 4))
    y = (X[:, 0] + 0.3 * rng.normal(size=300) > 0).astype(int)
    plain = LogisticNeuronClassifier(solver="newton", alpha=1e-3, tol=1e-9).fit(X, y)
    start = {"coef_init": np.full(4, 0.1), "intercept_init": -0.1 * 4 * shift}
    for kwargs in ({}, start):
        far = LogisticNeuronClassifier(solver="newton", alpha=1e-3, tol=1e-9)
        far.fit(X + shift, y, **kwargs)
        assert far.loss_ == pytest.approx(plain.loss_, rel=1e-8)
        assert_allclose(far.coef_, plain.coef_, rtol=1e-5, atol=1e-6)
    one = X + np.array([0.0, shift, 0.0, 0.0])
    far = LogisticNeuronClassifier(solver="newton", alpha=1e-3, tol=1e-9, record="epoch")
    far.fit(one, y)
    assert_allclose(far.history_["coef"][-1], far.coef_)
    assert_allclose(far.decision_function(one), plain.decision_function(X), rtol=1e-5, atol=1e-5)


def test_sparse_rows_pass_in_blocks(monkeypatch):
    X = sparse.random(400, 5, density=0.4, format="csr", random_state=0)
    y = np.arange(400) % 2
    whole = LogisticNeuronClassifier(solver="newton", alpha=0.01, tol=1e-10).fit(X, y)
    monkeypatch.setattr("sklearn_neuron._engine.objective.BLOCK_ROWS", (1, 40))
    network = Network((5, 1), [], BinaryCrossEntropy())
    assert len(LinearObjective(network, Samples(X, y[:, None] * 1.0, None)).blocks) == 10
    parts = LogisticNeuronClassifier(solver="newton", alpha=0.01, tol=1e-10).fit(X, y)
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-9)
