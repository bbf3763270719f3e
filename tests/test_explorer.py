"""The explorer: what goes into the page, without a browser."""

import base64
import gzip
import json
import re

import numpy as np
import pytest
from helpers import is_own
from scipy import sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    SGD,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    Record,
)
from sklearn_neuron.activations import ACTIVATIONS, Activation, Exponential, Softmax, Step
from sklearn_neuron.inspection import Explorer, backprop_trace, explore
from sklearn_neuron.inspection import at as inspected_at
from sklearn_neuron.inspection._explorer.explorer import SCRIPTS, asset, lean
from sklearn_neuron.inspection._explorer.explorer_pack import compressed, packed
from sklearn_neuron.inspection._subject import recorded_thetas
from sklearn_neuron.losses import LOSSES
from sklearn_neuron.optimizers import OPTIMIZERS


def unpacked(part):
    """Return the array of a packed part, by NumPy."""
    plain = gzip.decompress(base64.b64decode(part["text"]))
    size = {"float64": 8, "float32": 4, "delta16": 2}[part["kind"]]
    columns = np.frombuffer(plain, np.uint8).reshape(size, -1).T.copy().view(f"<i{size}")
    columns = columns.reshape(-1, part["shape"][0])
    if part["kind"] == "delta16":
        values = np.cumsum(columns.astype(np.int64), axis=1) * part["quantum"]
    else:
        for _ in range(part["order"]):
            columns = np.cumsum(columns, axis=1, dtype=columns.dtype)
        values = columns.view(f"<f{size}").astype(float)
    return values.T.reshape(part["shape"])


@pytest.mark.parametrize(("kind", "rtol"), [("float64", 0.0), ("float32", 6e-8), ("coarse", 2e-5)])
def test_packing_loses_nothing_beyond_its_precision(kind, rtol):
    values = np.random.RandomState(0).normal(size=(20, 7)).cumsum(axis=0) * 1e3
    np.testing.assert_allclose(unpacked(packed(values, kind)), values, rtol=rtol, atol=0.0)


def test_differences_of_16_bits_do_not_drift():
    values = np.random.RandomState(0).normal(size=(500, 7)).cumsum(axis=0)
    part = packed(values, "delta16")
    assert np.abs(unpacked(part) - values).max() <= 0.5001 * part["quantum"]
    assert part["quantum"] <= 2e-4 * np.abs(values).max()


def test_a_page_is_one_inert_document():
    hostile = "</script><img src=x onerror=alert(1)>\u2028\u202e\"'<!--"
    X, y = np.random.RandomState(0).normal(size=(20, 3)), np.array([hostile, "b"] * 10)
    model = LogisticNeuronClassifier(max_iter=3, tol=None, record="epoch").fit(X, y)
    page = explore(model, X, y, title=hostile).html()
    assert page.count("</script>") == 2
    assert "<img" not in page
    text = re.search(r'id="explorer-data">(.*?)</script>', page, re.DOTALL)[1]
    assert not set("<>&\u2028\u2029") & set(text)
    found = json.loads(text)
    assert found["title"] == hostile
    assert hostile in found["classes"]
    assert "default-src &#x27;none&#x27;" in page
    frame = explore(model, X, y, title=hostile)._repr_html_()
    assert 'sandbox="allow-scripts"' in frame
    assert "<script" not in frame.partition("</iframe>")[0]


def test_parameters_and_rows_are_those_of_the_fit():
    X, y = load_iris(return_X_y=True)
    model = ManualMLPClassifier((5,), max_iter=20, tol=None, record="epoch", random_state=0).fit(
        X, y
    )
    data = explore(model, X, y, snapshots=5).data
    at = data["snapshots"]["at"]
    assert at == [0, 5, 10, 15, 20]
    np.testing.assert_array_equal(
        unpacked(data["snapshots"]["theta"]), recorded_thetas(model, start=True)[at]
    )
    np.testing.assert_array_equal(unpacked(data["rows"]["X"]), X)
    assert data["rows"]["index"] == list(range(150))


@pytest.mark.parametrize(
    ("params", "at", "words"),
    [
        ({"batch_size": None}, [0, 1, 2], "epoch is that before its update"),
        ({"batch_size": 50}, [1, 2, 3], "the mean over its batches, each before its update"),
        ({"batch_size": 75, "record": "step"}, [0, 1, 2, 3, 4, 5], "that of its batch, before"),
        ({"solver": "lbfgs"}, [1, 2, 3], ""),
    ],
    ids=str,
)
def test_losses_lie_where_training_was(params, at, words):
    """Where a loss is that of one moment, it is the mean loss of the rows there."""
    X, y = load_iris(return_X_y=True)
    settings = {"max_iter": 3, "tol": None, "record": "epoch", "random_state": 0, "alpha": 0.0}
    if params.get("solver") == "lbfgs":
        settings["tol"] = 1e-9
    model = ManualMLPClassifier((5,), **settings | params).fit(X, y)
    data = explore(model, X, y).data
    np.testing.assert_array_equal(unpacked(data["curve"]["at"]), at)
    assert words in data["curve"]["words"]
    if not set(params) <= {"batch_size", "solver"} or params.get("batch_size") == 50:
        return
    thetas = unpacked(data["snapshots"]["theta"])
    for moment, loss in zip(at, unpacked(data["curve"]["loss"]), strict=True):
        then = inspected_at(model, epoch=moment - 1)
        assert backprop_trace(then, X, y).loss.mean() == pytest.approx(loss, rel=1e-6)
        np.testing.assert_array_equal(thetas[moment][:20], then.coefs_[0].ravel())


def test_a_pipeline_shows_its_transformed_rows():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LogisticNeuronClassifier(max_iter=5, tol=None))
    data = explore(pipeline.fit(X, y), X, y).data
    np.testing.assert_allclose(unpacked(data["rows"]["X"]), pipeline[:-1].transform(X))
    assert data["snapshots"]["at"] == [5]  # nothing was recorded


def test_every_kind_of_estimator(cls):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    for given in (X, sparse.csr_array(X), X.astype(np.float32)):
        explorer = explore(cls(max_iter=3, tol=None).fit(given, y), given, y)
        assert json.loads(json.dumps(explorer.data, allow_nan=False))["layers"][0] == 3
    assert isinstance(explore(cls(), X, y), Explorer)


def test_multilabel_dropout_and_averaging():
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(40, 3)), rng.randint(0, 2, size=(40, 4))
    model = ManualMLPClassifier(
        (5,), dropout=0.5, solver=SGD(average=True), max_iter=3, tol=None, record="epoch"
    ).fit(X, Y)
    data = explore(model, X, Y).data
    assert data["kind"] == "multilabel"
    assert data["classes"] == ["label 0", "label 1", "label 2", "label 3"]
    assert not data["batch"]["exact"]


class Cubed(Activation):
    name = "cubed"

    def forward(self, z, out):
        np.multiply(z * z, z, out=out)

    def with_derivative(self, z, out, slope):
        np.multiply(z * z, 3.0, out=slope)
        self.forward(z, out)


def test_parts_of_users_own_come_with_their_numbers():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(10, 2)), rng.normal(size=10)
    model = ManualMLPRegressor((3,), activation=Cubed(), eta=0.01, max_iter=2, tol=None).fit(X, y)
    data = explore(model, X, y).data
    numbers = unpacked(data["numbers"])[0]
    trace = backprop_trace(model, X, y)
    expected = [trace.z[1], trace.a[1], 3 * trace.z[1] ** 2, trace.delta[1]]
    expected += [trace.z[2], trace.a[2], trace.delta[2], trace.loss[:, None]]
    np.testing.assert_allclose(numbers, np.hstack(expected), rtol=1e-12)
    assert explore(ManualMLPRegressor((3,)).fit(X, y), X, y).data["numbers"] is None


def test_large_pages_have_fewer_moments_and_say_so():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(300, 400)), np.arange(300) % 2
    model = ManualMLPClassifier((200,), max_iter=40, tol=None, record="epoch").fit(X, y)
    explorer = explore(model, X, y)
    assert len(explorer.html()) < 5_000_000
    assert len(explorer.data["snapshots"]["at"]) < 41
    assert "below 5 MB" in explorer.data["notes"][0]


def test_sizes_of_pages():
    X, y = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]), np.array([0, 1, 1, 0])
    model = ManualMLPClassifier(
        (4, 4), activation="logistic", solver=SGD(momentum=0.9), eta=0.5, batch_size=None,
        init="he_uniform", max_iter=1000, tol=None, record="epoch", random_state=0,
    ).fit(X, y)  # fmt: skip
    assert len(explore(model, X, y).html().encode()) <= 100_000
    X, y = load_digits(return_X_y=True)
    model = ManualMLPClassifier((32,), max_iter=50, tol=None, record="epoch", random_state=0)
    model.fit(X / 16, y)
    assert len(explore(model, X / 16, y, image_shape=(8, 8)).html().encode()) <= 300_000


def test_the_script_is_small():
    script = "\n".join(lean(asset(name)) for name in SCRIPTS)
    assert len(compressed(script)) <= 30_000


@pytest.mark.parametrize(
    "component",
    filter(is_own, [*ACTIVATIONS.values(), Exponential, Softmax, Step, *LOSSES.values()]),
    ids=lambda component: component.name,
)
def test_formulas_name_what_there_is(component):
    known = {"z", "a", "y", "r", "slope", *component().get_params()}
    texts = [
        component.formula,
        *(vars(component).get(n) for n in ("delta_formula", "derivative_formula")),
    ]
    assert component.formula
    for text in filter(None, texts):
        assert set(re.findall(r"{(.*?)}", text)) <= known


@pytest.mark.parametrize(
    "optimizer", filter(is_own, OPTIMIZERS.values()), ids=lambda optimizer: optimizer.name
)
def test_formulas_of_optimizers_end_in_the_direction(optimizer):
    lines = optimizer().formulas()
    known = {"g", "t", "m", "v", "u", "m̂", "v̂", *optimizer().get_params()}
    assert lines[-1][0] == "direction"
    for _, text in lines:
        assert set(re.findall(r"{(.*?)}", text)) <= known


@pytest.mark.parametrize("options", [{}, {"momentum": 0.7}, {"momentum": 0.7, "nesterov": True}])
def test_formulas_of_sgd_are_what_it_computes(options):
    """The lines of the page, read as Python, give the direction of every update."""
    optimizer, known = SGD(**options), {"v": 0.0}
    state = optimizer.init(np.zeros(1))
    for g in (1.0, -3.0, 0.5):
        known |= {"g": g, "momentum": optimizer.momentum}
        for name, text in optimizer.formulas():
            known[name] = eval(re.sub(r"[{}]", "", text).replace("·", "*"), {}, known)
        grad = np.array([g])
        optimizer.update(grad, state)
        assert grad[0] == pytest.approx(known["direction"], rel=1e-14)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"rows": [99]}, ValueError, "rows"),
        ({"rows": [0.5]}, TypeError, "rows"),
        ({"snapshots": 0}, ValueError, "snapshots"),
        ({"rows": []}, ValueError, "rows of explore must not be empty"),
        ({"grid": 1}, ValueError, "grid"),
        ({"grid": 3000}, ValueError, r"'grid' .* \[2, 400\]"),
        ({"image_shape": (3, 3)}, ValueError, "image_shape"),
        ({"live": "yes"}, TypeError, "live"),
        ({"title": 3}, TypeError, "title"),
        ({"live": True}, ValueError, "record"),
    ],
)
def test_bad_arguments(options, error, words):
    X, y = load_iris(return_X_y=True)
    model = LogisticNeuronClassifier(max_iter=2, tol=None).fit(X[:20], y[:20] * 0 + [0, 1] * 10)
    with pytest.raises(error, match=words):
        explore(model, X[:20], [0, 1] * 10, **options)


def test_one_row_is_no_rows():
    X, y = load_iris(return_X_y=True)
    model = LogisticNeuronClassifier(max_iter=2, tol=None, record="epoch").fit(X, y)
    assert repr(explore(model, X, y, rows=[3], snapshots=1)).endswith("1 row, 1 moment of training")
    assert repr(explore(model, X, y, rows=[3, 4])).endswith("2 rows, 3 moments of training")
    assert explore(model, X, y, rows=range(3), grid=400).data["grid"] == 400


def test_live_training_says_how_to_give_it_all_rows():
    X, y = load_digits(return_X_y=True)
    settings = {"max_iter": 2, "tol": None, "record": "epoch", "shuffle": False}
    model = ManualMLPClassifier((3,), **settings).fit(X[:300], y[:300])
    with pytest.raises(ValueError, match=r"rows=range\(len\(X\)\)"):
        explore(model, X[:300], y[:300], live=True)
    explorer = explore(model, X[:300], y[:300], live=True, rows=range(300))
    assert explorer.data["live"]["max_iter"] == 2


def test_the_state_of_momentum_follows_from_two_steps():
    X, y = load_iris(return_X_y=True)
    settings = {"solver": SGD(momentum=0.9), "batch_size": None, "max_iter": 9, "tol": None}
    known = LogisticNeuronClassifier(record=Record("epoch", state=True), **settings).fit(X, y)
    model = LogisticNeuronClassifier(record="epoch", **settings).fit(X, y)
    v, same = (explore(m, X, y).data["snapshots"]["state"]["v"] for m in (known, model))
    np.testing.assert_allclose(unpacked(v), unpacked(same), rtol=4e-5, atol=1e-9)


def test_features_keep_their_names_through_a_pipeline(pd):
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticNeuronClassifier(max_iter=3, tol=None))
    assert explore(model.fit(X, y), X, y).data["features"] == list(X.columns)
    assert explore(model.fit(X.to_numpy(), y), X.to_numpy(), y).data["features"] is None
