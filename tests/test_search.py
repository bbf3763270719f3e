"""Pipelines, searches, metadata: what scikit-learn does around an estimator."""

import warnings

import numpy as np
import pytest
import sklearn
from helpers import REGRESSORS, make, target_for, weights_of
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingRegressor, VotingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)


@pytest.fixture
def rows():
    return np.random.RandomState(0).normal(size=(60, 4))


def in_pipeline(cls, **params):
    return Pipeline([("scale", StandardScaler()), ("net", make(cls, **params))])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_over_eta_and_batch_size(cls, n_jobs, rows):
    y = target_for(cls, 60)
    grid = {"net__eta": [0.01, 0.1], "net__batch_size": [1, 8, None]}
    search = GridSearchCV(in_pipeline(cls, max_iter=5), grid, cv=3, n_jobs=n_jobs)
    search.fit(rows, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert set(search.best_params_) == set(grid)
    assert search.predict(rows).shape == (60,)


def test_search_goes_on_where_an_eta_diverges(cls, rows):
    y = target_for(cls, 60)
    rows = rows * 1e3
    grid = {"eta": [1e-8, 1.7e308]}
    search = GridSearchCV(make(cls, solver="sgd", batch_size=4), grid, cv=3, error_score=np.nan)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(rows, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores[0])
    assert np.isnan(scores[1])
    assert search.best_params_ == {"eta": 1e-8}
    failed = [str(w.message) for w in caught if w.category is FitFailedWarning]
    assert "Training diverged" in failed[0]
    assert "smaller eta" in failed[0]


def test_search_inside_the_optimizer(cls, rows):
    y = target_for(cls, 60)
    model = make(cls, solver=SGD(), max_iter=5)
    search = RandomizedSearchCV(
        model, {"solver__momentum": np.linspace(0, 0.9, 4)}, n_iter=3, cv=2, random_state=0
    ).fit(rows, y)
    assert model.solver == SGD()  # the search works on clones
    assert 0.0 <= search.best_estimator_.solver.momentum <= 0.9


def test_clone_and_params(cls):
    model = make(cls, solver=SGD(0.5), batch_size=None)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert twin.solver is not model.solver
    twin.set_params(solver__momentum=0.1)
    assert model.solver.momentum == 0.5
    assert cls().set_params(**model.get_params(deep=False)).solver is model.solver
    assert repr(cls()) == f"{cls.__name__}()"


def test_fit_does_not_write_to_parameters(cls, rows):
    solver = SGD(0.9)
    model = make(cls, solver=solver)
    before = model.get_params(deep=False)
    model.fit(rows, target_for(cls, 60))
    assert model.get_params(deep=False) == before
    assert model.solver is solver


def test_metadata_routing(cls, rows):
    """sample_weight reaches fit and score by request, inside a pipeline and a search."""
    y, weight = target_for(cls, 60), np.random.RandomState(1).uniform(0.1, 3, size=60)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make(cls).set_fit_request(sample_weight=True, coef_init=False)
        scorer = get_scorer("r2" if cls in REGRESSORS else "accuracy")
        scorer = scorer.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model)
        routed = pipeline.fit(rows, y, sample_weight=weight).predict(rows)
        weights = {"sample_weight": weight}
        scores = cross_val_score(pipeline, rows, y, params=weights, scoring=scorer, cv=3)
        assert np.isfinite(scores).all()
        grid = {f"{cls.__name__.lower()}__eta": [model.eta]}
        search = GridSearchCV(pipeline, grid, scoring=scorer, cv=2).fit(rows, y, **weights)
        np.testing.assert_array_equal(search.predict(rows), routed)
        request = make(cls).set_partial_fit_request(sample_weight=True)
        assert request.get_metadata_routing().partial_fit.requests["sample_weight"] is True
    direct = (
        make(cls)
        .fit(StandardScaler().fit_transform(rows), y, weight)
        .predict(StandardScaler().fit_transform(rows))
    )
    np.testing.assert_array_equal(routed, direct)


def test_sample_weight_through_a_pipeline_by_name(cls, rows):
    y, weight = target_for(cls, 60), np.linspace(0.1, 2, 60)
    model = in_pipeline(cls).fit(rows, y, net__sample_weight=weight)
    direct = make(cls).fit(StandardScaler().fit_transform(rows), y, weight)
    np.testing.assert_array_equal(weights_of(model[-1]), weights_of(direct))


def test_classifiers_in_meta_estimators(rows):
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    net, neuron = make(ManualMLPClassifier), make(LogisticNeuronClassifier)
    for meta in (
        OneVsRestClassifier(neuron),
        CalibratedClassifierCV(net, cv=2),
        VotingClassifier([("net", net), ("neuron", neuron)], voting="soft"),
    ):
        assert meta.fit(rows, y).predict(rows).shape == (60,)


def test_regressors_in_meta_estimators(rows):
    y = np.random.RandomState(0).normal(size=60)
    for model in (make(SigmoidNeuronRegressor), make(ManualMLPRegressor)):
        assert np.isfinite(BaggingRegressor(model, 2).fit(rows, y).predict(rows)).all()
