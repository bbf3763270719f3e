"""The picture of the hardest rows: losses, gradients and saliency, by hand and by differences."""

import numpy as np
import pytest
from helpers import make, raw_output_of, target_for
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron.inspection import RowsDisplay, backprop_trace

pytest.importorskip("matplotlib")


def test_every_number_of_every_estimator(cls, X):
    """One row at a time: its loss, and the gradient of all parameters, as the trace has them."""
    y = target_for(cls, 30)
    weight = np.random.RandomState(0).randint(0, 3, 30)
    model = make(cls, alpha=0.1).fit(X, y, sample_weight=weight)
    display = RowsDisplay.from_estimator(model, X, y, sample_weight=weight, n_rows=30)
    assert set(display.rows) == set(np.flatnonzero(weight))
    assert (np.diff(display.loss) <= 0.0).all()
    for k, row in enumerate(display.rows):
        model.set_params(alpha=0.0)
        trace = backprop_trace(model, X[[row]], y[[row]])
        squares = [np.sum(d**2) for d in (*trace.dW.values(), *trace.db.values())]
        assert_allclose(display.loss[k], trace.loss[0], atol=1e-14)
        assert_allclose(display.length[k], np.sqrt(sum(squares)), atol=1e-14)
        assert_allclose(display.saliency[k], trace.delta[1][0] @ trace.W[1].T, atol=1e-14)
        assert_array_equal(display.x[k], X[row])


def test_the_saliency_is_the_derivative_of_the_loss():
    X, y = load_iris(return_X_y=True)
    model = make(ManualMLPClassifier, activation="tanh", hidden_layer_sizes=(6, 5)).fit(X, y)
    display = RowsDisplay.from_estimator(model, X, y, n_rows=3)

    def loss(x, label):
        z = raw_output_of(model, x[None])[0]
        return np.log(np.exp(z - z.max()).sum()) + z.max() - z[label]

    for k, row in enumerate(display.rows):
        for j in range(4):
            h = 1e-5 * np.eye(4)[j]
            slope = (loss(X[row] + h, y[row]) - loss(X[row] - h, y[row])) / 2e-5
            assert display.saliency[k, j] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_classes_by_their_names_and_sparse_rows():
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y]
    model = make(LogisticNeuronClassifier, fit_intercept=False).fit(X, names)
    display = RowsDisplay.from_estimator(model, X, names, n_rows=5)
    assert_array_equal(display.true, names[display.rows])
    assert_array_equal(display.predicted, model.predict(X)[display.rows])
    wrong = display.true[0] != display.predicted[0]
    title = display.ax_.get_title()
    assert (f", not {display.predicted[0]}" in title) == wrong
    assert f"ℓ {display.loss[0]:.3g}, ‖∇ℓ‖ {display.length[0]:.3g}" in title
    thin = RowsDisplay.from_estimator(model, sparse.csr_array(X), names, n_rows=5)
    for name in ("rows", "x", "saliency", "loss", "length"):
        assert_allclose(getattr(display, name), getattr(thin, name))
    trace = backprop_trace(model, X[display.rows[:1]], names[display.rows[:1]])
    assert display.length[0] == pytest.approx(np.linalg.norm(trace.dW[1]))  # there is no bias


def test_images():
    X, y = load_digits(return_X_y=True)
    model = make(ManualMLPClassifier).fit(X, y)
    display = RowsDisplay.from_estimator(model, X, y, image_shape=(8, 8), n_rows=7)
    assert len(display.axes_) == len(display.artists_) == 7
    for k, image in enumerate(display.artists_):
        assert_array_equal(image.get_array(), display.saliency[k].reshape(8, 8))
        grey = display.axes_[k].images[0]
        assert_array_equal(grey.get_array(), X[display.rows[k]].reshape(8, 8))
        signs = {text.get_position(): text.get_text() for text in display.axes_[k].texts}
        largest = np.argsort(-np.abs(display.saliency[k]))[:5]
        assert set(signs) == {(p % 8, p // 8) for p in largest if display.saliency[k, p]}
        for (column, row), sign in signs.items():
            assert sign == ("+" if display.saliency[k, 8 * row + column] > 0.0 else "−")
    with pytest.raises(ValueError, match="image_shape"):
        RowsDisplay.from_estimator(model, X, y, image_shape=(8, 9))


def test_bars_of_a_pipeline_have_the_names():
    pytest.importorskip("pandas")
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, make(LogisticNeuronClassifier)).fit(X, y)
    display = RowsDisplay.from_estimator(pipeline, X, y, n_rows=2)
    scaled = scaler.transform(X).to_numpy()
    assert_allclose(display.x, scaled[display.rows])
    largest = np.argsort(-np.abs(display.saliency[0]))[:8]
    widths = [bar.get_width() for bar in display.artists_[0]]
    assert_allclose(widths[::-1], display.saliency[0][largest])
    label = display.ax_.get_yticklabels()[-1].get_text()
    assert label.startswith(X.columns[largest[0]][:15])
    assert label.endswith(f"= {display.x[0, largest[0]]:.3g}")


def test_features_have_the_names_that_the_steps_before_give_them():
    pytest.importorskip("pandas")
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), SelectKBest(k=4), make(LogisticNeuronClassifier))
    display = RowsDisplay.from_estimator(pipeline.fit(X, y), X, y, n_rows=1)
    names = list(X.columns[pipeline[1].get_support()])
    assert display.feature_names == names
    values = dict(zip(names, display.x[0], strict=True))
    for label in display.ax_.get_yticklabels():
        name, _, value = label.get_text().rpartition(" = ")
        assert value == f"{values[name]:.3g}"
    bare = RowsDisplay.from_estimator(pipeline.fit(X.to_numpy(), y), X.to_numpy(), y, n_rows=1)
    assert bare.feature_names == ["x[0]", "x[1]", "x[2]", "x[3]"]
    bare.feature_names = None
    labels = [label.get_text() for label in bare.plot().ax_.get_yticklabels()]
    assert sorted(label[:5] for label in labels) == ["x[0] ", "x[1] ", "x[2] ", "x[3] "]


def test_several_labels_and_what_is_refused():
    X = np.random.RandomState(0).normal(size=(40, 3))
    Y = (X[:, :2] > 0.3).astype(int)
    model = make(ManualMLPClassifier).fit(X, Y)
    display = RowsDisplay.from_estimator(model, X, Y, n_rows=2, feature_names=["a", "b", "c"])
    row = display.rows[0]
    assert display.true[0] == f"({Y[row, 0]}, {Y[row, 1]})"
    assert {label.get_text()[0] for label in display.ax_.get_yticklabels()} == {"a", "b", "c"}
    with pytest.raises(ValueError, match="feature_names must have 3 names"):
        RowsDisplay.from_estimator(model, X, Y, feature_names=["a"])
    with pytest.raises(ValueError, match="n_rows"):
        RowsDisplay.from_estimator(model, X, Y, n_rows=0)
    with pytest.raises(NotFittedError):
        RowsDisplay.from_estimator(ManualMLPClassifier(), X, Y)


@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_targets_in_a_column_read_like_predictions():
    X, y = load_iris(return_X_y=True)
    neuron = LogisticNeuronClassifier(max_iter=50, tol=None, random_state=0).fit(X, y)
    display, column = (RowsDisplay.from_estimator(neuron, X, each) for each in (y, y[:, None]))
    assert list(column.true) == list(display.true)
    assert column.axes_[0].get_title() == display.axes_[0].get_title()


def test_long_names_of_classes_are_shortened_in_titles_only():
    X, y = load_iris(return_X_y=True)
    names = np.array(["a species of number 1", "a species of number 2", "3"])[y]
    model = make(ManualMLPClassifier, max_iter=1).fit(X, names)
    found = RowsDisplay.from_estimator(model, X[::10], names[::10], n_rows=15)
    assert set(found.true) == set(names)
    wrong = [true != guess for true, guess in zip(found.true, found.predicted, strict=True)]
    assert any(wrong)
    titles = [panel.get_title() for panel in found.axes_]
    assert [", not " in title for title in titles] == wrong
    assert all(len(title.splitlines()[0]) < 50 for title in titles)


def test_rows_that_are_chosen():
    X, y = load_iris(return_X_y=True)
    model = make(ManualMLPClassifier).fit(X, y)
    every = RowsDisplay.from_estimator(model, X, y, n_rows=150)
    display = RowsDisplay.from_estimator(model, X, y, rows=[120, 3, 60])
    assert_array_equal(display.rows, [120, 3, 60])
    assert_array_equal(display.x, X[[120, 3, 60]])
    for k, row in enumerate(display.rows):
        same = int(np.flatnonzero(every.rows == row)[0])
        assert_allclose(display.loss[k], every.loss[same])
        assert_allclose(display.saliency[k], every.saliency[same])
        assert display.axes_[k].get_title().startswith(f"row {row}: ")
    weight = (np.arange(150) != 3).astype(float)
    left = RowsDisplay.from_estimator(model, X, y, sample_weight=weight, rows=[4, 2])
    assert_array_equal(left.x, X[[4, 2]])
    for rows in ([150], [-1], [0.5], [], "abc", [[1]]):
        with pytest.raises(ValueError, match="rows must be numbers of rows of X from 0 to 149"):
            RowsDisplay.from_estimator(model, X, y, rows=rows)
    with pytest.raises(ValueError, match="weight is not zero"):
        RowsDisplay.from_estimator(model, X, y, sample_weight=weight, rows=[3])
