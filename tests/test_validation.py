"""Validation data: given or split off, measured after every epoch, the best epoch restored."""

import re
import warnings

import numpy as np
import pytest
from helpers import NETWORKS, REGRESSORS, WITH_LBFGS, make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import sklearn_neuron
from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron._engine.validation import Validation
from sklearn_neuron._estimator.layout import Layers
from sklearn_neuron.activations import Softmax
from sklearn_neuron.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Perceptron,
    Quantile,
    SquaredError,
)
from sklearn_neuron.network import Network


def halves(cls, seed=0):
    """Return rows to train on and rows to hold out, (X, y) each."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(80, 4))
    signal = X @ [1.0, -1.0, 0.5, 0.0] + rng.normal(scale=0.8, size=80)
    y = 1 / (1 + np.exp(-signal)) if cls in REGRESSORS else np.digitize(signal, [-0.7, 0.7])
    return (X[:40], y[:40]), (X[40:], y[40:])


def watch_validation(monkeypatch):
    """Return a list that receives the validation samples of every fit from now on."""
    held = []
    original = Validation.__init__

    def spy(self, network, data):
        held.append(data.samples)
        original(self, network, data)

    monkeypatch.setattr(Validation, "__init__", spy)
    return held


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_measured_after_every_epoch_and_the_best_restored(cls, solver):
    if solver == "lbfgs" and cls not in WITH_LBFGS:
        pytest.skip("no lbfgs")
    (X, y), (X_val, y_val) = halves(cls)
    model = make(cls, solver=solver, record="epoch", eta=0.05, max_iter=30)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    metric = r2_score if cls in REGRESSORS else accuracy_score
    scores, losses = model.validation_scores_, model.validation_loss_curve_
    assert len(scores) == len(losses) == len(model.loss_curve_) == model.n_iter_
    assert_array_equal(model.history_["validation_score"], scores)
    assert_array_equal(model.history_["validation_loss"], losses)
    fitted = weights_of(model).copy()
    for epoch in range(model.n_iter_):
        for name in model._layout.names:
            setattr(model, f"{name}_", model.history_[name][epoch])
        assert_allclose(metric(y_val, model.predict(X_val)), scores[epoch], atol=1e-9)

    def height(epoch):
        pair = scores[epoch], -losses[epoch]
        return pair[::-1] if cls in REGRESSORS else pair

    best = max(range(model.n_iter_), key=height)
    assert model.best_iter_ == best
    assert_allclose(model.best_validation_score_, max(scores), rtol=1e-12)
    assert model.best_validation_score_ == scores[best]
    for name in model._layout.names:
        setattr(model, f"{name}_", model.history_[name][best])
    assert_array_equal(weights_of(model), fitted)


def test_the_validation_loss_is_the_mean_loss_without_penalty():
    (X, y), (X_val, y_val) = halves(LogisticNeuronClassifier)
    weight = np.random.RandomState(1).uniform(0, 2, 40)
    model = make(LogisticNeuronClassifier, alpha=1.0, max_iter=1)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=weight)
    assert_allclose(model.validation_loss_curve_, [expected])
    score = accuracy_score(y_val, model.predict(X_val), sample_weight=weight)
    assert_allclose(model.validation_scores_, [score])


def test_holding_out_changes_no_step(cls):
    (X, y), (X_val, y_val) = halves(cls)
    plain = make(cls, record="epoch", batch_size=7).fit(X, y)
    watched = make(cls, record="epoch", batch_size=7).fit(X, y, X_val=X_val, y_val=y_val)
    assert_array_equal(watched.loss_curve_, plain.loss_curve_)
    name = plain._layout.names[0]
    for ours, theirs in zip(watched.history_[name], plain.history_[name], strict=True):
        for a, b in (
            zip(np.atleast_1d(ours), np.atleast_1d(theirs), strict=True)
            if not isinstance(ours, list)
            else zip(ours, theirs, strict=True)
        ):
            assert_array_equal(a, b)


def test_early_stopping_stops_and_splits_reproducibly(cls):
    (X, y), _ = halves(cls)
    params = {"early_stopping": True, "validation_fraction": 0.3, "max_iter": 500, "tol": 1e-3}
    params |= {"eta": 0.1, "batch_size": 8, "n_iter_no_change": 5}
    model = make(cls, **params).fit(X, y)
    again = make(cls, **params).fit(X, y)
    assert model.n_iter_ < 500
    assert_array_equal(weights_of(model), weights_of(again))
    assert max(model.validation_scores_) == model.best_validation_score_
    if cls is not PerceptronClassifier:  # which may stop for want of mistakes
        tail = slice(-5, None)
        before = min(model.validation_loss_curve_[:-5])
        assert min(model.validation_loss_curve_[tail]) > before - 1e-3


def test_the_split_is_stratified_and_spares_what_is_alone():
    X = np.random.RandomState(0).normal(size=(103, 2))
    y = np.r_[np.zeros(60), np.ones(30), np.full(12, 2), [3]].astype(int)
    model = make(LogisticNeuronClassifier, early_stopping=True, validation_fraction=0.2, max_iter=2)
    seen = []
    original = Network.backward

    def spy(self, X, Y, *args):
        seen.append(Y.copy())
        original(self, X, Y, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Network, "backward", spy)
        with sklearn_neuron.config_context(engine="numpy"):
            model.set_params(batch_size=None, max_iter=1).fit(X, y)
    assert_array_equal(seen[0].sum(axis=0), [48, 24, 9, 1])  # of 60, 30, 12 and 1


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_few_rows_and_many_classes_fall_back(n):
    X, y = np.random.RandomState(0).normal(size=(2 * n, 2)), np.arange(2 * n) % n
    model = make(LogisticNeuronClassifier, early_stopping=True, max_iter=3).fit(X, y)
    assert len(model.validation_scores_) == 3
    assert len(model.classes_) == n


def test_nothing_to_spare_is_an_error(cls, X):
    y = target_for(cls, 30)
    with pytest.raises(ValueError, match=r"early_stopping=True.*Give more samples, or X_val"):
        make(cls, early_stopping=True).fit(X[:3] if cls not in REGRESSORS else X[:1],
                                           y[:3] if cls not in REGRESSORS else y[:1])  # fmt: skip


def test_partial_fit_and_early_stopping_do_not_go_together(cls, X):
    y = target_for(cls, 30)
    classes = {} if cls in REGRESSORS else {"classes": np.unique(y)}
    model = make(cls, early_stopping=True)
    assert not hasattr(model, "partial_fit")  # it would always fail
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as error:
        model.partial_fit(X, y, **classes)
    assert "early_stopping=True" in str(error.value.__cause__)


@pytest.mark.parametrize(
    ("validation", "match"),
    [
        ({"X_val": np.ones((5, 4))}, "X_val and y_val belong together"),
        ({"y_val": np.arange(5) % 3}, "X_val and y_val belong together"),
        ({"sample_weight_val": np.ones(5)}, "X_val and y_val belong together"),
        ({"X_val": np.ones((5, 3)), "y_val": np.arange(5) % 3}, "3 features"),
        ({"X_val": np.ones((5, 4)), "y_val": np.arange(5)}, "do not fit: y_val contains classes"),
        ({"X_val": np.ones((5, 4)), "y_val": np.arange(4) % 3}, "inconsistent"),
        ({"X_val": np.full((5, 4), np.nan), "y_val": np.arange(5) % 3}, "NaN"),
        (
            {"X_val": np.ones((5, 4)), "y_val": np.arange(5) % 3,
             "sample_weight_val": np.zeros(5)}, "sample_weight_val",
        ),
    ],
)  # fmt: skip
def test_bad_validation_data_are_refused(validation, match, X):
    y = target_for(LogisticNeuronClassifier, 30)
    model = make(LogisticNeuronClassifier).fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=match):
        model.fit(X, y, **validation)
    assert vars(model) == before


NAMES = ["a", "b", "c", "d"]
#: What is said of X_val that was not transformed.
TRANSFORMED = r"transformed as X and y were\? A pipeline does it with transform_input=\['X_val'\]"


def only_warnings_of(match, job):
    """Run a fit, whose only warning says something."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        job()
    (warning,) = [each for each in caught if each.category is not ConvergenceWarning]
    assert warning.category is UserWarning
    assert re.search(match, str(warning.message))


def test_the_feature_names_of_validation_data_are_said_to_be_theirs(cls, X, pd):
    y, frame = target_for(cls, 30), pd.DataFrame(X, columns=NAMES)
    model = make(cls, max_iter=2)
    told = f"^{cls.__name__}: X_val does not have valid feature names, but the training data have"
    only_warnings_of(told, lambda: model.fit(frame, y, X_val=X, y_val=y))
    told = (
        f"^{cls.__name__}: X_val has feature names, but the training data have none.*{TRANSFORMED}"
    )
    only_warnings_of(told, lambda: model.fit(X, y, X_val=frame, y_val=y))
    before = model.get_params(), weights_of(model)
    for other in (frame.rename(columns={"a": "z"}), frame[NAMES[::-1]]):
        with pytest.raises(ValueError, match=r"feature names of X_val should match those of X\."):
            model.fit(frame, y, X_val=other, y_val=y)
    with pytest.raises(ValueError, match=f"X_val has 3 features.*{TRANSFORMED}"):
        model.fit(X, y, X_val=frame[NAMES[1:]], y_val=y)
    assert model.get_params() == before[0]
    assert_array_equal(weights_of(model), before[1])
    model.fit(frame, y, X_val=frame, y_val=y)
    assert model.feature_names_in_.tolist() == NAMES


def test_validation_data_in_words_that_a_pipeline_has_not_transformed(pd, X):
    y, frame = np.arange(30) % 2, pd.DataFrame(X, columns=NAMES)
    frame["word"] = np.where(X[:, 0] > 0.0, "X", "y")
    encode = make_column_transformer((OneHotEncoder(), ["word"]), remainder="passthrough")
    with config_context(enable_metadata_routing=True):
        network = make(LogisticNeuronClassifier).set_fit_request(X_val=True, y_val=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            match = rf"X_val: could not convert string to float: '[Xy]'\. .*{TRANSFORMED}"
            with pytest.raises(ValueError, match=match):
                make_pipeline(encode, network).fit(frame, y, X_val=frame, y_val=y)
        pipeline = make_pipeline(encode, network, transform_input=["X_val"])
        pipeline.fit(frame, y, X_val=frame, y_val=y)


@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
@pytest.mark.parametrize(
    ("of_X", "given", "match"),
    [
        (str, int, r"type int: .*, but .* type str: .*as with np.asarray\({}\).astype\(str\)"),
        (int, str, r"type str: .*, but .* type int: .*as with np.asarray\({}\).astype\(int\)"),
        (int, "abc", r"type str: \['a', 'b', 'c'\], but .* type int: .* Give the same labels"),
        (str, float, r"type float: .*, but .* type str: .* Give the same labels for both"),
    ],
    ids=str,
)  # fmt: skip
def test_classes_of_another_type_are_said_to_be_so(cls, of_X, given, match, X):
    codes = target_for(cls, 30)
    y = codes.astype(of_X)
    other = np.array(list(given))[codes] if isinstance(given, str) else codes.astype(given)
    with pytest.raises(
        ValueError, match=rf"fit: y_val contains classes of the {match}".format("y_val")
    ):
        make(cls).fit(X, y, X_val=X, y_val=other)
    match = rf"^y contains classes of the {match}".format("y")
    model = make(cls, warm_start=True).fit(X, y)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=match):
            call(X, other)
    with pytest.raises(ValueError, match=match):
        make(cls).partial_fit(X, other, classes=np.unique(y))


def test_validation_targets_are_compared_with_the_training_data(X):
    """There was no earlier fit to compare them with."""
    codes = np.arange(30) % 3
    one_hot = np.eye(3)[codes]
    with pytest.raises(
        ValueError, match=r"y_val is multilabel.*, but the training data have single"
    ):
        make(ManualMLPClassifier).fit(X, codes, X_val=X, y_val=one_hot)
    with pytest.raises(ValueError, match="y_val should be a 1d array"):
        make(LogisticNeuronClassifier).fit(X, codes, X_val=X, y_val=one_hot)
    for cls in REGRESSORS:
        with pytest.raises(ValueError, match="y_val has 3 targets, but the training data have 1"):
            make(cls).fit(X, codes, X_val=X, y_val=one_hot)
    with pytest.raises(ValueError, match="have samples of all classes in the training data, too"):
        make(LogisticNeuronClassifier).fit(X, codes, X_val=X, y_val=codes + 1)


def test_a_loss_that_is_not_finite_is_never_the_best():
    X = np.array([[1.0], [2.0], [3.0], [4.0]])
    y = np.array([1.0, 2.0, 3.0, 4.0])
    model = ManualMLPRegressor((), solver="sgd", eta=0.01, batch_size=None, max_iter=5, tol=None)
    model.fit(X, y, X_val=1e307 * X, y_val=y)
    assert np.isnan(model.validation_scores_).all() or np.isinf(model.validation_loss_curve_).all()
    assert np.isfinite(model.coefs_[0]).all()
    assert np.isnan(model.best_validation_score_)


def test_regressors_keep_their_range_and_several_targets():
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    for cls in REGRESSORS:
        model = make(cls).fit(X[:20], Y[:20], X_val=X[20:], y_val=3 * Y[20:])
        assert_allclose(
            model.best_validation_score_, r2_score(3 * Y[20:], model.predict(X[20:])), atol=1e-9
        )
    with pytest.raises(ValueError, match="R² needs at least two samples in the validation data"):
        make(SigmoidNeuronRegressor).fit(X, Y[:, 0], X_val=X[:1], y_val=Y[:1, 0])


def test_multilabel_sparse_and_float32():
    X, Y = make_multilabel_classification(60, 5, n_classes=3, random_state=0)
    X = sparse.csr_array(X.astype(np.float32))
    model = make(ManualMLPClassifier, early_stopping=True).fit(X, Y)
    assert model.coefs_[0].dtype == np.float32
    assert 0.0 <= model.best_validation_score_ <= 1.0
    held = make(ManualMLPClassifier).fit(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:])
    assert_allclose(held.best_validation_score_, held.score(X[40:], Y[40:]))


def test_a_warm_start_goes_on_from_the_best(cls):
    (X, y), (X_val, y_val) = halves(cls)
    model = make(cls, max_iter=4, warm_start=True, solver="adam")
    model.fit(X, y, X_val=X_val, y_val=y_val).fit(X, y, X_val=X_val, y_val=y_val)
    assert len(model.validation_scores_) == len(model.loss_curve_) == 8
    assert 4 <= model.best_iter_ < 8
    model.fit(X, y)
    assert not hasattr(model, "validation_scores_")
    assert len(model.loss_curve_) == 12
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert len(model.validation_scores_) == 16
    assert np.isnan(model.validation_scores_[:12]).all()
    assert model.validation_scores_[model.best_iter_] == model.best_validation_score_


@pytest.mark.parametrize(
    "random_state", [0, None, np.random.RandomState(0)], ids=["int", "None", "RandomState"]
)
def test_a_warm_start_holds_out_the_same_rows(random_state, monkeypatch):
    (X, y), _ = halves(LogisticNeuronClassifier)
    model = make(LogisticNeuronClassifier, early_stopping=True, warm_start=True, max_iter=2)
    model.set_params(random_state=random_state)
    held = watch_validation(monkeypatch)
    model.fit(X, y).fit(X, y)
    assert_array_equal(held[0].X, held[1].X)


def test_an_interrupt_keeps_the_best_so_far(monkeypatch):
    (X, y), (X_val, y_val) = halves(ManualMLPClassifier)
    model = make(ManualMLPClassifier, batch_size=None, max_iter=50, record="epoch")
    original, calls = Network.backward, iter(range(10**6))

    def interrupted(*args):
        if next(calls) == 20:
            raise KeyboardInterrupt
        original(*args)

    monkeypatch.setattr(Network, "backward", interrupted)
    with pytest.raises(KeyboardInterrupt), sklearn_neuron.config_context(engine="numpy"):
        model.fit(X, y, X_val=X_val, y_val=y_val)
    assert model.n_iter_ == len(model.validation_scores_) == 20
    assert_array_equal(model.coefs_[0], model.history_["coefs"][model.best_iter_][0])


def test_averages_are_what_is_measured():
    (X, y), (X_val, y_val) = halves(LogisticNeuronClassifier)
    model = make(LogisticNeuronClassifier, solver=SGD(average=True), eta=0.5, max_iter=15)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert_allclose(model.score(X_val, y_val), model.best_validation_score_)


def test_steps_tell_it_at_the_end_of_an_epoch(pd):
    (X, y), (X_val, y_val) = halves(LogisticNeuronClassifier)
    model = make(LogisticNeuronClassifier, record="step", batch_size=10, max_iter=3)
    frame = pd.DataFrame(model.fit(X, y, X_val=X_val, y_val=y_val).history_)
    assert frame["validation_loss"].notna().tolist() == [False, False, False, True] * 3
    assert frame["validation_loss"].dropna().tolist() == model.validation_loss_curve_.tolist()


def test_through_a_pipeline_with_metadata_routing():
    (X, y), (X_val, y_val) = halves(LogisticNeuronClassifier)
    with config_context(enable_metadata_routing=True):
        neuron = make(LogisticNeuronClassifier).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), neuron, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val)
        scaler = StandardScaler().fit(X)
        direct = make(LogisticNeuronClassifier).fit(
            scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
        )
        assert_array_equal(pipeline[-1].coef_, direct.coef_)
        search = GridSearchCV(pipeline, {"logisticneuronclassifier__eta": [0.01, 0.1]}, cv=2)
        search.fit(X, y, X_val=X_val, y_val=y_val)
        assert len(search.best_estimator_[-1].validation_scores_) == 20


def test_early_stopping_inside_a_search():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(
        StandardScaler(), ManualMLPClassifier((10,), early_stopping=True, random_state=0)
    )
    grid = {"manualmlpclassifier__eta": [0.01, 0.03], "manualmlpclassifier__dropout": [0.0, 0.2]}
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.9


def test_verbose_tells_of_validation_data(capsys):
    (X, y), (X_val, y_val) = halves(LogisticNeuronClassifier)
    make(LogisticNeuronClassifier, verbose=True, max_iter=2).fit(X, y, X_val=X_val, y_val=y_val)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for word in ("epoch 2/2", "loss", "validation loss", "score", "eta", " s"):
        assert word in lines[1]


# ---- several starts ---------------------------------------------------------------------------


def test_the_best_of_several_starts_is_kept(network):
    (X, y), (X_val, y_val) = halves(network)
    params = {"hidden_layer_sizes": (2,), "max_iter": 15, "batch_size": None, "solver": "adam"}
    several = make(network, n_init=5, **params).fit(X, y)
    rng = np.random.RandomState(0)
    runs = [make(network, **{**params, "random_state": rng}).fit(X, y) for _ in range(5)]

    def objective(model):
        return model.set_params(warm_start=True, max_iter=1).fit(X, y).loss_curve_[-1]

    ends = [objective(run) for run in runs]
    assert_allclose(objective(several), min(ends))
    assert max(ends) > min(ends) + 1e-6
    held = make(network, n_init=5, **params).fit(X, y, X_val=X_val, y_val=y_val)
    one = make(network, **params).fit(X, y, X_val=X_val, y_val=y_val)
    assert held.best_validation_score_ >= one.best_validation_score_


def test_several_starts_only_where_there_is_a_start_to_choose(network, monkeypatch):
    (X, y), _ = halves(network)
    drawn = []
    original = Layers.start

    def spy(self, *args):
        drawn.append(1)
        return original(self, *args)

    monkeypatch.setattr(Layers, "start", spy)
    model = make(network, n_init=3, max_iter=2, warm_start=True).fit(X, y)
    assert len(drawn) == 3
    model.fit(X, y)
    assert len(drawn) == 3
    make(network, n_init=3, max_iter=2).fit(X, y, coef_init=model.coefs_)
    assert len(drawn) == 4
    assert NETWORKS


def test_class_weights_shape_training_and_not_the_score(classifier):
    (X, y), (X_val, y_val) = halves(classifier)
    for class_weight in ("balanced", {0: 0.0, 1: 1.0, 2: 3.0}):
        model = make(classifier, class_weight=class_weight).fit(X, y, X_val=X_val, y_val=y_val)
        assert_allclose(model.best_validation_score_, model.score(X_val, y_val))
        split = make(classifier, class_weight=class_weight, early_stopping=True)
        assert np.isfinite(split.fit(X, y, sample_weight=1.0 + y).best_validation_score_)


def test_regressors_go_by_the_loss_that_they_are_trained_for():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(600, 2))
    y = X[:, 0] + 2 * rng.normal(size=600)
    model = ManualMLPRegressor((5,), loss=Quantile(0.9), eta=0.01, max_iter=60, random_state=0)
    model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert model.best_iter_ == np.argmin(model.validation_loss_curve_)
    assert 0.8 < (y[300:] <= model.predict(X[300:])).mean() < 0.97


def test_a_start_that_diverges_is_passed_over(monkeypatch):
    (X, y), _ = halves(ManualMLPRegressor)
    original, calls = Layers.start, iter(range(100))

    def wild(self, network, rng):
        coefs, intercepts = original(self, network, rng)
        return [W * (1e200 if next(calls) == 0 else 1.0) for W in coefs], intercepts

    monkeypatch.setattr(Layers, "start", wild)
    model = make(ManualMLPRegressor, n_init=2, eta=0.01).fit(X, y)
    assert np.isfinite(model.loss_)
    calls = iter(range(100))
    with pytest.raises(ValueError, match="diverged"):
        make(ManualMLPRegressor, n_init=1, eta=1e300, solver="sgd").fit(X, y)


def test_a_given_start_begins_a_new_average():
    (X, y), _ = halves(LogisticNeuronClassifier)
    params = {"solver": SGD(average=True), "batch_size": None, "warm_start": True, "eta": 0.5}
    start = {"coef_init": np.zeros((3, 4)), "intercept_init": np.zeros(3)}
    again = make(LogisticNeuronClassifier, **params).fit(X, y).fit(X, y, **start)
    assert_array_equal(again.coef_, make(LogisticNeuronClassifier, **params).fit(X, y).coef_)


@pytest.mark.parametrize(
    ("model", "labels"),
    [
        (ManualMLPClassifier(loss=Huber()), 2),
        (ManualMLPClassifier(loss=BinaryCrossEntropy()), 3),
        (LogisticNeuronClassifier(loss=SquaredError()), 2),
        (ManualMLPRegressor(loss=CrossEntropy()), 9),
        (ManualMLPRegressor(loss=Perceptron()), 9),
        (ManualMLPRegressor(loss=SquaredError(Softmax())), 9),
    ],
)
def test_losses_that_cannot_work_are_refused(model, labels, X):
    with pytest.raises((TypeError, ValueError), match="link"):
        model.fit(X, np.arange(30) % labels)


def test_validation_data_keep_their_own_weights_beside_balanced_classes(monkeypatch):
    (X, y), _ = halves(LogisticNeuronClassifier)
    weight = np.random.RandomState(0).uniform(0.5, 3.0, 40) * (1 + 5 * (y == 0))
    held = watch_validation(monkeypatch)
    for class_weight in (None, "balanced"):
        model = make(LogisticNeuronClassifier, early_stopping=True, class_weight=class_weight)
        model.fit(X, y, sample_weight=weight)
    assert_allclose(held[0].weight, held[1].weight)


def test_an_interrupted_later_start_leaves_the_best_of_the_others(monkeypatch):
    (X, y), _ = halves(ManualMLPClassifier)
    with sklearn_neuron.config_context(engine="numpy"):
        one = make(ManualMLPClassifier, max_iter=2, batch_size=None).fit(X, y)
    original, calls = Network.backward, iter(range(100))

    def interrupted(*args):
        if next(calls) == 2:  # the first step of the second start
            raise KeyboardInterrupt
        original(*args)

    monkeypatch.setattr(Network, "backward", interrupted)
    model = make(ManualMLPClassifier, max_iter=2, batch_size=None, n_init=2)
    with pytest.raises(KeyboardInterrupt), sklearn_neuron.config_context(engine="numpy"):
        model.fit(X, y)
    assert_array_equal(weights_of(model), weights_of(one))


def test_a_validation_fraction_that_is_too_small_for_a_score_says_so(regressor, X):
    """R² needs two samples, so one more than asked for is split off."""
    y = target_for(regressor, 30)
    model = make(regressor, early_stopping=True, validation_fraction=0.01)
    with pytest.warns(UserWarning, match="of 30 samples is 1, .* needs at least 2: 2 samples") as w:
        model.fit(X, y)
    assert w[0].filename == __file__
    model.set_params(validation_fraction=0.1).fit(X, y)  # three, in silence


def test_partial_fit_makes_one_pass_from_one_start(network):
    (X, y), _ = halves(network)
    classes = {"classes": np.unique(y)} if network is ManualMLPClassifier else {}
    one, several = (make(network, n_init=n).partial_fit(X, y, **classes) for n in (1, 5))
    assert_array_equal(weights_of(several), weights_of(one))
