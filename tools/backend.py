"""The build backend: meson-python, which goes on without the compiled core where that fails.

The environment variable ``SKLEARN_NEURON_BUILD`` decides. Unset: the core is built if possible; if
not, the package is installed without it, and NumPy does everything. ``required``: a failure is
final. ``none``: without the core on purpose; no compiler is looked for.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import mesonpy
from mesonpy import (
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

#: Runs one of meson-python's functions; a process of its own, as this one reads along.
CHILD = """
import json, sys
path, name, arguments, answer = json.loads(sys.argv[1])
sys.path[:] = path
import mesonpy
with open(answer, "w", encoding="utf-8") as file:
    file.write(getattr(mesonpy, name)(*arguments))
"""
WITHOUT = """
{line}
sklearn_neuron is installed WITHOUT its compiled core: {reason}
Everything works, computed by NumPy, but training is several times slower. To have the core, install
a C and C++ compiler and Python's headers, then install sklearn_neuron again; or set the environment
variable SKLEARN_NEURON_BUILD=required to see the installation fail.
sklearn_neuron.show_versions() tells whether the core is there.
{line}
"""


class CoreFailedError(Exception):
    """The package could not be built with the core; the message says why."""


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Build a wheel, with the core if possible."""
    return build("build_wheel", wheel_directory, config_settings)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """Build what an editable installation consists of, with the core if possible."""
    return build("build_editable", wheel_directory, config_settings)


def build_sdist(sdist_directory, config_settings=None):
    """Pack the source files, for which no compiler is needed."""
    python_on_path()
    return mesonpy.build_sdist(sdist_directory, with_options(config_settings, core="false"))


def build(name, directory, config_settings):
    """Return the name of the wheel that meson-python's function made."""
    wish = os.environ.get("SKLEARN_NEURON_BUILD", "")
    if wish not in {"", "required", "none"}:
        raise SystemExit(f"SKLEARN_NEURON_BUILD must be required, none or unset; got {wish!r}.")
    python_on_path()
    if wish == "none":
        return without_core(name, directory, config_settings, "asked for at build time")
    try:
        return with_core(name, directory, config_settings)
    except CoreFailedError as error:
        if wish == "required":
            raise SystemExit(f"SKLEARN_NEURON_BUILD=required, but: {error}") from None
        reason = str(error)
    wheel = without_core(name, directory, config_settings, reason)
    print(WITHOUT.format(line="*" * 100, reason=reason), flush=True)
    return wheel


def with_core(name, directory, config_settings):
    """Run meson-python's function in another process, and pass on what it prints."""
    settings = with_options(config_settings, core="true")
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        job = json.dumps([sys.path, name, [directory, settings], str(answer)])
        lines = []
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, job],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as child:
            for line in child.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        if child.returncode:
            raise CoreFailedError(reason_in(lines))
        return answer.read_text(encoding="utf-8")


def without_core(name, directory, config_settings, reason):
    """Let meson-python build Python files only; the reason is written into the package."""
    settings = with_options(config_settings, core="false", why_no_core=reason)
    return getattr(mesonpy, name)(directory, settings)


def reason_in(lines):
    """Return the first line that names an error, without what would not fit in a string.

    With the line after it, if it ends in a colon.
    """
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in lines]
    named = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
    reason = next(iter(named or lines[-1:]), "the build failed")
    if reason.endswith(":") and lines.index(reason) + 1 < len(lines):
        reason += " " + lines[lines.index(reason) + 1]
    reason = re.sub(r"^\S*meson\.build:\d+:\d+: ERROR: (Problem encountered: )?", "", reason)
    return "".join(c for c in reason if c.isprintable() and c not in "\"\\'@")[:300]


def with_options(config_settings, **options):
    """Return the settings with options of meson added."""
    settings = dict(config_settings or {})
    given = settings.get("setup-args", [])
    given = [given] if isinstance(given, str) else list(given)
    own = [f"-D{name}={value}" for name, value in options.items()]
    return {**settings, "setup-args": given + own}


def python_on_path():
    """Let meson find a python3, which runs tools/version.py, where the path has none."""
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([path, str(Path(sys.executable).parent)])
