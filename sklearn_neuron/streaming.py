r"""Streams: the rows of blocks that arrive one after the other, in another order.

``partial_fit`` makes its updates in the order in which blocks arrive, and shuffles only within a
block. Where a file is sorted, by time for example, the last blocks pull the parameters towards
themselves. A buffer of N rows takes the order apart as far as it reaches: it is filled, a quarter
of its rows, drawn at random, leave it, and it is filled again. A stream of no more than N rows
leaves in an order that is uniformly random.

A block is a tuple of members, such as X and y, and members are joined as what they are. So all
blocks must agree with the first in the ``Form`` of each member, which is checked when a block
arrives: an error names the block, and a value is never changed in silence.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import _safe_indexing as rows_of
from sklearn.utils import check_random_state

from sklearn_neuron._typing import RandomState
from sklearn_neuron.exceptions import InvalidParameterTypeError

__all__ = ["shuffle_blocks"]

Members = tuple[Any, ...]
#: What is joined by a package of its own.
FRAMES = {
    "pandas": ("DataFrame", "Series"),
    "polars": ("DataFrame", "Series"),
    "pyarrow": ("Table", "RecordBatch", "ChunkedArray", "Array"),
}
#: What the values of arrays are, by the kind of their dtype; these are not joined to each other.
KINDS_OF_VALUES = (
    dict.fromkeys("biufc", "numbers") | dict.fromkeys("UST", "text") | {"O": "objects"}
)
BLOCKS = "an array, a sparse matrix, a data frame or an Arrow table, or a tuple of them"


def shuffle_blocks(
    blocks: Iterable[Any],
    *,
    buffer_size: int,
    block_size: int | None = None,
    random_state: RandomState = None,
) -> Iterator[Any]:
    """Yield the rows of a stream of blocks in another order, through a buffer of bounded size.

    Every row that enters leaves exactly once, together with its y and its weight.

    Parameters
    ----------
    blocks : iterable
        The blocks, one after the other, such as the batches of a file. A block is an array, a
        sparse matrix, a data frame (pandas, polars) or an Arrow table or record batch, or a tuple
        of them with the same number of rows, such as ``(X, y)`` or ``(X, y, sample_weight)``; a
        member may be None in all blocks. One block at a time is read, when it is needed. All must
        agree with the first one that has rows: in the names of columns, which may be in another
        order, or else in their number.
    buffer_size : int
        The largest number of rows that are held, besides the block that was read last. While a
        quarter of them is drawn, before it is yielded, there is a copy of them. The more rows, the
        better they are mixed: completely, if it is as large as the stream.
    block_size : int or None, default=None
        The number of rows of the blocks that are yielded, of which some are smaller. ``None`` is
        the number of rows of the first block.
    random_state : int, RandomState instance or None, default=None
        Determines the order. Pass an int for the same order at every call, and a RandomState
        instance for another order at every pass over the data.

    Returns
    -------
    iterator of object or tuple
        Blocks as they were given: one, or a tuple. Sparse matrices are in CSR format, data frames
        keep their index, and their columns in the order of the first block. Record batches become
        Arrow tables, and lists arrays.

    Raises
    ------
    ValueError
        If a size is not positive, if members of a block differ in their number of rows, or if
        blocks differ in their columns.
    TypeError
        If a size is not an integer, if ``blocks`` is itself a block, such as ``(X, y)``, or if
        blocks differ in their number or kind of members. Errors name the block, counted from 0.

    See Also
    --------
    LogisticNeuronClassifier.partial_fit : Learns from one block.

    Notes
    -----
    The buffer of ``shuffle`` in TensorFlow's ``tf.data`` and in Hugging Face's streamed data sets
    replaces one row at a time. This one replaces a quarter of its rows at a time, so that a row
    is copied about eight times, however small the blocks are. :ref:`guide-out-of-core` shows what
    a buffer is worth on a file that is sorted by time.

    Values are not changed. Where dtypes differ between blocks, numbers of arrays get their common
    dtype and columns of pandas what ``pandas.concat`` makes of them, from there on, but numbers are
    not joined with other values; types of polars and Arrow must be the same. An error of the reader
    is passed on, and the rows held are lost.

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
    check_stream(blocks)
    return buffered(iter(blocks), buffer_size, block_size, check_random_state(random_state))


def check_size(name: str, size: Any) -> None:
    """Raise unless a size is a positive integer."""
    if isinstance(size, bool) or not isinstance(size, Integral):
        raise InvalidParameterTypeError(f"{name} must be an integer; got {size!r}.")
    if size < 1:
        raise ValueError(f"{name} must be at least 1; got {size!r}.")


def check_stream(blocks: Any) -> None:
    """Raise unless it is an iterable of blocks. A block is iterable, too: as rows or columns."""
    given = type(blocks).__name__
    is_block = isinstance(blocks, str | bytes | Mapping) or package_of(blocks) is not None
    if isinstance(blocks, tuple) and not all(isinstance(block, tuple) for block in blocks):
        given, is_block = f"the tuple ({', '.join(type(each).__name__ for each in blocks)})", True
    if is_block or hasattr(blocks, "shape"):
        raise InvalidParameterTypeError(
            f"blocks must be an iterable of blocks, such as a generator or a list of tuples (X, y);"
            f" got {given}, which is one block at most. Shuffle what is in memory as a whole with "
            "sklearn.utils.shuffle."
        )
    if not isinstance(blocks, Iterable) and not hasattr(blocks, "__getitem__"):
        call = "; call it" if callable(blocks) else ""
        raise InvalidParameterTypeError(f"blocks must be an iterable of blocks; got {given}{call}.")


# ---- the buffer ---------------------------------------------------------------------------------


def buffered(
    blocks: Iterator[Any], buffer_size: int, block_size: int | None, rng: np.random.RandomState
) -> Iterator[Any]:
    """Fill the buffer, yield a quarter of it, and at the end all that is left."""
    held: list[Members] = []
    n_held, number, forms, single = 0, 0, None, True
    for block in blocks:
        members, n_rows = read_block(block, f"blocks[{number}]", forms)
        number += 1
        if not n_rows:
            continue
        if forms is None:
            forms, single = [form_of(member) for member in members], not isinstance(block, tuple)
            block_size = block_size or n_rows
        start = 0
        while start < n_rows:
            stop = min(n_rows, start + buffer_size - n_held)
            # a copy, as a reader may fill the same memory again
            held.append(taken(members, np.arange(start, stop)))
            n_held, start = n_held + stop - start, stop
            if n_held == buffer_size:
                n_leave = -(-buffer_size // 4)
                whole, order = joined(held), rng.permutation(n_held)
                # nothing is held twice while others work with those that leave
                whole, held = taken(whole, order[:n_leave]), [taken(whole, order[n_leave:])]
                n_held -= n_leave
                yield from pieces(whole, np.arange(n_leave), block_size, single)
                del whole
        del block, members  # before the next one is read
    if n_held:
        yield from pieces(joined(held), rng.permutation(n_held), block_size, single)


def taken(members: Members, index: Any) -> Members:
    """Return rows of all members."""
    return tuple(None if member is None else rows_of(member, index) for member in members)


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
    package = package_of(parts[0])
    if package is None:
        return np.concat(parts)
    loaded = sys.modules[package]
    if package != "pyarrow":
        return loaded.concat(parts)
    if isinstance(parts[0], loaded.Table):
        return loaded.concat_tables(parts)
    return loaded.chunked_array([chunk for part in parts for chunk in part.chunks], parts[0].type)


def pieces(members: Members, order: Any, block_size: Any, single: bool) -> Iterator[Any]:
    """Yield rows in an order, in blocks of a size, as tuples if the given blocks are."""
    for start in range(0, len(order), block_size):
        block = taken(members, order[start : start + block_size])
        yield block[0] if single else block


# ---- reading blocks -----------------------------------------------------------------------------


def read_block(block: Any, where: str, forms: list[Form] | None) -> tuple[Members, int]:
    """Return the members of a block and its number of rows, or raise if it does not fit."""
    members, places = (block,), [where]
    if isinstance(block, tuple):
        members, places = block, [f"{where}[{k}]" for k in range(len(block))]
    members = tuple(map(readable, members, places))
    counts = [count_rows(member) for member in members if member is not None]
    if not counts:
        raise ValueError(f"{where} must have at least one member that is not None.")
    if min(counts) != max(counts):
        raise ValueError(f"The members of {where} differ in their number of rows: {counts}.")
    if forms is None or counts[0] == 0:
        return members, counts[0]
    if len(members) != len(forms):
        raise TypeError(
            f"All blocks must have the same members; {where} has {len(members)}, and the first "
            f"block {len(forms)}."
        )
    return tuple(map(fitting, members, forms, places)), counts[0]


def count_rows(member: Any) -> int:
    """Return the number of rows of what :func:`readable` returned."""
    return int(member.shape[0]) if hasattr(member, "shape") else len(member)


def package_of(value: Any) -> str | None:
    """Return the package that joins a value, unless it is NumPy or SciPy."""
    for package, names in FRAMES.items():
        loaded = sys.modules.get(package)
        if loaded and isinstance(value, tuple(getattr(loaded, name) for name in names)):
            return package
    return None


def readable(member: Any, where: str) -> Any:
    """Return a member as something that rows can be taken of and joined, or raise."""
    package = package_of(member)
    if package == "pyarrow":
        arrow = sys.modules["pyarrow"]
        if isinstance(member, arrow.RecordBatch):
            return arrow.Table.from_batches([member])
        return arrow.chunked_array([member]) if isinstance(member, arrow.Array) else member
    if member is None or package:
        return member
    if sparse.issparse(member) and member.ndim == 2:
        return member.tocsr()
    advice = advice_on(member)
    if advice:
        raise TypeError(f"{where} is a {type(member).__name__}: {advice}")
    return array_of(member, where)


#: What to give in place of what would be misread.
ADVICE: dict[type | tuple[type, ...], str] = {
    Mapping: "give its values as a tuple, or a data frame that is made of it.",
    tuple: "a member of a block is not itself a tuple; join its parts to one array or frame.",
    (str, bytes): f"a block is {BLOCKS}.",
    np.ma.MaskedArray: "its mask would be lost; use filled(), for example with NaN.",
    (
        sparse.sparray,
        sparse.spmatrix,
    ): "sparse arrays of one dimension are not joined; use toarray().",
}


def advice_on(member: Any) -> str | None:
    """Return what to give in place of a member that would be misread."""
    for kinds, advice in ADVICE.items():
        if isinstance(member, kinds):
            return advice
    rows = member if isinstance(member, list) else []
    if any(isinstance(row, Mapping) for row in rows):
        return "make a data frame of its dicts."
    if any(np.ndim(row) > 1 or sparse.issparse(row) or package_of(row) for row in rows):
        return "give its members as a tuple, such as (X, y); a list is read as rows."
    return None


def array_of(member: Any, where: str) -> NDArray[Any]:
    """Return the array of a list or another array-like, or raise if it is none."""
    try:
        array = np.asarray(member)
    except ValueError as error:
        raise ValueError(f"{where} has rows that differ in their length.") from error
    if array.ndim == 0:
        raise TypeError(f"{where} is a {type(member).__name__}; a block is {BLOCKS}.")
    if isinstance(member, list) and array.dtype.kind in "US":
        values = np.asarray(member, dtype=object).ravel()
        if not all(isinstance(value, str | bytes) for value in values):
            raise TypeError(f"{where} mixes text with other values; make a data frame of it.")
    return array


# ---- what blocks have in common -----------------------------------------------------------------


class Form(NamedTuple):
    """What the blocks have in common in a member, so that parts of it can be joined."""

    kind: str
    columns: Members = ()  # the names, if it is a data frame or a table
    shape: tuple[int, ...] = ()  # of a row, if it is an array
    types: Members = ()  # those that do not join others


def form_of(member: Any) -> Form:
    """Return the form of a member."""
    package = package_of(member)
    if package:
        return Form(f"a {type(member).__name__} of {package}", *frame_columns(member, package))
    if member is None:
        return Form("None")
    if sparse.issparse(member):
        return Form("a sparse matrix", shape=member.shape[1:])
    kind = member.dtype.kind
    return Form("an array", (), member.shape[1:], (KINDS_OF_VALUES.get(kind, f"dtype {kind}"),))


def frame_columns(member: Any, package: str) -> tuple[Members, tuple[int, ...], Members]:
    """Return the names and types of columns; of pandas, whether they are numbers."""
    if package == "pyarrow":
        if isinstance(member, sys.modules[package].Table):
            return tuple(member.column_names), (), tuple(member.schema.types)
        return (), (), (member.type,)
    names = tuple(getattr(member, "columns", ()))
    if package == "pandas":
        columns = [column for _, column in member.items()] if names else [member]
        return names, (), tuple(map(pandas_kind, columns))
    return names, (), tuple(member.dtypes) if names else (member.dtype,)


def pandas_kind(column: Any) -> str | None:
    """Return whether a column is numbers, as pandas joins all numbers; None if all are missing."""
    if getattr(column.dtype, "kind", "O") in "biufc":
        return "numbers"
    return "other values" if column.notna().any() else None


def fitting(member: Any, first: Form, where: str) -> Any:
    """Return a member with its columns in the order of the first block, or raise."""
    form = form_of(member)
    if form.kind != first.kind:
        raise TypeError(
            f"{where} is {form.kind}, and in the first block it is {first.kind}. Convert one of "
            "them before."
        )
    if form.columns != first.columns:
        check_columns(form, first, where)
        names = list(first.columns)
        member = member[names] if package_of(member) == "pandas" else member.select(names)
        form = form_of(member)
    if form.shape != first.shape:
        raise ValueError(
            f"{where} has the shape {('n', *form.shape)}, and in the first block it is "
            f"{('n', *first.shape)}.".replace("'", "")
        )
    for name, own, other in zip(first.columns or [""], form.types, first.types, strict=False):
        if own != other and None not in {own, other}:
            column = f" column {name!r}" if first.columns else ""
            raise TypeError(
                f"{where}{column} holds {own}, and in the first block {other}. Convert one of "
                "them before."
            )
    return member


def check_columns(form: Form, first: Form, where: str) -> None:
    """Raise unless the columns are those of the first block, in another order."""
    missing = list((Counter(first.columns) - Counter(form.columns)).elements())
    further = list((Counter(form.columns) - Counter(first.columns)).elements())
    if missing or further:
        raise ValueError(
            f"{where} must have the columns of the first block; missing: {missing}, further: "
            f"{further}."
        )
    if len(set(first.columns)) < len(first.columns):
        raise ValueError(f"{where} has columns in another order, of which some share a name.")
