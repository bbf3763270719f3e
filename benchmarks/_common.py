"""Shared code of the benchmarks: one thread, versions, alternating rounds, tables.

Import this module before NumPy: it sets the number of threads, which is read only once.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
    os.environ[variable] = "1"  # NPROC is what XLA reads
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"], os.environ["JAX_ENABLE_X64"] = "cpu", "1"

import argparse
import importlib.metadata
import importlib.util
import json
import platform
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

from sklearn.exceptions import ConvergenceWarning

warnings.simplefilter("ignore", ConvergenceWarning)  # epochs are counted, not waited for
RESULTS = Path(__file__).parent / "results"
ENGINES = ("compiled", "numpy")  # ours, each forced
HEADS = ("batch", "dtype", "features", "penalty", "loop", "epochs")  # what a row is about
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "jax")


class Spread(NamedTuple):
    """The median of several rounds, with the smallest and the largest."""

    median: float
    low: float
    high: float


def spread(values):
    return Spread(statistics.median(values), min(values), max(values))


def ratios(theirs, ours):
    """Return how many times longer theirs took, round by round."""
    return spread([a / b for a, b in zip(theirs, ours, strict=True)])


def with_ratios(head, times, model):
    """Return a row: the times, which engine ran where it was to be the core, and the ratios."""
    row = head | {name: spread(values) for name, values in times.items()}
    row["compiled ran"] = engine_of(model)
    peers = [name for name in times if name not in ENGINES]
    against = {f"{p} / {e}": ratios(times[p], times[e]) for e in ENGINES for p in peers}
    return row | against


def against_best(head, times, goal, ours="compiled"):
    """Return a row: our median, the peer with the least one, and its time over ours."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    best = min((name for name in times if name != ours), key=medians.get)
    ratio = ratios(times[best], times[ours])
    shown = {"ours": medians.pop(ours)} | medians | {"best": best, "best / ours": ratio}
    return head | shown | {"goal": goal, "": verdict(ratio.median >= goal)}


def verdict(holds):
    """Return how a row says whether its goal is reached."""
    return "" if holds else "short"


def arguments(description, rounds, **choices):
    """Read the options that all benchmarks have, and which of some choices are to be measured."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default: {rounds}")
    parser.add_argument("--check", action="store_true", help="assert agreement, on less; no timing")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="measure the time of the processor, for a machine that others use at the same time",
    )
    for name, known in choices.items():
        text = ",".join(map(str, known))
        parser.add_argument(f"--{name}", type=some_of(known), default=known, help=f"some of {text}")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    if args.cpu_time:
        timed.clock = time.process_time
    return args


def some_of(known):
    """Return what reads a list with commas between."""
    by_name = {str(choice): choice for choice in known}

    def read(text):
        names = text.split(",")
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise argparse.ArgumentTypeError(f"not one of {', '.join(by_name)}: {unknown[0]}")
        return [by_name[name] for name in names]

    return read


def agreed():
    """Say that a check came to its end, and who was missing."""
    missing = [name for name in ("torch", "jax") if not installed(name)]
    print("All agree" + (f" (not installed: {', '.join(missing)})" if missing else "") + ".")


def installed(name):
    """Return whether a module is there, without importing it."""
    return importlib.util.find_spec(name) is not None


def versions():
    """Return the versions of what takes part and is installed."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine():
    """Return the processor and its number of cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def timed(job):
    """Return the seconds that a call takes, and what it returns."""
    start = timed.clock()
    result = job()
    return timed.clock() - start, result


timed.clock = time.perf_counter


def engine_of(model):
    """Return which engine computed a fit."""
    return getattr(model, "engine_", "numpy")


def take_turns(jobs, rounds):
    """Run every job once a round, in an order that rotates; return each one's values.

    A job is a call without arguments that returns its own measure, so that what it prepares
    need not count.
    """
    names, values = list(jobs), {name: [] for name in jobs}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            values[name].append(jobs[name]())
    return values


def epochs_for(train, seconds=0.15, most=2000):
    """Return how many epochs take about so many seconds; also warms up, where JAX compiles."""
    train(1)
    epochs, took = 1, train(1)
    while took < seconds / 1.5 and epochs < most:
        epochs = min(most, 1 + int(epochs * min(20.0, seconds / took)))
        took = train(epochs)
    return epochs


def progress(text):
    """Say on the error stream what is being measured."""
    print(f"… {text}", file=sys.stderr, flush=True)


class Report:
    """What a benchmark prints, kept for ``--save``."""

    def __init__(self, name, description, args):
        self.name, self.args, self.lines, self.tables = name, args, [], {}
        self.say(description)
        clock = "; time of the processor" if args.cpu_time else ""
        self.say(f"{machine()}; 1 thread; rounds: {args.rounds}{clock}")
        self.say(", ".join(f"{package} {number}" for package, number in versions().items()))

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def table(self, title, rows):
        """Print rows, dicts of the same keys, and keep them."""
        self.tables[title] = rows
        self._print(title, rows)

    def compare(self, title, rows):
        """Print rows of ``with_ratios`` as a table of times and, for each engine, of ratios."""
        self.tables[title] = rows
        times = [{k: v for k, v in row.items() if " / " not in k} for row in rows]
        self._print(f"{title}: medians", times, brief=True)
        for engine in ENGINES:
            ratio_rows = [
                {k: v for k, v in row.items() if k in HEADS or k.endswith(f" / {engine}")}
                for row in rows
            ]
            self._print("Their time over ours: median (smallest to largest)", ratio_rows)

    def _print(self, title, rows, brief=False):
        text = [list(rows[0]), *([show(cell, brief) for cell in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*text, strict=True)]
        self.say()
        self.say(title)
        for cells in text:
            first, *rest = zip(cells, widths, strict=True)
            line = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
            self.say("  ".join(line).rstrip())

    def save(self):
        """Write what was printed, and the numbers, if that was asked for."""
        if not self.args.save:
            return
        RESULTS.mkdir(exist_ok=True)
        text = "\n".join(self.lines) + "\n"
        (RESULTS / f"{self.name}.txt").write_text(text, encoding="utf-8")
        numbers = {
            "machine": machine(),
            "versions": versions(),
            "rounds": self.args.rounds,
            "tables": {title: [plain(row) for row in rows] for title, rows in self.tables.items()},
        }
        path = RESULTS / f"{self.name}.json"
        path.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def show(cell, brief=False):
    """Return a cell as text, with three or four digits that count."""
    if cell is None:
        return "–"
    if isinstance(cell, Spread):
        if brief:
            return show(cell.median)
        return f"{show(cell.median)} ({show(cell.low)} to {show(cell.high)})"
    if isinstance(cell, float):
        digits = 0 if cell >= 100 else 1 if cell >= 10 else 2
        return f"{cell:.{digits}f}" if cell >= 1 else f"{cell:#.2g}"
    return str(cell)


def plain(row):
    """Return a row as JSON has it."""
    return {k: v._asdict() if isinstance(v, Spread) else v for k, v in row.items()}
