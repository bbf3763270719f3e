"""Mutation: which small faults, put into the Python code one by one, the tests find.

The faults are those of cosmic-ray: another number, comparison or operator, ``and`` for ``or``, a
``not``, a loop without iterations, another exception, a decorator less. Places are drawn evenly,
and at each place one fault. A mutant meets the tests that run its line, as coverage recorded them,
in a process forked for it, on a copy of the files.

    python benchmarks/mutation.py --measure       # all tests once, under coverage: which runs what
    python benchmarks/mutation.py --per-module 8 --seed 0

A mutant that is not killed either is listed as equivalent, with the reason, in
``results/mutation_equivalent.toml``, or it is a gap. Needs ``cosmic-ray`` and ``pytest-cov``.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import ast
import collections
import compileall
import contextlib
import functools
import importlib
import itertools
import json
import math
import py_compile
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData
from scipy.stats import beta

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sklearn_neuron"
COVERAGE, TIMES = ROOT / ".coverage", ROOT / ".coverage.times.json"
EQUIVALENT = ROOT / "benchmarks" / "results" / "mutation_equivalent.toml"
TOP = ["losses", "activations", "network", "optimizers", "schedules", "initializers"]
MODULES = [f"{name}.py" for name in TOP] + [
    path.relative_to(PACKAGE).as_posix()
    for folder in ("_engine", "_estimator")
    for path in sorted((PACKAGE / folder).glob("[!_]*.py"))
]
#: Loaded before the first fork. Not the package, nor what loads it.
SHARED = [
    *["numpy", "scipy.optimize", "scipy.sparse", "scipy.special", "scipy.stats", "pandas"],
    *["sklearn.datasets", "sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection"],
    *["sklearn.neural_network", "sklearn.pipeline", "sklearn.utils.estimator_checks"],
    *["matplotlib.pyplot", "joblib"],
]
#: Tests of the build and of pages: they run processes, of which coverage sees nothing.
LEFT_OUT = ("test_benchmarks", "test_installation", "test_explorer_browser")
#: Tests of what is computed when a module is imported, which is in no test's context.
OF_IMPORTS = (
    "tests/test_contracts.py::test_an_incomplete",
    "tests/test_estimators.py::test_counts_are_positive_targets_only",
)
#: So many tests come first, in a process of their own, which imports few files.
FIRST_FILES, FIRST_TESTS = 3, 25
BITS = {"RShift", "LShift", "BitOr", "BitAnd", "BitXor"}


class Site(NamedTuple):
    """A place in a module, and the faults of one family that cosmic-ray knows for it."""

    module: str
    line: int
    family: str
    faults: list  # of (operator, occurrence)


class Mutant(NamedTuple):
    """A module with one fault."""

    module: str
    line: int
    before: str
    after: str
    code: str

    def __str__(self):
        return f"{self.module}:{self.line}: {self.before}  ->  {self.after}"


class Fate(NamedTuple):
    """What became of a mutant: killed, timeout or survived; by which test, and after how many."""

    outcome: str
    by: str
    tests: int


def measure():
    """Run all tests under coverage, and keep how long each took and whether it passed."""
    times = collections.defaultdict(float)

    class Times:
        def pytest_runtest_logreport(self, report):
            times[report.nodeid] += float("inf") if report.failed else report.duration

    os.chdir(ROOT)
    left_out = [f"--ignore=tests/{name}.py" for name in LEFT_OUT]
    options = [
        "-q",
        "-pno:cacheprovider",
        *left_out,
        "--cov",
        "--cov-context=test",
        "--cov-report=",
    ]
    code = pytest.main([*options, "tests", "sklearn_neuron"], plugins=[Times()])
    TIMES.write_text(json.dumps(times), encoding="utf-8")
    return code


def sites(module):
    """Return all places of a module, without annotations and what only type checkers read."""
    source = (PACKAGE / module).read_text(encoding="utf-8")
    nodes, skipped, found = list(ast_nodes(get_ast(source))), type_only(source), {}
    for name in operator_names():
        if not is_used(name):
            continue
        operator, occurrence = get_operator(name)(), 0
        family = name.split("/")[-1].split("_")[0]
        for node in nodes:
            for start, _ in operator.mutation_positions(node):
                in_signature = node.parent is not None and node.parent.type == "parameters"
                if not in_signature and not any(a <= start < b for a, b in skipped):
                    faults = found.setdefault((start, family), [])
                    faults.append((name, occurrence))
                occurrence += 1
    return [Site(module, start[0], family, f) for (start, family), f in sorted(found.items())]


def is_used(name):
    """Return whether an operator changes what a program computes, rather than its types."""
    kind, *change = name.split("/")[-1].split("_")
    if kind == "ReplaceBinaryOperator":  # a shift of floats is an error that any test finds
        return len({operator in BITS for operator in change}) == 1
    return not kind.startswith("Variable")  # those need to be told which


def type_only(source):
    """Return where annotations, protocols and ``if TYPE_CHECKING`` are, as pairs of positions."""
    nodes = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            nodes.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            nodes.append(node.annotation)
        elif isinstance(node, ast.If | ast.ClassDef):
            asked = [node.test] if isinstance(node, ast.If) else node.bases
            if any(ast.unparse(name) in {"TYPE_CHECKING", "Protocol"} for name in asked):
                nodes.append(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"cast", "TypeVar"}:
            nodes.append(node.args[0])
    places = [node for node in nodes if node is not None]
    return [((n.lineno, n.col_offset), (n.end_lineno, n.end_col_offset)) for n in places]


def mutant_of(site, name, occurrence):
    """Return the mutant of a place by one fault; None if that is no program, or the same one."""
    source = (PACKAGE / site.module).read_text(encoding="utf-8")
    code = mutate_code(source, get_operator(name)(), occurrence)
    try:
        if ast.dump(ast.parse(code)) == ast.dump(ast.parse(source)):
            return None
    except SyntaxError:
        return None
    lines = source.splitlines(), code.splitlines()
    k = next(k for k, pair in enumerate(zip(*lines, strict=False)) if pair[0] != pair[1])
    before, after = (" ".join(text[k].split()) for text in lines)
    return Mutant(site.module, site.line, before, after, code)


def mutants(module, number, seed):
    """Yield so many mutants of a module, at every place that is drawn the first that is one."""
    rng, places = random.Random(f"{seed} {module}"), sites(module)
    turns = (
        (site, rng.sample(site.faults, len(site.faults)))
        for site in rng.sample(places, len(places))
    )
    found = (filter(None, (mutant_of(site, *fault) for fault in faults)) for site, faults in turns)
    firsts = (next(each, None) for each in found)
    yield from itertools.islice(filter(None, firsts), number)


def of_line(module, line):
    """Yield all mutants of a line."""
    faults = (
        (site, *fault) for site in sites(module) if site.line == line for fault in site.faults
    )
    yield from filter(None, (mutant_of(*fault) for fault in faults))


def drawn(modules, per_module, seed):
    """Yield mutants, of every module as many, in an order that alternates between the modules."""
    left = [mutants(module, per_module, seed) for module in modules]
    while left:
        for each in list(left):
            mutant = next(each, None)
            if mutant is None:
                left.remove(each)
            else:
                yield mutant


class Coverage:
    """Which tests run a line, those first that are short and run little else of its module."""

    def __init__(self):
        self.data = CoverageData(str(COVERAGE))
        self.data.read()
        self.times = json.loads(TIMES.read_text(encoding="utf-8"))

    @functools.cache  # noqa: B019 - there is one
    def of(self, module):
        """Return the tests of every line of a module."""
        found = {}
        for line, contexts in self.data.contexts_by_lineno(str(PACKAGE / module)).items():
            names = {context.rsplit("|", 1)[0] for context in contexts if context}
            found[line] = {name for name in names if self.times.get(name, math.inf) < math.inf}
        return found

    def forget(self, name):
        """Leave out a test from now on."""
        self.times[name] = math.inf
        self.of.cache_clear()

    def tests(self, module, line):
        """Return the tests of a line: of its statement, else of its function, else of all."""
        by_line = self.of(module)
        n_lines = collections.Counter(itertools.chain(*by_line.values()))
        first_of_all = self.of_imports(module, line)
        for first, last in spans(PACKAGE / module, line):
            ran = set().union(*(names for k, names in by_line.items() if first <= k <= last))
            if ran:
                others = self.in_order(ran, n_lines)
                return [*first_of_all, *(name for name in others if name not in first_of_all)]
        return first_of_all

    def of_imports(self, module, line):
        """Return the tests of what is imported, if a line runs when its module is."""
        contexts = self.data.contexts_by_lineno(str(PACKAGE / module)).get(line, [])
        return (
            [name for name in self.times if name.startswith(OF_IMPORTS)] if "" in contexts else []
        )

    def in_order(self, names, n_lines):
        """Return one case of every test function, then the others, the narrow ones first."""
        cost = {name: n_lines[name] * (0.02 + self.times[name]) for name in names}
        turn, order = collections.Counter(), []
        for name in sorted(names, key=lambda name: (cost[name], name)):
            function = name.split("[")[0]
            order.append((turn[function], cost[name], name))
            turn[function] += 1
        return [name for *_, name in sorted(order)]


def spans(path, line):
    """Return first and last lines of what a line stands in, from the inside to the outside.

    A definition's own line runs at import, so its body is asked; a loop's or a condition's line
    is its head.
    """
    tree, found = ast.parse(path.read_text(encoding="utf-8")), []
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt | ast.ExceptHandler):
            continue
        first, last = node.lineno, node.end_lineno
        first = min([first, *(d.lineno for d in getattr(node, "decorator_list", []))])
        if not first <= line <= last:
            continue
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body and line < body[0].lineno else last
        found.append((first, last))
    return [*sorted(found, key=lambda span: span[1] - span[0]), (1, 10**9)]


@contextlib.contextmanager
def copied():
    """Copy the files, the core among them; its bytecode is checked by content, not by date."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        ignored = shutil.ignore_patterns(
            "__pycache__", ".*", "_build", "auto_examples", "generated"
        )
        shutil.copytree(ROOT, root, ignore=ignored)
        where = "from sklearn_neuron._engine import core; print(core.load().__file__)"
        asked = subprocess.run(
            [sys.executable, "-c", where], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:  # there is one
            shutil.copy(asked.stdout.strip(), root / "sklearn_neuron" / "_engine" / "core")
        checked = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(root / "sklearn_neuron", quiet=1, invalidation_mode=checked)
        yield root


class Chosen:
    """Runs the tests of a list, in its order, and keeps which failed."""

    def __init__(self, names):
        self.order = {name: k for k, name in enumerate(names)}
        self.failed, self.ran = "", 0

    def pytest_collection_modifyitems(self, items):
        wanted = [item for item in items if item.nodeid in self.order]
        items[:] = sorted(wanted, key=lambda item: self.order[item.nodeid])

    def pytest_runtest_logreport(self, report):
        self.ran += report.when == "call"
        if report.failed:
            self.failed = self.failed or report.nodeid


def child(root, names, pipe):
    """Run tests in this process, on a copy of the files, and write down what happened."""
    os.setsid()
    os.chdir(root)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.environ |= {"PYTHONPATH": str(root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    sys.path.insert(0, str(root))
    chosen = Chosen(names)
    files = list(dict.fromkeys(name.split("::")[0] for name in names))
    options = ["-x", "-q", "-pno:cacheprovider", f"--rootdir={root}"]
    code = pytest.main([*options, *files], plugins=[chosen])
    failed = chosen.failed or ("" if code in {0, 5} else f"pytest ended with {int(code)}")
    os.write(pipe, json.dumps([failed, chosen.ran]).encode())


def has_ended(number, limit):
    """Wait for a process, for so many seconds at most."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if os.waitpid(number, os.WNOHANG)[0]:
            return True
        time.sleep(0.02)
    return False


def fate(root, names, limit):
    """Return what a process says that runs tests, or that it did not end in time."""
    reading, writing = os.pipe()
    number = os.fork()
    if not number:
        try:
            child(root, names, writing)
        finally:
            os._exit(0)
    os.close(writing)
    ended = has_ended(number, limit)
    with contextlib.suppress(ProcessLookupError):  # what it started as well
        os.killpg(number, signal.SIGKILL)
    if not ended:
        os.waitpid(number, 0)
        os.close(reading)
        return Fate("timeout", "", 0)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    failed, ran = json.loads(text) if text else ("the process died", 0)
    return Fate("killed" if failed else "survived", failed, ran)


def within(names, times, seconds):
    """Return the tests that fit into a time: some of few files, which mostly do; the others."""
    chosen, total = [], 0.0
    for name in names:
        if total + times[name] <= seconds:
            chosen.append(name)
            total += times[name]
    files = list(dict.fromkeys(name.split("::")[0] for name in chosen))[:FIRST_FILES]
    first = [name for name in chosen if name.split("::")[0] in files][:FIRST_TESTS]
    others = [name for name in chosen if name not in set(first)]
    return [some for some in (first, others) if some]


def tried(mutant, root, coverage, seconds):
    """Return the fate of a mutant among the tests of its line that fit into a time."""
    path, n_tests = root / "sklearn_neuron" / mutant.module, 0
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.code, encoding="utf-8")
    try:
        for names in within(coverage.tests(mutant.module, mutant.line), coverage.times, seconds):
            found = fate(root, names, 60 + 10 * sum(coverage.times[name] for name in names))
            n_tests += found.tests
            if found.outcome != "survived":
                return found
    finally:
        path.write_text(before, encoding="utf-8")
    return Fate("survived", "", n_tests)


def killers(fates):
    """Return the tests that killed, each once."""
    return list(dict.fromkeys(f.by for f in fates.values() if "::" in f.by))


def known():
    """Return the reasons why mutants are equivalent, by module, line before and line after."""
    if not EQUIVALENT.exists():
        return {}
    listed = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    return {(e["module"], e["before"], e["after"]): e["reason"] for e in listed}


def report(fates, seed):
    """Print what survived, and the score with the bound that it exceeds with 95 % confidence."""
    reasons = known()
    count = collections.Counter(f.outcome for f in fates.values())
    left = [m for m, f in fates.items() if f.outcome == "survived"]
    equal = [m for m in left if (m.module, m.before, m.after) in reasons]
    gaps = [m for m in left if m not in equal]
    modules = {mutant.module for mutant in fates}
    print(f"\nSeed {seed}: {len(fates)} mutants of {len(modules)} modules: {dict(count)}")
    for mutant in equal:
        print(f"equivalent  {mutant}\n            {reasons[mutant[0], mutant[2], mutant[3]]}")
    for mutant in gaps:
        print(f"GAP         {mutant}  ({fates[mutant].tests} tests)")
    n = len(fates) - len(equal)
    found = n - len(gaps)
    low = beta.ppf(0.05, found, n - found + 1) if found else 0.0
    print(f"Score: {found} of {n} that are not equivalent, {found / n:.1%}")
    print(f"With a confidence of 95 %, it is at least {low:.1%}.")
    return len(gaps)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="run all tests under coverage")
    parser.add_argument("--per-module", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--module", action="append", choices=MODULES, help="only this; repeatable")
    parser.add_argument("--line", help="all mutants of a line, as losses.py:100")
    parser.add_argument("--seconds", type=float, default=60, help="of tests for every mutant")
    args = parser.parse_args()
    if args.measure:
        return measure()
    for name in SHARED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    coverage, fates = Coverage(), {}
    with copied() as root:
        chosen = drawn(args.module or MODULES, args.per_module, args.seed)
        if args.line:
            module, _, line = args.line.partition(":")
            chosen = of_line(module, int(line))
        for mutant in chosen:
            fates[mutant] = tried(mutant, root, coverage, args.seconds)
            outcome, by, n_tests = fates[mutant]
            print(f"{outcome:9} {mutant}  {by or n_tests}", flush=True)
        # a test that fails without a fault as well has killed nothing
        while "::" in (found := fate(root, killers(fates), 600)).by:
            coverage.forget(found.by)
            for mutant in [m for m, f in fates.items() if f.by == found.by]:
                fates[mutant] = tried(mutant, root, coverage, args.seconds)
                print(f"again: {fates[mutant].outcome:9} {mutant}  {fates[mutant].by}", flush=True)
        print("Without a fault:", found.outcome, f"({found.tests} tests that killed)")
    return report(fates, args.seed)


if __name__ == "__main__":
    raise SystemExit(main())
