"""scikit-learn's callbacks: a task for each epoch or iteration, wherever an estimator stands."""

import numpy as np
import pytest
from helpers import CLASSIFIERS, NETWORKS, WITH_LBFGS, make, target_for, weights_of
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import SGD, LogisticNeuronClassifier, ManualMLPClassifier

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 brings callbacks")


class Recorder:
    """Keep what is told, and ask to stop at a task where wished."""

    def __init__(self, stop_at=None):
        self.stop_at = stop_at
        self.begun, self.ended, self.models, self.frame = [], [], [], []

    def setup(self, estimator, context):
        self.frame.append("setup")

    def teardown(self, estimator, context):
        self.frame.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.begun.append((context.task_name, context.task_id))
        self.data = X, y, metadata

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.ended.append((context.task_name, context.task_id))
        if fitted_estimator is not None:
            self.models.append(fitted_estimator)
        return context.task_name != "fit" and context.task_id == self.stop_at


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
@pytest.mark.parametrize("batch_size", [8, None])
def test_a_task_for_each_epoch(cls, solver, batch_size, X):
    if solver == "lbfgs" and cls not in WITH_LBFGS:
        pytest.skip("no lbfgs")
    y, recorder = target_for(cls, 30), Recorder()
    params = {"solver": solver, "batch_size": batch_size, "max_iter": 4, "record": "epoch"}
    plain = make(cls, **params).fit(X, y)
    model = make(cls, **params).set_callbacks(recorder).fit(X, y)
    unit = "iteration" if solver == "lbfgs" else "epoch"
    assert recorder.begun == [("fit", 0), *((unit, k) for k in range(4))]
    assert recorder.ended == [*((unit, k) for k in range(4)), ("fit", 0)]
    assert recorder.frame == ["setup", "teardown"]
    assert recorder.data[0] is X
    assert recorder.data[1] is y
    assert_array_equal(weights_of(model), weights_of(plain))
    name = model._layout.names[0]
    for epoch, seen in enumerate(recorder.models[:-1]):
        as_it_was = plain.history_[name][epoch]
        now = getattr(seen, f"{name}_")
        for ours, theirs in zip(np.atleast_1d(now) if not isinstance(now, list) else now,
                                np.atleast_1d(as_it_was) if not isinstance(as_it_was, list)
                                else as_it_was, strict=True):  # fmt: skip
            assert_array_equal(ours, theirs)
        assert np.isfinite(seen.predict(X)).all()
    assert_array_equal(recorder.models[-1].predict(X), model.predict(X))


def test_a_callback_may_stop(cls, X):
    for solver in ("sgd", "lbfgs") if cls in WITH_LBFGS else ("sgd",):
        recorder = Recorder(stop_at=2)
        model = make(cls, solver=solver, tol=0.0).set_callbacks(recorder)
        model.fit(X, target_for(cls, 30))
        assert model.n_iter_ == 3
        assert recorder.begun[-1][1] == 2
        assert len(recorder.begun) == len(recorder.ended)


@pytest.mark.parametrize("solver", ["newton", "newton-cg"])
def test_a_callback_may_stop_iterations_of_newton(solver, X):
    recorder = Recorder(stop_at=1)
    model = make(LogisticNeuronClassifier, solver=solver, alpha=1e-3, tol=None, max_iter=50)
    model.set_callbacks(recorder).fit(X, target_for(LogisticNeuronClassifier, 30))
    assert model.n_iter_ == 2


def test_weights_are_metadata(X):
    recorder, weight = Recorder(), np.arange(30.0)
    make(LogisticNeuronClassifier).set_callbacks(recorder).fit(X, np.arange(30) % 3, weight)
    assert recorder.data[2]["sample_weight"] is weight


def test_several_starts_are_one_fit(X):
    recorder = Recorder()
    model = make(ManualMLPClassifier, n_init=3, max_iter=2).set_callbacks(recorder)
    model.fit(X, np.arange(30) % 3)
    assert [k for _, k in recorder.ended[:-1]] == list(range(6))


def test_averages_are_what_callbacks_see(X):
    recorder, y = Recorder(), np.arange(30) % 3
    model = make(LogisticNeuronClassifier, solver=SGD(average=True)).set_callbacks(recorder)
    assert_array_equal(recorder.models[-1].coef_ if model.fit(X, y) else 0, model.coef_)
    assert_array_equal(recorder.models[-2].coef_, model.coef_)


def test_teardown_comes_after_an_error_too(X):
    recorder = Recorder()
    model = make(LogisticNeuronClassifier).set_callbacks(recorder)
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X, np.arange(29) % 3)
    assert recorder.frame == ["setup", "teardown"]
    assert not hasattr(model, "_callback_fit_ctx")
    assert not hasattr(model, "n_iter_")
    model.fit(X, np.arange(30) % 3)
    assert recorder.frame == ["setup", "teardown"] * 2


def test_inside_a_pipeline_and_a_search(X):
    y = np.arange(30) % 3
    for cls in CLASSIFIERS:
        monitor = callback.ScoringMonitor(scoring="accuracy")
        model = make_pipeline(StandardScaler(), make(cls, max_iter=3).set_callbacks(monitor))
        model.fit(X, y)
        rows = monitor.get_logs().data
        scores = rows if isinstance(rows, list) else list(rows)
        assert len(scores) >= 3


def test_progress_bars_of_a_search(X):
    y = target_for(LogisticNeuronClassifier, 30)
    pytest.importorskip("rich", reason="ProgressBar draws with it")
    name = LogisticNeuronClassifier.__name__.lower()
    pipeline = make_pipeline(StandardScaler(), make(LogisticNeuronClassifier, max_iter=3))
    search = GridSearchCV(pipeline, {f"{name}__eta": [0.01, 0.1]}, cv=2)
    plain = search.fit(X, y).best_score_
    search.set_callbacks(callback.ProgressBar())
    assert search.fit(X, y).best_score_ == plain


def test_without_callbacks_there_is_no_trace_of_them(cls, X):
    model = make(cls).fit(X, target_for(cls, 30))
    assert not any("callback" in name for name in vars(model))
    assert NETWORKS


class Snapshots(Recorder):
    """Keep the fitted estimator at the begin of each task, too."""

    def __init__(self):
        super().__init__()
        self.starts = []

    def on_fit_task_begin(self, estimator, context, *, X=None, fitted_estimator=None):
        self.starts.append((context.task_name, fitted_estimator))


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_a_fitted_estimator_at_every_begin_and_its_curves_at_every_end(cls, solver, X, pd):
    if solver == "lbfgs" and cls not in WITH_LBFGS:
        pytest.skip("no lbfgs")
    y, recorder = target_for(cls, 30), Snapshots()
    model = make(cls, solver=solver, max_iter=4, record="epoch").set_callbacks(recorder)
    model.fit(pd.DataFrame(X, columns=list("abcd")), y)
    unit = "iteration" if solver == "lbfgs" else "epoch"
    assert [name for name, _ in recorder.starts[:2]] == ["fit", unit]
    assert len(recorder.starts) == 1 + 4
    for k, (_, seen) in enumerate(recorder.starts):
        done = max(0, k - 1)  # the whole fit and its first epoch begin at the same place
        assert seen.n_iter_ == len(seen.loss_curve_) == len(seen.history_["epoch"]) == done
        assert_array_equal(seen.feature_names_in_, list("abcd"))
        assert np.isfinite(seen.predict(pd.DataFrame(X, columns=list("abcd")))).all()
    for done, seen in enumerate(recorder.models[:-1], 1):
        assert seen.n_iter_ == done
        assert_array_equal(seen.loss_curve_, model.loss_curve_[:done])
        assert seen.loss_ == model.loss_curve_[done - 1]
        assert_array_equal(seen.history_["loss"], model.history_["loss"][:done])
        assert seen.engine_ == model.engine_
    assert_array_equal(vars(recorder.models[-1])["loss_curve_"], model.loss_curve_)


def test_the_first_begin_shows_the_start_of_training(X):
    recorder, y = Snapshots(), np.arange(30) % 3
    start = {"coef_init": np.full((3, 4), 0.5), "intercept_init": np.arange(3.0)}
    make(LogisticNeuronClassifier).set_callbacks(recorder).fit(X, y, **start)
    assert_array_equal(recorder.starts[0][1].coef_, start["coef_init"])
    assert_array_equal(recorder.starts[1][1].intercept_, start["intercept_init"])


def test_a_task_that_training_does_not_reach_has_an_estimator_too(cls, X):
    """The next epoch's task has begun when the plateau ends training."""
    recorder = Recorder()
    model = make(cls, tol=100.0, n_iter_no_change=2, max_iter=50).set_callbacks(recorder)
    model.fit(X, target_for(cls, 30))
    assert model.n_iter_ == 3
    assert len(recorder.models) == len(recorder.ended)
    assert recorder.models[-1].n_iter_ == recorder.models[-2].n_iter_ == 3


def test_a_fitted_estimator_of_a_task_can_be_trained_on(cls, X):
    """By partial_fit and by a warm start, as the estimator itself could be at that moment."""
    y, recorder = target_for(cls, 30), Recorder()
    how = {"solver": "adam", "batch_size": 8, "random_state": 3}
    make(cls, max_iter=5, **how).set_callbacks(recorder).fit(X, y)
    for done, seen in enumerate(recorder.models, 1):
        direct = make(cls, max_iter=min(done, 5), warm_start=True, **how).fit(X, y)
        seen.set_callbacks().set_params(warm_start=True, max_iter=2).fit(X, y)
        assert_array_equal(weights_of(seen), weights_of(direct.set_params(max_iter=2).fit(X, y)))
        assert len(seen.partial_fit(X, y).loss_curve_) == 1


def test_a_task_ends_once_even_if_a_callback_raises(X):
    class Interrupter(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)
            if (context.task_name, context.task_id) == ("epoch", 2):
                raise KeyboardInterrupt

    recorder = Interrupter()
    model = make(LogisticNeuronClassifier).set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, np.arange(30) % 2)
    assert len(recorder.ended) == len(set(recorder.ended))
    assert model.n_iter_ == 3
