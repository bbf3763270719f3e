"""The loss surface of networks: on the plane of the path, or on other directions."""

import numpy as np
import pytest
from helpers import make, target_for, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.inspection import (
    LossSurfaceDisplay,
    at,
    backprop_trace,
    journal,
)
from sklearn_neuron.inspection._plane import loss_at, principal_plane
from sklearn_neuron.inspection._subject import recorded_thetas, subject_of

plt = pytest.importorskip("matplotlib.pyplot")
XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])


@pytest.fixture(scope="module")
def xor():
    """Return a network that has learned XOR, with its path."""
    return ManualMLPClassifier(
        (4, 4), activation="logistic", solver=SGD(0.9), eta=0.5, batch_size=None, max_iter=1000,
        tol=None, record="epoch", random_state=1,
    ).fit(*XOR)  # fmt: skip


def test_the_principal_plane_by_hand(xor):
    display = LossSurfaceDisplay.from_estimator(xor, *XOR, grid_resolution=3)
    thetas = recorded_thetas(xor, start=True)
    moves = thetas - weights_of(xor)
    values, vectors = np.linalg.eigh(moves.T @ moves)  # another way to the same directions
    share = values[-2:].sum() / values.sum()
    assert f"{share:.1%} of the path's variance" in display.title
    by_hand = moves @ vectors[:, [-1, -2]]
    assert_allclose(np.abs(display.path), np.abs(by_hand), atol=1e-8)
    assert share > 0.98


def test_the_plane_is_exact_at_the_end_of_the_path(xor):
    """There the surface is as high as the objective, to the last bit."""
    plane = principal_plane(subject_of(xor, *XOR))
    assert_array_equal(plane.point(0.0, 0.0), weights_of(xor))
    assert_allclose(plane.path[-1], 0.0, atol=1e-12)
    ends = ((0.0, 1.0), (0.0, 1.0))
    display = LossSurfaceDisplay.from_estimator(xor, *XOR, grid_resolution=2, ranges=ends)
    assert display.loss[0, 0] == pytest.approx(backprop_trace(xor, *XOR).objective, rel=1e-14)


def test_the_title_says_how_far_the_plane_is_from_the_truth(xor):
    """The largest |loss of the path − loss of its projection|, by the models of the past."""
    display = LossSurfaceDisplay.from_estimator(xor, *XOR, grid_resolution=2)
    said = float(display.title.split("within ")[1].split()[0])
    plane = principal_plane(subject_of(xor, *XOR))
    gaps = []
    for k in np.unique(np.linspace(0, 1000, 100).astype(int)):
        plt.close("all")
        then = at(xor, epoch=int(k) - 1)
        true = backprop_trace(then, *XOR).objective
        ends = tuple((x, x + 1.0) for x in plane.path[k])
        on_plane = LossSurfaceDisplay.from_estimator(xor, *XOR, grid_resolution=2, ranges=ends)
        gaps.append(abs(true - on_plane.loss[0, 0]))
    assert said == pytest.approx(max(gaps), rel=0.05)


def test_the_start_is_drawn_where_its_loss_is(xor):
    """0.7 or so: on the plane of two parameters it was drawn at 0.002."""
    plane = principal_plane(subject_of(xor, *XOR))
    ends = tuple((x, x + 1.0) for x in plane.path[0])
    display = LossSurfaceDisplay.from_estimator(xor, *XOR, grid_resolution=2, ranges=ends)
    true = backprop_trace(at(xor, epoch=-1), *XOR).objective
    assert display.loss[0, 0] == pytest.approx(true, abs=0.15)
    assert true > 0.6


def test_colors_are_logarithmic_and_ticks_are_round(xor):
    display = LossSurfaceDisplay.from_estimator(xor, *XOR, grid_resolution=20)
    assert display.logarithmic
    assert type(display.surface_.norm).__name__ == "LogNorm"
    display.figure_.canvas.draw()
    texts = [text.get_text() for text in display.colorbar_.ax.get_yticklabels()]
    assert all(len(text) < 7 for text in texts)
    for method in ("contour", "pcolormesh"):
        display.plot(plot_method=method)
        assert type(display.surface_.norm).__name__ == "LogNorm"
    display.plot(levels=[0.01, 0.1, 0.5])
    assert_array_equal(display.surface_.levels, [0.01, 0.1, 0.5])


def test_two_parameters_of_a_network_show_the_end_only(xor):
    display = LossSurfaceDisplay.from_estimator(
        xor, *XOR, directions=("W1[0, 0]", "b1[0]"), grid_resolution=5
    )
    assert_array_equal(display.path, [[xor.coefs_[0][0, 0], xor.intercepts_[0][0]]])
    assert display.ax_.get_title() == "all other parameters at their fitted values"
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["end"]


def test_random_directions_are_those_of_the_seed_and_have_the_scale_of_the_weights(X):
    y = target_for(ManualMLPClassifier, 30)
    model = make(ManualMLPClassifier).fit(X, y)  # nothing recorded
    one, same, other = (
        LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=5, random_state=seed)
        for seed in (0, 0, 1)
    )
    assert one.parameters == ("random direction 1", "random direction 2")
    assert_array_equal(one.loss, same.loss)
    assert not np.array_equal(one.loss, other.loss)
    assert_array_equal(one.path, [[0.0, 0.0]])
    middle = one.loss[2, 2]
    assert middle == pytest.approx(backprop_trace(model, X, y).objective, rel=1e-14)
    with pytest.raises(ValueError, match="recorded no parameters"):
        LossSurfaceDisplay.from_estimator(model, X, y, directions="pca")


def test_rows_are_drawn_from_large_data():
    X, y = load_digits(return_X_y=True)
    model = ManualMLPClassifier((32,), max_iter=8, tol=None, record="epoch", random_state=0)
    model.fit(X / 16, y)
    some, same = (
        LossSurfaceDisplay.from_estimator(model, X / 16, y, grid_resolution=3) for _ in range(2)
    )
    whole = LossSurfaceDisplay.from_estimator(model, X / 16, y, grid_resolution=3, max_rows=None)
    assert_array_equal(some.loss, same.loss)
    assert not np.array_equal(some.loss, whole.loss)
    assert_allclose(some.loss, whole.loss, rtol=0.5)
    with pytest.raises(ValueError, match="max_rows"):
        LossSurfaceDisplay.from_estimator(model, X, y, max_rows=0)


def test_for_a_neuron_of_two_parameters_nothing_changes():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(2000, 1))
    y = rng.uniform(size=2000)
    model = SigmoidNeuronRegressor(max_iter=5, tol=None, record="epoch", batch_size=None).fit(X, y)
    display = LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=3)
    assert display.parameters == ("w", "b")
    assert display.title == display.ax_.get_title() == ""
    assert not display.logarithmic
    assert len(display.path) == 6
    ends = tuple((x, x + 1.0) for x in display.path[-1])
    at_the_end = LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=2, ranges=ends)
    assert at_the_end.loss[0, 0] == pytest.approx(backprop_trace(model, X, y).objective, rel=1e-14)


def test_pipelines_with_feature_names(X, pd):
    frame = pd.DataFrame(X, columns=["length", "width", "depth", "age"])
    y = target_for(ManualMLPClassifier, 30)
    model = make_pipeline(
        StandardScaler().set_output(transform="pandas"), make(ManualMLPClassifier, record="epoch")
    ).fit(frame, y)
    display = LossSurfaceDisplay.from_estimator(
        model, frame, y, directions=("W1[length, 0]", "b2[1]"), grid_resolution=3
    )
    assert display.parameters == ("W1[length, 0]", "b2[1]")
    by_number = LossSurfaceDisplay.from_estimator(
        model, frame, y, directions=("W1[0,0]", "b2[1]"), grid_resolution=3
    )
    assert_array_equal(by_number.loss, display.loss)
    LossSurfaceDisplay.from_estimator(model, frame, y, grid_resolution=3)


def test_names_go_through_the_steps_before(X, pd):
    """Those of a DataFrame through a scaler, and the words of a text."""
    frame = pd.DataFrame(X, columns=["length", "width", "depth", "age"])
    y = target_for(ManualMLPClassifier, 30)
    model = make_pipeline(StandardScaler(), make(ManualMLPClassifier, record="epoch"))
    assert "W1[width, 0]" in journal(model.fit(frame, y)).columns
    assert "W1[1, 0]" in journal(model.fit(X, y)).columns
    texts = ["red wine", "white wine", "red", "white"]
    words = make_pipeline(TfidfVectorizer(), make(LogisticNeuronClassifier, record="epoch"))
    assert {"w[red]", "w[white]", "w[wine]"} < set(journal(words.fit(texts, [0, 1, 0, 1])).columns)


def test_a_large_network_gets_fewer_points(xor):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(500, 200)), np.arange(500) % 3
    model = ManualMLPClassifier((300,), max_iter=1, tol=None, random_state=0).fit(X, y)
    assert len(LossSurfaceDisplay.from_estimator(model, X, y).loss) == 31
    assert len(LossSurfaceDisplay.from_estimator(xor, *XOR).loss) == 60


@pytest.mark.parametrize(
    "wrong",
    [
        "PCA",
        ("b1[0]",),
        ("b1[0]", "b1[0]"),
        3,
        [["a"], ["b"]],
        np.zeros(2),
        ("b1[0]", "b2[0]", "b1[0]"),
    ],
)
def test_wrong_directions(xor, wrong):
    with pytest.raises((ValueError, TypeError), match=r"'pca', 'random' or two different names"):
        LossSurfaceDisplay.from_estimator(xor, *XOR, directions=wrong)


def test_a_path_that_does_not_move(X):
    y = target_for(ManualMLPRegressor, 30)
    model = make(ManualMLPRegressor, record="epoch", max_iter=1).fit(X, y)
    assert len(LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=2).path) == 2
    with pytest.raises(ValueError, match="do not move"):
        LossSurfaceDisplay.from_estimator(at(model, epoch=-1), X, y)


def test_the_neuron_of_several_features_is_as_it_was(X):
    y = target_for(LogisticNeuronClassifier, 30, classes=2)
    model = make(LogisticNeuronClassifier, record="epoch").fit(X, y)
    display = LossSurfaceDisplay.from_estimator(model, X, y, grid_resolution=3)
    assert display.parameters == ("w[0]", "b")
    pca = LossSurfaceDisplay.from_estimator(model, X, y, directions="pca", grid_resolution=3)
    assert len(pca.path) == 21


def test_the_loss_of_some_weighted_rows_is_their_mean():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.arange(60) % 3
    weight = np.where(y == 0, 100.0, 0.1)
    network = make(ManualMLPClassifier, max_iter=1, eta=1e-9).fit(X, y, sample_weight=weight)
    subject = subject_of(network, X, y, weight)
    subject.network.theta[...] = 0.0  # the loss of every row is log 3
    for rows in (np.arange(5), np.flatnonzero(y == 1), np.arange(60)):
        part = subject.take(rows)
        assert_allclose(loss_at(part, np.zeros_like(subject.network.theta)), np.log(3.0))
