"""Lines of the compiled core that its tests run, by gcov.

The core is built in a scratch copy with ``--coverage`` and without optimizations, once for each
instruction set that this processor has. The tests that compare it with NumPy run on the widest of
them, and some on each of the others. A line counts as run if one variant ran it in one instance of
its template. Needs GCC, gcov and Cython.

    python benchmarks/core_coverage.py            # the table
    python benchmarks/core_coverage.py --lines    # and each line that was not run
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from _core_build import (
    CORE,
    TESTS,
    VARIANTS,
    compile_face,
    compile_kernels,
    copy_of_the_project,
    environment,
    link,
    run,
    supported,
)

#: It runs the core of all variants in processes of their own, which is done here.
ALL_VARIANTS = ["--deselect", "tests/test_core.py::test_every_instruction_set_agrees"]
OF_OTHERS = [
    f"tests/test_core.py::test_{name}" for name in ("activations", "optimizers", "depths", "l1")
]


def build(folder):
    """Build a core of all variants that counts its lines."""
    variants = [variant for variant in VARIANTS if supported(variant)]
    flags = ["-O0", "--coverage"]
    objects = [compile_kernels(folder, variant, flags) for variant in variants]
    link(folder, [*objects, compile_face(folder, variants, flags)], ["--coverage"])
    return variants


def counts_of(folder, objects):
    """Return how often each line was run, by file; 0 for lines that have code and never were."""
    counts = defaultdict(lambda: defaultdict(int))
    for name in objects:
        run(["gcov", "--json-format", f"{name}.gcda"], folder)
        (path,) = folder.glob(f"{name}.gcov.json.gz")
        for file in json.loads(gzip.decompress(path.read_bytes()))["files"]:
            if Path(file["file"]).parent.name != CORE.name:
                continue
            name_ = Path(file["file"]).name
            last = len((folder / CORE / name_).read_text(encoding="utf-8").splitlines())
            for line in file["lines"]:
                if line["line_number"] <= last:  # what Cython adds has numbers of its own
                    counts[name_][line["line_number"]] += line["count"]
    return counts


def show(counts, folder, *, with_lines):
    """Print the table, and what was not run."""
    total = [0, 0]
    for name in sorted(counts):
        lines = counts[name]
        ran = sum(count > 0 for count in lines.values())
        total = [total[0] + ran, total[1] + len(lines)]
        print(f"{name:<16}{ran:>6} of {len(lines):>4} lines {100 * ran / len(lines):>6.1f} %")
    print(
        f"{'together':<16}{total[0]:>6} of {total[1]:>4} lines {100 * total[0] / total[1]:>6.1f} %"
    )
    for name in sorted(counts) if with_lines else ():
        source = (folder / CORE / name).read_text(encoding="utf-8").splitlines()
        for number, count in sorted(counts[name].items()):
            if not count:
                print(f"{name}:{number}: {source[number - 1].strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", action="store_true", help="print lines that were not run")
    parser.add_argument("tests", nargs="*", default=[*TESTS, *ALL_VARIANTS])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = copy_of_the_project(Path(scratch))
        variants = build(folder)
        for variant in reversed(variants):
            tests = given.tests if variant == variants[-1] else OF_OTHERS
            print(f"{variant}: {' '.join(tests)}", flush=True)
            subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
                cwd=folder, env=environment(folder, SKLEARN_NEURON_SIMD=variant), check=False,
            )  # fmt: skip
        show(counts_of(folder, [*variants, "_core"]), folder, with_lines=given.lines)


if __name__ == "__main__":
    main()
