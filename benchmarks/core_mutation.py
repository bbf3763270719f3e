"""How many small faults of the compiled core its tests find.

A seeded sample of the core's lines gets one fault each: another relation, operator or number, a
condition turned round, smaller for larger, a statement left out. Each mutant is compiled in a
scratch copy, for the widest instruction set that compiles the line, and the tests that compare the
core with NumPy run on it until one fails; a crash and a hang are failures. A mutant whose optimized
object code is that of the original is equivalent, and so are those that EQUIVALENT names with the
reason: they change how fast the core is, or what no result shows. Needs GCC and Cython.

    python benchmarks/core_mutation.py --seed 1 --number 120
    python benchmarks/core_mutation.py --only 'neuron.hpp:57:1'      # one of them, as it was printed
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import argparse
import hashlib
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from _core_build import (
    CORE,
    FLAGS,
    TESTS,
    VARIANTS,
    compile_face,
    compile_kernels,
    copy_of_the_project,
    link,
    run,
    supported,
)
import joblib  # noqa: F401  what the tests import, once for all mutants
import matplotlib.pyplot as plt  # noqa: F401
import pytest
import scipy.sparse  # noqa: F401
import sklearn.model_selection  # noqa: F401

FACE = "_core.pyx"
#: What replaces what, and where: most of it between spaces, as the core is formatted, so that
#: angle brackets of templates and stars of pointers are left alone.
REPLACED = [
    *[(rf"(?<= ){re.escape(a)}(?= )", b) for a, b in [
        ("<", "<="), ("<", ">="), ("<=", "<"), ("<=", ">"), (">", ">="), (">", "<="),
        (">=", ">"), (">=", "<"), ("==", "!="), ("!=", "=="), ("&&", "||"), ("||", "&&"),
        ("+", "-"), ("-", "+"), ("*", "/"), ("/", "*"), ("%", "*"), ("&", "|"), ("|", "&"),
        ("<<", ">>"), (">>", "<<"), ("+=", "-="), ("+=", "="), ("-=", "+="), ("*=", "/="),
        ("*=", "="), ("/=", "*="), ("^=", "|="), ("and", "or"), ("or", "and"), ("not in", "in"),
    ]],
    (r"(?<=[ (,])-(?=[\w(])", ""), (r"!(?=[\w(])", ""), (r"\bnot (?!in\b)", ""),
    (r"\blesser\(", "larger("), (r"\blarger\(", "lesser("),
    (r"\bat_most\(", "at_least("), (r"\bat_least\(", "at_most("),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\bTrue\b", "False"), (r"\bFalse\b", "True"),
    (r"\bif \((?!constexpr)(?=.*\) )", "if (!"), (r"\bcontinue;", ";"), (r"\bbreak;", ";"),
]  # fmt: skip
NUMBER = re.compile(r"(?<![\w.#])(\d+\.\d*(?:e[-+]?\d+)?|\d+(?:e[-+]?\d+)?)f?(?![\w.])")
#: A line that is a whole statement: an assignment to what exists, or a call.
STATEMENT = re.compile(r"^(\s*)(?:else )?([\w.:>\[\]*()-]+ [-+*/^|]?= .*|[\w.:>-]+(?:<[\w, ]+>)?\(.*\));$")
STATEMENT_OF_FACE = re.compile(r"^(\s+)([\w.\[\], ]+ [-+&]?= .*[^(,]|[\w.]+\(.*\))$")
NOT_STATEMENTS = ("return", "const", "static", "using", "typedef", "template", "case", "if", "for")
#: Tests that find most faults, and take a few seconds; the others follow.
FIRST = ["depths", "optimizers", "losses_of_classification", "l1", "batches_in_blocks", "neurons"]
FIRST = [f"tests/test_core.py::test_{name}" for name in FIRST]
#: Those of weights that wait take longest; only their own file is tried on all of them.
WAITING = ["--deselect", "tests/test_core.py::test_weights_that_wait", "--deselect",
           "tests/test_core.py::test_weights_that_wait_late_in_training"]  # fmt: skip
#: Those that look at the clock come last, and have to fail twice.
CLOCK = ["interrupt", "signal", "cost_does_not_grow", "handler", "others_may_draw"]
#: It compiles for all instruction sets, where a mutant has one.
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
    ("", TUNING, "the way that is faster is chosen by it; both give the same"),
]


class Mutant(NamedTuple):
    """A line of the core with a fault."""

    file: str
    line: int
    number: int  # among those of the line
    old: str
    new: str

    @property
    def name(self):
        return f"{self.file}:{self.line}:{self.number}"


# ---- what may be changed ------------------------------------------------------------------------


def without_comment(line, mark):
    """Return the code of a line, with blanks for the texts in it."""
    line = re.sub(r'"[^"]*"', lambda text: " " * len(text[0]), line)
    return line.split(mark)[0].rstrip()


def changed_numbers(code, line):
    for found in NUMBER.finditer(code):
        text = found[1]
        whole = text.isdigit()
        for step in (1, -1):
            if whole and int(text) + step < 0:
                continue
            new = str(int(text) + step) if whole else repr(float(text) + step * max(1.0, abs(float(text)) / 2))
            yield line[: found.start(1)] + new + line[found.end(1) :]


def faults(line, mark):
    """Return all changed versions of a line."""
    code = without_comment(line, mark)
    found = []
    if re.search(r"^\s*(#|static_assert|template <|using |typedef |//|cdef |def |import |from |\")", code):
        code = code if code.lstrip().startswith("template <") and "{" in code else ""
    for pattern, new in REPLACED:
        for at in re.finditer(pattern, code):
            found.append(line[: at.start()] + new + line[at.end() :])
    found += changed_numbers(code, line)
    statement = (STATEMENT if mark == "//" else STATEMENT_OF_FACE).match(code)
    balanced = code.count("(") == code.count(")") and code.count("{") == code.count("}")
    if statement and balanced and not statement[2].startswith(NOT_STATEMENTS):
        found.append(f"{statement[1]}{';' if mark == '//' else 'pass'}")
    return [new for new in dict.fromkeys(found) if new != line]


def compiled_lines(folder, variant):
    """Return the lines of each file that an instruction set compiles."""
    text = run(["g++", *FLAGS, *VARIANTS[variant], "-E", folder / CORE / "kernels.cpp"], folder)
    lines, file, number = set(), "", 0
    for line in text.splitlines():
        if at := re.match(r'# (\d+) "(.*?)"', line):
            number, file = int(at[1]), Path(at[2])
            continue
        if line.strip() and file.parent.name == CORE.name:
            lines.add((file.name, number))
        number += 1
    return lines


def mutants_of(folder, known):
    """Return the mutants of each line that some variant compiles."""
    found = {}
    for path in [*sorted((folder / CORE).glob("*.[ch]pp")), folder / CORE / FACE]:
        mark = "#" if path.name == FACE else "//"
        source = path.read_text(encoding="utf-8").splitlines()
        inside = False
        for number, line in enumerate(source, 1):
            inside ^= line.count('"""') == 1
            if inside or '"""' in line or (mark == "//" and (path.name, number) not in known):
                continue
            new = faults(line, mark)
            if new:
                mutants = [Mutant(path.name, number, i, line, text) for i, text in enumerate(new)]
                found[path.name, number] = mutants
    return found


# ---- many mutants in one build ------------------------------------------------------------------

DECLARED = re.compile(r"^(const|constexpr|static|auto|using|alignas|[A-Z]\w*|i64|i32|int|bool|double|float|typename)\b[^=(]* [*&]?\w+( =|\[|;|,|\()")
SWITCH = '#include <cstdlib>\nstatic const int the_mutant = std::getenv("CORE_MUTANT") ? std::atoi(std::getenv("CORE_MUTANT")) : -1;'
OPENING, CLOSING = "([{", ")]}"


def balanced(code):
    return all(code.count(a) == code.count(b) for a, b in zip(OPENING, CLOSING, strict=True))


def whole(code, following):
    """Return whether a line is a statement, or several, that may stand in a block."""
    text = re.sub(r"^else ", "", code.strip())
    if not text.endswith((";", "}")) or not balanced(text) or text.startswith(("case", "default", "{", "}")):
        return False
    if text.startswith(("const", "static", "using", "template")) or DECLARED.match(text):
        return False
    return not (text.startswith("if ") and following.strip().startswith("else"))


def segment(old, new):
    """Return where the smallest expression that differs begins and ends in the old line."""
    first = next(i for i in range(len(old)) if old[i : i + 1] != new[i : i + 1])
    back = 0
    while back < min(len(old), len(new)) - first and old[-1 - back] == new[-1 - back]:
        back += 1
    start, stop, depth = first, len(old) - back, 0
    while start > 0:
        c = old[start - 1]
        depth += (c in CLOSING) - (c in OPENING)
        ahead = old[:start]
        if depth < 0 or (depth == 0 and (c in ",;" or ahead.endswith((" = ", "return ", " += ", " -= ", " *= ")))):
            break
        start -= 1
    depth = 0
    while stop < len(old):
        c = old[stop]
        depth += (c in OPENING) - (c in CLOSING)
        if depth < 0 or (depth == 0 and c in ",;"):
            break
        stop += 1
    return start, stop


def both_of(mutant, place, following):
    """Return the line that is the old or the new one, by the number of the mutant."""
    old, new = (without_comment(line, "//") if '"' not in line else line for line in mutant[3:])
    chosen = f"the_mutant == {place}"
    if whole(old, following):
        begin = "else " if old.strip().startswith("else ") else ""
        texts = [re.sub(r"^else ", "", line.strip()) for line in (new, old)]
        return f"{begin}{{ if ({chosen}) {{ {texts[0]} }} else {{ {texts[1]} }} }}"
    start, stop = segment(old, new)
    rest = len(old) - stop
    return f"{old[:start]} ({chosen} ? ({new[start:len(new) - rest]}) : ({old[start:stop]})) {old[stop:]}"


def together(folder, mutants, variant, flags):
    """Compile all mutants that go into one build; return them."""
    sources = {path: path.read_text(encoding="utf-8") for path in (folder / CORE).glob("*.?pp")}
    mutants = list(mutants)
    try:
        while True:
            for path, source in sources.items():
                lines = source.splitlines()
                for place, mutant in enumerate(mutants):
                    if mutant and mutant.file == path.name:
                        following = lines[mutant.line] if mutant.line < len(lines) else ""
                        lines[mutant.line - 1] = both_of(mutant, place, following)
                begin = f"{SWITCH}\n#line 1\n" if path.name == "kernels.cpp" else ""
                path.write_text(begin + "\n".join(lines) + "\n", encoding="utf-8")
            try:
                compile_kernels(folder, variant, [*flags, "-fsyntax-only"], "unused", called="baseline")
                compile_kernels(folder, variant, [*flags, "-O0"], "together", called="baseline")
            except RuntimeError as error:
                wrong = set(re.findall(r"(\w+\.[ch]pp):(\d+)", str(error)))
                left = [m if m and (m.file, str(m.line)) not in wrong else None for m in mutants]
                if left == mutants:
                    raise
                mutants = left
            else:
                return mutants
    finally:
        for path, source in sources.items():
            path.write_text(source, encoding="utf-8")


# ---- one mutant ---------------------------------------------------------------------------------


def run_tests(folder, tests, log, place):
    """Run tests until one fails, and end this process."""
    os.environ["CORE_MUTANT"] = str(place)
    os.setsid()
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder)
    sys.path.insert(0, str(folder))
    with log.open("w", encoding="utf-8") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--tb=no", *tests])
        sys.stdout.flush()
    os._exit(code)


class Laboratory:
    """A copy of the project, and the original's objects."""

    def __init__(self, folder):
        self.folder = copy_of_the_project(folder)
        self.variants = [variant for variant in reversed(VARIANTS) if supported(variant)]
        self.lines = {variant: compiled_lines(folder, variant) for variant in self.variants}
        self.face = compile_face(folder)
        self.original = {}

    def known(self):
        return set().union(*self.lines.values())

    def variant_of(self, mutant):
        """Return the widest instruction set that compiles the line."""
        at = (mutant.file, mutant.line)
        return next((v for v in self.variants if at in self.lines[v]), self.variants[0])

    def object_of(self, variant):
        """Return the hash of the optimized code."""
        path = compile_kernels(self.folder, variant, ["-O2", "-g0"], "optimized", called="baseline")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def original_object(self, variant):
        if variant not in self.original:
            self.original[variant] = self.object_of(variant)
        return self.original[variant]

    def build(self, mutant):
        """Build the module with the mutant."""
        variant = self.variant_of(mutant)
        kernels = self.folder / f"{variant}_original.o"
        if mutant.file != FACE or not kernels.exists():
            name = "mutant" if mutant.file != FACE else f"{variant}_original"
            kernels = compile_kernels(self.folder, variant, ["-O0"], name, called="baseline")
        face = self.face
        if mutant.file == FACE:
            face = face.rename(self.folder / "_core_original.o")
            try:
                face_of_mutant = compile_face(self.folder).rename(self.folder / "_core_mutant.o")
            finally:
                face.rename(self.face)
            face = face_of_mutant
        link(self.folder, [kernels, face])

    def fails(self, tests, limit, place=-1):
        """Return how tests fail in a process of their own; an empty string if they pass."""
        log = self.folder / "log"
        child = os.fork()
        if not child:  # NumPy, SciPy and scikit-learn are there already, the package is not
            run_tests(self.folder, [*tests, *LEFT_OUT], log, place)
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
        text = log.read_text(encoding="utf-8", errors="replace")
        failed = re.search(r"^(?:FAILED|ERROR) \S*?(\w+\.py\S*)", text, flags=re.MULTILINE)
        return "" if code == 0 else failed[1] if failed else f"exit {code}"

    def build_together(self, mutants):
        """Build a module of all mutants that can be switched on; return their numbers."""
        variant = self.variants[0]
        some = [m if self.variant_of(m) == variant and m.file != FACE else None for m in mutants]
        flags = ["-fpermissive", "-w", "-fmax-errors=0"]
        some = together(self.folder, some, variant, flags)
        self.module = link(self.folder, [self.folder / "together.o", self.face])
        return {mutant: place for place, mutant in enumerate(some) if mutant}

    def verdict(self, mutant, place=None):
        """Return what became of a mutant: how it was found, "survived", or "invalid"."""
        if place is not None:
            return self.tested(mutant, place)
        path, module = self.folder / CORE / mutant.file, self.module.rename(self.folder / "kept.so")
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        lines[mutant.line - 1] = mutant.new
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            self.build(mutant)
            return self.tested(mutant)
        except RuntimeError:
            return "invalid"
        finally:
            path.write_text(source, encoding="utf-8")
            module.rename(self.module)

    def tested(self, mutant, place=-1):
        if how := self.fails(FIRST, 60, place):
            return f"killed by {how}"
        left = WAITING if mutant.file != "lazy.hpp" else []
        how = self.fails([*TESTS, *left, "-k", f"not ({' or '.join(CLOCK)})"], 900, place)
        clock = [*TESTS, "-k", " or ".join(CLOCK)]
        if not how and self.fails(clock, 120, place):
            how = self.fails(clock, 120, place)
        return f"killed by {how}" if how else "survived"

    def same_object(self, mutant):
        """Return whether the optimized code is that of the original."""
        path, variant = self.folder / CORE / mutant.file, self.variant_of(mutant)
        if mutant.file == FACE:
            return False
        original, source = self.original_object(variant), path.read_text(encoding="utf-8")
        lines = source.splitlines()
        lines[mutant.line - 1] = mutant.new
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            return self.object_of(variant) == original
        finally:
            path.write_text(source, encoding="utf-8")


# ---- all of them --------------------------------------------------------------------------------


def chosen(all_of_them, given):
    """Return the sample: lines drawn without replacement, and one fault of each."""
    if given.only:
        by_name = {mutant.name: mutant for mutants in all_of_them.values() for mutant in mutants}
        return [by_name[name] for name in given.only]
    rng = random.Random(given.seed)
    lines = rng.sample(sorted(all_of_them), given.number)
    return [rng.choice(all_of_them[line]) for line in lines]


def reason(mutant):
    """Return why a mutant is equivalent, if EQUIVALENT says so."""
    for file, pattern, why in EQUIVALENT:
        lines = (without_comment(line, "//").strip() for line in (mutant.old, mutant.new))
        if file in mutant.file and any(re.search(pattern, line) for line in lines):
            return why
    return ""


def examine(laboratory, mutants):
    """Print what becomes of mutants; return the verdicts on those that compile."""
    verdicts = {}
    places = laboratory.build_together([m for m in mutants if not reason(m)])
    print(f"{len(places)} of {len(mutants)} mutants in one build", flush=True)
    if how := laboratory.fails(FIRST, 120):
        raise RuntimeError(f"Without a mutant, {how} fails.")
    for mutant in sorted(mutants, key=lambda mutant: mutant not in places):
        start = time.perf_counter()
        known = reason(mutant)
        verdict = "equivalent" if known else laboratory.verdict(mutant, places.get(mutant))
        if verdict == "survived" and laboratory.same_object(mutant):
            verdict, known = "equivalent", "its optimized code is that of the original"
        if verdict == "invalid":
            continue
        verdicts[mutant] = verdict
        seconds = time.perf_counter() - start
        print(f"{len(verdicts):>4} {mutant.name:<22} {verdict} ({seconds:.0f} s)", flush=True)
        if not verdict.startswith("killed"):
            print(f"       - {mutant.old.strip()}\n       + {mutant.new.strip()}", flush=True)
        if known:
            print(f"       {known}", flush=True)
    return verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=120, help="of lines")
    parser.add_argument("--only", nargs="*", help="mutants by name: file:line:number")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        laboratory = Laboratory(Path(scratch))
        all_of_them = mutants_of(laboratory.folder, laboratory.known())
        count = sum(map(len, all_of_them.values()))
        print(f"{count} mutants of {len(all_of_them)} lines; seed {given.seed}", flush=True)
        verdicts = examine(laboratory, chosen(all_of_them, given))
    words = Counter(verdict.split()[0] for verdict in verdicts.values())
    different = words["killed"] + words["survived"]
    print(f"killed {words['killed']}, survived {words['survived']}, equivalent {words['equivalent']}")
    print(f"score {100 * words['killed'] / max(1, different):.1f} % of {different}")


if __name__ == "__main__":
    main()
