"""Check the types from a user's side: the examples of the README and of the guide, as strict code.

Each page becomes a Python file with the page's examples in the lines where they stand there, and
all of them go through one run of ``mypy --strict``, or of Pyright with ``--pyright``. So do
``tests/typing/right_uses.py``, whose types must be what it says, and ``wrong_uses.py``, of which
every use must be refused. Libraries without types, as scikit-learn is, are ignored, as in the
configuration of a user. Usage, with the package installed: python tools/check_user_types.py
"""

import doctest
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "docs/getting_started.rst", *sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "guide").glob("*.rst")
)]  # fmt: skip
USES = ["tests/typing/right_uses.py", "tests/typing/wrong_uses.py"]

MYPY = """[mypy]
strict = true
# scikit-learn and most of what the guide shows beside it have no types
ignore_missing_imports = true
# a name of a page may stand for another model further down
allow_redefinition = true
# functions of the examples are as short as they can be
disallow_untyped_defs = false
disallow_incomplete_defs = false
disallow_untyped_calls = false
cache_dir = {cache}
"""


# the same for Pyright: what it does not know of libraries without types is no error of a page
PYRIGHT = {
    "typeCheckingMode": "strict",
    "reportUnnecessaryTypeIgnoreComment": True,
    "useLibraryCodeForTypes": False,  # it would guess types from their source, wrong ones, too
    **dict.fromkeys(
        [
            "reportMissingImports",
            "reportMissingModuleSource",
            "reportMissingTypeStubs",
            "reportMissingParameterType",
            "reportUnknownParameterType",
            "reportUnknownArgumentType",
            "reportUnknownLambdaType",
            "reportUnknownMemberType",
            "reportUnknownVariableType",
            "reportConstantRedefinition",
            "reportDuplicateImport",
            "reportUnusedExpression",
            "reportUnusedVariable",
        ],
        False,
    ),
}


def blocks_of(text, page):
    """Return the examples of a page: pairs of the first line's number, from 0, and the source."""
    if page.endswith(".md"):
        fences = re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
        return [(text[: match.start(1)].count("\n"), match[1]) for match in fences]
    examples = doctest.DocTestParser().get_examples(text)
    blocks = [(example.lineno, example.source) for example in examples]
    pattern = r"^\.\. code-block:: python\n((?:\n|[ ].*\n)+)"
    for match in re.finditer(pattern, text, flags=re.MULTILINE):
        body = re.sub(r"\A(?:   :.*\n)*", lambda options: "\n" * options[0].count("\n"), match[1])
        blocks.append((text[: match.start(1)].count("\n"), textwrap.dedent(body)))
    return sorted(blocks)


def program(page):
    """Return the examples of a page as a Python file whose lines are those of the page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [""] * len(text.splitlines())
    for first, source in blocks_of(text, page):
        for k, line in enumerate(source.splitlines()):
            lines[first + k] = line
    return "\n".join(lines) + "\n"


def written(folder):
    """Write the files to check into a folder; return the page that each is made of."""
    pages = {}
    for page in PAGES:
        path = folder / (re.sub(r"\W", "_", page) + ".py")
        path.write_text(program(page), encoding="utf-8")
        pages[path.name] = page
    for use in USES:
        path = folder / Path(use).name
        path.write_text((ROOT / use).read_text(encoding="utf-8"), encoding="utf-8")
        pages[path.name] = use
    return pages


def main():
    """Run the checker; return its exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages = written(folder)
        paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        config = {**PYRIGHT, "extraPaths": list(filter(None, paths))}
        (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "mypy.ini").write_text(MYPY.format(cache=folder / "cache"), encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "."]
        if "--pyright" in sys.argv[1:]:
            command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    for name, page in pages.items():
        run.stdout = run.stdout.replace(name, page).replace(f"{folder}{os.sep}", "")
    print(run.stdout + run.stderr, end="")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
