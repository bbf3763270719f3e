"""Batches: how samples reach the network, in memory that is allocated once per fit.

A batch is a list of blocks. A block has as many samples as keep its activations in the cache;
losses and gradients are sums over blocks. Most mini-batches are a single block.

Mini-batches are gathered a chunk at a time: shuffled samples are copied next to each other, and
every block is a view of them, made beforehand. So an update gathers nothing and allocates nothing,
and the raw outputs z^L of a whole chunk lie together, where their loss is computed in one call. The
full batch is not copied. Prediction goes block by block, too.

Shapes: X ``(n, p)``, Y ``(n, K)``, weights and shares ``(n, 1)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.activations import Activation
from sklearn_neuron.network import Network, Workspace, raw_output, split

#: Bytes of a block's widest layer (for prediction of all its layers). With 2¹⁸ / 2¹⁹ / 2²⁰ / 2²¹ a
#: gradient takes 0.46 / 0.39 / 0.55 / 0.55 ms for 1,000 samples of 20→100→1, 8.3 / 10.6 / 11.2 /
#: 14.6 ms for 20,000, and 37.3 / 36.1 / 36.6 / 36.7 ms for 5,000 of 784→100→10.
BLOCK_BYTES = 1 << 19
#: Bytes of a block's X in the full batch, which both passes read. With 2¹⁹ / 2²¹ / 2²² / 2²⁴ a
#: gradient takes 3.6 / 3.4 / 4.1 / 4.3 ms on 100,000 × 50, 16 / 24 / 25 / 26 ms on 30,000 × 200
#: with ten outputs, 41 / 38 / 36 / 36 ms for 5,000 of 784→100→10.
X_BLOCK_BYTES = 1 << 22
#: Bytes of a chunk's X: with 2¹² / 2¹⁵ / 2¹⁷ / 2²¹ an epoch of one neuron, on 50,000 × 50 in
#: batches of 32, takes 33 / 27 / 21 / 23 ms. And its batches, whose views are made first: with 16 /
#: 256 / 1,024 / 4,096 the only epoch of 5,000 × 2 one by one takes 42 / 40 / 43 / 48 ms.
CHUNK_BYTES = 1 << 17
CHUNK_BATCHES = 256
#: Rows whose squares, or other functions, are made at a time.
ROWS = 10_000


class Samples(NamedTuple):
    """The training data, or the validation data, as the network sees them."""

    X: Matrix  # (n, p), dense or canonical CSR
    Y: NDArray[Any]  # (n, K): floats as X, or for classes bool, an eighth of the memory
    weight: Array | None  # (n, 1), of mean 1 over all samples; None where all are 1

    def few(self, most: int) -> Samples:
        """Return at most so many of the samples, at even distances."""
        step = -(-len(self.Y) // most)
        if step <= 1:
            return self
        weight = None if self.weight is None else self.weight[::step]
        return self._replace(X=self.X[::step], Y=self.Y[::step], weight=weight)

    def few_targets(self, most: int) -> NDArray[Any]:
        """Return Y of at most so many of the samples, at even distances."""
        return self.Y[:: -(-len(self.Y) // most)]

    def mean_of(self, value: Callable[[Array], Array]) -> Any:
        """Return the weighted mean of a function of Y, in float64."""
        return mean_of(value, self.Y, self.weight)

    def mean_square(self) -> float:
        """Return the weighted mean of ‖x‖², which may be infinite, without a copy of X."""
        X, weight, n = self.X, self.weight, max(self.X.shape[0], 1)
        with np.errstate(over="ignore", invalid="ignore"):
            if isinstance(X, np.ndarray) and (weight is not None or not X.flags.forc):
                ones = np.broadcast_to(X.dtype.type(1), n) if weight is None else weight[:, 0]
                total = np.einsum("ij,ij,i->", X, X, ones)
            elif isinstance(X, np.ndarray) or weight is None:
                values = X.ravel(order="K") if isinstance(X, np.ndarray) else X.data
                total = np.vdot(values, values)
            else:
                blocks = (slice(k, k + ROWS) for k in range(0, n, ROWS))
                total = sum(X[rows].power(2).T.dot(weight[rows, 0]).sum() for rows in blocks)
        return float(total) / n if np.isfinite(total) else math.inf

    def in_units(self, scale: float) -> Samples:
        """Return the samples with y / scale."""
        return self._replace(Y=self.Y / scale)


class Block(NamedTuple):
    """Some samples of a batch, with the memory that they need."""

    X: Matrix
    target: NDArray[Any]  # their Y, bool where that of all samples is
    share: Array | float  # a sample's weight over the number of samples of the batch
    z: Array  # receives z^L
    space: Workspace

    @property
    def Y(self) -> Array:
        """The targets as floats; bool targets are converted one block at a time only."""
        target, dtype = self.target, self.z.dtype
        return target if target.dtype == dtype else target.astype(dtype)


def cut(network: Network, m: int, X_bytes: int = 0) -> list[slice]:
    """Cut m samples, whose X takes ``X_bytes``, into blocks of nearly equal size.

    A block's activations fit in one level of the cache, and its X in the next.
    """
    widest = max(network.layer_sizes[1:]) * network.dtype.itemsize
    n_blocks = max(-(-m * widest // BLOCK_BYTES), -(-X_bytes // X_BLOCK_BYTES))
    size = -(-m // n_blocks)
    return [slice(start, min(start + size, m)) for start in range(0, m, size)]


def bytes_of(X: Matrix) -> int:
    """Return the bytes of the values of X."""
    return int(X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes)


def full_batch(network: Network, samples: Samples) -> list[Block]:
    """Return all samples as one batch.

    Parameters
    ----------
    network : Network
        Its layers determine the memory.
    samples : Samples
        The training data.

    Returns
    -------
    list of Block
        They share memory: the outputs of a block are overwritten by those of the next.
    """
    X, Y, weight = samples
    if isinstance(X, np.ndarray) and not (X.flags.c_contiguous or X.flags.f_contiguous):
        X = np.ascontiguousarray(X)  # else BLAS gets a copy at every call
    n, blocks = X.shape[0], []
    parts = cut(network, n, bytes_of(X))
    for part in parts:
        space = network.workspace(part.stop - part.start)
        share = 1.0 / n if weight is None else weight[part] / n
        X_part = X if len(parts) == 1 else row_view(X, part)
        blocks.append(Block(X_part, Y[part], share, space.z, space))
    return blocks


def batch_of(network: Network, samples: Samples, rows: Any) -> Block:
    """Return some samples, given by a slice or by indices, as a batch."""
    X, Y, weight = samples
    space = network.workspace(len(Y[rows]))
    share = 1.0 / len(space.z) if weight is None else weight[rows] / len(space.z)
    return Block(X[rows], Y[rows], share, space.z, space)


def raw_outputs(
    X: Matrix,
    coefs: Sequence[Array],
    intercepts: Sequence[Array],
    activations: Sequence[Activation],
    n_bytes: float = BLOCK_BYTES,
) -> Iterator[tuple[slice, Array]]:
    """Yield z^L of all samples, block by block: a slice, and z^L of these samples.

    A pure function, as ``raw_output`` is. The activations of a block, all layers together, take at
    most ``n_bytes``, but a block has at least one sample.
    """
    per_row = sum(map(len, intercepts)) * intercepts[0].itemsize
    n, size = X.shape[0], max(1, int(n_bytes // per_row))
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        part = X if size >= n else row_view(X, rows)
        yield rows, raw_output(part, coefs, intercepts, activations)


def outputs_are_finite(network: Network, X: Matrix, theta: Array) -> bool:
    """Return whether z^L of all samples is finite at parameters θ, block by block."""
    W, b = split(theta.astype(network.dtype, copy=False), network.layer_sizes)
    with np.errstate(all="ignore"):
        outputs = raw_outputs(X, W, b, network.activations)
        return all(bool(np.isfinite(z).all()) for _, z in outputs)


class MiniBatches:
    """One pass over all samples, in mini-batches.

    Parameters
    ----------
    network : Network
        Its layers determine the memory.
    samples : Samples
        The training data.
    batch_size : int
        Number of samples of a batch; the last may have fewer.
    """

    def __init__(self, network: Network, samples: Samples, batch_size: int) -> None:
        if isinstance(samples.X, np.ndarray):
            # take() on another layout would copy the whole of X at every call
            samples = samples._replace(X=np.ascontiguousarray(samples.X))
        self.samples = samples
        self.n = len(samples.Y)
        bytes_per_row = max(1, samples.X.size // self.n) * network.dtype.itemsize
        fitting = CHUNK_BYTES // (bytes_per_row * batch_size)
        self.chunk_size = min(self.n, batch_size * max(1, min(fitting, CHUNK_BATCHES)))
        self._full = Chunk(network, samples, self.chunk_size, batch_size)
        rest = self.n % self.chunk_size
        self._last = Chunk(network, samples, rest, batch_size) if rest else self._full

    def chunks(self, order: NDArray[np.intp] | None) -> Iterator[Chunk]:
        """Yield the chunks of one epoch, in the samples' own order or in the one given."""
        for start in range(0, self.n, self.chunk_size):
            which = slice(start, start + self.chunk_size)
            chunk = self._full if which.stop <= self.n else self._last
            chunk.fill(self.samples, which if order is None else order[which])
            yield chunk


class Chunk:
    """Memory for the samples of consecutive mini-batches, and these batches as views of it.

    Parameters
    ----------
    network, samples, batch_size
        As for ``MiniBatches``.
    m : int
        Number of samples of the chunk.
    """

    def __init__(self, network: Network, samples: Samples, m: int, batch_size: int) -> None:
        def memory(n_columns: int) -> Array:
            return np.empty((m, n_columns), network.dtype)

        n_features, n_outputs = samples.X.shape[1], samples.Y.shape[1]
        self.X = memory(n_features) if isinstance(samples.X, np.ndarray) else None
        self.Y, self.z = memory(n_outputs), memory(n_outputs)
        self.weight = None if samples.weight is None else memory(1)
        self.share = None if samples.weight is None else memory(1)
        self._starts = range(0, m, batch_size)
        #: Number of samples of each batch.
        self.sizes = [min(batch_size, m - start) for start in self._starts]
        #: For each size of a batch its blocks: their first and last sample, and workspace.
        self._cuts = {
            size: [
                (part.start, part.stop, network.workspace(part.stop - part.start))
                for part in cut(network, size)
            ]
            for size in dict.fromkeys(self.sizes)  # the largest first: its memory serves both
        }
        self.batches: list[list[Block]] = [] if self.X is None else self._cut(self.X)

    def _cut(self, X: Matrix) -> list[list[Block]]:
        """Return the batches as views of the chunk's memory and of X."""
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

    def fill(self, source: Samples, which: slice | NDArray[np.intp]) -> None:
        """Copy the samples given by a slice or by indices into the chunk's memory."""
        if self.X is None:  # sparse
            self.batches = self._cut(source.X[which])
        else:
            take_rows(source.X, which, out=self.X)
        take_rows(source.Y, which, out=self.Y)
        if source.weight is not None and self.weight is not None and self.share is not None:
            take_rows(source.weight, which, out=self.weight)
            of_batch = np.repeat(self.sizes, self.sizes)[:, None]
            np.divide(self.weight, of_batch, out=self.share)


def row_view(X: Matrix, rows: slice) -> Matrix:
    """Return consecutive rows without copying their values (as X[rows] does for CSR)."""
    if isinstance(X, np.ndarray):
        return X[rows]
    start, stop = X.indptr[rows.start], X.indptr[rows.stop]
    view = type(X)((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    # one by one: the constructor copies an array that is less than half of its base
    view.data, view.indices = X.data[start:stop], X.indices[start:stop]
    view.indptr = X.indptr[rows.start : rows.stop + 1] - start
    return view


def take_rows(source: NDArray[Any], which: slice | NDArray[np.intp], out: Array) -> None:
    """Copy rows into ``out``."""
    if isinstance(which, slice):
        np.copyto(out, source[which])
    elif source.dtype != out.dtype:  # bool targets become 0.0 and 1.0
        np.copyto(out, source.take(which, axis=0))
    else:
        source.take(which, axis=0, out=out, mode="clip")  # else take() buffers ``out``


def mean_of(value: Callable[[Array], Array], Y: Array, weights: NDArray[Any] | None) -> Any:
    """Return the weighted mean of a function of Y, in float64 and without a copy of all of Y."""
    total, mass = 0.0, 0.0
    for start in range(0, len(Y), ROWS):
        part = value(Y[start : start + ROWS].astype(np.float64))
        w = np.ones(len(part)) if weights is None else weights[start : start + ROWS].ravel()
        total, mass = total + np.dot(w, part), mass + float(w.sum())
    return total / mass
