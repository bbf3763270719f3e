"""The names in the picture of a journal: inside of the axes, and clear of each other."""

import itertools

import numpy as np
import pytest

from sklearn_neuron import LogisticNeuronClassifier

pytest.importorskip("matplotlib")


@pytest.mark.parametrize(("n_features", "max_iter"), [(1, 4), (2, 20), (4, 200), (5, 12)])
def test_names_stay_inside_and_apart(n_features, max_iter):
    from matplotlib.text import Text

    from sklearn_neuron.inspection import JournalDisplay

    X = np.random.RandomState(0).normal(size=(40, n_features))
    neuron = LogisticNeuronClassifier(
        max_iter=max_iter, tol=None, record="epoch", random_state=0
    ).fit(X, X.sum(axis=1) > 0.0)
    display = JournalDisplay.from_estimator(neuron)
    display.figure_.canvas.draw()
    boxes = [Text.get_window_extent(text) for text in display.ax_.texts]  # without the arrows
    assert len(boxes) == n_features + 2
    axes = display.ax_.bbox
    for box in boxes:
        assert axes.x0 < box.x0
        assert box.x1 < axes.x1
        assert axes.y0 < box.y0
        assert box.y1 < axes.y1
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(tick == int(tick) for tick in display.ax_.get_xticks())
