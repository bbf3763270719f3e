"""At: the estimator as it was."""

import copy
import pickle

import numpy as np
import pytest
from helpers import make, raw_output_of, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier, Record
from sklearn_neuron.inspection import JournalDisplay, LossSurfaceDisplay, at, backprop_trace


@pytest.mark.parametrize("kind", ["epoch", "step"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_it_is_the_estimator_that_shorter_training_gives(cls, kind, solver, X):
    if cls.__name__ == "PerceptronClassifier":
        solver = "sgd"
    y = target_for(cls, 30)
    params = {"batch_size": 8, "random_state": 0, "solver": solver, "record": kind}
    long = make(cls, max_iter=6, **params).fit(X, y)
    before = pickle.dumps(long)
    for n in (1, 3, 6):
        short, earlier = make(cls, max_iter=n, **params).fit(X, y), at(long, epoch=n - 1)
        assert_array_equal(weights_of(earlier), weights_of(short))
        assert_array_equal(earlier.predict(X), short.predict(X))
        assert_array_equal(earlier.loss_curve_, short.loss_curve_)
        for name in ("n_iter_", "loss_", "best_loss_", "best_iter_"):
            assert getattr(earlier, name) == getattr(short, name)
        assert pickle.dumps(earlier.history_) == pickle.dumps(short.history_)
    assert pickle.dumps(long) == before


def test_a_step_is_an_update(X):
    y = target_for(ManualMLPClassifier, 30)
    model = make(ManualMLPClassifier, record="step", batch_size=8, max_iter=3).fit(X, y)
    for step in range(12):
        rows = model.history_["rows"][step]
        before, after = at(model, step=step - 1), at(model, step=step)
        assert_allclose(
            backprop_trace(before, X[rows], y[rows]).objective, model.history_["loss"][step],
            rtol=1e-12,
        )  # fmt: skip
        assert_allclose(
            backprop_trace(after, X[rows], y[rows]).objective, model.history_["loss_after"][step],
            rtol=1e-12,
        )  # fmt: skip
        assert after.n_iter_ == len(after.loss_curve_) == (step + 1) // 4
    assert_array_equal(weights_of(at(model, step=11)), weights_of(model))
    assert_array_equal(weights_of(at(model, step=7)), weights_of(at(model, epoch=1)))


def test_the_start(cls, X):
    y = target_for(cls, 30)
    model = make(cls, record="epoch", max_iter=3).fit(X, y)
    start = at(model, epoch=-1)
    assert_array_equal(weights_of(start), weights_of(at(model, step=-1)))
    assert start.n_iter_ == 0
    assert np.isnan(start.loss_)
    assert_array_equal(start.loss_curve_, [])
    assert np.isfinite(raw_output_of(start, X)).all()
    if "coef_" in vars(model):
        assert not weights_of(start).any()


def test_a_pipeline(X, pd):
    y = target_for(LogisticNeuronClassifier, 30)
    pipeline = make_pipeline(StandardScaler(), make(LogisticNeuronClassifier, record="epoch"))
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    pipeline.fit(frame, y)
    before = pipeline.predict(frame)
    earlier = at(pipeline, epoch=0)
    assert_array_equal(earlier[0].mean_, pipeline[0].mean_)
    own = at(pipeline[-1], epoch=0)
    assert_array_equal(earlier.predict(frame), own.predict(pipeline[:-1].transform(frame)))
    assert_array_equal(pipeline.predict(frame), before)
    assert earlier[-1] is not pipeline[-1]


def test_what_is_done_to_it_does_not_reach_the_original(cls, X):
    y = target_for(cls, 30)
    model = make(cls, record="epoch", max_iter=4).fit(X, y)
    before = pickle.dumps(model)
    earlier = at(model, epoch=1)
    for part in earlier.coefs_ if hasattr(earlier, "coefs_") else [earlier.coef_]:
        part[...] = 7.0
    classes = {"classes": np.unique(y)} if y.dtype == int else {}
    earlier.partial_fit(X, y, **classes)
    assert pickle.dumps(model) == before
    clone(earlier).fit(X, y)
    pickle.loads(pickle.dumps(earlier)).predict(X)


def test_single_precision_records_of_a_model_in_double_precision(X):
    y = target_for(ManualMLPClassifier, 30)
    record = Record("epoch", dtype="float32", every=2)
    model = make(ManualMLPClassifier, record=record, max_iter=5).fit(X, y)
    assert at(model, epoch=3).coefs_[0].dtype == np.float64
    assert at(model, epoch=4).predict_proba(X).dtype == np.float64
    assert_allclose(weights_of(at(model, epoch=4)), weights_of(model), rtol=1e-6)
    with pytest.raises(ValueError, match=r"no epoch 2 in the record, which has 1, 3, 4, and -1"):
        at(model, epoch=2)


def test_validation_curves_end_there(X):
    y = target_for(ManualMLPClassifier, 30)
    model = make(ManualMLPClassifier, record="epoch", max_iter=5).fit(X, y, X_val=X, y_val=y)
    earlier = at(model, epoch=1)
    assert_array_equal(earlier.validation_scores_, model.validation_scores_[:2])
    assert_array_equal(earlier.validation_loss_curve_, model.validation_loss_curve_[:2])
    assert earlier.score(X, y) == model.validation_scores_[1]
    assert earlier.best_validation_score_ == earlier.validation_scores_[earlier.best_iter_]
    assert earlier.best_validation_score_ == earlier.score(X, y)
    assert np.isnan(at(model, epoch=-1).best_validation_score_)


@pytest.mark.usefixtures("plt")
def test_displays_of_the_past(X):
    y = target_for(LogisticNeuronClassifier, 30, classes=2)
    model = make(LogisticNeuronClassifier, record="epoch", max_iter=9).fit(X, y)
    earlier = at(model, epoch=3)
    assert len(JournalDisplay.from_estimator(earlier).index) == 4
    display = LossSurfaceDisplay.from_estimator(earlier, X, y, directions="pca", grid_resolution=5)
    assert len(display.path) == 5


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({}, ValueError, "either epoch or step"),
        ({"epoch": 1, "step": 1}, ValueError, "either epoch or step"),
        ({"epoch": -2}, ValueError, r"an int in the range \[-1"),
        ({"epoch": 1.0}, TypeError, "an int"),
        ({"epoch": 4}, ValueError, "no epoch 4 in the record, which has 0 to 3, and -1"),
        ({"step": 2}, ValueError, "step requires a fit with record='step'"),
    ],
)
def test_what_is_not_there(how, error, words, X):
    y = target_for(LogisticNeuronClassifier, 30)
    model = make(LogisticNeuronClassifier, record="epoch", max_iter=4).fit(X, y)
    with pytest.raises(error, match=words):
        at(model, **how)


def test_no_record_and_no_fit(X):
    y = target_for(LogisticNeuronClassifier, 30)
    model = make(LogisticNeuronClassifier)
    with pytest.raises(NotFittedError):
        at(model, epoch=0)
    with pytest.raises(ValueError, match="recorded no parameters"):
        at(copy.copy(model).fit(X, y), epoch=0)


def test_the_end_of_an_epoch_in_a_thinned_record_of_steps(X):
    y = target_for(LogisticNeuronClassifier, 30)
    record = Record("step", every=4)
    model = make(LogisticNeuronClassifier, record=record, batch_size=10, max_iter=5).fit(X, y)
    assert_array_equal(model.history_["step"], [3, 7, 11, 14])
    with pytest.raises(ValueError, match="end of epoch 1 is not in the record, which has steps 3"):
        at(model, epoch=1)
    assert_array_equal(weights_of(at(model, epoch=4)), weights_of(model))


def test_an_epoch_whose_end_was_thinned_out_is_not_complete(X):
    y = target_for(LogisticNeuronClassifier, 30)
    record = Record("step", every=4)
    model = make(LogisticNeuronClassifier, record=record, batch_size=6, max_iter=3).fit(X, y)
    assert_array_equal(model.history_["step"], [3, 7, 11, 14])
    assert_array_equal(model.history_["epoch"], [0, 1, 2, 2])
    assert [at(model, step=step).n_iter_ for step in (-1, 3, 7, 11, 14)] == [0, 0, 1, 2, 3]
    assert_array_equal(at(model, step=3).loss_curve_, [])
