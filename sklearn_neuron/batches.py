"""Batches: rows of X, y and weights on their way to the network, in buffers made once.

Mini-batches are gathered a chunk at a time: a few hundred shuffled rows are copied next to
each other, and every batch is a ready view of them. So a step gathers nothing, makes no
array, and the raw outputs z^L of a whole chunk lie together, where their loss is computed
in one call. The full batch is never copied: it is cut into blocks of rows, whose losses
and gradients add up.

Shapes: X ``(n, p)``, Y ``(n, K)``, weights and shares ``(m, 1)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron.network import Matrix, Network, Workspace

Array = NDArray[np.floating[Any]]

CHUNK_BYTES = 1 << 17  # of gathered X: what the fast cache holds beside the layers
CHUNK_BATCHES = 256  # ready views a chunk; making them is part of every fit's fixed cost
BLOCK_BYTES = 1 << 21  # of the widest buffer in a full-batch pass


class Batch(NamedTuple):
    """Some rows, with the memory they pass through."""

    X: Matrix
    Y: Array
    share: Array | float  # a row's weight over the number of rows that are averaged
    z: Array  # receives z^L
    space: Workspace


class Chunk:
    """Buffers for a run of consecutive batches and the views that are its batches."""

    def __init__(self, source: MiniBatches, m: int, larger: Chunk | None = None) -> None:
        size = min(source.batch_size, m)
        self.bounds = [(i, min(i + size, m)) for i in range(0, m, size)]
        K, p, dtype = source.Y.shape[1], source.X.shape[1], source.network.dtype
        self.Y = np.empty((m, K), dtype) if larger is None else larger.Y[:m]
        self.z = np.empty((m, K), dtype) if larger is None else larger.z[:m]
        self.weight = None if source.weight is None else np.empty((m, 1), dtype)
        self.share = None if source.weight is None else np.empty((m, 1), dtype)
        self.counts = np.repeat([j - i for i, j in self.bounds], [j - i for i, j in self.bounds])
        self.counts = self.counts.reshape(-1, 1)
        self.spaces: list[Workspace] = [source.workspace(j - i) for i, j in self.bounds]
        self.batches: list[Batch] = []
        self.X: Array | None = None
        if isinstance(source.X, np.ndarray):
            self.X = np.empty((m, p), dtype) if larger is None else larger.X[:m]  # type: ignore[index]
            self.cut(self.X)

    def cut(self, X: Matrix) -> None:
        """Make the chunk's batches: views of its buffers and slices of X."""
        self.batches = [
            Batch(
                X[i:j],
                self.Y[i:j],
                1.0 / (j - i) if self.share is None else self.share[i:j],
                self.z[i:j],
                space,
            )
            for (i, j), space in zip(self.bounds, self.spaces, strict=True)
        ]

    def fill(self, source: MiniBatches, rows: Any) -> None:
        """Bring the rows named by a slice or by indices into the buffers."""
        if self.X is None:
            self.cut(source.X[rows])
        else:
            _gather(source.X, rows, self.X)
        _gather(source.Y, rows, self.Y)
        if self.weight is not None and self.share is not None and source.weight is not None:
            _gather(source.weight, rows, self.weight)
            np.divide(self.weight, self.counts, out=self.share)


def _gather(source: Array, rows: Any, out: Array) -> None:
    """Copy rows into ``out``; ``mode="clip"`` spares take its own buffer."""
    if isinstance(rows, slice):
        np.copyto(out, source[rows])
    else:
        source.take(rows, axis=0, out=out, mode="clip")


class MiniBatches:
    """All rows once, in mini-batches.

    Parameters
    ----------
    network : Network
        That the rows are for: its layers decide the buffers.
    X : ndarray or CSR matrix of shape (n, p)
        Features.
    Y : ndarray of shape (n, K)
        Targets.
    weight : ndarray of shape (n, 1) or None
        Weights of mean 1.
    batch_size : int
        Rows of a batch; the last may have fewer.
    """

    def __init__(
        self, network: Network, X: Matrix, Y: Array, weight: Array | None, batch_size: int
    ) -> None:
        # take() on another layout would copy the whole of X at every call
        self.X = np.ascontiguousarray(X) if isinstance(X, np.ndarray) else X
        self.network, self.Y, self.weight = network, Y, weight
        self.batch_size = batch_size
        self._spaces: dict[int, Workspace] = {}
        n, p = X.shape
        fitting = CHUNK_BYTES // (p * network.dtype.itemsize * batch_size)
        chunk = min(n, batch_size * max(1, min(fitting, CHUNK_BATCHES)))
        self._full = Chunk(self, chunk)
        self._last = Chunk(self, n % chunk, larger=self._full) if n % chunk else self._full

    def workspace(self, m: int) -> Workspace:
        """Return the workspace of m rows; all share the memory of the first."""
        if m not in self._spaces:
            larger = next(iter(self._spaces.values()), None)
            self._spaces[m] = Workspace(self.network, m, larger)
        return self._spaces[m]

    def chunks(self, order: NDArray[np.intp] | None) -> Iterator[Chunk]:
        """Yield the chunks of one epoch, in the order of the rows or in the one given."""
        n, size = self.X.shape[0], len(self._full.Y)
        for start in range(0, n, size):
            chunk = self._full if start + size <= n else self._last
            rows = slice(start, start + size)
            chunk.fill(self, rows if order is None else order[rows])
            yield chunk


def row_blocks(
    network: Network, X: Matrix, Y: Array, weight: Array | None, rows: int | None = None
) -> list[Batch]:
    """Cut the full batch into blocks whose shares are those of all n rows.

    Parameters
    ----------
    network : Network
        That the rows are for.
    X, Y, weight
        As for ``MiniBatches``.
    rows : int, default=None
        Rows of a block; by default what keeps the widest buffer within a few MiB.

    Returns
    -------
    list of Batch
        Sums over them are sums over the full batch.
    """
    n = X.shape[0]
    widest = max(network.layer_sizes[1:]) * network.dtype.itemsize
    rows = min(n, rows or max(256, BLOCK_BYTES // widest))
    space = Workspace(network, rows)
    blocks = []
    for start in range(0, n, rows):
        part = slice(start, min(start + rows, n))
        m = part.stop - part.start
        X_part = X if m == n else X[part]
        share = 1.0 / n if weight is None else weight[part] / n
        at = space if m == rows else Workspace(network, m, larger=space)
        blocks.append(Batch(X_part, Y[part], share, at.z, at))
    return blocks
