"""What holds for every test: it runs on the installed package and its core, and on one thread."""

import importlib
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before NumPy is imported
os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parent
ALLOWED = "SKLEARN_NEURON_TEST_WITHOUT_CORE"
#: How the reasons begin for which a build is meant to leave out the core: it was asked to, or the
#: machine cannot compile. Code that does not compile is an error.
EXPECTED = ("asked for at build time", "Unknown compiler", "the header files of Python")

#: What examples in docstrings and pages contain that need an extra, by the package that it needs.
EXTRAS = {
    "pandas": re.compile(r"\bpandas\b|\bjournal\(|\.to_frame\("),
    "matplotlib": re.compile(r"\bmatplotlib\b|\b\w+Display\b"),
    **dict.fromkeys(("dask", "distributed"), re.compile(r"\bsklearn_neuron\.dask\b")),
    **dict.fromkeys(("onnx", "skl2onnx"), re.compile(r"\bsklearn_neuron\.onnx\b")),
}
#: The module that cannot be imported without matplotlib, whose class it extends.
NEEDS_MATPLOTLIB = "fitted_text.py"


def _leave_the_source_folder():
    """Take this folder off the path, where ``python -m`` puts it, so that it hides no installation.

    It stays if PYTHONPATH names it, whose entries are made absolute: tests run elsewhere.
    """
    asked_for = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    asked_for = [str(Path(entry).resolve()) for entry in asked_for]
    os.environ["PYTHONPATH"] = os.pathsep.join(asked_for)
    if str(ROOT) not in asked_for:
        sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]


_leave_the_source_folder()


def pytest_configure(config):
    """Find out why there is no core, if there is none; refuse to start if there should be one."""
    config.pluginmanager.register(WithoutExtras(), "without-extras")
    core = importlib.import_module("sklearn_neuron._engine.core")
    config.without_core = core.why_not()
    why_no_core = (core.build_info() or {}).get("why_no_core", "")
    expected = why_no_core.startswith(EXPECTED)
    if config.without_core and not expected and os.environ.get(ALLOWED) != "1":
        raise pytest.UsageError(
            f"The tests would run without the compiled core, on {Path(core.__file__).parents[2]}. "
            f"{config.without_core} If that is meant, set {ALLOWED}=1."
        )


def pytest_report_header(config):
    """Say which package is tested."""
    package = importlib.import_module("sklearn_neuron")
    core = importlib.import_module("sklearn_neuron._engine.core")
    what = f"none. {config.without_core}" if config.without_core else core.load().simd
    return f"sklearn_neuron {package.__version__} in {Path(package.__file__).parent}, core: {what}"


def pytest_terminal_summary(terminalreporter, config):
    """Say it again at the end if there was no core, as ``--quiet`` leaves out the header."""
    if config.without_core:
        terminalreporter.write_line(f"Tested without the compiled core. {config.without_core}")


class WithoutExtras:
    """Leaves out what cannot be imported without an extra, in the installed package, too.

    The hooks of a conftest itself hear only of files below its folder.
    """

    @staticmethod
    def pytest_ignore_collect(collection_path):
        missing = collection_path.name == NEEDS_MATPLOTLIB and find_spec("matplotlib") is None
        return True if missing else None  # None leaves it to others


def pytest_collection_modifyitems(items):
    """Skip examples that need an extra which is missing."""
    missing = {name: words for name, words in EXTRAS.items() if find_spec(name) is None}
    for item in items:
        if not isinstance(item, pytest.DoctestItem):
            continue
        text = "\n".join(example.source for example in item.dtest.examples)
        for name, words in missing.items():
            if words.search(text):
                item.add_marker(pytest.mark.skip(reason=f"could not import {name!r}"))


def pytest_runtest_setup(item):
    """Skip what needs the core where the build has said that there is none."""
    if item.config.without_core and item.get_closest_marker("needs_core"):
        pytest.skip(item.config.without_core)


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory):
    """Run in an empty folder: ``python -c`` of a test would import the source folder from here."""
    os.chdir(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(autouse=True)
def _close_figures():
    """Close pictures, which are drawn without a display."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
