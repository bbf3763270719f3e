"""The picture of a diagnosis: what is drawn are the numbers."""

import numpy as np
import pytest
from helpers import make
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier, SigmoidNeuronRegressor
from sklearn_neuron.inspection import DiagnosisDisplay, diagnose

pytest.importorskip("matplotlib")
X, y = load_iris(return_X_y=True)


def test_a_line_for_each_layer():
    model = make(ManualMLPClassifier, hidden_layer_sizes=(6, 5), activation=["tanh", "relu"])
    model.set_params(record="epoch").fit(X, y)
    display, found = DiagnosisDisplay.from_estimator(model, X, y), diagnose(model, X, y)
    assert list(display.axes_) == ["loss", "delta", "gradient", "ratio", "dead", "saturated"]
    for name in ("delta", "gradient", "ratio"):
        lines = display.lines_[name]
        assert [line.get_label() for line in lines] == ["1", "2", "3"]
        for l, line in enumerate(lines):
            assert_allclose(line.get_xdata(), found.epochs)
            assert_allclose(line.get_ydata(), getattr(found, name)[:, l])
        assert len({(line.get_linestyle(), line.get_color()) for line in lines}) == 3
    assert_allclose(display.lines_["dead"][1].get_ydata(), 100.0 * found.dead[:, 1])
    assert len(display.lines_["saturated"]) == 1
    mean, median, high = display.lines_["loss"]
    assert_allclose(mean.get_ydata(), found.loss.mean(axis=1))
    assert_allclose(median.get_ydata(), np.median(found.loss, axis=1))
    assert_allclose(high.get_ydata(), np.quantile(found.loss, 0.95, axis=1))
    assert display.ax_ is display.axes_["loss"]
    assert display.ax_.figure is display.figure_


def test_a_single_epoch_is_drawn_over_the_layers():
    model = make(ManualMLPClassifier).fit(X, y)
    display, found = DiagnosisDisplay.from_estimator(model, X, y), diagnose(model, X, y)
    assert list(display.axes_) == ["loss", "delta", "gradient", "dead"]
    (line,) = display.lines_["delta"]
    assert_allclose(line.get_data(), [[1, 2], found.delta[0]])
    assert_allclose(display.lines_["loss"][0].get_ydata(), np.sort(found.loss[0]))


@pytest.mark.parametrize("style", ["default", "dark_background", "grayscale"])
def test_axes_are_taken_one_or_all(style):
    from matplotlib import pyplot as plt

    with plt.style.context(style):
        model = SigmoidNeuronRegressor(max_iter=5, tol=None, record="epoch").fit(X, y == 2)
        figure, ax = plt.subplots()
        display = DiagnosisDisplay.from_estimator(model, X, y == 2, ax=ax, linewidth=3)
        assert display.figure_ is figure
        assert display.lines_["delta"][0].get_linewidth() == 3
        assert len(figure.axes) == 1 + len(display.axes_)
        _, axes = plt.subplots(2, 3)
        with pytest.raises(ValueError, match=r"ax must be one axes or 5.*got 6"):
            display.plot(axes)
        assert display.plot(axes.flat[:5]).ax_ is axes[0, 0]
        figure.canvas.draw()


def test_lines_can_be_told_from_the_background():
    """Contrast of at least 1.5 to 1 for every layer, in light and in dark."""
    from matplotlib import pyplot as plt
    from matplotlib.colors import to_rgb

    from sklearn_neuron.inspection._extras import luminance

    model = make(ManualMLPClassifier, hidden_layer_sizes=(4,) * 6, record="epoch").fit(X, y)
    for style in ("default", "dark_background"):
        with plt.style.context(style):
            display = DiagnosisDisplay.from_estimator(model, X, y)
            back = luminance(to_rgb(display.ax_.get_facecolor()))
            for line in display.lines_["delta"]:
                ink = luminance(to_rgb(line.get_color()))
                low, high = sorted([back, ink])
                assert (high + 0.05) / (low + 0.05) > 1.5


def test_the_restored_epoch_is_marked():
    model = make(LogisticNeuronClassifier, record="epoch", max_iter=30, early_stopping=True)
    model.fit(X, y)
    found = diagnose(model, X, y)
    display = DiagnosisDisplay.from_estimator(model, X, y)
    at = [line.get_xdata()[0] for line in display.axes_["delta"].lines if line.get_ls() == ":"]
    assert (model.best_iter_ in at) == (found.fitted < len(found.epochs) - 1)
