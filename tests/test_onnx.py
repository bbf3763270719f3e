"""to_onnx: what onnxruntime answers is what the estimators answer, over the registries."""

import json
import pickle

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from helpers import (  # noqa: E402
    CLASSIFIERS,
    NETWORKS,
    REGRESSORS,
    is_own,
    make,
    run,
    target_for,
)
from numpy.testing import assert_array_equal  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx_helpers import assert_answers, assert_close, serve  # noqa: E402
from scipy import sparse  # noqa: E402
from scipy.special import ndtr  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402

import sklearn_neuron  # noqa: E402
from sklearn_neuron import (  # noqa: E402
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
    activations,
)
from sklearn_neuron._estimator.targets import (  # noqa: E402
    ELEMENTWISE_LOSS,
    PROBABILISTIC_LOSS,
    SIGMOID_LOSS,
)
from sklearn_neuron.activations import (  # noqa: E402
    ACTIVATIONS,
    GELU,
    Activation,
    Link,
    Tanh,
)
from sklearn_neuron.losses import LOSSES, SquaredError  # noqa: E402
from sklearn_neuron.onnx import to_onnx  # noqa: E402
from sklearn_neuron.onnx._graph import OPSETS, PlainGraph  # noqa: E402
from sklearn_neuron.onnx._operators import FORMS, apply_link  # noqa: E402

DTYPES = ["float64", "float32"]


def rows(dtype="float64", n=40):
    """Return samples that go far beyond those of the fixture X."""
    return (4.0 * np.random.RandomState(1).normal(size=(n, 4))).astype(dtype)


# ---- every operator, by itself ------------------------------------------------------------------

POINTS = np.concatenate(
    [
        np.linspace(-40.0, 40.0, 2001),
        [0.0, -0.0, 1e-300, -1e-300, 1e-10, -1e-10, 88.0, -88.0, 100.0, -104.0],
        [700.0, -709.0, 1000.0, -1000.0, 1e5, -1e5],
    ]
).reshape(-1, 1)


def of_link(link, points, opset=18):
    """Return σ(points) as onnxruntime computes it."""
    graph = PlainGraph(points.dtype)
    kind = onnx.helper.make_tensor_type_proto(
        onnx.helper.np_dtype_to_tensor_dtype(points.dtype), [None, points.shape[1]]
    )
    one = graph.node("Mul", "X", graph.const(1.0))  # so that there is a node for the identity, too
    body = graph.finish("link", kind, {"a": (apply_link(graph, link, one), kind)})
    opsets = [onnx.helper.make_opsetid("", opset)]
    version = onnx.helper.find_min_ir_version_for(opsets)
    return serve(onnx.helper.make_model(body, opset_imports=opsets, ir_version=version), points)[
        "a"
    ]


def directly(link, z):
    out = np.empty_like(z)
    with np.errstate(over="ignore"):
        link.forward(z.copy(), out=out)
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_written_as_it_computes(name, opset, dtype):
    """On a fine grid, and where exp overflows."""
    z = POINTS.astype(dtype)
    a = of_link(ACTIVATIONS[name](), z, opset)
    assert a.dtype == dtype
    assert_close(a, directly(ACTIVATIONS[name](), z), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "link",
    [activations.Exponential(), activations.Softmax(), activations.Step()],
    ids=lambda link: link.name,
)
def test_every_link_is_written_as_it_computes(link, dtype):
    z = POINTS.astype(dtype)
    if link.name == "softmax":
        z = z[: len(z) // 3 * 3].reshape(-1, 3)
        z = np.vstack([z, np.random.RandomState(0).normal(size=(50, 3)) * 300]).astype(dtype)
    assert_close(of_link(link, z), directly(link, z), dtype)


@pytest.mark.parametrize(
    ("c", "kind"), [(0.0, "LeakyReLU"), (1.0, "LeakyReLU"), (0.3, "ELU"), (2.5, "ELU")]
)
def test_hyper_parameters_are_written(c, kind):
    link = getattr(activations, kind)(c)
    assert_close(of_link(link, POINTS), directly(link, POINTS), "float64")


def test_gelu_in_double_precision_is_better_than_an_erf_in_single_precision():
    z = np.linspace(-12.0, 12.0, 20_001).reshape(-1, 1)
    assert np.abs(of_link(GELU(), z) - z * ndtr(z)).max() < 2e-15  # an erf of float32 has 1e-7
    assert of_link(GELU(), np.array([[-1e300], [1e300]])).tolist() == [[0.0], [1e300]]


def test_every_built_in_activation_and_link_has_a_form():
    """A new one needs one function and one line in FORMS."""
    abstract = {Link, Activation}
    kinds = [
        kind for kind in vars(activations).values()
        if isinstance(kind, type) and issubclass(kind, Link) and kind not in abstract
    ]  # fmt: skip
    assert len(kinds) >= 13
    assert set(kinds) == set(FORMS)
    assert {kind for kind in ACTIVATIONS.values() if is_own(kind)} <= set(FORMS)
    links = {type(loss().link) for loss in LOSSES.values() if is_own(type(loss().link))}
    assert links <= set(FORMS)


# ---- the five estimators ------------------------------------------------------------------------

LABELS = {
    "strings": np.array(["zwei", "eins", "größer als drei"]),
    "objects": np.array(["b", "a", "c"], dtype=object),
    "integers": np.array([7, -3, 2**40]),
    "int8": np.array([0, 1, 2], dtype=np.int8),
    "uint16": np.array([0, 1, 60_000], dtype=np.uint16),
    "floats": np.array([0.0, -2.0, 5.0]),
    "bools": np.array([False, True]),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("trained_in", DTYPES)
@pytest.mark.parametrize("raw_scores", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers(classifier, n_classes, raw_scores, trained_in, dtype, X):
    y = target_for(classifier, 30, n_classes)
    model = make(classifier).fit(X.astype(trained_in), y)
    graph = to_onnx(model, dtype=dtype, raw_scores=raw_scores)
    outputs = assert_answers(model, graph, rows(dtype))
    no_proba = raw_scores or classifier is PerceptronClassifier
    assert [*outputs] == ["label", "scores" if no_proba else "probabilities"]


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_of_every_kind(kind, n_classes, classifier, X):
    labels = LABELS[kind][:n_classes]
    n_classes = len(labels)
    y = labels[np.arange(30) % n_classes]
    model = make(classifier, max_iter=5).fit(X, y)
    outputs = assert_answers(model, to_onnx(model), rows())
    assert len(set(outputs["label"].tolist())) == n_classes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("raw_scores", [False, True])
@pytest.mark.parametrize("n_labels", [2, 3])
def test_multilabel(n_labels, raw_scores, dtype, X):
    Y = (X[:, :n_labels] + X[:, 1:2] > 0).astype(int)
    model = make(ManualMLPClassifier, max_iter=200, eta=0.5).fit(X, Y)
    given = np.vstack([rows(dtype), 100 * rows(dtype)])
    assert (
        np.abs(model.decision_function(given)).max() > 40
    )  # where probabilities are kept in order
    scale = 1.0 if not raw_scores else np.abs(model.decision_function(given)).max()
    assert_answers(model, to_onnx(model, dtype=dtype, raw_scores=raw_scores), given, scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_targets", [None, 1, 3])
@pytest.mark.parametrize("size", [1.0, 1e-6, 1e6])
def test_regressors(regressor, n_targets, size, dtype, X):
    """In the units of y, also where training saw it in others."""
    rng = np.random.RandomState(0)
    y = size * (X[:, 0] if n_targets is None else X[:, :n_targets]) + size * rng.normal()
    model = make(regressor).fit(X, y)
    assert_answers(model, to_onnx(model, dtype=dtype), rows(dtype), scale=20 * size)


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-5.0, 5.0), (-1e3, 1e6), (-3.0, 1.2)])
@pytest.mark.parametrize("n_targets", [None, 2])
def test_ranges_are_not_left(ends, n_targets, X):
    """Not by a rounding error either: −3 + (1.2 − −3) is larger than 1.2."""
    y = np.tanh(X[:, 0] if n_targets is None else X[:, :2]) * 0.4 + 0.5
    model = make(SigmoidNeuronRegressor, target_range=ends, eta=1.0).fit(X, y)
    given = np.vstack([rows(), 1e4 * rows()])
    outputs = assert_answers(model, to_onnx(model), given, scale=max(map(abs, ends)))
    assert outputs["prediction"].min() >= ends[0]
    assert outputs["prediction"].max() <= ends[1]


def fitted_to_suit(cls, loss, X):
    """Return a fit of a loss, with a target that every loss takes."""
    y = target_for(cls, 30, 3)
    return make(cls, loss=loss, max_iter=5, eta=0.01).fit(X, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss, dtype, X):
    """With each estimator that takes it."""
    offers = {
        LogisticNeuronClassifier: PROBABILISTIC_LOSS,
        ManualMLPClassifier: PROBABILISTIC_LOSS,
        ManualMLPRegressor: ELEMENTWISE_LOSS,
        SigmoidNeuronRegressor: SIGMOID_LOSS,
    }
    for cls, offer in offers.items():
        if loss not in offer.names or (cls in CLASSIFIERS and loss == "binary_cross_entropy"):
            continue
        model = fitted_to_suit(cls, loss, X)
        given = rows(dtype)
        scale = np.abs(model.predict(given)).max() if cls in REGRESSORS else 1.0
        assert_answers(model, to_onnx(model, dtype=dtype), given, max(scale, 1.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_in_networks(name, dtype, X):
    """In hidden layers of different activations, and as the link of a regressor."""
    for cls in NETWORKS:
        y = target_for(cls, 30)
        model = make(cls, hidden_layer_sizes=(6, 5), activation=(name, "tanh"), eta=0.01).fit(X, y)
        assert_answers(model, to_onnx(model, dtype=dtype), rows(dtype), scale=5.0)
    loss = SquaredError(ACTIVATIONS[name]())
    model = make(ManualMLPRegressor, loss=loss, max_iter=3, eta=0.01).fit(X, target_for(cls, 30))
    assert_answers(model, to_onnx(model, dtype=dtype), rows(dtype), scale=5.0)


@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset(opset, cls, X):
    model = make(cls, max_iter=3).fit(X, target_for(cls, 30))
    graph = to_onnx(model, target_opset=opset)
    assert [(each.domain, each.version) for each in graph.opset_import] == [("", opset)]
    assert_answers(model, graph, rows())


@pytest.mark.parametrize("hidden", [(), (3,), (4, 3, 2)])
def test_any_number_of_hidden_layers(hidden, network, X):
    model = make(network, hidden_layer_sizes=hidden).fit(X, target_for(network, 30))
    assert_answers(model, to_onnx(model), rows())


def test_no_rows_and_one_row(cls, X):
    model = make(cls).fit(X, target_for(cls, 30))
    for n in (0, 1):
        outputs = serve(to_onnx(model), rows()[:n])
        assert all(len(answer) == n for answer in outputs.values())


# ---- exact ties, and the ends of the numbers -----------------------------------------------------


def with_weights(cls, coef, intercept, classes):
    """Return a neuron of these weights, fitted to nothing in particular."""
    n = np.shape(coef)[1]
    X = np.random.RandomState(0).normal(size=(12, n))
    model = make(cls, max_iter=1).fit(X, np.asarray(classes)[np.arange(12) % len(classes)])
    model.coef_, model.intercept_ = np.array(coef, float), np.array(intercept, float)
    return model


@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, PerceptronClassifier])
@pytest.mark.parametrize("raw_scores", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_two_classes_at_zero(cls, raw_scores, dtype):
    """The perceptron is positive there, and says so by the smallest positive number."""
    model = with_weights(cls, [[1.0, -1.0]], [0.0], ["no", "yes"])
    X = np.array([[2.0, 2.0], [0.0, 0.0], [-3.0, -3.0], [1.0, 0.0], [0.0, 1.0]], dtype)
    assert (model.predict(X)[:3] == ("yes" if cls is PerceptronClassifier else "no")).all()
    outputs = serve(to_onnx(model, dtype=dtype, raw_scores=raw_scores), X)
    assert_array_equal(outputs["label"], model.predict(X))
    if "scores" in outputs:
        model.coef_ = model.coef_.astype(dtype)
        assert_array_equal(outputs["scores"], model.decision_function(X))
        assert outputs["scores"].dtype == dtype


def test_ties_between_classes_go_to_the_first(classifier, X):
    if classifier is ManualMLPClassifier:
        model = make(classifier).fit(X, target_for(classifier, 30))
        model.coefs_[-1][:] = model.coefs_[-1][:, :1]  # three equal columns
        model.intercepts_[-1][:] = [0.5, 1.0, 1.0]
    else:
        model = with_weights(classifier, [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [0.0] * 3, [5, 6, 7])
    given = np.array([[1.0, 1.0], [0.0, 1.0], [-1.0, -1.0], [2.0, 1.0]])
    given = given if classifier is not ManualMLPClassifier else rows()
    outputs = serve(to_onnx(model), given)
    assert_array_equal(outputs["label"], model.predict(given))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_where_exp_overflows(n_classes, dtype):
    """None is 0, none is NaN: the smallest positive number takes the place of 0."""
    coef = [[1.0]] if n_classes == 2 else [[1.0], [-1.0], [0.0]]
    model = with_weights(LogisticNeuronClassifier, coef, [0.0] * len(coef), range(n_classes))
    z = np.array([[1000.0], [-1000.0], [745.0], [-104.0], [36.0], [-36.0], [0.0]], dtype)
    model.coef_, model.intercept_ = model.coef_.astype(dtype), model.intercept_.astype(dtype)
    outputs = serve(to_onnx(model), z)
    expected = model.predict_proba(z)
    assert_close(outputs["probabilities"], expected, dtype)
    assert (outputs["probabilities"] > 0.0).all()
    assert_array_equal(outputs["probabilities"][:2], expected[:2])
    if dtype == "float64":  # relative errors, also of small ones
        np.testing.assert_allclose(outputs["probabilities"][4:], expected[4:], rtol=1e-14)


def test_logits_of_labels_beyond_every_bound():
    model = make(ManualMLPClassifier, hidden_layer_sizes=()).fit(
        np.random.RandomState(0).normal(size=(20, 2)), np.tile([[0, 1], [1, 0]], (10, 1))
    )
    model.coefs_, model.intercepts_ = [np.eye(2)], [np.zeros(2)]
    z = np.array([[1000.0, 999.0], [-1000.0, -2000.0], [18.0, 37.0], [-30.0, 0.0]])
    outputs = serve(to_onnx(model), z)
    expected = model.predict_proba(z)
    np.testing.assert_allclose(outputs["probabilities"], expected, rtol=1e-13)
    assert (outputs["probabilities"] < 1.0).all()
    assert_array_equal(outputs["label"], model.predict(z))


def test_constant_outputs(X):
    for y in (np.full(30, 3.5), np.full((30, 2), [0.0, -7.0])):
        for cls in REGRESSORS:
            model = make(cls).fit(X, y)
            assert_answers(model, to_onnx(model), rows(), scale=10.0)
    zero = make(LogisticNeuronClassifier).fit(
        np.zeros((30, 4)), target_for(LogisticNeuronClassifier, 30)
    )
    assert_answers(zero, to_onnx(zero), rows())


# ---- what an estimator may hold -----------------------------------------------------------------


def test_the_dtype_is_that_of_training(cls, X):
    for dtype in DTYPES:
        model = make(cls, max_iter=2).fit(X.astype(dtype), target_for(cls, 30))
        (given,) = to_onnx(model).graph.input
        assert given.name == "X"
        kind = given.type.tensor_type
        assert onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type) == dtype
        first, second = kind.shape.dim
        assert not first.HasField("dim_value")
        assert second.dim_value == 4


def test_feature_names_and_the_producer(cls, X):
    pd = pytest.importorskip("pandas")
    names = ["a", "ä b", "c", '"d"']
    model = make(cls).fit(pd.DataFrame(X, columns=names), target_for(cls, 30))
    graph = to_onnx(model)
    said = {each.key: each.value for each in graph.metadata_props}
    assert json.loads(said["feature_names"]) == names
    assert said["estimator"] == cls.__name__ == graph.graph.name
    assert (graph.producer_name, graph.producer_version) == (
        "sklearn_neuron",
        sklearn_neuron.__version__,
    )
    assert cls.__name__ in graph.doc_string
    unnamed = to_onnx(make(cls).fit(X, target_for(cls, 30)))
    assert [each.key for each in unnamed.metadata_props] == ["estimator"]


def test_weights_in_any_container(neuron, X):
    y = target_for(neuron, 30)
    model = make(neuron, alpha=0.01, l1_ratio=0.9).fit(sparse.csr_array(X), y)
    before = to_onnx(model).SerializeToString()
    assert_answers(model, to_onnx(model), rows())
    model.sparsify()
    assert to_onnx(model).SerializeToString() == before
    model.densify()
    model.coef_ = np.round(10 * model.coef_).astype(int).tolist()
    assert_answers(model, to_onnx(model), rows(), scale=100.0)


def test_weights_of_the_users_own(network, X):
    model = make(network).fit(X, target_for(network, 30))
    model.coefs_ = [np.round(3 * W).astype(int) for W in model.coefs_]
    assert_answers(model, to_onnx(model), rows(), scale=100.0)


def test_converting_changes_nothing_and_repeats_itself(cls, X):
    model = make(cls).fit(X, target_for(cls, 30))
    state = pickle.dumps(vars(model))
    first, second = (to_onnx(model).SerializeToString() for _ in range(2))
    assert first == second
    assert pickle.dumps(vars(model)) == state
    copy = pickle.loads(pickle.dumps(model))
    assert to_onnx(copy).SerializeToString() == first
    if hasattr(model, "activation"):
        model.set_params(activation="tanh", hidden_layer_sizes=(2, 2))  # what is fitted counts
        assert to_onnx(model).SerializeToString() == first


def test_after_partial_fit_and_dropout(network, X):
    y = target_for(network, 30)
    model = make(network, dropout=0.4)
    model.partial_fit(X, y, **({"classes": [0, 1, 2]} if network in CLASSIFIERS else {}))
    assert_answers(model, to_onnx(model), rows())


@pytest.mark.parametrize("opset", [OPSETS[0], OPSETS[-1]])
def test_a_second_runtime_agrees(cls, opset, X):
    model = make(cls).fit(X, target_for(cls, 30))
    graph = to_onnx(model, target_opset=opset)
    names = [output.name for output in graph.graph.output]
    answers = dict(zip(names, ReferenceEvaluator(graph).run(None, {"X": rows()}), strict=True))
    for name, answer in serve(graph, rows()).items():
        np.testing.assert_allclose(answers[name], answer, rtol=1e-13, atol=1e-13)


# ---- dicts and columns --------------------------------------------------------------------------

PROBABILISTIC = (LogisticNeuronClassifier, ManualMLPClassifier)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cls", PROBABILISTIC)
@pytest.mark.parametrize("kind", ["strings", "integers", "int8", "floats", "bools"])
def test_a_dict_for_each_sample(kind, cls, dtype, X):
    labels = LABELS[kind]
    model = make(cls).fit(X, labels[np.arange(30) % len(labels)])
    given = rows(dtype)
    outputs = serve(to_onnx(model, zipmap=True, dtype=dtype), given)
    assert_array_equal(outputs["label"], model.predict(given))
    for each, proba in zip(outputs["probabilities"], model.predict_proba(given), strict=True):
        assert [*each] == model.classes_.tolist()
        assert_close([*each.values()], proba, "float32")  # ZipMap has no float64


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cls", PROBABILISTIC)
@pytest.mark.parametrize("kind", LABELS)
def test_a_column_for_each_class(kind, cls, dtype, X):
    labels = LABELS[kind]
    model = make(cls).fit(X, labels[np.arange(30) % len(labels)])
    given = rows(dtype)
    outputs = serve(to_onnx(model, zipmap="columns", dtype=dtype), given)
    assert [*outputs] == ["label", *(f"probability_{label}" for label in model.classes_.tolist())]
    for k, label in enumerate(model.classes_.tolist()):
        assert_close(outputs[f"probability_{label}"], model.predict_proba(given)[:, k], dtype)


def test_dicts_and_columns_of_labels(X):
    model = make(ManualMLPClassifier).fit(X, (X[:, :3] > 0).astype(int))
    proba = model.predict_proba(rows())
    dicts = serve(to_onnx(model, zipmap=True), rows())["probabilities"]
    assert_close([[*each.values()] for each in dicts], proba, "float32")
    columns = serve(to_onnx(model, zipmap="columns"), rows())
    assert_array_equal(columns["label"], model.predict(rows()))
    assert_close(columns["probability_2"], proba[:, 2], "float64")


def test_dicts_need_keys(X):
    model = make(LogisticNeuronClassifier).fit(X, np.arange(30) % 2)
    model.classes_ = np.array([0.25, 0.75])
    with pytest.raises(ValueError, match=r"strings or integers; got \[0.25, 0.75\]"):
        to_onnx(model, zipmap=True)


# ---- own activations ----------------------------------------------------------------------------


class Softsign(Activation):
    """σ(z) = z / (1 + |z|), with its operators."""

    def forward(self, z, out):
        np.divide(z, 1.0 + np.abs(z), out=out)

    def with_derivative(self, z, out, slope):
        slope[...] = 1.0 / (1.0 + np.abs(z)) ** 2
        self.forward(z, out)

    def to_onnx(self, graph, z):
        below = graph.node("Add", graph.node("Abs", z), graph.const(1.0))
        return graph.node("Div", z, below)


class Twice(Softsign):
    """Another function than its parent's, and the parent's operators."""

    def forward(self, z, out):
        super().forward(z, out)
        out *= 2.0


class Curved(Tanh):
    """Another function than a built-in one."""

    def forward(self, z, out):
        np.tanh(2.0 * z, out=out)


class Renamed(Tanh):
    """The same function."""

    gain = 2.0


class Nameless(Softsign):
    """Its operators have no result."""

    def to_onnx(self, graph, z):
        graph.node("Abs", z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [Softsign(), Renamed()])
def test_own_activations(activation, dtype, network, X):
    model = make(network, activation=activation).fit(X, target_for(network, 30))
    assert_answers(model, to_onnx(model, dtype=dtype), rows(dtype))
    model = make(ManualMLPRegressor, loss=SquaredError(activation), eta=0.01)
    model.fit(X, target_for(ManualMLPRegressor, 30))
    assert_answers(model, to_onnx(model, dtype=dtype), rows(dtype))


@pytest.mark.parametrize("activation", [Twice(), Curved()], ids=repr)
def test_an_activation_without_operators_is_refused_by_name(activation, network, X):
    model = make(network, activation=activation).fit(X, target_for(network, 30))
    name = type(activation).__name__
    with pytest.raises(
        NotImplementedError, match=rf"{name} does not say .* to_onnx\(self, graph, z\)"
    ):
        to_onnx(model)


def test_operators_must_have_a_result(X):
    model = make(ManualMLPRegressor, activation=Nameless()).fit(X, X[:, 0])
    with pytest.raises(TypeError, match="to_onnx of Nameless must return the name"):
        to_onnx(model)


def test_equal_constants_are_stored_once():
    graph = PlainGraph("float32")
    assert graph.const(1.0) == graph.const(np.float64(1.0)) == graph.const(np.array(1.0))
    assert len({graph.const(1.0), graph.const(1), graph.const([1.0]), graph.const([[1.0]])}) == 4
    assert graph.const(["a", "b"]) == graph.const(np.array(["a", "b"], object))


# ---- own estimators -----------------------------------------------------------------------------


class Mine(ManualMLPClassifier):
    """A subclass that answers as its parent does."""

    def extra(self):
        return self.predict


class Louder(SigmoidNeuronRegressor):
    """A subclass with answers of its own."""

    def predict(self, X):
        return 2.0 * super().predict(X)


def test_subclasses(X):
    model = make(Mine, hidden_layer_sizes=(3,)).fit(X, target_for(Mine, 30))
    assert_answers(model, to_onnx(model), rows())
    louder = make(Louder).fit(X, X[:, 0])
    with pytest.raises(TypeError, match="Louder defines predict in Louder"):
        to_onnx(louder)


# ---- what is refused ----------------------------------------------------------------------------


def test_an_estimator_must_be_fitted(cls):
    with pytest.raises(NotFittedError, match=f"This {cls.__name__} instance is not fitted yet"):
        to_onnx(make(cls))


def test_other_objects_are_refused(X):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    wrong = [
        LogisticRegression().fit(X, np.arange(30) % 2),
        make_pipeline(make(LogisticNeuronClassifier)).fit(X, np.arange(30) % 2),
        LogisticNeuronClassifier,
        None,
        "model",
    ]
    for each in wrong:
        with pytest.raises(
            TypeError, match=r"fitted estimators of sklearn_neuron; got .*register\(\)"
        ):
            to_onnx(each)


@pytest.mark.parametrize("opset", [1, 13, 17, 24, 99, "18", 18.5, None])
def test_other_opsets_are_refused(opset, X):
    model = make(PerceptronClassifier).fit(X, np.arange(30) % 2)
    with pytest.raises(ValueError, match="must be 18 to 23, the supported versions; got"):
        to_onnx(model, target_opset=opset)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (
            LogisticNeuronClassifier,
            {"dtype": "float16"},
            "dtype must be float64 or float32; got float16",
        ),
        (LogisticNeuronClassifier, {"dtype": int}, "dtype must be float64 or float32; got int64"),
        (
            LogisticNeuronClassifier,
            {"zipmap": "rows"},
            "must be False, True or 'columns'; got 'rows'",
        ),
        (LogisticNeuronClassifier, {"zipmap": 2}, "must be False, True or 'columns'; got 2"),
        (
            LogisticNeuronClassifier,
            {"zipmap": True, "raw_scores": True},
            "zipmap is for probabilities",
        ),
        (PerceptronClassifier, {"zipmap": "columns"}, "zipmap is for probabilities"),
        (SigmoidNeuronRegressor, {"zipmap": True}, "SigmoidNeuronRegressor is a regressor"),
        (ManualMLPRegressor, {"raw_scores": True}, "ManualMLPRegressor is a regressor"),
    ],
)
def test_options_that_mean_nothing_are_refused(cls, options, message, X):
    model = make(cls).fit(X, target_for(cls, 30))
    with pytest.raises(ValueError, match=message):
        to_onnx(model, **options)


def test_parameters_must_fit_in_the_dtype(X):
    model = make(LogisticNeuronClassifier).fit(X, np.arange(30) % 2)
    model.coef_ = model.coef_ * 1e200
    with pytest.raises(ValueError, match="Parameters overflow in float32"):
        to_onnx(model, dtype="float32")


# ---- what is imported when ----------------------------------------------------------------------


def test_onnx_is_imported_when_it_is_used():
    code = (
        "import sys, sklearn_neuron, sklearn_neuron.inspection\n"
        "assert 'sklearn_neuron.onnx' not in sys.modules\n"
        "import sklearn_neuron.onnx\n"
        "assert not {'onnx', 'skl2onnx', 'onnxruntime'} & sys.modules.keys()\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("package", "call"), [("onnx", "to_onnx(model)"), ("skl2onnx", "register()")]
)
def test_a_missing_package_is_named(package, call):
    code = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        "from sklearn_neuron import PerceptronClassifier\n"
        "from sklearn_neuron.onnx import register, to_onnx\n"
        "model = PerceptronClassifier().fit([[0.0], [1.0]], [0, 1])\n"
        f"try:\n    {call}\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = run(code)
    assert f"needs {package}, which is not installed" in done.stdout, done.stderr
    assert "pip install onnx skl2onnx" in done.stdout
