"""The compiled core, built by hand in a copy of the package: with other flags, or another source.

The copy has the package, its tests and pytest's settings; the checkout is not touched. What is
compiled is what ``meson.build`` of the core compiles, with fewer optimizations.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = Path("sklearn_neuron", "_engine", "core")
#: The instruction sets of the variants, in the words of the compiler.
VARIANTS = {
    "baseline": [],
    "v3": ["-march=x86-64-v3"],
    "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
}
FLAGS = [
    *["-std=c++17", "-fPIC", "-fvisibility=hidden", "-Wno-psabi"],
    *["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"],
]
#: The tests that compare the core with NumPy, or with numbers of many digits.
TESTS = ["tests/test_functions.py", "tests/test_core.py", "tests/test_core_edges.py"]


def supported(variant):
    """Return whether this processor can run a variant."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    needed = {"baseline": "sse2", "v3": "avx2", "v4": "avx512dq"}
    return needed[variant] in flags


def copy_of_the_project(folder):
    """Copy what tests of the core need, without a core that was built before."""
    ignored = shutil.ignore_patterns("*.so", "__pycache__", "_build_info.py")
    for name in ("sklearn_neuron", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def run(command, folder, **how):
    """Run a command and raise its output if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        **how,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def compile_face(folder, has=(), flags=()):
    """Compile ``_core.pyx``; the object knows the variants that ``has`` names."""
    out = folder / "_core.cpp"
    cython = [sys.executable, "-m", "cython", "-3", "--cplus", "--line-directives"]
    run([*cython, "-o", out, folder / CORE / "_core.pyx"], folder)
    include = ["-I", sysconfig.get_paths()["include"], "-I", folder / CORE]
    defined = [f"-DCORE_HAS_{variant.upper()}" for variant in has if variant != "baseline"]
    run(["g++", "-std=c++17", "-fPIC", "-O0", *flags, *include, *defined,
         "-c", "-o", folder / "_core.o", out], folder)  # fmt: skip
    return folder / "_core.o"


def compile_kernels(folder, variant, flags, name=None, *, called=None):
    """Compile the kernels for an instruction set; ``called`` is what the object calls itself."""
    out = folder / f"{name or variant}.o"
    run(["g++", *FLAGS, *VARIANTS[variant], *flags, f"-DCORE_VARIANT={called or variant}",
         "-c", "-o", out, folder / CORE / "kernels.cpp"], folder)  # fmt: skip
    return out


def link(folder, objects, flags=()):
    """Put the module together, where Python finds it in the copy."""
    module = folder / CORE / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    module.unlink(missing_ok=True)
    run(["g++", "-shared", *flags, "-o", module, *objects], folder)
    return module


def environment(folder, **more):
    """Return the variables under which the copy is what is tested, on one thread."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **one, "PYTHONPATH": str(folder), **more}
