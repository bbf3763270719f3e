"""Trace tables: columns that never run together, and the rows, units and layers asked for."""

import re

import numpy as np
import pytest
from helpers import make, target_for
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier, ManualMLPRegressor
from sklearn_neuron.inspection import backprop_trace
from sklearn_neuron.inspection._trace_tables import Group, number, table_lines


@pytest.fixture(scope="module")
def digits():
    """Return a trace of a network of many units and ten classes, and its data."""
    X, y = load_digits(return_X_y=True)
    model = ManualMLPClassifier((32,), max_iter=2, tol=None, random_state=0).fit(X / 16, y)
    return backprop_trace(model, X / 16, y), model, X / 16, y


@pytest.mark.parametrize("seed", range(20))
def test_columns_never_run_together(seed):
    """Whatever the magnitude: every cell can be read back, and lines are of equal length."""
    rng = np.random.RandomState(seed)
    values = rng.choice([-1.0, 1.0], (8, 5)) * 10.0 ** rng.uniform(-12, 12, (8, 5))
    values[0, 0], values[1, 1], values[2, 2] = -0.0, np.nan, -np.inf
    group = Group("z", [f"z[{k}]" for k in range(5)], values, 3)
    lines = table_lines([group, group], range(100_000, 100_008))
    assert len({len(line) for line in lines}) == 1
    for line, row in zip(lines[1:], values, strict=True):
        label, *cells = line.split()
        assert int(label) >= 100_000
        assert cells[5] == cells[11] == "…"
        read = np.array([float(cell) for cell in cells[:5]])
        np.testing.assert_allclose(read, row, rtol=0.06, atol=1e-5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((-0.0, "0.00000"), (0.0, "0.00000"), (-1e-9, "-1.0e-09"), (9999.5, "9999.50000")),
        *((np.nan, "nan"), (-np.inf, "-inf"), (12345.678, "1.2346e+04"), (0.25, "0.25000")),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_there_is_no_negative_zero(digits):
    trace, *_ = digits
    assert not re.search(r"-0\.0+(?![\d.]*[1-9e])\b", str(trace))


def test_the_true_and_the_predicted_class_are_among_the_units(digits):
    trace, model, X, y = digits
    for row in (0, 5, 17, 1000):
        text = str(trace.show(rows=row, layers=2))
        heads = set(re.findall(r"δ²\[(\d)\]", text))
        assert len(heads) == 4
        assert {str(y[row]), str(model.predict(X[[row]])[0])} <= heads
    # by default: of all rows that are shown
    shown = {int(k) for k in re.findall(r"a²\[(\d)\]", str(trace))}
    assert shown >= {*y[:10], *model.predict(X[:10])}


def test_many_classes_show_fewer_rows():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(90, 3)), np.tile(np.arange(30), 3)
    model = LogisticNeuronClassifier(max_iter=3).fit(X, y)
    text = str(backprop_trace(model, X, y))
    heads = {int(k) for k in re.findall(r"δ¹\[(\d+)\]", text)}
    assert len(heads) <= 10
    rows = re.findall(r"^ +(\d+) ", text, flags=re.MULTILINE)
    assert {int(row) for row in rows} <= heads  # row k is of class k


def test_the_hidden_units_are_the_most_relevant(digits):
    trace, *_ = digits
    relevance = np.abs(trace.a[1][:10]).mean(axis=0) * np.abs(trace.W[2]).sum(axis=1)
    shown = [int(k) for k in re.findall(r"z¹\[(\d+)\]", str(trace.show(layers=1)))]
    assert shown == sorted(np.argsort(-relevance)[:4])


def test_what_is_asked_for_is_shown(digits):
    trace, *_ = digits
    view = trace.show(rows=[7, 3, 1796], units={1: [0, 31], 2: 4}, layers=[2, 1])
    text = str(view)
    assert text.index("layer 2 of 2") < text.index("layer 1 of 2")
    assert re.findall(r"z¹\[(\d+)\]", text) == ["0", "31"]
    assert re.findall(r"δ²\[(\d+)\]", text) == ["4"]
    assert [line.split()[0] for line in text.splitlines() if re.match(" +[0-9]+ ", line)] == [
        *("7", "3", "1796") * 2
    ]
    row = next(line for line in text.splitlines() if line.lstrip().startswith("1796"))
    assert float(row.split()[1]) == pytest.approx(trace.z[2][1796, 4], abs=1e-5)
    assert "… 1794 more samples" in text


def test_rows_are_numbered_as_in_the_data(X):
    y = target_for(ManualMLPClassifier, 30)
    weight = np.ones(30)
    weight[:5] = 0.0
    trace = backprop_trace(make(ManualMLPClassifier), X, y, sample_weight=weight)
    assert_array_equal(trace.row_index, np.arange(5, 30))
    assert_array_equal(trace.a[0], X[5:])
    assert str(trace).splitlines()[6].split()[0] == "5"
    with pytest.raises(ValueError, match=r"of positive weight; got \[4\]"):
        trace.show(rows=[4, 5])


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"rows": [2000]}, r"rows must be rows of X .* \[0, 1796\]"),
        ({"rows": []}, "rows must be"),
        ({"rows": 1.5}, "rows must be"),
        ({"layers": 3}, "layers must be of 1 to 2; got 3"),
        ({"layers": []}, "layers must be"),
        ({"units": 32, "layers": 1}, r"units of layer 1 must be in \[0, 32\)"),
        ({"units": -1}, "units of layer 1"),
        ({"units": {5: 1}}, r"units has layers \[5\]"),
        ({"units": "all"}, "units of layer 1"),
    ],
)
def test_what_does_not_exist(digits, how, words):
    with pytest.raises(ValueError, match=words):
        digits[0].show(**how)


def test_html_is_a_table_with_the_same_numbers(digits):
    trace, *_ = digits
    view = trace.show(rows=[3, 17], layers=2)
    page = view._repr_html_()
    (table,) = re.findall("<table.*?>(.*?)</table>", page, flags=re.DOTALL)
    cells = re.findall("<td>(.*?)</td>", table)
    lines = [line.split() for line in str(view).splitlines() if re.match(" +(3|17) ", line)]
    assert cells == [cell for row in (lines[::2], lines[1::2]) for _, *rest in row for cell in rest]
    assert trace._repr_html_().count("<table") == 2


def test_html_is_inert(X):
    trace = backprop_trace(make(ManualMLPRegressor), X, X[:, 0])
    hostile = type(trace)(**{**vars(trace), "title": "<script>alert(1)</script>"})
    assert "<script>" not in hostile._repr_html_()


def test_a_layer_as_a_frame(digits, pd):
    trace, *_ = digits
    frame = trace.to_frame(1)
    assert frame.shape == (1797, 3 * 32)
    assert_array_equal(frame["delta"], trace.delta[1])
    last = trace.to_frame()
    assert list(last.columns.unique(0)) == ["z", "a", "delta", "y"]
    assert_array_equal(last[("y", 3)], trace.y[:, 3])
    assert isinstance(last, pd.DataFrame)
    with pytest.raises(ValueError, match="layers must be"):
        trace.to_frame(0)
