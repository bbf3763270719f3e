"""The page for users of other libraries: its tables against the defaults of the classes."""

import ast
import re
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier, ManualMLPRegressor

PAGE = (Path(__file__).parents[1] / "docs" / "relations.rst").read_text(encoding="utf-8")
TABLES = [
    (LogisticRegression, LogisticNeuronClassifier, 3),
    (SGDClassifier, LogisticNeuronClassifier, 5),
    (MLPClassifier, ManualMLPClassifier, 10),
    (MLPRegressor, ManualMLPRegressor, 2),
]
#: A parameter and a number; what is after "default" or "defaults to"; a parameter alone.
NUMBER = re.compile(r"(\w+)=(\d[\d.e_-]*)(?=[`,])")
DEFAULT = re.compile(r'default(?:s to| of ours is)? (?:``)?("\w+"|\d[\d.e-]*\d|\d)')
NAME = re.compile(r"``(\w+)\b")


def rows(theirs, ours):
    """Return the rows of the table with these heads, as lists of three cells."""
    head = rf"   \* - ``{theirs.__name__}``\n     - ``{ours.__name__}``\n"
    table = re.search(head + r"(?:     .*\n|   \* .*\n)+", PAGE).group()
    cells = [re.split(r"\n     - ?", row) for row in re.split(r"   \* - ?", table)[2:]]
    return [[" ".join(cell.split()) for cell in row] for row in cells]


@pytest.mark.parametrize(("theirs", "ours", "least"), TABLES, ids=str)
def test_the_defaults_in_a_table(theirs, ours, least):
    of_theirs, of_ours, n_checked = theirs().get_params(), ours().get_params(), 0
    for left, right, note in rows(theirs, ours):
        stated = {name: float(value) for name, value in NUMBER.findall(left)}
        for name, value in stated.items():
            assert of_theirs[name] == value, (left, of_theirs[name])
            n_checked += 1
        told = DEFAULT.search(note)
        for name, value in NUMBER.findall(right):
            if name in stated.keys() & of_ours.keys() and not told:
                assert of_ours[name] == float(value), (right, of_ours[name])
                n_checked += 1
        if told:
            name = next(
                name for name in NAME.findall(right) + NAME.findall(left) if name in of_ours
            )
            assert of_ours[name] == ast.literal_eval(told.group(1)), (name, note, of_ours[name])
            n_checked += 1
    assert n_checked >= least


def test_the_defaults_of_the_regressor_are_those_of_the_classifier():
    """The table of one applies to the other, but for what the page says."""
    one, other = ManualMLPClassifier().get_params(), ManualMLPRegressor().get_params()
    differ = {name for name in one.keys() & other.keys() if one[name] != other[name]}
    assert differ == {"tol", "loss"}
