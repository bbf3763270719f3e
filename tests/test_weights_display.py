"""The picture of the weights: distributions that add up, and images of the right units."""

import numpy as np
import pytest
from helpers import make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron.inspection import WeightsDisplay

pytest.importorskip("matplotlib")
DIGITS = load_digits(return_X_y=True)


def test_the_distribution_is_one_of_all_weights():
    model = make(ManualMLPClassifier, hidden_layer_sizes=(16, 8), record="epoch").fit(*DIGITS)
    display = WeightsDisplay.from_estimator(model)
    assert list(display.axes_) == ["W1", "W2", "W3"]
    for l, name in enumerate(display.axes_):
        line, biases, start = display.lines_[name]
        x, height = line.get_data()
        assert_allclose(np.trapezoid(height, x), 1.0)  # the sum of steps: x is doubled
        for values, drawn in (
            (model.coefs_[l], line),
            (model.start_["coefs"][l], start),
        ):
            edges = drawn.get_xdata()[::2]
            assert_allclose([edges[0], edges[-1]], [values.min(), values.max()])
            density, _ = np.histogram(values, bins=edges, density=True)
            assert_allclose(drawn.get_ydata()[1:-1:2], density)
        assert_array_equal(biases.get_xdata(), model.intercepts_[l])
        norm = np.linalg.norm(model.coefs_[l])
        assert (
            f"{model.coefs_[l].size} weights, ‖W‖ = {norm:.3g}" in display.axes_[name].get_title()
        )


def test_each_image_is_a_unit():
    model = make(ManualMLPClassifier, hidden_layer_sizes=(12,)).fit(*DIGITS)
    display = WeightsDisplay.from_estimator(model, image_shape=(8, 8), max_images=5)
    largest = np.argsort(-np.linalg.norm(model.coefs_[0], axis=0))[:5]
    assert_array_equal(display.units_, np.sort(largest))
    tiles = np.ma.filled(display.image_.get_array(), np.nan)
    assert tiles.shape == (17, 26)  # two rows of three, with a pixel between them
    for k, unit in enumerate(display.units_):
        top, left = 9 * (k // 3), 9 * (k % 3)
        assert_array_equal(
            tiles[top : top + 8, left : left + 8], model.coefs_[0][:, unit].reshape(8, 8)
        )
    assert np.isnan(tiles[8]).all()
    low, high = display.image_.get_clim()
    assert -low == high == np.abs(model.coefs_[0][:, largest]).max()
    assert display.axes_["images"].get_title() == "W1: 5 of 12 units"


def test_any_epoch():
    X, y = load_iris(return_X_y=True)
    model = make(ManualMLPClassifier, record="step", batch_size=50, max_iter=4).fit(X, y)
    for epoch, row in ((0, 2), (2, 8)):
        display = WeightsDisplay.from_estimator(model, epoch=epoch)
        for shown, coef in zip(display.weights, model.history_["coefs"][row], strict=True):
            assert_array_equal(shown, coef)
        assert f"epoch {epoch}" in display.title
    start = WeightsDisplay.from_estimator(model, epoch=-1)
    assert_array_equal(start.weights[0], model.start_["coefs"][0])
    assert start.start is None
    for epoch in (4, -2, "last", 0.5, True):
        with pytest.raises(ValueError, match="epoch"):
            WeightsDisplay.from_estimator(model, epoch=epoch)
    with pytest.raises(ValueError, match="record='epoch'"):
        WeightsDisplay.from_estimator(make(ManualMLPClassifier).fit(X, y), epoch=0)


def test_every_estimator_and_a_pipeline(cls, X):
    y = target_for(cls, 30)
    pipeline = make_pipeline(StandardScaler(), make(cls)).fit(X, y)
    display = WeightsDisplay.from_estimator(pipeline)
    shown = np.concatenate([np.ravel(part) for part in (*display.weights, *display.biases)])
    assert_array_equal(shown, weights_of(pipeline[-1]))
    display.figure_.canvas.draw()


def test_sparse_weights_and_few():
    X, y = load_iris(return_X_y=True)
    model = make(LogisticNeuronClassifier).fit(X, y == 0)
    dense = WeightsDisplay.from_estimator(model)
    thin = WeightsDisplay.from_estimator(model.sparsify())
    assert_array_equal(dense.weights[0], thin.weights[0])
    line, _ = thin.lines_["w"]
    assert_array_equal(line.get_xdata(), dense.weights[0].ravel())  # a mark for each


def test_what_is_refused():
    with pytest.raises(NotFittedError):
        WeightsDisplay.from_estimator(ManualMLPClassifier())
    model = make(ManualMLPClassifier).fit(*DIGITS)
    for shape in ((8, 7), 64, (8.0, 8.0), (-8, -8), (4, 4, 4)):
        with pytest.raises(ValueError, match=r"image_shape must be .* product of 64"):
            WeightsDisplay.from_estimator(model, image_shape=shape)
    with pytest.raises(ValueError, match="max_images"):
        WeightsDisplay.from_estimator(model, max_images=0)
