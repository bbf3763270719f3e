"""Training on a Dask cluster ends where training on one machine ends, whatever the partitions."""

import itertools
import pickle
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import NETWORKS, REGRESSORS, make, weights_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning

from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
    config_context,
)
from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron.activations import Tanh
from sklearn_neuron.losses import Huber, Quantile, SquaredError
from sklearn_neuron.network import Network

pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

from dask_parts import assert_same_fit, blocks_of, both, cluster  # noqa: E402

import sklearn_neuron.dask as on_cluster  # noqa: E402
from sklearn_neuron.dask import _part, _place, _reading  # noqa: E402

N = 300
PARTITIONS = {
    "one": (N,),
    "uneven": (1, 120, 179),
    "many": (20,) * 15,
    "empty": (0, 100, 0, 0, 200, 0),
}
UNEVEN = PARTITIONS["uneven"]
#: Class weights for each label.
EACH = [{0: 1, 1: 3}, {0: 2, 1: 1}, {0: 1, 1: 1}]
UPDATES = ["sgd", Adam(), SGD(momentum=0.9), SGD(average=True), "rmsprop"]
OF_DASK = "print('dask' in sys.modules, 'distributed' in sys.modules)"
EXACT = ["sgd", "momentum", "adam", "rmsprop", "lbfgs", "newton", "newton-cg"]


@pytest.fixture(scope="module", autouse=True)
def client():
    with cluster() as client:
        yield client


@pytest.fixture(autouse=True)
def apart(monkeypatch):
    """Let each partition be a part by itself, however small."""
    monkeypatch.setattr(_reading, "SMALL_PART", 0)


def classes(k=2, seed=0):
    X, y = make_classification(
        N, 6, n_informative=5, n_redundant=0, n_classes=k, flip_y=0.1, random_state=seed,
        weights=[0.5, 0.3, 0.2][:k],  # not balanced: no component of the first gradient is zero,
    )  # fmt: skip  # whose rounding Adam would divide by itself
    return X, y


def targets(seed=0):
    return make_regression(N, 6, noise=5.0, random_state=seed)


def data_for(cls, k=2):
    return targets() if cls in REGRESSORS else classes(k)


def solvers_of(cls):
    refused = {"newton", "newton-cg"} if cls in NETWORKS else set()
    if cls is PerceptronClassifier:
        return ["sgd"]
    return [name for name in EXACT if name not in refused]


def exact(cls, solver="sgd", **params):
    """Return an estimator whose training is exact on a cluster."""
    own = {"alpha": 0.01} if solver in {"lbfgs", "newton", "newton-cg"} else {"batch_size": None}
    if cls in NETWORKS:
        own["early_stopping"] = False
    if solver == "newton-cg":
        own["max_iter"] = 5  # then rounding decides where its conjugate gradients end
    if solver == "momentum":
        own["solver"] = SGD(momentum=0.9, nesterov=True)
    elif cls is not PerceptronClassifier:
        own["solver"] = solver
    return make(cls, **{"max_iter": 8, **own, **params})


# ---- partitions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", PARTITIONS.values(), ids=PARTITIONS)
def test_every_solver_whatever_the_partitions(cls, sizes):
    X, y = data_for(cls)
    weight = np.random.RandomState(1).uniform(size=N) * (np.arange(N) % 5 > 0)
    for k, solver in enumerate(solvers_of(cls)):
        given = weight if k % 2 else None
        one, many = both(exact(cls, solver), X, y, sizes, sample_weight=given)
        assert_same_fit(one, many, 1e-12)


@pytest.mark.parametrize("solver", EXACT)
def test_partitions_sorted_by_class(solver):
    """So that no partition has all classes, and most have one."""
    X, y = classes(3)
    order = np.argsort(y, kind="stable")
    y = np.array(["red", "green", "blue"])[y[order]]
    one, many = both(exact(LogisticNeuronClassifier, solver), X[order], y, (50,) * 6)
    assert_same_fit(one, many, 1e-12)
    assert many.classes_.tolist() == ["blue", "green", "red"]


def test_more_groups_than_are_added_at_a_time():
    """Workers add sums where there are many."""
    X, y = classes(3)
    with cluster(threads_per_worker=10):  # a group for each thread
        for solver in ("sgd", "lbfgs", "newton", "newton-cg"):
            estimator = exact(LogisticNeuronClassifier, solver, max_iter=3)
            one, many = both(estimator, X, y, (10,) * 30)
            assert_same_fit(one, many, 1e-12)


@pytest.mark.parametrize("most", [50, 1000])
@pytest.mark.parametrize("kind", ["dense", "sparse", "labels", "weights"])
def test_small_partitions_are_put_together(monkeypatch, most, kind):
    """Up to so many rows, in the order they have; the result is the same."""
    monkeypatch.setattr(_reading, "SMALL_PART", most * 6 * 8)
    X, y = classes(3)
    X = sparse.csr_array(X * (X > 0)) if kind == "sparse" else X
    y = np.array(["a", "bb", "c"])[y] if kind == "labels" else y
    weight = np.r_[np.ones(160), np.random.RandomState(0).uniform(size=140)]
    weight[20:60] = 0.0
    given, sizes = [], []
    plain = _reading.grouped

    def noted(*args, **shared):
        blocks = plain(*args, **shared)
        sizes.extend(blocks.client.gather([blocks.client.map(len, g) for g in blocks.groups]))
        return blocks

    monkeypatch.setattr(_reading, "grouped", noted)
    for solver in ("lbfgs", "newton", "newton-cg", "sgd"):
        given = weight if kind == "weights" else None
        one, many = both(
            exact(LogisticNeuronClassifier, solver), X, y, PARTITIONS["many"], sample_weight=given
        )
        assert_same_fit(one, many, 1e-12)
    if kind != "weights":
        assert sizes[:2] == ([[40] * 4, [40] * 3 + [20]] if most == 50 else [[160], [140]])


def test_bundles():
    sizes = [5, 5, 0, 20, 3, 3, 3, 3, 100, 1]
    own = [i for i in range(10) if sizes[i]]
    assert _reading.bundles(own, sizes, 10) == [[0, 1], [3], [4, 5, 6], [7], [8], [9]]
    assert _reading.bundles(own, sizes, 0) == [[i] for i in own]
    assert _reading.bundles([], sizes, 10) == []


def test_many_small_partitions_are_warned_of(monkeypatch):
    """Once for each fit; not of a few, and not of large ones."""
    monkeypatch.setattr(_reading, "SMALL_PART", 1_000_000)
    X, y = classes()
    with pytest.warns(
        UserWarning, match=r"X has 300 partitions of 4.8e-05 MB each, for 2 thr"
    ) as w:
        on_cluster.fit(
            exact(LogisticNeuronClassifier), blocks_of(X, [1] * N), blocks_of(y, [1] * N)
        )
    assert sum("partitions" in str(each.message) for each in w) == 1
    assert "repartition(npartitions=4)" in str(w[0].message)
    for of in ((100, 2, 1e3), (300, 20, 1e3), (300, 2, 3.1e8)):
        _reading.hint_at_partitions("neuron", *of)  # a warning would be an error


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_parameters_that_are_large(solver):
    """From 100 kB on, fits at the same time have arguments of their own, too."""
    X, y = classes(3)
    estimator = exact(ManualMLPClassifier, solver, hidden_layer_sizes=(2000,), max_iter=4)
    estimators = [clone(estimator).set_params(random_state=seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as threads:
        fits = list(threads.map(lambda one: both(one, X, y, UNEVEN), estimators, timeout=120))
    for one, many in fits:
        assert_same_fit(one, many, 1e-11)


@pytest.mark.parametrize("batch_size", [None, 100])
def test_nothing_is_said_of_the_size_of_parameters(batch_size):
    """12 MB: users cannot send them in another way."""
    X, y = classes()
    how = {"hidden_layer_sizes": (3000, 500), "max_iter": 1, "batch_size": batch_size}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        many = batches(ManualMLPClassifier, **how)
        on_cluster.fit(many, blocks_of(X, UNEVEN), blocks_of(y, UNEVEN))
    assert many.n_iter_ == 1


def test_the_same_bits_for_the_same_partitions():
    X, y = classes(3)
    estimator = exact(ManualMLPClassifier, "lbfgs")
    thetas = [weights_of(both(estimator, X, y, (50,) * 6)[1]) for _ in range(2)]
    assert_array_equal(*thetas)


# ---- samples ------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "lbfgs", "newton", "newton-cg"])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 2.5, 2: 0.0}])
def test_class_weights_are_of_all_samples(solver, class_weight):
    X, y = classes(3)
    order = np.argsort(y, kind="stable")
    estimator = exact(LogisticNeuronClassifier, solver, class_weight=class_weight, max_iter=4)
    weight = np.random.RandomState(0).uniform(size=N)
    one, many = both(estimator, X[order], y[order], UNEVEN, sample_weight=weight)
    assert_same_fit(one, many, 1e-12)


@pytest.mark.parametrize("class_weight", [None, "balanced", EACH])
@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
def test_several_labels(cls, class_weight):
    X, y = make_multilabel_classification(N, 6, n_classes=3, random_state=0)
    weight = np.random.RandomState(0).uniform(size=N)
    for solver in ("adam", "lbfgs"):
        estimator = exact(cls, solver, class_weight=class_weight)
        try:
            clone(estimator).fit(X, y)
        except ValueError:
            assert cls is LogisticNeuronClassifier  # one label each
            return
        one, many = both(estimator, X, y, UNEVEN, sample_weight=weight)
        assert_same_fit(one, many, 1e-12)


@pytest.mark.parametrize(
    ("solver", "kind"),
    [*((solver, sparse.csr_matrix) for solver in EXACT), ("newton", sparse.csr_array)],
)
def test_sparse_blocks(solver, kind):
    X = kind(sparse.random(N, 20, 0.2, format="csr", random_state=0))
    y = (X @ np.random.RandomState(0).normal(size=20) > 0).astype(int)
    one, many = both(exact(LogisticNeuronClassifier, solver), X, y, UNEVEN)
    assert_same_fit(one, many, 1e-12)


@pytest.mark.parametrize("solver", EXACT)
def test_single_precision(solver):
    X, y = classes(3)
    one, many = both(exact(LogisticNeuronClassifier, solver), X.astype(np.float32), y, UNEVEN)
    assert many.coef_.dtype == np.float32
    assert_same_fit(one, many, 2e-6)


@pytest.mark.parametrize("solver", ["newton", "newton-cg"])
def test_columns_far_from_zero(solver):
    """They are centered by the same rows as on one machine."""
    X, y = classes()
    one, many = both(exact(LogisticNeuronClassifier, solver), X + 1e6, y, UNEVEN)
    assert_same_fit(one, many, 1e-9)
    z = (X + 1e6) @ many.coef_.T + many.intercept_
    plain = clone(one).fit(X, y)
    assert_allclose(z, X @ plain.coef_.T + plain.intercept_, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-6])
@pytest.mark.parametrize("outputs", [1, 2])
def test_units_of_y(scale, outputs):
    """Adaptive optimizers see y in units of its deviation, which is that of all samples."""
    X, y = make_regression(N, 6, n_targets=outputs, noise=5.0, random_state=0)
    order = np.argsort(y.reshape(N, -1)[:, 0], kind="stable")
    estimator = exact(ManualMLPRegressor, "adam")
    one, many = both(estimator, X[order], scale * y[order] + 3 * scale, UNEVEN)
    assert_same_fit(one, many, 1e-11)


@pytest.mark.parametrize("target_range", ["auto", (-1000.0, 1000.0)])
@pytest.mark.parametrize("solver", ["sgd", "lbfgs", "newton", "newton-cg"])
def test_the_range_of_the_targets_is_of_all_samples(target_range, solver):
    X, y = targets()
    estimator = exact(SigmoidNeuronRegressor, solver, target_range=target_range)
    one, many = both(estimator, X, y, UNEVEN)
    assert_same_fit(one, many, 1e-12)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
@pytest.mark.parametrize("weightless", [0, 1, 2])
def test_partitions_without_weight_tell_nothing_of_the_range(solver, weightless):
    """Not of the range of the targets, and not of their units."""
    X, y = targets()
    weight = np.ones(N)
    weight[100 * weightless : 100 * (weightless + 1)] = 0.0
    y[weight == 0.0] *= 100.0
    for cls in (SigmoidNeuronRegressor, ManualMLPRegressor):
        one, many = both(exact(cls, solver), X, y, (100,) * 3, sample_weight=weight)
        assert_same_fit(one, many, 1e-12)


# ---- parameters ---------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [Huber(), "absolute_error", Quantile(0.8), "poisson"], ids=str)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_losses(loss, solver):
    X, y = targets()
    if loss == "poisson":
        y = np.round(np.exp(y / np.abs(y).max()) * 3)
    one, many = both(exact(ManualMLPRegressor, solver, loss=loss, max_iter=5), X, y, UNEVEN)
    assert_same_fit(one, many, 1e-11)


CHOICES = {
    "alpha": {"alpha": 0.1},
    "elastic net": {"alpha": 0.05, "l1_ratio": 0.6},
    "no intercept": {"fit_intercept": False},
    "constant eta": {"eta": 0.3, "schedule": "constant"},
    "inverse scaling": {"eta": 0.3, "schedule": "invscaling"},
    "adaptive": {"eta": 0.3, "schedule": "adaptive", "tol": 1e-2, "n_iter_no_change": 2},
    "averaging": {"solver": SGD(average=True)},
    "clipping": {"solver": Adam(max_norm=0.01)},
    "tolerance": {"tol": 1e-2, "n_iter_no_change": 2},
    "record": {"record": "epoch"},
}


@pytest.mark.parametrize("params", CHOICES.values(), ids=CHOICES)
def test_parameters(params):
    X, y = classes(3)
    try:
        estimator = exact(LogisticNeuronClassifier, **params)
        clone(estimator).fit(X, y)
    except TypeError as error:
        pytest.fail(str(error))
    one, many = both(estimator, X, y, UNEVEN)
    assert_same_fit(one, many, 1e-12)
    if "record" in params:
        assert len(many.history_) == len(one.history_)


@pytest.mark.parametrize("engine", ["numpy", "compiled", "auto"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.needs_core
def test_engines(engine, solver):
    X, y = classes(3)
    with config_context(engine=engine):
        one, many = both(exact(ManualMLPClassifier, solver), X, y, UNEVEN)
    assert_same_fit(one, many, 1e-11)
    assert many.engine_ == one.engine_


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs", "newton"])
def test_warm_starts(solver):
    X, y = classes(3)
    cls = LogisticNeuronClassifier
    one = exact(cls, solver, warm_start=True, max_iter=3)
    many, X_blocks, y_blocks = clone(one), blocks_of(X, UNEVEN), blocks_of(y, UNEVEN)
    for _ in range(3):
        one.fit(X, y)
        on_cluster.fit(many, X_blocks, y_blocks)
        assert_same_fit(one, many, 1e-12)
    assert_same_fit(one.fit(X, y), many.fit(X, y), 1e-12)  # and goes on at home


def test_several_starts():
    X, y = classes(3)
    one, many = both(exact(ManualMLPClassifier, "adam", n_init=3), X, y, UNEVEN)
    assert_same_fit(one, many, 1e-12)


@pytest.mark.parametrize("kind", ["memory", "dask"])
def test_validation_data(kind):
    X, y = classes(3)
    held = (X[:50] + 0.1, y[:50])
    one = exact(ManualMLPClassifier, "adam").fit(X, y, X_val=held[0], y_val=held[1])
    if kind == "dask":
        held = tuple(blocks_of(each, (20, 30)) for each in held)
    many = on_cluster.fit(
        exact(ManualMLPClassifier, "adam"),
        blocks_of(X, UNEVEN),
        blocks_of(y, UNEVEN),
        X_val=held[0],
        y_val=held[1],
    )
    assert_same_fit(one, many, 1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_early_stopping_on_validation_data(solver):
    """Training ends where they no longer improve, as on one machine."""
    X, y = classes(3)
    held = {"X_val": X[:50] + 0.3, "y_val": np.roll(y[:50], 1)}
    how = {"early_stopping": True, "tol": 1e-4, "n_iter_no_change": 2, "max_iter": 60}
    one, many = both(exact(ManualMLPClassifier, solver, **how), X, y, UNEVEN, **held)
    assert one.n_iter_ < 60
    assert_same_fit(one, many, 1e-10)


def test_initial_values():
    X, y = classes()
    start = {"coef_init": np.full(6, 0.2), "intercept_init": -0.3}
    one, many = both(exact(LogisticNeuronClassifier, "sgd"), X, y, UNEVEN, **start)
    assert_same_fit(one, many, 1e-12)


def test_verbose_tells_the_same(capsys):
    X, y = classes()
    estimator = exact(LogisticNeuronClassifier, "lbfgs", verbose=True).fit(X, y)
    expected = re.sub(r"\d+\.\d+ s", "", capsys.readouterr().out)
    on_cluster.fit(clone(estimator), blocks_of(X, UNEVEN), blocks_of(y, UNEVEN))
    assert re.sub(r"\d+\.\d+ s", "", capsys.readouterr().out) == expected != ""


def test_samples_at_even_distances_are_those_of_one_machine(monkeypatch):
    """And where only their targets are asked for, X stays where it is."""
    whole = Samples(np.arange(2.0 * N).reshape(N, 2), np.arange(1.0 * N).reshape(N, 1), None)
    cuts = [0, 1, 120, N]
    parts = [
        _part.Part(Samples(whole.X[a:b], whole.Y[a:b], None), a, N)
        for a, b in itertools.pairwise(cuts)
    ]
    for most in (1, 7, 100, N):
        step = -(-N // most)
        X = np.concatenate([some.X for some in _part.few(parts, step)])
        assert_array_equal(X, whole.few(most).X)
        Y = np.concatenate(_part.few_targets(parts, step))
        assert_array_equal(Y, whole.few_targets(most))
        assert_array_equal(Y, whole.few(most).Y)
    asked, plain = [], _place.OnCluster.few
    monkeypatch.setattr(
        _place.OnCluster, "few", lambda self, most: asked.append(most) or plain(self, most)
    )
    X, y = targets()
    estimator = exact(ManualMLPRegressor, "adam", loss=Quantile(0.8), max_iter=6, tol=1e-9)
    both(estimator, X, y, UNEVEN)
    assert max(asked) <= 500  # to tell what went wrong, of 100,000 targets only


def test_callbacks_have_a_task_for_each_epoch():
    pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 brings callbacks")
    from test_callbacks import Recorder

    X, y = classes()
    recorder = Recorder(stop_at=2)
    estimator = exact(LogisticNeuronClassifier, "sgd").set_callbacks(recorder)
    on_cluster.fit(estimator, blocks_of(X, UNEVEN), blocks_of(y, UNEVEN))
    assert recorder.frame == ["setup", "teardown"]
    assert [number for _, number in recorder.ended if _ != "fit"][:3] == [0, 1, 2]
    assert estimator.n_iter_ == 3


# ---- the result ---------------------------------------------------------------------------------


def test_the_result_needs_no_dask():
    X, y = classes(3)
    many = on_cluster.fit(
        exact(ManualMLPClassifier, "adam"), blocks_of(X, UNEVEN), blocks_of(y, UNEVEN)
    )
    code = (
        "import sys, pickle; model = pickle.load(sys.stdin.buffer);"
        f"print(model.predict([[0.0] * 6]).shape); {OF_DASK}"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(many), capture_output=True, check=False
    )
    assert run.stdout.decode().split("\n")[:2] == ["(1,)", "False False"], run.stderr
    many.set_params(warm_start=True).partial_fit(X, y)  # a plain estimator


@pytest.mark.parametrize("held", [False, True])
def test_the_warning_of_too_few_epochs_says_what_works_here(held):
    """Nothing is held out on a cluster."""
    X, y = classes()
    held = {"X_val": X[:50], "y_val": y[:50]} if held else {}
    model = make(
        ManualMLPClassifier, early_stopping=False, batch_size=None, eta=0.05, max_iter=6, tol=1e-9
    )
    with pytest.warns(ConvergenceWarning, match="Increase max_iter") as caught:
        on_cluster.fit(model, blocks_of(X, UNEVEN), blocks_of(y, UNEVEN), **held)
    (text,) = [str(each.message) for each in caught]
    assert "auto" not in text
    assert text.endswith("or set early_stopping=True and give X_val and y_val.") != bool(held)


def test_importing_the_module_imports_no_dask():
    code = f"import sys, sklearn_neuron.dask; {OF_DASK}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "False False", run.stderr


# ---- prediction ---------------------------------------------------------------------------------

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("sizes", PARTITIONS.values(), ids=PARTITIONS)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "strings"])
def test_predictions_are_the_estimators(sizes, kind):
    if kind == "multilabel":
        X, y = make_multilabel_classification(N, 6, n_classes=3, random_state=0)
    else:
        X, y = classes(2 if kind == "binary" else 3)
        y = np.array(["a", "bb", "c"])[y] if kind == "strings" else y
    model = exact(ManualMLPClassifier, "adam").fit(X, y)
    for method in METHODS:
        if not hasattr(model, method):
            continue
        lazy, expected = (
            getattr(on_cluster, method)(model, blocks_of(X, sizes)),
            getattr(model, method)(X),
        )
        assert isinstance(lazy, da.Array)
        assert lazy.shape == expected.shape
        assert lazy.dtype.kind == expected.dtype.kind
        found = lazy.compute()
        assert found.shape == expected.shape
        if method == "predict":
            assert_array_equal(found, expected)
        else:
            assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("outputs", [1, 2])
def test_regressors_predict(outputs):
    X, y = make_regression(N, 6, n_targets=outputs, random_state=0)
    model = exact(ManualMLPRegressor, "adam").fit(X, y)
    found = on_cluster.predict(model, blocks_of(X, UNEVEN).rechunk((100, 2))).compute()
    assert_allclose(found, model.predict(X), rtol=1e-12)


def test_nothing_is_computed_until_it_is_asked_for():
    X, y = classes()
    model, seen = exact(LogisticNeuronClassifier).fit(X, y), []

    def noted(block):
        seen.append(len(block))
        return block

    lazy = blocks_of(X, UNEVEN).map_blocks(noted, meta=np.zeros((0, 6)))
    answers = [getattr(on_cluster, method)(model, lazy) for method in METHODS]
    assert not seen
    first = answers[0][:1].compute(scheduler="sync")  # and then only what is needed
    assert seen == [1]
    assert first == model.predict(X[:1])


# ---- mini-batches: other algorithms -------------------------------------------------------------


def batches(cls, **params):
    own = {"early_stopping": False} if cls in NETWORKS else {}
    return make(cls, **{"batch_size": 16, "max_iter": 12, **own, **params})


@pytest.mark.parametrize("mini_batches", ["local", "synchronous"])
def test_mini_batches_reach_the_loss_of_one_machine(cls, mini_batches):
    X, y = data_for(cls)
    how = {"max_iter": 60} if mini_batches == "local" else {"max_iter": 15, "batch_size": 50}
    one, many = both(batches(cls, **how), X, y, (75,) * 4, mini_batches=mini_batches)
    assert many.n_iter_ == one.n_iter_
    assert len(many.loss_curve_) == len(one.loss_curve_)
    if cls is PerceptronClassifier:  # its loss goes up and down
        assert many.score(X, y) > one.score(X, y) - 0.1
    elif cls in REGRESSORS:
        assert many.score(X, y) > one.score(X, y) - 0.05
    else:
        assert many.loss_curve_[-1] < 1.1 * one.loss_curve_[-1]
        assert many.score(X, y) > one.score(X, y) - 0.03


@pytest.mark.parametrize("mini_batches", ["local", "synchronous"])
def test_mini_batches_are_the_same_for_the_same_seed(mini_batches):
    X, y = classes(3)
    blocks = blocks_of(X, (75,) * 4), blocks_of(y, (75,) * 4)
    fits = [
        on_cluster.fit(
            batches(ManualMLPClassifier, random_state=seed, max_iter=3),
            *blocks,
            mini_batches=mini_batches,
        )
        for seed in (3, 3, 4)
    ]
    thetas = [weights_of(fit) for fit in fits]
    assert_array_equal(thetas[0], thetas[1])
    assert not np.allclose(thetas[0], thetas[2])


@pytest.mark.parametrize("size", [30, 64])
@pytest.mark.parametrize("solver", UPDATES, ids=str)
def test_synchronous_batches_without_shuffling_are_those_of_one_machine(solver, size):
    """One group, whose batches are the runs of samples that one machine takes; the last is less."""
    X, y = classes(3)
    weight = np.random.RandomState(0).uniform(size=N)
    with cluster(n_workers=1):
        estimator = batches(
            LogisticNeuronClassifier, solver=solver, shuffle=False, batch_size=size, max_iter=4
        )
        one, many = both(estimator, X, y, UNEVEN, sample_weight=weight, mini_batches="synchronous")
    theta = weights_of(one)
    assert_allclose(weights_of(many), theta, rtol=1e-11, atol=1e-12)
    assert_allclose(many.loss_curve_, one.loss_curve_, rtol=1e-11)


@pytest.mark.parametrize("size", [1, 4, 7, 100])
@pytest.mark.parametrize("sizes", [(100,) * 3, (30,) * 10, UNEVEN], ids=str)
def test_synchronous_batches_have_the_size_that_is_asked_for(size, sizes):
    """Also if there are more groups than samples in a batch."""
    firsts = np.cumsum([0, *sizes])
    groups = [[part_with(n, first)] for n, first in zip(sizes, firsts, strict=False)]
    batches = [_part.batches_of(parts, 0, size, shuffle=True) for parts in groups]
    for parts, own in zip(groups, batches, strict=True):  # each sample is in one batch
        assert sorted(np.concatenate(own)) == list(range(len(parts[0])))
    found = [sum(map(len, of)) for of in zip(*batches, strict=True)]
    expected = [size] * (N // size) + [N % size] * (N % size > 0)
    assert_allclose(found, expected, atol=0 if len(set(sizes)) == 1 else len(sizes))


def part_with(n, first):
    """Return a part of so many of N samples."""
    return _part.Part(Samples(np.ones((n, 1)), np.ones((n, 1)), None), first, N)


def test_synchronous_batches_make_as_many_updates_as_one_machine():
    X, y = classes()
    estimator = batches(LogisticNeuronClassifier, solver=Adam(), batch_size=3, max_iter=1)
    with cluster(n_workers=1, threads_per_worker=10):
        one, many = both(estimator, X, y, (30,) * 10, mini_batches="synchronous")
    t = [fit._training_state["state"]["t"] for fit in (one, many)]
    assert t == [N // 3] * 2


def test_synchronous_batches_of_a_perceptron_end_where_those_of_one_machine_do():
    """After an epoch without a mistake, and not after the first that leaves none."""
    X, y = classes()
    X[:, 0] += 20.0 * y
    estimator = batches(PerceptronClassifier, shuffle=False, batch_size=50, max_iter=50)
    with cluster(n_workers=1):
        one, many = both(estimator, X, y, UNEVEN, mini_batches="synchronous")
    assert many.n_iter_ == one.n_iter_ < 50
    assert_allclose(many.loss_curve_, one.loss_curve_, rtol=1e-12, atol=1e-12)


@pytest.mark.needs_core
def test_synchronous_batches_are_computed_by_numpy():
    X, y = classes()
    estimator = batches(LogisticNeuronClassifier, batch_size=100, max_iter=1)
    blocks = blocks_of(X, (75,) * 4), blocks_of(y, (75,) * 4)
    with (
        config_context(engine="compiled"),
        pytest.warns(UserWarning, match="does not cover mini_batches='synchronous'"),
    ):
        on_cluster.fit(estimator, *blocks, mini_batches="synchronous")
    assert estimator.engine_ == "numpy"


@pytest.mark.parametrize("solver", UPDATES, ids=str)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_a_local_epoch_of_one_group_is_that_of_one_machine(solver, l1_ratio):
    """One partition, one worker, the samples' own order: the state of the optimizer is kept."""
    X, y = classes(3)
    with cluster(n_workers=1):
        estimator = batches(
            LogisticNeuronClassifier,
            solver=solver,
            shuffle=False,
            alpha=0.01,
            l1_ratio=l1_ratio,
            max_iter=4,
        )
        one, many = both(estimator, X, y, (N,))
    assert_allclose(weights_of(many), weights_of(one), rtol=1e-11, atol=1e-12)
    assert_allclose(many.loss_curve_, one.loss_curve_, rtol=1e-11)


@pytest.mark.parametrize("mini_batches", ["local", "synchronous"])
def test_mini_batches_go_on_from_warm_starts(mini_batches):
    """Two fits of three epochs are one of six: counts, moments and averages are kept."""
    X, y = classes(3)
    blocks = blocks_of(X, (75,) * 4), blocks_of(y, (75,) * 4)
    how = {"shuffle": False, "solver": Adam(average=True)}
    whole = batches(LogisticNeuronClassifier, max_iter=6, **how)
    on_cluster.fit(whole, *blocks, mini_batches=mini_batches)
    parts = batches(LogisticNeuronClassifier, max_iter=3, warm_start=True, **how)
    for _ in range(2):
        on_cluster.fit(parts, *blocks, mini_batches=mini_batches)
    assert_allclose(weights_of(parts), weights_of(whole), rtol=1e-9)


def test_dropout_in_local_epochs():
    X, y = classes(3)
    blocks = blocks_of(X, (75,) * 4), blocks_of(y, (75,) * 4)
    plain, dropped = (
        on_cluster.fit(batches(ManualMLPClassifier, dropout=p), *blocks) for p in (0.0, 0.5)
    )
    assert not np.allclose(weights_of(plain), weights_of(dropped))
    assert dropped.loss_curve_[-1] < dropped.loss_curve_[0]


def test_dropout_in_several_threads_of_a_worker():
    """Each draws its own masks, whatever the others do at the time."""
    X, y = classes()
    estimator = batches(ManualMLPClassifier, dropout=0.5, batch_size=4, max_iter=4)
    with cluster(n_workers=1, threads_per_worker=4), config_context(engine="numpy"):
        thetas = [weights_of(both(estimator, X, y, (75,) * 4)[1]) for _ in range(4)]
    for theta in thetas[1:]:
        assert_array_equal(theta, thetas[0])


def test_parts_share_no_activation():
    sigma = Dropout(Tanh(), 0.5, np.random.RandomState(0))
    recipe = _part.Recipe.of(Network((6, 3, 1), [sigma], SquaredError()), "numpy")
    samples = Samples(np.ones((2, 6)), np.ones((2, 1)), None)
    parts = [_part.Part(samples, first, 4) for first in (0, 2)]
    made = {id(part.network(recipe).activations[0]) for part in parts} | {id(sigma)}
    assert len(made) == 3


def test_averages_weigh_groups_by_their_samples():
    """A group without weight has no say; one group alone has it all."""
    X, y = classes()
    weight = np.r_[np.ones(150), np.full(150, 1e-9)]
    estimator = batches(LogisticNeuronClassifier, shuffle=False, max_iter=3, batch_size=15, eta=0.1)
    _, many = both(estimator, X, y, (150, 150), sample_weight=weight)
    alone = clone(estimator).set_params(eta=0.2)  # weights of mean 1 are 2 and 0 above
    alone.fit(X[:150], y[:150])
    assert_allclose(weights_of(many), weights_of(alone), rtol=1e-6)
