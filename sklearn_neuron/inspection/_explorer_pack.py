"""Packing: arrays as text that a page can hold, small and without loss where it matters.

Successive rows of θ lie close to each other, so the second differences of their bits along the
first axis are mostly small. Their bytes are shuffled (all first bytes, then all second ones), and
compressed by gzip, which browsers can undo; base64 makes text of it. ``explorer.js`` reads it.

=========  ==========================================  ================================
kind       of                                          error
=========  ==========================================  ================================
float64    bits, differenced twice                     none
float32    bits, differenced twice                     6e-8, relative
delta16    differences in units of one quantum         half a quantum, also in the sum
=========  ==========================================  ================================
"""

from __future__ import annotations

import base64
import gzip
from typing import Any

import numpy as np

from sklearn_neuron._typing import Array

#: Bytes up to which numbers are kept as they are, and up to which they are kept in float32.
EXACT_BYTES, SINGLE_BYTES = 200_000, 400_000
#: The quantum of 16-bit differences, relative to the largest number.
QUANTUM = 2.0**-17


def packed(values: Any, kind: str = "float64") -> dict[str, Any]:
    """Return an array as a dict of text and numbers, for JSON."""
    array: Any = np.ascontiguousarray(values, dtype=np.float32 if kind == "float32" else np.float64)
    shape = list(array.shape)
    rows = array.reshape(len(array), -1) if array.size else array.reshape(0, 0)
    if kind == "delta16":
        codes, quantum = _quantized(rows)
        return {"kind": kind, "shape": shape, "quantum": quantum, "text": _text(codes)}
    bits = rows.view(np.int32 if kind == "float32" else np.int64)
    for _ in range(2):  # integers wrap around, and so back
        bits = np.concatenate([bits[:1], bits[1:] - bits[:-1]])
    return {"kind": kind, "shape": shape, "text": _text(bits)}


def packed_small(values: Array) -> dict[str, Any]:
    """Return an array in the most exact kind that its size allows."""
    return packed(values, kind_for(values.size))


def kind_for(size: int) -> str:
    """Return the kind for so many numbers."""
    if 8 * size <= EXACT_BYTES:
        return "float64"
    return "float32" if 4 * size <= SINGLE_BYTES else "delta16"


def _quantized(rows: Array) -> tuple[Any, float]:
    """Return differences of rows as 16-bit integers; the first row is one from zero, in steps.

    Each difference is taken from what the page will have, so that errors do not add up. A number
    that is further away than 16 bits reach would need a larger quantum.
    """
    largest = float(np.abs(rows).max(initial=0.0)) or 1.0
    jump = float(np.abs(np.diff(rows, axis=0)).max(initial=0.0))
    first = float(np.abs(rows[:1]).max(initial=0.0))
    quantum = max(largest * QUANTUM, max(jump, first) / 32_000.0)
    whole = np.rint(rows / quantum)
    codes = np.concatenate([whole[:1], np.diff(whole, axis=0)]).astype("<i2")
    return codes, quantum


def _text(integers: Any) -> str:
    little = np.ascontiguousarray(integers)
    little = little.astype(little.dtype.newbyteorder("<"))
    shuffled = little.reshape(-1, 1).view(np.uint8).T.tobytes()
    return base64.b64encode(gzip.compress(shuffled, 9, mtime=0)).decode("ascii")
