"""What a bug report should tell: versions, the compiled core, the machine, and the extras."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import sklearn

from sklearn_neuron._config import get_config
from sklearn_neuron._engine import core

#: What the extras install, and containers that users bring; pandas and matplotlib are among
#: scikit-learn's own.
_OPTIONAL = (
    *("rich", "ipywidgets", "dask", "distributed", "onnx", "skl2onnx", "onnxruntime", "skops"),
    *("mlflow", "mlflow-skinny", "pyarrow", "polars", "torch"),
)
#: The variables of the environment that change results or speed.
_VARIABLES = ("SKLEARN_NEURON_", "OMP_", "OPENBLAS_", "MKL_", "SCIPY_ARRAY_API", "PYTHON_GIL")


def show_versions() -> None:
    """Print versions, and whether the compiled core is there, for bug reports.

    The core is compiled when sklearn_neuron is installed. Where that was not possible, for example
    without a compiler, NumPy computes everything, and the reason is printed. Also printed are the
    folder of the package, the engine that is chosen, the number of processors, the variables of the
    environment that matter, and the versions of optional packages. The rest is scikit-learn's
    ``show_versions``: the system, the versions of dependencies and thread pools.

    See Also
    --------
    set_config : Choose what computes the epochs of training.

    Examples
    --------
    >>> from sklearn_neuron import show_versions
    >>> show_versions()  # doctest: +ELLIPSIS
    <BLANKLINE>
    sklearn_neuron:
          version: ...
    compiled core: ...
    """
    package = importlib.import_module(__package__)
    _table("sklearn_neuron", {
        "version": package.__version__,
        "folder": str(Path(package.__path__[0])),
        "compiled core": _core(),
        "engine": get_config()["engine"],
        "processors": _processors(),
        "interpreter": "free-threaded" if not _has_lock() else "with its global lock",
        "environment": _environment(),
    })  # fmt: skip
    sklearn.show_versions()
    _table("Optional packages", {name: _version(name) for name in _OPTIONAL})


def _table(title: str, rows: dict[str, str]) -> None:
    """Print names and values as scikit-learn's ``show_versions`` does."""
    print(f"\n{title}:")
    for name, value in rows.items():
        print(f"{name:>13}: {value}")


def _core() -> str:
    """Return one line on the core: its instruction set and compiler, or why there is none."""
    if reason := core.why_not():
        return f"no, NumPy computes everything: {reason.removeprefix(core.NONE)}"
    info = core.build_info()
    return (
        f"yes, instruction set {core.load().simd}, {info['compiler'] if info else 'built in place'}"
    )


def _processors() -> str:
    """Return how many processors this process may use, and how many there are."""
    there = os.cpu_count()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    return f"{usable} usable of {there}"


def _has_lock() -> bool:
    """Return whether the global interpreter lock is on: always, before Python 3.13."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def _environment() -> str:
    """Return the variables that are set and matter."""
    names = sorted(name for name in os.environ if name.startswith(_VARIABLES))
    return ", ".join(f"{name}={os.environ[name]}" for name in names) or "nothing set"


def _version(package: str) -> str:
    """Return the version of an installed package, which is not imported for it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "None"
