"""Packing: arrays as text that a page can hold, small and without loss where it matters.

Successive rows of θ lie close to each other, and mostly on smooth curves, so differences of their
bits along the first axis, taken several times, are small. Their bytes are shuffled (all first
bytes, then all second ones), and compressed by gzip, which browsers can undo; base64 makes text of
it. ``explorer.js`` reads it.

=========  ==============================================  ================================
kind       of                                              error
=========  ==============================================  ================================
float64    bits, differenced as often as makes it small    none
float32    the same                                        6e-8, relative
coarse     the same, without the last 8 of 32 bits         2e-5, relative
delta16    differences in units of one quantum             half a quantum, also in the sum
=========  ==============================================  ================================
"""

from __future__ import annotations

import base64
import gzip
from typing import Any

import numpy as np

from sklearn_neuron._typing import Array

#: Bytes up to which numbers are kept as they are, and up to which they are kept in float32.
EXACT_BYTES, SINGLE_BYTES = 200_000, 400_000
#: Differences that are tried.
MAX_ORDER = 6
#: The quantum of 16-bit differences, relative to the largest number.
QUANTUM = 2.0**-16


def packed(values: Any, kind: str = "float64") -> dict[str, Any]:
    """Return an array as a dict of text and numbers, for JSON; columns lie together."""
    array = np.asarray(values, dtype=np.float64)
    shape = list(array.shape)
    columns = array.reshape(len(array), -1).T if array.size else array.reshape(0, 0)
    if kind == "delta16":
        codes, quantum = _quantized(columns)
        return {"kind": kind, "shape": shape, "quantum": quantum, "text": _text(codes)}
    bits: Any = np.ascontiguousarray(columns).view(np.int64)
    if kind != "float64":
        bits = columns.astype(np.float32, order="C").view(np.int32)
    if kind == "coarse":
        bits = (bits + 128) & ~255
    tried = [_text(bits)]
    for _ in range(MAX_ORDER):  # integers wrap around, and so back
        bits = np.concatenate([bits[:, :1], bits[:, 1:] - bits[:, :-1]], axis=1)
        tried.append(_text(bits))
    text = min(tried, key=len)
    kind = "float64" if kind == "float64" else "float32"
    return {"kind": kind, "shape": shape, "order": tried.index(text), "text": text}


def compressed(text: str) -> str:
    """Return text, compressed, as other text."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def packed_small(values: Array) -> dict[str, Any]:
    """Return an array in the most exact kind that its size allows."""
    return packed(values, kind_for(values.size))


def kind_for(size: int) -> str:
    """Return the kind for so many numbers."""
    if 8 * size <= EXACT_BYTES:
        return "float64"
    return "float32" if 4 * size <= SINGLE_BYTES else "delta16"


def _quantized(columns: Array) -> tuple[Any, float]:
    """Return differences within columns as 16-bit integers, from zero on.

    They are differences of rounded numbers, so that errors do not add up. A number that is further
    away than 16 bits reach needs a larger quantum.
    """
    largest = float(np.abs(columns).max(initial=0.0)) or 1.0
    jump = float(np.abs(np.diff(columns, axis=1, prepend=0.0)).max(initial=0.0))
    quantum = max(largest * QUANTUM, jump / 32_000.0)
    whole = np.rint(columns / quantum)
    return np.diff(whole, axis=1, prepend=0.0).astype(np.int16), quantum


def _text(integers: Any) -> str:
    little = np.ascontiguousarray(integers)
    little = little.astype(little.dtype.newbyteorder("<"))
    shuffled = little.reshape(-1, 1).view(np.uint8).T.tobytes()
    return base64.b64encode(gzip.compress(shuffled, 9, mtime=0)).decode("ascii")
