"""Arrays of other libraries and collections of Dask: what fit and predict say of them."""

import functools
import json
import os
import re
import subprocess
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import sklearn
from helpers import make
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from test_common import expected_failures

from sklearn_neuron import LogisticNeuronClassifier, PerceptronClassifier, SigmoidNeuronRegressor
from sklearn_neuron._estimator.containers import in_numpy, is_other_array

X, Y = load_iris(return_X_y=True)


class Collection:
    """Stands for a collection of Dask: an array that knows that it is large."""

    def __init__(self, values, nbytes=float("nan")):
        self.values, self.nbytes, self.shape = np.asarray(values), nbytes, np.shape(values)

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def compute(self):
        return self.values


Collection.__module__ = "dask.array.core"


class Namespaced:
    """Stands for an array of a library that the package has not heard of."""

    def __array_namespace__(self, api_version=None):
        return np


@pytest.mark.parametrize(
    ("values", "is_other"),
    [
        (np.ones(3).view(np.matrix), False),
        (np.float64(1.0), False),
        (Collection(np.ones(3)), False),
        ([1.0, 2.0], False),
        (None, False),
        (Namespaced(), True),
    ],
)
def test_which_arrays_are_of_other_libraries(values, is_other):
    assert is_other_array(values) is is_other


class Converts:
    """Stands for what is no array, and converts to one."""

    def __array__(self, dtype=None, copy=None):
        return np.ones(3)


def test_under_dispatch_arrays_of_other_libraries_are_refused_by_name(monkeypatch):
    """And what only converts to an array is converted."""
    settings = sklearn.get_config()
    other, only_converts = Namespaced(), Converts()
    data = in_numpy(None, "fit", X=other, y=only_converts, sample_weight=None)
    assert (data["X"], data["y"]) == (other, only_converts)
    monkeypatch.setattr(sklearn, "get_config", lambda: settings | {"array_api_dispatch": True})
    with pytest.raises(TypeError, match=r"y is a \w+\.Namespaced"):
        in_numpy(None, "fit", X=only_converts, y=other)
    data = in_numpy(None, "fit", X=np.eye(2), y=only_converts, sample_weight=None)
    assert_array_equal(data["y"], np.ones(3))


def test_a_collection_that_does_not_know_its_size_is_named_without_it():
    class Frame(Collection):
        @property
        def nbytes(self):
            raise AttributeError

        @nbytes.setter
        def nbytes(self, value):
            pass

    Frame.__module__ = "dask.dataframe"
    with pytest.warns(UserWarning, match=r"X \(a Dask Frame\) is brought into memory"):
        in_numpy(LogisticNeuronClassifier(), "fit", X=Frame(X))


def test_collections_of_dask_are_not_brought_into_memory_silently():
    expected = make(LogisticNeuronClassifier).fit(X, Y)
    words = r"X \(a Dask Collection of 12\.5 MB\) and y \(a Dask Collection\) are brought into"
    with pytest.warns(UserWarning, match=rf"{words}.* sklearn_neuron\.dask\.fit works"):
        model = make(LogisticNeuronClassifier).fit(Collection(X, 12_500_000), Collection(Y))
    assert_array_equal(model.coef_, expected.coef_)
    with pytest.warns(UserWarning, match=r"X \(a .*is brought .* sklearn_neuron\.dask\.predict"):
        labels = model.predict(Collection(X))
    assert_array_equal(labels, expected.predict(X))
    with pytest.warns(UserWarning, match=r"LogisticNeuronClassifier: sample_weight \(a Dask"):
        make(LogisticNeuronClassifier).fit(X, Y, sample_weight=Collection(np.ones(150)))
    with pytest.warns(UserWarning, match="brought into memory"):
        make(SigmoidNeuronRegressor).partial_fit(Collection(X), Y / 2)
    words = r"X_val \(a Dask Collection\) and y_val \(a Dask Collection\) are brought into"
    with pytest.warns(UserWarning, match=words):
        make(LogisticNeuronClassifier).fit(X, Y, X_val=Collection(X), y_val=Collection(Y))


def test_score_tells_of_all_that_it_brings_into_memory_at_once():
    model = make(LogisticNeuronClassifier).fit(X, Y)
    words = r"X \(a .* and y \(a .* and sample_weight \(a .* are .* sklearn_neuron\.dask\.predict"
    with pytest.warns(UserWarning, match=words) as told:
        score = model.score(Collection(X), Collection(Y), Collection(np.ones(150)))
    assert len(told) == 1
    assert score == model.score(X, Y)


def test_nothing_is_said_of_ordinary_containers(cls, pd):
    y = Y / 2 if cls is SigmoidNeuronRegressor else Y
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*brought into memory")
        for data in (X, X.tolist(), pd.DataFrame(X)):
            model = make(cls, max_iter=2).fit(data, pd.Series(y))
            model.predict(data)


def test_dask_itself(pd):
    array = pytest.importorskip("dask.array")
    frames = pytest.importorskip("dask.dataframe")
    blocks = array.from_array(X, chunks=(50, 4))
    table = frames.from_pandas(pd.DataFrame(X, columns=list("abcd")), npartitions=2)
    for data, name in ((blocks, "Array of 0.0048 MB"), (table, "DataFrame")):
        with pytest.warns(UserWarning, match=rf"X \(a Dask {name}\) is brought"):
            model = make(LogisticNeuronClassifier).fit(data, Y)
        with pytest.warns(UserWarning, match="sklearn_neuron.dask.predict"):
            model.predict(data)


def test_the_names_of_columns_come_with_a_table():
    frames = pytest.importorskip("dask.dataframe")
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=list("abcd"))
    with pytest.warns(UserWarning, match="brought into memory"):
        model = make(LogisticNeuronClassifier).fit(frames.from_pandas(table, npartitions=2), Y)
    assert model.feature_names_in_.tolist() == list("abcd")
    expected = make(LogisticNeuronClassifier).fit(table, Y)
    assert_array_equal(model.predict(table), expected.predict(table))


def dispatched(script):
    """Run a script where scikit-learn may compute with arrays of other libraries."""
    given = "import numpy as np, sklearn\nfrom sklearn.datasets import load_iris\n"
    given += "from sklearn_neuron import LogisticNeuronClassifier\n"
    given += "X, y = load_iris(return_X_y=True)\nmodel = LogisticNeuronClassifier().fit(X, y)\n"
    given += "try:\n    sklearn.set_config(array_api_dispatch=True)\n"
    given += "except ImportError as error:\n    print('NONE', error)\n    raise SystemExit\n"
    command = [sys.executable, "-W", "ignore", "-c", given + script]
    done = subprocess.run(
        command,
        check=False,
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("NONE"):  # an old scikit-learn or SciPy
        pytest.skip(done.stdout)
    return done.stdout


#: Every argument that holds data, of every method, given in a container of its own.
GRID = """
import copy, json, warnings
from sklearn import config_context
from sklearn_neuron import ManualMLPRegressor
MADE
warnings.simplefilter("ignore")
sklearn.set_config(array_api_dispatch=False)
w, half = np.linspace(0.5, 1.5, 150), y / 2
how = dict(max_iter=3, tol=None, random_state=0)
classifier = LogisticNeuronClassifier(**how).fit(X, y)
regressor = ManualMLPRegressor((3,), early_stopping=False, **how).fit(X, half)
CALLS = [(model, method, dict(X=X)) for model, methods in (
    (classifier, ("predict", "predict_proba", "predict_log_proba", "decision_function")),
    (regressor, ("predict",)),
) for method in methods]
for model, t, start in (
    (classifier, y, dict(coef_init=classifier.coef_, intercept_init=classifier.intercept_)),
    (regressor, half, dict(coef_init=regressor.coefs_, intercept_init=regressor.intercepts_)),
):
    given = dict(X=X, y=t, sample_weight=w)
    held = dict(X_val=X, y_val=t, sample_weight_val=w)
    classes = dict(classes=classifier.classes_) if model is classifier else {}
    CALLS += [(model, "score", given), (model, "partial_fit", given | classes)]
    CALLS += [(model, "fit", given | held | start)]

def contained(value):
    return [T(each) for each in value] if isinstance(value, list) else T(value)

def outcome(model, method, arguments):
    model = copy.deepcopy(model)
    before, answer = dict(vars(model)), None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            answer = getattr(model, method)(**arguments)
        except Exception as error:
            return type(error).__name__, str(error), vars(model) == before, told, None
    if answer is model:
        answer = model.coef_ if hasattr(model, "coef_") else model.coefs_[0]
    return "", "", True, told, np.asarray(answer)

rows = []
for dispatch in (False, True):
    for model, method, arguments in CALLS:
        expected = outcome(model, method, arguments)[-1]
        for name, value in arguments.items():
            with config_context(array_api_dispatch=dispatch):
                kind, text, unchanged, told, answer = outcome(
                    model, method, arguments | {name: contained(value)}
                )
            said = [str(each.message) for each in told if "brought" in str(each.message)]
            equal = answer is not None and bool(np.array_equal(answer, expected))
            of = type(model).__name__
            rows.append((dispatch, of, method, name, kind, text, unchanged, said, equal))
print(json.dumps(rows))
"""

TABLES = """
import pandas as pd, dask.dataframe
def T(v):
    v = pd.DataFrame(v) if np.ndim(v) == 2 else pd.Series(v)
    return dask.dataframe.from_pandas(v, npartitions=2, sort=False)
"""
#: How a container is made, the library it needs, and what its arrays are called.
CONTAINERS = {
    "torch": ("import torch\nT = torch.tensor", "a torch.Tensor", ".cpu().numpy()"),
    "array_api_strict": (
        "import array_api_strict\nT = array_api_strict.asarray",
        "an array_api_strict.Array",
        "numpy.asarray(",
    ),
    "dask.array": ("import dask.array\nT = dask.array.from_array", "a Dask Array", ""),
    "dask.dataframe": (TABLES, "a Dask ", ""),
}
ARGUMENTS_OF = {
    **dict.fromkeys(["predict", "predict_proba", "predict_log_proba", "decision_function"], "X"),
    "score": "X y sample_weight",
    "partial_fit": "X y classes sample_weight",
    "fit": "X y sample_weight X_val y_val sample_weight_val coef_init intercept_init",
}


@functools.cache
def outcomes(library):
    """Return what each call says, by dispatch, estimator, method and argument."""
    pytest.importorskip(library)
    rows = json.loads(dispatched(GRID.replace("MADE", CONTAINERS[library][0])))
    return {tuple(row[:4]): row[4:] for row in rows}


def calls():
    """Yield every method and argument of a classifier and of a regressor."""
    for method, arguments in ARGUMENTS_OF.items():
        for argument in arguments.split():
            yield "LogisticNeuronClassifier", method, argument
            if method in {"predict", "score", "partial_fit", "fit"} and argument != "classes":
                yield "ManualMLPRegressor", method, argument


@pytest.mark.parametrize(("of", "method", "argument"), calls())
@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_an_array_of_another_library_is_refused_by_the_name_of_the_argument(
    library, of, method, argument
):
    """Under dispatch, and nothing has changed; else it is converted, as scikit-learn does."""
    kind, text, unchanged, said, _ = outcomes(library)[True, of, method, argument]
    _, name, how = CONTAINERS[library]
    each = r"\[0\]" if of == "ManualMLPRegressor" and argument.endswith("_init") else ""
    assert kind == "TypeError"
    assert re.match(rf"{argument}{each} is {re.escape(name)}, and the estimators of ", text)
    assert how in text
    assert "sklearn_neuron.onnx.to_onnx" in text
    assert unchanged
    assert not said
    kind, text, _, said, equal = outcomes(library)[False, of, method, argument]
    assert (kind, text, said, equal) == ("", "", [], True)


@pytest.mark.parametrize("dispatch", [False, True])
@pytest.mark.parametrize(("of", "method", "argument"), calls())
@pytest.mark.parametrize("library", ["dask.array", "dask.dataframe"])
def test_a_collection_is_brought_into_memory_with_and_without_dispatch(
    library, of, method, argument, dispatch
):
    kind, text, _, said, equal = outcomes(library)[dispatch, of, method, argument]
    assert (kind, text, equal) == ("", "", True)
    if argument.endswith("_init"):  # as small as the model
        assert not said
        return
    (said,) = said
    assert said.startswith(f"{of}: {argument} ({CONTAINERS[library][1]}")
    assert f"sklearn_neuron.dask.{'fit' if 'fit' in method else 'predict'} works" in said


def test_a_tensor_with_a_gradient_is_to_be_detached():
    pytest.importorskip("torch")
    text = dispatched(
        "import torch\n"
        "try:\n"
        "    model.predict(torch.from_numpy(X).requires_grad_())\n"
        "except TypeError as error:\n"
        "    print(error)\n"
    )
    assert "Pass X.detach().cpu().numpy()." in text


def test_an_array_of_an_unknown_library_is_refused_too():
    text = dispatched(
        "class Array:\n"
        "    __array_namespace__ = None\n"
        "    shape = X.shape\n"
        "try:\n"
        "    model.predict(Array())\n"
        "except TypeError as error:\n"
        "    print(error)\n"
    )
    assert text.startswith(
        "X is a __main__.Array, and the estimators of sklearn_neuron compute with NumPy"
    )


def test_under_dispatch_the_usual_containers_work_as_before(pd):
    text = dispatched(
        "import pandas as pd, scipy.sparse as sp\n"
        "class Convertible:\n"
        "    def __init__(self, values):\n"
        "        self.values = values\n"
        "    def __array__(self, dtype=None, copy=None):\n"
        "        return self.values\n"
        "table = pd.DataFrame(X, columns=list('abcd'))\n"
        "nullable = table.convert_dtypes()\n"
        "for data in (X, X.tolist(), table, nullable, sp.csr_matrix(X), Convertible(X)):\n"
        "    again = LogisticNeuronClassifier(solver='lbfgs').fit(data, y)\n"
        "    print(again.score(data, y) > 0.9, hasattr(again, 'feature_names_in_'))\n"
        "labels = pd.Series(y, dtype='Int64')\n"
        "print(again.score(X, Convertible(y)) == again.score(X, labels) == again.score(X, y))\n"
    )
    plain, table = "True False", "True True"
    assert text.splitlines() == [plain, plain, table, table, plain, plain, "True"]


CHECKS = """
import json, warnings
from sklearn.utils.estimator_checks import check_estimator
warnings.simplefilter("ignore")
found = check_estimator(ESTIMATOR, expected_failed_checks=EXPECTED, on_fail=None, on_skip=None)
print(json.dumps({each["check_name"]: each["status"] for each in found}))
"""


def test_scikit_learns_checks_pass_under_dispatch(cls):
    """All that pass without it; LogisticRegression fails those of what only converts to an array.

    What fails is the table of ``test_common``.
    """
    # the perceptron goes on to max_iter as long as it makes mistakes, which is long in NumPy
    estimator = cls(max_iter=60) if cls is PerceptronClassifier else cls()
    expected = expected_failures(estimator)
    script = f"from sklearn_neuron import {cls.__name__}\n{CHECKS}"
    script = script.replace("ESTIMATOR", repr(estimator)).replace("EXPECTED", repr(expected))
    found = json.loads(dispatched(script))
    assert {name for name, status in found.items() if status == "xfail"} == expected.keys()
    assert [name for name, status in found.items() if status == "failed"] == []
    weights, data = (found[name] for name in sorted(found, reverse=True) if "not_an_array" in name)
    assert weights == "passed"
    assert data == ("passed" if find_spec("pandas") else "skipped")  # the check wants pandas
    assert sum(status == "passed" for status in found.values()) > 50


class Frame:
    """A table of one's own: it has columns, and no dtypes."""

    columns = ("a", "b")

    def __init__(self, X):
        self.X = X

    def __array__(self, dtype=None, copy=None):
        return np.array(self.X, dtype=dtype)


def test_columns_without_dtypes_are_no_frame_of_dates(pd):
    X = np.random.RandomState(0).normal(size=(30, 2))
    y = X[:, 0] > 0
    neuron = LogisticNeuronClassifier(max_iter=5, random_state=0).fit(X, y)
    assert_array_equal(clone(neuron).fit(Frame(X), y).predict(Frame(X)), neuron.predict(X))
    rows = ["columns", *map(str, range(29))]
    clone(neuron).fit(X, pd.Series(y, index=rows), sample_weight=pd.Series(np.ones(30), index=rows))
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": X[:, 0], "b": X[:, 1]})
    assert_array_equal(clone(neuron).fit(table, y).predict(table), neuron.predict(X))
