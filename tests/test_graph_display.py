"""GraphDisplay: values and derivatives are the trace's, and local derivatives multiply to them."""

import numpy as np
import pytest
from helpers import make
from scipy import sparse
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.activations import Tanh
from sklearn_neuron.inspection import GraphDisplay, backprop_trace
from sklearn_neuron.losses import BinaryCrossEntropy, SquaredError

plt = pytest.importorskip("matplotlib.pyplot")

UPPER = "⁰¹²³⁴⁵⁶⁷⁸⁹"
draw = GraphDisplay.from_estimator
IRIS_X, IRIS_Y = load_iris(return_X_y=True)
BINARY = (IRIS_Y > 0).astype(int)
RNG = np.random.RandomState(0)
LABELS = make_multilabel_classification(30, 4, n_classes=3, random_state=0)


def network(cls=ManualMLPClassifier, sizes=(5, 3), **params):
    return make(cls, **{"hidden_layer_sizes": sizes, "activation": "tanh", **params})


NETWORKS = {
    "multiclass": (network(), IRIS_X, IRIS_Y),
    "binary": (network(activation="logistic"), IRIS_X, BINARY),
    "smoothed": (network(loss=BinaryCrossEntropy(0.1)), IRIS_X, BINARY),
    "relu": (network(activation="relu"), IRIS_X, BINARY),
    "regression": (network(ManualMLPRegressor), IRIS_X[:, 1:], IRIS_X[:, 0]),
    "tanh link": (
        network(ManualMLPRegressor, loss=SquaredError(Tanh())), IRIS_X[:, 1:], IRIS_X[:, 0] / 9,
    ),
    "two targets": (network(ManualMLPRegressor), IRIS_X[:, 2:], IRIS_X[:, :2]),
    "poisson": (network(ManualMLPRegressor, loss="poisson"), IRIS_X[:, 1:], IRIS_X[:, 0]),
    "multilabel": (network(), *LABELS),
    "perceptron": (make(PerceptronClassifier), IRIS_X, IRIS_Y),
    "no hidden layer": (network(sizes=()), IRIS_X, IRIS_Y),
    "sparse": (network(), sparse.csr_matrix(IRIS_X), IRIS_Y),
    "float32": (network(), IRIS_X.astype(np.float32), IRIS_Y),
    "pipeline": (make_pipeline(StandardScaler(), network()), IRIS_X, IRIS_Y),
    "deep": (network(sizes=(4,) * 7), IRIS_X, BINARY),
}  # fmt: skip
NEURONS = {
    "logistic": (make(LogisticNeuronClassifier), IRIS_X, BINARY),
    "one feature": (make(LogisticNeuronClassifier), IRIS_X[:, :1], BINARY),
    "sigmoid": (make(SigmoidNeuronRegressor), IRIS_X[:, :1], BINARY),
    "perceptron": (make(PerceptronClassifier), IRIS_X, BINARY),
    "as a network": (network(sizes=()), IRIS_X, BINARY),
}
each_network = pytest.mark.parametrize("name", list(NETWORKS))


def fitted(model, X, y):
    return model.fit(X, y)


# ---- networks -----------------------------------------------------------------------------------


@each_network
@pytest.mark.parametrize("is_fitted", [True, False])
def test_values_and_derivatives_are_those_of_the_trace(name, is_fitted):
    model, X, y = NETWORKS[name]
    if is_fitted:
        model = fitted(model, X, y)
    row = 20
    nodes = draw(model, X, y, row=row).graph.nodes
    trace = backprop_trace(model, X, y)
    a = [np.asarray(trace.a[0].todense() if sparse.issparse(trace.a[0]) else trace.a[0])[row]]
    a += [trace.a[l][row] for l in trace.z]
    last = len(a) - 1
    np.testing.assert_array_equal(nodes["x"].value, a[0])
    for l in trace.z:
        up, delta = UPPER[l], trace.delta[l][row]
        np.testing.assert_array_equal(nodes[f"W{up}"].value, trace.W[l])
        np.testing.assert_array_equal(nodes[f"b{up}"].value, trace.b[l])
        np.testing.assert_array_equal(nodes[f"z{up}"].value, trace.z[l][row])
        np.testing.assert_array_equal(nodes["ŷ" if l == last else f"a{up}"].value, a[l])
        np.testing.assert_array_equal(nodes[f"z{up}"].derivative, delta)
        np.testing.assert_array_equal(nodes[f"b{up}"].derivative, delta)
        np.testing.assert_allclose(nodes[f"W{up}"].derivative, np.outer(a[l - 1], delta))
    np.testing.assert_array_equal(nodes["y"].value, trace.y[row])
    assert nodes["ℓ"].value.item() == trace.loss[row]


@each_network
def test_the_gradient_is_the_mean_over_rows(name):
    """∂W of the trace is the mean of the derivatives of its rows."""
    model, X, y = NETWORKS[name]
    model = fitted(model, X, y)
    dW = backprop_trace(model, X[:3], y[:3]).dW if "perceptron" not in name else None
    if dW is None:
        return
    rows = [draw(model, X, y, row=row).graph.nodes["W¹"].derivative for row in range(3)]
    np.testing.assert_allclose(np.mean(rows, axis=0), dW[1], atol=1e-12)


@each_network
def test_local_derivatives_multiply_to_the_derivatives(name):
    """Go back from ℓ, multiplying by what stands on the arrows, and meet every derivative."""
    model, X, y = NETWORKS[name]
    graph = draw(fitted(model, X, y), X, y, row=20).graph
    local = {(arrow.start, arrow.end): arrow.local for arrow in graph.arrows}
    names = ["x", *(a for *_, a in graph.layers)]
    derivative = local["ŷ", "ℓ"]
    for l in range(len(graph.layers), 0, -1):
        W, b, z, a = graph.layers[l - 1]
        if derivative is None:
            assert graph.is_direct
            derivative = local[z, "ℓ"]
        else:
            np.testing.assert_allclose(graph.nodes[a].derivative, derivative, rtol=1e-12)
            derivative = derivative * local[z, a]
        np.testing.assert_allclose(graph.nodes[z].derivative, derivative, rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(
            graph.nodes[W].derivative, np.outer(local[W, z], derivative), rtol=1e-12
        )
        np.testing.assert_allclose(graph.nodes[b].derivative, local[b, z] * derivative, rtol=1e-12)
        derivative = derivative @ local[names[l - 1], z]
    np.testing.assert_allclose(graph.nodes["x"].derivative, derivative, rtol=1e-12)


def test_which_losses_give_delta_directly():
    direct = {name for name, case in NETWORKS.items() if draw(*case).graph.is_direct}
    softmax = {"multiclass", "no hidden layer", "sparse", "float32", "pipeline"}
    assert direct == softmax | {"perceptron", "poisson"}


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("binary", lambda y, a: -(y / a - (1 - y) / (1 - a))),  # as the notes have it
        ("tanh link", lambda y, a: 2 * (a - y)),
        ("two targets", lambda y, a: 2 * (a - y)),
    ],
)
def test_the_derivative_of_the_loss_is_the_textbook_s(name, formula):
    model, X, y = NETWORKS[name]
    nodes = draw(model, X, y, row=5).graph.nodes
    expected = formula(nodes["y"].value, nodes["ŷ"].value)
    np.testing.assert_allclose(nodes["ŷ"].derivative, expected, rtol=1e-9)


# ---- neurons ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(NEURONS))
def test_every_scalar_of_a_neuron(name):
    model, X, y = NEURONS[name]
    model, row = fitted(model, X, y), 70
    graph, trace = draw(model, X, y, row=row).graph, backprop_trace(model, X, y)
    delta = trace.delta[1][row, 0]
    p = X.shape[1]
    for j in range(p):
        index = "" if p == 1 else f"[{j}]"
        w, x = graph.nodes[f"w{index}"], graph.nodes[f"x{index}"]
        assert (w.value.item(), x.value.item()) == (trace.W[1][j, 0], X[row, j])
        assert w.derivative.item() == delta * X[row, j]
        assert x.derivative.item() == delta * trace.W[1][j, 0]
    assert graph.nodes["b"].derivative.item() == graph.nodes["z"].derivative.item() == delta
    assert graph.nodes["z"].value.item() == trace.z[1][row, 0]
    assert graph.nodes["ŷ"].value.item() == trace.a[1][row, 0]
    local = {(arrow.start, arrow.end): arrow.local for arrow in graph.arrows}
    assert all(value is None or value.size == 1 for value in local.values())
    if not graph.is_direct:
        assert local["ŷ", "ℓ"] * local["z", "ŷ"] == pytest.approx(delta)


def test_the_figures_of_document_001():
    """At w = −2, b = 1, row (3.5, 0.5)."""
    model = SigmoidNeuronRegressor(max_iter=1, tol=None).fit([[3.5], [0.0]], [0.5, 0.4])
    model.coef_, model.intercept_ = np.array([-2.0]), 1.0
    nodes = draw(model, [[3.5]], [0.5]).graph.nodes
    assert nodes["ŷ"].value.item() == pytest.approx(0.0024726231566347743, rel=1e-13)
    assert nodes["w"].derivative.item() == pytest.approx(-0.008590091283831066, rel=1e-13)
    assert nodes["b"].derivative.item() == pytest.approx(-0.0024543117953803044, rel=1e-13)


def test_a_neuron_of_many_features_shows_those_that_count():
    X, y = load_digits(return_X_y=True)
    model = make(LogisticNeuronClassifier).fit(X, y > 4)
    graph = draw(model, X, y > 4, row=3).graph
    assert graph.n_hidden == 60
    most = np.argsort(np.abs(model.coef_.ravel() * X[3]))[-4:]
    assert {name for pair in graph.sources for name in pair} == {
        f"{letter}[{j}]" for j in most for letter in "xw"
    }


# ---- the picture --------------------------------------------------------------------------------


def overlapping(boxes):
    """Return pairs of boxes that overlap."""
    names = list(boxes)
    return [
        (one, other)
        for k, one in enumerate(names)
        for other in names[:k]
        if boxes[one].overlaps(boxes[other])
    ]


CASES = {**NETWORKS, **{f"neuron, {name}": case for name, case in NEURONS.items()}}


SIZED = [(name, None) for name in CASES] + [
    (name, size)
    for name in ("multiclass", "deep", "neuron, logistic", "neuron, one feature")
    for size in ((3.0, 3.0), (12.0, 2.5), (3.0, 9.0))
]


@pytest.mark.parametrize(("name", "size"), SIZED)
def test_texts_stay_in_their_boxes_and_boxes_apart(name, size):
    ax = None if size is None else plt.figure(figsize=size).add_subplot()
    display = draw(*CASES[name], ax=ax)
    display.figure_.canvas.draw()
    renderer = display.figure_.canvas.get_renderer()
    extents = {key: box.get_window_extent(renderer) for key, box in display.boxes_.items()}
    assert overlapping(extents) == []
    whole = display.ax_.get_window_extent()
    for key, box in extents.items():
        assert whole.x0 <= box.x0
        assert box.x1 <= whole.x1
        assert whole.y0 <= box.y0
        assert box.y1 <= whole.y1
        for text in display.texts_[key]:
            inside = text.get_window_extent(renderer)
            assert inside.x0 >= box.x0
            assert inside.x1 <= box.x1
            assert inside.y0 >= box.y0
            assert inside.y1 <= box.y1
            assert size is not None or not text.get_text() or inside.width > 0


def test_every_step_has_its_arrows():
    display = draw(*NETWORKS["binary"])
    with_derivative = [arrow for arrow in display.graph.arrows if arrow.local is not None]
    assert len(display.graph.arrows) == 3 * 4 + 2
    assert len(display.arrows_) == len(display.graph.arrows) + len(with_derivative)
    display = draw(*NETWORKS["multiclass"])  # δ directly is an arrow back only
    assert len(display.arrows_) == 3 * 4 + 2 + (3 * 4 - 1) + 1


def test_bad_rows_and_missing_data():
    with pytest.raises(ValueError, match="row must be one of X's rows"):
        draw(*NETWORKS["binary"], row=150)
    with pytest.raises(ValueError, match="'row' parameter of GraphDisplay must be an int"):
        draw(*NETWORKS["binary"], row=-1)
    with pytest.raises(ValueError, match="GraphDisplay needs X and y"):
        draw(NETWORKS["binary"][0], IRIS_X, None)
    with pytest.raises(TypeError, match="estimators of sklearn_neuron"):
        draw(StandardScaler(), IRIS_X, IRIS_Y)
