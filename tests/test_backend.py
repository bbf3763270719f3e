"""The build backend: with the core, without it where building it fails, and on purpose."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

BACKEND = Path(__file__).parents[1] / "tools" / "backend.py"
NO_HEADERS = "the header files of Python (Python.h) are missing"
# stands in for meson-python: it notes what it was called with, and fails or answers
MESONPY = """
import json, os
from pathlib import Path

def build(name, directory, settings):
    options = settings["setup-args"]
    core = "-Dcore=true" in options
    with open(Path(directory) / "calls", "a") as file:
        file.write(json.dumps([name, options]) + "\\n")
    if core and os.environ.get("FAILS"):
        print("compiling …\\n\\x1b[31mmeson.build:1:2: ERROR: no 'compiler' here\\x1b[0m\\nmore")
        raise SystemExit(1)
    return "core.whl" if core else "pure.whl"

def build_wheel(directory, settings): return build("build_wheel", directory, settings)
def build_editable(directory, settings): return build("build_editable", directory, settings)
def build_sdist(directory, settings): return build("build_sdist", directory, settings)
def get_requires_for_build_wheel(settings=None): return []
get_requires_for_build_sdist = get_requires_for_build_editable = get_requires_for_build_wheel
"""


@pytest.fixture
def backend(tmp_path, monkeypatch):
    (tmp_path / "mesonpy.py").write_text(MESONPY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "mesonpy", None)
    monkeypatch.delitem(sys.modules, "mesonpy")
    for name in ("SKLEARN_NEURON_BUILD", "FAILS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", os.environ["PATH"])  # the backend adds to it
    return module_of(BACKEND)


def module_of(path):
    spec = importlib.util.spec_from_file_location(f"{path.stem}_of_a_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def calls(folder):
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


@pytest.mark.parametrize("name", ["build_wheel", "build_editable"])
def test_the_core_is_built_if_possible(name, backend, tmp_path, capfd):
    settings = {"setup-args": "-Db_lto=true", "build-dir": "there"}
    assert getattr(backend, name)(str(tmp_path), settings) == "core.whl"
    assert calls(tmp_path) == [[name, ["-Db_lto=true", "-Dcore=true"]]]
    assert settings["setup-args"] == "-Db_lto=true"
    assert "WITHOUT" not in capfd.readouterr().out


@pytest.mark.parametrize("name", ["build_wheel", "build_editable"])
def test_a_failure_leads_to_a_package_without_core(name, backend, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("FAILS", "1")
    assert getattr(backend, name)(str(tmp_path)) == "pure.whl"
    assert calls(tmp_path) == [
        [name, ["-Dcore=true"]],
        [name, ["-Dcore=false", "-Dwhy_no_core=no compiler here"]],
    ]
    printed = capfd.readouterr().out
    assert printed.startswith("compiling …\n")
    assert "is installed WITHOUT its compiled core: no compiler here\n" in printed


def test_required_makes_a_failure_final(backend, tmp_path, monkeypatch):
    monkeypatch.setenv("FAILS", "1")
    monkeypatch.setenv("SKLEARN_NEURON_BUILD", "required")
    with pytest.raises(SystemExit, match="SKLEARN_NEURON_BUILD=required, but: no compiler here"):
        backend.build_wheel(str(tmp_path))
    assert len(calls(tmp_path)) == 1


def test_none_looks_for_no_compiler(backend, tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_NEURON_BUILD", "none")
    assert backend.build_wheel(str(tmp_path)) == "pure.whl"
    options = ["-Dcore=false", "-Dwhy_no_core=asked for at build time"]
    assert calls(tmp_path) == [["build_wheel", options]]


def test_another_wish_is_refused(backend, tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_NEURON_BUILD", "maybe")
    with pytest.raises(SystemExit, match="must be required, none or unset; got 'maybe'"):
        backend.build_wheel(str(tmp_path))


def test_the_source_archive_needs_no_compiler(backend, tmp_path):
    backend.build_sdist(str(tmp_path), {"setup-args": ["-Dx=1"]})
    assert calls(tmp_path) == [["build_sdist", ["-Dx=1", "-Dcore=false"]]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("core/meson.build:3:2: ERROR: Unknown compiler(s): [['cc'], ['gcc']]", True),
        (f"core/meson.build:6:4: ERROR: Problem encountered: {NO_HEADERS}", True),
        ("../core/kernels.cpp:7:1: error: expected ';' before 'int'", False),
        ("../core/kernels.cpp:7:1: error: 'the header files of Python' was not declared", False),
        ("", False),
    ],
)
def test_tests_run_without_the_core_only_where_nothing_can_be_compiled(line, expected, backend):
    """So code that does not compile fails the tests, and does not skip those of the core."""
    root = BACKEND.parents[1]
    conftest = module_of(root / "conftest.py")
    assert NO_HEADERS in (root / "sklearn_neuron/_engine/core/meson.build").read_text()
    assert backend.reason_in([line]).startswith(conftest.EXPECTED) == expected


def test_tests_run_without_the_core_where_that_was_asked_for(backend, tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_NEURON_BUILD", "none")
    backend.build_wheel(str(tmp_path))
    reason = calls(tmp_path)[0][1][1].removeprefix("-Dwhy_no_core=")
    assert reason.startswith(module_of(BACKEND.parents[1] / "conftest.py").EXPECTED)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["[1/2] c++ x.cpp\n", "x.cpp:1:2: error: a \"b\" 'c' \\ @d@\n", "stopped\n"],
         "x.cpp:1:2: error: a b c  d"),
        (["one\n", "two\n"], "two"),
        ([], "the build failed"),
        (["error: " + 400 * "x"], "error: " + 293 * "x"),
    ],
)  # fmt: skip
def test_the_reason_is_the_first_error(lines, reason, backend):
    assert backend.reason_in(lines) == reason
    compile(f'"""{reason}"""; "{reason}"', "_build_info.py", "exec")
