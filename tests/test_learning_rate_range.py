"""The learning rate range: each point is a fit that one could make oneself."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.inspection import LearningRateRangeDisplay
from sklearn_neuron.inspection._diagnosis.learning_rate_range import recommended_range

pytest.importorskip("matplotlib")
X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
rate_range = LearningRateRangeDisplay.from_estimator


def test_each_point_is_a_fit():
    model = ManualMLPClassifier((8,), solver="sgd", alpha=0.1, random_state=3, schedule="cosine")
    display = rate_range(model, X, y, etas=[1e-2, 1e-3, 0.1], n_epochs=4)
    assert_array_equal(display.etas, [1e-3, 1e-2, 0.1])
    for eta, loss in zip(display.etas, display.loss, strict=True):
        short = clone(model).set_params(
            eta=eta, max_iter=4, tol=None, early_stopping=False, schedule="constant"
        )
        proba = short.fit(X, y).predict_proba(X)
        assert loss == pytest.approx(log_loss(y, proba), rel=1e-9)
    start = clone(short).set_params(eta=1e-300, max_iter=1).fit(X, y)
    assert display.start_loss == pytest.approx(log_loss(y, start.predict_proba(X)), rel=1e-9)
    assert display.eta == model.eta
    assert_allclose(display.line_.get_data(), [display.etas, display.loss])
    assert "3 rates, each 4 epochs (20 updates)" in display.ax_.get_title()


def test_a_pipeline_fitted_or_not_and_left_alone():
    raw, target = load_breast_cancer(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LogisticNeuronClassifier(random_state=0))
    display = rate_range(pipeline, raw, target, etas=[0.01, 0.1])
    assert not hasattr(pipeline[-1], "coef_")
    pipeline.fit(raw, target)
    before = pickle.dumps(pipeline)
    again = rate_range(pipeline, raw, target, etas=[0.01, 0.1])
    assert pickle.dumps(pipeline) == before
    assert_array_equal(display.loss, again.loss)
    scaled = pipeline[0].transform(raw)
    alone = rate_range(LogisticNeuronClassifier(random_state=0), scaled, target, etas=[0.01, 0.1])
    assert_array_equal(display.loss, alone.loss)
    assert display.eta == again.eta == pipeline[-1].eta_  # "auto", of the scaled rows


@pytest.mark.parametrize("seed", [None, 0, np.random.RandomState(0)])
def test_the_same_start_each_time(seed):
    model = ManualMLPClassifier((8,), random_state=copy.deepcopy(seed))
    display = rate_range(model, X, y, etas=[1e-250, 1e-240, 1e-230], n_epochs=1)
    assert_allclose(display.loss, display.start_loss)  # no step moves anything
    stepped = rate_range(model, X, y, etas=[1e-2, 1e-2 * (1 + 1e-9)], n_epochs=3)
    assert_allclose(*stepped.loss, rtol=1e-6)  # the same batches, too


def test_training_that_diverges_is_a_gap_with_a_mark():
    raw, target = load_diabetes(return_X_y=True)
    model = ManualMLPRegressor((8,), solver="sgd", random_state=0)
    display = rate_range(model, raw, target, etas=[1e-4, 1e-3, 1e8], n_epochs=6)
    with pytest.raises(DivergenceError):
        clone(model).set_params(eta=1e8, max_iter=6, tol=None, early_stopping=False).fit(
            raw, target
        )
    assert_array_equal(np.isnan(display.loss), [False, False, True])
    assert_array_equal(display.diverged_.get_xdata(), [1e8])
    assert display.recommended[1] <= 1e-3


def test_the_grid_and_the_number_of_epochs():
    display = rate_range(ManualMLPClassifier((4,), eta=0.02, batch_size=None), X, y)
    assert len(display.etas) == 25
    assert_allclose(display.etas[[0, 12, 24]], [2e-5, 0.02, 20.0])
    assert "each 100 epochs (100 updates)" in display.title
    display = rate_range(SigmoidNeuronRegressor(batch_size=10), X, y == 2, etas=[0.1, 1.0])
    assert "each 7 epochs (105 updates)" in display.title


def test_what_is_recommended():
    etas = np.logspace(-4, 1, 6)
    loss = np.array([0.99, 0.7, 0.45, 0.2, 0.6, np.nan])
    assert recommended_range(etas, loss, 1.0) == (etas[1], etas[3])  # steepest to the lowest
    assert recommended_range(etas, np.full(6, 1.5), 1.0) is None
    assert recommended_range(etas, np.full(6, np.nan), 1.0) is None
    broken = np.array([0.3, 0.9, 0.3, 0.2, 0.3, 0.3])  # not across a break
    assert recommended_range(etas, broken, 1.0) == (etas[0], etas[0])
    steep = np.array([0.99, 0.95, 0.9, 0.3, 0.9, 1.2])  # the steepest up to the end
    assert recommended_range(etas, steep, 1.0) == (etas[2], etas[3])
    near = np.array([0.1, 0.2])  # the only good rate is next to one that is too large
    assert recommended_range(near, np.array([0.3, 5.0]), 1.0) is None


def test_the_recommended_range_stays_away_from_the_cliff_and_where_the_loss_falls():
    etas = np.logspace(-5, 1, 25)
    falling = 1.0 / (1.0 + etas / 1e-3)  # the steepest at 1e-3
    cliff = np.where(etas < 0.9, falling, np.nan)  # the first that diverges is 1
    low, high = recommended_range(etas, cliff, 1.0)
    assert 1e-3 <= low <= 1.8e-3
    assert 0.05 <= high <= 1.0 / 3.0
    rising = np.where(etas < 0.9, falling, 0.2)  # the same if it rises
    assert recommended_range(etas, rising, 1.0) == (low, high)
    bump = np.where(np.isclose(etas, etas[14], rtol=0.1), 0.5, falling)  # 0.032
    assert recommended_range(etas, bump, 1.0)[1] <= etas[14] / 3.0
    noisy = falling + 0.01 * np.cos(40.0 * np.arange(25))  # no rise is clear
    assert recommended_range(etas, noisy, 1.0)[1] > 0.03
    low, high = recommended_range(etas, 1e-9 + np.exp(-etas / 1e-3), 1.0)  # flat from 0.01 on
    assert high < 0.01
    slow = recommended_range(etas, 1.0 - 0.1 * np.log10(etas / 1e-5), 1.0)
    assert slow == (etas[16], etas[24])  # two decades


@pytest.mark.parametrize("load", [load_iris, load_wine, load_digits])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_the_recommended_range_of_real_data(load, solver):
    raw, target = load(return_X_y=True)
    model = ManualMLPClassifier((32,), solver=solver, random_state=0)
    display = rate_range(model, StandardScaler().fit_transform(raw), target)
    low, high = display.recommended
    assert low < high <= 100.001 * low
    inside = (display.etas >= low) & (display.etas <= high)
    beyond = (display.etas > high) & (display.etas < 2.9 * high)
    assert display.loss[inside].max() < 0.6 * display.start_loss
    assert np.diff(display.loss[inside]).max() < 0.03 * display.start_loss
    assert display.loss[beyond].max() < 0.2 * display.start_loss


def test_what_is_refused():
    with pytest.raises(ValueError, match="has no learning rate"):
        rate_range(LogisticNeuronClassifier(solver="lbfgs"), X, y)
    with pytest.raises(ValueError, match="'solver' parameter of LogisticNeuronClassifier must be"):
        rate_range(LogisticNeuronClassifier(solver="foo"), X, y)
    for etas in ([0.1], [0.1, -1.0], [0.1, np.inf], [0.0, 0.1], "abc", [0.1, "b"]):
        with pytest.raises(ValueError, match="etas must be at least two positive"):
            rate_range(LogisticNeuronClassifier(), X, y, etas=etas)
    for n_epochs in (0, 1.5, "many"):
        with pytest.raises((TypeError, ValueError), match="n_epochs"):
            rate_range(LogisticNeuronClassifier(), X, y, n_epochs=n_epochs)


def test_weights_count():
    weight = (y > 0).astype(float)
    model = LogisticNeuronClassifier(random_state=0)
    display = rate_range(model, X, y, sample_weight=weight, etas=[0.01, 0.1], n_epochs=2)
    kept = model.set_params(eta=0.1, max_iter=2, tol=None).fit(X, y, sample_weight=weight)
    proba = kept.predict_proba(X)
    assert display.loss[1] == pytest.approx(log_loss(y, proba, sample_weight=weight))


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_it_is_drawn_in_any_style(style):
    from matplotlib import pyplot as plt

    with plt.style.context(style):
        _, ax = plt.subplots()
        model = LogisticNeuronClassifier(random_state=0)
        display = rate_range(model, X, y, etas=[0.01, 0.1, 1e6], ax=ax, color="red")
        assert display.ax_ is ax
        assert display.line_.get_color() == "red"
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert f"own: eta={display.eta:.2g}" in labels
        assert any(label.startswith("recommended") for label in labels)
        display.figure_.canvas.draw()
