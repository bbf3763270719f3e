"""Collections of Dask: what a fit reads, and what it refuses and leaves as it was."""

import threading

import numpy as np
import pytest
from helpers import make
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.exceptions import DivergenceError

pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

from dask_parts import assert_same_fit, blocks_of, cluster, state_of  # noqa: E402

import sklearn_neuron.dask as on_cluster  # noqa: E402

N, SIZES = 120, (50, 30, 40)
NAMES = ["length", "width", "mass"]


@pytest.fixture(scope="module", autouse=True)
def client():
    with cluster() as client:
        yield client


@pytest.fixture
def frame():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N, 3))
    y = (X @ [1.0, -2.0, 0.5] + rng.normal(size=N) > 0).astype(int)
    return pd.DataFrame(X, columns=NAMES).assign(kind=np.array(["fish", "bird"])[y], y=y)


@pytest.fixture
def arrays(frame):
    return frame[NAMES].to_numpy(), frame["y"].to_numpy()


def neuron(**params):
    how = {"solver": "lbfgs", "alpha": 0.01, "max_iter": 6}  # before rounding decides on steps
    return make(LogisticNeuronClassifier, **{**how, **params})


# ---- what is read -------------------------------------------------------------------------------


def targets_of(frame, ddf, how):
    """Return y as one may have it for a dataframe."""
    return {
        "series": lambda: ddf["kind"],
        "frame": lambda: ddf[["kind"]],
        "numpy": frame["kind"].to_numpy,
        "list": frame["kind"].tolist,
        "pandas": lambda: frame["kind"],
        "array": lambda: ddf["kind"].to_dask_array(lengths=True),
        "array of unknown sizes": ddf["kind"].to_dask_array,
    }[how]()


@pytest.mark.filterwarnings("ignore:A column-vector y:sklearn.exceptions.DataConversionWarning")
@pytest.mark.filterwarnings("ignore:Dask currently has limited support:UserWarning")
@pytest.mark.parametrize(
    "how",
    [
        "series",
        "frame",
        "numpy",
        "list",
        "pandas",
        "array",
        "array of unknown sizes",
    ],
)
def test_dataframes(frame, how):
    ddf = dd.from_pandas(frame, npartitions=4)
    one = neuron().fit(frame[NAMES], frame["kind"].tolist() if how == "list" else frame["kind"])
    many = on_cluster.fit(neuron(), ddf[NAMES], targets_of(frame, ddf, how))
    assert_same_fit(one, many, 1e-12)
    assert many.feature_names_in_.tolist() == NAMES


def test_partitions_of_dataframes_may_be_empty(frame):
    frame["number"] = np.arange(N)
    some = dd.from_pandas(frame, npartitions=4)
    some = some[some["number"] >= 70]  # two are empty
    kept = frame[frame["number"] >= 70]
    one = neuron().fit(kept[NAMES], kept["y"])
    assert_same_fit(one, on_cluster.fit(neuron(), some[NAMES], some["y"]), 1e-12)
    found = on_cluster.predict(one, some[NAMES]).compute()
    assert np.asarray(found).tolist() == one.predict(kept[NAMES]).tolist()


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


def labels_of(frame, kind):
    """Return y, and the names that the columns of an answer about classes have."""
    code = frame["mass"].rank().to_numpy().astype(int) % 3
    return {
        "strings": (frame["kind"], ["bird", "fish"]),
        "numbers": (code, [0, 1, 2]),
        "three strings": (np.array(["a", "bb", "c"])[code], ["a", "bb", "c"]),
        "labels": (np.c_[code > 0, code > 1].astype(int), [0, 1]),
    }[kind]


@pytest.mark.parametrize("kind", ["strings", "numbers", "three strings", "labels"])
@pytest.mark.parametrize("method", METHODS)
def test_dataframes_are_predicted(frame, kind, method):
    """By series and dataframes, with the partitions and the index of X, and the dtypes promised."""
    frame.index = pd.Index(np.arange(N) * 10, name="id")
    ddf, (y, names) = dd.from_pandas(frame, npartitions=4), labels_of(frame, kind)
    model = ManualMLPClassifier((4,), solver="lbfgs", alpha=0.1, max_iter=5, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(frame[NAMES], y)
    expected = getattr(model, method)(frame[NAMES])
    lazy = getattr(on_cluster, method)(model, ddf[NAMES])
    assert isinstance(lazy, dd.Series if expected.ndim == 1 else dd.DataFrame)
    assert lazy.divisions == ddf.divisions
    found = lazy.compute()
    pd.testing.assert_index_equal(found.index, frame.index)
    if expected.ndim == 1:
        assert lazy.name == found.name == method
        assert lazy.dtype == found.dtype
    else:
        assert list(lazy.columns) == list(found.columns) == names
        assert lazy.dtypes.tolist() == found.dtypes.tolist()
    if method == "predict":
        assert found.to_numpy().tolist() == expected.tolist()
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("outputs", [1, 2])
def test_regressors_predict_dataframes(frame, outputs):
    ddf, y = dd.from_pandas(frame, npartitions=4), frame[NAMES[:outputs]].to_numpy()
    model = make(ManualMLPRegressor, solver="lbfgs").fit(
        frame[NAMES], y[:, 0] if outputs < 2 else y
    )
    found = on_cluster.predict(model, ddf[NAMES]).compute()
    assert isinstance(found, pd.Series if outputs < 2 else pd.DataFrame)
    np.testing.assert_allclose(found, model.predict(frame[NAMES]), rtol=1e-12)


READ = {
    "all": dd.read_parquet,
    "columns": lambda files: dd.read_parquet(files, columns=[*NAMES, "day"]),
    "selected": lambda files: dd.read_parquet(files)[[*NAMES, "day"]],
    "row groups": lambda files: dd.read_parquet(files, filters=[("day", ">=", 70)]),
    "empty partitions": lambda files: dd.read_parquet(files).query("day >= 70"),
    "repartitioned": lambda files: dd.read_parquet(files).repartition(npartitions=2),
    "one file": lambda files: dd.read_parquet(files / "part.0.parquet"),
}


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of Dask's own code, in pandas 3.1
@pytest.mark.parametrize("how", READ)
def test_predictions_go_beside_the_columns_of_files(frame, files, how, tmp_path_factory):
    """As the guide has it: assign, and write."""
    ddf, out = READ[how](files), tmp_path_factory.mktemp("out")
    model = neuron().fit(frame[NAMES], frame["kind"])
    labels = on_cluster.predict(model, ddf[NAMES])
    ddf.assign(label=labels).to_parquet(out)
    written = pd.read_parquet(out)
    assert len(written) == len(ddf)
    assert set(NAMES) < set(written)
    assert written["label"].tolist() == model.predict(written[NAMES]).tolist()
    assert labels.compute().tolist() == written["label"].tolist()
    proba = on_cluster.predict_proba(model, ddf[NAMES])
    assert len(ddf.join(proba).columns) == len(ddf.columns) + 2
    p = ddf.assign(p=proba["fish"])[["p", *NAMES]].compute()
    np.testing.assert_allclose(p["p"], model.predict_proba(p[NAMES])[:, 1], rtol=1e-12)


def test_pipelines_predict(frame):
    ddf = dd.from_pandas(frame, npartitions=4)
    model = make_pipeline(StandardScaler(), neuron()).fit(frame[NAMES], frame["kind"])
    found = on_cluster.predict(model, ddf[NAMES]).compute()
    assert np.asarray(found).tolist() == model.predict(frame[NAMES]).tolist()


def test_pipelines_of_categories_predict(frame):
    """An encoder refuses categories that it does not know, such as those of a made-up row."""
    encode = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    model = make_pipeline(encode, neuron()).fit(frame[["kind", *NAMES]], frame["y"])
    ddf = dd.from_pandas(frame, npartitions=4)
    found = on_cluster.predict(model, ddf[["kind", *NAMES]])
    assert found.compute().tolist() == model.predict(frame[["kind", *NAMES]]).tolist()
    with pytest.raises(ValueError, match=r"columns are missing: \{'mass'\}"):
        on_cluster.predict(model, ddf[["kind", *NAMES[:2]]])


def test_files_that_are_read_on_the_workers(frame, tmp_path):
    pytest.importorskip("pyarrow")
    for k in range(3):
        frame[40 * k : 40 * (k + 1)].to_parquet(tmp_path / f"part.{k}.parquet")
    ddf = dd.read_parquet(tmp_path)
    one = neuron().fit(frame[NAMES], frame["y"])
    assert_same_fit(one, on_cluster.fit(neuron(), ddf[NAMES], ddf["y"]), 1e-12)


@pytest.fixture
def files(frame, tmp_path):
    """Return a folder of small files, which Dask joins when only some columns are read."""
    pytest.importorskip("pyarrow")
    wide = frame.assign(day=np.arange(N), **{f"more{k}": 0.5 * k for k in range(9)})
    for k in range(6):
        wide[20 * k : 20 * (k + 1)].to_parquet(tmp_path / f"part.{k}.parquet")
    return tmp_path


def test_arrays_of_the_columns_of_files(frame, files):
    """X and y have different partitions of unknown size; what the error advises works."""
    ddf = dd.read_parquet(files)
    X, y = ddf[NAMES].values, ddf["y"].values
    assert X.npartitions != y.npartitions or X.npartitions != ddf.npartitions
    X, y = ddf[NAMES].repartition(npartitions=3).values, ddf["y"].repartition(npartitions=2).values
    with pytest.raises(ValueError, match=r"compute_chunk_sizes\(\) on both.*without \.values"):
        on_cluster.fit(neuron(), X, y)
    one = neuron().fit(frame[NAMES].to_numpy(), frame["y"])
    X, y = X.compute_chunk_sizes(), y.compute_chunk_sizes()
    assert_same_fit(one, on_cluster.fit(neuron(), X, y), 1e-12)
    one = neuron().fit(frame[NAMES], frame["y"])
    assert_same_fit(one, on_cluster.fit(neuron(), ddf[NAMES], ddf["y"]), 1e-12)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of Dask's own code, in pandas 3.1
def test_what_the_guide_says_of_dataframes(frame, tmp_path):
    """Rows sorted by y that are shuffled by a number of their own; probabilities are written."""
    pytest.importorskip("pyarrow")
    long = pd.concat([frame] * 10).sort_values("y").reset_index(names="row")
    ddf = dd.from_pandas(long.assign(id=np.arange(10 * N)), npartitions=6)
    how = {"solver": "adam", "batch_size": 8, "eta": 0.05, "max_iter": 20, "alpha": 0.0}
    with pytest.warns(ConvergenceWarning, match="each of the 2 parts saw"):
        on_cluster.fit(neuron(**how), ddf[NAMES], ddf["y"])
    shuffled = ddf.shuffle("id")
    model = on_cluster.fit(neuron(**how), shuffled[NAMES], shuffled["y"])  # a warning is an error
    on_cluster.predict_proba(model, ddf[NAMES]).rename(columns=str).to_parquet(tmp_path)
    assert list(pd.read_parquet(tmp_path)) == ["0", "1"]


@pytest.mark.parametrize("what", ["columns", "y", "weight", "persisted", "unknown"])
def test_other_chunks(arrays, what):
    X, y = arrays
    weight = np.random.RandomState(0).uniform(size=N)
    dX, dy, dw = (blocks_of(each, SIZES) for each in (X, y, weight))
    if what == "columns":
        dX = dX.rechunk((40, 2))
    elif what == "y":
        dy = dy.rechunk(17)
    elif what == "weight":
        dw = dw.rechunk(100)
    elif what == "persisted":
        dX, dy, dw = dX.persist(), dy.persist(), dw.persist()
    else:
        dX, dy, dw = (each.map_blocks(lambda b: b) for each in (dX, dy, dw))
        for each in (dX, dy, dw):
            each._chunks = ((np.nan,) * 3, *each.chunks[1:])
    one = neuron().fit(X, y, sample_weight=weight)
    assert_same_fit(one, on_cluster.fit(neuron(), dX, dy, dw), 1e-12)


def test_integers_and_booleans(arrays):
    X, y = np.round(10 * arrays[0]).astype(np.int32), arrays[1].astype(bool)
    one = neuron(max_iter=8).fit(X, y)
    many = on_cluster.fit(neuron(max_iter=8), blocks_of(X, SIZES), blocks_of(y, SIZES))
    assert_same_fit(one, many, 1e-10)


@pytest.mark.parametrize("where_y_is", ["memory", "dask"])
def test_sparse_labels(arrays, where_y_is):
    """Multilabel y may be sparse, as on one machine."""
    X, _ = arrays
    Y = sparse.csr_matrix(X > 0.3).astype(int)
    network = make(ManualMLPClassifier, batch_size=None, early_stopping=False, max_iter=4)
    given = Y if where_y_is == "memory" else blocks_of(Y, SIZES)
    many = on_cluster.fit(clone(network), blocks_of(X, SIZES), given)
    assert_same_fit(network.fit(X, Y), many, 1e-12)


def test_sparse_blocks_of_unknown_sizes(arrays):
    """Their rows are counted where y is in memory."""
    X, y = arrays
    dX = blocks_of(sparse.csr_matrix(X), SIZES)
    dX._chunks = ((np.nan,) * 3, *dX.chunks[1:])
    assert_same_fit(neuron().fit(sparse.csr_matrix(X), y), on_cluster.fit(neuron(), dX, y), 1e-12)


def test_the_samples_stay_as_they_were(arrays):
    X, y = (each.copy() for each in arrays)
    dX, dy = blocks_of(X, SIZES).persist(), blocks_of(y, SIZES).persist()
    for solver in ("newton", "sgd"):
        on_cluster.fit(neuron(solver=solver), dX, dy)
    np.testing.assert_array_equal(dX.compute(), arrays[0])
    np.testing.assert_array_equal(dy.compute(), arrays[1])


# ---- what is refused ----------------------------------------------------------------------------


def where(block_info):
    """Return the number of a block."""
    return block_info[0]["chunk-location"][0]


def spoilt(block, block_info=None, at=1, value=np.nan):
    """Return a block, with something else in its first row if it is the second."""
    if where(block_info) != at:
        return block
    block = block.copy()
    block[0] = value
    return block


def bad_partitions(X, y):
    """Return collections of which a partition is wrong, and what the error says."""
    dX, dy, ones = blocks_of(X, SIZES), blocks_of(y, SIZES), blocks_of(np.ones(N), SIZES)
    target = blocks_of(X[:, 0], SIZES)

    def second(of, value):
        return of.map_blocks(spoilt, value=value, dtype=of.dtype, meta=of._meta)

    narrow = da.map_blocks(
        lambda block, block_info=None: block[:, :2] if where(block_info) else block,
        dX,
        dtype=float,
        meta=np.empty((0, 3)),
    )
    strings = dy.astype(object).map_blocks(
        lambda b, block_info=None: b if where(block_info) else b.astype(str).astype(object),
        dtype=object,
        meta=np.empty(0, object),
    )
    return {
        "NaN in X": (second(dX, np.nan), dy, None, "Partition 1.*NaN"),
        "infinity in X": (second(dX, np.inf), dy, None, "Partition 1.*infinity"),
        "another number of columns": (narrow, dy, None, r"Partition \d.*2 features"),
        "negative weights": (dX, dy, second(ones, -1.0), "Partition 1.*[Nn]egative"),
        "NaN weights": (dX, dy, second(ones, np.nan), "Partition 1.*NaN"),
        "no weights": (dX, dy, 0 * ones, "zero"),
        "numbers and strings": (dX, strings, None, "all numbers or all strings"),
        "one class": (dX, 0 * dy, None, "class"),
        "fractions": (dX, target, None, "continuous|Unknown label type"),
        "fewer y": (dX, dy[:-5], None, "X has 120, and y has 115"),
        "fewer weights": (dX, dy, ones[:-5], "X has 120, and sample_weight has 115"),
        "y in memory": (dX, y[:-5], None, "X has 120, and y has 115"),
        "no samples": (dX[:0], dy[:0], None, "every partition is empty|no samples"),
        "wide y": (dX, blocks_of(np.c_[y, X], SIZES), None, "y"),
    }


KINDS = list(bad_partitions(np.zeros((N, 3)), np.zeros(N, int)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
@pytest.mark.parametrize("kind", KINDS)
def test_bad_partitions(arrays, kind, fitted):
    X, y = arrays
    dX, dy, weight, message = bad_partitions(X, y)[kind]
    estimator = neuron()
    if fitted:
        estimator.fit(X, y)
    before = state_of(estimator)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        on_cluster.fit(estimator, dX, dy, weight)
    assert state_of(estimator) == before


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("dtype", ["str", object, "string", "category"])
@pytest.mark.parametrize("kind", ["dataframe", "array"])
def test_missing_labels(frame, missing, dtype, kind):
    frame["kind"] = frame["kind"].astype(object)
    frame.loc[50, "kind"] = missing  # of partition 1
    frame["kind"] = frame["kind"].astype(object if kind == "array" else dtype)
    X, y = frame[NAMES], frame["kind"]
    if kind == "array":
        X, y = (blocks_of(each.to_numpy(), (40, 40, 40)) for each in (X, y))
    else:
        X, y = (dd.from_pandas(each, npartitions=3) for each in (X, y))
    estimator = neuron()
    before = state_of(estimator)
    with pytest.raises(ValueError, match=r"Partition 1: y contains missing values, in 1 of 40 row"):
        on_cluster.fit(estimator, X, y)
    assert state_of(estimator) == before


def test_columns_that_are_not_numbers(frame):
    """They are named, and only they: categories of numbers are read as these."""
    frame["code"] = pd.Categorical(frame["y"])
    frame["group"] = pd.Categorical(frame["kind"])
    frame["day"] = pd.Timestamp("2020-01-01")
    frame["gap"] = frame["y"].astype("Int64").mask(frame["y"] == 1)
    ddf = dd.from_pandas(frame, npartitions=3)
    assert on_cluster.fit(neuron(), ddf[["mass", "code"]], ddf["y"]).coef_.shape == (1, 2)
    with pytest.raises(ValueError, match=r"Partition \d: Input X contains NaN"):
        on_cluster.fit(neuron(), ddf[["mass", "gap"]], ddf["y"])
    for names in (["kind"], ["group"], ["day"], ["kind", "day", "group"]):
        listed = ", ".join(rf"'{name}' \([\w\[\]]+\)" for name in names)
        with pytest.raises(
            ValueError, match=rf"Partition \d: The columns {listed} are not numbers"
        ):
            on_cluster.fit(neuron(), ddf[["mass", *names]], ddf["y"])


@pytest.mark.parametrize("cls", [SigmoidNeuronRegressor, ManualMLPRegressor])
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_bad_targets(arrays, cls, value):
    X, _ = arrays
    dX, dy = blocks_of(X, SIZES), blocks_of(X[:, 0], SIZES)
    estimator = make(cls, solver="lbfgs")
    before = state_of(estimator)
    with pytest.raises(ValueError, match=r"Partition 1.*(?:NaN|infinity)"):
        on_cluster.fit(
            estimator, dX, dy.map_blocks(spoilt, value=value, dtype=float, meta=dy._meta)
        )
    assert state_of(estimator) == before


@pytest.mark.parametrize("cls", [SigmoidNeuronRegressor, ManualMLPRegressor])
def test_targets_without_weight(arrays, cls):
    X, _ = arrays
    dX, dy = blocks_of(X, SIZES), blocks_of(X[:, 0], SIZES)
    estimator = make(cls, solver="lbfgs")
    with pytest.raises(ValueError, match="every sample has zero weight"):
        on_cluster.fit(estimator, dX, dy, blocks_of(np.zeros(N), SIZES))
    assert state_of(estimator) == state_of(clone(estimator))


def test_too_large_for_the_fitted_parameters(arrays):
    """A warm start is in the dtype of the first fit: on one machine the check says so, too."""
    X, y = arrays
    model = neuron(solver="sgd", batch_size=None, warm_start=True).fit(X.astype(np.float32), y)
    dX = blocks_of(X, SIZES).map_blocks(spoilt, value=1e300, dtype=float, meta=np.empty((0, 3)))
    before = state_of(model)
    with pytest.raises(ValueError, match=r"Partition 1.*too large for dtype\('float32'\)"):
        on_cluster.fit(model, dX, blocks_of(y, SIZES))
    assert state_of(model) == before


@pytest.mark.parametrize("error", [TimeoutError, FileNotFoundError, KeyError])
def test_errors_of_the_users_own_data(arrays, error):
    """They are raised as they are; of a timeout nobody waits for more."""
    X, y = arrays

    def unread(block):
        raise error("no answer from the store")

    dX = blocks_of(X, SIZES).map_blocks(unread, dtype=float, meta=np.empty((0, 3)))
    found = []

    def fit():
        try:
            on_cluster.fit(neuron(), dX, blocks_of(y, SIZES))
        except Exception as raised:
            found.append(raised)

    fitting = threading.Thread(target=fit, daemon=True)
    fitting.start()
    fitting.join(20)
    assert not fitting.is_alive()
    assert type(found[0]) is error


def test_targets_out_of_range(arrays):
    X, _ = arrays
    estimator = make(SigmoidNeuronRegressor, target_range=(-1.0, 1.0))
    before = state_of(estimator)
    with pytest.raises(ValueError, match="target_range"):
        on_cluster.fit(estimator, blocks_of(X, SIZES), blocks_of(X[:, 0], SIZES))
    assert state_of(estimator) == before


def test_partitions_that_do_not_fit(frame):
    ddf = dd.from_pandas(frame, npartitions=4)
    other = dd.from_pandas(frame, npartitions=3)
    with pytest.raises(ValueError, match="X has 4 partitions and y has 3"):
        on_cluster.fit(neuron(), ddf[NAMES], other["y"])
    with pytest.raises(ValueError, match=r"X has 4 partitions and y has 5.*not known"):
        on_cluster.fit(neuron(), ddf[NAMES], da.from_array(frame["y"].to_numpy(), chunks=25))
    short = dd.from_pandas(frame[:-5], npartitions=4)  # as many partitions, other sizes
    with pytest.raises(ValueError, match=r"(?i)partition \d.*(?:inconsistent|samples)"):
        on_cluster.fit(neuron(), ddf[NAMES], short["y"])


def test_columns_that_differ_between_partitions(frame):
    """A partition whose columns are in another order, or have other names, is refused."""
    pieces = [frame[NAMES][:60], frame[NAMES[::-1]][60:]]
    from dask import delayed

    ddf = dd.from_delayed([delayed(p) for p in pieces], meta=frame[NAMES][:0], verify_meta=False)
    y = dd.from_delayed(
        [delayed(p) for p in (frame["y"][:60], frame["y"][60:])], meta=frame["y"][:0]
    )
    with pytest.raises(ValueError, match=r"(?is)partition 1.*(?:feature names|columns)"):
        on_cluster.fit(neuron(), ddf, y)


def test_text_columns(frame):
    ddf = dd.from_pandas(frame, npartitions=4)
    with pytest.raises((TypeError, ValueError), match=r"Partition 0.*fish|bird|string|object"):
        on_cluster.fit(neuron(), ddf[[*NAMES, "kind"]], ddf["y"])


@pytest.mark.parametrize(
    ("estimator", "options", "message"),
    [
        (make(ManualMLPClassifier, early_stopping=True), {}, "early_stopping=True.*X_val"),
        (neuron(solver="sgd", record="step"), {}, "record='step'.*epoch"),
        (make(ManualMLPClassifier, dropout=0.5, batch_size=None), {}, "[Dd]ropout"),
        (make(ManualMLPClassifier, dropout=0.5), {"mini_batches": "synchronous"}, "[Dd]ropout"),
        (neuron(), {"mini_batches": "none"}, "mini_batches.*'none'"),
        (neuron(solver="none"), {}, "solver"),
        (neuron(alpha=-1.0), {}, "alpha"),
        (neuron(class_weight={7: 1.0}), {}, "not in class_weight"),
    ],
)
def test_parameters_that_are_refused(arrays, estimator, options, message):
    X, y = arrays
    before = state_of(estimator)
    with pytest.raises(ValueError, match=message):
        on_cluster.fit(estimator, blocks_of(X, SIZES), blocks_of(y, SIZES), **options)
    assert state_of(estimator) == before


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (make_pipeline(StandardScaler(), neuron()), "Pipeline.*transform X first"),
        (LogisticNeuronClassifier, "estimator must be"),
        (StandardScaler(), "StandardScaler"),
    ],
    ids=["pipeline", "class", "transformer"],
)
def test_other_estimators(arrays, estimator, message):
    with pytest.raises(TypeError, match=message):
        on_cluster.fit(estimator, *(blocks_of(each, SIZES) for each in arrays))


def test_the_name_of_a_column_is_no_y(arrays):
    with pytest.raises(TypeError, match=r"y must be a dask array.*got 'y'"):
        on_cluster.fit(neuron(), blocks_of(arrays[0], SIZES), "y")


def test_data_in_memory(arrays):
    for X in (arrays[0], arrays[0].tolist(), pd.DataFrame(arrays[0])):
        with pytest.raises(TypeError, match=r"X must be a dask array.*estimator\.fit"):
            on_cluster.fit(neuron(), X, arrays[1])
        with pytest.raises(TypeError, match=r"X must be a dask array.*estimator\.predict"):
            on_cluster.predict(neuron().fit(*arrays), X)
    with pytest.raises(TypeError, match="2 dimensions"):
        on_cluster.fit(neuron(), blocks_of(arrays[0][:, 0], SIZES), arrays[1])


def test_what_prediction_refuses(arrays):
    X = blocks_of(arrays[0], SIZES)
    with pytest.raises(NotFittedError):
        on_cluster.predict(neuron(), X)
    model = neuron().fit(*arrays)
    with pytest.raises(ValueError, match=r"X has 2 features.*expecting 3"):
        on_cluster.predict(model, X[:, :2])
    frame = dd.from_pandas(pd.DataFrame(arrays[0], columns=NAMES), npartitions=3)
    named = neuron().fit(frame.compute(), arrays[1])
    with pytest.raises(ValueError, match=r"(?s)now missing:\n- mass\n"):
        on_cluster.predict(named, frame[NAMES[:2]])
    with pytest.raises(ValueError, match=r"(?s)unseen at fit time:\n- other\n"):
        on_cluster.predict(named, frame.assign(other=1.0))
    with pytest.raises(ValueError, match=r"The columns 'mass' \(str\w*\) are not numbers"):
        on_cluster.predict(named, frame.assign(mass="heavy"))
    regressor = make(SigmoidNeuronRegressor).fit(arrays[0], arrays[0][:, 0])
    with pytest.raises(AttributeError, match="predict_proba"):
        on_cluster.predict_proba(regressor, X)


def test_initial_values_of_another_shape(arrays):
    estimator = neuron(solver="sgd", batch_size=None)
    with pytest.raises(ValueError, match="coef_init"):
        on_cluster.fit(estimator, *(blocks_of(a, SIZES) for a in arrays), coef_init=np.zeros(7))
    assert state_of(estimator) == state_of(clone(estimator))


def test_divergence(arrays):
    X, _ = arrays
    estimator = make(ManualMLPRegressor, solver="sgd", eta=1e6, batch_size=None, max_iter=30)
    before = state_of(estimator)
    with pytest.raises(ValueError, match=r"(?i)diverge"):
        on_cluster.fit(estimator, blocks_of(X, SIZES), blocks_of(1e3 * X[:, 0], SIZES))
    assert state_of(estimator) == before


def test_what_is_no_estimator_or_no_client_is_said(client):
    X, y = blocks_of(np.eye(4), (2, 2)), blocks_of(np.arange(4) % 2, (2, 2))
    for estimator, words in (
        (LogisticNeuronClassifier, "the class LogisticNeuronClassifier"),
        (GridSearchCV(LogisticNeuronClassifier(), {"eta": [0.1]}), "a search runs its fits"),
    ):
        with pytest.raises(TypeError, match=words):
            on_cluster.fit(estimator, X, y)
    with pytest.raises(TypeError, match=r"such as Client\('tcp://x'\)"):
        on_cluster.fit(LogisticNeuronClassifier(), X, y, client="tcp://x")
    with pytest.raises(TypeError, match=r"It has 1 dimension: .* list of names"):
        on_cluster.fit(LogisticNeuronClassifier(), y, y)


def test_many_synchronous_updates_are_warned_of(client, capsys):
    X, y = np.random.RandomState(0).normal(size=(220, 2)), np.arange(220) % 2
    model = LogisticNeuronClassifier(batch_size=2, max_iter=1, tol=None, verbose=True)
    with pytest.warns(UserWarning, match="an epoch is 110 updates, and each is a round trip"):
        on_cluster.fit(
            model, blocks_of(X, (110, 110)), blocks_of(y, (110, 110)), mini_batches="synchronous"
        )
    assert "synchronous batches: 110 updates an epoch" in capsys.readouterr().out


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_outputs_that_overflow_after_the_last_update_are_divergence(client, container):
    """As in memory: no epoch looks at what the last update has led to."""
    X, y = 1e160 * np.array([[1.0], [-2.0], [3.0]]), np.arange(3)
    model = LogisticNeuronClassifier(batch_size=None, max_iter=1, tol=None, eta=1.0)
    with pytest.raises(DivergenceError, match="outputs overflow after its last update"):
        on_cluster.fit(model, blocks_of(X, (1, 2)).map_blocks(container), blocks_of(y, (1, 2)))
    assert not hasattr(model, "n_iter_")
