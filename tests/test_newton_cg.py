"""newton-cg: products with the Hessian, the same minimum as Newton's method, the space of rows."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import NETWORKS, make
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from test_newton import (
    LOSSES_WITH_CURVATURE,
    binary,
    check_ends_well,
    fractions,
    gradient,
    rows,
)

from sklearn_neuron import (
    LogisticNeuronClassifier,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.descent import DAMPINGS
from sklearn_neuron._engine.hessian import hessian
from sklearn_neuron._engine.newton import Descent
from sklearn_neuron._engine.newton_cg import ConjugateDescent
from sklearn_neuron._engine.objective import (
    Batch,
    LinearObjective,
    center_rows,
    far_center,
    objective_of,
    two_passes,
)
from sklearn_neuron._engine.row_space import RowSpace, in_row_space
from sklearn_neuron.activations import Logistic
from sklearn_neuron.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    SquaredError,
    curvature_of,
)
from sklearn_neuron.network import Network

FORMS = [np.asarray, sparse.csr_matrix]


def cg(**params):
    return LogisticNeuronClassifier(**{"solver": "newton-cg", "tol": 1e-9, **params})


def problem(loss, form=np.asarray, *, weighted=False, K=3, alpha=0.1, n=60, p=4, **network):
    """Return a network, samples and a θ."""
    X, _, rng = rows(n, p)
    X[np.abs(X) < 0.5] = 0.0
    Y = np.eye(max(K, 2))[rng.randint(max(K, 2), size=n)][:, :K]
    weight = rng.uniform(0.5, 2.0, size=(n, 1)) if weighted else None
    made = Network((p, K), [], loss, alpha=alpha, **network)
    return made, Samples(form(X), Y, weight), 0.3 * rng.normal(size=made.theta.size)


# ---- the objective -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", LOSSES_WITH_CURVATURE, ids=repr)
def test_a_linear_objective_agrees_with_the_two_passes(loss, form, weighted, dtype):
    """At the end of L-BFGS's seam: value and gradient of the same θ."""
    network, (X, Y, weight), theta = problem(loss, form, weighted=weighted, dtype=dtype)
    weight = None if weight is None else weight.astype(dtype)
    samples = Samples(X.astype(dtype), Y.astype(bool), weight)
    objective, batch = objective_of(network, samples), two_passes(network, samples)
    assert isinstance(objective, LinearObjective)
    tolerance = (
        {"rtol": 1e-12, "atol": 1e-14} if dtype == np.float64 else {"rtol": 1e-5, "atol": 1e-6}
    )
    for ours, reference in zip(
        objective.value_and_gradient(theta), batch.value_and_gradient(theta), strict=True
    ):
        assert_allclose(ours, reference, **tolerance)


def test_networks_with_hidden_layers_have_the_other_objective():
    network = Network((4, 2, 1), [Logistic()], BinaryCrossEntropy())
    X, y = binary(30, 4)
    assert isinstance(objective_of(network, Samples(X, y[:, None], None)), Batch)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", LOSSES_WITH_CURVATURE, ids=repr)
def test_a_product_is_that_with_the_hessian(loss, form, weighted, fit_intercept):
    network, samples, theta = problem(loss, form, weighted=weighted, fit_intercept=fit_intercept)
    objective = LinearObjective(network, samples)
    point = objective.start(theta)
    for convex, derivative in ((False, loss.curvature), (True, loss.gauss_newton)):
        H = hessian(objective, point.z, derivative)
        operator = objective.curvature(point, convex=convex)
        V = np.random.RandomState(0).normal(size=(5, 3))
        V -= V.mean(axis=1, keepdims=True)  # along a softmax's redundant directions H is free
        V[-1] *= fit_intercept
        together = 3 // len(H.matrices)
        expected = np.empty_like(V)
        for i, matrix in enumerate(H.matrices):
            some = slice(i * together, (i + 1) * together)
            expected[:, some] = (matrix @ V[:, some].T.ravel()).reshape(together, -1).T
        assert_allclose(operator.product(V), expected, rtol=1e-10, atol=1e-12)


def test_second_derivatives_of_a_softmax_without_its_matrices():
    rng = np.random.RandomState(0)
    y, z, t = np.eye(4)[rng.randint(4, size=9)], rng.normal(size=(9, 4)), rng.normal(size=(9, 4))
    loss = CrossEntropy(0.1)
    short, long = loss.second_order(y, z), curvature_of(loss.curvature(y, z))
    assert_allclose(short.diagonal, long.diagonal, rtol=1e-12)
    assert_allclose(short.times(t.copy()), long.times(t.copy()), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("form", FORMS)
def test_the_preconditioner_is_exact_for_one_feature_and_a_bias(form):
    """Were columns not centered, it were far off: this one is 5 ± 1."""
    X, y = binary(50, 1)
    network = Network((1, 1), [], BinaryCrossEntropy(), alpha=0.1)
    objective = LinearObjective(network, Samples(form(X + 5.0), y[:, None] * 1.0, None))
    operator = objective.curvature(objective.start(np.array([0.2, -1.0])))
    V = np.array([[0.7], [-0.3]])
    # the penalty is on the weight, whatever the bias: that is not centered with it
    assert_allclose(operator.preconditioner()(operator.product(V)), V, rtol=1e-10)


@pytest.mark.parametrize(
    ("shift", "spread", "is_centered"),
    [
        (99.0, 1.0, False),
        (101.0, 1.0, True),
        (-1e5, 1e-3, True),
        (0.5, 1e-3, True),
        (7.0, 0.0, False),
    ],
)
def test_columns_far_from_zero_are_centered(shift, spread, is_centered):
    """Those with a mean beyond 100 standard deviations; a constant column is no reason."""
    near = np.array([-1.0, 1.0, 3.0, 5.0])
    center = far_center(np.column_stack([near, shift + spread * np.array([-1.0, 1.0, 1.0, -1.0])]))
    assert (center is not None) == is_centered
    if is_centered:
        assert_allclose(center, [0.0, shift])


def test_rows_that_tell_the_center_are_the_same_whatever_the_parts():
    """Of 25,000 rows every 125th."""
    X = np.arange(25_000, dtype=np.float32).reshape(-1, 1)
    whole = center_rows(X)
    parts = [
        center_rows(X[first:last], len(X), first)
        for first, last in [(0, 1), (1, 9_998), (9_998, 10_001), (10_001, 25_000)]
    ]
    assert whole.dtype == np.float64
    assert_array_equal(whole[:, 0], np.arange(0, 25_000, 125))
    assert_array_equal(np.vstack(parts), whole)


@pytest.mark.parametrize("value", [1.0, 1e6, 1e-6])
def test_a_step_that_is_flat_but_for_rounding_is_taken(value):
    """The rounding is in proportion to the value."""
    point = SimpleNamespace(value=value, grad=np.array([1e-20]))
    for ulps, taken in ((4.0, True), (20.0, False)):
        higher = SimpleNamespace(value=value * (1.0 + ulps * np.finfo(np.float64).eps))
        steps = SimpleNamespace(objective=SimpleNamespace(step=lambda *_, new=higher: new))
        found = ConjugateDescent._search(steps, point, np.array([-1.0]))
        assert (found is higher) is taken


@pytest.mark.parametrize("form", FORMS)
def test_without_an_intercept_its_row_and_column_of_the_hessian_are_the_identity_s(form):
    X, y = binary(50, 3)
    network = Network((3, 1), [], BinaryCrossEntropy(), alpha=0.1, fit_intercept=False)
    objective = LinearObjective(network, Samples(form(X), y[:, None] * 1.0, None))
    (H,) = hessian(objective, np.zeros((50, 1)), objective.loss.curvature).matrices
    assert_array_equal(H[-1], [0.0, 0.0, 0.0, 1.0])
    assert_array_equal(H[:, -1], [0.0, 0.0, 0.0, 1.0])


# ---- the same minimum --------------------------------------------------------------------------


def minimum(steps):
    point = steps.objective.start(np.zeros((steps.objective.p + 1) * steps.objective.K))
    for _ in range(300):
        new = steps.step(point) if np.abs(point.grad).max() > 1e-10 else None
        if new is None:
            break
        point = new
    return point


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", LOSSES_WITH_CURVATURE, ids=repr)
def test_every_loss_has_the_minimum_of_newton(loss, form, weighted, K):
    if isinstance(loss, CrossEntropy) and K == 1:
        K = 2
    network, samples, _ = problem(loss, form, weighted=weighted, K=K, alpha=0.02)
    ours = minimum(ConjugateDescent(LinearObjective(network, samples), 1e-10))
    reference = minimum(Descent(LinearObjective(network, samples)))
    assert np.abs(ours.grad).max() <= 1e-9
    assert_allclose(ours.value, reference.value, rtol=1e-12)
    assert_allclose(ours.theta, reference.theta, atol=1e-7)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_agrees_with_logistic_regression(alpha, weighted, form):
    X, y = binary()
    weight = np.random.RandomState(1).uniform(0, 3, size=len(y)) if weighted else None
    total = len(y) if weight is None else weight.sum()
    C = 1 / (alpha * total) if alpha else np.inf
    theirs = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(X, y, weight)
    ours = cg(alpha=alpha).fit(form(X), y, weight)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-7)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-7)
    assert abs(gradient(ours, X, y, alpha, weight)).max() <= 1e-8
    assert ours.n_iter_ <= 15


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_multinomial_agrees_with_newton(alpha):
    X, z, rng = rows()
    y = np.digitize(z + rng.logistic(size=len(z)), [-1.0, 1.5])
    ours, newton = (cg(solver=s, alpha=alpha).fit(X, y) for s in ("newton-cg", "newton"))
    assert_allclose(ours.coef_, newton.coef_, atol=1e-6)
    assert_allclose(ours.intercept_, newton.intercept_, atol=1e-6)
    assert_allclose(ours.coef_.sum(axis=0), 0.0, atol=1e-10)
    assert abs(gradient(ours, X, y, alpha)).max() <= 1e-8


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
def test_the_regressor_agrees_with_newton(loss, n_targets):
    X, y = fractions()
    y = y if n_targets == 1 else np.c_[y, 1 - y**2, y[::-1]]
    params = {"loss": loss, "alpha": 1e-3, "tol": 1e-9}
    ours, newton = (
        SigmoidNeuronRegressor(solver=s, **params).fit(X, y) for s in ("newton-cg", "newton")
    )
    assert_allclose(ours.loss_, newton.loss_, rtol=1e-11)
    assert_allclose(ours.predict(X), newton.predict(X), atol=1e-6)


def test_the_last_iterations_converge_faster_than_any_rate():
    X, y = binary(2000, 10)
    model = cg(alpha=1e-3, tol=1e-12).fit(X, y)
    gap = np.array(model.loss_curve_) - model.loss_curve_[-1]
    gap = gap[gap > 1e-13]
    assert len(gap) <= 10
    assert gap[-1] / gap[-2] < 0.1


def test_wide_sparse_rows_need_no_matrix(monkeypatch):
    """Neither of the features nor of the samples, which are as many as those here."""
    X = sparse.random(1000, 2000, density=0.005, format="csr", random_state=0)
    y = (X @ np.random.RandomState(0).normal(size=2000) > 0).astype(int)
    monkeypatch.setattr("sklearn_neuron._engine.memory.free_bytes", lambda: 0)
    model = cg(alpha=1e-3, tol=1e-8).fit(X, y)
    assert abs(gradient(model, X, y, 1e-3)).max() <= 1e-8


# ---- the space of the rows ---------------------------------------------------------------------


def wide(form=np.asarray, n=12, p=40, twice=False, K=1, shift=0.0):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, p)) + shift
    X[np.abs(X) < 0.3] = 0.0
    if twice:
        X[-1] = X[0] - X[1]
    Y = np.eye(K)[rng.randint(K, size=n)] if K > 1 else rng.randint(2, size=(n, 1)) * 1.0
    loss = CrossEntropy() if K > 1 else BinaryCrossEntropy()
    return LinearObjective(Network((p, K), [], loss, alpha=0.1), Samples(form(X), Y, None))


@pytest.mark.parametrize("shift", [0.0, 1e4])
@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray, sparse.csr_matrix])
def test_coordinates_are_another_way_to_write_theta(form, twice, shift):
    """The same value, gradient and outputs; rows that depend on others need no coordinate."""
    objective = wide(form, twice=twice, shift=0.0 if form is sparse.csr_matrix else shift)
    inner = in_row_space(objective)
    assert inner.p == (11 if twice or objective.center is not None else 12)  # means depend on all
    U = np.random.RandomState(1).normal(size=(inner.p + 1, 1))
    theta = inner.frame.outer(U)
    rounding = 1e-9 * (1.0 + shift)  # the bias is off by what the centers lose
    assert_allclose(inner.frame.inner(theta), U, atol=rounding)
    point, same = inner.at(U, inner.outputs(U)), objective.start(theta.ravel())
    assert_allclose(point.z, same.z, atol=rounding)
    assert_allclose(point.value, same.value, atol=rounding)
    # ∇ lies in the space, so it is what its coordinates say
    back = RowSpace(objective).outer(point.grad)
    assert_allclose(back[:-1], same.grad[:-1], atol=rounding)
    assert inner.frame.largest(point.grad) >= np.abs(same.grad[:-1]).max()
    # Q may be turned so that all of it is one component
    assert_allclose(inner.frame.largest(np.ones((inner.p + 1, 1))) ** 2, inner.p + 1)


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("solver", ["newton", "newton-cg"])
@pytest.mark.parametrize("form", FORMS)
def test_fewer_samples_than_features_have_the_minimum_of_lbfgs(solver, form, K):
    X, y = wide(n=30, p=80).X, np.arange(30) % (K + 1 if K == 1 else K)
    how = {"alpha": 0.01, "max_iter": 5000}
    ours = cg(solver=solver, tol=1e-9, **how).fit(form(X), y)
    assert abs(gradient(ours, X, y, 0.01)).max() <= 1e-8
    theirs = cg(solver="lbfgs", tol=1e-9, **how).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


@pytest.mark.parametrize("solver", ["newton", "newton-cg"])
def test_a_start_outside_of_the_rows_space_does_not_matter(solver):
    X, y = wide(n=30, p=80).X, np.arange(30) % 2
    start = {"coef_init": np.random.RandomState(1).normal(size=(1, 80)), "intercept_init": [0.5]}
    plain, other = cg(solver=solver, alpha=0.01), cg(solver=solver, alpha=0.01)
    assert_allclose(other.fit(X, y, **start).coef_, plain.fit(X, y).coef_, atol=1e-7)


# ---- data that are hard ------------------------------------------------------------------------


@pytest.mark.parametrize("tol", [1e-6, None])
def test_separable_rows(tol):
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    assert check_ends_well(cg(tol=tol), X, y).loss_ < 1e-5


def test_starts_that_are_surely_wrong():
    """Where H is zero to the last bit, and where it is negative."""
    X, y = binary()
    start = {"coef_init": np.full((1, 6), -500.0), "intercept_init": [800.0]}
    model = cg(alpha=1e-3, max_iter=500).fit(X, y, **start)
    assert_allclose(model.coef_, cg(alpha=1e-3).fit(X, y).coef_, atol=1e-6)
    X, y = fractions()
    model = SigmoidNeuronRegressor(solver="newton-cg", tol=1e-8, max_iter=500)
    model.fit(X, y, coef_init=np.full(6, 4.0), intercept_init=-3.0)
    assert (np.diff(model.loss_curve_) <= 1e-12).all()
    assert model.score(X, y) > 0.5


def test_a_curvature_that_is_not_positive_gives_way_to_its_gauss_newton_part():
    X, y = np.array([[1.0], [2.0]]), np.zeros((2, 1))  # saturated, and wrong
    objective = LinearObjective(Network((1, 1), [], SquaredError(Logistic())), Samples(X, y, None))
    point = objective.start(np.array([1.0, 2.0]))
    steps = ConjugateDescent(objective, None)
    exact, convex, *_ = steps._hessians(point)
    assert np.vdot(point.grad, exact.product(point.grad)) < 0.0
    assert np.vdot(point.grad, convex.product(point.grad)) > 0.0
    assert steps.step(point).value < point.value


@pytest.mark.parametrize("accuracy", [0.1, 1e-3, 1e-5])
def test_a_step_is_as_exact_as_asked_for(accuracy):
    """Its residual is so small in the preconditioner's norm; no more products than that takes."""
    network, samples, theta = problem(BinaryCrossEntropy(), K=1, n=300, p=40, alpha=1e-4)
    objective = LinearObjective(network, samples)
    point, counted = objective.start(theta), []
    H = objective.curvature(point)
    precondition = H.preconditioner()

    class Counted:
        preconditioner = H.preconditioner

        def product(self, V):
            counted.append(V)
            return H.product(V)

    def residual(D):
        r = -point.grad - H.product(D)
        return np.sqrt(np.vdot(r, precondition(r)))

    D = ConjugateDescent(objective, None)._solve(Counted(), point.grad, accuracy)
    goal = accuracy * residual(np.zeros_like(D))
    assert residual(D) <= goal * (1 + 1e-9)
    needed = len(counted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_neuron._engine.newton_cg.MOST_PRODUCTS", needed - 1)
        D = ConjugateDescent(objective, None)._solve(H, point.grad, accuracy)
    assert needed > 1
    assert residual(D) > goal


def test_damping_has_the_size_of_the_columns():
    X, y = binary()
    network = Network((6, 1), [], BinaryCrossEntropy())
    objective = LinearObjective(network, Samples(X * 1e3, y[:, None] * 1.0, None))
    point = objective.start(np.zeros(7))
    _, convex, *damped = ConjugateDescent(objective, None)._hessians(point)
    V = np.ones((7, 1))
    for H, damping in zip(damped, DAMPINGS, strict=True):
        added = damping * objective.sizes()[:, None]
        assert_allclose(H.product(V), convex.product(V) + added, rtol=1e-12)
        assert_allclose(H.preconditioner()(V), 1.0 / added)


def test_without_curvature_the_step_is_damped():
    X, y = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    objective = LinearObjective(Network((1, 1), [], BinaryCrossEntropy()), Samples(X, y, None))
    point = objective.start(np.array([800.0, 800.0]))
    assert not objective.curvature(point).product(np.ones((2, 1))).any()
    assert ConjugateDescent(objective, None).step(point).value < point.value


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_units_of_the_features_do_not_matter(factor):
    X, y = binary()
    units = np.array([factor, *[1.0] * 5])
    plain, other = cg().fit(X, y), cg(tol=None, max_iter=30).fit(X * units, y)
    assert_allclose(other.coef_ * units, plain.coef_, rtol=1e-5)


@pytest.mark.parametrize("shift", [1e3, 1e6, 1e8])
def test_columns_far_from_zero(shift):
    X, y = binary(300, 4)
    plain = cg(alpha=1e-3).fit(X, y)
    far = cg(alpha=1e-3).fit(X + shift, y)
    assert far.loss_ == pytest.approx(plain.loss_, rel=1e-8)
    assert_allclose(far.coef_, plain.coef_, rtol=1e-5, atol=1e-6)


# ---- as an estimator ---------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [PerceptronClassifier, *NETWORKS])
def test_only_neurons_with_curvature_have_it(cls):
    with pytest.raises(ValueError, match=f"solver.*{cls.__name__}.*got 'newton-cg'"):
        make(cls, solver="newton-cg").fit(np.eye(4), [0, 1, 0, 1])


def test_neither_l1_nor_partial_fit():
    X, y = binary()
    with pytest.raises(ValueError, match=r"l1_ratio=0.5 .*got solver='newton-cg'"):
        cg(alpha=0.1, l1_ratio=0.5).fit(X, y)
    assert not hasattr(cg(), "partial_fit")


@pytest.mark.parametrize("form", FORMS)
def test_float32_works_in_float64(form):
    X, y = binary(2000, 8)
    X = X.astype(np.float32)
    narrow, wide = cg(tol=1e-8).fit(form(X), y), cg(tol=1e-8).fit(form(X.astype(float)), y)
    assert narrow.coef_.dtype == narrow.intercept_.dtype == np.float32
    assert_allclose(narrow.loss_curve_, wide.loss_curve_, rtol=1e-9)
    assert_allclose(narrow.coef_, wide.coef_, rtol=1e-5)


def test_records_its_iterations_and_stays_at_a_minimum():
    X, y = binary()
    model = cg(record="epoch", warm_start=True, alpha=0.01, tol=1e-6).fit(X, y)
    history = model.history_
    assert len(history["coef"]) == model.n_iter_ == len(model.loss_curve_)
    assert_array_equal(history["coef"][-1], model.coef_)
    before = model.coef_.copy()
    assert model.fit(X, y).n_iter_ == 1
    assert_array_equal(model.coef_, before)


@pytest.mark.parametrize(("second", "found"), [(2.0, [1.0, 0.05]), (-1.0, None)])
def test_a_direction_ends_where_the_curvature_is_not_positive(second, found):
    """What was found before is kept; along the gradient itself nothing is."""
    H, grad = np.diag([1.0, second]), np.array([[-1.0], [-0.1]])
    hessian = SimpleNamespace(product=lambda P: H @ P, preconditioner=lambda: lambda r: r)
    frame = SimpleNamespace(largest=lambda r: np.abs(r).max())
    steps = SimpleNamespace(_precondition=None, objective=SimpleNamespace(frame=frame), enough=1e-9)
    D = ConjugateDescent._solve(steps, hessian, grad, 1e-9)
    if found is not None:
        assert_allclose(D[:, 0], found)
        return
    assert np.vdot(D, -grad) > 0.0  # one step along the gradient, where H is positive
    assert_allclose(D[0] / D[1], 10.0)
    assert ConjugateDescent._solve(steps, hessian, grad[::-1], 1e-9) is None
