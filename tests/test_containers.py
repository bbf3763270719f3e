"""Arrays of other libraries and collections of Dask: what fit and predict say of them."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import make
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris

from sklearn_neuron import LogisticNeuronClassifier, SigmoidNeuronRegressor

X, Y = load_iris(return_X_y=True)


class Collection:
    """Stands for a collection of Dask: an array that knows that it is large."""

    def __init__(self, values, nbytes=float("nan")):
        self.values, self.nbytes, self.shape = np.asarray(values), nbytes, np.shape(values)

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


Collection.__module__ = "dask.array.core"


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


def test_nothing_is_said_of_ordinary_containers(cls):
    y = Y / 2 if cls is SigmoidNeuronRegressor else Y
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*brought into memory")
        for data in (X, X.tolist(), pd.DataFrame(X)):
            model = make(cls, max_iter=2).fit(data, pd.Series(y))
            model.predict(data)


def test_dask_itself():
    array = pytest.importorskip("dask.array")
    frames = pytest.importorskip("dask.dataframe")
    blocks = array.from_array(X, chunks=(50, 4))
    table = frames.from_pandas(pd.DataFrame(X, columns=list("abcd")), npartitions=2)
    for data, name in ((blocks, "Array of 0.0048 MB"), (table, "DataFrame")):
        with pytest.warns(UserWarning, match=rf"X \(a Dask {name}\) is brought"):
            model = make(LogisticNeuronClassifier).fit(data, Y)
        with pytest.warns(UserWarning, match="sklearn_neuron.dask.predict"):
            model.predict(data)


def test_tensors_are_converted_without_dispatch():
    torch = pytest.importorskip("torch")
    model = make(LogisticNeuronClassifier).fit(torch.from_numpy(X), torch.from_numpy(Y))
    expected = make(LogisticNeuronClassifier).fit(X, Y)
    assert_array_equal(model.coef_, expected.coef_)
    assert_array_equal(model.predict(torch.from_numpy(X)), expected.predict(X))


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


REFUSED = """
before = {**vars(model)}
for method, arguments in [
    ("fit", (T(X), T(y))), ("fit", (X, T(y))), ("fit", (X, y, T(np.ones(150)))),
    ("partial_fit", (T(X), y)), ("predict", (T(X),)), ("predict_proba", (T(X),)),
    ("predict_log_proba", (T(X),)), ("decision_function", (T(X),)), ("score", (T(X), T(y))),
]:
    try:
        getattr(model, method)(*arguments)
    except TypeError as error:
        print(error)
    assert vars(model) == before
"""


@pytest.mark.parametrize(
    ("module", "made", "name", "how"),
    [
        ("torch", "torch.from_numpy", "torch Tensor", ".cpu().numpy()"),
        ("array_api_strict", "module.asarray", "array_api_strict Array", "numpy.asarray("),
    ],
)
def test_arrays_of_other_libraries_are_refused_by_name(module, made, name, how):
    pytest.importorskip(module)
    said = dispatched(f"import {module}\nmodule = {module}\nT = {made}\n{REFUSED}").splitlines()
    assert len(said) == 9
    arguments = ["X", "y", "sample_weight", *"XXXXXX"]
    for text, argument in zip(said, arguments, strict=True):
        assert text.startswith(f"{argument} is a {name}, and LogisticNeuronClassifier computes")
        assert how in text
        assert "sklearn_neuron.onnx.to_onnx" in text


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
        "X is a __main__ Array, and LogisticNeuronClassifier computes with NumPy"
    )


def test_under_dispatch_the_usual_containers_work_as_before():
    text = dispatched(
        "import pandas as pd, scipy.sparse as sp\n"
        "for data in (X, X.tolist(), pd.DataFrame(X), sp.csr_matrix(X)):\n"
        "    again = LogisticNeuronClassifier(solver='lbfgs').fit(data, y)\n"
        "    print(again.score(data, y) > 0.9)\n"
    )
    assert text.split() == ["True"] * 4
