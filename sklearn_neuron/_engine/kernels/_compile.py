"""How functions are compiled, and where compiled code is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

# Sums may be taken in any order, and a product and a sum at once; NaN and infinity stay.
_OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}
compiled = njit(**_OPTIONS)
inlined = njit(**_OPTIONS, forceinline=True)

_sources = sorted(Path(__file__).parent.glob("*.py"))
_digest = hashlib.sha256(b"".join(path.read_bytes() for path in _sources)).hexdigest()[:12]


def entry(function: Callable[..., Any]) -> Any:
    """Compile an entry point, and keep it on disk where there is a place to write."""
    # the name of the file on disk: a change of any source here asks for another one
    function.__qualname__ += f"_{_digest}"
    try:
        return njit(**_OPTIONS, cache=True)(function)
    except RuntimeError:  # no such place
        return compiled(function)
