"""Print what of the package's folder is not installed: folders with ``folders``, or else files.

Only Python files, type stubs, ``py.typed``, and the explorer's script and style are. meson wants to
know the rest by name; so a new module needs no line in a list, and is found at once where the
package is installed as editable.
"""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "sklearn_neuron"
CACHE = "__pycache__"

folders = [PACKAGE, *sorted(path for path in PACKAGE.rglob("*") if path.is_dir())]
folders = [folder for folder in folders if CACHE not in folder.parts]
if sys.argv[1] == "folders":
    paths = [folder / CACHE for folder in folders]
else:
    paths = sorted(
        path
        for folder in folders
        for path in folder.iterdir()
        if path.is_file()
        and path.suffix not in {".py", ".pyi", ".js", ".css"}
        and path.name != "py.typed"
    )
print("\n".join(path.relative_to(PACKAGE).as_posix() for path in paths))
