r"""Streams: the rows of blocks that arrive one after the other, in another order.

``partial_fit`` makes its updates in the order in which blocks arrive, and shuffles only within a
block. Where a file is sorted, by time for example, the last blocks pull the parameters towards
themselves. A buffer of N rows takes the order apart as far as it reaches: it is filled, a quarter
of its rows, drawn at random, leave it, and it is filled again. A stream of no more than N rows
leaves in an order that is uniformly random.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing as rows_of
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples as count_rows

from sklearn_neuron.exceptions import InvalidParameterTypeError

__all__ = ["shuffle_blocks"]

Members = tuple[Any, ...]


def shuffle_blocks(
    blocks: Iterable[Any],
    *,
    buffer_size: int,
    block_size: int | None = None,
    random_state: Any = None,
) -> Iterator[Any]:
    """Yield the rows of a stream of blocks in another order, through a buffer of bounded size.

    Every row that enters leaves exactly once, together with its y and its weight.

    Parameters
    ----------
    blocks : iterable
        The blocks, one after the other, such as the batches of a file. A block is an array, a
        sparse matrix or a data frame (pandas, polars), or a tuple of them with the same number of
        rows, such as ``(X, y)`` or ``(X, y, sample_weight)``; a member may be None in all blocks.
        One block at a time is read, when it is needed.
    buffer_size : int
        The largest number of rows that are held, besides the block that was read last. While some
        are drawn there is, for a moment, a copy of them. The more rows, the better they are
        mixed: completely, if it is as large as the stream.
    block_size : int or None, default=None
        The number of rows of the blocks that are yielded, of which some are smaller. ``None`` is
        the number of rows of the first block.
    random_state : int, RandomState instance or None, default=None
        Determines the order. Pass an int for the same order at every call, and a RandomState
        instance for another order at every pass over the data.

    Yields
    ------
    block : object or tuple
        As the blocks that were given: one, or a tuple. Sparse matrices are in CSR format, and data
        frames keep their columns and index.

    Raises
    ------
    ValueError
        If a size is not positive, or if members of a block differ in their number of rows.
    TypeError
        If a size is not an integer, or if blocks differ in their number or kind of members.

    See Also
    --------
    LogisticNeuronClassifier.partial_fit : Learns from one block.

    Notes
    -----
    The buffer of ``shuffle`` in TensorFlow's ``tf.data`` and in Hugging Face's streamed data sets
    replaces one row at a time. This one replaces a quarter of its rows at a time, so that a row
    is copied about eight times, however small the blocks are. :ref:`guide-out-of-core` shows what
    a buffer is worth on a file that is sorted by time.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> from sklearn_neuron.streaming import shuffle_blocks
    >>> X = np.linspace(-1, 1, 1000).reshape(-1, 1)  # sorted: a class after the other
    >>> y = (X[:, 0] > 0).astype(int)
    >>> blocks = [(X[i : i + 100], y[i : i + 100]) for i in range(0, 1000, 100)]
    >>> rng = np.random.RandomState(0)
    >>> neuron = LogisticNeuronClassifier(random_state=0)
    >>> for epoch in range(5):
    ...     for X_block, y_block in shuffle_blocks(blocks, buffer_size=500, random_state=rng):
    ...         neuron = neuron.partial_fit(X_block, y_block, classes=[0, 1])
    >>> neuron.score(X, y) > 0.95
    True
    """
    check_size("buffer_size", buffer_size)
    if block_size is not None:
        check_size("block_size", block_size)
    return buffered(iter(blocks), buffer_size, block_size, check_random_state(random_state))


def check_size(name: str, size: Any) -> None:
    """Raise unless a size is a positive integer."""
    if isinstance(size, bool) or not isinstance(size, Integral):
        raise InvalidParameterTypeError(f"{name} must be an integer; got {size!r}.")
    if size < 1:
        raise ValueError(f"{name} must be at least 1; got {size!r}.")


def buffered(
    blocks: Iterator[Any], buffer_size: int, block_size: int | None, rng: np.random.RandomState
) -> Iterator[Any]:
    """Fill the buffer, yield a quarter of it, and at the end all that is left."""
    held: list[Members] = []
    n_held, first = 0, None
    for block in blocks:
        members = block if isinstance(block, tuple) else (block,)
        n_rows = check_block(members, first)
        if not n_rows:
            continue
        if first is None:
            first, block_size = block, block_size or n_rows
        start = 0
        while start < n_rows:
            stop = min(n_rows, start + buffer_size - n_held)
            # a copy, as a reader may fill the same memory again
            held.append(taken(members, np.arange(start, stop)))
            n_held, start = n_held + stop - start, stop
            if n_held == buffer_size:
                n_leave = -(-buffer_size // 4)
                whole, order = joined(held), rng.permutation(n_held)
                held = [taken(whole, order[n_leave:])]
                n_held -= n_leave
                yield from pieces(whole, order[:n_leave], block_size, block)
                del whole
    if n_held:
        yield from pieces(joined(held), rng.permutation(n_held), block_size, first)


def check_block(members: Members, first: Any) -> int:
    """Return the number of rows of a block, or raise if it does not fit the first one."""
    counts: list[int] = [count_rows(member) for member in members if member is not None]
    if not counts:
        raise ValueError("A block must have at least one member that is not None.")
    if min(counts) != max(counts):
        raise ValueError(f"The members of a block differ in their number of rows: {counts}.")
    if first is None:
        return counts[0]
    known = first if isinstance(first, tuple) else (first,)
    kinds, expected = ([kind_of(member) for member in each] for each in (members, known))
    if kinds != expected:
        raise TypeError(
            f"All blocks must have the same members; got {', '.join(kinds)} after "
            f"{', '.join(expected)}."
        )
    return counts[0]


def kind_of(member: Any) -> str:
    """Return what a member of a block is joined as."""
    if member is None:
        return "None"
    if sparse.issparse(member):
        return "a sparse matrix"
    if package_of(member) is np:
        return "an array"
    return f"a {type(member).__name__} of {package_of(member).__name__}"


def package_of(member: Any) -> Any:
    """Return the package whose ``concat`` joins a member: pandas or polars, or else NumPy."""
    package = sys.modules.get(type(member).__module__.partition(".")[0])
    return package if hasattr(package, "concat") else np


def taken(members: Members, index: Any) -> Members:
    """Return rows of all members."""
    return tuple(
        None
        if member is None
        else rows_of(member.tocsr() if sparse.issparse(member) else member, index)
        for member in members
    )


def joined(parts: list[Members]) -> Members:
    """Return parts one below the other, and leave the list empty so that they need not stay."""
    columns = list(zip(*parts, strict=True))
    parts.clear()
    return tuple(stacked(list(column)) for column in columns)


def stacked(parts: list[Any]) -> Any:
    """Return parts of one member one below the other."""
    if len(parts) == 1 or parts[0] is None:
        return parts[0]
    if sparse.issparse(parts[0]):
        return sparse.vstack(parts, format="csr")
    return package_of(parts[0]).concat(parts)


def pieces(members: Members, order: Any, block_size: Any, like: Any) -> Iterator[Any]:
    """Yield rows in an order, in blocks of a size, as tuples if the given blocks are."""
    for start in range(0, len(order), block_size):
        block = taken(members, order[start : start + block_size])
        yield block if isinstance(like, tuple) else block[0]
