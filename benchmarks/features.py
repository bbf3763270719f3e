"""Which package has which feature: a test of every cell of docs/features.rst.

    pip install "torch==2.13.0" skorch mlxtend onnx onnxruntime onnxscript skl2onnx
    pip install "dask[array,dataframe]" distributed
    python benchmarks/features.py

Prints the tables, and exits with an error if a result differs from the page. A feature counts as
available if it can be run and has an effect. Where a row has nothing to run, its pattern decides
whether a parameter, an attribute or a method has a matching name. Columns and rows of packages that
are not installed are skipped.
"""

import csv
import inspect
import re
import sys
import warnings
from pathlib import Path

from feature_table.models import MISSING, fit, works  # first: it sets the number of threads
from feature_table.rows import COLUMNS, ROWS

PAGE = Path(__file__).parents[1] / "docs" / "features.rst"


def names(column):
    """Return the names of all parameters, attributes and methods."""
    model = fit(column)
    calls = [type(model), model.fit, getattr(model, "partial_fit", model.fit)]
    return {n for call in calls for n in inspect.signature(call).parameters} | set(dir(model))


def result(name, column):
    """Run one cell, and return what the page should say."""
    pattern, tries = ROWS[name]
    how, attempt = None, tries.get(column)
    if isinstance(attempt, tuple):
        how, attempt = attempt
    found = works(column, **attempt) if isinstance(attempt, dict) else attempt and attempt(column)
    if found is None:
        found = any(re.search(pattern, n, re.IGNORECASE) for n in names(column) if n[0] != "_")
    if isinstance(found, str):
        return f"{how}: {found}" if how else found
    return (how or "yes") if found else "no"


def page():
    """Return the cells of the page's tables, by row."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = csv.reader((l for l in lines if l.startswith('   "')), skipinitialspace=True)
    return {
        name.replace("``", "`"): [cell.replace("``", "`") for cell in rest] for name, *rest in cells
    }


def main():
    warnings.simplefilter("ignore")
    for name in MISSING:
        print(f"{name}: skipped, as packages are missing; see the top of this file")
    said, wrong = page(), []
    for name in said | ROWS:
        if name not in said or name not in ROWS:
            wrong.append(f"{name}: a row of {'the page' if name in said else 'this file'} only")
            continue
        found = []
        for column, says in zip(COLUMNS, said[name], strict=True):
            try:
                skips = {name, column} & set(MISSING)
                found.append("skipped" if skips else result(name, column))
            except Exception as error:  # a cell that cannot be checked
                found.append(f"{type(error).__name__}: {error}")
            if found[-1] not in (says, "skipped"):
                wrong.append(f"{name}, {column}: the page says {says!r}, found {found[-1]!r}")
        print(
            f"{name}\n    " + " | ".join(f"{c}: {f}" for c, f in zip(COLUMNS, found, strict=True))
        )
    print("", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
