"""Reading: from collections of Dask to parts of samples that stay on the cluster.

Each partition is checked by a worker as ``fit`` checks data on one machine, and tells what it has:
``Facts``. What only all of them tell (the classes, how frequent they are, the range and the spread
of the targets) is settled here, and sent to the workers, which make their samples of it. A
partition may be empty, and need not have samples of every class.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import _check_feature_names
from sklearn.utils.validation import _num_samples as count_rows

from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._estimator.constraints import refuse_missing
from sklearn_neuron._estimator.data import (
    FLOATS,
    Call,
    Data,
    Given,
    check_data,
    drop_weightless,
    features_of,
    own_weight,
    read_validation,
    to_dtype,
    total_weight,
    without_weight,
)
from sklearn_neuron._estimator.reporting import warn
from sklearn_neuron._estimator.state import TrainingState, scaled_weight
from sklearn_neuron._estimator.targets import Classes, Targets, class_factors, unique
from sklearn_neuron._estimator.units import Spread
from sklearn_neuron._extras import require
from sklearn_neuron.dask._averages import Watch
from sklearn_neuron.dask._cluster import Blocks, gathered, threads_of
from sklearn_neuron.dask._part import Part
from sklearn_neuron.dask._place import OnCluster

#: Bytes of X up to which partitions become one part, and that a partition should rather have.
SMALL_PART, GOOD_PART = 1_000_000, 50_000_000
#: Partitions of fewer bytes from which they are said to be many, in all and for each thread.
MANY_PARTS, MANY_FOR_EACH = 200, 20


class Checked(NamedTuple):
    """A partition that has been checked; None where it is empty."""

    X: Any
    y: Any
    weight: NDArray[np.float64] | None  # as the user gives it


class Facts(NamedTuple):
    """What a partition tells about its y."""

    n: int
    dtype: Any  # of X
    sparse: bool
    #: Of one column of classes, these; else the smallest and the largest y of each column, of the
    #: samples that have weight.
    y: NDArray[Any]
    #: The weight of each class, or of the samples with 1 in each column; and of all.
    counts: NDArray[np.float64]
    weight: float


class Encoded(NamedTuple):
    """What the network sees of y, and the weights before they are scaled; None without samples."""

    rows: NDArray[np.intp] | None  # of the partition; None for all
    Y: NDArray[Any]
    weight: NDArray[np.float64] | None


class Tally(NamedTuple):
    """What the samples of a partition tell once the targets are settled."""

    n: int
    weight: float
    spread: Spread | None


# ---- what workers do ----------------------------------------------------------------------------


@np.errstate(over="ignore")  # of a cast to float32, which is found in what it returns
def checked(number: int, X: Any, y: Any, weight: Any, reader: Any, dtype: Any) -> Checked | None:
    """Check a partition as ``fit`` checks data; the reader knows the features."""
    if X.shape[0] == 0 and len(y) == 0:
        return None
    try:
        reader = copy.copy(reader)
        refuse_missing(y)
        X, y = check_data(reader, Given(X, y, None), reader._targets, dtype, reset=False)
        return Checked(X, y, own_weight(weight, X.shape[0]))
    except (TypeError, ValueError) as error:
        raise of_partition(number, with_columns(error, X)) from None


def with_columns(error: Exception, frame: Any) -> Exception:
    """Return an error that names the columns of a dataframe that are not numbers, if any."""
    items = frame.items() if hasattr(frame, "columns") else ()
    named = list(filter(None, itertools.starmap(not_numbers, items)))
    if not named:
        return error
    return ValueError(
        f"The columns {', '.join(named)} are not numbers. Encode them, or select the others. "
        f"({error})"
    )


def not_numbers(name: Any, column: Any) -> str:
    """Return the name and the dtype of a column, or an empty string if it converts to floats."""
    found = f"{name!r} ({column.dtype})"
    if getattr(column.dtype, "kind", "O") in "mM":  # which convert, but not beside numbers
        return found
    try:
        column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return found
    return ""


def of_partition(number: int, error: Exception) -> Exception:
    """Return an error that names the partition; without its cause, which may not be sent."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"Partition {number}: {error}")


def facts_of(part: Checked | None, is_class: bool) -> Facts | None:
    """Return what a partition tells about its y."""
    if part is None:
        return None
    X, y, weight = part
    w = np.ones(len(y)) if weight is None else weight
    if is_class and (y.ndim == 1 or y.shape[1] == 1):
        values = unique("y", y.ravel())
        codes = np.searchsorted(values, y.ravel())
        y, counts = values, np.bincount(codes, w, minlength=len(values)).astype(np.float64)
    else:
        counts, y = (y.T == 1.0) @ w, y[w > 0.0]  # of other samples nothing is learned
        y = np.stack([y.min(axis=0), y.max(axis=0)]) if len(y) else y
    return Facts(X.shape[0], X.dtype, sparse.issparse(X), y, counts, float(w.sum()))


def encoded(
    part: Checked | None, number: int, targets: Targets, estimator: Any, dtype: Any
) -> Encoded | None:
    """Return the samples of a partition, given what the targets of all are."""
    if part is None:
        return None
    _, y, own = part
    try:
        _, target = targets.read(y, estimator, classes=None, known=True, is_block=True)
        weight = total_weight(estimator, targets, target, own, one_pass=True)
        if weight is not None and not weight.any():
            return None
        target, weight, rows = drop_weightless(weight, target, weight)
        _, Y = targets.encode(target, estimator, known=True)
        return Encoded(rows, to_dtype(Y, dtype), weight)
    except (TypeError, ValueError) as error:
        raise of_partition(number, error) from None


def tally_of(part: Encoded | None, targets: Targets) -> Tally:
    """Return what the samples of a partition tell."""
    if part is None:
        return Tally(0, 0.0, None)
    n = len(part.Y)
    weight = float(n) if part.weight is None else float(part.weight.sum())
    return Tally(n, weight, None if targets.stratified else targets.spread(part.Y, part.weight))


def part_of(
    wholes: Sequence[Checked],
    parts: Sequence[Encoded],
    first: int,
    n: int,
    factor: float,
    dtype: Any,
) -> Part:
    """Return a part of one or more partitions, with weights of mean 1 over all samples."""
    of = [samples_in(*each, factor, dtype) for each in zip(wholes, parts, strict=True)]
    return Part(of[0] if len(of) == 1 else stacked_samples(of), first, n)


def samples_in(whole: Checked, part: Encoded, factor: float, dtype: Any) -> Samples:
    """Return the samples of a partition."""
    rows, Y, weight = part
    X = (whole.X if rows is None else whole.X[rows]).astype(dtype, copy=False)
    scaled = scaled_weight(weight, len(Y), factor)
    return Samples(X, Y, None if scaled is None else to_dtype(scaled, dtype))


def stacked_samples(of: Sequence[Samples]) -> Samples:
    """Return all of these samples, one after the other."""
    X, Y, weights = zip(*of, strict=True)
    weight = None
    if any(each is not None for each in weights):
        ones = [np.ones((len(y), 1), x.dtype) for x, y in zip(X, Y, strict=True)]
        weight = np.concatenate([o if w is None else w for o, w in zip(ones, weights, strict=True)])
    rows = sparse.vstack(X, format="csr") if sparse.issparse(X[0]) else np.concatenate(X)
    return Samples(rows, np.concatenate(Y), weight)


# ---- collections --------------------------------------------------------------------------------


def partitions_of(X: Any, y: Any, sample_weight: Any) -> list[tuple[Any, Any, Any]]:
    """Return X, y and the sample weights of each partition, delayed."""
    columns = {"y": y} if sample_weight is None else {"y": y, "sample_weight": sample_weight}
    X = in_row_blocks(X)
    others = [aligned(name, of, X) for name, of in columns.items()]
    blocks = [delayed_of(collection) for collection in (X, *others)]
    if sample_weight is None:
        blocks.append([None] * len(blocks[0]))
    return list(zip(*blocks, strict=True))


def delayed_of(collection: Any) -> list[Any]:
    """Return the partitions as they are; optimized, small files of few columns become one."""
    if hasattr(collection, "simplify"):  # a dataframe: reads the columns that are asked for
        return list(collection.simplify().to_delayed(optimize_graph=False))
    return list(np.ravel(collection.to_delayed()))


def in_row_blocks(X: Any) -> Any:
    """Return X with all columns of a sample in one block."""
    if hasattr(X, "numblocks") and len(X.numblocks) == 2 and X.numblocks[1] > 1:
        return X.rechunk({1: -1})
    return X


def sizes_of(collection: Any) -> tuple[float, ...] | None:
    """Return the numbers of rows of the partitions, None if they are not known."""
    chunks = getattr(collection, "chunks", None)
    if chunks is None or np.isnan(chunks[0]).any():
        return None
    sizes: tuple[float, ...] = chunks[0]
    return sizes


def aligned(name: str, of: Any, X: Any) -> Any:
    """Return y or the sample weights in the partitions of X, or raise if they do not fit."""
    array = require("dask.array", "sklearn_neuron.dask.fit")
    sizes = sizes_of(X)
    if not hasattr(of, "to_delayed"):
        if np.ndim(of) == 0:
            raise TypeError(
                f"{name} must be a dask array, a dask series or array-like, with a row for each "
                f"sample; got {of!r}."
            )
        if sizes is None:
            dask = require("dask", "sklearn_neuron.dask.fit")
            sizes = dask.compute(*[dask.delayed(count_rows)(block) for block in delayed_of(X)])
        of = array.from_array(of.toarray() if sparse.issparse(of) else np.asarray(of), chunks=-1)
    own = sizes_of(of)
    if own is not None and sizes is not None:
        if sum(own) != sum(sizes):
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has "
                f"{sum(sizes)}, and {name} has {sum(own)}."
            )
        of = in_row_blocks(of)
        return of if own == sizes else of.rechunk({0: tuple(map(int, sizes))})
    if of.npartitions != X.npartitions:
        raise ValueError(
            f"X has {X.npartitions} partitions and {name} has {of.npartitions}, whose numbers of "
            "rows are not known. Call compute_chunk_sizes() on both arrays, or give columns of a "
            "dask dataframe as they are: frame[features] and frame['y'], without .values."
        )
    return of


# ---- reading ------------------------------------------------------------------------------------


def read_collections(
    estimator: Any,
    call: Call,
    targets: Targets,
    state: TrainingState,
    dtype: Any = None,
    *,
    client: Any,
    mini_batches: str,
    watch: Watch,
) -> Data:
    """Check collections of Dask and make samples of them on the cluster, as ``read`` does here.

    Parameters
    ----------
    estimator, call, targets, state, dtype
        As for ``read``.
    client : distributed.Client
        The way to the cluster.
    mini_batches : {"local", "synchronous"}
        How mini-batches are made.
    watch : Watch
        Is told of local epochs.
    """
    first, reader = dtype is None, reader_of(estimator, call.given.X, dtype)
    parts = partitions_of(*call.given)
    homes, blocks = placed(client, parts, reader, FLOATS if first else dtype)
    is_class = isinstance(targets, Classes)
    told = gathered(client, client.map(facts_of, blocks, is_class=is_class, pure=False))
    facts = [fact for fact in told if fact is not None]
    if not facts:
        raise ValueError("X has no samples: every partition is empty.")
    y = summary(facts, is_class=is_class)
    if not len(y):
        raise without_weight()
    targets, target = targets.read(y, estimator, classes=None, known=not first, is_block=False)
    targets, _ = targets.encode(target, estimator, known=not first)
    dtype = np.result_type(*(fact.dtype for fact in facts)) if first else dtype
    targets.check_dtype(dtype)
    shadow = with_class_weights(reader, targets, facts)
    samples = client.map(
        encoded,
        blocks,
        range(len(blocks)),
        targets=targets,
        estimator=shadow,
        dtype=dtype,
        pure=False,
    )
    tallies = gathered(client, client.map(tally_of, samples, targets=targets, pure=False))
    n, weight = sum(tally.n for tally in tallies), sum(tally.weight for tally in tallies)
    if not n:
        raise without_weight()
    state.forget_samples()
    factor = state.count(n, weight)
    sizes = [tally.n for tally in tallies]
    row_bytes = reader.n_features_in_ * np.dtype(dtype).itemsize
    hint_at_partitions(watch.name, len(parts), len(threads_of(client)), n * row_bytes)
    most, of = SMALL_PART // row_bytes, (blocks, samples)
    made = grouped(client, homes, of, sizes, most, n=n, factor=factor, dtype=dtype)
    place = OnCluster(made, n, facts[0].sparse, mini_batches, watch)
    held = held_target = None
    if not call.validation.missing():
        given = Given(*(in_memory(each) for each in call.validation))
        held, held_target = read_validation(estimator, reader, given, targets, dtype)
    _, Y = targets.encode(target[:1], estimator, known=True)
    spread = (
        joint_spread([t.spread for t in tallies], [t.weight for t in tallies]) if first else None
    )
    return Data(
        place,  # type: ignore[arg-type]
        (n, reader.n_features_in_, Y.shape[1]),
        dtype,
        False,
        targets,
        held,
        held_target,
        spread,
        None,
        features_of(reader),
    )


def reader_of(estimator: Any, X: Any, dtype: Any) -> Any:
    """Return an estimator that knows the parameters and the features, and nothing else."""
    reader = type(estimator)(**estimator.get_params(deep=False))
    if dtype is not None:
        vars(reader).update(features_of(estimator))
        return reader
    _check_feature_names(reader, getattr(X, "_meta", X), reset=True)
    reader.n_features_in_ = X.shape[1]
    return reader


def placed(
    client: Any, parts: Sequence[tuple[Any, Any, Any]], reader: Any, dtype: Any
) -> tuple[list[NDArray[np.intp]], list[Any]]:
    """Send partitions to the workers, in runs of equal numbers, where they are checked.

    Returns the numbers of the partitions of each group, and the futures of all.
    """
    delayed = require("dask", "sklearn_neuron.dask.fit").delayed
    check, threads = delayed(checked, pure=False), threads_of(client)
    runs = [run for run in np.array_split(np.arange(len(parts)), len(threads)) if len(run)]
    reader, blocks = delayed(reader, pure=False), []
    for run, address in zip(runs, threads, strict=False):
        tasks = [check(int(i), *parts[i], reader, dtype) for i in run]
        blocks += client.compute(tasks, workers=[address], allow_other_workers=True)
    return runs, blocks


def grouped(
    client: Any,
    runs: Sequence[NDArray[np.intp]],
    made_of: Sequence[Sequence[Any]],
    sizes: Sequence[int],
    most: int,
    **shared: Any,
) -> Blocks:
    """Return the parts of each group: its partitions, several together up to ``most`` rows.

    Those that have no samples are left out.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
    groups = []
    for run in runs:
        own = [i for i in run if sizes[i]]
        if own:
            some = bundles(own, sizes, most)
            of = [[[column[i] for i in each] for each in some] for column in made_of]
            firsts = [starts[each[0]] for each in some]
            groups.append(client.map(part_of, *of, firsts, pure=False, **shared))
    return Blocks(client, groups)


def bundles(own: Sequence[int], sizes: Sequence[int], most: int) -> list[list[int]]:
    """Return partitions in runs that have at most so many rows together, or are one."""
    found: list[list[int]] = []
    rows = most
    for i in own:
        rows += sizes[i]
        if rows > most:
            found.append([])
            rows = sizes[i]
        found[-1].append(i)
    return found


def hint_at_partitions(name: str, n_partitions: int, n_threads: int, n_bytes: float) -> None:
    """Warn of partitions that are so many and so small that their number takes the time."""
    if n_partitions < MANY_PARTS or n_partitions < MANY_FOR_EACH * n_threads:
        return
    if n_bytes > SMALL_PART * n_partitions:
        return
    fewer = max(2 * n_threads, math.ceil(n_bytes / GOOD_PART))
    warn(
        f"{name}: X has {n_partitions} partitions of {n_bytes / 1e6 / n_partitions:.2g} MB each, "
        f"for {n_threads} threads. Reading a partition costs some 10 ms, whatever its size, which "
        f"is more than its rows take. Call repartition(npartitions={fewer}) on the dataframe that "
        "X and y are columns of, or rechunk on arrays.",
        UserWarning,
    )


def summary(facts: Sequence[Facts], *, is_class: bool) -> NDArray[Any]:
    """Return a short y with the classes, or the least and the largest y, of all partitions."""
    kinds = {fact.y.dtype.kind for fact in facts}
    if kinds & set("OUST") and kinds & set("biuf"):
        raise ValueError(
            "The classes in y must be all numbers or all strings; some partitions have numbers, "
            "and others have strings."
        )
    if len({fact.y.shape[1:] for fact in facts}) > 1:
        raise ValueError("The partitions of y have different numbers of columns.")
    y = np.concatenate([fact.y for fact in facts])
    # classes are few among many samples, however many there are here
    return np.tile(unique("y", y), 4) if is_class and y.ndim == 1 else y


def with_class_weights(reader: Any, targets: Targets, facts: Sequence[Facts]) -> Any:
    """Return an estimator whose class weights are numbers: "balanced" is of all samples."""
    shadow = copy.copy(reader)
    choice = getattr(shadow, "class_weight", None)
    if not isinstance(targets, Classes) or choice is None:
        return shadow
    if targets.multilabel:
        ones = np.sum([fact.counts for fact in facts], axis=0)
        total = sum(fact.weight for fact in facts)
        each = [choice] * len(ones) if isinstance(choice, str) else choice
        if isinstance(each, list) and len(each) == len(ones):
            both = [np.array([total - k, k]) for k in ones]
            shadow.class_weight = [
                as_numbers(own, np.arange(2), of) for own, of in zip(each, both, strict=True)
            ]
        return shadow
    if isinstance(choice, str):
        counts = np.zeros(len(targets.classes))
        for fact in facts:
            counts[np.searchsorted(targets.classes, fact.y)] += fact.counts
        shadow.class_weight = as_numbers(choice, targets.classes, counts)
    return shadow


def as_numbers(choice: Any, classes: NDArray[Any], counts: NDArray[np.float64]) -> Any:
    """Return class weights as a dict, given the total weight of each class."""
    if not isinstance(choice, str):
        return choice
    factors = class_factors(choice, classes, np.arange(len(classes)), counts)
    return dict(zip(classes.tolist(), factors.tolist(), strict=True))


def joint_spread(spreads: Sequence[Spread | None], weights: Sequence[float]) -> Spread | None:
    """Return the spread of all targets, given that of each partition and its weight."""
    known = [(spread, w) for spread, w in zip(spreads, weights, strict=True) if spread is not None]
    if not known:
        return None
    w = np.array([weight for _, weight in known])
    means = np.stack([spread.mean for spread, _ in known])
    mean = w @ means / w.sum()
    within = np.array([spread.deviation**2 for spread, _ in known])
    variance = w @ (within + ((means - mean) ** 2).mean(axis=1)) / w.sum()
    return Spread(mean, float(np.sqrt(variance))) if np.isfinite(variance) else None


def in_memory(collection: Any) -> Any:
    """Return a collection of Dask as what it is a collection of."""
    return collection.compute() if hasattr(collection, "dask") else collection
