"""Assert that a wheel holds exactly the files of the package and its license, and is small.

Give it the wheel.
"""

import sys
import zipfile
from pathlib import Path

LIMIT = 3_000_000  # bytes
ROOT = Path(__file__).resolve().parents[1]
CORE = "sklearn_neuron/_engine/core/"

wheel = Path(sys.argv[1])
pure = wheel.stem.endswith("-py3-none-any")
expected = {
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "sklearn_neuron").rglob("*")
    if path.suffix in {".py", ".pyi", ".js", ".css"} or path.name == "py.typed"
} | {f"{CORE}_build_info.py"}
archive = zipfile.ZipFile(wheel)
names = {name for name in archive.namelist() if ".dist-info/" not in name}
compiled = {name for name in names if name.startswith(f"{CORE}_core.")}
assert names - compiled == expected, (names - compiled) ^ expected
assert len(compiled) == (not pure), compiled
about = {name.partition("/")[2]: name for name in set(archive.namelist()) - names}
wanted = {"METADATA", "WHEEL", "RECORD", "licenses/LICENSE"}
assert set(about) == wanted, set(about) ^ wanted
assert archive.read(about["licenses/LICENSE"]) == (ROOT / "LICENSE").read_bytes()
size = wheel.stat().st_size
assert size <= LIMIT, f"{size} bytes"
print(f"{wheel.name}: {size / 1e6:.2f} MB, {len(names)} files")
