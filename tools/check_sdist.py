"""Assert that a source archive holds exactly the files of the repository, and is small.

But for those that begin with a dot, which are for work on the repository. Give it the archive.
"""

import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

LIMIT = 3_000_000  # bytes
ROOT = Path(__file__).resolve().parents[1]

archive = Path(sys.argv[1])
listed = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
)
expected = {name for name in listed.stdout.rstrip("\0").split("\0") if not name.startswith(".")}
with tarfile.open(archive) as tar:
    members = [member for member in tar.getmembers() if not member.isdir()]
    assert all(member.isfile() for member in members)
names = {PurePosixPath(member.name).relative_to(archive.name[:-7]).as_posix() for member in members}
assert names == expected | {"PKG-INFO"}, names ^ expected
size = archive.stat().st_size
assert size <= LIMIT, f"{size} bytes"
print(f"{archive.name}: {size / 1e6:.2f} MB, {len(names)} files")
