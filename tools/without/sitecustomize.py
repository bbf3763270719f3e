"""Hide installed packages from Python, to test what happens where they are missing.

``PYTHONPATH=tools/without WITHOUT="pandas rich" pytest`` runs the tests as if pandas and rich were
not installed. Python imports a module of this name when it starts, so the processes that tests
start lack the packages too.
"""

import os
import sys
from importlib.machinery import PathFinder

HIDDEN = {name.lower() for name in os.environ.get("WITHOUT", "").split()}


class Finder(PathFinder):
    """Finds modules and metadata on the path, but for those of the hidden packages."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        hidden = fullname.partition(".")[0].lower() in HIDDEN
        return None if hidden else super().find_spec(fullname, path, target)

    @classmethod
    def find_distributions(cls, *args, **kwargs):
        for distribution in super().find_distributions(*args, **kwargs):
            if distribution.name.lower().replace("-", "_") not in HIDDEN:
                yield distribution


sys.meta_path = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
