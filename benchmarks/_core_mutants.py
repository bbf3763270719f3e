"""Small faults of the compiled core's source, and many of them in one build.

A mutant is a line of the core with one fault. Compiling the core takes longer than testing it, so a
build holds many mutants: their lines do one thing or the other by an environment variable. Lines
that cannot be written so, such as a ``constexpr``, have to be compiled with their fault alone.
"""

import re
from pathlib import Path
from typing import NamedTuple

from _core_build import CORE, FLAGS, VARIANTS, compile_kernels, run

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
STATEMENT = re.compile(
    r"^(\s*)(?:else )?([\w.:>\[\]*()-]+ [-+*/^|]?= .*|[\w.:>-]+(?:<[\w, ]+>)?\(.*\));$"
)
STATEMENT_OF_FACE = re.compile(r"^(\s+)([\w.\[\], ]+ [-+&]?= .*[^(,]|[\w.]+\(.*\))$")
NOT_STATEMENTS = ("return", "const", "static", "using", "typedef", "template", "case", "if", "for")
#: Lines without anything to change.
NOTHING = re.compile(
    r"^\s*(#|static_assert|template <(?!.*\{)|using |typedef |cdef |def |import |from |\")"
)
#: The declaration of a variable.
DECLARED = re.compile(
    r"^(const|constexpr|static|auto|using|alignas|[A-Z]\w*|std::\w+|i64|i32|int|bool|double|float|typename)\b"
    r"[^=(]* [*&]?\w+( =|\[|;|,|\()"
)
#: What says in a build which of its mutants is meant.
SWITCH = """#include <cstdlib>
static const char *const number_ = std::getenv("CORE_MUTANT");
static const int the_mutant = number_ ? std::atoi(number_) : -1;
#line 1
"""
OPENING, CLOSING = "([{", ")]}"
#: What stands before an expression.
BEFORE = (" = ", "return ", " += ", " -= ", " *= ")


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


def without_comment(line, mark="//"):
    """Return the code of a line, with blanks for the texts in it."""
    line = re.sub(r'"[^"]*"', lambda text: " " * len(text[0]), line)
    return line.split(mark)[0].rstrip()


def changed_numbers(code, line):
    """Return a line with each of its numbers larger and smaller."""
    for found in NUMBER.finditer(code):
        text = found[1]
        for step in (1, -1):
            new = str(int(text) + step) if text.isdigit() else repr(float(text) + step * far(text))
            if not new.startswith("-") or not text.isdigit():
                yield line[: found.start(1)] + new + line[found.end(1) :]


def far(text):
    """Return a change of a number that is not a small one."""
    return max(1.0, abs(float(text)) / 2)


def faults(line, mark):
    """Return all changed versions of a line."""
    code = without_comment(line, mark)
    if NOTHING.match(code):
        return []
    found = [
        line[: at.start()] + new + line[at.end() :]
        for pattern, new in REPLACED
        for at in re.finditer(pattern, code)
    ]
    found += changed_numbers(code, line)
    statement = (STATEMENT if mark == "//" else STATEMENT_OF_FACE).match(code)
    if statement and balanced(code) and not statement[2].startswith(NOT_STATEMENTS):
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


def balanced(code):
    """Return whether a line closes all that it opens."""
    return all(code.count(a) == code.count(b) for a, b in zip(OPENING, CLOSING, strict=True))


def whole(code, following):
    """Return whether a line is a statement, or several, that may stand in a block."""
    text = re.sub(r"^else ", "", code.strip())
    if text.startswith(("case", "default", "{", "}", "template")) or DECLARED.match(text):
        return False
    if text.startswith("if ") and following.strip().startswith("else"):
        return False
    return text.endswith((";", "}")) and balanced(text)


def segment(old, new):
    """Return where the smallest expression that differs begins and ends in the old line."""
    start = next(i for i in range(len(old)) if old[i : i + 1] != new[i : i + 1])
    back = 0
    while back < min(len(old), len(new)) - start and old[-1 - back] == new[-1 - back]:
        back += 1
    stop, depth = len(old) - back, 0
    while start > 0:
        depth += (old[start - 1] in CLOSING) - (old[start - 1] in OPENING)
        begins = old[start - 1] in ",;" or old[:start].endswith(BEFORE)
        if depth < 0 or (depth == 0 and begins):
            break
        start -= 1
    depth = 0
    while stop < len(old):
        depth += (old[stop] in OPENING) - (old[stop] in CLOSING)
        if depth < 0 or (depth == 0 and old[stop] in ",;"):
            break
        stop += 1
    return start, stop


def both_of(mutant, place, following):
    """Return a line that is the mutant's if ``place`` is asked for, and else the old one."""
    old, new = mutant.old, mutant.new
    if '"' not in old:
        old, new = without_comment(old), without_comment(new)
    chosen = f"the_mutant == {place}"
    if whole(old, following):
        begin = "else " if old.strip().startswith("else ") else ""
        texts = [re.sub(r"^else ", "", line.strip()) for line in (new, old)]
        return f"{begin}{{ if ({chosen}) {{ {texts[0]} }} else {{ {texts[1]} }} }}"
    start, stop = segment(old, new)
    other = new[start : len(new) - (len(old) - stop)]
    return f"{old[:start]} ({chosen} ? ({other}) : ({old[start:stop]})) {old[stop:]}"


def write_together(sources, mutants):
    """Write the core's source with mutants that can be switched on."""
    for path, source in sources.items():
        lines = [*source.splitlines(), ""]
        for place, mutant in enumerate(mutants):
            if mutant and mutant.file == path.name:
                lines[mutant.line - 1] = both_of(mutant, place, lines[mutant.line])
        begin = SWITCH if path.name == "kernels.cpp" else ""
        path.write_text(begin + "\n".join(lines), encoding="utf-8")


def without_wrong(mutants, errors):
    """Leave out the mutants in lines of which the compiler complains."""
    for pattern in (r"(\w+\.[ch]pp):(\d+):\d+: error", r"(\w+\.[ch]pp):(\d+)"):
        wrong = set(re.findall(pattern, errors))
        kept = [m if m and (m.file, str(m.line)) not in wrong else None for m in mutants]
        if kept != mutants:
            return kept
    raise RuntimeError(errors)


def compiled_together(folder, mutants, variant):
    """Compile those of the mutants that go into one build to together.o; None for the others."""
    sources = {path: path.read_text(encoding="utf-8") for path in (folder / CORE).glob("*.?pp")}
    how = ["-fpermissive", "-w", "-fmax-errors=0"]
    try:
        while True:
            write_together(sources, mutants)
            try:
                for flags in ([*how, "-fsyntax-only"], [*how, "-O0"]):  # the first is quicker
                    compile_kernels(folder, variant, flags, "together", called="baseline")
            except RuntimeError as error:
                mutants = without_wrong(mutants, str(error))
            else:
                return mutants
    finally:
        for path, source in sources.items():
            path.write_text(source, encoding="utf-8")
