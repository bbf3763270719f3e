"""The diagnosis: every number by hand, every finding where it belongs, and no other."""

import time
import warnings

import numpy as np
import pytest
from helpers import NETWORKS, is_own, make, target_for
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
    make_regression,
)
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    Record,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.activations import ACTIVATIONS
from sklearn_neuron.inspection import at, backprop_trace, diagnose
from sklearn_neuron.inspection._diagnosis.findings import Finding
from sklearn_neuron.inspection._diagnosis.measures import largest_slope
from sklearn_neuron.losses import SquaredError


def scaled(X):
    return StandardScaler().fit_transform(X)


# ---- the numbers ---------------------------------------------------------------------------------


def by_hand(coefs, intercepts, X, y, share, alpha):
    """Return what is measured of a network of tanh, ReLU and softmax, from the formulas."""
    z1 = X @ coefs[0] + intercepts[0]
    z2 = np.tanh(z1) @ coefs[1] + intercepts[1]
    a2 = np.maximum(z2, 0.0)
    z3 = a2 @ coefs[2] + intercepts[2]
    target, a3 = np.eye(3)[y], softmax(z3, axis=1)
    delta3 = a3 - target
    delta2 = delta3 @ coefs[2].T * (z2 > 0.0)
    slope1 = 1.0 - np.tanh(z1) ** 2
    delta1 = delta2 @ coefs[1].T * slope1
    below = X, np.tanh(z1), a2
    deltas = delta1, delta2, delta3
    return {
        "delta": [np.sqrt(share @ (delta**2).sum(axis=1)) for delta in deltas],
        "gradient": [
            np.linalg.norm(a.T @ (share[:, None] * delta) + alpha * W)
            for a, delta, W in zip(below, deltas, coefs, strict=True)
        ],
        "dead": [0.0, np.mean((z2 <= 0.0).all(axis=0)), np.nan],
        "saturated": [np.mean((slope1 < 0.05).mean(axis=0) >= 0.95), np.nan, np.nan],
        "loss": -np.log(a3[np.arange(len(y)), y]),
    }


@pytest.mark.parametrize("record", ["epoch", "step"])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_number_by_hand(record, weighted):
    rng = np.random.RandomState(0)
    X, y = 30.0 * rng.normal(size=(40, 4)), np.arange(40) % 3
    weight = rng.randint(1, 4, 40) if weighted else None
    model = ManualMLPClassifier(
        (6, 5), activation=["tanh", "relu"], alpha=0.1, eta=0.3, solver="sgd", batch_size=16,
        max_iter=4, tol=None, record=record, random_state=0, early_stopping=False,
    )  # fmt: skip
    model.fit(X, y, sample_weight=weight)
    found = diagnose(model, X, y, sample_weight=weight)
    share = np.full(40, 1 / 40) if weight is None else weight / weight.sum()
    history = model.history_
    assert_array_equal(found.epochs, [-1, 0, 1, 2, 3])
    assert_allclose(found.share, share)
    every = 3 if record == "step" else 1  # 40 rows in batches of 16 make 3 updates
    coefs = [model.start_["coefs"], *history["coefs"]]
    intercepts = [model.start_["intercepts"], *history["intercepts"]]
    for row, k in enumerate(range(0, len(coefs), every)):
        expected = by_hand(coefs[k], intercepts[k], X, y, share, 0.1)
        for name, values in expected.items():
            assert_allclose(getattr(found, name)[row], values, rtol=1e-9, atol=1e-12, err_msg=name)
        if row == 0:
            assert np.isnan(found.ratio[0]).all()
            continue
        n_updates = 1 if record == "step" else 3
        expected = [
            np.linalg.norm(new - old) / np.linalg.norm(new) / n_updates
            for old, new in zip(coefs[k - 1], coefs[k], strict=True)
        ]
        assert_allclose(found.ratio[row], expected, rtol=1e-9)
    assert found.saturated[0, 0] > 0.0  # it is not only zeros that agree
    assert_array_equal(found.hardest_rows, np.argsort(-found.loss[-1], kind="stable"))


def test_it_agrees_with_the_trace_for_every_estimator(cls, X):
    y = target_for(cls, 30)
    model = make(cls).fit(X, y)
    found, trace = diagnose(model, X, y), backprop_trace(model, X, y)
    assert_allclose(found.loss[0], trace.loss)
    for l in trace.delta:
        delta = np.sqrt((trace.share * trace.delta[l] ** 2).sum())
        assert_allclose(found.delta[0, l - 1], delta, atol=1e-15)
        assert_allclose(found.gradient[0, l - 1], np.linalg.norm(trace.dW[l]), atol=1e-15)


def test_blocks_make_no_difference():
    """A batch of 30,000 rows is cut in blocks, and each is looked at."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(30_000, 3))
    y = (X[:, 0] > 0.0).astype(int)
    model = ManualMLPClassifier((32,), activation="logistic", max_iter=1, tol=None, random_state=0)
    model.fit(X, y).coefs_[0][:] *= 30.0
    found, trace = diagnose(model, X, y), backprop_trace(model, X, y)
    slope = trace.a[1] * (1.0 - trace.a[1])
    saturated = np.mean((slope < 0.05 / 4.0).mean(axis=0) >= 0.95)
    assert 0.0 < saturated < 1.0
    assert found.saturated[0, 0] == saturated
    assert_allclose(found.delta[0], [np.sqrt((d**2).sum() / 30_000) for d in trace.delta.values()])
    assert_allclose(found.gradient[0], [np.linalg.norm(dW) for dW in trace.dW.values()])


def test_a_unit_that_lives_for_one_row_is_not_dead():
    X = np.zeros((30_000, 2))
    X[0] = 1.0
    y = np.arange(30_000) % 2
    model = ManualMLPClassifier((32,), max_iter=1, tol=None, random_state=0).fit(X, y)
    model.coefs_[0][:] = 1.0
    model.intercepts_[0][:8], model.intercepts_[0][8:] = -1.0, -3.0
    assert diagnose(model, X, y).dead[0, 0] == 24 / 32
    model.intercepts_[0][:] = -2.0  # z is 0 for the first row, where the slope of ReLU is 0
    assert diagnose(model, X, y).dead[0, 0] == 1.0


def test_the_rows_keep_their_numbers():
    """Those of zero weight, by themselves or by their class, are left out."""
    X, y = load_iris(return_X_y=True)
    weight = np.ones(150)
    weight[[3, 60]] = 0.0
    model = make(LogisticNeuronClassifier, class_weight={0: 0.0, 1: 1.0, 2: 2.0})
    model.fit(X, y)
    found = diagnose(model, X, y, sample_weight=weight)
    assert_array_equal(found.row_index, np.setdiff1d(np.arange(50, 150), [60]))
    assert_array_equal(np.sort(found.hardest_rows), found.row_index)
    loss = -model.predict_log_proba(X)[np.arange(150), y]
    assert_allclose(found.loss[0], loss[found.row_index])
    assert_array_equal(loss[found.hardest_rows], -np.sort(-loss[found.row_index]))
    assert found.share @ (y[found.row_index] == 2) == pytest.approx(100 / 149)


def test_a_pipeline_sparse_rows_and_single_precision():
    X, y = load_iris(return_X_y=True)
    inner = make(ManualMLPClassifier, record="epoch")
    pipeline = make_pipeline(StandardScaler(), inner).fit(X, y)
    found = diagnose(pipeline, X, y)
    alone = diagnose(pipeline[-1], scaled(X), y)
    many = diagnose(pipeline[-1], sparse.csr_array(scaled(X)), y)
    for name in ("delta", "gradient", "ratio", "dead", "saturated", "loss"):
        assert_array_equal(getattr(found, name), getattr(alone, name))
        assert_allclose(getattr(found, name), getattr(many, name), rtol=1e-9, atol=1e-12)
    single = make(ManualMLPClassifier, record="epoch").fit(scaled(X).astype(np.float32), y)
    assert_allclose(diagnose(single, scaled(X), y).delta, found.delta, rtol=1e-2, atol=1e-3)


def test_several_labels():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 4))
    Y = (X[:, :3] > 0.5).astype(int)
    model = make(ManualMLPClassifier).fit(X, Y)
    found = diagnose(model, X, Y)
    proba = np.clip(model.predict_proba(X), 1e-300, 1.0)
    loss = -(Y * np.log(proba) + (1 - Y) * np.log1p(-proba)).sum(axis=1)
    assert_allclose(found.loss[0], loss, rtol=1e-6)


def test_the_best_epoch_is_the_fitted_one():
    X, y = scaled(load_breast_cancer().data), load_breast_cancer().target
    model = ManualMLPClassifier(
        (20,), eta=0.05, early_stopping=True, max_iter=30, record="epoch", random_state=0
    ).fit(X, y)
    found = diagnose(model, X, y)
    assert found.epochs[found.fitted] == model.best_iter_ < found.epochs[-1]
    assert_allclose(found.loss[found.fitted], diagnose(model, X, y, epochs=[-1]).loss[1])
    proba = model.predict_proba(X)[np.arange(len(y)), y]
    assert_allclose(found.loss[found.fitted], -np.log(proba), rtol=1e-6, atol=1e-12)
    model.set_params(record="loss").fit(X, y)
    assert diagnose(model, X, y).epochs.tolist() == [model.best_iter_]


@pytest.mark.parametrize(
    "params",
    [{"record": Record("epoch", every=6)}, {"record": "epoch", "solver": Adam(average=True)}],
    ids=["thinned", "mean"],
)
def test_the_best_epoch_need_not_be_recorded(params):
    X, y = scaled(load_breast_cancer().data), load_breast_cancer().target
    model = ManualMLPClassifier(
        (20,), eta=0.05, early_stopping=True, max_iter=30, random_state=0, **params
    ).fit(X, y)
    found = diagnose(model, X, y)
    end = np.ravel(at(model, epoch=model.history_["epoch"][-1]).coefs_[0])
    assert np.abs(end - np.ravel(model.coefs_[0])).max() > 1e-3
    assert found.epochs[found.fitted] == model.best_iter_ < found.epochs[-1]
    assert (np.diff(found.epochs) > 0).all()
    assert_allclose(found.loss[found.fitted], backprop_trace(model, X, y).loss)


def test_averaged_parameters_stand_at_the_end():
    X, y = load_iris(return_X_y=True)
    solver = SGD(average=True) if "average" in SGD().get_params() else None
    if solver is None:
        pytest.fail("SGD has no averaging any more: use what has")
    model = make(ManualMLPClassifier, solver=solver, record="epoch").fit(scaled(X), y)
    found = diagnose(model, scaled(X), y)
    trace = backprop_trace(model, scaled(X), y)
    assert found.fitted == len(found.epochs) - 1
    assert_allclose(found.loss[-1], trace.loss)


def test_epochs_are_chosen():
    X, y = load_iris(return_X_y=True)
    model = make(ManualMLPClassifier, record="epoch", max_iter=60).fit(X, y)
    assert_array_equal(diagnose(model, X, y, epochs="all").epochs, np.arange(-1, 60))
    auto = diagnose(model, X, y).epochs
    assert len(auto) == 21
    assert (auto[0], auto[-1]) == (-1, 59)
    assert set(np.diff(auto)) == {3}
    chosen = diagnose(model, X, y, epochs=[5, -1])
    assert_array_equal(chosen.epochs, [-1, 5, 59])  # the fitted one is always there
    assert chosen.fitted == 2
    everything = diagnose(model, X, y, epochs="all")
    assert_array_equal(chosen.ratio[1], everything.ratio[6])


@pytest.mark.parametrize("epochs", ["some", [60], [0.5], [], [[1]], None, True])
def test_epochs_that_are_none_are_refused(epochs):
    X, y = load_iris(return_X_y=True)
    model = make(ManualMLPClassifier, record="epoch").fit(X, y)
    with pytest.raises(ValueError, match="epochs"):
        diagnose(model, X, y, epochs=epochs)


def test_what_cannot_be_diagnosed():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(NotFittedError):
        diagnose(ManualMLPClassifier(), X, y)
    search = GridSearchCV(make(LogisticNeuronClassifier), {"alpha": [0.0, 0.1]}, cv=2).fit(X, y)
    with pytest.raises(TypeError, match="best_estimator_"):
        diagnose(search, X, y)
    model = make(ManualMLPClassifier).fit(X, y)
    with pytest.raises(ValueError, match="record='epoch'"):
        diagnose(model, X, y, epochs=[3])


def test_blocks_of_partial_fit_have_no_known_number_of_updates():
    X, y = load_iris(return_X_y=True)
    model = make(LogisticNeuronClassifier, record="epoch", batch_size=10)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert np.isnan(diagnose(model, X, y).ratio).all()
    for batch_size, n_updates in ((10, 15), (None, 1)):
        model = make(LogisticNeuronClassifier, record="epoch", batch_size=batch_size, max_iter=2)
        model.fit(X, y)
        change = np.subtract(*model.history_["coef"][::-1])
        size = np.linalg.norm(change) / np.linalg.norm(model.coef_) / n_updates
        assert diagnose(model, X, y).ratio[-1, 0] == pytest.approx(size)


@pytest.mark.parametrize("name", [cls.name for cls in filter(is_own, ACTIVATIONS.values())])
def test_which_activations_saturate(name):
    top = {"logistic": 0.25, "tanh": 1.0}.get(name)
    if top is None:
        assert np.isnan(largest_slope(ACTIVATIONS[name]()))
    else:
        assert largest_slope(ACTIVATIONS[name]()) == pytest.approx(top)


def test_it_is_seen_printed_and_in_tables():
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True)
    model = make(ManualMLPClassifier, record="epoch", max_iter=3).fit(X, y)
    found = diagnose(model, X, y)
    lines = str(found).splitlines()
    assert lines[0] == "ManualMLPClassifier 4 → 5 → 3: 150 rows, loss cross_entropy"
    assert f"loss {found.loss[-1].mean():.4g}" in lines[1]
    assert "1.099 of a constant prediction" in lines[1]
    table = lines[3:6]
    assert len({len(line) for line in table}) == 1
    assert table[1].split()[:7] == ["1:", "4", "→", "5,", "relu", *(
        f"{value:.2e}" for value in (found.delta[-1, 0], found.gradient[-1, 0])
    )]  # fmt: skip
    assert f"{found.hardest_rows[0]} (loss" in lines[7]
    page = found._repr_html_()
    for text in ("<table>", f"{found.delta[-1, 1]:.2e}", "hardest rows"):
        assert text in page
    frame = found.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.index.names == ["epoch", "layer"]
    assert frame.loc[(1, 2), "delta"] == found.delta[2, 1]


def test_an_activation_cannot_write_into_the_page():
    from sklearn_neuron.activations import Tanh

    class Hostile(Tanh):
        name = "<script>alert(1)</script>"

    X, y = load_iris(return_X_y=True)
    model = make(ManualMLPClassifier, activation=Hostile()).fit(X, y)
    assert "<script>" not in diagnose(model, X, y)._repr_html_()


# ---- what is found -------------------------------------------------------------------------------


def findings(model, X, y, **options):
    """Return the findings of a fit as one text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y, **options)
    return "\n".join(diagnose(model, X, y).findings)


def test_the_dead_network_is_named_and_in_time():
    """Four layers on digits at eta=0.6; which units die depends on the last bits."""
    X, y = load_digits(return_X_y=True)
    found = []
    for seed in (7, 1, 6, 9):
        model = ManualMLPClassifier(
            (64, 64, 64, 64), solver="sgd", eta=0.6, batch_size=32, max_iter=20, tol=None,
            early_stopping=False, record="epoch", random_state=seed,
        )  # fmt: skip
        try:
            model.fit(X / 16, y)
        except ValueError:  # or it diverges
            continue
        start = time.process_time()
        diagnosis = diagnose(model, X / 16, y, epochs="all")
        assert time.process_time() - start < 2.0
        assert len(diagnosis.epochs) == 21
        if model.score(X / 16, y) < 0.45:
            found.append(diagnosis)
    assert found
    for diagnosis in found:
        assert diagnosis.dead[-1, :4].mean() > 0.5
        assert diagnosis.dead[0, :4].mean() < 0.2
        text = diagnosis.findings[0]
        assert "of units are dead on these rows; eta=0.6 is probably too large" in text
        assert "a smaller eta (say 0.06)" in text
        assert max(map(len, str(diagnosis).splitlines())) <= 105
        assert " ".join(str(diagnosis).split()).count(text) == 1


def test_dead_units_are_counted():
    X, y = scaled(load_wine().data), load_wine().target
    model = ManualMLPClassifier((20, 20), max_iter=30, tol=None, random_state=0).fit(X, y)
    assert not diagnose(model, X, y).findings
    model.intercepts_[0][:11] = -100.0
    found = diagnose(model, X, y)
    assert found.dead[0, 0] == 0.55
    assert not found.findings  # the loss is good all the same
    model.coefs_[2] *= 0.01
    found = diagnose(model, X, y)
    assert (found.loss @ found.share)[0] > 0.5 * found.constant_loss
    assert "layer 1: 55 % of units are dead on these rows; eta=0.005" in found.findings[0]
    few = X[:, :9]  # 9 units that live are enough for 9 features
    model = ManualMLPClassifier((20,), max_iter=1, tol=None, random_state=0).fit(few, y)
    model.intercepts_[0][:11] = -100.0
    assert "dead" not in "\n".join(diagnose(model, few, y).findings)
    model.intercepts_[0][:18] = -100.0
    assert "layer 1: 90 % of units are dead" in "\n".join(diagnose(model, few, y).findings)


def test_units_that_were_dead_from_the_start():
    X, y = scaled(load_digits().data), load_digits().target
    model = ManualMLPClassifier((40,), max_iter=5, tol=None, record="epoch", random_state=0)
    start = model.fit(X, y).start_
    start["intercepts"][0][:36] = -1e3
    options = {"coef_init": start["coefs"], "intercept_init": start["intercepts"]}
    text = findings(model, X, y, **options)
    assert "layer 1: 90 % of units are dead on these rows, as they were at the start." in text
    assert "eta" not in text.split(" Try ")[0]


def test_saturated_units():
    X, y = scaled(load_wine().data), load_wine().target
    model = ManualMLPClassifier((10, 5), activation="tanh", max_iter=20, tol=None, random_state=0)
    assert "saturated" not in findings(model, X, y)
    model.coefs_[0] *= 1e3
    assert "layer 1: 100 % of units are saturated" in diagnose(model, X, y).findings[0]


def test_a_saturated_output_only_where_it_hurts():
    start = {"coef_init": [8.0], "intercept_init": 8.0}
    slow = SigmoidNeuronRegressor(eta=0.15, max_iter=30, tol=None)
    assert "a cross-entropy" in findings(slow, [[1.0]], [0.0], **start)
    X, y = load_iris(return_X_y=True)
    model = make(LogisticNeuronClassifier, eta=1.0, max_iter=200).fit(X[:100], y[:100])
    model.coef_ *= 100.0
    assert "saturated" not in "".join(diagnose(model, X[:100], y[:100]).findings)


def test_delta_that_vanishes_or_explodes():
    X, y = scaled(load_digits().data), load_digits().target
    model = ManualMLPClassifier(
        (20,) * 8, activation="logistic", init="glorot_uniform", eta=1e-5, max_iter=2,
        tol=None, random_state=0, early_stopping=False,
    )  # fmt: skip
    text = findings(model, X, y)
    assert "δ vanishes" in text
    found = diagnose(model, X, y)
    assert f"{found.delta[0, 0] / found.delta[0, -1]:.1e} times that of layer 9" in text
    model = ManualMLPClassifier((20,) * 4, max_iter=1, tol=None, random_state=0).fit(X, y)
    model.coefs_ = [30.0 * W for W in model.coefs_]
    assert "δ explodes" in "\n".join(diagnose(model, X, y).findings)


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("hidden", [(100,), (16, 16)])
def test_delta_does_not_depend_on_the_unit_of_the_target(unit, hidden):
    X, y = make_regression(300, 8, noise=5.0, random_state=0)
    model = ManualMLPRegressor(hidden, random_state=0)
    for target in (unit * y, unit * (y * 1e4 + 5e6)):
        assert model.fit(X, target).score(X, target) > 0.9
        assert not diagnose(model, X, target).findings
    model.coefs_ = [*(1e3 * W for W in model.coefs_[:-1]), 1e6 * model.coefs_[-1]]
    assert "δ explodes" in "\n".join(diagnose(model, X, target).findings)
    model.coefs_[-1] *= 1e-16
    assert "δ vanishes" in "\n".join(diagnose(model, X, target).findings)


@pytest.mark.parametrize(("eta", "word"), [(1e-8, "too small"), (5.0, "too large")])
def test_updates(eta, word):
    X, y = scaled(load_digits().data), load_digits().target
    model = ManualMLPClassifier(
        (20,), solver="adam", eta=eta, batch_size=600, max_iter=2, tol=None, record="step",
        random_state=0, early_stopping=False,
    )  # fmt: skip
    assert f"of the weights (about 1e-3 is usual): eta={eta:g} is probably {word}" in findings(
        model, X, y
    )


def test_nothing_learned():
    X, y = scaled(load_breast_cancer().data), load_breast_cancer().target
    model = LogisticNeuronClassifier(max_iter=4, tol=None).fit(X, y)
    model.coef_[:] = 1e-9
    model.intercept_[:] = np.log(y.mean() / (1 - y.mean()))
    text = diagnose(model, X, y).findings[0]
    assert "the loss is 0.66, as high as the 0.66 of a constant prediction" in text
    assert "the outputs hardly depend on X" in text
    rng = np.random.RandomState(0)
    XX = np.sign(rng.normal(size=(400, 2)))
    xor = findings(LogisticNeuronClassifier(random_state=0), XX, XX[:, 0] == XX[:, 1])
    assert "nothing has been learned. Try a larger eta or max_iter, a hidden layer" in xor
    model.coef_[:] = 5.0
    assert "above the 0.66 of a constant prediction" in "\n".join(diagnose(model, X, y).findings)


def test_training_that_was_cut_short():
    X, y = scaled(load_digits().data), load_digits().target
    model = ManualMLPClassifier(
        (20,), solver="sgd", eta=0.0015, max_iter=20, tol=1e-9, early_stopping=False, random_state=0
    )
    text = findings(model, X, y)
    fall = 1.0 - model.loss_curve_[-1] / model.loss_curve_[-3]
    assert f"still falling: by {100 * fall:.0f} % over the last 2 of 20 epochs" in text
    assert "still falling" not in findings(model.set_params(max_iter=19), X, y)
    assert "still falling" not in findings(model.set_params(max_iter=400), X, y)


@pytest.mark.parametrize("seed", range(10))
def test_findings_do_not_contradict_each_other(seed):
    X, y = [[3.5], [0.35], [3.2], [-2.0], [1.5], [-0.5]], [0.5, 0.5, 0.5, 0.5, 0.1, 0.3]
    model = SigmoidNeuronRegressor(
        eta=0.9, batch_size=1, max_iter=10, tol=None, record="epoch", random_state=seed
    )
    found = findings(model, X, y)
    assert found
    assert "overfitting" not in found
    assert "still falling" not in found
    larger = "larger eta" in found or "or eta" in found or "too small" in found
    assert not (larger and ("smaller eta" in found or "too large" in found))


def test_the_first_finding_decides_whether_eta_is_too_large():
    large = Finding("a", ["c", "a smaller eta (say 0.1)"])
    more = Finding("b", ["a larger max_iter or eta", "d"])
    small = Finding("e", suspicion=": eta=1 is probably too small", eta=1)
    assert [each.direction() for each in (large, more, small, Finding("f", ["g"]))] == [-1, 1, 1, 0]
    assert large.in_words(-1) == "a. Try c, a smaller eta (say 0.1)."
    assert large.in_words(1) == "a. Try c."
    assert more.in_words(-1) == "b. Try a larger max_iter, d."
    assert more.in_words(1) == "b. Try a larger max_iter or eta, d."
    assert small.in_words(1) == "e: eta=1 is probably too small."
    assert small.in_words(-1) == "e."


def test_overfitting():
    rng = np.random.RandomState(0)
    X, noise = rng.normal(size=(300, 20)), rng.normal(size=(300, 20))
    y, other = (X[:, 0] + rng.normal(size=300) > 0).astype(int), rng.randint(2, size=300)
    model = ManualMLPClassifier(
        (100,), eta=0.05, max_iter=60, tol=None, early_stopping=False, record="epoch",
        random_state=0,
    ).fit(X, y)  # fmt: skip
    assert not diagnose(model, X, y).findings
    assert "overfitting" not in "".join(diagnose(model, noise, other).findings)  # they may be X
    noise, other = noise[:299], other[:299]
    found = diagnose(model, noise, other)
    mean = found.loss @ found.share
    best = int(mean.argmin())
    text = f"has risen from {mean[best]:.3g} in epoch {found.epochs[best]} to {mean[-1]:.3g}"
    assert f"the loss of these rows {text} in epoch 59" in "\n".join(found.findings)
    held = ManualMLPClassifier((100,), eta=0.05, max_iter=60, tol=None, random_state=0)
    held.fit(X, y, X_val=noise, y_val=other)
    risen = held.validation_loss_curve_[held.best_iter_] > 1.25 * min(held.validation_loss_curve_)
    later = held.best_iter_ > int(np.argmin(held.validation_loss_curve_))
    told = "the loss of the validation data has risen" in "".join(diagnose(held, X, y).findings)
    assert told == (risen and later)


def test_a_few_rows():
    X, y = load_diabetes(return_X_y=True)
    X, y = scaled(X), scaled(y[:, None])[:, 0]
    y[17] = 500.0
    model = ManualMLPRegressor((), alpha=10.0, random_state=0, early_stopping=False)
    text = findings(model, X, y)
    assert "1 of 442 rows carries" in text
    assert diagnose(model, X, y).hardest_rows[0] == 17
    loss = diagnose(model, X, y).loss[-1]
    assert f"carries {100 * loss[17] / loss.sum():.0f} % of the loss" in text


def test_the_rows_of_a_rare_class_are_no_outliers():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(1000, 3)), (np.arange(1000) < 8).astype(int)
    model = LogisticNeuronClassifier(random_state=0)
    text = findings(model, X, y)
    loss = diagnose(model, X, y).loss[0]
    assert np.sort(loss)[-10:].sum() > 0.5 * loss.sum()
    assert "carry" not in text
    assert "class 1 has 0.8 % of the rows, and 0 % of these" in text


def test_features_and_targets_that_are_not_scaled():
    X, y = load_breast_cancer(return_X_y=True)
    text = findings(LogisticNeuronClassifier(random_state=0), X, y)
    spread = X[::2].std(axis=0)  # at most 500 rows are looked at
    assert f"reach from {spread.min():.2g} to {spread.max():.2g}" in text
    assert "features" not in findings(LogisticNeuronClassifier(random_state=0), scaled(X), y)
    thin = findings(LogisticNeuronClassifier(random_state=0), sparse.csr_array(X), y)
    assert f"reach from {spread.min():.2g} to {spread.max():.2g}" in thin
    alike = 0.048 * np.tile([[1.0, -1.0], [-1.0, 1.0]], (50, 1))
    text = findings(LogisticNeuronClassifier(random_state=0), alike, alike[:, 0] > 0.0)
    assert "their standard deviations are 0.048. Try StandardScaler" in text
    X, y = load_diabetes(return_X_y=True)
    slow = ManualMLPRegressor(solver="sgd", eta=1e-12, early_stopping=False, random_state=0)
    assert "the target is not scaled" in findings(slow, scaled(X), 1000.0 * y)


def test_a_rare_class_that_is_ignored():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1000, 4))
    y = np.where(rng.uniform(size=1000) < 0.05, "rare", "usual")
    X[y == "rare"] += 0.7
    model = LogisticNeuronClassifier(random_state=0)
    recall = np.mean(model.fit(X, y).predict(X)[y == "rare"] == "rare")
    assert recall < 0.2
    text = findings(model, X, y)
    share = 100 * np.mean(y == "rare")
    assert f"class rare has {share:.2g} % of the rows, and {100 * recall:.0f} % of these" in text
    assert "class " not in findings(model.set_params(class_weight="balanced"), X, y)
    labels = np.stack([y == "rare", X[:, 1] > 0.0], axis=1).astype(int)
    text = findings(ManualMLPClassifier((), random_state=0), X, labels)
    assert "class 0 has" in text
    assert "class 1 has" not in text


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits, load_iris, load_wine])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "cls", [LogisticNeuronClassifier, ManualMLPClassifier, PerceptronClassifier]
)
def test_it_does_not_cry_wolf_of_classifiers(cls, load, seed):
    X, y = load(return_X_y=True)
    assert not findings(cls(random_state=seed, record="epoch"), scaled(X), y)


@pytest.mark.parametrize("load", [load_diabetes, load_linnerud])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cls", [SigmoidNeuronRegressor, ManualMLPRegressor])
def test_it_does_not_cry_wolf_of_regressors(cls, load, seed):
    X, y = load(return_X_y=True)
    y = scaled(y.reshape(len(y), -1))
    assert not findings(cls(random_state=seed, record="epoch"), scaled(X), y)


@pytest.mark.parametrize("cls", NETWORKS)
@pytest.mark.parametrize("y", [np.zeros(50), np.full(50, 3.0)])
def test_targets_that_are_constant(cls, y):
    X = np.random.RandomState(0).normal(size=(50, 3))
    model = make(cls)
    if cls is ManualMLPClassifier:
        y = (np.arange(50) == 0).astype(int)
    model.fit(X, y)
    assert isinstance(str(diagnose(model, X, y)), str)


def test_numbers_that_are_not_finite_are_shown():
    X, y = load_iris(return_X_y=True)
    model = make(ManualMLPClassifier).fit(X, y)
    model.coefs_[0][0, 0] = np.nan
    text = str(diagnose(model, X, y))
    assert "loss nan" in text


def test_the_logit_of_a_squared_error_is_not_a_cross_entropy():
    """The link of a squared error may saturate; its slope is what is looked at."""
    from sklearn_neuron.activations import Logistic

    X, y = load_iris(return_X_y=True)
    model = SigmoidNeuronRegressor(max_iter=5, tol=None, loss=SquaredError(Logistic()))
    model.fit(scaled(X), (y == 2).astype(float)).coef_ *= 1000.0
    a = expit(scaled(X) @ model.coef_ + model.intercept_)
    flat = np.mean(a * (1.0 - a) < 0.05 / 4.0) >= 0.95
    assert diagnose(model, scaled(X), (y == 2).astype(float)).saturated[0, 0] == float(flat)
