"""What other tools do with the estimators: each row of the guide's table, and its examples."""

import csv
import importlib.util
import re
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("pandas")

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("other_tools", ROOT / "tools" / "other_tools.py")
other_tools = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(other_tools)


@pytest.mark.filterwarnings("ignore")  # of other packages, about each other
@pytest.mark.parametrize("row", other_tools.CHECKS, ids=lambda row: f"{row[1]}-{row[3].__name__}")
def test_a_row_of_the_table(row):
    _, module, _, function = row
    pytest.importorskip(module)
    function()


def test_the_table_has_every_row():
    with other_tools.TABLE.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["package", "what was run", "outcome"]
    assert [(row[0].split()[0], row[1]) for row in rows] == [
        (package, f"**{names}**: {' '.join(function.__doc__.split())}")
        for package, _, names, function in other_tools.CHECKS
    ]
    assert not [row for row in rows if "FAILS" in row[2] or "not installed" in row[2]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", ["other_tools", "distributed_search"])
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    """In order, as one program; a block whose package is not installed is left out."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "guide" / f"{page}.rst").read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert blocks
    names = {"__name__": "a page of the guide"}
    for block in blocks:
        source = re.sub("^    ", "", block, flags=re.MULTILINE)
        needed = set(re.findall(r"^(?:import|from) (\w+)", source, flags=re.MULTILINE))
        if all(importlib.util.find_spec(module) for module in needed):
            exec(compile(source, f"{page}.rst", "exec"), names)
