"""How many small faults of the compiled core its tests find.

A seeded sample of the core's lines gets one fault each: another relation, operator or number, a
condition turned round, smaller for larger, a statement left out. The mutants are compiled in a
scratch copy, for the widest instruction set that compiles the line, and the tests that compare the
core with NumPy, whose results are remembered, run on each until one fails; a crash and a hang are
failures. A mutant whose optimized object code is that of the original is equivalent, and so are
those that EQUIVALENT names with the reason: they change how fast the core is, or what no result
shows. Needs GCC and Cython.

    python benchmarks/core_mutation.py --seed 1 --number 150
    python benchmarks/core_mutation.py --only neuron.hpp:57:1     # one of them, as it was printed
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import argparse
import contextlib
import hashlib
import pickle
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import joblib  # noqa: F401  what the tests import, once for all mutants
import matplotlib.pyplot as plt  # noqa: F401
import pytest
import scipy.sparse  # noqa: F401
import sklearn.model_selection  # noqa: F401
from _core_build import (
    CORE,
    TESTS,
    VARIANTS,
    compile_face,
    compile_kernels,
    copy_of_the_project,
    link,
    supported,
)
from _core_mutants import (
    FACE,
    compiled_lines,
    compiled_together,
    mutants_of,
    without_comment,
)

#: Where the clock is looked at.
LOOKS = ("epochs.hpp", "updates.hpp", "prepare.hpp", FACE)
#: Tests that look at it come last, and have to fail twice.
CLOCK = ["interrupt", "signal", "cost_does_not_grow", "handler", "others_may_draw"]
#: Tests that find most faults of a file, and take a few seconds; the others follow.
USUAL = ["depths", "optimizers", "losses_of_classification", "batches_in_blocks", "neurons"]
FIRST = {
    "lazy.hpp": ["weights_that_wait_in_float32", "weights_that_wait_with_gradients_that_vanish"],
    "neuron.hpp": ["neurons", "penalties_that_overshoot", "neurons_of_all_widths", "long_rows"],
    "products.hpp": ["depths", "tiles_of_all_shapes", "neurons_of_all_widths"],
    "updates.hpp": [*USUAL, "what_is_composed_around_the_optimizers", "l1"],
    "loops.hpp": [*USUAL, "losses_of_regression", "activations", "l1"],
}
#: Files whose own tests come first.
FIRST_OF_ALL = {
    "functions.hpp": ["tests/test_functions.py"],
    "parts.hpp": ["tests/test_functions.py"],
    FACE: ["tests/test_core_edges.py", "-k", f"not ({' or '.join(CLOCK)})"],
    "random.hpp": ["tests/test_core_edges.py::test_numbers_are_those_of_the_generator"],
}
#: Those of weights that wait take longest; only their own file is tried on all of them.
WAITING = [
    f"--deselect=tests/test_core.py::test_weights_that_wait{name}"
    for name in ("", "_in_float32", "_long", "_late_in_training")
]
#: It runs all instruction sets, where a mutant has one.
LEFT_OUT = ["--deselect", "tests/test_core.py::test_every_instruction_set_agrees"]
#: Lines that only bring memory into the cache.
FETCHES = r"prefetch\(|\bfetch\(|\bfetch<|AHEAD"
#: Constants that say where one way is faster than another that gives the same.
TUNING = (
    r"constexpr (i64|int|double) (WORK|CHUNK|STRIP_BYTES|LONG_ROW|GROUP_BYTES|LEAST_STRETCH|"
    r"OF_ITS_WEIGHTS|LEAST_UPDATES|LOOK_EVERY|MANY_ROWS|FEW_ROWS|ROWS_BETWEEN|MANY|AT_A_TIME)\b"
)
#: Mutants that no result shows: file, a pattern that the old or the new line has, and the reason.
#: They are not run.
EQUIVALENT = [
    ("", FETCHES, "it fetches memory ahead of its use"),
    ("", TUNING, "it chooses the way that is faster; both give the same"),
    ("products.hpp", r"^const bool far", "it chooses the way that is faster"),
    ("products.hpp", r"M >= MANY_ROWS \|\| far", "it chooses the way that is faster"),
    (
        "products.hpp",
        r"j \+ V < n; j \+= V\) add",
        "the last pack is loaded as a part of full length",
    ),
    ("products.hpp", r"R >= 2\) if", "two rows of two never remain"),
    ("prepare.hpp", r"^const i64 rows = GROUP_BYTES", "a group may have any number of rows"),
    ("prepare.hpp", r"lesser\(1, data\.n\)", "there is a sample"),
    ("products.hpp", r"M > MANY_ROWS && far", "it chooses the way that is faster"),
    ("functions.hpp", r"z <= Element<V>\(0\) \? -z", "0 and -0 are equal"),
    ("lazy.hpp", r"n_out == 0\) update_as", "a pack of one number instead of a number"),
    ("lazy.hpp", r"memory\[3\];", "there is room for another array"),
    ("lazy.hpp", r"penalized \|\| m != batch", "a stretch may end at any update"),
    ("lazy.hpp", r"absolute\(mean\) \+ still", "updates that move nothing are made one by one"),
    ("loops.hpp", r"^since = 1;|\+\+since == 1[57]", "how many losses are summed up at a time"),
    ("loops.hpp", r"!part == WIDTH", "losses are summed up one by one"),
    (
        "updates.hpp",
        r"j <= n_parameters.*averaged",
        "padding, or what the next update writes first",
    ),
    ("updates.hpp", r"n <= 0\) std::memcpy", "the mean of one moves all the way to it"),
    ("fit.hpp", r"mistakes = true", "every epoch sets it first"),
    ("fit.hpp", r"interrupted = true", "every run sets it first"),
    ("prepare.hpp", r"plain && penalized && batch", "weights that wait end as those that do not"),
    ("prepare.hpp", r"loss == CROSS_ENTROPY;", "a single neuron is a network, too, but slower"),
    ("products.hpp", r"<T>\) panel<T, BROAD, true>", "a pack loaded as a part of full length"),
    ("prepare.hpp", r"!penalized \|\| batch", "weights that wait end as those that do not"),
    ("prepare.hpp", r"single = L == 0", "a single neuron is a network, too, but slower"),
    ("products.hpp", r"f\(i, [02]\)", "numbers are taken one by one, whatever their number"),
    ("random.hpp", r"mask = ~std::uint32_t\(1\)", "the last bit is shifted out"),
    ("lazy.hpp", r"if \(moments\.known\) measure", "updates are then made one by one"),
    ("lazy.hpp", r"updates > LEAST_UPDATES", "it chooses the way that is faster"),
    ("loops.hpp", r"value, delta = T\(1\)", "every loss sets it"),
    ("updates.hpp", r"!rows\.m == 1", "it chooses the way that is faster"),
    ("fit.hpp", r"n_lazy = 1", "it is set when memory is taken"),
    ("updates.hpp", r"n_out == 0\) \{", "it chooses the way that is faster"),
    ("neuron.hpp", r"one = T\([02]\)", "the delta that it scales is not used"),
    ("epochs.hpp", r"constants\(eta, [02]\)", "only Adam's depend on the number of the update"),
    ("epochs.hpp", r"loss <= e\.best \?", "equal numbers"),
    (FACE, r"^(self\.handle|d\.X|d\.on_update) = NULL", "the memory of a new object is zero"),
]


def reason(mutant):
    """Return why a mutant is equivalent, if EQUIVALENT says so."""
    for file, pattern, why in EQUIVALENT:
        lines = (without_comment(line).strip() for line in (mutant.old, mutant.new))
        if file in mutant.file and any(re.search(pattern, line) for line in lines):
            return why
    return ""


class Remembered:
    """What NumPy computes in the tests, once for all mutants: fits by test and by their order."""

    def __init__(self, results, file):
        self.results, self.file, self.new = results, file, {}

    def pytest_collection_finish(self, session):
        for module in {item.module for item in session.items}:
            if hasattr(module, "fit"):
                module.fit = self.remembering(module.fit)

    def pytest_runtest_setup(self, item):
        self.at, self.count = item.nodeid, 0

    def pytest_sessionfinish(self):
        self.file.write_bytes(pickle.dumps(self.new))

    def remembering(self, fit):
        def fit_or_remember(engine, *args, **params):
            if engine != "numpy" or not isinstance(params.get("random_state", 0), int):
                return fit(engine, *args, **params)
            self.count += 1
            key = self.at, self.count
            if key in self.results:
                return pickle.loads(self.results[key])
            model = fit(engine, *args, **params)
            with contextlib.suppress(AttributeError, TypeError, pickle.PicklingError):
                self.new[key] = pickle.dumps(model)
            return model

        return fit_or_remember


def run_tests(folder, tests, log, place, results):
    """Run tests until one fails, and end this process."""
    os.setsid()
    os.chdir(folder)
    os.environ.update(PYTHONPATH=str(folder), CORE_MUTANT=str(place))
    sys.path.insert(0, str(folder))
    with log.open("w", encoding="utf-8") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--tb=no", *tests], [results])
        sys.stdout.flush()
    os._exit(code)


class Laboratory:
    """A copy of the project, in which mutants are built and tested."""

    def __init__(self, folder):
        self.folder = copy_of_the_project(folder)
        self.variants = [variant for variant in reversed(VARIANTS) if supported(variant)]
        self.lines = {variant: compiled_lines(folder, variant) for variant in self.variants}
        self.face = compile_face(folder)
        self.original, self.results = {}, {}

    def mutants(self):
        return mutants_of(self.folder, set().union(*self.lines.values()))

    def variant_of(self, mutant):
        """Return the widest instruction set that compiles the line."""
        at = (mutant.file, mutant.line)
        return next((v for v in self.variants if at in self.lines[v]), self.variants[0])

    def build_together(self, mutants):
        """Build a module of all mutants that can be switched on; return their numbers."""
        widest = self.variants[0]
        some = [m if self.variant_of(m) == widest and m.file != FACE else None for m in mutants]
        some = compiled_together(self.folder, some, widest)
        self.module = link(self.folder, [self.folder / "together.o", self.face])
        return {mutant: place for place, mutant in enumerate(some) if mutant}

    def build(self, mutant):
        """Build a module with a mutant alone."""
        variant = self.variant_of(mutant)
        if mutant.file != FACE:
            kernels = compile_kernels(self.folder, variant, ["-O0"], "mutant", called="baseline")
            return link(self.folder, [kernels, self.face])
        kept = self.face.rename(self.folder / "_core_kept.o")
        try:
            return link(self.folder, [self.folder / "together.o", compile_face(self.folder)])
        finally:
            kept.rename(self.face)

    def with_line(self, mutant, then):
        """Return what ``then`` returns while the mutant's line is in the source."""
        path = self.folder / CORE / mutant.file
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        lines[mutant.line - 1] = mutant.new
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            return then()
        finally:
            path.write_text(source, encoding="utf-8")

    def verdict(self, mutant, place=None):
        """Return what a mutant is killed by, "survived", or "invalid"."""
        if place is not None:
            return self.tested(mutant, place)
        kept = self.module.rename(self.folder / "kept.so")
        try:
            self.with_line(mutant, lambda: self.build(mutant))
            return self.tested(mutant)
        except RuntimeError:
            return "invalid"
        finally:
            kept.rename(self.module)

    def tested(self, mutant, place=-1):
        """Run the tests, quick ones first; those that look at the clock have to fail twice."""
        left = WAITING if mutant.file != "lazy.hpp" else []
        clock = [*TESTS, "-k", " or ".join(CLOCK)]
        how = self.fails(first_tests(mutant.file), 240, place)
        how = how or self.fails(
            [*reversed(TESTS), *left, "-k", f"not ({' or '.join(CLOCK)})"], 900, place
        )
        if not how and mutant.file in LOOKS:
            how = self.fails(clock, 120, place)
            how = how and (how if how == "a hang" else self.fails(clock, 120, place))
        return f"killed by {how}" if how else "survived"

    def object_of(self, variant):
        """Return the hash of the optimized code."""
        path = compile_kernels(self.folder, variant, ["-O2"], "optimized", called="baseline")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def same_object(self, mutant):
        """Return whether the optimized code is that of the original."""
        if mutant.file == FACE:
            return False
        variant = self.variant_of(mutant)
        if variant not in self.original:
            self.original[variant] = self.object_of(variant)
        return self.with_line(mutant, lambda: self.object_of(variant)) == self.original[variant]

    def fails(self, tests, limit, place=-1):
        """Return how tests fail in a process of their own; an empty string if they pass."""
        log, found = self.folder / "log", self.folder / "results"
        found.unlink(missing_ok=True)
        child = os.fork()
        if not child:  # NumPy, SciPy and scikit-learn are there already, the package is not
            results = Remembered(self.results, found)
            run_tests(self.folder, [*tests, *LEFT_OUT], log, place, results)
        deadline = time.monotonic() + limit
        while (done := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return "a hang"
            time.sleep(0.05)
        code = os.waitstatus_to_exitcode(done[1])
        if code < 0:
            return "a crash"
        self.results |= pickle.loads(found.read_bytes()) if found.exists() else {}
        text = log.read_text(encoding="utf-8", errors="replace")
        failed = re.search(r"^(?:FAILED|ERROR) \S*?(\w+\.py\S*)", text, flags=re.MULTILINE)
        return "" if code == 0 else failed[1] if failed else f"exit {code}"


def first_tests(file):
    """Return the tests that find most faults of a file."""
    names = FIRST.get(file, USUAL)
    return FIRST_OF_ALL.get(file) or [f"tests/test_core.py::test_{name}" for name in names]


def chosen(all_of_them, given):
    """Return the sample: lines drawn without replacement, and one fault of each."""
    if given.only:
        by_name = {mutant.name: mutant for mutants in all_of_them.values() for mutant in mutants}
        return [by_name[name] for name in given.only]
    rng = random.Random(given.seed)
    lines = rng.sample(sorted(all_of_them), given.number)
    return [rng.choice(all_of_them[line]) for line in lines]


def examine(laboratory, mutants):
    """Return what becomes of mutants; say so meanwhile."""
    verdicts = {mutant: "equivalent" if reason(mutant) else "survived" for mutant in mutants}
    places = laboratory.build_together([m for m in mutants if not reason(m)])
    print(f"{len(places)} of {len(mutants)} mutants in one build", flush=True)
    if how := laboratory.fails(first_tests(""), 240):
        raise RuntimeError(f"Without a mutant, {how} fails.")
    for mutant, verdict in verdicts.items():
        start = time.perf_counter()
        if verdict != "equivalent":
            verdicts[mutant] = laboratory.verdict(mutant, places.get(mutant))
        seconds = time.perf_counter() - start
        print(f"{mutant.name:<22} {verdicts[mutant]} ({seconds:.0f} s)", flush=True)
    return verdicts


def show(laboratory, verdicts):
    """Print the mutants that were not killed, and the score."""
    count = Counter(verdict.split()[0] for verdict in verdicts.values())
    for mutant, verdict in verdicts.items():
        if verdict.startswith(("killed", "invalid")):
            continue
        why = reason(mutant)
        if not why and laboratory.same_object(mutant):
            why = "its optimized code is that of the original"
            count.update(equivalent=1, survived=-1)
        print(f"{mutant.name}\n  - {mutant.old.strip()}\n  + {mutant.new.strip()}")
        print(f"  {'equivalent: ' + why if why else 'SURVIVED'}", flush=True)
    different = count["killed"] + count["survived"]
    print(", ".join(f"{word} {count[word]}" for word in ("killed", "survived", "equivalent")))
    print(f"score {100 * count['killed'] / max(1, different):.1f} % of {different}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=150, help="of lines")
    parser.add_argument("--only", nargs="*", help="mutants by name: file:line:number")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        laboratory = Laboratory(Path(scratch))
        all_of_them = laboratory.mutants()
        count = sum(map(len, all_of_them.values()))
        print(f"{count} mutants of {len(all_of_them)} lines; seed {given.seed}", flush=True)
        show(laboratory, examine(laboratory, chosen(all_of_them, given)))


if __name__ == "__main__":
    main()
