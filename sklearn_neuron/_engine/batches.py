"""Batches: rows of X, y and weights on their way to the network, in memory made once.

A batch is a list of blocks, of so many rows that a block's activations stay in the cache;
losses and gradients add up over blocks. Most mini-batches are one block.

Mini-batches are gathered a chunk at a time: some shuffled rows are copied next to each
other, and every block is a ready view of them. So a step gathers nothing and makes no
array, and the raw outputs z^L of a whole chunk lie together, where their loss is computed
in one call. The full batch is not copied. Rows to predict pass by in blocks, too.

Shapes: X ``(n, p)``, Y ``(n, K)``, weights and shares ``(n, 1)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.activations import Activation
from sklearn_neuron.network import Network, Workspace, raw_output

BLOCK_BYTES = 1 << 19  # of a block's widest layer; of all layers together, for rows to predict
X_BLOCK_BYTES = 1 << 22  # of a block's X, in the full batch
CHUNK_BYTES = 1 << 17  # of a chunk's X
CHUNK_BATCHES = 256  # in a chunk; making their views is part of every fit's fixed cost


class Rows(NamedTuple):
    """The training set."""

    X: Matrix  # (n, p), dense or CSR
    Y: NDArray[Any]  # (n, K): floats as X, or for classes bool, an eighth of the memory
    weight: Array | None  # (n, 1), of mean 1 over all rows; None where all are 1


class Block(NamedTuple):
    """Some rows of a batch, with the memory they pass through."""

    X: Matrix
    target: NDArray[Any]  # these rows' Y, bool where that of all rows is
    share: Array | float  # a row's weight over the number of rows of the batch
    z: Array  # receives z^L
    space: Workspace

    @property
    def Y(self) -> Array:
        """The targets as floats, which are made of bool for a block at a time only."""
        target, dtype = self.target, self.z.dtype
        return target if target.dtype == dtype else target.astype(dtype)


def cut(network: Network, m: int, X_bytes: int = 0) -> list[slice]:
    """Cut m rows, of so many bytes of X together, into blocks of nearly equal size.

    A block's activations fit the cache, and its X the cache behind it, which both sweeps read.
    """
    widest = max(network.layer_sizes[1:]) * network.dtype.itemsize
    n_blocks = max(-(-m * widest // BLOCK_BYTES), -(-X_bytes // X_BLOCK_BYTES))
    size = -(-m // n_blocks)
    return [slice(start, min(start + size, m)) for start in range(0, m, size)]


def full_batch(network: Network, rows: Rows) -> list[Block]:
    """Return all rows as one batch.

    Parameters
    ----------
    network : Network
        That the rows are for: its layers decide the memory.
    rows : Rows
        The training set.

    Returns
    -------
    list of Block
        Their memory is shared: a block's outputs stand only until the next block's.
    """
    X, Y, weight = rows
    if isinstance(X, np.ndarray) and not (X.flags.c_contiguous or X.flags.f_contiguous):
        X = np.ascontiguousarray(X)  # else BLAS is given a copy at every call
    n, blocks = X.shape[0], []
    parts = cut(network, n, X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes)
    for part in parts:
        space = network.workspace(part.stop - part.start)
        share = 1.0 / n if weight is None else weight[part] / n
        X_part = X if len(parts) == 1 else row_view(X, part)
        blocks.append(Block(X_part, Y[part], share, space.z, space))
    return blocks


def raw_outputs(
    X: Matrix,
    coefs: Sequence[Array],
    intercepts: Sequence[Array],
    activations: Sequence[Activation],
    n_bytes: float = BLOCK_BYTES,
) -> Iterator[tuple[slice, Array]]:
    """Yield z^L of all rows, block by block, as the rows' slice and their z.

    A pure function like ``raw_output``. A block's activations, all layers together, take
    ``n_bytes`` at most; but a block has a row at least.
    """
    per_row = sum(len(b) for b in intercepts) * intercepts[0].itemsize
    n, size = X.shape[0], max(1, int(n_bytes // per_row))
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        part = X if size >= n else row_view(X, rows)
        yield rows, raw_output(part, coefs, intercepts, activations)


class MiniBatches:
    """All rows once, in mini-batches.

    Parameters
    ----------
    network : Network
        That the rows are for.
    rows : Rows
        The training set.
    batch_size : int
        Rows of a batch; the last may have fewer.
    """

    def __init__(self, network: Network, rows: Rows, batch_size: int) -> None:
        if isinstance(rows.X, np.ndarray):
            # take() on another layout would copy the whole of X at every call
            rows = rows._replace(X=np.ascontiguousarray(rows.X))
        self.rows = rows
        self.n = len(rows.Y)
        bytes_per_row = max(1, rows.X.size // self.n) * network.dtype.itemsize
        fitting = CHUNK_BYTES // (bytes_per_row * batch_size)
        self.chunk_size = min(self.n, batch_size * max(1, min(fitting, CHUNK_BATCHES)))
        self._full = Chunk(network, rows, self.chunk_size, batch_size)
        rest = self.n % self.chunk_size
        self._last = Chunk(network, rows, rest, batch_size) if rest else self._full

    def chunks(self, order: NDArray[np.intp] | None) -> Iterator[Chunk]:
        """Yield the chunks of one epoch, in the order of the rows or in the one given."""
        for start in range(0, self.n, self.chunk_size):
            which = slice(start, start + self.chunk_size)
            chunk = self._full if which.stop <= self.n else self._last
            chunk.fill(self.rows, which if order is None else order[which])
            yield chunk


class Chunk:
    """Memory for the rows of some consecutive mini-batches, and these batches as views of it.

    Parameters
    ----------
    network, rows, batch_size
        As for ``MiniBatches``.
    m : int
        Rows of the chunk.
    """

    def __init__(self, network: Network, rows: Rows, m: int, batch_size: int) -> None:
        def memory(n_columns: int) -> Array:
            return np.empty((m, n_columns), network.dtype)

        n_features, n_outputs = rows.X.shape[1], rows.Y.shape[1]
        self.X = memory(n_features) if isinstance(rows.X, np.ndarray) else None
        self.Y, self.z = memory(n_outputs), memory(n_outputs)
        self.weight = None if rows.weight is None else memory(1)
        self.share = None if rows.weight is None else memory(1)
        self._starts = range(0, m, batch_size)
        #: Number of rows of each batch.
        self.sizes = [min(batch_size, m - start) for start in self._starts]
        #: How a batch of so many rows is cut: each block's rows in it, and workspace.
        self._cuts = {
            size: [
                (part.start, part.stop, network.workspace(part.stop - part.start))
                for part in cut(network, size)
            ]
            for size in dict.fromkeys(self.sizes)  # the largest first: its memory serves both
        }
        self.batches: list[list[Block]] = [] if self.X is None else self._cut(self.X)

    def _cut(self, X: Matrix) -> list[list[Block]]:
        """Return the batches: views of the chunk's memory and slices of X."""
        return [
            [
                self._block(X, slice(start + first, start + last), 1.0 / size, space)
                for first, last, space in self._cuts[size]
            ]
            for start, size in zip(self._starts, self.sizes, strict=True)
        ]

    def _block(self, X: Matrix, rows: slice, share: float, space: Workspace) -> Block:
        shares = share if self.share is None else self.share[rows]
        return Block(row_view(X, rows), self.Y[rows], shares, self.z[rows], space)

    def fill(self, source: Rows, which: slice | NDArray[np.intp]) -> None:
        """Bring the rows named by a slice or by indices into the chunk's memory."""
        if self.X is None:  # sparse
            self.batches = self._cut(source.X[which])
        else:
            gather(source.X, which, out=self.X)
        gather(source.Y, which, out=self.Y)
        if source.weight is not None and self.weight is not None and self.share is not None:
            gather(source.weight, which, out=self.weight)
            of_batch = np.repeat(self.sizes, self.sizes)[:, None]
            np.divide(self.weight, of_batch, out=self.share)


def row_view(X: Matrix, rows: slice) -> Matrix:
    """Return some consecutive rows without copying their numbers (as X[rows] does for CSR)."""
    if isinstance(X, np.ndarray):
        return X[rows]
    start, stop = X.indptr[rows.start], X.indptr[rows.stop]
    view = type(X)((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    # set one by one, because the constructor copies what is less than half of its base
    view.data, view.indices = X.data[start:stop], X.indices[start:stop]
    view.indptr = X.indptr[rows.start : rows.stop + 1] - start
    return view


def gather(source: NDArray[Any], which: slice | NDArray[np.intp], out: Array) -> None:
    """Copy rows into ``out``."""
    if isinstance(which, slice):
        np.copyto(out, source[which])
    elif source.dtype != out.dtype:  # classes: False and True become 0.0 and 1.0
        np.copyto(out, source.take(which, axis=0))
    else:
        source.take(which, axis=0, out=out, mode="clip")  # else take() buffers ``out``
