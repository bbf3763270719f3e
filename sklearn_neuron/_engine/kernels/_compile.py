"""How functions are compiled, and where compiled code is cached."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

# Sums may be reordered, and a product and a sum may be fused; NaN and infinity are preserved.
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
    """Compile an entry point, and cache it on disk if there is a writable location."""
    # this determines the name of the file: a change of any source here leads to another one
    function.__qualname__ += f"_{_digest}"
    try:
        return njit(**_OPTIONS, cache=True)(function)
    except RuntimeError:  # no writable location
        return compiled(function)
