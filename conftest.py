"""What holds for every test: it runs on the installed package and its core, and on one thread."""

import importlib
import os
import sys
from pathlib import Path

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before NumPy is imported
os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parent
ALLOWED = "SKLEARN_NEURON_TEST_WITHOUT_CORE"


def _leave_the_source_folder():
    """Take this folder off the path, where ``python -m`` puts it, so that it hides no installation.

    It stays if PYTHONPATH names it, whose entries are made absolute: tests run elsewhere.
    """
    asked_for = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    asked_for = [str(Path(entry).resolve()) for entry in asked_for]
    os.environ["PYTHONPATH"] = os.pathsep.join(asked_for)
    if str(ROOT) not in asked_for:
        sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]


def _why_without_core():
    """Return why there is no core, or nothing if there is; leave pytest if there should be one."""
    try:
        core = importlib.import_module("sklearn_neuron._engine.core")
    except ModuleNotFoundError as error:
        pytest.exit(f"{error}: install sklearn_neuron first, see CONTRIBUTING.md.", returncode=4)
    if core.available():
        return ""
    info, reason = core.build_info(), core.why_not()
    if os.environ.get(ALLOWED) != "1" and not (info and info["why_no_core"]):
        folder = Path(core.__file__).parents[2]
        pytest.exit(
            f"The tests would run without the compiled core. Imported: {folder}. Reason: {reason} "
            f"If that is meant, set {ALLOWED}=1.",
            returncode=4,
        )
    return reason


_leave_the_source_folder()
WITHOUT_CORE = _why_without_core()


def pytest_report_header():
    """Say which package is tested."""
    package = importlib.import_module("sklearn_neuron")
    core = importlib.import_module("sklearn_neuron._engine.core")
    what = f"WITHOUT core: {WITHOUT_CORE}" if WITHOUT_CORE else f"core: {core.load().simd}"
    return f"sklearn_neuron {package.__version__} in {Path(package.__file__).parent}, {what}"


def pytest_terminal_summary(terminalreporter):
    """Say it again at the end if there was no core, as ``--quiet`` leaves out the header."""
    if WITHOUT_CORE:
        terminalreporter.write_line(f"Tested without the compiled core: {WITHOUT_CORE}")


def pytest_runtest_setup(item):
    """Skip what needs the core where the build has said that there is none."""
    if WITHOUT_CORE and item.get_closest_marker("needs_core"):
        pytest.skip(WITHOUT_CORE)


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
