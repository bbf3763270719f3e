"""NetworkDisplay: its numbers are the trace's, and what is drawn says them."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers import ESTIMATORS, make, target_for
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.inspection import NetworkDisplay, at, backprop_trace
from sklearn_neuron.inspection._diagrams.diagram import MAX_EDGES, short_number
from sklearn_neuron.inspection._diagrams.drawing import ON_DARK, ON_LIGHT

plt = pytest.importorskip("matplotlib.pyplot")
from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.testing.compare import compare_images  # noqa: E402

BASELINE = Path(__file__).parent / "baseline"
XOR_X, XOR_Y = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]), np.array([0, 1, 1, 0])
DIGITS_X, DIGITS_Y = load_digits(return_X_y=True)
draw = NetworkDisplay.from_estimator


def xor(**params):
    params = {"solver": SGD(momentum=0.0), "eta": 0.5, "batch_size": None, **params}
    return ManualMLPClassifier(
        (4, 4), activation="logistic", max_iter=20, tol=None, random_state=0, **params
    )


def subjects():
    """Return estimators of all kinds with data, fitted and not."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 4))
    for cls in ESTIMATORS:
        y = target_for(cls, 40)
        yield f"{cls.__name__} fitted", make(cls).fit(X, y), X, y
        yield f"{cls.__name__} unfitted", make(cls), X, y
    X_labels, labels = make_multilabel_classification(40, 4, n_classes=3, random_state=0)
    yield "multilabel", make(ManualMLPClassifier).fit(X_labels, labels), X_labels, labels
    yield "binary", make(LogisticNeuronClassifier).fit(X, X[:, 0] > 0), X, X[:, 0] > 0
    two = rng.normal(size=(40, 2))
    yield "two targets", make(ManualMLPRegressor).fit(X, two), X, two
    thin = sparse.csr_matrix(np.where(np.abs(X) > 1, X, 0.0))
    yield (
        "sparse",
        make(ManualMLPClassifier).fit(thin, target_for(ManualMLPClassifier, 40)),
        thin,
        (target_for(ManualMLPClassifier, 40)),
    )
    y = target_for(ManualMLPClassifier, 40)
    yield "float32", make(ManualMLPClassifier).fit(X.astype(np.float32), y), X.astype("f"), y
    no_hidden = make(ManualMLPClassifier, hidden_layer_sizes=())
    yield "no hidden layer", no_hidden.fit(X, y), X, y
    pipeline = make_pipeline(StandardScaler(), make(ManualMLPClassifier))
    yield "pipeline unfitted", pipeline, X, y
    yield "pipeline", make_pipeline(StandardScaler(), make(ManualMLPClassifier)).fit(X, y), X, y


SUBJECTS = list(subjects())
each_subject = pytest.mark.parametrize(
    ("estimator", "X", "y"), [case[1:] for case in SUBJECTS], ids=[case[0] for case in SUBJECTS]
)


def row_of(values, i):
    return (values.toarray() if sparse.issparse(values) else np.asarray(values))[i]


# ---- numbers ------------------------------------------------------------------------------------


@each_subject
@pytest.mark.parametrize("nodes", ["a", "z", "delta", "bias"])
def test_the_numbers_are_those_of_the_trace(estimator, X, y, nodes):
    trace, row = backprop_trace(estimator, X, y), 7
    of_trace = {"a": trace.a, "z": trace.z, "delta": trace.delta}
    diagram = draw(estimator, X, y, row=row, nodes=nodes, edges="dW").diagram
    np.testing.assert_array_equal(diagram.values[0], row_of(trace.a[0], row))
    for l, values in enumerate(diagram.values[1:], 1):
        expected = trace.b[l] if nodes == "bias" else row_of(of_trace[nodes][l], row)
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(diagram.edge_values[l - 1], trace.dW[l])
        np.testing.assert_array_equal(diagram.sight.W[l - 1], trace.W[l])
    assert diagram.sight.loss == trace.loss[row]


@each_subject
def test_every_estimator_is_drawn(estimator, X, y):
    display = draw(estimator, X, y)
    L = len(display.diagram.sight.W)
    drawn = sum(map(len, display.diagram.shown)) - 0
    assert len(display.units_) == drawn
    is_neuron = display.diagram.is_neuron
    assert len(display.forward_) == (3 if is_neuron else L)
    assert len(display.backward_) == L - 1
    assert len(display.edges_.get_segments()) == sum(map(len, display.diagram.drawn)) <= MAX_EDGES


def test_an_unfitted_estimator_shows_the_start_of_fit():
    network = xor(record="epoch")
    display = draw(network, XOR_X, XOR_Y)
    assert not hasattr(network, "coefs_")
    start = network.fit(XOR_X, XOR_Y).start_
    for drawn, W in zip(display.diagram.sight.W, start["coefs"], strict=True):
        np.testing.assert_array_equal(drawn, W)
    assert "start of training" in display.ax_.get_title()


def test_an_epoch_shows_the_model_as_it_was():
    network = xor(record="epoch").fit(XOR_X, XOR_Y)
    trace = backprop_trace(at(network, epoch=3), XOR_X, XOR_Y)
    diagram = draw(network, XOR_X, XOR_Y, row=2, epoch=3, nodes="delta").diagram
    np.testing.assert_array_equal(diagram.values[1], trace.delta[1][2])
    assert diagram.title.splitlines()[1] == f"row 2 · epoch 3 · loss {trace.loss[2]:.4g}"
    assert "start of training" in draw(network, XOR_X, XOR_Y, epoch=-1).diagram.title


def test_an_update_is_the_next_epoch_or_a_gradient_step():
    """Without momentum and on one batch they are the same."""
    network = xor(record="epoch", alpha=0.01).fit(XOR_X, XOR_Y)
    recorded = draw(network, XOR_X, XOR_Y, epoch=3, edges="update").diagram
    assert recorded.edge_label == "change in epoch 4"
    trace = backprop_trace(at(network, epoch=3), XOR_X, XOR_Y)
    for l, change in enumerate(recorded.edge_values, 1):
        history = network.history_["coefs"]
        np.testing.assert_array_equal(change, history[4][l - 1] - history[3][l - 1])
        np.testing.assert_allclose(change, -0.5 * trace.dW[l], atol=1e-15)
    for estimator in network, xor():  # the last epoch, and nothing recorded
        plain = draw(estimator, XOR_X, XOR_Y, edges="update").diagram
        assert plain.edge_label == "−η ∂W, η = 0.5"
        dW = backprop_trace(estimator, XOR_X, XOR_Y).dW
        for l, change in enumerate(plain.edge_values, 1):
            np.testing.assert_array_equal(change, -0.5 * dW[l])


def test_a_fitted_network_is_drawn_without_targets_or_data():
    network = xor().fit(XOR_X, XOR_Y)
    display = draw(network, XOR_X, row=1)
    np.testing.assert_array_equal(display.diagram.values[-1], network.predict_proba(XOR_X)[1, 1:])
    assert display.backward_ == []
    display = draw(network)
    assert display.diagram.title.endswith("\nweights")
    assert display.colorbar_ is None
    assert all(text.get_text() == "" for text in display.texts_)
    assert draw(network, nodes="bias").colorbar_ is not None
    pipeline = make_pipeline(MinMaxScaler(), xor()).fit(XOR_X, XOR_Y)
    assert draw(pipeline, XOR_X).diagram.values[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_estimator_is_drawn_without_data(cls, X):
    estimator = make(cls).fit(X, target_for(cls, 30))
    diagram, trace = draw(estimator).diagram, backprop_trace(estimator, X, target_for(cls, 30))
    assert diagram.sight.activations == list(trace.activations.values())
    for l, W in enumerate(diagram.sight.W, 1):
        np.testing.assert_array_equal(W, trace.W[l])


# ---- what is shown ------------------------------------------------------------------------------


def test_units_that_count_most_are_shown():
    network = ManualMLPClassifier((30,), random_state=0)
    diagram = draw(network, DIGITS_X, DIGITS_Y, row=3, max_units=5).diagram
    trace = backprop_trace(network, DIGITS_X, DIGITS_Y)
    for l in (0, 1):
        weight = np.abs(np.asarray(trace.a[l])[3]) * np.abs(trace.W[l + 1]).sum(axis=1)
        assert set(diagram.shown[l]) == set(np.argsort(weight)[-5:])
    assert [len(units) for units in diagram.shown] == [5, 5, 5]
    texts = [text.get_text() for text in plt.gca().texts + plt.gca().artists]
    assert [text for text in texts if "more" in text] == ["⋮\n59 more", "⋮\n25 more", "⋮\n5 more"]


def test_the_true_and_the_predicted_class_are_always_shown():
    network = ManualMLPClassifier((8,), random_state=0)
    answers = np.argmax(backprop_trace(network, DIGITS_X, DIGITS_Y).a[2], axis=1)
    assert np.mean(answers == DIGITS_Y) < 0.5  # it knows nothing
    for row in range(0, 60, 3):
        diagram = draw(network, DIGITS_X, DIGITS_Y, row=row, max_units=2).diagram
        assert set(diagram.shown[-1]) >= {DIGITS_Y[row], answers[row]}
        both = DIGITS_Y[row] == answers[row]
        assert diagram.notes[DIGITS_Y[row]] == ("true, predicted" if both else "true")
        assert diagram.notes[answers[row]].endswith("predicted")
        plt.close("all")


def test_the_strongest_edges_are_drawn():
    network = ManualMLPClassifier((30,), random_state=0)
    diagram = draw(network, DIGITS_X, DIGITS_Y).diagram
    assert [len(pairs) for pairs in diagram.drawn] == [MAX_EDGES // 2, MAX_EDGES // 2]
    for l, pairs in enumerate(diagram.drawn):
        flow = np.abs(diagram.edge_values[l] * diagram.sight.a[l][:, None])
        chosen = flow[tuple(pairs.T)]
        shown = flow[np.ix_(diagram.shown[l], diagram.shown[l + 1])]
        assert np.sort(chosen) == pytest.approx(np.sort(shown, axis=None)[-len(pairs) :])
    # a small layer leaves its share to the others
    few = draw(ManualMLPClassifier((2,), random_state=0), DIGITS_X, DIGITS_Y, max_units=9).diagram
    assert sum(map(len, few.drawn)) == 2 * 9 + 2 * 9
    deep = draw(ManualMLPClassifier((9,) * 60, random_state=0), DIGITS_X, DIGITS_Y).diagram
    assert min(map(len, deep.drawn)) == 1


# ---- what is drawn ------------------------------------------------------------------------------


def test_edges_say_their_values():
    """Width and lightness by size, dash and color by sign, and between the right units."""
    display = draw(xor(init="he_uniform"), XOR_X, XOR_Y)
    lines, W = display.edges_, display.diagram.sight.W
    sizes = display.diagram.sizes
    assert len(lines.get_segments()) == sum(matrix.size for matrix in W) == 28
    centers = np.array([unit.center for unit in display.units_])
    starts = np.cumsum([0, *sizes])
    values = []
    for tail, tip in lines.get_segments():
        k, m = (int(np.argmin(np.linalg.norm(centers - end, axis=1))) for end in (tail, tip))
        l = int(np.searchsorted(starts, k, side="right")) - 1
        values.append(W[l][k - starts[l], m - starts[l + 1]])
    values = np.array(values)
    assert sorted(values) == sorted(np.concatenate([np.ravel(matrix) for matrix in W]))
    widths, colors = np.array(lines.get_linewidths()), lines.get_colors()[:, :3]
    share = np.abs(values) / np.abs(values).max()
    np.testing.assert_allclose(np.diff(widths) / widths.max(), np.diff(0.7 + 3.5 * share) / 4.2)
    for value, color, (_, dash), s in zip(
        values, colors, lines.get_linestyles(), share, strict=True
    ):
        assert (dash is not None) == (value < 0)
        ink = np.array(to_rgb(ON_LIGHT.negative if value < 0 else ON_LIGHT.positive))
        np.testing.assert_allclose(color, 1.0 - (0.25 + 0.75 * s) * (1.0 - ink), atol=1e-12)


def test_units_say_their_values():
    display = draw(xor(), XOR_X, XOR_Y, row=1, nodes="z")
    values = np.concatenate([np.ravel(layer) for layer in display.diagram.values])
    assert [text.get_text() for text in display.texts_] == [short_number(v) for v in values]
    scale = [1.0] * 2 + [np.abs(values[2:]).max()] * 9
    for unit, value, largest in zip(display.units_, values, scale, strict=True):
        ink = np.array(to_rgb(ON_LIGHT.negative if value < 0 else ON_LIGHT.positive))
        expected = 1.0 - abs(value) / largest * (1.0 - ink)
        np.testing.assert_allclose(unit.get_facecolor()[:3], expected, atol=1e-12)
    assert display.colorbar_.vmin == -display.colorbar_.vmax == -scale[-1]


def corners_outside(display):
    """Return how far texts reach beyond their units, in radii; the renderer measures them."""
    renderer = display.figure_.canvas.get_renderer()
    transform = display.ax_.transData
    centers = transform.transform([unit.center for unit in display.units_])
    radii = [
        np.ptp(transform.transform([[0.0, 0.0], [unit.radius, 0.0]])[:, 0])
        for unit in display.units_
    ]
    farthest, written = [], 0
    for text in display.texts_:
        if not text.get_text():
            continue
        box = text.get_window_extent(renderer)
        written += box.width > 0
        middle = [(box.x0 + box.x1) / 2.0, (box.y0 + box.y1) / 2.0]
        unit = int(np.argmin(np.linalg.norm(centers - middle, axis=1)))
        distance = np.linalg.norm(box.corners() - centers[unit], axis=1).max()
        farthest.append(distance / radii[unit])
    return max(farthest), written


EXTREME = np.array([np.nan, np.inf, -np.inf, -9999.0, 1e-300, -2.5e300, -0.00499, 99.95])


@pytest.mark.parametrize("size", [(6.4, 4.8), (2.2, 2.2), (3.0, 7.0), (16.0, 3.0)])
@pytest.mark.parametrize("kind", ["network", "digits", "neuron"])
def test_no_text_leaves_its_unit(size, kind):
    model, X, y = {
        "network": (xor(), XOR_X, XOR_Y),
        "digits": (ManualMLPClassifier((30,), random_state=0), DIGITS_X, DIGITS_Y),
        "neuron": (make(SigmoidNeuronRegressor), DIGITS_X[:, 2:10], DIGITS_Y / 9.0),
    }[kind]
    diagram = draw(model, X, y).diagram
    for values in diagram.values:
        values[:] = np.resize(EXTREME, len(values))
    for layers in (diagram.sight.z, diagram.sight.a):
        for values in layers:
            values[:] = -2.5e-300
    figure, ax = plt.subplots(figsize=size)
    display = NetworkDisplay(diagram=diagram).plot(ax)
    for dpi, shape in ((100, size), (40, size), (150, (4.0, 4.0))):  # resized after it was drawn
        figure.set_dpi(dpi)
        figure.set_size_inches(shape)
        figure.canvas.draw()
        farthest, written = corners_outside(display)
        assert farthest < 1.0
        if shape == (6.4, 4.8) and dpi == 100 and kind != "digits":  # 9 rows in 2 inches
            assert written == sum(text.get_text() != "" for text in display.texts_)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (-0.0, "0"), (0.934, "0.93"), (-12.345, "−12.3"), (0.0049, "5e−3"),
     (-0.0276, "−0.028"), (0.0996, "0.10"),
     (123.4, "123"), (9999.4, "9999"), (12345.6, "1e4"), (-2e-15, "−2e−15"), (9.999, "10.0"),
     (np.nan, "nan"), (-np.inf, "−∞"), (0.9999, "1.00")],
)  # fmt: skip
def test_short_numbers(value, text):
    assert short_number(value) == text


def luminance(color):
    rgb = np.asarray(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("inks", [ON_LIGHT, ON_DARK])
def test_texts_are_readable_on_their_background(inks):
    for color in (inks.ink, inks.faint, inks.forward, inks.backward):
        assert contrast(color, inks.paper) >= 4.5


@pytest.mark.parametrize("style", ["default", "dark_background", "grayscale"])
def test_numbers_are_readable_in_their_units(style):
    with plt.style.context(style):
        display = draw(xor(), XOR_X, XOR_Y, nodes="z")
    for unit, text in zip(display.units_, display.texts_, strict=True):
        assert contrast(unit.get_facecolor()[:3], text.get_color()) >= 4.5
    paper = display.figure_.get_facecolor()
    if style != "grayscale":  # which has grey paper
        assert contrast(display.forward_[0].get_edgecolor()[:3], paper) >= 4.5


# ---- names and arguments ------------------------------------------------------------------------


@pytest.mark.usefixtures("pd")
def test_names():
    X, y = load_iris(return_X_y=True, as_frame=True)
    network = ManualMLPClassifier((5,), random_state=0)
    diagram = draw(network, X, y, class_names=["$a", "b$_^{", "c" * 90]).diagram
    assert diagram.names_in == list(X.columns)
    assert diagram.names_out == ["$a", "b$_^{", "c" * 90]
    plt.gcf().canvas.draw()  # they are no formulas
    assert draw(network, X.to_numpy(), y).diagram.names_in == ["x[0]", "x[1]", "x[2]", "x[3]"]
    names = draw(network, X, y, feature_names=list("abcd")).diagram.names_in
    assert names == list("abcd")
    pipeline = make_pipeline(StandardScaler(), PCA(2), make(ManualMLPClassifier)).fit(X, y)
    assert draw(pipeline, X, y).diagram.names_in == ["pca0", "pca1"]
    silent = FunctionTransformer(np.abs)  # does not say what it calls its features
    pipeline = make_pipeline(StandardScaler(), silent, make(ManualMLPClassifier)).fit(X, y)
    assert draw(pipeline, X, y).diagram.names_in == ["x[0]", "x[1]", "x[2]", "x[3]"]
    binary = LogisticNeuronClassifier().fit(X, y == 0)
    assert draw(binary, X, y == 0).diagram.names_out == ["p(True)"]
    assert draw(PerceptronClassifier().fit(X, y == 0), X).diagram.names_out == ["True"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"row": 4}, r"row must be one of X's rows, in \[0, 4\)"),
        ({"row": -1}, "row"),
        ({"nodes": "y"}, "nodes"),
        ({"edges": "w"}, "edges"),
        ({"max_units": 1}, "max_units"),
        ({"feature_names": ["one"]}, "feature_names must have 2 names"),
        ({"class_names": "ab"}, "class_names must have 2 names"),
        ({"epoch": 3}, "recorded no parameters"),
        ({"X": None}, "y needs X"),
        ({"y": None, "edges": "dW"}, "edges='dW' needs X and y"),
        ({"y": None, "edges": "update"}, "needs X and y"),
        ({"y": None, "nodes": "delta"}, "nodes='delta' needs X and y"),
        ({"X": None, "y": None, "nodes": "z"}, "nodes='z' needs X"),
    ],
)
def test_bad_arguments(arguments, message):
    arguments = {"X": XOR_X, "y": XOR_Y, **arguments}
    with pytest.raises(ValueError, match=message):
        draw(xor().fit(XOR_X, XOR_Y), **arguments)
    assert not plt.get_fignums()


def test_what_needs_a_fit():
    for arguments in ((), (XOR_X,)):
        with pytest.raises(ValueError, match="give X and y to see the start"):
            draw(xor(), *arguments)
    with pytest.raises(NotFittedError):
        draw(xor(), XOR_X, XOR_Y, epoch=0)
    with pytest.raises(ValueError, match="class_names are for classifiers"):
        draw(make(ManualMLPRegressor), XOR_X, XOR_Y / 2, class_names=["a"])


def test_arrows_are_optional():
    display = draw(xor(), XOR_X, XOR_Y, forward=False, backward=False)
    assert display.forward_ == display.backward_ == []
    ax = plt.figure().add_subplot(1, 2, 2)
    assert display.plot(ax).ax_ is ax


def test_notebooks_crop_nothing_and_figures_can_be_pickled(tmp_path):
    """A notebook saves with bbox_inches="tight"."""
    display = draw(xor(), XOR_X, XOR_Y)
    figure = display.figure_
    figure.canvas.draw()
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert 0.95 * width <= box.width <= width
    assert 0.93 * height <= box.height <= height
    again = pickle.loads(pickle.dumps(figure))
    again.savefig(tmp_path / "again.png")
    figure.savefig(tmp_path / "figure.png")
    assert compare_images(str(tmp_path / "figure.png"), str(tmp_path / "again.png"), 0) is None


# ---- pictures -----------------------------------------------------------------------------------


def picture_of(model, X, y, path, change=None, **kwargs):
    """Save the picture without its texts, whose letters depend on the version of FreeType."""
    figure = plt.figure(figsize=(5.0, 4.0), dpi=60)
    display = draw(model, X, y, ax=figure.add_axes((0.0, 0.0, 1.0, 0.9)), **kwargs)
    if change is not None:
        change(display)
    for text in figure.findobj(lambda artist: hasattr(artist, "get_fontsize")):
        text.set_visible(False)
    figure.savefig(path, dpi=60, metadata={"Software": None})
    plt.close(figure)


def pictures():
    neuron = LogisticNeuronClassifier(max_iter=1, tol=None).fit(XOR_X, XOR_X[:, 0] > 0)
    neuron.coef_, neuron.intercept_ = np.array([1.5, -0.5]), 0.25
    digits = ManualMLPClassifier((32,), random_state=0)
    return {
        "network_xor": (xor(init="he_uniform"), XOR_X, XOR_Y, {"row": 1}),
        "network_neuron": (neuron, XOR_X, XOR_X[:, 0] > 0, {"row": 1}),
        "network_digits": (digits, DIGITS_X, DIGITS_Y, {"row": 5, "nodes": "z"}),
    }


TOLERANCE = 0.4  # root of the mean squared difference of 256 shades; any edge changes more


@pytest.mark.parametrize("name", list(pictures()))
def test_pictures(name, tmp_path):
    model, X, y, kwargs = pictures()[name]
    picture_of(model, X, y, tmp_path / f"{name}.png", **kwargs)
    expected = BASELINE / f"{name}.png"
    assert compare_images(str(expected), str(tmp_path / f"{name}.png"), TOLERANCE) is None


@pytest.mark.parametrize("which", [0, 10, 27])  # the weakest, and the strongest
def test_the_comparison_sees_the_color_of_an_edge(which, tmp_path):
    def recolor(display):
        colors = display.edges_.get_colors().copy()
        colors[which, :3] = colors[which, 2::-1]  # blue and red change places
        display.edges_.set_color(colors)

    model, X, y, kwargs = pictures()["network_xor"]
    picture_of(model, X, y, tmp_path / "changed.png", recolor, **kwargs)
    expected = BASELINE / "network_xor.png"
    assert compare_images(str(expected), str(tmp_path / "changed.png"), TOLERANCE) is not None


def test_a_fitted_text_is_never_larger_than_its_box():
    """Letters are hinted to whole pixels, so that a small text shrinks less than its size."""
    from sklearn_neuron.inspection._diagrams.fitted_text import FittedText

    figure = plt.figure(figsize=(1.0, 1.0))
    ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    text = ax.add_artist(FittedText(0.5, 0.5, "−2e−300", (0.4, 0.2), 11.0))
    widths = []
    for dpi in range(20, 300, 3):
        figure.set_dpi(dpi)
        figure.canvas.draw()
        extent = text.get_window_extent(figure.canvas.get_renderer())
        assert extent.width <= 0.4 * dpi
        assert extent.height <= 0.2 * dpi
        widths.append(extent.width / dpi)
    assert widths[0] == 0.0  # too small to be read
    assert min(widths[30:]) > 0.25


def test_updates_of_a_solver_without_a_learning_rate(X):
    y = target_for(ManualMLPClassifier, 30)
    model = make(ManualMLPClassifier, solver="lbfgs", record="epoch", max_iter=5).fit(X, y)
    with pytest.raises(ValueError, match="edges='update' needs a solver with a learning rate"):
        NetworkDisplay.from_estimator(model, X, y, edges="update")
    NetworkDisplay.from_estimator(model, X, y, edges="update", epoch=1)
